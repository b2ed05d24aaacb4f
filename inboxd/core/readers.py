"""Who reads a customer's mail besides whoever holds the case: the customer's own other readers, and whom a rule tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from inboxd.core.brief import MOST_READERS
from inboxd.core.letters import full_name, notice, telling_phrase, to_lead
from inboxd.core.model import Action, Address, AgentName, Case, Person, Send, Sentiment, Situation
from inboxd.core.route import once_each
from inboxd.core.rulebook import Rulebook
from inboxd.core.rules import Ruling


def readers(situation: Situation, customer: Person | None, book: Rulebook) -> tuple[Address, ...]:
    """The customer's other readers: those in To and Cc who are neither us, nor an agent, nor the customer; so many at most in a case."""
    message, mailbox = situation.understood.message, situation.mailbox
    ours = {mailbox.address, *mailbox.aliases, *situation.ours} | {email for agent in book.agents.values() for email in agent.emails}
    local, _, domain = mailbox.address.partition("@")
    own = {message.sender.email, customer.email if customer else ""}
    kept = [
        a
        for a in (*message.to, *message.cc)
        if a.email
        and a.email not in ours
        and a.email not in own
        and not (a.email.startswith(f"{local}+") and a.email.endswith(f"@{domain}"))
    ]
    stranger = customer is not None and message.sender.email not in ("", customer.email, *ours)
    if stranger and situation.case is not None:
        kept.insert(0, message.sender)  # a colleague of the customer's answered: they stay on the thread
    before = {a.email for a in situation.case.participants} if situation.case else frozenset[str]()
    found = {a.email: a for a in reversed(kept)}  # an address counts once, as it was written first
    order = list(dict.fromkeys(a.email for a in kept))
    dropped = frozenset([email for email in order if email not in before][max(0, MOST_READERS - len(before)) :])
    return tuple(found[email] for email in order if email not in dropped)


def told(situation: Situation, case: Case, ruling: Ruling, book: Rulebook, names: Iterable[str]) -> list[Action]:
    """`tell` adds up: each named person hears of it in one line."""
    u, sends = situation.understood, list[Action]()
    holder = book.agents.get(case.assignee or AgentName(""))
    for who in once_each(names, book):
        values: dict[str, object] = {
            "holder": holder.signs_as if holder else "",
            "because": _told_by(who, ruling, book),
            "upset": u.reading.sentiment is Sentiment.UPSET,
            "quote": telling_phrase(u.reading),
        }
        agent = book.agents.get(AgentName(book.lead if who == "lead" else who))
        purpose = f"told:{u.number}:{who}"
        if agent is not None:
            sends.append(Send(letter=notice(situation, agent, template="told", purpose=purpose, values=values, case=case)))
        elif "@" in who:
            subject = f"{case.subject} [#{case.number}]"
            values |= {"customer": full_name(situation.customer or situation.person), "subject": case.subject}
            letter = to_lead(situation.mailbox, book, who, template="told", purpose=purpose, subject=subject, values=values)
            sends.append(Send(letter=replace(letter, to=Address(email=who), agent=None)))
    return sends


def _told_by(who: str, ruling: Ruling, book: Rulebook) -> str:
    """Why this person hears of it: the rule that names them."""
    held = {trace.rule for trace in ruling.trace if trace.matched}
    rule = next((rule for rule in book.rules if rule.name in held and who in rule.then.tell), None)
    return (rule.why or rule.name) if rule else "the customer says that it is not solved"
