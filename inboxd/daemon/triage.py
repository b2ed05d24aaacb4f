"""Triage: the whole journey of a message from its raw bytes to the letters that leave, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import islice

from inboxd.core import tokens
from inboxd.core.decide import decide
from inboxd.core.leak import leaks
from inboxd.core.letters import to_lead, worded_lines
from inboxd.core.model import (
    CaseNo,
    Decision,
    Enclose,
    Job,
    JobKind,
    Leak,
    MessageNo,
    Mode,
    OpenCase,
    Send,
    Situation,
    Understood,
)
from inboxd.core.route import share_out_at
from inboxd.core.understand import Failure, place_of, understand
from inboxd.daemon.office import Office, RuleSet
from inboxd.daemon.spiking import look_for_spikes_at
from inboxd.daemon.write import Written, agents_addresses, store, to_customer
from inboxd.errors import Temporary
from inboxd.logs import log
from inboxd.ports import Transaction

KINDS = (JobKind.TRIAGE,)
BATCH = 32
A_TURN = 8  # messages a transaction: whoever sends has its turn in between


def triage(office: Office) -> int:
    """Do what is due, once; returns how many messages were worked on. Safe to run twice."""
    jobs = office.store.claim(KINDS, office.clock.now(), BATCH)
    if jobs:
        rules = office.rules  # the whole batch under one rule set, also if a reload comes meanwhile
        try:
            raws = [office.store.raw(job.message) for job in jobs if job.message is not None]
            understood = understand(raws, office.directory(rules), rules.reader.read)
            pairs = iter(zip(jobs, understood, strict=True))
            while few := tuple(islice(pairs, A_TURN)):
                with office.store.transaction(durable=False) as tx:
                    for job, message in few:
                        _one(office, rules, tx, job, message)
        except Temporary:  # the store cannot be written: nothing of the batch is lost, all of it comes again
            office.store.release(jobs)
            raise
    return len(jobs)


def _one(office: Office, rules: RuleSet, tx: Transaction, job: Job, message: Understood | Failure) -> None:
    """One message; if a stage raises, its writes are undone alone and a person gets it."""
    try:
        if isinstance(message, Failure):
            raise UnreadableError(f"{message.stage}: {message.error}")
        with tx.savepoint():
            situation, decision = _decide(office, rules, tx, job, message)
            if decision.later is not None:
                tx.apply(decision.actions, message.mailbox, situation.now)
                tx.retry(job, decision.later, "waits for a second answer", counts=False)
            else:
                written = _write(office, rules, tx, situation, decision)
                decision, written = _without_leak(office, rules, tx, situation, decision, written)
                tx.record(situation, decision, rules.book.hash)
                if any(isinstance(action, OpenCase) for action in decision.actions):
                    tx.schedule_once(look_for_spikes_at(message.mailbox, situation.now, situation.understood.received_at))
                if situation.agent_proof is not None:  # somebody may be free now for what waits
                    tx.schedule(share_out_at(message.mailbox, situation.now))
                store(tx, written, office.mailboxes, situation.now)
                tx.done(job)
        log("message.decided", message=message.number, kind=message.screening.kind, case=decision.case or "-", because=decision.because[:1])
    except Temporary:
        raise
    except Exception as error:
        _park(office, rules, tx, job, str(error) if isinstance(error, UnreadableError) else place_of(error))


class UnreadableError(Exception):
    """A stage could not cope with a message."""


def _decide(office: Office, rules: RuleSet, tx: Transaction, job: Job, message: Understood) -> tuple[Situation, Decision]:
    mailbox, now = office.mailboxes[message.mailbox], office.clock.now()
    oversize = int(str(job.payload.get("oversize", 0)))
    split_from = CaseNo(int(str(job.payload["split_from"]))) if "split_from" in job.payload else None
    if subject := str(job.payload.get("subject", "")):
        message = replace(message, message=replace(message.message, subject=subject))
    situation = office.gatherer(rules).message(tx, message, mailbox, now, oversize, split_from)
    return situation, decide(situation, rules.book, office.policy, office.admin)


def _write(office: Office, rules: RuleSet, tx: Transaction, situation: Situation, decision: Decision) -> tuple[Written, ...]:
    sends = [action for action in decision.actions if isinstance(action, Send)]
    return office.writer(rules).write(tx, sends, situation.now)


def _without_leak(
    office: Office, rules: RuleSet, tx: Transaction, situation: Situation, decision: Decision, written: tuple[Written, ...]
) -> tuple[Decision, tuple[Written, ...]]:
    """Search what customers would read for what is ours alone; on a hit nothing leaves and the text comes back (I5)."""
    for each in written:
        if not to_customer(each.letter):
            continue
        found = leaks(
            each.raw,
            tokens=_agents_tokens(situation),
            agent_addresses=agents_addresses(rules.book),
            notes=_notes(tx, situation),
            brief_lines=_brief_lines(situation),
            quotation=str(each.letter.values.get("quotation", "")),
            given=f"{each.letter.subject} {each.letter.to.name} {each.letter.to.email}",  # what the customer wrote is theirs
        )
        if found:
            log("reply.held", case=decision.case or "-", because="leak")
            held = replace(situation, leaks=tuple(Leak(place=f.place, what=f.what, excerpt=f.excerpt) for f in found))
            decision = decide(held, rules.book, office.policy, office.admin)
            return decision, _write(office, rules, tx, held, decision)
    return decision, written


def _agents_tokens(situation: Situation) -> tuple[str, ...]:
    """Signed addresses of agents that this mail carries somewhere, in a quoted header perhaps."""
    message = situation.understood.message
    found = tokens.tokens_in("\n".join((message.subject, message.text, message.html)))
    return tuple(token for token in found if token[0] in (tokens.REPLY, tokens.NOTICE))


def _notes(tx: Transaction, situation: Situation) -> tuple[str, ...]:
    case = situation.case
    if case is None:
        return ()
    events = tx.events(("case.note",), situation.mailbox.name, case.opened_at)
    return tuple(str(event["text"]) for event in events if event["case"] == case.number)


def _brief_lines(situation: Situation) -> tuple[str, ...]:
    """What inboxd or the admin worded in the mail that this one answers; not what it quotes from the customer."""
    case, released = situation.case, situation.to_release
    said = case.briefs if case else ()
    sent = (situation.replied_to, released.replied_to if released else None)
    return (*said, *(line for each in sent if each for line in worded_lines(each.text)))


def _park(office: Office, rules: RuleSet, tx: Transaction, job: Job, error: str) -> None:
    """Keep it with its bytes and hand it to a person as an attachment; the next message is not held up (I3)."""
    now = office.clock.now()
    tx.park(job, error, now)
    log("message.parked", message=job.message or "-", error=error, todo=f"inboxd parked show {job.number}", level="error")
    if job.message is not None:
        tell_parked(office, rules, tx, job.message, error, now)


def tell_parked(office: Office, rules: RuleSet, tx: Transaction, message: MessageNo, error: str, now: datetime) -> None:
    """Hand a parked mail to the lead as an attachment, once."""
    raw = office.store.raw(message)
    mailbox = office.mailbox(raw.mailbox)
    if mailbox.mode is Mode.WATCH:
        return  # it is attached to the daily mail
    try:
        with tx.savepoint():
            letter = to_lead(
                mailbox,
                rules.book,
                office.admin,
                template="parked",
                purpose=f"parked:message {message}",
                subject="A mail that could not be read",
                values={"reason": error, "message": message, "received_at": raw.received_at},
                enclose=(Enclose(message=message, whole=True),),
            )
            store(tx, office.writer(rules).write(tx, [Send(letter=letter)], now), office.mailboxes, now)
    except Temporary:
        raise
    except Exception as failed:
        log("parked.not_told", message=message, error=place_of(failed), level="error")
