"""Where a message goes, and why: how long somebody waits, and a trace that answers "why me?" and "why then?"."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from inboxd.core.model import Candidate, CaseState, Kind, MessageNo, Reading, Role, Sentiment, Situation, StoryLine
from inboxd.core.opening import Calendar, Span
from inboxd.core.policy import Policy
from inboxd.core.route import Route, choose, facts_of, route, stand_in, trace_of, waiting_since, why_of
from inboxd.core.rulebook import Condition, CustomerEntry, Rule, Rulebook, Then
from inboxd.core.rules import Facts, judge, near_misses
from tests.core.builders import EVERYONE, JONAS, MARIA, NOW, PETRA, SENIORS, TOM, book, case, person, situation, understood

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
POLICY = Policy(zone=BERLIN)
UPSET = Reading(kind=Kind.PERSON, language="en", sentiment=Sentiment.UPSET)


def found(there: Situation, rules: Rulebook | None = None) -> Route:
    return route(there, rules or book(), POLICY, (), reopened=False)


def on(word: str, *wanted: Any) -> Condition:
    return Condition(word=word, wanted=wanted)


def office(zone: ZoneInfo = BERLIN, begins: int = 9, ends: int = 17) -> Calendar:
    return Calendar(name="office", zone=zone, hours=dict.fromkeys(range(5), ((begins * 60, ends * 60),)))


# --- how long somebody waits ---------------------------------------------------------------------------------------------


def said(number: int, hours_ago: float, role: Role = Role.CUSTOMER, *, wants_answer: bool = True) -> StoryLine:
    at = NOW - hours_ago * HOUR
    return StoryLine(at=at, role=role, name="", text="Hello", message=MessageNo(number), wants_answer=wants_answer)


@pytest.mark.parametrize(
    ("story", "since"),
    [
        ((), None),
        ((said(1, 5),), 5),
        ((said(1, 5), said(2, 3)), 5),  # the first word, not the last
        ((said(1, 9), said(2, 8, Role.AGENT)), None),  # answered
        ((said(1, 9), said(2, 8, Role.AGENT), said(3, 4), said(4, 2)), 4),
        ((said(1, 9), said(2, 8, Role.AGENT), said(3, 4, wants_answer=False)), None),  # a thank-you
        ((said(1, 9), said(2, 8, Role.AGENT), said(3, 4, wants_answer=False), said(4, 2)), 2),
        ((said(1, 9), said(2, 8, Role.AGENT), said(3, 4, Role.ASKED)), None),  # somebody outside, whom an agent asked, is no customer
        ((said(1, 9), said(2, 4, Role.ASKED)), 9),  # nor does their word answer the customer
        ((said(1, 5), said(7, 0)), 5),
        ((said(7, 0),), None),  # the present mail is no waiting
    ],
)
def test_a_customer_waits_since_the_first_word_that_nobody_answered(story: tuple[StoryLine, ...], since: float | None) -> None:
    assert waiting_since(situation(story=story)) == (None if since is None else NOW - since * HOUR)


# --- what the rules see --------------------------------------------------------------------------------------------------


def test_the_rules_see_who_writes_how_it_was_before_and_what_our_server_says() -> None:
    rules = book(customers=(CustomerEntry(who="ana@example.org", vip=True, labels=("key account",)),))
    there = situation(
        person=person(),
        case=case(sentiment=Sentiment.UNHAPPY),
        feeling_before=Sentiment.UNHAPPY,
        story=(said(1, 5),),
        authentication="fail",
        understood=understood(reading=UPSET),
    )
    facts = facts_of(there, rules, (NOW,), reopened=True)
    assert facts.customer == {"known", "vip", "key account"}
    assert (facts.feeling_before, facts.sentiment, facts.authentication) == (Sentiment.UNHAPPY, Sentiment.UPSET, "fail")
    assert (facts.waiting_since, facts.reopened, facts.contacts) == (NOW - 5 * HOUR, True, (NOW,))
    assert (facts.sender, facts.to, facts.subject) == ("ana@example.org", ("support@acme.example",), "Bike")


def test_somebody_who_never_wrote_is_new_and_had_no_feeling_before() -> None:
    facts = facts_of(situation(), book(), (), reopened=False)
    assert facts.customer == {"new"}
    assert (facts.feeling_before, facts.waiting_since) == (None, None)


# --- by when -------------------------------------------------------------------------------------------------------------


def test_without_a_rule_the_hour_is_that_of_the_settings() -> None:
    assert found(situation()).hour.at == NOW + POLICY.answer_within


def test_the_hour_counts_by_the_calendar_of_the_team_that_gets_it() -> None:
    rule = Rule(name="all", when=(), then=Then(assign="seniors", answer_within=Span(length=HOUR, opening=True)))
    teams = {**book().teams, SENIORS: replace(book().teams[SENIORS], calendar="new_york")}
    rules = book(rules=(rule,), teams=teams, calendars={"office": office(), "new_york": office(NEW_YORK)})
    elsewhere = replace(rules, rules=(replace(rule, then=replace(rule.then, assign="tom")),))
    assert found(situation(), rules).hour.at == datetime(2026, 11, 16, 10, 0, tzinfo=NEW_YORK)
    assert found(situation(), elsewhere).hour.at == NOW + HOUR


def test_the_hour_of_a_known_case_counts_by_the_calendar_of_whoever_has_it() -> None:
    rule = Rule(name="all", when=(), then=Then(answer_within=Span(length=HOUR, opening=True)))
    teams = {**book().teams, SENIORS: replace(book().teams[SENIORS], calendar="new_york")}
    rules = book(rules=(rule,), teams=teams, calendars={"office": office(), "new_york": office(NEW_YORK)})
    assert found(situation(case=case(team=SENIORS)), rules).hour.at == datetime(2026, 11, 16, 10, 0, tzinfo=NEW_YORK)


# --- who -----------------------------------------------------------------------------------------------------------------


def test_who_is_not_at_work_before_the_hour_is_passed_over() -> None:
    people = {**book().agents, MARIA: replace(book().agents[MARIA], hours=office(begins=14, ends=18))}
    rules = book(agents=people)
    there = situation(understood=understood(reading=UPSET), candidates={JONAS: Candidate(name=JONAS, open_cases=9)})
    choice = choose(found(there, rules), there, rules)
    assert choice is not None
    assert (choice.agent, choice.passed[0]) == (JONAS, "maria: not at work in time")


def test_a_stand_in_is_of_the_team_of_the_case_and_says_for_whom() -> None:
    choice = stand_in(case(CaseState.OPEN, team=SENIORS), MARIA, situation(), book(), None)
    assert choice is not None
    assert (choice.agent, choice.team, choice.why) == (JONAS, SENIORS, "Maria is away")


def test_a_stand_in_for_a_case_of_no_team_is_of_the_agents_own() -> None:
    there = situation(candidates={name: Candidate(name=name, open_cases=4) for name in (MARIA, JONAS)})
    choice = stand_in(case(CaseState.OPEN), MARIA, there, book(), None)
    assert choice is not None
    assert (choice.agent, choice.team) == (TOM, EVERYONE)


# --- why -----------------------------------------------------------------------------------------------------------------


def traced(there: Situation, rules: Rulebook) -> tuple[str, ...]:
    way = found(there, rules)
    return trace_of(way, choose(way, there, rules), BERLIN)


def test_the_trace_says_each_rule_who_why_not_the_others_and_by_when() -> None:
    upset = book().rules[0]
    rules = book(
        rules=(replace(upset, then=replace(upset.then, answer_within=Span(length=2 * HOUR, opening=True))), book().rules[1]),
        calendars={"office": office()},
    )
    there = situation(understood=understood(reading=UPSET), now=NOW + 6 * HOUR, candidates={MARIA: Candidate(name=MARIA, open_cases=1)})
    assert traced(there, rules) == (
        "YES upset - assign: seniors; answer_within: 2 opening hours; sentiment is upset",
        "YES everything else - no conditions; already decided above",
        "who: jonas of seniors - fewest open cases",
        "  maria: 1 open case",
        "  jonas: 0 open cases",
        "due: Tue 17 Nov 10:00: 2 opening hours of 'office' from Mon 16 Nov 16:00: Mon 16 Nov 16:00-17:00 (1 h), "
        "Tue 17 Nov 09:00-10:00 (1 h)",
    )


def test_the_trace_says_that_a_case_waits_for_somebody_to_be_free() -> None:
    rules = book(teams={name: replace(team, at_most=1) for name, team in book().teams.items()})
    busy = {name: Candidate(name=name, open_cases=1) for name in (MARIA, JONAS, TOM)}
    lines = traced(situation(candidates=busy), rules)
    assert lines[2:7] == (
        f"who: {PETRA} - leads the team, and nobody else could take it",
        "  maria: 1 open case, 1 at most",
        "  jonas: 1 open case, 1 at most",
        "  tom: 1 open case, 1 at most",
        "  waits for somebody of everyone to be free",
    )


def test_the_trace_of_what_is_ignored_names_no_hour() -> None:
    rules = book(rules=(Rule(name="ads", when=(), then=Then(ignore=True)),))
    assert trace_of(found(situation(), rules), None, BERLIN) == ("YES ads - ignore: yes; no conditions",)


def test_the_trace_says_what_nearly_held() -> None:
    unhappy = situation(understood=understood(reading=replace(UPSET, sentiment=Sentiment.UNHAPPY)))
    assert "nearly: upset - sentiment is unhappy, upset wanted" in traced(unhappy, book())
    assert not [line for line in traced(situation(), book()) if line.startswith("nearly")]


def test_why_me_is_the_reason_of_the_rule_and_of_the_choice() -> None:
    upset, calm = situation(understood=understood(reading=UPSET)), situation()
    for there, why in ((upset, "sounds upset, fewest open cases"), (calm, "fewest open cases")):
        way = found(there)
        choice = choose(way, there, book())
        assert choice is not None
        assert why_of(way.ruling, choice) == why


# --- what nearly held ----------------------------------------------------------------------------------------------------

EVERYTHING = Rule(name="all", when=(), then=Then(assign="everyone"))
TWO_WEEKS = timedelta(days=14)
ALWAYS = Calendar(name="always", zone=BERLIN, hours=dict.fromkeys(range(7), ((0, 1440),)))


def near(*rules: Rule, **facts: Any) -> tuple[str, ...]:
    seen = Facts(now=NOW, **facts)
    return near_misses(rules, seen, judge(rules, seen))


def rule(name: str, *when: Condition, **then: Any) -> Rule:
    return Rule(name=name, when=when, then=Then(**then))


def test_a_rule_that_fails_by_one_line_of_several_nearly_held() -> None:
    big = rule("vip refund", on("topic", "refund"), on("customer", "vip"), assign="seniors")
    assert near(big, EVERYTHING, topic="refund", topic_sure=0.9) == ("vip refund - customer is unknown, vip wanted",)
    assert near(big, EVERYTHING, topic="billing") == ()  # by two
    assert near(big, EVERYTHING, topic="refund", customer=frozenset({"vip"})) == ()  # it holds


@pytest.mark.parametrize(
    ("condition", "close", "far"),
    [
        (on("contacts", 3, TWO_WEEKS), {"contacts": (NOW - HOUR, NOW)}, {"contacts": (NOW,)}),
        (on("contacts", 2, TWO_WEEKS), {"contacts": (NOW,)}, {"contacts": ()}),
        (on("sentiment", "upset"), {"sentiment": Sentiment.UNHAPPY}, {"sentiment": Sentiment.NEUTRAL}),
        (on("sentiment", "upset"), {"sentiment": Sentiment.UNHAPPY}, {"sentiment": Sentiment.HAPPY}),
    ],
)
def test_a_single_line_nearly_held_if_little_was_missing(condition: Condition, close: dict[str, Any], far: dict[str, Any]) -> None:
    one = rule("one", condition, assign="seniors")
    assert [line.partition(" - ")[0] for line in near(one, EVERYTHING, **close)] == ["one"]
    assert near(one, EVERYTHING, **far) == ()


def test_a_single_line_of_another_sort_holds_or_does_not() -> None:
    assert near(rule("vip", on("customer", "vip"), assign="seniors"), EVERYTHING) == ()


@pytest.mark.parametrize(
    "held",
    [
        Condition(word="not", inner=((on("customer", "new"),),)),
        on("sure", 0.8),
        on("kind", "person"),
        on("authentication", "unknown"),
        on("received_during", ALWAYS),
        on("received_outside", Calendar(name="never", zone=BERLIN)),
        on("urgent", False),
        Condition(word="any", inner=((on("urgent", True),), (on("kind", "person"),))),
    ],
)
def test_what_holds_for_most_mail_makes_no_rule_nearly_hold(held: Condition) -> None:
    sure = {"topic": "billing", "topic_sure": 0.9}
    for when in ((on("topic", "refund"), held), (held, on("topic", "refund"))):
        one = rule("one", *when, assign="seniors")
        assert judge((one, EVERYTHING), Facts(now=NOW, topic="refund", topic_sure=0.9)).then.assign == "seniors"
        assert near(one, EVERYTHING, **sure) == ()
        beside = rule("one", on("language", "en"), *when, assign="seniors")
        assert near(beside, EVERYTHING, language="en", **sure) == ("one - topic is billing (0.90 sure), refund wanted",)


def test_one_of_several_that_holds_speaks_for_a_rule_as_it_would_alone() -> None:
    either = Condition(word="any", inner=((on("customer", "vip"),), (on("kind", "person"),)))
    one = rule("one", either, on("topic", "refund"), assign="seniors")
    assert near(one, EVERYTHING, customer=frozenset({"vip"})) == ("one - topic is unsure (0.00 sure), refund wanted",)


UNHAPPY = {"sentiment": Sentiment.UNHAPPY}


@pytest.mark.parametrize(
    ("then", "told"),
    [
        ({"assign": "seniors"}, True),
        ({"assign": "everyone"}, False),  # what came anyway
        ({"priority": "high"}, True),  # which nobody decided
        ({"labels": ("hot",)}, True),
        ({"labels": ("cold",)}, False),
        ({"tell": ("lead",)}, True),
    ],
)
def test_only_a_rule_that_would_have_changed_something_is_named(then: dict[str, Any], told: bool) -> None:
    everything = rule("all", assign="everyone", labels=("cold",))
    assert bool(near(rule("one", on("sentiment", "upset"), **then), everything, **UNHAPPY)) is told


def test_a_rule_below_the_one_that_decided_would_have_changed_nothing() -> None:
    assert near(EVERYTHING, rule("one", on("sentiment", "upset"), assign="seniors"), **UNHAPPY) == ()
    assert near(EVERYTHING, rule("one", on("sentiment", "upset"), assign="seniors", priority="high"), **UNHAPPY) != ()


def test_below_a_rule_that_ignores_the_mail_nothing_nearly_held() -> None:
    assert near(rule("ads", ignore=True), rule("one", on("sentiment", "upset"), assign="seniors", labels=("hot",)), **UNHAPPY) == ()


def test_a_mail_that_somebody_has_was_not_nearly_ignored() -> None:
    assert near(EVERYTHING, rule("ads", on("sentiment", "upset"), ignore=True), **UNHAPPY) == ()


@pytest.mark.parametrize("above", [{"assign": "everyone"}, {"ignore": False}])
def test_a_mail_that_somebody_has_was_not_nearly_filed_among_the_ignored(above: dict[str, Any]) -> None:
    ads = rule("ads", on("sentiment", "upset"), ignore=True, file_in="Ads", labels=("ad",))
    assert near(rule("keep", **above), ads, **UNHAPPY) == ()
    assert near(rule("other", priority="low"), ads, **UNHAPPY) != ()
