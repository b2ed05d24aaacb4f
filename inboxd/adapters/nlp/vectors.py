"""Small word vectors, so that "parcel" is near "package": 23,000 English words, distilled from a sentence encoder.

The recipe is tools/distil_vectors.py; source and licence stand in data/en/vectors.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Floats
from inboxd.adapters.nlp.nibbles import unpacked

FILE = Path(__file__).with_name("data") / "en" / "vectors.npz"
WIDTH = 128
SCALE = np.float32(0.7)  # beside hashed words, whose vector has length 1


class Vectors:
    """Rows of small whole numbers with one scale a word."""

    def __init__(self, file: Path) -> None:
        with np.load(file, allow_pickle=False) as z:
            words = bytes(z["words"]).decode("utf-8").split("\n")
            self._rows: NDArray[np.int8] = unpacked(z["rows"])
            self._scale: Floats = z["scale"].astype(np.float32)[:, None]
        self._places = {word: place for place, word in enumerate(words)}

    def of(self, words: Sequence[str]) -> Floats:
        """The direction in which the words of a text point, of length SCALE; nothing where it knows none of them."""
        places = [place for word in words if (place := self._places.get(word)) is not None]
        if not places:
            return np.zeros(WIDTH, np.float32)
        found: Floats = (self._rows[places] * self._scale[places]).sum(0)
        return found * (SCALE / (np.float32(np.sqrt(found @ found)) + np.float32(1e-6)))


@cache
def vectors() -> Vectors:
    """The shipped vectors, loaded once."""
    return Vectors(FILE)
