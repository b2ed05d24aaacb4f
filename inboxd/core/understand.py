"""Parse, screen, cut and read messages: all that can be known of them without the store. Shared by triage and explain."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from inboxd.core.cards import without_card
from inboxd.core.classify import classify
from inboxd.core.identity import identity
from inboxd.core.model import Directory, Kind, Message, MessageNo, RawMessage, Scores, Screening, ToRead, Understood
from inboxd.core.new_text import new_text
from inboxd.core.on_behalf import on_behalf
from inboxd.core.parse import parse
from inboxd.core.screen import screen
from inboxd.core.tokens import tokens_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A stage raised on this message: it is parked with its bytes, and a person gets it."""

    number: MessageNo
    stage: str
    error: str  # the class of the error and its place, never the mail's words


Read = Callable[[Sequence[ToRead]], Sequence[Scores]]


def understand(raws: Sequence[RawMessage], directory: Directory, read: Read) -> list[Understood | Failure]:
    """Understand a batch. Never raises: where a stage failed, a Failure stands in its place."""
    seen = [_see(raw, directory) for raw in raws]
    texts = [_to_read(one) for one in seen if not isinstance(one, Failure)]
    try:
        scores = iter(read(texts))
        return [one if isinstance(one, Failure) else _read(raw, one, next(scores)) for raw, one in zip(raws, seen, strict=True)]
    except Exception as error:
        if len(raws) == 1:
            return [Failure(number=raws[0].number, stage="read", error=_place(error))]
    return [understood for raw in raws for understood in understand([raw], directory, read)]  # find the one that fails


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    message: Message
    screening: Screening
    new_text: str


def _see(raw: RawMessage, directory: Directory) -> _Seen | Failure:
    stage = "parse"
    try:
        message = parse(raw.raw)
        stage = "screen"
        screening = screen(message, directory)
        if (raw.mailbox, raw.folder) in directory.sent:  # whoever is named as its sender
            screening = Screening(kind=Kind.OWN, reason="lies in the folder of sent mail", sent=True)
        stage = "identity"
        message, screening = identity(message, screening, directory)
        if screening.kind is Kind.OWN and message.through:  # a form that sends as us: now its writer is known
            screening = screen(message, directory)
        message = on_behalf(message, screening, directory, raw.mailbox)
        if screening.kind is Kind.PERSON and (raw.mailbox, raw.folder) in directory.junk:
            screening = Screening(kind=Kind.SPAM, reason="the server filed it as spam")
        stage = "new_text"
        return _Seen(message=message, screening=screening, new_text=new_text(message))
    except Exception as error:
        return Failure(number=raw.number, stage=stage, error=_place(error))


def _to_read(seen: _Seen) -> ToRead:
    """A reply's subject is what somebody wrote some time ago: only a new one says something.

    What is no reply and was sent to none of our signed addresses cannot answer a question of ours, and is not read as an answer.
    """
    message = seen.message
    if message.in_reply_to or message.references or _REPLY.match(message.subject):
        return ToRead(subject="", new_text=without_card(seen.new_text, message.sender.name))
    sent_to = (*message.delivered_to, *(each.email for each in (*message.to, *message.cc)))
    return ToRead(subject=message.subject, new_text=seen.new_text, reply=bool(tokens_in(" ".join(sent_to))))


_REPLY = re.compile(r"\s*(?:re|aw|sv|antw|odp|rif|ref)(?:\[\d+\])?\s*:", re.IGNORECASE)


def _read(raw: RawMessage, seen: _Seen, scores: Scores) -> Understood:
    return Understood(
        number=raw.number,
        mailbox=raw.mailbox,
        received_at=raw.received_at,
        message=seen.message,
        screening=seen.screening,
        new_text=seen.new_text,
        reading=classify(seen.screening.kind, scores, seen.new_text),
    )


def _place(error: Exception) -> str:
    """Name an error without its message, which may quote the mail (I8)."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


place_of = _place
