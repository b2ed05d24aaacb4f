"""The explained upset lexicon: word valences and families of phrases with fixed weights, and which words said it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import exp, sqrt

from inboxd.adapters.nlp.lexicon import Lexicon
from inboxd.adapters.nlp.marked import Marked
from inboxd.core.model import Phrase

# Weights of the features. They were set by hand and are the same in all languages; families have theirs in the files.
BIAS = -1.55
NEGATIVE, POSITIVE, WORST, MEAN = 1.0, -1.0, 0.3, -1.0
TURNED_POSITIVE = 0.5
CAPITALS, EXCLAMATION, LOUD_MARKS = 0.3, 0.1, 0.3
MOST_CAPITALS, MOST_EXCLAMATIONS = 10, 6
HAPPY_BIAS = -2.0
ASKING = 1.2  # thanks beside a wish are manners
HAPPY_WORDS, UNHAPPY_WORDS, AGAINST_HAPPY = 1.2, 1.6, 0.8
TURN = -0.7  # what a negation makes of a valence
NEGATION_WINDOW = 3
MOST_OF_A_FAMILY = 4
PHRASES_KEPT = 12
THANKS = "thanks"


@dataclass(slots=True)
class _Sum:
    positive: float = 0.0
    negative: float = 0.0
    worst: float = 0.0
    turned: int = 0
    warm: float = 0.0  # families that speak for a happy writer
    total: float = 0.0
    shares: dict[tuple[int, int], tuple[float, str]] = field(default_factory=dict)  # span -> weight, why

    def add(self, span: tuple[int, int], weight: float, why: str) -> None:
        before, _ = self.shares.get(span, (0.0, why))
        self.shares[span] = (before + weight, why)  # a family, which comes after the valences, says more than "negative word"


def feel(marked: Marked) -> tuple[float, float, tuple[Phrase, ...]]:
    """How upset and how happy (0..1 each) the words show their writer, with the words that showed it."""
    count = max(1, sum(word[0].isalpha() for word in marked.words[marked.fresh :]))
    found = _Sum()
    polite = {index for hit in marked.hits if hit.sign.group == "closing" for index in range(hit.start, hit.end)}  # "kind regards"
    for lexicon in marked.lexicons:
        _valences(marked, lexicon, found, count, polite)
        _families(marked, lexicon, found, count, polite)
    root = sqrt(count)
    z = BIAS + found.total + NEGATIVE * found.negative / root + POSITIVE * found.positive / root - WORST * found.worst
    z += MEAN * (found.positive - found.negative) / count + TURNED_POSITIVE * min(found.turned, 4) + _loudness(marked, found, root)
    asks = any(hit.sign.group == "request" for hit in marked.hits)
    h = HAPPY_BIAS - ASKING * asks + HAPPY_WORDS * found.positive / root - UNHAPPY_WORDS * found.negative / root + found.warm
    h -= AGAINST_HAPPY * max(0.0, found.total) + TURNED_POSITIVE * found.turned
    return _sigmoid(z), _sigmoid(h), _explained(marked, found)


def _valences(marked: Marked, lexicon: Lexicon, found: _Sum, count: int, polite: set[int]) -> None:
    words, valences, negators = marked.words, lexicon.valences, lexicon.negators
    each = 1 / sqrt(count) + 1 / count
    for index in range(marked.fresh, len(words)):
        value = valences.get(words[index])
        if not value or index in polite:
            continue
        before = marked.before(index, NEGATION_WINDOW)
        start = index
        if before and not negators.isdisjoint(before):
            found.turned += value > 0
            value *= TURN
            start = index - len(before) + next(i for i, word in enumerate(before) if word in negators)
        if before and before[-1] in lexicon.intensifiers:
            value *= 1.3
        if len(words[index]) > 2 and marked.text(index, index + 1).isupper():
            value *= 1.25
        if value > 0:
            found.positive += value
        else:
            found.negative -= value
        found.worst = min(found.worst, value)
        found.add((start, index + 1), -value * each, "negative word" if value < 0 else "kind word")


def _families(marked: Marked, lexicon: Lexicon, found: _Sum, count: int, polite: set[int]) -> None:
    counts: dict[str, int] = {}
    scale = 1.0 if count < 60 else 1 / sqrt(count / 60)
    taken: dict[str, int] = {}  # family -> end of its last span: "not happy" does not count again as "happy"
    felt = (hit for hit in marked.hits if hit.sign.group == "feeling" and hit.start >= marked.fresh and hit.start not in polite)
    for sign, start, end in sorted(felt, key=lambda hit: (hit.start, -hit.end)):
        name = sign.name
        if start < taken.get(name, -1) or counts.get(name, 0) >= MOST_OF_A_FAMILY:
            continue
        if name in lexicon.turned_dropped and _negated(marked, lexicon, start):
            continue
        taken[name] = end
        counts[name] = counts.get(name, 0) + 1
        found.total += sign.weight * scale
        if sign.weight < -0.4:
            found.warm -= sign.weight * scale
        found.add((start, end), sign.weight * scale, sign.why)


def _negated(marked: Marked, lexicon: Lexicon, start: int) -> bool:
    return not lexicon.negators.isdisjoint(marked.before(start, NEGATION_WINDOW))


def _loudness(marked: Marked, found: _Sum, root: float) -> float:
    """What capitals and exclamation marks add; runs of capitals are shown."""
    words, text = marked.words, marked.shown[marked.starts[marked.fresh] :]
    loud = [index for index in range(marked.fresh, len(words)) if len(words[index]) > 2 and marked.text(index, index + 1).isupper()]
    for index, after in pairwise(loud):
        if after == index + 1:
            found.add((index, index + 2), 2 * CAPITALS / root, "capitals")
    weight = CAPITALS * min(len(loud), MOST_CAPITALS) / root
    if found.negative > found.positive:
        weight += EXCLAMATION * min(text.count("!"), MOST_EXCLAMATIONS)
    return weight + LOUD_MARKS * ("?!" in text or "!?" in text or "!!" in text)


def _explained(marked: Marked, found: _Sum) -> tuple[Phrase, ...]:
    """The words that speak for the reading, with their share, strongest first; beside upset ones thanks stay."""
    upset = sum(weight for weight, _ in found.shares.values()) > 0
    told = {span: (w, why) for span, (w, why) in found.shares.items() if (w > 0) is upset or why == THANKS}
    whole = sum(abs(weight) for weight, _ in told.values()) or 1.0
    kept: list[tuple[int, int]] = []
    phrases: list[Phrase] = []
    for (start, end), (weight, why) in sorted(told.items(), key=lambda item: -abs(item[1][0])):
        if any(start < other_end and other_start < end for other_start, other_end in kept):
            continue
        kept.append((start, end))
        phrases.append(Phrase(text=marked.text(start, end), weight=round(abs(weight) / whole, 3), why=why))
        if len(phrases) == PHRASES_KEPT:
            break
    return tuple(phrases)


def _sigmoid(z: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, z))))
