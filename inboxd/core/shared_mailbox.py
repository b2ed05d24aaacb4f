"""The mailbox as a place of work: answers that people write in it, what they move to what is done, and mail laid into a team's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from inboxd.core.assign import team_of
from inboxd.core.dates import sentences
from inboxd.core.letters import notice
from inboxd.core.model import (
    Action,
    AgentName,
    Assign,
    Cancel,
    Case,
    CaseState,
    Decision,
    Deliver,
    Job,
    JobKind,
    Join,
    Letter,
    Log,
    MessageNo,
    Mode,
    OpenCase,
    OutgoingKind,
    Role,
    Schedule,
    Send,
    Situation,
    TeamName,
)
from inboxd.core.policy import Policy
from inboxd.core.promises import remembered
from inboxd.core.route import share_out_at
from inboxd.core.rulebook import Rulebook, folder_of
from inboxd.core.speak import moved_on

# --- what people do in the mailbox itself --------------------------------------------------------------------------------


def written_here(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """Decide about a mail in the folder of sent mail: an answer in a case stands there like an agent's, all else is only counted.

    It has left already: nothing is sent to the customer because of it.
    """
    u, case = situation.understood, situation.case
    if case is None:
        return Decision(actions=(Log(kind="message.sent_here", data={"message": u.number}),), because=(u.screening.reason,))
    data = {"message": u.number, "agent": situation.agent or ""}
    quiet_from, promised = remembered(situation, situation.agent, u.new_text, book, policy.zone, said_at=u.received_at)
    actions: list[Action] = [
        Join(case=case.number, role=Role.AGENT),
        Log(kind="case.answered_here", case=case.number, data=data),
        *promised,
    ]
    if _wrote_since(case, situation, u.received_at):  # read late: the customer waits for the next answer already
        return Decision(actions=tuple(actions), because=("an answer from the mailbox, and the customer wrote since",), case=case.number)
    moved, moves = moved_on(
        situation, case, situation.agent, book, replied=True, words=u.new_text, resolve=False, quiet_from=quiet_from
    )  # fmt: skip
    actions += moves
    if set(situation.customer_thread[-1:]) & set(u.message.in_reply_to):  # what still gathers was read, for it was answered
        actions.append(Cancel(case=case.number, kinds=(JobKind.HAND_OVER,)))
    actions += _holder_told(situation, moved, book, situation.agent, "answered", (sentences(u.new_text) or ("",))[0], f"{u.number}")
    actions.append(share_out_at(situation.mailbox.name, situation.now))
    return Decision(actions=tuple(actions), because=("an answer from the mailbox itself",), case=case.number)


def moved_to_resolved(job: Job, situation: Situation, case: Case, book: Rulebook) -> Decision:
    """A person moved a mail of the case to what is done: resolved, unless the customer has written since that mail."""
    message = MessageNo(int(str(job.payload["message"])))
    if case.state not in (CaseState.OPEN, CaseState.WAITING):
        return Decision(because=("the case has moved on",), case=case.number)
    if _newer(situation, message):
        return Decision(because=("the customer has written since the mail that was moved",), case=case.number)
    agent = case.assignee or case.last_reply_by
    moved, moves = moved_on(situation, case, agent, book, replied=False, words="", resolve=True)
    log = Log(kind="case.resolved_here", case=case.number, data={"message": message})
    told = _holder_told(situation, moved, book, None, "resolved", "", f"{message}:{case.round}")
    actions = (log, *moves, *told, share_out_at(situation.mailbox.name, situation.now))
    return Decision(actions=actions, because=("a mail of it was moved to the folder of what is done",), case=case.number)


def _wrote_since(case: Case, situation: Situation, at: datetime) -> bool:
    lines = (line for line in situation.story if line.role is Role.CUSTOMER and line.wants_answer)
    return case.state is CaseState.OPEN and any(line.at > at for line in lines)


def _newer(situation: Situation, message: MessageNo) -> bool:
    """Whether the customer has written something that wants an answer after this mail came in; the latest may have no words at all."""
    latest = situation.understood
    told = {line.message for line in situation.story}
    silent = latest.number > message and latest.number not in told and not latest.reading.thanks_only
    return silent or any(line.message > message and line.role is Role.CUSTOMER and line.wants_answer for line in situation.story)


def _holder_told(
    situation: Situation, case: Case, book: Rulebook, writer: AgentName | None, what: str, quote: str, purpose: str
) -> list[Action]:
    """Whoever holds the case hears of it in one line; not where it was they, nor where their team works in the mailbox anyway."""
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is None or holder.name == writer or _folder(case, holder.name, situation, book):
        return []
    known = book.agents.get(writer or AgentName(""))
    values: dict[str, object] = {"what": what, "writer": known.signs_as if known else "", "quote": quote}
    purpose = f"here:{what}:{purpose}:{holder.name}"
    return [Send(letter=notice(situation, holder, template="done_here", purpose=purpose, case=case, values=values))]


# --- a team's folder -------------------------------------------------------------------------------------------------------


def in_folders(actions: Sequence[Action], situation: Situation, book: Rulebook) -> tuple[Action, ...]:
    """Where a case is with a team that works in a folder, its mail is laid there instead of being sent to the agent.

    A folder that a rule names for the very mail comes first. Where nothing may be moved, mail is sent as ever.
    """
    case = _case_after(actions, situation)
    if case is None or situation.mailbox.mode is Mode.WATCH or not situation.mailbox.file or not _lies_here(situation):
        return tuple(actions)
    folder = _folder(case, case.assignee, situation, book)
    if not folder:
        return tuple(actions)
    kept: list[Action] = []
    messages = [situation.understood.number] if _joined(actions, case) else []
    for action in actions:
        if isinstance(action, Send) and _is_routed(action.letter, case):
            messages += [each.message for each in action.letter.enclose]
        elif not (isinstance(action, Schedule) and action.kind is JobKind.HAND_OVER and messages):
            kept.append(action)
    filed = {a.payload["message"] for a in actions if isinstance(a, Schedule) and a.kind is JobKind.FILE}
    laid = tuple(dict.fromkeys(message for message in messages if message not in filed))
    return (*kept, Deliver(case=case.number, folder=folder, messages=laid)) if laid else tuple(kept)


def _case_after(actions: Sequence[Action], situation: Situation) -> Case | None:
    """The case as the actions leave it, as far as it matters who has it."""
    case = situation.case
    for action in actions:
        if isinstance(action, OpenCase):
            case = action.case
        elif isinstance(action, Assign) and case is not None and action.case == case.number:
            case = replace(case, assignee=action.agent, team=action.team)
    return case


def _folder(case: Case, agent: AgentName | None, situation: Situation, book: Rulebook) -> str:
    """The folder in which this agent's team works, "" where mail is sent: the team of the case, else the first that lists the agent."""
    if agent is None or not situation.mailbox.file:
        return ""
    team = case.team or team_of(agent, book)
    return folder_of(book, team or TeamName(""))


def _lies_here(situation: Situation) -> bool:
    return situation.understood.mailbox == situation.mailbox.name


def _joined(actions: Sequence[Action], case: Case) -> bool:
    """Whether the present mail became the customer's word in this case."""
    return any(isinstance(a, Join) and a.case == case.number and a.role is Role.CUSTOMER for a in actions)


def _is_routed(letter: Letter, case: Case) -> bool:
    return letter.kind is OutgoingKind.ROUTED and letter.case == case.number and letter.agent == case.assignee
