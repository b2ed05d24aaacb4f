"""What the reading model is given of a mail: its own words, and whether they may answer a question of ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from inboxd.core.model import CaseNo, Directory, MailboxName, MessageNo, RawMessage, Scores, ToRead
from inboxd.core.tokens import YES, address, sign
from inboxd.core.understand import understand

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SIGNED = address("support@acme.example", sign(b"k" * 32, YES, CaseNo(7), "person:3", 1, NOW))


def given(*headers: str, to: str = "support@acme.example") -> ToRead:
    """What the model is given of a mail with these headers."""
    kept: list[ToRead] = []

    def read(texts: Sequence[ToRead]) -> list[Scores]:
        kept.extend(texts)
        return [Scores() for _ in texts]

    head = "\r\n".join(("From: Ann <ann@customers.example>", f"To: {to}", *headers))
    raw = f"{head}\r\n\r\nIt works.\r\n".encode()
    mail = RawMessage(number=MessageNo(1), mailbox=MailboxName("acme"), received_at=NOW, raw=raw)
    understand([mail], Directory(own=frozenset({"support@acme.example"})), read)
    return kept[0]


def test_a_mail_that_replies_to_nothing_is_not_read_as_an_answer() -> None:
    assert given("Subject: Heating") == ToRead(subject="Heating", new_text="It works.", reply=False)


@pytest.mark.parametrize(
    "header", ["In-Reply-To: <a@b.example>", "References: <a@b.example>", "Subject: Re: Solved?", "Subject: AW: Geklappt?"]
)
def test_a_reply_is_read_as_an_answer_without_its_subject(header: str) -> None:
    assert given(header) == ToRead(subject="", new_text="It works.", reply=True)


def test_a_mail_to_a_signed_address_is_read_as_an_answer_though_it_replies_to_nothing() -> None:
    assert given("Subject: Yes, it is solved", to=SIGNED) == ToRead(subject="Yes, it is solved", new_text="It works.", reply=True)
