"""Bytes to a Message: total, within limits, tolerant of what real mail programs write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from inboxd.core.decoding import clean, decode, decode_transfer, parameters, words
from inboxd.core.html_text import MOST_TAGS, html_text
from inboxd.core.mime import Limits, Part, is_message, walk
from inboxd.core.model import Address, Attachment, File, Message, MessageId

__all__ = ["Limits", "files", "parse"]

_ID = re.compile(r"<([^<>]{1,998})>")
_SPACES = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"\w")
_BARE_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,320}@[^\s<>,;:\"()]{1,255}")
_NO_HTML_SHOWN = re.compile(
    r"(does(n't| not)|unable to|cannot|can't|not able to) (support|display|read|view|show)"
    r"|html[- ](version|format|e-?mail|message|compatible|enabled|mail)|kein html|html-f(ä|ae)hig|pas le html",
    re.I,
)
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
_REPORTS = ("message/delivery-status", "message/feedback-report", "message/disposition-notification")
_RETURNED = (
    "text/rfc822-headers",
    "message/rfc822",
    "message/rfc822-headers",
    "message/global",
    "message/global-headers",
)
_ENDINGS = {
    "text/plain": "txt",
    "text/html": "html",
    "text/calendar": "ics",
    "image/jpeg": "jpg",
    "message/rfc822": "eml",
}
LIMITS = Limits()


def parse(raw: bytes, limits: Limits = LIMITS) -> Message:
    """Understand a mail. Never raises: what cannot be read is left out and named in `cut` or `error`."""
    try:
        return _parse(raw, limits)
    except Exception as error:  # total by contract: a mail must never stop the daemon
        return Message(size=len(raw), text=clean(raw[:10_000].decode("latin-1")), error=type(error).__name__)


def files(raw: bytes, attachments: Sequence[Attachment]) -> tuple[File, ...]:
    """Give the attached files with their bytes."""
    return tuple(File(name=a.name, type=a.type, content=decode_transfer(raw[a.start : a.end], a.encoding)) for a in attachments)


def _parse(raw: bytes, limits: Limits) -> Message:
    data = raw[: limits.size]
    content = _contents(data, limits)
    root = content.root
    cut = list(content.cut)
    if len(raw) > limits.size:
        cut.insert(0, "size")
    html = _html(data, content, limits, cut)
    text = _text(data, content, html, limits, cut)
    fields = tuple((name, words(value) if "=?" in value else value) for name, value in root.fields)
    return Message(
        message_id=next(iter(_ids(root.get("message-id"))), MessageId("")),
        in_reply_to=_ids(root.get("in-reply-to")),
        references=_ids(root.get("references")),
        sender=_sender(root, limits),
        reply_to=_addresses(root, "reply-to", limits),
        to=_addresses(root, "to", limits),
        cc=_addresses(root, "cc", limits),
        delivered_to=_delivered(root),
        subject=_SPACES.sub(" ", words(root.get("subject"))).strip(),
        text=text,
        html="\n".join(html.values()),
        attachments=tuple(_attachment(data, part, index) for index, part in enumerate(content.attached)),
        headers=fields,
        content_type=root.type,
        report=_report(data, content.reports),
        size=len(raw),
        cut=tuple(dict.fromkeys(cut)),
    )


# --- parts -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Contents:
    """The parts of a mail by what they are to a reader."""

    root: Part
    cut: tuple[str, ...]
    shown: list[Part] = field(default_factory=list)  # text and HTML in order
    instead: dict[int, int] = field(default_factory=dict)  # id of a text part -> number of its alternative
    attached: list[Part] = field(default_factory=list)
    reports: list[Part] = field(default_factory=list)


def _contents(raw: bytes, limits: Limits) -> _Contents:
    root, cut = walk(raw, limits)
    content = _Contents(root, cut)
    todo: list[tuple[Part, int, str]] = [(root, 0, "")]
    alternatives = 0
    while todo:
        part, alternative, parent = todo.pop()
        if part.type in _REPORTS or part.type in _RETURNED:
            content.reports.append(part)
        if part.type.startswith("multipart/") and (part.children or not raw[part.start : part.end].strip()):
            if part.type == "multipart/alternative":
                alternatives += 1
                alternative = alternatives
            todo.extend((child, alternative, part.type) for child in reversed(part.children))
        elif _is_shown(part, content, parent):
            content.shown.append(part)
            if alternative:
                content.instead[id(part)] = alternative
        else:
            content.attached.append(part)
    if not content.shown and not any(part.type in _REPORTS for part in content.reports):
        _show_enclosed(content)
    return content


def _show_enclosed(content: _Contents) -> None:
    """A mail that holds nothing but another mail shows that one's words."""
    enclosed = next((part for part in content.attached if part.children), None)
    todo = list(enclosed.children) if enclosed else []
    while todo:
        part = todo.pop(0)
        if part.children:
            todo = [*part.children, *todo]
        elif part.type in ("text/plain", "text/html") and not part.get("content-disposition").startswith("attachment"):
            content.shown.append(part)
            return


def _is_shown(part: Part, content: _Contents, parent: str) -> bool:
    """Whether a reader sees this part as the mail's words, rather than as a file."""
    if part.type.startswith("multipart/"):
        return True  # no boundary was found: what lies there is all there is
    if part.type not in ("text/plain", "text/html", "text/enriched", "text/markdown", "text/x-plain", "text/"):
        return part is content.root and part.type.startswith("text/") and part.type not in ("text/calendar", "text/csv")
    disposition, extra = parameters(part.get("content-disposition"))
    if disposition == "attachment":
        return part is content.root and not extra.get("filename")
    if not extra.get("filename") and not part.parameters.get("name"):
        return True
    # A name alone makes no file of the mail's first words (old programs name every part).
    return not content.shown and (part is content.root or disposition in ("", "inline")) and parent != "multipart/report"


def _attachment(raw: bytes, part: Part, index: int) -> Attachment:
    encoding = "" if is_message(part) else part.get("content-transfer-encoding")
    return Attachment(
        name=_name(part, index),
        type=part.type,
        size=len(decode_transfer(raw[part.start : part.end], encoding)),
        start=part.start,
        end=part.end,
        encoding=encoding,
        content_id=part.get("content-id").strip(" <>"),
    )


def _bytes(raw: bytes, part: Part) -> bytes:
    return raw[part.start : part.end] if is_message(part) else part.content(raw)


def _name(part: Part, number: int) -> str:
    """The file's name as written, without folders; else one made from its type."""
    _, extra = parameters(part.get("content-disposition"))
    name = extra.get("filename") or part.parameters.get("name") or extra.get("name") or ""
    name = _SPACES.sub(" ", clean(name)).strip()
    if not name and part.type == "message/rfc822":
        inner = words(part.children[0].get("subject")) if part.children else ""
        name = re.sub(r'[\\/:*?"<>|]+', " ", _SPACES.sub(" ", inner)).strip()[:60] or "message"
        return f"{name}.eml"
    if not name:
        kind, _, sort = part.type.partition("/")
        ending = _ENDINGS.get(part.type, re.sub(r"[^a-z0-9].*", "", sort.removeprefix("x-")) or "bin")
        return f"{kind if kind.isalnum() else 'file'}-{number + 1}.{ending}"
    return name.replace("\\", "/").rsplit("/", 1)[-1] or "file"


# --- words -------------------------------------------------------------------------------------------------------


def _html(raw: bytes, content: _Contents, limits: Limits, cut: list[str]) -> dict[int, str]:
    """The HTML of the mail by part (its id), as sent; all of it together within the limit."""
    found: dict[int, str] = {}
    left = limits.html
    for part in content.shown:
        if part.type == "text/html":
            body = _decoded(raw, part, limits.html * 4) if left else ""
            if len(body) > left or not left:
                cut.append("html")
            found[id(part)] = body[:left]
            left -= len(found[id(part)])
    return found


def _readable(html: dict[int, str]) -> dict[int, str]:
    """The HTML parts as text; they share one allowance of tags."""
    found: dict[int, str] = {}
    tags = MOST_TAGS
    for number, source in html.items():
        found[number] = html_text(source, tags)
        tags = max(0, tags - source.count("<"))
    return found


def _text(raw: bytes, content: _Contents, html: dict[int, str], limits: Limits, cut: list[str]) -> str:
    """What a reader sees: of alternatives the plain text, unless only the HTML says something."""
    rich = {content.instead.get(number, 0) for number in html}
    plain = {id(part): _plain(part, _decoded(raw, part, limits.text * 4)) for part in content.shown if id(part) not in html}
    both = (rich & {content.instead.get(number, 0) for number in plain}) - {0}
    for alternative in both:
        together = "\n".join(text for number, text in plain.items() if content.instead.get(number, 0) == alternative)
        if _says_nothing(together):
            readable = _readable({n: source for n, source in html.items() if content.instead.get(n, 0) == alternative})
            if len(" ".join(readable.values()).split()) > 2 * len(together.split()):
                plain = {n: text for n, text in plain.items() if content.instead.get(n, 0) != alternative} | readable
    wanted = {number: source for number, source in html.items() if content.instead.get(number, 0) not in both}
    plain = _readable(wanted) | plain
    text = "\n\n".join(plain[id(part)] for part in content.shown if plain.get(id(part), "").strip())
    if len(text) > limits.text:
        cut.append("text")
    return text[: limits.text]


def _says_nothing(text: str) -> bool:
    """Empty, or only the excuse that the mail is HTML."""
    if len(text) > 600:
        return False
    return not _WORD.search(text) or ("html" in text.lower() and _NO_HTML_SHOWN.search(text) is not None)


def _decoded(raw: bytes, part: Part, most: int) -> str:
    data = part.content(raw)[:most]
    label = part.parameters.get("charset", "")
    if not label and part.type == "text/html":
        declared = re.search(rb"<meta[^<>]{0,200}?charset=[\"' ]?([\w-]{2,40})", data[:4000], re.I)
        label = declared[1].decode("ascii") if declared else ""
        label = "utf-8" if label.lower().startswith("utf-16") else label  # who could read the label knows better (HTML, 13.2.3.3)
    return decode(data, label)


def _plain(part: Part, text: str) -> str:
    text = _without_armour(text.replace("\r\n", "\n").replace("\r", "\n"))
    if part.parameters.get("format", "").lower() == "flowed":
        return _unflowed(text, part.parameters.get("delsp", "").lower() == "yes")
    if part.type == "text/enriched":
        return re.sub(r"<[^<>\n]{0,200}>", "", text)
    return text


def _without_armour(text: str) -> str:
    """Take off what PGP writes around and into a text that it signs in the clear (RFC 9580, 7)."""
    above, begins, rest = text.partition("-----BEGIN PGP SIGNED MESSAGE-----\n")
    signed, signature, rest = rest.partition("\n-----BEGIN PGP SIGNATURE-----\n")
    _, ends, below = rest.partition("-----END PGP SIGNATURE-----")
    if not (begins and signature and ends):
        return text
    return above + re.sub(r"^- ", "", signed.partition("\n\n")[2], flags=re.M) + below


def _unflowed(text: str, delsp: bool) -> str:
    """Join the soft line breaks of format=flowed (RFC 3676, 4.1-4.4)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        quotes = len(line) - len(content)
        content = content.removeprefix(" ")  # space-stuffing
        if paragraph and (quotes != depth or not content or content == "-- "):  # neither is ever part of a paragraph (4.3)
            out.append(_quoted(depth, paragraph))
            paragraph = []
        depth = quotes
        soft = content.endswith(" ") and content != "-- "
        paragraph.append(content[:-1] if soft and delsp else content)
        if not soft:
            out.append(_quoted(depth, paragraph))
            paragraph = []
    if paragraph:
        out.append(_quoted(depth, paragraph))
    return "\n".join(out)


def _quoted(depth: int, paragraph: list[str]) -> str:
    text = "".join(paragraph)
    return f"{'>' * depth} {text}" if depth else text


def _report(raw: bytes, reports: list[Part]) -> str:
    """The machine's words of a report, and the Message-ID lines of the mail it returns."""
    pieces = []
    for part in reports[:20]:
        body = decode(part.content(raw)[:64_000])
        if part.type in _RETURNED:
            header = body.lstrip("\r\n").split("\n\n" if "\r\n\r\n" not in body else "\r\n\r\n", 1)[0]
            body = "\n".join(f"Message-ID: <{found}>" for found in _returned_ids(header))
        pieces.append(body.replace("\r\n", "\n").strip())
    return "\n\n".join(piece for piece in pieces if piece)


def _returned_ids(header: str) -> Iterator[str]:
    for match in re.finditer(r"^message-id[ \t]*:[ \t\r\n]*<([^<>\s]{1,998})>", header, re.I | re.M):
        yield match[1]


# --- header fields -----------------------------------------------------------------------------------------------


def _ids(value: str) -> tuple[MessageId, ...]:
    """The Message-IDs in a field; a bare word with an @ counts, since some programs forget the brackets."""
    found = [_SPACES.sub("", match) for match in _ID.findall(value)]
    if not found and "@" in value:
        found = [word.strip("<>,;") for word in value.split() if "@" in word]
    return tuple(dict.fromkeys(MessageId(each) for each in found if each))


def _sender(root: Part, limits: Limits) -> Address:
    """From, else Sender, else Return-Path: the first that holds an address."""
    named = ""
    for name in ("from", "sender", "return-path"):
        for address in _addresses(root, name, limits):
            if "@" in address.email:
                return address if address.name or not named else Address(email=address.email, name=named)
            named = named or address.name or address.email
    return Address(email="", name=named)


def _delivered(root: Part) -> tuple[str, ...]:
    found = (match.lower() for name, value in root.fields if name in _DELIVERED for match in _BARE_ADDRESS.findall(value))
    return tuple(dict.fromkeys(found))


def _addresses(root: Part, name: str, limits: Limits) -> tuple[Address, ...]:
    found: list[Address] = []
    for key, value in root.fields:
        if key == name:
            found.extend(_split_addresses(value, limits.addresses - len(found)))
    return tuple(found)


def _split_addresses(value: str, most: int) -> list[Address]:
    """Read an address list (RFC 5322, 3.4), groups and the mistakes of the wild included; linear."""
    found: list[Address] = []
    written: list[str] = []
    angle: list[str] = []
    comment: list[str] = []
    mode, depth, escaped = "", 0, False

    def finish() -> None:
        address = _address("".join(written), "".join(angle), "".join(comment))
        if address is not None and len(found) < most:
            found.append(address)
        for piece in (written, angle, comment):
            piece.clear()

    for character in value:
        if escaped:
            (comment if mode == "(" else written).append(character)
            escaped = False
        elif character == "\\" and mode in ('"', "("):
            escaped = True
        elif mode == '"':
            if character == '"':
                mode = ""
            else:
                written.append(character)
        elif mode == "(":
            depth += (character == "(") - (character == ")")
            if depth == 0:
                mode = ""
            else:
                comment.append(character)
        elif mode == "<":
            if character == ">":
                mode = ""
            else:
                angle.append(character)
        elif character in '"<':
            mode = character
        elif character == "(":
            mode, depth = "(", 1
        elif character in ",;":
            finish()
        elif character == ":" and "@" not in "".join(written[-64:]):
            written.clear()  # the name of a group
        else:
            written.append(character)
    finish()
    return found


def _address(written: str, angle: str, comment: str) -> Address | None:
    name = _SPACES.sub(" ", words(written)).strip(" '")
    email = _SPACES.sub("", words(angle)).strip("<>").removeprefix("mailto:")
    email = email.partition("<")[0] if "@" in email.partition("<")[0] else email  # <ana@x.example<mailto:ana@x.example>>
    email = email[1:-1] if email[:1] == "'" == email[-1:] else email  # <'ana@x.example'>
    if not email:
        match = _BARE_ADDRESS.search(name)
        if match:
            email = match[0]
            name = name.replace(email, "").strip(" <>'") or _SPACES.sub(" ", words(comment)).strip()
        elif not name:
            return None
    return Address(email=email.lower(), name=name or _SPACES.sub(" ", words(comment)).strip())
