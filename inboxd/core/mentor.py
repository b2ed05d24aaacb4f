"""Words that a mentor reads before a customer does: who reads them, and the mails about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inboxd.core.commands import AgentReply, Command
from inboxd.core.hand_back import came_back, files_of
from inboxd.core.letters import files_of_theirs, first_name, full_name, last_from_customer, notice
from inboxd.core.model import (
    Action,
    AgentName,
    Case,
    Decision,
    Enclose,
    EndHold,
    HeldWords,
    HoldWords,
    Join,
    Letter,
    MessageNo,
    OutgoingKind,
    Send,
    SentMessage,
    Situation,
)
from inboxd.core.rulebook import Agent, Rulebook


def held_message(sent: SentMessage | None, reader: AgentName) -> MessageNo | None:
    """The number of the mail whose words this one of ours showed to this mentor."""
    found = re.fullmatch(r"mentor:(\d+):.+", sent.purpose) if sent is not None and sent.agent == reader else None
    return MessageNo(int(found[1])) if found else None


def mentor_of(agent: Agent, situation: Situation, book: Rulebook) -> Agent | None:
    """Who reads this agent's words first: the mentor; while they are away somebody of their team, else the lead. None: nobody."""
    if agent.mentor is None:
        return None
    there = (name for name in _readers(agent, agent.mentor, book) if not _is_away(name, situation))
    return book.agents[next(there, agent.mentor)]


def _readers(agent: Agent, mentor: AgentName, book: Rulebook) -> Iterator[AgentName]:
    """The mentor, then who may stand in: nobody whose own words are read, and not the writer."""
    yield mentor
    mates = (name for team in book.teams.values() if mentor in team.agents for name in team.agents)
    for name in (*mates, AgentName(book.lead)):
        if name in book.agents and name != agent.name and book.agents[name].mentor is None:
            yield name


def _is_away(name: AgentName, situation: Situation) -> bool:
    candidate = situation.candidates.get(name)
    return candidate is not None and candidate.away


def to_mentor(
    situation: Situation, case: Case, writer: Agent, reader: Agent, words: str, commands: Sequence[Command], files: Sequence[Enclose]
) -> Letter:
    """The words, with what was ordered above them and the customer's mail below; a reply to it is words to the customer."""
    last, number = last_from_customer(situation), situation.understood.number
    values: dict[str, object] = {
        "writer": writer.signs_as,
        "words": words,
        "orders": tuple(command.line for command in commands if command.name != "send anyway"),
        "files": bool(files_of_theirs(situation.understood.message)),
        "stands_in": reader.name != writer.mentor,
        "text": last.text if last else "",
        "wrote_at": last.at if last else None,
        "now": situation.now,
    }
    purpose = f"mentor:{number}:{reader.name}"
    kind = OutgoingKind.RETURNED
    return notice(situation, reader, template="mentor", purpose=purpose, case=case, values=values, kind=kind, enclose=files)


def to_writer(situation: Situation, case: Case, writer: Agent, held: HeldWords, *, what: str, by: Agent, words: str = "") -> Letter:
    """A line to the agent whose words they are: "waiting", "released", or "overtaken" by other words, which they read."""
    values: dict[str, object] = {"what": what, "reader": by.signs_as, "words": words}
    return notice(situation, writer, template="mentored", purpose=f"mentored:{held.message}:{what}", case=case, values=values)


def overtaken_by(held: HeldWords, situation: Situation, case: Case, book: Rulebook) -> str:
    """Who answered the customer while these words waited, "" if nobody did."""
    if held.ended != "overtaken" and (case.last_reply_at is None or case.last_reply_at <= held.at or case.last_reply_by == held.agent):
        return ""
    other = book.agents.get(case.last_reply_by or AgentName(""))
    return other.signs_as if other else first_name(full_name(situation.customer))


# --- words that wait --------------------------------------------------------------------------------------------------------


def hold(situation: Situation, case: Case, agent: Agent, reader: Agent, read: AgentReply, words: str) -> Decision:
    """Nothing leaves and nothing is carried out before the mentor lets it go; the customer waits on, and so does the ladder."""
    held = HeldWords(
        message=situation.understood.number, case=case.number, agent=agent.name, mentor=reader.name, words=words, at=situation.now
    )
    source = came_back(situation)
    files = (*files_of(situation), *((Enclose(message=source[0]),) if source else ()))
    letters = (
        to_mentor(situation, case, agent, reader, words, read.commands, files),
        to_writer(situation, case, agent, held, what="waiting", by=reader),
    )
    actions: tuple[Action, ...] = (Join(case=case.number, role=None), HoldWords(held=held), *(Send(letter=letter) for letter in letters))
    return Decision(actions=actions, because=(f"waits for {reader.name}",), case=case.number, words="")


def is_released(situation: Situation) -> bool:
    """Whether the words of the mail were held, and are let go now."""
    return situation.to_release is not None and situation.to_release.held.message == situation.understood.number


def overtaken(situation: Situation, case: Case, agent: Agent, words: str, book: Rulebook) -> Iterator[Action]:
    """Words of others that waited are void once somebody answers in their own; whose they are reads what was said instead."""
    for held in situation.held_words:
        if held.ended or held.agent == agent.name or is_released(situation):
            continue
        yield EndHold(message=held.message, how="overtaken")
        if (writer := book.agents.get(held.agent)) is not None:
            yield Send(letter=to_writer(situation, case, writer, held, what="overtaken", by=agent, words=words))
