"""What the learned part sees of a text: the same words fill the same buckets, in every process and for ever."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.adapters.nlp.features import BUCKETS, Sparse, features, read_words, words_and_pairs
from inboxd.adapters.nlp.lexicon import tokens
from inboxd.adapters.nlp.marked import mark

# What stands between "bucket" and "weight" in every saved model: these numbers may never change.
GOLDEN: dict[str, list[int]] = {
    "refund": [
        1479, 3605, 4083, 6751, 13397, 14986, 21423, 25242, 28995, 29618, 47674, 52368, 54622, 61179, 64283, 64758,
    ],
    "größe": [1930, 3060, 19789, 21901, 24557, 30748, 34161, 39344, 43179, 43252, 53731, 62106, 64569],
    "日本": [3339, 24116, 37842, 50783],
    "#": [32006, 35644],
    "?": [10539, 45710],
    "x y": [10261, 25927, 30806, 57436, 63201],
}  # fmt: skip
TEXTS = st.text(max_size=400) | st.text(alphabet="abé ß#?!.\n'_-9", max_size=400)


def buckets(text: str) -> set[int]:
    return set(features(text.split()).ids.tolist())


def test_the_buckets_of_a_word_never_change() -> None:
    assert {text: features(text.split()).ids.tolist() for text in GOLDEN} == GOLDEN


def test_words_and_pairs_have_buckets_that_never_change() -> None:
    singles, pairs = words_and_pairs(["where", "is", "my", "parcel", "?"])
    assert singles.tolist() == [19794, 36976, 29516, 48364, 45710]
    assert pairs.tolist() == [56327, 16977, 36245, 7783]


def test_another_process_with_another_hash_seed_finds_the_same() -> None:
    code = "from inboxd.adapters.nlp.features import features; print(features('where is my parcel ?'.split()).ids.tolist())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert said == {str(features(["where", "is", "my", "parcel", "?"]).ids.tolist())}


@pytest.mark.parametrize("before", [0, 1, 7, 900, 4000])
def test_a_word_has_the_same_bucket_wherever_it_stands(before: int) -> None:
    filler = [f"filler{number}" for number in range(before)]
    singles, pairs = words_and_pairs([*filler, "refund", "please", *filler[:5]])
    alone, together = words_and_pairs(["refund", "please"])
    assert singles[before : before + 2].tolist() == alone.tolist()
    assert pairs[before] == together[0]
    assert buckets("refund") <= set(features([*filler, "refund"]).ids.tolist())


def test_a_text_longer_than_all_before_changes_nothing_of_what_was_found() -> None:
    before = features(["my", "parcel", "is", "late"])
    features(["word"] * 20_000)
    after = features(["my", "parcel", "is", "late"])
    assert before.ids.tolist() == after.ids.tolist()
    assert np.array_equal(before.counts, after.counts)


def test_pieces_stay_inside_their_words() -> None:
    singles, pairs = words_and_pairs(["red", "lamp"])
    # nothing but the pair comes from two words that stand side by side
    assert buckets("red lamp") == buckets("red") | buckets("lamp") | set(pairs.tolist())
    assert set(pairs.tolist()).isdisjoint(buckets("red") | buckets("lamp"))
    assert set(singles.tolist()) <= buckets("red lamp")


def test_a_piece_knows_where_a_word_begins_and_ends() -> None:
    assert len(buckets("cat")) == 1 + 3 + 2 + 1  # the word; " ca" "cat" "at "; " cat" "cat "; " cat "
    assert len(buckets("concat") & buckets("cat")) == 3  # "cat", "at ", "cat "
    assert len(buckets("cater") & buckets("cat")) == 3  # "cat", " ca", " cat"


def test_endings_and_mistyped_words_share_most_of_their_pieces() -> None:
    for one, other in (("delivery", "deliverys"), ("rechnung", "rechnungen"), ("refund", "refunnd")):
        assert len(buckets(one) & buckets(other)) >= 5
    assert not buckets("delivery") & buckets("hut")


def test_the_order_of_words_counts_by_their_pairs_alone() -> None:
    ab, ba = buckets("not good"), buckets("good not")
    assert ab != ba
    assert len(ab - ba) == len(ba - ab) == 1


def test_a_word_alone_is_not_its_own_piece() -> None:
    assert len(buckets("lamp")) == 1 + 4 + 3 + 2  # the word beside the piece with the same letters


def test_what_stands_twice_counts_a_little_more() -> None:
    found = features(["late", "late", "parcel"])
    counts = dict(zip(found.ids.tolist(), found.counts.tolist(), strict=True))
    (late, _, parcel), _ = words_and_pairs(["late", "late", "parcel"])
    assert counts[int(late)] == pytest.approx(1 + np.log(2))
    assert counts[int(parcel)] == 1


def test_marks_are_not_read_but_questions_and_shouts_are() -> None:
    words = tokens("well , it ( # ) is late ... really ?!")
    assert [words[place] for place in read_words(words)] == ["well", "it", "#", "is", "late", "really", "?", "!"]
    assert features(["late", ".", "-", "\n\n"]).ids.tolist() == features(["late"]).ids.tolist()


def test_nothing_is_nothing() -> None:
    for words in ([], ["."], ["\n\n", ","]):
        found = features(words)
        assert (found.ids.tolist(), found.counts.tolist()) == ([], [])
        assert [each.tolist() for each in words_and_pairs(words)] == [[], []]


def sound(found: Sparse) -> None:
    assert found.ids.dtype == np.dtype(np.int64) and found.counts.dtype == np.dtype(np.float32)
    assert len(found.ids) == len(found.counts)
    assert (np.diff(found.ids) > 0).all()
    assert ((found.ids >= 0) & (found.ids < BUCKETS)).all()
    assert (found.counts >= 1).all()


@given(TEXTS)
def test_any_text_gives_each_bucket_once_and_in_order(text: str) -> None:
    words = tokens(text.lower())
    sound(features(words))
    singles, pairs = words_and_pairs(words)
    kept = len(read_words(words))
    assert (len(singles), len(pairs)) == (kept, max(0, kept - 1))
    assert {*singles.tolist(), *pairs.tolist()} <= set(features(words).ids.tolist())


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=0x10FFFF), max_size=200))
def test_even_broken_text_has_features(text: str) -> None:
    sound(features(mark("", text).words))


@given(st.lists(st.text("abcäß漢", min_size=1, max_size=8), min_size=1, max_size=30), st.data())
def test_every_word_of_any_text_has_the_bucket_that_it_has_alone(words: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(words) - 1))
    singles, _ = words_and_pairs(words)
    assert singles[place] == words_and_pairs([words[place]])[0][0]
    assert buckets(words[place]) <= set(features(words).ids.tolist())
