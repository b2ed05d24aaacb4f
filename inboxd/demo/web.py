"""mail-devel's web mail page, mended where a viewer of the demo would stumble.

The page says who is who, answers as the owner of the mailbox (not as a random address), keeps the thread, and shows mail
whose character set is broken instead of closing the connection. What is mended in the browser stands in `page.js`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import format_datetime, formataddr, getaddresses, parseaddr
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from mail_devel.http import Frontend, flags_to_api

from inboxd.demo import cast

Mail = dict[str, Any]
OURS = ("page.css", "page.js")
LOCAL = ("127.0.0.1", "localhost")
ORDER = ("customer", "team", "copy", "support")  # the mailbox shown first is a customer's


class Page(Frontend):  # type: ignore[misc]  # the library ships no types
    """The page with its mailbox list; every message handler below replaces one of mail-devel's."""

    now: Callable[[], datetime]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._replying: dict[str, dict[str, str]] = {}

    async def _websocket(self, request: web.Request) -> web.WebSocketResponse:
        # A page of another site in the same browser must not read or send mail here.
        # The name is looked at too: a foreign one may be made to lead to this address.
        origin = request.headers.get("Origin")
        own = urlsplit(f"//{request.host}").hostname in LOCAL
        if not own or (origin is not None and urlsplit(origin).netloc != request.host):
            raise web.HTTPForbidden
        answer: web.WebSocketResponse = await super()._websocket(request)
        return answer

    def load_resource(self, resource: str) -> bytes:
        """Give a file of the page: ours, or mail-devel's; into its index ours are hung."""
        if resource in OURS:
            return _file(resource)
        content = bytes(super().load_resource(resource))
        if resource != "index.html":
            return content
        for old, new in (
            (b"<title>mail-devel</title>", b'<title>Acme Cycles: web mail of the demo</title><link rel="icon" href="data:,">'),
            (b"</head>", b'<script src="page.js"></script><link rel="stylesheet" href="page.css"></head>'),
            (b'mail<span class="highlight">devel</span>', b"Web mail of the demo"),
            (b'<select id="accounts" class="hidden"></select>', b'<select id="accounts"></select>' + _file("page.html")),
            (b"new MailClient()", b"new DemoClient()"),
        ):
            content = content.replace(old, new)
        return content

    async def on_list_accounts(self, ws: web.WebSocketResponse) -> None:
        """Name the mailboxes, customers first, and who has them."""
        support = self.user
        people = sorted((owner(account, support) for account in await self.mailboxes.list()), key=lambda one: ORDER.index(one["role"]))
        data = {"accounts": [one["address"] for one in people], "people": people}
        await ws.send_json({"command": "list_accounts", "data": data})

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
                message = message_from_bytes(await self._message_content(found))
                header = answer_headers(message, account, self.now())
                self._replying[account] = header
                filled = {"header": header, "body_plain": quotation(message)}
                data = {"account": account, "mailbox": mailbox, "uid": uid, "mail": filled}
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


def quotation(message: Message) -> str:
    """Quote a mail as mail programs do, below two empty lines for the answer."""
    plain = next((part for part in message.walk() if part.get_content_type() == "text/plain"), None)
    text = decoded(plain).replace("\r\n", "\n").strip("\n") if plain is not None else ""
    said = f"On {readable(message.get('Date', ''))}, {readable(message.get('From', ''))} wrote:"
    return "\n".join(("", "", said, *(f"> {line}" if line else ">" for line in text.split("\n"))))


def owner(address: str, support: str) -> dict[str, str]:
    """Say who has this mailbox: address, name, role (a key of ORDER) and a note."""
    person = cast.person_of(address)
    name, note = person.name if person else address, ""
    if address == support:
        role, name = "support", address
    elif address.split("@")[1] == support.split("@")[1]:
        role, note = "team", "lead" if person is cast.LEAD else "senior" if person in cast.SENIORS else ""
    else:
        role = "copy" if person in cast.IN_COPY else "customer"
    return {"address": address, "name": name, "role": role, "note": note}


def _file(name: str) -> bytes:
    return resources.files("inboxd.demo").joinpath(name).read_bytes()


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
