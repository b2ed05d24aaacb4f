"""Backtest equals reality: a month of decisions, replayed under the rules that were in force, is the same to the last answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from inboxd.core.model import AgentName, CaseNo, OutgoingKind
from inboxd.core.rulebook import Absence, CustomerEntry, Rulebook
from inboxd.desk.backtest import Backtest
from inboxd.rule_sets import replay_store
from tests.stories.month import OCTOBER, Month

MAILS = 2000  # `python -m bench backtest` does the same with 5,000


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Month:
    month = Month(tmp_path_factory.mktemp("month"), MAILS)
    month.live()
    return month


def replayed(month: Month, book: Rulebook | None = None) -> Backtest:
    return replay_store(month.day.store, book or month.day.office.rules.book, None, OCTOBER)


def test_in_this_month_everything_happened_that_could_make_a_difference(month: Month) -> None:
    store = month.day.store
    assert not store.parked(), [job.error for job in store.parked()]
    events = {row["kind"] for row in store.look("select distinct kind from event")}
    assert events >= {
        "case.opened", "case.customer_wrote", "case.customer_thanked", "case.agent_replied", "case.agent_resolved", "case.silence",
        "case.satisfied", "case.dissatisfied", "case.unclear", "case.no_answer", "case.automatic_noted", "message.automatic",
        "answer.read", "answer.held", "case.note", "person.opted_out", "case.asked", "case.inquiry_answered", "case.mail_split",
    }  # fmt: skip
    kinds = {row["kind"] for row in store.look("select distinct kind from outgoing")}
    assert kinds >= {kind for kind in OutgoingKind if kind is not OutgoingKind.RETURNED}
    teams = {row["team"] for row in store.look("select distinct team from cases")}
    assert teams >= {"everyone", "seniors", "money", "late"}
    assert len(store.corrections()) > 20
    assert store.look("select count(distinct sender) as n from message where kind = 'person'")[0]["n"] > 400
    said = "".join(row["trace"] for row in store.look("select trace from decision"))
    for why in ("maria: away", "at most", "does not speak", "not at work", "upset people today"):
        assert why in said, f"nobody was passed over because of: {why}"


def test_under_the_rules_in_force_every_decision_is_the_same_again(month: Month) -> None:
    found = replayed(month)
    assert found.messages > MAILS // 2
    assert found.changes == []
    assert all(was == would for was, would in found.load.values())
    assert found.in_words(None).startswith(f"would change: 0 of {found.messages} messages, 5 Oct to 4 Nov 2026")


def test_what_is_known_only_later_does_not_leak_into_the_past(month: Month) -> None:
    before = replayed(month)
    until = month.day.at()
    month.live(2)  # more cases, contacts, answers and corrections of the same people
    with month.day.store.transaction() as tx:
        for row in month.day.store.look("select id from cases"):
            tx.correct(CaseNo(row["id"]), {"topic": "refund", "sentiment": "upset", "sensitive": "yes"}, "tom", month.day.at())
    book = month.day.office.rules.book
    ill = Absence(first=until.date() + timedelta(days=1), last=date(2027, 1, 1))
    agents = {name: replace(agent, away=(*agent.away, ill)) for name, agent in book.agents.items()}
    found = replayed(month, replace(book, agents=agents))
    assert found.messages > before.messages
    assert [change for change in found.changes if change.at <= until] == []


def test_who_was_there_then_was_there_whatever_the_rules_of_today_say_of_those_days(month: Month) -> None:
    book = month.day.office.rules.book
    agents = {name: replace(agent, away=(Absence(first=date(2026, 1, 1), last=date(2027, 1, 1)),)) for name, agent in book.agents.items()}
    assert replayed(month, replace(book, agents=agents)).changes == []
    assert replayed(month, replace(book, agents={name: replace(agent, away=()) for name, agent in book.agents.items()})).changes == []


def test_other_rules_do_make_a_difference_and_only_where_they_differ(month: Month) -> None:
    book = month.day.office.rules.book
    vips = replace(book, customers=(*book.customers, CustomerEntry(who="people.example", vip=True)))
    found = replayed(month, vips)
    assert found.changes
    assert {change.would.agent for change in found.changes if "agent" in change.answers} <= {AgentName("petra"), *book.agents}
    assert not any(change.was.ignored for change in found.changes)


def test_nothing_of_it_is_written(month: Month, tmp_path: Path) -> None:
    store = month.day.store
    counts = "select (select count(*) from decision) as d, (select count(*) from event) as e, (select count(*) from job) as j"
    before = store.look(counts), store.look("select total_changes() as n")
    replayed(month)
    assert (store.look(counts), store.look("select total_changes() as n")) == before
