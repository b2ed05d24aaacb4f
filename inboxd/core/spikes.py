"""Spikes: far more people than usual write about one thing. Usual is what the same weekday and hour saw in the weeks before."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from inboxd.core.dates import sentences
from inboxd.core.drivers import phrases_of
from inboxd.core.model import FirstMail, PersonNo

FEWEST = 5  # different people: fewer are never a spike
BY_CHANCE = 1.5e-5  # how likely by chance a count may be, shared among all phrases: less than one false alarm a month, see measures.md
HOUR = timedelta(hours=1)
WINDOWS = (HOUR, HOUR / 2, HOUR / 4)
ENOUGH = 3  # such hours, before anything is called unusual
WEEKS = 8  # of the past, in which the same weekday and hour are looked at
AROUND = HOUR  # what came so long before and after that hour counts, too: a few people more or less in an hour say little
UNKNOWN = 0.5  # people whom a phrase never seen has in its favour
SHARE = 0.02  # of all mail that a phrase never seen may have
SURELY = 15.0  # people seen, beyond which a rate is not thought better known: busy things vary by more than chance
LOOKS_BACK = timedelta(days=7)  # for alarms that still hold
ALIKE = 0.5  # of the people of two spikes, from which on they are one
FEW = 2  # people in an hour: fallen back, whatever is usual
STEP = timedelta(minutes=15)
MOST_SHOWN = 5
TOPIC = "topic:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """What so many people write about at once, and how many usually do."""

    key: str
    keys: tuple[str, ...]  # of all phrases that rose with it
    name: str
    people: int
    window: timedelta
    usual: float  # people in such a time
    chance: float  # how likely such a count is where nothing happened
    mails: tuple[FirstMail, ...]  # the first of each person, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A spike that was told."""

    at: datetime
    keys: tuple[str, ...]
    usual: float  # people an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Mails of the same weekday and hour in the weeks before, with how many hours that are."""

    mails: tuple[FirstMail, ...] = ()
    hours: float = 0.0


def hours_to_compare(now: datetime, zone: tzinfo, first: datetime | None) -> tuple[tuple[datetime, datetime], ...]:
    """The stretches of time that say what is usual now, by the clock on the wall; none from before the first mail ever.

    In the first weeks the same hour of the days before counts, too. `()`: too little is known to call anything unusual.
    """
    if first is None:
        return ()
    wall = now.astimezone(zone).replace(tzinfo=None)
    weeks = [timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    known = [each for each in weeks if now - each - HOUR - AROUND >= first]
    if len(known) < ENOUGH:
        known = [each for each in sorted({*weeks, *(timedelta(days=day) for day in range(1, 8))}) if now - each - HOUR - AROUND >= first]
    ends = ((wall - each).replace(tzinfo=zone).astimezone(now.tzinfo) for each in known)
    return tuple((end - HOUR - AROUND, end + AROUND) for end in ends) if len(known) >= ENOUGH else ()


def spikes(
    recent: Sequence[FirstMail], history: Callable[[], History], now: datetime, *, told: Sequence[Alarm] = (), names: Collection[str] = ()
) -> tuple[Spike, ...]:
    """What is unusual right now and was not told yet, the least likely first.

    `recent`: the mails of the last hour, and those since an hour before the oldest alarm. `history` is asked for only where it is needed.
    """
    last = [mail for mail in recent if now - HOUR < mail.at <= now]
    if len({mail.person for mail in last}) < FEWEST:
        return ()
    often = {key: mails for key, mails in _by_key(last, names).items() if len(mails) >= FEWEST}
    if not often:
        return ()
    quiet = frozenset(key for alarm in told if not _fallen_back(alarm, recent, now) for key in alarm.keys)
    found: list[Spike] = []
    for spike in sorted(_unusual(last, often, history(), now, names), key=lambda one: (one.chance, -one.people, one.key)):
        people = {mail.person for mail in spike.mails}
        same = next((place for place, other in enumerate(found) if _overlap(people, other) >= ALIKE), None)
        if same is None:
            found.append(spike)
        else:
            found[same] = replace(found[same], keys=(*found[same].keys, spike.key))
    return tuple(spike for spike in found if quiet.isdisjoint(spike.keys) and not _part_of(quiet, spike))


def _unusual(
    last: Sequence[FirstMail], often: Mapping[str, Sequence[FirstMail]], history: History, now: datetime, names: Collection[str]
) -> Iterator[Spike]:
    if not history.hours:
        return
    seen = Counter(key for mail in history.mails for key in keys_of(mail))
    ranks = sorted(seen.values())
    everybody, all_seen = len({mail.person for mail in last}), len(history.mails)
    all_an_hour = max(all_seen / history.hours, 1.0)
    for key, mails in often.items():
        others = (all_seen - seen[key]) / history.hours
        busier = max(1.0, (everybody - len(mails) + 2) / (others + 2))  # on a busy day there is more of everything
        rank = 1 + len(ranks) - bisect_left(ranks, seen[key])  # what many write about is looked at first; of rare phrases there are many
        for window in WINDOWS:
            people = [mail for mail in mails if now - window < mail.at]
            length = window / HOUR
            chance = at_least(len(people), length * busier, seen[key], history.hours, all_an_hour) if len(people) >= FEWEST else 1.0
            if chance <= BY_CHANCE / rank:
                yield Spike(
                    key=key, keys=(key,), name=_name(key, people, names), people=len(people), window=window,
                    usual=seen[key] / history.hours * length, chance=chance, mails=tuple(people),
                )  # fmt: skip
                break


def keys_of(mail: FirstMail, names: Collection[str] = ()) -> frozenset[str]:
    """All that a mail may be counted under: its phrases, their words, its topic."""
    phrases = phrases_of(mail, names)
    words = {word for phrase in phrases for word in phrase.key.split()} - {"not"}
    topic = {f"{TOPIC}{mail.topic}"} if mail.topic not in ("unsure", "other") else set()
    return frozenset({phrase.key for phrase in phrases} | words | topic)


def _by_key(mails: Sequence[FirstMail], names: Collection[str]) -> Mapping[str, list[FirstMail]]:
    """The first mail of each person under each key, oldest first."""
    found: dict[str, dict[PersonNo, FirstMail]] = defaultdict(dict)
    for mail in sorted(mails, key=lambda mail: (mail.at, mail.case)):
        for key in keys_of(mail, names):
            found[key].setdefault(mail.person, mail)
    return {key: list(people.values()) for key, people in found.items()}


def at_least(count: int, hours: float, seen: int, seen_hours: float, all_an_hour: float) -> float:
    """How likely at least `count` people write in so many hours where `seen` did in `seen_hours`: a gamma prior's negative binomial."""
    shape, rate = UNKNOWN + seen, UNKNOWN / (SHARE * all_an_hour) + seen_hours
    if shape > SURELY:
        shape, rate = SURELY, rate * SURELY / shape
    share = hours / (rate + hours)
    term = math.exp(
        math.lgamma(shape + count) - math.lgamma(shape) - math.lgamma(count + 1) + shape * math.log(1 - share) + count * math.log(share)
    )
    total, number = 0.0, count
    while term > total * 1e-9 and number < count + 10_000:
        total += term
        term *= share * (shape + number) / (number + 1)
        number += 1
    return min(1.0, total)


def _name(key: str, mails: Sequence[FirstMail], names: Collection[str]) -> str:
    """The commonest wording; a pair of words that most of them wrote says more than the one word that rose most."""
    if key.startswith(TOPIC):
        return key.removeprefix(TOPIC).replace("_", " ")
    wanted = set(key.split())
    wordings: dict[str, Counter[str]] = defaultdict(Counter)
    for mail in mails:
        for phrase in phrases_of(mail, names):
            if wanted <= set(phrase.key.split()):
                wordings[phrase.key][phrase.text.lower() if phrase.text[1:].islower() else phrase.text] += 1
    if not wordings:
        return key
    best = min(wordings, key=lambda each: (-sum(wordings[each].values()) * len(each.split()), each))
    return min(wordings[best].items(), key=lambda item: (-item[1], len(item[0]), item[0]))[0]


def quote_of(mail: FirstMail, spike: Spike) -> str:
    """The sentence of a mail in which it stands, as written; its first one where it stands nowhere else than in the subject."""
    wanted = {word for key in spike.keys for word in key.split()}
    said = [phrase.text.casefold() for phrase in mail.key_phrases if not wanted.isdisjoint(phrase.key.split())]
    told = [" ".join(sentence.split()) for sentence in sentences(mail.text)]
    return max(told, key=lambda line: sum(text in line.casefold() for text in said), default="")


def _overlap(people: Collection[PersonNo], other: Spike) -> float:
    others = {mail.person for mail in other.mails}
    return len(others.intersection(people)) / min(len(others), len(people))


def _part_of(quiet: Collection[str], spike: Spike) -> bool:
    """Whether half of these people are those of a spike that was told, in other words."""
    return 2 * sum(not keys_of(mail).isdisjoint(quiet) for mail in spike.mails) >= len(spike.mails)


def _fallen_back(alarm: Alarm, recent: Sequence[FirstMail], now: datetime) -> bool:
    """Whether there was an hour since the alarm in which hardly more people than usual wrote about it."""
    keys = frozenset(alarm.keys[:1])
    mails = [mail for mail in recent if not keys.isdisjoint(keys_of(mail))]
    at = alarm.at + HOUR
    while at <= now:
        if len({mail.person for mail in mails if at - HOUR < mail.at <= at}) <= max(FEW, 2 * alarm.usual):
            return True
        at += STEP
    return False
