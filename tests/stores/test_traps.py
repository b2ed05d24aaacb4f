"""Each trap that was measured in SQLite and its wrapper, as it applies to this store."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random  # noqa: TID251  # of a fixed seed
from time import perf_counter

import pytest
import sqlite_utils

from inboxd.adapters.sqlite import schema
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.adapters.sqlite.tables import MIGRATIONS_KNOWN
from inboxd.adapters.sqlite.turns import Turns
from inboxd.core.model import CaseState, JobKind, Log, MailboxName, OutgoingKind, Schedule
from inboxd.daemon.triage import triage
from inboxd.errors import Permanent, Temporary, UnusableStore
from tests.fakes import MONDAY, FakeReader
from tests.stores.builders import ACME, HOUSE, keys, opened, put_case, put_job, put_letter, put_mail
from tests.stories.day import Day

HOLD = """
import sys
from inboxd.adapters.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "inboxd.sqlite"


@pytest.fixture
def store(file: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(file)
    yield made
    made.close()


def pragma(store: SqliteStore, name: str) -> object:
    return store._connection.execute(f"pragma {name}").fetchone()[0]


# --- the file ------------------------------------------------------------------------------------------------------


def test_the_file_is_wal_and_erases_what_is_deleted(store: SqliteStore) -> None:
    assert pragma(store, "journal_mode") == "wal"
    assert pragma(store, "secure_delete") == 1
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "journal_size_limit") == 64 * 1024 * 1024
    assert pragma(store, "mmap_size") == 0


def test_what_was_committed_is_on_the_disk_before_the_next_step_and_nobody_waits_for_it(file: Path) -> None:
    """ "Sent, but not recorded" must not be lost with the power."""
    synced: list[tuple[str, int]] = []

    def sync(number: int) -> None:
        seen: list[int] = []
        if made:
            other = threading.Thread(target=lambda: seen.append(made[0].look("select count(*) as n from event")[0]["n"]))
            other.start()
            other.join(10)  # another loop reads meanwhile
        synced.append((Path(f"/proc/self/fd/{number}").readlink().name, sum(seen)))

    made: list[SqliteStore] = []
    store = SqliteStore(file, sync=sync)
    made.append(store)
    assert [name for name, _ in synced][:2] == [file.parent.name, "inboxd.sqlite-wal"]  # a new log is found again
    synced.clear()
    for count in (1, 2):
        with store.transaction() as tx:
            tx.apply([Log(kind="a")], ACME, MONDAY)
            assert len(synced) == count - 1
        assert synced[-1] == ("inboxd.sqlite-wal", count) and len(synced) == count
    with pytest.raises(ZeroDivisionError), store.transaction():
        raise ZeroDivisionError
    with store.transaction(durable=False) as tx:
        tx.apply([Log(kind="a")], ACME, MONDAY)
    assert len(synced) == 2
    with store.transaction():
        pass  # what was written before, by whomever, is on the disk with it
    assert synced[2:] == [("inboxd.sqlite-wal", 3)]
    store.close()


def test_who_writes_one_thing_after_the_other_lets_others_write_in_between() -> None:
    turns, order = Turns(), list[str]()

    def wait() -> None:
        with turns:
            order.append("the other")

    other = threading.Thread(target=wait)
    with turns, turns:
        other.start()
        while not turns._gate.locked():  # until the other stands in line
            pass
        order.append("first")
    with turns:
        order.append("again")
    other.join()
    assert order == ["first", "the other", "again"] and not turns.is_mine


def test_a_mail_is_read_while_another_loop_writes(store: SqliteStore) -> None:
    with store.transaction() as tx:
        number = put_mail(tx, 1)
    read: list[bytes] = []
    with store.transaction():
        other = threading.Thread(target=lambda: read.append(store.raw(number).raw))
        other.start()
        other.join(10)
        assert read and read[0] == store.raw(number).raw


def test_a_commit_that_did_not_reach_the_disk_is_no_commit_for_who_waits_for_it(file: Path) -> None:
    broken = False

    def sync(_: int) -> None:
        if broken:
            raise OSError(5, "Input/output error")

    store = SqliteStore(file, sync=sync)
    broken = True
    with pytest.raises(Temporary, match="Input/output"), store.transaction() as tx:
        tx.apply([Log(kind="a")], ACME, MONDAY)
    broken = False
    with store.transaction():
        pass  # what did not reach the disk is in the file itself now, which SQLite has synced
    assert Path(f"{file}-wal").stat().st_size == 0
    with sqlite3.connect(f"{file.as_uri()}?mode=ro&immutable=1", uri=True) as alone:
        assert alone.execute("select count(*) from event").fetchone() == (1,)
    alone.close()
    store.close()


def test_what_was_erased_cannot_be_read_in_the_file(file: Path) -> None:
    attached = "--x\r\nContent-Disposition: attachment; filename=secret.txt\r\n\r\n" + "what Ana attached\r\n" * 5000  # many pages
    secrets = (b"the secret of Ana", b"secret.txt", b"what Ana attached")

    def read() -> bytes:
        return b"".join(each.read_bytes() for each in file.parent.iterdir())

    store = SqliteStore(file)
    with store.transaction() as tx:
        put_mail(tx, 1, f"the secret of Ana Ruiz\r\n{attached}--x--\r\n")
    store.close()
    assert [secret for secret in secrets if secret not in read()] == []
    store = SqliteStore(file)
    with store.transaction():
        store._connection.execute("delete from raw")
    store.close()
    assert [secret for secret in secrets if secret in read()] == []


def test_the_file_is_ours_alone(store: SqliteStore, file: Path) -> None:
    with store.transaction() as tx:
        put_mail(tx, 1)
    assert file.stat().st_mode & 0o777 == 0o600
    assert Path(f"{file}-wal").stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_every_table_is_strict(store: SqliteStore) -> None:
    ours = store.look("select name, strict from pragma_table_list where type = 'table' and name not like 'sqlite_%' and schema = 'main'")
    assert len(ours) >= 17
    assert [row["name"] for row in ours if not row["strict"] and "migrations" not in row["name"]] == []


def test_a_wrong_type_is_refused(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.transaction():
        store._connection.execute("insert into cursor values ('acme', 'INBOX', 'seven', 1, 0)")


def test_a_clean_stop_leaves_no_log_behind(file: Path) -> None:
    store = SqliteStore(file)
    put_job(store, "a")
    store.close()
    store.close()  # and a second close raises nothing
    assert not Path(f"{file}-wal").exists()


def test_a_start_does_not_check_the_whole_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """quick_check took 222 s at 8.6 GB: it belongs to the nightly copy."""
    asked: list[str] = []
    connect = sqlite3.connect

    def traced(*args: object, **more: object) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*args, **more)  # type: ignore[call-overload]
        made.set_trace_callback(asked.append)
        return made

    monkeypatch.setattr(sqlite3, "connect", traced)
    SqliteStore(file).close()
    assert any("journal_mode" in sql for sql in asked)
    assert [sql for sql in asked if "check" in sql.lower() and "checkpoint" not in sql.lower()] == []


# --- one process, one connection, one lock -------------------------------------------------------------------------


def test_a_second_store_on_the_file_is_refused_with_the_holders_number(store: SqliteStore, file: Path) -> None:
    import os

    with pytest.raises(Permanent, match=rf"another inboxd \(process {os.getpid()}\) works on .*inboxd status"):
        SqliteStore(file)
    put_job(store, "the first works on")


def test_a_start_waits_for_one_who_is_just_ending(store: SqliteStore, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(_seconds: float) -> None:  # a killed process keeps its lock until the last of its threads is gone
        store.close()

    monkeypatch.setattr("inboxd.adapters.sqlite.store.clock.sleep", meanwhile)
    SqliteStore(file).close()


def test_another_process_is_refused_until_the_holder_is_killed(file: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(Permanent, match=rf"process {holder.pid}\)"):
            SqliteStore(file)
    finally:
        holder.kill()  # kill -9
        holder.communicate()
    store = SqliteStore(file)
    put_job(store, "a")
    store.close()


def test_a_refused_store_lets_the_lock_go(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"this is not a database at all" * 200)
    for _ in range(2):
        with pytest.raises(Permanent, match="backup"):
            SqliteStore(file)


def test_reading_beside_a_writer_sees_what_is_committed_and_cannot_write(store: SqliteStore, file: Path) -> None:
    put_job(store, "a")
    beside = SqliteStore(file, read_only=True)
    with store.transaction() as tx:
        tx.schedule(Schedule(kind=JobKind.ASK, key="b", at=MONDAY))
        assert [row["key"] for row in beside.look("select key from job")] == ["a"]
    assert [row["key"] for row in beside.look("select key from job order by key")] == ["a", "b"]
    with pytest.raises(Temporary, match="readonly"), beside.transaction() as tx:
        tx.schedule(Schedule(kind=JobKind.ASK, key="c", at=MONDAY))
    beside.close()
    put_job(store, "the writer is not hurt")


def test_reading_works_while_no_daemon_runs_and_in_a_folder_with_a_strange_name(tmp_path: Path) -> None:
    file = tmp_path / "100% Größe? #1" / "inboxd.sqlite"
    store = SqliteStore(file)
    put_job(store, "a")
    store.close()
    beside = SqliteStore(file, read_only=True)
    assert [row["key"] for row in beside.look("select key from job")] == ["a"]
    beside.close()


def test_many_threads_write_without_losing_or_waiting_for_ever(store: SqliteStore) -> None:
    failed: list[BaseException] = []

    def write(thread: int) -> None:
        try:
            for number in range(25):
                with store.transaction() as tx:
                    tx.schedule(Schedule(kind=JobKind.ASK, key=f"{thread}:{number}", at=MONDAY))
                store.next_due(HOUSE)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert failed == []
    assert store.look("select count(*) as n from job")[0]["n"] == 200


def test_two_claimers_never_get_the_same_job(store: SqliteStore) -> None:
    for number in range(60):
        put_job(store, f"{number}")
    got: list[str] = []

    def claim() -> None:
        while jobs := store.claim(HOUSE, MONDAY, 4):
            got.extend(keys(jobs))

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 60 == len(set(got))


def test_one_threads_rollback_does_not_take_anothers_write_with_it(store: SqliteStore) -> None:
    inside, go = threading.Event(), threading.Event()

    def fail() -> None:
        with pytest.raises(RuntimeError), store.transaction() as tx:  # noqa: PT012
            tx.schedule(Schedule(kind=JobKind.ASK, key="undone", at=MONDAY))
            inside.set()
            go.wait(10)
            raise RuntimeError

    failing = threading.Thread(target=fail)
    failing.start()
    inside.wait(10)
    writing = threading.Thread(target=put_job, args=(store, "kept"))
    writing.start()
    go.set()
    failing.join(10)
    writing.join(10)
    assert keys(store.claim(HOUSE, MONDAY, 9)) == ["kept"]


# --- transactions --------------------------------------------------------------------------------------------------


def test_a_transaction_is_a_writers_from_its_beginning(store: SqliteStore, file: Path) -> None:
    """A deferred one would read first and fail at its first write, without waiting, if somebody wrote in between."""
    other = sqlite3.connect(file, timeout=0, isolation_level=None)
    with store.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("begin immediate")
    other.execute("begin immediate")
    other.execute("rollback")
    other.close()


def test_no_statement_leaves_a_transaction_open(store: SqliteStore) -> None:
    put_job(store, "a")
    with store.transaction() as tx:
        put_mail(tx, 1)
        put_letter(tx, "p")
    assert not store._connection.in_transaction
    for ask in (lambda: store.claim(HOUSE, MONDAY, 9), lambda: store.next_due(HOUSE), store.parked, lambda: store.look("select 1")):
        ask()
        assert not store._connection.in_transaction


def test_a_transaction_inside_another_is_a_bug_of_ours_and_undoes_both(store: SqliteStore) -> None:
    with pytest.raises(sqlite3.OperationalError, match="within a transaction"), store.transaction() as tx:  # noqa: PT012
        tx.schedule(Schedule(kind=JobKind.ASK, key="a", at=MONDAY))
        with store.transaction():
            pass
    assert store.next_due(HOUSE) is None


# --- migrations ----------------------------------------------------------------------------------------------------


def test_migrations_run_once(file: Path) -> None:
    for _ in range(3):
        SqliteStore(file).close()
    store = SqliteStore(file, read_only=True)
    assert [row["name"] for row in store.look("select name from _sqlite_migrations order by id")] == [
        "first",
        "automatic_mail_by_time",
        "backlog_and_lent_cases",
        "sightings_by_message",
        "upset_cases_of_a_day",
        "cases_that_became_one",
        "absences_said_by_mail",
        "promises_of_agents",
        "people_joined_and_parted",
        "practice_signatures_and_mentors",
        "what_mails_are_about",
        "known_issues",
        "words_of_known_issues_by_language",
        "bytes_apart_from_their_state",
        "loads_of_agents",
    ]
    store.close()


def test_a_migration_is_carried_out_whole_or_not_at_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(schema, "TABLES", schema.TABLES + "create table second (id integer) strict;\ncreate nonsense;\n")
        with pytest.raises(Permanent):
            SqliteStore(file)
        left = sqlite3.connect(file)
        assert [name for (name,) in left.execute("select name from sqlite_master") if name in ("person", "job", "second")] == []
        left.close()
    store = SqliteStore(file)
    put_job(store, "a")
    store.close()


def test_who_worked_here_before_newcomers_were_greeted_is_none(file: Path) -> None:
    store = SqliteStore(file)
    with store.transaction() as tx:
        for kind, agent in ((OutgoingKind.ROUTED, "maria"), (OutgoingKind.NOTICE, "petra"), (OutgoingKind.REPLY, "tom")):
            put_letter(tx, f"p:{agent}", kind, agent=agent)
    store.close()
    old = sqlite3.connect(file)
    for table in ("greeted", "signature", "held_words"):
        old.execute(f"drop table {table}")
    old.execute("drop index message_words")
    old.execute("delete from _sqlite_migrations where name = 'practice_signatures_and_mentors'")
    old.commit()
    old.close()
    store = SqliteStore(file)
    with store.transaction() as tx:
        assert tx.greeted() == {"maria", "tom"}, "the lead gets notices while a mailbox only watches"
    store.close()


# --- broken and full disks -----------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_with_the_way_out(file: Path) -> None:
    SqliteStore(file).close()
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(Permanent, match=r"cannot be opened .*restore it from a backup"):
        SqliteStore(file)


def test_a_corrupt_page_is_refused_with_the_way_out(file: Path) -> None:
    store = SqliteStore(file)
    put_job(store, "a")
    store.close()
    data = bytearray(file.read_bytes())
    data[100:200] = b"\xff" * 100  # the page that holds the schema
    file.write_bytes(data)
    with pytest.raises(Permanent, match="backup"):
        SqliteStore(file)


def test_reading_says_the_same_of_a_broken_file_as_the_daemon_does(file: Path) -> None:
    SqliteStore(file).close()
    file.write_bytes(b"garbage" * 1000)
    with pytest.raises(UnusableStore, match=r"cannot be opened .*restore it from a backup"):
        SqliteStore(file, read_only=True)
    file.unlink()
    other = sqlite3.connect(file)
    other.execute("create table message (x)")
    other.close()
    with pytest.raises(UnusableStore, match="none of inboxd's"):
        SqliteStore(file, read_only=True)


def test_a_store_of_a_newer_version_is_neither_written_nor_read(file: Path) -> None:
    SqliteStore(file).close()
    newer = sqlite3.connect(file)
    newer.execute("insert into _sqlite_migrations (migration_set, name) values ('inboxd', 'of_next_year')")
    newer.commit()
    newer.close()
    for read_only in (False, True):
        with pytest.raises(UnusableStore, match=r"made by a newer inboxd \(of_next_year\)"):
            SqliteStore(file, read_only=read_only)


def test_a_store_of_an_older_version_is_read_only_once_the_daemon_has_brought_it_up_to_date(file: Path) -> None:
    SqliteStore(file).close()
    older = sqlite3.connect(file)
    older.execute("delete from _sqlite_migrations where name = ?", (MIGRATIONS_KNOWN[-1],))
    older.commit()
    older.close()
    with pytest.raises(Permanent, match=r"of an older inboxd.* start the new one"):
        SqliteStore(file, read_only=True)


def test_every_migration_is_known_to_who_only_reads() -> None:
    assert tuple(each.name for each in schema.MIGRATIONS.pending(sqlite_utils.Database(memory=True))) == MIGRATIONS_KNOWN


@pytest.mark.parametrize("place", ["inboxd.sqlite", "inboxd.sqlite.lock"])
def test_a_place_where_no_store_can_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir()
    with pytest.raises(Permanent, match=place):
        SqliteStore(tmp_path / "inboxd.sqlite")
    with pytest.raises(Permanent, match="cannot be written"):
        SqliteStore(_a_file(tmp_path / "state") / "inboxd.sqlite")


def _a_file(path: Path) -> Path:
    path.write_text("no folder", encoding="utf-8")
    return path


def damage(store: SqliteStore, file: Path) -> None:
    """Break the page of the jobs under the open store."""
    store._connection.execute("pragma wal_checkpoint(truncate)")
    size, page = int(str(pragma(store, "page_size"))), store.look("select rootpage from sqlite_master where name = 'job'")[0]["rootpage"]
    data = bytearray(file.read_bytes())
    data[(page - 1) * size : page * size] = b"\xff" * size
    with file.open("r+b") as opened_file:
        opened_file.write(data)
    store._connection.execute("pragma shrink_memory")


def test_damage_that_comes_up_while_running_is_named_and_nothing_is_committed_after_it(store: SqliteStore, file: Path) -> None:
    put_job(store, "a")
    damage(store, file)
    with pytest.raises(UnusableStore, match=r"the store is damaged .*restore it from a backup"):
        store.look("select * from job")
    with pytest.raises(UnusableStore), store.transaction() as tx:
        tx.apply([Log(kind="x", data={})], ACME, MONDAY)
    assert store.look("select count(*) as n from event")[0]["n"] == 0
    with pytest.raises(UnusableStore):
        store.need_sound()


@pytest.mark.parametrize("what", ["", ".lock"])
def test_a_store_that_was_taken_away_is_noticed(store: SqliteStore, file: Path, what: str) -> None:
    store.need_sound()
    taken = Path(f"{file}{what}")
    taken.rename(f"{taken}.old")
    with pytest.raises(UnusableStore, match="replaced or removed"):
        store.need_sound()
    taken.touch()
    with pytest.raises(UnusableStore, match="replaced or removed"):
        store.need_sound()


def fill(store: SqliteStore) -> None:
    """No page more than there are: what a full disk does."""
    store._connection.execute(f"pragma max_page_count = {pragma(store, 'page_count')}")


def empty(store: SqliteStore) -> None:
    store._connection.execute("pragma max_page_count = 1000000")


def grow(store: SqliteStore) -> None:
    with store.transaction() as tx:
        for number in range(200):
            tx.apply([Log(kind="grow", data={"text": "x" * 500, "n": number})], ACME, MONDAY)


def test_a_full_disk_is_temporary_and_leaves_nothing_half_written(store: SqliteStore) -> None:
    put_job(store, "before")
    fill(store)
    with pytest.raises(Temporary, match="full"):
        grow(store)
    assert not store._connection.in_transaction
    assert store.look("select count(*) as n from event")[0]["n"] == 0
    assert store.next_due(HOUSE) == MONDAY  # reading goes on
    empty(store)
    grow(store)
    assert store.look("select count(*) as n from event")[0]["n"] == 200
    assert store._connection.execute("pragma integrity_check").fetchone()[0] == "ok"


def test_a_full_disk_inside_a_savepoint_ends_the_whole_transaction(store: SqliteStore) -> None:
    """SQLite may have rolled back all of it by then: whoever went on would write outside any transaction."""
    fill(store)
    with pytest.raises(Temporary), store.transaction() as tx:  # noqa: PT012
        put_case(tx, opened())
        with tx.savepoint():
            for number in range(200):
                tx.apply([Log(kind="grow", data={"text": "x" * 500, "n": number})], ACME, MONDAY)
    assert store.look("select count(*) as n from cases")[0]["n"] == 0
    assert store.look("select count(*) as n from event")[0]["n"] == 0


def test_a_full_disk_at_the_start_is_not_called_a_broken_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_db: object) -> None:
        raise Temporary("the store cannot be written: database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(schema.MIGRATIONS, "apply", full)
        with pytest.raises(Temporary, match="full"):
            SqliteStore(file)
    SqliteStore(file).close()  # the lock was let go


def test_jobs_released_while_the_disk_is_full_come_back_with_the_next_claim(store: SqliteStore) -> None:
    put_job(store, "a")
    jobs = store.claim(HOUSE, MONDAY, 9)
    real = store.transaction

    def full() -> object:
        raise Temporary("full")

    store.transaction = full  # type: ignore[assignment,method-assign]
    store.release(jobs)
    with pytest.raises(Temporary):
        store.claim(HOUSE, MONDAY, 9)
    store.transaction = real  # type: ignore[method-assign]
    assert keys(store.claim(HOUSE, MONDAY, 9)) == ["a"]


def test_triage_on_a_full_disk_loses_nothing_and_works_again_after_space(file: Path) -> None:
    day = Day(store_path=file, reader=FakeReader())
    for number in range(6):
        day.write(f"c{number}@customers.example", "Lamp", "Where is my lamp? " * 300, run=False)
    from inboxd.daemon.fetch import fetch

    fetch(day.source, day.store, day.clock)
    fill(day.store)
    with pytest.raises(Temporary):
        triage(day.office)
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 0
    empty(day.store)
    day.run()
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 6
    assert day.store.parked() == ()
    day.store.close()


# --- speed ---------------------------------------------------------------------------------------------------------


def plan(store: SqliteStore, kinds: tuple[JobKind, ...]) -> list[str]:
    """How SQLite goes about the statements that a claim really makes."""
    asked: list[str] = []
    store._connection.set_trace_callback(asked.append)
    store.release(store.claim(kinds, MONDAY, 20))
    store._connection.set_trace_callback(None)
    selects = [sql for sql in asked if sql.startswith("select * from job")]
    return [row[3] for sql in selects for row in store._connection.execute(f"explain query plan {sql}")]


def test_a_claim_goes_by_the_index_and_stays_quick_with_20_000_jobs_ahead() -> None:
    store = SqliteStore(":memory:")
    with store.transaction() as tx:
        for number in range(20_000):
            tx.schedule(Schedule(kind=JobKind.ASK, key=f"ahead:{number}", at=MONDAY + timedelta(days=1, seconds=number)))
        for uid in range(50):
            put_mail(tx, uid)
    for kinds in ((JobKind.TRIAGE,), (JobKind.SEND,), HOUSE):
        steps = plan(store, kinds)
        assert steps and all("USING INDEX job_" in step or "TEMP B-TREE" in step for step in steps), steps
        assert not any(step.startswith("SCAN") for step in steps), steps
        assert "job_marked" in steps[0]  # a backlog is not searched for marked jobs at each claim
    assert not any("TEMP B-TREE" in step for step in plan(store, (JobKind.TRIAGE,))[-1:])  # a backlog is not sorted at each claim
    spent = []
    for _ in range(20):
        begin = perf_counter()
        assert store.claim(HOUSE, MONDAY, 20) == []
        (job,) = store.claim((JobKind.TRIAGE,), MONDAY, 1)
        store.next_due((JobKind.TRIAGE,))
        with store.transaction() as tx:
            tx.done(job)
        spent.append(perf_counter() - begin)
    assert sorted(spent)[10] < 0.02  # measured: under 1 ms
    store.close()


def test_looking_up_threads_and_contacts_goes_by_an_index(store: SqliteStore) -> None:
    for sql in (
        "select * from outgoing where message_id in ('a', 'b')",
        "select case_id from thread_id where message_id in ('a', 'b')",
        "select id from message where content_hash = 'a'",
        "select received_at from message where person = 1 and contact = 1 and received_at >= 0",
        "select * from cases where customer = 1 and id < 5",
        "select * from outgoing where case_id = 1 and kind = 'routed'",
        "select * from event where mailbox = 'acme' and at >= 0 and kind in ('a')",
        "select kind from job where case_id = 1 and parked_at is null",
        "select state from sighting where mailbox = 'a' and folder = 'b' and identity = 'c' and identity <> '' and size = 1",
    ):
        steps = [row[3] for row in store._connection.execute(f"explain query plan {sql}")]
        assert all("INDEX" in step or "PRIMARY KEY" in step for step in steps if "SCAN" in step or "SEARCH" in step), (sql, steps)
        assert not any(step.startswith("SCAN") for step in steps), (sql, steps)


def test_open_cases_are_counted_as_they_change_and_never_drift(store: SqliteStore) -> None:
    chance = Random(7)
    with store.transaction() as tx:
        for number in range(5):
            put_case(tx, opened(1001 + number, 1))
    for _ in range(300):
        state, who, case = chance.choice(list(CaseState)), chance.choice(["maria", "tom", None]), 1001 + chance.randrange(5)
        store._connection.execute("update cases set state = ?, assignee = ? where id = ?", (state, who, case))
        counted = "select assignee, count(*) as n from cases where state = 'open' and assignee is not null group by assignee"
        with store.reading() as tx:
            assert tx.loads() == {row["assignee"]: row["n"] for row in store.look(counted)}


def test_a_mailbox_of_another_name_is_another_mailbox(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened())
        put_letter(tx, "p", OutgoingKind.FOLLOW_UP)
        assert tx.open_cases(MailboxName("other")) == ()
        assert tx.counts(MailboxName("other"), "nobody@x.example", None, MONDAY).mailbox_automatic_10_minutes == 0
