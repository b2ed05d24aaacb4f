from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.template_files import load_templates
from inboxd.core.compose import Templates
from inboxd.core.model import AgentName, Kind, Sentiment, TeamName
from inboxd.core.opening import Span
from inboxd.core.rulebook import Absence, Agent, Condition, Moment, ReadyAnswer, Rule, Rulebook, Step, Team, Then
from inboxd.core.rules import Facts, judge
from inboxd.desk.lint import Warning_, lint

ROOT = Path(__file__).parents[2]
EXAMPLES = Path(__file__).parent / "lint_examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
TODAY = date(2026, 11, 22)
SHIPPED = load_templates(ROOT / "templates", None)


@pytest.mark.parametrize("name", NAMES)
def test_each_example_gives_the_warnings_beside_it_and_no_others(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(EXAMPLES / "people.yaml", tmp_path)
    shutil.copytree(EXAMPLES / name, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "templates"
    templates = load_templates(ROOT / "templates", own if own.is_dir() else None)
    warnings = lint(load_rules(tmp_path), templates, TODAY, files=False, languages=("en",))
    assert [str(warning) for warning in warnings] == (tmp_path / "expected.txt").read_text(encoding="utf-8").splitlines()


def test_the_shipped_rules_and_templates_give_no_warning() -> None:
    assert lint(load_rules(ROOT / "rules"), SHIPPED, TODAY, files=False, languages=("en", "de")) == []


def test_a_warning_says_its_place_as_a_compiler_does() -> None:
    assert str(Warning_(file="rules/r.yaml", line=3, message="look")) == "rules/r.yaml:3: look"
    assert str(Warning_(file="templates/en/a.txt.j2", message="look")) == "templates/en/a.txt.j2: look"
    assert str(Warning_(message="look")) == "look"


# --- rules -----------------------------------------------------------------------------------------------------------

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
NEW = st.just(("new", 1, False))  # somebody who never wrote before has one contact and no case
KNOWN = st.tuples(st.just("known"), st.integers(1, 4), st.booleans())
ADDRESSES = ("ana@big.example", "ben@big.example", "cy@small.example")
LISTS = {
    "kind": ("person", "automatic", "list", "bounce"),
    "topic": ("refund", "billing", "bug"),
    "sentiment": tuple(str(each) for each in Sentiment),
    "customer": ("vip", "new", "known"),
    "language": ("en", "de"),
    "sender": (*ADDRESSES, "big.example", "@small.example"),
    "text_contains": ("bike", "chain"),
    "authentication": ("pass", "fail", "unknown"),
    "sentiment_change": ("worse", "better", "same"),
}


def listed(word: str) -> st.SearchStrategy[Condition]:
    values = st.sets(st.sampled_from(LISTS[word]), min_size=1, max_size=3)
    return values.map(lambda found: Condition(word=word, wanted=tuple(sorted(found))))


plain_conditions = st.one_of(
    *(listed(word) for word in LISTS),
    st.builds(
        lambda word, wanted: Condition(word=word, wanted=(wanted,)), st.sampled_from(("urgent", "reopened", "sensitive")), st.booleans()
    ),
    st.tuples(st.integers(1, 4), st.sampled_from((2 * DAY, 14 * DAY))).map(lambda found: Condition(word="contacts", wanted=found)),
    st.sampled_from((0.2, 0.5, 0.8)).map(lambda found: Condition(word="sure", wanted=(found,))),
    st.sampled_from((1, 5)).map(lambda hours: Condition(word="waiting", wanted=(Span(length=timedelta(hours=hours)), None))),
    st.sampled_from((("x-a", ""), ("x-a", "one"))).map(lambda found: Condition(word="header", wanted=(found,))),
)


def groups_of(conditions: st.SearchStrategy[Condition]) -> st.SearchStrategy[tuple[Condition, ...]]:
    return st.lists(conditions, min_size=1, max_size=3, unique_by=lambda condition: condition.word).map(tuple)


def nested(inside: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    return st.one_of(
        groups_of(inside).map(lambda group: Condition(word="not", inner=(group,))),
        st.lists(groups_of(inside), min_size=1, max_size=3).map(lambda groups: Condition(word="any", inner=tuple(groups))),
    )


whens = st.one_of(st.just(()), groups_of(st.recursive(plain_conditions, nested, max_leaves=4)))
thens = st.one_of(
    st.builds(Then, ignore=st.booleans()),
    st.builds(
        Then,
        assign=st.sampled_from((None, "seniors", "maria")),
        priority=st.sampled_from((None, "high", "low")),
        labels=st.sets(st.sampled_from(("a", "b"))).map(lambda found: tuple(sorted(found))),
        ignore=st.sampled_from((None, None, False)),
    ),
)
rule_lists = st.lists(st.tuples(whens, thens), min_size=2, max_size=5).map(
    lambda found: tuple(Rule(name=f"r{line}", when=when, then=then, file="r.yaml", line=line) for line, (when, then) in enumerate(found, 1))
)


@st.composite
def mails(draw: st.DrawFn) -> Facts:
    customer, contacts, reopened = draw(st.one_of(NEW, KNOWN))
    return Facts(
        now=NOW,
        kind=draw(st.sampled_from((Kind.PERSON, Kind.LIST, Kind.BOUNCE, Kind.SPAM))),
        topic=draw(st.sampled_from(("refund", "billing", "bug", "other"))),
        topic_sure=draw(st.sampled_from((0.1, 0.4, 0.6, 0.9))),
        sentiment=draw(st.sampled_from(Sentiment)),
        urgent=draw(st.booleans()),
        sensitive=draw(st.booleans()),
        language=draw(st.sampled_from(("en", "de", "fr", ""))),
        customer=frozenset((customer, *draw(st.sampled_from(((), ("vip",)))))),
        contacts=tuple(NOW - draw(st.sampled_from((1, 5))) * DAY * number for number in range(contacts)),
        reopened=reopened,
        sender=draw(st.sampled_from(ADDRESSES)),
        text=draw(st.sampled_from(("my bike", "the chain", "the bike chain", "nothing"))),
        waiting_since=draw(st.sampled_from((None, NOW - timedelta(hours=2), NOW - timedelta(hours=9)))),
        feeling_before=draw(st.sampled_from((None, *Sentiment))),
        authentication=draw(st.sampled_from(("pass", "fail", "unknown"))),
        headers=draw(st.sampled_from(((), (("x-a", "one"),), (("x-a", "two"),)))),
    )


@settings(max_examples=60, deadline=None)
@given(rules=rule_lists, facts=st.lists(mails(), min_size=4, max_size=4))
def test_a_rule_of_which_we_say_that_it_never_decides_could_as_well_be_gone(rules: tuple[Rule, ...], facts: list[Facts]) -> None:
    useless = {warning.line for warning in lint(Rulebook(rules=rules), None, None) if " can never " in warning.message}
    for line in useless:
        others = tuple(rule for rule in rules if rule.line != line)
        for each in facts:
            assert outcome(rules, each) == outcome(others, each), rules[line - 1]


@settings(max_examples=60, deadline=None)
@given(rules=rule_lists, facts=st.lists(mails(), min_size=4, max_size=4))
def test_a_rule_of_which_we_say_that_it_never_holds_never_does(rules: tuple[Rule, ...], facts: list[Facts]) -> None:
    never = {warning.line for warning in lint(Rulebook(rules=rules), None, None) if " can never hold: " in warning.message}
    for each in facts:
        assert not [trace.rule for line, trace in enumerate(judge(rules, each).trace, 1) if line in never and trace.matched]


def outcome(rules: tuple[Rule, ...], facts: Facts) -> Then:
    then = judge(rules, facts).then
    return replace(then, ignore=then.ignore or None)  # "no" is what happens anyway


def rule(number: int, *when: Condition, **then: object) -> Rule:
    return Rule(name=f"rule {number}", when=when, then=Then(**then), file="r.yaml", line=number)  # type: ignore[arg-type]


def messages(*rules: Rule) -> list[str]:
    book = Rulebook(
        rules=(*rules, rule(99_999, assign="seniors")), teams={TeamName("seniors"): Team(name=TeamName("seniors"), agents=(MARIA,))}
    )
    return [f"{warning.line}: {warning.message}" for warning in lint(book, None, None)]


MARIA = AgentName("maria")
UPSET = Condition(word="sentiment", wanted=("upset",))
URGENT = Condition(word="urgent", wanted=(True,))
LIST = Condition(word="kind", wanted=("list",))


def test_a_rule_that_ignores_hides_all_below_it_only_if_nobody_could_have_the_mail_already() -> None:
    ignored, labelled = rule(2, LIST, ignore=True), rule(3, LIST, labels=("news",))
    assert messages(ignored, labelled) == ["3: rule 'rule 3' can never decide anything: 'rule 2' above it ignores each of its mails"]
    assert messages(rule(1, URGENT, assign="maria"), ignored, labelled) == []
    assert len(messages(rule(1, URGENT, assign="maria"), ignored, rule(3, LIST, assign="seniors"))) == 1


def test_what_a_rule_keeps_is_not_ignored_below_it() -> None:
    kept, ignored = rule(1, URGENT, ignore=False), rule(2, LIST, ignore=True)
    assert messages(kept, ignored, rule(3, LIST, labels=("news",))) == []
    assert messages(kept, ignored, rule(3, LIST, assign="seniors")) == []


def test_who_has_a_mail_is_not_ignored_below() -> None:
    assert len(messages(rule(1, UPSET, assign="maria"), rule(2, UPSET, ignore=True))) == 1


def test_labels_and_notices_that_stand_above_already_add_nothing() -> None:
    first = rule(1, UPSET, labels=("hot",), tell=("lead",))
    assert len(messages(first, rule(2, UPSET, URGENT, labels=("hot",)))) == 1
    assert len(messages(first, rule(2, UPSET, URGENT, tell=("lead",)))) == 1
    assert messages(first, rule(2, UPSET, URGENT, labels=("hot", "quick"))) == []
    assert messages(first, rule(2, UPSET, URGENT, tell=("maria",))) == []


def test_a_rule_for_every_mail_may_leave_an_answer_to_the_one_above_it() -> None:
    assert messages(rule(1, priority="high"), rule(2, priority="low", labels=("a",))) == []


def test_ten_thousand_rules_are_looked_at_in_less_than_two_seconds() -> None:
    rules = tuple(
        rule(
            number,
            UPSET if number % 2 else URGENT,
            Condition(word="text_contains", wanted=(f"word {number}", f"word {number + 1}")),
            Condition(word="contacts", wanted=(2 + number % 3, 14 * DAY)),
            assign="seniors",
        )
        for number in range(1, 10_000)
    )
    hidden = rule(
        10_000, UPSET, Condition(word="text_contains", wanted=("word 77",)), Condition(word="contacts", wanted=(9, DAY)), assign="maria"
    )
    start = process_time()
    (said,) = messages(*rules, hidden)
    assert process_time() - start < 2
    assert said == "10000: rule 'rule 10000' can never decide anything: 'rule 77' above it answers all its questions for each of its mails"


def test_it_is_said_where_too_many_rules_make_the_search_end() -> None:
    rules = [rule(number, Condition(word="contacts", wanted=(number, number * DAY)), URGENT, assign="maria") for number in range(1, 700)]
    start = process_time()
    found = messages(*rules)
    assert process_time() - start < 2
    assert [said.partition(": ")[2].partition(" and ")[2] for said in found] == [
        "those below it are compared only with rules of the same conditions: there are too many of them"
    ]


# --- people ----------------------------------------------------------------------------------------------------------


def test_without_a_calendar_only_absences_are_told() -> None:
    away = Agent(
        name=MARIA,
        emails=("m@acme.example",),
        full_name="M",
        signs_as="M",
        away=(Absence(first=date(2026, 12, 1), last=date(2026, 12, 2)),),
    )
    book = Rulebook(
        agents={MARIA: away},
        teams={TeamName("seniors"): Team(name=TeamName("seniors"), agents=(MARIA,))},
        rules=(rule(1, assign="seniors"),),
    )
    assert [str(warning) for warning in lint(book, None, TODAY)] == [
        "nobody of team 'seniors' is there on 2026-12-01 to 2026-12-02: maria is away; its mail goes to nobody who is there"
    ]
    assert lint(book, None, None) == []
    assert lint(book, None, date(2027, 1, 1)) == []


def test_only_a_step_that_certainly_is_not_later_is_told() -> None:
    def steps(*moments: Moment) -> int:
        book = Rulebook(rules=(rule(1, assign="a"),), teams={TeamName("seniors"): Team(name=TeamName("seniors"), agents=(MARIA,))})
        return len(lint(Rulebook(rules=book.rules, teams=book.teams, ladder=tuple(Step(after=moment) for moment in moments)), None, None))

    hour, opening_hour = Span(length=timedelta(hours=1)), Span(length=timedelta(hours=1), opening=True)
    assert steps(Moment(part=0.5), Moment(part=1), Moment(part=1, plus=hour)) == 0
    assert steps(Moment(part=1), Moment(part=0.5)) == 1
    assert steps(Moment(part=1, plus=hour), Moment(part=1, plus=hour)) == 1
    assert steps(Moment(part=1, plus=hour), Moment(part=1, plus=opening_hour)) == 0
    assert steps(Moment(part=1), Moment(plus=hour)) == 0


# --- templates -------------------------------------------------------------------------------------------------------


def test_a_mailbox_in_a_language_without_texts_is_told_once() -> None:
    (warning,) = lint(load_rules(ROOT / "rules"), SHIPPED, TODAY, languages=("en", "fr"))
    assert str(warning) == "a mailbox is in 'fr', and 'reply', 'answer_links', 'are_you_happy' and 'reminder' are not: write them"


def test_an_acknowledgement_that_prints_no_answer_of_the_rules_is_told_with_its_file() -> None:
    def told(*answers: ReadyAnswer, **texts: str) -> list[str]:
        book = replace(load_rules(ROOT / "rules"), rules=(rule(1, assign="a", reply_with="hello"),), answers=answers)
        templates = replace(SHIPPED, texts={**SHIPPED.texts, **{f"{language}/hello": text for language, text in texts.items()}})
        return [str(warning) for warning in lint(book, templates, None) if "the answers of the rules" in warning.message]

    offered = ReadyAnswer(name="invoices", phrases=("invoice",), text={"en": "Open Account.", "de": "Konto."})
    prints, silent = "Hello,\n{% if answer %}\n{{ answer | line }}\n{% endif %}", "Hello,\n{% if answer %}see below{% endif %}"
    assert told(offered, en=prints, de=prints) == [] and told(en=silent, de=silent) == []
    assert told(offered, en=prints, de=silent) == [
        "templates/de/hello.txt.j2: the answers of the rules cannot be read in it:"
        " write '{% if answer %}{{ answer }}{% endif %}' where one is to stand"
    ]
    english = replace(offered, text={"en": "Open Account."})
    assert told(english, en=prints, de=silent) == [], "in German none is offered"
    assert len(told(offered, en=silent)) == 1, "German customers get the English text"


def test_no_shipped_acknowledgement_hides_an_answer() -> None:
    for name in ("acknowledge", "we_hear_you", "we_are_closed"):
        answer = ReadyAnswer(name="invoices", phrases=("invoice",), text={"en": "Open Account.", "de": "Konto."})
        book = replace(load_rules(ROOT / "rules"), rules=(rule(1, assign="a", reply_with=name),), answers=(answer,))
        assert not [warning for warning in lint(book, SHIPPED, None) if "the answers of the rules" in warning.message]


def test_words_of_the_program_in_a_template_are_not_read_as_words_for_people() -> None:
    def cold(source: str) -> list[int]:
        templates = Templates({"en/reply": source})
        return [warning.line for warning in lint(load_rules(ROOT / "rules"), templates, None) if "reads cold" in warning.message]

    assert cold("{# unfortunately #}{% if kind == 'ticket' %}\n{{ ticket }}{% endif %} We kindled a fire.") == []
    assert cold('\n{{ "Unfortunately, " ~ customer }}\n\nas\n  per') == [2, 4]
    assert [warning.message for warning in lint(load_rules(ROOT / "rules"), Templates({"en/told": "ticket"}), None)] == []
