"""`inboxd report` writes a page for people, JSON and CSV for programs, of the days that were asked for."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.cli import app
from inboxd.cli.report import days
from inboxd.config import load_settings
from inboxd.core.findings import Findings
from tests.desk.sample_findings import the_week

TODAY = date(2026, 11, 25)
WEEK = (date(2026, 11, 18), date(2026, 11, 24))


@dataclass
class Desk:
    """A folder with settings and an empty store, and what the report was asked for."""

    folder: Path
    asked: list[dict[str, Any]] = field(default_factory=list)

    def report(self, *args: str) -> Result:
        return CliRunner().invoke(app, ["report", "--config", str(self.folder / "inboxd.yaml"), *args])

    def findings(self, _settings: object, _store: object, _book: object, _now: object, first: date, last: date, **of: object) -> Findings:
        self.asked.append({"first": first, "last": last, **of})
        return replace(the_week(), first=first, last=last)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    words = ["--address", "support@acme.example", "--imap-host", "localhost", "--smtp-host", "localhost", "--password-env", "SECRET"]
    done = CliRunner().invoke(app, ["init", ".", "--non-interactive", "--agent", "Maria Lindt <maria@acme.example>", *words])
    assert done.exit_code == 0, done.stderr
    state = load_settings(tmp_path / "inboxd.yaml").state_dir
    state.mkdir(parents=True, exist_ok=True)
    SqliteStore(state / "inboxd.sqlite").close()
    made = Desk(folder=tmp_path)
    monkeypatch.setattr("inboxd.bootstrap.findings", made.findings)
    return made


def test_the_page_is_written_where_only_its_owner_may_read_it(desk: Desk) -> None:
    done = desk.report("--since", "2026-11-16", "--until", "2026-11-22")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "written: report.html\n")
    page = desk.folder / "report.html"
    assert "<title>16 to 22 November: 6 people still to win back" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o600


def test_a_new_page_takes_the_place_of_the_old_one(desk: Desk) -> None:
    (desk.folder / "mine.html").write_text("x" * 1_000_000, encoding="utf-8")
    assert desk.report("--out", "mine.html").exit_code == 0
    assert (desk.folder / "mine.html").read_text(encoding="utf-8").endswith("</html>")


def test_the_page_can_be_printed(desk: Desk) -> None:
    done = desk.report("--out", "-")
    assert done.stdout.startswith("<!DOCTYPE html>") and not (desk.folder / "report.html").exists()


def test_json_and_csv_go_to_standard_output_or_into_a_file(desk: Desk) -> None:
    assert json.loads(desk.report("--json").stdout)["people"] == 212
    assert next(csv.DictReader(desk.report("--csv").stdout.splitlines()))["name"] == "people"
    assert desk.report("--csv", "--out", "week.csv").stdout == ""
    assert (desk.folder / "week.csv").read_text(encoding="utf-8").startswith("name,count,")


def test_it_can_be_about_one_mailbox_and_one_team(desk: Desk) -> None:
    assert desk.report("--mailbox", "acme", "--team", "seniors", "--json").exit_code == 0
    assert (desk.asked[0]["mailbox"], desk.asked[0]["team"]) == ("acme", "seniors")
    desk.report("--json")
    assert (desk.asked[1]["mailbox"], desk.asked[1]["team"]) == (None, None)


def test_all_that_is_wrong_is_said_at_once(desk: Desk) -> None:
    done = desk.report("--since", "soon", "--mailbox", "akme", "--json", "--csv")
    assert done.exit_code == 2 and desk.asked == []
    for words in ("--since is a day such as", "not 'soon'", "--json or --csv, not both", "no mailbox called 'akme'; there are: acme"):
        assert words in done.stderr


def test_a_file_that_cannot_be_written_is_named(desk: Desk) -> None:
    done = desk.report("--out", "no/such/folder/report.html")
    assert done.exit_code == 1 and "no/such/folder/report.html cannot be written: No such file or directory" in done.stderr


@pytest.mark.parametrize(
    ("since", "until", "period"),
    [
        ("7d", "", WEEK),
        ("1 day", "", (date(2026, 11, 24), date(2026, 11, 24))),
        ("4w", "2026-11-22", (date(2026, 10, 26), date(2026, 11, 22))),
        ("2026-11-16", "2026-11-22", (date(2026, 11, 16), date(2026, 11, 22))),
        ("7d", "2026-11-25", (date(2026, 11, 19), TODAY)),
    ],
)
def test_the_period_is_whole_days_and_ends_yesterday_if_nothing_else_is_said(since: str, until: str, period: tuple[date, date]) -> None:
    assert days(since, until, TODAY) == period


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("7d", "2026-11-26", "--until is a day that is not to come, such as 2026-11-24, not '2026-11-26'"),
        ("7d", "yesterday", "not 'yesterday'"),
        ("2026-11-24", "2026-11-22", "--since 2026-11-24 is after --until 2026-11-22"),
        ("12 hours", "", "or a length of time such as 4w, not '12 hours'"),
        ("0001-01-01", "", "--since 0001-01-01 is before any mail; the first day may be 1971-01-01"),
    ],
)
def test_a_period_that_is_none_is_explained(since: str, until: str, said: str) -> None:
    found = days(since, until, TODAY)
    assert isinstance(found, str) and said in found
