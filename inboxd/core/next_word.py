"""A customer writes in a case that is there already: it is open again or still, and goes to whoever holds it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from inboxd.core.assign import Choice, alone, assign
from inboxd.core.follow_up import ASKING_JOBS, outcome_again
from inboxd.core.issues import linked
from inboxd.core.letters import answer_values, lead_of, notice, routed
from inboxd.core.lifecycle import advance, reopens
from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    Answer,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    JobKind,
    Join,
    Kind,
    Label,
    Outcome,
    Role,
    Schedule,
    Send,
    Situation,
    StoryLine,
)
from inboxd.core.policy import Policy
from inboxd.core.readers import readers, told
from inboxd.core.route import (
    Route,
    came_at,
    contacts_with,
    decided,
    escalate_at,
    filed,
    given,
    is_contact,
    labels_of,
    may_be_asked,
    route,
    stand_in,
    waiting_since,
    why_of,
    with_assignee,
    with_readers,
)  # fmt: skip
from inboxd.core.rulebook import Rulebook, is_repeat
from inboxd.core.rules import Ruling


def wrote(
    situation: Situation,
    case: Case,
    book: Rulebook,
    policy: Policy,
    event: CaseEvent,
    *,
    unhappy: bool = False,
) -> Decision:
    """What this mail changes in the case: its hour, its rules\' answers, and who has it; `unhappy`: it says that it is not solved."""
    u, now = situation.understood, situation.now
    state, again = advance(case.state, event), reopens(case.state, event)
    contacts = contacts_with(situation) if is_contact(situation) else situation.contacts
    found = route(situation, book, policy, contacts, reopened=again or case.reopened > 0, since=came_at(situation))
    ruling = found.ruling
    fresh = again or case.state is not CaseState.OPEN  # else they wait already: what is late gets no new time
    due = found.hour.at if fresh or case.due_at is None else min(case.due_at, found.hour.at)
    changes: dict[str, object] = {
        "sentiment": u.reading.sentiment,
        "good_sign": False,
        "due_at": due,
        "priority": ruling.then.priority or case.priority,
        "repeat": case.repeat or is_repeat(book, contacts, now),
        "briefs": tuple(dict.fromkeys((*case.briefs, *((ruling.then.brief,) if ruling.then.brief else ())))),
    }
    if case.last_reply_at is not None and not any(line.role is Role.CUSTOMER for line in situation.story):
        changes |= {"no_follow_up": False, "topic": u.reading.topic, "first_sentiment": u.reading.sentiment}  # we had begun the case
    if not may_be_asked(situation, ruling):
        changes["no_follow_up"] = True
    if again:
        changes |= {"reopened": case.reopened + 1, "closed_at": None, "resolved_at": None, "outcome": outcome_again(case)}
    if unhappy:
        changes["outcome"] = Outcome.DISSATISFIED
    choice, lent_by = _mover(situation, case, found, book, unhappy=unhappy)
    joined = readers(situation, situation.customer, book)
    moved = with_readers(with_assignee(replace(case, state=state, **changes), choice), joined)  # type: ignore[arg-type]  # the names are those of Case
    there = replace(situation, case=moved)
    actions: list[Action] = [
        Join(case=case.number, participants=joined, contact=is_contact(situation)),
        Advance(case=case.number, event=event, state=state, changes=changes),
        Cancel(case=case.number, kinds=ASKING_JOBS),
        *linked(situation, case.number),
        *filed(situation, ruling),
    ]
    if fresh or due != case.due_at or JobKind.ESCALATE not in situation.acts:
        since = found.start if fresh else waiting_since(situation) or now
        actions.append(escalate_at(moved, book, since, found.within, now=now))
    if labels := labels_of(situation, ruling):
        actions.append(Label(case=case.number, labels=labels))
    if choice:
        actions.append(given(case, choice, ruling, lent_by))
    actions += _hand_over(there, case, moved, ruling, choice, book, policy, again=again, unhappy=unhappy)
    actions += told(there, moved, ruling, book, (*ruling.then.tell, *(book.follow_up.unhappy_told if unhappy else ())))
    return decided(actions, found, moved, choice, policy)


def _mover(situation: Situation, case: Case, found: Route, book: Rulebook, *, unhappy: bool) -> tuple[Choice | None, AgentName | None]:
    """Who takes the case over, if anybody, and for whom who is away: a rule without conditions never moves a case that has an agent."""
    hour, target = found.hour.at, found.ruling.then.assign
    if unhappy:
        return _for_the_unhappy(situation, case, book, hour), None
    holder = case.assignee
    if holder is None or holder not in book.agents:
        return assign(target, situation, book, due_at=hour), None
    there = any(team.name == target and holder in team.agents for team in book.teams.values())
    stays = target is None or found.ruling.unconditional or target in (holder, "same_agent_as_before") or there
    candidate = situation.candidates.get(holder)
    if stays and candidate is not None and candidate.away:
        return stand_in(case, holder, situation, book, hour), case.lent_by or holder
    return (None, None) if stays else (assign(target, situation, book, due_at=hour), None)


def _for_the_unhappy(situation: Situation, case: Case, book: Rulebook, hour: datetime) -> Choice | None:
    """A senior who is there and was not part of it; is there none, or is it the second time: the lead. Others only where they are away."""
    name, lead = book.follow_up.unhappy_goes_to or book.senior_team, AgentName(book.lead)
    away = {each for each, candidate in situation.candidates.items() if candidate.away}
    lead_is_there = lead in book.agents and lead not in away
    team = book.teams.get(name)
    if team is not None and not (lead_is_there and case.outcome is Outcome.DISSATISFIED):
        choice = assign(name, situation, alone(team.name, book), avoid=case.involved, due_at=hour)
        if choice is not None and choice.agent in {*team.agents, lead} - {*case.involved, *away}:
            return choice
    return assign(lead if lead_is_there else name, situation, book, due_at=hour)


def _hand_over(
    situation: Situation,
    before: Case,
    case: Case,
    ruling: Ruling,
    choice: Choice | None,
    book: Rulebook,
    policy: Policy,
    *,
    again: bool,
    unhappy: bool,
) -> list[Action]:
    """The mail goes to whoever holds the case: at once, or together with what else comes in these ten minutes."""
    u, now = situation.understood, situation.now
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is None:
        return []
    soon = now - before.opened_at < policy.gather and before.last_reply_at is None and not choice and not again
    if soon:
        return [Schedule(kind=JobKind.HAND_OVER, key=f"hand_over:{case.number}", at=now + policy.gather_quiet, case=case.number)]
    others = [book.agents[name] for name in before.involved if name in book.agents and name != holder.name] if unhappy else []
    why = why_of(ruling, choice) if choice else ""
    both_know = tuple(agent.signs_as for agent in others)
    letter = routed(
        situation,
        case,
        holder,
        policy,
        purpose=f"route:{u.number}:{holder.name}",
        why=why,
        reopened=again,
        both_know=both_know,
        answer=Answer.DISSATISFIED if unhappy else None,
        marked_spam=u.screening.kind is Kind.SPAM,
        messages=_with_those_that_waited(situation),
        lead=lead_of(book),
    )
    told = [
        notice(
            situation,
            agent,
            template="answer_notice",
            purpose=f"answer:{u.number}:{agent.name}",
            case=case,
            values=answer_values(Answer.DISSATISFIED, situation, agent, holder),
        )
        for agent in others
    ]
    return [Cancel(case=case.number, kinds=(JobKind.HAND_OVER,)), Send(letter=letter), *(Send(letter=each) for each in told)]


def _with_those_that_waited(situation: Situation) -> tuple[StoryLine, ...]:
    """The present mail after those that still wait for their five quiet minutes; () if none does."""
    if JobKind.HAND_OVER not in situation.acts or not situation.not_handed_over:
        return ()
    u = situation.understood
    here = StoryLine(at=u.received_at, role=Role.CUSTOMER, name=u.message.sender.name, text=u.message.text, message=u.number)
    return (*situation.not_handed_over, here)
