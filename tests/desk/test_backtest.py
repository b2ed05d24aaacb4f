"""Backtest: what other rules would have done with past mail, counted exactly, told in words and as data, and nothing written."""

from __future__ import annotations

import gc
import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.decide import decide
from inboxd.core.model import Candidate, CaseNo, CaseState, Kind, MailboxFacts, MailboxName, MessageNo, Outcome, Reading, Send, Situation
from inboxd.core.opening import Span
from inboxd.core.policy import Policy
from inboxd.core.replay import placed
from inboxd.core.rulebook import Absence, Condition, Rule, Rulebook, Then
from inboxd.desk.backtest import Backtest, backtest, pages, with_headers
from inboxd.ports import PastDecision
from inboxd.rule_sets import replay_store
from tests.core.builders import JONAS, MARIA, NOW, TOM, book, case, situation, understood
from tests.fakes import MONDAY, FakeReader
from tests.stories.day import Day
from tests.stories.month import reading
from tests.stories.steps import question

PEOPLE = """
agents:
  {maria: {email: maria@acme.example}, jonas: {email: jonas@acme.example}, tom: {email: tom@acme.example}, nils: {email: nils@acme.example}}
teams: {everyone: {agents: [tom, nils]}, seniors: {agents: [maria, jonas]}}
lead: maria
rules:
"""
OLD = """
  - {name: Upset, when: {sentiment: upset}, then: {assign: seniors, answer_within: 2 hours}}
  - {name: The rest, then: {assign: everyone, answer_within: 24 hours}}
"""
NEW = """
  - {name: Money, when: {topic: billing}, then: {assign: seniors, answer_within: 1 hour, label: money, priority: high}}
  - {name: Forms, when: {header: "X-Shop-Form: returns"}, then: {assign: nils}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> tuple[Rulebook, Rulebook]:
    """The rules in force, and the new ones."""
    found = []
    for name, text in (("old", OLD), ("new", NEW + OLD)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.yaml").write_text(PEOPLE + text, encoding="utf-8")
        found.append(load_rules(tmp_path / name))
    return found[0], found[1]


@pytest.fixture
def day(tmp_path: Path, rules: tuple[Rulebook, Rulebook]) -> Iterator[Day]:
    """Six messages under the old rules, the first of a customer who says two days later that it was not solved."""
    day = Day(book=rules[0], reader=FakeReader(scores=reading), store_path=tmp_path / "store.sqlite")
    day.write("ana@people.example", "Invoice", "calm en billing 0.95")
    day.pass_(minutes=40)
    tom = day.last("tom@acme.example")
    day.write("ben@people.example", "Bike", "calm en bug 0.95")
    day.write("cem@people.example", "Broken", "upset en bug 0.95")
    day.reply("tom@acme.example", tom, "resolve\n\nIt is paid.", quote=False)
    day.pass_(days=1)
    day.write("dora@people.example", "Invoice", "calm en billing 0.95")
    day.write("form@shop.example", "Returned", "calm en bug 0.95", headers={"Auto-Submitted": "auto-generated", "X-Shop-Form": "returns"})
    day.pass_(days=1, hours=1)
    day.write("ana@people.example", "Re: Invoice", "no en bug 0.95", answers=question(day, "ana@people.example"))
    yield day
    day.store.close()


def test_the_same_rules_change_nothing(day: Day, rules: tuple[Rulebook, Rulebook]) -> None:
    found = replay_store(day.store, rules[0], None, MONDAY)
    assert (found.messages, found.changes) == (6, [])
    assert found.in_words(UTC) == "would change: 0 of 6 messages, 16 Nov to 18 Nov 2026"


def test_new_rules_show_each_move_each_answer_the_load_and_who_would_have_been_caught(day: Day, rules: tuple[Rulebook, Rulebook]) -> None:
    assert replay_store(day.store, rules[1], None, MONDAY).in_words(UTC) == "\n".join(
        (
            "would change: 3 of 6 messages, 16 Nov to 18 Nov 2026",
            "",
            "from whom to whom",
            "       1  everyone (tom) -> seniors (maria)",
            "       1  everyone (tom) -> seniors (jonas)",
            "       1  nobody (ignored) -> nils",
            "",
            "other answers: answer_within 3, priority 3, label 2, follow_up 1",
            "",
            "load: cases a day, on average and at most",
            "  jonas: 0.3 (1) -> 0.7 (1)",
            "  maria: 0.3 (1) -> 0.7 (2)",
            "  nils: 0.3 (1) -> 0.7 (1)",
            "  tom: 0.7 (1) -> 0 (0)",
            "",
            "ended badly: 2 messages of such cases; 1 would have reached a senior at once",
            "  #1001  16 Nov 09:00  everyone (tom) -> seniors (maria); answer within 1 hour, due Mon 16 Nov 10:00"
            " (was: 1 day, due Tue 17 Nov 09:00); priority: normal -> high;"
            " label: none -> money",
            "",
            "which",
            "  #1001  16 Nov 09:00  everyone (tom) -> seniors (maria); answer within 1 hour, due Mon 16 Nov 10:00"
            " (was: 1 day, due Tue 17 Nov 09:00); priority: normal -> high;"
            " label: none -> money",
            "  #1004  17 Nov 09:40  everyone (tom) -> seniors (jonas); answer within 1 hour, due Tue 17 Nov 10:40"
            " (was: 1 day, due Wed 18 Nov 09:40); priority: normal -> high;"
            " label: none -> money",
            "  message 6  17 Nov 09:40  nobody (ignored) -> nils; answer within 1 day, due Wed 18 Nov 09:40 (was: no hour);"
            " priority: nothing -> normal;"
            " follow_up: nothing -> no",
        )
    )


def test_the_same_as_data_with_every_change_and_exact_counts(day: Day, rules: tuple[Rulebook, Rulebook]) -> None:
    found = json.loads(json.dumps(replay_store(day.store, rules[1], None, MONDAY).as_dict(), default=str))
    assert (found["messages"], found["would_change"], found["ended_badly"], found["caught"]) == (6, 3, 2, [1001])
    assert found["moves"] == [
        {"from": "everyone (tom)", "to": "seniors (maria)", "messages": 1},
        {"from": "everyone (tom)", "to": "seniors (jonas)", "messages": 1},
        {"from": "nobody (ignored)", "to": "nils", "messages": 1},
    ]
    assert found["answers"]["agent"] == 3 and found["answers"]["labels"] == 2
    assert found["load"]["tom"] == {"was": {"cases": 2, "a_day": 0.7, "most": 1}, "would": {"cases": 0, "a_day": 0.0, "most": 0}}
    assert [change["case"] for change in found["changes"]] == [1001, 1004, None]
    assert found["changes"][0]["was"]["agent"] == "tom" and found["changes"][0]["would"]["agent"] == "maria"


def test_a_reading_store_beside_the_daemon_gives_the_same_and_not_a_byte_is_written(
    day: Day, rules: tuple[Rulebook, Rulebook], tmp_path: Path
) -> None:
    def hashes() -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "store.sqlite", tmp_path / "store.sqlite-wal")]

    before, beside = hashes(), SqliteStore(tmp_path / "store.sqlite", read_only=True)
    found = replay_store(beside, rules[1], None, MONDAY)
    beside.close()
    assert len(found.changes) == 3
    assert hashes() == before
    day.write("eva@people.example", "Later", "calm en bug 0.95")  # the daemon was not in its way
    assert replay_store(day.store, rules[0], None, MONDAY).messages == 7


def test_only_messages_since_then_count(day: Day, rules: tuple[Rulebook, Rulebook]) -> None:
    assert replay_store(day.store, rules[1], None, MONDAY + timedelta(hours=12)).messages == 3
    nothing = replay_store(day.store, rules[1], None, MONDAY + timedelta(days=9))
    assert nothing.in_words(UTC) == "no past message that rules decided about"
    assert nothing.as_dict()["would_change"] == 0


# --- one decision at a time ------------------------------------------------------------------------------------------------

MONEY = Rule(name="money", when=(Condition(word="topic", wanted=("billing",)),), then=Then(assign="seniors"))


def past(number: int, one: Situation, under: Rulebook | None = None, at: datetime = NOW) -> PastDecision:
    one = replace(one, now=at)
    decision = decide(one, under or book(), Policy())
    return PastDecision(
        number=number, message=MessageNo(number), case=decision.case, at=at, ruleset="hash", situation=one,
        actions=decision.actions, letters=(), trace=decision.trace,
    )  # fmt: skip


def billing(**changes: object) -> Situation:
    about = Reading(kind=Kind.PERSON, language="en", topic="billing", topic_sure=0.9)
    return situation(understood=understood(reading=about), **changes)


def with_rule(rule: Rule) -> Rulebook:
    return book(rules=(rule, *book().rules))


def over(decisions: list[PastDecision], under: Rulebook, badly: dict[CaseNo, Outcome] | None = None) -> Backtest:
    return backtest(decisions, under, Policy(), badly or {})


def test_whom_we_knew_then_has_the_facts_of_then_and_who_is_new_has_no_case() -> None:
    away = {name: replace(agent, away=(Absence(first=date(2026, 1, 1), last=date(2027, 1, 1)),)) for name, agent in book().agents.items()}
    then = {name: Candidate(name=name, open_cases=cases) for name, cases in ((MARIA, 9), (JONAS, 3), (TOM, 5))}
    one = past(1, billing(candidates=then))
    assert over([one], book()).changes == []
    assert over([one], book(agents=away)).changes == []
    assert (
        over([past(1, billing())], replace(with_rule(MONEY), agents=away)).changes[0].would.agent == "petra"
    )  # of these days nothing is known: all away


def test_a_case_counts_as_caught_only_where_its_message_came_before_it_ended_badly() -> None:
    first = past(1, billing())
    assert first.case is not None
    badly = {first.case: Outcome.DISSATISFIED}
    to_jonas = Rule(name="jonas", when=(Condition(word="topic", wanted=("billing",)),), then=Then(assign="jonas"))
    tom_only = book(rules=(replace(to_jonas, then=Then(assign="tom")),))
    before = past(1, billing(), tom_only)
    again = past(2, billing(case=case(CaseState.RESOLVED, number=first.case, assignee=TOM), person=None), tom_only)
    found = over([before, again], book(rules=(to_jonas,)), badly)
    assert (found.bad, [(change.message, change.caught) for change in found.changes]) == (2, [(1, True), (2, False)])


def test_a_new_folder_for_what_nobody_gets_is_a_change() -> None:
    files = MailboxFacts(name=MailboxName("acme"), address="support@acme.example", brand="Acme", file=True)
    ignore = Rule(name="ignore", when=(), then=Then(ignore=True))
    one = past(1, situation(mailbox=files), book(rules=(ignore,)))
    assert placed(one.actions).ignored
    found = over([one], book(rules=(replace(ignore, then=Then(ignore=True, file_in="Newsletters")),)))
    assert [change.answers for change in found.changes] == [("file_in",)]


def test_who_is_told_is_compared_though_of_letters_only_the_purpose_is_kept() -> None:
    tell = Rule(name="tell", when=(), then=Then(assign="tom", tell=("lead", "boss@big.example")))
    made = past(1, billing(), book(rules=(tell,)))
    letters = tuple(action.letter.purpose for action in made.actions if isinstance(action, Send))
    kept = replace(made, actions=tuple(a for a in made.actions if not isinstance(a, Send)), letters=letters)
    assert over([kept], book(rules=(tell,))).changes == []
    quiet = over([kept], book(rules=(replace(tell, then=replace(tell.then, tell=("lead",))),))).changes
    assert [(change.answers, change.was.told, change.would.told) for change in quiet] == [
        (("told",), ("boss@big.example", "lead"), ("lead",))
    ]


def test_header_lines_are_filled_in_from_the_raw_mail_where_a_rule_looks_at_them() -> None:
    form = Rule(name="form", when=(Condition(word="header", wanted=(("x-shop-form", "returns"),)),), then=Then(assign="petra"))
    decisions = [past(1, billing()), past(2, billing())]
    headers = {1: (("x-shop-form", "Returns"),), 2: (("x-other", "returns"),)}
    assert over(decisions, with_rule(form)).changes == []
    found = over(list(with_headers(decisions, lambda number: headers[number])), with_rule(form))
    assert [(change.message, change.would.agent) for change in found.changes] == [(1, "petra")]


def test_the_shown_lines_are_limited_and_the_data_is_not() -> None:
    decisions = [past(number, billing(next_case=CaseNo(number))) for number in range(1, 51)]
    found = over(decisions, book(rules=(replace(MONEY, then=Then(assign="petra", answer_within=Span(length=timedelta(hours=1)))),)))
    assert found.in_words(UTC).endswith("  and 10 more: --json lists all")
    assert len(found.as_dict()["changes"]) == 50


def test_the_load_is_counted_by_the_days_of_the_calendar_s_own_zone() -> None:
    decisions = [past(number, billing(), at=NOW + timedelta(hours=7 * number)) for number in range(4)]
    found = backtest(decisions, with_rule(MONEY), Policy(), {}, zone=UTC)
    assert found.load["maria"][1] == {date(2026, 11, 16): 3, date(2026, 11, 17): 1}


def test_memory_does_not_grow_with_the_number_of_pages() -> None:
    page = [past(number, billing(next_case=CaseNo(number))) for number in range(1, 11)]
    held = {}

    def fetch(after: int, limit: int) -> list[PastDecision]:
        return [replace(one, number=after + place) for place, one in enumerate(page, 1)] if after < 2000 else []

    def look(number: int) -> None:
        if number in (500, 2000):
            gc.collect()
            held[number] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    found = backtest(pages(fetch, 10), book(), Policy(), {}, progress=look)
    tracemalloc.stop()
    assert found.messages == 2000
    assert held[2000] < held[500] + 100_000  # the facts of 1,500 decisions are megabytes


def test_pages_end_with_the_first_empty_one_and_give_each_decision_once() -> None:
    decisions = [past(number, billing()) for number in range(1, 8)]
    asked = []

    def fetch(after: int, limit: int) -> list[PastDecision]:
        asked.append(after)
        return [one for one in decisions if one.number > after][:limit]

    assert [one.number for one in pages(fetch, 3)] == [1, 2, 3, 4, 5, 6, 7]
    assert asked == [0, 3, 6, 7]
