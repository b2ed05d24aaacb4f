"""Work with a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from inboxd.core.model.names import CaseNo, JobNo, MessageNo, OutgoingNo


class JobKind(StrEnum):
    """The kinds of work; a workflow is the state of a case and its next job."""

    TRIAGE = "triage"  # understand and decide one message
    SEND = "send"  # hand one outgoing message to SMTP
    HAND_OVER = "hand_over"  # give the agent, together, what one person wrote within ten minutes
    ACKNOWLEDGE = "acknowledge"  # say that the mail is here, if nobody has answered meanwhile
    ASK = "ask"  # the follow-up question
    REMIND = "remind"  # the same question once more
    SILENCE = "silence"  # our answer was followed by silence: resolve
    WAKE = "wake"  # the day until which an agent put off a case in which we wait: it is theirs again
    CLOSE = "close"  # nobody answered the question: close as unknown
    ESCALATE = "escalate"  # the hour to answer has come
    DIGEST = "digest"  # the daily mail of mode watch, the morning list
    WEEKLY = "weekly"  # what last week taught us, to the lead
    UNFETCHED = "unfetched"  # a mail that the server would not give: the lead is told
    PROMISE = "promise"  # the morning of a day that an agent named to the customer
    PASS_ON = "pass_on"  # an agent gives the case to somebody else
    SHARE_OUT = "share_out"  # hand out what waits for somebody, take over from who is away, give back
    REDECIDE = "redecide"  # the admin asks: what would today's rules do with this open case?
    TRY_RULES = "try_rules"  # the admin mailed rules: check them and replay the past under them
    FILE = "file"  # move a mail into the folder that a rule names, or into that of the team which has the case
    RESOLVE = "resolve"  # a person moved a mail into the folder of what is done
    SPIKES = "spikes"  # do far more people than usual write about one thing?
    MENDED = "mended"  # tell who wrote about a known issue that it is mended, and ask
    AUDIT = "audit"  # I11: every open case has an assignee, a due date and a next job


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work with a date, claimed by us."""

    number: JobNo
    kind: JobKind
    key: str
    run_at: datetime
    case: CaseNo | None = None
    message: MessageNo | None = None
    outgoing: OutgoingNo | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    tries: int = 0
    crashes: int = 0
    marked: bool = False  # was in hand at an unclean stop: taken singly
