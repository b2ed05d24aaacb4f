"""`make bench`: print a table of all figures and write bench.json: {name: {value, unit, limit, ratio}}."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import Figure, backtest, corpora, drivers, end_to_end, guessing, learning, memory, reading, report, spikes

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
PARTS: tuple[tuple[str, str, Callable[[Path], Mapping[str, Figure | float]]], ...] = (
    ("real mails", "corpora", corpora.figures),
    ("reading", "reading", reading.figures),
    ("learning", "learning", learning.figures),
    ("drivers and spikes", "drivers", drivers.figures),
    ("how soon spikes are told", "spikes", spikes.figures),
    ("report of a quarter", "report", report.figures),
    ("backtest", "backtest", backtest.figures),
    ("guessed addresses", "guessing", guessing.figures),
    ("end to end", "end_to_end", end_to_end.figures),
    ("memory", "memory", memory.figures),
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
        for key, value in figures(SHARED).items():
            figure = value if isinstance(value, Figure) else Figure(value)
            table[f"{name}.{key}"] = {"value": figure.value, "unit": figure.unit, "limit": figure.limit, "ratio": figure.ratio}
            beside = f"limit {figure.limit:<10.4g} ratio {figure.ratio:.2f}" if figure.limit and figure.ratio is not None else ""
            print(f"  {key:<40} {figure.value:>12.4g} {figure.unit:<8} {beside}".rstrip(), flush=True)
    (ROOT / "bench.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
