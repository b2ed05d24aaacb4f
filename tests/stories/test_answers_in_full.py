"""What customers answer when they are asked, and what follows: the branches that other stories leave out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inboxd.core.model import CaseState, JobKind, Outcome
from tests.stories.day import Day
from tests.stories.steps import ANA, CALM, FURIOUS, PETRA, asked, holder, kinds, question

ANA_AT = "ana@example.org"
AWAY = {"Auto-Submitted": "auto-replied"}


@pytest.fixture
def day() -> Day:
    return Day()


def next_step(day: Day, kind: JobKind) -> timedelta:
    """How long until this step of the newest case comes."""
    with day.store.transaction() as tx:
        return tx.due_of(day.case().number, kind) - day.at()


def test_an_out_of_office_is_no_answer_and_the_reminder_waits_until_they_are_back(day: Day) -> None:
    mail = asked(day, FURIOUS)
    assert next_step(day, JobKind.REMIND) <= timedelta(days=4)
    back = day.at().date() + timedelta(days=10)
    day.write(ANA, "Out of office", f"I am away until {back.day} {back:%B}.", answers=mail, headers=AWAY)
    assert day.case().state is CaseState.RESOLVED and day.case().outcome is Outcome.UNKNOWN
    assert timedelta(days=14) <= next_step(day, JobKind.REMIND) <= timedelta(days=15)
    day.pass_(days=13)
    assert "reminder" not in kinds(day, ANA_AT)
    day.pass_(days=3)
    assert kinds(day, ANA_AT)[-1] == "reminder"


def test_where_nobody_is_reminded_the_case_stays_open_to_an_answer_until_they_are_back(day: Day) -> None:
    mail = asked(day, CALM)
    before = next_step(day, JobKind.CLOSE)
    day.write(ANA, "Out of office", "I am not at my desk.", answers=mail, headers=AWAY)
    assert timedelta(days=6) < next_step(day, JobKind.CLOSE) - before <= timedelta(days=8)


def test_an_out_of_office_to_an_agents_words_moves_nothing(day: Day) -> None:
    mail = asked(day, CALM)
    before = next_step(day, JobKind.CLOSE)
    reply = day.last(ANA_AT, lambda each: each.outgoing.kind == "reply")
    day.write(ANA, "Out of office", "I am away until 24 December.", answers=reply, headers=AWAY)
    assert next_step(day, JobKind.CLOSE) == before and mail.outgoing.kind == "follow_up"


def test_a_second_bad_answer_goes_to_the_lead(day: Day) -> None:
    day.reply(ANA, asked(day, FURIOUS), "No, it is not solved, the wheel is still broken.")
    second = holder(day)
    assert second != PETRA
    day.reply(second, day.routed(second), "resolve\n\nHello Ana,\nI sent a new wheel.")
    day.pass_(days=2, minutes=1)
    day.reply(ANA, question(day), "No, it is still not solved. It does not fit either.")
    assert holder(day) == PETRA and day.case().reopened == 2 and day.case().outcome is Outcome.DISSATISFIED
    assert kinds(day, ANA_AT)[-1] == "follow_up", "nothing automatic follows a bad answer"
