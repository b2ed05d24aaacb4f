"""Learning from labelled texts: the same texts give the same weights, and what nobody labelled teaches nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from spacy.language import Language

from inboxd.adapters.nlp import training
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.evaluate import average_precision, calibration_error, examples_of, measure
from inboxd.adapters.nlp.features import Columns, Floats, features, words_and_pairs
from inboxd.adapters.nlp.learned import (
    ABOUT,
    HEADS,
    PHRASES,
    SOLVED,
    TRUST,
    WEIGHTS,
    BesideAnswer,
    Weights,
    answer,
    heads_of,
    shares_of,
)
from inboxd.adapters.nlp.learning import WEIGHT, Corrected, Model, examples
from inboxd.adapters.nlp.make import save
from inboxd.adapters.nlp.marked import Marked
from inboxd.adapters.nlp.pipeline import build, learn, load_from, read_marked, weights_of
from inboxd.adapters.nlp.rows import filled, rows_of
from inboxd.adapters.nlp.training import minimise, train
from inboxd.core.model import Answer, Sentiment
from inboxd.errors import ConfigError

LANGUAGES = ("en", "de")
TOPICS = ("hives", "kettles")
HIVES = ("hive", "queen", "swarm", "comb", "drone", "smoker")
KETTLES = ("kettle", "spout", "lid", "handle", "whistle", "boiler")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Sunday")
FURIOUS = "glomping"  # a word of no lexicon


@pytest.fixture(scope="module")
def plain() -> Language:
    """Phrases and lexicon alone."""
    return build(LANGUAGES)


def tiny() -> list[Example]:
    """36 texts about hives and kettles, mails and bare texts; a third is upset and says so in a word of no lexicon."""
    found = []
    for topic, things in zip(TOPICS, (HIVES, KETTLES), strict=True):
        for number, (thing, day) in enumerate(zip(things, DAYS, strict=True)):
            calm = f"the {thing} came on {day} and I set it up beside the window"
            upset = f"the {FURIOUS} {thing} came on {day} and so did your {FURIOUS} note"
            glad = f"the {thing} came on {day} and the whole street gawps zestily"
            for text, felt in ((calm, Sentiment.NEUTRAL), (upset, Sentiment.UPSET), (glad, Sentiment.HAPPY)):
                is_mail = number % 2 == 0
                found.append(
                    Example(
                        subject=f"About the {thing}" if is_mail else "", text=f"Hello, {text}. Regards, Ann" if is_mail else f"{text}.",
                        topics=(topic,), sentiment=felt, urgent=thing in ("queen", "spout"), sensitive=thing in ("drone", "boiler"),
                    )
                )  # fmt: skip
    return found


ANSWERS = [
    AnswerExample(text=f"{words} {day}", answer=said)
    for day in DAYS
    for words, said in (
        ("plorks nicely since", Answer.SATISFIED),
        ("squibs still on", Answer.DISSATISFIED),
        ("perhaps one knows by", Answer.UNCLEAR),
    )
]


def fitted(plain: Language, mails: Sequence[Example], like: Weights | None = None, topics: Sequence[str] = TOPICS) -> Weights:
    about = {"version": 1, "date": "2026-11-16", "corrections": 0}
    return train(mails, ANSWERS, topics, lambda subject, text: read_marked(plain, subject, text), about, like)


@pytest.fixture(scope="module")
def weights(plain: Language) -> Weights:
    return fitted(plain, tiny())


def with_weights(weights: Weights) -> Language:
    nlp = build(LANGUAGES)
    learn(nlp, {"en": weights})
    return nlp


@pytest.fixture(scope="module")
def taught(weights: Weights) -> Language:
    return with_weights(weights)


def topic_of(marked: Marked) -> str:
    return marked.topics[0][0]


@pytest.fixture(scope="module")
def mute(weights: Weights) -> Weights:
    """Weights of the right size that say nothing at all."""
    none, level = np.zeros_like(weights.biases), np.ones(len(HEADS), np.float32)
    silent, unsaid = np.zeros_like(weights.matrix), np.zeros_like(weights.answer_matrix)
    return replace(weights, matrix=silent, answer_matrix=unsaid, biases=none, slopes=level, temperature=1.0, answer_temperature=1.0)


def loud(mute: Weights, word: str, name: str = "upset", much: float = 40.0) -> Weights:
    """Weights that know one word, and say one head or one topic for it."""
    (bucket,), _ = words_and_pairs([word])
    columns = Columns(np.array([bucket]), np.ones(1, np.float32), 1.0)
    matrix = np.concatenate([np.zeros_like(mute.matrix[:1]), mute.matrix[len(mute.mails.buckets) :]])
    matrix[0, (*mute.topics, *HEADS).index(name)] = much
    return replace(mute, mails=columns, matrix=matrix)


# --- what is learned -----------------------------------------------------------------------------------------------------


def test_what_was_shown_is_read_in_texts_never_seen(taught: Language, plain: Language) -> None:
    for text, topic in (("A comb and a drone lie in the hive", "hives"), ("My kettle lost its lid and its whistle", "kettles")):
        assert topic_of(read_marked(taught, "", text)) == topic
        assert topic not in dict(read_marked(plain, "", text).topics)


def test_the_same_texts_give_the_same_files(plain: Language, weights: Weights, tmp_path: Path) -> None:
    weights.save(tmp_path / "one")
    fitted(build(LANGUAGES), tiny()).save(tmp_path / "two")
    for name in (WEIGHTS, ABOUT):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    fitted(plain, tiny()[:-1]).save(tmp_path / "three")
    assert (tmp_path / "one" / WEIGHTS).read_bytes() != (tmp_path / "three" / WEIGHTS).read_bytes()


def test_what_is_saved_reads_the_same_when_it_is_loaded(taught: Language, tmp_path: Path) -> None:
    save(taught, tmp_path / "first")
    once = load_from(tmp_path / "first", LANGUAGES, ())
    save(once, tmp_path / "second")
    twice = load_from(tmp_path / "second", LANGUAGES, ())
    for text in ("A comb in the hive, on Monday!", f"Your {FURIOUS} kettle, your {FURIOUS} lid", "plorks nicely since Friday", "..."):
        before, after, again = (read_marked(nlp, "About it", text) for nlp in (taught, once, twice))
        assert [name for name, _ in before.topics] == [name for name, _ in after.topics]
        for one, other in zip(scores(before), scores(after), strict=True):
            assert one == pytest.approx(other, abs=0.02)  # a byte a weight
        assert scores(after) == scores(again)
        assert before.answer is after.answer
        assert [phrase.text for phrase in before.phrases] == [phrase.text for phrase in after.phrases]
    learned = weights_of(once).get("en")
    assert learned is not None and learned.topics == TOPICS
    assert learned.about == {"version": 1, "date": "2026-11-16", "corrections": 0}


def scores(marked: Marked) -> list[float]:
    heads = [marked.upset, marked.unhappy, marked.happy, marked.urgent, marked.sensitive]
    return [*heads, *(share for _, share in marked.topics), marked.answer_sure]


def test_training_and_reading_see_a_text_alike(weights: Weights) -> None:
    for text in ("a comb of unheard-of size", "kettle kettle kettle", "nothing here is known"):
        words = text.split()
        row = filled(weights.mails, [features(words)])[0]
        places, values = weights.mails.vector(words)
        assert row[places] == pytest.approx(values)
        assert np.count_nonzero(row) == len(places)
        assert float(row @ row) <= 1.0001


def test_blocks_of_rows_are_the_rows(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = [features(text.split()) for text in ("a comb", "kettle kettle", "nothing here is known", "", "a kettle")]
    beside = np.arange(10, dtype=np.float32).reshape(5, 2)
    whole = np.concatenate([filled(weights.mails, sparse), beside], axis=1)
    monkeypatch.setattr("inboxd.adapters.nlp.rows.BLOCK", 2)
    rows = rows_of(weights.mails, sparse, beside)
    assert np.array_equal(np.concatenate([dense.copy() for _, dense in rows.blocks()]), whole)
    mask = np.array([True, False, False, True, True])
    matrix = np.random.default_rng(1).normal(size=(rows.width + 1, 3)).astype(np.float32)
    assert rows.part(mask).times(matrix) == pytest.approx(whole[mask] @ matrix[:-1] + matrix[-1], abs=1e-4)


def test_unknown_words_make_known_ones_weigh_less(weights: Weights) -> None:
    alone, among = (weights.mails.vector(words.split())[1].max() for words in ("kettle", "kettle vrumba oxtik jomlu prendip"))
    assert among < alone


def test_a_correction_counts_for_three(plain: Language) -> None:
    text = "The fluxor is here"
    base = [*tiny(), *[Example(subject="", text=text, topics=("kettles",))] * 2]
    mails, answers = examples([Corrected(subject="", text=text, labels={"topic": "hives"})])
    assert (mails[0].weight, answers) == (WEIGHT, []) and WEIGHT == 3
    reads = {}
    for weight in (1.0, WEIGHT):
        nlp = with_weights(fitted(plain, [*base, replace(mails[0], weight=weight)]))
        reads[weight] = topic_of(read_marked(nlp, "", text))
    assert reads == {1.0: "kettles", WEIGHT: "hives"}


def test_a_correction_teaches_only_what_it_says() -> None:
    given = [
        Corrected(subject="Lid", text="a", labels={"topic": "hives", "urgent": "yes"}),
        Corrected(subject="", text="b", labels={"sentiment": "upset", "sensitive": "no"}),
        Corrected(subject="", text="c", labels={"answer": "dissatisfied"}),
        Corrected(subject="", text="d", labels={"answer": "satisfied", "topic": "kettles"}),
    ]
    mails, answers = examples(given)
    assert [(m.subject, m.text, m.topics, m.sentiment, m.urgent, m.sensitive) for m in mails] == [
        ("Lid", "a", ("hives",), None, True, None),
        ("", "b", None, Sentiment.UPSET, None, False),
        ("", "d", ("kettles",), None, None, None),
    ]
    assert sorted((a.text, a.answer) for a in answers) == [("c", Answer.DISSATISFIED)] * 3 + [("d", Answer.SATISFIED)] * 3


def test_a_new_topic_can_be_taught(plain: Language) -> None:
    new = [Example(subject="", text=f"the zither wants strings by {day}", topics=("zithers",)) for day in DAYS]
    nlp = with_weights(fitted(plain, [*tiny(), *new], topics=(*TOPICS, "zithers")))
    assert topic_of(read_marked(nlp, "", "Strings for my zither, please")) == "zithers"
    assert topic_of(read_marked(nlp, "", "A comb for my hive, please")) == "hives"


def test_of_two_topics_the_first_weighs_more(plain: Language) -> None:
    both = [Example(subject="", text=f"the zither wants strings by {day}", topics=("hives", "kettles")) for day in DAYS]
    level = replace(fitted(plain, [*tiny(), *both]), temperature=1.0)
    shares = dict(read_marked(with_weights(level), "", "the zither wants strings by noon").topics)
    assert shares["hives"] > shares["kettles"] > 0.2


def test_a_topic_that_no_rule_knows_any_more_teaches_nothing(plain: Language) -> None:
    gone = [Example(subject="", text=f"the zither wants strings by {day}", topics=("zithers",)) for day in DAYS]
    fit = fitted(plain, [*tiny(), *gone])
    assert fit.topics == TOPICS
    assert weight_of("zither", fit)[: len(TOPICS)] == pytest.approx(0)


def weight_of(word: str, weights: Weights) -> Floats:
    """What was learned of a word itself; fails if it is no column."""
    (bucket,), _ = words_and_pairs([word])
    row = weights.mails.places[bucket]
    assert row >= 0, f"{word!r} is no column"
    found: Floats = weights.matrix[row]
    return found


def test_what_nobody_labelled_teaches_nothing(plain: Language) -> None:
    topic_only = [Example(subject="", text=f"the zither wants strings by {day}", topics=("hives",)) for day in DAYS]
    found = weight_of("zither", fitted(plain, [*tiny(), *topic_only]))
    assert found[TOPICS.index("hives")] > 0.1
    assert found[len(TOPICS) :] == pytest.approx(0)  # not even "calm", not even "not urgent"

    felt_only = [Example(subject="", text=f"the zither wants strings by {day}", sentiment=Sentiment.UPSET) for day in DAYS]
    found = weight_of("zither", fitted(plain, [*tiny(), *felt_only]))
    heads = dict(zip(HEADS, found[len(TOPICS) :].tolist(), strict=True))
    assert heads["upset"] > 0.1 and heads["unhappy"] > 0.1 and heads["happy"] < 0
    assert (heads["urgent"], heads["sensitive"]) == (0, 0)
    assert found[: len(TOPICS)] == pytest.approx(0)


def test_an_unhappy_mail_is_not_an_upset_one(plain: Language) -> None:
    sad = [Example(subject="", text=f"the zither wants strings by {day}", sentiment=Sentiment.UNHAPPY) for day in DAYS]
    heads = dict(zip(HEADS, weight_of("zither", fitted(plain, [*tiny(), *sad]))[len(TOPICS) :].tolist(), strict=True))
    assert heads["unhappy"] > 0.1 > 0 > heads["upset"]


def test_words_that_stand_in_one_text_alone_are_no_columns(plain: Language) -> None:
    once = Example(subject="", text="qwfpgjluy", topics=("hives",))
    fit = fitted(plain, [*tiny(), once])
    (bucket,), _ = words_and_pairs(["qwfpgjluy"])
    assert fit.mails.places[bucket] == -1


# --- fitting -------------------------------------------------------------------------------------------------------------


def test_the_minimum_is_found() -> None:
    target = np.array([[1.0, -2.0], [3.0, 0.5]], np.float32)
    steep = np.array([[1.0, 10.0], [100.0, 0.1]], np.float32)

    def bowl(x: Floats) -> tuple[float, Floats]:
        return float((steep * (x - target) ** 2).sum() / 2) + 1, steep * (x - target)

    assert minimise(bowl, np.zeros_like(target)) == pytest.approx(target, abs=0.01)


def test_the_minimum_is_found_round_a_bend() -> None:
    def banana(x: Floats) -> tuple[float, Floats]:  # Rosenbrock's
        a, b = float(x[0]), float(x[1])
        slope = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)], np.float32)
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2 + 1, slope

    assert minimise(banana, np.array([-1.2, 1.0], np.float32), steps=300) == pytest.approx([1, 1], abs=0.01)


def test_no_more_steps_are_taken_than_allowed() -> None:
    def banana(x: Floats) -> tuple[float, Floats]:
        a, b = float(x[0]), float(x[1])
        slope = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)], np.float32)
        return (1 - a) ** 2 + 100 * (b - a * a) ** 2 + 1, slope

    start = np.array([-1.2, 1.0], np.float32)
    assert minimise(banana, start, steps=0) == pytest.approx(start)
    costs = [banana(minimise(banana, start, steps=steps))[0] for steps in (0, 1, 3, 10)]
    assert costs == sorted(costs, reverse=True) and costs[-1] < costs[0]


# --- calibration ---------------------------------------------------------------------------------------------------------


def test_the_temperature_undoes_too_much_certainty() -> None:
    rights, shown = 70, 100  # of 100 texts that it calls the first topic, 70 are
    targets = np.array([[1, 0]] * rights + [[0, 1]] * (shown - rights), np.float32)
    honest = np.log(rights / (shown - rights))
    for factor in (0.5, 1.0, 3.0):
        logits = np.array([[factor * honest, 0]] * shown, np.float32)
        assert training._temperature(logits, targets) == pytest.approx(factor, rel=0.04)


def test_the_temperature_makes_shares_flatter_and_changes_no_order(weights: Weights) -> None:
    logits = np.array([2.0, 0.5], np.float32)
    cold, warm = (dict(shares_of(logits, {}, replace(weights, temperature=t))) for t in (0.5, 3.0))
    assert cold["hives"] > warm["hives"] > 0.5
    assert sum(cold.values()) == pytest.approx(1) and sum(warm.values()) == pytest.approx(1)
    assert cold["hives"] == pytest.approx(1 / (1 + np.exp(-3.0)), abs=1e-5)


def test_phrases_weigh_beside_what_was_learned(weights: Weights) -> None:
    level = replace(weights, temperature=1.0)
    told = dict(shares_of(np.zeros(2, np.float32), {"kettles": 0.9}, level))
    assert told["kettles"] == pytest.approx(1 / (1 + np.exp(-PHRASES * 0.9)), abs=1e-5)


def test_the_biases_let_no_more_calm_texts_through_than_allowed(plain: Language) -> None:
    texts = training._texts(tiny() * 20, TOPICS, lambda subject, text: read_marked(plain, subject, text))
    held = np.random.default_rng(3).normal(0, 5, (len(texts.kinds), len(HEADS))).astype(np.float32)
    slopes = np.full(len(HEADS), 0.5, np.float32)
    for kind in (0, 1):
        there = texts.kinds == kind
        assert 300 < there.sum() < 420
        biases = training._biases(held[there], texts, slopes, kind)
        said = TRUST[kind] * held[there] + slopes * texts.priors[there] + biases > 0
        for place, head in enumerate(HEADS):
            calm = texts.heads[there, place] == 0
            share = said[calm, place].mean()
            assert training.FALSE_ALARMS[kind][head] - 2 / calm.sum() <= share <= training.FALSE_ALARMS[kind][head] + 2 / calm.sum()


def test_mails_and_bare_texts_have_biases_of_their_own(taught: Language, weights: Weights) -> None:
    mail, bare = (read_marked(taught, subject, "The lid is on its way to you since Monday.") for subject in ("Hello", ""))
    none = np.zeros(len(HEADS), np.float32)
    biases = np.zeros((2, len(HEADS)), np.float32)
    biases[0, HEADS.index("urgent")], biases[1, HEADS.index("urgent")] = 20, -20
    assert heads_of(none, mail, replace(weights, biases=biases))[HEADS.index("urgent")] > 0.99
    assert heads_of(none, bare, replace(weights, biases=biases))[HEADS.index("urgent")] < 0.01


def test_learning_goes_on_from_the_weights_given_with_their_calibration(plain: Language, weights: Weights) -> None:
    told = replace(weights, temperature=1.7, answer_temperature=2.3, biases=np.full((2, len(HEADS)), -1.25, np.float32))
    on = fitted(plain, tiny(), like=told)
    assert (on.temperature, on.answer_temperature) == (1.7, 2.3)
    assert np.array_equal(on.biases, told.biases)
    assert np.abs(on.matrix - weights.matrix).max() < 0.1 * np.abs(weights.matrix).max(), "what nobody corrected hardly moves"
    assert weights.temperature != 1.7 and weights.answer_temperature != 2.3 and not np.array_equal(weights.biases, told.biases)


# --- what weights may say ------------------------------------------------------------------------------------------------


def test_what_nobody_corrected_is_kept_to_the_last_bit(plain: Language, weights: Weights) -> None:
    at_home = [replace(each, place=f"hives.mails:{number}") for number, each in enumerate(tiny())]
    answered = [replace(each, place=f"answers.mails:{number}") for number, each in enumerate(ANSWERS)]
    mail = Example(subject="", text="the smoker came on Monday", topics=("kettles",), weight=WEIGHT)
    said = AnswerExample(text="The smoker is a smoker.", answer=Answer.SATISFIED)
    mark = partial(read_marked, plain)
    by_mail = train([*at_home, mail], answered, TOPICS, mark, {}, weights)
    assert np.array_equal(by_mail.answer_matrix, weights.answer_matrix) and not np.array_equal(by_mail.matrix, weights.matrix)
    by_answer = train(at_home, [*answered, said], TOPICS, mark, {}, weights)
    assert np.array_equal(by_answer.matrix, weights.matrix) and not np.array_equal(by_answer.answer_matrix, weights.answer_matrix)


def test_an_upset_that_only_the_weights_see_shows_the_words_that_said_it(plain: Language, taught: Language) -> None:
    text = f"The GLOMPING lid came on Monday,\nand so did the {FURIOUS.capitalize()} spout."
    assert read_marked(plain, "About the lid", text).upset < 0.5
    marked = read_marked(taught, "About the lid", text)
    assert marked.upset >= 0.5
    learned = [phrase for phrase in marked.phrases if phrase.why == "reads like upset mails"]
    assert 1 <= len(learned) <= 3
    assert all(phrase.text in text for phrase in marked.phrases)
    assert any("GLOMPING" in phrase.text or "Glomping" in phrase.text for phrase in learned)
    assert learned[0].weight == 1 and [p.weight for p in learned] == sorted((p.weight for p in learned), reverse=True)


def test_a_mail_that_is_calm_with_weights_or_upset_without_has_no_phrase_of_theirs(plain: Language, taught: Language) -> None:
    angry = "This is the third time I am writing and nobody answers. It is a disgrace."
    assert read_marked(plain, "", angry).upset >= 0.5
    for text in ("The lid came on Monday and I set it up beside the window.", angry):
        assert not [phrase for phrase in read_marked(taught, "", text).phrases if phrase.why == "reads like upset mails"]


def test_the_subject_of_a_reply_was_written_earlier_and_makes_nobody_upset(mute: Weights) -> None:
    nlp = with_weights(loud(mute, FURIOUS))
    assert read_marked(nlp, f"The {FURIOUS} lid", "It came on Monday.").upset >= 0.5
    assert read_marked(nlp, f"Re: The {FURIOUS} lid", "It came on Monday.").upset < 0.5


def test_admins_phrases_win_over_any_weight(tmp_path: Path, mute: Weights) -> None:
    save(with_weights(loud(mute, "kettle", "kettles", 500.0)), tmp_path)
    nlp = load_from(tmp_path, LANGUAGES, [("wheels", "front axle")])
    assert read_marked(nlp, "", "The kettle has arrived.").topics[0][0] == "kettles"
    name, sure = read_marked(nlp, "", "The kettle has arrived without its front axle.").topics[0]
    assert name == "wheels" and sure == pytest.approx(0.97)


def test_of_an_unknown_language_nothing_is_claimed(plain: Language, mute: Weights) -> None:
    text = "Bonjour, la roue avant de mon vélo est cassée et je ne sais pas quoi faire avec le glomping."
    nlp = with_weights(loud(mute, "glomping"))
    for head in HEADS:
        learn(nlp, {"en": loud(mute, "glomping", head, 500.0)})
        before, after = (read_marked(each, "", text) for each in (plain, nlp))
        assert not after.language_known
        assert scores(before) == scores(after)
        assert (after.answer, after.phrases) == (before.answer, before.phrases)
        assert max(after.upset, after.unhappy, after.happy, after.urgent, after.sensitive) == 0
    english = "Hello, the front wheel of my bike is broken and I do not know what to do about the glomping."
    learn(nlp, {"en": loud(mute, "glomping", "urgent", 500.0)})
    assert read_marked(nlp, "", english).urgent > 0.9


def test_plain_words_of_danger_stand_whatever_was_learned(plain: Language, mute: Weights) -> None:
    text = "The kettle gave my husband an electric shock and he had to go to hospital, our lawyer will write to you."
    before = read_marked(plain, "", text).sensitive
    assert before >= 0.8
    assert read_marked(with_weights(loud(mute, "kettle", "sensitive", -500.0)), "", text).sensitive >= before


def test_no_hurry_stays_no_hurry(mute: Weights) -> None:
    nlp, text = with_weights(loud(mute, "kettle", "urgent", 500.0)), "My kettle leaks a little"
    assert read_marked(nlp, "", f"{text} and I am waiting for your word.").urgent > 0.9
    assert read_marked(nlp, "", f"{text}, it is not urgent.").urgent < 0.5


def test_a_few_words_are_trusted_less_than_many(mute: Weights) -> None:
    nlp = with_weights(loud(mute, "kettle", much=5.0))
    few, many = "My kettle", "My kettle " * 10
    assert read_marked(nlp, "", few).upset < read_marked(nlp, "", many).upset


def test_without_weights_phrases_and_lexicon_speak_alone(plain: Language) -> None:
    assert not weights_of(plain)
    assert read_marked(plain, "", "You charged me twice for invoice 4711.").topics[0][0] == "billing"


def test_an_answer_is_learned_too(plain: Language, taught: Language) -> None:
    for text, said in (("it plorks nicely now", Answer.SATISFIED), ("no, it squibs still", Answer.DISSATISFIED)):
        assert read_marked(taught, "", text).answer is said
    assert read_marked(plain, "", "it plorks nicely now").answer is Answer.UNCLEAR


def test_an_answer_is_read_beside_the_feeling_of_the_lexicon_as_it_was_learned(weights: Weights, mute: Weights) -> None:
    """Read beside the learned feeling, which it never saw in training, a German "Fliesen ... klingen hohl" became a yes."""
    said = []
    for each in (mute, loud(mute, "plorks", "happy", 400.0)):
        told = replace(each, answer_matrix=weights.answer_matrix)
        marked = read_marked(with_weights(told), "", "the thing plorks nicely now by the window")
        said.append((marked.happy, marked.answer, marked.answer_sure))
    assert said[0][0] < 0.5 < said[1][0]
    assert said[0][1:] == said[1][1:]


def test_a_plain_yes_stands_unless_what_was_learned_reads_a_clear_no() -> None:
    for of, said in ((0.4, Answer.SATISFIED), (0.1, Answer.UNCLEAR)):
        assert answer(_solved(of), BesideAnswer(Answer.SATISFIED, 0.9))[0] is said
    assert answer(_solved(0.4), BesideAnswer(Answer.SATISFIED_AND_NEW, 0.9)) == (Answer.SATISFIED_AND_NEW, 0.9)


def _solved(of: float) -> Floats:
    """Shares that give so much to the two kinds of solved, and the rest to dissatisfied."""
    return np.array([of / 2 if each in SOLVED else (1 - of) * (each is Answer.DISSATISFIED) for each in Answer], np.float32)


def test_how_sure_an_answer_is_solved_counts_both_kinds_of_solved() -> None:
    shares = np.array([0.4 if each in SOLVED else 0.1 for each in Answer], np.float32)
    best, sure = answer(shares, BesideAnswer(Answer.UNCLEAR, 0.0))
    assert (best, round(sure, 4)) == (Answer.SATISFIED, 0.8)


def test_where_the_rules_doubt_it_only_the_surest_yes_is_one() -> None:
    less, more = (np.array([of / 2 if each in SOLVED else (1 - of) / 2 for each in Answer], np.float32) for of in (0.8, 0.97))
    assert answer(less, BesideAnswer(Answer.UNCLEAR, 0.0))[0] is Answer.SATISFIED
    assert answer(less, BesideAnswer(Answer.UNCLEAR, 0.5))[0] is Answer.UNCLEAR
    assert answer(less, BesideAnswer(Answer.UNCLEAR, 0.0, asks=True))[0] is Answer.UNCLEAR
    assert answer(more, BesideAnswer(Answer.UNCLEAR, 0.5))[0] is Answer.SATISFIED


def test_less_sure_than_is_asked_is_no_yes() -> None:
    assert answer(_solved(0.84), BesideAnswer(Answer.UNCLEAR, 0.0, least=0.85))[0] is Answer.UNCLEAR
    assert answer(_solved(0.86), BesideAnswer(Answer.UNCLEAR, 0.0, least=0.85))[0] is Answer.SATISFIED


def test_a_plain_no_is_never_taken_for_a_yes() -> None:
    for of, said in ((0.4, Answer.DISSATISFIED), (0.99, Answer.UNCLEAR)):
        assert answer(_solved(of), BesideAnswer(Answer.DISSATISFIED, 0.9))[0] is said


def test_where_the_rules_read_some_yes_and_the_rest_a_no_a_person_reads_it() -> None:
    assert answer(_solved(0.1), BesideAnswer(Answer.SATISFIED, 0.6))[0] is Answer.UNCLEAR
    assert answer(_solved(0.1), BesideAnswer(Answer.UNCLEAR, 0.0))[0] is Answer.DISSATISFIED


# --- measuring -----------------------------------------------------------------------------------------------------------


def test_quoted_text_never_counts(mute: Weights) -> None:
    nlp = with_weights(loud(mute, FURIOUS, much=500.0))
    quoted = f"Thank you, the lid fits.\n\nOn Mon, 16 Nov 2026 at 09:00, Tom <tom@acme.example> wrote:\n> your {FURIOUS} mail\n> kettle\n"
    rows = [Example(subject="", text=quoted, sentiment=Sentiment.NEUTRAL, topics=("hives",))]
    rows.append(Example(subject="", text=f"Your {FURIOUS} lid fits nobody.", sentiment=Sentiment.UPSET, topics=("hives",)))
    figures = measure(nlp, rows).figures
    assert (figures["upset.false_alarms"], figures["upset.recall"], figures["upset.precision"]) == (0, 1, 1)
    unquoted = [replace(rows[0], text=quoted.replace("> ", "")), rows[1]]
    unquoted[0] = replace(unquoted[0], text=unquoted[0].text.replace("On Mon, 16 Nov 2026 at 09:00, Tom <tom@acme.example> wrote:", ""))
    assert measure(nlp, unquoted).figures["upset.false_alarms"] == 1


def test_what_nobody_labelled_is_not_measured(taught: Language) -> None:
    assert measure(taught, [Example(subject="", text="A comb in the hive")]).figures == {}
    found = measure(taught, [Example(subject="", text="A comb in the hive", topics=("hives",))])
    assert {name.partition(".")[0] for name in found.figures} == {"topic"}
    answers = measure(taught, [], [AnswerExample(text="it plorks nicely now", answer=Answer.SATISFIED)]).figures
    assert {name.partition(".")[0] for name in answers} == {"answer"}


def test_topics_are_counted_by_label_and_by_what_was_taken_for_what(taught: Language) -> None:
    rows = [
        Example(subject="", text="A comb and a drone in the hive, a queen in the swarm", topics=("hives",)),
        Example(subject="", text="The kettle has no lid and no spout", topics=("kettles",)),
        Example(subject="", text="The boiler lost its whistle and its handle", topics=("hives",)),
        Example(subject="", text="The whistle of the kettle, and its handle", topics=("hives", "kettles")),  # the second is right as well
    ]
    found = measure(taught, rows)
    assert found.figures["topic.accuracy"] == 0.75
    assert found.figures["topic.hives.precision"] == 1
    assert found.figures["topic.hives.recall"] == pytest.approx(1 / 3)
    assert found.figures["topic.kettles.precision"] == pytest.approx(2 / 3)
    assert found.confusion == {"hives": {"hives": 1, "kettles": 2}, "kettles": {"kettles": 1}}
    (wrong,) = [each for each in found.worst if each["what"] == "topic"]
    assert (wrong["said"], wrong["is"]) == ("kettles", "hives") and wrong["text"].startswith("The boiler")
    words = found.in_words()
    assert "topic.accuracy" in words and "hives -> kettles" in words and "The boiler lost its whistle" in words


def test_a_dissatisfied_answer_read_as_a_satisfied_one_is_counted_and_shown_first(taught: Language) -> None:
    rows = [
        AnswerExample(text="Yes, it works perfectly now, thank you!", answer=Answer.DISSATISFIED),
        AnswerExample(text="no, it squibs still", answer=Answer.SATISFIED),
        AnswerExample(text="Yes, it works perfectly now, thanks!", answer=Answer.SATISFIED),
    ]
    found = measure(taught, [], rows)
    assert found.figures["answer.dissatisfied_read_as_satisfied"] == 1
    assert found.figures["answer.right"] == pytest.approx(1 / 3)
    assert (found.worst[0]["is"], found.worst[0]["said"]) == ("dissatisfied", "satisfied")


def test_certainty_that_is_right_as_often_as_it_says_has_no_error() -> None:
    assert calibration_error([0.75] * 4, [True, True, True, False]) == 0
    assert calibration_error([1.0] * 4, [True, True, True, False]) == 0.25
    assert calibration_error([0.9, 0.1], [False, True]) == pytest.approx(0.9)


def test_average_precision_is_one_where_all_marked_come_first() -> None:
    assert average_precision([(0.9, True), (0.8, True), (0.1, False)]) == 1
    assert average_precision([(0.9, False), (0.8, True)]) == 0.5
    assert average_precision([(0.9, False)]) == 0


def test_rows_of_a_file_become_examples_and_all_wrong_ones_are_told() -> None:
    one, two, three = examples_of(
        [{"text": "a", "topic": "bug", "upset": True}, {"text": "b", "upset": False}, {"text": "c", "subject": "s"}]
    )
    assert (one.topics, one.sentiment) == (("bug",), Sentiment.UPSET)
    assert (two.topics, two.sentiment) == (None, Sentiment.NEUTRAL)
    assert (three.subject, three.sentiment) == ("s", None)
    with pytest.raises(ConfigError) as caught:
        examples_of([{"text": 4}, {"text": "fine"}, {"topic": "bug"}])
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == ["row 1", "row 3"]


def test_a_model_answers_in_the_words_of_corrections(taught: Language) -> None:
    model = Model(taught)
    said = model.says("About the lid", f"Hello, the {FURIOUS} lid came on Monday and so did your {FURIOUS} note. Regards, Ann")
    assert (said["topic"], said["sentiment"]) == ("kettles", "upset")
    assert set(said) == {"topic", "sentiment", "answer", "urgent", "sensitive"}
    wrong = "no" if model.says("", "A comb in the hive")["urgent"] == "yes" else "yes"
    given = [
        Corrected(subject="", text="A comb in the hive", labels={"topic": "hives", "urgent": wrong}),
        Corrected(subject="", text="it plorks nicely now", labels={"answer": "satisfied"}),
    ]
    assert model.right(given) == pytest.approx(2 / 3)
    assert model.right([]) == 0
