"""The records that the measures are made from, all of one moment, read in a few statements."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from sys import intern

from inboxd.core.measure import (
    ANSWER_READ,
    COULD_NOT,
    GAVE,
    HELPED,
    MISSED,
    OFFERED,
    CaseRecord,
    FactRecord,
    MailRecord,
    QuestionRecord,
    Records,
)
from inboxd.core.model import (
    AgentName,
    CaseEvent,
    CaseNo,
    CaseState,
    Correction,
    MailboxName,
    MessageNo,
    PersonNo,
    Promise,
    Role,
    Sentiment,
    TeamName,
)

# What has moved since a time or is not over yet, with all that was merged into it and all that it was merged into.
# `cross join` below keeps SQLite from walking through all messages or events to find those of the chosen cases.
_CHOSEN = """
create temp table chosen as with recursive chosen (id) as (
    select id from cases where updated_at >= ? or state in ('open', 'waiting')
    union select c.merged_into from cases c join chosen on c.id = chosen.id where c.merged_into is not null
    union select c.id from cases c join chosen on c.merged_into = chosen.id
) select id from chosen
"""

_CASES = """
select c.id, c.mailbox, c.team, c.customer, c.subject, c.topic, c.state, c.assignee, c.due_at, c.opened_at, c.merged_into,
    exists (select 1 from json_each(c.labels) where value = 'sensitive') as sensitive,
    coalesce(nullif(p.name, ''), (select email from address a where a.person = p.id order by a.rowid limit 1), '') as name
from chosen cross join cases c on c.id = chosen.id join person p on p.id = c.customer
"""

# Texts only of mails that may come to be shown: thanks and good answers.
_MAILS = """
select m.id, m.case_id, m.received_at, m.role, m.person, m.agent, m.contact, r.sentiment, r.thanks_only, r.sensitive,
    case when r.thanks_only = 1 then coalesce(nullif(m.name, ''), m.sender) else '' end as name,
    case when m.role = 'customer' and (r.thanks_only = 1 or r.answer <> 'unclear') then r.new_text else '' end as text
from chosen cross join message m on m.case_id = chosen.id join reading r on r.message = m.id
where m.role = 'customer' and m.kind = 'person' or m.role = 'agent' and r.new_text <> ''  -- orders alone are no answer
"""

_KINDS = {
    **{f"case.{event}": str(event) for event in CaseEvent if event not in (CaseEvent.NOTED, CaseEvent.RECONSIDERED, CaseEvent.MERGED)},
    "case.gave": GAVE,
    "case.could_not": COULD_NOT,
    "answer.read": ANSWER_READ,
    "answer.offered": OFFERED,
    "answer.helped": HELPED,
    "answer.missed": MISSED,
}
_FACTS = f"""
select e.case_id, e.at, e.kind, json_extract(e.data, '$.state') as state, json_extract(e.data, '$.message') as message,
    coalesce(json_extract(e.data, '$.what'), json_extract(e.data, '$.reason'), json_extract(e.data, '$.answer'), '') as value
from chosen cross join event e on e.case_id = chosen.id
where e.kind in ({", ".join(f"'{kind}'" for kind in _KINDS)}) order by e.id
"""

_QUESTIONS = """
select o.case_id, o.sent_at from chosen cross join outgoing o on o.case_id = chosen.id
where o.kind = 'follow_up' and o.sent_at is not null and o.state <> 'failed'
"""

_PROMISES = """
select p.* from chosen cross join cases c on c.id = chosen.id join promise p on p.case_id = chosen.id
where p.ended = '' and c.state in ('open', 'waiting') order by p.id
"""

_CORRECTIONS = """
select k.* from correction k where k.field in ('sentiment', 'answer') and k.message is not null
    and k.case_id in (select id from chosen) order by k.id
"""


def records(db: sqlite3.Connection, since: datetime) -> Records:
    """Read all cases that something happened to since then, or that are not over, each with its whole story."""
    db.execute("begin")
    try:
        db.execute(_CHOSEN, (since.timestamp(),))
        return Records(
            cases=tuple(_cases(db)),
            mails=tuple(_mails(db)),
            facts=tuple(_facts(db)),
            questions=tuple(QuestionRecord(case=row["case_id"], at=_when(row["sent_at"])) for row in db.execute(_QUESTIONS)),
            corrections=tuple(_corrections(db)),
            promises=tuple(_promises(db)),
        )
    finally:
        db.execute("rollback")  # nothing was written, and the list of the chosen is gone


def _cases(db: sqlite3.Connection) -> Iterator[CaseRecord]:
    for row in db.execute(_CASES):
        yield CaseRecord(
            number=CaseNo(row["id"]),
            mailbox=MailboxName(intern(row["mailbox"])),
            team=TeamName(intern(row["team"])) if row["team"] is not None else None,
            customer=PersonNo(row["customer"]),
            name=row["name"],
            subject=row["subject"],
            topic=intern(row["topic"]),
            state=CaseState(row["state"]),
            assignee=AgentName(intern(row["assignee"])) if row["assignee"] is not None else None,
            due_at=None if row["due_at"] is None else _when(row["due_at"]),
            opened_at=_when(row["opened_at"]),
            sensitive=bool(row["sensitive"]),
            merged_into=row["merged_into"],
        )


def _mails(db: sqlite3.Connection) -> Iterator[MailRecord]:
    for row in db.execute(_MAILS):
        yield MailRecord(
            number=MessageNo(row["id"]),
            case=CaseNo(row["case_id"]),
            at=_when(row["received_at"]),
            role=Role(row["role"]),
            person=row["person"],
            agent=AgentName(intern(row["agent"])) if row["agent"] is not None else None,
            contact=bool(row["contact"]),
            sentiment=Sentiment(row["sentiment"]),
            thanks=bool(row["thanks_only"]),
            sensitive=bool(row["sensitive"]),
            name=row["name"] or "",
            text=row["text"],
        )


def _facts(db: sqlite3.Connection) -> Iterator[FactRecord]:
    for row in db.execute(_FACTS):
        yield FactRecord(
            case=CaseNo(row["case_id"]),
            at=_when(row["at"]),
            kind=_KINDS[row["kind"]],
            state=intern(row["state"] or ""),  # a few words in a hundred thousand rows: each is held once
            value=row["value"],
            message=row["message"],
        )


def _corrections(db: sqlite3.Connection) -> Iterator[Correction]:
    for row in db.execute(_CORRECTIONS):
        yield Correction(
            number=row["id"],
            at=_when(row["at"]),
            message=MessageNo(row["message"]),
            case=row["case_id"],
            by=row["agent"] or "",
            field=row["field"],
            value=row["value"],
        )


def _promises(db: sqlite3.Connection) -> Iterator[Promise]:
    for row in db.execute(_PROMISES):
        yield Promise(
            case=CaseNo(row["case_id"]),
            agent=AgentName(row["agent"]),
            message=MessageNo(row["message"]),
            day=date.fromisoformat(row["day"]),
            sentence=row["sentence"],
            made_at=_when(row["made_at"]),
        )


def _when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
