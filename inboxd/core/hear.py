"""What happens when a customer writes: a new case, the next word in an old one, a thank-you, or an answer."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.answered import answered, helped, helped_by, missed_by, thanked, with_opt_out
from inboxd.core.follow_up import is_answer, is_late
from inboxd.core.model import Case, CaseEvent, Decision, Situation
from inboxd.core.new_case import new_case
from inboxd.core.next_word import wrote
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Rulebook


def hear(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """Decide about a mail that a customer wrote."""
    case = situation.case
    if case is not None and is_answer(situation):
        return answered(situation, case, book, policy)
    return with_opt_out(_heard(situation, case, book, policy), situation)


def _heard(situation: Situation, case: Case | None, book: Rulebook, policy: Policy) -> Decision:
    if case is None or is_late(case, book.follow_up, situation.now):
        return new_case(situation, book, policy)
    if name := helped_by(situation, case):
        return helped(situation, case, name, book)
    if situation.understood.reading.thanks_only:
        return thanked(situation, case, book, policy)
    decision = wrote(situation, case, book, policy, CaseEvent.CUSTOMER_WROTE)
    return replace(decision, actions=(*decision.actions, *missed_by(situation, case)))
