"""The life of a case, row by row as the design has it: what people write and do, and what becomes of the case."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from inboxd.core.lifecycle import advance
from inboxd.core.model import Advance, CaseEvent, CaseNo, CaseState, MailboxName, Outcome
from inboxd.core.rulebook import SENIORS
from inboxd.daemon.fetch import Source, fetch
from tests.fakes import FakeMailbox
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import (
    ANA,
    BEN,
    CALM,
    FURIOUS,
    JONAS,
    MARIA,
    PETRA,
    SAME_PROBLEM,
    TOM,
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
from tests.stories.test_people_away import away, in_force

ANA_AT = "ana@example.org"
LUIS = "Luis Ruiz <luis@example.org>"
FIRST, LAST = date(2026, 11, 16), date(2026, 11, 30)  # the day begins on the first
S = CaseState


@pytest.fixture
def day() -> Day:
    return Day()


# --- open


def test_open_and_the_customer_writes_again_the_case_stays_open_and_the_agent_gets_it(day: Day) -> None:
    agent = opened(day)
    day.pass_(minutes=20)
    day.write(ANA, "Re: Front wheel [#1001]", SAME_PROBLEM)
    assert (day.case().number, day.case().state) == (1001, S.OPEN)
    assert "silver model" in day.routed(agent).text


def test_thanks_in_advance_are_no_word_that_it_works(day: Day) -> None:
    agent = opened(day)
    day.pass_(minutes=20)
    day.write(ANA, "Re: Front wheel [#1001]", "Thank you very much in advance!\nAna")
    assert (day.case().number, day.case().state, day.case().good_sign) == (1001, S.OPEN, False)
    assert "in advance" in day.last(agent).text and "Nothing to do" not in day.last(agent).text
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.pass_(days=3)
    assert "follow_up" in kinds(day, ANA_AT)


def test_open_and_an_agent_replies_the_customer_has_the_word(day: Day) -> None:
    answered(day)
    assert day.case().state is S.WAITING
    assert "the 15 mm one." in words_of(day).text


def test_open_and_an_agent_resolves_the_customer_will_be_asked(day: Day) -> None:
    agent = resolved(day)
    assert day.case().state is S.RESOLVED and day.case().resolved_by == agent.partition("@")[0]
    assert "follow_up" not in kinds(day, ANA_AT)
    day.pass_(days=2, minutes=1)
    assert "Is it?" in question(day).text


# --- waiting


def test_waiting_and_the_customer_writes_it_is_open_again(day: Day) -> None:
    agent = answered(day)
    day.pass_(hours=3)
    day.reply(ANA, words_of(day), "It does not turn. Is there another one?")
    assert day.case().state is S.OPEN and day.case().reopened == 0
    assert day.case().due_at is not None
    assert "It does not turn" in day.routed(agent).text


def test_waiting_and_the_customer_thanks_it_stays_and_the_agent_reads_the_thanks(day: Day) -> None:
    agent = answered(day)
    day.reply(ANA, words_of(day), "Thank you, that was quick!")
    assert day.case().state is S.WAITING and day.case().good_sign
    assert "that was quick" in day.last(agent).text
    day.pass_(days=30)
    assert "follow_up" not in kinds(day, ANA_AT)  # who said that it works is not asked


def test_a_thanks_on_the_way_then_a_complaint_is_asked_after_resolve(day: Day) -> None:
    agent = answered(day, words="Hello Ana,\nwe have sent you a new one. It will come this week.")
    day.reply(ANA, words_of(day), "Thank you very much!")
    assert day.case().good_sign
    day.pass_(days=2)
    day.reply(ANA, words_of(day), "The wheel has not come. I still wait for it. What now?")
    assert day.case().state is S.OPEN and not day.case().good_sign
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nhere it is.")
    day.pass_(days=3)
    assert "follow_up" in kinds(day, ANA_AT)


def test_waiting_and_the_agent_replies_again_it_still_waits(day: Day) -> None:
    agent = answered(day)
    day.pass_(days=4)
    day.reply(agent, day.routed(agent), "One more thing: turn it to the left.")
    assert day.case().state is S.WAITING
    day.pass_(days=4)  # the silence counts from the last word
    assert day.case().state is S.WAITING


def test_waiting_and_the_agent_resolves(day: Day) -> None:
    agent = answered(day)
    day.reply(agent, day.routed(agent), "resolve")
    assert day.case().state is S.RESOLVED
    assert kinds(day, ANA_AT) == ["reply"]  # a bare command sends nothing


def test_waiting_and_silence_counts_as_resolved_and_the_customer_is_asked(day: Day) -> None:
    agent = answered(day)
    day.pass_(days=4, hours=23)
    assert day.case().state is S.WAITING
    day.pass_(hours=2)
    assert day.case().state is S.RESOLVED and day.case().by_silence
    name = agent.partition("@")[0].capitalize()
    assert f"{name} answered you on 16 November" in question(day).text
    assert "believes" not in question(day).text


def test_silence_can_be_left_out_by_the_rules() -> None:
    shipped = Day().office.rules.book
    day = Day(book=replace(shipped, follow_up=replace(shipped.follow_up, ask_when_waiting=None)))
    answered(day)
    day.pass_(days=30)
    assert day.case().state is S.WAITING and "follow_up" not in kinds(day, ANA_AT)


# --- resolved, and asked


def test_resolved_and_satisfied_is_closed(day: Day) -> None:
    agent = resolved(day)
    day.pass_(days=3)
    day.reply(ANA, question(day), "Yes, it is solved.")
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.SATISFIED)
    assert day.last(agent).text.startswith("Ana says it is solved.")
    before = len(day.inbox(ANA_AT))
    day.pass_(days=60)
    assert len(day.inbox(ANA_AT)) == before


def test_resolved_and_dissatisfied_is_reopened_for_a_senior_who_was_not_part_of_it(day: Day) -> None:
    agent = resolved(day, FURIOUS)
    day.pass_(days=3)
    before = len(day.inbox(ANA_AT))
    day.reply(ANA, question(day), "No, it is the wrong one and does not fit.")
    case, other = day.case(), JONAS if agent == MARIA else MARIA
    assert (case.state, case.outcome, case.reopened) == (S.OPEN, Outcome.DISSATISFIED, 1)
    assert holder(day) == other and "does not fit" in day.routed(other).text
    assert "Ana says it is not solved" in day.last(agent).text  # whoever had it hears of it in one line
    assert len(day.inbox(ANA_AT)) == before  # the next thing Ana reads is from a person


def test_where_all_seniors_had_their_try_the_lead_gets_it(day: Day) -> None:
    the_question, agent = asked(day, FURIOUS), holder(day)
    day.reply(ANA, the_question, "No, it does not fit.")
    second = holder(day)
    assert second != agent
    day.reply(second, day.routed(second), "resolve\n\nHello Ana,\nhere is another one.")
    day.pass_(days=3)
    day.reply(ANA, question(day), "No, it still does not work.")
    assert holder(day) == PETRA and day.case().reopened == 2


def no_after_jonas(day: Day, *gone: str) -> None:
    """Maria is away, Jonas resolves, and Ana says that it is not solved while these are away."""
    shipped = day.office.rules.book
    in_force(day, away(shipped, "maria", FIRST, LAST))
    day.write(ANA, "Front wheel", FURIOUS)
    day.reply(JONAS, day.routed(JONAS), "resolve\n\nHello Ana,\nhere is a new one.")
    day.pass_(days=3)
    book = shipped
    for name in gone:
        book = away(book, name, FIRST, LAST)
    in_force(day, book)
    day.reply(ANA, question(day), "No, it does not work.")


def test_a_no_goes_to_the_lead_and_not_to_a_junior_when_no_fresh_senior_is_there(day: Day) -> None:
    no_after_jonas(day, "maria")
    assert holder(day) == PETRA and "Ana says it is not solved" in day.routed(PETRA).text


def test_a_no_goes_to_the_lead_and_not_to_a_junior_when_the_fresh_senior_has_enough_to_do(day: Day) -> None:
    book = day.office.rules.book
    seniors = replace(book.teams[SENIORS], at_most=0)
    in_force(day, replace(book, teams={**book.teams, SENIORS: seniors}))
    day.reply(ANA, asked(day, FURIOUS), "No, it does not work.")
    assert holder(day) == PETRA


def test_a_no_goes_to_a_senior_who_tried_before_when_the_lead_is_away_too(day: Day) -> None:
    no_after_jonas(day, "maria", "petra")
    assert holder(day) == JONAS


def test_a_no_goes_to_whoever_is_there_when_seniors_and_lead_are_away(day: Day) -> None:
    no_after_jonas(day, "maria", "jonas", "petra")
    assert holder(day) == TOM


def test_resolved_and_an_unclear_answer_stays_and_a_person_reads_it(day: Day) -> None:
    the_question = asked(day)
    agent = holder(day)
    day.reply(ANA, the_question, "I will see on Friday.")
    assert day.case().state is S.RESOLVED
    assert "I will see on Friday." in day.routed(agent).text
    day.pass_(days=30)
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.UNKNOWN)


def test_an_unclear_answer_that_asks_something_is_answered_by_an_hour(day: Day) -> None:
    the_question = asked(day)
    agent = holder(day)
    day.reply(ANA, the_question, "Perhaps. Can the other wheel come on Monday or not?")
    assert day.case().state is S.OPEN and day.case().due_at is not None
    assert day.routed(agent).text.splitlines()[0] == "Ana answered. Is it solved? Please read. By 13:01 today."
    assert day.events("answer.read") == 1


def test_thanks_in_a_grave_case_are_passed_on_without_a_smile(day: Day) -> None:
    agent = opened(day, "My husband passed away last week. How do I give his bike back?")
    day.reply(agent, day.routed(agent), "Hello Ana,\n\nI am sorry for your loss. We collect it on Friday.")
    day.reply(ANA, words_of(day), "Thank you so much.")
    said = " ".join(day.last(agent).text.split())
    assert '"Thank you so much."' in said and "Enjoy" not in said


def test_resolved_and_thanked_is_not_asked(day: Day) -> None:
    agent = resolved(day)
    day.reply(ANA, words_of(day), "Thank you so much!")
    assert day.case().state is S.RESOLVED and day.case().good_sign
    assert "Thank you so much!" in day.last(agent).text
    day.pass_(days=30)
    assert "follow_up" not in kinds(day, ANA_AT)
    assert day.case().state is S.CLOSED


def test_thanks_of_a_reader_in_copy_do_not_speak_for_the_customer(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM, cc=LUIS)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.reply(LUIS, day.last("luis@example.org"), "Thank you so much!")
    assert day.case().state is S.RESOLVED and not day.case().good_sign
    assert "Thank you so much!" in day.last(agent).text
    assert "Luis wrote this" in day.last(agent).text and "not ask" not in day.last(agent).text
    day.pass_(days=3)
    assert "follow_up" in kinds(day, ANA_AT)


def test_resolved_and_something_else_written_is_reopened_and_not_asked(day: Day) -> None:
    resolved(day)
    day.pass_(days=1)
    day.reply(ANA, words_of(day), "The spanner arrived bent. What now?")
    assert day.case().state is S.OPEN and day.case().reopened == 1
    assert holder(day) in (MARIA, JONAS), "cases that came back go to a senior"
    day.pass_(days=2)
    assert "follow_up" not in kinds(day, ANA_AT)


def test_resolved_and_the_agent_writes_once_more_the_ask_starts_over(day: Day) -> None:
    agent = resolved(day)
    day.pass_(days=1)
    day.reply(agent, day.routed(agent), "And turn it gently.")
    assert day.case().state is S.RESOLVED
    day.pass_(days=1, hours=23)
    assert "follow_up" not in kinds(day, ANA_AT)
    day.pass_(hours=2)
    assert kinds(day, ANA_AT).count("follow_up") == 1


def refused(day: Day) -> str:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "could not: 40 days are over\n\nHello Ana,\nwe cannot take it back, because 40 days are over.")
    return agent


def test_after_a_refusal_that_became_a_yes_nobody_is_told_of_a_no(day: Day) -> None:
    refused(day)
    day.reply(ANA, words_of(day), "I was on a long journey. Can you not make an exception?")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nyes, we can. The money is on its way to you.")
    day.pass_(days=3)
    assert "had to say no" not in " ".join(question(day).text.split())


def test_who_takes_over_after_a_refusal_reads_that_the_answer_was_no(day: Day) -> None:
    refused(day)
    day.reply(ANA, words_of(day), "This is a disgrace. I am furious.")
    day.reply(holder(day), day.routed(holder(day)), "assign: petra")
    assert '"we cannot take it back, because 40 days are over."; could not' in " ".join(day.routed(PETRA).text.split())


def test_a_refusal_that_is_only_resolved_once_more_stays_one(day: Day) -> None:
    agent = refused(day)
    day.reply(agent, day.routed(agent), "resolve")
    day.pass_(days=3)
    assert "had to say no" in " ".join(question(day).text.split())


def test_resolved_twice_the_ask_starts_over(day: Day) -> None:
    agent = resolved(day)
    day.pass_(days=1)
    day.reply(agent, day.routed(agent), "resolve")
    assert day.case().state is S.RESOLVED and day.case().round == 2
    day.pass_(days=1, hours=23)
    assert "follow_up" not in kinds(day, ANA_AT)
    day.pass_(hours=2)
    assert kinds(day, ANA_AT).count("follow_up") == 1


def test_no_answer_closes_as_unknown_and_never_as_satisfied_and_a_calm_question_gets_no_reminder(day: Day) -> None:
    asked(day)
    day.pass_(days=6, hours=23)
    assert day.case().state is S.RESOLVED
    day.pass_(days=1)
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.UNKNOWN)
    assert "reminder" not in kinds(day, ANA_AT)


def test_who_was_upset_is_reminded_once_and_then_left_alone(day: Day) -> None:
    asked(day, FURIOUS)
    day.pass_(days=5)
    assert kinds(day, ANA_AT)[-1] == "reminder"
    assert day.case().state is S.RESOLVED
    day.pass_(days=8)
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.UNKNOWN)
    day.pass_(days=30)
    assert kinds(day, ANA_AT).count("reminder") == 1


# --- closed


@pytest.mark.parametrize("later", [3, 60])
def test_a_late_no_reopens_however_late(day: Day, later: int) -> None:
    the_question = asked(day)
    agent = holder(day)
    day.pass_(days=8 + later)
    assert day.case().state is S.CLOSED
    day.reply(ANA, the_question, "No, it never worked.")
    assert (day.case().number, day.case().state, day.case().outcome) == (1001, S.OPEN, Outcome.DISSATISFIED)
    assert holder(day) != agent


def test_a_late_yes_is_still_counted(day: Day) -> None:
    the_question = asked(day)
    day.pass_(days=40)
    day.reply(ANA, the_question, "Yes, it is solved.")
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.SATISFIED)


def test_a_mail_within_the_grace_time_reopens_a_closed_case(day: Day) -> None:
    day.reply(ANA, asked(day), "Yes, it is solved.")
    day.pass_(days=13)
    day.reply(ANA, words_of(day), "It is loose again. What can I do?")
    assert (day.case().number, day.case().state, day.case().reopened) == (1001, S.OPEN, 1)


def test_a_yes_that_was_followed_by_a_complaint_and_silence_does_not_end_as_satisfied(day: Day) -> None:
    day.reply(ANA, asked(day), "Yes, it is solved.")
    day.pass_(days=3)
    day.reply(ANA, words_of(day), "It broke again, and nothing works now. What can I do?")
    assert (day.case().state, day.case().outcome) == (S.OPEN, Outcome.UNKNOWN)
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nhere is a new one.")
    day.pass_(days=20)
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.UNKNOWN)
    agent = opened(day, "The lamp does not shine. Why?", subject="A lamp")
    assert "ended well" not in day.routed(agent).text


def test_after_the_grace_time_it_is_a_new_case_linked_to_the_old_one(day: Day) -> None:
    day.reply(ANA, asked(day), "Yes, it is solved.")
    day.pass_(days=15)
    day.reply(ANA, words_of(day), "It is loose again. What can I do?")
    assert (day.case().number, day.case().linked_to, day.case().state) == (1002, 1001, S.OPEN)
    assert day.case(1001).state is S.CLOSED


def closed(day: Day) -> str:
    day.reply(ANA, asked(day), "Yes, it is solved.")
    assert day.case().state is S.CLOSED
    return holder(day)


def test_closed_and_the_agent_replies_it_waits(day: Day) -> None:
    agent = closed(day)
    day.reply(agent, day.routed(agent), "One more hint: keep it dry.")
    assert day.case().state is S.WAITING and "keep it dry" in words_of(day).text


def test_closed_and_the_agent_resolves_it_is_resolved(day: Day) -> None:
    agent = closed(day)
    day.reply(agent, day.routed(agent), "resolve")
    assert day.case().state is S.RESOLVED


def test_closed_and_thanked_it_stays_closed(day: Day) -> None:
    agent = closed(day)
    day.reply(ANA, words_of(day), "Thank you once more!")
    assert day.case().state is S.CLOSED and day.case().good_sign
    assert "Thank you once more!" in day.last(agent).text


# --- old answers to a case that goes on


def goes_on(day: Day, state: CaseState) -> None:
    """Asked, but the customer wrote something else first; where wanted, an agent has answered that."""
    asked(day)
    day.reply(ANA, words_of(day), "The other wheel squeaks. What helps?")
    if state is S.WAITING:
        agent = holder(day)
        day.reply(agent, day.routed(agent), "A drop of oil.")
    assert day.case().state is state


@pytest.mark.parametrize("state", [S.OPEN, S.WAITING])
def test_an_old_yes_leaves_a_case_that_goes_on_as_it_is(day: Day, state: CaseState) -> None:
    goes_on(day, state)
    day.reply(ANA, question(day), "Yes, it is solved.")
    assert day.case().state is state and day.case().good_sign


@pytest.mark.parametrize("state", [S.OPEN, S.WAITING])
@pytest.mark.parametrize("words", ["No, it does not work.", "I will see on Friday."])
def test_an_old_no_or_perhaps_in_a_case_that_goes_on_is_the_customers_next_word(day: Day, state: CaseState, words: str) -> None:
    goes_on(day, state)
    day.reply(ANA, question(day), words)
    assert day.case().state is S.OPEN
    assert words in day.routed(holder(day)).text


# --- merged (the core alone: nobody can say `merge` yet)


@pytest.mark.parametrize("state", [S.OPEN, S.WAITING, S.RESOLVED, S.CLOSED])
def test_any_case_can_be_merged(state: CaseState) -> None:
    assert advance(state, CaseEvent.MERGED) is S.MERGED


def test_whatever_comes_later_happens_to_the_case_it_was_merged_into(day: Day) -> None:
    opened(day)
    day.pass_(minutes=11)
    day.write(BEN, "Other wheel", "Hello, where is my other wheel?")
    merged = Advance(case=CaseNo(1002), event=CaseEvent.MERGED, state=S.MERGED, changes={"merged_into": CaseNo(1001)})
    with day.store.transaction() as tx:
        tx.apply((merged,), ACME, day.at())
        into = tx.case(CaseNo(1002))
    assert into is not None and into.number == 1001


# --- won back


def test_a_yes_after_a_no_is_a_person_won_back(day: Day) -> None:
    day.reply(ANA, asked(day, FURIOUS), "No, it does not fit.")
    second = holder(day)
    day.reply(second, day.routed(second), "resolve\n\nHello Ana,\nhere is the right one.")
    day.pass_(days=3)  # asked again within two weeks: a bad experience was repaired
    assert kinds(day, ANA_AT).count("follow_up") == 2
    day.reply(ANA, question(day), "Yes, it is solved.")
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.WON_BACK)


def test_who_was_won_back_and_comes_back_is_won_back_once_more(day: Day) -> None:
    day.reply(ANA, asked(day, FURIOUS), "No, it does not fit.")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nhere is the right one.")
    day.pass_(days=3)
    day.reply(ANA, question(day), "Yes, it is solved.")
    day.pass_(days=2)
    day.reply(ANA, words_of(day), "It broke again, and nothing works now. What can I do?")
    assert (day.case().state, day.case().outcome) == (S.OPEN, Outcome.DISSATISFIED)
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nhere is a stronger one.")
    day.pass_(days=3)
    day.reply(ANA, question(day), "Yes, it is solved.")
    assert (day.case().state, day.case().outcome) == (S.CLOSED, Outcome.WON_BACK)


# --- whom not to ask


def test_one_person_is_asked_at_most_once_in_two_weeks(day: Day) -> None:
    day.reply(ANA, asked(day), "Yes, it is solved.")
    resolved(day, "Hello,\nwhere can I buy a bell?", subject="Bell")
    day.pass_(days=13)
    assert kinds(day, ANA_AT).count("follow_up") == 1
    assert (day.case(1002).state, day.case(1002).outcome) == (S.CLOSED, Outcome.UNKNOWN)
    resolved(day, "Hello,\nwhere can I buy a lamp?", subject="Lamp")
    day.pass_(days=3)
    assert kinds(day, ANA_AT).count("follow_up") == 2


def test_who_would_rather_not_be_asked_is_not_asked_again(day: Day) -> None:
    day.reply(ANA, asked(day, FURIOUS), "Please do not ask me again.")
    day.pass_(days=40)
    assert kinds(day, ANA_AT).count("follow_up") == 1 and "reminder" not in kinds(day, ANA_AT)
    resolved(day, "Hello,\nwhere can I buy a bell?", subject="Bell")
    day.pass_(days=20)
    assert kinds(day, ANA_AT).count("follow_up") == 1


def test_the_wish_not_to_be_asked_does_not_swallow_the_no_beside_it(day: Day) -> None:
    day.reply(ANA, asked(day), "No, it does not work. And please do not ask me again.")
    assert day.case().state is S.OPEN and day.case().outcome is Outcome.DISSATISFIED
    assert day.events("person.opted_out") == 1


def test_who_wishes_not_to_be_asked_in_a_plain_mail_is_not_asked(day: Day) -> None:
    answered(day)
    day.pass_(hours=3)
    day.reply(ANA, words_of(day), "And for the back wheel? When it is done: please do not ask me again.")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nthe same.")
    assert "Ana is not asked whether it is solved" in " ".join(day.last(holder(day)).text.split())
    day.pass_(days=5)
    assert "follow_up" not in kinds(day, ANA_AT)


def test_who_wishes_not_to_be_asked_in_the_first_mail_is_not_asked(day: Day) -> None:
    resolved(day, "Hello,\nwhich spanner fits the front wheel? And please do not ask me again afterwards.")
    day.pass_(days=5)
    assert kinds(day, ANA_AT) == ["reply"]


def test_the_wish_of_a_reader_in_copy_is_not_the_customers(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM, cc=LUIS)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.reply(LUIS, day.last("luis@example.org"), "And for the back wheel? Please do not ask me again.")
    day.reply(holder(day), day.routed(holder(day)), "resolve\n\nHello Ana,\nthe same.")
    day.pass_(days=3)
    assert "follow_up" in kinds(day, ANA_AT)


def test_a_sensitive_matter_gets_nothing_automatic(day: Day) -> None:
    resolved(day, "My husband died last week. Please close his account.", subject="Account")
    day.pass_(days=30)
    assert kinds(day, ANA_AT) == ["reply"]


# --- after a bad answer


def lamp_resolved_while_the_wheel_is_not(day: Day) -> Letterbox:
    """The lamp (1002) was resolved yesterday, and today the question about the wheel (1001) is answered with no; the mail that says so."""
    mail = asked(day)
    day.pass_(days=15)
    resolved(day, subject="A lamp")
    day.pass_(days=1)
    day.reply(ANA, mail, "No, it never worked. I gave up.")
    assert day.case(1001).state is S.OPEN and day.case(1001).outcome is Outcome.DISSATISFIED
    return day.last(holder(day, 1001), lambda mail: mail.outgoing.kind == "routed" and mail.outgoing.case == 1001)


def test_after_a_bad_answer_no_machine_asks_about_another_matter_before_a_person_has_written(day: Day) -> None:
    mail = lamp_resolved_while_the_wheel_is_not(day)
    before = len(day.inbox(ANA_AT))
    day.pass_(days=3)
    assert not day.inbox(ANA_AT)[before:]
    day.reply(holder(day, 1001), mail, "Hello Ana,\nI am sorry. A new wheel is on its way.")
    day.pass_(days=1)
    assert [(mail.outgoing.kind, mail.outgoing.case) for mail in day.inbox(ANA_AT)[before:]] == [("reply", 1001), ("follow_up", 1002)]


def test_nor_does_a_machine_remind_of_another_matter(day: Day) -> None:
    first = asked(day)
    day.pass_(days=15)
    resolved(day, FURIOUS, subject="A lamp")
    day.pass_(days=3)
    assert question(day).outgoing.case == 1002
    day.reply(ANA, first, "No, it never worked. I gave up.")
    day.pass_(days=6)
    assert "reminder" not in kinds(day, ANA_AT)


# --- what the caps hold back


def capped(day: Day, **caps: int) -> None:
    """So little automatic mail may leave."""
    day.office.policy = replace(day.office.policy, caps=replace(day.office.policy.caps, **caps))


def test_questions_that_are_due_at_once_do_not_stop_all_automatic_mail(day: Day) -> None:
    capped(day, mailbox_automatic_in_10_minutes=5)
    day.clock.move(timedelta(hours=14))  # 23:00: all are asked at 8:00
    addresses = [f"p{number}@example.org" for number in range(8)]
    for address in addresses:
        resolved(day, sender=address)
        day.pass_(minutes=5)
    day.pass_(days=2, hours=12)
    times = [f"{question(day, address).outgoing.created_at:%H:%M}" for address in addresses]
    assert sorted(times) == ["08:00"] * 3 + ["08:10"] * 3 + ["08:20"] * 2
    assert not day.events("breaker.tripped") and not day.inbox("admin@acme.example")
    day.pass_(days=8)
    assert {day.case(1001 + number).state for number in range(8)} == {S.CLOSED}


def test_a_question_that_a_cap_withholds_is_asked_later_and_the_case_waits_for_it(day: Day) -> None:
    resolved(day)
    capped(day, automatic_a_week=0)
    day.pass_(days=12)
    assert "follow_up" not in kinds(day, ANA_AT) and day.case().state is S.RESOLVED
    capped(day, automatic_a_week=5)
    day.pass_(hours=1)
    assert kinds(day, ANA_AT).count("follow_up") == 1
    day.pass_(days=8)
    assert day.case().state is CaseState.CLOSED


def test_a_reminder_that_a_cap_withholds_comes_later(day: Day) -> None:
    asked(day, FURIOUS)
    capped(day, automatic_a_week=0)
    day.pass_(days=5)
    capped(day, automatic_a_week=5)
    assert "reminder" not in kinds(day, ANA_AT)
    day.pass_(hours=1)
    assert kinds(day, ANA_AT).count("reminder") == 1


# --- contacts


def contacts(day: Day) -> int:
    return int(day.store.look("select count(*) as n from message where contact = 1")[0]["n"])


def test_the_third_time_somebody_has_to_write_it_goes_to_a_senior(day: Day) -> None:
    for thing in ("a bell", "a lamp"):
        opened(day, f"Hello,\nwhere can I buy {thing}?", subject=thing)
        day.pass_(days=2)
        assert not day.case().repeat
    agent = opened(day, "Hello,\nwhere can I buy a lock?", subject="a lock")
    assert contacts(day) == 3 and day.case().repeat and "repeat" in day.case().labels
    assert agent in (MARIA, JONAS)


def test_contacts_long_ago_do_not_count(day: Day) -> None:
    for thing in ("a bell", "a lamp", "a lock"):
        opened(day, f"Hello,\nwhere can I buy {thing}?", subject=thing)
        day.pass_(days=8)
    assert contacts(day) == 3 and not day.case().repeat


def test_more_mails_to_a_case_within_half_an_hour_are_one_contact(day: Day) -> None:
    opened(day)
    for minutes in (12, 12):
        day.pass_(minutes=minutes)
        day.write(ANA, "Re: Front wheel [#1001]", SAME_PROBLEM)
    assert contacts(day) == 1
    day.pass_(minutes=31)
    day.write(ANA, "Re: Front wheel [#1001]", SAME_PROBLEM)
    assert contacts(day) == 2


def test_what_we_asked_for_is_no_contact_but_the_mail_after_it_is(day: Day) -> None:
    answered(day, words="Hello Ana,\nwhich model is it?")
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "The silver one.")
    assert contacts(day) == 1
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "And when will you write back?")
    assert contacts(day) == 2


def test_an_answer_without_a_question_of_ours_is_a_contact(day: Day) -> None:
    answered(day, words="Hello Ana,\nthe 15 mm one.")
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "It does not turn at all.")
    assert contacts(day) == 2


@pytest.mark.parametrize("answer", ["Yes, it is solved.", "No, it does not fit.", "I will see on Friday."])
def test_answers_to_the_follow_up_and_thanks_are_no_contacts(day: Day, answer: str) -> None:
    the_question = asked(day)
    day.reply(ANA, words_of(day), "Thank you so much!")
    day.reply(ANA, the_question, answer)
    assert contacts(day) == 1


# --- mails that belong together


def test_the_first_of_several_mails_is_handed_over_at_once_and_the_rest_together_after_five_quiet_minutes(day: Day) -> None:
    agent = opened(day)
    assert kinds(day, agent) == ["routed"]
    day.pass_(minutes=2)
    day.write(ANA, "I forgot", "It is the silver model.")
    day.pass_(minutes=4)
    day.write(ANA, "And also", "The frame number is 4711.")
    day.pass_(minutes=4, seconds=59)
    assert kinds(day, agent) == ["routed"]
    day.pass_(seconds=2)
    assert kinds(day, agent) == ["routed", "routed"]
    assert "silver model" in day.routed(agent).text and "4711" in day.routed(agent).text
    assert day.case().number == 1001


def test_a_mail_after_ten_minutes_is_a_case_of_its_own(day: Day) -> None:
    opened(day)
    day.pass_(minutes=11)
    opened(day, "Hello, where can I buy a bell?", subject="Bell")
    assert (day.case().number, day.case().linked_to) == (1002, 1001)


def test_two_people_who_write_at_once_have_two_cases(day: Day) -> None:
    opened(day)
    opened(day, CALM, BEN)
    assert day.case().number == 1002 and day.case().linked_to is None


def test_a_bare_subject_joins_nothing_and_neither_does_a_strangers_tag(day: Day) -> None:
    opened(day)
    day.write(BEN, "Re: Front wheel", "Mine, too. What now?")
    day.write("Eve <eve@example.com>", "Re: Front wheel [#1001]", "Tell me more about this.")
    assert day.case().number == 1003


def test_the_same_mail_in_two_of_our_mailboxes_is_one_message(day: Day) -> None:
    sales, box = MailboxName("sales"), FakeMailbox()
    day.office.mailboxes = {**day.office.mailboxes, sales: replace(day.office.mailboxes[ACME], name=sales, address="sales@acme.example")}
    source = Source(name=sales, mailbox=box, folder="INBOX")
    fetch(source, day.store, day.clock)
    day.write(ANA, "Bell", "Hello, where can I buy a bell?", to="support@acme.example, sales@acme.example")
    (raw, at) = day.mailbox.mails[1]
    box.put(b"Delivered-To: sales@acme.example\r\n" + raw, at)
    assert fetch(source, day.store, day.clock) == 0
    day.run()
    assert day.case().number == 1001 and len(agents_mail(day)) == 1
    assert [row["state"] for row in day.store.look("select state from sighting order by state desc")] == ["stored", "copy"]
