"""The running daemon: it starts and stops in order, keeps going while servers are away, and never runs half a rule set."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from inboxd.core.model import AgentName, CaseState, Outgoing, Scores, ToRead
from inboxd.daemon import supervise
from inboxd.daemon.deliver import Post
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.keep_house import keep_house
from inboxd.daemon.office import RuleSet
from inboxd.daemon.supervise import Supervisor
from inboxd.daemon.triage import triage
from inboxd.errors import ConfigError, Permanent, Temporary, UnusableStore
from inboxd.ports import Folder
from tests.daemon.world import Killed, calm, mail
from tests.fakes import FakeClock, FakeMailbox, FakeMailer, FakeReader
from tests.stories.day import ACME, Day
from tests.stories.steps import ANA, CALM, kinds, resolved, words_of

BOUND = 10.0  # seconds after which a test has failed; nothing waits for it to pass


@dataclass
class WaitingClock(FakeClock):
    """Business time stands still: a loop waits until it is woken."""

    waiting: queue.Queue[str] = field(default_factory=queue.Queue)

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        self.waiting.put(threading.current_thread().name)
        wake.wait(BOUND)
        wake.clear()


@dataclass
class WaitingMailbox(FakeMailbox):
    """A mailbox whose `wait` really waits, and which says when it is asked."""

    woken: threading.Event = field(default_factory=threading.Event)
    selected: queue.Queue[str] = field(default_factory=queue.Queue)
    waiting: queue.Queue[str] = field(default_factory=queue.Queue)
    failure: Exception | None = None
    order: list[str] = field(default_factory=list)

    def select(self) -> Folder:
        self.selected.put("select")
        if self.failure:
            raise self.failure
        return super().select()

    def wait(self, timeout: timedelta) -> None:
        self.waiting.put("wait")
        self.woken.wait(BOUND)
        self.woken.clear()

    def wake(self) -> None:
        self.woken.set()

    def close(self) -> None:
        self.order.append("mailbox")
        super().close()


@dataclass
class ClosingMailer(FakeMailer):
    """Says when it is closed."""

    order: list[str] = field(default_factory=list)

    async def close(self) -> None:
        self.order.append("mailer")


class Running(Supervisor):
    """A supervisor whose pauses before another connection are noted instead of waited for."""

    pauses: list[float]

    def _nap(self, source: Source, seconds: float) -> None:
        self.pauses.append(seconds)
        source.mailbox.close()


@dataclass
class House:
    """A daemon with fakes around it."""

    reader: FakeReader = field(default_factory=calm)
    loads: list[RuleSet | Exception] = field(default_factory=list)
    said: queue.Queue[str] = field(default_factory=queue.Queue)
    prints: list[str] = field(default_factory=lambda: ["first"])
    delivered: queue.Queue[Outgoing] = field(default_factory=queue.Queue)
    order: list[str] = field(default_factory=list)
    code: int | None = None

    def __post_init__(self) -> None:
        self.box = WaitingMailbox(order=self.order)
        self.mailer = ClosingMailer(deliver=self.delivered.put, order=self.order)
        self.clock = WaitingClock()
        self.day = Day(reader=self.reader, clock=self.clock, mailbox=self.box, mailer=self.mailer)
        self.box.selected = queue.Queue()
        closing = self.day.store.close

        def close() -> None:
            self.order.append("store")
            closing()

        self.day.store.close = close  # type: ignore[method-assign]
        self.supervisor = Running(
            office=self.day.office,
            sources=[self.day.source],
            post=Post(mailers={ACME: self.mailer}, jitter=lambda: 1.0),
            load_rules=self._load,
            fingerprint=lambda: self.prints[-1],
            notify=self._notify,
        )
        self.supervisor.pauses = []
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.supervisor.run()

    def _notify(self, state: str) -> None:
        self.order.append(state.split("\n")[0])
        self.said.put(state)

    def _load(self) -> RuleSet:
        found = self.loads.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    def begin(self) -> None:
        self.thread.start()
        assert self.said.get(timeout=BOUND).startswith("READY=1")

    def end(self) -> int | None:
        self.thread.join(BOUND)
        assert not self.thread.is_alive()
        return self.code

    def rules(self, hash_: str) -> RuleSet:
        old = self.day.office.rules
        return replace(old, book=replace(old.book, hash=hash_), files="text of the rules")


@pytest.fixture
def house() -> Iterator[House]:
    made = House()
    yield made
    made.supervisor.stop()
    made.box.wake()
    if made.thread.is_alive():
        made.thread.join(BOUND)


# --- start and stop ------------------------------------------------------------------------------------------------


def test_a_mail_goes_through_all_loops_and_a_stop_is_clean(house: House) -> None:
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    house.box.put(mail(1), house.day.at())
    house.box.wake()
    assert house.delivered.get(timeout=BOUND).kind == "routed"
    house.supervisor.stop()
    assert house.end() == 0
    assert house.order[0] == "READY=1"
    assert house.order[-2:] == ["mailbox", "store"] and {"STOPPING=1", "mailer"} <= set(house.order[:-2])  # loops end, then what they use
    assert [thread.name for thread in house.supervisor._threads] == ["fetch:acme:INBOX", "triage", "house", "deliver"]
    assert not any(thread.is_alive() for thread in house.supervisor._threads)


def test_a_stop_ends_waiting_loops_at_once(house: House) -> None:
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    house.supervisor.stop()
    assert house.end() == 0


def dies(_: ToRead) -> Scores:
    raise Killed


def test_a_loop_that_dies_ends_the_process_with_an_error() -> None:
    house = House(reader=FakeReader(scores=dies))
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    house.box.put(mail(1), house.day.at())
    house.box.wake()
    assert house.end() == 1
    assert house.supervisor._died == ["triage"]
    assert house.order[-1] == "store"


def test_a_bug_while_fetching_ends_the_process_with_an_error(house: House) -> None:
    house.box.failure = ZeroDivisionError("a bug of ours")
    house.thread.start()
    assert house.end() == 1
    assert house.supervisor._died == ["fetch:acme:INBOX"]


def test_a_loop_that_dies_ends_the_daemon_whatever_becomes_of_the_words_about_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(event: str, **_facts: object) -> None:
        if event == "loop.died":
            raise OSError("the log is gone")

    monkeypatch.setattr(supervise, "log", broken)
    monkeypatch.setattr(threading, "excepthook", lambda _told: None)
    house.box.failure = ZeroDivisionError("a bug of ours")
    house.thread.start()
    assert house.end() == 1


def unusable(house: House, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What is logged where the store turns out to be unusable."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(supervise, "log", lambda event, **facts: told.append(facts) if event == "store.unusable" else None)
    return told


def test_a_damaged_store_stops_the_daemon_with_one_word_of_what_to_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told = unusable(house, monkeypatch)

    def damaged(*_: object) -> None:
        raise UnusableStore("the store is damaged (malformed); restore it from a backup")

    monkeypatch.setattr(house.day.store, "claim", damaged)
    monkeypatch.setattr(house.day.store, "cursor", damaged)
    house.thread.start()
    assert house.end() == 78, "systemd starts it again after any other end"
    (facts,) = told
    assert facts["level"] == "error" and "backup" in str(facts["because"]) and facts["todo"]
    assert house.supervisor.pauses == [], "it is no trouble of the mailbox"


def test_a_store_that_is_taken_away_stops_the_daemon(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told = unusable(house, monkeypatch)

    def gone() -> None:
        raise UnusableStore("the store was replaced or removed")

    monkeypatch.setattr(house.day.store, "need_sound", gone)
    house.supervisor.reload_every = 0.01
    house.thread.start()
    assert house.end() == 78
    assert len(told) == 1


# --- servers that are away -----------------------------------------------------------------------------------------


def until(ask: Callable[[], object], ticks: queue.Queue[str]) -> None:
    """Look at each tick of a fake until it is so."""
    while not ask():
        ticks.get(timeout=BOUND)


def test_a_mailbox_that_is_away_is_named_and_tried_again_with_growing_pauses_until_it_is_back(house: House) -> None:
    house.box.failure = Temporary("no route to host")
    house.begin()
    until(lambda: len(house.supervisor.pauses) >= 10, house.box.selected)
    assert house.supervisor.health == {"fetch:acme:INBOX": "no route to host"}
    assert house.supervisor.pauses[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert house.box.closed >= 10  # each new try is a new connection
    house.box.failure = None
    house.box.waiting.get(timeout=BOUND)
    assert house.supervisor.health == {}
    house.box.put(mail(1), house.day.at())
    house.box.wake()
    assert house.delivered.get(timeout=BOUND).kind == "routed"


def test_the_other_loops_go_on_while_a_mailbox_is_away(house: House) -> None:
    house.box.put(mail(1), house.day.at())
    fetch(house.day.source, house.day.store, house.day.clock)
    house.box.failure = Temporary("no route to host")
    house.begin()
    assert house.delivered.get(timeout=BOUND).kind == "routed"


def test_a_wrong_password_is_not_tried_each_second(house: House) -> None:
    house.box.failure = Permanent("the password was refused")
    house.begin()
    until(lambda: len(house.supervisor.pauses) >= 2, house.box.selected)
    assert min(house.supervisor.pauses) >= 60
    assert house.supervisor.health == {"fetch:acme:INBOX": "the password was refused"}


def test_a_junk_folder_that_works_does_not_hide_an_inbox_that_does_not(house: House) -> None:
    junk = WaitingMailbox(name="Junk")
    house.supervisor.sources = [house.day.source, Source(name=ACME, mailbox=junk, folder="Junk")]
    house.box.failure = Temporary("away")
    house.begin()
    junk.waiting.get(timeout=BOUND)
    until(lambda: len(house.supervisor.pauses) >= 3, house.box.selected)
    junk.wake()
    junk.waiting.get(timeout=BOUND)
    assert house.supervisor.health == {"fetch:acme:INBOX": "away"}
    junk.wake()


# --- silence that nobody has listened to ---------------------------------------------------------------------------


def resolved_and_due(house: House) -> None:
    """Ana's case was resolved days ago: she is to be asked now."""
    resolved(house.day)
    house.clock.move(timedelta(days=5))


def complains(house: House) -> None:
    """Ana wrote that it does not fit; it lies in the mailbox."""
    house.day.write(ANA, "Re: Front wheel", "It does not fit. What now?", answers=words_of(house.day), run=False)


def next_look(house: House) -> None:
    """A minute later; the loop that does what is due has looked, and waits again."""
    house.clock.move(timedelta(minutes=1, seconds=1))
    while not house.clock.waiting.empty():
        house.clock.waiting.get()
    house.supervisor.wake("house")
    until_waits(house, "house")


def until_waits(house: House, loop: str) -> None:
    while house.clock.waiting.get(timeout=BOUND) != loop:
        pass


def questions(house: House) -> list[str]:
    return [kind for kind in kinds(house.day, "ana@example.org") if kind == "follow_up"]


def test_the_daemon_reads_the_mailbox_before_it_asks_after_days_of_standstill(house: House) -> None:
    resolved_and_due(house)
    complains(house)
    log_in, select = threading.Event(), house.box.select

    def slowly() -> Folder:
        log_in.wait(BOUND)  # a server takes its time to log us in
        return select()

    house.box.select = slowly  # type: ignore[method-assign]
    house.begin()
    until_waits(house, "house")
    assert house.day.case().state is CaseState.RESOLVED and not questions(house)
    log_in.set()
    until(lambda: house.day.case().state is CaseState.OPEN, house.clock.waiting)
    next_look(house)
    assert not questions(house) and house.day.events("case.silence") == 0


def test_nobody_is_asked_before_what_was_read_is_decided_too(house: House) -> None:
    resolved_and_due(house)
    complains(house)
    fetch(house.day.source, house.day.store, house.day.clock)
    house.supervisor._catching_up = {ACME}
    assert keep_house(house.day.office, house.supervisor._unread()) and not house.supervisor._behind
    triage(house.day.office)
    assert house.supervisor._unread() == set() and house.day.case().state is CaseState.OPEN


def test_while_the_server_is_away_silence_means_nothing_but_a_dead_one_stops_nothing_for_good(house: House) -> None:
    steady = [0.0]
    house.supervisor.steady = lambda: steady[0]
    resolved_and_due(house)
    house.box.failure = Temporary("no route to host")
    house.begin()
    until_waits(house, "house")
    steady[0] = 23 * 3600
    next_look(house)
    assert not questions(house)
    steady[0] = 24 * 3600
    next_look(house)
    assert house.day.store.look("select 1 from outgoing where kind = 'follow_up'")


def test_after_the_server_was_away_the_mailbox_is_read_before_anybody_is_asked(house: House) -> None:
    resolved(house.day)
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    until_waits(house, "house")
    house.box.failure = Temporary("no route to host")
    house.box.wake()
    until(lambda: house.supervisor.health, house.box.selected)
    house.clock.move(timedelta(days=5))
    complains(house)
    next_look(house)
    assert house.day.case().state is CaseState.RESOLVED
    house.box.failure = None
    until(lambda: house.day.case().state is CaseState.OPEN, house.clock.waiting)
    next_look(house)
    assert not questions(house)


def test_what_does_not_wait_for_silence_goes_on_while_the_server_is_away(house: House) -> None:
    house.day.write(ANA, "Front wheel", CALM)
    house.day.pass_(minutes=2)
    house.day.write(ANA, "Front wheel", "One more detail: it is the silver one.")
    house.clock.move(timedelta(minutes=6))
    assert keep_house(house.day.office, {ACME})
    assert house.day.store.look("select 1 from outgoing where kind = 'routed' and state = 'queued'")


# --- pauses, and a full disk ----------------------------------------------------------------------------------------


def test_a_pause_ends_with_the_daemon() -> None:
    house = House()
    supervisor = Supervisor(
        office=house.day.office, sources=[house.day.source], post=house.supervisor.post, load_rules=house._load,
        fingerprint=lambda: "", notify=house._notify,
    )  # fmt: skip
    house.supervisor = supervisor  # type: ignore[assignment]
    house.box.failure = Permanent("the password was refused")
    house.begin()
    until(lambda: house.box.closed >= 1, house.box.selected)
    supervisor.stop()
    assert house.end() == 0  # though the pause is a minute


@dataclass
class Full:
    """A store whose disk is full, and says each time when it is asked."""

    real: Any
    asked: queue.Queue[str] = field(default_factory=queue.Queue)
    full: bool = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Any]:
        if self.full and threading.current_thread().name in ("triage", "deliver"):
            self.asked.put(threading.current_thread().name)
            raise Temporary("the store cannot be written: database or disk is full")
        with self.real.transaction() as tx:
            yield tx


def test_a_full_disk_is_named_loses_nothing_and_work_goes_on_when_there_is_space(house: House) -> None:
    store = Full(house.day.store)
    house.day.office.store = store
    house.supervisor.post = Post(mailers={ACME: house.mailer}, jitter=lambda: -1.0)  # no pause
    house.box.put(mail(1), house.day.at())
    fetch(house.day.source, house.day.store, house.day.clock)
    house.begin()
    until(lambda: "triage" in house.supervisor.health, store.asked)
    assert "disk is full" in house.supervisor.health["triage"]
    store.full = False
    assert house.delivered.get(timeout=BOUND).kind == "routed"
    until(lambda: "triage" not in house.supervisor.health, house.clock.waiting)


# --- rules ---------------------------------------------------------------------------------------------------------


def test_a_reload_that_was_asked_for_takes_the_new_rules_over(house: House) -> None:
    house.loads = [house.rules("new")]
    house.begin()
    house.supervisor.ask_reload()
    assert house.said.get(timeout=BOUND) == "WATCHDOG=1"
    house.supervisor.stop()
    house.thread.join(BOUND)
    assert house.day.office.rules.book.hash == "new"


def test_who_is_new_in_the_rules_is_greeted_at_the_reload(house: House) -> None:
    new = house.rules("new")
    lena = replace(new.book.agents[AgentName("tom")], name=AgentName("lena"), emails=("lena@acme.example",))
    house.loads = [replace(new, book=replace(new.book, agents={**new.book.agents, lena.name: lena}))] * 2
    assert house.supervisor.reload() == house.supervisor.reload() == ()
    rows = house.day.store.look("select purpose_key from outgoing where purpose_key like 'practice:%'")
    assert [row["purpose_key"] for row in rows] == ["practice:lena"]


def test_changed_files_are_taken_over_unasked_and_only_once(house: House) -> None:
    house.loads = [house.rules("new")]
    house.supervisor._loaded = "first"
    house.supervisor._tend()
    assert house.day.office.rules.book.hash != "new"
    house.prints.append("second")
    house.supervisor._tend()
    house.supervisor._tend()  # a second load would find nothing in `loads`
    assert house.day.office.rules.book.hash == "new"
    rows = house.day.store.look("select files from ruleset where hash = 'new'")
    assert [row["files"] for row in rows] == ["text of the rules"]


@pytest.mark.parametrize("broken", [ConfigError("rules/routing.yaml:3:5: no team called 'senior'"), OSError("rules/ is gone")])
def test_broken_rules_change_nothing_and_the_admin_is_told_once(house: House, broken: Exception) -> None:
    before = house.day.office.rules
    house.supervisor._loaded = "first"
    for number in range(3):
        house.loads.append(broken)
        house.prints.append(f"broken {number}")
        house.supervisor._tend()
    assert house.day.office.rules is before
    house.day.run()
    (told,) = house.day.inbox("admin@acme.example")
    assert "senior" in told.text or "rules/ is gone" in told.text


def test_rules_that_were_mended_are_taken_over_and_a_new_mistake_is_told_again(house: House) -> None:
    house.supervisor._loaded = "first"
    house.loads = [ConfigError("a"), house.rules("mended"), ConfigError("a")]
    for number in range(3):
        house.clock.move(timedelta(minutes=1))
        house.prints.append(f"print {number}")
        house.supervisor._tend()
    house.day.run()
    assert house.day.office.rules.book.hash == "mended"
    assert len(house.day.inbox("admin@acme.example")) == 2


def test_a_reload_answers_with_the_mistakes(house: House) -> None:
    house.loads = [ConfigError("one", "two"), house.rules("new")]
    assert house.supervisor.reload() == ("one", "two")
    assert house.supervisor.reload() == ()


def test_rules_that_cannot_be_remembered_now_are_tried_again(house: House) -> None:
    house.loads = [house.rules("new"), house.rules("new")]
    real = house.day.store.transaction
    house.supervisor._loaded = "old"

    def full() -> Any:
        raise Temporary("full")

    house.day.store.transaction = full  # type: ignore[method-assign, assignment]
    house.supervisor._tend()
    assert house.day.office.rules.book.hash != "new"
    house.day.store.transaction = real  # type: ignore[method-assign]
    house.supervisor._tend()
    assert house.day.office.rules.book.hash == "new"


# --- watchdog ------------------------------------------------------------------------------------------------------


def test_the_watchdog_is_fed_only_while_all_loops_live(house: House) -> None:
    house.supervisor._loaded = "first"
    go = threading.Event()

    def waiting() -> None:
        go.wait(BOUND)

    house.supervisor._spawn("one", waiting)
    house.supervisor._spawn("two", waiting)
    house.supervisor._tend()
    assert house.said.get_nowait() == "WATCHDOG=1"
    go.set()
    house.supervisor._threads[0].join(BOUND)
    house.supervisor._tend()
    with pytest.raises(queue.Empty):
        house.said.get_nowait()


def test_a_running_daemon_feeds_the_watchdog_by_itself() -> None:
    house = House()
    house.supervisor.watchdog = 0.01
    house.begin()
    assert house.said.get(timeout=BOUND) == "WATCHDOG=1"
    assert house.said.get(timeout=BOUND) == "WATCHDOG=1"
    house.supervisor.stop()
    assert house.end() == 0
