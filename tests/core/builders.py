"""Facts for tests of the core: a small team, a mail, a case, a situation. A test names only what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from inboxd.core.model import (
    Address,
    AgentName,
    Case,
    CaseNo,
    CaseState,
    Kind,
    MailboxFacts,
    MailboxName,
    Message,
    MessageId,
    MessageNo,
    OutgoingKind,
    OutgoingNo,
    Person,
    PersonNo,
    Reading,
    Screening,
    SentMessage,
    Situation,
    TeamName,
    Understood,
)
from inboxd.core.opening import Span
from inboxd.core.rulebook import Agent, Condition, Rule, Rulebook, Team, Then

NOW = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
ACME = MailboxName("acme")
MARIA, JONAS, TOM, PETRA = (AgentName(name) for name in ("maria", "jonas", "tom", "petra"))
SENIORS, EVERYONE = TeamName("seniors"), TeamName("everyone")


def agent(name: AgentName) -> Agent:
    return Agent(name=name, emails=(f"{name}@acme.example",), full_name=f"{name.capitalize()} Acme", signs_as=name.capitalize())


def book(**changes: Any) -> Rulebook:
    """Maria and Jonas are seniors, Tom is not; Petra leads. Upset people go to seniors."""
    upset = Rule(
        name="upset",
        when=(Condition(word="sentiment", wanted=("upset",)),),
        then=Then(assign="seniors", answer_within=Span(length=timedelta(hours=2))),
        why="sounds upset",
    )
    everything = Rule(name="everything else", when=(), then=Then(assign="everyone"))
    facts: dict[str, Any] = {
        "agents": {name: agent(name) for name in (MARIA, JONAS, TOM, PETRA)},
        "teams": {
            EVERYONE: Team(name=EVERYONE, agents=(MARIA, JONAS, TOM), prefer_known=True),
            SENIORS: Team(name=SENIORS, agents=(MARIA, JONAS), prefer_known=True, fallback=EVERYONE),
        },
        "lead": "petra",
        "rules": (upset, everything),
    }
    return Rulebook(**(facts | changes))


def message(**changes: Any) -> Message:
    facts: dict[str, Any] = {
        "message_id": MessageId("m1@mail.example"),
        "sender": Address(email="ana@example.org", name="Ana Ruiz"),
        "to": (Address(email="support@acme.example"),),
        "subject": "Bike",
        "text": "Hello, where is it?",
    }
    return Message(**(facts | changes))


def understood(kind: Kind = Kind.PERSON, *, mail: Message | None = None, reading: Reading | None = None) -> Understood:
    mail = mail or message()
    return Understood(
        number=MessageNo(7),
        mailbox=ACME,
        received_at=NOW,
        message=mail,
        screening=Screening(kind=kind, reason="as given"),
        new_text=mail.text,
        reading=reading or Reading(kind=kind, language="en"),
    )


def person(**changes: Any) -> Person:
    facts: dict[str, Any] = {"number": PersonNo(3), "name": "Ana Ruiz", "email": "ana@example.org"}
    return Person(**(facts | changes))


def case(state: CaseState = CaseState.OPEN, **changes: Any) -> Case:
    facts: dict[str, Any] = {
        "number": CaseNo(1042),
        "mailbox": ACME,
        "customer": PersonNo(3),
        "subject": "Bike",
        "state": state,
        "assignee": MARIA,
        "opened_at": NOW - timedelta(days=1),
        "updated_at": NOW - timedelta(days=1),
    }
    return Case(**(facts | changes))


def sent(kind: OutgoingKind, **changes: Any) -> SentMessage:
    facts: dict[str, Any] = {
        "number": OutgoingNo(5),
        "message_id": MessageId("c1042.a@acme.example"),
        "kind": kind,
        "purpose": "p",
        "case": CaseNo(1042),
        "agent": None,
        "person": PersonNo(3),
        "round": 1,
        "sent_at": NOW - timedelta(hours=1),
    }
    return SentMessage(**(facts | changes))


def situation(**changes: Any) -> Situation:
    facts: dict[str, Any] = {
        "now": NOW,
        "mailbox": MailboxFacts(name=ACME, address="support@acme.example", brand="Acme Support"),
        "understood": understood(),
        "next_case": CaseNo(1043),
        "next_person": PersonNo(4),
    }
    return Situation(**(facts | changes))
