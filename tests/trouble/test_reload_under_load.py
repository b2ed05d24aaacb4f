"""Rules are changed again and again while mail comes in: no mail is lost, and none is decided by half of one set and half of another."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inboxd import logs
from inboxd.core.model import MessageNo, RawMessage
from inboxd.core.rulebook import Identity
from inboxd.daemon.deliver import deliver
from inboxd.daemon.fetch import fetch
from inboxd.daemon.keep_house import keep_house
from inboxd.daemon.office import RuleSet
from inboxd.daemon.supervise import Supervisor
from inboxd.daemon.triage import triage
from inboxd.errors import ConfigError
from inboxd.ports import Listed
from inboxd.rule_sets import rule_set
from tests.daemon.test_supervise import BOUND, House, WaitingMailbox
from tests.daemon.world import calm, mail
from tests.stories.day import Day, Letterbox

ADMIN = "admin@acme.example"
SWAPS, MAILS = 50, 500
PEOPLE = """\
agents:
  maria: maria@acme.example
  tom: tom@acme.example
  petra: petra@acme.example
teams:
  everyone: [maria, tom]
lead: petra
"""


def good(k: int) -> str:
    return f"""\
{PEOPLE}
rules:
  - name: "{k}: a"
    when: {{subject_contains: lamp}}
    then: {{label: "a{k}"}}
  - name: "{k}: b"
    then: {{assign: everyone, answer_within: {k + 1} hours, label: "b{k}"}}
"""


def no_yaml(k: int) -> str:
    return good(k).replace("rules:", f"rules: [{k}", 1)


def no_such_team(k: int) -> str:
    return good(k).replace("assign: everyone", f"assign: nobody{k}")


def promise(k: int) -> str:
    return f'tests:\n  - name: "lamps of set {k}"\n    expect: {{assign: everyone, label: [b{k}]}}\n'


@dataclass
class Folder:
    """A folder of rules as an admin keeps it, and the real way from it to a set of rules, with a reader that needs no model."""

    path: Path

    def write(self, rules: str, tests: str) -> None:
        (self.path / "rules.yaml").write_text(rules, encoding="utf-8")
        (self.path / "rules.test.yaml").write_text(tests, encoding="utf-8")

    def load(self) -> RuleSet:
        return replace(rule_set(self.path, None), reader=calm())

    def put(self, k: int) -> bool:
        """Write set k; every other one is broken, in one of three ways. Returns whether it is good."""
        if k % 2:
            (self.no_yaml, self.no_such_team, self.broken_promise)[k // 2 % 3](k)
            return False
        self.write(good(k), promise(k))
        return True

    def no_yaml(self, k: int) -> None:
        self.write(no_yaml(k), promise(k))

    def no_such_team(self, k: int) -> None:
        self.write(no_such_team(k), promise(k))

    def broken_promise(self, k: int) -> None:
        self.write(good(k), promise(k + 1000))


@dataclass
class SteadyMailbox(WaitingMailbox):
    """A mailbox into which mail comes while it is listed."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, raw: bytes, at: datetime) -> int:
        with self.lock:
            return super().put(raw, at)

    def list(self, since: int, identity: bool = False) -> Sequence[Listed]:
        with self.lock:
            return super().list(since, identity)


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.to(stream)
    yield stream
    logs.to(None)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def house(folder: Folder) -> Iterator[House]:
    made = House()
    box = SteadyMailbox(order=made.order, selected=made.box.selected)
    made.box = made.day.mailbox = box
    made.day.source = replace(made.day.source, mailbox=box)
    made.supervisor.sources = [made.day.source]
    folder.put(0)
    made.day.office.rules = folder.load()
    made.supervisor.load_rules = folder.load
    made.supervisor.reload_every = 600  # only when the test says so
    yield made
    made.supervisor.stop()
    made.box.wake()
    if made.thread.is_alive():
        made.thread.join(BOUND)


def told(day: Day) -> list[Letterbox]:
    return [each for each in day.inbox(ADMIN) if "not taken over" in each.subject]


def test_rules_change_fifty_times_while_five_hundred_mails_come_in(house: House, folder: Folder) -> None:
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    delivered: dict[str, int] = {}

    def take() -> None:
        outgoing = house.delivered.get(timeout=BOUND)
        delivered[outgoing.kind] = delivered.get(outgoing.kind, 0) + 1

    kept = {house.day.office.rules.book.hash: 0}  # each good set by its hash
    number, refused = 0, []
    for k in range(1, SWAPS + 1):
        for _ in range(MAILS // SWAPS):
            number += 1
            house.box.put(mail(number), house.day.at())
        house.box.wake()
        is_good = folder.put(k)
        house.prints.append(f"{k:016d}")
        mistakes = house.supervisor.reload()
        assert bool(mistakes) is not is_good
        if mistakes:
            refused.append("\n".join(mistakes))
            house.prints.append(f"{k + 1000:016d}")  # another file changed
            assert house.supervisor.reload() == mistakes, "the same mistake is still there"
        else:
            kept[house.day.office.rules.book.hash] = k
        while delivered.get("routed", 0) < number - MAILS // SWAPS:  # the mails of the step before have gone through
            take()
    while delivered.get("routed", 0) < MAILS or delivered.get("notice", 0) < len(refused):
        take()
    day, store = house.day, house.day.store

    assert store.parked() == () and store.look("select 1 from job where kind = 'triage'") == []
    assert store.look("select count(*) as n from message")[0]["n"] == store.look("select count(*) as n from cases")[0]["n"] == MAILS
    assert len({outgoing.case for outgoing in day.mailer.delivered if outgoing.kind == "routed"}) == MAILS
    assert delivered["routed"] == MAILS

    known = {row["hash"] for row in store.look("select hash from ruleset")}
    decisions = store.look("select * from decision")
    assert len(decisions) == MAILS
    for row in decisions:
        k = kept[row["ruleset"]]  # a good set
        assert row["ruleset"] in known
        rules = [line.split(" - ")[0] for line in json.loads(row["trace"]) if line.startswith(("YES ", "no  "))]
        assert rules == [f"YES {k}: a", f"YES {k}: b"]
        assert f'"a{k}"' in row["actions"] and f'"b{k}"' in row["actions"]
    assert len({row["ruleset"] for row in decisions}) >= SWAPS // 4, "the sets really changed while mail came"

    assert len(set(refused)) == len(refused) == SWAPS // 2
    assert delivered["notice"] == len(told(day)) == len(refused), "once for each distinct mistake"
    for text, letter in zip(refused, told(day), strict=True):
        assert text.splitlines()[0].split(": ")[0].rpartition("/")[2] in "".join(letter.text.split())
    assert day.office.rules.book.hash == folder.load().book.hash and kept[day.office.rules.book.hash] == SWAPS
    house.supervisor.stop()
    assert house.end() == 0


# --- what could mix two sets -----------------------------------------------------------------------------------------


def believing(rules: RuleSet) -> RuleSet:
    """Another set, in which mail of the first customer speaks for whoever its Reply-To names."""
    speaks = Identity(senders=("c1@customers.example",), customer_is="reply_to")
    return replace(rules, book=replace(rules.book, hash="other", identity=(speaks,)))


def swap_while_reading(day: Day, other: RuleSet) -> None:
    """New rules come in force at the moment at which the raw mail is read."""
    real = day.store.raw

    def raw(message: MessageNo) -> RawMessage:
        day.office.rules = other
        return real(message)

    day.store.raw = raw  # type: ignore[method-assign]


def test_whose_words_a_mail_brings_is_told_by_the_same_set_that_decides() -> None:
    day = Day(reader=calm())
    old = day.office.rules
    day.mailbox.put(mail(1, extra="Reply-To: somebody@else.example\r\n"), day.at())
    fetch(day.source, day.store, day.clock)
    swap_while_reading(day, believing(old))
    assert triage(day.office) == 1
    (row,) = day.store.look("select * from decision")
    assert row["ruleset"] == old.book.hash
    assert json.loads(row["facts_json"])["understood"]["message"]["sender"]["email"] == "c1@customers.example"


def test_a_date_of_a_case_is_worked_on_under_one_set_of_rules_to_its_end() -> None:
    """The texts of a letter come from the set that decided to write it."""
    day = Day(reader=calm())
    day.write("Ana <c7@customers.example>", "Lamp", "Where is my lamp?")
    old = day.office.rules
    with day.store.transaction() as tx:  # each job is worked on under one set: here the nudge alone
        tx._db.execute("delete from job where kind in ('digest', 'audit', 'share_out', 'weekly', 'spikes')")
    day.clock.move(timedelta(hours=13))
    texts = {key: text.replace("still waits", "STILL WAITS") for key, text in old.templates.texts.items()}
    book = replace(old.book, hash="other")
    swap_while_reading(day, replace(old, book=book, templates=replace(old.templates, texts=texts)))
    keep_house(day.office)
    assert {row["ruleset"] for row in day.store.look("select ruleset from decision")} == {old.book.hash}
    deliver(day.office, day.post)
    assert b"still waits" in day.mailer.delivered[-1].raw


def test_two_reloads_at_once_leave_the_newer_rules_in_force() -> None:
    """One reads the folder just before the admin saves, the other just after; the first one must not have the last word."""
    day = Day(reader=calm())
    old = day.office.rules
    sets = [replace(old, book=replace(old.book, hash="before")), replace(old, book=replace(old.book, hash="after"))]
    reading, second_done = threading.Event(), threading.Event()

    def load() -> RuleSet:
        found = sets.pop(0)
        if found.book.hash == "before":
            reading.set()
            second_done.wait(0.5)
        return found

    supervisor = Supervisor(
        office=day.office, sources=(), post=day.post, load_rules=load, fingerprint=lambda: str(len(sets)), notify=lambda _: None
    )
    first = threading.Thread(target=supervisor.reload)
    first.start()
    assert reading.wait(BOUND)

    def reload() -> None:
        supervisor.reload()
        second_done.set()

    second = threading.Thread(target=reload)
    second.start()
    first.join(BOUND)
    second.join(BOUND)
    assert day.office.rules.book.hash == "after"


def test_the_same_mistake_in_two_reloads_at_once_is_told_once() -> None:
    day = Day(reader=calm())
    together = threading.Barrier(2)

    def load() -> RuleSet:
        with suppress(threading.BrokenBarrierError):
            together.wait(0.5)
        raise ConfigError("rules/routing.yaml:1:1: no such team")

    prints = iter("abcdefgh")
    supervisor = Supervisor(
        office=day.office, sources=(), post=day.post, load_rules=load, fingerprint=lambda: next(prints), notify=lambda _: None
    )
    threads = [threading.Thread(target=supervisor.reload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    day.run()
    assert len(told(day)) == 1
