"""Broken rule files, one for each mistake people make: what is said must be exactly this, and what it advises must mend the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.errors import ConfigError

BROKEN = Path(__file__).parent / "broken_rules"
GOOD = BROKEN / "good_rules.yaml"
MAIL = BROKEN / "angry.eml"

NAMES = sorted(path.stem for path in BROKEN.glob("*.txt"))
SETS = sorted(path.name for path in BROKEN.iterdir() if path.is_dir())


def file_of(name: str, suffix: str = "") -> Path:
    """Give the file of a broken set: rules, or tests of the good rules."""
    rules, tests = BROKEN / f"{name}{suffix}.yaml", BROKEN / f"{name}{suffix}.test.yaml"
    return rules if rules.exists() else tests


def folder_with(tmp_path: Path, file: Path, name: str) -> Path:
    """Make a folder `rules` that holds this file under this name, beside the good rules if it is a test of them."""
    folder = tmp_path / "rules"
    folder.mkdir()
    shutil.copy(file, folder / name)
    if name.endswith(".test.yaml"):
        shutil.copy(GOOD, folder)
        shutil.copy(MAIL, folder)
    return folder


def load(folder: Path) -> None:
    load_tests(folder, load_rules(folder))


def said_of(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder)
    return "\n".join(caught.value.mistakes) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_file_is_answered_word_for_word(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder_with(tmp_path, file_of(name), file_of(name).name)
    assert said_of(Path("rules")) == (BROKEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_the_repair_that_the_message_advises_mends_the_file(name: str, tmp_path: Path) -> None:
    load(folder_with(tmp_path, file_of(name, ".fixed"), file_of(name).name))


@pytest.mark.parametrize("name", SETS)
def test_all_mistakes_of_all_files_come_at_once_in_order(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(BROKEN / name, tmp_path / "rules")
    assert said_of(Path("rules")) == (BROKEN / name / "expected.txt").read_text(encoding="utf-8")


def test_the_good_rules_are_good(tmp_path: Path) -> None:
    load(folder_with(tmp_path, GOOD, GOOD.name))


def test_many_mistakes_are_there_and_each_message_names_its_place_in_the_file() -> None:
    assert len(NAMES) >= 40
    assert len(SETS) >= 2
    for name in NAMES:
        said = (BROKEN / f"{name}.txt").read_text(encoding="utf-8")
        assert said.startswith(f"rules/{file_of(name).name}:")
        assert said.count("rules/") == 1 + (name == "mail_file_missing")
        if name != "no_rules":
            assert said.rstrip().endswith("^")


def test_no_file_stands_there_that_is_not_used() -> None:
    used = {GOOD.name, MAIL.name} | {f"{name}.txt" for name in NAMES}
    used |= {file_of(name, suffix).name for name in NAMES for suffix in ("", ".fixed")}
    assert used == {path.name for path in BROKEN.iterdir() if path.is_file()}
