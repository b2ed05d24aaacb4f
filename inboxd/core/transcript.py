"""What all commands of one mail come to, and the transcript that tells the agent what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from inboxd.core.commands import AgentReply
from inboxd.core.follow_up import ask_at, awake_at, may_ask, zone_of_customer
from inboxd.core.letters import first_name, full_name, notice
from inboxd.core.model import Action, Case, Letter, Mode, Situation
from inboxd.core.orders import KNOWN, Desk, Wrong, carry_out
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Agent, Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """What the commands of one mail come to, all of them together."""

    case: Case
    actions: tuple[Action, ...] = ()
    said: tuple[Mapping[str, object], ...] = ()
    wrong: tuple[Wrong, ...] = ()
    quiet_from: datetime | None = None  # when what was promised is over: until then nobody is asked
    wake_at: datetime | None = None  # when it comes back to the agent


def work_out(situation: Situation, case: Case, agent: Agent, read: AgentReply, book: Rulebook, policy: Policy) -> Ordered:
    """Work out every command before anything is done: with one mistake in them nothing happens."""
    found = Ordered(case=case)
    desk = Desk(
        situation=situation, agent=agent, book=book, policy=policy, note=read.note, answers=bool(read.words and not read.note),
        resolves=any(command.name in ("resolve", "could not") for command in read.commands),
    )  # fmt: skip
    for command in read.commands:
        if command.case not in (None, case.number) and command.name not in KNOWN - {"could not"}:
            # what it means for words in the same mail would be a guess
            found = replace(found, wrong=(*found.wrong, Wrong(line=command.line, why="one_case", found=f"#{command.case}")))
            continue
        if command.name not in KNOWN:
            continue
        here = found.case
        if command.case is not None and command.case != case.number:
            named = situation.named.get(command.case)
            if named is None:
                found = replace(found, wrong=(*found.wrong, Wrong(line=command.line, why="no_case", found=f"#{command.case}")))
                continue
            here = named
        done = carry_out(command, here, replace(desk, own=here is found.case))
        if isinstance(done, Wrong):
            found = replace(found, wrong=(*found.wrong, done))
        else:
            said = {**done.said, "line": command.line, "case": here.number if here is not found.case else 0}
            stays = done.case.number != found.case.number and here is not found.case  # it was about another case
            found = replace(
                found, case=found.case if stays else done.case, actions=(*found.actions, *done.actions), said=(*found.said, said),
                wake_at=done.wake_at or found.wake_at,
            )  # fmt: skip
    return found


def transcript(
    situation: Situation, case: Case, agent: Agent, words: str, read: AgentReply, book: Rulebook, policy: Policy, ordered: Ordered
) -> Letter:
    """What was done, as answer to a mail with a command in it."""
    quiet_from = max(at for at in (situation.now, ordered.quiet_from, ordered.wake_at) if at)
    asking = awake_at(ask_at(case, book, quiet_from), zone_of_customer(situation, policy))
    asked = may_ask(case, situation.customer, book.follow_up, asking) and situation.mailbox.mode is Mode.FULL
    customer = first_name(full_name(situation.customer))
    values: dict[str, object] = {
        "words": words,
        "resolved": True,
        "unread": False,
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
