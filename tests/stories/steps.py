"""Steps that many stories begin with, and the people in them."""

from __future__ import annotations

import re

from inboxd.core.model import AgentName, Answer
from tests.stories.day import Day, Letterbox

ANA = "Ana Ruiz <ana@example.org>"
BEN = "Ben Okafor <ben@example.net>"
MARIA, JONAS, TOM, PETRA = "maria@acme.example", "jonas@acme.example", "tom@acme.example", "petra@acme.example"
AGENTS = (MARIA, JONAS, TOM, PETRA)

CALM = "Hello,\nwhich spanner fits the front wheel?\nAna"
FURIOUS = "This is a disgrace. I am furious, nobody answers me and the wheel is broken."
SAME_PROBLEM = "One more detail: it is the silver model with the large frame."


def holder(day: Day, case: int | None = None) -> str:
    """The address of the agent who holds the case."""
    agent = day.case(case).assignee
    assert agent is not None
    return day.office.rules.book.agents[AgentName(agent)].emails[0]


def agents_mail(day: Day) -> list[Letterbox]:
    """All that agents got, oldest first."""
    return sorted((mail for agent in AGENTS for mail in day.inbox(agent)), key=lambda mail: mail.outgoing.number)


def kinds(day: Day, address: str) -> list[str]:
    """The kinds of all mails that reached this address."""
    return [str(mail.outgoing.kind) for mail in day.inbox(address)]


def opened(day: Day, text: str = CALM, sender: str = ANA, subject: str = "Front wheel") -> str:
    """A customer writes; returns the address of the agent who has it now."""
    day.write(sender, subject, text)
    return holder(day)


def answered(day: Day, text: str = CALM, words: str = "Hello Ana,\nthe 15 mm one.") -> str:
    """A customer wrote, and an agent answered."""
    agent = opened(day, text)
    day.reply(agent, day.routed(agent), words)
    return agent


def resolved(day: Day, text: str = CALM, sender: str = ANA, subject: str = "Front wheel") -> str:
    """A customer wrote, and an agent answered and resolved."""
    agent = opened(day, text, sender, subject)
    day.reply(agent, day.routed(agent), "resolve\n\nHello,\nthe 15 mm one.")
    return agent


def asked(day: Day, text: str = CALM) -> Letterbox:
    """A customer was asked whether it is solved; returns the question."""
    resolved(day, text)
    day.pass_(days=2, minutes=1)
    return question(day)


def question(day: Day, address: str = "ana@example.org") -> Letterbox:
    """The latest follow-up question."""
    return day.last(address, lambda mail: mail.outgoing.kind == "follow_up")


def words_of(day: Day, address: str = "ana@example.org") -> Letterbox:
    """The latest mail in which an agent's words reached the customer."""
    return day.last(address, lambda mail: mail.outgoing.kind == "reply")


def tap_address(question: Letterbox, said: Answer) -> str:
    """The address behind one of the two lines that can be tapped."""
    kind = "y" if said is Answer.SATISFIED else "x"
    found = re.search(rf"mailto:([^?\"]+\+{kind}[^?\"]+)", question.html)
    assert found, question.html
    return found[1].replace("%40", "@").replace("%2B", "+")


def tap(day: Day, question: Letterbox, said: Answer, *, sender: str = ANA, text: str = "") -> None:
    """Tap one of the two lines and send the mail that opens."""
    body = text or ("Yes, it is solved." if said is Answer.SATISFIED else "Not yet. What is still wrong: the wheel")
    day.write(sender, question.subject, body, to=tap_address(question, said))
