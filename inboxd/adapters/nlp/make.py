"""Make a model: the shipped one from the corpus (`make train`), or one that has learned from corrections (`inboxd train`)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy.language import Language

from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.evaluate import evaluate
from inboxd.adapters.nlp.learned import VERSION, Weights
from inboxd.adapters.nlp.pipeline import build, learn, read_marked
from inboxd.adapters.nlp.training import train
from inboxd.core.rulebook import TOPICS

LANGUAGES = ("en", "de")
CODE = tuple(
    "features learned hidden nibbles training marked feeling remarks answer lexicon rows vectors network".split()  # noqa: SIM905  a list of names
)


def fit(
    date: str,
    mails: Sequence[Example] = (),
    answers: Sequence[AnswerExample] = (),
    topics: Sequence[str] = (),
    like: Mapping[str, Weights] | None = None,
    until: int = 0,
    corrections: int = 0,
) -> Language:
    """A pipeline trained on the corpus and on what was corrected: `corrections` mails, up to the correction `until`.

    The same texts give the same weights. With `like` it goes on from there (`training.train`), in the languages that were corrected.
    """
    nlp = build(LANGUAGES)
    about: dict[str, Any] = {
        "version": VERSION,
        "corpus": corpus.fingerprint(),
        "recipe": recipe(),
        "date": date,
        "corrections": corrections,
        "until": until,
    }
    labels = tuple(dict.fromkeys((*TOPICS, *topics)))
    made: dict[str, Weights] = {}
    for language in LANGUAGES:
        base, base_answers = corpus.mails(language), corpus.answers(f"answers/{language}")
        about |= {f"mails.{language}": len(base), f"answers.{language}": len(base_answers)}
        own = [mail for mail in mails if _language(nlp, mail.subject, mail.text) == language]
        own_answers = [each for each in answers if _language(nlp, "", each.text) == language]
        if like and not own and not own_answers and like[language].topics == labels:
            made[language] = like[language]  # nothing to learn
            continue
        mark = partial(read_marked, nlp, reply=not like or bool(own_answers))  # mails are read at half the price where no answer is learned
        made[language] = train(
            [*base, *own], [*base_answers, *own_answers], labels, mark, {}, like.get(language) if like else None
        )  # fmt: skip
    learn(nlp, made)
    about["figures"] = evaluate(nlp)
    learn(nlp, {language: weights.described(about) for language, weights in made.items()})
    return nlp


def _language(nlp: Language, subject: str, text: str) -> str:
    """By which weights a text would be read."""
    return read_marked(nlp, subject, text).language or LANGUAGES[0]


def recipe() -> str:
    """A hash of all code and data that a model depends on beside its corpus."""
    place, digest = Path(__file__).parent, sha256()
    code = [place / f"{name}.py" for name in CODE]
    for path in [*code, *sorted(path for path in place.joinpath("data").rglob("*") if path.suffix in (".yaml", ".npz"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def save(nlp: Language, folder: Path) -> None:
    """Write the whole pipeline as spaCy does."""
    nlp.meta.update({"name": "inboxd", "version": str(VERSION), "description": "Reads support mail", "license": "MIT"})
    folder.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(folder, exclude=["vocab"])


if __name__ == "__main__":
    save(fit(sys.argv[1]), Path(__file__).with_name("model"))
