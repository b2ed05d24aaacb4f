"""How far inboxd goes in a mailbox: only think (watch), hand mail to agents (route), or everything (full)."""

from __future__ import annotations

import email.policy
from dataclasses import replace

import pytest

from inboxd.core.model import CaseState, Mode, Outcome, Scores, ToRead
from inboxd.core.rulebook import Rule, Rulebook, Then
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import (
    AGENTS,
    ANA,
    BEN,
    CALM,
    FURIOUS,
    PETRA,
    agents_mail,
    asked,
    holder,
    kinds,
    opened,
    question,
    resolved,
    words_of,
)

ANA_AT = "ana@example.org"


def planted(text: ToRead) -> Scores:
    if "landmine" in text.new_text:
        raise RuntimeError("the reader could not cope")
    return Scores(language="en")


def acknowledging() -> Rulebook:
    book = Day().office.rules.book
    return replace(book, rules=(Rule(name="say hello", when=(), then=Then(reply_with="acknowledge")), *book.rules))


def daily(day: Day) -> list[Letterbox]:
    return [mail for mail in day.inbox(PETRA) if "what I would have done" in mail.subject]


# --- watch


def test_watch_sends_nothing_but_one_mail_a_day_to_the_lead() -> None:
    day = Day(mode=Mode.WATCH, book=acknowledging())
    opened(day, FURIOUS)
    day.pass_(days=3, hours=1)
    assert [set(o.envelope_to) for o in day.mailer.delivered] == [{PETRA}] * 3
    assert len(daily(day)) == 3


def test_the_daily_mail_says_what_would_have_been_done_in_the_form_of_a_morning_list() -> None:
    day = Day(mode=Mode.WATCH)
    opened(day, FURIOUS, subject="Broken wheel")
    day.write(BEN, "Other wheel", CALM)
    day.write("News <news@example.org>", "Sale", "Buy two", headers={"List-Id": "<news.example.org>"})
    day.pass_(days=1)
    (mail,) = daily(day)
    assert mail.subject == "Tuesday: 3 mails, and what I would have done"
    assert mail.text.startswith("3 mails came, and this is what I would have done.")
    lines = mail.text.splitlines()
    assert lines[lines.index("To Maria Lindt") + 1].startswith("Ana Ruiz, Broken wheel: sounds upset")
    assert lines[lines.index("To Jonas Weber") + 1].startswith("Ben Okafor, Other wheel:")
    assert "1 automatic mail: left alone." in mail.text
    assert mail.message["Auto-Submitted"] == "auto-generated"


def test_each_daily_mail_tells_of_its_own_day() -> None:
    day = Day(mode=Mode.WATCH)
    opened(day, subject="Broken wheel")
    day.pass_(days=2)
    assert "Broken wheel" in daily(day)[0].text and "Broken wheel" not in daily(day)[1].text


def test_a_parked_mail_is_attached_to_the_daily_mail() -> None:
    day = Day(mode=Mode.WATCH, reader=FakeReader(scores=planted))
    day.write(BEN, "Strange", "a landmine in the text")
    assert not day.mailer.delivered
    day.pass_(days=1)
    (mail,) = daily(day)
    (part,) = [p for p in mail.message.walk() if p.get_content_type() == "message/rfc822"]
    assert part.get_content().as_bytes(policy=email.policy.SMTP) == day.mailbox.mails[1][0]
    assert "1 mail could not be understood and is attached." in mail.text


def test_nobody_is_reminded_of_anything_while_watching() -> None:
    day = Day(mode=Mode.WATCH)
    opened(day, FURIOUS)
    day.pass_(days=20)
    assert {mail.subject.partition(": ")[2].partition(",")[2] for mail in day.inbox(PETRA)} == {" and what I would have done"}
    assert not [o for o in day.mailer.delivered if set(o.envelope_to) & (set(AGENTS) - {PETRA})]


# --- leaving watch


@pytest.mark.parametrize("mode", [Mode.ROUTE, Mode.FULL])
def test_leaving_watch_puts_its_cases_away_as_unknown_and_lists_them_once(mode: Mode) -> None:
    day = Day(mode=Mode.WATCH)
    opened(day, FURIOUS, subject="Broken wheel")
    opened(day, CALM, BEN, "Other wheel")
    day.pass_(hours=3)
    day.set_mode(mode)
    for number in (1001, 1002):
        assert (day.case(number).state, day.case(number).outcome) == (CaseState.CLOSED, Outcome.UNKNOWN)
    (told,) = day.inbox(PETRA)
    assert "Ana Ruiz, Broken wheel [#1001]" in told.text and "Ben Okafor, Other wheel [#1002]" in told.text
    day.set_mode(mode)
    day.pass_(days=30)
    assert len(day.inbox(PETRA)) == 1, "the list comes once, and nothing else is said about them"
    assert not day.inbox(ANA_AT)


def test_leaving_watch_with_nothing_open_says_nothing() -> None:
    day = Day(mode=Mode.WATCH)
    day.set_mode(Mode.FULL)
    assert not day.mailer.delivered


def test_raising_the_mode_answers_nothing_old_and_works_from_the_next_mail_on() -> None:
    day = Day(mode=Mode.WATCH, book=acknowledging())
    opened(day)
    day.pass_(minutes=5)
    day.set_mode(Mode.FULL)
    day.pass_(hours=2)
    assert kinds(day, ANA_AT) == []
    day.write(ANA, "Bell", "Hello, where can I buy a bell?")
    assert day.case().number == 1002 and "bell" in day.routed(holder(day)).text


def test_from_route_to_full_nothing_old_is_asked() -> None:
    day = Day(mode=Mode.ROUTE)
    resolved(day)
    day.pass_(days=3)
    day.set_mode(Mode.FULL)
    day.pass_(days=30)
    assert kinds(day, ANA_AT) == ["reply"]
    assert (day.case().state, day.case().outcome) == (CaseState.CLOSED, Outcome.UNKNOWN)


# --- route


def test_route_hands_mail_to_agents_and_their_words_to_customers_and_nothing_automatic() -> None:
    day = Day(mode=Mode.ROUTE, book=acknowledging())
    agent = opened(day)
    day.pass_(minutes=11)
    assert not day.inbox(ANA_AT), "no acknowledgement"
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert "the 15 mm one." in words_of(day).text
    day.pass_(days=40)
    assert kinds(day, ANA_AT) == ["reply"]
    assert (day.case().state, day.case().outcome) == (CaseState.CLOSED, Outcome.UNKNOWN)
    assert "is asked whether" not in "".join(mail.text for mail in agents_mail(day)), "the transcript promises no question"


# --- full


def test_full_does_everything() -> None:
    day = Day(mode=Mode.FULL)
    day.reply(ANA, asked(day, FURIOUS), "Yes, it is solved.")
    assert kinds(day, ANA_AT) == ["reply", "follow_up"] and question(day)
    assert day.case().outcome is Outcome.SATISFIED
    assert not daily(day)
