"""Mailer over SMTP on one reused connection, telling "for sure not sent" from "nobody can know".

aiosmtplib connects, secures and logs in; the mails themselves are said by ourselves, several commands in one write where the
server takes that.

The only user of aiosmtplib.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import lru_cache
from typing import NamedTuple, cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException

from inboxd.config import ServerSettings
from inboxd.core.model import Outgoing, OutgoingNo, Verdict
from inboxd.errors import InboxdError, Permanent, Temporary

_SLOWEST_LINE = 20_000  # bytes a second
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]")
_BARE = re.compile(rb"\r\n|\r|\n")
_LONGEST_REPLY = 32_768  # bytes: a server that never ends its reply costs no memory
_MOST_REPLIES = 10_000  # that nobody has read yet
_REPLY = re.compile(rb"(?:\d{3}-[^\n]*\n)*(\d{3})(?: ([^\n]*))?\r?\n")


class _NotNowError(Exception):
    """Nothing was sent, and it is not the mail's fault: try later."""


class _StaleError(Exception):
    """A reused connection turned out to be gone: not a try yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpProbe:
    """What a mail server offers after login, as shown by `check`."""

    extensions: tuple[str, ...]
    size: int  # the largest mail it takes; 0 = it does not say


class _Reply(NamedTuple):
    """What the server said to one command."""

    code: int
    text: str

    @property
    def said(self) -> str:
        return _clean(f"{self.code} {self.text}")


class _GoneError(Exception):
    """The connection ended, or what came is no SMTP."""


class _Line(asyncio.Protocol):
    """The connection after login: commands out, replies in their order.

    aiosmtplib, which made it, waits for each reply before it may write again; several commands in one write are beyond it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = b""
        self._replies: deque[_Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended = ""  # why nothing more can be heard

    def data_received(self, data: bytes) -> None:
        """Keep whole replies; more bytes than any reply has, or bytes that are none, end the conversation."""
        self._buffer += data
        while match := _REPLY.match(self._buffer):
            self._replies.append(_Reply(int(match[1]), _text_of(match[0])))
            self._buffer = self._buffer[match.end() :]
        if (
            len(self._buffer) > _LONGEST_REPLY
            or len(self._replies) > _MOST_REPLIES
            or re.match(rb"(?!\d{3}[ \r\n-])[^\n]*\n", self._buffer)
        ):
            self._end("what the server says is no SMTP")
        elif self._replies:
            self._wake()

    def eof_received(self) -> bool:
        """The server hung up; the transport closes itself."""
        self._end("connection lost")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._end(f"connection lost ({type(exc).__name__})" if exc else "connection lost")

    @property
    def is_quiet(self) -> bool:
        """Whether a new exchange can begin: connected, and nothing was said that nobody asked for (421, say)."""
        return self.is_connected and not self._replies

    @property
    def is_connected(self) -> bool:
        """Whether bytes can still be written."""
        return not self._ended and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send bytes; raises where the connection is known to be gone."""
        if not self.is_connected:
            raise _GoneError(self._ended or "connection lost")
        self._transport.write(data)

    async def reply(self, timeout: float) -> _Reply:
        """Give the next reply."""
        if not self._replies and not self._ended:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            alarm = loop.call_later(timeout, self._end, "no reply in time")
            try:
                await self._waiter
            finally:
                alarm.cancel()
                self._waiter = None
        if not self._replies:
            raise _GoneError(self._ended)
        return self._replies.popleft()

    def close(self) -> None:
        """Let go at once."""
        self._end("closed")
        self._transport.close()

    def _end(self, why: str) -> None:
        self._ended = self._ended or why
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _text_of(reply: bytes) -> str:
    return "\n".join(line[4:].strip() for line in reply.decode("utf-8", "surrogateescape").splitlines())


@dataclass(frozen=True, slots=True)
class _Offer:
    """A mail as DATA carries it, and its envelope as commands: MAIL, then RCPT for each recipient whose address can be written."""

    outgoing: OutgoingNo
    commands: tuple[bytes, ...]
    recipients: tuple[str, ...]
    unfit: Mapping[str, str]
    wire: bytes

    @property
    def at_once(self) -> bytes:
        """All commands with DATA, which may only be the last (RFC 2920, 3.1)."""
        return b"".join(self.commands) + b"DATA\r\n"


@dataclass(slots=True)
class _Connection:
    """A line to a server, and what it offered when we came."""

    line: _Line
    extensions: Mapping[str, str]
    loop: asyncio.AbstractEventLoop
    served: bool = False  # whether it took a mail before
    ahead: _Offer | None = None  # said together with the end of the mail before

    def offers(self, extension: str) -> bool:
        return extension in self.extensions

    @property
    def limit(self) -> int:
        """The largest mail it takes; 0 = it does not say (RFC 1870)."""
        return _limit(self.extensions)


@dataclass(slots=True)
class _Envelope:
    """What came of MAIL, RCPT and DATA."""

    sender: _Reply
    taken: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    data: _Reply | None = None  # None: not asked


class SmtpMailer:
    """Hands one outgoing message after the other to one server."""

    def __init__(
        self,
        server: ServerSettings,
        password: Callable[[], str] | None = None,
        *,
        timeout: float = 60,
        dot_timeout: float = 600,  # RFC 5321, 4.5.3.2.6: shorter ones are where duplicates come from
        hello: str | None = None,
    ) -> None:
        self._server = server
        self._password = password
        self._timeout = timeout
        self._dot_timeout = dot_timeout
        self._hello = hello
        self._connected: _Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        """Try once; raises only what `before_data` raised, and then nothing was sent.

        The envelope of the mail that comes next, if it is named, is said together with the end of this one.
        """
        async with self._one_at_a_time:
            try:
                try:
                    return await self._send(outgoing, before_data, then)
                except _StaleError:
                    return await self._send(outgoing, before_data, then)
            except (_NotNowError, _StaleError) as error:
                return Verdict(sent=False, reply=str(error))
            except BaseException:  # `before_data` failed or we are being cancelled, perhaps inside DATA
                self._drop()
                raise

    async def close(self) -> None:
        """Say goodbye and let go of the connection; never raises."""
        there, self._connected = self._connected, None
        if there is not None and there.loop is asyncio.get_running_loop():
            try:
                if there.ahead is None:  # else it waits for a mail that does not come: no command is heard
                    there.line.write(b"QUIT\r\n")
                    await there.line.reply(min(2.0, self._timeout))
            except _GoneError:
                pass
            there.line.close()

    async def _send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None) -> Verdict:
        there = await self._connection(outgoing)
        offer = there.ahead
        if offer is None:
            wire = _on_the_line(outgoing.raw)
            if problem := _impossible(outgoing.envelope_from, len(wire), there):
                return Verdict(sent=False, permanent=True, reply=problem)
            offer = _offer(there, outgoing, wire)
        try:
            envelope = await self._offer(there, offer)
        except _GoneError as error:
            self._drop()
            raise (_StaleError if there.served else _NotNowError)(str(error)) from error
        if no := await self._not_taken(there, envelope):
            return no
        await before_data()
        if not there.line.is_quiet:  # seen before the first byte of the mail: for sure nothing was sent
            self._drop()
            raise _NotNowError("connection lost before DATA")
        return await self._data(there, offer.wire, envelope.refused, then)

    async def _offer(self, there: _Connection, offer: _Offer) -> _Envelope:
        """MAIL, RCPT and DATA: all in one write where the server can take that (RFC 2920), else one after the other."""
        ahead, there.ahead = there.ahead, None
        together = there.offers("pipelining") and bool(offer.recipients)
        if together and ahead is None:
            there.line.write(offer.at_once)
        replies: list[_Reply] = []
        for command in offer.commands:
            if not together:
                there.line.write(command)
            reply = await there.line.reply(self._timeout)
            if reply.code == 421 or (ahead and reply.code not in (250, 251)):  # it takes its leave, or would not be told ahead
                raise _GoneError(reply.said)
            replies.append(reply)
            if not together and replies[0].code != 250:
                break
        envelope = _Envelope(sender=replies[0], refused=dict(offer.unfit))
        for recipient, reply in zip(offer.recipients, replies[1:], strict=False):
            if reply.code in (250, 251):
                envelope.taken += 1
            else:
                envelope.refused[recipient] = reply.said
        if together or (envelope.taken and envelope.sender.code == 250):
            if not together:
                there.line.write(b"DATA\r\n")
            envelope.data = await there.line.reply(self._timeout)
        return envelope

    async def _not_taken(self, there: _Connection, envelope: _Envelope) -> Verdict | None:
        """Why the mail itself will not be asked for; None if it is. Nothing was sent until here."""
        taken = envelope.taken if envelope.sender.code == 250 else 0
        if envelope.data is not None and envelope.data.code == 354:
            if taken:
                return None
            self._drop()  # a server that wants a mail for nobody: the connection ends before there is one
        elif taken and envelope.data is not None and not 400 <= envelope.data.code < 600:
            self._drop()
            raise _NotNowError(f"no word to DATA that SMTP knows ({envelope.data.said})")
        else:
            await self._reset(there)
        if envelope.sender.code != 250:
            return _refusal(envelope.sender, {})
        if taken and envelope.data is not None:
            return _refusal(envelope.data, envelope.refused)
        replies = envelope.refused.values()
        permanent = bool(replies) and all(reply.startswith("5") for reply in replies)
        reply = "; ".join(dict.fromkeys(replies)) or "no recipients"
        return Verdict(sent=False, permanent=permanent, reply=reply, refused=envelope.refused)

    async def _data(self, there: _Connection, wire: bytes, refused: Mapping[str, str], then: Outgoing | None) -> Verdict:
        """The mail itself. From its first byte on nobody can know how it ended until the server says so."""
        there.ahead = _ahead(there, then) if then else None
        try:
            there.line.write(b"".join((_stuffed(wire), b".\r\n", there.ahead.at_once if there.ahead else b"")))
            # what was written leaves at the line's own speed, so a slow one gets its time on top
            reply = await there.line.reply(self._dot_timeout + len(wire) / _SLOWEST_LINE)
        except _GoneError as error:
            self._drop()
            return Verdict(sent=False, ambiguous=True, reply=f"no reply after DATA ({error})", refused=refused)
        if 400 <= reply.code < 600:  # the server said no: for sure not sent
            if there.ahead is None:
                await self._reset(there)
            return _refusal(reply, refused)
        if reply.code != 250:
            self._drop()
            return Verdict(sent=False, ambiguous=True, reply=reply.said, refused=refused)
        there.served = True
        return Verdict(sent=True, reply=reply.said, refused=refused)

    async def _reset(self, there: _Connection) -> None:
        """RSET, so that the connection serves the next mail; without an answer it is let go."""
        try:
            there.line.write(b"RSET\r\n")
            await there.line.reply(self._timeout)
        except _GoneError:
            self._drop()

    # --- the connection ----------------------------------------------------------------------------------------

    async def _connection(self, outgoing: Outgoing) -> _Connection:
        """The connection of before, if it waits for nothing or for this mail; else a new one."""
        loop, there = asyncio.get_running_loop(), self._connected
        if there is not None and there.loop is loop:
            expected = there.line.is_quiet if there.ahead is None else there.ahead.outgoing == outgoing.number and there.line.is_connected
            if expected:
                there.served = True
                return there
        self._drop()
        try:
            client = await _connect(self._server, self._password, self._timeout, self._hello)
        except InboxdError as error:  # a wrong password is not the mail's fault: it waits
            raise _NotNowError(str(error)) from error
        transport = cast(asyncio.Transport, client.transport)
        line = _Line(transport)
        transport.set_protocol(line)
        self._connected = _Connection(line=line, extensions=dict(client.esmtp_extensions), loop=loop)
        return self._connected

    def _drop(self) -> None:
        there, self._connected = self._connected, None
        if there is not None and not there.loop.is_closed():
            there.line.close()


async def probe(server: ServerSettings, password: Callable[[], str] | None, timeout: float = 30) -> SmtpProbe:
    """Connect, secure and log in, sending nothing; raises Temporary or Permanent."""
    client = await _connect(server, password, timeout, None)
    try:
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        return SmtpProbe(extensions=tuple(sorted(client.esmtp_extensions)), size=_limit(client.esmtp_extensions))
    except (SMTPException, OSError) as error:
        raise Temporary(f"{server.host}:{server.port}: no answer to EHLO ({type(error).__name__})") from error
    finally:
        client.close()


async def _connect(server: ServerSettings, password: Callable[[], str] | None, timeout: float, hello: str | None) -> SMTP:
    """Connect, secure and log in. Plain text only where the settings ask for it by name."""
    where = f"{server.host}:{server.port}"
    if server.tls not in ("yes", "starttls", "no"):
        raise Permanent(f"{where}: tls is {server.tls!r}; yes, starttls or no would be right")
    secret = await asyncio.to_thread(password) if password is not None else None  # anew at each login
    client = SMTP(
        hostname=server.host,
        port=server.port,
        timeout=timeout,
        use_tls=server.tls == "yes",
        start_tls=server.tls == "starttls",  # True demands it; None would fall back to plain text
        tls_context=None if server.tls == "no" else _tls_context(server),
        local_hostname=hello,
    )
    try:
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        if secret is not None:
            await _login(client, server, secret)
    except BaseException as error:
        client.close()
        if isinstance(error, SMTPException | OSError | ValueError):
            raise _connect_error(where, server, error, secret) from None
        raise
    return client


async def _login(client: SMTP, server: ServerSettings, secret: str) -> None:
    if server.auth == "xoauth2":
        await client.auth_xoauth2(server.user, secret)
    elif server.auth == "oauthbearer":  # RFC 7628; aiosmtplib does not know it
        user = server.user.replace("=", "=3D").replace(",", "=2C")
        words = base64.b64encode(f"n,a={user},\1auth=Bearer {secret}\1\1".encode())
        reply = await client.execute_command(b"AUTH", b"OAUTHBEARER", words)
        if reply.code == 334:  # the reason in JSON; \1 says that we give up
            reply = await client.execute_command(b"AQ==")
        if reply.code != 235:
            raise SMTPAuthenticationError(reply.code, reply.message)
    elif server.auth == "password":
        await _login_by_password(client, server.user, secret)
    else:
        raise ValueError(f"auth is {server.auth!r}; password, xoauth2 or oauthbearer would be right")


async def _login_by_password(client: SMTP, user: str, secret: str) -> None:
    """One way, once: aiosmtplib's `login` tries a wrong password in all ways, and servers count the tries."""
    if "plain" in client.server_auth_methods:
        await client.auth_plain(user, secret)
    elif "login" in client.server_auth_methods:
        await client.auth_login(user, secret)
    elif "cram-md5" in client.server_auth_methods:
        await client.auth_crammd5(user, secret)
    else:
        raise ValueError("the server offers no login by password here; perhaps it does over TLS")


def _connect_error(where: str, server: ServerSettings, error: Exception, secret: str | None) -> Temporary | Permanent:
    cause = error if isinstance(error, ssl.SSLError) else error.__cause__
    text = _clean(str(error))
    if secret:
        text = text.replace(secret, "***")
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = cause.verify_message
        todo = "the server needs a new one" if "expired" in why else "for a CA of your own set ca_file"
        return Permanent(f"{where}: the certificate cannot be verified ({why}); {todo}")
    if isinstance(error, SMTPAuthenticationError) and error.code == 504 and server.auth != "password":
        return Permanent(f"{where}: login not possible: the server does not offer {server.auth}; write another 'auth:'")
    if isinstance(error, SMTPAuthenticationError):
        kind = Permanent if error.code >= 500 else Temporary
        return kind(f"{where}: login refused: {error.code} {text}")
    if "STARTTLS extension not supported" in text:
        return Permanent(f"{where}: the server does not offer STARTTLS; nothing was sent in plain text")
    if isinstance(error, UnicodeError) and "idna" in text:
        return Permanent(f"{where}: {server.host!r} cannot be the name of a server")
    if isinstance(error, ValueError):
        return Permanent(f"{where}: login not possible: {text}")
    hint = ": is this port a TLS port?" if isinstance(cause, ssl.SSLError) and server.tls == "yes" else ""
    return Temporary(f"{where}: no connection ({text}){hint}")


def _tls_context(server: ServerSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Permanent(f"{server.host}:{server.port}: ca_file {server.ca_file} cannot be used ({why})") from error


# --- bytes and words -------------------------------------------------------------------------------------------


def _impossible(sender: str, size: int, there: _Connection) -> str:
    """Why this server can never take this mail; "" if it may."""
    problem = _unfit(_on_the_wire(sender), there.offers("smtputf8"))
    if sender and problem:  # empty is the null sender of bounces
        return problem
    if there.limit and size > there.limit:  # RFC 1870
        return f"552 5.3.4 {size} bytes, and the server takes no more than {there.limit}"
    return ""


def _offer(there: _Connection, outgoing: Outgoing, wire: bytes) -> _Offer:
    utf8 = there.offers("smtputf8")
    recipients = {recipient: _on_the_wire(recipient) for recipient in outgoing.envelope_to}
    unfit = {recipient: problem for recipient, address in recipients.items() if (problem := _unfit(address, utf8))}
    fit = {recipient: address for recipient, address in recipients.items() if recipient not in unfit}
    mail = _mail(there, outgoing, len(wire), recipients.values())
    commands = (mail, *(f"RCPT TO:<{address}>\r\n".encode() for address in fit.values()))
    return _Offer(outgoing=outgoing.number, commands=commands, recipients=tuple(fit), unfit=unfit, wire=wire)


def _ahead(there: _Connection, outgoing: Outgoing) -> _Offer | None:
    """The offer of the next mail, where it can be made before its turn and nothing stands against it."""
    wire = _on_the_line(outgoing.raw)
    if not there.offers("pipelining") or _impossible(outgoing.envelope_from, len(wire), there):
        return None
    offer = _offer(there, outgoing, wire)
    return offer if offer.recipients else None


def _mail(there: _Connection, outgoing: Outgoing, size: int, recipients: Iterable[str]) -> bytes:
    """The command MAIL with the options that this mail needs and the server knows."""
    sender, utf8 = _on_the_wire(outgoing.envelope_from), there.offers("smtputf8")
    plain = outgoing.raw.isascii()
    words = [f"MAIL FROM:<{sender}>"]
    if there.offers("size"):
        words.append(f"SIZE={size}")
    if not plain and there.offers("8bitmime"):
        words.append("BODY=8BITMIME")
    if utf8 and not (sender.isascii() and all(map(str.isascii, recipients)) and (plain or _head(outgoing.raw).isascii())):
        words.append("SMTPUTF8")
    return f"{' '.join(words)}\r\n".encode()


@lru_cache(maxsize=1000)  # the same few agents and our own address in nearly all mails
def _unfit(address: str, utf8: bool) -> str:
    """Why this address cannot be put into a command, in the form of a reply; "" if it can."""
    if not address or _UNSAFE.search(address) or parseaddr(address)[1] != address:
        return "553 5.1.3 not an address that can be written in an envelope"
    if not address.isascii() and not utf8:
        return "553 5.6.7 the address needs SMTPUTF8 (RFC 6531), which the server does not offer"
    return ""


def _limit(extensions: Mapping[str, str]) -> int:
    words = extensions.get("size", "").split()
    return int(words[0]) if words and words[0].isdigit() else 0


def _on_the_wire(address: str) -> str:
    """A domain with umlauts has an ASCII form (IDNA); only the part before the @ needs SMTPUTF8."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return f"{local}{at}{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return address


def _on_the_line(raw: bytes) -> bytes:
    """The mail as DATA carries it, bare CR and LF made CRLF, dots not yet doubled (RFC 1870, section 3)."""
    breaks = raw.count(b"\r\n")
    wire = raw if breaks == raw.count(b"\n") == raw.count(b"\r") else _BARE.sub(b"\r\n", raw)
    return wire if wire.endswith(b"\r\n") else wire + b"\r\n"


def _stuffed(wire: bytes) -> bytes:
    """Double the dot that begins a line (RFC 5321, 4.5.2)."""
    doubled = wire.replace(b"\r\n.", b"\r\n..")
    return b"." + doubled if doubled.startswith(b".") else doubled


def _head(raw: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", raw)
    return raw[: found.start()] if found else raw


def _refusal(reply: _Reply, refused: Mapping[str, str]) -> Verdict:
    return Verdict(sent=False, permanent=500 <= reply.code < 600, reply=reply.said, refused=refused)


def _clean(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]
