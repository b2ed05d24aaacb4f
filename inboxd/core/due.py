"""What happens when a date of a case has come: ask, remind, give up asking, nudge, hand over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.assign import Choice, alone, assign, team_of
from inboxd.core.follow_up import (
    ASKING_JOBS,
    after_resolved,
    ask_at,
    awake_at,
    close_later,
    may_ask,
    remind_later,
    wants_reminder,
    zone_of_customer,
)
from inboxd.core.issues import RESOLVED, why_not
from inboxd.core.letters import (
    acknowledgement,
    answer_to_offer,
    first_name,
    follow_up,
    full_name,
    is_for_people_only,
    lead_of,
    mended,
    notice,
    routed,
    to_lead,
)
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
    CaseNo,
    CaseState,
    ChangePerson,
    Decision,
    Job,
    JobKind,
    Label,
    Log,
    Mended,
    Mode,
    Outcome,
    Promise,
    Role,
    Schedule,
    Send,
    SettleIssue,
    Situation,
    TeamName,
)
from inboxd.core.permit import put_off
from inboxd.core.policy import Policy
from inboxd.core.promises import next_reminder as next_promise
from inboxd.core.promises import over_at, remind_at, still_open
from inboxd.core.route import (
    after_late,
    because_of,
    escalate_at,
    ladder_of,
    next_reminder,
    nudge_at,
    once_each,
    open_again,
    route,
    stand_in,
    step_at,
    trace_of,
    waiting_since,
    why_of,
    with_assignee,
)
from inboxd.core.rulebook import Agent, Moment, Rulebook, Step

BY_MAIL = "by_mail"  # in the payload of HAND_OVER: the team's folder could not be used
ANSWER_OFFERED = "answer.offered"  # the event: an acknowledgement offered an answer of the rules
OWED_AGAIN = timedelta(days=1)  # when a question comes that waits for a person's word in another case
NOTHING = Decision(because=("the case has moved on",))


def due(job: Job, situation: Situation, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """Decide about a job of a case. A job that the case has outrun does nothing: it may run twice."""
    case = situation.case
    if case is None:
        return NOTHING
    if (later := _after_promises(job, situation, case, book, policy)) is not None:
        return Decision(actions=(later,), because=("a day that was named to the customer is not over",), case=case.number)
    if (later := _when_awake(job, situation, case, policy)) is not None:
        return Decision(actions=(later,), because=("the customer is asked by day",), case=case.number)
    if situation.owed and job.kind in (JobKind.ASK, JobKind.REMIND) and case.state is CaseState.RESOLVED:
        return _again(job, case, situation.now + OWED_AGAIN, "after a bad answer the next word is a person's")
    match job.kind:
        case JobKind.ASK if case.state is CaseState.RESOLVED:
            return _ask(job, situation, case, book, policy)
        case JobKind.REMIND if case.state is CaseState.RESOLVED:
            return _remind(job, situation, case, book, policy)
        case JobKind.CLOSE if case.state is CaseState.RESOLVED:
            return _close(situation, case)
        case JobKind.SILENCE if case.state is CaseState.WAITING:
            return _silence(situation, case, book)
        case JobKind.WAKE if case.state is CaseState.WAITING:
            return _wake(job, situation, case, book, policy)
        case JobKind.ESCALATE if case.state is CaseState.OPEN:
            return _escalate(job, situation, case, book, policy, admin)
        case JobKind.MENDED if situation.mended is not None:
            return _mended(job, situation, case, situation.mended, book, policy)
        case JobKind.PROMISE if case.state is not CaseState.MERGED:
            return _promise(situation, case, book, policy)
        case JobKind.PASS_ON if case.state is not CaseState.MERGED:
            return _pass_on(job, situation, case, book, policy)
        case JobKind.REDECIDE:
            return redecide(situation, book, policy)
        case JobKind.HAND_OVER if job.payload.get(BY_MAIL):
            return _by_mail(job, situation, case, book, policy)
        case JobKind.HAND_OVER if case.state in (CaseState.OPEN, CaseState.WAITING, CaseState.RESOLVED):
            return _hand_over(situation, case, book, policy)
        case JobKind.ACKNOWLEDGE if case.state is CaseState.OPEN and case.last_reply_at is None:
            return _acknowledge(job, situation, case, book, policy)
    return NOTHING


def _acknowledge(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """Nobody has answered: the customer hears that the mail is here, if there is any news for them."""
    if is_for_people_only(situation, case, book):
        return Decision(because=("the next word is a person's",), case=case.number)
    promised = bool(job.payload.get("promised"))
    answer, template = answer_to_offer(situation, case, book), str(job.payload["template"])
    letter = acknowledgement(situation, case, book, template, promised=promised, zone=policy.zone, answer=answer)
    if letter is None:
        return Decision(because=("there is no news to tell",), case=case.number)
    offered = (Log(kind=ANSWER_OFFERED, case=case.number, data={"answer": answer.name}),) if answer else ()
    return Decision(actions=(Send(letter=letter), *offered), because=("nobody has answered yet",), case=case.number)


def _after_promises(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Schedule | None:
    """When this job that asks, or ends in asking, comes again: while something is promised, nobody is asked."""
    match job.kind:
        case JobKind.ASK if case.state is CaseState.RESOLVED:
            over = over_at(situation.promises, book, situation.now, policy.zone)
            at = ask_at(case, book, over) if over else None
        case JobKind.SILENCE if case.state is CaseState.WAITING:
            over = over_at(situation.promises, book, situation.now, policy.zone)
            at = over + (book.follow_up.ask_when_waiting or timedelta(0)) if over else None
        case _:
            return None
    return Schedule(kind=job.kind, key=job.key, at=at, case=case.number) if at else None


def _when_awake(job: Job, situation: Situation, case: Case, policy: Policy) -> Schedule | None:
    """When this question comes again, if it is night where the customer lives."""
    asks = job.kind in (JobKind.ASK, JobKind.REMIND) and case.state is CaseState.RESOLVED
    if not asks and job.kind is not JobKind.MENDED:
        return None
    at = awake_at(situation.now, zone_of_customer(situation, policy))
    return Schedule(kind=job.kind, key=job.key, at=at, case=job.case, payload=job.payload) if at > situation.now else None


def _promise(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """The morning of a day that was named to the customer: whoever has the case now is reminded, once, of all that is for that day."""
    now, zone = situation.now, policy.zone
    there = still_open(situation.promises, book, now, zone)
    actions: list[Action] = list(next_promise(case.number, there, book, now, zone))
    reached = [each for each in there if each.made_at < remind_at(each, book, zone) <= now]
    to = _who_keeps(reached[0], situation, case, book) if reached else None
    if to is not None and not (case.state is CaseState.CLOSED and case.outcome in (Outcome.SATISFIED, Outcome.WON_BACK)):
        for day in dict.fromkeys(each.day for each in reached):
            promised = [
                {"sentence": each.sentence, "at": each.made_at, "by": book.agents[each.agent].signs_as if each.agent in book.agents else "",
                 "yours": each.agent == to.name}
                for each in reached if each.day == day
            ]  # fmt: skip
            letter = notice(
                situation, to, template="promise_reminder", purpose=f"promise:{case.number}:{day}", case=case,
                values={"promised": promised, "day": day, "now": now},
            )  # fmt: skip
            actions.append(Send(letter=letter))
    return Decision(actions=tuple(actions), because=("a day that was named to the customer",), case=case.number)


def _who_keeps(promise: Promise, situation: Situation, case: Case, book: Rulebook) -> Agent | None:
    """Whoever has the case, else whoever promised, else the lead: the first of them who is there."""
    names = [AgentName(name) for name in (case.assignee, promise.agent, book.lead) if name and name in book.agents]
    away = {name for name, candidate in situation.candidates.items() if candidate.away}
    found = next((name for name in names if name not in away), names[0] if names else None)
    return book.agents[found] if found else None


def _ask(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    person, asking, now = situation.customer, book.follow_up, situation.now
    if situation.mailbox.mode is not Mode.FULL or not may_ask(case, person, asking, now):
        return Decision(actions=(close_later(case, asking, now),), because=("not asked",), case=case.number)
    assert person is not None  # may_ask said so
    letter = follow_up(situation, case, book, reminder=False)
    if (at := put_off(letter, situation, policy)) is not None:
        return _again(job, case, at)
    later = remind_later(case, asking, now) if wants_reminder(case) else close_later(case, asking, now)
    actions = (Send(letter=letter), ChangePerson(person=person.number, changes={"asked_at": now}), later)
    return Decision(actions=actions, because=("resolved, and quiet since",), case=case.number)


def _remind(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    close = close_later(case, book.follow_up, situation.now)
    if situation.mailbox.mode is not Mode.FULL or situation.customer is None or situation.customer.no_follow_up:
        return Decision(actions=(close,), because=("not asked again",), case=case.number)
    letter = follow_up(situation, case, book, reminder=True)
    if (at := put_off(letter, situation, policy)) is not None:
        return _again(job, case, at)
    return Decision(actions=(Send(letter=letter), close), because=("no answer, and it matters",), case=case.number)


def _again(job: Job, case: Case, at: datetime, why: str = "so much leaves just now") -> Decision:
    again = Schedule(kind=job.kind, key=job.key, at=at, case=job.case, payload=job.payload)
    return Decision(actions=(again,), because=(why,), case=case.number)


def _mended(job: Job, situation: Situation, case: Case, told: Mended, book: Rulebook, policy: Policy) -> Decision:
    """Tell that it is mended and ask, as after any `resolve`; what a cap withholds comes again later.

    Where the customer wrote again since it was mended, a person owes an answer to that: the case stays open.
    """
    now, issue, number = situation.now, told.issue.number, job.case or case.number
    if why := why_not(situation, case, told):
        return Decision(actions=(SettleIssue(issue=issue, case=number, why=why),), because=(f"not told: {why}",), case=case.number)
    stays = case.state is CaseState.OPEN and _wrote_since(situation, told)
    event = CaseEvent.NOTED if stays else CaseEvent.AGENT_RESOLVED
    changes: dict[str, object] = {"round": case.round + 1} if stays else {
        "resolved_at": now, "by_silence": False, "round": case.round + 1, "due_at": None, "closed_at": None, "good_sign": False,
        "backlog": None,
    }  # fmt: skip
    state = advance(case.state, event)
    moved = replace(case, state=state, **changes)  # type: ignore[arg-type]  # the names are those of Case
    letter = mended(situation, moved, told)
    if (at := put_off(letter, situation, policy)) is not None:
        return _again(job, case, at)
    actions: tuple[Action, ...] = (
        SettleIssue(issue=issue, case=number),
        Advance(case=case.number, event=event, state=state, changes=changes),
        Send(letter=letter),
        ChangePerson(person=case.customer, changes={"asked_at": now}),
    )
    if not stays:
        actions = (
            *actions,
            Cancel(case=case.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE)),
            remind_later(moved, book.follow_up, now) if wants_reminder(moved) else close_later(moved, book.follow_up, now),
        )
    if not stays and case.assignee is not None and case.state in (CaseState.OPEN, CaseState.WAITING):
        actions = (*actions, Log(kind=RESOLVED, case=case.number, data={"issue": issue, "agent": case.assignee}))
    return Decision(actions=actions, because=("what they wrote about is mended",), case=case.number)


def _wrote_since(situation: Situation, told: Mended) -> bool:
    mended_at = told.issue.fixed_at
    return mended_at is not None and any(line.role is Role.CUSTOMER and line.at > mended_at for line in situation.story)


def _close(situation: Situation, case: Case) -> Decision:
    """Nobody answered: closed, outcome as it was known. Silence is never counted as satisfied."""
    event = CaseEvent.NO_ANSWER
    changes = {"closed_at": situation.now}
    move = Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes)
    return Decision(actions=(move,), because=("no answer to the question",), case=case.number)


def _silence(situation: Situation, case: Case, book: Rulebook) -> Decision:
    event = CaseEvent.SILENCE
    changes: dict[str, object] = {
        "resolved_at": situation.now,
        "resolved_by": case.last_reply_by,
        "by_silence": True,
        "round": case.round + 1,
        "due_at": None,
    }
    moved = replace(case, state=CaseState.RESOLVED, **changes)  # type: ignore[arg-type]  # the names are those of Case
    move = Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes)
    ask = after_resolved(moved, situation.customer, book, situation.now, situation.mailbox.mode)
    if ask.kind is JobKind.ASK:  # the silence was the quiet time: ask now
        ask = replace(ask, at=situation.now)
    return Decision(actions=(move, ask), because=("our answer was followed by silence",), case=case.number)


def _escalate(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """Nobody has answered: the next step of the ladder; beyond it the holder and the lead are reminded daily."""
    now, payload, steps = situation.now, job.payload, ladder_of(book)
    number, count = int(str(payload.get("step", 0))), int(str(payload.get("count", 0)))
    since = datetime.fromisoformat(str(payload["since"])) if "since" in payload else case.opened_at
    hours = (case.due_at, datetime.fromisoformat(str(payload["hour"])) if "hour" in payload else None)
    hour = max((each for each in hours if each is not None), default=now)
    opening = bool(payload.get("opening"))
    if not book.ladder and number == 0:
        later = _no_nudge(situation, case, book, hour)
        if later is not None:
            step_then = {**payload, "step": later[0]}
            again = Schedule(kind=JobKind.ESCALATE, key=f"escalate:{case.number}", at=later[1], case=case.number, payload=step_then)
            return Decision(actions=(again,), because=("no time for a nudge",), case=case.number)
    step = steps[number] if number < len(steps) else Step(after=Moment(), remind=True, tell=("lead",))
    actions: list[Action] = []
    choice = _taken_over(step, situation, case, book)
    if step.priority:
        case = replace(case, priority=step.priority)
        actions.append(Advance(case=case.number, event=CaseEvent.RECONSIDERED, state=case.state, changes={"priority": step.priority}))
    if choice is not None:
        actions += _given_to(choice, situation, case, book, policy, purpose=f"{_reminder_of(case, job)}:to:{choice.agent}")
        case = with_assignee(case, choice)
    holder = book.agents.get(case.assignee or AgentName(""))
    times = count + 1
    if choice is None and (step.remind or step.assign):
        actions += _reminders(job, situation, case, book, times)
    told = step.tell if holder is not None else ("lead", *step.tell)
    actions += _lead_told(job, situation, case, book, admin, times, told)
    if number + 1 < len(steps):
        planned = step_at(steps[number + 1], case, book, since, hour, opening=opening)
        at = after_late(planned, job.run_at, now, case, book, opening=opening)
    else:
        at = next_reminder(case, book, policy, now)
    following = {**payload, "step": number + 1, "count": times}
    actions.append(Schedule(kind=JobKind.ESCALATE, key=f"escalate:{case.number}", at=at, case=case.number, payload=following))
    why = "nobody has answered yet"
    because = (why,) if choice is None else (why, f"{choice.agent}: {choice.why}")
    return Decision(actions=tuple(actions), because=because, case=case.number, trace=choice.passed if choice else ())


def _no_nudge(situation: Situation, case: Case, book: Rulebook, hour: datetime) -> tuple[int, datetime] | None:
    """The step, and when it comes, where nobody can be nudged now; None where somebody can."""
    now, holder = situation.now, situation.candidates.get(case.assignee or AgentName(""))
    at = None if holder is not None and holder.away else nudge_at(now, case, book, hour)
    if at == now:
        return None
    return (0, at) if at is not None else (1, max(now, hour))


def _who_is_next(situation: Situation, case: Case, book: Rulebook) -> str:
    """Who would get the case if its holder passed it on now; "" where that is not certain, and "nobody" where there is nobody."""
    target = case.team or team_of(case.assignee or AgentName(""), book)
    choice = assign(target, situation, book, avoid=(case.assignee,) if case.assignee else (), due_at=case.due_at)
    if choice is None or choice.agent == case.assignee:
        return "nobody"
    there = situation.candidates.get(choice.agent)
    return "" if choice.backlog or there is None or there.away else book.agents[choice.agent].signs_as


def _reminder_of(case: Case, job: Job) -> str:
    opened, at = int(case.opened_at.timestamp()), int(job.run_at.timestamp())
    return f"due:{case.number}:{opened}:{case.reopened}:{at}:{job.payload.get('count', 0)}"


def _taken_over(step: Step, situation: Situation, case: Case, book: Rulebook) -> Choice | None:
    """Who takes the case at this step; nobody where its holder belongs to those it would go to."""
    team = book.teams.get(TeamName(step.assign or ""))
    if step.assign is None or case.assignee == step.assign or (team and case.assignee in team.agents):
        return None
    choice = assign(step.assign, situation, book, avoid=(case.assignee,) if case.assignee else ())
    if choice is None or choice.agent == case.assignee:
        return None
    return replace(choice, why="nobody had answered by the hour")


def _given_to(
    choice: Choice, situation: Situation, case: Case, book: Rulebook, policy: Policy, *, purpose: str, lent_by: AgentName | None = None
) -> list[Action]:
    """The case goes to somebody else, with the customer's last mail and its brief."""
    moved = with_assignee(case, choice)
    waiting = situation.not_handed_over if len(situation.not_handed_over) > 1 else ()  # mails that still gathered: all of them go along
    letter = routed(
        situation, moved, book.agents[choice.agent], policy, purpose=purpose, why=choice.why, messages=waiting, lead=lead_of(book)
    )
    given = Assign(
        case=case.number, agent=choice.agent, team=choice.team, why=choice.why, backlog=choice.backlog, lent_by=lent_by
    )  # fmt: skip
    return [given, Cancel(case=case.number, kinds=(JobKind.HAND_OVER,)), Send(letter=letter)]


def _values(situation: Situation, case: Case, book: Rulebook, times: int) -> dict[str, object]:
    holder = book.agents.get(case.assignee or AgentName(""))
    return {
        "times": times,
        "due_at": case.due_at,
        "past": case.due_at is not None and situation.now >= case.due_at,
        "now": situation.now,
        "holder": holder.signs_as if holder else "",
        "lead": "",
        "next": "",
        "first": True,
    }


def _reminders(job: Job, situation: Situation, case: Case, book: Rulebook, times: int) -> list[Action]:
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is None:
        return []
    values = {
        **_values(situation, case, book, times),
        "to_lead": False,
        "next": _who_is_next(situation, case, book),
        "first": case.last_reply_at is None,
    }
    letter = notice(situation, holder, template="due_reminder", purpose=f"{_reminder_of(case, job)}:remind", case=case, values=values)
    return [Send(letter=letter)]


def _lead_told(job: Job, situation: Situation, case: Case, book: Rulebook, admin: str, times: int, names: Sequence[str]) -> list[Action]:
    """Everybody whom this step tells, but not whoever holds the case."""
    name = full_name(situation.customer)
    actions: list[Action] = []
    for who in once_each(names, book):
        agent = book.agents.get(AgentName(book.lead if who == "lead" else who))
        if agent is not None and agent.name == case.assignee:
            continue
        values: dict[str, object] = {
            **_values(situation, case, book, times),
            "to_lead": True,
            "lead": agent.signs_as if agent else "",
            "customer": first_name(name),
            "subject": case.subject,
        }
        purpose = f"{_reminder_of(case, job)}:told:{who}"
        if agent is not None and who != "lead":
            letter = notice(situation, agent, template="due_reminder", purpose=purpose, case=case, values=values)
        else:
            letter = to_lead(
                situation.mailbox, book, admin, template="due_reminder", purpose=purpose,
                subject=f"{name}: {case.subject} [#{case.number}]", values=values, case=case.number,
            )  # fmt: skip
            if "@" in who:
                letter = replace(letter, to=Address(email=who), agent=None, reply_token="")
        actions.append(Send(letter=letter))
    return actions


# --- who has it: absences, backlog, new rules --------------------------------------------------------------------------------


def _pass_on(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """An agent gives the case away: to somebody by name, or to a team, where it never comes back to the giver while others are there."""
    giver, target = AgentName(str(job.payload["from"])), str(job.payload["target"]) or None
    note = str(job.payload.get("note", ""))
    choice = assign(target, situation, book, avoid=(giver,), due_at=case.due_at)
    if choice is None or choice.agent == case.assignee:
        return NOTHING
    name = book.agents[giver].signs_as if giver in book.agents else str(giver)
    choice = replace(choice, why=f"{name} passed it on" + (f": {note}" if note else ""))
    actions = _given_to(choice, situation, case, book, policy, purpose=f"{job.key}:{int(job.run_at.timestamp())}:{choice.agent}")
    return Decision(actions=tuple(actions), because=(f"{choice.agent}: {choice.why}",), case=case.number, trace=choice.passed)


def share_out(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """An open case whose holder is away is taken over, a lent one given back, one that waits for a free agent handed out."""
    case, at = situation.case, int(situation.now.timestamp())
    if case is None or case.state is not CaseState.OPEN:
        return NOTHING
    holder = situation.candidates.get(case.assignee or AgentName(""))
    owner = situation.candidates.get(case.lent_by or AgentName(""))
    answered = _answered_since(case, situation.given_at)
    lent_by: AgentName | None = None
    kept: AgentName | None = None  # who had it until somebody was free
    choice: Choice | None
    if case.lent_by and owner is not None and not owner.away and not answered:
        team = book.teams.get(case.team or TeamName(""))
        own = team.name if team and owner.name in team.agents else team_of(owner.name, book)
        choice = Choice(agent=owner.name, team=own, why="back again")
    elif case.assignee not in book.agents:  # nobody has it, or somebody who works here no longer
        choice = assign(case.team or book.senior_team, situation, book, due_at=case.due_at)
        choice = replace(choice, why="nobody of the team has it now") if choice else None
    elif holder is not None and holder.away:
        choice, lent_by = stand_in(case, holder.name, situation, book, case.due_at), case.lent_by or holder.name
    elif case.backlog and not answered:
        failed = case.involved if case.outcome is Outcome.DISSATISFIED else ()  # nobody of these, or who may decide less
        among = alone(case.backlog, book) if failed and case.backlog in book.teams else book
        choice = assign(case.backlog, situation, among, avoid=failed, due_at=case.due_at)
        if choice is None or choice.backlog or choice.agent in (case.assignee, *failed):
            return NOTHING  # still nobody is free
        lent_by, kept = case.lent_by, case.assignee
    else:
        return NOTHING
    if choice is None:
        return NOTHING
    lent_by = None if lent_by == choice.agent else lent_by
    purpose = f"share:{case.number}:{choice.agent}:{at}"
    actions = _given_to(choice, situation, case, book, policy, purpose=purpose, lent_by=lent_by)
    if kept is not None and kept in book.agents:
        actions.append(_no_longer(book.agents[kept], book.agents[choice.agent], situation, case, purpose=f"{purpose}:told"))
    return Decision(actions=tuple(actions), because=(f"{choice.agent}: {choice.why}",), case=case.number, trace=choice.passed)


def _no_longer(kept: Agent, now_with: Agent, situation: Situation, case: Case, *, purpose: str) -> Send:
    """Whoever had a case until somebody was free hears who has it now: else two people believe that it is theirs."""
    values: dict[str, object] = {"holder": now_with.signs_as, "because": "you had it until somebody was free", "upset": False, "quote": ""}
    return Send(letter=notice(situation, kept, template="told", purpose=purpose, values=values, case=case))


def _answered_since(case: Case, given_at: datetime | None) -> bool:
    """Whether whoever has the case has written to the customer since it was given to them."""
    replied = case.last_reply_at if case.last_reply_by == case.assignee else None
    return replied is not None and (given_at is None or replied >= given_at)


def redecide_at(case: CaseNo, at: datetime) -> Schedule:
    """Have an open case decided anew, at this time."""
    return Schedule(kind=JobKind.REDECIDE, key=f"{JobKind.REDECIDE}:{case}", at=at, case=case)


def redecide(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """What the rules of today would do with an open case: who, by when, how important. Labels add up; nothing is said to the customer.

    The hour counts from when the customer began to wait. As with a new mail, a rule without conditions moves no case.
    """
    case = situation.case
    if case is None or case.state is not CaseState.OPEN:
        return NOTHING
    since = waiting_since(situation) or situation.understood.received_at
    found = route(situation, book, policy, situation.contacts, reopened=case.reopened > 0, since=since)
    if found.ignored and case.assignee in book.agents:
        return Decision(because=("ignored by the rules of today: it stays as it is",), case=case.number, trace=trace_of(found))
    hour = found.hour
    target = found.ruling.then.assign
    choice: Choice | None = None
    if case.assignee not in book.agents or (target and not found.ruling.unconditional):
        team = book.teams.get(TeamName(target or ""))
        stays = case.assignee == target or (team is not None and case.assignee in team.agents)
        choice = None if stays else assign(target, situation, book, due_at=hour.at)
        choice = None if choice and choice.agent == case.assignee else choice
    changes: dict[str, object] = {"due_at": hour.at, "priority": found.ruling.then.priority or case.priority}
    changes = {name: value for name, value in changes.items() if getattr(case, name) != value}
    labels = tuple(label for label in found.ruling.then.labels if label not in case.labels)
    if not (choice or changes or labels):
        return Decision(because=("nothing changes",), case=case.number, trace=trace_of(found, None, policy.zone))
    moved = with_assignee(replace(case, **changes), choice)  # type: ignore[arg-type]  # the names are those of Case
    actions: list[Action] = []
    if changes:
        actions.append(Advance(case=case.number, event=CaseEvent.RECONSIDERED, state=case.state, changes=changes))
    if labels:
        actions.append(Label(case=case.number, labels=labels))
    if choice:
        choice = replace(choice, why=why_of(found.ruling, choice))
        actions += _given_to(choice, situation, moved, book, policy, purpose=f"redecide:{case.number}:{int(situation.now.timestamp())}")
    if choice or "due_at" in changes:
        actions.append(escalate_at(moved, book, since, found.within, now=situation.now))
    return Decision(actions=tuple(actions), because=because_of(found, choice), case=case.number, trace=trace_of(found, choice, policy.zone))


def _hand_over(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    holder, lines = book.agents.get(case.assignee or AgentName("")), situation.not_handed_over
    if holder is None or not lines:
        return NOTHING
    moves: tuple[Action, ...] = ()
    if case.state is not CaseState.OPEN:  # an agent answered before this came to them: it is the customer's word after that
        moves = open_again(case, CaseEvent.CUSTOMER_WROTE, situation.now, policy, book)
        case = replace(case, state=CaseState.OPEN, due_at=situation.now + policy.answer_within)
    purpose = f"route:{lines[-1].message}:{holder.name}"
    letter = routed(situation, case, holder, policy, purpose=purpose, why="", messages=lines, lead=lead_of(book))
    return Decision(actions=(*moves, Send(letter=letter)), because=("five quiet minutes are over",), case=case.number)


def _wake(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """The day has come until which its agent put it off: it is theirs again. Where they are away it goes on to whoever is there."""
    holder, there = book.agents.get(case.assignee or AgentName("")), situation.candidates.get(case.assignee or AgentName(""))
    moves = open_again(case, CaseEvent.WOKE, situation.now, policy, book)
    because = ("put off until today",)
    if holder is None or (there is not None and there.away):
        return Decision(actions=moves, because=because, case=case.number)
    awake = replace(case, state=CaseState.OPEN, due_at=situation.now + policy.answer_within)
    purpose = f"{job.key}:{int(job.run_at.timestamp())}"
    letter = routed(situation, awake, holder, policy, purpose=purpose, why="you put it off until today", lead=lead_of(book))
    return Decision(actions=(*moves, Send(letter=letter)), because=because, case=case.number)


def by_mail_at(case: CaseNo, at: datetime, payload: Mapping[str, object]) -> Schedule:
    """Have the customer's latest mail sent to the agent after all, at this time: it could not be laid into the team's folder."""
    return Schedule(kind=JobKind.HAND_OVER, key=f"{BY_MAIL}:{case}", at=at, case=case, payload={**payload, BY_MAIL: True})


def _by_mail(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is None or case.state is not CaseState.OPEN:
        return NOTHING
    purpose = f"{BY_MAIL}:{job.payload.get('message', situation.understood.number)}:{holder.name}"
    letter = routed(situation, case, holder, policy, purpose=purpose, why="it could not be moved into the folder of the team")
    return Decision(actions=(Send(letter=letter),), because=("it could not be moved into the folder of the team",), case=case.number)
