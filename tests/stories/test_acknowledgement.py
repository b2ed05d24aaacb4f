"""The note that says "your mail is here": clause by clause, when it leaves, what it says, and who gets none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from inboxd.core.model import PersonNo, SameAs
from inboxd.core.opening import Calendar, Span
from inboxd.core.rulebook import Absence, Rule, Rulebook, Then
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import ANA, CALM, FURIOUS, SAME_PROBLEM, answered, asked, kinds, opened

ANA_AT = "ana@example.org"
SAID = "acknowledgement"
OFFICE = Calendar(name="office", zone=UTC, hours=dict.fromkeys(range(5), ((9 * 60, 17 * 60),)))
FOUR_HOURS = Span(length=timedelta(hours=4), opening=True)
SATURDAY = datetime(2026, 11, 21, 11, tzinfo=UTC)


def hello(within: Span | None = FOUR_HOURS, calendar: Calendar | None = OFFICE, template: str = "acknowledge") -> Rulebook:
    """The shipped people, one rule that acknowledges, and office hours."""
    book = Day().office.rules.book
    rules = (Rule(name="say hello", when=(), then=Then(reply_with=template, answer_within=within, assign="everyone")),)
    return replace(book, rules=rules, calendars={"office": calendar} if calendar else {})


def the_note(day: Day, address: str = ANA_AT) -> Letterbox:
    return day.last(address, lambda mail: mail.outgoing.kind == SAID)


def said(day: Day) -> str:
    """The note's words, as one line."""
    return " ".join(the_note(day).text.split())


def written_at(at: datetime, book: Rulebook, text: str = CALM) -> Day:
    day = Day(book=book)
    day.clock.at = at
    opened(day, text)
    day.pass_(minutes=10)
    return day


def test_off_by_default_nobody_gets_one() -> None:
    day = Day()
    opened(day)
    day.pass_(hours=4)
    assert kinds(day, ANA_AT) == []


def test_it_waits_ten_minutes() -> None:
    day = Day(book=hello())
    opened(day)
    day.pass_(minutes=9, seconds=59)
    assert kinds(day, ANA_AT) == []
    day.pass_(seconds=1)
    assert kinds(day, ANA_AT) == [SAID]


def test_it_is_dropped_where_somebody_answered_within_the_ten_minutes() -> None:
    day = Day(book=hello())
    answered(day)
    day.pass_(hours=1)
    assert kinds(day, ANA_AT) == ["reply"]


def test_an_afterthought_within_the_ten_minutes_does_not_drop_it() -> None:
    day = Day(book=hello())
    opened(day)
    day.pass_(minutes=3)
    day.write(ANA, "Front wheel", SAME_PROBLEM)
    day.pass_(minutes=8)
    assert kinds(day, ANA_AT) == [SAID]


def test_while_we_are_here_it_says_by_when_a_person_writes_today() -> None:
    day = written_at(datetime(2026, 11, 16, 10, tzinfo=UTC), hello())
    assert the_note(day).text.replace("\r", "") == (
        'Hello Ana,\n\nYour mail about "Front wheel" is here. A person will write to\nyou by 14:00 today.\n\n'
        "Something to add? Just reply.\n\nAcme Support\n\nThis note came by itself. The next mail is from a person.\n"
    )
    assert the_note(day).sender == "Acme Support" and the_note(day).message["Auto-Submitted"] == "auto-replied"


def test_while_we_are_closed_it_says_until_when_and_by_when_a_person_writes_then() -> None:
    day = written_at(SATURDAY, hello())
    assert (
        'Your mail about "Front wheel" is here. We are closed until Monday at 09:00. A person will write to you by 13:00 that day.'
        in said(day)
    )
    assert "today" not in said(day)


def test_where_not_enough_of_the_day_is_left_the_day_is_named() -> None:
    day = written_at(datetime(2026, 11, 16, 16, tzinfo=UTC), hello())
    assert "A person will write to you on Tuesday by 12:00." in said(day)


def test_early_on_a_day_on_which_nobody_is_here_yet_today_is_not_said() -> None:
    day = written_at(datetime(2026, 11, 16, 7, tzinfo=UTC), hello())
    assert "We are closed until Monday at 09:00. A person will write to you by 13:00 that day." in said(day)


def test_a_day_more_than_a_week_away_is_named_with_its_date() -> None:
    away = {date(2026, 11, 23) + timedelta(days=n): "works holiday" for n in range(5)}
    day = written_at(SATURDAY, hello(calendar=replace(OFFICE, closed=away)))
    assert "We are closed until Monday 30 November at 09:00." in said(day)


def test_without_a_calendar_nobody_says_today() -> None:
    day = written_at(datetime(2026, 11, 16, 10, tzinfo=UTC), hello(Span(length=timedelta(hours=4)), None))
    assert "on Monday by 14:00." in said(day)


def test_an_hour_at_which_nobody_is_there_is_not_promised() -> None:
    day = written_at(SATURDAY, hello(Span(length=timedelta(hours=4))))
    assert "We are closed until Monday at 09:00. Then a person reads it and writes to you." in said(day)
    assert "15:00" not in said(day)


def test_without_news_it_is_not_sent() -> None:
    nobody_knows_when = written_at(datetime(2026, 11, 16, 10, tzinfo=UTC), hello(within=None))
    assert kinds(nobody_knows_when, ANA_AT) == []
    past_closing = written_at(datetime(2026, 11, 16, 16, tzinfo=UTC), hello(Span(length=timedelta(hours=4))))
    assert kinds(past_closing, ANA_AT) == []


def test_where_everybody_is_away_no_hour_is_promised() -> None:
    book = hello()
    off = Absence(first=date(2026, 11, 16), last=date(2026, 11, 20))
    book = replace(book, agents={name: replace(agent, away=(off,)) for name, agent in book.agents.items()})
    assert kinds(written_at(datetime(2026, 11, 16, 10, tzinfo=UTC), book), ANA_AT) == []


def test_an_upset_customer_gets_none_while_somebody_is_there_and_hears_that_we_are_closed_while_nobody_is() -> None:
    assert kinds(written_at(datetime(2026, 11, 16, 10, tzinfo=UTC), hello(), FURIOUS), ANA_AT) == []
    assert "We are closed until Monday" in said(written_at(SATURDAY, hello(), FURIOUS))
    as_we_open = written_at(datetime(2026, 11, 16, 8, 55, tzinfo=UTC), hello(), FURIOUS)
    assert kinds(as_we_open, ANA_AT) == []
    without_hours = written_at(SATURDAY, hello(Span(length=timedelta(hours=4)), None), FURIOUS)
    assert kinds(without_hours, ANA_AT) == []


SENSITIVE = "Hello,\nmy father died last week. His bike came today. What shall I do with it?"


@pytest.mark.parametrize("at", [SATURDAY, datetime(2026, 11, 16, 10, tzinfo=UTC)])
def test_nobody_who_writes_of_death_illness_danger_or_law_gets_one(at: datetime) -> None:
    assert kinds(written_at(at, hello(), SENSITIVE), ANA_AT) == []


def test_nor_somebody_whose_second_mail_within_the_ten_minutes_is_sensitive() -> None:
    day = Day(book=hello())
    day.clock.at = SATURDAY
    opened(day)
    day.pass_(minutes=3)
    day.write(ANA, "Front wheel", SENSITIVE)
    day.pass_(minutes=20)
    assert kinds(day, ANA_AT) == []


def test_after_a_bad_answer_the_next_word_is_a_persons_in_another_matter_too() -> None:
    day = Day(book=hello())
    day.reply(ANA, asked(day), "No, it does not fit.")
    day.pass_(days=1)
    before = len(day.inbox(ANA_AT))
    day.write(ANA, "A lamp", CALM)
    day.pass_(hours=1)
    assert not day.inbox(ANA_AT)[before:]


def test_who_only_put_us_in_copy_gets_none() -> None:
    day = Day(book=hello())
    day.write(ANA, "Front wheel", CALM, to="shop@other.example", cc="support@acme.example")
    day.pass_(hours=1)
    assert kinds(day, ANA_AT) == []


def test_it_never_answers_an_answer() -> None:
    day = Day(book=hello())
    day.clock.at = datetime(2026, 11, 16, 10, tzinfo=UTC)
    question = asked(day)
    before = kinds(day, ANA_AT)
    day.reply(ANA, question, "Yes, it is solved, thank you. One more thing: which pump fits the tyres?")
    assert day.case().number == 1002, "it brings something new"
    day.pass_(hours=1)
    assert kinds(day, ANA_AT) == before


def one_person_with_two_addresses(day: Day) -> None:
    with day.store.transaction() as tx:
        tx.apply((SameAs(person=PersonNo(1), email="ana@work.example", by="maria"),), ACME, day.at())  # type: ignore[arg-type]


def no_person(_day: Day) -> None:
    pass


@pytest.mark.parametrize(("known", "count"), [(one_person_with_two_addresses, 0), (no_person, 1)])
def test_one_person_gets_one_a_day_over_all_their_addresses(known: Callable[[Day], None], count: int) -> None:
    day = Day(book=hello())
    opened(day)
    day.pass_(minutes=20)
    known(day)
    day.write("Ana Ruiz <ana@work.example>", "Bell", "Hello, where can I buy a bell?")
    day.pass_(hours=1)
    assert kinds(day, "ana@work.example") == [SAID] * count
    assert kinds(day, ANA_AT) == [SAID]


def test_a_mail_without_a_subject_is_not_called_by_an_empty_one() -> None:
    day = Day(book=hello())
    opened(day, subject="")
    day.pass_(minutes=10)
    assert "Your mail is here." in said(day)


def test_in_german_it_says_the_same() -> None:
    day = written_at(
        SATURDAY, hello(), "Guten Tag,\nwelcher Schlüssel passt zu dem Vorderrad meines Fahrrads? Ich finde ihn nicht.\nAna Ruiz"
    )
    assert (
        "Ihre Mail zu „Front wheel“ ist da. Wir sind ab Montag um 09:00 Uhr wieder hier."
        " Ein Mensch schreibt Ihnen an diesem Tag bis 13:00 Uhr." in said(day)
    )


@pytest.mark.parametrize("template", ["acknowledge", "we_are_closed", "we_hear_you"])
def test_each_of_its_texts_says_the_news(template: str) -> None:
    assert "We are closed until Monday at 09:00. A person will write to you by 13:00 that day." in said(
        written_at(SATURDAY, hello(template=template))
    )
