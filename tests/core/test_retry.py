"""How long to wait before the next try, and when to stop."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.retry import GIVE_UP_AFTER, backoff, wait

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("tries", "minutes"), [(0, 1), (1, 1), (2, 5), (3, 15), (4, 60), (99, 60)])
def test_a_deferred_mail_waits_longer_each_time_and_at_most_an_hour(tries: int, minutes: int) -> None:
    assert wait(tries, timedelta(0), 0.0) == minutes * MINUTE


def test_chance_spreads_the_tries() -> None:
    assert wait(1, timedelta(0), 1.0) == 1.2 * MINUTE


def test_after_five_days_a_person_is_asked_instead() -> None:
    assert wait(50, GIVE_UP_AFTER - timedelta(seconds=1), 0.5) is not None
    assert wait(50, GIVE_UP_AFTER, 0.5) is None
    assert timedelta(days=4) <= GIVE_UP_AFTER  # RFC 5321, 4.5.4.1


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_connecting_again_never_waits_more_than_five_minutes_nor_less_than_half_a_second(failures: int, jitter: float) -> None:
    assert timedelta(seconds=0.5) <= backoff(failures, jitter) <= timedelta(minutes=5)


def test_connecting_again_waits_twice_as_long_each_time() -> None:
    assert [backoff(n, 1.0).total_seconds() for n in (1, 2, 3, 4, 20)] == [1, 2, 4, 8, 300]
