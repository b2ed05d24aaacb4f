"""What is true of a simulated quarter, told from the cases themselves in the plainest way: the measures must find the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inboxd.core.model import Sentiment
from tests.simulate.quarter import SimCase

REPEAT = timedelta(days=14)


@dataclass
class Truth:
    """The truth of a period, as far as it has happened at `until`."""

    cases: Sequence[SimCase]
    begin: datetime
    end: datetime
    until: datetime
    by_matter: dict[tuple[int, str], list[datetime]] = field(default_factory=lambda: defaultdict(list))
    of_person: dict[int, list[SimCase]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for case in self.cases:
            self.by_matter[case.person, case.topic] += self.contacts(case)
            self.of_person[case.person].append(case)

    def within(self, at: datetime | None) -> bool:
        return at is not None and self.begin <= at < self.end and at <= self.until

    def contacts(self, case: SimCase) -> list[datetime]:
        found = [case.at, *(at for each in case.rounds for at, *_ in each.wrote)]
        return sorted(at for at in (*found, *(each.came_back[0] for each in case.rounds if each.came_back)) if at <= self.until)

    def answers(self, case: SimCase) -> list[tuple[datetime, bool]]:
        return [
            (each.answered[0], each.answer)
            for each in case.rounds
            if each.answered and each.answer is not None and each.answered[0] <= self.until
        ]

    def asked(self) -> list[SimCase]:
        firsts = ((case, min((each.asked_at for each in case.rounds if each.asked_at), default=None)) for case in self.cases)
        return [case for case, first in firsts if self.within(first)]

    def satisfied(self) -> tuple[int, int]:
        answers = [self.answers(case)[0][1] for case in self.asked() if self.answers(case)]
        return sum(answers), len(answers)

    def truly_satisfied(self) -> tuple[int, int]:
        """Of all who were asked, whether they told us or not: what nobody can measure."""
        asked = self.asked()
        return sum(next(each.truly for each in case.rounds if each.asked_at) for case in asked), len(asked)

    def response(self) -> tuple[int, int]:
        return self.satisfied()[1], len(self.asked())

    def people(self) -> set[int]:
        return {case.person for case in self.cases if any(self.within(at) for at in self.contacts(case))}

    def wrote_again(self) -> tuple[int, int]:
        again = {
            person
            for (person, _), times in self.by_matter.items()
            if any(self.within(at) and any(at - REPEAT <= earlier < at for earlier in times) for at in times)
        }
        return len(again), len(self.people())

    def resolved(self) -> list[SimCase]:
        return [case for case in self.cases if self.within(case.rounds[0].resolved_at)]

    def was_reopened(self, case: SimCase) -> bool:
        backs = [each.came_back[0] for each in case.rounds if each.came_back] + [at for at, yes in self.answers(case) if not yes]
        return any(at <= self.until for at in backs)

    def reopened(self) -> tuple[int, int]:
        return sum(self.was_reopened(case) for case in self.resolved()), len(self.resolved())

    def first_contact(self) -> tuple[int, int]:
        found = [
            case
            for case in self.resolved()
            if self.contacts(case) == [case.at]
            and sum(at <= self.until for each in case.rounds for at, _ in each.replies) == 1
            and not self.was_reopened(case)
            and not any(case.at < at <= case.at + REPEAT for at in self.by_matter[case.person, case.topic])
        ]
        return len(found), len(self.resolved())

    def bad(self, case: SimCase) -> list[datetime]:
        upset = [case.at] if case.upset else []
        upset += [at for each in case.rounds for at, feeling, _ in each.wrote if feeling is Sentiment.UPSET]
        return [at for at in (*upset, *(at for at, yes in self.answers(case) if not yes)) if at <= self.until]

    def good(self, case: SimCase) -> list[datetime]:
        thanks = [each.thanked[0] for each in case.rounds if each.thanked and each.thanked[0] <= self.until]
        return [*thanks, *(at for at, yes in self.answers(case) if yes)]

    def solved(self, case: SimCase, after: datetime | None = None) -> bool:
        good = max(self.good(case), default=None)
        return good is not None and good > max(self.bad(case), default=case.at) and (after is None or good > after)

    def win_back(self) -> tuple[int, int]:
        hurt = [case for case in self.cases if any(self.within(at) for at in self.bad(case))]
        return sum(self.solved(case) for case in hurt), len(hurt)

    def mended(self) -> int:
        return sum(self.solved(case) for case in self.asked() if self.answers(case) and not self.answers(case)[0][1])

    def refusals(self) -> dict[str, tuple[int, int]]:
        """Each reason with how many heard it, and how many of them were lost."""
        return self._grouped(lambda case: [case.could_not] if case.could_not else [], self._lost)

    def leeway(self) -> dict[str, tuple[int, int]]:
        """What was given, how often, and how many of these were won back."""
        return self._grouped(
            lambda case: list(case.gave), lambda case, at: any(bad <= at for bad in self.bad(case)) and self.solved(case, after=at)
        )

    def thanks(self) -> int:
        return sum(self.within(each.thanked[0]) for case in self.cases for each in case.rounds if each.thanked)

    def _lost(self, case: SimCase, at: datetime) -> bool:
        if any(bad >= at for bad in self.bad(case)):
            return not self.solved(case)
        asked = any(each.asked_at and at <= each.asked_at <= self.until for each in case.rounds)
        words = [each for other in self.of_person[case.person] for each in (*self.contacts(other), *self.good(other), *self.bad(other))]
        return asked and case.closed_at is not None and case.closed_at <= self.until and max(words) <= at

    def _grouped(
        self, told: Callable[[SimCase], list[tuple[datetime, str]]], counts: Callable[[SimCase, datetime], bool]
    ) -> dict[str, tuple[int, int]]:
        found: dict[str, dict[SimCase, datetime]] = defaultdict(dict)
        for case in self.cases:
            for at, what in told(case):
                if self.within(at):
                    found[what].setdefault(case, at)
        return {what: (len(each), sum(counts(case, at) for case, at in each.items())) for what, each in found.items()}
