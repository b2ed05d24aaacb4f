"""The weekly mail: every Monday morning, what the last whole week taught us, to the lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta

from inboxd.core.compose import render
from inboxd.core.findings import Thanks, WonBack
from inboxd.core.follow_up import SENSITIVE
from inboxd.core.model import FirstMail, Job, JobKind, Letter, MailboxFacts, MailboxName, Mode, Schedule
from inboxd.core.voice import hears_of, offer
from inboxd.core.weekly import last_week, weekly
from inboxd.daemon.office import Office, RuleSet, Week
from inboxd.ports import Transaction

MONDAY, HOUR = 0, 7  # in the mailbox's time zone


def next_weekly(office: Office, mailbox: MailboxName, now: datetime) -> Schedule:
    """The job of the next Monday morning."""
    local = now.astimezone(office.policy.zone)
    morning = local.replace(hour=HOUR, minute=0, second=0, microsecond=0) + timedelta(days=(MONDAY - local.weekday()) % 7)
    at = morning if morning > local else morning + timedelta(weeks=1)
    return Schedule(kind=JobKind.WEEKLY, key=f"{JobKind.WEEKLY}:{mailbox}", at=at.astimezone(now.tzinfo), payload={"mailbox": mailbox})


def look_back(office: Office, job: Job) -> Week | None:
    """Find out what the week taught us; None where nobody is to be told. It reads much: not inside a transaction."""
    mailbox = office.mailboxes.get(MailboxName(str(job.payload["mailbox"])))
    if mailbox is None or mailbox.mode is Mode.WATCH:
        return None
    return office.look_back(mailbox.name, *last_week(office.clock.now().astimezone(office.policy.zone).date()))


def weekly_letter(office: Office, rules: RuleSet, mailbox: MailboxFacts, week: Week) -> Letter:
    """The letter to the lead. Its subject is the finding, in the words of a template of its own."""
    letter = weekly(week.findings, week.page, mailbox, rules.book, office.admin)
    subject = render(replace(letter, template="weekly_subject"), rules.templates).first_line
    return replace(letter, subject=subject)


def voices(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, week: Week | None) -> tuple[Letter, ...]:
    """What others would hear of last week's customers: to the lead, who lets it go."""
    book, zone = rules.book, office.policy.zone
    if not book.voice or mailbox.mode is Mode.WATCH:
        return ()
    first, _ = last_week(office.clock.now().astimezone(zone).date())
    begin = datetime.combine(first, time(), zone)
    mails = [*tx.first_mails(mailbox.name, begin, datetime.combine(first + timedelta(days=7), time(), zone)), *_kind_words(tx, week)]
    mails = [mail for mail in mails if (case := tx.case(mail.case)) is not None and SENSITIVE not in case.labels]
    names = (mailbox.brand, *(name for agent in book.agents.values() for name in (agent.full_name, agent.signs_as, *agent.emails)))
    found = week.findings.drivers if week is not None else ()
    offers = (offer(mailbox, book, each, hears_of(each, mails, found, book, names), first) for each in book.voice)
    return tuple(letter for letter in offers if letter is not None)


def _kind_words(tx: Transaction, week: Week | None) -> Iterator[FirstMail]:
    """What people thanked for in the week, as mails of theirs about their case's topic."""
    said: tuple[WonBack | Thanks, ...] = (*week.findings.won_back, *week.findings.thanks) if week is not None else ()
    for each in said:
        case = tx.case(each.case)
        person = tx.person(case.customer) if case is not None else None
        if case is not None and person is not None and each.words:
            read = tx.understood(each.message) if each.message is not None else None
            sender = read.message.sender if read else None
            yield FirstMail(
                case=case.number,
                person=person.number,
                at=case.updated_at,
                name=f"{person.name} {sender.name if sender else ''}",
                email=sender.email if sender else person.email,
                text=each.words,
                around=read.new_text if read else "",
                language=(read.reading.language if read else "") or case.language,
                sensitive=bool(read and read.reading.sensitive),
                topic=case.topic,
            )
