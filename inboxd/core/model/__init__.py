"""The nouns: message, person, case, situation, decision. Plain frozen data; everything else is a function over it.

All are imported from here; the modules are cut by subject, to be read.
"""

from inboxd.core.model.case import Case, CaseEvent, CaseState, FirstMail, Outcome, PastCase, Person, Promise, Role, StoryLine
from inboxd.core.model.decision import (
    Absent,
    Action,
    Advance,
    Assign,
    Cancel,
    ChangePerson,
    CloseIssue,
    Correct,
    Decision,
    Deliver,
    DropReader,
    EndHold,
    ForgetSignatures,
    HoldWords,
    Join,
    Label,
    LearnSignature,
    LinkIssue,
    Log,
    MarkOutgoing,
    Merge,
    NotSameAs,
    OpenCase,
    OpenIssue,
    Park,
    Restore,
    SameAs,
    Schedule,
    Send,
    SettleIssue,
    Split,
    TakeBack,
    Withdraw,
)
from inboxd.core.model.issue import AboutIssue, IssueLink, KnownIssue, Mended
from inboxd.core.model.job import Job, JobKind
from inboxd.core.model.mail import Address, Attachment, Bounce, Directory, File, Kind, Message, RawMessage, Screening, SpeaksForOthers
from inboxd.core.model.names import (
    AgentName,
    CaseNo,
    IssueNo,
    JobNo,
    MailboxName,
    MessageId,
    MessageNo,
    OutgoingNo,
    PersonNo,
    TeamName,
    TopicName,
)
from inboxd.core.model.outgoing import Enclose, Letter, Outgoing, OutgoingKind, OutgoingState, SentMessage, Verdict
from inboxd.core.model.reading import Answer, Correction, KeyPhrase, Phrase, Reading, Scores, Sentiment, ToRead, Understood
from inboxd.core.model.situation import (
    AgentProof,
    AnswerProof,
    Candidate,
    Counts,
    HeldWords,
    Leak,
    MailboxFacts,
    Mode,
    OutsideThread,
    ProofKind,
    Released,
    Situation,
    Unsaid,
)
