"""Explain a case from the store: each decision with its reasons, and each line of the briefs with the record it was made from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

Row = Mapping[str, Any]
Look = Callable[..., Sequence[Row]]
NO_RECORD = "no record of it was found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """One line of a brief, and the record that it was made from."""

    line: str
    source: str
    message: int | None = None  # the message, where the record is one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A message of the case, as it is searched for quotations."""

    number: int
    at: datetime
    name: str
    agent: bool
    text: str

    @property
    def named(self) -> str:
        return f"{self.name}'s mail of {self.at:%a} {self.at.day} {self.at:%b}, message {self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """What the store holds of the case at the time of a brief."""

    now: _Said | None  # the message that was handed over
    said: Sequence[_Said]
    facts: Row = field(default_factory=dict)  # of the decision
    because: Sequence[str] = ()
    brief_rules: Sequence[str] = ()  # whose `brief:` the case has
    briefs: Sequence[str] = ()

    def rule(self, question: str) -> str:
        """The rule that answered this question, "" if none did."""
        return next((each.partition(": ")[2] for each in self.because if each.startswith(f"{question}: ")), "")


def case_told(look: Look, number: int, zone: tzinfo) -> list[dict[str, Any]]:
    """Each decision about a case, as stored with it, with the briefs that it sent."""
    decisions = look("select * from decision where case_id = ? order by id", number)
    case = next(iter(look("select briefs from cases where id = ?", number)), {"briefs": "[]"})
    said = [_said(row, zone) for row in look(_MESSAGES, number)]
    mails = look(
        "select agent, text, created_at from outgoing join outgoing_raw on outgoing = id where case_id = ? and kind = 'routed' order by id",
        number,
    )
    told, rules = [], list[str]()
    for row in decisions:
        because = json.loads(row["because"])
        rules += [each.partition(": ")[2] for each in because if each.startswith("brief: ")]
        until = [each for each in said if row["message"] is None or each.number <= row["message"]]
        records = _Records(
            now=next((each for each in reversed(until) if not each.agent), None),
            said=until,
            facts=json.loads(row["facts_json"]),
            because=because,
            brief_rules=list(dict.fromkeys(rules)),
            briefs=json.loads(case["briefs"]),
        )
        briefs = [
            {"to": mail["agent"], "lines": [_as_dict(each) for each in sourced(mail["text"], records)]}
            for mail in mails
            if mail["created_at"] == row["at"]
        ]
        told.append(
            {"at": row["at"], "message": row["message"], "ruleset": row["ruleset"], "model": row["model"],
             "because": because, "trace": json.loads(row["trace"]), "brief_said": briefs}
        )  # fmt: skip
    return told


_MESSAGES = (
    "select m.id, m.received_at, coalesce(m.agent, m.name) as name, m.sender, m.role, r.new_text"
    " from message m join reading r on r.message = m.id"
    " where m.case_id in (select id from cases where id = ?1 union select id from cases where merged_into = ?1) order by m.id"
)


def _said(row: Row, zone: tzinfo) -> _Said:
    agent, name = row["role"] == "agent", row["name"] or row["sender"]
    at = datetime.fromtimestamp(row["received_at"], UTC).astimezone(zone)
    return _Said(number=row["id"], at=at, name=name.capitalize() if agent else name, agent=agent, text=_squeezed(row["new_text"]))


def _as_dict(each: Sourced) -> dict[str, Any]:
    return {"line": each.line, "source": each.source, "message": each.message}


def in_words(told: Sequence[Row]) -> str:
    """All decisions for people."""
    lines = []
    for each in told:
        at = datetime.fromtimestamp(each["at"], UTC).isoformat(timespec="minutes")
        what = f"message {each['message']}" if each["message"] else "a date came"
        lines.append(f"{at}  {what}, rules {each['ruleset'][:12]}: {'; '.join(each['because'])}")
        lines += [f"    {line}" for line in each["trace"]]
        for brief in each["brief_said"]:
            lines.append(f"  The brief said to {brief['to']}")
            lines += [f"    {line['line']}\n      - {line['source']}" for line in brief["lines"]]
    return "\n".join(lines)


# --- from which record -------------------------------------------------------------------------------------------------------


def sourced(text: str, records: _Records) -> Iterator[Sourced]:
    """Name the record of each line of a brief; headings and empty lines have none."""
    lines = text.partition("\n-----")[0].split("\n")
    yield Sourced(line=lines[0], source=_first(records), message=records.now.number if records.now else None)
    for line in lines[1:]:
        if not line.strip() or line == "What happened so far":
            continue
        known = next((source(records, line) for begins, source in _KNOWN if re.match(begins, line)), "")
        if not known and line == "; ".join(_squeezed(each) for each in records.briefs[:2]):
            known = ", ".join(records.brief_rules) or "the rules"
        found = None if known else _quoted_in(line, records)
        yield Sourced(
            line=line,
            source=known or (found.named if found else NO_RECORD),
            message=found.number if found else None,
        )


def _first(records: _Records) -> str:
    reading = records.facts.get("understood", {}).get("reading", {})
    read = f"read as {reading.get('sentiment', 'neutral')}, about {reading.get('topic', 'unsure')}"
    if records.facts.get("answer_proof"):
        read = f"an answer to our question, read as {reading.get('answer', 'unclear')}"
    within = records.rule("answer_within")
    mail = records.now.named if records.now else "the mail itself"
    return f"{mail}: {read}" + (f"; the hour: {within}" if within else "; the hour: the case")


def _why(records: _Records, line: str) -> str:
    agent = next((each for each in records.because if re.match(r"\w[\w .-]*: (?!rule ')", each)), "")
    return "; ".join(filter(None, (records.rule("assign"), agent))) or "; ".join(records.because)


def _earlier(records: _Records, line: str) -> str:
    count = int(match[0]) if (match := re.search(r"\d+", line)) else 0
    return "messages " + ", ".join(str(each.number) for each in records.said[:count])


def _past(records: _Records, line: str) -> str:
    return f"case {(records.facts.get('past') or {}).get('number', '')} and how its customer answered"


def _issue(records: _Records) -> str:
    return ", ".join(str(each.get("number", "")) for each in records.facts.get("issues", ())[:1])


def _sender(records: _Records, line: str) -> str:
    checked = "confirm" in line
    server = (records.facts.get("mailbox") or {}).get("authserv_id", "")
    files = "; its attachments" if re.search(r"\d (?:photo|file)", line) else ""
    return "From in the mail itself" + (f"; Authentication-Results of {server}" if checked else "") + files


_KNOWN: tuple[tuple[str, Callable[[_Records, str], str]], ...] = (
    (r"Known: .* \(since ", lambda records, line: f"known issue {_issue(records)}: as whoever opened it worded it"),
    (r"Before that: \d", _earlier),
    (r"In (?:January|February|March|April|May|June|July|August|September|October|November|December)\b", _past),
    (r"More than that: ", lambda records, line: "lead: in the rules"),
    (r"Why you: ", _why),
    (r"Your answer also goes to ", lambda records, line: "To and Cc of the mails in the case, and `cc:` and `drop:` of agents"),
    (r"The mail server marked this as spam", lambda records, line: "the server's mark in the mail itself"),
    (r"From \S+@", _sender),
)


def _quoted_in(line: str, records: _Records) -> _Said | None:
    """The message that holds what a line quotes, letter for letter: on the day and by the person that the line names."""
    match = re.search(r'"(.*)"', line)
    if match is None:
        return None
    words = _squeezed(match[1])
    words = words.removesuffix("...").rstrip() if words.endswith("...") and not any(words in each.text for each in records.said) else words
    holding = [each for each in reversed(records.said) if words in each.text]
    if line.startswith(('"', "Day named: ", "Kind words too: ")):
        return next((each for each in holding if each == records.now), None)
    if line.startswith(("Promised", "Also told")):
        return next((each for each in holding if each.agent), None)
    on = [each for each in holding if line.startswith(f"{each.at:%a} {each.at.day} {each.at:%b}, ")]
    return next(iter(on), None)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
