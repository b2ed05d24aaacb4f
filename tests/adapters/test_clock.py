"""The time of this machine, and identifiers nobody can guess."""

from __future__ import annotations

import re
import threading
from datetime import UTC, timedelta

import pytest

from inboxd.adapters.clock import SystemClock, jitter


class Noting(threading.Event):
    """Notes how long somebody would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


def test_now_is_aware_and_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


@pytest.mark.parametrize(("ahead", "waited"), [(timedelta(seconds=10), 10), (timedelta(days=3), 60), (None, 60)])
def test_it_waits_until_the_date_but_a_minute_at_most(ahead: timedelta | None, waited: float) -> None:
    clock, wake = SystemClock(), Noting()
    clock.wait_until(None if ahead is None else clock.now() + ahead, wake)
    assert wake.waits == [pytest.approx(waited, abs=1)]


def test_a_date_that_has_passed_is_not_waited_for() -> None:
    clock, wake = SystemClock(), Noting()
    clock.wait_until(clock.now() - timedelta(seconds=1), wake)
    assert wake.waits == []


def test_a_wake_up_ends_the_wait_at_once_and_is_used_up() -> None:
    clock, wake = SystemClock(), threading.Event()
    wake.set()
    clock.wait_until(None, wake)  # would take a minute
    assert not wake.is_set()


def test_identifiers_are_26_letters_of_a_token_and_never_the_same() -> None:
    found = {SystemClock().fresh() for _ in range(500)}
    assert len(found) == 500
    assert all(re.fullmatch("[a-z2-7]{26}", each) for each in found)


def test_jitter_is_between_none_and_all() -> None:
    found = {jitter() for _ in range(50)}
    assert len(found) > 40 and all(0 <= each <= 1 for each in found)
