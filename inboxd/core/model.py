"""The nouns: message, person, case, situation, decision. Plain frozen data; everything else is a function over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType, Protocol

MailboxName = NewType("MailboxName", str)
AgentName = NewType("AgentName", str)
TeamName = NewType("TeamName", str)
TopicName = NewType("TopicName", str)
MessageNo = NewType("MessageNo", int)  # our own number of an incoming message, as in logs
CaseNo = NewType("CaseNo", int)
PersonNo = NewType("PersonNo", int)
OutgoingNo = NewType("OutgoingNo", int)
JobNo = NewType("JobNo", int)
IssueNo = NewType("IssueNo", int)
MessageId = NewType("MessageId", str)  # RFC 5322, 3.6.4, without the angle brackets


class Kind(StrEnum):
    """What sort of mail this is: a person's, or one of the machines' (all others are automatic)."""

    PERSON = "person"
    AUTO_RESPONSE = "auto_response"
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    FEEDBACK_REPORT = "feedback_report"
    LIST = "list"
    AUTO_GENERATED = "auto_generated"
    SPAM = "spam"
    LOOP = "loop"
    OWN = "own"


class Sentiment(StrEnum):
    """How the writer feels, as far as the words show it."""

    UPSET = "upset"
    UNHAPPY = "unhappy"
    NEUTRAL = "neutral"
    HAPPY = "happy"


class Answer(StrEnum):
    """What an answer to the follow-up says."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    UNCLEAR = "unclear"
    SATISFIED_AND_NEW = "satisfied_and_new"


class CaseState(StrEnum):
    """Where a case stands; the moves between them are in `lifecycle.TRANSITIONS`."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


class Outcome(StrEnum):
    """How a case ended by the customer's own word; `unknown` is never counted as satisfied."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    UNKNOWN = "unknown"
    WON_BACK = "won_back"
    COULD_NOT = "could_not"


class Mode(StrEnum):
    """How far inboxd goes in a mailbox: only think, route to agents, or everything."""

    WATCH = "watch"
    ROUTE = "route"
    FULL = "full"


class JobKind(StrEnum):
    """The kinds of work; a workflow is the state of a case and its next job."""

    TRIAGE = "triage"  # understand and decide one message
    SEND = "send"  # hand one outgoing message to SMTP
    HAND_OVER = "hand_over"  # give the agent, together, what one person wrote within ten minutes
    ACKNOWLEDGE = "acknowledge"  # say that the mail is here, if nobody has answered meanwhile
    ASK = "ask"  # the follow-up question
    REMIND = "remind"  # the same question once more
    SILENCE = "silence"  # our answer was followed by silence: resolve
    CLOSE = "close"  # nobody answered the question: close as unknown
    ESCALATE = "escalate"  # the hour to answer has come
    DIGEST = "digest"  # the daily mail of mode watch, the morning list
    WEEKLY = "weekly"  # what last week taught us, to the lead
    UNFETCHED = "unfetched"  # a mail that the server would not give: the lead is told
    PROMISE = "promise"  # the morning of a day that an agent named to the customer
    PASS_ON = "pass_on"  # an agent gives the case to somebody else
    SHARE_OUT = "share_out"  # hand out what waits for somebody, take over from who is away, give back
    REDECIDE = "redecide"  # the admin asks: what would today's rules do with this open case?
    TRY_RULES = "try_rules"  # the admin mailed rules: check them and replay the past under them
    FILE = "file"  # move a mail into the folder that a rule names, or into that of the team which has the case
    RESOLVE = "resolve"  # a person moved a mail into the folder of what is done
    SPIKES = "spikes"  # do far more people than usual write about one thing?
    MENDED = "mended"  # tell who wrote about a known issue that it is mended, and ask
    AUDIT = "audit"  # I11: every open case has an assignee, a due date and a next job


class OutgoingKind(StrEnum):
    """Why a mail leaves; decides what is done after an ambiguous attempt."""

    ROUTED = "routed"  # a customer's mail, with its brief, to an agent
    REPLY = "reply"  # an agent's own words to a customer
    INQUIRY = "inquiry"  # an agent's question to somebody outside the case
    NOTICE = "notice"  # ours to an agent, the lead or the admin
    RETURNED = "returned"  # a held text, back to its agent
    FOLLOW_UP = "follow_up"
    REMINDER = "reminder"
    ACKNOWLEDGEMENT = "acknowledgement"

    @property
    def automatic_to_customer(self) -> bool:
        """Whether a machine says this to a customer: never sent again after an ambiguous attempt (I2)."""
        return self in (OutgoingKind.FOLLOW_UP, OutgoingKind.REMINDER, OutgoingKind.ACKNOWLEDGEMENT)


class OutgoingState(StrEnum):
    """The one truth of a send (facts in docs/explanation/sending.md)."""

    QUEUED = "queued"
    SENDING = "sending"
    DOT_SENT = "dot_sent"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


# --- what comes in -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A mailbox address (lower case) and the name beside it ("" if none)."""

    email: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What the mail says of one attached file, and where in the raw mail its bytes lie, transfer-encoded."""

    name: str
    type: str
    size: int  # bytes, decoded
    start: int
    end: int
    encoding: str = ""  # of the transfer, as written
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attached file with its bytes."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """One mail as it lay in the mailbox, with our own number and the capped arrival time."""

    number: MessageNo
    mailbox: MailboxName
    received_at: datetime
    raw: bytes
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail as a person would see it. `parse` always gives one; what it had to leave out stands in `cut`."""

    message_id: MessageId = MessageId("")
    in_reply_to: tuple[MessageId, ...] = ()
    references: tuple[MessageId, ...] = ()
    sender: Address = Address(email="")  # From (first), else Sender, else Return-Path
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[str, ...] = ()  # Delivered-To, X-Original-To, Envelope-To: bare lower-case addresses
    subject: str = ""
    text: str = ""  # all that a reader sees: plain text, else the HTML as text
    html: str = ""  # the HTML part as sent, "" if none
    attachments: tuple[Attachment, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()  # lower-case name, decoded value, in order
    content_type: str = "text/plain"
    report: str = ""  # text of message/delivery-status and of the returned headers, for bounces
    size: int = 0
    cut: tuple[str, ...] = ()
    error: str = ""
    through: str = ""  # the address of the form, shop, list or agent that passed the sender's words on; `sender` is the writer
    above: str = ""  # what an agent who passed it on wrote above it: for us only

    def header(self, name: str) -> str:
        """The first header of this (lower-case) name, "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a delivery report says: which of our Message-IDs it quotes, for whom, and whether for good."""

    about: tuple[MessageId, ...] = ()
    recipients: tuple[str, ...] = ()
    permanent: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What kind of mail it is, with the reason in words (never with the sender's text in it)."""

    kind: Kind
    reason: str
    bounce: Bounce | None = None
    sent: bool = False  # it lies in the folder of sent mail: nobody wrote it to us

    @property
    def automatic(self) -> bool:
        """Automatic is everything that no person wrote."""
        return self.kind is not Kind.PERSON


class SpeaksForOthers(Protocol):
    """An identity rule, as `rulebook.Identity` holds it."""

    @property
    def senders(self) -> tuple[str, ...]:
        """Addresses or domains."""

    @property
    def customer_is(self) -> str:
        """Where to read whose words they are: "reply_to", "original_sender" or "field"."""

    @property
    def form_field(self) -> str:
        """The line of the text that names the customer's address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Who is who by address, for screening: our own addresses, the agents', and who speaks for others. All lower case."""

    own: frozenset[str] = frozenset()
    agents: frozenset[str] = frozenset()
    identity: tuple[SpeaksForOthers, ...] = ()
    authserv: Mapping[MailboxName, str] = field(default_factory=dict)  # the name of each mailbox's own server in Authentication-Results
    junk: frozenset[tuple[MailboxName, str]] = frozenset()  # folders whose mail the server marked as spam by putting it there
    sent: frozenset[tuple[MailboxName, str]] = frozenset()  # folders whose mail people wrote in the mailbox itself


# --- what it says ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Words of the mail, letter for letter, that made a reading; `weight` is their share in it."""

    text: str
    weight: float
    why: str  # "waiting", "threat", "thanks", ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPhrase:
    """A word or two that say what a mail is about: `key` is the same for other forms of them, `text` is as written."""

    key: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToRead:
    """What the reader is given of a message."""

    subject: str
    new_text: str
    reply: bool = True  # a mail that answers none of ours cannot answer our question, and is not read as one


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the model says, 0..1 each, before any threshold. An unknown language claims no feeling (`upset` 0)."""

    language: str = ""  # ISO 639-1; "" where not known
    language_known: bool = True  # False: topics by phrases only, no feeling is claimed
    topics: tuple[tuple[str, float], ...] = ()  # best first
    upset: float = 0.0
    unhappy: float = 0.0  # upset or at least disappointed
    happy: float = 0.0
    urgent: float = 0.0
    sensitive: float = 0.0
    thanks_only: float = 0.0  # a thank-you with no question and no complaint
    answer: Answer = Answer.UNCLEAR  # read as an answer to "is it solved?"
    answer_sure: float = 0.0
    opt_out: bool = False  # "please do not ask me again"
    new_part: str = ""  # for satisfied_and_new: the sentences that bring something new
    phrases: tuple[Phrase, ...] = ()  # strongest first
    key_phrases: tuple[KeyPhrase, ...] = ()  # what it is about, in the order of the text
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a person says was read wrongly: one field of one message, with who said it and when."""

    number: int
    at: datetime
    message: MessageNo
    case: CaseNo | None
    by: str
    field: str  # topic, sentiment, urgent, sensitive, answer
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A message, read: thresholds applied. What rules, brief and reports use."""

    kind: Kind
    language: str = ""
    topic: str = "unsure"
    topic_sure: float = 0.0
    topics: tuple[tuple[str, float], ...] = ()
    sentiment: Sentiment = Sentiment.NEUTRAL
    upset: float = 0.0
    urgent: float = 0.0
    is_urgent: bool = False
    sensitive: bool = False
    thanks_only: bool = False
    answer: Answer = Answer.UNCLEAR
    opt_out: bool = False
    new_part: str = ""
    phrases: tuple[Phrase, ...] = ()
    key_phrases: tuple[KeyPhrase, ...] = ()
    model: str = ""
    new_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """One message after parse, screen, new text and reading: all that can be known of it without the store."""

    number: MessageNo
    mailbox: MailboxName
    received_at: datetime
    message: Message
    screening: Screening
    new_text: str
    reading: Reading


# --- people and cases --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer: one person, perhaps several addresses."""

    number: PersonNo
    name: str
    email: str  # the address of the present message, else the first known
    language: str = ""
    no_follow_up: bool = False
    asked_at: datetime | None = None  # the last follow-up question


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One problem of one customer, until they say that it is solved."""

    number: CaseNo
    mailbox: MailboxName
    customer: PersonNo
    subject: str
    state: CaseState
    language: str = ""
    topic: str = "unsure"
    sentiment: Sentiment = Sentiment.NEUTRAL  # of the customer's latest message
    first_sentiment: Sentiment = Sentiment.NEUTRAL
    assignee: AgentName | None = None
    team: TeamName | None = None
    priority: str = "normal"
    labels: tuple[str, ...] = ()
    due_at: datetime | None = None
    opened_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    resolved_by: AgentName | None = None
    by_silence: bool = False  # resolved because nobody wrote, not because an agent said so
    reopened: int = 0
    round: int = 0  # which asking this is; part of answer tokens
    outcome: Outcome = Outcome.UNKNOWN
    good_sign: bool = False  # the customer said that it works; not asked
    repeat: bool = False
    merged_into: CaseNo | None = None
    linked_to: CaseNo | None = None
    involved: tuple[AgentName, ...] = ()  # agents who held it or wrote in it
    participants: tuple[Address, ...] = ()  # the customer's other readers (To and Cc)
    last_reply_at: datetime | None = None  # our last words to the customer
    last_reply_by: AgentName | None = None
    last_reply_asks: bool = False  # it ended in a question: the next mail is no contact
    no_follow_up: bool = False  # a rule says so, or the matter is sensitive: nothing automatic
    briefs: tuple[str, ...] = ()  # what rules said the agent may do
    backlog: TeamName | None = None  # nobody of this team was free: handed out as soon as somebody is
    lent_by: AgentName | None = None  # who had it before they went away: given back when they return


class Role(StrEnum):
    """Who speaks in a line of a case's story."""

    CUSTOMER = "customer"
    AGENT = "agent"
    ASKED = "asked"  # somebody outside the case, whom an agent asked


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One earlier message of a case, for the brief and the quotation."""

    at: datetime
    role: Role
    name: str
    text: str  # the new text
    message: MessageNo
    event: str = ""  # "resolved", ...
    wants_answer: bool = True  # a thank-you and a yes want none


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCase:
    """An earlier case of the same person, with how it ended by their own answer."""

    number: CaseNo
    subject: str
    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMail:
    """The customer's mail that began a case: what drivers and spikes are counted from. Later mails say what they answer."""

    case: CaseNo
    person: PersonNo
    at: datetime
    name: str = ""  # the customer's name, else their address
    email: str = ""
    subject: str = ""
    text: str = ""  # the new text
    language: str = ""
    topic: str = "unsure"
    upset: bool = False
    sensitive: bool = False  # never quoted
    key_phrases: tuple[KeyPhrase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """A fault of ours that people write about: what they may know of it, and by which key phrases their mails are found."""

    number: IssueNo
    mailbox: MailboxName
    text: str
    keys: tuple[str, ...] = ()  # as KeyPhrase.key
    topic: str = ""  # only mails of this topic; "": of any
    opened_at: datetime
    opened_by: str = ""
    fixed_at: datetime | None = None
    fixed_text: str = ""
    source: str = ""  # the purpose of the mail that gave the alarm
    texts: tuple[tuple[str, str], ...] = ()  # language -> the words for people who write in it; the others read `text`
    fixed_texts: tuple[tuple[str, str], ...] = ()  # the same of `fixed_text`

    def known_in(self, language: str) -> str:
        """What whoever writes in this language may know: in the words given for it, else in those for all."""
        return dict(self.texts).get(language, self.text)

    def fixed_in(self, language: str) -> str:
        """The same of what is said beside: it is mended."""
        return dict(self.fixed_texts).get(language, self.fixed_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLink:
    """A case whose customer wrote about a known issue, and what came of telling them."""

    case: CaseNo
    person: PersonNo
    language: str = ""  # in which they wrote
    settled: bool = False  # told, or it is certain that they are not
    why: str = ""  # they were not told; "": they were


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutIssue:
    """What an agent's answer to an alarm, or to a mail about a known issue, is about."""

    issue: KnownIssue  # with number and text where it was opened before, else as it would be opened
    links: tuple[IssueLink, ...] = ()  # who wrote about it

    @property
    def known(self) -> bool:
        """Whether it was opened before."""
        return bool(self.issue.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What is told to somebody who wrote about a known issue that is mended."""

    issue: KnownIssue
    mails: int  # of how many cases theirs is one
    told: bool = False  # this person was told before
    full_until: datetime | None = None  # so many were told lately that the next must wait until then


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """One of our own outgoing messages, found by its Message-ID or number."""

    number: OutgoingNo
    message_id: MessageId
    kind: OutgoingKind
    purpose: str
    case: CaseNo | None
    agent: AgentName | None
    person: PersonNo | None
    round: int
    sent_at: datetime | None
    text: str = ""  # the plain text that we sent, for finding the agent's own words
    first_line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An agent who could get a case, with the facts of this moment."""

    name: AgentName
    open_cases: int
    knows_customer: bool = False
    away: bool = False
    last_case: int = 0  # the newest case they hold: who got one longest ago is next
    upset_today: int = 0  # cases of upset people among them that began today; counted where a team has a limit


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
class Promise:
    """An agent named a day to the customer for something of ours; the sentence as written. When the day is over, so is it."""

    case: CaseNo
    agent: AgentName
    message: MessageNo  # in which it stands
    day: date
    sentence: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something of ours in a mail that a customer would read: what it is, where it stands, and the words around it."""

    place: str
    what: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What is needed to send held words as if their agent replied just now."""

    held: HeldWords
    understood: Understood
    replied_to: SentMessage | None = None


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
    feeling_before: Sentiment | None = None  # of the customer's mail before this one in the case
    dmarc_pass: bool = False  # our own server proved the sender's domain (RFC 7489)
    authentication: str = "unknown"  # our own server's check of the sender: "pass", "fail", "unknown"
    ours: frozenset[str] = frozenset()  # the addresses of all our mailboxes: none of them is a reader
    oversize: int = 0  # bytes of a mail of which only the first part was fetched
    false_claim: bool = False  # it went to an address that only an agent has, and nothing proves that it is theirs
    unconfirmed: bool = False  # an agent's by what it answers, but our own server does not confirm the sender: nothing in it is obeyed
    held_reply: SentMessage | None = None  # words of this agent to the customer that have not left yet
    named: Mapping[CaseNo, Case] = field(default_factory=dict)  # cases that an agent's mail names by number
    known: Mapping[str, Person] = field(default_factory=dict)  # customers whose addresses an agent's mail names
    forwarder: AgentName | None = None  # the agent who passed this customer's mail on (`for: their address`)
    leaks: tuple[Leak, ...] = ()  # what of our own was about to reach a customer: the text goes back to its agent
    acts: tuple[JobKind, ...] = ()  # jobs that wait for the case
    promises: tuple[Promise, ...] = ()  # that were made in this case and not taken back
    joined: frozenset[str] = frozenset()  # addresses that `same as` gave to this customer: they can be given back
    signatures: tuple[str, ...] = ()  # of the agent who writes, as learnt: the lines of each
    own_replies: tuple[StoryLine, ...] = ()  # this agent's latest words in other cases, one of each
    practised: int = 0  # practice replies of this agent within the hour
    held_words: tuple[HeldWords, ...] = ()  # words in this case that wait, or waited, for a mentor
    to_release: Released | None = None  # the mail whose words wait, where this mail answers the one that showed them
    issues: tuple[KnownIssue, ...] = ()  # open ones that this mail, or the case, is about
    about_issue: AboutIssue | None = None  # of an agent's mail that answers an alarm, or a mail about a known issue
    mended: Mended | None = None  # what this job is to tell


# --- what is decided ---------------------------------------------------------------------------------------------


class CaseEvent(StrEnum):
    """What can happen to a case; one column of `lifecycle.TRANSITIONS`."""

    CUSTOMER_WROTE = "customer_wrote"
    CUSTOMER_THANKED = "customer_thanked"
    AGENT_REPLIED = "agent_replied"
    AGENT_RESOLVED = "agent_resolved"
    SILENCE = "silence"
    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    UNCLEAR = "unclear"
    ANSWER_HELPED = "answer_helped"  # the customer says that an answer of the rules solved it, before anybody wrote
    NO_ANSWER = "no_answer"
    UNDELIVERED = "undelivered"  # an agent's words came back: the customer still waits
    NOTED = "noted"  # an agent said something about it that moves nothing
    RECONSIDERED = "reconsidered"  # the rules or the ladder changed the hour or the priority
    SPLIT = "split"  # the mail that waited for an answer is a case of its own now
    MERGED = "merged"


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
class Enclose:
    """What a letter carries besides its text: the files of a stored message, or that message whole as message/rfc822."""

    message: MessageNo
    whole: bool = False
    attachments: tuple[Attachment, ...] | None = None  # None: whatever the message has


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outgoing message before it has bytes. `purpose` is unique for ever: logic run twice sends once (I2)."""

    kind: OutgoingKind
    purpose: str
    template: str
    mailbox: MailboxName
    language: str
    to: Address
    subject: str
    values: Mapping[str, object] = field(default_factory=dict)
    case: CaseNo | None = None
    round: int = 0
    agent: AgentName | None = None  # the agent it goes to, or (kind reply) whose words it carries
    person: PersonNo | None = None  # the customer it goes to
    from_name: str = ""
    cc: tuple[Address, ...] = ()
    thread: tuple[MessageId, ...] = ()  # References; the last is In-Reply-To
    reply_token: str = ""  # "r": words to the customer, "n": commands and notes, "": the plain address
    answer_links: bool = False  # the two mailto answers
    important: bool = False
    enclose: tuple[Enclose, ...] = ()
    attach: tuple[File, ...] = ()  # files that we made
    exchange: tuple[StoryLine, ...] = ()  # what was written in the case before: goes along as a text file


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work with a date, claimed by us."""

    number: JobNo
    kind: JobKind
    key: str
    run_at: datetime
    case: CaseNo | None = None
    message: MessageNo | None = None
    outgoing: OutgoingNo | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    tries: int = 0
    crashes: int = 0
    marked: bool = False  # was in hand at an unclean stop: taken singly


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A stored outgoing message: its bytes and Message-ID are final before the first attempt."""

    number: OutgoingNo
    message_id: MessageId
    purpose: str
    kind: OutgoingKind
    mailbox: MailboxName
    envelope_from: str
    envelope_to: tuple[str, ...]
    raw: bytes
    state: OutgoingState
    case: CaseNo | None = None
    agent: AgentName | None = None
    created_at: datetime
    tries: int = 0
    ambiguous: int = 0  # attempts whose end nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one attempt to send ended. `refused` are recipients the server would not take, with its words."""

    sent: bool
    ambiguous: bool = False  # the final dot may have been sent and no reply came (RFC 5321, 4.5.3.2.6)
    permanent: bool = False  # 5xx: trying again cannot help
    reply: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
