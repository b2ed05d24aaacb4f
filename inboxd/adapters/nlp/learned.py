"""The learned part of the model: weights on hashed words. It corrects what phrases and lexicon say, and never explains alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Columns, Floats, read_words, words_and_pairs
from inboxd.adapters.nlp.hidden import Hidden
from inboxd.adapters.nlp.marked import Marked
from inboxd.adapters.nlp.network import Network
from inboxd.adapters.nlp.vectors import vectors
from inboxd.core.model import Answer, Phrase

VERSION = 3  # of features and heads: a model of another one cannot be read
HEADS = ("upset", "unhappy", "happy", "urgent", "sensitive")
ANSWERS = tuple(Answer)
PHRASES = 3.0  # how much a topic's phrases weigh beside the learned weights
# How much of what was learned of a head counts: most in a mail, little in a bare text, of which our corpus has few (decisions.md).
TRUST = np.array([[0.8, 0.8, 0.8, 1.0, 1.0], [0.1, 0.1, 0.1, 1.0, 1.0]], np.float32)
BARE, SHARPER = 0.2, 2.4  # how much the layer's topics count in a bare text beside phrases, and how much surer the sum is (decisions.md)
SOLVED = (Answer.SATISFIED, Answer.SATISFIED_AND_NEW)
BY_WORDS = 0.5  # how much weights on words count in an answer, beside the network that reads it as a whole
NEVER = 1.1
AS_A_WHOLE = 0.84  # so sure of solved a network must be; what weights on words alone must be is the policy's
BELIEVED = 0.3  # so sure of solved it must be that a plain yes of the rules stands
DOUBTED = 0.82  # so sure of solved weights on words must be where the rules read a yes with something behind it, or a question
OVERRULES = 0.85  # so sure of solved a network must be where the rules read a plain no: they know words, not what is meant
OPEN = 0.7  # so sure that nothing can be told yet what was learned must be where the rules read a plain no: "not tried yet" holds a "not"
MISSPELT = 0.97  # so sure of solved a network must be where a word may be a misspelt "not"
SIGNS = np.float32(0.3)
GROUPS = (
    "yes", "no", "solved", "well", "unsolved", "doubt", "harmless", "warm", "trouble_name", "new", "thanks", "not_thanks", "request",
    "breaks",
)  # fmt: skip
FURTHEST = 9.0  # a lexicon's word is never more certain than this (logit)
FULL_TRUST, FEW_WORDS = 16, 8
CURT = 3  # words: of a yes as short as this that the rules doubt ("Yes (sigh).") nothing learned knows more
DECLARED = 0.9  # whoever says that they are angry is
PLAIN = 0.8  # from here on a sign is plain
CANNOT_WAIT = 0.95  # from here on signs of hurry stand, whatever the rest of the mail is like
NOISE = 1e-5  # weights up to this size were made by rounding
SHOWN = 3  # phrases that only the learned part found
WEIGHTS, ABOUT = "weights.npz", "about.json"


@dataclass(frozen=True, eq=False)
class Weights:
    """All that was learned. A row a hashed column, a row an axis of the word vectors, and the bias; a column a topic, then a head.

    Of a whole corpus the hidden layer learns; the matrix is what corrections add to it, or all there is where texts are few.
    """

    mails: Columns
    matrix: Floats
    topics: tuple[str, ...]
    slopes: Floats  # what the lexicon's logit counts for each head
    biases: Floats  # (2, heads): what each head begins with, in a mail and in a bare text
    answers: Columns
    answer_matrix: Floats
    temperature: float = 1.0
    answer_temperature: float = 1.0
    about: Mapping[str, Any] = field(default_factory=dict)  # version, corpus, date, metrics
    hidden: Hidden | None = None
    corrected: bool = field(init=False)  # whether the matrix says anything

    def __post_init__(self) -> None:
        object.__setattr__(self, "corrected", bool(self.matrix.any()))

    def of_mail(self, words: Sequence[str], *, bare: bool = False) -> Floats:
        """The learned logits of a mail: its topics, then the heads. Of topics in a bare text the layer knows less than phrases do."""
        places, values = self.mails.vector(words)
        near = vectors().of(words)
        found: Floats = np.zeros(self.matrix.shape[1], np.float32)
        if self.corrected:
            rest = self.matrix[len(self.mails.buckets) :]
            found += values @ self.matrix[places] + near @ rest[:-1] + rest[-1]
        if self.hidden:
            said = self.hidden.says(self.hidden.units(places, values, near))
            said[: len(self.topics)] *= BARE if bare else 1
            found += said
        return found

    def telling(self, words: Sequence[str], column: int) -> Floats:
        """How much each hashed column, filled once by one of these words, raises one of the logits."""
        linear: Floats = self.matrix[: len(self.mails.buckets), column] * self.mails.rarity
        if not self.hidden:
            return linear
        units = self.hidden.units(*self.mails.vector(words), vectors().of(words))
        return linear + self.hidden.of_word(len(self.mails.buckets), units, column) * self.mails.rarity

    def of_answer(self, marked: Marked) -> Floats:
        """The learned logits of an answer: what its words say, then what its signs say, then the bias."""
        places, values = self.answers.vector(marked.words[marked.body :])
        rest = self.answer_matrix[len(self.answers.buckets) :]
        found: Floats = values @ self.answer_matrix[places] + signs_of_answer(marked) @ rest[:-1] + rest[-1]
        return found

    def described(self, about: Mapping[str, Any]) -> Weights:
        """The same weights with what is to be told of them."""
        return replace(self, about=about)

    def save(self, folder: Path) -> None:
        """Write the weights as bytes with one scale a column; the same weights give the same files."""
        folder.mkdir(parents=True, exist_ok=True)
        matrix, scale = _small(self.matrix)
        answer_matrix, answer_scale = _small(self.answer_matrix)
        layer: Mapping[str, Any] = self.hidden.parts() if self.hidden else {}
        np.savez_compressed(
            folder / WEIGHTS,
            buckets=self.mails.buckets.astype(np.uint16), rarity=self.mails.rarity.astype(np.float16), matrix=matrix, scale=scale,
            answer_buckets=self.answers.buckets.astype(np.uint16), answer_rarity=self.answers.rarity.astype(np.float16),
            answer_matrix=answer_matrix, answer_scale=answer_scale, slopes=self.slopes, biases=self.biases,
            numbers=np.array([self.mails.unseen, self.answers.unseen, self.temperature, self.answer_temperature], np.float32),
            topics=np.array(self.topics), **layer,
        )  # fmt: skip
        (folder / ABOUT).write_text(json.dumps(dict(self.about), indent=1, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Weights:
        """Read what `save` wrote."""
        with np.load(folder / WEIGHTS, allow_pickle=False) as z:
            unseen, answer_unseen, temperature, answer_temperature = (float(each) for each in z["numbers"])
            return cls(
                mails=Columns(z["buckets"].astype(np.int64), z["rarity"].astype(np.float32), unseen),
                matrix=z["matrix"].astype(np.float32) * z["scale"],
                topics=tuple(str(each) for each in z["topics"]),
                slopes=z["slopes"],
                biases=z["biases"],
                answers=Columns(z["answer_buckets"].astype(np.int64), z["answer_rarity"].astype(np.float32), answer_unseen),
                answer_matrix=z["answer_matrix"].astype(np.float32) * z["answer_scale"],
                temperature=temperature,
                answer_temperature=answer_temperature,
                about=json.loads((folder / ABOUT).read_text(encoding="utf-8")),
                hidden=Hidden.of(z) if "inner" in z else None,
            )


def _small(matrix: Floats) -> tuple[Any, Floats]:
    most = np.abs(matrix).max(0)
    scale = np.where(most > NOISE, most / 127, 1).astype(np.float32)
    return np.rint(matrix / scale).astype(np.int8), scale


@dataclass(frozen=True)
class BesideAnswer:
    """What is known of an answer beside the learned shares."""

    by_rules: Answer
    sure: float  # of what the rules read
    least: float = 0.0  # so sure of solved must be what was learned
    as_a_whole: bool = False  # whether a network has read it, and not weights on words alone
    asks: bool = False
    says_no: bool = False  # it begins with a no


def correct(marked: Marked, weights: Weights, whole: Network | None = None) -> None:
    """Let the learned part speak beside phrases and lexicon; nothing is said of a language that we do not know."""
    if not marked.language_known or marked.fresh >= len(marked.words):
        return
    if marked.reply and any(word[0].isalnum() for word in marked.words[marked.body :]):  # of signs alone the rules know more
        marked.answer, marked.answer_sure = _answered(marked, weights, whole)  # first: it was learned beside what the lexicon feels
    words = marked.words[marked.fresh :]
    bare = not is_mail(marked)
    logits = weights.of_mail(words, bare=bare)
    count = len(weights.topics)
    if not marked.own_topic:  # what admins wrote wins
        surer = SHARPER if bare and weights.hidden else 1.0
        marked.topics = beside(shares_of(logits[:count], dict(marked.topics), weights, surer), marked.near)
    heads = dict(zip(HEADS, heads_of(logits[count:], marked, weights), strict=True))
    before = marked.upset
    if any(hit.sign.group == "request" for hit in marked.hits):
        heads["happy"] = min(heads["happy"], marked.happy)  # thanks beside a wish are manners
    marked.upset, marked.unhappy, marked.happy = heads["upset"], heads["unhappy"], heads["happy"]
    elsewhere = {hit.start for hit in marked.hits if hit.sign.group == "elsewhere"}  # "I'm so angry" - "with that man"
    if any(hit.sign.group == "declared" and hit.start >= marked.fresh and hit.end not in elsewhere for hit in marked.hits):
        marked.upset = max(marked.upset, DECLARED)  # "I am very angry": how calm the rest is shows manners, and no peace of mind
    if any(hit.sign.group == "not_urgent" for hit in marked.hits):
        heads["urgent"] = min(heads["urgent"], marked.urgent)
    elif marked.urgent >= CANNOT_WAIT:
        heads["urgent"] = max(heads["urgent"], marked.urgent)
    # plain words of death, danger or law stand, whatever was learned: a mail too many for a person is no harm
    if len(words) < FEW_WORDS:
        heads["sensitive"] = min(heads["sensitive"], marked.sensitive)  # "My phone battery died."
    marked.urgent, marked.sensitive = heads["urgent"], max(heads["sensitive"], marked.sensitive if marked.sensitive >= PLAIN else 0.0)
    if marked.upset >= 0.5 and before < 0.5:
        marked.phrases = (*_telling(marked, words, weights, count), *marked.phrases)


def _answered(marked: Marked, weights: Weights, whole: Network | None) -> tuple[Answer, float]:
    """What a reply answers, and how surely: by its words, and as a whole where a network reads its language."""
    text = marked.text(marked.body, len(marked.words))
    asks = "?" in marked.words[marked.body :]
    logits, least = weights.of_answer(marked) / weights.answer_temperature, 0.0
    network = whole if whole and (marked.language or whole.knows(text)) else None
    if network:
        read = [BY_WORDS * logits + (1 - BY_WORDS) * each for each in network.read(text)]
        logits = min(read, key=lambda each: _solved(softmax(each)))
        own = next((each for each in marked.lexicons if each.language == marked.language), marked.lexicons[0])
        least = MISSPELT if network.may_hide_a_no(text, own.negators) else AS_A_WHOLE
    doubted = marked.answer is Answer.UNCLEAR and marked.answer_sure > 0 and len(text.split()) <= CURT
    if doubted or any(hit.sign.group == "reserve" and hit.start >= marked.body for hit in marked.hits):
        least = NEVER
    says_no = any(hit.sign.group == "no" and hit.start == marked.body for hit in marked.hits)  # "Not yet. What is still wrong: ..."
    known = BesideAnswer(marked.answer, marked.answer_sure, least, as_a_whole=network is not None, asks=asks, says_no=says_no)
    return answer(softmax(logits), known)


def _solved(shares: Floats) -> float:
    return float(sum(shares[ANSWERS.index(each)] for each in SOLVED))


def shares_of(logits: Floats, phrases: Mapping[str, float], weights: Weights, surer: float = 1.0) -> tuple[tuple[str, float], ...]:
    """Topics with their calibrated shares, best first."""
    told = np.array([phrases.get(topic, 0.0) for topic in weights.topics], np.float32)
    shares = softmax((logits + PHRASES * told) * (surer / weights.temperature))
    best = np.argsort(-shares, kind="stable")[:5]
    return tuple((weights.topics[place], float(shares[place])) for place in best)


def beside(topics: tuple[tuple[str, float], ...], near: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Topics of the admins' that a text comes near to, before those that were learned: what is left goes to these."""
    if not near:
        return topics
    most = max(near.values())
    found = {topic: share * (1 - most) for topic, share in topics}
    for topic, share in near.items():
        found[topic] = max(found.get(topic, 0.0), share * most / sum(near.values()))
    return tuple(sorted(found.items(), key=lambda each: (-each[1], each[0]))[:5])


def heads_of(logits: Floats, marked: Marked, weights: Weights) -> list[float]:
    """The probabilities of the heads, each beside what the lexicon says of it."""
    kind = 0 if is_mail(marked) else 1
    damped = min(1.0, (len(marked.words) / FULL_TRUST) ** 0.5)  # a few words are always all of one kind
    raised = TRUST[kind] * damped * logits + weights.slopes * priors(marked) + weights.biases[kind]
    return [float(each) for each in 1 / (1 + np.exp(-np.clip(raised, -30, 30)))]


def is_mail(marked: Marked) -> bool:
    """Whether a text is a mail by its form: a subject, a greeting, a word of closing. A review or a post has none of them."""
    return marked.body > 0 or any(hit.sign.group == "closing" for hit in marked.hits)


def priors(marked: Marked) -> Floats:
    """What phrases and lexicon say of each head, as logits."""
    said = np.array([marked.upset, marked.upset, marked.happy, marked.urgent, marked.sensitive], np.float32)
    said = np.clip(said, 1e-6, 1 - 1e-6)
    found: Floats = np.clip(np.log(said / (1 - said)), -FURTHEST, FURTHEST)
    return found


def answer(shares: Floats, beside: BesideAnswer) -> tuple[Answer, float]:
    """The likeliest answer, and how sure it is of solved or not, beside what the rules read.

    A person should read it where the rules and what was learned part ways and where what was learned is less sure of a yes than `least`;
    if no network has read it as a whole, also where the rules doubt a yes or something is asked. Who begins with a no says no.
    """
    by_rules, sure, least = beside.by_rules, beside.sure, beside.least
    best = ANSWERS[int(np.argmax(shares))]
    solved = _solved(shares)
    if by_rules in SOLVED and sure >= PLAIN:
        return (by_rules, max(sure, solved)) if solved >= BELIEVED else (Answer.UNCLEAR, 1 - solved)
    if by_rules is Answer.DISSATISFIED and sure >= PLAIN and not (beside.as_a_whole and solved >= max(least, OVERRULES)):
        if shares[ANSWERS.index(Answer.UNCLEAR)] >= OPEN and not beside.says_no:
            return Answer.UNCLEAR, 1 - solved
        return (by_rules, sure) if solved < 0.5 else (Answer.UNCLEAR, solved)
    if by_rules in SOLVED and best is Answer.DISSATISFIED:
        return Answer.UNCLEAR, 1 - solved
    if best not in SOLVED:
        return best, float(shares.max())
    if not beside.as_a_whole and (beside.asks or sure > 0):
        least = max(least, DOUBTED)
    return (best, solved) if solved >= least else (Answer.UNCLEAR, 1 - solved)


def signs_of_answer(marked: Marked) -> Floats:
    """What phrases, lexicon, form, the rules and the word vectors say of an answer, in numbers of about the size of a word's."""
    words = marked.words[marked.body :]  # the subject is ours
    groups = Counter(hit.sign.group for hit in marked.hits if hit.start >= marked.body)
    feeling = [float(each) / 3 for each in priors(marked)[[0, 2]]]
    negated = any(word in lexicon.negators for word in words for lexicon in marked.lexicons)
    form = [marked.thanks_only, float(np.log1p(len(words))) / 4, float("?" in words), float(negated)]
    counts = [float(min(2, groups[group])) for group in GROUPS]
    by_rules = [max(marked.answer_sure, 0.5) * (marked.answer is each) for each in ANSWERS]
    return np.concatenate([SIGNS * np.array([*feeling, *form, *counts], np.float32), np.array(by_rules, np.float32), vectors().of(words)])


def softmax(logits: NDArray[Any]) -> Floats:
    """Shares that add up to one."""
    raised = np.exp((logits - logits.max(axis=-1, keepdims=True)).astype(np.float32))
    found: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return found


def _telling(marked: Marked, words: Sequence[str], weights: Weights, count: int) -> list[Phrase]:
    """The words that made the learned part say upset, for the eye of a person: pairs and words with the largest weights."""
    places = [marked.fresh + place for place in read_words(words)]
    read = [marked.words[place] for place in places]
    small = frozenset().union(*(lexicon.function_words for lexicon in marked.lexicons))
    singles, pairs = words_and_pairs(words)
    column = weights.telling(words, count)
    scored = []
    for buckets, span in ((pairs, 2), (singles, 1)):
        rows = weights.mails.places[buckets]
        for index, row in enumerate(rows):
            together = places[index + span - 1] == places[index] + span - 1  # no mark and no paragraph's end between
            telling = any(len(word) > 3 and word.isalpha() and word not in small for word in read[index : index + span])
            if row >= 0 and column[row] > 0 and together and telling:
                scored.append((float(column[row]), places[index], places[index + span - 1] + 1))
    shown: list[Phrase] = []
    kept: list[tuple[int, int]] = []
    best = max((value for value, _, _ in scored), default=1.0)
    for value, start, end in sorted(scored, key=lambda each: -each[0]):
        if not any(start < b and a < end for a, b in kept) and marked.text(start, end) not in {phrase.text for phrase in shown}:
            kept.append((start, end))
            shown.append(Phrase(text=marked.text(start, end), weight=round(value / best, 3), why="reads like upset mails"))
        if len(shown) == SHOWN:
            break
    return shown
