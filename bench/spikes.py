"""How soon something that breaks is told, and how often an alarm is false, on months of fresh seeds: `python -m bench spikes`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

from bench import Figure
from tests.simulate.spiking import KNOWN, WEEK, Pool, false_alarms, how_soon, of_others, of_quarter

SEEDS, WEEKS, TIMES = range(1000, 1020), 13, 5
AN_HOUR = (5, 10, 15, 20, 30)
TEAMS: tuple[tuple[str, Callable[[], Pool], float], ...] = (
    ("quarter, 220 a day", of_quarter, 220.0),
    ("others, 220 a day", of_others, 220.0),
    ("quarter, 60 a day", of_quarter, 60.0),
)


def figures(_shared: Path) -> dict[str, Figure]:
    """Say of each team and strength: the share told within half an hour and within two, after how many minutes, at which mail."""
    found: dict[str, Figure] = {}
    months = len(SEEDS) * (WEEKS * WEEK - KNOWN) / timedelta(days=30.4)
    for name, read, a_day in TEAMS:
        pool = read()
        false = sum(len(false_alarms(pool, seed, WEEKS, a_day)) for seed in SEEDS)
        found[f"{name}: false alarms"] = Figure(false / months, "a month")
        for an_hour in AN_HOUR:
            each = [one for seed in SEEDS for one in how_soon(pool, seed, WEEKS, a_day, an_hour, TIMES)]
            told = sorted((one.after, one.mail) for one in each if one.after is not None and one.mail is not None)
            soon = sum(after <= timedelta(minutes=30) for after, _ in told)
            what = f"{name}: {an_hour} an hour"
            found[f"{what}, in 30 min"] = Figure(soon / len(each))
            found[f"{what}, found"] = Figure(len(told) / len(each))
            found[f"{what}, after"] = Figure(median(after / timedelta(minutes=1) for after, _ in told), "min")
            found[f"{what}, at"] = Figure(median(mail for _, mail in told), "mails")
    return found
