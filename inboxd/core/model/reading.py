"""What a mail says: what the reader scored, and the reading that rules, brief and reports use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from inboxd.core.model.mail import Kind, Message, Screening
from inboxd.core.model.names import CaseNo, MailboxName, MessageNo


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
