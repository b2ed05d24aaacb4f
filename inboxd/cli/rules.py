"""Rules an admin writes without fear: check, test, explain, backtest, rules, reload, redecide, schema."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from inboxd.cli.common import (
    CONFIG,
    FOUND,
    TRY_LATER,
    WRONG_CONFIG,
    WRONG_USAGE,
    Config,
    Json,
    Later,
    Rules,
    app,
    ask_daemon,
    fail,
    have_done,
    no_settings,
    problems,
    say,
    settings_of,
    show,
    store_of,
)  # fmt: skip
from inboxd.errors import ConfigError, InboxdError, Permanent, Temporary
from inboxd.yaml_source import MAX_BYTES, MAX_LINE

if TYPE_CHECKING:
    from inboxd.adapters.imap import ImapProbe
    from inboxd.config import MailboxSettings, ServerSettings, Settings
    from inboxd.core.rulebook import Rulebook
    from inboxd.desk.lint import Warning_
    from inboxd.errors import Placed

NOT_THERE = os.strerror(errno.ENOENT)


@app.command()
def check(
    config: Config = CONFIG,
    rules: Rules = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not connect to the servers.")] = False,
    as_json: Json = False,
) -> None:
    """Check settings, rules, templates and servers: every mistake at once. With --rules no settings are needed."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.bootstrap import look_at_state, newest_mails
    from inboxd.config import load_settings
    from inboxd.desk.check import as_data, to_know, unheard_servers
    from inboxd.desk.lint import Warning_
    from inboxd.rule_sets import look_through

    settings = None
    mistakes: list[str | Placed] = []
    warnings: list[Warning_] = []
    try:
        if rules is None and not config.exists():
            mistakes.append(no_settings(config))
        elif rules is None or config.exists():
            settings = load_settings(config)
    except ConfigError as error:
        mistakes += error.found
    except OSError as error:
        mistakes.append(f"{config}: cannot be read ({error.strerror})")
    folder = rules or (settings.rules if settings else None)
    if folder is not None:
        found, warnings = look_through(folder, settings, SystemClock().now().date())
        mistakes += found
    if settings is not None and rules is None:
        wrong, doubts = look_at_state(settings)
        mistakes += wrong
        warnings += [Warning_(file=str(settings.path), message=doubt) for doubt in doubts]
        warnings = [*warnings, *unheard_servers(settings, newest_mails(settings))]
    trouble = _connect(settings) if settings and not offline and not mistakes and rules is None else []
    if as_json:
        found_data = {"mistakes": [as_data(m) for m in mistakes], "warnings": [as_data(w, "warning") for w in warnings]}
        typer.echo(json.dumps({**found_data, "servers": [told for told, _ in trouble]}, ensure_ascii=False))
    else:
        notes = to_know(settings) if settings and rules is None else []
        for line in (*notes, *mistakes, *(f"warning: {warning}" for warning in warnings), *(told for told, _ in trouble)):
            say(str(line))
        typer.echo(_summary([*(told for told, _ in trouble), *mistakes], len(warnings)))
    if mistakes or any(not passes for _, passes in trouble):
        raise typer.Exit(WRONG_CONFIG)
    if trouble:
        raise typer.Exit(TRY_LATER)


def _summary(wrong: Sequence[object], warnings: int) -> str:
    if not warnings:
        return problems(wrong) if wrong else "all is well"
    found = problems(wrong) if wrong else "no mistakes"
    return f"{found}, {warnings} {'warning' if warnings == 1 else 'warnings'}"


def _connect(settings: Settings) -> list[tuple[str, bool]]:
    """Log in everywhere; says what was found, returns what is wrong and whether it may pass by itself."""
    from inboxd.bootstrap import probe

    trouble: list[tuple[str, bool]] = []
    for box in settings.mailboxes:
        imap, smtp = probe(box)
        for kind, found, server in (("imap", imap, box.imap), ("smtp", smtp, box.smtp)):
            place = f"{settings.path}: mailbox {box.facts.name}, {kind}"
            if isinstance(found, InboxdError):
                trouble.append((f"{place}: {found}{_look_at(str(found), server)}", isinstance(found, Temporary)))
            else:
                say(f"{box.facts.name}: {kind} {server.host}: {'logged in' if server.password else 'connected'}")
        if not isinstance(imap, InboxdError):
            trouble += [(f"{settings.path}: mailbox {box.facts.name}: {told}", False) for told in _missing_folders(box, imap)]
    return trouble


def _missing_folders(box: MailboxSettings, imap: ImapProbe) -> Iterator[str]:
    """Name the folders of the settings that are not there, and what the server has instead."""
    there = {"INBOX" if name.upper() == "INBOX" else name for name in imap.folders}
    meant = {"junk": imap.junk, "sent": imap.sent}
    wanted = {"inbox": box.inbox, "junk": box.facts.junk, "sent": box.facts.sent, "resolved": box.facts.resolved}
    for word, name in wanted.items():
        if not name or ("INBOX" if name.upper() == "INBOX" else name) in there:
            continue
        if word == "resolved":
            yield f"there is no folder {name!r}; make it in a mail program, or leave 'resolved' out of folders"
        elif meant.get(word):
            yield f"there is no folder {name!r}; the server calls it {meant[word]!r}: set folders: {{{word}: {meant[word]!r}}}"
        else:
            yield f"there is no folder {name!r}; set folders: {{{word}: ...}} to one that is there: {', '.join(imap.folders)}"


def _look_at(error: str, server: ServerSettings) -> str:
    """Name the setting that most likely is wrong, where the error does not."""
    if "login refused" in error:
        kept = f" in {server.password.value}" if server.password and server.password.kind == "file" else " it reads"
        return f"; look at user ({server.user}) and at the password{kept}"
    return "; look at host and port, and whether the server runs" if "no connection" in error else ""


@app.command("reload")
def reload_(config: Config = CONFIG) -> None:
    """Have the running daemon take over changed rules now; wrong ones change nothing."""
    said = ask_daemon(settings_of(config), {"do": "reload"})
    if said.get("mistakes"):
        raise fail(ConfigError(*said["mistakes"]))
    typer.echo(f"rules {said['rules'][:12]} are in force")


# --- one mail, one case ------------------------------------------------------------------------------------------------------


@app.command()
def explain(
    what: Annotated[list[str], typer.Argument(help="Mails, folders of mails, - for standard input, or the number of a case.")],
    config: Later = None,
    rules: Rules = None,
    at: Annotated[
        str | None, typer.Option("--at", help='Judge as of this time, such as "2026-11-23 10:15", by the clock of the first calendar.')
    ] = None,
    thread: Annotated[bool, typer.Option("--thread", help="Also tell which of these mails belong together, in the order given.")] = False,
    as_json: Json = False,
) -> None:
    """Explain a mail: what it says, each rule yes or no and why. For a case: why it went where it went, then.

    A mail is judged as of the time at which it came in: by its topmost Received line, else its Date, else now.

    The rules are those of --rules, else of the settings (--config, or inboxd.yaml here), else the shipped ones.
    """
    if len(what) == 1 and re.fullmatch("[0-9]{1,15}", what[0]) and not Path(what[0]).exists():
        _explain_case(config or CONFIG, int(what[0]), as_json)
        return
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.rulebook import main_calendar
    from inboxd.desk.explain import Threads, in_words, mails_in
    from inboxd.desk.explain import explain as work_out
    from inboxd.rule_sets import own_model, reader_for, shipped

    try:
        settings = settings_of(config or CONFIG) if config or (rules is None and CONFIG.exists()) else None
        book = load_rules(rules or (settings.rules if settings else shipped("rules")))
        reader = reader_for(book, model=own_model(settings))
    except InboxdError as error:
        raise fail(error) from error
    calendar = main_calendar(book)
    moment = _time(at, calendar.zone if calendar else UTC) if at else None
    if at and moment is None:
        say(f"inboxd explain: --at wants a time that the clock shows, such as '2026-11-23 10:15', not '{at}'")
        raise typer.Exit(WRONG_USAGE)
    unread = False
    for explained in work_out(_mails(mails_in(what)), book, reader, SystemClock().now(), Threads() if thread else None, moment):
        if not as_json and str(explained["error"]).endswith(NOT_THERE):
            say(f"inboxd explain: {explained['path']}: {NOT_THERE}")
            unread = True
        else:
            show(explained, as_json, in_words(explained))
    if unread:
        raise typer.Exit(FOUND)


def _time(text: str, zone: tzinfo) -> datetime | None:
    """Read a time by this clock; None if it is none, or one that the clock skips."""
    try:
        at = datetime.strptime(text.strip(), "%Y-%m-%d %H:%M").replace(tzinfo=zone)
        skipped = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return None if skipped or not 1970 <= at.year < 2200 else at


def _mails(paths: Iterator[str]) -> Iterator[tuple[str, bytes | OSError]]:
    for path in paths:
        try:
            yield path, sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        except OSError as error:
            yield path, error


def _explain_case(config: Path, number: int, as_json: bool) -> None:
    """Why a case went where it went, then: each decision with its reasons, and what each line of its briefs was made from."""
    from inboxd.desk.case_told import case_told, in_words

    settings = settings_of(config)
    told = case_told(store_of(settings, read_only=True).look, number, ZoneInfo(settings.timezone))
    if not told:
        raise fail(Permanent(f"no decision is stored for case {number}"))
    show(told, as_json, in_words(told))


# --- what rules promise ------------------------------------------------------------------------------------------------------


@app.command("test")
def rule_tests(
    config: Config = CONFIG,
    rules: Rules = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Also write the results to this file, as JUnit XML.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Write a rule test from this mail, names and addresses replaced.")] = None,
    as_json: Json = False,
) -> None:
    """Run the rule tests beside the rules; exit 1 if one fails."""
    from inboxd.adapters.rule_files import load_rules, overlooked
    from inboxd.desk.lint import overlooked_files
    from inboxd.desk.rule_tests import junit as as_junit
    from inboxd.rule_sets import run_tests

    settings = settings_of(config) if rules is None or config.exists() else None
    folder = rules or (settings.rules if settings else config.parent)
    try:
        book = load_rules(folder)
        if record is not None:
            _record(record, folder, book, settings)
            return
        for warning in overlooked_files(map(str, overlooked(folder))):
            say(f"warning: {warning}")
        results = run_tests(folder, book, settings)
    except InboxdError as error:
        raise fail(error) from error
    if junit is not None:
        junit.write_text(as_junit(results), encoding="utf-8")
    failed = [result for result in results if not result.passed]
    rows = [
        {"name": r.test.name, "file": r.test.file, "line": r.test.line, "passed": r.passed, "differences": list(r.differences)}
        for r in results
    ]  # fmt: skip
    lines = [f"FAILED  {r.test.file}:{r.test.line}: {r.test.name}\n" + "\n".join(f"        {d}" for d in r.differences) for r in failed]
    show(rows, as_json, "\n".join((*lines, f"{len(results) - len(failed)} rule tests passed, {len(failed)} failed")))
    if failed:
        raise typer.Exit(FOUND)


def _record(mail: Path, folder: Path, book: Rulebook, settings: Settings | None) -> None:
    """Write a test of a real mail into recorded.test.yaml, and show it."""
    from inboxd.adapters.rule_files import load_tests
    from inboxd.rule_sets import recorded

    try:
        raw = mail.read_bytes()
    except OSError as error:
        raise Permanent(f"{mail} cannot be read: {error.strerror}") from error
    taken = {test.name for test in load_tests(folder, book)}
    text, file = recorded(raw, book, settings, taken), folder / "recorded.test.yaml"
    known = file.read_text(encoding="utf-8") if file.exists() else "tests:\n"
    whole = f"{known.rstrip()}\n\n{text}"
    if max(map(len, whole.splitlines())) > MAX_LINE or len(whole.encode()) > MAX_BYTES:
        raise Permanent(f"nothing is written: {mail} is too long for a test; shorten the mail to what matters, and record that")
    file.write_text(whole, encoding="utf-8")
    typer.echo(text, nl=False)
    say(f"written to {file}. Look at it before you keep it: a name that stands only in the text may still be in it")


@app.command("rules")
def rules_(config: Config = CONFIG, rules: Rules = None, as_json: Json = False) -> None:
    """Print the rules as plain sentences, and for each agent which mail can reach them."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.rulebook import main_calendar
    from inboxd.desk.plain_rules import as_json as as_data
    from inboxd.desk.plain_rules import per_agent, plain

    try:
        book = load_rules(rules or settings_of(config).rules)
    except InboxdError as error:
        raise fail(error) from error
    calendar = main_calendar(book)
    today = SystemClock().now().astimezone(calendar.zone if calendar else None).date()
    show(as_data(book, today), as_json, "\n".join((*plain(book, today), "", *per_agent(book, today))))


@app.command()
def schema(
    tests: Annotated[bool, typer.Option("--tests", help="The schema of rule tests instead of that of rules.")] = False,
) -> None:
    """Print the JSON Schema of rule files, for editors."""
    from inboxd.adapters.rule_files.schema import rules_schema, tests_schema

    typer.echo(json.dumps(tests_schema() if tests else rules_schema(), indent=2, ensure_ascii=False))


# --- the past under other rules ----------------------------------------------------------------------------------------------


@app.command()
def backtest(
    config: Config = CONFIG,
    rules: Rules = None,
    since: Annotated[
        str | None, typer.Option("--since", help="How far back: 30d, 12 hours, 4 weeks. Left out: 30d of the store, all mails of a file.")
    ] = None,
    mbox: Annotated[Path | None, typer.Option("--mbox", help="Mails of this file instead of those in the store.")] = None,
    maildir: Annotated[
        Path | None, typer.Option("--maildir", help="Mails of this Maildir or folder of .eml files instead of those in the store.")
    ] = None,
    old: Annotated[
        Path | None, typer.Option("--old", help="With --mbox or --maildir: the rules to compare with, instead of those in the settings.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Replay past mail under other rules, with the facts as they were then. Sends nothing and writes nothing."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.rulebook import main_calendar
    from inboxd.rule_sets import mails_of, replay_mails, replay_store

    mails = mbox or maildir
    span = _since(since or "30d")
    wrong = (
        "--since is a length of time such as 30d" if span is None
        else "--mbox or --maildir, not both" if mbox and maildir
        else "--old goes with --mbox or --maildir; what is in the store was decided by the rules of its day" if old and not mails
        else ""
    )  # fmt: skip
    if span is None or wrong:
        say(f"inboxd backtest: {wrong}")
        raise typer.Exit(WRONG_USAGE)
    settings = settings_of(config) if mails is None or config.exists() else None
    now = SystemClock().now()
    try:
        if mails is not None and not mails.exists():
            raise Permanent(f"{mails}: there is no such file or folder")
        folder = rules or (settings.rules if settings else None)
        if folder is None:
            raise ConfigError("name the rules: inboxd backtest --rules DIR")
        book = load_rules(folder)
        if mails is not None:
            before = old or (settings.rules if settings and rules else None)
            if before is None:
                raise ConfigError(
                    "nothing to compare with: name the new rules with --rules DIR, and the old ones with --old DIR or --config FILE"
                )
            compared = load_rules(before)
            with _progress(None) as tick:
                found = replay_mails(mails_of(mbox, maildir), compared, book, settings, now, tick, now - span if since else None)
        else:
            assert settings is not None  # there are settings where mails come from the store
            store = store_of(settings, read_only=True)
            count = store.look("select count(*) as n from decision where at >= ? and trace <> '[]'", (now - span).timestamp())[0]["n"]
            with _progress(int(count)) as tick:
                found = replay_store(store, book, settings, now - span, tick)
    except InboxdError as error:
        raise fail(error) from error
    calendar = main_calendar(book)
    show(found.as_dict(), as_json, found.in_words(calendar.zone if calendar else None))


def _since(text: str) -> timedelta | None:
    from inboxd.yaml_source import read_span

    short = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    match = re.fullmatch(r"(\d{1,5})\s*([mhdw])", text.strip())
    return read_span(f"{match[1]} {short[match[2]]}" if match else text)


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("replaying", total=total)
        yield lambda done: bar.update(task, completed=done) if done % 100 == 0 else None


@app.command()
def redecide(
    config: Config = CONFIG,
    every: Annotated[bool, typer.Option("--open", help="All open cases.")] = False,
    case: Annotated[list[int] | None, typer.Option("--case", help="Only this case. May be repeated.", min=1, max=2**53)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: Json = False,
) -> None:
    """Decide about open cases anew, under the rules of today: shows what would change, and does it if you say so."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.due import redecide_at
    from inboxd.core.model import CaseNo
    from inboxd.rule_sets import preview_redecide

    if not every and not case:
        say("inboxd redecide: say which: --open, or --case 1042")
        raise typer.Exit(WRONG_USAGE)
    settings = settings_of(config)
    try:
        book = load_rules(settings.rules)
        found = preview_redecide(store_of(settings, read_only=True), settings, book, SystemClock().now(), case or ())
    except InboxdError as error:
        raise fail(error) from error
    unknown = [] if every else _unknown_cases(settings, case or ())
    if unknown:
        raise fail(Permanent(f"there is no case {', '.join(f'#{each}' for each in unknown)}"))
    rows = [{"case": r.case, "was": r.was, "would": r.would, "due_was": r.due_was, "due_would": r.due_would, "because": list(r.because)}
            for r in found]  # fmt: skip
    lines = [f"#{r.case}  {r.was} -> {r.would}  {_hour(r.due_was)} -> {_hour(r.due_would)}  {'; '.join(r.because)}" for r in found]
    show(rows, as_json, "\n".join((*lines, f"{len(found)} open {'case' if len(found) == 1 else 'cases'} would change")))
    if not found or not (yes or (sys.stdin.isatty() and not as_json and typer.confirm("Do it?", err=True))):
        return
    numbers = [r.case for r in found]
    request = {"do": "redecide", "cases": numbers, "rules": book.hash}

    def schedule(tx: Any, now: datetime) -> bool:
        for number in numbers:
            tx.schedule(redecide_at(CaseNo(number), now))
        return True

    have_done(settings, request, schedule)
    say(f"{len(found)} {'case is' if len(found) == 1 else 'cases are'} decided anew by the daemon, as soon as it runs")


def _unknown_cases(settings: Settings, numbers: Sequence[int]) -> list[int]:
    store = store_of(settings, read_only=True)
    return [number for number in numbers if not store.look("select 1 from cases where id = ?", number)]


def _hour(at: datetime | None) -> str:
    return at.isoformat(timespec="minutes") if at else "no hour"
