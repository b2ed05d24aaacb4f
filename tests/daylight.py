"""Where it is day now. Customers are asked while they are up: a test with a real clock would wait till morning."""

from __future__ import annotations

from datetime import UTC, datetime

NOON = 12


def zone_of_noon() -> str:
    """A time zone in which it is between twelve and one o'clock, as settings name it (its sign is that of POSIX)."""
    ahead = NOON - datetime.now(UTC).hour  # noqa: TID251  the daemons of these tests read the real clock
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
