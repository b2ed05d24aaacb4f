"""Filing: what a rule files is moved once, by the folder's own loop, and nothing is ever lost or taken for new by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.adapters.kill_points import around_mailbox, around_store
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import JobKind, MailboxFacts, MailboxName, MessageNo, Mode, Schedule
from inboxd.core.rulebook import Condition, Rule, Rulebook, Then
from inboxd.daemon import filing
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.filing import file_mail
from inboxd.daemon.keep_house import keep_house
from inboxd.daemon.reconcile import account, check_daily
from inboxd.daemon.triage import triage
from inboxd.errors import Permanent, Temporary
from tests.daemon.test_supervise import BOUND, House
from tests.daemon.world import Fuse, Killed, KillingMailbox, KillingStore, calm, killed, mail
from tests.fakes import FakeMailbox
from tests.stories.day import ACME, Day, _shipped_rules

MINUTE = timedelta(minutes=1)
FILES = Rule(name="Lamps", when=(Condition(word="subject_contains", wanted=("Lamp",)),), then=Then(file_in="Lamps"))


def book() -> Rulebook:
    """The shipped rules, and before them one that files."""
    shipped = _shipped_rules()
    return replace(shipped, rules=(FILES, *shipped.rules))


def a_day(**facts: object) -> Day:
    """A day whose settings allow filing, unless said otherwise."""
    day = Day(reader=calm(), book=book())
    day.office.mailboxes = {ACME: replace(day.office.mailboxes[ACME], **{"file": True, **facts})}  # type: ignore[arg-type]
    return day


@pytest.fixture
def day() -> Day:
    return a_day()


def arrived(day: Day, *numbers: int) -> None:
    """Mails come in, are decided, and are not filed yet."""
    for number in numbers:
        day.mailbox.put(mail(number), day.at())
    fetch(day.source, day.store, day.clock)
    triage(day.office)


def jobs(day: Day) -> int:
    """How many mails wait to be filed."""
    return int(day.store.look("select count(*) as n from job where kind = 'file' and parked_at is null")[0]["n"])


def lies_in(mailbox: FakeMailbox) -> list[bytes]:
    return [raw for _, (raw, _) in sorted(mailbox.mails.items())]


def test_a_mail_that_a_rule_files_is_moved_and_its_agent_has_it_all_the_same(day: Day) -> None:
    arrived(day, 1, 2)
    assert jobs(day) == 2
    assert file_mail(day.office, day.source) == 2
    assert (lies_in(day.mailbox), lies_in(day.mailbox.others["Lamps"])) == ([], [mail(1), mail(2)])
    assert day.mailbox.moves == [((1, 2), "Lamps")]  # in one command
    assert jobs(day) == 0
    assert file_mail(day.office, day.source) == 0
    day.run()
    assert day.events("case.assigned") == 2


def test_other_mail_is_left_where_it_is(day: Day) -> None:
    day.mailbox.put(mail(1).replace(b"Subject: Lamp", b"Subject: Chair"), day.at())
    day.run()
    assert (list(day.mailbox.mails), day.mailbox.moves) == ([1], [])


@pytest.mark.parametrize("facts", [{"file": False}, {"mode": Mode.WATCH}])
def test_without_leave_nothing_is_moved_also_later(facts: dict[str, object]) -> None:
    day = a_day(**facts)
    arrived(day, 1)
    assert jobs(day) == ("mode" in facts)
    file_mail(day.office, day.source)
    assert (jobs(day), day.mailbox.moves, list(day.mailbox.mails)) == (0, [], [1])
    day.office.mailboxes = {ACME: replace(day.office.mailboxes[ACME], file=True, mode=Mode.FULL)}
    day.run()
    assert day.mailbox.moves == []


def test_a_mail_that_somebody_moved_before_is_no_trouble(day: Day) -> None:
    arrived(day, 1)
    del day.mailbox.mails[1]
    file_mail(day.office, day.source)
    assert (jobs(day), day.store.parked()) == (0, ())
    assert account(day.source, day.store).counts == {"stored, since moved or deleted by a person": 1}


def test_housekeeping_leaves_filing_alone(day: Day) -> None:
    arrived(day, 1)
    keep_house(day.office)
    assert (jobs(day), day.store.in_hand((JobKind.FILE,))) == (1, 0)


def test_a_filed_mail_is_explained_and_said_to_be_filed(day: Day) -> None:
    arrived(day, 1)
    file_mail(day.office, day.source)
    found = check_daily(day.source, day.store, day.clock)
    assert found.explained
    assert found.counts == {"filed by a rule": 1}


def test_each_loop_files_only_the_mail_of_its_own_mailbox_and_folder(day: Day) -> None:
    globex, other = MailboxName("globex"), FakeMailbox()
    day.office.mailboxes = {
        **day.office.mailboxes,
        globex: MailboxFacts(name=globex, address="h@globex.example", brand="Globex", file=True),
    }
    second = Source(name=globex, mailbox=other, folder="INBOX")
    fetch(second, day.store, day.clock)
    other.put(mail(7), day.at())
    fetch(second, day.store, day.clock)
    arrived(day, 1)
    assert jobs(day) == 2
    file_mail(day.office, day.source)
    assert (len(day.mailbox.moves), other.moves) == (1, [])
    file_mail(day.office, second)
    assert other.moves == [((1,), "Lamps")]
    assert jobs(day) == 0


def test_what_is_moved_into_a_watched_folder_is_not_new_mail(day: Day) -> None:
    watched = day.mailbox.others["Lamps"] = FakeMailbox(name="Lamps", uidvalidity=8)
    second = Source(name=ACME, mailbox=watched, folder="Lamps")
    fetch(second, day.store, day.clock)
    arrived(day, 1)
    file_mail(day.office, day.source)
    assert fetch(second, day.store, day.clock) == 0
    day.run()
    file_mail(day.office, second)
    assert watched.moves == []
    assert account(second, day.store).counts == {"known copy": 1}
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 1


def test_a_mail_that_lies_in_its_folder_already_stays_there(day: Day) -> None:
    watched = FakeMailbox(name="Lamps")
    source = Source(name=ACME, mailbox=watched, folder="Lamps")
    fetch(source, day.store, day.clock)
    watched.put(mail(1), day.at())
    fetch(source, day.store, day.clock)
    triage(day.office)
    file_mail(day.office, source)
    assert (jobs(day), watched.moves) == (0, [])


def test_a_mail_that_came_twice_is_filed_with_its_copy(day: Day) -> None:
    arrived(day, 1)
    arrived(day, 1)
    file_mail(day.office, day.source)
    assert day.mailbox.moves == [((1, 2), "Lamps")]


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_numbers_of_another_validity_are_never_moved(day: Day) -> None:
    arrived(day, 1)
    day.mailbox.mails[1] = (mail(9), day.at())
    day.mailbox.uidvalidity = 77  # and the fetch loop has not seen it yet
    assert file_mail(day.office, day.source) == 0
    assert day.mailbox.moves == []
    fetch(day.source, day.store, day.clock)
    file_mail(day.office, day.source)
    assert (day.mailbox.moves, jobs(day)) == ([], 0)  # where it lies now nobody can tell


def test_a_server_that_cannot_now_is_asked_again_later_and_holds_up_no_mail(day: Day) -> None:
    day.mailbox.refuses_to_move = Temporary("[OVERQUOTA] Quota exceeded")
    arrived(day, 1)
    assert file_mail(day.office, day.source) == 1
    assert (jobs(day), file_mail(day.office, day.source)) == (1, 0)
    arrived(day, 2)
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 2
    day.mailbox.refuses_to_move = None
    day.clock.move(6 * MINUTE)
    file_mail(day.office, day.source)
    assert (jobs(day), len(day.mailbox.others["Lamps"].mails)) == (0, 2)


def test_a_server_that_never_can_has_the_job_parked_with_its_words(day: Day) -> None:
    day.mailbox.refuses_to_move = Permanent("the server can neither MOVE nor expunge single mails")
    arrived(day, 1)
    file_mail(day.office, day.source)
    (parked,) = day.store.parked()
    assert (parked.kind, parked.error) == (JobKind.FILE, "the server can neither MOVE nor expunge single mails")
    day.mailbox.refuses_to_move = None
    with day.store.transaction() as tx:
        tx.unpark(parked.number, day.at())
    file_mail(day.office, day.source)
    assert (jobs(day), len(day.mailbox.others["Lamps"].mails)) == (0, 1)


def test_another_folder_named_while_the_mail_is_moved_is_not_forgotten(day: Day) -> None:
    class Redecided(FakeMailbox):
        def move(self, uids: Sequence[int], folder: str) -> Sequence[int]:
            if folder == "Lamps":
                with day.store.transaction() as tx:
                    job = Schedule(kind=JobKind.FILE, key="file:1", at=day.at(), payload={"message": MessageNo(1), "folder": "Chairs"})
                    tx.schedule(job)
            return super().move(uids, folder)

    arrived(day, 1)
    file_mail(day.office, replace(day.source, mailbox=Redecided(mails=day.mailbox.mails, next_uid=day.mailbox.next_uid)))
    assert jobs(day) == 1


def test_more_than_one_batch_is_filed_batch_by_batch(day: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filing, "BATCH", 12)
    arrived(day, *range(1, 31))
    for _ in range(4):
        triage(day.office)
    assert [file_mail(day.office, day.source) for _ in range(4)] == [12, 12, 6, 0]
    assert len(day.mailbox.others["Lamps"].mails) == 30


def test_the_daemon_files_in_its_loop_and_takes_in_mail_all_the_while() -> None:
    house = House()
    day, box = house.day, house.box
    day.office.rules = replace(day.office.rules, book=book())
    day.office.mailboxes = {ACME: replace(day.office.mailboxes[ACME], file=True)}
    house.begin()
    box.waiting.get(timeout=BOUND)
    for number in (1, 2):
        box.put(mail(number), day.at())
        box.wake()
        assert house.delivered.get(timeout=BOUND).kind == "routed"
    for _ in range(5):
        box.wake()
        box.waiting.get(timeout=BOUND)
        if len(box.moves) == 2 or box.moves == [((1, 2), "Lamps")]:
            break
    assert len(box.others["Lamps"].mails) == 2
    house.supervisor.stop()
    box.wake()
    assert house.end() == 0


# --- kill -9 anywhere ----------------------------------------------------------------------------------------------


def test_killed_at_any_moment_of_filing_each_mail_lies_in_its_folder_once(quick_folder: Path) -> None:
    day, at = a_day(), 0
    while True:
        at += 1
        fuse, box = Fuse(at), FakeMailbox()
        day.store = store = SqliteStore(quick_folder / f"{at}.sqlite")
        day.office.store, day.mailbox, day.source = store, box, Source(name=ACME, mailbox=box, folder="INBOX")
        fetch(day.source, store, day.clock)
        arrived(day, 1, 2)
        day.office.store = KillingStore(store, fuse)
        try:
            file_mail(day.office, replace(day.source, mailbox=KillingMailbox(box, fuse)))
            ended = True
        except Killed:
            store, ended = killed(store), False
        day.store = day.office.store = store
        file_mail(day.office, day.source)
        assert (lies_in(box), lies_in(box.others["Lamps"])) == ([], [mail(1), mail(2)]), at
        assert (jobs(day), store.parked()) == (0, ()), at
        assert account(day.source, store).explained, at
        store.close()
        if ended:
            break
    assert at > 15


def test_the_kill_points_stand_around_a_move(day: Day) -> None:
    reached: list[str] = []
    arrived(day, 1)
    day.office.store = around_store(day.store, reached.append)
    file_mail(day.office, replace(day.source, mailbox=around_mailbox(day.mailbox, reached.append)))
    assert [point for point in reached if "move" in point] == ["mailbox.move.before", "mailbox.move.after"]
    assert {"tx.filings.before", "tx.filed.after"} <= set(reached)


def test_where_a_mail_lies_is_looked_up_and_not_searched(day: Day) -> None:
    asked: list[str] = []
    day.store._connection.set_trace_callback(asked.append)
    arrived(day, 1)
    file_mail(day.office, day.source)
    day.store._connection.set_trace_callback(None)
    (question,) = (sql for sql in asked if sql.startswith("select uid from sighting"))
    plan = day.store._connection.execute(f"explain query plan {question}").fetchall()
    assert "message=?" in plan[0]["detail"]
