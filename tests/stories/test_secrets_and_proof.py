"""Nothing of ours reaches a customer (I5), with and without signed addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from inboxd.core.model import CaseState
from inboxd.core.rulebook import Condition, Rule, Then
from tests.fakes import FakeReader
from tests.stories.day import SUPPORT, Day, Letterbox
from tests.stories.steps import (
    ANA,
    MARIA,
    kinds,
    opened,
    question,
    resolved,
    words_of,
)

ANA_AT = "ana@example.org"


# --- I5: only the words an agent wrote to the customer reach the customer


BRIEF = "Canarybrief: up to ninety euros lie in the lower drawer for this"
NOTE = "Canarynote: the cousin of this customer works for the blue shop across the street"


def secretive() -> Day:
    """A day in which everything that is ours holds a canary, and Maria has a case with a note in it."""
    book = Day().office.rules.book
    people = (Condition(word="kind", wanted=("person",)),)
    rule = Rule(name="all", when=people, then=Then(assign="maria", brief=BRIEF), why="canarywhy: she always gets the difficult ones first")
    day = Day(book=replace(book, rules=(rule,)), reader=FakeReader())
    opened(day)
    day.reply(MARIA, day.routed(MARIA), f"note: {NOTE}")
    return day


def quoted(mail: Letterbox, sign: str = "> ") -> str:
    return "\n".join(f"{sign}{line}" for line in mail.text.splitlines())


WORDS = "Hello Ana,\n\nit is the spanner with 15 mm.\n\nMaria"
PROGRAMS: dict[str, Callable[[Letterbox], str]] = {
    "nothing quoted": lambda mail: WORDS,
    "signature": lambda mail: f"{WORDS}\n-- \nMaria Lindt | maria@acme.example",
    "below the words": lambda mail: f"{WORDS}\n\nOn Mon, 16 Nov 2026 at 09:00, Ana via Acme <{SUPPORT}> wrote:\n\n{quoted(mail)}\n",
    "in German": lambda mail: f"{WORDS}\n\nAm Mo., 16. Nov. 2026 um 09:00 Uhr schrieb Ana via Acme <{SUPPORT}>:\n\n{quoted(mail)}\n",
    "above the words": lambda mail: f"On Mon, 16 Nov 2026 at 09:00, Ana via Acme wrote:\n{quoted(mail)}\n\n{WORDS}",
    "without signs": lambda mail: (
        f"{WORDS}\n\n________________________________\nFrom: Ana Ruiz via Acme Support <{mail.message['Reply-To']}>\n"
        f"Sent: Monday, 16 November 2026 09:00\nTo: Maria Lindt <maria@acme.example>\nSubject: {mail.subject}\n\n{mail.text}"
    ),
    "original message": lambda mail: f"{WORDS}\n\n-----Original Message-----\nFrom: {SUPPORT}\n\n{quoted(mail)}",
    "between the lines": lambda mail: quoted(mail).replace("> -----", f"{WORDS}\n> -----", 1),
    "cut short": lambda mail: f"{WORDS}\n\nOn Mon, 16 Nov 2026, Ana wrote:\n" + "\n".join(quoted(mail).splitlines()[2:9]),
    "unknown quoting": lambda mail: f"{WORDS}\n\n{mail.text}",
}


MUST_ARRIVE = ("nothing quoted", "signature", "below the words", "in German", "above the words", "without signs")


def everything_read(mail: Letterbox) -> str:
    """All that a reader of this mail could see or find: headers, texts, markup."""
    parts = [f"{name}: {value}" for part in mail.message.walk() for name, value in part.items()]
    parts += [str(part.get_content()) for part in mail.message.walk() if part.get_content_maintype() == "text"]
    return "\n".join(parts).casefold()


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_of_ours_reaches_the_customer_whatever_program_the_agent_uses(program: str) -> None:
    day = secretive()
    mail = day.routed(MARIA)
    assert "canarybrief" in mail.text.casefold() and "canarywhy" in mail.text.casefold()
    day.reply(MARIA, mail, PROGRAMS[program](mail), quote=False)
    for got in day.inbox(ANA_AT):
        read = everything_read(got)
        assert "canary" not in read and "maria@" not in read and "support+" not in read and "please answer" not in read
        assert "spanner with 15 mm" in read
    assert day.inbox(ANA_AT) or (day.last(MARIA).outgoing.kind == "returned" and program not in MUST_ARRIVE)


@pytest.mark.parametrize(
    ("slip", "where"),
    [
        ("ask Tom, he reads tom@acme.example all day", "agent's address"),
        (f"Between us, {NOTE}", "note"),
        (f"You know: {BRIEF}", "brief"),
    ],
)
def test_what_is_only_for_us_comes_back_with_the_place_shown(slip: str, where: str) -> None:
    day = secretive()
    day.reply(MARIA, day.routed(MARIA), f"Hello Ana,\n{slip}\nMaria")
    back = day.last(MARIA)
    assert not day.inbox(ANA_AT) and day.case().state is CaseState.OPEN
    assert back.outgoing.kind == "returned"
    assert where in back.text.casefold() and "in the text" in back.text.casefold()
    day.reply(MARIA, back, "Hello Ana,\nit is the spanner with 15 mm.\nMaria")
    assert "15 mm" in words_of(day).text


def test_a_signed_address_of_an_agent_never_reaches_a_customer() -> None:
    day = secretive()
    mail = day.routed(MARIA)
    day.reply(MARIA, mail, f"Hello Ana,\nwrite to {mail.message['Reply-To']} next time.\nMaria", quote=False)
    assert not day.inbox(ANA_AT) and day.last(MARIA).outgoing.kind == "returned"


def test_follow_ups_carry_nothing_of_ours() -> None:
    day = secretive()
    day.reply(MARIA, day.routed(MARIA), f"resolve\n\n{WORDS}")
    day.pass_(days=3)
    read = everything_read(question(day))
    assert "canary" not in read and "maria@" not in read
    assert {address[0] for address in re.findall(r"support(?:\+|%2b)(\w)", read)} <= {"y", "x"}


# --- I6: where there are no signed addresses (the forgeries themselves: test_forgery.py)


def test_a_reply_to_our_unguessable_message_id_is_proof_where_there_are_no_signed_addresses() -> None:
    day = Day(plus_addresses=False)
    agent = opened(day)
    assert "+" not in str(day.routed(agent).message["Reply-To"])
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert "the 15 mm one." in words_of(day).text and day.case().state is CaseState.RESOLVED
    day.pass_(days=3)
    assert "+" not in question(day).html.partition("mailto:")[2]
    day.reply(ANA, question(day), "No, it does not fit.")
    assert day.case().state is CaseState.OPEN


def test_without_signed_addresses_a_reply_to_a_notice_stays_among_us() -> None:
    day = Day(plus_addresses=False)
    agent = resolved(day)
    day.reply(agent, day.last(agent), "Ana lives round the corner, by the way.")
    assert kinds(day, ANA_AT) == ["reply"] and "round the corner" not in words_of(day).text
