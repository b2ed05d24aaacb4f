"""The measures against a quarter whose truth is known, and the quarter against real days."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

import pytest

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.findings import Compared, Findings
from inboxd.core.measure import Scope, measure, needed_since
from tests.simulate.played import Played
from tests.simulate.quarter import BEGIN, SIZE, SPIKE, WEEKS, SimCase, cases, spikes
from tests.simulate.truth import Truth
from tests.simulate.words import WORDINGS
from tests.simulate.written import write

END = BEGIN + timedelta(weeks=WEEKS)
LATER = END + timedelta(days=40)  # by then everybody has said what they had to say
SHARES = ("satisfied", "response", "wrote_again", "first_contact", "reopened", "win_back")


def scope(first: datetime = BEGIN, last: datetime = END, now: datetime = LATER) -> Scope:
    """The days from `first` to before `last`."""
    return Scope(brand="Acme Support", first=first.date(), last=last.date() - timedelta(days=1), now=now)


def written(quarter: Sequence[SimCase], until: datetime = LATER) -> SqliteStore:
    store = SqliteStore(":memory:")
    write(store, quarter, until)
    return store


def found(store: SqliteStore, asked: Scope) -> Findings:
    return measure(store.records(needed_since(asked)), asked)


def counts(findings: Findings) -> dict[str, tuple[int, int]]:
    values = {name: getattr(findings, name) for name in SHARES}
    plain = {name: each.now if isinstance(each, Compared) else each for name, each in values.items()}
    return {name: (each.count, each.of) for name, each in plain.items()}


def truths(truth: Truth) -> dict[str, tuple[int, int]]:
    return {name: getattr(truth, name)() for name in SHARES}


@lru_cache(maxsize=1)
def whole() -> tuple[SimCase, ...]:
    return tuple(cases())


# --- the quarter itself


def test_the_same_seed_gives_the_same_quarter_and_another_seed_another() -> None:
    assert list(cases(seed=5, size=200)) == list(cases(seed=5, size=200))
    assert list(cases(seed=5, size=200)) != list(cases(seed=6, size=200))


def test_a_quarter_has_20000_cases_in_order_a_dozen_drivers_and_three_spikes() -> None:
    quarter = whole()
    assert 19_000 < len(quarter) < 21_000
    assert [case.number for case in quarter] == list(range(len(quarter)))
    assert all(one.at <= other.at for one, other in pairwise(quarter))
    assert {case.driver for case in quarter} == {wording.key for wording in WORDINGS}


def test_where_something_breaks_so_many_more_people_write_about_it_for_some_hours() -> None:
    more, hours = 0, timedelta()
    for seed in range(10):
        quarter = list(cases(seed=seed, size=5_000))
        for spike in spikes(seed):
            there = [case for case in quarter if case.driver == spike.driver and spike.begin <= case.at < spike.end]
            more, hours = more + sum(case.spike for case in there), hours + (spike.end - spike.begin)
        assert sum(case.spike for case in quarter) == sum(
            case.spike for spike in spikes(seed) for case in quarter if case.driver == spike.driver and spike.begin <= case.at < spike.end
        )
    assert more / (hours / timedelta(hours=1)) == pytest.approx(SPIKE * 5_000 / SIZE, rel=0.1)


def test_the_texts_of_a_driver_vary() -> None:
    by_driver = Counter((case.driver, case.text) for case in whole()[:3000])
    assert sum(times > 1 for times in by_driver.values()) < 0.1 * len(by_driver)


# --- the measures tell the truth


def test_the_measures_of_20000_cases_are_the_truth_and_are_quickly_told() -> None:
    quarter, began = whole(), time.process_time()
    store = written(quarter, END)
    assert time.process_time() - began < 60
    began = time.process_time()
    findings = found(store, scope(now=END))
    assert time.process_time() - began < 6, "about 2 s on an idle core"
    truth = Truth(quarter, BEGIN, END, END)
    assert counts(findings) == truths(truth)
    assert findings.people == len(truth.people())
    assert findings.dissatisfied_mended == truth.mended()
    assert len(findings.thanks) == truth.thanks()
    assert {each.reason: (each.count, each.unhappy) for each in findings.refusals} == truth.refusals()
    assert {each.what: (each.count, each.won_back) for each in findings.leeway} == truth.leeway()


def test_the_measures_of_20000_cases_fit_into_150_megabytes() -> None:
    store = written(list(cases(size=2_000)))
    tracemalloc.start()
    found(store, scope())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15_000_000, "of a tenth of them"


@pytest.mark.parametrize("week", [0, 1, 6, 12])
def test_a_week_and_the_week_before_are_the_truth_of_their_time(week: int) -> None:
    quarter = list(cases(seed=2, size=4_000))
    first = BEGIN + timedelta(weeks=week)
    last, now = first + timedelta(weeks=1), first + timedelta(weeks=1, hours=8)
    findings = found(written(quarter, now), scope(first, last, now))
    assert counts(findings) == truths(Truth(quarter, first, last, now))
    back = timedelta(weeks=1)
    before = truths(Truth(quarter, first - back, last - back, now - back))
    for name in SHARES:
        each = getattr(findings, name)
        assert not isinstance(each, Compared) or (each.before.count, each.before.of) == before[name], name


@lru_cache(maxsize=1)
def of_everybody() -> dict[str, float]:
    """The shares of a town so large that chance has no part in it."""
    told = truths(Truth(list(cases(seed=99, size=60_000)), BEGIN, END, LATER))
    return {name: count / of for name, (count, of) in told.items()}


def test_in_93_of_100_small_quarters_the_truth_lies_within_the_interval() -> None:
    held: Counter[str] = Counter()
    for seed in range(100):
        findings = found(written(list(cases(seed=seed, size=250))), scope())
        for name, true in of_everybody().items():
            each = getattr(findings, name)
            share = each.now if isinstance(each, Compared) else each
            held[name] += share.low <= true <= share.high
    assert all(held[name] >= 93 for name in SHARES), held


def test_between_weeks_that_are_alike_hardly_ever_a_change_is_claimed() -> None:
    """5 in 100 by chance. Those of one quarter hang together: 20 of them vary by 1.2, so 500 of 25 quarters by 6, and 40 are too many."""
    claimed, compared = 0, 0
    for seed in range(25):
        store = written(list(cases(seed=seed, size=1_000)))
        for week in (2, 4, 6, 8, 10):
            first = BEGIN + timedelta(weeks=week)
            asked = scope(first, first + timedelta(weeks=1), first + timedelta(weeks=2))
            findings = found(store, asked)
            for name in ("satisfied", "first_contact", "reopened", "win_back"):
                claimed, compared = claimed + getattr(findings, name).changed, compared + 1
    assert claimed <= 0.08 * compared


def test_those_who_answer_are_not_all_and_the_share_says_so_only_by_its_response() -> None:
    """People whom it failed answer more often: the share of those who answered is not that of all who were asked."""
    findings, truth = found(written(list(cases(size=5_000))), scope()), Truth(list(cases(size=5_000)), BEGIN, END, LATER)
    true, of = truth.truly_satisfied()
    assert findings.satisfied is not None
    assert findings.response is not None
    assert not findings.satisfied.now.low <= true / of <= findings.satisfied.now.high
    assert findings.response.count / findings.response.of < 0.6


# --- the quarter as the daemon leaves it


def test_a_quarter_that_real_days_leave_in_the_store_gives_the_same_measures() -> None:
    quarter = list(cases(seed=3, size=250))
    played = Played()
    played.play(quarter, LATER)
    asked = scope()
    real, simulated = found(played.day.store, asked), found(written(quarter), asked)

    def alike(findings: Findings) -> Findings:
        """Who got a case, and in which order people became known, is the daemon's own affair."""
        won = tuple(replace(each, agents=()) for each in findings.won_back)
        thanks = tuple(replace(each, agent_name="") for each in findings.thanks)
        return replace(findings, names={}, won_back=won, thanks=thanks)

    assert alike(real) == alike(simulated)
    assert sorted(real.names.values()) == sorted(simulated.names.values())
    assert counts(real) == truths(Truth(quarter, BEGIN, END, LATER))
    assert len(real.won_back) > 10
    assert len(real.refusals) > 2
    assert len(real.thanks) == Truth(quarter, BEGIN, END, LATER).thanks() > 10
