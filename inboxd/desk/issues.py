"""Known issues from the command line: open one, list them, say that one is mended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from inboxd.core.issues import LOOKS_BACK, links_of, without_words
from inboxd.core.model import CloseIssue, IssueLink, IssueNo, KnownIssue, OpenIssue, ToRead
from inboxd.ports import Reader, Transaction

Look = Callable[..., Sequence[Mapping[str, Any]]]


def keys_of_phrases(reader: Reader, phrases: Sequence[str]) -> tuple[str, ...]:
    """The key phrases in what a person typed; by them mails are found, in other forms and languages, too."""
    read = reader.read([ToRead(subject="", new_text=phrase) for phrase in phrases])
    return tuple(dict.fromkeys(phrase.key for scores in read for phrase in scores.key_phrases))


def open_issue(tx: Transaction, issue: KnownIssue, now: datetime) -> bool:
    """Open it with whoever wrote about it lately."""
    numbered = replace(issue, number=tx.next_issue())
    mails = tx.first_mails(issue.mailbox, now - LOOKS_BACK, now + timedelta(microseconds=1), texts=False)
    cases = tuple(link.case for link in links_of(numbered, mails, told=tx.told_cases(issue.mailbox)))
    tx.apply((OpenIssue(issue=numbered, cases=cases),), issue.mailbox, now)
    return True


def close_issue(tx: Transaction, number: IssueNo, text: str, by: str, now: datetime, texts: tuple[tuple[str, str], ...] = ()) -> bool:
    """It is mended: whoever wrote about it is told. False: there is no such issue open. `texts`: the same for each language."""
    issue = tx.issue(number)
    if issue is None or issue.fixed_at is not None:
        return False
    tx.apply((CloseIssue(issue=number, text=text, by=by, texts=texts),), issue.mailbox, now)
    return True


def no_words_for(look: Look, number: int, text: str, texts: Mapping[str, str], own: str) -> list[str]:
    """Say who of those who wrote about it would read these words as they are, for there are none in their language."""
    rows = look(
        "select c.id, c.customer, c.language, l.settled_at from case_issue l join cases c on c.id = l.case_id where l.issue = ?", number
    )
    links = [
        IssueLink(case=row["id"], person=row["customer"], language=row["language"] or "", settled=row["settled_at"] is not None)
        for row in rows
    ]
    return [
        f"no words in '{language}' for {count} {'person' if count == 1 else 'people'} who wrote in it: --in \"{language}: ...\""
        for language, count in without_words(links, text, tuple(texts.items()), own)
    ]


def issues(look: Look) -> list[dict[str, Any]]:
    """All known issues, the latest first, with how many people each is about and how many of them were told."""
    rows = look(
        "select i.id as issue, i.mailbox, i.text, i.keys, i.topic, i.opened_at, i.opened_by, i.fixed_at, i.fixed_text,"
        " (select count(distinct c.customer) from case_issue l join cases c on c.id = l.case_id where l.issue = i.id) as people,"
        " (select count(distinct c.customer) from case_issue l join cases c on c.id = l.case_id where l.issue = i.id"
        " and l.settled_at is not null and l.why = '') as told from issue i order by i.id desc"
    )
    return [{**row, "opened_at": _at(row["opened_at"]), "fixed_at": _at(row["fixed_at"])} for row in map(dict, rows)]


def in_words(found: Sequence[Mapping[str, Any]]) -> str:
    """The list for people."""
    lines = []
    for each in found:
        since = f"since {each['opened_at']}" if each["fixed_at"] is None else f"mended {each['fixed_at']}, {each['told']} told"
        lines.append(f"{each['issue']}  {each['text']}  ({since}; {each['people']} {'person' if each['people'] == 1 else 'people'})")
    return "\n".join(lines) or "no known issue"


def _at(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="minutes")
