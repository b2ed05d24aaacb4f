"""The director of the demo: starts the real daemon against the demo's servers and lets the people of the script act.

Time is virtual and jumps to the next date once everything injected is stored, nothing is due and no send is in hand; so
the same seed gives the same counts, however fast the machine is.
"""

from __future__ import annotations

import heapq
import shutil
import smtplib
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import rich.console

from inboxd import logs
from inboxd.adapters.clock import SystemClock
from inboxd.bootstrap import World, findings, report_page, supervisor
from inboxd.config import Settings, load_settings
from inboxd.core.model import JobKind
from inboxd.daemon.practice import know_everybody
from inboxd.daemon.supervise import Supervisor
from inboxd.demo.cast import VIPS
from inboxd.demo.letters import header_of
from inboxd.demo.script import MAILBOXES, START, STEPS, SUPPORT, TEAM, State, react, step_envelope, step_mail
from inboxd.demo.servers import HOST, DemoServers
from inboxd.demo.telling import Teller, sender_of, staying, summary, welcome
from inboxd.errors import Permanent
from inboxd.rule_sets import shipped

LOG = "daemon.log"
LEFT = frozenset((LOG, "inboxd.sqlite", "inboxd.yaml", "mail", "report.html", "rules"))  # what a demo leaves

PASSWORD = "demo"
FORTNIGHT = timedelta(days=14)  # in which everybody writes: what the report tells of
LENGTH = timedelta(days=40)  # of the story; what is due later is left
SETTLE = 30.0  # real seconds that one step may take
PAUSE = 0.35  # real seconds after each line, for reading
HOUR_A_SECOND = timedelta(hours=1)  # how time runs for a viewer who stays,
AFTER_AGENT = timedelta(days=4)  # and for how long: the question comes after two days;
AFTER_CUSTOMER = timedelta(hours=1)  # a second mail is handed over after ten minutes, and nobody is late yet
DAILY = (JobKind.DIGEST, JobKind.AUDIT, JobKind.WEEKLY, JobKind.ESCALATE)  # come again and again: they alone do not keep the story going


class DemoClock:
    """Virtual time: it stands still while anything is to be done, and jumps when told."""

    def __init__(self, start: datetime) -> None:
        self._at = start
        self._moved = threading.Condition()
        self._fresh = SystemClock()

    def now(self) -> datetime:
        """The virtual time."""
        return self._at

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        """Wait (really) until the virtual time has come or somebody wakes us; clears `wake`."""
        with self._moved:
            while not wake.is_set() and (at is None or self._at < at):
                self._moved.wait(0.02)
        wake.clear()

    def fresh(self) -> str:
        """Unguessable in a demo, too: its tokens are real."""
        return self._fresh.fresh()

    def jump(self, to: datetime) -> None:
        """Go on to this time; never back."""
        with self._moved:
            self._at = max(self._at, to)
            self._moved.notify_all()


@dataclass(order=True)
class Event:
    """Somebody will send this mail at this time."""

    at: datetime
    order: int
    raw: bytes = field(compare=False)
    sender: str = field(compare=False)
    recipients: tuple[str, ...] = field(compare=False)


@dataclass
class Director:
    """One run of the story."""

    servers: DemoServers
    daemon: Supervisor
    clock: DemoClock
    teller: Teller
    seed: int
    events: list[Event] = field(default_factory=list)
    injected: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    _order: int = 0

    def __post_init__(self) -> None:
        self.state = State(seed=self.seed)
        self._steps = {step.number: step for step in STEPS}
        for step in STEPS:
            heapq.heappush(self.events, Event(START + step.at, -1000 + step.number, b"", str(step.number), ()))

    def play(self) -> None:
        """Let everything happen, until nothing more is to come."""
        end = START + LENGTH
        while True:
            self.settle()
            if self.let_people_read():
                continue
            at = self._next()
            if at is None or at > end:
                return
            self.clock.jump(at)
            while self.events and self.events[0].at <= at:
                self._send(heapq.heappop(self.events))

    def _next(self) -> datetime | None:
        """The next date: of the script, or of a job; the daily jobs alone do not keep the story going."""
        store = self.daemon.office.store
        others = tuple(kind for kind in JobKind if kind not in DAILY)
        dates = [at for at in (self.events[0].at if self.events else None, store.next_due(others)) if at is not None]
        daily = store.next_due(DAILY)
        return min([*dates, daily] if dates and daily is not None else dates, default=None)

    def settle(self) -> None:
        """Wait until all that lies in the inbox is stored and nothing that is due is undone."""
        deadline = threading.Event()
        timer = threading.Timer(SETTLE, deadline.set)
        timer.start()
        try:
            quiet = 0
            while quiet < 2:
                quiet = quiet + 1 if self._quiet() else 0
                if deadline.is_set():
                    raise TimeoutError("the daemon did not come to rest; see daemon.log")
                if not self.daemon_lives():
                    raise RuntimeError("the daemon ended; see daemon.log")
                if not quiet:
                    deadline.wait(0.003)
        finally:
            timer.cancel()

    def _quiet(self) -> bool:
        store, sources = self.daemon.office.store, self.daemon.sources
        if any(store.cursor(source.name, source.folder) is None for source in sources):
            return False  # what lies there before the first run is never answered: nobody writes before it
        known = store.look("select count(*) as n from sighting")[0]["n"]
        if known < len(self.servers.messages(SUPPORT)):
            return False
        due = store.next_due(tuple(JobKind))
        return store.in_hand(tuple(JobKind)) == 0 and (due is None or due > self.clock.now())

    def daemon_lives(self) -> bool:
        """Whether the daemon still runs."""
        return not self.daemon.stopping.is_set()

    def let_people_read(self) -> bool:
        """Everybody reads what is new in their mailbox and perhaps will answer; True if anything was new."""
        new = False
        self.teller.noted(self.clock.now())
        for address in MAILBOXES:
            if address == SUPPORT:
                continue
            mails = self.servers.messages(address)
            for mail in mails[self.seen[address] :]:
                new = True
                self.seen[address] += 1
                self.teller.arrived(self.clock.now(), address, mail.raw)
                for reaction in react(address, mail.raw, self.state, self.clock.now()):
                    self._order += 1
                    at = self.clock.now() + reaction.after
                    heapq.heappush(self.events, Event(at, self._order, reaction.raw, reaction.sender, reaction.recipients))
        return new

    def _send(self, event: Event) -> None:
        raw, sender, recipients = event.raw, event.sender, event.recipients
        if not raw:
            step = self._steps[int(sender)]
            mine = [m.raw for m in self.servers.messages(step.who.email)] if step.who.email in MAILBOXES else []
            ours = [mail for mail in mine if SUPPORT.split("@")[1] in header_of(mail, "From")]
            raw = step_mail(step, self.clock.now(), ours[-1] if ours else None)
            sender, recipients = step_envelope(step)
        self.teller.written(self.clock.now(), raw)
        self.injected.append(_identity(raw))
        with smtplib.SMTP(HOST, self.servers.smtp_port, timeout=20) as smtp:
            known = [address for address in recipients if self.servers.mailbox_of(address)]
            smtp.sendmail(sender, known, raw)

    def stay(self) -> None:
        """Let the viewer write; after a mail of theirs time runs for a while, and then waits for them."""
        pause, until = threading.Event(), self.clock.now()
        seen = len(self.servers.messages(SUPPORT))
        while self.daemon_lives():
            pause.wait(1.0)
            now, mails = self.clock.now(), self.servers.messages(SUPPORT)
            theirs = [mail.raw for mail in mails[seen:] if _identity(mail.raw) not in self.injected]
            seen = len(mails)
            for raw in theirs:
                self.teller.written(now, raw)
                until = now + (AFTER_AGENT if sender_of(raw) in TEAM else AFTER_CUSTOMER)
            self.let_people_read()
            if now < until and self._quiet():
                self.clock.jump(now + HOUR_A_SECOND)
            while self.events and self.events[0].at <= self.clock.now():
                self._send(heapq.heappop(self.events))


def _identity(raw: bytes) -> str:
    return header_of(raw, "Message-ID").strip().strip("<>")


def run_demo(*, fast: bool, keep: bool, quiet: bool, out: Path, seed: int) -> dict[str, Any]:
    """Play the story; returns the counts, taken from the store and the mailboxes."""
    begun = SystemClock().now()
    console = rich.console.Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
    clock = DemoClock(START)
    _begin_anew(out)
    pause = threading.Event()

    def tell(line: str) -> None:
        console.print(line)
        if not fast and not line.startswith(" "):  # what belongs to the line above comes with it
            pause.wait(PAUSE)

    with (
        tempfile.TemporaryDirectory(prefix="inboxd-demo-") as state,
        (out / LOG).open("w", encoding="utf-8") as log,
        DemoServers(MAILBOXES, password=PASSWORD, now=clock.now, web=keep) as servers,
    ):
        logs.to(log)
        config = _settings(out, Path(state), servers)
        web = f"http://{HOST}:{servers.http_port}/" if keep else ""
        console.print(welcome(f"{HOST}:{servers.imap_port}", f"{HOST}:{servers.smtp_port}", PASSWORD, web))
        settings = load_settings(config)
        daemon = supervisor(settings, World(clock=clock, on_notify=lambda _: None))
        know_everybody(daemon.office)
        thread = threading.Thread(target=daemon.run, name="daemon")
        thread.start()
        teller = Teller(tell, daemon.office.store.look, console.width)
        director = Director(servers=servers, daemon=daemon, clock=clock, teller=teller, seed=seed)
        try:
            director.play()
            counts = _counts(director)
            counts["seconds"] = round((SystemClock().now() - begun).total_seconds(), 1)
            _leave_mails(director, out)
            counts["report"] = str(_leave_report(director, settings, out))
            console.print(summary(counts, out))
            if keep:
                console.print(staying(web))
                director.stay()
        except KeyboardInterrupt:
            console.print("\nstopped")
            counts = _counts(director) | {"seconds": round((SystemClock().now() - begun).total_seconds(), 1)}
        finally:
            daemon.stop()
            thread.join(30)
            shutil.copyfile(Path(state) / "inboxd.sqlite", out / "inboxd.sqlite")
            logs.to(None)
    config.write_text(config.read_text(encoding="utf-8").replace(f"state_dir: {state}", "state_dir: ."), encoding="utf-8")
    return counts


def _settings(out: Path, state: Path, servers: DemoServers) -> Path:
    """The files an admin would write: settings, and the shipped rules with the story's VIPs."""
    rules = out / "rules"
    shutil.copytree(shipped("rules"), rules)
    people = rules / "people.yaml"
    vips = "".join(f"  {person.email}: {{vip: yes}}\n" for person in VIPS)
    people.write_text(people.read_text(encoding="utf-8").replace("\ncustomers:\n", f"\ncustomers:\n{vips}"), encoding="utf-8")
    password = state / "password"
    password.touch(mode=0o600)
    password.write_text(PASSWORD, encoding="utf-8")
    config = out / "inboxd.yaml"
    config.write_text(
        f"""\
# The settings of the demo. Its mail servers are gone when the demo has ended.
admin: petra@acme.example
timezone: UTC
state_dir: {state}
rules: rules
poll: 30 seconds
mailboxes:
  acme:
    address: {SUPPORT}
    name: Acme Support
    mode: full
    imap: {{host: {HOST}, port: {servers.imap_port}, user: {SUPPORT}, tls: no, password: {{file: {password}}}}}
    smtp: {{host: {HOST}, port: {servers.smtp_port}, tls: no}}
""",
        encoding="utf-8",
    )
    return config


def _counts(director: Director) -> dict[str, Any]:
    store, servers = director.daemon.office.store, director.servers

    def one(sql: str) -> int:
        return int(store.look(sql)[0]["n"])

    stored = {header_of(row["body"], "Message-ID").strip("<> ") for row in store.look("select body from raw")}
    twice = 0
    purposes = {row["message_id"]: row["purpose_key"] for row in store.look("select message_id, purpose_key from outgoing")}
    for address in MAILBOXES:
        if address == SUPPORT:
            continue
        ids = [header_of(mail.raw, "Message-ID").strip("<> ") for mail in servers.messages(address)]
        keys = [purposes[i] for i in ids if i in purposes]
        twice += (len(ids) - len(set(ids))) + (len(keys) - len(set(keys)))
    return {
        "received": len(servers.messages(SUPPORT)),
        "cases": one("select count(*) as n from cases"),
        "to_seniors": one(
            "select count(distinct case_id) as n from event where kind = 'case.assigned' and json_extract(data, '$.team') = 'seniors'"
        ),
        "relayed_to_customers": one("select count(*) as n from outgoing where kind = 'reply' and state = 'sent'"),
        "resolved": one("select count(distinct case_id) as n from event where kind in ('case.agent_resolved', 'case.silence')"),
        "follow_ups_sent": one("select count(*) as n from outgoing where kind = 'follow_up' and state = 'sent'"),
        "satisfied": one("select count(*) as n from cases where outcome in ('satisfied', 'won_back')"),
        "dissatisfied": one("select count(*) as n from event where kind = 'case.dissatisfied'"),
        "reopened": one("select count(*) as n from cases where reopened > 0"),
        "automatic_ignored": one("select count(*) as n from event where kind in ('message.automatic', 'case.automatic_noted')"),
        "parked": one("select count(*) as n from job where parked_at is not null"),
        "lost": sum(mail_id not in stored for mail_id in director.injected if mail_id),
        "sent_twice": twice,
    }


def _leave_report(director: Director, settings: Settings, out: Path) -> Path:
    """What the lead of the story would learn from its fortnight, as a page."""
    office, first = director.daemon.office, START.date()
    last = (START + FORTNIGHT).date() - timedelta(days=1)
    found = findings(settings, office.store, office.rules.book, director.clock.now(), first, last)
    page = out / "report.html"
    page.write_text(report_page(found), encoding="utf-8")
    return page


def _begin_anew(out: Path) -> None:
    """Empty the folder of what an earlier demo left; raises Permanent where it holds anything else."""
    try:
        there = {path.name for path in out.iterdir()} if out.exists() else set()
        if there and not (LOG in there and there <= LEFT):
            raise Permanent(
                f"{out} holds what no demo left there ({', '.join(sorted(there - LEFT or there)[:3])}); name a folder of its own"
            )
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
    except OSError as error:
        raise Permanent(f"{out} cannot be written ({error.strerror}); name a folder that is yours") from error


def _leave_mails(director: Director, out: Path) -> None:
    """Every mailbox of the story as files, to read and to try `inboxd explain` on."""
    for address in MAILBOXES:
        folder = out / "mail" / address
        folder.mkdir(parents=True, exist_ok=True)
        for number, mail in enumerate(director.servers.messages(address), 1):
            (folder / f"{number:03d}.eml").write_bytes(mail.raw)
