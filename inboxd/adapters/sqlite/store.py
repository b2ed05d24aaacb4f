"""The store: opens and guards the file, hands out jobs and transactions."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time as clock
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from inboxd.adapters.sqlite.load import load, load_actions
from inboxd.adapters.sqlite.measures import records
from inboxd.adapters.sqlite.tables import MIGRATIONS_KNOWN, marks, moment, time, when
from inboxd.adapters.sqlite.transaction import SqliteTransaction
from inboxd.adapters.sqlite.turns import Turns
from inboxd.core.measure import Records
from inboxd.core.model import (
    Case,
    CaseNo,
    Correction,
    FirstMail,
    Job,
    JobKind,
    JobNo,
    MailboxName,
    MessageId,
    MessageNo,
    Outgoing,
    OutgoingKind,
    OutgoingNo,
    OutgoingState,
    RawMessage,
    Situation,
)
from inboxd.core.reconcile import LedgerRow
from inboxd.errors import Permanent, Temporary, UnusableStore
from inboxd.ports import FILED, Cursor, ParkedJob, PastDecision

PARK_AFTER_CRASHES = 3
LOCK_PATIENCE = 2.0  # seconds
FDATASYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # not everywhere


class SqliteStore:
    """Store on one SQLite file. A second process on the same file is refused; `read_only` looks at it beside a daemon."""

    def __init__(self, path: Path | str, *, read_only: bool = False, sync: Callable[[int], None] = FDATASYNC) -> None:
        self._lock, self._reading, self._disk = Turns(), threading.Lock(), threading.Lock()
        self._reader: _Connection | None = None
        self._sync, self._log = sync, -1  # how a file is brought to the disk, and the open write-ahead log
        self._commits = self._durable = 0
        self._suspect = False  # whether the log did not reach the disk once
        self._file: IO[str] | None = None
        self._places: dict[str, tuple[int, int] | None] = {}  # what lay there when it was opened
        self._owed: set[JobNo] = set()  # released while the store could not be written
        self.path = path
        if read_only:
            self._connection = _connect_to_read(Path(path))
            return
        if path != ":memory:":
            self._file = _take_lock(Path(path))
        try:
            self._connection = _connect(path)
        except Permanent:
            if self._file is not None:
                self._file.close()
            raise
        try:
            _refuse_newer(self._connection, path)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",  # each commit is brought to the disk all the same: by ourselves, outside the lock
                "foreign_keys=ON",
                "secure_delete=ON",
                "journal_size_limit=67108864",
                "wal_autocheckpoint=4000",  # pages: those that each mail touches anew are copied once, not four times
                "cache_size=-16000",  # KiB
                "temp_store=MEMORY",  # what a savepoint may have to undo is not written to a file
            ):
                self._connection.execute(f"pragma {pragma}")
            _migrate(self._connection)
            self._recover()
            if path != ":memory:":
                self._reader = _connect(path, read_only=True)
                self._places = {place: _file_at(place) for place in (str(path), f"{path}.lock")}
        except (Temporary, Permanent, sqlite3.DatabaseError) as error:
            damage = error.__cause__ if self._connection.damage else error
            self.close()
            if isinstance(damage, sqlite3.DatabaseError):
                raise UnusableStore(f"the store {path} cannot be opened ({damage}); restore it from a backup") from error
            raise  # disk full, say, or of a newer version: the file itself is sound

    # --- writing

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[SqliteTransaction]:
        """Begin at once as a writer: a deferred one would fail at its first write instead of waiting."""
        with self._lock:
            self._execute("begin immediate")
            try:
                yield SqliteTransaction(self._connection)
                self._need_whole()
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
            self._execute("commit")
            self._commits += 1
        if durable:
            self._make_durable()

    def _make_durable(self) -> None:
        """Bring the write-ahead log to the disk, as synchronous=FULL does, but without holding up the other loops.

        They may see meanwhile what is not on the disk yet; what they make of it stands behind it in the log, and is lost with it.
        """
        if self.path == ":memory:":
            return
        if self._suspect:
            self._begin_log_anew()
        mine = self._commits
        with self._disk:
            if self._durable >= mine:  # another loop's commit has taken ours along
                return
            together = self._commits
            try:
                if self._log < 0:
                    self._log = os.open(f"{self.path}-wal", os.O_RDONLY)
                    self._sync_folder()  # a new log whose name is lost is lost
                self._sync(self._log)
            except OSError as error:
                self._suspect = True
                raise Temporary(f"the store cannot be written: {error}") from error
            self._durable = together

    def _sync_folder(self) -> None:
        folder = os.open(Path(self.path).absolute().parent, os.O_RDONLY)
        try:
            self._sync(folder)
        finally:
            os.close(folder)

    def _begin_log_anew(self) -> None:
        """After a failed try the system may take for written what it lost: all of the log is brought into the file, which is synced."""
        with self._lock:
            if self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]:
                raise Temporary("the store cannot be written: somebody reads it without an end")
            self._suspect = False

    @contextmanager
    def reading(self) -> Iterator[SqliteTransaction]:
        """The reads of a transaction beside a daemon, for commands that only look."""
        with self._lock:
            yield SqliteTransaction(self._connection)

    def claim(self, kinds: Sequence[JobKind], now: datetime, limit: int) -> list[Job]:
        """Take due jobs in hand; people's words before ours, then the oldest. Of the marked ones the least suspect comes first."""
        self._settle()
        due = f"kind in ({marks(kinds)}) and in_hand = 0 and parked_at is null and run_at <= ?"
        with self._lock:
            marked = f"select * from job indexed by job_marked where {due} and marked = 1 order by crashes, run_at, id limit 1"
            rows = self._rows(marked, *kinds, time(now))
            if not rows:
                order = "lane, run_at, id" if JobKind.SEND in kinds else "run_at, id"  # the index gives the second without sorting
                rows = self._rows(f"select * from job where {due} order by {order} limit ?", *kinds, time(now), limit)
            if rows:
                with self.transaction(durable=False) as tx:  # a mark that went with the power is not missed: nothing was done yet
                    tx.take([JobNo(row["id"]) for row in rows])
        return [_job(row) for row in rows]

    def release(self, jobs: Sequence[Job]) -> None:
        """Put claimed jobs back untouched; where the store cannot be written now, before the next claim."""
        with self._lock:
            self._owed.update(job.number for job in jobs)
        try:
            self._settle()
        except Temporary:
            pass

    # --- reading

    def next_due(self, kinds: Sequence[JobKind]) -> datetime | None:
        """When the next job of these kinds is due."""
        sql = f"select min(run_at) as at from job where kind in ({marks(kinds)}) and in_hand = 0 and parked_at is null"
        return when(self._rows(sql, *kinds)[0]["at"])

    def in_hand(self, kinds: Sequence[JobKind]) -> int:
        """How many jobs of these kinds are in hand."""
        return int(self._rows(f"select count(*) as n from job where in_hand = 1 and kind in ({marks(kinds)})", *kinds)[0]["n"])

    def raw(self, message: MessageNo) -> RawMessage:
        """The mail as it lay in the mailbox."""
        row = self._rows_beside(
            "select m.mailbox, m.received_at, m.folder, r.body from message m join raw r on r.message = m.id where m.id = ?", message
        )[0]
        received, mailbox = moment(row["received_at"]), MailboxName(row["mailbox"])
        return RawMessage(number=message, mailbox=mailbox, received_at=received, raw=row["body"], folder=row["folder"])

    def outgoing(self, number: OutgoingNo) -> Outgoing:
        """A stored outgoing message."""
        row = self._rows_beside(
            "select o.*, w.bytes, coalesce(j.tries, 0) as tries from outgoing o join outgoing_raw w on w.outgoing = o.id"
            " left join job j on j.key = 'send:' || o.id where o.id = ?",
            number,
        )[0]
        return Outgoing(
            number=number,
            message_id=MessageId(row["message_id"]),
            purpose=row["purpose_key"],
            kind=OutgoingKind(row["kind"]),
            mailbox=MailboxName(row["mailbox"]),
            envelope_from=row["envelope_from"],
            envelope_to=tuple(json.loads(row["envelope_to"])),
            raw=row["bytes"],
            state=OutgoingState(row["state"]),
            case=row["case_id"],
            agent=row["agent"],
            created_at=moment(row["created_at"]),
            tries=row["tries"],
            ambiguous=row["ambiguous"],
        )

    def cursor(self, mailbox: MailboxName, folder: str) -> Cursor | None:
        """How far the folder was read; None before the first run."""
        rows = self._rows("select * from cursor where mailbox = ? and folder = ?", mailbox, folder)
        if not rows:
            return None
        row = rows[0]
        return Cursor(
            folder=folder,
            uidvalidity=row["uidvalidity"],
            next_uid=row["next_uid"],
            first_run_at=moment(row["first_run_at"]),
        )

    def case(self, number: CaseNo) -> Case | None:
        """A case by its number."""
        with self._lock:
            return SqliteTransaction(self._connection).case(number)

    def ledger(self, mailbox: MailboxName, folder: str) -> list[LedgerRow]:
        """Every mail ever listed in this folder, with what became of it."""
        rows = self._rows(
            "select s.uidvalidity, s.uid, s.state, s.why, s.message, m.kind, j.id as job, j.parked_at from sighting s"
            " left join message m on m.id = s.message left join job j on j.key = 'triage:' || s.message"
            " where s.mailbox = ? and s.folder = ?",
            mailbox,
            folder,
        )
        return [
            LedgerRow(
                uidvalidity=row["uidvalidity"],
                uid=row["uid"],
                state=row["state"],
                message=row["message"],
                decided=bool(row["kind"]),
                waiting=row["job"] is not None and row["parked_at"] is None,
                parked=row["parked_at"] is not None,
                dropped=row["kind"] == "dropped",
                filed=row["why"].startswith(FILED),
            )
            for row in rows
        ]

    def decisions(self, since: datetime, after: int, limit: int) -> list[PastDecision]:
        """Decisions that rules had a part in, in order, from the one after this number."""
        rows = self._rows(
            "select * from decision where id > ? and at >= ? and trace <> '[]' and message is not null order by id limit ?",
            after,
            time(since),
            limit,
        )
        return [_past(row) for row in rows]

    def parked(self) -> tuple[ParkedJob, ...]:
        """The jobs that a person must look at."""
        return tuple(
            ParkedJob(
                number=JobNo(row["id"]),
                kind=JobKind(row["kind"]),
                case=row["case_id"],
                message=row["message"],
                outgoing=row["outgoing"],
                parked_at=moment(row["parked_at"]),
                error=row["error"],
            )
            for row in self._rows("select * from job where parked_at is not null order by parked_at, id")
        )

    def corrections(self) -> list[Correction]:
        """All that people said was read wrongly, oldest first."""
        return [
            Correction(
                number=row["id"],
                at=moment(row["at"]),
                message=MessageNo(row["message"]),
                case=row["case_id"],
                by=row["agent"] or "",
                field=row["field"],
                value=row["value"],
            )
            for row in self._rows("select * from correction order by id")
        ]

    def records(self, since: datetime) -> Records:
        """All cases that something happened to since then, or that are not over, each with its whole story: what measures are made of."""
        with self._lock:
            return records(self._connection, since)

    def first_mails(self, mailbox: MailboxName | None, since: datetime, until: datetime) -> tuple[FirstMail, ...]:
        """The customers' mails that began their cases, by arrival, with what they are about."""
        with self._lock:
            return SqliteTransaction(self._connection).first_mails(mailbox, since, until)

    def look(self, sql: str, *values: object) -> list[Mapping[str, Any]]:
        """Answer a reading command (`status`, `explain CASE`, the demo's counts); never writes."""
        if not sql.lstrip().lower().startswith(("select", "with")):
            raise ValueError("look only reads")
        return [dict(row) for row in self._rows(sql, *values)]

    def need_sound(self) -> None:
        """Raise UnusableStore where the file is damaged, or is not at its place any more: what is written then is read by nobody."""
        self._need_whole()
        for path, was in self._places.items():
            if _file_at(path) != was:
                raise UnusableStore(f"{path} was replaced or removed while inboxd worked on it; stop inboxd first, then change it")

    def close(self) -> None:
        """Checkpoint and let go; never raises."""
        with self._lock:
            try:
                if self._file is not None:
                    self._connection.execute("pragma wal_checkpoint(truncate)")
                if self._reader is not None:
                    self._reader.close()
                self._connection.close()
            except (sqlite3.Error, Temporary, UnusableStore):
                pass  # the next start recovers from the log
            if self._log >= 0:
                os.close(self._log)
                self._log = -1
            if self._file is not None:
                self._file.close()

    # --- inside

    def _need_whole(self) -> None:
        """Whoever met a damaged page may have taken it for a fault of one mail: nothing of that is committed."""
        damage = self._connection.damage or (self._reader.damage if self._reader else "")
        if damage:
            raise UnusableStore(damage)

    def _settle(self) -> None:
        with self._lock:
            if self._owed:
                with self.transaction() as tx:
                    tx.put_back(tuple(self._owed))
                self._owed.clear()

    def _recover(self) -> None:
        """We are the only process: what was in hand when the last one ended is nobody's now."""
        with self.transaction() as tx:
            tx.recover(PARK_AFTER_CRASHES)

    def _rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _rows_beside(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Read what was committed, while another loop may be writing: whole mails are read without waiting for a turn."""
        if self._reader is None or self._lock.is_mine:
            return self._rows(sql, *values)
        with self._reading:
            return self._reader.execute(sql, values).fetchall()

    def _execute(self, sql: str) -> None:
        try:
            self._connection.execute(sql)
        except (Temporary, sqlite3.Error):  # nothing was written
            if self._connection.in_transaction:
                self._connection.execute("rollback")
            raise


_PASSING = frozenset(
    (
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
    )
)  # fmt: skip


_DAMAGE = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


class _Connection(sqlite3.Connection):
    """Says Temporary where the trouble is the machine's - disk full, file away - and not ours, UnusableStore where the file is damaged."""

    damage = ""  # what was found
    doing = "written"

    def execute(self, sql: str, values: Any = (), /) -> _Cursor:
        return self.cursor(_Cursor).execute(sql, values)

    def executemany(self, sql: str, rows: Any, /) -> _Cursor:
        return self.cursor(_Cursor).executemany(sql, rows)

    def ours(self, error: sqlite3.DatabaseError) -> Exception:
        """The error that the others know."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the low byte of an extended code is the plain one
        if code in _DAMAGE:
            self.damage = f"the store is damaged ({error}); restore it from a backup"
            return UnusableStore(self.damage)
        return Temporary(f"the store cannot be {self.doing}: {error}") if code in _PASSING else error


class _Cursor(sqlite3.Cursor):
    """A damaged page may come up with any row."""

    connection: _Connection

    def execute(self, sql: str, values: Any = (), /) -> _Cursor:
        try:
            return super().execute(sql, values)
        except sqlite3.DatabaseError as error:
            raise self.connection.ours(error) from error

    def executemany(self, sql: str, rows: Any, /) -> _Cursor:
        try:
            return super().executemany(sql, rows)
        except sqlite3.DatabaseError as error:
            raise self.connection.ours(error) from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.DatabaseError as error:
            raise self.connection.ours(error) from error

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except sqlite3.DatabaseError as error:
            raise self.connection.ours(error) from error

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except sqlite3.DatabaseError as error:
            raise self.connection.ours(error) from error


def _migrate(connection: sqlite3.Connection) -> None:
    import sqlite_utils  # brings numpy with it: reading commands do without

    from inboxd.adapters.sqlite.schema import MIGRATIONS

    MIGRATIONS.apply(sqlite_utils.Database(connection))


def _refuse_newer(connection: sqlite3.Connection, path: Path | str, *, to_read: bool = False) -> bool:
    """What a newer inboxd made may mean something that this one would break. Returns whether it is a store of inboxd at all.

    `to_read`: one of an older inboxd is refused, too, since it is made new only by the daemon.
    """
    if not connection.execute("select 1 from sqlite_master where name = '_sqlite_migrations'").fetchall():
        return False
    done = {row["name"] for row in connection.execute("select name from _sqlite_migrations where migration_set = 'inboxd'")}
    if unknown := sorted(done - set(MIGRATIONS_KNOWN)):
        raise UnusableStore(
            f"the store {path} was made by a newer inboxd ({', '.join(unknown)}); install that version, or restore a backup from before"
        )
    if done and to_read and len(done) < len(MIGRATIONS_KNOWN):
        raise Permanent(
            f"the store {path} is of an older inboxd, whose daemon may still run: start the new one (inboxd run), then ask again"
        )
    return bool(done)


def _connect(path: Path | str, *, read_only: bool = False) -> _Connection:
    place = f"{Path(path).absolute().as_uri()}?mode=ro" if read_only else str(path)
    try:
        connection = sqlite3.connect(
            place, uri=read_only, isolation_level=None, check_same_thread=False, timeout=30, factory=_Connection
        )  # fmt: skip
    except sqlite3.OperationalError as error:
        why = f"the store {path} cannot be opened ({error}): look whether it is a file, and of the user that inboxd runs as"
        raise Permanent(why) from error
    connection.row_factory = sqlite3.Row
    connection.doing = "read" if read_only else "written"
    return connection


def _connect_to_read(path: Path) -> _Connection:
    """Open it for a look, and look at once whether there is something to be read."""
    connection = _connect(path, read_only=True)
    try:
        if not _refuse_newer(connection, path, to_read=True):
            raise UnusableStore(f"the store {path} cannot be opened (it is none of inboxd's); restore it from a backup")
    except Temporary as error:  # only its owner may make the files that lie beside it
        connection.close()
        raise Permanent(f"the store {path} cannot be read ({error.__cause__}): ask as the user that inboxd runs as") from error
    except Permanent as error:
        connection.close()
        if connection.damage:
            raise UnusableStore(f"the store {path} cannot be opened ({error.__cause__}); restore it from a backup") from error
        raise
    return connection


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file lies there; None: none."""
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _take_lock(path: Path) -> IO[str]:
    """One process, one file: a lock that the kernel lets go when its holder dies, also by kill -9."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = open(f"{path}.lock", "a+", encoding="ascii")  # noqa: SIM115  # held open as long as the store
    except OSError as error:
        raise _state_trouble(path, error) from error
    if not _locked(lock):
        lock.seek(0)
        holder = lock.read().strip() or "?"
        lock.close()
        raise Permanent(
            f"another inboxd (process {holder}) works on {path}. Stop it first, or ask it: inboxd status, inboxd reload, inboxd parked"
        )
    try:
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        path.touch(mode=0o600)
    except OSError as error:
        lock.close()
        raise _state_trouble(path, error) from error
    return lock


def _state_trouble(path: Path, error: OSError) -> Permanent:
    return Permanent(
        f"{error.filename or path} cannot be written ({error.strerror}): state_dir must be a folder of the user that inboxd runs as"
    )


def _locked(lock: IO[str]) -> bool:
    """Whether the lock was to be had, with a little patience: one who was killed holds it until the last of its threads is gone."""
    until = clock.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if clock.monotonic() > until:
                return False
            clock.sleep(0.05)
        else:
            return True


def _past(row: sqlite3.Row) -> PastDecision:
    actions, letters = load_actions(row["actions"])
    return PastDecision(
        number=row["id"],
        message=MessageNo(row["message"]),
        case=row["case_id"],
        at=moment(row["at"]),
        ruleset=row["ruleset"],
        situation=load(Situation, row["facts_json"]),
        actions=actions,
        letters=letters,
        trace=tuple(json.loads(row["trace"])),
    )


def _job(row: sqlite3.Row) -> Job:
    return Job(
        number=JobNo(row["id"]),
        kind=JobKind(row["kind"]),
        key=row["key"],
        run_at=moment(row["run_at"]),
        case=row["case_id"],
        message=row["message"],
        outgoing=row["outgoing"],
        payload=json.loads(row["payload"]),
        tries=row["tries"],
        crashes=row["crashes"],
        marked=bool(row["marked"]),
    )
