"""A small network that reads answers as a whole: word order, "not any more", a kind word before a no.

Weights on words cannot tell "it stopped leaking" from "it stopped working". This one can: three layers of a transformer (Vaswani et
al. 2017), in numpy. It has been taught by two larger models that had learned our answers; the recipe is tools/distil_answers.py,
source and licence stand in data/en/answers.md. It takes some milliseconds, and only replies are read by it. Languages without a file
do without.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp.features import Floats
from inboxd.adapters.nlp.nibbles import unpacked

DATA = Path(__file__).with_name("data")
NAME = "answers.npz"
WIDTH, HEADS, LAYERS = 384, 12, 3
MOST_PIECES = 96  # that are read at once, with the two that mark the ends
END = 16  # of a long text: who comes back to it writes it below
MOST_LETTERS = 100  # of a word that is cut into pieces
FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")  # as BERT cuts: each mark stands alone
_WRITTEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")  # as people do: "isn't" is one word
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʹˈ′‛`´＇", "'"))
_LIKE, _LIKE_SHORT = 0.76, 0.66  # from here on a word, or one of three letters, may be another one misspelt
_SHORTEST = 3  # letters of a negator that a misspelt one is like: "no" is like too much
_GELU = np.float32((2 / np.pi) ** 0.5)


class Network:
    """Layers of small whole numbers with one step a row; they are unpacked layer by layer, so that little memory is held."""

    def __init__(self, parts: Mapping[str, NDArray[Any]]) -> None:
        self._parts = parts
        self._temperature = np.float32(parts["temperature"])
        self._places = {piece: place for place, piece in enumerate(bytes(parts["pieces"]).decode("utf-8").split("\n"))}

    def read(self, text: str) -> list[Floats]:
        """What the text answers, in the order of `learned.ANSWERS`, as calibrated logits; of a long one beginning and end, each alone."""
        pieces, room = self.cut(text), MOST_PIECES - 2
        parts = [pieces] if len(pieces) <= room else [pieces[:room], pieces[-room:], pieces[-END:]]
        return [self._logits([self._places[FIRST], *part, self._places[LAST]]) for part in parts]

    def knows(self, text: str) -> bool:
        """Whether it has words, and each is one that the network knows whole."""
        words = [word for word in _WORD.findall(_plain(text)) if word[0].isalnum()]
        return bool(words) and all(word in self._places for word in words)

    def may_hide_a_no(self, text: str, negators: Collection[str]) -> bool:
        """Whether a word that it does not know may be one of these misspelt: in pieces a misspelt "not" says nothing to it."""
        words = {word for word in _WRITTEN.findall(_plain(text)) if word not in negators}
        unknown = {bare for word in words if (bare := word.replace("'", "")) not in self._places}
        return any(_like_a_no(word, negators) for word in unknown)

    def cut(self, text: str) -> list[int]:
        """The pieces of a text: its words, and those that are not known in the longest parts that are (WordPiece, Devlin et al. 2018)."""
        return [piece for word in _WORD.findall(_plain(text)) for piece in self._pieces(word)]

    def _logits(self, pieces: list[int]) -> Floats:
        x = self._even("first", self._rows(pieces) + self._parts["at"][: len(pieces)].astype(np.float32))
        for layer in range(LAYERS):
            x = self._layer(layer, x)
        found: Floats = self._times("out", x.mean(0)) / self._temperature
        return found

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


def _like_a_no(word: str, negators: Collection[str]) -> bool:
    nos = [each.replace("'", "") for each in sorted(negators) if len(each) >= _SHORTEST]
    return bool(get_close_matches(word, nos, n=1, cutoff=_LIKE_SHORT if len(word) == 3 else _LIKE))


def _plain(text: str) -> str:
    """Lower case without accents, as the encoder's words are written; no letter that only looks like one, none that is not seen."""
    return text.lower() if text.isascii() else "".join(_seen(unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).lower()))


def _seen(text: str) -> Iterator[str]:
    return (letter for letter in text if unicodedata.category(letter) not in ("Mn", "Cf"))


def network_file(language: str) -> Path:
    """Where the network of a language lies, if it has one."""
    return DATA / language / NAME


@cache
def network(language: str) -> Network | None:
    """The network of a language, loaded once; None where there is none."""
    file = network_file(language)
    if not file.exists():
        return None
    with np.load(file, allow_pickle=False) as parts:
        return Network({name: _whole(name, parts[name]) for name in parts.files})


def _whole(name: str, part: NDArray[Any]) -> NDArray[Any]:
    return unpacked(part) if part.dtype == np.uint8 and name != "pieces" else part
