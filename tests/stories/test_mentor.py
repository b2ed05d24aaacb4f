"""Words of a new agent wait until a mentor has read them: let go as they are, said better, or spoken of between the two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.core.model import AgentName, CaseState, Mode, TeamName
from inboxd.core.rulebook import Absence, Rulebook
from inboxd.rule_sets import shipped
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, CALM, JONAS, MARIA, PETRA, TOM, holder, kinds, words_of

ANA_AT = "ana@example.org"
LENA = "lena@acme.example"
WORDS = "Hello Ana,\nthe 15 mm one."


def book(**of_maria: object) -> Rulebook:
    """The shipped rules, and Lena, who is new: Maria reads what she writes."""
    rules = load_rules(shipped("rules"))
    tom = rules.agents[AgentName("tom")]
    lena = replace(tom, name=AgentName("lena"), emails=(LENA,), full_name="Lena Fuchs", signs_as="Lena", mentor=AgentName("maria"))
    maria = replace(rules.agents[AgentName("maria")], **of_maria)  # type: ignore[arg-type]  # names of Agent
    teams = {name: replace(team, agents=(lena.name,)) if name == "everyone" else team for name, team in rules.teams.items()}
    return replace(rules, agents={**rules.agents, maria.name: maria, lena.name: lena}, teams=teams)


@pytest.fixture
def day() -> Day:
    return Day(book=book())


def written(day: Day, text: str = WORDS, **more: object) -> Letterbox:
    """Ana asked, and Lena answered; returns the mail that shows her words."""
    day.write(ANA, "Front wheel", CALM)
    assert holder(day) == LENA
    day.reply(LENA, day.routed(LENA), text, **more)  # type: ignore[arg-type]  # as Day.write takes them
    return shown(day)


def shown(day: Day, reader: str = MARIA) -> Letterbox:
    return day.last(reader, lambda mail: mail.outgoing.purpose.startswith("mentor:"))


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_mentor_reads_the_words_before_the_customer_does(day: Day) -> None:
    mail = written(day)
    assert mail.text.startswith("Lena wants to send Ana this.") and "    Hello Ana," in mail.text
    assert "To let it go, reply: release" in mail.text and flat(CALM) in flat(mail.text)
    assert kinds(day, ANA_AT) == [] and day.case().state is CaseState.OPEN
    assert day.last(LENA).text.startswith("Maria looks at it first, Lena.")


def test_released_words_leave_once_signed_by_whoever_wrote_them(day: Day) -> None:
    mail = written(day)
    day.pass_(hours=1)
    for _ in range(2):
        day.reply(MARIA, mail, "release")
    assert kinds(day, ANA_AT) == ["reply"]
    sent = words_of(day)
    assert sent.sender == "Lena at Acme Support" and "\n".join(sent.text.splitlines()).startswith(f"{WORDS}\n\nLena\nAcme Support")
    assert "release" not in sent.text and day.last(MARIA).text.startswith("Nothing waits for you, Maria.")
    case = day.case()
    assert (case.state, case.last_reply_by, case.last_reply_at) == (CaseState.WAITING, "lena", day.at())
    assert day.last(LENA).text.startswith("Maria let it go, Lena.")


def test_the_story_tells_that_lena_said_it(day: Day) -> None:
    day.reply(MARIA, written(day), "release")
    day.pass_(hours=1)
    day.write(ANA, "Re: Front wheel [#1001]", "And the rear one?", answers=words_of(day))
    assert 'Lena: "the 15 mm one."' in flat(day.routed(LENA).text) and "Maria" not in day.routed(LENA).text


def test_formatting_and_files_leave_with_them(day: Day) -> None:
    mail = written(day, html="<p>Hello Ana,<br>the <b>15 mm</b> one.</p>", attach=("plan.png", b"png"), quote=False)
    assert "The files are attached." in mail.text and [part.get_filename() for part in mail.message.iter_attachments()] == ["plan.png"]
    day.reply(MARIA, mail, "Release.")
    sent = words_of(day)
    assert "<b>15 mm</b>" in sent.html and [part.get_filename() for part in sent.message.iter_attachments()] == ["plan.png"]


def test_the_certificate_of_the_writer_is_no_file_for_the_customer(day: Day) -> None:
    mail = written(day, attach=("smime.p7s", b"0\x82"), attach_type="application/pkcs7-signature", quote=False)
    assert "attached" not in mail.text


def test_what_was_ordered_above_the_words_is_done_when_they_leave(day: Day) -> None:
    mail = written(day, f"resolve\nlabel: axle\n\n{WORDS}")
    assert "And when it leaves: resolve; label: axle" in flat(mail.text)
    assert day.case().state is CaseState.OPEN and day.case().labels == ()
    day.reply(MARIA, mail, "release")
    assert day.case().state is CaseState.RESOLVED and day.case().labels == ("axle",) and day.case().resolved_by == "lena"
    assert day.last(LENA).text.startswith("Done, Lena. Your mail is on its way.")
    assert words_of(day).text.startswith("Hello Ana,")


def test_a_mistake_in_the_orders_comes_back_to_lena_at_once(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.reply(LENA, day.routed(LENA), f"assign: tim\n\n{WORDS}")
    assert 'no agent "tim"' in day.last(LENA).text and kinds(day, MARIA) == []


def test_better_words_of_the_mentor_leave_signed_by_the_mentor_and_lenas_are_void(day: Day) -> None:
    mail = written(day)
    day.reply(MARIA, mail, "Hello Ana,\nthe 15 mm one, and I send it to you today.")
    assert words_of(day).sender == "Maria at Acme Support" and "today" in words_of(day).text
    assert day.last(LENA).text.startswith("Maria answered Ana, Lena.") and "I send it to you today." in day.last(LENA).text
    day.reply(MARIA, mail, "release")
    assert kinds(day, ANA_AT) == ["reply"]
    assert day.last(MARIA).text.startswith("Not sent, Maria.") and "    the 15 mm one." in day.last(MARIA).text
    day.reply(MARIA, day.last(MARIA), "send anyway")
    assert kinds(day, ANA_AT) == ["reply"]


def test_a_note_reaches_lena_alone(day: Day) -> None:
    mail = written(day)
    day.reply(MARIA, mail, "note: say which shop has it")
    assert day.last(LENA).text.startswith("Maria about Ana, only among us:") and "which shop" in day.last(LENA).text
    assert kinds(day, ANA_AT) == []
    day.reply(MARIA, mail, "release")
    assert kinds(day, ANA_AT) == ["reply"]


def test_lena_takes_it_back_and_sends_something_else(day: Day) -> None:
    mail = written(day)
    day.reply(LENA, day.last(LENA), "undo")
    assert day.last(LENA).text.startswith("Held back, Lena: it has not left.") and "    the 15 mm one." in day.last(LENA).text
    day.reply(MARIA, mail, "release")
    assert "Lena took it back meanwhile." in flat(day.last(MARIA).text) and kinds(day, ANA_AT) == []
    day.reply(LENA, day.last(LENA), "Hello Ana,\nthe 17 mm one, sorry.")
    day.reply(MARIA, shown(day), "release")
    assert "17 mm" in words_of(day).text and len(kinds(day, ANA_AT)) == 1


@pytest.mark.parametrize("who", [LENA, TOM, ANA_AT, JONAS])
def test_nobody_but_the_mentor_lets_them_go(day: Day, who: str) -> None:
    mail = written(day)
    day.reply(who, mail, "release")
    assert kinds(day, ANA_AT) == []


def test_release_alone_in_another_mail_does_nothing(day: Day) -> None:
    written(day)
    day.reply(LENA, day.routed(LENA), "release")
    assert day.last(LENA).text.startswith("Nothing waits for you, Lena.") and kinds(day, ANA_AT) == []


def test_release_with_words_below_is_asked_about(day: Day) -> None:
    mail = written(day)
    day.reply(MARIA, mail, "release\n\nHello Ana, the 17 mm one.")
    assert kinds(day, ANA_AT) == [] and "17 mm" in day.last(MARIA).text


def test_while_the_mentor_is_away_somebody_of_the_team_reads_it() -> None:
    day = Day(book=book(away=(Absence(first=date(2026, 1, 1), last=date(2027, 12, 31)),)))
    day.write(ANA, "Front wheel", CALM)
    day.reply(LENA, day.routed(LENA), WORDS)
    mail = shown(day, JONAS)
    assert "You get this because whoever reads it otherwise is away." in flat(mail.text) and kinds(day, MARIA) == []
    day.reply(JONAS, mail, "release")
    assert kinds(day, ANA_AT) == ["reply"] and day.last(LENA).text.startswith("Jonas let it go")


def test_with_nobody_of_the_team_there_the_lead_reads_it() -> None:
    rules = book(away=(Absence(first=date(2026, 1, 1), last=date(2027, 12, 31)),))
    day = Day(
        book=replace(
            rules, teams={**rules.teams, TeamName("seniors"): replace(rules.teams[TeamName("seniors")], agents=(AgentName("maria"),))}
        )
    )
    day.write(ANA, "Front wheel", CALM)
    day.reply(LENA, day.routed(LENA), WORDS)
    assert shown(day, PETRA).text.startswith("Lena wants to send Ana this.")


def test_the_ladder_goes_on_while_words_wait(day: Day) -> None:
    written(day)
    due = day.case().due_at
    day.pass_(days=2)
    assert due is not None and due < day.at() and "still waits" in "".join(mail.text for mail in day.inbox(LENA))
    day.reply(MARIA, shown(day), "release")
    assert kinds(day, ANA_AT) == ["reply"]


def test_words_that_nobody_may_see_now_are_told_to_the_lead_and_wait_for_nobody(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    mail = day.routed(LENA)
    day.set_mode(Mode.WATCH)
    day.reply(LENA, mail, WORDS)
    told = day.last(PETRA)
    assert told.outgoing.purpose.startswith("held_back:") and WORDS in str(told.message).replace("\r\n", "\n")
    assert day.store.look("select count(*) as n from held_words")[0]["n"] == 0


def test_words_wait_also_in_a_case_that_became_one_with_another(day: Day) -> None:
    mail = written(day)
    first = day.routed(LENA)
    day.pass_(hours=1)
    day.write(ANA, "Rear wheel", CALM)
    day.reply(LENA, first, "merge: #1002")
    assert day.case(1001).number == 1002
    day.reply(MARIA, mail, "release")
    assert kinds(day, ANA_AT) == ["reply"] and day.case(1002).last_reply_by == "lena"


def test_it_works_without_plus_addresses() -> None:
    day = Day(book=book(), plus_addresses=False)
    day.reply(MARIA, written(day), "release")
    assert kinds(day, ANA_AT) == ["reply"]


def test_two_texts_of_lena_wait_and_leave_each_on_its_own(day: Day) -> None:
    first = written(day)
    day.reply(LENA, day.routed(LENA), "Hello again,\none more thing.")
    second = shown(day)
    day.reply(MARIA, second, "release")
    day.reply(MARIA, first, "release")
    assert [mail.text.splitlines()[0] for mail in day.inbox(ANA_AT)] == ["Hello again,", "Hello Ana,"]


def test_words_sent_anyway_are_read_by_the_mentor_with_their_files(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.reply(LENA, day.routed(LENA), f"resolv\n\n{WORDS}", attach=("plan.png", b"png"))
    day.reply(LENA, day.last(LENA), "send anyway")
    assert kinds(day, ANA_AT) == []
    mail = shown(day)
    assert [part.get_filename() for part in mail.message.iter_attachments()] == ["plan.png"]
    day.reply(MARIA, mail, "release")
    assert "the 15 mm one." in words_of(day).text
    assert [part.get_filename() for part in words_of(day).message.iter_attachments()] == ["plan.png"]


def test_a_secret_in_the_words_stops_the_release_and_the_text_goes_to_the_mentor(day: Day) -> None:
    mail = written(day, f"{WORDS}\nOr write to {TOM}.")
    day.reply(MARIA, mail, "release")
    assert kinds(day, ANA_AT) == [] and "only for us" in day.last(MARIA).text and "the 15 mm one." in day.last(MARIA).text


def test_the_hold_lets_lena_undo_what_was_released(day: Day) -> None:
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=5))
    day.reply(MARIA, written(day), "release")
    day.reply(LENA, day.last(LENA), "undo")
    day.pass_(hours=1)
    assert kinds(day, ANA_AT) == [] and day.case().state is CaseState.OPEN


def test_notes_and_commands_alone_need_no_mentor(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    day.reply(LENA, day.routed(LENA), "label: axle")
    day.reply(LENA, day.routed(LENA), "note: I ask the shop")
    assert day.case().labels == ("axle",) and kinds(day, MARIA) == []


def test_words_that_a_mentor_releases_do_not_pass_over_what_the_customer_wrote_since(day: Day) -> None:
    mail = written(day, f"resolve\n\n{WORDS}")
    day.pass_(hours=1)
    day.write(ANA, "Re: Front wheel [#1001]", "Forget the spanner: now the brake has failed. May I still ride it?")
    due = day.case().due_at
    day.pass_(minutes=5)
    day.reply(MARIA, mail, "release")
    assert "the 15 mm one." in words_of(day).text
    assert day.case().state is CaseState.OPEN and day.case().due_at == due
    assert "Ana has written since the mail that you answered" in flat(day.last(LENA).text)
