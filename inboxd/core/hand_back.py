"""A text goes back to its agent with a question: nothing has left and nothing has changed."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import replace

from inboxd.core.commands import AgentReply, Held
from inboxd.core.letters import notice
from inboxd.core.model import Case, Decision, Enclose, Join, Log, MessageNo, OutgoingKind, Send, SentMessage, Situation
from inboxd.core.orders import Wrong
from inboxd.core.rulebook import Agent
from inboxd.core.tokens import NOTICE


def hand_back(
    situation: Situation,
    case: Case | None,
    agent: Agent,
    held: Held,
    read: AgentReply,
    *,
    wrong: tuple[Wrong, ...] = (),
    right: tuple[Mapping[str, object], ...] = (),
) -> Decision:
    """Nothing has left and nothing has changed; the text comes back with a question."""
    u = situation.understood
    outside = held.outside or _for_others(held, read)
    values: dict[str, object] = {
        "kind": held.kind,
        "outside": outside,
        "found": held.found,
        "meant": held.meant,
        "better": held.better,
        "text": held.text or read.words,
        "places": situation.leaks,
        "wrong": wrong,
        "right": right or tuple({"line": line} for line in held.right),
        "at": held.at,
        "no_case": case is None,
    }
    letter = notice(
        situation,
        agent,
        template="returned",
        purpose=f"returned:{u.number}:{held.kind}{'_outside' if outside else ''}",  # what is for others never leaves with "send anyway"
        case=case,
        values=values,
        kind=OutgoingKind.RETURNED,
        enclose=files_of(situation),
    )
    number = case.number if case else None
    if case is None:  # outside of cases a text is given back with the address that names none
        letter = replace(letter, subject="Not sent: your mail", reply_token=NOTICE)
    log = Log(kind="reply.held", case=number, data={"agent": agent.name, "because": held.kind, "message": u.number})
    joined = (Join(case=case.number, role=None),) if case else ()
    return Decision(actions=(*joined, log, Send(letter=letter)), because=(f"held: {held.kind}",), case=number, words="")


def _for_others(held: Held, read: AgentReply) -> bool:
    """Whether the words were to go to somebody else than the customer."""
    lines = (*(command.line for command in read.commands), *held.right, held.found, *held.text.split("\n"))
    return any(_OTHERS.match(line) for line in lines)


_OTHERS = re.compile(r"\s*(?:ask|to|for)\s*:\s*[^\s@]+@", re.IGNORECASE)


def files_of(situation: Situation) -> tuple[Enclose, ...]:
    """What the mail carries, to go with a letter about it."""
    u = situation.understood
    return (Enclose(message=u.number, attachments=u.message.attachments),)


# --- what came back, and is sent after all -----------------------------------------------------------------------------------


TEXT_IS_SAFE = "Your text is safe. Here it is:"  # as the template `returned` says it
MAY_LEAVE = frozenset(  # the words were told from what is quoted
    {"near_miss", "ambiguous", "below", "mistakes", "collision", "twice", "undone", "to_oneself"}
)


def came_back(situation: Situation) -> tuple[MessageNo, SentMessage, str] | None:
    """The mail of ours that gave a text back, which this one answers: whose text it was, the mail, and why it came back."""
    sent = situation.replied_to
    found = re.fullmatch(r"returned:(\d+):(\w+)", sent.purpose) if sent and sent.kind is OutgoingKind.RETURNED else None
    return (MessageNo(int(found[1])), sent, found[2]) if found and sent else None


def held_text(sent: str) -> str:
    """The text that stands in a mail of ours which gave it back."""
    block = sent.rpartition(TEXT_IS_SAFE)[2].partition("\n-----")[0] if TEXT_IS_SAFE in sent else ""
    return textwrap.dedent(block.strip("\n")).strip()
