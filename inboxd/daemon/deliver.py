"""Deliver: send job -> mail server. Each attempt is written down before the final dot can be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from inboxd.core.letters import full_name, to_agent, to_lead
from inboxd.core.model import AgentName, Job, JobKind, MailboxName, Outgoing, OutgoingKind, OutgoingNo, OutgoingState, Send, Verdict
from inboxd.core.promises import never_said
from inboxd.core.retry import TELL_AFTER, wait
from inboxd.core.route import undelivered
from inboxd.daemon.office import Office
from inboxd.daemon.write import store as queue
from inboxd.errors import InboxdError, Temporary
from inboxd.logs import log
from inboxd.ports import Mailer, Transaction

KINDS = (JobKind.SEND,)
BATCH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """The mailers, one a mailbox, chance for the waiting times, and how attempts ended that the store could not take in yet."""

    mailers: Mapping[MailboxName, Mailer]
    jitter: Callable[[], float]
    unwritten: dict[OutgoingNo, Verdict] = field(default_factory=dict)
    trouble: dict[MailboxName, str] = field(default_factory=dict)  # why the last attempts of a mailbox did not get through


def deliver(office: Office, post: Post) -> int:
    """Send what is due, once; returns how many attempts were made. Runs its own event loop."""
    return asyncio.run(deliver_due(office, post))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt whose end is known and not written down yet."""

    job: Job
    outgoing: Outgoing
    verdict: Verdict
    at: datetime


async def deliver_due(office: Office, post: Post, stopping: Callable[[], bool] = lambda: False) -> int:
    """Send what is due, once, on the running event loop.

    That a mail was taken is written down in one commit with the "dot sent" of the next, if one follows at once: half the commits,
    and after a crash between the two the mail counts as ambiguous, as it would in any case in that moment.
    """
    jobs = office.store.claim(KINDS, office.clock.now(), BATCH)
    held: list[Ended] = []
    following: Outgoing | None = None
    for number, job in enumerate(jobs):
        try:
            if stopping():
                _settle(office, post, held)
                office.store.release(jobs[number:])
                return number
            outgoing = following or _outgoing(office, job)
            following = _outgoing(office, jobs[number + 1]) if number + 1 < len(jobs) else None
            ended = await _one(office, post, job, outgoing, held, following)
            held += [ended] if ended else []
            if job is jobs[-1] or any(not each.verdict.sent or each.verdict.refused for each in held):
                _settle(office, post, held)
        except Temporary:  # the store cannot be written: no further mail leaves before what became of this one is known
            office.store.release([*(each.job for each in held), *jobs[number:]])
            raise
        except Exception:  # a bug: what was taken before it is written down, then the process ends and is started anew
            _settle(office, post, held)
            raise
    return len(jobs)


def _settle(office: Office, post: Post, held: list[Ended]) -> None:
    if held:
        with office.store.transaction() as tx:
            for each in held:
                _write_down(office, post, tx, each)
        _settled(post, held)


def _settled(post: Post, held: list[Ended]) -> None:
    for each in held:
        post.unwritten.pop(each.outgoing.number, None)
    held.clear()


def _outgoing(office: Office, job: Job) -> Outgoing:
    assert job.outgoing is not None  # a send job always has one
    return office.store.outgoing(job.outgoing)


async def _one(office: Office, post: Post, job: Job, outgoing: Outgoing, held: list[Ended], following: Outgoing | None) -> Ended | None:
    if outgoing.number in post.unwritten:
        verdict = post.unwritten[outgoing.number]
    elif outgoing.state is OutgoingState.DOT_SENT:  # the process ended between the final dot and the server's word
        verdict = Verdict(sent=False, ambiguous=True, reply="the process ended before the server's answer was read")
    elif outgoing.state in (OutgoingState.SENT, OutgoingState.FAILED, OutgoingState.UNKNOWN):
        with office.store.transaction() as tx:
            tx.done(job)
        return None
    else:
        verdict = post.unwritten[outgoing.number] = await _attempt(
            office, post, outgoing, held, _next_on_the_line(post, outgoing, following)
        )
    return Ended(job=job, outgoing=outgoing, verdict=verdict, at=office.clock.now())


def _next_on_the_line(post: Post, outgoing: Outgoing, following: Outgoing | None) -> Outgoing | None:
    """The next mail, if it is sure to be tried, and on the same line."""
    if following is None or following.mailbox != outgoing.mailbox or following.number in post.unwritten:
        return None
    return following if following.state is OutgoingState.QUEUED else None


async def _attempt(office: Office, post: Post, outgoing: Outgoing, held: list[Ended], then: Outgoing | None) -> Verdict:
    unwritable: list[Temporary] = []

    async def before_data() -> None:
        try:
            with office.store.transaction() as tx:
                for each in held:
                    _write_down(office, post, tx, each)
                tx.set_outgoing(outgoing.number, OutgoingState.DOT_SENT)
            _settled(post, held)
        except Temporary as error:
            unwritable.append(error)
            raise

    mailer = post.mailers.get(outgoing.mailbox)
    if mailer is None:
        return Verdict(sent=False, reply="its mailbox is not in the settings any more")
    try:
        verdict = await mailer.send(outgoing, before_data, then)
    except InboxdError as error:
        verdict = Verdict(sent=False, reply=str(error))
    if unwritable:
        raise unwritable[0]  # nothing was sent, and it says nothing about the mail server
    return verdict


def _write_down(office: Office, post: Post, tx: Transaction, ended: Ended) -> None:
    job, outgoing, verdict = ended.job, ended.outgoing, ended.verdict
    now, number = ended.at, outgoing.number
    if verdict.sent or verdict.permanent:
        post.trouble.pop(outgoing.mailbox, None)
    if verdict.sent:
        tx.set_outgoing(number, OutgoingState.SENT, _reply(verdict), now)
        tx.done(job)
        log("outgoing.sent", outgoing=number, kind=outgoing.kind, case=outgoing.case or "-", refused=len(verdict.refused))
        if verdict.refused:
            _tell(office, tx, outgoing, verdict, job, now, "end")
    elif verdict.ambiguous:
        _ambiguous(office, tx, job, outgoing, verdict, now)
    elif verdict.permanent:
        tx.set_outgoing(number, OutgoingState.FAILED, _reply(verdict))
        tx.done(job)
        _words_came_back(office, tx, outgoing, now)
        log("outgoing.refused", level="error", outgoing=number, kind=outgoing.kind, case=outgoing.case or "-", todo="see the notice")
        _tell(office, tx, outgoing, verdict, job, now, "end")
    else:
        _deferred(office, post, tx, job, outgoing, verdict, now)


def _ambiguous(office: Office, tx: Transaction, job: Job, outgoing: Outgoing, verdict: Verdict, now: datetime) -> None:
    """Nobody knows whether it arrived. People's words once more, byte-equal; what a machine says to a customer never (I2)."""
    number = outgoing.number
    log("outgoing.ambiguous", level="warning", outgoing=number, kind=outgoing.kind, case=outgoing.case or "-")
    if outgoing.kind.automatic_to_customer or outgoing.ambiguous >= 1:
        tx.set_outgoing(number, OutgoingState.UNKNOWN, _reply(verdict), ambiguous=True)
        tx.park(job, "nobody knows whether this mail arrived; retry sends the same mail once more", now)
        if outgoing.kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY):  # a person waits for these words
            _tell(office, tx, outgoing, verdict, job, now, "unknown")
    else:
        tx.set_outgoing(number, OutgoingState.QUEUED, _reply(verdict), ambiguous=True)
        tx.retry(job, now, "ambiguous: sent once more with the same Message-ID", counts=False)


def _deferred(office: Office, post: Post, tx: Transaction, job: Job, outgoing: Outgoing, verdict: Verdict, now: datetime) -> None:
    waited = now - outgoing.created_at
    post.trouble[outgoing.mailbox] = _reply(verdict) or "the server would not take mail just now"
    again = wait(job.tries + 1, waited, post.jitter())
    if again is None:
        tx.set_outgoing(outgoing.number, OutgoingState.FAILED, _reply(verdict))
        tx.done(job)
        _words_came_back(office, tx, outgoing, now)
        log("outgoing.given_up", level="error", outgoing=outgoing.number, kind=outgoing.kind, todo="see the notice")
        _tell(office, tx, outgoing, verdict, job, now, "end")
        return
    tx.set_outgoing(outgoing.number, OutgoingState.QUEUED, _reply(verdict))
    tx.retry(job, now + again, "deferred")
    log("outgoing.deferred", level="warning", outgoing=outgoing.number, kind=outgoing.kind, tries=job.tries + 1)
    if waited >= TELL_AFTER:
        _tell(office, tx, outgoing, verdict, job, now, "wait")


def _tell(office: Office, tx: Transaction, outgoing: Outgoing, verdict: Verdict, job: Job, now: datetime, how: str) -> None:
    """The lead hears of what did not arrive, and of an agent's words whoever has the case. A notice about a notice is not sent: no loop."""
    if outgoing.kind is OutgoingKind.NOTICE:
        return
    rules, mailbox = office.rules, office.mailbox(outgoing.mailbox)
    case = tx.case(outgoing.case) if outgoing.case is not None else None
    values: dict[str, object] = {
        "given_up": how == "end",
        "unknown": how == "unknown",
        "number": case.number if case else 0,
        "subject": case.subject if case else "",
        "customer": _recipient(office, tx, outgoing),
        "tries": job.tries + 1,
        "since": outgoing.created_at,
        "reply": _reply(verdict),
        "words": "",
    }
    subject, purpose = _UNSENT[how], f"unsent:{outgoing.number}:{how}"
    letter = to_lead(
        mailbox, rules.book, office.admin, template="unsent", purpose=purpose, subject=subject, values=values,
        case=case.number if case else None,
    )  # fmt: skip
    letters = [letter]
    words_in = case if outgoing.kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY) else None
    whose = outgoing.agent if outgoing.kind is OutgoingKind.INQUIRY else case.assignee if case else None
    agent = rules.book.agents.get(whose or outgoing.agent or AgentName("")) if words_in else None
    if words_in is not None and agent is not None and agent.name != letter.agent:
        told = to_agent(mailbox, agent, template="unsent", purpose=f"{purpose}:{agent.name}", subject=subject, values=values)
        letters.append(replace(told, case=words_in.number))
    written = office.writer(rules).write(tx, [Send(letter=each) for each in letters], now)
    queue(tx, written, office.mailboxes, now)


_UNSENT = {"end": "A mail has not arrived", "wait": "A mail has not left yet", "unknown": "A mail may not have arrived"}


def _words_came_back(office: Office, tx: Transaction, outgoing: Outgoing, now: datetime) -> None:
    """An agent's words did not reach the customer, who still waits: the case is open again, with a date."""
    case = tx.case(outgoing.case) if outgoing.case is not None and outgoing.kind is OutgoingKind.REPLY else None
    if case is not None:
        unsaid = never_said(case.number, outgoing.purpose, "undelivered")
        tx.apply((*undelivered(case, now, office.policy, office.rules.book), *unsaid), case.mailbox, now)


def _recipient(office: Office, tx: Transaction, outgoing: Outgoing) -> str:
    """Who would have read it, by name."""
    if outgoing.kind is OutgoingKind.INQUIRY:
        return ", ".join(outgoing.envelope_to)
    agent = office.rules.book.agents.get(outgoing.agent) if outgoing.agent and outgoing.kind is not OutgoingKind.REPLY else None
    case = tx.case(outgoing.case) if outgoing.case is not None else None
    person = tx.person(case.customer) if case is not None else None
    return agent.full_name if agent else full_name(person) or "a person"


def _reply(verdict: Verdict) -> str:
    refused = "; ".join(sorted(set(verdict.refused.values()) - {verdict.reply}))
    return " ".join(part for part in (verdict.reply, refused) if part)[:500]
