from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.cards import without_card
from tests.core.test_new_text import lines

CARDS = [  # an answer, its writer's name, what is left to read
    ("Yes, it fits.\n\nKim Berg 1\nBergstr. 4, 10115 Berlin\nTel. 030 1234567", "Kim Berg", "Yes, it fits."),
    ("It works.\n\nKim", "Kim Berg", "It works."),
    ("Works now\nRegards\nDr. K. Berg\nHead of Purchasing\nBerg GmbH", "Kim Berg", "Works now\nRegards"),
    ("All well.\nHigh Street 12\nTel. 07700 900123", "Jo", "All well."),
    ("Yes.\nberg@berg.example\nwww.berg.example", "", "Yes."),
]
NO_CARDS = [
    ("Kim Berg", "Kim Berg"),
    ("No.\n\nKim says it is still broken.", "Kim Berg"),
    ("No.\nKim\nPS: it leaks again.", "Kim Berg"),
    ("Yes, thanks\nKim\nbut it still leaks", "Kim Berg"),
    ("Yes, thanks\nKim\nBroken again", "Kim Berg"),
    ("Not yet.\nCall me at 030 1234567", "Kim Berg"),
    ("No.\nKim Berg\nWhere is it?", "Kim Berg"),
    ("Still the same\nas on Monday", "Kim Berg"),
]


@pytest.mark.parametrize(("text", "name", "left"), CARDS)
def test_the_card_below_an_answer_is_not_read_as_part_of_it(text: str, name: str, left: str) -> None:
    assert without_card(text, name) == left


@pytest.mark.parametrize(("text", "name"), NO_CARDS)
def test_words_below_a_name_are_read(text: str, name: str) -> None:
    assert without_card(text, name) == text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(lines, st.text("ab >-_:@.1?", max_size=20)), max_size=30).map("\n".join), st.sampled_from(["", "A b", "a"]))
def test_an_answer_loses_only_its_end_to_the_card(text: str, name: str) -> None:
    left = without_card(text, name)
    assert text.startswith(left)
    assert not text.split("\n")[0].strip() or left.strip()
