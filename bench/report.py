"""The report of a quarter of 20,000 cases, from its store to its page, in a process of its own: `python -m bench report`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import perf_counter

from bench import Figure

SECONDS, MEGABYTES = 10.0, 300.0  # what it may take
PARTS = ("records", "first mails", "measures", "drivers", "page")


def figures(_: Path) -> dict[str, Figure]:
    """How long each part of a report takes, all of them, and the most memory that was held meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "quarter.sqlite"
        _write(store)
        run = subprocess.run([sys.executable, "-m", "bench.report", str(store)], check=True, capture_output=True, text=True)
    *parts, whole, memory = (float(word) for word in run.stdout.split()[-len(PARTS) - 2 :])
    return {
        **{name: Figure(seconds, "s") for name, seconds in zip(PARTS, parts, strict=True)},
        "whole": Figure(whole, "s", SECONDS),
        "peak memory": Figure(memory, "MB", MEGABYTES),
    }


def _write(path: Path) -> None:
    from inboxd.adapters.sqlite.store import SqliteStore
    from tests.simulate.quarter import BEGIN, WEEKS, cases
    from tests.simulate.written import key_phrases, write

    quarter, store = list(cases()), SqliteStore(path)
    write(store, quarter, BEGIN + timedelta(weeks=WEEKS), phrases=key_phrases(quarter))
    store.close()


def _measure(path: Path) -> None:
    from inboxd.adapters.sqlite.store import SqliteStore
    from inboxd.core.drivers import drivers
    from inboxd.core.measure import Scope, measure, needed_since
    from inboxd.desk.report import page
    from inboxd.rule_sets import shipped

    begin, days = datetime(2026, 8, 3, tzinfo=UTC), timedelta(days=91)
    scope = Scope(brand="Acme Support", first=begin.date(), last=(begin + days).date() - timedelta(days=1), now=begin + days)
    store, times = SqliteStore(path, read_only=True), [perf_counter()]
    records = store.records(needed_since(scope))
    times.append(perf_counter())
    mails = store.first_mails(None, begin, begin + days)
    times.append(perf_counter())
    found = measure(records, scope)
    times.append(perf_counter())
    about = drivers(mails, begin, begin + days, zone=UTC)
    times.append(perf_counter())
    page(replace(found, drivers=about), (shipped("templates") / "pages" / "report.html.j2").read_text(encoding="utf-8"))
    times.append(perf_counter())
    peak = float(Path("/proc/self/status").read_text("ascii").split("VmHWM:")[1].split()[0]) / 1024
    print(*(then - now for now, then in pairwise(times)), times[-1] - times[0], peak)


if __name__ == "__main__":
    _measure(Path(sys.argv[1]))
