"""The practice case: one mail that greets every new agent and works as a customer's does, and what comes back when they answer it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from inboxd.core.commands import AgentReply, Held, read_reply
from inboxd.core.letters import notice
from inboxd.core.look_up import look_up
from inboxd.core.model import (
    Action,
    Address,
    AgentName,
    AgentProof,
    Case,
    CaseNo,
    CaseState,
    Decision,
    ForgetSignatures,
    LearnSignature,
    Letter,
    Log,
    MailboxFacts,
    OutgoingKind,
    PersonNo,
    Send,
    SentMessage,
    Situation,
)
from inboxd.core.orders import KNOWN, Desk, Wrong, carry_out, first_mail
from inboxd.core.own_words import signature_lines
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.signatures import MOST_LINES, from_practice
from inboxd.core.tokens import REPLY

ROBIN = "Robin Winter"  # whom nobody knows
SUBJECT = "Are you there?"
ASKS = "Hello,\n\nis anybody there? I only want to know whether my mail arrives.\n\nRobin Winter"
LINE = "Hello Robin, yes, your mail is here."  # what the agent is asked to answer: all else in the reply is no words of theirs


def practice_purpose(agent: AgentName) -> str:
    """The greeting of this agent: once for ever."""
    return f"practice:{agent}"


def is_practice(sent: SentMessage | None) -> bool:
    """Whether this mail of ours is the greeting, or came back in practice."""
    return sent is not None and sent.purpose.startswith("practice:")


def greeting(mailbox: MailboxFacts, agent: Agent, now: datetime) -> Letter:
    """The mail of an invented customer; a reply to it reaches nobody but us."""
    return Letter(
        kind=OutgoingKind.NOTICE,
        purpose=practice_purpose(agent.name),
        template="practice",
        mailbox=mailbox.name,
        language="en",
        to=Address(email=agent.emails[0], name=agent.full_name),
        subject=f"{ROBIN}: {SUBJECT} (practice)",
        values={"agent": agent.signs_as, "brand": mailbox.brand, "customer": "Robin", "line": LINE, "text": ASKS, "now": now},
        agent=agent.name,
        from_name=f"{ROBIN} (practice) via {mailbox.brand}",
        reply_token=REPLY,
    )


def practise(situation: Situation, proof: AgentProof, book: Rulebook, policy: Policy) -> Decision:
    """Show what a customer would have read, or what would have come back; nothing leaves, and nothing is done but learning a signature."""
    agent, number = book.agents[proof.agent], situation.understood.number
    log = Log(kind="agent.practised", data={"agent": agent.name, "message": number})
    if situation.practised >= policy.caps.case_mails_an_hour:
        return Decision(actions=(log,), because=("practised enough for this hour",), words="")
    blocks = _signatures(situation, agent)
    lines = tuple(line for block in blocks for line in block)
    signatures = (*situation.signatures, *("\n".join(block) for block in blocks))
    read = _read(situation, agent, signatures)
    if read.held is None and read.commands and all(command.asks and command.name != "help" for command in read.commands):
        return look_up(situation, None, agent, read)
    actions: list[Action] = [log]
    actions += [LearnSignature(agent=agent.name, lines=block, practice=True) for block in blocks]
    values = _values(situation, agent, read, book, policy)
    if values["kind"] == "forgot":
        actions = [log, ForgetSignatures(agent=agent.name)]
    values |= {"learnt": lines, "signature": read.signature, "left_out": _left_out(situation, read)}
    actions.append(Send(letter=_answer(situation, agent, values)))
    return Decision(actions=tuple(actions), because=("practice",), words="")


def _read(situation: Situation, agent: Agent, signatures: Sequence[str] = ()) -> AgentReply:
    u = situation.understood
    return read_reply(u.message, u.new_text, situation.replied_to, signs_as=(agent.signs_as, agent.full_name), signatures=signatures)


def _signatures(situation: Situation, agent: Agent) -> tuple[tuple[str, ...], ...]:
    """What stands below the line that was asked for, and below the quotation; nothing where that is not how the reply begins."""
    read = _read(situation, agent)
    if read.commands or (read.held is not None and not all(read.around)):
        return ()
    said, footer = read.around if read.held is not None else (read.words, "")
    lines = [*signature_lines(said), *signature_lines("\n".join(line for line in read.signature if line.strip(" -")))]
    wanted, below = re.findall(r"\w+", LINE.casefold()), signature_lines(footer)
    for size in (1, 2, 3):  # narrow programs wrap it
        if re.findall(r"\w+", " ".join(lines[:size]).casefold()) == wanted:
            own = from_practice(lines[size:], (agent.full_name, agent.signs_as))
            set_there = below if len(below) <= MOST_LINES else ()  # nobody was asked to write there: a server did
            return tuple(block for block in (own, set_there) if block)
    return ()


def _left_out(situation: Situation, read: AgentReply) -> tuple[str, ...]:
    """What of the mail no customer reads, a quotation too."""
    text, sent = situation.understood.message.text, situation.replied_to
    shown = [line for line in (sent.text if sent else "").split("\n") if len(line) > 20 and not line.startswith("    ")]
    quoted = any(" ".join(line.split()) in " ".join(text.split()) for line in shown) or bool(re.search(r"^>", text, re.MULTILINE))
    return (*read.left_out, *(("what your program quotes",) if quoted and read.held is None else ()))


def _answer(situation: Situation, agent: Agent, values: Mapping[str, object]) -> Letter:
    purpose = f"{practice_purpose(agent.name)}:{situation.understood.number}"
    subject = f"Re: {ROBIN}: {SUBJECT} (practice)"
    letter = notice(situation, agent, template="practised", purpose=purpose, values=dict(values), subject=subject)
    thread = (situation.replied_to.message_id,) if situation.replied_to else ()
    return replace(letter, reply_token=REPLY, thread=thread)


def _values(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> dict[str, object]:
    """What the answer shows: the customer's mail, the transcript, or what would have come back; each as it is in earnest."""
    values: dict[str, object] = {"customer": "Robin", "subject": SUBJECT, "words": read.words.strip(), "text": ""}
    held, commands = read.held, {command.name for command in read.commands}
    if held is None and "help" in commands:
        return {**values, "kind": "help"}
    held = held or _too_early(commands)
    ordered = [] if held else _ordered(situation, agent, read, book, policy)
    wrong = tuple(each for each in ordered if isinstance(each, Wrong))
    right = tuple(each for each in ordered if not isinstance(each, Wrong))
    if any(each["kind"] == "signature" for each in right) and len(ordered) == 1 and not read.words:
        return {**values, "kind": "forgot"}  # done in earnest: this is where the agent sees what was learnt
    if held or wrong:
        held = held or Held(kind="mistakes", text=read.words)
        return {
            **values, "kind": "back", "why": held.kind, "found": held.found, "meant": held.meant, "text": held.text, "words": "",
            "better": held.better, "places": (), "no_case": False, "at": None, "outside": False, "wrong": wrong, "right": right,
        }  # fmt: skip
    reader = next((str(each["value"]) for each in right if each["kind"] == "to"), "")
    return {
        **values, "kind": "done" if commands else "words", "reader": reader or "Robin", "done": right,
        "note": read.note, "readers": ("Robin",), "leaves_at": None,
        "resolved": bool(commands & {"resolve", "could not"}), "unread": False, "why_not": "", "ask_at": situation.now + timedelta(days=2),
        "signs_as": agent.signs_as, "quotation": "" if reader else ASKS, "quoted_at": _written_at(situation), "quoted_name": ROBIN,
    }  # fmt: skip


def _too_early(commands: set[str]) -> Held | None:
    kinds = {"undo": "too_late", "send anyway": "nothing_held", "release": "nothing_waits"}
    return next((Held(kind=kind) for name, kind in kinds.items() if name in commands), None)


def _written_at(situation: Situation) -> datetime:
    return (situation.replied_to.sent_at if situation.replied_to else None) or situation.now


def _ordered(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> list[Mapping[str, object] | Wrong]:
    """What each command would have come to in a case of the invented customer."""
    now, desk = situation.now, Desk(situation=situation, agent=agent, book=book, policy=policy, note=read.note)
    case = Case(
        number=CaseNo(0), mailbox=situation.mailbox.name, customer=PersonNo(0), subject=SUBJECT, state=CaseState.OPEN,
        assignee=agent.name, opened_at=now, updated_at=now, due_at=now + policy.answer_within,
    )  # fmt: skip
    found: list[Mapping[str, object] | Wrong] = []
    if to := next((command.line for command in read.commands if command.name == "to"), ""):
        email, _, wrong = first_mail(read.commands, desk)
        return [*wrong] or [{"kind": "to", "line": to, "case": 0, "value": email, "number": 0}]
    for command in read.commands:
        if command.name in KNOWN:
            done = carry_out(command, case, desk)
            found.append(done if isinstance(done, Wrong) else {**done.said, "line": command.line, "case": 0})
    return found
