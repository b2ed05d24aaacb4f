"""A rule, and the first match: the first rule that answers a question decides it; labels and "tell" add up."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import re2

from inboxd.core.model import Kind, Sentiment
from inboxd.core.opening import Calendar, due, is_open, span_words
from inboxd.core.rulebook import Condition, Rule, Then, address_matches

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
    received_at: datetime | None = None  # None: now
    waiting_since: datetime | None = None  # the customer's first word that nobody has answered
    feeling_before: Sentiment | None = None  # at their mail before, in the same case
    authentication: str = "unknown"  # what our own server says of the sender: "pass", "fail", "unknown"
    headers: tuple[tuple[str, str], ...] = ()  # lower-case name, value


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrace:
    """Why one rule did or did not decide something."""

    rule: str
    matched: bool
    decided: tuple[str, ...] = ()  # the questions it answered
    reason: str = ""  # the value that decided: "contacts is 2 in 14 days, at least 3 wanted"
    failed: int = -1  # which line of `when` did not hold first


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer to each question, and which rule gave it (`by`: question -> rule name)."""

    then: Then
    by: Mapping[str, str] = field(default_factory=dict)
    why: str = ""  # of the rule that assigned, in words for the brief
    unconditional: bool = False  # the rule that assigned has no conditions
    trace: tuple[RuleTrace, ...] = ()


QUESTIONS = ("ignore", "assign", "answer_within", "reply_with", "priority", "brief", "file_in", "follow_up")


def judge(rules: Sequence[Rule], facts: Facts) -> Ruling:
    """Ask each rule from the top; the first that answers a question decides it, labels and tell add up."""
    then = Then()
    by: dict[str, str] = {}
    why, unconditional = "", False
    trace = []
    for rule in rules:
        failed, reason = _first_that_fails(rule.when, facts)
        holds = failed < 0
        decided: tuple[str, ...] = ()
        if holds:
            then, decided = _take(then, rule.then, by)
            by.update({question: rule.name for question in decided if question in QUESTIONS})
            if "assign" in decided:
                why, unconditional = rule.why or reason, not rule.when
            if not decided:
                reason = f"{reason}; already decided above"
        trace.append(RuleTrace(rule=rule.name, matched=holds, decided=decided, reason=reason, failed=failed))
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


# --- what nearly held ------------------------------------------------------------------------------------------------

_NEAR_SURE = 0.1


def near_misses(rules: Sequence[Rule], facts: Facts, ruling: Ruling) -> tuple[str, ...]:
    """Name the rules that would have held but for one line, and would have decided something: "rule - the line"."""
    found = []
    place = {trace.rule: number for number, trace in enumerate(ruling.trace)}
    decided_at = {question: place[rule] for question, rule in ruling.by.items()}
    for number, (rule, trace) in enumerate(zip(rules, ruling.trace, strict=True)):
        if ruling.then.ignore and number > decided_at.get("ignore", number):
            break  # nobody gets this mail: what stands below is not asked
        if trace.matched or not _would_decide(rule.then, ruling.then, number, decided_at):
            continue
        alone = all(_holds(condition, facts)[0] for condition in rule.when[trace.failed + 1 :])
        if alone and (len(rule.when) > 1 or _close(rule.when[trace.failed], facts)):
            found.append(f"{rule.name} - {trace.reason}")
    return tuple(found)


def _would_decide(offered: Then, given: Then, number: int, decided_at: Mapping[str, int]) -> bool:
    """Whether the rule, had it held, would have changed an answer: one given below it, or by nobody."""
    for question in QUESTIONS:
        answer = getattr(offered, question)
        if question == "ignore" and answer and decided_at.get("assign", number) < number:
            continue  # somebody has it already
        if answer is not None and answer != getattr(given, question) and decided_at.get(question, number + 1) > number:
            return True
    return any(label not in given.labels for label in offered.labels) or any(who not in given.tell for who in offered.tell)


def _close(condition: Condition, facts: Facts) -> bool:
    """Whether a single line was missed by little."""
    match condition.word:
        case "contacts":
            wanted, within = condition.wanted
            return bool(sum(1 for at in facts.contacts if facts.now - within < at <= facts.now) == wanted - 1 > 0)
        case "sure":
            return bool(condition.wanted[0] - facts.topic_sure <= _NEAR_SURE)
        case "sentiment":
            return facts.sentiment is Sentiment.UNHAPPY and Sentiment.UPSET in condition.wanted
        case _:
            return False


def _holds(condition: Condition, facts: Facts) -> Found:
    return _CHECKS[condition.word](condition, facts)


# --- conditions ------------------------------------------------------------------------------------------------------

Found = tuple[bool, str]  # whether it holds, and the value that decided, in words


def _first_that_fails(when: Sequence[Condition], facts: Facts) -> tuple[int, str]:
    """Which condition does not hold first, -1 if all do; the reason is its own, else all of them."""
    reasons = []
    for number, condition in enumerate(when):
        holds, reason = _holds(condition, facts)
        if not holds:
            return number, reason
        reasons.append(reason)
    return -1, ", ".join(reasons) or "no conditions"


def _all_hold(when: Sequence[Condition], facts: Facts) -> Found:
    failed, reason = _first_that_fails(when, facts)
    return failed < 0, reason


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


def _during(condition: Condition, facts: Facts, wanted: bool) -> Found:
    calendar: Calendar = condition.wanted[0]
    there = is_open(calendar, facts.received_at or facts.now)
    said = f"received while '{calendar.name}' is {'open' if there else 'closed'}"
    return there is wanted, said


def _waiting(condition: Condition, facts: Facts) -> Found:
    """How long the customer waits for an answer, in plain or opening time."""
    span, calendar = condition.wanted
    if facts.waiting_since is None:
        return False, f"nobody waited before, at least {span.words} wanted"
    held = due(span, facts.waiting_since, calendar).at <= facts.now
    waited = span_words(_to_the_minute(facts.now - facts.waiting_since))
    return held, f"waiting for {waited}" if held else f"waiting for {waited}, at least {span.words} wanted"


_FEELING = (Sentiment.HAPPY, Sentiment.NEUTRAL, Sentiment.UNHAPPY, Sentiment.UPSET)


def _sentiment_change(condition: Condition, facts: Facts) -> Found:
    if facts.feeling_before is None:
        return False, f"the first mail of this case, {_or(condition.wanted)} wanted"
    step = _FEELING.index(facts.sentiment) - _FEELING.index(facts.feeling_before)
    word = "worse" if step > 0 else "better" if step < 0 else "same"
    said = f"sentiment is {facts.sentiment}, {facts.feeling_before} before"
    return word in condition.wanted, said if word in condition.wanted else f"{said}, {_or(condition.wanted)} wanted"


def _header(condition: Condition, facts: Facts) -> Found:
    """A header line: its name, and words that it holds ("" if its being there is enough)."""
    for name, words in condition.wanted:
        for key, value in facts.headers:
            if key == name and (not words or _occurs(words, _folded(value))):
                return True, f"header {name} contains '{words}'" if words else f"header {name} is there"
    return False, "no " + _or(f"header {name}" + (f" with '{words}'" if words else "") for name, words in condition.wanted)


def _to_the_minute(span: timedelta) -> timedelta:
    return timedelta(minutes=int(span.total_seconds() // 60)) or timedelta(seconds=int(span.total_seconds()))


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
    return False, f"{name} does not contain {_quoted(condition.wanted)}"


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
    "received_during": lambda condition, facts: _during(condition, facts, True),
    "received_outside": lambda condition, facts: _during(condition, facts, False),
    "waiting": _waiting,
    "sentiment_change": _sentiment_change,
    "authentication": lambda condition, facts: _one_of("authentication", facts.authentication, condition),
    "header": _header,
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
    options.max_mem = 1024 * 1024  # a pattern that grows beyond is refused
    return re2.compile(_plain(pattern), options)


@functools.lru_cache(maxsize=8)  # many rules look at the same text
def _folded(text: str) -> str:
    """Text for finding words: no capitals, composed letters, one space where any white space was."""
    return " ".join(unicodedata.normalize("NFC", text.casefold()).split())


@functools.lru_cache(maxsize=16384)
def _phrase(phrase: str) -> str:
    """A phrase of a rule, folded as the texts are."""
    return _folded.__wrapped__(phrase)  # the cache of the texts is small, and theirs


@functools.lru_cache(maxsize=4096)
def _quoted(phrases: tuple[str, ...]) -> str:
    return _or(f"'{phrase}'" for phrase in phrases)


def _occurs(phrase: str, folded: str) -> bool:
    """Find a phrase as whole words ("pass" is not in "compass"); a star at its end means any ending of the word."""
    open_end = len(phrase) > 1 and phrase.endswith("*")
    wanted = _phrase(phrase.removesuffix("*") if open_end else phrase)
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


@functools.lru_cache(maxsize=8)
def _plain(text: str) -> str:
    """Text as RE2 can take it: composed letters, no lone surrogates."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8"))


def _or(words: Iterable[object]) -> str:
    return " or ".join(str(word) for word in words)


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)
