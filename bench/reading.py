"""How well and how fast mails are read, beside the prototype: `python bench/reading.py [SHARED]`."""

from __future__ import annotations

import json
import resource
import runpy
import subprocess
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from inboxd.core.classify import Thresholds
from inboxd.core.model import Scores, ToRead

SHARED = Path(__file__).parents[1] / "../shared"
TOPICS = {"shipping": "order_and_delivery", "account": "account_access", "howto": "how_to", "security": "privacy_and_security"}
SPEED_WORDS, SPEED_MAILS = 64, 1500


def figures(shared: Path) -> dict[str, float]:
    """Measure everything; sets that are absent are left out."""
    found = _start_up()
    from inboxd.adapters.nlp.reader import SpacyReader

    found |= _growth()
    reader = SpacyReader()
    corpora = shared / "corpora/nlp-dev"
    if not corpora.is_dir():
        return found
    mix = rows_of(corpora / "mix_dev.jsonl")
    found |= _speed(reader.read, mix)
    found |= upset_figures([scores.upset for scores in read_rows(reader.read, mix)], mix, "")
    found |= _prototype(shared / "prototypes/upset_lexicon.py", mix)
    for name in ("bitext", "banking77"):
        rows = [row for row in rows_of(corpora / f"{name}.jsonl") if row.get("topic")]
        found |= _topics(read_rows(reader.read, rows), rows, name)
    for name in ("petreviews", "airline", "goemotions", "senti4sd"):
        rows = [row for row in rows_of(corpora / f"{name}.jsonl") if row.get("upset") in (0, 1)]
        scores = [scores.upset for scores in read_rows(reader.read, rows)]
        precision, auc, _ = _ranking(scores, [bool(row["upset"]) for row in rows])
        found |= {f"{name}_ap": precision, f"{name}_auc": auc}
    found |= _vader(corpora)
    found["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Read a set of labelled texts."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def read_rows(read: Callable[[Sequence[ToRead]], list[Scores]], rows: Sequence[dict[str, Any]]) -> list[Scores]:
    """Read all texts of a set."""
    return read([ToRead(subject="", new_text=row["text"]) for row in rows])


def _start_up() -> dict[str, float]:
    """Seconds in fresh processes until ready: bare `import spacy`, and the reader on top of it; best of three."""
    code = (
        "from time import perf_counter as now; a = now(); import spacy; b = now()\n"
        "from inboxd.adapters.nlp.reader import SpacyReader; SpacyReader(); print(b - a, now() - b)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split() for _ in range(3)]
    return {"import_spacy_s": min(float(run[0]) for run in runs), "load_beyond_spacy_s": min(float(run[1]) for run in runs)}


def _growth() -> dict[str, float]:
    """Memory of a process of its own after 10,000 and after 100,000 mails whose words it never saw."""
    code = (
        "from bench.reading import unseen_words; from inboxd.adapters.nlp.reader import SpacyReader; from inboxd.core.model import ToRead\n"
        "def rss(): return int(open('/proc/self/status').read().split('VmRSS:')[1].split()[0]) / 1024\n"
        "reader, found = SpacyReader(), []\n"
        "for start in range(0, 100_000, 50):\n"
        "    reader.read([ToRead(subject='', new_text=unseen_words(n), reply=False) for n in range(start, start + 50)])\n"
        "    if start in (9_950, 99_950): found.append(rss())\n"
        "print(*found)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    first, last = (float(each) for each in run.stdout.split())
    return {"rss_after_10000_mb": first, "rss_after_100000_mb": last}


def unseen_words(number: int) -> str:
    """A short English mail with ten words that stand in no other."""
    made = " ".join(f"w{number}x{place}" for place in range(10))
    return f"Hello, where is the {made} that I have ordered with you, please? It is not here and I would like to have it."


def _speed(read: Callable[[Sequence[ToRead]], list[Scores]], rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    words = " ".join(row["text"] for row in rows).split()
    parts = [" ".join(words[index : index + SPEED_WORDS]) for index in range(0, SPEED_WORDS * SPEED_MAILS, SPEED_WORDS)]
    texts = [ToRead(subject="", new_text=part, reply=False) for part in parts if part]
    read([*texts[:50], ToRead(subject="", new_text="Bonjour, je voudrais savoir où est ma commande.")])  # loads py3langid too
    start = perf_counter()
    for index in range(0, len(texts), 32):
        read(texts[index : index + 32])
    found = {"mails_per_s": len(texts) / (perf_counter() - start)}
    import spacy

    stock = spacy.blank("en")  # the raw limit of the same minute: only cutting words, by the stock tokenizer
    start = perf_counter()
    with stock.memory_zone():
        for part in parts:
            stock.make_doc(part)
    return found | {"stock_tokenizer_mails_per_s": len(parts) / (perf_counter() - start)}


def _prototype(path: Path, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    if not path.is_file():
        return {}
    score = runpy.run_path(str(path))["score"]
    return upset_figures([score(row["text"]) for row in rows], rows, "prototype_")


def _vader(corpora: Path) -> dict[str, float]:
    """The same sets by VADER's own code, where it is installed: the lexicon tool that the reader is measured against."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    found: dict[str, float] = {}
    each: list[tuple[float, float]] = []
    for name in ("mix_dev", "petreviews", "airline", "goemotions", "senti4sd"):
        rows = [row for row in rows_of(corpora / f"{name}.jsonl") if row.get("upset") in (0, 1)]
        scores = [-analyzer.polarity_scores(row["text"])["compound"] for row in rows]
        precision, auc, _ = _ranking(scores, [bool(row["upset"]) for row in rows])
        if name == "mix_dev":
            found |= {"vader_mix_ap": precision, "vader_mix_auc": auc}
        else:
            each.append((precision, auc))
    return found | {"vader_four_sets_ap": sum(p for p, _ in each) / 4, "vader_four_sets_auc": sum(a for _, a in each) / 4}


def upset_figures(scores: Sequence[float], rows: Sequence[dict[str, Any]], prefix: str) -> dict[str, float]:
    """Say how well scores tell the upset from the others, and how often they raise a false alarm."""
    upset = [bool(row["upset"]) for row in rows]
    precision, auc, recall = _ranking(scores, upset)
    threshold = Thresholds().upset
    found = {f"{prefix}upset_ap": precision, f"{prefix}upset_auc": auc, f"{prefix}upset_recall_at_90": recall}
    found[f"{prefix}upset_recall"] = _share(score >= threshold for score, bad in zip(scores, upset, strict=True) if bad)
    for source in ("enron", "bitext", "banking77", "petreviews"):
        calm = [score for score, row in zip(scores, rows, strict=True) if row["source"] == source and not row["upset"]]
        found[f"{prefix}false_alarms_{source}"] = _share(score >= threshold for score in calm)
    return found


def _ranking(scores: Sequence[float], upset: Sequence[bool]) -> tuple[float, float, float]:
    """Average precision, area under the ROC curve (ties count half), best recall at 90 % precision."""
    order = sorted(range(len(scores)), key=lambda index: -scores[index])
    positives, hits, precision, recall = sum(upset), 0, 0.0, 0.0
    for rank, index in enumerate(order, 1):
        if upset[index]:
            hits += 1
            precision += hits / rank
        if hits / rank >= 0.9:
            recall = max(recall, hits / positives)
    good = sorted(score for score, bad in zip(scores, upset, strict=True) if not bad)
    wins = sum(bisect_left(good, s) + bisect_right(good, s) for s, bad in zip(scores, upset, strict=True) if bad) / 2
    return precision / positives, wins / (positives * len(good)), recall


def _topics(read: Sequence[Scores], rows: Sequence[dict[str, Any]], name: str) -> dict[str, float]:
    best = [scores.topics[0] if scores.topics else ("", 0.0) for scores in read]
    right = [topic == TOPICS.get(row["topic"], row["topic"]) for (topic, _), row in zip(best, rows, strict=True)]
    sure = [share >= Thresholds().topic for _, share in best]
    return {
        f"{name}_topic_accuracy": _share(right),
        f"{name}_topic_covered": _share(sure),
        f"{name}_topic_right_when_covered": _share(ok for ok, covered in zip(right, sure, strict=True) if covered),
    }


def _share(found: Iterable[bool]) -> float:
    all_found = list(found)
    return sum(all_found) / len(all_found) if all_found else 0.0


if __name__ == "__main__":
    for name, value in figures(Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED).items():
        print(f"{name:36} {value:10.3f}")
