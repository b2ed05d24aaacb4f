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
# A capital in the middle of an English sentence is a name of somebody, of a place or a firm, but for these.
_CAPITALS = """monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays
january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
christmas easter halloween ramadan english german french dutch spanish italian irish british scottish welsh american european chinese
japanese turkish polish portuguese swedish norwegian danish finnish greek russian ukrainian arabic indian google apple android windows mac
linux ubuntu debian chrome firefox safari edge outlook gmail amazon ebay visa mastercard paypal klarna facebook instagram whatsapp bluetooth
wifi internet excel word zoom teams customer customers service support team care order orders delivery account app invoice refund return
returns standard premium basic pro plus express post unit model number key officer payroll sir madam god mum mom dad grandpa grandma the
a an we you it they he she my your our this that please yes no not hello hi thanks thank best kind regards and or but if so when where what
why how who which fahrenheit celsius braille early online"""
_ORDINARY = frozenset(_CAPITALS.split())
_CAPITAL = re.compile(r"(?:(?<=[\w,;)\]’'] )|(?<=\w \())[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*")
# In German each noun has one: two in a row are a name, but for these in front, or such an end; after some in front only the second is.
_NO_FRONT = """anfang mitte ende seit januar februar märz april mai juni juli august september oktober november dezember montag dienstag
mittwoch donnerstag freitag samstag sonntag tag tage tagen woche wochen monat monate monaten jahr jahre jahren stunde stunden viertelstunde
minute minuten sekunden uhr euro cent prozent prozentpunkte stück paar glas liter kilo gramm meter zentimeter paket pakete paletten kiste
kisten flasche flaschen dose dosen packung mal abend morgen mittag nachmittag vormittag art sorte menge anzahl zeit guten guter gute viel"""
_NOT_IN_FRONT = frozenset(_NO_FRONT.split())
_KIN = """familie mann sohn tochter schwester bruder mutter vater oma opa tante onkel enkel enkelin neffe nichte kollege kollegen kollegin
nachbar nachbarn nachbarin freund freundin chef chefin fahrer fahrerin monteur techniker mitarbeiter mitarbeiterin kunde kundin schüler
schülerin fräulein doktor namen name hund katze kater"""
_IN_FRONT_OF_A_NAME = frozenset(_KIN.split())
_PRONOUN = re.compile(r"(?:Ihre?[mnrs]?|Ihnen|Sie|Du|Dir|Dein\w*|Euch|Euer|Eure\w*|Nr|Am|Im|Der|Die|Das|Bitte)\Z")
_ABSTRACT = re.compile(r"\w+(?:ung|ungen|heit|heiten|keit|keiten|schaft|tion|tionen|tät|zeit|zeiten|zins|frist)\Z")
_SURNAME = re.compile(r" ([A-ZÄÖÜİŞÇ][\wé’'-]*[a-zäöüßéışçğ])(?!\w)")
_PAIR = re.compile(r"(?<=[\w,;)\]] )([A-ZÄÖÜ][a-zäöüßé]+) ([A-ZÄÖÜ][\wé’'-]*[a-zäöüßéışçğ])(?!\w)")
_SIGNED = re.compile(r"[^\W\d_][^\s.,!?:;]*(?:[ ,]+[^\W\d_&][^\s.,!?:;]*| &){0,4}")  # a last line of a few words
_NO_NAMES = """all everyone everybody team support sir madam there together zusammen alle damen herren und and or the you from my our at
customer service kundenservice best kind regards thanks thank many vielen dank mit freundlichen viele liebe von in de da der die das für for
of to sent iphone gesendet yours regards cheers gruß grüße grüßen gruss mfg lg vg ihr ihre"""
_NO_NAME = frozenset(_NO_NAMES.split())
# What can stand unseen in the middle of a name, and accents that no letter carries (the dot of a small Turkish "İ").
_FORMAT = re.compile("[\u00ad\u0300-\u036f\u200b-\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae"})


def mask(text: str, known: Iterable[str], *, around: str = "", language: str = "") -> str:
    """Hide who is meant. `known`: names and addresses of customers and agents.

    `around`: the mail, for the names in its greeting, its signature and its sentences; `language`: in which it is written.
    """
    text, around = (_FORMAT.sub("", unicodedata.normalize("NFC", each)) for each in (text, around))
    hidden = frozenset(_forms([*known, *_named_in(around), *_said_in(around, language), *_said_in(text, language, around)]))
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
    for line in [each.strip() for each in text.splitlines() if each.strip()][-2:]:
        words = [word for word in _PARTS.findall(line) if word.casefold() not in _NO_NAME | _ORDINARY]
        if _SIGNED.fullmatch(line) and all(word[0].isupper() for word in words):
            yield from words


def _said_in(text: str, language: str, around: str = "") -> Iterator[str]:
    """The names that nobody told us: by their capitals, as far as the language shows names by these."""
    if language == "en":
        for line in filter(None, text.splitlines()):
            words = [word for word in _PARTS.findall(line) if word != "I"]
            if 2 * sum(word[0].isupper() for word in words) < max(len(words), 2) + 1:  # else it is a headline
                yield from (word for word in _CAPITAL.findall(line) if _is_named(word, f"{around}\n{text}"))
    elif language == "de":
        for pair in _PAIR.finditer(text):
            yield from _named_by(pair[1], pair[2])
            if pair[1].casefold() in _IN_FRONT_OF_A_NAME and (more := _SURNAME.match(text, pair.end())):
                yield from _named_by(pair[2], more[1])  # "Unser Nachbar Peter Lang"


def _is_named(word: str, text: str) -> bool:
    """Whether a word with a capital in the middle of a sentence is a name: not ordinary, and never written without one."""
    first = re.split("['’]", word)[0]
    own = word if len(first) == 1 and first != "I" else first  # O'Brien
    plain = own.removeprefix("Mc").removeprefix("Mac") or own
    written = plain[:1].isupper() and (plain[1:].islower() or len(first) == 1)
    return written and own.casefold() not in _ORDINARY and len(own) > 1 and not re.search(rf"\b{re.escape(own.lower())}\b", text)


def _named_by(front: str, name: str) -> tuple[str, ...]:
    if _PRONOUN.match(front) or _PRONOUN.match(name) or front.casefold() in _NOT_IN_FRONT or _ABSTRACT.match(name):
        return ()
    if name.casefold() in _NOT_IN_FRONT | _IN_FRONT_OF_A_NAME:
        return ()
    return (name,) if front.casefold() in _IN_FRONT_OF_A_NAME else (front, name)


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
