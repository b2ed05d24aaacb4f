"""Nobody who waits is forgotten: reminders, the ladder, and who takes over from whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.decide import decide_due
from inboxd.core.due import redecide, share_out
from inboxd.core.model import (
    Advance,
    AgentName,
    Assign,
    Candidate,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    Job,
    JobKind,
    JobNo,
    Kind,
    Label,
    MessageNo,
    Reading,
    Role,
    Schedule,
    Send,
    Sentiment,
    Situation,
    StoryLine,
)
from inboxd.core.opening import Calendar, Span
from inboxd.core.policy import Policy
from inboxd.core.route import escalate_at
from inboxd.core.rulebook import Condition, Moment, Rule, Rulebook, Step, Then
from tests.core.builders import EVERYONE, JONAS, MARIA, NOW, PETRA, SENIORS, TOM, book, case, person, situation, understood

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar(name="office", zone=BERLIN, hours=dict.fromkeys(range(5), ((9 * 60, 17 * 60),)))
HOUR = timedelta(hours=1)
POLICY = Policy(zone=BERLIN)
HALF, THE_HOUR = Moment(part=0.5), Moment(part=1.0)
LEAD = "lead@acme.example"
LADDER = (Step(after=HALF, remind=True), Step(after=THE_HOUR, assign="seniors", tell=(LEAD,)))


def at(text: str) -> datetime:
    """A moment by the clock of Berlin; 16 November 2026 is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def opening(hours: float) -> Span:
    return Span(length=hours * HOUR, opening=True)


T = TypeVar("T")


def only(decision: Decision, kind: type[T]) -> T:
    (found,) = [action for action in decision.actions if isinstance(action, kind)]
    return found


def none_of(decision: Decision, kind: type[object]) -> bool:
    return not any(isinstance(action, kind) for action in decision.actions)


def next_job(decision: Decision) -> Schedule:
    schedule = only(decision, Schedule)
    assert schedule.kind is JobKind.ESCALATE
    return schedule


def step_taken(schedule: Schedule, rules: Rulebook, *, of: Case, **facts: Any) -> Decision:
    """Let the time of this job come."""
    job = Job(
        number=JobNo(1), kind=schedule.kind, key=schedule.key, run_at=schedule.at, case=schedule.case, payload=schedule.payload
    )  # fmt: skip
    return decide_due(job, situation(now=schedule.at, case=of, customer=person(), **facts), rules, POLICY, "admin@acme.example")


def told(decision: Decision) -> list[tuple[str, bool]]:
    """Who was sent a reminder, and whether as somebody who leads."""
    letters = [action.letter for action in decision.actions if isinstance(action, Send) and action.letter.template == "due_reminder"]
    return [(letter.to.email, bool(letter.values["to_lead"])) for letter in letters]


def handed_to(decision: Decision) -> list[str]:
    """Who was sent the customer's mail."""
    return [action.letter.to.email for action in decision.actions if isinstance(action, Send) and action.letter.template == "routed"]


def held_by(name: AgentName | None, **changes: Any) -> Case:
    return case(CaseState.OPEN, **({"assignee": name, "due_at": NOW + 4 * HOUR, "opened_at": NOW} | changes))


# --- nothing is written: a nudge half-way, the holder at the hour, then daily the lead with them ----------------------------


def test_half_way_and_at_the_hour_the_holder_is_reminded_and_nobody_else() -> None:
    waits = held_by(TOM)
    nudge = escalate_at(waits, book(), NOW)
    half_way = step_taken(nudge, book(), of=waits)
    first = next_job(half_way)
    decision = step_taken(first, book(), of=waits)
    assert (nudge.at, first.at) == (NOW + 2 * HOUR, waits.due_at)
    assert told(half_way) == [("tom@acme.example", False)]
    assert told(decision) == [("tom@acme.example", False)]
    assert none_of(decision, Assign)
    assert decision.because == ("nobody has answered yet",)


def test_from_the_second_reminder_on_the_lead_is_told_daily() -> None:
    waits = held_by(TOM)
    second = next_job(step_taken(escalate_at(waits, book(), NOW, nudge=False), book(), of=waits))
    decision = step_taken(second, book(), of=waits)
    third = next_job(decision)
    assert [second.at, third.at] == [NOW + 28 * HOUR, NOW + 52 * HOUR]
    assert told(decision) == [("tom@acme.example", False), ("petra@acme.example", True)]
    assert [action.letter.values["times"] for action in decision.actions if isinstance(action, Send)] == [2, 2]


def nudged(waits: Case, rules: Rulebook, since: datetime = NOW, within: Span | None = None) -> tuple[object, datetime]:
    """The step that comes first, and when."""
    job = escalate_at(waits, rules, since, within)
    return job.payload["step"], job.at


def test_with_little_time_there_is_no_nudge() -> None:
    soon, enough = held_by(TOM, due_at=NOW + HOUR / 2 - timedelta(minutes=1)), held_by(TOM, due_at=NOW + HOUR / 2)
    assert nudged(soon, book()) == (1, soon.due_at)
    assert nudged(enough, book()) == (0, NOW + HOUR / 4)
    assert escalate_at(held_by(TOM), book(), NOW, nudge=False).payload["step"] == 1, "what was put off sleeps until its hour"
    assert nudged(held_by(None), book()) == (1, NOW + 4 * HOUR), "nobody has it: there is nobody to nudge"


def test_half_way_is_counted_from_when_whoever_has_the_case_hears_of_it() -> None:
    waits = held_by(TOM)
    assert escalate_at(waits, book(), NOW, now=NOW + 3 * HOUR).at == NOW + 3.5 * HOUR


def test_who_hears_of_it_when_the_hour_is_almost_over_has_half_of_the_time_before_the_steps_come() -> None:
    waits, rules = held_by(TOM), book()
    late = escalate_at(waits, rules, NOW, Span(length=4 * HOUR), now=NOW + 5 * HOUR)
    assert (late.payload["step"], late.at) == (0, NOW + 6 * HOUR)
    assert next_job(step_taken(late, rules, of=waits)).at == NOW + 7 * HOUR
    soon = escalate_at(waits, rules, NOW, Span(length=HOUR / 2), now=NOW + 5 * HOUR)
    assert (soon.payload["step"], soon.at) == (1, NOW + 5.25 * HOUR), "too little time for a nudge"


def test_a_nudge_waits_until_the_holder_is_at_work_and_is_left_out_where_that_is_too_late() -> None:
    rules = book(calendars={"office": OFFICE})
    wrote = at("2026-11-16 16:00")
    assert nudged(held_by(TOM, due_at=at("2026-11-17 16:00")), rules, wrote) == (0, at("2026-11-17 09:00"))
    assert nudged(held_by(TOM, due_at=at("2026-11-17 09:14")), rules, wrote) == (1, at("2026-11-17 09:14"))


def test_who_is_away_or_not_at_work_when_the_nudge_comes_is_not_nudged() -> None:
    waits, rules = held_by(TOM), book()
    away = step_taken(escalate_at(waits, rules, NOW), rules, of=waits, candidates={TOM: Candidate(name=TOM, open_cases=1, away=True)})
    assert told(away) == [] and next_job(away).at == waits.due_at and next_job(away).payload["step"] == 1
    closed = book(calendars={"office": OFFICE})
    late = held_by(TOM, due_at=at("2026-11-17 16:00"))
    night = replace(escalate_at(late, closed, NOW), at=at("2026-11-16 20:00"))
    put_off = step_taken(night, closed, of=late)
    assert told(put_off) == [] and next_job(put_off).at == at("2026-11-17 09:00") and next_job(put_off).payload["step"] == 0


@pytest.mark.parametrize(("away", "who"), [((), "Maria"), ((MARIA,), "Jonas"), ((MARIA, JONAS), "")])
def test_a_nudge_names_who_would_get_the_case_only_where_somebody_of_the_team_is_there(away: tuple[AgentName, ...], who: str) -> None:
    waits = held_by(TOM, team=EVERYONE)
    there = {name: Candidate(name=name, open_cases=0, away=name in away) for name in (MARIA, JONAS, TOM, PETRA)}
    decision = step_taken(escalate_at(waits, book(), NOW), book(), of=waits, candidates=there)
    assert only(decision, Send).letter.values["next"] == who


def test_where_nobody_else_is_the_nudge_offers_nothing() -> None:
    alone = book(agents={TOM: book().agents[TOM]}, teams={}, lead="")
    waits = held_by(TOM)
    assert only(step_taken(escalate_at(waits, alone, NOW), alone, of=waits), Send).letter.values["next"] == "nobody"


def test_a_case_that_nobody_holds_is_the_leads_from_the_first_time_on() -> None:
    waits = held_by(None)
    decision = step_taken(escalate_at(waits, book(), NOW), book(), of=waits)
    assert told(decision) == [("petra@acme.example", True)]


def test_a_lead_who_holds_the_case_is_reminded_once_not_twice() -> None:
    waits = held_by(PETRA)
    second = next_job(step_taken(escalate_at(waits, book(), NOW, nudge=False), book(), of=waits))
    assert told(step_taken(second, book(), of=waits)) == [("petra@acme.example", False)]


def test_each_reminder_is_a_letter_of_its_own() -> None:
    waits = held_by(TOM)
    decisions = [step_taken(escalate_at(waits, book(), NOW), book(), of=waits)]
    for _ in range(4):
        decisions.append(step_taken(next_job(decisions[-1]), book(), of=waits))
    purposes = [action.letter.purpose for decision in decisions for action in decision.actions if isinstance(action, Send)]
    assert len(purposes) == len(set(purposes)) == 8


@pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.RESOLVED, CaseState.CLOSED])
def test_whoever_has_been_answered_is_no_reason_to_remind(state: CaseState) -> None:
    job = escalate_at(held_by(TOM), book(), NOW)
    assert step_taken(job, book(), of=case(state)).actions == ()


# --- half of the time: a reminder; all of it: the seniors, and the lead knows ------------------------------------------

CLIMBING = book(ladder=LADDER, calendars={"office": OFFICE})


def test_at_half_of_the_time_the_holder_is_reminded() -> None:
    waits = held_by(TOM)
    first = escalate_at(waits, CLIMBING, NOW, Span(length=4 * HOUR))
    decision = step_taken(first, CLIMBING, of=waits)
    assert first.at == NOW + 2 * HOUR
    assert told(decision) == [("tom@acme.example", False)]
    assert next_job(decision).at == waits.due_at


def test_half_of_opening_hours_is_counted_in_opening_hours() -> None:
    monday, tuesday = at("2026-11-16 16:00"), at("2026-11-17 12:00")  # four opening hours
    waits = held_by(TOM, opened_at=monday, due_at=tuesday)
    assert escalate_at(waits, CLIMBING, monday, opening(4)).at == at("2026-11-17 10:00")
    assert escalate_at(waits, CLIMBING, monday, Span(length=20 * HOUR)).at == at("2026-11-17 02:00")


def test_the_steps_count_from_when_whoever_has_the_case_hears_of_it() -> None:
    waits, within = held_by(TOM), Span(length=4 * HOUR)
    assert escalate_at(waits, CLIMBING, NOW, within, now=NOW + HOUR).at == NOW + 2.5 * HOUR, "half-way from here to the hour"
    late = escalate_at(waits, CLIMBING, NOW, within, now=NOW + 50 * HOUR)
    assert late.at == NOW + 51 * HOUR
    assert next_job(step_taken(late, CLIMBING, of=waits)).at == NOW + 52 * HOUR, "the hour is over; the seniors come after half of its time"


def test_on_a_day_off_nobody_has_heard_of_it_and_the_steps_wait_for_opening_hours() -> None:
    friday, sunday = at("2026-11-13 10:00"), at("2026-11-15 12:00")
    waits = held_by(TOM, opened_at=sunday, due_at=at("2026-11-13 14:00"))
    late = escalate_at(waits, CLIMBING, friday, opening(4), now=sunday)
    assert late.at == at("2026-11-16 10:00")
    assert next_job(step_taken(late, CLIMBING, of=waits)).at == at("2026-11-16 11:00")


def test_after_a_step_that_came_late_the_next_one_leaves_time() -> None:
    waits = held_by(TOM)
    first = escalate_at(waits, CLIMBING, NOW, Span(length=4 * HOUR))
    job = Job(number=JobNo(1), kind=first.kind, key=first.key, run_at=first.at, case=first.case, payload=first.payload)
    there = situation(now=NOW + 50 * HOUR, case=waits, customer=person())
    assert next_job(decide_due(job, there, CLIMBING, POLICY, "admin@acme.example")).at == NOW + 51 * HOUR


def test_at_the_hour_the_case_goes_to_the_seniors_with_the_mail_and_the_lead_is_told() -> None:
    waits = held_by(TOM)
    second = next_job(step_taken(escalate_at(waits, CLIMBING, NOW, Span(length=4 * HOUR)), CLIMBING, of=waits))
    decision = step_taken(second, CLIMBING, of=waits, candidates={MARIA: Candidate(name=MARIA, open_cases=5)})
    given = only(decision, Assign)
    assert (given.agent, given.team, given.why) == (JONAS, SENIORS, "nobody had answered by the hour")
    assert handed_to(decision) == ["jonas@acme.example"]
    assert told(decision) == [(LEAD, True)]
    assert decision.because == ("nobody has answered yet", "jonas: nobody had answered by the hour")


def test_a_senior_who_holds_the_case_keeps_it_and_is_reminded() -> None:
    waits = held_by(MARIA)
    second = next_job(step_taken(escalate_at(waits, CLIMBING, NOW, Span(length=4 * HOUR)), CLIMBING, of=waits))
    decision = step_taken(second, CLIMBING, of=waits)
    assert none_of(decision, Assign)
    assert told(decision) == [("maria@acme.example", False), (LEAD, True)]


def test_after_the_last_step_the_new_holder_and_the_lead_are_reminded_on_days_on_which_somebody_is_there() -> None:
    friday = at("2026-11-20 10:00")
    waits = held_by(TOM, opened_at=friday, due_at=friday + 4 * HOUR)
    second = next_job(step_taken(escalate_at(waits, CLIMBING, friday, Span(length=4 * HOUR)), CLIMBING, of=waits))
    third = next_job(step_taken(second, CLIMBING, of=waits))
    decision = step_taken(third, CLIMBING, of=replace(waits, assignee=JONAS, team=SENIORS))
    assert third.at == at("2026-11-23 14:00")
    assert told(decision) == [("jonas@acme.example", False), ("petra@acme.example", True)]
    assert next_job(decision).at == at("2026-11-24 14:00")


# --- other steps -------------------------------------------------------------------------------------------------------


def steps(*ladder: Step) -> Rulebook:
    return book(ladder=ladder, calendars={"office": OFFICE})


def test_steps_count_opening_hours_since_the_customer_wrote_or_after_the_hour() -> None:
    rules = steps(
        Step(after=Moment(plus=opening(2)), remind=True), Step(after=Moment(part=1.0, plus=opening(1)), assign="seniors", tell=("lead",))
    )
    wrote, due_at = at("2026-11-16 16:00"), at("2026-11-17 17:00")
    waits = held_by(TOM, opened_at=wrote, due_at=due_at)
    first = escalate_at(waits, rules, wrote, opening(9))
    second = next_job(step_taken(first, rules, of=waits))
    assert [first.at, second.at] == [at("2026-11-17 10:00"), at("2026-11-18 10:00")]
    assert told(step_taken(second, rules, of=waits)) == [("petra@acme.example", True)]


def test_plain_time_since_the_customer_wrote_is_plain_also_where_the_promise_is_in_opening_hours() -> None:
    rules, sunday = steps(Step(after=Moment(plus=Span(length=3 * HOUR)), remind=True)), at("2026-11-22 11:00")
    waits = held_by(TOM, opened_at=sunday, due_at=at("2026-11-23 13:00"))
    assert escalate_at(waits, rules, sunday, opening(4)).at == at("2026-11-22 14:00")


def test_a_step_makes_the_case_important_and_tells_whom_it_names() -> None:
    rules = steps(Step(after=THE_HOUR, priority="high", tell=("jonas", "lead")))
    waits = held_by(TOM)
    decision = step_taken(escalate_at(waits, rules, NOW), rules, of=waits)
    changed = only(decision, Advance)
    assert (changed.event, changed.state, changed.changes) == (CaseEvent.RECONSIDERED, CaseState.OPEN, {"priority": "high"})
    assert told(decision) == [("jonas@acme.example", True), ("petra@acme.example", True)]


def test_a_case_that_becomes_important_reaches_its_new_holder_as_important() -> None:
    rules = steps(Step(after=THE_HOUR, priority="high", assign="seniors"))
    waits = held_by(TOM)
    decision = step_taken(escalate_at(waits, rules, NOW), rules, of=waits)
    (letter,) = [action.letter for action in decision.actions if isinstance(action, Send) and action.letter.template == "routed"]
    assert letter.important


def test_a_step_to_a_named_agent_gives_them_the_case_and_reminds_them_if_they_have_it() -> None:
    rules = steps(Step(after=THE_HOUR, assign="jonas"))
    moved, kept = (step_taken(escalate_at(held_by(name), rules, NOW), rules, of=held_by(name)) for name in (TOM, JONAS))
    assert only(moved, Assign).agent == JONAS
    assert (none_of(kept, Assign), told(kept)) == (True, [("jonas@acme.example", False)])


def test_a_step_that_only_tells_reminds_nobody() -> None:
    rules = steps(Step(after=THE_HOUR, tell=("lead",)))
    assert told(step_taken(escalate_at(held_by(TOM), rules, NOW), rules, of=held_by(TOM))) == [("petra@acme.example", True)]


def test_a_step_whose_time_has_passed_already_comes_at_once() -> None:
    rules = steps(Step(after=THE_HOUR, remind=True), Step(after=Moment(plus=Span(length=HOUR)), tell=("lead",)))
    waits = held_by(TOM)
    first = escalate_at(waits, rules, NOW)
    assert next_job(step_taken(first, rules, of=waits)).at == first.at


def test_a_ladder_that_became_shorter_ends_in_daily_reminders() -> None:
    waits = held_by(TOM)
    second = next_job(step_taken(escalate_at(waits, CLIMBING, NOW, Span(length=4 * HOUR)), CLIMBING, of=waits))
    shorter = step_taken(second, steps(Step(after=HALF, remind=True)), of=waits)
    assert told(shorter) == [("tom@acme.example", False), ("petra@acme.example", True)]


# --- who is away, who is back, who is free -------------------------------------------------------------------------------


def seen(name: AgentName, open_cases: int = 0, *, away: bool = False) -> Candidate:
    return Candidate(name=name, open_cases=open_cases, away=away)


def shared(of: Case, *candidates: Candidate, rules: Rulebook | None = None, **facts: Any) -> Decision:
    there: Mapping[AgentName, Candidate] = {candidate.name: candidate for candidate in candidates}
    return share_out(situation(case=of, customer=person(), candidates=there, **facts), rules or book(), POLICY)


def test_an_open_case_of_somebody_who_is_away_is_taken_over_by_their_team_and_remembered_as_theirs() -> None:
    decision = shared(held_by(MARIA, team=SENIORS), seen(MARIA, away=True), seen(JONAS, 4), seen(TOM))
    given = only(decision, Assign)
    assert (given.agent, given.team, given.lent_by, given.why) == (JONAS, SENIORS, MARIA, "Maria is away")
    assert handed_to(decision) == ["jonas@acme.example"]
    assert decision.because == ("jonas: Maria is away",)
    assert decision.trace == ("maria: had a part in it before", "jonas: 4 open cases")


def test_a_case_taken_over_twice_still_belongs_to_whom_it_was_first() -> None:
    decision = shared(held_by(JONAS, team=SENIORS, lent_by=MARIA), seen(MARIA, away=True), seen(JONAS, away=True), seen(TOM))
    assert (only(decision, Assign).agent, only(decision, Assign).lent_by) == (TOM, MARIA)


def test_who_is_back_again_gets_their_case_back() -> None:
    given = only(shared(held_by(JONAS, team=SENIORS, lent_by=MARIA), seen(MARIA, 9), seen(JONAS)), Assign)
    assert (given.agent, given.lent_by, given.why) == (MARIA, None, "back again")


def test_a_stand_in_who_has_answered_keeps_the_case() -> None:
    answered = held_by(JONAS, team=SENIORS, lent_by=MARIA, last_reply_at=NOW - HOUR, last_reply_by=JONAS)
    assert shared(answered, seen(MARIA), seen(JONAS)).actions == ()


def test_what_a_stand_in_had_answered_before_it_was_lent_does_not_keep_it_with_them() -> None:
    answered = held_by(JONAS, team=SENIORS, lent_by=MARIA, last_reply_at=NOW - 2 * HOUR, last_reply_by=JONAS)
    there = (seen(MARIA), seen(JONAS))
    assert only(shared(answered, *there, given_at=NOW - HOUR), Assign).agent == MARIA
    assert shared(answered, *there, given_at=NOW - 3 * HOUR).actions == ()


def test_what_the_one_who_is_back_had_answered_before_does_not_keep_it_from_them() -> None:
    answered = held_by(JONAS, team=SENIORS, lent_by=MARIA, last_reply_at=NOW - 30 * HOUR, last_reply_by=MARIA)
    assert only(shared(answered, seen(MARIA), seen(JONAS)), Assign).agent == MARIA


def test_a_case_that_comes_back_to_its_own_agent_is_lent_no_longer() -> None:
    answered = held_by(JONAS, team=SENIORS, lent_by=MARIA, last_reply_at=NOW - HOUR, last_reply_by=JONAS)
    given = only(shared(answered, seen(MARIA), seen(JONAS, away=True), seen(TOM, 9)), Assign)
    assert (given.agent, given.lent_by) == (MARIA, None)


def test_a_case_of_the_lead_is_taken_over_while_the_lead_is_away() -> None:
    decision = shared(held_by(PETRA), seen(PETRA, away=True), seen(MARIA, 3), seen(JONAS, 2), seen(TOM, 1))
    assert (only(decision, Assign).agent, only(decision, Assign).lent_by) == (TOM, PETRA)


def test_where_nobody_can_take_over_nothing_is_done() -> None:
    away = [seen(name, away=True) for name in (MARIA, JONAS, TOM, PETRA)]
    assert shared(held_by(PETRA), *away).actions == ()


def limited(most: int = 2) -> Rulebook:
    return book(teams={name: replace(team, at_most=most) for name, team in book().teams.items()})


def test_what_waits_is_handed_out_as_soon_as_somebody_of_the_team_is_free() -> None:
    waits = held_by(PETRA, backlog=SENIORS)
    full = (seen(MARIA, 2), seen(JONAS, 2), seen(TOM, 2))
    assert shared(waits, *full, rules=limited()).actions == ()
    given = only(shared(waits, seen(MARIA, 2), seen(JONAS, 1), seen(TOM, 2), rules=limited()), Assign)
    assert (given.agent, given.team, given.backlog) == (JONAS, SENIORS, None)


def test_what_waits_goes_to_nobody_beyond_their_limit() -> None:
    full = (seen(MARIA, 2), seen(JONAS, 2), seen(TOM, 2), seen(PETRA, 9))
    assert shared(held_by(PETRA, backlog=SENIORS), *full, rules=replace(limited(), lead="lead@acme.example")).actions == ()


def test_a_case_that_is_in_good_hands_or_not_open_stays_where_it_is() -> None:
    away = (seen(MARIA, away=True), seen(JONAS))
    assert shared(held_by(JONAS), *away).actions == ()
    assert shared(replace(held_by(MARIA), state=CaseState.WAITING), *away).actions == ()


# --- the rules of today ------------------------------------------------------------------------------------------------

UPSET = Reading(kind=Kind.PERSON, language="en", sentiment=Sentiment.UPSET)
CALM = Reading(kind=Kind.PERSON, language="en")


def line(number: int, at: datetime, role: Role = Role.CUSTOMER) -> StoryLine:
    return StoryLine(at=at, role=role, name="Ana", text="Where is it?", message=MessageNo(number))


def anew(of: Case, reading: Reading = CALM, *, rules: Rulebook | None = None, **facts: Any) -> Decision:
    there = situation(**({"now": NOW + 3 * HOUR, "case": of, "customer": person(), "understood": understood(reading=reading)} | facts))
    return redecide(there, rules or book(), POLICY)


def settled(**changes: Any) -> Case:
    """Tom's case, as the rules would have it: an answer within a day from the mail."""
    return held_by(TOM, **({"team": EVERYONE, "due_at": NOW + 24 * HOUR} | changes))


def test_where_the_rules_say_the_same_nothing_happens_and_nobody_is_written_to() -> None:
    decision = anew(settled())
    assert (decision.actions, decision.because) == ((), ("nothing changes",))


def test_a_rule_with_conditions_moves_the_case_with_its_mail() -> None:
    decision = anew(settled(), UPSET)
    assert (only(decision, Assign).agent, only(decision, Assign).team) == (MARIA, SENIORS)
    assert handed_to(decision) == ["maria@acme.example"]
    assert only(decision, Advance).changes == {"due_at": NOW + 2 * HOUR}
    assert next_job(decision).at == NOW + 3.5 * HOUR, "she hears of it now, and has half of the two hours"
    assert "who: maria of seniors - sounds upset, fewest open cases" in decision.trace


def test_a_rule_without_conditions_moves_no_case_that_somebody_has() -> None:
    calm_seniors = book(rules=(Rule(name="all", when=(), then=Then(assign="seniors")),))
    assert none_of(anew(settled(), rules=calm_seniors), Assign)
    assert only(anew(settled(assignee=None), rules=calm_seniors), Assign).agent == MARIA
    assert only(anew(settled(assignee=AgentName("gone")), rules=calm_seniors), Assign).agent == MARIA


def test_who_belongs_to_the_team_that_the_rule_names_keeps_the_case() -> None:
    assert none_of(anew(settled(assignee=JONAS), UPSET), Assign)


def test_the_hour_counts_from_when_the_customer_began_to_wait() -> None:
    began = NOW - 5 * HOUR
    story = (line(3, NOW - 9 * HOUR), line(4, NOW - 8 * HOUR, Role.AGENT), line(5, began), line(7, NOW))
    decision = anew(settled(assignee=MARIA), UPSET, story=story)
    assert only(decision, Advance).changes == {"due_at": began + 2 * HOUR}


def test_the_trace_tells_the_hour_that_is_kept() -> None:
    decision = anew(settled(), UPSET, now=NOW + 3 * HOUR)
    assert decision.trace[-1] == "due: Mon 16 Nov 12:00: 2 hours from Mon 16 Nov 10:00"


def test_priority_and_labels_of_todays_rules_are_added() -> None:
    urgent = Rule(
        name="late",
        when=(Condition(word="sentiment", wanted=(Sentiment.NEUTRAL,)),),
        then=Then(priority="high", labels=("late", "old")),
    )
    decision = anew(settled(labels=("old",)), rules=book(rules=(urgent, *book().rules)))
    assert only(decision, Advance).changes == {"priority": "high"}
    assert only(decision, Label).labels == ("late",)
    assert none_of(decision, Assign)


def test_what_changes_neither_the_hour_nor_the_holder_starts_no_reminders_anew() -> None:
    label = Rule(name="late", when=(Condition(word="sentiment", wanted=(Sentiment.NEUTRAL,)),), then=Then(labels=("late",)))
    decision = anew(settled(), rules=book(rules=(label, *book().rules), ladder=LADDER), now=NOW + 20 * HOUR)
    assert only(decision, Label).labels == ("late",)
    assert none_of(decision, Schedule)


def test_an_open_case_whose_mail_todays_rules_would_ignore_stays_with_its_holder() -> None:
    ignore = Rule(name="ads", when=(Condition(word="sentiment", wanted=(Sentiment.NEUTRAL,)),), then=Then(ignore=True))
    assert anew(settled(), rules=book(rules=(ignore, *book().rules))).actions == ()


def test_nothing_is_said_to_the_customer_and_only_open_cases_are_decided_anew() -> None:
    decision = anew(settled(), UPSET)
    assert not [action for action in decision.actions if isinstance(action, Send) and action.letter.kind.automatic_to_customer]
    assert anew(replace(settled(), state=CaseState.WAITING), UPSET).actions == ()


def test_a_job_of_the_daemon_decides_a_case_anew() -> None:
    job = Job(number=JobNo(1), kind=JobKind.REDECIDE, key="redecide:1042", run_at=NOW, case=settled().number)
    facts: Situation = situation(case=settled(), customer=person(), understood=understood(reading=UPSET))
    assert only(decide_due(job, facts, book(), POLICY), Assign).agent == MARIA


def test_hours_are_kept_in_universal_time() -> None:
    waits = held_by(TOM, opened_at=at("2026-11-16 16:00"), due_at=at("2026-11-17 12:00"))
    assert escalate_at(waits, CLIMBING, at("2026-11-16 16:00"), opening(4)).at.tzinfo is UTC
