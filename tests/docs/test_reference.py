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
from inboxd.core.opening import span_words
from inboxd.core.rulebook import FollowUpPolicy
from inboxd.core.rules import CONDITIONS
from inboxd.desk.check import lint

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "docs" / "how-to" / "write-rules.md").read_text(encoding="utf-8")
CATCH_ALL = "rules:\n  - name: Everything else\n    then: {assign: everyone}\n"


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next heading."""
    return re.split(r"^#{2,3} ", text.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, str]:
    """The first word of each table row, with the last cell."""
    found = re.findall(r"^\| `([a-z_]+)` \|(.*)\|$", text, flags=re.MULTILINE)
    return {word: rest.rpartition(" | ")[2].strip() for word, rest in found}


def examples(text: str) -> list[str]:
    return [textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)]


@pytest.mark.parametrize(
    ("text", "heading", "known"),
    [
        (RULES, "## Blocks of a file", words.BLOCKS),
        (RULES, "### agents", words.AGENT_WORDS),
        (RULES, "### teams", words.TEAM_WORDS),
        (RULES, "### customers", words.CUSTOMER_WORDS),
        (RULES, "### topics", words.TOPIC_WORDS),
        (RULES, "## A rule", words.RULE_WORDS),
        (RULES, "### when", CONDITIONS),
        (RULES, "### then", words.THEN_WORDS),
        (RULES, "## follow_up", words.FOLLOW_UP_WORDS),
        (RULES, "## Tests", words.TEST_WORDS),
        (SETTINGS, "# Settings", config.SETTINGS_WORDS),
        (SETTINGS, "## A mailbox", config.MAILBOX_WORDS),
        (SETTINGS, "## Servers: imap and smtp", config.SERVER_WORDS),
        (SETTINGS, "## Secrets: password", config.SECRET_WORDS),
        (SETTINGS, "## folders", config.FOLDER_WORDS),
    ],
)
def test_each_word_is_documented_and_each_documented_word_exists(text: str, heading: str, known: tuple[str, ...]) -> None:
    assert set(rows(section(text, heading))) == set(known)


@pytest.mark.parametrize(
    "known", [words.KINDS, words.SENTIMENTS, words.PRIORITIES, words.SHIPPED_TOPICS, words.MAIL_WORDS, words.GIVEN_WORDS]
)
def test_each_value_of_a_closed_list_is_documented(known: tuple[str, ...]) -> None:
    assert [word for word in known if f"`{word}`" not in RULES] == []


@pytest.mark.parametrize("word", CONDITIONS)
def test_the_example_of_each_condition_loads(word: str, tmp_path: Path) -> None:
    example = rows(section(RULES, "### when"))[word].strip("`")
    people = (ROOT / "rules" / "people.yaml").read_text(encoding="utf-8")
    (tmp_path / "people.yaml").write_text(people, encoding="utf-8")
    rule = f"  - name: example\n    when:\n      {example}\n    then: {{priority: high}}\n"
    (tmp_path / "rules.yaml").write_text(f"rules:\n{rule}", encoding="utf-8")
    assert load_rules(tmp_path).rules[0].when[0].word == word


@pytest.mark.parametrize("word", words.THEN_WORDS)
def test_the_example_of_each_answer_loads(word: str, tmp_path: Path) -> None:
    example = rows(section(RULES, "### then"))[word].strip("`")
    people = (ROOT / "rules" / "people.yaml").read_text(encoding="utf-8")
    (tmp_path / "people.yaml").write_text(people, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(f"rules:\n  - name: x\n    then:\n      {example}\n", encoding="utf-8")
    then = load_rules(tmp_path).rules[0].then
    assert getattr(then, "labels" if word == "label" else word) not in (None, ())


@pytest.mark.parametrize("number", range(len(examples(HOW_TO))))
def test_the_examples_of_the_how_to_load(number: int, tmp_path: Path) -> None:
    example = examples(HOW_TO)[number]
    (tmp_path / "people.yaml").write_bytes((ROOT / "rules" / "people.yaml").read_bytes())
    if example.startswith("tests:"):
        (tmp_path / "example.test.yaml").write_text(example, encoding="utf-8")
        assert load_tests(tmp_path)
        return
    if example.startswith("when:"):
        example = "- name: example\n" + textwrap.indent(example, "  ") + "  then: {priority: high}\n"
    rules = "rules:\n" + textwrap.indent(example, "  ") + CATCH_ALL.partition("\n")[2]
    (tmp_path / "routing.yaml").write_text(rules, encoding="utf-8")
    assert lint(load_rules(tmp_path)) == []


def test_the_examples_of_the_reference_load(tmp_path: Path) -> None:
    for number, example in enumerate(examples(RULES)):
        kind = ".test.yaml" if example.startswith("tests:") else ".yaml"
        (tmp_path / f"{number}{kind}").write_text(example, encoding="utf-8")
    (tmp_path / "routing.yaml").write_text(CATCH_ALL, encoding="utf-8")
    assert set(load_rules(tmp_path).agents) == {"maria", "tom"}
    assert load_tests(tmp_path)


def test_the_example_of_the_settings_loads(tmp_path: Path) -> None:
    (example,) = examples(SETTINGS)
    (tmp_path / "inboxd.yaml").write_text(example, encoding="utf-8")
    assert config.load_settings(tmp_path / "inboxd.yaml").admin == "admin@acme.example"


def test_defaults_in_the_documents_are_the_defaults() -> None:
    for word, default in rows_with_default(section(RULES, "## follow_up")).items():
        if word != "unhappy_goes_to":
            assert default == span_words(getattr(FollowUpPolicy(), word))
    documented = rows_with_default(section(SETTINGS, "# Settings"))
    defaults = {field.name: field.default for field in dataclasses.fields(config.Settings)}
    for word in ("poll", "gather", "gather_quiet"):
        span = defaults[word]
        assert isinstance(span, timedelta)
        assert documented[word] == span_words(span)


def rows_with_default(text: str) -> dict[str, str]:
    found = re.findall(r"^\| `([a-z_]+)` \| `([^`]*)` \|", text, flags=re.MULTILINE)
    return dict(found)
