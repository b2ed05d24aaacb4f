"""End to end, IMAP fetch to SMTP hand-over, on real Dovecot, next to a bare loop in the same run: `python -m bench end_to_end`.

The bare loop fetches in batches of 50, commits once a batch, then hands over each mail on one connection and commits once
a mail, SQLite FULL; it decides nothing. The sink is the smallest SMTP server that can be written.
"""

from __future__ import annotations

import asyncio
import contextlib
import random  # noqa: TID251  # words of made-up mails, from a fixed seed
import resource
import smtplib
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

from imapclient import IMAPClient

from inboxd import logs
from inboxd.adapters.clock import SystemClock
from inboxd.bootstrap import World, shipped, supervisor
from inboxd.config import load_settings
from inboxd.core.model import Scores, ToRead
from tests.servers import PASSWORD, Dovecot, a_place, missing

MAILS = 1000
BATCH = 50
SUPPORT = "support@bench.test"
WORDS = """order parcel bicycle pump invoice Tuesday street again delivery please thank chain brake number address where when
colour spring wheel money account message nothing friendly question answer week light saddle basket repair courier waited""".split()  # noqa: SIM905


def figures(_: Path) -> dict[str, float]:
    """Measure all, or nothing (with the reason printed) where Dovecot cannot run."""
    why = missing()
    if why:
        print(f"  skipped: {why}")
        return {}
    with a_place() as place, Sink() as sink:
        dovecot = Dovecot.start(place, ["bare", "plain", "read"])
        try:
            for user in ("bare", "plain", "read"):
                _fill(dovecot, user)
            bare = _bare_loop(dovecot, "bare", sink)
            plain = _daemon(dovecot, "plain", sink, reading=False)
            whole = _daemon(dovecot, "read", sink, reading=True)
        finally:
            dovecot.stop()
    return {
        "bare_loop_mails_per_s": bare,
        "mails_per_s_without_reading": plain.rate,
        "share_of_bare_loop_without_reading": plain.rate / bare,
        "mails_per_s": whole.rate,
        "share_of_bare_loop": whole.rate / bare,
        "stored_only_mails_per_s": whole.stored_rate,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


# --- mails ---------------------------------------------------------------------------------------------------------------


def _mail(number: int) -> bytes:
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
            client.multiappend("Work", [_mail(number) for number in range(start, start + BATCH)])


@contextlib.contextmanager
def _imap(dovecot: Dovecot, user: str) -> Iterator[IMAPClient]:
    with IMAPClient("127.0.0.1", dovecot.imap_port, ssl=False, timeout=60) as client:
        client.login(user, PASSWORD)
        yield client


# --- the raw limit -------------------------------------------------------------------------------------------------------


def _bare_loop(dovecot: Dovecot, user: str, sink: Sink) -> float:
    with tempfile.TemporaryDirectory() as place, _imap(dovecot, user) as client, smtplib.SMTP("127.0.0.1", sink.port) as smtp:
        db = sqlite3.connect(Path(place) / "bare.sqlite", isolation_level=None)
        for statement in (
            "pragma journal_mode=WAL",
            "pragma synchronous=FULL",
            "create table m (id integer primary key, raw blob, sent int)",
        ):
            db.execute(statement)
        begun = perf_counter()
        client.select_folder("Work", readonly=True)
        uids = client.search("ALL")
        for start in range(0, len(uids), BATCH):
            found = client.fetch(uids[start : start + BATCH], [b"BODY.PEEK[]"])
            rows = []
            db.execute("begin immediate")
            for item in found.values():
                raw = item[b"BODY[]"]
                rows.append((db.execute("insert into m (raw, sent) values (?, 0)", (raw,)).lastrowid, raw))
            db.execute("commit")
            for row, raw in rows:
                smtp.sendmail(SUPPORT, ["agent@bench.test"], raw)
                db.execute("begin immediate")
                db.execute("update m set sent = 1 where id = ?", (row,))
                db.execute("commit")
        return MAILS / (perf_counter() - begun)


# --- the daemon ----------------------------------------------------------------------------------------------------------


@dataclass
class Rate:
    """How fast it went, and how fast the mails were safe in the store."""

    rate: float
    stored_rate: float


class _NoReader:
    """Reads nothing: what the rest costs."""

    model = "none"

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        return [Scores(language="en") for _ in texts]


def _daemon(dovecot: Dovecot, user: str, sink: Sink, *, reading: bool) -> Rate:
    with tempfile.TemporaryDirectory() as place, (Path(place) / "log").open("w") as log:
        logs.to(log)
        config = Path(place) / "inboxd.yaml"
        (Path(place) / "password").touch(mode=0o600)
        (Path(place) / "password").write_text(PASSWORD)
        config.write_text(
            f"admin: admin@bench.test\ntimezone: UTC\nstate_dir: {place}/state\nrules: {shipped('rules')}\nmailboxes:\n  bench:\n"
            f"    address: {SUPPORT}\n    mode: full\n"
            f"    folders: {{inbox: Work}}\n"
            f"    imap: {{host: 127.0.0.1, port: {dovecot.imap_port}, user: {user}, tls: no, password: {{file: password}}}}\n"
            f"    smtp: {{host: 127.0.0.1, port: {sink.port}, tls: no}}\n"
        )
        daemon = supervisor(load_settings(config), World(clock=SystemClock(), on_notify=lambda _: None))
        _begin_at_once(daemon.office.store, dovecot, user)
        if not reading:
            from dataclasses import replace

            daemon.office.rules = replace(daemon.office.rules, reader=_NoReader())
        before, begun, stored = sink.taken, perf_counter(), 0.0
        thread = threading.Thread(target=daemon.run)
        thread.start()
        while sink.taken - before < MAILS and perf_counter() - begun < 60:
            if not stored and daemon.office.store.look("select count(*) as n from sighting")[0]["n"] >= MAILS:
                stored = perf_counter() - begun
            sleep(0.01)
        rate = (sink.taken - before) / (perf_counter() - begun)
        daemon.stop()
        thread.join()
        logs.to(None)
        return Rate(rate=rate, stored_rate=MAILS / stored if stored else 0.0)


def _begin_at_once(store: object, dovecot: Dovecot, user: str) -> None:
    """The mails lie there already: let the cursor begin before them, as if they had come one by one."""
    from inboxd.core.model import MailboxName
    from inboxd.ports import Cursor

    with _imap(dovecot, user) as client:
        validity = int(client.select_folder("Work", readonly=True)[b"UIDVALIDITY"])
    with store.transaction() as tx:  # type: ignore[attr-defined]
        cursor = Cursor(folder="Work", uidvalidity=validity, next_uid=1, first_run_at=SystemClock().now())
        tx.move_cursor(MailboxName("bench"), cursor)


# --- the sink ------------------------------------------------------------------------------------------------------------


class Sink:
    """An SMTP server that takes everything and keeps nothing: never the bottleneck."""

    def __init__(self) -> None:
        self.port, self.taken = 0, 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Sink:
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 26))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go\r\n")
                await writer.drain()
                await reader.readuntil(b"\r\n.\r\n")
                self.taken += 1
                writer.write(b"250 taken\r\n")
            elif verb == b"EHLO":
                writer.write(b"250-sink\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()
