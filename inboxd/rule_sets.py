"""A set of rules with everything that belongs to it: templates, model, tests; loaded whole, tried, and replayed over past mail."""

from __future__ import annotations

import hashlib
import json
import mailbox
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from inboxd.adapters.rule_files import load_rules, load_tests, overlooked, rule_paths, unknown_templates
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.adapters.template_files import load_templates
from inboxd.config import Settings
from inboxd.core.compose import Templates
from inboxd.core.due import redecide
from inboxd.core.model import CaseNo, CaseState, Directory, MailboxFacts, MailboxName, MessageNo, Outcome, RawMessage, Situation
from inboxd.core.parse import parse
from inboxd.core.policy import Policy
from inboxd.core.rehearse import Rehearsal
from inboxd.core.replay import placed
from inboxd.core.route import facts_of
from inboxd.core.rulebook import Condition, Rulebook, Topic, main_calendar
from inboxd.core.rules import judge
from inboxd.core.understand import Failure, understand
from inboxd.daemon.gather import Gatherer, as_it_came, understood_again
from inboxd.daemon.office import RuleSet, RulesTried
from inboxd.desk.arrival import received
from inboxd.desk.backtest import Backtest, backtest, pages, with_headers
from inboxd.desk.check import against_settings, cross_check, lint
from inboxd.desk.imagine import imagine, in_order
from inboxd.desk.lint import Warning_, overlooked_files
from inboxd.desk.lint import lint as find_warnings
from inboxd.desk.record import record
from inboxd.desk.rule_tests import needs_model, run_rule_tests
from inboxd.errors import ConfigError, InboxdError, Permanent, Placed
from inboxd.ports import PastDecision, Reader, Store

MODEL_LINK = "model"  # in the state directory: which trained model is in force
BY_MAIL = timedelta(days=30)  # how much past mail is replayed under rules that came by mail


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
    return link.resolve() if link is not None and os.path.islink(link) else None  # a folder that is shut to us has none


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
    mistakes = [*templates.mistakes(), *cross_check(settings, book, templates.names)]
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


def look_through(rules: Path, settings: Settings | None, today: date) -> tuple[list[str | Placed], list[Warning_]]:
    """Find every mistake of a set of rules, templates and tests, and what is hardly meant: as much as can be read shows all it has."""
    mistakes: list[str | Placed] = []
    warnings = overlooked_files(map(str, overlooked(rules)))
    templates = None
    try:
        templates = templates_for(settings)
        mistakes += templates.mistakes()
    except ConfigError as error:
        mistakes += error.found
    try:
        book = load_rules(rules)
    except ConfigError as error:
        return [*mistakes, *error.found], warnings
    mistakes += against_settings(settings, book)
    if templates is not None:
        mistakes += unknown_templates(rules, templates.names)
    try:
        reader = reader_for(book, model=own_model(settings))
        mistakes += [_failed(result) for result in run_tests(rules, book, settings, reader) if not result.passed]
    except ConfigError as error:
        mistakes += error.found
    languages = {box.facts.language for box in settings.mailboxes} if settings else set()
    files = settings is None or any(box.facts.file for box in settings.mailboxes)
    return mistakes, [*warnings, *find_warnings(book, templates, today, files=files, languages=languages)]


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
    return Policy(zone=ZoneInfo(settings.timezone), gather=settings.gather, gather_quiet=settings.gather_quiet, hold=settings.hold)


def _failed(result: Rehearsal) -> str:
    return f"{result.test.file}:{result.test.line}: the rule test '{result.test.name}' fails: {'; '.join(result.differences)}"


def rule_text(rules: Path) -> str:
    """All rule files as one text, kept in the store beside the decisions that name their hash."""
    return "\n".join(f"# --- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}" for path in rule_paths(rules))


def _is_a_tools(path: Path) -> bool:
    """Whether an editor or a version control keeps this file for itself."""
    return path.name.endswith("~") or any(part.startswith(".") for part in path.parts)


def fingerprint(settings: Settings) -> str:
    """A hash of rules, tests, templates and of which model is in force: it changes when one of them does, also without notices."""
    folders = [settings.rules, *((settings.templates,) if settings.templates else ())]
    digest = hashlib.sha256(str(own_model(settings)).encode())
    for folder in folders:
        try:
            for path in sorted(p for p in folder.rglob("*") if p.is_file() and not _is_a_tools(p.relative_to(folder))):
                digest.update(str(path).encode("utf-8", "surrogateescape") + b"\0" + path.read_bytes())
        except OSError:  # somebody is at work in the folder: looked at again soon
            digest.update(b"unreadable")
    return digest.hexdigest()


# --- trying rules --------------------------------------------------------------------------------------------------------------


def replay_store(
    store: Store,
    book: Rulebook,
    settings: Settings | None,
    since: datetime,
    progress: Callable[[int], None] = lambda _: None,
) -> Backtest:
    """Replay the decisions of a store under these rules, with the facts of then. Reads only."""
    past: Iterator[PastDecision] = pages(lambda after, limit: store.decisions(since, after, limit))
    if any(_looks_at_headers(condition) for rule in book.rules for condition in rule.when):
        past = with_headers(past, lambda message: _headers_of(store, MessageNo(message)))
    calendar = main_calendar(book)
    policy = policy_of(settings)
    return backtest(past, book, policy, ended_badly(store), zone=calendar.zone if calendar else policy.zone, progress=progress)


def _headers_of(store: Store, number: MessageNo) -> tuple[tuple[str, str], ...]:
    """The header lines of a stored mail; none once its raw form is gone."""
    try:
        return parse(store.raw(number).raw).headers
    except LookupError:
        return ()


def ended_badly(store: Store) -> dict[CaseNo, Outcome]:
    """The cases whose customers said that it was not solved, or whose case came back."""
    rows = store.look("select id, outcome from cases where outcome = 'dissatisfied' or reopened > 0")
    return {CaseNo(row["id"]): Outcome(row["outcome"]) for row in rows}


def _looks_at_headers(condition: Condition) -> bool:
    return condition.word == "header" or any(_looks_at_headers(inner) for group in condition.inner for inner in group)


def _plain_name(name: str) -> str:
    """The name of a mailed file as one in the folder of rules: no folders in it, nothing odd, and ".yaml" at its end."""
    stem = re.sub(r"\.ya?ml$", "", name.replace("\\", "/").rpartition("/")[2], flags=re.IGNORECASE)
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '', stem)[-80:].lstrip('.') or 'mailed'}.yaml"


def try_rules(settings: Settings, store: Store, now: datetime, files: Mapping[str, bytes]) -> RulesTried:
    """Lay files beside the rules in force, in a folder of their own, and say what comes of it; nothing is put in force."""
    with tempfile.TemporaryDirectory(prefix="inboxd-rules-") as place:
        folder = Path(place)
        shutil.copytree(settings.rules, folder, dirs_exist_ok=True, ignore_dangling_symlinks=True)
        for name, content in files.items():
            (folder / _plain_name(name)).write_bytes(content)
        try:
            book = load_rules(folder)
            tests = load_tests(folder, book)
            mistakes = [*templates_for(settings).mistakes(), *cross_check(settings, book, templates_for(settings).names)]
        except ConfigError as error:
            return RulesTried(mistakes=tuple(mistake.replace(f"{folder}/", "") for mistake in error.mistakes))
        if mistakes:
            return RulesTried(mistakes=tuple(mistake.replace(f"{folder}/", "") for mistake in mistakes))
        reader = reader_for(book, model=own_model(settings)) if needs_model(tests) else None
        failed = tuple(_failed(result) for result in run_rule_tests(book, tests, policy_of(settings), reader) if not result.passed)
        warnings = tuple(str(warning) for warning in lint(book))
    replayed = replay_store(store, book, settings, now - BY_MAIL)
    zone = main_calendar(book)
    return RulesTried(
        warnings=warnings,
        tests=len(tests),
        failed=tuple(line.replace(f"{folder}/", "") for line in failed),
        backtest=replayed.in_words(zone.zone if zone else None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """What today's rules would do with an open case."""

    case: CaseNo
    was: str  # who has it
    would: str
    due_was: datetime | None
    due_would: datetime | None
    because: tuple[str, ...]


def preview_redecide(store: SqliteStore, settings: Settings, book: Rulebook, now: datetime, only: Collection[int] = ()) -> list[Redecided]:
    """Decide about the open cases under these rules, without doing anything: those that would change."""
    boxes = {box.facts.name: box.facts for box in settings.mailboxes}
    gatherer = Gatherer(book=book, policy=policy_of(settings), keys=(), mailboxes=boxes)
    agents = frozenset(email for agent in book.agents.values() for email in agent.emails)
    found = []
    with store.reading() as tx:
        for case in tx.open_cases():
            if case.state is not CaseState.OPEN or (only and case.number not in only):
                continue
            number = tx.latest_message(case.number)
            if number is None or case.mailbox not in boxes:
                continue
            latest = understood_again(store, Directory(agents=agents, identity=book.identity), tx, number, case)
            situation = as_it_came(tx, gatherer.case(tx, case, latest, boxes[case.mailbox], now))
            decision = redecide(situation, book, gatherer.policy)
            side = placed(decision.actions)
            if decision.actions:
                found.append(
                    Redecided(
                        case=case.number,
                        was=str(case.assignee or "nobody"),
                        would=str(side.agent or case.assignee),
                        due_was=case.due_at,
                        due_would=side.due_at or case.due_at,
                        because=decision.because,
                    )
                )
    return found


def mails_of(mbox: Path | None, maildir: Path | None) -> Iterator[bytes]:
    """The mails of an mbox file, of a Maildir, or of a folder of .eml files, oldest first."""
    if maildir is not None:
        yield from _in_folder(maildir)
    elif mbox is not None:
        _check_mbox(mbox)
        yield from _of(mailbox.mbox(mbox, create=False))


def _of(box: mailbox.Mailbox[Any]) -> Iterator[bytes]:
    for key in in_order(sorted(box.keys()) if isinstance(box, mailbox.Maildir) else box.keys(), box.get_bytes):
        yield box.get_bytes(key)


def _in_folder(folder: Path) -> Iterator[bytes]:
    if (folder / "cur").is_dir() and (folder / "new").is_dir():
        yield from _of(mailbox.Maildir(folder, create=False))
        return
    files = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() == ".eml" and path.is_file()]
    if not files:
        raise Permanent(f"{folder}: this is no Maildir (with cur and new in it), and it holds no .eml files")
    for path in in_order(files, Path.read_bytes):
        yield path.read_bytes()


def _check_mbox(mbox: Path) -> None:
    """Refuse what is no mbox file: each of its mails begins with a line "From " (RFC 4155)."""
    if mbox.is_dir():
        raise Permanent(f"{mbox}: this is a folder; name it with --maildir")
    with mbox.open("rb") as file:
        first = next((line for line in iter(lambda: file.readline(1000), b"") if line.strip()), b"")
    if not first:
        raise Permanent(f"{mbox}: this file is empty")
    if not first.startswith(b"From "):
        raise Permanent(f"{mbox}: this is no mbox file: it would begin with 'From '; lay single mails (.eml) into a folder for --maildir")


def replay_mails(
    mails: Iterable[bytes],
    old: Rulebook,
    new: Rulebook,
    settings: Settings | None,
    now: datetime,
    progress: Callable[[int], None],
    since: datetime | None = None,
) -> Backtest:
    """Replay mails that inboxd never saw under the old and the new rules; the model in force reads them.

    Mails before `since` are not counted; they tell who wrote before.
    """
    facts = settings.mailboxes[0].facts if settings else MailboxFacts(name=MailboxName("backtest"), address="", brand="Support")
    reader, calendar, policy = reader_for(new, model=own_model(settings)), main_calendar(new), policy_of(settings)
    past = imagine(mails, old, policy, facts, reader.read, now)
    counted = (one for one in past if since is None or one.at >= since)
    return backtest(counted, new, policy, {}, zone=calendar.zone if calendar else policy.zone, progress=progress, old=old)


def recorded(raw: bytes, book: Rulebook, settings: Settings | None, taken: Collection[str] = ()) -> str:
    """A rule test from a real mail, as the model reads it now and the rules answer it now; its name is none of those taken."""
    calendar = main_calendar(book)
    zone = calendar.zone if calendar else ZoneInfo("UTC")
    at = (received(raw) or datetime(2026, 1, 5, 10, tzinfo=zone)).astimezone(zone)
    facts = MailboxFacts(name=MailboxName("recorded"), address="", brand="")
    agents = frozenset(email for agent in book.agents.values() for email in agent.emails)
    one = RawMessage(number=MessageNo(1), mailbox=facts.name, received_at=at, raw=raw)
    found = understand([one], Directory(agents=agents, identity=book.identity), reader_for(book, model=own_model(settings)).read)[0]
    if isinstance(found, Failure):
        raise Permanent(f"the mail cannot be read: {found.error}")
    seen = facts_of(Situation(now=at, mailbox=facts, understood=found), book, (at,), reopened=False)
    return record(found, seen, judge(book.rules, seen), book, taken)
