"""Mail as it came in: sightings, stored messages with their bytes, how far each folder is read, and what is to be filed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from inboxd.adapters.sqlite.dump import dump
from inboxd.adapters.sqlite.tables import Tables, moment, time, when
from inboxd.core.model import CaseNo, JobKind, JobNo, MailboxName, MessageId, MessageNo, Mode
from inboxd.ports import FILED, Cursor, Fetched, Filing, Folder, Listed, MailboxState, SightingState


class Ledger(Tables):
    """Every mail that was ever listed, and what became of it."""

    def see(
        self, mailbox: MailboxName, folder: Folder, item: Fetched, content_hash: str, now: datetime, read_at: datetime | None = None
    ) -> MessageNo | None:
        """Write the ledger row; a new mail also gets its raw bytes and a triage job, due at `read_at`."""
        listed, message, state = item.listed, None, item.state
        known = self._one(
            "select 1 as one from sighting where mailbox = ? and folder = ? and uidvalidity = ? and uid = ?",
            mailbox,
            folder.name,
            folder.uidvalidity,
            listed.uid,
        )
        if known:
            return None
        fresh = False
        if item.raw is not None:
            message = self.stored_as(content_hash)
            if message is not None:
                state = SightingState.COPY
            else:
                message, fresh = self._store(mailbox, folder.name, item, content_hash, now, read_at or now), True
        self._db.execute(
            "insert into sighting (mailbox, folder, uidvalidity, uid, message, state, internaldate, size, identity, at, why)"
            " values (?,?,?,?,?,?,?,?,?,?,?)",
            (
                mailbox,
                folder.name,
                folder.uidvalidity,
                listed.uid,
                message,
                state,
                time(listed.internaldate),
                listed.size,
                listed.identity,
                time(now),
                item.why,
            ),
        )
        return message if fresh else None

    def stored_as(self, content_hash: str) -> MessageNo | None:
        """The stored message with this content."""
        row = self._one("select id from message where content_hash = ?", content_hash)
        return MessageNo(row["id"]) if row else None

    def first_run(self, mailbox: MailboxName) -> datetime | None:
        """When the first folder of this mailbox was read for the first time."""
        row = self._one("select min(first_run_at) as at from cursor where mailbox = ?", mailbox)
        return when(row["at"]) if row else None

    def case_of(self, message: MessageNo) -> CaseNo | None:
        """The case in whose story a message stands, also where that was merged into another since."""
        row = self._one("select case_id from message where id = ? and role <> ''", message)
        return CaseNo(row["case_id"]) if row and row["case_id"] is not None else None

    def _store(self, mailbox: MailboxName, folder: str, item: Fetched, content_hash: str, now: datetime, read_at: datetime) -> MessageNo:
        received = min(item.listed.internaldate, now)
        cursor = self._db.execute(
            "insert into message (mailbox, folder, content_hash, received_at) values (?,?,?,?)",
            (mailbox, folder, content_hash, time(received)),
        )
        number = MessageNo(cursor.lastrowid or 0)
        self._db.execute("insert into raw (message, body) values (?,?)", (number, item.raw))
        payload = {"oversize": item.listed.size} if item.state is SightingState.OVERSIZE else {}
        self._db.execute(
            "insert into job (key, kind, message, run_at, payload) values (?,?,?,?,?)",
            (f"triage:{number}", JobKind.TRIAGE, number, time(read_at), dump(payload)),
        )
        return number

    def seen_before(self, mailbox: MailboxName, folder: str, listed: Listed) -> SightingState | None:
        """How the same mail ended under an earlier UIDVALIDITY of this folder."""
        row = self._one(
            "select state from sighting where mailbox = ? and folder = ? and identity = ? and identity <> '' and size = ?",
            mailbox,
            folder,
            listed.identity,
            listed.size,
        )
        return SightingState(row["state"]) if row else None

    def move_cursor(self, mailbox: MailboxName, cursor: Cursor) -> None:
        """The folder is read up to here."""
        self._db.execute(
            "insert into cursor values (?,?,?,?,?) on conflict (mailbox, folder) do update set uidvalidity = excluded.uidvalidity,"
            " next_uid = excluded.next_uid",
            (mailbox, cursor.folder, cursor.uidvalidity, cursor.next_uid, time(cursor.first_run_at)),
        )

    def triage_again(self, message: MessageNo, now: datetime) -> None:
        """A stored message that nobody decided about gets its triage job back."""
        self._db.execute(
            "insert into job (key, kind, message, run_at) values (?,?,?,?) on conflict (key) do nothing",
            (f"triage:{message}", JobKind.TRIAGE, message, time(now)),
        )

    def received(self, mailbox: MailboxName, since: datetime, apart_from: str = "") -> int:
        """How many messages came in since then, those of one folder apart."""
        row = self._one(
            "select count(*) as n from message where mailbox = ? and received_at >= ? and (? = '' or folder <> ?)",
            mailbox, time(since), apart_from, apart_from,
        )  # fmt: skip
        return int(row["n"]) if row else 0

    def enclosed(self, message: MessageNo) -> bytes:
        """The raw bytes of a stored message."""
        row = self._one("select body from raw where message = ?", message)
        return bytes(row["body"]) if row else b""

    def filings(self, mailbox: MailboxName, cursor: Cursor, now: datetime, limit: int) -> tuple[Filing, ...]:
        """Due jobs that file a mail of this folder, oldest first."""
        rows = self._all(
            "select j.id, j.tries, m.id as message, m.message_id, m.received_at, json_extract(j.payload, '$.folder') as folder,"
            " json_extract(j.payload, '$.case') as case_id"
            " from job j join message m on m.id = json_extract(j.payload, '$.message')"
            " where j.kind = ? and j.in_hand = 0 and j.parked_at is null and j.run_at <= ? and m.mailbox = ? and m.folder = ?"
            " order by j.run_at, j.id limit ?",
            JobKind.FILE,
            time(now),
            mailbox,
            cursor.folder,
            limit,
        )
        return tuple(
            Filing(
                job=JobNo(row["id"]),
                message=MessageNo(row["message"]),
                folder=row["folder"],
                tries=row["tries"],
                uids=self._uids(mailbox, cursor, MessageNo(row["message"])),
                case=row["case_id"],
                lies_in=self._lies_in(mailbox, cursor, MessageNo(row["message"])),
                message_id=MessageId(row["message_id"]),
                received_at=moment(row["received_at"]),
            )
            for row in rows
        )

    def _lies_in(self, mailbox: MailboxName, cursor: Cursor, message: MessageNo) -> str:
        """The folder into which we moved this mail last, "" if we never did."""
        row = self._one(
            "select why from sighting indexed by sighting_message where message = ? and mailbox = ? and folder = ? and why like ?"
            " order by uid desc limit 1",
            message,
            mailbox,
            cursor.folder,
            f"{FILED}%",
        )
        return str(row["why"]).removeprefix(FILED) if row else ""

    def _uids(self, mailbox: MailboxName, cursor: Cursor, message: MessageNo) -> tuple[int, ...]:
        rows = self._all(
            "select uid from sighting indexed by sighting_message"
            " where message = ? and mailbox = ? and folder = ? and uidvalidity = ? order by uid",
            message,
            mailbox,
            cursor.folder,
            cursor.uidvalidity,
        )
        return tuple(row["uid"] for row in rows)

    def filed(self, filings: Sequence[Filing], mailbox: MailboxName, cursor: Cursor, moved: Collection[int]) -> None:
        """The jobs are gone, and the ledger says which of their mails were moved; a job whose folder was changed meanwhile stays."""
        for each in filings:
            self._db.executemany(
                "update sighting set why = ? where mailbox = ? and folder = ? and uidvalidity = ? and uid = ?",
                [(f"{FILED}{each.folder}", mailbox, cursor.folder, cursor.uidvalidity, uid) for uid in each.uids if uid in moved],
            )
            self._db.execute("delete from job where id = ? and json_extract(payload, '$.folder') = ?", (each.job, each.folder))

    def file_later(self, filings: Sequence[Filing], at: datetime, error: str) -> None:
        """Try these again at this time."""
        self._db.executemany(
            "update job set run_at = ?, tries = tries + 1, error = ? where id = ?", [(time(at), error, each.job) for each in filings]
        )

    def park_filings(self, filings: Sequence[Filing], error: str, now: datetime) -> None:
        """A person must look: these mails cannot be moved."""
        self._db.executemany("update job set parked_at = ?, error = ? where id = ?", [(time(now), error, each.job) for each in filings])

    def mailbox_state(self, mailbox: MailboxName) -> MailboxState | None:
        """The mode this mailbox ran in last."""
        row = self._one("select * from mailbox where name = ?", mailbox)
        return MailboxState(mode=Mode(row["mode"]), since=moment(row["since"])) if row else None

    def set_mailbox_state(self, mailbox: MailboxName, state: MailboxState) -> None:
        """Remember the mode."""
        self._db.execute(
            "insert into mailbox values (?,?,?) on conflict (name) do update set mode = excluded.mode, since = excluded.since",
            (mailbox, state.mode, time(state.since)),
        )
