"""A simulated quarter played through real days: every mail comes in, is read, decided, answered and asked about by the daemon itself."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage

from inboxd.core.model import CaseNo, Outgoing, OutgoingKind
from tests.fakes import FakeClock, FakeReader
from tests.simulate.quarter import BEGIN, SimCase
from tests.simulate.written import Step, number_of, reading, steps
from tests.stories.day import Day, Letterbox
from tests.stories.steps import holder

BY_THEMSELVES = ("asked", "silence", "closed")


@dataclass
class Played:
    """The days of a quarter."""

    day: Day = field(default_factory=lambda: Day(clock=FakeClock(at=BEGIN), reader=FakeReader(scores=reading)))
    _seen: int = 0
    _last: dict[tuple[CaseNo, str], Outgoing] = field(default_factory=dict)

    def play(self, cases: Iterable[SimCase], until: datetime) -> None:
        """Let it all happen, in order of time."""
        doing: list[tuple[SimCase, list[Step]]] = []
        for case in cases:
            by_time: dict[datetime, list[Step]] = {}
            for step in steps(case):
                if step.what not in BY_THEMSELVES:
                    by_time.setdefault(step.at, []).append(step)
            doing += [(case, together) for together in by_time.values()]
        for case, together in sorted(doing, key=lambda each: (each[1][0].at, each[0].number)):
            if together[0].at <= until:
                self._pass(together[0].at)
                self._do(case, together)
        self._pass(until)

    def _pass(self, until: datetime) -> None:
        left = until - self.day.at()
        if left > timedelta():
            self.day.pass_(seconds=left.total_seconds())

    def _do(self, case: SimCase, together: list[Step]) -> None:
        number, step = number_of(case), together[-1]
        sender = f"{case.name} <{case.email}>"
        if step.agent:
            agent = holder(self.day, number)
            self.day.reply(agent, self._mail(number, OutgoingKind.ROUTED), "\n".join((*_commands(together), "", step.text)))
        elif step.at == case.at:
            self.day.write(sender, case.subject, step.text)
            assert self.day.case().number == number, "cases come in the order of the quarter"
        elif step.what in ("yes", "no"):
            self.day.reply(sender, self._mail(number, OutgoingKind.FOLLOW_UP), step.text, quote=False)
        else:
            self.day.reply(sender, self._mail(number, OutgoingKind.REPLY), step.text, quote=False)

    def _mail(self, case: CaseNo, kind: OutgoingKind) -> Letterbox:
        for outgoing in self.day.mailer.delivered[self._seen :]:
            if outgoing.case is not None:
                self._last[outgoing.case, outgoing.kind] = outgoing
        self._seen = len(self.day.mailer.delivered)
        outgoing = self._last[case, kind]
        message = email.message_from_bytes(outgoing.raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return Letterbox(outgoing=outgoing, message=message)


def _commands(together: list[Step]) -> list[str]:
    said = {step.what: step.text for step in together}
    lines = [f"gave: {step.text}" for step in together if step.what == "gave"]
    if "could_not" in said:
        return [*lines, f"could not: {said['could_not']}"]
    return [*lines, *(["resolve"] if "resolved" in said else [])]
