"""Two cases become one: nothing that either of them held is lost on the way."""

from __future__ import annotations

import pytest

from inboxd.core.model import CaseState, Outcome
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, CALM, FURIOUS, JONAS, MARIA, PETRA, TOM, asked, holder, kinds, resolved

ANA_AT = "ana@example.org"
AGENTS = (MARIA, JONAS, TOM, PETRA)
LAMP = "The lamp does not shine. Why?"


@pytest.fixture
def day() -> Day:
    return Day()


def flat(text: str) -> str:
    return " ".join(text.split())


def two_cases(day: Day, first: str = CALM, second: str = LAMP) -> tuple[int, int]:
    day.write(ANA, "Front wheel", first)
    one = int(day.case().number)
    day.pass_(minutes=20)
    day.write(ANA, "Lamp", second)
    other = int(day.case().number)
    assert one != other
    return one, other


def routed(day: Day, number: int) -> Letterbox:
    return day.last(holder(day, number), lambda mail: mail.outgoing.kind == "routed" and mail.outgoing.case == number)


def order(day: Day, number: int, text: str) -> None:
    day.reply(holder(day, number), routed(day, number), text)


def row(day: Day, number: int) -> tuple[str, int | None]:
    found = day.store.look("select state, merged_into from cases where id = ?", number)[0]
    return found["state"], found["merged_into"]


@pytest.mark.parametrize("lines", ["resolve\nmerge: #{}", "merge: #{}\nresolve"])
def test_resolve_with_it_resolves_the_case_that_is_left(day: Day, lines: str) -> None:
    one, other = two_cases(day)
    order(day, other, f"{lines.format(one)}\n\nHello Ana,\nturn the small wheel at its back.")
    assert day.case(one).state is CaseState.RESOLVED and row(day, other) == ("merged", one)
    assert kinds(day, ANA_AT) == ["reply"]


def test_words_with_it_wait_for_the_customer_and_nobody_is_reminded(day: Day) -> None:
    one, other = two_cases(day)
    order(day, other, f"merge: #{one}\n\nHello Ana,\nturn the small wheel at its back.")
    assert day.case(one).state is CaseState.WAITING and row(day, other) == ("merged", one)
    day.pass_(days=9)
    nagged = [mail.subject for agent in AGENTS for mail in day.inbox(agent) if mail.outgoing.purpose.startswith(("due:", "audit:"))]
    assert nagged == [] and "follow_up" in kinds(day, ANA_AT)


def test_words_with_it_into_a_resolved_case_wait_for_the_customer(day: Day) -> None:
    resolved(day)
    one = day.case().number
    day.pass_(hours=1)
    day.write(ANA, "Lamp", LAMP)
    other = day.case().number
    order(day, other, f"merge: #{one}\n\nHello Ana,\nplease turn it on. Does it shine now?")
    assert day.case(one).state is CaseState.WAITING and row(day, other) == ("merged", one)


def test_a_day_promised_with_it_is_held_to(day: Day) -> None:
    one, other = two_cases(day)
    order(day, other, f"merge: #{one}\n\nHello Ana,\nwe send you a new lamp on Thursday.")
    assert [each["case_id"] for each in day.store.look("select * from promise")] == [one]


def test_the_earlier_hour_counts(day: Day) -> None:
    one, other = two_cases(day, CALM, FURIOUS)
    due = day.case(other).due_at
    assert due is not None and due < (day.case(one).due_at or due)
    order(day, other, f"merge: #{one}")
    assert day.case(one).due_at == due
    keeper, before = holder(day, one), len(day.inbox(holder(day, one)))
    day.pass_(days=1)
    assert [mail for mail in day.inbox(keeper)[before:] if mail.outgoing.purpose.startswith("due:")]


@pytest.mark.parametrize("words", ["", "note: one and the same, look at the lamp first"])
def test_whoever_holds_the_other_gets_the_mail_that_waits(day: Day, words: str) -> None:
    one, other = two_cases(day)
    keeper = next(agent for agent in AGENTS if agent != holder(day, other))
    if holder(day, one) != keeper:
        order(day, one, f"assign: {keeper.partition('@')[0]}")
    before = len(day.inbox(keeper))
    order(day, other, f"merge: #{one}\n{words}")
    assert [mail for mail in day.inbox(keeper)[before:] if mail.outgoing.kind == "routed" and LAMP in flat(mail.text)]
    assert day.case(one).state is CaseState.OPEN


def test_who_has_both_gets_nothing_twice(day: Day) -> None:
    one, other = two_cases(day)
    agent = holder(day, other)
    if holder(day, one) != agent:
        order(day, one, f"assign: {agent.partition('@')[0]}")
    before = len(day.inbox(agent))
    order(day, other, f"merge: #{one}")
    day.pass_(minutes=30)
    assert [mail.outgoing.kind for mail in day.inbox(agent)[before:]] == ["notice"]


@pytest.mark.parametrize("words", ["", "\n\nHello Ana,\nwe look at both."])
def test_a_mail_that_still_gathers_is_handed_over(day: Day, words: str) -> None:
    one, other = two_cases(day)
    day.pass_(minutes=1)
    day.write(ANA, "Lamp", "And the bell is gone, too. Please send me one.")
    assert day.case().number == other
    order(day, other, f"merge: #{one}{words}")
    day.pass_(minutes=30)
    assert "the bell is gone" in flat(day.routed(holder(day, one)).text) and day.case(one).state is CaseState.OPEN


def test_no_machine_writes_about_a_sensitive_matter_that_came_with_it(day: Day) -> None:
    one, other = two_cases(day, CALM, "My husband died last week. Please cancel his order of the second wheel.")
    assert day.case(other).no_follow_up and "sensitive" in day.case(other).labels
    order(day, other, f"merge: #{one}")
    order(day, one, "resolve\n\nDear Ana,\nit is cancelled.")
    day.pass_(days=12)
    assert "follow_up" not in kinds(day, ANA_AT)


def test_who_was_disappointed_in_one_is_disappointed_in_both(day: Day) -> None:
    mail = asked(day)
    one = day.case().number
    day.reply(ANA, mail, "No, it does not work at all.")
    day.pass_(minutes=20)
    day.write(ANA, "Lamp", LAMP)
    other = day.case().number
    assert one != other
    order(day, one, f"merge: #{other}")
    assert (day.case(other).outcome, day.case(other).reopened) == (Outcome.DISSATISFIED, 1)


def test_a_case_merged_twice_keeps_its_story(day: Day) -> None:
    one, other = two_cases(day)
    day.pass_(minutes=20)
    day.write(ANA, "Bell", "The bell is gone. Please send me one.")
    third = day.case().number
    order(day, other, f"merge: #{third}")
    order(day, third, f"merge: #{one}")
    assert row(day, other) == ("merged", one)
    order(day, one, "pass on")
    assert "The lamp does not shine" in flat(day.routed(holder(day, one)).text)
