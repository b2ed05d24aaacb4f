"""What a period taught us: report."""

from __future__ import annotations

import json
import os
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from inboxd.cli.common import CONFIG, WRONG_USAGE, Config, Json, app, fail, say, settings_of, store_of
from inboxd.errors import InboxdError

WEEK = timedelta(days=7)
EARLIEST = 1971  # the year; no store knows mail from before
TERMINAL = Path("-")  # print it


@app.command()
def report(
    config: Config = CONFIG,
    since: Annotated[str, typer.Option("--since", help="The first day, 2026-11-16, or how far back from the last: 7d, 4w.")] = "7d",
    until: Annotated[str, typer.Option("--until", help="The last day, included. Left out: yesterday.")] = "",
    team: Annotated[str, typer.Option("--team", help="Only cases of this team.")] = "",
    mailbox: Annotated[str, typer.Option("--mailbox", help="Only this mailbox.")] = "",
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, a row a measure.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write it; - prints it. Left out: report.html for the page.")] = None,
) -> None:
    """Show who is still to win back, whether it really helped, and what made people write: one page, JSON or CSV."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.bootstrap import findings, report_page
    from inboxd.core.model import MailboxName, TeamName
    from inboxd.desk import report as forms

    settings, now = settings_of(config), SystemClock().now()
    period = days(since, until, now.astimezone(ZoneInfo(settings.timezone)).date())
    wrong = [period] if isinstance(period, str) else []
    wrong += ["--json or --csv, not both"] if as_json and as_csv else []
    known = [str(box.facts.name) for box in settings.mailboxes]
    if mailbox and mailbox not in known:
        wrong.append(f"--mailbox: there is no mailbox called '{mailbox}'; there are: {', '.join(known)}")
    if wrong or isinstance(period, str):
        for line in wrong:
            say(f"inboxd report: {line}")
        raise typer.Exit(WRONG_USAGE)
    store = store_of(settings, read_only=True)
    try:
        book = load_rules(settings.rules)
        if team and TeamName(team) not in book.teams:
            say(f"inboxd report: --team: there is no team called '{team}'; there are: {', '.join(book.teams)}")
            raise typer.Exit(WRONG_USAGE)
        box, of_team = MailboxName(mailbox) if mailbox else None, TeamName(team) if team else None
        found = findings(settings, store, book, now, *period, mailbox=box, team=of_team)
    except InboxdError as error:
        raise fail(error) from error
    finally:
        store.close()
    if as_json or as_csv:
        text = f"{json.dumps(forms.as_json(found), ensure_ascii=False)}\n" if as_json else forms.as_csv(found)
        _give(text, out or TERMINAL)
    else:
        _give(report_page(found), out or Path("report.html"))


def days(since: str, until: str, today: date) -> tuple[date, date] | str:
    """The first and the last day of a report, or what is wrong with what was typed."""
    from inboxd.yaml_source import read_span

    last = _day(until) if until else today - timedelta(days=1)
    if last is None or last > today:
        return f"--until is a day that is not to come, such as {today - timedelta(days=1)}, not '{until}'"
    short = re.fullmatch(r"(\d{1,4})\s*([dw])", since.strip())
    span = read_span(f"{short[1]} {'days' if short[2] == 'd' else 'weeks'}" if short else since)
    first = _day(since) or (last - span + timedelta(days=1) if span and span.days else None)
    if first is None:
        return f"--since is a day such as {last - WEEK + timedelta(days=1)}, or a length of time such as 4w, not '{since}'"
    if first.year < EARLIEST:
        return f"--since {first} is before any mail; the first day may be {EARLIEST}-01-01"
    return (first, last) if first <= last else f"--since {first} is after --until {last}"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _give(text: str, out: Path) -> None:
    """Print it, or write it into a file that only its owner may read: it names customers."""
    if out == TERMINAL:
        typer.echo(text, nl=False)
        return
    try:
        out.touch(mode=0o600)
        with open(os.open(out, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as error:
        raise fail(InboxdError(f"{out} cannot be written: {error.strerror}")) from error
    say(f"written: {out}")
