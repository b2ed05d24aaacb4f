"""A day named to a customer is remembered: a reminder on its morning, no question before it is over, and the agent's word ends it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inboxd.core.model import Cancel, CaseNo, CaseState, JobKind, Verdict
from inboxd.core.promises import look_at_promises
from tests.stories.day import ACME, Day, Letterbox
from tests.stories.steps import ANA, CALM, FURIOUS, PETRA, holder, kinds, opened, question

ANA_AT = "ana@example.org"
FRIDAY = "Hello Ana,\nthank you for the photo. You will have it by Friday."  # told on Monday 16 November at 09:00


@pytest.fixture
def day() -> Day:
    return Day()


def flat(mail: Letterbox) -> str:
    return " ".join(mail.text.split())


def reminders(day: Day, agent: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if mail.outgoing.purpose.startswith("promise:")]


def promised(day: Day, words: str = FRIDAY) -> str:
    """A customer wrote, and an agent named a day."""
    agent = opened(day)
    day.reply(agent, day.routed(agent), words)
    return agent


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(day: Day) -> list[tuple[str, str, str]]:
    return [(row["agent"], row["day"], row["ended"]) for row in day.store.look("select * from promise order by id")]


def asked_at(day: Day) -> datetime:
    """When the question left."""
    return question(day).outgoing.created_at


# --- the reminder --------------------------------------------------------------------------------------------------------


def test_on_the_morning_of_the_day_the_agent_reads_what_they_told_whom(day: Day) -> None:
    agent = promised(day)
    day.pass_(days=3, hours=23)
    assert not reminders(day, agent)
    day.pass_(hours=2)
    (mail,) = reminders(day, agent)
    assert mail.outgoing.created_at == at("2026-11-20 09:00")
    assert flat(mail).startswith("Today is the day you named to Ana. ")
    assert '"You will have it by Friday." You wrote this on Monday 16 November.' in flat(mail)
    assert mail.message["Auto-Submitted"] == "auto-generated" and not kinds(day, ANA_AT)[1:]


def test_a_promise_is_kept_as_it_was_written_with_who_made_it(day: Day) -> None:
    promised(day)
    (row,) = day.store.look("select * from promise")
    assert (row["case_id"], row["agent"], row["day"], row["sentence"], row["ended"]) == (
        1001, day.case().assignee, "2026-11-20", "You will have it by Friday.", "",
    )  # fmt: skip


def test_a_day_that_is_no_promise_is_not_remembered(day: Day) -> None:
    agent = promised(day, "Hello Ana,\nthank you for your mail of Friday. We are closed on Sunday. Please send it back by Thursday.")
    assert rows(day) == []
    day.pass_(days=6)
    assert not reminders(day, agent)


def test_two_days_are_two_reminders_and_a_later_word_adds_to_them(day: Day) -> None:
    agent = promised(day, "Hello Ana,\nI call you on Wednesday. You will have it by Friday.")
    day.write(ANA, "Re: Front wheel [#1001]", "And the bill?")
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe invoice follows on Thursday.")
    day.pass_(days=5)
    assert [mail.outgoing.created_at.day for mail in reminders(day, agent)] == [18, 19, 20]


def test_whoever_has_the_case_by_then_is_reminded_in_whose_words_it_was(day: Day) -> None:
    agent = promised(day)
    day.reply(agent, day.last(agent), "assign: petra")
    day.pass_(days=5)
    assert not reminders(day, agent)
    (mail,) = reminders(day, PETRA)
    assert flat(mail).startswith("Today is the day Maria named to Ana. ") and "Maria wrote this on Monday 16 November." in flat(mail)


def test_a_reminder_that_comes_twice_is_sent_once(day: Day) -> None:
    agent = promised(day)
    day.pass_(days=4, hours=1)
    for _ in range(2):
        with day.store.transaction() as tx:
            tx.schedule(look_at_promises(CaseNo(1001), day.at()))
        day.run()
    assert len(reminders(day, agent)) == 1


def test_what_is_said_below_note_or_to_ourselves_promises_nothing(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "note: I will call the carrier on Friday.")
    assert rows(day) == []


# --- the question waits --------------------------------------------------------------------------------------------------


def test_after_resolve_the_question_waits_until_the_day_is_over_and_the_transcript_says_when(day: Day) -> None:
    agent = promised(day, f"resolve\n\n{FRIDAY}")
    assert "resolve: on Monday 23 November after 09:00 Ana is asked whether it really is solved." in flat(day.last(agent))
    day.pass_(days=10)
    assert asked_at(day) == at("2026-11-23 09:00")  # the morning after, and the two days that are always waited


def test_without_a_promise_the_question_comes_as_ever(day: Day) -> None:
    promised(day, "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.pass_(days=10)
    assert asked_at(day) == at("2026-11-18 09:00")


def test_silence_counts_from_the_morning_after_the_day(day: Day) -> None:
    promised(day)
    day.pass_(days=9)
    assert day.case().state is CaseState.WAITING, "five days of silence are over, but not since the day"
    day.pass_(days=2)
    assert asked_at(day) == at("2026-11-26 09:00")


@pytest.mark.parametrize("first", ["", "resolve\n\n"])
@pytest.mark.parametrize("thanks", ["Thank you very much!", "Thanks, looking forward to it!"])
def test_who_thanks_before_the_day_is_asked_after_it_all_the_same(day: Day, first: str, thanks: str) -> None:
    agent = promised(day, f"{first}{FRIDAY}")
    day.write(ANA, "Re: Front wheel [#1001]", thanks)
    assert "We will not ask" not in flat(day.last(agent)), "whether it came, nobody knows yet"
    day.pass_(days=14)
    assert asked_at(day) == at("2026-11-23 09:00" if first else "2026-11-26 09:00")


def test_who_says_that_it_works_is_not_asked_though_a_day_was_named(day: Day) -> None:
    agent = promised(day, f"resolve\n\n{FRIDAY}")
    day.write(ANA, "Re: Front wheel [#1001]", "It came today already and it works perfectly, thank you!")
    assert "We will not ask" in flat(day.last(agent))
    day.pass_(days=14)
    assert "follow_up" not in kinds(day, ANA_AT)


def test_the_latest_day_counts_and_a_later_answer_without_one_does_not_shorten_the_wait(day: Day) -> None:
    agent = promised(day)
    day.write(ANA, "Re: Front wheel [#1001]", "And the bill?")
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe invoice follows on Wednesday.")
    day.pass_(days=10)
    assert asked_at(day) == at("2026-11-23 09:00")


def test_a_promise_that_came_into_the_case_later_moves_the_question_too(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    agent = holder(day, 1001)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nthe 15 mm one.")
    day.pass_(hours=1)
    day.write(ANA, "The wheel again", "Where is my new wheel?")
    second = holder(day, 1002)
    day.reply(second, day.last(second, lambda mail: "#1002" in mail.subject), FRIDAY)
    day.reply(second, day.last(second, lambda mail: "#1002" in mail.subject), "merge: #1001")
    assert [row["case_id"] for row in day.store.look("select case_id from promise")] == [1001]
    day.pass_(days=12)
    assert asked_at(day) == at("2026-11-23 09:00")
    assert [mail.outgoing.created_at for agent in {second, holder(day, 1001)} for mail in reminders(day, agent)] == [at("2026-11-20 09:00")]


def test_a_question_put_off_by_hand_to_a_later_day_stays_there_and_no_follow_up_asks_nobody(day: Day) -> None:
    agent = promised(day, f"resolve\n\n{FRIDAY}")
    day.reply(agent, day.last(agent), "snooze: until 30 November")
    day.pass_(days=15)
    assert asked_at(day) == at("2026-11-30 09:00")
    other = Day()
    agent = promised(other, f"resolve\nno follow-up\n\n{FRIDAY}")
    other.pass_(days=15)
    assert "follow_up" not in kinds(other, ANA_AT) and len(reminders(other, agent)) == 1


# --- taken back ----------------------------------------------------------------------------------------------------------


def test_no_promise_ends_the_reminder_and_the_wait(day: Day) -> None:
    agent = promised(day, f"resolve\n\n{FRIDAY}")
    day.reply(agent, day.last(agent), "No promise.")
    assert "No promise.: forgotten; nobody is reminded of a day, and no question waits for one." in flat(day.last(agent))
    assert [ended for *_, ended in rows(day)] == ["cancelled"]
    day.pass_(days=10)
    assert not reminders(day, agent) and asked_at(day) == at("2026-11-18 09:00")


def test_no_promise_in_a_reply_to_the_reminder_lets_the_silence_count_from_our_answer(day: Day) -> None:
    agent = promised(day)
    day.pass_(days=4, hours=1)
    day.reply(agent, reminders(day, agent)[0], "no promise")
    day.pass_(days=7)
    assert asked_at(day) == at("2026-11-21 09:00")


def test_no_promise_above_words_covers_those_words(day: Day) -> None:
    agent = promised(day, f"no promise\n\n{FRIDAY}")
    assert rows(day) == [] and kinds(day, ANA_AT) == ["reply"]
    day.pass_(days=5)
    assert not reminders(day, agent)


def test_a_promise_whose_day_is_past_stays_what_it_was(day: Day) -> None:
    agent = promised(day)
    day.pass_(days=6)
    day.write(ANA, "Re: Front wheel [#1001]", "Nothing has come.")
    assert "Promised, and the day is past: Fri 20 Nov" in flat(day.routed(agent))
    day.reply(agent, day.routed(agent), "no promise")
    assert [ended for *_, ended in rows(day)] == [""]


def test_words_held_back_have_promised_nothing(day: Day) -> None:
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))
    agent = promised(day, f"label: axle\n\n{FRIDAY}")
    day.reply(agent, day.last(agent), "undo")
    assert [ended for *_, ended in rows(day)] == ["undone"]
    day.pass_(days=5)
    assert not reminders(day, agent) and kinds(day, ANA_AT) == []


def test_words_that_come_back_have_promised_nothing(day: Day) -> None:
    agent = opened(day)
    day.mailer.answers = [Verdict(sent=False, permanent=True, reply="550 no such mailbox")]
    day.reply(agent, day.routed(agent), FRIDAY)
    assert [ended for *_, ended in rows(day)] == ["undelivered"]
    day.pass_(days=5)
    assert not reminders(day, agent)


def test_a_day_named_in_a_mail_that_an_agent_begins_is_a_promise(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), f"to: carl@example.com\nsubject: Your order\n\n{FRIDAY}")
    assert [ended for *_, ended in rows(day)] == [""]
    day.pass_(days=5)
    assert reminders(day, agent)


# --- the morning list ----------------------------------------------------------------------------------------------------


def test_the_morning_list_says_what_was_told_the_next_day_first_and_nothing_that_was_taken_back(day: Day) -> None:
    agent = promised(day, "Hello Ana,\nYou will have it by Friday. I call you on Wednesday.")
    day.write(ANA, "Re: Front wheel [#1001]", FURIOUS)
    day.pass_(days=1)
    (mail,) = [mail for mail in day.inbox(agent) if "in all" in mail.subject]
    assert 'You told people Ana: "I call you on Wednesday." Ana: "You will have it by Friday."' in flat(mail)
    day.reply(agent, day.routed(agent), "no promise")
    day.pass_(days=1)
    assert "You told people" not in day.last(agent, lambda mail: "in all" in mail.subject).text


def test_an_open_promise_is_no_next_step_of_a_case(day: Day) -> None:
    promised(day)
    with day.store.transaction() as tx:
        tx.apply((Cancel(case=CaseNo(1001), kinds=(JobKind.SILENCE,)),), ACME, day.at())
    day.pass_(days=1)
    assert any("no next step" in mail.text for mail in day.inbox(PETRA)), "the daily check is not content with the reminder alone"
