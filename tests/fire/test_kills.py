"""The main job under fire, in short: the power is cut while mail flows, and no mail is lost, doubled or routed twice (I1-I3, I11)."""

from __future__ import annotations

import pytest

from tests.fire.matrix import POINTS, Plan, play, why_not
from tests.fire.tally import Tally


def told(tally: Tally, title: str) -> Tally:
    print("\n" + tally.table(title))
    return tally


@pytest.mark.skipif(bool(why_not("dovecot")), reason=why_not("dovecot") or "the servers are here")
def test_no_kill_at_any_moment_loses_doubles_or_parks_a_mail() -> None:
    tally = told(play(Plan(mails=60, customers=30, kills=6, points=POINTS, warm=True)), "Dovecot: 6 random kills, each named point")
    assert not tally.failed, tally.table("Dovecot")
    assert tally.mails >= 60 + 2 * len(POINTS) and tally.answers >= 60, "and the run was a real one"
    assert tally.told["starts of the daemon"] > 6, "the kills were real ones"


def test_the_same_holds_on_cyrus() -> None:
    if reason := why_not("cyrus"):  # asked here: the first time it fetches the packages
        pytest.skip(reason)
    plan = Plan(mails=30, customers=20, kills=3, points=POINTS[::5], server="cyrus", seed=2, warm=True)
    tally = told(play(plan), "Cyrus: 3 random kills, every fifth named point")
    assert not tally.failed, tally.table("Cyrus")
    assert tally.mails >= 30 and tally.answers >= 20
