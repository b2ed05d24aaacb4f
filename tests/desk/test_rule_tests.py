from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.core.model import Sentiment
from inboxd.core.opening import Span
from inboxd.core.rehearse import RuleTest
from inboxd.core.rulebook import Condition, CustomerEntry, Rule, Rulebook, Then
from inboxd.core.rules import Facts
from inboxd.desk.rule_tests import run_rule_tests

SHIPPED = Path(__file__).parents[2] / "rules"
NOW = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
BOOK = Rulebook(
    rules=(
        Rule(
            name="vip",
            when=(Condition(word="customer", wanted=("vip",)),),
            then=Then(assign="seniors", answer_within=Span(length=timedelta(hours=2)), labels=("vip",)),
        ),
        Rule(name="old", when=(Condition(word="customer", wanted=("known",)),), then=Then(labels=("old",))),
        Rule(name="all", when=(), then=Then(assign="everyone", tell=("lead",))),
    ),
    customers=(CustomerEntry(who="big.example", vip=True),),
)


def differences(facts: dict[str, Any], given: bool = False, **expect: object) -> tuple[str, ...]:
    test = RuleTest(name="x", facts=Facts(now=NOW, **facts), customer_given=given, expect=expect)
    (result,) = run_rule_tests(BOOK, [test])
    assert result.passed is not bool(result.differences)
    return result.differences


def test_the_promises_of_the_shipped_rules_hold() -> None:
    results = run_rule_tests(load_rules(SHIPPED), load_tests(SHIPPED, load_rules(SHIPPED)))
    assert [result.differences for result in results if not result.passed] == []


def test_a_difference_says_what_was_expected_what_came_and_from_which_rule() -> None:
    assert differences({}, assign="seniors", answer_within=Span(length=timedelta(hours=2))) == (
        "assign: expected seniors, got everyone (rule 'all')",
        "answer_within: expected 2 hours, got nothing",
    )


def test_only_what_is_expected_is_compared() -> None:
    assert differences({}, assign="everyone") == ()
    assert differences({}) == ()


def test_labels_are_compared_as_a_whole_in_any_order() -> None:
    facts = {"sender": "ceo@big.example", "contacts": (NOW - timedelta(days=1), NOW)}
    assert differences(facts, label=("old", "vip")) == ()
    assert differences(facts, label=("vip",)) == ("label: expected vip, got vip, old",)
    assert differences({}, label=(), assign=None) == ("assign: expected nothing, got everyone (rule 'all')",)


def test_who_the_customer_is_comes_from_the_admins_files_unless_the_test_says_it() -> None:
    assert differences({"sender": "ceo@big.example"}, assign="seniors") == ()
    assert differences({"sender": "ceo@big.example", "customer": frozenset({"new"})}, True, assign="everyone") == ()


def test_a_mail_that_no_rule_ignores_is_not_ignored() -> None:
    assert differences({}, ignore=False) == ()
    assert differences({}, ignore=True) == ("ignore: expected yes, got nothing",)


def test_the_result_carries_the_reasons() -> None:
    test = RuleTest(name="x", facts=Facts(now=NOW, sentiment=Sentiment.UPSET))
    (result,) = run_rule_tests(BOOK, [test])
    assert [(entry.rule, entry.matched) for entry in result.trace] == [("vip", False), ("old", False), ("all", True)]
