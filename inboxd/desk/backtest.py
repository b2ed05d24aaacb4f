"""Backtest: past messages under other rules, with the facts as they were then. Reads, never sends or writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from typing import Any

from inboxd.core.decide import decide
from inboxd.core.model import CaseNo, CaseState, Outcome
from inboxd.core.policy import Policy
from inboxd.core.replay import Placed, among, differences, placed
from inboxd.core.rulebook import Rulebook, senior_agents
from inboxd.ports import PastDecision

SHOWN = 40  # lines of cases in words; all stand in the JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One message that would have gone another way."""

    message: int
    case: CaseNo | None
    at: datetime
    answers: tuple[str, ...]  # which of them differ
    was: Placed
    would: Placed
    within_was: str = ""  # the time to answer, in the words of the rule
    within_would: str = ""
    caught: bool = False  # the case ended badly, and a senior would have had it


@dataclass(slots=True, kw_only=True)
class Backtest:
    """What new rules would have done with past messages."""

    since: datetime | None = None
    until: datetime | None = None
    messages: int = 0
    changes: list[Change] = field(default_factory=list)
    load: dict[str, tuple[Counter[date], Counter[date]]] = field(default_factory=dict)  # agent -> cases a day, then and under the new rules
    bad: int = 0  # messages of cases that ended badly
    days: set[date] = field(default_factory=set)  # on which a message was decided

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "since": self.since,
            "until": self.until,
            "messages": self.messages,
            "would_change": len(self.changes),
            "moves": [{"from": was, "to": would, "messages": count} for (was, would), count in _moves(self.changes)],
            "answers": dict(Counter(answer for change in self.changes for answer in change.answers)),
            "load": {agent: {"was": self._load(was), "would": self._load(would)} for agent, (was, would) in sorted(self.load.items())},
            "ended_badly": self.bad,
            "caught": [change.case for change in self.changes if change.caught],
            "changes": [
                {"message": c.message, "case": c.case, "at": c.at, "answers": list(c.answers), "caught": c.caught,
                 "was": {**_shown(c.was), "answer_within": c.within_was}, "would": {**_shown(c.would), "answer_within": c.within_would}}
                for c in self.changes
            ],
        }  # fmt: skip

    def in_words(self, zone: tzinfo | None, shown: int = SHOWN) -> str:
        """For people: how many, from whom to whom, which, the load, and what would have been caught."""
        if not self.messages:
            return "no past message that rules decided about"
        span = f", {self.since.astimezone(zone):%-d %b} to {self.until.astimezone(zone):%-d %b %Y}" if self.since and self.until else ""
        lines = [f"would change: {len(self.changes)} of {self.messages} messages{span}"]
        if not self.changes:
            return "\n".join(lines)
        lines += ["", "from whom to whom"]
        lines += [f"  {count:>6}  {was} -> {would}" for (was, would), count in _moves(self.changes)]
        other = Counter(answer for change in self.changes for answer in change.answers if answer not in ("agent", "team", "ignored"))
        if other:
            lines += ["", "other answers: " + ", ".join(f"{_WORDS.get(answer, answer)} {count}" for answer, count in other.most_common())]
        lines += ["", "load: cases a day, on average and at most"]
        lines += [f"  {agent}: {self._load_words(was)} -> {self._load_words(would)}" for agent, (was, would) in sorted(self.load.items())]
        caught = [change for change in self.changes if change.caught]
        lines += ["", f"ended badly: {self.bad} messages of such cases; {len(caught)} would have reached a senior at once"]
        lines += [f"  {_line(change, zone)}" for change in caught[:shown]]
        lines += ["", "which"]
        lines += [f"  {_line(change, zone)}" for change in self.changes[:shown]]
        if len(self.changes) > shown:
            lines.append(f"  and {len(self.changes) - shown} more: --json lists all")
        return "\n".join(lines)

    def _load(self, each: Counter[date]) -> dict[str, float]:
        cases = each.total()
        return {"cases": cases, "a_day": round(cases / len(self.days), 1) if self.days else 0.0, "most": max(each.values(), default=0)}

    def _load_words(self, each: Counter[date]) -> str:
        load = self._load(each)
        return f"{load['a_day']:g} ({load['most']})"


_WORDS = {"due_at": "answer_within", "labels": "label", "told": "tell", "no_follow_up": "follow_up"}


def backtest(
    past: Iterable[PastDecision],
    book: Rulebook,
    policy: Policy,
    badly: Mapping[CaseNo, Outcome],
    *,
    zone: tzinfo | None = None,
    progress: Callable[[int], None] = lambda _: None,
    old: Rulebook | None = None,
) -> Backtest:
    """Replay decisions under `book`. `badly`: cases that ended badly.

    With `old` the other side is replayed too, not taken from the store.
    """
    found, seniors = Backtest(), frozenset(senior_agents(book))
    for number, one in enumerate(past, 1):
        was, within_was = _replayed(one, old, policy) if old else (placed(one.actions, one.letters), _within(one.trace))
        would, within_would = _replayed(one, book, policy)
        found.messages = number
        found.since = min(found.since or one.at, one.at)
        found.until = max(found.until or one.at, one.at)
        day = one.at.astimezone(zone).date()
        found.days.add(day)
        for agent, side in ((was.agent, 0), (would.agent, 1)):
            if agent:
                found.load.setdefault(agent, (Counter(), Counter()))[side][day] += 1
        ended_badly = one.case is not None and one.case in badly
        found.bad += ended_badly
        if answers := differences(was, would):
            caught = ended_badly and _in_time(one) and would.agent in seniors and was.agent not in seniors
            found.changes.append(
                Change(
                    message=one.message,
                    case=one.case,
                    at=one.at,
                    answers=answers,
                    was=was,
                    would=would,
                    caught=caught,
                    within_was=within_was,
                    within_would=within_would,
                )
            )
        progress(number)
    return found


def _replayed(one: PastDecision, book: Rulebook, policy: Policy) -> tuple[Placed, str]:
    """Where these rules would have put a message, and its time to answer in the words of the rule."""
    decision = decide(among(one.situation, book), book, policy)
    return placed(decision.actions), _within(decision.trace)


_WITHIN = re.compile(r"due: \w+ \d+ \w+ \d\d:\d\d: (.+?) (?:of '|from )")


def _within(trace: Sequence[str]) -> str:
    """The time to answer as the trace of a decision says it: "1 opening day"."""
    return next((found[1] for line in trace if (found := _WITHIN.match(line))), "")


def _in_time(one: PastDecision) -> bool:
    """Whether the case had not yet ended badly when this message came."""
    before = one.situation.case
    return before is None or before.number != one.case or (before.reopened == 0 and before.state in (CaseState.OPEN, CaseState.WAITING))


def _moves(changes: Sequence[Change]) -> list[tuple[tuple[str, str], int]]:
    moved = [change for change in changes if {"agent", "team", "ignored"} & set(change.answers)]
    return Counter((_who(change.was), _who(change.would)) for change in moved).most_common()


def _who(side: Placed) -> str:
    if side.ignored:
        return "nobody (ignored)"
    if side.agent is None:
        return "whoever has the case"
    return f"{side.team} ({side.agent})" if side.team else str(side.agent)


def _line(change: Change, zone: tzinfo | None) -> str:
    where = f"#{change.case}" if change.case else f"message {change.message}"
    parts = []
    if {"agent", "team", "ignored"} & set(change.answers):
        parts.append(f"{_who(change.was)} -> {_who(change.would)}")
    for answer in change.answers:
        if answer == "due_at":
            parts.append(_hours(change, zone))
        elif answer not in ("agent", "team", "ignored"):
            was, would = (_value(getattr(side, answer)) for side in (change.was, change.would))
            parts.append(f"{_WORDS.get(answer, answer)}: {was} -> {would}")
    return f"{where}  {change.at.astimezone(zone):%-d %b %H:%M}  {'; '.join(parts)}"


def _hours(change: Change, zone: tzinfo | None) -> str:
    def said(side: Placed, within: str) -> str:
        if side.due_at is None:
            return "no hour"
        due = f"{side.due_at.astimezone(zone):%a %-d %b %H:%M}"
        return f"{within}, due {due}" if within else f"due {due}"

    return f"answer within {said(change.would, change.within_would)} (was: {said(change.was, change.within_was)})"


def _value(value: object) -> str:
    match value:
        case tuple():
            return ", ".join(str(item) for item in value) or "none"
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _shown(side: Placed) -> dict[str, Any]:
    return {name: getattr(side, name) for name in Placed.__dataclass_fields__ if name != "case"}


# --- where they come from ---------------------------------------------------------------------------------------------------


def pages(fetch: Callable[[int, int], Sequence[PastDecision]], size: int = 500) -> Iterator[PastDecision]:
    """Walk through decisions by number, a page at a time: memory stays flat however many there are."""
    after = 0
    while page := fetch(after, size):
        yield from page
        after = page[-1].number


def with_headers(past: Iterable[PastDecision], headers: Callable[[int], tuple[tuple[str, str], ...]]) -> Iterator[PastDecision]:
    """Fill in header lines, which decisions do not keep, from the raw mail: needed only where a rule looks at them."""
    for one in past:
        u = one.situation.understood
        message = replace(u.message, headers=headers(one.message))
        yield replace(one, situation=replace(one.situation, understood=replace(u, message=message)))
