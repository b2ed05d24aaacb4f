"""The states of a case: one table holds every move. A move that is not in it is a bug of ours."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from inboxd.core.model import CaseEvent, CaseState
from inboxd.errors import InvalidTransition

_E, _S = CaseEvent, CaseState

TRANSITIONS: Mapping[CaseState, Mapping[CaseEvent, CaseState]] = MappingProxyType(
    {
        _S.OPEN: {
            _E.CUSTOMER_WROTE: _S.OPEN,
            _E.CUSTOMER_THANKED: _S.OPEN,  # a good sign, kept
            _E.AGENT_REPLIED: _S.WAITING,
            _E.AGENT_RESOLVED: _S.RESOLVED,
            _E.SATISFIED: _S.OPEN,  # an old answer: a good sign, kept
            _E.DISSATISFIED: _S.OPEN,
            _E.UNCLEAR: _S.OPEN,
            _E.ANSWER_HELPED: _S.CLOSED,
            _E.UNDELIVERED: _S.OPEN,
            _E.RECONSIDERED: _S.OPEN,
            _E.NOTED: _S.OPEN,
            _E.SPLIT: _S.WAITING,
            _E.MERGED: _S.MERGED,
        },
        _S.WAITING: {
            _E.CUSTOMER_WROTE: _S.OPEN,
            _E.CUSTOMER_THANKED: _S.WAITING,
            _E.AGENT_REPLIED: _S.WAITING,
            _E.AGENT_RESOLVED: _S.RESOLVED,
            _E.SILENCE: _S.RESOLVED,
            _E.SATISFIED: _S.WAITING,
            _E.DISSATISFIED: _S.OPEN,
            _E.UNCLEAR: _S.OPEN,
            _E.UNDELIVERED: _S.OPEN,
            _E.NOTED: _S.WAITING,
            _E.WOKE: _S.OPEN,
            _E.MERGED: _S.MERGED,
        },
        _S.RESOLVED: {
            _E.CUSTOMER_WROTE: _S.OPEN,
            _E.CUSTOMER_THANKED: _S.RESOLVED,
            _E.AGENT_REPLIED: _S.RESOLVED,
            _E.AGENT_RESOLVED: _S.RESOLVED,
            _E.SATISFIED: _S.CLOSED,
            _E.DISSATISFIED: _S.OPEN,
            _E.UNCLEAR: _S.RESOLVED,  # a person reads it
            _E.NO_ANSWER: _S.CLOSED,
            _E.UNDELIVERED: _S.OPEN,
            _E.NOTED: _S.RESOLVED,
            _E.MERGED: _S.MERGED,
        },
        _S.CLOSED: {
            _E.CUSTOMER_WROTE: _S.OPEN,  # within the grace time; later it is a new case, linked
            _E.CUSTOMER_THANKED: _S.CLOSED,
            _E.AGENT_REPLIED: _S.WAITING,
            _E.AGENT_RESOLVED: _S.RESOLVED,
            _E.SATISFIED: _S.CLOSED,
            _E.DISSATISFIED: _S.OPEN,
            _E.UNCLEAR: _S.RESOLVED,
            _E.UNDELIVERED: _S.OPEN,
            _E.NOTED: _S.CLOSED,
            _E.MERGED: _S.MERGED,
        },
        _S.MERGED: {},  # whatever comes later happens to the other case
    }
)


def advance(state: CaseState, event: CaseEvent) -> CaseState:
    """Tell the state that follows; raises InvalidTransition for a move that the table does not hold."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise InvalidTransition(f"a case that is {state} knows no event {event}") from None


def reopens(state: CaseState, event: CaseEvent) -> bool:
    """Whether this event opens a resolved or closed case again."""
    return state in (CaseState.RESOLVED, CaseState.CLOSED) and advance(state, event) is CaseState.OPEN


def diagram() -> str:
    """The table as Markdown, for docs/reference/case-lifecycle.md."""
    events = list(CaseEvent)
    head = "| state | " + " | ".join(event.value.replace("_", " ") for event in events) + " |"
    rule = "| --- |" + " --- |" * len(events)
    rows = [f"| {state} | " + " | ".join(TRANSITIONS[state].get(event, "-") for event in events) + " |" for state in CaseState]
    return "\n".join((head, rule, *rows))
