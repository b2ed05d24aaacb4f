"""An agent's words that do not arrive leave the customer waiting: the case is open again, with a date, and nobody is asked."""

from __future__ import annotations

from inboxd.core.model import CaseState, JobKind, Mode, Verdict
from tests.stories.day import Day

ANA = "Ana Ruiz <ana@example.org>"


def _answered(day: Day, verdict: Verdict) -> None:
    day.write(ANA, "Bike without a front axle", "Hello, where is the axle for my bike?")
    routed = day.inbox("maria@acme.example")[-1] if day.inbox("maria@acme.example") else day.inbox("jonas@acme.example")[-1]
    day.mailer.answers = [verdict]
    day.reply(routed.outgoing.envelope_to[0], routed, "resolve\n\nHello Ana, it is on its way.")


def test_words_refused_for_good_open_the_case_again() -> None:
    day = Day()
    _answered(day, Verdict(sent=False, permanent=True, reply="550 no such mailbox"))
    case = day.case()
    assert case.state is CaseState.OPEN and case.due_at is not None
    day.pass_(days=20)
    assert not day.inbox("ana@example.org"), "nobody is asked about words that never came"
    assert day.last("petra@acme.example").subject  # the lead heard of it


def test_a_bounce_of_the_answer_opens_the_case_again() -> None:
    day = Day()
    _answered(day, Verdict(sent=True, reply="250 ok"))
    answer = day.last("ana@example.org")
    report = (
        "This is the mail system.\n\nFinal-Recipient: rfc822; ana@example.org\nAction: failed\nStatus: 5.1.1\n\n"
        f"Message-ID: {answer.message['Message-ID']}\n"
    )
    headers = {"Auto-Submitted": "auto-replied", "Return-Path": "<>"}
    day.write("Mail Delivery System <MAILER-DAEMON@mx.example>", "Undelivered Mail Returned to Sender", report, headers=headers)
    case = day.case()
    assert case.state is CaseState.OPEN and case.due_at is not None
    assert JobKind.ASK not in [JobKind(row["kind"]) for row in day.store.look("select kind from job where case_id = ?", case.number)]


def test_a_bounce_from_a_reader_in_copy_is_told_and_changes_nothing() -> None:
    day = Day()
    day.write(ANA, "Front wheel", "Hello, which wheel fits my bike?", cc="Luis Ruiz <luis@example.org>")
    agent = f"{day.case().assignee}@acme.example"
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nyou will get the 15 mm one by Friday.")
    answer = day.last("ana@example.org")
    report = (
        "This is the mail system.\n\nFinal-Recipient: rfc822; Luis@example.org\nAction: failed\nStatus: 5.1.1\n\n"
        f"Message-ID: {answer.message['Message-ID']}\n"
    )
    headers = {"Auto-Submitted": "auto-replied", "Return-Path": "<>"}
    day.write("Mail Delivery System <MAILER-DAEMON@mx.example>", "Undelivered Mail Returned to Sender", report, headers=headers)
    assert day.case().state is CaseState.RESOLVED and day.store.look("select ended from promise")[0]["ended"] == ""
    assert day.last(agent).text.lower().startswith("your mail to luis@example.org did not arrive")


def test_what_was_resolved_before_the_mode_was_raised_is_never_asked_about() -> None:
    day = Day(mode=Mode.ROUTE)
    _answered(day, Verdict(sent=True, reply="250 ok"))
    day.set_mode(Mode.FULL)
    day.pass_(days=20)
    assert [mail.outgoing.kind for mail in day.inbox("ana@example.org")] == ["reply"]
    assert day.case().state is CaseState.CLOSED
