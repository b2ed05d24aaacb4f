"""What the report says of days that really happened: the figures from the store, as an admin gets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from inboxd.bootstrap import findings
from inboxd.config import load_settings
from inboxd.core.findings import Findings
from inboxd.core.model import IssueNo, KnownIssue, TeamName
from inboxd.core.weekly import told as told_weekly
from inboxd.desk.issues import close_issue, keys_of_phrases, open_issue
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import ANA, BEN, FURIOUS, PETRA, asked, opened
from tests.stories.test_merge import order, two_cases
from tests.stories.test_spikes import THINGS, WORDS, crowd
from tests.stories.test_spikes import told as alarms

ANA_AT = "ana@example.org"
MONDAY = date(2026, 11, 16)
SETTINGS = """\
admin: admin@acme.example
rules: rules
mailboxes:
  acme:
    address: support@acme.example
    imap: {host: imap.acme.example, password: {env: PASSWORD}}
    smtp: {host: smtp.acme.example, password: {env: PASSWORD}}
"""


@pytest.fixture
def day() -> Day:
    return Day()


def found(day: Day, *, first: date = MONDAY, last: date = MONDAY + timedelta(days=13), mode: str = "full", team: str = "") -> Findings:
    """As `inboxd report` asks: of two weeks, as known now."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "inboxd.yaml"
        path.write_text(f"{SETTINGS}    mode: {mode}\n", encoding="utf-8")
        settings = load_settings(path)
    return findings(settings, day.store, day.office.rules.book, day.clock.now(), first, last, team=TeamName(team) if team else None)


# --- when something was said


@pytest.mark.parametrize("first", ["yes", "no"])
def test_the_last_word_counts_though_all_of_them_were_read_at_once_after_a_standstill(day: Day, first: str) -> None:
    question = asked(day)
    yes, no = "Yes, it is solved, thank you.", "This is a disgrace. It broke again and I am furious, nobody helps me!"
    day.reply(ANA, question, yes if first == "yes" else no, run=False)
    day.clock.at += timedelta(hours=20)
    day.reply(ANA, question, no if first == "yes" else yes, run=False)
    day.clock.at += timedelta(hours=20)
    day.run()
    day.pass_(minutes=30)
    said = found(day)
    assert said.win_back is not None
    won, unhappy = said.win_back.now.count, [each.case for each in said.still_unhappy]
    assert (won, unhappy) == ((0, [1001]) if first == "yes" else (1, []))


def test_an_order_alone_is_no_second_answer(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.pass_(hours=3)
    day.reply(agent, day.routed(agent), "resolve")
    solved = found(day).first_contact
    assert solved is not None and (solved.now.count, solved.now.of) == (1, 1)


def test_what_was_given_and_taken_back_in_time_was_not_given(day: Day) -> None:
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), "gave: 20 EUR\n\nHello Ana,\nI give you back 20 EUR.")
    day.reply(agent, day.last(agent), "undo")
    day.reply(agent, day.routed(agent), "gave: 5 EUR\n\nHello Ana,\nI give you back 5 EUR.")
    day.pass_(hours=1)
    assert [(each.what, each.count) for each in found(day).leeway] == [("5 EUR", 1)]


def test_in_mode_watch_nobody_is_said_to_wait(day: Day) -> None:
    opened(day, FURIOUS)
    day.pass_(days=3)
    assert found(day).unheard and found(day).still_unhappy and not found(day).watches
    watched = found(day, mode="watch")
    assert watched.watches and not watched.unheard and not watched.still_unhappy


def test_a_case_that_was_merged_stands_under_the_number_that_it_has_now(day: Day) -> None:
    first, second = two_cases(day)
    around = (day.at() - timedelta(days=1), day.at() + timedelta(days=1))
    assert {mail.case for mail in day.store.first_mails(None, *around)} == {first, second}
    order(day, second, f"merge: #{first}")
    assert {mail.case for mail in day.store.first_mails(None, *around)} == {first}


def test_what_made_people_write_to_a_team_is_known_as_far_back_as_for_all(day: Day) -> None:
    for number in range(6):
        day.write(f"Person{chr(65 + number)} Moe <p{number}@example.org>", "Axle", "Hello,\nthe front axle is missing in the box.")
    for number, thing in enumerate(THINGS * 4):
        day.write(f"Other{chr(65 + number)} Koe <q{number}@example.org>", "A question", f"Hello,\nthe {thing} came and squeaks.")
    day.clock.at += timedelta(days=80)  # further back than the records of a week
    day.write(BEN, "Axle", "Hello,\nthe front axle is missing in the box.")
    today = day.at().date()
    day.pass_(hours=1)
    (axle,) = [driver for driver in found(day, first=today, last=today, team="everyone").drivers if "axl" in driver.key]
    assert axle.people == 1 and max(axle.trend) == 6
    assert not found(day, first=today, last=today, team="seniors").drivers


def test_a_report_of_a_quarter_counts_and_compares_all_of_it(day: Day) -> None:
    """Six people a fortnight write about one thing, for half a year: nothing grew."""
    for fortnight in range(13):
        for number in range(6):
            sender = f"P{fortnight} K <p{fortnight}.{number}@example.org>"
            day.write(sender, "Axle", "Hello,\nthe front axle is missing in the box.")
        for thing in THINGS:
            day.write(f"O{fortnight} K <{thing}{fortnight}@example.org>", "A question", f"Hello,\nthe {thing} came and squeaks.")
        day.clock.at += timedelta(days=14)
    today = day.at().date()
    quarter = found(day, first=today - timedelta(days=84), last=today - timedelta(days=1))
    (axle,) = [driver for driver in quarter.drivers if "axl" in driver.key]
    assert (axle.people, axle.before, axle.changed, axle.compared) == (36, 36, False, True)
    assert quarter.mend_first is None and quarter.people_before == quarter.people
    half = found(day, first=today - timedelta(days=168), last=today - timedelta(days=1))
    assert next(driver for driver in half.drivers if "axl" in driver.key).people == 72
    assert half.people_before == 0, "of the half year before nothing is known"


# --- alarms and known issues


@pytest.fixture
def month() -> Day:
    """Four weeks of ordinary days lie behind the team."""
    day = Day()
    day.write(ANA, "Front wheel", "Which one fits?")
    day.pass_(days=28)
    return day


def test_a_crowd_that_came_while_we_were_stopped_is_told_afterwards(month: Day) -> None:
    for number in range(8):
        sender = f"Person{chr(65 + number)} Moe <p{number}@example.org>"
        month.write(sender, "Problem", WORDS[number % len(WORDS)], run=False)
        month.clock.at += timedelta(minutes=2)
    month.clock.at += timedelta(hours=2)
    month.run()
    month.pass_(minutes=5)
    assert len(alarms(month)) == 1


def test_an_alarm_that_holds_is_told_once_though_days_go_by(month: Day) -> None:
    crowd(month, 6)
    for hour in range(27):
        for number in range(4):
            month.write(f"H{hour} K <h{hour}.{number}@example.org>", "Problem", WORDS[number])
        month.pass_(hours=1)
    assert len(alarms(month)) == 1


def test_the_alarm_quotes_nothing_sensitive(month: Day) -> None:
    crowd(month, 4)
    month.write("Mourner <m@example.org>", "Problem", "My father died yesterday, and I cannot sign in to his account.")
    month.pass_(minutes=3)
    (alarm,) = alarms(month)
    assert "Mourner [#" in alarm.text and "father" not in alarm.text


def test_what_the_lead_has_said_to_be_known_is_no_news_the_next_day(month: Day) -> None:
    crowd(month, 6)
    (alarm,) = alarms(month)
    month.reply(PETRA, alarm, "known issue: Signing in fails for some.")
    month.pass_(days=1)
    crowd(month, 8, first=10)
    (told,) = month.store.look("select count(*) as times from event where kind = 'spike.found'")
    assert told["times"] == 1


def test_who_heard_that_it_is_mended_is_not_told_so_of_the_same_mail_when_it_comes_again(day: Day) -> None:
    day.write(ANA, "", "Hello,\nI cannot sign in on my phone since the update.\nAna")
    for _ in range(2):
        with day.store.transaction() as tx:
            keys = keys_of_phrases(day.office.rules.reader, ["cannot sign in"])
            issue = KnownIssue(number=IssueNo(0), mailbox=ACME, text="Signing in fails.", keys=keys, opened_at=day.at(), opened_by="x")
            open_issue(tx, issue, day.at())
            number = tx.open_issues(ACME)[0].number
        day.pass_(hours=1)
        with day.store.transaction() as tx:
            assert close_issue(tx, number, "", "x", day.at())
        day.pass_(days=1)
    (told,) = [mail for mail in day.inbox(ANA_AT) if mail.outgoing.purpose.startswith("mended:")]
    assert '""' not in told.text, "she wrote no subject"


# --- mails that the lead answers


def test_the_lead_who_answers_the_weekly_mail_asks_us_and_becomes_no_customer(day: Day) -> None:
    from tests.stories.test_weekly_mail import Past, weekly

    opened(day)
    day.office.look_back = Past()
    day.pass_(days=7)
    before = day.case().number
    day.reply(PETRA, weekly(day)[0], "show #1001")
    answer: Letterbox = day.last(PETRA)
    assert day.case().number == before and "#1001" in f"{answer.subject} {answer.text}"


def test_a_question_about_a_mail_without_subject_reads_well(day: Day) -> None:
    day.write(ANA, "", "Which wheel fits?")
    agent = f"{day.case().assignee}@acme.example"
    day.reply(agent, day.last(agent), "Hello Ana,\nthe 15 mm one.")
    day.reply(agent, day.last(agent), "resolve")
    assert "Done, " in day.last(agent).text and '"(no subject)" is resolved' in day.last(agent).text
    day.pass_(days=3)
    text = " ".join(day.last(ANA_AT, lambda mail: mail.outgoing.kind == "follow_up").text.split())
    assert '""' not in text and "believes that what you wrote to us about is solved" in text


# --- who said what


def test_who_is_unhappy_and_waits_too_long_stands_once_in_the_weekly_mail(day: Day) -> None:
    opened(day, FURIOUS)
    opened(day, "Which spanner fits?", sender=BEN, subject="Spanner")
    day.clock.at += timedelta(days=4)
    said = told_weekly(found(day))
    assert [(each["subject"], each["past_hour"]) for each in said["still"]] == [("Front wheel", True)]  # type: ignore[attr-defined]
    assert [each["subject"] for each in said["unheard"]] == ["Spanner"] and said["late"] == 2  # type: ignore[attr-defined]


def test_a_promise_stands_in_the_mouth_of_whoever_made_it(day: Day) -> None:
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), "assign: jonas\n\nHello Ana,\n\nyou will have it by Friday.")
    day.write(ANA, "Re: Front wheel [#1001]", "This is a disgrace, I am furious.")
    (waiting,) = found(day).still_unhappy
    assert (waiting.agent_name, waiting.promised, waiting.promised_by) == ("Jonas", "you will have it by Friday.", "Maria")
