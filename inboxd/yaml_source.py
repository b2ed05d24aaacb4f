"""YAML with the line and column of every key and value; mistakes are values, so that all can be shown at once.

Scalars stay text (`9:30`, `no` and `1.10` are what the admin wrote); the typed readers of `Source` make of them what
is wanted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from inboxd.errors import ConfigError

MAX_BYTES = 1024 * 1024
MAX_ALIASES = 10
MAX_DEPTH = 20
LONGEST = 10 * 366 * 86400  # seconds; a longer time is a slip of the finger
EXCERPT = 120  # characters of a line that are shown

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
        if not self.excerpt.strip() or self.column > min(len(self.excerpt) + 1, EXCERPT):
            return head
        # Tabs stay tabs in the caret line, so that it stands under its word in every terminal.
        shown = "".join(sign if sign.isprintable() or sign == "\t" else "?" for sign in self.excerpt[:EXCERPT])
        indent = re.sub(r"[^\t]", " ", shown[: self.column - 1])
        room = max(1, min(self.width, len(shown) - self.column + 1))
        return f"{head}\n{self.line:>5} | {shown}\n      | {indent}{'^' * room}"


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise a ConfigError with all mistakes in order of their place, if there are any."""
    ordered = sorted(mistakes, key=lambda mistake: (mistake.file, mistake.line, mistake.column))
    if ordered:
        raise ConfigError(*(str(mistake) for mistake in ordered))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give " - did you mean 'senior'?" for the nearest known word, "" if none is near."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f" - did you mean '{folded[near[0]]}'?" if near else ""


def did_you_mean_or_all(word: str, known: Iterable[str]) -> str:
    """Give the nearest known word, else all of them."""
    words = tuple(known)
    listed = ", ".join(words)
    return did_you_mean(word, words) or (f"; possible here: {listed}" if listed else "")


# --- phrases -----------------------------------------------------------------------------------------------------

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_SPAN = re.compile(r"(\d{1,6})\s+(second|minute|hour|day|week)s?")
_CONTACTS = re.compile(r"at least (\d{1,4}) in (.+)")
_AT_LEAST = re.compile(r"at least (0(?:\.\d+)?|1(?:\.0+)?)")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def read_span(text: str) -> timedelta | None:
    """Read a length of time such as "4 hours"; None if it is none, or longer than ten years."""
    match = _SPAN.fullmatch(text.strip().lower())
    seconds = int(match[1]) * _UNITS[match[2]] if match else LONGEST + 1
    return timedelta(seconds=seconds) if seconds <= LONGEST else None


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
_SECRET = re.compile(r"((?:passw|pasw|pwd|secret|token)\w*[\"']?\s*:\s*)(?!\s|\{\s*(?:file|env|command|credential)\s*:).+", re.IGNORECASE)


@dataclass(slots=True)
class Source:
    """One YAML file while it is read: its tree, its lines, and the mistakes found so far."""

    label: str
    lines: tuple[str, ...] = ()
    root: Node | None = None
    mistakes: list[Mistake] = field(default_factory=list)

    def wrong(self, at: Node | Place | None, message: str) -> None:
        """Note a mistake at this place; None is the file as a whole."""
        place = at if isinstance(at, Place) or at is None else at.place
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
                excerpt=_SECRET.sub(r"\1********", line),
                width=place.width,
            )
        )

    # typed readers: None means that it was wrong, and that the mistake is noted

    def text(self, node: Node, what: str) -> str | None:
        """Read one value as text, not empty."""
        if isinstance(node, Scalar) and not node.empty and node.text.strip():
            return node.text.strip()
        self.wrong(node, f"'{what}' wants one value" + (", nothing stands here" if isinstance(node, Scalar) else ""))
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
            self.wrong(node, f"'{what}' does not know '{text}'" + did_you_mean_or_all(text, words))
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
            self.wrong(node, f"'{text}' is not a length of time; {SPAN_EXAMPLES}")
        elif not span:
            self.wrong(node, f"'{what}' wants more than no time at all")
            return None
        return span

    def entries(self, node: Node, what: str) -> dict[str, tuple[Scalar, Node]]:
        """Read a block of settings with keys of the admin's own choice."""
        if isinstance(node, Entries):
            return {key.text: (key, value) for key, value in node.pairs}
        if isinstance(node, Scalar) and node.empty:
            return {}  # all its lines are comments
        self.wrong(node, f"'{what}' wants a block of 'name: value' lines")
        return {}

    def block(self, node: Node, what: str, known: Iterable[str], later: Mapping[str, str] | None = None) -> dict[str, Node]:
        """Read a block whose keys we know; the others are mistakes (`later`: words of a later version, with a hint)."""
        words = tuple(known)
        found = {}
        for name, (key, value) in self.entries(node, what).items():
            if name in words:
                found[name] = value
            elif later and name in later:
                self.wrong(key, f"'{name}' is not known yet; {later[name]}")
            else:
                self.wrong(key, f"unknown setting '{name}'" + did_you_mean_or_all(name, words))
        return found


# --- reading -----------------------------------------------------------------------------------------------------


def shown_path(path: Path) -> str:
    """Name a file the way the admin typed it, seen from where they stand."""
    try:
        return str(path.relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except ValueError:
        return str(path)


def read_yaml(path: Path) -> Source:
    """Read one file. Never raises: what is wrong with it stands in `mistakes`, and `root` is then None."""
    source = Source(shown_path(path))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        source.wrong(None, f"this file cannot be read: {error.strerror or error}")
        return source
    if len(raw) > MAX_BYTES:
        source.wrong(None, f"this file is larger than {MAX_BYTES // 1024} kB; nobody writes that much by hand")
        return source
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(line=before.count(b"\n") + 1, column=error.start - before.rfind(b"\n"))
        source.wrong(place, "this is not UTF-8; save the file with the encoding UTF-8")
        return source
    return parse_yaml(text, source.label)


def parse_yaml(text: str, label: str) -> Source:
    """Read YAML text into a Source. Never raises."""
    source = Source(label, tuple(re.split(r"\r\n|\r|\n", text)))
    builder = _Builder(source)
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
    line, column = min(mark.line + 1, max(1, len(lines))), mark.column + 1
    place = Place(line=line, column=column)
    if "'\\t'" in problem or "\t" in lines[line - 1][:column]:
        return place, "a tab; indent with spaces, YAML knows no tabs"
    if "cannot start any token" in problem:
        sign = lines[line - 1][column - 1 : column]
        return place, f'a value cannot begin with {sign}; put the value in quotes: "..."'
    if "mapping values are not allowed" in problem:
        return place, "a ':' that YAML cannot place; check the indentation, and put text that holds ': ' in quotes"
    if "end of stream" in problem and "quoted" in str(error.context or ""):
        start = error.context_mark or mark
        return Place(line=start.line + 1, column=start.column + 1), "this quotation mark is never closed"
    if "block end" in problem or "could not find expected ':'" in problem:
        return place, "this line does not fit the lines around it; check the indentation and the ':' after each name"
    if "<stream end>" in problem:
        return innermost or place, "this bracket is never closed"
    return place, f"this is not YAML: {problem}"


@dataclass(slots=True)
class _Open:
    """A list or block whose end is not reached yet."""

    place: Place
    mapping: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)


class _Builder:
    """Builds the tree from the parser's events, within limits; `take` says False once a limit is passed."""

    def __init__(self, source: Source) -> None:
        self.source = source
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
                    return self._stop(event, "a second document begins here ('---'); one file holds one")
            case "ScalarEvent":
                return self._scalar(event)
            case "AliasEvent":
                return self._alias(event)
            case "MappingStartEvent" | "SequenceStartEvent":
                if len(self.open) >= MAX_DEPTH:
                    return self._stop(event, f"more than {MAX_DEPTH} levels inside each other")
                mapping = type(event).__name__ == "MappingStartEvent"
                self.open.append(_Open(_place(event), mapping, event.anchor))
            case "MappingEndEvent" | "SequenceEndEvent":
                done = self.open.pop()
                node = self._block(done) if done.mapping else Items(place=done.place, items=tuple(done.items))
                return self._add(node, done.anchor)
        return True

    def _scalar(self, event: Any) -> bool:
        tag = getattr(event, "tag", None)
        if tag and "python" in str(tag):
            return self._stop(event, "tags such as '!!python/...' are refused")
        plain = event.style is None
        empty = plain and event.value in ("", "~", "null", "Null", "NULL")
        return self._add(Scalar(place=_place(event), text=event.value, empty=empty), event.anchor)

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
