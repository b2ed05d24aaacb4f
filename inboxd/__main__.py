"""`python -m inboxd` and the command `inboxd`."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from inboxd.cli import app

    app()


if __name__ == "__main__":
    main()
