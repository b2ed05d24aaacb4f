"""The ledger against the server: what is explained, and what is not."""

from __future__ import annotations

import pytest

from inboxd.core.model import MessageNo
from inboxd.core.reconcile import Account, LedgerRow, reconcile

NOW = 7  # the server's UIDVALIDITY


def row(uid: int, state: str = "stored", uidvalidity: int = NOW, **more: bool) -> LedgerRow:
    message = MessageNo(100 + uid) if state in ("stored", "copy", "oversize") else None
    return LedgerRow(uidvalidity=uidvalidity, uid=uid, state=state, message=message, **{"decided": True, **more})


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        (row(1), "stored"),
        (row(1, "copy"), "known copy"),
        (row(1, filed=True), "stored"),
        (row(1, "before", decided=False), "before the first run"),
        (row(1, "oversize"), "oversize"),
        (row(1, "unfetchable", decided=False), "unfetchable"),
        (row(1, decided=False, waiting=True), "waiting to be read"),
        (row(1, decided=False, parked=True), "parked"),
        (row(1, dropped=True), "given up by a person"),
    ],
)
def test_each_end_of_a_mail_is_explained(ledger: LedgerRow, words: str) -> None:
    assert reconcile([1], NOW, 2, [ledger]) == Account(counts={words: 1})


@pytest.mark.parametrize(
    ("ledger", "words"),
    [
        (row(1), "stored, since moved or deleted by a person"),
        (row(1, "oversize"), "oversize, since moved or deleted by a person"),
        (row(1, filed=True), "filed by a rule"),
        (row(1, "oversize", filed=True), "filed by a rule"),
        (row(1, "gone", decided=False), "gone before it was fetched"),
        (row(1, "before", decided=False), "before the first run"),
        (row(1, decided=False, waiting=True), "waiting to be read"),
    ],
)
def test_a_mail_that_is_not_there_any_more_is_explained(ledger: LedgerRow, words: str) -> None:
    found = reconcile([], NOW, 2, [ledger])
    assert found.counts == {words: 1}
    assert found.explained


def test_a_uid_below_the_cursor_that_the_ledger_does_not_know_is_missing() -> None:
    found = reconcile([1, 2, 3, 9], NOW, 4, [row(1), row(3)])
    assert (found.missing, found.new, found.explained) == ((2,), 1, False)


def test_a_mail_that_came_just_now_is_new_and_not_missing() -> None:
    found = reconcile([4, 5], NOW, 4, [])
    assert (found.missing, found.new, found.explained) == ((), 2, True)


def test_a_row_of_an_earlier_numbering_explains_no_uid_of_today() -> None:
    found = reconcile([1], NOW, 2, [row(1, uidvalidity=6)])
    assert found.missing == (1,)
    assert found.counts == {"stored": 1}


def test_a_stored_mail_that_nobody_decided_about_and_that_has_no_job_is_not_explained() -> None:
    found = reconcile([1, 2], NOW, 3, [row(1, decided=False), row(2, "oversize", decided=False)])
    assert (found.undecided, found.explained) == ((101, 102), False)


def test_nothing_is_nothing() -> None:
    assert reconcile([], NOW, 1, []) == Account()
    assert Account().explained
