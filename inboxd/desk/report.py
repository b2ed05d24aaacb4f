"""The report: findings as one page that needs nothing else, as JSON, and as CSV. Pure: findings in, text out."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from functools import lru_cache
from io import StringIO
from itertools import pairwise
from typing import Any

import jinja2

from inboxd.core import lettering
from inboxd.core.findings import Compared, Driver, Findings, Share, people_of
from inboxd.core.lettering import one_line
from inboxd.core.model import CaseNo
from inboxd.core.weekly import FEW, mend, percent, satisfied, silent

LISTED = 200  # cases that a list on the page names; JSON and CSV have all
CHARTED = 10  # drivers in the chart and in their own words; the table has TABLED
TABLED = 40
CHARTED_FROM = 20  # answers: a line through fewer would rise and fall by chance
NAMED = 60  # people still to win back, or waiting, who stand on the page with what was promised
QUOTED = 12
FEELINGS = ("upset", "unhappy", "neutral", "happy")
ENDS = ("happy", "neutral", "unhappy", "upset", "unknown")  # unknown: no other mail came, so we have not heard
SHARES = ("satisfied", "win_back", "wrote_again", "first_contact", "reopened")


# --- one row a measure -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A number, what it is a part of, its interval (0..1), the number before, and the cases behind it."""

    name: str
    count: int
    of: int | None = None
    low: float | None = None
    high: float | None = None
    before: int | None = None
    before_of: int | None = None
    cases: tuple[CaseNo, ...] = ()


def rows(found: Findings) -> Iterator[Row]:
    """Each measure once, always in the same order; what could not be counted is left out."""
    behind = found.cases_of
    yield Row(name="people", count=found.people, before=found.people_before, cases=behind.get("people", ()))
    yield Row(name="still_unhappy", count=len(found.still_unhappy), cases=tuple(each.case for each in found.still_unhappy))
    yield Row(name="unheard", count=len(found.unheard), cases=tuple(each.case for each in found.unheard))
    yield Row(name="won_back", count=len(found.won_back), cases=tuple(each.case for each in found.won_back))
    yield Row(name="thanks", count=len(found.thanks), cases=tuple(each.case for each in found.thanks))
    for name in ("upset_people", "upset_solved", "upset_silent", "asked", "unclear", "dissatisfied_mended"):
        key = "upset" if name == "upset_people" else name
        yield Row(name=key, count=getattr(found, name), cases=behind.get(key, ()))
    if found.response is not None:
        yield _share("answered", found.response)
    for name in SHARES:
        if (compared := getattr(found, name)) is not None:
            yield replace(_share(name, compared.now), before=compared.before.count, before_of=compared.before.of)
    for start, ends in found.feelings.items():
        for end, count in ends.items():
            key = f"feeling:{start}>{end}"
            yield Row(name=key, count=count, cases=behind.get(key, ()))
    for driver in found.drivers:
        yield Row(name=f"driver:{driver.key}", count=driver.people, before=driver.before, cases=driver.cases)
    for refusal in found.refusals:
        yield Row(name=f"refusal:{refusal.reason}", count=refusal.count, cases=refusal.cases)
    for leeway in found.leeway:
        yield Row(name=f"gave:{leeway.what}", count=leeway.count, cases=leeway.cases)
    for answer in found.answers:
        yield Row(name=f"answer:{answer.name}", count=answer.count, cases=answer.cases)
        yield Row(name=f"answer_helped:{answer.name}", count=answer.helped, of=answer.count, cases=answer.helped_cases)
        yield Row(name=f"answer_missed:{answer.name}", count=answer.missed, of=answer.count, cases=answer.missed_cases)


def _share(name: str, share: Share) -> Row:
    return Row(name=name, count=share.count, of=share.of, low=share.low, high=share.high, cases=share.cases)


def as_csv(found: Findings) -> str:
    """A row a measure, with a head line; an empty field: not known."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [each.name for each in fields(Row)]
    writer.writerow(names)
    for row in rows(found):
        given = {name: getattr(row, name) for name in names}
        shares = {name: f"{given[name]:.4f}" for name in ("low", "high") if given[name] is not None}
        writer.writerow([one_line(row.name), *({**given, **shares, "cases": " ".join(map(str, row.cases))}[name] for name in names[1:])])
    return out.getvalue()


def as_json(found: Findings) -> dict[str, Any]:
    """Everything, ready for json.dumps."""
    made = _plain(found)
    assert isinstance(made, dict)
    return made


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, date):
        return value.isoformat()
    return one_line(value) if isinstance(value, str) else value


# --- the page ----------------------------------------------------------------------------------------------------------------


def page(found: Findings, source: str) -> str:
    """Fill in the page, `templates/pages/report.html.j2`. Whatever a customer wrote is printed, never run."""
    return _template(source).render(_view(_cleaned(found)))


@lru_cache(maxsize=2)
def _template(source: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_printed
    )
    environment.filters.update({"date": lettering.date_, "span": lettering.span, "names": lettering.names, "shorten": lettering.shorten})
    environment.filters["short"] = _short
    return environment.from_string(source)


def _short(day: date) -> str:
    return f"{day.day} {lettering.MONTHS['en'][day.month - 1][:3]}"


def _printed(value: object) -> object:
    return "" if value is None else value


def _cleaned(value: Any) -> Any:
    """The same findings without characters that no page may hold; names and subjects are cleaned where they are listed."""
    if isinstance(value, str):
        return one_line(value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [each.name for each in fields(value) if each.name not in ("cases", "cases_of", "subjects")]
        return replace(value, **{name: _cleaned(getattr(value, name)) for name in names})
    if isinstance(value, tuple):
        return tuple(_cleaned(each) for each in value)
    return value


def _view(found: Findings) -> dict[str, object]:
    about = {f"driver:{each.key}": each.name for each in found.drivers}
    lists = {row.name: _listed(found, row, number, about) for number, row in enumerate(rows(found)) if row.cases}
    return {
        "found": found,
        "days": (found.last - found.first).days + 1,
        "nothing": not (found.people or found.still_unhappy or found.unheard),
        "satisfied": satisfied(found),
        "shares": dict(_shares(found)),
        "answered": _part(found.response) if found.response and found.response.of else None,
        "silent": silent(found),
        "above": max(found.upset_people - found.upset_solved - found.upset_silent, 0),
        "lists": list(lists.values()),
        "ids": {name: each["id"] for name, each in lists.items()},
        "trend": _trend(found.satisfied_by_week),
        "feelings": _feelings(found.feelings),
        "drivers": [_driver(each, found.drivers[:CHARTED]) for each in found.drivers[:TABLED]],
        "charted": CHARTED,
        "tabled": TABLED,
        "named": NAMED,
        "quoted": QUOTED,
        "mend": mend(found),
        "better": [_better(each) for each in found.got_better],
        "unhappy": len(people_of(found.still_unhappy)),
        "late": len(people_of(found.unheard)),
        "unowned": len(people_of(each for each in found.still_unhappy if each.agent is None)),
    }


def _listed(found: Findings, row: Row, number: int, about: Mapping[str, str]) -> dict[str, object]:
    """The people behind a number. The id is ours: nothing that a customer wrote."""
    kind, _, rest = row.name.partition(":")
    people = {each.case: (each.name, "") for each in found.won_back} | {each.case: (each.name, "") for each in found.thanks}
    people |= {each.case: (each.name, each.subject) for each in (*found.still_unhappy, *found.unheard)}
    shown = []
    for case in row.cases[:LISTED]:
        name, subject = found.subjects.get(case) or people.get(case) or ("", "")
        shown.append((case, one_line(name), one_line(subject)))
    more = len(row.cases) - len(shown)
    return {"id": f"cases-{kind}-{number}", "kind": kind, "about": about.get(row.name, rest), "shown": shown, "more": more}


def _part(share: Share) -> dict[str, object]:
    return {
        "count": share.count,
        "of": share.of,
        "percent": percent(share),
        "low": round(100 * share.low),
        "high": round(100 * share.high),
        "few": share.of < FEW,
    }


def _shares(found: Findings) -> Iterator[tuple[str, dict[str, object]]]:
    for name in SHARES:
        compared: Compared | None = getattr(found, name)
        if compared is not None and compared.now.of:
            yield name, _told(compared)


def _told(compared: Compared) -> dict[str, object]:
    now, before = compared.now, compared.before
    more = now.count * before.of > before.count * now.of
    return {**_part(now), "before": _part(before) if before.of else None, "changed": compared.changed, "more": more}


# --- charts: places in a hundred parts of the width, and in pixels from the top -----------------------------------------------

TOP, BOTTOM = 12, 172


def _trend(weeks: Sequence[tuple[date, Share]]) -> dict[str, object] | None:
    """The share of each week with its interval; weeks without answers leave a gap. None: too little for a line."""
    known = [share for _, share in weeks if share.of]
    if len(known) < 2 or sum(share.of for share in known) < CHARTED_FROM:
        return None
    floor = min(int(100 * min(share.low for share in known)) // 25 * 25, 75)
    step = 100 / len(weeks)
    points = []
    for number, (day, share) in enumerate(weeks):
        points.append(
            {
                **_part(share),
                "day": day,
                "x": round(step * (number + 0.5), 2),
                "y": _height(percent(share), floor),
                "top": _height(100 * share.high, floor),
                "bottom": _height(100 * share.low, floor),
                "named": number in (0, len(weeks) - 1) or (len(weeks) > 5 and number == (len(weeks) - 1) // 2),
            }
        )
    lines = [(first, then) for first, then in pairwise(points) if first["of"] and then["of"]]
    marks = [(value, _height(value, floor)) for value in range(floor, 101, 25)]
    shown = [each for each in points if each["of"]]
    return {"points": points, "lines": lines, "marks": marks, "first": shown[0], "last": shown[-1], "bottom": BOTTOM}


def _height(value: float, floor: int) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * (value - floor) / (100 - floor), 1)


def _feelings(flow: Mapping[str, Mapping[str, int]]) -> list[dict[str, object]]:
    """For each feeling of the first mail how the cases ended; feelings that began no case are left out."""
    ends = [end for end in ENDS if any(row.get(end) for row in flow.values())]
    made: list[dict[str, object]] = []
    for start in FEELINGS:
        if whole := sum(flow.get(start, {}).values()):
            cells = [{"end": end, "count": flow[start].get(end, 0)} for end in ends]
            made.append({"start": start, "whole": whole, "cells": cells})
    return made


def _driver(driver: Driver, charted: Sequence[Driver]) -> dict[str, object]:
    most = max((max(each.people, each.before) for each in charted), default=0) or 1
    people = min(driver.people, most)
    return {
        "told": driver,
        "list": f"driver:{driver.key}",
        "width": round(100 * people / most, 2),
        "upset": round(100 * min(driver.upset, people) / most, 2),
        "mark": round(100 * min(driver.before, most) / most, 2),
        "spark": _spark(driver.trend),
    }


def _spark(trend: Sequence[int]) -> list[tuple[float, float]]:
    """The points of a small line, 88 wide and 24 high."""
    if len(trend) < 2:
        return []
    most, step = max(trend) or 1, 80 / (len(trend) - 1)
    return [(round(4 + step * number, 1), round(20 - 16 * each / most, 1)) for number, each in enumerate(trend)]


def _better(driver: Driver) -> dict[str, object]:
    most = max(driver.a_week_before, driver.a_week_since) or 1
    return {
        "told": driver,
        "before": round(driver.a_week_before),
        "since": round(driver.a_week_since),
        "before_width": round(100 * driver.a_week_before / most, 2),
        "since_width": round(100 * driver.a_week_since / most, 2),
        "low": round(100 * driver.ratio_low),
        "high": round(100 * driver.ratio_high),
        "spark": _spark(driver.trend),
    }
