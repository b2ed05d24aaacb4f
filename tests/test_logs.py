"""How a log line looks."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator

import pytest

from inboxd import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.to(stream)
    yield stream
    logs.to(None)


def test_a_line_says_what_happened_and_its_facts(stream: io.StringIO) -> None:
    logs.log("case.opened", case=1204, team="seniors", because="sounds upset")
    assert stream.getvalue() == 'case.opened case=1204 team=seniors because="sounds upset"\n'


@pytest.mark.parametrize("level", ["warning", "error"])
def test_what_is_no_mere_news_says_so_first(stream: io.StringIO, level: str) -> None:
    logs.log("rules.refused", level=level, todo="inboxd check")
    assert stream.getvalue() == f'{level} rules.refused todo="inboxd check"\n'


@pytest.mark.parametrize(("level", "number"), [("info", 6), ("warning", 4), ("error", 3)])
def test_the_journal_reads_the_level_from_the_front(level: str, number: int) -> None:
    stream = io.StringIO()
    logs.to(stream, journal=True)
    try:
        logs.log("x", level=level)
    finally:
        logs.to(None)
    assert stream.getvalue().startswith(f"<{number}>")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", '""'),
        ('a "b"', '"a \\"b\\""'),
        ("a=b", '"a=b"'),
        (("a", "b"), '"a, b"'),
        (None, "None"),
        (7, "7"),
        ("gelöst ist", '"gelöst ist"'),
    ],
)
def test_a_value_that_could_be_misread_is_quoted(value: object, shown: str) -> None:
    assert logs.line_of("x", "info", [("v", value)]) == f"x v={shown}"


def test_no_value_can_begin_a_line_of_its_own(stream: io.StringIO) -> None:
    logs.log("x", value="one\nerror fake.event", other="\ttab")
    assert stream.getvalue().count("\n") == 1


class Gone(io.StringIO):
    """A terminal that was closed, a log on a full disk, a pipe whose reader has ended."""

    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [Gone(), closed()], ids=["gone", "closed"])
def test_a_line_that_cannot_be_written_is_dropped_and_ends_no_work(stream: io.StringIO) -> None:
    logs.to(stream)
    try:
        logs.log("message.stored", message=1)
    finally:
        logs.to(None)
