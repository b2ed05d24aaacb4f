"""The admin's rules/*.yaml as a checked Rulebook, with file and line of every mistake, all of them at once.

Every file of the folder is read; names may be defined in one and used in another. `*.test.yaml` are tests of the rules.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

from inboxd.adapters.rule_files.rule_tests import TestReader
from inboxd.adapters.rule_files.rulebook import Book
from inboxd.adapters.rule_files.words import list_of, read_block
from inboxd.core.rehearse import RuleTest
from inboxd.core.rulebook import Rulebook
from inboxd.yaml_source import Budget, Entries, Items, Mistake, Node, Scalar, Source, did_you_mean, read_yaml, refuse


def rule_paths(directory: Path) -> tuple[Path, ...]:
    """List the rule files of this folder, by name; those that begin with a dot are an editor's."""
    return tuple(path for path in sorted(directory.glob("[!.]*.yaml")) if not path.name.endswith(".test.yaml"))


def overlooked(directory: Path) -> tuple[Path, ...]:
    """List the files of this folder that look like rules or tests, and are not read for their ending."""
    return tuple(path for path in sorted(directory.glob("[!.]*")) if path.suffix.lower() in (".yaml", ".yml") and path.suffix != ".yaml")


def _read(paths: Iterable[Path]) -> list[Source]:
    """Read these files, as much of them together as can be read quickly."""
    budget = Budget()
    return [read_yaml(path, budget) for path in paths]


def load_rules(directory: Path) -> Rulebook:
    """Read and check all rule files of this folder; raises ConfigError with every mistake of every file."""
    sources = _read(rule_paths(directory))
    if not sources:
        refuse([Mistake(file=str(directory), line=0, column=0, message=_nothing_in(directory))])
    book = Book(sources)
    rulebook = book.read()
    refuse(mistake for source in sources for mistake in source.mistakes)
    return rulebook


def _nothing_in(directory: Path) -> str:
    if not directory.is_dir():
        return "this is a file; name the folder that it lies in" if directory.exists() else "there is no such folder"
    if not os.access(directory, os.R_OK | os.X_OK):
        return "this folder cannot be read: Permission denied"
    other = overlooked(directory)
    return "no rule files (*.yaml) in this folder" + (f"; end the name of {other[0].name} with '.yaml', in small letters" if other else "")


def unknown_templates(directory: Path, known: Set[str]) -> list[Mistake]:
    """Find every template that the rules name and that does not exist, with its place."""
    sources = _read(rule_paths(directory))
    for source in sources:
        for node in _named_templates(source.root):
            if node.text.strip() not in known:
                source.wrong(node, f"no template called '{node.text.strip()}'{did_you_mean(node.text.strip(), known)}")
    return [mistake for source in sources for mistake in source.mistakes]


def _named_templates(node: Node | None) -> Iterator[Scalar]:
    if isinstance(node, Items):
        for item in node.items:
            yield from _named_templates(item)
    elif isinstance(node, Entries):
        for key, value in node.pairs:
            if key.text == "reply_with" and isinstance(value, Scalar):
                yield value
            else:
                yield from _named_templates(value)


def load_tests(directory: Path, book: Rulebook) -> tuple[RuleTest, ...]:
    """Read the tests beside the rules (*.test.yaml); raises ConfigError with every mistake of every file."""
    sources = _read(sorted(directory.glob("[!.]*.test.yaml")))
    tests: dict[str, RuleTest] = {}
    for source in sources:
        if source.root is None:
            continue
        for name, node in read_block(source, source.root, "this file", "test_file").items():
            for item in list_of(source, node, name):
                test = TestReader(source, book).read(item)
                if test and test.name in tests:
                    first = tests[test.name]
                    place = f"line {first.line}" if first.file == test.file else f"{first.file}:{first.line}"
                    told = f"a second test '{test.name}'; the first is in {place}; give it another name"
                    source.wrong(source.key_of(item, "name"), told)
                elif test:
                    tests[test.name] = test
    refuse(mistake for source in sources for mistake in source.mistakes)
    return tuple(tests.values())
