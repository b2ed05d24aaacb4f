"""Signatures are learnt from what agents write, left out of what customers read, and forgotten when the agent says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inboxd.core.model import TeamName
from tests.stories.day import Day
from tests.stories.steps import CALM, MARIA, TOM, words_of

CARD = "Maria Lindt\nCustomer care, Acme GmbH\n+49 30 1234567"


@pytest.fixture
def day() -> Day:
    day = Day()
    book = day.office.rules.book
    teams = {name: replace(team, agents=(book.agents["maria"].name,)) for name, team in book.teams.items()}  # type: ignore[index]
    day.office.rules = replace(day.office.rules, book=replace(book, teams={TeamName(name): team for name, team in teams.items()}))
    return day


def answer(day: Day, number: int, text: str, **more: object) -> str:
    """Another customer asks, Maria answers; returns what the customer reads, without our quotation."""
    email = f"customer{number}@example.org"
    day.write(f"Customer <{email}>", f"Front wheel {number}", CALM)
    day.reply(MARIA, day.routed(MARIA), text, **more)  # type: ignore[arg-type]  # as Day.write takes them
    return "\n".join(words_of(day, email).text.splitlines()).partition("\n\nOn Monday")[0]


def learnt(day: Day) -> list[tuple[str, int, int]]:
    rows = day.store.look("select * from signature where forgotten = 0")
    return [(row["lines"], row["message"], row["practice"]) for row in rows]


def test_the_same_last_lines_in_three_cases_are_left_out_from_then_on(day: Day) -> None:
    for number in range(3):
        assert answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}") == f"Hello,\nnumber {number}.\n\n{CARD}\n\nMaria\nAcme Support"
    assert learnt(day) == [(CARD, 6, 0)], "it stands from which mail"
    assert answer(day, 3, f"Hello,\nnumber 3.\n\nKind regards\n\n{CARD}") == "Hello,\nnumber 3.\n\nKind regards\n\nMaria\nAcme Support"


def test_three_replies_in_one_case_are_not_enough(day: Day) -> None:
    day.write("Ana <ana@example.org>", "Front wheel", CALM)
    for number in range(5):
        day.reply(MARIA, day.routed(MARIA), f"Hello,\nnumber {number}.\n\n{CARD}")
    assert learnt(day) == []


def test_what_was_left_out_is_said_in_a_transcript_and_its_formatting_goes_with_it(day: Day) -> None:
    page = "<p>Hello,<br><b>number</b> {}.</p><p>Maria Lindt<br>Customer care, <i>Acme GmbH</i><br>+49 30 1234567</p>"
    for number in range(3):
        answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}", html=page.format(number), quote=False)
    answer(day, 3, f"label: axle\n\nHello,\nnumber 3.\n\n{CARD}")
    assert "Left out: your signature (3 lines)." in day.last(MARIA).text
    answer(day, 4, f"Hello,\nnumber 4.\n\n{CARD}", html=page.format(4), quote=False)
    sent = words_of(day, "customer4@example.org")
    assert "<b>number</b>" in sent.html and "1234567" not in sent.html + sent.text and "<i>Acme GmbH</i>" not in sent.html


def test_a_new_signature_is_not_left_out_before_it_is_learnt(day: Day) -> None:
    for number in range(3):
        answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}")
    other = CARD.replace("1234567", "7654321")
    assert "7654321" in answer(day, 3, f"Hello,\nnumber 3.\n\n{other}")
    answer(day, 4, f"Hello,\nnumber 4.\n\n{other}")
    answer(day, 5, f"Hello,\nnumber 5.\n\n{other}")
    assert "7654321" not in answer(day, 6, f"Hello,\nnumber 6.\n\n{other}")
    assert "1234567" not in answer(day, 7, f"Hello,\nnumber 7.\n\n{CARD}"), "the old one is known still"


def test_the_agent_sees_it_and_has_it_forgotten_for_good(day: Day) -> None:
    for number in range(3):
        answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}")
    day.reply(MARIA, day.routed(MARIA), "signature")
    assert "Customer care, Acme GmbH" in day.last(MARIA).text and "Nothing was changed." in day.last(MARIA).text
    day.reply(MARIA, day.routed(MARIA), "Signature: none.")
    assert "signature: none" in day.last(MARIA).text.casefold() and learnt(day) == []
    for number in range(3, 8):
        assert "1234567" in answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}")
    assert learnt(day) == [] and day.events("signature.forgotten") == 1


def test_what_one_agent_signs_with_is_left_in_the_words_of_another(day: Day) -> None:
    for number in range(3):
        answer(day, number, f"Hello,\nnumber {number}.\n\n{CARD}")
    day.write("Ana <ana@example.org>", "Front wheel", CALM)
    day.reply(MARIA, day.routed(MARIA), "assign: tom")
    day.reply(TOM, day.routed(TOM), f"Hello,\nask her:\n\n{CARD}")
    assert "1234567" in words_of(day).text


def test_closings_and_offers_reach_every_customer(day: Day) -> None:
    ending = "Let me know if you need anything else\n\nKind regards"
    for number in range(6):
        assert ending in answer(day, number, f"Hello,\nnumber {number}.\n\n{ending}")
