"""Explain a case: each line of a brief comes from a record, and the desk can say from which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from inboxd.cli import app
from inboxd.desk.case_told import NO_RECORD, case_told, in_words
from tests.looks.mails import a_day, reopened, upset
from tests.stories.day import Day
from tests.stories.steps import opened

UTC = ZoneInfo("UTC")


@pytest.fixture(scope="module")
def days() -> tuple[Day, Day]:
    """The two stories of the briefs."""
    first, second = a_day(), a_day()
    upset(first)
    reopened(second)
    return first, second


def sources(day: Day, case: int = 1001) -> dict[str, dict[str, Any]]:
    """The lines of the newest brief, each with its source."""
    brief = [brief for each in case_told(day.store.look, case, UTC) for brief in each["brief_said"]][-1]
    return {line["line"]: line for line in brief["lines"]}


def test_each_line_of_a_brief_names_the_record_it_was_made_from(days: tuple[Day, Day]) -> None:
    told = sources(days[0])
    assert {line: each["source"] for line, each in told.items()} == {
        "Ana sounds upset. Please answer now.": (
            "Ana Ruiz's mail of Mon 14 Dec, message 4: read as upset, about order_and_delivery; "
            "the hour: rule 'Upset customers go to a senior'"
        ),
        '"This is a disgrace."': "Ana Ruiz's mail of Mon 14 Dec, message 4",
        '"this is the third time I am writing."': "Ana Ruiz's mail of Mon 14 Dec, message 4",
        'Day named: Sat 19 Dec ("He turns six this Saturday")': "Ana Ruiz's mail of Mon 14 Dec, message 4",
        'Sat 5 Dec, Ana: "the bike came today and the axle for the front wheel is missing."': "Ana Ruiz's mail of Sat 5 Dec, message 1",
        'Mon 7 Dec, Tom: "You will have it by Friday."': "Tom's mail of Mon 7 Dec, message 2",
        'Sat 12 Dec, Ana: "Where is the axle?" (not answered)': "Ana Ruiz's mail of Sat 12 Dec, message 3",
        'Promised, and the day is past: Fri 11 Dec ("You will have it by Friday.", Tom)': "Tom's mail of Mon 7 Dec, message 2",
        'Also told to Ana: "I will send you a lamp besides." (Tom)': "Tom's mail of Mon 7 Dec, message 2",
        "You may, without asking: send by courier, give back 30 EUR": "rule 'Upset customers go to a senior'",
        "Why you: sounds upset, fewest open cases": "rule 'Upset customers go to a senior'; maria: fewest open cases",
        "Your answer also goes to Luis Ruiz, who was in copy": "To and Cc of the mails in the case, and `cc:` and `drop:` of agents",
        "From ana.ruiz@example.org, sender confirmed. 1 photo.": (
            "From in the mail itself; Authentication-Results of mx.acme.example; its attachments"
        ),
    }


def test_the_records_of_a_reopened_case_are_named_too(days: tuple[Day, Day]) -> None:
    told = sources(days[1])
    assert not [line for line, each in told.items() if each["source"] == NO_RECORD]
    assert "an answer to our question, read as dissatisfied" in told["Ana says it is not solved. Please answer by 15:20 today."]["source"]
    assert told["More than that: Petra decides, petra@acme.example"]["source"] == "lead: in the rules"
    assert told["Before that: 2 mails. The whole exchange is attached."]["source"] == "messages 1, 2"
    assert told['Tue 15 Dec, Maria: "the courier says it was handed over at 10:40."; resolved']["message"] == 6


def test_a_line_that_no_record_holds_is_shown_as_such(days: tuple[Day, Day]) -> None:
    def look(sql: str, *values: object) -> list[dict[str, Any]]:
        rows = [dict(row) for row in days[0].store.look(sql, *values)]
        return [{**row, "new_text": row["new_text"].replace("Friday", "Monday")} if "new_text" in row else row for row in rows]

    (brief,) = case_told(look, 1001, UTC)[-1]["brief_said"]
    assert [line["line"].partition(":")[0] for line in brief["lines"] if line["source"] == NO_RECORD] == [
        "Mon 7 Dec, Tom",
        "Promised, and the day is past",
    ]


def test_the_command_shows_the_lines_below_the_decision_that_sent_them_and_in_json(tmp_path: Path) -> None:
    day = a_day_on_disk(tmp_path)
    opened(day, "I am furious, nobody answers me. This is a disgrace.")
    day.store.close()
    command = ["explain", "1001", "--config", str(tmp_path / "inboxd.yaml")]
    said = CliRunner().invoke(app, command).stdout
    assert "  The brief said to maria\n    Ana sounds upset. Please answer by 11:00 today.\n      - Ana Ruiz's mail of Mon 16 Nov" in said
    (decision,) = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert decision["brief_said"][0]["to"] == "maria" and decision["brief_said"][0]["lines"][0]["message"] == 1


def test_words_and_data_say_the_same(days: tuple[Day, Day]) -> None:
    told = case_told(days[1].store.look, 1001, UTC)
    words = in_words(told)
    assert all(line["line"] in words and line["source"] in words for each in told for b in each["brief_said"] for line in b["lines"])


def a_day_on_disk(folder: Path) -> Day:
    """A day whose store lies where settings say."""
    (folder / "password").write_text("x", encoding="utf-8")
    (folder / "password").chmod(0o600)
    (folder / "inboxd.yaml").write_text(
        f"""
admin: admin@acme.example
timezone: UTC
state_dir: {folder}
mailboxes:
  acme:
    address: support@acme.example
    imap: {{host: localhost, user: x, password: {{file: password}}}}
    smtp: {{host: localhost, user: x, password: {{file: password}}}}
""",
        encoding="utf-8",
    )
    return Day(store_path=folder / "inboxd.sqlite")
