"""Which language a text is in: by its small words where they say it plainly, else by py3langid; unknown where nobody can tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from inboxd.adapters.nlp.lexicon import Lexicon

PLAIN_SHARE = 0.25  # share of small words that settles it
SURE = 0.9  # of py3langid, before another language is believed
FEW_WORDS = 4
LATIN_ENDS = "\u0300"
CANDIDATES = "ar bg bs ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv nb nl no pl pt ro ru sk sl sq sr sv th tr uk vi zh"


class LanguageGuess:
    """Tells languages apart. py3langid is loaded when a text first needs it: that takes as long as loading all the rest."""

    def __init__(self, lexicons: Sequence[Lexicon]) -> None:
        self.lexicons = tuple(lexicons)

    def guess(self, words: Sequence[str], text: str) -> tuple[str, bool]:
        """The language and whether we know it. ("", True): too little to tell, nothing speaks against the known ones."""
        letters = [word for word in words if word[0].isalpha()]
        if not letters:
            return "", True
        shares = sorted(((self._share(letters, lexicon), lexicon.language) for lexicon in self.lexicons), reverse=True)
        best, second = shares[0], shares[1] if len(shares) > 1 else (0.0, "")
        if best[0] >= PLAIN_SHARE and best[0] >= 1.8 * second[0] and len(letters) >= FEW_WORDS:
            return best[1], True
        if len(letters) < FEW_WORDS and max("".join(letters)) < LATIN_ENDS:
            return self._of_few(letters), True
        return self._by_model(letters, text, best, second)

    def _by_model(self, letters: Sequence[str], text: str, best: tuple[float, str], second: tuple[float, str]) -> tuple[str, bool]:
        code, sure = self._model.classify(text[:600])
        if code in {lexicon.language for lexicon in self.lexicons}:
            return str(code), True
        foreign_script = sum(c >= LATIN_ENDS for word in letters for c in word) > 0.5 * sum(map(len, letters))
        if foreign_script or (sure >= SURE and len(letters) >= FEW_WORDS) or (sure >= 0.75 and best[0] < 0.1 and len(letters) > 7):
            return str(code), False
        few = self._of_few(letters)
        if few or best[0] == 0.0:
            return few, bool(few) or len(letters) < FEW_WORDS
        return (best[1] if best[0] > second[0] else ""), True

    def _of_few(self, letters: Sequence[str]) -> str:
        """The language of a few words that only one language has."""
        counts = [(sum(word in lexicon.own_words for word in letters), lexicon.language) for lexicon in self.lexicons]
        counts.sort(reverse=True)
        if not counts[0][0] or (len(counts) > 1 and counts[0][0] == counts[1][0]):
            return ""
        return counts[0][1]

    @staticmethod
    def _share(letters: Sequence[str], lexicon: Lexicon) -> float:
        small = lexicon.function_words
        return sum(word in small for word in letters) / len(letters)

    @cached_property
    def _model(self) -> Any:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        # Among all its languages a Spanish mail is split between Spanish and its small neighbours.
        model.set_languages((set(CANDIDATES.split()) | {lexicon.language for lexicon in self.lexicons}) & set(model.labels))
        model._full_model = None  # 28 MB of languages that nobody asks for any more
        return model
