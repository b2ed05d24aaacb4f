"""Facts, actions and traces as JSON, for the tables that keep a decision whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from inboxd.core.model import Letter, Message, Reading, SentMessage, StoryLine

# What the store holds elsewhere, in the raw mail, the reading or the outgoing message: kept once, not with each decision.
LEFT_OUT: Mapping[type, frozenset[str]] = {
    Message: frozenset({"text", "html", "headers", "report"}),
    Reading: frozenset({"key_phrases"}),
    StoryLine: frozenset({"text"}),
    SentMessage: frozenset({"text"}),
    Letter: frozenset({"exchange"}),
}


def dump(value: Any) -> str:
    """Write any of our frozen dataclasses as JSON; what the raw mail holds anyway is left out."""
    if not value and isinstance(value, list | tuple):  # most lists have nothing to say
        return "[]"
    return _ENCODER.encode(value)


@cache
def _kept(type_: type) -> tuple[str, ...]:
    skip = LEFT_OUT.get(type_, frozenset())
    return tuple(f.name for f in fields(type_) if f.name not in skip)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {"_": type(value).__name__}
        for name in _kept(type(value)):
            plain[name] = getattr(value, name)
        return plain
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"))
