"""mail-devel's web mail page, mended where a viewer of the demo would stumble.

The page answers as the owner of the mailbox (not as a random address), keeps the thread, and shows mail whose character
set is broken instead of closing the connection.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import format_datetime, formataddr, getaddresses, parseaddr
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from mail_devel.http import Frontend, flags_to_api

Mail = dict[str, Any]


class Page(Frontend):  # type: ignore[misc]  # the library ships no types
    """The page with its mailbox list; every message handler below replaces one of mail-devel's."""

    now: Callable[[], datetime]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._replying: dict[str, dict[str, str]] = {}

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        # A page of another site in the same browser must not read or send mail here.
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden
        answer: web.WebSocketResponse = await super()._websocket(request)
        return answer

    async def _convert_message(self, msg: Any, *, account: str, mailbox: str, full: bool = False, message: Message | None = None) -> Mail:
        # mail-devel's own one decodes strictly, as UTF-8 only, and so ends at the first mail that lies about itself.
        content = message.as_bytes() if message is not None else await self._message_content(msg)
        parsed = message_from_bytes(content)
        shown: Mail = {
            "uid": msg.uid,
            "flags": flags_to_api(msg.permanent_flags),
            "header": {name.lower(): readable(value) for name, value in parsed.items()},
            "date": msg.internal_date.isoformat(),
        }
        if not full:
            return shown
        key = self.message_hash(content)
        self.mail_cache[key] = (account, mailbox, msg.uid)
        names = []
        for part in parsed.walk():
            if part.get_content_disposition() == "attachment":
                names.append(readable(part.get_filename() or ""))
            elif part.get_content_type() == "text/plain":
                shown.setdefault("body_plain", decoded(part))
            elif part.get_content_type() == "text/html":
                shown.setdefault("body_html", decoded(part))
        shown["attachments"] = [{"name": name, "url": f"/attachment/{key}/{name}"} for name in names]
        shown["content"] = content.decode("utf-8", "replace")
        return shown

    async def on_reply_mail(self, ws: web.WebSocketResponse, account: str, mailbox: str, uid: int) -> None:
        """Fill the editor with an answer to this mail, written by the owner of the mailbox."""
        folder = await self.mailboxes[account].get_mailbox(mailbox)
        async for found in folder.messages():
            if found.uid == uid:
                header = answer_headers(message_from_bytes(await self._message_content(found)), account, self.now())
                self._replying[account] = header
                data = {"account": account, "mailbox": mailbox, "uid": uid, "mail": {"header": header}}
                await ws.send_json({"command": "reply_mail", "data": data})

    async def on_send_mail(self, ws: web.WebSocketResponse, account: str | None, mailbox: str | None, mail: Mail) -> None:
        """Send; an answer keeps its thread, which the editor's simple view forgets (it knows no In-Reply-To)."""
        header, answering = mail.get("header"), self._replying.get(account or "")
        if isinstance(header, dict) and answering and header.get("subject") == answering["subject"]:
            mail = {**mail, "header": {**answering, **header}}
        await super().on_send_mail(ws, account, mailbox, mail)


def answer_headers(message: Message, account: str, now: datetime) -> dict[str, str]:
    """Write the headers of an answer as a mail program would: to Reply-To or From, in the same thread."""
    subject = readable(message.get("Subject", ""))
    identity = str(message.get("Message-ID", "")).strip()
    name = next((name for name, address in _addresses(message, "To") if address.lower() == account), "")
    return {
        "date": format_datetime(now),
        "from": formataddr((name, account)) if name.isascii() else f"{name} <{account}>",
        "to": readable(message.get("Reply-To") or message.get("From", "")),
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}",
        "in-reply-to": identity,
        "references": f"{message.get('References', '')} {identity}".strip(),
    }


def _addresses(message: Message, header: str) -> list[tuple[str, str]]:
    return [(readable(name), parseaddr(address)[1]) for name, address in getaddresses(message.get_all(header, []))]


def readable(value: Any) -> str:
    """Decode a header as far as it goes, whatever it claims."""
    text = str(value)
    try:
        text = str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError):
        pass
    return " ".join(text.encode("utf-8", "replace").decode().split())


def decoded(part: Message) -> str:
    """Decode a text part in the character set it names, or as UTF-8, never failing."""
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")
