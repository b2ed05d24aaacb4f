"""A spike is told early, once, and hardly ever where there is none."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random  # noqa: TID251  # from fixed seeds
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.model import CaseNo, FirstMail, KeyPhrase, PersonNo
from inboxd.core.spikes import HOUR, LOOKS_BACK, Alarm, History, Spike, at_least, hours_to_compare, quote_of, spikes

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NOTHING = History(hours=24.0)
MONTH = timedelta(days=30)


def mail(minutes: float, person: int, phrase: str = "cannot sign", text: str = "") -> FirstMail:
    key = " ".join(sorted(phrase.split()))
    return FirstMail(
        case=CaseNo(person), person=PersonNo(person), at=NOON - timedelta(minutes=minutes), text=text,
        key_phrases=(KeyPhrase(key=key, text=phrase),),
    )  # fmt: skip


def found(mails: Sequence[FirstMail], history: History = NOTHING, told: Sequence[Alarm] = (), now: datetime = NOON) -> tuple[Spike, ...]:
    return spikes(mails, lambda: history, now, told=told)


def usually(people: int, phrase: str = "cannot sign") -> History:
    return History(mails=tuple(mail(0, 1000 + number, phrase) for number in range(people)), hours=24.0)


def test_five_people_who_write_about_what_nobody_ever_wrote_about_are_a_spike() -> None:
    (spike,) = found([mail(minute, minute) for minute in (5, 10, 15, 20, 25)])
    assert (spike.people, spike.name, spike.usual, spike.window) == (5, "cannot sign", 0.0, HOUR)
    assert [each.person for each in spike.mails] == [25, 20, 15, 10, 5]


def test_fewer_than_five_people_are_never_one_however_much_they_write() -> None:
    assert not found([mail(minute, minute % 4) for minute in range(40)])
    assert not found([mail(minute, minute % 2) for minute in range(20)])


def test_what_is_usual_at_this_hour_is_none() -> None:
    assert not found([mail(minute, minute) for minute in range(1, 9)], usually(24 * 5))
    assert found([mail(minute, minute) for minute in range(1, 26)], usually(24 * 5))


def test_where_nothing_is_known_of_what_is_usual_nothing_is_unusual() -> None:
    assert not found([mail(minute, minute) for minute in range(1, 40)], History())


def test_what_is_more_only_because_there_is_more_of_everything_is_none() -> None:
    often = 24
    history = History(mails=(*usually(often).mails, *usually(often * 6, "all sorts").mails), hours=24.0)
    rush = [mail(minute / 2, 100 + minute, f"thing{minute} other{minute}") for minute in range(60)]
    assert found([mail(minute, minute) for minute in range(1, 11)], history)
    assert not found([*(mail(minute, minute) for minute in range(1, 11)), *rush], history)


def test_one_spike_in_several_words_is_told_once() -> None:
    mails = [mail(minute, minute) for minute in range(1, 10)]
    both = [*mails, *(mail(minute, minute, "wrong password") for minute in range(1, 10))]
    (spike,) = found(both)
    assert {"cannot sign", "password wrong"} <= set(spike.keys)


def test_two_things_at_once_are_two_spikes() -> None:
    mails = [*(mail(minute, minute) for minute in range(1, 10)), *(mail(minute, 50 + minute, "card declined") for minute in range(1, 10))]
    assert {spike.name for spike in found(mails)} == {"cannot sign", "card declined"}


def test_what_was_told_is_not_told_again_while_it_lasts() -> None:
    mails = [mail(minute, minute) for minute in range(0, 150, 5)]
    told = Alarm(at=NOON - timedelta(minutes=120), keys=("cannot sign",), usual=0.0)
    assert found(mails) and not found(mails, told=(told,))


def test_what_has_fallen_back_and_comes_again_is_told_again() -> None:
    mails = [mail(minute, minute) for minute in (*range(0, 40, 5), *range(200, 240, 5))]
    assert found(mails, told=(Alarm(at=NOON - timedelta(minutes=195), keys=("cannot sign",), usual=0.0),))


def test_the_same_hour_of_the_weekday_is_compared_by_the_clock_on_the_wall() -> None:
    now = datetime(2026, 11, 2, 9, 30, tzinfo=BERLIN)
    stretches = hours_to_compare(now, BERLIN, now - timedelta(days=400))
    assert len(stretches) == 8
    for begin, end in stretches:
        assert (begin.astimezone(BERLIN).hour, end.astimezone(BERLIN).hour, end.astimezone(BERLIN).weekday()) == (7, 10, 0)


@pytest.mark.parametrize(("known", "hours"), [(0, 0), (2, 0), (4, 4), (10, 7), (30, 4), (60, 8)])
def test_in_the_first_weeks_the_days_before_are_compared(known: int, hours: int) -> None:
    assert len(hours_to_compare(NOON, BERLIN, NOON - timedelta(days=known, hours=3))) == hours
    assert hours_to_compare(NOON, BERLIN, None) == ()


@pytest.mark.parametrize(("seen", "least"), [(0, 1e-12), (24, 1e-4)])
def test_more_people_are_less_likely(seen: int, least: float) -> None:
    chances = [at_least(people, 1.0, seen, 24.0, 10.0) for people in range(1, 12)]
    assert chances == sorted(chances, reverse=True) and chances[-1] > 0 and chances[4] > least / 1e6
    assert at_least(0, 1.0, seen, 24.0, 10.0) == pytest.approx(1.0)


def test_it_is_quoted_in_the_customers_words() -> None:
    mails = [mail(minute, minute, text="Hello,\nI am Ana. Since noon I cannot sign in here. Bye.") for minute in range(1, 8)]
    (spike,) = found(mails)
    assert quote_of(mails[0], spike) == "Since noon I cannot sign in here."


# --- months of a team --------------------------------------------------------------------------------------------------------

HOURS = (0.1,) * 6 + (0.5, 1, 3, 4, 4, 4, 3.5, 3.5, 3.5, 3, 2.5, 2, 1.5, 1, 1, 0.5, 0.3, 0.1)
WEEKDAYS = (1.3, 1.1, 1.0, 1.0, 0.9, 0.45, 0.4)
DRIVERS = 40


def several(rng: Random, rate: float) -> int:
    product, number, least = rng.random(), 0, exp(-rate)
    while product > least:
        product, number = product * rng.random(), number + 1
    return number


def months(weeks: int, seed: int, bursts: Sequence[tuple[datetime, int]] = ()) -> list[FirstMail]:
    """Forty drivers, the commonest ten times as common as the rarest, with better and worse days; and bursts of 20 people in an hour."""
    rng, begin, mails = Random(seed), datetime(2026, 3, 2, tzinfo=UTC), []
    shares = [1 / (1 + driver / 4) for driver in range(DRIVERS)]
    scale = 200 * 7 / sum(HOURS) / sum(WEEKDAYS) / sum(shares)
    for day in range(weeks * 7):
        moods = [rng.gammavariate(12, 1 / 12) for _ in shares]
        for hour in range(24):
            for driver, share in enumerate(shares):
                often = several(rng, scale * share * moods[driver] * HOURS[hour] * WEEKDAYS[day % 7])
                mails += [about(driver, begin + timedelta(days=day, hours=hour + rng.random()), rng) for _ in range(often)]
    mails += [about(driver, at + timedelta(minutes=3 * number + rng.random()), rng) for at, driver in bursts for number in range(20)]
    return sorted(mails, key=lambda one: one.at)


def about(driver: int, at: datetime, rng: Random) -> FirstMail:
    said = rng.sample([f"a{driver} b{driver}", f"b{driver} c{driver}", f"a{driver} d{driver}"], 2)
    person = rng.randrange(10**8)
    phrases = tuple(KeyPhrase(key=each, text=each) for each in (*said, f"x{rng.randrange(30)} y{rng.randrange(30)}"))
    return FirstMail(case=CaseNo(person), person=PersonNo(person), at=at, key_phrases=phrases)


def alarms(mails: Sequence[FirstMail]) -> Iterator[tuple[datetime, Spike]]:
    """Look after each mail, as the daemon does."""
    times, told = [one.at for one in mails], list[Alarm]()
    for now in times:
        told = [alarm for alarm in told if alarm.at > now - LOOKS_BACK]
        since = min([now, *(alarm.at for alarm in told)]) - HOUR
        recent = mails[bisect_right(times, since) : bisect_right(times, now)]

        def history(now: datetime = now) -> History:
            stretches = hours_to_compare(now, BERLIN, times[0])
            past = [one for begin, end in stretches for one in mails[bisect_left(times, begin) : bisect_left(times, end)]]
            return History(mails=tuple(past), hours=sum((end - begin) / HOUR for begin, end in stretches))

        for spike in spikes(recent, history, now, told=told):
            told.append(Alarm(at=now, keys=spike.keys, usual=spike.usual * (HOUR / spike.window)))
            yield now, spike


def test_in_a_month_there_is_at_most_one_false_alarm() -> None:
    mails = months(13, seed=1)
    told = list(alarms(mails))
    assert len(told) <= (mails[-1].at - mails[0].at) / MONTH, [(at, spike.name, spike.people, spike.usual) for at, spike in told]


@pytest.mark.parametrize("seed", [1, 2])
def test_three_spikes_are_each_found_once_by_the_eighth_mail_and_within_half_an_hour(seed: int) -> None:
    bursts = [
        (datetime(2026, 3, 31, 9, tzinfo=UTC), 12),
        (datetime(2026, 4, 4, 14, 20, tzinfo=UTC), 25),
        (datetime(2026, 4, 9, 22, 5, tzinfo=UTC), 3),
    ]
    told = list(alarms(months(6, seed, bursts)))
    for begin, driver in bursts:
        words = {f"{letter}{driver}" for letter in "abcd"}
        (at,) = [now for now, spike in told if begin <= now <= begin + HOUR and words & set(" ".join(spike.keys).split())]
        assert at - begin <= timedelta(minutes=24), "one of them writes every three minutes"
