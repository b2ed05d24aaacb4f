"""Make a model: the shipped one from the corpus (`make train`), or one that has learned from corrections (`inboxd train`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from spacy.language import Language

from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.evaluate import evaluate
from inboxd.adapters.nlp.learned import Weights
from inboxd.adapters.nlp.pipeline import build, learn, read_marked
from inboxd.adapters.nlp.training import train

VERSION = 1
LANGUAGES = ("en", "de")


def fit(
    date: str,
    mails: Sequence[Example] = (),
    answers: Sequence[AnswerExample] = (),
    topics: Sequence[str] = (),
    like: Weights | None = None,
) -> Language:
    """A pipeline trained on the corpus and on what was corrected. The same texts give the same weights."""
    nlp = build(LANGUAGES)
    base, base_answers = corpus.mails(*LANGUAGES), corpus.answers("answers")
    about = {
        "version": VERSION,
        "corpus": corpus.fingerprint(),
        "date": date,
        "mails": len(base),
        "answers": len(base_answers),
        "corrections": len(mails) + len(answers),
    }
    labels = tuple(dict.fromkeys((*corpus.TOPICS, *topics)))
    everything = [*base, *mails], [*base_answers, *answers]
    weights = train(*everything, labels, lambda subject, text: read_marked(nlp, subject, text), about, like)
    learn(nlp, weights)
    learn(nlp, weights.described({**about, "figures": evaluate(nlp)}))
    return nlp


def save(nlp: Language, folder: Path) -> None:
    """Write the whole pipeline as spaCy does."""
    nlp.meta.update({"name": "inboxd", "version": str(VERSION), "description": "Reads support mail", "license": "MIT"})
    nlp.to_disk(folder, exclude=["vocab"])


if __name__ == "__main__":
    save(fit(sys.argv[1]), Path(__file__).with_name("model"))
