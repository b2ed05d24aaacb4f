"""Every error that we raise on purpose.

InboxdError
  ConfigError         the admin can fix it: file, line, what was found, what would be right
    BrokenModel       a model that was trained here cannot be loaded; the shipped one can
  Temporary           try again later; the default for anything unknown
  Permanent           trying again cannot help; a human must know
    UnusableStore     the store is damaged, or a newer inboxd made it: nothing may be written to it
  InvalidTransition   a bug of ours
"""

from __future__ import annotations

from typing import Protocol


class InboxdError(Exception):
    """Something that inboxd knows about went wrong."""


class Placed(Protocol):
    """A mistake with its place, for editors; str() of it is what people read. Line and column count from 1, 0 is not known."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def message(self) -> str: ...
    @property
    def excerpt(self) -> str: ...
    @property
    def width(self) -> int: ...


class ConfigError(InboxdError):
    """The settings or rules are wrong. `mistakes` are whole lines to print, each saying where, what and what would be right.

    `found` are the same mistakes as they were noted: those that know their place say it in fields.
    """

    def __init__(self, *mistakes: str | Placed) -> None:
        self.found = mistakes
        self.mistakes = tuple(str(mistake) for mistake in mistakes)
        super().__init__("\n".join(self.mistakes))


class BrokenModel(ConfigError):
    """A model that was trained here cannot be loaded."""


class Temporary(InboxdError):
    """Try again later."""


class Permanent(InboxdError):
    """Trying again cannot help; a person must know."""


class UnusableStore(Permanent):
    """The store is damaged, was taken away, or was made by a newer inboxd: nothing may be written to it."""


class InvalidTransition(InboxdError):
    """An event that the life of a case does not know: a bug of ours."""
