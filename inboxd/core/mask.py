"""Take out of a customer's sentence who wrote it and to whom: names, addresses and numbers. In doubt a word too many is hidden."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

NAME, ADDRESS, NUMBER, LINK = "[name]", "[address]", "[number]", "[link]"

_WORD = re.compile(r"[^\W_]+(?:['’.-][^\W_]+)*")
_PARTS = re.compile(r"[^\W\d_]+")
_EMAIL = re.compile(r"[^\s<>()\[\],;:\"]+\s?(?:@|\(at\)|\[at\])\s?[^\s<>()\[\],;:\"]*[^\W_]")
_LINK = re.compile(r"(?:https?://|www\.)\S*[^\s.,;:!?)\]]", re.IGNORECASE)
_STREET = re.compile(
    r"\b\d+\s?[a-z]?,?\s+(?:[A-ZÄÖÜ][\w'’.-]*\s+){1,3}(?:Street|St|Road|Rd|Lane|Row|Avenue|Ave|Close|Drive|Way|Court|Place|Square|Terrace|Gardens)\b\.?"
    r"|\b(?:[A-ZÄÖÜ][\w.-]*\s+){0,2}[A-ZÄÖÜ]?[\w-]*(?:straße|strasse|str\.|weg|platz|gasse|allee|ufer|damm|ring)\s+\d+\s?[a-z]?\b"
    r"|\b(?:Rua|Calle|Rue|Via|Avenida)\s+(?:d[aeo]s?\s+|de\s+la\s+)?[A-ZÀ-Ý][\w'’-]*(?:,?\s+\d+)?"
)
_TOWN = re.compile(r"\b(?:\d{5}|[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2})\s+[A-ZÄÖÜ][\w-]+")
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herrn?|Frau)\b\.?\s+[^\W\d_][\w'’-]*")
_GREETED = re.compile(
    r"^\s*(?:hello|hi|hey|dear|hallo|liebe[rs]?|moin|servus|good (?:morning|afternoon|evening)|guten (?:tag|morgen|abend))\s+"
    r"(?P<names>[^\n,.!?:;]{1,60})",
    re.IGNORECASE | re.MULTILINE,
)
_FAREWELL = re.compile(
    r"^[ \t]*(?:.{0,30}\b(?:regards|wishes|sincerely|faithfully|cheers|thanks|thank you|yours|"
    r"gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)|dank|danke|mfg|lg|vg)"
    r"\b.{0,20})$\n(?P<names>(?:[^\n]{0,80}\n?){1,6})\s*\Z",
    re.IGNORECASE | re.MULTILINE,
)
_NO_NAMES = """all everyone everybody team support sir madam there together zusammen alle damen herren und and or the you from my our at
customer service kundenservice best kind regards thanks thank many vielen dank mit freundlichen viele liebe von in de da der die das für for
of to sent iphone gesendet"""
_NO_NAME = frozenset(_NO_NAMES.split())
# What can stand unseen in the middle of a name, and accents that no letter carries (the dot of a small Turkish "İ").
_FORMAT = re.compile("[\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae"})


def mask(text: str, known: Iterable[str], *, around: str = "") -> str:
    """Hide who is meant. `known`: names and addresses of customers and agents.

    `around`: the mail, for the names in its greeting and signature.
    """
    text = _FORMAT.sub("", unicodedata.normalize("NFC", text))
    hidden = frozenset(_forms([*known, *_named_in(_FORMAT.sub("", unicodedata.normalize("NFC", around)))]))
    for pattern, shown in ((_LINK, LINK), (_EMAIL, ADDRESS), (_STREET, ADDRESS), (_TOWN, ADDRESS), (_TITLED, NAME)):
        text = pattern.sub(shown, text)
    text = _WORD.sub(lambda match: _word(match, hidden), text)
    for part in sorted((form for form in hidden if not form.isascii() and _no_spaces(form)), key=lambda form: (-len(form), form)):
        text = text.replace(part, NAME)
    return re.sub(r"(\[(?:name|address|number)\])(?:[\s,]+\1)+", r"\1", text)


def _word(match: re.Match[str], hidden: Collection[str]) -> str:
    word = match.group()
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    if f"{before}{word}{after}" in (NAME, ADDRESS, NUMBER, LINK):
        return word
    if any(folded in hidden for part in (word, *_PARTS.findall(word)) for folded in _folded(part)):
        return NAME
    return NUMBER if any(c.isdigit() for c in word) else word


def _named_in(text: str) -> Iterator[str]:
    """The names in a mail's greeting, and all that stands below its farewell."""
    for pattern in (_GREETED, _FAREWELL):
        if found := pattern.search(text):
            yield found["names"]


def _forms(known: Iterable[str]) -> Iterator[str]:
    """The words of names and of addresses, as they are compared."""
    for name in known:
        for part in _PARTS.findall(_FORMAT.sub("", unicodedata.normalize("NFC", name.partition("@")[0] if "@" in name else name))):
            if len(part) > 1 or not part.isascii():
                yield from (folded for folded in _folded(part) if folded not in _NO_NAME)


def _folded(word: str) -> tuple[str, str]:
    """A word without capitals and accents, and with accents written out: "Müller" is "muller" and "mueller"."""
    low = unicodedata.normalize("NFC", word).casefold().replace("ı", "i")  # in capitals "Işıl" is "IŞIL"
    bare = "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    return bare, low.translate(_UMLAUTS)


def _no_spaces(word: str) -> bool:
    """Written in a script that puts no space between words."""
    return any("\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" or "\u0e00" <= c <= "\u0e7f" for c in word)
