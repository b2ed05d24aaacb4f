"""A customer's mail begins a case: who gets it, by when, who else hears of it, and whether it is acknowledged."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.follow_up import is_answer
from inboxd.core.issues import linked
from inboxd.core.lettering import reachable
from inboxd.core.letters import bare_subject, is_for_people_only, routed
from inboxd.core.model import Action, Case, CaseState, Decision, JobKind, Join, Kind, Log, OpenCase, Person, Schedule, Send, Situation
from inboxd.core.policy import Policy
from inboxd.core.readers import readers, told
from inboxd.core.route import (
    Route,
    came_at,
    choose,
    contacts_with,
    decided,
    escalate_at,
    filed,
    given,
    is_contact,
    labels_of,
    may_be_asked,
    route,
    trace_of,
    why_of,
    with_assignee,
)  # fmt: skip
from inboxd.core.rulebook import Rulebook, is_repeat
from inboxd.core.rules import Ruling
from inboxd.core.screen import is_of_a_list


def new_case(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """Open a case with this mail, unless a rule ignores it."""
    u, now = situation.understood, situation.now
    person = situation.person or Person(
        number=situation.next_person,
        name=u.message.sender.name,
        email=u.message.sender.email,
        language=u.reading.language,
    )
    contacts = contacts_with(situation)
    found = route(situation, book, policy, contacts, reopened=False, since=came_at(situation))
    ruling = found.ruling
    if found.ignored:
        return _ignored(situation, found)
    repeat = is_repeat(book, contacts, now)
    case = Case(
        number=situation.next_case,
        mailbox=u.mailbox,
        customer=person.number,
        subject=bare_subject(u.message.subject),
        state=CaseState.OPEN,
        language=u.reading.language or person.language or situation.mailbox.language,
        topic=u.reading.topic,
        sentiment=u.reading.sentiment,
        first_sentiment=u.reading.sentiment,
        priority=ruling.then.priority or "normal",
        labels=labels_of(situation, ruling),
        due_at=found.hour.at,
        opened_at=now,
        updated_at=now,
        repeat=repeat,
        linked_to=situation.case.number if situation.case else situation.related,
        participants=readers(situation, person, book),
        briefs=(ruling.then.brief,) if ruling.then.brief else (),
        no_follow_up=not may_be_asked(situation, ruling),
    )
    writer = (situation.agent,) if situation.agent else ()  # a colleague who writes as a customer is answered by another
    choice = choose(found, situation, book, avoid=writer)
    held = with_assignee(case, choice)
    thread = (u.message.message_id,) if u.message.message_id else ()
    there = replace(situation, case=case, customer=person, story=(), customer_thread=thread, agent_threads={})
    actions: list[Action] = [
        OpenCase(case=case, person=person),
        Join(case=case.number, participants=case.participants, contact=is_contact(situation)),
        *linked(situation, case.number),
    ]
    if choice:
        actions += [
            given(case, choice, ruling),
            Send(
                letter=routed(
                    there,
                    case,
                    book.agents[choice.agent],
                    policy,
                    purpose=f"route:{u.number}:{choice.agent}",
                    why=why_of(ruling, choice),
                    marked_spam=u.screening.kind is Kind.SPAM,
                )
            ),
        ]
    actions += [
        escalate_at(held, book, found.start, found.within, now=now),
        *told(there, held, ruling, book, ruling.then.tell),
        *_acknowledge(there, held, ruling, book, policy),
        *filed(situation, ruling),
    ]
    return decided(actions, found, case, choice, policy)


def _ignored(situation: Situation, found: Route) -> Decision:
    by = found.ruling.by.get("ignore", "")
    data = {"message": situation.understood.number, "because": by}
    return Decision(
        actions=(Log(kind="message.ignored", data=data), *filed(situation, found.ruling)),
        because=(f"rule '{by}'",),
        trace=trace_of(found),
    )


def _acknowledge(situation: Situation, case: Case, ruling: Ruling, book: Rulebook, policy: Policy) -> list[Action]:
    """An acknowledgement waits, and is dropped if somebody answers; some people get none. With it waits whether a rule named the hour."""
    message = situation.understood.message
    in_copy = bool(message.to) and not {a.email for a in message.to} & {
        situation.mailbox.address,
        *situation.mailbox.aliases,
    }
    if (
        not ruling.then.reply_with
        or is_for_people_only(situation, case, book)
        or in_copy
        or is_answer(situation)
        or is_of_a_list(message.sender.email)
        or not (situation.customer and reachable(situation.customer.email))
        or situation.understood.screening.automatic
    ):
        return []
    payload = {"template": ruling.then.reply_with, "promised": ruling.then.answer_within is not None}
    at = situation.now + policy.acknowledge_after
    return [Schedule(kind=JobKind.ACKNOWLEDGE, key=f"acknowledge:{case.number}", at=at, case=case.number, payload=payload)]
