"""How a log line looks: an event in the past tense with its facts; our own numbers, never a person's words or address."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterable
from typing import IO

LEVELS = ("info", "warning", "error")  # what happened; what will be tried again; what a person must do
_PRIORITY = {"info": "<6>", "warning": "<4>", "error": "<3>"}  # sd-daemon(3): journald reads the level from it
_TO_QUOTE = re.compile('[ "=\n\t]')
_lock = threading.Lock()


class _Target:
    stream: IO[str] | None = None
    journal = False


def to(stream: IO[str] | None, *, journal: bool = False) -> None:
    """Send log lines here; None: to standard error. `journal` puts the level in front, as journald reads it."""
    _Target.stream, _Target.journal = stream, journal


def log(event: str, *, level: str = "info", **facts: object) -> None:
    """Write one line, e.g. `case.opened case=1204 team=seniors because="sounds upset"`. Never raises: a line is dropped, work goes on."""
    line = line_of(event, level, facts.items())
    with _lock:
        try:
            print((_PRIORITY[level] if _Target.journal else "") + line, file=_Target.stream or sys.stderr, flush=True)
        except (OSError, ValueError):  # the terminal is gone, its disk is full, it was closed
            pass


def line_of(event: str, level: str, facts: Iterable[tuple[str, object]]) -> str:
    """A log line without its journal priority."""
    shown = " ".join(f"{name}={_value(value)}" for name, value in facts)
    prefix = "" if level == "info" else f"{level} "
    return f"{prefix}{event} {shown}".rstrip()


def _value(value: object) -> str:
    if isinstance(value, tuple | list):
        value = ", ".join(str(part) for part in value)
    text = str(value)
    return text if text and not _TO_QUOTE.search(text) else json.dumps(text, ensure_ascii=False)
