"""Maintainers' tool: write what follows from the table of rule words - the JSON Schemas, and the tables of docs/reference/rules.md.

    python -m tools.write_rules_reference

Prose around the tables stays as it is. A table stands between `<!-- words: when -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from inboxd.adapters.rule_files.language import BLOCKS, words_of
from inboxd.adapters.rule_files.schema import rules_schema, tests_schema

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "rules.md"
TABLE = re.compile(r"(<!-- words: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write every file whose contents follow from the code."""
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def generated() -> dict[Path, str]:
    """Give each of these files with the text it should have."""
    page = REFERENCE.read_text(encoding="utf-8")
    return {
        ROOT / "rules" / "rules.schema.json": _json(rules_schema()),
        ROOT / "rules" / "tests.schema.json": _json(tests_schema()),
        REFERENCE: TABLE.sub(lambda found: f"{found[1]}\n{table(found[2])}\n{found[3]}", page),
    }


def table(block: str) -> str:
    """Give the words of a block as a Markdown table; `expect` shows only what it adds to the words of `then`."""
    shared = words_of("then") if block == "expect" else ()
    rows = [
        f"| `{word.name}` | {word.means} | {f'`{word.name}: {word.example}`' if word.example else ''} |"
        for word in BLOCKS[block]
        if word.name not in shared
    ]
    return "\n".join(("| word | means | example |", "| --- | --- | --- |", *(re.sub(r"\s+\|$", " |", row) for row in rows), ""))


def _json(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
