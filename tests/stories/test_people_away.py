"""People are away and come back, and have enough to do: every case stays in somebody's hands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from inboxd.core.model import AgentName, Answer, CaseState, Scores, ToRead
from inboxd.core.rulebook import Absence, Rulebook
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import (
    ANA,
    BEN,
    CALM,
    FURIOUS,
    JONAS,
    MARIA,
    PETRA,
    TOM,
    agents_mail,
    asked,
    holder,
    question,
    resolved,
    tap,
    words_of,
)

ANA_AT = "ana@example.org"
BOB = "Bob <bob@maker.example>"
WEDNESDAY, THURSDAY = date(2026, 11, 18), date(2026, 11, 19)  # the day begins on Monday 16 November 2026


def feels(text: ToRead) -> Scores:
    upset = 0.9 if "furious" in text.new_text else 0.0
    urgent = 0.9 if "cannot wait" in text.new_text else 0.0
    return Scores(language="en", topics=(("how_to", 0.9),), upset=upset, unhappy=upset, urgent=urgent, model="fake-1")


def away(book: Rulebook, agent: str, first: date, last: date) -> Rulebook:
    gone = replace(book.agents[AgentName(agent)], away=(Absence(first=first, last=last),))
    return replace(book, agents={**book.agents, gone.name: gone})


def left(book: Rulebook, agent: str) -> Rulebook:
    """The rules without somebody who works here no longer."""
    teams = {name: replace(team, agents=tuple(each for each in team.agents if each != agent)) for name, team in book.teams.items()}
    return replace(book, agents={name: each for name, each in book.agents.items() if name != agent}, teams=teams)


def busy(book: Rulebook, most: int) -> Rulebook:
    """Nobody takes a new case beyond so many open ones."""
    return replace(book, teams={name: replace(team, at_most=most) for name, team in book.teams.items()})


def in_force(day: Day, book: Rulebook) -> None:
    """The admin changes the rules."""
    day.office.rules = replace(day.office.rules, book=book)


def name_of(agent: str) -> str:
    """What the rules call the agent with this address."""
    return agent.partition("@")[0]


class WatchedDay(Day):
    """A day at each moment of which every open case has somebody, a date and a next job (I11)."""

    def run(self) -> None:
        super().run()
        nobody_is_forgotten(self)


@pytest.fixture
def day() -> Iterator[Day]:
    made = WatchedDay(reader=FakeReader(scores=feels))
    yield made
    made.pass_(days=2)
    assert not made.store.parked()
    assert not [mail for mail in made.inbox(PETRA) if "without somebody" in mail.subject]


def nobody_is_forgotten(day: Day) -> None:
    rows = day.store.look(
        "select id, assignee, due_at, (select count(*) from job where case_id = cases.id) as jobs from cases where state = 'open'"
    )
    assert [row["id"] for row in rows if row["assignee"] is None or row["due_at"] is None or not row["jobs"]] == []


def customer_of_maria(day: Day, text: str = FURIOUS) -> None:
    """Ana's case is Maria's: everybody else was away on the day it came."""
    book = day.office.rules.book
    in_force(day, away(away(book, "jonas", day.at().date(), day.at().date()), "tom", day.at().date(), day.at().date()))
    day.write(ANA, "Front wheel", text)
    assert holder(day) == MARIA
    in_force(day, book)


def maria_goes(day: Day) -> None:
    """She is away on Wednesday and Thursday; it is Wednesday morning."""
    in_force(day, away(day.office.rules.book, "maria", WEDNESDAY, THURSDAY))
    until(day, WEDNESDAY)


def until(day: Day, when: date, hour: int = 9) -> None:
    target = day.at().replace(year=when.year, month=when.month, day=when.day, hour=hour)
    day.pass_(seconds=(target - day.at()).total_seconds())


def routed(day: Day, agent: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if mail.outgoing.kind == "routed"]


def one_line(mail: Letterbox) -> str:
    return " ".join(mail.text.split())


# --- a colleague takes over ------------------------------------------------------------------------------------------


def test_the_open_cases_of_somebody_who_is_away_go_to_a_colleague_of_the_team_with_all_that_is_known(day: Day) -> None:
    customer_of_maria(day)
    due = day.case().due_at
    maria_goes(day)
    assert holder(day) == JONAS and day.case().team == "seniors" and day.case().due_at == due
    (brief,) = routed(day, JONAS)
    assert "Maria is away" in one_line(brief) and FURIOUS in brief.text and "Ana" in brief.text
    assert "You may, without asking" in brief.text, "what the rules allow is said again"


def test_a_case_is_handed_over_once_however_long_somebody_is_away(day: Day) -> None:
    customer_of_maria(day)
    maria_goes(day)
    day.pass_(hours=14)
    assert len(routed(day, JONAS)) == 1 and len(routed(day, MARIA)) == 1
    assert holder(day) == JONAS


def test_the_stand_in_can_answer_and_the_customer_reads_it(day: Day) -> None:
    customer_of_maria(day)
    maria_goes(day)
    day.reply(JONAS, day.routed(JONAS), "Hello Ana,\na new wheel is on its way.")
    assert "a new wheel" in words_of(day).text and words_of(day).sender.startswith("Jonas")


def test_whoever_is_back_gets_back_what_nobody_has_answered(day: Day) -> None:
    customer_of_maria(day)
    maria_goes(day)
    until(day, date(2026, 11, 20))
    assert holder(day) == MARIA and day.case().lent_by is None
    assert "back again" in one_line(day.routed(MARIA)) and FURIOUS in day.routed(MARIA).text
    assert len(routed(day, MARIA)) == 2 and len(routed(day, JONAS)) == 1


def test_what_the_stand_in_has_answered_stays_with_the_stand_in(day: Day) -> None:
    customer_of_maria(day)
    maria_goes(day)
    day.reply(JONAS, day.routed(JONAS), "Hello Ana,\na new wheel is on its way.")
    until(day, date(2026, 11, 20))
    day.reply(ANA, words_of(day), "It has not come yet.")
    day.pass_(hours=1)
    assert holder(day) == JONAS and "It has not come yet." in day.routed(JONAS).text
    assert len(routed(day, MARIA)) == 1, "only what she had before she left"


def test_what_the_stand_in_had_answered_before_it_was_lent_comes_back(day: Day) -> None:
    customer_of_maria(day)
    day.reply(MARIA, day.routed(MARIA), "assign: jonas")
    day.reply(JONAS, day.routed(JONAS), "Hello Ana,\nwhich year is it of?")
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "Of 2019, I think. What now?")
    day.reply(JONAS, day.routed(JONAS), "assign: maria")
    maria_goes(day)
    assert holder(day) == JONAS and day.case().lent_by == "maria"
    until(day, date(2026, 11, 20))
    assert holder(day) == MARIA, "nobody has answered since"


def test_what_waits_for_a_free_agent_is_handed_out_though_the_lead_had_written_before(day: Day) -> None:
    book = day.office.rules.book
    day.write(ANA, "Front wheel", FURIOUS)
    day.reply(holder(day), day.routed(holder(day)), "assign: petra")
    day.reply(PETRA, day.routed(PETRA), "Hello Ana,\nwhich year is it of?")
    day.pass_(hours=1)
    day.reply(ANA, words_of(day), "Of 2019, I think. What now?")
    day.reply(PETRA, day.routed(PETRA), "assign: tom")
    in_force(day, busy(book, 0))
    day.reply(TOM, day.routed(TOM), "team: seniors")
    assert holder(day) == PETRA and day.case().backlog == "seniors"
    in_force(day, book)
    day.pass_(minutes=16)
    assert holder(day) in (MARIA, JONAS) and day.case().backlog is None


def test_what_came_back_to_the_lead_is_not_handed_out_to_who_failed_and_who_kept_a_case_hears_where_it_went(day: Day) -> None:
    book = day.office.rules.book
    failed = resolved(day, FURIOUS)
    day.pass_(days=2, minutes=1)
    in_force(day, busy(book, 0))
    tap(day, question(day), Answer.DISSATISFIED)
    day.pass_(minutes=3)
    assert holder(day) == PETRA and day.case().backlog == "seniors"
    (other,) = {MARIA, JONAS} - {failed}
    in_force(day, away(book, other.partition("@")[0], day.at().date(), day.at().date() + timedelta(days=3)))
    day.pass_(hours=1)
    assert holder(day) == PETRA, "only who answered first is free"
    in_force(day, book)
    day.pass_(hours=1)
    assert holder(day) == other
    assert day.last(PETRA).text.startswith(f"Ana writes. {other.partition('@')[0].title()} has it.")
    assert "you had it until somebody was free" in day.last(PETRA).text


def test_a_stand_in_who_goes_away_too_hands_on_and_the_case_still_comes_back(day: Day) -> None:
    customer_of_maria(day)
    in_force(day, away(day.office.rules.book, "jonas", THURSDAY, THURSDAY))
    maria_goes(day)
    assert holder(day) == JONAS
    until(day, THURSDAY)
    assert holder(day) == TOM and "Jonas is away" in one_line(day.routed(TOM)), "the seniors are away: the team that takes over"
    until(day, date(2026, 11, 20))
    assert holder(day) == MARIA


def test_a_case_that_had_to_wait_for_a_free_stand_in_still_comes_back(day: Day) -> None:
    customer_of_maria(day)
    book = day.office.rules.book
    in_force(day, busy(book, 0))
    maria_goes(day)
    assert holder(day) == PETRA and "Maria is away" in one_line(day.routed(PETRA)), "nobody is free: the lead"
    in_force(day, away(book, "maria", WEDNESDAY, THURSDAY))
    day.pass_(minutes=20)
    assert holder(day) == JONAS, "somebody is free now"
    until(day, date(2026, 11, 20))
    assert holder(day) == MARIA


def test_if_everybody_is_away_the_case_is_the_leads_until_somebody_is_back(day: Day) -> None:
    customer_of_maria(day)
    for agent in ("jonas", "tom"):
        in_force(day, away(day.office.rules.book, agent, WEDNESDAY, WEDNESDAY))
    maria_goes(day)
    assert holder(day) == PETRA
    day.write(BEN, "Bell", CALM)
    assert holder(day) == PETRA


# --- new mail --------------------------------------------------------------------------------------------------------


def test_a_customers_next_word_to_somebody_who_is_away_goes_to_a_stand_in(day: Day) -> None:
    customer_of_maria(day, CALM)
    day.reply(MARIA, day.routed(MARIA), "Hello Ana,\nthe 15 mm one.")
    maria_goes(day)
    assert day.case().state is CaseState.WAITING and day.case().assignee == "maria", "nobody waits for her, so nothing moves"
    day.reply(ANA, words_of(day), "Which of the two bolts do you mean?")
    stand_in = holder(day)
    assert stand_in in (JONAS, TOM) and day.case().lent_by == "maria"
    brief = day.routed(stand_in)
    assert "Maria is away" in one_line(brief) and "Which of the two bolts" in brief.text and "the 15 mm one" in brief.text
    assert len(routed(day, MARIA)) == 1
    until(day, date(2026, 11, 20))
    assert holder(day) == MARIA


def test_nothing_new_goes_to_somebody_who_is_away(day: Day) -> None:
    customer_of_maria(day)
    maria_goes(day)
    for number in range(6):
        day.write(f"Guest {number} <guest{number}@example.com>", f"Bell {number}", (CALM, FURIOUS)[number % 2])
    day.write(ANA, "Another thing", FURIOUS)  # whom she knows
    assert day.store.look("select id from cases where assignee = 'maria'") == []
    assert len(routed(day, MARIA)) == 1


def test_an_absence_counts_by_the_day_and_its_last_day_is_a_day_off(day: Day) -> None:
    customer_of_maria(day)
    in_force(day, away(day.office.rules.book, "maria", WEDNESDAY, THURSDAY))
    until(day, date(2026, 11, 17), 23)
    assert holder(day) == MARIA
    until(day, WEDNESDAY, 1)
    assert holder(day) == JONAS
    until(day, THURSDAY, 23)
    assert holder(day) == JONAS
    until(day, date(2026, 11, 20), 1)
    assert holder(day) == MARIA


# --- answers that only a person can read ---------------------------------------------------------------------------------


def test_an_unclear_answer_is_read_by_somebody_who_is_there(day: Day) -> None:
    the_question, agent = asked(day), holder(day)
    in_force(day, away(day.office.rules.book, name_of(agent), THURSDAY - timedelta(days=1), date(2026, 12, 20)))
    day.reply(ANA, the_question, "I will see on Friday.")
    (mail,) = [each for each in agents_mail(day) if "I will see on Friday." in each.text]
    (stand_in,) = mail.outgoing.envelope_to
    assert stand_in != agent and f"{name_of(agent).capitalize()} is away" in " ".join(day.routed(stand_in).text.split())
    assert holder(day) == agent, "who is back still has it"
    day.reply(stand_in, day.routed(stand_in), "Hello Ana,\nuntil Friday, then.")
    assert "until Friday, then." in words_of(day).text


def test_an_unclear_answer_is_read_by_somebody_when_its_agent_works_here_no_longer(day: Day) -> None:
    the_question, agent = asked(day), holder(day)
    in_force(day, left(day.office.rules.book, name_of(agent)))
    day.reply(ANA, the_question, "I will see on Friday.")
    assert holder(day) != agent and "I will see on Friday." in day.routed(holder(day)).text
    assert day.case().state is CaseState.RESOLVED


def test_an_unclear_answer_waits_for_its_agent_where_everybody_is_away(day: Day) -> None:
    the_question, agent = asked(day), holder(day)
    book = day.office.rules.book
    for name in book.agents:
        book = away(book, name, WEDNESDAY, THURSDAY)
    in_force(day, book)
    day.reply(ANA, the_question, "I will see on Friday.")
    assert holder(day) == agent and "I will see on Friday." in day.routed(agent).text


def test_an_outsiders_answer_is_read_by_somebody_who_is_there(day: Day) -> None:
    agent, question = asks_bob(day)
    in_force(day, away(day.office.rules.book, name_of(agent), WEDNESDAY - timedelta(days=2), THURSDAY))
    day.reply(BOB, question, "The 17 mm one.")
    readers = {mail.outgoing.envelope_to[0] for mail in agents_mail(day) if "The 17 mm one." in mail.text}
    assert agent in readers and len(readers) == 2


def test_an_outsiders_answer_is_read_by_somebody_when_the_asker_works_here_no_longer(day: Day) -> None:
    agent, question = asks_bob(day)
    in_force(day, left(day.office.rules.book, name_of(agent)))
    day.reply(BOB, question, "The 17 mm one.")
    assert holder(day) != agent and "The 17 mm one." in day.last(holder(day)).text
    assert day.case().state is CaseState.WAITING


def asks_bob(day: Day) -> tuple[str, Letterbox]:
    """An agent asks somebody outside, and tells the customer so; returns the agent and the question."""
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "ask: bob@maker.example\n\nHello Bob,\nwhich spanner fits?")
    day.reply(agent, day.routed(agent), "Hello Ana,\nI ask the maker.")
    return agent, day.last("bob@maker.example")


# --- everybody has enough to do --------------------------------------------------------------------------------------


@pytest.fixture
def full(day: Day) -> Day:
    """Maria, Jonas and Tom have one case each, and no more; cases 1001 to 1003."""
    in_force(day, busy(day.office.rules.book, 1))
    for number in range(3):
        day.write(f"Guest {number} <guest{number}@example.com>", f"Bell {number}", CALM)
    assert {holder(day, number) for number in (1001, 1002, 1003)} == {MARIA, JONAS, TOM}
    return day


def waiting(day: Day) -> list[int]:
    return [row["id"] for row in day.store.look("select id from cases where backlog is not null order by id")]


def free(day: Day, case: int) -> str:
    """Whoever has this case answers it; the stand-in's address."""
    agent = holder(day, case)
    mail = next(mail for mail in routed(day, agent) if mail.outgoing.case == case)
    day.reply(agent, mail, "Hello,\nthe 15 mm one.")
    return agent


def test_when_everybody_has_enough_the_case_is_the_leads_and_waits(full: Day) -> None:
    full.write(ANA, "Front wheel", CALM)
    assert holder(full) == PETRA and full.case().backlog == "everyone"
    full.pass_(hours=3)
    assert holder(full) == PETRA and len(routed(full, PETRA)) == 1, "it waits, and is not handed over again and again"


def test_what_waits_is_handed_out_as_soon_as_an_agent_has_answered(full: Day) -> None:
    full.write(ANA, "Front wheel", CALM)
    agent = free(full, 1002)
    assert holder(full, 1004) == agent and full.case(1004).backlog is None
    assert "which spanner fits the front wheel?" in full.routed(agent).text
    assert waiting(full) == []


def test_upset_people_are_handed_out_first_then_what_matters_and_then_whoever_waits_longest(full: Day) -> None:
    for number, text in enumerate((CALM, CALM, "It cannot wait until tomorrow.", FURIOUS), 4):
        full.pass_(minutes=20)
        full.write(f"Late {number} <late{number}@example.com>", f"Wheel {number}", text)
    assert waiting(full) == [1004, 1005, 1006, 1007] and {holder(full, number) for number in waiting(full)} == {PETRA}
    assert {full.case(number).priority for number in (1006, 1007)} == {"high"}
    order: list[int] = []
    for case in (1001, 1002, 1003, 1007):
        before = set(waiting(full))
        agent = free(full, case)
        (gone,) = before - set(waiting(full))
        assert holder(full, gone) == agent
        order.append(gone)
    assert order == [1007, 1006, 1004, 1005]


def test_one_free_agent_gets_one_case_and_not_all_that_waits(full: Day) -> None:
    for number in (4, 5):
        full.write(f"Late {number} <late{number}@example.com>", f"Wheel {number}", CALM)
    free(full, 1001)
    assert waiting(full) == [1005]
    full.pass_(hours=1)
    assert waiting(full) == [1005]


def test_the_lead_can_answer_what_waits_and_nobody_else_is_asked_to(full: Day) -> None:
    full.write(ANA, "Front wheel", CALM)
    full.reply(PETRA, full.routed(PETRA), "Hello Ana,\nthe 15 mm one.")
    assert words_of(full).sender.startswith("Petra") and full.case(1004).state is CaseState.WAITING
    agent = free(full, 1001)
    full.pass_(hours=1)
    assert 1004 not in [mail.outgoing.case for mail in routed(full, agent)]


def test_the_hour_to_answer_does_not_move_while_a_case_waits_for_somebody(full: Day) -> None:
    full.write(ANA, "Front wheel", CALM)
    due = full.case(1004).due_at
    full.pass_(hours=2)
    free(full, 1001)
    assert full.case(1004).due_at == due == full.at() + timedelta(hours=22)
