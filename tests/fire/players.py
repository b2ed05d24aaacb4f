"""The people of the fire tests: customers whose mails carry a mark of their own, and agents who answer each routed mail once."""

from __future__ import annotations

import contextlib
import imaplib
import re
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, parseaddr

from tests.fire.ground import Ground
from tests.real_desk import AGENTS, CUSTOMERS, NAMES, SUPPORT, TEAM, Letter

MARK = re.compile(r"\b(?:ask|say)-\d+-\d+\b")
MATTERS = (
    ("Saddle", "is the saddle of the {mark} made of leather? I would rather have felt."),
    ("Opening hours", "when does your shop open on the day of {mark}? I come by train."),
    ("Invoice", "I need the invoice with the number {mark} made out to my company, please."),
    ("Klingel", "die Klingel {mark} fehlt im Paket. Wann kommt sie?"),
    ("Gears", "the third gear of my {mark} jumps whenever I go up a hill. What can I do?"),
    ("Voucher", "I was given the voucher {mark}. Until when can I use it?"),
    ("Colour", "does the {mark} come in green as well? The page shows only blue."),
    ("Rückgabe", "ich möchte {mark} zurückgeben, es ist zu groß. Wie geht das?"),
    ("Lamp", "the lamp {mark} flickers in the rain, and yesterday it went out."),
    ("Parcel", "the parcel {mark} was left with a neighbour whom I do not know."),
)


def marks(letter: Letter) -> list[str]:
    """The marks of the mails that a routed mail brings, which stand below its first rule; those of its story do not count."""
    _, _, brought = letter.text.partition("\n----- ")
    return list(dict.fromkeys(MARK.findall(brought)))


def is_routed(letter: Letter) -> bool:
    """Whether an agent is to answer this."""
    name, address = parseaddr(str(letter.message.get("Reply-To", "")))
    practice = "(practice)" in str(letter.message["Subject"])  # of the first start: nobody need answer it
    return not practice and name == "Acme Support" and address.startswith("support+r") and "\n----- " in letter.text


@dataclass
class Customers:
    """Write as many mails as they are asked to; remember each that Postfix took."""

    ground: Ground
    seed: int
    sent: dict[str, str] = field(default_factory=dict)  # Message-ID -> mark

    def write(self, count: int) -> None:
        """The next mails, from one customer after the other."""
        for _ in range(count):
            number = len(self.sent)
            name = self.ground.customers[number % len(self.ground.customers)]
            round_ = number // len(self.ground.customers)
            subject, text = MATTERS[(number * 7 + round_ + self.seed) % len(MATTERS)]
            mark = f"ask-{self.seed}-{number}"
            message = EmailMessage()
            message["Message-ID"] = f"<{mark}@{CUSTOMERS}>"
            message["Date"] = formatdate()
            message["From"] = f"{name.capitalize()} Berg <{name}@{CUSTOMERS}>"
            message["To"], message["Subject"] = SUPPORT, f"{subject} {number}"
            message.set_content(f"Hello,\n\n{text.format(mark=mark)}\n\n{name.capitalize()}\n")
            self.ground.submit(f"{name}@{CUSTOMERS}", SUPPORT, message)
            self.sent[message["Message-ID"].strip("<>")] = mark


@dataclass
class Agents:
    """Answer every routed mail once, however many copies come of it: a copy has the same Message-ID."""

    ground: Ground
    seed: int
    answered: dict[str, str] = field(default_factory=dict)  # Message-ID of the routed mail -> mark of the answer
    sent: dict[str, str] = field(default_factory=dict)  # Message-ID of the answer -> its mark
    error: Exception | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def work(self) -> int:
        """One look into each mailbox; returns how many answers were sent."""
        before = len(self.sent)
        for name in AGENTS:
            for letter in self.ground.post(name).letters():
                if letter.message_id not in self.answered and is_routed(letter):
                    self._answer(name, letter)
        return len(self.sent) - before

    def begin(self) -> None:
        """Work beside everything else until `end`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, name="agents", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Go home; what went wrong is said here."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)
        self.raise_error()

    def raise_error(self) -> None:
        """What went wrong in the loop is raised where somebody looks."""
        if self.error is not None:
            raise self.error

    def _loop(self) -> None:
        try:
            while not self._stop.wait(0.2):
                with contextlib.suppress(OSError, imaplib.IMAP4.error):  # a server that is being restarted
                    self.work()
        except Exception as error:
            self.error = error

    def _answer(self, name: str, letter: Letter) -> None:
        """Reply as a mail program does: own words, signature, everything quoted."""
        mark = f"say-{self.seed}-{len(self.sent)}"
        to = parseaddr(str(letter.message["Reply-To"]))[1]
        quoted = "\n".join(f"> {line}".rstrip() for line in letter.text.splitlines())
        message = EmailMessage()
        message["Message-ID"] = f"<{mark}@{TEAM}>"
        message["Date"] = formatdate()
        message["From"], message["To"] = f"{NAMES[name]} <{name}@{TEAM}>", to
        message["Subject"] = f"Re: {letter.subject}"
        message["In-Reply-To"], message["References"] = letter.message_id, letter.message_id
        said = f"Hello,\n\nI looked into it, and the answer to that is {mark}.\n\n-- \n{NAMES[name]}\nAcme"
        message.set_content(f"{said}\n\nOn Mon, 16 Nov 2026 at 10:00, {letter.message['From']} wrote:\n{quoted}\n")
        self.ground.submit(f"{name}@{TEAM}", to, message)
        self.sent[f"{mark}@{TEAM}"] = mark
        self.answered[letter.message_id] = mark
