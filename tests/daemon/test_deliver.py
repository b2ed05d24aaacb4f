"""What becomes of a send is written down before and after each attempt, and a person hears of what did not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.core.model import Address, JobKind, MailboxName, MessageId, Outgoing, OutgoingKind, OutgoingNo, OutgoingState, Verdict
from inboxd.daemon.deliver import Post, deliver, deliver_due
from inboxd.errors import Temporary
from tests.daemon.world import Fuse, Killed, KillingStore, calm, killed
from tests.fakes import FakeMailer
from tests.stores.builders import letter
from tests.stories.day import ACME, Day
from tests.stories.steps import holder

SEND = (JobKind.SEND,)
PETRA = "petra@acme.example"
CUSTOMER = "ana@customers.example"
LATER = Verdict(sent=False, reply="451 try later")
NEVER = Verdict(sent=False, permanent=True, reply="550 no such mailbox")
NOBODY_KNOWS = Verdict(sent=False, ambiguous=True, reply="no answer to the final dot")


def queue(day: Day, kind: OutgoingKind = OutgoingKind.REPLY, purpose: str = "p", to: tuple[str, ...] = (CUSTOMER,)) -> OutgoingNo:
    with day.store.transaction() as tx:
        made = letter(purpose, kind, to=Address(email=to[0]))
        number = tx.reserve(made, MessageId(f"{purpose}@acme.example"), day.at())
        assert number is not None
        tx.queue(number, "support@acme.example", to, b"Subject: A lamp\r\n\r\nwords\r\n", "words", day.at())
    return number


def day_with(*answers: Verdict) -> Day:
    day = Day(reader=calm())
    day.mailer.answers = list(answers)
    return day


def state(day: Day, number: OutgoingNo) -> str:
    return day.store.outgoing(number).state


def told(day: Day) -> list[str]:
    return [each.subject for each in day.inbox(PETRA)]


# --- sent ----------------------------------------------------------------------------------------------------------


def test_a_mail_that_was_taken_is_sent_with_the_servers_words_and_its_job_is_gone() -> None:
    day = day_with(Verdict(sent=True, reply="250 queued as 7"))
    number = queue(day)
    assert deliver(day.office, day.post) == 1
    (row,) = day.store.look("select state, reply, sent_at from outgoing")
    assert (row["state"], row["reply"], row["sent_at"]) == ("sent", "250 queued as 7", day.at().timestamp())
    assert day.store.next_due(SEND) is None and day.store.in_hand(SEND) == 0
    assert [each.number for each in day.mailer.delivered] == [number]
    assert deliver(day.office, day.post) == 0


def test_the_attempt_is_written_down_before_the_final_dot_can_be_sent() -> None:
    day = day_with()
    seen: list[str] = []
    number = queue(day)
    day.mailer.deliver = lambda _: seen.append(state(day, number))
    deliver(day.office, day.post)
    assert seen == ["dot_sent"]


def test_what_was_sent_already_is_not_sent_again() -> None:
    for before in (OutgoingState.SENT, OutgoingState.FAILED, OutgoingState.UNKNOWN):
        day = day_with()
        number = queue(day)
        with day.store.transaction() as tx:
            tx.set_outgoing(number, before)
        deliver(day.office, day.post)
        assert (day.mailer.delivered, state(day, number), day.store.next_due(SEND)) == ([], before, None)


def test_peoples_words_leave_before_what_machines_say() -> None:
    day = day_with()
    for number, kind in enumerate((OutgoingKind.FOLLOW_UP, OutgoingKind.NOTICE, OutgoingKind.ROUTED, OutgoingKind.REPLY)):
        queue(day, kind, f"p{number}")
    deliver(day.office, day.post)
    assert [each.kind for each in day.mailer.delivered] == ["routed", "reply", "follow_up", "notice"]


def test_a_stop_between_two_sends_puts_the_rest_back_untouched() -> None:
    day = day_with()
    for number in range(3):
        queue(day, purpose=f"p{number}")
    asked = iter([False, True])
    assert asyncio.run(deliver_due(day.office, day.post, lambda: next(asked))) == 1
    assert (len(day.mailer.delivered), day.store.in_hand(SEND)) == (1, 0)
    assert deliver(day.office, day.post) == 2


# --- deferred ------------------------------------------------------------------------------------------------------


def test_a_deferred_mail_waits_longer_each_time_and_leaves_byte_equal() -> None:
    day = day_with(*[LATER] * 6)
    number = queue(day)
    before = day.store.outgoing(number)
    waits = []
    while not day.mailer.delivered:
        deliver(day.office, day.post)
        due = day.store.next_due(SEND)
        if due is not None:
            waits.append((due - day.at()).total_seconds() / 60)
            day.clock.at = due
    assert waits == [1, 5, 15, 60, 60, 60]
    (sent,) = day.mailer.delivered
    assert (sent.raw, sent.message_id) == (before.raw, before.message_id)
    assert (sent.tries, state(day, number)) == (6, "sent")
    assert told(day) == []  # under four hours nobody is disturbed


def test_the_waits_are_spread_by_chance() -> None:
    day = day_with(LATER)
    day.post = replace(day.post, jitter=lambda: 0.5)
    queue(day)
    deliver(day.office, day.post)
    assert day.store.next_due(SEND) == day.at() + timedelta(seconds=66)


@dataclass
class Listening(FakeMailer):
    """Keeps which mail was announced with which."""

    announced: list[tuple[int, int | None]] = field(default_factory=list)

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        self.announced.append((outgoing.number, then.number if then else None))
        return await super().send(outgoing, before_data, then)


def test_the_mail_that_comes_next_is_announced_unless_it_is_not_sure_to_be_tried() -> None:
    mailer = Listening()
    day = Day(reader=calm(), mailer=mailer)
    one, two, three, four = (queue(day, purpose=purpose) for purpose in "abcd")
    with day.store.transaction() as tx:
        tx.set_outgoing(three, OutgoingState.DOT_SENT)  # of before a crash: what becomes of it is no attempt
    deliver(day.office, day.post)
    assert mailer.announced == [(one, two), (two, None), (four, None)]


@dataclass
class Refusing(FakeMailer):
    """Says one thing to a customer's address for ever, and takes all other mail."""

    says: Verdict = LATER
    attempts: int = 0

    async def send(self, outgoing: Outgoing, before_data: Callable[[], Awaitable[None]], then: Outgoing | None = None) -> Verdict:
        if CUSTOMER in outgoing.envelope_to:
            self.attempts += 1
            return self.says
        return await super().send(outgoing, before_data)


def test_a_person_is_told_once_after_four_hours_and_again_when_it_is_given_up_after_five_days() -> None:
    day = Day(reader=calm(), mailer=Refusing())
    number = queue(day)
    day.run()
    day.pass_(hours=3, minutes=55)
    assert told(day) == []
    day.pass_(hours=1)
    assert told(day) == ["A mail has not left yet"]
    day.pass_(days=4, hours=18)
    assert state(day, number) == "queued" and told(day) == ["A mail has not left yet"]
    day.pass_(hours=3)
    assert state(day, number) == "failed"
    assert told(day) == ["A mail has not left yet", "A mail has not arrived"]
    assert day.store.next_due(SEND) is None and day.store.parked() == ()
    assert "451 try later" in day.inbox(PETRA)[-1].text


def test_a_notice_about_a_notice_is_not_sent() -> None:
    day = day_with(NEVER)
    queue(day, OutgoingKind.NOTICE)
    day.run()
    assert day.mailer.delivered == [] and day.store.next_due(SEND) is None


def test_a_mail_of_a_mailbox_that_left_the_settings_waits_and_is_told_and_holds_up_no_other() -> None:
    day = day_with()
    gone = queue(day, purpose="gone")
    with day.store.transaction():
        day.store._connection.execute("update outgoing set mailbox = 'globex' where id = ?", (gone,))
    other = queue(day, purpose="other")
    day.run()
    assert (state(day, gone), state(day, other)) == ("queued", "sent")
    day.pass_(hours=5)
    assert told(day) == ["A mail has not left yet"]


# --- refused -------------------------------------------------------------------------------------------------------


def test_a_refused_mail_is_told_at_once_with_the_servers_words() -> None:
    day = day_with(NEVER)
    number = queue(day)
    day.run()
    assert state(day, number) == "failed"
    assert told(day) == ["A mail has not arrived"]
    assert "550 no such mailbox" in day.inbox(PETRA)[0].text


def test_whoever_has_the_case_hears_that_the_customer_did_not_get_the_answer_and_not_the_lead_alone() -> None:
    day = Day(mailer=Refusing(says=NEVER))
    day.write(f"Ana <{CUSTOMER}>", "Lamp", "Which lamp fits my bike?")
    agent = holder(day)
    assert agent != PETRA
    day.reply(agent, day.routed(agent), "Hello Ana,\n\nthe small one.")
    for address in (agent, PETRA):
        mail = day.last(address)
        assert mail.subject.startswith("A mail has not arrived") and mail.text.startswith("A mail to Ana could not be delivered.")
        assert "Please see that it is said another way." in " ".join(mail.text.split())
    assert day.case().state == "open"
    day.reply(agent, day.last(agent), "cc: ana@home.example")
    assert [each.email for each in day.case().participants] == ["ana@home.example"]


def test_the_words_of_a_server_that_refuses_stand_once() -> None:
    day = day_with(replace(NEVER, refused={CUSTOMER: NEVER.reply}))
    queue(day)
    day.run()
    assert day.inbox(PETRA)[0].text.count("550 no such mailbox") == 1


def test_a_partial_refusal_is_sent_and_told() -> None:
    day = day_with(Verdict(sent=True, reply="250 ok", refused={"luis@customers.example": "550 unknown"}))
    number = queue(day, to=(CUSTOMER, "luis@customers.example"))
    day.run()
    assert state(day, number) == "sent"
    assert told(day) == ["A mail has not arrived"]
    assert "550 unknown" in day.inbox(PETRA)[0].text


# --- nobody knows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [OutgoingKind.ROUTED, OutgoingKind.REPLY, OutgoingKind.NOTICE, OutgoingKind.RETURNED])
def test_peoples_words_are_sent_once_more_byte_equal_after_an_ambiguous_attempt(kind: OutgoingKind) -> None:
    day = day_with(NOBODY_KNOWS)
    number = queue(day, kind)
    before = day.store.outgoing(number)
    day.run()
    (sent,) = day.mailer.delivered
    assert (sent.raw, sent.message_id, sent.ambiguous) == (before.raw, before.message_id, 1)
    assert state(day, number) == "sent"
    assert day.store.outgoing(number).ambiguous == 1  # counted, also after it went well


@pytest.mark.parametrize("kind", [OutgoingKind.FOLLOW_UP, OutgoingKind.REMINDER, OutgoingKind.ACKNOWLEDGEMENT])
def test_what_a_machine_says_to_a_customer_is_never_sent_again_after_an_ambiguous_attempt(kind: OutgoingKind) -> None:
    day = day_with(NOBODY_KNOWS)
    number = queue(day, kind)
    day.run()
    day.pass_(days=6)
    assert [each for each in day.mailer.delivered if each.number == number] == []
    assert (state(day, number), day.store.outgoing(number).ambiguous) == ("unknown", 1)
    (parked,) = day.store.parked()
    assert parked.outgoing == number


def test_a_person_may_have_it_sent_once_more() -> None:
    day = day_with(NOBODY_KNOWS)
    number = queue(day, OutgoingKind.FOLLOW_UP)
    day.run()
    with day.store.transaction() as tx:
        assert tx.unpark(day.store.parked()[0].number, day.at())
    day.run()
    assert state(day, number) == "sent"


def test_twice_ambiguous_is_parked() -> None:
    day = day_with(NOBODY_KNOWS, NOBODY_KNOWS)
    number = queue(day)
    day.run()
    assert (state(day, number), len(day.store.parked())) == ("unknown", 1)
    assert [each.envelope_to for each in day.mailer.delivered] == [(PETRA,)] and told(day) == ["A mail may not have arrived"]
    assert "please ask" in day.inbox(PETRA)[0].text


# --- the process ends ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "copies", "after"), [(OutgoingKind.REPLY, 2, "sent"), (OutgoingKind.ROUTED, 2, "sent"), (OutgoingKind.FOLLOW_UP, 1, "unknown")]
)
def test_killed_between_the_final_dot_and_the_servers_word(quick_folder: Path, kind: OutgoingKind, copies: int, after: str) -> None:
    day = Day(reader=calm(), store_path=quick_folder / "s.sqlite")
    number = queue(day, kind)

    def die(_: Outgoing) -> None:
        raise Killed

    day.mailer.deliver = die
    with pytest.raises(Killed):
        deliver(day.office, day.post)
    day.mailer.deliver = None
    day.store = day.office.store = killed(day.store)
    day.post = Post(mailers=day.post.mailers, jitter=day.post.jitter)
    assert state(day, number) == "dot_sent" and day.store.next_due(SEND) is not None
    day.run()
    assert len([each for each in day.mailer.delivered if each.number == number]) == copies
    assert len({(each.message_id, each.raw) for each in day.mailer.delivered if each.number == number}) == 1
    assert state(day, number) == after
    day.store.close()


@pytest.mark.parametrize("kind", [OutgoingKind.REPLY, OutgoingKind.FOLLOW_UP])
def test_killed_at_any_moment_no_mail_is_lost_and_copies_are_equal(quick_folder: Path, kind: OutgoingKind) -> None:
    day, at, ended = Day(reader=calm()), 0, False
    while not ended:
        at += 1
        store, fuse = SqliteStore(quick_folder / f"{at}.sqlite"), Fuse(at)
        day.store = day.office.store = store
        day.mailer.delivered.clear()
        number = queue(day, kind)
        day.office.store = KillingStore(store, fuse)
        try:
            deliver(day.office, day.post)
            ended = True
        except Killed:
            store = killed(store)
        day.store = day.office.store = store
        day.post = Post(mailers=day.post.mailers, jitter=day.post.jitter)  # what the process knew died with it
        day.run()
        arrived = len(day.mailer.delivered)
        assert len({each.message_id for each in day.mailer.delivered}) <= 1, at
        if kind is OutgoingKind.REPLY:
            assert (arrived in (1, 2), state(day, number)) == (True, "sent"), at
        else:  # a machine's: at most once, and what nobody knows is parked
            assert arrived == 1 or (arrived, state(day, number)) == (0, "unknown"), at
            assert (state(day, number) == "unknown") == bool(store.parked()), at
        store.close()
    assert at > 10


# --- the store cannot be written -----------------------------------------------------------------------------------


@dataclass
class FullStore:
    """A store whose disk is full for some transactions to come."""

    real: SqliteStore
    full: list[bool] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Any]:
        if self.full and self.full.pop(0):
            raise Temporary("the store cannot be written: database or disk is full")
        with self.real.transaction() as tx:
            yield tx


def test_a_disk_full_before_data_sends_nothing_and_counts_nothing() -> None:
    day = day_with()
    number = queue(day)
    day.office.store = FullStore(day.store, [True])
    with pytest.raises(Temporary):
        deliver(day.office, day.post)
    assert (day.mailer.delivered, state(day, number)) == ([], "queued")
    day.run()
    assert (len(day.mailer.delivered), day.mailer.delivered[0].tries) == (1, 0)


@pytest.mark.parametrize("kind", [OutgoingKind.REPLY, OutgoingKind.FOLLOW_UP])
def test_a_disk_full_after_the_servers_word_is_no_ambiguous_attempt(kind: OutgoingKind) -> None:
    """We know that it arrived: it is written down when there is space, and not sent once more."""
    day = day_with()
    number, other = queue(day, kind), queue(day, kind, "other")
    day.office.store = FullStore(day.store, [False, True])
    with pytest.raises(Temporary):
        deliver(day.office, day.post)
    assert (len(day.mailer.delivered), state(day, number)) == (1, "dot_sent")
    assert state(day, other) == "queued"  # no further mail leaves before it can be written down
    day.run()
    assert [each.number for each in day.mailer.delivered] == [number, other]
    assert (state(day, number), day.store.outgoing(number).ambiguous) == ("sent", 0)


def test_each_mailbox_sends_through_its_own_server() -> None:
    day, globex = day_with(), MailboxName("globex")
    theirs = FakeMailer()
    day.post = Post(mailers={ACME: day.mailer, globex: theirs}, jitter=lambda: 0.0)
    with day.store.transaction() as tx:
        made = letter("q", OutgoingKind.REPLY, mailbox=globex)
        number = tx.reserve(made, MessageId("q@globex.example"), day.at())
        assert number is not None
        tx.queue(number, "help@globex.example", (CUSTOMER,), b"Subject: x\r\n\r\n", "", day.at())
    queue(day)
    deliver(day.office, day.post)
    assert ([each.purpose for each in day.mailer.delivered], [each.purpose for each in theirs.delivered]) == (["p"], ["q"])
