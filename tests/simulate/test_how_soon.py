"""Something breaks, and the lead hears of it soon; nothing breaks, and the lead is left alone. `python -m bench spikes` measures more."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from statistics import median

import pytest

from tests.simulate.spiking import KNOWN, WEEK, Pool, calm, false_alarms, how_soon, of_others, of_quarter

WEEKS, A_DAY = 13, 220.0
HALF_AN_HOUR, MONTH = timedelta(minutes=30), timedelta(days=30.4)


@lru_cache(maxsize=2)
def pool(name: str) -> Pool:
    return {"quarter": of_quarter, "others": of_others}[name](2_000)


def test_calm_weeks_have_as_many_mails_a_day_as_asked_for() -> None:
    assert len(calm(pool("quarter"), 1, 4, A_DAY)) / 28 == pytest.approx(A_DAY, rel=0.1)


@pytest.mark.parametrize("name", ["quarter", "others"])
def test_where_nothing_breaks_there_is_at_most_one_alarm_a_month(name: str) -> None:
    seeds = (501, 502)
    told = [spike for seed in seeds for spike in false_alarms(pool(name), seed, WEEKS, A_DAY)]
    assert len(told) <= len(seeds) * (WEEKS * WEEK - KNOWN) / MONTH, [(spike.name, spike.people, spike.usual) for spike in told]


@pytest.mark.parametrize("name", ["quarter", "others"])
def test_thirty_people_an_hour_are_told_within_half_an_hour_at_the_fifth_mail_or_so(name: str) -> None:
    found = [each for seed in (501, 502) for each in how_soon(pool(name), seed, WEEKS, A_DAY, 30, 10)]
    soon = [each for each in found if each.after is not None and each.after <= HALF_AN_HOUR]
    assert len(soon) >= 0.9 * len(found)
    assert median(each.mail or 99 for each in found) <= 7


def test_ten_people_an_hour_are_found_while_it_lasts() -> None:
    found = how_soon(pool("quarter"), 501, WEEKS, A_DAY, 10, 10)
    assert sum(each.after is not None for each in found) >= 6
