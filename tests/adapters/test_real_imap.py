from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxd.adapters.imap import ImapMailbox
from inboxd.adapters.imap import probe as imap_probe
from inboxd.adapters.smtp import SmtpMailer
from inboxd.adapters.smtp import probe as smtp_probe
from inboxd.config import ServerSettings
from inboxd.core.model import MailboxName, MessageId, Outgoing, OutgoingKind, OutgoingNo, OutgoingState, Verdict
from inboxd.errors import Permanent, Temporary
from inboxd.ports import Fetched, SightingState
from tests.servers import PASSWORD, Dovecot, Postfix, a_place, missing

MINUTE = timedelta(minutes=1)
USERS = ["support", "ann", "maria", "support@other.test"]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    if why := missing():
        pytest.skip(why)
    with a_place() as place:
        yield place


@pytest.fixture(scope="module")
def dovecot(place: Path) -> Iterator[Dovecot]:
    server = Dovecot.start(place / "dovecot", users=USERS)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def postfix(place: Path, dovecot: Dovecot) -> Iterator[Postfix]:
    server = Postfix.start(place / "postfix", dovecot.lmtp_port, domains=["acme.test", "other.test"], users=USERS)
    yield server
    server.stop()


@pytest.fixture
def mailbox(dovecot: Dovecot) -> Iterator[ImapMailbox]:
    one = a_mailbox(dovecot)
    yield one
    one.close()


def a_mailbox(dovecot: Dovecot, folder: str = "INBOX", **changes: Any) -> ImapMailbox:
    server = ServerSettings(host="localhost", port=dovecot.imaps_port, user="support", tls="yes", ca_file=dovecot.cert)
    return ImapMailbox(replace(server, **changes), lambda: PASSWORD, folder, max_bytes=100_000, timeout=10)


def send(postfix: Postfix, *to: str, text: str = "Hello.") -> tuple[Verdict, bytes]:
    headers = f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: ann@acme.test\r\nTo: {to[0]}\r\nMessage-ID: <1@acme.test>"
    raw = f"{headers}\r\n\r\n{text}\r\n.\r\n.end\r\n".encode()
    outgoing = Outgoing(
        number=OutgoingNo(1),
        message_id=MessageId("1@acme.test"),
        purpose="test",
        kind=OutgoingKind.REPLY,
        mailbox=MailboxName("support"),
        envelope_from="ann@acme.test",
        envelope_to=to,
        raw=raw,
        state=OutgoingState.QUEUED,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )

    async def story() -> Verdict:
        server = ServerSettings(host="localhost", port=postfix.smtp_port, user="", tls="starttls", ca_file=postfix.cert)
        mailer = SmtpMailer(server, timeout=10, hello="localhost")

        async def before_data() -> None:
            """Nothing to remember here."""

        verdict = await mailer.send(outgoing, before_data)
        await mailer.close()
        return verdict

    return asyncio.run(story()), raw


def arrival(mailbox: ImapMailbox, since: int) -> list[Fetched]:
    """Wait as the daemon does until something is there."""
    for _ in range(5):
        listed = mailbox.list(since, identity=True)
        if listed:
            return [item for batch in mailbox.fetch(listed) for item in batch]
        mailbox.wait(timedelta(seconds=10))
    raise AssertionError("nothing arrived")


def test_a_mail_goes_by_smtp_and_idle_tells_of_it_and_no_flag_is_set(dovecot: Dovecot, postfix: Postfix, mailbox: ImapMailbox) -> None:
    folder = mailbox.select()
    assert mailbox.list(folder.uidnext) == []
    waiting = threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)
    waiting.start()
    verdict, raw = send(postfix, "support+tok.abc123@acme.test")
    assert verdict.sent, verdict.reply
    waiting.join(20)
    assert not waiting.is_alive(), "IDLE told nothing"
    (item,) = arrival(mailbox, folder.uidnext)
    assert item.state is SightingState.STORED
    assert item.raw is not None
    assert item.raw.endswith(raw)
    assert b"Delivered-To: support+tok.abc123@acme.test" in item.raw
    assert len(item.raw) == item.listed.size
    assert item.listed.internaldate.tzinfo is UTC
    assert abs(item.listed.internaldate - mtime(dovecot)) < timedelta(minutes=5)
    flags = dovecot.doveadm("fetch", "-u", "support", "flags", "mailbox", "INBOX", "uid", str(item.listed.uid))
    assert flags.strip() in ("flags: \\Recent", "flags:")


def mtime(dovecot: Dovecot) -> datetime:
    log = dovecot.place / "log" / "dovecot.log"
    return datetime.fromtimestamp(log.stat().st_mtime, tz=UTC)


def test_a_refused_recipient_does_not_stop_the_others(postfix: Postfix, dovecot: Dovecot) -> None:
    mailbox = a_mailbox(dovecot, user="maria")
    folder = mailbox.select()
    verdict, _ = send(postfix, "maria@acme.test", "nobody@acme.test")
    assert verdict.sent
    assert list(verdict.refused) == ["nobody@acme.test"]
    assert verdict.refused["nobody@acme.test"].startswith("550")
    assert len(arrival(mailbox, folder.uidnext)) == 1
    verdict, _ = send(postfix, "nobody@acme.test", "ann@elsewhere.test")
    assert (verdict.sent, verdict.permanent, verdict.ambiguous) == (False, True, False)
    mailbox.close()


def test_two_brands_with_the_same_name_have_two_mailboxes(postfix: Postfix, dovecot: Dovecot) -> None:
    mailbox = a_mailbox(dovecot, user="support@other.test")
    folder = mailbox.select()
    assert send(postfix, "support+tok@other.test")[0].sent
    (item,) = arrival(mailbox, folder.uidnext)
    assert b"Delivered-To: support+tok@other.test" in (item.raw or b"")
    mailbox.close()


def test_an_oversize_mail_comes_with_its_headers(dovecot: Dovecot, postfix: Postfix, mailbox: ImapMailbox) -> None:
    folder = mailbox.select()
    assert send(postfix, "support@acme.test", text="line\r\n" * 30_000)[0].sent
    (item,) = arrival(mailbox, folder.uidnext)
    assert item.state is SightingState.OVERSIZE
    assert item.raw is not None
    assert b"Message-ID: <1@acme.test>" in item.raw.partition(b"\r\n\r\n")[0]
    assert item.raw.count(b"line\r\n") > 10_000


def test_a_changed_uidvalidity_is_seen_also_when_the_uids_stay(dovecot: Dovecot, postfix: Postfix, mailbox: ImapMailbox) -> None:
    folder = mailbox.select()
    before = mailbox.list(1, identity=True)
    dovecot.doveadm("mailbox", "update", "-u", "support", "--uid-validity", "4242", "INBOX")
    with pytest.raises(Temporary):
        mailbox.list(1)
    again = mailbox.select()
    assert again.uidvalidity == 4242 != folder.uidvalidity
    assert [item.identity for item in mailbox.list(1, identity=True)] == [item.identity for item in before]


def test_uids_near_the_end_of_32_bits_are_read(dovecot: Dovecot, postfix: Postfix) -> None:
    dovecot.doveadm("mailbox", "update", "-u", "ann", "--min-next-uid", "4294967000", "INBOX")
    mailbox = a_mailbox(dovecot, user="ann")
    assert mailbox.select().uidnext == 4_294_967_000
    assert send(postfix, "ann@acme.test")[0].sent
    (item,) = arrival(mailbox, 4_294_967_000)
    assert item.listed.uid == 4_294_967_000
    assert mailbox.list(4_294_967_001) == []
    mailbox.close()


def test_a_restarted_server_is_found_again(dovecot: Dovecot, mailbox: ImapMailbox) -> None:
    known = len(mailbox.list(1))
    waiting = threading.Thread(target=mailbox.wait, args=(MINUTE,), daemon=True)
    waiting.start()
    dovecot.stop()
    waiting.join(20)
    assert not waiting.is_alive()
    with pytest.raises(Temporary):
        mailbox.list(1)
    dovecot.restart()
    assert len(mailbox.list(1)) == known


def test_wrong_password_missing_folder_and_unknown_certificate_are_permanent(dovecot: Dovecot) -> None:
    with pytest.raises(Permanent, match="login refused"):
        a_mailbox(dovecot, user="nobody").select()
    with pytest.raises(Permanent, match="no-such"):
        a_mailbox(dovecot, folder="no-such").select()
    with pytest.raises(Permanent, match="ca_file"):
        a_mailbox(dovecot, ca_file=None).select()
    starttls = a_mailbox(dovecot, tls="starttls", port=dovecot.imap_port)
    assert starttls.select().uidnext >= 1
    starttls.close()


def test_probes_tell_what_the_servers_offer(dovecot: Dovecot, postfix: Postfix) -> None:
    server = ServerSettings(host="localhost", port=dovecot.imap_port, user="support", tls="no")
    found = imap_probe(server, lambda: PASSWORD)
    assert {"IDLE", "MOVE", "UIDPLUS", "SPECIAL-USE"} <= set(found.capabilities)
    assert (found.sent, found.junk) == ("Sent", "Junk")
    assert "INBOX" in found.folders
    offered = asyncio.run(smtp_probe(replace(server, port=postfix.smtp_port), None))
    assert offered.size == 52_428_800
    assert "starttls" in offered.extensions
