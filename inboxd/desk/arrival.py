"""When a mail came in, by its own header lines."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from inboxd.core.parse import parse

HEAD = 65536  # bytes in which these lines stand


def arrival(raw: bytes) -> tuple[datetime, str] | None:
    """When a mail came in, and the name of the line that says so: the topmost Received, else Date (RFC 5322, 3.6); None if none does."""
    message = parse(raw[:HEAD])
    for name, value in (("Received", message.header("received").rpartition(";")[2]), ("Date", message.header("date"))):
        try:
            at = parsedate_to_datetime(value) if value.strip() else None
            if at is not None:
                return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC), name
        except (ValueError, TypeError, IndexError, OverflowError):
            pass  # no date that a calendar has
    return None


def received(raw: bytes) -> datetime | None:
    """When a mail came in; None if it does not say."""
    found = arrival(raw)
    return found[0] if found else None
