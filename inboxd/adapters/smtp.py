"""Mailer over SMTP on one reused connection, telling "for sure not sent" from "nobody can know".

The only user of aiosmtplib.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from inboxd.config import ServerSettings
from inboxd.core.model import Outgoing, Verdict
from inboxd.errors import InboxdError, Permanent, Temporary

_SLOWEST_LINE = 20_000  # bytes a second
_UNSAFE = re.compile(r"[\x00-\x1f\x7f<>]")
_BARE = re.compile(rb"\r\n|\r|\n")


class _NotNowError(Exception):
    """Nothing was sent, and it is not the mail's fault: try later."""


class _StaleError(Exception):
    """A reused connection turned out to be gone: not a try yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpProbe:
    """What a mail server offers after login, as shown by `check`."""

    extensions: tuple[str, ...]
    size: int  # the largest mail it takes; 0 = it does not say


@dataclass(slots=True)
class _Envelope:
    """What came of MAIL and RCPT."""

    taken: int = 0
    refused: dict[str, str] = field(default_factory=dict)


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
        self._client: SMTP | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]]) -> Verdict:
        """Try once; raises only what `before_data` raised, and then nothing was sent."""
        async with self._one_at_a_time:
            try:
                try:
                    return await self._send(outgoing, before_data)
                except _StaleError:
                    return await self._send(outgoing, before_data)
            except (_NotNowError, _StaleError) as error:
                return Verdict(sent=False, reply=str(error))
            except BaseException:  # `before_data` failed or we are being cancelled, perhaps inside DATA
                self._drop()
                raise

    async def close(self) -> None:
        """Say goodbye and let go of the connection; never raises."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            try:
                await client.quit(timeout=min(2.0, self._timeout))
            except (SMTPException, OSError):
                pass
            client.close()

    async def _send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]]) -> Verdict:
        client, reused = await self._connection()
        problem = _impossible(outgoing, client)
        if problem:
            return Verdict(sent=False, permanent=True, reply=problem)
        try:
            envelope = await self._offer(client, outgoing)
        except SMTPResponseException as error:
            if isinstance(error, SMTPSenderRefused) and error.code != 421:
                return await self._refused(client, error)
            self._drop()  # 421, or no SMTP at all
            raise (_StaleError if reused else _NotNowError)(_said(error)) from error
        except ValueError:  # of the library's own check of addresses, which is stricter in corners than ours
            self._drop()
            return Verdict(sent=False, permanent=True, reply="553 5.1.3 the envelope cannot be written")
        except (SMTPException, OSError) as error:
            self._drop()
            raise (_StaleError if reused else _NotNowError)(f"connection lost before DATA ({type(error).__name__})") from error
        if not envelope.taken:
            await self._reset(client)
            replies = envelope.refused.values()
            permanent = bool(replies) and all(reply.startswith("5") for reply in replies)
            reply = "; ".join(dict.fromkeys(replies)) or "no recipients"
            return Verdict(sent=False, permanent=permanent, reply=reply, refused=envelope.refused)
        await before_data()
        if not client.is_connected:  # seen before the first byte of DATA: for sure nothing was sent
            self._drop()
            raise _NotNowError("connection lost before DATA")
        return await self._data(client, outgoing.raw, envelope.refused)

    async def _offer(self, client: SMTP, outgoing: Outgoing) -> _Envelope:
        sender = _on_the_wire(outgoing.envelope_from)
        recipients = {recipient: _on_the_wire(recipient) for recipient in outgoing.envelope_to}
        utf8 = client.supports_extension("smtputf8")
        utf8_needed = not all(address.isascii() for address in (sender, *recipients.values()))
        options = []
        if client.supports_extension("size"):
            options.append(f"SIZE={_wire_size(outgoing.raw)}")
        if not outgoing.raw.isascii() and client.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if utf8 and (utf8_needed or not _head(outgoing.raw).isascii()):
            options.append("SMTPUTF8")
        encoding = "utf-8" if utf8 else "ascii"
        await client.mail(sender, options=options, encoding=encoding)
        envelope = _Envelope()
        for recipient, address in recipients.items():
            problem = _unfit(address, utf8)
            if problem:
                envelope.refused[recipient] = problem
                continue
            try:
                await client.rcpt(address, encoding=encoding)
                envelope.taken += 1
            except SMTPRecipientRefused as error:
                if error.code == 421 or not client.is_connected:  # the server takes its leave: not this address's fault
                    raise SMTPResponseException(error.code, error.message) from error
                envelope.refused[recipient] = _said(error)
        return envelope

    async def _data(self, client: SMTP, raw: bytes, refused: Mapping[str, str]) -> Verdict:
        try:
            # the library sends and waits under one limit, so a slow line gets its time on top
            reply = await client.data(raw, timeout=self._dot_timeout + len(raw) / _SLOWEST_LINE)
        except SMTPDataError as error:
            if 400 <= error.code < 600:  # the server said no: for sure not sent
                return await self._refused(client, error, refused)
            self._drop()
            return Verdict(sent=False, ambiguous=True, reply=_said(error), refused=refused)
        except (SMTPException, OSError, ValueError) as error:
            self._drop()
            reply_text = f"no reply after DATA ({type(error).__name__})"
            return Verdict(sent=False, ambiguous=True, reply=reply_text, refused=refused)
        return Verdict(sent=True, reply=_clean(f"{reply.code} {reply.message}"), refused=refused)

    async def _refused(self, client: SMTP, error: SMTPResponseException, refused: Mapping[str, str] | None = None) -> Verdict:
        await self._reset(client)
        permanent = 500 <= error.code < 600
        return Verdict(sent=False, permanent=permanent, reply=_said(error), refused=refused or {})

    async def _reset(self, client: SMTP) -> None:
        """RSET, so that the connection serves the next mail; without an answer it is let go."""
        try:
            await client.rset()
        except (SMTPException, OSError):
            self._drop()

    # --- the connection ----------------------------------------------------------------------------------------

    async def _connection(self) -> tuple[SMTP, bool]:
        """The connection, and whether it served before."""
        loop = asyncio.get_running_loop()
        if self._client is not None and self._client.is_connected and self._loop is loop:
            return self._client, True
        self._drop()
        try:
            client = await _connect(self._server, self._password, self._timeout, self._hello)
        except InboxdError as error:  # a wrong password is not the mail's fault: it waits
            raise _NotNowError(str(error)) from error
        self._client, self._loop = client, loop
        return client, False

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is not None and not self._loop.is_closed():
            client.close()


async def probe(server: ServerSettings, password: Callable[[], str] | None, timeout: float = 30) -> SmtpProbe:
    """Connect, secure and log in, sending nothing; raises Temporary or Permanent."""
    client = await _connect(server, password, timeout, None)
    try:
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        return SmtpProbe(extensions=tuple(sorted(client.esmtp_extensions)), size=_limit(client))
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
    if isinstance(error, SMTPAuthenticationError):
        kind = Permanent if error.code >= 500 else Temporary
        return kind(f"{where}: login refused: {error.code} {text}")
    if "STARTTLS extension not supported" in text:
        return Permanent(f"{where}: the server does not offer STARTTLS; nothing was sent in plain text")
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


def _impossible(outgoing: Outgoing, client: SMTP) -> str:
    """Why this server can never take this mail; "" if it may."""
    problem = _unfit(_on_the_wire(outgoing.envelope_from), client.supports_extension("smtputf8"))
    if outgoing.envelope_from and problem:  # empty is the null sender of bounces
        return problem
    size, limit = _wire_size(outgoing.raw), _limit(client)
    if limit and size > limit:  # RFC 1870
        return f"552 5.3.4 {size} bytes, and the server takes no more than {limit}"
    return ""


def _unfit(address: str, utf8: bool) -> str:
    """Why this address cannot be put into a command, in the form of a reply; "" if it can."""
    if not address or _UNSAFE.search(address) or parseaddr(address)[1] != address:
        return "553 5.1.3 not an address that can be written in an envelope"
    if not address.isascii() and not utf8:
        return "553 5.6.7 the address needs SMTPUTF8 (RFC 6531), which the server does not offer"
    return ""


def _limit(client: SMTP) -> int:
    words = client.esmtp_extensions.get("size", "").split()
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


def _wire_size(raw: bytes) -> int:
    """Bytes as DATA carries them, bare CR and LF made CRLF (RFC 1870, section 3)."""
    wire = _BARE.sub(b"\r\n", raw)
    return len(wire) + (0 if wire.endswith(b"\r\n") else 2)


def _head(raw: bytes) -> bytes:
    found = re.search(rb"\r?\n\r?\n", raw)
    return raw[: found.start()] if found else raw


def _said(error: SMTPResponseException) -> str:
    return _clean(f"{error.code} {error.message}" if error.code > 0 else error.message)


def _clean(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]
