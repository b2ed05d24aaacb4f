"""Known issues: whose mails are about a fault of ours that is being mended, and who hears that it is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

from inboxd.core.follow_up import SENSITIVE
from inboxd.core.lettering import reachable
from inboxd.core.model import (
    Case,
    CaseNo,
    CaseState,
    FirstMail,
    IssueLink,
    KnownIssue,
    LinkIssue,
    Mended,
    Mode,
    Outcome,
    PersonNo,
    Situation,
)
from inboxd.core.screen import is_of_a_list

LOOKS_BACK = timedelta(days=7)  # before an issue is opened: who wrote about it then is one of them
TELL_EVERY = timedelta(seconds=10)
TRANSLATE_WITHIN = timedelta(minutes=30)  # nobody is told before, where words in some people's language are missing
SHARE = 0.2  # of an alarm's mails in which a phrase must stand to find others by it
RESOLVED = "issue.resolved"  # the event: a case that somebody owed an answer in was resolved, for what it is about is mended
TOLD_BEFORE = "told"  # in another case of the same person: no reason that anybody needs to hear


def keys_of_alarm(keys: Collection[str], mails: Sequence[FirstMail]) -> tuple[str, ...]:
    """The phrases by which more of the same are found: pairs of words that enough of the alarm's mails share, one word where no pair does.

    One word alone stands in many a mail that is about something else.
    """
    wanted = {word for key in keys for word in key.split()}
    seen = Counter(key for mail in mails for key in {phrase.key for phrase in mail.key_phrases} if not wanted.isdisjoint(key.split()))
    often = sorted(key for key, count in seen.items() if count >= max(2, SHARE * len(mails)))
    return tuple(key for key in often if " " in key) or tuple(often)


def is_about(issue: KnownIssue, keys: Collection[str], topic: str) -> bool:
    """Whether a mail with these key phrases and this topic is about the issue."""
    if issue.topic not in ("", topic):
        return False
    phrases = [set(key.split()) for key in keys]
    return any(set(key.split()) <= phrase for key in issue.keys for phrase in phrases)


def links_of(
    issue: KnownIssue, mails: Sequence[FirstMail], also: Collection[CaseNo] = (), *, told: Collection[CaseNo] = ()
) -> tuple[IssueLink, ...]:
    """Whoever wrote about it, those of the alarm among them.

    `told`: whose customers heard of an issue that it is mended. It came again: they have nothing new to hear of their old mail.
    """
    return tuple(
        IssueLink(case=mail.case, person=mail.person, language=mail.language)
        for mail in mails
        if mail.case not in told and (mail.case in also or is_about(issue, {phrase.key for phrase in mail.key_phrases}, mail.topic))
    )


def linked(situation: Situation, case: CaseNo) -> tuple[LinkIssue, ...]:
    """This case is about the known issues that its customer's mail is about."""
    return tuple(LinkIssue(issue=issue.number, case=case) for issue in situation.issues)


def without_words(links: Sequence[IssueLink], text: str, texts: Sequence[tuple[str, str]], own: str) -> tuple[tuple[str, int], ...]:
    """In which languages people wrote and have no words, with how many they are. `own`: that of words for all."""
    there = dict(texts)
    languages = {own, *there} if text not in there.values() else set(there)
    wrote = {link.person: link.language for link in links if not link.settled}
    missing = Counter(language for language in wrote.values() if language not in ("", "unknown", *languages)) if text else Counter()
    return tuple(sorted(missing.items(), key=lambda item: (-item[1], item[0])))


def in_turn(links: Sequence[IssueLink]) -> tuple[CaseNo, ...]:
    """In which order cases are told: of each person the latest one first, so that the others find that it is done."""
    by_person: dict[PersonNo, list[CaseNo]] = defaultdict(list)
    for link in sorted(links, key=lambda link: -link.case):
        by_person[link.person].append(link.case)
    turns = [(place, case) for cases in by_person.values() for place, case in enumerate(cases)]
    return tuple(case for _, case in sorted(turns))


def why_not(situation: Situation, case: Case, mended: Mended) -> str:
    """Why this customer is not told by a machine, "" if they are."""
    person = situation.customer
    if mended.told:
        return TOLD_BEFORE
    if situation.mailbox.mode is not Mode.FULL:
        return "mode"
    if person is None or not reachable(person.email) or is_of_a_list(person.email):
        return "unreachable"
    if SENSITIVE in case.labels:
        return "sensitive"
    if person.no_follow_up:
        return "opted_out"
    if case.no_follow_up:
        return "quiet"
    if case.state is CaseState.CLOSED and case.outcome in (Outcome.SATISFIED, Outcome.WON_BACK):
        return "solved"
    if situation.owed:
        return "person"  # after a bad answer the next thing they read is from a person
    return ""


def people(links: Sequence[IssueLink]) -> int:
    """How many people these are."""
    return len({link.person for link in links})


def not_told(links: Sequence[IssueLink]) -> tuple[int, tuple[tuple[str, int], ...]]:
    """How many people were told, and how many were not, by the reason."""
    told = {link.person for link in links if link.settled and not link.why}
    reasons: dict[PersonNo, str] = {}
    for link in links:
        if link.settled and link.person not in told and link.why != TOLD_BEFORE:
            reasons.setdefault(link.person, link.why)
    return len(told), tuple(sorted(Counter(reasons.values()).items(), key=lambda item: (-item[1], item[0])))
