"""A day of a support team in a test: customers and agents write, time passes, and everybody's mail can be read."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.adapters.template_files import load_templates
from inboxd.core.compose import Templates
from inboxd.core.model import Case, CaseNo, MailboxFacts, MailboxName, Mode, Outgoing
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Rulebook
from inboxd.daemon.deliver import Post, deliver
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.filing import file_mail
from inboxd.daemon.keep_house import keep_house, open_house
from inboxd.daemon.office import Office, RuleSet
from inboxd.daemon.practice import know_everybody
from inboxd.daemon.triage import triage
from inboxd.ports import Reader
from inboxd.rule_sets import reader_for, shipped
from tests.fakes import FakeClock, FakeMailbox, FakeMailer

SUPPORT = "support@acme.example"
ACME = MailboxName("acme")


@lru_cache(maxsize=1)
def _shipped_rules() -> Rulebook:
    return load_rules(shipped("rules"))


@lru_cache(maxsize=1)
def _shipped_templates() -> Templates:
    return load_templates(shipped("templates"), None)


@dataclass
class Letterbox:
    """A mail somebody got, as their mail program shows it."""

    outgoing: Outgoing
    message: EmailMessage

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        return part.get_content() if part is not None else ""

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        return part.get_content() if part is not None else ""

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def sender(self) -> str:
        return parseaddr(str(self.message["From"]))[0]


@dataclass
class Day:
    """The team of the shipped rules (maria, jonas: seniors; tom; petra leads) and whoever writes to it."""

    mode: Mode = Mode.FULL
    book: Rulebook | None = None
    plus_addresses: bool = True
    shared: bool = False  # people work in the mailbox itself: Sent and Resolved are watched, and mail may be moved
    reader: Reader | None = None
    server: str = ""  # our own mail server, which confirms whoever replies
    store_path: Path | str = ":memory:"
    newcomers: bool = False  # the team is new, and gets mail to practise with
    clock: FakeClock = field(default_factory=FakeClock)
    mailbox: FakeMailbox = field(default_factory=FakeMailbox)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    _serial: int = 0

    def __post_init__(self) -> None:
        self.store = SqliteStore(self.store_path)
        book = self.book or _shipped_rules()
        facts = MailboxFacts(name=ACME, address=SUPPORT, brand="Acme Support", mode=self.mode, plus_addresses=self.plus_addresses)
        facts = replace(facts, authserv_id=self.server)
        self.office = Office(
            store=self.store,
            clock=self.clock,
            rules=RuleSet(book=book, templates=_shipped_templates(), reader=self.reader or reader_for(book)),
            policy=Policy(zone=ZoneInfo("UTC")),
            mailboxes={ACME: facts},
            admin="admin@acme.example",
            keys=(b"k" * 32,),
        )
        self.post = Post(mailers={ACME: self.mailer}, jitter=lambda: 0.0)
        self.source = Source(name=ACME, mailbox=self.mailbox, folder="INBOX")
        if not self.newcomers:
            know_everybody(self.office)
        self.sources = [self.source]
        if self.shared:
            self.office.mailboxes = {ACME: replace(facts, sent="Sent", resolved="Resolved", file=True)}
            self.sources.append(Source(name=ACME, mailbox=self.folder("Sent"), folder="Sent", sent=True))
            self.sources.append(Source(name=ACME, mailbox=self.folder("Resolved"), folder="Resolved", resolves=True))
        open_house(self.office)
        self.run()

    # --- time

    def run(self) -> None:
        """Do everything that is due now."""
        for _ in range(200):
            worked = sum(fetch(source, self.store, self.clock) + file_mail(self.office, source) for source in self.sources)
            worked += triage(self.office) + keep_house(self.office)
            if not worked + deliver(self.office, self.post):
                return
        raise AssertionError("the day does not come to rest")

    def pass_(self, **span: float) -> None:
        """Let time pass, stopping at each date on the way."""
        from inboxd.core.model import JobKind

        end = self.clock.now() + timedelta(**span)
        while (at := self.store.next_due(tuple(JobKind))) is not None and at <= end:
            self.clock.at = max(self.clock.at, at)
            self.run()
        self.clock.at = end
        self.run()

    def set_mode(self, mode: Mode) -> None:
        """The admin changes the mode in the settings and starts anew."""
        self.office.mailboxes = {ACME: replace(self.office.mailboxes[ACME], mode=mode)}
        open_house(self.office)
        self.run()

    # --- people

    def write(
        self,
        sender: str,
        subject: str,
        text: str,
        *,
        to: str = SUPPORT,
        cc: str = "",
        answers: Letterbox | None = None,
        headers: dict[str, str] | None = None,
        quote: bool = False,
        attach: tuple[str, bytes] | None = None,
        attach_type: str = "image/png",
        html: str = "",
        run: bool = True,
        mail_id: str = "",
        folder: str = "INBOX",
    ) -> str:
        """Somebody's mail arrives in the support mailbox; returns its Message-ID."""
        self._serial += 1
        message = EmailMessage()
        mail_id = mail_id or f"<m{self._serial}.{int(self.clock.now().timestamp())}@mail.example>"
        message["Message-ID"], message["From"], message["To"] = mail_id, sender, to
        message["Date"] = format_datetime(self.clock.now())
        if cc:
            message["Cc"] = cc
        message["Subject"] = subject
        if answers is not None:
            refs = f"{answers.message.get('References', '')} {answers.message['Message-ID']}".strip()
            message["In-Reply-To"], message["References"] = str(answers.message["Message-ID"]), refs
        for name, value in (headers or {}).items():
            message[name] = value
        body = text
        if quote and answers is not None:
            quoted = "\n".join(f"> {line}" for line in answers.text.splitlines())
            body = f"{text}\n\nOn Mon, 16 Nov 2026 at 09:00, {answers.message['From']} wrote:\n{quoted}\n"
        message.set_content(body)
        if html:
            message.add_alternative(html, subtype="html")
        if attach:
            maintype, _, subtype = attach_type.partition("/")
            message.add_attachment(attach[1], maintype=maintype, subtype=subtype, filename=attach[0])
        self.folder(folder).put(message.as_bytes(policy=email.policy.SMTP), self.clock.now())
        if run:
            self.run()
        return mail_id

    def reply(self, sender: str, to: Letterbox, text: str, *, quote: bool = True, **more: object) -> str:
        """Answer a mail as a mail program does: to its Reply-To, quoting it."""
        target = str(to.message.get("Reply-To") or to.message["From"])
        subject = to.subject if to.subject.lower().startswith("re:") else f"Re: {to.subject}"
        domain = parseaddr(sender)[1].rpartition("@")[2]
        confirmed = {"Authentication-Results": f"{self.server}; dmarc=pass header.from={domain}"} if self.server else {}
        headers = {**confirmed, **more.pop("headers", {})}  # type: ignore[dict-item]
        return self.write(sender, subject, text, to=target, answers=to, quote=quote, headers=headers, **more)  # type: ignore[arg-type]

    # --- who works in the mailbox itself

    def folder(self, name: str) -> FakeMailbox:
        """A folder of the support mailbox."""
        return self.mailbox if name == "INBOX" else self.mailbox.others.setdefault(name, FakeMailbox(name=name))

    def sends_here(
        self,
        text: str,
        *,
        to: str,
        answers: str = "",
        name: str = "Acme Support",
        subject: str = "Re: Front wheel",
        headers: dict[str, str] | None = None,
        **more: object,
    ) -> str:
        """Somebody writes in the support mailbox itself: the mail leaves without us and lies in Sent; it is read a moment later."""
        lines = {**({"In-Reply-To": answers, "References": answers} if answers else {}), **(headers or {})}
        sent = self.write(f"{name} <{SUPPORT}>", subject, text, to=to, headers=lines, folder="Sent", **more)  # type: ignore[arg-type]
        self.pass_(minutes=1)
        return sent

    def files_in_sent(self, raw: bytes) -> None:
        """A server puts a mail into Sent by itself."""
        self.folder("Sent").put(raw, self.clock.now())
        self.run()
        self.pass_(minutes=1)

    def moves(self, mail_id: str, folder: str, *, of: str = "INBOX") -> None:
        """Somebody moves a mail into another folder; what follows from it comes some minutes later."""
        lies_in = self.folder(of)
        uid = next(uid for uid, (raw, _) in lies_in.mails.items() if f"Message-ID: {mail_id}".encode() in raw)
        self.folder(folder).put(*lies_in.mails.pop(uid))
        self.run()
        self.pass_(minutes=2)

    def subjects_in(self, folder: str) -> list[str]:
        """The subjects of the mails that lie in a folder."""
        return [str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"]) for raw, _ in self.folder(folder).mails.values()]

    # --- what people got

    def inbox(self, address: str) -> list[Letterbox]:
        """All mails that reached this address, oldest first."""
        return [_read(o) for o in self.mailer.delivered if address in o.envelope_to]

    def last(self, address: str, where: Callable[[Letterbox], bool] = lambda _: True) -> Letterbox:
        """The latest mail that reached this address (of those that fit)."""
        found = [each for each in self.inbox(address) if where(each)]
        assert found, f"nothing reached {address}: {[m.subject for m in self.inbox(address)]}"
        return found[-1]

    def routed(self, address: str) -> Letterbox:
        """The latest routed mail that an agent got."""
        return self.last(address, lambda mail: mail.outgoing.kind == "routed")

    def case(self, number: int | None = None) -> Case:
        """A case; without a number the newest."""
        if number is None:
            number = self.store.look("select max(id) as id from cases")[0]["id"]
        found = self.store.case(CaseNo(number))
        assert found is not None
        return found

    def events(self, kind: str) -> int:
        """How often this happened."""
        return int(self.store.look("select count(*) as n from event where kind = ?", kind)[0]["n"])

    def at(self) -> datetime:
        """The time."""
        return self.clock.now()


def _read(outgoing: Outgoing) -> Letterbox:
    message = email.message_from_bytes(outgoing.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return Letterbox(outgoing=outgoing, message=message)
