"""Facts, actions and traces as JSON, for the tables that keep a decision whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from functools import cache
from operator import attrgetter
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
def _fields_of(type_: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]] | None:
    """The names of the fields that are kept, and how to get all their values at once; None of what is none of our classes."""
    if not is_dataclass(type_):
        return None
    names = tuple(f.name for f in fields(type_) if f.name not in LEFT_OUT.get(type_, ()))
    return names, attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)


def _plain(value: Any) -> Any:
    if found := _fields_of(type(value)):  # type: ignore[arg-type]  # a class can be hashed
        names, values = found
        return {"_": type(value).__name__, **dict(zip(names, values(value), strict=True))}
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(default=_plain, ensure_ascii=False, separators=(",", ":"), check_circular=False)  # frozen values hold no circle
