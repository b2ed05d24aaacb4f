"""What people wrote about in a quarter of 20,000 mails, and the cost of looking for spikes: `python -m bench drivers`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from bench import Figure
from inboxd.core.drivers import drivers, group
from inboxd.core.model import CaseNo, FirstMail, PersonNo, ToRead
from inboxd.core.spikes import HOUR, History, hours_to_compare, spikes
from tests.adapters.driver_mails import mails

MAILS = 20_000
BEGIN, QUARTER = datetime(2026, 8, 3, tzinfo=UTC), timedelta(days=91)
BUSY = 30  # mails in the last hour
TIMES = 50


def figures(_shared: Path) -> dict[str, Figure]:
    """Measure what a report waits for, and what each mail costs."""
    from inboxd.adapters.nlp.reader import SpacyReader

    written, reader = list(mails(MAILS, seed=1)), SpacyReader()
    texts = [ToRead(subject=mail.subject, new_text=mail.text, reply=False) for mail in written]
    read = [scores for start in range(0, MAILS, 256) for scores in reader.read(texts[start : start + 256])]
    whole = _seconds(lambda: reader.read(texts[:2000]))
    reader._nlp.disable_pipe("inboxd_key_phrases")
    without = _seconds(lambda: reader.read(texts[:2000]))
    first = [
        FirstMail(
            case=CaseNo(number), person=PersonNo(number), at=BEGIN + QUARTER * (number / MAILS), name=mail.name, subject=mail.subject,
            text=mail.text, key_phrases=scores.key_phrases, language=scores.language,
            topic=scores.topics[0][0] if scores.topics else "unsure",
        )
        for number, (mail, scores) in enumerate(zip(written, read, strict=True))
    ]  # fmt: skip
    begun = perf_counter()
    found = drivers(first, BEGIN, BEGIN + QUARTER, zone=UTC)
    took = perf_counter() - begun
    groups = [Counter(written[place].about for place in each.members) for each in group(first)]
    placed = sum(each.total() for each in groups)
    real = sum(bool(mail.about) for mail in written)
    return {
        "drivers of 20,000 mails": Figure(took, "s"),
        "drivers found": Figure(len(found)),
        "purity": Figure(sum(max(each.values()) for each in groups) / placed),
        "coverage": Figure(sum(each.total() - each[""] for each in groups) / real),
        "phrases of a mail": Figure((whole - without) / 2000 * 1e6, "us", limit=whole / 2000 * 1e6),
        **_spike_figures(first),
    }


def _spike_figures(first: list[FirstMail]) -> dict[str, Figure]:
    """A look after a mail: with nothing unusual in a busy hour, and where the history must be compared."""
    now = first[-1].at
    stretches = hours_to_compare(now, UTC, BEGIN)
    past = tuple(mail for begin, end in stretches for mail in first if begin <= mail.at < end)
    history = History(mails=past, hours=sum((end - begin) / HOUR for begin, end in stretches))
    recent = first[-BUSY:]
    looked = _seconds(lambda: [spikes(recent, lambda: history, now + HOUR / 2) for _ in range(TIMES)]) / TIMES
    quiet = _seconds(lambda: [spikes(recent[:4], lambda: history, now) for _ in range(TIMES)]) / TIMES
    return {"look for spikes, busy hour": Figure(looked * 1e3, "ms"), "look for spikes, quiet hour": Figure(quiet * 1e3, "ms")}


def _seconds(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun
