"""A mail that came in, and what kind of mail it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from inboxd.core.model.names import MailboxName, MessageId, MessageNo


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
