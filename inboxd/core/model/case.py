"""People and cases: one problem of one customer, where it stands and what was said in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from inboxd.core.model.mail import Address
from inboxd.core.model.names import AgentName, CaseNo, MailboxName, MessageNo, PersonNo, TeamName
from inboxd.core.model.reading import KeyPhrase, Sentiment


class CaseState(StrEnum):
    """Where a case stands; the moves between them are in `lifecycle.TRANSITIONS`."""

    OPEN = "open"
    WAITING = "waiting"
    RESOLVED = "resolved"
    CLOSED = "closed"
    MERGED = "merged"


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
    WOKE = "woke"  # the day came until which an agent had put it off
    SPLIT = "split"  # the mail that waited for an answer is a case of its own now
    MERGED = "merged"


class Outcome(StrEnum):
    """How a case ended by the customer's own word; `unknown` is never counted as satisfied."""

    SATISFIED = "satisfied"
    DISSATISFIED = "dissatisfied"
    UNKNOWN = "unknown"
    WON_BACK = "won_back"
    COULD_NOT = "could_not"


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
    around: str = ""  # the whole mail, where `text` is a sentence of it
    language: str = ""
    topic: str = "unsure"
    upset: bool = False
    sensitive: bool = False  # never quoted
    team: TeamName | None = None  # that has the case now
    key_phrases: tuple[KeyPhrase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """An agent named a day to the customer for something of ours; the sentence as written. When the day is over, so is it."""

    case: CaseNo
    agent: AgentName
    message: MessageNo  # in which it stands
    day: date
    sentence: str
    made_at: datetime
