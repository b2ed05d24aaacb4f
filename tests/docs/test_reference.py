"""Every word of settings and rules is documented, and every example in the documents loads."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd import config
from inboxd.adapters.rule_files import load_rules, load_tests, words
from inboxd.adapters.rule_files.language import BLOCKS, words_of
from inboxd.core.opening import span_words
from inboxd.core.rulebook import FollowUpPolicy, Rulebook
from inboxd.core.rules import CONDITIONS
from inboxd.desk.check import lint
from inboxd.desk.rule_tests import run_rule_tests
from tools.write_rules_reference import generated

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
CATCH_ALL = "rules:\n  - name: Everything else\n    then: {assign: everyone}\n"
CALENDAR = 'calendars: {office: {timezone: Europe/Berlin, open: {mon-fri: "09:00-17:00"}}}\n'


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next heading."""
    return re.split(r"^#{2,3} ", text.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def table(block: str) -> str:
    """The table of a block of the rule language."""
    return RULES.partition(f"<!-- words: {block} -->")[2].partition("<!-- end -->")[0]


def rows(text: str) -> dict[str, str]:
    """The first word of each table row, with the last cell."""
    found = re.findall(r"^\| `([a-z_]+)` \|(.*)\|$", text, flags=re.MULTILINE)
    return {word: rest.rpartition(" | ")[2].strip() for word, rest in found}


def examples(text: str) -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)]


def loaded(folder: Path, rules: str) -> Rulebook:
    """These rules with the shipped people, and a calendar."""
    (folder / "calendar.yaml").write_text(CALENDAR, encoding="utf-8")
    (folder / "people.yaml").write_bytes((ROOT / "rules" / "people.yaml").read_bytes())
    (folder / "routing.yaml").write_text(rules, encoding="utf-8")
    return load_rules(folder)


@pytest.mark.parametrize("path", list(generated()), ids=lambda path: path.name)
def test_what_follows_from_the_words_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run: python -m tools.write_rules_reference"


@pytest.mark.parametrize("block", BLOCKS)
def test_each_word_of_rules_is_documented_and_each_documented_word_exists(block: str) -> None:
    shared = words_of("then") if block == "expect" else ()
    assert [*shared, *rows(table(block))] == list(words_of(block))


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("# Settings", config.SETTINGS_WORDS),
        ("## A mailbox", config.MAILBOX_WORDS),
        ("## Servers: imap and smtp", config.SERVER_WORDS),
        ("## Secrets: password", config.SECRET_WORDS),
        ("## folders", config.FOLDER_WORDS),
    ],
)
def test_each_setting_is_documented_and_each_documented_setting_exists(heading: str, known: tuple[str, ...]) -> None:
    assert set(rows(section(SETTINGS, heading))) == set(known)


def test_the_words_of_when_are_the_conditions_that_are_checked() -> None:
    assert set(words_of("when")) == set(CONDITIONS)


@pytest.mark.parametrize("known", [words.KINDS, words.SENTIMENTS, words.PRIORITIES, words.SHIPPED_TOPICS])
def test_each_value_of_a_closed_list_is_documented(known: tuple[str, ...]) -> None:
    assert [word for word in known if f"`{word}`" not in RULES] == []


@pytest.mark.parametrize("word", words_of("when"))
def test_the_example_of_each_condition_loads(word: str, tmp_path: Path) -> None:
    example = rows(table("when"))[word].strip("`")
    book = loaded(tmp_path, f"rules:\n  - name: example\n    when:\n      {example}\n    then: {{priority: high}}\n")
    assert book.rules[0].when[0].word == word


@pytest.mark.parametrize("word", words_of("then"))
def test_the_example_of_each_answer_loads(word: str, tmp_path: Path) -> None:
    example = rows(table("then"))[word].strip("`")
    then = loaded(tmp_path, f"rules:\n  - name: x\n    then:\n      {example}\n").rules[0].then
    assert getattr(then, "labels" if word == "label" else word) not in (None, ())


@pytest.mark.parametrize(
    ("block", "before"),
    [
        ("calendars", 'calendars:\n  own:\n    timezone: UTC\n    open: {mon: "09:00-10:00"}\n'),
        ("agents", "agents:\n  kim:\n    email: kim@acme.example\n"),
        ("teams", "teams:\n  more:\n    agents: [tom]\n    deliver: folder\n"),
        ("customers", "customers:\n  ana@small.example:\n    label: [x]\n"),
        ("topics", "topics:\n  bike_size:\n    phrases: [x]\n"),
        ("if_nobody_answers", "if_nobody_answers:\n  - after: 1 hour\n    priority: low\n"),
        ("follow_up", "follow_up:\n    grace: 1 day\n"),
    ],
)
def test_the_examples_of_all_other_blocks_load(block: str, before: str, tmp_path: Path) -> None:
    for word, example in rows(table(block)).items():
        lines = [line for line in before.splitlines() if line.strip(" -").partition(":")[0] != word]
        if word == "after":
            lines = [*lines[:-1], f"  - {example.strip('`')}", "    priority: low"]
        else:
            lines.append(f"    {example.strip('`')}".replace("maria@acme.example", "maria@home.example"))
        assert loaded(tmp_path, CATCH_ALL + "\n".join(lines) + "\n").rules


def test_the_examples_of_the_reference_load_and_their_tests_pass(tmp_path: Path) -> None:
    for number, example in enumerate(examples(RULES)):
        kind = ".test.yaml" if example.startswith("tests:") else ".yaml"
        (tmp_path / f"{number}{kind}").write_text(example, encoding="utf-8")
    book = load_rules(tmp_path)
    assert set(book.agents) == {"maria", "tom", "aiko"} and len(book.ladder) == 3
    assert lint(book) == []
    results = run_rule_tests(book, load_tests(tmp_path, book))
    assert len(results) == 2 and [result.differences for result in results if not result.passed] == []


def test_the_commented_examples_of_the_shipped_rules_load(tmp_path: Path) -> None:
    for name in ("people.yaml", "routing.yaml"):
        text = (ROOT / "rules" / name).read_text(encoding="utf-8")
        block = re.compile(r"(?:^# (?:calendars|if_nobody_answers):\n)(?:^#  .*\n)+", flags=re.MULTILINE)
        assert block.search(text)
        (tmp_path / name).write_text(block.sub(lambda found: re.sub("^# ", "", found[0], flags=re.MULTILINE), text), encoding="utf-8")
    book = load_rules(tmp_path)
    assert list(book.calendars) == ["office"] and len(book.ladder) == 2
    people = (ROOT / "rules" / "people.yaml").read_text(encoding="utf-8")
    lines = re.findall(r"^#     ((?:hours|away|at_most): .*)$", people, flags=re.MULTILINE)
    more = "".join(f"    {line}\n" for line in lines)
    text = (tmp_path / "people.yaml").read_text(encoding="utf-8").replace("    speaks: [en]\n", f"    speaks: [en]\n{more}")
    (tmp_path / "people.yaml").write_text(text, encoding="utf-8")
    tom = next(agent for agent in load_rules(tmp_path).agents.values() if agent.name == "tom")
    assert (len(lines), tom.at_most, len(tom.away)) == (3, 12, 1) and tom.hours


def test_the_example_of_the_settings_loads(tmp_path: Path) -> None:
    (example,) = examples(SETTINGS)
    (tmp_path / "inboxd.yaml").write_text(example, encoding="utf-8")
    assert config.load_settings(tmp_path / "inboxd.yaml").admin == "admin@acme.example"


def test_the_defaults_of_rules_are_the_defaults(tmp_path: Path) -> None:
    defaults = {word.name: found[1] for word in BLOCKS["follow_up"] if (found := re.search(r"the default is `([^`]+)`", word.means))}
    assert len(defaults) == 7
    lines = "".join(f"  {word}: {default}\n" for word, default in defaults.items())
    book = loaded(tmp_path, f"repeat: at least 3 in 14 days\n{CATCH_ALL}follow_up:\n{lines}")
    assert book.follow_up == FollowUpPolicy()
    assert "the default is `at least 3 in 14 days`" in table("file")
    assert (book.repeat_contacts, book.repeat_within) == (Rulebook().repeat_contacts, Rulebook().repeat_within)


def test_the_defaults_of_settings_are_the_defaults() -> None:
    documented = rows_with_default(section(SETTINGS, "# Settings"))
    defaults = {field.name: field.default for field in dataclasses.fields(config.Settings)}
    for word in ("poll", "gather", "gather_quiet"):
        span = defaults[word]
        assert isinstance(span, timedelta)
        assert documented[word] == span_words(span)


def rows_with_default(text: str) -> dict[str, str]:
    found = re.findall(r"^\| `([a-z_]+)` \| `([^`]*)` \|", text, flags=re.MULTILINE)
    return dict(found)
