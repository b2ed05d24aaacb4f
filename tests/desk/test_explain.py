"""Explain: which of the given mails belong together, by their ids and in their order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from inboxd.cli import app


def mail(number: str, answers: str = "", references: str = "", subject: str = "Lamp") -> bytes:
    head = f"Message-ID: <{number}@x.example>\r\nFrom: Ann <ann@x.example>\r\nTo: support@acme.example\r\nSubject: {subject}\r\n"
    head += f"In-Reply-To: <{answers}@x.example>\r\n" if answers else ""
    head += f"References: {' '.join(f'<{each}@x.example>' for each in references.split())}\r\n" if references else ""
    return f"{head}\r\nText {number}.\r\n".encode()


def threads(folder: Path, *mails: bytes) -> list[int]:
    """What the command says of these mails, in their order."""
    paths = []
    for number, raw in enumerate(mails):
        path = folder / f"{number}.eml"
        path.write_bytes(raw)
        paths.append(str(path))
    done = CliRunner().invoke(app, ["explain", "--json", "--thread", *paths])
    assert done.exit_code == 0, done.output
    return [json.loads(line)["thread"] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("mails", "expected"),
    [
        pytest.param([mail("a"), mail("b", answers="a"), mail("c")], [1, 1, 2], id="an answer joins what it answers"),
        pytest.param([mail("a"), mail("b", references="a"), mail("c", answers="b")], [1, 1, 1], id="references join, too"),
        pytest.param([mail("b", answers="a"), mail("c", answers="a")], [1, 1], id="an id that a known mail named counts as known"),
        pytest.param([mail("a"), mail("b"), mail("c", answers="a", references="b")], [1, 2, 1], id="In-Reply-To before References"),
        pytest.param([mail("a"), mail("b"), mail("c", references="a b")], [1, 2, 2], id="the last reference before the first"),
        pytest.param([mail("a"), mail("b", subject="Re: Lamp")], [1, 2], id="a subject joins nothing"),
        pytest.param([mail("a"), mail("b"), mail("a")], [1, 2, 1], id="the same mail twice is one mail"),
    ],
)
def test_mails_are_told_together_by_their_ids(tmp_path: Path, mails: list[bytes], expected: list[int]) -> None:
    assert threads(tmp_path, *mails) == expected


def test_without_the_option_nothing_is_said_of_threads_and_in_words_the_number_stands_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(mail("a"))
    assert "thread" not in json.loads(CliRunner().invoke(app, ["explain", "--json", str(path)]).stdout)
    assert "  thread    1\n" in CliRunner().invoke(app, ["explain", "--thread", str(path)]).stdout


def test_a_mail_that_cannot_be_read_is_in_no_thread(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["explain", "--json", "--thread", str(tmp_path / "absent.eml")])
    assert json.loads(done.stdout)["thread"] == 0
