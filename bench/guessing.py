"""What guessing a signed address costs and tells: microseconds a mail by kind of guess: `python -m bench guessing`.

The spread is half the distance between the quartiles of all mails without any token; differences are told in units of it.
"""

from __future__ import annotations

import random  # noqa: TID251  # made-up guesses, from a fixed seed
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter_ns

from bench import Figure
from inboxd.core import tokens
from inboxd.core.model import Address, CaseNo, MessageNo, Understood
from inboxd.core.tokens import Token
from inboxd.daemon.gather import understood_again
from tests.fakes import FakeReader
from tests.stories.day import SUPPORT, Day
from tests.stories.steps import holder, opened

GUESSES = 10_000
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
KEY = b"k" * 32
NONE = CaseNo(987_654)


def figures(_: Path) -> Mapping[str, Figure]:
    """Measure the check of a token alone, then all that is gathered for a mail that brings one."""
    day = Day(reader=FakeReader())
    agent = opened(day)
    person = f"agent:{agent.partition('@')[0]}"
    right = tokens.sign(KEY, tokens.REPLY, CaseNo(1001), person, 0, day.at())
    kinds = guesses(right, person, random.Random(1), day)
    return {**_checks(right, person, kinds, day), **_mails(kinds, day, holder(day))}


def guesses(right: Token, person: str, chance: random.Random, day: Day) -> dict[str, Callable[[], Token]]:
    """Kinds of guesses, each as a function that makes the next one."""

    def signature() -> str:
        return "".join(chance.choices(LETTERS, k=26))

    def anything() -> Token:
        return replace(right, case=CaseNo(chance.randrange(1, 10**9)), expires_hour=chance.randrange(1, 10**6), signature=signature())

    def half_right() -> str:
        kept = chance.randrange(1, 26)
        return right.signature[:kept] + signature()[kept:]

    def expired() -> Token:
        return tokens.sign(KEY, tokens.REPLY, right.case, person, 0, day.at() - tokens.LIFE - timedelta(hours=chance.randrange(1, 99)))

    return {
        "random": anything,
        "right_case": lambda: replace(right, signature=signature()),
        "right_beginning": lambda: replace(right, signature=half_right()),
        "no_such_case": lambda: replace(right, case=NONE, signature=signature()),
        "expired": expired,
        "answer_of_a_case": lambda: replace(right, kind=tokens.YES, signature=signature()),
        "answer_of_no_case": lambda: replace(right, kind=tokens.YES, case=NONE, signature=signature()),
    }


def _checks(right: Token, person: str, kinds: Mapping[str, Callable[[], Token]], day: Day) -> dict[str, Figure]:
    now: datetime = day.at()
    taken = _in_turn({name: _checking(make, person, now) for name, make in kinds.items()})
    assert tokens.proves(right, (KEY,), person, 0, now)
    return _compared("check", taken, "random")


def _checking(make: Callable[[], Token], person: str, now: datetime) -> Callable[[], Callable[[], object]]:
    def prepare() -> Callable[[], object]:
        token = make()
        return lambda: tokens.proves(token, (KEY,), person, 0, now)

    return prepare


def _mails(kinds: Mapping[str, Callable[[], Token]], day: Day, agent: str) -> dict[str, Figure]:
    """From the agent's own address, where most is looked up."""
    office, (mailbox,) = day.office, day.office.mailboxes.values()
    day.write(f"Tom <{agent}>", "Re: Front wheel [#1001]", "Hello,\nthe 15 mm one.")
    number = MessageNo(day.store.look("select max(id) as id from message")[0]["id"])
    with day.store.transaction() as tx:
        plain = understood_again(day.store, office.directory(office.rules), tx, number)
        gatherer = office.gatherer(office.rules)

        def mail(make: Callable[[], str]) -> Callable[[], Callable[[], object]]:
            def prepare() -> Callable[[], object]:
                one = _to(plain, make())
                return lambda: gatherer.message(tx, one, mailbox, day.at())

            return prepare

        asked = {"no_token": mail(lambda: SUPPORT)}
        asked |= {name: mail(lambda make=make: tokens.address(SUPPORT, make())) for name, make in kinds.items()}  # type: ignore[misc]
        return _compared("mail", _in_turn(asked), "no_token")


def _to(plain: Understood, address: str) -> Understood:
    return replace(plain, message=replace(plain.message, to=(Address(email=address),), delivered_to=(address,)))


def _in_turn(asked: Mapping[str, Callable[[], Callable[[], object]]]) -> dict[str, list[float]]:
    """Microseconds of each kind, measured in turn, so that whatever disturbs the machine disturbs all alike."""
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(GUESSES // len(asked)):
        for name, prepare in asked.items():
            act = prepare()
            begun = perf_counter_ns()
            act()
            taken[name].append((perf_counter_ns() - begun) / 1000)
    return taken


def _compared(what: str, taken: Mapping[str, list[float]], base: str) -> dict[str, Figure]:
    first, _, third = quantiles(taken[base], n=4)
    spread = max((third - first) / 2, 1e-3)
    middle = {name: median(times) for name, times in taken.items()}
    found = {f"{what}_{name}": Figure(value, "us") for name, value in middle.items()}
    apart = {name: abs(value - middle[base]) for name, value in middle.items()}
    widest = max(apart, key=apart.__getitem__)
    print(f"  {what}: {widest} differs most from {base}")
    return {**found, f"{what}_spread": Figure(spread, "us"), f"{what}_largest_difference": Figure(apart[widest] / spread, "spreads")}
