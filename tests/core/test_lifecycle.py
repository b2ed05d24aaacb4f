"""The table of moves is the life of a case: walked pair by pair, and printed into the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.lifecycle import TRANSITIONS, advance, diagram, reopens
from inboxd.core.model import CaseEvent, CaseState
from inboxd.errors import InvalidTransition

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "case-lifecycle.md"
S = CaseState

# What the design says, said once more in its own order: open, waiting, resolved, closed ("-": no such move).
MOVES = {
    CaseEvent.CUSTOMER_WROTE: (S.OPEN, S.OPEN, S.OPEN, S.OPEN),
    CaseEvent.CUSTOMER_THANKED: (S.OPEN, S.WAITING, S.RESOLVED, S.CLOSED),
    CaseEvent.AGENT_REPLIED: (S.WAITING, S.WAITING, S.RESOLVED, S.WAITING),
    CaseEvent.AGENT_RESOLVED: (S.RESOLVED, S.RESOLVED, S.RESOLVED, S.RESOLVED),
    CaseEvent.SILENCE: ("-", S.RESOLVED, "-", "-"),
    CaseEvent.SATISFIED: (S.OPEN, S.WAITING, S.CLOSED, S.CLOSED),
    CaseEvent.DISSATISFIED: (S.OPEN, S.OPEN, S.OPEN, S.OPEN),
    CaseEvent.UNCLEAR: (S.OPEN, S.OPEN, S.RESOLVED, S.RESOLVED),
    CaseEvent.ANSWER_HELPED: (S.CLOSED, "-", "-", "-"),
    CaseEvent.NO_ANSWER: ("-", "-", S.CLOSED, "-"),
    CaseEvent.UNDELIVERED: (S.OPEN, S.OPEN, S.OPEN, S.OPEN),  # beyond the design: words that came back leave the customer waiting
    CaseEvent.RECONSIDERED: (S.OPEN, "-", "-", "-"),
    CaseEvent.NOTED: (S.OPEN, S.WAITING, S.RESOLVED, S.CLOSED),
    CaseEvent.SPLIT: (S.WAITING, "-", "-", "-"),
    CaseEvent.WOKE: ("-", S.OPEN, "-", "-"),
    CaseEvent.MERGED: (S.MERGED, S.MERGED, S.MERGED, S.MERGED),
}
PAIRS = [(s, e, to) for e, row in MOVES.items() for s, to in zip((S.OPEN, S.WAITING, S.RESOLVED, S.CLOSED), row, strict=True)]
PAIRS += [(S.MERGED, event, "-") for event in CaseEvent]  # whatever comes later happens to the other case


def test_every_pair_of_state_and_event_is_walked() -> None:
    assert {(state, event) for state, event, _ in PAIRS} == {(state, event) for state in CaseState for event in CaseEvent}


@pytest.mark.parametrize(("state", "event", "to"), PAIRS)
def test_each_move_leads_where_the_design_says_or_is_refused(state: CaseState, event: CaseEvent, to: str) -> None:
    if to == "-":
        with pytest.raises(InvalidTransition, match=f"{state}.*{event}"):
            advance(state, event)
    else:
        assert advance(state, event) is to


@given(st.lists(st.sampled_from(CaseEvent), max_size=40))
def test_no_sequence_of_events_leads_to_a_state_the_table_does_not_know(events: list[CaseEvent]) -> None:
    state = CaseState.OPEN
    for event in events:
        try:
            state = advance(state, event)
        except InvalidTransition:
            assert event not in TRANSITIONS[state]
        assert state in TRANSITIONS


def test_only_a_case_that_had_ended_is_reopened() -> None:
    assert reopens(S.RESOLVED, CaseEvent.DISSATISFIED) and reopens(S.CLOSED, CaseEvent.CUSTOMER_WROTE)
    assert not reopens(S.OPEN, CaseEvent.CUSTOMER_WROTE) and not reopens(S.WAITING, CaseEvent.CUSTOMER_WROTE)
    assert not reopens(S.CLOSED, CaseEvent.AGENT_REPLIED)


def test_the_documentation_shows_the_table_as_it_is() -> None:
    assert diagram() in PAGE.read_text(encoding="utf-8")
