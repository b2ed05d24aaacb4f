"""Customers: one person, perhaps several addresses, and which of them `same as` joined."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from inboxd.adapters.sqlite.cases import Cases
from inboxd.adapters.sqlite.tables import marks, moment, time, when
from inboxd.core.model import CaseNo, ChangePerson, MailboxName, NotSameAs, Person, PersonNo, SameAs

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


class People(Cases):
    """Who writes to us."""

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

    def _change_person(self, action: ChangePerson) -> None:
        self._update("person", _PERSON_COLUMNS, action.person, action.changes)

    def contacts(self, person: PersonNo, since: datetime) -> tuple[datetime, ...]:
        """When this person had to write to us, oldest first."""
        rows = self._all(
            "select received_at from message where person = ? and contact = 1 and received_at >= ? order by received_at",
            person,
            time(since),
        )
        return tuple(moment(row["received_at"]) for row in rows)

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


def _person(row: sqlite3.Row) -> Person:
    return Person(
        number=PersonNo(row["id"]),
        name=row["name"],
        email=row["email"] or "",
        language=row["language"],
        no_follow_up=bool(row["no_follow_up"]),
        asked_at=when(row["asked_at"]),
    )
