"""Bytes of a mail as text: charsets, transfer encodings, encoded words, header parameters. Nothing here raises."""

from __future__ import annotations

import binascii
import codecs
import re

_SURROGATES_AND_NULS = re.compile("[\x00\ud800-\udfff]")
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]*(?:\?(?!=)[^?\s]*){0,20})\?=")
_BETWEEN = re.compile(r"[ \t\r\n]*")
_SPOKEN = re.compile(rb"[a-z,.] [a-zA-Z]")  # between two words, never in base64
_ENCODED = re.compile(rb"(?:[A-Za-z0-9+/]{60,}\r?\n)+(?:[A-Za-z0-9+/]+={0,2}(?:\r?\n|\Z))?")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))

# Labels as found in mails, to the codec that reads them best (a superset where one exists, as browsers do).
_ALIASES = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso8859-1": "cp1252",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "x-unknown": "utf-8",
    "unknown-8bit": "utf-8",
    "default": "utf-8",
    "utf8": "utf-8",
    "utf-8": "utf-8-sig",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "big5": "cp950",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-6-e": "iso8859-6",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "iso-2022-jp": "iso2022_jp_ext",
}
# Codecs of the standard library that read no charset, or take more than linear time.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "mbcs", "oem"})
# Charsets whose text can look like UTF-8 without being it: the label is believed first.
_LABEL_FIRST = re.compile(r"utf[-_]?(7|16|32)|iso-?2022|hz|cp9[345]|gb18030|euc|big5|johab|shift")


def clean(text: str) -> str:
    """Drop NULs and lone surrogates: neither can be stored or sent."""
    return _SURROGATES_AND_NULS.sub("", text)


def charset(label: str) -> str:
    """Name the codec for a charset label as found in a mail, "" if we do not know one."""
    wanted = label.strip(" \t\r\n\"'").lower()[:40]
    wanted = _ALIASES.get(wanted, wanted)
    if not wanted or not wanted.isascii() or "\0" in wanted:
        return ""
    try:
        found = codecs.lookup(wanted)
    except (LookupError, ValueError, UnicodeError):
        return ""
    if not getattr(found, "_is_text_encoding", False) or found.name in _NO_CHARSETS:
        return ""
    return found.name


def decode(data: bytes, label: str = "") -> str:
    """Read bytes as text: UTF-8, the declared charset, Windows' Latin, Latin-1; what cannot be read is replaced."""
    codec = charset(label)
    order = [codec, "utf-8"] if codec and _LABEL_FIRST.search(codec) else ["utf-8", codec]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        order.insert(0, "utf-16")
    for candidate in order:
        if candidate:
            try:
                return clean(data.decode(candidate)).removeprefix("\ufeff")
            except (UnicodeError, ValueError):
                continue
    if codec and codec not in ("utf-8", "utf-8-sig", "cp1252"):
        # Mostly right: one broken byte must not turn a Japanese mail into Latin.
        text = clean(data.decode(codec, "replace"))
        if text.count("\ufffd") * 20 <= len(text):
            return text
    if "utf-8" in codec:
        text = clean(data.decode("utf-8", "replace"))
        if text.count("\ufffd") * 50 <= len(text) and any(each > "\x7f" and each != "\ufffd" for each in text):
            return text
    try:
        return clean(data.decode("cp1252"))
    except UnicodeError:
        return clean(data.decode("latin-1"))


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; an unknown or broken one gives what can be had."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return _base64_above(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _uuencoded(data)
    return data


def _base64_above(data: bytes) -> bytes:
    """Undo base64, and keep what stands plainly below it: gateways set footers there. All of it may be plain, in spite of the label."""
    encoded = _ENCODED.match(data)
    if encoded and _SPOKEN.search(data, encoded.end()):
        return _base64(encoded[0]) + b"\r\n" + data[encoded.end() :]
    return data if len(_SPOKEN.findall(data[:4000])) > 5 else _base64(data)


def _base64(data: bytes) -> bytes:
    blocks = data.translate(None, _NOT_BASE64).rstrip(b"=").split(b"=")  # where programs append to what is encoded, one ends in the middle
    return b"".join(_base64_block(block) for block in blocks)


def _base64_block(packed: bytes) -> bytes:
    if len(packed) % 4 == 1:
        packed = packed[:-1]
    try:
        return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4))
    except binascii.Error:
        return b""


def _uuencoded(data: bytes) -> bytes:
    out = []
    inside = False
    for line in data.splitlines():
        if line.startswith(b"begin "):
            inside = True
        elif inside and line.strip() == b"end":
            break
        elif inside:
            try:
                out.append(binascii.a2b_uu(line))
            except binascii.Error:
                # Some encoders add garbage at the end of a line: the first byte says how much is meant.
                length = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
                try:
                    out.append(binascii.a2b_uu(line[:length]))
                except binascii.Error:
                    continue
    return b"".join(out)


def header_text(data: bytes) -> str:
    """Unfold a raw header value and read it as text, still with its encoded words."""
    text = data.strip().decode("ascii") if data.isascii() else decode(data)
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", "").replace("\n", "").replace("\r", "")
    return clean(text).strip() if "\0" in text else text.strip()


def words(text: str) -> str:
    """Decode the encoded words of RFC 2047 wherever they stand (also inside quotes and names, as found in the wild)."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: list[bytes] = []  # neighbours of one charset are joined first: writers split characters between words
    label = ""
    position = 0
    for match in _WORD.finditer(text):
        between = text[position : match.start()]
        adjacent = position > 0 and _BETWEEN.fullmatch(between) is not None
        if pending and not (adjacent and match[1].lower() == label):
            out.append(decode(b"".join(pending), label))
            pending = []
        if not adjacent:
            out.append(between)
        label = match[1].lower()
        pending.append(_encoded_word(match[2], match[3]))
        position = match.end()
    if pending:
        out.append(decode(b"".join(pending), label))
    out.append(text[position:])
    return clean("".join(out)).replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


def _encoded_word(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "replace")
    if encoding in "bB":
        return _base64(data)
    return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Split a Content-Type or Content-Disposition into its value and parameters (RFC 2231 and 2047 decoded)."""
    pieces = _pieces(value[:16_384])
    plain: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for piece in pieces[1:200]:
        key, equals, content = piece.partition("=")
        key = key.strip().lower()
        content = _unquoted(content.strip())
        if not equals or not key:
            continue
        name, star, rest = key.partition("*")
        if not star:
            plain.setdefault(name, words(content))
            continue
        number = rest.removesuffix("*")
        if number.isdecimal() and len(number) < 5:
            sections.setdefault(name, []).append((int(number), rest.endswith("*"), content))
        elif not rest:
            sections.setdefault(name, []).append((0, True, content))
    for name, found in sections.items():
        plain[name] = _joined(sorted(found))
    return pieces[0].strip().lower(), plain


def _pieces(value: str) -> list[str]:
    """Split at semicolons outside quotes."""
    if '"' not in value:
        return value.split(";")
    pieces: list[str] = []
    start = 0
    quoted = escaped = False
    for position, character in enumerate(value):
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            pieces.append(value[start:position])
            start = position + 1
    pieces.append(value[start:])
    return pieces


def _unquoted(content: str) -> str:
    if not content.startswith('"'):
        return content
    inner = content[1:]
    end = inner.rfind('"')
    inner = inner[:end] if end >= 0 else inner
    return re.sub(r'\\([\\"])', r"\1", inner)


def _joined(sections: list[tuple[int, bool, str]]) -> str:
    """Join the sections of an RFC 2231 parameter; the first one carries the charset."""
    label = ""
    data: list[bytes] = []
    for index, (_, encoded, content) in enumerate(sections):
        rest = content
        if index == 0 and encoded and content.count("'") >= 2:
            label, _, rest = content.split("'", 2)
        data.append(percent_decoded(rest) if encoded else rest.encode("utf-8", "replace"))
    return words(decode(b"".join(data), label))


def percent_decoded(text: str) -> bytes:
    """Undo %XX; a per cent sign that stands for itself stays."""
    head, *rest = text.encode("utf-8", "replace").split(b"%")
    out = [head]
    for piece in rest:
        try:
            out.append(bytes([int(piece[:2], 16)]) + piece[2:] if len(piece) >= 2 else b"%" + piece)
        except ValueError:
            out.append(b"%" + piece)
    return b"".join(out)
