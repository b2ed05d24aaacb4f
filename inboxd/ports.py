"""Everything the daemon asks of the world: small protocols. Adapters fulfil them; bootstrap introduces them."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from inboxd.core.model import (
    Answer,
    AnswerProof,
    Case,
    CaseNo,
    Decision,
    Job,
    JobKind,
    JobNo,
    Letter,
    MailboxFacts,
    MailboxName,
    MessageNo,
    Mode,
    Outgoing,
    OutgoingNo,
    OutgoingState,
    RawMessage,
    Scores,
    Situation,
    ToRead,
    Understood,
    Verdict,
)

# --- mail in -----------------------------------------------------------------------------------------------------


class SightingState(StrEnum):
    """How a listed mail ended: each UID ever listed has one (I1, reconcile)."""

    STORED = "stored"
    COPY = "copy"  # the same mail, already stored
    BEFORE = "before"  # lay there before the first run (I10)
    OVERSIZE = "oversize"
    UNFETCHABLE = "unfetchable"
    GONE = "gone"  # listed, then moved or deleted by somebody before we had it


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A selected folder: UIDs mean something only together with this UIDVALIDITY (RFC 9051, 2.3.1.1)."""

    name: str
    uidvalidity: int
    uidnext: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A mail as the server lists it. `identity` is a hash of Message-ID, Date and From ("" unless asked for)."""

    uid: int
    size: int
    internaldate: datetime  # aware, UTC
    identity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One mail fetched, or the reason why not (`raw` is None unless state is stored; oversize carries its headers)."""

    listed: Listed
    state: SightingState
    raw: bytes | None = None
    why: str = ""


class Mailbox(Protocol):
    """One folder on an IMAP server. Any method may raise Temporary (connection gone: call `select` again) or Permanent."""

    def select(self) -> Folder:
        """Connect if need be and open the folder for reading; raises Temporary or Permanent (wrong password, no such folder)."""

    def list(self, since: int, identity: bool = False) -> list[Listed]:
        """List all mails with UID >= since, in order of UID; with their identity where asked for."""

    def fetch(self, listed: Sequence[Listed]) -> Iterator[list[Fetched]]:
        """Fetch whole mails in batches, never setting a flag. Each listed mail comes back exactly once."""

    def wait(self, timeout: timedelta) -> None:
        """Return when something may have changed or the time is over (IDLE, or just the time). Real time."""

    def wake(self) -> None:
        """End a `wait` of another thread at once."""

    def close(self) -> None:
        """Let go of the connection; never raises."""


# --- reading, sending, time ----------------------------------------------------------------------------------------


class Reader(Protocol):
    """Topic, feeling, language and answer of texts. Total: it never raises on a text."""

    @property
    def model(self) -> str:
        """Name and version of the model, as stored with each reading."""

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        """Read a batch; as many scores as texts, in the same order."""


class Mailer(Protocol):
    """Hands one outgoing message to SMTP."""

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]]) -> Verdict:
        """Try once. `before_data` is awaited between the last RCPT and DATA: what it raises means that nothing was sent."""

    async def close(self) -> None:
        """Let go of the connection; never raises."""


class Clock(Protocol):
    """Business time and fresh identifiers. Sockets, backoff and watchdog use real time instead."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        """Wait until this time or until woken (None: only until woken); clears `wake`."""

    def fresh(self) -> str:
        """26 characters of [a-z2-7], 130 unguessable bits."""


# --- store ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a folder was read."""

    folder: str
    uidvalidity: int
    next_uid: int
    first_run_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a letter needs to become final bytes: number, Message-ID, date."""

    number: OutgoingNo
    message_id: str
    at: datetime


class Transaction(Protocol):
    """All writes happen in one of these; it commits whole or not at all."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What raises inside is undone alone."""

    # fetch
    def see(self, mailbox: MailboxName, folder: Folder, item: Fetched | Listed, state: SightingState, now: datetime) -> MessageNo | None:
        """Write a ledger row; for a new stored mail also the raw bytes and its triage job. None: known already."""

    def move_cursor(self, mailbox: MailboxName, folder: Folder, next_uid: int, now: datetime) -> None:
        """The folder is read up to here."""

    # triage
    def gather(self, understood: Understood, mailbox: MailboxFacts, now: datetime) -> Situation:
        """All facts about this message, as they are now. Allocates the numbers a new case and person would get."""

    def gather_case(self, case: CaseNo, mailbox: MailboxFacts, now: datetime) -> Situation:
        """The same facts for a case whose job is due: its latest customer message stands for the message."""

    def record(self, situation: Situation, decision: Decision, rules: str) -> tuple[Letter, ...]:
        """Write message, reading, decision, case, events and jobs. Returns the letters that still need bytes."""

    def stamp(self, letter: Letter, message_id: str, now: datetime) -> Stamp | None:
        """Reserve an outgoing message; None if this purpose was served before (I2)."""

    def enclose(self, letter: Letter) -> tuple[tuple[MessageNo, bytes], ...]:
        """The raw mails that a letter carries."""

    def queue(self, letter: Letter, stamp: Stamp, envelope_from: str, envelope_to: Sequence[str], raw: bytes, text: str) -> OutgoingNo:
        """Store the final bytes with a send job."""

    # jobs
    def done(self, job: Job) -> None:
        """The job is gone, together with its effects."""

    def retry(self, job: Job, at: datetime, error: str) -> None:
        """Try again at this time."""

    def park(self, job: Job, error: str, now: datetime) -> None:
        """A person must look; the job keeps its bytes and does not block the next one."""

    # sending
    def sending(self, outgoing: OutgoingNo) -> None:
        """An attempt begins."""

    def dot_sent(self, outgoing: OutgoingNo) -> None:
        """The final dot may be sent from now on."""

    def sent(self, outgoing: OutgoingNo, verdict: Verdict, now: datetime) -> None:
        """The server took it."""

    def set_outgoing(self, outgoing: OutgoingNo, state: OutgoingState, reply: str) -> None:
        """The send ended in this state."""


class Store(Protocol):
    """What is remembered. The store is synchronous: one connection, one lock."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """The only way to write."""

    def claim(self, kinds: Sequence[JobKind], now: datetime, limit: int) -> list[Job]:
        """Take due jobs in hand, oldest first; one that was in hand at an unclean stop comes alone."""

    def next_due(self, kinds: Sequence[JobKind]) -> datetime | None:
        """When the next job of these kinds is due; None if there is none."""

    def raw(self, message: MessageNo) -> RawMessage:
        """The mail as it lay in the mailbox."""

    def outgoing(self, number: OutgoingNo) -> Outgoing:
        """A stored outgoing message."""

    def cursor(self, mailbox: MailboxName, folder: str) -> Cursor | None:
        """How far the folder was read; None before the first run."""

    def case(self, number: CaseNo) -> Case | None:
        """A case by its number."""

    def close(self) -> None:
        """Checkpoint and let go; never raises."""

