"""What happens when an agent writes: words go to the customer, a note stays among us, a command is carried out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import takewhile

from inboxd.core.commands import AgentReply, Held, read_reply
from inboxd.core.follow_up import ASKING_JOBS, after_resolved, may_ask
from inboxd.core.lettering import reachable
from inboxd.core.letters import first_name, full_name, last_from_customer, notice, reply
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    AgentProof,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    Decision,
    Enclose,
    JobKind,
    Join,
    Letter,
    Log,
    MessageNo,
    Mode,
    Outcome,
    OutgoingKind,
    Role,
    Schedule,
    Send,
    SentMessage,
    Situation,
    StoryLine,
    Withdraw,
)
from inboxd.core.orders import KNOWN, Desk, Wrong, carry_out, first_mail
from inboxd.core.outside import answer_of_theirs, asked, begun
from inboxd.core.policy import Policy
from inboxd.core.route import open_again
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.tokens import NOTICE


def obey_without_case(situation: Situation, proof: AgentProof, book: Rulebook, policy: Policy) -> Decision:
    """A mail to an agent's personal address that names no case: questions are answered, for all else we ask which case."""
    agent = book.agents[proof.agent]
    u = situation.understood
    read = read_reply(u.message, u.new_text, situation.replied_to, signs_as=(agent.signs_as, agent.full_name))
    if read.held is None and any(command.name == "to" for command in read.commands):
        return _begin(situation, agent, read, book, policy)
    if read.held is None and read.commands and all(command.asks for command in read.commands):
        return _looked_up(situation, None, agent, read)
    text = (read.held.text if read.held else read.words or read.note) or situation.understood.new_text
    letter = notice(
        situation, agent, template="no_case", purpose=f"no_case:{situation.understood.number}", values={"text": text.strip()},
        subject="Which case?",
    )  # fmt: skip
    return Decision(actions=(Send(letter=replace(letter, reply_token=NOTICE)),), because=("names no case",), words="")


def _begin(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Write to somebody first: a new case. The subject is that of the mail, or a line of its own where the mail answers one of ours."""
    case = situation.case
    desk = Desk(situation=situation, agent=agent, book=book, policy=policy)
    found, wrong = first_mail(read.commands, desk)
    subject = next((command.argument for command in read.commands if command.name == "subject"), "")
    if not subject and situation.replied_to is None and case is None:
        subject = situation.understood.message.subject
    if not wrong and not subject.strip():
        wrong = (Wrong(line=read.commands[0].line, why="no_subject"),)
    if wrong or not read.words.strip():
        held = Held(kind="mistakes" if wrong else "no_words", text=read.words)
        return _back(situation, case, agent, held, read, wrong=wrong)
    return begun(situation, agent, read, found, subject, book, policy)


TEXT_IS_SAFE = "Your text is safe. Here it is:"  # as the template `returned` says it


def obey(situation: Situation, proof: AgentProof, book: Rulebook, policy: Policy) -> Decision:
    """Decide about a mail that an agent proved to be theirs. In doubt nothing leaves and the text comes back."""
    agent, case = book.agents[proof.agent], situation.case
    assert case is not None  # a proof names a case that exists
    read = read_reply(
        situation.understood.message,
        situation.understood.new_text,
        situation.replied_to,
        signs_as=(agent.signs_as, agent.full_name),
    )
    if read.held is not None and not _only_files(situation, read.held):
        return _back(situation, case, agent, read.held, read)
    if situation.leaks:
        return _back(situation, case, agent, Held(kind="leak", text=read.words), read)
    commands = {command.name for command in read.commands}
    if "to" in commands:
        return _begin(situation, agent, read, book, policy)
    if "help" in commands:
        return _help(situation, case, agent)
    if any(command.asks for command in read.commands):
        return _looked_up(situation, case, agent, read)
    if "undo" in commands:
        return _undo(situation, case, agent, read, book, policy)
    anyway = "send anyway" in commands
    if anyway:
        source = _came_back(situation)
        text = held_text(source[1].text) if source is not None and source[2] in MAY_LEAVE else ""
        if not text:
            return _back(situation, case, agent, Held(kind="nothing_held"), read)
        return _speak(situation, case, agent, replace(read, words=text), book, policy, Ordered(case=case), resolve=False)
    if (
        proof.words_to_customer
        and read.words
        and "ask" not in commands
        and (other := _answered_meanwhile(situation, case, agent)) is not None
    ):
        return _back(situation, case, agent, Held(kind="collision", found=other.text, meant=other.name, text=read.words), read)
    if proof.words_to_customer and read.words and _said_already(situation, case, agent, read.words):
        return _back(situation, case, agent, Held(kind="twice", text=read.words), read)
    ordered = _ordered(situation, case, agent, read, book, policy)
    if ordered.wrong:
        return _back(situation, case, agent, Held(kind="mistakes", text=read.words), read, wrong=ordered.wrong, right=ordered.said)
    if "ask" in commands or (not read.commands and read.words and answer_of_theirs(situation)):
        return _ask(situation, agent, read, book, policy, ordered)
    resolve = bool(commands & {"resolve", "could not"})
    if commands - {"note"} and read.words and not proof.words_to_customer and "note" not in commands:
        return _back(situation, case, agent, Held(kind="to_notice", text=read.words), read)  # they would never be read
    if "note" in commands or (read.words and not proof.words_to_customer):
        return _note(situation, case, agent, read, book, policy, ordered, resolve=resolve)
    if not read.words and not situation.understood.message.attachments and not read.commands:
        return _back(situation, case, agent, Held(kind="no_words"), read)
    if not read.words and not resolve and (not proof.words_to_customer or not _files_of_theirs(situation)):
        return _only_commands(situation, agent, read, book, policy, ordered)
    return _speak(situation, case, agent, read, book, policy, ordered, resolve=resolve)


# Where the words were told from what the mail quotes.
MAY_LEAVE = frozenset({"near_miss", "ambiguous", "mistakes", "collision", "twice", "undone"})


def _came_back(situation: Situation) -> tuple[MessageNo, SentMessage, str] | None:
    """The mail of ours that gave a text back, which this one answers: whose text it was, the mail, and why it came back."""
    sent = situation.replied_to
    found = re.fullmatch(r"returned:(\d+):(\w+)", sent.purpose) if sent and sent.kind is OutgoingKind.RETURNED else None
    return (MessageNo(int(found[1])), sent, found[2]) if found and sent else None


def held_text(sent: str) -> str:
    """The text that stands in a mail of ours which gave it back."""
    block = sent.rpartition(TEXT_IS_SAFE)[2].partition("\n-----")[0] if TEXT_IS_SAFE in sent else ""
    return textwrap.dedent(block.strip("\n")).strip()


def _answered_meanwhile(situation: Situation, case: Case, agent: Agent) -> StoryLine | None:
    """Another agent's words to the customer, which left after this agent had got the mail that they answer."""
    got = situation.replied_to.sent_at if situation.replied_to and situation.replied_to.kind is OutgoingKind.ROUTED else None
    if got is None or case.last_reply_at is None or case.last_reply_by in (None, agent.name) or case.last_reply_at <= got:
        return None
    last = next((line for line in reversed(situation.story) if line.role is not Role.ASKED), None)
    return last if last is not None and last.role is Role.AGENT else None  # the customer has not written since


def _said_already(situation: Situation, case: Case, agent: Agent, words: str) -> bool:
    """Whether this agent's same words left since the customer wrote: a mail program repeats itself, or somebody replays a mail they saw."""
    if case.state is CaseState.OPEN or _files_of_theirs(situation):  # open: they never left; with a file: it was forgotten the first time
        return False
    since = takewhile(lambda line: line.role is Role.AGENT, reversed(situation.story))
    return any(line.name == agent.signs_as and line.text.split() == words.split() for line in since)


def _undo(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Words that have not left yet come back; the customer waits on, as before."""
    held = situation.held_reply
    if held is None:
        return _back(situation, case, agent, Held(kind="too_late"), read)
    words = held.text.partition(f"\n\n{agent.signs_as}\n")[0].strip()
    back = _back(situation, case, agent, Held(kind="undone", text=words), read)
    opened = (
        ()
        if case.state is CaseState.OPEN or held.kind is OutgoingKind.INQUIRY
        else open_again(case, CaseEvent.UNDELIVERED, situation.now, policy, book)
    )
    log = Log(kind="reply.undone", case=case.number, data={"agent": agent.name, "outgoing": held.number})
    actions = (Withdraw(outgoing=held.number), log, *opened, *back.actions)
    return replace(back, actions=actions, because=("undo",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What the commands of one mail come to, all of them together."""

    case: Case
    actions: tuple[Action, ...] = ()
    said: tuple[Mapping[str, object], ...] = ()
    wrong: tuple[Wrong, ...] = ()


def _ordered(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Ordered:
    """Work out every command before anything is done: with one mistake in them nothing happens."""
    found = Ordered(case=case)
    desk = Desk(situation=situation, agent=agent, book=book, policy=policy, note=read.note)
    for command in read.commands:
        if command.name not in KNOWN:
            if command.case not in (None, case.number):  # what it means for words in the same mail would be a guess
                found = replace(found, wrong=(*found.wrong, Wrong(line=command.line, why="one_case", found=f"#{command.case}")))
            continue
        here = found.case
        if command.case is not None and command.case != case.number:
            named = situation.named.get(command.case)
            if named is None:
                found = replace(found, wrong=(*found.wrong, Wrong(line=command.line, why="no_case", found=f"#{command.case}")))
                continue
            here = named
        done = carry_out(command, here, desk)
        if isinstance(done, Wrong):
            found = replace(found, wrong=(*found.wrong, done))
        else:
            said = {**done.said, "line": command.line, "case": here.number if here is not found.case else 0}
            same = here is found.case and command.name != "merge"
            found = replace(
                found, case=done.case if same else found.case, actions=(*found.actions, *done.actions), said=(*found.said, said)
            )
    return found


def _files_of_theirs(situation: Situation) -> bool:
    """Whether the mail carries a file that is no picture of a signature."""
    return any(not attachment.content_id for attachment in situation.understood.message.attachments)


def _only_commands(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered) -> Decision:
    case = ordered.case
    letter = _transcript(situation, case, agent, "", read, book, policy, ordered)
    letter = replace(letter, values={**letter.values, "resolved": False})
    actions = (Join(case=case.number, role=None), *ordered.actions, Send(letter=letter))
    because = tuple(command.name for command in read.commands)
    return Decision(actions=actions, because=because, case=case.number, words="")


def _looked_up(situation: Situation, case: Case | None, agent: Agent, read: AgentReply) -> Decision:
    """A question of the agent's: answered from the store when the letter is written; nothing changes."""
    number = case.number if case else None
    asked = tuple(
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
        values={"asked": asked, "original": original and last is not None},
        enclose=(Enclose(message=last.message, whole=True),) if original and last else (),
    )
    if case is None:
        letter = replace(letter, subject="What you asked", reply_token=NOTICE)
    joined = (Join(case=case.number, role=None),) if case else ()
    because = tuple(command.name for command in read.commands)
    return Decision(actions=(*joined, Send(letter=letter)), because=because, case=number, words="")


def _only_files(situation: Situation, held: Held) -> bool:
    """A reply without a word that carries a file is meant to be sent; a picture in a signature is no such file."""
    return held.kind == "no_words" and not held.meant and _files_of_theirs(situation)


def _ask(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered) -> Decision:
    """The words go to somebody outside the case, whose answer comes back to it; the customer waits on."""
    case, words = ordered.case, read.words.strip()
    if not words:
        return _back(situation, case, agent, Held(kind="no_words"), read)
    named = [str(said["value"]) for said in ordered.said if said["kind"] == "ask"]
    emails = ", ".join(named).split(", ") if named else [answer_of_theirs(situation)]
    letter = _transcript(situation, case, agent, words, read, book, policy, ordered)
    told = (Send(letter=replace(letter, values={**letter.values, "resolved": False, "readers": tuple(emails)})),) if read.commands else ()
    actions = (Join(case=case.number, role=None), *ordered.actions, *asked(situation, case, agent, words, emails, policy), *told)
    return Decision(actions=actions, because=("asks somebody outside the case",), case=case.number, words="")


def _speak(
    situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered, *, resolve: bool
) -> Decision:
    words, actions = read.words.strip(), [Join(case=case.number, role=Role.AGENT)]
    has_letter = bool(words or situation.understood.message.attachments)
    if has_letter and not (situation.customer and reachable(situation.customer.email)):
        return _back(situation, case, agent, Held(kind="unreachable", text=words), read)
    moved, moves = _moves(situation, ordered.case, agent, book, replied=has_letter, words=words, resolve=resolve, refused=_refused(read))
    everything: list[Action] = [*actions, *ordered.actions, *moves]
    if has_letter:
        leaves = situation.now + policy.hold if policy.hold else None
        everything.append(Send(letter=_with_files(reply(situation, moved, agent, words, policy), situation), at=leaves))
    if read.commands:
        letter = _transcript(situation, moved, agent, words, read, book, policy, ordered)
        everything.append(Send(letter=replace(letter, values={**letter.values, "resolved": resolve})))
    because = ("resolve" if resolve else "an agent's words to the customer",)
    return Decision(actions=tuple(everything), because=because, case=case.number, words=words)


def _with_files(letter: Letter, situation: Situation) -> Letter:
    """Words that came back and are sent anyway take the files of the mail in which they were written."""
    source = _came_back(situation)
    if source is None or any(not each.content_id for each in situation.understood.message.attachments):
        return letter
    return replace(letter, enclose=(*letter.enclose, Enclose(message=source[0])))


def _refused(read: AgentReply) -> bool:
    """Whether the agent had to say no."""
    return any(command.name == "could not" for command in read.commands)


def _moves(
    situation: Situation, case: Case, agent: Agent, book: Rulebook, *, replied: bool, words: str, resolve: bool, refused: bool = False
) -> tuple[Case, list[Action]]:
    """The case after the reply or `resolve`, and the actions that bring it there."""
    now = situation.now
    event = CaseEvent.AGENT_RESOLVED if resolve else CaseEvent.AGENT_REPLIED
    state = advance(case.state, event)
    changes: dict[str, object] = {"involved": tuple(dict.fromkeys((*case.involved, agent.name)))}
    if replied:
        changes |= {"last_reply_at": now, "last_reply_by": agent.name, "last_reply_asks": "?" in words, "backlog": None}
    if case.assignee is None:
        changes["assignee"] = agent.name
    if state is CaseState.RESOLVED:
        changes |= {
            "resolved_at": now,
            "resolved_by": agent.name,
            "by_silence": False,
            "round": case.round + 1,
            "due_at": None,
        }
    else:
        changes |= {"due_at": None, "resolved_at": None, "closed_at": None}
    if refused:
        changes["outcome"] = Outcome.COULD_NOT
    moved = replace(case, state=state, **changes)  # type: ignore[arg-type]  # the names are those of Case
    actions: list[Action] = [
        Advance(case=case.number, event=event, state=state, changes=changes),
        Cancel(case=case.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE)),
    ]
    if state is CaseState.RESOLVED:
        actions.append(after_resolved(moved, situation.customer, book.follow_up, now, situation.mailbox.mode))
    elif book.follow_up.ask_when_waiting is not None:
        at = now + book.follow_up.ask_when_waiting
        actions.append(Schedule(kind=JobKind.SILENCE, key=f"silence:{case.number}", at=at, case=case.number))
    return moved, actions


def _transcript(
    situation: Situation, case: Case, agent: Agent, words: str, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered
) -> Letter:
    """What was done, as answer to a mail with a command in it."""
    ask_at = situation.now + book.follow_up.ask_after
    asked = may_ask(case, situation.customer, book.follow_up, ask_at) and situation.mailbox.mode is Mode.FULL
    customer = first_name(full_name(situation.customer))
    values: dict[str, object] = {
        "words": words,
        "resolved": True,
        "done": ordered.said,
        "note": "",
        "ask_at": ask_at if asked else None,
        "why_not": "" if asked else _why_not(situation, case),
        "left_out": read.left_out,
        "leaves_at": situation.now + policy.hold if words and policy.hold else None,
        "readers": (customer, *(first_name(a.name, a.email) for a in case.participants)),
    }
    return notice(
        situation,
        agent,
        template="transcript",
        purpose=f"transcript:{situation.understood.number}",
        case=case,
        values=values,
    )


def _why_not(situation: Situation, case: Case) -> str:
    """Why nobody is asked: a key of the template."""
    if situation.mailbox.mode is not Mode.FULL:
        return "mode"
    if case.good_sign:
        return "works"
    if case.no_follow_up or situation.customer is None or situation.customer.no_follow_up:
        return "quiet"
    return "lately"


def _note(
    situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered, *, resolve: bool
) -> Decision:
    """Kept among us: whoever holds the case reads it, a customer never does."""
    u, text = situation.understood, (read.note or read.words).strip()
    actions: list[Action] = [Join(case=case.number, role=None)]
    if text:
        actions.append(Log(kind="case.note", case=case.number, data={"agent": agent.name, "text": text, "message": u.number}))
    moved = ordered.case
    actions += ordered.actions
    if resolve:
        moved, moves = _moves(situation, moved, agent, book, replied=False, words="", resolve=True, refused=_refused(read))
        actions += moves
    holder = book.agents.get(case.assignee or AgentName(""))
    if text and holder is not None and holder.name != agent.name:
        values: dict[str, object] = {"writer": agent.signs_as, "note": text}
        letter = notice(
            situation,
            holder,
            template="note",
            purpose=f"note:{u.number}:{holder.name}",
            case=moved,
            values=values,
            enclose=_files(situation),
        )
        actions.append(Send(letter=letter))
    if read.commands:
        letter = _transcript(situation, moved, agent, "", read, book, policy, ordered)
        letter = replace(letter, values={**letter.values, "resolved": resolve, "note": text})
        actions.append(Send(letter=letter))
    return Decision(actions=tuple(actions), because=("a note: it stays among us",), case=case.number, words="")


def _files(situation: Situation) -> tuple[Enclose, ...]:
    u = situation.understood
    return (Enclose(message=u.number, attachments=u.message.attachments),)


def _help(situation: Situation, case: Case, agent: Agent) -> Decision:
    letter = notice(situation, agent, template="help", purpose=f"help:{situation.understood.number}", case=case, values={})
    return Decision(actions=(Join(case=case.number, role=None), Send(letter=letter)), because=("help",), case=case.number, words="")


def _back(
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
    values: dict[str, object] = {
        "kind": held.kind,
        "found": held.found,
        "meant": held.meant,
        "text": held.text or read.words,
        "places": situation.leaks,
        "wrong": wrong,
        "right": right,
        "no_case": case is None,
    }
    letter = notice(
        situation,
        agent,
        template="returned",
        purpose=f"returned:{u.number}:{held.kind}",
        case=case,
        values=values,
        kind=OutgoingKind.RETURNED,
        enclose=_files(situation),
    )
    number = case.number if case else None
    if case is None:  # outside of cases a text is given back with the address that names none
        letter = replace(letter, subject="Not sent: your mail", reply_token=NOTICE)
    log = Log(kind="reply.held", case=number, data={"agent": agent.name, "because": held.kind, "message": u.number})
    joined = (Join(case=case.number, role=None),) if case else ()
    return Decision(actions=(*joined, log, Send(letter=letter)), because=(f"held: {held.kind}",), case=number, words="")
