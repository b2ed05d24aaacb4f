"""What happens when an agent writes: words go to the customer, a note stays among us, a command is carried out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile

from inboxd.core.commands import AgentReply, Held, read_reply
from inboxd.core.follow_up import ASKING_JOBS, after_resolved, ask_at, awake_at, may_ask, silence_later, zone_of_customer
from inboxd.core.lettering import reachable
from inboxd.core.letters import first_name, full_name, last_from_customer, notice, reply
from inboxd.core.lifecycle import advance
from inboxd.core.mentor import mentor_of, overtaken_by, to_mentor, to_writer
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
    EndHold,
    HeldWords,
    HoldWords,
    JobKind,
    Join,
    LearnSignature,
    Letter,
    Log,
    MessageNo,
    Mode,
    Outcome,
    OutgoingKind,
    Role,
    Send,
    SentMessage,
    Situation,
    StoryLine,
    Withdraw,
)
from inboxd.core.orders import KNOWN, OF_AN_ISSUE, OF_THE_AGENT, Desk, Wrong, carry_out, first_mail, of_an_issue, of_the_agent
from inboxd.core.outside import answer_of_theirs, asked, begun
from inboxd.core.own_words import signature_lines
from inboxd.core.policy import Policy
from inboxd.core.promises import never_said, remembered
from inboxd.core.route import open_again
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.signatures import from_replies
from inboxd.core.tokens import NOTICE
from inboxd.core.voice import is_offer, release


def obey_without_case(situation: Situation, proof: AgentProof, book: Rulebook, policy: Policy) -> Decision:
    """A mail to an agent's personal address that names no case: questions are answered, for all else we ask which case."""
    agent = book.agents[proof.agent]
    u = situation.understood
    signs_as, signatures = (agent.signs_as, agent.full_name), situation.signatures
    read = read_reply(u.message, u.new_text, situation.replied_to, signs_as=signs_as, signatures=signatures)
    if (
        read.held is None
        and not read.words
        and [command.name for command in read.commands] == ["release"]
        and is_offer(situation.replied_to)
    ):
        return release(situation, agent, book)
    if read.held is None and any(command.name == "to" for command in read.commands):
        return _begin(situation, agent, read, book, policy)
    if read.held is None and read.commands and all(command.asks for command in read.commands):
        return looked_up(situation, None, agent, read)
    if read.held is None and any(command.name in OF_AN_ISSUE for command in read.commands):
        return _of_an_issue(situation, agent, read, book, policy)
    if read.held is None and read.commands and not read.words and all(command.name in OF_THE_AGENT for command in read.commands):
        return _of_the_agent(situation, agent, read, book, policy)
    text = (read.held.text if read.held else read.words or read.note) or situation.understood.new_text
    letter = notice(
        situation, agent, template="no_case", purpose=f"no_case:{situation.understood.number}", values={"text": text.strip()},
        subject="Which case?",
    )  # fmt: skip
    return Decision(actions=(Send(letter=replace(letter, reply_token=NOTICE)),), because=("names no case",), words="")


def _of_the_agent(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Commands about the agent alone, such as `away`: they need no case."""
    desk = Desk(situation=situation, agent=agent, book=book, policy=policy)
    done = [of_the_agent(command, desk) for command in read.commands]
    wrong = tuple(each for each in done if isinstance(each, Wrong))
    if wrong:
        return _back(situation, None, agent, Held(kind="mistakes"), read, wrong=wrong)
    right = [each for each in done if not isinstance(each, Wrong)]
    said = tuple({**each.said, "line": command.line, "case": 0} for each, command in zip(right, read.commands, strict=True))
    values: dict[str, object] = {
        "words": "", "resolved": False, "done": said, "note": "", "ask_at": None, "why_not": "", "left_out": (), "leaves_at": None,
        "readers": (),
    }  # fmt: skip
    letter = notice(
        situation, agent, template="transcript", purpose=f"transcript:{situation.understood.number}", values=values, subject="Done"
    )
    actions = tuple(action for each in right for action in each.actions)
    because = tuple(command.name for command in read.commands)
    return Decision(actions=(*actions, Send(letter=replace(letter, reply_token=NOTICE))), because=because, words="")


def _of_an_issue(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """What people may know of a fault, or that it is mended; alone in its mail, so that nothing else can be meant."""
    command = next(command for command in read.commands if command.name in OF_AN_ISSUE)
    together = {each.language: each for each in reversed(read.commands) if each.name == command.name}
    others = [each for each in read.commands if each not in together.values()]
    said = [command, *(each for each in together.values() if each != command)]
    done = of_an_issue(said, Desk(situation=situation, agent=agent, book=book, policy=policy))
    wrong = tuple(Wrong(line=other.line, why="with_issue") for other in others)
    if isinstance(done, Wrong) or wrong:
        return _back(situation, None, agent, Held(kind="mistakes"), read, wrong=(*((done,) if isinstance(done, Wrong) else ()), *wrong))
    left_out = (*read.left_out, *(line.strip() for line in read.words.splitlines() if line.strip()))
    subject = situation.understood.message.subject
    subject = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    letter = notice(
        situation, agent, template="issue", purpose=f"issue:{done.said['issue']}:{situation.understood.number}",
        values={**done.said, "left_out": left_out, "reasons": ()}, subject=subject,
    )  # fmt: skip
    return Decision(
        actions=(*done.actions, Send(letter=replace(letter, reply_token=NOTICE))), because=(f"{command.name}: a fault of ours",), words=""
    )  # fmt: skip


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
        signatures=situation.signatures,
    )
    if read.held is not None and not _only_files(situation, read.held):
        return _back(situation, case, agent, read.held, read)
    if situation.leaks:
        waiting = situation.to_release.held.words if situation.to_release and not read.words else ""
        return _back(situation, case, agent, Held(kind="leak", text=read.words or waiting), read)
    commands = {command.name for command in read.commands}
    if "to" in commands:
        return _begin(situation, agent, read, book, policy)
    if situation.about_issue is not None and commands & OF_AN_ISSUE:
        return _of_an_issue(situation, agent, read, book, policy)
    if "help" in commands:
        return _help(situation, case, agent)
    if any(command.asks for command in read.commands):
        return looked_up(situation, case, agent, read)
    if "undo" in commands:
        return _undo(situation, case, agent, read, book, policy)
    if "release" in commands:
        return _release(situation, case, agent, read, book, policy)
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
        return _back(situation, case, agent, Held(kind="collision", found=other.text, meant=other.name, at=other.at, text=read.words), read)
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
    """Somebody else's words to the customer, which left after this agent had got the mail that they answer."""
    got = situation.replied_to.sent_at if situation.replied_to and situation.replied_to.kind is OutgoingKind.ROUTED else None
    if got is None or case.last_reply_at is None or case.last_reply_by == agent.name or case.last_reply_at <= got:
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
    held, waiting = situation.held_reply, _waiting(situation, agent)
    if held is None and waiting is not None:
        back = _back(situation, case, agent, Held(kind="undone", text=waiting.words), read)
        return replace(back, actions=(EndHold(message=waiting.message, how="undone"), *back.actions), because=("undo",))
    if held is None:
        return _back(situation, case, agent, Held(kind="too_late"), read)
    words = held.text.partition(f"\n\n{agent.signs_as}\n")[0].strip()
    outside = held.kind is OutgoingKind.INQUIRY
    back = _back(situation, case, agent, Held(kind="undone", text=words, outside=outside), read)
    opened = () if case.state is CaseState.OPEN or outside else open_again(case, CaseEvent.UNDELIVERED, situation.now, policy, book)
    log = Log(kind="reply.undone", case=case.number, data={"agent": agent.name, "outgoing": held.number})
    unsaid = never_said(case.number, held.purpose, "undone")
    actions = (Withdraw(outgoing=held.number), log, *unsaid, *opened, *back.actions)
    return replace(back, actions=actions, because=("undo",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What the commands of one mail come to, all of them together."""

    case: Case
    actions: tuple[Action, ...] = ()
    said: tuple[Mapping[str, object], ...] = ()
    wrong: tuple[Wrong, ...] = ()
    quiet_from: datetime | None = None  # when what was promised is over: until then nobody is asked


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


def looked_up(situation: Situation, case: Case | None, agent: Agent, read: AgentReply) -> Decision:
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
    if has_letter and not _is_released(situation) and (reader := mentor_of(agent, situation, book)) is not None:
        return _hold(situation, case, agent, reader, read, words)
    ordered, promised = _promised(situation, agent, read, words, book, policy, ordered)
    moved, moves = moved_on(
        situation, ordered.case, agent.name, book, replied=has_letter, words=words, resolve=resolve, refused=_refused(read),
        quiet_from=ordered.quiet_from,
    )  # fmt: skip
    everything: list[Action] = [*actions, *ordered.actions, *moves, *promised]
    if has_letter:
        everything += (*_learnt(situation, agent, words), *_overtaken(situation, case, agent, words, book))
        leaves = situation.now + policy.hold if policy.hold else None
        everything.append(Send(letter=_with_files(reply(situation, moved, agent, words, policy), situation), at=leaves))
    if read.commands:
        letter = _transcript(situation, moved, agent, words, read, book, policy, ordered)
        everything.append(Send(letter=replace(letter, values={**letter.values, "resolved": resolve})))
    because = ("resolve" if resolve else "an agent's words to the customer",)
    return Decision(actions=tuple(everything), because=because, case=case.number, words=words)


def _promised(
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


# --- mentors -----------------------------------------------------------------------------------------------------------------


def _hold(situation: Situation, case: Case, agent: Agent, reader: Agent, read: AgentReply, words: str) -> Decision:
    """Nothing leaves and nothing is carried out before the mentor lets it go; the customer waits on, and so does the ladder."""
    held = HeldWords(
        message=situation.understood.number, case=case.number, agent=agent.name, mentor=reader.name, words=words, at=situation.now
    )
    source = _came_back(situation)
    files = (*_files(situation), *((Enclose(message=source[0]),) if source else ()))
    letters = (
        to_mentor(situation, case, agent, reader, words, read.commands, files),
        to_writer(situation, case, agent, held, what="waiting", by=reader),
    )
    actions: tuple[Action, ...] = (Join(case=case.number, role=None), HoldWords(held=held), *(Send(letter=letter) for letter in letters))
    return Decision(actions=actions, because=(f"waits for {reader.name}",), case=case.number, words="")


def _release(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Held words leave as if their agent replied just now, with their files and what was ordered above them."""
    asked = situation.to_release
    writer = book.agents.get(asked.held.agent) if asked is not None else None
    if asked is None or writer is None or read.words or asked.held.ended == "released":
        return _back(situation, case, agent, Held(kind="nothing_waits", text=read.words), read)
    held = asked.held
    if held.ended == "undone":
        return _back(situation, case, agent, Held(kind="taken_back", meant=writer.signs_as), read)
    if other := overtaken_by(held, situation, case, book):
        last = next((line.text for line in reversed(situation.story) if line.role is Role.AGENT), "")
        return _back(situation, case, agent, Held(kind="overtaken", found=last, meant=other, text=held.words), read)
    theirs = replace(situation, understood=asked.understood, replied_to=asked.replied_to, agent=writer.name, own_replies=())
    written = read_reply(theirs.understood.message, theirs.understood.new_text, asked.replied_to)
    orders = tuple(command for command in written.commands if command.name != "send anyway")
    written = replace(written, words=held.words, held=None, commands=orders)
    ordered = _ordered(theirs, case, writer, written, book, policy)
    if ordered.wrong:
        return _back(situation, case, agent, Held(kind="mistakes", text=held.words), read, wrong=ordered.wrong, right=ordered.said)
    resolve = any(command.name in ("resolve", "could not") for command in orders)
    spoken = _speak(theirs, case, writer, written, book, policy, ordered, resolve=resolve)
    told = () if orders else (Send(letter=to_writer(situation, case, writer, held, what="released", by=agent)),)
    before = (Join(case=case.number, role=None), EndHold(message=held.message, how="released"))
    because = (f"released by {agent.name}",)
    return replace(
        spoken, actions=(*before, *spoken.actions[1:], *told), because=because, words=""
    )  # the first one joins the mentor's mail


def _is_released(situation: Situation) -> bool:
    return situation.to_release is not None and situation.to_release.held.message == situation.understood.number


def _waiting(situation: Situation, agent: Agent) -> HeldWords | None:
    """This agent's latest words that still wait for a mentor."""
    return next((held for held in reversed(situation.held_words) if held.agent == agent.name and not held.ended), None)


def _overtaken(situation: Situation, case: Case, agent: Agent, words: str, book: Rulebook) -> Iterator[Action]:
    """Words of others that waited are void once somebody answers in their own; whose they are reads what was said instead."""
    for held in situation.held_words:
        if held.ended or held.agent == agent.name or _is_released(situation):
            continue
        yield EndHold(message=held.message, how="overtaken")
        if (writer := book.agents.get(held.agent)) is not None:
            yield Send(letter=to_writer(situation, case, writer, held, what="overtaken", by=agent, words=words))


def _with_files(letter: Letter, situation: Situation) -> Letter:
    """Words that came back and are sent anyway take the files of the mail in which they were written."""
    source = _came_back(situation)
    if source is None or any(not each.content_id for each in situation.understood.message.attachments):
        return letter
    return replace(letter, enclose=(*letter.enclose, Enclose(message=source[0])))


def _refused(read: AgentReply) -> bool:
    """Whether the agent had to say no."""
    return any(command.name == "could not" for command in read.commands)


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
) -> tuple[Case, list[Action]]:
    """The case after the reply or `resolve`, and the actions that bring it there. Who it was may not be known."""
    now = situation.now
    event = CaseEvent.AGENT_RESOLVED if resolve else CaseEvent.AGENT_REPLIED
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
    else:
        changes |= {"due_at": None, "resolved_at": None, "closed_at": None}
    if refused and case.outcome is not Outcome.DISSATISFIED:  # who said no stays somebody to win back
        changes["outcome"] = Outcome.COULD_NOT
    moved = replace(case, state=state, **changes)  # type: ignore[arg-type]  # the names are those of Case
    actions: list[Action] = [
        Advance(case=case.number, event=event, state=state, changes=changes),
        Cancel(case=case.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE)),
    ]
    if state is CaseState.RESOLVED:
        actions.append(after_resolved(moved, situation.customer, book, now, situation.mailbox.mode, quiet_from))
    else:
        actions += silence_later(case, book.follow_up, quiet_from or now)
    return moved, actions


def _transcript(
    situation: Situation, case: Case, agent: Agent, words: str, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered
) -> Letter:
    """What was done, as answer to a mail with a command in it."""
    asking = awake_at(ask_at(case, book, ordered.quiet_from or situation.now), zone_of_customer(situation, policy))
    asked = may_ask(case, situation.customer, book.follow_up, asking) and situation.mailbox.mode is Mode.FULL
    customer = first_name(full_name(situation.customer))
    values: dict[str, object] = {
        "words": words,
        "resolved": True,
        "done": ordered.said,
        "note": "",
        "ask_at": asking if asked else None,
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
    ordered, _ = _promised(situation, agent, read, "", book, policy, ordered)
    if resolve:
        moved, moves = moved_on(
            situation, moved, agent.name, book, replied=False, words="", resolve=True, refused=_refused(read), quiet_from=ordered.quiet_from
        )
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


def _for_others(held: Held, read: AgentReply) -> bool:
    """Whether the words were to go to somebody else than the customer."""
    lines = (*(command.line for command in read.commands), *held.right, held.found, *held.text.split("\n"))
    return any(_OTHERS.match(line) for line in lines)


_OTHERS = re.compile(r"\s*(?:ask|to|for)\s*:\s*[^\s@]+@", re.IGNORECASE)


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
    outside = held.outside or _for_others(held, read)
    values: dict[str, object] = {
        "kind": held.kind,
        "outside": outside,
        "found": held.found,
        "meant": held.meant,
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
        enclose=_files(situation),
    )
    number = case.number if case else None
    if case is None:  # outside of cases a text is given back with the address that names none
        letter = replace(letter, subject="Not sent: your mail", reply_token=NOTICE)
    log = Log(kind="reply.held", case=number, data={"agent": agent.name, "because": held.kind, "message": u.number})
    joined = (Join(case=case.number, role=None),) if case else ()
    return Decision(actions=(*joined, log, Send(letter=letter)), because=(f"held: {held.kind}",), case=number, words="")
