"""People who work in the support mailbox itself: what they answer there, what they move to what is done, a team with a folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from inboxd.core.model import AgentName, JobKind, Mode, Role, TeamName
from inboxd.core.rulebook import Rulebook
from tests.stories.day import ACME, SUPPORT, Day, _shipped_rules
from tests.stories.steps import AGENTS, ANA, BEN, CALM, FURIOUS, TOM, agents_mail, holder, kinds, opened, question


@pytest.fixture
def day() -> Day:
    return Day(shared=True)


def jobs(day: Day, case: int | None = None) -> tuple[JobKind, ...]:
    """What waits for the case."""
    with day.store.transaction() as tx:
        return tx.jobs_of(day.case(case).number)


def story(day: Day) -> list[tuple[Role, str, str]]:
    """Who said what in the newest case."""
    with day.store.transaction() as tx:
        return [(line.role, line.name, line.text) for line in tx.story(day.case().number)]


def told(day: Day, words: str) -> list[str]:
    """Which agents got a mail with these words."""
    return [agent for agent in AGENTS for mail in day.inbox(agent) if words in mail.text]


# --- answers written in the mailbox itself -------------------------------------------------------------------------------


def test_an_answer_from_the_mailbox_itself_is_an_answer(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("Hello Ana,\nthe 15 mm one.", to=ANA, answers=first)
    case = day.case()
    assert (case.state, case.due_at) == ("waiting", None)
    assert case.last_reply_at is not None and not case.last_reply_asks
    assert JobKind.SILENCE in jobs(day) and JobKind.ESCALATE not in jobs(day)
    assert story(day)[-1] == (Role.AGENT, "Acme Support", "Hello Ana,\nthe 15 mm one.")
    assert day.inbox("ana@example.org") == []


def test_whoever_the_sender_names_is_the_agent_in_the_story(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one. Does it fit?", to=ANA, answers=first, name="Maria Lindt (Acme)")
    assert story(day)[-1][:2] == (Role.AGENT, "maria")
    case = day.case()
    assert case.last_reply_by == "maria" and "maria" in case.involved and case.last_reply_asks


def test_the_customers_next_mail_finds_the_case_by_the_answer_from_the_mailbox(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    sent = day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.write(ANA, "Re: Front wheel", "It does not fit, what now?", headers={"In-Reply-To": sent})
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 1
    assert day.case().state == "open"
    assert "does not fit" in day.routed(holder(day)).text


def test_what_an_answer_quotes_is_not_its_words(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    quoted = "\n".join(f"> {line}" for line in CALM.splitlines())
    day.sends_here(f"The 15 mm one.\n\nOn Mon, 16 Nov 2026 at 09:00, Ana Ruiz wrote:\n{quoted}", to=ANA, answers=first)
    assert story(day)[-1][2] == "The 15 mm one."


def test_whoever_holds_the_case_hears_in_one_line_that_somebody_else_answered(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first, name="Petra")
    assert told(day, "Petra answered Ana in the mailbox.") == [holder(day)]
    own = next(agent.full_name for agent in day.office.rules.book.agents.values() if holder(day) in agent.emails)
    day.sends_here("And a washer.", to=ANA, answers=first, name=own)
    assert len(told(day, "in the mailbox.")) == 1  # nobody is told of their own words


def test_the_subject_tag_joins_an_answer_only_if_the_customer_gets_it(day: Day) -> None:
    opened(day)
    number = day.case().number
    day.sends_here("Is there one on the shelf?", to="shelf@parts.example", subject=f"Front wheel [#{number}]")
    assert day.case().state == "open"
    day.sends_here("The 15 mm one.", to=ANA, subject=f"Front wheel [#{number}]")
    assert day.case().state == "waiting"


def test_a_mail_passed_on_to_somebody_else_is_no_answer(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("Can you look?", to="shelf@parts.example", answers=first, subject="Fwd: Front wheel")
    assert day.case().state == "open" and len(story(day)) == 1


def test_an_answer_to_the_address_that_the_customer_wants_answers_at_counts(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM, headers={"Reply-To": "ana.home@example.net"})
    day.sends_here("The 15 mm one.", to="ana.home@example.net", answers=first)
    assert day.case().state == "waiting"


def test_an_agent_who_answers_later_by_mail_sees_the_answer_from_the_mailbox_first(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 17 mm one.")
    assert day.inbox("ana@example.org") == []
    back = day.last(agent)
    assert "Not sent yet" in back.text and "The 15 mm one." in back.text and "the 17 mm one." in back.text


def test_our_own_mail_that_a_server_files_in_sent_is_only_counted(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello,\nthe 15 mm one.")
    day.pass_(days=2, minutes=1)
    assert question(day)
    before, waiting = day.case(), jobs(day)
    for outgoing in list(day.mailer.delivered):
        day.files_in_sent(outgoing.raw)
    assert day.case() == before and jobs(day) == waiting
    assert day.events("message.sent_here") == len(day.folder("Sent").mails)


def test_our_question_under_a_new_message_id_is_no_answer_of_a_person(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello,\nthe 15 mm one.")
    day.pass_(days=2, minutes=1)
    asked = question(day)
    raw = asked.outgoing.raw.replace(str(asked.message["Message-ID"]).encode(), b"<renamed@relay.example>")
    before = day.case()
    day.files_in_sent(raw)
    assert day.case() == before and len(story(day)) == 2


def test_our_reply_that_a_server_gave_a_new_message_id_stands_once_in_the_case(day: Day) -> None:
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello,\nthe 15 mm one.")
    sent = day.last("ana@example.org")
    old = str(sent.message["Message-ID"])
    renamed = sent.outgoing.raw.replace(f"Message-ID: {old}".encode(), b"Message-ID: <new@relay.example>")
    assert renamed != sent.outgoing.raw
    day.files_in_sent(f"X-Google-Original-Message-ID: {old}\r\n".encode() + renamed)
    assert [line[0] for line in story(day)] == [Role.CUSTOMER, Role.AGENT]


def test_an_answer_that_is_seen_before_the_mail_that_it_answers_finds_its_case(day: Day) -> None:
    day.sources.reverse()  # after a pause the folder of sent mail may be read first
    first = day.write(ANA, "Front wheel", CALM, run=False)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    assert day.case().state == "waiting" and {line[0] for line in story(day)} == {Role.CUSTOMER, Role.AGENT}


def test_an_automatic_answer_of_the_mailbox_in_sent_is_no_answer_of_a_person(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("We are away.", to=ANA, answers=first, headers={"Auto-Submitted": "auto-replied"})
    assert day.case().state == "open"


def test_a_sent_mail_in_no_case_makes_nothing_and_its_answer_makes_a_new_case(day: Day) -> None:
    sent = day.sends_here("Would you sell us lamps?", to=BEN, subject="Lamps")
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 0
    assert day.store.look("select count(*) as n from person")[0]["n"] == 0
    day.write(BEN, "Re: Lamps", "Yes, how many would you like?", headers={"In-Reply-To": sent})
    assert day.case().subject == "Lamps" and day.store.look("select count(*) as n from cases")[0]["n"] == 1


@pytest.mark.parametrize("sender", [ANA, f"Tom Baker <{TOM}>", "MAILER-DAEMON@acme.example"])
def test_whatever_lies_in_sent_is_nobodys_mail_to_us(day: Day, sender: str) -> None:
    first = day.write(BEN, "Front wheel", CALM)
    before = len(agents_mail(day))
    day.write(sender, "Re: Front wheel", "Undelivered: I am furious!", to=BEN, headers={"In-Reply-To": first}, folder="Sent")
    day.pass_(minutes=1)
    assert day.case().state == "open" and len(story(day)) == 1 and len(agents_mail(day)) == before
    assert day.store.look("select sum(contact) as n from message")[0]["n"] == 1


def test_the_same_answer_filed_twice_in_sent_stands_once_in_the_case(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first, mail_id="<twice@acme.example>")
    day.sends_here("The 15 mm one. ", to=ANA, answers=first, mail_id="<twice@acme.example>", cc="x@parts.example")
    assert [line[0] for line in story(day)] == [Role.CUSTOMER, Role.AGENT]


def test_an_answer_that_also_came_back_to_the_inbox_counts_once(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.write(
        f"Acme Support <{SUPPORT}>", "Re: Front wheel", "The 15 mm one.", to=f"{ANA}, {SUPPORT}", headers={"In-Reply-To": first},
        folder="Sent", run=False,
    )  # fmt: skip
    day.mailbox.put(*day.folder("Sent").mails[1])
    day.run()
    day.pass_(minutes=1)
    assert day.case().state == "waiting" and [line[0] for line in story(day)] == [Role.CUSTOMER, Role.AGENT]


def test_an_answer_that_is_read_after_the_customer_wrote_again_leaves_the_case_open(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    day.write(
        f"Acme Support <{SUPPORT}>", "Re: Front wheel", "The 15 mm one.", to=ANA, headers={"In-Reply-To": first}, folder="Sent", run=False
    )
    day.clock.at = day.clock.at.replace(minute=10)  # the mailbox could not be reached for a while
    day.write(ANA, "Re: Front wheel", "It does not fit, what now?", headers={"References": first})
    day.pass_(minutes=1)
    assert day.case().state == "open" and JobKind.ESCALATE in jobs(day)
    assert [line[0] for line in story(day)] == [Role.CUSTOMER, Role.CUSTOMER, Role.AGENT]


def test_an_answer_to_all_that_was_written_leaves_nothing_to_hand_over(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    second = day.write(ANA, "Front wheel", "One more detail: it is the silver model with the large frame.")
    day.sends_here("The 15 mm one.", to=ANA, answers=second)
    day.pass_(minutes=20)
    assert day.case().state == "waiting"


def test_silence_after_an_answer_from_the_mailbox_is_followed_by_the_question(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.pass_(days=6)
    assert kinds(day, "ana@example.org") == ["follow_up"]


FRIDAY = "Hello Ana,\nthank you for the photo. You will have it by Friday."  # told on Monday 16 November


def promises(day: Day) -> list[tuple[str, str, str]]:
    return [(row["agent"], row["day"], row["sentence"]) for row in day.store.look("select * from promise order by id")]


def test_a_day_that_an_agent_names_in_the_mailbox_is_remembered(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here(FRIDAY, to=ANA, answers=first, name="Maria Lindt (Acme)")
    assert promises(day) == [("maria", "2026-11-20", "You will have it by Friday.")]
    day.pass_(days=4, hours=1)
    assert told(day, "Today is the day") == [holder(day)]
    day.pass_(days=3)
    assert kinds(day, "ana@example.org") == [], "the five days of silence begin when the day is over"
    day.pass_(days=4)
    assert question(day).outgoing.created_at >= datetime(2026, 11, 26, tzinfo=UTC)


def test_a_day_that_nobody_known_names_is_only_part_of_the_answer(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here(FRIDAY, to=ANA, answers=first)
    assert promises(day) == [] and story(day)[-1][2] == FRIDAY


def test_what_was_promised_in_an_answer_that_is_read_late_counts_from_when_it_was_written(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    maria = f"Maria Lindt <{SUPPORT}>"
    day.write(maria, "Re: Front wheel", "I send you one tomorrow.", to=ANA, headers={"In-Reply-To": first}, folder="Sent", run=False)
    day.clock.at += timedelta(hours=20)  # the mailbox could not be reached for a while
    day.write(ANA, "Re: Front wheel", "And a bell, please.", headers={"References": first})
    day.pass_(minutes=1)
    assert promises(day) == [("maria", "2026-11-17", "I send you one tomorrow.")]
    assert day.case().state == "open"


def test_mails_in_sent_are_not_counted_as_received_in_mode_watch() -> None:
    day = Day(shared=True, mode=Mode.WATCH)
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    assert day.case().state == "waiting"
    day.pass_(days=1)
    assert "1 mails" in day.last("petra@acme.example").subject


# --- mails moved to what is done -----------------------------------------------------------------------------------------


def test_a_mail_moved_to_resolved_resolves_its_case(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.moves(first, "Resolved")
    case = day.case()
    assert (case.state, case.resolved_by, case.by_silence) == ("resolved", case.assignee, False)
    assert JobKind.ASK in jobs(day) and JobKind.ESCALATE not in jobs(day)
    assert told(day, "resolved in the mailbox") == [holder(day)]
    day.pass_(days=2, minutes=1)
    assert kinds(day, "ana@example.org") == ["follow_up"]


def test_an_answer_and_a_move_at_once_make_an_answered_and_resolved_case(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.write(
        f"Acme Support <{SUPPORT}>", "Re: Front wheel", "The 15 mm one.", to=ANA, headers={"In-Reply-To": first}, folder="Sent", run=False
    )
    day.moves(first, "Resolved")
    assert day.case().state == "resolved" and day.case().last_reply_at is not None
    assert jobs(day).count(JobKind.ASK) == 1 and JobKind.SILENCE not in jobs(day)


def test_a_mail_moved_twice_resolves_once(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.moves(first, "Resolved")
    before = day.case()
    day.moves(first, "INBOX", of="Resolved")
    day.moves(first, "Resolved")
    assert day.case() == before


def test_an_older_mail_that_is_moved_leaves_what_the_customer_wrote_since(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    second = day.write(ANA, "Re: Front wheel", "And is it in stock?", headers={"In-Reply-To": first})
    day.moves(first, "Resolved")
    assert day.case().state == "open"
    day.moves(second, "Resolved")
    assert day.case().state == "resolved"


def test_a_closed_case_stays_closed_whatever_is_moved(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.moves(first, "Resolved")
    day.pass_(days=30)
    assert day.case().state == "closed"
    before = day.case()
    day.moves(first, "INBOX", of="Resolved")
    day.moves(first, "Resolved")
    assert day.case() == before


def test_a_mail_of_a_merged_case_resolves_nothing(day: Day) -> None:
    first = day.write(ANA, "Front wheel", CALM)
    day.pass_(hours=1)
    day.write(ANA, "Bell", "Where is the bell?")
    other = day.case().number
    agent = holder(day, other - 1)
    routed = day.last(agent, lambda mail: mail.outgoing.kind == "routed" and mail.outgoing.case == other - 1)
    day.reply(agent, routed, f"merge: #{other}")
    assert day.store.look("select state from cases where id = ?", other - 1)[0]["state"] == "merged"
    day.moves(first, "Resolved")
    assert day.case(other).state == "open"


def test_a_mail_of_no_case_is_moved_without_anything_happening(day: Day) -> None:
    news = day.write("news@shop.example", "Offers", "Buy now", headers={"List-Id": "<news.shop.example>"})
    day.moves(news, "Resolved")
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 0
    assert day.store.look("select count(*) as n from job where kind = 'resolve'")[0]["n"] == 0


def test_a_mail_that_was_moved_before_we_saw_it_reaches_an_agent_and_is_resolved(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM, folder="Resolved")
    agent = holder(day)
    assert CALM.splitlines()[1] in day.routed(agent).text
    day.pass_(minutes=2)
    assert day.case().state == "resolved"


def test_mail_from_before_the_first_run_that_is_tidied_away_is_nobodys_case(day: Day) -> None:
    raw = f"Message-ID: <old@x.example>\r\nFrom: {ANA}\r\nTo: {SUPPORT}\r\nSubject: Old\r\n\r\nWhere is it?\r\n".encode()
    day.folder("Resolved").put(raw, day.at().replace(year=2025))
    day.run()
    day.pass_(minutes=2)
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 0
    assert day.store.look("select state from sighting where folder = 'Resolved'")[0]["state"] == "before"


# --- a team that works in a folder -----------------------------------------------------------------------------------------


def beginner_and(book: Rulebook) -> Rulebook:
    """The same, but only Tom gets what is calm: he is no senior."""
    everyone = replace(book.teams[TeamName("everyone")], agents=(AgentName("tom"),))
    return replace(book, teams={**book.teams, everyone.name: everyone})


def folder_team(*names: str, **changes: object) -> Rulebook:
    """The shipped rules, in which these teams work in folders."""
    book = _shipped_rules()
    teams = {
        name: replace(team, deliver="folder", **changes) if name in names else team  # type: ignore[arg-type]  # fields of a team
        for name, team in book.teams.items()
    }
    return replace(book, teams=teams)


def test_a_mail_for_a_team_with_a_folder_is_laid_there_and_nobody_is_mailed() -> None:
    day = Day(shared=True, book=folder_team("everyone", folder="Desk"))
    day.write(ANA, "Front wheel", CALM)
    assert day.case().assignee is not None and day.case().team == "everyone"
    assert day.subjects_in("Desk") == ["Front wheel"] and day.subjects_in("INBOX") == []
    assert agents_mail(day) == []


def test_without_a_name_the_folder_is_called_as_the_team() -> None:
    day = Day(shared=True, book=folder_team("everyone"))
    day.write(ANA, "Front wheel", CALM)
    assert day.subjects_in("everyone") == ["Front wheel"]


def test_later_mails_of_the_case_follow_into_the_folder_thanks_too() -> None:
    day = Day(shared=True, book=folder_team("everyone"))
    first = day.write(ANA, "Front wheel", CALM)
    day.write(ANA, "Front wheel", "One more detail: it is the silver model with the large frame.")
    assert len(day.subjects_in("everyone")) == 2
    sent = day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.write(ANA, "Re: Front wheel", "Thank you, that is perfect!", headers={"In-Reply-To": sent})
    assert len(day.subjects_in("everyone")) == 3 and day.subjects_in("INBOX") == []
    assert [mail.outgoing.kind for mail in agents_mail(day)] in ([], ["notice"])


def test_a_team_that_works_in_the_mailbox_is_not_told_of_its_own_answers() -> None:
    day = Day(shared=True, book=folder_team("everyone"))
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.moves(first, "Resolved", of="everyone")
    assert day.case().state == "resolved" and agents_mail(day) == []


def test_whoever_holds_a_case_in_a_folder_is_still_reminded_by_mail() -> None:
    day = Day(shared=True, book=folder_team("everyone"))
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.pass_(days=3)
    assert "notice" in kinds(day, agent)


def test_a_case_that_climbs_from_a_folder_to_people_is_mailed_to_them() -> None:
    day = Day(shared=True, book=beginner_and(folder_team("everyone")))
    first = day.write(ANA, "Front wheel", CALM)
    sent = day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.write(ANA, "Re: Front wheel", FURIOUS, headers={"In-Reply-To": sent})
    assert day.case().team == "seniors"
    assert "I am furious" in day.routed(holder(day)).text


def test_a_case_that_climbs_from_people_to_a_folder_is_laid_there() -> None:
    day = Day(shared=True, book=beginner_and(folder_team("seniors")))
    first = day.write(ANA, "Front wheel", CALM)
    assert kinds(day, holder(day)) == ["routed"] and day.case().team == "everyone"
    day.write(ANA, "Re: Front wheel", FURIOUS, headers={"In-Reply-To": first})
    assert day.case().team == "seniors"
    assert day.subjects_in("seniors") == ["Re: Front wheel"]
    assert "routed" not in [str(m.outgoing.kind) for m in day.inbox(holder(day)) if "furious" in m.text]


def test_a_case_that_is_passed_on_moves_from_folder_to_folder() -> None:
    day = Day(shared=True, book=folder_team("everyone", "seniors"))
    day.write(ANA, "Front wheel", CALM)
    day.pass_(days=3)
    assert day.subjects_in("everyone") == ["Front wheel"]
    agent = holder(day)
    day.reply(agent, day.last(agent), "pass on: seniors")
    assert day.case().team == "seniors"
    assert day.subjects_in("seniors") == ["Front wheel"] and day.subjects_in("everyone") == []


def test_what_cannot_be_laid_into_the_folder_is_mailed_after_all() -> None:
    day = Day(shared=True, book=folder_team("everyone", "seniors"))
    first = day.write(ANA, "Front wheel", CALM)
    day.moves(first, "Elsewhere", of="everyone")
    day.pass_(days=3)
    agent = holder(day)
    day.reply(agent, day.last(agent), "pass on: seniors")
    assert CALM.splitlines()[1] in day.routed(holder(day)).text


def test_a_folder_that_a_rule_names_for_the_mail_comes_before_that_of_the_team() -> None:
    book = folder_team("everyone")
    rules = tuple(replace(r, then=replace(r.then, file_in="Wheels")) if not r.when else r for r in book.rules)
    day = Day(shared=True, book=replace(book, rules=rules))
    day.write(ANA, "Front wheel", CALM)
    assert day.subjects_in("Wheels") == ["Front wheel"] and agents_mail(day) == []


def test_where_nothing_may_be_moved_mail_is_sent_as_ever() -> None:
    day = Day(shared=True, book=folder_team("everyone"))
    day.office.mailboxes = {ACME: replace(day.office.mailboxes[ACME], file=False)}
    day.write(ANA, "Front wheel", CALM)
    assert kinds(day, holder(day)) == ["routed"] and day.subjects_in("INBOX") == ["Front wheel"]


def test_a_case_reopened_by_the_customer_is_laid_into_the_folder_of_the_new_team() -> None:
    day = Day(shared=True, book=folder_team("everyone", "seniors"))
    first = day.write(ANA, "Front wheel", CALM)
    day.sends_here("The 15 mm one.", to=ANA, answers=first)
    day.moves(first, "Resolved", of="everyone")
    day.pass_(days=2, minutes=1)
    day.write(ANA, "Re: Front wheel", "No, it is still broken.", answers=question(day))
    assert day.case().state == "open" and day.case().team == TeamName("seniors")
    assert day.subjects_in("seniors") == ["Re: Front wheel"]
