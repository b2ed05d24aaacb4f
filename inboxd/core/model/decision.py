"""What is to happen: a tuple of actions, with the reasons beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from inboxd.core.model.case import Case, CaseEvent, CaseState, Person, Promise, Role
from inboxd.core.model.issue import KnownIssue
from inboxd.core.model.job import JobKind
from inboxd.core.model.mail import Address
from inboxd.core.model.names import AgentName, CaseNo, IssueNo, MessageNo, OutgoingNo, PersonNo, TeamName
from inboxd.core.model.outgoing import Letter
from inboxd.core.model.situation import HeldWords


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """A new case; its number and, for a new customer, the person's number were given in the situation."""

    case: Case
    person: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """The message belongs to this case; its readers become participants."""

    case: CaseNo
    participants: tuple[Address, ...] = ()
    role: Role | None = Role.CUSTOMER  # None: said among ourselves, no part of the case's story
    contact: bool = False  # counts as a contact of the person


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The case moves; `changes` are columns set with it (all named in `Case`)."""

    case: CaseNo
    event: CaseEvent
    state: CaseState
    changes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """The case goes to this agent, with the reason in words."""

    case: CaseNo
    agent: AgentName
    team: TeamName | None
    why: str
    backlog: TeamName | None = None
    lent_by: AgentName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Labels add up."""

    case: CaseNo
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correct:
    """A person says what was read wrongly in the case: it stands there right now, and the reader learns from it."""

    case: CaseNo
    values: Mapping[str, str]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Two cases are one: whatever comes later for the first happens to the second."""

    case: CaseNo
    into: CaseNo
    hand_over: bool = False  # whoever has the second has not got its mails that wait for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A message begins a case of its own: a copy of it is decided anew. With `leaves` it is no part of this case any more."""

    case: CaseNo
    message: MessageNo
    leaves: bool
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAs:
    """This address is this person's, too; whoever had it before becomes the same person. What was changed stands in the event."""

    person: PersonNo
    email: str
    by: AgentName


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSameAs:
    """This address is not this person's: it goes back to whom it was taken from, with their cases and those begun from it since."""

    person: PersonNo
    email: str
    by: AgentName


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """Promises of this case end before their day: those of one message, or those for `since` and later."""

    case: CaseNo
    why: str  # "cancelled", "undone", "undelivered"
    message: MessageNo | None = None
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropReader:
    """This reader does not get the answers any more."""

    case: CaseNo
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """An agent is away from the first day to the last, both included; `last` before `first` ends what was said before."""

    agent: AgentName
    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIssue:
    """A known issue is open, with the cases that are about it; the number of one that was opened before: its text is another."""

    issue: KnownIssue
    cases: tuple[CaseNo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIssue:
    """This case is about the issue, too."""

    issue: IssueNo
    case: CaseNo


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseIssue:
    """The issue is mended: each case that is about it gets its job."""

    issue: IssueNo
    text: str = ""
    by: str = ""
    texts: tuple[tuple[str, str], ...] = ()
    tell_from: datetime | None = None  # not before; None: at once


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleIssue:
    """The customer of this case was told, or is not, and why."""

    issue: IssueNo
    case: CaseNo
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """What this agent's words to the customer were, and have not left yet, does not leave."""

    outgoing: OutgoingNo
    message: MessageNo | None = None  # in which they were written: no part of the story any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Words that were taken back have moved nothing: these columns are as they were, and what was noted with them is gone."""

    case: CaseNo
    said_at: datetime
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnSignature:
    """These last lines of an agent's mails are no words for anybody. In practice they were shown to the agent."""

    agent: AgentName
    lines: tuple[str, ...]
    practice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetSignatures:
    """What was learnt of this agent's signature is no longer left out, nor learnt again by itself."""

    agent: AgentName


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldWords:
    """These words wait until the mentor lets them go."""

    held: HeldWords


@dataclass(frozen=True, slots=True, kw_only=True)
class EndHold:
    """Held words wait no longer; those that were released stand in the case's story as their agent's."""

    message: MessageNo
    how: str  # as in HeldWords.ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Something happened that no other action says: a row of `event`."""

    kind: str
    case: CaseNo | None = None
    data: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A job with a date; the same key again moves the date."""

    kind: JobKind
    key: str
    at: datetime
    case: CaseNo | None = None
    payload: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Jobs of these kinds for this case are gone."""

    case: CaseNo
    kinds: tuple[JobKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """The customer's mails go into the folder of the team that has the case: its agents read them there, and nothing is mailed."""

    case: CaseNo
    folder: str
    messages: tuple[MessageNo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePerson:
    """Columns of a person: language, no_follow_up, asked_at, name."""

    person: PersonNo
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkOutgoing:
    """A bounce came back for one of ours."""

    outgoing: OutgoingNo
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A letter leaves."""

    letter: Letter
    at: datetime | None = None  # not before


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """A person must look: the job stays, with the reason."""

    reason: str


Action = (
    OpenCase
    | Join
    | Advance
    | Assign
    | Label
    | Correct
    | Merge
    | Split
    | SameAs
    | NotSameAs
    | Promise
    | TakeBack
    | DropReader
    | Absent
    | OpenIssue
    | LinkIssue
    | CloseIssue
    | SettleIssue
    | Withdraw
    | Restore
    | LearnSignature
    | ForgetSignatures
    | HoldWords
    | EndHold
    | Log
    | Schedule
    | Cancel
    | Deliver
    | ChangePerson
    | MarkOutgoing
    | Send
    | Park
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to happen, in order, with the reasons beside it. Nothing else acts."""

    actions: tuple[Action, ...] = ()
    because: tuple[str, ...] = ()
    trace: tuple[str, ...] = ()  # each rule, yes or no, with the value that decided it
    case: CaseNo | None = None
    words: str | None = None  # what an agent wrote to the customer: stands as this message's new text
    later: datetime | None = None  # decide again at this time; nothing else is done now
