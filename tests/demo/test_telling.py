"""The viewer of the demo reads what inboxd did and why, on a terminal of 80 columns."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from inboxd.core.model import Kind, OutgoingKind
from inboxd.demo.cast import JONAS, MARIA, NORA, TOM
from inboxd.demo.telling import MACHINES, Teller, excerpt, staying, summary, welcome

NOW = datetime(2026, 11, 2, 7, 40, tzinfo=UTC)
COUNTS = [
    "received",
    "cases",
    "to_seniors",
    "relayed_to_customers",
    "resolved",
    "follow_ups_sent",
    "satisfied",
    "dissatisfied",
    "reopened",
    "automatic_ignored",
    "parked",
    "lost",
    "sent_twice",
    "seconds",
]


@dataclass
class Told:
    """A store of three tables, and what was told of it."""

    events: list[Mapping[str, Any]] = field(default_factory=list)
    outgoing: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)

    def look(self, sql: str, *values: Any) -> Sequence[Mapping[str, Any]]:
        if "from event" in sql:
            return [event for event in self.events if event["id"] > values[0]]
        if "from cases" in sql:
            return [{"subject": "Child seat"}]
        if "follow_up" in sql:
            return [{"id": 1}] if values[0] in self.asked else []
        return [self.outgoing[values[0]]] if values[0] in self.outgoing else []

    def happens(self, kind: str, case: int | None = None, /, **data: Any) -> None:
        self.events.append({"id": len(self.events) + 1, "kind": kind, "case_id": case, "data": json.dumps(data)})

    def sends(self, kind: OutgoingKind, text: str) -> bytes:
        self.outgoing[f"{kind}@x"] = {"kind": kind.value, "case_id": 7}
        return f"From: Acme Support <support@acme.example>\nMessage-ID: <{kind}@x>\n\n{text}\n".encode()

    @property
    def text(self) -> str:
        return " ".join(" ".join(Text.from_markup(line).plain for line in self.lines).split())


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def teller(told: Told) -> Teller:
    return Teller(told.lines.append, told.look)


def test_a_case_that_goes_to_a_senior_says_why(told: Told, teller: Teller) -> None:
    told.happens("case.assigned", 7, agent="jonas", team="seniors", because="sounds upset, fewest open cases")
    teller.noted(NOW)
    teller.arrived(NOW, JONAS.email, told.sends(OutgoingKind.ROUTED, "Gareth sounds upset."))
    assert "-> to Jonas Weber, senior: Gareth sounds upset." in told.text
    assert "why Jonas: sounds upset, fewest open cases" in told.text


def test_the_next_mail_of_a_case_goes_to_who_has_it_and_repeats_no_reason(told: Told, teller: Teller) -> None:
    told.happens("case.assigned", 7, agent="tom", team="everyone", because="fewest open cases")
    teller.noted(NOW)
    routed = told.sends(OutgoingKind.ROUTED, "Nora asks about an order.")
    teller.arrived(NOW, TOM.email, routed)
    teller.arrived(NOW, TOM.email, routed)
    assert "-> to Tom Baker, who has the case: Nora asks about an order." in told.text
    assert told.text.count("why Tom") == 1


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.PERSON])
def test_mail_of_every_machine_is_told_to_bother_nobody(told: Told, teller: Teller, kind: Kind) -> None:
    told.happens("message.automatic", message=2, kind=kind.value)
    teller.noted(NOW)
    teller.noted(NOW)
    assert told.text.count(f"{MACHINES[kind]}: kept and counted, nobody is bothered") == 1


@pytest.mark.parametrize(("asked", "words"), [({7}, "no answer to the question"), (set(), "nobody was asked")])
def test_a_case_that_ends_in_silence_is_told_to_be_unknown_and_not_satisfied(
    told: Told, teller: Teller, asked: set[int], words: str
) -> None:
    told.asked = asked
    told.happens("case.no_answer", 7, state="closed")
    teller.noted(NOW)
    assert f'"Child seat": {words}, so it is closed as unknown, not as satisfied' in told.text


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (OutgoingKind.REPLY, "Nora Lindqvist reads it as a mail of Acme Support"),
        (OutgoingKind.FOLLOW_UP, 'inboxd asks Nora Lindqvist whether "Child seat" is solved'),
        (OutgoingKind.REMINDER, 'inboxd asks Nora Lindqvist once more whether "Child seat" is solved'),
        (OutgoingKind.ACKNOWLEDGEMENT, 'inboxd tells Nora Lindqvist that "Child seat" is here'),
        (OutgoingKind.RETURNED, "-> back to Nora Lindqvist: Text."),
        (OutgoingKind.NOTICE, "-> Nora Lindqvist is told: Text."),
    ],
)
def test_each_mail_of_ours_is_told_by_what_it_is_for(told: Told, teller: Teller, kind: OutgoingKind, words: str) -> None:
    teller.arrived(NOW, NORA.email, told.sends(kind, "Text."))
    assert words in told.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello Nora,\n\nIt left today.", 'Maria Lindt replies: "It left today."'),
        ("Resolve.\n\nHello Nora,\n\nIt left today.", 'Maria Lindt replies, and means it is solved: "It left today."'),
        ("resolve", "Maria Lindt replies: resolve"),
        ("note Rang the carrier.", 'Maria Lindt writes down for the team: "Rang the carrier."'),
        ("It left.\n\nOn Mon, 2 Nov 2026 at 07:40, Nora <n@x.example> wrote:\n> a secret", 'Maria Lindt replies: "It left."'),
    ],
)
def test_a_reply_is_told_by_the_agents_own_words(told: Told, teller: Teller, text: str, words: str) -> None:
    teller.written(NOW, f"From: Maria Lindt <{MARIA.email}>\nIn-Reply-To: <1@x>\n\n{text}\n".encode())
    assert told.text == f"Monday 2 November 07:40 {words}"


def test_an_away_notice_is_not_told_as_the_customers_answer(told: Told, teller: Teller) -> None:
    teller.written(NOW, f"From: Nora Lindqvist <{NORA.email}>\nAuto-Submitted: auto-replied\nIn-Reply-To: <1@x>\n\nI am away.\n".encode())
    assert told.text.endswith('The mailbox of Nora Lindqvist answers by itself: "I am away."')


def test_the_day_and_the_time_are_told_once(told: Told, teller: Teller) -> None:
    for at in (NOW, NOW, NOW.replace(hour=9), NOW.replace(day=3)):
        teller.written(at, f"From: Nora <{NORA.email}>\nSubject: Seat [1]\n\nWhere is it?\n".encode())
    assert re.findall(r"\w+day \d+ November|\d\d:\d\d", told.text) == ["Monday 2 November", "07:40", "09:40", "Tuesday 3 November", "07:40"]
    assert told.text.count('writes "Seat [1]": "Where is it?"') == 4


def test_no_line_is_longer_than_the_terminal(told: Told, teller: Teller) -> None:
    teller.written(NOW, f"From: Nora <{NORA.email}>\nSubject: {'long ' * 30}\n\n{'Where is it? ' * 40}\n".encode())
    counts = dict.fromkeys(COUNTS, 99)
    texts = [
        *told.lines,
        welcome("127.0.0.1:39765", "127.0.0.1:36105", "demo", "http://127.0.0.1:40579/"),
        summary(counts, Path("demo-out")),
        staying("http://127.0.0.1:40579/"),
    ]
    for text in texts:
        for line in Text.from_markup(text).plain.splitlines():
            assert len(line) <= 80, line


def test_the_next_commands_are_ones_that_work_where_the_viewer_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = dict.fromkeys(COUNTS, 1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/inboxd").touch()
    assert "  .venv/bin/inboxd explain demo-out/mail/" in summary(counts, Path("demo-out"))
    (tmp_path / "inboxd").touch(mode=0o755)
    assert "  inboxd explain demo-out/mail/" in summary(counts, Path("demo-out"))


def test_an_excerpt_leaves_out_the_greeting_and_ends_in_time() -> None:
    assert excerpt('Hello Nora,\n\nIt is "here".') == "It is 'here'."
    assert excerpt("Thanks,") == "Thanks,"
    assert len(excerpt("word " * 100)) <= 84
