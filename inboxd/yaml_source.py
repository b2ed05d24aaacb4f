"""YAML with the line and column of every key and value; mistakes are values, so that all can be shown at once.

Scalars stay text (`9:30`, `no` and `1.10` are what the admin wrote); the typed readers of `Source` make of them what
is wanted.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from inboxd.errors import ConfigError

MAX_BYTES = 1024 * 1024  # of the files that are read together
MAX_NODES = 60_000  # values, lists and blocks of these files
MAX_LINE = 20_000  # characters
MAX_ALIASES = 10
MAX_DEPTH = 20
LONGEST = 10 * 366 * 86400  # seconds; a longer time is a slip of the finger
EXCERPT = 120  # characters of a line that are shown
SHOWN = 100  # mistakes that are shown
MESSAGE = 800  # characters of a message
LISTED = 30  # words that are listed where none is near

SPAN_EXAMPLES = "write for example '30 minutes', '4 hours' or '2 days'"
CONTACTS_EXAMPLE = "write for example 'at least 3 in 14 days'"

# --- a mistake ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """Something the admin can mend: where it stands, what is wrong, and the line itself. Line 0: the whole file."""

    file: str
    line: int
    column: int
    message: str
    excerpt: str = ""
    width: int = 1

    def __str__(self) -> str:
        """Say it as a compiler does: place and message, then the line with its number, then a caret."""
        if not self.line:
            return f"{self.file}: {self.message}"
        head = f"{self.file}:{self.line}:{self.column}: {self.message}"
        if not self.excerpt.strip() or self.column > len(self.excerpt) + 1:
            return head
        # Of a long line the part around the mistake is shown.
        cut = 0 if self.column + min(self.width, EXCERPT // 2) <= EXCERPT + 1 else self.column - 1 - EXCERPT // 2
        before = "..." if cut else ""
        after = "..." if len(self.excerpt) > cut + EXCERPT else ""
        shown = "".join(sign if sign.isprintable() or sign == "\t" else "?" for sign in self.excerpt[cut : cut + EXCERPT])
        column = self.column - 1 - cut
        indent = " " * len(before) + "".join(map(_as_wide, shown[:column]))
        room = max(1, min(self.width, len(shown) - column))
        return f"{head}\n{self.line:>5} | {before}{shown}{after}\n      | {indent}{'^' * room}"


def _as_wide(sign: str) -> str:
    """Give the blank that is as wide on a terminal as this sign, so that the caret stands under its word."""
    if sign == "\t" or unicodedata.combining(sign):
        return "\t" if sign == "\t" else ""
    return "  " if unicodedata.east_asian_width(sign) in "WF" else " "


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise a ConfigError with the mistakes in order of their place, if there are any; beyond so many only their number."""
    ordered = sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line, mistake.column))
    more = len(ordered) - SHOWN
    rest = [f"and {more:,} more; mend these first"] if more > 0 else []
    if ordered:
        raise ConfigError(*ordered[:SHOWN], *rest)


_MANY = 300  # names beyond which only those with the same first letter are compared


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give " - did you mean 'senior'?" for the nearest known word, "" if none is near."""
    wanted = word.casefold()[:100]
    folded = {name.casefold(): name for name in known}
    if len(folded) > _MANY:
        folded = dict([pair for pair in folded.items() if pair[0][:1] == wanted[:1]][:_MANY])
    near = difflib.get_close_matches(wanted, folded, n=1, cutoff=0.6)
    return f" - did you mean '{folded[near[0]]}'?" if near else ""


def did_you_mean_or_all(word: str, known: Iterable[str]) -> str:
    """Give the nearest known word, else all of them, or the first ones of many."""
    words = tuple(known)
    more = f" and {len(words) - LISTED:,} more" if len(words) > LISTED else ""
    return did_you_mean(word, words) or (f"; possible here: {', '.join(words[:LISTED])}{more}" if words else "")


def printable(text: str) -> str:
    """Give a text in one line, without signs that a terminal acts on or that cannot be written."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))


def _bearable(message: str) -> str:
    """Give a message without its middle if it repeats something long."""
    message = printable(message)
    return message if len(message) <= MESSAGE else f"{message[: MESSAGE // 2]} ... {message[-MESSAGE // 2 :]}"


# --- phrases -----------------------------------------------------------------------------------------------------

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SPAN = re.compile(r"(\d{1,6})\s+(second|minute|hour|day|week)s?")
_TOO_LONG = re.compile(r"\d{3,}\s+(?:second|minute|hour|day|week)s?")  # of what could not be read
_CONTACTS = re.compile(r"at least (\d{1,4}) in (.+)")
_AT_LEAST = re.compile(r"at least (0(?:\.\d+)?|1(?:\.0+)?)")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def read_span(text: str) -> timedelta | None:
    """Read a length of time such as "4 hours"; None if it is none, or longer than ten years."""
    match = _SPAN.fullmatch(text.strip().lower())
    seconds = int(match[1]) * _UNITS[match[2]] if match else LONGEST + 1
    return timedelta(seconds=seconds) if seconds <= LONGEST else None


def is_too_long(text: str) -> bool:
    """Whether this is a length of time, and only too long a one."""
    return bool(_TOO_LONG.fullmatch(" ".join(text.lower().split())))


def read_contacts(text: str) -> tuple[int, timedelta] | None:
    """Read "at least 3 in 14 days"; None if it is something else."""
    match = _CONTACTS.fullmatch(" ".join(text.lower().split()))
    within = read_span(match[2]) if match else None
    return (int(match[1]), within) if match and within and int(match[1]) > 0 else None


def read_at_least(text: str) -> float | None:
    """Read "at least 0.8"; None if it is something else or not between 0 and 1."""
    match = _AT_LEAST.fullmatch(" ".join(text.lower().split()))
    return float(match[1]) if match else None


# --- the tree ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands; line and column count from 1."""

    line: int
    column: int
    width: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value, as text. `empty` is a value that was left out (`key:`) or null."""

    place: Place
    text: str
    empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """A block of settings: keys with their values, each key once."""

    place: Place
    pairs: tuple[tuple[Scalar, Node], ...]


Node = Scalar | Items | Entries

# What somebody wrote behind "password:" in spite of all warnings is not repeated on terminals and in logs.
_EXCERPTED = 2000  # characters of a line in which mistakes can be shown
_SECRET = re.compile(r"((?:passw|pasw|pwd|secret|token)\w*[\"']?\s*:\s*)(?!\s|\{\s*(?:file|env|command|credential)\s*:).+", re.IGNORECASE)


@dataclass(slots=True)
class Source:
    """One YAML file while it is read: its tree, its lines, and the mistakes found so far."""

    label: str
    lines: tuple[str, ...] = ()
    root: Node | None = None
    nodes: int = 0
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, at: Node | Place | None, message: str) -> None:
        """Note a mistake at this place; None is the file as a whole."""
        place = at if isinstance(at, Place) or at is None else at.place
        message = _bearable(message)
        if place is None:
            self.mistakes.append(Mistake(file=self.label, line=0, column=0, message=message))
            return
        line = self.lines[place.line - 1] if 0 < place.line <= len(self.lines) else ""
        self.mistakes.append(
            Mistake(
                file=self.label,
                line=place.line,
                column=place.column,
                message=message,
                excerpt=_SECRET.sub(r"\1********", line[:_EXCERPTED]),
                width=place.width,
            )
        )

    def unknown(self, at: Node, message: str, word: str, known: Iterable[str], otherwise: str = "") -> None:
        """Note a word that we do not know, with the nearest one, else `otherwise` or all; among very many mistakes without."""
        if len(self.mistakes) < SHOWN:
            message += (did_you_mean(word, known) or otherwise) if otherwise else did_you_mean_or_all(word, known)
        self.wrong(at, message)

    @staticmethod
    def key_of(node: Node, word: str) -> Node:
        """Give the key of this word in a block, as the place of a mistake."""
        found = next((key for key, _ in node.pairs if key.text == word), None) if isinstance(node, Entries) else None
        return found or node

    # typed readers: None means that it was wrong, and that the mistake is noted

    def text(self, node: Node, what: str) -> str | None:
        """Read one value as text, not empty."""
        if isinstance(node, Scalar) and not node.empty and node.text.strip():
            return node.text.strip()
        found = "nothing stands here" if isinstance(node, Scalar) else "not a list" if isinstance(node, Items) else "not a block"
        self.wrong(node, f"'{what}' wants one value, {found}")
        return None

    def texts(self, node: Node, what: str) -> tuple[tuple[str, Scalar], ...]:
        """Read one value or a list of values, each with its place."""
        items = node.items if isinstance(node, Items) else (node,)
        if isinstance(node, Items) and not items:
            self.wrong(node, f"'{what}' has an empty list")
        found = []
        for item in items:
            text = self.text(item, what)
            if text is not None and isinstance(item, Scalar):
                found.append((text, item))
        return tuple(found)

    def word(self, node: Node, what: str, known: Iterable[str]) -> str | None:
        """Read one of these words."""
        text = self.text(node, what)
        if text is None:
            return None
        words = tuple(known)
        if text not in words:
            self.unknown(node, f"'{what}' does not know '{text}'", text, words)
            return None
        return text

    def yes_no(self, node: Node, what: str) -> bool | None:
        """Read yes or no."""
        text = self.text(node, what)
        if text is None:
            return None
        if text.lower() not in _YES_NO:
            self.wrong(node, f"'{what}' wants yes or no, not '{text}'")
            return None
        return _YES_NO[text.lower()]

    def whole_number(self, node: Node, what: str, lowest: int, highest: int) -> int | None:
        """Read a whole number between these two."""
        text = self.text(node, what)
        if text is None:
            return None
        if not re.fullmatch(r"[0-9]{1,12}", text) or not lowest <= int(text) <= highest:
            self.wrong(node, f"'{what}' wants a whole number from {lowest} to {highest}, not '{text}'")
            return None
        return int(text)

    def span(self, node: Node, what: str) -> timedelta | None:
        """Read a length of time."""
        text = self.text(node, what)
        if text is None:
            return None
        span = read_span(text)
        if span is None:
            why = "is longer than ten years" if is_too_long(text) else f"is not a length of time; {SPAN_EXAMPLES}"
            self.wrong(node, f"'{text}' {why}")
        elif not span:
            self.wrong(node, f"'{what}' wants more than no time at all; {SPAN_EXAMPLES}")
            return None
        return span

    def entries(self, node: Node, what: str, known: Iterable[str] = ()) -> dict[str, tuple[Scalar, Node]]:
        """Read a block of settings with keys of the admin's own choice, or some of the known ones."""
        if isinstance(node, Entries):
            return {key.text: (key, value) for key, value in node.pairs}
        if isinstance(node, Scalar) and node.empty:
            return {}  # all its lines are comments
        if isinstance(node, Scalar) and (tight := re.match(r"[\w-]+:(?=\S)", node.text)):
            self.wrong(Place(line=node.place.line, column=node.place.column, width=tight.end()), TIGHT)
            return {}
        found = "a list" if isinstance(node, Items) else f"'{node.text}'"
        possible = f"; possible names: {', '.join(known)}" if known else ""
        self.wrong(node, f"{_quoted(what)} wants a block of 'name: value' lines, not {found}{possible}")
        return {}

    def block(
        self,
        node: Node,
        what: str,
        known: Iterable[str],
        later: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
    ) -> dict[str, Node]:
        """Read a block whose keys we know; the others are mistakes.

        `later`: words of a later version, with a hint; `elsewhere`: words of other blocks, and the block they belong to.
        """
        words = tuple(known)
        found = {}
        for name, (key, value) in self.entries(node, what, words).items():
            if name in words:
                found[name] = value
            elif later and name in later:
                self.wrong(key, f"'{name}' is not known yet; {later[name]}")
            elif elsewhere and name in elsewhere:
                self.wrong(key, f"'{name}' belongs under '{elsewhere[name]}', not here")
            else:
                self.unknown(key, f"unknown setting '{name}'", name, words)
        return found


def _quoted(what: str) -> str:
    """Quote the name of a setting, and leave words such as "a rule" as they are."""
    return what if what.startswith(("a ", "an ", "this ")) else f"'{what}'"


# --- reading -----------------------------------------------------------------------------------------------------


def shown_path(path: Path) -> str:
    """Name a file the way the admin typed it, seen from where they stand."""
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except ValueError:
        return str(path)


@dataclass(slots=True)
class Budget:
    """How much may still be read of the files that belong together: bytes and nodes. Once it is spent, no further file is read."""

    bytes: int = MAX_BYTES
    nodes: int = MAX_NODES
    spent: bool = False


def read_yaml(path: Path, budget: Budget | None = None) -> Source:
    """Read one file. Never raises: what is wrong with it stands in `mistakes`, and `root` is then None."""
    budget = budget or Budget()
    source = Source(printable(shown_path(path)))
    if budget.spent:
        return source
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                source.wrong(None, "this is not a file")
                return source
            raw = file.read(budget.bytes + 1)
    except (OSError, ValueError) as error:
        source.wrong(None, f"this file cannot be read: {getattr(error, 'strerror', None) or error}")
        return source
    if len(raw) > budget.bytes:
        budget.spent = True
        with_others = "" if budget.bytes == MAX_BYTES else "with the files before it "
        source.wrong(None, f"this file is {with_others}larger than {MAX_BYTES // 1024} kB; nobody writes that much by hand")
        return source
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(line=before.count(b"\n") + 1, column=error.start - before.rfind(b"\n"))
        source.wrong(place, "this is not UTF-8; save the file with the encoding UTF-8")
        return source
    source = parse_yaml(text, source.label, budget.nodes)
    budget.bytes -= len(raw)
    budget.nodes -= source.nodes
    budget.spent = budget.nodes < 0
    return source


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file; of a pipe nobody writes to, opening would wait for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse_yaml(text: str, label: str, most_nodes: int = MAX_NODES) -> Source:
    """Read YAML text into a Source. Never raises."""
    source = Source(label, tuple(re.split(r"\r\n|\r|\n", text)))
    long = next((number for number, line in enumerate(source.lines, 1) if len(line) > MAX_LINE), 0)
    if long:
        source.wrong(Place(line=long, column=1), f"this line is longer than {MAX_LINE:,} characters")
        return source
    builder = _Builder(source, most_nodes)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            if not builder.take(event):
                return source
    except MarkedYAMLError as error:
        source.wrong(*_syntax(error, source.lines, builder.innermost))
        return source
    except ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        source.wrong(Place(line=line, column=error.position - before.rfind("\n")), "an invisible control character")
        return source
    except (YAMLError, RecursionError, ValueError) as error:
        source.wrong(None, f"this is not YAML: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        return source
    source.root = builder.root
    return source


def _syntax(error: MarkedYAMLError, lines: tuple[str, ...], innermost: Place | None) -> tuple[Place | None, str]:
    """Say a syntax error in words that somebody who never read the YAML specification understands."""
    mark, problem = error.problem_mark or error.context_mark, str(error.problem or error.context or "")
    if mark is None:
        return None, f"this is not YAML: {problem}"
    place, start = _mark(mark, lines), _mark(error.context_mark or mark, lines)
    line = lines[place.line - 1]
    before, sign = line[: place.column - 1], line[place.column - 1 : place.column]
    for number in range(place.line, max(0, place.line - 3), -1):
        if indented := _NO_BREAK.match(lines[number - 1]):
            return Place(line=number, column=indented.start(1) + 1, width=len(indented[1])), NO_BREAK
    for number in (place.line, start.line):
        if pattern := _BARE_PATTERN.search(lines[number - 1]):
            return Place(line=number, column=pattern.start(1) + 1, width=len(pattern[1].rstrip())), IN_QUOTES
    if "'\\t'" in problem or "\t" in line[: place.column]:
        return place, "a tab; indent with spaces, YAML knows no tabs"
    if sign and "stream end" not in problem and ("cannot start any token" in problem or problem.startswith("expected the node content")):
        return place, f'a value cannot begin with {sign}; put the value in quotes: "..."'
    if "mapping values are not allowed" in problem:
        if ": " in before:
            return place, "a ':' that YAML cannot place; check the indentation, and put text that holds ': ' in quotes"
        return place, "this line does not fit the one above it: it is indented too far, or the line above has no ':' behind its name"
    if "could not find expected ':'" in problem:
        return _without_colon(start, lines)
    if "end of stream" in problem and "quoted" in str(error.context or ""):
        return start, "this quotation mark is never closed"
    if problem.startswith("expected ',' or"):
        return start, "this bracket is never closed, or a ',' is missing between the values in it"
    if "'<scalar>'" in problem and before.rstrip().endswith(("'", '"')):
        return place, _behind_quotes(before.rstrip())
    if "sequence entries are not allowed" in problem:
        return place, "a list begins on a line of its own: each entry begins with '- '"
    if "block scalar" in str(error.context or ""):
        return start, "text behind this sign begins on the next line; a value that begins with it belongs in quotes"
    if "unknown escape character" in problem:
        return place, f"'\\{sign}' means nothing within \"...\"; put a value that holds a '\\' in single quotes: '...'"
    if "block end" in problem:
        return place, "this line does not fit the lines around it; check the indentation and the ':' after each name"
    if "<stream end>" in problem:
        return innermost or place, "this bracket is never closed"
    if "<document start>" in problem:
        return place, "the file should end here; is there a bracket too many, or is this line indented less than the first?"
    return place, f"this is not YAML: {problem}"


_NO_BREAK = re.compile(r"[ ]*([\xa0\u2000-\u200b\u202f\u3000\ufeff]+)")
NO_BREAK = "a space that is none for YAML (a no-break space, as word processors and web pages have it); indent with plain spaces"
_BARE_PATTERN = re.compile(r"_matches:\s+((?!['\"]|\[\s*['\"])\S*[\[{].*)")
IN_QUOTES = "put the pattern in single quotes: '...'; without them YAML reads its brackets and signs as its own"


def _mark(mark: Any, lines: tuple[str, ...]) -> Place:
    return Place(line=min(mark.line + 1, max(1, len(lines))), column=mark.column + 1)


def _without_colon(start: Place, lines: tuple[str, ...]) -> tuple[Place, str]:
    """A line that should be a name with its value, and has no ': '."""
    text = lines[start.line - 1][start.column - 1 :].rstrip()
    tight = re.match(r"[\w-]+:(?=\S)", text)
    place = Place(line=start.line, column=start.column, width=tight.end() if tight else max(1, len(text)))
    return place, TIGHT if tight else "there is no ':' behind this name; write 'name: value', or 'name:' with a block below it"


TIGHT = "there is no space behind this ':'; write 'name: value'"


def _behind_quotes(before: str) -> str:
    quote = before[-1]
    if before.count(quote) % 2:
        return f"text behind a quotation mark that closes what a line above opened; close the {quote} there"
    other = "'" if quote == '"' else '"'
    return f"text behind a closing quotation mark; put all of it in quotes of the other sort: {other}...{other}"


@dataclass(slots=True)
class _Open:
    """A list or block whose end is not reached yet."""

    place: Place
    mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)


_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class _Builder:
    """Builds the tree from the parser's events, within limits; `take` says False once a limit is passed."""

    def __init__(self, source: Source, most_nodes: int) -> None:
        self.source, self.most_nodes = source, most_nodes
        self.root: Node | None = None
        self.open: list[_Open] = []
        self.anchors: dict[str, Node] = {}
        self.aliases = 0
        self.documents = 0

    @property
    def innermost(self) -> Place | None:
        """Where the list or block begins that is being read."""
        return self.open[-1].place if self.open else None

    def take(self, event: Any) -> bool:
        """Take the next event; False: a limit is passed, stop."""
        match type(event).__name__:
            case "DocumentStartEvent":
                self.documents += 1
                if self.documents > 1:
                    return self._stop(event, "a second document begins here ('---'); one file holds one, leave this line out")
            case "ScalarEvent":
                return self._scalar(event)
            case "AliasEvent":
                return self._alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                if len(self.open) >= MAX_DEPTH:
                    return self._stop(event, f"more than {MAX_DEPTH} levels inside each other")
                if event.tag:
                    return self._tag(event)
                mapping = type(event).__name__ == "MappingStartEvent"
                self.open.append(_Open(_place(event), mapping, event.anchor))
            case "MappingEndEvent" | "SequenceEndEvent":
                done = self.open.pop()
                node = self._block(done) if done.mapping else Items(place=done.place, items=tuple(done.items))
                return self._add(node, done.anchor)
        return True

    def _scalar(self, event: Any) -> bool:
        if event.tag:
            return self._tag(event)
        if _UNWRITABLE.search(event.value):
            return self._stop(event, "this text holds a control character, or half a character, written as an escape")
        plain = event.style is None
        if plain and _NO_BREAK.match(event.value) and not self.source.lines[event.start_mark.line][: event.start_mark.column].strip():
            return self._stop(event, NO_BREAK)
        empty = plain and event.value in ("", "~", "null", "Null", "NULL")
        return self._add(Scalar(place=_place(event), text=event.value, empty=empty), event.anchor)

    def _tag(self, event: Any) -> bool:
        return self._stop(event, "a value that begins with '!' is a tag in YAML, and tags are refused; put text in quotes")

    def _alias(self, event: Any) -> bool:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            return self._stop(event, f"more than {MAX_ALIASES} references ('*name'); write the values out")
        if event.anchor not in self.anchors:
            return self._stop(event, f"'*{event.anchor}' means a reference in YAML; put the value in quotes")
        return self._add(self.anchors[event.anchor], None)

    def _add(self, node: Node, anchor: str | None) -> bool:
        if anchor:
            self.anchors[anchor] = node
        self.source.nodes += 1
        if self.source.nodes > self.most_nodes:
            with_others = "" if self.most_nodes == MAX_NODES else ", with the files before it,"
            self.source.wrong(node, f"this file holds{with_others} more than {MAX_NODES:,} values; that is more than can be read quickly")
            return False
        if self.open:
            self.open[-1].items.append(node)
        else:
            self.root = node
        return True

    def _block(self, done: _Open) -> Entries:
        pairs: dict[str, tuple[Scalar, Node]] = {}
        for key, value in zip(done.items[::2], done.items[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.source.wrong(key, "a list or block cannot be a name; put it in quotes if it is meant as text")
            elif key.text in pairs:
                first = pairs[key.text][0].place.line
                self.source.wrong(key, f"'{key.text}' stands here a second time; the first is in line {first}")
            else:
                left_out = isinstance(value, Scalar) and value.empty and not value.text
                # The parser places a value that was left out on the next line, where nobody looks for it.
                pairs[key.text] = (key, Scalar(place=key.place, text="", empty=True) if left_out else value)
        return Entries(place=done.place, pairs=tuple(pairs.values()))

    def _stop(self, event: Any, message: str) -> bool:
        self.source.wrong(_place(event), message)
        return False


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Place(line=start.line + 1, column=start.column + 1, width=max(1, width))
