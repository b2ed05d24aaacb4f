"""Fetch takes in every mail exactly once, whatever the server and the power supply do (I1, I10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import JobKind, MailboxFacts, MailboxName, Mode
from inboxd.daemon.fetch import Source, fetch
from inboxd.daemon.triage import triage
from inboxd.errors import Temporary
from inboxd.ports import Cursor, SightingState
from tests.daemon.world import Fuse, Killed, KillingMailbox, KillingStore, OddMailbox, calm, killed, mail
from tests.fakes import MONDAY, FakeClock
from tests.stories.day import ACME, Day

MINUTE = timedelta(minutes=1)
LATER = MONDAY + 10 * MINUTE


@pytest.fixture
def box() -> OddMailbox:
    return OddMailbox()


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    made = SqliteStore(":memory:")
    yield made
    made.close()


def source(box: OddMailbox) -> Source:
    return Source(name=ACME, mailbox=box, folder="INBOX")


def states(store: SqliteStore) -> dict[int, str]:
    rows = store.look("select uid, state from sighting where uidvalidity = (select max(uidvalidity) from sighting) order by uid")
    return {row["uid"]: row["state"] for row in rows}


def messages(store: SqliteStore) -> int:
    return int(store.look("select count(*) as n from message")[0]["n"])


def to_triage(store: SqliteStore) -> list[int]:
    return [row["message"] for row in store.look("select message from job where kind = 'triage' order by message")]


# --- first run and cursor ------------------------------------------------------------------------------------------


def test_what_lay_there_before_the_first_run_is_entered_and_never_touched(store: SqliteStore, box: OddMailbox) -> None:
    for number in range(5):
        box.put(mail(number), MONDAY - MINUTE)
    assert fetch(source(box), store, FakeClock()) == 0
    assert states(store) == dict.fromkeys(range(1, 6), "before")
    assert (messages(store), to_triage(store), box.fetched) == (0, [], [])
    assert store.cursor(ACME, "INBOX") == Cursor(folder="INBOX", uidvalidity=1, next_uid=6, first_run_at=MONDAY)


def test_a_first_run_of_an_empty_folder_begins_at_its_next_number(store: SqliteStore, box: OddMailbox) -> None:
    box.next_uid = 41
    fetch(source(box), store, FakeClock())
    cursor = store.cursor(ACME, "INBOX")
    assert cursor is not None and cursor.next_uid == 41


def test_mail_after_the_first_run_is_stored_with_its_bytes_and_one_job(store: SqliteStore, box: OddMailbox) -> None:
    clock = FakeClock()
    fetch(source(box), store, clock)
    for number in range(7):
        box.put(mail(number), MONDAY)
    assert fetch(source(box), store, clock) == 7
    assert to_triage(store) == list(range(1, 8))
    assert [store.raw(row["id"]).raw for row in store.look("select id from message order by id")] == [mail(n) for n in range(7)]
    assert fetch(source(box), store, clock) == 0
    assert len(box.fetched) == 7  # and nothing is fetched twice


def test_the_cursor_moves_with_each_batch(store: SqliteStore, box: OddMailbox) -> None:
    fetch(source(box), store, FakeClock())
    for number in range(8):
        box.put(mail(number), MONDAY)
    seen = []

    class Watching(OddMailbox):
        def fetch(self, listed):  # type: ignore[no-untyped-def]
            for batch in super().fetch(listed):
                cursor = store.cursor(ACME, "INBOX")
                seen.append((cursor.next_uid if cursor else 0, messages(store)))
                yield batch

    fetch(source(Watching(mails=box.mails, next_uid=box.next_uid)), store, FakeClock())
    assert seen == [(1, 0), (4, 3), (7, 6)]


def test_a_mailbox_that_is_away_changes_nothing(store: SqliteStore, box: OddMailbox) -> None:
    box.down = True
    with pytest.raises(Temporary):
        fetch(source(box), store, FakeClock())
    assert store.cursor(ACME, "INBOX") is None


def test_mail_that_comes_during_the_first_run_is_kept_for_the_second(store: SqliteStore) -> None:
    class Busy(OddMailbox):
        def list(self, since, identity=False):  # type: ignore[no-untyped-def]
            found = super().list(since, identity)
            if identity and self.next_uid == 1:
                self.put(mail(1), MONDAY)
            return found

    box = Busy()
    fetch(source(box), store, FakeClock())
    assert fetch(source(box), store, FakeClock()) == 1


# --- kill -9 anywhere ----------------------------------------------------------------------------------------------


def kill_everywhere(folder: Path, prepare: Callable[[SqliteStore, OddMailbox], None], check: Callable[[SqliteStore, int], None]) -> int:
    """Fetch, killed at the first moment, then at the second ...; after each kill a new process fetches in peace."""
    at = 0
    while True:
        at += 1
        store, box, fuse = SqliteStore(folder / f"{at}.sqlite"), OddMailbox(), Fuse(at)
        prepare(store, box)
        store = killed(store)
        try:
            mailbox = KillingMailbox(box, fuse)
            fetch(replace(source(box), mailbox=mailbox), KillingStore(store, fuse), FakeClock(LATER))
        except Killed:
            store = killed(store)
            fetch(source(box), store, FakeClock(LATER))
            check(store, at)
            store.close()
        else:
            check(store, at)
            store.close()
            return at - 1


def test_killed_at_any_moment_of_a_fetch_every_mail_is_stored_and_triaged_once(quick_folder: Path) -> None:
    def prepare(store: SqliteStore, box: OddMailbox) -> None:
        box.put(mail(0), MONDAY)
        fetch(source(box), store, FakeClock())
        for number in range(1, 5):
            box.put(mail(number), MONDAY)
        box.put_odd(mail(5), MONDAY, SightingState.OVERSIZE, 42_000_000)
        box.put_odd(mail(6), MONDAY, SightingState.UNFETCHABLE, 99)

    def check(store: SqliteStore, at: int) -> None:
        expected = {1: "before", 2: "stored", 3: "stored", 4: "stored", 5: "stored", 6: "oversize", 7: "unfetchable"}
        assert states(store) == expected, at
        assert (messages(store), to_triage(store)) == (5, [1, 2, 3, 4, 5]), at
        assert store.look("select count(*) as n from raw")[0]["n"] == 5, at
        assert store.look("select count(*) as n from job where kind = 'unfetched'")[0]["n"] == 1, at
        cursor = store.cursor(ACME, "INBOX")
        assert cursor is not None and cursor.next_uid == 8, at

    assert kill_everywhere(quick_folder, prepare, check) > 30


def test_killed_at_any_moment_of_the_first_run_nothing_old_is_ever_triaged(quick_folder: Path) -> None:
    def prepare(store: SqliteStore, box: OddMailbox) -> None:
        for number in range(4):
            box.put(mail(number), MONDAY - MINUTE)

    def check(store: SqliteStore, at: int) -> None:
        assert states(store) == dict.fromkeys(range(1, 5), "before"), at
        assert to_triage(store) == [], at

    assert kill_everywhere(quick_folder, prepare, check) > 10


@pytest.mark.parametrize("same_uids", [True, False])
def test_killed_at_any_moment_of_a_renumbering_nothing_is_lost_or_repeated(quick_folder: Path, same_uids: bool) -> None:
    def prepare(store: SqliteStore, box: OddMailbox) -> None:
        box.put(mail(0), MONDAY - MINUTE)
        fetch(source(box), store, FakeClock())
        box.put(mail(1), MONDAY + MINUTE)
        fetch(source(box), store, FakeClock(MONDAY + MINUTE))
        if same_uids:
            box.uidvalidity = 4242
        else:
            del box.mails[1]
            box.renumber()
        box.put(mail(2), MONDAY + 2 * MINUTE)

    def check(store: SqliteStore, at: int) -> None:
        expected = {1: "before", 2: "copy", 3: "stored"} if same_uids else {1: "copy", 2: "stored"}
        assert states(store) == expected, at
        assert to_triage(store) == [1, 2], at

    assert kill_everywhere(quick_folder, prepare, check) > 15


def test_killed_at_any_moment_of_triage_every_mail_is_decided_once_and_every_letter_written_once(quick_folder: Path) -> None:
    at = 0
    office = Day(reader=calm()).office
    while True:
        at += 1
        store, box, fuse = SqliteStore(quick_folder / f"{at}.sqlite"), OddMailbox(), Fuse(at)
        fetch(source(box), store, FakeClock())
        box.put(mail(1), MONDAY)
        fetch(source(box), store, FakeClock())
        office.store = KillingStore(store, fuse)
        try:
            triage(office)
            ended = True
        except Killed:
            store, ended = killed(store), False
        office.store = store
        for _ in range(3):
            triage(office)
        decided = [row["message"] for row in store.look("select message from decision order by message")]
        assert decided == [1], at
        assert store.look("select count(*) as n from cases")[0]["n"] == 1, at
        assert store.look("select count(*) as n from outgoing")[0]["n"] == 1, at
        assert store.look("select count(*) as n from job where kind = 'triage'")[0]["n"] == 0, at
        assert store.look("select count(*) as n from event where kind = 'case.opened'")[0]["n"] == 1, at
        store.close()
        if ended:
            break
    assert at > 30


# --- UIDVALIDITY ---------------------------------------------------------------------------------------------------


def running(store: SqliteStore, box: OddMailbox) -> FakeClock:
    """One mail from before, two stored since."""
    clock = FakeClock()
    box.put(mail(0), MONDAY - MINUTE)
    fetch(source(box), store, clock)
    clock.move(5 * MINUTE)
    for number in (1, 2):
        box.put(mail(number), clock.now())
    assert fetch(source(box), store, clock) == 2
    return clock


def test_a_new_validity_with_the_same_numbers_repeats_nothing(store: SqliteStore, box: OddMailbox) -> None:
    clock = running(store, box)
    box.uidvalidity = 4242
    assert fetch(source(box), store, clock) == 0
    assert states(store) == {1: "before", 2: "copy", 3: "copy"}
    box.put(mail(3), clock.now())
    assert fetch(source(box), store, clock) == 1


def test_a_lost_index_with_numbers_from_one_repeats_nothing(store: SqliteStore, box: OddMailbox) -> None:
    clock = running(store, box)
    del box.mails[2]
    box.renumber()
    box.put(mail(3), clock.now())
    assert fetch(source(box), store, clock) == 1
    assert states(store) == {1: "before", 2: "copy", 3: "stored"}
    assert to_triage(store) == [1, 2, 3]


def test_a_folder_deleted_and_made_anew_is_read_from_its_beginning(store: SqliteStore, box: OddMailbox) -> None:
    clock = running(store, box)
    box.mails, box.next_uid, box.uidvalidity = {}, 1, 9
    box.put(mail(7), clock.now())
    assert fetch(source(box), store, clock) == 1
    assert states(store) == {1: "stored"}


def test_old_mail_of_another_number_is_still_never_answered_after_a_renumbering(store: SqliteStore, box: OddMailbox) -> None:
    """A mail of before the first run that comes back changed (another identity) is known by its date (I10)."""
    clock = running(store, box)
    box.mails[1] = (mail(0, "edited by a virus scanner"), box.mails[1][1])
    box.uidvalidity = 5
    fetch(source(box), store, clock)
    assert states(store)[1] == "before"
    assert to_triage(store) == [1, 2]


def test_the_first_run_stays_the_first_after_a_renumbering(store: SqliteStore, box: OddMailbox) -> None:
    clock = running(store, box)
    box.uidvalidity = 5
    fetch(source(box), store, clock)
    cursor = store.cursor(ACME, "INBOX")
    assert cursor is not None and (cursor.first_run_at, cursor.uidvalidity) == (MONDAY, 5)


def test_numbers_near_the_end_of_32_bits_are_numbers(store: SqliteStore, box: OddMailbox) -> None:
    fetch(source(box), store, FakeClock())
    box.next_uid = 4294967000
    box.put(mail(1), MONDAY)
    assert fetch(source(box), store, FakeClock()) == 1
    assert states(store) == {4294967000: "stored"}


# --- odd mails -----------------------------------------------------------------------------------------------------


def test_a_mail_gone_between_list_and_fetch_is_entered_as_gone(store: SqliteStore, box: OddMailbox) -> None:
    fetch(source(box), store, FakeClock())
    for number in range(4):
        box.put(mail(number), MONDAY)
    box.vanishing = {2}
    assert fetch(source(box), store, FakeClock()) == 3
    assert states(store) == {1: "stored", 2: "gone", 3: "stored", 4: "stored"}


def test_the_same_mail_in_two_mailboxes_is_one_message_and_one_case() -> None:
    day, globex, other = Day(reader=calm()), MailboxName("globex"), OddMailbox()
    facts = MailboxFacts(name=globex, address="help@globex.example", brand="Globex")
    day.office.mailboxes = {**day.office.mailboxes, globex: facts}
    second = Source(name=globex, mailbox=other, folder="INBOX")
    fetch(second, day.store, day.clock)
    day.mailbox.put(mail(1, extra="Delivered-To: support@acme.example\r\nReceived: from a by b\r\n\tfor support\r\n"), day.at())
    other.put(mail(1, extra="Delivered-To: help@globex.example\r\n"), day.at())
    day.run()
    assert fetch(second, day.store, day.clock) == 0
    day.run()
    assert day.store.look("select count(*) as n from cases")[0]["n"] == 1
    rows = day.store.look("select mailbox, state, message from sighting order by mailbox")
    assert [(r["mailbox"], r["state"], r["message"]) for r in rows] == [("acme", "stored", 1), ("globex", "copy", 1)]


def test_a_message_id_seen_before_does_not_make_another_mail_vanish(store: SqliteStore, box: OddMailbox) -> None:
    fetch(source(box), store, FakeClock())
    box.put(mail(1), MONDAY)
    box.put(mail(1, "Something else under the same Message-ID"), MONDAY)
    assert fetch(source(box), store, FakeClock()) == 2


def test_a_mail_over_the_limit_reaches_an_agent_with_its_size_named() -> None:
    box = OddMailbox()
    day = Day(reader=calm(), mailbox=box)
    box.put_odd(
        mail(1, "Here are forty photos of the lamp"), day.at(), SightingState.OVERSIZE, 44_040_192, "44040192 bytes, the limit is 1"
    )
    day.run()
    assert states(day.store) == {1: "oversize"}
    (routed,) = [each for each in day.mailer.delivered if each.kind == "routed"]
    text = day.inbox(routed.envelope_to[0])[-1].text
    assert "Here are forty photos of the lamp" in text
    assert "This mail has 42.0 MB" in text and "in the mailbox" in text


def test_a_mail_that_cannot_be_fetched_is_told_to_the_lead_once_and_holds_up_no_other() -> None:
    box = OddMailbox()
    day = Day(reader=calm(), mailbox=box)
    box.put_odd(mail(1), day.at(), SightingState.UNFETCHABLE, 7_777)
    box.put(mail(2), day.at())
    day.run()
    day.pass_(days=2)
    notices = [each for each in day.inbox("petra@acme.example") if each.subject == "A mail that could not be fetched"]
    assert len(notices) == 1
    words = " ".join(notices[0].text.split())
    assert "the folder INBOX of support@acme.example" in words and "(UID) 1." in words and "7777 bytes" in words
    assert "the server refused it 3 times" in words
    assert messages(day.store) == 1 and day.store.parked() == ()


def test_an_oversize_mail_of_which_nothing_came_is_told_as_well(store: SqliteStore) -> None:
    class Empty(OddMailbox):
        def _one(self, item):  # type: ignore[no-untyped-def]
            return replace(super()._one(item), raw=None)

    box = Empty()
    fetch(source(box), store, FakeClock())
    box.put_odd(mail(1), MONDAY, SightingState.OVERSIZE, 44_000_000)
    fetch(source(box), store, FakeClock())
    (job,) = store.claim((JobKind.UNFETCHED,), MONDAY, 9)
    assert job.payload["size"] == 44_000_000


def test_two_mails_that_cannot_be_fetched_are_two_notices() -> None:
    box = OddMailbox()
    day = Day(reader=calm(), mailbox=box)
    for number in (1, 2):
        box.put_odd(mail(number), day.at(), SightingState.UNFETCHABLE, 99)
    day.run()
    assert len(day.inbox("petra@acme.example")) == 2


def test_mode_watch_tells_what_could_not_be_fetched_in_its_daily_mail_only() -> None:
    box = OddMailbox()
    day = Day(reader=calm(), mailbox=box, mode=Mode.WATCH)
    box.put_odd(mail(1), day.at(), SightingState.UNFETCHABLE, 7_777)
    day.run()
    assert day.mailer.delivered == []
    day.pass_(days=1)
    (daily,) = day.inbox("petra@acme.example")
    assert "7777 bytes, number 1 in the folder INBOX" in " ".join(daily.text.split())
