"""What a period taught us, from the store's records: the measures, and what made people write."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta

from inboxd.core.drivers import drivers
from inboxd.core.findings import Driver, Findings
from inboxd.core.measure import Records, Scope, measure
from inboxd.core.model import FirstMail, PersonNo
from inboxd.core.rulebook import PinnedDriver, ReadyAnswer
from inboxd.core.rules import answers_about

TREND = timedelta(weeks=13)  # how far drivers look back: for what is usual, and for what was mended


def look_back(
    records: Records,
    mails: Sequence[FirstMail],
    scope: Scope,
    *,
    pinned: Sequence[PinnedDriver] = (),
    names: Collection[str] = (),
    answers: Sequence[ReadyAnswer] = (),
) -> Findings:
    """Measure a period, and group what people wrote about in it. `mails` reach back by TREND; `names` are hidden in what is quoted.

    `answers`: those of the rules, which people could have read instead.
    """
    found = measure(records, scope)
    if scope.team is not None:
        mails = [mail for mail in mails if mail.team == scope.team]
    every = drivers(mails, scope.begin, min(scope.end, scope.now), zone=scope.zone, pinned=pinned, names=names)
    every = _answerable(every, mails, answers) if answers else every
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


def _answerable(every: Sequence[Driver], mails: Sequence[FirstMail], answers: Sequence[ReadyAnswer]) -> tuple[Driver, ...]:
    """Say of each driver how many of its people could have read it in an answer of the rules: in the one that fits most of them."""
    by_case = {mail.case: mail for mail in mails}
    found = []
    for driver in every:
        people: dict[str, set[PersonNo]] = {}
        for mail in (by_case[case] for case in driver.cases if case in by_case):
            for answer in answers_about(answers, mail.text, mail.topic):
                people.setdefault(answer.name, set()).add(mail.person)
        name = max(people, key=lambda each: (len(people[each]), each), default="")
        found.append(replace(driver, answerable=len(people[name]), answer=name) if name else driver)
    return tuple(found)
