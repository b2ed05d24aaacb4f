"""Rules at work when several things happen at once: nobody is forgotten, nothing is swallowed, one bad case holds up no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.core.model import AgentName, CaseNo, Scores, ToRead
from inboxd.core.opening import Span
from inboxd.core.route import share_out_at
from inboxd.core.rulebook import Absence, Condition, Rule, Rulebook, Step, Then
from inboxd.core.rulebook import Moment as When
from inboxd.daemon.keep_house import keep_house
from inboxd.rule_sets import fingerprint
from tests.fakes import FakeReader
from tests.stories.day import ACME, Day
from tests.stories.steps import ANA, BEN, CALM, JONAS, MARIA, PETRA, TOM, agents_mail, holder, opened


def feels(text: ToRead) -> Scores:
    return Scores(language="en", topics=(("how_to", 0.9),), upset=0.9 if "furious" in text.new_text else 0.0, model="fake-1")


@pytest.fixture
def day() -> Day:
    return Day(reader=FakeReader(scores=feels))


def in_force(day: Day, book: Rulebook) -> None:
    day.office.rules = replace(day.office.rules, book=book)


def away(book: Rulebook, day: Day, *agents: str) -> Rulebook:
    today = day.at().date()
    gone = {
        AgentName(name): replace(book.agents[AgentName(name)], away=(Absence(first=today, last=today + timedelta(days=30)),))
        for name in agents
    }
    return replace(book, agents={**book.agents, **gone})


def routed(day: Day, agent: str) -> int:
    return sum(mail.outgoing.kind == "routed" for mail in day.inbox(agent))


def test_who_is_told_at_one_step_and_gets_the_case_at_the_next_in_the_same_second_still_gets_the_mail(day: Day) -> None:
    book = day.office.rules.book
    hour = When(plus=Span(length=timedelta(hours=1)))
    in_force(day, replace(book, ladder=(Step(after=hour, tell=("petra",)), Step(after=hour, assign="petra"))))
    opened(day)
    day.pass_(hours=2)
    assert holder(day) == PETRA and CALM.split("\n")[1] in day.routed(PETRA).text


def test_where_all_are_away_a_case_stays_where_it_is(day: Day) -> None:
    opened(day)
    before = holder(day)
    in_force(day, replace(away(day.office.rules.book, day, "maria", "jonas", "tom", "petra"), lead="boss@acme.example"))
    with day.store.transaction() as tx:
        tx.schedule(share_out_at(ACME, day.at()))
    day.pass_(hours=4)
    assert holder(day) == before and sum(routed(day, agent) for agent in (MARIA, JONAS, TOM, PETRA)) == 1


def test_all_mails_that_still_gather_go_along_with_a_case_that_moves(day: Day) -> None:
    giver = opened(day)
    day.pass_(minutes=1)
    day.write(ANA, "Front wheel, the bill", "Here is the bill, too.")
    day.pass_(minutes=1)
    in_force(day, away(day.office.rules.book, day, giver.partition("@")[0]))
    with day.store.transaction() as tx:
        tx.schedule(share_out_at(ACME, day.at()))
    day.run()
    assert holder(day) != giver
    text = day.routed(holder(day)).text
    assert "spanner" in text and "Here is the bill, too." in text
    day.pass_(minutes=30)
    assert routed(day, holder(day)) == 1, "they are not handed over a second time"


def test_one_case_that_cannot_be_handed_over_holds_up_no_other(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.write(BEN, "Bell", "My bell is gone.")
    in_force(day, away(day.office.rules.book, day, "maria", "jonas", "tom"))
    with day.store.transaction() as tx:
        tx._db.execute("update raw set body = x'' where message = 1")  # of the first nothing is left to read
        tx._db.execute("update decision set facts_json = '{}' where message = 1")
        tx.schedule(share_out_at(ACME, day.at()))
    day.run()
    assert holder(day, 1002) == PETRA and not day.store.parked()
    assert day.store.look("select 1 from job where kind = 'share_out'"), "and it goes on"


def test_under_the_same_rules_no_open_case_would_move_whoever_wrote_it(day: Day) -> None:
    book = day.office.rules.book
    new = Rule(name="new people", when=(Condition(word="customer", wanted=("new",)),), then=Then(assign="seniors"))
    worse = Rule(name="worse", when=(Condition(word="sentiment_change", wanted=("worse",)),), then=Then(assign="petra"))
    in_force(day, replace(book, rules=(worse, new, *book.rules)))
    opened(day)
    day.pass_(hours=1)
    day.write(BEN, "Bell", "My bell is gone.")
    day.write(BEN, "Re: Bell [#1002]", "I am furious.")
    before = {number: day.case(number) for number in (1001, 1002)}
    assert holder(day, 1002) == PETRA
    with day.store.transaction() as tx:
        from inboxd.core.due import redecide_at

        for number in (1001, 1002):
            tx.schedule(redecide_at(CaseNo(number), day.at()))
    while keep_house(day.office):
        pass
    for number, case in before.items():
        assert (day.case(number).assignee, day.case(number).due_at) == (case.assignee, case.due_at)


def test_whoever_is_named_twice_is_told_once_and_of_the_rule_that_names_them(day: Day) -> None:
    book = day.office.rules.book
    loud = Rule(name="Loud words", when=(Condition(word="text_contains", wanted=("spanner",)),), then=Then(tell=("lead", "petra")))
    in_force(day, replace(book, rules=(loud, *book.rules)))
    opened(day)
    (told,) = [mail for mail in day.inbox(PETRA) if "Loud words" in mail.text]
    name = day.office.rules.book.agents[AgentName(holder(day).partition("@")[0])].signs_as
    assert f"{name} has it" in " ".join(told.text.split())
    assert len([mail for mail in agents_mail(day) if "Loud words" in mail.text]) == 1


def test_a_limit_on_upset_people_counts_those_who_were_answered_too(day: Day) -> None:
    book = day.office.rules.book
    few = replace(book.teams[book.senior_team], at_most_upset=1, fallback=None)
    in_force(day, replace(book, teams={**book.teams, book.senior_team: few}))
    for number in range(3):
        day.write(f"Customer {number} <c{number}@example.org>", "Broken", "I am furious.")
        if number < 2:
            agent = holder(day, 1001 + number)
            day.reply(agent, day.last(agent, lambda mail, n=number: f"#{1001 + n}" in mail.subject), "Hello,\nI am sorry.")  # type: ignore[misc]
    assert {holder(day, 1001), holder(day, 1002)} == {MARIA, JONAS} and holder(day, 1003) == PETRA


def test_a_case_that_was_answered_is_nobodys_backlog_any_more(day: Day) -> None:
    book = day.office.rules.book
    in_force(day, replace(book, teams={name: replace(team, at_most=0) for name, team in book.teams.items()}))
    opened(day)
    assert holder(day) == PETRA and day.case().backlog
    day.reply(PETRA, day.routed(PETRA), "Hello Ana,\nthe 15 mm one.")
    in_force(day, book)
    day.write(ANA, "Re: Front wheel [#1001]", "And which one for the back?")
    day.pass_(minutes=40)
    assert holder(day) == PETRA, "Ana keeps the person she knows"


def test_a_folder_at_which_somebody_is_at_work_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    def vanishes(*_: object) -> list[Path]:
        raise FileNotFoundError("rules/.git/index.lock")

    (tmp_path / "rules").mkdir()
    settings = SimpleNamespace(rules=tmp_path / "rules", templates=None, state_dir=tmp_path)
    monkeypatch.setattr(Path, "rglob", vanishes)
    assert fingerprint(settings) == fingerprint(settings)  # type: ignore[arg-type]  # only these three are looked at


def test_labels_are_said_of_the_rule_that_gave_them(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(
        "agents: {maria: maria@acme.example}\nteams: {everyone: [maria]}\nlead: maria\nrules:\n"
        "  - {name: one, when: {subject_contains: wheel}, then: {label: first}}\n"
        "  - {name: two, then: {assign: everyone, label: second}}\n",
        encoding="utf-8",
    )
    day = Day(book=load_rules(tmp_path), reader=FakeReader(scores=feels))
    opened(day)
    (row,) = day.store.look("select trace from decision where case_id = 1001")
    assert "YES one - label: first; subject" in row["trace"] and "label: second" in row["trace"]
