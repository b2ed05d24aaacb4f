"""A rule, and the first match: the first rule that answers a question decides it; labels and "tell" add up."""

from __future__ import annotations

import functools
import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import re2

from inboxd.core.model import Kind, Sentiment
from inboxd.core.opening import DAY, Calendar, Span, due, is_open, periods, span_words
from inboxd.core.rulebook import Condition, ReadyAnswer, Rule, Then, address_matches

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
    seen: dict[int, _Hours] = field(default_factory=dict, init=False, repr=False, compare=False)  # what calendars said, for many rules


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
    if then.ignore or _comes_too_late(offered, decided_by):
        return then, ()
    taken = []
    for question in QUESTIONS:
        answer = getattr(offered, question)
        if answer is None or question in decided_by:
            continue
        then = replace(then, **{question: answer})
        taken.append(question)
    for name, word in (("labels", "label"), ("tell", "tell")):
        new = tuple(item for item in getattr(offered, name) if item not in getattr(then, name))
        if new:
            then = replace(then, **{name: getattr(then, name) + new})
            taken.append(word)
    return then, tuple(taken)


def _comes_too_late(offered: Then, above: Collection[str]) -> bool:
    """Whether a rule ignores a mail that a rule above gave to somebody or kept: then its other words are void as well."""
    return bool(offered.ignore) and ("assign" in above or "ignore" in above)


def answers_about(answers: Iterable[ReadyAnswer], text: str, topic: str) -> tuple[ReadyAnswer, ...]:
    """Find the answers that fit a mail: one of their phrases stands in it, and it is about a topic of theirs, where they name any."""
    return tuple(answer for answer in answers if (not answer.topics or topic in answer.topics) and stands_in(answer.phrases, text))


def stands_in(phrases: tuple[str, ...], text: str) -> bool:
    """Whether one of these phrases stands in the text, as `text_contains` reads it."""
    return _contains("text", text, Condition(word="text_contains", wanted=phrases))[0]


# --- what nearly held ------------------------------------------------------------------------------------------------

# What holds for most mail, or for want of something, speaks for no rule.
_SAYS_LITTLE = frozenset({"not", "sure", "kind", "authentication", "received_during", "received_outside"})


def near_misses(rules: Sequence[Rule], facts: Facts, ruling: Ruling) -> tuple[str, ...]:
    """Name the rules that would have held but for one line, and would have decided something: "rule - the line"."""
    found = []
    place = {trace.rule: number for number, trace in enumerate(ruling.trace)}
    decided_at = {question: place[rule] for question, rule in ruling.by.items()}
    for number, (rule, trace) in enumerate(zip(rules, ruling.trace, strict=True)):
        if ruling.then.ignore and number > decided_at.get("ignore", number):
            break  # nobody gets this mail: what stands below is not asked
        if not trace.matched and _nearly_held(rule.when, trace.failed, facts) and _would_decide(rule.then, ruling.then, number, decided_at):
            found.append(f"{rule.name} - {trace.reason}")
    return tuple(found)


def _nearly_held(when: Sequence[Condition], failed: int, facts: Facts) -> bool:
    """Whether one line alone did not hold: it was missed by little, or another line speaks for the rule."""
    if len(when) == 1:
        return _close(when[0], facts)
    for condition in when[failed + 1 :]:
        if not _holds(condition, facts)[0]:
            return False
    return any(_is_evidence(condition, facts) for condition in (*when[:failed], *when[failed + 1 :]))


def _is_evidence(condition: Condition, facts: Facts) -> bool:
    """Whether a condition that holds says something of this very mail."""
    if condition.word == "any":
        holding = (group for group in condition.inner if _all_hold(group, facts)[0])
        return any(_is_evidence(line, facts) for group in holding for line in group)
    return condition.word not in _SAYS_LITTLE and condition.wanted != (False,)


def _would_decide(offered: Then, given: Then, number: int, decided_at: Mapping[str, int]) -> bool:
    """Whether the rule, had it held, would have changed an answer: one given below it, or by nobody."""
    if _comes_too_late(offered, [question for question, at in decided_at.items() if at < number]):
        return False
    for question in QUESTIONS:
        answer = getattr(offered, question)
        if answer is not None and answer != getattr(given, question) and decided_at.get(question, number + 1) > number:
            return True
    return any(label not in given.labels for label in offered.labels) or any(who not in given.tell for who in offered.tell)


def _close(condition: Condition, facts: Facts) -> bool:
    """Whether a single line was missed by little."""
    match condition.word:
        case "contacts":
            wanted, within = condition.wanted
            return bool(sum(1 for at in facts.contacts if facts.now - within < at <= facts.now) == wanted - 1 > 0)
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
    return False, f"{name} is {said}, {_any_of(condition.wanted)} wanted"


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
    return False, f"customer is {_and(sorted(facts.customer)) or 'unknown'}, {_any_of(condition.wanted)} wanted"


def _during(condition: Condition, facts: Facts, wanted: bool) -> Found:
    calendar: Calendar = condition.wanted[0]
    there = _hours(calendar, facts).open
    said = f"received while '{calendar.name}' is {'open' if there else 'closed'}"
    return there is wanted, said


def _waiting(condition: Condition, facts: Facts) -> Found:
    """How long the customer waits for an answer, in plain or opening time."""
    span, calendar = condition.wanted
    if facts.waiting_since is None:
        return False, f"nobody waited before, at least {_span_words(span)} wanted"
    held = _hours(calendar, facts).passed(span) if calendar else due(span, facts.waiting_since, None).at <= facts.now
    waited = _waited_words(facts.now - facts.waiting_since)
    return held, f"waiting for {waited}" if held else f"waiting for {waited}, at least {_span_words(span)} wanted"


class _Hours:
    """What a calendar says of one mail, worked out once for all rules that ask."""

    def __init__(self, calendar: Calendar, facts: Facts) -> None:
        self.calendar, self.now, self.received_at = calendar, facts.now, facts.received_at or facts.now
        self.since = (facts.waiting_since or facts.now).astimezone(UTC)
        self.waited = facts.now - self.since
        self.rest = periods(calendar, self.since)
        self.counted, self.all_counted = timedelta(), False  # opening time so far
        self.days: dict[int, bool] = {}

    @functools.cached_property
    def open(self) -> bool:
        """Whether somebody was there when the mail came."""
        return is_open(self.calendar, self.received_at)

    def passed(self, span: Span) -> bool:
        """Whether so much time is over since the customer began to wait."""
        if span.days:
            if span.days not in self.days:
                self.days[span.days] = self._days_passed(span)
            return self.days[span.days]
        return self._opening_passed(span.length) if span.opening else self.waited >= span.length

    def _days_passed(self, span: Span) -> bool:
        if self.waited < (span.days - 3) * DAY:
            return False  # so many days on which it opens cannot have gone by
        return due(span, self.since, self.calendar).at <= self.now

    def _opening_passed(self, length: timedelta) -> bool:
        while self.counted < length and not self.all_counted:
            begins, ends = next(self.rest, (None, None))
            if begins is None or ends is None:
                return self.waited >= length  # closed for good: plain time counts
            self.all_counted = ends >= self.now
            self.counted += max(min(ends, self.now) - begins, timedelta())
        return self.counted >= length


def _hours(calendar: Calendar, facts: Facts) -> _Hours:
    return facts.seen.get(id(calendar)) or facts.seen.setdefault(id(calendar), _Hours(calendar, facts))


_FEELING = (Sentiment.HAPPY, Sentiment.NEUTRAL, Sentiment.UNHAPPY, Sentiment.UPSET)


def _sentiment_change(condition: Condition, facts: Facts) -> Found:
    if facts.feeling_before is None:
        return False, f"the first mail of this case, {_any_of(condition.wanted)} wanted"
    step = _FEELING.index(facts.sentiment) - _FEELING.index(facts.feeling_before)
    word = "worse" if step > 0 else "better" if step < 0 else "same"
    said = f"sentiment is {facts.sentiment}, {facts.feeling_before} before"
    return word in condition.wanted, said if word in condition.wanted else f"{said}, {_any_of(condition.wanted)} wanted"


def _header(condition: Condition, facts: Facts) -> Found:
    """A header line: its name, and words that it holds ("" if its being there is enough)."""
    for name, words in condition.wanted:
        for key, value in facts.headers:
            if key == name and (not words or _stands(_phrase(words), _folded_value(value))):
                return True, f"header {name} contains '{words}'" if words else f"header {name} is there"
    return False, "no " + _or(f"header {name}" + (f" with '{words}'" if words else "") for name, words in condition.wanted)


@functools.lru_cache(maxsize=4096)
def _span_words(span: Span) -> str:
    return span.words


@functools.lru_cache(maxsize=8)
def _waited_words(span: timedelta) -> str:
    """Say how long somebody waited, to the minute."""
    seconds = int(span.total_seconds())
    return span_words(timedelta(minutes=seconds // 60) or timedelta(seconds=seconds))


def _sure(condition: Condition, facts: Facts) -> Found:
    wanted = condition.wanted[0]
    said = f"topic is {facts.topic_sure:.2f} sure"
    return facts.topic_sure >= wanted, said if facts.topic_sure >= wanted else f"{said}, at least {wanted:g} wanted"


def _addresses(name: str, values: Sequence[str], condition: Condition) -> Found:
    for value in values:
        if any(address_matches(value, pattern) for pattern in condition.wanted):
            return True, f"{name} is {value}"
    return False, f"{name} is {_and(values) or 'unknown'}, {_any_of(condition.wanted)} wanted"


def _contains(name: str, text: str, condition: Condition) -> Found:
    read, phrases = _read(text), _phrases(condition.wanted)
    if not phrases.marks.isdisjoint(read.marks):
        for phrase in phrases.each:
            if phrase.needs <= read.marks and _occurs(phrase, read):
                return True, f"{name} contains '{phrase.said}'"
    return False, f"{name} does not contain {phrases.said}"


def _matches(name: str, text: str, condition: Condition) -> Found:
    plain = _plain(text)
    for pattern in condition.wanted:
        if _compiled(pattern).search(plain):  # bytes: as a string it would be encoded for each pattern anew
            return True, f"{name} matches {pattern}"
    return False, f"{name} does not match {_any_of(condition.wanted)}"


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


_QUOTES = (*((sign, "'") for sign in "\u2018\u2019\u201a\u2032"), *((sign, '"') for sign in "\u201c\u201d\u201e"))


def _folded(text: str) -> str:
    """Text for finding words: no capitals, composed letters, straight quotes, one space where any white space was."""
    text = " ".join(unicodedata.normalize("NFC", text.casefold()).split())
    for typographic, straight in _QUOTES:
        text = text.replace(typographic, straight)
    return text


_folded_value = functools.lru_cache(maxsize=64)(_folded)  # of a header


Mark = str | tuple[str, str]
_WORD = re.compile(r"\w+")
_HEAD = 4  # letters
_ANYWHERE = ""  # the mark of a phrase that only a search can find
_NOWHERE = "*"  # the mark of a phrase that no text has


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrase:
    """A phrase of a rule, folded as the texts are. Only a text with its mark can hold it, so that most need no search."""

    said: str  # as the admin wrote it
    wanted: str
    open_end: bool
    mark: Mark  # the one that fewest texts have
    needs: frozenset[Mark]  # all of them
    cut: str  # a word of which only the beginning is said


@functools.lru_cache(maxsize=16384)
def _phrase(phrase: str) -> _Phrase:
    """A star at the end means any ending; one at the beginning means nothing, and is no more than a star."""
    open_end = phrase.endswith("*") and not phrase.startswith("*")
    wanted = _folded(phrase.removesuffix("*") if open_end else phrase)
    words = _WORD.findall(wanted)
    cut = words.pop() if open_end and words and _word_sign(wanted[-1]) else ""
    mark = _NOWHERE if phrase.startswith("*") or not wanted else _mark(words, cut)
    return _Phrase(said=phrase, wanted=wanted, open_end=open_end, mark=mark, needs=frozenset((mark, *pairwise(words))), cut=cut)


def _mark(words: Sequence[str], cut: str) -> Mark:
    """What a text with these words has among its marks: two that follow each other, one, or how one begins."""
    if len(words) > 1:
        return max(pairwise(words), key=lambda pair: len(pair[0] + pair[1]))
    if len(cut) >= _HEAD and len(cut) > len("".join(words)):
        return f"{cut[:_HEAD]}*"
    return words[0] if words else _ANYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    """Those of one condition: a text with none of their marks holds none of them."""

    each: tuple[_Phrase, ...]
    said: str
    marks: frozenset[Mark]


@functools.lru_cache(maxsize=4096)
def _phrases(phrases: tuple[str, ...]) -> _Phrases:
    each = tuple(_phrase(phrase) for phrase in phrases)
    return _Phrases(each=each, said=_or(f"'{phrase}'" for phrase in phrases), marks=frozenset(phrase.mark for phrase in each))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text as many rules look at it."""

    folded: str
    marks: AbstractSet[Mark]  # its words, which follow each other, and how they begin
    words: Sequence[str]  # each once, in order of the alphabet


@functools.lru_cache(maxsize=8)
def _read(text: str) -> _Text:
    folded = _folded(text)
    words = _WORD.findall(folded)
    known = set(words)
    heads = {word[:_HEAD] for word in known}
    return _Text(folded=folded, marks={*known, *pairwise(words), *[f"{head}*" for head in heads], _ANYWHERE}, words=sorted(known))


def _occurs(phrase: _Phrase, text: _Text) -> bool:
    """Find a phrase in a text that has all its marks; the search itself comes last."""
    if phrase.cut:
        place = bisect_left(text.words, phrase.cut)
        if place == len(text.words) or not text.words[place].startswith(phrase.cut):
            return False
    return _stands(phrase, text.folded)


def _stands(phrase: _Phrase, folded: str) -> bool:
    """Find a phrase as whole words ("pass" is not in "compass")."""
    wanted = phrase.wanted
    start = folded.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        inside = _word_sign(folded[start - 1 : start]) and _word_sign(wanted[0])
        goes_on = not phrase.open_end and _word_sign(wanted[-1]) and _word_sign(folded[end : end + 1])
        if not inside and not goes_on:
            return True
        start = folded.find(wanted, start + 1)
    return False


def _word_sign(sign: str) -> bool:
    return sign.isalnum() or sign == "_"


@functools.lru_cache(maxsize=8)
def _plain(text: str) -> bytes:
    """Text as RE2 can take it: composed letters in UTF-8, no lone surrogates."""
    return unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode("utf-8")).encode()


@functools.lru_cache(maxsize=4096)
def _any_of(words: tuple[str, ...]) -> str:
    return _or(words)


def _or(words: Iterable[object]) -> str:
    return " or ".join(str(word) for word in words)


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)
