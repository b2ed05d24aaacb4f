"""`make bench`: print a table of all figures and write bench.json: {name: {value, unit, limit, ratio}}."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import corpora, end_to_end, reading

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PARTS: tuple[tuple[str, str, Callable[[Path], Mapping[str, float]]], ...] = (
    ("real mails", "corpora", corpora.figures),
    ("reading", "reading", reading.figures),
    ("end to end", "end_to_end", end_to_end.figures),
)


def main() -> None:
    """Run the parts named on the command line, or all of them."""
    wanted = set(sys.argv[1:])
    table: dict[str, dict[str, object]] = {}
    for title, name, figures in PARTS:
        if wanted and name not in wanted:
            continue
        print(f"\n{title} (python -m bench {name})", flush=True)
        if name == "corpora" and not (SHARED / "corpora").is_dir():
            print(f"  skipped: there are no mails at {SHARED / 'corpora'}")
            continue
        for figure, value in figures(SHARED).items():
            table[f"{name}.{figure}"] = {"value": round(value, 4), "unit": "", "limit": None, "ratio": None}
            print(f"  {figure:<34} {value:>12.4g}")
    (ROOT / "bench.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
