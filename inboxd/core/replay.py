"""What became of a message by a decision, and what would have become of it under other rules, with the facts of then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    Assign,
    Candidate,
    CaseNo,
    JobKind,
    Label,
    Log,
    OpenCase,
    Schedule,
    Send,
    Situation,
)
from inboxd.core.rulebook import Rulebook, is_away


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a message went: all answers of the rules that can be seen in what was done. None: the decision left it as it was."""

    case: CaseNo | None = None
    ignored: bool = False
    agent: AgentName | None = None
    team: str | None = None
    due_at: datetime | None = None
    priority: str | None = None
    labels: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    reply_with: str | None = None
    file_in: str | None = None
    no_follow_up: bool | None = None


def placed(actions: Iterable[Action], letters: Sequence[str] = ()) -> Placed:
    """Read from the actions of a decision where its message went; `letters` are the purposes of those of which only that is known."""
    found = Placed(told=tuple(purpose.split(":", 2)[2] for purpose in letters if purpose.startswith("told:")))
    for action in actions:
        match action:
            case OpenCase(case=case):
                found = replace(
                    found, case=case.number, due_at=case.due_at, priority=case.priority, labels=case.labels, no_follow_up=case.no_follow_up
                )
            case Assign():
                found = replace(found, case=action.case, agent=action.agent, team=action.team)
            case Advance(changes=changes):
                known = {name: value for name, value in changes.items() if name in ("due_at", "priority", "no_follow_up")}
                found = replace(found, case=action.case, **known)  # type: ignore[arg-type]  # columns of a case
            case Label():
                found = replace(found, labels=tuple(sorted({*found.labels, *action.labels})))
            case Log(kind="message.ignored" | "message.automatic"):
                found = replace(found, ignored=True)
            case Schedule(kind=JobKind.ACKNOWLEDGE):
                found = replace(found, reply_with=str(action.payload["template"]))
            case Schedule(kind=JobKind.FILE):
                found = replace(found, file_in=str(action.payload["folder"]))
            case Send(letter=letter) if letter.purpose.startswith("told:"):
                found = replace(found, told=(*found.told, letter.purpose.split(":", 2)[2]))
            case _:
                pass
    return replace(found, labels=tuple(sorted(found.labels)), told=tuple(sorted(found.told)))


def among(situation: Situation, book: Rulebook) -> Situation:
    """The situation for the agents of this rulebook: whom we knew then has the facts of then, absences too; who is new has no open case."""
    candidates = {
        name: situation.candidates.get(name) or Candidate(name=name, open_cases=0, away=is_away(book, name, situation.now))
        for name in book.agents
    }
    return replace(situation, candidates=candidates)


def differences(was: Placed, now: Placed) -> tuple[str, ...]:
    """The names of the answers that differ."""
    return tuple(name for name in Placed.__dataclass_fields__ if name != "case" and getattr(was, name) != getattr(now, name))
