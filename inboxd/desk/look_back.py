"""What a period taught us, from the store's records: the measures, and what made people write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from inboxd.core.drivers import drivers
from inboxd.core.findings import Driver, Findings
from inboxd.core.measure import Records, Scope, measure
from inboxd.core.model import FirstMail
from inboxd.core.rulebook import PinnedDriver

TREND = timedelta(weeks=13)  # how far drivers look back: for what is usual, and for what was mended


def look_back(
    records: Records, mails: Sequence[FirstMail], scope: Scope, *, pinned: Sequence[PinnedDriver] = (), names: Collection[str] = ()
) -> Findings:
    """Measure a period, and group what people wrote about in it. `mails` reach back by TREND; `names` are hidden in what is quoted."""
    found = measure(records, scope)
    if scope.team is not None:
        theirs = {case.number for case in records.cases if case.team == scope.team}
        mails = [mail for mail in mails if mail.case in theirs]
    every = drivers(mails, scope.begin, min(scope.end, scope.now), zone=scope.zone, pinned=pinned, names=names)
    return replace(
        found,
        drivers=tuple(driver for driver in every if driver.people),
        mend_first=_mend_first(every),
        got_better=tuple(driver for driver in every if driver.mended_on and 0 < driver.ratio_high < 1),
    )


def _mend_first(every: Sequence[Driver]) -> Driver | None:
    """What grew beyond doubt and upset most; nothing where all is as it was."""
    grown = [driver for driver in every if driver.changed and driver.people > driver.before]
    return max(grown, key=lambda driver: (driver.upset, driver.people - driver.before, driver.key), default=None)
