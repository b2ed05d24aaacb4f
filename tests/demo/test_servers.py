"""The demo's servers behave as real ones do where the daemon looks."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from urllib.request import urlopen

import pytest

pytest.importorskip("mail_devel", reason="the demo's servers need the extra: pip install 'inboxd[demo]'")

from imapclient import IMAPClient
from imapclient.exceptions import LoginError
from ruamel.yaml import YAML

from inboxd.core import new_text
from inboxd.demo import cast
from inboxd.demo.servers import DemoMail, DemoServers
from inboxd.demo.web import owner
from inboxd.rule_sets import shipped

SUPPORT, TOM, NORA = "support@acme.example", "tom@acme.example", "nora@customer.example"
AT = datetime(2026, 11, 2, 7, 40, 5, tzinfo=UTC)
LATER = datetime(2026, 11, 4, 16, 0, 0, tzinfo=UTC)
RAW = (
    b"From: nora@customer.example\r\nTo: somebody@else.example\r\nSubject: caf\xe9 (not what it says)\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nbl\xf6d\r\n.a dot\r\n..two\r\n\r\ntrailing \r\n"
)


class Desk:
    """The servers under test, with a clock that the test sets."""

    def __init__(self) -> None:
        self.time = AT
        self.noted: list[tuple[str, DemoMail]] = []
        self.servers = DemoServers(
            (SUPPORT, TOM, NORA),
            password="let me in",
            now=lambda: self.time,
            web=True,
            on_mail=lambda address, mail: self.noted.append((address, mail)),
        )

    def send(self, *to: str, sender: str = NORA, raw: bytes = RAW) -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", self.servers.smtp_port) as smtp:
            return smtp.sendmail(sender, to, raw)

    def imap(self, user: str = SUPPORT, password: str = "let me in") -> Any:
        client = IMAPClient("127.0.0.1", self.servers.imap_port, ssl=False, timeout=5)
        client.login(user, password)
        return client


@pytest.fixture(scope="module")
def running() -> Iterator[Desk]:
    desk = Desk()
    with desk.servers:
        yield desk


@pytest.fixture
def desk(running: Desk) -> Desk:
    running.time = AT
    running.noted.clear()
    return running


def newest(desk: Desk, address: str) -> DemoMail:
    return desk.servers.messages(address)[-1]


def test_mail_is_filed_by_its_envelope_and_not_by_its_headers(desk: Desk) -> None:
    before = len(desk.servers.messages(NORA))
    desk.send(TOM)
    assert newest(desk, TOM).raw.endswith(RAW)
    assert len(desk.servers.messages(NORA)) == before


def test_a_signed_address_is_filed_to_support_and_kept_in_delivered_to(desk: Desk) -> None:
    desk.send("support+r1042.abc234@acme.example")
    mail = message_from_bytes(newest(desk, SUPPORT).raw)
    assert mail["Delivered-To"] == "support+r1042.abc234@acme.example"
    assert mail["Return-Path"] == f"<{NORA}>"


def test_the_bytes_lie_in_the_mailbox_as_they_were_sent(desk: Desk) -> None:
    desk.send(SUPPORT)
    imap = desk.imap()
    imap.select_folder("INBOX", readonly=True)
    uid = max(imap.search("ALL"))
    found = imap.fetch([uid], ["BODY.PEEK[]", "RFC822.SIZE", "FLAGS"])[uid]
    trace, body = found[b"BODY[]"][: -len(RAW)], found[b"BODY[]"][-len(RAW) :]
    assert body == RAW
    assert {line.split(b":")[0] for line in trace.splitlines() if line[:1] != b"\t"} == {
        b"Return-Path",
        b"Delivered-To",
        b"Received",
    }
    assert found[b"RFC822.SIZE"] == len(found[b"BODY[]"])
    assert b"\\Seen" not in found[b"FLAGS"]
    imap.logout()


@pytest.mark.parametrize("raw", [b"Subject: x\n\nunix lines, lone \r and no end", b"\x00\xff"])
def test_an_injected_mail_keeps_bytes_that_smtp_would_not_carry(desk: Desk, raw: bytes) -> None:
    desk.servers.deliver(SUPPORT, raw, "a@b.example")
    imap = desk.imap()
    imap.select_folder("INBOX", readonly=True)
    uid = max(imap.search("ALL"))
    fetched = imap.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"]
    assert fetched.endswith(b"+0000\r\n" + raw)
    assert fetched == newest(desk, SUPPORT).raw
    imap.logout()


def test_the_virtual_clock_says_when_a_mail_arrived(desk: Desk) -> None:
    desk.time = LATER
    desk.send(SUPPORT)
    imap = desk.imap()
    imap.normalise_times = False
    imap.select_folder("INBOX", readonly=True)
    uid = max(imap.search("ALL"))
    assert imap.fetch([uid], ["INTERNALDATE"])[uid][b"INTERNALDATE"] == LATER
    assert newest(desk, SUPPORT).received_at == LATER
    imap.logout()


def test_waiting_clients_hear_of_each_mail_in_whole_lines(desk: Desk) -> None:
    imap = desk.imap()
    imap.select_folder("INBOX", readonly=True)
    count = len(desk.servers.messages(SUPPORT))
    imap.idle()
    for number in range(1, 6):
        desk.send(SUPPORT)
        heard: list[Any] = []
        while (count + number, b"EXISTS") not in heard:
            said = imap.idle_check(timeout=5)
            assert said, "IDLE did not wake"
            heard += said
    imap.idle_done()
    imap.logout()


def test_nobody_gets_mail_or_logs_in_who_has_no_mailbox(desk: Desk) -> None:
    refused = desk.send(SUPPORT, "nobody@acme.example")
    assert refused["nobody@acme.example"][0] == 550
    for user, password in (("nobody@acme.example", "let me in"), (SUPPORT, "guess")):
        with pytest.raises(LoginError):
            desk.imap(user, password)
    with pytest.raises(KeyError):
        desk.servers.deliver("nobody@acme.example", RAW, NORA)


def test_smtp_takes_the_password_and_mail_from_nobody(desk: Desk) -> None:
    with smtplib.SMTP("127.0.0.1", desk.servers.smtp_port) as smtp:
        smtp.login(SUPPORT, "let me in")
        smtp.sendmail("", [SUPPORT], RAW)
    assert message_from_bytes(newest(desk, SUPPORT).raw)["Return-Path"] == "<>"
    with smtplib.SMTP("127.0.0.1", desk.servers.smtp_port) as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login(SUPPORT, "guess")


def test_a_director_hears_of_every_mail(desk: Desk) -> None:
    filed = desk.servers.wait_for_change(-1, timeout=0)
    taken = desk.servers.smtp_received
    desk.send(SUPPORT, TOM)
    assert desk.servers.wait_for_change(filed + 1, timeout=5) == filed + 2
    assert desk.servers.smtp_received == taken + 1
    assert [address for address, _ in desk.noted] == [SUPPORT, TOM]
    assert desk.servers.wait_for_change(filed + 2, timeout=0) == filed + 2


def test_only_this_machine_can_reach_the_servers(desk: Desk) -> None:
    for port in (desk.servers.imap_port, desk.servers.smtp_port, desk.servers.http_port):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=2)


# --- the web mail page -------------------------------------------------------------------------------------------


def ask(desk: Desk, *commands: dict[str, Any], **headers: str) -> list[dict[str, Any]]:
    import aiohttp

    async def talk() -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{desk.servers.http_port}/websocket"
        answers = []
        async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as page:
            for command in commands:
                await page.send_json(command)
                answers.append((await page.receive_json(timeout=5))["data"])
        return answers

    return asyncio.run(talk())


def test_the_page_lists_customers_first_and_says_who_is_who(desk: Desk) -> None:
    (listed,) = ask(desk, {"command": "list_accounts"})
    assert listed["accounts"] == [NORA, TOM, SUPPORT]
    assert listed["people"][:2] == [
        {"address": NORA, "name": NORA, "role": "customer", "note": ""},
        {"address": TOM, "name": "Tom Baker", "role": "team", "note": ""},
    ]
    owners = [owner(address, SUPPORT) for address in ("maria@acme.example", "petra@acme.example", "liv@sunnmore-sykkel.example")]
    assert [(one["role"], one["note"]) for one in owners] == [("team", "senior"), ("team", "lead"), ("copy", "")]


def test_the_seniors_of_the_page_are_those_of_the_shipped_rules() -> None:
    teams = YAML(typ="safe").load((shipped("rules") / "people.yaml").read_text(encoding="utf-8"))["teams"]
    assert teams["seniors"]["agents"] == [person.email.split("@")[0] for person in cast.SENIORS]


def test_what_is_ours_hangs_in_the_page_of_the_library(desk: Desk) -> None:
    def read(path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{desk.servers.http_port}/{path}", timeout=5) as answer:
            return bytes(answer.read())

    page = read("")
    for ours in (b'src="page.js"', b'href="page.css"', b"new DemoClient()", b'id="guide"', b"<title>Acme Cycles", b"Web mail of the demo"):
        assert page.count(ours) == 1, ours
    assert b"new MailClient()" not in page
    assert b"class DemoClient extends MailClient" in read("page.js")
    # What page.js overrides and page.css names must be there: the library may change.
    library = read("main.js")
    for method in (b"on_socket_open", b"on_socket_close", b"on_list_accounts", b"on_list_mailboxes", b"on_list_mails", b"_mail_row_fill"):
        assert b"async " + method + b"(" in library, method
    for method in (b"on_get_mail(data)", b"_display_mail(data)", b"on_reply_mail(data)", b"on_mail_datetime(data)", b"reset_editor("):
        assert method in library, method
    assert b"#wrapper" in read("page.css")


def test_the_page_shows_mail_that_lies_about_its_character_set(desk: Desk) -> None:
    desk.send(SUPPORT)
    uid = newest(desk, SUPPORT).uid
    listed, shown = ask(
        desk,
        {"command": "list_mails", "account": SUPPORT, "mailbox": "INBOX"},
        {"command": "get_mail", "account": SUPPORT, "mailbox": "INBOX", "uid": uid},
    )
    assert uid in [mail["uid"] for mail in listed["mails"]]
    assert shown["mail"]["body_plain"].startswith("bl�d")


def test_a_viewer_answers_as_the_owner_of_the_mailbox_and_in_the_thread(desk: Desk) -> None:
    ours = (
        b"From: Acme Support <support@acme.example>\r\nTo: =?utf-8?q?N=C3=B6ra?= <nora@customer.example>\r\n"
        b"Reply-To: support+f7.abc@acme.example\r\nSubject: Is it solved?\r\nMessage-ID: <q1@acme.example>\r\n\r\nIs it?\r\n"
    )
    desk.servers.deliver(NORA, ours, SUPPORT)
    place = {"account": NORA, "mailbox": "INBOX"}
    (filled,) = ask(desk, {"command": "reply_mail", **place, "uid": newest(desk, NORA).uid})
    editor = {name: filled["mail"]["header"].get(name, "") for name in ("date", "from", "to", "cc", "bcc", "subject")}
    ask(desk, {"command": "send_mail", **place, "mail": {"header": editor, "body": "Jä, thank you."}})
    answer = message_from_bytes(newest(desk, SUPPORT).raw)
    assert answer["Delivered-To"] == "support+f7.abc@acme.example"
    assert answer["From"] == "=?utf-8?b?TsO2cmE=?= <nora@customer.example>"
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: Is it solved?", "<q1@acme.example>")
    assert answer["Date"] == "Mon, 02 Nov 2026 07:40:05 +0000"
    assert answer["Return-Path"] == "<nora@customer.example>"


def test_an_answer_written_on_the_page_quotes_the_mail_as_mail_programs_do(desk: Desk) -> None:
    ours = (
        b"From: Acme Support <support@acme.example>\r\nDate: Mon, 02 Nov 2026 07:00:00 +0000\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\nIs it s\xc3\xb6lved?\r\n\r\nAcme\r\n"
    )
    desk.servers.deliver(NORA, ours, SUPPORT)
    (filled,) = ask(desk, {"command": "reply_mail", "account": NORA, "mailbox": "INBOX", "uid": newest(desk, NORA).uid})
    said = "On Mon, 02 Nov 2026 07:00:00 +0000, Acme Support <support@acme.example> wrote:"
    assert filled["mail"]["body_plain"] == f"\n\n{said}\n> Is it sölved?\n>\n> Acme"
    written = "No, it is broken again" + filled["mail"]["body_plain"]
    assert new_text.split(written)[0] == "No, it is broken again"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "http://elsewhere.example", "Host": "elsewhere.example"},  # its name was made to lead to this machine
    ],
)
def test_a_page_of_another_site_cannot_read_the_mail(desk: Desk, headers: dict[str, str]) -> None:
    import aiohttp

    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        ask(desk, {"command": "list_accounts"}, **headers)


def test_stopping_frees_the_ports_even_while_somebody_is_connected() -> None:
    servers = DemoServers([SUPPORT], password="x", now=lambda: AT)
    servers.start()
    open_connection = IMAPClient("127.0.0.1", servers.imap_port, ssl=False, timeout=5)
    servers.stop()
    servers.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", servers.imap_port), timeout=2)
    with pytest.raises(RuntimeError, match="not running"):
        servers.messages(SUPPORT)
    open_connection.shutdown()
