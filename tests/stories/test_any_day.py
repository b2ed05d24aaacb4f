"""Whatever people do, in whatever order: nothing is parked, nobody is forgotten, nothing of ours leaks, nobody is asked twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inboxd.core.model import Answer, Scores, ToRead
from tests.fakes import FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, BEN, agents_mail, tap

CUSTOMERS = {"ana@example.org": ANA, "ben@example.net": BEN}


def reading(text: ToRead) -> Scores:
    """Reads the first word, so that a story can say what a mail means."""
    word = text.new_text.partition(" ")[0]
    return Scores(
        language="en",
        upset=0.9 if word in ("angry", "no") else 0.0,
        thanks_only=0.9 if word == "thanks" else 0.0,
        answer={"yes": Answer.SATISFIED, "no": Answer.DISSATISFIED, "both": Answer.SATISFIED_AND_NEW}.get(word, Answer.UNCLEAR),
        answer_sure=0.9,
        opt_out=word == "stop",
        new_part="something new" if word == "both" else "",
        sensitive=0.9 if word == "death" else 0.0,
    )


WORDS = st.sampled_from(("hello", "angry", "yes", "no", "both", "thanks", "stop", "perhaps", "death"))
REPLIES = ("Is it blue?", "It is blue.", "resolve", "resolve\n\nIt is blue.", "note: blue", "help")
STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(sorted(CUSTOMERS)), WORDS),
    st.tuples(st.just("answer"), st.sampled_from(sorted(CUSTOMERS)), WORDS),
    st.tuples(st.just("tap"), st.sampled_from(sorted(CUSTOMERS)), st.sampled_from((Answer.SATISFIED, Answer.DISSATISFIED))),
    st.tuples(st.just("agent"), st.just(""), st.sampled_from(REPLIES)),
    st.tuples(st.just("machine"), st.sampled_from(sorted(CUSTOMERS)), st.just("")),
    st.tuples(st.just("pass"), st.just(""), st.sampled_from(("seconds", "minutes", "hours", "days"))),
)  # fmt: skip
PASSING = {"seconds": {"seconds": 40.0}, "minutes": {"minutes": 7.0}, "hours": {"hours": 13.0}, "days": {"days": 5.0}}


def play(day: Day, step: tuple[str, str, str], number: int) -> None:
    kind, who, what = step
    got = day.inbox(who)
    asked = [mail for mail in got if mail.outgoing.kind == "follow_up"]
    last: Letterbox | None = got[-1] if got else None
    routed = [mail for mail in agents_mail(day) if mail.outgoing.kind == "routed"]
    if kind == "write":
        day.write(CUSTOMERS[who], f"Thing {number}", f"{what} about thing {number}")
    elif kind == "answer" and last:
        day.reply(CUSTOMERS[who], last, f"{what} to number {number}")
    elif kind == "tap" and asked:
        tap(day, asked[-1], Answer(what), sender=CUSTOMERS[who])
    elif kind == "agent" and routed:
        mail = routed[-1 - number % min(len(routed), 3)]
        day.reply(mail.outgoing.envelope_to[0], mail, what)
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
