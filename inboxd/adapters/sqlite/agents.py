"""Agents: when they are away, whether they are new, how they sign, and words of theirs that wait for a mentor."""

from __future__ import annotations

from datetime import date, datetime

from inboxd.adapters.sqlite.tables import Tables, moment, time
from inboxd.core.model import Absent, AgentName, CaseNo, EndHold, ForgetSignatures, HeldWords, LearnSignature, MailboxName, MessageNo


class Agents(Tables):
    """What is kept of the people of the team."""

    def absences(self) -> dict[AgentName, tuple[date, date]]:
        """What agents said by mail of their being away: the first and the last day."""
        rows = self._all("select agent, first, last from absence")
        return {AgentName(row["agent"]): (date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) for row in rows}

    def _absent(self, action: Absent, mailbox: MailboxName, now: datetime) -> None:
        first, last = action.first.isoformat(), action.last.isoformat()
        self._db.execute(
            "insert into absence values (?,?,?,?) on conflict (agent) do update set"
            " first = excluded.first, last = excluded.last, at = excluded.at",
            (action.agent, first, last, time(now)),
        )
        self._event("agent.away", mailbox, None, {"agent": action.agent, "first": first, "last": last}, now)

    def greeted(self) -> frozenset[AgentName]:
        """The agents who are no newcomers."""
        return frozenset(AgentName(row["agent"]) for row in self._all("select agent from greeted"))

    def greet(self, agent: AgentName, now: datetime) -> None:
        """This agent is no newcomer any more."""
        self._db.execute("insert into greeted values (?,?) on conflict do nothing", (agent, time(now)))

    def signatures(self, agent: AgentName) -> tuple[str, ...]:
        """What was learnt of an agent's signature: the lines of each."""
        rows = self._all("select lines from signature where agent = ? and forgotten = 0 order by at, lines", agent)
        return tuple(row["lines"] for row in rows)

    def _learn(self, action: LearnSignature, mailbox: MailboxName, message: MessageNo | None, now: datetime) -> None:
        """What the agent forgot comes back only where they see it: in practice."""
        self._db.execute(
            "insert into signature (agent, lines, message, practice, at) values (?,?,?,?,?) on conflict (agent, lines) do update set"
            " forgotten = forgotten and not excluded.practice",
            (action.agent, "\n".join(action.lines), message, action.practice, time(now)),
        )
        data = {"agent": action.agent, "lines": len(action.lines), "practice": action.practice}
        self._event("signature.learnt", mailbox, None, data, now)

    def _forget_signatures(self, action: ForgetSignatures, mailbox: MailboxName, now: datetime) -> None:
        self._db.execute("update signature set forgotten = 1 where agent = ?", (action.agent,))
        self._event("signature.forgotten", mailbox, None, {"agent": action.agent}, now)

    def held_words(self, case: CaseNo) -> tuple[HeldWords, ...]:
        """Words in this case that wait, or waited, for a mentor, oldest first."""
        rows = self._all(
            "select * from held_words where case_id in"
            " (select id from cases where id = ?1 union select id from cases where merged_into = ?1) order by message",
            case,
        )
        return tuple(
            HeldWords(
                message=MessageNo(row["message"]), case=CaseNo(row["case_id"]), agent=AgentName(row["agent"]),
                mentor=AgentName(row["mentor"]), words=row["words"], at=moment(row["at"]), ended=row["ended"],
            )
            for row in rows
        )  # fmt: skip

    def _hold(self, held: HeldWords, mailbox: MailboxName, now: datetime) -> None:
        self._db.execute(
            "insert into held_words values (?,?,?,?,?,?,?) on conflict do nothing",
            (held.message, held.case, held.agent, held.mentor, held.words, time(held.at), held.ended),
        )
        self._event("words.held", mailbox, held.case, {"agent": held.agent, "mentor": held.mentor, "message": held.message}, now)

    def _end_hold(self, action: EndHold, mailbox: MailboxName, now: datetime) -> None:
        """Released words are their agent's in the story, from the mail in which they were written."""
        row = self._one("select * from held_words where message = ? and ended = ''", action.message)
        if row is None:
            return
        self._db.execute("update held_words set ended = ? where message = ?", (action.how, action.message))
        if action.how == "released":
            self._db.execute("update message set role = 'agent' where id = ?", (action.message,))
            self._db.execute("update reading set new_text = ? where message = ?", (row["words"], action.message))
        self._event("words.no_longer_held", mailbox, row["case_id"], {"agent": row["agent"], "how": action.how}, now)
