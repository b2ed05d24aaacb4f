"""Tell the lead at once when far more people than usual write about one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.letters import to_lead
from inboxd.core.model import Job, JobKind, Letter, Log, MailboxFacts, MailboxName, Mode, Schedule
from inboxd.core.rulebook import Rulebook
from inboxd.core.spikes import HOUR, LOOKS_BACK, MOST_SHOWN, Alarm, History, Spike, hours_to_compare, quote_of, spikes
from inboxd.core.tokens import NOTICE
from inboxd.daemon.office import Office, RuleSet
from inboxd.logs import log
from inboxd.ports import Transaction

SOON = timedelta(minutes=1)  # mails that come together are looked at together
FOUND = "spike.found"


def look_for_spikes_at(mailbox: MailboxName, now: datetime) -> Schedule:
    """Look soon after a case was opened; however many come in that minute, it is one look."""
    return Schedule(kind=JobKind.SPIKES, key=f"{JobKind.SPIKES}:{mailbox}", at=now + SOON, payload={"mailbox": mailbox})


def tell_spikes(office: Office, rules: RuleSet, tx: Transaction, job: Job) -> Iterator[Letter]:
    """A letter for each spike that was not told yet; it is remembered until it has fallen back."""
    now, mailbox = office.clock.now(), office.mailboxes.get(MailboxName(str(job.payload["mailbox"])))
    if mailbox is None or mailbox.mode is Mode.WATCH:
        return
    told = _told(tx, mailbox.name, now)
    since = min([now, *(alarm.at for alarm in told)]) - HOUR
    recent = tx.first_mails(mailbox.name, since, now + timedelta(microseconds=1))
    names = (mailbox.brand, *(name for agent in rules.book.agents.values() for name in (agent.full_name, agent.signs_as)))
    for spike in spikes(recent, lambda: _history(office, tx, mailbox.name, now), now, told=told, names=names):
        purpose = f"spike:{mailbox.name}:{spike.mails[0].case}:{spike.key}"
        data = {
            "keys": spike.keys, "usual": spike.usual * (HOUR / spike.window), "people": spike.people, "name": spike.name,
            "cases": [mail.case for mail in spike.mails], "purpose": purpose,
        }  # fmt: skip
        tx.apply((Log(kind=FOUND, case=spike.mails[0].case, data=data),), mailbox.name, now)
        log("spike.found", mailbox=mailbox.name, people=spike.people, usual=round(spike.usual, 1))
        yield _letter(mailbox, rules.book, office.admin, spike, purpose, now)


def _told(tx: Transaction, mailbox: MailboxName, now: datetime) -> list[Alarm]:
    found = tx.events((FOUND,), mailbox, now - LOOKS_BACK)
    return [Alarm(at=event["at"], keys=tuple(event["keys"]), usual=float(event["usual"])) for event in found]  # type: ignore[arg-type]


def _history(office: Office, tx: Transaction, mailbox: MailboxName, now: datetime) -> History:
    """What came at the same weekday and hour before; read only where enough people wrote about one thing."""
    stretches = hours_to_compare(now, office.policy.zone, tx.first_received(mailbox))
    mails = tuple(mail for begin, end in stretches for mail in tx.first_mails(mailbox, begin, end, texts=False))
    return History(mails=mails, hours=sum((end - begin) / HOUR for begin, end in stretches))


def _letter(mailbox: MailboxFacts, book: Rulebook, admin: str, spike: Spike, purpose: str, now: datetime) -> Letter:
    usual, window = round(spike.usual), "an hour" if spike.window == HOUR else f"{round(spike.window.total_seconds() / 60)} minutes"
    letter = to_lead(
        mailbox, book, admin, template="spike", purpose=purpose,
        subject=f"{spike.people} people in {window}: {spike.name} (usually {usual or 'nobody'})",
        values={
            "what": spike.name, "people": spike.people, "window": window, "usual": usual, "now": now,
            "first": [
                {"name": mail.name, "case": mail.case, "at": mail.at, "quote": quote_of(mail, spike)} for mail in spike.mails[:MOST_SHOWN]
            ],
        },
    )  # fmt: skip
    return replace(letter, reply_token=NOTICE) if letter.agent else letter
