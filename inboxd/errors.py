"""Every error that we raise on purpose.

InboxdError
  ConfigError         the admin can fix it: file, line, what was found, what would be right
    BrokenModel       a model that was trained here cannot be loaded; the shipped one can
  Temporary           try again later; the default for anything unknown
  Permanent           trying again cannot help; a human must know
  InvalidTransition   a bug of ours
"""


class InboxdError(Exception):
    """Something that inboxd knows about went wrong."""


class ConfigError(InboxdError):
    """The settings or rules are wrong. `mistakes` are whole lines to print, each saying where, what and what would be right."""

    def __init__(self, *mistakes: str) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(mistakes))


class BrokenModel(ConfigError):
    """A model that was trained here cannot be loaded."""


class Temporary(InboxdError):
    """Try again later."""


class Permanent(InboxdError):
    """Trying again cannot help; a person must know."""


class InvalidTransition(InboxdError):
    """An event that the life of a case does not know: a bug of ours."""
