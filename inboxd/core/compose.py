"""A letter, its templates and its files -> the text people read -> the final bytes: same input, same bytes.

`render` makes the words, `compose` the mail around them. Values are printed, never run as templates, and cannot become
headers.
"""

from __future__ import annotations

import binascii
import codecs
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from email.utils import format_datetime
from functools import lru_cache
from itertools import product
from types import MappingProxyType
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from inboxd.core import lettering
from inboxd.core.model import Address, File, Letter, MessageId, OutgoingKind, StoryLine
from inboxd.errors import ConfigError, Permanent

MAX_LINE = 78  # RFC 5322, 2.1.1
MAX_REFERENCES = 20  # the first and the latest: enough for every mail program to keep the thread
MAX_SUBJECT = 400
MAX_EXCHANGE = 200_000  # bytes of words in the attached exchange

AUTO_SUBMITTED: Mapping[OutgoingKind, str] = MappingProxyType(
    {  # RFC 3834, section 5; a person's words, relayed, carry none: an out-of-office must be able to answer them
        OutgoingKind.NOTICE: "auto-generated",
        OutgoingKind.RETURNED: "auto-generated",
        OutgoingKind.FOLLOW_UP: "auto-generated",
        OutgoingKind.REMINDER: "auto-generated",
        OutgoingKind.ACKNOWLEDGEMENT: "auto-replied",
    }
)
ONE_TAP = "one_tap"  # the template with the commands that one tap sends; a line is "label | body"
ANSWER_LINKS = "answer_links"  # the template with the two answers
EXCHANGE = "exchange"  # the template of the text file with what was written before
_SET = "\ue002"  # where the HTML part shows an agent's words as they were set


@dataclass(frozen=True, slots=True, kw_only=True)
class MailStamp:
    """What a letter gets from the outside when it becomes a mail."""

    message_id: str  # without angle brackets
    date: datetime
    from_: Address
    reply_to: Address | None = None
    answer_yes: str = ""  # the addresses that the two answers are mailed to
    answer_no: str = ""
    zone: tzinfo | None = None  # in which times are shown
    default_language: str = "en"  # of the mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The words of a letter, twice. The text part is the truth; the HTML part says the same."""

    text: str
    html: str
    language: str = "en"

    @property
    def first_line(self) -> str:
        """What a locked phone shows, and the mark by which a reply shows where our mail begins."""
        return self.text.split("\n", 1)[0]


_NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
_TO_CUSTOMER: Mapping[str, object] = {"customer": "Ana", "subject": "A bike", "brand": "Acme Support"}
_NEWS: Mapping[str, object] = {"now": _NOW, "opens_at": _NOW, "writes_by": _NOW, "writes_on": "that day", "answer": "Tick the box."}
_NOTE = (
    {**_TO_CUSTOMER, **_NEWS},
    {**_TO_CUSTOMER, **_NEWS, "customer": "", "subject": "", "opens_at": None, "writes_by": None, "writes_on": "", "answer": ""},
)
_QUESTION = (
    {**_TO_CUSTOMER, "agent": "Maria", "variant": "silence", "answered_at": _NOW, "refused_at": None, "lead": ""},
    {**_TO_CUSTOMER, "agent": "Maria", "variant": "resolved", "answered_at": None, "refused_at": None, "lead": ""},
    {**_TO_CUSTOMER, "agent": "Maria", "variant": "could_not", "answered_at": None, "refused_at": _NOW, "lead": "Petra"},
)
_REPLY = {**_TO_CUSTOMER, "words": "Here it is.", "signs_as": "Maria", "quotation": "Where is it?", "quoted_at": _NOW, "quoted_name": "Ana"}
# The texts that customers read, with what they are tried with: each value that a real letter has, and the odd ones.
FOR_CUSTOMERS: Mapping[str, tuple[Mapping[str, object], ...]] = MappingProxyType(
    {
        "acknowledge": _NOTE,
        "we_hear_you": _NOTE,
        "we_are_closed": _NOTE,
        "are_you_happy": _QUESTION,
        "reminder": _QUESTION,
        "known_issue": tuple({**note, "known_issue": "Signing in fails."} for note in _NOTE),
        "mended": (
            {**_TO_CUSTOMER, "wrote_at": _NOW, "mails": 41, "since": _NOW, "now": _NOW, "fixed": ""},
            {**_TO_CUSTOMER, "customer": "", "wrote_at": _NOW, "mails": 1, "since": _NOW, "now": _NOW, "fixed": "It was a cable."},
        ),
        "reply": (_REPLY, {**_REPLY, "quotation": "", "quoted_at": None, "quoted_name": ""}),
        ANSWER_LINKS: ({},),
    }
)
# The same for texts under a name of the admin's own.
_ANY_NOTE = tuple({**question, **note} for note, question in product(_NOTE, _QUESTION))
_EVERYWHERE = frozenset({"links", "language", "zone"})
_TO_AGENTS = frozenset({"agent", "customer", "subject", "brand", "mailbox"})


@dataclass(frozen=True, eq=False)
class Templates:
    """The sources of all texts: "language/name" -> source, and "letter.html" for the HTML part."""

    texts: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)  # key -> the file it was read from, for people
    shipped: Mapping[str, str] = field(default_factory=dict)  # the texts that came with inboxd, replaced or not

    @property
    def names(self) -> frozenset[str]:
        """The names of the texts, whatever their language."""
        return frozenset(key.partition("/")[2] for key in self.texts if "/" in key)

    def languages(self, name: str) -> tuple[str, ...]:
        """The languages that have this text, in order of the alphabet."""
        return tuple(sorted(key.partition("/")[0] for key in self.texts if key.partition("/")[2] == name))

    def file(self, key: str) -> str:
        """Name the file that a text was read from."""
        return self.files.get(key, f"templates/{key}.{'' if key == 'letter.html' else 'txt.'}j2")

    def for_customers(self, name: str) -> bool:
        """Whether customers read this text: a name of the admin's own is an acknowledgement or the question."""
        return name in FOR_CUSTOMERS or (bool(self.shipped) and not any(key.partition("/")[2] == name for key in self.shipped))

    def find(self, name: str, *languages: str) -> str | None:
        """Give the key of this text in the first of these languages that has it, else in English."""
        for language in (*languages, "en"):
            for key in (f"{language.lower()}/{name}", f"{language.lower().partition('-')[0]}/{name}"):
                if key in self.texts:
                    return key
        return None

    def missing(self, names: Iterable[str], languages: Iterable[str]) -> tuple[str, ...]:
        """Name each text that would have to be shown in another language, or cannot be shown at all."""
        wanted = [f"{language}/{name}" for language in languages for name in names]
        return tuple(key for key in wanted if key not in self.texts)

    def mistakes(self) -> tuple[str, ...]:
        """Say of each source that cannot be filled in why, with its file and line. Texts for customers are filled in to see."""
        return _mistakes(self)


@lru_cache(maxsize=2)  # asked more than once while rules are loaded
def _mistakes(templates: Templates) -> tuple[str, ...]:
    found = []
    for key in sorted(templates.texts):
        for line, message in _mistakes_of(templates, key):
            found.append(f"{templates.file(key)}:{line}: {message}" if line else f"{templates.file(key)}: {message}")
    return tuple(found)


def _mistakes_of(templates: Templates, key: str) -> tuple[tuple[int, str], ...]:
    environment, name = _environment(templates, html=key == "letter.html"), key.partition("/")[2]
    try:
        used = _used(environment, templates.texts[key])
        environment.compile(templates.texts[key], raw=True)  # finds filters that do not exist
    except jinja2.TemplateSyntaxError as error:
        return ((error.lineno, error.message or "this is no template"),)
    offered = _offered(templates, key, name)
    if offered is not None and (unknown := sorted((line, word) for word, line in used.items() if word not in offered | _EVERYWHERE)):
        return tuple((line, f"there is no value '{word}' here; there are {', '.join(sorted(offered))}") for line, word in unknown)
    if not templates.for_customers(name):
        return ()
    tries = (_tried(environment, key, values) for values in FOR_CUSTOMERS.get(name, _ANY_NOTE))
    return next(((wrong,) for wrong in tries if wrong), ())


def _used(environment: jinja2.Environment, source: str) -> dict[str, int]:
    """The values that a text asks for, with the first line of each; those of which it asks whether they are there are its own affair."""
    tree = environment.parse(source)
    asked = {test.node.name for test in tree.find_all(nodes.Test) if test.name == "defined" and isinstance(test.node, nodes.Name)}
    wanted = meta.find_undeclared_variables(tree) - asked
    lines: dict[str, int] = {}
    for each in tree.find_all(nodes.Name):
        if each.name in wanted:
            lines[each.name] = min(each.lineno, lines.get(each.name, each.lineno))
    return lines


def _offered(templates: Templates, key: str, name: str) -> frozenset[str] | None:
    """The values that this text can use; None where that is not known: then they are those of the shipped text itself."""
    if templates.for_customers(name):
        return frozenset(value for values in FOR_CUSTOMERS.get(name, _ANY_NOTE) for value in values)
    same = [text for other, text in templates.shipped.items() if other == key or other.partition("/")[2] == name != ""]
    if not same or templates.texts[key] == templates.shipped.get(key):
        return None
    environment = _environment(templates, html=not name)
    return frozenset(value for text in same for value in _used(environment, text)) | (_TO_AGENTS if name else frozenset())


def _tried(environment: jinja2.Environment, key: str, values: Mapping[str, object]) -> tuple[int, str] | None:
    """Fill a text in; the line and the words of what went wrong."""
    try:
        environment.get_template(key).render({"links": lettering.LINKS_HERE, **values, "language": key.partition("/")[0], "zone": None})
    except Exception as error:  # whatever an admin's text runs into
        at, line = error.__traceback__, 0
        while at:
            line = at.tb_lineno if at.tb_frame.f_code.co_filename == "<template>" else line
            at = at.tb_next
        empty = ", ".join(f"'{name}'" for name, value in values.items() if value is None)
        return line, f"cannot be filled in: {error}" + (f" ({empty} can be empty: ask with 'if')" if empty else "")
    return None


# --- words -------------------------------------------------------------------------------------------------------


def render(letter: Letter, templates: Templates, stamp: MailStamp | None = None) -> Rendered:
    """Fill in the letter's template. With a stamp times are shown in its zone and the HTML part gets its links."""
    default = stamp.default_language if stamp else "en"
    key = templates.find(letter.template, letter.language, default)
    if key is None:
        raise ConfigError(f"templates/en/{letter.template}.txt.j2: there is no such template")
    language = key.partition("/")[0]
    values = {
        "links": lettering.LINKS_HERE,
        **letter.values,
        "language": language,
        "zone": stamp.zone if stamp else None,
    }
    environment = _environment(templates, html=False)
    marked = _fill_in(environment, key, values).strip("\n") + "\n"
    links = _links(letter, templates, stamp, language) if stamp else ()
    page = {
        "language": language,
        "title": lettering.one_line(letter.subject),
        "blocks": _blocks(letter, environment, key, values, marked),
        "links": links,
        "own": lettering.many_lines(str(letter.values.get("html", ""))),
    }
    html = _fill_in(_environment(templates, html=True), "letter.html", page)
    return Rendered(text=lettering.plain(marked), html=html.strip("\n") + "\n", language=language)


def _blocks(letter: Letter, environment: jinja2.Environment, key: str, values: Mapping[str, object], marked: str) -> list[lettering.Block]:
    """Cut the page into blocks; an agent's words that were set in HTML are one block "own", where the template says the words."""
    blocks = lettering.blocks(marked)
    if not letter.values.get("html"):
        return blocks
    found: list[lettering.Block] = []
    for block in lettering.blocks(_fill_in(environment, key, {**values, "words": _SET}).strip("\n") + "\n"):
        if block.kind != "paragraph" or _SET not in block.lines:
            found.append(block)
            continue
        at = block.lines.index(_SET)
        own = lettering.Block(kind="own", lines=tuple(str(values.get("words", "")).split("\n")))
        around = [replace(block, lines=lines) for lines in (block.lines[:at], block.lines[at + 1 :])]
        found += [each for each in (around[0], own, around[1]) if each.lines]
    return found if sum(block.kind == "own" for block in found) == 1 else blocks


def _fill_in(environment: jinja2.Environment, key: str, values: Mapping[str, object]) -> str:
    try:
        return _template(environment, key).render(values)
    except jinja2.TemplateError as error:
        # UndefinedError names the variable, never its neighbours' values
        raise Permanent(f"the template {key} cannot be filled in: {error.message}") from error


@lru_cache(maxsize=200)
def _template(environment: jinja2.Environment, key: str) -> jinja2.Template:
    return environment.get_template(key)


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox; the fields of our own frozen values, which templates ask for hundreds of times a mail, need no long look."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if attribute in getattr(type(obj), "__dataclass_fields__", ()):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)


@lru_cache(maxsize=8)
def _environment(templates: Templates, *, html: bool) -> jinja2.Environment:
    # The page only lays out what the sandbox has filled in already, and asks for hundreds of attributes a mail.
    kind = jinja2.Environment if html else _Sandbox
    environment = kind(
        loader=jinja2.DictLoader(templates.texts),
        undefined=jinja2.StrictUndefined,
        autoescape=html,
        finalize=None if html else lettering.printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(lettering.FILTERS)
    return environment


def _links(letter: Letter, templates: Templates, stamp: MailStamp, language: str) -> tuple[lettering.Link, ...]:
    """Make the taps of the HTML part: each opens a mail that only has to be sent (RFC 6068)."""
    targets: tuple[str, ...]
    if letter.answer_links and stamp.answer_yes and stamp.answer_no:
        name, targets, mark = ANSWER_LINKS, (stamp.answer_yes, stamp.answer_no), ""
    elif letter.kind is OutgoingKind.ROUTED and stamp.reply_to and "+" in stamp.reply_to.email:
        # a plain address proves nothing in a mail that answers none: there no tap is offered
        name, targets, mark = ONE_TAP, (stamp.reply_to.email,) * 9, lettering.TAP_MARK
    else:
        return ()
    key = templates.find(name, language, stamp.default_language)
    if key is None:
        return ()
    subject = letter.subject if letter.subject.lower().startswith("re:") else f"Re: {letter.subject}"
    return tuple(
        lettering.Link(label=mark + label.strip(), href=lettering.mailto(target, lettering.one_line(subject), body.strip()))
        for (label, body), target in zip(_taps(templates, key, language), targets, strict=False)
    )


@lru_cache(maxsize=32)
def _taps(templates: Templates, key: str, language: str) -> tuple[tuple[str, str], ...]:
    """The labels of the taps and what each sends: the same in every letter."""
    lines = _fill_in(_environment(templates, html=False), key, {"language": language, "zone": None}).splitlines()
    return tuple((label, body) for label, mark, body in (line.partition("|") for line in lines) if mark)


# --- the exchange so far -------------------------------------------------------------------------------------------


def exchange(letter: Letter, templates: Templates, zone: tzinfo) -> tuple[File, ...]:
    """Make the text file of what was written before in the case, for any program to show; where it is too long, of the newest mails."""
    if not letter.exchange:
        return ()
    key = templates.find(EXCHANGE, letter.language)
    if key is None:
        raise ConfigError(f"templates/en/{EXCHANGE}.txt.j2: there is no such template")
    lines = _newest(letter.exchange)
    values = {
        **letter.values,
        "subject": letter.subject,
        "lines": [replace(line, at=line.at.astimezone(zone), text=line.text.strip("\n")) for line in lines],
        "left_out": len(letter.exchange) - len(lines),
        "links": "",
        "language": key.partition("/")[0],
        "zone": zone,
    }
    text = lettering.plain(_fill_in(_environment(templates, html=False), key, values).strip("\n"))
    return (File(name="exchange.txt", type="text/plain", content=text.replace("\n", "\r\n").encode("utf-8-sig", "replace")),)


def _newest(lines: Sequence[StoryLine]) -> tuple[StoryLine, ...]:
    """Keep the newest lines that have room together; of the very newest at least the beginning."""
    kept: list[StoryLine] = []
    room = MAX_EXCHANGE
    for line in reversed(lines):
        words = line.text.encode("utf-8", "replace")
        if len(words) > room and kept:
            break
        cut = line if len(words) <= room else replace(line, text=f"{words[:room].decode('utf-8', 'ignore')}\n[...]")
        kept.append(cut)
        room -= len(words) + 100  # with its heading
    return tuple(reversed(kept))


# --- bytes -------------------------------------------------------------------------------------------------------


def compose(letter: Letter, rendered: Rendered, files: Sequence[File], stamp: MailStamp) -> bytes:
    """Make the final bytes: 7 bit clean, CRLF, boundaries derived from the Message-ID, no header but ours.

    The parts are written by hand: the standard library's generator takes five times as long, and its folding has bugs.
    """
    ids = _pictures(letter, rendered, files)
    page, pictures = _text("html", rendered.html), [_attachment(file, shown) for file, shown in zip(files, ids, strict=True) if shown]
    if pictures:
        page = _multipart("related", [page, *pictures], f"{stamp.message_id}/2")
    words = _multipart("alternative", [_text("plain", rendered.text), page], f"{stamp.message_id}/0")
    body = words
    apart = [file for file, shown in zip(files, ids, strict=True) if not shown]
    if apart:
        whole = [_whole_mail(file) if file.type == "message/rfc822" else _attachment(file) for file in apart]
        body = _multipart("mixed", [words, *whole], f"{stamp.message_id}/1")
    head = "".join(f"{line}\r\n" for line in (*_headers(letter, stamp), "MIME-Version: 1.0"))
    return head.encode("ascii") + body


def _headers(letter: Letter, stamp: MailStamp) -> Iterator[str]:
    """Write the header fields ourselves: address lists folded by the standard library of 3.11 can lose their commas."""
    to = lettering.addresses([letter.to])
    if not to:
        raise Permanent("the recipient's address cannot be written in a mail header")
    yield f"From: {lettering.addresses([stamp.from_])}"
    yield f"To: {to}"
    if cc := lettering.addresses(letter.cc):
        yield f"Cc: {cc}"
    if stamp.reply_to and (reply_to := lettering.addresses([stamp.reply_to])):
        yield f"Reply-To: {reply_to}"
    yield "Subject: " + lettering.unstructured(lettering.one_line(letter.subject)[:MAX_SUBJECT])
    yield "Date: " + format_datetime(stamp.date.astimezone(stamp.zone) if stamp.zone else stamp.date)
    yield f"Message-ID: <{stamp.message_id}>"
    if thread := _thread(letter.thread):
        yield f"In-Reply-To: <{thread[-1]}>"
        yield "References: " + "\r\n ".join(f"<{each}>" for each in thread)
    if letter.kind in AUTO_SUBMITTED:
        yield f"Auto-Submitted: {AUTO_SUBMITTED[letter.kind]}"
    if letter.important:
        yield "Importance: high"


def _thread(ids: Sequence[MessageId]) -> tuple[str, ...]:
    """Keep the first and the latest ids, each once, and only those that are one printable word."""
    usable = [each for each in dict.fromkeys(ids) if re.fullmatch(r"[!-;=?-~]{3,240}", each)]
    if len(usable) > MAX_REFERENCES:
        usable = usable[:1] + usable[-(MAX_REFERENCES - 1) :]
    return tuple(usable)


def _multipart(subtype: str, parts: Sequence[bytes], seed: str) -> bytes:
    """Put parts together (RFC 2046, 5.1); the boundary cannot stand in a part: encoded ones have no "=_", others are searched."""
    boundary = "=_" + hashlib.sha256(seed.encode()).hexdigest()[:32]
    while any(boundary.encode() in part for part in parts):
        boundary = "=_" + hashlib.sha256(boundary.encode()).hexdigest()[:32]
    mark = f"--{boundary}".encode()
    inner = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode() + inner + mark + b"--\r\n"


def _text(subtype: str, text: str) -> bytes:
    raw = text.replace("\r\n", "\n").encode("utf-8", "replace").replace(b"\n", b"\r\n")
    raw = raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    encoding = "7bit"
    if not raw.isascii() or b" \r\n" in raw or b"\t\r\n" in raw or max(map(len, raw.split(b"\r\n"))) > MAX_LINE:
        raw, encoding = binascii.b2a_qp(raw, istext=True), "quoted-printable"
    return f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'.encode() + raw


def _pictures(letter: Letter, rendered: Rendered, files: Sequence[File]) -> list[str]:
    """Of each file the Content-ID under which the page shows it (RFC 2392): then it travels with the page (RFC 2387); else ""."""
    ids = [each.content_id for enclosure in letter.enclose for each in enclosure.attachments or ()]
    if len(ids) != len(files) or not letter.values.get("html"):
        return [""] * len(files)
    return [each if each and f'src="cid:{each}"' in rendered.html else "" for each in ids]


def _attachment(file: File, picture: str = "") -> bytes:
    maintype, subtype = _type(file.type)
    charset = '; charset="utf-8"' if maintype == "text" and file.content.startswith(codecs.BOM_UTF8) else ""
    disposition = f"{_disposition(file.name)}\r\n"
    if picture:
        disposition = f"Content-ID: <{picture}>\r\n" + disposition.replace("attachment", "inline", 1)
    head = f"Content-Type: {maintype}/{subtype}{charset}\r\nContent-Transfer-Encoding: base64\r\n{disposition}"
    return head.encode("ascii") + _in_base64(file.content)


def _in_base64(content: bytes) -> bytes:
    """Lines of 76 letters (RFC 2045, 6.8); all at once and then cut: line by line takes three times as long."""
    letters = binascii.b2a_base64(content, newline=False)
    return b"".join(letters[start : start + 76] + b"\r\n" for start in range(0, len(letters), 76))


def _disposition(given: str) -> str:
    """The file's name; one that is not ASCII in pieces, percent-encoded (RFC 2231, 3 and 4)."""
    name = _file_name(given)
    if name.isascii() and not re.search(r"[\x00-\x1f\x7f]", name):
        quoted = re.sub(r'(["\\])', r"\\\1", name)
        return f'Content-Disposition: attachment;\r\n filename="{quoted}"\r\n'
    encoded = re.findall(r"(?:%..|[^%]){1,50}", lettering.percent(name))
    pieces = [f" filename*{number}*={piece}" for number, piece in enumerate(encoded)]
    pieces[0] = f" filename*0*=utf-8''{encoded[0]}"
    return "Content-Disposition: attachment;\r\n" + ";\r\n".join(pieces) + "\r\n"


def _type(given: str) -> tuple[str, str]:
    """Keep a type that is one; multipart or message around foreign bytes would be read as part of our own mail."""
    wellformed = re.fullmatch(r"([a-z0-9!#$&^_.+-]{1,60})/([a-z0-9!#$&^_.+-]{1,80})", given.lower())
    if wellformed is None or wellformed[1] in ("multipart", "message"):
        return "application", "octet-stream"
    return wellformed[1], wellformed[2]


def _file_name(name: str) -> str:
    return lettering.one_line(name).replace("/", "_").replace("\\", "_")[:120] or "file"


def _whole_mail(file: File) -> bytes:
    """Enclose a mail byte for byte; one that is not 7 bit goes as a file: RFC 2046, 5.2.1 allows no encoding here."""
    if not _seven_bit(file.content):
        return _attachment(File(name=file.name, type="application/octet-stream", content=file.content))
    head = f"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n{_disposition(file.name)}\r\n"
    return head.encode("ascii") + file.content


def _seven_bit(raw: bytes) -> bool:
    """Tell whether every server must pass these bytes on as they are (RFC 5321, 2.3.8 and 4.5.3.1.6)."""
    if not raw.isascii() or b"\0" in raw or re.search(rb"(?<!\r)\n|\r(?!\n)", raw):
        return False
    return raw.endswith(b"\r\n") and all(len(line) <= 998 for line in raw.split(b"\r\n"))
