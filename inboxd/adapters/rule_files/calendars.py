"""The block `calendars`, and an agent's own hours: days, hours, public holidays, closed days."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from datetime import date, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from inboxd.adapters.rule_files.words import optional, read_block, read_days
from inboxd.core.opening import MINUTES, Calendar
from inboxd.yaml_source import Entries, Node, Scalar, Source, did_you_mean_or_all

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_CALENDARS = 50
MOST_HOLIDAYS = 5  # countries or states of one calendar
MOST_CLOSED = 3660  # days
HOLIDAY_YEARS = range(2015, 2051)
Hours = dict[int, tuple[tuple[int, int], ...]]

_STRETCH = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
OPEN_EXAMPLE = "write for example '{mon-fri: \"09:00-17:00\"}'"
HOURS_EXAMPLE = "write for example '09:00-17:30', or '22:00-06:00' for a night"


def read_calendar(source: Source, name: str, key: Scalar, node: Node) -> Calendar | None:
    """Read one calendar; None if it cannot be used."""
    words = read_block(source, node, name, "calendars")
    for needed, example in (("timezone", "Europe/Berlin"), ("open", '{mon-fri: "09:00-17:00"}')):
        if needed not in words:
            source.wrong(key, f"calendar '{name}' has no '{needed}'; write for example '{needed}: {example}'")
    zone = read_zone(source, words["timezone"]) if "timezone" in words else None
    hours = read_hours(source, words["open"], "open") if "open" in words else {}
    closed = dict(_holidays(source, words["holidays"])) if "holidays" in words else {}
    ranges = read_days(source, words["closed"], "closed") if "closed" in words else ()
    if sum((days.last - days.first).days + 1 for days in ranges) > MOST_CLOSED:
        source.wrong(words["closed"], f"'closed' has more than {MOST_CLOSED:,} days")
        ranges = ()
    for days in ranges:
        for offset in range((days.last - days.first).days + 1):
            closed.setdefault(days.first + timedelta(days=offset), "closed")
    return Calendar(name=name, zone=zone, hours=hours, closed=closed) if zone else None


def read_agents_hours(
    source: Source, name: str, words: Mapping[str, Node], calendars: Mapping[str, Calendar], known: Mapping[str, object]
) -> Calendar | None:
    """Read an agent's `hours` and `timezone`: the name of a calendar, or days and hours of their own."""
    zone: tzinfo | None = read_zone(source, words["timezone"]) if "timezone" in words else None
    node, main = words.get("hours"), next(iter(calendars.values()), None)
    if isinstance(node, Scalar) and not node.empty:
        text = optional(source, words, "hours") or ""
        if text not in known:
            otherwise = "; write the name of a calendar, or days and hours such as '{mon-thu: \"08:00-13:00\"}'"
            source.unknown(node, f"no calendar called '{text}'", text, known, otherwise)
            return None
        named = calendars.get(text)
        return Calendar(name=text, zone=zone or named.zone, hours=named.hours, closed=named.closed) if named else None
    if node is None:
        return Calendar(name=name, zone=zone, hours=main.hours, closed=main.closed) if zone and main else None
    hours = read_hours(source, node, "hours")
    if zone is None and main is None and not known:
        source.wrong(node, f"whose clock? Write 'timezone: Europe/Berlin' for '{name}', or add a calendar")
    zone = zone or (main.zone if main else None)
    return Calendar(name=name, zone=zone, hours=hours, closed=main.closed if main else {}) if zone else None


def read_zone(source: Source, node: Node) -> ZoneInfo | None:
    """Read a time zone by its IANA name."""
    text = source.text(node, "timezone")
    if text is None:
        return None
    if text not in _zones():
        cities = (zone for zone in _zones() if "/" in zone)
        source.unknown(node, f"no time zone called '{text}'", text, cities, "; write continent and city, such as 'Europe/Berlin'")
        return None
    return ZoneInfo(text)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


# --- hours -----------------------------------------------------------------------------------------------------------


def read_hours(source: Source, node: Node, what: str) -> Hours:
    """Read days and hours: weekday -> stretches in minutes after midnight."""
    found: Hours = {}
    said: dict[int, str] = {}
    if (isinstance(node, Entries) and not node.pairs) or (isinstance(node, Scalar) and node.empty):
        source.wrong(node, f"'{what}' has no days; {OPEN_EXAMPLE}")
    if isinstance(node, Scalar) and not node.empty:
        source.wrong(node, f"'{what}' wants days with their hours; {OPEN_EXAMPLE}")
        return found
    for key, value in source.entries(node, what).values():
        days, stretches = _days(source, key), _stretches(source, value)
        for day in days:
            if day in said:
                source.wrong(key, f"'{DAYS[day]}' stands in '{said[day]}' already; name each day once")
                break
            said[day] = key.text
            if stretches:
                found[day] = stretches
    return found


def _days(source: Source, key: Scalar) -> tuple[int, ...]:
    days: list[int] = []
    text = key.text.lower().strip()
    if text == "daily":
        return tuple(range(7))
    for part in re.split(r"\s*,\s*", text):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        ends = [_day(first), _day(last) if dash else _day(first)]
        if None in ends:
            wrong = first if ends[0] is None else last
            source.unknown(key, f"'{wrong}' is not a day of the week", wrong, DAYS, "; write 'mon', 'mon-fri', 'sat, sun' or 'daily'")
            return ()
        start, end = ends[0] or 0, ends[1] or 0
        days += [day % 7 for day in range(start, end + 1 if end >= start else end + 8)]
    return tuple(dict.fromkeys(days))


def _day(text: str) -> int | None:
    return DAYS.index(text[:3]) if text[:3] in DAYS and _FULL[text[:3]].startswith(text) else None


_FULL = dict(zip(DAYS, ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), strict=True))


def _stretches(source: Source, node: Node) -> tuple[tuple[int, int], ...]:
    if isinstance(node, Scalar) and node.text.lower() == "closed":
        return ()
    found: list[tuple[int, int]] = []
    for text, place in source.texts(node, "open"):
        match = _STRETCH.fullmatch(text.strip())
        start, end = (int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])) if match else (-1, -1)
        if not match or int(match[2]) > 59 or int(match[4]) > 59 or start >= MINUTES or end > MINUTES:
            source.wrong(place, f"'{text}' are not hours of a day; {HOURS_EXAMPLE}")
            continue
        if start == end:
            source.wrong(place, f"'{text}' is no time at all; for the whole day write '00:00-24:00'")
            continue
        end += MINUTES if end < start else 0
        if any(start < other_end and other_start < end for other_start, other_end in found):
            source.wrong(place, f"'{text}' overlaps with the hours before it")
            continue
        found.append((start, end))
    return tuple(sorted(found))


# --- holidays --------------------------------------------------------------------------------------------------------


def _holidays(source: Source, node: Node) -> dict[date, str]:
    found: dict[date, str] = {}
    texts = source.texts(node, "holidays")
    if len(texts) > MOST_HOLIDAYS:
        source.wrong(node, f"'holidays' of more than {MOST_HOLIDAYS} countries or states; take calendars of their own")
        return {}
    for text, item in texts:
        days, mistake = _holidays_of(text)
        if mistake:
            source.wrong(item, mistake)
        found |= days
    return found


@lru_cache(maxsize=16)
def _holidays_of(text: str) -> tuple[dict[date, str], str]:
    """The public holidays of "DE" or "DE-BY", and what is wrong with the name."""
    import holidays  # 0.1 s, and only calendars with holidays need it

    country, dash, state = text.strip().partition("-")
    country, known = country.upper(), holidays.list_supported_countries()
    if country not in known:
        return {}, f"no holidays are known for '{text}'; write a country such as 'DE', or a state in it such as 'DE-BY'"
    state = next((each for each in known[country] if each.casefold() == state.casefold()), state)
    if dash and state not in known[country]:
        states = did_you_mean_or_all(state, known[country]) if known[country] else f"; '{country}' has no states, write '{country}'"
        return {}, f"'{country}' has no state '{state}'{states}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of some countries fewer years are known
        found = holidays.country_holidays(country, subdiv=state or None, years=HOLIDAY_YEARS)
    return {day: str(name) for day, name in found.items()}, ""
