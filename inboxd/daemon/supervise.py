"""Supervise: starts the loops, each in a named thread, reloads rules, keeps the watchdog fed, stops in order."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import tenacity

from inboxd.core.letters import to_lead
from inboxd.core.model import JobKind, Log, MailboxName, Send
from inboxd.core.retry import backoff
from inboxd.core.route import share_out_at
from inboxd.core.understand import place_of
from inboxd.daemon import deliver as delivery
from inboxd.daemon import keep_house as house
from inboxd.daemon import triage as triaging
from inboxd.daemon.deliver import Post, deliver_due
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.filing import file_mail
from inboxd.daemon.keep_house import keep_house, open_house
from inboxd.daemon.office import Office, RuleSet
from inboxd.daemon.practice import greet_newcomers
from inboxd.daemon.reconcile import check_daily, last_checked
from inboxd.daemon.triage import triage
from inboxd.daemon.trouble import DISK, Watch, in_words, mailboxes_in
from inboxd.daemon.write import store
from inboxd.errors import ConfigError, InboxdError, Permanent, Temporary, UnusableStore
from inboxd.logs import log

RARELY = (20_000, 20, 20)  # of thousands of small values a mail hardly one is in a circle; each search of them stops all loops
STOP_WITHIN = 20.0  # seconds for the send in hand
DAY = timedelta(days=1)
SLOW_RETRY = timedelta(minutes=1)  # what only a person can mend is tried again this often: it mends itself once they have
SYNC_WITHIN = timedelta(minutes=15)  # a folder that was not read to its end for so long is in trouble, whatever the reason
PASSING = (Temporary, Permanent)  # the trouble of a mailbox; what only a person can mend passes once they have
ASLEEP = 120.0  # seconds without a look around: the machine or the process was suspended


class NoRoom(Temporary):
    """The disk is almost full: nothing is taken in and nothing is sent until there is space again."""


@dataclass(slots=True, kw_only=True)
class Supervisor:
    """One running daemon. `run` returns the exit code: 0 after a clean stop, 1 if a loop died, 78 if the store must not be used."""

    office: Office
    sources: Sequence[Source]
    post: Post
    load_rules: Callable[[], RuleSet]
    fingerprint: Callable[[], str]
    notify: Callable[[str], None]
    watchdog: float | None = None
    poll: timedelta = timedelta(minutes=2)
    reload_every: float = 5.0
    stopping: threading.Event = field(default_factory=threading.Event)
    reload_asked: threading.Event = field(default_factory=threading.Event)
    wakes: dict[str, threading.Event] = field(default_factory=dict)
    health: dict[str, str] = field(default_factory=dict)  # what is in trouble, and why; empty is well
    synced: dict[str, datetime] = field(default_factory=dict)  # when each folder was last read to its end
    room: Callable[[], str] = lambda: ""  # why nothing may be taken in or sent just now: the disk is almost full
    steady: Callable[[], float] = time.monotonic  # real time: how long trouble lasts has nothing to do with the date
    _watch: Watch = field(default_factory=Watch)
    _read_at: dict[str, float] = field(default_factory=dict)  # `synced` in steady time
    _behind: dict[str, float] = field(default_factory=dict)  # folders not read to their end since the start or a failure, and since when
    _catching_up: set[MailboxName] = field(default_factory=set)  # they were read since; triage still has what was in them
    _looked_at: float = 0.0
    _status: str = "running"
    _reconciled: dict[str, datetime] = field(default_factory=dict)
    reconcile_asked: dict[str, threading.Event] = field(default_factory=dict)
    _beat: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _died: list[str] = field(default_factory=list)
    _unusable: str = ""
    _broken: str = ""
    _loaded: str = ""
    _reloading: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> int:
        """Run until `stop` is called or a loop dies."""
        self.start()
        self.notify("READY=1\nSTATUS=running")
        log("daemon.started", mailboxes=len(self.sources), rules=self.office.rules.book.hash[:12], model=self.office.rules.reader.model)
        while not self.stopping.is_set():
            self._beat.wait(min(self.watchdog or self.reload_every, self.reload_every))
            self._beat.clear()
            if not self.stopping.is_set():
                try:
                    self._tend()
                except UnusableStore as error:
                    self._give_up(error)
        return self.finish()

    def start(self) -> None:
        """Start all loops."""
        gc.set_threshold(*RARELY)
        self._loaded, self._looked_at = self.fingerprint(), self.steady()
        open_house(self.office)
        for source in self.sources:
            self._read_at[f"fetch:{source.name}:{source.folder}"] = self.steady()
            self._behind[f"fetch:{source.name}:{source.folder}"] = self.steady()
        for source in self.sources:
            self._spawn(f"fetch:{source.name}:{source.folder}", lambda source=source: self._fetch(source))  # type: ignore[misc]
        self._spawn("triage", lambda: self._work("triage", triaging.KINDS, lambda: triage(self.office), ("deliver", "house")))
        self._spawn("house", lambda: self._work("house", house.KINDS, lambda: keep_house(self.office, self._unread()), ("deliver",)))
        self._spawn("deliver", lambda: asyncio.run(self._deliver()))

    def stop(self) -> None:
        """Ask all loops to end; safe in a signal handler."""
        self.stopping.set()
        self._beat.set()

    def ask_reload(self) -> None:
        """Reload the rules soon; safe in a signal handler."""
        self.reload_asked.set()
        self._beat.set()

    def finish(self) -> int:
        """End the loops in order; the send in hand is finished."""
        self.notify("STOPPING=1")
        self.stopping.set()
        for wake in self.wakes.values():
            wake.set()
        for source in self.sources:
            source.mailbox.wake()
        for thread in self._threads:
            thread.join(STOP_WITHIN)
        for source in self.sources:
            source.mailbox.close()
        self.office.store.close()
        log("daemon.stopped", level="error" if self._died else "info", died=self._died or "-")
        return os.EX_CONFIG if self._unusable else 1 if self._died else 0

    def _give_up(self, error: UnusableStore) -> None:
        """Nothing may be written to the store any more, and starting anew does not help: a person must look."""
        self.stop()
        if not self._unusable:
            self._unusable = str(error)
            log("store.unusable", level="error", because=self._unusable, todo="put a sound store in its place, then start inboxd")

    # --- loops

    def _spawn(self, name: str, loop: Callable[[], None]) -> None:
        self.wakes.setdefault(name, threading.Event())

        def guarded() -> None:
            try:
                loop()
            except BaseException as error:
                self._died.append(name)
                self.stop()  # first: whatever becomes of the words, nobody goes on without this loop
                if isinstance(error, UnusableStore):
                    self._give_up(error)
                else:
                    log(
                        "loop.died",
                        level="error",
                        loop=name,
                        error=place_of(error) if isinstance(error, Exception) else type(error).__name__,
                    )

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def wake(self, *names: str) -> None:
        """Have these loops look for work now."""
        for name in names:
            if name in self.wakes:
                self.wakes[name].set()

    def _work(self, name: str, kinds: Sequence[JobKind], step: Callable[[], int], then: Sequence[str]) -> None:
        """Do what is due, wake who comes after, wait for the next date or a wake-up."""
        wake, failures = self.wakes[name], 0
        while not self.stopping.is_set():
            try:
                if step():
                    failures = 0
                    self.wake(*then)
                    self._wake_folders()
                    continue
                at = self.office.store.next_due(kinds)
                self.health.pop(name, None)
                self.office.clock.wait_until(at, wake)
            except Temporary as error:  # the store cannot be written: nothing is lost, wait and try again
                failures += 1
                self.health[name] = str(error)
                log("store.failed", level="warning", loop=name, because=str(error))
                self.stopping.wait(backoff(failures, self.post.jitter()).total_seconds())

    def _wake_folders(self) -> None:
        """What is to be moved now is moved by the loops of the folders, which wait for new mail."""
        due = self.office.store.next_due((JobKind.FILE,))
        if due is not None and due <= self.office.clock.now():
            for source in self.sources:
                source.mailbox.wake()

    async def _deliver(self) -> None:
        wake, failures = self.wakes["deliver"], 0
        while not self.stopping.is_set():
            try:
                self._need_room()
                sent = await deliver_due(self.office, self.post, self.stopping.is_set)
                self._watch_sending()  # also where nothing was due: the end of the last one may be written down only now
                if sent:
                    failures = 0
                    self.wake("house")
                    continue
                at = self.office.store.next_due(delivery.KINDS)
                self.health.pop("deliver", None)
                await asyncio.to_thread(self.office.clock.wait_until, at, wake)
            except NoRoom:
                await asyncio.to_thread(wake.wait, SLOW_RETRY.total_seconds())
                wake.clear()
            except Temporary as error:
                failures += 1
                self.health["deliver"] = str(error)
                log("store.failed", level="warning", loop="deliver", because=str(error))
                await asyncio.to_thread(self.stopping.wait, backoff(failures, self.post.jitter()).total_seconds())
        for mailer in self.post.mailers.values():
            await mailer.close()

    def _fetch(self, source: Source) -> None:
        """Take in mail, wait for more; a lost connection is made again with growing pauses, for ever."""
        name = f"fetch:{source.name}:{source.folder}"  # a junk folder that works must not hide an inbox that does not
        while not self.stopping.is_set():
            for attempt in tenacity.Retrying(
                retry=tenacity.retry_if_exception(lambda error: isinstance(error, PASSING) and not isinstance(error, UnusableStore)),
                wait=lambda state: self._pause(name, state),
                sleep=lambda seconds: self._nap(source, seconds),
                stop=tenacity.stop_when_event_set(self.stopping),
                retry_error_callback=lambda _state: None,
            ):
                with attempt:
                    if self.stopping.is_set():
                        return
                    self._need_room()
                    if fetch(source, self.office.store, self.office.clock):
                        self.wake("triage")
                    self._reconcile(name, source)
                    self.synced[name], self._read_at[name] = self.office.clock.now(), self.steady()
                    if name in self._behind:
                        self._catching_up.add(source.name)
                        del self._behind[name]
                    if self.health.pop(name, None):
                        log("mailbox.connected", mailbox=source.name)
                    if not file_mail(self.office, source, self.post.jitter()):
                        source.mailbox.wait(self.poll)

    def _reconcile(self, name: str, source: Source) -> None:
        """Once a day, and when asked: prove that nothing was overlooked, and mend it."""
        now, asked = self.office.clock.now(), self.reconcile_asked.setdefault(name, threading.Event())
        if name not in self._reconciled:
            self._reconciled[name] = last_checked(source, self.office.store, now) or now
        if asked.is_set() or not timedelta(0) <= now - self._reconciled[name] < DAY:
            self._reconciled[name] = now
            asked.clear()
            if not check_daily(source, self.office.store, self.office.clock).explained:
                self.wake("triage")

    def ask_reconcile(self) -> None:
        """Compare every folder with its ledger now."""
        for source in self.sources:
            self.reconcile_asked.setdefault(f"fetch:{source.name}:{source.folder}", threading.Event()).set()
            source.mailbox.wake()

    def _unread(self) -> Collection[MailboxName]:
        """The mailboxes with mail that was not read or decided about since the start, or since their server was away.

        For a day at most: a server that is dead stops nothing for good.
        """
        now = self.steady()
        behind = {MailboxName(name.split(":")[1]) for name, since in list(self._behind.items()) if now - since < DAY.total_seconds()}
        read = set(self._catching_up)  # in this order: a folder that is read meanwhile is in one of them, and its mail in triage
        if read and self.office.store.next_due(triaging.KINDS) is None and not self.office.store.in_hand(triaging.KINDS):
            self._catching_up.difference_update(read)
        return behind | self._catching_up

    def _pause(self, name: str, state: tenacity.RetryCallState) -> float:
        self._behind.setdefault(name, self.steady())
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, NoRoom):
            return SLOW_RETRY.total_seconds()
        pause = backoff(state.attempt_number, self.post.jitter())
        if isinstance(error, Permanent):
            pause = max(pause, SLOW_RETRY)
        if self.health.get(name) != str(error):
            level = "error" if isinstance(error, Permanent) else "warning"
            log("mailbox.unreachable", level=level, mailbox=name.split(":")[1], because=str(error), todo="inboxd check")
        self.health[name] = str(error)
        return pause.total_seconds()

    def _nap(self, source: Source, seconds: float) -> None:
        source.mailbox.close()
        self.stopping.wait(seconds)

    # --- reload and watchdog

    def _tend(self) -> None:
        self.office.store.need_sound()
        if all(thread.is_alive() for thread in self._threads):
            self.notify("WATCHDOG=1")
        self._look_for_room()
        self._look_for_silence()
        self._tell_of_trouble()
        self._say_status()
        if self.reload_asked.is_set() or self.fingerprint() != self._loaded:
            if self.reload_asked.is_set():
                self._close_breakers()
            self.reload_asked.clear()
            try:
                self.reload()
            except Temporary as error:  # the store cannot be written: the rules of before stay until it can
                self._loaded = ""
                log("store.failed", level="warning", loop="reload", because=str(error))

    def _watch_sending(self) -> None:
        for name in self.post.mailers:
            if why := self.post.trouble.get(name):
                self.health[f"send:{name}"] = why
            else:
                self.health.pop(f"send:{name}", None)

    def _need_room(self) -> None:
        self._look_for_room()
        if why := self.health.get(DISK):
            raise NoRoom(why)

    def _look_for_room(self) -> None:
        if why := self.room():
            if DISK not in self.health:
                log("disk.full", level="error", because=why, todo="make space; it goes on by itself")
            self.health[DISK] = why
        elif self.health.pop(DISK, None):
            self.wake("deliver")

    def _look_for_silence(self) -> None:
        """A folder may be stuck without any error: then it is in trouble, too."""
        now, within = self.steady(), max(SYNC_WITHIN, 3 * self.poll)
        slept, self._looked_at = now - self._looked_at > ASLEEP, now
        for name, at in list(self._read_at.items()):
            if slept or DISK in self.health:  # nothing could be read: the time counts from here
                self._read_at[name] = now
            elif now - at >= within.total_seconds() and name not in self.health:
                self.health[name] = f"not read to its end for {within.total_seconds() / 60:.0f} minutes"
                log("mailbox.silent", level="error", mailbox=name.split(":")[1], because=self.health[name], todo="inboxd check")

    def _tell_of_trouble(self) -> None:
        """What lasts is told to the admin once, by what still works; recovery needs nobody."""
        health = {name: why for name, why in self.health.items() if name != "rules"}  # of rules the admin was told at once
        for name in self._watch.over(health):
            log("trouble.over", what=name)
        for trouble in self._watch.lasting(health, self.steady(), self.office.clock.now()):
            log("trouble.lasts", level="error", what=trouble.names, because=trouble.why, todo="inboxd status")
            if DISK in trouble.names:
                continue  # no mail leaves; one that leaves when it is over would tell nothing true
            what = ", ".join(in_words(name) for name in trouble.names)
            values: dict[str, object] = {"what": what, "because": trouble.why, "since": trouble.since}
            purpose = f"trouble:{trouble.names[0]}:{trouble.since:%Y%m%d%H%M}"
            self._write_to_admin("trouble", purpose, "inboxd needs a look", values, avoid=mailboxes_in(trouble.names))

    def _say_status(self) -> None:
        """One line for `systemctl status`."""
        trouble = "; ".join(f"{in_words(name)}: {why}" for name, why in list(self.health.items()))
        status = f"in trouble: {' '.join(trouble.split())[:500]}" if trouble else "running"
        if status != self._status:
            self._status = status
            self.notify(f"STATUS={status}")

    def _close_breakers(self) -> None:
        """The admin says so: automatic mail may leave again."""
        with self.office.store.transaction() as tx:
            for name in self.office.mailboxes:
                tx.apply((Log(kind="breaker.reset"),), name, self.office.clock.now())

    def reload(self) -> tuple[str, ...]:
        """Take new rules over as a whole, or keep the old ones and tell the admin once (I7). Returns the mistakes."""
        with self._reloading:  # asked at the socket and found here at once: the one who reads last has the last word
            return self._reload()

    def _reload(self) -> tuple[str, ...]:
        self._loaded = self.fingerprint()
        try:
            rules = self.load_rules()
        except Exception as error:  # whatever lies in the folder, the daemon goes on with the rules it has (I7)
            known = isinstance(error, InboxdError | OSError)
            mistakes = error.mistakes if isinstance(error, ConfigError) else (
                f"the rules cannot be read: {error if known else place_of(error)}",
            )  # fmt: skip
            self._reject(mistakes)
            return mistakes
        now = self.office.clock.now()
        with self.office.store.transaction() as tx:
            tx.remember_ruleset(rules.book.hash, rules.files, now)
        self.office.rules, self._broken = rules, ""
        with self.office.store.transaction() as tx:
            for name in self.office.mailboxes:  # other people may be away now
                tx.schedule(share_out_at(name, now))
            greet_newcomers(self.office, rules, tx, now)
        self.wake("house", "deliver")
        self.health.pop("rules", None)
        log("rules.reloaded", rules=rules.book.hash[:12])
        return ()

    def _reject(self, mistakes: Sequence[str]) -> None:
        text = "\n".join(mistakes)
        self.health["rules"] = f"refused, those of before are in force: {mistakes[0].splitlines()[0] if mistakes else ''}"
        log("rules.refused", level="error", mistakes=len(mistakes), todo="inboxd check")
        if text == self._broken:
            return
        told = self._write_to_admin(
            "rules_broken", f"rules_broken:{self._loaded[:16]}:{self.office.clock.now():%Y%m%d%H%M}", "The rules were not taken over",
            {"mistakes": tuple(mistakes)},
        )  # fmt: skip
        if told:
            self._broken = text
        else:
            self._loaded = ""  # looked at again, and told then

    def _write_to_admin(
        self, template: str, purpose: str, subject: str, values: dict[str, object], avoid: Collection[MailboxName] = ()
    ) -> bool:
        """A mail about the machine; through another mailbox than the one in trouble, where there is one. False: try again later."""
        office, now = self.office, self.office.clock.now()
        boxes = list(office.mailboxes.values())
        mailbox = next((box for box in boxes if box.name not in avoid), boxes[0])
        letter = to_lead(
            mailbox, office.rules.book, office.admin, template=template, purpose=purpose, subject=subject, values=values, to_admin=True
        )
        try:
            with office.store.transaction() as tx:
                store(tx, office.writer(office.rules).write(tx, [Send(letter=letter)], now), office.mailboxes, now)
            self.wake("deliver")
        except Temporary as error:
            log("store.failed", level="warning", loop="supervise", because=str(error))
            return False
        except InboxdError as error:  # the admin's address cannot be written, a template is broken: the daemon goes on
            log("admin.not_told", level="error", because=str(error), todo="inboxd check")
        return True
