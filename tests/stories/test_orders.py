"""What agents order by mail: first words of a reply, all or nothing, with a short transcript as answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.core.model import Absent, AgentName, Answer, CaseState, JobKind, Outcome, Sentiment
from tests.stories.day import ACME, Day
from tests.stories.steps import (
    ANA,
    BEN,
    CALM,
    FURIOUS,
    JONAS,
    MARIA,
    PETRA,
    TOM,
    answered,
    asked,
    holder,
    kinds,
    opened,
    resolved,
    tap,
    words_of,
)

ANA_AT = "ana@example.org"


@pytest.fixture
def day() -> Day:
    return Day()


def order(day: Day, text: str, agent: str = "") -> str:
    """Reply to the mail that was routed; returns what came back."""
    agent = agent or holder(day)
    day.reply(agent, day.routed(agent), text)
    return flat(day.last(agent).text)


def away(day: Day, agent: str) -> None:
    absent = Absent(agent=AgentName(agent.partition("@")[0]), first=day.at().date(), last=day.at().date() + timedelta(days=14))
    with day.store.transaction() as tx:
        tx.apply((absent,), ACME, day.at())


def flat(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


def test_a_case_passed_on_goes_to_a_colleague_with_all_that_was_said(day: Day) -> None:
    giver = opened(day)
    said = order(day, "pass on\n")
    assert said.startswith("Done,") and "pass on: a colleague gets it" in said
    assert holder(day) != giver
    mail = day.routed(holder(day))
    assert flat(CALM) in flat(mail.text) and "passed it on" in mail.text
    assert kinds(day, ANA_AT) == [], "the customer hears nothing of it"


@pytest.mark.parametrize("line", ["assign: petra", "Assign: Petra.", "assign: petra@acme.example", "pass on: petra"])
def test_a_case_is_given_to_somebody_by_name(day: Day, line: str) -> None:
    opened(day)
    order(day, line)
    assert holder(day) == PETRA and flat(CALM) in flat(day.routed(PETRA).text)


def test_who_gives_it_to_somebody_away_is_told_so(day: Day) -> None:
    agent = opened(day)
    other = next(each for each in (TOM, JONAS) if each != agent)
    away(day, other)
    said = order(day, f"assign: {other.partition('@')[0]}", agent)
    assert "is away; it goes to somebody who is there" in said and holder(day) not in (agent, other)


def test_nobody_gets_their_own_case_however_it_is_passed_on(day: Day) -> None:
    day.write("Tom Baker <tom@acme.example>", "My bike", "Hello,\nmy own bike has a flat tyre. What can I do?\nTom")
    first = holder(day)
    assert first != TOM
    away(day, next(each for each in (MARIA, JONAS) if each != first))
    order(day, "pass on", first)
    assert holder(day) == PETRA, "who leads is there"
    order(day, "assign: tom", PETRA)
    assert holder(day) != TOM


def test_a_note_travels_with_the_case(day: Day) -> None:
    opened(day)
    order(day, "assign: petra\nnote: the supplier knows her")
    assert "the supplier knows her" in day.routed(PETRA).text


def test_a_case_is_given_to_a_team(day: Day) -> None:
    opened(day)
    assert holder(day) in (MARIA, JONAS, TOM)
    order(day, "team: seniors")
    assert holder(day) in (MARIA, JONAS)


def test_words_and_orders_leave_together(day: Day) -> None:
    agent = opened(day)
    said = order(day, "label: warehouse, axle\ngave: 20 EUR\n\nHello Ana,\nit is on its way.")
    assert "label: warehouse, axle: noted." in said and "gave: 20 EUR: noted beside the case." in said and "Ana will read:" in said
    assert flat(words_of(day).text).startswith("Hello Ana, it is on its way.") and "label" not in words_of(day).text
    assert day.case().labels == ("warehouse", "axle") and day.case().state is CaseState.WAITING
    assert day.events("case.gave") == 1 and agent in [holder(day)]


def test_orders_with_blank_lines_between_them_as_outlook_writes_them_are_orders(day: Day) -> None:
    opened(day)
    said = order(day, "label: axle\n\nurgent: yes\n\nHello Ana,\nthe 15 mm one.")
    assert "label: axle" in said and "urgent: yes" in said and day.case().labels == ("axle",)
    assert flat(words_of(day).text).startswith("Hello Ana, the 15 mm one.")


def test_a_slip_in_the_second_order_is_none_for_the_customer(day: Day) -> None:
    agent = opened(day)
    order(day, "label: axle\n\nurgnt: yes")
    assert kinds(day, ANA_AT) == [] and "Did you mean: urgent" in day.last(agent).text and day.case().labels == ()


def test_a_sentence_below_an_order_may_begin_like_one(day: Day) -> None:
    opened(day)
    order(day, "label: axle\n\nNote that it is the 15 mm one.")
    assert flat(words_of(day).text).startswith("Note that it is the 15 mm one.") and day.case().labels == ("axle",)


def test_one_mistake_and_nothing_is_done(day: Day) -> None:
    agent = opened(day)
    said = order(day, "label: warehouse\nassign: petr\nsnooze: soon\n\nHello Ana,\nit is on its way.")
    assert said.startswith("Nothing has left and nothing has changed")
    assert 'there is no agent "petr". Did you mean: petra' in said and "snooze: soon: I do not know that time." in said
    assert "label: warehouse is right and waits with the rest." in said and "it is on its way." in said
    assert day.case().labels == () and holder(day) == agent and kinds(day, ANA_AT) == []


def test_what_was_read_wrongly_is_put_right_and_learnt(day: Day) -> None:
    opened(day)
    said = order(day, "topic: refund\nsentiment: upset\nurgent: yes")
    assert "the reader learns from it" in said
    assert (day.case().topic, day.case().sentiment) == ("refund", Sentiment.UPSET)
    fields = {row["field"]: (row["value"], row["agent"]) for row in day.store.look("select * from correction")}
    assert {name: value for name, (value, _) in fields.items()} == {"topic": "refund", "sentiment": "upset", "urgent": "yes"}
    assert all(by.startswith("agent ") for _, by in fields.values())
    assert "there is no topic" in order(day, "topic: refnd") and "Did you mean: refund" in day.last(holder(day)).text


def test_a_case_sleeps_until_the_time_that_was_said(day: Day) -> None:
    agent = opened(day)
    before = day.case().due_at
    said = order(day, "snooze: 2 days")
    assert "it comes back on" in said and "or when Ana writes" in said
    asleep = day.at() + timedelta(days=2)
    assert before is not None and before < asleep and day.case().due_at == asleep
    day.pass_(hours=47)
    assert "still waits" not in "".join(mail.text for mail in day.inbox(agent))
    day.pass_(hours=2)
    assert "still waits" in day.last(agent).text


def test_a_sleeping_case_wakes_when_the_customer_writes(day: Day) -> None:
    opened(day)
    order(day, "snooze: until Friday")
    asleep = day.case().due_at
    day.pass_(hours=3)
    day.write(ANA, "Re: Front wheel [#1001]", "Are you there?")
    awake = day.case().due_at
    assert asleep is not None and awake is not None and awake < asleep


def test_a_case_put_off_with_words_comes_back_although_the_customer_is_silent(day: Day) -> None:
    agent = opened(day)
    said = order(day, "snooze: 2 days\n\nHello Ana,\nthe warehouse has to look for it.")
    assert "it comes back on Wednesday" in said and day.case().state is CaseState.WAITING
    before = len(day.inbox(agent))
    day.pass_(days=2, minutes=1)
    back = [mail for mail in day.inbox(agent)[before:] if mail.outgoing.kind == "routed"]
    assert len(back) == 1 and "you put it off until today" in flat(back[0].text) and "the warehouse has to look" in flat(back[0].text)
    assert day.case().state is CaseState.OPEN and day.case().due_at is not None
    order(day, "Hello Ana,\nit is on its way.")
    day.pass_(days=6)
    assert "follow_up" in kinds(day, ANA_AT)


def test_a_case_that_waits_can_be_put_off_and_nobody_is_asked_meanwhile(day: Day) -> None:
    agent = answered(day)
    day.pass_(hours=2)
    assert "it comes back on Tuesday" in order(day, "snooze: 1 day")
    before = len(day.inbox(agent))
    day.pass_(days=1, hours=1)
    assert [mail.outgoing.kind for mail in day.inbox(agent)[before:]] == ["routed"]
    assert day.case().state is CaseState.OPEN and "follow_up" not in kinds(day, ANA_AT)


def test_a_case_put_off_comes_to_somebody_who_is_there_on_the_day(day: Day) -> None:
    agent = answered(day)
    order(day, "snooze: 3 days")
    order(day, "away: until 30 November", agent)
    day.pass_(days=3, hours=1)
    assert holder(day) != agent and "the 15 mm one" in flat(day.routed(holder(day)).text)


def test_the_word_of_a_customer_wakes_a_case_that_waits(day: Day) -> None:
    agent = answered(day)
    order(day, "snooze: 3 days")
    day.reply(ANA, words_of(day), "And the rear one?")
    before = len(day.inbox(agent))
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 17 mm one.")
    day.pass_(days=4)
    assert day.case().state is CaseState.WAITING and [mail for mail in day.inbox(agent)[before:] if mail.outgoing.kind == "routed"] == []


def test_resolve_put_off_asks_later_and_never_twice(day: Day) -> None:
    agent = opened(day)
    assert "Ana is not asked before Monday 23 November" in order(day, "resolve\nsnooze: 7 days\n\nHello Ana,\nthe 15 mm one.")
    day.pass_(days=6)
    assert "follow_up" not in kinds(day, ANA_AT)
    day.pass_(days=4)
    assert kinds(day, ANA_AT).count("follow_up") == 1
    assert "nothing waits in it" in order(day, "snooze: 1 day", agent)
    day.pass_(days=9)
    assert kinds(day, ANA_AT).count("follow_up") == 1 and day.case().state is CaseState.CLOSED


def test_what_ends_a_case_is_about_the_case_of_the_mail(day: Day) -> None:
    opened(day)
    day.pass_(minutes=20)
    day.write(ANA, "Lamp", "The lamp does not shine. Why?")
    agent = holder(day, 1002)
    mail = day.last(agent, lambda mail: mail.outgoing.kind == "routed" and mail.outgoing.case == 1002)
    day.reply(agent, mail, "could not #1001: sold out\n\nHello Ana,\nit is sold out.")
    assert "answer the mail of #1001" in flat(day.last(agent).text)
    assert (day.case(1001).state, day.case(1002).state) == (CaseState.OPEN, CaseState.OPEN) and kinds(day, ANA_AT) == []


def test_a_refusal_is_kept_with_its_reason_and_asked_about_in_other_words(day: Day) -> None:
    agent = opened(day)
    said = order(day, "could not: sold out for good\n\nHello Ana,\nI am sorry, we have none left.")
    assert "not whether it is solved" in said
    assert (day.case().state, day.case().outcome) == (CaseState.RESOLVED, Outcome.COULD_NOT)
    assert day.events("case.could_not") == 1 and agent == holder(day)
    day.pass_(days=3)
    asked = day.last(ANA_AT)
    assert 'had to say no to "Front wheel"' in flat(asked.text) and "is solved" not in flat(asked.text)


def test_a_customer_who_shall_not_be_asked_is_not_asked(day: Day) -> None:
    opened(day)
    order(day, "resolve\nno follow-up\n\nHello Ana,\ndone.")
    day.pass_(days=10)
    assert "follow_up" not in kinds(day, ANA_AT) and day.case().state is CaseState.CLOSED


def test_no_follow_up_after_resolve_takes_the_question_back(day: Day) -> None:
    agent = opened(day)
    order(day, "resolve\n\nHello Ana,\ndone.")
    day.reply(agent, day.last(agent), "no follow-up")
    day.pass_(days=10)
    assert "follow_up" not in kinds(day, ANA_AT) and day.case().state is CaseState.CLOSED


def test_readers_come_and_go(day: Day) -> None:
    agent = opened(day)
    order(day, "cc: bob@example.org\n\nHello Ana,\nBob reads along.")
    assert [reader.email for reader in day.case().participants] == ["bob@example.org"]
    assert "bob@example.org" in str(words_of(day).message["Cc"])
    assert "is one of ours" in order(day, "cc: tom@acme.example", agent)
    assert "gets no more of it" in order(day, "drop: bob@example.org", agent)
    assert day.case().participants == ()


def test_two_cases_of_one_customer_become_one(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    day.write(ANA, "The wheel again", "I wrote about my wheel in the morning.")
    first, second = day.case(1001), day.case(1002)
    assert first.number != second.number
    agent = f"{second.assignee}@acme.example"
    day.reply(agent, day.last(agent, lambda mail: "#1002" in mail.subject), "merge: #1001")
    assert "it is one with" in flat(day.last(agent).text)
    merged = {row["id"]: row for row in day.store.look("select * from cases")}
    assert (merged[1002]["state"], merged[1002]["merged_into"]) == ("merged", 1001)
    day.write(ANA, "Re: The wheel again [#1002]", "Any news?")
    assert len(day.store.look("select * from cases")) == 2 and "Any news?" in day.routed(f"{day.case(1001).assignee}@acme.example").text
    assert not [job for job in day.store.look("select * from job where case_id = 1002") if job["kind"] != JobKind.SEND]


def test_a_case_of_somebody_else_is_not_merged(day: Day) -> None:
    opened(day)
    day.write(BEN, "Bell", "My bell is gone.")
    agent = holder(day, 1001)
    first = day.last(agent, lambda mail: "#1001" in mail.subject)
    day.reply(agent, first, "merge: #1002")
    said = flat(day.last(agent).text)
    assert "is somebody else's" in said and day.case(1001).state is CaseState.OPEN
    day.reply(agent, first, "merge: #4711")
    assert "there is no case #4711" in flat(day.last(agent).text)


def test_one_person_with_two_addresses(day: Day) -> None:
    opened(day)
    day.write("Ana R <ana.r@work.example>", "Wheel", "It is me again, from the office.")
    before = day.case(1002).customer
    agent = holder(day, 1001)
    day.reply(agent, day.last(agent, lambda mail: "#1001" in mail.subject), "same as: ana.r@work.example")
    assert "ana.r@work.example and Ana are one person now" in flat(day.last(agent).text)
    assert day.case(1001).customer == day.case(1002).customer != before
    (event,) = day.store.look("select data from event where kind = 'person.same_as'")
    assert str(before) in event["data"], "what was changed stands in the event, so that it can be taken back"


WORK = "ana.r@work.example"


def two_people(day: Day) -> str:
    """Ana has a case, and so has another address; returns who has the first."""
    opened(day)
    day.write(f"Ana R <{WORK}>", "Wheel", "It is me again, from the office.")
    return holder(day, 1001)


def about(day: Day, number: int, text: str, agent: str = "") -> str:
    """Order something in a mail about this case; returns what came back."""
    agent = agent or holder(day, number)
    day.reply(agent, day.last(agent, lambda mail: f"#{number}" in mail.subject), text)
    return flat(day.last(agent).text)


def owners(day: Day) -> dict[str, list[tuple[object, object]]]:
    """Whose each address, case and customer's mail is."""
    asked = {
        "addresses": "select email as a, person as b from address order by email",
        "cases": "select id as a, customer as b from cases order by id",
        "mails": "select id as a, person as b from message where role = 'customer' order by id",
        "people": "select id as a, name as b from person order by id",
    }
    return {name: [(row["a"], row["b"]) for row in day.store.look(sql)] for name, sql in asked.items()}


def test_same_as_can_be_taken_back(day: Day) -> None:
    two_people(day)
    before = owners(day)
    about(day, 1001, f"same as: {WORK}")
    assert owners(day) != before
    assert f"{WORK} is somebody else again, with the cases of that address." in about(day, 1001, f"not same as: {WORK}")
    assert owners(day) == before
    (event,) = day.store.look("select data from event where kind = 'person.not_same_as'")
    assert WORK in event["data"] and '"cases":[1002]' in event["data"]


def test_cases_begun_since_from_that_address_go_along(day: Day) -> None:
    two_people(day)
    about(day, 1001, f"same as: {WORK}")
    day.pass_(days=1)
    day.write(f"Ana R <{WORK}>", "Another wheel", "And one from the office again.")
    day.pass_(hours=1)
    day.write(ANA, "And mine", "This one is from home.")
    about(day, 1001, f"not same as: {WORK}")
    assert day.case(1001).customer == day.case(1004).customer != day.case(1002).customer == day.case(1003).customer
    day.write(f"Ana R <{WORK}>", "Again", "From the office.")
    assert day.case().customer == day.case(1002).customer


def test_an_address_that_nobody_knew_is_unknown_again_or_somebody_new_if_they_wrote_since(day: Day) -> None:
    opened(day)
    before = owners(day)
    about(day, 1001, f"same as: {WORK}")
    about(day, 1001, f"not same as: {WORK}")
    assert owners(day) == before
    about(day, 1001, f"same as: {WORK}")
    day.pass_(days=1)
    day.write(f"Bo R <{WORK}>", "A bell", "Where is my bell?")
    assert day.case(1002).customer == day.case(1001).customer
    about(day, 1001, f"not same as: {WORK}")
    assert day.case(1002).customer != day.case(1001).customer
    assert day.store.look("select name from person where id = ?", day.case(1002).customer)[0]["name"] == "Bo R"


def test_what_was_never_joined_is_a_mistake_that_says_what_was(day: Day) -> None:
    two_people(day)
    said = about(day, 1001, f"label: x\nnot same as: {WORK}")
    assert said.startswith("Nothing has left and nothing has changed")
    assert f'there is no "same as" of {WORK} to take back.' in said and day.case(1001).labels == ()
    about(day, 1001, f"same as: {WORK}")
    assert f"to take back; these can be: {WORK}." in about(day, 1001, "not same as: ana@example.org")
    about(day, 1001, f"not same as: {WORK}")
    assert "there is no" in about(day, 1001, f"not same as: {WORK}")


def test_a_line_that_is_almost_the_way_back_reaches_no_customer(day: Day) -> None:
    two_people(day)
    assert about(day, 1001, f"not same as {WORK}\n\nHello Ana,\nhere.").startswith("Nothing has left")
    assert kinds(day, ANA_AT) == []


def test_words_go_to_the_address_from_which_the_customer_wrote_and_not_to_one_that_was_added(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "same as: ana.r@work.example")
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    assert words_of(day).outgoing.envelope_to == ("ana@example.org",) and not day.inbox("ana.r@work.example")
    day.reply("Ana R <ana.r@work.example>", words_of(day), "And for the back wheel? I write from the office now.")
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 17 mm one.")
    assert "17 mm" in words_of(day, "ana.r@work.example").text and len(day.inbox("ana@example.org")) == 1
    day.pass_(days=3)
    assert day.last("ana.r@work.example").outgoing.kind == "follow_up" and len(day.inbox("ana@example.org")) == 1


def test_questions_are_answered_and_change_nothing(day: Day) -> None:
    agent = opened(day, FURIOUS)
    before = day.case()
    assert "#1001 Ana Ruiz: Front wheel (open" in order(day, "mine") and "sounds upset" in day.last(agent).text
    assert "#1001" in order(day, "team")
    assert FURIOUS[:20] in order(day, "show #1001")
    assert "#1001" in order(day, "find: wheel") and "Nothing found" in order(day, "find: saxophone")
    assert "attached" in order(day, "original")
    assert any(part.get_content_type() == "message/rfc822" for part in day.last(agent).message.iter_attachments())
    assert day.case() == before and kinds(day, ANA_AT) == []


def test_a_question_above_words_for_the_customer_is_held(day: Day) -> None:
    opened(day)
    assert order(day, "mine\n\nHello Ana,\nhere.").startswith("Nothing has left")
    assert kinds(day, ANA_AT) == []


def test_orders_work_in_an_answer_to_a_notice_too(day: Day) -> None:
    agent = opened(day)
    order(day, "label: one")
    day.reply(agent, day.last(agent), "label: two")
    assert day.case().labels == ("one", "two")


def test_a_quoted_order_never_runs(day: Day) -> None:
    day.write(ANA, "Front wheel", "resolve\nassign: petra\n\nHello, " + CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nhere.")
    assert holder(day) == agent and day.case().state is CaseState.WAITING


# --- hold, undo, collision -----------------------------------------------------------------------------------------------


def holding(day: Day) -> None:
    """Words wait two minutes before they leave."""
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))


def test_words_wait_a_moment_and_can_be_held_back(day: Day) -> None:
    holding(day)
    agent = opened(day)
    said = order(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.")
    assert "Your mail leaves at 09:02. To hold it back, reply: undo" in said
    assert kinds(day, ANA_AT) == []
    day.reply(agent, day.last(agent), "undo")
    back = day.last(agent)
    assert flat(back.text).startswith("Held back, Maria: it has not left.") and "17 mm" in back.text
    day.pass_(minutes=10)
    assert kinds(day, ANA_AT) == [] and day.case().state is CaseState.OPEN and day.case().due_at is not None
    day.reply(agent, back, "Hello Ana,\nit is the 15 mm one.")
    day.pass_(minutes=3)
    assert "15 mm" in words_of(day).text and "17 mm" not in words_of(day).text


def test_after_the_moment_the_words_leave_and_undo_is_too_late(day: Day) -> None:
    holding(day)
    agent = opened(day)
    order(day, "Hello Ana,\nthe 15 mm one.")
    day.pass_(minutes=3)
    assert kinds(day, ANA_AT) == ["reply"]
    assert flat(order(day, "undo", agent)).startswith("Too late, Maria")
    assert day.case().state is CaseState.WAITING and kinds(day, ANA_AT) == ["reply"]


def test_a_second_agents_words_are_shown_and_not_sent(day: Day) -> None:
    first = opened(day)
    mail = day.routed(first)
    order(day, "assign: petra")
    second = day.routed(PETRA)
    day.pass_(minutes=5)
    day.reply(first, mail, "Hello Ana,\nthe 15 mm one.")
    day.pass_(minutes=1)
    day.reply(PETRA, second, "Hello Ana,\ntake the 17 mm one.")
    held = day.last(PETRA)
    said = flat(held.text)
    assert said.startswith("Not sent yet, Petra.") and said.index("the 15 mm one") < said.index("take the 17 mm one")
    assert kinds(day, ANA_AT) == ["reply"]
    day.reply(PETRA, held, "send anyway")
    assert kinds(day, ANA_AT) == ["reply", "reply"]
    assert (
        flat(words_of(day).text).startswith("Hello Ana, take the 17 mm one. Petra") and "15 mm" not in words_of(day).text.split("wrote:")[0]
    )


def test_an_answer_after_the_customer_wrote_again_is_no_collision(day: Day) -> None:
    first = opened(day)
    mail = day.routed(first)
    order(day, "assign: petra")
    day.pass_(minutes=5)
    day.reply(first, mail, "Hello Ana,\nthe 15 mm one.")
    day.write(ANA, "Re: Front wheel [#1001]", "And for the back?")
    day.reply(PETRA, day.routed(PETRA), "Hello Ana,\nthe same.")
    assert kinds(day, ANA_AT) == ["reply", "reply"]


def test_a_line_that_looked_like_an_order_is_sent_anyway_where_the_agent_says_so(day: Day) -> None:
    agent = opened(day)
    order(day, "Resolved.\n\nHello Ana,\nthe 15 mm one.")
    assert kinds(day, ANA_AT) == []
    day.reply(agent, day.last(agent), "send anyway")
    assert flat(words_of(day).text).startswith("Resolved. Hello Ana, the 15 mm one. Maria")


def test_an_order_below_the_words_comes_back_before_the_customer_reads_it(day: Day) -> None:
    agent = opened(day)
    said = order(day, "Hello Ana,\nthe 15 mm one.\n\nnote: a difficult one, be careful\nresolve")
    assert said.startswith("Nothing has left and nothing has changed, Maria.") and kinds(day, ANA_AT) == []
    assert '"note: a difficult one, be careful" stands below your words, and would have left with them.' in said
    day.reply(agent, day.last(agent), "gave: 5 EUR\nresolve\n\nHello Ana,\nthe 15 mm one.")
    assert flat(words_of(day).text).startswith("Hello Ana, the 15 mm one. Maria") and day.case().state is CaseState.RESOLVED


def test_what_stands_below_the_words_leaves_where_the_agent_says_so_and_the_orders_on_top_are_done(day: Day) -> None:
    agent = opened(day)
    order(day, "label: spanners\n\nHello Ana,\nthe 15 mm one.\n\nNote: we are closed on Monday.")
    assert kinds(day, ANA_AT) == [] and day.case().labels == ()
    day.reply(agent, day.last(agent), "send anyway")
    assert flat(words_of(day).text).startswith("Hello Ana, the 15 mm one. Note: we are closed on Monday. Maria")
    assert day.case().labels == ("spanners",)


def test_words_that_answer_a_note_of_ours_come_back_to_who_has_the_case_since_nobody_else_would_read_them(day: Day) -> None:
    agent = opened(day)
    order(day, "label: spanners")
    day.reply(agent, day.last(agent), "Hello Ana,\nthe 15 mm one.")
    held = day.last(agent)
    assert "nobody would have read it" in flat(held.text) and kinds(day, ANA_AT) == [] and day.events("case.note") == 0
    day.reply(agent, held, "send anyway")
    assert flat(words_of(day).text).startswith("Hello Ana, the 15 mm one. Maria")
    day.reply(agent, day.last(agent), "note\nShe has a tandem.")
    assert day.events("case.note") == 1


def test_after_undo_the_next_answer_names_no_mail_that_never_left(day: Day) -> None:
    agent = opened(day)
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=1))
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 17 mm one.")
    order(day, "undo")
    day.reply(agent, day.last(agent), "Hello Ana,\nthe 15 mm one.")
    day.pass_(minutes=2)
    said = words_of(day)
    assert "15 mm" in said.text and str(said.message["References"]).count("<") == 1


def test_what_was_given_is_named_and_could_not_wants_its_reason(day: Day) -> None:
    opened(day)
    assert "write for example: gave: 20 EUR" in order(day, "gave") and day.events("case.gave") == 0
    assert "Write: could not: ..." in order(day, "could not")
    assert "#1001" in order(day, "find wheel")


def test_send_anyway_with_nothing_to_send_sends_nothing(day: Day) -> None:
    opened(day)
    assert order(day, "send anyway").startswith("There is nothing to send") and kinds(day, ANA_AT) == []


def test_a_text_that_quotes_somebody_else_is_not_sent_anyway(day: Day) -> None:
    agent = opened(day)
    secret = "Hello Ana,\nsee below.\n\n---------- Forwarded message ----------\nFrom: Boss\n\nNever tell her the price."
    day.reply(agent, day.routed(agent), secret, quote=False)
    held = day.last(agent)
    assert "see below" in held.text
    day.reply(agent, held, "send anyway", quote=False)
    assert kinds(day, ANA_AT) == [] and flat(day.last(agent).text).startswith("There is nothing to send")


def test_what_is_ours_alone_is_not_sent_anyway_either(day: Day) -> None:
    agent = opened(day)
    order(day, "Resolvd\n\nHello Ana,\nwrite to tom@acme.example.")
    day.reply(agent, day.last(agent), "send anyway")
    assert kinds(day, ANA_AT) == [] and "only for us" in flat(day.last(agent).text)


def test_the_files_of_a_text_that_came_back_leave_with_it(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Resolvd\n\nHello Ana,\nsee the plan.", attach=("plan.png", b"turn left"))
    day.reply(agent, day.last(agent), "send anyway")
    assert [part.get_filename() for part in words_of(day).message.iter_attachments()] == ["plan.png"]


def test_a_question_that_was_asked_before_two_became_one_can_still_be_answered(day: Day) -> None:
    mail = asked(day)
    first = day.case().number
    who = opened(day, sender=BEN, subject="Another lamp")
    day.reply(who, day.routed(who), f"same as: {ANA_AT}")
    tap(day, mail, Answer.SATISFIED)
    day.pass_(minutes=3)
    assert day.case(first).outcome is Outcome.SATISFIED


def test_beside_a_slip_of_the_finger_the_commands_that_were_right_are_named(day: Day) -> None:
    opened(day)
    said = order(day, "resolv\nlabel: warehouse\n\nHello Ana,\nit is on its way.")
    assert (
        "resolv: there is no such command. Did you mean: resolve" in said and "label: warehouse is right and waits with the rest." in said
    )
    assert day.case().labels == ()


def test_a_text_that_came_back_for_a_slip_collides_with_what_another_answered_meanwhile(day: Day) -> None:
    first = opened(day)
    order(day, "assign: petra")
    day.pass_(minutes=5)
    order(day, "resolv\n\nHello Ana,\ntake the 17 mm one.", PETRA)
    back = day.last(PETRA)
    day.pass_(minutes=5)
    order(day, "Hello Ana,\nthe 15 mm one.", first)
    day.pass_(minutes=5)
    day.reply(PETRA, back, "resolve\n\nHello Ana,\ntake the 17 mm one.")
    assert day.last(PETRA).text.startswith("Not sent yet, Petra.") and kinds(day, ANA_AT) == ["reply"]
    day.reply(PETRA, back, "send anyway")
    assert day.last(PETRA).text.startswith("Not sent yet, Petra.") and kinds(day, ANA_AT) == ["reply"]
    day.pass_(minutes=1)
    day.reply(PETRA, day.last(PETRA), "send anyway")
    assert kinds(day, ANA_AT) == ["reply", "reply"]


# --- words that cross the customer's next mail ---------------------------------------------------------------------------


def crossed(day: Day, text: str) -> str:
    """Ana writes once more, and twenty seconds later comes what the agent wrote to her first mail; returns what the agent reads then."""
    agent = opened(day)
    first = day.routed(agent)
    day.pass_(hours=1)
    day.write(ANA, "Re: Front wheel [#1001]", "And now the brake is broken, too. What can I do?")
    day.pass_(seconds=20)
    day.reply(agent, first, text)
    return flat(day.last(agent).text)


def test_resolve_in_answer_to_an_older_mail_leaves_the_newer_one_open(day: Day) -> None:
    said = crossed(day, "resolve\n\nHello Ana,\nthe 15 mm one.")
    assert kinds(day, ANA_AT) == ["reply"] and day.case().state is CaseState.OPEN and day.case().due_at is not None
    assert "Ana has written since the mail that you answered, so it stays open" in said and "is asked" not in said
    agent = holder(day)
    day.reply(agent, day.last(agent), "resolve")
    assert day.case().state is CaseState.RESOLVED


def test_words_in_answer_to_an_older_mail_leave_the_newer_one_open(day: Day) -> None:
    said = crossed(day, "Hello Ana,\nthe 15 mm one.")
    assert kinds(day, ANA_AT) == ["reply"] and day.case().state is CaseState.OPEN
    assert "Ana has written since the mail that you answered" in said
    day.reply(holder(day), day.routed(holder(day)), "Hello Ana,\ndo not ride it.")
    assert day.case().state is CaseState.WAITING


def test_resolve_alone_in_answer_to_an_older_mail_leaves_the_newer_one_open(day: Day) -> None:
    assert "so it stays open" in crossed(day, "resolve") and day.case().state is CaseState.OPEN


def test_thanks_that_cross_an_answer_keep_nothing_open(day: Day) -> None:
    agent = answered(day)
    mail = day.routed(agent)
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "Thank you very much!")
    day.reply(agent, mail, "resolve\n\nHello Ana,\nride well.")
    assert day.case().state is CaseState.RESOLVED


# --- what undo puts back -------------------------------------------------------------------------------------------------


def held_back(day: Day, text: str) -> None:
    """Whoever has the case answers, and takes it back at once."""
    holding(day)
    agent = holder(day)
    order(day, text)
    day.reply(agent, day.last(agent), "undo")
    assert flat(day.last(agent).text).startswith("Held back")


def test_undo_leaves_the_hour_as_it_was(day: Day) -> None:
    opened(day, FURIOUS)
    before, jobs = day.case(), steps_to_come(day)
    day.pass_(minutes=40)
    held_back(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.")
    after = day.case()
    assert (after.state, after.due_at, after.last_reply_at) == (CaseState.OPEN, before.due_at, None)
    assert steps_to_come(day) == jobs


def steps_to_come(day: Day) -> list[tuple[object, ...]]:
    return [
        tuple(row) for row in day.store.look("select kind, run_at, payload from job where case_id = 1001 and kind <> 'send' order by kind")
    ]


def test_undo_of_an_afterthought_leaves_a_resolved_case_resolved(day: Day) -> None:
    resolved(day)
    jobs = steps_to_come(day)
    day.pass_(hours=1)
    held_back(day, "label: axle\n\nHello Ana,\none thing more: oil it.")
    assert day.case().state is CaseState.RESOLVED and steps_to_come(day) == jobs
    day.pass_(days=4)
    assert kinds(day, ANA_AT) == ["reply", "follow_up"]


def test_undo_of_resolve_leaves_a_case_that_waits_waiting(day: Day) -> None:
    answered(day)
    jobs = steps_to_come(day)
    day.pass_(hours=1)
    held_back(day, "resolve\n\nHello Ana,\nthat should be it.")
    assert day.case().state is CaseState.WAITING and steps_to_come(day) == jobs and day.events("case.agent_resolved") == 0


def test_undo_takes_could_not_back(day: Day) -> None:
    opened(day)
    held_back(day, "could not: too late\n\nHello Ana,\nwe cannot do that.")
    assert (day.case().state, day.case().outcome, day.events("case.could_not")) == (CaseState.OPEN, Outcome.UNKNOWN, 0)


def test_after_undo_nobody_reads_that_it_was_said(day: Day) -> None:
    opened(day)
    held_back(day, "label: axle\n\nHello Ana,\nwe give you back 500 EUR.")
    order(day, "assign: petra")
    assert "500 EUR" not in day.routed(PETRA).text


def test_after_undo_another_agents_words_are_no_collision(day: Day) -> None:
    opened(day)
    order(day, "assign: petra")
    mail = day.routed(PETRA)
    day.pass_(minutes=5)
    holding(day)
    order(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.", MARIA)
    day.reply(MARIA, day.last(MARIA), "undo")
    day.pass_(minutes=5)
    day.reply(PETRA, mail, "Hello Ana,\ntake the 15 mm one.")
    day.pass_(minutes=5)
    assert kinds(day, ANA_AT) == ["reply"]


def test_undo_keeps_what_the_customer_wrote_meanwhile_and_the_earlier_hour(day: Day) -> None:
    agent = opened(day, FURIOUS)
    due = day.case().due_at
    day.pass_(minutes=40)
    holding(day)
    order(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.")
    said = day.last(agent)
    day.pass_(minutes=1)
    day.write(ANA, "Re: Front wheel [#1001]", "And which one for the back?")
    day.reply(agent, said, "undo")
    assert (day.case().state, day.case().due_at, day.case().last_reply_at) == (CaseState.OPEN, due, None)


def test_undo_of_two_answers_takes_one_after_the_other_back(day: Day) -> None:
    agent = opened(day)
    due = day.case().due_at
    holding(day)
    order(day, "Hello Ana,\nit is the 17 mm one.")
    first = day.case()
    order(day, "Hello Ana,\nno, the 15 mm one.")
    day.reply(agent, day.routed(agent), "undo")
    assert (day.case().state, day.case().last_reply_at) == (CaseState.WAITING, first.last_reply_at)
    day.reply(agent, day.routed(agent), "undo")
    assert (day.case().state, day.case().due_at) == (CaseState.OPEN, due)
    day.pass_(minutes=5)
    assert kinds(day, ANA_AT) == []


def test_undo_of_words_after_which_another_answered_changes_nothing_else(day: Day) -> None:
    opened(day)
    order(day, "assign: petra")
    mail = day.routed(PETRA)
    day.pass_(minutes=5)
    holding(day)
    order(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.", MARIA)
    day.reply(PETRA, mail, "Hello Ana,\ntake the 15 mm one.")
    day.reply(PETRA, day.last(PETRA), "send anyway")
    day.reply(MARIA, day.routed(MARIA), "undo")
    assert (day.case().state, day.case().last_reply_by) == (CaseState.WAITING, "petra")
    day.pass_(minutes=5)
    assert kinds(day, ANA_AT) == ["reply"] and "take the 15 mm one" in words_of(day).text


def test_undo_after_a_restart_puts_back_what_was_before(tmp_path: Path) -> None:
    day = Day(store_path=tmp_path / "inboxd.db")
    agent = opened(day, FURIOUS)
    due, jobs = day.case().due_at, steps_to_come(day)
    holding(day)
    order(day, "label: axle\n\nHello Ana,\nit is the 17 mm one.")
    day.store.close()
    again = Day(store_path=tmp_path / "inboxd.db", mailbox=day.mailbox, mailer=day.mailer, clock=day.clock)
    again.reply(agent, again.last(agent), "undo", mail_id="<undo@mail.example>")
    assert (again.case().state, again.case().due_at, steps_to_come(again)) == (CaseState.OPEN, due, jobs)
