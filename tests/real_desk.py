"""A support team on real servers: people who write by SMTP and read by IMAP, and the daemon as a process of its own.

    with a_desk() as desk:
        desk.daemon.start()
        desk.person("ana").writes("Pump", "Which one fits?")
        mail = desk.person("tom").gets("Pump")
        desk.person("tom").answers(mail, "The small one.")

All that is asked of people's mail is asked of their mailboxes, over IMAP.
"""

from __future__ import annotations

import email
import email.policy
import imaplib
import json
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Any, TypeVar

from tests.daylight import zone_of_noon
from tests.servers import PASSWORD, Dovecot, Postfix, a_place

TEAM, CUSTOMERS = "acme.test", "customers.test"
SUPPORT = f"support@{TEAM}"
AGENTS = {"tom": "Tom Baker", "maria": "Maria Lindt", "jonas": "Jonas Weber"}
SENIORS = ("maria", "jonas")
LEAD, ADMIN = "petra", "operator"
NAMES = {**AGENTS, LEAD: "Petra Sommer", ADMIN: "Olaf Perator"}

OURS = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}  # the daemon runs what is tested here, not what is installed elsewhere

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str, within: float = 20, clue: Callable[[], str] = str) -> T:
    """Look until something is there, often and with patience; returns what was found."""
    until = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < until, f"waited {within:.0f} s for {what}\n{clue()}"
        time.sleep(0.05)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail as it lies in somebody's mailbox."""

    raw: bytes
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def sender(self) -> tuple[str, str]:
        return parseaddr(str(self.message["From"]))

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain", "html"))
        return part.get_content() if part is not None else ""

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        return part.get_content() if part is not None else ""

    @property
    def everything(self) -> str:
        """All headers and all text parts, decoded: whatever a reader could find in it."""
        parts = [part.get_content() for part in self.message.walk() if part.get_content_maintype() == "text"]
        return "\n".join([*(f"{name}: {value}" for name, value in self.message.items()), *parts])


@dataclass
class Person:
    """Somebody with a mailbox and a mail program."""

    desk: Desk
    name: str
    full: str
    address: str
    _letters: dict[int, Letter] = field(default_factory=dict, repr=False)
    _imap: imaplib.IMAP4 | None = field(default=None, repr=False)

    # --- writing

    def writes(self, subject: str, text: str, *, to: str = SUPPORT, cc: str = "", **more: Any) -> EmailMessage:
        """Send a mail by SMTP; `headers`, `html` alone, `page` (HTML beside the text) and `photo` may be added."""
        message = EmailMessage(policy=email.policy.SMTP)
        self.desk.written += 1
        message["Message-ID"] = f"<mail{self.desk.written}.{os.getpid()}@{self.address.partition('@')[2]}>"
        message["Date"] = formatdate()
        message["From"], message["To"], message["Subject"] = f"{self.full} <{self.address}>", to, subject
        if cc:
            message["Cc"] = cc
        for header, value in more.get("headers", {}).items():
            message[header] = value
        message.set_content(more.get("html", text), subtype="html" if "html" in more else "plain")
        if "page" in more:
            message.add_alternative(more["page"], subtype="html")
        if "photo" in more:
            message.add_attachment(more["photo"], maintype="image", subtype="png", filename="wheel.png")
        recipients = [parseaddr(to)[1], *([parseaddr(cc)[1]] if cc else [])]
        with smtplib.SMTP("localhost", self.desk.postfix.smtp_port, timeout=20) as server:
            server.send_message(message, self.address, recipients)
        return message

    def answers(self, mail: Letter, text: str, *, signature: str = "") -> EmailMessage:
        """Reply as a mail program does: to the Reply-To, own words above, then signature and quotation."""
        to = str(mail.message.get("Reply-To") or mail.message["From"])
        quoted = "\n".join(f"> {line}".rstrip() for line in mail.text.splitlines())
        below = f"\n\n-- \n{signature}" if signature else ""
        body = f"{text}{below}\n\nOn Mon, 16 Nov 2026 at 10:00, {mail.message['From']} wrote:\n{quoted}\n"
        subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
        references = f"{mail.message.get('References', '')} {mail.message_id}".strip()
        return self.writes(subject, body, to=to, headers={"In-Reply-To": mail.message_id, "References": references})

    # --- reading

    def mailbox(self) -> list[Letter]:
        """All mail that lies there now, oldest first. Read-only: nothing is marked as seen."""
        if self._imap is None:
            self._imap = imaplib.IMAP4("localhost", self.desk.dovecot.imap_port, timeout=20)
            self._imap.login(self.name, PASSWORD)
        self._imap.select("INBOX", readonly=True)
        uids = [int(uid) for uid in self._imap.uid("SEARCH", "ALL")[1][0].split()]
        for uid in uids:
            if uid not in self._letters:
                parts = self._imap.uid("FETCH", str(uid), "(BODY.PEEK[])")[1]
                raw = next(part[1] for part in parts if isinstance(part, tuple))
                message = email.message_from_bytes(raw, policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self._letters[uid] = Letter(raw=raw, message=message)
        return [self._letters[uid] for uid in uids]

    def leaves(self) -> None:
        """Close the mail program."""
        if self._imap is not None:
            self._imap.shutdown()

    def has(self, words: str) -> list[Letter]:
        """The mails with these words in subject or text (line breaks apart)."""
        return [each for each in self.mailbox() if words in " ".join(f"{each.subject}\n{each.text}".split())]

    def gets(self, words: str, within: float = 20) -> Letter:
        """Wait for a mail with these words."""
        return self.desk.eventually(lambda: self.has(words), f"a mail to {self.name} with {words!r}", within)[-1]


@dataclass
class Daemon:
    """`inboxd run` as a process."""

    config: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start and wait until it is ready; returns the seconds that took."""
        begun, before = time.monotonic(), self.said("daemon.started")
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "inboxd", "run", "--config", str(self.config)]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.config.parent, env=OURS)
        eventually(lambda: self.said("daemon.started") > before or self.ended(), "the daemon's start", within=30)
        assert not self.ended(), self.log.read_text()
        return time.monotonic() - begun

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def tell(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Stop; returns the exit code and the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.tell(number)
        code = self.process.wait(25)
        return code, time.monotonic() - begun

    def said(self, event: str) -> int:
        """How often the log names this event."""
        return self.log.read_text().count(event) if self.log.exists() else 0


@dataclass(kw_only=True)
class Desk:
    """Servers, people, settings as `inboxd init` wrote them, and the daemon."""

    dovecot: Dovecot
    postfix: Postfix
    home: Path
    daemon: Daemon
    written: int = 0
    before: int = 0  # mails in the support mailbox before the first start
    _people: dict[str, Person] = field(default_factory=dict)

    @property
    def everybody(self) -> list[Person]:
        """Whoever was named so far."""
        return list(self._people.values())

    def person(self, name: str) -> Person:
        """Somebody of the team, or a customer."""
        if name not in self._people:
            domain = TEAM if name in NAMES or name == "support" else CUSTOMERS
            full = NAMES.get(name, f"{name.capitalize()} Berg")
            self._people[name] = Person(desk=self, name=name, full=full, address=f"{name}@{domain}")
        return self._people[name]

    def eventually(self, look: Callable[[], T | None], what: str, within: float = 20) -> T:
        """As the function, and where patience ends with the last lines of the logs."""
        return eventually(look, what, within, self._clue)

    def _clue(self) -> str:
        logs = {"daemon": self.daemon.log.read_text(), "postfix": self.postfix.log()}
        return "\n".join(f"--- {name}\n" + "\n".join(text.splitlines()[-25:]) for name, text in logs.items())

    def agents(self, names: Collection[str] = tuple(AGENTS)) -> list[Person]:
        return [self.person(name) for name in names]

    def routed(self, words: str, among: Collection[str] = tuple(AGENTS)) -> tuple[Person, Letter]:
        """Wait until one of these agents has a mail with these words; returns who, and the mail."""

        def look() -> list[tuple[Person, Letter]]:
            return [(agent, mail) for agent in self.agents(among) for mail in agent.has(words)]

        return self.eventually(look, f"{words!r} with one of {', '.join(among)}")[-1]

    def inboxd(self, *args: str) -> tuple[int, str, str]:
        """Run a command of the operator's; returns exit code, output, talk."""
        config = () if args[0] == "init" else ("--config", str(self.home / "inboxd.yaml"))
        command = [sys.executable, "-m", "inboxd", *args, *config]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home.parent, env=OURS, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    def status(self) -> dict[str, Any]:
        """What `inboxd status --json` says."""
        _, said, talk = self.inboxd("status", "--json")
        assert said, talk
        found: dict[str, Any] = json.loads(said)
        return found

    def rest(self, copies: int = 0) -> dict[str, Any]:
        """Wait until every mail is decided, with so many copies made by `split`, and every letter has left; returns the status."""

        def quiet() -> dict[str, Any] | None:
            arrived, found = len(self.person("support").mailbox()) - self.before, self.status()
            busy = {"triage", "send", "hand_over", "ask"} & set(found["jobs"])
            return found if found["messages"] == arrived + copies and not busy else None

        return self.eventually(quiet, "an idle daemon", within=30)

    def change(self, file: str, old: str, new: str) -> None:
        """Edit a file as an admin does."""
        path = self.home / file
        text = path.read_text()
        assert old in text, f"{file} lacks {old!r}"
        path.write_text(text.replace(old, new))


@contextmanager
def a_desk(customers: Sequence[str]) -> Iterator[Desk]:
    """Servers and settings; the daemon is not started yet."""
    with a_place() as place:
        users = [*NAMES, "support", *customers]
        dovecot = Dovecot.start(place / "dovecot", users=users)
        try:
            postfix = Postfix.start(place / "postfix", dovecot.lmtp_port, domains=[TEAM, CUSTOMERS], users=users)
            home = place / "desk"
            desk = Desk(dovecot=dovecot, postfix=postfix, home=home, daemon=Daemon(config=home / "inboxd.yaml", log=place / "daemon.log"))
            try:
                _init(desk, place)
                yield desk
            finally:
                for person in desk.everybody:
                    person.leaves()
                if desk.daemon.process is not None and not desk.daemon.ended():
                    desk.daemon.stop(signal.SIGKILL)
                postfix.stop()
        finally:
            dovecot.stop()


def _init(desk: Desk, place: Path) -> None:
    """Write settings and rules with `inboxd init`, then make days into seconds."""
    trusted, password = place / "trusted.pem", place / "password"
    trusted.write_text(desk.dovecot.cert.read_text() + desk.postfix.cert.read_text())
    password.write_text(f"{PASSWORD}\n")
    people = [option for name, full in AGENTS.items() for option in ("--agent", f"{full} <{name}@{TEAM}>")]
    people += [option for name in SENIORS for option in ("--senior", name)]
    people += ["--lead", f"{LEAD}@{TEAM}", "--admin", f"{ADMIN}@{TEAM}", "--name", "Acme Support"]
    imap = ["--imap-host", "localhost", "--imap-port", str(desk.dovecot.imaps_port), "--imap-user", "support"]
    smtp = ["--smtp-host", "localhost", "--smtp-port", str(desk.postfix.smtp_port), "--smtp-tls", "starttls", "--smtp-no-login"]
    files = ["--password-file", str(password), "--ca-file", str(trusted)]
    code, _, talk = desk.inboxd(
        "init", str(desk.home), "--non-interactive", "--address", SUPPORT, "--mode", "full", *people, *imap, *smtp, *files
    )
    assert code == 0, talk
    desk.change("rules/routing.yaml", "send: 2 days after resolved", "send: 1 second after resolved")
    desk.change("inboxd.yaml", "timezone: UTC", f"timezone: {zone_of_noon()}\ngather_quiet: 1 second")
    desk.change("inboxd.yaml", "hold: 2 minutes", "hold: no")
