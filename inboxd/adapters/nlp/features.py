"""What the learned part sees of a text: hashed words, pairs of words, and pieces of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 16
PIECES = (3, 4, 5)  # lengths of the pieces of words, the spaces around a word included
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MORE = np.uint64(0xC2B2AE3D27D4EB4F)
_BASE = np.uint64(1_000_003)
_PAIR = np.uint64((1_000_003 * 0xC2B2AE3D27D4EB4F) % (1 << 64))
_SHIFT = np.uint64(64 - 16)
_SPACE = np.uint64(33)  # code of " ", one up

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]
Numbers = NDArray[np.uint64]


class Sparse(NamedTuple):
    """The features of one text: bucket numbers, each once and in order, and how much of each there is (1 + log of its count)."""

    ids: Ids
    counts: Floats


def read_words(words: Sequence[str]) -> list[int]:
    """The places of the words that are read: no marks but "?" and "!"."""
    return [place for place, word in enumerate(words) if word[0].isalnum() or word in "#?!"]


def features(words: Sequence[str]) -> Sparse:
    """Hash lower-case words, their pairs, and their pieces. The same in every process and on every machine."""
    kept = [words[place] for place in read_words(words)]
    if not kept:
        return Sparse(np.zeros(0, np.int64), np.zeros(0, np.float32))
    with np.errstate(over="ignore"):
        codes = _codes(kept)
        singles, pairs = _words_and_pairs(codes)
        found = [singles, pairs]
        inner = np.cumsum(codes == _SPACE)
        rolling = codes
        for length in range(2, max(PIECES) + 1):
            if len(codes) < length:
                break
            rolling = rolling[: len(codes) - length + 1] * _BASE + codes[length - 1 :]
            if length in PIECES:  # a piece lies inside one word: no space but at its two ends
                found.append(_bucket(rolling[inner[: len(rolling)] == inner[length - 2 : length - 2 + len(rolling)]], length))
    ids, counts = np.unique(np.concatenate(found), return_counts=True)
    return Sparse(ids, (1 + np.log(counts)).astype(np.float32))


@dataclass(frozen=True, eq=False)
class Columns:
    """The buckets that count, how rare each is, and how rare those are that training never saw."""

    buckets: Ids
    rarity: Floats
    unseen: float
    places: Ids = field(init=False)

    def __post_init__(self) -> None:
        places = np.full(BUCKETS, -1, np.int64)
        places[self.buckets] = np.arange(len(self.buckets))
        object.__setattr__(self, "places", places)

    def vector(self, words: Sequence[str]) -> tuple[Ids, Floats]:
        """Which columns a text fills, and how much: of length 1 with what is unknown, so that a text of unknown words says little."""
        return self.filled(features(words))

    def filled(self, text: Sparse) -> tuple[Ids, Floats]:
        """The same of hashed words."""
        places = self.places[text.ids]
        known = places >= 0
        values = text.counts * np.where(known, self.rarity[places], np.float32(self.unseen))
        length = float(np.sqrt(values @ values)) or 1.0
        return places[known], values[known] / np.float32(length)


def words_and_pairs(words: Sequence[str]) -> tuple[Ids, Ids]:
    """The buckets of the words and of the pairs that begin with each, in the order of `read_words`."""
    kept = [words[place] for place in read_words(words)]
    if not kept:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    with np.errstate(over="ignore"):
        return _words_and_pairs(_codes(kept))


def _codes(words: Sequence[str]) -> Numbers:
    text = f" {' '.join(words)} "
    return np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64) + np.uint64(1)


def _words_and_pairs(codes: Numbers) -> tuple[Ids, Ids]:
    """One number for each word: the polynomial of its letters, taken from differences of sums (no loop over letters)."""
    places = np.flatnonzero(codes == _SPACE)
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes * _powers(len(codes)))))
    # the same word at another place differs by a power of the base: undone by the inverse, which an odd base has
    each = (sums[places[1:]] - sums[places[:-1] + 1]) * _inverses(len(codes))[places[:-1] + 1]
    return _bucket(each, 0), _bucket(each[:-1] * _PAIR + each[1:], 1)


def _bucket(numbers: Numbers, kind: int) -> Ids:
    mixed = (numbers + np.uint64(kind * 0x100000001B3 + 7)) * _MIX
    mixed ^= mixed >> np.uint64(29)
    return ((mixed * _MORE) >> _SHIFT).astype(np.int64)


class _Powers:
    """Powers of the base and of its inverse, grown when a longer text comes."""

    powers = np.ones(1, np.uint64)
    inverses = np.ones(1, np.uint64)


def _powers(length: int) -> Numbers:
    _grow(length)
    return _Powers.powers[:length]


def _inverses(length: int) -> Numbers:
    _grow(length)
    return _Powers.inverses[:length]


def _grow(length: int) -> None:
    if len(_Powers.powers) < length:
        room = max(length, 8192)
        inverse = np.uint64(pow(int(_BASE), -1, 1 << 64))
        _Powers.powers = np.cumprod(np.concatenate((np.ones(1, np.uint64), np.full(room, _BASE, np.uint64))), dtype=np.uint64)
        _Powers.inverses = np.cumprod(np.concatenate((np.ones(1, np.uint64), np.full(room, inverse, np.uint64))), dtype=np.uint64)
