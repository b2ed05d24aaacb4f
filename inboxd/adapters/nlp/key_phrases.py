"""What a mail is about, in few words: content words and pairs of them, in the form under which different wordings meet."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from spacy.matcher import PhraseMatcher
from spacy.tokens import Doc
from spacy.vocab import Vocab

from inboxd.adapters.nlp.lexicon import DATA, expand, tokens
from inboxd.adapters.nlp.marked import Marked
from inboxd.core.model import KeyPhrase

MOST = 12  # phrases of one mail
SHORTEST = 3  # letters of a word and of what is left of it without its ending
LONGEST = 30  # letters of a word
NEAR, FAR = 2, 9  # how far neighbours may stand apart: a small word is 1, a word that says nothing is 2
MOST_STEMS = 20_000  # words whose stems are remembered; then we start afresh
NOT = "not"
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_GREETING = re.compile(
    r"\s*(?:hello|hi|hey|dear|good (?:morning|afternoon|evening|day)|hallo|guten (?:tag|morgen|abend)|liebe[rs]?|"
    r"sehr geehrte[rs]?|moin|servus)\b[^\n.?!,]{0,60}(?:[,!.]|\n|$)",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"\n[ \t]*(?:"
    r"(?:kind|best|warm|many)? ?regards"
    r"|(?:best|all the best|yours|sincerely|cheers|thanks|thank you|many thanks|thx)"
    r"(?: (?:wishes|in advance|truly|sincerely|faithfully|again|so much|very much))?"
    r"|(?:mit )?(?:freundlichen|freundliche|viele|liebe|beste|herzliche|schöne) gr(?:ü|ue)(?:ß|ss)en?|gru(?:ß|ss)"
    r"|danke|vielen dank|mfg|lg|vg"
    r")[ \t]*[,.!]?[ \t]*\n(?:[^\n]{0,60}\n?){1,4}\s*$",
    re.IGNORECASE,
)
_MARKED_UP = re.compile(r"(?<!\S)(?:\S*[@\d]\S*|https?://\S+|www\.\S+)")


class _Word(NamedTuple):
    """A content word, or several words that mean one thing."""

    stem: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What one language knows of phrases: `same` by its words, everything else word by word."""

    ignored: frozenset[str]
    bridges: frozenset[str]
    endings: tuple[tuple[str, str], ...]
    kept: frozenset[str]
    same: Mapping[tuple[str, ...], str]

    def stem(self, word: str) -> str:
        """A word without its ending; doubled letters at its end become one ("cancelled", "cancel")."""
        if word in self.kept:
            return word
        for ending, instead in self.endings:
            if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
                word = word[: len(word) - len(ending)] + instead
                break
        if word.endswith("e") and len(word) > SHORTEST + 1:
            word = word[:-1]
        return word[:-1] if len(word) > SHORTEST and word[-1] == word[-2] else word


@cache
def vocabulary(language: str) -> Vocabulary:
    """Read the file of one language; one without a file knows no ignored words but its small ones."""
    data: dict[str, Any] = {}
    for path in (DATA / language / "language.yaml", DATA / language / "phrases.yaml"):
        data |= YAML(typ="safe", pure=True).load(path.read_bytes()) if path.is_file() else {}
    endings = [part.strip().partition("=") for part in data.get("endings", "").split(",") if part.strip()]
    same: dict[tuple[str, ...], str] = {}
    for name, phrases in data.get("same", {}).items():
        for phrase in expand(phrases.lower()):
            for written in {phrase, phrase.translate(_PLAIN)}:
                same.setdefault(tuple(tokens(written)), name)
    return Vocabulary(
        ignored=_words(data.get("function_words", "")) | _words(data.get("ignored", "")),
        bridges=_words(data.get("bridges", "")),
        endings=tuple((ending, instead) for ending, _, instead in endings),
        kept=_words(data.get("kept", "")),
        same=same,
    )


def _words(listed: str) -> frozenset[str]:
    words = set(expand(listed.lower()))
    return frozenset(words | {word.translate(_PLAIN) for word in words})


class KeyPhrases:
    """The component: adds to each doc the phrases that say what it is about."""

    def __init__(self, vocab: Vocab, languages: Sequence[str]) -> None:
        self.vocabularies = {language: vocabulary(language) for language in languages}
        self.matchers: dict[str, PhraseMatcher] = {}
        self.names: dict[str, dict[int, str]] = {}
        self.stems: dict[str, dict[str, str]] = {language: {} for language in languages}
        for language, known in self.vocabularies.items():
            matcher, names, runs = PhraseMatcher(vocab, attr="ORTH"), {}, dict[str, list[Any]]()
            for words, name in known.same.items():
                runs.setdefault(name, []).append([vocab.strings.add(word) for word in words])
            for name, found in runs.items():
                matcher.add(f"same.{name}", found)
                names[vocab.strings[f"same.{name}"]] = name
            self.matchers[language], self.names[language] = matcher, names

    def __call__(self, doc: Doc) -> Doc:
        """Add the key phrases of the language that the text is in; what is too short to tell is read in the first."""
        marked: Marked = doc.user_data["inboxd"]
        if marked.language_known and self.vocabularies:
            language = marked.language if marked.language in self.vocabularies else next(iter(self.vocabularies))
            marked.key_phrases = tuple(self._phrases(doc, marked, language))
        return doc

    def _phrases(self, doc: Doc, marked: Marked, language: str) -> Iterator[KeyPhrase]:
        """The pairs first, in the order of the text, then the words that stand in none; each once."""
        found: dict[str, KeyPhrase] = {}
        alone: dict[str, _Word] = {}
        paired: set[str] = set()
        for clause in self._clauses(doc, marked, language):
            for one, two in pairwise(clause):
                if one.stem != two.stem:
                    key = f"{one.stem} {two.stem}" if one.stem < two.stem else f"{two.stem} {one.stem}"
                    if key not in found:
                        found[key] = KeyPhrase(key=key, text=_text(marked, one.first, two.end))
                    paired |= {one.stem, two.stem}
            if len(found) >= MOST:
                break
            for word in clause:
                if word.stem != NOT:
                    alone.setdefault(word.stem, word)
        yield from islice(found.values(), MOST)
        single = [word for stem, word in alone.items() if stem not in paired]
        yield from (KeyPhrase(key=word.stem, text=_text(marked, word.first, word.end)) for word in single[: max(0, MOST - len(found))])

    def _clauses(self, doc: Doc, marked: Marked, language: str) -> Iterator[list[_Word]]:
        """Runs of content words with at most a small word or two between neighbours; greeting, name, numbers and addresses are none."""
        known, stems = self.vocabularies[language], self.stems[language]
        if len(stems) > MOST_STEMS:
            stems.clear()
        same, masked, words = self._same(doc, language), _masked(marked), marked.words
        clause: list[_Word] = []
        gap = index = 0
        while index < len(words):
            word, end = words[index], index + 1
            if masked[index] or not word[0].isalpha():
                gap = FAR
            elif index in same:
                end, stem = same[index]
                clause.append(_Word(stem, index, end))
                gap = 0
            elif word in known.bridges:
                gap += 1
            elif word in known.ignored or not SHORTEST <= len(word) <= LONGEST:
                gap += 2
            else:
                if (known_stem := stems.get(word)) is None:
                    known_stem = stems[word] = known.stem(word.removesuffix("'s"))
                clause.append(_Word(known_stem, index, end))
                gap = 0
            if gap > NEAR and clause:
                yield clause
                clause = []
            index = end
        if clause:
            yield clause

    def _same(self, doc: Doc, language: str) -> dict[int, tuple[int, str]]:
        """Where words stand that mean one thing: first word -> behind the last, and the name. Of several the longest."""
        found: dict[int, tuple[int, str]] = {}
        for key, start, end in self.matchers[language](doc):
            if start not in found or end > found[start][0]:
                found[start] = (end, self.names[language][key])
        return found


def _masked(marked: Marked) -> bytearray:
    """1 for each word that says who wrote, not what about: of a greeting, below a farewell, of addresses and numbers."""
    masked = bytearray(len(marked.words))
    if marked.body >= len(masked):
        return _cover(masked, marked, ((match.start(), match.end()) for match in _MARKED_UP.finditer(marked.shown)))
    begin = marked.starts[marked.body]
    spans = [match.span() for match in _MARKED_UP.finditer(marked.shown)]
    if greeting := _GREETING.match(marked.shown, begin):
        spans.append(greeting.span())
    if farewell := _FAREWELL.search(marked.shown, begin):
        spans.append((farewell.start(), len(marked.shown)))
    return _cover(masked, marked, spans)


def _cover(masked: bytearray, marked: Marked, spans: Iterable[tuple[int, int]]) -> bytearray:
    for start, end in spans:
        first, behind = bisect_left(marked.starts, start), bisect_left(marked.starts, end)
        masked[first:behind] = b"\1" * (behind - first)
    return masked


def _text(marked: Marked, first: int, end: int) -> str:
    """The words as written, on one line."""
    return " ".join(marked.text(first, end).split())
