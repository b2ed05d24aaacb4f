"""The last look before a mail to a customer is queued: does it hold anything that is only for us?"""

from __future__ import annotations

import email
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from email.header import decode_header, make_header
from email.message import Message

from inboxd.core.model import Leak
from inboxd.core.tokens import NOTICE, REPLY, tokens_in

RUN = 6  # words in a row
SHORT_NOTE = 3  # a note of fewer words is no evidence


def leaks(
    raw: bytes,
    *,
    tokens: Sequence[str] = (),
    agent_addresses: Sequence[str] = (),
    notes: Sequence[str] = (),
    brief_lines: Sequence[str] = (),
    quotation: str = "",
    given: str = "",
) -> tuple[Leak, ...]:
    """Search the final bytes: everywhere for tokens; outside the customer's own quotation also for the rest.

    `given`: what else of it the customer brought along - their name, their address, the subject they chose.
    """
    found: list[Leak] = []
    quoted, mail = _words(quotation), email.message_from_bytes(raw)
    runs = _runs("a note", notes) | _runs("a line of the brief", brief_lines)
    theirs = frozenset(tokens_in(quotation))  # a dead one that the customer wrote must not hold every answer for ever
    addresses = [each for each in agent_addresses if each.casefold() not in given.casefold()]  # who reads it brought it along
    for place, text, shown in _places(mail):
        closed_up = re.sub(r"\s+", "", text).casefold()
        shaped = [token for token in tokens_in(closed_up) if token[0] in (REPLY, NOTICE) and token not in theirs]
        if shaped or any(token.casefold() in closed_up for token in tokens if token):
            found.append(Leak(place=place, what="an address that is only for one of us", excerpt=_line(text, (*tokens, *shaped))))
        listed = place in ("To", "Cc")  # the brief names these people, too
        found += _in_own_words(place, text, addresses, {} if listed else runs, quoted) if shown else ()
    return tuple(dict.fromkeys(found))


def _in_own_words(
    place: str, text: str, agent_addresses: Sequence[str], runs: dict[tuple[str, ...], str], quoted: Sequence[str]
) -> Iterator[Leak]:
    words = _without(_words(text), quoted)
    stream = " ".join(words)
    for address in agent_addresses:
        if address and re.search(rf"(?<!\S){re.escape(' '.join(_words(address)))}(?!\S)", stream):
            yield Leak(place=place, what="an agent's address", excerpt=_line(text, [address]))
    for size in sorted({len(run) for run in runs}):
        for at in range(len(words) - size + 1):
            if what := runs.get(tuple(words[at : at + size])):
                yield Leak(place=place, what=what, excerpt=" ".join(words[at : at + size]))
                return


def _runs(what: str, texts: Iterable[str]) -> dict[tuple[str, ...], str]:
    """Take all runs of six words; of a shorter text the whole."""
    found: dict[tuple[str, ...], str] = {}
    for words in map(_words, texts):
        if SHORT_NOTE <= len(words) < RUN and what == "a note":
            found[tuple(words)] = what
        found |= {tuple(words[at : at + RUN]): what for at in range(len(words) - RUN + 1)}
    return found


def _words(text: str) -> list[str]:
    unquoted = re.sub(r"(?m)^[ \t]*(?:>[ \t]?)+", "", text)
    return re.findall(r"[^\W_]+(?:[.'’@+_-][^\W_]+)*", unquoted.casefold())


def _without(words: list[str], quoted: Sequence[str]) -> list[str]:
    """Take out the quotation where it stands as a whole; a part of it in the agent's words stays."""
    size = len(quoted)
    for at in range(len(words) - size, -1, -1) if size else ():
        if words[at : at + size] == list(quoted):
            return [*words[:at], "|", *words[at + size :]]
    return words


def _line(text: str, wanted: Sequence[str]) -> str:
    for line in text.split("\n"):
        if any(each and each.casefold() in line.casefold() for each in wanted):
            return " ".join(line.split())[:200]
    return ""


# --- what a reader could see -----------------------------------------------------------------------------------------


def _places(message: Message) -> Iterator[tuple[str, str, bool]]:
    """Give every decoded header and text part, enclosed mails included: its place, its text, whether that is what is seen."""
    for number, part in enumerate(message.walk()):
        for name, value in part.items():
            yield (name if number == 0 else f"a header of part {number} ({name})"), _decoded(str(value)), True
        if part.get_content_maintype() == "text":
            file = part.get_filename()
            kind = part.get_content_subtype()
            place = f'the file "{_decoded(file)}"' if file else "the text" if kind == "plain" else f"the {kind.upper()} part"
            text = _text(part)
            yield place, text, kind != "html"
            if kind == "html":
                yield place, _visible(text), True
                yield place, _behind(text), True
        elif not part.is_multipart():
            yield from _in_file(part)


_MAIL_FILE = re.compile(rb"(?:[!-9;-~]{1,76}:[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*){3,}\r?\n")  # RFC 5322, 2.2: header fields, then a gap


def _in_file(part: Message) -> Iterator[tuple[str, str, bool]]:
    """Look into a file that is no text: a mail that travels as one is read as a mail, of all else only the bytes are searched."""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return
    place = f'the file "{_decoded(part.get_filename() or "")}"'
    if _MAIL_FILE.match(payload):
        yield from ((f"{inner} in {place}", text, shown) for inner, text, shown in _places(email.message_from_bytes(payload)))
    else:
        yield place, payload.decode("latin-1"), False


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError, UnicodeError):
        return value


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return str(payload)
    try:
        return payload.decode(part.get_content_charset("utf-8"), errors="replace")
    except (LookupError, ValueError):
        return payload.decode("latin-1")


_ATTRIBUTE = re.compile(r"(?is)\b(?:href|src|alt|title|content|value)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def _behind(markup: str) -> str:
    """What tags carry beside the words: where links lead, what pictures are called; percent signs resolved (RFC 3986, 2.1)."""
    values = (html.unescape("".join(match.groups(""))) for match in _ATTRIBUTE.finditer(markup))
    plain = (_PERCENT.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace"), value) for value in values)
    return re.sub(r"[?&=/:;,]+", " ", "\n".join(plain))


def _visible(markup: str) -> str:
    return html.unescape(re.sub(r"<[^<>]*>", " ", re.sub(r"(?i)<(?:br|/p|/div|/blockquote)[^<>]*>", "\n", markup)))
