"""What an agent's mail does that needs no case: a question, `away`, a fault of ours, the first mail to somebody."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.commands import AgentReply, Held, read_reply
from inboxd.core.hand_back import hand_back
from inboxd.core.letters import notice
from inboxd.core.look_up import look_up
from inboxd.core.model import AgentProof, Decision, Send, Situation
from inboxd.core.orders import OF_AN_ISSUE, OF_THE_AGENT, Desk, Wrong, first_mail, of_an_issue, of_the_agent
from inboxd.core.outside import begun
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Agent, Rulebook
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
        return begin(situation, agent, read, book, policy)
    if read.held is None and read.commands and all(command.asks for command in read.commands):
        return look_up(situation, None, agent, read)
    if read.held is None and any(command.name in OF_AN_ISSUE for command in read.commands):
        return about_issue(situation, agent, read, book, policy)
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
        return hand_back(situation, None, agent, Held(kind="mistakes"), read, wrong=wrong)
    right = [each for each in done if not isinstance(each, Wrong)]
    said = tuple({**each.said, "line": command.line, "case": 0} for each, command in zip(right, read.commands, strict=True))
    values: dict[str, object] = {
        "words": "", "resolved": False, "unread": False, "done": said, "note": "", "ask_at": None, "why_not": "", "left_out": (),
        "leaves_at": None, "readers": (),
    }  # fmt: skip
    letter = notice(
        situation, agent, template="transcript", purpose=f"transcript:{situation.understood.number}", values=values, subject="Done"
    )
    actions = tuple(action for each in right for action in each.actions)
    because = tuple(command.name for command in read.commands)
    return Decision(actions=(*actions, Send(letter=replace(letter, reply_token=NOTICE))), because=because, words="")


def about_issue(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """What people may know of a fault, or that it is mended; alone in its mail, so that nothing else can be meant."""
    command = next(command for command in read.commands if command.name in OF_AN_ISSUE)
    together = {each.language: each for each in reversed(read.commands) if each.name == command.name}
    others = [each for each in read.commands if each not in together.values()]
    said = [command, *(each for each in together.values() if each != command)]
    done = of_an_issue(said, Desk(situation=situation, agent=agent, book=book, policy=policy))
    wrong = tuple(Wrong(line=other.line, why="with_issue") for other in others)
    if isinstance(done, Wrong) or wrong:
        return hand_back(situation, None, agent, Held(kind="mistakes"), read, wrong=(*((done,) if isinstance(done, Wrong) else ()), *wrong))
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


def begin(situation: Situation, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Decision:
    """Write to somebody first: a new case. The subject is that of the mail, or a line of its own where the mail answers one of ours."""
    case = situation.case
    desk = Desk(situation=situation, agent=agent, book=book, policy=policy)
    given = situation.understood.message.subject if situation.replied_to is None and case is None else ""
    found, subject, wrong = first_mail(read.commands, desk, given)
    if wrong or not read.words.strip():
        held = Held(kind="mistakes" if wrong else "no_words", text=read.words)
        return hand_back(situation, case, agent, held, read, wrong=wrong)
    return begun(situation, agent, read, found, subject, book, policy)
