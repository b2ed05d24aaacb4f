"""Rule tests, rehearsed: one mail, what is given of it, and what must happen - at once, and as time goes by. Nothing leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from inboxd.core.assign import Choice, assign
from inboxd.core.decide import decide, decide_due
from inboxd.core.due import share_out
from inboxd.core.letters import bare_subject
from inboxd.core.model import (
    Address,
    Advance,
    AgentName,
    AgentProof,
    Assign,
    Cancel,
    Candidate,
    Case,
    CaseNo,
    CaseState,
    Decision,
    Job,
    JobNo,
    Label,
    MailboxFacts,
    MailboxName,
    Message,
    MessageNo,
    OpenCase,
    OutgoingKind,
    Person,
    PersonNo,
    ProofKind,
    Reading,
    Role,
    Schedule,
    Screening,
    Send,
    Sentiment,
    Situation,
    StoryLine,
    Understood,
)
from inboxd.core.opening import Span, due
from inboxd.core.policy import Policy
from inboxd.core.rulebook import CustomerEntry, Rulebook, calendar_of, customer_words, hours_of, is_away, main_calendar
from inboxd.core.rules import Facts, RuleTrace, judge

BOX = MailboxFacts(name=MailboxName("rehearsal"), address="support@rehearsal.example", brand="Support", language="en")
NUMBER, PERSON, MESSAGE = CaseNo(1), PersonNo(1), MessageNo(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """One entry of a timeline: so long after the mail, what the holder does then, and what has happened since the entry before."""

    after: Span
    do: str = ""  # "answer" or "resolve"
    expect: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """A mail, what is known of it, and what the rules must answer. `expect` holds only the questions asked."""

    name: str
    facts: Facts
    given: frozenset[str] = frozenset()  # the fields of `facts` that the test gives; the model says the others of a `mail_file`
    mail_file: str = ""
    customer_given: bool = False  # else vip and labels come from the rulebook's customers
    away: frozenset[AgentName] = frozenset()
    open_cases: Mapping[AgentName, int] = field(default_factory=dict)
    knows: frozenset[AgentName] = frozenset()
    expect: Mapping[str, object] = field(default_factory=dict)  # question -> the answer wanted; None: no answer
    timeline: tuple[Later, ...] = ()
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How one rule test ended; `differences` say in words what came instead, `trace` why."""

    test: RuleTest
    differences: tuple[str, ...] = ()
    trace: tuple[RuleTrace, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.differences


def rehearse(book: Rulebook, test: RuleTest, policy: Policy) -> Rehearsal:
    """Judge the test's mail and compare; then let time pass, if there is a timeline. No model is asked and no store is needed."""
    test = replace(test, facts=_facts(book, test))
    ruling = judge(book.rules, test.facts)
    differences = []
    for question, wanted in test.expect.items():
        if question in ("agent", "due"):
            continue
        got = getattr(ruling.then, "labels" if question == "label" else question)
        if not _same(wanted, got):
            by = ruling.by.get(question)
            from_rule = f" (rule '{by}')" if by else ""
            differences.append(f"{question}: expected {_words(wanted)}, got {_words(got)}{from_rule}")
    if {"agent", "due"} & test.expect.keys():
        calendar = calendar_of(book, ruling.then.assign)
        hour = due(ruling.then.answer_within or Span(length=policy.answer_within), test.facts.now, calendar).at
        choice = assign(ruling.then.assign, _situation(book, test, test.facts.now), book, due_at=hour)
        differences += _person_and_hour(test, None if ruling.then.ignore else choice, hour, _zone(book))
    if test.timeline and not differences:
        differences += _timeline(book, test, policy)
    return Rehearsal(test=test, differences=tuple(differences), trace=ruling.trace)


def _person_and_hour(test: RuleTest, choice: Choice | None, hour: datetime, zone: tzinfo | None) -> list[str]:
    found = []
    agent = choice.agent if choice else None
    if "agent" in test.expect and test.expect["agent"] != agent:
        why = f" ({'; '.join((choice.why, *choice.passed))})" if choice else ""
        found.append(f"agent: expected {_words(test.expect['agent'])}, got {agent or 'nobody'}{why}")
    said = f"{hour.astimezone(zone):%Y-%m-%d %H:%M}"
    if "due" in test.expect and test.expect["due"] != said:
        found.append(f"due: expected {_words(test.expect['due'])}, got {said}")
    return found


def _facts(book: Rulebook, test: RuleTest) -> Facts:
    """Add what the rulebook says of the sender, unless the test says it."""
    facts = test.facts
    if not facts.contacts:
        facts = replace(facts, contacts=(facts.now,))
    if test.customer_given:
        return facts
    vip, labels = customer_words(book, facts.sender)
    words = {"known" if len(facts.contacts) > 1 or facts.reopened else "new", *labels}
    return replace(facts, customer=frozenset(words | {"vip"} if vip else words))


def _zone(book: Rulebook) -> tzinfo | None:
    calendar = main_calendar(book)
    return calendar.zone if calendar else None


def _same(wanted: object, got: object) -> bool:
    if isinstance(wanted, tuple) and isinstance(got, tuple):
        return set(wanted) == set(got)
    return wanted == got or (wanted is False and got is None)  # `ignore: no` where no rule ignores


def _words(value: object) -> str:
    match value:
        case None | () | "":
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case Span():
            return value.words
        case tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


# --- the situation -----------------------------------------------------------------------------------------------------------


def _situation(book: Rulebook, test: RuleTest, now: datetime) -> Situation:
    """What `decide` would be told of this mail."""
    f = test.facts
    message = Message(
        sender=Address(email=f.sender or "somebody@customer.example"),
        to=tuple(Address(email=email) for email in f.to),
        subject=f.subject,
        text=f.text,
        headers=f.headers,
    )
    reading = Reading(
        kind=f.kind, language=f.language, topic=f.topic, topic_sure=f.topic_sure, sentiment=f.sentiment, is_urgent=f.urgent,
        sensitive=f.sensitive,
    )  # fmt: skip
    understood = Understood(
        number=MESSAGE, mailbox=BOX.name, received_at=f.received_at or f.now, message=message, new_text=f.text, reading=reading,
        screening=Screening(kind=f.kind, reason="given"),
    )  # fmt: skip
    known = "new" not in f.customer
    return Situation(
        now=now,
        mailbox=BOX,
        understood=understood,
        person=Person(number=PERSON, name="", email=message.sender.email, language=f.language) if known else None,
        next_case=NUMBER,
        next_person=PERSON,
        contacts=f.contacts[:-1],
        candidates=_candidates(book, test, now),
        authentication=f.authentication,
    )


def _candidates(book: Rulebook, test: RuleTest, now: datetime) -> dict[AgentName, Candidate]:
    return {
        name: Candidate(
            name=name,
            open_cases=test.open_cases.get(name, 0),
            knows_customer=name in test.knows,
            away=name in test.away or is_away(book, name, now),
        )
        for name in book.agents
    }


# --- as time goes by ---------------------------------------------------------------------------------------------------------


def _timeline(book: Rulebook, test: RuleTest, policy: Policy) -> list[str]:
    """Let time pass; compare what happened with what each entry expects."""
    if test.customer_given:  # the words of the test instead of those of the files
        labels = tuple(sorted(test.facts.customer - {"vip", "new", "known"}))
        sender = test.facts.sender or "somebody@customer.example"
        book = replace(book, customers=(CustomerEntry(who=sender, vip="vip" in test.facts.customer, labels=labels),))
    stage = _Stage(book, test, policy)
    start, differences = test.facts.now, []
    stage.begin()
    for entry in test.timeline:
        calendar = calendar_of(book, (stage.case.team or stage.case.assignee) if stage.case else None)
        at = due(entry.after, start, calendar).at
        stage.pass_time(at)
        happened, stage.happened = stage.happened, []
        if entry.do:
            stage.act(entry.do, at)
        differences += _compare(entry, happened)
    return differences


def _compare(entry: Later, happened: Sequence[tuple[str, str]]) -> list[str]:
    found = []
    told = "; ".join(f"{word} {what}" for word, what in happened) or "nothing happened"
    for word, wanted in entry.expect.items():
        got = tuple(dict.fromkeys(what for each, what in happened if each == word))
        if word == "nothing":
            if happened:
                found.append(f"after {entry.after.words}: expected nothing to happen, but: {told}")
        elif set(got) != set(wanted):
            found.append(f"after {entry.after.words}: {word}: expected {_words(wanted)}, got {_words(got)} ({told})")
    return found


class _Stage:
    """A case on a virtual clock: decisions are made by the real functions and applied to plain data."""

    def __init__(self, book: Rulebook, test: RuleTest, policy: Policy) -> None:
        self.book, self.test, self.policy = book, test, policy
        self.case: Case | None = None
        self.person: Person | None = None
        self.jobs: dict[str, Schedule] = {}
        self.happened: list[tuple[str, str]] = []
        self.story: list[StoryLine] = []
        self.changes = _comings_and_goings(book, test.facts.now)

    def begin(self) -> None:
        """The mail comes in."""
        facts = self.test.facts
        situation = _situation(self.book, self.test, facts.now)
        if facts.reopened or facts.waiting_since or facts.feeling_before:  # a case on which this mail follows
            self.person = situation.person or Person(number=PERSON, name="", email=situation.understood.message.sender.email)
            self.case = Case(
                number=NUMBER, mailbox=BOX.name, customer=PERSON, subject=bare_subject(facts.subject),
                state=CaseState.RESOLVED if facts.reopened else CaseState.OPEN,
                sentiment=facts.feeling_before or Sentiment.NEUTRAL,
                opened_at=facts.now - timedelta(days=3), updated_at=facts.now - timedelta(days=1), language=facts.language,
            )  # fmt: skip
            if facts.waiting_since:
                self.story.append(StoryLine(at=facts.waiting_since, role=Role.CUSTOMER, name="", text="", message=MessageNo(0)))
            situation = replace(
                situation,
                case=self.case,
                person=self.person,
                customer=self.person,
                story=tuple(self.story),
                feeling_before=facts.feeling_before,
            )
        self._apply(decide(situation, self.book, self.policy), facts.now)
        self.happened.clear()  # what happens at once is what `expect` of the test is for
        self.story.append(StoryLine(at=facts.now, role=Role.CUSTOMER, name="", text=facts.text, message=MESSAGE))

    def pass_time(self, until: datetime) -> None:
        """Do what is due up to then, in order; as somebody goes away or comes back, open cases are shared out anew."""
        while True:
            jobs = [(job.at, 1, key) for key, job in self.jobs.items()]
            coming = min([*((at, 0, "") for at in self.changes[:1]), *jobs], default=None)
            if coming is None or coming[0] > until:
                return
            at, _, key = coming
            if not key:
                self.changes.pop(0)
                self._share_out(at)
            elif self.case is not None:
                self._apply(decide_due(_job(self.jobs.pop(key)), self._now(at), self.book, self.policy), at)
            else:
                del self.jobs[key]

    def _share_out(self, now: datetime) -> None:
        """Look who is away and what waits for somebody, as the daemon does every few minutes."""
        if self.case is not None:
            self._apply(share_out(self._now(now), self.book, self.policy), now)

    def act(self, what: str, now: datetime) -> None:
        """The holder answers or resolves."""
        case = self.case
        if case is None or case.assignee is None:
            return
        words = "resolve" if what == "resolve" else "Here is the answer."
        message = Message(sender=Address(email=self.book.agents[case.assignee].emails[0]), text=words)
        situation = self._now(now)
        u = replace(situation.understood, message=message, new_text=words, number=MessageNo(2), received_at=now)
        proof = AgentProof(agent=case.assignee, case=case.number, words_to_customer=True, by=ProofKind.SIGNED_ADDRESS)
        self._apply(decide(replace(situation, understood=u, agent=case.assignee, agent_proof=proof), self.book, self.policy), now)
        self.story.append(StoryLine(at=now, role=Role.AGENT, name=case.assignee, text=words, message=MessageNo(2)))
        self._share_out(now)
        self.happened.clear()

    def _now(self, now: datetime) -> Situation:
        situation = _situation(self.book, self.test, now)
        waiting = tuple(job.kind for job in self.jobs.values())
        return replace(situation, case=self.case, customer=self.person, person=self.person, acts=waiting, story=tuple(self.story))

    def _apply(self, decision: Decision, now: datetime) -> None:
        for action in decision.actions:
            match action:
                case OpenCase():
                    self.case, self.person = action.case, action.person
                case Advance() if self.case:
                    self.case = replace(self.case, state=action.state, **action.changes)  # type: ignore[arg-type]  # names of Case
                case Assign() if self.case:
                    involved = tuple(dict.fromkeys((*self.case.involved, action.agent)))
                    self.case = replace(
                        self.case,
                        assignee=action.agent,
                        team=action.team,
                        involved=involved,
                        backlog=action.backlog,
                        lent_by=action.lent_by,
                    )
                    self.happened += [("assign", str(action.team or action.agent)), ("agent", str(action.agent))]
                case Label() if self.case:
                    self.case = replace(self.case, labels=tuple(dict.fromkeys((*self.case.labels, *action.labels))))
                case Schedule():
                    self.jobs[action.key] = action
                case Cancel():
                    self.jobs = {key: job for key, job in self.jobs.items() if job.kind not in action.kinds}
                case Send():
                    self._sent(action)
                case _:
                    pass  # what stays in the log

    def _sent(self, action: Send) -> None:
        letter = action.letter
        if letter.kind.automatic_to_customer:
            self.happened.append(("sent", letter.template))
        elif letter.template == "due_reminder" and not letter.values.get("to_lead"):
            self.happened.append(("remind", str(letter.agent)))
        elif letter.template in ("due_reminder", "told"):
            self.happened.append(("tell", letter.purpose.rpartition(":")[2]))
        elif letter.kind is OutgoingKind.REPLY:
            self.happened.append(("sent", "reply"))


def _comings_and_goings(book: Rulebook, after: datetime) -> list[datetime]:
    """The midnights, each by the agent's own clock, at which an absence begins or is over."""
    found: set[datetime] = set()
    for agent in book.agents.values():
        hours = hours_of(book, agent.name)
        for absence in agent.away:
            days = (absence.first, absence.last + timedelta(days=1))
            found |= {datetime.combine(day, time(), hours.zone if hours else UTC).astimezone(UTC) for day in days}
    return sorted(at for at in found if at > after)


def _job(schedule: Schedule) -> Job:
    return Job(
        number=JobNo(1), kind=schedule.kind, key=schedule.key, run_at=schedule.at, case=schedule.case, payload=schedule.payload
    )  # fmt: skip
