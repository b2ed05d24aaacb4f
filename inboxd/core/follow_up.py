"""When to ask whether it is solved, and what an answer means for the case."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime

from inboxd.core.lettering import reachable
from inboxd.core.model import (
    Answer,
    AnswerProof,
    Case,
    CaseState,
    JobKind,
    Mode,
    Outcome,
    OutgoingKind,
    Person,
    Reading,
    Schedule,
    Sentiment,
    Situation,
    TopicName,
)
from inboxd.core.opening import due
from inboxd.core.policy import Policy
from inboxd.core.rulebook import FollowUpPolicy, Rulebook, calendar_of

ASKING = (OutgoingKind.FOLLOW_UP, OutgoingKind.REMINDER)
AWAKE = (time(8), time(20))  # when a question may arrive, by the customer's clock
SENSITIVE = "sensitive"  # the label of cases about death, illness, danger or law: people only
ASKING_JOBS = (JobKind.ASK, JobKind.REMIND, JobKind.CLOSE, JobKind.SILENCE, JobKind.WAKE)  # what a new word of anybody cancels


def after_resolved(
    case: Case, person: Person | None, book: Rulebook, now: datetime, mode: Mode, quiet_from: datetime | None = None
) -> Schedule:
    """Tell the next job of a case that was just resolved: ask later, or close as unknown where nobody is asked.

    What was resolved before the mode was raised to full is never asked about. `quiet_from`: what was promised is over then.
    """
    at = ask_at(case, book, quiet_from or now)
    if mode is not Mode.FULL or not may_ask(case, person, book.follow_up, at):
        return close_later(case, book.follow_up, now)
    return Schedule(kind=JobKind.ASK, key=f"ask:{case.number}", at=at, case=case.number)


def ask_at(case: Case, book: Rulebook, start: datetime) -> datetime:
    """When the quiet time after resolving is over: that of the topic, in opening hours where the rules count in them."""
    span = book.follow_up.ask_after_by_topic.get(TopicName(case.topic), book.follow_up.ask_after)
    return due(span, start, calendar_of(book, case.team or case.assignee)).at


def awake_at(at: datetime, zone: tzinfo) -> datetime:
    """The first moment from then on at which people are up, by their clock."""
    local = at.astimezone(zone)
    if AWAKE[0] <= local.time() < AWAKE[1]:
        return at
    day = local.date() + timedelta(days=local.time() >= AWAKE[1])
    return datetime.combine(day, AWAKE[0], zone).astimezone(at.tzinfo)


def zone_of_customer(situation: Situation, policy: Policy) -> tzinfo:
    """By which clock the customer lives: as their program dated their latest mail (RFC 5322, 3.3); else by the mailbox's.

    A program that dates in UTC says nothing about where its owner is.
    """
    try:
        dated = parsedate_to_datetime(situation.understood.message.header("date"))
    except (ValueError, TypeError):
        return policy.zone
    offset = dated.utcoffset()
    return timezone(offset) if offset else policy.zone


def close_later(case: Case, policy: FollowUpPolicy, now: datetime) -> Schedule:
    """Nobody answered, or nobody is asked: the case closes, outcome unknown."""
    return Schedule(kind=JobKind.CLOSE, key=f"close:{case.number}", at=now + policy.close_after, case=case.number)


def silence_later(case: Case, policy: FollowUpPolicy, now: datetime) -> tuple[Schedule, ...]:
    """When a case in which we wait for the customer ends by itself, if it ever does."""
    if policy.ask_when_waiting is None:
        return ()
    return (Schedule(kind=JobKind.SILENCE, key=f"silence:{case.number}", at=now + policy.ask_when_waiting, case=case.number),)


def wake_later(case: Case, at: datetime) -> Schedule:
    """When a case in which we wait for the customer comes back to its agent, as the agent wished."""
    return Schedule(kind=JobKind.WAKE, key=f"wake:{case.number}", at=at, case=case.number)


def remind_later(case: Case, policy: FollowUpPolicy, now: datetime) -> Schedule:
    """Ask once more, later."""
    return Schedule(kind=JobKind.REMIND, key=f"remind:{case.number}", at=now + policy.remind_after, case=case.number)


def may_ask(case: Case, person: Person | None, policy: FollowUpPolicy, at: datetime) -> bool:
    """Whether this person is asked about this case: not against their wish, not too often, not if they said it works."""
    if case.good_sign or case.no_follow_up or person is None or person.no_follow_up or not reachable(person.email):
        return False
    if case.outcome is Outcome.DISSATISFIED:  # a bad experience was mended: ask once more, however lately we asked
        return True
    return person.asked_at is None or at - person.asked_at >= policy.at_most_every


def wants_reminder(case: Case) -> bool:
    """A question is repeated only where it matters: upset, reopened or a repeat contact."""
    return Sentiment.UPSET in (case.sentiment, case.first_sentiment) or case.reopened > 0 or case.repeat


def is_answer(situation: Situation) -> bool:
    """Whether this mail answers our question: by token, or as a reply to it."""
    if situation.answer_proof is not None:
        return True
    return situation.replied_to is not None and situation.replied_to.kind in ASKING and situation.case is not None


def read_answer(reading: Reading, proof: AnswerProof | None) -> Answer:
    """Read the words; a mailto line counts unless the words beside it say otherwise."""
    said = proof.said if proof else None
    if said is None:
        return reading.answer
    if said is Answer.DISSATISFIED:
        return Answer.DISSATISFIED
    if reading.answer is Answer.DISSATISFIED:
        return Answer.UNCLEAR  # "yes" was tapped, and the words complain: a person reads it
    return Answer.SATISFIED_AND_NEW if reading.answer is Answer.SATISFIED_AND_NEW else Answer.SATISFIED


def is_machine_answer(situation: Situation, policy: Policy) -> bool:
    """Link scanners and gateways: a mailto answer within seconds of delivery, or both answers within two minutes."""
    proof, received = situation.answer_proof, situation.understood.received_at
    if proof is None or proof.said is None:
        return False
    asked = situation.replied_to.sent_at if situation.replied_to else None
    if asked is not None and received - asked < policy.machine_answers_within:
        return True
    other = Answer.DISSATISFIED if proof.said is Answer.SATISFIED else Answer.SATISFIED
    return any(said is other and abs(at - received) <= policy.both_answers_within for at, said in situation.held_answers)


def outcome_of_yes(case: Case) -> Outcome:
    """A yes after a no is a person won back."""
    return Outcome.WON_BACK if case.outcome in (Outcome.DISSATISFIED, Outcome.WON_BACK) else Outcome.SATISFIED


def outcome_again(case: Case) -> Outcome:
    """A case that comes back did not end well, whatever was said: a yes is no longer known, and who was won back is to be won again."""
    return {Outcome.SATISFIED: Outcome.UNKNOWN, Outcome.WON_BACK: Outcome.DISSATISFIED}.get(case.outcome, case.outcome)


def is_late(case: Case, policy: FollowUpPolicy, now: datetime) -> bool:
    """Whether a closed case is past its grace time: what comes now is a new case, linked."""
    return case.state is CaseState.CLOSED and case.closed_at is not None and now - case.closed_at > policy.grace
