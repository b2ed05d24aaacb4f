"""What the store records it gives back, whole or not at all; and how it counts work after an unclean stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import (
    Address,
    Advance,
    AgentName,
    Answer,
    Assign,
    Cancel,
    Case,
    CaseEvent,
    CaseNo,
    CaseState,
    ChangePerson,
    CloseIssue,
    EndHold,
    ForgetSignatures,
    HeldWords,
    HoldWords,
    IssueNo,
    JobKind,
    KeyPhrase,
    KnownIssue,
    Label,
    LearnSignature,
    LinkIssue,
    Log,
    MailboxName,
    MarkOutgoing,
    MessageId,
    Mode,
    OpenIssue,
    Outcome,
    OutgoingKind,
    OutgoingNo,
    OutgoingState,
    PersonNo,
    Schedule,
    Sentiment,
    SettleIssue,
)
from inboxd.ports import Cursor, Fetched, Folder, Listed, MailboxState, SightingState
from tests.fakes import MONDAY
from tests.stores.builders import (
    ACME,
    ANA,
    HOUSE,
    INBOX,
    SENIORS,
    decided,
    keys,
    killed,
    letter,
    opened,
    put_case,
    put_job,
    put_letter,
    put_mail,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MARIA, TOM = AgentName("maria"), AgentName("tom")


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    made = SqliteStore(":memory:")
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "inboxd.sqlite"


# --- tables --------------------------------------------------------------------------------------------------------


def test_all_tables_that_cannot_be_rebuilt_later_exist_from_day_one(store: SqliteStore) -> None:
    there = {row["name"] for row in store.look("select name from sqlite_master where type = 'table'")}
    assert there >= {
        "person", "address", "participant", "cases", "sighting", "message", "raw", "outgoing", "reading", "decision", "ruleset", "event",
        "job", "cursor", "mailbox", "correction",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("sighting", {"mailbox", "folder", "uidvalidity", "uid", "message", "state", "internaldate", "size", "identity"}),
        ("message", {"message_id", "content_hash", "received_at", "case_id"}),
        ("outgoing", {"purpose_key", "message_id", "envelope_from", "envelope_to", "state", "reply"}),
        ("outgoing_raw", {"outgoing", "bytes", "text"}),
        ("reading", {"message", "model", "kind", "language", "topics", "sentiment", "urgent", "phrases", "new_text"}),
        ("decision", {"message", "ruleset", "model", "facts_json", "actions", "trace"}),
        ("ruleset", {"hash", "at", "files"}),
        ("job", {"kind", "parked_at", "tries", "crashes"}),
    ],
)
def test_a_table_has_the_columns_of_the_design(store: SqliteStore, table: str, columns: set[str]) -> None:
    assert {row["name"] for row in store.look(f"select name from pragma_table_info('{table}')")} >= columns


# --- one transaction -----------------------------------------------------------------------------------------------


def test_an_exception_undoes_everything_of_its_transaction(store: SqliteStore) -> None:
    with pytest.raises(KeyboardInterrupt), store.transaction() as tx:  # noqa: PT012  # the whole block is undone
        put_case(tx, opened())
        put_letter(tx, "p")
        raise KeyboardInterrupt
    for table in ("cases", "person", "address", "outgoing", "job", "event"):
        assert store.look(f"select count(*) as n from {table}")[0]["n"] == 0, table


def test_what_raises_inside_a_savepoint_is_undone_alone(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001))
        with pytest.raises(RuntimeError), tx.savepoint():  # noqa: PT012
            put_case(tx, opened(1002))
            raise RuntimeError
        put_case(tx, opened(1003))
    assert [row["id"] for row in store.look("select id from cases order by id")] == [1001, 1003]


def test_savepoints_nest(store: SqliteStore) -> None:
    with store.transaction() as tx, tx.savepoint():
        put_case(tx, opened(1001))
        with pytest.raises(RuntimeError), tx.savepoint():  # noqa: PT012
            put_case(tx, opened(1002))
            raise RuntimeError
    assert [row["id"] for row in store.look("select id from cases")] == [1001]


def test_nothing_is_seen_by_others_before_the_commit(file: Path) -> None:
    store = SqliteStore(file)
    with store.transaction() as tx:
        put_case(tx, opened())
        beside = SqliteStore(file, read_only=True)
        assert beside.look("select * from cases") == []
    assert len(beside.look("select * from cases")) == 1
    beside.close()
    store.close()


def test_looking_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(ValueError, match="only reads"):
        store.look("delete from job")


# --- round trips ---------------------------------------------------------------------------------------------------

times = st.integers(1, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
names = st.text(min_size=1, max_size=12)
agents = st.sampled_from(["maria", "tom", "jonas"]).map(AgentName)
CHANGES: dict[str, st.SearchStrategy[object]] = {
    "subject": names, "language": st.sampled_from(["", "en", "de"]), "topic": names, "sentiment": st.sampled_from(Sentiment),
    "first_sentiment": st.sampled_from(Sentiment), "assignee": st.none() | agents, "team": st.none() | st.just(SENIORS),
    "priority": st.sampled_from(["low", "normal", "high"]), "labels": st.lists(names, max_size=3).map(tuple), "due_at": st.none() | times,
    "opened_at": times, "resolved_at": st.none() | times, "closed_at": st.none() | times, "resolved_by": st.none() | agents,
    "by_silence": st.booleans(), "reopened": st.integers(0, 9), "round": st.integers(0, 9), "outcome": st.sampled_from(Outcome),
    "good_sign": st.booleans(), "no_follow_up": st.booleans(), "repeat": st.booleans(), "merged_into": st.none(),
    "linked_to": st.none() | st.integers(1, 2**40).map(CaseNo), "involved": st.lists(agents, max_size=3, unique=True).map(tuple),
    "last_reply_at": st.none() | times, "last_reply_by": st.none() | agents, "last_reply_asks": st.booleans(),
    "briefs": st.lists(names, max_size=2).map(tuple), "backlog": st.none() | st.just(SENIORS), "lent_by": st.none() | agents,
}  # fmt: skip
readers = st.lists(names, max_size=3, unique=True).map(lambda found: tuple(Address(email=f"{n}@x.example", name=n) for n in found))


def test_the_property_covers_every_column_of_a_case() -> None:
    apart = {"number", "mailbox", "customer", "state", "updated_at", "participants"}
    assert {f.name for f in fields(Case)} == set(CHANGES) | apart


@given(
    first=st.fixed_dictionaries(CHANGES),
    later=st.fixed_dictionaries({}, optional=CHANGES),
    people=readers,
    state=st.sampled_from(CaseState),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_case_comes_back_as_it_was_written_and_changed(
    first: dict[str, object], later: dict[str, object], people: tuple[Address, ...], state: CaseState
) -> None:
    store = SqliteStore(":memory:")
    case = opened(participants=people, **first)  # type: ignore[arg-type]
    with store.transaction() as tx:
        put_case(tx, case)
        assert tx.case(case.number) == case
        tx.apply([Advance(case=case.number, event=CaseEvent.CUSTOMER_WROTE, state=state, changes=later)], ACME, MONDAY + MINUTE)
    assert store.case(case.number) == replace(case, state=state, updated_at=MONDAY + MINUTE, **later)  # type: ignore[arg-type]
    store.close()


def test_a_change_of_a_column_that_is_none_is_refused(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened())
        with pytest.raises(ValueError, match="mood"):
            tx.apply([Advance(case=CaseNo(1001), event=CaseEvent.SILENCE, state=CaseState.OPEN, changes={"mood": 1})], ACME, MONDAY)
        with pytest.raises(ValueError, match="id"):
            tx.apply([ChangePerson(person=PersonNo(1), changes={"id": 7})], ACME, MONDAY)


def test_a_case_that_was_merged_leads_to_the_other_one(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001, merged_into=CaseNo(1002), state=CaseState.MERGED))
        put_case(tx, opened(1002, merged_into=CaseNo(1003), state=CaseState.MERGED))
        put_case(tx, opened(1003, subject="the one"))
        found = tx.case(CaseNo(1001))
    assert found is not None and found.subject == "the one"


def test_a_circle_of_merged_cases_ends(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001, merged_into=CaseNo(1002)))
        put_case(tx, opened(1002, merged_into=CaseNo(1001)))
        assert tx.case(CaseNo(1001)) is not None


def test_a_person_comes_back_and_changes(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened())
        assert tx.person(PersonNo(1)) == ANA == tx.person_of(ANA.email)
        changes = {"language": "de", "no_follow_up": True, "asked_at": MONDAY}
        tx.apply([ChangePerson(person=PersonNo(1), changes=changes)], ACME, MONDAY)
        assert tx.person(PersonNo(1)) == replace(ANA, language="de", no_follow_up=True, asked_at=MONDAY)
        assert tx.person(PersonNo(9)) is None and tx.person_of("nobody@x.example") is None


def test_a_second_case_does_not_rename_a_person(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001), replace(ANA, name=""))
        put_case(tx, opened(1002), replace(ANA, name="Ana Ruiz"))
        put_case(tx, opened(1003), replace(ANA, name="Somebody Else"))
        person = tx.person(PersonNo(1))
    assert person is not None and person.name == "Ana Ruiz"


def test_numbers_begin_at_1001_and_never_come_twice(store: SqliteStore) -> None:
    with store.transaction() as tx:
        assert tx.next_numbers() == (1001, 1)
        put_case(tx, opened(1001))
        assert tx.next_numbers() == (1002, 2)


def test_the_mail_that_began_a_case_comes_back_with_what_it_is_about_and_no_later_one(store: SqliteStore) -> None:
    with store.transaction() as tx:
        assert tx.first_received(ACME) is None
        for number in (1001, 1002):
            case = opened(number, customer=number)
            put_case(tx, case, replace(ANA, email=f"{number}@customers.example"))
            for uid in (1, 2):
                at = MONDAY + (number - 1001) * HOUR + uid * MINUTE
                decided(tx, put_mail(tx, 10 * number + uid, at=at), case, at + HOUR)
        first, second = tx.first_mails(ACME, MONDAY, MONDAY + 2 * HOUR)
        assert (first.case, first.person, first.at, first.text) == (
            1001,
            1001,
            MONDAY + MINUTE,
            "words of 1",
        )  # when it came, not when it was read
        assert first.key_phrases == (KeyPhrase(key="lamp", text="lamp 1"),) and first.name == "Ana Ruiz"
        assert tx.first_mails(None, MONDAY, MONDAY + HOUR) == (first,)
        assert tx.first_mails(ACME, MONDAY + HOUR, MONDAY + 2 * HOUR, texts=False) == (replace(second, text=""),)
        assert not tx.first_mails(MailboxName("other"), MONDAY, MONDAY + HOUR)
        assert tx.first_received(ACME) == MONDAY + MINUTE


def test_a_known_issue_comes_back_with_its_cases_and_is_closed_once(store: SqliteStore) -> None:
    issue = KnownIssue(
        number=IssueNo(1), mailbox=ACME, text="Signing in fails.", keys=("not sign_in",), topic="account_access", opened_at=MONDAY,
        opened_by="petra", source="spike:acme:1:sign_in",
    )  # fmt: skip
    with store.transaction() as tx:
        for number, customer in ((1001, 1), (1002, 2), (1003, 1)):
            put_case(tx, opened(number, customer=customer), replace(ANA, email=f"{customer}@customers.example"))
        assert tx.next_issue() == 1 and tx.issue(IssueNo(1)) is None
        tx.apply([OpenIssue(issue=issue, cases=(CaseNo(1001), CaseNo(1002)))], ACME, MONDAY)
        tx.apply([LinkIssue(issue=issue.number, case=CaseNo(1003)), LinkIssue(issue=issue.number, case=CaseNo(1001))], ACME, MONDAY)
        assert tx.issue(issue.number) == issue == tx.issue_from("spike:acme:1:sign_in") and tx.next_issue() == 2
        assert tx.open_issues(ACME) == (issue,) and tx.open_issues(MailboxName("other")) == ()
        assert [(link.case, link.person) for link in tx.issue_links(issue.number)] == [(1001, 1), (1002, 2), (1003, 1)]
        assert tx.issues_of(CaseNo(1003)) == {1}
        issue = replace(issue, text="It fails.", texts=(("de", "Es klappt nicht."),))
        tx.apply([OpenIssue(issue=replace(issue, opened_at=MONDAY + HOUR))], ACME, MONDAY + HOUR)
        assert tx.issue(issue.number) == issue
        for text in ("A cable.", "Another."):
            closed = CloseIssue(issue=issue.number, text=text, by="petra", texts=(("de", "Ein Kabel."),), tell_from=MONDAY + HOUR * 1.5)
            tx.apply([closed], ACME, MONDAY + HOUR)
        issue = replace(issue, fixed_at=MONDAY + HOUR, fixed_text="A cable.", fixed_texts=(("de", "Ein Kabel."),))
        assert tx.issue(issue.number) == issue
        tx.apply([OpenIssue(issue=replace(issue, fixed_texts=(("de", "Ein Kabel."), ("fr", "Un fil."))))], ACME, MONDAY + HOUR)
        assert tx.issue(issue.number) == replace(issue, fixed_texts=(("de", "Ein Kabel."), ("fr", "Un fil.")))
        assert tx.open_issues(ACME) == ()
        tx.apply([SettleIssue(issue=issue.number, case=CaseNo(1002), why="quiet")], ACME, MONDAY + HOUR)
        assert [(link.settled, link.why) for link in tx.issue_links(issue.number)] == [(False, ""), (True, "quiet"), (False, "")]
    assert not store.claim([JobKind.MENDED], MONDAY + HOUR, 9), "nobody is told before"
    jobs = store.claim([JobKind.MENDED], MONDAY + 2 * HOUR, 9)
    assert [job.case for job in jobs] == [1002, 1003, 1001], "the latest case of each person first"


def test_the_story_of_a_case_is_what_was_said_in_it_oldest_first(store: SqliteStore) -> None:
    with store.transaction() as tx:
        case = opened()
        put_case(tx, case)
        for uid in (1, 2):
            decided(tx, put_mail(tx, uid), case, MONDAY + uid * MINUTE)
        put_mail(tx, 3)  # stored, not yet decided
        story = tx.story(case.number)
        assert [(line.text, line.name, line.role) for line in story] == [
            ("words of 1", "Ana Ruiz", "customer"),
            ("words of 2", "Ana Ruiz", "customer"),
        ]
        assert tx.latest_message(case.number) == 2
        assert tx.contacts(PersonNo(1), MONDAY - MINUTE) == (MONDAY, MONDAY)  # received_at: INTERNALDATE, never the decision's time
        assert tx.contacts(PersonNo(1), MONDAY + MINUTE) == ()
        assert tx.written_in_case(case.number) == MONDAY
        assert tx.not_handed_over(case.number) == story


def test_handing_over_hands_over_everything_said_so_far(store: SqliteStore) -> None:
    with store.transaction() as tx:
        case = opened()
        put_case(tx, case)
        decided(tx, put_mail(tx, 1), case)
        put_letter(tx, "routed:1", OutgoingKind.ROUTED, case=case.number)
        assert tx.not_handed_over(case.number) == ()
        decided(tx, put_mail(tx, 2), case)
        assert [line.message for line in tx.not_handed_over(case.number)] == [2]


def test_a_mail_is_found_by_its_own_id_and_by_ids_it_referred_to(store: SqliteStore) -> None:
    own, before = MessageId("m1@customers.example"), MessageId("before@customers.example")
    with store.transaction() as tx:
        case = opened()
        put_case(tx, case)
        decided(tx, put_mail(tx, 1), case, references=(before,))
        assert tx.cases_by_id([own, before, MessageId("other@x.example")]) == {own: case.number, before: case.number}
        assert tx.thread_of(case.number) == (own,)


def test_what_we_sent_is_found_by_id_kind_and_agent(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened())
        put_letter(tx, "a", OutgoingKind.ROUTED, case=CaseNo(1001))
        put_letter(tx, "b", OutgoingKind.REPLY, case=CaseNo(1001), agent=TOM)
        found = tx.sent([MessageId("a@acme.example"), MessageId("x@acme.example")])
        assert list(found) == ["a@acme.example"]
        assert found[MessageId("a@acme.example")].first_line == "first line"
        last = tx.last_sent(CaseNo(1001), [OutgoingKind.REPLY, OutgoingKind.ROUTED])
        assert last is not None and last.purpose == "b"
        hers = tx.last_sent(CaseNo(1001), [OutgoingKind.REPLY, OutgoingKind.ROUTED], MARIA)
        assert hers is not None and hers.purpose == "a"
        assert tx.last_sent(CaseNo(1001), [OutgoingKind.FOLLOW_UP]) is None
        assert tx.cases_by_id([MessageId("b@acme.example")]) == {"b@acme.example": 1001}
        assert tx.agent_threads(CaseNo(1001)) == {MARIA: "a@acme.example"}
        assert tx.sent([]) == {} and tx.cases_by_id([]) == {}


def test_participants_are_the_customer_and_the_other_readers(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(participants=(Address(email="luis@x.example", name="Luis"),)))
        assert tx.participates_in(ANA.email, CaseNo(1001)) and tx.participates_in("luis@x.example", CaseNo(1001))
        assert not tx.participates_in("eve@x.example", CaseNo(1001))


def test_loads_count_open_cases_only_and_the_newest_case_of_each_agent_is_known(store: SqliteStore) -> None:
    with store.transaction() as tx:
        for number, agent, state in ((1001, MARIA, CaseState.OPEN), (1002, MARIA, CaseState.WAITING), (1003, TOM, CaseState.OPEN)):
            put_case(tx, opened(number, state=state))
            assign = Assign(case=CaseNo(number), agent=agent, team=SENIORS, why="w")
            tx.apply([assign], ACME, MONDAY + number * MINUTE)
        assert tx.loads() == {MARIA: 1, TOM: 1}
        assert tx.last_cases((MARIA, TOM)) == {MARIA: 1002, TOM: 1003}
        assert tx.known_by(PersonNo(1)) == {MARIA, TOM}


def test_an_open_case_is_found_newest_first_and_never_a_resolved_one(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_case(tx, opened(1001))
        put_case(tx, opened(1002, state=CaseState.WAITING))
        put_case(tx, opened(1003, state=CaseState.RESOLVED, outcome=Outcome.SATISFIED))
        found = tx.open_case_of(PersonNo(1), ACME)
        assert found is not None and found.number == 1002
        past = tx.past_case(PersonNo(1), CaseNo(1004))
        assert past is not None and (past.number, past.outcome) == (1003, Outcome.SATISFIED)
        assert [case.number for case in tx.open_cases(ACME)] == [1001, 1002, 1003]


def test_labels_add_up_and_involvement_is_kept(store: SqliteStore) -> None:
    number = CaseNo(1001)
    with store.transaction() as tx:
        put_case(tx, opened())
        tx.apply([Label(case=number, labels=("vip", "late")), Label(case=number, labels=("late", "gift"))], ACME, MONDAY)
        tx.apply([Assign(case=number, agent=agent, team=None, why="w") for agent in (MARIA, TOM, MARIA)], ACME, MONDAY)
        case = tx.case(number)
    assert case is not None and case.labels == ("vip", "late", "gift")
    assert case.involved == (MARIA, TOM) and case.assignee == MARIA


def test_counts_are_of_automatic_mail_in_their_windows(store: SqliteStore) -> None:
    to = Address(email=ANA.email)
    with store.transaction() as tx:
        put_case(tx, opened())
        for purpose, kind, ago in (
            ("a", OutgoingKind.ACKNOWLEDGEMENT, timedelta(minutes=5)),
            ("b", OutgoingKind.FOLLOW_UP, timedelta(hours=20)),
            ("c", OutgoingKind.FOLLOW_UP, timedelta(days=6)),
            ("d", OutgoingKind.FOLLOW_UP, timedelta(days=8)),
            ("e", OutgoingKind.REPLY, timedelta(minutes=5)),
        ):
            put_letter(tx, purpose, kind, MONDAY - ago, case=CaseNo(1001), to=to)
        counts = tx.counts(ACME, ANA.email, CaseNo(1001), MONDAY)
    assert (counts.to_address_week, counts.acknowledged_day, counts.case_automatic_day) == (3, 1, 2)
    assert (counts.case_mails_hour, counts.mailbox_automatic_10_minutes) == (2, 1)


def test_mails_about_no_case_are_counted_by_the_hour_and_the_address(store: SqliteStore) -> None:
    maria, tom = Address(email="maria@acme.example"), Address(email="tom@acme.example")
    with store.transaction() as tx:
        put_case(tx, opened())
        for purpose, minutes, case, to in (("a", 5, None, maria), ("b", 59, None, maria), ("c", 61, None, maria), ("d", 5, None, tom)):
            put_letter(tx, purpose, OutgoingKind.NOTICE, MONDAY - timedelta(minutes=minutes), case=case, to=to)
        put_letter(tx, "e", OutgoingKind.NOTICE, MONDAY, case=CaseNo(1001), to=maria)
        assert tx.counts(ACME, maria.email, None, MONDAY).no_case_hour == 2


def test_held_answers_are_those_of_this_round(store: SqliteStore) -> None:
    with store.transaction() as tx:
        for round_, said in ((1, Answer.SATISFIED), (2, Answer.DISSATISFIED)):
            data = {"at": MONDAY, "said": said, "round": round_}
            tx.apply([Log(kind="answer.held", case=CaseNo(1001), data=data)], ACME, MONDAY)
        assert tx.held_answers(CaseNo(1001), 2) == ((MONDAY, Answer.DISSATISFIED),)


def test_events_mailbox_state_cursor_rules_and_counts_come_back(store: SqliteStore) -> None:
    state = MailboxState(mode=Mode.ROUTE, since=MONDAY)
    cursor = Cursor(folder="INBOX", uidvalidity=7, next_uid=2**32 - 2, first_run_at=MONDAY)
    with store.transaction() as tx:
        tx.apply([Log(kind="a", case=CaseNo(1), data={"n": 1}), Log(kind="b")], ACME, MONDAY)
        assert tx.events(("a",), ACME, MONDAY) == ({"at": MONDAY, "kind": "a", "case": 1, "n": 1},)
        assert tx.events(("a", "b"), ACME, MONDAY + MINUTE) == ()
        assert tx.mailbox_state(ACME) is None
        tx.set_mailbox_state(ACME, state)
        assert tx.mailbox_state(ACME) == state
        tx.move_cursor(ACME, cursor)
        tx.move_cursor(ACME, replace(cursor, first_run_at=MONDAY + MINUTE))  # the first run is the first for ever
        tx.remember_ruleset("h", "files", MONDAY)
        tx.remember_ruleset("h", "other", MONDAY)
        put_mail(tx, 1)
        assert (tx.received(ACME, MONDAY), tx.received(ACME, MONDAY + MINUTE)) == (1, 0)
    assert store.cursor(ACME, "INBOX") == cursor
    assert store.cursor(ACME, "Junk") is None
    assert [row["files"] for row in store.look("select files from ruleset")] == ["files"]


def test_a_mail_is_stored_with_its_bytes_and_its_job_and_only_once(store: SqliteStore) -> None:
    raw = b"Message-ID: <a@x.example>\r\n\r\nhello\r\n"
    item = Fetched(listed=Listed(uid=5, size=len(raw), internaldate=MONDAY + MINUTE), state=SightingState.STORED, raw=raw)
    with store.transaction() as tx:
        number = tx.see(ACME, INBOX, item, "key", MONDAY)
        assert number is not None
        assert tx.see(ACME, INBOX, item, "key", MONDAY) is None
        assert tx.see(ACME, Folder(name="Junk", uidvalidity=1, uidnext=1), item, "key", MONDAY) is None  # the same mail elsewhere
        assert tx.enclosed(number) == raw
    assert store.raw(number).raw == raw
    assert store.raw(number).received_at == MONDAY  # INTERNALDATE of tomorrow is capped at now
    assert [row["state"] for row in store.look("select state from sighting order by folder")] == ["stored", "copy"]
    assert keys(store.claim((JobKind.TRIAGE,), MONDAY, 9)) == [f"triage:{number}"]


# --- sending -------------------------------------------------------------------------------------------------------


def test_a_purpose_is_served_once(store: SqliteStore) -> None:
    with store.transaction() as tx:
        assert tx.reserve(letter("follow_up:case 1:round 1"), MessageId("a@acme.example"), MONDAY) is not None
        assert tx.reserve(letter("follow_up:case 1:round 1"), MessageId("b@acme.example"), MONDAY) is None
        assert tx.reserve(letter("follow_up:case 1:round 2"), MessageId("b@acme.example"), MONDAY) is not None


def test_an_outgoing_message_comes_back_with_its_final_bytes(store: SqliteStore) -> None:
    with store.transaction() as tx:
        number = put_letter(tx, "p", OutgoingKind.REPLY, case=CaseNo(3))
    out = store.outgoing(number)
    assert (out.purpose, out.kind, out.state, out.case, out.created_at) == ("p", OutgoingKind.REPLY, OutgoingState.QUEUED, 3, MONDAY)
    assert (out.envelope_from, out.envelope_to) == ("support@acme.example", ("maria@acme.example",))
    assert out.raw == b"Subject: A lamp\r\n\r\nwords\r\n"
    with store.transaction() as tx:
        tx.set_outgoing(number, OutgoingState.SENT, "250 ok", MONDAY + MINUTE, ambiguous=True)
        tx.apply([MarkOutgoing(outgoing=number, reply="550 bounced")], ACME, MONDAY)
        sent = tx.sent([out.message_id])[out.message_id]
    assert store.outgoing(number).state is OutgoingState.SENT and store.outgoing(number).ambiguous == 1
    assert sent.sent_at == MONDAY + MINUTE
    assert store.look("select reply from outgoing")[0]["reply"] == "550 bounced"


def test_peoples_words_leave_first(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_letter(tx, "question", OutgoingKind.FOLLOW_UP, MONDAY - MINUTE)
        put_letter(tx, "notice", OutgoingKind.NOTICE, MONDAY - MINUTE)
        routed = put_letter(tx, "routed", OutgoingKind.ROUTED)
        reply = put_letter(tx, "reply", OutgoingKind.REPLY)
    assert [job.outgoing for job in store.claim((JobKind.SEND,), MONDAY, 3)] == [routed, reply, 1]


# --- jobs ----------------------------------------------------------------------------------------------------------


def test_a_job_in_hand_or_not_yet_due_is_not_claimed(store: SqliteStore) -> None:
    put_job(store, "now")
    put_job(store, "soon", after=60)
    put_job(store, "sooner", after=-60)
    assert keys(store.claim(HOUSE, MONDAY, 9)) == ["sooner", "now"]
    assert store.claim(HOUSE, MONDAY, 9) == []
    assert store.in_hand(HOUSE) == 2
    assert store.next_due(HOUSE) == MONDAY + MINUTE
    assert keys(store.claim(HOUSE, MONDAY + MINUTE, 9)) == ["soon"]
    assert store.next_due(HOUSE) is None


def test_only_jobs_of_these_kinds_are_claimed(store: SqliteStore) -> None:
    put_job(store, "ask", JobKind.ASK)
    put_job(store, "audit", JobKind.AUDIT)
    assert keys(store.claim((JobKind.AUDIT,), MONDAY, 9)) == ["audit"]


def test_a_released_job_is_as_if_never_touched(store: SqliteStore) -> None:
    put_job(store, "a")
    store.release(store.claim(HOUSE, MONDAY, 9))
    (again,) = store.claim(HOUSE, MONDAY, 9)
    assert (again.tries, again.crashes, again.marked) == (0, 0, False)


def test_the_same_key_again_moves_the_date_and_once_leaves_it(store: SqliteStore) -> None:
    put_job(store, "a", after=60)
    with store.transaction() as tx:
        tx.schedule_once(Schedule(kind=JobKind.ASK, key="a", at=MONDAY))
    assert store.next_due(HOUSE) == MONDAY + MINUTE
    put_job(store, "a", after=120)
    assert store.next_due(HOUSE) == MONDAY + 2 * MINUTE


def test_a_job_rescheduled_while_in_hand_survives_its_end(store: SqliteStore) -> None:
    put_job(store, "a")
    (job,) = store.claim(HOUSE, MONDAY, 9)
    put_job(store, "a", after=60)
    with store.transaction() as tx:
        tx.done(job)
    assert store.next_due(HOUSE) == MONDAY + MINUTE
    (job,) = store.claim(HOUSE, MONDAY + MINUTE, 9)
    with store.transaction() as tx:
        tx.done(job)
    assert store.next_due(HOUSE) is None


def test_a_retry_counts_an_outcome_unless_told_not_to(store: SqliteStore) -> None:
    put_job(store, "a")
    for counts, tries in ((True, 1), (False, 1), (True, 2)):
        (job,) = store.claim(HOUSE, MONDAY, 9)
        with store.transaction() as tx:
            tx.retry(job, MONDAY, "deferred", counts)
        (job,) = store.claim(HOUSE, MONDAY, 9)
        assert job.tries == tries
        store.release([job])


def test_a_parked_job_waits_for_a_person(store: SqliteStore) -> None:
    put_job(store, "a")
    (job,) = store.claim(HOUSE, MONDAY, 9)
    with store.transaction() as tx:
        tx.park(job, "it failed", MONDAY)
    assert store.claim(HOUSE, MONDAY, 9) == [] and store.next_due(HOUSE) is None
    (parked,) = store.parked()
    assert (parked.number, parked.error, parked.parked_at, parked.kind) == (job.number, "it failed", MONDAY, JobKind.ASK)
    with store.transaction() as tx:
        assert tx.unpark(job.number, MONDAY + MINUTE)
        assert not tx.unpark(job.number, MONDAY)
    (again,) = store.claim(HOUSE, MONDAY + MINUTE, 9)
    with store.transaction() as tx:
        tx.park(again, "again", MONDAY)
        assert tx.drop(job.number, MONDAY)
        assert not tx.drop(job.number, MONDAY)
    assert store.parked() == ()


@pytest.mark.parametrize(("what", "state"), [("unpark", OutgoingState.QUEUED), ("drop", OutgoingState.FAILED)])
def test_a_person_decides_what_becomes_of_a_send_nobody_knows_the_end_of(store: SqliteStore, what: str, state: OutgoingState) -> None:
    with store.transaction() as tx:
        number = put_letter(tx, "p", OutgoingKind.FOLLOW_UP)
    (job,) = store.claim((JobKind.SEND,), MONDAY, 9)
    with store.transaction() as tx:
        tx.set_outgoing(number, OutgoingState.UNKNOWN)
        tx.park(job, "nobody knows", MONDAY)
        assert getattr(tx, what)(job.number, MONDAY)
    assert store.outgoing(number).state is state


def test_a_parked_job_is_no_next_step_of_its_case(store: SqliteStore) -> None:
    with store.transaction() as tx:
        tx.schedule(Schedule(kind=JobKind.ASK, key="ask:1001", at=MONDAY, case=CaseNo(1001)))
        assert tx.jobs_of(CaseNo(1001)) == (JobKind.ASK,)
    (job,) = store.claim(HOUSE, MONDAY, 9)
    with store.transaction() as tx:
        tx.park(job, "it failed", MONDAY)
        assert tx.jobs_of(CaseNo(1001)) == ()


def test_cancelling_takes_the_jobs_of_one_case_and_kind(store: SqliteStore) -> None:
    with store.transaction() as tx:
        for case in (1001, 1002):
            for kind in (JobKind.ASK, JobKind.CLOSE):
                tx.schedule(Schedule(kind=kind, key=f"{kind}:{case}", at=MONDAY, case=CaseNo(case), payload={"n": case}))
        tx.apply([Cancel(case=CaseNo(1001), kinds=(JobKind.ASK,))], ACME, MONDAY)
    jobs = store.claim(HOUSE, MONDAY, 9)
    assert sorted(keys(jobs)) == ["ask:1002", "close:1001", "close:1002"]
    assert {job.payload["n"] for job in jobs} == {1001, 1002}


# --- after an unclean stop -----------------------------------------------------------------------------------------


def row(store: SqliteStore, key: str) -> dict[str, object]:
    return dict(store.look("select crashes, marked, parked_at is not null as parked, in_hand from job where key = ?", key)[0])


def test_a_job_alone_in_hand_counts_a_crash_and_is_parked_at_the_third(file: Path) -> None:
    store = SqliteStore(file)
    put_job(store, "poison")
    for crashes in (1, 2, 3):
        assert len(store.claim(HOUSE, MONDAY, 9)) == 1
        store = killed(store)
        assert row(store, "poison") == {"crashes": crashes, "marked": 1, "parked": int(crashes == 3), "in_hand": 0}
    assert store.claim(HOUSE, MONDAY, 9) == []
    assert [job.error for job in store.parked()] == ["the process ended each time it was worked on"]
    store.close()


def test_jobs_of_a_batch_are_only_marked_and_then_claimed_singly_and_first(file: Path) -> None:
    store = SqliteStore(file)
    for name in ("a", "b"):
        put_job(store, name)
    store.claim(HOUSE, MONDAY, 9)
    store = killed(store)
    put_job(store, "older", after=-60)
    assert row(store, "a") == row(store, "b") == {"crashes": 0, "marked": 1, "parked": 0, "in_hand": 0}
    for expected in (["a"], ["b"], ["older"]):
        jobs = store.claim(HOUSE, MONDAY, 9)
        assert keys(jobs) == expected
        with store.transaction() as tx:
            tx.done(jobs[0])
    store.close()


def test_one_job_in_each_loops_hand_counts_for_both(file: Path) -> None:
    store = SqliteStore(file)
    put_job(store, "ask")
    with store.transaction() as tx:
        put_mail(tx, 1)
    store.claim(HOUSE, MONDAY, 9)
    store.claim((JobKind.TRIAGE,), MONDAY, 9)
    store = killed(store)
    assert (row(store, "ask")["crashes"], row(store, "triage:1")["crashes"]) == (1, 1)
    store.close()


def test_a_clean_stop_counts_nothing(file: Path) -> None:
    store = SqliteStore(file)
    put_job(store, "a")
    for _ in range(5):
        store.release(store.claim(HOUSE, MONDAY, 9))
        store.close()
        store = SqliteStore(file)
    assert row(store, "a") == {"crashes": 0, "marked": 0, "parked": 0, "in_hand": 0}
    store.close()


def test_twenty_kills_in_a_row_never_park_an_innocent_mail(file: Path) -> None:
    store = SqliteStore(file)
    with store.transaction() as tx:
        for uid in range(1, 13):
            put_mail(tx, uid)
    for _ in range(20):  # the worst luck: killed each time as soon as something is in hand
        assert store.claim((JobKind.TRIAGE,), MONDAY, 32)
        store = killed(store)
    assert store.parked() == ()
    store.close()


def test_a_poison_mail_in_a_batch_is_parked_alone_and_all_others_are_done(file: Path) -> None:
    store = SqliteStore(file)
    with store.transaction() as tx:
        numbers = [put_mail(tx, uid) for uid in range(1, 31)]
    poison, done, lives = numbers[11], [], 0
    while jobs := store.claim((JobKind.TRIAGE,), MONDAY, 32):
        if any(job.message == poison for job in jobs):
            store, lives = killed(store), lives + 1
            continue
        with store.transaction() as tx:
            for job in jobs:
                tx.done(job)
                done.append(job.message)
    assert [job.message for job in store.parked()] == [poison]
    assert sorted(done) == [n for n in numbers if n != poison]  # type: ignore[type-var]
    assert lives == 4  # once with the batch, three times alone
    store.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (OutgoingState.SENDING, "queued"),
        (OutgoingState.DOT_SENT, "dot_sent"),
        (OutgoingState.QUEUED, "queued"),
        (OutgoingState.SENT, "sent"),
    ],
)
def test_a_send_never_counts_a_crash_its_state_decides(file: Path, before: OutgoingState, after: str) -> None:
    store = SqliteStore(file)
    with store.transaction() as tx:
        number: OutgoingNo = put_letter(tx, "p")
    for _ in range(5):
        (job,) = store.claim((JobKind.SEND,), MONDAY, 9)
        assert (job.crashes, job.marked) == (0, False)
        with store.transaction() as tx:
            tx.set_outgoing(number, before)
        store = killed(store)
        assert store.outgoing(number).state == after
    assert store.parked() == ()
    store.close()


# --- agents: signatures, earlier words, words that wait ------------------------------------------------------------------


def test_a_signature_that_was_forgotten_is_learnt_again_only_in_practice(store: SqliteStore) -> None:
    card = ("Maria Lindt", "Acme GmbH")
    with store.transaction() as tx:
        tx.apply([LearnSignature(agent=MARIA, lines=card), LearnSignature(agent=MARIA, lines=card)], ACME, MONDAY)
        assert tx.signatures(MARIA) == ("Maria Lindt\nAcme GmbH",) and tx.signatures(AgentName("tom")) == ()
        tx.apply([ForgetSignatures(agent=MARIA), LearnSignature(agent=MARIA, lines=card)], ACME, MONDAY)
        assert tx.signatures(MARIA) == ()
        tx.apply([LearnSignature(agent=MARIA, lines=card, practice=True), LearnSignature(agent=MARIA, lines=card)], ACME, MONDAY)
        assert tx.signatures(MARIA) == ("Maria Lindt\nAcme GmbH",)


def test_who_was_greeted_is_known_once(store: SqliteStore) -> None:
    with store.transaction() as tx:
        assert tx.greeted() == frozenset()
        tx.greet(MARIA, MONDAY)
        tx.greet(MARIA, MONDAY + MINUTE)
        assert tx.greeted() == {MARIA}


def test_held_words_come_back_as_they_were_and_end_once(store: SqliteStore) -> None:
    with store.transaction() as tx:
        number = put_mail(tx, 1)
        put_case(tx, opened())
        held = HeldWords(message=number, case=CaseNo(1001), agent=AgentName("lena"), mentor=MARIA, words="Hello Ana,\nhere.", at=MONDAY)
        tx.apply([HoldWords(held=held), HoldWords(held=replace(held, words="other"))], ACME, MONDAY)
        assert tx.held_words(CaseNo(1001)) == (held,) and tx.held_words(CaseNo(1002)) == ()
        tx.apply([EndHold(message=number, how="released"), EndHold(message=number, how="undone")], ACME, MONDAY)
        assert tx.held_words(CaseNo(1001)) == (replace(held, ended="released"),)


def test_a_mail_of_ours_is_found_by_what_it_was_for(store: SqliteStore) -> None:
    with store.transaction() as tx:
        put_letter(tx, "practice:maria")
        found = tx.sent_for("practice:maria")
        assert found is not None and found.purpose == "practice:maria" and tx.sent_for("practice:tom") is None
