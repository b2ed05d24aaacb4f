"""When something does not work: one clear state, the admin told once, recovery by itself, and nothing lost."""

from __future__ import annotations

import shutil
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxd.adapters.smtp import SmtpMailer
from inboxd.bootstrap import room_in
from inboxd.cli import app
from inboxd.config import ServerSettings
from inboxd.core.model import MailboxName, Outgoing, OutgoingKind, Verdict
from inboxd.errors import Permanent
from inboxd.ports import Mailer
from tests.adapters.fake_imap import FakeImap
from tests.adapters.test_smtp import Post, only_s3cret, served
from tests.daemon.test_supervise import BOUND
from tests.daemon.world import mail
from tests.fakes import MONDAY
from tests.servers import free_port
from tests.stories.day import ACME, Day
from tests.stories.steps import ANA, answered, question, resolved
from tests.trouble.certificates import make_expired, make_good
from tests.trouble.ward import ADMIN, INBOX, Ward, until


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    made = Ward(folder=tmp_path)
    yield made
    made.end()


@dataclass(frozen=True)
class Case:
    """How it breaks, what is said of it, whether trying at once again is useless, and how it is mended."""

    breaks: Callable[[Ward], object]
    says: str
    mended: Callable[[Ward], object]
    only_a_person: bool = False


def wrong_password(ward: Ward) -> None:
    ward.box.now = ward.imap(password=lambda: "wrong")


def no_password_file(ward: Ward) -> None:
    def read() -> str:
        raise Permanent("the password file secrets/imap_password cannot be read (No such file or directory)")

    ward.box.now = ward.imap(password=read)


def expired_certificate(ward: Ward) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for this test")
    old, good = make_expired(ward.folder / "old"), make_good(ward.folder / "good")
    trusted = ward.folder / "trusted.pem"
    trusted.write_text(old[0].read_text() + good[0].read_text())
    ward.server.tls, ward.server.implicit = context(old), True
    ward.box.now = ward.imap(tls="yes", ca_file=trusted)


def renewed_certificate(ward: Ward) -> None:
    ward.server.tls = context((ward.folder / "good" / "cert.pem", ward.folder / "good" / "key.pem"))


def context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    return made


def unknown_name(ward: Ward) -> None:
    ward.box.now = ward.imap(host="mail.invalid")  # RFC 6761: never resolved


def away(ward: Ward) -> None:
    ward.box.now = ward.imap(port=free_port())


def suspended(ward: Ward) -> None:
    hole = socket.create_server(("127.0.0.1", 0))  # connections are made and nothing ever comes
    ward.box.now = ward.imap(host="127.0.0.1", port=hole.getsockname()[1])
    ward.hole = hole  # type: ignore[attr-defined]  # kept open as long as the ward


def folder_gone(ward: Ward) -> None:
    ward.server.examine_reply = "NO [NONEXISTENT] Mailbox does not exist"
    ward.box.now = ward.imap()


def folder_back(ward: Ward) -> None:
    ward.server.examine_reply = ""


def back(ward: Ward) -> None:
    ward.box.now = ward.imap()


CASES = {
    "wrong password": Case(wrong_password, "login refused: [AUTHENTICATIONFAILED]", back, only_a_person=True),
    "no password file": Case(no_password_file, "password file", back, only_a_person=True),
    "expired certificate": Case(
        expired_certificate,
        "the certificate cannot be verified (certificate has expired); the server needs a new one",
        renewed_certificate,
        only_a_person=True,
    ),
    "DNS gone": Case(unknown_name, "mail.invalid:", back),
    "server away": Case(away, "no connection (Connection refused)", back),
    "server suspended": Case(suspended, "connected, but the server said nothing", back),
    "folder gone": Case(folder_gone, "is there a folder 'INBOX'?", folder_back, only_a_person=True),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_trouble_with_the_mailbox_is_one_clear_state_told_once_and_passes_by_itself(ward: Ward, case: Case) -> None:
    ward.begin()
    before = ward.daemon.synced[INBOX]
    ward.clock.move(timedelta(minutes=1))
    case.breaks(ward)
    pause = ward.meet()
    assert pause >= 60 if case.only_a_person else pause <= 2
    assert list(ward.daemon.health) == [INBOX]
    assert case.says in ward.daemon.health[INBOX]
    for trace in ("Traceback", "Error(", "File ", "\n", ward.server.password):
        assert trace not in ward.daemon.health[INBOX]
    ward.pass_(minutes=9)
    assert ward.told() == []
    ward.pass_(minutes=1)
    ward.pass_(minutes=60)
    (told,) = ward.told()
    assert "fetching mail from INBOX of acme" in told
    assert ward.daemon.health[INBOX].split(" (")[0] in " ".join(told.split())
    assert ward.daemon.synced[INBOX] == before  # only success moves it
    uid = ward.server.deliver(mail(1))
    case.mended(ward)
    ward.well()
    assert ward.daemon.health == {}
    assert ward.daemon.synced[INBOX] > before
    assert uid == 1
    assert ward.routed().case is not None
    assert len(ward.told()) == 1
    assert ward.log.getvalue().count("error trouble.lasts") == 1
    assert "trouble.over" in ward.log.getvalue()


def test_trouble_that_comes_again_is_told_again(ward: Ward) -> None:
    ward.begin()
    for count in (1, 2):
        away(ward)
        ward.meet()
        ward.pass_(minutes=10)
        assert len(ward.told()) == count
        back(ward)
        ward.well()
        ward.pass_(minutes=1)


def test_trouble_that_passes_within_minutes_is_nobodys_business(ward: Ward) -> None:
    ward.begin()
    away(ward)
    ward.meet()
    ward.pass_(minutes=9)
    back(ward)
    ward.well()
    ward.pass_(minutes=14)
    assert ward.told() == []


# --- what an operator sees -------------------------------------------------------------------------------------------------


def settings_of(ward: Ward) -> list[str]:
    given = ["--address", "support@acme.example", "--imap-host", "localhost", "--smtp-host", "localhost", "--mode", "full"]
    done = CliRunner().invoke(app, ["init", str(ward.folder), "--non-interactive", *given, "--agent", "Maria Lindt <maria@acme.example>"])
    assert done.exit_code == 0, done.output
    return ["--config", str(ward.folder / "inboxd.yaml")]


def test_status_tells_the_trouble_and_ends_with_1_until_it_is_over(ward: Ward) -> None:
    config = settings_of(ward)
    ward.begin()
    with ward.control():
        well = CliRunner().invoke(app, ["status", *config])
        assert well.exit_code == 0, well.output
        assert "last sync  acme:INBOX 2026-11-16T09:00:00" in well.stdout
        wrong_password(ward)
        ward.meet()
        done = CliRunner().invoke(app, ["status", *config])
        assert done.exit_code == 1
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("trouble")]
        assert "login refused" in line
        back(ward)
        ward.well()
        assert CliRunner().invoke(app, ["status", *config]).exit_code == 0


def test_systemd_is_told_in_one_line_what_is_wrong_and_when_it_is_over(ward: Ward) -> None:
    ward.begin()
    wrong_password(ward)
    ward.meet()
    ward.daemon._tend()
    ward.daemon._tend()
    back(ward)
    ward.well()
    states = [said for said in ward.said if said.startswith("STATUS=")]
    assert len(states) == 2
    assert states[0].startswith("STATUS=in trouble: fetching mail from INBOX of acme: localhost:")
    assert "login refused" in states[0]
    assert states[1] == "STATUS=running"
    assert "WATCHDOG=1" in ward.said  # a server that is away is no reason to end the process


def test_a_folder_that_is_silently_stuck_alarms(ward: Ward) -> None:
    ward.begin()
    ward.pass_(minutes=14)
    assert ward.daemon.health == {}
    ward.pass_(minutes=1)
    assert ward.daemon.health == {INBOX: "not read to its end for 15 minutes"}
    assert "error mailbox.silent mailbox=acme" in ward.log.getvalue()
    ward.pass_(minutes=10)
    (told,) = ward.told()
    assert "not read to its end for 15 minutes" in told
    ward.box.wake()
    ward.box.waiting.get(timeout=BOUND)
    assert ward.daemon.health == {}


def test_a_process_that_was_suspended_goes_on_without_an_alarm(ward: Ward) -> None:
    ward.begin()
    ward.pass_(minutes=10)
    ward.seconds += 3600
    ward.clock.move(timedelta(hours=1))
    ward.pass_(minutes=14)
    assert (ward.daemon.health, ward.told()) == ({}, [])
    ward.pass_(minutes=1)
    assert list(ward.daemon.health) == [INBOX]  # and from then on it counts anew


def test_a_long_pause_between_looks_is_no_silence(ward: Ward) -> None:
    ward.daemon.poll = timedelta(hours=1)
    ward.begin()
    ward.pass_(minutes=179)
    assert ward.daemon.health == {}
    ward.pass_(minutes=1)
    assert ward.daemon.health == {INBOX: "not read to its end for 180 minutes"}


# --- sending ---------------------------------------------------------------------------------------------------------------


def smtp(port: int) -> SmtpMailer:
    return SmtpMailer(ServerSettings(host="127.0.0.1", port=port, user="", tls="no"), timeout=2)


def test_a_mail_server_that_is_away_is_told_by_the_other_mailbox_and_mail_waits(tmp_path: Path) -> None:
    nobody = smtp(free_port())
    ward = Ward(folder=tmp_path, mailer=nobody)
    try:
        two = MailboxName("brand2")
        facts = ward.day.office.mailboxes[ACME]
        ward.day.office.mailboxes = {ACME: facts, two: replace(facts, name=two, address="help@two.example", brand="Two")}
        ward.daemon.post = replace(ward.daemon.post, mailers={ACME: nobody, two: ward.post_office})
        ward.begin()
        ward.server.deliver(mail(1))
        ward.look()
        until(lambda: "send:acme" in ward.daemon.health)
        assert ward.daemon.health == {"send:acme": ward.daemon.health["send:acme"]}
        assert "no connection" in ward.daemon.health["send:acme"]
        assert "Traceback" not in ward.daemon.health["send:acme"]
        ward.pass_(minutes=10)
        told = ward.delivered.get(timeout=BOUND)
        assert told.envelope_to == (ADMIN,)
        assert told.envelope_from == "help@two.example"
        ward.daemon.post = replace(ward.daemon.post, mailers={ACME: ward.post_office, two: ward.post_office})
        ward.clock.move(timedelta(minutes=30))
        ward.daemon.wake("deliver")
        assert ward.routed().envelope_from == "support@acme.example"
        until(lambda: not ward.daemon.health)
    finally:
        ward.end()


@dataclass
class Exchanged:
    """A mailer whose server can be exchanged."""

    now: Mailer

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        return await self.now.send(outgoing, before_data)

    async def close(self) -> None:
        await self.now.close()


def mailer_with_wrong_password(folder: Path) -> tuple[SmtpMailer, str, Callable[[], None]]:
    controller = served(Post(), authenticator=only_s3cret, auth_require_tls=False, auth_required=True)
    settings = ServerSettings(host="127.0.0.1", port=controller.port, user="support", tls="no")
    return SmtpMailer(settings, lambda: "wrong", timeout=5, hello="localhost"), "login refused: 535", controller.stop


def mailer_with_expired_certificate(folder: Path) -> tuple[SmtpMailer, str, Callable[[], None]]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for this test")
    old = make_expired(folder / "old")
    server = FakeImap(tls=context(old), implicit=True).start()  # the certificate is looked at before anybody speaks
    settings = ServerSettings(host="localhost", port=server.port, user="support", tls="yes", ca_file=old[0])
    mailer = SmtpMailer(settings, lambda: "s3cret", timeout=5, hello="localhost")
    return mailer, "the certificate cannot be verified (certificate has expired); the server needs a new one", server.stop


def mailer_without_dns(folder: Path) -> tuple[SmtpMailer, str, Callable[[], None]]:
    settings = ServerSettings(host="mail.invalid", port=587, user="", tls="no")
    return SmtpMailer(settings, timeout=5, hello="localhost"), "mail.invalid:587: no connection", lambda: None


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
@pytest.mark.parametrize("make", [mailer_with_wrong_password, mailer_with_expired_certificate, mailer_without_dns])
def test_trouble_with_sending_is_one_clear_state_and_what_waited_leaves_once_when_it_is_over(
    tmp_path: Path, make: Callable[[Path], tuple[SmtpMailer, str, Callable[[], None]]]
) -> None:
    mailer, says, stop = make(tmp_path)
    exchanged = Exchanged(mailer)
    ward = Ward(folder=tmp_path, mailer=exchanged)
    try:
        ward.begin()
        ward.server.deliver(mail(1))
        ward.look()
        until(lambda: "send:acme" in ward.daemon.health)
        assert list(ward.daemon.health) == ["send:acme"]
        assert says in ward.daemon.health["send:acme"]
        assert "Traceback" not in ward.daemon.health["send:acme"]
        assert "s3cret" not in ward.daemon.health["send:acme"]
        ward.pass_(minutes=22)
        (told,) = ward.told()
        assert "sending mail of acme" in told
        exchanged.now = ward.post_office

        def well() -> bool:  # an attempt that began before may still fail, and is made again in its time
            ward.clock.move(timedelta(minutes=10))
            ward.daemon.wake("deliver")
            return not ward.daemon.health

        until(well)
        ward.routed()
        assert [o.kind for o in ward.post_office.delivered].count(OutgoingKind.ROUTED) == 1
    finally:
        ward.end()
        stop()


# --- the disk --------------------------------------------------------------------------------------------------------------


def test_with_the_disk_almost_full_nothing_is_fetched_or_sent_and_it_goes_on_by_itself(ward: Ward) -> None:
    ward.begin()
    ward.full = "3 MB are free on the disk of /var/lib/inboxd, and min_free_mb is 200"
    ward.server.deliver(mail(1))
    asked = len(ward.server.commands)
    assert ward.meet() == 60
    assert ward.daemon.health == {"disk": ward.full}
    assert ward.server.commands[asked:] == ["LOGOUT"]
    assert ward.day.store.look("select count(*) as n from message")[0]["n"] == 0
    ward.pass_(minutes=10)
    ward.pass_(minutes=10)
    assert ward.told() == []  # no mail leaves; the log and the status tell it
    assert ward.log.getvalue().count("error trouble.lasts what=disk") == 1
    assert ward.said[-1] == "WATCHDOG=1" or ward.said[-1].startswith("STATUS=in trouble: space on the disk: 3 MB are free")
    ward.full = ""
    ward.pass_(minutes=1)
    assert ward.daemon.health == {}  # though it did not read the folder yet
    ward.well()
    assert ward.routed().case is not None
    assert "trouble.over what=disk" in ward.log.getvalue()


def test_nothing_is_sent_while_the_disk_is_almost_full(ward: Ward) -> None:
    day = ward.day
    sent = len(day.mailer.delivered)
    ward.full = "3 MB are free"
    day.mailbox.put(mail(1), day.at())
    from inboxd.daemon.fetch import fetch
    from inboxd.daemon.triage import triage

    assert fetch(day.source, day.store, day.clock) == 1
    assert triage(day.office) == 1
    ward.daemon.start()
    until(lambda: "disk" in ward.daemon.health)
    ward.daemon.naps.get(timeout=BOUND)  # the fetch loop met it, too
    assert len(day.mailer.delivered) == sent
    assert day.store.look("select count(*) as n from job where kind = 'send'")[0]["n"] == 1


def test_the_room_of_a_real_disk_is_looked_at(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert room_in(tmp_path, 1)() == ""
    why = room_in(tmp_path, free + (1 << 40))()
    assert f"MB are free on the disk of {tmp_path}, and min_free_mb is " in why
    assert room_in(tmp_path, 0)() == ""
    assert "cannot be told (No such file or directory)" in room_in(tmp_path / "gone", 1)()


def test_a_real_small_disk_stops_the_daemon_from_fetching_until_a_file_is_deleted(tmp_path: Path) -> None:
    used = tmp_path / "a big file"
    ward = Ward(folder=tmp_path)
    try:
        used.write_bytes(b"x" * (64 << 20))
        room = room_in(tmp_path, shutil.disk_usage(tmp_path).free + (32 << 20))
        ward.daemon.room = room
        ward.server.deliver(mail(1))
        ward.daemon.start()
        ward.daemon.naps.get(timeout=BOUND)
        assert "are free on the disk of" in ward.daemon.health["disk"]
        used.unlink()
        ward.well()
        assert ward.routed().case is not None
    finally:
        ward.end()


# --- the clock -------------------------------------------------------------------------------------------------------------


def questions(day: Day) -> list[Outgoing]:
    return [each.outgoing for each in day.inbox("ana@example.org") if each.outgoing.kind == "follow_up"]


def test_a_clock_that_jumps_forward_fires_each_job_once() -> None:
    day = Day()
    resolved(day)
    day.clock.move(timedelta(days=400))
    day.run()
    day.run()
    assert len(questions(day)) == 1
    day.clock.at = MONDAY + timedelta(hours=1)  # and is put right again
    day.run()
    day.pass_(days=5)
    assert len(questions(day)) == 1


def test_a_clock_that_jumps_back_loses_no_job_and_fires_none_twice() -> None:
    day = Day()
    resolved(day)
    day.pass_(days=2, minutes=1)
    assert question(day)
    day.clock.at = MONDAY - timedelta(days=30)
    day.run()
    assert len(questions(day)) == 1
    mail_id = day.write(ANA, "Another thing", "Where is my order?")
    assert mail_id
    assert day.case().subject == "Another thing"
    day.clock.at = MONDAY + timedelta(days=3)
    day.run()
    assert len(questions(day)) == 1
    day.pass_(days=30)
    assert day.store.look("select count(*) as n from job where run_at < ? and kind <> 'digest'", day.at().timestamp())[0]["n"] == 0


def test_a_message_is_never_received_in_the_future() -> None:
    day = Day()
    day.mailbox.put(mail(1), day.at() + timedelta(days=3))
    day.run()
    assert day.store.look("select max(received_at) as at from message")[0]["at"] == day.at().timestamp()
    day.clock.at = MONDAY - timedelta(days=2)
    day.mailbox.put(mail(2), MONDAY)
    day.run()
    rows = day.store.look("select received_at from message order by id desc limit 1")
    assert rows[0]["received_at"] == day.at().timestamp()


def test_a_clock_that_is_set_makes_no_trouble_old(ward: Ward) -> None:
    ward.begin()
    away(ward)
    ward.meet()
    ward.daemon._tend()
    ward.clock.move(timedelta(days=365))
    ward.daemon._tend()
    assert ward.told() == []
    ward.clock.move(timedelta(days=-700))
    ward.pass_(minutes=10)
    assert len(ward.told()) == 1


def test_a_reply_after_the_clock_was_put_back_still_goes_out() -> None:
    day = Day()
    answered(day)
    day.clock.at = MONDAY - timedelta(days=1)
    agent = day.office.rules.book.agents[day.case().assignee or ""].emails[0]  # type: ignore[index]
    day.reply(agent, day.routed(agent), "One more thing: the tyre is fine.")
    assert day.last("ana@example.org", lambda m: "tyre" in m.text)
