from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from inboxd.adapters.smtp import SmtpMailer, _Line, probe
from inboxd.config import ServerSettings
from inboxd.core.model import MailboxName, MessageId, Outgoing, OutgoingKind, OutgoingNo, OutgoingState, Verdict
from inboxd.errors import Permanent, Temporary

RAW = b"From: support@example.test\r\nTo: ann@example.org\r\nSubject: Hello\r\n\r\nHow are you?\r\n"


def an_outgoing(*to: str, raw: bytes = RAW, sender: str = "support@example.test") -> Outgoing:
    return Outgoing(
        number=OutgoingNo(1),
        message_id=MessageId("1@example.test"),
        purpose="test",
        kind=OutgoingKind.REPLY,
        mailbox=MailboxName("support"),
        envelope_from=sender,
        envelope_to=to or ("ann@example.org",),
        raw=raw,
        state=OutgoingState.QUEUED,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


async def nothing() -> None:
    """The store has nothing against it."""


def settings(port: int, **changes: Any) -> ServerSettings:
    return replace(ServerSettings(host="127.0.0.1", port=port, user="support", tls="no"), **changes)


def a_mailer(port: int, password: Callable[[], str] | None = None, **changes: Any) -> SmtpMailer:
    options = {key: changes.pop(key) for key in ("timeout", "dot_timeout") if key in changes}
    defaults: dict[str, Any] = {"timeout": 5, "dot_timeout": 5, "hello": "localhost"}
    return SmtpMailer(settings(port, **changes), password, **(defaults | options))


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20))


# --- an honest server ----------------------------------------------------------------------------------------------


@dataclass
class Post:
    """What arrived, and the replies to give: by recipient, to MAIL, to DATA."""

    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    options: list[list[str]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    mail_reply: str = ""
    data_replies: list[str] = field(default_factory=list)
    connections: int = 0

    async def handle_EHLO(self, _: Any, session: Any, __: Any, hostname: str, responses: list[str]) -> list[str]:  # noqa: N802 (aiosmtpd's name)
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, _: Any, __: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.mail_reply:
            return self.mail_reply
        envelope.mail_from = address
        self.options.append(options)
        return "250 OK"

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_replies:
            return self.data_replies.pop(0)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return "250 2.0.0 queued as 17"


@pytest.fixture
def post() -> Post:
    return Post()


def served(post: Post, **options: Any) -> Controller:
    controller = Controller(post, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    return controller


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def port(post: Post) -> Iterator[int]:
    controller = served(post, enable_SMTPUTF8=True, data_size_limit=10_000)
    yield controller.port
    controller.stop()


def test_bytes_arrive_as_they_are_dots_and_bare_line_ends_included(post: Post, port: int) -> None:
    async def story() -> None:
        raw = b"Subject: dots\r\n\r\n.\r\n..\r\n.a\nbare LF\n.\nafter a lone dot\xc3\xa9\nno end of line"
        mailer = a_mailer(port)
        verdict = await mailer.send(an_outgoing(raw=raw), nothing)
        assert verdict == Verdict(sent=True, reply="250 2.0.0 queued as 17")
        assert post.mails == [("support@example.test", ["ann@example.org"], raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n")]
        assert post.options[0][:2] == [f"SIZE={len(post.mails[0][2])}", "BODY=8BITMIME"]
        await mailer.close()

    run(story())


def test_one_connection_serves_many_mails(post: Post, port: int) -> None:
    async def story() -> None:
        mailer = a_mailer(port)
        for _ in range(5):
            assert (await mailer.send(an_outgoing(), nothing)).sent
        assert len(post.mails) == 5
        assert post.connections == 1
        await mailer.close()
        await mailer.close()

    run(story())


def test_some_recipients_refused_is_still_sent_to_the_others(post: Post, port: int) -> None:
    async def story() -> None:
        post.refuse = {"gone@example.org": "550 5.1.1 no such user"}
        mailer = a_mailer(port)
        verdict = await mailer.send(an_outgoing("ann@example.org", "gone@example.org"), nothing)
        assert verdict.sent
        assert verdict.refused == {"gone@example.org": "550 5.1.1 no such user"}
        assert post.mails[0][1] == ["ann@example.org"]

    run(story())


@pytest.mark.parametrize(
    ("replies", "permanent"),
    [
        (("550 no", "553 no"), True),
        (("450 later", "550 no"), False),
        (("450 greylisted", "451 later"), False),
    ],
)
def test_all_refused_is_permanent_only_if_every_reply_is(post: Post, port: int, replies: tuple[str, str], permanent: bool) -> None:
    async def story() -> None:
        post.refuse = dict(zip(("ann@example.org", "ben@example.org"), replies, strict=True))
        mailer = a_mailer(port)
        asked = []

        async def before_data() -> None:
            asked.append(1)

        verdict = await mailer.send(an_outgoing("ann@example.org", "ben@example.org"), before_data)
        assert (verdict.sent, verdict.ambiguous, verdict.permanent) == (False, False, permanent)
        assert set(verdict.refused.values()) == set(replies)
        assert asked == []
        post.refuse.clear()
        assert (await mailer.send(an_outgoing(), nothing)).sent, "RSET made the connection fit for the next"
        assert post.connections == 1

    run(story())


@pytest.mark.parametrize(("reply", "permanent"), [("554 5.7.1 rejected", True), ("451 4.3.0 later", False)])
def test_a_refusal_after_the_dot_is_for_sure_not_sent(post: Post, port: int, reply: str, permanent: bool) -> None:
    async def story() -> None:
        post.data_replies = [reply]
        mailer = a_mailer(port)
        verdict = await mailer.send(an_outgoing(), nothing)
        assert verdict == Verdict(sent=False, permanent=permanent, reply=reply)
        assert (await mailer.send(an_outgoing(), nothing)).sent
        assert post.connections == 1

    run(story())


def test_a_refused_sender_is_told_apart(post: Post, port: int) -> None:
    async def story() -> None:
        mailer = a_mailer(port)
        for reply, permanent in (("550 no such sender", True), ("452 try later", False)):
            post.mail_reply = reply
            verdict = await mailer.send(an_outgoing(), nothing)
            assert verdict == Verdict(sent=False, permanent=permanent, reply=reply)

    run(story())


def test_what_before_data_raises_means_nothing_was_sent(post: Post, port: int) -> None:
    async def story() -> None:
        async def before_data() -> None:
            raise Temporary("disk full")

        mailer = a_mailer(port)
        with pytest.raises(Temporary, match="disk full"):
            await mailer.send(an_outgoing(), before_data)
        assert post.mails == []
        assert (await mailer.send(an_outgoing(), nothing)).sent
        assert len(post.mails) == 1

    run(story())


def test_a_mail_larger_than_the_server_takes_is_not_even_offered(post: Post, port: int) -> None:
    async def story() -> None:
        verdict = await a_mailer(port).send(an_outgoing(raw=RAW + b"x" * 10_000), nothing)
        assert (verdict.sent, verdict.permanent) == (False, True)
        assert "no more than 10000" in verdict.reply
        assert post.options == []

    run(story())


def test_smtputf8_is_asked_for_only_where_an_address_or_header_needs_it(post: Post, port: int) -> None:
    async def story() -> None:
        mailer = a_mailer(port)
        assert (await mailer.send(an_outgoing("ann@bücher.example"), nothing)).sent
        assert post.mails[0][1] == ["ann@xn--bcher-kva.example"]
        assert (await mailer.send(an_outgoing("änn@bücher.example"), nothing)).sent
        assert post.mails[1][1][0].startswith("änn@")
        assert ["SMTPUTF8" in options for options in post.options] == [False, True]

    run(story())


def test_an_address_that_needs_smtputf8_fails_where_it_is_not_offered(post: Post) -> None:
    controller = served(post, enable_SMTPUTF8=False)

    async def story() -> None:
        verdict = await a_mailer(controller.port).send(an_outgoing("änn@example.org"), nothing)
        assert (verdict.sent, verdict.permanent) == (False, True)
        assert "SMTPUTF8" in verdict.reply

    run(story())
    controller.stop()


@pytest.mark.parametrize("address", ["ann@example.org>\r\nRCPT TO:<eve@example.org", "a\nb@example.org", "<>", ""])
def test_an_address_cannot_carry_a_command(post: Post, port: int, address: str) -> None:
    async def story() -> None:
        mailer = a_mailer(port)
        verdict = await mailer.send(an_outgoing(address), nothing)
        assert (verdict.sent, verdict.permanent) == (False, True)
        assert (await mailer.send(an_outgoing(address, "ann@example.org"), nothing)).sent
        assert post.mails[0][1] == ["ann@example.org"]
        verdict = await mailer.send(an_outgoing(sender=address or "a b"), nothing)
        assert (verdict.sent, verdict.permanent) == (False, True)
        assert (await mailer.send(an_outgoing(sender=""), nothing)).sent, "the null sender of RFC 5321, 4.5.5"

    run(story())


def test_the_connection_of_an_earlier_event_loop_is_not_used(post: Post, port: int) -> None:
    mailer = a_mailer(port)

    async def story() -> None:
        assert (await mailer.send(an_outgoing(), nothing)).sent

    run(story())
    run(story())
    assert len(post.mails) == 2


# --- login and TLS -----------------------------------------------------------------------------------------------------


def only_s3cret(_: Any, __: Any, ___: Any, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=mechanism in ("PLAIN", "LOGIN") and data.password == b"s3cret", handled=False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")
def test_login_by_a_password_that_is_read_anew_and_never_shown(post: Post) -> None:
    controller = served(post, authenticator=only_s3cret, auth_required=True, auth_require_tls=False)

    async def story() -> None:
        assert (await a_mailer(controller.port, lambda: "s3cret").send(an_outgoing(), nothing)).sent
        verdict = await a_mailer(controller.port, lambda: "canary").send(an_outgoing(), nothing)
        assert (verdict.sent, verdict.permanent) == (False, False), "a wrong password is not the mail's fault"
        assert "login refused: 535" in verdict.reply
        assert "canary" not in verdict.reply
        with pytest.raises(Permanent, match="login refused"):
            await probe(settings(controller.port), lambda: "canary")

        def absent() -> str:
            raise Permanent("the password file is not there")

        verdict = await a_mailer(controller.port, absent).send(an_outgoing(), nothing)
        assert verdict == Verdict(sent=False, reply="the password file is not there")

    run(story())
    controller.stop()


@pytest.mark.parametrize("mode", ["yes", "starttls"])
def test_tls_is_verified_against_the_ca_of_the_settings(post: Post, certificate: tuple[Path, Path], mode: str) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    inside = served(post, **({"tls_context": tls, "require_starttls": True} if mode == "starttls" else {}))
    listeners: list[asyncio.Server] = []

    async def wrapped() -> int:
        """aiosmtpd's own implicit TLS checks the certificate itself, so TLS ends here before it."""

        async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", inside.port)
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)

        listeners.append(await asyncio.start_server(forward, "127.0.0.1", 0, ssl=tls))
        found: int = listeners[0].sockets[0].getsockname()[1]
        return found

    async def story() -> None:
        port = inside.port if mode == "starttls" else await wrapped()
        mailer = a_mailer(port, tls=mode, host="localhost", ca_file=certificate[0])
        verdict = await mailer.send(an_outgoing(), nothing)
        assert verdict.sent, verdict.reply
        await mailer.close()
        verdict = await a_mailer(port, tls=mode, host="localhost").send(an_outgoing(), nothing)
        assert not verdict.sent
        assert "ca_file" in verdict.reply
        verdict = await a_mailer(port, tls=mode, ca_file=certificate[0]).send(an_outgoing(), nothing)
        assert not verdict.sent, "the certificate is another host's"
        assert len(post.mails) == 1

    run(story())
    for listener in listeners:
        listener.close()
    inside.stop()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def test_a_server_whose_starttls_was_stripped_is_refused_before_anything_is_said(post: Post, port: int) -> None:
    async def story() -> None:
        verdict = await a_mailer(port, lambda: "s3cret", tls="starttls").send(an_outgoing(), nothing)
        assert (verdict.sent, verdict.ambiguous) == (False, False)
        assert "does not offer STARTTLS" in verdict.reply
        assert post.options == []
        with pytest.raises(Permanent, match="STARTTLS"):
            await probe(settings(port, tls="starttls"), None)

    run(story())


def test_probe_tells_what_the_server_offers(post: Post, port: int) -> None:
    async def story() -> None:
        found = await probe(settings(port), None)
        assert {"size", "8bitmime", "smtputf8"} <= set(found.extensions)
        assert found.size == 10_000

    run(story())
    with pytest.raises(Temporary):
        run(probe(settings(free_port()), None))  # type: ignore[arg-type]


# --- a server with faults ------------------------------------------------------------------------------------------------


@dataclass
class Faulty:
    """Speaks just enough SMTP, and breaks off where it is told. `stored` are mails it took for good."""

    fault: str = ""
    pipelining: bool = False
    heard: list[bytes] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    transports: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.transports.append(writer)
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            self.heard.append(verb)
            if verb == b"EHLO":
                writer.write(b"250-here\r\n" + b"250-PIPELINING\r\n" * self.pipelining + b"250 SIZE\r\n")
            elif verb == b"DATA":
                if not await self.data(reader, writer):
                    return
            elif verb == b"QUIT":
                if self.fault != "221 lost":
                    writer.write(b"221 bye\r\n")
                return
            elif self.fault == f"{verb.decode()} lost" or (verb == b"RCPT" and self.fault == "RCPT lost once"):
                self.fault = self.fault if not self.fault.endswith("once") else ""
                return
            elif verb == b"RCPT" and self.fault.startswith("RCPT refused"):
                self.fault = self.fault if not self.fault.endswith("once") else ""
                writer.write(b"550 nobody here\r\n")
            elif verb == b"MAIL" and self.fault == "421 once":
                self.fault = ""
                writer.write(b"421 4.7.0 too many mails on this connection\r\n")
                return
            else:
                writer.write(b"250 OK\r\n")

    async def data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.fault == "354 lost":
            return False
        if self.fault in ("strange", "250 for 354"):
            writer.write(b"hello?\r\n" if self.fault == "strange" else b"250 queued, it says\r\n")
            return True
        writer.write(b"354 go on\r\n")
        if self.fault == "cut inside":
            await reader.readexactly(10)
            return False
        raw = await reader.readuntil(b"\r\n.\r\n")
        if self.fault == "dot lost":  # as when a proxy did not pass it on
            return False
        if self.fault == "452 once":
            self.fault = ""
            writer.write(b"452 no room\r\n")
            return True
        self.stored.append(raw)
        if self.fault == "250 lost":
            return False
        if self.fault == "250 reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if self.fault == "250 swallowed":
            await reader.read()
            return False
        writer.write(b"250 queued\r\n")
        return True


@asynccontextmanager
async def a_faulty_server(fault: str, pipelining: bool = False) -> AsyncIterator[Faulty]:
    faulty = Faulty(fault, pipelining)
    listener = await asyncio.start_server(faulty.serve, "127.0.0.1", 0, limit=1_000_000)
    faulty.port = listener.sockets[0].getsockname()[1]
    yield faulty
    listener.close()
    for writer in faulty.transports:
        writer.close()


BOTH = pytest.mark.parametrize("pipelining", [False, True])


@BOTH
@pytest.mark.parametrize(
    ("fault", "copies"),
    [
        ("cut inside", 0),
        ("dot lost", 0),
        ("250 lost", 1),
        ("250 reset", 1),
        ("250 swallowed", 1),
    ],
)
def test_from_its_first_byte_on_a_lost_reply_is_ambiguous_and_never_called_sent(fault: str, copies: int, pipelining: bool) -> None:
    async def story() -> None:
        async with a_faulty_server(fault, pipelining) as server:
            mailer = a_mailer(server.port, dot_timeout=0.3)
            verdict = await mailer.send(an_outgoing(raw=RAW * 200), nothing)
            assert (verdict.sent, verdict.ambiguous, verdict.permanent) == (False, True, False)
            assert len(server.stored) == copies
            assert server.connections == 1, "tried once and no more"
            server.fault = ""
            assert (await mailer.send(an_outgoing(), nothing)).sent, "the next mail gets a fresh connection"

    run(story())


@BOTH
@pytest.mark.parametrize("fault", ["MAIL lost", "RCPT lost", "354 lost", "strange", "250 for 354"])
def test_what_goes_wrong_before_the_first_byte_of_the_mail_is_for_sure_not_sent(fault: str, pipelining: bool) -> None:
    async def story() -> None:
        async with a_faulty_server(fault, pipelining) as server:
            asked = []

            async def before_data() -> None:
                asked.append(1)

            verdict = await a_mailer(server.port).send(an_outgoing(), before_data)
            assert (verdict.sent, verdict.ambiguous, verdict.permanent) == (False, False, False)
            assert asked == []
            assert server.stored == []

    run(story())


def test_a_connection_lost_during_before_data_is_for_sure_not_sent() -> None:
    async def story() -> None:
        async with a_faulty_server("") as server:

            async def before_data() -> None:
                server.transports[-1].close()
                while mailer._connected is not None and mailer._connected.line.is_connected:
                    await asyncio.sleep(0)

            mailer = a_mailer(server.port)
            verdict = await mailer.send(an_outgoing(), before_data)
            assert (verdict.sent, verdict.ambiguous) == (False, False)
            assert server.stored == []

    run(story())


def test_a_lost_goodbye_does_not_unsend_a_mail() -> None:
    async def story() -> None:
        async with a_faulty_server("221 lost") as server:
            mailer = a_mailer(server.port)
            assert (await mailer.send(an_outgoing(), nothing)).sent
            await mailer.close()
            assert len(server.stored) == 1

    run(story())


@BOTH
@pytest.mark.parametrize("fault", ["closed", "421 once", "RCPT lost once"])
def test_an_idle_connection_that_the_server_closed_is_not_a_failed_try(fault: str, pipelining: bool) -> None:
    async def story() -> None:
        async with a_faulty_server("", pipelining) as server:
            mailer = a_mailer(server.port)
            assert (await mailer.send(an_outgoing(), nothing)).sent
            if fault == "closed":
                server.transports[-1].close()
                await server.transports[-1].wait_closed()
            else:
                server.fault = fault
            verdict = await mailer.send(an_outgoing(), nothing)
            assert verdict.sent, verdict.reply
            assert len(server.stored) == 2
            assert server.connections == 2

    run(story())


@BOTH
def test_a_fresh_connection_that_is_refused_is_one_failed_try(pipelining: bool) -> None:
    async def story() -> None:
        async with a_faulty_server("421 once", pipelining) as server:
            verdict = await a_mailer(server.port).send(an_outgoing(), nothing)
            assert verdict == Verdict(sent=False, reply="421 4.7.0 too many mails on this connection")
            assert server.connections == 1

    run(story())


@pytest.mark.parametrize(("pipelining", "writes"), [(False, 5), (True, 2)])
def test_the_envelope_and_data_are_one_write_where_the_server_can_take_it(pipelining: bool, writes: int) -> None:
    async def story() -> None:
        async with a_faulty_server("", pipelining) as server:
            mailer = a_mailer(server.port)
            assert (await mailer.send(an_outgoing(), nothing)).sent
            assert mailer._connected is not None
            line, written = mailer._connected.line, list[bytes]()
            write = line.write

            def watched(data: bytes) -> None:
                written.append(data)
                write(data)

            line.write = watched  # type: ignore[method-assign]
            assert (await mailer.send(an_outgoing("a@x.example", "b@x.example"), nothing)).sent
            assert len(written) == writes and written[-1].endswith(b"\r\n.\r\n")
            assert server.heard == [b"EHLO", b"MAIL", b"RCPT", b"DATA", b"MAIL", b"RCPT", b"RCPT", b"DATA"]

    run(story())


def numbered(number: int) -> Outgoing:
    return replace(an_outgoing(raw=b"Subject: %d\r\n\r\n.\r\n" % number), number=OutgoingNo(number))


def test_the_next_envelope_travels_with_the_end_of_the_mail_before() -> None:
    async def story() -> None:
        async with a_faulty_server("", pipelining=True) as server:
            mailer = a_mailer(server.port)
            mails = [numbered(n) for n in range(1, 5)]
            for mail, then in zip(mails, [*mails[1:], None], strict=True):
                assert (await mailer.send(mail, nothing, then)).sent
                assert mailer._connected is not None and (mailer._connected.ahead is not None) == (then is not None)
            assert [raw[9:10] for raw in server.stored] == [b"1", b"2", b"3", b"4"]
            assert server.connections == 1
            assert server.heard == [b"EHLO", *[b"MAIL", b"RCPT", b"DATA"] * 4]

    run(story())


def test_what_was_announced_and_does_not_come_costs_a_connection_and_no_mail() -> None:
    async def story() -> None:
        async with a_faulty_server("", pipelining=True) as server:
            mailer = a_mailer(server.port)
            assert (await mailer.send(numbered(1), nothing, numbered(2))).sent
            assert (await mailer.send(numbered(3), nothing, numbered(4))).sent
            assert [raw[9:10] for raw in server.stored] == [b"1", b"3"] and server.connections == 2
            await mailer.close()
            assert (await mailer.send(numbered(4), nothing)).sent and server.connections == 3

    run(story())


@pytest.mark.parametrize("fault", ["RCPT refused once", "421 once", "RCPT lost once"])
def test_a_server_that_would_not_be_told_ahead_is_asked_anew(fault: str) -> None:
    async def story() -> None:
        async with a_faulty_server("", pipelining=True) as server:
            mailer = a_mailer(server.port)

            async def from_here_on() -> None:
                server.fault = fault  # the envelope of the first was taken: it is the next one's that goes wrong

            assert (await mailer.send(numbered(1), from_here_on, numbered(2))).sent
            verdict = await mailer.send(numbered(2), nothing)
            assert verdict.sent, verdict.reply
            assert [raw[9:10] for raw in server.stored] == [b"1", b"2"] and server.connections == 2

    run(story())


def test_a_refusal_after_the_dot_leaves_the_next_mail_alone() -> None:
    async def story() -> None:
        async with a_faulty_server("452 once", pipelining=True) as server:
            mailer = a_mailer(server.port)
            verdict = await mailer.send(numbered(1), nothing, numbered(2))
            assert (verdict.sent, verdict.ambiguous, verdict.reply) == (False, False, "452 no room")
            assert (await mailer.send(numbered(2), nothing)).sent
            assert [raw[9:10] for raw in server.stored] == [b"2"] and server.connections == 1

    run(story())


def test_a_server_that_wants_a_mail_for_nobody_gets_none() -> None:
    async def story() -> None:
        async with a_faulty_server("RCPT refused", pipelining=True) as server:
            mailer = a_mailer(server.port)
            asked = []

            async def before_data() -> None:
                asked.append(1)

            verdict = await mailer.send(an_outgoing(), before_data)
            assert (verdict.sent, verdict.permanent, verdict.reply) == (False, True, "550 nobody here")
            assert asked == [] and server.stored == []
            server.fault = ""
            assert (await mailer.send(an_outgoing(), nothing)).sent and len(server.stored) == 1

    run(story())


def test_a_word_that_nobody_asked_for_ends_the_connection_and_is_no_reply() -> None:
    async def story() -> None:
        async with a_faulty_server("") as server:
            mailer = a_mailer(server.port)
            assert (await mailer.send(an_outgoing(), nothing)).sent
            server.transports[-1].write(b"250 by the way\r\n")
            while mailer._connected is not None and mailer._connected.line.is_quiet:
                await asyncio.sleep(0)
            assert (await mailer.send(an_outgoing(), nothing)).sent
            assert server.connections == 2

    run(story())


@pytest.mark.parametrize("pieces", [1, 3])
def test_a_reply_is_read_whole_however_it_comes(pieces: int) -> None:
    line = _Line(cast(asyncio.Transport, None))
    said = b"250-first\r\n250 second\r\n354\r\n550 no\r\n"
    for start in range(0, len(said), pieces):
        line.data_received(said[start : start + pieces])
    assert list(line._replies) == [(250, "first\nsecond"), (354, ""), (550, "no")]


def test_a_reply_without_an_end_is_not_kept() -> None:
    line = _Line(cast(asyncio.Transport, None))
    for _ in range(40):
        line.data_received(b"250-" + b"x" * 1000 + b"\r\n")
    assert line._ended


def test_a_cancelled_send_leaves_no_half_used_connection_behind() -> None:
    async def story() -> None:
        async with a_faulty_server("250 swallowed") as server:
            mailer = a_mailer(server.port)
            sending = asyncio.create_task(mailer.send(an_outgoing(), nothing))
            while not server.stored:
                await asyncio.sleep(0.001)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            server.fault = ""
            assert (await mailer.send(an_outgoing(), nothing)).sent
            assert server.connections == 2

    run(story())


def test_two_sends_at_once_do_not_mix(post: Post, port: int) -> None:
    async def story() -> None:
        mailer = a_mailer(port)
        sends: list[Awaitable[Verdict]] = [
            mailer.send(an_outgoing(f"a{number}@example.org", raw=b"Subject: %d\r\n\r\n." % number), nothing) for number in range(5)
        ]
        assert all(verdict.sent for verdict in await asyncio.gather(*sends))
        for _, recipients, raw in post.mails:
            assert recipients == [f"a{raw[9:10].decode()}@example.org"]

    run(story())


def test_a_server_that_is_not_there_is_a_failed_try_and_no_more() -> None:
    async def story() -> None:
        verdict = await a_mailer(free_port()).send(an_outgoing(), nothing)
        assert (verdict.sent, verdict.ambiguous, verdict.permanent) == (False, False, False)
        assert "no connection" in verdict.reply

    run(story())


def test_a_name_that_no_server_can_have_is_permanent() -> None:
    async def story() -> None:
        with pytest.raises(Permanent, match="cannot be the name of a server"):
            await probe(settings(1, host="mail..acme.example"), lambda: "s3cret")

    run(story())
