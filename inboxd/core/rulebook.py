"""What an admin writes in rules/*.yaml, checked: people, teams, calendars, customers, topics, rules, and when to ask. Plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from inboxd.core.model import AgentName, TeamName, TopicName
from inboxd.core.opening import Calendar, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """Days on which an agent is away, both included; the agent's own days."""

    first: date
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person of the support team. `emails[0]` is where mail goes; the others are theirs too."""

    name: AgentName
    emails: tuple[str, ...]  # lower case
    full_name: str  # "Maria Lindt"; default: the name with a capital
    signs_as: str  # what customers read: "Maria"
    languages: tuple[str, ...] = ()  # none: any
    hours: Calendar | None = None  # None: those of the team
    away: tuple[Absence, ...] = ()
    at_most: int | None = None  # open cases
    mentor: AgentName | None = None  # reads what this agent writes to customers before it leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A named group of agents; `fallback` takes over when nobody of it can."""

    name: TeamName
    agents: tuple[AgentName, ...]
    share: str = "fewest_open_cases"  # or "take_turns"
    prefer_known: bool = False  # prefer: agent_who_knows_the_customer
    at_most: int | None = None  # open cases each
    at_most_upset: int | None = None  # cases of upset people, each, a day
    calendar: str = ""  # "": the first calendar of the files
    fallback: TeamName | None = None  # if_nobody_is_free
    deliver: str = "mail"  # or "folder": its agents work in the support mailbox, in a folder of theirs
    folder: str = ""  # "": called as the team
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEntry:
    """What the admin says of a customer, by address or by domain ("@big.example")."""

    who: str
    vip: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Mail of this sender speaks for somebody else: a form, a shop, a mailing list. Where to read whose words they are."""

    senders: tuple[str, ...]  # addresses or domains
    customer_is: str  # "reply_to", "original_sender" or "field"
    form_field: str = ""  # the line of the text that names the customer's address: "E-Mail"


TOPICS = (  # those that the shipped model knows
    "billing", "refund", "order_and_delivery", "return", "account_access", "cancellation", "bug", "how_to", "feature_request",
    "complaint", "praise", "sales", "privacy_and_security", "other",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic: its phrases find it; shipped topics have phrases of their own in the model."""

    name: TopicName
    description: str = ""
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedDriver:
    """What makes people write, named by the lead: found by its phrases; who mends it, and since when it is mended."""

    phrases: tuple[str, ...]
    name: str = ""
    owner: str = ""  # an agent's name or an address
    mended_on: date | None = None
    mended_with: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyAnswer:
    """What fits what many people ask: offered in an acknowledgement where that is certain, never instead of a person."""

    name: str
    phrases: tuple[str, ...]  # as customers write them: one of them must stand in the mail
    text: Mapping[str, str]  # language -> the words
    topics: tuple[TopicName, ...] = ()  # none: any
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody outside support who hears each week what customers wrote about some things, once the lead lets it go."""

    to: str  # an address, lower case
    name: str
    topics: tuple[TopicName, ...] = ()
    drivers: tuple[str, ...] = ()  # names of drivers, or words as customers write them


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One line of `when`: a word and what it wants. `word` "not" and "any" hold further conditions."""

    word: str
    wanted: tuple[Any, ...] = ()  # words of a list: any of
    inner: tuple[tuple[Condition, ...], ...] = ()  # not: one group that must not hold; any: one of the groups
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """What a rule decides; None and () leave the question to later rules."""

    assign: str | None = None  # team or agent, or "same_agent_as_before"
    answer_within: Span | None = None
    reply_with: str | None = None
    priority: str | None = None  # "high" | "normal" | "low"
    brief: str | None = None  # told to the agent, word for word
    file_in: str | None = None  # the folder of the mailbox into which the mail is moved
    ignore: bool | None = None
    follow_up: bool | None = None
    labels: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()  # addresses, agent names or "lead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule matches when all its conditions hold."""

    name: str
    when: tuple[Condition, ...]
    then: Then
    why: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When a step of the ladder comes: a part of the time to answer, and a length of time after that."""

    part: float = 0.0  # of answer_within: 0 is the mail itself, 1 the hour to answer
    plus: Span | None = None

    @property
    def words(self) -> str:
        """As it is written in a rule file."""
        base = {0.0: "", 0.5: "half of answer_within", 1.0: "answer_within"}[self.part]
        return " after ".join(part for part in (self.plus.words if self.plus else "", base) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of `if_nobody_answers`."""

    after: Moment
    remind: bool = False  # the agent who holds the case
    assign: str | None = None  # team or agent
    tell: tuple[str, ...] = ()
    priority: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpPolicy:
    """When to ask whether it is solved, and when to stop."""

    ask_after: Span = field(default_factory=lambda: Span(length=timedelta(days=2)))  # after resolved
    ask_after_by_topic: Mapping[TopicName, Span] = field(default_factory=dict)
    remind_after: timedelta = timedelta(days=4)
    close_after: timedelta = timedelta(days=7)  # after the question, or the reminder, went unanswered
    ask_when_waiting: timedelta | None = timedelta(days=5)  # None: off
    at_most_every: timedelta = timedelta(days=14)  # per person, except after a repaired bad experience
    grace: timedelta = timedelta(days=14)  # a closed case reopens within
    template: str = "are_you_happy"
    unhappy_goes_to: TeamName | None = None  # default: the senior team
    unhappy_told: tuple[str, ...] = ()


SENIORS = TeamName("seniors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All that the admin's files say, checked. `hash` names this version in every stored decision."""

    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # the first is taken where none is named
    agents: Mapping[AgentName, Agent] = field(default_factory=dict)
    teams: Mapping[TeamName, Team] = field(default_factory=dict)
    lead: str = ""  # an agent's name, or an address
    customers: tuple[CustomerEntry, ...] = ()
    identity: tuple[Identity, ...] = ()
    topics: tuple[Topic, ...] = ()
    drivers: tuple[PinnedDriver, ...] = ()
    answers: tuple[ReadyAnswer, ...] = ()
    voice: tuple[Listener, ...] = ()
    rules: tuple[Rule, ...] = ()
    ladder: tuple[Step, ...] = ()  # if_nobody_answers; (): a nudge half-way, then at the hour and daily, with the lead from the next day on
    follow_up: FollowUpPolicy = FollowUpPolicy()
    repeat_contacts: int = 3  # this many contacts ...
    repeat_within: timedelta = timedelta(days=14)  # ... in this time are a repeat contact
    senior_team: TeamName = SENIORS
    hash: str = ""


# --- who is who, and who is there ----------------------------------------------------------------------------------------


def address_matches(email: str, pattern: str) -> bool:
    """Whether an address fits "ana@x.example", or the domain "@x.example", "*@x.example" or "x.example"."""
    email, pattern = email.lower(), pattern.lower().removeprefix("*")
    if "@" in pattern and not pattern.startswith("@"):
        return email == pattern
    return "@" in email and email.rpartition("@")[2] == pattern.removeprefix("@")


def senders_agent(rulebook: Rulebook, email: str) -> AgentName | None:
    """Find the agent whose address this is."""
    wanted = email.lower()
    return next((agent.name for agent in rulebook.agents.values() if wanted in agent.emails), None)


def agent_named(rulebook: Rulebook, name: str, brand: str) -> AgentName | None:
    """Find the one agent whom a display name means: "Maria Lindt (Acme)", "Maria", "Maria at Acme Support"."""
    said = " ".join(name.casefold().split())
    found = [
        agent.name
        for agent in rulebook.agents.values()
        if said in (agent.signs_as.casefold(), f"{agent.signs_as} at {brand}".casefold())
        or re.search(rf"(?<!\w){re.escape(agent.full_name.casefold())}(?!\w)", said)
    ]
    return found[0] if len(found) == 1 else None


def customer_words(rulebook: Rulebook, email: str) -> tuple[bool, tuple[str, ...]]:
    """Say what the admin's files say of this customer: whether vip, and the labels."""
    entries = [entry for entry in rulebook.customers if address_matches(email, entry.who)]
    labels = dict.fromkeys(label for entry in entries for label in entry.labels)
    return any(entry.vip for entry in entries), tuple(labels)


def is_repeat(rulebook: Rulebook, contacts: Sequence[datetime], now: datetime) -> bool:
    """Whether these contacts (the present one among them) are a repeat contact."""
    recent = sum(1 for at in contacts if now - rulebook.repeat_within < at <= now)
    return recent >= rulebook.repeat_contacts


def main_calendar(rulebook: Rulebook) -> Calendar | None:
    """The calendar that counts where none is named: the first one."""
    return next(iter(rulebook.calendars.values()), None)


def calendar_of(rulebook: Rulebook, target: str | None) -> Calendar | None:
    """The calendar by which a team's or agent's opening hours count."""
    team = rulebook.teams.get(TeamName(target or "")) or next(
        (team for team in rulebook.teams.values() if target and target in team.agents), None
    )
    return rulebook.calendars.get(team.calendar) if team and team.calendar else main_calendar(rulebook)


def folder_of(rulebook: Rulebook, team: TeamName) -> str:
    """The folder in which a team gets its mail, "" for one whose agents get it sent."""
    known = rulebook.teams.get(team)
    return (known.folder or known.name) if known and known.deliver == "folder" else ""


def hours_of(rulebook: Rulebook, agent: AgentName, team: Team | None = None) -> Calendar | None:
    """When this agent is at work: their own hours, else those of the team."""
    known = rulebook.agents.get(agent)
    if known is not None and known.hours is not None:
        return known.hours
    return calendar_of(rulebook, team.name if team and team.name else agent)


def today_of(rulebook: Rulebook, agent: AgentName, now: datetime) -> date:
    """The day that this agent's own clock shows."""
    hours = hours_of(rulebook, agent)
    zone: tzinfo = hours.zone if hours else UTC
    return now.astimezone(zone).date()


def is_away(rulebook: Rulebook, agent: AgentName, now: datetime) -> bool:
    """Whether the files say that this agent is away today: the day in the agent's own time zone."""
    known = rulebook.agents.get(agent)
    if known is None or not known.away:
        return False
    today = today_of(rulebook, agent, now)
    return any(absence.first <= today <= absence.last for absence in known.away)


def senior_agents(rulebook: Rulebook) -> tuple[AgentName, ...]:
    """Those who may decide on the spot."""
    team = rulebook.teams.get(rulebook.senior_team)
    return team.agents if team else ()
