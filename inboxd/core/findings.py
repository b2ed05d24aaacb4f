"""What a period taught us: the figures, people and drivers that the report and the weekly mail show. Plain data; `measure` makes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from inboxd.core.model import AgentName, CaseNo, MailboxName, MessageNo, PersonNo, TeamName


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `of`, with the 95 % Wilson interval of the share (0..1) and the cases behind the count. `of` 0: nothing can be said."""

    count: int
    of: int
    low: float
    high: float
    cases: tuple[CaseNo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A share now and in the period of the same length before; `changed` only where the difference is beyond its doubt."""

    now: Share
    before: Share
    changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A person who is unhappy with us today, who looks after them, and what was promised last (in the agent's words)."""

    case: CaseNo
    customer: PersonNo
    name: str
    subject: str
    agent: AgentName | None
    agent_name: str
    promised: str = ""
    promised_by: str = ""  # who said it, where that is somebody else than who looks after them
    since: datetime | None = None


def people_of(waiting: Iterable[Waiting]) -> set[PersonNo]:
    """Who they are: somebody may wait in several cases."""
    return {each.customer for each in waiting}


@dataclass(frozen=True, slots=True, kw_only=True)
class WonBack:
    """A person who was upset or said that it was not solved, and later said that it is, in their own words."""

    case: CaseNo
    name: str
    mails: int
    words: str
    agents: tuple[str, ...] = ()
    message: MessageNo | None = field(default=None, compare=False)  # in which the words stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Thanks:
    """What somebody thanked for, in their words, and whom."""

    case: CaseNo
    name: str
    agent_name: str
    words: str
    message: MessageNo | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why we had to say no, how often, and how many of these people said that they are unhappy or never came back."""

    reason: str
    count: int
    unhappy: int
    cases: tuple[CaseNo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leeway:
    """What agents gave (`gave: 20 EUR`), how often, and how many of these people were won back."""

    what: str
    count: int
    won_back: int
    cases: tuple[CaseNo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAnswer:
    """An answer of the rules: in how many cases it was offered, in how many it solved the matter and in how many it did not, as told.

    The others have said nothing of it.
    """

    name: str
    count: int
    helped: int
    missed: int
    cases: tuple[CaseNo, ...] = ()
    helped_cases: tuple[CaseNo, ...] = ()
    missed_cases: tuple[CaseNo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """What people wrote about, below topics: its key phrases, how many people now and before, how many upset, in their own words."""

    key: str  # stable: the stems of its phrases
    name: str  # as shown: the commonest wording of its strongest phrase
    topic: str
    phrases: tuple[str, ...]
    people: int
    before: int
    upset: int
    changed: bool  # beyond doubt against the period before
    compared: bool = True  # False: there is no mail from before that whole period, so that nothing is known of it
    trend: tuple[int, ...] = ()  # people a week, oldest first
    samples: tuple[str, ...] = ()  # sentences of customers, names and addresses masked
    answerable: int = 0  # how many could have read it in an answer of rules/answers.yaml
    answer: str = ""  # the name of that answer
    owner: str = ""
    mended_on: date | None = None
    mended: str = ""  # what was mended then, in the words of whoever did it: "the new page"
    a_week_before: float = 0.0  # people a week before the mend date, and since, with the interval of the ratio
    a_week_since: float = 0.0
    ratio_low: float = 0.0
    ratio_high: float = 0.0
    cases: tuple[CaseNo, ...] = ()
    fits_no_topic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """All of one period, of one mailbox, team, or of everything."""

    brand: str
    first: date
    last: date  # included
    mailbox: MailboxName | None
    team: TeamName | None
    people: int  # who wrote
    people_before: int
    watches: bool = False  # a mailbox in mode watch is among them: who waits there is not known
    still_unhappy: tuple[Waiting, ...] = ()
    won_back: tuple[WonBack, ...] = ()
    upset_people: int = 0  # who were upset in the period, or said that it was not solved
    upset_calm: int = 0  # of them: only said that it was not solved
    upset_solved: int = 0  # of them: say that it is solved
    upset_silent: int = 0  # have not told us
    asked: int = 0
    unclear: int = 0  # of them: answered, and neither yes nor no; a person read it
    satisfied: Compared | None = None  # of those who answered the question
    response: Share | None = None  # answered, of those asked
    dissatisfied_mended: int = 0  # of the dissatisfied: satisfied since
    wrote_again: Compared | None = None  # people who had to write again about the same within the repeat window
    first_contact: Compared | None = None  # resolved with one contact and one answer, and not reopened
    reopened: Compared | None = None
    win_back: Compared | None = None  # of those who were upset or said no: say that it is solved
    unheard: tuple[Waiting, ...] = ()  # wait longer than we said
    feelings: dict[str, dict[str, int]] = field(default_factory=dict)  # feeling of the first mail -> feeling of the last -> cases
    drivers: tuple[Driver, ...] = ()
    mend_first: Driver | None = None
    got_better: tuple[Driver, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    leeway: tuple[Leeway, ...] = ()
    answers: tuple[OfferedAnswer, ...] = ()
    thanks: tuple[Thanks, ...] = ()
    satisfied_by_week: tuple[tuple[date, Share], ...] = ()
    repeat_days: int = 14  # the repeat window of `wrote_again`
    cases_of: dict[str, tuple[CaseNo, ...]] = field(default_factory=dict)  # behind a bare number, by its name in the report's rows
    names: dict[PersonNo, str] = field(default_factory=dict)
    subjects: dict[CaseNo, tuple[str, str]] = field(default_factory=dict)  # case -> name, subject: for the lists
