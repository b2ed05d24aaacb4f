"""Scores -> Reading: the thresholds between a number and a word. Below them we say that we do not know."""

from __future__ import annotations

from dataclasses import dataclass

from inboxd.core.model import Answer, Kind, Reading, Scores, Sentiment

UNSURE = "unsure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on a score counts. The shipped ones were measured: at most 5 calm mails in 100 sound upset (`bench/reading.py`)."""

    topic: float = 0.5
    upset: float = 0.5
    unhappy: float = 0.5
    happy: float = 0.5
    urgent: float = 0.5
    sensitive: float = 0.5
    thanks_only: float = 0.5
    answer: float = 0.5
    solved: float = 0.8  # a dissatisfied customer taken for satisfied is the worst mistake: in doubt a person reads it


def classify(kind: Kind, scores: Scores, new_text: str, policy: Thresholds = Thresholds()) -> Reading:
    """Say in words what the scores mean. Machines have no feelings and give no answers; unknown languages claim none."""
    person = kind is Kind.PERSON
    topic, topic_sure = _topic(scores, policy)
    answer = answer_of(scores, policy) if person else Answer.UNCLEAR
    return Reading(
        kind=kind,
        language=scores.language,
        topic=topic,
        topic_sure=topic_sure,
        topics=scores.topics,
        sentiment=_sentiment(scores, policy) if person else Sentiment.NEUTRAL,
        upset=scores.upset,
        urgent=scores.urgent,
        is_urgent=person and scores.urgent >= policy.urgent,
        sensitive=scores.sensitive >= policy.sensitive,
        thanks_only=person and scores.thanks_only >= policy.thanks_only,
        answer=answer,
        opt_out=person and scores.opt_out,
        new_part=scores.new_part if answer is Answer.SATISFIED_AND_NEW else "",
        phrases=scores.phrases,
        key_phrases=scores.key_phrases if person else (),
        model=scores.model,
        new_text=new_text,
    )


def answer_of(scores: Scores, policy: Thresholds = Thresholds()) -> Answer:
    """What an answer to our question says, if it is sure enough."""
    happy = scores.answer in (Answer.SATISFIED, Answer.SATISFIED_AND_NEW)
    return scores.answer if scores.answer_sure >= (policy.solved if happy else policy.answer) else Answer.UNCLEAR


def _topic(scores: Scores, policy: Thresholds) -> tuple[str, float]:
    """The best topic if it is sure enough; `topic_sure` says how sure the best one was in either case."""
    if not scores.topics:
        return UNSURE, 0.0
    best, sure = scores.topics[0]
    return (best if sure >= policy.topic else UNSURE), sure


def _sentiment(scores: Scores, policy: Thresholds) -> Sentiment:
    if not scores.language_known:
        return Sentiment.NEUTRAL
    if scores.upset >= policy.upset:
        return Sentiment.UPSET
    if scores.unhappy >= policy.unhappy and scores.unhappy >= scores.happy:
        return Sentiment.UNHAPPY
    return Sentiment.HAPPY if scores.happy >= policy.happy else Sentiment.NEUTRAL
