"""Whatever people do, in whatever order: nothing is parked, nobody is forgotten, nothing of ours leaks, nobody is asked twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxd.core.model import AgentName, Answer, Scores, TeamName, ToRead
from inboxd.core.rulebook import Agent, Condition, Rule, Rulebook, Team, Then
from inboxd.desk.case_told import NO_RECORD, case_told
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, BEN, agents_mail, tap

CUSTOMERS = {"ana@example.org": ANA, "ben@example.net": BEN}


@lru_cache(maxsize=1)
def canaries() -> Rulebook:
    """A team in whose words, names and addresses a canary sits wherever a customer must not look."""
    names = [AgentName(f"canaryname{number}") for number in range(3)]
    agents = {
        name: Agent(name=name, emails=(f"canarymail.{name}@inside.example",), full_name=f"{sign} Canarysurname", signs_as=sign)
        for name, sign in zip(names, ("Maria", "Jonas", "Petra"), strict=True)
    }
    team = Team(name=TeamName("canaryteam"), agents=tuple(names))
    upset = Then(assign="canaryteam", brief="Canarybrief: up to ninety euros lie in the lower drawer", labels=("canarylabel",))
    rules = (
        Rule(name="canaryrule upset", when=(Condition(word="sentiment", wanted=("upset",)),), then=upset, why="canarywhy one"),
        Rule(name="canaryrule", when=(), then=replace(upset, reply_with="acknowledge", tell=("lead",)), why="canarywhy two"),
    )
    return replace(
        Day().office.rules.book, agents=agents, teams={team.name: team}, rules=rules, lead=names[2], senior_team=team.name, customers=()
    )


def reading(text: ToRead) -> Scores:
    """Reads the first word, so that a story can say what a mail means."""
    word = text.new_text.partition(" ")[0]
    return Scores(
        language="en",
        topics=(("canarytopic", 0.9),),
        upset=0.9 if word in ("angry", "no") else 0.0,
        thanks_only=0.9 if word == "thanks" else 0.0,
        answer={"yes": Answer.SATISFIED, "no": Answer.DISSATISFIED, "both": Answer.SATISFIED_AND_NEW}.get(word, Answer.UNCLEAR),
        answer_sure=0.9,
        opt_out=word == "stop",
        new_part="something new" if word == "both" else "",
        sensitive=0.9 if word == "death" else 0.0,
    )


WORDS = st.sampled_from(("hello", "angry", "yes", "no", "both", "thanks", "stop", "perhaps", "death"))
NOTE = "canarynote: the cousin of this customer works for the blue shop across the street"
FILE = ("canaryfile.png", b"canarypicture of the lower drawer")
REPLIES = (
    "Is it blue?", "It is blue.", "resolve", "resolve\n\nIt is blue.", f"note: {NOTE}", "help", "label: canarylabel\n\nIt is blue.", "mine",
    "It is blue, ask canarymail.canaryname1@inside.example.", "team\nfind canary", "pass on", "send anyway",
)  # fmt: skip
STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(sorted(CUSTOMERS)), WORDS),
    st.tuples(st.just("answer"), st.sampled_from(sorted(CUSTOMERS)), WORDS),
    st.tuples(st.just("tap"), st.sampled_from(sorted(CUSTOMERS)), st.sampled_from((Answer.SATISFIED, Answer.DISSATISFIED))),
    st.tuples(st.just("agent"), st.just(""), st.sampled_from(REPLIES)),
    st.tuples(st.just("machine"), st.sampled_from(sorted(CUSTOMERS)), st.just("")),
    st.tuples(st.just("pass"), st.just(""), st.sampled_from(("seconds", "minutes", "hours", "days"))),
)  # fmt: skip
PASSING = {"seconds": {"seconds": 40.0}, "minutes": {"minutes": 7.0}, "hours": {"hours": 13.0}, "days": {"days": 5.0}}


def ours(day: Day) -> list[Letterbox]:
    """All that agents and the lead got, oldest first."""
    addresses = [email for agent in day.office.rules.book.agents.values() for email in agent.emails]
    return sorted((mail for address in addresses for mail in day.inbox(address)), key=lambda mail: mail.outgoing.number)


def read_by(mail: Letterbox) -> Iterator[str]:
    """All that a reader of a mail could find: every header, decoded and as it is, and every part, decoded."""
    for part in mail.message.walk():
        yield from (f"{name}: {value}" for name, value in (*part.items(), *part.raw_items()))
        if not part.is_multipart():
            yield bytes(part.get_payload(decode=True) or b"").decode("utf-8", "replace")
    yield mail.outgoing.raw.decode("utf-8", "replace")


def play(day: Day, step: tuple[str, str, str], number: int) -> None:
    kind, who, what = step
    got = day.inbox(who)
    asked = [mail for mail in got if mail.outgoing.kind == "follow_up"]
    last: Letterbox | None = got[-1] if got else None
    routed = [mail for mail in ours(day) if mail.outgoing.kind == "routed"]
    if kind == "write":
        day.write(CUSTOMERS[who], f"Thing {number}", f"{what} about thing {number}", attach=(f"{what}.png", f"picture: {what}".encode()))
    elif kind == "answer" and last:
        day.reply(CUSTOMERS[who], last, f"{what} to number {number}")
    elif kind == "tap" and asked:
        tap(day, asked[-1], Answer(what), sender=CUSTOMERS[who])
    elif kind == "agent" and routed:
        mail = routed[-1 - number % min(len(routed), 3)]
        day.reply(mail.outgoing.envelope_to[0], mail, what, attach=FILE if NOTE in what else None)
    elif kind == "machine":
        day.write(CUSTOMERS[who], "Away", "I am away", answers=last, headers={"Auto-Submitted": "auto-replied"})
    elif kind == "pass":
        day.pass_(**PASSING[what])


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=5, max_size=25))
def test_whatever_people_do_the_promises_hold(steps: Sequence[tuple[str, str, str]]) -> None:
    day = Day(reader=FakeReader(scores=reading))
    for number, step in enumerate(steps):
        play(day, step, number)
    day.pass_(days=1)
    assert not day.store.parked(), [job.error for job in day.store.parked()]
    assert not [mail for mail in agents_mail(day) if "without somebody" in mail.subject]
    assert max(Counter(o.purpose for o in day.mailer.delivered).values(), default=0) <= 1
    for address in CUSTOMERS:
        mails = day.inbox(address)
        assert all(count == 1 for count in Counter((m.outgoing.case, m.outgoing.purpose) for m in mails).values())
        assert not [m for m in mails if "about thing" in m.text.partition("wrote:")[0] or "note" in m.text.partition("wrote:")[0]]
        automatic = sorted(m.outgoing.created_at for m in mails if m.outgoing.kind.automatic_to_customer)
        assert all(sum(1 for at in automatic if 0 <= (at - start).total_seconds() < 7 * 86400) <= 5 for start in automatic)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=5, max_size=25))
def test_whatever_people_do_nothing_of_ours_reaches_a_customer_and_nothing_of_one_another(steps: Sequence[tuple[str, str, str]]) -> None:
    """I5: in no header and no part of a mail to a customer stands a name, an address, a rule, a note, a brief or a token of ours."""
    day = Day(book=canaries(), reader=FakeReader(scores=reading))
    for number, (kind, who, what) in enumerate(steps):
        theirs = f"{what} {who.partition('@')[0]}sword" if kind in ("write", "answer") else what
        play(day, (kind, who, theirs), number)
    day.pass_(days=3)
    tokens = {token for mail in ours(day) for token in re.findall(r"[rn]\d+\.[a-z2-7]+\.[a-z2-7]{26}", mail.outgoing.raw.decode())}
    wording = ("sounds upset", "why you:", "just reply: ", 'first word "note"', "please answer", "your text is safe")
    for address in CUSTOMERS:
        others = [f"{other.partition('@')[0]}sword" for other in CUSTOMERS if other != address]
        for mail in day.inbox(address):
            for found in read_by(mail):
                text = found.casefold()
                assert "canary" not in text and "inside.example" not in text, text
                assert not [word for word in (*others, *wording, *tokens) if word in text], text
    assert not day.store.parked(), [job.error for job in day.store.parked()]


def test_the_canaries_sing_for_agents() -> None:
    """Where all that the story above looks for is not in the mails of agents, it proves nothing."""
    day = Day(book=canaries(), reader=FakeReader(scores=reading))
    steps = (
        ("write", "ana@example.org", "angry"), ("agent", "", "pass on"), ("agent", "", "It is blue."),
        ("agent", "", f"note: {NOTE}"),  # of whoever had it before: its file goes to whoever has it now
        ("write", "ben@example.net", "hello"),
    )  # fmt: skip
    for number, step in enumerate(steps):
        play(day, step, number)
    sung = " ".join(text.casefold() for mail in ours(day) for text in read_by(mail))
    ours_alone = ("canarysurname", "canarymail", "canarybrief", "canarywhy", "canarytopic", "please answer", "why you:")
    for canary in (*ours_alone, "canaryfile.png", "canarypicture", "angry.png", "picture: hello"):
        assert canary in sung, canary
    assert [str(mail.outgoing.kind) for mail in day.inbox("ana@example.org")] == ["reply"]


ORDERS = (
    "merge: #{}", "merge: #{}\n\nIt is blue.", "resolve\nmerge: #{}\n\nIt is blue.", "snooze: 2 days", "snooze: 1 day\n\nIt is blue.",
    "resolve\nsnooze: 4 days", "could not: sold out\n\nIt is sold out.", "undo", "assign: petra", "away: until 19 November", "away: no",
    "split", "no follow-up", "team: seniors", "ask: bob@shop.example\n\nIs it blue?", "We send it on Friday.", "resolve #{}",
)  # fmt: skip
NEXT: dict[str, set[str]] = {
    "open": {"escalate"}, "waiting": {"silence", "wake"}, "resolved": {"ask", "remind", "close"}, "closed": set(), "merged": set(),
}  # fmt: skip
STEERING = {"escalate", "silence", "wake", "ask", "remind", "close"}


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(STEPS, st.tuples(st.just("agent"), st.just(""), st.sampled_from(ORDERS))), min_size=6, max_size=25))
def test_whatever_people_order_each_case_has_one_next_step_and_each_mail_a_reader(steps: Sequence[tuple[str, str, str]]) -> None:
    day = Day(reader=FakeReader(scores=reading))
    day.office.policy = replace(day.office.policy, hold=timedelta(minutes=2))
    for number, (kind, who, what) in enumerate(steps):
        numbers = [row["id"] for row in day.store.look("select id from cases order by id")] or [1001]
        play(day, (kind, who, what.format(numbers[number % len(numbers)])), number)
    day.pass_(minutes=40)
    assert not day.store.parked(), [job.error for job in day.store.parked()]
    for case in day.store.look("select * from cases"):
        jobs = {row["kind"] for row in day.store.look("select kind from job where case_id = ?", case["id"])} & STEERING
        assert jobs <= NEXT[case["state"]] and bool(jobs) == bool(NEXT[case["state"]]), (case["id"], case["state"], jobs)
        if case["state"] == "open":
            assert case["assignee"] in day.office.rules.book.agents and case["due_at"]
    told = " ".join(" ".join(mail.text.split()) for mail in ours(day))
    heard = "select r.new_text, r.thanks_only, r.answer from message m join reading r on r.message = m.id where m.role = 'customer'"
    for row in day.store.look(heard):
        if not row["thanks_only"] and row["answer"] != "satisfied" and row["new_text"] != "Yes, it is solved.":  # these need no reader
            assert " ".join(row["new_text"].split()) in told or "Mail was held back" in told, row["new_text"]


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=5, max_size=20))
def test_whatever_people_do_each_line_of_a_brief_comes_from_a_record(steps: Sequence[tuple[str, str, str]]) -> None:
    day = Day(reader=FakeReader(scores=reading))
    for number, step in enumerate(steps):
        play(day, step, number)
    for row in day.store.look("select id from cases"):
        briefs = [brief for each in case_told(day.store.look, row["id"], ZoneInfo("UTC")) for brief in each["brief_said"]]
        assert briefs or row["id"] > 1001
        assert [line["line"] for brief in briefs for line in brief["lines"] if line["source"] == NO_RECORD] == []
