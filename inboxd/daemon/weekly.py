"""The weekly mail: every Monday morning, what the last whole week taught us, to the lead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.compose import render
from inboxd.core.model import Job, JobKind, Letter, MailboxFacts, MailboxName, Mode, Schedule
from inboxd.core.weekly import last_week, weekly
from inboxd.daemon.office import Office, RuleSet, Week

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
