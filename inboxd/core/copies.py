"""Copies of frozen values with some fields changed: like `dataclasses.replace`, in a fifth of its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

T = TypeVar("T")


def replace(value: T, **changes: object) -> T:
    """Copy a frozen dataclass with slots, slot by slot; a situation has fifty, and each mail changes one a few times."""
    setters, values = _slots_of(type(value))  # type: ignore[arg-type]  # a class can be hashed
    copy = object.__new__(type(value))
    for set_, held in zip(setters.values(), values(value), strict=True):
        set_(copy, held)
    for name, held in changes.items():
        if name not in setters:
            raise TypeError(f"{type(value).__name__} has no field called {name}")
        setters[name](copy, held)
    return copy


@cache
def _slots_of(type_: type) -> tuple[dict[str, Callable[[object, object], None]], Callable[[object], tuple[Any, ...]]]:
    """How to set each field, and how to get all of them at once."""
    names = tuple(field.name for field in fields(type_))
    read = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
    return {name: getattr(type_, name).__set__ for name in names}, read
