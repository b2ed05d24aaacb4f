"""Triage: what fails is undone and handed on alone, and each decision is stored whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import JobKind, Mode, Scores, ToRead
from inboxd.daemon.fetch import fetch
from inboxd.daemon.keep_house import open_house
from inboxd.daemon.triage import triage
from inboxd.errors import Temporary
from tests.daemon.world import calm, killed, mail
from tests.fakes import FakeReader
from tests.stories.day import Day

TRIAGE = (JobKind.TRIAGE,)
PETRA = "petra@acme.example"


def stocked(day: Day, count: int) -> Day:
    for number in range(1, count + 1):
        day.mailbox.put(mail(number), day.at())
    fetch(day.source, day.store, day.clock)
    return day


def count(day: Day, table: str) -> int:
    return int(day.store.look(f"select count(*) as n from {table}")[0]["n"])


# --- one of a batch ------------------------------------------------------------------------------------------------


def stumbles(text: ToRead) -> Scores:
    if "poison" in text.new_text:
        raise ZeroDivisionError("the secret words of the customer")
    return Scores(language="en", topics=(("delivery", 0.9),), model="fake-1")


def test_a_mail_that_cannot_be_read_is_parked_alone_and_handed_to_the_lead_whole() -> None:
    day = Day(reader=FakeReader(scores=stumbles))
    raw = mail(2, "poison")
    for number, each in enumerate((mail(1), raw, mail(3))):
        day.mailbox.put(each, day.at())
        assert number is not None
    day.run()
    assert (count(day, "decision"), count(day, "cases")) == (2, 2)
    (parked,) = day.store.parked()
    assert parked.message == 2 and parked.error.startswith("read: ZeroDivisionError at ")
    assert "secret words" not in parked.error  # I8: errors may quote the mail, we may not
    (notice,) = day.inbox(PETRA)
    assert notice.subject == "A mail that could not be read"
    (attached,) = [part for part in notice.message.walk() if part.get_content_type() == "message/rfc822"]
    assert "poison" in attached.get_content().get_content()
    assert day.store.raw(parked.message).raw == raw


@dataclass
class Sabotaged:
    """A store whose `record` fails for one message, after it has written."""

    real: SqliteStore
    message: int
    error: Exception

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Any]:
        with self.real.transaction() as tx:
            record = tx.record

            def failing(situation: Any, decision: Any, ruleset: str) -> None:
                record(situation, decision, ruleset)
                if situation.understood.number == self.message:
                    raise self.error

            tx.record = failing  # type: ignore[method-assign]
            yield tx


def test_what_a_failing_message_had_written_is_undone_alone() -> None:
    day = stocked(Day(reader=calm()), 3)
    day.office.store = Sabotaged(day.store, 2, RuntimeError("no"))
    assert triage(day.office) == 3
    assert [row["message"] for row in day.store.look("select message from decision order by message")] == [1, 3]
    assert [row["message"] for row in day.store.look("select message from reading order by message")] == [1, 3]
    assert count(day, "cases") == 2
    assert day.store.look("select case_id, kind from message where id = 2") == [{"case_id": None, "kind": ""}]
    assert [job.message for job in day.store.parked()] == [2]
    numbers = [row["id"] for row in day.store.look("select id from cases order by id")]
    assert numbers == [1001, 1002]  # the number of the undone case is given to the next one


def test_a_full_disk_in_the_middle_of_a_batch_loses_nothing_of_it() -> None:
    day = stocked(Day(reader=calm()), 20)
    day.office.store = Sabotaged(day.store, 12, Temporary("disk full"))
    with pytest.raises(Temporary):
        triage(day.office)
    decided = [row["message"] for row in day.store.look("select message from decision order by message")]
    assert 0 < len(decided) < 12  # what was written before stands: who sends had its turn in between
    day.office.store = day.store
    while triage(day.office):
        pass
    assert [row["message"] for row in day.store.look("select message from decision order by message")] == list(range(1, 21))


def test_a_parked_mail_that_is_tried_again_is_decided_as_if_nothing_had_been() -> None:
    day = stocked(Day(reader=calm()), 2)
    day.office.store = Sabotaged(day.store, 2, RuntimeError("no"))
    triage(day.office)
    day.office.store = day.store
    with day.store.transaction() as tx:
        assert tx.unpark(day.store.parked()[0].number, day.at())
    day.run()
    assert (count(day, "decision"), count(day, "cases"), day.store.parked()) == (2, 2, ())


def test_a_store_that_cannot_be_written_loses_nothing_and_parks_nothing() -> None:
    day = stocked(Day(reader=calm()), 3)
    day.office.store = Sabotaged(day.store, 2, Temporary("disk full"))
    with pytest.raises(Temporary):
        triage(day.office)
    assert (count(day, "decision"), count(day, "cases"), count(day, "outgoing"), day.store.parked()) == (0, 0, 0, ())
    assert day.store.in_hand(TRIAGE) == 0
    day.office.store = day.store
    assert triage(day.office) == 3
    assert (count(day, "decision"), count(day, "cases")) == (3, 3)


def test_a_mail_of_a_mailbox_that_left_the_settings_is_parked_and_a_person_gets_it() -> None:
    day = stocked(Day(reader=calm()), 2)
    with day.store.transaction():
        day.store._connection.execute("update message set mailbox = 'globex' where id = 1")
    day.run()
    assert [job.message for job in day.store.parked()] == [1]
    assert [each.subject for each in day.inbox(PETRA)] == ["A mail that could not be read"]
    assert count(day, "cases") == 1


# --- a mail that ends the process ----------------------------------------------------------------------------------


def test_a_mail_that_ended_the_process_three_times_is_handed_to_the_lead_at_the_next_start(tmp_path: Path) -> None:
    day = stocked(Day(reader=calm(), store_path=tmp_path / "s.sqlite"), 1)
    for _ in range(3):
        assert len(day.store.claim(TRIAGE, day.at(), 32)) == 1
        day.store = day.office.store = killed(day.store)
    for _ in range(3):  # each start would tell it, but the purpose is served once
        open_house(day.office)
        day.run()
    (notice,) = day.inbox(PETRA)
    assert "the process ended each time it was worked on" in " ".join(notice.text.split())
    day.store.close()


def test_mode_watch_keeps_parked_mails_for_the_daily_mail() -> None:
    day = Day(reader=FakeReader(scores=stumbles), mode=Mode.WATCH)
    day.mailbox.put(mail(1, "poison"), day.at())
    day.run()
    assert day.mailer.delivered == []
    day.pass_(days=1)
    (daily,) = day.inbox(PETRA)
    assert [part for part in daily.message.walk() if part.get_content_type() == "message/rfc822"] != []


# --- the decision row ----------------------------------------------------------------------------------------------


def decision(day: Day, message: int) -> dict[str, Any]:
    (row,) = day.store.look("select * from decision where message = ?", message)
    return dict(row)


def test_a_decision_is_stored_whole_with_the_loads_of_its_moment() -> None:
    day = stocked(Day(reader=calm()), 2)
    triage(day.office)
    first, second = decision(day, 1), decision(day, 2)
    facts = json.loads(second["facts_json"])
    loads = {name: candidate["open_cases"] for name, candidate in facts["candidates"].items()}
    assert set(loads) == set(day.office.rules.book.agents)
    assert sum(loads.values()) == 1  # the case of the first message, decided in the same batch
    assert all(c["open_cases"] == 0 for c in json.loads(first["facts_json"])["candidates"].values())
    assert {"away", "knows_customer"} <= set(next(iter(facts["candidates"].values())))
    assert facts["understood"]["reading"]["topic"] == "delivery"
    assert facts["now"] == day.at().isoformat()
    assert facts["mailbox"]["mode"] == "full"
    assert (second["ruleset"], second["model"]) == (day.office.rules.book.hash, "fake-1")
    assert second["at"] == day.at().timestamp() and second["case_id"] == 1002


def test_a_decision_names_its_rules_its_actions_and_their_reasons() -> None:
    day = stocked(Day(reader=calm()), 1)
    triage(day.office)
    row = decision(day, 1)
    trace = json.loads(row["trace"])
    for rule in day.office.rules.book.rules:
        assert any(rule.name in line for line in trace), rule.name
    assert json.loads(row["because"])
    actions = json.loads(row["actions"])
    assert {"OpenCase", "Join", "Assign"} <= {action["_"] for action in actions if isinstance(action, dict)}
    assert [action for action in actions if isinstance(action, str)] != []  # the purposes of its letters
    (kept,) = day.store.look("select hash from ruleset")
    assert kept["hash"] == row["ruleset"]


def test_the_raw_text_is_not_stored_a_second_time_with_the_decision() -> None:
    day = Day(reader=calm())
    day.mailbox.put(mail(1, "Where is it?", extra="X-Odd: a header nobody needs twice\r\n"), day.at())
    day.run()
    facts = json.loads(decision(day, 1)["facts_json"])
    assert not {"text", "html", "headers"} & set(facts["understood"]["message"])
    assert "a header nobody needs twice" not in decision(day, 1)["facts_json"]


def test_a_reading_is_stored_with_its_model() -> None:
    day = stocked(Day(reader=calm()), 1)
    triage(day.office)
    (row,) = day.store.look("select * from reading")
    assert (row["kind"], row["language"], row["topic"], row["model"]) == ("person", "en", "delivery", "fake-1")
    assert json.loads(row["topics"]) == [["delivery", 0.9]]
    assert row["new_text"].strip() == "Where is my lamp?"


def test_a_batch_is_decided_under_one_rule_set_though_a_reload_comes_meanwhile() -> None:
    day = Day(reader=calm())
    old = day.office.rules

    def reload_meanwhile(text: ToRead) -> Scores:
        day.office.rules = replace(old, book=replace(old.book, hash="of the new rules"))
        return Scores(language="en", model="fake-1")

    day.office.rules = old = replace(old, reader=FakeReader(scores=reload_meanwhile))
    stocked(day, 2)
    triage(day.office)
    assert {row["ruleset"] for row in day.store.look("select ruleset from decision")} == {old.book.hash}


def test_nothing_due_is_nothing_done() -> None:
    day = Day(reader=calm())
    assert triage(day.office) == 0
    assert count(day, "decision") == 0
