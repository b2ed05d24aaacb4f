"""Maintainers' tool: what the thresholds of answers cost, on answers that training never sees.

    python -m tools.sweep_answers BY_WORDS=0.4,0.5 AS_A_WHOLE=0.8,0.84,0.88

reads the answers of the test set and those in tests/adapters/more_answers with each combination of the named constants of
inboxd/adapters/nlp/learned.py, and prints how many are read right, how many are left to a person, and which dissatisfied ones are taken
for a yes. Without arguments it prints one line: as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from inboxd.adapters.nlp import corpus, learned
from inboxd.adapters.nlp.corpus import AnswerExample
from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core.classify import answer_of
from inboxd.core.model import Answer, ToRead

MORE = Path(__file__).parents[1] / "tests" / "adapters" / "more_answers"


def main() -> None:
    """Print a line for each combination and set."""
    named = dict(each.split("=") for each in sys.argv[1:])
    unknown = [name for name in named if not isinstance(getattr(learned, name, None), float)]
    if unknown:
        sys.exit(f"{', '.join(unknown)}: no such number in {learned.__file__}")
    sets = {
        name: corpus.answers(name, root=root)
        for name, root in (
            ("test/answers_en.mails", corpus.CORPUS), ("test/answers_de.mails", corpus.CORPUS), ("en.mails", MORE), ("de.mails", MORE),
        )
    }  # fmt: skip
    reader = SpacyReader()
    for values in product(*([float(value) for value in values.split(",")] for values in named.values())):
        for name, value in zip(named, values, strict=True):
            setattr(learned, name, value)
        print(" ".join(f"{name}={value:g}" for name, value in zip(named, values, strict=True)) or "as they are")
        for name, examples in sets.items():
            print(f"  {name:22}", _told(examples, reader))


def _told(examples: Sequence[AnswerExample], reader: SpacyReader) -> str:
    scores = reader.read([ToRead(subject="", new_text=each.text) for each in examples])
    pairs = [(each, answer_of(one)) for each, one in zip(examples, scores, strict=True)]
    right = sum(each.answer is said for each, said in pairs) / len(pairs)
    unclear = sum(said is Answer.UNCLEAR for _, said in pairs) / len(pairs)
    wrong = [each.text[:60] for each, said in pairs if each.answer is Answer.DISSATISFIED and said in learned.SOLVED]
    return f"right {right:.3f}, unclear {unclear:.3f}, dissatisfied read as satisfied {len(wrong)} {wrong or ''}"


if __name__ == "__main__":
    main()
