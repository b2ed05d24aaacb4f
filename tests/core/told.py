"""Records of cases for tests of the measures, told step by step."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from inboxd.core.findings import Findings
from inboxd.core.measure import (
    ANSWER_READ,
    COULD_NOT,
    GAVE,
    CaseRecord,
    FactRecord,
    MailRecord,
    QuestionRecord,
    Records,
    Scope,
    measure,
)
from inboxd.core.model import (
    AgentName,
    CaseEvent,
    CaseNo,
    CaseState,
    Correction,
    MailboxName,
    MessageNo,
    PersonNo,
    Promise,
    Role,
    Sentiment,
    TeamName,
)

UPSET, UNHAPPY, NEUTRAL, HAPPY = Sentiment.UPSET, Sentiment.UNHAPPY, Sentiment.NEUTRAL, Sentiment.HAPPY
FIRST = date(2026, 11, 16)  # a Monday
_NUMBERS: Iterator[int] = itertools.count(1)


def on(day: float, hour: int = 9) -> datetime:
    """This day of the period (0 is its first) at this hour."""
    return datetime(2026, 11, 16, hour, tzinfo=UTC) + timedelta(days=day)


@dataclass
class Told:
    """One case, told step by step; each step returns it."""

    number: int
    person: int = 1
    topic: str = "billing"
    subject: str = "A lamp"
    mailbox: str = "acme"
    team: str = "everyone"
    agent: str = "maria"
    state: CaseState = CaseState.OPEN
    due: datetime | None = None
    sensitive: bool = False
    merged_into: int | None = None
    mails: list[MailRecord] = field(default_factory=list)
    facts: list[FactRecord] = field(default_factory=list)
    questions: list[QuestionRecord] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)

    def _mail(self, at: datetime, **more: Any) -> MessageNo:
        number = MessageNo(next(_NUMBERS))
        self.mails.append(MailRecord(number=number, case=CaseNo(self.number), at=at, **more))
        return number

    def became(self, at: datetime, kind: str, state: str = "", **more: Any) -> Told:
        if state:
            self.state = CaseState(state)
        self.facts.append(FactRecord(case=CaseNo(self.number), at=at, kind=kind, state=state, **more))
        return self

    def wrote(self, at: datetime, feeling: Sentiment = NEUTRAL, *, contact: bool = True, **more: Any) -> Told:
        self._mail(at, role=Role.CUSTOMER, contact=contact, sentiment=feeling, person=PersonNo(self.person), **more)
        return self if len(self.mails) == 1 else self.became(at, CaseEvent.CUSTOMER_WROTE, "open")

    def replied(self, at: datetime, text: str = "I have done it.", agent: str = "") -> Told:
        self._mail(at, role=Role.AGENT, agent=AgentName(agent or self.agent), text=text)
        return self.became(at, CaseEvent.AGENT_REPLIED, "waiting")

    def promised(self, at: datetime, sentence: str, days: int = 2) -> Told:
        """The agent who answered last named a day."""
        case, mail = CaseNo(self.number), self.mails[-1]
        day = (at + timedelta(days=days)).date()
        self.promises.append(Promise(case=case, agent=AgentName(self.agent), message=mail.number, day=day, sentence=sentence, made_at=at))
        return self

    def resolved(self, at: datetime, agent: str = "") -> Told:
        self._mail(at, role=Role.AGENT, agent=AgentName(agent or self.agent), text="I have done it.")
        return self.became(at, CaseEvent.AGENT_RESOLVED, "resolved")

    def asked(self, at: datetime) -> Told:
        self.questions.append(QuestionRecord(case=CaseNo(self.number), at=at))
        return self

    def yes(self, at: datetime, text: str = "Yes, it is solved.") -> Told:
        number = self._mail(at, role=Role.CUSTOMER, sentiment=HAPPY, text=text, person=PersonNo(self.person))
        self.became(at, CaseEvent.SATISFIED, "closed")
        return self.became(at, ANSWER_READ, message=number)

    def no(self, at: datetime, feeling: Sentiment = UNHAPPY) -> Told:
        self._mail(at, role=Role.CUSTOMER, sentiment=feeling, person=PersonNo(self.person))
        return self.became(at, CaseEvent.DISSATISFIED, "open")

    def unclear(self, at: datetime) -> Told:
        self._mail(at, role=Role.CUSTOMER, person=PersonNo(self.person))
        return self.became(at, CaseEvent.UNCLEAR, "resolved")

    def thanked(self, at: datetime, text: str = "Thank you, that was kind.", feeling: Sentiment = HAPPY) -> Told:
        self._mail(at, role=Role.CUSTOMER, sentiment=feeling, thanks=True, text=text, person=PersonNo(self.person))
        return self.became(at, CaseEvent.CUSTOMER_THANKED, self.state)

    def silent(self, at: datetime) -> Told:
        return self.became(at, CaseEvent.NO_ANSWER, "closed")

    def gave(self, at: datetime, what: str) -> Told:
        return self.became(at, GAVE, value=what)

    def could_not(self, at: datetime, reason: str) -> Told:
        return self.became(at, COULD_NOT, value=reason)

    def corrected(self, at: datetime, name: str, value: str, mail: int = -1) -> Told:
        number = next(_NUMBERS)
        correction = Correction(
            number=number, at=at, message=self.mails[mail].number, case=CaseNo(self.number), by="agent maria", field=name, value=value
        )
        self.corrections.append(correction)
        return self

    @property
    def record(self) -> CaseRecord:
        return CaseRecord(
            number=CaseNo(self.number),
            mailbox=MailboxName(self.mailbox),
            team=TeamName(self.team),
            customer=PersonNo(self.person),
            name=f"Person {self.person}",
            subject=self.subject,
            topic=self.topic,
            state=CaseState.MERGED if self.merged_into else self.state,
            assignee=AgentName(self.agent),
            due_at=self.due,
            opened_at=self.mails[0].at,
            sensitive=self.sensitive,
            merged_into=CaseNo(self.merged_into) if self.merged_into else None,
        )


def records(*cases: Told) -> Records:
    """What the store would give of these cases."""
    return Records(
        cases=[case.record for case in cases],
        mails=[mail for case in cases for mail in case.mails],
        facts=[fact for case in cases for fact in case.facts],
        questions=[question for case in cases for question in case.questions],
        corrections=[correction for case in cases for correction in case.corrections],
        promises=[promise for case in cases for promise in case.promises],
    )


WEEK = Scope(
    brand="Acme Support",
    first=FIRST,
    last=FIRST + timedelta(days=6),
    now=on(7),
    agents={AgentName("maria"): "Maria", AgentName("jonas"): "Jonas"},
)


def week(*cases: Told, **changes: Any) -> Findings:
    """What the week of `FIRST` taught us."""
    return measure(records(*cases), replace(WEEK, **changes))
