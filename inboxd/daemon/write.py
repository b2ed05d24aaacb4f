"""Write: a letter becomes final bytes, is searched for what must not leave, and is stored with its send job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from inboxd.core import tokens
from inboxd.core.compose import MailStamp, Rendered, Templates, compose, exchange, render
from inboxd.core.letters import without_wrappings
from inboxd.core.model import Address, Attachment, File, Letter, MailboxFacts, MailboxName, MessageId, OutgoingKind, Send
from inboxd.core.parse import files, parse
from inboxd.core.rulebook import Rulebook
from inboxd.core.voice import VOICE
from inboxd.daemon.lookups import answered
from inboxd.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A letter with its final bytes."""

    letter: Letter
    message_id: MessageId
    raw: bytes
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Turns letters into bytes: signed addresses, threads, files."""

    templates: Templates
    mailboxes: Mapping[MailboxName, MailboxFacts]
    key: bytes
    zone: tzinfo
    fresh: Callable[[], str]

    def write(self, tx: Transaction, sends: Sequence[Send], now: datetime) -> tuple[Written, ...]:
        """Make final bytes; nothing is stored yet."""
        return tuple(self._one(tx, send, now) for send in sends)

    def _one(self, tx: Transaction, send: Send, now: datetime) -> Written:
        letter = send.letter
        if orders := letter.values.get("to_look_up"):
            found = answered(tx, orders, self.zone)  # type: ignore[arg-type]  # as look_up puts it there
            letter = replace(letter, values={**letter.values, "found": found})
        mailbox = self.mailboxes[letter.mailbox]
        domain = mailbox.address.rpartition("@")[2]
        message_id = MessageId(f"{_prefix(letter)}.{self.fresh()}@{domain}")
        stamp = MailStamp(
            message_id=message_id,
            date=now,
            from_=Address(email=mailbox.address, name=letter.from_name or mailbox.brand),
            reply_to=self._reply_to(letter, mailbox, now),
            zone=self.zone,
            default_language=mailbox.language,
            answer_yes=self._answer(tokens.YES, letter, mailbox, now),
            answer_no=self._answer(tokens.NOT_YET, letter, mailbox, now),
        )
        rendered: Rendered = render(letter, self.templates, stamp)
        files = (*self._files(tx, letter), *exchange(letter, self.templates, self.zone))
        raw = compose(letter, rendered, files, stamp)
        return Written(letter=letter, message_id=message_id, raw=raw, text=rendered.text, at=send.at or now)

    def _reply_to(self, letter: Letter, mailbox: MailboxFacts, now: datetime) -> Address | None:
        """The signed address, bound to this agent and case. Without plus addresses our Message-ID is the proof."""
        if not letter.reply_token or letter.agent is None or not mailbox.plus_addresses:
            return None
        token = tokens.sign(self.key, letter.reply_token, letter.case or tokens.NO_CASE, f"agent:{letter.agent}", 0, now)
        name = mailbox.brand if letter.reply_token == tokens.REPLY else f"{mailbox.brand} desk"
        return Address(email=tokens.address(mailbox.address, token), name=name)

    def _answer(self, kind: str, letter: Letter, mailbox: MailboxFacts, now: datetime) -> str:
        """One of the two mailto answers, signed for this customer and this round."""
        if not letter.answer_links or letter.case is None or not mailbox.plus_addresses:
            return ""
        token = tokens.sign(self.key, kind, letter.case, f"person:{letter.person}", letter.round, now)
        return tokens.address(mailbox.address, token)

    def _files(self, tx: Transaction, letter: Letter) -> tuple[File, ...]:
        found: list[File] = []
        for enclosure in letter.enclose:
            if enclosure.attachments == ():
                continue
            raw = tx.enclosed(enclosure.message)
            if enclosure.whole:
                found.append(File(name="message.eml", type="message/rfc822", content=raw))
            else:
                found += files(raw, _attachments(raw, letter) if enclosure.attachments is None else enclosure.attachments)
        return (*found, *letter.attach)


def store(tx: Transaction, written: Sequence[Written], mailboxes: Mapping[MailboxName, MailboxFacts], now: datetime) -> int:
    """Queue the letters; one whose purpose was served before is dropped (I2). Returns how many were queued."""
    queued = 0
    for each in written:
        number = tx.reserve(each.letter, each.message_id, now)
        if number is None:
            continue
        recipients = tuple(dict.fromkeys(a.email for a in (each.letter.to, *each.letter.cc)))
        tx.queue(number, mailboxes[each.letter.mailbox].address, recipients, each.raw, each.text, each.at)
        queued += 1
    return queued


def _attachments(raw: bytes, letter: Letter) -> tuple[Attachment, ...]:
    """Whatever an enclosed mail has; for a customer without what the agent's program put around the words."""
    attachments = parse(raw).attachments
    return without_wrappings(attachments) if to_customer(letter) else attachments


def agents_addresses(book: Rulebook) -> tuple[str, ...]:
    """Every address that must not reach a customer."""
    return tuple(email for agent in book.agents.values() for email in agent.emails)


def to_customer(letter: Letter) -> bool:
    """Whether a customer, or somebody else outside, reads this letter."""
    return letter.kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY) or letter.kind.automatic_to_customer or letter.template == VOICE


def _prefix(letter: Letter) -> str:
    return f"c{letter.case}" if letter.case is not None else "d"
