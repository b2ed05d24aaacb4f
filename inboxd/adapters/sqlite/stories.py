"""What was said in a case and what happened: messages with their readings, threads, events, and the facts of past decisions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from sys import intern

from inboxd.adapters.sqlite.load import load
from inboxd.adapters.sqlite.tables import Tables, marks, moment, time, when
from inboxd.core.model import (
    AgentName,
    Answer,
    CaseEvent,
    CaseNo,
    FirstMail,
    KeyPhrase,
    MailboxName,
    MessageId,
    MessageNo,
    OutgoingState,
    OutsideThread,
    PersonNo,
    Role,
    Sentiment,
    Situation,
    StoryLine,
    TeamName,
    Understood,
)

_WITH_MERGED = "in (select id from cases where id = ?1 union select id from cases where merged_into = ?1)"


class Stories(Tables):
    """The past, for briefs, rules and measures."""

    def story(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The case's messages, oldest first; what only we said among ourselves is not in it."""
        rows = self._all(
            "select m.id, m.received_at, m.role, coalesce(m.agent, m.name) as name, r.new_text, r.thanks_only, r.answer,"
            " m.role = 'agent' and exists (select 1 from decision d where d.message = m.id and d.actions like ?2) as resolved,"
            " m.role = 'agent' and exists (select 1 from decision d where d.message = m.id and d.actions like ?3) as refused"
            f" from message m join reading r on r.message = m.id where m.case_id {_WITH_MERGED}"
            " and m.role <> '' and r.new_text <> '' order by m.id",
            case,
            f'%"{CaseEvent.AGENT_RESOLVED}"%',
            '%"case.could_not"%',
        )
        return tuple(_line(row, "could not" if row["refused"] else "resolved" if row["resolved"] else "") for row in rows)

    def not_handed_over(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The customer's messages since the case was last handed to its agent."""
        rows = self._all(
            "select m.id, m.received_at, m.role, m.name, r.new_text, r.thanks_only, r.answer"
            f" from message m join reading r on r.message = m.id where m.case_id {_WITH_MERGED}"
            " and m.role = 'customer' and m.handed_over = 0 order by m.id",
            case,
        )
        return tuple(_line(row) for row in rows)

    def replies_of(self, agent: AgentName, apart: CaseNo, limit: int) -> tuple[StoryLine, ...]:
        """This agent's latest words to customers, one for each other case, newest first."""
        rows = self._all(
            "select m.id, m.received_at, m.role, m.agent as name, r.new_text, r.thanks_only, r.answer, m.case_id"
            " from message m indexed by message_words join reading r on r.message = m.id"
            " where m.agent = ? and m.role = 'agent' and m.case_id <> ? and r.new_text <> '' order by m.id desc limit ?",
            agent,
            apart,
            limit,
        )
        return tuple(_line(row) for row in {row["case_id"]: row for row in reversed(rows)}.values())

    def written_in_case(self, case: CaseNo) -> datetime | None:
        """When the customer wrote last in this case."""
        row = self._one(f"select max(received_at) as at from message where case_id {_WITH_MERGED} and role = 'customer'", case)
        return when(row["at"]) if row else None

    def latest_message(self, case: CaseNo) -> MessageNo | None:
        """The customer's latest message in the case, of those that nobody was handed if there are any; else the agent's that began it."""
        row = self._one(
            f"select id from message where case_id {_WITH_MERGED} and role in ('customer', 'agent')"
            " order by role = 'customer' desc, handed_over, id desc limit 1",
            case,
        )
        return MessageNo(row["id"]) if row else None

    def thread_of(self, case: CaseNo) -> tuple[MessageId, ...]:
        """Message-IDs of the exchange with the customer, oldest first: theirs and ours."""
        rows = self._all(
            f"select message_id, received_at as at from message where case_id {_WITH_MERGED} and message_id <> ''"
            " and (role = 'customer' or (role = 'agent' and kind = 'own'))"  # own: written in the mailbox itself
            f" union all select message_id, created_at from outgoing where case_id {_WITH_MERGED}"
            " and kind in ('reply', 'follow_up', 'reminder', 'acknowledgement') and state <> ?2 order by at",
            case,
            OutgoingState.FAILED,
        )
        return tuple(MessageId(row["message_id"]) for row in rows)

    def outside_threads(self, case: CaseNo) -> dict[str, OutsideThread]:
        """The exchange with each person outside the case whom an agent asked, by address."""
        rows = self._all(
            f"select recipient as email, message_id, '' as subject, created_at as at from outgoing where case_id {_WITH_MERGED}"
            " and kind = 'inquiry' and state <> ?2 union all"
            f" select sender, message_id, subject, received_at from message where case_id {_WITH_MERGED} and role = 'asked' order by at",
            case,
            OutgoingState.FAILED,
        )
        found: dict[str, OutsideThread] = {}
        for row in (row for row in rows if row["message_id"]):
            before = found.get(row["email"], OutsideThread(ids=()))
            ids, subject = (*before.ids, MessageId(row["message_id"])), row["subject"] or before.subject
            found[row["email"]] = OutsideThread(ids=ids, subject=subject)
        return found

    def first_mails(self, mailbox: MailboxName | None, since: datetime, until: datetime, *, texts: bool = True) -> tuple[FirstMail, ...]:
        """The customers' mails that began their cases, by arrival, with what they are about."""
        rows = self._all(
            "select m.id, m.received_at, coalesce(c.merged_into, m.case_id) as case_id, c.customer,"
            " c.team, p.name, m.sender, c.subject, r.language, r.topic, r.sentiment, r.sensitive,"
            " r.key_phrases"
            ", case ? when 1 then r.new_text else '' end as new_text"
            " from message m join reading r on r.message = m.id join cases c on c.id = m.case_id join person p on p.id = c.customer"
            f" where m.role = 'customer'{' and m.mailbox = ?' if mailbox is not None else ''} and m.received_at >= ? and m.received_at < ?"
            " and not exists (select 1 from message e where e.case_id = m.case_id and e.id < m.id and e.role = 'customer')"
            " order by m.received_at, m.id",
            int(texts),
            *((mailbox,) if mailbox is not None else ()),
            time(since),
            time(until),
        )
        return tuple(_first_mail(row) for row in rows)

    def first_received(self, mailbox: MailboxName) -> datetime | None:
        """When the first mail of a customer ever came."""
        row = self._one("select min(received_at) as at from message where role = 'customer' and mailbox = ?", mailbox)
        return when(row["at"]) if row else None

    def held_answers(self, case: CaseNo, round_: int) -> tuple[tuple[datetime, Answer], ...]:
        """Mailto answers of this round that wait for their two minutes."""
        rows = self._all("select data from event where case_id = ? and kind = 'answer.held' order by id", case)
        held = [json.loads(row["data"]) for row in rows]
        return tuple((datetime.fromisoformat(h["at"]), Answer(h["said"])) for h in held if h["round"] == round_)

    def events(self, kinds: Sequence[str], mailbox: MailboxName, since: datetime) -> tuple[Mapping[str, object], ...]:
        """What happened in a mailbox since then, oldest first."""
        rows = self._all(
            f"select * from event where mailbox = ? and at >= ? and kind in ({marks(kinds)}) order by id",
            mailbox,
            time(since),
            *kinds,
        )
        return tuple({"at": moment(r["at"]), "kind": r["kind"], "case": r["case_id"], **json.loads(r["data"])} for r in rows)

    def situation(self, message: MessageNo) -> Situation | None:
        """The facts by which a message was decided; its long texts are left to the raw mail."""
        row = self._one("select facts_json from decision where message = ? order by id desc limit 1", message)
        return load(Situation, row["facts_json"]) if row else None

    def decided_to_send(self, purpose: str, case: CaseNo) -> Situation | None:
        """The facts by which it was decided to send the letter of this purpose."""
        row = self._one(
            "select facts_json from decision where case_id = ? and exists (select 1 from json_each(actions) where value = ?)"
            " order by id desc limit 1",
            case,
            purpose,
        )
        return load(Situation, row["facts_json"]) if row else None

    def understood(self, message: MessageNo) -> Understood | None:
        """What a message was understood as when it was decided; its long texts are left to the raw mail."""
        row = self._one(
            "select json_extract(facts_json, '$.understood') as u from decision where message = ? order by id desc limit 1", message
        )
        return load(Understood, row["u"]) if row and row["u"] else None


def _line(row: sqlite3.Row, event: str = "") -> StoryLine:
    return StoryLine(
        at=moment(row["received_at"]),
        role=Role(row["role"]),
        name=row["name"],
        text=row["new_text"],
        message=MessageNo(row["id"]),
        event=event,
        wants_answer=not row["thanks_only"] and row["answer"] != Answer.SATISFIED,
    )


def _first_mail(row: sqlite3.Row) -> FirstMail:
    return FirstMail(
        case=CaseNo(row["case_id"]),
        person=PersonNo(row["customer"]),
        at=moment(row["received_at"]),
        name=row["name"] or row["sender"],
        email=row["sender"],
        subject=row["subject"],
        text=row["new_text"],
        language=row["language"],
        topic=row["topic"],
        upset=row["sentiment"] == Sentiment.UPSET,
        sensitive=bool(row["sensitive"]),
        team=TeamName(intern(row["team"])) if row["team"] is not None else None,
        key_phrases=tuple(KeyPhrase(key=key, text=text) for key, text in json.loads(row["key_phrases"])),
    )
