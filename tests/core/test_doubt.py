from __future__ import annotations

from math import comb, inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.doubt import Z, compared, difference, rate_ratio, share, wilson

# R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, method 3, and 873-890, method 10.
WILSON = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}
NEWCOMBE = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0),
}
counts = st.integers(0, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@pytest.mark.parametrize(("counted", "interval"), WILSON.items())
def test_the_interval_of_a_share_is_that_of_the_published_table(counted: tuple[int, int], interval: tuple[float, float]) -> None:
    assert wilson(*counted) == pytest.approx(interval, abs=0.00006)


@pytest.mark.parametrize(("counted", "interval"), NEWCOMBE.items())
def test_the_interval_of_a_difference_is_that_of_the_published_table(
    counted: tuple[int, int, int, int], interval: tuple[float, float]
) -> None:
    a, m, b, n = counted
    assert difference(share(a, m), share(b, n)) == pytest.approx(interval, abs=0.00006)


@given(counts)
def test_a_share_lies_within_its_interval_and_the_interval_within_0_and_1(counted: tuple[int, int]) -> None:
    count, of = counted
    low, high = wilson(count, of)
    assert 0 <= low <= high <= 1
    assert not of or low <= count / of <= high


@pytest.mark.parametrize("of", [1, 2, 7, 30, 61])
def test_the_interval_holds_exactly_the_shares_that_the_count_does_not_speak_against(of: int) -> None:
    for count in range(of + 1):
        low, high = wilson(count, of)
        for step in range(1, 1000):
            p = step / 1000
            speaks_against = abs(count / of - p) > Z * (p * (1 - p) / of) ** 0.5
            assert speaks_against is not (low <= p <= high) or isclose(p, low) or isclose(p, high)


@given(counts, counts)
def test_it_does_not_matter_which_of_two_shares_comes_first(one: tuple[int, int], other: tuple[int, int]) -> None:
    low, high = difference(share(*one), share(*other))
    back = difference(share(*other), share(*one))
    assert (-high, -low) == pytest.approx(back)
    assert compared(share(*one), share(*other)).changed is compared(share(*other), share(*one)).changed


def test_a_difference_within_its_doubt_is_no_change() -> None:
    assert not compared(share(52, 61), share(49, 59)).changed
    assert compared(share(520, 610), share(420, 610)).changed
    assert not compared(share(3, 3), share(0, 0)).changed, "nothing can be said beside nothing"


def test_a_share_names_each_case_once_and_in_order() -> None:
    assert share(2, 5, [7, 3, 7]).cases == (3, 7)  # type: ignore[list-item]  # plain numbers will do


@pytest.mark.parametrize(("now", "before"), [(1, 0), (5, 5), (0, 6), (12, 3), (40, 70)])
def test_the_interval_of_two_rates_is_exact(now: int, before: int) -> None:
    total, found = now + before, rate_ratio(now, before)

    def at_least(k: int, p: float) -> float:
        return sum(comb(total, i) * p**i * (1 - p) ** (total - i) for i in range(k, total + 1))

    low, high = found.low / (1 + found.low), 1.0 if found.high == inf else found.high / (1 + found.high)
    assert now == 0 or at_least(now, low) == pytest.approx(0.025)
    assert before == 0 or 1 - at_least(now + 1, high) == pytest.approx(0.025)


def test_small_counts_are_no_change_until_they_are() -> None:
    assert not rate_ratio(5, 0).changed
    assert rate_ratio(6, 0).changed
    assert not rate_ratio(44, 47).changed
    assert rate_ratio(19, 6).changed
    assert not rate_ratio(0, 0).changed


def test_a_rate_is_counted_over_its_span() -> None:
    fall = rate_ratio(8, 62, span=1, span_before=2)  # 8 in a week after 31 a week
    assert fall.ratio == pytest.approx(8 / 31)
    assert fall.high < 0.6
    assert not rate_ratio(30, 60, span=1, span_before=2).changed


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_the_ratio_lies_within_its_interval(now: int, before: int) -> None:
    found = rate_ratio(now, before)
    assert found.low <= found.ratio * (1 + 1e-9)
    assert found.ratio <= found.high * (1 + 1e-9)
