"""A quarter of a support team whose truth is known: who wrote why, what became of it, and what each of them really thought.

`cases(seed=1)` gives about 20,000 cases in 13 weeks, in the order in which they come, the same for the same seed:

    from tests.simulate.quarter import cases, spikes

Each knows its person, time, topic, driver, text and feeling, and its `rounds`: what was done and said until it ended.
`spikes` says when something broke and many more wrote about one driver. `tests/simulate/written.py` writes a quarter into a store.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random  # noqa: TID251  # what people do, from a fixed seed

from inboxd.core.follow_up import awake_at
from inboxd.core.model import Sentiment
from tests.simulate import words
from tests.simulate.words import WORDINGS, Wording

BEGIN = datetime(2026, 8, 3, tzinfo=UTC)  # a Monday
SIZE, WEEKS = 20_000, 13
SPIKE = 30  # people an hour more, in a quarter of this size: something broke

AGENTS = {"maria": "seniors", "jonas": "seniors", "petra": "seniors", "tom": "everyone", "aiko": "everyone", "nils": "everyone"}
REASONS = ("past 30 days", "worn already", "not ours to give", "the carrier decides")
GIFTS = ("20 EUR", "a new one by courier", "free delivery", "10 EUR voucher")

ASK_AFTER, SILENCE_AFTER, REMIND_AFTER, CLOSE_AFTER = (timedelta(days=days) for days in (2, 5, 4, 7))
ASKED_AT_MOST_EVERY = timedelta(days=14)
PAUSE = timedelta(days=30)  # a person writes about something else at the earliest after this

WEEKDAYS = (1.3, 1.1, 1.0, 1.0, 0.9, 0.45, 0.4)
HOURS = tuple(0.15 if hour < 6 else 0.6 if hour < 8 else 1.6 if hour < 18 else 1.0 if hour < 22 else 0.4 for hour in range(24))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """A driver about which `SPIKE` people an hour more wrote, for some hours."""

    driver: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """From our first words, or those after a "no", to what the customer said about it."""

    replies: tuple[tuple[datetime, str], ...]  # when an agent answered, and with what
    wrote: tuple[tuple[datetime, Sentiment, str], ...]  # what the customer wrote between two of them: contacts
    agent: str
    resolved_at: datetime
    by_silence: bool
    truly: bool  # whether it really is solved for them, told or not
    came_back: tuple[datetime, str] | None = None  # wrote again before we asked: "it is not solved"
    thanked: tuple[datetime, str] | None = None  # said thank you, and was not asked
    asked_at: datetime | None = None
    answer: bool | None = None  # yes, no, or silence
    answered: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimCase:
    """One case with its truth."""

    number: int  # in the order in which they came, from 0
    person: int
    name: str
    email: str
    at: datetime
    topic: str
    driver: str
    subject: str
    text: str
    sentiment: Sentiment
    spike: bool  # one of those who came because of a spike
    again: int | None  # the case of this person that was not solved, and is why they wrote this one
    agent: str
    team: str
    rounds: tuple[Round, ...]
    could_not: tuple[datetime, str] | None = None
    gave: tuple[tuple[datetime, str], ...] = ()
    closed_at: datetime | None = None  # nobody answered the question

    @property
    def upset(self) -> bool:
        """Whether the first mail was upset."""
        return self.sentiment is Sentiment.UPSET


def spikes(seed: int = 1, weeks: int = WEEKS) -> tuple[Spike, ...]:
    """The three spikes of a quarter, on three days, each of another driver."""
    rng = Random(f"spikes {seed}")
    days = sorted(rng.sample(range(min(7, weeks * 7 // 2), weeks * 7), 3))
    drivers = rng.sample([wording.key for wording in WORDINGS], 3)
    begins = [BEGIN + timedelta(days=day, hours=rng.randrange(7, 15)) for day in days]
    return tuple(
        Spike(driver=driver, begin=begin, end=begin + timedelta(hours=rng.randrange(3, 8)))
        for driver, begin in zip(drivers, begins, strict=True)
    )


def cases(seed: int = 1, weeks: int = WEEKS, size: int = SIZE) -> Iterator[SimCase]:
    """About `size` cases in the order in which they come. The same arguments give the same cases."""
    rng = Random(f"quarter {seed} {weeks} {size}")
    end = BEGIN + timedelta(weeks=weeks)
    town = _Town(size=max(40, round(size * 0.9)))
    coming: list[tuple[datetime, int, _Arrival]] = []
    serial = itertools.count()
    for at, wording, spike in _first_contacts(rng, seed, weeks, size * 0.93):
        heapq.heappush(coming, (at, next(serial), _Arrival(wording=wording, spike=spike)))
    number = 0
    while coming:
        at, _, arrival = heapq.heappop(coming)
        person = town.somebody(rng, at) if arrival.person is None else arrival.person
        case = _lived(rng, number, at, person, arrival, town)
        number += 1
        yield case
        last = case.rounds[-1]
        if not last.truly and last.answer is None and last.thanked is None and rng.random() < 0.4:
            again = (last.asked_at or last.resolved_at) + timedelta(hours=rng.randrange(30, 240))
            if again < end:
                repeat = _Arrival(wording=arrival.wording, spike=False, person=person, again=case.number, agent=case.agent)
                heapq.heappush(coming, (again, next(serial), repeat))
                town.free_at[person] = again + PAUSE


# --- who comes, when, why --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    wording: Wording
    spike: bool
    person: int | None = None
    again: int | None = None
    agent: str = ""


@dataclass
class _Town:
    """The people who may write; whoever has just written has nothing new for a while."""

    size: int
    free_at: dict[int, datetime] = field(default_factory=dict)
    asked_at: dict[int, datetime] = field(default_factory=dict)

    def somebody(self, rng: Random, at: datetime) -> int:
        for _ in range(1000):
            person = rng.randrange(self.size)
            if self.free_at.get(person, at) <= at:
                break
        else:
            person, self.size = self.size, self.size + 1
        self.free_at[person] = at + PAUSE
        return person


def _first_contacts(rng: Random, seed: int, weeks: int, expected: float) -> Iterator[tuple[datetime, Wording, bool]]:
    hours = [BEGIN + timedelta(hours=hour) for hour in range(weeks * 7 * 24)]
    weights = [WEEKDAYS[hour.weekday()] * HOURS[hour.hour] for hour in hours]
    base = expected / sum(weights) / sum(wording.people for wording in WORDINGS)
    jumps, jump = spikes(seed, weeks), SPIKE * expected / 0.93 / weeks * WEEKS / SIZE
    for hour, weight in zip(hours, weights, strict=True):
        for wording in WORDINGS:
            rate = base * weight * wording.people
            jumping = any(each.driver == wording.key and each.begin <= hour < each.end for each in jumps)
            for spike, often in ((False, rate), (True, jump if jumping else 0.0)):
                for _ in range(poisson(rng, often)):
                    yield hour + timedelta(minutes=rng.randrange(60)), wording, spike


def poisson(rng: Random, rate: float) -> int:
    """How often something happens that happens so often on average."""
    if rate <= 0:
        return 0
    threshold, product, count = exp(-rate), rng.random(), 0
    while product > threshold:
        product, count = product * rng.random(), count + 1
    return count


# --- what becomes of it ----------------------------------------------------------------------------------------------


def _lived(rng: Random, number: int, at: datetime, person: int, arrival: _Arrival, town: _Town) -> SimCase:
    wording = arrival.wording
    upset = rng.random() < (0.6 if arrival.again is not None else wording.upset)
    feeling = Sentiment.UPSET if upset else Sentiment.UNHAPPY if rng.random() < 0.15 else Sentiment.NEUTRAL
    team = "seniors" if upset else "everyone"
    agent = arrival.agent or rng.choice([name for name, its in AGENTS.items() if its == team])
    name = f"{words.FIRST_NAMES[person % 24]} {words.LAST_NAMES[person // 24 % 22]}"
    refused = rng.random() < 0.06
    first = _first_round(rng, at, agent, upset, refused)
    could_not = (first.replies[-1][0], rng.choice(REASONS)) if refused else None
    gave = [(first.replies[-1][0], rng.choice(GIFTS))] if not refused and rng.random() < (0.4 if upset else 0.04) else []
    solved = 0.25 if refused else 0.86 - 0.3 * upset - 0.12 * len(first.wrote) + 0.2 * bool(gave)
    rounds = [_ended(rng, first, solved, town, person, at_once=False)]
    while (back := _came_back(rounds[-1])) is not None and len(rounds) < 4:
        senior = rng.choice([name for name, its in AGENTS.items() if its == "seniors"])
        again = _next_round(rng, back, senior)
        if rng.random() < 0.5:
            gave.append((again.replies[-1][0], rng.choice(GIFTS)))
        unhappy = any(each.answer is False for each in rounds)
        silent = len(rounds) == 3
        rounds.append(_ended(rng, again, 0.0 if silent else 0.75, town, person, at_once=unhappy, silent=silent))
    last = rounds[-1]
    closed_at: datetime | None = None
    if last.answer is None:
        reminded = upset or feeling is Sentiment.UPSET or len(rounds) > 1
        asked = last.asked_at
        closed_at = (asked + (REMIND_AFTER if reminded else timedelta()) if asked else last.resolved_at) + CLOSE_AFTER
    return SimCase(
        number=number,
        person=person,
        name=name,
        email=f"p{person}@people.example",
        at=at,
        topic=wording.topic,
        driver=wording.key,
        subject=_filled(rng, rng.choice(wording.subjects)),
        text=_text(rng, wording, feeling, name, again=arrival.again is not None),
        sentiment=feeling,
        spike=arrival.spike,
        again=arrival.again,
        agent=agent,
        team=AGENTS[agent],
        rounds=tuple(rounds),
        could_not=could_not,
        gave=tuple(gave),
        closed_at=closed_at,
    )


def _first_round(rng: Random, at: datetime, agent: str, upset: bool, refused: bool) -> Round:
    more = rng.choices((0, 1, 2), (0.72, 0.22, 0.06))[0]
    replies, wrote = [], []
    for turn in range(more + 1):
        at += _hours(rng, 1, 20)
        replies.append((at, _filled(rng, rng.choice(words.REFUSED if refused and turn == more else words.REPLIES))))
        if turn < more:
            at += _hours(rng, 2, 40)
            feeling = Sentiment.UPSET if upset and rng.random() < 0.5 else Sentiment.UNHAPPY if rng.random() < 0.3 else Sentiment.NEUTRAL
            wrote.append((at, feeling, f"{_feeling_words(rng, feeling)} {rng.choice(words.AGAIN)}".strip()))
    silence = not refused and rng.random() < 0.2
    resolved_at = at + (SILENCE_AFTER if silence else timedelta())
    return Round(replies=tuple(replies), wrote=tuple(wrote), agent=agent, resolved_at=resolved_at, by_silence=silence, truly=False)


def _next_round(rng: Random, at: datetime, agent: str) -> Round:
    reply = (at + _hours(rng, 1, 12), _filled(rng, rng.choice(words.REPLIES)))
    return Round(replies=(reply,), wrote=(), agent=agent, resolved_at=reply[0], by_silence=False, truly=False)


def _ended(rng: Random, begun: Round, solved: float, town: _Town, person: int, *, at_once: bool, silent: bool = False) -> Round:
    """What the customer did after it was resolved. `at_once`: a bad experience was mended, so that they are asked in any case."""
    truly = rng.random() < solved
    quiet = begun.resolved_at + (timedelta() if begun.by_silence else ASK_AFTER)  # after silence we ask at once
    asked_at = awake_at(quiet, UTC)  # by day
    late, chance = town.asked_at.get(person), rng.random()
    if not silent and not begun.by_silence and not truly and chance < 0.15:
        return replace(begun, truly=truly, came_back=(begun.resolved_at + _hours(rng, 3, 40), _again(rng)))
    if not silent and not begun.by_silence and truly and chance < 0.12:
        return replace(begun, truly=truly, thanked=(begun.resolved_at + _hours(rng, 3, 40), rng.choice(words.THANKS)))
    if not at_once and late is not None and asked_at - late < ASKED_AT_MOST_EVERY:
        return replace(begun, truly=truly)
    town.asked_at[person] = asked_at
    if silent or rng.random() >= (0.65 if at_once else 0.4 if truly else 0.6):  # those whom it failed tell it more often
        return replace(begun, truly=truly, asked_at=asked_at)
    said = _filled(rng, rng.choice((words.WON if at_once else words.YES) if truly else words.NO))
    return replace(begun, truly=truly, asked_at=asked_at, answer=truly, answered=(asked_at + _hours(rng, 1, 60), said))


def _again(rng: Random) -> str:
    return f"{rng.choice(words.REGRET)} {rng.choice(words.AGAIN)}"


def _came_back(last: Round) -> datetime | None:
    """When the case was opened again, if it was."""
    if last.came_back:
        return last.came_back[0]
    return last.answered[0] if last.answer is False and last.answered else None


def _hours(rng: Random, least: int, most: int) -> timedelta:
    return timedelta(minutes=rng.randrange(least * 60, most * 60))


# --- in what words -----------------------------------------------------------------------------------------------------


def _text(rng: Random, wording: Wording, feeling: Sentiment, name: str, *, again: bool) -> str:
    said = [rng.choice(wording.says)]
    if again:
        said.insert(0, rng.choice(words.AGAIN))
    if anger := _feeling_words(rng, feeling):
        said.insert(rng.randrange(len(said) + 1), anger)
    for around in rng.sample(words.AROUND, rng.choice((0, 0, 1, 1, 2))):
        said.insert(rng.randrange(len(said) + 1), around)
    parts = (rng.choice(words.GREETINGS), _filled(rng, " ".join(said)), rng.choice(words.ENDINGS), name.split()[0])
    return "\n".join(part for part in parts if part)


def _feeling_words(rng: Random, feeling: Sentiment) -> str:
    if feeling is Sentiment.UPSET:
        return rng.choice(words.ANGER)
    return rng.choice(words.REGRET) if feeling is Sentiment.UNHAPPY else ""


def _filled(rng: Random, text: str) -> str:
    return text.format(
        n=rng.randrange(3, 48), order=f"K-{rng.randrange(10000, 99999)}", money=rng.randrange(12, 180), day=rng.choice(words.DAYS)
    )
