"""The morning list: to each agent who has something open, what to answer first, what they promised, what else is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.brief import NO_SUBJECT, first_name
from inboxd.core.letters import notice
from inboxd.core.model import Case, CaseState, JobKind, Letter, MailboxFacts, Sentiment, Situation
from inboxd.core.rulebook import Agent
from inboxd.daemon.gather import away_now, understood_again
from inboxd.daemon.office import Office, RuleSet
from inboxd.ports import Transaction

FIRST = 8  # cases that are listed one by one
PROMISED = 4
ALSO = 20
SOON = timedelta(hours=24)


def morning_lists(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, now: datetime) -> Iterator[Letter]:
    """A letter for each agent who is here today and has something open in this mailbox."""
    cases, away = tx.open_cases(mailbox.name), away_now(tx, rules.book, now)
    for agent in rules.book.agents.values():
        mine = [case for case in cases if case.assignee == agent.name]
        is_open = [case for case in mine if case.state is CaseState.OPEN]
        if is_open and agent.name not in away:
            yield _letter(office, rules, tx, mailbox, agent, is_open, _quiet(tx, mine, now), now)


def _quiet(tx: Transaction, mine: list[Case], now: datetime) -> list[Case]:
    """Cases whose customers are asked tomorrow, since our answer was followed by silence."""
    waiting = [case for case in mine if case.state is CaseState.WAITING]
    return [
        case for case in waiting if JobKind.SILENCE in tx.jobs_of(case.number) and tx.due_of(case.number, JobKind.SILENCE) <= now + 2 * SOON
    ]


def _letter(
    office: Office,
    rules: RuleSet,
    tx: Transaction,
    mailbox: MailboxFacts,
    agent: Agent,
    is_open: list[Case],
    quiet: list[Case],
    now: datetime,
) -> Letter:
    ordered = sorted(is_open, key=lambda case: (case.sentiment is not Sentiment.UPSET, not case.repeat, case.due_at or case.opened_at))
    first = [case for case in ordered if case.sentiment is Sentiment.UPSET or (case.due_at and case.due_at <= now + SOON)][:FIRST]
    rest = [case for case in ordered if case not in first][:ALSO]
    latest = tx.latest_message(is_open[0].number)
    assert latest is not None  # an open case has a mail of its customer
    situation = Situation(now=now, mailbox=mailbox, understood=understood_again(office.store, office.directory(rules), tx, latest))
    local = now.astimezone(office.policy.zone)
    values: dict[str, object] = {
        "now": now,
        "first": [
            {"name": _name(tx, case), "subject": case.subject or NO_SUBJECT,
             "upset": case.sentiment is Sentiment.UPSET, "again": case.repeat,
             "due_at": case.due_at, "number": case.number}
            for case in first
        ],
        "promised": list(_promised(tx, mailbox, agent, local))[:PROMISED],
        "also": [_name(tx, case) for case in rest],
        "quiet": [{"name": _name(tx, case), "number": case.number} for case in quiet[:ALSO]],
    }  # fmt: skip
    letter = notice(
        situation, agent, template="morning_list", purpose=f"morning:{mailbox.name}:{agent.name}:{local:%Y%m%d}", values=values,
        subject=f"{local:%A}: {len(first)} to answer first, {len(is_open)} in all",
    )  # fmt: skip
    return replace(letter, reply_token="n")


def _name(tx: Transaction, case: Case) -> str:
    person = tx.person(case.customer)
    return (person.name or person.email) if person else "somebody"


def _promised(tx: Transaction, mailbox: MailboxFacts, agent: Agent, local: datetime) -> Iterator[dict[str, str]]:
    """What this agent promised to customers for a day to come, the next day first."""
    for promise in tx.promised_by(agent.name, local.date()):
        case = tx.case(promise.case)
        if case is not None and case.mailbox == mailbox.name:
            yield {"name": first_name(_name(tx, case)) or _name(tx, case), "sentence": promise.sentence}
