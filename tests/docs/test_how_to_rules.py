"""The page "Write rules": each example of it is a file that loads without a warning, and whose rule tests pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.core.rulebook import Rulebook
from inboxd.desk.check import lint
from inboxd.desk.rule_tests import run_rule_tests

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
PAGE = (HOW_TO / "write-rules.md").read_text(encoding="utf-8")
EXAMPLES = HOW_TO / "examples"
SHOWN = dict(re.findall(r"^\[`[^`]+`\]\(examples/([\w.-]+)\)\n\n```yaml\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE))
NAMES = sorted({name.removesuffix(".yaml").removesuffix(".test") for name in SHOWN} - {"people"})
CATCH_ALL = "  - name: Everything else\n    then: {assign: everyone, answer_within: 24 hours}\n"
SITUATIONS = 12


def load(name: str, folder: Path) -> Rulebook:
    """Put an example into a folder with the people of all examples, but for those whom it shows anew, and a rule for everything else."""
    example = EXAMPLES / f"{name}.yaml"
    rules = example.read_text(encoding="utf-8") if example.exists() else ""
    shown_anew = set(re.findall(r"^  [\w-]+:", rules, flags=re.MULTILINE))
    people = (EXAMPLES / "people.yaml").read_text(encoding="utf-8").splitlines()
    kept = [line for line in people if line.partition("{")[0].rstrip() not in shown_anew]
    (folder / "people.yaml").write_text("\n".join(kept), encoding="utf-8")
    last_block = re.findall(r"^\w+:", rules, flags=re.MULTILINE)[-1:]
    rules += CATCH_ALL if last_block == ["rules:"] else f"\nrules:\n{CATCH_ALL}"
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    return load_rules(folder)


def test_each_block_of_the_page_is_a_file_word_for_word() -> None:
    assert len(SHOWN) == PAGE.count("```yaml\n"), "a block without a link to its file above it"
    assert {name: (EXAMPLES / name).read_text(encoding="utf-8") for name in SHOWN} == SHOWN


def test_each_file_is_on_the_page() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(SHOWN)


def test_each_situation_shows_its_rules_and_the_test_that_keeps_the_promise() -> None:
    situations = re.findall(r"^## \d+\. .*?(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(situations) == SITUATIONS
    for situation in situations:
        rules, tests = re.findall(r"\]\(examples/([\w.-]+)\)\n\n```yaml", situation)
        assert tests == rules.replace(".yaml", ".test.yaml")


@pytest.mark.parametrize("name", NAMES)
def test_each_example_loads_without_a_warning(name: str, tmp_path: Path) -> None:
    assert lint(load(name, tmp_path)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_tests_of_each_example_pass(name: str, tmp_path: Path) -> None:
    book = load(name, tmp_path)
    tests = (EXAMPLES / f"{name}.test.yaml").read_text(encoding="utf-8")
    (tmp_path / "rules.test.yaml").write_text(tests, encoding="utf-8")
    results = run_rule_tests(book, load_tests(tmp_path, book))
    assert results
    assert {result.test.name: result.differences for result in results if not result.passed} == {}


@pytest.mark.parametrize("name", [name for name in NAMES if (EXAMPLES / f"{name}.yaml").exists()])
def test_without_its_rules_an_example_breaks_its_promise(name: str, tmp_path: Path) -> None:
    """A test that passes without the rules that it stands beside promises nothing."""
    (tmp_path / "bare").mkdir()
    people = (EXAMPLES / "people.yaml").read_text(encoding="utf-8")
    teams = "  bikes: [tom]\n  repairs: [tom]\n" if name == "order-number" else ""
    (tmp_path / "bare" / "people.yaml").write_text(people.replace("teams:\n", f"teams:\n{teams}"), encoding="utf-8")
    (tmp_path / "bare" / "rules.yaml").write_text(f"rules:\n{CATCH_ALL}", encoding="utf-8")
    (tmp_path / "bare" / "rules.test.yaml").write_text((EXAMPLES / f"{name}.test.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    book = load_rules(tmp_path / "bare")
    assert not all(result.passed for result in run_rule_tests(book, load_tests(tmp_path / "bare", book)))


def test_the_page_names_each_command_that_changes_or_checks_rules() -> None:
    commands = ("check", "test", "explain mail.eml", "backtest --rules new/ --since 30d", "rules", "reload", "redecide --open")
    assert [command for command in commands if not re.search(rf"inboxd {re.escape(command)}\b", PAGE)] == []
