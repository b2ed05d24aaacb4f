"""Housekeeping: what is due by date - ask, remind, close, nudge, the daily mails, the daily check of I11."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.decide import decide_due, is_rule_file, permitted
from inboxd.core.due import share_out
from inboxd.core.follow_up import ASKING_JOBS
from inboxd.core.leak import leaks
from inboxd.core.letters import to_lead
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Action,
    Advance,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    Enclose,
    Job,
    JobKind,
    Log,
    MailboxFacts,
    MailboxName,
    MessageNo,
    Mode,
    Outcome,
    Schedule,
    Send,
    Situation,
    TeamName,
    Understood,
)
from inboxd.core.parse import files, parse
from inboxd.core.retry import backoff
from inboxd.core.route import share_out_at
from inboxd.core.understand import place_of
from inboxd.daemon.gather import as_it_came, away_now, understood_again
from inboxd.daemon.mending import tell_holder, tell_lead, what_to_tell
from inboxd.daemon.morning import morning_lists
from inboxd.daemon.office import Office, RuleSet, RulesTried, Week
from inboxd.daemon.practice import greet_newcomers
from inboxd.daemon.spiking import tell_spikes
from inboxd.daemon.triage import tell_parked
from inboxd.daemon.weekly import look_back, next_weekly, voices, weekly_letter
from inboxd.daemon.write import Written, agents_addresses, store, to_customer
from inboxd.errors import InboxdError, Temporary
from inboxd.logs import log
from inboxd.ports import MailboxState, Transaction

KINDS = tuple(kind for kind in JobKind if kind not in (JobKind.TRIAGE, JobKind.SEND, JobKind.FILE))
AFTER_SILENCE = (*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE, JobKind.MENDED)  # what would not be done if somebody had written
DAILY = (JobKind.DIGEST, JobKind.AUDIT)
NOT_SOON = timedelta(minutes=1)
SHARE_EVERY = timedelta(minutes=15)
SHARED_AT_ONCE = 20  # cases in one transaction
DAY = timedelta(days=1)
MORNING = 7  # the hour, in the mailbox's time zone, at which daily mails leave


def keep_house(office: Office, unread: Collection[MailboxName] = ()) -> int:
    """Do what is due, once; returns how many jobs were worked on. Safe to run twice.

    In the mailboxes that are `unread` nobody knows yet who wrote, so nothing is done there because nobody did.
    """
    jobs = office.store.claim(KINDS, office.clock.now(), 20)
    for job in jobs:
        try:
            tried = _tried(office, job) if job.kind is JobKind.TRY_RULES else None  # takes minutes: not inside the transaction
            week = look_back(office, job) if job.kind is JobKind.WEEKLY else None
            with office.store.transaction() as tx, tx.savepoint():
                if not tx.holds(job):  # a mail that was triaged meanwhile may have moved the date
                    continue
                if _waits_for_mail(tx, job, unread):
                    tx.retry(job, office.clock.now() + NOT_SOON, "the mailbox is not read yet", counts=False)
                    continue
                _one(office, tx, job, tried, week)
                tx.done(job)
        except Temporary:
            office.store.release(jobs)
            raise
        except Exception as error:
            try:
                with office.store.transaction() as tx:
                    if job.kind in (*DAILY, JobKind.WEEKLY):
                        # tomorrow it may work: a check that stays away for good would be missed by nobody
                        tx.retry(job, _next_morning(office, office.clock.now()), place_of(error))
                    else:
                        tx.park(job, place_of(error), office.clock.now())
            except Temporary:
                office.store.release(jobs)
                raise
            log("job.parked", level="error", job=job.number, kind=job.kind, error=place_of(error), todo=f"inboxd parked show {job.number}")
    return len(jobs)


def _waits_for_mail(tx: Transaction, job: Job, unread: Collection[MailboxName]) -> bool:
    case = tx.case(job.case) if unread and job.kind in AFTER_SILENCE and job.case is not None else None
    return case is not None and case.mailbox in unread


def open_house(office: Office) -> None:
    """At start and after a reload of settings: daily jobs, and what a change of mode asks for."""
    now = office.clock.now()
    with office.store.transaction() as tx:
        for name, mailbox in office.mailboxes.items():
            before = tx.mailbox_state(name)
            if before is None or before.mode is not mailbox.mode:
                if before is not None and before.mode is Mode.WATCH:
                    _leave_watch(office, office.rules, tx, mailbox, now)
                tx.set_mailbox_state(name, MailboxState(mode=mailbox.mode, since=now))
                log("mailbox.mode", mailbox=name, mode=mailbox.mode)
            tx.schedule(share_out_at(name, now))
            tx.schedule_once(next_weekly(office, name, now))
            for kind in DAILY:
                tx.schedule_once(Schedule(kind=kind, key=f"{kind}:{name}", at=_next_morning(office, now), payload={"mailbox": name}))
        tx.remember_ruleset(office.rules.book.hash, office.rules.files, now)
        greet_newcomers(office, office.rules, tx, now)
        for job in office.store.parked():  # one that ended the process each time is parked by the store, which writes no letters
            if job.kind is JobKind.TRIAGE and job.message is not None:
                tell_parked(office, office.rules, tx, job.message, job.error, now)


def _one(office: Office, tx: Transaction, job: Job, tried: RulesTried | None, week: Week | None) -> None:
    rules = office.rules  # one set for the whole job, also if another is put in force meanwhile
    if tried is not None:
        _tell_what_came_of_it(office, rules, tx, job, tried)
        return
    if job.kind is JobKind.UNFETCHED:
        _unfetched(office, rules, tx, job)
        return
    if job.kind in DAILY:
        _daily(office, rules, tx, job)
        return
    if job.kind is JobKind.WEEKLY:
        _weekly(office, rules, tx, job, week)
        return
    if job.kind is JobKind.SHARE_OUT:
        _share_out(office, rules, tx, job)
        return
    if job.kind is JobKind.SPIKES:
        for letter in tell_spikes(office, rules, tx, job):
            _send(office, rules, tx, Send(letter=letter), office.clock.now())
        return
    if job.kind is JobKind.RESOLVE:
        if tx.understood(MessageNo(int(str(job.payload["message"])))) is None:  # nobody decided about it yet
            tx.retry(job, office.clock.now() + max(NOT_SOON, backoff(job.tries, 0.0)), "the mail is not decided yet")
            return
        job = replace(job, case=tx.case_of(MessageNo(int(str(job.payload["message"])))))
    case = tx.case(job.case) if job.case is not None else None
    if case is None or (job.kind is JobKind.RESOLVE and case.number != job.case):  # merged: the other one goes on by its own mails
        return
    mailbox, now = _speaks_for(office, case), office.clock.now()
    latest = _latest(office, rules, tx, case)
    situation = office.gatherer(rules).case(tx, case, latest, mailbox, now)
    if job.kind is JobKind.REDECIDE:
        situation = as_it_came(tx, situation)
    if job.kind is JobKind.MENDED:
        situation = replace(situation, mended=what_to_tell(tx, job, case))
    decision = decide_due(job, situation, rules.book, office.policy, office.admin)
    _carry_out(office, rules, tx, situation, decision)
    if job.kind is JobKind.MENDED:
        for letter in (*tell_holder(tx, job, case, mailbox, rules.book), *tell_lead(tx, job, mailbox, rules.book, office.admin)):
            _send(office, rules, tx, Send(letter=letter), now)
    log("job.done", job=job.kind, case=case.number, because=decision.because[:1])


def _search(rules: RuleSet, situation: Situation, written: Sequence[Written]) -> None:
    """What a machine says to a customer is searched like an agent's words (I5); on a hit the job is parked and nothing leaves."""
    for each in written:
        if to_customer(each.letter):
            given = f"{each.letter.subject} {each.letter.to.name} {each.letter.to.email}"
            found = leaks(each.raw, agent_addresses=agents_addresses(rules.book), brief_lines=_briefs(situation), given=given)
            if found:
                raise InboxdError(f"{found[0].what} in {found[0].place}")


def _briefs(situation: Situation) -> tuple[str, ...]:
    return situation.case.briefs if situation.case else ()


def _speaks_for(office: Office, case: Case) -> MailboxFacts:
    """The case's mailbox. For one that was taken out of the settings another speaks, and to agents only: customers know neither."""
    return office.mailboxes.get(case.mailbox) or replace(office.mailbox(case.mailbox), mode=Mode.ROUTE)


def _latest(office: Office, rules: RuleSet, tx: Transaction, case: Case) -> Understood:
    """The customer's latest message as it was understood, with what people corrected since, and its texts from the raw mail."""
    number = tx.latest_message(case.number)
    if number is None:
        raise InboxdError(f"case {case.number} has no message of its customer")
    return understood_again(office.store, office.directory(rules), tx, number, case)


def _unfetched(office: Office, rules: RuleSet, tx: Transaction, job: Job) -> None:
    """A mail that the server would not give: nobody here can read it, so a person must look into the mailbox."""
    facts, now = job.payload, office.clock.now()
    mailbox = office.mailbox(MailboxName(str(facts["mailbox"])))
    tx.apply((Log(kind="message.unfetched", data=facts),), mailbox.name, now)
    if mailbox.mode is Mode.WATCH:
        return  # it stands in the daily mail
    letter = to_lead(
        mailbox, rules.book, office.admin, template="unfetchable", purpose=job.key,
        subject="A mail that could not be fetched",
        values={**facts, "address": mailbox.address, "received_at": datetime.fromisoformat(str(facts["received_at"]))},
    )  # fmt: skip
    _send(office, rules, tx, Send(letter=letter), now)


# --- rules by mail -----------------------------------------------------------------------------------------------------------


def _tried(office: Office, job: Job) -> RulesTried:
    """Check the rules that the admin mailed, and replay the past under them. Nothing is put in force."""
    raw = office.store.raw(MessageNo(int(str(job.payload["message"])))).raw
    attached = files(raw, parse(raw).attachments)
    try:
        return office.try_rules({file.name: file.content for file in attached if is_rule_file(file.name)})
    except Temporary:
        raise
    except Exception as error:  # the admin waits for an answer
        return RulesTried(mistakes=(f"the rules could not be tried: {place_of(error)}",))


def _tell_what_came_of_it(office: Office, rules: RuleSet, tx: Transaction, job: Job, tried: RulesTried) -> None:
    number, now = MessageNo(int(str(job.payload["message"]))), office.clock.now()
    raw = office.store.raw(number)
    asked = parse(raw.raw)
    letter = to_lead(
        office.mailbox(raw.mailbox), rules.book, office.admin, template="rules_tried", purpose=job.key, to_admin=True,
        subject=f"Re: {asked.subject}" if asked.subject else "Your rules",
        values={"mistakes": tried.mistakes, "warnings": tried.warnings, "tests": tried.tests, "failed": tried.failed,
                "backtest": tried.backtest},
    )  # fmt: skip
    _send(office, rules, tx, Send(letter=replace(letter, thread=(asked.message_id,) if asked.message_id else ())), now)
    log("rules.tried", message=number, mistakes=len(tried.mistakes), failed=len(tried.failed))


# --- who has it --------------------------------------------------------------------------------------------------------------


def _share_out(office: Office, rules: RuleSet, tx: Transaction, job: Job) -> None:
    """Take over from those who are away, give back, hand out what waits: upset people first, then whoever waits longest.

    So many cases at a time, that others get at the store in between; one that cannot be handed over holds up no other.
    """
    name, now = MailboxName(str(job.payload["mailbox"])), office.clock.now()
    away = away_now(tx, rules.book, now)
    there = [agent for agent in rules.book.agents if agent not in away]
    full: set[TeamName] = set()  # teams of which nobody was free just now
    looked, stays, before = 0, 0, int(str(job.payload.get("stays", 0)))
    for number, case in enumerate(tx.to_share_out(name, there)):
        if number < before or (case.backlog in full and case.assignee in there and not case.lent_by):
            stays += 1
            continue
        if looked >= SHARED_AT_ONCE:  # what was handed over has left the list, what stays stands at its head
            tx.schedule(replace(share_out_at(name, now), payload={"mailbox": name, "stays": stays}))
            return
        looked += 1
        if not _shared(office, rules, tx, case, now):
            stays += 1
            came_back = case.outcome is Outcome.DISSATISFIED  # it passes by those who were part of it: they may be free for others
            full |= {case.backlog} if case.backlog and not came_back else set()
    if name in office.mailboxes:
        tx.schedule(share_out_at(name, now + SHARE_EVERY))


def _shared(office: Office, rules: RuleSet, tx: Transaction, case: Case, now: datetime) -> bool:
    """Whether this case found somebody."""
    try:
        with tx.savepoint():
            situation = office.gatherer(rules).case(tx, case, _latest(office, rules, tx, case), _speaks_for(office, case), now)
            decision = share_out(situation, rules.book, office.policy)
            if decision.actions:
                _carry_out(office, rules, tx, situation, permitted(decision, situation, rules.book, office.policy, office.admin))
                log("case.shared_out", case=case.number, because=decision.because[:1])
            return bool(decision.actions)
    except Temporary:
        raise
    except Exception as error:
        log("case.not_shared_out", level="error", case=case.number, error=place_of(error), todo="inboxd explain CASE")
        return False


def _carry_out(office: Office, rules: RuleSet, tx: Transaction, situation: Situation, decision: Decision) -> None:
    sends = [action for action in decision.actions if isinstance(action, Send)]
    written = office.writer(rules).write(tx, sends, situation.now)
    _search(rules, situation, written)
    tx.record_due(situation, decision, rules.book.hash)
    store(tx, written, office.mailboxes, situation.now)


# --- every day -------------------------------------------------------------------------------------------------------------


def _next_morning(office: Office, now: datetime) -> datetime:
    local = now.astimezone(office.policy.zone)
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return (morning if morning > local else morning + DAY).astimezone(now.tzinfo)


def _daily(office: Office, rules: RuleSet, tx: Transaction, job: Job) -> None:
    name = MailboxName(str(job.payload["mailbox"]))
    now, mailbox = office.clock.now(), office.mailboxes.get(name)
    if mailbox is None:
        return  # taken out of the settings
    if job.kind is JobKind.AUDIT:
        _audit(office, rules, tx, mailbox, now)
    elif mailbox.mode is Mode.WATCH:
        _watch_mail(office, rules, tx, mailbox, now)
    else:
        for letter in morning_lists(office, rules, tx, mailbox, now):
            _send(office, rules, tx, Send(letter=letter), now)
    tx.schedule(Schedule(kind=job.kind, key=job.key, at=_next_morning(office, now), payload=job.payload))


def _weekly(office: Office, rules: RuleSet, tx: Transaction, job: Job, week: Week | None) -> None:
    name, now = MailboxName(str(job.payload["mailbox"])), office.clock.now()
    mailbox = office.mailboxes.get(name)
    if mailbox is None:
        return  # taken out of the settings
    if week is not None:
        _send(office, rules, tx, Send(letter=weekly_letter(office, rules, mailbox, week)), now)
    for letter in voices(office, rules, tx, mailbox, week):
        _send(office, rules, tx, Send(letter=letter), now)
    tx.schedule(next_weekly(office, name, now))


def _send(office: Office, rules: RuleSet, tx: Transaction, letter: Send, now: datetime) -> None:
    store(tx, office.writer(rules).write(tx, [letter], now), office.mailboxes, now)


def _audit(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, now: datetime) -> None:
    """I11: no open case without assignee, due date and next job."""
    lacking = []
    for case in tx.open_cases(mailbox.name):
        jobs, lacks = [kind for kind in tx.jobs_of(case.number) if kind is not JobKind.PROMISE], []
        if case.state is CaseState.OPEN and case.assignee not in rules.book.agents:
            lacks.append("nobody has it")
        if case.state is CaseState.OPEN and case.due_at is None:
            lacks.append("no date")
        if not jobs and not (case.state is CaseState.WAITING and rules.book.follow_up.ask_when_waiting is None):
            lacks.append("no next step")
        if lacks:
            lacking.append(f"{case.subject or 'no subject'} [#{case.number}]: {', '.join(lacks)}")
    if not lacking:
        return
    log("audit.found", level="error", mailbox=mailbox.name, cases=len(lacking), todo="inboxd status")
    letter = to_lead(
        mailbox, rules.book, office.admin, template="audit", purpose=f"audit:{mailbox.name}:{now:%Y%m%d}",
        subject=f"{len(lacking)} open without somebody, a date or a next step", values={"findings": tuple(lacking)},
    )  # fmt: skip
    _send(office, rules, tx, Send(letter=letter), now)


def _watch_mail(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, now: datetime) -> None:
    """What I would have done: once a day, parked mails attached."""
    since = now - DAY
    opened = tx.events(("case.assigned",), mailbox.name, since)
    ignored = tx.events(("message.automatic", "message.ignored"), mailbox.name, since)
    received = tx.received(mailbox.name, since, apart_from=mailbox.sent)
    groups: dict[str, list[str]] = {}
    for event in opened:
        case = tx.case(event["case"])  # type: ignore[arg-type]  # the case of a case.assigned event
        agent = rules.book.agents.get(event["agent"])  # type: ignore[call-overload]  # an agent's name
        who = agent.full_name if agent else str(event["agent"])
        person = tx.person(case.customer) if case else None
        if case is not None:
            line = f"{(person.name or person.email) if person else ''}, {case.subject}: {event['because']}"
            groups.setdefault(f"To {who}", []).append(line)
    for event in tx.events(("message.unfetched",), mailbox.name, since):
        line = f"{event['size']} bytes, number {event['uid']} in the folder {event['folder']}: {event['reason']}"
        groups.setdefault("Not fetched, please look into the mailbox", []).append(line)
    parked = [job for job in office.store.parked() if job.message is not None and job.parked_at >= since]
    parked = [job for job in parked if job.message and office.store.raw(job.message).mailbox == mailbox.name]
    letter = to_lead(
        mailbox, rules.book, office.admin, template="watch_daily", purpose=f"watch:{mailbox.name}:{now:%Y%m%d}",
        subject=f"{now.astimezone(office.policy.zone):%A}: {received} mails, and what I would have done",
        values={
            "received": received, "groups": [{"title": t, "lines": tuple(lines)} for t, lines in sorted(groups.items())],
            "automatic": len(ignored), "parked": len(parked),
        },
        enclose=tuple(Enclose(message=job.message, whole=True) for job in parked if job.message),
    )  # fmt: skip
    _send(office, rules, tx, Send(letter=letter), now)


def _leave_watch(office: Office, rules: RuleSet, tx: Transaction, mailbox: MailboxFacts, now: datetime) -> None:
    """People answered these themselves while we watched: nobody is asked about them, and the lead gets the list once."""
    lines, event = [], CaseEvent.NO_ANSWER
    for case in tx.open_cases(mailbox.name):
        state = advance(CaseState.RESOLVED, event)
        actions: tuple[Action, ...] = (
            Advance(case=case.number, event=event, state=state, changes={"closed_at": now, "outcome": Outcome.UNKNOWN, "due_at": None}),
            Cancel(case=case.number, kinds=KINDS),
        )
        tx.apply(actions, mailbox.name, now)
        person = tx.person(case.customer)
        lines.append(f"{(person.name or person.email) if person else ''}, {case.subject or 'no subject'} [#{case.number}]")
    if not lines:
        return
    letter = to_lead(
        mailbox, rules.book, office.admin, template="left_watch", purpose=f"left_watch:{mailbox.name}:{int(now.timestamp())}",
        subject=f"{mailbox.brand}: from watching to working", values={"cases": tuple(lines)},
    )  # fmt: skip
    _send(office, rules, tx, Send(letter=letter), now)
