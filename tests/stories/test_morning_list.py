"""Every morning each agent with something open gets one list, and can answer it."""

from __future__ import annotations

import pytest

from inboxd.core.model import CaseState, Scores, ToRead
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, BEN, CALM, FURIOUS, PETRA, holder


def feels(text: ToRead) -> Scores:
    return Scores(language="en", topics=(("how_to", 0.9),), upset=0.9 if "furious" in text.new_text else 0.0, model="fake-1")


@pytest.fixture
def day() -> Day:
    return Day(reader=FakeReader(scores=feels))


def lists(day: Day, agent: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if "in all" in mail.subject]


def flat(mail: Letterbox) -> str:
    return " ".join(mail.text.split())


def test_what_is_to_be_answered_first_stands_first(day: Day) -> None:
    day.write(ANA, "Front wheel", FURIOUS)
    agent = holder(day)
    day.pass_(days=1)
    (mail,) = lists(day, agent)
    assert mail.subject == "Tuesday: 1 to answer first, 1 in all"
    assert "First, please Ana Ruiz, Front wheel, sounds upset. By" in flat(mail) and "#1001" in mail.text
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_who_has_nothing_open_gets_none(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.pass_(days=1)
    assert not lists(day, agent) and not lists(day, PETRA)


def test_what_was_promised_for_a_day_to_come_is_said_again(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nI will send it on Thursday.")
    day.write(ANA, "Re: Front wheel [#1001]", "Fine. And the bill?")
    day.pass_(days=1)
    assert 'You told people Ana: "I will send it on Thursday."' in flat(lists(day, agent)[-1])


def test_commands_work_in_an_answer_to_the_list_with_the_number_of_the_case(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.pass_(days=1)
    mail = lists(day, agent)[-1]
    day.reply(agent, mail, "snooze #1001: 3 days", quote=False)
    due = day.case().due_at
    assert due is not None and (due - day.at()).days == 3 and "it comes back on" in flat(day.last(agent))
    day.reply(agent, mail, "mine", quote=False)
    assert "#1001 Ana Ruiz" in flat(day.last(agent))


def test_an_answer_that_names_no_case_changes_nothing_and_asks(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.write(BEN, "Bell", "My bell is gone.")
    agent = holder(day)
    day.pass_(days=1)
    before, mail = day.case(1001), lists(day, agent)[-1]
    day.reply(agent, mail, "Hello Ana,\nthe 15 mm one.", quote=False)
    assert flat(day.last(agent)).startswith("Which case,") and "the 15 mm one" in day.last(agent).text
    assert day.case(1001) == before and day.case(1001).state is CaseState.OPEN
    assert not day.inbox("ana@example.org") and len(day.store.look("select 1 from cases")) == 2


def test_the_numbers_of_the_quoted_list_are_no_orders(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.pass_(days=1)
    before = day.case(1001)
    day.reply(agent, lists(day, agent)[-1], "Hello Ana,\nthe 15 mm one.")
    assert flat(day.last(agent)).startswith("Which case,") and day.case(1001) == before


def test_the_list_of_another_agent_proves_nothing(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.pass_(days=1)
    before = day.case()
    day.reply(PETRA, lists(day, agent)[-1], "snooze #1001: 3 days", quote=False)
    assert day.case(1001).due_at == before.due_at
