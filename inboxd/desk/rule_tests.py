"""The admin's rule tests, run: each is one mail with its facts, and what the rules must answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from inboxd.core.rules import Facts, Rulebook, RuleTest, RuleTrace, customer_words, judge, span_words


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """How one rule test ended; `differences` say in words what came instead, `trace` why."""

    __test__ = False  # not a test of pytest

    test: RuleTest
    differences: tuple[str, ...] = ()
    trace: tuple[RuleTrace, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the rules answered as expected."""
        return not self.differences


def run_rule_tests(rulebook: Rulebook, tests: Sequence[RuleTest]) -> tuple[TestResult, ...]:
    """Judge each test's mail and compare. What a test does not give is calm and ordinary; no model is asked."""
    return tuple(_run(rulebook, test) for test in tests)


def _run(rulebook: Rulebook, test: RuleTest) -> TestResult:
    ruling = judge(rulebook.rules, _facts(rulebook, test))
    differences = []
    for question, wanted in test.expect.items():
        got = getattr(ruling.then, "labels" if question == "label" else question)
        if not _same(wanted, got):
            by = ruling.by.get(question)
            from_rule = f" (rule '{by}')" if by else ""
            differences.append(f"{question}: expected {_words(wanted)}, got {_words(got)}{from_rule}")
    return TestResult(test=test, differences=tuple(differences), trace=ruling.trace)


def _facts(rulebook: Rulebook, test: RuleTest) -> Facts:
    """Add what the rulebook says of the sender, unless the test says it."""
    facts = test.facts
    if not facts.contacts:
        facts = replace(facts, contacts=(facts.now,))
    if test.customer_given:
        return facts
    vip, labels = customer_words(rulebook, facts.sender)
    words = {"known" if len(facts.contacts) > 1 or facts.reopened else "new", *labels}
    return replace(facts, customer=frozenset(words | {"vip"} if vip else words))


def _same(wanted: object, got: object) -> bool:
    if isinstance(wanted, tuple) and isinstance(got, tuple):
        return set(wanted) == set(got)
    return wanted == got or (wanted is False and got is None)  # `ignore: no` where no rule ignores


def _words(value: object) -> str:
    match value:
        case None | ():
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return span_words(value)
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)
