"""Builds the raw bytes of the demo's mails: new ones, and answers as real mail programs write them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, getaddresses
from hashlib import sha256
from html import escape
from textwrap import fill

from inboxd.core.decoding import decode
from inboxd.demo.cast import SUPPORT, Client, Person

# A Message-ID longer than a folded line would be broken by the email package, and real programs do not send 8bit.
WRITING = policy.SMTP.clone(max_line_length=998, cte_type="7bit")
HERE = timezone(timedelta(hours=1))  # where everybody lives, in winter
DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "de": ("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."),
}
LONG_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
LONG_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"),
}
MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "de": ("Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."),
}
GMAIL_WIDTH = 76
GMAIL_QUOTE = "margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"


def message_id(domain: str, *parts: str | bytes) -> str:
    """Make a Message-ID that is the same whenever the same mail is written."""
    digest = sha256(b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)).hexdigest()
    return f"<{digest[:24]}@{domain}>"


def mail(
    number: int,
    sender: Person,
    subject: str,
    text: str,
    now: datetime,
    *,
    to: str = f"Acme Support <{SUPPORT}>",
    cc: Sequence[Person] = (),
    html: str = "",
    headers: Sequence[tuple[str, str]] = (),
    photo: str = "",
) -> bytes:
    """Build a new mail. With `html` and no text it is HTML only; `photo` is the name of an attached picture."""
    message = _message(sender, subject, now, message_id(_domain(sender.email), f"step {number}", sender.email))
    message["To"] = to
    if cc:
        message["Cc"] = ", ".join(formataddr((person.name, person.email)) for person in cc)
    for name, value in headers:
        message[name] = value
    if text:
        message.set_content(_wrapped(text, sender.client) + "\n")
    if html:
        (message.add_alternative if text else message.set_content)(html, subtype="html")
    if photo:
        message.add_attachment(picture(), maintype="image", subtype="png", filename=photo)
    return _sealed(message)


def mislabelled(raw: bytes) -> bytes:
    """Break the character set: the text is Latin-1, but the header says UTF-8, as some web shops still do."""
    message = message_from_bytes(raw, policy=policy.SMTP)
    assert isinstance(message, EmailMessage)
    text = str(message.get_content())
    for name in ("Content-Type", "Content-Transfer-Encoding", "MIME-Version"):
        del message[name]
    head = message.as_bytes().split(b"\r\n\r\n", 1)[0]
    content_type = b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit"
    return head + content_type + b"\r\n\r\n" + text.replace("\r\n", "\n").replace("\n", "\r\n").encode("latin-1")


def reply_to(raw_incoming: bytes, sender: Person, text: str, style: Client | str, now: datetime) -> bytes:
    """Answer this mail as a person does with this program: addressed, threaded, quoted and signed by the program."""
    incoming = _parsed(raw_incoming)
    message = _message(
        sender,
        _re(_header(incoming, "Subject")),
        now,
        message_id(_domain(sender.email), raw_incoming, sender.email, text),
    )
    message["To"] = _header(incoming, "Reply-To") or _header(incoming, "From")
    identity = _header(incoming, "Message-ID")
    if identity:
        message["In-Reply-To"] = identity
        message["References"] = f"{_header(incoming, 'References')} {identity}".strip()
    plain, html = _quoted(Client(style), sender, text, incoming)
    message.set_content(plain)
    if html:
        message.add_alternative(html, subtype="html")
    return _sealed(message)


def away(raw_incoming: bytes, sender: Person, subject: str, text: str, now: datetime) -> bytes:
    """Answer as the absence notice of a mail server (RFC 3834): marked as automatic, no quote."""
    incoming = _parsed(raw_incoming)
    message = _message(sender, subject, now, message_id(_domain(sender.email), raw_incoming, sender.email, "away"))
    message["To"] = _header(incoming, "From")
    message["In-Reply-To"] = _header(incoming, "Message-ID")
    message["References"] = _header(incoming, "Message-ID")
    message["Auto-Submitted"] = "auto-replied"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(text + "\n")
    return message.as_bytes()


def bounce(raw_incoming: bytes, daemon: Person, recipient: Person, now: datetime) -> bytes:
    """Report as the recipient's server that the mailbox is full (RFC 3464), with the headers of what came back."""
    incoming = _parsed(raw_incoming)
    why = "552 5.2.2 <" + recipient.email + ">: mailbox is full"
    human = (
        f"This is the mail system at host {_domain(recipient.email)}.\r\n\r\n"
        f"Your message could not be delivered to one or more recipients.\r\n\r\n<{recipient.email}>: {why}\r\n"
    )
    report = (
        f"Reporting-MTA: dns; {_domain(recipient.email)}\r\nArrival-Date: {format_datetime(now)}\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient.email}\r\nAction: failed\r\n"
        f"Status: 5.2.2\r\nDiagnostic-Code: smtp; {why}\r\n"
    )
    returned = raw_incoming.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0].replace(b"\n", b"\r\n") + b"\r\n"
    boundary = "=_report_" + sha256(raw_incoming).hexdigest()[:16]
    head = (
        f"From: {formataddr((daemon.name, daemon.email))}\r\nTo: {SUPPORT}\r\nDate: {format_datetime(now)}\r\n"
        f"Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        f"Message-ID: {message_id(_domain(daemon.email), raw_incoming, 'bounce')}\r\n"
        f"In-Reply-To: {_header(incoming, 'Message-ID')}\r\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\r\n\r\n'
    )
    parts = (
        ("text/plain; charset=us-ascii", human.encode()),
        ("message/delivery-status", report.encode()),
        ("text/rfc822-headers", returned),
    )
    body = b"".join(f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n" for kind, content in parts)
    return head.encode() + body + f"--{boundary}--\r\n".encode()


def text_of(raw: bytes) -> str:
    """Read the text of a mail as its reader sees it: the plain part, with unix line ends."""
    part = _parsed(raw).get_body(("plain",))
    content = part.get_payload(decode=True) if part is not None else None
    text = decode(content, part.get_content_charset("")) if part is not None and isinstance(content, bytes) else ""
    return text.replace("\r\n", "\n").strip("\n")


def header_of(raw: bytes, name: str) -> str:
    """Read one decoded header of a mail; "" if it has none."""
    return _header(_parsed(raw), name)


def picture(width: int = 96, height: int = 64) -> bytes:
    """Draw a small PNG (a dark crack across a grey pedal), so that the demo needs no picture file."""
    rows = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            crack = abs(x - width // 2 - (y * 7 % 11) + 5) < 2
            grey = 40 if crack else 120 + (x + 2 * y) % 90
            row += bytes((grey, grey, min(255, grey + 12)))
        rows.append(bytes(row))
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", zlib.compress(b"".join(rows))) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


# --- how each program quotes -----------------------------------------------------------------------------------------


def _quoted(style: Client, sender: Person, text: str, incoming: EmailMessage) -> tuple[str, str]:
    """The plain part of the answer, and its HTML part where the program writes one."""
    part = incoming.get_body(("plain", "html"))
    original = str(part.get_content()).replace("\r\n", "\n").strip("\n") if part is not None else ""
    signature = f"\n\n-- \n{sender.signature}" if sender.signature else ""
    who, typed = _header(incoming, "From"), _wrapped(text, style)
    line = _said_line(style, sender.language, who, incoming)
    if style is Client.NONE:
        return typed + signature + "\n", ""
    if style is Client.OUTLOOK:  # signs without "-- ", quotes without ">"
        own = text + (f"\n\n{sender.signature}" if sender.signature else "")
        return (
            f"{own}\n\n________________________________\n{_outlook_block(sender.language, incoming)}\n\n{original}\n",
            "",
        )
    quote = "\n".join(f"> {row}".rstrip() if row else ">" for row in original.split("\n"))
    if style is Client.THUNDERBIRD:
        return f"{typed}{signature}\n\n{line}\n{quote}\n", ""
    if style is Client.APPLE:
        html = (
            f'<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head><body dir="auto">'
            f'{_html(text + signature)}<br><br><div><blockquote type="cite"><div>{escape(line)}</div><br>'
            f"<div>{_html(original)}</div></blockquote></div></body></html>\n"
        )
        return f"{text}{signature}\n\n> {line}\n>\n{quote}\n", html
    html = (
        f'<div dir="ltr">{_html(text + signature)}</div><br><div class="gmail_quote gmail_quote_container">'
        f'<div dir="ltr" class="gmail_attr">{escape(line)}<br></div>'
        f'<blockquote class="gmail_quote" style="{GMAIL_QUOTE}">{_html(original)}</blockquote></div>\n'
    )
    if len(line) > GMAIL_WIDTH:  # Gmail breaks this line inside the address, like this
        line = line.replace(" <", " <\n", 1)
    return f"{typed}{signature}\n\n{line}\n\n{quote}\n", html


def _said_line(style: Client, language: str, who: str, incoming: EmailMessage) -> str:
    """ "On ... wrote:", as the program words it in this language."""
    at, german = _date(incoming), language == "de"
    name = (getaddresses([who]) or [("", "")])[0][0] or who
    day, month = DAYS[language][at.weekday()], MONTHS[language][at.month - 1]
    if style is Client.THUNDERBIRD:
        return f"Am {at:%d.%m.%y} um {at:%H:%M} schrieb {name}:" if german else f"On {at:%d/%m/%Y} {at:%H:%M}, {name} wrote:"
    if style is Client.APPLE:
        if german:
            return f"Am {at:%d.%m.%Y} um {at:%H:%M} schrieb {who}:"
        return f"On {at.day} {month} {at.year}, at {at:%H:%M}, {who} wrote:"
    if german:
        return f"Am {day}, {at.day}. {month} {at.year} um {at:%H:%M} Uhr schrieb {who}:"
    return f"On {day}, {month} {at.day}, {at.year} at {f'{at:%I:%M %p}'.lstrip('0')} {who} wrote:"


def _outlook_block(language: str, incoming: EmailMessage) -> str:
    at = _date(incoming)
    words = ("Von", "Gesendet", "An", "Betreff") if language == "de" else ("From", "Sent", "To", "Subject")
    long_day, month = LONG_DAYS[language][at.weekday()], LONG_MONTHS[language][at.month - 1]
    sent = (
        f"{long_day}, {at.day}. {month} {at.year} {at:%H:%M}" if language == "de" else f"{long_day}, {month} {at.day}, {at.year} {at:%H:%M}"
    )
    values = (_header(incoming, "From"), sent, _header(incoming, "To"), _header(incoming, "Subject"))
    return "\n".join(f"{word}: {value}" for word, value in zip(words, values, strict=True))


def _wrapped(text: str, style: Client) -> str:
    """Break lines as the program does when it writes plain text; Outlook and Apple leave them long."""
    width = {Client.GMAIL: GMAIL_WIDTH, Client.THUNDERBIRD: 72, Client.NONE: 72}.get(style)
    if width is None:
        return text
    return "\n".join(fill(row, width, break_long_words=False, break_on_hyphens=False) for row in text.split("\n"))


def _html(text: str) -> str:
    return "<br>".join(escape(row) or "" for row in text.split("\n"))


# --- small parts -----------------------------------------------------------------------------------------------------


def _message(sender: Person, subject: str, now: datetime, identity: str) -> EmailMessage:
    message = EmailMessage(policy=WRITING)
    message["From"] = formataddr((sender.name, sender.email)) if sender.name.isascii() else _named(sender)
    message["Subject"] = subject
    message["Date"] = format_datetime(now.astimezone(HERE))
    message["Message-ID"] = identity
    return message


def _sealed(message: EmailMessage) -> bytes:
    """The bytes, with boundaries that depend on the Message-ID alone: the email package would draw them by lot."""
    for depth, part in enumerate(part for part in message.walk() if part.is_multipart()):
        part.set_boundary(f"part-{depth}-{sha256(str(message['Message-ID']).encode()).hexdigest()[:16]}")
    return message.as_bytes()


def _named(person: Person) -> str:
    return f'"{person.name}" <{person.email}>'


def _parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())


def _date(message: EmailMessage) -> datetime:
    value = message["Date"]
    at = getattr(value, "datetime", None)
    assert isinstance(at, datetime), "every mail of the demo has a Date"
    return at.astimezone(HERE)


def _domain(email: str) -> str:
    return email.rpartition("@")[2]


def _re(subject: str) -> str:
    return subject if subject[:3].lower() in ("re:", "aw:") else f"Re: {subject}"
