"""A lock that is had in turns: who lets it go and wants it again stands behind whoever waits."""

from __future__ import annotations

import threading
from types import TracebackType


class Turns:
    """Like `threading.RLock`, which gives a loop that writes one transaction after the other no reason to let go in between."""

    def __init__(self) -> None:
        self._gate, self._lock = threading.Lock(), threading.Lock()
        self._owner, self._depth = 0, 0

    @property
    def is_mine(self) -> bool:
        """Whether this thread has it."""
        return self._owner == threading.get_ident()

    def __enter__(self) -> None:
        if not self.is_mine:
            with self._gate:  # whoever is inside is next
                self._lock.acquire()
            self._owner = threading.get_ident()
        self._depth += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self._lock.release()
