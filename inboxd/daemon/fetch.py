"""Fetch: mailbox -> raw messages and triage jobs. Mail, ledger and cursor are one commit; nothing else happens before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from inboxd.core.model import JobKind, MailboxName, MessageNo, Schedule
from inboxd.core.thread import content_key
from inboxd.logs import log
from inboxd.ports import Clock, Cursor, Fetched, Folder, Listed, Mailbox, SightingState, Store, Transaction

ROWS_A_COMMIT = 500
WHAT_IT_ANSWERS = timedelta(seconds=30)  # a sent mail is read so much later: what it answers, in another folder, comes first
WHAT_IT_SAID = timedelta(minutes=1)  # and what is moved to the folder of what is done resolves after the answer was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One watched folder of one mailbox."""

    name: MailboxName
    mailbox: Mailbox
    folder: str
    sent: bool = False  # people's own mail, written in the mailbox itself
    resolves: bool = False  # what is moved here is done


def fetch(source: Source, store: Store, clock: Clock) -> int:
    """Take in what is new, once; returns how many new messages were stored. Safe to run twice and to kill at any point."""
    folder = source.mailbox.select()
    cursor = store.cursor(source.name, source.folder)
    if cursor is None:
        _first_run(source, store, folder, clock.now())
        return 0
    if cursor.uidvalidity != folder.uidvalidity:
        return _renumbered(source, store, folder, cursor, clock)
    if folder.uidnext and folder.uidnext <= cursor.next_uid:
        return 0
    return _take(source, store, folder, cursor, source.mailbox.list(cursor.next_uid), clock)


def _first_run(source: Source, store: Store, folder: Folder, now: datetime) -> None:
    """What lies there before the first run is entered in the ledger and never answered or routed (I10)."""
    listed = source.mailbox.list(1, identity=True)
    for start in range(0, len(listed), ROWS_A_COMMIT):
        with store.transaction() as tx:
            for item in listed[start : start + ROWS_A_COMMIT]:
                _note(tx, source, folder, item, SightingState.BEFORE, now)
    next_uid = max([folder.uidnext, *(item.uid + 1 for item in listed)])
    with store.transaction() as tx:  # last: a first run that was cut short begins again
        tx.move_cursor(source.name, Cursor(folder=source.folder, uidvalidity=folder.uidvalidity, next_uid=next_uid, first_run_at=now))
    log("mailbox.first_run", mailbox=source.name, folder=source.folder, before=len(listed))


def _take(source: Source, store: Store, folder: Folder, cursor: Cursor, listed: Sequence[Listed], clock: Clock) -> int:
    new = 0
    for batch in source.mailbox.fetch(listed):
        with store.transaction() as tx:
            now = clock.now()
            for item in batch:
                new += _store(tx, source, folder, item, now)
            _move(tx, source, folder, cursor, max((item.listed.uid for item in batch), default=0) + 1)
    return new


def take_in(source: Source, store: Store, folder: Folder, listed: Sequence[Listed], clock: Clock) -> int:
    """Fetch and store these mails, leaving the cursor where it is; returns how many were new."""
    new = 0
    for batch in source.mailbox.fetch(listed):
        with store.transaction() as tx:
            new += sum(_store(tx, source, folder, item, clock.now()) for item in batch)
    return new


def _store(tx: Transaction, source: Source, folder: Folder, item: Fetched, now: datetime) -> int:
    key = content_key(item.raw) if item.raw is not None else ""
    if source.sent and key:
        key = f"sent {key}"  # never a copy of what came in: an own mail that also reached the inbox is two mails, each read for itself
    known = tx.stored_as(key) if source.resolves and key else None
    if source.resolves and known is None and item.listed.internaldate < (tx.first_run(source.name) or now):
        item = replace(item, state=SightingState.BEFORE, raw=None)  # moved here now, but it lay somewhere before the first run (I10)
    number = tx.see(source.name, folder, item, key, now, now + WHAT_IT_ANSWERS if source.sent else now)
    done = known or number
    if source.resolves and done is not None:
        tx.schedule(_resolve(source, done, now + WHAT_IT_SAID))
    if number is not None:
        log("message.stored", mailbox=source.name, message=number, bytes=item.listed.size)
    elif item.raw is None and item.state in (SightingState.UNFETCHABLE, SightingState.OVERSIZE):
        log("message.not_fetched", level="error", mailbox=source.name, uid=item.listed.uid, because=item.why, todo="look into the mailbox")
        tx.schedule_once(_tell(source, folder, item, now))
    return int(number is not None)


def _resolve(source: Source, message: MessageNo, at: datetime) -> Schedule:
    """A person moved this mail to what is done: its case is looked up when it is due, for it may not have one yet."""
    key = f"{JobKind.RESOLVE}:{message}"
    return Schedule(kind=JobKind.RESOLVE, key=key, at=at, payload={"mailbox": source.name, "message": message})


def _tell(source: Source, folder: Folder, item: Fetched, now: datetime) -> Schedule:
    """A mail of which there is nothing to triage still reaches a person (I1): the lead is told where it lies."""
    return Schedule(
        kind=JobKind.UNFETCHED,
        key=f"unfetched:{source.name}:{source.folder}:{folder.uidvalidity}:{item.listed.uid}",
        at=now,
        payload={
            "mailbox": source.name,
            "folder": source.folder,
            "uid": item.listed.uid,
            "size": item.listed.size,
            "received_at": min(item.listed.internaldate, now),
            "reason": item.why,
        },
    )


def _move(tx: Transaction, source: Source, folder: Folder, cursor: Cursor, next_uid: int) -> None:
    cursor = Cursor(folder=cursor.folder, uidvalidity=folder.uidvalidity, next_uid=next_uid, first_run_at=cursor.first_run_at)
    tx.move_cursor(source.name, cursor)


def _note(tx: Transaction, source: Source, folder: Folder, item: Listed, state: SightingState, now: datetime) -> None:
    tx.see(source.name, folder, Fetched(listed=item, state=state), "", now)


def _renumbered(source: Source, store: Store, folder: Folder, cursor: Cursor, clock: Clock) -> int:
    """UIDVALIDITY changed: the server numbers anew, and nothing is known by UID any more (RFC 9051, 2.3.1.1).

    Mail known by identity and size, or older than the first run, is only entered again; the rest is fetched, and what is
    stored already is known by its content. The cursor moves last, so that an interrupted pass begins again.
    """
    log("mailbox.renumbered", level="warning", mailbox=source.name, folder=source.folder)
    fresh: list[Listed] = []
    listed = source.mailbox.list(1, identity=True)
    for start in range(0, len(listed), ROWS_A_COMMIT):
        with store.transaction() as tx:
            for item in listed[start : start + ROWS_A_COMMIT]:
                state = tx.seen_before(source.name, source.folder, item)
                if state in (SightingState.BEFORE, SightingState.STORED, SightingState.COPY):
                    kept = SightingState.BEFORE if state is SightingState.BEFORE else SightingState.COPY
                    _note(tx, source, folder, item, kept, clock.now())
                elif item.internaldate < cursor.first_run_at:
                    _note(tx, source, folder, item, SightingState.BEFORE, clock.now())
                else:
                    fresh.append(item)
    new = take_in(source, store, folder, fresh, clock)
    with store.transaction() as tx:
        _move(tx, source, folder, cursor, max([folder.uidnext, *(item.uid + 1 for item in listed)]))
    return new
