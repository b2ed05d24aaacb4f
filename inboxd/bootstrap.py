"""Builds the real adapters and introduces them to the daemon: the only module that knows them all."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from inboxd.adapters import kill_points
from inboxd.adapters.clock import SystemClock, jitter
from inboxd.adapters.control import need_short
from inboxd.adapters.imap import ImapMailbox, ImapProbe
from inboxd.adapters.imap import probe as probe_imap
from inboxd.adapters.keys import load_keys, read_keys
from inboxd.adapters.secret import read_secret
from inboxd.adapters.smtp import SmtpMailer, SmtpProbe
from inboxd.adapters.smtp import probe as probe_smtp
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.adapters.systemd import notify, watchdog_seconds
from inboxd.config import MailboxSettings, ServerSettings, Settings
from inboxd.core.findings import Findings
from inboxd.core.measure import Scope, needed_since
from inboxd.core.model import MailboxName, Message, Mode, TeamName
from inboxd.core.parse import parse
from inboxd.core.rulebook import Rulebook
from inboxd.daemon.deliver import Post
from inboxd.daemon.fetch import Source
from inboxd.daemon.office import Office, Week
from inboxd.daemon.reconcile import account
from inboxd.daemon.reconcile import repair as mend
from inboxd.daemon.supervise import Supervisor
from inboxd.desk.look_back import TREND, look_back
from inboxd.desk.report import page
from inboxd.errors import BrokenModel, InboxdError, Permanent
from inboxd.logs import log
from inboxd.ports import Clock, Mailer, Store
from inboxd.rule_sets import fingerprint, own_model, policy_of, rule_set, shipped, try_rules

STORE_FILE = "inboxd.sqlite"
NEWEST, HEADERS = 50, 65_536  # mails, and bytes of each
CRASH_AT = "INBOXD_CRASH_AT"  # for tests of the real process: where to die, see adapters/kill_points.py


# --- the daemon --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What of the world can be set for a run: the demo brings a clock of its own."""

    clock: Clock
    imap_timeout: float = 60
    on_notify: Callable[[str], None] = notify


def supervisor(settings: Settings, world: World | None = None) -> Supervisor:
    """Build the daemon: opens the store (refusing a second process), loads rules and model, connects nothing yet."""
    world = world or World(clock=SystemClock())
    need_short(settings.state_dir)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # one reader on one thread: more BLAS threads only slow it down
    crash = os.environ.get(CRASH_AT)
    path = settings.state_dir / STORE_FILE
    lost = os.path.exists(settings.state_dir / "key") and not (os.path.exists(path) and os.path.getsize(path))
    store: Store = SqliteStore(path)  # before the model: a second process is told at once
    if lost:
        why = f"there is a key, and no store at {path}"
        log("store.begun_anew", level="warning", because=why, todo="if there was one: stop inboxd, restore the backup")
    try:
        try:
            rules = rule_set(settings.rules, settings)
        except BrokenModel as error:  # mail must be read all the same
            log(
                "model.broken", level="error", folder=own_model(settings), todo="inboxd train --undo, or train anew", because=error.mistakes
            )
            rules = rule_set(settings.rules, settings, shipped_model=True)
    except BaseException:
        store.close()
        raise
    mailboxes = {box.facts.name: box.facts for box in settings.mailboxes}
    policy = policy_of(settings)
    office = Office(
        store=store, clock=world.clock, rules=rules, policy=policy, mailboxes=mailboxes, admin=settings.admin,
        keys=load_keys(settings.state_dir), try_rules=lambda files: try_rules(settings, store, world.clock.now(), files),
    )  # fmt: skip
    office.look_back = lambda mailbox, first, last: week_of(
        findings(settings, store, office.rules.book, world.clock.now(), first, last, mailbox=mailbox)
    )
    sources = [source for box in settings.mailboxes for source in sources_of(box, settings, world)]
    mailers: dict[MailboxName, Mailer] = {box.facts.name: SmtpMailer(box.smtp, password_of(box.smtp)) for box in settings.mailboxes}
    if crash:
        reach = kill_points.CrashAt(crash)
        office.store = kill_points.around_store(store, reach)
        sources = [replace(source, mailbox=kill_points.around_mailbox(source.mailbox, reach)) for source in sources]
        mailers = {name: kill_points.around_mailer(mailer, reach) for name, mailer in mailers.items()}
        office.rules = replace(rules, reader=kill_points.around_reader(rules.reader, reach))
    return Supervisor(
        office=office,
        sources=sources,
        post=Post(mailers=mailers, jitter=jitter),
        load_rules=lambda: rule_set(settings.rules, settings),
        fingerprint=lambda: fingerprint(settings),
        notify=world.on_notify,
        watchdog=watchdog_seconds(),
        poll=settings.poll,
        room=room_in(settings.state_dir, settings.min_free_bytes),
    )


def room_in(folder: Path, floor: int) -> Callable[[], str]:
    """Tell why nothing may be taken in or sent just now, "" while there is space: the disk of the store must never fill up."""

    def look() -> str:
        try:
            free = shutil.disk_usage(folder).free
        except OSError as error:
            return f"the free space of {folder} cannot be told ({error.strerror})"
        if free >= floor:
            return ""
        found = f"{free >> 20} MB are free on the disk of {folder}, and min_free_mb is {floor >> 20}"
        return f"{found}; nothing is fetched or sent until there is space"

    return look


def sources_of(box: MailboxSettings, settings: Settings, world: World) -> list[Source]:
    """The watched folders of a mailbox."""
    folders = [folder for folder in (box.inbox, box.facts.junk, box.facts.sent, box.facts.resolved) if folder]
    password = password_of(box.imap)
    assert password is not None  # IMAP always has one; load_settings checks it
    return [
        Source(
            name=box.facts.name,
            folder=folder,
            mailbox=ImapMailbox(
                box.imap, password, folder, settings.max_message_bytes, timeout=world.imap_timeout, poll=settings.poll
            ),
            sent=folder == box.facts.sent,
            resolves=folder == box.facts.resolved,
        )
        for folder in folders
    ]  # fmt: skip


def password_of(server: ServerSettings) -> Callable[[], str] | None:
    """Read the password or token anew at each login; None where the server wants none."""
    secret = server.password
    return (lambda: read_secret(secret)) if secret is not None else None


def open_store(settings: Settings, *, read_only: bool) -> SqliteStore:
    """The store for a command: read-only beside a daemon, or for itself while none runs."""
    path = settings.state_dir / STORE_FILE
    try:
        if read_only and not path.stat().st_size:
            raise InboxdError(f"the store {path} is empty: inboxd begins just now, or it was lost; then restore it from a backup")
    except (FileNotFoundError, NotADirectoryError):
        raise InboxdError(f"there is no store yet at {path}: inboxd run makes it") from None
    except OSError as error:
        raise Permanent(f"the store {path} cannot be read ({error.strerror}): ask as the user that inboxd runs as") from error
    return SqliteStore(path, read_only=read_only)


def look_at_state(settings: Settings) -> tuple[list[str], list[str]]:
    """Say what is wrong with the folder of the state, and what may be: it can be another user's than the one who looks."""
    folder, mistakes, doubts = settings.state_dir, [], []
    try:
        need_short(folder)
        there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))  # the first start makes what is missing
        if not stat.S_ISDIR(there.stat().st_mode):
            mistakes.append(f"state_dir: {there} is no folder; name one that the user inboxd runs as can write")
        elif not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            doubts.append(f"state_dir: {there} cannot be written by the user who asks; the user that inboxd runs as must be able to")
        else:
            if (folder / "key").exists():
                read_keys(folder)
            if (folder / STORE_FILE).exists() and (folder / STORE_FILE).stat().st_size:
                open_store(settings, read_only=True).close()
            if (total := shutil.disk_usage(there).total) < settings.min_free_bytes:
                floor = settings.min_free_bytes >> 20
                mistakes.append(
                    f"min_free_mb: the disk of {there} has {total >> 20} MB in all, less than {floor}: nothing would ever be fetched"
                )
            elif why := room_in(there, settings.min_free_bytes)():
                doubts.append(why)
    except InboxdError as error:
        mistakes.append(str(error))
    except PermissionError as error:
        doubts.append(f"{error.filename} cannot be read by the user who asks; the user that inboxd runs as must be able to")
    except OSError as error:
        mistakes.append(f"state_dir: {folder} cannot be used ({error.strerror}); name a folder that the user inboxd runs as can write")
    return mistakes, doubts


def newest_mails(settings: Settings) -> Mapping[MailboxName, tuple[Message, ...]]:
    """What the newest mails of each mailbox begin with, for a look at their headers; nothing where no store can be read."""
    query = (
        "select substr(r.body, 1, ?) as head from message m join raw r on r.message = m.id"
        " where m.mailbox = ? and m.folder <> ? order by m.id desc limit ?"
    )
    try:
        store = open_store(settings, read_only=True)
    except InboxdError:
        return {}  # `look_at_state` says why
    try:
        boxes = [box.facts for box in settings.mailboxes]
        return {
            box.name: tuple(parse(bytes(row["head"])) for row in store.look(query, HEADERS, box.name, box.sent, NEWEST)) for box in boxes
        }
    except InboxdError:
        return {}
    finally:
        store.close()


def findings(
    settings: Settings,
    store: Store,
    book: Rulebook,
    now: datetime,
    first: date,
    last: date,
    *,
    mailbox: MailboxName | None = None,
    team: TeamName | None = None,
) -> Findings:
    """What the days from first to last taught us, in the time zone of the settings: of one mailbox or team, or of everything."""
    boxes = [box.facts for box in settings.mailboxes if mailbox in (None, box.facts.name)]
    scope = Scope(
        brand=" and ".join(dict.fromkeys(box.brand for box in boxes)), first=first, last=last, now=now, zone=ZoneInfo(settings.timezone),
        mailbox=mailbox, team=team, repeat_within=book.repeat_within, agents={name: agent.signs_as for name, agent in book.agents.items()},
        watched=frozenset(box.name for box in boxes if box.mode is Mode.WATCH),
    )  # fmt: skip
    mails = store.first_mails(mailbox, min(scope.end - TREND, scope.before.begin), min(scope.end, now))
    names = (*(box.brand for box in boxes), *(name for agent in book.agents.values() for name in (agent.full_name, agent.signs_as)))
    return look_back(store.records(needed_since(scope)), mails, scope, pinned=book.drivers, names=names, answers=book.answers)


def report_page(found: Findings) -> str:
    """The report as one HTML page."""
    return page(found, (shipped("templates") / "pages" / "report.html.j2").read_text(encoding="utf-8"))


def week_of(found: Findings) -> Week:
    """What the weekly mail tells and carries."""
    return Week(findings=found, page=report_page(found).encode("utf-8", "replace"))


def reconcile_all(settings: Settings, *, repair: bool) -> list[dict[str, Any]]:
    """Compare the ledger of every watched folder with its server; with `repair` mend what is unexplained first."""
    world, rows = World(clock=SystemClock()), []
    store = open_store(settings, read_only=not repair)
    try:
        for source in (source for box in settings.mailboxes for source in sources_of(box, settings, world)):
            found = account(source, store)
            if repair and not found.explained:
                mend(source, store, world.clock, found)
                found = account(source, store)
            rows.append({"mailbox": source.name, "folder": source.folder, "explained": found.explained, **asdict(found)})
            source.mailbox.close()
    finally:
        store.close()
    return rows


def probe(box: MailboxSettings) -> tuple[ImapProbe | InboxdError, SmtpProbe | InboxdError]:
    """Log in to both servers and look around; nothing is changed and nothing is sent."""
    imap: ImapProbe | InboxdError
    smtp: SmtpProbe | InboxdError
    try:
        imap = probe_imap(box.imap, password_of(box.imap) or (lambda: ""))
    except InboxdError as error:
        imap = error
    try:
        smtp = asyncio.run(probe_smtp(box.smtp, password_of(box.smtp)))
    except InboxdError as error:
        smtp = error
    return imap, smtp
