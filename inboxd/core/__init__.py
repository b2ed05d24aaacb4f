"""The thinking: data in, data out. Nothing here reads a file, a socket or a clock."""
