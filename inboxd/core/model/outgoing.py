"""What we send: a letter, its final bytes, and how the attempt to send it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from inboxd.core.model.case import StoryLine
from inboxd.core.model.mail import Address, Attachment, File
from inboxd.core.model.names import AgentName, CaseNo, MailboxName, MessageId, MessageNo, OutgoingNo, PersonNo


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
class Verdict:
    """How one attempt to send ended. `refused` are recipients the server would not take, with its words."""

    sent: bool
    ambiguous: bool = False  # the final dot may have been sent and no reply came (RFC 5321, 4.5.3.2.6)
    permanent: bool = False  # 5xx: trying again cannot help
    reply: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)
