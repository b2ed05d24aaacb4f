"""What every part of a transaction stands on: its connection, and how values are held in the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from inboxd.adapters.sqlite.dump import dump
from inboxd.core.model import CaseNo, MailboxName

MIGRATIONS_KNOWN = (  # in `schema`, whose module brings numpy with it; a store that knows others was made by a newer inboxd
    "first", "automatic_mail_by_time", "backlog_and_lent_cases", "sightings_by_message", "upset_cases_of_a_day",
    "cases_that_became_one", "absences_said_by_mail", "promises_of_agents", "people_joined_and_parted",
    "practice_signatures_and_mentors", "what_mails_are_about", "known_issues", "words_of_known_issues_by_language",
    "bytes_apart_from_their_state", "loads_of_agents",
)  # fmt: skip


class Tables:
    """The open transaction: rows out of it, and events and changed columns into it."""

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

    def _one(self, sql: str, *values: object) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(sql, values).fetchone()
        return row

    def _all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def _update(self, table: str, allowed: frozenset[str], number: int, changes: Mapping[str, object]) -> None:
        unknown = set(changes) - allowed
        if unknown:
            raise ValueError(f"{table} has no column to change called {', '.join(sorted(unknown))}")
        if changes:
            names = ", ".join(f"{name} = ?" for name in changes)
            self._db.execute(f"update {table} set {names} where id = ?", (*(column(v) for v in changes.values()), number))

    def _event(self, kind: str, mailbox: MailboxName, case: CaseNo | None, data: Mapping[str, object], now: datetime) -> None:
        self._db.execute(
            "insert into event (at, kind, mailbox, case_id, data) values (?,?,?,?,?)",
            (time(now), kind, mailbox, case, dump(data)),
        )


def time(at: datetime) -> float:
    """A time as the tables hold it."""
    return at.timestamp()


def when(seconds: float | None) -> datetime | None:
    """A time of the tables."""
    return None if seconds is None else moment(seconds)


def moment(seconds: float) -> datetime:
    """A time of the tables that is never missing."""
    return datetime.fromtimestamp(seconds, UTC)


def marks(values: Sequence[object]) -> str:
    """Question marks for an `in (...)`."""
    return ",".join("?" * len(values))


def column(value: object) -> Any:
    """A value as its column holds it."""
    if isinstance(value, tuple | list):
        return dump(list(value))
    if isinstance(value, datetime):
        return time(value)
    return int(value) if isinstance(value, bool) else value
