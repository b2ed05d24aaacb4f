"""The whole chain on real servers: Dovecot, Postfix and the daemon's own process; what counts is what lies in the mailboxes."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from typer.testing import CliRunner, Result

from inboxd.cli import app
from inboxd.core import tokens
from tests.real_desk import ADMIN, AGENTS, LEAD, SENIORS, SUPPORT, Desk, Letter, Person, a_desk
from tests.servers import free_port, missing

CUSTOMERS = ("ana", "ben", "clara", "dora", "emil", "eva", "gina", "hugo", "ida", "news", "olga", "robot")
CROWD = tuple(f"kai{number}" for number in range(8))
PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
MACHINE_MARKS = ("Auto-Submitted", "List-Id", "List-Unsubscribe", "X-Auto-Response-Suppress", "Precedence")

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "the servers are here")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A running desk; one mail lay in its mailbox before the first start."""
    with a_desk([*CUSTOMERS, *CROWD]) as one:
        one.person("olga").writes("From last year", "My order is missing, this is outrageous!")
        one.before = len(one.eventually(one.person("support").mailbox, "the mail from before"))
        one.daemon.start()
        one.eventually(lambda: one.daemon.said("mailbox.first_run"), "the first look into the mailbox")
        yield one


@dataclass(frozen=True, kw_only=True)
class Day:
    """What the tests ask of a played day: who had Ana's case, one after the other, and what reached whom."""

    desk: Desk
    beginner: Person
    first_senior: Person
    second_senior: Person
    furious: Letter
    reopened: Letter
    questions: tuple[Letter, ...]
    noted_by: Person
    ben_had: Person


@pytest.fixture(scope="module")
def day(desk: Desk) -> Day:
    """Ten mails come in; agents answer, customers are asked, one is not content and is won back."""
    ana, ben, clara = desk.person("ana"), desk.person("ben"), desk.person("clara")

    ana.writes("Front wheel", "Hello,\n\nwhich spanner fits the front wheel of the Tern 7?\n\nAna")
    beginner, _ = desk.routed("which spanner fits")
    ana.writes("Front wheel", "One more detail: it is the silver model with the large frame.\n\nAna")
    desk.routed("the silver model")
    _other_mails(desk)
    ana.writes(
        "Front wheel!!!", "This is the third time I write. I am furious: nobody answers me, and your wheel came off on the road!\n\nAna"
    )
    first_senior, furious = desk.routed("I am furious", SENIORS)

    ben_had, bens = desk.routed("how many spokes", AGENTS)
    noted_by, claras = desk.routed("Klingel", AGENTS)
    ben_had.answers(bens, "Hello Ben,\n\nit has 32 spokes.\n\nKind regards", signature=f"{ben_had.full}\nAcme, Workshop Lane 1")
    noted_by.answers(claras, "note: she has waited since spring, let us add a lamp for free")
    noted_by.gets("does not see it")
    noted_by.answers(claras, "Guten Tag Clara,\n\ndie Klingel ist heute unterwegs.")

    first_senior.answers(furious, "resolve\n\nDear Ana,\n\nI am sorry. A new wheel leaves today.", signature=f"{first_senior.full}\nAcme")
    ana.gets("A new wheel leaves today")
    asked = ana.gets("Only you can say")
    ana.answers(asked, "No, it is still broken. The new wheel does not fit.")
    second_senior, reopened = desk.routed("The new wheel does not fit", [name for name in SENIORS if name != first_senior.name])
    second_senior.answers(reopened, "resolve\n\nDear Ana,\n\nour mechanic comes to you tomorrow and mends it.")
    again = desk.eventually(lambda: [m for m in ana.has("Only you can say") if m.message_id != asked.message_id], "a second question")[0]
    ana.answers(again, "Yes, it is solved now.")
    second_senior.gets("says it is solved")

    thanked = ben.gets("it has 32 spokes")
    ben.answers(thanked, "Thank you very much, that helped!")
    ben_had.gets("that helped!")
    clara.gets("heute unterwegs")
    desk.rest()
    return Day(
        desk=desk, beginner=beginner, first_senior=first_senior, second_senior=second_senior, furious=furious, reopened=reopened,
        questions=(asked, again), noted_by=noted_by, ben_had=ben_had,
    )  # fmt: skip


def _other_mails(desk: Desk) -> None:
    desk.person("ben").writes("Spokes", "Hello, how many spokes does the rear wheel have? Ben")
    desk.person("clara").writes("Klingel", "Guten Tag,\n\nwann kommt meine Klingel? Ich habe sie im Mai bestellt.\n\nClara")
    bulk = {"List-Id": "<news.customers.test>", "List-Unsubscribe": "<mailto:stop@customers.test>", "Precedence": "bulk"}
    desk.person("news").writes("Summer sale", "All bells at half price, this week only!", headers=bulk)
    desk.person("robot").writes("Automatic reply: Spokes", "We have received your message.", headers={"Auto-Submitted": "auto-replied"})
    desk.person("dora").writes("Scratch", "Hello, there is a scratch on the frame, see the photo. Dora", photo=PHOTO)
    desk.person("emil").writes("Two helmets", "Hello, we need two helmets in blue. Emil", cc="Eva Berg <eva@customers.test>")
    desk.person("gina").writes("Basket", "", html="<html><body><p>Hello, is the <b>basket</b> made of willow?</p></body></html>")


def customers(desk: Desk) -> list[Person]:
    return [desk.person(name) for name in (*CUSTOMERS, *CROWD)]


def everybody(desk: Desk) -> list[Person]:
    return [*customers(desk), *desk.agents((*AGENTS, LEAD, ADMIN))]


# --- what people find in their mailboxes ---------------------------------------------------------------------------------


def test_a_calm_question_goes_to_everybodys_team_and_a_furious_third_mail_to_a_senior(day: Day) -> None:
    assert day.beginner.name == "tom", "named first, with no open case"
    assert day.first_senior.name in SENIORS
    assert not day.beginner.has("I am furious")
    assert day.furious.subject.startswith("Ana Berg: ")
    assert "Ana sounds upset" in day.furious.text


def test_each_mail_reaches_one_agent_who_can_simply_reply(day: Day) -> None:
    for words in ("how many spokes", "Klingel? Ich habe", "a scratch on the frame", "two helmets in blue", "willow?"):
        routed = [mail for agent in day.desk.agents() for mail in agent.has(words) if "-----" in mail.text]
        assert len({mail.message["To"] for mail in routed}) == 1, f"{words!r} is with one agent"
        assert all(str(mail.message["Reply-To"]).startswith("Acme Support <support+") for mail in routed)


def test_a_photo_reaches_the_agent_as_it_was_sent(day: Day) -> None:
    _, mail = day.desk.routed("a scratch on the frame")
    (photo,) = mail.message.iter_attachments()
    assert photo.get_filename() == "wheel.png"
    assert photo.get_content() == PHOTO


def test_newsletters_and_automatic_answers_reach_nobody(day: Day) -> None:
    for person in everybody(day.desk):
        assert not person.has("half price")
        assert not person.has("We have received your message")
    assert day.desk.person("news").mailbox() == [] and day.desk.person("robot").mailbox() == [], "and get no answer"


def test_an_agents_words_reach_the_customer_without_signature_or_brief(day: Day) -> None:
    mail = day.desk.person("ben").gets("it has 32 spokes")
    assert mail.sender == (f"{day.ben_had.full.split()[0]} at Acme Support", SUPPORT)
    assert "Workshop Lane" not in mail.text
    assert "Why you" not in mail.text
    assert "> Hello, how many spokes does the rear wheel have? Ben" in mail.text
    assert not [mark for mark in MACHINE_MARKS if mail.message[mark]], "a person wrote it"
    asked = [
        sent for sent in day.desk.person("support").mailbox() if "how many spokes" in sent.text and sent.message["From"].startswith("Ben")
    ]
    assert mail.message["In-Reply-To"] == asked[0].message_id


def test_who_was_in_copy_reads_the_answer_too(day: Day) -> None:
    agent, mail = day.desk.routed("two helmets in blue")
    agent.answers(mail, "Hello Emil,\n\nboth helmets are blue and on their way.")
    assert day.desk.person("emil").gets("on their way").message_id == day.desk.person("eva").gets("on their way").message_id


def test_a_note_never_reaches_the_customer(day: Day) -> None:
    assert day.desk.person("clara").has("heute unterwegs")
    for person in customers(day.desk):
        assert not [mail for mail in person.mailbox() if "lamp" in mail.everything]


def test_an_unhappy_answer_reopens_the_case_and_takes_it_to_the_other_senior(day: Day) -> None:
    assert {day.first_senior.name, day.second_senior.name} == set(SENIORS)
    assert "Ana says it is not solved" in day.reopened.text
    assert day.first_senior.has("Ana says it is not solved")


def test_the_customer_is_asked_once_a_round_and_a_yes_ends_it(day: Day) -> None:
    ana = day.desk.person("ana")
    assert [mail.message_id for mail in ana.has("Only you can say")] == [mail.message_id for mail in day.questions]
    assert all(mail.sender == ("Acme Support", SUPPORT) and mail.message["Auto-Submitted"] for mail in day.questions)
    assert day.second_senior.has("Ana says it is solved")


def test_a_plain_thank_you_is_passed_on_and_nobody_is_asked(day: Day) -> None:
    (thanks,) = day.ben_had.has("that helped!")
    assert thanks.message["Auto-Submitted"] == "auto-generated", "a note, not a case to answer"
    assert not day.desk.person("ben").has("Only you can say")


# --- what must never happen -------------------------------------------------------------------------------------------------


def test_a_mail_from_before_the_first_start_is_never_answered_or_routed(day: Day) -> None:
    assert day.desk.person("olga").mailbox() == []
    for agent in day.desk.agents((*AGENTS, LEAD, ADMIN)):
        assert not agent.has("From last year")
        assert not agent.has("outrageous")


def test_nothing_reaches_anybody_twice(day: Day) -> None:
    for person in everybody(day.desk):
        counted = Counter(mail.message_id for mail in person.mailbox() if not mail.subject.startswith("Kai"))
        assert [each for each, times in counted.items() if times > 1] == []


def test_no_agents_address_or_signed_address_stands_in_a_customers_mail(day: Day) -> None:
    for person in customers(day.desk):
        for mail in person.mailbox():
            if mail.sender[1] != SUPPORT:
                continue
            read = mail.everything
            for name in (*AGENTS, LEAD, ADMIN):
                assert f"{name}@" not in read
            signed = re.findall(r"support\+([a-z])", read)
            assert set(signed) <= {tokens.YES, tokens.NOT_YET}, "only the two lines by which a customer answers"


def test_no_flag_is_changed_in_the_support_mailbox(day: Day) -> None:
    said = day.desk.dovecot.doveadm("fetch", "-u", "support", "uid flags", "mailbox", "INBOX", "all")
    flags = re.findall(r"^flags:(.*)$", said, re.M)
    assert len(flags) == len(day.desk.person("support").mailbox())
    assert {flag.strip() for flag in flags} <= {"", "\\Recent"}


def test_the_log_names_no_person_and_none_of_their_words(day: Day) -> None:
    log = day.desk.daemon.log.read_text()
    assert log.count("message.stored") >= 10
    assert "@" not in log
    for mail in day.desk.person("support").mailbox():
        assert mail.subject not in log
        assert mail.message_id.strip("<>") not in log
    for words in ("Berg", "spanner", "furious", "Klingel"):
        assert words not in log


# --- what the operator sees ---------------------------------------------------------------------------------------------------


def test_status_counts_what_came_and_what_became_of_it(day: Day) -> None:
    code, said, talk = day.desk.inboxd("status", "--json")
    found = json.loads(said)
    assert code == 0, talk
    assert found["running"] is True and found["trouble"] == {}
    assert found["messages"] == len(day.desk.person("support").mailbox()) - day.desk.before
    assert found["cases"]["closed"] == 1, "Ana's"
    assert found["parked"] == 0


def test_explain_tells_why_a_case_went_where_it_went(day: Day) -> None:
    number = re.search(r"\[#(\d+)\]", day.furious.subject)
    assert number is not None
    code, said, talk = day.desk.inboxd("explain", number[1])
    assert code == 0, talk
    assert "YES Upset customers go to a senior" in said


def test_check_finds_settings_rules_and_servers_well(desk: Desk) -> None:
    done = check(desk)
    assert (done.exit_code, done.stdout.strip()) == (0, "all is well"), done.stderr
    assert "imap localhost: logged in" in done.stderr


def test_check_says_where_what_and_what_would_be_right(desk: Desk) -> None:
    good, imap_port, smtp_port = (desk.home / "inboxd.yaml").read_text(), desk.dovecot.imaps_port, desk.postfix.smtp_port
    for old, new, code, where, what, right in (
        ("inbox: INBOX", "inbox: Postbox", 78, "mailbox acme", "no folder 'Postbox'", "to one that is there: "),
        ("      ca_file:", "      # ca_file:", 78, "mailbox acme, smtp: localhost", "self-signed certificate", "set ca_file"),
        ("user: support", "user: nobody", 78, "mailbox acme, imap: localhost", "login refused", "look at user (nobody)"),
        (f"port: {imap_port}", f"port: {free_port()}", 75, "mailbox acme, imap: localhost", "refused", "look at host and port"),
        (f"port: {smtp_port}", f"port: {free_port()}", 75, "mailbox acme, smtp: localhost", "no connection", "look at host and port"),
    ):
        try:
            desk.change("inboxd.yaml", old, new)
            done = check(desk)
        finally:
            (desk.home / "inboxd.yaml").write_text(good)
        assert done.exit_code == code, done.stderr
        (line, *_) = [line for line in done.stderr.splitlines() if what.lower() in line.lower() and where in line] or [""]
        assert f"{desk.home.name}/inboxd.yaml: " in line, done.stderr
        assert right in line


def check(desk: Desk) -> Result:
    """Run `inboxd check` in this process: the model is loaded once."""
    return CliRunner().invoke(app, ["check", "--config", str(desk.home / "inboxd.yaml")])


def test_a_second_daemon_on_the_same_store_is_refused(desk: Desk) -> None:
    code, _, talk = desk.inboxd("run")
    assert code != 0
    assert "another inboxd" in talk
    assert not desk.daemon.ended()


def test_broken_rules_change_nothing_and_the_admin_is_told_once(desk: Desk) -> None:
    before = desk.status()["rules"]
    desk.change("rules/routing.yaml", "assign: seniors", "assign: senoirs")
    desk.daemon.tell(signal.SIGHUP)
    told = desk.person(ADMIN).gets("did you mean 'seniors'?")
    assert "routing.yaml:" in told.text
    code, _, talk = desk.inboxd("reload")
    assert code == 78
    assert "senoirs" in talk and "routing.yaml:" in talk
    assert desk.status()["rules"] == before
    desk.person("hugo").writes("Pump", "I am furious! Your pump is rubbish and nobody answers me!")
    desk.routed("Your pump is rubbish", SENIORS)
    desk.change("rules/routing.yaml", "assign: senoirs", "assign: seniors")
    code, said, talk = desk.inboxd("reload")
    assert code == 0, talk
    assert before[:12] in said
    desk.rest()
    assert len(desk.person(ADMIN).has("The rules were not taken over")) == 1


def test_changed_rules_count_from_the_next_mail_on(desk: Desk) -> None:
    rule = "rules:\n  - name: Ida is petras\n    when: {sender: ida@customers.test}\n    then: {assign: jonas, answer_within: 1 hour}\n"
    desk.change("rules/routing.yaml", "rules:\n", rule)
    code, _, talk = desk.inboxd("reload")
    assert code == 0, talk
    desk.person("ida").writes("Saddle", "Hello, is the saddle leather? Ida")
    desk.routed("is the saddle leather", ["jonas"])


# --- stopping, and being stopped ------------------------------------------------------------------------------------------------


def test_a_clean_stop_takes_less_than_five_seconds_and_ends_with_0(desk: Desk) -> None:
    code, seconds = desk.daemon.stop()
    try:
        assert code == 0
        assert seconds < 5
        code, said, _ = desk.inboxd("status", "--json")
        assert (code, json.loads(said)["running"]) == (1, False)
    finally:
        desk.daemon.start()


def test_a_killed_daemon_loses_nothing_and_tells_no_customer_twice(desk: Desk) -> None:
    half, decided = len(CROWD) // 2, desk.daemon.said("message.decided")
    for name in CROWD[:half]:
        desk.person(name).writes(f"Chain of {name}", f"Hello, does the chain of {name} need oil?")
    desk.eventually(lambda: desk.daemon.said("message.decided") > decided, "the first decision")
    code, _ = desk.daemon.stop(signal.SIGKILL)  # letters are written, and some are on their way
    assert code == -signal.SIGKILL
    for name in CROWD[half:]:
        desk.person(name).writes(f"Chain of {name}", f"Hello, does the chain of {name} need oil?")
    desk.daemon.start()
    for name in CROWD:
        desk.routed(f"the chain of {name} need oil")
    found = desk.rest()
    assert found["parked"] == 0
    for name in CROWD:
        got = [mail for agent in desk.agents() for mail in agent.has(f"the chain of {name} need oil")]
        assert len({(mail.message["To"], mail.message_id) for mail in got}) == 1, "one decision, one mail"
        assert len({mail.text for mail in got}) == 1 and len(got) <= 2, "sent again at most once, where its end was not known, and the same"
        assert desk.person(name).mailbox() == [], "nothing automatic goes to customers here"
