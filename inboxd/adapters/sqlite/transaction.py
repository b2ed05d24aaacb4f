"""One transaction: the facts a decision needs, and the writing down of what it says."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from typing import Any

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.load import load
from inboxd.core.issues import TELL_EVERY, in_turn
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Absent,
    Action,
    Address,
    Advance,
    AgentName,
    Answer,
    Assign,
    Cancel,
    Case,
    CaseEvent,
    CaseNo,
    CaseState,
    ChangePerson,
    CloseIssue,
    Correct,
    Counts,
    Decision,
    Deliver,
    DropReader,
    EndHold,
    FirstMail,
    ForgetSignatures,
    HeldWords,
    HoldWords,
    IssueLink,
    IssueNo,
    Job,
    JobKind,
    JobNo,
    Join,
    KeyPhrase,
    KnownIssue,
    Label,
    LearnSignature,
    Letter,
    LinkIssue,
    Log,
    MailboxName,
    MarkOutgoing,
    Merge,
    MessageId,
    MessageNo,
    Mode,
    NotSameAs,
    OpenCase,
    OpenIssue,
    Outcome,
    OutgoingKind,
    OutgoingNo,
    OutgoingState,
    PastCase,
    Person,
    PersonNo,
    Promise,
    Role,
    SameAs,
    Schedule,
    Send,
    Sentiment,
    SentMessage,
    SettleIssue,
    Situation,
    Split,
    StoryLine,
    TakeBack,
    Understood,
    Withdraw,
)
from inboxd.ports import FILED, Cursor, Fetched, Filing, Folder, Listed, MailboxState, SightingState

_CASE_COLUMNS = frozenset(Case.__dataclass_fields__) - {"number", "mailbox", "customer", "participants"}
_STORED = tuple(name for name in Case.__dataclass_fields__ if name not in ("number", "participants"))
_INSERT_CASE = f"insert into cases (id, {', '.join(_STORED)}) values (?{',?' * len(_STORED)})"
_stored = attrgetter(*_STORED)
_PERSON_COLUMNS = frozenset({"name", "language", "no_follow_up", "asked_at"})
_OF_A_PERSON = (  # what belongs to a person: its name in an event, the table, its key, and the column that names the person
    ("addresses", "address", "email", "person"),
    ("cases", "cases", "id", "customer"),
    ("messages", "message", "id", "person"),
)
_JOINED = (  # the events of `same as` that were not taken back
    "select id, data from event where kind in ('person.same_as', 'person.not_same_as') and kind = 'person.same_as' and id not in"
    " (select json_extract(data, '$.event') from event where kind in ('person.same_as', 'person.not_same_as')"
    " and kind = 'person.not_same_as')"
)
_SENT = "select o.*, coalesce(w.text, '') as text from outgoing o left join outgoing_raw w on w.outgoing = o.id"
_LIVE = "('open', 'waiting', 'resolved')"


class SqliteTransaction:
    """See `ports.Transaction`. Only `SqliteStore.transaction` makes one that may write."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._depth = 0

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What raises inside is undone alone."""
        self._depth += 1
        name = f"s{self._depth}"
        self._db.execute(f"savepoint {name}")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # disk full rolls all back by itself
                self._db.execute(f"rollback to {name}")
                self._db.execute(f"release {name}")
            raise
        finally:
            self._depth -= 1
        self._db.execute(f"release {name}")

    # --- fetch

    def see(
        self, mailbox: MailboxName, folder: Folder, item: Fetched, content_hash: str, now: datetime, read_at: datetime | None = None
    ) -> MessageNo | None:
        """Write the ledger row; a new mail also gets its raw bytes and a triage job, due at `read_at`."""
        listed, message, state = item.listed, None, item.state
        known = self._one(
            "select 1 as one from sighting where mailbox = ? and folder = ? and uidvalidity = ? and uid = ?",
            mailbox,
            folder.name,
            folder.uidvalidity,
            listed.uid,
        )
        if known:
            return None
        fresh = False
        if item.raw is not None:
            message = self.stored_as(content_hash)
            if message is not None:
                state = SightingState.COPY
            else:
                message, fresh = self._store(mailbox, folder.name, item, content_hash, now, read_at or now), True
        self._db.execute(
            "insert into sighting (mailbox, folder, uidvalidity, uid, message, state, internaldate, size, identity, at, why)"
            " values (?,?,?,?,?,?,?,?,?,?,?)",
            (
                mailbox,
                folder.name,
                folder.uidvalidity,
                listed.uid,
                message,
                state,
                time(listed.internaldate),
                listed.size,
                listed.identity,
                time(now),
                item.why,
            ),
        )
        return message if fresh else None

    def stored_as(self, content_hash: str) -> MessageNo | None:
        """The stored message with this content."""
        row = self._one("select id from message where content_hash = ?", content_hash)
        return MessageNo(row["id"]) if row else None

    def first_run(self, mailbox: MailboxName) -> datetime | None:
        """When the first folder of this mailbox was read for the first time."""
        row = self._one("select min(first_run_at) as at from cursor where mailbox = ?", mailbox)
        return when(row["at"]) if row else None

    def case_of(self, message: MessageNo) -> CaseNo | None:
        """The case in whose story a message stands, also where that was merged into another since."""
        row = self._one("select case_id from message where id = ? and role <> ''", message)
        return CaseNo(row["case_id"]) if row and row["case_id"] is not None else None

    def _store(self, mailbox: MailboxName, folder: str, item: Fetched, content_hash: str, now: datetime, read_at: datetime) -> MessageNo:
        received = min(item.listed.internaldate, now)
        cursor = self._db.execute(
            "insert into message (mailbox, folder, content_hash, received_at) values (?,?,?,?)",
            (mailbox, folder, content_hash, time(received)),
        )
        number = MessageNo(cursor.lastrowid or 0)
        self._db.execute("insert into raw (message, body) values (?,?)", (number, item.raw))
        payload = {"oversize": item.listed.size} if item.state is SightingState.OVERSIZE else {}
        self._db.execute(
            "insert into job (key, kind, message, run_at, payload) values (?,?,?,?,?)",
            (f"triage:{number}", JobKind.TRIAGE, number, time(read_at), dump(payload)),
        )
        return number

    def seen_before(self, mailbox: MailboxName, folder: str, listed: Listed) -> SightingState | None:
        """How the same mail ended under an earlier UIDVALIDITY of this folder."""
        row = self._one(
            "select state from sighting where mailbox = ? and folder = ? and identity = ? and identity <> '' and size = ?",
            mailbox,
            folder,
            listed.identity,
            listed.size,
        )
        return SightingState(row["state"]) if row else None

    def move_cursor(self, mailbox: MailboxName, cursor: Cursor) -> None:
        """The folder is read up to here."""
        self._db.execute(
            "insert into cursor values (?,?,?,?,?) on conflict (mailbox, folder) do update set uidvalidity = excluded.uidvalidity,"
            " next_uid = excluded.next_uid",
            (mailbox, cursor.folder, cursor.uidvalidity, cursor.next_uid, time(cursor.first_run_at)),
        )

    def filings(self, mailbox: MailboxName, cursor: Cursor, now: datetime, limit: int) -> tuple[Filing, ...]:
        """Due jobs that file a mail of this folder, oldest first."""
        rows = self._all(
            "select j.id, j.tries, m.id as message, m.message_id, m.received_at, json_extract(j.payload, '$.folder') as folder,"
            " json_extract(j.payload, '$.case') as case_id"
            " from job j join message m on m.id = json_extract(j.payload, '$.message')"
            " where j.kind = ? and j.in_hand = 0 and j.parked_at is null and j.run_at <= ? and m.mailbox = ? and m.folder = ?"
            " order by j.run_at, j.id limit ?",
            JobKind.FILE,
            time(now),
            mailbox,
            cursor.folder,
            limit,
        )
        return tuple(
            Filing(
                job=JobNo(row["id"]),
                message=MessageNo(row["message"]),
                folder=row["folder"],
                tries=row["tries"],
                uids=self._uids(mailbox, cursor, MessageNo(row["message"])),
                case=row["case_id"],
                lies_in=self._lies_in(mailbox, cursor, MessageNo(row["message"])),
                message_id=MessageId(row["message_id"]),
                received_at=_must(row["received_at"]),
            )
            for row in rows
        )

    def _lies_in(self, mailbox: MailboxName, cursor: Cursor, message: MessageNo) -> str:
        """The folder into which we moved this mail last, "" if we never did."""
        row = self._one(
            "select why from sighting indexed by sighting_message where message = ? and mailbox = ? and folder = ? and why like ?"
            " order by uid desc limit 1",
            message,
            mailbox,
            cursor.folder,
            f"{FILED}%",
        )
        return str(row["why"]).removeprefix(FILED) if row else ""

    def _uids(self, mailbox: MailboxName, cursor: Cursor, message: MessageNo) -> tuple[int, ...]:
        rows = self._all(
            "select uid from sighting indexed by sighting_message"
            " where message = ? and mailbox = ? and folder = ? and uidvalidity = ? order by uid",
            message,
            mailbox,
            cursor.folder,
            cursor.uidvalidity,
        )
        return tuple(row["uid"] for row in rows)

    def filed(self, filings: Sequence[Filing], mailbox: MailboxName, cursor: Cursor, moved: Collection[int]) -> None:
        """The jobs are gone, and the ledger says which of their mails were moved; a job whose folder was changed meanwhile stays."""
        for each in filings:
            self._db.executemany(
                "update sighting set why = ? where mailbox = ? and folder = ? and uidvalidity = ? and uid = ?",
                [(f"{FILED}{each.folder}", mailbox, cursor.folder, cursor.uidvalidity, uid) for uid in each.uids if uid in moved],
            )
            self._db.execute("delete from job where id = ? and json_extract(payload, '$.folder') = ?", (each.job, each.folder))

    def file_later(self, filings: Sequence[Filing], at: datetime, error: str) -> None:
        """Try these again at this time."""
        self._db.executemany(
            "update job set run_at = ?, tries = tries + 1, error = ? where id = ?", [(time(at), error, each.job) for each in filings]
        )

    def park_filings(self, filings: Sequence[Filing], error: str, now: datetime) -> None:
        """A person must look: these mails cannot be moved."""
        self._db.executemany("update job set parked_at = ?, error = ? where id = ?", [(time(now), error, each.job) for each in filings])

    def triage_again(self, message: MessageNo, now: datetime) -> None:
        """A stored message that nobody decided about gets its triage job back."""
        self._db.execute(
            "insert into job (key, kind, message, run_at) values (?,?,?,?) on conflict (key) do nothing",
            (f"triage:{message}", JobKind.TRIAGE, message, time(now)),
        )

    # --- facts

    def case(self, number: CaseNo) -> Case | None:
        """A case; one that was merged leads to the case it was merged into."""
        row = self._one("select * from cases where id = ?", number)
        hops = 0
        while row and row["merged_into"] is not None and hops < 20:
            row, hops = self._one("select * from cases where id = ?", row["merged_into"]), hops + 1
        return self._case(row) if row else None

    def _case(self, row: sqlite3.Row) -> Case:
        readers = self._all("select email, name from participant where case_id = ? order by rowid", row["id"])
        return Case(
            number=CaseNo(row["id"]),
            mailbox=MailboxName(row["mailbox"]),
            customer=PersonNo(row["customer"]),
            subject=row["subject"],
            state=CaseState(row["state"]),
            language=row["language"],
            topic=row["topic"],
            sentiment=Sentiment(row["sentiment"]),
            first_sentiment=Sentiment(row["first_sentiment"]),
            assignee=row["assignee"],
            team=row["team"],
            priority=row["priority"],
            labels=tuple(json.loads(row["labels"])),
            due_at=when(row["due_at"]),
            opened_at=_must(row["opened_at"]),
            updated_at=_must(row["updated_at"]),
            resolved_at=when(row["resolved_at"]),
            closed_at=when(row["closed_at"]),
            resolved_by=row["resolved_by"],
            by_silence=bool(row["by_silence"]),
            reopened=row["reopened"],
            round=row["round"],
            outcome=Outcome(row["outcome"]),
            good_sign=bool(row["good_sign"]),
            repeat=bool(row["repeat"]),
            merged_into=row["merged_into"],
            linked_to=row["linked_to"],
            involved=tuple(json.loads(row["involved"])),
            participants=tuple(Address(email=r["email"], name=r["name"]) for r in readers),
            last_reply_at=when(row["last_reply_at"]),
            last_reply_by=row["last_reply_by"],
            last_reply_asks=bool(row["last_reply_asks"]),
            no_follow_up=bool(row["no_follow_up"]),
            briefs=tuple(json.loads(row["briefs"])),
            backlog=row["backlog"],
            lent_by=row["lent_by"],
        )

    def person(self, number: PersonNo, case: CaseNo | None = None) -> Person | None:
        """A customer, by the address from which they wrote last in the case; else by the one that we know last."""
        row = self._one(
            "select p.*, coalesce((select m.sender from message m join address a on a.email = m.sender and a.person = ?1"
            " where m.case_id in (select id from cases where id = ?2 or merged_into = ?2) order by m.id desc limit 1),"
            " (select email from address a where a.person = p.id order by a.rowid desc limit 1)) as email"
            " from person p where id = ?1",
            number,
            case,
        )
        return _person(row) if row else None

    def person_of(self, email: str) -> Person | None:
        """The customer with this address."""
        row = self._one("select p.*, a.email as email from address a join person p on p.id = a.person where a.email = ?", email)
        return _person(row) if row else None

    def sent(self, ids: Sequence[MessageId]) -> dict[MessageId, SentMessage]:
        """Those of these Message-IDs that are ours."""
        if not ids:
            return {}
        rows = self._all(f"{_SENT} where message_id in ({marks(ids)})", *ids)
        return {MessageId(row["message_id"]): _sent(row) for row in rows}

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

    def cases_by_id(self, ids: Sequence[MessageId]) -> dict[MessageId, CaseNo]:
        """The cases of messages with these ids, or that referred to them; the newest case wins."""
        if not ids:
            return {}
        rows = self._all(f"select message_id, case_id from thread_id where message_id in ({marks(ids)}) order by case_id", *ids)
        found = {MessageId(row["message_id"]): CaseNo(row["case_id"]) for row in rows}
        for message_id, sent in self.sent(ids).items():
            if sent.case is not None:
                found[message_id] = sent.case
        return found

    def participates_in(self, email: str, case: CaseNo) -> bool:
        """Whether this address belongs to the case's customer or to one of its other readers."""
        return bool(
            self._one(
                "select 1 as one from cases c join address a on a.person = c.customer where c.id = ? and a.email = ?"
                " union all select 1 from participant where case_id = ? and email = ?",
                case,
                email,
                case,
                email,
            )
        )

    def open_case_of(self, person: PersonNo, mailbox: MailboxName) -> Case | None:
        """The person's latest case in this mailbox that is neither resolved, closed nor merged."""
        row = self._one(
            "select * from cases where customer = ? and mailbox = ? and state in ('open', 'waiting') order by id desc limit 1",
            person,
            mailbox,
        )
        return self._case(row) if row else None

    def contacts(self, person: PersonNo, since: datetime) -> tuple[datetime, ...]:
        """When this person had to write to us, oldest first."""
        rows = self._all(
            "select received_at from message where person = ? and contact = 1 and received_at >= ? order by received_at",
            person,
            time(since),
        )
        return tuple(_must(row["received_at"]) for row in rows)

    def written_in_case(self, case: CaseNo) -> datetime | None:
        """When the customer wrote last in this case."""
        row = self._one("select max(received_at) as at from message where case_id = ? and role = 'customer'", case)
        return when(row["at"]) if row else None

    def story(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The case's messages, oldest first; what only we said among ourselves is not in it."""
        rows = self._all(
            "select m.id, m.received_at, m.role, coalesce(m.agent, m.name) as name, r.new_text, r.thanks_only, r.answer,"
            " m.role = 'agent' and exists (select 1 from decision d where d.message = m.id and d.actions like ?2) as resolved"
            " from message m join reading r on r.message = m.id"
            " where m.case_id in (select id from cases where id = ?1 union select id from cases where merged_into = ?1)"
            " and m.role <> '' and r.new_text <> '' order by m.id",
            case,
            f'%"{CaseEvent.AGENT_RESOLVED}"%',
        )
        return tuple(_line(row, "resolved" if row["resolved"] else "") for row in rows)

    def first_mails(self, mailbox: MailboxName | None, since: datetime, until: datetime, *, texts: bool = True) -> tuple[FirstMail, ...]:
        """The customers' mails that began their cases, by arrival, with what they are about."""
        rows = self._all(
            "select m.id, m.received_at, m.case_id, c.customer, p.name, m.sender, c.subject, r.language, r.topic, r.sentiment, r.sensitive,"
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

    def past_case(self, person: PersonNo, before: CaseNo) -> PastCase | None:
        """The last case of this person before this one."""
        row = self._one(
            "select * from cases where customer = ? and id < ? and state in ('resolved', 'closed') order by id desc limit 1",
            person,
            before,
        )
        if not row:
            return None
        return PastCase(
            number=CaseNo(row["id"]),
            subject=row["subject"],
            at=_must(row["opened_at"]),
            outcome=Outcome(row["outcome"]),
        )

    def loads(self) -> dict[AgentName, int]:
        """Open cases per agent."""
        return {AgentName(row["agent"]): row["open"] for row in self._all("select agent, open from load where open > 0")}

    def upset_since(self, since: datetime) -> dict[AgentName, int]:
        """Cases of upset people that began since then, per agent who has them, answered ones too."""
        rows = self._all(
            "select assignee, count(*) as n from cases indexed by cases_upset where first_sentiment = 'upset' and opened_at >= ?"
            " and assignee is not null group by assignee",
            time(since),
        )
        return {AgentName(row["assignee"]): row["n"] for row in rows}

    def known_by(self, person: PersonNo) -> frozenset[AgentName]:
        """Agents who had a part in earlier cases of this person."""
        rows = self._all("select involved from cases where customer = ? order by id desc limit 20", person)
        return frozenset(AgentName(name) for row in rows for name in json.loads(row["involved"]))

    def last_cases(self, agents: Sequence[AgentName]) -> dict[AgentName, int]:
        """The newest case that each agent holds."""
        rows = ((agent, self._one("select max(id) as id from cases where assignee = ?", agent)) for agent in agents)
        return {agent: row["id"] for agent, row in rows if row and row["id"] is not None}

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

    def next_numbers(self) -> tuple[CaseNo, PersonNo]:
        """The numbers that a new case and a new person would get; they are never deleted, so none comes twice."""
        row = self._one("select (select coalesce(max(id), 1000) + 1 from cases) as c, (select coalesce(max(id), 0) + 1 from person) as p")
        assert row
        return CaseNo(row["c"]), PersonNo(row["p"])

    def held_answers(self, case: CaseNo, round_: int) -> tuple[tuple[datetime, Answer], ...]:
        """Mailto answers of this round that wait for their two minutes."""
        rows = self._all("select data from event where case_id = ? and kind = 'answer.held' order by id", case)
        held = [json.loads(row["data"]) for row in rows]
        return tuple((datetime.fromisoformat(h["at"]), Answer(h["said"])) for h in held if h["round"] == round_)

    def not_handed_over(self, case: CaseNo) -> tuple[StoryLine, ...]:
        """The customer's messages since the case was last handed to its agent."""
        rows = self._all(
            "select m.id, m.received_at, m.role, m.name, r.new_text, r.thanks_only, r.answer"
            " from message m join reading r on r.message = m.id"
            " where m.case_id = ? and m.role = 'customer' and m.handed_over = 0 order by m.id",
            case,
        )
        return tuple(_line(row) for row in rows)

    def thread_of(self, case: CaseNo) -> tuple[MessageId, ...]:
        """Message-IDs of the exchange with the customer, oldest first: theirs and ours."""
        rows = self._all(
            "select message_id, received_at as at from message where case_id = ? and message_id <> ''"
            " and (role = 'customer' or (role = 'agent' and kind = 'own'))"  # own: written in the mailbox itself
            " union all select message_id, created_at from outgoing where case_id = ?"
            " and kind in ('reply', 'follow_up', 'reminder', 'acknowledgement') order by at",
            case,
            case,
        )
        return tuple(MessageId(row["message_id"]) for row in rows)

    def agent_threads(self, case: CaseNo) -> dict[AgentName, MessageId]:
        """The Message-ID of the last routed mail that each agent got in this case."""
        rows = self._all(
            "select agent, message_id from outgoing where case_id = ? and kind = 'routed' and agent is not null order by id",
            case,
        )
        return {AgentName(row["agent"]): MessageId(row["message_id"]) for row in rows}

    def corrected(self, case: CaseNo) -> dict[str, str]:
        """What people said was read wrongly in this case: field -> what is right, the latest word."""
        return {row["field"]: row["value"] for row in self._all("select field, value from correction where case_id = ? order by id", case)}

    def situation(self, message: MessageNo) -> Situation | None:
        """The facts by which a message was decided; its long texts are left to the raw mail."""
        row = self._one("select facts_json from decision where message = ? order by id desc limit 1", message)
        return load(Situation, row["facts_json"]) if row else None

    def understood(self, message: MessageNo) -> Understood | None:
        """What a message was understood as when it was decided; its long texts are left to the raw mail."""
        row = self._one(
            "select json_extract(facts_json, '$.understood') as u from decision where message = ? order by id desc limit 1", message
        )
        return load(Understood, row["u"]) if row and row["u"] else None

    def latest_message(self, case: CaseNo) -> MessageNo | None:
        """The customer's latest message in the case; where they have not written yet, the agent's that began it."""
        row = self._one(
            "select id from message where case_id = ? and role in ('customer', 'agent') order by role = 'customer' desc, id desc limit 1",
            case,
        )
        return MessageNo(row["id"]) if row else None

    def open_cases(self, mailbox: MailboxName | None = None) -> tuple[Case, ...]:
        """Cases that are open, waiting or resolved, oldest first."""
        rows = self._all(f"select * from cases where state in {_LIVE} and (? is null or mailbox = ?) order by id", mailbox, mailbox)
        return tuple(self._case(row) for row in rows)

    def find(self, words: str, limit: int) -> tuple[Case, ...]:
        """The newest cases in whose subject or mails all these words stand."""
        wanted = [word for word in words.casefold().split() if word][:8]
        if not wanted:
            return ()
        stands = " and ".join("(lower(c.subject) like ? escape '\\' or lower(r.new_text) like ? escape '\\')" for _ in wanted)
        plain = [re.sub(r"([%_\\])", r"\\\1", word) for word in wanted]
        like = [f"%{word}%" for word in plain for _ in range(2)]
        rows = self._all(
            "select c.* from cases c where c.id in (select m.case_id from message m join cases c on c.id = m.case_id"
            f" left join reading r on r.message = m.id where {stands}) order by c.id desc limit ?",
            *like,
            limit,
        )
        return tuple(self._case(row) for row in rows)

    def to_share_out(self, mailbox: MailboxName, there: Collection[AgentName]) -> tuple[Case, ...]:
        """Open cases that wait for somebody, were lent, or whose holder is not there: upset people first, then important, then old ones."""
        rows = self._all(
            "select * from cases where state = 'open' and mailbox = ?"
            " and (backlog is not null or lent_by is not null or assignee is null or assignee not in"
            f" ({','.join('?' * len(there))})) order by sentiment <> 'upset', priority <> 'high', priority = 'low', opened_at, id",
            mailbox,
            *there,
        )
        return tuple(self._case(row) for row in rows)

    def jobs_of(self, case: CaseNo) -> tuple[JobKind, ...]:
        """The kinds of the jobs that wait for this case."""
        rows = self._all("select kind from job where case_id = ? and parked_at is null order by run_at", case)
        return tuple(JobKind(row["kind"]) for row in rows)

    def promises(self, case: CaseNo) -> tuple[Promise, ...]:
        """What agents promised in this case and did not take back, past days too, in the order of their days."""
        return self._promises("case_id = ?", case)

    def promised_by(self, agent: AgentName, since: date) -> tuple[Promise, ...]:
        """What this agent promised for that day or later, whoever has the case now."""
        return self._promises("agent = ? and day >= ?", agent, since.isoformat())

    def _promises(self, which: str, *values: object) -> tuple[Promise, ...]:
        rows = self._all(f"select * from promise where ended = '' and {which} order by day, id", *values)
        return tuple(
            Promise(
                case=CaseNo(row["case_id"]),
                agent=AgentName(row["agent"]),
                message=MessageNo(row["message"]),
                day=date.fromisoformat(row["day"]),
                sentence=row["sentence"],
                made_at=_must(row["made_at"]),
            )
            for row in rows
        )

    def joined(self, person: PersonNo) -> frozenset[str]:
        """Addresses that `same as` gave to this person and that can be given back now."""
        return frozenset(self._joins(person))

    def _joins(self, person: PersonNo) -> dict[str, sqlite3.Row]:
        """The joins that can be taken back now, by their address: of those that build on each other, the last one first."""
        rows = self._all(
            f"select e.id, e.data from ({_JOINED}) e join address a on a.email = json_extract(e.data, '$.email') where a.person = ?"
            " order by e.id desc",
            person,
        )
        found: dict[str, sqlite3.Row] = {}
        later: set[str] = set()
        for row in rows:
            data = json.loads(row["data"])
            if data["email"] not in later:
                found[data["email"]] = row
            later |= {data["email"], *data.get("addresses", ())}
        return found

    def issue(self, number: IssueNo) -> KnownIssue | None:
        """A known issue, open or mended."""
        row = self._one("select * from issue where id = ?", number)
        return _issue(row) if row else None

    def open_issues(self, mailbox: MailboxName) -> tuple[KnownIssue, ...]:
        """The known issues of this mailbox that are not mended, oldest first."""
        return tuple(_issue(row) for row in self._all("select * from issue where mailbox = ? and fixed_at is null order by id", mailbox))

    def issue_from(self, source: str) -> KnownIssue | None:
        """The issue that was opened in answer to this alarm."""
        row = self._one("select * from issue where source = ? order by id desc limit 1", source)
        return _issue(row) if row else None

    def next_issue(self) -> IssueNo:
        """The number that a new issue would get."""
        row = self._one("select coalesce(max(id), 0) + 1 as n from issue")
        assert row
        return IssueNo(row["n"])

    def issues_of(self, case: CaseNo) -> frozenset[IssueNo]:
        """The issues that a case, or one merged into it, is about."""
        rows = self._all("select issue from case_issue where case_id in (select id from cases where id = ?1 or merged_into = ?1)", case)
        return frozenset(IssueNo(row["issue"]) for row in rows)

    def issue_links(self, issue: IssueNo) -> tuple[IssueLink, ...]:
        """The cases that are about an issue, with the customers whom we know them by now."""
        rows = self._all(
            "select i.*, c.customer, c.language from case_issue i join cases c on c.id = i.case_id where i.issue = ? order by i.case_id",
            issue,
        )
        return tuple(
            IssueLink(
                case=CaseNo(row["case_id"]), person=PersonNo(row["customer"]), language=row["language"] or "",
                settled=row["settled_at"] is not None, why=row["why"],
            )
            for row in rows
        )  # fmt: skip

    def told_lately(self, mailbox: MailboxName, since: datetime) -> tuple[datetime, ...]:
        """When people were told that something is mended, oldest first."""
        rows = self._all(
            "select created_at from outgoing where mailbox = ? and automatic = 1 and created_at > ? and purpose_key like 'mended:%'"
            " order by created_at",
            mailbox,
            time(since),
        )
        return tuple(_must(row["created_at"]) for row in rows)

    def absences(self) -> dict[AgentName, tuple[date, date]]:
        """What agents said by mail of their being away: the first and the last day."""
        rows = self._all("select agent, first, last from absence")
        return {AgentName(row["agent"]): (date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) for row in rows}

    def greeted(self) -> frozenset[AgentName]:
        """The agents who are no newcomers."""
        return frozenset(AgentName(row["agent"]) for row in self._all("select agent from greeted"))

    def greet(self, agent: AgentName, now: datetime) -> None:
        """This agent is no newcomer any more."""
        self._db.execute("insert into greeted values (?,?) on conflict do nothing", (agent, time(now)))

    def signatures(self, agent: AgentName) -> tuple[str, ...]:
        """What was learnt of an agent's signature: the lines of each."""
        rows = self._all("select lines from signature where agent = ? and forgotten = 0 order by at, lines", agent)
        return tuple(row["lines"] for row in rows)

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

    def held_words(self, case: CaseNo) -> tuple[HeldWords, ...]:
        """Words in this case that wait, or waited, for a mentor, oldest first."""
        rows = self._all(
            "select * from held_words where case_id in"
            " (select id from cases where id = ?1 union select id from cases where merged_into = ?1) order by message",
            case,
        )
        return tuple(
            HeldWords(
                message=MessageNo(row["message"]), case=CaseNo(row["case_id"]), agent=AgentName(row["agent"]),
                mentor=AgentName(row["mentor"]), words=row["words"], at=_must(row["at"]), ended=row["ended"],
            )
            for row in rows
        )  # fmt: skip

    def due_of(self, case: CaseNo, kind: JobKind) -> datetime:
        """When the case's job of this kind is due; the end of time if there is none."""
        row = self._one("select min(run_at) as at from job where case_id = ? and kind = ? and parked_at is null", case, kind)
        return (when(row["at"]) if row else None) or datetime.max.replace(tzinfo=UTC)

    def mailbox_state(self, mailbox: MailboxName) -> MailboxState | None:
        """The mode this mailbox ran in last."""
        row = self._one("select * from mailbox where name = ?", mailbox)
        return MailboxState(mode=Mode(row["mode"]), since=_must(row["since"])) if row else None

    def set_mailbox_state(self, mailbox: MailboxName, state: MailboxState) -> None:
        """Remember the mode."""
        self._db.execute(
            "insert into mailbox values (?,?,?) on conflict (name) do update set mode = excluded.mode, since = excluded.since",
            (mailbox, state.mode, time(state.since)),
        )

    def events(self, kinds: Sequence[str], mailbox: MailboxName, since: datetime) -> tuple[Mapping[str, object], ...]:
        """What happened in a mailbox since then, oldest first."""
        rows = self._all(
            f"select * from event where mailbox = ? and at >= ? and kind in ({marks(kinds)}) order by id",
            mailbox,
            time(since),
            *kinds,
        )
        return tuple({"at": _must(r["at"]), "kind": r["kind"], "case": r["case_id"], **json.loads(r["data"])} for r in rows)

    # --- record

    def record(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write message, reading, decision, case, people, events and jobs."""
        u, r = situation.understood, situation.understood.reading
        self._db.execute(
            "insert into reading values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) on conflict (message) do update set new_text = excluded.new_text",
            (
                u.number,
                r.model,
                u.screening.kind,
                r.language,
                r.topic,
                r.topic_sure,
                dump(r.topics),
                r.sentiment,
                r.upset,
                r.urgent,
                r.sensitive,
                r.thanks_only,
                r.answer,
                dump(r.phrases),
                r.new_text if decision.words is None else decision.words,
                dump([(phrase.key, phrase.text) for phrase in r.key_phrases]),
            ),
        )
        self.apply(decision.actions, u.mailbox, situation.now, u.number)
        self._heard(situation, decision)
        if decision.case is not None:
            self._remember_ids(situation, decision.case)
        self._decided(situation, decision, ruleset, u.number)

    def _heard(self, situation: Situation, decision: Decision) -> None:
        """Complete the message's row: who wrote what, and the case that it joined, all at once."""
        u, sender = situation.understood, situation.understood.message.sender
        who = situation.person.number if situation.person else None
        columns = "message_id = ?, kind = ?, sender = ?, name = ?, subject = ?, agent = ?"
        values = (u.message.message_id, u.screening.kind, sender.email, sender.name, u.message.subject, situation.agent)
        joined = next((action for action in reversed(decision.actions) if isinstance(action, Join)), None)
        if joined is None:
            self._db.execute(f"update message set {columns}, person = ? where id = ?", (*values, who, u.number))
            return
        if who is None and joined.role is Role.CUSTOMER:
            row = self._one("select customer from cases where id = ?", joined.case)
            who = row["customer"] if row else None
        self._db.execute(
            f"update message set {columns}, person = ?, case_id = ?, role = ?, contact = ? where id = ?",
            (*values, who, joined.case, joined.role or "", joined.contact, u.number),
        )

    def record_due(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write what was decided about a date of a case, with its facts and its reasons."""
        self.apply(decision.actions, situation.case.mailbox if situation.case else situation.mailbox.name, situation.now)
        if decision.actions:
            self._decided(situation, decision, ruleset, None)

    def _decided(self, situation: Situation, decision: Decision, ruleset: str, message: MessageNo | None) -> None:
        plain = [action for action in decision.actions if not isinstance(action, Send)]
        letters = [action.letter.purpose for action in decision.actions if isinstance(action, Send)]
        self._db.execute(
            "insert into decision (message, case_id, at, ruleset, model, facts_json, actions, because, trace) values (?,?,?,?,?,?,?,?,?)",
            (
                message,
                decision.case,
                time(situation.now),
                ruleset,
                situation.understood.reading.model,
                dump(situation),
                dump([*plain, *letters]),
                dump(decision.because),
                dump(decision.trace),
            ),
        )

    def _remember_ids(self, situation: Situation, case: CaseNo) -> None:
        message = situation.understood.message
        ids = {i for i in (message.message_id, *message.in_reply_to, *message.references) if i}
        ours = self.sent(list(ids))
        rows = [(i, case) for i in ids if i not in ours]  # ours are found by the outgoing table
        self._db.executemany("insert into thread_id values (?,?) on conflict do nothing", rows)

    def apply(self, actions: Sequence[Action], mailbox: MailboxName, now: datetime, message: MessageNo | None = None) -> None:
        """Write the actions in order; letters and parking are left to the daemon."""
        given: Assign | None = None  # with the case itself: its row is written once
        for action in actions:
            match action:
                case OpenCase():
                    given = next((each for each in actions if isinstance(each, Assign) and each.case == action.case.number), None)
                    self._open(action, given, now)
                    self._event("case.opened", mailbox, action.case.number, {"because": action.case.topic}, now)
                case Join():
                    self._join(action, now)
                case Advance():
                    self._advance(action, mailbox, now)
                case Assign():
                    if action is not given:
                        self._assign(action, now)
                    data = {"agent": action.agent, "team": action.team, "because": action.why}
                    self._event("case.assigned", mailbox, action.case, data, now)
                case Label():
                    self._label(action)
                case Correct():
                    self.correct(action.case, action.values, action.by, now)
                case Merge():
                    self._merge(action, mailbox, now)
                case Split():
                    self._split(action, mailbox, now)
                case SameAs():
                    self._same_as(action, mailbox, now)
                case NotSameAs():
                    self._not_same_as(action, mailbox, now)
                case Promise():
                    self._db.execute(
                        "insert into promise (case_id, agent, message, day, sentence, made_at) values (?,?,?,?,?,?)",
                        (action.case, action.agent, action.message, action.day.isoformat(), action.sentence, time(action.made_at)),
                    )
                case TakeBack():
                    self._take_back(action, now)
                case Absent():
                    self._db.execute(
                        "insert into absence values (?,?,?,?) on conflict (agent) do update set"
                        " first = excluded.first, last = excluded.last, at = excluded.at",
                        (action.agent, action.first.isoformat(), action.last.isoformat(), time(now)),
                    )
                    data = {"agent": action.agent, "first": action.first.isoformat(), "last": action.last.isoformat()}
                    self._event("agent.away", mailbox, None, data, now)
                case DropReader():
                    self._db.execute("delete from participant where case_id = ? and email = ?", (action.case, action.email))
                case OpenIssue():
                    self._open_issue(action, now)
                case LinkIssue():
                    self._link_issue(action.issue, action.case, now)
                case CloseIssue():
                    self._close_issue(action, mailbox, now)
                case SettleIssue():
                    self._db.execute(
                        "update case_issue set settled_at = ?, why = ? where issue = ? and case_id = ?",
                        (time(now), action.why, action.issue, action.case),
                    )
                case Withdraw():
                    self._db.execute("delete from job where outgoing = ? and in_hand = 0", (action.outgoing,))
                    self._db.execute("update outgoing set state = 'failed', reply = 'withdrawn' where id = ?", (action.outgoing,))
                case LearnSignature():
                    self._learn(action, mailbox, message, now)
                case ForgetSignatures():
                    self._db.execute("update signature set forgotten = 1 where agent = ?", (action.agent,))
                    self._event("signature.forgotten", mailbox, None, {"agent": action.agent}, now)
                case HoldWords():
                    h = action.held
                    self._db.execute(
                        "insert into held_words values (?,?,?,?,?,?,?) on conflict do nothing",
                        (h.message, h.case, h.agent, h.mentor, h.words, time(h.at), h.ended),
                    )
                    self._event("words.held", mailbox, h.case, {"agent": h.agent, "mentor": h.mentor, "message": h.message}, now)
                case EndHold():
                    self._end_hold(action, mailbox, now)
                case Log():
                    self._event(action.kind, mailbox, action.case, action.data, now)
                case Schedule():
                    self.schedule(action)
                case Cancel():
                    self._db.execute(
                        f"delete from job where case_id = ? and kind in ({marks(action.kinds)}) and in_hand = 0",
                        (action.case, *action.kinds),
                    )
                case Deliver():
                    self._deliver(action, now)
                case ChangePerson():
                    self._update("person", _PERSON_COLUMNS, action.person, action.changes)
                case MarkOutgoing():
                    self._db.execute("update outgoing set reply = ? where id = ?", (action.reply, action.outgoing))
                case _:
                    pass  # Send and Park: not the store's to carry out

    def _open_issue(self, action: OpenIssue, now: datetime) -> None:
        """One that is open gets the new text and keeps the day since when it is known."""
        i = action.issue
        before = self._one("select 1 as one from issue where id = ?", i.number)
        self._db.execute(
            "insert into issue (id, mailbox, text, keys, topic, opened_at, opened_by, source, texts, fixed_texts)"
            " values (?,?,?,?,?,?,?,?,?,?)"
            " on conflict (id) do update set text = excluded.text, texts = excluded.texts, fixed_texts = excluded.fixed_texts",
            (
                i.number,
                i.mailbox,
                i.text,
                dump(list(i.keys)),
                i.topic,
                time(i.opened_at),
                i.opened_by,
                i.source,
                dump(dict(i.texts)),
                dump(dict(i.fixed_texts)),
            ),
        )
        for case in action.cases:
            self._link_issue(i.number, case, now)
        data = {"issue": i.number, "by": i.opened_by, "cases": len(action.cases)}
        self._event("issue.reworded" if before else "issue.opened", i.mailbox, None, data, now)

    def _link_issue(self, issue: IssueNo, case: CaseNo, now: datetime) -> None:
        self._db.execute("insert into case_issue (issue, case_id, at) values (?,?,?) on conflict do nothing", (issue, case, time(now)))

    def _close_issue(self, action: CloseIssue, mailbox: MailboxName, now: datetime) -> None:
        """Closed once: each case gets its job, spread over time, of each person the latest case first."""
        cursor = self._db.execute(
            "update issue set fixed_at = ?, fixed_text = ?, fixed_texts = ? where id = ? and fixed_at is null",
            (time(now), action.text, dump(dict(action.texts)), action.issue),
        )
        if cursor.rowcount != 1:
            return
        tell_from = action.tell_from or now
        for place, case in enumerate(in_turn(self.issue_links(action.issue))):
            self.schedule(
                Schedule(
                    kind=JobKind.MENDED, key=f"{JobKind.MENDED}:{action.issue}:{case}", at=tell_from + place * TELL_EVERY, case=case,
                    payload={"issue": action.issue},
                )
            )  # fmt: skip
        self._event("issue.closed", mailbox, None, {"issue": action.issue, "by": action.by}, now)

    def _deliver(self, action: Deliver, now: datetime) -> None:
        """A job of its folder's loop moves each mail; from here on it counts as handed over."""
        for message in action.messages:
            payload = {"message": message, "folder": action.folder, "case": action.case}
            self.schedule(Schedule(kind=JobKind.FILE, key=f"file:{message}", at=now, payload=payload))
            self._db.execute("update message set handed_over = 1 where id = ?", (message,))

    def _open(self, action: OpenCase, given: Assign | None, now: datetime) -> None:
        person, c = action.person, action.case
        if given is not None:
            involved = tuple(dict.fromkeys((*c.involved, given.agent)))
            c = replace(c, assignee=given.agent, team=given.team, backlog=given.backlog, lent_by=given.lent_by, involved=involved)
        self._db.execute(
            "insert into person (id, name, language, created_at) values (?,?,?,?) on conflict (id) do update set"
            " name = case when person.name = '' then excluded.name else person.name end",
            (person.number, person.name, person.language, time(now)),
        )
        self._db.execute(
            "insert into address values (?,?,?) on conflict (email) do nothing",
            (person.email, person.number, person.name),
        )
        self._db.execute(_INSERT_CASE, (c.number, *map(_value, _stored(c))))
        self._participants(c.number, c.participants)

    def _participants(self, case: CaseNo, participants: Sequence[Address]) -> None:
        if participants:
            self._db.executemany(
                "insert into participant values (?,?,?) on conflict do nothing",
                [(case, p.email, p.name) for p in participants],
            )

    def _join(self, action: Join, now: datetime) -> None:
        """The message's own row is completed at the end of `record`."""
        self._participants(action.case, action.participants)
        self._db.execute("update cases set updated_at = ?1 where id = ?2 and updated_at <> ?1", (time(now), action.case))

    def _advance(self, action: Advance, mailbox: MailboxName, now: datetime) -> None:
        self._update("cases", _CASE_COLUMNS, action.case, {**action.changes, "state": action.state, "updated_at": now})
        self._event(f"case.{action.event}", mailbox, action.case, {"state": action.state}, now)

    def _assign(self, action: Assign, now: datetime) -> None:
        row = self._one("select involved from cases where id = ?", action.case)
        involved = [*json.loads(row["involved"]), action.agent] if row else [action.agent]
        self._db.execute(
            "update cases set assignee = ?, team = ?, backlog = ?, lent_by = ?, involved = ?, updated_at = ? where id = ?",
            (action.agent, action.team, action.backlog, action.lent_by, dump(list(dict.fromkeys(involved))), time(now), action.case),
        )

    def _merge(self, action: Merge, mailbox: MailboxName, now: datetime) -> None:
        """The first case ends and points to the second, which gets its labels and readers; its messages are found through the pointer."""
        row, other = (self._one("select * from cases where id = ?", number) for number in (action.case, action.into))
        if row is None or other is None:
            return
        state = advance(CaseState(row["state"]), CaseEvent.MERGED)
        changes = {"state": state, "merged_into": action.into, "due_at": None, "backlog": None, "updated_at": now}
        self._update("cases", _CASE_COLUMNS, action.case, changes)
        self._db.execute("delete from job where case_id = ? and in_hand = 0 and kind not in ('send', 'mended')", (action.case,))
        self._db.execute(
            "insert or ignore into participant select ?, email, name from participant where case_id = ?", (action.into, action.case)
        )
        self._db.execute("update promise set case_id = ? where case_id = ?", (action.into, action.case))
        both = {name: [*json.loads(other[name]), *json.loads(row[name])] for name in ("labels", "involved", "briefs")}
        self._update("cases", _CASE_COLUMNS, action.into, {name: tuple(dict.fromkeys(values)) for name, values in both.items()})
        self._event("case.merged", mailbox, action.case, {"into": action.into, "state": row["state"]}, now)

    def _split(self, action: Split, mailbox: MailboxName, now: datetime) -> None:
        """A copy of the message gets a triage job of its own; where it leaves the case, the first one is among ourselves from now on."""
        cursor = self._db.execute(
            "insert into message (mailbox, folder, content_hash, received_at)"
            " select mailbox, folder, content_hash || ' split', received_at from message where id = ?",
            (action.message,),
        )
        number = MessageNo(cursor.lastrowid or 0)
        self._db.execute("insert into raw (message, body) select ?, body from raw where message = ?", (number, action.message))
        self._db.execute(
            "insert into job (key, kind, message, run_at, payload) values (?,?,?,?,?)",
            (f"triage:{number}", JobKind.TRIAGE, number, time(now), dump({"split_from": action.case, "subject": action.subject})),
        )
        if action.leaves:
            self._db.execute("update message set role = '' where id = ?", (action.message,))
        data = {"message": action.message, "copy": number, "leaves": action.leaves}
        self._event("case.mail_split", mailbox, action.case, data, now)

    def _same_as(self, action: SameAs, mailbox: MailboxName, now: datetime) -> None:
        """One person more than one address; the event keeps what was changed, so that it can be taken back."""
        row = self._one("select person from address where email = ?", action.email)
        before = row["person"] if row else None
        if before == action.person:
            return
        moved: dict[str, object] = {"addresses": [action.email]}
        if before is None:
            self._db.execute("insert into address values (?,?,'')", (action.email, action.person))
        else:
            for name, table, key, column in _OF_A_PERSON:
                moved[name] = [each[key] for each in self._all(f"select {key} from {table} where {column} = ? order by {key}", before)]
                self._db.execute(f"update {table} set {column} = ? where {column} = ?", (action.person, before))
        data = {"person": action.person, "email": action.email, "before": before, "by": action.by, **moved}
        self._event("person.same_as", mailbox, None, data, now)

    def _not_same_as(self, action: NotSameAs, mailbox: MailboxName, now: datetime) -> None:
        """Give back what `same as` took, and what came from those addresses since."""
        event = self._joins(action.person).get(action.email)
        if event is None:
            return
        data = json.loads(event["data"])
        theirs = [
            email
            for email in data.get("addresses", [action.email])
            if self._one("select 1 as one from address where email = ? and person = ?", email, action.person)
        ]
        since = self._all(
            f"select id, name from message where person = ? and sender in ({marks(theirs)}) order by id", action.person, *theirs
        )
        messages = {*data.get("messages", ()), *(row["id"] for row in since)}
        begun = self._all(
            "select id from cases c where customer = ? and (select sender from message m where m.case_id = c.id and m.role = 'customer'"
            f" order by m.id limit 1) in ({marks(theirs)})",
            action.person,
            *theirs,
        )
        cases = {*data.get("cases", ()), *(row["id"] for row in begun)}
        back = data["before"]
        if back is None and (messages or cases):  # nobody knew the address then; somebody wrote from it since
            back = self.next_numbers()[1]
            name = next((row["name"] for row in reversed(since) if row["name"]), "")
            self._db.execute("insert into person (id, name, created_at) values (?,?,?)", (back, name, time(now)))
        moved = {"addresses": theirs, "cases": sorted(cases), "messages": sorted(messages)}
        for name, table, key, column in _OF_A_PERSON:
            sql = f"update {table} set {column} = ? where {key} = ? and {column} = ?"
            if back is not None:
                self._db.executemany(sql, [(back, each, action.person) for each in moved[name]])
        if back is None:
            self._db.execute("delete from address where email = ? and person = ?", (action.email, action.person))
        undone = {"person": action.person, "email": action.email, "back": back, "by": action.by, "event": event["id"], **moved}
        self._event("person.not_same_as", mailbox, None, undone, now)

    def _take_back(self, action: TakeBack, now: datetime) -> None:
        """Promises that were not to be end; those whose day is past stay what they were."""
        self._db.execute(
            "update promise set ended = ?1, ended_at = ?2 where ended = '' and case_id = ?3 and (?4 is null or message = ?4) and day >= ?5",
            (action.why, time(now), action.case, action.message, action.since.isoformat() if action.since else ""),
        )

    def _learn(self, action: LearnSignature, mailbox: MailboxName, message: MessageNo | None, now: datetime) -> None:
        """What the agent forgot comes back only where they see it: in practice."""
        self._db.execute(
            "insert into signature (agent, lines, message, practice, at) values (?,?,?,?,?) on conflict (agent, lines) do update set"
            " forgotten = forgotten and not excluded.practice",
            (action.agent, "\n".join(action.lines), message, action.practice, time(now)),
        )
        data = {"agent": action.agent, "lines": len(action.lines), "practice": action.practice}
        self._event("signature.learnt", mailbox, None, data, now)

    def _end_hold(self, action: EndHold, mailbox: MailboxName, now: datetime) -> None:
        """Released words are their agent's in the story, from the mail in which they were written."""
        row = self._one("select * from held_words where message = ? and ended = ''", action.message)
        if row is None:
            return
        self._db.execute("update held_words set ended = ? where message = ?", (action.how, action.message))
        if action.how == "released":
            self._db.execute("update message set role = 'agent' where id = ?", (action.message,))
            self._db.execute("update reading set new_text = ? where message = ?", (row["words"], action.message))
        self._event("words.no_longer_held", mailbox, row["case_id"], {"agent": row["agent"], "how": action.how}, now)

    def _label(self, action: Label) -> None:
        row = self._one("select labels from cases where id = ?", action.case)
        labels = [*json.loads(row["labels"]), *action.labels] if row else []
        self._db.execute("update cases set labels = ? where id = ?", (dump(list(dict.fromkeys(labels))), action.case))

    def _update(self, table: str, allowed: frozenset[str], number: int, changes: Mapping[str, object]) -> None:
        unknown = set(changes) - allowed
        if unknown:
            raise ValueError(f"{table} has no column to change called {', '.join(sorted(unknown))}")
        if changes:
            names = ", ".join(f"{name} = ?" for name in changes)
            self._db.execute(f"update {table} set {names} where id = ?", (*(_value(v) for v in changes.values()), number))

    def _event(self, kind: str, mailbox: MailboxName, case: CaseNo | None, data: Mapping[str, object], now: datetime) -> None:
        self._db.execute(
            "insert into event (at, kind, mailbox, case_id, data) values (?,?,?,?,?)",
            (time(now), kind, mailbox, case, dump(data)),
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

    def enclosed(self, message: MessageNo) -> bytes:
        """The raw bytes of a stored message."""
        row = self._one("select body from raw where message = ?", message)
        return bytes(row["body"]) if row else b""

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
            self._db.execute("update message set handed_over = 1 where case_id = ? and role = 'customer'", (row["case_id"],))

    def remember_ruleset(self, hash_: str, files: str, now: datetime) -> None:
        """Keep the rules that decisions name."""
        self._db.execute("insert into ruleset values (?,?,?) on conflict do nothing", (hash_, time(now), files))

    # --- jobs

    def schedule(self, job: Schedule) -> None:
        """Add a job, or move the date of the one with this key."""
        self._db.execute(
            "insert into job (key, kind, case_id, run_at, payload) values (?,?,?,?,?)"
            " on conflict (key) do update set run_at = excluded.run_at, payload = excluded.payload, in_hand = 0, marked = 0, tries = 0,"
            " crashes = 0, parked_at = null, error = ''",
            (job.key, job.kind, job.case, time(job.at), dump(job.payload)),
        )

    def schedule_once(self, job: Schedule) -> None:
        """Add a job unless there is one with this key."""
        if self._one("select 1 as one from job where key = ?", job.key) is None:
            self.schedule(job)

    def received(self, mailbox: MailboxName, since: datetime, apart_from: str = "") -> int:
        """How many messages came in since then, those of one folder apart."""
        row = self._one(
            "select count(*) as n from message where mailbox = ? and received_at >= ? and (? = '' or folder <> ?)",
            mailbox, time(since), apart_from, apart_from,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def take(self, numbers: Sequence[JobNo]) -> None:
        """Mark jobs as in hand: after an unclean stop they are known."""
        self._db.execute(f"update job set in_hand = 1 where id in ({marks(numbers)})", numbers)

    def put_back(self, numbers: Sequence[JobNo]) -> None:
        """These jobs were not touched."""
        self._db.execute(f"update job set in_hand = 0 where id in ({marks(numbers)})", numbers)

    def holds(self, job: Job) -> bool:
        """Whether the job is still in hand: not called off, and not given another date since it was claimed."""
        return self._one("select 1 as one from job where id = ? and in_hand = 1", job.number) is not None

    def done(self, job: Job) -> None:
        """The job is gone, together with its effects; one that was given a new date meanwhile stays."""
        self._db.execute("delete from job where id = ? and in_hand = 1", (job.number,))

    def retry(self, job: Job, at: datetime, error: str, counts: bool = True) -> None:
        """Try again at this time."""
        self._db.execute(
            "update job set in_hand = 0, marked = 0, run_at = ?, tries = tries + ?, error = ? where id = ?",
            (time(at), int(counts), error, job.number),
        )

    def park(self, job: Job, error: str, now: datetime) -> None:
        """A person must look; the job does not block the next one."""
        self._db.execute(
            "update job set in_hand = 0, marked = 0, parked_at = ?, error = ? where id = ?",
            (time(now), error, job.number),
        )

    def unpark(self, number: JobNo, now: datetime) -> bool:
        """Try a parked job again."""
        return self._parked(
            number,
            "update job set parked_at = null, crashes = 0, tries = 0, run_at = ? where id = ?",
            time(now),
            number,
        )

    def drop(self, number: JobNo, now: datetime) -> bool:
        """Give a parked job up; its mail stays stored, and the ledger says what became of it."""
        self._db.execute(
            "update message set kind = 'dropped' where kind = '' and id = (select message from job where id = ? and parked_at is not null)",
            (number,),
        )
        return self._parked(number, "delete from job where id = ?", number)

    def _parked(self, number: JobNo, sql: str, *values: object) -> bool:
        row = self._one("select kind, outgoing from job where id = ? and parked_at is not null", number)
        if not row:
            return False
        if row["outgoing"] is not None:  # sent again, or given up: a person decided
            state = OutgoingState.QUEUED if sql.startswith("update") else OutgoingState.FAILED
            self.set_outgoing(OutgoingNo(row["outgoing"]), state)
        self._db.execute(sql, values)
        return True

    def recover(self, park_after: int) -> None:
        """After an unclean stop: only a job that was alone in its loop's hand can have caused it; sends go by their state."""
        triage = (JobKind.TRIAGE,)
        house = [kind for kind in JobKind if kind not in (JobKind.TRIAGE, JobKind.SEND)]
        for loop in (triage, house):
            rows = self._all(f"select id, crashes from job where in_hand = 1 and kind in ({marks(loop)})", *loop)
            alone = int(len(rows) == 1)
            for row in rows:
                crashes = row["crashes"] + alone
                parked = "run_at" if crashes >= park_after else "null"
                self._db.execute(
                    f"update job set in_hand = 0, marked = 1, crashes = ?, parked_at = {parked},"
                    " error = case when ? >= ? then 'the process ended each time it was worked on' else error end where id = ?",
                    (crashes, crashes, park_after, row["id"]),
                )
        self._db.execute("update job set in_hand = 0 where in_hand = 1")
        self._db.execute("update outgoing set state = 'queued' where state = 'sending'")  # nothing had been sent

    # --- learning

    def correct(self, case: CaseNo, values: Mapping[str, str], by: str, now: datetime) -> bool:
        """Keep what was read wrongly in this case, and put its topic and feeling right."""
        row = self._one("select min(id) as first, max(id) as last from message where case_id = ? and role = 'customer'", case)
        if not row or row["first"] is None:
            return False
        for field, value in values.items():
            message = row["first"] if field == "topic" else row["last"]
            self._db.execute(
                "insert into correction (at, message, case_id, agent, field, value) values (?,?,?,?,?,?)",
                (time(now), message, case, by, field, value),
            )
        changes = {field: value for field, value in values.items() if field in ("topic", "sentiment")}
        self._update("cases", _CASE_COLUMNS, case, changes)
        return True

    # --- sending

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

    # --- inside

    def _one(self, sql: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def _all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()


def time(at: datetime) -> float:
    """A time as the tables hold it."""
    return at.timestamp()


def when(seconds: float | None) -> datetime | None:
    """A time of the tables."""
    return None if seconds is None else _must(seconds)


def marks(values: Sequence[object]) -> str:
    """Question marks for an `in (...)`."""
    return ",".join("?" * len(values))


def _must(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _value(value: object) -> Any:
    if isinstance(value, tuple | list):
        return dump(list(value))
    if isinstance(value, datetime):
        return time(value)
    return int(value) if isinstance(value, bool) else value


def _person(row: sqlite3.Row) -> Person:
    return Person(
        number=PersonNo(row["id"]),
        name=row["name"],
        email=row["email"] or "",
        language=row["language"],
        no_follow_up=bool(row["no_follow_up"]),
        asked_at=when(row["asked_at"]),
    )


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


def _issue(row: sqlite3.Row) -> KnownIssue:
    return KnownIssue(
        number=IssueNo(row["id"]),
        mailbox=MailboxName(row["mailbox"]),
        text=row["text"],
        keys=tuple(json.loads(row["keys"])),
        topic=row["topic"],
        opened_at=_must(row["opened_at"]),
        opened_by=row["opened_by"],
        fixed_at=when(row["fixed_at"]),
        fixed_text=row["fixed_text"],
        source=row["source"],
        texts=tuple(json.loads(row["texts"]).items()),
        fixed_texts=tuple(json.loads(row["fixed_texts"]).items()),
    )


def _first_mail(row: sqlite3.Row) -> FirstMail:
    return FirstMail(
        case=CaseNo(row["case_id"]),
        person=PersonNo(row["customer"]),
        at=_must(row["received_at"]),
        name=row["name"] or row["sender"],
        email=row["sender"],
        subject=row["subject"],
        text=row["new_text"],
        language=row["language"],
        topic=row["topic"],
        upset=row["sentiment"] == Sentiment.UPSET,
        sensitive=bool(row["sensitive"]),
        key_phrases=tuple(KeyPhrase(key=key, text=text) for key, text in json.loads(row["key_phrases"])),
    )


def _line(row: sqlite3.Row, event: str = "") -> StoryLine:
    return StoryLine(
        at=_must(row["received_at"]),
        role=Role(row["role"]),
        name=row["name"],
        text=row["new_text"],
        message=MessageNo(row["id"]),
        event=event,
        wants_answer=not row["thanks_only"] and row["answer"] != Answer.SATISFIED,
    )
