"""Three hundred people wrote about one fault: each hears once that it is mended, also where the process is killed again and again."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from inboxd.core.model import CaseNo, CloseIssue, IssueNo, KnownIssue, OpenIssue
from inboxd.core.permit import ROOM_AGAIN
from tests.daemon.world import Fuse, Killed, KillingStore, killed
from tests.fakes import FakeReader
from tests.stories.day import ACME, Day
from tests.stories.steps import PETRA

PEOPLE = 300


@pytest.fixture
def day(quick_folder: Path) -> Day:
    """So many people wrote, and ten others about something else; it is mended just now."""
    day = Day(store_path=quick_folder / "inboxd.sqlite", reader=FakeReader())
    for number in range(PEOPLE + 10):
        day.write(f"p{number}@example.org", "Problem", "I cannot sign in.", run=False)
    day.run()
    now = day.at()
    cases = tuple(CaseNo(1001 + number) for number in range(PEOPLE))
    issue = KnownIssue(number=IssueNo(1), mailbox=ACME, text="Signing in fails.", opened_at=now, opened_by="petra")
    with day.store.transaction() as tx:
        tx.apply((OpenIssue(issue=issue, cases=cases), CloseIssue(issue=issue.number, by="petra")), ACME, now)
    return day


def told(day: Day) -> Counter[str]:
    return Counter(o.envelope_to[0] for o in day.mailer.delivered if o.purpose.startswith("mended:"))


EVERYBODY = Counter({f"p{number}@example.org": 1 for number in range(PEOPLE)})


def test_each_hears_once_and_nobody_else_however_often_the_process_is_killed(day: Day) -> None:
    kills = 0
    end = day.at() + timedelta(hours=3)
    while day.at() < end:
        fuse = Fuse(1 + kills * 2719 % 8999)  # anywhere: no two the same
        day.office.store = KillingStore(day.store, fuse)
        try:
            day.pass_(minutes=(end - day.at()) / timedelta(minutes=1))
        except Killed:
            kills += 1
            day.store = day.office.store = killed(day.store)
    assert kills > 5
    assert told(day) == EVERYBODY
    (last,) = [mail for mail in day.inbox(PETRA) if mail.outgoing.purpose == "issue:1:told"]
    assert last.text.splitlines()[0] == f"{PEOPLE} people were told that it is mended."


def test_never_more_than_sixty_in_ten_minutes_also_in_the_morning(day: Day) -> None:
    with day.store.transaction() as tx:  # all wait for the same minute, as after a night
        tx._db.execute("update job set run_at = ? where kind = 'mended'", ((day.at() + timedelta(hours=1)).timestamp(),))
    day.pass_(hours=4)
    assert told(day) == EVERYBODY
    at = sorted(o.created_at for o in day.mailer.delivered if o.purpose.startswith("mended:"))
    assert all(later - first >= ROOM_AGAIN for first, later in zip(at, at[60:], strict=False))
    assert all(first <= later for first, later in pairwise(at))
    assert not day.events("breaker.tripped") and not day.events("letter.withheld")
