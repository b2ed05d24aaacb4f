"""Who gets a case, and why: known before new, fewest before many, somebody before nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from inboxd.core.assign import Choice, assign
from inboxd.core.model import AgentName, Candidate, Case
from inboxd.core.rulebook import Rulebook, Team
from tests.core.builders import EVERYONE, JONAS, MARIA, PETRA, SENIORS, TOM, book, case, situation

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
    assert who(choose("same_agent_as_before")) == PETRA


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
