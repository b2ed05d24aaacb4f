"""Filing: a mail that a rule puts into a folder is moved there, by the loop of the folder in which it lies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from inboxd.core.model import JobKind, Mode
from inboxd.core.retry import backoff
from inboxd.daemon.fetch import Source
from inboxd.daemon.office import Office
from inboxd.errors import Permanent, Temporary
from inboxd.logs import log
from inboxd.ports import Cursor, Filing

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
        tx.filed([each for each in found if each not in to_move], source.name, cursor, ())
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
    """Move first, write it down then: cut in between, the next try finds the mail gone."""
    uids = sorted({uid for filing in filings for uid in filing.uids})
    try:
        moved = source.mailbox.move(uids, target)
    except (Temporary, Permanent) as error:
        _put_off(office, filings, error, jitter)
        log("message.not_filed", level="warning", mailbox=source.name, messages=len(filings), because=str(error))
        return
    with office.store.transaction() as tx:
        tx.filed(filings, source.name, cursor, moved)
    log("message.filed", mailbox=source.name, messages=len(moved), folder=target)


def _put_off(office: Office, filings: Sequence[Filing], error: Exception, jitter: float) -> None:
    now, tries = office.clock.now(), max(filing.tries for filing in filings)
    with office.store.transaction() as tx:
        if isinstance(error, Permanent):
            tx.park_filings(filings, str(error), now)
        else:
            tx.file_later(filings, now + max(NOT_SOON, backoff(tries, jitter)), str(error))
