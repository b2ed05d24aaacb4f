"""What all commands share: the app, its options, how errors are told, and how the store and a running daemon are asked."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from inboxd.errors import ConfigError, InboxdError, Permanent, Temporary, UnusableStore

if TYPE_CHECKING:
    from inboxd.adapters.sqlite.store import SqliteStore
    from inboxd.adapters.sqlite.transaction import SqliteTransaction
    from inboxd.config import Settings

NOT_THERE = os.strerror(errno.ENOENT)
FOUND, WRONG_USAGE, TRY_LATER, WRONG_CONFIG = 1, 2, 75, 78  # sysexits(3)


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        """Tell also an error that comes up late, a damaged page of the store that is reached, as the error it is."""
        try:
            return super().invoke(ctx)
        except InboxdError as error:
            raise fail(error) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals hold people's mail
    help="A daemon behind an ordinary support address. Start with: inboxd demo",
)
parked_app = typer.Typer(help="Jobs that a person must look at.", invoke_without_command=True)
app.add_typer(parked_app, name="parked")
issue_app = typer.Typer(help="Faults of yours that many write about: people may know, and hear when they are mended.", no_args_is_help=True)
app.add_typer(issue_app, name="issue")

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.", envvar="INBOXD_CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Rules = Annotated[Path | None, typer.Option("--rules", help="A folder of rules instead of the one in the settings.")]
Later = Annotated[Path | None, typer.Option("--config", "-c", help="The settings file.")]
CONFIG = Path("inboxd.yaml")


def say(text: str) -> None:
    """Say something to the person at the terminal."""
    typer.echo(text, err=True)


def fail(error: InboxdError) -> typer.Exit:
    """Print an error and give the exit code that belongs to it."""
    if isinstance(error, ConfigError):
        for mistake in error.mistakes:
            say(mistake)
        say(problems(error.mistakes))
        return typer.Exit(WRONG_CONFIG)
    say(f"inboxd: {error}")
    if isinstance(error, UnusableStore):
        return typer.Exit(WRONG_CONFIG)  # nor does starting anew help here
    return typer.Exit(TRY_LATER if isinstance(error, Temporary) else FOUND)


def problems(mistakes: Sequence[object]) -> str:
    """Say how many mistakes were found, those that were not shown among them."""
    more = re.fullmatch(r"and ([\d,]+) more;.*", str(mistakes[-1])) if mistakes else None
    count = len(mistakes) - 1 + int(more[1].replace(",", "")) if more else len(mistakes)
    return f"{count:,} {'problem' if count == 1 else 'problems'} found"


def settings_of(config: Path) -> Settings:
    """Load the settings; ends the command with every mistake found."""
    from inboxd.config import load_settings

    try:
        if not config.exists():
            raise ConfigError(no_settings(config))
        return load_settings(config)
    except InboxdError as error:
        raise fail(error) from error
    except OSError as error:
        raise fail(ConfigError(f"{config}: cannot be read ({error.strerror})")) from error


def no_settings(config: Path) -> str:
    """What to do where there are no settings."""
    return f"{config}: there is no such file; name your settings with --config FILE, or write them with: inboxd init"


def show(value: Any, as_json: bool, words: str) -> None:
    """Print data, as JSON or in words."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str) if as_json else words)


def ask_daemon(settings: Settings, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask the running daemon; ends the command where none runs."""
    from inboxd.adapters.control import ask, path_in

    try:
        said = ask(path_in(settings.state_dir), request)
    except InboxdError as error:
        raise fail(error) from error
    if said.get("error"):
        raise fail(Permanent(str(said["error"])))
    return said


def store_of(settings: Settings, *, read_only: bool) -> SqliteStore:
    """Open the store; ends the command where there is none."""
    from inboxd.bootstrap import open_store

    try:
        return open_store(settings, read_only=read_only)
    except InboxdError as error:
        raise fail(error) from error


def have_done(settings: Settings, request: Mapping[str, Any], do: Callable[[SqliteTransaction, datetime], bool]) -> bool:
    """Have the running daemon do it, or with none running do it directly on the store. False: there was nothing to do it to."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.control import ask, path_in

    try:
        answer = ask(path_in(settings.state_dir), request)
    except Temporary:
        store_of(settings, read_only=True).close()  # there must be one
        store = store_of(settings, read_only=False)
        try:
            with store.transaction() as tx:
                return do(tx, SystemClock().now())
        finally:
            store.close()
    if "error" in answer:
        raise fail(Permanent(str(answer["error"])))
    return bool(answer.get("done"))
