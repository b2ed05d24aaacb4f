"""Opening hours: nobody is promised an hour at which nobody is there, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.opening import DAY, NONE, Calendar, Due, Span, add, add_days, arithmetic, between, due, is_open, next_open, periods, share

BERLIN, NEW_YORK, KOLKATA, LORD_HOWE, APIA = (
    ZoneInfo(name) for name in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
)
ZONES = (BERLIN, NEW_YORK, KOLKATA, LORD_HOWE, APIA, ZoneInfo("UTC"))
WEEK: dict[int, tuple[tuple[int, int], ...]] = dict.fromkeys(range(5), ((9 * 60, 17 * 60 + 30),))
OFFICE = Calendar(name="office", zone=BERLIN, hours=WEEK | {5: ((10 * 60, 14 * 60),)})
LUNCH = Calendar(name="lunch", zone=BERLIN, hours=dict.fromkeys(range(5), ((9 * 60, 12 * 60), (13 * 60, 17 * 60))))
NIGHTS = Calendar(name="nights", zone=BERLIN, hours=dict.fromkeys(range(7), ((22 * 60, 30 * 60),)))
ALWAYS = Calendar(name="always", zone=BERLIN, hours=dict.fromkeys(range(7), ((0, 24 * 60),)))
NEVER = Calendar(name="never", zone=BERLIN)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    """What the wall clock shows: "2026-11-16 10:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def opening(hours: float) -> Span:
    return Span(length=hours * HOUR, opening=True)


# --- any calendar ----------------------------------------------------------------------------------------------------

SIX = 6 * 60  # no day begins before six, no night ends after it: the hours of two days never meet


def _day(points: list[int], overnight: bool) -> tuple[tuple[int, int], ...]:
    ends = [point if not overnight or point < max(points) else 24 * 60 + point % SIX + 1 for point in points]
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _days(earliest: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    minute = st.integers(earliest, 24 * 60)
    near_the_change = st.sampled_from(range(max(90, earliest), max(210, earliest + 1), 10))  # clocks change at two
    points = st.integers(1, 3).flatmap(lambda n: st.lists(minute | near_the_change, min_size=2 * n, max_size=2 * n, unique=True))
    return st.builds(_day, points.map(sorted), st.booleans()) | st.just(())


def calendars(earliest: int = 0) -> st.SearchStrategy[Calendar]:
    """Of one to three stretches a day, some past midnight; days without any, and days on which it is closed."""
    closed = st.dictionaries(st.dates(date(2026, 3, 20), date(2026, 11, 10)), st.just("closed"), max_size=8)
    some = st.dictionaries(st.integers(0, 6), _days(earliest), min_size=1, max_size=7)
    daily = st.builds(dict.fromkeys, st.just(range(7)), _days(earliest))
    week = (daily | some).filter(lambda hours: any(hours.values()))
    return st.builds(Calendar, name=st.just("any"), zone=st.sampled_from(ZONES), hours=week, closed=closed)


# Any time of a year, the days on which clocks change, and the day that Samoa never had.
DAYS = [datetime(*day, tzinfo=UTC) for day in ((2026, 3, 8), (2026, 3, 29), (2026, 4, 4), (2026, 10, 3), (2026, 10, 25), (2011, 12, 30))]
MOMENTS = st.one_of(
    st.builds(datetime.__add__, st.just(datetime(2026, 3, 1, tzinfo=UTC)), st.timedeltas(NONE, 260 * DAY)),
    st.builds(datetime.__add__, st.sampled_from(DAYS), st.timedeltas(-2 * DAY, 2 * DAY)),
)
LENGTHS = st.timedeltas(timedelta(microseconds=1), timedelta(hours=60))


def shows_open(calendar: Calendar, moment: datetime, *, and_not_at_its_end: bool = False) -> bool:
    """Whether the wall clock shows a time within the hours, read without any arithmetic of ours."""
    local = moment.astimezone(calendar.zone).replace(tzinfo=None)
    for day in (local.date(), local.date() - DAY):
        minutes = (local - datetime.combine(day, time())) / MINUTE
        hours = () if day in calendar.closed else calendar.hours.get(day.weekday(), ())
        if any(begins <= minutes < ends or (minutes == ends and not and_not_at_its_end) for begins, ends in hours):
            return True
    return False


@given(calendars(), MOMENTS, LENGTHS)
def test_an_hour_that_is_due_lies_within_the_opening_hours_by_the_wall_clock(
    calendar: Calendar, start: datetime, length: timedelta
) -> None:
    found = add(calendar, start, length)
    assert not found.never_open
    assert shows_open(calendar, found.at)
    assert found.at >= start + length


@given(calendars(), MOMENTS, st.just(NONE) | LENGTHS)
def test_as_much_opening_time_lies_before_the_hour_as_was_added(calendar: Calendar, start: datetime, length: timedelta) -> None:
    found = add(calendar, start, length)
    assert between(calendar, start, found.at) == length
    assert sum((end - begin for begin, end in found.counted), NONE) == length


@given(calendars(), MOMENTS, st.just(NONE) | LENGTHS, st.just(NONE) | LENGTHS)
def test_two_lengths_after_each_other_are_as_long_as_both(calendar: Calendar, start: datetime, one: timedelta, other: timedelta) -> None:
    assert add(calendar, add(calendar, start, one).at, other).at == add(calendar, start, one + other).at


@given(calendars(), MOMENTS, LENGTHS, st.timedeltas(NONE, 3 * DAY))
def test_who_writes_later_or_is_promised_more_time_is_never_due_earlier(
    calendar: Calendar, start: datetime, length: timedelta, more: timedelta
) -> None:
    hour = add(calendar, start, length).at
    assert add(calendar, start + more, length).at >= hour
    assert add(calendar, start, length + more).at >= hour


@given(calendars(), MOMENTS)
def test_stretches_of_opening_time_come_in_order_and_never_overlap(calendar: Calendar, start: datetime) -> None:
    found = list(islice(periods(calendar, start), 12))
    assert found[0][0] >= start
    assert all(begin < end for begin, end in found)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(found))


@given(calendars(), MOMENTS, st.timedeltas(NONE, 4 * DAY))
def test_open_is_what_lies_in_a_stretch(calendar: Calendar, start: datetime, after: timedelta) -> None:
    moment = start + after
    stretches = islice(periods(calendar, start), 40)
    assert is_open(calendar, moment) == any(begin <= moment < end for begin, end in stretches)
    assert not is_open(calendar, moment) or shows_open(calendar, moment)
    assert (next_open(calendar, moment) == moment) == is_open(calendar, moment)


@given(calendars(), MOMENTS)
def test_where_the_wall_clock_shows_opening_hours_it_is_open(calendar: Calendar, moment: datetime) -> None:
    turned_back = moment.astimezone(calendar.zone).fold  # hours that end within an hour shown twice end the first time
    assert is_open(calendar, moment) or turned_back or not shows_open(calendar, moment, and_not_at_its_end=True)


@given(calendars(), MOMENTS, st.integers(1, 12))
def test_an_hour_in_opening_days_lies_within_the_hours_of_its_day(calendar: Calendar, start: datetime, days: int) -> None:
    found = add_days(calendar, start, days)
    assert not found.never_open
    assert found.at > start
    assert shows_open(calendar, found.at)


@given(calendars(earliest=SIX), MOMENTS, st.integers(1, 6), st.timedeltas(NONE, 3 * DAY))
def test_more_opening_days_or_a_later_start_are_never_due_earlier(calendar: Calendar, start: datetime, days: int, more: timedelta) -> None:
    hour = add_days(calendar, start, days).at
    assert add_days(calendar, start, days + 1).at > hour
    assert add_days(calendar, start + more, days).at >= hour - _turned_back(calendar, start, more)


def _turned_back(calendar: Calendar, start: datetime, more: timedelta) -> timedelta:
    """How far the wall clock went back between the two: a later moment may show an earlier time."""
    before, after = (moment.astimezone(calendar.zone).utcoffset() or NONE for moment in (start, start + more))
    return max(before - after, NONE)


@given(calendars(), MOMENTS, LENGTHS, st.floats(0, 1))
def test_a_part_of_the_time_lies_within_it_and_grows_with_the_part(
    calendar: Calendar, start: datetime, length: timedelta, part: float
) -> None:
    until = add(calendar, start, length).at
    found = share(Span(length=length, opening=True), start, until, part, calendar)
    assert start <= found <= until
    assert between(calendar, start, found) == length * part


# --- never open ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [NEVER, Calendar(name="no", zone=BERLIN, hours={0: ()})])
def test_a_calendar_that_never_opens_counts_plain_time(closed: Calendar) -> None:
    start = at("2026-11-16 10:00")
    assert list(periods(closed, start)) == []
    assert (is_open(closed, start), next_open(closed, start)) == (False, None)
    assert add(closed, start, 2 * HOUR) == Due(at=start + 2 * HOUR, never_open=True)
    assert add_days(closed, start, 2) == Due(at=start + 2 * DAY, never_open=True)
    assert between(closed, start, start + DAY) == NONE
    assert share(opening(2), start, start + 2 * HOUR, 0.5, closed) == start + HOUR


def test_a_calendar_that_closes_for_good_counts_plain_time() -> None:
    closed = {date(2026, 11, 17) + n * DAY: "given up" for n in range(500)}
    last_day = Calendar(name="old", zone=BERLIN, hours=WEEK, closed=closed)
    start = at("2026-11-16 16:30")
    assert add(last_day, start, HOUR).at == at("2026-11-16 17:30")
    assert add(last_day, start, 2 * HOUR) == Due(at=start + 2 * HOUR, never_open=True)
    assert add_days(last_day, start, 1) == Due(at=start + DAY, never_open=True)


# --- opening hours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-16 10:00", 2, "2026-11-16 12:00"),
        ("2026-11-16 15:30", 2, "2026-11-16 17:30"),  # to the very end of the day
        ("2026-11-16 16:40", 2, "2026-11-17 10:10"),
        ("2026-11-20 16:40", 2, "2026-11-21 11:10"),  # Friday, then Saturday
        ("2026-11-21 13:00", 2, "2026-11-23 10:00"),  # Saturday, then Monday
        ("2026-11-22 11:00", 2, "2026-11-23 11:00"),  # on a Sunday
        ("2026-11-16 10:00", 0, "2026-11-16 10:00"),
        ("2026-11-22 11:00", 0, "2026-11-22 11:00"),  # no time at all is over at once, also on a Sunday
        ("2026-11-16 16:40:30", 2, "2026-11-17 10:10:30"),  # to the second
    ],
)
def test_opening_hours_are_counted_over_night_and_weekend(start: str, hours: float, end: str) -> None:
    assert due(opening(hours), at(start), OFFICE).at == at(end)


def test_a_holiday_counts_nothing() -> None:
    christmas = Calendar(name="office", zone=BERLIN, hours=WEEK, closed={date(2026, 12, 25): "Christmas Day"})
    assert not is_open(christmas, at("2026-12-25 10:00"))
    assert add(christmas, at("2026-12-24 16:30"), 2 * HOUR).at == at("2026-12-28 10:00")
    assert add_days(christmas, at("2026-12-24 11:00"), 1).at == at("2026-12-28 11:00")
    assert between(christmas, at("2026-12-24 17:30"), at("2026-12-28 09:00")) == NONE


def test_a_night_that_began_before_a_closed_day_goes_on_until_its_morning() -> None:
    closed = Calendar(name="nights", zone=BERLIN, hours=NIGHTS.hours, closed={date(2026, 11, 17): "closed"})
    assert is_open(closed, at("2026-11-17 05:59"))
    assert not is_open(closed, at("2026-11-17 23:00"))
    assert add(closed, at("2026-11-17 05:00"), 2 * HOUR).at == at("2026-11-18 23:00")


def test_doors_are_open_from_the_first_second_and_closed_at_the_last() -> None:
    assert [is_open(OFFICE, at(f"2026-11-16 {clock}")) for clock in ("08:59:59", "09:00", "17:29:59", "17:30")] == [
        False,
        True,
        True,
        False,
    ]
    assert next_open(OFFICE, at("2026-11-16 17:30")) == at("2026-11-17 09:00")


def test_the_lunch_break_counts_nothing() -> None:
    assert add(LUNCH, at("2026-11-16 11:30"), HOUR).at == at("2026-11-16 13:30")
    assert between(LUNCH, at("2026-11-16 00:00"), at("2026-11-17 00:00")) == 7 * HOUR


def test_two_people_of_one_team_are_at_work_by_their_own_clocks() -> None:
    berlin, new_york = (Calendar(name=str(zone), zone=zone, hours=WEEK) for zone in (BERLIN, NEW_YORK))
    morning, evening = at("2026-11-16 10:00"), at("2026-11-16 18:00")
    assert (is_open(berlin, morning), is_open(new_york, morning)) == (True, False)
    assert (is_open(berlin, evening), is_open(new_york, evening)) == (False, True)
    assert next_open(new_york, morning) == at("2026-11-16 09:00", NEW_YORK) == at("2026-11-16 15:00")


def test_half_past_hours_of_other_time_zones_are_kept() -> None:
    office = Calendar(name="office", zone=KOLKATA, hours=WEEK)
    assert add(office, datetime(2026, 11, 16, 3, 30, tzinfo=UTC), HOUR).at == datetime(2026, 11, 16, 4, 30, tzinfo=UTC)


# --- the clocks change -----------------------------------------------------------------------------------------------


def test_the_day_on_which_clocks_go_forward_has_23_hours_and_the_other_25() -> None:
    days = ("2026-03-29 00:00", "2026-03-30 00:00"), ("2026-10-25 00:00", "2026-10-26 00:00")
    assert [between(ALWAYS, at(begin), at(end)) for begin, end in days] == [23 * HOUR, 25 * HOUR]


def test_a_night_shift_over_the_change_is_as_long_as_it_really_is() -> None:
    assert between(NIGHTS, at("2026-03-28 20:00"), at("2026-03-29 12:00")) == 7 * HOUR
    assert between(NIGHTS, at("2026-10-24 20:00"), at("2026-10-25 12:00")) == 9 * HOUR
    assert add(NIGHTS, at("2026-03-28 22:00"), 7 * HOUR).at == at("2026-03-29 06:00")


@pytest.mark.parametrize(
    ("hours", "opens", "closes"),
    [
        ((150, 195), "03:00", "03:15"),  # opens within the hour that is skipped
        ((60, 150), "01:00", "03:00"),  # closes within it
        ((150, 300), "03:00", "05:00"),
    ],
)
def test_a_time_that_the_clock_skips_is_the_moment_of_the_skip(hours: tuple[int, int], opens: str, closes: str) -> None:
    night = Calendar(name="night", zone=BERLIN, hours={6: (hours,)})
    stretch = next(periods(night, at("2026-03-29 00:00")))
    assert stretch == (at(f"2026-03-29 {opens}"), at(f"2026-03-29 {closes}"))


def test_hours_that_the_clock_skips_altogether_do_not_open() -> None:
    night = Calendar(name="night", zone=BERLIN, hours={6: ((130, 170),)})
    assert next_open(night, at("2026-03-29 00:00")) == at("2026-04-05 02:10")


def test_a_day_that_was_never_there_is_no_opening_day() -> None:
    office = Calendar(name="office", zone=APIA, hours=WEEK)  # Samoa went from Thursday 29 December 2011 to Saturday 31
    assert add_days(office, at("2011-12-29 10:00", APIA), 1).at == at("2012-01-02 10:00", APIA)
    assert add(office, at("2011-12-29 17:00", APIA), HOUR).at == at("2012-01-02 09:30", APIA)


def test_a_change_by_half_an_hour_counts_half_an_hour() -> None:
    always = Calendar(name="always", zone=LORD_HOWE, hours=ALWAYS.hours)
    assert between(always, at("2026-10-04 00:00", LORD_HOWE), at("2026-10-05 00:00", LORD_HOWE)) == 23.5 * HOUR


@pytest.mark.parametrize("span", [Span(length=24 * HOUR), Span(length=24 * HOUR, opening=True), Span(days=1)])
def test_plain_time_is_real_time_also_from_a_moment_that_is_told_by_a_wall_clock(span: Span) -> None:
    start = at("2026-03-28 12:00")
    assert [due(span, start, None).at, due(opening(24), start, NEVER).at] == [at("2026-03-29 13:00")] * 2
    assert share(Span(length=24 * HOUR), start, at("2026-03-29 13:00"), 0.5, None) == at("2026-03-29 00:00")


# --- opening days ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "start", "days", "end"),
    [
        (OFFICE, "2026-11-16 10:00", 1, "2026-11-17 10:00"),
        (OFFICE, "2026-11-20 16:00", 1, "2026-11-21 14:00"),  # a short Saturday
        (OFFICE, "2026-11-20 09:10", 1, "2026-11-21 10:00"),  # which opens late
        (OFFICE, "2026-11-22 11:00", 1, "2026-11-24 09:00"),  # Sunday counts from Monday's opening
        (OFFICE, "2026-11-16 20:00", 1, "2026-11-18 09:00"),  # as does an evening
        (OFFICE, "2026-11-16 10:00", 6, "2026-11-23 10:00"),
        (OFFICE, "2026-11-16 10:00:45", 1, "2026-11-17 10:00:45"),
        (LUNCH, "2026-11-16 12:30", 1, "2026-11-17 13:00"),
        (NIGHTS, "2026-11-17 02:00", 1, "2026-11-18 02:00"),  # the night of Monday, then that of Tuesday
        (NIGHTS, "2026-11-16 23:00", 1, "2026-11-17 23:00"),
        (OFFICE, "2026-11-16 10:00", 0, "2026-11-16 10:00"),
        (OFFICE, "2026-03-27 12:00", 2, "2026-03-30 12:00"),  # by the wall clock, over the change
    ],
)
def test_an_opening_day_later_is_the_same_time_of_day_or_the_nearest_at_which_somebody_is_there(
    calendar: Calendar, start: str, days: int, end: str
) -> None:
    assert add_days(calendar, at(start), days).at == at(end)


def test_what_would_be_due_in_a_lunch_break_is_due_when_it_ends() -> None:
    long_monday = Calendar(name="lunch", zone=BERLIN, hours={**LUNCH.hours, 0: ((9 * 60, 17 * 60),)})
    due_at = [add_days(long_monday, at(f"2026-11-16 {clock}"), 1).at for clock in ("12:00", "12:00:30", "12:45")]
    assert due_at == [at("2026-11-17 12:00"), at("2026-11-17 13:00"), at("2026-11-17 13:00")]


def test_without_a_calendar_an_opening_day_is_a_day_and_an_opening_hour_an_hour() -> None:
    start = at("2026-11-21 10:00")
    assert due(Span(days=2), start, None) == Due(at=start + 2 * DAY)
    assert due(opening(3), start, None) == Due(at=start + 3 * HOUR)


def test_plain_time_takes_no_notice_of_a_calendar() -> None:
    assert due(Span(length=2 * HOUR), at("2026-11-22 11:00"), OFFICE).at == at("2026-11-22 13:00")


# --- a part of the time ----------------------------------------------------------------------------------------------


def test_half_of_opening_time_is_opening_time() -> None:
    start = at("2026-11-16 16:30")
    until = due(opening(4), start, OFFICE).at
    assert share(opening(4), start, until, 0.5, OFFICE) == at("2026-11-17 10:00")
    assert share(Span(length=4 * HOUR), start, start + 4 * HOUR, 0.5, OFFICE) == at("2026-11-16 18:30")


def test_half_of_an_opening_day_is_half_of_the_hours_in_between() -> None:
    start = at("2026-11-16 13:30")
    assert share(Span(days=1), start, at("2026-11-17 13:30"), 0.5, OFFICE) == at("2026-11-17 09:15")


def test_no_part_of_the_time_is_its_beginning_and_all_of_it_its_end() -> None:
    start, until = at("2026-11-22 11:00"), at("2026-11-23 11:00")
    assert [share(opening(2), start, until, part, OFFICE) for part in (0, 1)] == [start, until]


# --- in words --------------------------------------------------------------------------------------------------------


def told(span: Span, start: str, calendar: Calendar | None) -> str:
    found = due(span, at(start), calendar)
    return arithmetic(found, span, at(start), calendar, BERLIN)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (opening(2), "2 opening hours"),
        (opening(1), "1 opening hour"),
        (opening(0.5), "30 opening minutes"),
        (opening(24), "24 opening hours"),  # no day: that would be something else
        (Span(days=1), "1 opening day"),
        (Span(days=3), "3 opening days"),
        (Span(length=DAY), "1 day"),
        (Span(length=4 * HOUR), "4 hours"),
    ],
)
def test_a_length_of_time_is_said_as_it_is_written(span: Span, words: str) -> None:
    assert span.words == words


def test_the_arithmetic_names_each_stretch_that_counted() -> None:
    assert told(opening(2), "2026-11-23 16:40", OFFICE) == (
        "Tue 24 Nov 10:10: 2 opening hours of 'office' from Mon 23 Nov 16:40: Mon 23 Nov 16:40-17:30 (50 min), "
        "Tue 24 Nov 09:00-10:10 (1 h 10 min)"
    )


def test_the_arithmetic_of_a_long_time_stays_short() -> None:
    said = told(opening(45), "2026-11-23 09:00", OFFICE)
    assert said.endswith("Thu 26 Nov 09:00-17:30 (8 h 30 min) and 2 more")


def test_the_arithmetic_of_opening_days_says_where_counting_began() -> None:
    assert told(Span(days=1), "2026-11-22 11:00", OFFICE) == (
        "Tue 24 Nov 09:00: 1 opening day of 'office' from Sun 22 Nov 11:00, counted from Mon 23 Nov 09:00"
    )
    assert told(Span(days=1), "2026-11-23 11:00", OFFICE) == "Tue 24 Nov 11:00: 1 opening day of 'office' from Mon 23 Nov 11:00"


def test_the_arithmetic_of_plain_time_and_of_a_calendar_that_never_opens_is_plain() -> None:
    assert told(Span(length=4 * HOUR), "2026-11-23 11:00", OFFICE) == "Mon 23 Nov 15:00: 4 hours from Mon 23 Nov 11:00"
    assert told(opening(4), "2026-11-23 11:00", None) == "Mon 23 Nov 15:00: 4 opening hours from Mon 23 Nov 11:00"
    assert told(opening(4), "2026-11-23 11:00", NEVER) == (
        "Mon 23 Nov 15:00: 4 opening hours from Mon 23 Nov 11:00; calendar 'never' is never open, so plain time counts"
    )
    assert told(opening(0), "2026-11-22 11:00", OFFICE) == "Sun 22 Nov 11:00: no opening time of 'office' from Sun 22 Nov 11:00"


def test_the_arithmetic_is_told_by_the_clock_of_the_calendar() -> None:
    office = Calendar(name="office", zone=NEW_YORK, hours=WEEK)
    assert told(opening(1), "2026-11-23 16:00", office).startswith("Mon 23 Nov 11:00: 1 opening hour of 'office' from Mon 23 Nov 10:00")
