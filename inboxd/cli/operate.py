"""Try it, set it up, run it, look after it: demo, init, run, status, reconcile, parked."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from inboxd import __version__
from inboxd.cli.common import (
    CONFIG,
    FOUND,
    WRONG_USAGE,
    Config,
    Json,
    Later,
    app,
    fail,
    have_done,
    parked_app,
    say,
    settings_of,
    show,
    store_of,
)  # fmt: skip
from inboxd.errors import InboxdError, Permanent, Temporary, UnusableStore

MENDED_WITHIN = 30.0  # seconds that a daemon gets, which was asked to mend


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
        say(f"inboxd: the demo needs its mail servers ({error.name}): pip install 'inboxd[demo]', or in a checkout: make demo")
        raise typer.Exit(FOUND) from error
    try:
        counts = run_demo(fast=fast, keep=keep, quiet=as_json, out=out, seed=seed)
    except Permanent as error:
        raise fail(error) from error
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
    from inboxd.core.model import Mode
    from inboxd.desk.init import MODES, InitAnswers, ServerAnswers, missing_secrets, write_files
    from inboxd.rule_sets import shipped

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
            say(f"inboxd init: {line}")
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
        raise fail(error) from error
    for path in written:
        typer.echo(path)
    say(f"\nMode {mode}: {MODES[Mode(mode)]}.")
    for line in missing_secrets(directory, answers):
        say(line)
    say(f"Next: inboxd check --config {directory / 'inboxd.yaml'}   then: inboxd run --config {directory / 'inboxd.yaml'}")


# --- the daemon --------------------------------------------------------------------------------------------------------------


@app.command()
def run(config: Config = CONFIG) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; SIGHUP reloads the rules."""
    from inboxd import logs
    from inboxd.adapters.control import ControlServer, path_in
    from inboxd.bootstrap import supervisor

    early: list[int] = []  # asked to reload before there was anything to reload
    signal.signal(signal.SIGHUP, lambda number, _: early.append(number))
    settings = settings_of(config)
    logs.to(None, journal="JOURNAL_STREAM" in os.environ)
    daemon = supervisor(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGHUP, lambda *_: daemon.ask_reload())
    if early:
        daemon.ask_reload()
    from inboxd.desk.control import answer

    control = ControlServer(path_in(settings.state_dir), lambda request: answer(daemon, request))
    control.start()
    try:
        code = daemon.run()
    finally:
        control.stop()
    raise typer.Exit(code)


@app.command()
def status(config: Config = CONFIG, as_json: Json = False) -> None:
    """Tell what is going on; exit 1 if no daemon runs or something is in trouble."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.control import ask, path_in
    from inboxd.bootstrap import open_store
    from inboxd.desk.status import in_words
    from inboxd.desk.status import status as count
    from inboxd.rule_sets import model_facts

    settings = settings_of(config)
    live: Mapping[str, Any] | None
    try:
        live = ask(path_in(settings.state_dir), {"do": "health"}, timeout=5)
    except Temporary:
        live = None
    try:
        store = open_store(settings, read_only=True)
    except InboxdError as error:
        if live is None:
            raise
        raise UnusableStore(f"a daemon runs, and its store was taken away ({error}); it stops by itself: see its log") from error
    found = {**count(store.look, SystemClock().now(), live), "model_facts": model_facts(settings)}
    show(found, as_json, in_words(found))
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

    settings, until = settings_of(config), 0.0
    try:
        if repair:
            try:
                ask(path_in(settings.state_dir), {"do": "reconcile"})
                repair, until = False, time.monotonic() + MENDED_WITHIN
                say("asked the running daemon to compare and mend; this is what is found now:")
            except Temporary:
                pass  # no daemon runs: this command takes the lock itself
        rows = reconcile_all(settings, repair=repair)
        while time.monotonic() < until and not all(row["explained"] for row in rows):
            time.sleep(0.5)  # the daemon is at it
            rows = reconcile_all(settings, repair=False)
    except InboxdError as error:
        raise fail(error) from error
    lines = []
    for row in rows:
        lines.append(f"{row['mailbox']}, {row['folder']}: {'all accounted for' if row['explained'] else 'NOT all accounted for'}")
        lines += [f"  {count:>7}  {what}" for what, count in row["counts"].items()]
        lines += [f"  {row['new']:>7}  not fetched yet"] if row["new"] else []
        lines += [f"  missing in the ledger: UID {', '.join(map(str, row['missing']))}"] if row["missing"] else []
        lines += [f"  stored and never decided: message {', '.join(map(str, row['undecided']))}"] if row["undecided"] else []
    bad = any(not row["explained"] for row in rows)
    show(rows, as_json, "\n".join((*lines, *(["mend it: inboxd reconcile --repair"] if bad else []))))
    if bad:
        raise typer.Exit(FOUND)


@parked_app.callback(invoke_without_command=True)
def parked(context: typer.Context, config: Config = CONFIG, as_json: Json = False) -> None:
    """List the jobs that a person must look at."""
    context.obj = config
    if context.invoked_subcommand:
        return
    jobs = store_of(settings_of(config), read_only=True).parked()
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
    show(rows, as_json, "\n".join((*lines, "show, retry or drop one: inboxd parked show JOB")) if rows else "nothing is parked")


JobArgument = Annotated[int, typer.Argument(help="The number of the job, as in the list.", min=1, max=2**53)]


@parked_app.command("show")
def parked_show(context: typer.Context, job: JobArgument, config: Later = None) -> None:
    """Print the mail of a parked job as it came."""
    store = store_of(settings_of(config or context.obj), read_only=True)
    found = next((j for j in store.parked() if j.number == job), None)
    if found is None:
        raise fail(Permanent(f"no parked job {job}"))
    raw = store.raw(found.message).raw if found.message else store.outgoing(found.outgoing).raw if found.outgoing else b""
    say(f"job {job}, {found.kind}: {found.error}")
    sys.stdout.buffer.write(raw)


@parked_app.command("retry")
def parked_retry(context: typer.Context, job: JobArgument, config: Later = None) -> None:
    """Try a parked job again."""
    _decide_parked(config or context.obj, "parked.retry", job)
    typer.echo(f"job {job} is tried again")


@parked_app.command("drop")
def parked_drop(context: typer.Context, job: JobArgument, config: Later = None) -> None:
    """Give a parked job up; its mail stays stored."""
    _decide_parked(config or context.obj, "parked.drop", job)
    typer.echo(f"job {job} is dropped")


def _decide_parked(config: Path, what: str, job: int) -> None:
    from inboxd.core.model import JobNo

    number, retry = JobNo(job), what == "parked.retry"
    request = {"do": what, "job": job}
    if not have_done(settings_of(config), request, lambda tx, now: tx.unpark(number, now) if retry else tx.drop(number, now)):
        raise fail(Permanent(f"no parked job {job}"))
