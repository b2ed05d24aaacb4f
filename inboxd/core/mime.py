"""The parts of a mail, found in one walk over its bytes (RFC 2045, 2046): no recursion, no copies, limits on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from inboxd.core.decoding import decode_transfer, header_text, parameters

_HEADER = re.compile(rb"([!-9;-~]+)[ \t]*:")
_FROM = re.compile(rb"from[ \t]*:", re.I)
_AFTER_A_SLIP = 20  # lines in which From stands where one line of a header is none
_ENVELOPE_LINE = (b"From ", b">From ")
_IDENTITY = ("", "7bit", "8bit", "binary")
_LONGEST_BOUNDARY = 1000  # RFC 2046, 5.1.1, allows 70 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much of a mail is read; what lies beyond is named in `Message.cut`."""

    size: int = 25 * 1024 * 1024
    header_block: int = 256 * 1024  # of the mail; its parts share as much again
    header: int = 16 * 1024  # of one field: two thirds from its head and one from its end are kept
    parts: int = 500
    depth: int = 20
    html: int = 1_000_000
    text: int = 1_000_000
    addresses: int = 500


@dataclass(slots=True, kw_only=True)
class Part:
    """One entity of the mail: header fields (lower-case names) and where its body lies in the raw bytes."""

    fields: list[tuple[str, str]]
    start: int
    end: int
    depth: int
    type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    children: list[Part] = field(default_factory=list)

    def get(self, name: str) -> str:
        """The first header of this (lower-case) name, "" if there is none."""
        return next((value for key, value in self.fields if key == name), "")

    def content(self, raw: bytes) -> bytes:
        """The body's bytes, transfer encoding undone."""
        return decode_transfer(raw[self.start : self.end], self.get("content-transfer-encoding"))


def is_message(part: Part) -> bool:
    """Whether this part is a mail in itself, lying here as it was."""
    return part.type in ("message/rfc822", "message/global", "message/news") and (
        part.get("content-transfer-encoding").strip().lower() in _IDENTITY
    )


def walk(raw: bytes, limits: Limits) -> tuple[Part, tuple[str, ...]]:
    """Find the parts of a mail; also say which limits it ran into."""
    walker = _Walker(raw, limits)
    root = walker.run()
    return root, tuple(dict.fromkeys(walker.cut))


@dataclass(frozen=True, slots=True)
class _Boundary:
    """A boundary line: of which open multipart, where the body before it ends, where the next line begins."""

    level: int
    before: int
    after: int
    closing: bool


class _Walker:
    """The open multiparts, the outermost first, and what may still be spent."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.cut: list[str] = []
        self.open: list[tuple[bytes, Part]] = []
        self.parts = 0
        self.lines_left = limits.parts * 200  # lines that look like a boundary
        self.header_left = limits.header_block

    def run(self) -> Part:
        root = self._entity(_skip_envelope(self.raw), len(self.raw), 0)
        self._descend(root)
        position = max(0, root.start - 1)  # the line break before the body may belong to the first boundary
        while self.open and (boundary := self._next_boundary(position)):
            self._close(boundary.level, boundary.before)
            position = boundary.after - 1
            if boundary.closing:
                self.open.pop()
            elif self.parts >= self.limits.parts:
                self.cut.append("parts")
                break
            else:
                parent = self.open[-1][1]
                part = self._entity(boundary.after, len(self.raw), parent.depth + 1, parent.type)
                parent.children.append(part)
                self._descend(part)
                position = part.start - 1
        return root

    def _entity(self, start: int, end: int, depth: int, parent: str = "") -> Part:
        """Read the header of the entity that begins at `start`."""
        fields, body = self._fields(start, end, depth)
        part = Part(fields=fields, start=body, end=end, depth=depth)
        if parent == "multipart/digest":
            part.type = "message/rfc822"  # RFC 2046, 5.1.5
        declared = part.get("content-type")
        if declared:
            value, part.parameters = parameters(declared)
            value = value.split()[0] if value.split() else ""
            if value.count("/") == 1 and not value.startswith("/") and not value.endswith("/"):
                part.type = value
            elif value in ("text", "html", "plain"):
                part.type = "text/html" if value == "html" else "text/plain"
        return part

    def _descend(self, part: Part) -> None:
        """Open a multipart, or follow a message within a message down to a multipart or a leaf."""
        self.parts += 1
        while is_message(part) and part.depth < self.limits.depth and self.parts < self.limits.parts:
            inner = self._entity(part.start, part.end, part.depth + 1)
            part.children.append(inner)
            part = inner
            self.parts += 1
        if not part.type.startswith("multipart/") and not is_message(part):
            return
        if part.depth >= self.limits.depth:
            self.cut.append("depth")
        elif is_message(part):
            self.cut.append("parts")
        elif boundary := part.parameters.get("boundary", "").rstrip():
            self.open.append((b"--" + boundary.encode("utf-8", "replace"), part))

    def _next_boundary(self, position: int) -> _Boundary | None:
        """Find the next boundary line of any open multipart."""
        levels = {mark: level for level, (mark, _) in enumerate(self.open)}
        found = 0 if position == 0 and self.raw.startswith(b"--") else self.raw.find(b"\n--", position) + 1
        while found > 0 or (found == 0 and position == 0 and self.raw.startswith(b"--")):
            self.lines_left -= 1
            if self.lines_left < 0:
                self.cut.append("parts")
                return None
            end = self.raw.find(b"\n", found)
            end = len(self.raw) if end < 0 else end
            if end - found < _LONGEST_BOUNDARY:
                line = self.raw[found:end].rstrip()
                level = levels.get(line)
                closing = level is None
                if level is None:
                    level = levels.get(line.removesuffix(b"--"))
                if level is not None:
                    before = max(found - 1, 0)
                    before -= self.raw[max(before - 1, 0) : before] == b"\r"
                    return _Boundary(level, before, min(len(self.raw), end + 1), closing)
            found = self.raw.find(b"\n--", end) + 1
            if found == 0:
                return None
        return None

    def _close(self, level: int, end: int) -> None:
        """A boundary of this level ends the part before it and all that is still open inside."""
        for _, parent in reversed(self.open[level:]):
            last = parent
            while last.children:
                last = last.children[-1]
                if last.end > end:
                    last.end = max(last.start, end)
        del self.open[level + 1 :]

    def _fields(self, start: int, end: int, depth: int) -> tuple[list[tuple[str, str]], int]:
        """Read header fields as unfolded text (encoded words still in them); give also where the body begins."""
        most = self.limits.header_block if depth == 0 else self.header_left
        body, block_end = _block(self.raw, start, end if depth == 0 else min(end, start + most))
        if block_end - start > most or (depth and most <= 0):
            self.cut.append("headers")
            block_end = start + most
        if depth:
            self.header_left -= block_end - start
        fields: list[tuple[str, str]] = []
        name = ""
        value: list[bytes] = []
        position = start
        lines = self.raw[start:block_end].split(b"\n")
        for number, line in enumerate(lines, 1):
            match = None if line[:1] in b" \t" else _HEADER.match(line)
            if match:
                self._keep(fields, name, value)
                name, value = match[1].decode("ascii").lower(), [line[match.end() :]]
            elif line[:1] in b" \t":
                value.append(line)
            elif line.strip() and not line.startswith(_ENVELOPE_LINE):
                unsigned = depth == 0 and "from" not in (name, *(known for known, _ in fields))
                if not (unsigned and any(_FROM.match(each) for each in lines[number : number + _AFTER_A_SLIP])):
                    body = position  # not a header: the writer forgot the empty line
                    break
            position += len(line) + 1
        self._keep(fields, name, value)
        return fields, body

    def _keep(self, fields: list[tuple[str, str]], name: str, value: list[bytes]) -> None:
        if not name:
            return
        data = b"\n".join(value)
        if len(data) > self.limits.header:
            self.cut.append("header")
            third = self.limits.header // 3
            data = data[: 2 * third] + b" " + data[-third:]
        fields.append((name, header_text(data)))


def _skip_envelope(raw: bytes) -> int:
    """Pass over empty lines and an mbox line before the header."""
    position = 0
    while raw.startswith((b"\r\n", b"\n", b" \r\n", b" \n"), position):
        position = raw.index(b"\n", position) + 1
    while raw.startswith(_ENVELOPE_LINE, position):
        end = raw.find(b"\n", position)
        position = len(raw) if end < 0 else end + 1
    return position


def _block(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Find where the body begins and where the header ends."""
    if raw.startswith((b"\r\n", b"\n"), start):
        return min(end, raw.index(b"\n", start) + 1), start
    crlf = raw.find(b"\n\r\n", start, end)
    bare = raw.find(b"\n\n", start, crlf + 1 if crlf >= 0 else end)
    if bare >= 0:
        return bare + 2, bare + 1
    if crlf >= 0:
        return crlf + 3, crlf + 1
    return end, end
