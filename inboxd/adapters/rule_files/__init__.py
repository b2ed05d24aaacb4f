"""The admin's rules/*.yaml as a checked Rulebook, with file and line of every mistake, all of them at once.

Every file of the folder is read; names may be defined in one and used in another. `*.test.yaml` are tests of the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from inboxd.adapters.rule_files.rule_tests import TestReader
from inboxd.adapters.rule_files.rulebook import Book
from inboxd.adapters.rule_files.words import list_of, read_block
from inboxd.core.rehearse import RuleTest
from inboxd.core.rulebook import Rulebook
from inboxd.yaml_source import Budget, Mistake, Source, read_yaml, refuse


def rule_paths(directory: Path) -> tuple[Path, ...]:
    """List the rule files of this folder, by name."""
    return tuple(path for path in sorted(directory.glob("*.yaml")) if not path.name.endswith(".test.yaml"))


def _read(paths: Iterable[Path]) -> list[Source]:
    """Read these files, as much of them together as can be read quickly."""
    budget = Budget()
    return [read_yaml(path, budget) for path in paths]


def load_rules(directory: Path) -> Rulebook:
    """Read and check all rule files of this folder; raises ConfigError with every mistake of every file."""
    sources = _read(rule_paths(directory))
    if not sources:
        refuse([Mistake(file=str(directory), line=0, column=0, message="no rule files (*.yaml) in this folder")])
    book = Book(sources)
    rulebook = book.read()
    refuse(mistake for source in sources for mistake in source.mistakes)
    return rulebook


def load_tests(directory: Path, book: Rulebook) -> tuple[RuleTest, ...]:
    """Read the tests beside the rules (*.test.yaml); raises ConfigError with every mistake of every file."""
    sources = _read(sorted(directory.glob("*.test.yaml")))
    tests = []
    for source in sources:
        if source.root is None:
            continue
        for name, node in read_block(source, source.root, "this file", "test_file").items():
            tests += [TestReader(source, book).read(item) for item in list_of(source, node, name)]
    refuse(mistake for source in sources for mistake in source.mistakes)
    return tuple(test for test in tests if test)
