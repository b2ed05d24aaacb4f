"""Sentences of a text, and the days that they name: pure reading, English and German."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

# --- sentences ---------------------------------------------------------------------------------------------------

_SHORT = r"(?:\b(?:nr|mr|mrs|ms|dr|st|tel|str|ca|bzw|inkl|usw|evtl|z\.\s?b|d\.\s?h|u\.\s?a|e\.g|i\.e|etc|vs)|\b[A-Z])"
_END = re.compile(r"[.!?…][\"'”“»)]*\s+(?=[\"'„“»(]*[^\W_])|[。!?]")
_ENDS_SHORT = re.compile(_SHORT + r"\.$", re.IGNORECASE)
_LISTED = re.compile(r"[-*•\d]+[.)]?\s")
_GOES_ON = re.compile(r"[a-zäöüß]")
_ORDINAL = re.compile(r"\b(?:ab|am|bis|das|dem|den|der|des|die|im|ins|seit|vom|zum|zur)\s+\d{1,2}\.$", re.IGNORECASE)
_GREETS = (
    r"(?:hello|hi|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)|liebe[rs]?|"
    r"sehr geehrte[rs]?|moin|servus|bonjour|hola|ciao)\b"
)
_GREETING = re.compile(_GREETS + r"(?:[^.?!]|\b(?:mrs?|ms|dr|prof)\.){0,50}[,!.]?", re.IGNORECASE)
_GREETED = re.compile(_GREETS + r"(?:[^.?!,]|\b(?:mrs?|ms|dr|prof)\.){0,50},\s*", re.IGNORECASE)
_OF_NAMES = frozenset(("and", "de", "der", "or", "und", "van", "von"))
_LONGEST_GREETING = 300  # letters: a first word, and fifty letters or titles


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences, letter for letter but for line breaks; greetings and lone names are none."""
    return list(_sentences(text))


def _sentences(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        for stretch in _unwrapped(paragraph):
            yield from filter(None, map(_ungreeted, _cut(stretch)))


def _ungreeted(sentence: str) -> str:
    """The sentence without the greeting before it ("Hello Theo, you will have it by Friday"); "" where it is nothing else."""
    rest = sentence[greeting.end() :] if (greeting := _GREETED.match(sentence)) else ""
    if any(word.islower() and word not in _OF_NAMES for word in rest.split()):  # else "Guten Tag, Frau Dr. von Meier,"
        sentence = rest
    return "" if _GREETING.fullmatch(sentence) else sentence


def _unwrapped(paragraph: str) -> Iterator[str]:
    """Join the lines that a program wrapped; a short line, or one that begins a list, stands alone."""
    held, last = "", 0
    for line in (" ".join(line.split()) for line in paragraph.split("\n")):
        begins = last < 40 or held.endswith(":") or _LISTED.match(line)
        if held and ((len(held) < _LONGEST_GREETING and _GREETING.fullmatch(held)) or (begins and not _GOES_ON.match(line))):
            yield held
            held = ""
        held, last = f"{held} {line}".strip(), len(line)
    if held:
        yield held


def _cut(stretch: str) -> Iterator[str]:
    begin = 0
    for end in _END.finditer(stretch):
        before, after = stretch[begin : end.start() + 1], stretch[end.end() : end.end() + 20]
        if _ENDS_SHORT.search(before) and not before.endswith(" I."):
            continue
        if after[:1].isdigit() and re.search(r"\bno\.$", before, re.IGNORECASE):
            continue  # "order no. 5", but not "No. It is the wrong one."
        if re.fullmatch(r"\s*\d{1,2}\.", before):
            continue  # the number of a list belongs to what follows
        if re.search(r"\b\d{1,2}\.$", before) and (_ORDINAL.search(before) or re.match(rf"(?i:{_MONTH})|[a-zäöü]|\d", after)):
            continue  # "21. November", "im 2. Stock"
        yield stretch[begin : end.end()].strip()
        begin = end.end()
    if rest := stretch[begin:].strip():
        yield rest


# --- days --------------------------------------------------------------------------------------------------------

_MONTHS = (
    "jan(?:uary|uar)?", "feb(?:ruary|ruar)?", "mar(?:ch)?|märz|mrz", "apr(?:il)?", "may|mai", "june?|juni",
    "july?|juli", "aug(?:ust)?", "sept?(?:ember)?", "o[ck]t(?:ober)?", "nov(?:ember)?", "de[cz](?:ember)?",
)  # fmt: skip
_MONTH = r"(?:" + "|".join(_MONTHS) + r")\b"
_WEEKDAYS = (
    "monday|montag", "tuesday|dienstag", "wednesday|mittwoch", "thursday|donnerstag", "friday|freitag",
    "saturday|samstag|sonnabend", "sunday|sonntag",
)  # fmt: skip
_WEEKDAY = r"(?:" + "|".join(_WEEKDAYS) + r")"

_ISO = re.compile(r"\b(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)\b")
_DOTTED = re.compile(r"(?<![\w.,])(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.(?P<y>20\d\d|\d\d)?(?![\w.,]?\d)")
_SLASHED = re.compile(r"(?<![\w/])(?P<a>\d{1,2})/(?P<b>\d{1,2})(?:/(?P<y>20\d\d|\d\d))?(?![\w/])")
_DAY_MONTH = re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?(?:\s+of)?\s+(?P<m>{_MONTH})\.?,?(?:\s+(?P<y>20\d\d))?", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"\b(?P<m>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:.]\d|\d)(?:,?\s+(?P<y>20\d\d))?", re.IGNORECASE)
_RELATIVE = re.compile(
    r"\b(?P<two>(?:the )?day after tomorrow|übermorgen)\b|\b(?P<one>tomorrow|(?<!guten )(?<!am )morgen)\b",
    re.IGNORECASE,
)
_TODAY = re.compile(r"\b(?:today|tonight|this (?:morning|afternoon|evening)|heute)\b", re.IGNORECASE)
_BY_WEEKDAY = re.compile(
    rf"\b(?:(?P<how>this|coming|next|last|diesen|kommenden|nächsten|nächste|naechsten|letzten|letzte|vergangenen|until|till|by|before|"
    rf"bis|spätestens|ab|from)\s+(?:zum\s+|am\s+)?)?(?P<w>{_WEEKDAY})\b",
)  # this and the next two of small letters: a search that minds no case takes four times as long
_PAST = re.compile(
    r"\b(?:was|were|had|did|didn't|said|told|would|wrote|came|went|got|paid|last|ago|yesterday|nobody \w+ed|\w{3,}ed|"
    r"war|waren|hatte|hatten|habe|haben|hat|sagten?|schrieb(?:en)?|wurden?|sollten?|kam|gestern|letzten|letzte|vergangenen)\b",
)
_IT_IS = re.compile(
    r"\b(?:(?:it|today|now)(?: is|['’]s)|(?:es|heute|jetzt|nun) ist(?: es)?)(?: (?:now|already|only|jetzt|schon|bereits|erst))?\s+\Z"
)
_AHEAD = re.compile(
    r"\b(?:will|shall|going to|needs?|must|turns?|until|we'll|i'll|is|are|leaves?|have to|"
    r"wird|werden|muss|müssen|brauchen?|bis)\b",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDay:
    """A day that a text names, with the sentence that names it."""

    day: date
    sentence: str
    start: int  # where in the sentence


def named_days(text: str, today: date) -> Iterator[NamedDay]:
    """Give each day from today on that the text names, in order; what may lie in the past is left out."""
    if not _may_name_a_day(text):
        return
    for sentence in _sentences(text):
        for start, day in sorted(_days(sentence, today)) if _may_name_a_day(sentence) else ():
            if day >= today:
                yield NamedDay(day=day, sentence=sentence, start=start)


def days_ahead(clause: str, today: date) -> Iterator[date]:
    """Give each day from today on that words name which are known to look ahead; here "today" names one, too."""
    if _TODAY.search(clause):
        yield today
    if _may_name_a_day(clause):
        yield from (day for _, day in sorted(_days(clause, today, ahead=True)) if day >= today)


def _days(sentence: str, today: date, *, ahead: bool = False) -> Iterator[tuple[int, date]]:
    lower = sentence.lower()
    if _WITH_DIGITS.search(sentence):
        yield from _in_digits(sentence, today)
    for match in _RELATIVE.finditer(sentence) if _names_morrow(lower) else ():
        if ahead or not _PAST.search(lower) or _AHEAD.search(lower):
            yield match.start(), today + timedelta(days=2 if match["two"] else 1)
    past = coming = None
    for match in _weekdays(sentence):
        is_today = _number(match["w"], _WEEKDAYS) - 1 == today.weekday()
        if is_today and _IT_IS.search(lower, max(match.start("w") - 40, 0), match.start("w")):
            continue  # "it is Friday morning, and nothing has come": the day on which it was written
        if not ahead and past is None:
            past = _PAST.search(lower) is not None
        if not ahead and not past and coming is None:
            coming = _AHEAD.search(lower) is not None
        if day := _weekday(match, today, ahead=ahead or (not past and (bool(coming) or bool(match["how"])))):
            yield match.start(), day


def _weekdays(sentence: str) -> Iterator[re.Match[str]]:
    """Find the weekdays, each with the word before it; looked at closely only where a word ends like one."""
    lower, after = sentence.replace("İ", "I").lower(), 0  # the one letter whose small form is two: places stay what they are
    for hint in _LIKE_A_WEEKDAY.finditer(lower):
        near = max(after, hint.end() - 40)
        found = next((m for m in _BY_WEEKDAY.finditer(lower, near, hint.end()) if m.end() == hint.end()), None)
        if found is not None:
            after = found.end()
            yield found


# Most sentences name no day: these tell so at a tenth of the price.
_WITH_DIGITS = re.compile(r"\d")
_LIKE_A_WEEKDAY = re.compile(r"day\b|tag\b|mittwoch\b|sonnabend\b")


def _may_name_a_day(text: str) -> bool:
    lower = text.lower()
    return _names_morrow(lower) or _names_weekday(lower) or _WITH_DIGITS.search(text) is not None


def _names_morrow(lower: str) -> bool:
    return "morrow" in lower or "morgen" in lower


def _names_weekday(lower: str) -> bool:
    return "day" in lower or "tag" in lower or "mittwoch" in lower or "sonnabend" in lower


def _in_digits(sentence: str, today: date) -> Iterator[tuple[int, date]]:
    for match in _ISO.finditer(sentence):
        yield from _dated(match, today, int(match["d"]), int(match["m"]))
    for match in _DOTTED.finditer(sentence):
        yield from _dated(match, today, int(match["d"]), int(match["m"]))
    for match in _SLASHED.finditer(sentence):
        a, b = int(match["a"]), int(match["b"])
        if (a > 12) != (b > 12):  # 3/4 is two days, so it is none
            yield from _dated(match, today, max(a, b), min(a, b))
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        for match in pattern.finditer(sentence):
            if match["m"] != "may":  # "you may 12 times"
                yield from _dated(match, today, int(match["d"]), _number(match["m"], _MONTHS))


@lru_cache(maxsize=200)
def _number(word: str, patterns: tuple[str, ...]) -> int:
    return next(number for number, each in enumerate(patterns, 1) if re.fullmatch(each, word, re.IGNORECASE))


def _dated(match: re.Match[str], today: date, day: int, month: int) -> Iterator[tuple[int, date]]:
    """Give the date; without a year it is the nearest: in November "3 Jan" is ahead, "7 Nov" was last week."""
    year = int(match["y"]) if match["y"] else today.year
    try:
        found = date(year if year > 99 else 2000 + year, month, day)
        if not match["y"] and (today - found).days > 183:
            found = found.replace(year=found.year + 1)
    except ValueError:
        return
    yield match.start(), found


def _weekday(match: re.Match[str], today: date, *, ahead: bool) -> date | None:
    """Give the next such day, where the words look ahead. "Next Friday" is the one of next week."""
    how = (match["how"] or "").casefold()
    if how.startswith(("last", "letzt", "vergangen")):
        return None
    days = (_number(match["w"], _WEEKDAYS) - 1 - today.weekday()) % 7
    if how in ("next", "nächsten", "nächste", "naechsten"):
        monday = today + timedelta(days=7 - today.weekday())
        return monday + timedelta(days=_number(match["w"], _WEEKDAYS) - 1)
    if how in ("this", "coming", "diesen", "kommenden"):
        return today + timedelta(days=days)
    return today + timedelta(days=days or 7) if ahead else None
