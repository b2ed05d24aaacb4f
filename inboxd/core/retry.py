"""How long to wait before the next try of a send, and when to tell a person."""

from __future__ import annotations

from datetime import timedelta

STEPS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: "at least 4-5 days"
TELL_AFTER = timedelta(hours=4)


def wait(tries: int, waited: timedelta, jitter: float) -> timedelta | None:
    """Tell how long to wait after `tries` deferrals; None: stop trying, tell a person. `jitter` is 0..1."""
    if waited >= GIVE_UP_AFTER:
        return None
    step = STEPS[min(max(tries, 1), len(STEPS)) - 1]
    return step * (1 + 0.2 * jitter)


def backoff(failures: int, jitter: float) -> timedelta:
    """Tell how long to wait before connecting again: 1 s doubling to 5 minutes, jittered. `jitter` is 0..1."""
    return timedelta(seconds=min(300.0, 2.0 ** min(max(failures, 1) - 1, 12)) * (0.5 + jitter / 2))
