"""A rule, and the first match: the first rule that answers a question decides it; labels and "tell" add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from inboxd.core.model import AgentName, Kind, Sentiment, TeamName, TopicName

# --- what an admin writes --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A person of the support team. `emails[0]` is where mail goes; the others are theirs too."""

    name: AgentName
    emails: tuple[str, ...]  # lower case
    full_name: str  # "Maria Lindt"; default: the name with a capital
    signs_as: str  # what customers read: "Maria"
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A named group of agents; `fallback` takes over when nobody of it can."""

    name: TeamName
    agents: tuple[AgentName, ...]
    share: str = "fewest_open_cases"  # or "take_turns"
    prefer_known: bool = False  # prefer: agent_who_knows_the_customer
    fallback: TeamName | None = None  # if_nobody_is_free


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEntry:
    """What the admin says of a customer, by address or by domain ("@big.example")."""

    who: str
    vip: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic: its phrases find it; shipped topics have phrases of their own in the model."""

    name: TopicName
    description: str = ""
    phrases: tuple[str, ...] = ()


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
    answer_within: timedelta | None = None
    reply_with: str | None = None
    priority: str | None = None  # "high" | "normal" | "low"
    brief: str | None = None  # told to the agent, word for word
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
class FollowUpPolicy:
    """When to ask whether it is solved, and when to stop."""

    ask_after: timedelta = timedelta(days=2)  # after resolved
    remind_after: timedelta = timedelta(days=4)
    close_after: timedelta = timedelta(days=7)  # after the question, or the reminder, went unanswered
    ask_when_waiting: timedelta | None = timedelta(days=5)  # None: off
    at_most_every: timedelta = timedelta(days=14)  # per person, except after a repaired bad experience
    grace: timedelta = timedelta(days=14)  # a closed case reopens within
    unhappy_goes_to: TeamName | None = None  # default: the team "seniors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All that the admin's files say, checked. `hash` names this version in every stored decision."""

    agents: Mapping[AgentName, Agent] = field(default_factory=dict)
    teams: Mapping[TeamName, Team] = field(default_factory=dict)
    lead: str = ""  # an agent's name, or an address
    customers: tuple[CustomerEntry, ...] = ()
    topics: tuple[Topic, ...] = ()
    rules: tuple[Rule, ...] = ()
    follow_up: FollowUpPolicy = FollowUpPolicy()
    repeat_contacts: int = 3  # this many contacts ...
    repeat_within: timedelta = timedelta(days=14)  # ... in this time are a repeat contact
    senior_team: TeamName = TeamName("seniors")
    hash: str = ""


# --- what a rule sees ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the words of `when` look at."""

    now: datetime
    kind: Kind = Kind.PERSON
    topic: str = "unsure"
    topic_sure: float = 0.0
    sentiment: Sentiment = Sentiment.NEUTRAL
    urgent: bool = False
    sensitive: bool = False
    language: str = ""
    customer: frozenset[str] = frozenset()  # "vip", "new" or "known", and labels
    contacts: tuple[datetime, ...] = ()  # with the present one, oldest first
    reopened: bool = False
    sender: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""  # the new text


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrace:
    """Why one rule did or did not decide something."""

    rule: str
    matched: bool
    decided: tuple[str, ...] = ()  # the questions it answered
    reason: str = ""  # the value that decided: "contacts is 2 in 14 days, at least 3 wanted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer to each question, and which rule gave it (`by`: question -> rule name)."""

    then: Then
    by: Mapping[str, str] = field(default_factory=dict)
    why: str = ""  # of the rule that assigned, in words for the brief
    unconditional: bool = False  # the rule that assigned has no conditions
    trace: tuple[RuleTrace, ...] = ()


def judge(rules: Sequence[Rule], facts: Facts) -> Ruling:
    """Ask each rule from the top; the first that answers a question decides it, labels and tell add up."""
    raise NotImplementedError
