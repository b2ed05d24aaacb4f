"""Jobs: what is to be done, and when; a job goes only together with its effects."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.outbox import Outbox
from inboxd.adapters.sqlite.tables import marks, moment, time, when
from inboxd.core.model import Cancel, CaseNo, Deliver, Job, JobKind, JobNo, OutgoingNo, OutgoingState, Schedule


class Jobs(Outbox):
    """The work that waits."""

    def schedule(self, job: Schedule) -> None:
        """Add a job, or move the date of the one with this key."""
        self._db.execute(
            "insert into job (key, kind, case_id, run_at, payload) values (?,?,?,?,?)"
            " on conflict (key) do update set run_at = excluded.run_at, payload = excluded.payload, in_hand = 0, marked = 0, tries = 0,"
            " crashes = 0, parked_at = null, error = ''",
            (job.key, job.kind, job.case, time(job.at), dump(job.payload)),
        )

    def schedule_once(self, job: Schedule) -> None:
        """Add a job unless there is one with this key."""
        if self._one("select 1 as one from job where key = ?", job.key) is None:
            self.schedule(job)

    def _cancel(self, action: Cancel) -> None:
        self._db.execute(
            f"delete from job where case_id = ? and kind in ({marks(action.kinds)}) and in_hand = 0",
            (action.case, *action.kinds),
        )

    def _deliver(self, action: Deliver, now: datetime) -> None:
        """A job of its folder's loop moves each mail; from here on it counts as handed over."""
        for message in action.messages:
            payload = {"message": message, "folder": action.folder, "case": action.case}
            self.schedule(Schedule(kind=JobKind.FILE, key=f"file:{message}", at=now, payload=payload))
            self._db.execute("update message set handed_over = 1 where id = ?", (message,))

    def jobs_of(self, case: CaseNo) -> tuple[JobKind, ...]:
        """The kinds of the jobs that wait for this case."""
        rows = self._all("select kind from job where case_id = ? and parked_at is null order by run_at", case)
        return tuple(JobKind(row["kind"]) for row in rows)

    def waiting_jobs(self, case: CaseNo) -> tuple[Job, ...]:
        """The jobs that wait for this case, with their dates."""
        rows = self._all("select * from job where case_id = ? and parked_at is null and in_hand = 0 order by run_at", case)
        return tuple(
            Job(
                number=JobNo(row["id"]), kind=JobKind(row["kind"]), key=row["key"], run_at=moment(row["run_at"]), case=case,
                payload=json.loads(row["payload"]),
            )
            for row in rows
        )  # fmt: skip

    def due_of(self, case: CaseNo, kind: JobKind) -> datetime:
        """When the case's job of this kind is due; the end of time if there is none."""
        row = self._one("select min(run_at) as at from job where case_id = ? and kind = ? and parked_at is null", case, kind)
        return (when(row["at"]) if row else None) or datetime.max.replace(tzinfo=UTC)

    def take(self, numbers: Sequence[JobNo]) -> None:
        """Mark jobs as in hand: after an unclean stop they are known."""
        self._db.execute(f"update job set in_hand = 1 where id in ({marks(numbers)})", numbers)

    def put_back(self, numbers: Sequence[JobNo]) -> None:
        """These jobs were not touched."""
        self._db.execute(f"update job set in_hand = 0 where id in ({marks(numbers)})", numbers)

    def holds(self, job: Job) -> bool:
        """Whether the job is still in hand: not called off, and not given another date since it was claimed."""
        return self._one("select 1 as one from job where id = ? and in_hand = 1", job.number) is not None

    def done(self, job: Job) -> None:
        """The job is gone, together with its effects; one that was given a new date meanwhile stays."""
        self._db.execute("delete from job where id = ? and in_hand = 1", (job.number,))

    def retry(self, job: Job, at: datetime, error: str, counts: bool = True) -> None:
        """Try again at this time."""
        self._db.execute(
            "update job set in_hand = 0, marked = 0, run_at = ?, tries = tries + ?, error = ? where id = ?",
            (time(at), int(counts), error, job.number),
        )

    def park(self, job: Job, error: str, now: datetime) -> None:
        """A person must look; the job does not block the next one."""
        self._db.execute(
            "update job set in_hand = 0, marked = 0, parked_at = ?, error = ? where id = ?",
            (time(now), error, job.number),
        )

    def unpark(self, number: JobNo, now: datetime) -> bool:
        """Try a parked job again."""
        return self._parked(
            number,
            "update job set parked_at = null, crashes = 0, tries = 0, run_at = ? where id = ?",
            time(now),
            number,
        )

    def drop(self, number: JobNo, now: datetime) -> bool:
        """Give a parked job up; its mail stays stored, and the ledger says what became of it."""
        self._db.execute(
            "update message set kind = 'dropped' where kind = '' and id = (select message from job where id = ? and parked_at is not null)",
            (number,),
        )
        return self._parked(number, "delete from job where id = ?", number)

    def _parked(self, number: JobNo, sql: str, *values: object) -> bool:
        row = self._one("select kind, outgoing from job where id = ? and parked_at is not null", number)
        if not row:
            return False
        if row["outgoing"] is not None:  # sent again, or given up: a person decided
            state = OutgoingState.QUEUED if sql.startswith("update") else OutgoingState.FAILED
            self.set_outgoing(OutgoingNo(row["outgoing"]), state)
        self._db.execute(sql, values)
        return True

    def recover(self, park_after: int) -> None:
        """After an unclean stop: only a job that was alone in its loop's hand can have caused it; sends go by their state."""
        triage = (JobKind.TRIAGE,)
        house = [kind for kind in JobKind if kind not in (JobKind.TRIAGE, JobKind.SEND)]
        for loop in (triage, house):
            rows = self._all(f"select id, crashes from job where in_hand = 1 and kind in ({marks(loop)})", *loop)
            alone = int(len(rows) == 1)
            for row in rows:
                crashes = row["crashes"] + alone
                parked = "run_at" if crashes >= park_after else "null"
                self._db.execute(
                    f"update job set in_hand = 0, marked = 1, crashes = ?, parked_at = {parked},"
                    " error = case when ? >= ? then 'the process ended each time it was worked on' else error end where id = ?",
                    (crashes, crashes, park_after, row["id"]),
                )
        self._db.execute("update job set in_hand = 0 where in_hand = 1")
        self._db.execute("update outgoing set state = 'queued' where state = 'sending'")  # nothing had been sent
