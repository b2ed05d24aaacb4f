"""Faults of ours that people write about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from inboxd.core.model.names import CaseNo, IssueNo, MailboxName, PersonNo


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIssue:
    """A fault of ours that people write about: what they may know of it, and by which key phrases their mails are found."""

    number: IssueNo
    mailbox: MailboxName
    text: str
    keys: tuple[str, ...] = ()  # as KeyPhrase.key
    topic: str = ""  # only mails of this topic; "": of any
    opened_at: datetime
    opened_by: str = ""
    fixed_at: datetime | None = None
    fixed_text: str = ""
    source: str = ""  # the purpose of the mail that gave the alarm
    texts: tuple[tuple[str, str], ...] = ()  # language -> the words for people who write in it; the others read `text`
    fixed_texts: tuple[tuple[str, str], ...] = ()  # the same of `fixed_text`

    def known_in(self, language: str) -> str:
        """What whoever writes in this language may know: in the words given for it, else in those for all."""
        return dict(self.texts).get(language, self.text)

    def fixed_in(self, language: str) -> str:
        """The same of what is said beside: it is mended."""
        return dict(self.fixed_texts).get(language, self.fixed_text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLink:
    """A case whose customer wrote about a known issue, and what came of telling them."""

    case: CaseNo
    person: PersonNo
    language: str = ""  # in which they wrote
    settled: bool = False  # told, or it is certain that they are not
    why: str = ""  # they were not told; "": they were


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutIssue:
    """What an agent's answer to an alarm, or to a mail about a known issue, is about."""

    issue: KnownIssue  # with number and text where it was opened before, else as it would be opened
    links: tuple[IssueLink, ...] = ()  # who wrote about it

    @property
    def known(self) -> bool:
        """Whether it was opened before."""
        return bool(self.issue.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What is told to somebody who wrote about a known issue that is mended."""

    issue: KnownIssue
    mails: int  # of how many cases theirs is one
    told: bool = False  # this person was told before
