"""Months in which nothing happens, and things that break in them: to measure how soon that is told, and how often an alarm is false.

The mails are those of the simulated quarter or of `tests/adapters/driver_mails.py`, read once; who writes when is drawn anew for each seed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251  # who writes when, from a fixed seed

from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core import spikes as module
from inboxd.core.model import CaseNo, FirstMail, PersonNo, ToRead
from inboxd.core.spikes import HOUR, LOOKS_BACK, Alarm, History, Spike, hours_to_compare, spikes
from tests.adapters import driver_mails
from tests.simulate import quarter

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
KNOWN = 5 * WEEK  # before anything is looked for
BETTER_AND_WORSE = 12  # shape of the gamma by which one thing varies from day to day: about 30 in 100


@dataclass(frozen=True, slots=True)
class Pool:
    """Mails that were read once, by what they are about; how many there are says how often it is written about."""

    mails: Mapping[str, Sequence[FirstMail]]


def read_pool(written: Iterable[tuple[str, str, str]]) -> Pool:
    """Read mails: what each is about, its subject, its text."""
    told = list(written)
    texts = [ToRead(subject=subject, new_text=text, reply=False) for _, subject, text in told]
    reader, found = SpacyReader(), defaultdict[str, list[FirstMail]](list)
    read = (scores for start in range(0, len(texts), 256) for scores in reader.read(texts[start : start + 256]))
    for (about, _, _), scores in zip(told, read, strict=True):
        topic = next((name for name, sure in scores.topics if sure >= 0.6), "unsure")
        mail = FirstMail(case=CaseNo(0), person=PersonNo(0), at=quarter.BEGIN, key_phrases=scores.key_phrases, topic=topic)
        found[about].append(replace(mail, language=scores.language))
    return Pool(found)


def of_quarter(size: int = 6_000) -> Pool:
    """The mails of the simulated quarter."""
    return read_pool((case.driver, case.subject, case.text) for case in quarter.cases(seed=777, size=size))


def of_others(size: int = 6_000) -> Pool:
    """Mails in more wordings, two languages, and some that are about nothing in particular."""
    return read_pool((mail.about, mail.subject, mail.text) for mail in driver_mails.mails(size, seed=777))


def calm(pool: Pool, seed: int, weeks: int, a_day: float) -> list[FirstMail]:
    """Weeks in which nothing happens, with busy and quiet hours; each thing has better and worse days."""
    rng, found = Random(f"calm {seed} {weeks} {a_day}"), list[FirstMail]()
    whole = sum(quarter.HOURS) * sum(quarter.WEEKDAYS) / 7 * sum(map(len, pool.mails.values()))
    for day in range(weeks * 7):
        moods = {about: rng.gammavariate(BETTER_AND_WORSE, 1 / BETTER_AND_WORSE) for about in pool.mails}
        for hour in range(24):
            weight = a_day * quarter.WEEKDAYS[day % 7] * quarter.HOURS[hour] / whole
            begin = quarter.BEGIN + timedelta(days=day, hours=hour)
            for about, mails in pool.mails.items():
                often = quarter.poisson(rng, weight * len(mails) * moods[about])
                found += [_one(mails, begin + HOUR * rng.random(), rng) for _ in range(often)]
    return sorted(found, key=lambda mail: mail.at)


def broken(pool: Pool, about: str, begin: datetime, an_hour: float, rng: Random) -> list[FirstMail]:
    """Who writes because something broke: so many people an hour, for two hours."""
    found, at = list[FirstMail](), begin
    while (at := at + HOUR * rng.expovariate(an_hour)) < begin + 2 * HOUR:
        found.append(_one(pool.mails[about], at, rng))
    return found


def _one(mails: Sequence[FirstMail], at: datetime, rng: Random) -> FirstMail:
    number = rng.randrange(10**9)
    return replace(rng.choice(mails), case=CaseNo(number), person=PersonNo(number), at=at)


# --- the looks, as the daemon takes them -------------------------------------------------------------------------------------


def alarms(mails: Sequence[FirstMail], looks: Callable[[datetime], bool]) -> Iterator[tuple[datetime, Spike]]:
    """Look after each mail at a time at which anybody looks; `mails` in order of time."""
    times, told = [one.at for one in mails], list[Alarm]()
    for now in filter(looks, times):
        told = [alarm for alarm in told if alarm.at > now - LOOKS_BACK]
        since = min([now, *(alarm.at for alarm in told)]) - HOUR
        recent = mails[bisect_right(times, since) : bisect_right(times, now)]

        def history(now: datetime = now) -> History:
            stretches = hours_to_compare(now, UTC, times[0])
            past = [one for begin, end in stretches for one in mails[bisect_left(times, begin) : bisect_left(times, end)]]
            return History(mails=tuple(past), hours=sum((end - begin) / HOUR for begin, end in stretches))

        for spike in spikes(recent, history, now, told=told):
            told.append(Alarm(at=now, keys=spike.keys, usual=spike.usual * (HOUR / spike.window)))
            yield now, spike


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """When something that broke was told: after how long, and at which of its mails. Nothing where it never was."""

    after: timedelta | None = None
    mail: int | None = None


def false_alarms(pool: Pool, seed: int, weeks: int, a_day: float) -> list[Spike]:
    """All alarms of weeks in which nothing happens, after the first five."""
    with _remembering():
        return [spike for _, spike in alarms(calm(pool, seed, weeks, a_day), lambda at: at >= quarter.BEGIN + KNOWN)]


def how_soon(pool: Pool, seed: int, weeks: int, a_day: float, an_hour: float, times: int) -> list[Found]:
    """Let something break so many times, each time in the same calm weeks, by day."""
    rng, mails, found = Random(f"broken {seed} {an_hour}"), calm(pool, seed, weeks, a_day), list[Found]()
    for _ in range(times):
        about = rng.choice([about for about in pool.mails if about])
        day, minute = rng.randrange(KNOWN // DAY, weeks * 7 - 1), rng.randrange(7 * 60, 18 * 60)
        begin = quarter.BEGIN + timedelta(days=day, minutes=minute)
        theirs = broken(pool, about, begin, an_hour, rng)
        with _remembering():
            found.append(_told(sorted([*mails, *theirs], key=lambda mail: mail.at), theirs, begin))
    return found


def _told(mails: Sequence[FirstMail], theirs: Collection[FirstMail], begin: datetime) -> Found:
    people = {mail.person for mail in theirs}
    for at, spike in alarms(mails, lambda at: begin - HOUR <= at < begin + 2 * HOUR):
        if at >= begin and 2 * sum(mail.person in people for mail in spike.mails) >= len(spike.mails):
            return Found(after=at - begin, mail=sum(mail.at <= at for mail in theirs))
    return Found()


@contextmanager
def _remembering() -> Iterator[None]:
    """What a mail may be counted under is worked out once for each text instead of at each look."""
    really = module.keys_of
    known: dict[tuple[int, str], frozenset[str]] = {}

    def keys_of(mail: FirstMail, names: Collection[str] = ()) -> frozenset[str]:
        key = (id(mail.key_phrases), mail.topic)
        if key not in known:
            known[key] = really(mail, names)
        return known[key]

    module.keys_of = keys_of
    try:
        yield
    finally:
        module.keys_of = really
