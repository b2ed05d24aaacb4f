"""Rule files of somebody who means harm, or of a program gone wild: each is refused or loaded, quickly and in little memory.

Each is loaded in a process of its own, so that its time and its memory can be measured.
"""

from __future__ import annotations

import errno
import json
import os
import random  # noqa: TID251 - hypothesis gives the seed
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxd.adapters.rule_files import load_rules, load_tests, rule_paths
from inboxd.errors import ConfigError
from inboxd.yaml_source import MAX_BYTES, MAX_LINE, MAX_NODES, SHOWN

SHIPPED = Path(__file__).parents[2] / "rules"
SECONDS = 5
MEGABYTES = 200

PEOPLE = "agents:\n  maria: maria@acme.example\nteams:\n  everyone: [maria]\n"
RULES = "rules:\n  - name: all\n    then: {assign: everyone}\n"

CHILD = """
import json, resource, sys
from datetime import UTC, datetime
from pathlib import Path
from inboxd.adapters.rule_files import load_rules
from inboxd.core.rules import Facts, judge
from inboxd.errors import ConfigError
try:
    book = load_rules(Path(sys.argv[1]))
    mistakes = []
    facts = Facts(now=datetime(2026, 1, 5, tzinfo=UTC), subject="a" * 100_000 + "!", text="a" * 100_000, sender="ana@x.example")
    judge(book.rules, facts)
except ConfigError as error:
    mistakes = error.mistakes
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))  # ru_maxrss is inherited
print(json.dumps({"mistakes": mistakes, "seconds": used.ru_utime + used.ru_stime, "megabytes": int(peak.split()[1]) / 1024}))
"""


@dataclass(frozen=True)
class Outcome:
    mistakes: list[str]
    seconds: float
    megabytes: float


def load_apart(folder: Path) -> Outcome:
    """Load the rules of this folder, and judge one mail by them, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(folder)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return Outcome(**json.loads(done.stdout))


def numbered(template: str, count: int) -> str:
    return "".join(template.replace("#", str(number)) for number in range(count))


# --- what is refused -------------------------------------------------------------------------------------------------

ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))

TOO_MANY = f"this file holds more than {MAX_NODES:,} values; that is more than can be read quickly"
TOO_LONG = f"this line is longer than {MAX_LINE:,} characters"
TAG = "a value that begins with '!' is a tag in YAML, and tags are refused; put text in quotes"
OFFICE = PEOPLE + RULES + "calendars:\n"

REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a deep nesting in one line": ("a: " + "[" * 15_000, "more than 20 levels inside each other"),
    "a deep nesting of blocks": ("\n".join(" " * depth + "a:" for depth in range(1400)), "more than 20 levels inside each other"),
    "a bomb of references": (ALIASES, "more than 10 references ('*name'); write the values out"),
    "ten megabytes": (b"a: " + b"x" * 10_000_000, "this file is larger than 1024 kB; nobody writes that much by hand"),
    "one line of a megabyte": ("a: " + "x" * (MAX_BYTES - 10), TOO_LONG),
    "a line of brackets": ("[" * (MAX_BYTES - 10), TOO_LONG),
    "exclamation marks": (("a: " + "!" * 15_000 + "\n") * 60, TAG),
    "a key a hundred thousand times": ("a: 1\n" * 100_000, TOO_MANY),
    "ten thousand rules": (
        "rules:\n" + numbered("  - name: Rule #\n    when: {topic: [bug, other], urgent: no}\n    then: {assign: everyone}\n", 10_000),
        TOO_MANY,
    ),
    "NULs": (b"agents:\n  maria: a\x00b\n", "an invisible control character"),
    "nothing but NULs": (b"\x00" * 100_000, TOO_LONG),
    "a NUL written as an escape": ('lead: "a\\0b"\n', "this text holds a control character, or half a character, written as an escape"),
    "half a character": ('lead: "\\ud800"\n', "this text holds a control character, or half a character, written as an escape"),
    "bytes that are no text": (b"a: \xff\xfe\xc3\x28\n", "this is not UTF-8; save the file with the encoding UTF-8"),
    "UTF-16": ("agents: {}\n".encode("utf-16"), "this is not UTF-8; save the file with the encoding UTF-8"),
    "surrogates as bytes": (b"a: \xed\xa0\x80\n", "this is not UTF-8; save the file with the encoding UTF-8"),
    "holidays of everywhere": (
        OFFICE + "  a: {timezone: UTC, open: {daily: '09:00-10:00'}, holidays: [DE, AT, CH, FR, IT, ES]}\n",
        "'holidays' of more than 5 countries or states; take calendars of their own",
    ),
    "closed for centuries": (
        OFFICE + f"  a: {{timezone: UTC, open: {{daily: '09:00-10:00'}}, closed: [{'2026-01-01 to 2026-12-31, ' * 300}]}}\n",
        "'closed' has more than 3,660 days",
    ),
    "too many calendars": (
        OFFICE + numbered("  a#: {timezone: UTC, open: {daily: '09:00-10:00'}}\n", 60),
        "more than 50 calendars",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused_with_one_clear_mistake(name: str, tmp_path: Path) -> None:
    text, message = REFUSED[name]
    (tmp_path / "x.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = load_apart(tmp_path)
    assert len(outcome.mistakes) == 1
    assert outcome.mistakes[0].splitlines()[0].rpartition("x.yaml:")[2].lstrip("0123456789: ") == message
    assert outcome.seconds < SECONDS
    assert outcome.megabytes < MEGABYTES


# --- what is large, and loads ----------------------------------------------------------------------------------------

LOADED = {
    "a pattern that would stop other engines":
    PEOPLE + "rules:\n  - name: all\n    when: {subject_matches: '(a+)+$'}\n    then: {assign: everyone}\n",
    "eight thousand rules": PEOPLE + "rules:\n" + numbered("  - name: Rule #\n    then: {assign: everyone}\n", 8_000),
    "rules that name ten thousand labels": PEOPLE + "customers:\n" + numbered("  c#.example: {label: label #}\n", 10_000)
    + "rules:\n" + numbered("  - {name: Rule #, when: {customer: label #}, then: {assign: maria}}\n", 1_500),
    "ten thousand customers": PEOPLE + RULES + "customers:\n" + numbered("  c#.example: {vip: yes}\n", 10_000),
    "ten thousand agents": "agents:\n" + numbered("  a#: a#@acme.example\n", 10_000) + "teams:\n  everyone:\n"
    + numbered("    - a#\n", 10_000) + RULES,
    "two thousand patterns": PEOPLE + "rules:\n"
    + numbered("  - {name: Rule #, when: {subject_matches: '\\bword#\\b'}, then: {label: a}}\n", 2_000),
    "fifty calendars with holidays": OFFICE
    + numbered("  a#: {timezone: UTC, open: {daily: '09:00-10:00'}, holidays: [DE, US-CA, IN, CN, MY]}\n", 50),
    "a megabyte of comments": PEOPLE + RULES + "#\n" * (MAX_BYTES // 2 - 200),
    "a megabyte of empty lines": PEOPLE + RULES + "\n" * (MAX_BYTES - 200),
    "half a megabyte of words in one value": PEOPLE + RULES + "    why: a\n" + "      a a a a\n" * 40_000,
}  # fmt: skip


@pytest.mark.parametrize("name", LOADED)
def test_a_large_file_is_loaded_quickly(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(LOADED[name], encoding="utf-8")
    outcome = load_apart(tmp_path)
    assert not outcome.mistakes
    assert outcome.seconds < SECONDS
    assert outcome.megabytes < MEGABYTES


# --- many mistakes ---------------------------------------------------------------------------------------------------

MANY = {
    "unknown settings": PEOPLE + RULES + "customers:\n" + numbered("  c#.example: {vop: yes}\n", 5_000),
    "one line": PEOPLE + RULES + "customers: {" + numbered("c#: {vop: x}, ", 900) + "}\n",
    "unknown teams among four thousand agents": "agents:\n" + numbered("  agent#: agent#@acme.example\n", 4_000)
    + "teams:\n  everyone: [agent1]\nrules:\n" + numbered("  - {name: Rule #, then: {assign: agend#x}}\n", 4_000),
    "unknown time zones": "agents:\n" + numbered("  a#: {email: a#@acme.example, timezone: Europe/Berln#}\n", 5_000)
    + "teams:\n  everyone: [a1]\n" + RULES,
    "names that stand there again": PEOPLE + RULES + "customers:\n" + "  big.example: {vip: yes}\n" * 10_000,
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
def test_of_thousands_of_mistakes_the_first_ones_are_shown_and_the_others_counted(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(MANY[name], encoding="utf-8")
    outcome = load_apart(tmp_path)
    assert len(outcome.mistakes) == SHOWN + 1
    assert outcome.mistakes[-1].startswith("and ") and outcome.mistakes[-1].endswith(" more; mend these first")
    assert sum(map(len, outcome.mistakes)) < 100_000
    assert outcome.seconds < SECONDS
    assert outcome.megabytes < MEGABYTES


def test_five_thousand_mistakes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(MANY["unknown settings"], encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rules(tmp_path)
    assert caught.value.mistakes[-1] == "and 4,900 more; mend these first"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "customers:\n" + numbered("  @#.example: {vip: yes}\n", 6_000),
            "this file holds, with the files before it, more than 60,000 values",
        ),
        (("#" * 79 + "\n") * 6_000, "this file is with the files before it larger than 1024 kB"),
    ],
)
def test_of_files_that_are_too_much_together_the_first_one_too_many_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(PEOPLE + RULES, encoding="utf-8")
    for letter in "bcdefgh":
        (tmp_path / f"{letter}.yaml").write_text(text.replace("@", letter), encoding="utf-8")
    outcome = load_apart(tmp_path)
    assert len(outcome.mistakes) == 1
    assert outcome.mistakes[0].rpartition(".yaml:")[0].endswith("/d")
    assert message in outcome.mistakes[0]
    assert outcome.seconds < SECONDS


# --- files that are no files -----------------------------------------------------------------------------------------


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "a pipe": (make_pipe, "this is not a file"),
    "a folder": (Path.mkdir, "this file cannot be read: Is a directory"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "this is not a file"),
    "a file that is gone": (lambda path: path.symlink_to("gone"), "this file cannot be read: No such file or directory"),
    "a link to itself": (make_loop, "this file cannot be read: Too many levels of symbolic links"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_is_refused_and_never_waited_for(name: str, tmp_path: Path) -> None:
    make, message = ODD[name]
    make(tmp_path / "x.yaml")
    (tmp_path / "y.yaml").write_text(PEOPLE + RULES, encoding="utf-8")
    outcome = load_apart(tmp_path)
    assert [mistake.rpartition("x.yaml: ")[2] for mistake in outcome.mistakes] == [message]


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.yaml").write_text(PEOPLE + RULES, encoding="utf-8")

    def refused(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))  # what the system says to all but root

    monkeypatch.setattr("os.open", refused)
    with pytest.raises(ConfigError, match=r"x\.yaml: this file cannot be read: Permission denied"):
        load_rules(tmp_path)


def test_a_file_whose_name_is_no_text_is_named_so_that_a_terminal_can_show_it(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[31m.yaml")).write_text("rulse: []\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_rules(tmp_path)
    assert caught.value.mistakes[0].splitlines()[0].endswith("/??[31m.yaml:1:1: unknown setting 'rulse' - did you mean 'rules'?")


# --- any bytes at all ------------------------------------------------------------------------------------------------

TEXTS = {path.name: path.read_bytes() for path in (*rule_paths(SHIPPED), *SHIPPED.glob("*.test.yaml"))}
ODD_VALUES = (
    "", "''", "~", "[]", "{}", "[[]]", "{a: b}", "- a", "0", "-1", "99999999999999999999", "1e999", ".nan", "2026-02-30",
    "0001-01-01 00:00", "9999-12-31 23:59", "9999-12-31", "0 hours", "9999 opening days", "999999 weeks",
    "at least 9999 in 3660 days", "at least 0.", "yes", "no", "*a", "&a b", "!x", '"\\ud800"', '"\\0"', '" "', "\u00a0", "'*'",
    "@", "a@", "a@b", "*.*", "nobody", "lead", "'(a'", "'['", '"\\n"', "|", ">-", "?", "half of answer_within",
    "a after answer_within", "after", "mon-sun", "24:00-24:00", "٠٩:٠٠-١٠:٠٠", "²²:00-23:00", "field", "field  :", "DE-", "-", "X-Y:",
)  # fmt: skip


def load_all(texts: dict[str, bytes]) -> None:
    """Load rules and tests of these files; anything but a ConfigError is a failure."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            (Path(folder) / name).write_bytes(text)
        try:
            load_tests(Path(folder), load_rules(Path(folder)))
        except ConfigError as error:
            "\n".join(error.mistakes).encode()  # what cannot be written cannot be shown


def broken(text: bytes, chance: random.Random) -> bytes:
    """Change this file a little: bytes, lines, or values."""
    lines = text.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.choice(("byte", "cut", "delete", "swap", "double", "indent", "value", "value", "value", "value")):
        case "byte" if text:
            at = chance.randrange(len(text))
            return text[:at] + bytes([chance.randrange(256)]) + text[at + 1 :]
        case "cut":
            return text[: chance.randrange(len(text) + 1)]
        case "delete":
            del lines[one]
        case "swap":
            lines[one], lines[other] = lines[other], lines[one]
        case "double":
            lines.insert(one, lines[other])
        case "indent":
            lines[one] = b" " * chance.randrange(1, 5) + lines[one]
        case _:
            place = [at for at, sign in enumerate(text) if text[at : at + 2] in (b": ", b"- ", b", ")]
            if place:
                at = chance.choice(place) + 2
                end = (
                    min(end for end in (text.find(sign, at) for sign in (b"\n", b",", b"}", b"]")) if end >= 0)
                    if b"\n" in text[at:]
                    else len(text)
                )
                return text[:at] + chance.choice(ODD_VALUES).encode() + text[end:]
    return b"\n".join(lines)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(TEXTS)), st.integers(min_value=0), st.integers(min_value=1, max_value=6))
def test_no_change_of_the_shipped_rules_raises_anything_but_a_mistake(name: str, seed: int, changes: int) -> None:
    chance, text = random.Random(seed), TEXTS[name]
    for _ in range(changes):
        text = broken(text, chance)
    load_all(TEXTS | {name: text})


BROKEN = Path(__file__).parent / "broken_rules"
SMALL = sorted(path for path in BROKEN.glob("*.fixed.*"))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), st.integers(min_value=0), st.integers(min_value=1, max_value=3))
def test_no_change_of_a_small_set_raises_anything_but_a_mistake(path: Path, seed: int, changes: int) -> None:
    chance, text = random.Random(seed), path.read_bytes()
    for _ in range(changes):
        text = broken(text, chance)
    test = path.name.endswith(".test.yaml")
    load_all({"x.test.yaml" if test else "x.yaml": text} | ({"good.yaml": (BROKEN / "good_rules.yaml").read_bytes()} if test else {}))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_raise_anything_but_a_mistake(raw: bytes) -> None:
    load_all({"x.yaml": raw, "good.yaml": (PEOPLE + RULES).encode(), "x.test.yaml": raw})
