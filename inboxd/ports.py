"""Everything the daemon asks of the world: small protocols. Adapters fulfil them; bootstrap introduces them."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from inboxd.core.measure import Records
from inboxd.core.model import (
    Action,
    AgentName,
    Answer,
    Case,
    CaseNo,
    Counts,
    Decision,
    FirstMail,
    HeldWords,
    IssueLink,
    IssueNo,
    Job,
    JobKind,
    JobNo,
    KnownIssue,
    Letter,
    MailboxName,
    MessageId,
    MessageNo,
    Mode,
    Outgoing,
    OutgoingKind,
    OutgoingNo,
    OutgoingState,
    OutsideThread,
    PastCase,
    Person,
    PersonNo,
    Promise,
    RawMessage,
    Schedule,
    Scores,
    SentMessage,
    Situation,
    StoryLine,
    ToRead,
    Understood,
    Verdict,
)
from inboxd.core.reconcile import LedgerRow

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

    def list(self, since: int, identity: bool = False) -> Sequence[Listed]:
        """List all mails with UID >= since, in order of UID; with their identity where asked for."""

    def fetch(self, listed: Sequence[Listed]) -> Iterator[Sequence[Fetched]]:
        """Fetch whole mails in batches, never setting a flag. Each listed mail comes back exactly once."""

    def move(self, uids: Sequence[int], folder: str) -> Sequence[int]:
        """Move these mails of the folder last selected, and nothing else, into another folder, made where it is missing.

        Returns those that were still there: safe to run twice. Permanent: the server has no way to move a mail.
        """

    def move_on(self, message_id: MessageId, received_at: datetime, source: str, target: str) -> bool:
        """Move the mail with this Message-ID from one other folder of the account into another; False: it does not lie there."""

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

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        """Try once. `before_data` is awaited before the first byte of the mail leaves: what it raises means that nothing was sent.

        `then` is the one that comes next, if it is known: the server may be asked about it in the same breath.
        """

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
class MailboxState:
    """What the store remembers of a mailbox: the mode it ran in last, and since when."""

    mode: Mode
    since: datetime


FILED = "filed in "  # how the reason of a ledger row begins whose mail we moved into a folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A mail that a rule files, or that goes to a team's folder: the job, where it shall lie, and its UIDs where it came in.

    No UIDs: it is gone, or numbered anew. `lies_in` is where we moved it before, "" if we did not. `case`: the team's agents count on it.
    """

    job: JobNo
    message: MessageNo
    folder: str
    tries: int
    message_id: MessageId
    received_at: datetime
    uids: tuple[int, ...] = ()
    case: CaseNo | None = None
    lies_in: str = ""


class Transaction(Protocol):
    """Reads that belong to a write, and the write itself: it commits whole or not at all."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What raises inside is undone alone."""

    # --- fetch
    def see(
        self, mailbox: MailboxName, folder: Folder, item: Fetched, content_hash: str, now: datetime, read_at: datetime | None = None
    ) -> MessageNo | None:
        """Write a ledger row; for a new mail also its raw bytes and its triage job, due at `read_at`. None: no new message."""

    def stored_as(self, content_hash: str) -> MessageNo | None:
        """The stored message with this content."""

    def first_run(self, mailbox: MailboxName) -> datetime | None:
        """When the first folder of this mailbox was read for the first time."""

    def case_of(self, message: MessageNo) -> CaseNo | None:
        """The case in whose story a message stands, also where that was merged into another since."""

    def seen_before(self, mailbox: MailboxName, folder: str, listed: Listed) -> SightingState | None:
        """How the same mail (identity and size) ended under an earlier UIDVALIDITY of this folder."""

    def move_cursor(self, mailbox: MailboxName, cursor: Cursor) -> None:
        """The folder is read up to here."""

    def filings(self, mailbox: MailboxName, cursor: Cursor, now: datetime, limit: int) -> tuple[Filing, ...]:
        """Due jobs that file a mail of this folder, oldest first. Nobody but the loop of the folder asks: none is taken in hand."""

    def filed(self, filings: Sequence[Filing], mailbox: MailboxName, cursor: Cursor, moved: Collection[int]) -> None:
        """The jobs are gone, and the ledger says which of their mails were moved."""

    def file_later(self, filings: Sequence[Filing], at: datetime, error: str) -> None:
        """Try these again at this time."""

    def park_filings(self, filings: Sequence[Filing], error: str, now: datetime) -> None:
        """A person must look: these mails cannot be moved."""

    def triage_again(self, message: MessageNo, now: datetime) -> None:
        """A stored message that nobody decided about gets its triage job back."""

    # --- facts
    def case(self, number: CaseNo) -> Case | None:
        """A case; one that was merged leads to the case it was merged into."""

    def person(self, number: PersonNo, case: CaseNo | None = None) -> Person | None:
        """A customer; with a case, by the address from which they wrote last in it."""

    def person_of(self, email: str) -> Person | None:
        """The customer with this address."""

    def sent(self, ids: Sequence[MessageId]) -> dict[MessageId, SentMessage]:
        """Those of these Message-IDs that are ours."""

    def not_left_yet(self, case: CaseNo, agent: AgentName, now: datetime) -> SentMessage | None:
        """This agent's latest words to the customer, while they still wait to leave."""

    def sent_for(self, purpose: str) -> SentMessage | None:
        """Our outgoing message that served this purpose."""

    def last_sent(self, case: CaseNo, kinds: Sequence[OutgoingKind], agent: AgentName | None = None) -> SentMessage | None:
        """Our latest outgoing message of these kinds in the case (to or from this agent, if named)."""

    def asked(self, case: CaseNo, kinds: Sequence[OutgoingKind]) -> tuple[tuple[PersonNo, int], ...]:
        """Who was sent a message of these kinds in the case, and in which round; the latest first."""

    def cases_by_id(self, ids: Sequence[MessageId]) -> dict[MessageId, CaseNo]:
        """The cases of messages with these ids, or that referred to them."""

    def participates_in(self, email: str, case: CaseNo) -> bool:
        """Whether this address belongs to the case's customer or to one of its other readers."""

    def open_case_of(self, person: PersonNo, mailbox: MailboxName) -> Case | None:
        """The person's latest case in this mailbox that is neither resolved, closed nor merged."""

    def owed(self, person: PersonNo) -> bool:
        """Whether this person said of some case that it is not solved, and it is open since."""

    def contacts(self, person: PersonNo, since: datetime) -> tuple[datetime, ...]:
        """When this person had to write to us, oldest first."""

    def written_in_case(self, case: CaseNo) -> datetime | None:
        """When the customer wrote last in this case."""

    def story(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The case's messages, oldest first."""

    def past_case(self, person: PersonNo, before: CaseNo) -> PastCase | None:
        """The last case of this person before this one that has come to an end."""

    def loads(self) -> dict[AgentName, int]:
        """Open cases per agent."""

    def upset_since(self, since: datetime) -> dict[AgentName, int]:
        """Cases of upset people that began since then, per agent who has them, answered ones too."""

    def known_by(self, person: PersonNo) -> frozenset[AgentName]:
        """Agents who had a part in earlier cases of this person."""

    def last_cases(self, agents: Sequence[AgentName]) -> dict[AgentName, int]:
        """The newest case that each agent holds."""

    def counts(self, mailbox: MailboxName, email: str, case: CaseNo | None, now: datetime) -> Counts:
        """How much went out lately."""

    def next_numbers(self) -> tuple[CaseNo, PersonNo]:
        """The numbers that a new case and a new person would get."""

    def held_answers(self, case: CaseNo, round_: int) -> tuple[tuple[datetime, Answer], ...]:
        """Mailto answers of this round that wait for their two minutes."""

    def not_handed_over(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The customer's messages since the case was last handed to its agent."""

    def thread_of(self, case: CaseNo) -> tuple[MessageId, ...]:
        """Message-IDs of the exchange with the customer, oldest first: theirs and ours."""

    def agent_threads(self, case: CaseNo) -> dict[AgentName, MessageId]:
        """The Message-ID of the last routed mail that each agent got in this case."""

    def outside_threads(self, case: CaseNo) -> dict[str, OutsideThread]:
        """The exchange with each person outside the case whom an agent asked, by address."""

    def corrected(self, case: CaseNo) -> dict[str, str]:
        """What people said was read wrongly in this case: field -> what is right, the latest word."""

    def situation(self, message: MessageNo) -> Situation | None:
        """The facts by which a message was decided; its long texts are left to the raw mail."""

    def decided_to_send(self, purpose: str, case: CaseNo) -> Situation | None:
        """The facts by which it was decided to send the letter of this purpose."""

    def understood(self, message: MessageNo) -> Understood | None:
        """What a message was understood as when it was decided; its long texts are left to the raw mail."""

    def latest_message(self, case: CaseNo) -> MessageNo | None:
        """The customer's latest message in the case; where they have not written yet, the agent's that began it."""

    def first_mails(self, mailbox: MailboxName | None, since: datetime, until: datetime, *, texts: bool = True) -> tuple[FirstMail, ...]:
        """The customers' mails that began their cases, by arrival, from `since` to before `until`; of all mailboxes for None."""

    def first_received(self, mailbox: MailboxName) -> datetime | None:
        """When the first mail of a customer ever came."""

    def open_cases(self, mailbox: MailboxName | None = None) -> tuple[Case, ...]:
        """Cases that are open, waiting or resolved, oldest first."""

    def find(self, words: str, limit: int) -> tuple[Case, ...]:
        """The newest cases in whose subject or mails all these words stand."""

    def to_share_out(self, mailbox: MailboxName, there: Collection[AgentName]) -> tuple[Case, ...]:
        """Open cases that wait for somebody, were lent, or whose holder is not there: upset people first, then important, then old ones."""

    def jobs_of(self, case: CaseNo) -> tuple[JobKind, ...]:
        """The kinds of the jobs that wait for this case."""

    def waiting_jobs(self, case: CaseNo) -> tuple[Job, ...]:
        """The jobs that wait for this case, with their dates."""

    def promises(self, case: CaseNo) -> tuple[Promise, ...]:
        """What agents promised in this case and did not take back, past days too, in the order of their days."""

    def promised_by(self, agent: AgentName, since: date) -> tuple[Promise, ...]:
        """What this agent promised for that day or later, whoever has the case now."""

    def joined(self, person: PersonNo) -> frozenset[str]:
        """Addresses that `same as` gave to this person and that can be given back now."""

    def issue(self, number: IssueNo) -> KnownIssue | None:
        """A known issue, open or mended."""

    def open_issues(self, mailbox: MailboxName) -> tuple[KnownIssue, ...]:
        """The known issues of this mailbox that are not mended, oldest first."""

    def issue_from(self, source: str) -> KnownIssue | None:
        """The issue that was opened in answer to this alarm."""

    def next_issue(self) -> IssueNo:
        """The number that a new issue would get."""

    def issues_of(self, case: CaseNo) -> frozenset[IssueNo]:
        """The issues that a case, or one merged into it, is about."""

    def told_cases(self, mailbox: MailboxName) -> frozenset[CaseNo]:
        """The cases whose customer heard that an issue is mended, and has not written in them since."""

    def issue_links(self, issue: IssueNo) -> tuple[IssueLink, ...]:
        """The cases that are about an issue, with the customers whom we know them by now."""

    def absences(self) -> dict[AgentName, tuple[date, date]]:
        """What agents said by mail of their being away: the first and the last day."""

    def greeted(self) -> frozenset[AgentName]:
        """The agents who are no newcomers: they were greeted, or worked here before newcomers were."""

    def signatures(self, agent: AgentName) -> tuple[str, ...]:
        """What was learnt of an agent's signature: the lines of each, parted by line breaks."""

    def replies_of(self, agent: AgentName, apart: CaseNo, limit: int) -> tuple[StoryLine, ...]:
        """This agent's words to customers among the latest so many, one for each case but this one."""

    def held_words(self, case: CaseNo) -> tuple[HeldWords, ...]:
        """Words in this case that wait, or waited, for a mentor, oldest first."""

    def given_at(self, case: CaseNo) -> datetime | None:
        """When the case was given to whoever has it now."""

    def due_of(self, case: CaseNo, kind: JobKind) -> datetime:
        """When the case's job of this kind is due; the end of time if there is none."""

    def mailbox_state(self, mailbox: MailboxName) -> MailboxState | None:
        """The mode this mailbox ran in last."""

    def set_mailbox_state(self, mailbox: MailboxName, state: MailboxState) -> None:
        """Remember the mode."""

    def events(self, kinds: Sequence[str], mailbox: MailboxName, since: datetime) -> tuple[Mapping[str, object], ...]:
        """What happened in a mailbox since then, oldest first: {at, kind, case, **data}."""

    # --- record
    def record(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write message, reading, decision, case, people, events and jobs. Letters are left to `reserve` and `queue`."""

    def record_due(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write what was decided about a date of a case, with its facts and its reasons."""

    def apply(self, actions: Sequence[Action], mailbox: MailboxName, now: datetime) -> None:
        """Write the actions of a due job."""

    def reserve(self, letter: Letter, message_id: MessageId, now: datetime) -> OutgoingNo | None:
        """Take the letter's purpose; None if it was served before (I2)."""

    def enclosed(self, message: MessageNo) -> bytes:
        """The raw bytes of a stored message."""

    def queue(self, number: OutgoingNo, envelope_from: str, envelope_to: Sequence[str], raw: bytes, text: str, at: datetime) -> None:
        """Store the final bytes with a send job."""

    def greet(self, agent: AgentName, now: datetime) -> None:
        """This agent is no newcomer any more."""

    def remember_ruleset(self, hash_: str, files: str, now: datetime) -> None:
        """Keep the rules that decisions name."""

    # --- jobs
    def schedule(self, job: Schedule) -> None:
        """Add a job, or move the date of the one with this key."""

    def schedule_once(self, job: Schedule) -> None:
        """Add a job unless there is one with this key."""

    def received(self, mailbox: MailboxName, since: datetime, apart_from: str = "") -> int:
        """How many messages came in since then, those of one folder apart."""

    def holds(self, job: Job) -> bool:
        """Whether the job is still in hand: not called off, and not given another date since it was claimed."""

    def done(self, job: Job) -> None:
        """The job is gone, together with its effects."""

    def retry(self, job: Job, at: datetime, error: str, counts: bool = True) -> None:
        """Try again at this time; `counts` adds to its tries."""

    def park(self, job: Job, error: str, now: datetime) -> None:
        """A person must look; the job keeps its bytes and does not block the next one."""

    def unpark(self, number: JobNo, now: datetime) -> bool:
        """Try a parked job again."""

    def drop(self, number: JobNo, now: datetime) -> bool:
        """Give a parked job up; its mail stays stored."""

    # --- learning
    def correct(self, case: CaseNo, values: Mapping[str, str], by: str, now: datetime) -> bool:
        """Keep what was read wrongly in this case, and put its topic and feeling right; False: there is no such case with mail in it.

        A topic belongs to the case's first mail, all else to its latest.
        """

    # --- sending
    def set_outgoing(
        self,
        number: OutgoingNo,
        state: OutgoingState,
        reply: str = "",
        now: datetime | None = None,
        ambiguous: bool = False,
    ) -> None:
        """Move a send to this state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedJob:
    """What `inboxd parked` shows of a job that a person must look at."""

    number: JobNo
    kind: JobKind
    case: CaseNo | None
    message: MessageNo | None
    outgoing: OutgoingNo | None
    parked_at: datetime
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDecision:
    """A stored decision with the facts of then. Long texts were not kept with it: `Message.text`, headers and stories are empty."""

    number: int
    message: MessageNo
    case: CaseNo | None
    at: datetime
    ruleset: str
    situation: Situation
    actions: tuple[Action, ...]
    letters: tuple[str, ...]  # the purposes of the letters that left
    trace: tuple[str, ...]


class Store(Protocol):
    """What is remembered. The store is synchronous: one connection that writes, one lock."""

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[Transaction]:
        """The only way to write. What is durable is on the disk when this ends; else with the next one that is.

        All that was written before something durable is on the disk with it, so work that does nothing outside the store need not wait.
        """

    def claim(self, kinds: Sequence[JobKind], now: datetime, limit: int) -> list[Job]:
        """Take due jobs in hand, oldest first; one that was in hand at an unclean stop comes alone."""

    def release(self, jobs: Sequence[Job]) -> None:
        """Put claimed jobs back untouched (a clean stop)."""

    def next_due(self, kinds: Sequence[JobKind]) -> datetime | None:
        """When the next job of these kinds is due; None if there is none. Jobs in hand do not count."""

    def in_hand(self, kinds: Sequence[JobKind]) -> int:
        """How many jobs of these kinds are in hand."""

    def raw(self, message: MessageNo) -> RawMessage:
        """The mail as it lay in the mailbox."""

    def outgoing(self, number: OutgoingNo) -> Outgoing:
        """A stored outgoing message."""

    def cursor(self, mailbox: MailboxName, folder: str) -> Cursor | None:
        """How far the folder was read; None before the first run."""

    def case(self, number: CaseNo) -> Case | None:
        """A case by its number."""

    def ledger(self, mailbox: MailboxName, folder: str) -> Sequence[LedgerRow]:
        """Every mail ever listed in this folder, with what became of it."""

    def decisions(self, since: datetime, after: int, limit: int) -> list[PastDecision]:
        """Decisions that rules had a part in, in order, from the one after this number."""

    def parked(self) -> tuple[ParkedJob, ...]:
        """The jobs that a person must look at."""

    def records(self, since: datetime) -> Records:
        """All cases that something happened to since then, or that are not over, each with its whole story: what measures are made of."""

    def first_mails(self, mailbox: MailboxName | None, since: datetime, until: datetime) -> tuple[FirstMail, ...]:
        """The customers' mails that began their cases, by arrival, with what they are about."""

    def look(self, sql: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """Answer a reading command or a count; never writes."""

    def need_sound(self) -> None:
        """Raise UnusableStore where the store is damaged, or was taken away from under us."""

    def close(self) -> None:
        """Checkpoint and let go; never raises."""
