"""The hidden layer of what was learned: it reads what words mean together, is kept small, and corrections leave it as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spacy.language import Language

from inboxd.adapters.nlp import hidden, training
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.features import Floats
from inboxd.adapters.nlp.hidden import Hidden
from inboxd.adapters.nlp.learned import AS_A_WHOLE, BARE, DOUBTED, HEADS, MISSPELT, NEVER, OVERRULES, WEIGHTS, BesideAnswer, Weights, answer
from inboxd.adapters.nlp.nibbles import MOST, packed, unpacked
from inboxd.adapters.nlp.pipeline import build, learn, read_marked
from inboxd.adapters.nlp.rows import rows_of
from inboxd.adapters.nlp.training import train
from inboxd.core.model import Answer, Sentiment

TOPICS = ("hives", "kettles")
FILLERS = ("lorry", "window", "garden", "table", "pencil", "bottle", "carpet", "mirror")
CALM: dict[str, Any] = {"sentiment": Sentiment.NEUTRAL, "urgent": False, "sensitive": False}
SAID = [AnswerExample(text=f"{each} works", answer=said) for each, said in zip(FILLERS, [*Answer, *Answer], strict=True)]
FURIOUS = "glomping"  # a word of no lexicon


@pytest.fixture(scope="module")
def plain() -> Language:
    """Phrases and lexicon alone."""
    return build(("en",))


def crossed() -> list[Example]:
    """Texts whose topic no word tells alone: a hive of straw and a kettle of steel are hives, the other two are kettles."""
    found = []
    for thing, of, topic in (
        ("wickle", "strobe", 0),
        ("wickle", "plinth", 1),
        ("dorrin", "strobe", 1),
        ("dorrin", "plinth", 0),
    ):
        for one in FILLERS:
            for other in FILLERS:
                text = f"Hello, the {thing} by the {one} and {other} is of {of}. Regards, Ann"
                found.append(Example(subject="About it", text=text, topics=(TOPICS[topic],), **CALM))
    furious = [replace(each, text=each.text.replace("by the", f"by the {FURIOUS}"), sentiment=Sentiment.UPSET) for each in found]
    mails = [*found, *furious[::3]]
    return [*mails, *(replace(each, subject="", text=each.text[7:-13]) for each in mails)]  # and bare texts


def fitted(plain: Language, mails: Sequence[Example], like: Weights | None = None, topics: Sequence[str] = TOPICS) -> Weights:
    return train(mails, SAID, topics, lambda subject, text: read_marked(plain, subject, text), {}, like)


@pytest.fixture(scope="module")
def weights(plain: Language) -> Weights:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "A_CORPUS", 100)
        patch.setattr(hidden, "ROUNDS", 20)  # these are few texts
        return fitted(plain, crossed())


def layer(weights: Weights) -> Hidden:
    assert weights.hidden is not None
    return weights.hidden


def reading(weights: Weights) -> Language:
    nlp = build(("en",))
    learn(nlp, {"en": weights})
    return nlp


def topic(weights: Weights, text: str) -> str:
    return read_marked(reading(weights), "About it", f"Hello, {text}. Regards, Ann").topics[0][0]


UNSEEN = (
    ("the wickle by the ladder is of strobe", "hives"),
    ("the wickle by the ladder is of plinth", "kettles"),
    ("the dorrin by the ladder is of strobe", "kettles"),
    ("the dorrin by the ladder is of plinth", "hives"),
)


def test_what_words_mean_together_is_read(weights: Weights) -> None:
    assert [topic(weights, text) for text, _ in UNSEEN] == [told for _, told in UNSEEN]


def test_words_that_mean_something_only_together_are_beyond_linear_weights(plain: Language) -> None:
    few = fitted(plain, crossed()[: training.A_CORPUS - 1])
    assert few.hidden is None
    assert [topic(few, text) for text, _ in UNSEEN] != [told for _, told in UNSEEN]


def test_the_same_texts_give_the_same_layer(plain: Language, weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "A_CORPUS", 100)
    monkeypatch.setattr(hidden, "ROUNDS", 20)
    again = layer(fitted(plain, crossed()))
    assert np.array_equal(again.inner, layer(weights).inner) and np.array_equal(again.outer, layer(weights).outer)


def test_a_layer_of_four_bits_reads_as_before(weights: Weights, tmp_path: Path) -> None:
    weights.save(tmp_path)
    loaded = Weights.load(tmp_path)
    steps = layer(loaded).inner[:-1] / layer(loaded).step
    assert np.abs(steps - np.rint(steps)).max() < 1e-3 and np.abs(steps).max() <= MOST + 1e-3
    for text, told in UNSEEN:
        assert topic(loaded, text) == told
    loaded.save(tmp_path / "again")
    assert (tmp_path / WEIGHTS).read_bytes() == (tmp_path / "again" / WEIGHTS).read_bytes(), "kept as it is, however often"


def test_one_text_and_many_are_read_alike(plain: Language, weights: Weights) -> None:
    mails = crossed()[:5]
    texts = training._texts(mails, TOPICS, lambda subject, text: read_marked(plain, subject, text))
    many = layer(weights).times(rows_of(weights.mails, texts.sparse, texts.vectors))
    for row, mail in zip(many, mails, strict=True):
        marked = read_marked(plain, mail.subject, mail.text)
        assert weights.of_mail(marked.words[marked.fresh :]) == pytest.approx(row, abs=1e-3)


def test_corrections_leave_the_layer_as_it_is(plain: Language, weights: Weights) -> None:
    new = [Example(subject="", text=f"zither wants strings {day}", topics=("hives",), weight=3.0) for day in FILLERS]
    on = fitted(plain, [*crossed(), *new], like=weights)
    assert len(on.mails.buckets) > len(weights.mails.buckets), "the new words have columns"
    rows = on.mails.places[weights.mails.buckets]
    assert np.array_equal(layer(on).inner[rows], layer(weights).inner[: len(rows)])
    assert np.array_equal(layer(on).outer, layer(weights).outer)
    assert topic(on, "zither strings please") == "hives"
    assert [topic(on, text) for text, _ in UNSEEN] == [told for _, told in UNSEEN]


def test_a_new_topic_is_taught_beside_the_layer(plain: Language, weights: Weights) -> None:
    new = [Example(subject="", text=f"zither wants strings {day}", topics=("zithers",), weight=3.0) for day in FILLERS]
    on = fitted(plain, [*crossed(), *new], like=weights, topics=("zithers", *TOPICS))
    assert topic(on, "zither strings please") == "zithers"
    assert [topic(on, text) for text, _ in UNSEEN] == [told for _, told in UNSEEN]


def test_a_topic_that_is_gone_leaves_the_others_as_they_were(weights: Weights) -> None:
    words = "the wickle by the ladder is of plinth".split()  # noqa: SIM905  words are read more easily so
    matrix, moved = training._begin(weights, weights.mails, ("kettles",))
    fewer = replace(weights, topics=("kettles",), matrix=matrix, hidden=moved)
    assert fewer.of_mail(words) == pytest.approx(weights.of_mail(words)[1:], abs=1e-4)


def test_an_upset_that_the_layer_hears_shows_the_words_that_made_it(weights: Weights) -> None:
    marked = read_marked(reading(weights), "About it", f"Hello, the {FURIOUS} wickle is of strobe by the {FURIOUS} garden. Regards, Ann")
    assert marked.upset >= 0.5
    assert any(FURIOUS in phrase.text for phrase in marked.phrases)


def test_the_words_of_a_text_make_its_logit(weights: Weights) -> None:
    words = f"the {FURIOUS} wickle by the garden".split()
    places, values = weights.mails.vector(words)
    column = len(TOPICS) + HEADS.index("upset")
    near: Floats = np.zeros(len(weights.matrix) - 1 - len(weights.mails.buckets), np.float32)
    units = layer(weights).units(places, values, near)
    bias = layer(weights).inner[-1] * (units > 0) @ layer(weights).outer[:-1, column] + layer(weights).outer[-1, column]
    told = values @ layer(weights).of_word(len(weights.mails.buckets), units, column)[places]
    assert told + bias == pytest.approx(layer(weights).says(units)[column], abs=1e-3)


def test_two_weights_of_four_bits_fit_in_a_byte() -> None:
    numbers = np.random.default_rng(1).integers(-MOST, MOST + 1, (9, 8)).astype(np.int8)
    assert packed(numbers).shape == (9, 4)
    assert np.array_equal(unpacked(packed(numbers)), numbers)


def test_in_a_bare_text_the_layer_counts_less_for_topics_and_as_much_for_feeling(weights: Weights) -> None:
    words = f"the {FURIOUS} wickle by the garden is of strobe".split()
    count = len(TOPICS)
    mail, bare = weights.of_mail(words), weights.of_mail(words, bare=True)
    assert np.abs(mail[:count]).max() > 0.5
    assert bare[:count] == pytest.approx(BARE * mail[:count], abs=1e-4)  # the linear weights of a corpus are none
    assert np.array_equal(bare[count:], mail[count:])


def shares(solved: float) -> Floats:
    """An answer that is solved by this much, else a no."""
    return np.array([{Answer.SATISFIED: solved, Answer.DISSATISFIED: 1 - solved}.get(each, 0.0) for each in Answer], np.float32)


def test_only_a_network_that_is_very_sure_overrules_a_plain_no_of_the_rules() -> None:
    said = [
        answer(shares(solved), BesideAnswer(Answer.DISSATISFIED, 0.9, least=AS_A_WHOLE, as_a_whole=True))[0]
        for solved in (0.4, OVERRULES - 0.01, OVERRULES + 0.01)
    ]
    assert said == [Answer.DISSATISFIED, Answer.UNCLEAR, Answer.SATISFIED]
    assert answer(shares(0.999), BesideAnswer(Answer.DISSATISFIED, 0.9))[0] is Answer.UNCLEAR, "weights on words never do"
    assert answer(shares(0.96), BesideAnswer(Answer.DISSATISFIED, 0.9, least=MISSPELT, as_a_whole=True))[0] is Answer.UNCLEAR
    assert answer(shares(0.999), BesideAnswer(Answer.DISSATISFIED, 0.9, least=NEVER, as_a_whole=True))[0] is Answer.UNCLEAR


def test_a_not_that_only_says_that_nothing_is_known_yet_is_no_no() -> None:
    for of, said in ((0.8, Answer.UNCLEAR), (0.6, Answer.DISSATISFIED)):  # "Not tried yet."
        undecided = {Answer.UNCLEAR: of, Answer.DISSATISFIED: 1 - of}
        shares = np.array([undecided.get(each, 0.0) for each in Answer], np.float32)
        assert answer(shares, BesideAnswer(Answer.DISSATISFIED, 0.9))[0] is said
        assert answer(shares, BesideAnswer(Answer.DISSATISFIED, 0.9, says_no=True))[0] is Answer.DISSATISFIED  # "Not yet. ..."


@pytest.mark.parametrize("beside", [BesideAnswer(Answer.UNCLEAR, 0.5), BesideAnswer(Answer.UNCLEAR, 0.0, asks=True)])
def test_a_doubted_yes_needs_weights_on_words_or_a_network_that_are_sure(beside: BesideAnswer) -> None:
    as_a_whole = replace(beside, least=AS_A_WHOLE, as_a_whole=True)
    for least, each in ((DOUBTED, beside), (AS_A_WHOLE, as_a_whole)):
        assert answer(shares(least - 0.01), each)[0] is Answer.UNCLEAR
        assert answer(shares(least + 0.01), each)[0] is Answer.SATISFIED
