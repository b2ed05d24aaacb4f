"""Machines that answer machines: mail stops within the caps, a person is told once, and people's mail goes on."""

from __future__ import annotations

import gc
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd import logs
from inboxd.core.model import Outgoing
from inboxd.core.rulebook import Rule, Rulebook, Then
from inboxd.daemon.deliver import deliver
from inboxd.daemon.fetch import fetch
from inboxd.daemon.keep_house import keep_house
from inboxd.daemon.supervise import Supervisor
from inboxd.daemon.triage import triage
from tests.daemon.conftest import quick_folder  # noqa: F401  # a fixture
from tests.daemon.world import calm
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import AGENTS, ANA, PETRA, holder

AN_HOUR = timedelta(hours=1)
GOT_IT = "Hello,\nwe got your mail and will look after it soon.\nYour robot"


def acknowledging() -> Rulebook:
    """The shipped rules, with an acknowledgement for everybody: what a robot would love."""
    book = Day(reader=calm()).office.rules.book
    return replace(book, rules=(Rule(name="say hello", when=(), then=Then(reply_with="acknowledge")), *book.rules))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.to(stream)
    yield stream
    logs.to(None)


@dataclass
class Robots:
    """Addresses whose owners let a program answer every mail, without any header that says so."""

    day: Day
    addresses: tuple[str, ...]
    answered: int = 0
    says: str = GOT_IT
    _seen: set[int] = field(default_factory=set)

    def answer(self) -> int:
        """Answer what came since the last time; returns how much that was."""
        fresh = [o for o in self.day.mailer.delivered if o.number not in self._seen]
        self._seen |= {o.number for o in fresh}
        count = 0
        for outgoing in fresh:
            for address in set(self.addresses) & set(outgoing.envelope_to):
                mail = next(m for m in self.day.inbox(address) if m.outgoing.number == outgoing.number)
                self.day.reply(f"Robot <{address}>", mail, self.says, quote=False, run=False)
                count += 1
        self.answered += count
        self.day.run()
        return count

    def rage(self, minutes: int) -> None:
        """They go on, a round a minute."""
        for _ in range(minutes):
            self.answer()
            self.day.pass_(minutes=1)


def most_in_an_hour(mails: list[Outgoing]) -> int:
    dates = sorted(each.created_at for each in mails)
    return max((sum(at <= other < at + AN_HOUR for other in dates) for at in dates), default=0)


def held_back(day: Day, address: str = PETRA) -> list[Letterbox]:
    return [mail for mail in day.inbox(address) if "Held back" in mail.subject]


def an_ordinary_mail_is_routed(day: Day) -> None:
    day.write("Zoe Zander <zoe@quiet.example>", "A bell", "Hello,\nwhere is the bell that I ordered?\nZoe")
    assert day.case().subject == "A bell"
    routed = [o for o in day.mailer.delivered if o.kind == "routed" and o.case == day.case().number]
    assert len(routed) == 1


# --- robots without a header ---------------------------------------------------------------------------------------------------


def test_a_customers_robot_that_answers_everything_stops_within_the_caps() -> None:
    day = Day(book=acknowledging(), reader=calm())
    robots = Robots(day, ("robot@shop.example",))
    day.write("Robot <robot@shop.example>", "Your order", "Hello,\nyour order is confirmed.")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "resolve\n\nThank you.")
    robots.rage(minutes=60 * 3)
    case = day.case().number
    assert robots.answered >= 1
    of_case = [o for o in day.mailer.delivered if o.case == case]
    assert most_in_an_hour(of_case) <= 21  # 20, and the one mail that says so
    to_robot = [o for o in day.mailer.delivered if "robot@shop.example" in o.envelope_to and o.kind != "reply"]
    assert len(to_robot) <= 3
    day.pass_(days=14)
    assert robots.answer() <= 5
    an_ordinary_mail_is_routed(day)


def test_an_agents_robot_that_answers_every_routed_mail_stops_within_the_caps_and_the_lead_is_told_once() -> None:
    day = Day(reader=calm())
    day.write(ANA, "Front wheel", "Hello,\nwhich spanner fits the front wheel?\nAna")
    agent, case = holder(day), day.case().number
    robots = Robots(day, (agent,))
    robots.answer()
    for number in range(40):  # Ana is a person, and asks again and again
        day.reply(ANA, day.inbox("ana@example.org")[-1], f"Hello? This is my question number {number}.")
        robots.answer()
        day.pass_(minutes=1)
    of_case = [o for o in day.mailer.delivered if o.case == case]
    assert most_in_an_hour(of_case) <= 21
    assert robots.answered <= 20
    assert len(held_back(day)) == 1
    an_ordinary_mail_is_routed(day)


SAID = {  # what an agent's program may say to every mail it gets, without any header
    "words": GOT_IT,
    "a line like a command": "resolv\n\nThank you for your mail.",
    "a question": "mine",
    "nothing": "",
}


@pytest.mark.parametrize("said", SAID)
def test_an_agents_robot_that_answers_notices_and_morning_lists_too_falls_silent_and_the_lead_is_told(said: str) -> None:
    day = Day(reader=calm())
    day.write(ANA, "Front wheel", "Hello,\nwhich spanner fits the front wheel?\nAna")
    agent = holder(day)
    robot = Robots(day, (agent,), says=SAID[said])
    for _ in range(2):  # mornings, each with a list that is answered, and the answer to it, and so on
        robot.rage(minutes=65)
        day.pass_(days=1)
    answers = [o for o in day.mailer.delivered if agent in o.envelope_to]
    assert most_in_an_hour(answers) <= 41, "20 about the case, 20 about none, and the list"
    assert len(day.inbox("ana@example.org")) <= 2
    told = held_back(day)
    assert len(told) <= 6
    if most_in_an_hour(answers) >= 20:
        assert told
    an_ordinary_mail_is_routed(day)


def test_robots_on_both_sides_stop_within_the_caps_hour_after_hour_and_the_lead_is_told_once_an_hour() -> None:
    day = Day(reader=calm())
    day.write("Robot <robot@shop.example>", "Your order", "Hello,\nyour order is confirmed.")
    agent, case = holder(day), day.case().number
    robots = Robots(day, (agent, "robot@shop.example"))
    robots.rage(minutes=60 * 3)
    of_case = [o for o in day.mailer.delivered if o.case == case and o.kind in ("routed", "reply")]
    assert most_in_an_hour(of_case) <= 20
    assert 1 <= len(held_back(day)) <= 3
    an_ordinary_mail_is_routed(day)


# --- inboxd faces inboxd -------------------------------------------------------------------------------------------------------

BETA = "help@beta.example"


def another(book: Rulebook) -> Day:
    """The support team of another company, which uses inboxd, too."""
    agents = {
        name: replace(agent, emails=tuple(email.replace("acme.example", "beta.example") for email in agent.emails))
        for name, agent in book.agents.items()
    }
    day = Day(reader=calm(), book=replace(book, agents=agents))
    facts = day.office.mailboxes[ACME]
    day.office.mailboxes = {ACME: replace(facts, address=BETA, brand="Beta Help")}
    return day


def wire(sender: Day, to: Day, address: str, strip: tuple[str, ...] = ()) -> None:
    """What one sends to the other arrives there; on the way some headers may get lost."""

    def carry(outgoing: Outgoing) -> None:
        local, _, domain = address.partition("@")
        if any(each.split("+")[0].split("@")[0] == local and each.endswith(f"@{domain}") for each in outgoing.envelope_to):
            lines = outgoing.raw.split(b"\r\n")
            kept = [line for line in lines if not line.lower().startswith(tuple(name.encode() for name in strip))]
            to.mailbox.put(b"\r\n".join(kept) if strip else outgoing.raw, to.at())

    sender.mailer.deliver = carry


@pytest.mark.parametrize("strip", [(), ("auto-submitted", "x-auto-response-suppress", "precedence")], ids=["as sent", "headers lost"])
def test_inboxd_that_faces_inboxd_falls_silent(strip: tuple[str, ...]) -> None:
    book = acknowledging()
    acme, beta = Day(book=book, reader=calm()), another(book)
    wire(acme, beta, BETA, strip)
    wire(beta, acme, "support@acme.example", strip)
    beta.write("Agent <x@elsewhere.example>", "Pumps", "Hello,\nwe sell pumps.")
    acme.write(f"Beta Help <{BETA}>", "Our offer", "Hello,\nmay we offer you a pump?")
    for _ in range(60 * 24):  # two days, two minutes a step
        acme.pass_(minutes=2)
        beta.pass_(minutes=2)
    between = [o for o in acme.mailer.delivered if BETA in o.envelope_to] + [
        o for o in beta.mailer.delivered if "support@acme.example" in o.envelope_to
    ]
    assert between  # they did talk
    assert all(o.kind.automatic_to_customer for o in between)
    assert len(between) <= (2 if not strip else 8)
    late = [o for o in between if o.created_at > acme.at() - timedelta(hours=12)]
    assert len(late) <= (0 if not strip else 2)
    an_ordinary_mail_is_routed(acme)
    an_ordinary_mail_is_routed(beta)


# --- a flood -------------------------------------------------------------------------------------------------------------------

FLOOD = 10_000


def auto_response(number: int) -> bytes:
    return (
        f"Message-ID: <a{number}@flood.example>\r\nFrom: Box {number} <b{number}@flood.example>\r\nTo: support@acme.example\r\n"
        f"Subject: Automatic reply: Your mail\r\nAuto-Submitted: auto-replied\r\nDate: Mon, 16 Nov 2026 09:00:00 +0000\r\n\r\n"
        f"Thank you for your mail. This is an automatic answer, number {number}.\r\n"
    ).encode()


def resident() -> float:
    gc.collect()
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_ten_thousand_auto_responses_are_answered_by_nobody_and_an_ordinary_mail_among_them_is_routed(quick_folder: Path) -> None:  # noqa: F811
    day = Day(book=acknowledging(), reader=calm(), store_path=quick_folder / "store.sqlite")
    for number in range(FLOOD):
        day.mailbox.put(auto_response(number), day.at())
        if number == FLOOD // 2:
            day.write("Ann <ann@x.example>", "Lamp", "Hello,\nwhich lamp fits?\nAnn", run=False)
    began = time.process_time()
    assert fetch(day.source, day.store, day.clock) == FLOOD + 1
    done, sizes = 0, []
    while count := triage(day.office):
        done += count
        keep_house(day.office)
        deliver(day.office, day.post)
        if done % 3200 == 0:
            sizes.append(resident())
    day.pass_(hours=1)
    assert time.process_time() - began < 60
    assert done == FLOOD + 1
    assert [str(o.kind) for o in day.mailer.delivered] == ["routed", "acknowledgement"]
    assert {address for o in day.mailer.delivered for address in o.envelope_to} <= {*AGENTS, "ann@x.example"}
    assert sizes[-1] - sizes[0] < 30  # megabytes, while 6,400 mails went by
    counted = day.store.look("select count(*) as n from message where kind = 'auto_response'")[0]["n"]
    assert counted == FLOOD
    day.store.close()


# --- RFC 3834 ------------------------------------------------------------------------------------------------------------------

NEVER_ANSWERED = {
    "section 2: Auto-Submitted other than no": {"Auto-Submitted": "auto-replied"},
    "section 5: auto-generated": {"Auto-Submitted": "auto-generated"},
    "section 5: auto-notified (RFC 5436)": {"Auto-Submitted": "auto-notified; owner-email=ann@x.example"},
    "section 5: with parameters and comments": {"Auto-Submitted": "auto-replied (vacation); x=y"},
    "section 5: a keyword that nobody knows yet": {"Auto-Submitted": "auto-invented"},
    "section 5: in capitals": {"Auto-Submitted": "AUTO-REPLIED"},
    "section 2: null return path": {"Return-Path": "<>"},
    "section 2: null return path with a space": {"Return-Path": "< >"},
    "section 2: Precedence bulk": {"Precedence": "bulk"},
    "section 2: Precedence junk": {"Precedence": "junk"},
    "section 2: Precedence list": {"Precedence": "list"},
    "section 2: List-Id": {"List-Id": "<news.x.example>"},
    "section 2: List-Post": {"List-Post": "<mailto:list@x.example>"},
    "section 2: List-Unsubscribe": {"List-Unsubscribe": "<mailto:off@x.example>"},
    "section 2: List-Help": {"List-Help": "<mailto:help@x.example>"},
    "section 2: not named in To or Cc": {"To": "somebody@else.example"},
    "RFC 3464: a report": {"Content-Type": 'multipart/report; report-type=delivery-status; boundary="b"', "Return-Path": "<>"},
}
NO_PERSON = (
    "noreply@x.example", "no-reply+17@x.example", "do_not_reply@x.example", "owner-news@x.example", "news-owner@x.example",
    "news-request@x.example", "news-bounces@x.example", "news-bounces+ann=x.example@x.example", "listserv@x.example",
    "majordomo@x.example", "mailer-daemon@x.example", "MAILER-DAEMON@x.example", "postmaster@x.example",
)  # fmt: skip


def raw(headers: dict[str, str], sender: str = "Ann <ann@x.example>") -> bytes:
    fields = {"From": sender, "To": "support@acme.example", "Subject": "Lamp", "Message-ID": "<one@x.example>"} | headers
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode() + b"\r\nHello,\r\nwhich lamp fits?\r\nAnn\r\n"


def went_to_strangers(mail: bytes) -> list[Outgoing]:
    """What leaves for anybody but us within a month, where everybody is acknowledged and every case is resolved and asked about."""
    day = Day(book=acknowledging(), reader=calm())
    day.mailbox.put(mail, day.at())
    day.run()
    if day.store.look("select count(*) as n from cases")[0]["n"]:
        agent = holder(day)
        day.reply(agent, day.routed(agent), "resolve")
    day.pass_(days=30)
    return [o for o in day.mailer.delivered if not set(o.envelope_to) <= {*AGENTS, "admin@acme.example"}]


@pytest.mark.parametrize("headers", [pytest.param(headers, id=name) for name, headers in NEVER_ANSWERED.items() if "To" not in headers])
def test_what_rfc_3834_says_must_not_be_answered_is_not(headers: dict[str, str]) -> None:
    assert went_to_strangers(raw(headers)) == []


def test_a_mail_that_does_not_name_us_is_not_acknowledged() -> None:
    sent = went_to_strangers(raw(NEVER_ANSWERED["section 2: not named in To or Cc"]))
    assert "acknowledgement" not in {o.kind for o in sent}


@pytest.mark.parametrize("sender", NO_PERSON)
def test_an_address_of_a_machine_gets_nothing_by_itself(sender: str) -> None:
    assert went_to_strangers(raw({}, sender)) == []


@pytest.mark.parametrize("headers", [{}, {"Auto-Submitted": "no"}, {"Precedence": "first-class"}, {"Return-Path": "<ann@x.example>"}])
def test_a_person_is_answered(headers: dict[str, str]) -> None:
    assert {str(o.kind) for o in went_to_strangers(raw(headers))} >= {"follow_up"}


def test_what_leaves_by_itself_says_so() -> None:
    sent = went_to_strangers(raw({}))
    assert sent
    for outgoing in sent:
        head = outgoing.raw.partition(b"\r\n\r\n")[0].lower()
        assert b"auto-submitted: auto-" in head  # sections 3.1.7 and 5


# --- bounces -------------------------------------------------------------------------------------------------------------------


def bounce_of(outgoing: Outgoing, serial: int = 1) -> bytes:
    message_id = next(line for line in outgoing.raw.split(b"\r\n") if line.lower().startswith(b"message-id:")).decode()
    return (
        f"From: Mail System <mailer-daemon@mx.example>\r\nTo: support@acme.example\r\nReturn-Path: <>\r\n"
        f"Message-ID: <b{serial}@mx.example>\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNot delivered.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; {outgoing.envelope_to[0]}\r\nAction: failed\r\n"
        f"Status: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{message_id}\r\n\r\n--b--\r\n"
    ).encode()


def test_bounces_of_our_own_notices_are_tied_to_them_and_lead_to_no_further_mail() -> None:
    day = Day(reader=calm())
    day.write(ANA, "Front wheel", "Hello,\nwhich spanner fits?\nAna")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    answer = day.last("ana@example.org").outgoing
    for serial in range(1, 8):  # first the answer comes back, then each notice about it, and so on
        before = len(day.mailer.delivered)
        day.mailbox.put(bounce_of(day.mailer.delivered[-1] if serial > 1 else answer, serial), day.at())
        day.run()
        if len(day.mailer.delivered) == before:
            break
    assert serial == 2  # one notice, and its bounce is told to nobody
    states = day.store.look("select count(*) as n from outgoing where reply = 'bounced'")
    assert states[0]["n"] == 2
    an_ordinary_mail_is_routed(day)


def test_bounces_of_all_routed_mail_do_not_grow_into_a_flood() -> None:
    day = Day(reader=calm())
    day.write(ANA, "Front wheel", "Hello,\nwhich spanner fits?\nAna")
    seen: set[int] = set()
    for turn in range(60):
        fresh = [o for o in day.mailer.delivered if o.number not in seen]
        seen |= {o.number for o in fresh}
        for number, outgoing in enumerate(fresh):
            day.mailbox.put(bounce_of(outgoing, 1000 * (turn + 1) + number), day.at())
        day.run()
    assert len(day.mailer.delivered) <= 2  # the routed mail, and the one to the lead


# --- the brake -----------------------------------------------------------------------------------------------------------------


def crowd(day: Day, count: int, name: str) -> None:
    for number in range(count):
        text = "Hello,\nwhich lamp fits?"
        day.write(f"P{number} <{name}{number}@crowd.example>", f"Lamp {name} {number}", text, run=False)
    for _ in range(count // 30 + 2):
        day.run()


def acknowledged(day: Day) -> int:
    return sum(o.kind == "acknowledgement" for o in day.mailer.delivered)


def supervisor(day: Day) -> Supervisor:
    return Supervisor(
        office=day.office, sources=(), post=day.post, load_rules=lambda: day.office.rules, fingerprint=lambda: "same", notify=lambda _: None
    )


def test_the_brake_stops_automatic_mail_tells_the_admin_once_and_people_go_on_until_a_person_says_so() -> None:
    day = Day(book=acknowledging(), reader=calm())
    crowd(day, 120, "a")
    day.pass_(minutes=10)
    assert acknowledged(day) == 100
    crowd(day, 5, "b")
    day.pass_(hours=5)
    assert acknowledged(day) == 100  # nothing more, also long after the ten minutes
    told = [mail for mail in day.inbox("admin@acme.example") if "Automatic mail is stopped" in mail.subject]
    assert len(told) == 1
    assert "100 automatic mails" in told[0].text
    an_ordinary_mail_is_routed(day)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Zoe,\nthe bell left yesterday.")
    assert day.last("zoe@quiet.example").outgoing.kind == "reply"
    daemon = supervisor(day)
    daemon._tend()  # files that changed are no person who says so
    crowd(day, 1, "c")
    day.pass_(minutes=11)
    assert acknowledged(day) == 100
    daemon.ask_reload()
    daemon._tend()
    crowd(day, 3, "d")
    day.pass_(minutes=11)
    assert acknowledged(day) == 103


def test_a_brake_that_a_person_let_go_at_once_does_not_fall_again_for_the_same_mails() -> None:
    day = Day(book=acknowledging(), reader=calm())
    crowd(day, 60, "a")
    day.pass_(minutes=5)
    crowd(day, 60, "b")
    day.pass_(minutes=10)
    assert acknowledged(day) == 100
    daemon = supervisor(day)
    daemon.ask_reload()
    daemon._tend()
    day.write("New <new@crowd.example>", "Lamp", "Hello,\nwhich lamp fits?")
    day.pass_(minutes=1)
    before = day.events("breaker.tripped")
    day.pass_(minutes=10)
    assert "acknowledgement" in {str(m.outgoing.kind) for m in day.inbox("new@crowd.example")}
    assert day.events("breaker.tripped") == before
