"""Plays the people of the demo: the bytes of each step, and what somebody sends back when a mail arrives.

Reactions hang on what a person would see in the mail, never on the time, and each happens once. Only the state
remembers: the same mails in the same order give the same answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import getaddresses
from hashlib import sha256
from typing import NamedTuple, assert_never

from inboxd.demo.answers import AGENT_REACTIONS, CUSTOMER_REACTIONS
from inboxd.demo.cast import LEAD, MAILBOXES, MAILER_DAEMON, SUPPORT, TEAM, Person, person_of
from inboxd.demo.letters import away, bounce, header_of, mail, mislabelled, reply_to, text_of
from inboxd.demo.mails import STEPS
from inboxd.demo.story import START, AgentReaction, CustomerReaction, How, Step, Trick, When

__all__ = [
    "LEAD",
    "MAILBOXES",
    "START",
    "STEPS",
    "SUPPORT",
    "TEAM",
    "Reaction",
    "State",
    "react",
    "step_envelope",
    "step_mail",
]

# How a follow-up or a reminder asks, in words of both languages; an acknowledgement says none of them.
ASKS = re.compile(r"solved|behind you|settled|gelöst|erledigt|geklärt", re.IGNORECASE)
JITTER = 5  # minutes that the seed may add to the time somebody takes


class Reaction(NamedTuple):
    """What somebody sends back, and how long (on the virtual clock) they take to do so."""

    raw: bytes
    sender: str  # envelope; "" for a bounce (RFC 3464)
    recipients: tuple[str, ...]
    after: timedelta


@dataclass(slots=True)
class State:
    """What was answered already."""

    seed: int = 0
    used: set[AgentReaction | CustomerReaction] = field(default_factory=set)
    seen: dict[tuple[str, When], int] = field(default_factory=dict)  # mails of this sort in this customer's mailbox


def step_mail(step: Step, now: datetime, newest: bytes | None = None) -> bytes:
    """Build the mail of a step. `newest`: the latest mail from us in the writer's mailbox, for steps that answer it."""
    if step.trick is Trick.ANSWERS and newest is not None:
        return reply_to(newest, step.who, step.text, step.who.client, now)
    html = step.trick is Trick.HTML_ONLY
    raw = mail(
        step.number,
        step.who,
        step.subject,
        "" if html else step.text,
        now,
        cc=step.cc,
        html=step.text if html else "",
        headers=step.headers,
        photo="pedal.png" if step.trick is Trick.PHOTO else "",
    )
    return mislabelled(raw) if step.trick is Trick.MISLABELLED else raw


def step_envelope(step: Step) -> tuple[str, tuple[str, ...]]:
    """Give the envelope sender and recipients of a step; machines' notices come from nobody (RFC 3834, section 3.3)."""
    automatic = any(name == "Auto-Submitted" for name, _ in step.headers)
    return "" if automatic else step.who.email, (SUPPORT, *(person.email for person in step.cc))


def react(address: str, raw_incoming: bytes, state: State, now: datetime) -> list[Reaction]:
    """Decide what the owner of this mailbox sends back to a mail that just arrived in it; often nothing."""
    person = person_of(address)
    if person is None:
        return []
    if person in TEAM:
        return _agent_reacts(person, raw_incoming, state, now)
    return _customer_reacts(person, raw_incoming, state, now)


def _agent_reacts(agent: Person, raw: bytes, state: State, now: datetime) -> list[Reaction]:
    about = f"{header_of(raw, 'From')} {header_of(raw, 'Subject')}"  # both begin with the customer's name
    text = " ".join(text_of(raw).split())
    notice = _by_itself(raw)
    found = [
        reaction
        for reaction in AGENT_REACTIONS
        if reaction not in state.used
        and reaction.customer.name in about
        and (reaction.returned or not notice)
        and re.search(rf"\b{re.escape(reaction.sees)}\b", text)
    ]
    state.used.update(found)
    return [_answer(agent, raw, reaction.text, reaction.after, state, now) for reaction in found]


def _customer_reacts(customer: Person, raw: bytes, state: State, now: datetime) -> list[Reaction]:
    if SUPPORT not in header_of(raw, "From"):
        return []
    when = When.REPLY
    if _by_itself(raw):
        if not ASKS.search(text_of(raw)):
            return []
        when = When.FOLLOW_UP
    nth = state.seen[customer.email, when] = state.seen.get((customer.email, when), 0) + 1
    found = [
        reaction
        for reaction in CUSTOMER_REACTIONS
        if (reaction.customer, reaction.when, reaction.nth) == (customer, when, nth) and reaction not in state.used
    ]
    state.used.update(found)
    return [_customer_sends(customer, raw, reaction, state, now) for reaction in found]


def _customer_sends(customer: Person, raw: bytes, reaction: CustomerReaction, state: State, now: datetime) -> Reaction:
    match reaction.how:
        case How.ANSWER:
            return _answer(customer, raw, reaction.text, reaction.after, state, now)
        case How.AWAY:
            subject = f"Automatic reply: {header_of(raw, 'Subject')}"
            notice = away(raw, customer, subject, reaction.text, now + reaction.after)
            return Reaction(notice, "", (SUPPORT,), reaction.after)
        case How.BOUNCE:
            return Reaction(bounce(raw, MAILER_DAEMON, customer, now + reaction.after), "", (SUPPORT,), reaction.after)
        case _:
            assert_never(reaction.how)


def _answer(person: Person, raw: bytes, text: str, after: timedelta, state: State, now: datetime) -> Reaction:
    after += timedelta(minutes=sha256(f"{state.seed} {person.email} {text}".encode()).digest()[0] % JITTER)
    words = text.replace("{me}", person.name.split()[0])
    answer = reply_to(raw, person, words, person.client, now + after)
    recipients = tuple(address for _, address in getaddresses([header_of(answer, "To")]))
    return Reaction(answer, person.email, recipients, after)


def _by_itself(raw: bytes) -> bool:
    """Whether a machine says so itself (RFC 3834)."""
    return header_of(raw, "Auto-Submitted").lower() not in ("", "no")
