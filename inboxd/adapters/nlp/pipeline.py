"""The components, registered with spaCy as `inboxd_...` (it allows no dot there); each adds what it found to the doc's `Marked`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import exp
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab

from inboxd.adapters.nlp import answer, feeling, learned, remarks
from inboxd.adapters.nlp.key_phrases import KeyPhrases
from inboxd.adapters.nlp.language import LanguageGuess
from inboxd.adapters.nlp.lexicon import GAP, Lexicon, Sign, load, tokens
from inboxd.adapters.nlp.marked import Hit, Marked, mark
from inboxd.adapters.nlp.network import network
from inboxd.adapters.nlp.own_topics import OwnTopics

Component = Callable[[Doc], Doc]
NOTHING = 1.6  # the score of "none of our topics" among the topics' scores
SHARPNESS = 1.0
FURTHER = 0.6
ADMIN = "admin"  # group of the phrases that admins wrote
ADMIN_SURE = 0.97
MOST_TOPICS = 5
ANY_OTHER = "any other"  # stands for words of no phrase; no word is like it, for it has a space
MOST_WORDS_KNOWN = 20_000  # words whose signs are remembered; then we start afresh


def marked_of(doc: Doc) -> Marked:
    """What is known of a doc."""
    marked: Marked = doc.user_data["inboxd"]
    return marked


def words_to_doc(vocab: Vocab, words: Sequence[str]) -> Doc:
    """A doc of lower-case words: matching needs no spaces, places are kept in `Marked`."""
    return Doc(vocab, words=list(words))


class Words:
    """Words by one regular expression: contractions stay whole, and it is six times as fast as the stock tokenizer."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Cut one text."""
        return words_to_doc(self.vocab, tokens(text))

    def to_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> None:
        """There is nothing to keep: spaCy asks every tokenizer."""

    def from_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> Words:
        """There is nothing to read."""
        return self


def create_tokenizer() -> Callable[[Language], Words]:
    """For spaCy's registry."""
    return lambda nlp: Words(nlp.vocab)


class Signs:
    """Finds the phrases of all languages that the text may be in, and the admins' own: one pass of PhraseMatcher each."""

    def __init__(self, vocab: Vocab, lexicons: Sequence[Lexicon], admin: Sequence[tuple[str, str]]) -> None:
        phrases: dict[str, list[str]] = {}
        for topic, phrase in admin:
            phrases.setdefault(topic, [topic.replace("_", " ")]).append(phrase)
        self.own = OwnTopics(phrases)
        self.tables = {lexicon.language: _Table(vocab, lexicon.phrases) for lexicon in lexicons}
        lexicons = [replace(lexicon, phrases={}) for lexicon in lexicons]  # they stand in the tables now
        self.guess = LanguageGuess(lexicons)
        self.lexicons = {lexicon.language: lexicon for lexicon in lexicons}
        own: dict[tuple[str, ...], tuple[Sign, ...]] = {}
        for topic, phrase in admin:
            if words := tuple(tokens(phrase.lower().replace("’", "'"))):
                own[words] = (*own.get(words, ()), Sign(ADMIN, topic, 1.0, ""))
        self.admin = _Table(vocab, own)
        self.known: dict[str, dict[str, tuple[Sign, ...]]] = {lexicon.language: {} for lexicon in lexicons}

    def __call__(self, doc: Doc) -> Doc:
        """Add language and hits."""
        marked = marked_of(doc)
        marked.language, marked.language_known = self._language(marked)
        chosen = [self.lexicons[marked.language]] if marked.language in self.lexicons else list(self.lexicons.values())
        marked.lexicons = tuple(chosen)
        marked.hits += self.admin.find(doc)
        marked.near = self.own.shares(marked.words) if self.own.names else {}
        for lexicon in chosen:
            marked.hits += self.tables[lexicon.language].find(doc)
            marked.hits += self._words(marked.words, lexicon)
            marked.hits += _over_gaps(marked.words, lexicon)
        return doc

    def _language(self, marked: Marked) -> tuple[str, bool]:
        """The language of the new text; of the subject only where there is nothing else."""
        first = marked.body if any(word[0].isalpha() for word in marked.words[marked.body :]) else 0
        text = marked.shown[marked.starts[first] :] if first < len(marked.starts) else ""
        return self.guess.guess(marked.words[first:], text)

    def _words(self, words: Sequence[str], lexicon: Lexicon) -> list[Hit]:
        known = self.known[lexicon.language]
        if len(known) > MOST_WORDS_KNOWN:
            known.clear()
        hits = []
        for index, word in enumerate(words):
            signs = known.get(word)
            if signs is None:
                signs = known[word] = lexicon.signs(word)
            hits += [Hit(sign, index, index + 1) for sign in signs]
        return hits


class _Table:
    """A PhraseMatcher with the signs of its phrases."""

    def __init__(self, vocab: Vocab, phrases: Any) -> None:
        self.matcher = PhraseMatcher(vocab, attr="ORTH")
        # Word hashes instead of a Doc for each phrase, as when spaCy unpickles a matcher: ten times as fast to load.
        by_signs: dict[tuple[Sign, ...], list[Any]] = {}
        for words, signs in phrases.items():
            by_signs.setdefault(signs, []).append([vocab.strings.add(word) for word in words])
        self.signs: dict[int, tuple[Sign, ...]] = {}
        for number, (signs, runs) in enumerate(by_signs.items()):
            key = f"inboxd.{number}"
            self.matcher.add(key, runs)
            self.signs[vocab.strings[key]] = signs

    def find(self, doc: Doc) -> list[Hit]:
        """All phrases in the doc, overlapping ones too."""
        return [Hit(sign, start, end) for key, start, end in self.matcher(doc) for sign in self.signs[key]]


def _over_gaps(words: Sequence[str], lexicon: Lexicon) -> list[Hit]:
    """Phrases with words between: "called ... times"."""
    hits = []
    for index, word in enumerate(words):
        lasts = lexicon.gaps.get(word)
        if not lasts:
            continue
        for end in range(index + 1, min(len(words), index + GAP + 2)):
            if words[end] in ".!?;" or words[end][0] == "\n":
                break
            if words[end] in lasts:
                hits += [Hit(sign, index, end + 1) for sign in lasts[words[end]]]
                break
    return hits


def add_topics(doc: Doc) -> Doc:
    """Weigh the topics: each distinct phrase counts once; what admins wrote wins."""
    marked = marked_of(doc)
    seen: dict[tuple[str, str], float] = {}
    own: dict[str, int] = {}
    for sign, start, end in marked.hits:
        if sign.group == "topic":
            key = sign.name, " ".join(marked.words[start:end])
            seen[key] = max(seen.get(key, 0.0), sign.weight)
        elif sign.group == ADMIN:
            own[sign.name] = max(own.get(sign.name, 0), end - start)
    weights: dict[str, list[float]] = {}
    for (topic, _), weight in seen.items():
        weights.setdefault(topic, []).append(weight)
    scores = {topic: _together(found) for topic, found in weights.items()}
    shares = {topic: exp(SHARPNESS * min(score, 20.0)) for topic, score in scores.items()}
    whole = exp(SHARPNESS * NOTHING) + sum(shares.values())
    left = 1 - ADMIN_SURE if own else 1.0
    found = {topic: left * share / whole for topic, share in shares.items()}
    for topic, length in own.items():  # of two own topics, the one with the longer phrase
        found[topic] = ADMIN_SURE * length**3 / sum(other**3 for other in own.values())
    marked.own_topic = bool(own)
    marked.topics = tuple(sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_TOPICS])
    return doc


def _together(weights: list[float]) -> float:
    """The strongest phrase counts whole, each further one less: many general words are no clear one."""
    return sum(weight * FURTHER**rank for rank, weight in enumerate(sorted(weights, reverse=True)))


def add_feeling(doc: Doc) -> Doc:
    """Upset and happy, with the words that showed it; nothing is claimed of a language that we do not know."""
    marked = marked_of(doc)
    if marked.language_known and marked.fresh < len(marked.words):
        marked.upset, marked.happy, marked.phrases = feeling.feel(marked)
    return doc


def add_remarks(doc: Doc) -> Doc:
    """Urgent, sensitive, only thanks, no more questions please."""
    marked = marked_of(doc)
    if marked.language_known:
        marked.urgent, marked.sensitive = remarks.urgent(marked), remarks.sensitive(marked)
        marked.thanks_only, marked.opt_out = remarks.thanks_only(marked), remarks.opt_out(marked)
    return doc


def add_answer(doc: Doc) -> Doc:
    """Read the new text as an answer to "is it solved?"."""
    marked = marked_of(doc)
    if marked.reply and marked.language_known:
        marked.answer, marked.answer_sure, marked.new_part = answer.read_answer(marked)
    return doc


class Learned:
    """The learned part, after phrases and lexicon: weights for each language. Without any it adds nothing. Saved with the pipeline."""

    def __init__(self, languages: Sequence[str]) -> None:
        self.languages = tuple(languages)
        self.weights: dict[str, learned.Weights] = {}

    def __call__(self, doc: Doc) -> Doc:
        """Correct what was found so far; what is too short to tell its language is read in the first."""
        marked = marked_of(doc)
        language = marked.language or next(iter(self.weights), "")
        if weights := self.weights.get(language):
            learned.correct(marked, weights, network(language) if marked.reply else None)
        return doc

    def to_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the weights, a folder a language."""
        for language, weights in self.weights.items():
            weights.save(path / language)

    def from_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> Learned:
        """Load the weights."""
        self.weights = {language: learned.Weights.load(path / language) for language in self.languages if (path / language).is_dir()}
        return self


registry.tokenizers.register("inboxd.Words.v1", func=create_tokenizer)
Language.component("inboxd_topics", func=add_topics)
Language.component("inboxd_upset_lexicon", func=add_feeling)
Language.component("inboxd_remarks", func=add_remarks)
Language.component("inboxd_answer", func=add_answer)


@Language.factory("inboxd_signs", default_config={"languages": ["en"], "admin": []})
def create_signs(nlp: Language, name: str, languages: list[str], admin: list[list[str]]) -> Component:
    """Language and phrases; `admin` are pairs of topic and phrase."""
    return Signs(nlp.vocab, [load(language) for language in languages], [(topic, phrase) for topic, phrase in admin])


KEY_PHRASES = "inboxd_key_phrases"


@Language.factory(KEY_PHRASES, default_config={"languages": ["en"]})
def create_key_phrases(nlp: Language, name: str, languages: list[str]) -> Component:
    """What the text is about, in few words."""
    return KeyPhrases(nlp.vocab, languages)


@Language.factory("inboxd_learned", default_config={"languages": ["en"]})
def create_learned(nlp: Language, name: str, languages: list[str]) -> Learned:
    """The learned part, still empty."""
    return Learned(languages)


def build(languages: Sequence[str]) -> Language:
    """The whole pipeline with nothing learned yet: what training begins with."""
    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "inboxd.Words.v1"}}})
    nlp.add_pipe("inboxd_signs", config={"languages": list(languages), "admin": []})
    for name in ("inboxd_topics", "inboxd_upset_lexicon", "inboxd_remarks", "inboxd_answer"):
        nlp.add_pipe(name)
    nlp.add_pipe("inboxd_learned", config={"languages": list(languages)})
    return _closed(nlp)


def load_from(folder: Path, languages: Sequence[str], admin: Sequence[tuple[str, str]]) -> Language:
    """A saved pipeline with the admins' own phrases."""
    signs = {"languages": list(languages), "admin": [list(pair) for pair in admin]}
    nlp = spacy.load(folder, config={"components": {"inboxd_signs": signs, "inboxd_learned": {"languages": list(languages)}}})
    if KEY_PHRASES in nlp.pipe_names:  # a model that was trained on from a loaded one
        nlp.remove_pipe(KEY_PHRASES)
    nlp.add_pipe(KEY_PHRASES, config={"languages": list(languages)})  # nothing of it is learned: no model need hold it
    return _closed(nlp)


def _closed(nlp: Language) -> Language:
    """Close the vocabulary: it holds the words of phrases, and nothing is kept or made of any other, however many mails are read.

    spaCy would keep a place for each word ever seen, also after its memory zone has ended, and make its shape, prefix and more.
    """
    nlp.vocab.lex_attr_getters = {}  # type: ignore[attr-defined]  # spaCy's stub leaves it out
    nlp.vocab.strings.add(ANY_OTHER)
    for word in nlp.vocab.strings:
        nlp.vocab[word]
    return nlp


def weights_of(nlp: Language) -> dict[str, learned.Weights]:
    """What a pipeline has learned, by language."""
    part = nlp.get_pipe("inboxd_learned")
    assert isinstance(part, Learned)
    return part.weights


def learn(nlp: Language, weights: Mapping[str, learned.Weights]) -> None:
    """Give a pipeline its weights, by language."""
    part = nlp.get_pipe("inboxd_learned")
    assert isinstance(part, Learned)
    part.weights = dict(weights)


def read_marked(nlp: Language, subject: str, text: str, *, reply: bool = True) -> Marked:
    """Send one text through all components; only a reply is read as an answer to our question."""
    marked = mark(subject, text, reply=reply)
    known = nlp.vocab.strings
    doc = words_to_doc(nlp.vocab, [word if word in known else ANY_OTHER for word in marked.words])
    doc.user_data["inboxd"] = marked
    nlp(doc)
    return marked
