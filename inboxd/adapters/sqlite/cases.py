"""Cases: their columns, who reads along, who holds them, what was promised in them, and how they change."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import attrgetter

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.outbox import Outbox
from inboxd.adapters.sqlite.tables import column, marks, moment, time, when
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Address,
    Advance,
    AgentName,
    Assign,
    Case,
    CaseEvent,
    CaseNo,
    CaseState,
    DropReader,
    JobKind,
    Join,
    Label,
    MailboxName,
    Merge,
    MessageId,
    MessageNo,
    OpenCase,
    Outcome,
    PastCase,
    PersonNo,
    Promise,
    Restore,
    Sentiment,
    Split,
    TakeBack,
)

_CASE_COLUMNS = frozenset(Case.__dataclass_fields__) - {"number", "mailbox", "customer", "participants"}
_STORED = tuple(name for name in Case.__dataclass_fields__ if name not in ("number", "participants"))
_INSERT_CASE = f"insert into cases (id, {', '.join(_STORED)}) values (?{',?' * len(_STORED)})"
_stored = attrgetter(*_STORED)
_LIVE = "('open', 'waiting', 'resolved')"


class Cases(Outbox):
    """One row for each problem of a customer."""

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
            opened_at=moment(row["opened_at"]),
            updated_at=moment(row["updated_at"]),
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

    def next_numbers(self) -> tuple[CaseNo, PersonNo]:
        """The numbers that a new case and a new person would get; they are never deleted, so none comes twice."""
        row = self._one("select (select coalesce(max(id), 1000) + 1 from cases) as c, (select coalesce(max(id), 0) + 1 from person) as p")
        assert row
        return CaseNo(row["c"]), PersonNo(row["p"])

    def open_case_of(self, person: PersonNo, mailbox: MailboxName) -> Case | None:
        """The person's latest case in this mailbox that is neither resolved, closed nor merged."""
        row = self._one(
            "select * from cases where customer = ? and mailbox = ? and state in ('open', 'waiting') order by id desc limit 1",
            person,
            mailbox,
        )
        return self._case(row) if row else None

    def owed(self, person: PersonNo) -> bool:
        """Whether this person said of some case that it is not solved, and it is open since."""
        sql = "select 1 as one from cases where customer = ? and state = 'open' and outcome = 'dissatisfied' limit 1"
        return self._one(sql, person) is not None

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
            at=moment(row["opened_at"]),
            outcome=Outcome(row["outcome"]),
        )

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

    def given_at(self, case: CaseNo) -> datetime | None:
        """When the case was given to whoever has it now."""
        row = self._one("select at from event where case_id = ? and kind = 'case.assigned' order by id desc limit 1", case)
        return when(row["at"]) if row else None

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

    def last_cases(self, agents: Sequence[AgentName]) -> dict[AgentName, int]:
        """The newest case that each agent holds."""
        rows = ((agent, self._one("select max(id) as id from cases where assignee = ?", agent)) for agent in agents)
        return {agent: row["id"] for agent, row in rows if row and row["id"] is not None}

    def known_by(self, person: PersonNo) -> frozenset[AgentName]:
        """Agents who had a part in earlier cases of this person."""
        rows = self._all("select involved from cases where customer = ? order by id desc limit 20", person)
        return frozenset(AgentName(name) for row in rows for name in json.loads(row["involved"]))

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
                made_at=moment(row["made_at"]),
            )
            for row in rows
        )

    def corrected(self, case: CaseNo) -> dict[str, str]:
        """What people said was read wrongly in this case: field -> what is right, the latest word."""
        return {row["field"]: row["value"] for row in self._all("select field, value from correction where case_id = ? order by id", case)}

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

    def _open(self, action: OpenCase, given: Assign | None, mailbox: MailboxName, now: datetime) -> None:
        """A new case, at once with whom it is given to."""
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
        self._db.execute(_INSERT_CASE, (c.number, *map(column, _stored(c))))
        self._participants(c.number, c.participants)
        self._event("case.opened", mailbox, c.number, {"because": c.topic}, now)

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

    def _advance(self, action: Advance, mailbox: MailboxName, message: MessageNo | None, now: datetime) -> None:
        self._update("cases", _CASE_COLUMNS, action.case, {**action.changes, "state": action.state, "updated_at": now})
        behind = {"message": message} if message is not None else {}  # when it came counts, not when it was read
        self._event(f"case.{action.event}", mailbox, action.case, {"state": action.state, **behind}, now)

    def _restore(self, action: Restore, now: datetime) -> None:
        """The measures count what was said to customers: a reply, `resolve`, a no or a gift that nobody has read is none."""
        self._update("cases", _CASE_COLUMNS, action.case, {**action.changes, "updated_at": now})
        kinds = (*(f"case.{event}" for event in (CaseEvent.AGENT_REPLIED, CaseEvent.AGENT_RESOLVED)), "case.could_not", "case.gave")
        self._db.execute(
            f"delete from event where case_id = ? and at = ? and kind in ({marks(kinds)})", (action.case, time(action.said_at), *kinds)
        )

    def _assign(self, action: Assign, mailbox: MailboxName, now: datetime, *, is_new: bool) -> None:
        """A case that is new has its agent in its row already."""
        if not is_new:
            row = self._one("select involved from cases where id = ?", action.case)
            involved = [*json.loads(row["involved"]), action.agent] if row else [action.agent]
            self._db.execute(
                "update cases set assignee = ?, team = ?, backlog = ?, lent_by = ?, involved = ?, updated_at = ? where id = ?",
                (action.agent, action.team, action.backlog, action.lent_by, dump(list(dict.fromkeys(involved))), time(now), action.case),
            )
        data = {"agent": action.agent, "team": action.team, "because": action.why}
        self._event("case.assigned", mailbox, action.case, data, now)

    def _label(self, action: Label) -> None:
        row = self._one("select labels from cases where id = ?", action.case)
        labels = [*json.loads(row["labels"]), *action.labels] if row else []
        self._db.execute("update cases set labels = ? where id = ?", (dump(list(dict.fromkeys(labels))), action.case))

    def _merge(self, action: Merge, mailbox: MailboxName, now: datetime) -> None:
        """The first case ends and points to the second, which gets its labels and readers; its messages are found through the pointer."""
        row, other = (self._one("select * from cases where id = ?", number) for number in (action.case, action.into))
        if row is None or other is None:
            return
        state = advance(CaseState(row["state"]), CaseEvent.MERGED)
        changes = {"state": state, "merged_into": action.into, "due_at": None, "backlog": None, "updated_at": now}
        self._update("cases", _CASE_COLUMNS, action.case, changes)
        self._db.execute("update cases set merged_into = ? where merged_into = ?", (action.into, action.case))
        self._db.execute("delete from job where case_id = ? and in_hand = 0 and kind not in ('send', 'mended')", (action.case,))
        if action.hand_over:
            self._db.execute(
                "update message set handed_over = 0 where case_id = ?1 and role = 'customer'"
                " and id > (select coalesce(max(id), 0) from message where case_id = ?1 and role = 'agent')",
                (action.case,),
            )
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

    def _drop_reader(self, action: DropReader) -> None:
        self._db.execute("delete from participant where case_id = ? and email = ?", (action.case, action.email))

    def _promise(self, promise: Promise) -> None:
        self._db.execute(
            "insert into promise (case_id, agent, message, day, sentence, made_at) values (?,?,?,?,?,?)",
            (promise.case, promise.agent, promise.message, promise.day.isoformat(), promise.sentence, time(promise.made_at)),
        )

    def _take_back(self, action: TakeBack, now: datetime) -> None:
        """Promises that were not to be end; those whose day is past stay what they were."""
        self._db.execute(
            "update promise set ended = ?1, ended_at = ?2 where ended = '' and case_id = ?3 and (?4 is null or message = ?4) and day >= ?5",
            (action.why, time(now), action.case, action.message, action.since.isoformat() if action.since else ""),
        )
