"""Words to a customer that have not left yet: `undo` gives them back to their agent, `release` lets them go."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.commands import AgentReply, Held, read_reply
from inboxd.core.follow_up import ASKING_JOBS
from inboxd.core.hand_back import hand_back
from inboxd.core.mentor import overtaken_by, to_writer
from inboxd.core.model import (
    Action,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    EndHold,
    HeldWords,
    JobKind,
    Join,
    Log,
    MessageNo,
    Outcome,
    OutgoingKind,
    Restore,
    Role,
    Schedule,
    Send,
    Situation,
    Withdraw,
)
from inboxd.core.policy import Policy
from inboxd.core.promises import never_said
from inboxd.core.route import open_again
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.speak import speak
from inboxd.core.transcript import work_out


def undo(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Words that have not left yet come back; the customer waits on, as before."""
    held, waiting = situation.held_reply, _waiting(situation, agent)
    if held is None and waiting is not None:
        back = hand_back(situation, case, agent, Held(kind="undone", text=waiting.words), read)
        return replace(back, actions=(EndHold(message=waiting.message, how="undone"), *back.actions), because=("undo",))
    if held is None:
        return hand_back(situation, case, agent, Held(kind="too_late"), read)
    words = held.text.partition(f"\n\n{agent.signs_as}\n")[0].strip()
    outside = held.kind is OutgoingKind.INQUIRY
    back = hand_back(situation, case, agent, Held(kind="undone", text=words, outside=outside), read)
    as_before = () if outside else _as_before(situation, case, book, policy)
    log = Log(kind="reply.undone", case=case.number, data={"agent": agent.name, "outgoing": held.number})
    unsaid = never_said(case.number, held.purpose, "undone")
    actions = (Withdraw(outgoing=held.number, message=_written_in(situation)), log, *unsaid, *as_before, *back.actions)
    return replace(back, actions=actions, because=("undo",))


def _written_in(situation: Situation) -> MessageNo | None:
    """The mail whose words are no part of the story any more; one that began the case stays all that there is of it."""
    unsaid = situation.unsaid
    return unsaid.message if unsaid and any(line.message != unsaid.message for line in situation.story) else None


def _as_before(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> tuple[Action, ...]:
    """The case as it was before the words that nobody has read; what happened since stays."""
    unsaid = situation.unsaid
    before = unsaid.case if unsaid else None
    if unsaid is None or before is None or before.number != case.number:  # it began with these words, or became one with another
        return () if case.state is CaseState.OPEN else open_again(case, CaseEvent.UNDELIVERED, situation.now, policy, book)
    changes: dict[str, object] = {"outcome": before.outcome} if case.outcome is Outcome.COULD_NOT else {}
    since = [line for line in situation.story if line.message > unsaid.message and line.wants_answer]
    if any(line.role is Role.AGENT for line in since):  # the customer reads the other words
        return (Restore(case=case.number, said_at=unsaid.said_at, changes=changes),)
    changes |= {name: getattr(before, name) for name in ("last_reply_at", "last_reply_by", "last_reply_asks")}
    wrote = any(line.role is Role.CUSTOMER for line in since)
    if case.state in (CaseState.WAITING, CaseState.RESOLVED) and not wrote:
        changes |= {name: getattr(before, name) for name in _OF_THE_MOVE}
    elif case.state is CaseState.OPEN and before.due_at and case.due_at and before.due_at < case.due_at:
        changes["due_at"] = before.due_at
    restore = Restore(case=case.number, said_at=unsaid.said_at, changes=changes)
    if "due_at" not in changes:
        return (restore,)
    kinds = (*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE)
    jobs = (Schedule(kind=j.kind, key=j.key, at=j.run_at, case=case.number, payload=j.payload) for j in unsaid.jobs if j.kind in kinds)
    return (restore, Cancel(case=case.number, kinds=kinds), *jobs)


_OF_THE_MOVE = ("state", "due_at", "resolved_at", "closed_at", "resolved_by", "by_silence", "round")


def _waiting(situation: Situation, agent: Agent) -> HeldWords | None:
    """This agent's latest words that still wait for a mentor."""
    return next((held for held in reversed(situation.held_words) if held.agent == agent.name and not held.ended), None)


def release(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Held words leave as if their agent replied just now, with their files and what was ordered above them."""
    asked = situation.to_release
    writer = book.agents.get(asked.held.agent) if asked is not None else None
    if asked is None or writer is None or read.words or asked.held.ended == "released":
        return hand_back(situation, case, agent, Held(kind="nothing_waits", text=read.words), read)
    held = asked.held
    if held.ended == "undone":
        return hand_back(situation, case, agent, Held(kind="taken_back", meant=writer.signs_as), read)
    if other := overtaken_by(held, situation, case, book):
        last = next((line.text for line in reversed(situation.story) if line.role is Role.AGENT), "")
        return hand_back(situation, case, agent, Held(kind="overtaken", found=last, meant=other, text=held.words), read)
    theirs = replace(situation, understood=asked.understood, replied_to=asked.replied_to, agent=writer.name, own_replies=())
    written = read_reply(theirs.understood.message, theirs.understood.new_text, asked.replied_to)
    orders = tuple(command for command in written.commands if command.name != "send anyway")
    written = replace(written, words=held.words, held=None, commands=orders)
    ordered = work_out(theirs, case, writer, written, book, policy)
    if ordered.wrong:
        return hand_back(situation, case, agent, Held(kind="mistakes", text=held.words), read, wrong=ordered.wrong, right=ordered.said)
    resolve = any(command.name in ("resolve", "could not") for command in orders)
    spoken = speak(theirs, case, writer, written, book, policy, ordered, resolve=resolve)
    told = () if orders else (Send(letter=to_writer(situation, case, writer, held, what="released", by=agent)),)
    before = (Join(case=case.number, role=None), EndHold(message=held.message, how="released"))
    because = (f"released by {agent.name}",)
    return replace(
        spoken, actions=(*before, *spoken.actions[1:], *told), because=because, words=""
    )  # the first one joins the mentor's mail
