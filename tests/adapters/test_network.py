"""The small network that reads answers: it hears the order of words, and cuts any text into pieces that it knows."""

from __future__ import annotations

import pytest

from inboxd.adapters.nlp.learned import ANSWERS, SOLVED, softmax
from inboxd.adapters.nlp.network import MOST_PIECES, Network, network

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
    shares = softmax(of_english().logits(text))
    return float(sum(shares[ANSWERS.index(each)] for each in SOLVED))


@pytest.mark.parametrize(("well", "ill"), PAIRS)
def test_it_tells_a_yes_from_a_no_of_the_same_words(well: str, ill: str) -> None:
    assert solved(well) > 0.5 > solved(ill), f"{solved(well):.2f} for {well!r}, {solved(ill):.2f} for {ill!r}"


def test_an_unknown_word_is_cut_into_the_longest_parts_that_are_known() -> None:
    pieces = {each: place for place, each in enumerate(of_english()._places)}
    assert "thermostat" not in pieces or "thermostatvalve" not in pieces
    cut = [list(of_english()._places)[place] for place in of_english().cut("Unworkingly yes")]
    assert cut[0] == "[CLS]" and cut[-1] == "[SEP]" and cut[-2] == "yes"
    assert "".join(part.removeprefix("##") for part in cut[1:-2]) == "unworkingly"


def test_accents_and_capitals_change_nothing() -> None:
    assert of_english().cut("Café RÉSUMÉ") == of_english().cut("cafe resume")


def test_the_mark_of_a_phone_is_an_apostrophe() -> None:
    assert of_english().cut("It doesn’t work") == of_english().cut("it doesn't work")


ANY = {"empty": "", "space": " \n", "emoji": "😀", "surrogate": "\ud800", "word": "a" * 5000, "kanji": "日本語", "long": "yes " * 20_000}


@pytest.mark.parametrize("text", ANY.values(), ids=ANY.keys())
def test_any_text_is_read_with_a_bounded_number_of_pieces(text: str) -> None:
    assert 2 <= len(of_english().cut(text)) <= MOST_PIECES
    assert of_english().logits(text).shape == (len(ANSWERS),)


def test_a_language_without_a_network_does_without() -> None:
    assert network("de") is None
