"""Mail as it goes out: what was written for which purpose, how its sending stands, and how much left lately."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.tables import Tables, marks, time, when
from inboxd.core.model import (
    AgentName,
    CaseNo,
    Counts,
    JobKind,
    Letter,
    MailboxName,
    MarkOutgoing,
    MessageId,
    OutgoingKind,
    OutgoingNo,
    OutgoingState,
    PersonNo,
    SentMessage,
    Withdraw,
)

_SENT = "select o.*, coalesce(w.text, '') as text from outgoing o left join outgoing_raw w on w.outgoing = o.id"


class Outbox(Tables):
    """Outgoing messages, each with one purpose that is served once."""

    def sent(self, ids: Sequence[MessageId]) -> dict[MessageId, SentMessage]:
        """Those of these Message-IDs that are ours."""
        if not ids:
            return {}
        rows = self._all(f"{_SENT} where message_id in ({marks(ids)})", *ids)
        return {MessageId(row["message_id"]): _sent(row) for row in rows}

    def sent_for(self, purpose: str) -> SentMessage | None:
        """Our outgoing message that served this purpose."""
        row = self._one(f"{_SENT} where purpose_key = ?", purpose)
        return _sent(row) if row else None

    def last_sent(self, case: CaseNo, kinds: Sequence[OutgoingKind], agent: AgentName | None = None) -> SentMessage | None:
        """Our latest outgoing message of these kinds in the case."""
        row = self._one(
            f"{_SENT} where case_id = ? and kind in ({marks(kinds)}) and (? is null or agent = ?) order by id desc limit 1",
            case,
            *kinds,
            agent,
            agent,
        )
        return _sent(row) if row else None

    def asked(self, case: CaseNo, kinds: Sequence[OutgoingKind]) -> tuple[tuple[PersonNo, int], ...]:
        """Who was sent a message of these kinds in the case, and in which round; the latest first."""
        rows = self._all(
            f"select person, round from outgoing where case_id = ? and kind in ({marks(kinds)}) and person is not null order by id desc",
            case,
            *kinds,
        )
        return tuple(dict.fromkeys((PersonNo(row["person"]), int(row["round"])) for row in rows))

    def not_left_yet(self, case: CaseNo, agent: AgentName, now: datetime) -> SentMessage | None:
        """This agent's latest words to the customer, while they still wait to leave."""
        row = self._one(
            f"{_SENT} join job j on j.outgoing = o.id where o.case_id = ? and o.agent = ?"
            " and o.kind in ('reply', 'inquiry') and o.state = 'queued' and j.in_hand = 0 and j.run_at > ? order by o.id desc limit 1",
            case,
            agent,
            time(now),
        )
        return _sent(row) if row else None

    def agent_threads(self, case: CaseNo) -> dict[AgentName, MessageId]:
        """The Message-ID of the last routed mail that each agent got in this case."""
        rows = self._all(
            "select agent, message_id from outgoing where case_id = ? and kind = 'routed' and agent is not null order by id",
            case,
        )
        return {AgentName(row["agent"]): MessageId(row["message_id"]) for row in rows}

    def counts(self, mailbox: MailboxName, email: str, case: CaseNo | None, now: datetime) -> Counts:
        """How much went out lately (I4)."""
        day, week = time(now - timedelta(days=1)), time(now - timedelta(days=7))
        to = self._one(
            "select count(*) as week from outgoing where recipient = ? and automatic = 1 and created_at > ?",
            email,
            week,
        )
        told = self._one(  # a person has perhaps several addresses
            "select count(*) as day from outgoing where kind = 'acknowledgement' and created_at > ? and recipient in"
            " (select ? union select email from address where person = (select person from address where email = ?))",
            day,
            email,
            email,
        )
        of = self._one(
            "select coalesce(sum(automatic = 1), 0) as day, coalesce(sum(created_at > ?), 0) as hour"
            " from outgoing where case_id = ? and created_at > ?",
            time(now - timedelta(hours=1)),
            case,
            day,
        )
        about_none = self._one(
            "select count(*) as hour from outgoing where recipient = ? and case_id is null and created_at > ?",
            email,
            time(now - timedelta(hours=1)),
        )
        brake = self._one(
            "select kind, at from event where mailbox = ? and kind in ('breaker.tripped', 'breaker.reset') order by id desc limit 1",
            mailbox,
        )
        since = time(now - timedelta(minutes=10))
        if brake is not None and brake["kind"] == "breaker.reset":
            since = max(since, brake["at"])  # what tripped it before a person said "go on" must not trip it again
        box = self._one("select count(*) as n from outgoing where mailbox = ? and automatic = 1 and created_at > ?", mailbox, since)
        assert to and told and of and about_none and box  # count(*) always gives a row
        return Counts(
            to_address_week=to["week"],
            acknowledged_day=told["day"],
            case_automatic_day=of["day"],
            case_mails_hour=of["hour"],
            no_case_hour=about_none["hour"],
            mailbox_automatic_10_minutes=box["n"],
            breaker=brake is not None and brake["kind"] == "breaker.tripped",
        )

    def reserve(self, letter: Letter, message_id: MessageId, now: datetime) -> OutgoingNo | None:
        """Take the letter's purpose; None if it was served before (I2)."""
        automatic = letter.kind.automatic_to_customer
        cursor = self._db.execute(
            "insert into outgoing (purpose_key, message_id, mailbox, case_id, kind, round, agent, person, recipient, automatic, state,"
            " created_at) values (?,?,?,?,?,?,?,?,?,?,?,?) on conflict (purpose_key) do nothing",
            (
                letter.purpose,
                message_id,
                letter.mailbox,
                letter.case,
                letter.kind,
                letter.round,
                letter.agent,
                letter.person,
                letter.to.email,
                automatic,
                OutgoingState.QUEUED,
                time(now),
            ),
        )
        return OutgoingNo(cursor.lastrowid) if cursor.rowcount == 1 and cursor.lastrowid else None

    def queue(self, number: OutgoingNo, envelope_from: str, envelope_to: Sequence[str], raw: bytes, text: str, at: datetime) -> None:
        """Store the final bytes with a send job; what people wrote leaves before what we say by ourselves."""
        row = self._one(
            "update outgoing set envelope_from = ?, envelope_to = ? where id = ? returning kind, case_id",
            envelope_from, dump(list(envelope_to)), number,
        )  # fmt: skip
        assert row
        kind = OutgoingKind(row["kind"])
        self._db.execute("insert into outgoing_raw values (?,?,?)", (number, raw, text))
        lane = 0 if kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY, OutgoingKind.ROUTED) else 1
        self._db.execute(
            "insert into job (key, kind, outgoing, run_at, lane) values (?,?,?,?,?)",
            (f"send:{number}", JobKind.SEND, number, time(at), lane),
        )
        if kind is OutgoingKind.ROUTED:
            self._db.execute(
                "update message set handed_over = 1 where role = 'customer' and handed_over = 0"
                " and case_id in (select id from cases where id = ?1 union select id from cases where merged_into = ?1)",
                (row["case_id"],),
            )

    def set_outgoing(
        self,
        number: OutgoingNo,
        state: OutgoingState,
        reply: str = "",
        now: datetime | None = None,
        ambiguous: bool = False,
    ) -> None:
        """Move a send to this state."""
        self._db.execute(
            "update outgoing set state = ?, reply = ?, sent_at = coalesce(?, sent_at), ambiguous = ambiguous + ? where id = ?",
            (state, reply, time(now) if now else None, int(ambiguous), number),
        )

    def _mark_outgoing(self, action: MarkOutgoing) -> None:
        self._db.execute("update outgoing set reply = ? where id = ?", (action.reply, action.outgoing))

    def _withdraw(self, action: Withdraw) -> None:
        """It will not leave: its words were taken back in time."""
        self._db.execute("delete from job where outgoing = ? and in_hand = 0", (action.outgoing,))
        self._db.execute("update outgoing set state = 'failed', reply = 'withdrawn' where id = ?", (action.outgoing,))
        self._db.execute("update message set role = '' where id = ?", (action.message,))


def _sent(row: sqlite3.Row) -> SentMessage:
    text = row["text"]
    return SentMessage(
        number=OutgoingNo(row["id"]),
        message_id=MessageId(row["message_id"]),
        kind=OutgoingKind(row["kind"]),
        purpose=row["purpose_key"],
        case=row["case_id"],
        agent=row["agent"],
        person=row["person"],
        round=row["round"],
        sent_at=when(row["sent_at"]),
        text=text,
        first_line=text.split("\n", 1)[0],
    )
