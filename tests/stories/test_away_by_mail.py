"""Agents say by mail that they are away, or their mail program does: their cases go to others and come back."""

from __future__ import annotations

from datetime import date

import pytest

from tests.stories.day import Day
from tests.stories.steps import ANA, BEN, CALM, agents_mail, holder, opened

ANA_AT = "ana@example.org"


@pytest.fixture
def day() -> Day:
    return Day()


def flat(text: str) -> str:
    return " ".join(text.split())


def absences(day: Day) -> dict[str, tuple[str, str]]:
    return {row["agent"]: (row["first"], row["last"]) for row in day.store.look("select * from absence")}


def test_who_says_that_they_are_away_gets_nothing_new_and_lends_what_is_open(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "away: until Thursday")
    assert "until Thursday 19 November your cases go to others" in flat(day.last(agent, lambda mail: "Done" in mail.text).text)
    assert holder(day) != agent and "is away" in flat(day.routed(holder(day)).text)
    day.write(BEN, "Bell", "My bell is gone.")
    assert holder(day, 1002) != agent
    day.pass_(days=5)
    assert holder(day, 1001) == agent, "and back it comes"


def test_away_ends_before_its_time(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "away: until 30 November")
    gone = day.last(agent, lambda mail: "Done" in mail.text)
    day.reply(agent, gone, "away: no")
    day.pass_(minutes=20)
    assert holder(day) == agent


def test_a_day_that_is_none_is_asked_about(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "away: soon")
    assert "I do not know that day" in flat(day.last(agent).text) and not absences(day) and holder(day) == agent


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("I am out of the office until 20 November and will answer then.", date(2026, 11, 20)),
        ("Ich bin bis zum 25. November nicht im Büro.", date(2026, 11, 25)),
        ("I am out of the office and will answer when I am back.", date(2026, 11, 16)),
    ],
)
def test_an_out_of_office_says_it_too_and_reaches_nobody(day: Day, text: str, last: date) -> None:
    agent = opened(day)
    before = len(agents_mail(day))
    headers = {"Auto-Submitted": "auto-replied"}
    day.reply(agent, day.routed(agent), text, quote=False, headers=headers)
    assert absences(day) == {agent.partition("@")[0]: ("2026-11-16", last.isoformat())}
    assert not day.inbox(ANA_AT) and holder(day) != agent
    assert len(agents_mail(day)) == before + 1, "only whoever stands in gets the case"


def test_an_out_of_office_without_a_day_does_not_end_a_longer_absence(day: Day) -> None:
    agent = opened(day)
    routed = day.routed(agent)
    day.reply(agent, routed, "away: until 3 December")
    text = "I am out of the office and will answer when I am back."
    day.reply(agent, routed, text, quote=False, headers={"Auto-Submitted": "auto-replied"})
    day.pass_(days=2)
    assert absences(day)[agent.partition("@")[0]][1] == "2026-12-03"
    day.write(BEN, "Bell", "My bell is gone.")
    assert holder(day, 1002) != agent


def test_an_out_of_office_that_answers_none_of_our_mails_is_only_counted(day: Day) -> None:
    agent = opened(day)
    automatic = {"Auto-Submitted": "auto-replied"}
    day.write(f"Somebody <{agent}>", "Automatic reply", "I am out of the office until 20 November.", headers=automatic)
    assert not absences(day) and holder(day) == agent


def test_a_customers_out_of_office_makes_nobody_away(day: Day) -> None:
    opened(day, CALM)
    day.write(ANA, "Automatic reply", "I am out of the office until 20 November.", headers={"Auto-Submitted": "auto-replied"})
    assert not absences(day)


def test_away_and_signature_need_no_case(day: Day) -> None:
    opened(day)
    agent = holder(day)
    day.pass_(hours=23)
    morning = day.last(agent, lambda mail: "to answer first" in mail.subject)
    day.reply(agent, morning, "away: 3 days")
    assert "your cases go to others" in " ".join(day.last(agent).text.split())
    assert holder(day) != agent
    day.reply(agent, morning, "away: no\nsignature: none")
    assert "welcome back" in " ".join(day.last(agent).text.split())
    day.reply(agent, morning, "away: some day")
    assert "I do not know that day" in " ".join(day.last(agent).text.split())
