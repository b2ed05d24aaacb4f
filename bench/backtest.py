"""Backtest: how fast past decisions are replayed, that a month of them comes out as it was, and what a long set of rules costs.

`python -m bench backtest`. The decisions are real ones of a small month, copied with other numbers and times.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from bench import Figure

if TYPE_CHECKING:
    from inboxd.core.rulebook import Condition

DECISIONS, RULES, MAILS = 100_000, 200, 5_000
SECONDS = 180.0  # for all decisions
MICROSECONDS = 1000.0  # for one message against all rules
LETTERS = 20_000  # of a long text
SETS_OF_RULES = ("", "_of_9_phrases_in_20_kB", "_of_9_stars_in_20_kB", "_outside_hours", "_waiting", "_of_all_sorts_in_20_kB")


def figures(_: Path) -> dict[str, Figure]:
    """Each in a process of its own, so that the memory is its own."""
    rate, total, peak = _run("replay")
    rules = dict(zip(SETS_OF_RULES, _run("rules"), strict=True))
    messages, changes = _run("reality")
    return {
        "replayed_per_s": Figure(rate, "1/s", DECISIONS / SECONDS),
        f"replay_of_{DECISIONS}": Figure(total, "s", SECONDS),
        "peak_memory": Figure(peak, "MB"),
        **{f"message_against_{RULES}_rules{of}": Figure(took, "us", MICROSECONDS) for of, took in rules.items()},
        f"replayed_of_{MAILS}_mails": Figure(messages),
        "changed_by_the_same_rules": Figure(changes),
    }


def _run(what: str) -> list[float]:
    done = subprocess.run([sys.executable, "-m", "bench.backtest", what], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.splitlines()[-1].split()]


def _replay(place: Path) -> tuple[float, ...]:
    """Fill a store in a process of its own, then replay all of it beside nothing else; rate, seconds, peak memory in MB."""
    import resource

    from inboxd.adapters.rule_files import load_rules
    from inboxd.adapters.sqlite.store import SqliteStore
    from inboxd.rule_sets import replay_store

    subprocess.run([sys.executable, "-m", "bench.backtest", "fill", str(place)], check=True)
    store = SqliteStore(place / "store.sqlite", read_only=True)
    start = perf_counter()
    found = replay_store(store, load_rules(place / "rules"), None, datetime(1970, 1, 1, tzinfo=UTC))
    took = perf_counter() - start
    assert found.messages == DECISIONS and not found.changes
    return found.messages / took, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _fill(place: Path) -> None:
    """A small month, and its decisions again and again, each time of other cases at other times."""
    from tests.stories.month import Month

    month = Month(place, 400, store=place / "store.sqlite")
    month.live()
    store = month.day.store
    kept = "message is not null and trace <> '[]'"
    rows = store.look(f"select * from decision where {kept}")
    columns = "message, case_id, at, ruleset, model, facts_json, actions, because, trace"
    with store.transaction() as tx:
        tx._db.execute("delete from decision")
        for number in range(DECISIONS):
            row, turn = rows[number % len(rows)], number // len(rows)
            case = row["case_id"] and row["case_id"] + turn * 1_000_000
            facts = row["facts_json"].replace('"next_case":', f'"next_case":{turn + 1}', 1)
            values = (row["message"], case, row["at"] + turn * 60, row["ruleset"], row["model"], facts)
            tx._db.execute(
                f"insert into decision ({columns}) values (?,?,?,?,?,?,?,?,?)", (*values, row["actions"], row["because"], row["trace"])
            )
    store.close()


def _rules() -> tuple[float, ...]:
    """Microseconds for one message against each of the sets of rules."""
    from zoneinfo import ZoneInfo

    from inboxd.core.opening import Calendar, Span
    from inboxd.core.rulebook import Condition

    office = Calendar(name="office", zone=ZoneInfo("Europe/Berlin"), hours=dict.fromkeys(range(5), ((540, 1050),)))
    refund = Condition(word="topic", wanted=("refund",))
    firsts = (
        "late order",
        "order came",
        "lamp of the box",
        "does not fit the lamp",
        "my invoice",
        "lawyer",
        "look at box",
        "could we",
        "kabel",
    )

    stems = ("lampe", "orde", "kabel", "refund", "late", "invoic", "fittin", "deliver", "cancel")

    def phrases(number: int) -> tuple[Condition, ...]:
        return Condition(word="text_contains", wanted=tuple(f"{first} {number}" for first in firsts)), refund

    def stars(number: int) -> tuple[Condition, ...]:
        return Condition(word="text_contains", wanted=tuple(f"{stem}{number}*" for stem in stems)), refund

    def outside(_: int) -> tuple[Condition, ...]:
        return Condition(word="received_outside", wanted=(office,)), refund

    def waiting(number: int) -> tuple[Condition, ...]:
        span = Span(days=number % 10 + 1) if number % 2 else Span(length=timedelta(hours=number % 40 + 1), opening=True)
        return Condition(word="waiting", wanted=(span, office)), refund

    def sorts(number: int) -> tuple[Condition, ...]:
        kinds = (phrases, stars, outside, waiting)
        return kinds[number % 4](number)[0], kinds[(number + 1) % 4](number)[0]

    words = "Hello, the order came late and the lamp does not fit. Could you have a look at it, please? " * 4
    lines = (f"Order {n} came late, the lamp of box {n} does not fit. Could you look at it? " for n in range(LETTERS))
    long = "".join(next(lines) for _ in range(LETTERS // 75))[:LETTERS]
    return (
        _one_against(_simple, words), _one_against(phrases, long), _one_against(stars, long),
        _one_against(outside, words), _one_against(waiting, words), _one_against(sorts, long),
    )  # fmt: skip


def _simple(number: int) -> tuple[Condition, ...]:
    """Two lines of ten sorts."""
    from inboxd.core.model import Sentiment
    from inboxd.core.rulebook import Condition

    def one(number: int) -> Condition:
        words: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("topic", (f"topic_{number}", "refund")), ("sender", (f"big{number}.example",)),
            ("subject_contains", (f"order {number}", "urgent")),
            ("text_contains", (f"invoice {number}", "lawyer")), ("subject_matches", (rf"\b[A-Z]{{2}}-{number:06}\b",)),
            ("contacts", (3, timedelta(days=14))), ("customer", ("vip",)), ("sentiment", (Sentiment.UPSET,)),
            ("language", ("fr",)), ("text_matches", (rf"(?i)order\s+{number:05}",)),
        )  # fmt: skip
        word, wanted = words[number % len(words)]
        return Condition(word=word, wanted=wanted)

    return one(number), one(number + 3)


def _one_against(when: Callable[[int], tuple[Condition, ...]], text: str) -> float:
    """Microseconds for one message: each rule looked at, the near misses found, the hour worked out. A third mail, and nobody answered."""
    from inboxd.core.model import Kind, MessageNo, Reading, Role, StoryLine
    from inboxd.core.opening import Span
    from inboxd.core.policy import Policy
    from inboxd.core.route import contacts_with, route
    from inboxd.core.rulebook import Rule, Rulebook, Then
    from tests.core.builders import book, message, situation, understood

    then = Then(assign="seniors", answer_within=Span(length=timedelta(hours=2)))
    rules = [Rule(name=f"rule {n}", when=when(n), then=then) for n in range(RULES - 1)]
    many: Rulebook = book(rules=(*rules, Rule(name="the rest", when=(), then=Then(assign="everyone"))))
    one = understood(mail=message(text=text), reading=Reading(kind=Kind.PERSON, language="en", topic="billing", topic_sure=0.9))
    here, policy = situation(understood=one), Policy()
    line = StoryLine(at=here.now - timedelta(days=3), role=Role.CUSTOMER, name="", text="Hello", message=MessageNo(1), wants_answer=True)
    here = replace(here, story=(line,), contacts=tuple(here.now - timedelta(days=day) for day in range(9, 0, -4)))
    assert len(here.understood.new_text) >= len(text) - 1
    times = []
    for _ in range(300):
        start = perf_counter()
        found = route(here, many, policy, contacts_with(here), reopened=False)
        times.append(perf_counter() - start)
    assert len(found.ruling.trace) == RULES
    return sorted(times)[len(times) // 2] * 1e6


def _reality(place: Path) -> tuple[float, ...]:
    """A month under the rules in force, replayed under the same: how many messages, how many changes."""
    from inboxd.rule_sets import replay_store
    from tests.stories.month import OCTOBER, Month

    month = Month(place, MAILS)
    month.live()
    found = replay_store(month.day.store, month.day.office.rules.book, None, OCTOBER)
    return found.messages, len(found.changes)


def _main() -> None:
    import os
    import tempfile

    from inboxd import logs

    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        logs.to(nowhere)
        match sys.argv[1:]:
            case ["replay"]:
                print(*_replay(Path(folder)))
            case ["fill", place]:
                _fill(Path(place))
            case ["rules"]:
                print(*_rules())
            case ["reality"]:
                print(*_reality(Path(folder)))


if __name__ == "__main__":
    _main()
