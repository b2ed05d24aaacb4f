from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from itertools import permutations
from random import Random  # noqa: TID251  # shuffles, from a fixed seed
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.findings import Compared, Findings, Share
from inboxd.core.measure import Records, measure, needed_since
from inboxd.core.model import CaseEvent, PersonNo
from tests.core.told import FIRST, HAPPY, NEUTRAL, UNHAPPY, UPSET, WEEK, Told, on, records, week


def counted(share: Share | Compared | None) -> tuple[int, int]:
    assert share is not None
    found = share.now if isinstance(share, Compared) else share
    return found.count, found.of


def asked(number: int, day: float = 0, **more: Any) -> Told:
    """A case that was resolved and asked about on this day, two days after the mail."""
    return Told(number, person=number, **more).wrote(on(day - 2)).resolved(on(day - 2, 12)).asked(on(day))


# --- did it really help


def test_silence_is_unknown_and_never_satisfied() -> None:
    found = week(asked(1).yes(on(1)), asked(2).no(on(1)), asked(3), asked(4).silent(on(5)))
    assert counted(found.satisfied) == (1, 2)
    assert counted(found.response) == (2, 4)
    assert found.asked == 4
    assert found.satisfied is not None
    assert found.satisfied.now.cases == (1,)


def test_a_thank_you_is_no_answer_to_the_question() -> None:
    found = week(asked(1).thanked(on(1)))
    assert counted(found.satisfied) == (0, 0)
    assert counted(found.response) == (0, 1)


def test_an_answer_that_nobody_could_read_stays_unknown_until_a_person_has_read_it() -> None:
    case = asked(1).unclear(on(1))
    assert (counted(week(case).satisfied), week(case).unclear) == ((0, 0), 1)
    case.corrected(on(2), "answer", "satisfied")
    assert (counted(week(case).satisfied), week(case).unclear) == ((1, 1), 0)


def test_whoever_said_no_counts_as_no_though_it_was_mended_and_answered_again() -> None:
    found = week(asked(1).no(on(1)).resolved(on(1, 15)).asked(on(3)).yes(on(4)))
    assert counted(found.satisfied) == (0, 1)
    assert found.asked == 1, "each case is asked about once in the figures"
    assert found.dissatisfied_mended == 1


def test_an_answer_counts_to_the_days_on_which_we_asked() -> None:
    late = asked(1, day=6).yes(on(6, 20))
    assert counted(week(late).satisfied) == (1, 1)
    answered_later = asked(2, day=6).yes(on(8))
    assert counted(week(answered_later).satisfied) == (0, 0), "it has not come yet"
    assert counted(week(answered_later, now=on(9)).satisfied) == (1, 1)


def test_the_period_before_is_looked_at_as_it_looked_then() -> None:
    """Both weeks are known for one day: the answer that came three days after the week before counts in neither."""
    cases = [asked(1, day=-2).yes(on(3)), asked(2, day=-2).yes(on(-1)), asked(3, day=5).yes(on(6))]
    found = week(*cases, now=on(8)).satisfied
    assert found is not None
    assert (found.before.count, found.before.of) == (1, 1)
    assert (found.now.count, found.now.of) == (1, 1)


def test_what_has_not_happened_yet_does_not_count() -> None:
    assert week(Told(1).wrote(on(5)), now=on(3)).people == 0
    assert week(Told(1).wrote(on(5)), now=on(6)).people == 1


def test_a_correction_is_of_the_answer_before_it_and_of_no_later_one() -> None:
    case = asked(1).no(on(1)).corrected(on(2), "answer", "satisfied").resolved(on(3)).asked(on(4)).no(on(5))
    found = week(case)
    assert counted(found.satisfied) == (1, 1)
    assert [each.case for each in found.still_unhappy] == [1]


def test_a_week_has_its_own_share() -> None:
    found = week(asked(1, day=-3).yes(on(-2)), asked(2, day=1).no(on(2)), first=FIRST - timedelta(days=7))
    assert [(day, counted(share)) for day, share in found.satisfied_by_week] == [(FIRST - timedelta(days=7), (1, 1)), (FIRST, (0, 1))]


def test_the_trend_of_a_week_reaches_back_eight_weeks_and_not_before_anybody_was_asked() -> None:
    found = week(*(asked(number, day=-7 * number + 1).yes(on(-7 * number + 2)) for number in range(12)))
    assert [day for day, _ in found.satisfied_by_week] == [FIRST - timedelta(weeks=weeks) for weeks in range(7, -1, -1)]
    assert all(counted(share) == (1, 1) for _, share in found.satisfied_by_week)
    young = week(asked(1, day=-20).yes(on(-19)), asked(2, day=1))
    assert [day for day, _ in young.satisfied_by_week] == [FIRST - timedelta(weeks=weeks) for weeks in (3, 2, 1, 0)]
    assert counted(young.response) == (0, 1), "the shares of the week are of the week"


def test_what_was_asked_after_the_period_is_in_no_week_of_its_trend() -> None:
    (only,) = week(asked(1, day=1).yes(on(2)), asked(2, day=8).yes(on(9)), now=on(12)).satisfied_by_week
    assert counted(only[1]) == (1, 1)


# --- who had to write again


def test_people_who_wrote_again_are_counted_by_person_and_topic() -> None:
    same = [Told(1, topic="billing").wrote(on(0)), Told(2, topic="billing").wrote(on(3))]
    other = [Told(3, person=2, topic="billing").wrote(on(0)), Told(4, person=2, topic="bug").wrote(on(3))]
    found = week(*same, *other)
    assert counted(found.wrote_again) == (1, 2)
    assert found.wrote_again is not None
    assert found.wrote_again.now.cases == (2,)
    assert found.people == 2


def test_a_contact_before_the_period_makes_one_in_it_a_repeated_one() -> None:
    assert counted(week(Told(1).wrote(on(-9)), Told(2).wrote(on(3))).wrote_again) == (1, 1)
    assert counted(week(Told(1).wrote(on(-12)), Told(2).wrote(on(3))).wrote_again) == (0, 1)
    assert counted(week(Told(1).wrote(on(-12)), Told(2).wrote(on(3)), repeat_within=timedelta(days=20)).wrote_again) == (1, 1)


def test_what_we_asked_for_is_no_contact() -> None:
    assert counted(week(Told(1).wrote(on(0)).replied(on(1)).wrote(on(2), contact=False)).wrote_again) == (0, 1)
    assert counted(week(Told(1).wrote(on(0)).replied(on(1)).wrote(on(2))).wrote_again) == (1, 1)


def test_two_cases_whose_topic_nobody_could_tell_are_not_the_same_matter() -> None:
    assert counted(week(Told(1, topic="unsure").wrote(on(0)), Told(2, topic="unsure").wrote(on(1))).wrote_again) == (0, 1)


def test_a_contact_in_another_team_counts_for_whoever_hears_it_again() -> None:
    cases = [Told(1, team="money").wrote(on(0)), Told(2, team="everyone").wrote(on(2))]
    assert counted(week(*cases, team="everyone").wrote_again) == (1, 1)
    assert counted(week(*cases, team="money").wrote_again) == (0, 1)


# --- was it solved at once, and for good


def test_first_contact_resolution_is_one_contact_one_answer_and_no_way_back() -> None:
    at_once = Told(1, person=1).wrote(on(0)).resolved(on(1))
    two_answers = Told(2, person=2).wrote(on(0)).replied(on(1)).resolved(on(2))
    two_contacts = Told(3, person=3).wrote(on(0)).wrote(on(0, 20)).resolved(on(1))
    reopened = Told(4, person=4).wrote(on(0)).resolved(on(1)).asked(on(3)).no(on(4))
    again = [Told(5, person=5).wrote(on(0)).resolved(on(1)), Told(6, person=5).wrote(on(5))]
    not_yet = Told(7, person=7).wrote(on(0)).replied(on(1))
    found = week(at_once, two_answers, two_contacts, reopened, *again, not_yet)
    assert counted(found.first_contact) == (1, 5)
    assert counted(found.reopened) == (1, 5)


def test_a_case_that_an_agent_began_is_no_contact_to_be_resolved() -> None:
    begun = Told(1).replied(on(0)).wrote(on(1), contact=False).resolved(on(2))
    assert counted(week(begun).first_contact) == (0, 0)


def test_only_the_customer_reopens() -> None:
    by_agent = Told(1).wrote(on(0)).resolved(on(1)).replied(on(2)).wrote(on(3))
    by_customer = Told(2, person=2).wrote(on(0)).resolved(on(1)).wrote(on(3))
    came_back = Told(3, person=3).wrote(on(0)).resolved(on(1)).became(on(2), CaseEvent.UNDELIVERED, "open")
    found = week(by_agent, by_customer, came_back)
    assert found.reopened is not None
    assert found.reopened.now.cases == (2,)


# --- who was won back


def test_upset_people_who_say_that_it_is_solved_are_won_back() -> None:
    won = Told(1, person=1).wrote(on(0), UPSET).resolved(on(0, 12), agent="jonas").asked(on(2)).yes(on(3), "Yes. It rides like new.")
    said_no = asked(2).no(on(1)).resolved(on(2)).asked(on(4)).yes(on(5))
    silent = Told(3, person=3).wrote(on(0), UPSET).resolved(on(0, 12)).asked(on(2))
    calm = asked(4).yes(on(1))
    found = week(won, said_no, silent, calm)
    assert counted(found.win_back) == (2, 3)
    assert (found.upset_people, found.upset_solved, found.upset_silent) == (3, 2, 1)
    first = next(each for each in found.won_back if each.case == 1)
    assert (first.name, first.mails, first.words, first.agents) == ("Person 1", 1, "It rides like new.", ("Jonas",))
    assert {each.case for each in found.won_back} == {1, 2}


def test_thanks_after_it_was_resolved_win_back_and_thanks_on_the_way_do_not() -> None:
    after = Told(1).wrote(on(0), UPSET).resolved(on(1)).thanked(on(2), "He rode it round the kitchen before breakfast. Thank you.")
    on_the_way = Told(2, person=2).wrote(on(0), UPSET).replied(on(1)).thanked(on(2))
    dry = Told(3, person=3).wrote(on(0), UPSET).resolved(on(1)).thanked(on(2), feeling=NEUTRAL)
    found = week(after, on_the_way, dry)
    assert [each.words for each in found.won_back] == ["He rode it round the kitchen before breakfast."]
    assert counted(found.win_back) == (1, 3)


def test_whoever_was_upset_again_afterwards_is_not_won_back() -> None:
    found = week(Told(1).wrote(on(0), UPSET).resolved(on(1)).asked(on(2)).yes(on(3)).wrote(on(4), UPSET))
    assert counted(found.win_back) == (0, 1)
    assert found.won_back == ()
    assert [each.case for each in found.still_unhappy] == [1]


def test_a_win_is_told_in_the_week_in_which_it_was_said() -> None:
    case = Told(1).wrote(on(-5), UPSET).resolved(on(-4)).asked(on(-2)).yes(on(1))
    assert [each.case for each in week(case).won_back] == [1]
    assert counted(week(case).win_back) == (0, 0), "they were upset in the week before"
    earlier = week(case, first=FIRST - timedelta(days=7), last=FIRST - timedelta(days=1))
    assert counted(earlier.win_back) == (1, 1)
    assert earlier.won_back == ()


def test_words_of_another_mail_are_never_shown_as_the_good_answer() -> None:
    """The mail that said yes and brought something new belongs to the new case."""
    case = Told(1).wrote(on(0), UPSET, text="A disgrace.").resolved(on(1)).asked(on(2)).yes(on(3))
    case.mails.pop()
    assert [(each.words, each.mails) for each in week(case).won_back] == [("", 1)]


# --- who waits


def test_still_unhappy_are_those_open_or_waiting_whose_last_word_was_not_good() -> None:
    upset = Told(1, person=1).wrote(on(1), UPSET).replied(on(2)).promised(on(2), "You will have it on Wednesday.")
    said_no = asked(2).no(on(1))
    came_back = Told(3, person=3).wrote(on(0)).resolved(on(1)).wrote(on(2))
    unhappy = Told(4, person=4).wrote(on(0), UNHAPPY)
    calmed = Told(5, person=5).wrote(on(0), UNHAPPY).replied(on(1)).wrote(on(2), NEUTRAL)
    thanked = Told(6, person=6).wrote(on(0), UPSET).replied(on(1)).thanked(on(2))
    resolved = Told(7, person=7).wrote(on(0), UPSET).resolved(on(1))
    found = week(unhappy, came_back, said_no, upset, calmed, thanked, resolved)
    assert [each.case for each in found.still_unhappy] == [1, 4, 2, 3]
    first = found.still_unhappy[0]
    assert (first.agent_name, first.promised, first.since) == ("Maria", "You will have it on Wednesday.", on(1))
    assert found.still_unhappy[1].promised == ""


def test_what_is_shown_as_promised_is_the_latest_promise_that_was_made_by_then() -> None:
    case = Told(1).wrote(on(1), UPSET).replied(on(1), "Have a lovely Saturday.").promised(on(1), "You will have it on Friday.", days=9)
    case.replied(on(2)).promised(on(2), "Sorry, on Wednesday.", days=1).promised(on(20), "In a month.")
    assert week(case).still_unhappy[0].promised == "Sorry, on Wednesday."
    case.promises.clear()
    assert week(case).still_unhappy[0].promised == "", "a day in a sentence is no promise"


def test_an_upset_person_who_has_only_written_calmly_since_is_still_to_win_back() -> None:
    found = week(Told(1).wrote(on(0), UPSET).replied(on(1)).wrote(on(2), NEUTRAL))
    assert [each.case for each in found.still_unhappy] == [1]


def test_unhappy_since_is_counted_from_the_last_good_word() -> None:
    case = Told(1).wrote(on(0), UPSET).replied(on(1)).thanked(on(2)).wrote(on(3), UPSET).wrote(on(4), UPSET)
    assert [each.since for each in week(case).still_unhappy] == [on(3)]


def test_unheard_are_those_who_wait_longer_than_we_said() -> None:
    late = Told(1, due=on(5)).wrote(on(2)).replied(on(3)).wrote(on(4))
    in_time = Told(2, due=on(8)).wrote(on(6))
    answered = Told(3, due=on(5)).wrote(on(2)).replied(on(3))
    found = week(late, in_time, answered)
    assert [(each.case, each.since) for each in found.unheard] == [(1, on(4))]


# --- feelings, refusals, leeway, thanks


def test_the_feeling_of_the_first_mail_is_set_beside_that_of_the_last() -> None:
    found = week(
        Told(1).wrote(on(0), UPSET).resolved(on(1)).asked(on(2)).yes(on(3)),
        Told(2, person=2).wrote(on(0), UPSET).replied(on(1)).wrote(on(2), UNHAPPY),
        Told(3, person=3).wrote(on(0), UPSET),
        Told(4, person=4).wrote(on(-1), UPSET).wrote(on(0), HAPPY),
    )
    assert found.feelings == {"upset": {"unhappy": 1, "happy": 1, "unknown": 1}}


def test_an_agents_correction_counts_over_the_reading() -> None:
    case = Told(1).wrote(on(0), UPSET).corrected(on(1), "sentiment", "neutral")
    assert week(case).upset_people == 0
    case.corrected(on(2), "sentiment", "upset")
    assert week(case).upset_people == 1, "the last word counts"


def refused(number: int, reason: str = "Past 30 days") -> Told:
    return Told(number, person=number).wrote(on(0)).could_not(on(1), reason).resolved(on(1))


def test_refusals_are_counted_by_reason_with_those_who_were_lost() -> None:
    found = week(
        refused(1).asked(on(2)).no(on(3)),
        refused(2, "past 30 days.").asked(on(2)).silent(on(6)),
        refused(3).asked(on(2)).yes(on(3)),
        refused(4).asked(on(2)),
        refused(5).silent(on(6)),
        refused(6, "worn").asked(on(2)).no(on(3)).resolved(on(3, 12)).asked(on(4)).yes(on(5)),
        refused(7).asked(on(2)).silent(on(6)),
        Told(8, person=7).wrote(on(6, 12)),
    )
    first, second = found.refusals
    assert (first.reason, first.count, first.unhappy, first.cases) == ("Past 30 days", 6, 2, (1, 2, 3, 4, 5, 7))
    assert (second.reason, second.count, second.unhappy) == ("worn", 1, 0)


def test_who_wrote_to_another_team_was_not_lost_to_a_refusal() -> None:
    refused = Told(1, person=1, team="sales").wrote(on(0)).could_not(on(0, 12), "too late").resolved(on(0, 12)).asked(on(2)).silent(on(6))
    wrote_again = Told(2, person=1, team="billing").wrote(on(3))
    assert week(refused, team="sales").refusals[0].unhappy == 1
    assert week(refused, wrote_again, team="sales").refusals[0].unhappy == 0


def test_what_was_given_stands_beside_who_was_won_back() -> None:
    won = Told(1).wrote(on(0), UPSET).gave(on(1), "20 EUR").resolved(on(1)).asked(on(2)).yes(on(3))
    calm = Told(2, person=2).wrote(on(0)).gave(on(1), "20 EUR").resolved(on(1)).asked(on(2)).yes(on(3))
    given_late = Told(3, person=3).wrote(on(0), UPSET).resolved(on(1)).asked(on(2)).yes(on(3)).gave(on(4), "20 eur")
    found = week(won, calm, given_late)
    assert [(each.what, each.count, each.won_back, each.cases) for each in found.leeway] == [("20 EUR", 3, 1, (1, 2, 3))]


def test_a_thank_you_names_the_agent_who_earned_it() -> None:
    case = Told(1).wrote(on(0)).replied(on(1), agent="maria").resolved(on(2), agent="jonas")
    case.thanked(on(3), "Thank you. I did not think a shop would do this.").replied(on(4), agent="maria")
    found = week(case)
    assert [(each.name, each.agent_name, each.words) for each in found.thanks] == [
        ("Person 1", "Jonas", "I did not think a shop would do this.")
    ]


def test_thanks_of_somebody_in_copy_stand_under_their_own_name() -> None:
    case = Told(1).wrote(on(0)).replied(on(1))
    case.thanked(on(3), "That was quick and kind of you.")
    case.mails[-1] = replace(case.mails[-1], person=PersonNo(99), name="Bruno Hart")
    assert [each.name for each in week(case).thanks] == ["Bruno Hart"]


def test_who_only_said_no_is_counted_apart_from_who_was_upset() -> None:
    calm = asked(1).no(on(1), NEUTRAL)
    found = week(calm, Told(2, person=2).wrote(on(1), UPSET))
    assert (found.upset_people, found.upset_calm) == (2, 1)


def test_a_thank_you_is_quoted_above_the_farewell() -> None:
    said = "Thank you.\nThe clerk stayed until eight to find my parcel.\nHave a great weekend."
    text = f"{said}\n\nBest regards,\nPriya Raman\nFleet Manager, Northgate Bikes"
    found = week(Told(1).wrote(on(0)).replied(on(1)).thanked(on(3), text))
    assert [each.words for each in found.thanks] == ["The clerk stayed until eight to find my parcel."]


# --- what never counts, and what is never shown


def test_of_a_sensitive_case_everything_counts_and_no_word_is_shown() -> None:
    case = Told(1, subject="My father died").wrote(on(0), UPSET, sensitive=True).resolved(on(1)).asked(on(2))
    case.yes(on(3), "Secret words.").thanked(on(4), "Secret thanks for this.")
    waits = (
        Told(2, person=2, subject="An accident", sensitive=True, due=on(2))
        .wrote(on(0), UPSET)
        .replied(on(1), "The doctor will call on Friday.")
    )
    found = week(case, waits.wrote(on(3), UPSET))
    assert counted(found.win_back) == (1, 2)
    assert found.won_back[0].words == ""
    assert found.still_unhappy[0].name == "Person 2"
    shown = str(found)
    assert not any(word in shown for word in ("Secret", "father", "accident", "doctor"))


def test_a_merged_case_counts_once_with_all_that_was_said_in_both() -> None:
    first = Told(1, merged_into=2).wrote(on(0), UPSET)
    second = Told(2).wrote(on(1)).resolved(on(2)).asked(on(3)).yes(on(4))
    found = week(first, second)
    assert counted(found.win_back) == (1, 1)
    assert counted(found.first_contact) == (0, 1), "two mails were needed"
    assert found.feelings == {"upset": {"happy": 1}}
    assert (found.people, found.upset_people) == (1, 1)
    assert set(found.subjects) == {2}


def test_what_became_of_a_case_before_it_was_merged_is_no_part_of_the_other_ones_life() -> None:
    first = Told(1, merged_into=2).wrote(on(0)).resolved(on(1))
    second = Told(2).wrote(on(0)).wrote(on(2)).resolved(on(3))
    found = week(first, second)
    assert counted(found.reopened) == (0, 1)


def test_mails_of_merged_cases_stand_in_the_order_in_which_they_came() -> None:
    second = Told(2).wrote(on(1), HAPPY)
    first = Told(1, merged_into=2).wrote(on(0), UPSET)
    assert week(first, second).feelings == {"upset": {"happy": 1}}


def test_a_case_without_a_customers_mail_does_not_count() -> None:
    """Automatic mail and spam that a rule gave to somebody."""
    case = Told(1, due=on(1)).replied(on(0)).resolved(on(1)).asked(on(2))
    found = week(case)
    assert (found.people, found.asked, counted(found.reopened), found.unheard) == (0, 0, (0, 0), ())


def test_team_and_mailbox_leave_the_others_out() -> None:
    cases = [asked(1, team="money").yes(on(1)), asked(2, mailbox="other").no(on(1)), asked(3).yes(on(1))]
    assert counted(week(*cases).satisfied) == (2, 3)
    assert counted(week(*cases, team="money").satisfied) == (1, 1)
    assert counted(week(*cases, mailbox="other").satisfied) == (0, 1)
    assert week(*cases, mailbox="other", team="money").satisfied is not None


def test_a_day_begins_at_midnight_of_the_mailbox() -> None:
    case = Told(1).wrote(on(-1, hour=23))
    assert week(case).people == 0
    assert week(case, zone=ZoneInfo("Europe/Berlin")).people == 1


def test_nothing_at_all_says_nothing() -> None:
    found = week()
    assert found.people == 0
    for each in (found.satisfied, found.wrote_again, found.first_contact, found.reopened, found.win_back):
        assert each is not None
        assert (each.now.of, each.now.low, each.now.high, each.changed) == (0, 0.0, 1.0, False)


# --- properties


def crowd() -> list[Told]:
    """A little of everything."""
    return [
        asked(1).yes(on(1)),
        asked(2, day=3).no(on(4)).resolved(on(4, 12)).asked(on(5)).yes(on(6)),
        Told(3, merged_into=4).wrote(on(0), UPSET),
        Told(4).wrote(on(1)).replied(on(1, 12), "Until Friday you will hear from me.").wrote(on(4), UNHAPPY),
        refused(5).asked(on(3)).silent(on(6)),
        Told(6, person=6).wrote(on(5), UPSET).gave(on(6), "20 EUR").resolved(on(6)).thanked(on(6, 20)),
        Told(7, person=6).wrote(on(6, 22), UPSET),
        asked(8, day=-4).no(on(-3)),
        asked(9, day=6),
    ]


def shares(found: Findings) -> dict[str, Share]:
    values = {each.name: getattr(found, each.name) for each in fields(found)}
    return {name: each.now if isinstance(each, Compared) else each for name, each in values.items() if isinstance(each, Compared | Share)}


def test_the_order_of_the_records_does_not_matter() -> None:
    told = records(*crowd())
    expected = measure(told, WEEK)
    rng = Random(7)
    for _ in range(10):
        shuffled = Records(
            **{each.name: rng.sample(list(getattr(told, each.name)), len(getattr(told, each.name))) for each in fields(Records)}
        )
        assert measure(shuffled, WEEK) == expected


def test_two_halves_of_a_period_count_what_the_whole_counts() -> None:
    told = records(*crowd())
    whole = shares(measure(told, WEEK))
    for days in range(1, 7):
        cut = FIRST + timedelta(days=days)
        halves = [
            shares(measure(told, replace(WEEK, last=cut - timedelta(days=1)))),
            shares(measure(told, replace(WEEK, first=cut))),
        ]
        for name in ("satisfied", "response", "first_contact", "reopened"):
            assert sum(half[name].count for half in halves) == whole[name].count, name
            assert sum(half[name].of for half in halves) == whole[name].of, name
        for name in ("wrote_again", "win_back"):  # one person, one case may be in both
            assert {case for half in halves for case in half[name].cases} == set(whole[name].cases), name
            assert sum(half[name].of for half in halves) >= whole[name].of, name


def test_each_share_lies_within_its_interval_and_lists_its_cases() -> None:
    for name, each in shares(week(*crowd())).items():
        assert each.of and each.low <= each.count / each.of <= each.high, name
        assert len(each.cases) == each.count or name == "wrote_again"
        assert set(each.cases) <= set(range(1, 10)) - {3}


def test_each_number_without_a_share_names_its_cases() -> None:
    """One case a person where people are counted, else one a case."""
    found = week(
        Told(1, person=1).wrote(on(0), UPSET).resolved(on(0, 12)).asked(on(1)).yes(on(2)),
        Told(2, person=1).wrote(on(1), UPSET).resolved(on(1, 12)).asked(on(2)).no(on(3)).resolved(on(4)).asked(on(5)).yes(on(6)),
        Told(3, person=3).wrote(on(0), UPSET).replied(on(1)),
        Told(4, person=4).wrote(on(0), UPSET).resolved(on(0, 12)).silent(on(5)),
        Told(5, person=5).wrote(on(0)).resolved(on(0, 12)).asked(on(1)).unclear(on(2)),
    )
    assert found.cases_of == {
        "people": (2, 3, 4, 5), "upset": (2, 3, 4), "upset_solved": (2,), "upset_silent": (4,), "asked": (1, 2, 5), "unclear": (5,),
        "dissatisfied_mended": (2,), "feeling:neutral>neutral": (5,), "feeling:upset>happy": (1, 2), "feeling:upset>unknown": (3, 4),
    }  # fmt: skip
    assert (found.people, found.upset_people, found.upset_solved, found.upset_silent) == (4, 3, 1, 1)
    assert (found.asked, found.unclear, found.dissatisfied_mended) == (3, 1, 1)
    assert found.feelings == {"neutral": {"neutral": 1}, "upset": {"happy": 2, "unknown": 2}}
    assert set(found.subjects) >= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])))
def test_a_chain_of_merged_cases_is_one_case(order: tuple[int, int, int]) -> None:
    cases = {1: Told(1, merged_into=2).wrote(on(0), UPSET), 2: Told(2, merged_into=3).wrote(on(1)), 3: Told(3).wrote(on(2))}
    found = week(*(cases[number] for number in order))
    assert counted(found.win_back) == (0, 1)
    assert [each.case for each in found.still_unhappy] == [3]


def test_records_are_needed_from_the_trend_or_the_period_before_and_the_time_of_repeats() -> None:
    assert needed_since(WEEK) == on(-7 * 7 - 14, hour=0)
    assert needed_since(replace(WEEK, last=FIRST + timedelta(days=99))) == on(-100 - 14, hour=0)


def test_the_people_behind_the_numbers_are_named() -> None:
    found = week(*crowd())
    assert found.names == {number: f"Person {number}" for number in (1, 2, 5, 6, 9)}
    listed = {case for each in shares(found).values() for case in each.cases}
    assert listed <= set(found.subjects)
    assert 3 not in found.subjects, "it became another one"
