"""A rule, and the first match: the first rule that answers a question decides it; labels and "tell" add up."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import re2

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


SENIORS = TeamName("seniors")


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
    senior_team: TeamName = SENIORS
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """A mail, what is known of it, and what the rules must answer. `expect` holds only the questions asked."""

    name: str
    facts: Facts
    customer_given: bool = False  # else vip and labels come from the rulebook's customers
    expect: Mapping[str, object] = field(default_factory=dict)  # question -> the answer wanted; None: no answer
    file: str = ""
    line: int = 0


QUESTIONS = ("ignore", "assign", "answer_within", "reply_with", "priority", "brief", "follow_up")


def judge(rules: Sequence[Rule], facts: Facts) -> Ruling:
    """Ask each rule from the top; the first that answers a question decides it, labels and tell add up."""
    then = Then()
    by: dict[str, str] = {}
    why, unconditional = "", False
    trace = []
    for rule in rules:
        holds, reason = _all_hold(rule.when, facts)
        decided: tuple[str, ...] = ()
        if holds:
            then, decided = _take(then, rule.then, by)
            by.update({question: rule.name for question in decided if question in QUESTIONS})
            if "assign" in decided:
                why, unconditional = rule.why or reason, not rule.when
            if not decided:
                reason = f"{reason}; already decided above"
        trace.append(RuleTrace(rule=rule.name, matched=holds, decided=decided, reason=reason))
    return Ruling(then=then, by=by, why=why, unconditional=unconditional, trace=tuple(trace))


def _take(then: Then, offered: Then, decided_by: Mapping[str, str]) -> tuple[Then, tuple[str, ...]]:
    """Take from a matching rule the answers that are still open, and say which."""
    if then.ignore:
        return then, ()  # nobody gets this mail: there is nothing left to ask
    taken = []
    for question in QUESTIONS:
        answer = getattr(offered, question)
        if answer is None or question in decided_by:
            continue
        if question == "ignore" and answer and "assign" in decided_by:
            continue  # somebody has it already: the question "who?" is answered
        then = replace(then, **{question: answer})
        taken.append(question)
    for name, word in (("labels", "label"), ("tell", "tell")):
        new = tuple(item for item in getattr(offered, name) if item not in getattr(then, name))
        if new:
            then = replace(then, **{name: getattr(then, name) + new})
            taken.append(word)
    return then, tuple(taken)


# --- conditions ------------------------------------------------------------------------------------------------------

Found = tuple[bool, str]  # whether it holds, and the value that decided, in words


def _all_hold(when: Sequence[Condition], facts: Facts) -> Found:
    """All conditions must hold; the reason is the first that does not, else all of them."""
    reasons = []
    for condition in when:
        holds, reason = _CHECKS[condition.word](condition, facts)
        if not holds:
            return False, reason
        reasons.append(reason)
    return True, ", ".join(reasons) or "no conditions"


def _not(condition: Condition, facts: Facts) -> Found:
    holds, reason = _all_hold(condition.inner[0], facts)
    return not holds, f"not wanted: {reason}" if holds else reason


def _any(condition: Condition, facts: Facts) -> Found:
    reasons = []
    for group in condition.inner:
        holds, reason = _all_hold(group, facts)
        if holds:
            return True, reason
        reasons.append(reason)
    return False, "none of: " + "; ".join(reasons)


def _one_of(name: str, value: str, condition: Condition, said: str = "") -> Found:
    said = said or value or "unknown"
    if value in condition.wanted:
        return True, f"{name} is {said}"
    return False, f"{name} is {said}, {_or(condition.wanted)} wanted"


def _kind(condition: Condition, facts: Facts) -> Found:
    if "automatic" in condition.wanted and facts.kind is not Kind.PERSON:
        return True, f"kind is {facts.kind}"
    return _one_of("kind", facts.kind, condition)


def _topic(condition: Condition, facts: Facts) -> Found:
    return _one_of("topic", facts.topic, condition, f"{facts.topic} ({facts.topic_sure:.2f} sure)")


def _yes_no(name: str, value: bool, condition: Condition) -> Found:
    wanted = condition.wanted[0]
    said = f"{name} is {'yes' if value else 'no'}"
    return value == wanted, said if value == wanted else f"{said}, {'yes' if wanted else 'no'} wanted"


def _contacts(condition: Condition, facts: Facts) -> Found:
    wanted, within = condition.wanted
    count = sum(1 for at in facts.contacts if facts.now - within < at <= facts.now)
    said = f"contacts is {count} in {span_words(within)}"
    return count >= wanted, said if count >= wanted else f"{said}, at least {wanted} wanted"


def _customer(condition: Condition, facts: Facts) -> Found:
    held = sorted(facts.customer.intersection(condition.wanted))
    if held:
        return True, f"customer is {_and(held)}"
    return False, f"customer is {_and(sorted(facts.customer)) or 'unknown'}, {_or(condition.wanted)} wanted"


def _sure(condition: Condition, facts: Facts) -> Found:
    wanted = condition.wanted[0]
    said = f"topic is {facts.topic_sure:.2f} sure"
    return facts.topic_sure >= wanted, said if facts.topic_sure >= wanted else f"{said}, at least {wanted:g} wanted"


def _addresses(name: str, values: Sequence[str], condition: Condition) -> Found:
    for value in values:
        if any(address_matches(value, pattern) for pattern in condition.wanted):
            return True, f"{name} is {value}"
    return False, f"{name} is {_and(values) or 'unknown'}, {_or(condition.wanted)} wanted"


def _contains(name: str, text: str, condition: Condition) -> Found:
    folded = _folded(text)
    for phrase in condition.wanted:
        if _occurs(phrase, folded):
            return True, f"{name} contains '{phrase}'"
    quoted = [f"'{phrase}'" for phrase in condition.wanted]
    return False, f"{name} does not contain {_or(quoted)}"


def _matches(name: str, text: str, condition: Condition) -> Found:
    plain = _plain(text)
    for pattern in condition.wanted:
        if _compiled(pattern).search(plain):
            return True, f"{name} matches {pattern}"
    return False, f"{name} does not match {_or(condition.wanted)}"


_CHECKS: dict[str, Callable[[Condition, Facts], Found]] = {
    "kind": _kind,
    "topic": _topic,
    "sentiment": lambda condition, facts: _one_of("sentiment", facts.sentiment, condition),
    "urgent": lambda condition, facts: _yes_no("urgent", facts.urgent, condition),
    "sensitive": lambda condition, facts: _yes_no("sensitive", facts.sensitive, condition),
    "contacts": _contacts,
    "reopened": lambda condition, facts: _yes_no("reopened", facts.reopened, condition),
    "customer": _customer,
    "language": lambda condition, facts: _one_of("language", facts.language or "unknown", condition),
    "sender": lambda condition, facts: _addresses("sender", (facts.sender,), condition),
    "to": lambda condition, facts: _addresses("to", facts.to, condition),
    "subject_contains": lambda condition, facts: _contains("subject", facts.subject, condition),
    "text_contains": lambda condition, facts: _contains("text", facts.text, condition),
    "subject_matches": lambda condition, facts: _matches("subject", facts.subject, condition),
    "text_matches": lambda condition, facts: _matches("text", facts.text, condition),
    "sure": _sure,
    "not": _not,
    "any": _any,
}
CONDITIONS = tuple(_CHECKS)  # the words of `when`


# --- texts and addresses ---------------------------------------------------------------------------------------------


def pattern_problem(pattern: str) -> str:
    """Say what RE2 does not take in this pattern, "" if it works."""
    try:
        _compiled(pattern)
    except re2.error as error:
        detail = error.args[0] if error.args else error
        return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    return ""


@functools.lru_cache(maxsize=8192)
def _compiled(pattern: str) -> Any:
    """Compile a pattern with RE2, whose time is linear in the text: no admin's pattern can stop the daemon."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 * 1024 * 1024
    return re2.compile(_plain(pattern), options)


def _folded(text: str) -> str:
    """Text for finding words: no capitals, composed letters, one space where any white space was."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


def _occurs(phrase: str, folded: str) -> bool:
    """Find a phrase as whole words ("pass" is not in "compass"); a star at its end means any ending of the word."""
    open_end = len(phrase) > 1 and phrase.endswith("*")
    wanted = _folded(phrase.removesuffix("*") if open_end else phrase)
    start = folded.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        inside = _word_sign(folded[start - 1 : start]) and _word_sign(wanted[0])
        goes_on = not open_end and _word_sign(wanted[-1]) and _word_sign(folded[end : end + 1])
        if not inside and not goes_on:
            return True
        start = folded.find(wanted, start + 1)
    return False


def _word_sign(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


def _plain(text: str) -> str:
    """Text as RE2 can take it: composed letters, no lone surrogates."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))


def address_matches(email: str, pattern: str) -> bool:
    """Whether an address fits "ana@x.example", or the domain "@x.example", "*@x.example" or "x.example"."""
    email, pattern = email.lower(), pattern.lower().removeprefix("*")
    if "@" in pattern and not pattern.startswith("@"):
        return email == pattern
    return "@" in email and email.rpartition("@")[2] == pattern.removeprefix("@")


def span_words(span: timedelta) -> str:
    """Say a length of time: "14 days", "2 hours", "90 seconds"; in the largest unit that leaves nothing over."""
    seconds = int(span.total_seconds())
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds and seconds % length == 0:
            count = seconds // length
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "no time"


def _or(words: Iterable[object]) -> str:
    return " or ".join(str(word) for word in words)


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)


# --- who is who ------------------------------------------------------------------------------------------------------


def senders_agent(rulebook: Rulebook, email: str) -> AgentName | None:
    """Find the agent whose address this is."""
    wanted = email.lower()
    return next((agent.name for agent in rulebook.agents.values() if wanted in agent.emails), None)


def customer_words(rulebook: Rulebook, email: str) -> tuple[bool, tuple[str, ...]]:
    """Say what the admin's files say of this customer: whether vip, and the labels."""
    entries = [entry for entry in rulebook.customers if address_matches(email, entry.who)]
    labels = dict.fromkeys(label for entry in entries for label in entry.labels)
    return any(entry.vip for entry in entries), tuple(labels)


def is_repeat(rulebook: Rulebook, contacts: Sequence[datetime], now: datetime) -> bool:
    """Whether these contacts (the present one among them) are a repeat contact."""
    recent = sum(1 for at in contacts if now - rulebook.repeat_within < at <= now)
    return recent >= rulebook.repeat_contacts
