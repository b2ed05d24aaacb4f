"""What a language knows: its phrases and word valences, read from `data/<language>/*.yaml`. A new language is a new folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ruamel.yaml import YAML

from inboxd.errors import ConfigError

K = TypeVar("K")

DATA = Path(__file__).with_name("data")
PARTS = ("language", "topics", "signs", "answers", "feeling")
STRENGTH = {"strong": 3.0, "medium": 1.9, "weak": 0.8}  # of topic phrases
GAP = 4  # words that may stand where a phrase says "..."

WORD = re.compile(r"[^\W_]+(?:['_][^\W_]+)*|[^\w\s]|\n\s*\n")
_ENDINGS = ("", "e", "er", "es", "em", "en")  # German adjectives: "schlecht+"
_GROUP = re.compile(r"\(([^)]*)\)")
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


class Sign(NamedTuple):
    """What a phrase is a sign of."""

    group: str  # "topic", "feeling", "urgent", "yes", ...
    name: str  # topic or family; "" elsewhere
    weight: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """All that one language's files say, ready to be looked up; words are lower case."""

    language: str
    function_words: frozenset[str]
    own_words: frozenset[str]
    negators: frozenset[str]
    intensifiers: frozenset[str]
    valences: Mapping[str, float]
    words: Mapping[str, tuple[Sign, ...]]
    stems: Mapping[str, tuple[Sign, ...]]
    stem_lengths: tuple[int, ...]
    gaps: Mapping[str, Mapping[str, tuple[Sign, ...]]]  # first word -> last word
    phrases: Mapping[tuple[str, ...], tuple[Sign, ...]]
    turned_dropped: frozenset[str]  # families that a negation silences
    hash: str

    def signs(self, word: str) -> tuple[Sign, ...]:
        """The signs of one word, by itself or by its beginning."""
        found = self.words.get(word, ())
        for length in self.stem_lengths:
            if length > len(word):
                break
            found += self.stems.get(word[:length], ())
        return found


def tokens(text: str) -> list[str]:
    """The words, marks and paragraph ends of a lower-case text; a number is "#"."""
    return ["#" if word.isdecimal() else word for word in WORD.findall(text)]


def expand(phrases: str) -> Iterator[str]:
    """Part a list at its commas and write out each "(a|b)"; "schlecht+" stands for all endings of an adjective."""
    for phrase in phrases.split(","):
        parts = _GROUP.split(" ".join(phrase.split()))
        if parts == [""]:
            continue
        choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
        for chosen in product(*choices):
            whole = " ".join("".join(chosen).split())
            if "+" in whole:
                yield from (whole.replace("+", ending) for ending in _ENDINGS)
            else:
                yield whole


def load(language: str) -> Lexicon:
    """Read the files of one language; one that has none raises ConfigError."""
    if not (DATA / language).is_dir():
        known = ", ".join(sorted(folder.name for folder in DATA.iterdir()))
        raise ConfigError(f"no language data for {language!r}: there is {known}")
    raw = {part: (DATA / language / f"{part}.yaml").read_bytes() for part in PARTS}
    data: dict[str, Any] = {}
    for part, content in raw.items():
        loaded = YAML(typ="safe", pure=True).load(content)
        data.update({part: loaded} if part == "topics" else loaded)
    valences = _valences(data["valences"])
    digest = sha256(b"".join(raw.values()))
    if language == "en":
        shipped, source = _vader()
        valences = {**shipped, **valences}
        digest.update(source)
    builder = _Builder()
    for sign, phrases in _signs(data):
        builder.add(sign, phrases)
    return Lexicon(
        language=language,
        function_words=_words(data["function_words"]),
        own_words=_words(data["own_words"]),
        negators=_words(data["negators"]),
        intensifiers=_words(data["intensifiers"]),
        valences=valences,
        words=_frozen(builder.words),
        stems=_frozen(builder.stems),
        stem_lengths=tuple(sorted({len(stem) for stem in builder.stems})),
        gaps={first: _frozen(lasts) for first, lasts in builder.gaps.items()},
        phrases=_frozen(builder.phrases),
        turned_dropped=frozenset(name for name, family in data["families"].items() if family["turned"] == "drop"),
        hash=digest.hexdigest(),
    )


def _signs(data: Mapping[str, Any]) -> Iterator[tuple[Sign, str]]:
    for topic, found in data["topics"].items():
        for strength, weight in STRENGTH.items():
            yield Sign("topic", topic, weight * found.get("weight", 1.0), ""), found[strength]
    for group in ("urgent", "sensitive"):
        for entry in data[group]:
            yield Sign(group, "", entry["weight"], entry["why"]), entry["phrases"]
    for group in (
        "not_urgent",
        "thanks",
        "not_thanks",
        "request",
        "closing",
        "opt_out",
        "breaks",
        "declared",
        "elsewhere",
        "beside_thanks",
    ):
        yield Sign(group, "", 1.0, ""), data[group]
    for group in ("yes", "no", "solved", "well", "unsolved", "doubt", "reserve", "harmless", "warm", "trouble_name", "new"):
        yield Sign(group, "", 1.0, ""), data[group]
    for name, family in data["families"].items():
        yield Sign("feeling", name, family["weight"], family["why"]), family["phrases"]


class _Builder:
    """Sorts phrases by how they are looked up: as one word, as a beginning, over a gap, or as a run of words."""

    def __init__(self) -> None:
        self.words: dict[str, dict[Sign, None]] = {}
        self.stems: dict[str, dict[Sign, None]] = {}
        self.gaps: dict[str, dict[str, dict[Sign, None]]] = {}
        self.phrases: dict[tuple[str, ...], dict[Sign, None]] = {}

    def add(self, sign: Sign, phrases: str) -> None:
        for phrase in expand(phrases.lower()):
            self._add(sign, phrase)
            if (plain := phrase.translate(_PLAIN)) != phrase:  # "für" is also written "fuer"
                self._add(sign, plain)

    def _add(self, sign: Sign, phrase: str) -> None:
        before, gap, after = phrase.partition(" ...")
        if gap and after:
            self.gaps.setdefault(before.split()[-1], {}).setdefault(after.split()[0], {})[sign] = None
            return
        words = tokens(before.replace("#", "1"))
        if "*" in words:
            if len(words) != 2:
                raise ValueError(f"{phrase!r}: only a single word may end in *")
            self.stems.setdefault(words[0], {})[sign] = None
        elif len(words) == 1:
            self.words.setdefault(words[0], {})[sign] = None
        elif words:
            self.phrases.setdefault(tuple(words), {})[sign] = None


def _frozen(found: Mapping[K, Mapping[Sign, None]]) -> dict[K, tuple[Sign, ...]]:
    return {key: tuple(signs) for key, signs in found.items()}


def _words(phrases: str) -> frozenset[str]:
    words = set(expand(phrases.lower()))
    return frozenset(words | {word.translate(_PLAIN) for word in words})


def _valences(levels: Mapping[float, str]) -> dict[str, float]:
    return {word: float(level) for level, words in levels.items() for word in _words(words)}


def _vader() -> tuple[dict[str, float], bytes]:
    """The word valences of the vaderSentiment package: its data file is read where it lies, its code is not run."""
    spec = find_spec("vaderSentiment")
    places: Iterable[str] = (spec.submodule_search_locations or ()) if spec else ()
    content = b"".join((Path(place) / "vader_lexicon.txt").read_bytes() for place in places)
    rows = (line.split("\t") for line in content.decode("utf-8").splitlines())
    return {row[0]: float(row[1]) for row in rows if row[0][0].isalpha() and " " not in row[0]}, content
