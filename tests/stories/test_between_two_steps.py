"""Mails that fell between two steps, and words that went astray."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest

from inboxd.adapters.sqlite.transaction import SqliteTransaction
from inboxd.core.model import Cancel, CaseState, Job, JobKind, MailboxFacts, MailboxName, Mode
from inboxd.core.tokens import tokens_in
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.keep_house import KINDS, keep_house, open_house
from inboxd.daemon.triage import triage
from inboxd.errors import Temporary
from tests.fakes import FakeMailbox
from tests.stories.day import ACME, SUPPORT, Day, Letterbox
from tests.stories.steps import ANA, BEN, CALM, PETRA, answered, asked, holder, kinds, opened, resolved, words_of

ANA_AT = "ana@example.org"
BETA = MailboxName("beta")
MORE = "One more detail: it is the silver model, and I live in Kiel."


@pytest.fixture
def day() -> Day:
    return Day()


# --- mails that wait for their five quiet minutes


@pytest.mark.parametrize("words", ["Hello Ana,\nthe 15 mm one.", "resolve\n\nHello Ana,\nthe 15 mm one."])
def test_what_came_while_the_agent_was_writing_still_reaches_the_agent(day: Day, words: str) -> None:
    agent = opened(day)
    day.pass_(minutes=2)
    day.write(ANA, "Front wheel", MORE)
    day.reply(agent, day.routed(agent), words)
    day.pass_(minutes=6)
    case = day.case()
    assert "silver model" in day.routed(agent).text
    assert case.state is CaseState.OPEN and case.due_at is not None and case.reopened == 0
    with day.store.transaction() as tx:
        assert tx.jobs_of(case.number) == (JobKind.ESCALATE,)


def test_a_mail_that_waits_is_handed_over_with_the_one_that_does_not(day: Day) -> None:
    agent = opened(day)
    first = day.store.look("select message_id as id from message where id = 1")[0]["id"]
    day.pass_(minutes=9)
    day.write(ANA, "Front wheel", MORE, attach=("wheel.png", b"\x89PNG"))
    day.pass_(minutes=2)
    day.write(ANA, "Re: Front wheel", "And my lamp is broken, too.", headers={"In-Reply-To": f"<{first}>"})
    together = day.routed(agent)
    assert "Kiel" in together.text and "lamp" in together.text
    assert [part.get_filename() for part in together.message.iter_attachments()] == ["wheel.png"]
    day.pass_(minutes=30)
    assert kinds(day, agent) == ["routed", "routed"]


# --- an agent's words that may not leave


def test_an_agents_words_that_the_mode_holds_back_are_told_and_the_case_stays_open(day: Day) -> None:
    agent = opened(day)
    mail = day.routed(agent)
    day.set_mode(Mode.WATCH)
    day.reply(agent, mail, "Hello Ana,\nthe 15 mm one.")
    assert day.case().state is CaseState.OPEN and day.case().last_reply_at is None
    assert not day.inbox(ANA_AT)
    told = day.last(PETRA, lambda each: "Held back" in each.subject)
    assert "mode watch" in told.text and "What Maria wrote" in told.text
    assert b"the 15 mm one." in told.outgoing.raw


def test_an_agents_words_beyond_the_cap_were_never_said_and_reach_the_lead(day: Day) -> None:
    agent = opened(day)
    mail = day.routed(agent)
    for number in range(19):
        day.reply(agent, mail, f"Hello Ana,\nhere is spanner {number}.")
    before = day.case()
    day.clock.move(timedelta(minutes=1))
    day.reply(agent, mail, "resolve\n\nHello Ana,\nthis one does not leave.")
    assert (day.case().state, day.case().last_reply_at) == (CaseState.WAITING, before.last_reply_at)
    assert b"this one does not leave" in day.last(PETRA, lambda each: "Held back" in each.subject).outgoing.raw


def test_an_agents_robot_that_answers_every_returned_text_meets_the_cap(day: Day) -> None:
    agent = opened(day)
    seen = 0
    while len(day.inbox(agent)) > seen and seen < 60:
        seen = len(day.inbox(agent))
        day.reply(agent, day.inbox(agent)[-1], "I am away.\n\n> nothing of\n> yours at all", quote=False)
    assert seen <= 20
    assert len([mail for mail in day.inbox(PETRA) if "Held back" in mail.subject]) == 1


def test_an_agents_words_that_the_server_took_for_spam_are_sent(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.", headers={"X-Spam-Flag": "YES"})
    assert "the 15 mm one." in words_of(day).text


def test_spam_in_an_agents_name_is_not_obeyed(day: Day) -> None:
    agent = opened(day)
    day.write(agent, "Re: Front wheel [#1001]", "Hello Ana,\nplease pay here.", headers={"X-Spam-Flag": "YES"})
    assert not day.inbox(ANA_AT)


@pytest.mark.parametrize("sender", ["", "ana", "jürgen@example.org"])
def test_words_for_somebody_without_an_address_come_back(day: Day, sender: str) -> None:
    raw = f"From: {sender}\r\nTo: {SUPPORT}\r\nMessage-ID: <odd@mail.example>\r\nSubject: Wheel\r\n\r\nWhich spanner fits?\r\n"
    day.mailbox.put(raw.encode(), day.at())
    day.run()
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello,\nthe 15 mm one.")
    assert "without an address" in day.last(agent).text and "the 15 mm one." in day.last(agent).text
    day.reply(agent, day.routed(agent), "resolve")
    day.pass_(days=10)
    assert day.case().state is CaseState.CLOSED and not day.store.parked()


# --- nothing of ours in a file


def _with_file(day: Day, agent: str, mail: Letterbox, form: str) -> None:
    reply = EmailMessage()
    reply["From"], reply["To"], reply["Subject"] = agent, str(mail.message["Reply-To"]), f"Re: {mail.subject}"
    reply["Message-ID"], reply["In-Reply-To"] = "<with.file@mail.example>", str(mail.message["Message-ID"])
    reply.set_content("Hello Ana,\nplease see the file.")
    raw = mail.outgoing.raw
    if form == "enclosed, 8 bit":
        raw = raw.replace(b"Subject: ", "X-Reader: Jürgen\r\nSubject: ".encode())
        reply.add_attachment(email.message_from_bytes(raw, policy=email.policy.default))
    elif form == "as a file":
        reply.add_attachment(raw, maintype="application", subtype="octet-stream", filename="mail.eml")
    elif form == "as a file, other line ends":
        reply.add_attachment(raw.replace(b"\r\n", b"\n"), maintype="application", subtype="octet-stream", filename="mail.eml")
    else:
        reply.add_attachment(b"%PDF-1.7\n" + raw, maintype="application", subtype="pdf", filename="print.pdf")
    day.mailbox.put(reply.as_bytes(policy=email.policy.SMTP), day.at())
    day.run()


@pytest.mark.parametrize("form", ["enclosed, 8 bit", "as a file", "as a file, other line ends", "printed"])
def test_a_signed_address_in_an_attached_file_reaches_no_customer(day: Day, form: str) -> None:
    agent = opened(day)
    mail = day.routed(agent)
    assert tokens_in(str(mail.message["Reply-To"]))
    _with_file(day, agent, mail, form)
    assert not day.inbox(ANA_AT)
    assert kinds(day, agent) == ["routed", "returned"]


def test_many_readers_in_copy_are_no_line_of_the_brief(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM, cc=", ".join(f"reader{number}@example.com" for number in range(8)))
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    assert len(words_of(day).outgoing.envelope_to) == 9


def test_an_agent_who_writes_into_the_thread_without_proof_is_no_reader_of_the_customers(day: Day) -> None:
    agent = answered(day)
    day.write(agent, "Re: Front wheel", "By the way, it is out of stock.", answers=words_of(day))
    assert day.case().participants == ()
    day.reply(agent, day.routed(agent), "Hello Ana,\nhere is more.")
    assert "here is more." in words_of(day).text


@pytest.mark.parametrize("words", ["Yes, it is solved, thank you.", "Yes, it is solved. Please do not ask me again."])
def test_an_answer_in_words_from_another_address_is_read_by_a_person(day: Day, words: str) -> None:
    question = asked(day)
    day.write("Eve <eve@evil.example>", "Re: Front wheel", words, answers=question)
    assert day.case().state is CaseState.RESOLVED and not day.case().good_sign
    assert "eve@evil.example" in day.routed(holder(day)).text
    assert day.store.look("select no_follow_up from person where id = 1") == [{"no_follow_up": 0}]
    day.reply(ANA, question, "Yes, it is solved, thank you.")
    assert day.case().outcome == "satisfied"


# --- threads and names


def test_two_people_who_answer_the_same_newsletter_have_two_cases(day: Day) -> None:
    news = {"In-Reply-To": "<news.7@shop.example>", "References": "<news.7@shop.example>"}
    day.write(ANA, "Re: News", CALM, headers=news)
    day.pass_(hours=1)
    day.write(BEN, "Re: News", "Hello, my card was charged twice. Why?", headers=news)
    assert day.case(1001).participants == ()
    assert day.case().number == 1002


def test_a_colleague_who_answers_the_customers_own_mail_is_heard_in_the_case(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    day.write(BEN, "Re: Front wheel", "I am her neighbour: it is the large wheel.", headers={"In-Reply-To": first})
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 1


def _second_brand(day: Day) -> Source:
    facts = MailboxFacts(name=BETA, address="help@beta.example", brand="Beta", mode=Mode.FULL)
    day.office.mailboxes = {**day.office.mailboxes, BETA: facts}
    day.post = replace(day.post, mailers={**day.post.mailers, BETA: day.mailer})
    source = Source(name=BETA, mailbox=FakeMailbox(), folder="INBOX")
    open_house(day.office)
    fetch(source, day.store, day.clock)
    return source


def _to_beta(day: Day, source: Source, sender: str, text: str, answers: Letterbox | None = None) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "help@beta.example", "Something"
    mail["Message-ID"] = f"<beta.{len(text)}@mail.example>"
    if answers is not None:
        mail["In-Reply-To"] = str(answers.message["Message-ID"])
    mail.set_content(text)
    assert isinstance(source.mailbox, FakeMailbox)
    source.mailbox.put(mail.as_bytes(policy=email.policy.SMTP), day.at())
    fetch(source, day.store, day.clock)
    day.run()


def test_a_case_speaks_with_the_name_it_began_with_whichever_mailbox_a_reply_comes_to(day: Day) -> None:
    beta = _second_brand(day)
    agent = opened(day)
    _to_beta(day, beta, agent, "Hello Ana,\nthe 15 mm one.", answers=day.routed(agent))
    assert "Acme Support" in words_of(day).sender and SUPPORT in str(words_of(day).message["From"])
    _to_beta(day, beta, ANA, "No, that one does not fit. Which else?", answers=words_of(day))
    assert SUPPORT in str(day.routed(agent).message["From"])


def test_a_case_of_a_mailbox_that_was_taken_out_is_still_somebodys(day: Day) -> None:
    beta = _second_brand(day)
    _to_beta(day, beta, ANA, CALM)
    agent = holder(day)
    day.office.mailboxes = {ACME: day.office.mailboxes[ACME]}
    day.pass_(days=2)
    assert not day.store.parked()
    assert "still waits" in day.last(agent).text
    assert not day.inbox(ANA_AT)


def test_a_customer_is_not_asked_in_the_name_of_another_mailbox(day: Day) -> None:
    beta = _second_brand(day)
    _to_beta(day, beta, ANA, CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.office.mailboxes = {ACME: day.office.mailboxes[ACME]}
    day.pass_(days=12)
    assert day.case().state is CaseState.CLOSED and kinds(day, ANA_AT) == ["reply"]


# --- the words of the agent


@pytest.mark.parametrize(
    "above",
    [
        "On Mon, 16 Nov 2026 at 09:00, Ana Ruiz via Acme Support\n<support@acme.example> wrote:",
        "Am 16.11.2026 um 09:00 schrieb Ana Ruiz via Acme Support <support@acme.example>:",
        "Ana Ruiz via Acme Support <support@acme.example> schrieb am Mo., 16. Nov. 2026,\n09:00:",
    ],
)
def test_no_line_of_the_agents_is_taken_for_the_line_above_the_quotation(day: Day, above: str) -> None:
    agent = opened(day)
    mail = day.routed(agent)
    quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
    day.reply(agent, mail, f"Hello Ana,\n\nthe 15 mm one.\nPlease call us before Friday\n{above}\n{quoted}", quote=False)
    words = words_of(day).text.replace("\r\n", "\n")
    assert words.startswith("Hello Ana,\n\nthe 15 mm one.\nPlease call us before Friday\n\n")


# --- the store


def test_a_date_that_cannot_be_parked_is_not_forgotten(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(day)
    day.clock.move(timedelta(days=2))

    def full(*_: object) -> None:
        raise Temporary("the disk is full")

    def broken(*_: object) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteTransaction, "park", full)
        patch.setattr(SqliteTransaction, "latest_message", broken)
        with pytest.raises(Temporary):
            keep_house(day.office)
    assert day.store.in_hand(KINDS) == 0
    assert keep_house(day.office) > 0


def test_a_date_that_is_moved_while_it_is_in_hand_has_not_come(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = resolved(day)
    mail, claim = day.routed(agent), day.store.claim

    def slowly(kinds: Sequence[JobKind], now: datetime, limit: int) -> list[Job]:
        jobs = claim(kinds, now, limit)
        if (
            JobKind.ASK in {job.kind for job in jobs} and len(day.mailbox.mails) == 2
        ):  # before the first of them is worked on, the agent's next mail is triaged
            day.reply(agent, mail, "resolve\n\nHello Ana,\none more thing: grease it.", run=False)
            assert fetch(day.source, day.store, day.clock) == 1 and triage(day.office) == 1
        return jobs

    monkeypatch.setattr(day.store, "claim", slowly)
    day.pass_(days=2, minutes=1)
    assert kinds(day, ANA_AT) == ["reply", "reply"]
    day.pass_(days=2, minutes=1)
    assert kinds(day, ANA_AT) == ["reply", "reply", "follow_up"]


def test_a_daily_check_that_failed_once_runs_again_the_next_day(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(day)

    def broken(*_: object) -> None:
        raise ValueError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(SqliteTransaction, "open_cases", broken)
        day.pass_(days=1)
    with day.store.transaction() as tx:
        tx.apply((Cancel(case=day.case().number, kinds=tuple(JobKind)),), ACME, day.at())
    day.pass_(days=1)
    assert "no next step" in day.last(PETRA, lambda mail: "next step" in mail.subject).text


def test_a_step_that_was_parked_is_taken_when_it_is_planned_anew(day: Day) -> None:
    agent = opened(day)
    day.store._connection.execute("update job set parked_at = 1, error = 'a bug', crashes = 3 where kind = 'escalate'")
    day.pass_(hours=12)
    day.write(ANA, "Re: Front wheel [#1001]", "Which one now?")
    day.pass_(days=2)
    assert "still waits" in day.last(agent).text


def test_looking_up_a_mail_to_send_does_not_read_the_whole_backlog(day: Day) -> None:
    answered(day)
    seen: list[str] = []
    day.store._connection.set_trace_callback(seen.append)
    day.store.outgoing(day.mailer.delivered[0].number)
    day.store._connection.set_trace_callback(None)
    steps = day.store._connection.execute(f"explain query plan {seen[0]}").fetchall()
    assert not [step["detail"] for step in steps if step["detail"].startswith("SCAN")]


def test_another_mailbox_of_ours_in_copy_is_no_reader(day: Day) -> None:
    _second_brand(day)
    day.write(ANA, "Front wheel", CALM, cc="help@beta.example, Luis <luis@example.org>")
    assert [reader.email for reader in day.case().participants] == ["luis@example.org"]
