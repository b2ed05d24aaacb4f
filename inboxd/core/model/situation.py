"""All facts that a decision may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from inboxd.core.model.case import Case, PastCase, Person, Promise, StoryLine
from inboxd.core.model.issue import AboutIssue, KnownIssue, Mended
from inboxd.core.model.job import Job, JobKind
from inboxd.core.model.names import AgentName, CaseNo, MailboxName, MessageId, MessageNo, PersonNo
from inboxd.core.model.outgoing import SentMessage
from inboxd.core.model.reading import Answer, Sentiment, Understood


class Mode(StrEnum):
    """How far inboxd goes in a mailbox: only think, route to agents, or everything."""

    WATCH = "watch"
    ROUTE = "route"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxFacts:
    """What the core must know of a mailbox (= brand)."""

    name: MailboxName
    address: str
    brand: str  # "Acme Support"
    mode: Mode = Mode.FULL
    language: str = "en"
    aliases: tuple[str, ...] = ()
    plus_addresses: bool = True
    authserv_id: str = ""
    subject_tag: bool = True
    junk: str = ""  # the folder into which the server files spam, where it is watched
    file: bool = False  # mail may be moved where a rule says `file_in`, or a team `deliver: folder`
    sent: str = ""  # the folder of the mail that people write in the mailbox itself, where it is watched
    resolved: str = ""  # the folder into which people move what is done, where it is watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much automatic mail went out lately (I4)."""

    to_address_week: int = 0
    acknowledged_day: int = 0
    case_automatic_day: int = 0
    case_mails_hour: int = 0
    no_case_hour: int = 0  # to the address, about no case
    mailbox_automatic_10_minutes: int = 0
    breaker: bool = False  # the mailbox's brake fell: nothing automatic leaves until the admin says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An agent who could get a case, with the facts of this moment."""

    name: AgentName
    open_cases: int
    knows_customer: bool = False
    away: bool = False
    last_case: int = 0  # the newest case they hold: who got one longest ago is next
    upset_today: int = 0  # cases of upset people among them that began today; counted where a team has a limit


class ProofKind(StrEnum):
    """How a mail proved that it belongs to what we sent (I6)."""

    SIGNED_ADDRESS = "signed_address"
    MESSAGE_ID = "message_id"
    OWN_SERVER = "own_server"  # our own server proved the agent's address (dmarc=pass); outside of cases only


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProof:
    """Proof that this mail is the agent's: which case, and whether words go to the customer or stay among us."""

    agent: AgentName
    case: CaseNo | None
    words_to_customer: bool  # True: reply to the routed mail or to a returned text; False: commands or a note
    by: ProofKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerProof:
    """Proof that this mail answers our follow-up; `said` is set for the two mailto lines."""

    case: CaseNo
    round: int
    said: Answer | None
    by: ProofKind
    from_customer: bool  # False: a valid token from another address


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWords:
    """An agent's words to a customer that a mentor reads before they leave."""

    message: MessageNo  # in which they were written
    case: CaseNo
    agent: AgentName
    mentor: AgentName  # who was sent them
    words: str
    at: datetime
    ended: str = ""  # "": they wait; else "released", "overtaken" or "undone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What is needed to send held words as if their agent replied just now."""

    held: HeldWords
    understood: Understood
    replied_to: SentMessage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """What words that have not left yet found when they were decided about: it is so again if they are taken back."""

    message: MessageNo  # in which they were written
    said_at: datetime
    case: Case | None
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something of ours in a mail that a customer would read: what it is, where it stands, and the words around it."""

    place: str
    what: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideThread:
    """The exchange with somebody outside the case whom an agent asked."""

    ids: tuple[MessageId, ...]  # theirs and ours, oldest first
    subject: str = ""  # of their last mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All facts a decision may use, as they are now. Stored whole with the decision, so that it can be replayed."""

    now: datetime
    mailbox: MailboxFacts
    understood: Understood
    person: Person | None = None  # the sender, if a customer we know
    next_case: CaseNo = CaseNo(0)  # the number that a new case would get
    next_person: PersonNo = PersonNo(0)
    case: Case | None = None  # the case this message joined
    joined_by: str = ""  # "signed address", "In-Reply-To", ...
    customer: Person | None = None  # of the case
    related: CaseNo | None = None  # an open case of the same person
    owed: bool = False  # this person said no, in this case or another, and waits for a person's word since
    story: tuple[StoryLine, ...] = ()
    past: PastCase | None = None
    contacts: tuple[datetime, ...] = ()  # earlier contacts of this person
    asked_for: bool = False  # we asked for this mail
    candidates: Mapping[AgentName, Candidate] = field(default_factory=dict)
    agent: AgentName | None = None  # the sender's address is this agent's
    agent_proof: AgentProof | None = None
    replied_to: SentMessage | None = None  # ours, that this mail answers
    answer_proof: AnswerProof | None = None
    bounced: SentMessage | None = None
    counts: Counts = Counts()
    held_answers: tuple[tuple[datetime, Answer], ...] = ()  # mailto answers that wait for their two minutes
    not_handed_over: tuple[StoryLine, ...] = ()  # the customer's messages that the agent has not got yet
    customer_thread: tuple[MessageId, ...] = ()  # Message-IDs of the exchange with the customer, oldest first
    agent_threads: Mapping[AgentName, MessageId] = field(default_factory=dict)  # what each agent got last in this case
    outside_threads: Mapping[str, OutsideThread] = field(default_factory=dict)  # with whom agents wrote besides, by address
    feeling_before: Sentiment | None = None  # of the customer's mail before this one in the case
    dmarc_pass: bool = False  # our own server proved the sender's domain (RFC 7489)
    authentication: str = "unknown"  # our own server's check of the sender: "pass", "fail", "unknown"
    ours: frozenset[str] = frozenset()  # the addresses of all our mailboxes: none of them is a reader
    oversize: int = 0  # bytes of a mail of which only the first part was fetched
    false_claim: bool = False  # it went to an address that only an agent has, and nothing proves that it is theirs
    unconfirmed: bool = False  # an agent's by what it answers, but our own server does not confirm the sender: nothing in it is obeyed
    held_reply: SentMessage | None = None  # words of this agent to the customer that have not left yet
    unsaid: Unsaid | None = None  # what was before these words
    jobs: tuple[Job, ...] = ()  # that wait for the case in which an agent writes, with their dates
    named: Mapping[CaseNo, Case] = field(default_factory=dict)  # cases that an agent's mail names by number
    known: Mapping[str, Person] = field(default_factory=dict)  # customers whose addresses an agent's mail names
    forwarder: AgentName | None = None  # the agent who passed this customer's mail on (`for: their address`)
    leaks: tuple[Leak, ...] = ()  # what of our own was about to reach a customer: the text goes back to its agent
    acts: tuple[JobKind, ...] = ()  # jobs that wait for the case
    promises: tuple[Promise, ...] = ()  # that were made in this case and not taken back
    given_at: datetime | None = None  # when a case that was lent, or waits for somebody to be free, was given to whoever has it now
    joined: frozenset[str] = frozenset()  # addresses that `same as` gave to this customer: they can be given back
    signatures: tuple[str, ...] = ()  # of the agent who writes, as learnt: the lines of each
    own_replies: tuple[StoryLine, ...] = ()  # this agent's latest words in other cases, one of each
    practised: int = 0  # practice replies of this agent within the hour
    held_words: tuple[HeldWords, ...] = ()  # words in this case that wait, or waited, for a mentor
    to_release: Released | None = None  # the mail whose words wait, where this mail answers the one that showed them
    issues: tuple[KnownIssue, ...] = ()  # open ones that this mail, or the case, is about
    about_issue: AboutIssue | None = None  # of an agent's mail that answers an alarm, or a mail about a known issue
    mended: Mended | None = None  # what this job is to tell
