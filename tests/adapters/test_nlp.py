from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.adapters.nlp.lexicon import DATA, expand, load
from inboxd.adapters.nlp.marked import HEAD, TAIL, mark
from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core.classify import Thresholds
from inboxd.core.model import Answer, Scores, TopicName, ToRead
from inboxd.core.rulebook import Topic
from inboxd.errors import ConfigError

SHARED = Path(__file__).parents[2] / "../shared"
UPSET = Thresholds().upset


@pytest.fixture(scope="module")
def reader() -> SpacyReader:
    return SpacyReader()


def read(reader: SpacyReader, new_text: str, subject: str = "") -> Scores:
    return reader.read([ToRead(subject=subject, new_text=new_text)])[0]


# --- topics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("You charged me twice for invoice 4711.", "billing"),
        ("Sie haben mir die Rechnung doppelt berechnet.", "billing"),
        ("Please give me my money back.", "refund"),
        ("Ich bitte um Rückerstattung des Betrags.", "refund"),
        ("Where is my parcel? It should have arrived on Monday.", "order_and_delivery"),
        ("Wo bleibt mein Paket?", "order_and_delivery"),
        ("The shoes are too small, I want to send them back.", "return"),
        ("Ich möchte die Jacke umtauschen, sie ist zu klein.", "return"),
        ("I cannot log in, I forgot my password.", "account_access"),
        ("Ich kann mich nicht mehr einloggen.", "account_access"),
        ("I want to cancel my subscription.", "cancellation"),
        ("Hiermit kündige ich meinen Vertrag.", "cancellation"),
        ("The app crashes when I open the map.", "bug"),
        ("Seit dem letzten Update stürzt die App ab.", "bug"),
        ("How do I set up the weekly report?", "how_to"),
        ("Gibt es eine Anleitung zum Einrichten?", "how_to"),
        ("It would be great if you could add support for dark mode.", "feature_request"),
        ("Ein Verbesserungsvorschlag: ein Dunkelmodus wäre toll.", "feature_request"),
        ("I want to make a formal complaint about your driver.", "complaint"),
        ("Ich möchte mich über Ihren Fahrer beschweren.", "complaint"),
        ("Just wanted to say thank you, wonderful service!", "praise"),
        ("Toller Service, ich bin begeistert, weiter so!", "praise"),
        ("Could you send us a quote with a volume discount?", "sales"),
        ("Bitte schicken Sie uns ein Angebot mit Mengenrabatt.", "sales"),
        ("Please delete my personal data, this is a GDPR request.", "privacy_and_security"),
        ("Ich bitte nach der DSGVO um Auskunft über meine Daten.", "privacy_and_security"),
    ],
)
def test_a_plain_mail_finds_its_topic(reader: SpacyReader, text: str, topic: str) -> None:
    name, sure = read(reader, text).topics[0]
    assert name == topic
    assert sure >= Thresholds().topic


def test_what_says_nothing_known_has_no_sure_topic(reader: SpacyReader) -> None:
    topics = read(reader, "Greetings from the seaside, see you in spring.").topics
    assert not topics or topics[0][0] == "other" or topics[0][1] < Thresholds().topic


def test_admins_phrases_win_over_the_shipped_ones() -> None:
    wheels = Topic(name=TopicName("wheels"), phrases=("front axle", "Vorderachse"))
    reader = SpacyReader(topics=[wheels])
    for text in ("My invoice is wrong, and the Front  Axle is missing from the parcel.", "Die Rechnung ist falsch. Vorderachse fehlt."):
        topics = read(reader, text).topics
        assert topics[0][0] == "wheels"
        assert topics[0][1] >= 0.9
        assert len(topics) > 1
    assert read(reader, "You charged me twice on this invoice.").topics[0][0] == "billing"


def test_admins_phrases_are_found_in_any_language() -> None:
    reader = SpacyReader(topics=[Topic(name=TopicName("wheels"), phrases=("roue avant",))])
    scores = read(reader, "Bonjour, la roue avant de mon vélo est cassée et je ne sais pas quoi faire.")
    assert (scores.topics[0][0], scores.language_known) == ("wheels", False)


def test_the_model_is_named_after_all_that_a_reading_depends_on(reader: SpacyReader) -> None:
    other = SpacyReader(topics=[Topic(name=TopicName("wheels"), phrases=("axle",))])
    assert reader.model != other.model
    assert reader.model == SpacyReader().model == read(reader, "hello").model


# --- feeling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "This is the third time I am writing and nobody answers. It is a disgrace.",
        "I have called 4 times, I am still waiting, and your staff is useless.",
        "If I don't get my money by Friday my lawyer will write to you.",
        "Never again. Worst service ever!!",
        "Ich schreibe jetzt zum dritten Mal und niemand antwortet. Eine Frechheit!",
        "Ich warte seit drei Wochen, keine Antwort, ich bin stinksauer.",
        "Wenn das Geld nicht kommt, gehe ich zum Anwalt. Nie wieder bei Ihnen!",
    ],
)
def test_an_upset_mail_sounds_upset(reader: SpacyReader, text: str) -> None:
    assert read(reader, text).upset >= UPSET


@pytest.mark.parametrize(
    "text",
    [
        "Could you please send me a copy of invoice 4711? Kind regards",
        "I have a question: how do I change the address of my order?",
        "Dear team, attached is the signed contract. Please let me know if anything is missing.",
        "There is a problem with the login page, it shows an error.",
        "I am not angry, and there is no hurry.",
        "Könnten Sie mir bitte die Rechnung noch einmal schicken? Vielen Dank und freundliche Grüße",
        "Ich habe ein Problem mit der Anmeldung, können Sie mir bitte helfen?",
        "Ich bin nicht verärgert, ich wollte nur fragen.",
    ],
)
def test_a_calm_mail_raises_no_alarm(reader: SpacyReader, text: str) -> None:
    scores = read(reader, text)
    assert scores.upset < UPSET
    assert scores.happy < Thresholds().happy


@pytest.mark.parametrize("text", ["Wonderful, I am delighted, thank you!", "Großartig, ich bin begeistert, vielen Dank!"])
def test_a_happy_mail_sounds_happy(reader: SpacyReader, text: str) -> None:
    scores = read(reader, text)
    assert scores.happy >= Thresholds().happy
    assert scores.upset < 0.1


def test_the_words_that_made_it_so_are_shown_letter_for_letter_strongest_first(reader: SpacyReader) -> None:
    text = "This is the THIRD\ntime I am writing.\nNobody answers. It’s a disgrace!"
    phrases = read(reader, text).phrases
    assert {phrase.why for phrase in phrases} >= {"had to ask again", "waiting", "strong word"}
    assert all(phrase.text in text for phrase in phrases)
    assert "THIRD\ntime" in [phrase.text for phrase in phrases]
    weights = [phrase.weight for phrase in phrases]
    assert weights == sorted(weights, reverse=True)
    assert 0.9 <= sum(weights) <= 1.01


def test_a_reply_keeps_its_old_subject_which_is_not_felt_again(reader: SpacyReader) -> None:
    subject = "Useless people, I am furious, my lawyer will call"
    assert read(reader, "When will it come?", subject).upset >= UPSET
    assert read(reader, "When will it come?", f"Re: {subject}").upset < UPSET


CALM_LETTER = "Dear Sir or Madam,\n\nthe lamp (order 5512) arrived broken. {}\n\nKind regards\nFranz Huber"
CALM_BRIEF = "Sehr geehrte Damen und Herren,\n\ndie Lampe (Nr. 5512) kam zerbrochen an. {}\n\nMit freundlichen Grüßen\nFranz Huber"


@pytest.mark.parametrize(
    ("letter", "sentence", "upset"),
    [
        (CALM_LETTER, "I am very angry and expect a replacement.", True),
        (CALM_LETTER, "Frankly, we're appalled.", True),
        (CALM_LETTER, "I am not angry, and would like a replacement.", False),
        (CALM_LETTER, "I'm so angry with my courier, and would like a replacement.", False),
        (CALM_BRIEF, "Ich bin wirklich sauer auf meinen Paketboten und bitte um Ersatz.", False),
        (CALM_BRIEF, "Ich bin wirklich sauer auf Sie und erwarte Ersatz.", True),
        (CALM_BRIEF, "Ich bin sehr verärgert und erwarte umgehend Ersatz.", True),
        (CALM_BRIEF, "Inzwischen bin ich wirklich sauer.", True),
        (CALM_BRIEF, "Ich bin nicht verärgert und bitte um Ersatz.", False),
    ],
)
def test_who_says_that_they_are_angry_is_however_calm_the_letter(reader: SpacyReader, letter: str, sentence: str, upset: bool) -> None:
    assert (read(reader, letter.format(sentence), "A lamp").upset >= UPSET) is upset


# --- language --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Please tell me where my order is.", "en"),
        ("Bitte sagen Sie mir, wo meine Bestellung ist.", "de"),
        ("danke", "de"),
        ("thanks", "en"),
    ],
)
def test_known_languages_are_told_apart(reader: SpacyReader, text: str, language: str) -> None:
    scores = read(reader, text)
    assert (scores.language, scores.language_known) == (language, True)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour, je suis furieux, ma commande n'est jamais arrivée et personne ne répond.", "fr"),
        ("Buenos días, ¿dónde está mi pedido? Llevo tres semanas esperando, es un desastre total.", "es"),
        ("Mijn bestelling is nog steeds niet aangekomen en niemand reageert. Idioot!", "nl"),
        ("Где мой заказ? Это ужасно!", "ru"),
        ("我的订单在哪里？太糟糕了！", "zh"),
    ],
)
def test_of_another_language_no_feeling_is_claimed(reader: SpacyReader, text: str, language: str) -> None:
    scores = read(reader, text)
    assert (scores.language, scores.language_known) == (language, False)
    assert (scores.upset, scores.happy, scores.phrases) == (0.0, 0.0, ())


def test_german_is_foreign_where_only_english_is_configured() -> None:
    scores = read(SpacyReader(languages=("en",)), "Ich bin stinksauer, das ist eine Frechheit, ich gehe zum Anwalt!")
    assert (scores.language, scores.language_known, scores.upset) == ("de", False, 0.0)


# --- urgent, sensitive, thanks, opt-out ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "is_urgent"),
    [
        ("Our shop is down since 7, customers cannot pay.", True),
        ("Somebody is using my card now!", True),
        ("My flight leaves in 3 hours and I cannot get my ticket.", True),
        ("Unser Server steht, wir können nicht arbeiten.", True),
        ("Jemand benutzt gerade meine Karte!", True),
        ("Es ist dringend, wir fliegen morgen.", True),
        ("Could you send the invoice when you have time? Not urgent.", False),
        ("Ich bin sehr enttäuscht von Ihrem Service.", False),
        ("Es eilt nicht, bei Gelegenheit bitte die Rechnung.", False),
    ],
)
def test_urgent_is_what_cannot_wait(reader: SpacyReader, text: str, is_urgent: bool) -> None:
    assert (read(reader, text).urgent >= Thresholds().urgent) is is_urgent


@pytest.mark.parametrize(
    ("text", "is_sensitive"),
    [
        ("My husband passed away last week, please close his account.", True),
        ("I am in hospital after a heart attack.", True),
        ("The charger caught fire in our kitchen.", True),
        ("We will take you to court.", True),
        ("Mein Vater ist verstorben.", True),
        ("Ich liege im Krankenhaus.", True),
        ("Das Gerät hat mir einen Stromschlag gegeben.", True),
        ("Ich schalte meinen Anwalt ein.", True),
        ("My phone battery died.", False),
        ("Die Batterie ist leer.", False),
    ],
)
def test_death_illness_danger_and_law_are_sensitive(reader: SpacyReader, text: str, is_sensitive: bool) -> None:
    assert (read(reader, text).sensitive >= Thresholds().sensitive) is is_sensitive


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("Thank you so much, that was quick!", True),
        ("Hi Tom,\n\nthanks a lot!\n\nBest regards\nAna", True),
        ("Vielen Dank, das war super!", True),
        ("Perfect, that solves it. Thank you Maria!", True),
        ("Great, thanks a lot Tom! I will wait for it.", True),
        ("Thank you, that answers my question.", True),
        ("Danke, das löst mein Problem!", True),
        ("Vielen Dank. Damit ist alles geklärt.", True),
        ("Thanks. I hope that solves it, but the light still flickers.", False),
        ("Thank you. That explains nothing about the second invoice.", False),
        ("Thank you. I will wait until Friday and then cancel.", False),
        ("Danke. Ich warte darauf jetzt seit drei Wochen.", False),
        ("Danke. Das klärt aber nicht, wann das Paket kommt.", False),
        ("Thanks, but it is still broken.", False),
        ("Thanks! When will it arrive?", False),
        ("Thanks. My order number is 88213.", False),
        ("Thank you for wasting my time.", False),
        ("Thanks in advance.", False),
        ("Danke, aber es geht immer noch nicht.", False),
        ("Danke im Voraus!", False),
        ("Hello there.", False),
    ],
)
def test_only_a_thank_you_is_only_a_thank_you(reader: SpacyReader, text: str, only: bool) -> None:
    assert (read(reader, text).thanks_only >= Thresholds().thanks_only) is only


@pytest.mark.parametrize(
    ("text", "out"),
    [
        ("Please don't ask me again.", True),
        ("Yes, solved. And stop sending me these mails.", True),
        ("Bitte nicht mehr fragen.", True),
        ("Ja. Ich möchte nicht mehr gefragt werden.", True),
        ("I asked you again and again.", False),
        ("Darf ich noch etwas fragen?", False),
        ("Bitte keine weiteren Nachfragen.", True),
        ("Ich möchte keine weiteren Rückfragen.", True),
        ("Danke, ich habe keine weiteren Fragen.", False),
        ("Vielen Dank für die Auskunft, keine Rückfragen mehr von mir.", False),
        ("I have no further questions, thanks.", False),
    ],
)
def test_who_does_not_want_to_be_asked_is_heard(reader: SpacyReader, text: str, out: bool) -> None:
    assert read(reader, text).opt_out is out


# --- total, frugal, quick to start -----------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(subject=st.text(alphabet=st.characters(), max_size=40), new_text=st.text(alphabet=st.characters(), max_size=400))
def test_any_text_is_read(reader: SpacyReader, subject: str, new_text: str) -> None:
    scores = read(reader, new_text, subject)
    numbers = (scores.upset, scores.happy, scores.urgent, scores.sensitive, scores.thanks_only, scores.answer_sure)
    assert all(0 <= number <= 1 for number in (*numbers, *(sure for _, sure in scores.topics)))
    assert all(phrase.text in new_text or phrase.text in subject for phrase in scores.phrases)


WORDS = st.sampled_from(
    [
        "not", "very", "NEVER", "worst", "thanks", "yes", "no", "but", "solved", "still", "third", "time", "#", "7", "?", "!", ".", ",",
        "\n", "\n\n", "’", "“", "İ", "ß", "👍", "\ud800", "nicht", "sehr", "danke", "gelöst", "warte", "seit", "by", "the", "way",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(words=st.lists(WORDS, max_size=60), subject=st.lists(WORDS, max_size=8))
def test_phrases_stand_in_the_text_whatever_its_words(reader: SpacyReader, words: list[str], subject: list[str]) -> None:
    new_text, line = " ".join(words), " ".join(subject)
    scores = read(reader, new_text, line)
    assert all(phrase.text in new_text or phrase.text in line for phrase in scores.phrases)
    assert scores.new_part in new_text


@pytest.mark.parametrize("text", ["a" * 200_000, "no! " * 50_000, "\ud800\x00\x07", "?" * 30_000, "\n" * 10_000, "👍" * 5_000, "İ" * 400])
def test_monsters_are_read(reader: SpacyReader, text: str) -> None:
    assert len(reader.read([ToRead(subject=text[:5000], new_text=text)])) == 1


def test_a_batch_gives_as_many_scores_in_the_same_order(reader: SpacyReader) -> None:
    scores = reader.read([ToRead(subject="", new_text=text) for text in ("nein", "yes", "")])
    assert [one.answer for one in scores] == [Answer.DISSATISFIED, Answer.SATISFIED, Answer.UNCLEAR]
    assert reader.read([]) == []


def test_of_a_very_long_mail_beginning_and_end_are_read(reader: SpacyReader) -> None:
    middle = "the of and " * 2000
    text = f"I am furious, a disgrace. {middle} Somebody is using my card right now, please block it!"
    assert len(mark("", text).words) < HEAD + TAIL + 20
    scores = read(reader, text)
    assert "disgrace" in [phrase.text for phrase in scores.phrases]
    assert scores.urgent > 0.5
    assert all(phrase.text in text for phrase in scores.phrases)


def test_words_never_seen_before_are_forgotten(reader: SpacyReader) -> None:
    read(reader, "hello there")
    strings, words = reader.strings_known(), reader.words_known()
    for batch in range(5):
        reader.read([ToRead(subject="", new_text=" ".join(f"wort{batch}x{mail}x{word}" for word in range(40))) for mail in range(20)])
    assert reader.strings_known() == strings
    assert reader.words_known() == words, "spaCy keeps a place for each word, also after its memory zone"


def test_the_package_costs_nothing_until_a_text_must_be_read() -> None:
    code = "import sys, inboxd.adapters.nlp, inboxd.core.classify; sys.exit('spacy' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0


def test_torch_is_never_needed_and_one_thread_is_enough() -> None:
    code = (
        "import os, sys; os.environ.pop('OMP_NUM_THREADS', None)\n"
        "from inboxd.adapters.nlp.reader import SpacyReader\nSpacyReader()\n"
        "sys.exit('torch' in sys.modules or os.environ['OMP_NUM_THREADS'] != '1')"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- the data --------------------------------------------------------------------------------------------------------


def test_every_language_brings_all_its_files_with_the_same_topics_and_families() -> None:
    english, *others = [load(folder.name) for folder in sorted(DATA.iterdir(), key=lambda folder: folder.name != "en")]
    assert others
    for lexicon in others:
        assert lexicon.turned_dropped <= english.turned_dropped
        signs = {(sign.group, sign.name) for lookup in (lexicon.words, lexicon.phrases) for found in lookup.values() for sign in found}
        assert {name for group, name in signs if group == "topic"} == set(TOPICS)
        assert {"urgent", "sensitive", "thanks", "opt_out", "yes", "no", "solved", "unsolved", "doubt", "new"} <= {g for g, _ in signs}


TOPICS = [
    "billing", "refund", "order_and_delivery", "return", "account_access", "cancellation", "bug", "how_to", "feature_request", "complaint",
    "praise", "sales", "privacy_and_security",
]  # fmt: skip


def test_a_language_without_data_is_a_mistake_of_the_settings() -> None:
    with pytest.raises(ConfigError, match="no language data for 'xx': there is de, en"):
        load("xx")


def test_german_has_valences_of_its_own() -> None:
    assert len(load("de").valences) >= 600


def test_phrases_are_written_out() -> None:
    assert list(expand("(a|b) c, gut+")) == ["a c", "b c", "gut", "gute", "guter", "gutes", "gutem", "guten"]


@pytest.mark.skipif(not (SHARED / "corpora/nlp-dev/mix_dev.jsonl").is_file(), reason="../shared/corpora/nlp-dev is absent")
def test_the_upset_lexicon_beats_the_prototype_and_alarms_on_few_calm_mails(reader: SpacyReader) -> None:
    from bench.reading import read_rows, rows_of, upset_figures

    rows = rows_of(SHARED / "corpora/nlp-dev/mix_dev.jsonl")
    found = upset_figures([scores.upset for scores in read_rows(reader.read, rows)], rows, "")
    assert found["upset_ap"] >= 0.85  # the prototype: 0.80
    assert found["upset_auc"] >= 0.91  # the prototype: 0.89
    assert max(value for name, value in found.items() if name.startswith("false_alarms")) <= 0.05
