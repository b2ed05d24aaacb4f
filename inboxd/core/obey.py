"""What happens when an agent writes: words go to the customer, a note stays among us, a command is carried out."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from inboxd.core.commands import AgentReply, Held, read_anyway, read_reply
from inboxd.core.hand_back import MAY_LEAVE, came_back, files_of, hand_back, held_text
from inboxd.core.letters import files_of_theirs, notice
from inboxd.core.look_up import look_up
from inboxd.core.model import (
    Action,
    AgentName,
    AgentProof,
    Case,
    CaseState,
    Decision,
    Join,
    Log,
    OutgoingKind,
    Role,
    Send,
    Situation,
    StoryLine,
)
from inboxd.core.orders import OF_AN_ISSUE
from inboxd.core.outside import answer_of_theirs, asked
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.speak import moved_on, not_read, refused, speak, with_promises
from inboxd.core.transcript import Ordered, transcript, work_out
from inboxd.core.unsent import release, undo
from inboxd.core.without_case import about_issue, begin


def obey(situation: Situation, proof: AgentProof, book: Rulebook, policy: Policy) -> Decision:
    """Decide about a mail that an agent proved to be theirs. In doubt nothing leaves and the text comes back."""
    agent, case = book.agents[proof.agent], situation.case
    assert case is not None  # a proof names a case that exists
    read = read_reply(
        situation.understood.message,
        situation.understood.new_text,
        situation.replied_to,
        signs_as=(agent.signs_as, agent.full_name),
        signatures=situation.signatures,
    )
    if read.held is not None and not _only_files(situation, read.held):
        return hand_back(situation, case, agent, read.held, read)
    if situation.leaks:
        waiting = situation.to_release.held.words if situation.to_release and not read.words else ""
        return hand_back(situation, case, agent, Held(kind="leak", text=read.words or waiting), read)
    commands = {command.name for command in read.commands}
    if "to" in commands:
        return begin(situation, agent, read, book, policy)
    if situation.about_issue is not None and commands & OF_AN_ISSUE:
        return about_issue(situation, agent, read, book, policy)
    if "help" in commands:
        return _help(situation, case, agent)
    if any(command.asks for command in read.commands):
        return look_up(situation, case, agent, read)
    if "undo" in commands:
        return undo(situation, case, agent, read, book, policy)
    if "release" in commands:
        return release(situation, case, agent, read, book, policy)
    if "send anyway" in commands:
        return _send_anyway(situation, case, agent, read, book, policy)
    if proof.words_to_customer and read.words and (held := _answer_there(situation, case, agent, read)) is not None:
        return hand_back(situation, case, agent, held, read)
    ordered = work_out(situation, case, agent, read, book, policy)
    if ordered.wrong:
        return hand_back(situation, case, agent, Held(kind="mistakes", text=read.words), read, wrong=ordered.wrong, right=ordered.said)
    if "ask" in commands or (not read.commands and read.words and answer_of_theirs(situation)):
        return _ask(situation, agent, read, book, policy, ordered)
    resolve = bool(commands & {"resolve", "could not"})
    if commands - {"note"} and read.words and not proof.words_to_customer and "note" not in commands:
        return hand_back(situation, case, agent, Held(kind="to_notice", text=read.words), read)  # they would never be read
    if not read.commands and read.words and not proof.words_to_customer and case.assignee == agent.name:
        return hand_back(situation, case, agent, Held(kind="to_oneself", text=read.words), read)  # nobody would read this note
    if "note" in commands or (read.words and not proof.words_to_customer):
        return _note(situation, case, agent, read, book, policy, ordered, resolve=resolve)
    if not read.words and not files_of_theirs(situation.understood.message) and not read.commands:
        return hand_back(situation, case, agent, Held(kind="no_words"), read)
    if not read.words and not resolve and (not proof.words_to_customer or not _files_of_theirs(situation)):
        return _only_commands(situation, agent, read, book, policy, ordered)
    return speak(situation, case, agent, read, book, policy, ordered, resolve=resolve)


def _send_anyway(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """The text that this mail of ours gave back leaves as it stands there."""
    source = came_back(situation)
    text = held_text(source[1].text) if source is not None and source[2] in MAY_LEAVE else ""
    if not text:
        return hand_back(situation, case, agent, Held(kind="nothing_held"), read)
    if (collision := _collision(situation, case, agent, text)) is not None:
        return hand_back(situation, case, agent, collision, read)
    again = read_anyway(text, signs_as=(agent.signs_as, agent.full_name))
    ordered = work_out(situation, case, agent, again, book, policy)
    if ordered.wrong:
        return hand_back(situation, case, agent, Held(kind="mistakes", text=again.words), again, wrong=ordered.wrong, right=ordered.said)
    resolve = any(command.name in ("resolve", "could not") for command in again.commands)
    read = replace(read, words=again.words, commands=(*again.commands, *read.commands))
    return speak(situation, case, agent, read, book, policy, ordered, resolve=resolve)


def _answer_there(situation: Situation, case: Case, agent: Agent, read: AgentReply) -> Held | None:
    """Why these words are held where the customer has read an answer meanwhile: somebody else's, or these very words."""
    asks = any(command.name == "ask" for command in read.commands)
    if not asks and (collision := _collision(situation, case, agent, read.words)) is not None:
        return collision
    return Held(kind="twice", text=read.words) if _said_already(situation, case, agent, read.words) else None


def _collision(situation: Situation, case: Case, agent: Agent, words: str) -> Held | None:
    other = _answered_meanwhile(situation, case, agent)
    return Held(kind="collision", found=other.text, meant=other.name, at=other.at, text=words) if other is not None else None


def _answered_meanwhile(situation: Situation, case: Case, agent: Agent) -> StoryLine | None:
    """Somebody else's words to the customer, which left after this agent had got the mail that they answer."""
    got = situation.replied_to.sent_at if situation.replied_to and situation.replied_to.kind in _WITH_WORDS else None
    if got is None or case.last_reply_at is None or case.last_reply_by == agent.name or case.last_reply_at <= got:
        return None
    last = next((line for line in reversed(situation.story) if line.role is not Role.ASKED), None)
    return last if last is not None and last.role is Role.AGENT else None  # the customer has not written since


_WITH_WORDS = (OutgoingKind.ROUTED, OutgoingKind.RETURNED)  # a plain reply to these is words to the customer


def _said_already(situation: Situation, case: Case, agent: Agent, words: str) -> bool:
    """Whether this agent's same words left since the customer wrote: a mail program repeats itself, or somebody replays a mail they saw."""
    if case.state is CaseState.OPEN or _files_of_theirs(situation):  # open: they never left; with a file: it was forgotten the first time
        return False
    since = takewhile(lambda line: line.role is Role.AGENT, reversed(situation.story))
    return any(line.name == agent.signs_as and line.text.split() == words.split() for line in since)


def _files_of_theirs(situation: Situation) -> bool:
    """Whether the mail carries a file that is no picture of a signature."""
    return bool(files_of_theirs(situation.understood.message))


def _only_files(situation: Situation, held: Held) -> bool:
    """A reply without a word that carries a file is meant to be sent; a picture in a signature is no such file."""
    return held.kind == "no_words" and not held.meant and _files_of_theirs(situation)


def _only_commands(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered) -> Decision:
    case = ordered.case
    letter = transcript(situation, case, agent, "", read, book, policy, ordered)
    letter = replace(letter, values={**letter.values, "resolved": False})
    actions = (Join(case=case.number, role=None), *ordered.actions, Send(letter=letter))
    because = tuple(command.name for command in read.commands)
    return Decision(actions=actions, because=because, case=case.number, words="")


def _ask(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered) -> Decision:
    """The words go to somebody outside the case, whose answer comes back to it; the customer waits on."""
    case, words = ordered.case, read.words.strip()
    if not words:
        return hand_back(situation, case, agent, Held(kind="no_words"), read)
    named = [str(said["value"]) for said in ordered.said if said["kind"] == "ask"]
    emails = ", ".join(named).split(", ") if named else [answer_of_theirs(situation)]
    letter = transcript(situation, case, agent, words, read, book, policy, ordered)
    told = (Send(letter=replace(letter, values={**letter.values, "resolved": False, "readers": tuple(emails)})),) if read.commands else ()
    actions = (Join(case=case.number, role=None), *ordered.actions, *asked(situation, case, agent, words, emails, policy), *told)
    return Decision(actions=actions, because=("asks somebody outside the case",), case=case.number, words="")


def _note(
    situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered, *, resolve: bool
) -> Decision:
    """Kept among us: whoever holds the case reads it, a customer never does."""
    u, text = situation.understood, (read.note or read.words).strip()
    actions: list[Action] = [Join(case=case.number, role=None)]
    if text:
        actions.append(Log(kind="case.note", case=case.number, data={"agent": agent.name, "text": text, "message": u.number}))
    moved = ordered.case
    unread = resolve and not_read(situation, moved, ordered)
    resolve = resolve and not unread
    actions += ordered.actions
    ordered, _ = with_promises(situation, agent, read, "", book, policy, ordered)
    if resolve:
        moved, moves = moved_on(
            situation, moved, agent.name, book, replied=False, words="", resolve=True, refused=refused(read),
            quiet_from=ordered.quiet_from, wake_at=ordered.wake_at,
        )  # fmt: skip
        actions += moves
    holder = book.agents.get((situation.to_release.held.agent if situation.to_release else case.assignee) or AgentName(""))
    if text and holder is not None and holder.name != agent.name:
        values: dict[str, object] = {"writer": agent.signs_as, "note": text}
        letter = notice(
            situation,
            holder,
            template="note",
            purpose=f"note:{u.number}:{holder.name}",
            case=moved,
            values=values,
            enclose=files_of(situation),
        )
        actions.append(Send(letter=letter))
    if read.commands:
        letter = transcript(situation, moved, agent, "", read, book, policy, ordered)
        letter = replace(letter, values={**letter.values, "resolved": resolve, "unread": unread, "note": text})
        actions.append(Send(letter=letter))
    return Decision(actions=tuple(actions), because=("a note: it stays among us",), case=case.number, words="")


def _help(situation: Situation, case: Case, agent: Agent) -> Decision:
    letter = notice(situation, agent, template="help", purpose=f"help:{situation.understood.number}", case=case, values={})
    return Decision(actions=(Join(case=case.number, role=None), Send(letter=letter)), because=("help",), case=case.number, words="")
