"""The commands an operator types. They print and never decide; data to standard output, talk to standard error."""

from inboxd.cli import issues, learn, operate, report, rules  # noqa: F401  # each adds its commands to the app
from inboxd.cli.common import app

__all__ = ["app"]
