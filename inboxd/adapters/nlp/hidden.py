"""A hidden layer beside the linear weights: what words mean together. It is fitted to a whole corpus, and kept as it is afterwards.

Linear weights add up what each word says; sixty-four units between words and labels can tell "cancelled" among trains from "cancelled"
among contracts (Bengio et al. 2003; Joulin et al. 2016 without the hidden step). A few hundred texts are too few for it: they are
learned by the linear weights alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Floats, Ids
from inboxd.adapters.nlp.nibbles import MOST, packed, unpacked
from inboxd.adapters.nlp.rows import Rows

UNITS = 64
ROUNDS, BATCH = 5, 64  # over all texts; texts a step
PACE, SHRINK = 0.015, 0.03
KEPT_WORDS, KEPT_UNITS = 0.75, 0.7  # of each text and each step, so that none is relied on (Srivastava et al. 2014)
BEGIN = 0.1  # the spread of the weights at the beginning
WIDEST = 4.0  # spreads of a unit's weights that four bits reach
SEED = 17
Wrong = Callable[[Any, Floats], tuple[float, Floats]]  # some places of texts, their logits -> the loss and its slope


@dataclass(frozen=True, eq=False)
class Hidden:
    """Weights into the units (a row a column of the texts, then the bias) and out of them (a row a unit, then the bias)."""

    inner: Floats
    outer: Floats
    step: Floats  # of each unit's weights, of which a file keeps whole numbers

    def units(self, places: Ids, values: Floats, beside: Floats) -> Floats:
        """What the units say of one text: of the hashed columns that it fills, and of what is known beside them."""
        rest = self.inner[len(self.inner) - len(beside) - 1 :]
        found: Floats = np.maximum(values @ self.inner[places] + beside @ rest[:-1] + rest[-1], 0)
        return found

    def says(self, units: Floats) -> Floats:
        """The logits that the units make."""
        found: Floats = units @ self.outer[:-1] + self.outer[-1]
        return found

    def of_word(self, hashed: int, units: Floats, column: int) -> Floats:
        """How much each of the hashed columns raises one logit, in a text of which the units say this."""
        through = np.where(units > 0, self.outer[:-1, column], np.float32(0))
        found: Floats = self.inner[:hashed] @ through
        return found

    def times(self, rows: Rows) -> Floats:
        """The logits of many texts."""
        found = np.zeros((len(rows), self.outer.shape[1]), np.float32)
        for at, dense in rows.blocks():
            found[at] = self.says(np.maximum(dense @ self.inner[:-1] + self.inner[-1], 0))
        return found

    def moved(self, rows: Sequence[int], width: int, kept: Sequence[int], places: Sequence[int], count: int) -> Hidden:
        """The same for other columns and labels: where each row stands now, and which labels are kept where. Of new ones it says little."""
        inner = np.zeros((width, self.inner.shape[1]), np.float32)
        inner[rows] = self.inner
        outer = np.zeros((len(self.outer), count), np.float32)
        outer[-1] = self.outer[-1].min()
        outer[:, places] = self.outer[:, kept]
        return Hidden(inner, outer, self.step)

    def parts(self) -> dict[str, NDArray[Any]]:
        """As small whole numbers with one step a unit."""
        inner = np.rint(self.inner[:-1] / self.step).astype(np.int8)
        return {"inner": packed(inner), "inner_step": self.step, "inner_bias": self.inner[-1], "outer": self.outer.astype(np.float16)}

    @classmethod
    def of(cls, parts: Mapping[str, NDArray[Any]]) -> Hidden:
        """What `parts` made."""
        inner = np.concatenate([unpacked(parts["inner"]).astype(np.float32) * parts["inner_step"], parts["inner_bias"][None]])
        return cls(inner, parts["outer"].astype(np.float32), parts["inner_step"])


def fit(rows: Rows, wrong: Wrong, labels: int) -> Hidden:
    """Minimise what `wrong` says, a few texts a step (AdamW: Loshchilov and Hutter 2019). The same texts give the same weights."""
    chance = np.random.default_rng(SEED)
    inner = chance.normal(0, BEGIN, (rows.width + 1, UNITS)).astype(np.float32)
    inner[-1] = 0
    outer = chance.normal(0, UNITS**-0.5, (UNITS + 1, labels)).astype(np.float32)
    outer[-1] = 0
    weights = (_Adam(inner), _Adam(outer))
    batches = [batch for _ in range(ROUNDS) for batch in _shuffled(len(rows), chance)]
    for step, which in enumerate(batches):
        dense = rows.dense(which, chance, KEPT_WORDS)
        raised = dense @ inner[:-1] + inner[-1]
        kept = (raised > 0) * (chance.random(raised.shape, np.float32) < KEPT_UNITS) / np.float32(KEPT_UNITS)
        units = raised * kept
        _, off = wrong(which, units @ outer[:-1] + outer[-1])
        off = (off / len(which)).astype(np.float32)
        back = (off @ outer[:-1].T) * kept
        pace = PACE * max(0.02, 1 - step / len(batches))
        weights[0].step(np.concatenate([dense.T @ back, back.sum(0, keepdims=True)]), pace)
        weights[1].step(np.concatenate([units.T @ off, off.sum(0, keepdims=True)]), pace)
    return _small(inner, outer)


def _small(inner: Floats, outer: Floats) -> Hidden:
    """Round the weights to what a file keeps of them: what is saved is what was fitted."""
    step = (WIDEST * inner[:-1].std(0) / MOST + 1e-12).astype(np.float32)
    inner[:-1] = np.rint(inner[:-1] / step).clip(-MOST, MOST) * step
    return Hidden(inner, outer.astype(np.float16).astype(np.float32), step)


def _shuffled(count: int, chance: np.random.Generator) -> list[Ids]:
    return np.array_split(chance.permutation(count), -(-count // BATCH))


class _Adam:
    """Kingma and Ba 2015; changes the weights in place."""

    def __init__(self, weights: Floats) -> None:
        self.weights, self.count = weights, 0
        self.mean, self.square = np.zeros_like(weights), np.zeros_like(weights)

    def step(self, slope: Floats, pace: float) -> None:
        """One step against the slope."""
        self.count += 1
        self.mean += np.float32(0.1) * (slope - self.mean)
        self.square += np.float32(0.001) * (slope * slope - self.square)
        size = np.float32(pace * (1 - 0.999**self.count) ** 0.5 / (1 - 0.9**self.count))
        self.weights *= np.float32(1 - pace * SHRINK)
        self.weights -= size * self.mean / (np.sqrt(self.square) + np.float32(1e-8))
