"""Teach the reader: correct, train, eval."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from inboxd.cli.common import CONFIG, FOUND, Config, Json, Later, app, fail, have_done, say, settings_of, show
from inboxd.errors import ConfigError, InboxdError, Permanent

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

    settings, who = settings_of(config), by or f"operator {os.environ.get('USER', '')}".strip()
    try:
        topics = [*TOPICS, *(str(topic.name) for topic in load_rules(settings.rules).topics)]
        right = parse_corrections(values, topics)
    except InboxdError as error:
        raise fail(error) from error
    number, request = CaseNo(case), {"do": "correct", "case": case, "values": right, "by": who.encode("utf-8", "replace").decode()}
    if not have_done(settings, request, lambda tx, now: tx.correct(number, right, who, now)):
        raise fail(Permanent(f"no mail of a customer is stored for case {case}"))
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

    settings = settings_of(config)
    try:
        if undo:
            typer.echo(f"in force again: {undo_training(settings)}; a running daemon takes it over by itself")
            return
        found, folder = train_model(settings, SystemClock().now(), say)
    except InboxdError as error:
        raise fail(error) from error
    show(found.as_dict(), as_json, found.in_words())
    if found.worse:
        for why in found.worse:
            say(f"refused: {why}")
        drop_model(folder)
        say("the model in force stays")
        raise typer.Exit(FOUND)
    if dry:
        drop_model(folder)
        return
    try:
        say(f"in force: {put_in_force(settings, folder)}; a running daemon takes it over by itself. Undo: inboxd train --undo")
    except InboxdError as error:
        raise fail(error) from error


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
        found = evaluate_model(settings_of(config) if config else None, rows)
    except (OSError, ValueError, RecursionError) as error:
        raise fail(Permanent(f"cannot read the rows: {error}")) from error
    except InboxdError as error:
        raise fail(error) from error
    whole = {name: {"figures": each.figures, "confusion": each.confusion, "worst": each.worst} for name, each in found.items()}
    show(whole, as_json, "\n\n".join(f"{name or 'your rows'}\n{each.in_words()}" for name, each in found.items()))
