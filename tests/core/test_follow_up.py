"""When to ask whether it is solved, whom not to ask, and what an answer means."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inboxd.core.follow_up import (
    after_resolved,
    is_answer,
    is_late,
    is_machine_answer,
    may_ask,
    outcome_of_yes,
    read_answer,
    remind_later,
    wants_reminder,
)
from inboxd.core.model import (
    Answer,
    AnswerProof,
    CaseNo,
    CaseState,
    JobKind,
    Kind,
    Mode,
    Outcome,
    OutgoingKind,
    ProofKind,
    Reading,
    Sentiment,
)
from inboxd.core.policy import Policy
from inboxd.core.rulebook import FollowUpPolicy, Rulebook
from tests.core.builders import NOW, case, person, sent, situation

POLICY = FollowUpPolicy()
RESOLVED = case(CaseState.RESOLVED)


def proof(said: Answer | None, **changes: Any) -> AnswerProof:
    return AnswerProof(
        **({"case": CaseNo(1042), "round": 1, "said": said, "by": ProofKind.SIGNED_ADDRESS, "from_customer": True} | changes)
    )


def reading(answer: Answer) -> Reading:
    return Reading(kind=Kind.PERSON, answer=answer)


# --- whether to ask


def test_a_resolved_case_is_asked_about_after_the_quiet_time() -> None:
    job = after_resolved(RESOLVED, person(), Rulebook(), NOW, Mode.FULL)
    assert (job.kind, job.at) == (JobKind.ASK, NOW + timedelta(days=2))


@pytest.mark.parametrize(
    ("in_case", "who"),
    [
        pytest.param(case(CaseState.RESOLVED, good_sign=True), person(), id="said already that it works"),
        pytest.param(RESOLVED, person(no_follow_up=True), id="would rather not be asked"),
        pytest.param(RESOLVED, person(asked_at=NOW - timedelta(days=3)), id="was asked the other day"),
        pytest.param(RESOLVED, None, id="nobody to ask"),
    ],
)
def test_who_is_not_asked_has_a_case_that_closes_by_itself(in_case: Any, who: Any) -> None:
    job = after_resolved(in_case, who, Rulebook(follow_up=POLICY), NOW, Mode.FULL)
    assert (job.kind, job.at) == (JobKind.CLOSE, NOW + POLICY.close_after)


def test_one_person_is_asked_at_most_once_in_two_weeks() -> None:
    asked = person(asked_at=NOW)
    assert not may_ask(RESOLVED, asked, POLICY, NOW + timedelta(days=13, hours=23))
    assert may_ask(RESOLVED, asked, POLICY, NOW + timedelta(days=14))


def test_a_repaired_bad_experience_is_asked_about_however_lately_we_asked() -> None:
    mended = case(CaseState.RESOLVED, outcome=Outcome.DISSATISFIED)
    assert may_ask(mended, person(asked_at=NOW), POLICY, NOW + timedelta(days=1))
    assert not may_ask(mended, person(asked_at=NOW, no_follow_up=True), POLICY, NOW + timedelta(days=1))


@pytest.mark.parametrize(
    "matters",
    [{"sentiment": Sentiment.UPSET}, {"first_sentiment": Sentiment.UPSET}, {"reopened": 1}, {"repeat": True}],
)
def test_a_reminder_goes_where_it_matters(matters: dict[str, Any]) -> None:
    assert wants_reminder(case(CaseState.RESOLVED, **matters))
    assert not wants_reminder(case(CaseState.RESOLVED, sentiment=Sentiment.UNHAPPY))
    assert remind_later(RESOLVED, POLICY, NOW).at == NOW + POLICY.remind_after


# --- what an answer is


def test_a_reply_to_the_question_is_an_answer_and_a_reply_to_anything_else_is_none() -> None:
    assert is_answer(situation(case=RESOLVED, replied_to=sent(OutgoingKind.FOLLOW_UP)))
    assert is_answer(situation(case=RESOLVED, replied_to=sent(OutgoingKind.REMINDER)))
    assert is_answer(situation(case=RESOLVED, answer_proof=proof(Answer.SATISFIED)))
    assert not is_answer(situation(case=RESOLVED, replied_to=sent(OutgoingKind.REPLY)))
    assert not is_answer(situation(case=RESOLVED))


@pytest.mark.parametrize(
    ("tapped", "words", "means"),
    [
        (None, Answer.SATISFIED, Answer.SATISFIED),
        (None, Answer.UNCLEAR, Answer.UNCLEAR),
        (Answer.SATISFIED, Answer.UNCLEAR, Answer.SATISFIED),
        (Answer.SATISFIED, Answer.SATISFIED_AND_NEW, Answer.SATISFIED_AND_NEW),
        (Answer.SATISFIED, Answer.DISSATISFIED, Answer.UNCLEAR),  # "yes" was tapped, and the words complain
        (Answer.DISSATISFIED, Answer.UNCLEAR, Answer.DISSATISFIED),
        (Answer.DISSATISFIED, Answer.SATISFIED, Answer.DISSATISFIED),
    ],
)
def test_a_tapped_answer_counts_unless_the_words_beside_it_complain(tapped: Answer | None, words: Answer, means: Answer) -> None:
    assert read_answer(reading(words), proof(tapped) if tapped else None) is means


@pytest.mark.parametrize(("seconds", "machine"), [(0, True), (9, True), (10, False), (3600, False)])
def test_an_answer_within_seconds_of_delivery_is_a_machines(seconds: int, machine: bool) -> None:
    question = sent(OutgoingKind.FOLLOW_UP, sent_at=NOW - timedelta(seconds=seconds))
    assert is_machine_answer(situation(answer_proof=proof(Answer.SATISFIED), replied_to=question), Policy()) is machine


@pytest.mark.parametrize(("seconds", "machine"), [(0, True), (120, True), (121, False)])
def test_both_answers_within_two_minutes_are_a_machines(seconds: int, machine: bool) -> None:
    other = ((NOW - timedelta(seconds=seconds), Answer.DISSATISFIED),)
    assert is_machine_answer(situation(answer_proof=proof(Answer.SATISFIED), held_answers=other), Policy()) is machine


def test_the_same_answer_twice_is_no_machine_and_words_never_are() -> None:
    twice = ((NOW, Answer.SATISFIED),)
    assert not is_machine_answer(situation(answer_proof=proof(Answer.SATISFIED), held_answers=twice), Policy())
    assert not is_machine_answer(situation(answer_proof=proof(None), replied_to=sent(OutgoingKind.FOLLOW_UP, sent_at=NOW)), Policy())


def test_a_yes_after_a_no_is_a_person_won_back() -> None:
    assert outcome_of_yes(case(CaseState.RESOLVED, outcome=Outcome.DISSATISFIED)) is Outcome.WON_BACK
    assert outcome_of_yes(case(CaseState.CLOSED, outcome=Outcome.WON_BACK)) is Outcome.WON_BACK
    assert outcome_of_yes(RESOLVED) is Outcome.SATISFIED


def test_only_a_closed_case_past_its_grace_time_is_late() -> None:
    closed = case(CaseState.CLOSED, closed_at=NOW)
    assert not is_late(closed, POLICY, NOW + POLICY.grace)
    assert is_late(closed, POLICY, NOW + POLICY.grace + timedelta(seconds=1))
    assert not is_late(case(CaseState.RESOLVED, resolved_at=NOW), POLICY, NOW + timedelta(days=99))
