"""What to do about a message, and why. A decision is data: it can be printed, compared, tested and replayed."""

from __future__ import annotations

from datetime import timedelta

from inboxd.core.brief import NO_SUBJECT
from inboxd.core.copies import replace
from inboxd.core.dates import named_days
from inboxd.core.due import ANSWER_OFFERED, BY_MAIL, due
from inboxd.core.follow_up import ASKING, close_later, remind_later
from inboxd.core.hear import hear
from inboxd.core.letters import first_name, full_name, notice, to_lead
from inboxd.core.model import (
    Absent,
    Action,
    AgentName,
    Assign,
    Bounce,
    Case,
    CaseState,
    ChangePerson,
    Decision,
    Enclose,
    Job,
    JobKind,
    Join,
    Kind,
    Letter,
    Log,
    MarkOutgoing,
    OpenCase,
    OutgoingKind,
    Schedule,
    Send,
    SentMessage,
    Situation,
)
from inboxd.core.obey import obey
from inboxd.core.outside import answered
from inboxd.core.permit import BRAKE, held_words, permit
from inboxd.core.policy import Policy
from inboxd.core.practice import practise
from inboxd.core.promises import never_said
from inboxd.core.route import contacts_with, filed, route, share_out_at, trace_of, undelivered
from inboxd.core.rulebook import Rulebook, today_of
from inboxd.core.rules import Ruling
from inboxd.core.shared_mailbox import in_folders, moved_to_resolved, written_here
from inboxd.core.without_case import obey_without_case

LONGEST_ABSENCE = timedelta(days=60)  # that an out-of-office is believed
USUAL_ABSENCE = timedelta(days=7)  # where an out-of-office names no day
DAY = timedelta(days=1)


def decide(situation: Situation, book: Rulebook, policy: Policy, admin: str = "") -> Decision:
    """Decide about one message. The same situation and rules give the same decision."""
    situation, named = _with_name(situation)
    decision = _by_kind(situation, book, policy, admin)
    decision = replace(decision, actions=(*decision.actions, *named)) if named else decision
    if (situation.false_claim or situation.unconfirmed) and not situation.understood.screening.automatic:
        data = {"message": situation.understood.number, "unconfirmed": situation.unconfirmed}
        noted = Log(kind="message.false_claim", case=decision.case, data=data)
        decision = replace(decision, actions=(*decision.actions, noted, Send(letter=_false_claim(situation, book, admin))))
    return permitted(decision, situation, book, policy, admin)


def _with_name(situation: Situation) -> tuple[Situation, tuple[ChangePerson, ...]]:
    """Somebody of whom we knew the address alone says their name: from now on they are called by it."""
    person, sender = situation.person, situation.understood.message.sender
    nameless = person is not None and not person.name and person.email == sender.email
    doubtful = situation.understood.screening.automatic or situation.authentication == "fail"
    if person is None or not nameless or doubtful or not sender.name or "@" in sender.name:
        return situation, ()
    person = replace(person, name=sender.name)
    customer = situation.customer
    customer = replace(customer, name=person.name) if customer is not None and customer.number == person.number else customer
    return replace(situation, person=person, customer=customer), (ChangePerson(person=person.number, changes={"name": person.name}),)


def _false_claim(situation: Situation, book: Rulebook, admin: str) -> Letter:
    """The lead hears of it once a day, however many try: the mail itself was taken as any other.

    That our own server did not confirm an agent is told apart: no stranger's tries may hide that the desk is deaf to its agents.
    """
    sender = situation.understood.message.sender.email
    known = book.agents.get(situation.agent or AgentName(""))
    what, server = ("unconfirmed", situation.mailbox.authserv_id) if situation.unconfirmed else ("false_claim", "")
    subject = situation.understood.message.subject
    return to_lead(
        situation.mailbox,
        book,
        admin,
        template="false_claim",
        purpose=f"{what}:{situation.mailbox.name}:{situation.now:%Y%m%d}",
        subject="A mail that only an agent could have sent, and nothing proves it",
        values={"sender": sender, "holder": known.signs_as if known else "", "subject": subject, "server": server},
    )


def decide_due(job: Job, situation: Situation, book: Rulebook, policy: Policy, admin: str = "") -> Decision:
    """Decide about a date of a case that has come."""
    if job.kind is JobKind.RESOLVE and situation.case is not None:
        decision = moved_to_resolved(job, situation, situation.case, book)
    else:
        decision = due(job, situation, book, policy, admin)
    return permitted(decision, situation, book, policy, admin, by_mail=bool(job.payload.get(BY_MAIL)))


def _by_kind(situation: Situation, book: Rulebook, policy: Policy, admin: str) -> Decision:
    screening = situation.understood.screening
    if screening.sent:
        return written_here(situation, book, policy)
    spam = screening.kind is Kind.SPAM
    if situation.agent_proof is not None and situation.agent_proof.case is None and (spam or not screening.automatic):
        if situation.agent_proof.words_to_customer:  # of whom no customer knows
            return practise(situation, situation.agent_proof, book, policy)
        return obey_without_case(situation, situation.agent_proof, book, policy)
    if situation.agent_proof is not None and situation.case is not None and (spam or not screening.automatic):
        return obey(situation, situation.agent_proof, book, policy)  # proof weighs more than a server's guess
    asked = situation.case is not None and situation.replied_to is not None and situation.replied_to.kind is OutgoingKind.INQUIRY
    if asked and situation.case is not None and (spam or not screening.automatic):  # answers an unguessable id
        return answered(situation, situation.case, book)
    if spam and situation.case is not None and situation.person is not None:
        return hear(situation, book, policy)  # of a participant in a known case: an agent sees it, with the mark
    if screening.kind is Kind.LIST and situation.agent_proof is not None and situation.case is not None:
        return obey(situation, situation.agent_proof, book, policy)  # an agent whose mail passes through a list of the house
    if screening.automatic:
        return _machine(situation, book, policy, admin)
    if _rules_of_the_admin(situation, admin):
        return _try_rules(situation)
    if situation.forwarder is not None:
        return _on_behalf(hear(situation, book, policy), situation, situation.forwarder, book)
    return hear(situation, book, policy)


def _on_behalf(decision: Decision, situation: Situation, forwarder: AgentName, book: Rulebook) -> Decision:
    """What an agent passed on is decided as the customer's own mail; the agent's words above it stay among us, and they hear who has it."""
    actions = list(decision.actions)
    note, agent = situation.understood.message.above, book.agents[forwarder]
    opened = next((a.case for a in actions if isinstance(a, OpenCase)), situation.case)
    if note and decision.case is not None:
        data = {"agent": forwarder, "text": note, "message": situation.understood.number}
        actions.append(Log(kind="case.note", case=decision.case, data=data))
    given = next((a.agent for a in actions if isinstance(a, Assign)), opened.assignee if opened else None)
    holder = book.agents.get(given or AgentName(""))
    values: dict[str, object] = {
        "writer": first_name(situation.understood.message.sender.name, situation.understood.message.sender.email),
        "email": situation.understood.message.sender.email,
        "holder": holder.signs_as if holder and holder.name != forwarder else "",
        "yours": holder is not None and holder.name == forwarder,
        "note": note,
    }
    letter = notice(situation, agent, template="on_behalf", purpose=f"on_behalf:{situation.understood.number}", values=values, case=opened)
    return replace(decision, actions=(*actions, Send(letter=letter)))


# --- rules by mail ---------------------------------------------------------------------------------------------------------


def _rules_of_the_admin(situation: Situation, admin: str) -> bool:
    """Whether the admin, and nobody in their name, mails rules (I6): our own server vouches for the sender (RFC 7489)."""
    message = situation.understood.message
    ours = bool(admin) and message.sender.email == admin.lower() and situation.dmarc_pass
    return ours and any(is_rule_file(attachment.name) for attachment in message.attachments)


def is_rule_file(name: str) -> bool:
    """Whether an attached file is meant as rules."""
    return name.lower().endswith((".yaml", ".yml"))


def _try_rules(situation: Situation) -> Decision:
    number = situation.understood.number
    job = Schedule(kind=JobKind.TRY_RULES, key=f"{JobKind.TRY_RULES}:{number}", at=situation.now, payload={"message": number})
    return Decision(actions=(Log(kind="rules.received", data={"message": number}), job), because=("the admin mails rules",))


# --- machines ------------------------------------------------------------------------------------------------------------


def _machine(situation: Situation, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """Never dropped, never answered: noted in a known case, tied to what we sent, else stored and counted."""
    kind, case = situation.understood.screening.kind, situation.case
    if kind is Kind.BOUNCE and situation.bounced is not None:
        return _bounce(situation, situation.bounced, book, policy, admin)
    if kind is Kind.FEEDBACK_REPORT:
        return _feedback(situation, book, admin)
    if situation.agent is not None:  # an agent's out-of-office reaches nobody
        return _agents_machine(situation, situation.agent, book)
    if kind in (Kind.AUTO_RESPONSE, Kind.OUT_OF_OFFICE) and case is not None:
        data = {"message": situation.understood.number, "kind": kind}
        noted = (Join(case=case.number, role=None), Log(kind="case.automatic_noted", case=case.number, data=data))
        later = _asked_in_vain(situation, case, book, policy) if kind is Kind.OUT_OF_OFFICE else ()
        return Decision(actions=(*noted, *later), because=(situation.understood.screening.reason,), case=case.number)
    if kind in (Kind.OWN, Kind.LOOP):
        return _counted(situation, situation.understood.screening.reason)
    found = route(situation, book, policy, contacts_with(situation), reopened=False)
    ruling = found.ruling
    if ruling.then.assign and not ruling.unconditional and not ruling.then.ignore:
        return hear(replace(situation, case=None), book, policy)  # a rule wants a person to see it
    counted = _counted(situation, situation.understood.screening.reason, ruling)
    return replace(counted, actions=(*counted.actions, *filed(situation, ruling)), trace=trace_of(found))


def _asked_in_vain(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> tuple[Schedule, ...]:
    """Our question found nobody there: that is no answer. What comes next waits until they are back, by the day they name, else a week."""
    if case.state is not CaseState.RESOLVED or situation.replied_to is None or situation.replied_to.kind not in ASKING:
        return ()
    now, text = situation.now, f"{situation.understood.message.subject}.\n{situation.understood.message.text}"
    today = now.astimezone(policy.zone).date()
    named = [each.day for each in named_days(text, today) if today < each.day <= today + LONGEST_ABSENCE]
    away = (max(named) - today + DAY) if named else USUAL_ABSENCE
    if JobKind.REMIND in situation.acts:
        return (remind_later(case, book.follow_up, now + away),)
    return (close_later(case, book.follow_up, now + away),)


def _agents_machine(situation: Situation, agent: AgentName, book: Rulebook) -> Decision:
    """An agent's out-of-office, which answers a mail that only they got, says that they are away; the date is read where it stands."""
    counted = _counted(situation, "an agent's automatic mail")
    ours = situation.replied_to is not None and situation.replied_to.agent == agent and not situation.unconfirmed
    if situation.understood.screening.kind is not Kind.OUT_OF_OFFICE or not ours or agent not in book.agents:
        return counted
    today = today_of(book, agent, situation.now)
    text = f"{situation.understood.message.subject}.\n{situation.understood.message.text}"
    days = [named.day for named in named_days(text, today) if today <= named.day <= today + LONGEST_ABSENCE]
    if not days and situation.candidates[agent].away:  # as we know already, and for how long
        return counted
    absent = Absent(agent=agent, first=today, last=max(days, default=today))
    actions = (*counted.actions, absent, share_out_at(situation.mailbox.name, situation.now))
    return replace(counted, actions=actions, because=("an agent is away",))


def _counted(situation: Situation, why: str, ruling: Ruling | None = None) -> Decision:
    by = ruling.by.get("ignore", "") if ruling else ""
    data = {"message": situation.understood.number, "kind": situation.understood.screening.kind, "rule": by}
    return Decision(actions=(Log(kind="message.automatic", data=data),), because=(why,))


def _only_readers(report: Bounce | None, case: Case) -> bool:
    """Whether only people in Cc did not get it: the customer did."""
    failing = {address.lower() for address in report.recipients} if report else set()
    return bool(failing) and failing <= {reader.email for reader in case.participants}


def _bounce(situation: Situation, sent: SentMessage, book: Rulebook, policy: Policy, admin: str) -> Decision:
    """Mark what bounced and tell the agent whose words it carried; a bounce of a notice is told to nobody (no loop)."""
    u, report = situation.understood, situation.understood.screening.bounce
    number, data = sent.number, {"message": u.number, "outgoing": sent.number}
    actions: list[Action] = [
        MarkOutgoing(outgoing=number, reply="bounced"),
        Log(kind="outgoing.bounced", case=sent.case, data=data),
    ]
    if sent.case is not None:
        actions.append(Join(case=sent.case, role=None))
    permanent = report.permanent if report else True
    case = situation.case
    if permanent and case is not None and sent.kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY):
        reader = sent.kind is OutgoingKind.REPLY and _only_readers(report, case)
        if not reader:
            if sent.kind is OutgoingKind.REPLY and case.state in (CaseState.WAITING, CaseState.RESOLVED):
                actions += undelivered(case, situation.now, policy, book)
            actions += never_said(case.number, sent.purpose, "undelivered")
        agent = book.agents.get(sent.agent or AgentName("")) or book.agents.get(case.assignee or AgentName(""))
        if agent is not None:
            address = next(iter(report.recipients), "") if report else ""
            customer = situation.customer.email if situation.customer else ""
            values: dict[str, object] = {"address": address or customer, "permanent": True, "reply": ""}
            if reader or sent.kind is OutgoingKind.INQUIRY:
                values["customer"] = address or "somebody outside"
            actions.append(
                Send(
                    letter=notice(
                        situation,
                        agent,
                        template="bounce_notice",
                        purpose=f"bounce:{u.number}",
                        case=case,
                        values=values,
                    )
                )
            )
    elif permanent and sent.kind in (OutgoingKind.ROUTED, OutgoingKind.RETURNED):
        failing = book.agents.get(sent.agent or AgentName(""))
        values = {"failing": failing.full_name if failing else "", "subject": (case.subject or NO_SUBJECT) if case else ""}
        letter = to_lead(
            situation.mailbox,
            book,
            admin,
            template="agent_unreachable",
            purpose=f"bounce:{u.number}",
            subject="A mail to an agent did not arrive",
            values=values,
        )
        if failing is None or failing.name != book.lead:
            actions.append(Send(letter=letter))
    return Decision(actions=tuple(actions), because=("a bounce of ours",), case=sent.case)


def _feedback(situation: Situation, book: Rulebook, admin: str) -> Decision:
    """Somebody marked our mail as spam: no more questions to them, and the lead knows (RFC 5965)."""
    person, case = situation.customer or situation.person, situation.case
    data = {"message": situation.understood.number}
    actions: list[Action] = [Log(kind="person.complained", case=case.number if case else None, data=data)]
    if person is not None:
        actions.append(ChangePerson(person=person.number, changes={"no_follow_up": True}))
    values: dict[str, object] = {"customer": full_name(person), "subject": (case.subject or NO_SUBJECT) if case else ""}
    letter = to_lead(
        situation.mailbox,
        book,
        admin,
        template="feedback_notice",
        purpose=f"feedback:{situation.understood.number}",
        subject="A mail of ours was marked as spam",
        values=values,
    )
    return Decision(actions=(*actions, Send(letter=letter)), because=("a feedback report",), case=case.number if case else None)


# --- caps and modes ------------------------------------------------------------------------------------------------------


def permitted(decision: Decision, situation: Situation, book: Rulebook, policy: Policy, admin: str, *, by_mail: bool = False) -> Decision:
    """The mode and the caps have the last word; where a cap held something back, a person is told, once an hour.

    Before them, what a team gets in its folder is laid there and leaves no more as a mail, unless `by_mail`: it could not be laid there.
    """
    decision = decision if by_mail else replace(decision, actions=in_folders(decision.actions, situation, book))
    actions = permit(decision.actions, situation, policy)
    if why := held_words(actions):
        decision = _unspoken(decision, situation, why)
        actions = permit(decision.actions, situation, policy)
        if not why.startswith("cap"):
            actions = (*actions, Send(letter=_cap_letter(why, decision, situation, book, admin)))
    if not any(
        isinstance(a, Send) and a.letter.kind is OutgoingKind.ACKNOWLEDGEMENT for a in actions
    ):  # what did not leave offered nothing
        actions = tuple(a for a in actions if not (isinstance(a, Log) and a.kind == ANSWER_OFFERED))
    withheld = [str(a.data["because"]) for a in actions if isinstance(a, Log) and a.kind == "letter.withheld"]
    if BRAKE in withheld:
        actions = (*actions, Log(kind="breaker.tripped"), Send(letter=_brake_letter(situation, book, policy, admin)))
    elif capped := next((why for why in withheld if why.startswith("cap")), None):
        actions = (*actions, Send(letter=_cap_letter(capped, decision, situation, book, admin)))
    return replace(decision, actions=actions)


def _unspoken(decision: Decision, situation: Situation, why: str) -> Decision:
    """An agent's words that may not leave were never said: the case stays as it is, and a person is told."""
    kept: list[Action] = [
        a
        for a in decision.actions
        if isinstance(a, Log) or (isinstance(a, Send) and a.letter.kind in (OutgoingKind.REPLY, OutgoingKind.INQUIRY))
    ]
    if situation.case is not None:
        kept.insert(0, Join(case=situation.case.number, role=None))
    return replace(decision, actions=tuple(kept), because=(f"held back: {why}",), words="")


def _brake_letter(situation: Situation, book: Rulebook, policy: Policy, admin: str) -> Letter:
    values: dict[str, object] = {"count": policy.caps.mailbox_automatic_in_10_minutes, "minutes": 10}
    return to_lead(
        situation.mailbox,
        book,
        admin,
        template="breaker",
        purpose=f"brake:{situation.mailbox.name}:{situation.now:%Y%m%d%H}",
        subject="Automatic mail is stopped",
        values=values,
        to_admin=True,
    )


def _cap_letter(because: str, decision: Decision, situation: Situation, book: Rulebook, admin: str) -> Letter:
    where = f"case {decision.case}" if decision.case else situation.mailbox.name
    subject = situation.case.subject if situation.case else ""
    writer = book.agents.get(situation.agent or AgentName("")) if situation.agent_proof else None
    values: dict[str, object] = {
        "because": because,
        "case": decision.case or 0,
        "subject": subject,
        "writer": writer.signs_as if writer else "",
        "robots": because.startswith("cap"),
    }
    return to_lead(
        situation.mailbox,
        book,
        admin,
        template="held_back",
        purpose=f"breaker:{where}:{situation.now:%Y%m%d%H}" if values["robots"] else f"held_back:{situation.understood.number}",
        subject="Held back: too much mail" if values["robots"] else "Held back: an agent's words",
        values=values,
        enclose=(Enclose(message=situation.understood.number, whole=True),) if writer else (),
    )
