"""Teach: what people say was read wrongly, as they type it, and what a new model would do differently. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from inboxd.core.model import Answer, Correction, MessageNo, Sentiment
from inboxd.errors import ConfigError

YES_NO = ("yes", "no")
WORSE = {"en": 0.015, "de": 0.025}  # by so much a figure may fall below the shipped model's: that is chance, the sets are small


def parse_corrections(given: Sequence[str], topics: Iterable[str]) -> dict[str, str]:
    """Read `topic=refund sentiment=upset`; raises ConfigError that says what would be right."""
    allowed: dict[str, tuple[str, ...]] = {
        "topic": tuple(topics),
        "sentiment": tuple(Sentiment),
        "urgent": YES_NO,
        "sensitive": YES_NO,
        "answer": tuple(Answer),
    }
    mistakes: list[str] = []
    found: dict[str, str] = {}
    for each in given:
        name, mark, value = each.partition("=")
        if name not in allowed or not mark:
            near = "" if name in allowed else _near(name, allowed)
            mistakes.append(f"{each}: expected field=value; the fields are {', '.join(allowed)}{near}")
        elif name in found and found[name] != value:
            mistakes.append(f"{each}: {name} is said twice")
        elif value not in allowed[name]:
            mistakes.append(f"{each}: {name} is one of {', '.join(allowed[name])}{_near(value, allowed[name])}")
        else:
            found[name] = value
    if mistakes or not found:
        raise ConfigError(*(mistakes or ["say what is right, for example: topic=refund sentiment=upset"]))
    return found


def _near(word: str, words: Iterable[str]) -> str:
    close = get_close_matches(word, list(words), 1)
    return f" (did you mean {close[0]}?)" if close else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One message with all that people said of it; the last word counts."""

    message: MessageNo
    subject: str
    new_text: str
    labels: Mapping[str, str]
    by: tuple[str, ...]
    number: int  # of the last correction


def lessons(corrections: Iterable[Correction], texts: Mapping[MessageNo, tuple[str, str]]) -> list[Lesson]:
    """Gather the corrections of each message, in the order in which they were last given."""
    labels: dict[MessageNo, dict[str, str]] = {}
    by: dict[MessageNo, dict[str, None]] = {}
    last: dict[MessageNo, int] = {}
    for each in corrections:
        if each.message not in texts:
            continue  # the mail is gone: nothing to learn from
        told = labels.pop(each.message, {})
        labels[each.message] = {**told, each.field: each.value}
        by.setdefault(each.message, {})[each.by] = None
        last[each.message] = each.number
    return [
        Lesson(message=number, subject=texts[number][0], new_text=texts[number][1], labels=told, by=tuple(by[number]), number=last[number])
        for number, told in labels.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A message that the new model reads differently."""

    case: int | None
    message: int
    before: str
    after: str


@dataclass(kw_only=True)
class Comparison:
    """A new model beside the one in force."""

    shipped: Mapping[str, float]
    before: Mapping[str, float]
    after: Mapping[str, float]
    taught: int = 0  # what people said that is right, and the shares of it that each reads so
    taught_before: float = 0.0
    taught_after: float = 0.0
    held_back: int = 0
    held_back_before: float = 0.0
    held_back_after: float = 0.0
    read: int = 0  # messages of the last days, read by both
    changes: list[Change] = field(default_factory=list)

    @property
    def worse(self) -> list[str]:
        """Why the new model is refused; empty: it is not."""
        found = [
            f"{name} falls to {self.after[name]:.3f}, and the shipped model reaches {self.shipped[name]:.3f}"
            for name in GUARDED
            if self.after[name] < self.shipped[name] - WORSE[name[:2]]
        ]
        if self.held_back and self.held_back_after < self.held_back_before:
            found.append(
                f"of the {self.held_back} newest corrections it would get {self.held_back_after:.0%} right,"
                f" the one in force gets {self.held_back_before:.0%}"
            )
        return found

    def in_words(self, most: int = 12) -> str:
        """The table for people."""
        lines = [f"{'':<40} {'shipped':>10} {'in force':>10} {'new':>10}"]
        lines += [f"{name:<40} {self.shipped[name]:>10.3f} {self.before[name]:>10.3f} {self.after[name]:>10.3f}" for name in GUARDED]
        if self.taught:
            told = f"all corrections right (of {self.taught})"
            lines.append(f"{told:<40} {'':>10} {self.taught_before:>10.3f} {self.taught_after:>10.3f}")
        if self.held_back:
            told = f"newest corrections right (of {self.held_back})"
            lines.append(f"{told:<40} {'':>10} {self.held_back_before:>10.3f} {self.held_back_after:>10.3f}")
        lines.append(f"of {self.read} mails of the last 30 days {len(self.changes)} would be read differently")
        for change in self.changes[:most]:
            lines.append(f"  case {change.case or '-'}, message {change.message}: {change.before} -> {change.after}")
        if len(self.changes) > most:
            lines.append(f"  and {len(self.changes) - most} more (--json shows all)")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "shipped": dict(self.shipped),
            "before": dict(self.before),
            "after": dict(self.after),
            "taught": {"count": self.taught, "before": self.taught_before, "after": self.taught_after},
            "held_back": {"count": self.held_back, "before": self.held_back_before, "after": self.held_back_after},
            "read": self.read,
            "changes": [{"case": c.case, "message": c.message, "before": c.before, "after": c.after} for c in self.changes],
            "worse": self.worse,
        }


GUARDED = tuple(
    f"{language}.{name}"
    for language in ("en", "de")
    for name in ("topic.accuracy", "upset.average_precision", "urgent.average_precision", "answer.right")
)
