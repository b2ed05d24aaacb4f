"""Filing: a mail that a rule puts into a folder, or that a team gets in its own, is moved by the loop of the folder where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

from inboxd.core.due import by_mail_at
from inboxd.core.model import JobKind, Mode
from inboxd.core.retry import backoff
from inboxd.daemon.fetch import Source
from inboxd.daemon.office import Office
from inboxd.errors import Permanent, Temporary
from inboxd.logs import log
from inboxd.ports import Cursor, Filing, Transaction

BATCH = 100
NOT_SOON = timedelta(minutes=1)  # what the server refuses now is not asked for again at once


def file_mail(office: Office, source: Source, jitter: float = 0.0) -> int:
    """Move what is due in this folder, once; returns how many jobs were worked on. Safe to run twice and to kill at any point.

    Where the settings do not allow it, nothing is moved, also later. A server that refuses holds up no mail that comes in.
    """
    now = office.clock.now()
    due, cursor = office.store.next_due((JobKind.FILE,)), office.store.cursor(source.name, source.folder)
    if due is None or due > now or cursor is None:
        return 0
    with office.store.transaction() as tx:
        found = tx.filings(source.name, cursor, now, BATCH)
        to_move = [each for each in found if _allowed(office, source) and _elsewhere(source, each) and each.uids]
        stays = [each for each in found if each not in to_move]
        tx.filed(stays, source.name, cursor, ())
        _mailed_instead(tx, [each for each in stays if _elsewhere(source, each)], now)
    if not to_move or source.mailbox.select().uidvalidity != cursor.uidvalidity:
        return len(found) - len(to_move)  # numbered anew just now: the next fetch sorts it out
    for target, filings in groupby(sorted(to_move, key=_folder), key=_folder):
        _move(office, source, cursor, target, tuple(filings), jitter)
    return len(found)


def _allowed(office: Office, source: Source) -> bool:
    mailbox = office.mailboxes.get(source.name)
    return mailbox is not None and mailbox.file and mailbox.mode is not Mode.WATCH


def _elsewhere(source: Source, filing: Filing) -> bool:
    return filing.folder != source.folder and {filing.folder.upper(), source.folder.upper()} != {"INBOX"}


def _folder(filing: Filing) -> str:
    return filing.folder


def _move(office: Office, source: Source, cursor: Cursor, target: str, filings: Sequence[Filing], jitter: float) -> None:
    """Move first, write it down then: cut in between, the next try finds the mail gone.

    What lies in another folder, because we moved it there before, is moved on from there. What is in neither is sent to its agent.
    """
    uids = sorted({uid for filing in filings for uid in filing.uids})
    try:
        moved = list(source.mailbox.move(uids, target))
        gone = [each for each in filings if each.case is not None and not set(each.uids) & set(moved) and each.lies_in != target]
        moved_on = [each for each in gone if _moved_on(source, each)]
    except (Temporary, Permanent) as error:
        _put_off(office, filings, error, jitter)
        log("message.not_filed", level="warning", mailbox=source.name, messages=len(filings), because=str(error))
        return
    moved += [uid for each in moved_on for uid in each.uids]
    with office.store.transaction() as tx:
        tx.filed(filings, source.name, cursor, moved)
        _mailed_instead(tx, [each for each in gone if each not in moved_on], office.clock.now())
    log("message.filed", mailbox=source.name, messages=len(moved), folder=target)


def _moved_on(source: Source, each: Filing) -> bool:
    return bool(each.lies_in) and source.mailbox.move_on(each.message_id, each.received_at, each.lies_in, each.folder)


def _put_off(office: Office, filings: Sequence[Filing], error: Exception, jitter: float) -> None:
    now, tries = office.clock.now(), max(filing.tries for filing in filings)
    with office.store.transaction() as tx:
        if isinstance(error, Permanent):
            tx.park_filings(filings, str(error), now)
            _mailed_instead(tx, filings, now)
        else:
            tx.file_later(filings, now + max(NOT_SOON, backoff(tries, jitter)), str(error))


def _mailed_instead(tx: Transaction, filings: Sequence[Filing], now: datetime) -> None:
    """An agent counts on these, and they cannot be laid into the folder of the team: they are sent, as to any agent."""
    for each in filings:
        if each.case is not None:
            tx.schedule(by_mail_at(each.case, now, {"message": each.message}))
