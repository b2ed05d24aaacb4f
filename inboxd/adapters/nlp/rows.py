"""Texts x columns for fitting: kept sparse, and dense only a block of texts at a time. Whole, it would take a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Columns, Floats, Ids, Sparse

BLOCK = 512  # texts


@dataclass(frozen=True, eq=False)
class Rows:
    """A row a text: its hashed columns, then what is known of it beside them."""

    starts: Ids  # where each text's entries begin; one more at the end
    places: NDArray[np.int32]
    values: Floats
    hashed: int  # columns that the places count
    beside: Floats  # texts x further columns

    def __len__(self) -> int:
        return len(self.beside)

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.hashed + self.beside.shape[1])

    def part(self, which: NDArray[np.bool_]) -> Rows:
        """The rows that a mask keeps."""
        lengths = np.diff(self.starts)
        kept = np.repeat(which, lengths)
        return Rows(_starts(lengths[which]), self.places[kept], self.values[kept], self.hashed, self.beside[which])

    def dense(self, which: Ids, chance: np.random.Generator, kept: float) -> Floats:
        """Some rows, dense, with a share of their hashed entries left in, drawn anew each time, and these so much the larger."""
        lengths = np.diff(self.starts)[which]
        entries = np.repeat(self.starts[which] - _starts(lengths)[:-1], lengths) + np.arange(lengths.sum())
        drawn = chance.random(len(entries), np.float32) < kept
        entries, rows = entries[drawn], np.repeat(np.arange(len(which)), lengths)[drawn]
        found = np.zeros((len(which), self.width), np.float32)
        found[rows, self.places[entries]] = self.values[entries] / np.float32(kept)
        found[:, self.hashed :] = self.beside[which]
        return found

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Some rows after the other, dense; what was given is written over by the next."""
        room = np.zeros((min(BLOCK, len(self)), self.width), np.float32)
        for start in range(0, len(self), BLOCK):
            end = min(start + BLOCK, len(self))
            dense, entries = room[: end - start], slice(self.starts[start], self.starts[end])
            dense[:, : self.hashed] = 0
            rows = np.repeat(np.arange(end - start), np.diff(self.starts[start : end + 1]))
            dense[rows, self.places[entries]] = self.values[entries]
            dense[:, self.hashed :] = self.beside[start:end]
            yield slice(start, end), dense

    def times(self, matrix: Floats) -> Floats:
        """The product with weights whose last row is the bias."""
        found = np.zeros((len(self), matrix.shape[1]), np.float32)
        for rows, dense in self.blocks():
            found[rows] = dense @ matrix[:-1] + matrix[-1]
        return found


def rows_of(columns: Columns, sparse: Sequence[Sparse], beside: Floats) -> Rows:
    """Fill the columns with each text's words."""
    filled = [columns.filled(text) for text in sparse]
    return Rows(
        starts=_starts(np.array([len(places) for places, _ in filled], np.int64)),
        places=np.concatenate([np.zeros(0, np.int32), *(places.astype(np.int32) for places, _ in filled)]),
        values=np.concatenate([np.zeros(0, np.float32), *(values for _, values in filled)]),
        hashed=len(columns.buckets),
        beside=beside,
    )


def filled(columns: Columns, sparse: Sequence[Sparse]) -> Floats:
    """The hashed columns of a few texts, dense."""
    rows = rows_of(columns, sparse, np.zeros((len(sparse), 0), np.float32))
    return np.concatenate([dense.copy() for _, dense in rows.blocks()])


def _starts(lengths: Ids) -> Ids:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
