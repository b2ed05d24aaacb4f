"""The admin's tests of the rules (`*.test.yaml`): one mail, what is given of it, and what the rules must answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from inboxd.adapters.rule_files.words import (
    GIVEN_WORDS,
    LATER,
    MAIL_WORDS,
    SENTIMENTS,
    TEST_WORDS,
    THEN_WORDS,
    optional,
)
from inboxd.core.model import Kind, Sentiment
from inboxd.core.rules import Facts, RuleTest
from inboxd.yaml_source import Items, Node, Scalar, Source, read_at_least, read_contacts

TEST_TIME = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)  # a Monday, for tests that say no time


def read_test(source: Source, node: Node) -> RuleTest | None:
    """Read one test; None if it cannot be run."""
    words = source.block(node, "a test", TEST_WORDS, LATER)
    name = optional(source, words, "name")
    if "name" not in words:
        source.wrong(node, "a test without 'name'; say in a few words what it promises")
    if "expect" not in words:
        source.wrong(node, "a test without 'expect'")
        return None
    expect = _expect(source, words["expect"])
    if not expect and not source.mistakes:
        source.wrong(words["expect"], "'expect' is empty: a test that expects nothing never fails")
    facts: dict[str, Any] = {"now": TEST_TIME}
    if "mail" in words:
        facts |= _mail(source, words["mail"])
    given = source.block(words["given"], "given", GIVEN_WORDS, LATER) if "given" in words else {}
    for word, value in given.items():
        facts |= _given(source, word, value, facts["now"])
    return RuleTest(
        name=name or "",
        facts=Facts(**facts),
        customer_given="customer" in given,
        expect=expect,
        file=source.label,
        line=node.place.line,
    )


def _mail(source: Source, node: Node) -> dict[str, Any]:
    words = source.block(node, "mail", MAIL_WORDS, LATER)
    facts: dict[str, Any] = {word: optional(source, words, word) or "" for word in ("subject", "text") if word in words}
    if "from" in words:
        facts["sender"] = (optional(source, words, "from") or "").lower()
    if "to" in words:
        facts["to"] = tuple(text.lower() for text, _ in source.texts(words["to"], "to"))
    received = optional(source, words, "received")
    if received:
        try:
            facts["now"] = datetime.strptime(received, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        except ValueError:
            source.wrong(words["received"], f"'{received}' is not a time such as '2026-11-23 10:00'")
    return facts


def _given(source: Source, word: str, node: Node, now: datetime) -> dict[str, Any]:
    """What a test pins of the reading and the history."""
    if word in ("urgent", "sensitive", "reopened"):
        return {word: bool(source.yes_no(node, word))}
    if word == "customer":
        return {word: frozenset(text for text, _ in source.texts(node, word))}
    text = source.text(node, word)
    if text is None:
        return {}
    if word == "kind":
        kind = source.word(node, word, tuple(Kind))
        return {word: Kind(kind)} if kind else {}
    if word == "sentiment":
        sentiment = source.word(node, word, SENTIMENTS)
        return {word: Sentiment(sentiment)} if sentiment else {}
    if word == "topic":
        return {word: text, "topic_sure": 1.0}
    if word == "sure":
        return {"topic_sure": _fraction(source, node, text)}
    if word == "contacts":
        found = read_contacts(f"at least {text}")
        if found is None:
            source.wrong(node, f"'{text}' is not a number of contacts; write for example '3 in 7 days'")
            return {}
        count, within = found
        return {word: tuple(now - within * step / count for step in reversed(range(count)))}
    return {word: text}


def _fraction(source: Source, node: Node, text: str) -> float:
    sure = read_at_least(f"at least {text}")
    if sure is None:
        source.wrong(node, f"'{text}' is not a number from 0 to 1, such as 0.8")
    return sure or 0.0


def _expect(source: Source, node: Node) -> dict[str, object]:
    """The answers a test wants; `nobody` and `nothing` mean that no rule answers this question."""
    expect: dict[str, object] = {}
    for word, value in source.block(node, "expect", THEN_WORDS, LATER).items():
        if isinstance(value, Scalar) and value.text in ("nobody", "nothing"):
            expect[word] = () if word in ("label", "tell") else None
        elif word in ("label", "tell"):
            empty = isinstance(value, Items) and not value.items
            expect[word] = () if empty else tuple(text for text, _ in source.texts(value, word))
        elif word in ("ignore", "follow_up"):
            expect[word] = source.yes_no(value, word)
        elif word == "answer_within":
            expect[word] = source.span(value, word)
        else:
            expect[word] = source.text(value, word)
    return expect
