"""Where a message goes, by the rules: the facts they see, what they answer, who gets it, by when, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from inboxd.core.assign import Choice, assign, team_of
from inboxd.core.copies import replace
from inboxd.core.follow_up import ASKING_JOBS, SENSITIVE, is_answer, outcome_again
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Action,
    Address,
    Advance,
    AgentName,
    Assign,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    JobKind,
    MailboxName,
    Role,
    Schedule,
    Situation,
)  # fmt: skip
from inboxd.core.opening import Calendar, Due, Span, add_days, arithmetic, between, due, next_open, share
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Moment, Rule, Rulebook, Step, Then, calendar_of, customer_words, hours_of, main_calendar
from inboxd.core.rules import Facts, Ruling, judge, near_misses
from inboxd.core.screen import is_of_a_list


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the rules make of one message, and when an answer is due."""

    facts: Facts
    ruling: Ruling
    within: Span
    start: datetime  # from when the time to answer counts
    hour: Due
    calendar: Calendar | None
    near: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()

    @property
    def ignored(self) -> bool:
        """Nobody gets it."""
        return bool(self.ruling.then.ignore)


def route(
    situation: Situation, book: Rulebook, policy: Policy, contacts: tuple[datetime, ...], *, reopened: bool, since: datetime | None = None
) -> Route:
    """Ask the rules, and work out by when somebody should have answered, counted from now or from `since`."""
    facts = facts_of(situation, book, contacts, reopened=reopened)
    ruling = judge(book.rules, facts)
    case = situation.case
    within = ruling.then.answer_within or Span(length=policy.answer_within)
    calendar = calendar_of(book, ruling.then.assign or (case.team or case.assignee if case else None))
    return Route(
        facts=facts,
        ruling=ruling,
        within=within,
        start=since or situation.now,
        hour=due(within, since or situation.now, calendar),
        calendar=calendar,
        near=near_misses(book.rules, facts, ruling),
        rules=book.rules,
    )


def choose(found: Route, situation: Situation, book: Rulebook, avoid: Iterable[AgentName] = ()) -> Choice | None:
    """Who gets it, by the rules' word."""
    return assign(found.ruling.then.assign, situation, book, avoid=avoid, due_at=found.hour.at)


def stand_in(case: Case, holder: AgentName, situation: Situation, book: Rulebook, due_at: datetime | None) -> Choice | None:
    """Who takes a case while its holder is away: of the same team, if anybody is there."""
    found = assign(case.team or team_of(holder, book), situation, book, avoid=(holder,), due_at=due_at)
    stands = situation.candidates.get(found.agent) if found else None
    if found is None or found.agent == holder or (stands is not None and stands.away):
        return None  # nobody who is there: it stays where it is
    return replace(found, why=f"{book.agents[holder].signs_as} is away")


def who_reads(names: Iterable[AgentName | None], situation: Situation, case: Case, book: Rulebook) -> Choice | None:
    """Who reads what only a person can: the first of these who is there, else who stands in for the holder; if all are away, the first."""
    known = [Choice(agent=name, team=team_of(name, book), why="") for name in names if name is not None and name in book.agents]
    away = {name for name, candidate in situation.candidates.items() if candidate.away}
    if found := next((choice for choice in known if choice.agent not in away), None):
        return found
    if case.assignee is not None and case.assignee in book.agents:
        other = stand_in(case, case.assignee, situation, book, case.due_at)
    else:
        other = assign(case.team or book.senior_team, situation, book, due_at=case.due_at)
    return other or next(iter(known), None)


def given_anew(case: Case, choice: Choice, book: Rulebook) -> tuple[Assign, ...]:
    """Whoever reads it has the case, too, where its holder works here no longer; an open one is shared out with the mail that waits."""
    if case.assignee in book.agents or case.state is CaseState.OPEN:
        return ()
    return (Assign(case=case.number, agent=choice.agent, team=choice.team, why="nobody of the team has it now"),)


# --- facts -----------------------------------------------------------------------------------------------------------------


def is_contact(situation: Situation) -> bool:
    """A contact is a mail of a person that we did not ask for; thanks, answers and quick afterthoughts are none."""
    u = situation.understood
    if u.screening.automatic or situation.asked_for or u.reading.thanks_only:
        return False
    return not is_answer(situation)


def contacts_with(situation: Situation) -> tuple[datetime, ...]:
    """The person's contacts with the present one, where it is one."""
    here = (situation.understood.received_at,) if is_contact(situation) else ()
    return (*situation.contacts, *here)


def facts_of(situation: Situation, book: Rulebook, contacts: tuple[datetime, ...], *, reopened: bool) -> Facts:
    """What the words of a rule's `when` look at."""
    u, r = situation.understood, situation.understood.reading
    vip, labels = customer_words(book, u.message.sender.email)
    words = {"known" if situation.person else "new", *labels, *({"vip"} if vip else ())}
    return Facts(
        now=situation.now,
        kind=u.screening.kind,
        topic=r.topic,
        topic_sure=r.topic_sure,
        sentiment=r.sentiment,
        urgent=r.is_urgent,
        sensitive=r.sensitive,
        language=r.language,
        customer=frozenset(words),
        contacts=contacts,
        reopened=reopened,
        sender=u.message.sender.email,
        to=tuple(address.email for address in (*u.message.to, *u.message.cc)),
        subject=u.message.subject,
        text=u.new_text,
        received_at=u.received_at,
        waiting_since=waiting_since(situation),
        feeling_before=situation.feeling_before,
        authentication=situation.authentication,
        headers=u.message.headers,
    )


def waiting_since(situation: Situation) -> datetime | None:
    """The customer's first word that nobody has answered yet, the present mail apart; None if they do not wait."""
    since = None
    for line in reversed(situation.story):
        if line.role is Role.AGENT:
            break
        if line.role is Role.CUSTOMER and line.wants_answer and line.message != situation.understood.number:
            since = line.at
    return since


def came_at(situation: Situation) -> datetime:
    """When the customer began to wait for an answer to this mail: a machine that stood still gives us no more time."""
    return min(situation.understood.received_at, situation.now)


# --- what follows from the ruling --------------------------------------------------------------------------------------------


def decided(actions: Iterable[Action], found: Route, case: Case, choice: Choice | None, policy: Policy) -> Decision:
    """These actions, with the rules' reasons and their trace beside them."""
    trace = trace_of(found, choice, policy.zone)
    return Decision(actions=tuple(actions), because=because_of(found, choice), trace=trace, case=case.number)


def given(case: Case, choice: Choice, ruling: Ruling, lent_by: AgentName | None = None) -> Assign:
    """The case goes to whoever was chosen, with the reason in words."""
    why = why_of(ruling, choice)
    return Assign(case=case.number, agent=choice.agent, team=choice.team, why=why, backlog=choice.backlog, lent_by=lent_by)


def labels_of(situation: Situation, ruling: Ruling) -> tuple[str, ...]:
    """The rules' labels; what is sensitive keeps that mark, so that no machine ever writes into the case."""
    return (*ruling.then.labels, *((SENSITIVE,) if situation.understood.reading.sensitive else ()))


def may_be_asked(situation: Situation, ruling: Ruling) -> bool:
    """Whether anybody may be asked afterwards: no rule forbids it, nothing sensitive is in it, and a person wrote it as such."""
    no_person = is_of_a_list(situation.understood.message.sender.email)
    return ruling.then.follow_up is not False and not situation.understood.reading.sensitive and not no_person


def filed(situation: Situation, ruling: Ruling) -> list[Action]:
    """Where a rule files the mail, it is moved once it is stored and decided."""
    folder, number = ruling.then.file_in, situation.understood.number
    if not folder or not situation.mailbox.file:
        return []
    return [Schedule(kind=JobKind.FILE, key=f"file:{number}", at=situation.now, payload={"message": number, "folder": folder})]


# --- why -------------------------------------------------------------------------------------------------------------------


def why_of(ruling: Ruling, choice: Choice) -> str:
    """Why this agent, for the brief: the rule's reason, and why this one of the team."""
    rule = "" if ruling.unconditional else ruling.why or ruling.by.get("assign", "")
    return ", ".join(part for part in (rule, choice.why) if part)


def because_of(found: Route, choice: Choice | None) -> tuple[str, ...]:
    """The winner of each question, and why this agent, for the log and for `explain`."""
    by = tuple(f"{question}: rule '{rule}'" for question, rule in found.ruling.by.items())
    return (*by, f"{choice.agent}: {choice.why}") if choice else by


def trace_of(found: Route, choice: Choice | None = None, zone: tzinfo | None = None) -> tuple[str, ...]:
    """Each rule, yes or no, with the value that made it so; what nearly held; who and why not the others; the hour and its arithmetic."""
    lines = list(rules_trace(found.ruling, found.rules))
    lines += [f"nearly: {near}" for near in found.near]
    if choice:
        of = f" of {choice.team}" if choice.team else ""
        lines.append(f"who: {choice.agent}{of} - {choice.why}")
        lines += [f"  {passed}" for passed in choice.passed]
        if choice.backlog:
            lines.append(f"  waits for somebody of {choice.backlog} to be free")
    if zone is not None and not found.ignored:
        lines.append(f"due: {arithmetic(found.hour, found.within, found.start, found.calendar, zone)}")
    return tuple(lines)


def once_each(names: Iterable[str], book: Rulebook) -> tuple[str, ...]:
    """Whom `tell` names, each person once: the lead may be named by name, too."""
    seen = {book.lead if name == "lead" else name: name for name in reversed(tuple(names))}
    return tuple(reversed(seen.values()))


def rules_trace(ruling: Ruling, rules: Iterable[Rule] = ()) -> tuple[str, ...]:
    """Each rule, yes or no, with what it decided and the value that made it so, a line each."""
    lines = []
    thens = {rule.name: rule.then for rule in rules}
    for rule in ruling.trace:
        decided = [_answered_with(question, thens.get(rule.rule, ruling.then)) for question in rule.decided]
        lines.append(f"{'YES' if rule.matched else 'no '} {rule.rule} - {'; '.join(part for part in (*decided, rule.reason) if part)}")
    return tuple(lines)


def _answered_with(question: str, then: Then) -> str:
    value = getattr(then, question, None)
    if question in ("label", "tell"):
        added = then.labels if question == "label" else then.tell
        return f"{question}: {', '.join(added)}"
    if isinstance(value, bool):
        return f"{question}: {'yes' if value else 'no'}"
    return question if value is None else f"{question}: {value.words if isinstance(value, Span) else value}"


# --- open again ------------------------------------------------------------------------------------------------------------


def undelivered(case: Case, now: datetime, policy: Policy, book: Rulebook) -> tuple[Action, ...]:
    """Our words did not reach the customer: the case is open again, with a date, and nobody is asked about it."""
    return () if case.state is CaseState.MERGED else open_again(case, CaseEvent.UNDELIVERED, now, policy, book)


def open_again(case: Case, event: CaseEvent, now: datetime, policy: Policy, book: Rulebook) -> tuple[Action, ...]:
    """The customer waits for us, and nobody had noticed: open, with a date."""
    at = now + policy.answer_within
    changes: dict[str, object] = {"due_at": at, "resolved_at": None, "closed_at": None}
    if event is CaseEvent.CUSTOMER_WROTE:  # as in `next_word`: what was said before counts no longer
        changes |= {"good_sign": False, "outcome": outcome_again(case)}
    return (
        Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes),
        Cancel(case=case.number, kinds=ASKING_JOBS),
        escalate_at(replace(case, due_at=at), book, now),
    )


# --- the ladder ------------------------------------------------------------------------------------------------------------

NUDGE = Step(after=Moment(part=0.5), remind=True)
DEFAULT_LADDER = (NUDGE, Step(after=Moment(part=1.0), remind=True))  # then daily, the lead with it: see `due`
LEAST_TO_HALF = timedelta(minutes=15)  # shorter than that from the mail to the nudge, or from the nudge to the hour: no nudge


def ladder_of(book: Rulebook) -> tuple[Step, ...]:
    """The steps of `if_nobody_answers`; without any, the holder is nudged half-way and reminded at the hour."""
    return book.ladder or DEFAULT_LADDER


def escalate_at(
    case: Case, book: Rulebook, since: datetime, within: Span | None = None, *, now: datetime | None = None, nudge: bool = True
) -> Schedule:
    """The first step for a case that waits for its agent since then (I11). Without `nudge`, none of ours comes before the hour.

    `now`, where that is later: whoever has the case hears of it only now, so the steps are counted from here.
    """
    start = max(since, now or since)
    opening, step, hour = bool(within and (within.opening or within.days)), 0, hour_of_steps(case, book, start, within)
    at = step_at(ladder_of(book)[step], case, book, start, hour, opening=opening)
    if not book.ladder:
        nudged = nudge_at(at, case, book, hour) if nudge and at - start >= LEAST_TO_HALF else None
        step, at = (0, nudged) if nudged else (1, hour)
    payload = {"count": 0, "step": step, "since": start.isoformat(), "hour": hour.isoformat(), "opening": opening}
    return Schedule(kind=JobKind.ESCALATE, key=f"escalate:{case.number}", at=at, case=case.number, payload=payload)


def hour_of_steps(case: Case, book: Rulebook, start: datetime, within: Span | None) -> datetime:
    """The hour by which the steps count: that of the case, but whoever hears of it only at `start` has half of the time that a rule gives.

    A machine that stood still gives the customer no later hour, and nobody is reminded of what nobody could do.
    """
    assert case.due_at is not None  # an open case has a due date
    if within is None:
        return case.due_at
    calendar = calendar_of(book, case.team or case.assignee)
    return max(case.due_at, share(within, start, due(within, start, calendar).at, 0.5, calendar))


def step_at(step: Step, case: Case, book: Rulebook, since: datetime, hour: datetime, *, opening: bool) -> datetime:
    """When a step comes, by the opening hours of whoever holds the case."""
    calendar = calendar_of(book, case.team or case.assignee)
    span = Span(length=timedelta(1), opening=opening)
    base = hour if step.after.part == 1 else share(span, since, hour, step.after.part, calendar)
    return due(step.after.plus, base, calendar).at if step.after.plus else base


def after_late(at: datetime, planned: datetime, now: datetime, case: Case, book: Rulebook, *, opening: bool) -> datetime:
    """When the step planned for `at` comes, where the one before it was `planned` for a time at which the machine stood still.

    Whoever heard of it only now has half of the time that was to lie between the two.
    """
    calendar = calendar_of(book, case.team or case.assignee) if opening else None
    between_them = between(calendar, planned, at) if calendar else at - planned
    return max(at, now, due(Span(length=between_them / 2, opening=opening), now, calendar).at)


def nudge_at(at: datetime, case: Case, book: Rulebook, hour: datetime) -> datetime | None:
    """When whoever has the case is nudged: half-way, or as they come to work; None if it is then too near to the hour to help anybody."""
    if case.assignee is None or case.assignee not in book.agents:
        return None
    hours = hours_of(book, case.assignee, book.teams.get(case.team) if case.team else None)
    there = next_open(hours, at) if hours else at
    return there if there is not None and hour - there >= LEAST_TO_HALF else None


def share_out_at(mailbox: MailboxName, at: datetime) -> Schedule:
    """Look who is away and what waits for somebody to be free, at this time."""
    return Schedule(kind=JobKind.SHARE_OUT, key=f"{JobKind.SHARE_OUT}:{mailbox}", at=at, payload={"mailbox": mailbox})


def next_reminder(case: Case, book: Rulebook, policy: Policy, now: datetime) -> datetime:
    """Beyond the ladder: daily, on days on which somebody is there."""
    calendar = calendar_of(book, case.team or case.assignee) or main_calendar(book)
    return add_days(calendar, now, 1).at if calendar else now + policy.remind_every


def with_assignee(case: Case, choice: Choice | None) -> Case:
    """The case as it will be once the choice is carried out."""
    return replace(case, assignee=choice.agent, team=choice.team) if choice else case


def with_readers(case: Case, found: Iterable[Address]) -> Case:
    """The case as it will be once these read it, too."""
    there = {each.email for each in case.participants}
    return replace(case, participants=(*case.participants, *(each for each in found if each.email not in there)))
