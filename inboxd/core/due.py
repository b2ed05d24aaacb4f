"""What happens when a date of a case has come: ask, remind, give up asking, nudge, hand over."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.follow_up import after_resolved, close_later, escalate_at, may_ask, open_again, remind_later, wants_reminder
from inboxd.core.letters import acknowledgement, first_name, follow_up, full_name, notice, routed, to_lead
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    Case,
    CaseEvent,
    CaseState,
    ChangePerson,
    Decision,
    Job,
    JobKind,
    Mode,
    Send,
    Situation,
)
from inboxd.core.policy import Policy
from inboxd.core.rules import Rulebook

NOTHING = Decision(because=("the case has moved on",))


def due(job: Job, situation: Situation, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """Decide about a job of a case. A job that the case has outrun does nothing: it may run twice."""
    case = situation.case
    if case is None:
        return NOTHING
    match job.kind:
        case JobKind.ASK if case.state is CaseState.RESOLVED:
            return _ask(situation, case, book)
        case JobKind.REMIND if case.state is CaseState.RESOLVED:
            return _remind(situation, case, book)
        case JobKind.CLOSE if case.state is CaseState.RESOLVED:
            return _close(situation, case)
        case JobKind.SILENCE if case.state is CaseState.WAITING:
            return _silence(situation, case, book)
        case JobKind.ESCALATE if case.state is CaseState.OPEN:
            return _escalate(job, situation, case, book, policy, admin)
        case JobKind.HAND_OVER if case.state in (CaseState.OPEN, CaseState.WAITING, CaseState.RESOLVED):
            return _hand_over(situation, case, book, policy)
        case JobKind.ACKNOWLEDGE if case.state is CaseState.OPEN and case.last_reply_at is None:
            letter = acknowledgement(situation, case, str(job.payload["template"]))
            return Decision(actions=(Send(letter=letter),), because=("nobody has answered yet",), case=case.number)
    return NOTHING


def _ask(situation: Situation, case: Case, book: Rulebook) -> Decision:
    person, policy = situation.customer, book.follow_up
    if situation.mailbox.mode is not Mode.FULL or not may_ask(case, person, policy, situation.now):
        return Decision(actions=(close_later(case, policy, situation.now),), because=("not asked",), case=case.number)
    assert person is not None  # may_ask said so
    later = remind_later(case, policy, situation.now) if wants_reminder(case) else close_later(case, policy, situation.now)
    actions: tuple[Action, ...] = (
        Send(letter=follow_up(situation, case, book, reminder=False)),
        ChangePerson(person=person.number, changes={"asked_at": situation.now}),
        later,
    )
    return Decision(actions=actions, because=("resolved, and quiet since",), case=case.number)


def _remind(situation: Situation, case: Case, book: Rulebook) -> Decision:
    close = close_later(case, book.follow_up, situation.now)
    if situation.mailbox.mode is not Mode.FULL or situation.customer is None or situation.customer.no_follow_up:
        return Decision(actions=(close,), because=("not asked again",), case=case.number)
    letter = follow_up(situation, case, book, reminder=True)
    return Decision(actions=(Send(letter=letter), close), because=("no answer, and it matters",), case=case.number)


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
    ask = after_resolved(moved, situation.customer, book.follow_up, situation.now, situation.mailbox.mode)
    if ask.kind is JobKind.ASK:  # the silence was the quiet time: ask now
        ask = replace(ask, at=situation.now)
    return Decision(actions=(move, ask), because=("our answer was followed by silence",), case=case.number)


def _escalate(job: Job, situation: Situation, case: Case, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """The hour has come: the holder is reminded, daily; from the second time on the lead hears of it too."""
    count = int(str(job.payload.get("count", 0))) + 1
    holder = book.agents.get(case.assignee or AgentName(""))
    values: dict[str, object] = {
        "times": count,
        "due_at": case.due_at,
        "now": situation.now,
        "holder": holder.signs_as if holder else "",
        "lead": "",
    }
    actions: list[Action] = []
    purpose = f"due:{case.number}:{int(case.opened_at.timestamp())}:{case.reopened}:{int(job.run_at.timestamp())}"
    if holder is not None:
        letter = notice(situation, holder, template="due_reminder", purpose=purpose, case=case, values={**values, "to_lead": False})
        actions.append(Send(letter=letter))
    if (count >= 2 or holder is None) and (holder is None or holder.name != book.lead):
        name, lead = full_name(situation.customer), book.agents.get(AgentName(book.lead))
        subject = f"{name}: {case.subject} [#{case.number}]"
        told: dict[str, object] = {**values, "to_lead": True, "lead": lead.signs_as if lead else "", "customer": first_name(name)}
        told["subject"] = case.subject
        actions.append(
            Send(
                letter=to_lead(
                    situation.mailbox,
                    book,
                    admin,
                    template="due_reminder",
                    purpose=f"{purpose}:lead",
                    subject=subject,
                    values=told,
                    case=case.number,
                )
            )
        )
    actions.append(escalate_at(case, count, situation.now + policy.remind_every))
    return Decision(actions=tuple(actions), because=(f"{case.assignee or 'nobody'} has not answered by the hour",), case=case.number)


def _hand_over(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    holder, lines = book.agents.get(case.assignee or AgentName("")), situation.not_handed_over
    if holder is None or not lines:
        return NOTHING
    moves: tuple[Action, ...] = ()
    if case.state is not CaseState.OPEN:  # an agent answered before this came to them: it is the customer's word after that
        moves = open_again(case, CaseEvent.CUSTOMER_WROTE, situation.now, policy)
        case = replace(case, state=CaseState.OPEN, due_at=situation.now + policy.answer_within)
    purpose = f"route:{lines[-1].message}:{holder.name}"
    letter = routed(situation, case, holder, policy, purpose=purpose, why="", messages=lines)
    return Decision(actions=(*moves, Send(letter=letter)), because=("five quiet minutes are over",), case=case.number)
