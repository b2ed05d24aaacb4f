"""A fault that many write about: people may know of it, and whoever wrote hears, once, that it is mended."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC

import pytest

from inboxd.core.model import Answer, CaseState, Mode
from inboxd.core.rulebook import Rulebook
from inboxd.desk.case_told import case_told, in_words
from tests.stories.day import Day, Letterbox
from tests.stories.steps import JONAS, MARIA, PETRA, holder, resolved, tap
from tests.stories.test_spikes import crowd, told

KNOWN = "known issue: Signing in fails for some. We have found the cause."


@pytest.fixture
def day() -> Day:
    """Four weeks of ordinary days lie behind the team, and five people just wrote that they cannot sign in."""
    return alarmed(Day())


def alarmed(day: Day) -> Day:
    resolved(day)
    day.pass_(days=28)
    crowd(day, 5)
    return day


def opened(day: Day, text: str = KNOWN) -> Letterbox:
    """The lead says what people may know; returns what the lead gets."""
    (alarm,) = told(day)
    day.reply(PETRA, alarm, text)
    return day.inbox(PETRA)[-1]


def mended(day: Day, address: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(address) if mail.outgoing.purpose.startswith("mended:")]


def all_mended(day: Day) -> list[str]:
    return [str(o.envelope_to[0]) for o in day.mailer.delivered if o.purpose.startswith("mended:")]


def first_line(mail: Letterbox) -> str:
    return mail.text.splitlines()[0]


def flat(mail: Letterbox) -> str:
    return " ".join(mail.text.split())


def test_the_lead_says_what_people_may_know_and_hears_whom_it_concerns(day: Day) -> None:
    answer = opened(day)
    assert first_line(answer) == "Done, Petra: known now, with 5 people so far."
    assert "Signing in fails for some. We have found the cause." in flat(answer)
    assert answer.subject == "Re: 5 people in an hour: not sign in (usually nobody)"


def test_a_signature_is_no_part_of_it_and_what_was_left_out_is_said(day: Day) -> None:
    answer = opened(day, f"{KNOWN}\n\nBest regards\nP. Sommer")
    assert "Left out: Best regards; P. Sommer." in flat(answer)
    crowd(day, 1, first=5)
    assert "regards" not in day.routed(holder(day)).text


def test_it_stands_high_in_the_brief_of_each_such_mail_and_of_no_other(day: Day) -> None:
    opened(day)
    crowd(day, 1, first=5)
    lines = day.routed(holder(day)).text.splitlines()
    assert lines[1] == "Known: Signing in fails for some. We have found the cause. (since Mon 14 Dec)"
    day.write("Lea Moe <lea@example.org>", "Bell", "Which bell fits the small bike?")
    assert "Known:" not in day.routed(holder(day)).text


def test_explain_names_where_the_line_comes_from(day: Day) -> None:
    opened(day)
    crowd(day, 1, first=5)
    words = in_words(case_told(day.store.look, day.case().number, UTC))
    known = words.splitlines().index("    Known: Signing in fails for some. We have found the cause. (since Mon 14 Dec)")
    assert words.splitlines()[known + 1] == "      - known issue 1: as whoever opened it worded it"


def test_before_it_is_said_nobody_knows(day: Day) -> None:
    crowd(day, 1, first=5)
    assert "Known:" not in day.routed(holder(day)).text


def acknowledging(day: Day, name: str = "acknowledge") -> None:
    rules = tuple(replace(rule, then=replace(rule.then, reply_with=name)) for rule in day.office.rules.book.rules)
    book: Rulebook = replace(day.office.rules.book, rules=rules)
    day.office.rules = replace(day.office.rules, book=book)


def test_an_acknowledgement_says_it_where_the_rules_send_one(day: Day) -> None:
    acknowledging(day)
    opened(day)
    crowd(day, 1, first=5)
    day.pass_(minutes=20)
    note = day.last("p5@example.org")
    assert note.outgoing.kind == "acknowledgement"
    assert "That is a fault of ours, and it is being mended: Signing in fails for some. We have found the cause." in flat(note)
    day.write("Lea Moe <lea@example.org>", "Bell", "Which bell fits the small bike?")
    day.pass_(minutes=20)
    assert "fault" not in day.last("lea@example.org").text


def test_nobody_gets_an_acknowledgement_that_the_rules_do_not_send(day: Day) -> None:
    opened(day)
    crowd(day, 1, first=5)
    day.pass_(minutes=30)
    assert not day.inbox("p5@example.org")


def test_fixed_tells_everybody_who_wrote_about_it_once_and_nobody_else(day: Day) -> None:
    answer = opened(day)
    crowd(day, 2, first=5)
    day.write("PersonA Moe <p0@example.org>", "Again", "I still cannot sign in!")  # a second mail of the same person
    day.pass_(hours=1)
    day.reply(PETRA, answer, "fixed")
    assert first_line(day.inbox(PETRA)[-1]) == "Done, Petra: 7 people will hear of it."
    day.pass_(hours=1)
    assert sorted(all_mended(day)) == [f"p{number}@example.org" for number in range(7)]
    mail = day.last("p6@example.org")
    assert flat(mail).startswith(
        'Hello PersonG, On 14 December you wrote to us about "Problem". Yours was one of 8 mails that showed us where the fault was.'
        " Since Monday it is mended. Does it work for you now? Just reply."
        " Acme Support This mail came by itself. A person reads the answer."
    )
    assert "Yes, it is solved" in mail.html and mail.message["Auto-Submitted"] == "auto-generated"
    day.reply(PETRA, answer, "fixed")
    day.pass_(days=1)
    assert len(all_mended(day)) == 7 and "mended already" in flat(day.inbox(PETRA)[-1])


def test_the_lead_hears_how_many_were_told_and_who_was_not(day: Day) -> None:
    with day.store.transaction() as tx:
        tx._db.execute("update person set no_follow_up = 1 where name like 'PersonB%'")
        tx._db.execute("update cases set labels = '[\"sensitive\"]', no_follow_up = 1 where id = 1004")
    day.reply(PETRA, opened(day), "fixed: The cable is new.")
    day.pass_(hours=1)
    assert sorted(all_mended(day)) == ["p0@example.org", "p3@example.org", "p4@example.org"]
    last = day.inbox(PETRA)[-1]
    assert first_line(last) == "3 people were told that it is mended."
    assert "1: asked not to be asked" in last.text and "1: about death, illness, danger or law" in last.text
    assert "The cable is new." in day.last("p0@example.org").text


def test_a_yes_closes_the_case_and_a_no_brings_it_to_a_senior(day: Day) -> None:
    day.reply(PETRA, opened(day), "Fixed.")
    day.pass_(minutes=30)
    assert day.case(1002).state is CaseState.RESOLVED
    day.reply("PersonA Moe <p0@example.org>", day.last("p0@example.org"), "Yes, it works now, thank you!")
    assert day.case(1002).state is CaseState.CLOSED and day.case(1002).outcome == "satisfied"
    day.reply("PersonB Moe <p1@example.org>", day.last("p1@example.org"), "No, I still cannot sign in.")
    case = day.case(1003)
    assert case.state is CaseState.OPEN and case.reopened == 1 and case.team == "seniors" and case.assignee in ("maria", "jonas")
    tap(day, day.last("p2@example.org"), Answer.SATISFIED, sender="PersonC Moe <p2@example.org>")
    day.pass_(minutes=5)
    assert day.case(1004).state is CaseState.CLOSED
    assert {MARIA, JONAS} & {holder(day, 1003)}


def resolved_for(day: Day, agent: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if mail.outgoing.purpose.startswith("mended_with:")]


def test_whoever_has_such_cases_hears_in_one_mail_that_they_need_not_write(day: Day) -> None:
    day.reply(PETRA, opened(day), "fixed: It was a cable.")
    day.pass_(hours=1)
    having: dict[str, list[int]] = {}
    for number in range(1002, 1007):
        having.setdefault(holder(day, number), []).append(number)
    for agent, numbers in having.items():
        (mail,) = resolved_for(day, agent)
        people = "1 person was" if len(numbers) == 1 else f"{len(numbers)} people were"
        assert first_line(mail) == f"{people} told it is mended. You need not write."
        assert [int(each) for each in re.findall(r"\[#(\d+)\]", mail.text)] == numbers
        assert ("It was a cable." in mail.text and "PersonA Moe: Problem [#1002]" in mail.text) or 1002 not in numbers
    assert sum(map(len, having.values())) == 5


def test_whoever_still_owes_an_answer_or_owed_none_hears_nothing(day: Day) -> None:
    answer, agents = opened(day), (MARIA, JONAS, "tom@acme.example", PETRA)
    for number in range(1002, 1007):
        agent = holder(day, number)
        mail = day.last(agent, lambda each, tag=f"[#{number}]": tag in each.subject)  # type: ignore[misc]
        day.reply(agent, mail, "resolve\n\nHello,\nplease try again.")
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert len(all_mended(day)) == 5 and not any(resolved_for(day, agent) for agent in agents)


def test_a_case_that_was_answered_and_closed_long_since_is_asked_too(day: Day) -> None:
    answer = opened(day)
    agent = holder(day, 1002)
    day.reply(agent, day.last(agent, lambda mail: "[#1002]" in mail.subject), "We are looking into it.")
    day.pass_(days=30)
    assert day.case(1002).state is CaseState.CLOSED
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=2)
    assert len(mended(day, "p0@example.org")) == 1
    day.reply("PersonA Moe <p0@example.org>", day.last("p0@example.org"), "No, it is still broken.")
    assert day.case(1002).state is CaseState.OPEN


def test_whoever_was_asked_yesterday_still_hears_of_it_and_then_not_again(day: Day) -> None:
    answer = opened(day)
    with day.store.transaction() as tx:
        tx._db.execute("update person set asked_at = ? where name like 'PersonA%'", (day.at().timestamp() - 86400,))
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert len(mended(day, "p0@example.org")) == 1
    day.write("PersonA Moe <p0@example.org>", "Bell", "Which bell fits the small bike?")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "resolve\n\nThe small one.")
    day.pass_(days=3)
    assert len([mail for mail in day.inbox("p0@example.org") if mail.outgoing.kind == "follow_up"]) == 1


def test_at_night_nobody_is_told_before_the_morning(day: Day) -> None:
    answer = opened(day)
    day.pass_(hours=13)
    day.reply(PETRA, answer, "fixed")
    assert not all_mended(day)
    day.pass_(hours=12)
    assert len(all_mended(day)) == 5
    sent = [o.created_at for o in day.mailer.delivered if o.purpose.startswith("mended:")]
    assert min(sent).hour == 8


def test_in_german_it_is_told_in_german(day: Day) -> None:
    opened(day)
    day.write("Jana Klein <jana@example.org>", "Anmeldung", "Guten Tag,\nich kann mich seit heute nicht anmelden.\nJana Klein")
    assert "Known:" in day.routed(holder(day)).text
    day.reply(PETRA, day.inbox(PETRA)[-1], "fixed")
    day.pass_(hours=1)
    assert flat(day.last("jana@example.org")).startswith(
        "Guten Tag Jana Klein, Am 14. Dezember haben Sie uns zu „Anmeldung“ geschrieben. Ihre war eine von 6 Mails, die uns gezeigt haben,"
        " wo der Fehler lag. Seit Montag ist das behoben. Geht es jetzt bei Ihnen? Antworten Sie einfach."
    )


GERMAN = "known issue de: Die Anmeldung klappt bei manchen nicht."


def with_a_german(day: Day) -> Day:
    day.write("Jana Klein <jana@example.org>", "Anmeldung", "Guten Tag,\nich kann mich seit heute nicht anmelden.\nJana Klein")
    return day


def test_the_lead_hears_which_languages_have_no_words_before_anything_goes_out(day: Day) -> None:
    answer = opened(with_a_german(day))
    assert "No words yet for those who write in German (1)" in flat(answer) and "reply: known issue de: and the words" in flat(answer)
    assert not day.inbox("jana@example.org")
    day.reply(PETRA, answer, GERMAN)
    assert "No words yet" not in day.inbox(PETRA)[-1].text
    assert "de: Die Anmeldung klappt bei manchen nicht." in flat(day.inbox(PETRA)[-1])


def test_words_for_each_language_may_stand_in_one_mail_in_any_order(day: Day) -> None:
    answer = opened(with_a_german(day), f"{GERMAN}\n{KNOWN}")
    assert first_line(answer) == "Done, Petra: known now, with 6 people so far." and "No words yet" not in answer.text
    (issue,) = day.store.look("select text, texts from issue")
    assert issue["text"] == KNOWN.removeprefix("known issue: ") and issue["texts"] == '{"de":"Die Anmeldung klappt bei manchen nicht."}'


def test_who_writes_in_another_language_reads_the_words_that_were_given_for_it(day: Day) -> None:
    acknowledging(day)
    opened(day, f"{KNOWN}\n{GERMAN}")
    with_a_german(day)
    crowd(day, 1, first=5)
    day.pass_(minutes=20)
    assert "wird gerade behoben: Die Anmeldung klappt bei manchen nicht." in flat(day.last("jana@example.org"))
    assert "Signing in fails for some." in day.last("p5@example.org").text


def test_without_words_in_their_language_they_read_those_that_there_are_with_ours_around_them(day: Day) -> None:
    acknowledging(day)
    opened(day)
    with_a_german(day)
    day.pass_(minutes=20)
    assert "wird gerade behoben: Signing in fails for some. We have found the cause." in flat(day.last("jana@example.org"))


def test_where_words_are_missing_nobody_is_told_for_half_an_hour_and_more_words_are_taken(day: Day) -> None:
    day.reply(PETRA, opened(with_a_german(day)), "fixed: It was a cable.")
    answer = day.inbox(PETRA)[-1]
    assert "So nobody is told for 30 minutes. To give them words of their own, reply: fixed de: and the words" in flat(answer)
    day.pass_(minutes=20)
    assert not all_mended(day)
    day.reply(PETRA, answer, "Fixed DE: Es war ein Kabel.")
    assert "de: Es war ein Kabel." in flat(day.inbox(PETRA)[-1])
    day.pass_(hours=1)
    assert len(all_mended(day)) == 6
    assert "Es war ein Kabel." in day.last("jana@example.org").text and "It was a cable." in day.last("p0@example.org").text
    day.reply(PETRA, answer, "fixed de: Zu spät.")
    assert "mended already" in flat(day.inbox(PETRA)[-1])


def test_where_nothing_is_said_beside_nobody_waits_for_words(day: Day) -> None:
    day.reply(PETRA, opened(with_a_german(day)), "fixed")
    assert "No words yet" not in day.inbox(PETRA)[-1].text
    day.pass_(minutes=5)
    assert len(all_mended(day)) == 6


def test_new_words_for_all_put_an_end_to_the_old_ones_of_a_language(day: Day) -> None:
    answer = opened(with_a_german(day), f"{KNOWN}\n{GERMAN}")
    day.reply(PETRA, answer, "known issue: Signing in works again on phones.")
    assert "No words yet for those who write in German (1)" in flat(day.inbox(PETRA)[-1])


def test_to_a_customer_words_for_a_language_never_leave_as_a_reply(day: Day) -> None:
    agent = holder(day)
    day.reply(agent, day.routed(agent), GERMAN)
    assert "it answers my mail about a fault" in flat(day.inbox(agent)[-1]) and not day.inbox("p4@example.org")


def test_without_plus_addresses_an_answer_to_the_mail_is_enough() -> None:
    day = alarmed(Day(plus_addresses=False))
    answer = opened(day)
    assert first_line(answer) == "Done, Petra: known now, with 5 people so far."
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert len(all_mended(day)) == 5


def test_after_a_bad_answer_the_next_mail_is_from_a_person(day: Day) -> None:
    answer = opened(day)
    with day.store.transaction() as tx:
        tx._db.execute("update cases set outcome = 'dissatisfied', reopened = 1 where id = 1002")
        tx._db.execute("update cases set outcome = 'satisfied', state = 'closed', closed_at = updated_at where id = 1003")
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert len(all_mended(day)) == 3 and day.case(1002).state is CaseState.OPEN
    last = flat(day.inbox(PETRA)[-1])
    assert "1: said that it is not solved, and wait for a person" in last and "1: said before that it is solved" in last


def test_after_a_bad_answer_in_another_matter_it_is_too(day: Day) -> None:
    answer = opened(day)
    day.write("PersonA Moe <p0@example.org>", "Bell", "Which bell fits the small bike?")
    with day.store.transaction() as tx:
        tx._db.execute("update cases set outcome = 'dissatisfied', reopened = 1 where id = ?", (day.case().number,))
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert sorted(all_mended(day)) == [f"p{number}@example.org" for number in range(1, 5)]
    assert "1: said that it is not solved, and wait for a person" in flat(day.inbox(PETRA)[-1])


def test_who_wrote_again_since_it_was_mended_is_told_and_still_answered_by_a_person(day: Day) -> None:
    answer = opened(day)
    day.pass_(hours=13)
    day.reply(PETRA, answer, "fixed")
    agent = holder(day, 1002)
    day.pass_(minutes=5)
    day.write("PersonA Moe <p0@example.org>", "Re: Problem [#1002]", "And where is my invoice for the lamp?")
    day.pass_(hours=11)
    assert len(mended(day, "p0@example.org")) == 1
    assert day.case(1002).state is CaseState.OPEN and day.case(1002).due_at is not None and day.case(1003).state is CaseState.RESOLVED
    day.reply("PersonA Moe <p0@example.org>", day.last("p0@example.org"), "Yes, it works now, thank you!")
    assert day.case(1002).state is CaseState.OPEN and holder(day, 1002) == agent


def test_another_wording_takes_the_place_of_the_first(day: Day) -> None:
    answer = opened(day)
    day.reply(PETRA, answer, "Known issue: Signing in works again on phones.")
    assert "from now on people read this" in day.inbox(PETRA)[-1].text
    crowd(day, 1, first=5)
    assert "Known: Signing in works again on phones." in day.routed(holder(day)).text
    assert len(day.store.look("select * from issue")) == 1


def test_without_an_alarm_the_command_is_handed_back(day: Day) -> None:
    agent = holder(day)
    day.reply(agent, day.routed(agent), KNOWN)
    assert "it answers my mail about a fault" in flat(day.inbox(agent)[-1])
    assert not day.store.look("select * from issue")


def test_fixed_before_anything_is_known_changes_nothing(day: Day) -> None:
    (alarm,) = told(day)
    day.reply(PETRA, alarm, "fixed")
    assert "no known issue is open here" in flat(day.inbox(PETRA)[-1])


def test_to_a_customer_fixed_is_a_word_like_others(day: Day) -> None:
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Fixed.")
    assert "Fixed." in day.last("p4@example.org").text


def test_somebody_else_cannot_say_it_in_the_leads_name(day: Day) -> None:
    (alarm,) = told(day)
    day.write("Eve <eve@example.org>", "Re: " + alarm.subject, KNOWN, to=str(alarm.message["Reply-To"]), answers=alarm)
    assert not day.store.look("select * from issue")


def test_a_case_that_was_merged_meanwhile_is_told_through_the_other(day: Day) -> None:
    answer = opened(day)
    day.write("PersonA Moe <p0@example.org>", "Bell", "Which bell fits the small bike?")
    day.pass_(minutes=15)
    day.write("PersonA Moe <p0@example.org>", "Lamp", "Which lamp fits the small bike?")
    number, agent = day.case().number, holder(day, 1002)
    assert number != 1002
    day.pass_(hours=12)
    day.reply(PETRA, answer, "fixed")  # told in the morning
    day.reply(agent, day.last(agent, lambda mail: "[#1002]" in mail.subject), f"merge: #{number}")
    assert day.case(1002).number == number
    day.pass_(hours=12)
    (mail,) = mended(day, "p0@example.org")
    assert mail.subject.endswith(f"[#{number}]") and day.case(number).state is CaseState.RESOLVED


def test_what_a_cap_withholds_is_told_later(day: Day) -> None:
    answer = opened(day)
    day.office.policy = replace(day.office.policy, caps=replace(day.office.policy.caps, automatic_a_week=0))
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1, minutes=30)
    assert not all_mended(day) and day.case(1002).state is CaseState.OPEN
    day.office.policy = replace(day.office.policy, caps=replace(day.office.policy.caps, automatic_a_week=5))
    day.pass_(hours=2)
    assert len(all_mended(day)) == 5


def test_in_mode_route_no_machine_writes_and_the_lead_hears_so(day: Day) -> None:
    answer = opened(day)
    day.set_mode(Mode.ROUTE)
    day.reply(PETRA, answer, "fixed")
    day.pass_(hours=1)
    assert not all_mended(day)
    assert re.search(r"5: the mailbox is not in mode full", day.inbox(PETRA)[-1].text)
