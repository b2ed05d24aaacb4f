"""How many names that nobody told us pass the mask, and how many words are hidden for nothing: on mails that were written for tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

import inboxd
from inboxd.core.dates import sentences
from inboxd.core.mask import _ORDINARY, mask

CORPUS = Path(inboxd.__file__).parent / "corpus"
GERMAN = (  # people and places named in the mails, where two capitals show it
    "Trautwein", "Patrizia", "Nowak", "Lachner", "Quell", "Harms", "Ansgar", "Behrens", "Vroni", "Jutta", "Amrein", "Wendland", "Abegg",
    "Gesine", "Tamm", "Inken", "Paulsen", "Hohenfels", "Harkow",
)  # fmt: skip


@lru_cache(maxsize=2)
def shown(language: str) -> tuple[tuple[str, str, str], ...]:
    """The sentences that could be shown: as written, masked by what is known alone, and by the language as well."""
    return tuple(_shown(language))


def _shown(language: str) -> Iterator[tuple[str, str, str]]:
    for mail in re.split(r"\n(?=@ )", (CORPUS / "test" / f"{language}.mails").read_text(encoding="utf-8")):
        body = "\n".join(line for line in mail.splitlines()[1:] if not line.startswith("Subject:"))
        for line in (" ".join(each.split()) for each in sentences(body)):
            if 20 <= len(line) <= 160 and re.search(r"[a-zäöüß]{3,} [a-zäöüß]{2,} [a-zäöüß]{2,}", line):
                yield line, mask(line, (), around=body), mask(line, (), around=body, language=language)


@lru_cache(maxsize=2)
def written_small(language: str) -> Counter[str]:
    """How often each word stands without a capital in all mails of a language."""
    files = [*(CORPUS / language).glob("*.mails"), CORPUS / "test" / f"{language}.mails"]
    return Counter(word for file in files for word in re.findall(r"\b[a-zäöüß]+\b", file.read_text(encoding="utf-8")))


def capitals(text: str) -> Counter[str]:
    return Counter(re.findall(r"\b[A-ZÄÖÜ][a-zäöüß]+\b", text))


def test_of_the_names_in_english_sentences_five_in_six_are_hidden() -> None:
    """A word that always has a capital, in some two thousand mails, is a name; most that pass begin a sentence."""
    small, all_of_them, passed = written_small("en"), 0, 0
    for line, _, hidden in shown("en"):
        names = {word for word in capitals(line) if not small[word.lower()] and word.lower() not in _ORDINARY}
        all_of_them += len(names)
        passed += sum(word in capitals(hidden) for word in names)
    assert all_of_them > 100
    assert passed <= all_of_them / 6


@pytest.mark.parametrize(("language", "most"), [("en", 24), ("de", 14)])
def test_hardly_an_ordinary_word_is_hidden_for_its_capital(language: str, most: int) -> None:
    """Of 490 German and 1,300 English sentences. In English most of these are a part of a name: "Park", "Street", "Valley"."""
    wrong = [
        word
        for _, known, hidden in shown(language)
        for word in capitals(known) - capitals(hidden)
        if (language == "de" and word not in GERMAN and not _named(word)) or (language == "en" and written_small("en")[word.lower()] > 2)
    ]
    assert len(wrong) <= most, wrong


def _named(word: str) -> bool:
    """Whether a German word of these mails is a first name or a place beside those above."""
    return word in ("Rolf", "Ottmar", "Martin", "Thea", "Reto", "Begüm", "Diakonie", "Schwestern", "Hinterau", "Kantorei", "Süd")


def test_of_the_names_beside_another_capital_in_german_none_passes() -> None:
    there = [
        (line, name)
        for line, _, _ in shown("de")
        for name in GERMAN
        if re.search(rf"[a-zäöü,] (?:[A-ZÄÖÜ]\w+ {name}\b|{name} [A-ZÄÖÜ])", line)
    ]
    assert len(there) >= 3
    assert [name for line, name in there if name in mask(line, (), language="de")] == []
