"""A text with its words and the signs found in them: what all components of the pipeline share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from inboxd.adapters.nlp.lexicon import WORD, Lexicon, Sign
from inboxd.core.model import Answer, KeyPhrase, Phrase

HEAD, TAIL = 450, 150  # words that are read of a longer text
MOST_CHARACTERS = 12_000
_SENTENCE_ENDS = frozenset(".!?;")
_STRAIGHT = str.maketrans({**dict.fromkeys("’‘`´ʼʹˈ′‛＇", "'"), "\0": " "})
_SURROGATE = re.compile("[\ud800-\udfff]")  # cannot be stored as UTF-8
IS_REPLY = re.compile(r"\s*(re|aw|fwd?|wg|antw|sv)(\[\d+\])?\s*:", re.IGNORECASE)
_PLACE = re.compile(r"\S+")


class Hit(NamedTuple):
    """A sign and the words it stands on: `start` to before `end`."""

    sign: Sign
    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class Marked:
    """One text on its way through the pipeline; each component adds what it found."""

    shown: str  # subject, paragraph end, new text: letter for letter
    words: list[str]  # lower case; a number is "#"
    starts: list[int]
    ends: list[int]
    body: int  # the first word of the new text
    fresh: int  # the first word that counts for feeling: the subject of a reply was written earlier
    reply: bool = True  # may answer our question
    lexicons: tuple[Lexicon, ...] = ()
    hits: list[Hit] = field(default_factory=list)
    language: str = ""
    language_known: bool = True
    topics: tuple[tuple[str, float], ...] = ()
    own_topic: bool = False  # a topic of the admins' was named
    near: dict[str, float] = field(default_factory=dict)  # the admins' topics that the text comes near to
    upset: float = 0.0
    unhappy: float = 0.0
    happy: float = 0.0
    phrases: tuple[Phrase, ...] = ()
    key_phrases: tuple[KeyPhrase, ...] = ()
    urgent: float = 0.0
    sensitive: float = 0.0
    thanks_only: float = 0.0
    opt_out: bool = False
    answer: Answer = Answer.UNCLEAR
    answer_sure: float = 0.0
    new_part: str = ""

    def text(self, start: int, end: int) -> str:
        """The words from start to before end as the writer wrote them."""
        return self.shown[self.starts[start] : self.ends[end - 1]]

    def before(self, index: int, window: int) -> list[str]:
        """The words right before this one, as far as its sentence goes: a negation reaches no further back."""
        found = self.words[max(self.fresh, index - window) : index]
        for place in range(len(found) - 1, -1, -1):
            if found[place] in _SENTENCE_ENDS or found[place][0] == "\n":
                return found[place + 1 :]
        return found

    def sentence_words(self, start: int, end: int) -> int:
        """How many words, not marks, stand in a span."""
        return sum(word[0].isalnum() for word in self.words[start:end])

    def sentences(self, start: int) -> Iterator[tuple[int, int]]:
        """The sentences from this word on, as spans of words with their marks."""
        words = self.words
        for index in range(start, len(words)):
            if words[index] in _SENTENCE_ENDS or words[index][0] == "\n":
                if index + 1 < len(words) and words[index + 1] in _SENTENCE_ENDS:
                    continue  # "?!" and "..." end one sentence
                if words[start][0] == "\n":
                    start += 1
                if start <= index:
                    yield start, index + (words[index][0] != "\n")
                start = index + 1
        if start < len(words):
            yield start, len(words)


def mark(subject: str, new_text: str, *, reply: bool = True) -> Marked:
    """Prepare a text: shortened, with its words in the form in which they are looked up."""
    subject = subject[:1000]
    head = f"{subject}\n\n" if subject.strip() else ""
    shown = head + shorten(new_text)
    read = lower(_SURROGATE.sub("�", shown).translate(_STRAIGHT))
    words, starts, ends = [], [], []
    for match in WORD.finditer(read):
        word = match.group()
        words.append("#" if word.isdecimal() else word)
        starts.append(match.start())
        ends.append(match.end())
    body = next((index for index, start in enumerate(starts) if start >= len(head.rstrip()) + 1), len(words)) if head else 0
    fresh = body if IS_REPLY.match(subject) else 0
    return Marked(shown=shown, words=words, starts=starts, ends=ends, body=body, fresh=fresh, reply=reply)


def shorten(text: str) -> str:
    """Keep the first and last words of a long text: what is wanted stands there."""
    if len(text) <= MOST_CHARACTERS // 4:
        return text
    places = [match.span() for match in _PLACE.finditer(text)]
    if len(places) > HEAD + TAIL:
        text = text[: places[HEAD - 1][1]] + "\n\n" + text[places[-TAIL][0] :]
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS * 3 // 4] + "\n\n" + text[-MOST_CHARACTERS // 4 :]
    return text


def lower(text: str) -> str:
    """Lower case of the same length, so that places in it are places in the text ("İ" would become two)."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
