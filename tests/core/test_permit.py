"""The mode and the caps have the last word over every letter; what is withheld leaves a line that says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from inboxd.core.model import Action, Address, AgentName, Cancel, CaseNo, Counts, Letter, Log, Mode, OutgoingKind, Send
from inboxd.core.permit import ROOM_AGAIN, TRY_AGAIN, permit, put_off
from inboxd.core.policy import Policy
from tests.core.builders import ACME, situation

K = OutgoingKind
AUTOMATIC = (K.FOLLOW_UP, K.REMINDER, K.ACKNOWLEDGEMENT)


def send(kind: OutgoingKind, template: str = "any") -> Send:
    letter = Letter(
        kind=kind,
        purpose="p",
        template=template,
        mailbox=ACME,
        language="en",
        to=Address(email="ana@example.org"),
        subject="s",
        case=CaseNo(1042),
    )
    return Send(letter=letter)


def permitted(*actions: Action, mode: Mode = Mode.FULL, counts: Counts | None = None) -> tuple[Action, ...]:
    facts = situation(counts=counts or Counts())
    return permit(actions, replace(facts, mailbox=replace(facts.mailbox, mode=mode)), Policy())


def leaves(kind: OutgoingKind, mode: Mode = Mode.FULL, **counts: Any) -> bool:
    (only,) = permitted(send(kind), mode=mode, counts=Counts(**counts))
    if not isinstance(only, Send):
        assert isinstance(only, Log) and only.kind == "letter.withheld" and only.data["because"] and only.data["kind"] == kind
    return isinstance(only, Send)


@pytest.mark.parametrize("kind", list(K))
def test_each_mode_lets_out_what_it_promises(kind: OutgoingKind) -> None:
    assert leaves(kind, Mode.FULL)
    assert leaves(kind, Mode.ROUTE) is (kind not in AUTOMATIC)
    assert not leaves(kind, Mode.WATCH)


@pytest.mark.parametrize("template", ["watch_daily", "left_watch", "rules_broken", "held_back", "unsent"])
def test_what_a_person_must_know_leaves_in_every_mode(template: str) -> None:
    letter = send(K.NOTICE, template)
    assert all(permitted(letter, mode=mode) == (letter,) for mode in Mode)


@pytest.mark.parametrize("kind", AUTOMATIC)
@pytest.mark.parametrize(("cap", "limit"), [("to_address_week", 5), ("case_automatic_day", 3), ("mailbox_automatic_10_minutes", 100)])
def test_automatic_mail_stops_at_each_cap(kind: OutgoingKind, cap: str, limit: int) -> None:
    assert leaves(kind, Mode.FULL, **{cap: limit - 1})
    assert not leaves(kind, Mode.FULL, **{cap: limit})


def test_one_acknowledgement_a_day_and_no_more() -> None:
    assert leaves(K.ACKNOWLEDGEMENT)
    assert not leaves(K.ACKNOWLEDGEMENT, acknowledged_day=1)
    assert leaves(K.FOLLOW_UP, acknowledged_day=1)


@pytest.mark.parametrize("kind", list(K))
def test_twenty_mails_an_hour_of_any_kind_in_one_case_are_two_robots(kind: OutgoingKind) -> None:
    assert leaves(kind, case_mails_hour=19)
    assert not leaves(kind, case_mails_hour=20)


def test_twenty_answers_an_hour_to_one_agent_outside_a_case_are_two_robots() -> None:
    one = send(K.NOTICE).letter
    letter = Send(letter=replace(one, case=None, agent=AgentName("maria")))
    for writer, sent, leaves_ in ((AgentName("maria"), 19, True), (AgentName("maria"), 20, False), (AgentName("tom"), 20, True)):
        facts = replace(situation(counts=Counts(no_case_hour=sent)), agent=writer)
        (only,) = permit((letter,), facts, Policy())
        assert isinstance(only, Send) is leaves_


@pytest.mark.parametrize("kind", [K.ROUTED, K.REPLY, K.NOTICE, K.RETURNED])
def test_caps_of_automatic_mail_never_hold_back_people(kind: OutgoingKind) -> None:
    assert leaves(kind, to_address_week=99, acknowledged_day=99, case_automatic_day=99, mailbox_automatic_10_minutes=999)


def test_everything_but_letters_passes_in_its_order() -> None:
    cancel, log = Cancel(case=CaseNo(1042), kinds=()), Log(kind="x")
    first, second, third = permitted(cancel, send(K.FOLLOW_UP), log, mode=Mode.ROUTE)
    assert (first, third) == (cancel, log)
    assert isinstance(second, Log) and second.kind == "letter.withheld"


@pytest.mark.parametrize(
    ("counts", "later"),
    [
        (Counts(mailbox_automatic_10_minutes=59), None),
        (Counts(mailbox_automatic_10_minutes=60), ROOM_AGAIN),
        (Counts(breaker=True), TRY_AGAIN),
        (Counts(to_address_week=5), TRY_AGAIN),
        (Counts(case_automatic_day=3), TRY_AGAIN),
    ],
)
def test_what_can_wait_is_put_off_before_the_brake_falls_and_where_a_cap_withholds_it(counts: Counts, later: timedelta | None) -> None:
    there = situation(counts=counts)
    assert put_off(send(K.FOLLOW_UP).letter, there, Policy()) == (later and there.now + later)
