"""Every Monday morning the lead reads in one mail what last week taught, with everybody behind it on a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.model import MailboxName, Mode
from inboxd.daemon.keep_house import open_house
from inboxd.daemon.office import Week
from inboxd.errors import Temporary
from tests.desk.sample_findings import the_week
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import PETRA


class Past:
    """What each week taught us: always the same, of other days; remembers for which it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, date, date]] = []
        self.fails: Exception | None = None

    def __call__(self, mailbox: MailboxName, first: date, last: date) -> Week:
        self.asked.append((mailbox, first, last))
        if self.fails is not None:
            raise self.fails
        return Week(findings=replace(the_week(), first=first, last=last), page="<!doctype html><title>é</title>".encode())


@pytest.fixture
def past() -> Past:
    return Past()


def a_day(past: Past, mode: Mode = Mode.FULL) -> Day:
    """The clock shows Monday 16 November, 9:00: this week's mail has left."""
    day = Day(mode=mode)
    day.office.look_back = past
    return day


def weekly(day: Day) -> list[Letterbox]:
    return [mail for mail in day.inbox(PETRA) if "to win back" in mail.subject]


def test_the_lead_gets_it_on_monday_morning_about_the_whole_week_before(past: Past) -> None:
    day = a_day(past)
    day.pass_(days=6, hours=21)
    assert not weekly(day)
    day.pass_(hours=2)
    (mail,) = weekly(day)
    assert past.asked == [(ACME, date(2026, 11, 16), date(2026, 11, 22))]
    assert mail.subject == "16 to 22 November: 6 people still to win back"
    assert " ".join(mail.text.split()).startswith("Good morning Petra, 212 people wrote last week. 6 of them are unhappy")
    assert mail.sender == "Acme Support desk" and mail.message["Auto-Submitted"] == "auto-generated"


def test_the_page_travels_with_it(past: Past) -> None:
    day = a_day(past)
    day.pass_(days=7)
    (page,) = weekly(day)[0].message.iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("report.html", "text/html")
    assert page.get_payload(decode=True) == "<!doctype html><title>é</title>".encode()


def test_it_comes_every_week_and_once_though_the_daemon_starts_anew(past: Past) -> None:
    day = a_day(past)
    day.pass_(days=7)
    open_house(day.office)
    day.run()
    day.pass_(days=7)
    assert [mail.subject.partition(":")[0] for mail in weekly(day)] == ["16 to 22 November", "23 to 29 November"]


def test_seven_in_the_morning_is_that_of_the_mailbox(past: Past) -> None:
    day = a_day(past)
    day.office.policy = replace(day.office.policy, zone=ZoneInfo("America/New_York"))
    day.pass_(days=7)  # the first is already planned
    day.pass_(days=7, hours=2)
    assert len(weekly(day)) == 1 and past.asked[-1][1] == date(2026, 11, 16)
    day.clock.at = datetime(2026, 11, 30, 12, 1, tzinfo=UTC)
    day.run()
    assert past.asked[-1][1:] == (date(2026, 11, 23), date(2026, 11, 29))


def test_whoever_only_watches_gets_none_until_the_mailbox_works(past: Past) -> None:
    day = a_day(past, Mode.WATCH)
    day.pass_(days=7)
    assert not past.asked and not weekly(day)
    day.set_mode(Mode.ROUTE)
    day.pass_(days=7)
    assert len(weekly(day)) == 1


def test_a_week_that_cannot_be_looked_at_is_tried_again_the_next_morning(past: Past) -> None:
    day = a_day(past)
    past.fails = ValueError("a figure is missing")
    day.pass_(days=7)
    assert not weekly(day) and not day.store.parked()
    past.fails = None
    day.pass_(days=1)
    assert len(weekly(day)) == 1 and past.asked[-1][1:] == (date(2026, 11, 16), date(2026, 11, 22))


def test_while_the_store_is_busy_it_waits(past: Past) -> None:
    day = a_day(past)
    past.fails = Temporary("the store is busy")
    with pytest.raises(Temporary):
        day.pass_(days=7)
    past.fails = None
    day.pass_(hours=1)
    assert len(weekly(day)) == 1
