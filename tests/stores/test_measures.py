"""What the store gives to the measures, after real days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.findings import Findings
from inboxd.core.measure import Scope, measure, needed_since
from inboxd.core.model import Answer, OutgoingKind, OutgoingState, Scores, ToRead
from tests.fakes import MONDAY, FakeReader
from tests.stories.day import Day
from tests.stories.steps import ANA, BEN, holder, question

LONG_AGO = MONDAY - timedelta(days=999)


def read(text: ToRead) -> Scores:
    """Each mail says in plain words how it is to be read."""
    said = text.new_text
    answer = Answer.SATISFIED_AND_NEW if "yes and" in said else Answer.SATISFIED if "yes" in said else Answer.UNCLEAR
    return Scores(
        language="en",
        topics=(("billing", 0.99),),
        upset=0.99 * ("upset" in said),
        unhappy=0.99 * ("upset" in said),
        happy=0.99 * ("happy" in said),
        sensitive=0.99 * ("sensitive" in said),
        thanks_only=0.99 * ("thanks" in said),
        answer=answer,
        answer_sure=0.99,
        new_part="and how do I cancel?" if answer is Answer.SATISFIED_AND_NEW else "",
    )


@pytest.fixture
def day() -> Day:
    return Day(reader=FakeReader(scores=read))


def findings(day: Day, since: date | None = None, now: datetime | None = None) -> Findings:
    """All until now."""
    at = now or day.at()
    asked = Scope(
        brand="Acme", first=since or MONDAY.date(), last=at.date(), now=at, agents=dict.fromkeys(day.office.rules.book.agents, "Us")
    )
    return measure(day.store.records(needed_since(asked)), asked)


def resolve(day: Day, case: int | None = None, commands: str = "resolve") -> None:
    agent = holder(day, case)
    day.reply(agent, day.routed(agent), f"{commands}\n\nHello, it is done.")


def test_what_nobody_wrote_or_nobody_was_to_see_does_not_count(day: Day) -> None:
    day.write("shop@news.example", "News", "upset news", headers={"List-Id": "<news.shop.example>", "Precedence": "bulk"})
    day.write(BEN, "Away", "upset and away", headers={"Auto-Submitted": "auto-replied"})
    day.write("x@spam.example", "Win", "upset win", headers={"X-Spam-Flag": "YES"})
    found = findings(day)
    assert (found.people, found.upset_people, found.still_unhappy, found.unheard) == (0, 0, (), ())
    day.write(ANA, "Lamp", "upset about my lamp")
    assert (findings(day).people, findings(day).upset_people) == (1, 1)


def test_a_person_is_won_back_in_their_own_words(day: Day) -> None:
    day.write(ANA, "Lamp", "upset about my lamp")
    resolve(day, commands="gave: 20 EUR\nresolve")
    day.pass_(days=2, minutes=1)
    day.reply(ANA, question(day), "yes, it shines brighter than the sun.", quote=False)
    found = findings(day)
    assert found.satisfied is not None
    assert (found.asked, found.satisfied.now.count, found.satisfied.now.of) == (1, 1, 1)
    (won,) = found.won_back
    assert (won.name, won.words, won.mails, won.agents) == ("Ana Ruiz", "yes, it shines brighter than the sun.", 1, ("Us",))
    assert [(each.what, each.count, each.won_back) for each in found.leeway] == [("20 EUR", 1, 1)]


def test_a_yes_that_brings_something_new_is_a_yes_and_a_case_of_its_own(day: Day) -> None:
    day.write(ANA, "Lamp", "upset about my lamp")
    resolve(day)
    day.pass_(days=2, minutes=1)
    day.reply(ANA, question(day), "yes and how do I cancel?", quote=False)
    found = findings(day)
    assert found.satisfied is not None
    assert (found.satisfied.now.count, found.satisfied.now.of, found.people) == (1, 1, 1)
    assert [each.words for each in found.won_back] == [""], "never the words of the mail before"


def test_a_refusal_counts_with_its_reason(day: Day) -> None:
    day.write(ANA, "Lamp", "may I send it back?")
    resolve(day, commands="could not: past 30 days")
    day.pass_(days=30)
    assert [(each.reason, each.count, each.unhappy) for each in findings(day).refusals] == [("past 30 days", 1, 1)]


def test_thanks_name_the_agent(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    resolve(day)
    day.write(ANA, "Re: Lamp", "thanks, you are the happy kind of people.", answers=day.last("ana@example.org"))
    assert [(each.name, each.agent_name, each.words) for each in findings(day).thanks] == [
        ("Ana Ruiz", "Us", "thanks, you are the happy kind of people.")
    ]


def test_what_an_agent_put_right_counts(day: Day) -> None:
    day.write(ANA, "Lamp", "upset about my lamp")
    assert findings(day).upset_people == 1
    agent = holder(day)
    day.reply(agent, day.routed(agent), "sentiment: neutral")
    assert findings(day).upset_people == 0


def test_a_merged_case_counts_with_the_one_it_became_however_old(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    resolve(day)
    day.pass_(days=60)
    day.write(ANA, "My old lamp", "upset about my lamp")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "merge: #1001")
    found = findings(day, since=day.at().date())
    assert (found.people, found.upset_people) == (1, 1)
    assert {each.case for each in found.still_unhappy} <= {1001}
    told = day.store.records(day.at() - timedelta(hours=1))
    assert {case.number: case.merged_into for case in told.cases} == {1001: None, 1002: 1001}


def test_of_a_sensitive_case_the_store_says_that_it_is(day: Day) -> None:
    day.write(ANA, "My father", "sensitive, upset")
    found = findings(day)
    assert [(each.name, each.subject) for each in found.still_unhappy] == [("Ana Ruiz", "")]
    assert [case.sensitive for case in day.store.records(LONG_AGO).cases] == [True]


def test_a_question_that_never_left_was_not_asked(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    resolve(day)
    day.pass_(days=2, minutes=1)
    assert findings(day).asked == 1
    with day.store.transaction() as tx:
        sent = tx.last_sent(day.case().number, [OutgoingKind.FOLLOW_UP])
        assert sent is not None
        tx.set_outgoing(sent.number, OutgoingState.FAILED)
    assert findings(day).asked == 0


def test_texts_are_read_only_where_they_may_be_shown(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "You will have it on Friday.")
    assert [mail.text for mail in day.store.records(LONG_AGO).mails] == ["", ""]
    day.write(ANA, "Re: Lamp [#1001]", "thanks, happy")
    assert [mail.text for mail in day.store.records(LONG_AGO).mails] == ["", "", "thanks, happy"]


def test_what_an_agent_promised_is_known_while_somebody_waits_for_it(day: Day) -> None:
    day.write(ANA, "Lamp", "upset, where is my lamp?")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello,\nyou will have it on Friday. Have a lovely Saturday.")
    assert [promise.sentence for promise in day.store.records(LONG_AGO).promises] == ["you will have it on Friday."]
    assert findings(day).still_unhappy[0].promised == "you will have it on Friday."
    day.reply(agent, day.routed(agent), "no promise")
    assert findings(day).still_unhappy[0].promised == ""
    resolve(day)
    assert not day.store.records(LONG_AGO).promises, "nobody waits any more"


def test_what_agents_say_among_themselves_is_no_answer(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "note\n\nThe lamp is in the cellar.")
    assert [mail.role for mail in day.store.records(LONG_AGO).mails] == ["customer"]


def test_old_cases_are_left_alone_unless_somebody_still_waits(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    resolve(day)
    day.write(BEN, "Bell", "where is my bell?")
    day.pass_(days=40)
    assert [case.number for case in day.store.records(day.at() - timedelta(days=7)).cases] == [1002]
    assert [each.name for each in findings(day, since=day.at().date()).unheard] == ["Ben Okafor"]


def test_the_measures_are_read_beside_a_daemon_and_leave_nothing_behind(tmp_path: Path) -> None:
    day = Day(reader=FakeReader(scores=read), store_path=tmp_path / "inboxd.db")
    day.write(ANA, "Lamp", "where is my lamp?")
    beside = SqliteStore(tmp_path / "inboxd.db", read_only=True)
    told = beside.records(LONG_AGO)
    assert told == beside.records(LONG_AGO) == day.store.records(LONG_AGO)
    assert [case.number for case in told.cases] == [1001]
    day.write(BEN, "Bell", "where is my bell?")
    assert len(beside.records(LONG_AGO).cases) == 2


def test_two_addresses_of_one_person_are_one_person(day: Day) -> None:
    day.write(ANA, "Lamp", "where is my lamp?")
    day.pass_(hours=2)
    day.write("Ana Ruiz <ana@work.example>", "Lamp", "where is my lamp, please?")
    assert findings(day).people == 2
    agent = holder(day)
    day.reply(agent, day.routed(agent), "same as: ana@example.org")
    found = findings(day)
    assert found.wrote_again is not None
    assert (found.people, found.wrote_again.now.count) == (1, 1)
