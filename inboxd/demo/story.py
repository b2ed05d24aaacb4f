"""What a story of the demo is made of: steps that people take on their own, and reactions to what they find.

The story begins on a Monday. Acme Cycles sells bikes, cargo bikes and locks that open with an app.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from textwrap import dedent

from inboxd.demo.cast import Person

START = datetime(2026, 11, 2, 7, 0, tzinfo=UTC)  # Monday, 8 in the morning in Berlin
FULL_LINE = 64  # where the next word would pass this, a source line was wrapped by the editor, not ended by the writer


def prose(text: str) -> str:
    """Undo the wrapping of the source: paragraphs become one line each, short lines stay lines."""
    rows = dedent(text).strip("\n").split("\n")
    joined = rows[:1]
    for before, row in pairwise(rows):
        if before and row and len(before) + 1 + len(row.split()[0]) > FULL_LINE:
            joined[-1] += " " + row
        else:
            joined.append(row)
    return "\n".join(joined)


class Trick(StrEnum):
    """What is odd about a mail."""

    NONE = ""
    HTML_ONLY = "html_only"
    MISLABELLED = "mislabelled"  # Latin-1 that claims to be UTF-8
    PHOTO = "photo"
    ANSWERS = "answers"  # written as a reply to the newest mail from us in their own mailbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A mail that somebody sends on their own, `at` after the start of the story."""

    number: int
    at: timedelta
    who: Person
    subject: str
    text: str
    cc: tuple[Person, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    trick: Trick = Trick.NONE


class When(StrEnum):
    """What a customer finds in the mailbox: an agent's words, or our question whether it is solved."""

    REPLY = "reply"
    FOLLOW_UP = "follow_up"


class How(StrEnum):
    """Who answers: the customer, their mail server while they are away, or the server that cannot deliver."""

    ANSWER = "answer"
    AWAY = "away"
    BOUNCE = "bounce"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerReaction:
    """What a customer does on the nth mail of this sort (from 1), `after` reading it."""

    customer: Person
    when: When
    text: str
    after: timedelta
    nth: int = 1
    how: How = How.ANSWER


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReaction:
    """What the agent who gets it answers to a mail about this customer in which these words stand.

    `{me}` is the agent's first name. `returned`: the answer to a text that came back unsent.
    """

    customer: Person
    sees: str
    text: str
    after: timedelta
    returned: bool = False


def at(day: int, clock: str) -> timedelta:
    """Say when: day 0 is the Monday; the clock is the one in Berlin (8:00 is the start)."""
    hour, minute = clock.split(":")
    return timedelta(days=day, hours=int(hour) - 8, minutes=int(minute))


def minutes(count: int) -> timedelta:
    """So many minutes after reading it."""
    return timedelta(minutes=count)


def hours(count: float) -> timedelta:
    """So many hours after reading it."""
    return timedelta(hours=count)
