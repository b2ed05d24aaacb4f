"""The shipped corpus: enough of everything, written piece by piece, and nothing of the test in the training."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.corpus import CORPUS, MARKS, AnswerExample, Example
from inboxd.adapters.nlp.network import DATA
from inboxd.adapters.nlp.reader import SHIPPED
from inboxd.adapters.rule_files.words import SHIPPED_TOPICS
from inboxd.core.model import Answer, Sentiment
from inboxd.core.rulebook import TOPICS
from inboxd.errors import ConfigError

LANGUAGES = ("en", "de")
FEW_WORDS = 6  # "yes", "It is, thank you": two people write that without copying


@pytest.fixture(scope="module")
def mails() -> dict[str, list[Example]]:
    return {language: corpus.mails(language) for language in LANGUAGES}


@pytest.fixture(scope="module")
def test_mails() -> dict[str, list[Example]]:
    return {language: corpus.mails(f"test/{language}.mails") for language in LANGUAGES}


@pytest.fixture(scope="module")
def test_answers() -> list[AnswerExample]:
    return corpus.answers(*(f"test/answers_{language}.mails" for language in LANGUAGES))


def letters(text: str) -> list[str]:
    """The words of letters, in order."""
    return re.findall(r"[^\W\d_]+", text.lower())


def runs(words: list[str], length: int) -> set[str]:
    return {" ".join(words[start : start + length]) for start in range(len(words) - length + 1)}


# --- the shipped files ---------------------------------------------------------------------------------------------------


def test_there_is_enough_to_learn_from(mails: dict[str, list[Example]]) -> None:
    assert len(mails["en"]) >= 3000
    assert len(mails["de"]) >= 800
    assert len(corpus.answers("answers/en", "answers/de")) >= 600
    for language in LANGUAGES:
        assert len({mail.place.partition(":")[0] for mail in mails[language]}) >= 15


def test_every_mail_has_words_and_says_where_it_stands(mails: dict[str, list[Example]]) -> None:
    lines = {str(path.relative_to(CORPUS)): path.read_text(encoding="utf-8").splitlines() for path in CORPUS.rglob("*.mails")}
    for mail in (*mails["en"], *mails["de"]):
        assert letters(f"{mail.subject} {mail.text}"), mail.place
        assert mail.topics and 1 <= len(mail.topics) <= 2, mail.place
        assert len(set(mail.topics)) == len(mail.topics), mail.place
        file, _, line = mail.place.partition(":")
        assert lines[file][int(line) - 1].startswith(f"@ {mail.topics[0]}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_occurs_in_both_languages(mails: dict[str, list[Example]], language: str) -> None:
    topics = Counter(topic for mail in mails[language] for topic in mail.topics or ())
    feelings = Counter(mail.sentiment for mail in mails[language])
    assert set(topics) == set(TOPICS) and min(topics.values()) >= 50
    assert set(feelings) == set(Sentiment) and min(feelings.values()) >= 100
    for mark in MARKS:
        marked = sum(bool(getattr(mail, mark)) for mail in mails[language])
        assert 50 <= marked < len(mails[language]) / 4


def test_every_kind_of_answer_occurs() -> None:
    said = Counter(each.answer for each in corpus.answers("answers/en", "answers/de"))
    assert set(said) == set(Answer) and min(said.values()) >= 100


def test_labels_are_the_topics_that_rules_know() -> None:
    assert {*TOPICS, "unsure"} == set(SHIPPED_TOPICS)
    assert len(TOPICS) == 14


def test_no_sentence_comes_again_and_again(mails: dict[str, list[Example]]) -> None:
    for language in LANGUAGES:
        counts: Counter[str] = Counter()
        for mail in mails[language]:
            counts.update(runs(letters(mail.text), 8))
        run, often = counts.most_common(1)[0]
        assert often <= len(mails[language]) / 100, run


def test_hardly_any_two_mails_are_nearly_the_same(mails: dict[str, list[Example]]) -> None:
    for language in LANGUAGES:
        found = mails[language]
        grams = [runs(letters(mail.text), 5) for mail in found]
        places: dict[str, list[int]] = {}
        for number, each in enumerate(grams):
            for gram in each:
                places.setdefault(gram, []).append(number)
        shared = Counter(pair for numbers in places.values() if len(numbers) > 1 for pair in combinations(numbers, 2))
        near = {
            number
            for (one, other), common in shared.items()
            if common / (len(grams[one]) + len(grams[other]) - common) > 0.5
            for number in (one, other)
        }
        assert len(near) < 0.03 * len(found), [found[number].place for number in sorted(near)[:10]]


def test_the_test_set_is_large_and_as_calm_as_real_mail(test_mails: dict[str, list[Example]], test_answers: list[AnswerExample]) -> None:
    both = [*test_mails["en"], *test_mails["de"]]
    assert len(both) >= 400
    assert min(map(len, test_mails.values())) >= 100
    assert len(test_answers) >= 600
    for found in (*test_mails.values(), both):
        assert 0.05 <= sum(mail.sentiment is Sentiment.UPSET for mail in found) / len(found) <= 0.08
        assert {topic for mail in found for topic in mail.topics or ()} == set(TOPICS)
    assert {each.answer for each in test_answers} == set(Answer)


def test_no_mail_of_the_test_stands_in_the_training(mails: dict[str, list[Example]], test_mails: dict[str, list[Example]]) -> None:
    for language in LANGUAGES:
        known = {" ".join(letters(mail.text)) for mail in mails[language]} - {""}
        pieces = set().union(*(runs(letters(mail.text), 10) for mail in mails[language]))
        for mail in test_mails[language]:
            words = letters(mail.text)
            assert " ".join(words) not in known, mail.place
            assert not runs(words, 10) & pieces, mail.place


def test_no_answer_of_the_test_stands_in_the_training_but_a_few_of_few_words(test_answers: list[AnswerExample]) -> None:
    known = {" ".join(letters(each.text)) for each in corpus.answers("answers/en", "answers/de")}
    same = [each for each in test_answers if " ".join(letters(each.text)) in known]
    assert [each.place for each in same if len(letters(each.text)) > FEW_WORDS] == []
    assert len(same) <= 0.04 * len(test_answers)


def test_the_shipped_model_was_made_from_this_corpus() -> None:
    about = json.loads((SHIPPED / "inboxd_learned" / "en" / "about.json").read_text(encoding="utf-8"))
    assert about["corpus"] == corpus.fingerprint()
    assert about["mails.en"] + about["mails.de"] == len(corpus.mails(*LANGUAGES))
    assert about["answers.en"] + about["answers.de"] == len(corpus.answers("answers/en", "answers/de"))
    assert about["corrections"] == 0


def test_the_shipped_model_is_small() -> None:
    """Weights, word vectors and the network that reads answers."""
    learned = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in [*learned, *DATA.rglob("*.npz")]) < 5_000_000


# --- reading a corpus ----------------------------------------------------------------------------------------------------


def test_a_mail_is_read_with_all_that_is_said_of_it(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "b.mails").write_text("@ praise; happy\nSubject:\nLovely.\n")
    (tmp_path / "en" / "a.mails").write_text(
        "@ billing refund; upset; urgent sensitive\nSubject: third invoice\n\nWrong again.\n\n@home it was right.\n\n"
        "@ how_to; neutral\nSubject: Only a subject\n"
    )
    one, two, three = corpus.mails("en", root=tmp_path)
    assert (one.subject, one.text) == ("third invoice", "Wrong again.\n\n@home it was right.")
    assert (one.topics, one.sentiment, one.urgent, one.sensitive) == (("billing", "refund"), Sentiment.UPSET, True, True)
    assert (one.place, two.place, three.place) == ("en/a.mails:1", "en/a.mails:8", "en/b.mails:1")
    assert (two.subject, two.text, two.urgent, two.sensitive) == ("Only a subject", "", False, False)
    assert (three.subject, three.text, three.weight) == ("", "Lovely.", 1.0)
    assert corpus.mails("en/b.mails", root=tmp_path) == [three]


def test_an_answer_is_read_with_what_it_means(tmp_path: Path) -> None:
    (tmp_path / "a.mails").write_text("@ satisfied_and_new\nIt works.\nOne more thing: ...\n\n@ unclear\nok\n")
    one, two = corpus.answers("a.mails", root=tmp_path)
    assert (one.text, one.answer, one.place) == ("It works.\nOne more thing: ...", Answer.SATISFIED_AND_NEW, "a.mails:1")
    assert (two.text, two.answer, two.place) == ("ok", Answer.UNCLEAR, "a.mails:5")


def test_all_mistakes_of_all_files_are_told_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "a.mails").write_text(
        "@ biling; upset\nSubject: x\ntext\n\n@ billing; cross; urgnt\nSubject: x\ntext\n\n@ bug; neutral\nno subject\n"
    )
    (tmp_path / "en" / "b.mails").write_text("@ bug; neutral\nSubject: fine\ntext\n@ bug\nSubject: y\ntext\n")
    with pytest.raises(ConfigError) as caught:
        corpus.mails("en", root=tmp_path)
    assert sorted(caught.value.mistakes) == [
        "en/a.mails:1: 'biling' is no topic",
        "en/a.mails:5: 'cross' is no feeling",
        "en/a.mails:5: 'urgnt' is no mark",
        "en/a.mails:9: there is no line `Subject:`",
        "en/b.mails:4: '' is no feeling",
    ]


def test_mistakes_in_answers_are_told_with_what_would_be_right(tmp_path: Path) -> None:
    (tmp_path / "a.mails").write_text("@ satisfied\nyes\n@ satisfyed\nyes\n@ maybe\nwell\n")
    with pytest.raises(ConfigError) as caught:
        corpus.answers("a.mails", root=tmp_path)
    assert [mistake.partition(" is no answer; ")[0] for mistake in caught.value.mistakes] == [
        "a.mails:3: 'satisfyed'",
        "a.mails:5: 'maybe'",
    ]
    assert all(answer in caught.value.mistakes[0] for answer in Answer)


def test_the_fingerprint_is_of_what_is_trained_from_and_of_nothing_else(tmp_path: Path) -> None:
    for folder in ("en", "answers", "test"):
        (tmp_path / folder).mkdir()
    mail, answer, test = tmp_path / "en" / "a.mails", tmp_path / "answers" / "en.mails", tmp_path / "test" / "en.mails"
    mail.write_text("@ bug; neutral\nSubject:\ntext\n")
    answer.write_text("@ satisfied\nyes\n")
    prints = [corpus.fingerprint(tmp_path)]
    test.write_text("@ bug; neutral\nSubject:\nother\n")
    (tmp_path / "README.md").write_text("words")
    assert corpus.fingerprint(tmp_path) == prints[0]
    mail.write_text("@ bug; upset\nSubject:\ntext\n")
    prints.append(corpus.fingerprint(tmp_path))
    answer.write_text("@ satisfied\nyes!\n")
    prints.append(corpus.fingerprint(tmp_path))
    mail.rename(tmp_path / "en" / "b.mails")
    prints.append(corpus.fingerprint(tmp_path))
    assert len(set(prints)) == 4
