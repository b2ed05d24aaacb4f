"""The block `rules`: each rule's name, when and then, checked against the names that the files define."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from inboxd.adapters.rule_files.words import (
    DOMAIN,
    EMAIL,
    KINDS,
    NO_CALENDAR,
    PRIORITIES,
    SENTIMENTS,
    TEMPLATE,
    check_span,
    known_name,
    list_of,
    optional,
    read_block,
    read_folder,
    read_labels,
    read_languages,
    read_line,
    read_opening_span,
    read_repeat,
    with_low_lines,
)
from inboxd.core.lettering import why_unwritable
from inboxd.core.opening import Calendar, Span
from inboxd.core.rulebook import Condition, Rule, Then
from inboxd.core.rules import pattern_problem
from inboxd.yaml_source import Entries, Node, Scalar, Source, read_at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What rules may name, from all files together."""

    agents: Collection[str]
    teams: Collection[str]
    calendars: Collection[str]
    topics: Collection[str]
    customers: Collection[str]  # vip, new, known, and the labels
    lead: bool  # whether there is one


class RuleReader:
    """Reads rules; mistakes go to their source."""

    def __init__(self, names: Names, calendars: Mapping[str, Calendar]) -> None:
        self.names, self.calendars = names, calendars

    def rules(self, source: Source, node: Node) -> tuple[Rule, ...]:
        """Read the list of rules, in order."""
        rules: dict[str, Rule] = {}
        for item in list_of(source, node, "rules"):
            rule = self._rule(source, item)
            if rule and rule.name in rules:
                name = source.entries(item, "a rule")["name"][1]
                source.wrong(name, f"a second rule '{rule.name}'; the first is in line {rules[rule.name].line}; give it another name")
            elif rule:
                rules[rule.name] = rule
        return tuple(rules.values())

    def _rule(self, source: Source, node: Node) -> Rule | None:
        words = read_block(source, node, "a rule", "rules")
        if _empty(node):
            source.wrong(node, "an empty rule: a '-' with nothing behind it")
        if not words:
            return None
        name = read_line(source, words, "name")
        if "name" not in words:
            source.wrong(node, "a rule without 'name'; say in a few words what it is for")
        if "then" not in words:
            source.wrong(node, (f"rule '{name}' has no 'then'" if name else "a rule without 'then'") + f"; {THEN_EXAMPLE}")
        when: tuple[Condition, ...] = ()
        if "when" in words:
            when = self._when(source, words["when"], "when")
        return Rule(
            name=name or "",
            when=when,
            then=self._then(source, words["then"]) if "then" in words else Then(),
            why=optional(source, words, "why") or "",
            file=source.label,
            line=node.place.line,
        )

    def _when(self, source: Source, node: Node, what: str) -> tuple[Condition, ...]:
        if _empty(node):
            otherwise = "leave it out if the rule is for every mail" if what == "when" else "write a condition, or leave it out"
            source.wrong(node, f"'{what}' is empty; {otherwise}")
            return ()
        conditions = read_block(source, node, what, "when")
        return tuple(self._condition(source, word, value) for word, value in conditions.items())

    def _condition(self, source: Source, word: str, node: Node) -> Condition:
        line = node.place.line
        if word == "not":
            return Condition(word=word, inner=(self._when(source, node, "not"),), line=line)
        if word == "any":
            groups = tuple(self._when(source, item, "any") for item in list_of(source, node, "any"))
            return Condition(word=word, inner=groups, line=line)
        wanted: tuple[Any, ...]
        if word in ("urgent", "sensitive", "reopened"):
            wanted = (source.yes_no(node, word),)
        elif word == "contacts":
            wanted = read_repeat(source, node, word) or ()
        elif word == "sure":
            wanted = (_sure(source, node),)
        elif word in ("received_during", "received_outside"):
            wanted = self._calendar(source, node, word)
        elif word == "waiting":
            wanted = self._waiting(source, node)
        elif word == "header":
            wanted = read_headers(source, node)
        elif word == "language":
            wanted = read_languages(source, node, word, "unknown")
        else:
            wanted = self._listed(source, word, node)
        return Condition(word=word, wanted=wanted, line=line)

    def _listed(self, source: Source, word: str, node: Node) -> tuple[str, ...]:
        """The conditions whose value is a word or a list of words: any of them."""
        wanted = []
        for text, place in source.texts(node, word):
            if word in ("sender", "to"):
                text = text.lower()
            if self._listed_works(source, word, text, place):
                wanted.append(text)
        return tuple(wanted)

    def _listed_works(self, source: Source, word: str, text: str, place: Scalar) -> bool:
        match word:
            case "kind":
                return known_name(source, place, text, "kind", KINDS)
            case "sentiment_change":
                return known_name(source, place, text, "change of sentiment", ("worse", "better", "same"))
            case "authentication":
                return known_name(source, place, text, "result of the sender's check", ("pass", "fail", "unknown"))
            case "sentiment":
                return known_name(source, place, text, "sentiment", SENTIMENTS)
            case "topic":
                return known_name(source, place, text, "topic", self.names.topics)
            case "customer":
                return known_name(source, place, text, "kind of customer or customer label", self.names.customers)
            case "sender" | "to" if not EMAIL.fullmatch(text) and not DOMAIN.fullmatch(text):
                source.wrong(place, f"'{text}' is not an address (ana@big.example) or a domain (big.example)")
                return False
            case "subject_matches" | "text_matches" if problem := pattern_problem(text):
                hint = "; there is no look-ahead and no look-behind here" if "(?" in problem else ""
                source.wrong(place, f"this pattern does not work: {problem}{hint}")
                return False
        return True

    def _calendar(self, source: Source, node: Node, word: str) -> tuple[Calendar, ...]:
        text = source.text(node, word)
        if text and not self.names.calendars:
            source.wrong(node, f"no calendar called '{text}'; {NO_CALENDAR.partition('; ')[2]}")
        elif text and known_name(source, node, text, "calendar", self.names.calendars) and text in self.calendars:
            return (self.calendars[text],)
        return ()

    def _waiting(self, source: Source, node: Node) -> tuple[Any, ...]:
        text = source.text(node, "waiting")
        if text is None:
            return ()
        if not text.lower().startswith("at least "):
            source.wrong(node, f"'{text}' does not say how long; write for example 'at least 4 opening hours' or 'at least 2 days'")
            return ()
        span = check_span(source, node, "waiting", text[len("at least ") :], calendars=bool(self.names.calendars))
        return (span, next(iter(self.calendars.values()), None)) if span else ()

    def _then(self, source: Source, node: Node) -> Then:
        words = read_block(source, node, "then", "then")
        if _empty(node):
            source.wrong(node, "'then' is empty; write what this rule does, for example 'assign: seniors'")
        ignore = source.yes_no(words["ignore"], "ignore") if "ignore" in words else None
        if ignore:
            for word in words.keys() - {"ignore", "label", "tell", "file_in"}:
                source.wrong(source.key_of(node, word), f"'{word}' beside 'ignore: yes' does nothing: nobody gets this mail")
        reply_with = optional(source, words, "reply_with")
        if reply_with and not TEMPLATE.fullmatch(reply_with):
            source.wrong(
                words["reply_with"], f"'{reply_with}' is not the name of a template" + with_low_lines(reply_with, ", such as 'acknowledge'")
            )
        return Then(
            assign=self.target(source, words),
            answer_within=self._within(source, words["answer_within"]) if "answer_within" in words else None,
            reply_with=reply_with,
            priority=source.word(words["priority"], "priority", PRIORITIES) if "priority" in words else None,
            brief=optional(source, words, "brief"),
            file_in=read_folder(source, words, "file_in"),
            ignore=ignore,
            follow_up=source.yes_no(words["follow_up"], "follow_up") if "follow_up" in words else None,
            labels=read_labels(source, words),
            tell=self.told(source, words),
        )

    def _within(self, source: Source, node: Node) -> Span | None:
        return read_opening_span(source, node, "answer_within", calendars=bool(self.names.calendars))

    def target(self, source: Source, words: Mapping[str, Node], *, step: bool = False) -> str | None:
        """Read `assign`: a team, an agent, or (but not in a step of the ladder) the one who had it before."""
        text = optional(source, words, "assign")
        if text and step and text == BEFORE:
            source.wrong(words["assign"], f"'{BEFORE}' has the case already when this step comes; write a team or another agent")
        elif text:
            also = () if step else (BEFORE,)
            known_name(source, words["assign"], text, "team or agent", self.names.teams, self.names.agents, also)
        return text

    def told(self, source: Source, words: Mapping[str, Node]) -> tuple[str, ...]:
        """Read `tell`: agents, `lead`, addresses."""
        told = []
        for text, place in source.texts(words["tell"], "tell") if "tell" in words else ():
            if text == "lead" and not self.names.lead:
                source.wrong(place, "'lead' is not set; add a line 'lead: petra' (an agent or an address) that is not indented")
            elif "@" in text and (why := why_unwritable(text, "boss@acme.example")):
                source.wrong(place, why)
            elif "@" not in text and text != "lead":
                known_name(source, place, text, "agent", self.names.agents, ("lead",))
            told.append(text)
        return tuple(told)


BEFORE = "same_agent_as_before"
THEN_EXAMPLE = "write what it does, for example 'then: {assign: seniors}'"
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*(?::\s*(.*))?")


def read_headers(source: Source, node: Node) -> tuple[tuple[str, str], ...]:
    """Read header lines: a name, or "Name: words" (RFC 5322, 2.2)."""
    found = []
    for text, place in source.texts(node, "header"):
        match = _HEADER.fullmatch(text)
        if match is None:
            source.wrong(place, f"'{text}' is not a header line; write its name, or 'X-Shop-Form: returns' in quotes")
        else:
            found.append((match[1].lower(), (match[2] or "").strip()))
    return tuple(found)


def _sure(source: Source, node: Node) -> float:
    text = source.text(node, "sure")
    found = read_at_least(text) if text else None
    if text and found is None:
        source.wrong(node, f"'{text}' is not how sure to be; write for example 'at least 0.8'")
    return found or 0.0


def _empty(node: Node) -> bool:
    return (isinstance(node, Scalar) and node.empty) or (isinstance(node, Entries) and not node.pairs)
