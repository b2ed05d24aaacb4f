"""What is only for us does not leave with a mail to a customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from inboxd.adapters.template_files import load_templates
from inboxd.core.compose import MailStamp, compose, render
from inboxd.core.leak import leaks
from inboxd.core.model import Address, File, Leak, Letter, MailboxName, MessageId, OutgoingKind

TEMPLATES = load_templates(Path(__file__).parents[2] / "templates", None)
NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
STAMP = MailStamp(message_id="m1@acme.example", date=NOW, from_=Address(email="support@acme.example"))
TOKEN = "r7.1abcde.abcdefghijklmnopqrstuvwxyz"
QUOTATION = "Hello,\n\ntom@acme.example told me that the courier lost it. Where is my lamp?\n\nAna"
NOTES = ("the courier lost it and will not say so", "pay her back")
BRIEF = ("Why you: sounds upset, third mail in ten days, Tom is off", "You may give back 30 EUR without asking anybody")


def letter(words: str, **values: object) -> Letter:
    return Letter(
        kind=OutgoingKind.REPLY,
        purpose="p",
        template="reply",
        mailbox=MailboxName("acme"),
        language="en",
        to=Address(email="ana@example.org"),
        subject="Re: Lamp",
        values={
            "words": words, "signs_as": "Maria", "brand": "Acme", "quotation": QUOTATION, "quoted_at": NOW, "quoted_name": "Ana",
            **values,
        },
    )  # fmt: skip


def found(made: Letter, *files: File, given: str = "") -> tuple[Leak, ...]:
    return leaks(
        compose(made, render(made, TEMPLATES), files, STAMP),
        tokens=(TOKEN,),
        agent_addresses=("tom@acme.example", "maria.lindt@acme.example"),
        notes=NOTES,
        brief_lines=BRIEF,
        quotation=QUOTATION,
        given=given,
    )


def test_an_ordinary_reply_leaves() -> None:
    assert found(letter("Hello Ana,\n\nyour lamp is on its way. Tom gave it to the courier. I pay 30 EUR back.")) == ()


def test_what_the_customer_wrote_may_stand_in_the_quotation() -> None:
    assert found(letter("Hello")) == ()  # it names an agent's address and holds words of a note


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("write to Tom@Acme.example", "an agent's address"),
        ("Maria Lindt | Acme | <maria.lindt@acme.example>", "an agent's address"),
        (f"answer to support+{TOKEN}@acme.example", "an address that is only for one of us"),
        (f"answer to support+{TOKEN[:20]}\n{TOKEN[20:]}@acme.example", "an address that is only for one of us"),
        ("You know: the courier lost it\nand will not say so.", "a note"),
        ("> The courier lost it and will not say so", "a note"),
        ("please pay her back, Tom", "a note"),
        ("You may give back 30 EUR without asking.", "a line of the brief"),
        ("why you: sounds upset, THIRD mail in ten", "a line of the brief"),
    ],
)
def test_what_is_only_for_us_is_found_with_its_place(words: str, what: str) -> None:
    hits = found(letter(f"Hello Ana,\n\n{words}\n\nbye"))
    assert {hit.what for hit in hits} == {what}
    assert [hit.place for hit in hits if hit.place in ("the text", "the HTML part")]
    assert all(hit.excerpt for hit in hits if what == "an agent's address")


def test_a_token_is_found_even_in_the_quotation() -> None:
    made = letter("Hello", quotation=f"see support+{TOKEN}@acme.example")
    assert {hit.place for hit in found(made)} == {"the text", "the HTML part"}


def test_headers_are_searched_decoded() -> None:
    made = replace(letter("Hello"), subject=f"Grüße an tom@acme.example {TOKEN}")
    assert {(hit.place, hit.what) for hit in found(made)} >= {
        ("Subject", "an agent's address"),
        ("Subject", "an address that is only for one of us"),
    }
    assert found(replace(letter("Hello"), thread=(MessageId(f"{TOKEN}@acme.example"),)))


def test_text_files_and_enclosed_mails_are_searched() -> None:
    text = File(name="chat.txt", type="text/plain", content="ask tom@acme.example, Grüße".encode("latin-1"))
    (hit,) = found(letter("Hello"), text)
    assert hit.place == 'the file "chat.txt"' and hit.excerpt.startswith("ask tom@acme.example")
    inner = b"From: a@x\r\nReply-To: support+" + TOKEN.encode() + b"@acme.example\r\nSubject: x\r\n\r\nhello\r\n"
    (hit,) = found(letter("Hello"), File(name="mail.eml", type="message/rfc822", content=inner))
    assert "Reply-To" in hit.place


def test_a_short_note_is_no_evidence_and_empty_ones_find_nothing() -> None:
    made = letter("ok then, yes")
    assert (
        leaks(compose(made, render(made, TEMPLATES), (), STAMP), tokens=("",), agent_addresses=("",), notes=("ok", ""), brief_lines=("",))
        == ()
    )


def test_an_address_inside_another_is_not_the_agents() -> None:
    assert found(letter("write to bigtom@acme.example.org")) == ()


def test_an_agents_address_that_the_customer_brought_along_holds_no_answer() -> None:
    made = replace(letter("Hello"), subject="For Tom@acme.example: my lamp")
    assert {hit.what for hit in found(made)} == {"an agent's address"}
    assert not found(made, given="For Tom@acme.example: my lamp")
    assert found(letter("write to maria.lindt@acme.example"), given="For Tom@acme.example: my lamp")


def test_what_looks_like_a_token_leaves_only_where_the_customer_wrote_it() -> None:
    dead = "n9.abcde.zyxwvutsrqponmlkjihgfedcba"
    quoting = letter("Hello", quotation=f"{QUOTATION}\nsupport+{dead}@acme.example")
    raw = compose(quoting, render(quoting, TEMPLATES), (), STAMP)
    assert leaks(raw)
    assert not leaks(raw, quotation=str(quoting.values["quotation"]))


@pytest.mark.parametrize(
    "tag",
    [
        '<a href="https://x.example/?u=tom@acme.example">here</a>',
        '<a href="https://x.example/?u=tom%40acme.example">here</a>',
        "<img alt='tom@acme.example' src='cid:1'>",
        '<span title="&#116;om@acme.example">x</span>',
    ],
)
def test_an_agents_address_behind_a_link_or_a_picture_is_found(tag: str) -> None:
    message = EmailMessage()
    message["To"] = "ana@example.org"
    message.set_content("Hello Ana")
    message.add_alternative(f"<p>Hello Ana {tag}</p>", subtype="html")
    found = leaks(message.as_bytes(), agent_addresses=("tom@acme.example",))
    assert [leak.what for leak in found] == ["an agent's address"]
    assert leaks(message.as_bytes(), agent_addresses=("maria@acme.example",)) == ()
