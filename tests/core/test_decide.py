"""A decision is data: the same situation gives the same decision, and nothing else acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from inboxd.core.decide import decide, decide_due
from inboxd.core.model import (
    Action,
    Advance,
    AgentProof,
    Answer,
    AnswerProof,
    Assign,
    Bounce,
    Candidate,
    CaseEvent,
    CaseNo,
    CaseState,
    ChangePerson,
    Counts,
    Decision,
    Job,
    JobKind,
    JobNo,
    Join,
    Kind,
    Log,
    MarkOutgoing,
    MessageNo,
    Mode,
    OpenCase,
    Outcome,
    OutgoingKind,
    ProofKind,
    Reading,
    Role,
    Schedule,
    Screening,
    Send,
    Sentiment,
    Situation,
    StoryLine,
)
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Condition, Rule, Then
from tests.core.builders import JONAS, MARIA, NOW, TOM, book, case, message, person, sent, situation, understood

BOOK, POLICY = book(), Policy()
UPSET = Reading(kind=Kind.PERSON, language="en", sentiment=Sentiment.UPSET, upset=0.9)
OF_CASE = ("assignee", "involved", "resolved_by")
A = TypeVar("A", bound=Action)


def decided(facts: Situation, **changes: Any) -> Decision:
    return decide(facts, changes.get("rules", BOOK), POLICY, "admin@acme.example")


def only(decision: Decision, kind: type[A]) -> A:
    (found,) = [action for action in decision.actions if isinstance(action, kind)]
    return found


def kinds(actions: Sequence[Action]) -> set[OutgoingKind]:
    return {action.letter.kind for action in actions if isinstance(action, Send)}


def in_case(state: CaseState, **changes: Any) -> Situation:
    of_case = {
        name: changes.pop(name) for name in tuple(changes) if name in ("involved", "outcome", "resolved_by", "closed_at", "assignee")
    }
    return situation(**({"case": case(state, **of_case), "customer": person(), "person": person()} | changes))


def answer(said: Answer, state: CaseState = CaseState.RESOLVED, **changes: Any) -> Situation:
    reading = Reading(kind=Kind.PERSON, language="en", answer=said)
    question = sent(OutgoingKind.FOLLOW_UP)
    return in_case(state, understood=understood(reading=reading), replied_to=question, **changes)


PROOF = AgentProof(agent=MARIA, case=CaseNo(1042), words_to_customer=True, by=ProofKind.SIGNED_ADDRESS)
REPLY = in_case(CaseState.OPEN, agent=MARIA, agent_proof=PROOF, understood=understood(mail=message(text="It comes on Friday.")))

SITUATIONS = [
    pytest.param(situation(), id="a new customer"),
    pytest.param(situation(understood=understood(reading=UPSET)), id="an upset one"),
    pytest.param(in_case(CaseState.WAITING), id="the next word"),
    pytest.param(answer(Answer.SATISFIED), id="yes"),
    pytest.param(answer(Answer.DISSATISFIED), id="no"),
    pytest.param(answer(Answer.UNCLEAR), id="perhaps"),
    pytest.param(answer(Answer.SATISFIED_AND_NEW), id="yes, and something new"),
    pytest.param(REPLY, id="an agent's words"),
    pytest.param(situation(understood=understood(Kind.LIST)), id="a newsletter"),
]


@pytest.mark.parametrize("facts", SITUATIONS)
def test_the_same_situation_gives_the_same_decision_twice(facts: Situation) -> None:
    assert decided(facts) == decided(facts)


@pytest.mark.parametrize("facts", SITUATIONS)
@pytest.mark.parametrize("mode", list(Mode))
def test_no_mode_lets_out_what_it_forbids(facts: Situation, mode: Mode) -> None:
    decision = decided(replace(facts, mailbox=replace(facts.mailbox, mode=mode)))
    left = kinds(decision.actions)
    if mode is Mode.WATCH:
        told = [a for a in decision.actions if isinstance(a, Send) and a.letter.template == "held_back"]
        assert len(told) == (facts is REPLY) and left <= {OutgoingKind.NOTICE}
    if mode is Mode.ROUTE:
        assert not any(kind.automatic_to_customer for kind in left)


def test_a_new_customers_mail_opens_a_case_and_somebody_gets_it_with_an_hour() -> None:
    decision = decided(situation())
    assert only(decision, OpenCase).case.due_at == NOW + timedelta(hours=24)
    assert only(decision, Assign).agent == only(decision, Send).letter.agent
    assert only(decision, Schedule).kind is JobKind.ESCALATE
    assert decision.case == 1043 and any("everything else" in line for line in decision.because)


def test_an_upset_customer_reaches_a_senior_and_the_reason_is_told() -> None:
    decision = decided(situation(understood=understood(reading=UPSET)))
    assert only(decision, Assign).agent in (MARIA, JONAS)
    assert "sounds upset" in only(decision, Assign).why
    assert [line.partition(" ")[0] for line in decision.trace if line[:1] != " "] == ["YES", "YES", "who:", "due:"]


def test_a_rule_without_conditions_never_moves_a_case_that_has_an_agent() -> None:
    decision = decided(in_case(CaseState.WAITING, assignee=JONAS))
    assert not [a for a in decision.actions if isinstance(a, Assign)]
    assert only(decision, Send).letter.agent == JONAS


def test_a_deciding_rule_moves_a_case_only_if_its_agent_is_not_in_that_team() -> None:
    angry = understood(reading=UPSET)
    assert only(decided(in_case(CaseState.WAITING, assignee=TOM, understood=angry)), Assign).agent in (MARIA, JONAS)
    assert not [a for a in decided(in_case(CaseState.WAITING, assignee=JONAS, understood=angry)).actions if isinstance(a, Assign)]


def test_an_unhappy_answer_goes_to_a_senior_who_had_no_part_in_it() -> None:
    decision = decided(answer(Answer.DISSATISFIED, involved=(TOM, MARIA), resolved_by=TOM))
    assert only(decision, Assign).agent == JONAS
    assert only(decision, Advance).changes["outcome"] is Outcome.DISSATISFIED
    assert not any(kind.automatic_to_customer for kind in kinds(decision.actions))


def test_where_all_seniors_had_a_part_in_it_the_lead_gets_it() -> None:
    assert only(decided(answer(Answer.DISSATISFIED, involved=(JONAS, MARIA))), Assign).agent == "petra"


def test_a_token_from_another_address_is_read_by_a_person() -> None:
    proof = AnswerProof(case=CaseNo(1042), round=0, said=Answer.SATISFIED, by=ProofKind.SIGNED_ADDRESS, from_customer=False)
    facts = answer(Answer.UNCLEAR, answer_proof=proof, resolved_by=MARIA, now=NOW + timedelta(minutes=3))
    decision = decided(facts)
    assert only(decision, Advance).event is CaseEvent.UNCLEAR
    assert only(decision, Send).letter.agent == MARIA


def test_a_tapped_answer_waits_two_minutes_for_its_opposite() -> None:
    proof = AnswerProof(case=CaseNo(1042), round=0, said=Answer.SATISFIED, by=ProofKind.SIGNED_ADDRESS, from_customer=True)
    facts = answer(Answer.UNCLEAR, answer_proof=proof)
    assert decided(facts).later == NOW + timedelta(minutes=2)
    assert not kinds(decided(facts).actions)
    assert decided(replace(facts, now=NOW + timedelta(minutes=2))).later is None


# --- machines


AUTOMATIC = [kind for kind in Kind if kind is not Kind.PERSON]


@pytest.mark.parametrize("kind", AUTOMATIC)
def test_no_machine_is_ever_answered(kind: Kind) -> None:
    for facts in (situation(understood=understood(kind)), in_case(CaseState.OPEN, understood=understood(kind))):
        letters = [a.letter for a in decided(facts).actions if isinstance(a, Send)]
        assert all(letter.agent is not None for letter in letters)  # to us, never to a customer


def test_an_out_of_office_note_is_kept_in_its_case_and_changes_nothing() -> None:
    decision = decided(in_case(CaseState.WAITING, understood=understood(Kind.OUT_OF_OFFICE)))
    assert only(decision, Join).role is None and only(decision, Log).kind == "case.automatic_noted"


def test_a_bounce_of_an_agents_words_is_told_to_that_agent() -> None:
    facts = in_case(CaseState.WAITING, bounced=sent(OutgoingKind.REPLY, agent=TOM))
    report = Screening(kind=Kind.BOUNCE, reason="a delivery report", bounce=Bounce(recipients=("ana@example.org",)))
    decision = decided(replace(facts, understood=replace(facts.understood, screening=report)))
    assert only(decision, MarkOutgoing).outgoing == 5
    assert only(decision, Send).letter.agent == TOM


def test_a_bounce_of_a_notice_is_told_to_nobody() -> None:
    facts = in_case(CaseState.OPEN, bounced=sent(OutgoingKind.NOTICE, agent=TOM), understood=understood(Kind.BOUNCE))
    assert not kinds(decided(facts).actions)


def test_who_marks_our_mail_as_spam_is_not_asked_again_and_the_lead_knows() -> None:
    decision = decided(in_case(CaseState.OPEN, understood=understood(Kind.FEEDBACK_REPORT)))
    assert only(decision, ChangePerson).changes == {"no_follow_up": True}
    assert only(decision, Send).letter.agent == "petra"


def test_a_rule_may_give_automatic_mail_to_a_person_but_it_is_never_answered() -> None:
    to_tom = Rule(
        name="lists to Tom", when=(Condition(word="kind", wanted=("list",)),), then=Then(assign="tom", reply_with="acknowledgement")
    )
    decision = decided(situation(understood=understood(Kind.LIST)), rules=book(rules=(to_tom,)))
    assert only(decision, Assign).agent == TOM
    assert {a.kind for a in decision.actions if isinstance(a, Schedule)} == {JobKind.ESCALATE}  # no acknowledgement


def test_spam_of_a_participant_in_a_known_case_reaches_the_agent_and_a_strangers_does_not() -> None:
    assert only(decided(in_case(CaseState.WAITING, understood=understood(Kind.SPAM))), Send).letter.values["marked_spam"] is True
    assert not kinds(decided(situation(understood=understood(Kind.SPAM))).actions)


# --- caps and dates


def test_what_a_cap_holds_back_is_told_to_the_lead_once_an_hour() -> None:
    flood = replace(situation(), counts=Counts(case_mails_hour=20))
    decision = decided(flood)
    assert only(decision, Send).letter.template == "held_back"
    later = decided(replace(flood, now=NOW + timedelta(minutes=30)))
    assert only(later, Send).letter.purpose == only(decision, Send).letter.purpose


def job(kind: JobKind) -> Job:
    return Job(
        number=JobNo(1), kind=kind, key=str(kind), run_at=NOW, case=CaseNo(1042), payload={"template": "acknowledgement", "promised": True}
    )


OUTRUN = [
    (JobKind.ASK, CaseState.OPEN),
    (JobKind.REMIND, CaseState.CLOSED),
    (JobKind.CLOSE, CaseState.OPEN),
    (JobKind.SILENCE, CaseState.OPEN),
    (JobKind.SILENCE, CaseState.RESOLVED),
    (JobKind.ESCALATE, CaseState.WAITING),
    (JobKind.HAND_OVER, CaseState.WAITING),
    (JobKind.ACKNOWLEDGE, CaseState.WAITING),
]


@pytest.mark.parametrize(("kind", "state"), OUTRUN)
def test_a_date_that_the_case_has_outrun_does_nothing(kind: JobKind, state: CaseState) -> None:
    assert decide_due(job(kind), in_case(state), BOOK, POLICY).actions == ()


def test_words_that_still_gathered_take_back_the_thanks_and_the_yes_of_before() -> None:
    waits = StoryLine(at=NOW, role=Role.CUSTOMER, name="Ana", text="It is broken again.", message=MessageNo(9))
    thanked = case(CaseState.RESOLVED, good_sign=True, outcome=Outcome.SATISFIED)
    facts = in_case(CaseState.RESOLVED, case=thanked, not_handed_over=(waits,))
    move = only(decide_due(job(JobKind.HAND_OVER), facts, BOOK, POLICY), Advance)
    assert move.state is CaseState.OPEN and move.changes["good_sign"] is False and move.changes["outcome"] is Outcome.UNKNOWN


def test_an_acknowledgement_is_dropped_where_somebody_answered() -> None:
    facts = in_case(CaseState.OPEN, case=case(due_at=NOW + timedelta(hours=2)), candidates={MARIA: Candidate(name=MARIA, open_cases=0)})
    assert kinds(decide_due(job(JobKind.ACKNOWLEDGE), facts, BOOK, POLICY).actions) == {OutgoingKind.ACKNOWLEDGEMENT}
    answered = replace(facts, case=case(last_reply_at=NOW))
    assert decide_due(job(JobKind.ACKNOWLEDGE), answered, BOOK, POLICY).actions == ()


def test_silence_is_never_counted_as_satisfied() -> None:
    move = only(decide_due(job(JobKind.CLOSE), in_case(CaseState.RESOLVED), BOOK, POLICY), Advance)
    assert move.state is CaseState.CLOSED and "outcome" not in move.changes
