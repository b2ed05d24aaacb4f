"""Reconcile: proves daily, or when asked, that nothing in a mailbox was overlooked, and takes in what was."""

from __future__ import annotations

from datetime import datetime, timedelta

from inboxd.core.model import Log
from inboxd.core.reconcile import Account, reconcile
from inboxd.daemon.fetch import Source, take_in
from inboxd.logs import log
from inboxd.ports import Clock, Store

CHECKED = "mailbox.reconciled"


def account(source: Source, store: Store) -> Account:
    """Compare one folder with its ledger; changes nothing. Before the first run nothing is expected."""
    folder = source.mailbox.select()
    cursor = store.cursor(source.name, source.folder)
    if cursor is None:
        return Account()
    listed = source.mailbox.list(1)
    next_uid = cursor.next_uid if cursor.uidvalidity == folder.uidvalidity else 0  # numbered anew: the next fetch sorts it out
    return reconcile([item.uid for item in listed], folder.uidvalidity, next_uid, store.ledger(source.name, source.folder))


def repair(source: Source, store: Store, clock: Clock, found: Account) -> int:
    """Take in what the ledger lacks and have undecided messages decided; returns how many were mended. Safe to run twice."""
    mended = 0
    if found.missing:
        wanted = set(found.missing)
        listed = [item for item in source.mailbox.list(min(wanted)) if item.uid in wanted]
        mended += take_in(source, store, source.mailbox.select(), listed, clock)
    if found.undecided:
        with store.transaction() as tx:
            for message in found.undecided:
                tx.triage_again(message, clock.now())
        mended += len(found.undecided)
    return mended


def last_checked(source: Source, store: Store, now: datetime) -> datetime | None:
    """When this folder was compared last, within the last two days; a restart does not begin a new day."""
    with store.transaction() as tx:
        checks = tx.events((CHECKED,), source.name, now - timedelta(days=2))
    return next((at for check in reversed(checks) if check["folder"] == source.folder and isinstance(at := check["at"], datetime)), None)


def check_daily(source: Source, store: Store, clock: Clock) -> Account:
    """What the daemon does by itself each day: compare, mend, and say so."""
    found = account(source, store)
    data = {"folder": source.folder, "explained": found.explained}
    with store.transaction() as tx:
        tx.apply((Log(kind=CHECKED, data=data),), source.name, clock.now())
    if found.explained:
        log("mailbox.reconciled", mailbox=source.name, folder=source.folder, mails=sum(found.counts.values()))
        return found
    mended = repair(source, store, clock, found)
    log(
        "mailbox.unexplained",
        level="error",
        mailbox=source.name,
        missing=len(found.missing),
        undecided=len(found.undecided),
        mended=mended,
        todo="inboxd reconcile",
    )
    return found
