"""The Reader on spaCy. Importing this module imports spaCy, which takes a second: only `bootstrap` does, when a text must be read."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # before numpy: one mail at a time needs one thread
    os.environ.setdefault(_threads, "1")

from inboxd.adapters.nlp.lexicon import Lexicon  # noqa: E402
from inboxd.adapters.nlp.marked import Marked, mark  # noqa: E402
from inboxd.adapters.nlp.pipeline import Signs, build, words_to_doc  # noqa: E402
from inboxd.core.model import Scores, ToRead  # noqa: E402
from inboxd.core.rules import Topic  # noqa: E402

NAME, VERSION = "phrases", "1"


class SpacyReader:
    """Reads topic, feeling, urgency, language and answer. Admins' phrases win over the shipped ones."""

    def __init__(self, topics: Sequence[Topic] = (), languages: Sequence[str] = ("en", "de")) -> None:
        admin = [(str(topic.name), phrase) for topic in topics for phrase in topic.phrases]
        with _collector_paused():
            self._nlp = build(languages, admin)
        signs = self._nlp.get_pipe("inboxd_signs")
        assert isinstance(signs, Signs)
        self.model = _name(tuple(signs.lexicons.values()), admin)

    def read(self, texts: Sequence[ToRead]) -> list[Scores]:
        """Read a batch; as many scores as texts, in the same order. Never raises on a text."""
        with self._nlp.memory_zone():  # words never seen before are forgotten at its end
            return [self._scores(text) for text in texts]

    def strings_known(self) -> int:
        """How many strings spaCy remembers: stays the same, whatever was read."""
        return len(self._nlp.vocab.strings)

    def _scores(self, text: ToRead) -> Scores:
        marked = mark(text.subject, text.new_text)
        doc = words_to_doc(self._nlp.vocab, marked.words)
        doc.user_data["inboxd"] = marked
        self._nlp(doc)
        return _plain(marked, self.model)


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
        happy=marked.happy,
        urgent=marked.urgent,
        sensitive=marked.sensitive,
        thanks_only=marked.thanks_only,
        answer=marked.answer,
        answer_sure=marked.answer_sure,
        opt_out=marked.opt_out,
        new_part=marked.new_part,
        phrases=marked.phrases,
        model=model,
    )


def _name(lexicons: Sequence[Lexicon], admin: Sequence[tuple[str, str]]) -> str:
    """Name, version, and a hash of all data that a reading depends on."""
    digest = sha256(repr(([lexicon.hash for lexicon in lexicons], sorted(admin))).encode("utf-8", "replace"))
    return f"{NAME}-{VERSION}-{digest.hexdigest()[:12]}"
