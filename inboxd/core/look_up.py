"""What an agent asks of us: nothing changes, and the answer is looked up when the letter is written."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.commands import AgentReply
from inboxd.core.letters import last_from_customer, notice
from inboxd.core.model import Case, Decision, Enclose, Join, Send, Situation
from inboxd.core.rulebook import Agent
from inboxd.core.tokens import NOTICE


def look_up(situation: Situation, case: Case | None, agent: Agent, read: AgentReply) -> Decision:
    """A question of the agent's: answered from the store when the letter is written; nothing changes."""
    number = case.number if case else None
    orders = tuple(
        {"what": command.name, "argument": command.argument, "case": command.case or number or 0, "agent": agent.name}
        for command in read.commands
        if command.asks
    )
    original = any(command.name == "original" for command in read.commands)
    last = last_from_customer(situation)
    letter = notice(
        situation,
        agent,
        template="looked_up",
        purpose=f"looked_up:{situation.understood.number}",
        case=case,
        values={"to_look_up": orders, "original": original and last is not None},
        enclose=(Enclose(message=last.message, whole=True),) if original and last else (),
    )
    if case is None:
        letter = replace(letter, subject="What you asked", reply_token=NOTICE)
    joined = (Join(case=case.number, role=None),) if case else ()
    because = tuple(command.name for command in read.commands)
    return Decision(actions=(*joined, Send(letter=letter)), because=because, case=number, words="")
