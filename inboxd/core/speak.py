"""An agent's words leave for the customer, and the case moves on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from inboxd.core.commands import AgentReply, Held
from inboxd.core.follow_up import ASKING_JOBS, after_resolved, silence_later, wake_later
from inboxd.core.hand_back import came_back, hand_back
from inboxd.core.lettering import reachable
from inboxd.core.letters import files_of_theirs, reply
from inboxd.core.lifecycle import advance
from inboxd.core.mentor import hold, is_released, mentor_of, overtaken
from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    Enclose,
    JobKind,
    Join,
    LearnSignature,
    Letter,
    Outcome,
    Role,
    Send,
    Situation,
)
from inboxd.core.own_words import signature_lines
from inboxd.core.policy import Policy
from inboxd.core.promises import remembered
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.signatures import from_replies
from inboxd.core.transcript import Ordered, transcript


def speak(
    situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered, *, resolve: bool
) -> Decision:
    """The words leave, with what was ordered above them; where a mentor reads this agent first, they wait."""
    words = read.words.strip()
    has_letter = bool(words or files_of_theirs(situation.understood.message))
    if has_letter and not (situation.customer and reachable(situation.customer.email)):
        return hand_back(situation, case, agent, Held(kind="unreachable", text=words), read)
    if has_letter and not is_released(situation) and (reader := mentor_of(agent, situation, book)) is not None:
        return hold(situation, case, agent, reader, read, words)
    case, situation = ordered.case, replace(situation, case=ordered.case)  # another one where these are one now
    ordered, promised = with_promises(situation, agent, read, words, book, policy, ordered)
    unread = not_read(situation, case, ordered)
    moved, moves = moved_on(
        situation, case, agent.name, book, replied=has_letter, words=words, resolve=resolve, refused=refused(read),
        quiet_from=ordered.quiet_from, wake_at=ordered.wake_at, unread=unread,
    )  # fmt: skip
    everything: list[Action] = [Join(case=case.number, role=Role.AGENT), *ordered.actions, *moves, *promised]
    if has_letter:
        everything += (*_learnt(situation, agent, words), *overtaken(situation, case, agent, words, book))
        leaves = situation.now + policy.hold if policy.hold else None
        everything.append(Send(letter=_with_files(reply(situation, moved, agent, words, policy), situation), at=leaves))
    if read.commands or unread:
        letter = transcript(situation, moved, agent, words, read, book, policy, ordered)
        everything.append(Send(letter=replace(letter, values={**letter.values, "resolved": resolve and not unread, "unread": unread})))
    because = ("resolve" if resolve else "an agent's words to the customer",)
    return Decision(actions=tuple(everything), because=because, case=case.number, words=words)


def with_promises(
    situation: Situation, agent: Agent, read: AgentReply, words: str, book: Rulebook, policy: Policy, ordered: Ordered
) -> tuple[Ordered, tuple[Action, ...]]:
    """What these words promise for a day, with when to remind of it; and until when promises keep everybody from asking."""
    if any(command.name == "no promise" for command in read.commands):
        return ordered, ()
    quiet_from, actions = remembered(situation, agent.name, words, book, policy.zone)
    return replace(ordered, quiet_from=quiet_from), actions


def _learnt(situation: Situation, agent: Agent, words: str) -> tuple[Action, ...]:
    """The signature that this reply has in common with earlier ones; from the next one on it is left out."""
    earlier = [signature_lines(line.text) for line in situation.own_replies]
    lines = from_replies(signature_lines(words), earlier, (agent.full_name, agent.signs_as))
    return (LearnSignature(agent=agent.name, lines=lines),) if lines else ()


def _with_files(letter: Letter, situation: Situation) -> Letter:
    """Words that came back and are sent anyway take the files of the mail in which they were written."""
    source = came_back(situation)
    if source is None or files_of_theirs(situation.understood.message):
        return letter
    return replace(letter, enclose=(*letter.enclose, Enclose(message=source[0])))


def refused(read: AgentReply) -> bool:
    """Whether the agent had to say no."""
    return any(command.name == "could not" for command in read.commands)


def not_read(situation: Situation, case: Case, ordered: Ordered) -> bool:
    """Whether the customer waits for an answer to a mail that came after the one that the agent answers: these words pass over it.

    Whoever says when the case comes back has said what becomes of it.
    """
    got = situation.replied_to.sent_at if situation.replied_to else None
    if got is None or ordered.wake_at or case.state is not CaseState.OPEN:
        return False
    return any(line.at > got and line.role is Role.CUSTOMER and line.wants_answer for line in situation.story)


def moved_on(
    situation: Situation,
    case: Case,
    agent: AgentName | None,
    book: Rulebook,
    *,
    replied: bool,
    words: str,
    resolve: bool,
    refused: bool = False,
    quiet_from: datetime | None = None,
    wake_at: datetime | None = None,
    unread: bool = False,
) -> tuple[Case, list[Action]]:
    """The case after the reply or `resolve`, and the actions that bring it there. Who it was may not be known.

    `wake_at`: the agent put it off until then. What is resolved is not asked about before. `unread`: the customer wrote
    meanwhile, so the case stays open with its hour.
    """
    now = situation.now
    event = CaseEvent.NOTED if unread else CaseEvent.AGENT_RESOLVED if resolve else CaseEvent.AGENT_REPLIED
    state = advance(case.state, event)
    changes: dict[str, object] = {"involved": tuple(dict.fromkeys((*case.involved, *([agent] if agent else ()))))}
    if replied:
        changes |= {"last_reply_at": now, "last_reply_by": agent, "last_reply_asks": "?" in words, "backlog": None}
    if case.assignee is None and agent is not None:
        changes["assignee"] = agent
    if state is CaseState.RESOLVED:
        changes |= {
            "resolved_at": now,
            "resolved_by": agent,
            "by_silence": False,
            "round": case.round + 1,
            "due_at": None,
        }
    elif state is CaseState.WAITING:
        changes |= {"due_at": None, "resolved_at": None, "closed_at": None}
    if refused and case.outcome is not Outcome.DISSATISFIED:  # who said no stays somebody to win back
        changes["outcome"] = Outcome.COULD_NOT
    elif resolve and case.outcome is Outcome.COULD_NOT and (replied or case.state is CaseState.OPEN):
        changes["outcome"] = Outcome.UNKNOWN  # the last answer was no refusal; a bare `resolve` after the no adds nothing to it
    moved = replace(case, state=state, **changes)  # type: ignore[arg-type]  # the names are those of Case
    actions: list[Action] = [
        Advance(case=case.number, event=event, state=state, changes=changes),
        Cancel(case=case.number, kinds=(JobKind.ACKNOWLEDGE, *(() if unread else (*ASKING_JOBS, JobKind.ESCALATE)))),
    ]
    if unread:
        return moved, actions
    if state is CaseState.RESOLVED:
        quiet_from = max((at for at in (quiet_from, wake_at) if at), default=None)
        actions.append(after_resolved(moved, situation.customer, book, now, situation.mailbox.mode, quiet_from))
    elif wake_at:
        actions.append(wake_later(moved, wake_at))
    else:
        actions += silence_later(case, book.follow_up, quiet_from or now)
    return moved, actions
