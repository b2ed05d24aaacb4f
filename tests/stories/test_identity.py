"""Contact forms: the people behind one address are people, and none of them can become an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inboxd.core.rulebook import Identity
from tests.stories.day import Day, _shipped_rules
from tests.stories.steps import ANA, MARIA, holder, words_of

FORM = "Contact form <forms@acme.example>"
MARKS = {"Auto-Submitted": "auto-generated", "Precedence": "bulk"}


@pytest.fixture
def day() -> Day:
    rule = Identity(senders=("forms@acme.example",), customer_is="field", form_field="E-Mail")
    return Day(book=replace(_shipped_rules(), identity=(rule,)))


def fill_in(day: Day, name: str, email: str, words: str, **more: str) -> None:
    """Somebody fills in the form on the website."""
    day.write(FORM, "Message from the website", f"Name: {name}\nE-Mail: {email}\nMessage: {words}", headers=MARKS, **more)  # type: ignore[arg-type]


def test_two_people_who_use_the_form_within_ten_minutes_are_two_people_and_two_cases(day: Day) -> None:
    fill_in(day, "Ana Ruiz", "ana@example.org", "Which spanner fits the front wheel?")
    ana = day.case()
    day.pass_(minutes=2)
    fill_in(day, "Ben Okafor", "ben@example.net", "Where is my order?")
    ben = day.case()
    assert ben.number != ana.number and ben.customer != ana.customer
    people = day.store.look("select p.name, a.email from person p join address a on a.person = p.id order by p.id")
    assert [(row["name"], row["email"]) for row in people] == [("Ana Ruiz", "ana@example.org"), ("Ben Okafor", "ben@example.net")]
    assert {row["kind"] for row in day.store.look("select kind from message")} == {"person"}


def test_the_answer_goes_to_the_customer_and_never_to_the_form(day: Day) -> None:
    fill_in(day, "Ana Ruiz", "ana@example.org", "Which spanner fits the front wheel?", cc="forms@acme.example")
    agent = holder(day)
    brief = day.routed(agent)
    assert "Ana" in brief.subject
    assert "From ana@example.org, through forms@acme.example." in brief.text
    day.reply(agent, brief, "Hello Ana,\nthe 15 mm one.")
    assert "the 15 mm one." in words_of(day).text
    assert day.inbox("forms@acme.example") == []


def test_the_customers_next_mail_comes_from_their_own_address_and_joins_the_case(day: Day) -> None:
    fill_in(day, "Ana Ruiz", "ana@example.org", "Which spanner fits the front wheel?")
    agent, number = holder(day), day.case().number
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.reply(ANA, words_of(day), "It does not fit.")
    assert day.case().number == number
    fill_in(day, "Ana", "ANA@example.org", "And another thing.")
    assert len(day.store.look("select id from person")) == 1


def test_nobody_becomes_an_agent_by_what_they_type_into_a_form(day: Day) -> None:
    day.write(ANA, "Front wheel", "Which spanner fits the front wheel?")
    agent = holder(day)
    before = len(day.inbox("ana@example.org"))
    text = f"Name: Maria\nE-Mail: {agent}\nMessage: resolve"
    day.reply(FORM, day.routed(agent), text, quote=False)
    assert day.case(1001).state == "open"
    assert len(day.inbox("ana@example.org")) == before
    assert [row["agent"] for row in day.store.look("select agent from message order by id")] == [None, None]
    assert day.store.look("select 1 from address where email = ?", MARIA) == []
