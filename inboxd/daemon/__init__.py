"""The loops: each a plain function that does one thing once."""
