"""The way back from the store: what was kept of a decision is read as it was, also by a version that knows more or less."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from math import inf
from random import Random  # noqa: TID251  # from seeds that hypothesis chooses
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.adapters.sqlite.dump import LEFT_OUT, dump
from inboxd.adapters.sqlite.load import load, load_actions
from inboxd.core import model
from inboxd.core.model import Action, Advance, Case, CaseEvent, CaseState, ChangePerson, Sentiment, Situation, StoryLine, Understood
from tests.core.builders import NOW
from tests.stores.builders import ANA, opened

ZONES = (UTC, timezone(timedelta(hours=2)), timezone(timedelta(hours=-5, minutes=-30)))
LETTERS = 'aZ09 äß漢\U0001f600"\\\n\t\x00\x7f\u2028\ufeff{}[]:,_'
ACTIONS = get_args(Action)
UNKEPT = (model.Letter, model.Send, model.File, model.RawMessage, model.Job, model.Outgoing, model.Decision, model.Verdict)
NOUNS = [
    each
    for each in vars(model).values()
    if isinstance(each, type) and is_dataclass(each) and each not in (*ACTIONS, *UNKEPT, model.Directory)
]
COLUMNS = {Advance: Case, ChangePerson: model.Person}


def made(hint: Any, dice: Random) -> Any:
    """Any value of a type of the model: every field is given, texts are of letters that JSON or SQL could trip over."""
    origin, inner = get_origin(hint), get_args(hint)
    if hasattr(hint, "__supertype__"):
        return made(hint.__supertype__, dice)
    if origin is Union or origin is UnionType:
        return made(dice.choice(inner), dice)
    if origin is tuple and inner[-1] is not Ellipsis:
        return tuple(made(each, dice) for each in inner)
    if origin in (tuple, frozenset):
        return origin(made(inner[0], dice) for _ in range(dice.choice((0, 0, 1, 2))))
    if origin is not None:
        return {made(inner[0], dice): made(inner[1], dice) for _ in range(dice.choice((0, 1, 2)))}
    return noun(hint, dice) if is_dataclass(hint) else plain(hint, dice)


def plain(hint: Any, dice: Random) -> Any:
    if hint is object:
        return plain(dice.choice((str, int, bool, float, type(None))), dice)
    if hint is str:
        return "".join(dice.choices(LETTERS, k=dice.randrange(6)))
    if hint is date:
        return date(2026, 1, 1) + timedelta(days=dice.randrange(1000))
    if hint is datetime:
        return datetime(2026, 10, 25, 0, 30, tzinfo=dice.choice(ZONES)) + timedelta(microseconds=dice.randrange(-(10**14), 10**14))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return dice.choice(list(hint))
    values = {int: dice.randrange(-9, 2**60), bool: dice.random() < 0.5, float: dice.choice((0.0, 0.1 + 0.2, dice.random(), 1e-300, inf))}
    return values.get(hint)


def noun(kind: Any, dice: Random) -> Any:
    hints = get_type_hints(kind)
    if kind in COLUMNS:
        owner = get_type_hints(COLUMNS[kind])
        changes = {name: made(owner[name], dice) for name in dice.sample(sorted(owner), 4)}
        return kind(**{**{name: made(hint, dice) for name, hint in hints.items()}, "changes": changes})
    return kind(**{name: made(hint, dice) for name, hint in hints.items()})


CHANCE = st.integers(0, 2**32).map(Random)
QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(CHANCE)
def test_a_whole_situation_is_read_as_it_was_written(dice: Random) -> None:
    situation = made(Situation, dice)
    text = dump(situation)
    again = load(Situation, text)
    assert dump(again) == text
    assert again == without_bulk(situation)


def test_the_builder_of_these_tests_leaves_out_nothing_that_a_decision_holds() -> None:
    assert len(NOUNS) > 20 and {Situation, Understood, StoryLine, Case, model.Candidate, model.SentMessage} <= set(NOUNS)
    full = made(Situation, Random(4))
    again = [made(Situation, Random(number)) for number in range(20)]
    assert all(any(getattr(one, each.name) != each.default for one in (full, *again)) for each in fields(Situation))


@pytest.mark.parametrize("kind", NOUNS, ids=lambda kind: kind.__name__)
def test_every_noun_is_read_as_it_was_written(kind: type) -> None:
    for seed in range(20):
        value = made(kind, Random(seed))
        text = dump(value)
        assert dump(load(kind, text)) == text
        assert load(kind, text) == without_bulk(value)


@QUICK
@given(CHANCE)
def test_all_actions_are_read_as_they_were_and_of_letters_their_purposes(dice: Random) -> None:
    actions = [made(kind, dice) for kind in ACTIONS if kind is not model.Send]  # a Send is kept as the purpose of its letter
    found, letters = load_actions(dump([*actions, "route:1:maria", "told:2:lead"]))
    assert found == tuple(actions)
    assert letters == ("route:1:maria", "told:2:lead")


def test_columns_of_a_change_have_the_types_of_the_case_again() -> None:
    changes = {"due_at": NOW, "sentiment": Sentiment.UPSET, "briefs": ("give back 20 EUR",), "closed_at": None, "gone_column": 3}
    move = Advance(case=opened().number, event=CaseEvent.CUSTOMER_WROTE, state=CaseState.OPEN, changes=changes)
    found = load_actions(dump([move]))[0][0]
    assert isinstance(found, Advance)
    assert found.changes == changes
    assert (
        type(found.changes["due_at"]) is datetime
        and type(found.changes["sentiment"]) is Sentiment
        and type(found.changes["briefs"]) is tuple
    )


def test_of_texts_that_lie_elsewhere_nothing_is_kept_and_reading_them_gives_none() -> None:
    line = StoryLine(at=NOW, role=model.Role.CUSTOMER, name="Ana", text="words of hers", message=model.MessageNo(4))
    assert "words of hers" not in dump(line)
    assert load(StoryLine, dump(line)).text == ""


def test_fields_of_a_newer_version_are_left_out_and_those_an_older_one_did_not_know_have_their_default() -> None:
    case = opened(labels=("repeat",), lent_by="tom")
    stored = json.loads(dump(case))
    newer = {**stored, "mood": {"_": "Mood", "colour": "blue"}, "weight": [1, 2]}
    assert load(Case, json.dumps(newer)) == case
    del stored["lent_by"], stored["backlog"], stored["briefs"]
    assert load(Case, json.dumps(stored)) == opened(labels=("repeat",))


def test_an_action_of_a_newer_version_is_left_out() -> None:
    label = model.Label(case=opened().number, labels=("repeat",))
    newer = f'[{{"_":"Teleport","case":7}},{dump(label)},{{"_":"Situation"}},"route:1:maria"]'
    assert load_actions(newer) == ((label,), ("route:1:maria",))


def test_a_person_without_a_question_stays_one_without() -> None:
    assert load(model.Person, dump(ANA)) == ANA
    assert load_actions(dump([ChangePerson(person=ANA.number, changes={"asked_at": NOW})]))[0][0].changes == {"asked_at": NOW}  # type: ignore[union-attr]


def without_bulk(value: Any) -> Any:
    """The value without the texts that `dump` leaves to other tables."""
    if is_dataclass(value) and not isinstance(value, type):
        emptied = LEFT_OUT.get(type(value), frozenset())
        kept = {
            f.name: type(getattr(value, f.name))() if f.name in emptied else without_bulk(getattr(value, f.name)) for f in fields(value)
        }
        return type(value)(**kept)
    if isinstance(value, tuple):
        return tuple(map(without_bulk, value))
    if isinstance(value, dict):
        return {key: without_bulk(each) for key, each in value.items()}
    return value
