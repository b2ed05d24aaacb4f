"""Who gets a case, and why: known before new, fewest before many, somebody before nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.assign import Choice, assign
from inboxd.core.model import AgentName, Candidate, Case, Kind, Reading, Sentiment, TeamName
from inboxd.core.opening import Calendar
from inboxd.core.rulebook import Rulebook, Team
from tests.core.builders import EVERYONE, JONAS, MARIA, NOW, PETRA, SENIORS, TOM, book, case, situation, understood

BOOK = book()


def choose(
    target: str | None,
    *candidates: Candidate,
    rules: Rulebook = BOOK,
    avoid: Iterable[AgentName] = (),
    in_case: Case | None = None,
) -> Choice | None:
    facts = situation(candidates={c.name: c for c in candidates}, case=in_case)
    return assign(target, facts, rules, avoid=avoid)


def who(choice: Choice | None) -> str:
    assert choice is not None
    return choice.agent


def busy(name: AgentName, cases: int, *, knows: bool = False, away: bool = False) -> Candidate:
    return Candidate(name=name, open_cases=cases, knows_customer=knows, away=away)


def test_the_one_with_the_fewest_open_cases_gets_it() -> None:
    assert choose("seniors", busy(MARIA, 3), busy(JONAS, 1)) == Choice(agent=JONAS, team=SENIORS, why="fewest open cases")


def test_a_draw_goes_to_the_first_named_every_time() -> None:
    assert {who(choose("seniors", busy(MARIA, 2), busy(JONAS, 2))) for _ in range(3)} == {MARIA}


def test_who_knows_the_customer_comes_before_who_has_fewer() -> None:
    choice = choose("everyone", busy(MARIA, 0), busy(JONAS, 5), busy(TOM, 9, knows=True))
    assert choice == Choice(agent=TOM, team=EVERYONE, why="knows the customer")


def test_a_team_that_does_not_ask_who_knows_the_customer_shares_evenly() -> None:
    even = book(teams={EVERYONE: Team(name=EVERYONE, agents=(MARIA, TOM))})
    assert who(choose("everyone", busy(MARIA, 0), busy(TOM, 1, knows=True), rules=even)) == MARIA


def test_nobody_who_is_away_gets_a_case() -> None:
    assert who(choose("seniors", busy(MARIA, 0, away=True), busy(JONAS, 9))) == JONAS


def test_where_a_whole_team_is_away_its_fallback_takes_it() -> None:
    choice = choose("seniors", busy(MARIA, 0, away=True), busy(JONAS, 0, away=True), busy(TOM, 4))
    assert choice == Choice(agent=TOM, team=EVERYONE, why="the one who is there")


def test_where_nobody_is_there_the_lead_takes_it() -> None:
    everybody = [busy(name, 0, away=True) for name in (MARIA, JONAS, TOM)]
    assert who(choose("seniors", *everybody)) == PETRA


def test_turns_go_round() -> None:
    taking_turns = book(teams={EVERYONE: Team(name=EVERYONE, agents=(MARIA, JONAS, TOM), share="take_turns")})
    team = (MARIA, JONAS, TOM)

    def after(*given: AgentName) -> str:
        newest = {name: number for number, name in enumerate(given, 1001)}
        return who(choose("everyone", *(replace(busy(n, 0), last_case=newest.get(n, 0)) for n in team), rules=taking_turns))

    assert [after(), after(MARIA), after(MARIA, JONAS), after(MARIA, JONAS, TOM)] == [MARIA, JONAS, TOM, MARIA]


def test_a_draw_goes_to_whoever_got_a_case_longest_ago() -> None:
    maria, jonas = replace(busy(MARIA, 2), last_case=1009), replace(busy(JONAS, 2), last_case=1004)
    assert who(choose("seniors", maria, jonas)) == JONAS


def test_who_was_part_of_it_can_be_avoided() -> None:
    assert who(choose("seniors", busy(MARIA, 0), busy(JONAS, 7), avoid=(MARIA,))) == JONAS


def test_the_same_agent_as_before_keeps_the_customer() -> None:
    assert who(choose("same_agent_as_before", in_case=case(assignee=TOM))) == TOM
    assert who(choose("same_agent_as_before", busy(MARIA, 0), busy(JONAS, 9, knows=True))) == JONAS


def test_same_as_before_for_a_customer_nobody_knows_still_finds_somebody() -> None:
    assert who(choose("same_agent_as_before")) == MARIA, "as mail of which no rule says more: everyone"


def test_an_agent_named_by_a_rule_gets_it() -> None:
    assert choose("tom", busy(TOM, 99)) == Choice(agent=TOM, team=None, why="named by the rule")


def test_fallbacks_in_a_circle_come_to_an_end() -> None:
    circle = {
        SENIORS: replace(BOOK.teams[SENIORS], fallback=EVERYONE),
        EVERYONE: replace(BOOK.teams[EVERYONE], fallback=SENIORS),
    }
    away = [busy(name, 0, away=True) for name in (MARIA, JONAS, TOM)]
    assert who(choose("seniors", *away, rules=book(teams=circle))) == PETRA


@pytest.mark.parametrize("target", [None, "nobody_by_this_name", "seniors"])
def test_a_case_is_left_without_an_agent_only_where_there_are_none(target: str | None) -> None:
    assert choose(target) is not None
    assert choose(target, rules=book(lead="lead@acme.example")) is not None
    assert choose(target, rules=Rulebook()) is None


# --- why not the others ----------------------------------------------------------------------------------------------


def after_reading(reading: Reading, target: str, *candidates: Candidate, rules: Rulebook, due_at: datetime | None = None) -> Choice:
    facts = situation(candidates={c.name: c for c in candidates}, understood=understood(reading=reading))
    choice = assign(target, facts, rules, due_at=due_at)
    assert choice is not None
    return choice


def with_team(name: TeamName, **changes: Any) -> Rulebook:
    """The small team, with one of its teams changed."""
    return book(teams={**BOOK.teams, name: replace(BOOK.teams[name], **changes)})


def with_agents(**changes: dict[str, Any]) -> Rulebook:
    """The small team, with some of its people changed."""
    return book(agents={name: replace(agent, **changes.get(name, {})) for name, agent in BOOK.agents.items()})


def test_a_choice_says_why_not_the_others() -> None:
    choice = choose("everyone", busy(MARIA, 3), busy(JONAS, 0, away=True), busy(TOM, 1))
    assert choice is not None
    assert (choice.agent, choice.passed) == (TOM, ("jonas: away", "maria: 3 open cases", "tom: 1 open case"))


def test_who_has_fewer_but_does_not_know_the_customer_is_told_so() -> None:
    choice = choose("everyone", busy(MARIA, 0), busy(JONAS, 5, knows=True), busy(TOM, 6, knows=True))
    assert choice is not None
    assert choice.passed == ("maria: 0 open cases, does not know the customer", "tom: 6 open cases", "jonas: 5 open cases")


def test_who_had_a_part_in_it_is_told_so() -> None:
    choice = choose("seniors", busy(MARIA, 0), busy(JONAS, 7), avoid=(MARIA,))
    assert choice is not None
    assert choice.passed == ("maria: had a part in it before", "jonas: 7 open cases")


# --- away ------------------------------------------------------------------------------------------------------------


def test_an_agent_named_by_a_rule_who_is_away_is_replaced_by_somebody_of_their_team() -> None:
    choice = choose("tom", busy(TOM, 0, away=True), busy(MARIA, 4), busy(JONAS, 2))
    assert choice == Choice(agent=JONAS, team=EVERYONE, why="fewest open cases")
    assert choice.passed[0] == "tom: away"


def test_the_same_agent_as_before_who_is_away_is_replaced_by_somebody_of_their_team() -> None:
    choice = choose("same_agent_as_before", busy(MARIA, 0, away=True), busy(JONAS, 2), busy(TOM, 4), in_case=case(assignee=MARIA))
    assert choice == Choice(agent=JONAS, team=EVERYONE, why="fewest open cases")


def test_who_knows_the_customer_but_is_away_does_not_count_as_before() -> None:
    choice = choose("same_agent_as_before", busy(MARIA, 0, knows=True, away=True), busy(TOM, 9, knows=True))
    assert choice == Choice(agent=TOM, team=EVERYONE, why="had this customer before")


def test_where_all_are_away_somebody_gets_it_all_the_same() -> None:
    everybody = [busy(name, 4, away=True) for name in (MARIA, JONAS, TOM, PETRA)]
    assert who(choose("seniors", *everybody)) == PETRA
    assert choose("seniors", *everybody, rules=book(lead="lead@acme.example")) is not None


def test_a_lead_who_is_away_gets_nothing_while_somebody_else_is_there() -> None:
    seniors_only = book(teams={SENIORS: Team(name=SENIORS, agents=(MARIA, JONAS))})
    away = [busy(name, 0, away=True) for name in (MARIA, JONAS, PETRA)]
    assert who(choose("seniors", *away, busy(TOM, 8), rules=seniors_only)) == TOM


def test_the_lead_does_not_stand_in_for_the_lead() -> None:
    assert who(choose(None, busy(PETRA, 0, away=True), busy(TOM, 8), busy(MARIA, 9), busy(JONAS, 9), avoid=(PETRA,))) == TOM


# --- languages -------------------------------------------------------------------------------------------------------

GERMAN = Reading(kind=Kind.PERSON, language="de")
SPEAKERS = with_agents(maria={"languages": ("en",)}, jonas={"languages": ("en",)}, tom={"languages": ("de", "en")})


def test_a_mail_goes_to_somebody_who_speaks_its_language() -> None:
    choice = after_reading(GERMAN, "everyone", busy(MARIA, 0), busy(JONAS, 1), busy(TOM, 9), rules=SPEAKERS)
    assert choice == Choice(agent=TOM, team=EVERYONE, why="the one who is there")
    assert choice.passed == ("maria: does not speak de", "jonas: does not speak de", "tom: 9 open cases")


def test_a_language_that_nobody_of_the_team_speaks_goes_to_the_team_that_takes_over() -> None:
    choice = after_reading(GERMAN, "seniors", busy(MARIA, 0), busy(JONAS, 1), busy(TOM, 9), rules=SPEAKERS)
    assert choice == Choice(agent=TOM, team=EVERYONE, why="the one who is there")


def test_a_language_that_nobody_at_all_speaks_is_answered_by_the_team_it_was_for() -> None:
    choice = after_reading(
        Reading(kind=Kind.PERSON, language="ja"), "seniors", busy(MARIA, 3), busy(JONAS, 1), busy(TOM, 0), rules=SPEAKERS
    )
    assert choice == Choice(agent=JONAS, team=SENIORS, why="fewest open cases")


def test_who_names_no_languages_speaks_any() -> None:
    speakers = with_agents(maria={"languages": ("en",)})
    assert after_reading(GERMAN, "seniors", busy(MARIA, 0), busy(JONAS, 9), rules=speakers).agent == JONAS


def test_a_mail_of_unknown_language_is_in_the_language_of_its_case() -> None:
    facts = situation(understood=understood(reading=Reading(kind=Kind.PERSON)), case=case(language="de"))
    choice = assign("everyone", facts, SPEAKERS)
    assert choice is not None
    assert choice.agent == TOM


# --- limits ----------------------------------------------------------------------------------------------------------


def test_nobody_gets_more_open_cases_than_the_team_allows() -> None:
    choice = choose("everyone", busy(MARIA, 12), busy(JONAS, 12), busy(TOM, 11), rules=with_team(EVERYONE, at_most=12))
    assert choice == Choice(agent=TOM, team=EVERYONE, why="the one who is there")
    assert choice.passed[0] == "maria: 12 open cases, 12 at most"


def test_of_an_agents_own_limit_and_that_of_the_team_the_lower_counts() -> None:
    part_time = replace(with_agents(maria={"at_most": 3}, jonas={"at_most": 20}), teams=with_team(SENIORS, at_most=12).teams)
    assert who(choose("seniors", busy(MARIA, 2), busy(JONAS, 9), rules=part_time)) == MARIA
    assert who(choose("seniors", busy(MARIA, 3), busy(JONAS, 9), rules=part_time)) == JONAS
    assert choose("seniors", busy(MARIA, 3), busy(JONAS, 12), rules=part_time) == Choice(agent=TOM, team=EVERYONE, why="fewest open cases")


def test_the_limit_of_upset_people_counts_for_upset_people_only() -> None:
    rules = with_team(EVERYONE, at_most_upset=4)
    tired = replace(busy(MARIA, 0), upset_today=4)
    upset = after_reading(
        Reading(kind=Kind.PERSON, sentiment=Sentiment.UPSET), "everyone", tired, busy(JONAS, 9), busy(TOM, 10), rules=rules
    )
    calm = after_reading(
        Reading(kind=Kind.PERSON, sentiment=Sentiment.UNHAPPY), "everyone", tired, busy(JONAS, 9), busy(TOM, 10), rules=rules
    )
    assert (upset.agent, upset.passed[0], calm.agent) == (JONAS, "maria: 4 upset people today, 4 at most", MARIA)


def test_where_nobody_is_free_the_lead_has_it_until_somebody_of_the_team_is() -> None:
    full = [busy(name, 12) for name in (MARIA, JONAS, TOM)]
    choice = choose("seniors", *full, rules=book(teams={name: replace(team, at_most=12) for name, team in BOOK.teams.items()}))
    assert choice == Choice(agent=PETRA, team=None, why="leads the team, and nobody else could take it", backlog=SENIORS)
    assert choice.passed == ("maria: 12 open cases, 12 at most", "jonas: 12 open cases, 12 at most", "tom: 12 open cases, 12 at most")


def test_without_a_lead_whoever_has_the_fewest_takes_it_beyond_the_limit() -> None:
    rules = replace(with_team(EVERYONE, at_most=2), lead="lead@acme.example")
    choice = choose("everyone", busy(MARIA, 5), busy(JONAS, 0, away=True), busy(TOM, 4), busy(PETRA, 6), rules=rules)
    assert choice == Choice(agent=TOM, team=None, why="nobody else could take it", backlog=EVERYONE)


# --- hours -----------------------------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")  # NOW is ten o'clock there


def works(begins: int, ends: int, zone: ZoneInfo = BERLIN) -> dict[str, Any]:
    hours = dict.fromkeys(range(5), ((begins * 60, ends * 60),))
    return {"hours": Calendar(name="own", zone=zone, hours=hours)}


IN_AN_HOUR, IN_A_DAY = NOW + timedelta(hours=1), NOW + timedelta(days=1)
MORNING_AND_AFTERNOON = with_agents(maria=works(13, 18), jonas=works(8, 12))


def at_the_hour(due_at: datetime, *candidates: Candidate, rules: Rulebook = MORNING_AND_AFTERNOON) -> Choice:
    return after_reading(Reading(kind=Kind.PERSON), "seniors", *candidates, rules=rules, due_at=due_at)


def test_who_is_at_work_now_comes_before_who_has_fewer() -> None:
    choice = at_the_hour(IN_A_DAY, busy(MARIA, 0), busy(JONAS, 9))
    assert (choice.agent, choice.why) == (JONAS, "fewest open cases")
    assert choice.passed == ("maria: not at work now", "jonas: 9 open cases")


def test_who_is_not_at_work_before_the_hour_comes_after_who_is() -> None:
    choice = at_the_hour(IN_AN_HOUR, busy(MARIA, 0), busy(JONAS, 9))
    assert (choice.agent, choice.passed[0]) == (JONAS, "maria: not at work in time")


def test_who_knows_the_customer_and_comes_in_time_is_worth_the_wait() -> None:
    knows = (busy(MARIA, 9, knows=True), busy(JONAS, 0))
    assert at_the_hour(IN_A_DAY, *knows).agent == MARIA
    assert at_the_hour(IN_AN_HOUR, *knows).agent == JONAS


def test_where_nobody_is_at_work_in_time_hours_do_not_matter() -> None:
    rules = with_agents(maria=works(13, 18), jonas=works(14, 18))
    assert at_the_hour(IN_AN_HOUR, busy(MARIA, 2), busy(JONAS, 1), rules=rules).agent == JONAS


def test_each_agent_works_by_their_own_clock() -> None:
    rules = with_agents(maria=works(9, 17, ZoneInfo("America/New_York")), jonas=works(9, 17))
    new_york_is_up = datetime(2026, 11, 16, 17, 0, tzinfo=UTC)
    facts = situation(now=new_york_is_up, candidates={MARIA: busy(MARIA, 9), JONAS: busy(JONAS, 0)})
    late = assign("seniors", facts, rules, due_at=new_york_is_up + timedelta(hours=1))
    assert at_the_hour(IN_AN_HOUR, busy(MARIA, 0), busy(JONAS, 9), rules=rules).agent == JONAS
    assert late is not None
    assert late.agent == MARIA


def test_who_has_no_hours_of_their_own_works_by_those_of_the_team() -> None:
    evening = works(18, 22)["hours"]
    rules = replace(with_team(SENIORS, calendar="evening"), calendars={"evening": evening})
    rules = replace(rules, agents=dict(rules.agents) | {JONAS: replace(rules.agents[JONAS], **works(8, 12))})
    assert at_the_hour(IN_AN_HOUR, busy(MARIA, 0), busy(JONAS, 9), rules=rules).agent == JONAS


def test_turns_are_taken_among_those_who_are_there() -> None:
    rules = book(
        agents=with_agents(maria=works(13, 18)).agents,
        teams={EVERYONE: Team(name=EVERYONE, agents=(MARIA, JONAS, TOM), share="take_turns")},
    )
    candidates = (busy(MARIA, 0), replace(busy(JONAS, 0), last_case=1009), replace(busy(TOM, 7), last_case=1004))
    choice = after_reading(Reading(kind=Kind.PERSON), "everyone", *candidates, rules=rules, due_at=IN_A_DAY)
    assert (choice.agent, choice.why) == (TOM, "whose turn it is")
    assert choice.passed == ("maria: not at work now", "jonas: 0 open cases", "tom: 7 open cases")
