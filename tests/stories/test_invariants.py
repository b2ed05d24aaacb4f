"""The promises that hold whatever happens: one test or more for each, over whole days (I5 and I6: test_secrets_and_proof.py)."""

from __future__ import annotations

import email
import email.policy
import io
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from inboxd import logs
from inboxd.core.model import (
    Advance,
    Cancel,
    CaseEvent,
    CaseNo,
    CaseState,
    ChangePerson,
    JobKind,
    Outgoing,
    PersonNo,
    Schedule,
    Scores,
    ToRead,
    Verdict,
)
from inboxd.core.rulebook import Rule, Rulebook, Then
from inboxd.daemon.keep_house import KINDS
from inboxd.daemon.office import RuleSet
from inboxd.daemon.supervise import Supervisor
from inboxd.errors import ConfigError
from inboxd.ports import Mailbox
from tests.fakes import FakeClock, FakeMailbox, FakeMailer, FakeReader
from tests.stories.day import ACME, SUPPORT, Day, Letterbox
from tests.stories.steps import (
    AGENTS,
    ANA,
    BEN,
    CALM,
    FURIOUS,
    PETRA,
    agents_mail,
    answered,
    asked,
    holder,
    kinds,
    opened,
    question,
    resolved,
    words_of,
)

ANA_AT = "ana@example.org"


@pytest.fixture
def day() -> Day:
    return Day()


def acknowledging(book: Rulebook) -> Rulebook:
    """The shipped rules, with an acknowledgement for everybody: what a robot would love."""
    return replace(book, rules=(Rule(name="say hello", when=(), then=Then(reply_with="acknowledge")), *book.rules))


# --- I2: no two automatic mails for one reason, nothing under two Message-IDs


@dataclass
class CountingMailer(FakeMailer):
    """Remembers each attempt, not only those that arrived."""

    attempts: list[Outgoing] = field(default_factory=list)

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        self.attempts.append(outgoing)
        return await super().send(outgoing, before_data)

    def of(self, kind: str) -> list[Outgoing]:
        return [outgoing for outgoing in self.attempts if outgoing.kind == kind]


NOBODY_KNOWS = Verdict(sent=False, ambiguous=True, reply="the connection was lost")


def test_a_date_that_comes_twice_asks_once(day: Day) -> None:
    asked(day)
    with day.store.transaction() as tx:
        tx.apply((ChangePerson(person=PersonNo(1), changes={"asked_at": None}),), ACME, day.at())
        tx.schedule(Schedule(kind=JobKind.ASK, key="ask:again", at=day.at(), case=CaseNo(1001)))
    day.run()
    assert kinds(day, ANA_AT).count("follow_up") == 1 and not day.store.parked()


def test_a_question_whose_arrival_nobody_knows_is_never_sent_again_and_a_person_can_look() -> None:
    mailer = CountingMailer()
    day = Day(mailer=mailer)
    resolved(day)
    mailer.answers = [NOBODY_KNOWS]
    day.pass_(days=60)
    assert len(mailer.of("follow_up")) == 1
    (parked,) = day.store.parked()
    assert parked.kind is JobKind.SEND and parked.outgoing == mailer.of("follow_up")[0].number


@pytest.mark.parametrize("kind", ["routed", "reply"])
def test_peoples_words_are_sent_once_more_byte_for_byte(kind: str) -> None:
    mailer = CountingMailer()
    day = Day(mailer=mailer)
    if kind == "routed":
        mailer.answers = [NOBODY_KNOWS]
        opened(day)
    else:
        agent = opened(day)
        mailer.answers = [NOBODY_KNOWS]
        day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    first, second = mailer.of(kind)
    assert (first.message_id, first.raw) == (second.message_id, second.raw)
    assert not day.store.parked()


def test_after_two_attempts_that_nobody_knows_of_a_person_is_asked() -> None:
    mailer = CountingMailer(answers=[NOBODY_KNOWS, NOBODY_KNOWS])
    day = Day(mailer=mailer)
    opened(day)
    day.pass_(hours=12)
    assert len(mailer.of("routed")) == 2 and [job.kind for job in day.store.parked()] == [JobKind.SEND]


def test_a_mail_that_was_put_off_leaves_later_with_the_same_bytes() -> None:
    mailer = CountingMailer(answers=[Verdict(sent=False, reply="451 later")] * 2)
    day = Day(mailer=mailer)
    agent = opened(day)
    day.pass_(minutes=10)
    assert len({(o.message_id, o.raw) for o in mailer.of("routed")}) == 1 and len(day.inbox(agent)) == 1


# --- I3: what cannot be understood is kept and handed to a person, and holds nothing up


def planted(text: ToRead) -> Scores:
    if "landmine" in text.new_text:
        raise RuntimeError("the reader could not cope")
    return Scores(language="en")


def test_a_mail_that_makes_a_stage_raise_reaches_a_person_whole_and_the_next_one_is_routed() -> None:
    day = Day(reader=FakeReader(scores=planted))
    day.write(ANA, "First", "Hello, which spanner?", run=False)
    day.write(BEN, "Second", "a landmine in the text", run=False)
    day.write("Cleo <cleo@example.org>", "Third", "Hello, which bell?")
    raw = day.mailbox.mails[2][0]
    (parked,) = day.store.parked()
    assert parked.message is not None and day.store.raw(parked.message).raw == raw
    handed = day.last(PETRA)
    (part,) = [p for p in handed.message.walk() if p.get_content_type() == "message/rfc822"]
    assert part.get_content().as_bytes(policy=email.policy.SMTP) == raw
    assert {m.message["From"].split(" via")[0] for m in agents_mail(day) if m.outgoing.kind == "routed"} == {"Ana Ruiz", "Cleo"}
    assert "landmine" not in handed.text.partition("-----")[0]


def test_a_parked_mail_can_be_tried_again_once_it_is_mended() -> None:
    reader = FakeReader(scores=planted)
    day = Day(reader=reader)
    day.write(BEN, "Second", "a landmine in the text")
    reader.scores = lambda _: Scores(language="en")
    with day.store.transaction() as tx:
        assert tx.unpark(day.store.parked()[0].number, day.at())
    day.run()
    assert "landmine" in day.routed(holder(day)).text and not day.store.parked()


# --- I4: no machine is answered


MACHINES = {
    "auto-reply": ("Ana <ana@example.org>", {"Auto-Submitted": "auto-replied"}),
    "out of office": ("Ana <ana@example.org>", {"Auto-Submitted": "auto-replied", "X-Autoreply": "yes"}),
    "generated": ("Shop <shop@example.org>", {"Auto-Submitted": "auto-generated"}),
    "list": ("News <news@example.org>", {"List-Id": "<news.example.org>", "List-Unsubscribe": "<mailto:off@example.org>"}),
    "bulk": ("News <news@example.org>", {"Precedence": "bulk"}),
    "bounce": ("Mail Delivery System <MAILER-DAEMON@example.org>", {"Return-Path": "<>"}),
    "ourselves": (f"Acme <{SUPPORT}>", {}),
}


@pytest.mark.parametrize("name", MACHINES)
def test_no_machine_gets_an_automatic_answer(name: str) -> None:
    day = Day(book=acknowledging(Day().office.rules.book))
    sender, headers = MACHINES[name]
    day.write(sender, "Your mail", "We have received your mail and will be back soon.", headers=headers)
    day.pass_(days=10)
    assert all(set(o.envelope_to) <= set(AGENTS) for o in day.mailer.delivered)


def test_a_person_does_get_the_acknowledgement_a_machine_does_not() -> None:
    day = Day(book=acknowledging(Day().office.rules.book))
    opened(day)
    day.pass_(minutes=11)
    assert kinds(day, ANA_AT) == ["acknowledgement"]


def test_a_robot_without_any_header_meets_the_caps() -> None:
    day = Day(book=acknowledging(Day().office.rules.book), reader=FakeReader())
    robot = "robot@example.com"

    def answer(outgoing: Outgoing) -> None:
        if robot in outgoing.envelope_to:
            day.write(f"Robot <{robot}>", "Ticket received", "We are on it.", run=False)

    day.mailer.deliver = answer
    for _ in range(7):
        day.write(f"Robot <{robot}>", "Ticket received", "We are on it.")
        day.pass_(days=1)
    sent = [mail.outgoing for mail in day.inbox(robot)]
    assert len(sent) == 5 and {o.kind for o in sent} == {"acknowledgement"}
    dates = [o.created_at for o in sent]
    assert all(later - earlier >= timedelta(days=1) for earlier, later in itertools.pairwise(dates))


def test_who_had_an_acknowledgement_today_gets_no_second_one_and_nobody_is_bothered_with_it() -> None:
    day = Day(book=acknowledging(Day().office.rules.book))
    opened(day)
    day.pass_(hours=1)
    opened(day, "Hello, where can I buy a bell?", subject="Bell")
    day.pass_(hours=1)
    assert kinds(day, ANA_AT) == ["acknowledgement"] and not day.inbox(PETRA)


BOUNCE = """From: Mail Delivery System <MAILER-DAEMON@mx.example>\r
To: support@acme.example\r
Subject: Undelivered Mail Returned to Sender\r
Message-ID: <bounce@mx.example>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
It could not be delivered.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; ana@example.org\r
Action: failed\r
Status: 5.1.1\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {message_id}\r
Subject: Re: Front wheel\r
\r
--b--\r
"""


def test_a_bounce_of_an_agents_words_is_told_to_that_agent_and_answered_to_nobody(day: Day) -> None:
    agent = answered(day)
    before = len(day.mailer.delivered)
    day.mailbox.put(BOUNCE.format(message_id=words_of(day).message["Message-ID"]).encode(), day.at())
    day.run()
    (told,) = day.mailer.delivered[before:]
    assert told.envelope_to == (agent,) and ANA_AT in day.last(agent).text
    assert day.case().number == 1001 and day.events("outgoing.bounced") == 1


def test_two_robots_on_both_sides_are_stopped_and_the_lead_is_told_once() -> None:
    day = Day(reader=FakeReader())

    def answer(outgoing: Outgoing) -> None:
        got = day.inbox(outgoing.envelope_to[0])[-1]
        if outgoing.kind == "routed":
            day.reply(outgoing.envelope_to[0], got, "I have seen your mail.", run=False)
        elif outgoing.kind == "reply":
            day.reply(ANA, got, "Your mail has been seen.", run=False)

    day.mailer.deliver = answer
    opened(day)
    mails = [o for o in day.mailer.delivered if o.kind in ("routed", "reply")]
    assert 10 < len(mails) <= 20
    held_back = [mail for mail in day.inbox(PETRA) if "Held back" in mail.subject]
    assert len(held_back) == 1


# --- I7: broken rules change nothing


def test_a_broken_rules_file_keeps_the_old_rules_and_the_admin_is_told_once(day: Day) -> None:
    before, broken = day.office.rules, ["rules/routing.yaml:12:15: no team called 'senors' - did you mean 'seniors'?"]
    fingerprints = iter(f"{n:032d}" for n in range(9))

    def load() -> RuleSet:
        if broken:
            raise ConfigError(*broken)
        return before

    supervisor = Supervisor(
        office=day.office, sources=(), post=day.post, load_rules=load, fingerprint=lambda: next(fingerprints), notify=lambda _: None
    )
    assert supervisor.reload() == tuple(broken)
    assert supervisor.reload() == tuple(broken)
    day.pass_(days=1)
    assert day.office.rules is before
    (told,) = day.inbox("admin@acme.example")
    assert broken[0] in told.text.replace("\n", " ").replace("    ", "") and "stay in force" in told.text
    assert opened(day)
    broken.clear()
    assert supervisor.reload() == ()


# --- I8: logs name nobody


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.to(stream)
    yield stream
    logs.to(None)


def test_no_word_subject_address_or_foreign_message_id_stands_in_the_log(log_lines: io.StringIO) -> None:
    day = Day()
    agent = resolved(day, f"{FURIOUS} My Zebulon is broken.", "Zora Zeta <zora@zeta.example>", "Zebulon wheel")
    day.pass_(days=3)
    day.reply("Zora Zeta <zora@zeta.example>", question(day, "zora@zeta.example"), "No, the Zebulon does not fit.")
    day.reply(agent, day.routed(agent), "resolv\n\nHello Zora")
    day.write("Zora Zeta <zora@zeta.example>", "Away", "I am away", headers={"Auto-Submitted": "auto-replied"})
    day.mailer.answers = [Verdict(sent=False, permanent=True, reply="550 no zora@zeta.example here")]
    day.write("Zeno <zeno@zeta.example>", "Zither", "Where is my zither?", mail_id="<zither-77@zeta.example>")
    day.pass_(days=2)
    text = log_lines.getvalue()
    assert "message.decided" in text and "outgoing.sent" in text and "job.done" in text
    for secret in ("zora", "zeta", "zebulon", "zither", "zeno", "disgrace", "fit", "mail.example", "@"):
        assert secret not in text.casefold(), [line for line in text.splitlines() if secret in line.casefold()]


# --- I9: the mailbox is left as it was


class WatchedMailbox(FakeMailbox):
    """Remembers everything that is asked of it."""

    calls: set[str]

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if callable(found) and not name.startswith("_"):
            self.__dict__.setdefault("calls", set()).add(name)
        return found


def test_the_mailbox_is_only_ever_read() -> None:
    mailbox = WatchedMailbox()
    day = Day(mailbox=mailbox)
    day.reply(ANA, asked(day, FURIOUS), "No, it does not fit.")
    day.pass_(days=3)
    assert mailbox.calls - {"put"} <= {"select", "list", "fetch", "wait", "wake", "close"}
    assert len(mailbox.mails) == 3  # still there: what Ana and the agent wrote


def test_the_door_to_the_mailbox_has_no_way_to_change_anything_but_to_move_what_a_rule_files() -> None:
    assert {name for name in vars(Mailbox) if not name.startswith("_")} == {
        "select",
        "list",
        "fetch",
        "move",
        "move_on",
        "wait",
        "wake",
        "close",
    }


# --- I10: what lay there before is never answered


def old_mailbox(clock: FakeClock) -> FakeMailbox:
    mailbox = FakeMailbox()
    for number in range(3):
        raw = f"From: old{number}@example.org\r\nTo: {SUPPORT}\r\nSubject: Old\r\nMessage-ID: <o{number}@x>\r\n\r\nWhere is it?\r\n"
        mailbox.put(raw.encode(), clock.now() - timedelta(days=9 - number))
    return mailbox


def test_mail_that_lay_there_before_the_first_run_is_never_routed() -> None:
    clock = FakeClock()
    day = Day(clock=clock, mailbox=old_mailbox(clock))
    day.pass_(days=2)
    assert not day.mailer.delivered
    opened(day)
    assert day.case().number == 1001


def test_nothing_is_routed_again_when_the_server_numbers_its_mail_anew() -> None:
    clock = FakeClock()
    day = Day(clock=clock, mailbox=old_mailbox(clock))
    opened(day)
    day.pass_(minutes=30)
    del day.mailbox.mails[2]  # somebody tidied up, and then the index was lost
    day.mailbox.renumber()
    late = b"From: late@example.org\r\nTo: support@acme.example\r\nSubject: Old\r\nMessage-ID: <late@x>\r\n\r\nMoved in by hand.\r\n"
    day.mailbox.put(late, clock.now() - timedelta(days=30))
    day.run()
    assert day.case().number == 1001
    opened(day, CALM, BEN)
    assert day.case().number == 1002
    day.mailbox.renumber()
    day.pass_(minutes=30)
    assert day.case().number == 1002 and len([m for m in agents_mail(day) if m.outgoing.kind == "routed"]) == 2


# --- I11: no open case without somebody, a date and a next step


def audits(day: Day) -> list[Letterbox]:
    return [mail for mail in day.inbox(PETRA) if "without somebody" in mail.subject]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"due_at": None}, "no date"),
        ({}, "no next step"),
    ],
)
def test_a_case_that_would_be_forgotten_is_told_to_the_lead_the_next_morning(day: Day, broken: dict[str, object], said: str) -> None:
    opened(day)
    with day.store.transaction() as tx:
        move = Advance(case=CaseNo(1001), event=CaseEvent.CUSTOMER_WROTE, state=CaseState.OPEN, changes=broken)
        tx.apply((move, Cancel(case=CaseNo(1001), kinds=KINDS)), ACME, day.at())
    day.pass_(days=1)
    (told,) = audits(day)
    assert said in told.text and "[#1001]" in told.text


@pytest.mark.parametrize("nobody", [None, "somebody_who_left"])
def test_a_case_that_nobody_of_us_has_finds_somebody_by_itself(day: Day, nobody: str | None) -> None:
    opened(day)
    with day.store.transaction() as tx:
        move = Advance(case=CaseNo(1001), event=CaseEvent.CUSTOMER_WROTE, state=CaseState.OPEN, changes={"assignee": nobody})
        tx.apply((move,), ACME, day.at())
    day.pass_(minutes=20)
    assert day.case().assignee in day.office.rules.book.agents
    day.pass_(days=1)
    assert not audits(day)


def test_a_normal_month_has_nothing_to_audit(day: Day) -> None:
    opened(day)
    answered(day, "Hello, where is my bell?")
    day.pass_(minutes=30)
    resolved(day, FURIOUS, BEN, "Broken")
    day.pass_(days=3)
    day.reply(BEN, question(day, "ben@example.net"), "I will see on Friday.")
    day.pass_(days=27)
    assert not audits(day)


def test_who_does_not_answer_is_nudged_half_way_then_reminded_daily_and_from_the_second_day_on_the_lead_hears_of_it(day: Day) -> None:
    def reminders(who: str) -> int:
        return sum("still waits" in mail.text for mail in day.inbox(who))

    agent = opened(day)
    assert agent != PETRA
    day.pass_(hours=24, minutes=1)
    assert (reminders(agent), len(day.inbox(PETRA))) == (2, 0)
    day.pass_(days=1)
    assert (reminders(agent), reminders(PETRA), len(day.inbox(PETRA))) == (3, 1, 1)
    day.pass_(days=1)
    assert (reminders(agent), len(day.inbox(PETRA))) == (4, 2)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.pass_(days=3)
    assert reminders(agent) == 4, "an answer ends the reminders"


def test_the_ladder_of_reminders_names_the_waiting_customer(day: Day) -> None:
    opened(day)
    day.pass_(days=2, minutes=1)
    assert "Ana" in day.last(PETRA).text and "Front wheel" in day.last(PETRA).text
