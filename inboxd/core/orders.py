"""What an agent orders: each command becomes actions and a line of the transcript, or a mistake. All or nothing is up to `obey`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from inboxd.core.commands import Command
from inboxd.core.dates import named_days
from inboxd.core.follow_up import ASKING_JOBS, ask_at, close_later, silence_later, wake_later
from inboxd.core.identity import without_plus
from inboxd.core.issues import TRANSLATE_WITHIN, people, without_words
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    AboutIssue,
    Absent,
    Action,
    Address,
    Advance,
    AgentName,
    Cancel,
    Case,
    CaseEvent,
    CaseNo,
    CaseState,
    CloseIssue,
    Correct,
    DropReader,
    ForgetSignatures,
    JobKind,
    Join,
    Label,
    Log,
    Merge,
    NotSameAs,
    OpenIssue,
    Outcome,
    Role,
    SameAs,
    Schedule,
    Sentiment,
    Situation,
    Split,
    StoryLine,
    TakeBack,
    TeamName,
)
from inboxd.core.opening import Span, due, span_of
from inboxd.core.policy import Policy
from inboxd.core.promises import look_at_promises, still_open
from inboxd.core.route import escalate_at, share_out_at, with_readers
from inboxd.core.rulebook import TOPICS, Agent, Rulebook, calendar_of, today_of

MORNING = 9  # the hour until which a case sleeps that is to wake on a day
LONGEST_SNOOZE = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A command that can be carried out: the case after it, the actions, and what the transcript says of it."""

    case: Case
    actions: tuple[Action, ...] = ()
    said: Mapping[str, object] = field(default_factory=dict)
    wake_at: datetime | None = None  # once the words of the same mail have left: when it comes back


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A command about the agent alone: the actions, and what the transcript says of it."""

    actions: tuple[Action, ...]
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A command that cannot be carried out: the line as typed, why (a key of the template), and what would be right."""

    line: str
    why: str
    found: str = ""
    meant: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What all commands of one mail look at."""

    situation: Situation
    agent: Agent
    book: Rulebook
    policy: Policy
    note: str = ""  # what the agent says to whoever gets the case next
    answers: bool = False  # the same mail answers the customer
    resolves: bool = False  # the same mail ends the case
    own: bool = True  # the command is about the case of the mail, and not about another that it names

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.situation.now


def carry_out(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """Work one command out. The same mail may hold several; each sees the case as the one before left it."""
    return _ORDERS[command.name](command, case, desk)


def of_the_agent(command: Command, desk: Desk) -> Noted | Wrong:
    """Work out a command that is about the agent alone (one of OF_THE_AGENT)."""
    return _away(command, desk) if command.name == "away" else _signature(command, desk)


OF_THE_AGENT = frozenset(("away", "signature"))


def of_an_issue(commands: Sequence[Command], desk: Desk) -> Noted | Wrong:
    """Work out what is said of a fault that many write about (OF_AN_ISSUE), once for each language: it answers the alarm."""
    about, command, own = desk.situation.about_issue, commands[0], desk.situation.mailbox.language
    words = {each.language: " ".join(each.argument.split()) for each in commands}
    if about is None:
        return Wrong(line=command.line, why="no_alarm")
    if about.issue.fixed_at is not None:
        return _more_words(command, words, about, own)
    text, texts = words.get("", ""), tuple((language, said) for language, said in words.items() if language)
    said: dict[str, object] = {"people": people(about.links), "issue": about.issue.number, "waits": 0}
    if command.name == "fixed":
        if not about.known:
            return Wrong(line=command.line, why="no_issue")
        text = text or next((said for _, said in texts), "")
        missing = without_words(about.links, text, texts, own)
        tell_from = desk.situation.now + TRANSLATE_WITHIN if missing else None
        closed = CloseIssue(issue=about.issue.number, text=text, by=desk.agent.name, texts=texts, tell_from=tell_from)
        waits = round(TRANSLATE_WITHIN.total_seconds() / 60) if missing else 0
        said = {**said, "variant": "closed", "text": about.issue.text, "fixed": _all_words(text, texts), "missing": missing, "waits": waits}
        return Noted(actions=(closed,), said=said)
    if not text:  # words for one language more
        text, texts = about.issue.text or texts[0][1], tuple({**dict(about.issue.texts), **dict(texts)}.items())
    issue = replace(about.issue, text=text, texts=texts, opened_by=about.issue.opened_by or desk.agent.name)
    opened = OpenIssue(issue=issue, cases=() if about.known else tuple(link.case for link in about.links))
    said = {**said, "variant": "reworded" if about.known else "opened", "text": _all_words(text, texts), "fixed": ""}
    return Noted(actions=(opened,), said={**said, "missing": without_words(about.links, text, texts, own)})


def _more_words(command: Command, words: Mapping[str, str], about: AboutIssue, own: str) -> Noted | Wrong:
    """It is mended, and words for people of one language more come before all are told."""
    issue = about.issue
    if command.name != "fixed" or "" in words or not issue.fixed_text or all(link.settled for link in about.links):
        return Wrong(line=command.line, why="fixed_already")
    texts = tuple({**dict(issue.fixed_texts), **words}.items())
    missing = without_words(about.links, issue.fixed_text, texts, own)
    said: dict[str, object] = {
        "people": people([link for link in about.links if not link.settled]), "issue": issue.number, "waits": 0, "variant": "closed",
        "text": issue.text, "fixed": _all_words(issue.fixed_text, texts), "missing": missing,
    }  # fmt: skip
    return Noted(actions=(OpenIssue(issue=replace(issue, fixed_texts=texts)),), said=said)


def _all_words(text: str, texts: Sequence[tuple[str, str]]) -> str:
    """What people read, each language in a line of its own."""
    return "\n".join((*(() if text in dict(texts).values() else (text,)), *(f"{language}: {words}" for language, words in texts)))


OF_AN_ISSUE = frozenset(("known issue", "fixed"))


def first_mail(commands: Sequence[Command], desk: Desk, subject: str = "") -> tuple[str, str, tuple[Wrong, ...]]:
    """To whom a mail goes that begins a case, its subject (else the one given), and what is wrong: one address, no other command."""
    to = next(command for command in commands if command.name == "to")
    found = _addresses(to, desk)
    wrong = [found] if isinstance(found, Wrong) else []
    if desk.agent.mentor is not None:
        wrong.append(Wrong(line=to.line, why="with_mentor"))
    if not isinstance(found, Wrong) and len(found) > 1:
        wrong.append(Wrong(line=to.line, why="one_address"))
    wrong += [Wrong(line=other.line, why="with_to") for other in commands if other.name not in ("to", "subject")]
    subject = next((command.argument for command in commands if command.name == "subject"), subject).strip()
    if not wrong and not subject:
        wrong.append(Wrong(line=to.line, why="no_subject"))
    return "" if isinstance(found, Wrong) else found[0], subject, tuple(wrong)


KNOWN = frozenset(  # those that this module carries out; the others are obey's own
    ("ask", "assign", "away", "cc", "could not", "drop", "for", "gave", "known issue", "label", "merge", "no follow-up", "no promise",
     "not same as", "pass on", "same as", "sentiment", "signature", "snooze", "split", "subject", "team", "to", "topic", "urgent")
)  # fmt: skip


# --- who has it ----------------------------------------------------------------------------------------------------------


def _assign(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    name = _name(command.argument)
    agent = next((a for a in desk.book.agents.values() if name in (a.name, a.full_name.casefold(), a.signs_as.casefold(), *a.emails)), None)
    if agent is None and TeamName(name) in desk.book.teams:
        return _to_team(command, case, desk)
    if agent is None:
        return _unknown(command, "agent", name, (*desk.book.agents, *desk.book.teams))
    return _given(command, case, desk, str(agent.name), agent.signs_as)


def _to_team(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    name = _name(command.argument)
    if TeamName(name) not in desk.book.teams:
        return _unknown(command, "team", name, desk.book.teams)
    return _given(command, case, desk, name, f"the team {name}")


def _pass_on(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    if command.argument:
        return _assign(command, case, desk)
    team = case.team or next((team.name for team in desk.book.teams.values() if desk.agent.name in team.agents), None)
    return _given(command, case, desk, str(team or ""), "a colleague")


def _given(command: Command, case: Case, desk: Desk, target: str, who: str) -> Done | Wrong:
    if case.state in (CaseState.CLOSED, CaseState.MERGED):
        return Wrong(line=command.line, why="over")
    payload = {"target": target, "from": desk.agent.name, "note": desk.note}
    job = Schedule(kind=JobKind.PASS_ON, key=f"{JobKind.PASS_ON}:{case.number}", at=desk.now, case=case.number, payload=payload)
    named = desk.situation.candidates.get(AgentName(target))
    kind = "given_away" if named is not None and named.away else "given"
    return Done(case=case, actions=(job,), said={"kind": kind, "who": who})


# --- what it is ----------------------------------------------------------------------------------------------------------


def _topic(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    wanted = _name(command.argument).replace(" ", "_").replace("-", "_")
    known = [*TOPICS, *(topic.name for topic in desk.book.topics)]
    if wanted not in known:
        return _unknown(command, "topic", wanted, known)
    return _corrected(command, replace(case, topic=wanted), desk, "topic", wanted)


def _sentiment(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    wanted = _name(command.argument)
    if wanted not in tuple(Sentiment):
        return _unknown(command, "sentiment", wanted, tuple(Sentiment))
    return _corrected(command, replace(case, sentiment=Sentiment(wanted)), desk, "sentiment", wanted)


def _urgent(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    wanted = {"yes": "yes", "ja": "yes", "true": "yes", "no": "no", "nein": "no", "false": "no"}.get(_name(command.argument))
    if wanted is None:
        return _unknown(command, "answer", _name(command.argument), ("yes", "no"))
    return _corrected(command, case, desk, "urgent", wanted)


def _corrected(command: Command, case: Case, desk: Desk, name: str, value: str) -> Done:
    action = Correct(case=case.number, values={name: value}, by=f"agent {desk.agent.name}")
    return Done(case=case, actions=(action,), said={"kind": "corrected", "field": name, "value": value.replace("_", " ")})


def _label(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    labels = tuple(label.strip(" .\"'") for label in command.argument.split(",") if label.strip(" .\"'"))
    if not labels or any(len(label) > 60 for label in labels):
        return Wrong(line=command.line, why="no_argument", meant="label: warehouse")
    action = Label(case=case.number, labels=labels)
    return Done(case=replace(case, labels=tuple(dict.fromkeys((*case.labels, *labels)))), actions=(action,),
                said={"kind": "label", "value": ", ".join(labels)})  # fmt: skip


def _gave(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    if not command.argument.strip():
        return Wrong(line=command.line, why="no_argument", meant="gave: 20 EUR")
    log = Log(kind="case.gave", case=case.number, data={"agent": desk.agent.name, "what": command.argument})
    return Done(case=case, actions=(log,), said={"kind": "gave", "value": command.argument})


def _could_not(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    log = Log(kind="case.could_not", case=case.number, data={"agent": desk.agent.name, "reason": command.argument})
    return Done(case=case, actions=(log,), said={"kind": "could_not", "value": command.argument})


def _no_follow_up(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    actions: list[Action] = [
        Advance(case=case.number, event=CaseEvent.NOTED, state=advance(case.state, CaseEvent.NOTED), changes={"no_follow_up": True}),
        Cancel(case=case.number, kinds=(JobKind.ASK, JobKind.REMIND)),
    ]
    if case.state is CaseState.RESOLVED:
        actions.append(close_later(case, desk.book.follow_up, desk.now))
    return Done(case=replace(case, no_follow_up=True), actions=tuple(actions), said={"kind": "no_follow_up"})


# --- later ---------------------------------------------------------------------------------------------------------------


def _snooze(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """The case sleeps until then; a word of the customer wakes it. What is resolved stays so: nobody is asked before."""
    if case.state in (CaseState.CLOSED, CaseState.MERGED):
        return Wrong(line=command.line, why="over")
    until = _until(command.argument, case.team or case.assignee or desk.agent.name, desk)
    if until is None or not timedelta(0) < until - desk.now <= LONGEST_SNOOZE:
        return Wrong(line=command.line, why="no_time", found=command.argument)
    said: dict[str, object] = {"kind": "snooze", "until": until}
    if desk.own and (desk.resolves or (desk.answers and case.state is CaseState.RESOLVED)):
        return Done(case=case, said={**said, "kind": "ask_later"}, wake_at=until)
    if desk.own and desk.answers:
        return Done(case=case, said=said, wake_at=until)
    if case.state is CaseState.OPEN:
        moved = replace(case, due_at=until)
        actions: tuple[Action, ...] = (
            Advance(case=case.number, event=CaseEvent.RECONSIDERED, state=case.state, changes={"due_at": until}),
            Cancel(case=case.number, kinds=(JobKind.ESCALATE,)),
            escalate_at(moved, desk.book, desk.now, nudge=False),
        )
        return Done(case=moved, actions=actions, said=said)
    if case.state is CaseState.WAITING:
        return Done(case=case, actions=(Cancel(case=case.number, kinds=ASKING_JOBS), wake_later(case, until)), said=said)
    if not desk.own or JobKind.ASK not in desk.situation.acts or case.resolved_at is None:
        return Wrong(line=command.line, why="resting")
    at = max(until, ask_at(case, desk.book, case.resolved_at))
    later = Schedule(kind=JobKind.ASK, key=f"ask:{case.number}", at=at, case=case.number)
    return Done(case=case, actions=(later,), said={**said, "kind": "ask_later"})


def _no_promise(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """The days named to this customer were none to hold us to: nobody is reminded, and the question waits for them no longer."""
    here, policy, now = case.number == (desk.situation.case.number if desk.situation.case else None), desk.book.follow_up, desk.now
    open_ = still_open(desk.situation.promises, desk.book, now, desk.policy.zone) if here else ()
    today = now.astimezone(desk.policy.zone).date()
    actions: list[Action] = [
        TakeBack(case=case.number, why="cancelled", since=min((each.day for each in open_), default=today)),
        Cancel(case=case.number, kinds=(JobKind.PROMISE,)),
    ]
    if open_ and JobKind.SILENCE in desk.situation.acts and case.last_reply_at and policy.ask_when_waiting is not None:
        at = max(now, case.last_reply_at + policy.ask_when_waiting)
        actions.append(Schedule(kind=JobKind.SILENCE, key=f"silence:{case.number}", at=at, case=case.number))
    if open_ and JobKind.ASK in desk.situation.acts and case.resolved_at:
        at = max(now, ask_at(case, desk.book, case.resolved_at))
        actions.append(Schedule(kind=JobKind.ASK, key=f"ask:{case.number}", at=at, case=case.number))
    return Done(case=case, actions=tuple(actions), said={"kind": "no_promise"})


def _own(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """What is about the agent changes no case."""
    found = of_the_agent(command, desk)
    return found if isinstance(found, Wrong) else Done(case=case, actions=found.actions, said=found.said)


def _away(command: Command, desk: Desk) -> Noted | Wrong:
    """The agent is away until then; what is open goes to others meanwhile. "away: no" ends it."""
    today = today_of(desk.book, desk.agent.name, desk.now)
    if _name(command.argument) in ("no", "nein", "back"):
        last = today - timedelta(days=1)
        said: dict[str, object] = {"kind": "back"}
    else:
        until = _until(command.argument, desk.agent.name, desk)
        if until is None or not timedelta(0) < until - desk.now <= LONGEST_SNOOZE:
            return Wrong(line=command.line, why="no_day", found=command.argument)
        last = until.date()
        said = {"kind": "away", "until": until}
    absent = Absent(agent=desk.agent.name, first=today, last=last)
    return Noted(actions=(absent, share_out_at(desk.situation.mailbox.name, desk.now)), said=said)


def _until(text: str, who: str, desk: Desk) -> datetime | None:
    """Read "2 days", "4 opening hours", "until Friday", "3 Jan"."""
    plain = " ".join(text.strip(" .").split())
    calendar = calendar_of(desk.book, who)
    span: Span | None = span_of(plain.casefold())
    if span is not None:
        return due(span, desk.now, calendar).at
    zone = calendar.zone if calendar else desk.policy.zone
    local = desk.now.astimezone(zone)
    for word in (plain, re.sub(r"^(?:until|till|bis)\s+", "by ", plain, flags=re.IGNORECASE), f"by {plain}"):
        day = next((named.day for named in named_days(f"{word}.", local.date()) if named.day > local.date()), None)
        if day is not None:
            return local.replace(year=day.year, month=day.month, day=day.day, hour=MORNING, minute=0, second=0, microsecond=0)
    return None


# --- people and cases ----------------------------------------------------------------------------------------------------


_EMAIL = re.compile(r"<?([^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+)>?")


def _addresses(command: Command, desk: Desk) -> tuple[str, ...] | Wrong:
    found = tuple(dict.fromkeys(match[1].lower() for match in _EMAIL.finditer(command.argument)))
    if not found:
        return Wrong(line=command.line, why="no_address", found=command.argument)
    theirs = (email for agent in desk.book.agents.values() for email in agent.emails)
    ours = {without_plus(email) for email in (*theirs, *desk.situation.ours)}
    if taken := sorted(email for email in found if without_plus(email) in ours):
        return Wrong(line=command.line, why="ours", found=", ".join(taken))
    return found


def _cc(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    found = _addresses(command, desk)
    if isinstance(found, Wrong):
        return found
    readers = tuple(Address(email=email) for email in found)
    join = Join(case=case.number, participants=readers, role=None)
    return Done(case=with_readers(case, readers), actions=(join,), said={"kind": "cc", "value": ", ".join(found)})


def _drop(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    wanted = _name(command.argument)
    known = {reader.email: reader for reader in case.participants}
    by_name = next((reader.email for reader in case.participants if wanted and wanted in (reader.name.casefold(), reader.email)), "")
    found = [match[1].lower() for match in _EMAIL.finditer(command.argument)] or ([by_name] if by_name else [])
    missing = [email for email in found if email not in known]
    if not found or missing:
        return _unknown(command, "reader", missing[0] if missing else wanted, known)
    moved = replace(case, participants=tuple(reader for reader in case.participants if reader.email not in found))
    actions = tuple(DropReader(case=case.number, email=email) for email in found)
    return Done(case=moved, actions=actions, said={"kind": "drop", "value": ", ".join(found)})


def _same_as(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    found = _addresses(command, desk)
    if isinstance(found, Wrong):
        return found
    return Done(case=case, actions=tuple(SameAs(person=case.customer, email=email, by=desk.agent.name) for email in found),
                said={"kind": "same_as", "value": ", ".join(found)})  # fmt: skip


def _not_same_as(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    found = _addresses(command, desk)
    if isinstance(found, Wrong):
        return found
    never = next((email for email in found if email not in desk.situation.joined), "")
    if never or case.customer != (desk.situation.case.customer if desk.situation.case else None):
        return Wrong(line=command.line, why="never_joined", found=never or found[0], known=tuple(sorted(desk.situation.joined)))
    return Done(case=case, actions=tuple(NotSameAs(person=case.customer, email=email, by=desk.agent.name) for email in found),
                said={"kind": "not_same_as", "value": ", ".join(found)})  # fmt: skip


def _merge(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    match = re.fullmatch(r"#?\s*(\d{1,12})", command.argument.strip(" ."))
    if match is None:
        return Wrong(line=command.line, why="no_argument", meant="merge: #1040")
    number = CaseNo(int(match[1]))
    other = desk.situation.named.get(number)
    if other is None:
        return Wrong(line=command.line, why="no_case", found=f"#{number}")
    if other.number == case.number:
        return Wrong(line=command.line, why="same_case", found=f"#{number}")
    if other.customer != case.customer:
        return Wrong(line=command.line, why="other_customer", found=f"#{number}")
    joined, changes = _joined(case, other, desk)
    answered = desk.own and (desk.answers or desk.resolves)
    merge = Merge(case=case.number, into=other.number, hand_over=not answered and case.assignee != joined.assignee)
    actions: list[Action] = [merge]
    if case.state is CaseState.OPEN:  # the customer still waits
        event = CaseEvent.RECONSIDERED if other.state is CaseState.OPEN else CaseEvent.CUSTOMER_WROTE
        actions += [
            Advance(case=other.number, event=event, state=joined.state, changes=changes),
            Cancel(case=other.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE)),
            escalate_at(joined, desk.book, desk.now),
        ]
        if not answered or JobKind.HAND_OVER in desk.situation.acts:  # whoever has the other gets what they have not got
            actions.append(Schedule(kind=JobKind.HAND_OVER, key=f"hand_over:{other.number}", at=desk.now, case=other.number))
    elif changes:
        actions.append(Advance(case=other.number, event=CaseEvent.NOTED, state=joined.state, changes=changes))
    actions.append(look_at_promises(other.number, desk.now))  # those of this case are the other's now
    return Done(case=joined, actions=tuple(actions), said={"kind": "merge", "value": f"#{other.number}", "subject": other.subject})


def _joined(case: Case, other: Case, desk: Desk) -> tuple[Case, dict[str, object]]:
    """The second case with what counts of the first: the earlier hour, who was disappointed, what no machine may write about."""
    changes: dict[str, object] = {
        "no_follow_up": case.no_follow_up or other.no_follow_up,
        "repeat": case.repeat or other.repeat,
        "reopened": max(case.reopened, other.reopened),
    }
    if Outcome.DISSATISFIED in (case.outcome, other.outcome):
        changes["outcome"] = Outcome.DISSATISFIED
    if other.assignee is None:
        changes |= {"assignee": case.assignee, "team": case.team, "backlog": case.backlog or other.backlog}
    if case.state is CaseState.OPEN:
        hours = [each for each in (case.due_at, other.due_at if other.state is CaseState.OPEN else None) if each]
        changes |= {"due_at": min(hours, default=desk.now + desk.policy.answer_within), "resolved_at": None, "closed_at": None}
        changes |= {"good_sign": False, "sentiment": max(case.sentiment, other.sentiment, key=lambda felt: felt is Sentiment.UPSET)}
        if other.state is not CaseState.OPEN and other.outcome is Outcome.SATISFIED:
            changes.setdefault("outcome", Outcome.UNKNOWN)
    state = CaseState.OPEN if case.state is CaseState.OPEN else other.state
    both = {
        "labels": tuple(dict.fromkeys((*other.labels, *case.labels))),
        "involved": tuple(dict.fromkeys((*other.involved, *case.involved))),
        "briefs": tuple(dict.fromkeys((*other.briefs, *case.briefs))),
        "participants": tuple({each.email: each for each in (*case.participants, *other.participants)}.values()),
    }
    joined = replace(other, state=state, **both, **changes)  # type: ignore[arg-type]  # the names are those of Case
    return joined, {name: value for name, value in changes.items() if value != getattr(other, name)}


def _split(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """The mail that this one answers begins a case of its own. What is left waits for the customer, where an answer was its last word."""
    if case.state in (CaseState.CLOSED, CaseState.MERGED):
        return Wrong(line=command.line, why="over")
    mail = _answered_mail(desk.situation)
    if mail is None:
        return Wrong(line=command.line, why="no_mail")
    rest = [line for line in desk.situation.story if line.message != mail.message and line.role is not Role.ASKED]
    leaves = any(line.message == mail.message for line in desk.situation.story) and bool(rest)
    split = Split(case=case.number, message=mail.message, leaves=leaves, subject=" ".join(command.argument.split())[:200])
    said = {"kind": "split", "at": mail.at, "leaves": leaves}
    if not leaves or case.state is not CaseState.OPEN or rest[-1].role is not Role.AGENT:
        return Done(case=case, actions=(split,), said=said)
    state = advance(case.state, CaseEvent.SPLIT)
    waits: tuple[Action, ...] = (
        Advance(case=case.number, event=CaseEvent.SPLIT, state=state, changes={"due_at": None}),
        Cancel(case=case.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE, JobKind.HAND_OVER)),
        *silence_later(case, desk.book.follow_up, desk.now),
    )
    return Done(case=replace(case, state=state, due_at=None), actions=(split, *waits), said=said)


def _answered_mail(situation: Situation) -> StoryLine | None:
    """The customer's mail that the agent's program answered, else their latest."""
    theirs = [line for line in situation.story if line.role is Role.CUSTOMER]
    routed = re.match(r"route:(\d+):", situation.replied_to.purpose) if situation.replied_to else None
    answered = next((line for line in theirs if routed and line.message == int(routed[1])), None)
    return answered or (theirs[-1] if theirs else None)


# --- mails of the agent's own ---------------------------------------------------------------------------------------------


def _ask(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    """The words of this mail go to somebody outside the case; `obey` writes the letter."""
    found = _addresses(command, desk)
    if isinstance(found, Wrong):
        return found
    if desk.agent.mentor is not None:
        return Wrong(line=command.line, why="with_mentor")
    theirs = {reader.email for reader in case.participants} | {email for email in found if _is_customer(email, case, desk)}
    if theirs & set(found):
        return Wrong(line=command.line, why="reads_anyway", found=", ".join(sorted(theirs & set(found))))
    log = Log(kind="case.asked", case=case.number, data={"agent": desk.agent.name, "count": len(found)})
    return Done(case=case, actions=(log,), said={"kind": "ask", "value": ", ".join(found)})


def _is_customer(email: str, case: Case, desk: Desk) -> bool:
    customer, known = desk.situation.customer, desk.situation.known.get(email)
    return (customer is not None and email == customer.email) or (known is not None and known.number == case.customer)


def _to(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    return Wrong(line=command.line, why="to_alone")


def _subject(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    return Wrong(line=command.line, why="subject_alone")


def _for(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    return Wrong(line=command.line, why="for_alone", found=desk.situation.mailbox.address)


def _known_issue(command: Command, case: Case, desk: Desk) -> Done | Wrong:
    return Wrong(line=command.line, why="no_alarm")


def _signature(command: Command, desk: Desk) -> Noted | Wrong:
    """The agent takes back what was learnt of their signature."""
    if _name(command.argument) not in ("none", "no", "keine", "nein"):
        return Wrong(line=command.line, why="no_argument", meant="signature: none")
    return Noted(actions=(ForgetSignatures(agent=desk.agent.name),), said={"kind": "signature"})


# --- words ---------------------------------------------------------------------------------------------------------------


def _name(argument: str) -> str:
    return " ".join(argument.strip(" .!\"'").casefold().split())


def _unknown(command: Command, noun: str, found: str, known: Iterable[str]) -> Wrong:
    names = tuple(str(name) for name in known)
    near = difflib.get_close_matches(found, names, n=1, cutoff=0.6)
    return Wrong(line=command.line, why=f"unknown_{noun}", found=found, meant=near[0] if near else "", known=names)


_ORDERS: Mapping[str, Callable[[Command, Case, Desk], Done | Wrong]] = {
    "ask": _ask, "assign": _assign, "away": _own, "cc": _cc, "could not": _could_not, "drop": _drop, "for": _for, "gave": _gave,
    "known issue": _known_issue,
    "label": _label, "merge": _merge, "no follow-up": _no_follow_up, "no promise": _no_promise, "not same as": _not_same_as,
    "pass on": _pass_on, "same as": _same_as, "sentiment": _sentiment, "signature": _own,
    "snooze": _snooze, "split": _split, "subject": _subject,
    "team": _to_team, "to": _to,
    "topic": _topic, "urgent": _urgent,
}  # fmt: skip
