"""Agents ask people outside a case, write to a customer first, pass on what reached them alone, and take two wishes apart."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from inboxd.core.model import CaseState, JobKind, Verdict
from inboxd.core.opening import Span
from inboxd.core.rulebook import Condition, Rule, Then
from tests.stories.day import SUPPORT, Day, Letterbox
from tests.stories.steps import ANA, CALM, FURIOUS, MARIA, PETRA, TOM, holder, kinds, opened, words_of

ANA_AT, BOB, BOB_AT, NOOR = "ana@example.org", "Bob Miller <bob@carrier.example>", "bob@carrier.example", "noor@example.org"
SERVER = "mx.acme.example"  # our own mail server, as `authserv_id` names it
PROVED = {"Authentication-Results": f"{SERVER}; dmarc=pass header.from=acme.example"}


@pytest.fixture
def day() -> Day:
    return Day(server=SERVER)


def flat(text: str) -> str:
    return " ".join(text.split())


def plain(mail: Letterbox) -> str:
    return "\n".join(mail.text.strip().splitlines())


def everything(mail: Letterbox) -> str:
    """All headers and texts of a mail."""
    return f"{mail.message.as_string()} {mail.text} {mail.html}"


def asks(day: Day, words: str = "Hello Bob,\nwhere is parcel 77?") -> tuple[str, Letterbox]:
    """An agent asks the carrier; returns the agent and what Bob got."""
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), f"ask: {BOB_AT}\n\n{words}\n\n--\nMaria Lindt | Acme GmbH")
    return agent, day.last(BOB_AT)


# --- ask ---------------------------------------------------------------------------------------------------------------


def test_somebody_outside_reads_the_question_and_nothing_of_the_case(day: Day) -> None:
    agent, got = asks(day)
    signs = day.office.rules.book.agents[day.case().assignee].signs_as  # type: ignore[index]
    assert plain(got) == f"Hello Bob,\nwhere is parcel 77?\n\n{signs}\nAcme Support"
    assert got.sender == f"{signs} at Acme Support" and got.message["Reply-To"] is None
    for inside in ("disgrace", "Ana", agent, "sounds upset", "+r1", "+n1"):
        assert inside not in everything(got)
    assert kinds(day, ANA_AT) == [] and day.case().state is CaseState.OPEN, "the customer waits on"
    told = flat(day.last(agent).text)
    assert f"{BOB_AT} reads your words" in told and f"{BOB_AT} will read: Hello Bob, where is parcel 77?" in told


def test_somebody_outside_reads_a_subject_of_the_agents_words_and_each_mail_follows_the_one_before(day: Day) -> None:
    agent, got = asks(day, "Hello Bob,\nwhere is parcel 77?")
    assert got.subject == "Where is parcel 77? [#1001]"
    theirs = day.reply(BOB, got, "Which of the two halls?")
    day.reply(agent, day.last(agent), "The northern one, please.")
    second = day.last(BOB_AT)
    assert second.subject == "Re: Where is parcel 77? [#1001]"
    assert str(got.message["Message-ID"]) in str(second.message["References"])
    assert str(second.message["In-Reply-To"]) == theirs
    day.reply(agent, day.routed(agent), "Hello Ana,\nit is on its way.")
    assert str(got.message["Message-ID"]) not in str(words_of(day).message["References"]), "the customer's thread names none of it"


def test_who_takes_over_a_case_gets_what_somebody_outside_said(day: Day) -> None:
    agent, got = asks(day)
    day.reply(BOB, got, "It is in Linz, damaged. Do not tell the recipient yet.")
    day.reply(agent, day.routed(agent), "assign: petra")
    (file,) = [part for part in day.routed(PETRA).message.iter_attachments() if part.get_filename() == "exchange.txt"]
    assert "Do not tell the recipient yet." in file.get_content()


def test_the_answer_comes_back_to_the_case_and_never_to_the_customer(day: Day) -> None:
    agent, got = asks(day)
    day.reply(BOB, got, "It left our hall at noon.")
    back = day.last(agent)
    assert flat(back.text).startswith("Bob answers you about Ana. It left our hall at noon. -----")
    assert back.sender == "Bob Miller via Acme Support" and "auto-generated" in str(back.message["Auto-Submitted"])
    day.reply(agent, day.routed(agent), "Hello Ana,\nit is on its way.")
    mail = words_of(day)
    assert "hall" not in everything(mail) and BOB_AT not in everything(mail), "neither quoted nor in copy"
    assert "on its way" in mail.text and day.case().participants == ()


def test_a_reply_to_the_answer_goes_to_whoever_wrote_it(day: Day) -> None:
    agent, got = asks(day)
    day.reply(BOB, got, "Which of the two halls?")
    day.reply(agent, day.last(agent), "The northern one, please.")
    assert day.last(BOB_AT).text.startswith("The northern one, please.")
    assert kinds(day, ANA_AT) == []
    day.reply(BOB, day.last(BOB_AT), "Found it.")
    assert "Found it." in day.last(agent).text


def test_what_was_answered_stands_in_the_story_that_the_next_agent_reads(day: Day) -> None:
    agent, got = asks(day)
    day.reply(BOB, got, "The parcel fell off the lorry.")
    day.reply(agent, day.routed(agent), "pass on: petra")
    assert 'Bob: "The parcel fell off the lorry."' in day.routed(PETRA).text


def test_an_answer_after_a_change_of_hands_reaches_both(day: Day) -> None:
    agent, got = asks(day)
    day.reply(agent, day.routed(agent), "pass on: petra")
    day.reply(BOB, got, "Lost, I am afraid.")
    assert "Lost" in day.last(agent).text and "Lost" in day.last(PETRA).text


@pytest.mark.parametrize("email", [ANA_AT, "tom@acme.example", "tom+x@acme.example", SUPPORT, "support+r1001.x@acme.example", "nobody"])
def test_who_is_inside_anyway_is_not_asked(day: Day, email: str) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), f"ask: {email}\n\nWhere is it?")
    assert day.last(agent).text.startswith("Nothing has left and nothing has changed")
    assert kinds(day, ANA_AT) == [] and len(day.inbox("tom@acme.example")) == (1 if agent == TOM else 0) + (agent == TOM)


def test_a_question_can_be_held_back_while_it_has_not_left(day: Day) -> None:
    from datetime import timedelta

    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))
    agent = opened(day)
    day.reply(agent, day.routed(agent), f"ask: {BOB_AT}\n\nWhere is it?")
    day.reply(agent, day.last(agent), "undo")
    assert "Where is it?" in day.last(agent).text and day.last(agent).text.startswith("Held back")
    day.pass_(minutes=5)
    assert day.inbox(BOB_AT) == [] and day.case().state is CaseState.OPEN


def test_a_question_that_bounces_is_told_and_changes_nothing(day: Day) -> None:
    agent, got = asks(day)
    report = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; bob@carrier.example\nAction: failed\nStatus: 5.1.1\n"
    raw = (
        f"From: MAILER-DAEMON@mx.example\nTo: {SUPPORT}\nSubject: Undelivered\nMessage-ID: <b1@mx.example>\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="x"\nAuto-Submitted: auto-replied\n\n'
        "--x\nContent-Type: text/plain\n\nIt failed.\n--x\nContent-Type: message/delivery-status\n\n"
        f"{report}\n--x\nContent-Type: text/rfc822-headers\n\nMessage-ID: {got.message['Message-ID']}\n\n--x--\n"
    )
    day.mailbox.put(raw.replace("\n", "\r\n").encode(), day.at())
    day.run()
    assert BOB_AT in flat(day.last(agent).text) and "did not arrive" in day.last(agent).text
    assert day.case().state is CaseState.OPEN


def test_the_lead_reads_to_whom_a_question_could_not_be_sent(day: Day) -> None:
    agent = opened(day)
    day.mailer.answers = [Verdict(sent=False, permanent=True, reply="550 5.1.1 no such user")]
    day.reply(agent, day.routed(agent), f"ask: {BOB_AT}\n\nWhere is parcel 77?")
    told = day.last(PETRA, lambda mail: mail.subject == "A mail has not arrived")
    assert f"A mail to {BOB_AT} could not be delivered." in told.text and "550 5.1.1 no such user" in told.text
    assert f'It belongs to case #{day.case().number}, "{day.case().subject}".' in told.text
    assert "Ana" not in told.text, "the customer is not who was written to"
    assert f"A mail to {BOB_AT} could not be delivered." in day.last(agent).text, "whoever asked waits for the answer"
    assert day.case().state is CaseState.OPEN


def test_who_wrote_without_a_name_is_called_by_the_one_they_write_with_later(day: Day) -> None:
    opened(day)
    day.write("noor@example.org", "My order", "Where is my order?")
    day.write("Noor Haddad <noor@example.org>", "Re: My order [#1002]", "It is the blue one.")
    day.pass_(minutes=11)
    assert day.store.look("select name from person order by id desc limit 1")[0]["name"] == "Noor Haddad"
    assert "Noor Haddad: My order" in day.routed(holder(day, 1002)).subject


def test_somebody_outside_who_answers_is_no_customer_who_waits() -> None:
    shipped = Day().office.rules.book
    waited = Condition(word="waiting", wanted=(Span(length=timedelta(hours=4)), None))
    rules = (Rule(name="waits for long", when=(waited,), then=Then(labels=("waited",))), *shipped.rules)
    day = Day(book=replace(shipped, rules=rules))
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nI ask the carrier.")
    day.reply(agent, day.routed(agent), f"ask: {BOB_AT}\n\nWhere is parcel 77?")
    day.reply(BOB, day.last(BOB_AT), "It left our hall at noon.")
    day.pass_(hours=5)
    day.reply(ANA, words_of(day), "And where is it now?")
    assert "waited" not in day.case().labels
    day.pass_(hours=5)
    day.reply(ANA, words_of(day), "Is anybody there?")
    assert "waited" in day.case().labels, "now she waits for an answer"


# --- split ----------------------------------------------------------------------------------------------------------------


def test_a_mail_about_something_else_becomes_a_case_of_its_own(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    first = day.case()
    day.reply(ANA, words_of(day), "And please send me the invoice of last month, order 88213.", quote=False)
    assert day.case(first.number).state is CaseState.OPEN
    day.reply(agent, day.routed(agent), "split: The invoice of last month")
    new = day.case()
    assert new.number != first.number and new.subject == "The invoice of last month" and new.linked_to == first.number
    assert new.customer == first.customer and new.state is CaseState.OPEN
    mail = day.routed(holder(day, new.number))
    assert "invoice of last month, order 88213" in mail.text and f"[#{new.number}]" in mail.subject
    assert day.case(first.number).state is CaseState.WAITING and day.case(first.number).due_at is None
    told = day.last(agent, lambda each: "a case of its own" in flat(each.text))
    assert "goes where the rules say" in flat(told.text) and "stays here" not in flat(told.text)


def test_each_of_the_two_cases_is_answered_apart(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    first = day.case().number
    day.reply(ANA, words_of(day), "And please send me the invoice of last month.", quote=False)
    day.reply(agent, day.routed(agent), "split")
    new = day.case().number
    day.reply(holder(day, new), day.routed(holder(day, new)), "Hello Ana,\nhere is the invoice.")
    answer = words_of(day)
    assert f"[#{new}]" in answer.subject and "> And please send me the invoice" in answer.text and "spanner" not in answer.text
    day.reply(ANA, answer, "The invoice has a wrong date.", quote=False)
    assert day.case(new).state is CaseState.OPEN and day.case(first).state is CaseState.WAITING


def test_the_copy_of_a_mail_is_no_second_contact(day: Day) -> None:
    agent = opened(day)
    contacts = "select count(*) as n from message where contact = 1"
    before = day.store.look(contacts)[0]["n"]
    day.reply(agent, day.routed(agent), "split")
    assert day.case().number == 1002 and day.store.look(contacts)[0]["n"] == before == 1


def test_two_wishes_in_one_mail_become_two_cases_with_the_same_mail(day: Day) -> None:
    agent = opened(day, "Hello,\nwhich spanner fits the front wheel? And I want to cancel my bike insurance.\nAna")
    first = day.case().number
    day.reply(
        agent, day.routed(agent), "split: Bike insurance\n\nHello Ana,\nthe 15 mm one. A colleague writes to you about the insurance."
    )
    new = day.case()
    assert new.number != first and new.subject == "Bike insurance" and new.state is CaseState.OPEN
    assert day.case(first).state is CaseState.WAITING and "the 15 mm one" in words_of(day).text
    assert "cancel my bike insurance" in day.routed(holder(day, new.number)).text
    assert "It stays here, too." in flat(day.last(agent, lambda each: "case of its own" in flat(each.text)).text)


def test_a_split_by_mistake_is_mended_by_a_merge(day: Day) -> None:
    agent = opened(day)
    first = day.case().number
    day.reply(agent, day.routed(agent), "split")
    new = day.case().number
    who = holder(day, new)
    day.reply(who, day.routed(who), f"merge: #{first}")
    assert day.case(new).number == first, "whoever asks for the second finds the first"


# --- to -------------------------------------------------------------------------------------------------------------------


def morning(day: Day) -> Letterbox:
    """An agent has something open and gets the morning list."""
    agent = opened(day)
    day.pass_(hours=23)
    return day.last(agent, lambda mail: "to answer first" in mail.subject)


def begin(
    day: Day, text: str = f"to: {NOOR}\nsubject: Your order of Monday\n\nHello Noor,\nthe blue one is sold out. Is green fine?"
) -> str:
    mail = morning(day)
    agent = mail.outgoing.envelope_to[0]
    day.reply(agent, mail, text)
    return agent


def test_an_agent_writes_first_and_the_answer_comes_to_them(day: Day) -> None:
    agent = begin(day)
    got, case = day.last(NOOR), day.case()
    signs = day.office.rules.book.agents[case.assignee].signs_as  # type: ignore[index]
    assert plain(got) == f"Hello Noor,\nthe blue one is sold out. Is green fine?\n\n{signs}\nAcme Support"
    assert got.subject == f"Your order of Monday [#{case.number}]" and "Ana" not in everything(got) and agent not in everything(got)
    assert case.state is CaseState.WAITING and holder(day) == agent
    assert f"#{case.number}" in flat(day.last(agent).text) and "a case of its own" in flat(day.last(agent).text)
    day.reply(f"Noor Haddad <{NOOR}>", got, "Green is fine, but please send it to my office.")
    assert day.case().number == case.number and day.case().state is CaseState.OPEN
    mail = day.routed(agent)
    assert "Green is fine" in mail.text and "the blue one is sold out" in mail.text


def test_whom_we_wrote_to_first_is_never_asked_whether_it_is_solved(day: Day) -> None:
    begin(day)
    day.pass_(days=30)
    assert kinds(day, NOOR) == ["reply"] and day.case().state is CaseState.CLOSED


def test_whoever_answered_such_a_mail_is_asked_as_anybody(day: Day) -> None:
    agent = begin(day)
    day.reply(f"Noor Haddad <{NOOR}>", day.last(NOOR), "My lamp is broken, too. What now?")
    day.reply(agent, day.routed(agent), "resolve\n\nHello Noor,\nwe send you a new one.")
    day.pass_(days=4)
    assert kinds(day, NOOR)[-1] == "follow_up"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"to: {NOOR}\n\nHello Noor", "needs a subject"),
        (f"to: {NOOR}\nsubject: A lamp\nresolve\n\nHello Noor", 'beside "to:" only "subject:"'),
        (f"to: {NOOR} and ben@example.net\nsubject: A lamp\n\nHello", "one address, please"),
        ("to: noor\nsubject: A lamp\n\nHello Noor", "I see no address"),
        (f"to: {MARIA}\nsubject: A lamp\n\nHello Maria", "one of ours"),
        (f"to: {NOOR}\nsubject: A lamp", "found no words"),
    ],
)
def test_a_first_mail_with_a_mistake_does_not_leave(day: Day, text: str, says: str) -> None:
    agent = begin(day, text)
    assert says in flat(day.last(agent).text) and day.inbox(NOOR) == [] and day.case().number == 1001
    assert "Just reply" not in day.last(agent).text, "there is no customer who would read a reply"


def test_from_the_agents_own_address_a_first_mail_takes_its_subject(day: Day) -> None:
    day.write("Maria Lindt <maria@acme.example>", "Your order of Monday", f"to: {NOOR}\n\nHello Noor,\nit is sold out.", headers=PROVED)
    assert day.last(NOOR).subject == "Your order of Monday [#1001]" and holder(day) == MARIA


def test_what_our_server_does_not_prove_begins_nothing(day: Day) -> None:
    for headers in (
        {},
        {"Authentication-Results": f"{SERVER}; dmarc=fail header.from=acme.example"},
        {"Authentication-Results": "mx.evil.example; dmarc=pass"},
    ):
        day.write("Maria Lindt <maria@acme.example>", "Your order", f"to: {NOOR}\n\nHello Noor,\nit is sold out.", headers=headers)
    assert day.inbox(NOOR) == [] and day.inbox(MARIA) == []


def test_questions_are_answered_to_the_agents_own_address_too(day: Day) -> None:
    opened(day)
    day.write("Maria Lindt <maria@acme.example>", "hello", "team\n", headers=PROVED)
    assert "Open with everybody: 1" in day.last(MARIA).text


def test_a_colleague_who_writes_as_a_customer_is_answered_as_one(day: Day) -> None:
    day.write("Maria Lindt <maria@acme.example>", "My own bike", "Hello,\nmy chain is broken. Help me, please.", headers=PROVED)
    assert day.case().state is CaseState.OPEN and holder(day) != MARIA


# --- for ------------------------------------------------------------------------------------------------------------------

FORWARDS = {
    "Gmail": (
        "---------- Forwarded message ---------\nFrom: Ann Lee <ann@example.org>\nDate: Mon, Nov 16, 2026 at 8:00 AM\n"
        "Subject: Broken lamp\nTo: <maria@acme.example>\n\n\nHello Maria,\nmy lamp is broken. What can I do?\nAnn\n"
    ),
    "Outlook": (
        "From: Ann Lee <ann@example.org>\nSent: Monday, November 16, 2026 8:00 AM\nTo: Maria Lindt <maria@acme.example>\n"
        "Subject: Broken lamp\n\nHello Maria,\nmy lamp is broken. What can I do?\nAnn\n"
    ),
    "Outlook in German": (
        "-----Ursprüngliche Nachricht-----\nVon: Ann Lee <ann@example.org>\nGesendet: Montag, 16. November 2026 08:00\n"
        "An: Maria Lindt <maria@acme.example>\nBetreff: Broken lamp\n\nHello Maria,\nmy lamp is broken. What can I do?\nAnn\n"
    ),
    "Apple Mail": (
        "Begin forwarded message:\n\nFrom: Ann Lee <ann@example.org>\nSubject: Broken lamp\nDate: 16 November 2026 at 08:00:00 CET\n"
        "To: maria@acme.example\n\nHello Maria,\nmy lamp is broken. What can I do?\nAnn\n"
    ),
    "Apple Mail, quoted": (
        "Begin forwarded message:\n\n> From: Ann Lee <ann@example.org>\n> Subject: Broken lamp\n> Date: 16 November 2026 at 08:00:00 CET\n"
        "> To: maria@acme.example\n> \n> Hello Maria,\n> my lamp is broken. What can I do?\n> Ann\n"
    ),
    "Thunderbird": (
        "-------- Forwarded Message --------\nSubject: \tBroken lamp\nDate: \tMon, 16 Nov 2026 08:00:00 +0100\n"
        "From: \tAnn Lee <ann@example.org>\nTo: \tmaria@acme.example\n\n\n\nHello Maria,\nmy lamp is broken. What can I do?\nAnn\n"
    ),
}


@pytest.mark.parametrize("program", FORWARDS)
def test_a_forwarded_mail_counts_as_the_customers_own(day: Day, program: str) -> None:
    text = f"for: ann@example.org\n\nA friend of mine, please be quick.\n\n{FORWARDS[program]}"
    day.write("Maria Lindt <maria@acme.example>", "Fwd: Broken lamp", text, headers=PROVED)
    case = day.case()
    assert case.subject == "Broken lamp" and case.state is CaseState.OPEN
    who = holder(day)
    mail = day.routed(who)
    assert mail.subject.startswith("Ann Lee: Broken lamp") and "Hello Maria,\nmy lamp is broken. What can I do?\nAnn" in plain(mail)
    assert "friend of mine" not in mail.text
    day.reply(who, mail, "Hello Ann,\nsend it back, please.")
    got = words_of(day, "ann@example.org")
    assert "> my lamp is broken. What can I do?" in got.text and "friend" not in everything(got) and MARIA not in everything(got)
    told = flat(day.last(MARIA, lambda each: "heard" in each.text).text)
    assert "Ann is heard" in told and "A friend of mine, please be quick." in told


def test_words_said_on_the_phone_are_passed_on_without_a_forwarded_mail(day: Day) -> None:
    text = "for: Ann Lee <ann@example.org>\n\nThe lamp is broken and the guests come on Friday."
    day.write("Maria Lindt <maria@acme.example>", "Ann Lee called: lamp", text, headers=PROVED)
    assert "guests come on Friday" in day.routed(holder(day)).text and day.case().subject == "Ann Lee called: lamp"


def test_the_customers_next_mail_finds_the_case_that_was_passed_on(day: Day) -> None:
    day.write("Maria Lindt <maria@acme.example>", "Fwd: Broken lamp", f"for: ann@example.org\n\n{FORWARDS['Gmail']}", headers=PROVED)
    day.reply(holder(day), day.routed(holder(day)), "Hello Ann,\nsend it back, please.")
    day.reply("Ann Lee <ann@example.org>", words_of(day, "ann@example.org"), "To which address?")
    assert day.case().number == 1001 and day.case().state is CaseState.OPEN
    day.pass_(days=1)
    assert day.store.parked() == (), "what is due in such a case is done as in any other"


@pytest.mark.parametrize(
    "headers", [{}, {"Authentication-Results": f"{SERVER}; dmarc=none"}, {"Authentication-Results": "mx.evil.example; dmarc=pass"}]
)
def test_nobody_speaks_for_a_customer_without_proof(day: Day, headers: dict[str, str]) -> None:
    day.write("Maria Lindt <maria@acme.example>", "Fwd: Broken lamp", f"for: ann@example.org\n\n{FORWARDS['Gmail']}", headers=headers)
    assert day.store.look("select count(*) as n from address where email = 'ann@example.org'")[0]["n"] == 0


@pytest.mark.parametrize("email", ["tom@acme.example", SUPPORT, "support+x@acme.example"])
def test_nobody_of_us_becomes_a_customer_by_it(day: Day, email: str) -> None:
    day.write("Maria Lindt <maria@acme.example>", "Fwd: x", f"for: {email}\n\n{FORWARDS['Gmail']}", headers=PROVED)
    assert re.search("for:", day.routed(holder(day)).text), "it is Maria's own mail, as anybody's"


def test_for_in_a_reply_says_where_it_belongs(day: Day) -> None:
    agent = opened(day, CALM)
    day.reply(agent, day.routed(agent), "for: ann@example.org\n\nHello")
    assert f"forward the mail to {SUPPORT} itself" in flat(day.last(agent).text)
    assert JobKind.ESCALATE in {JobKind(row["kind"]) for row in day.store.look("select kind from job")}


def test_for_in_a_reply_says_where_it_belongs_where_addresses_carry_no_signature() -> None:
    day = Day(plus_addresses=False, server=SERVER)
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), "for: ann@example.org\n\nThe lamp is broken.")
    assert f"forward the mail to {SUPPORT} itself" in flat(day.last(agent).text)
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 1
    assert day.store.look("select count(*) as n from address where email = 'ann@example.org'")[0]["n"] == 0, "our brief is nobody's mail"


def test_what_a_customer_answered_past_us_is_passed_on_where_addresses_carry_no_signature() -> None:
    day = Day(plus_addresses=False, server=SERVER)
    agent = opened(day, CALM)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    theirs = {"In-Reply-To": "<theirs@example.org>", "References": f"{words_of(day).message['Message-ID']} <theirs@example.org>"}
    forwarded = FORWARDS["Gmail"].replace("Ann Lee <ann@", "Ana Ruiz <ana@")
    proved = {"Authentication-Results": f"{SERVER}; dmarc=pass header.from=acme.example"}
    day.write(agent, "Fwd: Front wheel", f"for: {ANA_AT}\n\n{forwarded}", headers={**theirs, **proved})
    assert "my lamp is broken" in day.routed(holder(day)).text


# --- words for somebody else never reach the customer -------------------------------------------------------------------------


@pytest.mark.parametrize("orders", [f"ask: {BOB_AT}\nlabl: x", f"ask: {BOB_AT}\nassign: nobody", "to: noor@example.org\nresolve"])
def test_words_for_others_that_came_back_do_not_leave_to_the_customer_anyway(day: Day, orders: str) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), f"{orders}\n\nHello Bob,\nAna is a difficult one.")
    assert day.last(agent).text.startswith("Nothing has left") and "send anyway" not in flat(day.last(agent).text)
    day.reply(agent, day.last(agent), "send anyway")
    assert kinds(day, ANA_AT) == [] and day.last(agent).text.startswith("There is nothing to send")


def test_a_question_that_was_undone_does_not_leave_to_the_customer_anyway(day: Day) -> None:
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))
    agent = opened(day)
    day.reply(agent, day.routed(agent), f"ask: {BOB_AT}\n\nAna is a difficult one.")
    day.reply(agent, day.last(agent), "undo")
    day.reply(agent, day.last(agent), "send anyway")
    day.pass_(minutes=5)
    assert kinds(day, ANA_AT) == [] and day.inbox(BOB_AT) == []
