"""The admin's tests of the rules (`*.test.yaml`): one mail, what is given of it, and what the rules must answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from inboxd.adapters.rule_files.routing import read_headers
from inboxd.adapters.rule_files.words import (
    NO_ANSWER,
    PRIORITIES,
    SENTIMENTS,
    YEARS,
    check_span,
    known_name,
    list_of,
    optional,
    read_block,
    read_languages,
    read_opening_span,
)
from inboxd.core.model import AgentName, Kind, Sentiment
from inboxd.core.opening import Span, due
from inboxd.core.rehearse import Later, RuleTest
from inboxd.core.rulebook import Rulebook, main_calendar
from inboxd.core.rules import Facts
from inboxd.yaml_source import Items, Node, Scalar, Source, read_at_least, read_contacts

TEST_TIME = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)  # a Monday, for tests that say no time


class TestReader:
    """Reads the tests of one file against a rulebook; mistakes go to the source."""

    __test__ = False  # not a test of pytest

    def __init__(self, source: Source, book: Rulebook) -> None:
        calendar = main_calendar(book)
        self.source, self.book = source, book
        self.zone: tzinfo = calendar.zone if calendar else UTC
        self.calendars = bool(book.calendars)

    def read(self, node: Node) -> RuleTest | None:
        """Read one test; None if it cannot be run."""
        source = self.source
        words = read_block(source, node, "a test", "tests")
        name = optional(source, words, "name")
        if "name" not in words:
            source.wrong(node, "a test without 'name'; say in a few words what it promises")
        if "expect" not in words and "timeline" not in words:
            source.wrong(node, "a test without 'expect'; write what the rules must answer, for example 'expect: {assign: seniors}'")
            return None
        expect = self._expect(words["expect"]) if "expect" in words else {}
        entries = list_of(source, words["timeline"], "timeline") if "timeline" in words else ()
        timeline = tuple(self._later(item) for item in entries)
        if not expect and not timeline and not source.mistakes:
            source.wrong(words["expect"], "'expect' is empty: a test that expects nothing never fails")
        facts: dict[str, Any] = {"now": TEST_TIME.replace(tzinfo=self.zone)}
        if "mail" in words:
            facts |= self._mail(words["mail"])
        self._check_order(entries, timeline, facts["now"])
        given = read_block(source, words["given"], "given", "given") if "given" in words else {}
        more: dict[str, Any] = {}
        for word, value in given.items():
            found = self._given(word, value, facts["now"])
            for key, each in found.items():
                (facts if key in Facts.__dataclass_fields__ else more)[key] = each
        return RuleTest(
            name=name or "",
            facts=Facts(**facts),
            given=frozenset(facts) - ({"now"} if "mail" not in words else set()),
            mail_file=self._mail_file(words),
            customer_given="customer" in given,
            expect=expect,
            timeline=timeline,
            file=source.label,
            line=node.place.line,
            **more,
        )

    def _check_order(self, entries: Sequence[Node], timeline: Sequence[Later], now: datetime) -> None:
        """Refuse an entry that is not after the one before it, by whichever calendar its opening hours count."""
        for node, before, entry in zip(entries[1:], timeline, timeline[1:], strict=False):
            calendars = tuple(self.book.calendars.values()) or (None,)
            if before.after == Span() or entry.after == Span():
                continue  # a mistake, told before
            if all(due(entry.after, now, calendar).at <= due(before.after, now, calendar).at for calendar in calendars):
                told = f"'{entry.after.words}' counts from the mail, so it must be after the entry before it ('{before.after.words}')"
                self.source.wrong(self.source.key_of(node, "after"), told)

    def _mail_file(self, words: dict[str, Node]) -> str:
        text = optional(self.source, words, "mail_file")
        if not text:
            return ""
        folder = Path(self.source.label).parent
        path = folder / text
        if not path.resolve().is_relative_to(folder.resolve()):  # rules come by mail, too
            self.source.wrong(words["mail_file"], f"'{text}' leads out of the folder of this test; lay the mail beside it or below")
            return ""
        if not path.is_file():
            self.source.wrong(words["mail_file"], f"there is no file {path}; the path counts from the folder of this test")
        return str(path)

    def _mail(self, node: Node) -> dict[str, Any]:
        source = self.source
        words = read_block(source, node, "mail", "mail")
        facts: dict[str, Any] = {word: optional(source, words, word) or "" for word in ("subject", "text") if word in words}
        if "from" in words:
            facts["sender"] = (optional(source, words, "from") or "").lower()
        if "to" in words:
            facts["to"] = tuple(text.lower() for text, _ in source.texts(words["to"], "to"))
        received = self._time(words["received"], "received") if "received" in words else None
        return facts | ({"now": received} if received else {})

    def _time(self, node: Node, what: str) -> datetime | None:
        text = self.source.text(node, what)
        try:
            at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=self.zone) if text else None
        except ValueError:
            at = None
        if text and (at is None or at.year not in YEARS):
            self.source.wrong(node, f"'{text}' is not a time such as '2026-11-23 10:00'")
            return None
        if at and at.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            self.source.wrong(node, f"the clocks of {self.zone} skip '{text}'; write a time that they show")
            return None
        return at

    def _given(self, word: str, node: Node, now: datetime) -> dict[str, Any]:
        """What a test pins of the reading, of the history, and of the team."""
        source = self.source
        match word:
            case "urgent" | "sensitive" | "reopened":
                return {word: bool(source.yes_no(node, word))}
            case "customer":
                return {word: frozenset(text for text, _ in source.texts(node, word))}
            case "away" | "knows":
                return {word: frozenset(self._agent(place, text) for text, place in source.texts(node, word))}
            case "open_cases":
                entries = source.entries(node, word).items()
                counts = {self._agent(key, name): source.whole_number(value, name, 0, 100000) for name, (key, value) in entries}
                return {word: {name: count for name, count in counts.items() if count is not None}}
            case "language":
                spoken = read_languages(source, node, word)
                if len(spoken) > 1:
                    source.wrong(node, "a mail is written in one language")
                return {word: spoken[0]} if spoken else {}
            case "header":
                return {"headers": read_headers(source, node)}
        text = source.text(node, word)
        if text is None:
            return {}
        match word:
            case "kind":
                kind = source.word(node, word, tuple(Kind))
                return {word: Kind(kind)} if kind else {}
            case "sentiment" | "sentiment_before":
                sentiment = source.word(node, word, SENTIMENTS)
                return {"feeling_before" if word == "sentiment_before" else word: Sentiment(sentiment)} if sentiment else {}
            case "authentication":
                found = source.word(node, word, ("pass", "fail", "unknown"))
                return {word: found} if found else {}
            case "topic":
                return {word: text, "topic_sure": 1.0}
            case "sure":
                return {"topic_sure": _fraction(source, node, text)}
            case "waiting":
                span = check_span(source, node, word, text, calendars=False)
                return {"waiting_since": now - span.length} if span else {}
            case "contacts":
                return self._contacts(node, text, now)
        return {word: text}

    def _contacts(self, node: Node, text: str, now: datetime) -> dict[str, Any]:
        found = read_contacts(f"at least {text}")
        if found is None:
            self.source.wrong(node, f"'{text}' is not a number of contacts; write for example '3 in 7 days'")
            return {}
        count, within = found
        return {"contacts": tuple(now - within * step / count for step in reversed(range(count)))}

    def _agent(self, place: Scalar, text: str) -> AgentName:
        known_name(self.source, place, text, "agent", self.book.agents)
        return AgentName(text)

    def _expect(self, node: Node) -> dict[str, object]:
        """The answers a test wants; `nobody` and `nothing` mean that no rule answers this question."""
        source, expect = self.source, dict[str, object]()
        for word, value in read_block(source, node, "expect", "expect").items():
            if isinstance(value, Scalar) and value.text in NO_ANSWER:
                expect[word] = () if word in ("label", "tell") else None
            elif word in ("label", "tell"):
                empty = isinstance(value, Items) and not value.items
                expect[word] = () if empty else tuple(text for text, _ in source.texts(value, word))
            elif word in ("ignore", "follow_up"):
                expect[word] = source.yes_no(value, word)
            elif word == "answer_within":
                expect[word] = read_opening_span(source, value, word, calendars=self.calendars)
            elif word == "due":
                at = self._time(value, word)
                expect[word] = f"{at:%Y-%m-%d %H:%M}" if at else None
            else:
                expect[word] = self._answer(value, word)
        return expect

    def _answer(self, node: Node, word: str) -> str | None:
        source, book = self.source, self.book
        text = source.text(node, word)
        if text is None:
            return None
        if word == "assign":
            known_name(source, node, text, "team or agent", book.teams, book.agents, ("same_agent_as_before", "nobody"))
        elif word == "agent":
            known_name(source, node, text, "agent", book.agents)
        elif word == "priority":
            known_name(source, node, text, "priority", PRIORITIES)
        return text

    def _later(self, node: Node) -> Later:
        source = self.source
        words = read_block(source, node, "an entry of 'timeline'", "timeline")
        if "after" not in words:
            source.wrong(node, "an entry of 'timeline' without 'after'; write for example 'after: 2 opening hours'")
        after = read_opening_span(source, words["after"], "after", calendars=self.calendars) if "after" in words else None
        do = source.word(words["do"], "do", ("answer", "resolve")) if "do" in words else None
        expect: dict[str, tuple[str, ...]] = {}
        for word, value in read_block(source, words["expect"], "expect", "happens").items() if "expect" in words else ():
            empty = (isinstance(value, Items) and not value.items) or (isinstance(value, Scalar) and value.text in NO_ANSWER)
            expect[word] = () if empty else tuple(text for text, _ in source.texts(value, word))
        if not do and not expect:
            source.wrong(node, "an entry of 'timeline' needs 'expect' or 'do'")
        return Later(after=after or Span(), do=do or "", expect=expect, line=node.place.line)


def _fraction(source: Source, node: Node, text: str) -> float:
    sure = read_at_least(f"at least {text}")
    if sure is None:
        source.wrong(node, f"'{text}' is not a number from 0 to 1, such as 0.8")
    return sure or 0.0
