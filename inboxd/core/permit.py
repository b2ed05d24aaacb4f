"""What may leave: the mailbox's mode and the caps have the last word over every letter (I4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxd.core.model import Action, AgentName, Counts, Letter, Log, Mode, OutgoingKind, Send, Situation
from inboxd.core.policy import Caps, Policy

ROOM = 0.6  # of what may leave in ten minutes: for mail of ours that can wait, well below the brake, for there is other mail
ROOM_AGAIN = timedelta(minutes=10)
TRY_AGAIN = timedelta(hours=1)  # where another cap withholds it


def permit(actions: tuple[Action, ...], situation: Situation, policy: Policy) -> tuple[Action, ...]:
    """Replace each letter that must not leave by a line in the log that says so; all else passes."""
    mode, counts = situation.mailbox.mode, situation.counts
    permitted: list[Action] = []
    for action in actions:
        if not isinstance(action, Send):
            permitted.append(action)
            continue
        why = _withheld(action.letter, mode) or _capped(action.letter, counts, policy.caps, situation.agent)
        if why is None:
            permitted.append(action)
        else:
            permitted.append(withhold(action.letter, why))
    return tuple(permitted)


def put_off(letter: Letter, situation: Situation, policy: Policy) -> datetime | None:
    """When a mail of ours that can wait is tried again; None if it may leave now.

    However many are due at once, the brake never falls because of them.
    """
    if situation.counts.mailbox_automatic_10_minutes >= ROOM * policy.caps.mailbox_automatic_in_10_minutes:
        return situation.now + ROOM_AGAIN
    send = (Send(letter=letter),)
    return None if permit(send, situation, policy) == send else situation.now + TRY_AGAIN


def withhold(letter: Letter, why: str) -> Log:
    """The line that stands for a letter which did not leave."""
    data = {"kind": letter.kind, "to": letter.agent or "customer", "because": why, "purpose": letter.purpose}
    return Log(kind="letter.withheld", case=letter.case, data=data)


def _withheld(letter: Letter, mode: Mode) -> str | None:
    if letter.template in ALWAYS:
        return None
    if mode is Mode.WATCH:
        return "mode watch"
    if mode is Mode.ROUTE and letter.kind.automatic_to_customer:
        return "mode route"
    return None


# Told in every mode: the watch mail itself, and what a person must know whatever inboxd may do otherwise.
BRAKE = "brake: too many automatic mails in 10 minutes"
ALWAYS = frozenset({"trouble", "watch_daily", "left_watch", "rules_broken", "breaker", "held_back", "unsent"})


def _capped(letter: Letter, counts: Counts, caps: Caps, writer: AgentName | None) -> str | None:
    if letter.case is not None and letter.template not in ALWAYS and counts.case_mails_hour >= caps.case_mails_an_hour:
        return f"cap: {caps.case_mails_an_hour} mails an hour in one case"
    answered = letter.case is None and writer is not None and letter.agent == writer
    if answered and letter.template not in ALWAYS and counts.no_case_hour >= caps.case_mails_an_hour:
        return f"cap: {caps.case_mails_an_hour} mails an hour to one agent"
    if not letter.kind.automatic_to_customer:
        return None
    if counts.breaker:
        return "the brake fell"
    if counts.mailbox_automatic_10_minutes >= caps.mailbox_automatic_in_10_minutes:
        return BRAKE
    if counts.to_address_week >= caps.automatic_a_week:
        return f"cap: {caps.automatic_a_week} automatic mails a week to one address"
    if counts.case_automatic_day >= caps.case_automatic_a_day:
        return f"cap: {caps.case_automatic_a_day} automatic mails a day in one case"
    if letter.kind is OutgoingKind.ACKNOWLEDGEMENT and counts.acknowledged_day >= caps.acknowledgements_a_day:
        return "one acknowledgement a day to one address"  # nothing to tell anybody: they had theirs
    return None


def held_words(actions: tuple[Action, ...]) -> str:
    """Why an agent's words to a customer were withheld, "" if none were."""
    withheld = (a for a in actions if isinstance(a, Log) and a.kind == "letter.withheld")
    kinds = (OutgoingKind.REPLY, OutgoingKind.INQUIRY)
    words = (a for a in withheld if a.data["kind"] in kinds or str(a.data["purpose"]).startswith("mentor:"))
    return next((str(each.data["because"]) for each in words), "")
