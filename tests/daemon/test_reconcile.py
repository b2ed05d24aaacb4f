"""Reconcile: nothing in a mailbox stays overlooked; it is done daily, on request, and by command."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inboxd import logs
from inboxd.adapters.imap import ImapMailbox
from inboxd.bootstrap import STORE_FILE
from inboxd.cli import app
from inboxd.config import ServerSettings
from inboxd.core.reconcile import Account
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.reconcile import account, check_daily, last_checked, repair
from inboxd.daemon.triage import triage
from tests.daemon.test_supervise import BOUND
from tests.daemon.world import OddMailbox, calm, mail
from tests.fakes import FakeReader
from tests.servers import PASSWORD, Dovecot, a_place, missing
from tests.stories.day import ACME, Day
from tests.trouble.ward import INBOX, Ward


@pytest.fixture
def day() -> Day:
    return Day(reader=calm(), mailbox=OddMailbox())


def raises(_text: object) -> None:
    raise ZeroDivisionError("a bug of ours")


def overlooked(day: Day, number: int) -> int:
    """A mail below the cursor that was never listed."""
    uid = day.mailbox.put(mail(number), day.at())
    cursor = day.store.cursor(ACME, "INBOX")
    assert cursor is not None
    with day.store.transaction() as tx:
        tx.move_cursor(ACME, type(cursor)(folder="INBOX", uidvalidity=1, next_uid=uid + 1, first_run_at=cursor.first_run_at))
    return uid


def undecided(day: Day, number: int) -> None:
    """A mail that was stored, and whose job is gone, as no code of ours would do it."""
    day.mailbox.put(mail(number), day.at())
    fetch(day.source, day.store, day.clock)
    day.store._connection.execute("delete from job where kind = 'triage'")


def messages(day: Day) -> int:
    return int(day.store.look("select count(*) as n from message where kind <> ''")[0]["n"])


def test_before_the_first_run_nothing_is_expected(day: Day) -> None:
    assert account(Source(name=ACME, mailbox=day.mailbox, folder="Elsewhere"), day.store) == Account()


def test_a_day_of_all_kinds_of_mail_is_accounted_for(day: Day) -> None:
    for number in (1, 2):
        day.mailbox.put(mail(number), day.at())
    day.mailbox.put(mail(1), day.at())
    day.run()
    day.mailbox.mails.pop(2)  # a colleague filed it
    day.mailbox.put(mail(3), day.at())
    found = account(day.source, day.store)
    assert found.explained
    assert found.counts == {"known copy": 1, "stored": 1, "stored, since moved or deleted by a person": 1}
    assert found.new == 1


def test_an_overlooked_mail_is_found_taken_in_and_routed_once(day: Day) -> None:
    uid = overlooked(day, 1)
    day.run()
    assert messages(day) == 0
    found = account(day.source, day.store)
    assert (found.missing, found.explained) == ((uid,), False)
    assert repair(day.source, day.store, day.clock, found) == 1
    assert repair(day.source, day.store, day.clock, found) == 0
    day.run()
    assert messages(day) == 1
    assert len([o for o in day.mailer.delivered if o.kind == "routed"]) == 1
    assert account(day.source, day.store).explained


def test_a_mail_that_nobody_decided_about_gets_its_job_back(day: Day) -> None:
    undecided(day, 1)
    found = account(day.source, day.store)
    assert len(found.undecided) == 1
    assert repair(day.source, day.store, day.clock, found) == 1
    day.run()
    assert messages(day) == 1
    assert account(day.source, day.store) == Account(counts={"stored": 1})


def test_what_is_parked_or_given_up_by_a_person_is_explained() -> None:
    day = Day(reader=FakeReader(scores=raises))  # type: ignore[arg-type]
    day.write("Ann <ann@x.example>", "Lamp", "broken")
    assert account(day.source, day.store).counts == {"parked": 1}
    (job,) = day.store.parked()
    with day.store.transaction() as tx:
        assert tx.drop(job.number, day.at())
    found = account(day.source, day.store)
    assert (found.counts, found.explained) == ({"given up by a person": 1}, True)


def test_numbered_anew_is_for_the_next_fetch_to_sort_out(day: Day) -> None:
    day.mailbox.put(mail(1), day.at())
    day.run()
    day.mailbox.renumber()
    found = account(day.source, day.store)
    assert (found.missing, found.new, found.explained) == ((), 1, True)
    day.run()
    assert account(day.source, day.store).counts == {"known copy": 1, "stored": 1}


def test_the_daily_look_mends_and_says_so_and_is_remembered(day: Day) -> None:
    overlooked(day, 1)
    undecided(day, 2)
    log = io.StringIO()
    logs.to(log)
    try:
        assert last_checked(day.source, day.store, day.at()) is None
        assert not check_daily(day.source, day.store, day.clock).explained
        assert check_daily(day.source, day.store, day.clock).explained
    finally:
        logs.to(None)
    assert "error mailbox.unexplained mailbox=acme missing=1 undecided=1 mended=2" in log.getvalue()
    assert "mailbox.reconciled mailbox=acme folder=INBOX mails=2" in log.getvalue()
    assert last_checked(day.source, day.store, day.at()) == day.at()
    assert last_checked(Source(name=ACME, mailbox=day.mailbox, folder="Junk"), day.store, day.at()) is None
    assert triage(day.office) == 2


# --- by itself ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(folder=tmp_path)
    yield made
    made.end()


def skipped(ward: Ward) -> None:
    """Two mails come; the ledger and the cursor forget the first one."""
    for number in (1, 2):
        ward.server.deliver(mail(number))
    ward.look()
    ward.routed()
    ward.routed()
    with ward.day.store.transaction():
        for sql in (
            "delete from sighting where uid = 1",
            "update message set content_hash = 'other' where id = (select min(id) from message)",
        ):
            ward.day.store._connection.execute(sql)
    ward.box.waiting.get(timeout=BOUND)


def test_each_day_the_daemon_looks_by_itself_and_mends(ward: Ward) -> None:
    ward.begin()
    skipped(ward)
    ward.clock.move(timedelta(hours=23))
    ward.look()
    ward.box.waiting.get(timeout=BOUND)
    assert "mailbox.unexplained" not in ward.log.getvalue()
    ward.clock.move(timedelta(hours=1))
    ward.look()
    ward.box.waiting.get(timeout=BOUND)
    assert "error mailbox.unexplained mailbox=acme missing=1 undecided=0 mended=1" in ward.log.getvalue()
    ward.clock.move(timedelta(hours=24))
    ward.look()
    ward.box.waiting.get(timeout=BOUND)
    assert ward.log.getvalue().count("mailbox.unexplained") == 1
    assert ward.log.getvalue().count("mailbox.reconciled") == 1


def test_a_daemon_that_is_started_each_night_still_looks(ward: Ward) -> None:
    check_daily(ward.day.source, ward.day.store, ward.clock)
    ward.clock.move(timedelta(hours=25))
    before = ward.log.getvalue().count("mailbox.reconciled")
    ward.begin()
    assert ward.log.getvalue().count("mailbox.reconciled") == before + 1


def test_a_clock_that_was_put_back_does_not_end_the_daily_look(ward: Ward) -> None:
    ward.begin()
    ward.clock.move(timedelta(days=-100))
    for _ in range(2):
        ward.look()
        ward.box.waiting.get(timeout=BOUND)
    assert ward.log.getvalue().count("mailbox.reconciled") == 1


# --- by command --------------------------------------------------------------------------------------------------------------


def settings_at(ward: Ward) -> list[str]:
    """Settings of the server on the loopback, as an operator has them."""
    (ward.folder / "password").write_text(ward.server.password)
    (ward.folder / "password").chmod(0o600)
    path = ward.folder / "inboxd.yaml"
    server = f"{{host: localhost, port: {ward.server.port}, user: support, tls: no, password: {{file: password}}}}"
    box = f"  acme:\n    address: support@acme.example\n    imap: {server}\n    smtp: {{host: localhost, tls: no}}\n"
    path.write_text(f"admin: admin@acme.example\nmailboxes:\n{box}")
    return ["--config", str(path)]


def command(config: list[str], *options: str) -> Result:
    return CliRunner().invoke(app, ["reconcile", *config, *options])


def test_the_command_beside_a_running_daemon_finds_and_has_the_daemon_mend(ward: Ward) -> None:
    config = settings_at(ward)
    ward.begin()
    well = command(config)
    assert (well.exit_code, well.stdout) == (0, "acme, INBOX: all accounted for\n")
    skipped(ward)
    with ward.control():
        done = command(config)
        assert done.exit_code == 1
        assert "acme, INBOX: NOT all accounted for\n" in done.stdout
        assert "        1  stored\n" in done.stdout
        assert "  missing in the ledger: UID 1\n" in done.stdout
        assert "mend it: inboxd reconcile --repair" in done.stdout
        (row,) = json.loads(command(config, "--json").stdout)
        assert (row["mailbox"], row["folder"], row["explained"], row["missing"]) == ("acme", "INBOX", False, [1])
        asked = command(config, "--repair")
        assert "asked the running daemon" in asked.stderr
        assert asked.exit_code == 0  # it waits until the daemon has done it
        assert command(config).exit_code == 0
    assert INBOX not in ward.daemon.health


def test_the_command_mends_by_itself_where_no_daemon_runs(tmp_path: Path) -> None:
    ward = Ward(folder=tmp_path)
    config = settings_at(ward)
    ward.begin()
    skipped(ward)
    ward.daemon.stopping.set()
    ward.box.wake()
    ward.daemon.finish()
    logs.to(None)
    try:
        assert command(config).exit_code == 1
        done = command(config, "--repair")
        assert done.exit_code == 0
        assert done.stderr.startswith("message.stored mailbox=acme message=3 bytes=")
        assert "waiting to be read" in done.stdout
        assert command(config).exit_code == 0
    finally:
        ward.server.stop()
        logs.to(None)


def test_a_server_that_is_away_is_said_in_one_line_and_may_be_tried_later(ward: Ward) -> None:
    config = settings_at(ward)
    ward.server.stop()
    done = command(config)
    assert done.exit_code == 75
    assert done.stderr.startswith("inboxd: localhost:")
    assert "no connection" in done.stderr
    assert (ward.folder / "state" / STORE_FILE).exists()


# --- against a real server -----------------------------------------------------------------------------------------------------


def test_a_real_mailbox_is_accounted_for_and_an_overlooked_mail_is_taken_in(day: Day) -> None:
    if why := missing():
        pytest.skip(why)
    with a_place() as place:
        dovecot = Dovecot.start(place / "dovecot", users=["support"])
        server = ServerSettings(host="localhost", port=dovecot.imaps_port, user="support", tls="yes", ca_file=dovecot.cert)
        dovecot.doveadm("mailbox", "create", "-u", "support", "Real")
        box = ImapMailbox(server, lambda: PASSWORD, "Real", max_bytes=100_000, timeout=10)
        source = Source(name=ACME, mailbox=box, folder="Real")
        try:
            put(place, 1)
            fetch(source, day.store, day.clock)  # the first run
            for number in (2, 3, 4):
                put(place, number)
            assert fetch(source, day.store, day.clock) == 3
            triage(day.office)
            assert account(source, day.store).counts == {"before the first run": 1, "stored": 3}
            day.store._connection.execute("delete from sighting where uid = 3")
            day.store._connection.execute("update message set content_hash = 'other' where id = 2")
            dovecot.doveadm("expunge", "-u", "support", "mailbox", "Real", "uid", "4")
            found = account(source, day.store)
            assert found.missing == (3,)
            assert found.counts["stored, since moved or deleted by a person"] == 1
            assert repair(source, day.store, day.clock, found) == 1
            triage(day.office)
            assert account(source, day.store).explained
        finally:
            box.close()
            dovecot.stop()


def put(place: Path, number: int) -> None:
    """A mail, delivered by the server itself."""
    command = ["doveadm", "-c", str(place / "dovecot" / "dovecot.conf"), "save", "-u", "support", "-m", "Real"]
    subprocess.run(command, input=mail(number), check=True, timeout=20)
