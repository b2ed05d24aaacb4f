"""The way back from `dump`: facts and actions of a stored decision as the dataclasses they were. What `dump` left out has its default."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from inboxd.adapters.sqlite.dump import LEFT_OUT
from inboxd.core import model
from inboxd.core.model import Action

T = TypeVar("T")


def load(type_: type[T], text: str) -> T:
    """Read one dataclass from JSON that `dump` wrote; fields it does not know are left out, missing ones have their default."""
    found: T = _reader(type_)(json.loads(text))  # type: ignore[arg-type]  # a class can be hashed
    return found


def load_actions(text: str) -> tuple[tuple[Action, ...], tuple[str, ...]]:
    """Read the actions of a decision, but for those that this version does not know; of the letters only their purposes were kept."""
    actions, letters = [], []
    for item in json.loads(text):
        if isinstance(item, str):
            letters.append(item)
        elif item["_"] in _ACTIONS:
            actions.append(_reader(_ACTIONS[item["_"]])(item))
    return tuple(actions), tuple(letters)


_ACTIONS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Action)}


@cache
def _reader(type_: Any) -> Callable[[Any], Any]:
    """A function that makes this type of plain JSON; made once for each type."""
    origin, inner = get_origin(type_), get_args(type_)
    if isinstance(type_, NewType):
        return _reader(type_.__supertype__)
    if origin in (Union, types.UnionType):
        return _optional(tuple(each for each in inner if each is not type(None)))
    if origin is tuple:
        return _tuple(inner)
    if origin in (frozenset, set):
        read = _reader(inner[0])
        return lambda items: frozenset(map(read, items))
    if origin is not None and issubclass(origin, Mapping):
        key, value = _key(inner[0]), _reader(inner[1])
        return lambda items: {key(k): value(v) for k, v in items.items()}
    if origin is not None and issubclass(origin, Sequence):
        read = _reader(inner[0])
        return lambda items: tuple(map(read, items))
    return _plain(type_)


def _key(type_: Any) -> Callable[[Any], Any]:
    """The reader of a mapping's keys, which JSON holds as text (RFC 8259, 4)."""
    while isinstance(type_, NewType):
        type_ = type_.__supertype__
    return int if type_ is int else _reader(type_)


def _plain(type_: Any) -> Callable[[Any], Any]:
    if type_ is datetime:
        return datetime.fromisoformat
    if type_ is date:
        return date.fromisoformat
    if type_ is timedelta:
        return lambda seconds: timedelta(seconds=seconds)
    if isinstance(type_, type) and issubclass(type_, Enum):
        return type_
    if is_dataclass(type_):
        return _dataclass(type_)
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _optional(kinds: tuple[Any, ...]) -> Callable[[Any], Any]:
    read = _reader(kinds[0]) if len(kinds) == 1 else _as_it_is
    return lambda value: None if value is None else read(value)


def _tuple(inner: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(inner) == 2 and inner[1] is Ellipsis:
        read = _reader(inner[0])
        return _as_tuple if read is _as_it_is else lambda items: tuple(map(read, items))
    readers = tuple(map(_reader, inner))
    return lambda items: tuple(read(item) for read, item in zip(readers, items, strict=True))


def _as_tuple(items: Any) -> Any:
    return tuple(items)


def _dataclass(type_: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(type_)
    readers = {field.name: _reader(hints[field.name]) for field in fields(type_)}
    empty = {name: "" for name in LEFT_OUT.get(type_, ()) if hints[name] is str}  # also where the class wants a text
    columns = _COLUMNS.get(type_)

    def read(value: Any) -> Any:
        found = {**empty, **{name: readers[name](each) for name, each in value.items() if name in readers}}
        if columns is not None:
            found["changes"] = _changes(columns, found["changes"])
        return type_(**found)

    return read


_COLUMNS = {model.Advance: model.Case, model.ChangePerson: model.Person}  # whose fields their `changes` name


@cache
def _columns(owner: type) -> Mapping[str, Callable[[Any], Any]]:
    return {name: _reader(hint) for name, hint in get_type_hints(owner).items()}


def _changes(owner: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a case or a person, typed as the fields of its dataclass are."""
    readers = _columns(owner)
    return {name: readers.get(name, _as_it_is)(value) for name, value in values.items()}
