"""What a period taught us: satisfaction, people won back, people who had to write again. No speed, no load: docs/explanation/measures.md.

`measure` makes the figures of `findings.Findings` from plain records of the store. A period is looked at as it was known at `Scope.now`;
the one before it as it was known just as long after its own end, so that neither had more time to turn out well or badly.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from inboxd.core.dates import sentences
from inboxd.core.doubt import compared, share
from inboxd.core.findings import Compared, Findings, Leeway, OfferedAnswer, Refusal, Share, Thanks, Waiting, WonBack
from inboxd.core.model import (
    AgentName,
    Answer,
    CaseEvent,
    CaseNo,
    CaseState,
    Correction,
    MailboxName,
    MessageNo,
    PersonNo,
    Promise,
    Role,
    Sentiment,
    TeamName,
)
from inboxd.core.signatures import without_closing

REPEAT_WITHIN = timedelta(days=14)
TREND = timedelta(weeks=8)  # the weeks up to the last one of a period that its trend shows
UNKNOWN = "unknown"  # the last feeling of people who wrote once: we have not heard how they feel now
MAX_WORDS = 110  # letters of a sentence that is shown

# --- what the store gives -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as it stands now. A merged one only leads to the case that it became."""

    number: CaseNo
    mailbox: MailboxName
    team: TeamName | None
    customer: PersonNo
    name: str  # the customer's, else their address
    subject: str
    topic: str
    state: CaseState
    assignee: AgentName | None = None
    due_at: datetime | None = None
    opened_at: datetime
    sensitive: bool = False  # counted, and no word of theirs is shown
    merged_into: CaseNo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRecord:
    """A mail in a case: of a customer (kind person, never automatic mail or spam) or an agent's words to them."""

    number: MessageNo
    case: CaseNo
    at: datetime
    role: Role
    person: PersonNo | None = None
    agent: AgentName | None = None
    contact: bool = False
    sentiment: Sentiment = Sentiment.NEUTRAL
    thanks: bool = False
    sensitive: bool = False
    name: str = ""  # whose it is, as the mail says; only of a thank-you
    text: str = ""  # "" where nothing of it may come to be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRecord:
    """Something that happened to a case: an event of its life, a good answer read, or one of those below with what in `value`."""

    case: CaseNo
    at: datetime
    kind: str  # a CaseEvent, or one of those below
    state: str = ""  # the case's, afterwards
    value: str = ""
    message: MessageNo | None = None  # the mail behind it


GAVE, COULD_NOT, ANSWER_READ = "gave", "could_not", "answer_read"
OFFERED, HELPED, MISSED = "offered", "helped", "missed"  # an answer of the rules, by its name


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionRecord:
    """We asked a customer whether it is solved."""

    case: CaseNo
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All cases that something happened to since a time, each with its whole story, whatever the order."""

    cases: Sequence[CaseRecord] = ()
    mails: Sequence[MailRecord] = ()
    facts: Sequence[FactRecord] = ()
    questions: Sequence[QuestionRecord] = ()
    corrections: Sequence[Correction] = ()
    promises: Sequence[Promise] = ()  # not taken back


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is asked: which days of whom, seen when."""

    brand: str
    first: date
    last: date  # included
    now: datetime
    zone: tzinfo = UTC
    mailbox: MailboxName | None = None
    team: TeamName | None = None
    repeat_within: timedelta = REPEAT_WITHIN
    agents: Mapping[AgentName, str] = field(default_factory=dict)  # how each agent signs
    watched: frozenset[MailboxName] = frozenset()  # in mode watch: what was answered there nobody told us

    @property
    def begin(self) -> datetime:
        """The first moment of the first day."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first moment after the last day."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    @property
    def before(self) -> Scope:
        """The period of the same length before, known as long after its end as this one."""
        days = timedelta(days=(self.last - self.first).days + 1)
        return replace(self, first=self.first - days, last=self.first - timedelta(days=1), now=self.now - days)

    @property
    def trend_first(self) -> date:
        """The Monday on which the first week of the trend begins."""
        return min(_monday(self.first), _monday(self.last) + timedelta(weeks=1) - TREND)

    def signs_as(self, agent: AgentName | None) -> str:
        """How an agent is called."""
        return "" if agent is None else self.agents.get(agent, agent.capitalize())


def needed_since(scope: Scope) -> datetime:
    """From when on `measure` needs records: from the trend or the period before, and the time in which a contact may be a repeated one."""
    return min(scope.before.begin, _midnight(scope.trend_first, scope.zone)) - scope.repeat_within


# --- the measures ---------------------------------------------------------------------------------------------------


def measure(records: Records, scope: Scope) -> Findings:
    """Say what the period taught us, beside the period before."""
    stories = _stories(records)
    now, before = _Period(stories, scope), _Period(stories, scope.before)
    unhappy = now.still_unhappy()
    upset = now.upset_people({each.case for each in unhappy})
    asked = now.asked()
    won = now.won_back()
    wrote = now.people()
    unclear, mended = now.unclear(asked), now.mended(asked)
    feelings = now.feelings()
    unheard = now.unheard()
    result = Findings(
        brand=scope.brand,
        first=scope.first,
        last=scope.last,
        mailbox=scope.mailbox,
        team=scope.team,
        watches=any(scope.mailbox in (None, name) for name in scope.watched),
        people=len(wrote),
        people_before=len(before.people()) if _reaches_back(stories, scope.before.begin) else 0,
        still_unhappy=unhappy,
        won_back=won,
        upset_people=sum(len(cases) for cases in upset.values()),
        upset_calm=now.upset_calm(),
        upset_solved=len(upset["solved"]),
        upset_silent=len(upset["silent"]),
        asked=len(asked),
        unclear=len(unclear),
        satisfied=compared(now.satisfied(asked), before.satisfied(before.asked())),
        response=now.response(asked),
        dissatisfied_mended=len(mended),
        wrote_again=_both(now, before, _Period.wrote_again),
        first_contact=_both(now, before, _Period.first_contact),
        reopened=_both(now, before, _Period.reopened),
        win_back=_both(now, before, _Period.win_back),
        unheard=unheard,
        feelings=_counted(feelings),
        refusals=now.refusals(),
        leeway=now.leeway(),
        answers=now.answers(),
        thanks=now.thanks(),
        satisfied_by_week=now.satisfied_by_week(),
    )
    behind = {
        "people": _sorted(cases[-1] for cases in wrote.values()),
        "upset": _sorted(case for cases in upset.values() for case in cases),
        "upset_solved": _sorted(upset["solved"]),
        "upset_silent": _sorted(upset["silent"]),
        "asked": _numbers(asked),
        "unclear": _numbers(unclear),
        "dissatisfied_mended": _numbers(mended),
        **{f"feeling:{start}>{end}": _numbers(cases) for (start, end), cases in feelings.items()},
    }
    result = replace(result, cases_of={name: cases for name, cases in behind.items() if cases})
    return replace(result, names=now.names(), subjects=now.subjects(result))


def _reaches_back(stories: Sequence[_Story], begin: datetime) -> bool:
    """Whether somebody wrote as early as that; else nothing can be said of the time from then on."""
    return any(mail.at <= begin + timedelta(days=1) for story in stories for mail in story.heard)


def _counted(feelings: Mapping[tuple[str, str], Sequence[_Story]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (start, end), cases in feelings.items():
        found.setdefault(start, {})[end] = len(cases)
    return found


def _both(now: _Period, before: _Period, of: Callable[[_Period], Share]) -> Compared:
    return compared(of(now), of(before))


@dataclass(slots=True, eq=False)
class _Story:
    """A case with all that was merged into it, in order of time."""

    case: CaseRecord
    heard: list[MailRecord] = field(default_factory=list)  # the customer's mails
    replies: list[MailRecord] = field(default_factory=list)
    facts: list[FactRecord] = field(default_factory=list)
    questions: list[datetime] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)
    answers: list[tuple[datetime, Answer]] = field(default_factory=list)
    bad: list[datetime] = field(default_factory=list)  # upset, or said that it is not solved
    good: list[datetime] = field(default_factory=list)  # said that it is solved, or was happy and thanked after we believed so
    said: dict[datetime, MessageNo] = field(default_factory=dict)  # the mails behind the good words, by their times
    reopenings: list[datetime] = field(default_factory=list)
    resolved_at: datetime | None = None  # the first time

    def contacts(self, until: datetime) -> list[MailRecord]:
        return [mail for mail in self.heard if mail.contact and mail.at <= until]

    def is_solved(self, until: datetime, after: datetime | None = None) -> bool:
        """Whether the customer's last clear word (after this time, if given) was a good one. Silence is no word."""
        good = _last(self.good, until)
        bad = _last(self.bad, until)
        return good is not None and (bad is None or good >= bad) and (after is None or good > after)

    def first_answer(self, until: datetime) -> tuple[datetime, Answer] | None:
        """The first answer that was a yes or a no."""
        return next(((at, answer) for at, answer in self.answers if at <= until and answer is not Answer.UNCLEAR), None)


class _Period:
    """The cases of a scope, and what they say of its days."""

    def __init__(self, stories: Sequence[_Story], scope: Scope) -> None:
        self.scope = scope
        self.begin, self.end = scope.begin, scope.end
        self.until = scope.now
        self.stories = [
            story
            for story in stories
            if scope.mailbox in (None, story.case.mailbox) and scope.team in (None, story.case.team) and story.heard
        ]
        self.everywhere, self.everybodys = _contact_times(stories, self.until), stories

    def within(self, at: datetime | None) -> bool:
        return at is not None and self.begin <= at < self.end and at <= self.until

    # --- who wrote, and who had to write again

    def people(self) -> dict[PersonNo, list[CaseNo]]:
        """Who wrote, with the cases in which they did, the newest last."""
        found: dict[PersonNo, list[CaseNo]] = defaultdict(list)
        for story in self.stories:
            for mail in story.heard:
                if mail.contact and self.within(mail.at):
                    found[_writer(mail, story)].append(story.case.number)
        return found

    def wrote_again(self) -> Share:
        again: dict[PersonNo, list[CaseNo]] = defaultdict(list)
        for story in self.stories:
            for mail in story.heard:
                if mail.contact and self.within(mail.at):
                    times = self.everywhere[_matter(mail, story)]
                    if bisect_left(times, mail.at) > bisect_left(times, mail.at - self.scope.repeat_within):
                        again[_writer(mail, story)].append(story.case.number)
        return share(len(again), len(self.people()), (case for cases in again.values() for case in cases))

    # --- did it really help

    def asked(self) -> list[_Story]:
        """Cases whose first question went out in the period: each is asked about once in these figures, however often we asked."""
        return [story for story in self.stories if story.questions and self.within(story.questions[0])]

    def satisfied(self, asked: Sequence[_Story]) -> Share:
        answered = [(story, story.first_answer(self.until)) for story in asked]
        yes = [story for story, answer in answered if answer and answer[1] is not Answer.DISSATISFIED]
        return share(len(yes), sum(answer is not None for _, answer in answered), _numbers(yes))

    def response(self, asked: Sequence[_Story]) -> Share:
        answered = [story for story in asked if story.first_answer(self.until)]
        return share(len(answered), len(asked), _numbers(answered))

    def unclear(self, asked: Sequence[_Story]) -> list[_Story]:
        return [story for story in asked if story.first_answer(self.until) is None and any(at <= self.until for at, _ in story.answers)]

    def mended(self, asked: Sequence[_Story]) -> list[_Story]:
        said_no = [(story, answer) for story in asked if (answer := story.first_answer(self.until)) and answer[1] is Answer.DISSATISFIED]
        return [story for story, answer in said_no if story.is_solved(self.until, after=answer[0])]

    def satisfied_by_week(self) -> tuple[tuple[date, Share], ...]:
        """The weeks of the period and those before it, as known now; earlier ones from the first on in which anybody was asked."""
        weeks: dict[date, list[_Story]] = {}
        monday = self.scope.trend_first
        while monday <= self.scope.last:
            weeks[monday] = []
            monday += timedelta(weeks=1)
        for story in self.stories:
            if story.questions and story.questions[0] < self.end and story.questions[0] <= self.until:
                week = _monday(story.questions[0].astimezone(self.scope.zone).date())
                if week in weeks:
                    weeks[week].append(story)
        begun = min((week for week, asked in weeks.items() if asked), default=self.scope.first)
        shown = min(begun, _monday(self.scope.first))
        return tuple((week, self.satisfied(asked)) for week, asked in weeks.items() if week >= shown)

    # --- was it solved at once, and for good

    def first_contact(self) -> Share:
        resolved = [story for story in self.stories if self.within(story.resolved_at) and story.contacts(self.until)]
        at_once = [story for story in resolved if self._at_once(story)]
        return share(len(at_once), len(resolved), _numbers(at_once))

    def _at_once(self, story: _Story) -> bool:
        contacts = story.contacts(self.until)
        if len(contacts) != 1 or sum(mail.at <= self.until for mail in story.replies) != 1 or _last(story.reopenings, self.until):
            return False
        times = self.everywhere[_matter(contacts[0], story)]
        return bisect_right(times, contacts[0].at) == bisect_right(times, contacts[0].at + self.scope.repeat_within)

    def reopened(self) -> Share:
        resolved = [story for story in self.stories if self.within(story.resolved_at)]
        opened = [story for story in resolved if any(at <= self.until for at in story.reopenings)]
        return share(len(opened), len(resolved), _numbers(opened))

    # --- who was won back

    def _hurt(self) -> list[_Story]:
        return [story for story in self.stories if any(self.within(at) for at in story.bad)]

    def win_back(self) -> Share:
        hurt = self._hurt()
        won = [story for story in hurt if story.is_solved(self.until)]
        return share(len(won), len(hurt), _numbers(won))

    def upset_people(self, unhappy: set[CaseNo]) -> dict[str, list[CaseNo]]:
        """What became of the people who were upset, each with their newest case."""
        cases: dict[PersonNo, list[_Story]] = defaultdict(list)
        for story in self._hurt():
            cases[story.case.customer].append(story)
        found: dict[str, list[CaseNo]] = {"unhappy": [], "solved": [], "silent": []}
        for stories in cases.values():
            waiting = [story.case.number for story in stories if story.case.number in unhappy]
            end = "unhappy" if waiting else "solved" if all(story.is_solved(self.until) for story in stories) else "silent"
            found[end].append(waiting[-1] if waiting else stories[-1].case.number)
        return found

    def upset_calm(self) -> int:
        """How many people only said that it was not solved, and never wrote in anger."""
        hurt = self._hurt()
        furious = {story.case.customer for story in hurt if any(mail.sentiment is Sentiment.UPSET for mail in story.heard)}
        return len({story.case.customer for story in hurt} - furious)

    def won_back(self) -> tuple[WonBack, ...]:
        """Stories that ended well in the period, the longest way back first."""
        won = []
        for story in self.stories:
            bad = _last(story.bad, self.until)
            turned = next((at for at in story.good if bad is not None and bad <= at <= self.until), None)
            if turned is None or not self.within(turned):
                continue
            before = sum(mail.at <= turned and mail.number != story.said.get(turned) for mail in story.heard)
            words = next((mail for mail in story.heard if mail.number == story.said.get(_last(story.good, self.until) or turned)), None)
            names = dict.fromkeys(self.scope.signs_as(mail.agent) for mail in story.replies if mail.at <= turned and mail.agent)
            won.append(
                WonBack(
                    case=story.case.number,
                    name=story.case.name,
                    mails=before,
                    words=_telling(words.text) if words and not story.case.sensitive else "",
                    agents=tuple(names),
                    message=words.number if words else None,
                )
            )
        return tuple(sorted(won, key=lambda each: (not each.words, -each.mails, each.case)))

    # --- who waits

    def still_unhappy(self) -> tuple[Waiting, ...]:
        """Open or waiting, and the last that we heard was no good word. Upset people first, then who waits longest."""
        found = []
        for story in self.stories:
            if story.case.state not in (CaseState.OPEN, CaseState.WAITING) or story.case.mailbox in self.scope.watched:
                continue
            relief = max((*story.good, *(mail.at for mail in story.heard if mail.thanks)), default=None)
            hurt = (*story.bad, *story.reopenings, *(mail.at for mail in story.heard if mail.sentiment is Sentiment.UNHAPPY))
            since = min((at for at in hurt if relief is None or at > relief), default=None)
            last = story.heard[-1].sentiment
            worse = any(at for at in (*story.bad, *story.reopenings) if relief is None or at > relief)
            if since is not None and (worse or last is Sentiment.UNHAPPY):
                upset = last is Sentiment.UPSET
                found.append((not upset, since, story.case.number, self._waiting(story, since)))
        return tuple(waiting for *_, waiting in sorted(found, key=lambda each: each[:3]))

    def unheard(self) -> tuple[Waiting, ...]:
        """Open past the hour that we gave: who waits longest first."""
        found = []
        for story in self.stories:
            late = story.case.due_at is not None and story.case.due_at < self.scope.now and story.case.mailbox not in self.scope.watched
            if late and story.case.state is CaseState.OPEN:
                replied = _last([mail.at for mail in story.replies], self.until)
                since = next((mail.at for mail in story.heard if replied is None or mail.at > replied), story.case.opened_at)
                found.append((since, story.case.number, self._waiting(story, since)))
        return tuple(waiting for *_, waiting in sorted(found, key=lambda each: each[:2]))

    def _waiting(self, story: _Story, since: datetime) -> Waiting:
        case = story.case
        promise = None if case.sensitive else self._promised(story)
        return Waiting(
            case=case.number,
            customer=case.customer,
            name=case.name,
            subject=_subject(case),
            agent=case.assignee,
            agent_name=self.scope.signs_as(case.assignee),
            promised=_short(promise.sentence) if promise else "",
            promised_by=self.scope.signs_as(promise.agent) if promise and promise.agent != case.assignee else "",
            since=since,
        )

    def _promised(self, story: _Story) -> Promise | None:
        """What an agent promised last and did not take back."""
        known = [promise for promise in story.promises if promise.made_at <= self.until]
        return max(known, key=lambda promise: (promise.made_at, promise.day), default=None)

    # --- feelings, refusals, leeway, thanks

    def feelings(self) -> dict[tuple[str, str], list[_Story]]:
        """Cases whose first mail came in the period, by how it felt, and how the last one did."""
        found: dict[tuple[str, str], list[_Story]] = defaultdict(list)
        for story in self.stories:
            heard = [mail for mail in story.heard if mail.at <= self.until]
            if heard and self.within(heard[0].at):
                found[str(heard[0].sentiment), str(heard[-1].sentiment) if len(heard) > 1 else UNKNOWN].append(story)
        ways = ((str(one), str(other)) for one in Sentiment for other in (*Sentiment, UNKNOWN))
        return {way: found[way] for way in ways if way in found}

    def refusals(self) -> tuple[Refusal, ...]:
        wrote = self._last_words()
        found = []
        for reason, each in self._said(COULD_NOT):
            lost = sum(self._lost(story, at, wrote) for story, at in each.items())
            found.append(Refusal(reason=reason, count=len(each), unhappy=lost, cases=_numbers(each)))
        return tuple(sorted(found, key=lambda refusal: (-refusal.count, refusal.reason)))

    def _lost(self, story: _Story, at: datetime, wrote: Mapping[PersonNo, datetime]) -> bool:
        """Said no or was upset after we refused, and no good word since; or was asked, did not answer, and never wrote again."""
        if any(at <= bad <= self.until for bad in story.bad):
            return not story.is_solved(self.until)
        asked = any(at <= question <= self.until for question in story.questions)
        unanswered = any(fact.kind == CaseEvent.NO_ANSWER and at <= fact.at <= self.until for fact in story.facts)
        return asked and unanswered and wrote[story.case.customer] <= at

    def _last_words(self) -> dict[PersonNo, datetime]:
        """When each person wrote last, to whichever team."""
        found: dict[PersonNo, datetime] = {}
        for story in self.everybodys:
            for mail in story.heard:
                if mail.at <= self.until:
                    for person in {story.case.customer, _writer(mail, story)}:
                        found[person] = max(found.get(person, mail.at), mail.at)
        return found

    def leeway(self) -> tuple[Leeway, ...]:
        found = [
            Leeway(what=what, count=len(each), won_back=sum(self._won_after(story, at) for story, at in each.items()), cases=_numbers(each))
            for what, each in self._said(GAVE)
        ]
        return tuple(sorted(found, key=lambda leeway: (-leeway.count, leeway.what)))

    def _won_after(self, story: _Story, at: datetime) -> bool:
        return any(bad <= at for bad in story.bad) and story.is_solved(self.until, after=at)

    def _said(self, kind: str) -> Iterator[tuple[str, dict[_Story, datetime]]]:
        """What agents said after `gave:` or `could not:` in the period, in its commonest wording, with the cases and when first."""
        groups: dict[str, dict[_Story, datetime]] = defaultdict(dict)
        wordings: dict[str, Counter[str]] = defaultdict(Counter)
        for story in self.stories:
            for fact in story.facts:
                if fact.kind == kind and self.within(fact.at):
                    key = " ".join(fact.value.casefold().split()).rstrip(" .!")
                    groups[key].setdefault(story, fact.at)
                    wordings[key][" ".join(fact.value.split())] += 1
        for key, each in groups.items():
            yield min(wordings[key], key=lambda wording: (-wordings[key][wording], wording)), each

    def answers(self) -> tuple[OfferedAnswer, ...]:
        """The answers offered in the period, the commonest first. What helped and came back did not help."""
        offered: dict[str, set[_Story]] = defaultdict(set)
        helped: dict[str, set[_Story]] = defaultdict(set)
        missed: dict[str, set[_Story]] = defaultdict(set)
        for story in self.stories:
            for fact in story.facts:
                if fact.kind == OFFERED and self.within(fact.at):
                    offered[fact.value].add(story)
                elif fact.kind in (HELPED, MISSED) and fact.at <= self.until:
                    again = fact.kind == MISSED or any(fact.at <= at <= self.until for at in story.reopenings)
                    (missed if again else helped)[fact.value].add(story)
        found = []
        for name, stories in offered.items():
            bad = missed[name] & stories
            good = helped[name] & stories - bad
            found.append(
                OfferedAnswer(
                    name=name, count=len(stories), helped=len(good), missed=len(bad), cases=_numbers(stories), helped_cases=_numbers(good),
                    missed_cases=_numbers(bad),
                )
            )  # fmt: skip
        return tuple(sorted(found, key=lambda answer: (-answer.count, answer.name)))

    def thanks(self) -> tuple[Thanks, ...]:
        """The thank-yous of the period, those that say most first, each with the agent whose words came before it."""
        found = []
        for story in self.stories:
            for mail in story.heard:
                if mail.thanks and self.within(mail.at) and not story.case.sensitive and (words := _kind(mail.text)):
                    agent = next((each.agent for each in reversed(story.replies) if each.at <= mail.at), story.case.assignee)
                    name = story.case.name if _writer(mail, story) == story.case.customer else mail.name  # somebody in copy
                    thanks = Thanks(
                        case=story.case.number, name=name, agent_name=self.scope.signs_as(agent), words=words, message=mail.number
                    )  # fmt: skip
                    found.append((-min(len(words.split()), 8), mail.at, mail.number, thanks))
        return tuple(thanks for *_, thanks in sorted(found, key=lambda each: each[:3]))

    # --- the lists behind the numbers

    def names(self) -> dict[PersonNo, str]:
        wrote = self.people()
        return {story.case.customer: story.case.name for story in self.stories if story.case.customer in wrote}

    def subjects(self, found: Findings) -> dict[CaseNo, tuple[str, str]]:
        shares = [each.now for each in (found.satisfied, found.wrote_again, found.first_contact, found.reopened, found.win_back) if each]
        shares += [each for _, each in found.satisfied_by_week] + ([found.response] if found.response else [])
        named = {case for each in shares for case in each.cases}
        named |= {case for refusal in found.refusals for case in refusal.cases} | {case for given in found.leeway for case in given.cases}
        named |= {case for answer in found.answers for case in answer.cases}
        named |= {waiting.case for waiting in (*found.still_unhappy, *found.unheard)}
        named |= {case for cases in found.cases_of.values() for case in cases}
        named |= {each.case for each in found.won_back} | {each.case for each in found.thanks}
        return {story.case.number: (story.case.name, _subject(story.case)) for story in self.stories if story.case.number in named}


# --- stories from records ---------------------------------------------------------------------------------------------


def _stories(records: Records) -> list[_Story]:
    """Put together what belongs together, in order of time: a merged case is part of the one that it became."""
    cases = {case.number: case for case in records.cases}
    home = {number: _home(number, cases) for number in cases}
    found = {case.number: _Story(case=case) for case in records.cases if home[case.number] == case.number}
    feelings, answers = _corrected(records.corrections)
    for mail in sorted(records.mails, key=lambda each: (each.at, each.number)):
        if story := found.get(home.get(mail.case, mail.case)):
            if mail.role is Role.CUSTOMER:
                story.heard.append(replace(mail, sentiment=feelings[mail.number]) if mail.number in feelings else mail)
            else:
                story.replies.append(mail)
    for fact in sorted(records.facts, key=lambda each: each.at):
        if story := found.get(home.get(fact.case, fact.case)):
            story.facts.append(fact)
    for story in found.values():
        came = {mail.number: mail.at for mail in story.heard}  # what customers say counts from when it came, not from when we read it
        story.facts = [replace(fact, at=came[fact.message]) if fact.message in came else fact for fact in story.facts]
    for question in sorted(records.questions, key=lambda each: each.at):
        if story := found.get(home.get(question.case, question.case)):
            story.questions.append(question.at)
    for promise in records.promises:
        if story := found.get(home.get(promise.case, promise.case)):
            story.promises.append(promise)
    for case, corrections in answers.items():
        if story := found.get(home.get(case, case)):
            _correct_answers(story, corrections)
    for number in sorted(found):
        _read(found[number])
    marked = {home.get(mail.case, mail.case) for mail in records.mails if mail.sensitive} | {
        home[c.number] for c in records.cases if c.sensitive
    }
    for number in marked & set(found):
        found[number].case = replace(found[number].case, sensitive=True)
    return [found[number] for number in sorted(found)]


def _home(number: CaseNo, cases: Mapping[CaseNo, CaseRecord]) -> CaseNo:
    for _ in range(20):
        into = cases[number].merged_into
        if into is None or into not in cases:
            break
        number = into
    return number


_ANSWERS: Mapping[str, Answer] = {
    CaseEvent.SATISFIED: Answer.SATISFIED,
    CaseEvent.DISSATISFIED: Answer.DISSATISFIED,
    CaseEvent.UNCLEAR: Answer.UNCLEAR,
}
_REOPENING = (CaseEvent.CUSTOMER_WROTE, CaseEvent.DISSATISFIED)
_DONE = (CaseState.RESOLVED, CaseState.CLOSED)


def _read(story: _Story) -> None:
    """Read the signs in a story: answers, bad and good words, and when it was resolved and opened again."""
    state = ""
    for fact in story.facts:
        if answer := _ANSWERS.get(fact.kind):
            story.answers.append((fact.at, answer))
            if answer is not Answer.UNCLEAR:
                (story.bad if answer is Answer.DISSATISFIED else story.good).append(fact.at)
        if fact.kind == ANSWER_READ and fact.message is not None:
            story.said[fact.at] = fact.message
        if fact.case != story.case.number or not fact.state:
            continue
        if fact.state == CaseState.RESOLVED and story.resolved_at is None:
            story.resolved_at = fact.at
        if state in _DONE and fact.kind in _REOPENING and fact.state == CaseState.OPEN:
            story.reopenings.append(fact.at)
        thanks = _thanks(story, fact) if fact.kind == CaseEvent.CUSTOMER_THANKED and fact.state in _DONE else None
        if thanks is not None and thanks.sentiment is Sentiment.HAPPY:
            story.good.append(fact.at)
            story.said[fact.at] = thanks.number
        state = fact.state
    story.bad += [mail.at for mail in story.heard if mail.sentiment is Sentiment.UPSET]
    for signs in (story.bad, story.good, story.reopenings):
        signs.sort()


def _thanks(story: _Story, fact: FactRecord) -> MailRecord | None:
    behind = next((mail for mail in story.heard if mail.number == fact.message), None)
    return behind or next((mail for mail in reversed(story.heard) if mail.at <= fact.at and mail.thanks), None)


def _corrected(
    corrections: Sequence[Correction],
) -> tuple[dict[MessageNo, Sentiment], dict[CaseNo, list[tuple[datetime, Answer]]]]:
    """What people said was read wrongly: the feeling of a mail, and the answer of a case. The last word counts."""
    feelings: dict[MessageNo, Sentiment] = {}
    answers: dict[CaseNo, list[tuple[datetime, Answer]]] = defaultdict(list)
    for each in sorted(corrections, key=lambda each: each.number):
        if each.field == "sentiment" and each.value in set(Sentiment):
            feelings[each.message] = Sentiment(each.value)
        elif each.field == "answer" and each.value in set(Answer) and each.case is not None:
            answers[each.case].append((each.at, Answer(each.value)))
    return feelings, answers


def _correct_answers(story: _Story, corrections: Sequence[tuple[datetime, Answer]]) -> None:
    """A corrected answer stands in the place of the last one that came before it was corrected."""
    kinds = {Answer.SATISFIED_AND_NEW: CaseEvent.SATISFIED, **{answer: kind for kind, answer in _ANSWERS.items()}}
    for at, answer in corrections:
        place = next((n for n in reversed(range(len(story.facts))) if story.facts[n].at <= at and story.facts[n].kind in _ANSWERS), None)
        if place is not None:
            story.facts[place] = replace(story.facts[place], kind=str(kinds[answer]))


_Matter = tuple[PersonNo, str | CaseNo]


def _matter(mail: MailRecord, story: _Story) -> _Matter:
    """Person and topic. What nobody could tell the topic of is the same matter only within its own case."""
    return _writer(mail, story), (story.case.topic if story.case.topic != "unsure" else story.case.number)


def _writer(mail: MailRecord, story: _Story) -> PersonNo:
    return mail.person if mail.person is not None else story.case.customer


def _contact_times(stories: Iterable[_Story], until: datetime) -> dict[_Matter, list[datetime]]:
    found: dict[_Matter, list[datetime]] = defaultdict(list)
    for story in stories:
        for mail in story.contacts(until):
            found[_matter(mail, story)].append(mail.at)
    for times in found.values():
        times.sort()
    return found


# --- small --------------------------------------------------------------------------------------------------------------


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _last(times: Sequence[datetime], until: datetime) -> datetime | None:
    return max((at for at in times if at <= until), default=None)


def _numbers(stories: Iterable[_Story]) -> tuple[CaseNo, ...]:
    return _sorted(story.case.number for story in stories)


def _sorted(cases: Iterable[CaseNo]) -> tuple[CaseNo, ...]:
    return tuple(sorted(set(cases)))


def _subject(case: CaseRecord) -> str:
    return "" if case.sensitive else case.subject


_BARE = re.compile(r"(?:yes|no|it is|thank you|thanks|many thanks|ja|nein|danke|vielen dank)\b[\w\s,]{0,25}[.!]*", re.IGNORECASE)


def _telling(text: str) -> str:
    """The first sentence that says more than "yes" or "thank you"; else the first one."""
    found = [" ".join(each.split()) for each in sentences(text)]
    return _short(next((each for each in found if _tells(each)), found[0] if found else ""))


def _kind(text: str) -> str:
    """The sentence of a thank-you that says most, above the farewell: below it stands who somebody is, and not what they thank for."""
    above = without_closing(text)
    found = [" ".join(each.split()) for each in sentences(above if above.strip() else text)]
    telling = [each for each in found if _tells(each)]
    return _short(max(telling, key=lambda each: min(len(each), MAX_WORDS)) if telling else found[0] if found else "")


def _tells(sentence: str) -> bool:
    return len(sentence.split()) > 3 and not _BARE.fullmatch(sentence)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 3].rpartition(" ")[0].rstrip(" ,;:.") + "..."
