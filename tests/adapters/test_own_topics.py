"""Topics that admins name: a mail that comes near to their phrases without naming them is taken for them, with less certainty."""

from __future__ import annotations

import pytest

from inboxd.adapters.nlp.lexicon import tokens
from inboxd.adapters.nlp.own_topics import OwnTopics
from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core.model import Scores, TopicName, ToRead
from inboxd.core.rulebook import Topic

BOATS = ("rent a rowing boat", "hire a canoe for the afternoon", "boat rental prices", "is the pedal boat free on Sunday")
BEES = ("bee colony for sale", "how do I treat mites in a hive", "honey extractor")


@pytest.fixture(scope="module")
def reader() -> SpacyReader:
    topics = [Topic(name=TopicName("boats"), phrases=BOATS), Topic(name=TopicName("bees"), phrases=BEES)]
    return SpacyReader(topics)


def read(reader: SpacyReader, text: str) -> Scores:
    return reader.read([ToRead(subject="", new_text=text, reply=False)])[0]


def test_a_mail_near_to_the_phrases_is_of_their_topic_and_less_sure_than_one_that_names_them(reader: SpacyReader) -> None:
    near, named = read(reader, "Can we rent a canoe on Sunday afternoon?"), read(reader, "Your boat rental prices, please.")
    assert near.topics[0][0] == "boats" and near.topics[0][1] >= 0.5
    assert named.topics[0][0] == "boats" and named.topics[0][1] > near.topics[0][1]


def test_a_mail_of_another_matter_is_not(reader: SpacyReader) -> None:
    for text in ("I was charged twice for the March invoice, please correct it.", "The app crashes when I open the settings."):
        assert not {"boats", "bees"} & {topic for topic, _ in read(reader, text).topics}


def test_the_nearest_topic_scores_highest_and_the_same_words_score_one() -> None:
    own = OwnTopics({"boats": BOATS, "bees": BEES})
    boats, bees = own.scores(tokens("mites in my bee hive"))
    assert own.names == ("boats", "bees") and bees > boats
    assert OwnTopics({"one": ["honey extractor"]}).scores(tokens("honey extractor"))[0] == pytest.approx(1.0, abs=1e-3)


def test_without_topics_of_their_own_nothing_is_near() -> None:
    assert OwnTopics({}).shares(["boat"]) == {}
    assert OwnTopics({"empty": []}).names == ()
