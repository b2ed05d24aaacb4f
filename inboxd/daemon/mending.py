"""Known issues: what an answer to an alarm is about, what is told when it is mended, and what the lead hears of that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from inboxd.core.issues import LOOKS_BACK, RESOLVED, keys_of_alarm, links_of, not_told
from inboxd.core.letters import full_name, to_agent, to_lead
from inboxd.core.model import AboutIssue, AgentName, Case, CaseNo, IssueNo, Job, KnownIssue, Letter, MailboxFacts, Mended, Situation
from inboxd.core.rulebook import Rulebook
from inboxd.logs import log
from inboxd.ports import Transaction


def about_issue(tx: Transaction, s: Situation) -> AboutIssue | None:
    """The issue that an agent's mail is about: by the mail of ours that it answers, if that went to this agent."""
    sent = s.replied_to
    if sent is None or s.agent_proof is None or sent.agent != s.agent_proof.agent:
        return None
    what, _, rest = sent.purpose.partition(":")
    if what == "issue":
        found = tx.issue(IssueNo(int(rest.partition(":")[0])))
    elif what == "spike":
        found = tx.issue_from(sent.purpose)
    else:
        return None
    if found is not None:
        return AboutIssue(issue=found, links=tx.issue_links(found.number))
    return _of_alarm(tx, s, sent.purpose, sent.sent_at or s.now)


def _of_alarm(tx: Transaction, s: Situation, purpose: str, told_at: datetime) -> AboutIssue | None:
    """An issue as it would be opened now, with whoever wrote about it."""
    alarms = tx.events(("spike.found",), s.mailbox.name, told_at - timedelta(days=1))
    alarm = next((each for each in alarms if each["purpose"] == purpose), None)
    if alarm is None:
        return None
    cases: frozenset[CaseNo] = frozenset(alarm["cases"])  # type: ignore[call-overload]  # a list, as the alarm was written
    keys: tuple[str, ...] = tuple(alarm["keys"])  # type: ignore[arg-type]  # the same
    mails = tx.first_mails(s.mailbox.name, told_at - LOOKS_BACK, s.now + timedelta(microseconds=1), texts=False)
    issue = KnownIssue(
        number=tx.next_issue(), mailbox=s.mailbox.name, text="", opened_at=s.now, source=purpose,
        keys=keys_of_alarm(keys, [mail for mail in mails if mail.case in cases]),
    )  # fmt: skip
    return AboutIssue(issue=issue, links=links_of(issue, mails, cases, told=tx.told_cases(s.mailbox.name)))


def what_to_tell(tx: Transaction, job: Job, case: Case) -> Mended | None:
    """The facts of a mail that says that something is mended."""
    issue = tx.issue(IssueNo(int(str(job.payload["issue"]))))
    if issue is None:
        return None
    links = tx.issue_links(issue.number)
    told = any(link.person == case.customer and link.settled and not link.why for link in links)
    return Mended(issue=issue, mails=len(links), told=told)


def tell_lead(tx: Transaction, job: Job, mailbox: MailboxFacts, book: Rulebook, admin: str) -> Iterator[Letter]:
    """Once the last one is settled: how many were told, and how many were not and why."""
    issue = tx.issue(IssueNo(int(str(job.payload["issue"]))))
    links = tx.issue_links(issue.number) if issue else ()
    if issue is None or not all(link.settled for link in links):
        return
    told, reasons = not_told(links)
    log("issue.told", issue=issue.number, people=told, not_told=sum(count for _, count in reasons))
    yield to_lead(
        mailbox, book, admin, template="issue", purpose=f"issue:{issue.number}:told",
        subject=f"Mended: {told} {'person was' if told == 1 else 'people were'} told",
        values={"variant": "told", "people": told, "text": issue.text, "fixed": issue.fixed_text, "left_out": (), "reasons": reasons,
                "missing": (), "waits": 0},
    )  # fmt: skip


def tell_holder(tx: Transaction, job: Job, case: Case, mailbox: MailboxFacts, book: Rulebook) -> Iterator[Letter]:
    """Once the last case of whoever has this one is settled: in which of theirs they need not write."""
    issue, holder = tx.issue(IssueNo(int(str(job.payload["issue"])))), book.agents.get(case.assignee or AgentName(""))
    if issue is None or issue.fixed_at is None or holder is None:
        return
    waiting = (tx.case(link.case) for link in tx.issue_links(issue.number) if not link.settled)
    if any(each is not None and each.assignee == holder.name for each in waiting):
        return
    happened = tx.events((RESOLVED,), issue.mailbox, issue.fixed_at)
    theirs = [tx.case(CaseNo(int(str(each["case"])))) for each in happened if (each["issue"], each["agent"]) == (issue.number, holder.name)]
    if theirs:
        people = [
            {"name": full_name(tx.person(each.customer)), "subject": each.subject, "case": each.number}
            for each in theirs
            if each is not None
        ]
        subject = f"Mended: {len(people)} {'person was' if len(people) == 1 else 'people were'} told"
        values: dict[str, object] = {"people": people, "text": issue.text, "fixed": issue.fixed_text}
        purpose = f"mended_with:{issue.number}:{holder.name}"
        yield to_agent(mailbox, holder, template="issue_holder", purpose=purpose, subject=subject, values=values)
