"""Opening hours: when somebody is there, and when "2 opening hours" are over. Pure arithmetic; time zones by zoneinfo (IANA).

Hours are what the wall clock shows, lengths are real time: on the night the clocks change, 01:00-04:00 lasts two hours or four.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby, islice

DAY = timedelta(days=1)
HORIZON = 400  # days without an opening after which a calendar counts as closed for good
MINUTES = 24 * 60
NONE = timedelta(0)
SECOND = timedelta(seconds=1)
_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When somebody is there. `hours`: weekday (0 = Monday) -> minutes after midnight, from and to; past 1440 is the next morning."""

    name: str
    zone: tzinfo
    hours: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    closed: Mapping[date, str] = field(default_factory=dict)  # the day, and why: "Christmas Day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time as an admin says it: "4 hours", "2 opening hours", "1 opening day"."""

    length: timedelta = NONE
    opening: bool = False
    days: int = 0  # opening days; `length` is then nothing

    @property
    def words(self) -> str:
        """As it is written in a rule file."""
        if self.days:
            return f"{self.days} opening {'day' if self.days == 1 else 'days'}"
        if self.opening:  # a day is no number of opening hours, so the largest unit is the hour
            return " opening ".join(_counted_in(self.length, _UNITS[1:]).split(" ", 1))
        return span_words(self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A moment, and the arithmetic that led to it: each stretch of opening time that counted."""

    at: datetime
    counted: tuple[tuple[datetime, datetime], ...] = ()
    never_open: bool = False  # the calendar has no opening: plain time was taken


def periods(calendar: Calendar, after: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Give each stretch of opening time that ends after this moment, in UTC, in order, none overlapping; ends where nothing opens."""
    return ((begins, ends) for _, begins, ends in _stretches(calendar, after))


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether somebody is there at this moment."""
    return next((begins <= at for begins, _ in periods(calendar, at)), False)


def next_open(calendar: Calendar, at: datetime) -> datetime | None:
    """Tell when somebody is there next: this moment itself if it is within the hours; None if never."""
    return next((begins for begins, _ in periods(calendar, at)), None)


def add(calendar: Calendar, start: datetime, length: timedelta) -> Due:
    """Tell when so much opening time is over, counted from `start`. No time at all is over at once."""
    start = start.astimezone(UTC)
    if not length:
        return Due(at=start)
    left, counted = length, []
    for begins, ends in periods(calendar, start):
        if ends - begins >= left:
            counted.append((begins, begins + left))
            return Due(at=begins + left, counted=tuple(counted))
        counted.append((begins, ends))
        left -= ends - begins
    return Due(at=start + length, never_open=True)


def add_days(calendar: Calendar, start: datetime, days: int) -> Due:
    """Tell the same time of day so many open days later; never outside the hours of that day. A night belongs to the day it begins on."""
    start, zone = start.astimezone(UTC), calendar.zone
    opened = groupby(_stretches(calendar, start), key=lambda stretch: stretch[0])
    day, here = next(opened, (None, iter(())))
    if day is None:
        return Due(at=start + days * DAY, never_open=True)
    first = next(here)[1]
    if not days:
        return Due(at=first, counted=((first, first),))
    time_of_day = first.astimezone(zone).replace(tzinfo=None) - _midnight(day)
    for later, stretches in islice(opened, days - 1, days):
        wanted, hours = _shown(zone, _midnight(later) + time_of_day), list(stretches)
        at = next((max(begins, wanted) for _, begins, ends in hours if wanted <= ends), hours[-1][2])
        return Due(at=at, counted=((first, at),))
    return Due(at=start + days * DAY, never_open=True)


def between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Count the opening time from `start` to `end`."""
    total = NONE
    for begins, ends in periods(calendar, start):
        if begins >= end:
            break
        total += min(ends, end) - begins
    return total


def due(span: Span, start: datetime, calendar: Calendar | None) -> Due:
    """Tell when this length of time is over. Plain time needs no calendar; opening time without one is taken as plain."""
    if span.days:
        return add_days(calendar, start, span.days) if calendar else Due(at=start.astimezone(UTC) + span.days * DAY)
    if span.opening and calendar:
        return add(calendar, start, span.length)
    return Due(at=start.astimezone(UTC) + span.length)


def share(span: Span, start: datetime, until: datetime, part: float, calendar: Calendar | None) -> datetime:
    """Tell the moment at which this part (0..1) of the time from `start` to `until` is over, in opening time if the span is."""
    start, until = start.astimezone(UTC), until.astimezone(UTC)
    if calendar and (span.opening or span.days):
        whole = between(calendar, start, until)
        if whole:
            return add(calendar, start, whole * part).at
    return start + (until - start) * part


def arithmetic(found: Due, span: Span, start: datetime, calendar: Calendar | None, zone: tzinfo) -> str:
    """Say a due time with how it came about, for `explain`: "Tue 24 Nov 10:10: 2 opening hours of office from Mon 16:40, ..."."""
    zone = calendar.zone if calendar and (span.opening or span.days) else zone
    said = f"{_stamp(found.at, zone)}: {span.words} from {_stamp(start, zone)}"
    if not calendar or not (span.opening or span.days):
        return said
    if found.never_open:
        return f"{said}; calendar '{calendar.name}' is never open, so plain time counts"
    said = f"{_stamp(found.at, zone)}: {span.words} of '{calendar.name}' from {_stamp(start, zone)}"
    if not found.counted:
        return said
    if span.days:
        first = found.counted[0][0]
        return f"{said}, counted from {_stamp(first, zone)}" if first != start.astimezone(UTC) else said
    shown = [f"{_stamp(a, zone)}-{_clock(b, zone)} ({_short(b - a)})" for a, b in islice(found.counted, 4)]
    more = len(found.counted) - len(shown)
    return f"{said}: {', '.join(shown)}{f' and {more} more' if more else ''}"


_SPAN = re.compile(r"(\d{1,6})\s+(opening\s+)?(second|minute|hour|day|week)s?")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
_LONGEST = 10 * 366 * 86400  # seconds


def span_of(text: str) -> Span | None:
    """Read "4 hours", "2 opening hours" or "1 opening day"; None if it is something else, or longer than ten years."""
    match = _SPAN.fullmatch(" ".join(text.lower().split()))
    if match is None or (match[2] and match[3] in ("second", "week")):
        return None
    count = int(match[1])
    if match[2] and match[3] == "day":
        return Span(days=count, opening=True) if count <= 9999 else None
    seconds = count * _SECONDS[match[3]]
    return Span(length=timedelta(seconds=seconds), opening=bool(match[2])) if seconds <= _LONGEST else None


def span_words(span: timedelta) -> str:
    """Say a length of time: "14 days", "2 hours", "90 seconds"; in the largest unit that leaves nothing over."""
    return _counted_in(span, _UNITS)


# --- within ----------------------------------------------------------------------------------------------------------------


def _counted_in(span: timedelta, units: tuple[tuple[str, int], ...]) -> str:
    seconds = int(span.total_seconds())
    for name, length in units:
        if seconds and seconds % length == 0:
            count = seconds // length
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "no time"


def _stretches(calendar: Calendar, after: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """Give each stretch of opening time as `periods` does, with the day on which it begins by the calendar's own clock."""
    day = after.astimezone(calendar.zone).date() - DAY
    seen, idle = after.astimezone(UTC), 0
    while idle <= HORIZON:
        idle += 1
        for start, end in sorted(calendar.hours.get(day.weekday(), ())) if day not in calendar.closed else ():
            begins, ends = max(_moment(calendar, day, start), seen), _moment(calendar, day, end)
            if ends > begins:
                yield day, begins, ends
                seen, idle = ends, 0
        day += DAY


def _midnight(day: date) -> datetime:
    """What the wall clock shows as this day begins, without a zone."""
    return datetime.combine(day, time())


def _moment(calendar: Calendar, day: date, minute: int) -> datetime:
    """The wall clock's minute of this day, in UTC."""
    return _shown(calendar.zone, _midnight(day) + timedelta(minutes=minute))


def _shown(zone: tzinfo, wall: datetime) -> datetime:
    """When the wall clock shows this, in UTC: the first time if it does so twice; if it skips it, the moment at which it skips."""
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)  # PEP 495: before the skip with fold=1, after it with fold=0
    while at - early > SECOND:
        middle = early + (at - early) // 2
        early, at = (middle, at) if middle.astimezone(zone).replace(tzinfo=None) < wall else (early, middle)
    return at.replace(microsecond=0)


def _stamp(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _short(span: timedelta) -> str:
    """To the minute, for people: "8 h 30 min"."""
    hours, minutes = divmod(max(1, round(span.total_seconds() / 60)), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
