"""Signatures that agents' programs put below their words: which lines are one, and where a reply ends with one that was learnt.

What is compared are lines without blank ones, each with its spaces folded. In doubt nothing is a signature: no customer misses a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

MOST_LINES = 20
BELOW_CLOSING = 7  # lines, blank ones too, that may stand below "Best regards"
ALIKE = 3  # replies, in different cases, that must end alike

_CLOSING = re.compile(
    r"(?:(?:with |mit |med )?(?:very|many|much|kind(?:est)?|best|warm(?:est)?|friendly|freundlich\w*|beste[nr]?|viele|lieben?|schönen?|"
    r"herzlichen?|vriendelijke|cordiali|saludos|vänliga?|venlig)\b.{0,30}|"
    r"(?:regards|cheers|sincerely|yours|thanks|thank you|respectfully|take care|mfg|vg|lg|gru(?:ß|ss)|grüße|gruesse|danke|cordialement|"
    r"atentamente|groeten?|hälsningar|hilsen)\b.{0,20})",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thank|dank)", re.IGNORECASE)
_FACT = re.compile(  # an address, a link, a number, a place, a firm: what stands in signatures
    r"[\w.+-]+@[\w-]+\.\w|https?://|\bwww\.|\b[\w-]+\.(?:com|org|net|example|de|at|ch|eu|io|co\.uk|fr|nl|es|it|se|dk|no|pl)\b|"
    r"(?:\+|\b0)\d[\d ()/.-]{5,}\d|\S ?[|•·] ?\S|\b\d{4,5} [A-ZÄÖÜ]\w+|"
    r"\b(?:GmbH|AG|KG|UG|e\.V\.|Inc|Ltd|LLC|PLC|S\.A\.|SARL|B\.V\.|BV|AB|ApS|Oy)\b",
)
_MEANT = re.compile(  # somebody is spoken to, or something is said
    r"\b(?:I|i'm|i'll|me|my|we|we'll|us|you|you'll|your|let|please|call|ask|see|have|will|until|tomorrow|today|P\.?S|"
    r"ich|mir|mich|wir|uns|sie|ihnen|ihr|du|dir|bitte|bis|morgen|heute|je|nous|vous|yo|usted|ik|wij|u)\b",
    re.IGNORECASE,
)


def folded(line: str) -> str:
    """A line with its spaces folded, as signatures are compared."""
    return " ".join(line.split())


def begins(lines: Sequence[str], signatures: Iterable[Sequence[str]]) -> int | None:
    """Say at which line a learnt signature begins, if the lines end with one and something is left; blank lines do not count."""
    spoken = [(number, text) for number, line in enumerate(lines) if (text := folded(line))]
    for block in sorted(signatures, key=len, reverse=True):
        if 0 < len(block) < len(spoken) and [text for _, text in spoken[-len(block) :]] == list(block):
            return spoken[-len(block)][0]
    return None


def from_replies(lines: Sequence[str], earlier: Iterable[Sequence[str]], names: Sequence[str]) -> tuple[str, ...]:
    """The last lines of a reply that are a signature: two earlier replies end with them, too, and they look like nothing else."""
    alike = sorted((_common_end(lines, each) for each in earlier), reverse=True)[: ALIKE - 1]
    size = min(alike) if len(alike) == ALIKE - 1 else 0
    block = list(lines[len(lines) - size :]) if size < len(lines) else list(lines[1:])
    while block and not (_FACT.search(block[0]) or _is_name(block[0], names)):
        block.pop(0)
    looks = any(map(_FACT.search, block)) and not any(_is_sentence(line) or _is_closing(line) for line in block)
    return tuple(block) if looks and len(block) <= MOST_LINES else ()


def from_practice(lines: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """What stands below the one line that the agent was asked for, unless it may have been typed by hand: a sentence, a closing, a name."""
    block = list(lines)
    while block and (_is_closing(block[0]) or _is_sentence(block[0])):
        block.pop(0)
    named = [number for number, line in enumerate(block[:-1]) if _is_name(line, names)]
    return tuple(block) if len(block) <= MOST_LINES and (named or any(map(_FACT.search, block))) else ()


def only_closes(text: str) -> bool:
    """Whether a text says nothing but "Best regards"; thanks are words."""
    lines = [line for line in text.split("\n") if line.strip()]
    return bool(lines) and all(_is_closing(line) and not _THANKS.search(line) for line in lines)


def without_closing(text: str) -> str:
    """A text without its last closing ("Best regards", "Viele Grüße") and the few lines below it; all of it where it has none."""
    lines = text.rstrip().split("\n")
    place = next((place for place in reversed(range(max(len(lines) - BELOW_CLOSING, 0), len(lines))) if _is_closing(lines[place])), None)
    return text if place is None else "\n".join(lines[:place])


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    size = 0
    while size < min(len(one), len(other)) and one[-1 - size] == other[-1 - size]:
        size += 1
    return size


def _is_closing(line: str) -> bool:
    return bool(_CLOSING.fullmatch(line.strip(" ,.!-")))


def _is_name(line: str, names: Sequence[str]) -> bool:
    words = re.findall(r"\w+", line.casefold())
    return bool(words) and any(set(words) <= set(re.findall(r"\w+", name.casefold())) for name in names)


def _is_sentence(line: str) -> bool:
    words = line.split()
    return len(words) >= 3 and bool(re.search(r"[.!?:;,]$", line) or _MEANT.search(line) or (len(words) > 7 and not _FACT.search(line)))
