"""What people say was read wrongly: understood as typed, gathered by message, and held against what a new model would say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from inboxd.core.model import CaseNo, Correction, MessageNo
from inboxd.desk.teach import GUARDED, WORSE, Change, Comparison, lessons, parse_corrections
from inboxd.errors import ConfigError
from tests.fakes import MONDAY

TOPICS = ("billing", "refund", "order_and_delivery", "warranty")


def mistakes(*given: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_corrections(given, TOPICS)
    return caught.value.mistakes


# --- as typed ------------------------------------------------------------------------------------------------------------


def test_all_fields_can_be_put_right_at_once() -> None:
    given = ["topic=warranty", "sentiment=upset", "urgent=yes", "sensitive=no", "answer=satisfied_and_new"]
    assert parse_corrections(given, TOPICS) == {
        "topic": "warranty", "sentiment": "upset", "urgent": "yes", "sensitive": "no", "answer": "satisfied_and_new",
    }  # fmt: skip


def test_two_values_for_a_field_are_a_mistake_and_the_same_twice_is_none() -> None:
    assert mistakes("topic=billing", "topic=refund") == ("topic=refund: topic is said twice",)
    assert mistakes("urgent=no", "topic=refund", "urgent=yes") == ("urgent=yes: urgent is said twice",)
    assert parse_corrections(["topic=refund", "urgent=yes", "topic=refund"], TOPICS) == {"topic": "refund", "urgent": "yes"}


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("topic=refnd", "refund"),
        ("topic=waranty", "warranty"),
        ("topic=order_delivery", "order_and_delivery"),
        ("sentiment=upsett", "upset"),
        ("urgent=yess", "yes"),
        ("answer=disatisfied", "dissatisfied"),
        ("topc=refund", "topic"),
        ("sentimnt=upset", "sentiment"),
    ],
)
def test_a_typing_mistake_is_told_with_what_was_probably_meant(given: str, near: str) -> None:
    (mistake,) = mistakes(given)
    assert mistake.startswith(f"{given}: ")
    assert mistake.endswith(f" (did you mean {near}?)")


def test_a_word_that_is_like_no_other_is_told_with_all_that_there_are() -> None:
    assert mistakes("topic=xyzzy") == ("topic=xyzzy: topic is one of billing, refund, order_and_delivery, warranty",)
    assert mistakes("urgent=42") == ("urgent=42: urgent is one of yes, no",)


def test_what_is_no_field_or_no_pair_is_told_with_the_fields() -> None:
    for given in ("refund", "topic", "colour=red", "=refund", ""):
        (mistake,) = mistakes(given)
        assert mistake.startswith(f"{given}: expected field=value; the fields are topic, sentiment, urgent, sensitive, answer")


def test_all_mistakes_are_told_at_once() -> None:
    found = mistakes("topic=refnd", "sentiment=upset", "urgent=maybe", "speed=slow")
    assert [mistake.partition(":")[0] for mistake in found] == ["topic=refnd", "urgent=maybe", "speed=slow"]


def test_saying_nothing_is_answered_with_an_example() -> None:
    assert mistakes() == ("say what is right, for example: topic=refund sentiment=upset",)


# --- gathered ------------------------------------------------------------------------------------------------------------


def said(message: int, field: str, value: str, by: str = "maria", number: int = 1) -> Correction:
    return Correction(number=number, at=MONDAY, message=MessageNo(message), case=CaseNo(1001), by=by, field=field, value=value)


TEXTS = {MessageNo(number): (f"subject {number}", f"words of {number}") for number in (1, 2, 3)}


def test_the_corrections_of_a_message_become_one_lesson() -> None:
    (lesson,) = lessons([said(1, "topic", "refund"), said(1, "sentiment", "upset", by="tom")], TEXTS)
    assert (lesson.message, lesson.subject, lesson.new_text) == (1, "subject 1", "words of 1")
    assert lesson.labels == {"topic": "refund", "sentiment": "upset"}
    assert lesson.by == ("maria", "tom")


def test_the_last_word_counts() -> None:
    told = [said(1, "topic", "refund"), said(1, "urgent", "yes"), said(1, "topic", "billing", by="tom"), said(1, "topic", "warranty")]
    (lesson,) = lessons(told, TEXTS)
    assert lesson.labels == {"topic": "warranty", "urgent": "yes"}
    assert lesson.by == ("maria", "tom")  # each once


def test_lessons_come_in_the_order_in_which_they_were_last_given() -> None:
    told = [said(1, "topic", "refund"), said(2, "topic", "billing"), said(3, "topic", "billing"), said(1, "sentiment", "upset")]
    assert [(lesson.message, len(lesson.labels)) for lesson in lessons(told, TEXTS)] == [(2, 1), (3, 1), (1, 2)]


def test_a_lesson_is_numbered_by_its_last_correction() -> None:
    told = [
        said(1, "topic", "refund", number=11), said(2, "topic", "billing", number=12), said(1, "urgent", "yes", number=13),
    ]  # fmt: skip
    assert [(lesson.message, lesson.number) for lesson in lessons(told, TEXTS)] == [(2, 12), (1, 13)]


def test_of_a_mail_that_is_gone_nothing_is_learned() -> None:
    assert [lesson.message for lesson in lessons([said(9, "topic", "refund"), said(2, "topic", "billing")], TEXTS)] == [2]
    assert lessons([], TEXTS) == []


def test_the_time_of_a_correction_does_not_reorder_them() -> None:
    later = replace(said(1, "topic", "refund"), at=MONDAY + timedelta(days=1))
    (lesson,) = lessons([later, said(1, "topic", "billing")], TEXTS)  # clocks go back; the store's order is the order
    assert lesson.labels == {"topic": "billing"}


# --- held against the one in force ---------------------------------------------------------------------------------------

GOOD = dict.fromkeys(GUARDED, 0.8)
POOR = dict.fromkeys(GUARDED, 0.5)


def limit(name: str) -> float:
    return WORSE[name.partition(".")[0]]


@pytest.mark.parametrize("name", GUARDED)
def test_a_model_that_reads_worse_than_the_shipped_one_is_refused(name: str) -> None:
    fallen = 0.8 - 2 * limit(name)
    (why,) = Comparison(shipped=GOOD, before=GOOD, after={**GOOD, name: fallen}).worse
    assert why == f"{name} falls to {fallen:.3f}, and the shipped model reaches 0.800"


def test_both_languages_have_a_limit_and_are_guarded_alike() -> None:
    assert {name.partition(".")[0] for name in GUARDED} == set(WORSE) == {"en", "de"}
    figures = {language: {name.partition(".")[2] for name in GUARDED if name.startswith(language)} for language in WORSE}
    assert figures["en"] == figures["de"]


def test_a_fall_that_may_be_chance_is_no_reason() -> None:
    assert Comparison(shipped=GOOD, before=GOOD, after={name: 0.8 - limit(name) / 2 for name in GUARDED}).worse == []
    assert Comparison(shipped=GOOD, before=GOOD, after=dict.fromkeys(GUARDED, 0.9)).worse == []


def test_small_falls_do_not_add_up_over_many_trainings() -> None:
    before = {name: 0.8 - limit(name) * 0.8 for name in GUARDED}
    after = {name: 0.8 - limit(name) * 1.6 for name in GUARDED}  # as far below the one in force as that is below the shipped one
    assert len(Comparison(shipped=GOOD, before=before, after=after).worse) == len(GUARDED)


def test_the_model_in_force_is_no_measure_of_the_test_set() -> None:
    assert Comparison(shipped=POOR, before=GOOD, after=POOR).worse == []  # else one lucky training would forbid all later ones
    assert len(Comparison(shipped=GOOD, before=POOR, after=POOR).worse) == len(GUARDED)


def test_only_guarded_figures_are_compared() -> None:
    more, less = {**GOOD, "en.topic.bug.recall": 0.9}, {**GOOD, "en.topic.bug.recall": 0.1}
    assert Comparison(shipped=more, before=more, after=less).worse == []


@pytest.mark.parametrize("name", GUARDED)
def test_a_guarded_figure_that_was_not_measured_is_not_taken_for_a_good_one(name: str) -> None:
    some = {each: value for each, value in GOOD.items() if each != name}
    for found in (Comparison(shipped=GOOD, before=GOOD, after=some), Comparison(shipped=some, before=GOOD, after=GOOD)):
        with pytest.raises(KeyError):
            found.worse  # noqa: B018


def test_every_reason_is_told() -> None:
    found = Comparison(shipped=GOOD, before=GOOD, after={**GOOD, GUARDED[0]: 0.5, GUARDED[-1]: 0.5})
    assert [why.partition(" ")[0] for why in found.worse] == [GUARDED[0], GUARDED[-1]]


def test_a_model_that_learned_nothing_of_the_newest_corrections_is_refused() -> None:
    found = Comparison(shipped=GOOD, before=GOOD, after=GOOD, held_back=8, held_back_before=0.75, held_back_after=0.5)
    assert found.worse == ["of the 8 newest corrections it would get 50% right, the one in force gets 75%"]
    found.held_back_after = 0.75
    assert found.worse == []


def test_without_corrections_held_back_they_are_no_reason() -> None:
    assert Comparison(shipped=GOOD, before=GOOD, after=GOOD, held_back=0, held_back_before=1.0, held_back_after=0.0).worse == []


def changed(count: int) -> list[Change]:
    return [Change(case=1000 + number, message=number, before="bug, neutral", after="how_to, upset") for number in range(1, count + 1)]


def test_the_table_shows_three_models_side_by_side() -> None:
    after = {**GOOD, "de.answer.right": 0.912}
    words = Comparison(
        shipped=POOR, before=GOOD, after=after, held_back=8, held_back_before=0.25, held_back_after=0.875, read=40, changes=changed(2)
    ).in_words()
    head, *lines = words.splitlines()
    assert head.split() == ["shipped", "in", "force", "new"]
    assert [line.split() for line in lines[: len(GUARDED)]] == [[name, "0.500", "0.800", f"{after[name]:.3f}"] for name in GUARDED]
    held_back = lines[len(GUARDED)]
    assert held_back.split() == ["newest", "corrections", "right", "(of", "8)", "0.250", "0.875"]
    assert len({len(line) for line in (head, *lines[: len(GUARDED) + 1])}) == 1  # the figures stand below each other
    assert lines[len(GUARDED) + 1 :] == [
        "of 40 mails of the last 30 days 2 would be read differently",
        "  case 1001, message 1: bug, neutral -> how_to, upset",
        "  case 1002, message 2: bug, neutral -> how_to, upset",
    ]


def test_the_table_leaves_out_corrections_held_back_where_there_are_none() -> None:
    words = Comparison(shipped=GOOD, before=GOOD, after=GOOD).in_words()
    assert [line.split()[0] for line in words.splitlines()] == ["shipped", *GUARDED, "of"]


def test_of_many_changes_the_first_are_shown_and_all_are_in_the_json() -> None:
    found = Comparison(shipped=GOOD, before=GOOD, after=GOOD, read=99, changes=changed(15))
    lines = found.in_words().splitlines()
    assert sum("->" in line for line in lines) == 12
    assert lines[-1] == "  and 3 more (--json shows all)"
    assert sum("->" in line for line in found.in_words(most=15).splitlines()) == 15
    assert "more" not in found.in_words(most=15)
    assert len(found.as_dict()["changes"]) == 15


def test_a_changed_mail_without_a_case_has_none_in_the_table() -> None:
    change = Change(case=None, message=7, before="bug, neutral", after="bug, upset")
    found = Comparison(shipped=GOOD, before=GOOD, after=GOOD, read=1, changes=[change])
    assert found.in_words().splitlines()[-1] == "  case -, message 7: bug, neutral -> bug, upset"


def test_the_json_says_all_that_the_table_says() -> None:
    after = {**GOOD, GUARDED[0]: 0.1}
    found = Comparison(
        shipped=GOOD, before=POOR, after=after, taught=9, taught_before=0.3, taught_after=0.6, held_back=5, held_back_before=0.2,
        held_back_after=0.4, read=3, changes=changed(1),
    )  # fmt: skip
    assert found.as_dict() == {
        "shipped": GOOD,
        "before": POOR,
        "after": after,
        "taught": {"count": 9, "before": 0.3, "after": 0.6},
        "held_back": {"count": 5, "before": 0.2, "after": 0.4},
        "read": 3,
        "changes": [{"case": 1001, "message": 1, "before": "bug, neutral", "after": "how_to, upset"}],
        "worse": [f"{GUARDED[0]} falls to 0.100, and the shipped model reaches 0.800"],
    }
