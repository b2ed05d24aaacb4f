"""What is allowed in rules and templates but hardly meant: rules that can never decide, days with nobody there, cold words."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from inboxd.core.compose import Templates
from inboxd.core.model import AgentName, Kind, Sentiment, TeamName
from inboxd.core.opening import Calendar, Span, periods, span_words
from inboxd.core.rulebook import (
    Condition,
    FollowUpPolicy,
    Moment,
    ReadyAnswer,
    Rule,
    Rulebook,
    Step,
    Team,
    Then,
    hours_of,
    is_away,
    main_calendar,
)
from inboxd.core.rules import QUESTIONS

DAYS_AHEAD = 60
MOST_COMPARED = 125_000  # pairs of rules: some 500 rules that all could hide each other
NESTED = 5  # as many pairs a `not` or `any` counts
DEEPEST = 4  # cases inside cases: beyond that nothing is claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning_:  # noqa: N801  # Warning is an exception of Python's own
    """Something the admin may want to look at. Line 0: the whole file; no file: all of them."""

    message: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        """Say it as a compiler does."""
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{place if self.file else ''}{self.message}"


def lint(
    book: Rulebook, templates: Templates | None, today: date | None, *, files: bool = True, languages: Collection[str] = ()
) -> list[Warning_]:
    """Say what is allowed but hardly meant. Without a day nothing is said of the days to come.

    `files`: whether a mailbox moves mail into folders; `languages`: those of the mailboxes.
    """
    return [
        *_rules(book.rules),
        *(() if files else _never_filed(book.rules)),
        *_forms(book),
        *_people(book),
        *(_days(book, today) if today else ()),
        *_ladder(book.ladder),
        *_follow_up(book.follow_up),
        *(_languages(book, templates, languages) if templates else ()),
        *_answers(book.answers, languages),
        *(_unprinted(book, templates) if templates else ()),
        *(_cold(templates) if templates else ()),
    ]


def overlooked_files(files: Iterable[str]) -> list[Warning_]:
    """Say which files beside the rules are not read, for their ending."""
    return [Warning_(file=file, message="this file is not read: end its name with '.yaml', in small letters") for file in files]


def _about(rule: Rule, message: str) -> Warning_:
    return Warning_(file=rule.file, line=rule.line, message=f"rule '{rule.name}' {message}")


# --- rules that can never decide -------------------------------------------------------------------------------------


def _rules(rules: Sequence[Rule]) -> Iterable[Warning_]:
    groups = [_group(rule.when) for rule in rules]
    above = _Above(groups)
    for rule, group in zip(rules, groups, strict=True):
        if clash := _clash(group):
            yield _about(rule, f"can never hold: {clash}")
            continue
        if above.full and not above.said_full:
            above.said_full = True
            yield _about(rule, "and those below it are compared only with rules of the same conditions: there are too many of them")
        if hidden := above.hide(rule, group):
            yield _about(rule, f"can never decide anything: {hidden}")
        elif differs := above.differs(rule, group):
            yield _about(rule, differs)
        above.add(rule, group)
    if "assign" not in above.for_all:
        message = "no rule without conditions assigns: mail that no rule takes goes to nobody; end with 'Everything else'"
        yield Warning_(message=message)


def _never_filed(rules: Sequence[Rule]) -> Iterable[Warning_]:
    for rule in rules:
        if rule.then.file_in:
            yield _about(rule, f"moves nothing into '{rule.then.file_in}': no mailbox has 'file: yes' in the settings")


def _forms(book: Rulebook) -> Iterable[Warning_]:
    """Rules that ask for the sender of a form, whose mail counts as its customer's."""
    patterns = [sender for identity in book.identity for sender in identity.senders]
    for rule in book.rules:
        for wanted in dict.fromkeys(_senders(rule.when)):
            if any(_within_pattern(wanted, pattern) for pattern in patterns):
                yield _about(
                    rule,
                    f"asks for the sender '{wanted}', and 'identity' puts the customer in its place: 'sender' then holds only where"
                    " no customer is found; ask for a header line of the form, or for 'to'",
                )


def _senders(when: Iterable[Condition]) -> Iterator[str]:
    for condition in when:
        if condition.word == "sender":
            yield from condition.wanted
        for inner in condition.inner:
            yield from _senders(inner)


def _within_pattern(wanted: str, pattern: str) -> bool:
    """Whether every address that is wanted is one of these."""
    wanted, pattern = _pattern(wanted), _pattern(pattern)
    return wanted == pattern or (pattern.startswith("@") and wanted.endswith(pattern))


def _wants(then: Then) -> set[str]:
    """The answers that a rule has to give."""
    answers = {question for question in QUESTIONS if getattr(then, question) is not None}
    return answers | {f"label {label}" for label in then.labels} | {f"tell {who}" for who in then.tell}


def _settles(then: Then, *, kept: bool) -> set[str]:
    """What is answered once this rule held: who has a mail is not ignored; what is ignored goes to nobody, unless it is kept above."""
    settled = _wants(then)
    if then.assign is not None:
        settled.add("ignore")
    if then.ignore and not kept:
        settled.add("assign")
    return settled


@dataclass(slots=True)
class _Seen:
    """The rules of the same conditions, from the top: which of them answers what."""

    group: _Group
    first: Rule
    settled: dict[str, Rule] = field(default_factory=dict)
    stops: Rule | None = None  # nobody gets its mails, and no rule above could have given them to somebody


class _Above:
    """The rules above the one that is looked at, found by what their conditions name: comparing all pairs would take too long."""

    def __init__(self, groups: Sequence[_Group]) -> None:
        self.often = Counter(token for group in groups for line in group for token in _tokens(line))
        self.seen: dict[_Group, _Seen] = {}
        self.index: defaultdict[_Token, list[_Seen]] = defaultdict(list)
        self.left = MOST_COMPARED
        self.assigned = self.kept = self.said_full = False

    @property
    def full(self) -> bool:
        """Whether so many pairs were compared that it is enough."""
        return self.left <= 0

    @property
    def for_all(self) -> Mapping[str, Rule]:
        """What rules without conditions answer."""
        found = self.seen.get(frozenset())
        return found.settled if found else {}

    def add(self, rule: Rule, group: _Group) -> None:
        """Take a rule in."""
        seen = self.seen.get(group)
        if seen is None:
            seen = self.seen[group] = _Seen(group, rule)
            for token in min((_tokens(line) for line in group), key=self._cost, default=()):
                self.index[token].append(seen)
        for answer in _settles(rule.then, kept=self.kept):
            seen.settled.setdefault(answer, rule)
        if rule.then.ignore and not self.assigned and not self.kept and seen.stops is None:
            seen.stops = rule
        self.kept = self.kept or rule.then.ignore is False
        self.assigned = self.assigned or rule.then.assign is not None

    def hide(self, rule: Rule, group: _Group) -> str:
        """Say which rules leave nothing for this one to decide, "" if something is left."""
        wants, settled = _wants(rule.then), dict[str, Rule]()
        for seen in self._implied(group):
            if seen.stops:
                return f"'{seen.stops.name}' above it {'is for every mail' if not seen.group else 'ignores each of its mails'}"
            settled = {**seen.settled, **settled}
            if wants and wants <= settled.keys():
                return self._said(rule, group, self._names(settled[want] for want in wants), seen)
        return ""

    def differs(self, rule: Rule, group: _Group) -> str:
        """Say which answers of this rule another of the same conditions gives otherwise; those for every mail are defaults, and may."""
        questions = self._other_answers(rule, group) if group else []
        if not questions:
            return ""
        first = self.seen[group].settled[questions[0]].name
        return f"has the conditions of '{first}' above it, which decides {_quoted(questions)} otherwise"

    def _said(self, rule: Rule, group: _Group, names: Sequence[str], last: _Seen) -> str:
        if len(names) > 1:
            return f"{_quoted(names)} above it answer all its questions for each of its mails"
        if last.group == group and group:
            other = self._other_answers(rule, group)
            return f"'{names[0]}' above it has the same conditions" + (f", and other answers for {_quoted(other)}" if other else "")
        return f"'{names[0]}' above it " + ("answers all its questions for each of its mails" if last.group else "is for every mail")

    def _names(self, rules: Iterable[Rule]) -> list[str]:
        return [rule.name for rule in sorted({rule.name: rule for rule in rules}.values(), key=lambda rule: (rule.line, rule.name))]

    def _other_answers(self, rule: Rule, group: _Group) -> list[str]:
        settled = self.seen[group].settled if group in self.seen else {}
        mine = [(question, getattr(rule.then, question)) for question in QUESTIONS if question in settled]
        return [q for q, answer in mine if answer is not None and getattr(settled[q].then, q) not in (answer, None)]

    def _implied(self, group: _Group) -> Iterator[_Seen]:
        """The rules that hold whenever this one does: those of the same conditions and of none first."""
        near = [self.seen[each] for each in dict.fromkeys((group, frozenset[_Line]())) if each in self.seen]
        yield from near
        known = {id(seen) for seen in near}
        for token in self._asked(group):
            for seen in self.index.get(token, ()):
                if self.full:
                    return
                if id(seen) not in known:
                    known.add(id(seen))
                    self.left -= 1 + NESTED * sum(bool(line.groups) for line in (*group, *seen.group))
                    if all(_implies(group, line) for line in seen.group):
                        yield seen

    def _asked(self, group: _Group) -> list[_Token]:
        """The tokens under which a rule that holds for all these mails must stand."""
        tokens: list[_Token] = []
        for line in group:
            if line.word == "any":
                tokens += self._asked(min(line.groups, key=len))
            elif line.word in ("contacts", "sure", "waiting"):
                tokens.append((line.word,))
            elif line.values:
                value = min(line.values, key=lambda value: (len(self.index.get((line.word, value), ())), str(value)))
                tokens += [(line.word, wider) for wider in _wider(line.word, value)]
        return list(dict.fromkeys([*tokens, ("any",), ("not",)]))

    def _cost(self, tokens: Sequence[_Token]) -> float:
        return float("inf") if tokens in ([("any",)], [("not",)]) else max((self.often[token] for token in tokens), default=0)


# --- what conditions say of each other -------------------------------------------------------------------------------

_Token = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One condition in a form that can be compared: a word, and any of some values; or groups, for `not` and `any`."""

    word: str
    values: Any = frozenset()  # a set; for contacts, sure and waiting the threshold
    groups: frozenset[frozenset[_Line]] = frozenset()
    said: str = field(default="", compare=False)


_Group = frozenset[_Line]  # all of it must hold

_YES_NO = frozenset((True, False))
_CLOSED: Mapping[str, frozenset[Any]] = {  # words that always have one of these values, and only one
    "kind": frozenset(Kind),
    "sentiment": frozenset(Sentiment),
    "authentication": frozenset(("pass", "fail", "unknown")),
    "urgent": _YES_NO,
    "sensitive": _YES_NO,
    "reopened": _YES_NO,
}
_SINGLE = frozenset((*_CLOSED, "topic", "language", "sentiment_change"))  # words with one value at a time
_THRESHOLDS = frozenset(("contacts", "sure", "waiting"))
_EXCLUDE: tuple[tuple[str, frozenset[Any], str, frozenset[Any]], ...] = (
    ("reopened", frozenset((True,)), "customer", frozenset(("new",))),  # who never wrote before has no case
    ("sentiment_change", frozenset(("worse",)), "sentiment", frozenset((Sentiment.HAPPY,))),
    ("sentiment_change", frozenset(("better",)), "sentiment", frozenset((Sentiment.UPSET,))),
)


def _group(when: Iterable[Condition]) -> _Group:
    return _joined(line for condition in when for line in _normal(condition))


def _joined(lines: Iterable[_Line]) -> _Group:
    """Put lines together that must all hold: what is wanted of a word with one value is one line, and what always holds is none."""
    single: dict[str, _Line] = {}
    others: dict[_Line, None] = {}
    for line in lines:
        if not _is_single(line.word):
            others[line] = None
        elif line.word in single:
            single[line.word] = _both(single[line.word], line, single[line.word].values & line.values)
        else:
            single[line.word] = line
    for line in [line for line in others if line.word == "not"]:
        unwanted = next(iter(next(iter(line.groups)))) if len(next(iter(line.groups))) == 1 else None
        if unwanted and unwanted.word in single and not unwanted.groups:
            mine = single[unwanted.word]
            single[unwanted.word] = _both(mine, line, mine.values - unwanted.values)
            del others[line]
    return frozenset((*(line for line in single.values() if line.values != _closed(line.word)), *others))


def _both(line: _Line, other: _Line, values: frozenset[Any]) -> _Line:
    if values == line.values:
        return line
    return _Line(word=line.word, values=values, said=f"{line.said}' and '{other.said}" if line.said != other.said else line.said)


def _is_single(word: str) -> bool:
    return word in _SINGLE or word.startswith("received ")


def _closed(word: str) -> frozenset[Any] | None:
    return _YES_NO if word.startswith("received ") else _CLOSED.get(word)


def _normal(condition: Condition) -> list[_Line]:
    """Turn a condition into lines that must all hold."""
    said = _said(condition)
    if condition.word == "not":
        return _negated(_group(condition.inner[0]), said)
    if condition.word != "any":
        return [_plain(condition, said)]
    groups = frozenset(_group(inner) for inner in condition.inner)
    if frozenset() in groups:
        return []  # a group that always holds
    lines = [line for group in groups for line in group]
    words = {line.word for line in lines}
    if len(groups) == 1 and len(lines) == 1:
        return lines
    if len(words) == 1 and all(len(group) == 1 for group in groups) and not words & {"not", "any", *_THRESHOLDS}:
        return [_Line(word=words.pop(), values=frozenset(value for line in lines for value in line.values), said=said)]
    return lines if len(groups) == 1 else [_Line(word="any", groups=groups, said=said)]


def _negated(group: _Group, said: str) -> list[_Line]:
    if not group:
        return [_Line(word="kind", said=said)]  # it always holds, so that no kind of mail is left
    line = next(iter(group))
    if len(group) == 1 and (closed := _closed(line.word)):
        return [_Line(word=line.word, values=closed - line.values, said=said)]
    if len(group) == 1 and line.word == "not":
        return list(next(iter(line.groups)))
    if len(group) == 1 and line.word == "any":
        return [each for inner in line.groups for each in _negated(inner, said)]
    return [_Line(word="not", groups=frozenset((group,)), said=said)]


def _plain(condition: Condition, said: str) -> _Line:
    word, wanted = condition.word, condition.wanted
    values: Any
    match word:
        case "contacts" | "sure":
            values = wanted
        case "waiting":
            span, calendar = wanted
            values = (*_unit(span), calendar.name if calendar and span.opening else "")
        case "received_during" | "received_outside":
            word, values = f"received {wanted[0].name}", frozenset((word == "received_during",))
        case "kind":
            machines = [kind for kind in Kind if kind is not Kind.PERSON] if "automatic" in wanted else []
            values = frozenset((*machines, *(kind for kind in wanted if kind != "automatic")))
        case "sender" | "to":
            values = frozenset(_pattern(text) for text in wanted)
        case "subject_contains" | "text_contains":
            values = frozenset(" ".join(text.casefold().split()) for text in wanted)
        case "header":
            values = frozenset((name, words.casefold()) for name, words in wanted)
        case _:
            values = frozenset(wanted)
    return _Line(word=word, values=values, said=said)


def _unit(span: Span) -> tuple[str, Any]:
    """A length of time that compares with others of the same unit."""
    return ("opening days", span.days) if span.days else ("opening" if span.opening else "plain", span.length)


def _pattern(text: str) -> str:
    text = text.lower().removeprefix("*")
    return text if "@" in text else f"@{text}"


def _wider(word: str, value: Any) -> tuple[Any, ...]:
    """The value, and the one that holds it: the domain of an address, a header whatever its words."""
    if word in ("sender", "to") and not value.startswith("@"):
        return value, f"@{value.rpartition('@')[2]}"
    return (value, (value[0], "")) if word == "header" and value[1] else (value,)


def _tokens(line: _Line) -> list[_Token]:
    """Under what a rule with this line is found."""
    if line.word in ("any", "not", *_THRESHOLDS):
        return [(line.word,)]
    return [(line.word, value) for value in line.values]


def _implies(group: _Group, wanted: _Line, depth: int = 0) -> bool:
    """Whether a mail for which the group holds always has what is wanted too. In doubt no."""
    if wanted in group or any(_covers(wanted, line, depth) for line in group if line.word == wanted.word):
        return True
    if depth > DEEPEST:
        return False
    if wanted.word == "any" and any(all(_implies(group, line, depth + 1) for line in inner) for inner in wanted.groups):
        return True
    if wanted.word == "not" and _clash(_joined((*group, *next(iter(wanted.groups)))), depth + 1):
        return True
    cases = [line for line in group if line.word == "any" and line != wanted]
    return any(all(_implies(_joined((*(group - {line}), *case)), wanted, depth + 1) for case in line.groups) for line in cases)


def _covers(wanted: _Line, line: _Line, depth: int) -> bool:
    """Whether one line of the same word says at least as much as what is wanted."""
    match line.word:
        case "any":
            return False
        case "not":
            (unwanted,), (mine,) = wanted.groups, line.groups
            return depth <= DEEPEST and all(_implies(unwanted, each, depth + 1) for each in mine)
        case "contacts":
            return bool(line.values[0] >= wanted.values[0] and line.values[1] <= wanted.values[1])
        case "sure":
            return bool(line.values >= wanted.values)
        case "waiting":
            return bool(line.values[::2] == wanted.values[::2] and line.values[1] >= wanted.values[1])
        case word:
            return all(any(wider in wanted.values for wider in _wider(word, value)) for value in line.values)


def _clash(group: _Group, depth: int = 0) -> str:
    """Say which lines can never hold together, "" if none is seen."""
    words = {line.word: line for line in group}
    for line in group:
        if line.word not in ("not", "any") and not line.values:
            return f"'{line.said}' " + ("exclude each other" if "' and '" in line.said else "never holds")
    for word, values, other, excluded in _EXCLUDE:
        if word in words and other in words and words[word].values <= values and words[other].values <= excluded:
            return f"'{words[word].said}' and '{words[other].said}' exclude each other"
    if "contacts" in words and "customer" in words and words["contacts"].values[0] > 1 and words["customer"].values <= {"new"}:
        return f"'{words['contacts'].said}' and '{words['customer'].said}' exclude each other"
    if depth > DEEPEST:
        return ""
    for line in sorted((line for line in group if line.groups), key=lambda line: line.said):
        rest = group - {line}
        if line.word == "not" and all(_implies(rest, each, depth + 1) for each in next(iter(line.groups))):
            others = sorted(each.said for each in rest if each.word in {unwanted.word for inner in line.groups for unwanted in inner})
            return f"{_quoted((*others, line.said))} exclude each other"
        if line.word == "any" and all(_clash(_joined((*rest, *case)), depth + 1) for case in line.groups):
            return f"no group of '{line.said}' can hold" + (" beside the other lines" if rest else "")
    return ""


def _said(condition: Condition) -> str:
    """A condition as it is written in a rule file, shortened."""
    match condition.word:
        case "not":
            return f"not: {{{_all_said(condition.inner[0])}}}"
        case "any":
            return f"any: [{', '.join(f'{{{_all_said(inner)}}}' for inner in condition.inner[:3])}{', ...' if condition.inner[3:] else ''}]"
        case "contacts":
            return f"contacts: at least {condition.wanted[0]} in {span_words(condition.wanted[1])}"
        case "sure":
            return f"sure: at least {condition.wanted[0]:g}"
        case "waiting":
            return f"waiting: at least {condition.wanted[0].words}"
    shown = [_value_said(value) for value in condition.wanted[:3]] + (["..."] if condition.wanted[3:] else [])
    return f"{condition.word}: " + (shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]")


def _all_said(when: Sequence[Condition]) -> str:
    return ", ".join(_said(condition) for condition in when)


def _value_said(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case Calendar():
            return value.name
        case (str(), str()):
            return ": ".join(part for part in value if part)
    return str(value)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([*([", ".join(words[:-1])] if words[:-1] else []), *words[-1:]])


def _quoted(words: Sequence[str]) -> str:
    return _listed([f"'{word}'" for word in words])


# --- people ----------------------------------------------------------------------------------------------------------


def _people(book: Rulebook) -> Iterable[Warning_]:
    for team in book.teams.values():
        if not team.agents:
            yield Warning_(message=f"team '{team.name}' has no agents" + ("" if team.fallback else ", and no 'if_nobody_is_free'"))
    if book.senior_team not in book.teams:
        yield Warning_(message=f"no team '{book.senior_team}': upset and reopened cases have no senior agent to go to")
    reached: set[str] = {agent for team in book.teams.values() for agent in team.agents} | {book.lead, *book.follow_up.unhappy_told}
    decided: tuple[Then | Step, ...] = (*(rule.then for rule in book.rules), *book.ladder)
    for then in decided:
        reached |= {then.assign or "", *then.tell}
    for name in book.agents:
        if name not in reached:
            yield Warning_(message=f"agent '{name}' is in no team: no mail will reach them")


_Stretch = tuple[datetime, datetime]


def _days(book: Rulebook, today: date) -> Iterable[Warning_]:
    look = _Ahead(book, today)
    until = today + timedelta(days=DAYS_AHEAD - 1)
    for calendar in book.calendars.values():
        if not look.open(calendar):
            yield Warning_(message=f"calendar '{calendar.name}' never opens from {today} to {until}")
    for team in book.teams.values():
        for why, days in look.unserved(team).items():
            yield Warning_(message=f"nobody of team '{team.name}' is there on {look.said(team, days)}: {why}")


class _Ahead:
    """A look at the days to come: who is at work, and who is away."""

    def __init__(self, book: Rulebook, today: date) -> None:
        self.book, self.today = book, today
        self.known: dict[int, list[_Stretch]] = {}

    def open(self, calendar: Calendar) -> list[_Stretch]:
        """The opening times of the days ahead."""
        if id(calendar) not in self.known:
            start = datetime(self.today.year, self.today.month, self.today.day, tzinfo=calendar.zone)
            found = self.known[id(calendar)] = []
            for begins, ends in periods(calendar, start):
                if begins.astimezone(calendar.zone).date() >= self.today + timedelta(days=DAYS_AHEAD):
                    break
                found.append((begins, ends))
        return self.known[id(calendar)]

    def unserved(self, team: Team) -> dict[str, list[tuple[int, date]]]:
        """The open days on which nobody of the team is there, by the reason; each day with its number among the open ones."""
        found: dict[str, list[tuple[int, date]]] = {}
        calendar = self._calendar(team)
        for number, (day, stretches) in enumerate(self._open_days(calendar).items() if team.agents else ()):
            if any(self._serves(agent, team, stretches) for agent in team.agents):
                continue
            away = [agent for agent in team.agents if self._away(agent, stretches)]
            off = [agent for agent in team.agents if agent not in away]
            if away or calendar:  # without a calendar nobody says that somebody should be there
                found.setdefault(self._why(team, away, off, stretches), []).append((number, day))
        return found

    def said(self, team: Team, days: Sequence[tuple[int, date]]) -> str:
        """Name open days of a team as ranges."""
        if len(days) > 1 and len(days) == len(self._open_days(self._calendar(team))):
            return f"any open day from {days[0][1]} to {days[-1][1]}"
        return _ranges(days)

    def _calendar(self, team: Team) -> Calendar | None:
        return self.book.calendars.get(team.calendar) or main_calendar(self.book)

    def _open_days(self, calendar: Calendar | None) -> dict[date, list[_Stretch]]:
        days: dict[date, list[_Stretch]] = {}
        if calendar is None:
            start = datetime(self.today.year, self.today.month, self.today.day, tzinfo=UTC)
            begins = [start + timedelta(days=number) for number in range(DAYS_AHEAD)]
            return {each.date(): [(each, each + timedelta(days=1))] for each in begins}
        for stretch in self.open(calendar):
            days.setdefault(stretch[0].astimezone(calendar.zone).date(), []).append(stretch)
        return days

    def _serves(self, agent: AgentName, team: Team, stretches: Sequence[_Stretch]) -> bool:
        hours = hours_of(self.book, agent, team)
        for begins, ends in stretches:
            if hours is None or hours is self._calendar(team):
                here = begins
            else:
                there = self.open(hours)
                place = bisect_right(there, begins, key=lambda stretch: stretch[1])
                if place == len(there) or there[place][0] >= ends:
                    continue
                here = max(begins, there[place][0])
            if not is_away(self.book, agent, here):
                return True
        return False

    def _away(self, agent: AgentName, stretches: Sequence[_Stretch]) -> bool:
        return all(is_away(self.book, agent, begins) for begins, _ in stretches)

    def _why(self, team: Team, away: Sequence[str], off: Sequence[str], stretches: Sequence[_Stretch]) -> str:
        said = [f"{_listed(names)} {_be(names)} {what}" for names, what in ((away, "away"), (off, "not at work")) if names]
        if off:
            return f"{', '.join(said)}; its mail waits for {_listed(off)}"
        return f"{', '.join(said)}; its mail goes to {self._instead(team, stretches)}"

    def _instead(self, team: Team, stretches: Sequence[_Stretch]) -> str:
        """Who gets the mail of a team that is away as a whole: its fallback, the lead, anybody."""
        passed, name = {team.name}, team.fallback
        while name and name not in passed and name in self.book.teams:
            other = self.book.teams[name]
            if any(not self._away(agent, stretches) for agent in other.agents):
                there = any(self._serves(agent, other, stretches) for agent in other.agents)
                return f"team '{name}'" + ("" if there else ", of whom nobody is at work")
            passed.add(TeamName(name))
            name = other.fallback
        if self.book.lead in self.book.agents:
            away = self._away(AgentName(self.book.lead), stretches)
            return f"{self.book.lead}, the lead" + (", who is away, too" if away else "")
        there = any(not self._away(agent, stretches) for agent in self.book.agents)
        return "anybody who is there" if there else "nobody who is there"


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _ranges(days: Sequence[tuple[int, date]]) -> str:
    """Name days as ranges; days that follow each other but for closed ones belong together."""
    ranges: list[list[date]] = []
    before = None
    for number, day in days:
        if before is not None and number == before + 1:
            ranges[-1][1] = day
        else:
            ranges.append([day, day])
        before = number
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in ranges[:3]]
    return _listed([*shown, *([f"{len(ranges) - 3} more times"] if ranges[3:] else [])])


def _ladder(steps: Sequence[Step]) -> Iterable[Warning_]:
    for number, before, step in zip(count(2), steps, steps[1:], strict=False):
        if _not_later(step.after, before.after):
            yield Warning_(
                message=f"step {number} of 'if_nobody_answers' ('{step.after.words}') never comes at its time:"
                f" it is not later than step {number - 1} ('{before.after.words}')"
            )


def _follow_up(policy: FollowUpPolicy) -> Iterable[Warning_]:
    if policy.remind_after > policy.close_after:
        yield Warning_(
            message=f"'follow_up' asks a second time after {span_words(policy.remind_after)} ('remind_after'), though a case"
            f" without an answer closes after {span_words(policy.close_after)} ('close_after')"
        )


def _not_later(moment: Moment, before: Moment) -> bool:
    """Whether a moment is at or before another one, whatever the time to answer is. In doubt no."""
    if moment.part > before.part:
        return False
    if moment.plus is None or before.plus is None:
        return moment.plus is None
    mine, other = _unit(moment.plus), _unit(before.plus)
    return bool(mine[0] == other[0] and mine[1] <= other[1])


# --- templates -------------------------------------------------------------------------------------------------------


def _languages(book: Rulebook, templates: Templates, mailboxes: Collection[str]) -> Iterable[Warning_]:
    """Texts in use that somebody would read in another language than they write."""
    asked = book.follow_up.template
    used = dict.fromkeys(["reply", "answer_links", asked, "reminder", *(rule.then.reply_with or asked for rule in book.rules)])
    spoken = {language for agent in book.agents.values() for language in agent.languages} | set(mailboxes)
    lacking: dict[str, list[str]] = {}
    for name in used:
        there = templates.languages(name)
        if len(there) == 1:
            file = templates.file(f"{there[0]}/{name}")
            for language in sorted(spoken - set(there)):
                instead = "can be sent to nobody who writes" if templates.find(name, language) is None else "is sent as it is to who writes"
                yield Warning_(file=file, message=f"'{name}' exists in '{there[0]}' only, and {instead} in '{language}'")
        elif there:
            for language in sorted(set(mailboxes) - set(there)):
                lacking.setdefault(language, []).append(f"'{name}'")
    for language, names in lacking.items():
        yield Warning_(message=f"a mailbox is in '{language}', and {_listed(names)} {_be(names)} not: write them")


_COLD: Mapping[str, Mapping[str, str]] = {  # what nobody wants to read, and what to write instead; a star: any ending
    "en": {
        "ticket*": 'say "your mail about ..."',
        "case number": 'say "your mail about ..."',
        "has been received": 'say "is here", who has it, and by when they write',
        "was forwarded": "say who has it",
        "will be processed": "say who has it, and by when they write",
        "any inconvenience": "say what failed, and that you are sorry for that",
        "unfortunately": "say what you cannot do, why, and what you can do",
        "as per": "say the reason in your own words",
        "we understand": "leave it out; show it by what is done",
        "we see that you are": "leave it out; a feeling is not ours to claim",
        "important to us": "leave it out",
        "valued customer*": 'say the name, or "Hello,"',
        "dear customer*": 'say the name, or "Hello,"',
        "do not reply": "let people reply: somebody reads it",
        "don't reply": "let people reply: somebody reads it",
        "automated message*": 'say "This note came by itself"',
        "survey": "ask one question, answered by a reply",
        "escalated": "say who has it now",
        "at your earliest convenience": "say by when, or nothing",
        "kindly": "leave it out",
        "please be advised": "leave it out",
    },
    "de": {
        "Ticket*": "schreiben Sie: Ihre Mail zu ...",
        "Vorgangsnummer": "schreiben Sie: Ihre Mail zu ...",
        "Ihr Anliegen wurde": "schreiben Sie: ist da, wer sich kümmert, und bis wann",
        "Ihre Anfrage wurde": "schreiben Sie: ist da, wer sich kümmert, und bis wann",
        "ist bei uns eingegangen": "schreiben Sie: ist da",
        "Unannehmlichkeit*": "sagen Sie, was nicht ging, und dass Ihnen das leidtut",
        "leider": "sagen Sie, was nicht geht, warum, und was geht",
        "wir verstehen": "lassen Sie es weg",
        "wir bedauern": "sagen Sie, was nicht ging, und dass Ihnen das leidtut",
        "wichtig für uns": "lassen Sie es weg",
        "sehr geehrter Kunde": "schreiben Sie den Namen, oder: Guten Tag,",
        "sehr geehrte Kundin": "schreiben Sie den Namen, oder: Guten Tag,",
        "geschätzter Kunde": "schreiben Sie den Namen, oder: Guten Tag,",
        "nicht auf diese Mail": "lassen Sie antworten: jemand liest es",
        "nicht auf diese E-Mail": "lassen Sie antworten: jemand liest es",
        "antworten Sie nicht": "lassen Sie antworten: jemand liest es",
        "automatisch generiert*": "schreiben Sie: Diese Nachricht kam von selbst",
        "automatisch erstellt*": "schreiben Sie: Diese Nachricht kam von selbst",
        "Umfrage": "stellen Sie eine Frage, auf die man antworten kann",
        "schnellstmöglich": "sagen Sie, bis wann",
    },
}


def _pattern_of(phrase: str) -> str:
    words = r"\s+".join(re.escape(word) for word in phrase.removesuffix("*").split())
    return rf"(?<!\w){words}" + (r"\w*" if phrase.endswith("*") else r"(?!\w)")


_COLD_PATTERNS = {
    language: re.compile("|".join(f"({_pattern_of(phrase)})" for phrase in phrases), re.IGNORECASE) for language, phrases in _COLD.items()
}


def _cold(templates: Templates) -> Iterable[Warning_]:
    """Cold words in the texts that customers read."""
    for key, source in sorted(templates.texts.items()):
        language, _, name = key.partition("/")
        language = language.partition("-")[0].lower()
        if language not in _COLD or not templates.for_customers(name):
            continue
        text = _words_only(source)
        better = tuple(_COLD[language].values())
        for match in _COLD_PATTERNS[language].finditer(text):
            found = " ".join(match[0].split())
            line = text.count("\n", 0, match.start()) + 1
            yield Warning_(file=templates.file(key), line=line, message=f"'{found}' reads cold; {better[(match.lastindex or 1) - 1]}")


def _answers(answers: Iterable[ReadyAnswer], mailboxes: Collection[str]) -> Iterable[Warning_]:
    """Cold words in the rules' answers, and a language of ours in which one cannot be offered."""
    for answer in answers:
        for language in sorted(set(mailboxes) - set(answer.text)):
            yield Warning_(
                file=answer.file, line=answer.line, message=f"answer '{answer.name}' is never offered in '{language}': write it in 'text'"
            )
        for language, text in answer.text.items():
            better = tuple(_COLD.get(language, {}).values())
            for match in _COLD_PATTERNS[language].finditer(text) if better else ():
                told = f"answer '{answer.name}': '{' '.join(match[0].split())}' reads cold; {better[(match.lastindex or 1) - 1]}"
                yield Warning_(file=answer.file, line=answer.line, message=told)


def _unprinted(book: Rulebook, templates: Templates) -> Iterable[Warning_]:
    """Acknowledgements that print no answer of the rules: it would count as offered, and nobody could read it."""
    offered = {language for answer in book.answers for language in answer.text}
    used = dict.fromkeys(rule.then.reply_with for rule in book.rules if rule.then.reply_with)
    keys = dict.fromkeys(key for name in used for language in sorted(offered) if (key := templates.find(name, language)) is not None)
    for key in keys:
        if not _PRINTS_ANSWER.search(templates.texts[key]):
            message = "the answers of the rules cannot be read in it: write '{% if answer %}{{ answer }}{% endif %}' where one is to stand"
            yield Warning_(file=templates.file(key), message=message)


_PRINTS_ANSWER = re.compile(r"\{(?:\{|%-?\s*set\b)[^{}]*\banswer\b")


def _words_only(source: str) -> str:
    """A template without what Jinja reads, in its place; texts in quotes that are printed stay."""
    return re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", lambda match: _printed(match[0]), source, flags=re.DOTALL)


def _printed(code: str) -> str:
    kept = r'"[^"\n]*"|' if code.startswith("{{") else ""
    return re.sub(rf"{kept}[^\n]", lambda match: match[0] if len(match[0]) > 1 else " ", code)
