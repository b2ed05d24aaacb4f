"""A daemon with everything real that can be in trouble: an IMAP client against a server on the loopback, the loops in threads."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inboxd import logs
from inboxd.adapters.control import ControlServer, path_in
from inboxd.adapters.imap import ImapMailbox
from inboxd.bootstrap import STORE_FILE
from inboxd.config import ServerSettings
from inboxd.core.model import MailboxName, MessageId, Outgoing
from inboxd.daemon.deliver import Post
from inboxd.daemon.fetch import Source
from inboxd.daemon.supervise import Supervisor
from inboxd.desk.control import answer
from inboxd.ports import Fetched, Folder, Listed, Mailbox, Mailer
from tests.adapters.fake_imap import FakeImap
from tests.daemon.test_supervise import BOUND, WaitingClock
from tests.daemon.world import calm
from tests.fakes import FakeMailbox, FakeMailer, FakeReader
from tests.stories.day import ACME, Day

ADMIN = "admin@acme.example"
INBOX = "fetch:acme:INBOX"


@dataclass
class Switch:
    """A mailbox whose server can be exchanged, as when a name leads elsewhere; it says when it waits for mail."""

    now: Mailbox
    waiting: queue.Queue[str] = field(default_factory=queue.Queue)
    _woken: threading.Event = field(default_factory=threading.Event)

    def select(self) -> Folder:
        return self.now.select()

    def list(self, since: int, identity: bool = False) -> Sequence[Listed]:
        return self.now.list(since, identity)

    def fetch(self, listed: Sequence[Listed]) -> Iterator[Sequence[Fetched]]:
        return self.now.fetch(listed)

    def move(self, uids: Sequence[int], folder: str) -> Sequence[int]:
        return self.now.move(uids, folder)

    def move_on(self, message_id: MessageId, received_at: datetime, source: str, target: str) -> bool:
        return self.now.move_on(message_id, received_at, source, target)

    def wait(self, timeout: timedelta) -> None:
        self.waiting.put("wait")
        self._woken.wait(BOUND)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        self.now.close()


class Patient(Supervisor):
    """A supervisor whose pauses last until a test ends them."""

    naps: queue.Queue[float]
    again: queue.Queue[str]

    def _nap(self, source: Source, seconds: float) -> None:
        source.mailbox.close()
        self.naps.put(seconds)
        while not self.stopping.is_set():
            try:
                self.again.get(timeout=0.1)
                return
            except queue.Empty:
                continue


@dataclass
class Ward:
    """The daemon under trouble. `trouble()` lets it meet it, `pass_` lets time go by as the supervisor sees it."""

    folder: Path
    reader: FakeReader = field(default_factory=calm)
    mailer: Mailer | None = None
    seconds: float = 0.0  # of real time
    full: str = ""
    said: list[str] = field(default_factory=list)
    delivered: queue.Queue[Outgoing] = field(default_factory=queue.Queue)
    others: dict[MailboxName, Mailer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = WaitingClock()
        self.server = FakeImap(uidvalidity=1).start()
        self.post_office = FakeMailer(deliver=self.delivered.put)
        self.day = Day(
            reader=self.reader,
            clock=self.clock,
            mailbox=FakeMailbox(),
            mailer=self.post_office,
            store_path=self.folder / "state" / STORE_FILE,
        )
        self.box = Switch(self.imap())
        mailers: dict[MailboxName, Mailer] = {ACME: self.mailer or self.post_office, **self.others}
        self.daemon = Patient(
            office=self.day.office,
            sources=[Source(name=ACME, mailbox=self.box, folder="INBOX")],
            post=Post(mailers=mailers, jitter=lambda: 0.0),
            load_rules=lambda: self.day.office.rules,
            fingerprint=lambda: "same",
            notify=self.said.append,
            room=lambda: self.full,
            steady=lambda: self.seconds,
        )
        self.daemon.naps, self.daemon.again = queue.Queue(), queue.Queue()
        self.log = io.StringIO()
        logs.to(self.log)

    def imap(self, **changes: Any) -> ImapMailbox:
        """A client of the server; `host`, `port`, `tls`, `ca_file` and `password` may differ."""
        password = changes.pop("password", lambda: self.server.password)
        given: dict[str, Any] = {"host": "localhost", "port": self.server.port, "user": "support", "tls": "no"}
        settings = ServerSettings(**(given | changes))
        return ImapMailbox(settings, password, "INBOX", max_bytes=1_000_000, timeout=0.5)

    # --- life

    def begin(self) -> None:
        self.daemon.start()
        self.box.waiting.get(timeout=BOUND)

    def end(self) -> None:
        self.daemon.stopping.set()
        self.box.wake()
        self.daemon.finish()
        self.server.stop()
        logs.to(None)

    # --- trouble

    def look(self) -> None:
        """End its wait for mail."""
        self.box.wake()

    def meet(self) -> float:
        """End its wait for mail and let it run into what is wrong; returns how long it would pause."""
        self.look()
        return self.daemon.naps.get(timeout=BOUND)

    def well(self) -> None:
        """End its pause, and return when it waits for mail."""
        self.box.waiting.queue.clear()
        self.daemon.again.put("again")
        self.box.waiting.get(timeout=BOUND)
        self.daemon._tend()

    def pass_(self, minutes: int) -> None:
        """Real time and the date go on, and the supervisor looks around."""
        self.daemon._tend()
        for _ in range(minutes):
            self.seconds += 60
            self.clock.move(timedelta(minutes=1))
            self.daemon._tend()

    def routed(self) -> Outgoing:
        """The next routed mail that leaves."""
        while (mail := self.delivered.get(timeout=BOUND)).kind != "routed":
            pass
        return mail

    def told(self) -> list[str]:
        """What the admin was told so far, as it lies in the store: subject and text."""
        rows = self.day.store.look("select text from outgoing join outgoing_raw on outgoing = id where recipient = ? order by id", ADMIN)
        return [row["text"] for row in rows]

    # --- what people see

    @contextmanager
    def control(self) -> Iterator[None]:
        """The control socket, as `inboxd run` opens it."""
        server = ControlServer(path_in(self.folder / "state"), lambda request: answer(self.daemon, request))
        server.start()
        try:
            yield
        finally:
            server.stop()


def until(ask: Callable[[], object]) -> None:
    """Look until it is so; another thread is about to make it so."""
    end = threading.Event()
    for _ in range(int(BOUND * 200)):
        if ask():
            return
        end.wait(0.005)
    raise AssertionError("it never came to be so")


def at(clock: WaitingClock, when: datetime) -> None:
    """Somebody sets the clock."""
    clock.at = when
