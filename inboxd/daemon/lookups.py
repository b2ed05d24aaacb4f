"""What an agent asks for - mine, team, show #1042, find lamp - answered from the store, as titles with lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from inboxd.core.model import AgentName, Case, CaseNo, CaseState, Role, Sentiment
from inboxd.ports import Transaction

MOST = 30  # lines of an answer
QUOTE = 160


def answered(tx: Transaction, asked: Sequence[Mapping[str, Any]], zone: tzinfo) -> list[dict[str, object]]:
    """Answer each question in its order; what is not there is said."""
    return [_one(tx, question, zone) for question in asked]


def _one(tx: Transaction, question: Mapping[str, Any], zone: tzinfo) -> dict[str, object]:
    match question["what"]:
        case "mine":
            cases = [case for case in tx.open_cases() if case.assignee == question["agent"] and case.state is not CaseState.RESOLVED]
            return _cases(tx, "With you", cases, zone)
        case "team":
            return _cases(tx, "Open with everybody", [case for case in tx.open_cases() if case.state is CaseState.OPEN], zone, holder=True)
        case "find":
            return _cases(tx, f'Cases with "{question["argument"]}"', tx.find(str(question["argument"]), MOST), zone, holder=True)
        case "signature":
            lines = [line for each in tx.signatures(question["agent"]) for line in each.split("\n")]
            return {"title": "What I leave out where it ends a mail of yours, to forget with: signature: none", "lines": tuple(lines)}
        case "original":
            return {"title": "Attached, as it came", "lines": ()}
        case _:
            return _story(tx, CaseNo(int(question["case"])), zone)


def _cases(tx: Transaction, title: str, cases: Sequence[Case], zone: tzinfo, *, holder: bool = False) -> dict[str, object]:
    ordered = sorted(cases, key=lambda case: (case.sentiment is not Sentiment.UPSET, case.due_at is None, case.due_at or case.opened_at))
    lines = [_line(tx, case, zone, holder=holder) for case in ordered[:MOST]]
    if len(ordered) > MOST:
        lines.append(f"and {len(ordered) - MOST} more")
    return {"title": f"{title}: {len(ordered)}", "lines": tuple(lines)}


def _line(tx: Transaction, case: Case, zone: tzinfo, *, holder: bool) -> str:
    person = tx.person(case.customer)
    name = (person.name or person.email) if person else ""
    due = f", by {case.due_at.astimezone(zone):%a %H:%M}" if case.due_at and case.state is CaseState.OPEN else ""
    upset = ", sounds upset" if case.sentiment is Sentiment.UPSET else ""
    who = f", with {case.assignee}" if holder and case.assignee else ""
    return f"#{case.number} {name}: {case.subject or 'no subject'} ({case.state}{due}{upset}{who})"


def _story(tx: Transaction, number: CaseNo, zone: tzinfo) -> dict[str, object]:
    case = tx.case(number)
    if case is None:
        return {"title": f"There is no case #{number}", "lines": ()}
    lines = [_line(tx, case, zone, holder=True)]
    for line in tx.story(case.number)[-MOST:]:
        who = line.name or ("customer" if line.role is Role.CUSTOMER else AgentName(""))
        words = " ".join(line.text.split())
        shown = words if len(words) <= QUOTE else words[:QUOTE].rsplit(" ", 1)[0] + " ..."
        lines.append(f'{line.at.astimezone(zone):%a} {line.at.astimezone(zone).day} {line.at.astimezone(zone):%b}, {who}: "{shown}"')
    return {"title": f"Case #{case.number}", "lines": tuple(lines)}
