"""Who is one person with whom, joined and parted again; and what agents promised, kept with its case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import AgentName, CaseNo, Merge, MessageNo, NotSameAs, Person, PersonNo, Promise, SameAs, TakeBack
from inboxd.ports import Transaction
from tests.fakes import MONDAY
from tests.stores.builders import ACME, opened, put_case, put_mail

MARIA, TOM = AgentName("maria"), AgentName("tom")
FRIDAY = date(2026, 11, 20)
DAY = timedelta(days=1)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    made = SqliteStore(":memory:")
    yield made
    made.close()


# --- people ----------------------------------------------------------------------------------------------------------


def address(person: int) -> str:
    return f"p{person}@x.example"


def people(tx: Transaction, count: int) -> None:
    """So many people, each with an address, a case and a mail in it."""
    for number in range(1, count + 1):
        person = Person(number=PersonNo(number), name=f"P{number}", email=address(number))
        put_case(tx, opened(1000 + number, customer=number), person)
        message = put_mail(tx, number)
        wrote(tx, message, number, 1000 + number)


def wrote(tx: Transaction, message: MessageNo, person: int, case: int) -> None:
    tx._db.execute(  # type: ignore[attr-defined]  # as `record` would, without a whole situation
        "update message set sender = ?, name = ?, person = ?, role = 'customer', case_id = ? where id = ?",
        (address(person), f"P{person}", person, case, message),
    )


def owners(store: SqliteStore) -> dict[str, list[tuple[object, ...]]]:
    """Whose everything is."""
    asked = {
        "person": "select id, name from person order by id",
        "address": "select email, person from address order by email",
        "cases": "select id, customer from cases order by id",
        "message": "select id, person from message order by id",
    }
    return {name: [tuple(row.values()) for row in map(dict, store.look(sql))] for name, sql in asked.items()}


PAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 7)), min_size=1, max_size=6)  # 6 and 7 are addresses that nobody has


@given(PAIRS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_same_as_joined_not_same_as_leaves_as_it_was_in_whatever_order(pairs: list[tuple[int, int]], dice: object) -> None:
    store = SqliteStore(":memory:")
    with store.transaction() as tx:
        people(tx, 5)
    before = owners(store)
    for person, other in pairs:
        with store.transaction() as tx:
            now = tx.person_of(address(person))
            assert now is not None
            tx.apply([SameAs(person=now.number, email=address(other), by=TOM)], ACME, MONDAY)
    for _ in range(2 * len(pairs)):
        with store.transaction() as tx:
            joined = [(n, email) for n in range(1, 6) for email in sorted(tx.joined(PersonNo(n)))]
            if joined:
                number, email = dice.choice(joined)  # type: ignore[attr-defined]  # Random
                tx.apply([NotSameAs(person=PersonNo(number), email=email, by=TOM)], ACME, MONDAY + DAY)
    assert owners(store) == before
    with store.transaction() as tx:
        assert not any(tx.joined(PersonNo(n)) for n in range(1, 6))
    store.close()


def test_what_came_since_from_that_address_goes_along_and_what_came_from_the_other_stays(store: SqliteStore) -> None:
    with store.transaction() as tx:
        people(tx, 2)
        tx.apply([SameAs(person=PersonNo(1), email=address(2), by=TOM)], ACME, MONDAY)
        assert tx.joined(PersonNo(1)) == {address(2)} and tx.joined(PersonNo(2)) == frozenset()
        for case, sender in ((1003, 2), (1004, 1)):
            put_case(tx, opened(case, customer=1), Person(number=PersonNo(1), name="P1", email=address(1)))
            message = put_mail(tx, case)
            wrote(tx, message, sender, case)
            tx._db.execute("update message set person = 1 where id = ?", (message,))  # they are one now
        tx.apply([NotSameAs(person=PersonNo(1), email=address(2), by=TOM)], ACME, MONDAY + DAY)
    assert owners(store)["cases"] == [(1001, 1), (1002, 2), (1003, 2), (1004, 1)]
    assert [person for _, person in owners(store)["message"]] == [1, 2, 2, 1]


def test_parting_what_was_never_joined_changes_nothing(store: SqliteStore) -> None:
    with store.transaction() as tx:
        people(tx, 2)
    before = owners(store)
    with store.transaction() as tx:
        tx.apply([NotSameAs(person=PersonNo(1), email=address(2), by=TOM)], ACME, MONDAY)
    assert owners(store) == before and not store.look("select 1 from event where kind = 'person.not_same_as'")


def test_a_person_joined_by_an_older_version_is_parted_by_what_came_from_the_address(store: SqliteStore) -> None:
    with store.transaction() as tx:
        people(tx, 2)
        tx.apply([SameAs(person=PersonNo(1), email=address(2), by=TOM)], ACME, MONDAY)
        kept = "json_remove(data, '$.addresses', '$.cases', '$.messages')"
        tx._db.execute(f"update event set data = {kept} where kind = 'person.same_as'")
        tx.apply([NotSameAs(person=PersonNo(1), email=address(2), by=TOM)], ACME, MONDAY + DAY)
    assert owners(store)["cases"] == [(1001, 1), (1002, 2)] and owners(store)["address"] == [(address(1), 1), (address(2), 2)]


# --- promises --------------------------------------------------------------------------------------------------------


def promise(case: int = 1001, day: date = FRIDAY, **more: object) -> Promise:
    made = Promise(case=CaseNo(case), agent=TOM, message=MessageNo(7), day=day, sentence="You have it on Friday.", made_at=MONDAY)
    return replace(made, **more)  # type: ignore[arg-type]


def test_promises_come_back_as_they_were_made_the_next_day_first(store: SqliteStore) -> None:
    later, hers = promise(day=FRIDAY + DAY), promise(1002, agent=MARIA)
    with store.transaction() as tx:
        put_case(tx, opened(1001))
        put_case(tx, opened(1002))
        tx.apply([later, promise(), hers], ACME, MONDAY)
        assert tx.promises(CaseNo(1001)) == (promise(), later)
        assert tx.promised_by(TOM, FRIDAY) == (promise(), later) and tx.promised_by(TOM, FRIDAY + DAY) == (later,)
        assert tx.promised_by(MARIA, FRIDAY) == (hers,)


def test_promises_are_taken_back_by_their_message_or_from_a_day_on_and_once(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001))
        tx.apply([promise(day=FRIDAY - DAY), promise(), promise(message=MessageNo(8)), promise(message=MessageNo(8))], ACME, MONDAY)
        tx.apply([TakeBack(case=CaseNo(1001), why="undone", message=MessageNo(8))], ACME, MONDAY)
        tx.apply([TakeBack(case=CaseNo(1001), why="cancelled", since=FRIDAY)], ACME, MONDAY + DAY)
        assert tx.promises(CaseNo(1001)) == (promise(day=FRIDAY - DAY),)
    assert [row["ended"] for row in store.look("select ended from promise order by id")] == ["", "cancelled", "undone", "undone"]


def test_promises_go_with_a_case_that_becomes_one_with_another(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001))
        put_case(tx, opened(1002))
        tx.apply([promise(1002), Merge(case=CaseNo(1002), into=CaseNo(1001))], ACME, MONDAY)
        assert tx.promises(CaseNo(1001)) == (promise(1001),)
