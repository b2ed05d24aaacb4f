"""One transaction: the writing down of what a decision says, and by its parts all that a decision needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from inboxd.adapters.sqlite.agents import Agents
from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.issues import Issues
from inboxd.adapters.sqlite.ledger import Ledger
from inboxd.adapters.sqlite.people import People
from inboxd.adapters.sqlite.stories import Stories
from inboxd.adapters.sqlite.tables import time
from inboxd.core.model import (
    Absent,
    Action,
    Advance,
    Assign,
    Cancel,
    CaseNo,
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
    MailboxName,
    MarkOutgoing,
    Merge,
    MessageNo,
    NotSameAs,
    OpenCase,
    OpenIssue,
    Promise,
    Restore,
    Role,
    SameAs,
    Schedule,
    Send,
    SettleIssue,
    Situation,
    Split,
    TakeBack,
    Withdraw,
)


class SqliteTransaction(Ledger, People, Agents, Stories, Issues):
    """See `ports.Transaction`. Only `SqliteStore.transaction` makes one that may write."""

    def record(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write message, reading, decision, case, people, events and jobs."""
        u, r = situation.understood, situation.understood.reading
        self._db.execute(
            "insert into reading values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) on conflict (message) do update set new_text = excluded.new_text",
            (
                u.number,
                r.model,
                u.screening.kind,
                r.language,
                r.topic,
                r.topic_sure,
                dump(r.topics),
                r.sentiment,
                r.upset,
                r.urgent,
                r.sensitive,
                r.thanks_only,
                r.answer,
                dump(r.phrases),
                r.new_text if decision.words is None else decision.words,
                dump([(phrase.key, phrase.text) for phrase in r.key_phrases]),
            ),
        )
        self.apply(decision.actions, u.mailbox, situation.now, u.number)
        self._heard(situation, decision)
        if decision.case is not None:
            self._remember_ids(situation, decision.case)
        self._decided(situation, decision, ruleset, u.number)

    def record_due(self, situation: Situation, decision: Decision, ruleset: str) -> None:
        """Write what was decided about a date of a case, with its facts and its reasons."""
        self.apply(decision.actions, situation.case.mailbox if situation.case else situation.mailbox.name, situation.now)
        if decision.actions:
            self._decided(situation, decision, ruleset, None)

    def apply(self, actions: Sequence[Action], mailbox: MailboxName, now: datetime, message: MessageNo | None = None) -> None:
        """Write the actions in order; letters and parking are left to the daemon."""
        given: Assign | None = None  # with the case itself: its row is written once
        for action in actions:
            match action:
                case OpenCase():
                    given = next((each for each in actions if isinstance(each, Assign) and each.case == action.case.number), None)
                    self._open(action, given, mailbox, now)
                case Join():
                    self._join(action, now)
                case Advance():
                    self._advance(action, mailbox, message, now)
                case Assign():
                    self._assign(action, mailbox, now, is_new=action is given)
                case Label():
                    self._label(action)
                case Correct():
                    self.correct(action.case, action.values, action.by, now)
                case Merge():
                    self._merge(action, mailbox, now)
                case Split():
                    self._split(action, mailbox, now)
                case SameAs():
                    self._same_as(action, mailbox, now)
                case NotSameAs():
                    self._not_same_as(action, mailbox, now)
                case Promise():
                    self._promise(action)
                case TakeBack():
                    self._take_back(action, now)
                case Absent():
                    self._absent(action, mailbox, now)
                case DropReader():
                    self._drop_reader(action)
                case OpenIssue():
                    self._open_issue(action, now)
                case LinkIssue():
                    self._link_issue(action.issue, action.case, now)
                case CloseIssue():
                    self._close_issue(action, mailbox, now)
                case SettleIssue():
                    self._settle_issue(action, now)
                case Withdraw():
                    self._withdraw(action)
                case Restore():
                    self._restore(action, now)
                case LearnSignature():
                    self._learn(action, mailbox, message, now)
                case ForgetSignatures():
                    self._forget_signatures(action, mailbox, now)
                case HoldWords():
                    self._hold(action.held, mailbox, now)
                case EndHold():
                    self._end_hold(action, mailbox, now)
                case Log():
                    self._event(action.kind, mailbox, action.case, action.data, now)
                case Schedule():
                    self.schedule(action)
                case Cancel():
                    self._cancel(action)
                case Deliver():
                    self._deliver(action, now)
                case ChangePerson():
                    self._change_person(action)
                case MarkOutgoing():
                    self._mark_outgoing(action)
                case _:
                    pass  # Send and Park: not the store's to carry out

    def _heard(self, situation: Situation, decision: Decision) -> None:
        """Complete the message's row: who wrote what, and the case that it joined, all at once."""
        u, sender = situation.understood, situation.understood.message.sender
        who = situation.person.number if situation.person else None
        columns = "message_id = ?, kind = ?, sender = ?, name = ?, subject = ?, agent = ?"
        values = (u.message.message_id, u.screening.kind, sender.email, sender.name, u.message.subject, situation.agent)
        joined = next((action for action in reversed(decision.actions) if isinstance(action, Join)), None)
        if joined is None:
            self._db.execute(f"update message set {columns}, person = ? where id = ?", (*values, who, u.number))
            return
        if who is None and joined.role is Role.CUSTOMER:
            row = self._one("select customer from cases where id = ?", joined.case)
            who = row["customer"] if row else None
        self._db.execute(
            f"update message set {columns}, person = ?, case_id = ?, role = ?, contact = ? where id = ?",
            (*values, who, joined.case, joined.role or "", joined.contact, u.number),
        )

    def _decided(self, situation: Situation, decision: Decision, ruleset: str, message: MessageNo | None) -> None:
        plain = [action for action in decision.actions if not isinstance(action, Send)]
        letters = [action.letter.purpose for action in decision.actions if isinstance(action, Send)]
        self._db.execute(
            "insert into decision (message, case_id, at, ruleset, model, facts_json, actions, because, trace) values (?,?,?,?,?,?,?,?,?)",
            (
                message,
                decision.case,
                time(situation.now),
                ruleset,
                situation.understood.reading.model,
                dump(situation),
                dump([*plain, *letters]),
                dump(decision.because),
                dump(decision.trace),
            ),
        )

    def _remember_ids(self, situation: Situation, case: CaseNo) -> None:
        message = situation.understood.message
        ids = {i for i in (message.message_id, *message.in_reply_to, *message.references) if i}
        ours = self.sent(list(ids))
        rows = [(i, case) for i in ids if i not in ours]  # ours are found by the outgoing table
        self._db.executemany("insert into thread_id values (?,?) on conflict do nothing", rows)

    def remember_ruleset(self, hash_: str, files: str, now: datetime) -> None:
        """Keep the rules that decisions name."""
        self._db.execute("insert into ruleset values (?,?,?) on conflict do nothing", (hash_, time(now), files))
