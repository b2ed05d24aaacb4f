"""Far more people than usual write about one thing: the lead hears of it within minutes, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from inboxd.core.model import Mode
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, CALM, PETRA

DAY = timedelta(days=1)
THINGS = ("bell", "lamp", "grip", "helmet", "saddle", "tyre", "pump", "chain")
WORDS = (
    "I cannot sign in since this morning.", "Since today I am not able to log in, what is wrong?", "We can't sign in any more.",
    "Hello, I cannot log in to my account.", "Why can I not sign in today?", "Signing in fails. I cannot sign in.",
)  # fmt: skip


@pytest.fixture
def day() -> Day:
    """Four weeks of ordinary days lie behind the team."""
    day = Day()
    day.write(ANA, "Front wheel", CALM)
    day.pass_(days=28)
    return day


def told(day: Day) -> list[Letterbox]:
    return [mail for mail in day.inbox(PETRA) if "usually" in mail.subject]


def crowd(day: Day, people: int, first: int = 0, minutes: int = 3) -> None:
    for number in range(first, first + people):
        day.write(f"Person{chr(65 + number)} Moe <p{number}@example.org>", "Problem", WORDS[number % len(WORDS)])
        day.pass_(minutes=minutes)


def test_the_lead_hears_of_it_at_the_fifth_person_within_five_minutes(day: Day) -> None:
    crowd(day, 4)
    assert not told(day)
    crowd(day, 1, first=4)
    (mail,) = told(day)
    assert mail.subject.startswith("5 people in an hour: ") and mail.subject.endswith("(usually nobody)")
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_it_names_the_first_five_with_their_words(day: Day) -> None:
    crowd(day, 5)
    (mail,) = told(day)
    for letter in "ABCDE":
        assert f"Person{letter} Moe [#" in mail.text
    assert '"I cannot sign in since this morning."' in " ".join(mail.text.split())
    assert "known issue:" in mail.text


def test_it_is_told_once_while_it_lasts(day: Day) -> None:
    crowd(day, 20)
    assert len(told(day)) == 1


def test_one_person_who_writes_often_is_no_spike(day: Day) -> None:
    for number in range(8):
        day.write("Ben Okafor <ben@example.org>", f"Problem {number}", WORDS[number % len(WORDS)])
        day.pass_(minutes=2)
    assert not told(day)


def test_machines_are_not_counted(day: Day) -> None:
    for number in range(8):
        day.write(f"<robot{number}@example.org>", "Problem", WORDS[0], headers={"Auto-Submitted": "auto-generated"})
        day.pass_(minutes=2)
    assert not told(day)


def test_what_was_quoted_is_not_counted(day: Day) -> None:
    for number in range(8):
        text = "Do you sell it?\n\nOn Mon, 16 Nov 2026 at 09:00, Ana wrote:\n> I cannot sign in.\n> I cannot sign in.\n"
        day.write(f"Person{number} <p{number}@example.org>", THINGS[number], text)
        day.pass_(minutes=2)
    assert not [mail for mail in told(day) if "sign" in mail.subject]


def test_mail_that_lay_in_the_mailbox_for_days_is_no_spike_of_today(day: Day) -> None:
    for number in range(8):
        day.write(f"Person{number} <p{number}@example.org>", "Problem", WORDS[number % len(WORDS)], run=False)
        day.clock.at += DAY
    day.run()
    day.pass_(minutes=10)
    assert not told(day)


def test_who_only_watches_gets_the_daily_mail_and_no_other(day: Day) -> None:
    day.set_mode(Mode.WATCH)
    crowd(day, 8)
    assert not told(day)
