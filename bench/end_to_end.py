"""End to end, IMAP fetch to SMTP hand-over, on real Dovecot, next to a bare loop in the same run: `python -m bench end_to_end`.

The bare loop fetches in batches of 50, commits once a batch, then hands over each mail on one connection and commits once
a mail, SQLite FULL; it decides nothing. The sink is the smallest SMTP server that can be written;
it takes several commands in one write (RFC 2920), as Postfix and all others do, which smtplib never gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import multiprocessing
import random  # noqa: TID251  # words of made-up mails, from a fixed seed
import smtplib
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from time import perf_counter, process_time, sleep

from imapclient import IMAPClient

from bench import Figure
from inboxd import logs
from inboxd.adapters.clock import SystemClock
from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.sqlite.dump import dump
from inboxd.bootstrap import World, supervisor
from inboxd.config import load_settings
from inboxd.core.decide import decide
from inboxd.core.model import (
    Action,
    Advance,
    Assign,
    CaseNo,
    Decision,
    Join,
    Label,
    Log,
    MailboxName,
    MessageNo,
    OpenCase,
    PersonNo,
    RawMessage,
    Scores,
    Send,
    ToRead,
    Understood,
)
from inboxd.core.understand import understand
from inboxd.daemon.deliver import deliver
from inboxd.daemon.fetch import fetch
from inboxd.daemon.keep_house import open_house
from inboxd.daemon.practice import know_everybody
from inboxd.daemon.supervise import Supervisor
from inboxd.daemon.triage import triage
from inboxd.ports import Cursor, Store
from inboxd.rule_sets import shipped
from tests.servers import PASSWORD, Dovecot, a_place, missing
from tests.stories.day import ACME, Day

MAILS = 1000
BATCH = 50
SUPPORT = "support@bench.test"
WORDS = """order parcel bicycle pump invoice Tuesday street again delivery please thank chain brake number address where when
colour spring wheel money account message nothing friendly question answer week light saddle basket repair courier waited""".split()  # noqa: SIM905


def figures(_: Path) -> dict[str, Figure]:
    """Measure all, or nothing (with the reason printed) where Dovecot cannot run."""
    why = missing()
    if why:
        print(f"  skipped: {why}")
        return {}
    with a_place() as place, sink() as taking:
        users = ("bare", "plain", "read", "stages")
        dovecot = Dovecot.start(place, users)
        try:
            for user in users:
                _fill(dovecot, user)
            stages = _stages(dovecot, "stages", taking)
            bare = _bare_loop(dovecot, "bare", taking)
            plain = _daemon(dovecot, "plain", taking, reading=False)
            whole = _daemon(dovecot, "read", taking, reading=True)
        finally:
            dovecot.stop()
    return {
        "bare_loop": Figure(bare.whole, "mails/s"),
        "without_reading": Figure(plain.rate, "mails/s", bare.whole),
        "with_reading": Figure(whole.rate, "mails/s", bare.whole),
        "bare_cpu": Figure(bare.cpu, "ms/mail"),
        "without_reading_cpu": Figure(plain.cpu, "ms/mail", bare.cpu),
        "with_reading_cpu": Figure(whole.cpu, "ms/mail", bare.cpu),
        "stage_fetch": Figure(stages["fetch"], "mails/s", bare.fetch),
        **_pure_stages(),
        "stage_triage": Figure(stages["triage"], "mails/s"),
        "stage_send": Figure(stages["send"], "mails/s", bare.send),
    }


# --- mails ---------------------------------------------------------------------------------------------------------------


def a_mail(number: int) -> bytes:
    """One made-up mail of about 8 KB from a customer of its own (two in ten minutes would be handed over together)."""
    chance = random.Random(number)
    who = f"c{number}@customer.test"
    text = "\r\n".join(" ".join(chance.choices(WORDS, k=11)) for _ in range(22))
    received = "".join(f"Received: from relay{i}.test by mx{i}.test with ESMTP id {chance.random()}\r\n" for i in range(8))
    pad = "\r\n".join(chance.randbytes(54).hex() for _ in range(48))
    return (
        f"{received}Message-ID: <{number}.{chance.random()}@customer.test>\r\nFrom: C {number} <{who}>\r\nTo: {SUPPORT}\r\n"
        f"Subject: {' '.join(chance.choices(WORDS, k=4))}\r\nDate: Mon, 16 Nov 2026 09:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n{text}\r\n'
        f'--b\r\nContent-Type: application/octet-stream; name="a.bin"\r\n'
        f'Content-Disposition: attachment; filename="a.bin"\r\n\r\n{pad}\r\n--b--\r\n'
    ).encode()


def _fill(dovecot: Dovecot, user: str) -> None:
    with _imap(dovecot, user) as client:
        client.create_folder("Work")
        for start in range(0, MAILS, BATCH):
            client.multiappend("Work", [a_mail(number) for number in range(start, start + BATCH)])


@contextlib.contextmanager
def _imap(dovecot: Dovecot, user: str) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=60) as client:
        client.login(user, PASSWORD)
        yield client


# --- the raw limit -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bare:
    """How fast the bare loop was, and each of its halves alone; and what a mail cost its process, which no slow disk changes."""

    whole: float
    cpu: float
    fetch: float
    send: float


def _bare_loop(dovecot: Dovecot, user: str, taking: Sink) -> Bare:
    begun, spent = perf_counter(), process_time()  # with its connections: the daemon's time has them, too
    with tempfile.TemporaryDirectory() as place, _imap(dovecot, user) as client, smtplib.SMTP("127.0.0.1", taking.port) as smtp:
        db = sqlite3.connect(Path(place) / "bare.sqlite", isolation_level=None)
        for statement in (
            "pragma journal_mode=WAL",
            "pragma synchronous=FULL",
            "create table m (id integer primary key, raw blob, sent int)",
        ):
            db.execute(statement)
        fetching = sending = 0.0
        client.select_folder("Work", readonly=True)
        uids = client.search("ALL")
        for start in range(0, len(uids), BATCH):
            at = perf_counter()
            found = client.fetch(uids[start : start + BATCH], [b"BODY.PEEK[]"])
            rows = []
            db.execute("begin immediate")
            for item in found.values():
                raw = item[b"BODY[]"]
                rows.append((db.execute("insert into m (raw, sent) values (?, 0)", (raw,)).lastrowid, raw))
            db.execute("commit")
            fetching, at = fetching + perf_counter() - at, perf_counter()
            for row, raw in rows:
                smtp.sendmail(SUPPORT, ["agent@bench.test"], raw)
                db.execute("begin immediate")
                db.execute("update m set sent = 1 where id = ?", (row,))
                db.execute("commit")
            sending += perf_counter() - at
        cpu = 1000 * (process_time() - spent) / MAILS
        return Bare(whole=MAILS / (perf_counter() - begun), cpu=cpu, fetch=MAILS / fetching, send=MAILS / sending)


# --- stage by stage ------------------------------------------------------------------------------------------------------


def _stages(dovecot: Dovecot, user: str, taking: Sink) -> dict[str, float]:
    """The daemon's own steps one after the other, each alone: how fast it could go if nothing else ran."""
    with _a_daemon(dovecot, user, taking, reading=False) as daemon:
        rates = {}
        open_house(daemon.office)
        steps: dict[str, Callable[[], int]] = {
            "fetch": lambda: fetch(daemon.sources[0], daemon.office.store, daemon.office.clock),
            "triage": lambda: triage(daemon.office),
            "send": lambda: deliver(daemon.office, daemon.post),
        }
        for name, step in steps.items():
            begun, count = perf_counter(), 0
            while done := step():
                count += done
            rates[name] = count / (perf_counter() - begun)
        return rates


def _pure_stages() -> dict[str, Figure]:
    """Parsing, deciding, writing letters and writing down, each alone; the limits are the least that could do the work."""
    with tempfile.TemporaryDirectory() as place, (Path(place) / "log").open("w") as written:
        logs.to(written)
        try:
            rate = _rates_of_pure_stages(Path(place))
        finally:
            logs.to(None)
    return {
        "stage_parse": Figure(rate["parse"], "mails/s", rate["library"]),
        "stage_decide": Figure(rate["decide"], "mails/s"),
        "stage_write": Figure(rate["write"], "mails/s"),
        "stage_record": Figure(rate["record"], "mails/s", rate["bare_record"]),
    }


def _rates_of_pure_stages(place: Path) -> dict[str, float]:
    day = Day(reader=_NoReader(), book=load_rules(shipped("rules")), store_path=place / "s.sqlite")
    raws = [
        RawMessage(number=MessageNo(n + 1), mailbox=ACME, received_at=day.clock.now(), raw=a_mail(n), folder="INBOX") for n in range(400)
    ]
    seconds: dict[str, float] = {}
    with _clocked(seconds, "parse"):
        understood = [
            one for one in understand(raws, day.office.directory(day.office.rules), _NoReader().read) if isinstance(one, Understood)
        ]
    with _clocked(seconds, "library"):
        for raw in raws:
            message = email.message_from_bytes(raw.raw)
            [part.get_payload(decode=True) for part in message.walk()]
    for raw in raws:
        day.mailbox.put(raw.raw, day.clock.now())
    fetch(day.source, day.store, day.clock)
    office = day.office
    gatherer, mailbox = office.gatherer(office.rules), office.mailboxes[ACME]
    with day.store.transaction() as tx:
        with _clocked(seconds, "decide"):
            decided = []
            for one in understood:
                situation = gatherer.message(tx, one, mailbox, office.clock.now())
                decided.append((situation, decide(situation, office.rules.book, office.policy, office.admin)))
        with _clocked(seconds, "write"):
            for situation, decision in decided:
                office.writer(office.rules).write(tx, [a for a in decision.actions if isinstance(a, Send)], situation.now)
    with _clocked(seconds, "record"):
        for start in range(0, len(decided), 32):
            with day.store.transaction() as tx:
                for number, (situation, decision) in enumerate(decided[start : start + 32], start):
                    tx.record(situation, _renumbered(decision, number), "hash")
    facts = [dump(situation) for situation, _ in decided]
    db = sqlite3.connect(place / "bare.sqlite", isolation_level=None)
    for statement in ("pragma journal_mode=WAL", "pragma synchronous=FULL", "create table d (id integer primary key, facts text)"):
        db.execute(statement)
    with _clocked(seconds, "bare_record"):
        for start in range(0, len(facts), 32):
            db.execute("begin immediate")
            db.executemany("insert into d (facts) values (?)", [(each,) for each in facts[start : start + 32]])
            db.execute("commit")
    return {name: len(raws) / spent for name, spent in seconds.items()}


def _renumbered(decision: Decision, number: int) -> Decision:
    """All were decided from the same empty store: give each case a number of its own."""
    case, person = CaseNo(2000 + number), PersonNo(2000 + number)
    actions: list[Action] = []
    for action in decision.actions:
        if isinstance(action, OpenCase):
            opened = replace(action.case, number=case, customer=person)
            actions.append(replace(action, case=opened, person=replace(action.person, number=person)))
        else:
            actions.append(replace(action, case=case) if isinstance(action, Join | Advance | Assign | Label | Log) else action)
    return replace(decision, case=case, actions=tuple(actions))


@contextlib.contextmanager
def _clocked(seconds: dict[str, float], name: str) -> Iterator[None]:
    begun = perf_counter()
    yield
    seconds[name] = perf_counter() - begun


# --- the daemon ----------------------------------------------------------------------------------------------------------


class _NoReader:
    """Reads nothing: what the rest costs."""

    model = "none"

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        return [Scores(language="en") for _ in texts]


@contextlib.contextmanager
def _a_daemon(dovecot: Dovecot, user: str, taking: Sink, *, reading: bool) -> Iterator[Supervisor]:
    """A daemon on the mailbox of a user, ready to run."""
    with tempfile.TemporaryDirectory() as place, (Path(place) / "log").open("w") as written:
        logs.to(written)
        config = Path(place) / "inboxd.yaml"
        (Path(place) / "password").touch(mode=0o600)
        (Path(place) / "password").write_text(PASSWORD)
        config.write_text(
            f"admin: admin@bench.test\ntimezone: UTC\nstate_dir: {place}/state\nrules: {shipped('rules')}\nmailboxes:\n  bench:\n"
            f"    address: {SUPPORT}\n    mode: full\n"
            f"    folders: {{inbox: Work}}\n"
            f"    imap: {{host: 127.0.0.1, port: {dovecot.imap_port}, user: {user}, tls: no, password: {{file: password}}}}\n"
            f"    smtp: {{host: 127.0.0.1, port: {taking.port}, tls: no}}\n"
        )
        daemon = supervisor(load_settings(config), World(clock=SystemClock(), on_notify=lambda _: None))
        _begin_at_once(daemon.office.store, dovecot, user)
        know_everybody(daemon.office)
        if not reading:
            daemon.office.rules = replace(daemon.office.rules, reader=_NoReader())
        try:
            yield daemon
        finally:
            logs.to(None)


@dataclass(frozen=True)
class Ran:
    """Mails a second, and milliseconds of processor time a mail."""

    rate: float
    cpu: float


def _daemon(dovecot: Dovecot, user: str, taking: Sink, *, reading: bool) -> Ran:
    """From the start of the daemon's loops to the last mail handed over."""
    with _a_daemon(dovecot, user, taking, reading=reading) as daemon:
        before, begun, spent = taking.taken, perf_counter(), process_time()
        thread = threading.Thread(target=daemon.run)
        thread.start()
        while taking.taken - before < MAILS and perf_counter() - begun < 60:
            sleep(0.01)
        sent = taking.taken - before
        ran = Ran(rate=sent / (perf_counter() - begun), cpu=1000 * (process_time() - spent) / max(sent, 1))
        daemon.stop()
        thread.join()
        return ran


def _begin_at_once(store: Store, dovecot: Dovecot, user: str) -> None:
    """The mails lie there already: let the cursor begin before them, as if they had come one by one."""
    with _imap(dovecot, user) as client:
        validity = int(client.select_folder("Work", readonly=True)[b"UIDVALIDITY"])
    with store.transaction() as tx:
        cursor = Cursor(folder="Work", uidvalidity=validity, next_uid=1, first_run_at=SystemClock().now())
        tx.move_cursor(MailboxName("bench"), cursor)


# --- the sink ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sink:
    """An SMTP server in a process of its own that takes everything and keeps nothing: never the bottleneck."""

    port: int
    count: Synchronized[int]

    @property
    def taken(self) -> int:
        """How many mails it has taken."""
        return self.count.value


@contextlib.contextmanager
def sink() -> Iterator[Sink]:
    """Run a sink."""
    spawn = multiprocessing.get_context("spawn")
    port, count = spawn.Value("i", 0), spawn.Value("i", 0)
    process = spawn.Process(target=_serve_for_ever, args=(port, count), daemon=True)
    process.start()
    while not port.value:
        sleep(0.01)
    try:
        yield Sink(port=port.value, count=count)
    finally:
        process.terminate()
        process.join()


def _serve_for_ever(port: Synchronized[int], count: Synchronized[int]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go\r\n")
                await writer.drain()
                await reader.readuntil(b"\r\n.\r\n")
                count.value += 1
                writer.write(b"250 taken\r\n")
            elif verb == b"EHLO":
                writer.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
        port.value = server.sockets[0].getsockname()[1]
        await server.serve_forever()

    asyncio.run(run())
