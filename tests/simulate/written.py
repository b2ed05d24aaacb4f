"""A simulated quarter in a store, as the daemon would have left it. `test_quarter.py` shows by real days that it would have."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import Answer, CaseNo, CaseState, KeyPhrase, Outcome, Scores, Sentiment, ToRead
from tests.simulate import words
from tests.simulate.quarter import Round, SimCase

FIRST_CASE = 1001
ANSWER_WITHIN = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened in a case: a mail, a command, a date that came."""

    at: datetime
    what: str  # wrote, replied, resolved, silence, asked, thanked, yes, no, closed, could_not, gave
    text: str = ""
    sentiment: Sentiment = Sentiment.NEUTRAL
    agent: str = ""
    contact: bool = False


def number_of(case: SimCase) -> CaseNo:
    """The number of a case in a store."""
    return CaseNo(FIRST_CASE + case.number)


def steps(case: SimCase) -> list[Step]:
    """All that happens in a case, in order."""
    found = [Step(at=case.at, what="wrote", text=case.text, sentiment=case.sentiment, contact=True)]
    for each in case.rounds:
        found += _round(each, case)
    if case.closed_at is not None:
        found.append(Step(at=case.closed_at, what="closed"))
    return sorted(found, key=lambda step: step.at)


def _round(each: Round, case: SimCase) -> Iterator[Step]:
    for at, feeling, text in each.wrote:
        yield Step(at=at, what="wrote", text=text, sentiment=feeling, contact=True)
    for at, text in each.replies:
        if case.could_not and case.could_not[0] == at:
            yield Step(at=at, what="could_not", text=case.could_not[1], agent=each.agent)
        for _, what in (given for given in case.gave if given[0] == at):
            yield Step(at=at, what="gave", text=what, agent=each.agent)
        resolves = at == each.resolved_at
        yield Step(at=at, what="resolved" if resolves else "replied", text=text, agent=each.agent)
    if each.by_silence:
        yield Step(at=each.resolved_at, what="silence")
    if each.asked_at:
        yield Step(at=each.asked_at, what="asked")
    if each.came_back:
        yield Step(at=each.came_back[0], what="wrote", text=each.came_back[1], sentiment=Sentiment.UNHAPPY, contact=True)
    if each.thanked:
        yield Step(at=each.thanked[0], what="thanked", text=each.thanked[1], sentiment=Sentiment.HAPPY)
    if each.answered:
        feeling = Sentiment.HAPPY if each.answer else Sentiment.UNHAPPY
        yield Step(at=each.answered[0], what="yes" if each.answer else "no", text=each.answered[1], sentiment=feeling)


def reading(text: ToRead) -> Scores:
    """Read what people of the quarter write, without a mistake."""
    new, sure = text.new_text, 0.99
    topic = next((wording.topic for wording in words.WORDINGS if text.subject and any(_fits(says, new) for says in wording.says)), "unsure")
    thanks, yes, no = (_begins(new, said) for said in (words.THANKS, (*words.YES, *words.WON), words.NO))
    upset = any(each in new for each in words.ANGER)
    unhappy = upset or no or any(each in new for each in words.REGRET)
    return Scores(
        language="en",
        topics=((topic, sure),),
        upset=sure * upset,
        unhappy=sure * unhappy,
        happy=sure * (thanks or yes),
        thanks_only=sure * thanks,
        answer=Answer.SATISFIED if yes else Answer.DISSATISFIED if no else Answer.UNCLEAR,
        answer_sure=sure,
    )


def _fits(says: str, text: str) -> bool:
    return says.split("{", 1)[0] in text and (
        len(says.split("{", 1)[0]) > 8 or all(part in text for part in says.split("{")[1].split("}")[1:])
    )


def _begins(text: str, said: Sequence[str]) -> bool:
    return any(text.startswith(each.split("{", 1)[0]) for each in said)


# --- into a store ------------------------------------------------------------------------------------------------------


def key_phrases(cases: Sequence[SimCase]) -> dict[int, tuple[KeyPhrase, ...]]:
    """What the shipped reader makes of the first mail of each case."""
    reader = SpacyReader()
    texts = [ToRead(subject=case.subject, new_text=case.text, reply=False) for case in cases]
    read = (scores for start in range(0, len(texts), 256) for scores in reader.read(texts[start : start + 256]))
    return {case.number: scores.key_phrases for case, scores in zip(cases, read, strict=True)}


def write(
    store: SqliteStore,
    cases: Iterable[SimCase],
    until: datetime,
    mailbox: str = "acme",
    phrases: Mapping[int, Sequence[KeyPhrase]] | None = None,
) -> None:
    """Write the quarter as it stood at `until`: what comes later has not happened. `phrases` are those of the first mail of each case."""
    rows = _Rows(mailbox=mailbox, until=until, phrases=phrases or {})
    for case in cases:
        if case.at <= until:
            rows.add(case)
    with store.transaction():
        for table, (columns, values) in rows.tables.items():
            marks = ",".join("?" * len(columns))
            store._connection.executemany(f"insert into {table} ({','.join(columns)}) values ({marks})", values)


class _Rows:
    """The rows of all tables, and the numbers that come next."""

    def __init__(self, *, mailbox: str, until: datetime, phrases: Mapping[int, Sequence[KeyPhrase]]) -> None:
        self.mailbox, self.until, self.phrases = mailbox, until, phrases
        self.people: set[int] = set()
        self.message = self.outgoing = 0
        self.tables: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {}

    def add(self, case: SimCase) -> None:
        person = case.person + 1
        if person not in self.people:
            self.people.add(person)
            self._row("person", id=person, name=case.name, language="en", created_at=case.at)
            self._row("address", email=case.email, person=person, name=case.name)
        now = _Now(case=case, agent=case.agent)
        happened = [step for step in steps(case) if step.at <= self.until]
        for step in happened:
            now.take(step)
        number = number_of(case)
        self._row(
            "cases", id=number, mailbox=self.mailbox, customer=person, subject=case.subject, state=now.state, outcome=now.outcome,
            language="en", topic=case.topic, sentiment=now.sentiment, first_sentiment=case.sentiment, assignee=now.agent, team=now.team,
            priority="normal", labels="[]", briefs="[]", involved=json.dumps([case.agent]), due_at=now.due_at, opened_at=case.at,
            updated_at=happened[-1].at, resolved_at=now.resolved_at, closed_at=None, resolved_by=None, by_silence=0,
            reopened=now.reopened, round=now.round, good_sign=int(now.good_sign), repeat=0, last_reply_asks=0, no_follow_up=0,
        )  # fmt: skip
        self._event(case.at, "case.opened", number, because=case.topic)
        self._event(case.at, "case.assigned", number, agent=case.agent, team=case.team, because="the rest")
        again = _Now(case=case, agent=case.agent)
        for step in happened:
            again.take(step)
            self._step(step, case, number, person, again)

    def _step(self, step: Step, case: SimCase, number: CaseNo, person: int, now: _Now) -> None:
        if step.what in ("wrote", "thanked", "yes", "no"):
            message = self._mail(step, case, number, person)
            if message == 0 or (step.what == "wrote" and step.at == case.at):
                return
            self._event(step.at, f"case.{_EVENTS[step.what]}", number, state=now.state)
            if step.what == "yes":
                self._event(step.at, "answer.read", number, message=message, answer="satisfied", round=now.round)
        elif step.what in ("replied", "resolved"):
            self._mail(step, case, number, None)
            self._event(step.at, f"case.{_EVENTS[step.what]}", number, state=now.state)
        elif step.what == "could_not":
            self._event(step.at, "case.could_not", number, agent=step.agent, reason=step.text)
        elif step.what == "gave":
            self._event(step.at, "case.gave", number, agent=step.agent, what=step.text)
        elif step.what == "asked":
            self.outgoing += 1
            self._row(
                "outgoing", id=self.outgoing, purpose_key=f"ask:{self.outgoing}", message_id=f"q{self.outgoing}@acme.example",
                mailbox=self.mailbox, case_id=number, kind="follow_up", round=now.round, person=person, recipient=case.email, automatic=1,
                state="sent", created_at=step.at, sent_at=step.at,
            )  # fmt: skip
        else:
            self._event(step.at, f"case.{_EVENTS[step.what]}", number, state=now.state)

    def _mail(self, step: Step, case: SimCase, number: CaseNo, person: int | None) -> int:
        self.message += 1
        customer = person is not None
        self._row(
            "message", id=self.message, mailbox=self.mailbox, folder="INBOX", message_id=f"m{self.message}@people.example",
            content_hash=f"{self.mailbox} {self.message}", received_at=step.at, case_id=number, person=person, agent=step.agent or None,
            kind="person", sender=case.email if customer else f"{step.agent}@acme.example", name=case.name if customer else step.agent,
            subject=case.subject, role="customer" if customer else "agent", contact=int(step.contact), handed_over=1,
        )  # fmt: skip
        said = {"yes": "satisfied", "no": "dissatisfied"}.get(step.what, "unclear")
        self._row(
            "reading", message=self.message, model="simulated", kind="person", language="en",
            topic=case.topic if step.at == case.at else "unsure", topic_sure=0.99, topics="[]", sentiment=step.sentiment,
            upset=0.0, urgent=0.0, sensitive=0, thanks_only=int(step.what == "thanked"), answer=said, phrases="[]", new_text=step.text,
            key_phrases=json.dumps([(each.key, each.text) for each in self.phrases.get(case.number, ()) if step.at == case.at]),
        )  # fmt: skip
        return self.message

    def _event(self, at: datetime, kind: str, case: CaseNo, **data: object) -> None:
        self._row("event", at=at, kind=kind, mailbox=self.mailbox, case_id=case, data=json.dumps(data))

    def _row(self, table: str, **values: object) -> None:
        _columns, rows = self.tables.setdefault(table, (tuple(values), []))
        rows.append(tuple(value.timestamp() if isinstance(value, datetime) else value for value in values.values()))


_EVENTS = {
    "wrote": "customer_wrote",
    "replied": "agent_replied",
    "resolved": "agent_resolved",
    "silence": "silence",
    "thanked": "customer_thanked",
    "yes": "satisfied",
    "no": "dissatisfied",
    "closed": "no_answer",
}


@dataclass(slots=True)
class _Now:
    """Where a case stands after some of its steps."""

    case: SimCase
    agent: str
    state: CaseState = CaseState.OPEN
    outcome: Outcome = Outcome.UNKNOWN
    sentiment: Sentiment = Sentiment.NEUTRAL
    team: str = ""
    due_at: datetime | None = None
    resolved_at: datetime | None = None
    reopened: int = 0
    round: int = 0
    good_sign: bool = False

    def take(self, step: Step) -> None:
        self.team = self.team or self.case.team
        if step.what in ("wrote", "no"):
            again = self.state in (CaseState.RESOLVED, CaseState.CLOSED)
            self.reopened += again
            self.good_sign = self.good_sign and not again
            self.state, self.due_at = CaseState.OPEN, step.at + ANSWER_WITHIN
            self.outcome = Outcome.DISSATISFIED if step.what == "no" else self.outcome
        elif step.what == "replied":
            self.state, self.due_at = CaseState.WAITING, None
        elif step.what in ("resolved", "silence"):
            self.state, self.due_at, self.resolved_at, self.round = CaseState.RESOLVED, None, step.at, self.round + 1
        elif step.what == "yes":
            self.outcome = Outcome.WON_BACK if self.outcome is Outcome.DISSATISFIED else Outcome.SATISFIED
            self.state, self.good_sign = CaseState.CLOSED, True
        elif step.what == "thanked":
            self.good_sign = True
        elif step.what == "closed":
            self.state = CaseState.CLOSED
        if step.what in ("wrote", "thanked", "yes", "no"):
            self.sentiment = step.sentiment
        if step.agent and step.what in ("replied", "resolved"):
            self.agent, self.team = step.agent, "seniors" if step.agent != self.case.agent else self.team
