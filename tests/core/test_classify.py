import pytest

from inboxd.core.classify import Thresholds, classify
from inboxd.core.model import Answer, Kind, Phrase, Scores, Sentiment


@pytest.mark.parametrize(
    ("upset", "unhappy", "happy", "sentiment"),
    [
        (0.9, 0.9, 0.0, Sentiment.UPSET),
        (0.5, 0.5, 0.9, Sentiment.UPSET),
        (0.4, 0.6, 0.1, Sentiment.UNHAPPY),
        (0.4, 0.6, 0.8, Sentiment.HAPPY),
        (0.4, 0.4, 0.1, Sentiment.NEUTRAL),
        (0.1, 0.1, 0.8, Sentiment.HAPPY),
        (0.1, 0.1, 0.1, Sentiment.NEUTRAL),
    ],
)
def test_the_thresholds_make_a_word_of_a_number(upset: float, unhappy: float, happy: float, sentiment: Sentiment) -> None:
    assert classify(Kind.PERSON, Scores(upset=upset, unhappy=unhappy, happy=happy), "").sentiment is sentiment


def test_a_topic_below_its_confidence_is_unsure_and_says_how_sure_it_was() -> None:
    reading = classify(Kind.PERSON, Scores(topics=(("billing", 0.4), ("refund", 0.3))), "")
    assert (reading.topic, reading.topic_sure, reading.topics[0][0]) == ("unsure", 0.4, "billing")
    assert classify(Kind.PERSON, Scores(topics=(("billing", 0.4),)), "", Thresholds(topic=0.3)).topic == "billing"


def test_no_topic_at_all_is_unsure() -> None:
    assert classify(Kind.PERSON, Scores(), "").topic == "unsure"


def test_an_answer_that_is_not_sure_is_unclear() -> None:
    doubtful = Scores(answer=Answer.SATISFIED, answer_sure=0.5)
    assert classify(Kind.PERSON, doubtful, "").answer is Answer.UNCLEAR
    assert classify(Kind.PERSON, Scores(answer=Answer.SATISFIED, answer_sure=0.9), "").answer is Answer.SATISFIED


def test_the_new_part_goes_only_with_its_answer() -> None:
    scores = Scores(answer=Answer.SATISFIED_AND_NEW, answer_sure=0.8, new_part="How do I change it?")
    assert classify(Kind.PERSON, scores, "").new_part == "How do I change it?"
    assert classify(Kind.PERSON, scores, "", Thresholds(solved=0.9)).new_part == ""


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PERSON])
def test_a_machine_has_no_feeling_and_gives_no_answer(kind: Kind) -> None:
    scores = Scores(upset=1, urgent=1, thanks_only=1, answer=Answer.SATISFIED, answer_sure=1, opt_out=True)
    reading = classify(kind, scores, "text")
    assert reading.sentiment is Sentiment.NEUTRAL
    assert reading.answer is Answer.UNCLEAR
    assert not (reading.is_urgent or reading.thanks_only or reading.opt_out)


def test_an_unknown_language_claims_no_feeling() -> None:
    assert classify(Kind.PERSON, Scores(language_known=False, upset=0.9), "").sentiment is Sentiment.NEUTRAL


def test_urgent_sensitive_and_thanks_have_their_own_thresholds() -> None:
    reading = classify(Kind.PERSON, Scores(urgent=0.6, sensitive=0.6, thanks_only=0.6), "", Thresholds(sensitive=0.7))
    assert (reading.is_urgent, reading.sensitive, reading.thanks_only) == (True, False, True)


def test_what_was_read_is_kept_as_it_was() -> None:
    phrases = (Phrase(text="third time", weight=0.5, why="had to ask again"),)
    reading = classify(Kind.PERSON, Scores(language="de", upset=0.3, phrases=phrases, model="m-1"), "new words")
    assert (reading.language, reading.upset, reading.phrases, reading.model) == ("de", 0.3, phrases, "m-1")
    assert reading.new_text == "new words"
