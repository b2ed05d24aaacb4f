"""Answers to "is it solved?" as the mails that people really send: with a signature, our question quoted below, and often as HTML.

The answers are those of the corpus that training never sees. Each is read by the shipped model and must lead to the right next step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pytest

from inboxd.adapters.nlp.corpus import AnswerExample, answers
from inboxd.core.model import Answer, CaseNo, CaseState, Outcome
from inboxd.demo.cast import Client, Person
from inboxd.demo.letters import reply_to
from tests.stories.day import Day, Letterbox, _read

EVERY = 2  # answer of the test set is sent: more say little more, and cost time
AT_ONCE = 40
CLIENTS = tuple(Client)
RIGHT = 0.85  # the share of right next steps: a little less than the 87 in 100 that are reached
CLOSED_WRONGLY = 0.02


@dataclass(frozen=True, slots=True)
class Ended:
    """What somebody answered, and what became of their case."""

    example: AnswerExample
    client: Client
    state: CaseState
    outcome: Outcome | None
    events: frozenset[str]
    cases: int  # of this person

    @property
    def right(self) -> bool:
        """Whether what follows is what a careful reader would have done."""
        match self.example.answer:
            case Answer.SATISFIED:
                return self.outcome is Outcome.SATISFIED and self.cases == 1
            case Answer.SATISFIED_AND_NEW:
                return self.outcome is Outcome.SATISFIED and self.cases == 2
            case Answer.DISSATISFIED:
                return "case.dissatisfied" in self.events
            case Answer.UNCLEAR:
                return not self.events & {"case.satisfied", "case.dissatisfied"}


@lru_cache(maxsize=1)
def ended() -> tuple[Ended, ...]:
    """All of them, in one store."""
    return tuple(_played(Day(), answers("test/answers_en.mails", "test/answers_de.mails")[::EVERY]))


def _played(day: Day, examples: Sequence[AnswerExample]) -> Iterator[Ended]:
    people = [_person(number, example) for number, example in enumerate(examples)]
    for start in range(0, len(people), AT_ONCE):
        theirs = people[start : start + AT_ONCE]
        for person in theirs:
            day.write(f"{person.name} <{person.email}>", "Front wheel", _wish(person), run=False)
        day.run()
        for routed in _latest(day, "routed").values():
            day.reply(routed.outgoing.envelope_to[0], routed, "resolve\n\nHello,\nthe 15 mm one.", run=False)
        day.run()
        day.mailer.delivered.clear()
        day.pass_(days=2, hours=1)
        asked = {question.outgoing.envelope_to[0]: question for question in _latest(day, "follow_up").values()}
        told = list(zip(people, examples, strict=True))[start : start + AT_ONCE]
        for person, example in told:
            raw = reply_to(asked[person.email].outgoing.raw, person, example.text, person.client, day.at())
            day.mailbox.put(raw, day.at())
        day.run()
        day.pass_(hours=1)
        yield from (_ended(day, person, example) for person, example in told)
        day.mailer.delivered.clear()
        day.pass_(hours=22)  # and it is nine in the morning again


def _ended(day: Day, person: Person, example: AnswerExample) -> Ended:
    found = day.store.look("select c.id from cases c join address a on a.person = c.customer where a.email = ? order by c.id", person.email)
    case = day.case(found[0]["id"])
    events = frozenset(row["kind"] for row in day.store.look("select kind from event where case_id = ?", case.number))
    return Ended(example, person.client, case.state, case.outcome, events, len(found))


def _person(number: int, example: AnswerExample) -> Person:
    german = "answers_de" in example.place
    signature = f"Kim Berg {number}\nBergstr. 4, 10115 Berlin\nTel. 030 1234567" if number % 2 else ""
    language = "de" if german else "en"
    return Person(
        name="Kim Berg", email=f"p{number}@people.example", client=CLIENTS[number % len(CLIENTS)], language=language, signature=signature
    )


def _wish(person: Person) -> str:
    if person.language == "de":
        return "Guten Tag,\nwelcher Schlüssel passt für das Vorderrad?\nKim"
    return "Hello,\nwhich spanner fits the front wheel?\nKim"


def _latest(day: Day, kind: str) -> dict[CaseNo | None, Letterbox]:
    return {each.case: _read(each) for each in day.mailer.delivered if each.kind == kind}


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_who_says_no_is_closed_or_counted_as_satisfied(client: Client) -> None:
    said_no = [each for each in ended() if each.client is client and each.example.answer is Answer.DISSATISFIED]
    assert len(said_no) > 10
    closed = [each for each in said_no if each.state is CaseState.CLOSED or "case.satisfied" in each.events]
    assert not closed, [(each.example.place, each.example.text) for each in closed]


def test_most_answers_lead_to_the_right_next_step_at_once() -> None:
    right = sum(each.right for each in ended())
    by_answer = Counter((str(each.example.answer), each.right) for each in ended())
    by_language = Counter((each.example.place.split(":")[0][-8:-6], each.right) for each in ended())
    by_client = Counter((str(each.client), each.right) for each in ended())
    print(f"right next step: {right} of {len(ended())} ({right / len(ended()):.1%})", by_answer, by_language, by_client, sep="\n")
    assert right / len(ended()) >= RIGHT


def test_hardly_any_answer_ends_a_case_that_still_needs_a_person() -> None:
    """A wrong step is nearly always one too careful: a person reads the answer, and the case stays where it is."""
    overlooked = [each for each in ended() if not each.right and each.state is CaseState.CLOSED]
    assert all(each.example.answer is not Answer.DISSATISFIED for each in overlooked)
    assert len(overlooked) <= CLOSED_WRONGLY * len(ended()), [(each.example.place, each.example.text) for each in overlooked]
