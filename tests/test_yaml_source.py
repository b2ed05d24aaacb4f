from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.errors import ConfigError
from inboxd.yaml_source import (
    LISTED,
    MAX_ALIASES,
    MAX_BYTES,
    SHOWN,
    Entries,
    Mistake,
    Place,
    Scalar,
    Source,
    did_you_mean,
    did_you_mean_or_all,
    parse_yaml,
    read_at_least,
    read_contacts,
    read_span,
    read_yaml,
    refuse,
)


def value_of(source: Source, key: str) -> Scalar:
    assert isinstance(source.root, Entries)
    found = next(value for name, value in source.root.pairs if name.text == key)
    assert isinstance(found, Scalar)
    return found


def test_a_mistake_shows_the_place_the_line_and_a_caret() -> None:
    source = parse_yaml("rules:\n  - assign: seniors\n", "rules/routing.yaml")
    source.wrong(Place(line=2, column=13, width=7), "no team called 'seniors' - did you mean 'senior'?")
    assert str(source.mistakes[0]) == (
        "rules/routing.yaml:2:13: no team called 'seniors' - did you mean 'senior'?\n"
        "    2 |   - assign: seniors\n"
        "      |             ^^^^^^^"
    )


def test_the_caret_stands_under_its_word_behind_a_tab() -> None:
    mistake = Mistake(file="f", line=1, column=3, message="m", excerpt="\ta b", width=1)
    assert str(mistake).splitlines()[2] == "      | \t ^"


def test_control_signs_of_a_file_never_reach_the_terminal() -> None:
    source = parse_yaml("a: \x1b[31mred\n", "f")
    assert "\x1b" not in str(source.mistakes[0])


def test_values_stay_what_the_admin_wrote() -> None:
    source = parse_yaml("yes: no\nopen: 9:30\nversion: 1.10\nempty:\ntext: ''\n", "f")
    assert not source.mistakes
    assert [value_of(source, key).text for key in ("yes", "open", "version")] == ["no", "9:30", "1.10"]
    assert value_of(source, "empty").empty
    assert not value_of(source, "text").empty


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: 'a' stands here a second time; the first is in line 1"),
        ("a:\n\tb: 1\n", "f:2:1: a tab; indent with spaces, YAML knows no tabs"),
        ("a: @big.example\n", 'f:1:4: a value cannot begin with @; put the value in quotes: "..."'),
        ("a: *big\n", "f:1:4: '*big' means a reference in YAML; put the value in quotes"),
        ("a: 'x\n", "f:1:4: this quotation mark is never closed"),
        ("a: [1,\n", "f:1:4: this bracket is never closed"),
        (
            "a: b: c\n",
            "f:1:5: a ':' that YAML cannot place; check the indentation, and put text that holds ': ' in quotes",
        ),
        (
            "- a\nb: c\n",
            "f:2:1: this line does not fit the lines around it; check the indentation and the ':' after each name",
        ),
        ("a: 1\n---\nb: 2\n", "f:2:1: a second document begins here ('---'); one file holds one, leave this line out"),
        ("a: !!python/object x\n", "f:1:4: a value that begins with '!' is a tag in YAML, and tags are refused; put text in quotes"),
        ("a: !important\n", "f:1:4: a value that begins with '!' is a tag in YAML, and tags are refused; put text in quotes"),
        ("a: !x {b: c}\n", "f:1:4: a value that begins with '!' is a tag in YAML, and tags are refused; put text in quotes"),
        ('a: "\\ud800"\n', "f:1:4: this text holds a control character, or half a character, written as an escape"),
        ("a: \x01\n", "f:1:4: an invisible control character"),
        ("? [a]\n: b\n", "f:1:3: a list or block cannot be a name; put it in quotes if it is meant as text"),
        ("[" * 30, "f:1:21: more than 20 levels inside each other"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words_an_admin_understands(text: str, message: str) -> None:
    source = parse_yaml(text, "f")
    assert str(source.mistakes[0]).splitlines()[0] == message


def test_a_few_references_work_and_a_bomb_of_references_is_refused() -> None:
    assert not parse_yaml("a: &x 1\nb: *x\n", "f").mistakes
    bomb = parse_yaml("a: &x 1\nb: [" + "*x, " * (MAX_ALIASES + 1) + "]\n", "f")
    assert "references" in bomb.mistakes[0].message
    assert bomb.root is None


def test_files_that_cannot_be_read_are_mistakes(tmp_path: Path) -> None:
    (tmp_path / "huge.yaml").write_bytes(b"a: " + b"x" * MAX_BYTES)
    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: Grüße\n".encode("latin-1"))
    messages = [str(read_yaml(tmp_path / name).mistakes[0]) for name in ("none.yaml", "huge.yaml", "latin.yaml")]
    assert "none.yaml: this file cannot be read: No such file or directory" in messages[0]
    assert "huge.yaml: this file is larger than 1024 kB" in messages[1]
    assert "latin.yaml:2:6: this is not UTF-8" in messages[2]


def test_a_byte_order_mark_of_windows_editors_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes("\ufeffa: 1\r\nb: 2\r\n".encode())
    source = read_yaml(tmp_path / "bom.yaml")
    assert not source.mistakes
    assert value_of(source, "b").text == "2"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}&*!|>'\"%@`#? \t\n\r\x00\x85\u2028é\ud800")), max_size=40))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    source = parse_yaml(text, "f")
    assert source.root is None or not any(mistake.line == 0 for mistake in source.mistakes)
    assert all(str(mistake).startswith("f:") for mistake in source.mistakes)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30 minutes", timedelta(minutes=30)),
        ("4 Hours", timedelta(hours=4)),
        ("1 day", timedelta(days=1)),
        ("90 seconds", timedelta(seconds=90)),
        ("1 week", timedelta(days=7)),
        ("4 huors", None),
        ("four hours", None),
        ("-1 day", None),
        ("999999 weeks", None),
        ("4", None),
    ],
)
def test_lengths_of_time(text: str, span: timedelta | None) -> None:
    assert read_span(text) == span


def test_phrases_of_contacts_and_certainty() -> None:
    assert read_contacts("at  least 3 in 14 days") == (3, timedelta(days=14))
    assert read_contacts("3 in 14 days") is None
    assert read_contacts("at least 0 in 14 days") is None
    assert read_at_least("at least 0.8") == 0.8
    assert read_at_least("at least 8") is None


def test_yes_and_no_are_read_in_all_their_spellings() -> None:
    source = parse_yaml("a: yes\nb: True\nc: no\nd: FALSE\ne: maybe\n", "f")
    assert [source.yes_no(value_of(source, key), key) for key in "abcd"] == [True, True, False, False]
    assert source.yes_no(value_of(source, "e"), "e") is None
    assert source.mistakes[0].message == "'e' wants yes or no, not 'maybe'"


def test_an_unknown_word_is_answered_with_the_nearest_or_with_all() -> None:
    assert did_you_mean("sentimnt", ("sentiment", "topic")) == " - did you mean 'sentiment'?"
    assert did_you_mean("xyz", ("sentiment", "topic")) == ""
    source = parse_yaml("a: xyz\n", "f")
    source.word(value_of(source, "a"), "share", ("one", "two"))
    assert source.mistakes[0].message == "'share' does not know 'xyz'; possible here: one, two"


def test_all_mistakes_come_together_in_order_of_their_place() -> None:
    mistakes = [Mistake(file="b", line=1, column=1, message="third")]
    mistakes += [Mistake(file="a", line=line, column=1, message=str(line)) for line in (9, 2)]
    with pytest.raises(ConfigError) as caught:
        refuse(mistakes)
    assert [text.split(":")[0:2] for text in caught.value.mistakes] == [["a", "2"], ["a", "9"], ["b", "1"]]
    refuse([])


def test_of_a_long_line_the_part_around_the_mistake_is_shown() -> None:
    source = parse_yaml("a: " + "x" * 300 + " wrong " + "y" * 300 + "\n", "f")
    source.wrong(Place(line=1, column=305, width=5), "m")
    _, shown, caret = str(source.mistakes[0]).splitlines()
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "wrong"
    assert len(shown) < 140


def test_the_caret_stands_under_its_word_behind_signs_of_double_width() -> None:
    mistake = Mistake(file="f", line=1, column=4, message="m", excerpt="日本 x", width=1)
    assert str(mistake).splitlines()[2] == "      |      ^"


def test_a_password_is_never_shown_however_long_its_line() -> None:
    source = parse_yaml("a: 1\n", "f")
    source.lines = ("x" * 300 + " password: hunter2 " + "y" * 300,)
    source.wrong(Place(line=1, column=315, width=1), "m")
    assert "hunter2" not in str(source.mistakes[0])


def test_a_message_that_repeats_something_long_is_cut_and_stays_in_one_line() -> None:
    source = parse_yaml("a: |\n" + "  word\n" * 5000, "f")
    source.yes_no(value_of(source, "a"), "a")
    assert len(source.mistakes[0].message) < 1000
    assert source.mistakes[0].message.startswith("'a' wants yes or no, not 'word word ")


def test_very_many_mistakes_are_counted_and_the_first_ones_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        refuse(Mistake(file="a", line=line, column=1, message="m") for line in range(1, 1302))
    assert len(caught.value.mistakes) == SHOWN + 1
    assert caught.value.mistakes[-1] == "and 1,201 more; mend these first"


def test_of_very_many_possible_words_some_are_listed() -> None:
    said = did_you_mean_or_all("xyz", [f"word{number}" for number in range(5000)])
    assert said.endswith(f"word{LISTED - 1} and 4,970 more")
    assert did_you_mean("agent77x", [f"agent{number}" for number in range(100)]) == " - did you mean 'agent77'?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a:\n  b: 1\n  then\n    c: d\n",
            "f:3:3: there is no ':' behind this name; write 'name: value', or 'name:' with a block below it",
        ),
        ("a:\n  b: 1\n  c:d\n  e: f\n", "f:3:3: there is no space behind this ':'; write 'name: value'"),
        ("a: [b, c\nd: e\n", "f:1:4: this bracket is never closed, or a ',' is missing between the values in it"),
        ("a: 'can't wait'\n", 'f:1:9: text behind a closing quotation mark; put all of it in quotes of the other sort: "..."'),
        ('a: "\\d"\n', "f:1:6: '\\d' means nothing within \"...\"; put a value that holds a '\\' in single quotes: '...'"),
        ("a: - b\n", "f:1:4: a list begins on a line of its own: each entry begins with '- '"),
        ("a: > x\n", "f:1:4: text behind this sign begins on the next line; a value that begins with it belongs in quotes"),
        (
            "{a: b}}\n",
            "f:1:7: the file should end here; is there a bracket too many, or is this line indented less than the first?",
        ),
    ],
)
def test_syntax_errors_advise_what_would_be_right(text: str, message: str) -> None:
    assert str(parse_yaml(text, "f").mistakes[0]).splitlines()[0] == message
