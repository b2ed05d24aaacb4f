"""The demo's mail servers: IMAP, SMTP and a web mail page on the loopback, in one thread with its own event loop.

pymap (IMAP) and mail-devel's page are used as libraries. Its SMTP side is not: it files by header, rewrites the mail
and stamps it with the wall clock, while the daemon must see what a real server would show it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from argparse import Namespace
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.utils import format_datetime, formataddr, getaddresses
from typing import Any, TypeVar, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from mail_devel.auth import IMAPAuthenticator, SMTPAuthenticator
from mail_devel.mailbox import TestMailboxDict
from proxyprotocol.noop import ProxyProtocolNoop
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, DictBackend
from pymap.backend.dict.filter import FilterSet
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import FetchRequirement

from inboxd.demo.web import Page

HOST = "127.0.0.1"  # never another: the servers have one password for everybody
START_TIMEOUT = 20.0
CALL_TIMEOUT = 30.0
MX = "mx.acme.example"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMail:
    """One mail as it lies in a mailbox of the demo."""

    uid: int
    raw: bytes
    received_at: datetime


class DemoServers:
    """IMAP, SMTP and, when asked for, the web mail page. Every public method may be called from any thread."""

    def __init__(
        self,
        mailboxes: Iterable[str],
        *,
        password: str,
        now: Callable[[], datetime],
        web: bool = False,
        on_mail: Callable[[str, DemoMail], None] | None = None,
    ) -> None:
        """`on_mail(address, mail)` is called in the servers' thread after each filed mail; it must be quick."""
        self.addresses = tuple(dict.fromkeys(address.lower() for address in mailboxes))
        self.password = password
        self.imap_port = self.smtp_port = self.http_port = 0
        self.smtp_received = 0  # mails that the SMTP server took
        self._now = now
        self._web = web
        self._on_mail = on_mail
        self._filed = 0
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._failure: BaseException | None = None
        self._accounts: _Accounts | None = None

    def start(self) -> None:
        """Bind the free ports and serve; returns when all of them answer."""
        self._thread = threading.Thread(target=self._run, name="demo-servers", daemon=True)
        self._thread.start()
        if not self._ready.wait(START_TIMEOUT):
            raise TimeoutError("the demo's mail servers did not start")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close all connections and end the thread; calling it again does nothing."""
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join(CALL_TIMEOUT)

    def __enter__(self) -> DemoServers:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def deliver(self, to: str, raw: bytes, sender: str) -> None:
        """File these bytes for one envelope recipient as SMTP would; KeyError if nobody has the address."""
        if self.mailbox_of(to) is None:
            raise KeyError(to)
        self._call(self._file(to, raw, sender))

    def messages(self, address: str) -> list[DemoMail]:
        """Read all mail that lies in the inbox of this address, oldest first."""
        return self._call(self._messages(address.lower()))

    def wait_for_change(self, filed: int, timeout: float) -> int:
        """Wait until more than `filed` mails were filed in all, or the (real) seconds are over; gives how many were."""
        with self._changed:
            self._changed.wait_for(lambda: self._filed > filed, timeout)
            return self._filed

    def mailbox_of(self, address: str) -> str | None:
        """Find the mailbox of an envelope address: support+anything@ is filed to support@; None if nobody has it."""
        local, _, domain = address.lower().rpartition("@")
        bare = f"{local.split('+', 1)[0]}@{domain}"
        return bare if bare in self.addresses else None

    # --- in the servers' thread -----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # whatever it is, `start` must raise it and not wait for its timeout
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of its own attribute at each AUTH
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with AsyncExitStack() as stack:
            config, backend = await self._prepare()
            self._accounts = _Accounts(config, self)
            for address in self.addresses:
                await self._accounts.get(address)
            self.imap_port = await self._serve_imap(stack, backend, config)
            self.smtp_port = await self._serve_smtp(stack)
            if self._web:
                page = Page(self._accounts, user=self.addresses[0], host=HOST, port=0, multi_user=True)
                page.now = self._now
                runner = await page.start()
                stack.push_async_callback(runner.cleanup)
                self.http_port = runner.addresses[0][1]
            self._ready.set()
            await self._stop.wait()

    async def _prepare(self) -> tuple[Any, Any]:
        args = Namespace(
            demo_data=False,
            demo_user=self.addresses[0],
            demo_password=self.password,
            host=HOST,
            port=0,
            debug=False,
            cert=None,
            key=None,
            passlib_cfg=None,
            tls=False,
            proxy_protocol=None,
            inherited_sockets=None,
        )
        config = Config.from_args(args)
        login = _KnownOnly(config, self.addresses)
        await DictBackend._add_demo_user(config, login)
        return config, DictBackend(login, config)

    async def _serve_imap(self, stack: AsyncExitStack, backend: Any, config: Any) -> int:
        # pymap's IMAPService would do this, but it does not tell which free port it got.
        connected = ProxyProtocolReader(ProxyProtocolNoop()).get_callback(IMAPServer(backend.login, config))

        async def whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await connected(reader, cast(asyncio.StreamWriter, _WholeLines(writer)))

        return _listen(stack, await asyncio.start_server(whole, HOST, 0))

    async def _serve_smtp(self, stack: AsyncExitStack) -> int:
        # In the loop of IMAP, not in a thread of its own: only then IDLE wakes with the mail.
        loop = asyncio.get_running_loop()
        handler = _Filing(self)
        authenticator = SMTPAuthenticator(self.addresses[0], self.password, multi_user=True)

        def protocol() -> SMTP:
            return SMTP(
                handler,
                hostname=MX,
                enable_SMTPUTF8=True,
                authenticator=authenticator,
                auth_require_tls=False,
                loop=loop,
            )

        return _listen(stack, await loop.create_server(protocol, HOST, 0))

    async def _file(self, to: str, raw: bytes, sender: str) -> None:
        assert self._accounts is not None
        address = self.mailbox_of(to)
        assert address is not None
        at = self._now()
        trace = f"Return-Path: <{sender}>\r\nDelivered-To: {to}\r\nReceived: by {MX} with ESMTP for <{to}>;\r\n\t{format_datetime(at)}\r\n"
        inbox = await (await self._accounts.get(address)).get_mailbox("INBOX")
        message = await inbox.append(AppendMessage(literal=trace.encode() + raw, when=at))
        with self._changed:
            self._filed += 1
            self._changed.notify_all()
        if self._on_mail is not None:
            self._on_mail(address, await _read(message))

    async def _messages(self, address: str) -> list[DemoMail]:
        assert self._accounts is not None
        if address not in self.addresses:
            raise KeyError(address)
        inbox = await (await self._accounts.get(address)).get_mailbox("INBOX")
        return [await _read(message) async for message in inbox.messages()]

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError("the demo's mail servers are not running")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT)


def _listen(stack: AsyncExitStack, server: asyncio.Server) -> int:
    stack.callback(server.close)
    port: int = server.sockets[0].getsockname()[1]
    return port


async def _read(message: Any) -> DemoMail:
    loaded = await message.load_content(FetchRequirement.CONTENT)
    return DemoMail(uid=message.uid, raw=bytes(loaded.content), received_at=message.internal_date)


class _WholeLines:
    """Sends each response of pymap in one piece: it writes a line in parts, and IDLE clients abort on half a line."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> None:
        self._parts.append(bytes(part))

    async def drain(self) -> None:
        self._flush()
        await self._writer.drain()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        self._writer.write(b"".join(self._parts))
        self._parts.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


class _KnownOnly(IMAPAuthenticator):  # type: ignore[misc]  # the library ships no types
    """One password for all; mail-devel would also let in (and create) accounts that nobody has."""

    def __init__(self, config: Any, addresses: tuple[str, ...]) -> None:
        super().__init__(config, multi_user=True)
        self._addresses = addresses

    async def authenticate(self, credentials: Any) -> Any:
        if credentials.authcid not in self._addresses:
            raise InvalidAuth
        return await super().authenticate(credentials)


class _Filing:
    """Takes mail by SMTP and files it by its envelope, byte for byte."""

    def __init__(self, servers: DemoServers) -> None:
        self._servers = servers

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._servers.mailbox_of(address) is None:
            return "550 5.1.1 There is no such mailbox here"
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            await self._servers._file(recipient, raw, (envelope.mail_from or "").strip("<>"))
        self._servers.smtp_received += 1
        return "250 2.0.0 OK"


class _Accounts(TestMailboxDict):  # type: ignore[misc]
    """mail-devel's accounts as its page sees them; what is sent from the page goes the way of all mail."""

    def __init__(self, config: Any, servers: DemoServers) -> None:
        super().__init__(config, FilterSet(), multi_user=True)
        self._servers = servers

    async def append(self, message: Message, flags: frozenset[Any], mailbox: str = "INBOX") -> None:
        """Send what a viewer wrote on the page: to each recipient who has a mailbox here."""
        del flags, mailbox  # it arrives unread, in the inbox
        headers = {name: getaddresses(message.get_all(name, [])) for name in ("From", "To", "Cc", "Bcc")}
        del message["Bcc"], message["Date"]
        message["Date"] = format_datetime(self._servers._now())
        for name in ("From", "To", "Cc"):  # compat32 would encode "Jürgen <j@x>" as one word, address and all
            if headers[name]:
                del message[name]
                message[name] = ", ".join(formataddr(pair) for pair in headers[name])
        sender = headers["From"][0][1] if headers["From"] else ""
        recipients = dict.fromkeys(address for name in ("To", "Cc", "Bcc") for _, address in headers[name])
        for recipient in recipients:
            if self._servers.mailbox_of(recipient) is not None:
                await self._servers._file(recipient, message.as_bytes().replace(b"\n", b"\r\n"), sender)
