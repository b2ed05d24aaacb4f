"""Tell the lead at once when far more people than usual write about one thing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from inboxd.core.issues import links_of
from inboxd.core.letters import to_lead
from inboxd.core.model import Job, JobKind, Letter, Log, MailboxFacts, MailboxName, Mode, Schedule
from inboxd.core.rulebook import Rulebook
from inboxd.core.spikes import FEWEST, HOUR, LOOKS_BACK, MOST_SHOWN, STEP, Alarm, History, Spike, hours_to_compare, quote_of, spikes
from inboxd.daemon.office import Office, RuleSet
from inboxd.logs import log
from inboxd.ports import Transaction

SOON = timedelta(minutes=1)  # mails that come together are looked at together
FOUND = "spike.found"
MISSED_AT_MOST = timedelta(hours=24)  # what came so long ago is no alarm any more


def look_for_spikes_at(mailbox: MailboxName, now: datetime, came_at: datetime) -> Schedule:
    """Look soon after a case was opened; however many come in that minute, it is one look, at all since the first of them came."""
    payload = {"mailbox": mailbox, "since": came_at.isoformat()}
    return Schedule(kind=JobKind.SPIKES, key=f"{JobKind.SPIKES}:{mailbox}", at=now + SOON, payload=payload)


def tell_spikes(office: Office, rules: RuleSet, tx: Transaction, job: Job) -> Iterator[Letter]:
    """A letter for each spike that was not told yet; it is remembered until it has fallen back."""
    now, mailbox = office.clock.now(), office.mailboxes.get(MailboxName(str(job.payload["mailbox"])))
    if mailbox is None or mailbox.mode is Mode.WATCH:
        return
    for moment in _moments(job, now):
        yield from _tell(office, rules, tx, mailbox, moment)


def _moments(job: Job, now: datetime) -> list[datetime]:
    """When to have looked: now, and where mail came late (we were stopped, or the server was), as if it had been read when it came."""
    since = datetime.fromisoformat(str(job.payload.get("since", now.isoformat())))
    missed = min(max(now - since - HOUR, timedelta(0)), MISSED_AT_MOST)
    return [now - step * STEP for step in range(math.ceil(missed / STEP), -1, -1)]


def _tell(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, now: datetime) -> Iterator[Letter]:
    told = _told(tx, mailbox.name, now)
    since = min([now, *(alarm.at for alarm in told)]) - HOUR
    last_hour = tx.first_mails(mailbox.name, now - HOUR, now + timedelta(microseconds=1))
    if len({mail.person for mail in last_hour}) < FEWEST:
        return
    recent = (*tx.first_mails(mailbox.name, since, now - HOUR, texts=False), *last_hour)
    names = (mailbox.brand, *(name for agent in rules.book.agents.values() for name in (agent.full_name, agent.signs_as)))
    known = tx.open_issues(mailbox.name)
    for spike in spikes(recent, lambda: _history(office, tx, mailbox.name, now), now, told=told, names=names):
        if any(2 * len(links_of(issue, spike.mails)) >= len(spike.mails) for issue in known):
            continue  # the lead has said already what it is
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
    return to_lead(
        mailbox, book, admin, template="spike", purpose=purpose,
        subject=f"{spike.people} people in {window}: {spike.name} (usually {usual or 'nobody'})",
        values={
            "what": spike.name, "people": spike.people, "window": window, "usual": usual, "now": now,
            "first": [
                {
                    "name": mail.name, "case": mail.case, "at": mail.at,
                    "quote": "" if mail.sensitive else quote_of(mail, spike),
                } for mail in spike.mails[:MOST_SHOWN]
            ],
        },
    )  # fmt: skip
