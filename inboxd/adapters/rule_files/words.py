"""The words of rule files, and the small readers that rules and their tests share."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta

from inboxd.adapters.rule_files.language import words_of
from inboxd.core.model import Kind, Sentiment
from inboxd.core.opening import Span, span_of
from inboxd.core.rulebook import TOPICS, Absence
from inboxd.yaml_source import CONTACTS_EXAMPLE, Items, Node, Scalar, Source, is_too_long, read_contacts

SHIPPED_TOPICS = (*TOPICS, "unsure")
KINDS = (*Kind, "automatic")
SENTIMENTS = tuple(Sentiment)
PRIORITIES = ("high", "normal", "low")
DELIVER = ("mail", "folder")

LANGUAGES = frozenset(  # ISO 639-1
    re.findall(
        r"\w+",
        """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa
    ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko
    kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa
    pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw
    ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    """,
    )
)
EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
DOMAIN = re.compile(r"\*?@?[a-z0-9-]+(\.[a-z0-9-]+)+")
NAME = re.compile(r"\w[\w.-]*")
TEMPLATE = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = ("lead", "nobody", "same_agent_as_before")
NO_ANSWER = ("nobody", "nothing")


_NEIGHBOURS = {  # blocks whose words are mixed up
    "rules": ("when", "then"), "when": ("then",), "then": ("when",), "follow_up": ("if_unhappy",), "if_unhappy": ("follow_up",),
    "tests": ("mail", "given", "expect"), "mail": ("given", "expect"), "given": ("mail", "expect"), "expect": ("given", "mail"),
}  # fmt: skip


def read_block(source: Source, node: Node, what: str, block: str) -> dict[str, Node]:
    """Read a block of the language; of a word that belongs to a block beside it, say so."""
    elsewhere = {word: neighbour for neighbour in reversed(_NEIGHBOURS.get(block, ())) for word in words_of(neighbour)}
    return source.block(node, what, words_of(block), elsewhere=elsewhere)


_MEANT = {  # words that other programs use
    "newsletter": "list", "mailing_list": "list", "automatic_reply": "auto_response", "auto_reply": "auto_response",
    "vacation": "out_of_office", "human": "person", "angry": "upset", "furious": "upset", "negative": "unhappy",
    "positive": "happy", "calm": "neutral",
}  # fmt: skip


def known_name(source: Source, at: Node, text: str, noun: str, known: Collection[str], *also: Collection[str]) -> bool:
    """Whether the name is known; the mistake otherwise, with the nearest of them (`also`: other words that may stand there)."""
    if any(text in words for words in (known, *also)):
        return True
    if (meant := _MEANT.get(text.lower(), "")) in known:
        source.wrong(at, f"no {noun} called '{text}' - did you mean '{meant}'?")
        return False
    source.unknown(at, f"no {noun} called '{text}'", text, (word for words in (known, *also) for word in words))
    return False


def list_of(source: Source, node: Node, what: str) -> tuple[Node, ...]:
    """Read a list with something in it."""
    if isinstance(node, Items) and node.items:
        return node.items
    source.wrong(node, f"'{what}' wants a list: each entry begins with '- '")
    return ()


def optional(source: Source, words: Mapping[str, Node], word: str) -> str | None:
    """Read the text of a word that may be left out."""
    return source.text(words[word], word) if word in words else None


_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def check_one_line(source: Source, at: Node, what: str, text: str) -> bool:
    """Whether a text that stands in one line of a mail has no line breaks and no signs that cannot be seen; the mistake otherwise."""
    if _INVISIBLE.search(text):
        source.wrong(at, f"'{what}' is one line of plain text; this one holds a line break, or a sign that cannot be seen")
        return False
    return True


def read_line(source: Source, words: Mapping[str, Node], word: str) -> str | None:
    """Read the text of a word that may be left out, in one line."""
    text = optional(source, words, word)
    return text if text and check_one_line(source, words[word], word, text) else None


def read_folder(source: Source, words: Mapping[str, Node], word: str) -> str | None:
    """Read the name of a folder of the mailbox."""
    text = read_line(source, words, word)
    if text and any(part in ("", ".", "..") for part in re.split(r"[/\\]", text)):
        source.wrong(words[word], f"'{text}' is not a folder of the mailbox; write its name, such as 'Newsletters' or 'Lists/News'")
        return None
    return text


def read_labels(source: Source, words: Mapping[str, Node]) -> tuple[str, ...]:
    """Read `label`; in tests `nothing` and `nobody` mean that there is none."""
    found = []
    for text, place in source.texts(words["label"], "label") if "label" in words else ():
        if text in NO_ANSWER:
            source.wrong(place, f"'{text}' cannot be a label: in tests it means that there is none; choose another word")
        elif check_one_line(source, place, "label", text):
            found.append(text)
    return tuple(found)


def with_low_lines(text: str, what: str) -> str:
    """Give " - did you mean 'we_hear_you'?" for a name written with spaces or capitals, else `what`."""
    better = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return f" - did you mean '{better}'?" if TEMPLATE.fullmatch(better) and better != text else what


def check_name(source: Source, key: Scalar) -> None:
    """Check the short name of an agent, team or calendar: agents type it in mails."""
    name = key.text
    if not NAME.fullmatch(name) or name != name.lower():
        source.wrong(key, f"'{name}': a name is one word in small letters, such as 'maria'")
    elif name in RESERVED:
        source.wrong(key, f"'{name}' has a meaning of its own in rules; choose another name")


def read_languages(source: Source, node: Node, what: str, *also: str) -> tuple[str, ...]:
    """Read one or more languages, two letters each, or one of the words `also`."""
    found = []
    for text, place in source.texts(node, what):
        if not re.fullmatch(r"[a-z]{2}", text) and text not in also:
            source.wrong(place, f"'{text}' is not a language; write two letters, such as 'en' or 'de'")
        elif text not in LANGUAGES and text not in also:
            source.wrong(place, f"no language has the letters '{text}' (ISO 639-1); English is 'en', German is 'de'")
        found.append(text)
    return tuple(found)


def read_repeat(source: Source, node: Node, what: str) -> tuple[int, timedelta] | None:
    """Read a number of contacts in a time."""
    text = source.text(node, what)
    found = read_contacts(text) if text else None
    if text and found is None:
        source.wrong(node, f"'{text}' is not a number of contacts; {CONTACTS_EXAMPLE}")
    return found


# --- lengths of time -------------------------------------------------------------------------------------------------

_OPENING = re.compile(r"(\d{1,4})\s+opening\s+(minute|hour|day)s?")
_OFFICIAL = re.compile(r"\b(working|business|office)\b(?=\s+(?:minute|hour|day|week))", re.IGNORECASE)
SPAN_EXAMPLES = "write for example '30 minutes', '4 hours', '2 days', '2 opening hours' or '1 opening day'"
NO_CALENDAR = (
    "opening hours need a calendar; write for example 'calendars: {office: {timezone: Europe/Berlin, open: {mon-fri: \"09:00-17:00\"}}}'"
)


def read_opening_span(source: Source, node: Node, what: str, *, calendars: bool) -> Span | None:
    """Read a length of time, in opening hours perhaps; the mistake is noted."""
    text = source.text(node, what)
    return None if text is None else check_span(source, node, what, text, calendars=calendars)


def check_span(source: Source, node: Node, what: str, text: str, *, calendars: bool) -> Span | None:
    """Read a length of time that stands in this text."""
    span = span_of(text)
    if span is None:
        better = _OFFICIAL.sub("opening", text)
        if better != text and span_of(better):
            source.wrong(node, f"'{text}' is not a length of time - did you mean '{better}'?")
        elif re.search(r"opening\s+weeks?", text.lower()):
            source.wrong(node, f"'{text}': a week is longer or shorter by its holidays; write opening days, such as '5 opening days'")
        elif is_too_long(text.lower().replace("opening ", "")):
            source.wrong(node, f"'{text}' is longer than ten years")
        else:
            source.wrong(node, f"'{text}' is not a length of time; {SPAN_EXAMPLES}")
        return None
    if not (span.length or span.days):
        source.wrong(node, f"'{what}' wants more than no time at all; {SPAN_EXAMPLES}")
        return None
    if span.opening and not calendars:
        source.wrong(node, NO_CALENDAR)
    return span


# --- days ------------------------------------------------------------------------------------------------------------

_DAYS = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s+to\s+(\d{4}-\d{2}-\d{2}))?")
MOST_DAYS = 366
YEARS = range(2000, 2100)


def read_days(source: Source, node: Node, what: str) -> tuple[Absence, ...]:
    """Read one or more days or ranges of days: "2026-12-24", "2026-12-24 to 2027-01-02"."""
    found = []
    for text, place in source.texts(node, what):
        match = _DAYS.fullmatch(" ".join(text.split()))
        first, last = (_date(match[1]), _date(match[2] or match[1])) if match else (None, None)
        if first is None or last is None:
            source.wrong(place, f"'{text}' is not a day or a range of days; write '2026-12-24' or '2026-12-24 to 2027-01-02'")
        elif last < first:
            source.wrong(place, f"'{text}' ends before it begins; write the earlier day first")
        elif first.year not in YEARS or last.year not in YEARS or (last - first).days >= MOST_DAYS:
            source.wrong(place, f"'{text}' is longer than a year, or in another century; is the year right?")
        else:
            found.append(Absence(first=first, last=last))
    return tuple(found)


def read_day(source: Source, node: Node, what: str) -> date | None:
    """Read one day: "2026-11-09"."""
    text = source.text(node, what)
    day = _date(text) if text and _DAYS.fullmatch(text) else None
    if text and day is None:
        source.wrong(node, f"'{text}' is not a day; write for example '2026-11-09'")
    return day if day is not None and day.year in YEARS else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
