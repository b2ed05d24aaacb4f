"""The block `rules`: each rule's name, when and then, checked against the names that the files define."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from inboxd.adapters.rule_files.words import (
    DOMAIN,
    EMAIL,
    KINDS,
    LATER,
    PRIORITIES,
    RULE_WORDS,
    SENTIMENTS,
    TEMPLATE,
    THEN_WORDS,
    known_name,
    list_of,
    optional,
    read_languages,
    read_repeat,
)
from inboxd.core.rules import CONDITIONS, Condition, Rule, Then, pattern_problem
from inboxd.yaml_source import Entries, Node, Scalar, Source, read_at_least


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What rules may name, from all files together."""

    agents: Collection[str]
    teams: Collection[str]
    topics: Collection[str]
    labels: Collection[str]  # of customers
    lead: bool  # whether there is one


class RuleReader:
    """Reads rules; mistakes go to their source."""

    def __init__(self, names: Names) -> None:
        self.names = names

    def rules(self, source: Source, node: Node) -> tuple[Rule, ...]:
        """Read the list of rules, in order."""
        rules: list[Rule] = []
        for item in list_of(source, node, "rules"):
            rule = self._rule(source, item)
            first = next((other for other in rules if rule and other.name == rule.name), None)
            if rule and first:
                source.wrong(item, f"a second rule '{rule.name}'; the first is in line {first.line}")
            elif rule:
                rules.append(rule)
        return tuple(rules)

    def _rule(self, source: Source, node: Node) -> Rule | None:
        words = source.block(node, "a rule", RULE_WORDS, LATER)
        if _empty(node):
            source.wrong(node, "an empty rule: a '-' with nothing behind it")
        if not words:
            return None
        name = optional(source, words, "name")
        if "name" not in words:
            source.wrong(node, "a rule without 'name'; say in a few words what it is for")
        if "then" not in words:
            source.wrong(node, f"rule '{name}' has no 'then'" if name else "a rule without 'then'")
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
        if isinstance(node, Scalar) and node.empty:
            source.wrong(node, f"'{what}' is empty; leave it out if the rule is for every mail")
            return ()
        conditions = source.block(node, what, CONDITIONS, LATER)
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
            case "sentiment":
                return known_name(source, place, text, "sentiment", SENTIMENTS)
            case "topic":
                return known_name(source, place, text, "topic", self.names.topics)
            case "customer":
                known = ("vip", "new", "known", *sorted(self.names.labels))
                return known_name(source, place, text, "kind of customer or customer label", known)
            case "sender" | "to" if not EMAIL.fullmatch(text) and not DOMAIN.fullmatch(text):
                source.wrong(place, f"'{text}' is not an address (ana@big.example) or a domain (big.example)")
                return False
            case "subject_matches" | "text_matches" if problem := pattern_problem(text):
                source.wrong(place, f"this pattern does not work: {problem}")
                return False
        return True

    def _then(self, source: Source, node: Node) -> Then:
        words = source.block(node, "then", THEN_WORDS, LATER)
        if _empty(node):
            source.wrong(node, "'then' is empty; what shall this rule do?")
        ignore = source.yes_no(words["ignore"], "ignore") if "ignore" in words else None
        if ignore:
            for word in words.keys() - {"ignore", "label", "tell"}:
                source.wrong(words[word], f"'{word}' beside 'ignore: yes' does nothing: nobody gets this mail")
        reply_with = optional(source, words, "reply_with")
        if reply_with and not TEMPLATE.fullmatch(reply_with):
            source.wrong(words["reply_with"], f"'{reply_with}' is not the name of a template, such as 'acknowledgement'")
        labels = source.texts(words["label"], "label") if "label" in words else ()
        return Then(
            assign=self._assign(source, words),
            answer_within=source.span(words["answer_within"], "answer_within") if "answer_within" in words else None,
            reply_with=reply_with,
            priority=source.word(words["priority"], "priority", PRIORITIES) if "priority" in words else None,
            brief=optional(source, words, "brief"),
            ignore=ignore,
            follow_up=source.yes_no(words["follow_up"], "follow_up") if "follow_up" in words else None,
            labels=tuple(text for text, _ in labels),
            tell=self._tell(source, words),
        )

    def _assign(self, source: Source, words: Mapping[str, Node]) -> str | None:
        text = optional(source, words, "assign")
        if text and text != "same_agent_as_before" and text not in self.names.agents:
            known = (*self.names.teams, *self.names.agents, "same_agent_as_before")
            known_name(source, words["assign"], text, "team", self.names.teams, known)
        return text

    def _tell(self, source: Source, words: Mapping[str, Node]) -> tuple[str, ...]:
        told = []
        for text, place in source.texts(words["tell"], "tell") if "tell" in words else ():
            if text == "lead" and not self.names.lead:
                source.wrong(place, "'lead' is not set; write 'lead: petra' beside the agents, or an address")
            elif "@" in text and not EMAIL.fullmatch(text):
                source.wrong(place, f"'{text}' is not an email address")
            elif "@" not in text and text != "lead":
                known_name(source, place, text, "agent", self.names.agents, (*self.names.agents, "lead"))
            told.append(text)
        return tuple(told)


def _sure(source: Source, node: Node) -> float:
    text = source.text(node, "sure")
    found = read_at_least(text) if text else None
    if text and found is None:
        source.wrong(node, f"'{text}' is not how sure to be; write for example 'at least 0.8'")
    return found or 0.0


def _empty(node: Node) -> bool:
    return (isinstance(node, Scalar) and node.empty) or (isinstance(node, Entries) and not node.pairs)
