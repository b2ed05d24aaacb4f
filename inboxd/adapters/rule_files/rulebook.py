"""People, teams, customers, topics and times of all rule files, put together into one Rulebook."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from inboxd.adapters.rule_files.calendars import MOST_CALENDARS, read_agents_hours, read_calendar
from inboxd.adapters.rule_files.language import words_of
from inboxd.adapters.rule_files.routing import Names, RuleReader
from inboxd.adapters.rule_files.words import (
    DELIVER,
    DOMAIN,
    EMAIL,
    PRIORITIES,
    SHIPPED_TOPICS,
    TEMPLATE,
    check_name,
    check_one_line,
    check_span,
    known_name,
    list_of,
    optional,
    read_block,
    read_day,
    read_days,
    read_folder,
    read_labels,
    read_languages,
    read_line,
    read_repeat,
    with_low_lines,
)
from inboxd.core.lettering import why_unwritable
from inboxd.core.model import AgentName, TeamName, TopicName
from inboxd.core.opening import Calendar, Span, span_of
from inboxd.core.rulebook import (
    Agent,
    CustomerEntry,
    FollowUpPolicy,
    Identity,
    Listener,
    Moment,
    PinnedDriver,
    ReadyAnswer,
    Rule,
    Rulebook,
    Step,
    Team,
    Topic,
)
from inboxd.yaml_source import Entries, Items, Node, Scalar, Source, did_you_mean, read_contacts


class Book:
    """Reads all files: first every name, then everything that uses names."""

    def __init__(self, sources: list[Source]) -> None:
        self.sources = sources
        self.blocks: dict[str, list[tuple[Source, Node]]] = {name: [] for name in words_of("file")}
        for source in sources:
            if source.root is None or (isinstance(source.root, Scalar) and source.root.empty):
                continue
            for name, node in read_block(source, source.root, "this file", "file").items():
                self.blocks[name].append((source, node))
        self.calendars = self._named("calendars")
        self.agents = self._named("agents")
        self.teams = self._named("teams")
        self.topics = self._named("topics")

    def read(self) -> Rulebook:
        """Put the Rulebook together; it counts only if no source has a mistake."""
        calendars = self._calendars()
        agents = self._agents(calendars)
        customers = tuple(self._customers())
        labels = {label for entry in customers for label in entry.labels}
        count, within = self._repeat()
        names = self._names(labels)
        return Rulebook(
            calendars=calendars,
            agents=agents,
            teams=self._teams(),
            lead=self._lead(),
            customers=customers,
            identity=tuple(self._identity()),
            topics=tuple(self._topics()),
            drivers=tuple(self._drivers()),
            answers=tuple(self._answers(names)),
            voice=tuple(self._voice(names)),
            rules=self._rules(names, calendars),
            ladder=tuple(self._ladder(names, calendars)),
            follow_up=self._follow_up(names, calendars),
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

    # times

    def _calendars(self) -> dict[str, Calendar]:
        calendars = {}
        for number, (name, (source, key, node)) in enumerate(self.calendars.items()):
            check_name(source, key)
            if number == MOST_CALENDARS:
                source.wrong(key, f"more than {MOST_CALENDARS} calendars")
                break
            calendar = read_calendar(source, name, key, node)
            if calendar:
                calendars[name] = calendar
        return calendars

    def _repeat(self) -> tuple[int, timedelta]:
        default = (Rulebook().repeat_contacts, Rulebook().repeat_within)
        found = self._only("repeat")
        return (read_repeat(*found, "repeat") or default) if found else default

    # people

    def _agents(self, calendars: Mapping[str, Calendar]) -> dict[AgentName, Agent]:
        agents: dict[AgentName, Agent] = {}
        addresses: dict[str, str] = {}
        for name, (source, key, node) in self.agents.items():
            check_name(source, key)
            words = {"email": node} if isinstance(node, Scalar) else read_block(source, node, name, "agents")
            if "email" not in words:
                source.wrong(key, f"agent '{name}' has no 'email'; write for example 'email: maria@acme.example'")
                continue
            emails = []
            for email, place in source.texts(words["email"], "email"):
                if why := why_unwritable(email, "maria@acme.example"):
                    source.wrong(place, why)
                elif email.lower() in addresses:
                    source.wrong(place, f"'{email}' is the address of agent '{addresses[email.lower()]}' already; use another")
                else:
                    addresses[email.lower()] = name
                    emails.append(email.lower())
            full_name = read_line(source, words, "name") or name.capitalize()
            signs_as = read_line(source, words, "signs_as") or full_name.partition(" ")[0]
            spoken = read_languages(source, words["speaks"], "speaks") if "speaks" in words else ()
            agent = AgentName(name)
            agents[agent] = Agent(
                name=agent,
                emails=tuple(emails),
                full_name=full_name,
                signs_as=signs_as,
                languages=spoken,
                hours=read_agents_hours(source, name, words, calendars, self.calendars),
                away=read_days(source, words["away"], "away") if "away" in words else (),
                at_most=_cap(source, words, "at_most"),
                mentor=self._mentor(source, name, words),
            )
        self._no_ring_of_mentors(agents)
        return agents

    def _mentor(self, source: Source, name: str, words: Mapping[str, Node]) -> AgentName | None:
        mentor = self._name(source, words, "mentor", "agent", self.agents)
        if mentor == name:
            source.wrong(words["mentor"], f"'{name}' cannot be their own mentor; name somebody else, or leave it out")
            return None
        return AgentName(mentor) if mentor else None

    def _no_ring_of_mentors(self, agents: Mapping[AgentName, Agent]) -> None:
        """Somebody must be free to let words go: whoever follows the mentors upwards never comes back."""
        for name, agent in agents.items():
            seen = [name]
            while agent.mentor is not None and agent.mentor in agents and agent.mentor not in seen:
                seen.append(agent.mentor)
                agent = agents[agent.mentor]
            if agent.mentor == name:
                source, key, _ = self.agents[name]
                source.wrong(key, f"mentors in a ring: {' - '.join((*seen, name))}; leave one of them without")
                return

    def _teams(self) -> dict[TeamName, Team]:
        teams = {}
        for name, (source, key, node) in self.teams.items():
            check_name(source, key)
            if name in self.agents:
                source.wrong(key, f"'{name}' is an agent; a team needs a name of its own")
            short = not isinstance(node, Entries)
            words = {"agents": node} if short else read_block(source, node, name, "teams")
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
            if fallback == name:
                source.wrong(words["if_nobody_is_free"], f"team '{name}' cannot take over from itself; name another team, or leave it out")
            deliver = source.word(words["deliver"], "deliver", DELIVER) if "deliver" in words else None
            folder = read_folder(source, words, "folder")
            if folder and deliver != "folder":
                source.wrong(words["folder"], f"team '{name}' has a folder and gets its mail sent; add 'deliver: folder', or leave it out")
            teams[TeamName(name)] = Team(
                name=TeamName(name),
                agents=tuple(dict.fromkeys(members)),
                share=share,
                prefer_known=bool(prefer),
                at_most=_cap(source, words, "at_most"),
                at_most_upset=_cap(source, words, "at_most_upset"),
                calendar=self._name(source, words, "calendar", "calendar", self.calendars) or "",
                fallback=TeamName(fallback) if fallback else None,
                deliver=deliver or "mail",
                folder=folder or "",
                file=source.label,
                line=words.get("deliver", key).place.line,
            )
        return teams

    def _lead(self) -> str:
        found = self._only("lead")
        text = found[0].text(found[1], "lead") if found else None
        if not found or not text:
            return ""
        if EMAIL.fullmatch(text):
            if why := why_unwritable(text):
                found[0].wrong(found[1], why)
        else:
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
            words = read_block(source, node, who, "customers")
            vip = source.yes_no(words["vip"], "vip") if "vip" in words else False
            yield CustomerEntry(who=who.lower(), vip=bool(vip), labels=read_labels(source, words))

    def _topics(self) -> Iterable[Topic]:
        for name, (source, key, node) in self.topics.items():
            if not TEMPLATE.fullmatch(name):
                source.wrong(
                    key, f"'{name}': a topic is written in small letters, digits and '_'" + with_low_lines(name, ", such as 'bike_size'")
                )
            words = read_block(source, node, name, "topics")
            phrases = source.texts(words["phrases"], "phrases") if "phrases" in words else ()
            if "phrases" not in words and name not in SHIPPED_TOPICS:
                source.wrong(key, f"topic '{name}' needs 'phrases' by which it is found; for example 'phrases: [which size, frame size]'")
            description = optional(source, words, "description") or ""
            yield Topic(name=TopicName(name), description=description, phrases=tuple(text for text, _ in phrases))

    def _drivers(self) -> Iterable[PinnedDriver]:
        found = self._only("drivers")
        for node in list_of(*found, "drivers") if found else ():
            source = found[0] if found else self.sources[0]
            words = read_block(source, node, "an entry of 'drivers'", "drivers")
            if "phrases" not in words:
                source.wrong(node, "an entry of 'drivers' needs 'phrases' by which it is found; for example 'phrases: [missing part]'")
                continue
            phrases = tuple(
                text for text, place in source.texts(words["phrases"], "phrases") if check_one_line(source, place, "phrases", text)
            )
            owner = optional(source, words, "owner") or ""
            if owner and not EMAIL.fullmatch(owner):
                known_name(source, words["owner"], owner, "agent", self.agents)
            mended_on = read_day(source, words["mended_on"], "mended_on") if "mended_on" in words else None
            if "mended_with" in words and "mended_on" not in words:
                source.wrong(words["mended_with"], "'mended_with' needs the day beside it; for example 'mended_on: 2026-11-09'")
            if phrases:
                name, mended_with = (read_line(source, words, word) or "" for word in ("name", "mended_with"))
                yield PinnedDriver(phrases=phrases, name=name, owner=owner, mended_on=mended_on, mended_with=mended_with)

    def _answers(self, names: Names) -> Iterable[ReadyAnswer]:
        found, seen = self._only("answers"), set[str]()
        for node in list_of(*found, "answers") if found else ():
            source = found[0] if found else self.sources[0]
            words = read_block(source, node, "an entry of 'answers'", "answers")
            missing = [word for word in words_of("answers") if word not in words]
            if missing:
                examples = {"name": "name: Company invoices", "about": "about: [company invoice]", "text": 'text: {en: "Open Account."}'}
                source.wrong(node, f"an entry of 'answers' without '{missing[0]}'; write for example '{examples[missing[0]]}'")
                continue
            name = read_line(source, words, "name") or ""
            if name in seen:
                source.wrong(words["name"], f"a second answer '{name}'; give it another name")
            seen.add(name)
            about = [text for text, place in source.texts(words["about"], "about") if check_one_line(source, place, "about", text)]
            phrases = tuple(text for text in about if text not in names.topics)
            if not phrases:
                told = "'about' needs words by which a mail is known, beside topics; for example 'about: [company invoice, billing]'"
                source.wrong(words["about"], told)
            yield ReadyAnswer(
                name=name,
                phrases=phrases,
                topics=tuple(TopicName(text) for text in about if text in names.topics),
                text=self._texts_by_language(source, words["text"]),
                file=source.label,
                line=node.place.line,
            )

    def _voice(self, names: Names) -> Iterable[Listener]:
        found = self._only("voice")
        leads = {node.text.strip() for _, node in self.blocks["lead"] if isinstance(node, Scalar)}
        if found and not leads & self.agents.keys():
            told = "'voice' needs a 'lead' who is an agent: nothing leaves before they let it go; write for example 'lead: petra'"
            found[0].wrong(found[1], told)
        for node in list_of(*found, "voice") if found else ():
            source = found[0] if found else self.sources[0]
            words = read_block(source, node, "an entry of 'voice'", "voice")
            if not {"to", "name"} <= words.keys() or not {"topics", "drivers"} & words.keys():
                told = "write for example 'to: product@acme.example', 'name: Product' and 'topics: [bug]'"
                source.wrong(node, f"an entry of 'voice' needs 'to', 'name', and 'topics' or 'drivers'; {told}")
                continue
            to = optional(source, words, "to") or ""
            if to and (why := why_unwritable(to, "product@acme.example")):
                source.wrong(words["to"], why)
            topics = source.texts(words["topics"], "topics") if "topics" in words else ()
            yield Listener(
                to=to.lower(),
                name=read_line(source, words, "name") or "",
                topics=tuple(TopicName(text) for text, place in topics if known_name(source, place, text, "topic", names.topics)),
                drivers=tuple(text for text, _ in source.texts(words["drivers"], "drivers")) if "drivers" in words else (),
            )

    def _texts_by_language(self, source: Source, node: Node) -> dict[str, str]:
        """The words in each language; a text may have many lines."""
        found: dict[str, str] = {}
        for language, (key, value) in source.entries(node, "text").items():
            if not re.fullmatch("[a-z]{2}", language):
                source.wrong(key, f"'{language}' is not a language; write two letters, such as 'en' or 'de'")
            text = source.text(value, language)
            if text and text.strip():
                found[language] = text.strip()
        return found

    def _identity(self) -> Iterable[Identity]:
        found = self._only("identity")
        for node in list_of(*found, "identity") if found else ():
            source = found[0] if found else self.sources[0]
            words = read_block(source, node, "an entry of 'identity'", "identity")
            missing = [word for word in words_of("identity") if word not in words]
            if missing:
                example = "sender: forms@acme.example" if missing[0] == "sender" else "customer_is: reply_to"
                source.wrong(node, f"an entry of 'identity' without '{missing[0]}'; write for example '{example}'")
                continue
            senders = []
            for text, place in source.texts(words["sender"], "sender"):
                if not EMAIL.fullmatch(text) and not DOMAIN.fullmatch(text.lower()):
                    source.wrong(place, f"'{text}' is not an address (forms@acme.example) or a domain (acme.example)")
                senders.append(text.lower())
            text = optional(source, words, "customer_is") or ""
            sort, _, name = text.partition(" ")
            if text in ("reply_to", "original_sender"):
                yield Identity(senders=tuple(senders), customer_is=text)
            elif sort == "field" and name.strip():
                yield Identity(senders=tuple(senders), customer_is="field", form_field=name.strip().rstrip(":"))
            elif text:
                source.wrong(
                    words["customer_is"], f"'{text}': write 'reply_to', 'original_sender', or 'field' and its name: 'field E-Mail'"
                )

    # what happens when

    def _ladder(self, names: Names, calendars: Mapping[str, Calendar]) -> Iterable[Step]:
        found = self._only("if_nobody_answers")
        if not found:
            return
        source, reader = found[0], RuleReader(names, calendars)
        for node in list_of(source, found[1], "if_nobody_answers"):
            words = read_block(source, node, "a step", "if_nobody_answers")
            if "after" not in words:
                source.wrong(node, "a step without 'after'; write for example 'after: half of answer_within'")
                continue
            if len(words) == 1 and isinstance(node, Entries) and len(node.pairs) == 1:
                source.wrong(node, "a step that does nothing; write 'remind: assigned_agent', 'assign: seniors' or 'tell: lead'")
            remind = "remind" in words and source.word(words["remind"], "remind", ("assigned_agent",))
            yield Step(
                after=self._moment(source, words["after"]),
                remind=bool(remind),
                assign=reader.target(source, words, step=True),
                tell=reader.told(source, words),
                priority=source.word(words["priority"], "priority", PRIORITIES) if "priority" in words else None,
                line=node.place.line,
            )

    def _moment(self, source: Source, node: Node) -> Moment:
        text = source.text(node, "after") or ""
        plain = " ".join(text.split())
        for base, part in (("half of answer_within", 0.5), ("answer_within", 1.0)):
            if plain == base:
                return Moment(part=part)
            if plain.endswith(f" after {base}"):
                span = check_span(source, node, "after", plain.removesuffix(f" after {base}"), calendars=bool(self.calendars))
                return Moment(part=part, plus=span)
        if text and span_of(text) is None and not re.search(r"\d", text):
            source.wrong(node, f"'{text}' does not say when; {MOMENT_EXAMPLES}")
            return Moment()
        span = check_span(source, node, "after", text, calendars=bool(self.calendars)) if text else None
        return Moment(plus=span)

    def _follow_up(self, names: Names, calendars: Mapping[str, Calendar]) -> FollowUpPolicy:
        found = self._only("follow_up")
        if not found:
            return FollowUpPolicy()
        source, node = found
        changes: dict[str, Any] = {}
        words = read_block(source, node, "follow_up", "follow_up")
        for word, value in words.items():
            match word:
                case "reply_with":
                    changes["template"] = optional(source, words, word) or FollowUpPolicy().template
                case "if_unhappy":
                    changes |= self._if_unhappy(source, value, RuleReader(names, calendars))
                case "if_no_reply":
                    source.word(value, word, ("close_quietly",))
                case "ask_when_waiting" if isinstance(value, Scalar) and value.text.lower() in ("no", "off", "false"):
                    changes[word] = None
                case "send":
                    changes["ask_after"] = self._send(source, value, calendars) or FollowUpPolicy().ask_after
                case "send_by_topic":
                    changes["ask_after_by_topic"] = self._send_by_topic(source, value, names, calendars)
                case "at_most":
                    changes["at_most_every"] = self._asked_at_most(source, value) or FollowUpPolicy().at_most_every
                case _:
                    changes[word] = source.span(value, word) or getattr(FollowUpPolicy(), word)
        return FollowUpPolicy(**changes)

    def _send(self, source: Source, node: Node, calendars: Mapping[str, Calendar]) -> Span | None:
        text = source.text(node, "send")
        plain = text.removesuffix(" after resolved") if text else ""
        span = span_of(plain)
        if text and (span is None or not (span.length or span.days)):
            source.wrong(node, f"'{text}' does not say when to ask; write for example '2 days after resolved'")
            return None
        return check_span(source, node, "send", plain, calendars=bool(calendars)) if text else None

    def _send_by_topic(self, source: Source, node: Node, names: Names, calendars: Mapping[str, Calendar]) -> dict[TopicName, Span]:
        found: dict[TopicName, Span] = {}
        for topic, (key, value) in source.entries(node, "send_by_topic").items():
            if topic not in names.topics:
                source.wrong(key, f"no topic called '{topic}'{did_you_mean(topic, names.topics)}")
            elif (span := self._send(source, value, calendars)) is not None:
                found[TopicName(topic)] = span
        return found

    def _asked_at_most(self, source: Source, node: Node) -> timedelta | None:
        text = source.text(node, "at_most")
        found = read_contacts(f"at least {text.removesuffix(' per customer')}") if text else None
        if text and (found is None or found[0] != 1):
            source.wrong(node, f"'{text}' does not say how often to ask; write for example '1 in 14 days per customer'")
            return None
        return found[1] if found else None

    def _if_unhappy(self, source: Source, node: Node, reader: RuleReader) -> dict[str, Any]:
        words = read_block(source, node, "if_unhappy", "if_unhappy")
        if "reopen" in words and source.yes_no(words["reopen"], "reopen") is False:
            source.wrong(words["reopen"], "'reopen: no' is not possible: who says that it is not solved is believed; leave it out")
        team = self._name(source, words, "assign", "team", self.teams)
        return {"unhappy_goes_to": TeamName(team) if team else None, "unhappy_told": reader.told(source, words)}

    # rules

    def _names(self, labels: set[str]) -> Names:
        return Names(
            agents=self.agents,
            teams=self.teams,
            calendars=self.calendars,
            topics=dict.fromkeys((*SHIPPED_TOPICS, *self.topics)),
            customers=dict.fromkeys(("vip", "new", "known", *sorted(labels))),
            lead=bool(self.blocks["lead"]),
        )

    def _rules(self, names: Names, calendars: Mapping[str, Calendar]) -> tuple[Rule, ...]:
        found = self._only("rules")
        if not found:
            if not any(source.mistakes for source in self.sources):
                self.sources[0].wrong(None, "no file of this folder has 'rules:'")
            return ()
        return RuleReader(names, calendars).rules(*found)

    # names

    def _name(self, source: Source, words: Mapping[str, Node], word: str, noun: str, known: Collection[str]) -> str | None:
        text = optional(source, words, word)
        return text if text and known_name(source, words[word], text, noun, known) else None


MOMENT_EXAMPLES = "write for example 'half of answer_within', 'answer_within', '1 hour after answer_within' or '4 hours'"
_CAP = re.compile(r"(\d{1,6})(?: open cases?)?(?: a day)?(?: each)?")


def _cap(source: Source, words: Mapping[str, Node], word: str) -> int | None:
    """Read "12", "12 open cases", "12 open cases each" or "4 a day each"."""
    text = optional(source, words, word)
    match = _CAP.fullmatch(" ".join(text.split())) if text else None
    if text and (match is None or not int(match[1])):
        example = "4 a day each" if word == "at_most_upset" else "12 open cases each"
        source.wrong(words[word], f"'{text}' is not a limit; write for example '{example}'")
        return None
    return int(match[1]) if match else None


def _hash(sources: Iterable[Source]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(f"{Path(source.label).name}\0{chr(10).join(source.lines)}\0".encode())
    return digest.hexdigest()
