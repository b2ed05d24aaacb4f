"""`python -m inboxd` and the command `inboxd`."""

from __future__ import annotations

import errno
import sys


def main() -> None:
    """Run the command line."""
    from inboxd.cli import app

    try:
        app()
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            raise
        sys.stderr.write("inboxd: what this prints cannot be written: no space left on device\n")
        sys.stdout = None  # what is left of it cannot be written either
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
