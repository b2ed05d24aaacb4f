"""Which case does a message belong to? Proof first, then references, the subject tag only for participants."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inboxd.core.model import CaseNo, Message, MessageId

_TAG = re.compile(r"\[#(\d{1,12})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The case and the carrier that led to it, in words for `explain`."""

    case: CaseNo
    by: str


def ids(message: Message) -> tuple[MessageId, ...]:
    """In-Reply-To, then References last to first, each once (RFC 5322, 3.6.4): the order in which they count."""
    return tuple(dict.fromkeys(i for i in (*message.in_reply_to, *reversed(message.references)) if i))


def tagged(subject: str) -> CaseNo | None:
    """The number in the last subject tag `[#1042]`; alone it proves nothing."""
    tags = _TAG.findall(subject)
    return CaseNo(int(tags[-1])) if tags else None


def thread(
    message: Message,
    *,
    proved: CaseNo | None,
    known: Mapping[MessageId, CaseNo],
    participates_in: Iterable[CaseNo],
) -> Joined | None:
    """Tell the case this message belongs to, or None: a bare subject never joins anything."""
    if proved is not None:
        return Joined(case=proved, by="signed address")
    direct = set(message.in_reply_to)
    for message_id in ids(message):
        if message_id in known:
            return Joined(case=known[message_id], by="In-Reply-To" if message_id in direct else "References")
    number = tagged(message.subject)
    if number is not None and number in set(participates_in):
        return Joined(case=number, by="subject tag of a participant")
    return None


_TRANSPORT = (
    b"received:", b"delivered-to:", b"return-path:", b"x-original-to:", b"envelope-to:", b"authentication-results:", b"x-", b"arc-",
    b"dkim-signature:", b"received-spf:",
)  # fmt: skip


def content_key(raw: bytes) -> str:
    """Hash a mail without the lines that its journey adds: the same mail in two mailboxes has the same key."""
    head, gap, body = raw.partition(b"\r\n\r\n")
    if not gap:
        head, gap, body = raw.partition(b"\n\n")
    kept, skip = [], False
    for line in head.splitlines():
        if line[:1] not in (b" ", b"\t"):
            skip = line.lower().startswith(_TRANSPORT)
        if not skip:
            kept.append(line.rstrip())
    return hashlib.sha256(b"\n".join(kept) + b"\n\n" + body.replace(b"\r\n", b"\n").rstrip()).hexdigest()
