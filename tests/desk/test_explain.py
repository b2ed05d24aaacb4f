"""Explain: which of the given mails belong together, and as of when a mail is judged."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxd.adapters.clock import SystemClock
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


# --- as of when --------------------------------------------------------------------------------------------------------------

RULES = """
calendars: {office: {timezone: Europe/Berlin, open: {mon-fri: "09:00-17:00"}}}
agents:
  maria: {email: maria@acme.example, away: [2026-12-21 to 2026-12-31]}
  tom: {email: tom@acme.example}
teams: {everyone: [maria, tom]}
lead: tom
rules:
  - {name: Closed, when: {received_outside: office}, then: {label: closed}}
  - {name: The rest, then: {assign: everyone, answer_within: 2 opening hours}}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return folder


def explained(rules: Path, raw: bytes, *more: str) -> tuple[dict[str, Any], str]:
    """The same mail as data and in words."""
    path = rules.parent / "mail.eml"
    path.write_bytes(raw)
    given = ["explain", str(path), "--rules", str(rules), *more]
    data, words = CliRunner().invoke(app, [*given, "--json"]), CliRunner().invoke(app, given)
    assert data.exit_code == words.exit_code == 0, data.output
    return json.loads(data.stdout), words.stdout


DATE = b"Date: Mon, 23 Nov 2026 16:30:00 +0100\r\n"
RECEIVED = b"Received: from a by b; Tue, 22 Dec 2026 08:00:00 +0000\r\nReceived: from c by a; Mon, 21 Dec 2026 08:00:00 +0000\r\n"


def test_a_mail_is_judged_as_of_its_date_and_what_is_due_says_by_whose_clock(rules: Path) -> None:
    data, words = explained(rules, DATE + mail("a"))
    assert (data["judged_at"], data["judged_by"], data["agent"]) == ("2026-11-23T16:30:00+01:00", "Date", "maria")
    assert data["due"] == "2026-11-24T09:30:00+00:00"
    assert "  judged    as of Mon 23 Nov 2026 16:30 (Europe/Berlin), by its Date line\n" in words
    assert "due: Tue 24 Nov 10:30: 2 opening hours of 'office'" in words and "; by the clock of Europe/Berlin\n" in words


def test_the_topmost_received_line_counts_more_than_the_date_and_who_is_away_then_gets_nothing(rules: Path) -> None:
    data, words = explained(rules, RECEIVED + DATE + mail("a"))
    assert (data["judged_at"], data["judged_by"], data["agent"]) == ("2026-12-22T09:00:00+01:00", "Received", "tom")
    assert "by its Received line" in words and "maria: away" in words


def test_a_time_that_is_given_counts_more_by_the_clock_of_the_first_calendar(rules: Path) -> None:
    data, words = explained(rules, RECEIVED + mail("a"), "--at", "2026-11-27 22:15")
    assert (data["judged_at"], data["judged_by"], data["agent"]) == ("2026-11-27T22:15:00+01:00", "--at", "maria")
    assert "YES Closed" in words and "(Europe/Berlin), as you say" in words
    for wrong in ("tomorrow", "2026-11-27", "2026-03-29 02:30"):  # the last is skipped by the clock
        done = CliRunner().invoke(app, ["explain", "-", "--rules", str(rules), "--at", wrong])
        assert done.exit_code == 2 and f"--at wants a time that the clock shows, such as '2026-11-23 10:15', not '{wrong}'" in done.stderr


def test_a_mail_that_does_not_say_when_it_came_is_judged_as_of_now(rules: Path) -> None:
    data, words = explained(rules, mail("a"))
    assert data["judged_by"] == "" and abs(datetime.fromisoformat(data["judged_at"]) - SystemClock().now()) < timedelta(minutes=5)
    assert "which is now: the mail does not say when it came" in words


def test_an_agents_own_mail_and_one_without_a_sender_are_called_so(rules: Path) -> None:
    data, words = explained(rules, mail("a").replace(b"ann@x.example", b"maria@acme.example"))
    assert data["from_agent"] == "maria" and "  agent     the own mail of maria: in a case" in words
    data, words = explained(rules, b"Subject: Hello\r\n\r\nHello.\r\n")
    assert data["from_agent"] == "" and "  from      no sender\n" in words and "own mail" not in words


def test_a_mail_for_a_team_with_a_folder_is_said_to_be_laid_there(rules: Path) -> None:
    text = RULES.replace("{everyone: [maria, tom]}", "{everyone: {agents: [maria, tom], deliver: folder, folder: Desk}}")
    (rules / "rules.yaml").write_text(text, encoding="utf-8")
    _, words = explained(rules, DATE + mail("a"))
    assert "moved: into the folder 'Desk' of the mailbox, and no mail is sent to maria (team everyone, deliver: folder)" in words
    (rules / "rules.yaml").write_text(text.replace("{assign: everyone,", "{assign: everyone, file_in: Lamps,"), encoding="utf-8")
    _, words = explained(rules, DATE + mail("a"))
    assert "moved: into the folder 'Lamps' of the mailbox, and no mail is sent to maria (rule 'The rest')" in words
