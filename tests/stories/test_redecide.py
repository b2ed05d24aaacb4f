"""New rules and old cases: what would change can be looked at, and is done only when somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.config import Settings, load_settings
from inboxd.core.model import CaseState, JobKind, Scores, ToRead
from inboxd.daemon.office import RuleSet
from inboxd.daemon.supervise import Supervisor
from inboxd.desk.control import answer
from inboxd.rule_sets import Redecided, preview_redecide
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, BEN, CALM, FURIOUS, JONAS, MARIA, TOM, holder, words_of

SETTINGS = """\
admin: admin@acme.example
rules: rules
mailboxes:
  acme:
    address: support@acme.example
    imap: {host: imap.acme.example, password: {env: PASSWORD}}
    smtp: {host: smtp.acme.example, password: {env: PASSWORD}}
"""
PEOPLE = """\
agents:
  maria: maria@acme.example
  jonas: jonas@acme.example
  tom: tom@acme.example
  petra: petra@acme.example
teams:
  everyone: [tom]
  seniors: [maria, jonas]
lead: petra
"""
ELSE = """\
  - name: Everything else
    then: {assign: everyone, answer_within: 24 hours, label: old}
"""
SENIORS_FOR_WHEELS = """\
  - name: Wheels go to a senior
    why: wheels are dangerous
    when: {subject_contains: wheel}
    then: {assign: seniors, answer_within: 4 hours, priority: high, label: wheels}
"""


def feels(text: ToRead) -> Scores:
    upset = 0.9 if "furious" in text.new_text else 0.0
    return Scores(language="en", topics=(("how_to", 0.9),), upset=upset, unhappy=upset, model="fake-1")


@dataclass
class Desk:
    """A day with rules in a folder and a store in a file; Tom gets everything."""

    folder: Path

    def __post_init__(self) -> None:
        (self.folder / "rules").mkdir()
        (self.folder / "inboxd.yaml").write_text(SETTINGS, encoding="utf-8")
        self.settings: Settings = load_settings(self.folder / "inboxd.yaml")
        self.write_rules(ELSE)
        self.day = Day(reader=FakeReader(scores=feels), store_path=self.folder / "store.sqlite", book=load_rules(self.settings.rules))
        self.supervisor = Supervisor(
            office=self.day.office, sources=(), post=self.day.post, load_rules=self._load, fingerprint=lambda: "", notify=lambda _: None
        )

    def _load(self) -> RuleSet:
        return replace(self.day.office.rules, book=load_rules(self.settings.rules))

    def write_rules(self, *rules: str, people: str = PEOPLE) -> None:
        (self.folder / "rules" / "rules.yaml").write_text(f"{people}\nrules:\n{''.join(rules)}", encoding="utf-8")

    def new_rules(self, *rules: str, people: str = PEOPLE) -> None:
        """The admin writes other rules, and they are in force."""
        self.write_rules(*rules, people=people)
        assert self.supervisor.reload() == ()

    def preview(self, *cases: int) -> list[Redecided]:
        """What `inboxd redecide` shows, from a store that it cannot write."""
        beside = SqliteStore(self.folder / "store.sqlite", read_only=True)
        try:
            return preview_redecide(beside, self.settings, load_rules(self.settings.rules), self.day.at(), cases)
        finally:
            beside.close()

    def redecide(self, *cases: int) -> None:
        """What `inboxd redecide --yes` does."""
        book = load_rules(self.settings.rules)
        request = {"do": "redecide", "cases": list(cases) or [found.case for found in self.preview()], "rules": book.hash}
        assert answer(self.supervisor, request) == {"done": len(request["cases"])}
        self.day.run()

    def everything(self) -> str:
        return "\n".join(self.day.store._connection.iterdump())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.day.write(ANA, "Front wheel", CALM)
    made.day.write(BEN, "Bell", CALM)
    assert holder(made.day, 1001) == holder(made.day, 1002) == TOM
    yield made
    assert not made.day.store.parked()
    made.day.store.close()


def routed(day: Day, agent: str) -> list[Letterbox]:
    return [mail for mail in day.inbox(agent) if mail.outgoing.kind == "routed"]


# --- looking ---------------------------------------------------------------------------------------------------------


def test_new_rules_alone_move_no_case(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.day.pass_(hours=1)
    assert holder(desk.day, 1001) == TOM and desk.day.case(1001).labels == ("old",)


def test_the_preview_shows_what_would_change_and_changes_nothing(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.day.pass_(hours=1)
    before = desk.everything()
    (found,) = desk.preview()
    assert (found.case, found.was) == (1001, "tom") and found.would in ("maria", "jonas")
    opened = desk.day.case(1001).opened_at
    assert (found.due_was, found.due_would) == (opened + timedelta(hours=24), opened + timedelta(hours=4))
    assert "assign: rule 'Wheels go to a senior'" in found.because
    assert desk.everything() == before and not routed(desk.day, MARIA) and not routed(desk.day, JONAS)


def test_the_preview_needs_no_rules_in_force_and_can_be_asked_for_some_cases_only(desk: Desk) -> None:
    desk.write_rules(SENIORS_FOR_WHEELS.replace("wheel}", "[wheel, bell]}"), ELSE)
    assert [found.case for found in desk.preview()] == [1001, 1002]
    assert [found.case for found in desk.preview(1002)] == [1002]
    assert holder(desk.day, 1001) == TOM


def test_under_the_same_rules_nothing_would_change(desk: Desk) -> None:
    desk.day.pass_(hours=3)
    assert desk.preview() == []


def test_under_the_same_rules_nothing_would_change_for_mail_that_lay_in_the_mailbox_for_a_minute(desk: Desk) -> None:
    arrived = desk.day.at()
    desk.day.write("Zoe <zoe@example.com>", "Saddle", "Hello, which saddle is it?", run=False)
    desk.day.clock.at = arrived + timedelta(seconds=50)
    desk.day.run()
    assert desk.day.case().number == 1003 and desk.preview() == []


def test_what_is_answered_is_not_decided_anew(desk: Desk) -> None:
    desk.day.reply(TOM, next(mail for mail in routed(desk.day, TOM) if mail.outgoing.case == 1001), "Hello Ana,\nthe 15 mm one.")
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    assert desk.preview() == []
    desk.redecide(1001)
    assert (desk.day.case(1001).state, desk.day.case(1001).assignee) == (CaseState.WAITING, "tom")


# --- doing -----------------------------------------------------------------------------------------------------------


def test_cases_move_by_rules_with_conditions_and_their_new_agent_gets_the_whole_brief(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide()
    assert holder(desk.day, 1001) in (MARIA, JONAS) and desk.day.case(1001).team == "seniors"
    (brief,) = routed(desk.day, holder(desk.day, 1001))
    assert "wheels are dangerous" in " ".join(brief.text.split()) and "which spanner fits the front wheel?" in brief.text
    assert brief.message["Importance"] == "high" and desk.day.case(1001).priority == "high"
    assert holder(desk.day, 1002) == TOM and len(routed(desk.day, TOM)) == 2
    desk.day.reply(holder(desk.day, 1001), brief, "Hello Ana,\nthe 15 mm one.")
    assert "15 mm" in words_of(desk.day).text


def test_what_was_shown_is_what_is_done(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE.replace("24 hours", "30 hours"))
    shown = {found.case: (found.would, found.due_would) for found in desk.preview()}
    assert set(shown) == {1001, 1002}
    desk.redecide()
    assert {case: (desk.day.case(case).assignee, desk.day.case(case).due_at) for case in shown} == shown
    assert desk.preview() == [], "and then nothing is left to do"


def test_a_rule_without_conditions_moves_nobody_but_gives_a_new_hour(desk: Desk) -> None:
    desk.new_rules(ELSE.replace("assign: everyone, answer_within: 24 hours", "assign: seniors, answer_within: 6 hours"))
    desk.redecide()
    for case in (1001, 1002):
        assert holder(desk.day, case) == TOM and desk.day.case(case).due_at == desk.day.case(case).opened_at + timedelta(hours=6)


def test_labels_add_up(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE.replace("label: old", "label: new"))
    desk.redecide()
    assert desk.day.case(1001).labels == ("old", "wheels", "new") and desk.day.case(1002).labels == ("old", "new")


def test_the_hour_counts_from_when_the_customer_began_to_wait(desk: Desk) -> None:
    began = desk.day.at()
    desk.day.pass_(hours=3)
    desk.day.write(ANA, "Re: Front wheel [#1001]", "One more thing: it is the silver one.")
    desk.day.pass_(hours=2)
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide()
    assert desk.day.case(1001).due_at == began + timedelta(hours=4), "an hour ago, and not in four hours"


def test_after_an_answer_the_hour_counts_from_the_customers_next_mail(desk: Desk) -> None:
    desk.day.reply(TOM, next(mail for mail in routed(desk.day, TOM) if mail.outgoing.case == 1001), "Hello Ana,\nthe 15 mm one.")
    desk.day.pass_(hours=5)
    again = desk.day.at()
    desk.day.reply(ANA, words_of(desk.day), "It does not fit.")
    desk.day.pass_(hours=1)
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide()
    assert desk.day.case(1001).due_at == again + timedelta(hours=4)


def test_the_ladder_follows_the_new_hour(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide()
    senior = holder(desk.day, 1001)
    desk.day.pass_(hours=4, minutes=1)
    reminded = [mail for mail in desk.day.inbox(senior) if "still waits" in mail.text]
    due = desk.day.case(1001).due_at
    assert due is not None
    assert [mail.outgoing.created_at for mail in reminded] == [due - timedelta(hours=2), due], "half-way to the new hour, and at it"
    jobs = desk.day.store.look("select count(*) as n from job where case_id = 1001 and kind = ?", JobKind.ESCALATE)
    assert jobs[0]["n"] == 1


def test_customers_hear_nothing(desk: Desk) -> None:
    hello = SENIORS_FOR_WHEELS.replace("label: wheels", "label: wheels, reply_with: acknowledge")
    desk.new_rules(hello, ELSE)
    desk.redecide()
    desk.day.pass_(hours=1)
    assert holder(desk.day, 1001) != TOM and not desk.day.inbox("ana@example.org") and not desk.day.inbox("ben@example.net")


def test_somebody_who_left_the_team_has_no_case_any_more(desk: Desk) -> None:
    people = PEOPLE.replace("  tom: tom@acme.example\n", "").replace("everyone: [tom]", "everyone: [maria]")
    desk.new_rules(ELSE, people=people)
    assert {(found.was, found.would) for found in desk.preview()} == {("tom", "maria")}
    desk.redecide()
    assert holder(desk.day, 1001) == holder(desk.day, 1002) == MARIA
    assert "which spanner fits the front wheel?" in routed(desk.day, MARIA)[0].text


def test_feelings_as_they_were_read_then_decide_now_and_what_a_person_corrected_counts(desk: Desk) -> None:
    desk.day.write("Zoe <zoe@example.com>", "Saddle", FURIOUS)
    upset = SENIORS_FOR_WHEELS.replace("subject_contains: wheel", "sentiment: upset")
    desk.new_rules(upset, ELSE)
    assert [found.case for found in desk.preview()] == [1003]
    assert answer(desk.supervisor, {"do": "correct", "case": 1003, "values": {"sentiment": "neutral"}, "by": "maria"}) == {"done": True}
    assert answer(desk.supervisor, {"do": "correct", "case": 1002, "values": {"sentiment": "upset"}, "by": "maria"}) == {"done": True}
    assert [found.case for found in desk.preview()] == [1002]


def test_a_rule_that_would_ignore_such_mail_today_takes_no_open_case_from_its_agent(desk: Desk) -> None:
    desk.new_rules("  - name: No wheels\n    when: {subject_contains: wheel}\n    then: {ignore: yes}\n", ELSE)
    desk.redecide(1001)
    assert holder(desk.day, 1001) == TOM and desk.day.case(1001).state is CaseState.OPEN


# --- at the control socket -------------------------------------------------------------------------------------------


def test_rules_other_than_those_that_were_looked_at_are_refused_with_what_to_do(desk: Desk) -> None:
    desk.write_rules(SENIORS_FOR_WHEELS, ELSE)  # in the folder, not in force
    looked_at, before = load_rules(desk.settings.rules).hash, desk.everything()
    said = answer(desk.supervisor, {"do": "redecide", "cases": [1001], "rules": looked_at})
    assert set(said) == {"error"} and "inboxd reload, then look again" in said["error"]
    desk.day.run()
    assert desk.everything() == before and holder(desk.day, 1001) == TOM
    assert desk.supervisor.reload() == ()
    assert answer(desk.supervisor, {"do": "redecide", "cases": [1001], "rules": looked_at}) == {"done": 1}
    desk.day.run()
    assert holder(desk.day, 1001) in (MARIA, JONAS)


def test_a_request_without_rules_is_refused(desk: Desk) -> None:
    assert "error" in answer(desk.supervisor, {"do": "redecide", "cases": [1001]})


def test_a_case_that_is_not_there_harms_nothing(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide(4711, 1001)
    assert holder(desk.day, 1001) in (MARIA, JONAS)
    assert desk.day.store.look("select 1 from job where kind = ?", JobKind.REDECIDE) == []


def test_a_case_that_is_decided_anew_twice_moves_once(desk: Desk) -> None:
    desk.new_rules(SENIORS_FOR_WHEELS, ELSE)
    desk.redecide(1001)
    first = holder(desk.day, 1001)
    desk.day.pass_(minutes=5)
    desk.redecide(1001)
    assert holder(desk.day, 1001) == first and len(routed(desk.day, MARIA) + routed(desk.day, JONAS)) == 1
