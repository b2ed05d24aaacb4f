"""Mails that an agent begins: a question to somebody outside the case, and the first mail to a customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxd.core.commands import AgentReply
from inboxd.core.follow_up import silence_later
from inboxd.core.letters import bare_subject, first_name, notice, words_to
from inboxd.core.model import (
    Action,
    Address,
    Assign,
    Case,
    CaseState,
    Decision,
    Enclose,
    Join,
    Letter,
    Log,
    OpenCase,
    OutgoingKind,
    Person,
    Role,
    Send,
    Situation,
)
from inboxd.core.policy import Policy
from inboxd.core.promises import remembered
from inboxd.core.route import given_anew, who_reads
from inboxd.core.rulebook import Agent, Rulebook

ANSWER = "inquiry_answer"  # how the purpose begins of the letter that brings such an answer to an agent


def asked(situation: Situation, case: Case, agent: Agent, words: str, emails: Sequence[str], policy: Policy) -> tuple[Send, ...]:
    """The agent's words, and nothing of the case, to each of these people."""
    leaves = situation.now + policy.hold if policy.hold else None
    letters = (words_to(situation, case, agent, words, OutgoingKind.INQUIRY, Address(email=email)) for email in emails)
    return tuple(Send(letter=letter, at=leaves) for letter in letters)


def answer_of_theirs(situation: Situation) -> str:
    """Who is written to by a plain reply to a letter that brought somebody's answer; "" where this is none."""
    sent = situation.replied_to
    kind, _, email = sent.purpose.partition(":") if sent else ("", "", "")
    return email.partition(":")[0] if kind == ANSWER else ""


def answered(situation: Situation, case: Case, book: Rulebook) -> Decision:
    """Somebody outside the case answers what an agent asked: whoever asked and whoever has the case read it, the customer never does.

    Where neither is there, somebody else reads it, too.
    """
    u, sent = situation.understood, situation.replied_to
    asker_and_holder = (sent.agent if sent else None, case.assignee)
    reader = who_reads(asker_and_holder, situation, case, book)
    names = dict.fromkeys(name for name in (*asker_and_holder, reader.agent if reader else None) if name in book.agents)
    who = u.message.sender
    letters = [
        notice(
            situation,
            book.agents[name],
            template="inquiry_answer",
            purpose=f"{ANSWER}:{who.email}:{u.number}:{name}",
            case=case,
            values={
                "who": first_name(who.name, who.email),
                "email": who.email,
                "text": u.new_text.strip(),
                "at": u.received_at,
                "customer": first_name(situation.customer.name, situation.customer.email) if situation.customer else "",
            },
            enclose=(Enclose(message=u.number, attachments=u.message.attachments),),
        )
        for name in names
        if name is not None
    ]
    from_name = f"{who.name or who.email} via {situation.mailbox.brand}"
    actions: list[Action] = [
        Join(case=case.number, role=Role.ASKED),
        Log(kind="case.inquiry_answered", case=case.number, data={"message": u.number}),
        *(given_anew(case, reader, book) if reader else ()),
        *(Send(letter=replace(letter, from_name=from_name)) for letter in letters),
    ]
    return Decision(actions=tuple(actions), because=("the answer of somebody whom an agent asked",), case=case.number)


# --- the first mail to a customer --------------------------------------------------------------------------------------------


def begun(situation: Situation, agent: Agent, read: AgentReply, email: str, subject: str, book: Rulebook, policy: Policy) -> Decision:
    """A case that begins with our words: it waits for the customer, who is never asked about it before they have written themselves."""
    now, words = situation.now, read.words.strip()
    person = situation.known.get(email) or Person(number=situation.next_person, name="", email=email)
    person = replace(person, email=email)
    case = Case(
        number=situation.next_case,
        mailbox=situation.mailbox.name,
        customer=person.number,
        subject=bare_subject(subject),
        state=CaseState.WAITING,
        language=person.language or situation.mailbox.language,
        assignee=agent.name,
        opened_at=now,
        updated_at=now,
        involved=(agent.name,),
        last_reply_at=now,
        last_reply_by=agent.name,
        last_reply_asks=True,
        no_follow_up=True,
    )
    there = replace(situation, case=case, customer=person, story=(), promises=(), customer_thread=(), agent_threads={})
    leaves = now + policy.hold if policy.hold else None
    letter = words_to(there, case, agent, words, OutgoingKind.REPLY, Address(email=email, name=person.name))
    quiet_from, promised = remembered(there, agent.name, words, book, policy.zone)
    actions: list[Action] = [
        OpenCase(case=case, person=person),
        Join(case=case.number, role=Role.AGENT),
        Assign(case=case.number, agent=agent.name, team=None, why="began it"),
        *silence_later(case, book.follow_up, quiet_from or now),
        *promised,
        Send(letter=letter, at=leaves),
        Send(letter=_told(there, case, agent, read, email, leaves)),
    ]
    return Decision(actions=tuple(actions), because=("an agent begins a mail",), case=case.number, words=words)


def _told(situation: Situation, case: Case, agent: Agent, read: AgentReply, email: str, leaves: datetime | None) -> Letter:
    line = next(command.line for command in read.commands if command.name == "to")
    values: dict[str, object] = {
        "words": read.words.strip(),
        "resolved": False,
        "unread": False,
        "done": ({"kind": "to", "line": line, "case": 0, "value": email, "number": case.number},),
        "note": "",
        "ask_at": None,
        "why_not": "",
        "left_out": read.left_out,
        "leaves_at": leaves,
        "readers": (email,),
    }
    return notice(situation, agent, template="transcript", purpose=f"transcript:{situation.understood.number}", case=case, values=values)
