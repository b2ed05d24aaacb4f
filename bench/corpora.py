"""The figures of ../shared/corpora/dev for parse, new text, threads and screening, by its own scoring rules. Prints one a line."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from inboxd.core.model import Directory, Message
from inboxd.core.new_text import new_text
from inboxd.core.parse import parse
from inboxd.core.screen import screen
from inboxd.desk.explain import Threads

SHARED = Path(__file__).resolve().parents[2] / "shared"


def figures(shared: Path) -> dict[str, float]:
    """Score parse, new text and screening over the dev corpora, each as rows right of all rows."""
    corpora = shared / "corpora" / "dev"
    rules = _rules(corpora / "score.py")
    parsed = [rules.score_parse(row["expect"], _answer(parse(raw))) for row, raw in rows(corpora, "parse")]
    replies = [rules.score_reply(row["expect"], new_text(parse(as_mail(raw, row["kind"])))) for row, raw in rows(corpora, "reply")]
    pairs = [(bool(row["expect"]["automatic"]), screen(parse(raw), Directory()).automatic) for row, raw in rows(corpora, "automatic")]
    precision, recall, _, caught, missed, _ = rules.prf(pairs)
    seconds, failed = _robust(corpora)
    together = list(_threads(corpora))
    return {
        "parse_rows": len(parsed),
        "parse_right": sum(all(fields.values()) for fields in parsed),
        "reply_rows": len(replies),
        "reply_right": sum(replies),
        "automatic_rows": len(pairs),
        "automatic_precision": precision,
        "automatic_recall": recall,
        "automatic_persons_caught": caught,
        "automatic_missed": missed,
        "thread_pairs": len(together),
        "thread_right": sum(together),
        "robust_rows": len(seconds),
        "robust_failed": failed,
        "robust_slowest_seconds": max(seconds, default=0.0),
    }


def rows(corpora: Path, task: str) -> Iterator[tuple[Mapping[str, Any], bytes]]:
    """Read the cases of one task with their bytes."""
    for line in (corpora / f"{task}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row, (corpora / row["raw_path"]).read_bytes()


def as_mail(body: bytes, kind: str) -> bytes:
    """Wrap a bare text or HTML as the body of a person's mail."""
    subtype = "html" if kind == "html" else "plain"
    header = f"From: Ann <ann@customer.example>\r\nSubject: Question\r\nContent-Type: text/{subtype}; charset=utf-8\r\n"
    return header.encode() + b"Content-Transfer-Encoding: 8bit\r\n\r\n" + body


def _answer(message: Message) -> dict[str, object]:
    return {
        "subject": message.subject,
        "from_email": message.sender.email,
        "from_name": message.sender.name,
        "text": message.text,
        "attachments": [attachment.name for attachment in message.attachments],
    }


def _robust(corpora: Path) -> tuple[list[float], int]:
    seconds: list[float] = []
    failed = 0
    for _, raw in rows(corpora, "robust"):
        started = time.perf_counter()
        message = parse(raw)
        screen(message, Directory())
        new_text(message)
        seconds.append(time.perf_counter() - started)
        failed += bool(message.error)
    return seconds, failed


def _threads(corpora: Path) -> Iterator[bool]:
    """Each pair of mails: told together or apart as it should be, after all mails of its context in their order."""
    for line in (corpora / "threads.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        threads, place = Threads(), {}
        for path in (*row.get("context_raw", ()), row["parent_raw"], row["child_raw"]):
            raw = (corpora / path).read_bytes()
            place[path] = threads.place(raw, parse(raw))
        yield (place[row["parent_raw"]] == place[row["child_raw"]]) is bool(row["expect"]["same"])


def _rules(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    """Print the figures, or why there are none."""
    if not (SHARED / "corpora" / "dev" / "score.py").is_file():
        print(f"no corpora at {SHARED / 'corpora' / 'dev'}", file=sys.stderr)
        return 1
    for name, figure in figures(SHARED).items():
        print(f"{name:28} {figure:10.4f}" if isinstance(figure, float) else f"{name:28} {figure:5d}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
