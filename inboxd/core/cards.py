"""The card below a mail: the lines that say who wrote it, and where to reach them.

It is cut in two ways: from what counts as said only where it can be nothing else, and further for reading an answer.
"""

from __future__ import annotations

import re

_CONTACT = re.compile(
    r"[^\s@]+@[^\s@]+\.\w|https?://|\bwww\.|\+?\(?\d[\d ()./-]{6,}\d|\b(?:tel|phone|mobile?|fax|skype|cell|"
    r"telefon|fon)\b\.?\s*:?"
    r"|\bvia mobile\b",
    re.I,
)
_SIGN_OFF = re.compile(
    r"\s*(?:(?:kind|best|warm|many|with kind|with best)? ?(?:regards|wishes|greetings)|best|cheers|sincerely|"
    r"yours (?:sincerely|faithfully|truly)|thanks(?: a lot| so much| again)?|thank you|many thanks|mfg|lg|vg|"
    r"(?:mit )?(?:freundlichen?|besten?|viele|liebe|herzlichen?|schöne) gr(?:ü|ue)(?:ß|ss)en?|(?:bien )?cordialement|"
    r"(?:un )?saludos?(?: cordiales)?|cordiali saluti|distinti saluti|met vriendelijke groet(?:en)?|"
    r"atenciosamente|med vänliga hälsningar|med venlig hilsen|pozdrawiam)[\s,.!]*",
    re.I,
)
_NAME = re.compile(r"[^\W\d_][\w.'-]*(?:[ ,]+[^\W\d_][\w.'-]*){0,5},?\s*")
_SENTENCE = re.compile(r"\w\s+\w+[.!?]\s*$")
_MOST_LINES, _LONGEST = 9, 90  # of a card below an answer, and characters of a line in any
_NAME_PART = re.compile(r"[^\W\d_]+")
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "ing", "dipl", "mag", "med"])
_JOINING = frozenset(["of", "and", "for", "the", "at", "und", "für", "der", "die", "des", "von", "im", "am", "bei"])
_PLACE = re.compile(r"\b\w[\w. -]{2,30} \d{1,4} ?[a-z]?\b|\b\d{4,5} [A-ZÄÖÜ]\w+(?: [A-ZÄÖÜ]\w+)?|\b[A-Z]{1,2}\d{1,2}[A-Z]? ?\d[A-Z]{2}\b")
_WEB = re.compile(r"\S+@\S+|\S*(?:https?://|www\.)\S+")
_PLAIN_WORD = re.compile(r"[^\W\d_]{2,}")


def card_begins(lines: list[str], start: int, end: int) -> int:
    """Where the card of this stretch of lines begins, `end` if it has none, for what counts as said: in doubt it is no card.

    After a greeting its name stays, else two lines must be contact data.
    """
    last = last_said(lines, start, end)
    first = last
    for index in range(last, max(start, last - 14), -1):
        if _SIGN_OFF.fullmatch(lines[index][:80]):
            card = [line for line in lines[index + 2 : last + 1] if line.strip()]
            is_card = all(_may_stand(line) for line in card) and any(tells_where(line) for line in card)
            return index + 2 if card and is_card else end
    while first > start and lines[first - 1].strip():
        first -= 1
    block = lines[first : last + 1]
    above = last_said(lines, start, first)
    if first <= start or not 2 <= len(block) <= 8 or lines[above].rstrip().endswith(":"):
        return end
    contacts = sum(1 for line in block if tells_where(line))
    short = all(len(line) < 60 for line in block)
    named = _NAME.fullmatch(block[0][:60]) is not None and block[0][:1].isupper()
    needed = 1 if len(block) == 2 and "mobile" in block[-1].lower() else 2
    return first if named and short and contacts >= needed and not tells_where(block[0]) else end


def without_card(text: str, name: str) -> str:
    """Give the words without the writer's card below them, for reading alone: who sees the mail keeps it.

    A card begins with the writer's own name, or is nothing but contact data. Its first line is never the first of the text.
    """
    lines = text.split("\n")
    end = len(lines)
    said = [n for n, line in enumerate(lines) if line.strip()][1:][-_MOST_LINES:]
    own = frozenset(_NAME_PART.findall(name.casefold()))
    for n in said:
        if _is_own_name(lines[n], own) and all(_is_card_line(line) for line in lines[n + 1 :]):
            end = n
            break
    while end - 1 in said and (not lines[end - 1].strip() or _is_contact(lines[end - 1])):
        end -= 1
    return "\n".join(lines[:end]).rstrip()


def _is_own_name(line: str, own: frozenset[str]) -> bool:
    if len(line) >= _LONGEST:
        return False
    words = frozenset(_NAME_PART.findall(line.casefold()))
    return bool(words & own) and all(word in own or len(word) == 1 or word in _TITLES for word in words)


def _is_card_line(line: str) -> bool:
    """Whether a line below a name is an office, a firm, a place or a number, and no words that somebody forgot above."""
    if not _may_stand(line) or ends_a_sentence(line):
        return False
    small = {word for word in _NAME_PART.findall(line) if word[0].islower() and len(word) > 1}
    return _is_contact(line) or small <= _JOINING


def _is_contact(line: str) -> bool:
    """Whether a line is contact data and hardly a word more: "Tel. 030 1234567", not "call me at 030 1234567"."""
    if len(line) >= _LONGEST:
        return False
    bare = _PLACE.sub("", _CONTACT.sub("", _WEB.sub("", line)))
    return bare != line and not _PLAIN_WORD.search(bare)


# --- what a line is ----------------------------------------------------------------------------------------------------------


def tells_where(line: str) -> bool:
    """Whether an address, a number or the name of a device stands in it."""
    return _CONTACT.search(line[:200]) is not None


def ends_a_sentence(line: str) -> bool:
    """Whether it ends as a sentence does: a card has none."""
    return _SENTENCE.search(line[-200:]) is not None


def _may_stand(line: str) -> bool:
    """Whether a line can stand in a card at all."""
    return len(line) < _LONGEST and "?" not in line


def last_said(lines: list[str], start: int, end: int) -> int:
    """The last line of this stretch that is not empty, else its first."""
    last = end - 1
    while last > start and not lines[last].strip():
        last -= 1
    return last
