"""How fast the reader learns: corrections, few examples, own topics from phrases, reproducibility: `python -m bench learning`."""

from __future__ import annotations

import json
import random  # noqa: TID251  # draws examples, from a fixed seed
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from bench import Figure
from bench.reading import TOPICS, rows_of
from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.corpus import Example
from inboxd.adapters.nlp.evaluate import average_precision, calibration_error
from inboxd.adapters.nlp.features import Columns, Floats, features
from inboxd.adapters.nlp.learned import softmax
from inboxd.adapters.nlp.learning import WEIGHT
from inboxd.adapters.nlp.make import LANGUAGES, fit
from inboxd.adapters.nlp.marked import mark
from inboxd.adapters.nlp.pipeline import build, learn, read_marked, weights_of
from inboxd.adapters.nlp.reader import SHIPPED, load_model
from inboxd.adapters.nlp.rows import filled as fill_columns
from inboxd.adapters.nlp.training import SHRINK, _columns, minimise, train
from inboxd.adapters.nlp.vectors import vectors
from inboxd.core import rulebook

A_TOPIC = 20
FEW = (10, 30, 0)  # examples a class; 0: all


def figures(shared: Path) -> dict[str, Figure]:
    """Measure all; sets that are absent are left out, and said so."""
    found = _made_twice()
    corpora = shared / "corpora/nlp-dev"
    if not corpora.is_dir():
        print(f"  skipped: there are no texts at {corpora}")
        return found
    for name in ("bitext", "banking77"):
        found |= _corrected(name, [row for row in rows_of(corpora / f"{name}.jsonl") if row.get("topic")])
    banking = rows_of(corpora / "banking77.jsonl")
    for few in FEW:
        found[f"banking77_intents_{few or 'all'}"] = Figure(_few(banking, few), "right")
    for phrases in (5, 10):
        found[f"own_topic_{phrases}_phrases"] = Figure(_own_topic(banking, phrases), "AP")
    return found


def _base() -> tuple[list[Example], list[corpus.AnswerExample]]:
    return corpus.mails("en"), corpus.answers("answers/en")


def _made_twice() -> dict[str, Figure]:
    """Learn on from the shipped model twice, as `inboxd train` does: seconds, and whether both are the same to the last bit."""
    shipped = weights_of(load_model(SHIPPED, LANGUAGES, ()))
    begun = perf_counter()
    corrected = [Example(subject="Kettle", text="my kettle is odd", topics=("billing",), weight=3.0)]  # in the larger language
    made = [weights_of(fit("2026-01-01", corrected, like=shipped)) for _ in range(2)]
    seconds = (perf_counter() - begun) / 2
    same = all(
        np.array_equal(getattr(made[0][language], name), getattr(made[1][language], name))
        for language in LANGUAGES
        for name in ("matrix", "answer_matrix", "biases")
    )
    return {"retraining": Figure(seconds, "s", 30.0), "two_trainings_are_the_same": Figure(float(same))}


def _corrected(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """Topics of texts of another trade after 20 corrections a topic, measured on the rest."""
    chance = random.Random(1)
    by_topic: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_topic[TOPICS.get(row["topic"], row["topic"])].append(row["text"])
    taught, rest = [], []
    for topic, texts in sorted(by_topic.items()):
        chance.shuffle(texts)
        taught += [Example(subject="", text=text, topics=(topic,), weight=WEIGHT) for text in texts[:A_TOPIC]]
        rest += [(text, topic) for text in texts[A_TOPIC:]]
    mails, answers = _base()
    nlp, shipped = build(LANGUAGES), weights_of(load_model(SHIPPED, LANGUAGES, ()))["en"]
    learned = train([*mails, *taught], answers, rulebook.TOPICS, lambda subject, text: read_marked(nlp, subject, text), {}, shipped)
    learn(nlp, {"en": learned})
    rest = chance.sample(rest, 1500)
    with nlp.memory_zone():
        read = [read_marked(nlp, "", text, reply=False).topics[0] for text, _ in rest]
    right = [topic == told for (topic, _), (_, told) in zip(read, rest, strict=True)]
    return {
        f"{name}_after_20_corrections": Figure(sum(right) / len(right), "right"),
        f"{name}_calibration_error": Figure(calibration_error([share for _, share in read], right)),
    }


def _few(rows: Sequence[dict[str, Any]], few: int) -> float:
    """77 intents from a few examples each, tested on the set's own test part."""
    chance = random.Random(2)
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["split"] == "train":
            by_label[row["label"]].append(row["text"])
    labels = sorted(by_label)
    learned = [(text, label) for label in labels for text in (chance.sample(by_label[label], few) if few else by_label[label])]
    tested = [(row["text"], row["label"]) for row in rows if row["split"] == "test"]
    scores = _scores([text for text, _ in learned], [labels.index(label) for _, label in learned], len(labels), [t for t, _ in tested])
    return float(np.mean([labels[place] == label for place, (_, label) in zip(scores.argmax(1), tested, strict=True)]))


def _scores(texts: Sequence[str], told: Sequence[int], count: int, asked: Sequence[str]) -> Floats:
    sparse = [features(mark("", text).words) for text in texts]
    targets = np.zeros((len(texts), count), np.float32)
    targets[np.arange(len(texts)), told] = 1
    columns = _columns(sparse, targets, np.ones(len(texts), np.float32), 12_000)
    filled = _filled(columns, texts)

    def cost(matrix: Floats) -> tuple[float, Floats]:
        shares = softmax(filled @ matrix[:-1] + matrix[-1])
        wrong = shares - targets
        slope = np.concatenate([filled.T @ wrong + SHRINK * matrix[:-1], wrong.sum(0, keepdims=True)])
        return float(-(targets * np.log(shares + 1e-9)).sum() + SHRINK / 2 * (matrix[:-1] ** 2).sum()), slope

    matrix = minimise(cost, np.zeros((filled.shape[1] + 1, count), np.float32), steps=40)
    found: Floats = _filled(columns, asked) @ matrix[:-1] + matrix[-1]
    return found


def _filled(columns: Columns, texts: Sequence[str]) -> Floats:
    words = [mark("", text).words for text in texts]
    pointing = np.stack([vectors().of(each) for each in words])
    return np.concatenate([fill_columns(columns, [features(each) for each in words]), pointing], axis=1)


def _own_topic(rows: Sequence[dict[str, Any]], phrases: int) -> float:
    """Mean average precision over 77 topics, each known by its name and a few phrases alone, among all test texts."""
    from inboxd.adapters.nlp.own_topics import OwnTopics

    chance = random.Random(3)
    by_label: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row["split"] == "train":
            by_label[row["label"]].append(row["text"])
    tested = [row for row in rows if row["split"] == "test"]
    known = {label: (label.replace("_", " "), *chance.sample(texts, phrases)) for label, texts in sorted(by_label.items())}
    own = OwnTopics(known)
    scores = np.stack([own.scores(mark("", row["text"]).words) for row in tested])
    found = []
    for place, label in enumerate(own.names):
        found.append(
            average_precision([(float(score), row["label"] == label) for score, row in zip(scores[:, place], tested, strict=True)])
        )
    return float(np.mean(found))


if __name__ == "__main__":
    print(json.dumps({name: figure.value for name, figure in figures(Path(__file__).parents[2] / "shared").items()}, indent=1))
