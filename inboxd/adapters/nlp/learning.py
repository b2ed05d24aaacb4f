"""Learning from corrections: train a candidate, hold it against the model in force, and hand out both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from spacy.language import Language

from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.evaluate import evaluate
from inboxd.adapters.nlp.learned import Weights
from inboxd.adapters.nlp.make import LANGUAGES, fit
from inboxd.adapters.nlp.marked import IS_REPLY
from inboxd.adapters.nlp.pipeline import read_marked, weights_of
from inboxd.adapters.nlp.reader import about_of, load_model
from inboxd.core.classify import classify
from inboxd.core.model import Answer, Kind, Scores, Sentiment

WEIGHT = 3.0  # a correction counts as much as so many mails of the corpus
LEAST_HELD_BACK = 10  # corrections from which on the newest are held back for a test


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A text and what a person said of it."""

    subject: str
    text: str
    labels: Mapping[str, str]
    number: int = 0  # of its last correction


def examples(corrected: Sequence[Corrected]) -> tuple[list[Example], list[AnswerExample]]:
    """Corrections as training takes them."""
    mails = [
        Example(
            subject=each.subject,
            text=each.text,
            topics=(each.labels["topic"],) if "topic" in each.labels else None,
            sentiment=Sentiment(each.labels["sentiment"]) if "sentiment" in each.labels else None,
            urgent=_yes(each, "urgent"),
            sensitive=_yes(each, "sensitive"),
            weight=WEIGHT,
        )
        for each in corrected
        if set(each.labels) - {"answer"}
    ]
    answers = [AnswerExample(text=each.text, answer=Answer(each.labels["answer"])) for each in corrected if "answer" in each.labels]
    return mails, answers * int(WEIGHT)


def _yes(each: Corrected, field: str) -> bool | None:
    return each.labels[field] == "yes" if field in each.labels else None


class Model:
    """A pipeline that can be asked what it says of a text in the words of the corrections."""

    def __init__(self, nlp: Language) -> None:
        self.nlp = nlp

    @classmethod
    def at(cls, folder: Path, admin: Sequence[tuple[str, str]]) -> Model:
        """The model of a folder with the admins' phrases; raises BrokenModel."""
        return cls(load_model(folder, LANGUAGES, admin))

    @property
    def weights(self) -> Mapping[str, Weights]:
        """What it has learned, by language."""
        return weights_of(self.nlp)

    @property
    def until(self) -> int:
        """The last correction that it learned from."""
        return int(about_of(self.nlp).get("until", 0))

    def figures(self) -> Mapping[str, float]:
        """What it reaches on the test set, measured now."""
        return evaluate(self.nlp)

    def says(self, subject: str, text: str) -> dict[str, str]:
        """What it reads, field by field. As in the daemon, the subject of a reply is what somebody wrote some time ago."""
        subject = "" if IS_REPLY.match(subject) else subject
        with self.nlp.memory_zone():
            marked = read_marked(self.nlp, subject, text)
            scores = Scores(
                language_known=marked.language_known, topics=marked.topics, upset=marked.upset, unhappy=marked.unhappy, happy=marked.happy,
                urgent=marked.urgent, sensitive=marked.sensitive, answer=marked.answer, answer_sure=marked.answer_sure,
            )  # fmt: skip
        reading = classify(Kind.PERSON, scores, text)
        best = scores.topics[0][0] if scores.topics else reading.topic
        return {
            "topic": best, "sentiment": reading.sentiment, "answer": reading.answer,
            "urgent": "yes" if reading.is_urgent else "no", "sensitive": "yes" if reading.sensitive else "no",
        }  # fmt: skip

    def right(self, corrected: Sequence[Corrected]) -> float:
        """The share of what people said that it says, too."""
        pairs = [(self.says(each.subject, each.text)[field], value) for each in corrected for field, value in each.labels.items()]
        return sum(said == value for said, value in pairs) / len(pairs) if pairs else 0.0


def trial(
    date: str, corrected: Sequence[Corrected], topics: Sequence[str], current: Model, shipped: Model
) -> tuple[Model | None, Sequence[Corrected]]:
    """Learn all but the newest that the model in force has not seen either; None where these are too few to tell anything."""
    unseen = [each for each in corrected if each.number > current.until]
    if len(unseen) < LEAST_HELD_BACK:
        return None, ()
    newest = unseen[len(unseen) - len(unseen) // 5 :]
    mails, answers = examples([each for each in corrected if each not in newest])
    return Model(fit(date, mails, answers, topics, shipped.weights)), newest
