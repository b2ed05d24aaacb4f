"""The small network that reads answers: it hears the order of words, and cuts any text into pieces that it knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inboxd.adapters.nlp.learned import ANSWERS, SOLVED, softmax
from inboxd.adapters.nlp.lexicon import load
from inboxd.adapters.nlp.network import Network, network
from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core.model import Answer, ToRead
from inboxd.errors import ConfigError

PAIRS = (  # the same words, or nearly, and the contrary
    ("The tap stopped leaking.", "The tap stopped working."),
    ("The leak is gone.", "The leak is back."),
    ("It is not broken any more, it works.", "It is broken, it does not work any more."),
    ("Before it was broken, now it works.", "Before it worked, now it is broken."),
    ("The parcel came, and nothing was missing.", "Nothing came, the parcel was missing."),
    ("No more errors since your update.", "More errors since your update, no."),
)


def of_english() -> Network:
    found = network("en")
    assert found is not None
    return found


def solved(text: str) -> float:
    (logits,) = of_english().read(text)
    shares = softmax(logits)
    return float(sum(shares[ANSWERS.index(each)] for each in SOLVED))


@pytest.mark.parametrize(("well", "ill"), PAIRS)
def test_it_tells_a_yes_from_a_no_of_the_same_words(well: str, ill: str) -> None:
    assert solved(well) > 0.5 > solved(ill), f"{solved(well):.2f} for {well!r}, {solved(ill):.2f} for {ill!r}"


def test_an_unknown_word_is_cut_into_the_longest_parts_that_are_known() -> None:
    cut = [list(of_english()._places)[place] for place in of_english().cut("Unworkingly yes")]
    assert cut[-1] == "yes"
    assert "".join(part.removeprefix("##") for part in cut[:-1]) == "unworkingly"


def test_accents_and_capitals_change_nothing() -> None:
    assert of_english().cut("Café RÉSUMÉ") == of_english().cut("cafe resume")


@pytest.mark.parametrize("mark", "’‘ʼʹˈ′＇")
def test_what_looks_like_an_apostrophe_is_one(mark: str) -> None:
    assert of_english().cut(f"It doesn{mark}t work") == of_english().cut("it doesn't work")


@pytest.mark.parametrize("word", ["n\u00adot", "no\u200bt", "ｎｏｔ", "𝗻𝗼𝘁"])
def test_letters_that_are_not_seen_or_only_look_like_others_hide_nothing(word: str) -> None:
    assert of_english().cut(f"It is {word} fixed") == of_english().cut("it is not fixed")


MISSPELT = ["dosnt", "doesent", "dosent", "is'nt", "insnt", "aint", "havnt", "hasent", "has'nt", "was'nt", "canot", "nto", "nit", "dident"]


@pytest.mark.parametrize("word", MISSPELT)
def test_a_misspelt_not_is_no_yes(word: str) -> None:
    assert of_english().may_hide_a_no(f"The thing {word} working", load("en").negators), word


@pytest.mark.parametrize("text", ["It isn't working.", "The note is hot, and Ned cannot notice it.", "Thanks, Benoît. Works, doesn’t it!"])
def test_words_that_it_knows_hide_no_no(text: str) -> None:
    assert not of_english().may_hide_a_no(text, load("en").negators)


ANY = {"empty": "", "space": " \n", "emoji": "😀", "surrogate": "\ud800", "word": "a" * 5000, "kanji": "日本語", "long": "yes " * 20_000}


@pytest.mark.parametrize("text", ANY.values(), ids=ANY.keys())
def test_any_text_is_read_in_at_most_three_parts(text: str) -> None:
    read = of_english().read(text)
    assert 1 <= len(read) <= 3
    assert all(each.shape == (len(ANSWERS),) and np.isfinite(each).all() for each in read)


@pytest.mark.parametrize("last", ["Since last night everything is cold again.", "PS: Just now it crashed and the orders are gone."])
def test_the_end_of_a_long_answer_is_read_too(last: str) -> None:
    thanks = "Thank you so much, the heating works again, the room is warm and my mother is happy about your man. " * 6
    reader = SpacyReader()
    said, of_thanks = reader.read([ToRead(subject="", new_text=thanks + last), ToRead(subject="", new_text=thanks)])
    assert of_thanks.answer is Answer.SATISFIED
    assert said.answer not in SOLVED or said.answer_sure < 0.8


RESERVED = (
    "It works, sort of.", "yeah right", "All sorted bar the refund.", "works most of the time", "Works great 🙄", "It works now and again.",
    "It works for an hour.", "Solved, they said.", "All fine apart from the screen.",
)  # fmt: skip


@pytest.mark.parametrize("text", RESERVED)
def test_a_yes_with_a_reserve_is_for_a_person(text: str) -> None:
    (read,) = SpacyReader().read([ToRead(subject="", new_text=text)])
    assert read.answer not in SOLVED or read.answer_sure < 0.8


STAYS_AWAY = (
    "It hasn't happened again since.", "No trouble since.", "It's been fine since Tuesday.", "The fault has not come up again since.",
    "Das Problem besteht nicht mehr.",
)  # fmt: skip


@pytest.mark.parametrize("text", STAYS_AWAY)
def test_trouble_that_stays_away_is_no_no(text: str) -> None:
    (read,) = SpacyReader().read([ToRead(subject="", new_text=text)])
    assert read.answer is not Answer.DISSATISFIED


def test_a_broken_network_is_told_when_the_model_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "en" / "answers.npz"
    broken.parent.mkdir()
    broken.write_bytes(b"PK\x03\x04 cut short")
    monkeypatch.setattr("inboxd.adapters.nlp.network.DATA", tmp_path)
    network.cache_clear()
    with pytest.raises(ConfigError, match=r"answers\.npz: cannot be loaded .*; install inboxd anew"):
        SpacyReader()
    network.cache_clear()


def test_what_another_language_says_in_few_words_is_not_read_as_english() -> None:
    reader = SpacyReader()
    read = reader.read([ToRead(subject="", new_text=text) for text in ("pas encore", "zelfde probleem", "ikke ennå", "pas résolu")])
    assert not [one for one in read if one.answer in SOLVED and one.answer_sure >= 0.8]


def test_a_language_without_a_network_does_without() -> None:
    assert network("de") is None
