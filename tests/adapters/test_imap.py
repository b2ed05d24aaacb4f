from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxd.adapters import imap
from inboxd.adapters.imap import ImapMailbox, probe
from inboxd.config import ServerSettings
from inboxd.errors import Permanent, Temporary
from inboxd.ports import Fetched, SightingState
from tests.adapters.fake_imap import FakeImap

MINUTE = timedelta(minutes=1)
MOMENT = timedelta(milliseconds=50)


def a_mail(number: int = 1, text: str = "Hello.") -> bytes:
    return (
        f"Message-ID: <{number}@example.org>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: ann@example.org\r\n"
        f"Subject: canary subject {number}\r\n\r\n{text}\r\n"
    ).encode()


def settings(server: FakeImap, **changes: Any) -> ServerSettings:
    return replace(ServerSettings(host="127.0.0.1", port=server.port, user="support", tls="no"), **changes)


def a_mailbox(server: FakeImap, folder: str = "INBOX", **changes: Any) -> ImapMailbox:
    of_server = {key: changes.pop(key) for key in ("tls", "ca_file", "auth", "host", "user") if key in changes}
    password = changes.pop("password", server.password)
    options: dict[str, Any] = {"max_bytes": 1_000_000, "timeout": 5} | changes
    return ImapMailbox(settings(server, **of_server), lambda: password, folder, **options)


def fetch_all(mailbox: ImapMailbox, since: int = 1) -> list[Fetched]:
    return [item for batch in mailbox.fetch(mailbox.list(since)) for item in batch]


@pytest.fixture
def server() -> Iterator[FakeImap]:
    fake = FakeImap().start()
    yield fake
    fake.stop()


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


# --- select and list ---------------------------------------------------------------------------------------------


def test_a_folder_is_opened_read_only_and_nothing_in_it_changes(server: FakeImap) -> None:
    server.deliver(a_mail())
    mailbox = a_mailbox(server)
    folder = mailbox.select()
    assert (folder.name, folder.uidvalidity, folder.uidnext) == ("INBOX", 100, 2)
    mailbox.list(1, identity=True)
    fetch_all(mailbox)
    mailbox.close()
    assert server.messages[1].flags == set()
    verbs = {command.split(" ")[0] for command in server.commands}
    assert "EXAMINE" in verbs
    assert not verbs & {"SELECT", "STORE", "COPY", "MOVE", "EXPUNGE", "APPEND", "CREATE"}
    assert not any("BODY[" in command for command in server.commands)


def test_mails_are_listed_in_order_with_size_and_aware_utc_date(server: FakeImap) -> None:
    server.deliver(a_mail(1), internaldate="22-Nov-2026 12:00:00 +0200")
    server.deliver(a_mail(2))
    mailbox = a_mailbox(server)
    mailbox.select()
    first, second = mailbox.list(1)
    assert (first.uid, second.uid) == (1, 2)
    assert first.size == len(a_mail(1))
    assert first.internaldate == datetime(2026, 11, 22, 10, tzinfo=UTC)
    assert first.internaldate.tzinfo is UTC
    assert first.identity == ""


def test_the_time_zone_of_the_machine_moves_no_date(server: FakeImap, monkeypatch: pytest.MonkeyPatch) -> None:
    server.deliver(a_mail(1), internaldate="22-Nov-2026 12:00:00 +0200")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert a_mailbox(server).list(1)[0].internaldate == datetime(2026, 11, 22, 10, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_star_of_a_range_brings_no_mail_that_is_known_already(server: FakeImap) -> None:
    server.deliver(a_mail())
    mailbox = a_mailbox(server)
    mailbox.select()
    assert mailbox.list(since=2) == []
    server.next_uid = 4_294_967_290  # above what a signed 32-bit number holds
    assert server.deliver(a_mail(2)) == 4_294_967_290
    assert [item.uid for item in mailbox.list(since=2)] == [4_294_967_290]
    assert [item.uid for item in mailbox.list(since=4_294_967_291)] == []
    assert fetch_all(mailbox, since=2)[0].raw == a_mail(2)


def test_an_empty_folder_lists_nothing(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    assert mailbox.select().uidnext == 1
    assert mailbox.list(1) == []


def test_a_folder_larger_than_one_search_window_is_listed_whole(server: FakeImap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "_SEARCH_WINDOW", 4)
    monkeypatch.setattr(imap, "_FACTS_CHUNK", 3)
    for number in range(1, 14):
        server.next_uid = number * 10
        server.deliver(a_mail(number))
    mailbox = a_mailbox(server)
    mailbox.select()
    assert [item.uid for item in mailbox.list(1)] == [number * 10 for number in range(1, 14)]
    assert [item.uid for item in mailbox.list(95)] == [100, 110, 120, 130]
    assert not any("UID SEARCH UID" in command for command in server.commands), "each search is bounded"


def test_a_mail_deleted_between_two_search_windows_hides_no_other(server: FakeImap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "_SEARCH_WINDOW", 4)
    for number in range(1, 11):
        server.deliver(a_mail(number))
    searches = 0

    def delete_one_after_the_first() -> None:
        nonlocal searches
        searches += 1
        if searches == 2:
            del server.messages[1]

    server.during_search = delete_one_after_the_first
    mailbox = a_mailbox(server)
    mailbox.select()
    assert [item.uid for item in mailbox.list(1)] == list(range(2, 11))


def test_the_identity_is_the_same_for_the_same_mail_and_differs_for_another(server: FakeImap) -> None:
    server.deliver(a_mail(1))
    server.deliver(a_mail(1, "Another text, the same headers."))
    server.deliver(a_mail(2))
    mailbox = a_mailbox(server)
    mailbox.select()
    one, same, other = mailbox.list(1, identity=True)
    assert len(one.identity) == 64
    assert one.identity == same.identity != other.identity


def test_a_mail_whose_date_cannot_be_read_takes_that_of_its_neighbour(server: FakeImap) -> None:
    server.deliver(a_mail(1))
    server.deliver(a_mail(2), internaldate="not a date")
    mailbox = a_mailbox(server)
    mailbox.select()
    assert mailbox.list(1)[1].internaldate == datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_changed_uidvalidity_is_never_read_under_the_old_one(server: FakeImap) -> None:
    server.deliver(a_mail())
    mailbox = a_mailbox(server)
    mailbox.select()
    server.uidvalidity = 101
    with pytest.raises(Temporary, match="UIDVALIDITY changed"):
        mailbox.list(1)
    assert mailbox.select().uidvalidity == 101
    assert len(mailbox.list(1)) == 1


def test_a_connection_closed_while_idle_is_opened_again_without_an_error(server: FakeImap) -> None:
    server.deliver(a_mail())
    mailbox = a_mailbox(server)
    mailbox.select()
    server.drop_connections()
    assert len(mailbox.list(1)) == 1
    server.drop_connections()
    assert mailbox.select().uidnext == 2
    assert server.connections == 3


# --- fetch ---------------------------------------------------------------------------------------------------------


def test_each_listed_mail_comes_back_once_in_batches_by_number_and_bytes(server: FakeImap) -> None:
    for number in range(1, 6):
        server.deliver(a_mail(number, "x" * 1000))
    mailbox = a_mailbox(server, batch_messages=2)
    mailbox.select()
    listed = mailbox.list(1)
    assert [[item.listed.uid for item in batch] for batch in mailbox.fetch(listed)] == [[1, 2], [3, 4], [5]]
    by_bytes = a_mailbox(server, batch_bytes=2500)
    by_bytes.select()
    assert [len(batch) for batch in by_bytes.fetch(listed)] == [2, 2, 1]
    results = fetch_all(mailbox)
    assert [item.raw for item in results] == [a_mail(number, "x" * 1000) for number in range(1, 6)]
    assert {item.state for item in results} == {SightingState.STORED}


def test_bytes_come_as_they_lie_in_the_mailbox(server: FakeImap) -> None:
    raw = b"Subject: \xff\xfe\r\n\r\nbare \n and \r and NUL \x00 and ) A1 OK \r\n* BYE\r\n{5}\r\n"
    server.deliver(raw)
    mailbox = a_mailbox(server)
    mailbox.select()
    assert fetch_all(mailbox)[0].raw == raw


@pytest.mark.parametrize("fault", ["malformed", "long_line"])
def test_one_unreadable_answer_costs_one_mail_and_no_other(server: FakeImap, fault: str) -> None:
    for number in range(1, 8):
        server.deliver(a_mail(number), fault=fault if number == 5 else "")
    mailbox = a_mailbox(server)
    mailbox.select()
    results = fetch_all(mailbox)
    assert [item.listed.uid for item in results] == list(range(1, 8))
    assert [item.state.value for item in results if item.listed.uid != 5] == ["stored"] * 6
    assert results[4].state is SightingState.UNFETCHABLE
    assert results[4].raw is None
    assert "not IMAP" in results[4].why


@pytest.mark.parametrize("fault", ["nil", "short", "absent"])
def test_a_body_that_stays_wrong_is_unfetchable_or_taken_when_it_is_the_same_twice(server: FakeImap, fault: str) -> None:
    server.deliver(a_mail(1), fault=fault)
    server.deliver(a_mail(2))
    mailbox = a_mailbox(server)
    mailbox.select()
    wrong, right = fetch_all(mailbox)
    assert right.raw == a_mail(2)
    if fault == "short":  # the server's own truth: the same bytes twice
        assert wrong.raw == a_mail(1)[: len(a_mail(1)) // 2]
    else:
        assert (wrong.state, wrong.raw) == (SightingState.UNFETCHABLE, None)
        assert "no body" in wrong.why


def test_a_body_cut_once_is_fetched_again(server: FakeImap) -> None:
    server.deliver(a_mail(), fault="short_once")
    mailbox = a_mailbox(server)
    mailbox.select()
    assert fetch_all(mailbox)[0].raw == a_mail()


def test_a_server_that_announces_a_wrong_size_loses_no_mail(server: FakeImap) -> None:
    server.deliver(a_mail(), size=len(a_mail()) + 2)
    mailbox = a_mailbox(server)
    mailbox.select()
    assert fetch_all(mailbox)[0].raw == a_mail()


def test_a_mail_that_somebody_moved_meanwhile_is_gone(server: FakeImap) -> None:
    server.deliver(a_mail(1))
    server.deliver(a_mail(2))
    mailbox = a_mailbox(server)
    mailbox.select()
    listed = mailbox.list(1)
    del server.messages[1]
    gone, there = next(iter(mailbox.fetch(listed)))
    assert (gone.state, gone.raw) == (SightingState.GONE, None)
    assert there.raw == a_mail(2)


def test_a_refused_mail_is_given_up_after_three_tries_and_the_others_come(server: FakeImap) -> None:
    for number in range(1, 4):
        server.deliver(a_mail(number), fault="refused" if number == 2 else "")
    mailbox = a_mailbox(server)
    mailbox.select()
    for _ in range(2):
        with pytest.raises(Temporary):
            fetch_all(mailbox)
    assert [item.state.value for item in fetch_all(mailbox)] == ["stored", "unfetchable", "stored"]


def test_no_mail_is_given_up_for_trouble_of_the_server(server: FakeImap) -> None:
    server.deliver(a_mail(), fault="unavailable")
    mailbox = a_mailbox(server)
    mailbox.select()
    for _ in range(6):
        with pytest.raises(Temporary, match="UNAVAILABLE"):
            fetch_all(mailbox)
    server.messages[1].fault = ""
    assert fetch_all(mailbox)[0].raw == a_mail()


def test_a_mail_at_which_the_server_breaks_off_does_not_block_the_others_for_ever(server: FakeImap) -> None:
    for number in range(1, 4):
        server.deliver(a_mail(number), fault="cut" if number == 2 else "")
    mailbox = a_mailbox(server)
    mailbox.select()
    tries = 0
    while True:
        tries += 1
        try:
            results = fetch_all(mailbox)
            break
        except Temporary:
            assert tries < 10
    assert tries == 5, "the network gets the benefit of the doubt"
    assert [item.state.value for item in results] == ["stored", "unfetchable", "stored"]


def test_a_connection_cut_in_fetch_is_temporary_and_heals(server: FakeImap) -> None:
    server.deliver(a_mail(), fault="cut")
    mailbox = a_mailbox(server)
    mailbox.select()
    with pytest.raises(Temporary, match="connection lost while fetching"):
        fetch_all(mailbox)
    server.messages[1].fault = ""
    assert fetch_all(mailbox)[0].raw == a_mail()


def test_a_stalled_server_is_left_after_the_timeout(server: FakeImap) -> None:
    server.deliver(a_mail(), fault="stall")
    mailbox = a_mailbox(server, timeout=0.2)
    mailbox.select()
    with pytest.raises(Temporary, match="TimeoutError"):
        fetch_all(mailbox)


def test_an_oversize_mail_comes_as_headers_and_the_start_of_its_text(server: FakeImap) -> None:
    server.deliver(a_mail(1))
    server.deliver(a_mail(2, "y" * 200_000))
    mailbox = a_mailbox(server, max_bytes=100_000)
    mailbox.select()
    small, large = fetch_all(mailbox)
    assert small.state is SightingState.STORED
    assert large.state is SightingState.OVERSIZE
    assert large.raw == a_mail(2, "y" * 200_000)[: a_mail(2).index(b"\r\n\r\n") + 4 + 65_536]
    assert "100000" in large.why


def test_a_mail_larger_than_announced_is_oversize_all_the_same(server: FakeImap) -> None:
    server.deliver(a_mail(1, "y" * 200_000), size=500)
    mailbox = a_mailbox(server, max_bytes=100_000)
    mailbox.select()
    (large,) = fetch_all(mailbox)
    assert large.state is SightingState.OVERSIZE
    assert large.raw is not None
    assert len(large.raw) < 70_000


def test_no_error_shows_anything_of_a_mail(server: FakeImap, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.deliver(a_mail(1, "canary text"), fault="malformed")
    server.deliver(a_mail(2, "canary text"), fault="cut")
    mailbox = a_mailbox(server, batch_messages=1)
    mailbox.select()
    batches = mailbox.fetch(mailbox.list(1))
    assert "canary" not in next(batches)[0].why
    with pytest.raises(Temporary) as caught:
        next(batches)
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in str(error)
        error = error.__cause__ if error.__suppress_context__ else error.__context__
    assert "canary" not in caplog.text
    assert server.password not in caplog.text


# --- wait ------------------------------------------------------------------------------------------------------------


def seconds_of(wait: threading.Thread, limit: float = 10) -> float:
    start = time.monotonic()
    wait.start()
    wait.join(limit)
    assert not wait.is_alive(), "still waiting"
    return time.monotonic() - start


def test_a_new_mail_ends_the_wait_at_once(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    mailbox.select()
    waiting = threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)
    waiting.start()
    assert server.idling.wait(5)
    server.deliver(a_mail())
    waiting.join(5)
    assert not waiting.is_alive()
    assert len(mailbox.list(1)) == 1
    assert server.connections == 1


def test_a_mail_between_list_and_wait_is_not_missed(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    mailbox.select()
    mailbox.list(1)
    server.deliver(a_mail())
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5
    assert "IDLE" not in server.commands


def test_a_mail_between_examine_and_idle_is_not_missed(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    mailbox.select()
    server.before_idle = lambda: server.deliver(a_mail())
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5
    assert server.connections == 1


def test_the_same_is_true_inside_tls(server: FakeImap, tls: ssl.SSLContext, certificate: tuple[Path, Path]) -> None:
    server.tls, server.implicit = tls, True
    mailbox = a_mailbox(server, tls="yes", host="localhost", ca_file=certificate[0])
    mailbox.select()
    server.before_idle = lambda: server.deliver(a_mail())
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5
    server.before_idle = None
    mailbox.list(1)
    waiting = threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)
    waiting.start()
    assert server.idling.wait(5)
    server.deliver(a_mail(2))
    waiting.join(5)
    assert not waiting.is_alive()
    assert server.connections == 1


def test_wake_ends_the_wait_of_another_thread_with_and_without_idle(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    mailbox.select()
    waiting = threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)
    waiting.start()
    assert server.idling.wait(5)
    mailbox.wake()
    waiting.join(5)
    assert not waiting.is_alive()
    assert server.connections == 1
    mailbox.close()
    mailbox.wake()  # before the wait: not lost
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5


def test_the_wait_ends_with_its_time_and_the_connection_serves_on(server: FakeImap) -> None:
    server.deliver(a_mail())
    server.idle_fault = "still_here"
    mailbox = a_mailbox(server)
    mailbox.select()
    for _ in range(3):
        assert seconds_of(threading.Thread(target=mailbox.wait, args=(MOMENT,), daemon=True)) >= 0.05
        assert len(mailbox.list(1)) == 1
    assert server.connections == 1


def test_the_poll_time_bounds_the_wait(server: FakeImap) -> None:
    mailbox = a_mailbox(server, poll=MOMENT)
    mailbox.select()
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5


def test_without_idle_the_wait_is_just_the_time(server: FakeImap) -> None:
    server.capabilities = "IMAP4rev1"
    mailbox = a_mailbox(server)
    mailbox.select()
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MOMENT,), daemon=True)) >= 0.05
    assert "IDLE" not in server.commands
    assert not any(command.startswith("ID") for command in server.commands), "ID only where offered"


@pytest.mark.parametrize("fault", ["eof", "rst", "bye", "partial", "refused"])
def test_a_connection_lost_in_idle_is_an_ordinary_event(server: FakeImap, fault: str) -> None:
    server.deliver(a_mail())
    server.idle_fault = fault
    mailbox = a_mailbox(server)
    mailbox.select()
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5
    server.idle_fault = ""
    assert len(mailbox.list(1)) == 1
    assert server.connections == 2


def test_a_server_that_ends_each_idle_at_once_does_not_make_us_spin(server: FakeImap) -> None:
    server.idle_fault = "eof"
    mailbox = a_mailbox(server, poll=timedelta(seconds=0.1))
    mailbox.select()
    start = time.monotonic()
    for _ in range(4):
        mailbox.wait(MINUTE)
        mailbox.list(1)
    assert time.monotonic() - start >= 0.3
    assert server.connections == 5


def test_a_black_hole_in_idle_is_left_after_the_timeout(server: FakeImap) -> None:
    server.idle_fault = "blackhole"
    mailbox = a_mailbox(server, timeout=0.2)
    mailbox.select()
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MOMENT,), daemon=True)) < 5
    server.idle_fault = ""
    assert mailbox.list(1) == []
    assert server.connections == 2


def test_a_line_in_two_segments_is_read_as_one(server: FakeImap) -> None:
    server.deliver(a_mail())
    server.idle_fault = "split"
    mailbox = a_mailbox(server)
    mailbox.select()
    assert seconds_of(threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)) < 5
    assert len(mailbox.list(1)) == 1
    assert server.connections == 1


# --- login, TLS, injection -------------------------------------------------------------------------------------------


def test_a_wrong_password_is_permanent_and_not_shown(server: FakeImap) -> None:
    with pytest.raises(Permanent, match=r"login refused: \[AUTHENTICATIONFAILED\] Authentication failed") as caught:
        a_mailbox(server, password="canary-password").select()
    assert "canary-password" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("NO [UNAVAILABLE] User backend down", Temporary),
        ("NO Too many simultaneous connections", Temporary),
        ("NO [ALERT] Application-specific password required", Permanent),
        ("NO LOGIN failed.", Permanent),
        ("cut", Temporary),
    ],
)
def test_a_failed_login_is_told_apart(server: FakeImap, reply: str, kind: type[Exception]) -> None:
    server.login_reply = reply
    with pytest.raises(kind):
        a_mailbox(server).select()


@pytest.mark.parametrize(("tls", "hint"), [("no", True), ("starttls", True), ("yes", False)])
def test_a_port_that_waits_for_us_to_speak_first_is_told_from_one_that_is_shut(tls: str, hint: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = ServerSettings(host="127.0.0.1", port=silent.getsockname()[1], user="support", tls=tls)
        with pytest.raises(Temporary, match="connected, but the server said nothing") as told:
            probe(server, lambda: "s3cret", timeout=0.2)
    assert ("is this a port for 'tls: yes'?" in str(told.value)) is hint


def test_a_port_of_another_kind_of_server_is_named() -> None:
    def greet(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"220 mail.acme.example ESMTP\r\n")

    with socket.create_server(("127.0.0.1", 0)) as smtp:
        thread = threading.Thread(target=greet, args=(smtp,), daemon=True)
        thread.start()
        server = ServerSettings(host="127.0.0.1", port=smtp.getsockname()[1], user="support", tls="no")
        with pytest.raises(Temporary, match="what answers is no IMAP server"):
            probe(server, lambda: "s3cret", timeout=5)
        thread.join(5)


def test_a_name_that_no_server_can_have_is_permanent() -> None:
    with pytest.raises(Permanent, match="cannot be the name of a server"):
        probe(ServerSettings(host="mail..acme.example", port=1, user="support", tls="no"), lambda: "s3cret", timeout=5)


def test_a_way_to_log_in_that_the_server_does_not_offer_is_named(server: FakeImap) -> None:
    server.login_reply = "NO Unsupported authentication mechanism."
    with pytest.raises(Permanent, match="the server does not offer xoauth2; write another 'auth:'"):
        probe(settings(server, auth="xoauth2"), lambda: "token", timeout=5)
    server.capabilities += " AUTH=XOAUTH2"
    with pytest.raises(Permanent, match="login refused"):
        probe(settings(server, auth="xoauth2"), lambda: "token", timeout=5)


def test_a_server_that_echoes_the_password_does_not_get_it_into_our_error(server: FakeImap) -> None:
    server.login_reply = "BAD cannot parse LOGIN support s3cret"
    with pytest.raises(Permanent) as caught:
        a_mailbox(server).select()
    assert "s3cret" not in str(caught.value)


def test_the_password_is_read_anew_at_each_login(server: FakeImap) -> None:
    tokens = iter(["s3cret", "s3cret", "s3cret"])
    mailbox = ImapMailbox(settings(server), lambda: next(tokens), "INBOX", 1000, timeout=5)
    mailbox.select()
    server.drop_connections()
    mailbox.select()
    assert next(tokens) == "s3cret"
    assert next(tokens, "none left") == "none left"


def test_tokens_and_foreign_letters_log_in_by_authenticate(server: FakeImap) -> None:
    for auth, password, mechanism in (
        ("xoauth2", "token", "XOAUTH2"),
        ("oauthbearer", "token", "OAUTHBEARER"),
        ("password", "pässword", "PLAIN"),
    ):
        a_mailbox(server, auth=auth, password=password).select()
        assert f"AUTHENTICATE {mechanism}" in server.commands
        assert "LOGIN" not in server.commands


def test_a_server_that_is_not_there_is_temporary(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    server.stop()
    with pytest.raises(Temporary):
        mailbox.select()
    mailbox.wake()
    mailbox.close()
    mailbox.close()


def test_a_server_that_greets_with_bye_is_temporary(server: FakeImap) -> None:
    server.greeting = "* BYE too many connections"
    with pytest.raises(Temporary):
        a_mailbox(server).select()


def test_a_folder_that_does_not_exist_is_permanent_and_named(server: FakeImap) -> None:
    with pytest.raises(Permanent, match="Support Inbox"):
        a_mailbox(server, folder="Support Inbox").select()


def test_a_session_that_went_bad_is_replaced(server: FakeImap) -> None:
    mailbox = a_mailbox(server)
    mailbox.select()
    server.examine_reply = "BAD User is authenticated but not connected."
    with pytest.raises(Temporary, match="not connected"):
        mailbox.select()
    server.examine_reply = ""
    mailbox.select()
    assert server.connections == 2


def test_a_refused_id_does_not_stop_the_login(server: FakeImap) -> None:
    server.refuses_id = True
    assert a_mailbox(server).select().uidvalidity == 100


@pytest.mark.parametrize("name", ["INBOX\r\nX1 CREATE PWNED", "a\nb", "a\0b", ""])
def test_a_folder_name_cannot_carry_a_command(server: FakeImap, name: str) -> None:
    with pytest.raises(Permanent, match="name of a folder"):
        a_mailbox(server, folder=name)
    assert server.commands == []


def test_a_user_name_cannot_carry_a_command(server: FakeImap) -> None:
    with pytest.raises(Permanent):
        a_mailbox(server, user="support\r\nX1 CREATE PWNED").select()
    assert not any("CREATE" in command for command in server.commands)


def test_nothing_from_a_mail_is_ever_part_of_a_command(server: FakeImap) -> None:
    server.deliver(b"Message-ID: <canary\x0d\x0aX1 CREATE PWNED>\r\nFrom: canary@example.org\r\n\r\ncanary\r\n")
    mailbox = a_mailbox(server)
    mailbox.select()
    mailbox.list(1, identity=True)
    fetch_all(mailbox)
    assert not any("canary" in command or "PWNED" in command for command in server.commands)


@pytest.mark.parametrize("mode", ["yes", "starttls"])
def test_tls_is_verified_against_the_ca_of_the_settings(
    server: FakeImap, tls: ssl.SSLContext, certificate: tuple[Path, Path], mode: str
) -> None:
    server.tls, server.implicit = tls, mode == "yes"
    server.capabilities += " STARTTLS"
    server.deliver(a_mail())
    mailbox = a_mailbox(server, tls=mode, host="localhost", ca_file=certificate[0])
    mailbox.select()
    assert fetch_all(mailbox)[0].raw == a_mail()
    with pytest.raises(Permanent, match="ca_file"):
        a_mailbox(server, tls=mode, host="localhost").select()
    with pytest.raises(Permanent, match="certificate"):
        a_mailbox(server, tls=mode, host="127.0.0.1", ca_file=certificate[0]).select()
    assert server.commands.count("LOGIN") == 1


def test_a_server_without_starttls_never_hears_the_password(server: FakeImap) -> None:
    with pytest.raises(Permanent, match="STARTTLS"):
        a_mailbox(server, tls="starttls").select()
    assert "LOGIN" not in server.commands


def test_probe_tells_capabilities_and_the_special_folders(server: FakeImap) -> None:
    server.folders += ('(\\HasNoChildren) "/" "Spam"', '() "/" 123')
    found = probe(settings(server), lambda: server.password)
    assert {"IDLE", "UIDPLUS"} <= set(found.capabilities)
    assert found.folders == ("INBOX", "Gesendet", "Spam", "123")
    assert (found.sent, found.junk) == ("Gesendet", "Spam")
    assert 'ID ("name" "inboxd")' in server.commands
