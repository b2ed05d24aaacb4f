"""Topics that admins name: how near a text comes to their name, description and phrases, before any mail was labelled so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from inboxd.adapters.nlp.features import BUCKETS, Floats, Ids, features
from inboxd.adapters.nlp.lexicon import tokens
from inboxd.adapters.nlp.vectors import SCALE, vectors

NEAR, STEEP = 0.55, 14.0  # from here on a text is rather of the topic than not; how fast doubt turns into certainty


class OwnTopics:
    """Each topic is a handful of phrases. A text is as near as half its nearest phrase and half their middle."""

    def __init__(self, topics: Mapping[str, Sequence[str]]) -> None:
        self.names = tuple(name for name, phrases in topics.items() if phrases)
        said = [(name, tokens(phrase.lower().replace("’", "'"))) for name in self.names for phrase in topics[name]]
        sparse = [features(words) for _, words in said]
        seen = np.bincount(np.concatenate([text.ids for text in sparse] or [np.zeros(0, np.int64)]), minlength=BUCKETS)
        self._rarity = (np.log((1 + len(said)) / (1 + seen)) + 1).astype(np.float32)
        self._buckets: Ids = np.flatnonzero(seen)
        self._places = np.full(BUCKETS, -1, np.int64)
        self._places[self._buckets] = np.arange(len(self._buckets))
        rows = np.stack([self._row(words) for _, words in said]) if said else np.zeros((0, 1), np.float32)
        self._phrases: Floats = rows
        self._of = np.array([self.names.index(name) for name, _ in said], np.int64)
        middles = [rows[self._of == place].mean(0) for place in range(len(self.names))]
        self._middles: Floats = np.stack([each / (np.linalg.norm(each) + 1e-6) for each in middles]) if middles else rows

    def _row(self, words: Sequence[str]) -> Floats:
        """Hashed words and the direction of their vectors, each half, of length 1 together."""
        found = features(words)
        values = found.counts * self._rarity[found.ids]
        values /= np.float32(np.sqrt(values @ values) or 1.0)
        places = self._places[found.ids]
        row = np.zeros(len(self._buckets), np.float32)
        row[places[places >= 0]] = values[places >= 0]
        whole: Floats = (np.concatenate([row, vectors().of(words) / SCALE]) / np.sqrt(2)).astype(np.float32)
        return whole

    def scores(self, words: Sequence[str]) -> Floats:
        """How near the text is to each topic, in the order of `names`: 0 nothing in common, 1 the same."""
        if not self.names:
            return np.zeros(0, np.float32)
        row = self._row(words)
        near = self._phrases @ row
        nearest = np.array([near[self._of == place].max() for place in range(len(self.names))], np.float32)
        found: Floats = ((nearest + self._middles @ row) / 2).astype(np.float32)
        return found

    def shares(self, words: Sequence[str]) -> dict[str, float]:
        """The topics that the text is probably about, with a share each."""
        scores = self.scores(words)
        likely = 1 / (1 + np.exp(-STEEP * (scores - NEAR)))
        return {name: float(share) for name, share in zip(self.names, likely, strict=True) if share >= 0.5}
