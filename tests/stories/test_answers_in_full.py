"""What customers answer when they are asked, and what follows: the branches that other stories leave out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from inboxd.core.model import CaseState, JobKind, Outcome, TopicName
from inboxd.core.opening import Calendar, Span
from tests.stories.day import Day
from tests.stories.steps import ANA, CALM, FURIOUS, PETRA, asked, holder, kinds, opened, question

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


# --- when to ask


def rules(day: Day, **changes: object) -> None:
    """Other words under `follow_up` are in force."""
    book = day.office.rules.book
    day.office.rules = replace(day.office.rules, book=replace(book, follow_up=replace(book.follow_up, **changes)))  # type: ignore[arg-type]


def test_cases_of_a_topic_have_their_own_quiet_time(day: Day) -> None:
    rules(day, ask_after_by_topic={TopicName("how_to"): Span(length=timedelta(days=5))})
    agent = opened(day)
    day.reply(agent, day.routed(agent), "topic: how_to\nresolve\n\nHello Ana,\nthe 15 mm one.")
    assert "on Saturday 21 November after 09:00" in " ".join(day.last(agent).text.split())
    day.pass_(days=4, hours=23)
    assert "follow_up" not in kinds(day, ANA_AT)
    day.pass_(hours=2)
    assert kinds(day, ANA_AT)[-1] == "follow_up"


def test_the_quiet_time_can_count_in_opening_days(day: Day) -> None:
    office = Calendar(name="office", zone=UTC, hours=dict.fromkeys(range(5), ((9 * 60, 17 * 60),)))
    book = day.office.rules.book
    day.office.rules = replace(day.office.rules, book=replace(book, calendars={"office": office}))
    rules(day, ask_after=Span(days=2, opening=True))
    day.pass_(days=4)  # a Friday
    agent = opened(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert next_step(day, JobKind.ASK) == timedelta(days=4), "Tuesday at the same time"


@pytest.mark.parametrize(
    ("dated", "hour"),
    [
        ("Mon, 16 Nov 2026 09:00:00 +0000", 8),  # UTC says nothing: by our own clock
        ("Tue, 17 Nov 2026 11:36:00 +1300", 22),  # by day in Auckland
        ("Mon, 16 Nov 2026 14:36:00 -0800", 22),  # and in San Francisco
        ("Tue, 17 Nov 2026 04:06:00 +0530", 2),  # eight in the morning in Mumbai
        ("nonsense", 8),
    ],
)
def test_nobody_is_asked_at_night(day: Day, dated: str, hour: int) -> None:
    day.pass_(hours=13, minutes=30)  # 22:30 here
    agent = opened(day)
    day.mailbox.put(
        (f"Message-ID: <late@x.example>\r\nFrom: {ANA}\r\nTo: support@acme.example\r\nSubject: Re: Front wheel\r\nDate: {dated}\r\n"
         "\r\nIt is the silver one.\r\n").encode(), day.at(),
    )  # fmt: skip
    day.run()
    day.pass_(minutes=6)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.pass_(days=3)
    asked_at = question(day).outgoing.created_at
    assert asked_at.hour == hour, asked_at
