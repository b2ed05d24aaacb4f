"""Builds the real adapters and introduces them to the daemon: the only module that knows them all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from inboxd.adapters import kill_points
from inboxd.adapters.clock import SystemClock, jitter
from inboxd.adapters.imap import ImapMailbox, ImapProbe
from inboxd.adapters.imap import probe as probe_imap
from inboxd.adapters.keys import load_keys
from inboxd.adapters.rule_files import load_rules, load_tests, rule_paths
from inboxd.adapters.secret import read_secret
from inboxd.adapters.smtp import SmtpMailer, SmtpProbe
from inboxd.adapters.smtp import probe as probe_smtp
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.adapters.systemd import notify, watchdog_seconds
from inboxd.adapters.template_files import load_templates
from inboxd.config import MailboxSettings, ServerSettings, Settings
from inboxd.core.compose import Templates
from inboxd.core.model import MailboxName
from inboxd.core.policy import Policy
from inboxd.core.rehearse import Rehearsal
from inboxd.core.rulebook import Rulebook, Topic
from inboxd.daemon.deliver import Post
from inboxd.daemon.fetch import Source
from inboxd.daemon.office import Office, RuleSet
from inboxd.daemon.reconcile import account
from inboxd.daemon.reconcile import repair as mend
from inboxd.daemon.supervise import Supervisor
from inboxd.desk.check import cross_check
from inboxd.desk.rule_tests import needs_model, run_rule_tests
from inboxd.errors import BrokenModel, ConfigError, InboxdError
from inboxd.logs import log
from inboxd.ports import Clock, Mailer, Reader, Store

STORE_FILE = "inboxd.sqlite"
MODEL_LINK = "model"  # in the state directory: which trained model is in force
CRASH_AT = "INBOXD_CRASH_AT"  # for tests of the real process: where to die, see adapters/kill_points.py


def shipped(name: str) -> Path:
    """Find what comes with inboxd ("rules", "templates", "systemd"): in the package, or in the checkout of an editable install."""
    package = Path(__file__).parent
    for place in (package / "share" / name, package.parent / name):
        if place.exists():
            return place
    raise InboxdError(f"the installed inboxd lacks its {name}; install it again")


# --- rules, templates, reader ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _reader(topics: tuple[Topic, ...], languages: tuple[str, ...], model: Path | None) -> Reader:
    from inboxd.adapters.nlp.reader import SHIPPED, SpacyReader  # a second of import, and only these commands need it

    return SpacyReader(topics, languages, model or SHIPPED)


def reader_for(book: Rulebook, languages: Sequence[str] = ("en", "de"), model: Path | None = None) -> Reader:
    """The reader with the admin's own topics; the same topics and the same model give the same one again."""
    return _reader(tuple(book.topics), tuple(languages), model)


# --- the model -----------------------------------------------------------------------------------------------------------------


def own_model(settings: Settings | None) -> Path | None:
    """The model that `inboxd train` put in force, None: the shipped one. Whether it can be loaded is not looked at."""
    link = settings.state_dir / MODEL_LINK if settings else None
    return link.resolve() if link is not None and link.is_symlink() else None


def model_facts(settings: Settings) -> dict[str, Any]:
    """What is to be told of the model in force: version, date, corpus, figures. Does not load it."""
    folder = own_model(settings) or Path(__file__).parent / "adapters" / "nlp" / "model"
    try:
        facts: dict[str, Any] = json.loads((folder / "inboxd_learned" / "en" / "about.json").read_text(encoding="utf-8"))
        shown = {key: facts[key] for key in ("version", "date", "corpus", "corrections", "until", "figures")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {"folder": str(folder), "broken": type(error).__name__}
    return {**shown, "folder": str(folder)}


def templates_for(settings: Settings | None) -> Templates:
    """The shipped templates, and before them the admin's own."""
    return load_templates(shipped("templates"), settings.templates if settings else None)


def rule_set(rules: Path, settings: Settings | None, *, shipped_model: bool = False) -> RuleSet:
    """Load rules and templates and check them against each other; raises ConfigError with every mistake found."""
    book, templates = load_rules(rules), templates_for(settings)
    mistakes = [*templates.mistakes(), *(cross_check(settings, book, templates.names) if settings else ())]
    tests = load_tests(rules, book)
    if mistakes:
        raise ConfigError(*mistakes)
    reader = reader_for(book, model=None if shipped_model else own_model(settings))
    mistakes += [_failed(result) for result in run_rule_tests(book, tests, policy_of(settings), reader) if not result.passed]
    if mistakes:
        raise ConfigError(*mistakes)
    return RuleSet(
        book=book,
        templates=templates,
        reader=reader,
        files=rule_text(rules),
    )


def run_tests(rules: Path, book: Rulebook, settings: Settings | None = None, reader: Reader | None = None) -> tuple[Rehearsal, ...]:
    """Run the rule tests that lie beside the rules; the model is loaded only if a test names a mail."""
    tests = load_tests(rules, book)
    if reader is None and needs_model(tests):
        reader = reader_for(book, model=own_model(settings))
    return run_rule_tests(book, tests, policy_of(settings), reader)


def policy_of(settings: Settings | None) -> Policy:
    """The numbers that no rule sets."""
    if settings is None:
        return Policy()
    return Policy(zone=ZoneInfo(settings.timezone), gather=settings.gather, gather_quiet=settings.gather_quiet)


def _failed(result: Rehearsal) -> str:
    return f"{result.test.file}:{result.test.line}: the rule test '{result.test.name}' fails: {'; '.join(result.differences)}"


def rule_text(rules: Path) -> str:
    """All rule files as one text, kept in the store beside the decisions that name their hash."""
    return "\n".join(f"# --- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}" for path in rule_paths(rules))


def fingerprint(settings: Settings) -> str:
    """A hash of rules, tests, templates and of which model is in force: it changes when one of them does, also without notices."""
    folders = [settings.rules, *((settings.templates,) if settings.templates else ())]
    digest = hashlib.sha256(str(own_model(settings)).encode())
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            try:
                digest.update(str(path).encode() + b"\0" + path.read_bytes())
            except OSError:
                digest.update(b"unreadable")
    return digest.hexdigest()


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
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # one reader on one thread: more BLAS threads only slow it down
    crash = os.environ.get(CRASH_AT)
    store: Store = SqliteStore(settings.state_dir / STORE_FILE)  # before the model: a second process is told at once
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
        keys=load_keys(settings.state_dir),
    )  # fmt: skip
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
    folders = [folder for folder in (box.inbox, box.facts.junk) if folder]
    password = password_of(box.imap)
    assert password is not None  # IMAP always has one; load_settings checks it
    return [
        Source(
            name=box.facts.name,
            folder=folder,
            mailbox=ImapMailbox(
                box.imap, password, folder, settings.max_message_bytes, timeout=world.imap_timeout, poll=settings.poll
            ),
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
    if read_only and not path.exists():
        raise InboxdError(f"there is no store yet at {path}: inboxd run makes it")
    return SqliteStore(path, read_only=read_only)


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
