"""A small network that reads answers as a whole: word order, "not any more", a kind word before a no.

Weights on words cannot tell "it stopped leaking" from "it stopped working". This one can: three layers of a transformer (Vaswani et
al. 2017), in numpy. It has been taught by a sentence encoder that had learned our answers; the recipe is tools/distil_answers.py,
source and licence stand in data/en/answers.md. It takes some milliseconds, and only replies are read by it. Languages without a file
do without.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Floats

DATA = Path(__file__).with_name("data")
NAME = "answers.npz"
WIDTH, HEADS, LAYERS = 384, 12, 3
MOST_PIECES = 96  # of a text, with the two that mark its ends
MOST_LETTERS = 100  # of a word that is cut into pieces
FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")  # as BERT cuts: each mark stands alone
_GELU = np.float32((2 / np.pi) ** 0.5)


class Network:
    """Layers of small whole numbers with one step a column; they are unpacked layer by layer, so that little memory is held."""

    def __init__(self, parts: Mapping[str, NDArray[Any]]) -> None:
        self._parts = parts
        self._temperature = np.float32(parts["temperature"])
        self._places = {piece: place for place, piece in enumerate(bytes(parts["pieces"]).decode("utf-8").split("\n"))}

    def logits(self, text: str) -> Floats:
        """What the text answers, in the order of `learned.ANSWERS`, as calibrated logits."""
        pieces = self.cut(text)
        x = self._even("first", self._rows(pieces) + self._parts["at"][: len(pieces)].astype(np.float32))
        for layer in range(LAYERS):
            x = self._layer(layer, x)
        found: Floats = self._times("out", x.mean(0)) / self._temperature
        return found

    def cut(self, text: str) -> list[int]:
        """The pieces of a text: its words, and those that are not known in the longest parts that are (WordPiece, Devlin et al. 2018)."""
        found = [self._places[FIRST]]
        for word in _WORD.findall(_plain(text)):
            found += self._pieces(word)
            if len(found) >= MOST_PIECES:
                break
        return [*found[: MOST_PIECES - 1], self._places[LAST]]

    def _pieces(self, word: str) -> list[int]:
        found, start = [], 0
        while start < len(word) <= MOST_LETTERS:
            ends = (end for end in range(len(word), start, -1) if ("##" * (start > 0) + word[start:end]) in self._places)
            end = next(ends, 0)
            if not end:
                return [self._places[UNKNOWN]]
            found.append(self._places["##" * (start > 0) + word[start:end]])
            start = end
        return found or [self._places[UNKNOWN]]

    def _rows(self, pieces: list[int]) -> Floats:
        rows: Floats = self._parts["words"][pieces] * self._parts["words_step"][pieces][:, None]
        return rows

    def _times(self, name: str, x: Floats) -> Floats:
        product = x @ self._parts[name].astype(np.float32).T
        found: Floats = product * self._parts[f"{name}_step"] + self._parts[f"{name}_bias"]
        return found

    def _even(self, name: str, x: Floats) -> Floats:
        """Layer normalisation (Ba et al. 2016)."""
        middle = x - x.mean(-1, keepdims=True)
        even = middle / np.sqrt((middle * middle).mean(-1, keepdims=True) + np.float32(1e-12))
        found: Floats = even * self._parts[f"{name}_scale"] + self._parts[f"{name}_bias"]
        return found

    def _layer(self, layer: int, x: Floats) -> Floats:
        query, key, value = (self._heads(self._times(f"{name}{layer}", x)) for name in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / np.float32((WIDTH // HEADS) ** 0.5)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        heard = (shares @ value).transpose(1, 0, 2).reshape(len(x), WIDTH)
        x = self._even(f"heard{layer}", x + self._times(f"all{layer}", heard))
        return self._even(f"thought{layer}", x + self._times(f"back{layer}", _gelu(self._times(f"wide{layer}", x))))

    @staticmethod
    def _heads(x: Floats) -> Floats:
        return x.reshape(len(x), HEADS, WIDTH // HEADS).transpose(1, 0, 2)


def _gelu(x: Floats) -> Floats:
    """Hendrycks and Gimpel 2016, their approximation."""
    found: Floats = x * np.float32(0.5) * (1 + np.tanh(_GELU * (x + np.float32(0.044715) * x * x * x)))
    return found


def _plain(text: str) -> str:
    """Lower case without accents, as the encoder's words are written."""
    if text.isascii():
        return text.lower()
    return "".join(
        letter for letter in unicodedata.normalize("NFD", text.replace("’", "'").lower()) if unicodedata.category(letter) != "Mn"
    )


@cache
def network(language: str) -> Network | None:
    """The network of a language, loaded once, when the first answer is read; None where there is none."""
    file = DATA / language / NAME
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as parts:
        return Network({name: parts[name] for name in parts.files})
