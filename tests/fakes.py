"""Small honest implementations of the ports: they keep state, and tests look at what is in them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from inboxd.core.model import MessageId, Outgoing, Scores, ToRead, Verdict
from inboxd.errors import Temporary
from inboxd.ports import Fetched, Folder, Listed, SightingState

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that moves when a test says so; identifiers that count."""

    at: datetime = MONDAY
    _count: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def now(self) -> datetime:
        return self.at

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        wake.clear()

    def fresh(self) -> str:
        return f"{next(self._count):026d}".translate(str.maketrans("0123456789", "abcdefghij"))

    def move(self, by: timedelta) -> None:
        self.at += by


@dataclass
class FakeMailbox:
    """A folder in memory with UIDs, as a server keeps it."""

    name: str = "INBOX"
    uidvalidity: int = 1
    mails: dict[int, tuple[bytes, datetime]] = field(default_factory=dict)
    next_uid: int = 1
    down: bool = False
    closed: int = 0
    others: dict[str, FakeMailbox] = field(default_factory=dict)  # the other folders of the same account
    moves: list[tuple[tuple[int, ...], str]] = field(default_factory=list)
    refuses_to_move: Exception | None = None

    def put(self, raw: bytes, at: datetime) -> int:
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.mails[uid] = (raw, at)
        return uid

    def renumber(self) -> None:
        """The server lost its index: UIDVALIDITY changes, UIDs begin at 1 again."""
        kept = list(self.mails.values())
        self.uidvalidity += 1
        self.mails = dict(enumerate(kept, 1))
        self.next_uid = len(kept) + 1

    def select(self) -> Folder:
        if self.down:
            raise Temporary("the server is away")
        return Folder(name=self.name, uidvalidity=self.uidvalidity, uidnext=self.next_uid)

    def list(self, since: int, identity: bool = False) -> Sequence[Listed]:
        return [
            Listed(uid=uid, size=len(raw), internaldate=at, identity=str(hash(raw)) if identity else "")
            for uid, (raw, at) in sorted(self.mails.items())
            if uid >= since
        ]

    def fetch(self, listed: Sequence[Listed]) -> Iterator[Sequence[Fetched]]:
        for start in range(0, len(listed), 3):
            yield [self._one(item) for item in listed[start : start + 3]]

    def _one(self, item: Listed) -> Fetched:
        if item.uid not in self.mails:
            return Fetched(listed=item, state=SightingState.GONE)
        return Fetched(listed=item, state=SightingState.STORED, raw=self.mails[item.uid][0])

    def move(self, uids: Sequence[int], folder: str) -> Sequence[int]:
        if self.refuses_to_move is not None:
            raise self.refuses_to_move
        self.moves.append((tuple(uids), folder))
        here = [uid for uid in uids if uid in self.mails]
        for uid in here:
            self.others.setdefault(folder, FakeMailbox(name=folder)).put(*self.mails.pop(uid))
        return here

    def move_on(self, message_id: MessageId, received_at: datetime, source: str, target: str) -> bool:
        if self.refuses_to_move is not None:
            raise self.refuses_to_move
        there = self.others.get(source, FakeMailbox(name=source))
        uid = next((uid for uid, (raw, _) in there.mails.items() if f"<{message_id}>".encode() in raw), None)
        if uid is None:
            return False
        self.others.setdefault(target, FakeMailbox(name=target)).put(*there.mails.pop(uid))
        return True

    def wait(self, timeout: timedelta) -> None:
        return

    def wake(self) -> None:
        return

    def close(self) -> None:
        self.closed += 1


@dataclass
class FakeMailer:
    """A mail server that takes everything, unless told how to answer the next attempts."""

    delivered: list[Outgoing] = field(default_factory=list)
    answers: list[Verdict] = field(default_factory=list)
    deliver: Callable[[Outgoing], None] | None = None

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        verdict = self.answers.pop(0) if self.answers else Verdict(sent=True, reply="250 ok")
        if verdict.sent or verdict.ambiguous:
            await before_data()
        if verdict.sent:
            self.delivered.append(outgoing)
            if self.deliver:
                self.deliver(outgoing)
        return verdict

    async def close(self) -> None:
        return


@dataclass
class FakeReader:
    """Reads by a function of the test, or raises on the words a test plants."""

    scores: Callable[[ToRead], Scores] = lambda text: Scores(language="en")
    model: str = "fake-1"

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        return [self.scores(text) for text in texts]
