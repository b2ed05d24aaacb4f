"""Folders in which people work: each is read by itself, nothing in them is overlooked, and a cut at any moment loses nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.core.model import JobKind
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.filing import file_mail
from inboxd.daemon.reconcile import account, check_daily, repair
from inboxd.daemon.triage import triage
from inboxd.errors import Permanent, Temporary
from tests.daemon.test_supervise import BOUND, House, WaitingMailbox, until
from tests.daemon.world import Fuse, Killed, KillingMailbox, KillingStore, calm, killed, mail
from tests.stories.day import ACME, Day
from tests.stories.test_shared_mailbox import folder_team

SENT = mail(9, "The white one.", sender="Acme Support <support@acme.example>").replace(
    b"To: support@acme.example", b"To: c1@customers.example\r\nIn-Reply-To: <m1@customers.example>"
)


@pytest.fixture
def day() -> Day:
    return Day(reader=calm(), shared=True)


def by_folder(day: Day) -> dict[str, Source]:
    return {source.folder: source for source in day.sources}


def states(day: Day, folder: str) -> list[str]:
    return [row["state"] for row in day.store.look("select state from sighting where folder = ? order by uid", folder)]


def test_what_lies_in_the_folders_at_the_first_run_is_noted_and_resolves_and_answers_nothing(day: Day) -> None:
    day.mailbox.put(mail(1), day.at())
    day.run()
    for folder, raw in (("Later sent", SENT), ("Later done", mail(1))):
        day.folder(folder).put(raw, day.at())
        later = folder == "Later sent"
        day.sources.append(Source(name=ACME, mailbox=day.folder(folder), folder=folder, sent=later, resolves=not later))
    day.run()
    day.pass_(minutes=5)
    assert day.case().state == "open"
    assert (states(day, "Later sent"), states(day, "Later done")) == (["before"], ["before"])


def test_every_mail_of_every_watched_folder_is_explained(day: Day) -> None:
    for number in (1, 2):
        day.mailbox.put(mail(number), day.at())
    day.run()
    day.folder("Sent").put(SENT, day.at())
    day.folder("Resolved").put(*day.mailbox.mails.pop(1))
    day.folder("Resolved").put(mail(3), day.at())
    day.run()
    day.pass_(minutes=5)
    counts = {folder: account(source, day.store).counts for folder, source in by_folder(day).items()}
    assert counts == {
        "INBOX": {"stored, since moved or deleted by a person": 1, "stored": 1},
        "Sent": {"stored": 1},
        "Resolved": {"known copy": 1, "stored": 1},
    }
    assert all(check_daily(source, day.store, day.clock).explained for source in day.sources)


def test_a_move_to_resolved_that_was_overlooked_counts_when_it_is_found(day: Day) -> None:
    day.mailbox.put(mail(1), day.at())
    day.run()
    done = by_folder(day)["Resolved"]
    uid = day.folder("Resolved").put(*day.mailbox.mails.pop(1))
    cursor = day.store.cursor(ACME, "Resolved")
    assert cursor is not None
    with day.store.transaction() as tx:
        tx.move_cursor(ACME, type(cursor)(folder="Resolved", uidvalidity=1, next_uid=uid + 1, first_run_at=cursor.first_run_at))
    found = account(done, day.store)
    assert found.missing == (uid,)
    repair(done, day.store, day.clock, found)
    day.pass_(minutes=2)
    assert day.case().state == "resolved" and account(done, day.store).explained


def test_a_folder_that_is_numbered_anew_resolves_no_case_that_was_opened_again(day: Day) -> None:
    day.mailbox.put(mail(1), day.at())
    day.run()
    day.folder("Resolved").put(*day.mailbox.mails.pop(1))
    day.run()
    day.pass_(minutes=2)
    assert day.case().state == "resolved"
    day.mailbox.put(
        mail(2, "It is still broken.", sender="c1@customers.example", extra="In-Reply-To: <m1@customers.example>\r\n"), day.at()
    )
    day.run()
    assert day.case().state == "open"
    day.folder("Resolved").renumber()
    day.run()
    day.pass_(minutes=5)
    assert day.case().state == "open"


def test_a_mail_moved_before_it_was_decided_resolves_once_it_is(day: Day) -> None:
    day.mailbox.put(mail(1), day.at())
    fetch(day.source, day.store, day.clock)
    day.store._connection.execute("update job set run_at = run_at + 600 where kind = 'triage'")  # the reader is busy
    day.folder("Resolved").put(*day.mailbox.mails.pop(1))
    fetch(by_folder(day)["Resolved"], day.store, day.clock)
    day.pass_(minutes=5)
    assert day.store.look("select count(*) as n from job where kind = 'resolve'")[0]["n"] == 1
    day.pass_(minutes=10)
    assert day.case().state == "resolved"


def test_a_sent_folder_that_is_not_there_is_in_trouble_and_the_inbox_is_read() -> None:
    house = House()
    missing = WaitingMailbox(name="Gesendet", failure=Permanent("is there a folder 'Gesendet'?"))
    house.supervisor.sources = [house.day.source, Source(name=ACME, mailbox=missing, folder="Gesendet", sent=True)]
    house.begin()
    until(lambda: len(house.supervisor.pauses) >= 2, missing.selected)
    house.box.waiting.get(timeout=BOUND)
    assert house.supervisor.health == {"fetch:acme:Gesendet": "is there a folder 'Gesendet'?"}
    assert "fetch:acme:INBOX" in house.supervisor.synced
    house.supervisor.stop()
    missing.wake()
    house.end()


# --- the folder of a team ------------------------------------------------------------------------------------------------


def laid(**more: object) -> Day:
    """A day on which a mail came in for a team with a folder, and is not moved yet."""
    day = Day(reader=calm(), shared=True, book=folder_team("everyone"), **more)  # type: ignore[arg-type]  # fields of a day
    day.mailbox.put(mail(1), day.at())
    fetch(day.source, day.store, day.clock)
    triage(day.office)
    return day


def routed(day: Day) -> int:
    return sum(mail.kind == "routed" for mail in day.mailer.delivered)


def test_a_mail_for_a_folder_is_moved_at_once_and_not_at_the_next_look() -> None:
    house = House()
    book = folder_team("everyone")
    house.day.office.rules = replace(house.day.office.rules, book=book)
    house.day.office.mailboxes = {ACME: replace(house.day.office.mailboxes[ACME], file=True)}
    house.begin()
    house.box.waiting.get(timeout=BOUND)
    house.box.put(mail(1), house.day.at())
    house.box.wake()
    until(lambda: house.box.moves, house.box.waiting)  # each look ends in a wait: nobody but the daemon ends it
    house.supervisor.stop()
    house.end()


def test_a_mail_laid_into_a_folder_counts_as_handed_over() -> None:
    day = laid()
    day.run()
    assert (list(day.mailbox.mails), len(day.folder("everyone").mails), routed(day)) == ([], 1, 0)
    assert day.store.look("select handed_over as n from message")[0]["n"] == 1


def test_a_server_that_never_moves_parks_the_job_and_the_agent_gets_the_mail() -> None:
    day = laid()
    day.mailbox.refuses_to_move = Permanent("the folder is read-only for us")
    day.run()
    (job,) = day.store.parked()
    assert (job.kind, routed(day)) == (JobKind.FILE, 1)


def test_a_server_that_refuses_for_now_is_asked_again_and_nobody_is_mailed() -> None:
    day = laid()
    day.mailbox.refuses_to_move = Temporary("over quota")
    day.run()
    day.mailbox.refuses_to_move = None
    day.pass_(minutes=10)
    assert (len(day.folder("everyone").mails), routed(day)) == (1, 0)


def test_a_mail_that_somebody_took_away_before_is_sent_to_its_agent_once() -> None:
    day = laid()
    day.mailbox.mails.clear()
    day.run()
    day.pass_(hours=1)
    assert routed(day) == 1


def test_a_mail_taken_away_from_a_case_that_is_over_is_sent_to_nobody() -> None:
    day = laid()
    day.mailbox.mails.clear()
    day.store._connection.execute("update cases set state = 'closed'")
    day.run()
    assert routed(day) == 0


def test_a_cut_at_any_moment_leaves_the_mail_in_the_folder_or_with_its_agent(tmp_path: Path) -> None:
    for at in range(1, 100):
        day = laid(store_path=tmp_path / f"{at}.sqlite")
        fuse = Fuse(at=at)
        whole, real = day.store, day.mailbox
        day.office.store = KillingStore(whole, fuse)
        try:
            file_mail(day.office, Source(name=ACME, mailbox=KillingMailbox(real, fuse), folder="INBOX"))
            whole.close()
            break
        except Killed:
            day.store = day.office.store = killed(whole)
            day.clock.at += timedelta(minutes=2)
            day.run()
            assert len(day.folder("everyone").mails) == 1 and day.mailbox.mails == {}, at
            assert routed(day) <= 1, at
            day.store.close()
    else:
        raise AssertionError("the moments do not end")
