"""Cases, people, mails and jobs for the tests of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import (
    Address,
    AgentName,
    Case,
    CaseNo,
    CaseState,
    Decision,
    Job,
    JobKind,
    Join,
    KeyPhrase,
    Kind,
    Letter,
    MailboxFacts,
    MailboxName,
    Message,
    MessageId,
    MessageNo,
    OpenCase,
    OutgoingKind,
    OutgoingNo,
    Person,
    PersonNo,
    Reading,
    Role,
    Schedule,
    Screening,
    Situation,
    TeamName,
    Understood,
)
from inboxd.core.thread import content_key
from inboxd.ports import Fetched, Folder, Listed, SightingState, Transaction
from tests.fakes import MONDAY

ACME = MailboxName("acme")
INBOX = Folder(name="INBOX", uidvalidity=7, uidnext=1)
HOUSE = tuple(kind for kind in JobKind if kind not in (JobKind.TRIAGE, JobKind.SEND))
ANA = Person(number=PersonNo(1), name="Ana Ruiz", email="ana@customers.example", language="en")


def opened(number: int = 1001, customer: int = 1, at: datetime = MONDAY, **changes: object) -> Case:
    case = Case(
        number=CaseNo(number),
        mailbox=ACME,
        customer=PersonNo(customer),
        subject="A lamp",
        state=CaseState.OPEN,
        opened_at=at,
        updated_at=at,
    )
    return replace(case, **changes)  # type: ignore[arg-type]


def put_case(tx: Transaction, case: Case, person: Person = ANA) -> None:
    tx.apply([OpenCase(case=case, person=replace(person, number=case.customer))], ACME, case.opened_at)


def put_mail(tx: Transaction, uid: int, text: str = "Where is it?", at: datetime = MONDAY) -> MessageNo:
    raw = f"From: ana@customers.example\r\nMessage-ID: <m{uid}@customers.example>\r\n\r\n{text} {uid}\r\n".encode()
    item = Fetched(listed=Listed(uid=uid, size=len(raw), internaldate=at), state=SightingState.STORED, raw=raw)
    number = tx.see(ACME, INBOX, item, content_key(raw), at)
    assert number is not None
    return number


def decided(tx: Transaction, number: MessageNo, case: Case, at: datetime = MONDAY, **more: object) -> None:
    """Record that this message was the customer's and joined the case."""
    message = Message(
        message_id=MessageId(f"m{number}@customers.example"), sender=Address(email=ANA.email, name=ANA.name), subject="A lamp"
    )
    understood = Understood(
        number=number,
        mailbox=ACME,
        received_at=at,
        message=replace(message, **more),  # type: ignore[arg-type]
        screening=Screening(kind=Kind.PERSON, reason="nothing speaks for a machine"),
        new_text=f"words of {number}",
        reading=Reading(
            kind=Kind.PERSON, new_text=f"words of {number}", model="fake-1", key_phrases=(KeyPhrase(key="lamp", text=f"lamp {number}"),)
        ),
    )
    facts = MailboxFacts(name=ACME, address="support@acme.example", brand="Acme Support")
    situation = Situation(now=at, mailbox=facts, understood=understood, person=tx.person_of(ANA.email), case=case)
    join = Join(case=case.number, role=Role.CUSTOMER, contact=True)
    tx.record(situation, Decision(actions=(join,), because=("it is hers",), case=case.number), "hash-of-rules")


def letter(purpose: str, kind: OutgoingKind = OutgoingKind.ROUTED, **more: object) -> Letter:
    made = Letter(
        kind=kind,
        purpose=purpose,
        template="routed",
        mailbox=ACME,
        language="en",
        to=Address(email="maria@acme.example"),
        subject="A lamp",
        agent=AgentName("maria"),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def put_letter(
    tx: Transaction, purpose: str, kind: OutgoingKind = OutgoingKind.ROUTED, at: datetime = MONDAY, **more: object
) -> OutgoingNo:
    made = letter(purpose, kind, **more)
    number = tx.reserve(made, MessageId(f"{purpose}@acme.example"), at)
    assert number is not None
    tx.queue(number, "support@acme.example", (made.to.email,), b"Subject: A lamp\r\n\r\nwords\r\n", "first line\nsecond line", at)
    return number


def put_job(store: SqliteStore, key: str, kind: JobKind = JobKind.ASK, after: float = 0) -> None:
    with store.transaction() as tx:
        tx.schedule(Schedule(kind=kind, key=key, at=MONDAY + timedelta(seconds=after)))


def keys(jobs: list[Job]) -> list[str]:
    return [job.key for job in jobs]


def killed(store: SqliteStore) -> SqliteStore:
    """The process was killed: nothing is put in order, the kernel lets the lock go. Returns the store of the next process."""
    path = Path(store.path)
    store._connection.close()
    assert store._file is not None
    store._file.close()
    return SqliteStore(path)


SENIORS = TeamName("seniors")
