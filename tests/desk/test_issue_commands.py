"""Known issues from the command line, with the daemon running and without it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from inboxd.adapters.clock import SystemClock
from inboxd.adapters.control import ControlServer, path_in
from inboxd.bootstrap import STORE_FILE
from inboxd.cli import app
from inboxd.config import load_settings
from inboxd.daemon.office import Office
from inboxd.desk.control import answer
from tests.fakes import FakeClock
from tests.stories.day import Day
from tests.stories.steps import ANA, CALM, holder

GIVEN = (
    "init", "--non-interactive", "--address", "support@acme.example", "--imap-host", "localhost", "--smtp-host", "localhost",
    "--agent", "Maria Lindt <maria@acme.example>",
)  # fmt: skip
CANNOT = "Hello,\nI cannot log in to my account.\nMia"


@dataclass
class Place:
    """Settings and a store in a folder of its own."""

    config: Path

    @property
    def state(self) -> Path:
        return load_settings(self.config).state_dir

    def issue(self, *args: str) -> Result:
        return CliRunner().invoke(app, ("issue", *args, "--config", str(self.config)))

    def day(self, clock: FakeClock) -> Day:
        self.state.mkdir(parents=True, exist_ok=True)
        return Day(store_path=self.state / STORE_FILE, clock=clock)

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.issue("list", "--json").stdout)
        return found


@dataclass
class Running:
    """What the control socket needs of a daemon."""

    office: Office
    health: dict[str, str] = field(default_factory=dict)
    synced: dict[str, Any] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)

    def wake(self, *names: str) -> None:
        self.woken += names

    def ask_reload(self) -> None:
        raise NotImplementedError

    ask_reconcile = ask_reload

    def reload(self) -> tuple[str, ...]:
        raise NotImplementedError


@pytest.fixture
def place(tmp_path: Path) -> Place:
    done = CliRunner().invoke(app, (*GIVEN[:1], str(tmp_path), *GIVEN[1:]))
    assert done.exit_code == 0, done.stderr
    settings = tmp_path / "inboxd.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("  support:", "  acme:"), encoding="utf-8")
    return Place(config=settings)


@pytest.fixture
def day(place: Place) -> Iterator[Day]:
    """Mia could not sign in an hour ago; Ana asked about a wheel."""
    day = place.day(FakeClock(at=SystemClock().now() - timedelta(hours=1)))
    day.write("Mia Lund <mia@example.org>", "Problem", CANNOT)
    day.write(ANA, "Front wheel", CALM)
    day.pass_(minutes=15)
    yield day
    day.store.close()


def test_without_a_daemon_it_is_opened_listed_and_closed(place: Place, day: Day) -> None:
    day.store.close()
    done = place.issue("open", "Signing in fails.", "--phrases", "cannot sign in", "--by", "Petra")
    assert done.exit_code == 0 and done.stdout.startswith("1  Signing in fails.  (since "), done.stderr
    (found,) = place.listed()
    assert (found["people"], found["told"], found["opened_by"], found["fixed_at"]) == (1, 0, "Petra", None)
    done = place.issue("close", "1", "--text", "It was a cable.")
    assert done.stdout == "issue 1 is closed; 1 person hears of it, and the lead how many did\n", done.stderr
    day = place.day(day.clock)
    day.pass_(days=2)
    assert "It was a cable." in " ".join(day.last("mia@example.org").text.split()) and not day.inbox("ana@example.org")
    day.store.close()
    assert place.listed()[0]["told"] == 1
    assert place.issue("close", "1").exit_code == 1


def test_a_running_daemon_does_it_itself(place: Place, day: Day) -> None:
    daemon = Running(office=day.office)

    def hear(request: Mapping[str, Any]) -> Mapping[str, Any]:
        return answer(daemon, request)

    server = ControlServer(path_in(place.state), hear)
    server.start()
    try:
        assert place.issue("open", "Signing in fails.", "--phrases", "cannot sign in").exit_code == 0
        day.write("Lea Moe <lea@example.org>", "Help", "I can't sign in today.")
        assert "Known: Signing in fails. (since " in day.routed(holder(day)).text
        assert place.issue("close", "1").exit_code == 0 and daemon.woken == ["house"]
        assert place.issue("close", "1").exit_code == 1
    finally:
        server.stop()
    day.pass_(days=1)
    assert day.inbox("mia@example.org") and day.inbox("lea@example.org")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("open", "It is so.", "--phrases", "it"), "no phrase in it"),
        (("open", "Broken.", "--phrases", "cannot sign in", "--topic", "wheels"), "there is no topic 'wheels'"),
        (("open", "Broken.", "--phrases", "cannot sign in", "--mailbox", "sales"), "there is no mailbox 'sales'; there is acme"),
        (("close", "7"), "no known issue 7 is open"),
    ],
)
def test_what_cannot_be_done_is_said(place: Place, day: Day, args: tuple[str, ...], said: str) -> None:
    day.store.close()
    done = place.issue(*args)
    assert done.exit_code == 1 and said in done.stderr
    assert not place.listed()
    assert place.issue("list").stdout == "no known issue\n"


def test_languages_without_words_are_named_before_anybody_is_told(place: Place, day: Day) -> None:
    day.write("Jana Klein <jana@example.org>", "Anmeldung", "Guten Tag,\nich kann mich seit heute nicht anmelden.\nJana Klein")
    day.pass_(minutes=15)
    day.store.close()
    done = place.issue("open", "Signing in fails.", "--phrases", "cannot sign in")
    assert "no words in 'de' for 1 person who wrote in it: --in \"de: ...\"" in done.stdout, done.stderr
    done = place.issue("close", "1", "--text", "A cable.")
    assert done.exit_code == 1 and "no words in 'de'" in done.stderr and place.listed()[0]["fixed_at"] is None
    assert place.issue("close", "1", "--text", "A cable.", "--in", "de: Ein Kabel.").exit_code == 0
    day = place.day(day.clock)
    day.pass_(days=2)
    assert "Ein Kabel." in day.last("jana@example.org").text and "A cable." in day.last("mia@example.org").text
    day.store.close()


@pytest.mark.parametrize("given", ["Die Anmeldung", "german: x", "de:"])
def test_what_is_given_for_a_language_names_it(place: Place, day: Day, given: str) -> None:
    day.store.close()
    done = place.issue("open", "Broken.", "--phrases", "cannot sign in", "--in", given)
    assert done.exit_code == 1 and "--in wants a language and the words" in done.stderr


def test_whoever_writes_in_another_language_can_be_told_as_it_is(place: Place, day: Day) -> None:
    day.write("Jana Klein <jana@example.org>", "Anmeldung", "Guten Tag,\nich kann mich seit heute nicht anmelden.\nJana Klein")
    day.pass_(minutes=15)
    day.store.close()
    place.issue("open", "Signing in fails.", "--phrases", "cannot sign in")
    assert place.issue("close", "1", "--text", "A cable.", "--as-it-is").exit_code == 0


def test_a_topic_narrows_it(place: Place, day: Day) -> None:
    day.store.close()
    place.issue("open", "Broken.", "--phrases", "cannot sign in", "--topic", "billing")
    place.issue("open", "Broken.", "--phrases", "cannot sign in", "--topic", "account_access")
    assert [each["people"] for each in place.listed()] == [1, 0]
