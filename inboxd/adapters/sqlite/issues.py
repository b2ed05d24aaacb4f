"""Known issues: faults of ours that people write about, and who is told when they are mended."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.jobs import Jobs
from inboxd.adapters.sqlite.tables import moment, time, when
from inboxd.core.issues import TELL_EVERY, in_turn
from inboxd.core.model import (
    CaseNo,
    CloseIssue,
    IssueLink,
    IssueNo,
    JobKind,
    KnownIssue,
    MailboxName,
    OpenIssue,
    PersonNo,
    Schedule,
    SettleIssue,
)


class Issues(Jobs):
    """Faults of ours, and the cases that are about them."""

    def issue(self, number: IssueNo) -> KnownIssue | None:
        """A known issue, open or mended."""
        row = self._one("select * from issue where id = ?", number)
        return _issue(row) if row else None

    def open_issues(self, mailbox: MailboxName) -> tuple[KnownIssue, ...]:
        """The known issues of this mailbox that are not mended, oldest first."""
        return tuple(_issue(row) for row in self._all("select * from issue where mailbox = ? and fixed_at is null order by id", mailbox))

    def issue_from(self, source: str) -> KnownIssue | None:
        """The issue that was opened in answer to this alarm."""
        row = self._one("select * from issue where source = ? order by id desc limit 1", source)
        return _issue(row) if row else None

    def next_issue(self) -> IssueNo:
        """The number that a new issue would get."""
        row = self._one("select coalesce(max(id), 0) + 1 as n from issue")
        assert row
        return IssueNo(row["n"])

    def issues_of(self, case: CaseNo) -> frozenset[IssueNo]:
        """The issues that a case, or one merged into it, is about."""
        rows = self._all("select issue from case_issue where case_id in (select id from cases where id = ?1 or merged_into = ?1)", case)
        return frozenset(IssueNo(row["issue"]) for row in rows)

    def told_cases(self, mailbox: MailboxName) -> frozenset[CaseNo]:
        """The cases whose customer heard that an issue is mended, and has not written in them since."""
        rows = self._all(
            "select l.case_id from case_issue l join issue i on i.id = l.issue"
            " where i.mailbox = ? and l.settled_at is not null and l.why = '' and not exists"
            " (select 1 from message m where m.case_id = l.case_id and m.role = 'customer' and m.received_at > l.settled_at)",
            mailbox,
        )
        return frozenset(CaseNo(row["case_id"]) for row in rows)

    def issue_links(self, issue: IssueNo) -> tuple[IssueLink, ...]:
        """The cases that are about an issue, with the customers whom we know them by now."""
        rows = self._all(
            "select i.*, c.customer, c.language from case_issue i join cases c on c.id = i.case_id where i.issue = ? order by i.case_id",
            issue,
        )
        return tuple(
            IssueLink(
                case=CaseNo(row["case_id"]), person=PersonNo(row["customer"]), language=row["language"] or "",
                settled=row["settled_at"] is not None, why=row["why"],
            )
            for row in rows
        )  # fmt: skip

    def _open_issue(self, action: OpenIssue, now: datetime) -> None:
        """One that is open gets the new text and keeps the day since when it is known."""
        i = action.issue
        before = self._one("select 1 as one from issue where id = ?", i.number)
        self._db.execute(
            "insert into issue (id, mailbox, text, keys, topic, opened_at, opened_by, source, texts, fixed_texts)"
            " values (?,?,?,?,?,?,?,?,?,?)"
            " on conflict (id) do update set text = excluded.text, texts = excluded.texts, fixed_texts = excluded.fixed_texts",
            (
                i.number,
                i.mailbox,
                i.text,
                dump(list(i.keys)),
                i.topic,
                time(i.opened_at),
                i.opened_by,
                i.source,
                dump(dict(i.texts)),
                dump(dict(i.fixed_texts)),
            ),
        )
        for case in action.cases:
            self._link_issue(i.number, case, now)
        data = {"issue": i.number, "by": i.opened_by, "cases": len(action.cases)}
        self._event("issue.reworded" if before else "issue.opened", i.mailbox, None, data, now)

    def _link_issue(self, issue: IssueNo, case: CaseNo, now: datetime) -> None:
        self._db.execute("insert into case_issue (issue, case_id, at) values (?,?,?) on conflict do nothing", (issue, case, time(now)))

    def _settle_issue(self, action: SettleIssue, now: datetime) -> None:
        self._db.execute(
            "update case_issue set settled_at = ?, why = ? where issue = ? and case_id = ?",
            (time(now), action.why, action.issue, action.case),
        )

    def _close_issue(self, action: CloseIssue, mailbox: MailboxName, now: datetime) -> None:
        """Closed once: each case gets its job, spread over time, of each person the latest case first."""
        cursor = self._db.execute(
            "update issue set fixed_at = ?, fixed_text = ?, fixed_texts = ? where id = ? and fixed_at is null",
            (time(now), action.text, dump(dict(action.texts)), action.issue),
        )
        if cursor.rowcount != 1:
            return
        tell_from = action.tell_from or now
        for place, case in enumerate(in_turn(self.issue_links(action.issue))):
            self.schedule(
                Schedule(
                    kind=JobKind.MENDED, key=f"{JobKind.MENDED}:{action.issue}:{case}", at=tell_from + place * TELL_EVERY, case=case,
                    payload={"issue": action.issue},
                )
            )  # fmt: skip
        self._event("issue.closed", mailbox, None, {"issue": action.issue, "by": action.by}, now)


def _issue(row: sqlite3.Row) -> KnownIssue:
    return KnownIssue(
        number=IssueNo(row["id"]),
        mailbox=MailboxName(row["mailbox"]),
        text=row["text"],
        keys=tuple(json.loads(row["keys"])),
        topic=row["topic"],
        opened_at=moment(row["opened_at"]),
        opened_by=row["opened_by"],
        fixed_at=when(row["fixed_at"]),
        fixed_text=row["fixed_text"],
        source=row["source"],
        texts=tuple(json.loads(row["texts"]).items()),
        fixed_texts=tuple(json.loads(row["fixed_texts"]).items()),
    )
