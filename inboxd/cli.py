"""The commands an operator types. Prints, never decides; data to standard output, talk to standard error."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inboxd import __version__
from inboxd.errors import ConfigError, InboxdError, Permanent, Temporary

if TYPE_CHECKING:
    from inboxd.adapters.sqlite.store import SqliteStore
    from inboxd.adapters.sqlite.transaction import SqliteTransaction
    from inboxd.config import ServerSettings, Settings

NOT_THERE = os.strerror(errno.ENOENT)
MENDED_WITHIN = 30.0  # seconds that a daemon gets, which was asked to mend
FOUND, WRONG_USAGE, TRY_LATER, WRONG_CONFIG = 1, 2, 75, 78  # sysexits(3)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold people's mail
    help="A daemon behind an ordinary support address. Start with: inboxd demo",
)
parked_app = typer.Typer(help="Jobs that a person must look at.", invoke_without_command=True)
app.add_typer(parked_app, name="parked")

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.", envvar="INBOXD_CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rules = Annotated[Path | None, typer.Option("--rules", help="A folder of rules instead of the one in the settings.")]
Later = Annotated[Path | None, typer.Option("--config", "-c", help="The settings file.")]
CONFIG = Path("inboxd.yaml")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _fail(error: InboxdError) -> typer.Exit:
    """Print an error and give the exit code that belongs to it."""
    if isinstance(error, ConfigError):
        for mistake in error.mistakes:
            _say(mistake)
        _say(f"{len(error.mistakes)} {'problem' if len(error.mistakes) == 1 else 'problems'} found")
        return typer.Exit(WRONG_CONFIG)
    _say(f"inboxd: {error}")
    return typer.Exit(TRY_LATER if isinstance(error, Temporary) else FOUND)


def _settings(config: Path) -> Settings:
    from inboxd.config import load_settings

    try:
        if not config.exists():
            raise ConfigError(_no_settings(config))
        return load_settings(config)
    except InboxdError as error:
        raise _fail(error) from error


def _no_settings(config: Path) -> str:
    return f"{config}: there is no such file; name your settings with --config FILE, or write them with: inboxd init"


def _print(value: Any, as_json: bool, words: str) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else words)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"inboxd {__version__}")
        raise typer.Exit


# --- the first evening -------------------------------------------------------------------------------------------------------


@app.command()
def demo(
    fast: Annotated[bool, typer.Option("--fast", help="As quick as it goes, without pauses for reading.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave servers and web mail page up, to answer as a customer.")] = False,
    as_json: Json = False,
    out: Annotated[Path, typer.Option("--out", help="Where the mails are left.")] = Path("demo-out"),
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same day.")] = 1,
) -> None:
    """Show a support team's fortnight in a minute: the real daemon against mail servers of its own."""
    try:
        from inboxd.demo.director import run_demo
    except ModuleNotFoundError as error:
        _say(f"inboxd: the demo needs its mail servers ({error.name}): pip install 'inboxd[demo]', or in a checkout: make demo")
        raise typer.Exit(FOUND) from error
    counts = run_demo(fast=fast, keep=keep, quiet=as_json, out=out, seed=seed)
    if as_json:
        typer.echo(json.dumps(counts))
    if counts["lost"] or counts["sent_twice"]:
        raise typer.Exit(FOUND)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Where to write inboxd.yaml, rules/ and secrets/.")] = Path("."),
    address: Annotated[str, typer.Option(help="The support address.")] = "",
    agent: Annotated[list[str], typer.Option(help='A person of the team: "Maria Lindt <maria@acme.example>". May be repeated.')] = [],  # noqa: B006
    senior: Annotated[list[str], typer.Option(help="An agent who gets upset and repeat customers. May be repeated.")] = [],  # noqa: B006
    lead: Annotated[str, typer.Option(help="Who leads the team: an agent or an address.")] = "",
    admin: Annotated[str, typer.Option(help="Who hears of trouble with the machine.")] = "",
    name: Annotated[str, typer.Option(help='What customers read as sender: "Acme Support".')] = "",
    mode: Annotated[str, typer.Option(help="watch, route or full.")] = "watch",
    language: Annotated[str, typer.Option(help="The language of mails to customers whose own is not known.")] = "en",
    timezone: Annotated[str, typer.Option(help="In which times are shown, e.g. Europe/Berlin.")] = "UTC",
    imap_host: Annotated[str, typer.Option(help="Where mail lies.")] = "",
    imap_port: Annotated[int | None, typer.Option(help="Default: by --imap-tls, 993 or 143.")] = None,
    imap_tls: Annotated[str, typer.Option(help="yes, starttls, or no (plain text, only on a machine of your own).")] = "yes",
    imap_user: Annotated[str, typer.Option(help="Default: the address.")] = "",
    smtp_host: Annotated[str, typer.Option(help="Where mail is handed over.")] = "",
    smtp_port: Annotated[int | None, typer.Option(help="Default: by --smtp-tls, 465, 587 or 25.")] = None,
    smtp_tls: Annotated[str, typer.Option(help="yes, starttls, or no.")] = "yes",
    smtp_user: Annotated[str, typer.Option(help="Default: the address.")] = "",
    smtp_no_login: Annotated[bool, typer.Option("--smtp-no-login", help="The server takes mail without a login.")] = False,
    password_file: Annotated[Path | None, typer.Option(help="A file that holds the password of both servers.")] = None,
    password_env: Annotated[str, typer.Option(help="A variable that will hold the password of both servers.")] = "",
    ca_file: Annotated[Path | None, typer.Option(help="The certificate of a server that signs its own.")] = None,
    non_interactive: Annotated[bool, typer.Option("--non-interactive", help="Ask nothing: everything comes from options.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Write commented settings, rules and a place for secrets. Starts in mode watch: it thinks, and nobody gets mail."""
    from inboxd.bootstrap import shipped
    from inboxd.core.model import Mode
    from inboxd.desk.init import MODES, InitAnswers, ServerAnswers, missing_secrets, write_files

    def ask(value: str, question: str) -> str:
        return value or str(typer.prompt(question, err=True))

    wrong = [f"--mode is watch, route or full, not {mode!r}"] if mode not in tuple(Mode) else []
    if non_interactive:
        needed = {
            "--address support@acme.example": address,
            "--imap-host imap.acme.example": imap_host,
            "--smtp-host smtp.acme.example": smtp_host,
            "--agent 'Maria Lindt <maria@acme.example>'": agent,
        }
        wrong += [f"{option.partition(' ')[0]} is missing, such as: {option}" for option, value in needed.items() if not value]
    if wrong:
        for line in wrong:
            _say(f"inboxd init: {line}")
        raise typer.Exit(WRONG_USAGE)
    address = ask(address, "The support address")
    imap_host = ask(imap_host, "The IMAP server (where mail lies)")
    smtp_host = ask(smtp_host, "The SMTP server (where mail is handed over)")
    people = tuple(agent) or tuple(ask("", 'The agents, as "Maria Lindt <maria@acme.example>", with ; between').split(";"))
    secret = {"password_file": password_file, "password_env": password_env}
    answers = InitAnswers(
        address=address,
        imap=ServerAnswers(host=imap_host, port=imap_port, tls=imap_tls, user=imap_user, **secret),  # type: ignore[arg-type]
        smtp=ServerAnswers(host=smtp_host, port=smtp_port, tls=smtp_tls, user=smtp_user, login=not smtp_no_login, **secret),  # type: ignore[arg-type]
        agents=people,
        seniors=tuple(senior),
        lead=lead,
        admin=admin,
        brand=name,
        mode=Mode(mode),
        language=language,
        timezone=timezone,
        ca_file=ca_file,
    )
    try:
        written = write_files(directory, answers, shipped("rules"), overwrite=force)
    except InboxdError as error:
        raise _fail(error) from error
    for path in written:
        typer.echo(path)
    _say(f"\nMode {mode}: {MODES[Mode(mode)]}.")
    for line in missing_secrets(directory, answers):
        _say(line)
    _say(f"Next: inboxd check --config {directory / 'inboxd.yaml'}   then: inboxd run --config {directory / 'inboxd.yaml'}")


@app.command()
def check(
    config: Config = CONFIG,
    rules: Rules = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not connect to the servers.")] = False,
    as_json: Json = False,
) -> None:
    """Check settings, rules, templates and servers: every mistake at once. With --rules no settings are needed."""
    from inboxd.bootstrap import rule_set
    from inboxd.config import load_settings
    from inboxd.desk.check import lint

    settings = None
    mistakes: list[str] = []
    warnings: list[str] = []
    if rules is None and not config.exists():
        mistakes.append(_no_settings(config))
    elif rules is None or config.exists():
        try:
            settings = load_settings(config)
        except ConfigError as error:
            mistakes += error.mistakes
    folder = rules or (settings.rules if settings else None)
    if folder is not None:
        try:
            warnings += lint(rule_set(folder, settings).book)
        except ConfigError as error:
            mistakes += error.mistakes
    trouble = _connect(settings) if settings and not offline and not mistakes and rules is None else []
    if as_json:
        typer.echo(json.dumps({"mistakes": mistakes, "warnings": warnings, "servers": [told for told, _ in trouble]}, ensure_ascii=False))
    else:
        for line in (*mistakes, *(f"warning: {warning}" for warning in warnings), *(told for told, _ in trouble)):
            _say(line)
        bad = len(mistakes) + len(trouble)
        typer.echo("all is well" if not bad else f"{bad} {'problem' if bad == 1 else 'problems'} found")
    if mistakes or any(not passes for _, passes in trouble):
        raise typer.Exit(WRONG_CONFIG)
    if trouble:
        raise typer.Exit(TRY_LATER)


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
                _say(f"{box.facts.name}: {kind} {server.host}: {'logged in' if server.password else 'connected'}")
        if not isinstance(imap, InboxdError) and box.inbox not in imap.folders:
            there = ", ".join(imap.folders)
            told = f"there is no folder {box.inbox!r}; set folders: {{inbox: ...}} to one that is there: {there}"
            trouble.append((f"{settings.path}: mailbox {box.facts.name}: {told}", False))
    return trouble


def _look_at(error: str, server: ServerSettings) -> str:
    """Name the setting that most likely is wrong, where the error does not."""
    if "login refused" in error:
        kept = f" in {server.password.value}" if server.password and server.password.kind == "file" else " it reads"
        return f"; look at user ({server.user}) and at the password{kept}"
    return "; look at host and port, and whether the server runs" if "no connection" in error else ""


# --- the daemon --------------------------------------------------------------------------------------------------------------


@app.command()
def run(config: Config = CONFIG) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP reloads the rules."""
    from inboxd import logs
    from inboxd.adapters.control import ControlServer, path_in
    from inboxd.bootstrap import supervisor

    settings = _settings(config)
    logs.to(None, journal="JOURNAL_STREAM" in os.environ)
    try:
        daemon = supervisor(settings)
    except InboxdError as error:
        raise _fail(error) from error
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.ask_reload())
    from inboxd.desk.control import answer

    control = ControlServer(path_in(settings.state_dir), lambda request: answer(daemon, request))
    control.start()
    try:
        code = daemon.run()
    finally:
        control.stop()
    raise typer.Exit(code)


@app.command("reload")
def reload_(config: Config = CONFIG) -> None:
    """Have the running daemon take over changed rules now; wrong ones change nothing."""
    said = _ask(_settings(config), {"do": "reload"})
    if said.get("mistakes"):
        raise _fail(ConfigError(*said["mistakes"]))
    typer.echo(f"rules {said['rules'][:12]} are in force")


@app.command()
def status(config: Config = CONFIG, as_json: Json = False) -> None:
    """Tell what is going on; exit 1 if no daemon runs or something is in trouble."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.control import ask, path_in
    from inboxd.bootstrap import model_facts
    from inboxd.desk.status import in_words
    from inboxd.desk.status import status as count

    settings = _settings(config)
    live: Mapping[str, Any] | None
    try:
        live = ask(path_in(settings.state_dir), {"do": "health"}, timeout=5)
    except Temporary:
        live = None
    store = _store(settings, read_only=True)
    found = {**count(store.look, SystemClock().now(), live), "model_facts": model_facts(settings)}
    _print(found, as_json, in_words(found))
    if not found["running"] or found["trouble"]:
        raise typer.Exit(FOUND)


@app.command()
def reconcile(
    config: Config = CONFIG,
    repair: Annotated[bool, typer.Option("--repair", help="Take in what was overlooked, and have undecided mail decided.")] = False,
    as_json: Json = False,
) -> None:
    """Prove that no mail was overlooked: the ledger against the server. Exit 1 if anything is unexplained."""
    from inboxd.adapters.control import ask, path_in
    from inboxd.bootstrap import reconcile_all

    settings, until = _settings(config), 0.0
    try:
        if repair:
            try:
                ask(path_in(settings.state_dir), {"do": "reconcile"})
                repair, until = False, time.monotonic() + MENDED_WITHIN
                _say("asked the running daemon to compare and mend; this is what is found now:")
            except Temporary:
                pass  # no daemon runs: this command takes the lock itself
        rows = reconcile_all(settings, repair=repair)
        while time.monotonic() < until and not all(row["explained"] for row in rows):
            time.sleep(0.5)  # the daemon is at it
            rows = reconcile_all(settings, repair=False)
    except InboxdError as error:
        raise _fail(error) from error
    lines = []
    for row in rows:
        lines.append(f"{row['mailbox']}, {row['folder']}: {'all accounted for' if row['explained'] else 'NOT all accounted for'}")
        lines += [f"  {count:>7}  {what}" for what, count in row["counts"].items()]
        lines += [f"  {row['new']:>7}  not fetched yet"] if row["new"] else []
        lines += [f"  missing in the ledger: UID {', '.join(map(str, row['missing']))}"] if row["missing"] else []
        lines += [f"  stored and never decided: message {', '.join(map(str, row['undecided']))}"] if row["undecided"] else []
    bad = any(not row["explained"] for row in rows)
    _print(rows, as_json, "\n".join((*lines, *(["mend it: inboxd reconcile --repair"] if bad else []))))
    if bad:
        raise typer.Exit(FOUND)


def _ask(settings: Settings, request: Mapping[str, Any]) -> Mapping[str, Any]:
    from inboxd.adapters.control import ask, path_in

    try:
        said = ask(path_in(settings.state_dir), request)
    except InboxdError as error:
        raise _fail(error) from error
    if said.get("error"):
        raise _fail(Permanent(str(said["error"])))
    return said


def _store(settings: Settings, *, read_only: bool) -> SqliteStore:
    from inboxd.bootstrap import open_store

    try:
        return open_store(settings, read_only=read_only)
    except InboxdError as error:
        raise _fail(error) from error


@parked_app.callback(invoke_without_command=True)
def parked(context: typer.Context, config: Config = CONFIG, as_json: Json = False) -> None:
    """List the jobs that a person must look at."""
    context.obj = config
    if context.invoked_subcommand:
        return
    jobs = _store(_settings(config), read_only=True).parked()
    rows = [
        {
            "job": j.number,
            "kind": j.kind,
            "message": j.message,
            "outgoing": j.outgoing,
            "case": j.case,
            "since": j.parked_at,
            "error": j.error,
        }
        for j in jobs
    ]
    lines = [f"{r['job']}  {r['kind']}  message {r['message'] or '-'}  case {r['case'] or '-'}  {r['error']}" for r in rows]
    _print(rows, as_json, "\n".join((*lines, "show, retry or drop one: inboxd parked show JOB")) if rows else "nothing is parked")


@parked_app.command("show")
def parked_show(context: typer.Context, job: int, config: Later = None) -> None:
    """Print the mail of a parked job as it came."""
    store = _store(_settings(config or context.obj), read_only=True)
    found = next((j for j in store.parked() if j.number == job), None)
    if found is None:
        raise _fail(Permanent(f"no parked job {job}"))
    raw = store.raw(found.message).raw if found.message else store.outgoing(found.outgoing).raw if found.outgoing else b""
    _say(f"job {job}, {found.kind}: {found.error}")
    sys.stdout.buffer.write(raw)


@parked_app.command("retry")
def parked_retry(context: typer.Context, job: int, config: Later = None) -> None:
    """Try a parked job again."""
    _decide_parked(config or context.obj, "parked.retry", job)
    typer.echo(f"job {job} is tried again")


@parked_app.command("drop")
def parked_drop(context: typer.Context, job: int, config: Later = None) -> None:
    """Give a parked job up; its mail stays stored."""
    _decide_parked(config or context.obj, "parked.drop", job)
    typer.echo(f"job {job} is dropped")


def _decide_parked(config: Path, what: str, job: int) -> None:
    from inboxd.core.model import JobNo

    number, retry = JobNo(job), what == "parked.retry"
    request = {"do": what, "job": job}
    if not _have_done(_settings(config), request, lambda tx, now: tx.unpark(number, now) if retry else tx.drop(number, now)):
        raise _fail(Permanent(f"no parked job {job}"))


def _have_done(settings: Settings, request: Mapping[str, Any], do: Callable[[SqliteTransaction, datetime], bool]) -> bool:
    """Have the running daemon do it, or with none running do it directly on the store. False: there was nothing to do it to."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.control import ask, path_in

    try:
        answer = ask(path_in(settings.state_dir), request)
    except Temporary:
        _store(settings, read_only=True).close()  # there must be one
        store = _store(settings, read_only=False)
        try:
            with store.transaction() as tx:
                return do(tx, SystemClock().now())
        finally:
            store.close()
    if "error" in answer:
        raise _fail(Permanent(str(answer["error"])))
    return bool(answer.get("done"))


# --- understanding -----------------------------------------------------------------------------------------------------------


@app.command()
def explain(
    what: Annotated[list[str], typer.Argument(help="Mails, folders of mails, - for standard input, or the number of a case.")],
    config: Later = None,
    rules: Rules = None,
    thread: Annotated[bool, typer.Option("--thread", help="Also tell which of these mails belong together, in the order given.")] = False,
    as_json: Json = False,
) -> None:
    """Explain a mail: what it says, each rule yes or no and why. For a case: why it went where it went, then.

    The rules are those of --rules, else of the settings named by --config, else the shipped ones.
    """
    if len(what) == 1 and what[0].isdigit() and not Path(what[0]).exists():
        _explain_case(config or CONFIG, int(what[0]), as_json)
        return
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.bootstrap import own_model, reader_for, shipped
    from inboxd.desk.explain import Threads, in_words, mails_in
    from inboxd.desk.explain import explain as work_out

    try:
        settings = _settings(config) if config else None
        book = load_rules(rules or (settings.rules if settings else shipped("rules")))
        reader = reader_for(book, model=own_model(settings))
    except InboxdError as error:
        raise _fail(error) from error
    unread = False
    for explained in work_out(_mails(mails_in(what)), book, reader, SystemClock().now(), Threads() if thread else None):
        if not as_json and str(explained["error"]).endswith(NOT_THERE):
            _say(f"inboxd explain: {explained['path']}: {NOT_THERE}")
            unread = True
        else:
            _print(explained, as_json, in_words(explained))
    if unread:
        raise typer.Exit(FOUND)


def _mails(paths: Iterator[str]) -> Iterator[tuple[str, bytes | OSError]]:
    for path in paths:
        try:
            yield path, sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        except OSError as error:
            yield path, error


def _explain_case(config: Path, number: int, as_json: bool) -> None:
    store = _store(_settings(config), read_only=True)
    rows = store.look("select * from decision where case_id = ? order by id", number)
    if not rows:
        raise _fail(Permanent(f"no decision is stored for case {number}"))
    told = [
        {"at": row["at"], "message": row["message"], "ruleset": row["ruleset"], "model": row["model"],
         "because": json.loads(row["because"]), "trace": json.loads(row["trace"])}
        for row in rows
    ]  # fmt: skip
    lines = []
    for each in told:
        at = datetime.fromtimestamp(each["at"], UTC).isoformat(timespec="minutes")
        lines.append(f"{at}  message {each['message']}, rules {each['ruleset'][:12]}: {'; '.join(each['because'])}")
        lines += [f"    {line}" for line in each["trace"]]
    _print(told, as_json, "\n".join(lines))


# --- learning ------------------------------------------------------------------------------------------------------------


@app.command()
def correct(
    case: Annotated[int, typer.Argument(help="The number of the case.", min=1, max=2**53)],
    values: Annotated[list[str], typer.Argument(help="What is right: topic=refund sentiment=upset urgent=yes answer=satisfied")],
    config: Config = CONFIG,
    by: Annotated[str, typer.Option("--by", help="Who says so; kept with the correction.")] = "",
) -> None:
    """Say what was read wrongly in a case. `inboxd train` learns from it."""
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.model import CaseNo
    from inboxd.core.rulebook import TOPICS
    from inboxd.desk.teach import parse_corrections

    settings, who = _settings(config), by or f"operator {os.environ.get('USER', '')}".strip()
    try:
        topics = [*TOPICS, *(str(topic.name) for topic in load_rules(settings.rules).topics)]
        right = parse_corrections(values, topics)
    except InboxdError as error:
        raise _fail(error) from error
    number, request = CaseNo(case), {"do": "correct", "case": case, "values": right, "by": who.encode("utf-8", "replace").decode()}
    if not _have_done(settings, request, lambda tx, now: tx.correct(number, right, who, now)):
        raise _fail(Permanent(f"no mail of a customer is stored for case {case}"))
    typer.echo(f"case {case}: noted {', '.join(f'{name}={value}' for name, value in right.items())}; inboxd train learns from it")


@app.command()
def train(
    config: Config = CONFIG,
    undo: Annotated[bool, typer.Option("--undo", help="Put the model before the last training in force again.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show the table and put nothing in force.")] = False,
    as_json: Json = False,
) -> None:
    """Learn from corrections: show what would change, then put the new model in force. One that is worse is refused (exit 1)."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.training import drop_model, put_in_force, train_model, undo_training

    settings = _settings(config)
    try:
        if undo:
            typer.echo(f"in force again: {undo_training(settings)}; a running daemon takes it over by itself")
            return
        found, folder = train_model(settings, SystemClock().now(), _say)
    except InboxdError as error:
        raise _fail(error) from error
    _print(found.as_dict(), as_json, found.in_words())
    if found.worse:
        for why in found.worse:
            _say(f"refused: {why}")
        drop_model(folder)
        _say("the model in force stays")
        raise typer.Exit(FOUND)
    if dry:
        drop_model(folder)
        return
    try:
        _say(f"in force: {put_in_force(settings, folder)}; a running daemon takes it over by itself. Undo: inboxd train --undo")
    except InboxdError as error:
        raise _fail(error) from error


@app.command("eval")
def evaluate(
    files: Annotated[list[Path] | None, typer.Argument(help="JSONL with {text, topic?, upset?} a line; else the shipped test set.")] = None,
    config: Later = None,
    check: Annotated[bool, typer.Option("--check", help="Only check corpus and model against each other; exit 78 if they differ.")] = False,
    as_json: Json = False,
) -> None:
    """Measure how well mails are read: per label, calibration, confusion, worst examples."""
    from inboxd.training import corpus_mistakes, evaluate_model

    try:
        if check:
            if mistakes := corpus_mistakes():
                raise ConfigError(*mistakes)
            typer.echo("corpus and model are in order")
            return
        rows = [json.loads(line) for path in files for line in path.read_bytes().split(b"\n") if line.strip()] if files else None
        found = evaluate_model(_settings(config) if config else None, rows)
    except (OSError, ValueError, RecursionError) as error:
        raise _fail(Permanent(f"cannot read the rows: {error}")) from error
    except InboxdError as error:
        raise _fail(error) from error
    whole = {name: {"figures": each.figures, "confusion": each.confusion, "worst": each.worst} for name, each in found.items()}
    _print(whole, as_json, "\n\n".join(f"{name or 'your rows'}\n{each.in_words()}" for name, each in found.items()))


@app.command("test")
def rule_tests(config: Config = CONFIG, rules: Rules = None, as_json: Json = False) -> None:
    """Run the rule tests beside the rules; exit 1 if one fails."""
    from inboxd.adapters.rule_files import load_rules
    from inboxd.bootstrap import run_tests

    folder = rules or _settings(config).rules
    try:
        results = run_tests(folder, load_rules(folder))
    except InboxdError as error:
        raise _fail(error) from error
    failed = [result for result in results if not result.passed]
    rows = [{"name": r.test.name, "passed": r.passed, "differences": list(r.differences)} for r in results]
    lines = [f"FAILED  {r.test.file}:{r.test.line}: {r.test.name}\n" + "\n".join(f"        {d}" for d in r.differences) for r in failed]
    _print(rows, as_json, "\n".join((*lines, f"{len(results) - len(failed)} rule tests passed, {len(failed)} failed")))
    if failed:
        raise typer.Exit(FOUND)
