"""How words become clean text, header fields, links and blocks of a page: the small tools of `compose`."""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from string import ascii_letters, digits
from types import MappingProxyType

import jinja2
from markupsafe import Markup, escape

from inboxd.core.model import Address

SOFT = "\ue000"  # before a line break that only the plain text needs
LINKS_HERE = "\ue001"  # where the HTML part puts its links
STRONG = "\ue003"  # before a line that the HTML part sets in bold
SECTION = "\ue004"  # before a line that the HTML part sets as a heading
BAR = "\ue005"  # around the measures of a bar that the HTML part draws beside a line
TAP_MARK = "→ "  # begins the label of a tap; no agent begins a line so, hence a quoted label is no command
WIDTH = 62

_BREAKS = re.compile("\r\n|[\r\n\x0b\x0c\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\ue000\ue001\ue003-\ue005]")
_HEADING = re.compile(r"-{5} (?! ).{1,120} -{5}")  # "----- Ana wrote today at 09:12 -----"
_MEASURES = re.compile(f"^{BAR}([0-9]+):([0-9]+){BAR}", re.MULTILINE)
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f]")  # they can make a name read as something else


# --- clean text --------------------------------------------------------------------------------------------------


def many_lines(text: str) -> str:
    """Keep the lines and drop what no mail may hold: control characters, lone surrogates, our own marks."""
    if text.replace("\n", "").isprintable():  # nearly all; what is dropped below is none of it
        return text
    return _UNPRINTABLE.sub("", _BREAKS.sub("\n", text))


def one_line(text: str) -> str:
    """Make one clean line of it; nothing can break out of a header."""
    return " ".join((text if text.isprintable() else _TURNING.sub("", many_lines(text))).split())


def printed(value: object) -> object:
    """Clean what a template prints."""
    if isinstance(value, str):
        return value if value == LINKS_HERE else many_lines(value)
    return "" if value is None else value


def plain(marked: str) -> str:
    """Give the plain text: soft line breaks are breaks, the place of the links leaves no trace."""
    bare = _MEASURES.sub("", marked) if BAR in marked else marked
    for mark in (SOFT, STRONG, SECTION):
        bare = bare.replace(mark, "")
    parts = [part.strip("\n") for part in bare.split(LINKS_HERE)]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- filters -----------------------------------------------------------------------------------------------------

DAYS = MappingProxyType(
    {
        "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    }
)
MONTHS = MappingProxyType(
    {
        "en": (
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ),
        "de": (
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ),
    }
)


def fill(text: str) -> str:
    """Wrap prose for the plain text; the HTML part joins the lines again."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())]
    wrapped = (textwrap.wrap(each, WIDTH, break_long_words=False, break_on_hyphens=False) for each in paragraphs)
    return "\n\n".join(f"{SOFT}\n".join(lines) for lines in wrapped) + "\n"


def strong(text: str) -> str:
    """Set a line in bold on the page; the plain text is as it was."""
    return f"{STRONG}{text.strip()}\n"


def section(text: str) -> str:
    """Set a line as a heading on the page."""
    return f"{SECTION}{text.strip()}\n"


def bar(text: str, value: float, most: float, name: str) -> str:
    """Wrap a line that begins with a name and tells a value; on the page a bar is drawn beside it, as long as its share of `most`."""
    return f"{BAR}{round(100 * value / most) if most else 0}:{len(name)}{BAR}{fill(text)}"


def indented(text: str) -> str:
    """Set words apart by four spaces."""
    return "\n".join(f"    {line}".rstrip() for line in many_lines(text).strip("\n").split("\n"))


def quoted(text: str) -> str:
    """Set '> ' before each line."""
    return "\n".join(f"> {line}".rstrip() for line in many_lines(text).strip("\n").split("\n"))


def shorten(text: str, room: int) -> str:
    """Cut at a word where the text is too long, and show that it was cut."""
    text = one_line(text)
    if len(text) <= room:
        return text
    cut = text[: max(room - 3, 1)]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:.") + "..."


def _language(context: jinja2.runtime.Context) -> str:
    language = str(context.get("language", "en"))
    return language if language in DAYS else "en"


def _local(context: jinja2.runtime.Context, at: datetime) -> datetime:
    zone = context.get("zone")
    return at.astimezone(zone) if isinstance(zone, tzinfo) else at


@jinja2.pass_context
def clock(context: jinja2.runtime.Context, at: datetime) -> str:
    """Show a time of day: 09:12."""
    return f"{_local(context, at):%H:%M}"


@jinja2.pass_context
def weekday(context: jinja2.runtime.Context, at: datetime) -> str:
    """Name the day of the week: Monday."""
    return DAYS[_language(context)][_local(context, at).weekday()]


@jinja2.pass_context
def month(context: jinja2.runtime.Context, at: datetime) -> str:
    """Name the month: March."""
    return MONTHS[_language(context)][_local(context, at).month - 1]


def _day(context: jinja2.runtime.Context, at: date) -> date:
    return _local(context, at) if isinstance(at, datetime) else at


@jinja2.pass_context
def day(context: jinja2.runtime.Context, at: date) -> str:
    """Show a date in few letters: Sat 21 Nov."""
    language, local = _language(context), _day(context, at)
    name = DAYS[language][local.weekday()]
    if language == "de":
        return f"{name[:2]}, {local.day}.{local.month}."
    return f"{name[:3]} {local.day} {MONTHS[language][local.month - 1][:3]}"


@jinja2.pass_context
def date_(context: jinja2.runtime.Context, at: date) -> str:
    """Show a date without its weekday: 9 November."""
    language, local = _language(context), _day(context, at)
    return f"{local.day}{'.' if language == 'de' else ''} {MONTHS[language][local.month - 1]}"


@jinja2.pass_context
def span(context: jinja2.runtime.Context, first: date, last: date) -> str:
    """Name days from the first to the last: 16 to 22 November, 30 November to 6 December."""
    word = {"de": " bis "}.get(_language(context), " to ")
    short = first.month == last.month and first.year == last.year
    start = f"{first.day}{'.' if _language(context) == 'de' else ''}" if short else date_(context, first)
    return start + word + date_(context, last)


@jinja2.pass_context
def long_day(context: jinja2.runtime.Context, at: date) -> str:
    """Show a whole date: Monday 16 November."""
    language, local = _language(context), _day(context, at)
    name = DAYS[language][local.weekday()] + ("," if language == "de" else "")
    return f"{name} {date_(context, at)}"


@jinja2.pass_context
def named_day(context: jinja2.runtime.Context, at: datetime, now: datetime) -> str:
    """Name a day to come: Monday, or where that could be another one Monday 23 November."""
    away = (_local(context, at).date() - _local(context, now).date()).days
    return weekday(context, at) if 0 <= away < 7 else long_day(context, at)


@jinja2.pass_context
def by_when(context: jinja2.runtime.Context, due: datetime, now: datetime) -> str:
    """Show when something is due, as shortly as can be: 11:12 today, Wed 15:00, Wed 25 Nov 15:00."""
    due, now = _local(context, due), _local(context, now)
    away = (due.date() - now.date()).days
    if away == 0:
        return f"{due:%H:%M} today"
    return f"{DAYS['en'][due.weekday()][:3] if 0 < away < 7 else day(context, due)} {due:%H:%M}"


@jinja2.pass_context
def when(context: jinja2.runtime.Context, at: datetime, now: datetime) -> str:
    """Show when something was: today at 09:12, on Sat 14 Nov at 18:30."""
    at, now = _local(context, at), _local(context, now)
    return f"{'today' if at.date() == now.date() else 'on ' + day(context, at)} at {at:%H:%M}"


@jinja2.pass_context
def names(context: jinja2.runtime.Context, people: Iterable[str]) -> str:
    """List people as one says it: Ana, Luis and Mia."""
    listed = [one_line(each) for each in people]
    word = {"de": " und "}.get(_language(context), " and ")
    return word.join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))


FILTERS: Mapping[str, Callable[..., object]] = MappingProxyType(
    {
        "bar": bar,
        "by_when": by_when,
        "clock": clock,
        "date": date_,
        "day": day,
        "fill": fill,
        "indented": indented,
        "line": one_line,
        "long_day": long_day,
        "month": month,
        "named_day": named_day,
        "names": names,
        "quoted": quoted,
        "section": section,
        "shorten": shorten,
        "span": span,
        "strong": strong,
        "weekday": weekday,
        "when": when,
    }
)


# --- the HTML part -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A tap that opens a mail."""

    label: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of figures: its name, a bar of so many parts of a hundred, the words about it."""

    name: str
    percent: int
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of text of one kind: paragraph, quote, indented, rule, heading, section, bars (below their section) or links."""

    kind: str
    lines: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()

    @property
    def shown(self) -> Markup:
        """The lines as HTML, those that carry the mark in bold."""
        if not any(line.startswith(STRONG) for line in self.lines):
            return Markup(str(escape("\n".join(self.lines))).replace("\n", "<br>\n"))
        shown = (f"<strong>{escape(line[1:])}</strong>" if line.startswith(STRONG) else escape(line) for line in self.lines)
        return Markup("<br>\n".join(shown))


def mailto(address: str, subject: str, body: str) -> str:
    """Write a link to a mail that only has to be sent (RFC 6068)."""
    body = body if not body.endswith(":") else body + " "
    return f"mailto:{percent(address, '@+')}?subject={percent(subject)}&body={percent(body)}"


@lru_cache(maxsize=256)  # a letter's links differ in their bodies alone, and those are the same in every letter
def percent(text: str, also: str = "") -> str:
    """Percent-encode all but the unreserved characters (RFC 3986, 2.3) and those named."""
    return "".join(map(_percent_encoded(also).__getitem__, text.encode()))


@lru_cache
def _percent_encoded(also: str) -> tuple[str, ...]:
    kept = frozenset(f"{ascii_letters}{digits}-._~{also}".encode())
    return tuple(chr(byte) if byte in kept else f"%{byte:02X}" for byte in range(256))


def blocks(marked: str) -> list[Block]:
    """Cut the text of a letter into the blocks of its page."""
    found: list[Block] = []
    kind, held = "", list[str]()
    for line in [*marked.replace(f"{SOFT}\n", " ").split("\n"), ""]:
        now = _kind_of(line, kind)
        if now != kind or now in ("rule", "heading", "section", "links"):
            _close(found, kind, held)
            kind, held = now, []
        held.append(line)
    _close(found, kind, held)
    if not any(block.kind == "links" for block in found):
        found.append(Block(kind="links"))
    return found


_MARKS = frozenset(("", LINKS_HERE, "-", SECTION, BAR, ">", " "))  # all that the lines of other blocks begin with


def _kind_of(line: str, before: str) -> str:
    if line[:1] not in _MARKS:
        return "paragraph" if line.strip() else ""
    if line == LINKS_HERE:
        return "links"
    if line.startswith("-----"):
        if not line.strip("-"):
            return "rule"
        if _HEADING.fullmatch(line):
            return "heading"
    if line.startswith(SECTION):
        return "section"
    if line.startswith(BAR):
        return "bars"
    if line.startswith(">"):
        return "quote"
    if line.startswith("    ") or (before == "indented" and not line):
        return "indented"
    return "paragraph" if line.strip() else ""


def _close(found: list[Block], kind: str, lines: Sequence[str]) -> None:
    if kind == "quote":
        lines = [re.sub(r"^> ?", "", line) for line in lines]
    if kind == "heading":
        lines = [line.strip("- ") for line in lines]
    if kind == "indented":
        lines = "\n".join(line[4:] for line in lines).strip("\n").split("\n")
    if kind == "section":
        lines = [line.removeprefix(SECTION) for line in lines]
    if kind == "bars":
        heading = found.pop().lines if found and found[-1].kind == "section" else ()
        found.append(Block(kind=kind, lines=heading, bars=tuple(_bar(line) for line in lines)))
    elif kind:
        found.append(Block(kind=kind, lines=tuple(lines)))


def _bar(line: str) -> Bar:
    measures = _MEASURES.match(line)
    assert measures is not None  # as the filter wrote them
    words, named = line[measures.end() :], int(measures[2])
    named += words[named : named + 1] == ":"
    return Bar(name=words[:named], percent=int(measures[1]), words=words[named:].strip())


# --- header fields -------------------------------------------------------------------------------------------------


def unstructured(text: str) -> str:
    """Write the text of a field like Subject: folded, and encoded where it is not plain ASCII (RFC 2047)."""
    words = text.split(" ")
    if text.isascii() and "=?" not in text and all(len(word) <= 60 for word in words):
        return _folded(words)
    return _encoded(text)


def _folded(words: Sequence[str]) -> str:
    lines, length = [""], 10
    for word in words:
        if length + len(word) + 1 > 76 and lines[-1]:
            lines.append("")
            length = 1
        lines[-1] += (" " if lines[-1] else "") + word
        length += len(word) + 1
    return "\r\n ".join(lines)


def _encoded(text: str) -> str:
    """Cut into encoded words of whole characters, at most 75 long."""
    pieces: list[str] = []
    piece = ""
    for character in text:
        if len((piece + character).encode()) > (30 if not pieces else 42):
            pieces.append(piece)
            piece = ""
        piece += character
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(each.encode()).decode()}?=" for each in [*pieces, piece] if each)


def addresses(people: Iterable[Address]) -> str:
    """Write an address list, one a line; an address that no header can carry is left out."""
    written = [_mailbox(one_line(person.name)[:120], email) for person in people if (email := _addr_spec(person.email))]
    return ",\r\n ".join(written)


def reachable(email: str) -> bool:
    """Whether a mail can be written to this address."""
    return bool(_addr_spec(email))


def why_unwritable(email: str, such_as: str = "") -> str:
    """Why this cannot be an address of ours, to which any server takes mail (RFC 5321, 4.1.2); "" if it can."""
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", email):
        return f"'{email}' is not an email address" + (f", such as {such_as}" if such_as else "")
    local = email.partition("@")[0]
    if len(local) <= 64 and re.fullmatch(rf"{_ATOM}(?:\.{_ATOM})*", local) and reachable(email):
        return ""
    return f"not every server takes mail to '{email}'; before the @ stand plain letters, digits and . _ + -, and no two dots together"


def _mailbox(name: str, email: str) -> str:
    if not name:
        return email
    if not name.isascii() or "=?" in name or len(name) > 60:
        return f"{_encoded(name)}\r\n <{email}>"
    if not re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+", name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    between = "\r\n " if len(name) + len(email) > 60 else " "
    return f"{name}{between}<{email}>"


_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"


@lru_cache(maxsize=1000)
def _addr_spec(email: str) -> str:
    """Check the address (RFC 5322, 3.4.1); international domains in ASCII, "" if it cannot be."""
    local, _, domain = email.strip().rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    if not re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Za-z.:]{{3,60}}\]", domain) or len(domain) > 253 or len(local) > 128:
        return ""
    if re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+", local):
        return f"{local}@{domain}"
    if re.fullmatch(r'"[ !#-\[\]-~]*"', local):
        return f"{local}@{domain}"
    return f'"{local}"@{domain}' if re.fullmatch(r"[ !#-\[\]-~]+", local) else ""
