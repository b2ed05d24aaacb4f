"""What the tests of the loops need besides the fakes: a mailbox with oddities, and a kill at any call of a port."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import Scores, ToRead
from inboxd.ports import Fetched, Listed, SightingState
from tests.fakes import FakeMailbox, FakeReader


def mail(number: int, text: str = "Where is my lamp?", sender: str = "", extra: str = "") -> bytes:
    """A customer's mail as it lies in a mailbox."""
    sender = sender or f"Customer {number} <c{number}@customers.example>"
    head = f"{extra}Message-ID: <m{number}@customers.example>\r\nFrom: {sender}\r\nTo: support@acme.example\r\nSubject: Lamp {number}\r\n"
    return f"{head}Date: Mon, 16 Nov 2026 09:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


def calm() -> FakeReader:
    """Reads nothing special into any text; no model is loaded."""
    return FakeReader(scores=_calm)


def _calm(_text: ToRead) -> Scores:
    return Scores(language="en", topics=(("delivery", 0.9),), model="fake-1")


@dataclass
class OddMailbox(FakeMailbox):
    """A mailbox in which some mails are too big, cannot be fetched, or vanish after they were listed."""

    odd: dict[int, tuple[SightingState, str]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    vanishing: set[int] = field(default_factory=set)
    fetched: list[int] = field(default_factory=list)
    batch: int = 3

    def put_odd(self, raw: bytes, at: datetime, state: SightingState, size: int, why: str = "the server refused it 3 times") -> int:
        uid = self.put(raw, at)
        self.odd[uid], self.sizes[uid] = (state, why), size
        return uid

    def list(self, since: int, identity: bool = False) -> Sequence[Listed]:
        found = [
            Listed(uid=each.uid, size=self.sizes.get(each.uid, each.size), internaldate=each.internaldate, identity=each.identity)
            for each in super().list(since, identity)
        ]
        for uid in self.vanishing:
            self.mails.pop(uid, None)
        return found

    def fetch(self, listed: Sequence[Listed]) -> Iterator[Sequence[Fetched]]:
        for start in range(0, len(listed), self.batch):
            yield [self._one(item) for item in listed[start : start + self.batch]]

    def _one(self, item: Listed) -> Fetched:
        self.fetched.append(item.uid)
        if item.uid not in self.odd:
            return super()._one(item)
        state, why = self.odd[item.uid]
        raw = self.mails[item.uid][0] if state is SightingState.OVERSIZE else None
        return Fetched(listed=item, state=state, raw=raw, why=why)


class Killed(BaseException):
    """The process ends here: nothing of ours catches this."""


@dataclass
class Fuse:
    """Burns at the n-th moment between two things that the process does."""

    at: int
    moments: int = 0

    def burn(self) -> None:
        self.moments += 1
        if self.moments == self.at:
            raise Killed


class _Killing:
    def __init__(self, real: Any, fuse: Fuse) -> None:
        self._real, self._fuse = real, fuse

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if not callable(real):
            return real

        def call(*values: Any, **more: Any) -> Any:
            self._fuse.burn()
            result = real(*values, **more)
            self._fuse.burn()
            return result

        return call


class KillingTransaction(_Killing):
    """A transaction in which any call may be the last."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._real.savepoint():
            yield
            self._fuse.burn()


class KillingStore(_Killing):
    """A store at which any call may be the last: before it, after it, just before a commit, just after one."""

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[KillingTransaction]:
        self._fuse.burn()
        with self._real.transaction() as tx:
            yield KillingTransaction(tx, self._fuse)
            self._fuse.burn()
        self._fuse.burn()


class KillingMailbox(_Killing):
    """A mailbox at which any call may be the last, also between two batches."""

    def fetch(self, listed: Sequence[Listed]) -> Iterator[Sequence[Fetched]]:
        for batch in self._real.fetch(listed):
            self._fuse.burn()
            yield batch
            self._fuse.burn()


def killed(store: SqliteStore) -> SqliteStore:
    """The process was killed: nothing is put in order, the kernel lets the lock go. Returns the store of the next process."""
    path = Path(store.path)
    store._connection.close()
    assert store._file is not None
    store._file.close()
    return SqliteStore(path)
