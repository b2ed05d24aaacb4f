"""The store in one SQLite file: WAL, each commit on the disk, one connection, one lock."""
