"""The numbers that decisions go by and that no rule sets: caps, quiet minutes, what counts as a machine's answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much automatic mail may leave (I4). Beyond a cap nothing leaves and a person is told; questions and what can wait come later."""

    acknowledgements_a_day: int = 1  # to one address
    automatic_a_week: int = 5  # to one address, of all kinds
    case_automatic_a_day: int = 3
    case_mails_an_hour: int = 20  # of any kind, people's too: two robots without a header; as many to an agent outside a case
    mailbox_automatic_in_10_minutes: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """See the fields; the defaults are those of the documentation."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    caps: Caps = Caps()
    gather: timedelta = timedelta(minutes=10)  # new mails of one person within this time are one case
    gather_quiet: timedelta = timedelta(minutes=5)  # the rest is handed over after this much quiet
    answer_within: timedelta = timedelta(hours=24)  # where no rule says
    remind_every: timedelta = timedelta(days=1)  # the agent, after the hour to answer
    hold: timedelta = timedelta(0)  # an agent's words wait so long before they leave: "undo"
    acknowledge_after: timedelta = timedelta(minutes=10)
    same_contact: timedelta = timedelta(minutes=30)  # more mails to a case within this time are one contact
    contacts_kept: timedelta = timedelta(days=90)
    machine_answers_within: timedelta = timedelta(seconds=10)  # of the question's delivery: no person is so quick
    both_answers_within: timedelta = timedelta(minutes=2)  # "yes" and "not yet": a scanner followed both
