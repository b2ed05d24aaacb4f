"""Agents work by mail: what they write is words, a note or a command, and customers answer as people do."""

from __future__ import annotations

import pytest

from inboxd.core.model import AgentName, Answer, CaseState, Outcome
from tests.stories.day import SUPPORT, Day, Letterbox
from tests.stories.steps import (
    ANA,
    CALM,
    FURIOUS,
    JONAS,
    MARIA,
    agents_mail,
    asked,
    holder,
    kinds,
    opened,
    question,
    resolved,
    tap,
    words_of,
)

ANA_AT, LUIS_AT = "ana@example.org", "luis@example.org"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def day() -> Day:
    return Day()


def files(mail: Letterbox) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_content() for part in mail.message.iter_attachments()}


# --- words


def test_the_customer_reads_the_agents_words_and_their_own_mail_and_nothing_else(day: Day) -> None:
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), "Hello Ana,\nit is on its way.\n\n-- \nMaria Lindt | Acme | 5th floor")
    mail = words_of(day)
    assert mail.sender == f"{agent.partition('@')[0].capitalize()} at Acme Support"
    assert str(mail.message["From"]).endswith(f"<{SUPPORT}>") and mail.message["Reply-To"] is None
    assert mail.subject == "Re: Front wheel [#1001]"
    lines = mail.text.splitlines()
    assert lines[:2] == ["Hello Ana,", "it is on its way."] and "5th floor" not in mail.text
    assert f"> {FURIOUS}" in mail.text
    assert mail.message["Auto-Submitted"] is None  # a person wrote it
    assert mail.message["In-Reply-To"] == "<m1.1794819600@mail.example>"


def test_a_plain_reply_that_is_simply_sent_gets_no_confirmation(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    assert kinds(day, agent) == ["routed"]


def test_any_agent_who_got_the_mail_may_answer_it_and_the_customer_sees_who_did(day: Day) -> None:
    the_question, first = asked(day, FURIOUS), holder(day)
    day.reply(ANA, the_question, "No, it does not fit.")
    assert holder(day) != first
    day.reply(first, day.routed(first), "Hello Ana,\nI know the part.")
    assert words_of(day).sender.startswith(first.partition("@")[0].capitalize())


# --- notes and commands


def test_a_note_stays_among_us_and_reaches_whoever_holds_the_case(day: Day) -> None:
    the_question, first = asked(day, FURIOUS), holder(day)
    day.reply(ANA, the_question, "No, it does not fit.")
    before, second = len(day.inbox(ANA_AT)), holder(day)
    day.reply(first, day.last(first), "The right part lies on shelf 9.")  # a reply to a notice
    assert "shelf 9" in day.last(second).text and first.partition("@")[0].capitalize() in day.last(second).text
    day.reply(first, day.routed(first), "Note: it is the blue box.")  # the first word decides
    assert "blue box" in day.last(second).text
    assert len(day.inbox(ANA_AT)) == before and day.case().state is CaseState.OPEN


def test_resolve_with_words_sends_them_and_says_what_was_done(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Resolve.\n\nHello Ana,\nthe 15 mm one.\n-- \nMaria Lindt | Acme")
    transcript = day.last(agent)
    assert transcript.text.startswith("Done, ") and "the 15 mm one." in transcript.text
    assert "on Wednesday 18 November after 09:00 Ana is asked" in transcript.text.replace("\r\n", " ")
    assert "Left out: your signature" in transcript.text
    assert transcript.message["Auto-Submitted"] == "auto-generated"
    assert "esolve" not in words_of(day).text and day.case().state is CaseState.RESOLVED


def test_a_reply_to_the_transcript_never_reaches_the_customer(day: Day) -> None:
    agent = resolved(day)
    day.reply(agent, day.last(agent), "Lovely, that was easy.")
    assert kinds(day, ANA_AT) == ["reply"] and "easy" not in words_of(day).text


def test_help_shows_what_can_be_done_and_changes_nothing(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "help")
    assert all(word in day.last(agent).text for word in ("note", "resolve", "help"))
    assert not day.inbox(ANA_AT) and day.case().state is CaseState.OPEN


def test_a_slip_of_the_finger_comes_back_and_the_mended_text_goes_out(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "resolv\n\nHello Ana,\nthe 15 mm one.")
    back = day.last(agent)
    assert back.outgoing.kind == "returned" and "Did you mean: resolve" in back.text and "the 15 mm one." in back.text
    assert not day.inbox(ANA_AT) and day.case().state is CaseState.OPEN
    day.reply(agent, back, "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert "the 15 mm one." in words_of(day).text and "resolv" not in words_of(day).text
    assert day.case().state is CaseState.RESOLVED


def test_a_reply_that_quotes_something_else_comes_back(day: Day) -> None:
    agent = opened(day)
    other = "Hello Ana,\nsee below.\n\nOn Mon, 9 Nov 2026, Supplier <sales@supplier.example> wrote:\n> our secret price is twelve\n"
    day.reply(agent, day.routed(agent), other, quote=False)
    assert not day.inbox(ANA_AT)
    assert day.last(agent).outgoing.kind == "returned" and "quotes something" in day.last(agent).text


def test_an_empty_reply_comes_back(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "")
    assert not day.inbox(ANA_AT) and day.last(agent).outgoing.kind == "returned"


def test_an_agents_out_of_office_note_reaches_nobody(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "I am away until Monday.", headers={"Auto-Submitted": "auto-replied"})
    assert not day.inbox(ANA_AT) and day.case().state is CaseState.OPEN
    assert {str(mail.outgoing.kind) for mail in agents_mail(day)} == {"routed"}, "only whoever stands in hears of the case"


# --- attachments and other readers


def test_attachments_travel_both_ways(day: Day) -> None:
    day.write(ANA, "Broken wheel", CALM, attach=("wheel.png", PICTURE))
    agent = holder(day)
    assert files(day.routed(agent)) == {"wheel.png": PICTURE}
    day.reply(agent, day.routed(agent), "Hello Ana,\nhere is a drawing.", attach=("drawing.png", PICTURE[::-1]))
    assert files(words_of(day)) == {"drawing.png": PICTURE[::-1]}


@pytest.mark.parametrize("quote", [True, False])
def test_a_file_without_a_word_is_sent(day: Day, quote: bool) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "", attach=("drawing.png", PICTURE), quote=quote)
    assert files(words_of(day)) == {"drawing.png": PICTURE}
    assert words_of(day).text.split()[0] == agent.partition("@")[0].capitalize()


def test_the_customers_other_readers_stay_on_the_reply_but_are_not_asked(day: Day) -> None:
    day.write(ANA, "Broken wheel", CALM, cc="Luis Ruiz <luis@example.org>", to=f"{SUPPORT}, mia@example.org")
    agent = holder(day)
    routed = day.routed(agent)
    assert LUIS_AT not in f"{routed.message['To']}{routed.message['Cc']}"  # "reply all" cannot reach them
    assert "Luis" in routed.text
    day.reply(agent, routed, "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert words_of(day).outgoing.envelope_to == (ANA_AT, "mia@example.org", LUIS_AT)
    day.pass_(days=3)
    assert question(day).outgoing.envelope_to == (ANA_AT,)


def test_a_reader_in_copy_who_answers_is_heard_in_the_same_case(day: Day) -> None:
    day.write(ANA, "Broken wheel", CALM, cc="Luis Ruiz <luis@example.org>")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.reply("Luis Ruiz <luis@example.org>", words_of(day), "It does not fit ours.")
    assert day.case().number == 1001 and day.case().state is CaseState.OPEN
    assert "does not fit ours" in day.routed(agent).text


# --- the two answers that can be tapped


def test_a_tapped_yes_closes_the_case_two_minutes_later(day: Day) -> None:
    the_question = asked(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.SATISFIED)
    assert day.case().state is CaseState.RESOLVED
    day.pass_(minutes=3)
    assert (day.case().state, day.case().outcome) == (CaseState.CLOSED, Outcome.SATISFIED)


def test_a_tapped_not_yet_reopens_the_case(day: Day) -> None:
    the_question, agent = asked(day, FURIOUS), holder(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(minutes=3)
    assert day.case().state is CaseState.OPEN and holder(day) == (JONAS if agent == MARIA else MARIA)


def unchanged(day: Day) -> None:
    assert (day.case().state, day.case().outcome, day.case().good_sign) == (CaseState.RESOLVED, Outcome.UNKNOWN, False)


@pytest.mark.parametrize("said", [Answer.SATISFIED, Answer.DISSATISFIED])
def test_an_answer_within_ten_seconds_of_delivery_is_a_machines_and_changes_nothing(day: Day, said: Answer) -> None:
    the_question = asked(day)
    day.clock.at = the_question.outgoing.created_at
    day.pass_(seconds=5)
    tap(day, the_question, said)
    day.pass_(minutes=5)
    unchanged(day)


def test_both_answers_within_two_minutes_are_a_machines_and_change_nothing(day: Day) -> None:
    the_question = asked(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(seconds=30)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(minutes=5)
    unchanged(day)
    day.pass_(hours=1)  # and then the person answers
    day.reply(ANA, the_question, "Yes, it is solved.")
    assert day.case().outcome is Outcome.SATISFIED


def test_a_yes_from_another_address_is_kept_as_text_and_a_person_looks(day: Day) -> None:
    the_question, agent = asked(day), holder(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.SATISFIED, sender="Somebody <somebody@example.com>", text="Yes, it is solved, says somebody.")
    day.pass_(minutes=5)
    unchanged(day)
    assert "says somebody" in day.routed(agent).text


def test_a_tap_that_the_customer_corrects_in_words_is_no_good_sign(day: Day) -> None:
    the_question, agent = asked(day, FURIOUS), holder(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(seconds=40)
    day.reply(ANA, the_question, "Sorry, that was the wrong one. No, it does not work, the wheel is still broken.")
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome, day.case().good_sign) == (CaseState.OPEN, Outcome.DISSATISFIED, False)
    assert not [mail for mail in agents_mail(day) if "says it is solved" in mail.text]
    assert holder(day) == (JONAS if agent == MARIA else MARIA)
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nhere is the right one.")
    day.pass_(days=3)
    assert kinds(day, ANA_AT).count("follow_up") == 2


def test_a_tapped_not_yet_that_the_customer_corrects_in_words_does_not_reopen_the_case(day: Day) -> None:
    the_question = asked(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(seconds=40)
    day.reply(ANA, the_question, "Yes, it is solved.")
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome, day.case().reopened) == (CaseState.CLOSED, Outcome.SATISFIED, 0)


@pytest.mark.parametrize("words", ["Thank you so much!", "Yes, it is solved."])
def test_a_tapped_yes_still_counts_beside_kind_words(day: Day, words: str) -> None:
    the_question = asked(day)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(seconds=40)
    day.reply(ANA, the_question, words)
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome) == (CaseState.CLOSED, Outcome.SATISFIED)


def test_a_tapped_not_yet_still_counts_beside_more_about_it(day: Day) -> None:
    the_question = asked(day, FURIOUS)
    day.pass_(minutes=5)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(seconds=40)
    day.reply(ANA, words_of(day), "What I meant is the rear wheel. What can I do about it?")
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome) == (CaseState.OPEN, Outcome.DISSATISFIED)


# --- the case went on after the question


@pytest.mark.parametrize("words", ["One thing more: oil the bearing now and then.", "resolve"])
def test_a_tap_on_the_question_after_the_agent_wrote_once_more_counts(day: Day, words: str) -> None:
    the_question, agent = asked(day), holder(day)
    day.reply(agent, day.routed(agent), words)
    day.pass_(hours=3)
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome, day.case().reopened) == (CaseState.CLOSED, Outcome.SATISFIED, 0)


def test_a_not_yet_on_the_question_after_the_agent_wrote_once_more_goes_to_a_senior(day: Day) -> None:
    the_question, agent = asked(day, FURIOUS), holder(day)
    day.reply(agent, day.routed(agent), "One thing more: oil the bearing now and then.")
    day.pass_(hours=3)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(minutes=5)
    assert day.case().outcome is Outcome.DISSATISFIED and holder(day) == (JONAS if agent == MARIA else MARIA)


def test_a_tap_on_the_question_after_the_case_went_on_and_was_resolved_again_counts(day: Day) -> None:
    the_question = asked(day)
    day.reply(ANA, words_of(day), "The other wheel squeaks. What helps?")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\na drop of oil.")
    day.pass_(days=3)
    assert kinds(day, ANA_AT).count("follow_up") == 1, "nobody is asked twice within two weeks"
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome, day.case().reopened) == (CaseState.CLOSED, Outcome.SATISFIED, 1)


def test_a_tap_on_an_earlier_question_counts_when_another_was_sent_since(day: Day) -> None:
    first = asked(day)
    day.reply(ANA, first, "No, it does not fit.")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nhere is the right one.")
    day.pass_(days=3)
    assert kinds(day, ANA_AT).count("follow_up") == 2
    tap(day, first, Answer.SATISFIED)
    day.pass_(minutes=5)
    assert (day.case().state, day.case().outcome) == (CaseState.CLOSED, Outcome.WON_BACK)


def test_both_answers_to_a_question_after_the_agent_wrote_once_more_are_still_a_machines(day: Day) -> None:
    the_question, agent = asked(day), holder(day)
    day.reply(agent, day.routed(agent), "One thing more: oil the bearing now and then.")
    day.pass_(hours=3)
    tap(day, the_question, Answer.SATISFIED)
    day.pass_(seconds=30)
    tap(day, the_question, Answer.DISSATISFIED)
    day.pass_(minutes=5)
    unchanged(day)


# --- new things


def test_a_yes_with_something_new_closes_the_case_and_opens_a_linked_one(day: Day) -> None:
    the_question = asked(day)
    day.reply(ANA, the_question, "Yes, it is solved, thank you. One more thing: how do I change my invoice address?")
    assert (day.case(1001).state, day.case(1001).outcome) == (CaseState.CLOSED, Outcome.SATISFIED)
    new = day.case()
    assert (new.number, new.linked_to, new.state) == (1002, 1001, CaseState.OPEN)
    assert "invoice address" in day.routed(holder(day)).text and "[#1002]" in day.routed(holder(day)).subject
    day.reply(holder(day), day.routed(holder(day)), "Hello Ana,\nin your account.")
    assert day.case(1002).state is CaseState.WAITING


def test_an_answer_by_a_mail_without_any_thread_still_finds_its_case_by_the_tag(day: Day) -> None:
    asked(day)
    day.write(ANA, "AW: Front wheel [#1001]", "It does not turn any more. What now?")
    assert day.case().number == 1001 and day.case().state is CaseState.OPEN


def test_a_yes_that_was_taken_back_is_not_shown_as_unanswered() -> None:
    day = Day()
    day.write(ANA, "Bike without a front axle", "Hello, the axle for the front wheel is missing.")
    first = day.routed(day.office.rules.book.agents[day.case().assignee or AgentName("")].emails[0])
    day.reply(first.outgoing.envelope_to[0], first, "resolve\n\nHello Ana, it is on its way.")
    day.pass_(days=3)
    day.reply(ANA, day.last("ana@example.org"), "Yes, it is solved, thank you.")
    day.pass_(days=1)
    day.reply(ANA, day.last("ana@example.org"), "No, it is the wrong one and does not fit.")
    brief = day.routed(day.office.rules.book.agents[day.case().assignee or AgentName("")].emails[0]).text
    assert '"Yes, it is solved, thank you."' in brief
    assert '"Yes, it is solved, thank you." (not answered)' not in brief
