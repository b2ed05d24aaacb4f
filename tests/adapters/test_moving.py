"""Moving mail on IMAP servers: one that we script, with its refusals and cuts, and a real one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxd.adapters.imap import ImapMailbox
from inboxd.config import ServerSettings
from inboxd.core.model import MessageId
from inboxd.core.parse import parse
from inboxd.errors import Permanent, Temporary
from tests.adapters.fake_imap import FakeImap
from tests.adapters.test_imap import a_mail, a_mailbox
from tests.servers import PASSWORD, Dovecot, a_place, missing

MOVES = "IMAP4rev1 IDLE UIDPLUS MOVE"


@pytest.fixture(params=[MOVES, "IMAP4rev1 IDLE UIDPLUS"], ids=["MOVE", "COPY and EXPUNGE"])
def server(request: pytest.FixtureRequest) -> Iterator[FakeImap]:
    fake = FakeImap(capabilities=request.param).start()
    for number in (1, 2, 3):
        fake.deliver(a_mail(number))
    yield fake
    fake.stop()


def selected(server: FakeImap) -> ImapMailbox:
    mailbox = a_mailbox(server)
    mailbox.select()
    return mailbox


def verbs(server: FakeImap) -> list[str]:
    return [command for command in server.commands if command.startswith(("SELECT", "EXAMINE", "CREATE", "UID MOVE", "UID COPY"))]


def test_only_the_named_mails_are_moved_into_a_folder_that_is_made_for_them(server: FakeImap) -> None:
    mailbox = selected(server)
    assert mailbox.move([1, 3], "Newsletters") == [1, 3]
    assert (sorted(server.messages), server.boxes) == ([2], {"Newsletters": [a_mail(1), a_mail(3)]})
    assert server.messages[2].flags == set()
    assert "SUBSCRIBE Newsletters" in [command.replace('"', "") for command in server.commands]
    assert verbs(server)[-1].startswith("EXAMINE"), "and the folder is read-only again"


def test_a_folder_that_is_there_is_not_made_again(server: FakeImap) -> None:
    server.boxes["Newsletters"] = []
    selected(server).move([1], "Newsletters")
    assert not any(command.startswith("CREATE") for command in server.commands)


def test_what_others_marked_as_deleted_is_not_expunged(server: FakeImap) -> None:
    server.messages[2].flags.add("\\Deleted")
    selected(server).move([1], "Newsletters")
    assert sorted(server.messages) == [2, 3]
    assert "EXPUNGE" not in {command.split(" ")[0] for command in server.commands}


def test_moving_twice_moves_once(server: FakeImap) -> None:
    mailbox = selected(server)
    mailbox.move([1], "Newsletters")
    assert mailbox.move([1], "Newsletters") == []
    assert server.boxes == {"Newsletters": [a_mail(1)]}


def test_numbers_of_another_validity_are_refused(server: FakeImap) -> None:
    mailbox = selected(server)
    server.uidvalidity = 4242
    with pytest.raises(Temporary, match="UIDVALIDITY"):
        mailbox.move([1], "Newsletters")
    assert (len(server.messages), server.boxes) == (3, {})


def test_a_folder_that_is_read_only_for_us_is_no_place_to_move_from(server: FakeImap) -> None:
    mailbox = selected(server)
    server.read_only = True
    with pytest.raises(Permanent, match="read-only"):
        mailbox.move([1], "Newsletters")
    assert len(server.messages) == 3


def test_a_connection_lost_when_all_was_done_is_made_again_and_nothing_is_moved_twice(server: FakeImap) -> None:
    mailbox = selected(server)
    last = "UID MOVE" if "MOVE" in server.capabilities else "UID EXPUNGE"
    server.refusals[last] = "cut"
    with pytest.raises(Temporary, match="connection lost"):
        mailbox.move([1], "Newsletters")
    server.refusals.clear()
    assert mailbox.move([1], "Newsletters") == []
    assert server.boxes == {"Newsletters": [a_mail(1)]}
    assert [item.uid for item in mailbox.list(1)] == [2, 3]


def test_a_connection_lost_between_copy_and_expunge_loses_no_mail() -> None:
    server = FakeImap(capabilities="IMAP4rev1 UIDPLUS").start()
    server.deliver(a_mail(1))
    mailbox = selected(server)
    server.refusals["UID STORE"] = "cut"
    with pytest.raises(Temporary):
        mailbox.move([1], "Newsletters")
    server.refusals.clear()
    assert mailbox.move([1], "Newsletters") == [1]
    assert (server.messages, set(server.boxes["Newsletters"])) == ({}, {a_mail(1)})
    server.stop()


@pytest.mark.parametrize(
    ("reply", "error"),
    [("[OVERQUOTA] Quota exceeded", Temporary), ("[NOPERM] Permission denied", Permanent), ("Internal error", Temporary)],
)
def test_a_refusal_is_told_in_the_servers_words(server: FakeImap, reply: str, error: type[Exception]) -> None:
    mailbox = selected(server)
    server.boxes["Newsletters"] = []
    server.refusals |= {"UID MOVE": reply, "UID COPY": reply}
    with pytest.raises(error, match=reply.split("]")[-1].strip()):
        mailbox.move([1], "Newsletters")
    assert (len(server.messages), server.boxes["Newsletters"]) == (3, [])
    assert len(mailbox.list(1)) == 3
    assert verbs(server)[-1].startswith("EXAMINE")


def test_a_copy_that_cannot_be_removed_is_not_copied_again_and_again() -> None:
    server = FakeImap(capabilities="IMAP4rev1 UIDPLUS").start()
    server.deliver(a_mail(1))
    server.refusals["UID EXPUNGE"] = "not allowed"
    with pytest.raises(Permanent, match="lies in both folders"):
        selected(server).move([1], "Newsletters")
    server.stop()


def test_a_server_without_move_and_uidplus_is_never_asked_to_expunge() -> None:
    server = FakeImap(capabilities="IMAP4rev1 IDLE").start()
    server.deliver(a_mail(1))
    with pytest.raises(Permanent, match="neither MOVE nor expunge single mails") as caught:
        selected(server).move([1], "Newsletters")
    assert "UIDPLUS" in str(caught.value)
    assert (list(server.messages), server.boxes) == ([1], {})
    server.stop()


def test_a_name_that_would_be_a_command_is_refused(server: FakeImap) -> None:
    with pytest.raises(Permanent, match="control characters"):
        selected(server).move([1], "News\r\nA1 DELETE INBOX")
    assert len(server.messages) == 3


# --- Dovecot ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    if why := missing():
        pytest.skip(why)
    with a_place() as place:
        yield place


@pytest.fixture(scope="module")
def dovecot(place: Path) -> Iterator[Dovecot]:
    one = Dovecot.start(place / "dovecot", users=["support", "plain"])
    yield one
    one.stop()


def of(dovecot: Dovecot, folder: str = "INBOX", user: str = "support") -> ImapMailbox:
    server = ServerSettings(host="localhost", port=dovecot.imaps_port, user=user, tls="yes", ca_file=dovecot.cert)
    return ImapMailbox(server, lambda: PASSWORD, folder, max_bytes=100_000, timeout=10)


def put(dovecot: Dovecot, number: int, user: str = "support") -> None:
    path = dovecot.place / f"{number}.eml"
    path.write_bytes(a_mail(number))
    path.chmod(0o644)
    dovecot.doveadm("save", "-u", user, "-m", "INBOX", str(path))


def subjects(dovecot: Dovecot, folder: str, user: str = "support") -> list[str]:
    mailbox = of(dovecot, folder, user)
    mailbox.select()
    found = [str(item.raw) for batch in mailbox.fetch(mailbox.list(1)) for item in batch]
    mailbox.close()
    return [text.partition("canary subject ")[2][:1] for text in found]


def flags(dovecot: Dovecot, folder: str, user: str = "support") -> set[str]:
    said = dovecot.doveadm("fetch", "-u", user, "flags", "mailbox", folder, "all")
    return {flag for line in said.splitlines() for flag in line.removeprefix("flags:").split()}


@pytest.mark.parametrize("without_move", [False, True])
def test_dovecot_moves_mail_into_a_new_folder_with_a_name_of_any_script(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch, without_move: bool
) -> None:
    user = "plain" if without_move else "support"
    for number in (1, 2, 3):
        put(dovecot, number, user)
    mailbox = of(dovecot, user=user)
    mailbox.select()
    dovecot.doveadm("flags", "add", "-u", user, "\\Deleted", "mailbox", "INBOX", "uid", "2")  # a colleague's mark
    if without_move:
        client = mailbox._client
        offered = tuple(name for name in client.capabilities() if name != b"MOVE")
        monkeypatch.setattr(client, "capabilities", lambda: offered)
    assert mailbox.move([1, 3, 99], "Rundbriefe/für später") == [1, 3]
    assert mailbox.move([1, 3], "Rundbriefe/für später") == []
    assert [item.uid for item in mailbox.list(1)] == [2]
    mailbox.close()
    assert subjects(dovecot, "Rundbriefe/für später", user) == ["1", "3"]
    assert flags(dovecot, "INBOX", user) - {"\\Recent"} == {"\\Deleted"}
    assert flags(dovecot, "Rundbriefe/für später", user) <= {"\\Recent"}
    assert "Rundbriefe/für später" in dovecot.doveadm("mailbox", "list", "-s", "-u", user).splitlines()


def test_dovecot_moves_a_mail_on_from_one_folder_to_another_and_finds_it_by_its_id(dovecot: Dovecot) -> None:
    dovecot.doveadm("mailbox", "create", "-u", "support", "First")
    for number in (7, 8):
        path = dovecot.place / f"{number}.eml"
        path.write_bytes(a_mail(number))
        path.chmod(0o644)
        dovecot.doveadm("save", "-u", "support", "-m", "First", str(path))
    mailbox, now = of(dovecot), datetime.now(UTC)  # noqa: TID251  # the server files under its own date
    mailbox.select()
    wanted = parse(a_mail(7)).message_id
    assert not mailbox.move_on(wanted, now, "Nowhere", "Second")
    assert not mailbox.move_on(MessageId("nobody@x.example"), now, "First", "Second")
    assert not mailbox.move_on(MessageId(""), now, "First", "Second")
    assert not mailbox.move_on(wanted, now - timedelta(days=30), "First", "Second")
    assert mailbox.move_on(wanted, now, "First", "Second")
    assert not mailbox.move_on(wanted, now, "First", "Second")
    assert mailbox.list(1) is not None  # our own folder is open again
    mailbox.close()
    assert (subjects(dovecot, "First"), subjects(dovecot, "Second")) == (["8"], ["7"])
