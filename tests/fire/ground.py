"""The ground of the fire tests: one mail server for everybody, Postfix, a desk with settings, and the daemon's process to kill.

Nothing here looks away: what was sent, what lies in which mailbox, and what the store says are asked separately.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import os
import re
import signal
import smtplib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from inboxd.bootstrap import CRASH_AT, STORE_FILE
from tests.daylight import zone_of_noon
from tests.fire.cyrus import Cyrus
from tests.real_desk import AGENTS, CUSTOMERS, NAMES, SENIORS, SUPPORT, TEAM, Letter, eventually
from tests.servers import PASSWORD, Dovecot, Postfix, _alive, a_place

PATIENCE = 60.0  # seconds; the machine may be busy


@dataclass
class Process:
    """`inboxd run`, started cold as an operator does, or forked from a parent that has loaded the model."""

    config: Path
    log: Path
    rules: Path
    warm: bool
    pid: int = 0
    _child: subprocess.Popen[bytes] | None = None
    _parent: subprocess.Popen[str] | None = None

    def start(self, crash_at: str = "") -> None:
        """Start; dies by itself at this point, if one is named. Does not wait."""
        assert not self.alive
        if self.warm:
            self.pid = self._fork(crash_at)
            return
        environment = os.environ | ({CRASH_AT: crash_at} if crash_at else {})
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "inboxd", "run", "--config", str(self.config)]
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.config.parent, env=environment
            )  # fmt: skip
        self.pid = self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return bool(self.pid) and _alive(self.pid)

    def kill(self) -> None:
        """Cut its power, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it as systemd does."""
        self._end(signal.SIGTERM)

    def starts(self) -> int:
        """How often it said that it runs."""
        return self.said("daemon.started")

    def said(self, event: str) -> int:
        """How often the log names this event."""
        return self.log.read_text().count(event) if self.log.exists() else 0

    def close(self) -> None:
        """End whatever runs."""
        self.kill()
        if self._parent is not None:
            self._parent.kill()
            self._parent.wait(10)
            for pipe in (self._parent.stdin, self._parent.stdout):
                if pipe is not None:
                    pipe.close()

    def _end(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)
        if self._child is not None:
            self._child.wait(30)
            self._child = None
        eventually(lambda: not self.alive, "the end of the process", within=30)
        self.pid = 0

    def _fork(self, crash_at: str) -> int:
        if self._parent is None:
            command = [sys.executable, "-m", "tests.fire.warm", str(self.rules)]
            root = Path(__file__).parents[2]
            self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
            assert self._answer() == "ready"
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{self.log}\t{self.config}\t{crash_at}\n")
        self._parent.stdin.flush()
        return int(self._answer())

    def _answer(self) -> str:
        assert self._parent is not None and self._parent.stdout is not None
        line = self._parent.stdout.readline().strip()
        assert line, "the warm parent ended"
        return line


@dataclass
class Post:
    """One person's mailbox, read over IMAP without marking anything."""

    port: int
    user: str
    _imap: imaplib.IMAP4 | None = None
    _known: dict[str, Letter] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # agents at work and whoever counts read the same mailbox

    def letters(self, folder: str = "INBOX") -> list[Letter]:
        """All mail that lies there now, oldest first; logs in anew where the server has gone in between."""
        with self._lock:
            try:
                return self._read(folder)
            except (imaplib.IMAP4.error, OSError):
                self.leave()
                return self._read(folder)

    def leave(self) -> None:
        """Close the connection."""
        if self._imap is not None:
            with contextlib.suppress(OSError):
                self._imap.shutdown()
        self._imap = None

    def _read(self, folder: str) -> list[Letter]:
        if self._imap is None:
            self._imap = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
            self._imap.login(self.user, PASSWORD)
        self._imap.select(folder, readonly=True)
        validity = str((self._imap.response("UIDVALIDITY")[1] or [b""])[0])
        uids = [int(uid) for uid in self._imap.uid("SEARCH", "ALL")[1][0].split()]
        keys = {uid: f"{folder}:{validity}:{uid}" for uid in uids}
        new = [uid for uid in uids if keys[uid] not in self._known]
        for start in range(0, len(new), 50):
            some = ",".join(map(str, new[start : start + 50]))
            for part in self._imap.uid("FETCH", some, "(UID BODY.PEEK[])")[1]:
                if isinstance(part, tuple):
                    uid = int(re.search(rb"UID (\d+)", part[0])[1])  # type: ignore[index]
                    message = email.message_from_bytes(part[1], policy=email.policy.default)
                    assert isinstance(message, EmailMessage)
                    self._known[keys[uid]] = Letter(raw=part[1], message=message)
        return [self._known[keys[uid]] for uid in uids]


@dataclass(kw_only=True)
class Ground:
    """Everything that takes part."""

    server: Dovecot | Cyrus
    postfix: Postfix
    home: Path
    daemon: Process
    customers: tuple[str, ...]
    folder: str = "INBOX"
    _posts: dict[str, Post] = field(default_factory=dict)

    def post(self, user: str) -> Post:
        """A person's mailbox."""
        return self._posts.setdefault(user, Post(port=self.server.imap_port, user=user))

    def leave(self) -> None:
        """Close all mailboxes."""
        for post in self._posts.values():
            post.leave()

    def submit(self, sender: str, recipient: str, message: EmailMessage) -> None:
        """Hand a mail to Postfix; comes back when Postfix has promised to deliver it."""
        with smtplib.SMTP("127.0.0.1", self.postfix.smtp_port, timeout=60) as server:
            server.send_message(message, sender, [recipient])

    def on_the_way(self) -> int:
        """How many mails Postfix still holds: a server that is slow to take one gets it again seconds later."""
        queues = (self.postfix.place / "queue" / name for name in ("maildrop", "incoming", "active", "deferred"))
        return sum(path.is_file() for queue in queues for path in queue.rglob("*"))

    def arrived(self) -> int:
        """How many mails lie in the folder that inboxd watches."""
        if self.folder != "INBOX" and isinstance(self.server, Dovecot):  # as a filter of the mailbox's owner does
            self.server.doveadm("move", "-u", "support", self.folder, "mailbox", "INBOX", "all")
        return len(self.post("support").letters(self.folder))

    def look(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Ask the store, beside whatever runs; nothing before the first start."""
        path = self.home / "state" / STORE_FILE
        if not path.exists():
            return []
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                return [dict(row) for row in connection.execute(sql, values)]
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def eventually(self, look: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
        """Look until something is there; where patience ends, with the ends of the logs."""
        return eventually(look, what, within, self.clue)

    def clue(self) -> str:
        """The last lines of what was logged, and the jobs."""
        log = self.daemon.log.read_text() if self.daemon.log.exists() else ""
        logs = {"daemon": log, "postfix": self.postfix.log()}
        said = "\n".join(f"--- {name}\n" + "\n".join(text.splitlines()[-25:]) for name, text in logs.items())
        return f"{said}\n--- jobs\n{self.look('select * from job')[:20]}"

    def inboxd(self, *args: str) -> tuple[int, str]:
        """Run a command of the operator's; returns its exit code and all it said."""
        return _inboxd(self.home, *args)

    def first_look(self) -> None:
        """Start, and wait until what lay there before is entered."""
        self.daemon.start()
        self.eventually(lambda: self.look("select 1 from cursor"), "the first look into the mailbox")


@contextmanager
def a_ground(server: str, customers: int, *, warm: bool = False, folder: str = "INBOX") -> Iterator[Ground]:
    """Servers, people and settings; the daemon is not started yet. Plain text on the loopback, so that streams can be cut anywhere."""
    with a_place() as place, contextlib.ExitStack() as stack:
        names = tuple(f"c{number}" for number in range(customers))
        users = [*NAMES, "support", *names]
        kind: type[Dovecot | Cyrus] = Cyrus if server == "cyrus" else Dovecot
        one = kind.start(place / server, users=users)
        stack.callback(one.stop)
        postfix = Postfix.start(place / "postfix", one.lmtp_port, domains=[TEAM, CUSTOMERS], users=users)
        stack.callback(postfix.stop)
        home = place / "desk"
        daemon = Process(config=home / "inboxd.yaml", log=place / "daemon.log", rules=home / "rules", warm=warm)
        stack.callback(daemon.close)
        ground = Ground(server=one, postfix=postfix, home=home, daemon=daemon, customers=names, folder=folder)
        stack.callback(ground.leave)
        write_settings(ground, place)
        yield ground


def write_settings(ground: Ground, place: Path) -> None:
    """Settings and rules as `inboxd init` writes them; what gathers for minutes gathers for a second."""
    password = place / "password"
    password.write_text(f"{PASSWORD}\n")
    people = [option for name, full in AGENTS.items() for option in ("--agent", f"{full} <{name}@{TEAM}>")]
    people += [option for name in SENIORS for option in ("--senior", name)]
    people += ["--lead", f"petra@{TEAM}", "--admin", f"operator@{TEAM}", "--name", "Acme Support"]
    imap = ["--imap-host", "127.0.0.1", "--imap-port", str(ground.server.imap_port), "--imap-user", "support", "--imap-tls", "no"]
    smtp = ["--smtp-host", "127.0.0.1", "--smtp-port", str(ground.postfix.smtp_port), "--smtp-tls", "no", "--smtp-no-login"]
    options = ["--non-interactive", "--address", SUPPORT, "--mode", "full", "--password-file", str(password)]
    code, talk = _inboxd(None, "init", str(ground.home), *options, *people, *imap, *smtp)
    assert code == 0, talk
    ground.home.joinpath("state").mkdir(exist_ok=True)
    change(ground, "timezone: UTC", f"timezone: {zone_of_noon()}\ngather: 1 second\ngather_quiet: 1 second")
    change(ground, "hold: 2 minutes", "hold: no")


def change(ground: Ground, old: str, new: str) -> None:
    """Edit the settings as an admin does."""
    path = ground.home / "inboxd.yaml"
    text = path.read_text()
    assert old in text, f"inboxd.yaml lacks {old!r}:\n{text}"
    path.write_text(text.replace(old, new))


def _inboxd(home: Path | None, *args: str) -> tuple[int, str]:
    config = () if home is None else ("--config", str(home / "inboxd.yaml"))
    command = [sys.executable, "-m", "inboxd", *args, *config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def real_now() -> float:
    """Seconds for measuring."""
    return time.monotonic()
