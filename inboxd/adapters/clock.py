"""The time, chance, and fresh identifiers: the one place where they come from."""

from __future__ import annotations

import base64
import random  # noqa: TID251  # jitter only; identifiers come from `secrets`
import secrets
import threading
from datetime import UTC, datetime

_LONGEST = 60.0  # seconds: a clock that was set, or a machine that slept, is noticed after this


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        return datetime.now(UTC)  # noqa: TID251

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        """Wait until this time, a minute at most, or until woken; clears `wake`."""
        seconds = _LONGEST if at is None else min((at - self.now()).total_seconds(), _LONGEST)
        if seconds > 0:
            wake.wait(seconds)
        wake.clear()

    def fresh(self) -> str:
        """26 characters of [a-z2-7], 128 unguessable bits."""
        return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def jitter() -> float:
    """A number from 0 to 1, so that many waiting for one thing do not come at once."""
    return random.random()
