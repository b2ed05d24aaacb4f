"""Nobody answers: the ladder of `if_nobody_answers`, counted in opening hours, until somebody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.core.model import CaseState, Scores, ToRead
from tests.fakes import FakeClock, FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, CALM, JONAS, MARIA, PETRA, TOM, holder, words_of

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
RULES = """\
calendars:
  office:
    timezone: UTC
    open: {mon-fri: "09:00-17:00"}
    closed: [2026-11-24]

agents:
  maria: maria@acme.example
  jonas: jonas@acme.example
  tom: tom@acme.example
  petra: petra@acme.example
teams:
  everyone: [tom]
  seniors: [maria, jonas]
lead: petra

rules:
  - name: Upset customers go to a senior
    when: {sentiment: upset}
    then: {assign: seniors, answer_within: 2 opening hours}
  - name: Everything else
    then: {assign: everyone, answer_within: 4 opening hours}

if_nobody_answers:
  - after: half of answer_within
    remind: assigned_agent
  - after: answer_within
    assign: seniors
    tell: lead
"""


def feels(text: ToRead) -> Scores:
    upset = 0.9 if "furious" in text.new_text else 0.0
    return Scores(language="en", topics=(("how_to", 0.9),), upset=upset, unhappy=upset, model="fake-1")


def a_day(folder: Path, at: datetime = MONDAY, rules: str = RULES) -> Day:
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    return Day(book=load_rules(folder), clock=FakeClock(at=at), reader=FakeReader(scores=feels))


def got(day: Day, agent: str, kind: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if mail.outgoing.kind == kind]


def times(mails: list[Letterbox]) -> list[str]:
    """When these were written: "Mon 11:00"."""
    return [f"{mail.outgoing.created_at:%a %H:%M}" for mail in mails]


def reminders(day: Day, address: str) -> list[Letterbox]:
    return [mail for mail in got(day, address, "notice") if mail.outgoing.purpose.startswith("due:")]


@pytest.fixture
def day(tmp_path: Path) -> Day:
    """Monday 16 November 2026, 09:00; Tom has Ana's mail, and an answer is due at 13:00."""
    made = a_day(tmp_path)
    made.write(ANA, "Front wheel", CALM)
    assert holder(made) == TOM and made.case().due_at == MONDAY + timedelta(hours=4)
    return made


# --- the steps -------------------------------------------------------------------------------------------------------


def test_after_half_the_time_whoever_has_the_case_is_reminded_and_nobody_else_hears_of_it(day: Day) -> None:
    day.pass_(hours=1, minutes=59)
    assert not reminders(day, TOM)
    day.pass_(minutes=2)
    assert times(reminders(day, TOM)) == ["Mon 11:00"] and "13:00 today was the plan" in reminders(day, TOM)[0].text
    assert not day.inbox(PETRA) and not day.inbox(MARIA) and not day.inbox(JONAS) and holder(day) == TOM


def test_after_the_whole_time_a_senior_gets_the_case_with_its_brief_and_the_lead_is_told(day: Day) -> None:
    day.pass_(hours=4, minutes=1)
    assert holder(day) in (MARIA, JONAS) and day.case().team == "seniors"
    (brief,) = got(day, holder(day), "routed")
    assert times([brief]) == ["Mon 13:00"]
    assert "nobody had answered by the hour" in " ".join(brief.text.split()) and "which spanner fits the front wheel?" in brief.text
    (told,) = reminders(day, PETRA)
    assert (
        times([told]) == ["Mon 13:00"]
        and told.text.startswith("Ana still waits")
        and holder(day).partition("@")[0].capitalize() in told.text
    )
    assert len(reminders(day, TOM)) == 1, "he had his reminder"


def test_beyond_the_ladder_holder_and_lead_are_reminded_daily_on_open_days(day: Day) -> None:
    day.pass_(days=11)  # until Friday of the next week; Tuesday the 24th is a day off
    later = ["Tue 13:00", "Wed 13:00", "Thu 13:00", "Fri 13:00", "Mon 13:00", "Wed 13:00", "Thu 13:00"]
    assert times(reminders(day, holder(day))) == later
    assert times(reminders(day, PETRA)) == ["Mon 13:00", *later]
    assert len(got(day, holder(day), "routed")) == 1 and len(reminders(day, TOM)) == 1


def test_the_case_of_a_senior_stays_where_it_is_and_is_told_of(tmp_path: Path) -> None:
    day = a_day(tmp_path)
    day.write(ANA, "Front wheel", "I am furious.")
    senior = holder(day)
    day.pass_(hours=2, minutes=1)
    assert holder(day) == senior and times(reminders(day, senior)) == ["Mon 10:00", "Mon 11:00"]
    assert times(reminders(day, PETRA)) == ["Mon 11:00"]
    assert len(got(day, MARIA, "routed") + got(day, JONAS, "routed")) == 1


def test_the_customer_hears_nothing_of_all_this(day: Day) -> None:
    day.pass_(days=9)
    assert not day.inbox("ana@example.org")


# --- after a standstill ----------------------------------------------------------------------------------------------


def test_after_days_of_standstill_the_ladder_gives_everybody_their_time(tmp_path: Path) -> None:
    day = a_day(tmp_path)
    day.write(ANA, "Front wheel", CALM, run=False)
    day.clock.move(timedelta(days=4, hours=1))
    day.run()
    assert holder(day) == TOM and day.case().due_at == MONDAY + timedelta(hours=4), "the hour stays what it was"
    day.pass_(minutes=59)
    assert holder(day) == TOM and not reminders(day, TOM) and not day.inbox(PETRA)
    day.pass_(hours=2)
    senior = holder(day)
    assert times(reminders(day, TOM)) == ["Fri 11:00"] and senior in (MARIA, JONAS)
    assert times(got(day, senior, "routed")) == ["Fri 12:00"] and times(reminders(day, PETRA)) == ["Fri 12:00"]


def test_after_a_standstill_in_the_middle_of_the_ladder_its_steps_do_not_come_at_once(day: Day) -> None:
    day.clock.move(timedelta(days=1))
    day.pass_(minutes=59)
    assert holder(day) == TOM and times(reminders(day, TOM)) == ["Tue 09:00"] and not day.inbox(PETRA)
    day.pass_(minutes=2)
    assert holder(day) in (MARIA, JONAS) and times(reminders(day, PETRA)) == ["Tue 10:00"]


def test_without_a_ladder_nobody_is_reminded_in_the_minute_in_which_the_mail_comes_to_them(tmp_path: Path) -> None:
    day = a_day(tmp_path, MONDAY, NO_LADDER)
    day.write(ANA, "Front wheel", CALM, run=False)
    day.clock.move(timedelta(days=4, hours=1))
    day.run()
    day.pass_(minutes=59)
    assert not reminders(day, holder(day))
    day.pass_(hours=1, minutes=2)
    assert times(reminders(day, holder(day))) == ["Fri 11:00", "Fri 12:00"]


# --- opening hours ---------------------------------------------------------------------------------------------------


def test_the_ladder_counts_in_opening_hours_over_a_weekend(tmp_path: Path) -> None:
    day = a_day(tmp_path, FRIDAY)
    day.write(ANA, "Front wheel", CALM)
    assert day.case().due_at == datetime(2026, 11, 23, 11, 0, tzinfo=UTC), "two hours of Friday and two of Monday"
    day.pass_(days=3)
    assert times(reminders(day, TOM)) == ["Fri 17:00"]
    assert times(got(day, holder(day), "routed")) == ["Mon 11:00"] and times(reminders(day, PETRA)) == ["Mon 11:00"]


def test_the_ladder_leaves_out_a_holiday(tmp_path: Path) -> None:
    day = a_day(tmp_path, datetime(2026, 11, 23, 16, 0, tzinfo=UTC))
    day.write(ANA, "Front wheel", CALM)
    day.pass_(days=1, hours=16)  # Wednesday, 08:00; Tuesday is a day off
    assert not reminders(day, TOM) and not day.inbox(PETRA)
    day.pass_(hours=5)
    assert times(reminders(day, TOM)) == ["Wed 10:00"] and times(reminders(day, PETRA)) == ["Wed 12:00"]


def test_mail_of_a_sunday_counts_from_monday_morning(tmp_path: Path) -> None:
    day = a_day(tmp_path, datetime(2026, 11, 15, 11, 0, tzinfo=UTC))
    day.write(ANA, "Front wheel", CALM)
    day.pass_(days=1, hours=3)
    assert times(reminders(day, TOM)) == ["Mon 11:00"] and times(reminders(day, PETRA)) == ["Mon 13:00"]


def test_plain_time_counts_nights_and_weekends(tmp_path: Path) -> None:
    day = a_day(tmp_path, FRIDAY, RULES.replace("4 opening hours", "4 hours"))
    day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=5)
    assert times(reminders(day, TOM)) == ["Fri 17:00"] and times(reminders(day, PETRA)) == ["Fri 19:00"]


# --- what stops it, and what does not --------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 3, 30])
@pytest.mark.parametrize("words", ["Hello Ana,\nthe 15 mm one.", "resolve\n\nHello Ana,\nthe 15 mm one."])
def test_an_answer_ends_it_at_every_step(day: Day, after: int, words: str) -> None:
    day.pass_(hours=after)
    day.reply(holder(day), day.routed(holder(day)), words)
    assert "15 mm" in words_of(day).text
    before, who = times(reminders(day, TOM) + reminders(day, PETRA)), holder(day)
    day.pass_(days=9)
    assert times(reminders(day, TOM) + reminders(day, PETRA)) == before and holder(day) == who


def test_when_the_customer_writes_after_an_answer_the_time_begins_anew(day: Day) -> None:
    day.pass_(hours=3)
    day.reply(TOM, day.routed(TOM), "Hello Ana,\nthe 15 mm one.")
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "It does not fit.")  # Monday, 13:00
    assert day.case().due_at == MONDAY + timedelta(hours=8)
    day.pass_(hours=5)
    assert times(reminders(day, TOM)) == ["Mon 11:00", "Mon 15:00"] and times(reminders(day, PETRA)) == ["Mon 17:00"]


@pytest.mark.parametrize("minutes", [30, 150])
def test_a_customer_who_writes_again_while_they_wait_does_not_begin_to_wait_anew(day: Day, minutes: int) -> None:
    day.pass_(minutes=minutes)
    day.write(ANA, "Re: Front wheel [#1001]", "One more thing: it is the silver one.")
    assert day.case().number == 1001 and day.case().due_at == MONDAY + timedelta(hours=4)
    day.pass_(hours=5)
    assert times(reminders(day, TOM)) == ["Mon 11:00"], "reminded once, before or after the second mail"
    assert times(reminders(day, PETRA)) == ["Mon 13:00"] and day.case().team == "seniors"


def test_a_customer_who_writes_again_when_the_hour_is_past_still_waits_since_their_first_mail(day: Day) -> None:
    day.pass_(hours=5)  # 14:00; a senior has it since 13:00
    senior = holder(day)
    day.write(ANA, "Re: Front wheel [#1001]", "Hello? Is anybody there?")
    assert holder(day) == senior and "Is anybody there?" in day.routed(senior).text
    assert day.case().due_at == MONDAY + timedelta(hours=4), "no new time is given for what is late"
    day.pass_(days=2)
    assert times(reminders(day, senior)) == ["Tue 13:00", "Wed 13:00"]
    assert times(reminders(day, PETRA)) == ["Mon 13:00", "Tue 13:00", "Wed 13:00"]


def test_a_customer_who_gets_upset_while_they_wait_is_answered_sooner_and_not_later(day: Day) -> None:
    day.pass_(minutes=30)
    day.write(ANA, "Re: Front wheel [#1001]", "I am furious.")  # a senior, within two hours
    assert day.case().due_at == MONDAY + timedelta(hours=2, minutes=30) and day.case().state is CaseState.OPEN
    senior = holder(day)
    day.pass_(hours=2, minutes=1)
    assert times(reminders(day, PETRA)) == ["Mon 11:30"] and holder(day) == senior


def test_the_ladder_goes_on_after_a_restart_of_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    book, store = load_rules(tmp_path), tmp_path / "store.sqlite"
    day = Day(book=book, reader=FakeReader(scores=feels), store_path=store)
    day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=3)
    day.store.close()
    again = Day(book=book, reader=FakeReader(scores=feels), store_path=store, clock=day.clock, mailbox=day.mailbox, mailer=day.mailer)
    again.pass_(hours=2)
    assert times(reminders(again, TOM)) == ["Mon 11:00"] and times(reminders(again, PETRA)) == ["Mon 13:00"]


# --- without a ladder ------------------------------------------------------------------------------------------------


NO_LADDER = RULES.partition("if_nobody_answers")[0].replace("everyone: [tom]", "everyone: [tom, jonas]")


def test_without_a_ladder_the_holder_is_nudged_half_way_and_reminded_at_the_hour_and_from_the_next_day_on_the_lead_is_told(
    tmp_path: Path,
) -> None:
    day = a_day(tmp_path, MONDAY, NO_LADDER)
    day.write(ANA, "Front wheel", CALM)
    who = holder(day)
    day.pass_(days=2, hours=5)
    assert times(reminders(day, who)) == ["Mon 11:00", "Mon 13:00", "Tue 13:00", "Wed 13:00"] and holder(day) == who
    assert times(reminders(day, PETRA)) == ["Tue 13:00", "Wed 13:00"]


def test_the_nudge_says_who_waits_and_who_would_get_it_and_pass_on_does_just_that(tmp_path: Path) -> None:
    day = a_day(tmp_path, MONDAY, NO_LADDER)
    day.write(ANA, "Front wheel", CALM)
    who = holder(day)
    day.pass_(hours=2, minutes=1)
    (nudge,) = reminders(day, who)
    other = JONAS if who == TOM else TOM
    name = other.partition("@")[0].capitalize()
    said = " ".join(nudge.text.split())
    assert said.startswith("Ana still waits for a first word; 13:00 today was the plan.")
    assert f'No time? Reply "pass on", and {name} gets it.' in said and "minute" not in said and not day.inbox(PETRA)
    day.reply(who, nudge, "pass on")
    assert holder(day) == other and "which spanner" in day.routed(other).text and not day.inbox("ana@example.org")


def test_who_already_had_a_word_from_us_waits_for_an_answer(tmp_path: Path) -> None:
    day = a_day(tmp_path, MONDAY, NO_LADDER)
    day.write(ANA, "Front wheel", CALM)
    day.reply(holder(day), day.routed(holder(day)), "Hello Ana,\nthe 15 mm one.")
    day.reply(ANA, words_of(day), "It does not fit.")
    day.pass_(hours=2, minutes=1)
    (nudge,) = reminders(day, holder(day))
    assert nudge.text.startswith("Ana still waits for an answer; 13:00 today was the plan.")


def test_a_case_that_sleeps_is_not_nudged_about(tmp_path: Path) -> None:
    day = a_day(tmp_path, MONDAY, NO_LADDER)
    day.write(ANA, "Front wheel", CALM)
    who = holder(day)
    day.reply(who, day.routed(who), "snooze: 2 days")
    day.pass_(days=2, hours=1)
    assert times(reminders(day, who)) == ["Wed 09:00"]


# --- all words of a step ---------------------------------------------------------------------------------------------


def test_a_step_can_come_some_time_after_the_hour_name_an_agent_write_to_an_address_and_raise_the_priority(tmp_path: Path) -> None:
    ladder = (
        "if_nobody_answers:\n  - {after: 1 opening hour after answer_within, assign: jonas, tell: [boss@acme.example], priority: high}\n"
    )
    day = a_day(tmp_path, MONDAY, RULES.partition("if_nobody_answers")[0] + ladder)
    day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=4, minutes=59)
    assert holder(day) == TOM and not reminders(day, TOM)
    day.pass_(minutes=2)
    assert holder(day) == JONAS and day.case().priority == "high" and got(day, JONAS, "routed")[0].message["Importance"] == "high"
    (told,) = day.inbox("boss@acme.example")
    assert "still waits" in told.text and "Petra" not in told.text and not day.inbox(PETRA)
