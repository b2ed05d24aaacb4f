"""The Reader on spaCy. Importing this module imports spaCy, which takes a second: only `bootstrap` does, when a text must be read."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from spacy.language import Language

from inboxd.adapters.nlp.learned import VERSION
from inboxd.adapters.nlp.lexicon import Lexicon
from inboxd.adapters.nlp.marked import Marked
from inboxd.adapters.nlp.network import network, network_file
from inboxd.adapters.nlp.pipeline import Signs, load_from, read_marked, weights_of
from inboxd.core.model import Scores, ToRead
from inboxd.core.rulebook import Topic
from inboxd.errors import BrokenModel, ConfigError

SHIPPED = Path(__file__).with_name("model")


class SpacyReader:
    """Reads topic, feeling, urgency, language and answer. Admins' phrases win over the shipped ones and over the weights."""

    def __init__(self, topics: Sequence[Topic] = (), languages: Sequence[str] = ("en", "de"), folder: Path = SHIPPED) -> None:
        admin = [(str(topic.name), phrase) for topic in topics for phrase in topic.phrases]
        self._nlp = load_model(folder, languages, admin)
        signs = self._nlp.get_pipe("inboxd_signs")
        assert isinstance(signs, Signs)
        self.about: Mapping[str, Any] = about_of(self._nlp)
        self.model = _name(tuple(signs.lexicons.values()), admin, self.about)

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        """Read a batch; as many scores as texts, in the same order. Never raises on a text."""
        with self._nlp.memory_zone():  # words never seen before are forgotten at its end
            return [self._scores(text) for text in texts]

    def strings_known(self) -> int:
        """How many strings spaCy remembers: stays the same, whatever was read."""
        return len(self._nlp.vocab.strings)

    def words_known(self) -> int:
        """How many words spaCy holds a place for: stays the same, too."""
        return len(self._nlp.vocab)

    def _scores(self, text: ToRead) -> Scores:
        return _plain(read_marked(self._nlp, text.subject, text.new_text, reply=text.reply), self.model)


def load_model(folder: Path, languages: Sequence[str], admin: Sequence[tuple[str, str]]) -> Language:
    """Load the pipeline of a folder; raises BrokenModel if it is cut short, of another version, or no model at all."""
    try:
        with _collector_paused():
            nlp = load_from(folder, languages, admin)
            _load_networks(languages)
        versions = {weights.about["version"] for weights in weights_of(nlp).values()}
        missing = set(languages) - set(weights_of(nlp))
    except ConfigError:
        raise
    except Exception as error:  # a file cut short can fail in any way: numpy's, zip's, JSON's, spaCy's
        told = f"{folder}: the model cannot be loaded ({type(error).__name__}); inboxd train --undo takes the one before it"
        raise BrokenModel(told) from error
    if missing:
        raise BrokenModel(f"{folder}: the model lacks {', '.join(sorted(missing))}; inboxd train --undo takes the one before it")
    if versions != {VERSION}:
        raise BrokenModel(f"{folder}: the model is of another version of inboxd; inboxd train makes a new one")
    return nlp


def _load_networks(languages: Sequence[str]) -> None:
    """Load what reads answers now: a broken file is no surprise for the first customer who answers."""
    for language in languages:
        try:
            network(language)
        except Exception as error:
            told = f"{network_file(language)}: cannot be loaded ({type(error).__name__}); install inboxd anew"
            raise ConfigError(told) from error


def about_of(nlp: Language) -> Mapping[str, Any]:
    """Version, corpus, date and figures of a model."""
    return next(iter(weights_of(nlp).values())).about


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Hold the garbage collector still: 30,000 phrases make no garbage, and looking for some takes a third of the load."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _plain(marked: Marked, model: str) -> Scores:
    """Copy what was found into plain data: docs and their strings die with the memory zone."""
    return Scores(
        language=marked.language,
        language_known=marked.language_known,
        topics=marked.topics,
        upset=marked.upset,
        unhappy=marked.unhappy,
        happy=marked.happy,
        urgent=marked.urgent,
        sensitive=marked.sensitive,
        thanks_only=marked.thanks_only,
        answer=marked.answer,
        answer_sure=marked.answer_sure,
        opt_out=marked.opt_out,
        new_part=marked.new_part,
        phrases=marked.phrases,
        key_phrases=marked.key_phrases,
        model=model,
    )


def _name(lexicons: Sequence[Lexicon], admin: Sequence[tuple[str, str]], about: Mapping[str, Any]) -> str:
    """Version, date, and a hash of all that a reading depends on."""
    networks = [sha256(file.read_bytes()).hexdigest() for each in lexicons if (file := network_file(each.language)).exists()]
    depends = (
        [lexicon.hash for lexicon in lexicons], networks, sorted(admin), sorted((key, str(value)) for key, value in about.items()),
    )  # fmt: skip
    return f"inboxd-{about['version']}-{about['date']}-{sha256(repr(depends).encode('utf-8', 'replace')).hexdigest()[:12]}"
