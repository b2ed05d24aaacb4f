"""People, teams, customers, topics and times of all rule files, put together into one Rulebook."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from inboxd.adapters.rule_files.routing import Names, RuleReader
from inboxd.adapters.rule_files.words import (
    AGENT_WORDS,
    BLOCKS,
    CUSTOMER_WORDS,
    DOMAIN,
    EMAIL,
    FOLLOW_UP_WORDS,
    LATER,
    SHIPPED_TOPICS,
    TEAM_WORDS,
    TEMPLATE,
    TOPIC_WORDS,
    check_name,
    known_name,
    optional,
    read_languages,
    read_repeat,
)
from inboxd.core.model import AgentName, TeamName, TopicName
from inboxd.core.rules import Agent, CustomerEntry, FollowUpPolicy, Rule, Rulebook, Team, Topic
from inboxd.yaml_source import Entries, Items, Node, Scalar, Source


class Book:
    """Reads all files: first every name, then everything that uses names."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.blocks: dict[str, list[tuple[Source, Node]]] = {name: [] for name in BLOCKS}
        for source in sources:
            if source.root is None or (isinstance(source.root, Scalar) and source.root.empty):
                continue
            for name, node in source.block(source.root, "this file", BLOCKS, LATER).items():
                self.blocks[name].append((source, node))
        self.agents = self._named("agents")
        self.teams = self._named("teams")
        self.topics = self._named("topics")

    def read(self) -> Rulebook:
        """Put the Rulebook together; it counts only if no source has a mistake."""
        agents = self._agents()
        customers = tuple(self._customers())
        labels = {label for entry in customers for label in entry.labels}
        count, within = self._repeat()
        return Rulebook(
            agents=agents,
            teams=self._teams(),
            lead=self._lead(),
            customers=customers,
            topics=tuple(self._topics()),
            rules=self._rules(labels),
            follow_up=self._follow_up(),
            repeat_contacts=count,
            repeat_within=within,
            senior_team=self._senior_team(),
            hash=_hash(self.sources),
        )

    def _named(self, block: str) -> dict[str, tuple[Source, Scalar, Node]]:
        """All entries of a block over all files; a name may stand only once."""
        found: dict[str, tuple[Source, Scalar, Node]] = {}
        for source, node in self.blocks[block]:
            for name, (key, value) in source.entries(node, block).items():
                if name in found:
                    first, place = found[name][0], found[name][1].place
                    source.wrong(key, f"'{name}' stands here a second time; the first is in {first.label}:{place.line}")
                else:
                    found[name] = (source, key, value)
        return found

    def _only(self, block: str) -> tuple[Source, Node] | None:
        """A block that may stand in one file only."""
        found = self.blocks[block]
        for source, node in found[1:]:
            first, place = found[0][0], found[0][1].place
            source.wrong(node, f"'{block}' may stand in one file only; it is also in {first.label}:{place.line}")
        return found[0] if found else None

    # people

    def _agents(self) -> dict[AgentName, Agent]:
        agents: dict[AgentName, Agent] = {}
        addresses: dict[str, str] = {}
        for name, (source, key, node) in self.agents.items():
            check_name(source, key)
            words = {"email": node} if isinstance(node, Scalar) else source.block(node, name, AGENT_WORDS, LATER)
            if "email" not in words:
                source.wrong(key, f"agent '{name}' has no 'email'")
                continue
            emails = []
            for email, place in source.texts(words["email"], "email"):
                if not EMAIL.fullmatch(email):
                    source.wrong(place, f"'{email}' is not an email address")
                elif email.lower() in addresses:
                    source.wrong(place, f"'{email}' is the address of agent '{addresses[email.lower()]}' already")
                else:
                    addresses[email.lower()] = name
                    emails.append(email.lower())
            full_name = optional(source, words, "name") or name.capitalize()
            signs_as = optional(source, words, "signs_as") or full_name.split()[0]
            spoken = read_languages(source, words["speaks"], "speaks") if "speaks" in words else ()
            agent = AgentName(name)
            agents[agent] = Agent(name=agent, emails=tuple(emails), full_name=full_name, signs_as=signs_as, languages=spoken)
        return agents

    def _teams(self) -> dict[TeamName, Team]:
        teams = {}
        for name, (source, key, node) in self.teams.items():
            check_name(source, key)
            if name in self.agents:
                source.wrong(key, f"'{name}' is an agent; a team needs a name of its own")
            short = not isinstance(node, Entries)
            words = {"agents": node} if short else source.block(node, name, TEAM_WORDS, LATER)
            members: list[AgentName] = []
            listed = words.get("agents")
            if listed is not None and not (isinstance(listed, Items) and not listed.items):
                for member, place in source.texts(listed, "agents"):
                    if known_name(source, place, member, "agent", self.agents):
                        members.append(AgentName(member))
            share = "fewest_open_cases"
            if "share" in words:
                share = source.word(words["share"], "share", ("fewest_open_cases", "take_turns")) or share
            prefer = "prefer" in words and source.word(words["prefer"], "prefer", ("agent_who_knows_the_customer",))
            fallback = self._name(source, words, "if_nobody_is_free", "team", self.teams)
            teams[TeamName(name)] = Team(
                name=TeamName(name),
                agents=tuple(dict.fromkeys(members)),
                share=share,
                prefer_known=bool(prefer),
                fallback=TeamName(fallback) if fallback else None,
            )
        return teams

    def _lead(self) -> str:
        found = self._only("lead")
        text = found[0].text(found[1], "lead") if found else None
        if not found or not text:
            return ""
        if not EMAIL.fullmatch(text):
            known_name(found[0], found[1], text, "agent", self.agents)
        return text

    def _senior_team(self) -> TeamName:
        found = self._only("senior_team")
        text = found[0].text(found[1], "senior_team") if found else None
        if not found or not text:
            return Rulebook().senior_team
        known_name(found[0], found[1], text, "team", self.teams)
        return TeamName(text)

    def _customers(self) -> Iterable[CustomerEntry]:
        for who, (source, key, node) in self._named("customers").items():
            if not EMAIL.fullmatch(who) and not DOMAIN.fullmatch(who.lower()):
                source.wrong(key, f"'{who}' is not an address (ana@big.example) or a domain (big.example)")
            words = source.block(node, who, CUSTOMER_WORDS, LATER)
            vip = source.yes_no(words["vip"], "vip") if "vip" in words else False
            labels = tuple(text for text, _ in source.texts(words["label"], "label")) if "label" in words else ()
            yield CustomerEntry(who=who.lower(), vip=bool(vip), labels=labels)

    def _topics(self) -> Iterable[Topic]:
        for name, (source, key, node) in self.topics.items():
            if not TEMPLATE.fullmatch(name):
                source.wrong(key, f"'{name}': a topic is written in small letters, digits and '_', such as 'bike_size'")
            words = source.block(node, name, TOPIC_WORDS, LATER)
            phrases = source.texts(words["phrases"], "phrases") if "phrases" in words else ()
            if "phrases" not in words and name not in SHIPPED_TOPICS:
                source.wrong(key, f"topic '{name}' needs 'phrases' by which it is found")
            description = optional(source, words, "description") or ""
            yield Topic(name=TopicName(name), description=description, phrases=tuple(text for text, _ in phrases))

    # times

    def _repeat(self) -> tuple[int, timedelta]:
        default = (Rulebook().repeat_contacts, Rulebook().repeat_within)
        found = self._only("repeat")
        return (read_repeat(*found, "repeat") or default) if found else default

    def _follow_up(self) -> FollowUpPolicy:
        found = self._only("follow_up")
        if not found:
            return FollowUpPolicy()
        source, node = found
        changes: dict[str, Any] = {}
        words = source.block(node, "follow_up", FOLLOW_UP_WORDS, LATER)
        for word, value in words.items():
            if word == "unhappy_goes_to":
                team = self._name(source, words, word, "team", self.teams)
                changes[word] = TeamName(team) if team else None
            elif word == "ask_when_waiting" and isinstance(value, Scalar) and value.text.lower() in ("no", "off"):
                changes[word] = None
            else:
                changes[word] = source.span(value, word) or getattr(FollowUpPolicy(), word)
        return FollowUpPolicy(**changes)

    # rules

    def _rules(self, labels: set[str]) -> tuple[Rule, ...]:
        found = self._only("rules")
        if not found:
            if not any(source.mistakes for source in self.sources):
                self.sources[0].wrong(None, "no file of this folder has 'rules:'")
            return ()
        names = Names(
            agents=self.agents,
            teams=self.teams,
            topics=(*SHIPPED_TOPICS, *self.topics),
            labels=labels,
            lead=bool(self.blocks["lead"]),
        )
        return RuleReader(names).rules(*found)

    # names

    def _name(self, source: Source, words: Mapping[str, Node], word: str, noun: str, known: Iterable[str]) -> str | None:
        text = optional(source, words, word)
        return text if text and known_name(source, words[word], text, noun, known) else None


def _hash(sources: Iterable[Source]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{Path(source.label).name}\0{chr(10).join(source.lines)}\0".encode())
    return digest.hexdigest()
