"""Mails of an mbox or a Maildir as if inboxd had received them: the facts that rules need, made up from the mails alone.

Who wrote before, who wrote again and what belongs together comes from the mails; a case counts as answered after a day.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TypeVar

from inboxd.core.decide import decide
from inboxd.core.model import (
    AgentName,
    Assign,
    Candidate,
    Case,
    CaseNo,
    CaseState,
    Decision,
    Directory,
    Join,
    MailboxFacts,
    MessageNo,
    OpenCase,
    Person,
    PersonNo,
    RawMessage,
    Role,
    Scores,
    Situation,
    StoryLine,
    ToRead,
    Understood,
)
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Rulebook, is_away, senders_agent
from inboxd.core.understand import understand
from inboxd.desk.arrival import received
from inboxd.desk.explain import Threads
from inboxd.ports import PastDecision

Key = TypeVar("Key")

BATCH = 64
ANSWERED_AFTER = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Imagined:
    """What would be known by now."""

    book: Rulebook
    policy: Policy
    mailbox: MailboxFacts
    people: dict[str, Person] = field(default_factory=dict)
    contacts: dict[PersonNo, list[datetime]] = field(default_factory=dict)
    cases: dict[int, Case] = field(default_factory=dict)  # by thread
    stories: dict[int, list[StoryLine]] = field(default_factory=dict)
    cases_made: int = 0
    people_made: int = 0
    recent: deque[tuple[datetime, AgentName]] = field(default_factory=deque)  # who got a case in the last day
    threads: Threads = field(default_factory=Threads)
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)

    def take(self, raw: RawMessage, u: Understood) -> PastDecision | None:
        """Decide about one more mail under the old rules; None where rules have no part in it."""
        self.now = max(self.now, u.received_at)
        thread = self.threads.place(raw.raw, u.message)
        situation = self._situation(u, thread)
        decision = decide(situation, self.book, self.policy)
        self._remember(situation, decision, thread)
        if not decision.trace:
            return None
        return PastDecision(
            number=u.number, message=u.number, case=decision.case, at=self.now, ruleset=self.book.hash, situation=situation,
            actions=decision.actions, letters=(), trace=decision.trace,
        )  # fmt: skip

    def _situation(self, u: Understood, thread: int) -> Situation:
        person = self.people.get(u.message.sender.email)
        case = self.cases.get(thread)
        if case is not None and self.now - case.updated_at > ANSWERED_AFTER:
            case = replace(case, state=CaseState.WAITING, due_at=None)
        while self.recent and self.now - self.recent[0][0] > ANSWERED_AFTER:
            self.recent.popleft()
        held = Counter(agent for _, agent in self.recent)
        story = self.stories.get(thread, [])
        since = self.now - self.policy.contacts_kept
        return Situation(
            now=self.now,
            mailbox=self.mailbox,
            understood=u,
            person=person,
            customer=person if case else None,
            case=case,
            feeling_before=case.sentiment if case else None,
            next_case=CaseNo(self.cases_made + 1),
            next_person=PersonNo(self.people_made + 1),
            contacts=tuple(at for at in self.contacts.get(person.number, ()) if at > since) if person else (),
            asked_for=bool(case and story and u.received_at - story[-1].at < self.policy.same_contact),
            story=tuple(story),
            agent=senders_agent(self.book, u.message.sender.email) if u.message.sender.email else None,
            candidates={
                name: Candidate(
                    name=name,
                    open_cases=held[name],
                    away=is_away(self.book, name, self.now),
                    knows_customer=bool(case and name in case.involved),
                )
                for name in self.book.agents
            },
        )

    def _remember(self, situation: Situation, decision: Decision, thread: int) -> None:
        u = situation.understood
        for action in decision.actions:
            match action:
                case OpenCase():
                    self.cases[thread] = action.case
                    self.cases_made = action.case.number
                    self.people_made = max(self.people_made, action.person.number)
                    if action.person.email:
                        self.people.setdefault(action.person.email, action.person)
                case Join(contact=True) if decision.case is not None:
                    self._contact(u.message.sender.email, u.received_at)
                case Assign() if thread in self.cases:
                    self.cases[thread] = replace(self.cases[thread], assignee=action.agent, team=action.team, involved=(action.agent,))
                    self.recent.append((self.now, action.agent))
                case _:
                    pass
        if decision.case is None:
            return
        if thread in self.cases:
            self.cases[thread] = replace(self.cases[thread], updated_at=self.now, sentiment=u.reading.sentiment)
        line = StoryLine(at=u.received_at, role=Role.CUSTOMER, name=u.message.sender.name, text="", message=u.number)
        self.stories.setdefault(thread, []).append(line)

    def _contact(self, email: str, at: datetime) -> None:
        """Keep that this person wrote; what is too old for any rule is dropped, so that a robot's thousands cost nothing."""
        person = self.people.get(email)
        if person is not None:
            kept = [each for each in self.contacts.get(person.number, ()) if each > self.now - self.policy.contacts_kept]
            self.contacts[person.number] = [*kept, at]


def imagine(
    mails: Iterable[bytes],
    book: Rulebook,
    policy: Policy,
    mailbox: MailboxFacts,
    read: Callable[[Sequence[ToRead]], list[Scores]],
    now: datetime,
) -> Iterator[PastDecision]:
    """Walk through mails in their order; what no rule decides about is left out.

    A mail without a date, or with one that is yet to come, counts as of the time of the mail before it.
    """
    desk = Imagined(book=book, policy=policy, mailbox=mailbox)
    agents = frozenset(email for agent in book.agents.values() for email in agent.emails)
    directory = Directory(own=frozenset((mailbox.address, *mailbox.aliases)) - {""}, agents=agents, identity=book.identity)
    source, number, last = iter(mails), 0, None
    while batch := list(islice(source, BATCH)):
        raws = []
        for raw in batch:
            number += 1
            at = received(raw)
            last = at if at is not None and at <= now else last or now
            raws.append(RawMessage(number=MessageNo(number), mailbox=mailbox.name, received_at=last, raw=raw))
        for one, understood in zip(raws, understand(raws, directory, read), strict=True):
            found = desk.take(one, understood) if isinstance(understood, Understood) else None
            if found is not None:
                yield found


def in_order(keys: Iterable[Key], fetch: Callable[[Key], bytes]) -> list[Key]:
    """The keys of mails by the time at which these came in; one that does not say when stays behind the one before it."""
    dated, last = [], datetime.min.replace(tzinfo=UTC)
    for place, key in enumerate(keys):
        last = received(fetch(key)) or last
        dated.append((last, place, key))
    return [key for _, _, key in sorted(dated, key=lambda each: each[:2])]
