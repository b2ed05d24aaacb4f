"""What happens when a customer writes: a new case, the next word in an old one, a thank-you, or an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from inboxd.core.assign import Choice, assign
from inboxd.core.brief import MOST_READERS
from inboxd.core.follow_up import (
    ASKING_JOBS,
    SENSITIVE,
    close_later,
    is_answer,
    is_late,
    is_machine_answer,
    outcome_of_yes,
    read_answer,
)
from inboxd.core.issues import linked
from inboxd.core.lettering import reachable
from inboxd.core.letters import (
    answer_values,
    bare_subject,
    full_name,
    is_for_people_only,
    lead_of,
    notice,
    offered_answer,
    routed,
    telling_phrase,
    to_lead,
)
from inboxd.core.lifecycle import advance, reopens
from inboxd.core.model import (
    Action,
    Address,
    Advance,
    AgentName,
    Answer,
    Assign,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    ChangePerson,
    Decision,
    JobKind,
    Join,
    Kind,
    Label,
    Log,
    OpenCase,
    Outcome,
    Person,
    Role,
    Schedule,
    Send,
    Sentiment,
    Situation,
    StoryLine,
)
from inboxd.core.policy import Policy
from inboxd.core.route import (
    Route,
    because_of,
    choose,
    contacts_with,
    escalate_at,
    filed,
    is_contact,
    once_each,
    route,
    stand_in,
    trace_of,
    waiting_since,
    why_of,
    with_assignee,
)  # fmt: skip
from inboxd.core.rulebook import Rulebook, is_repeat
from inboxd.core.rules import Ruling
from inboxd.core.screen import is_of_a_list


def hear(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    """Decide about a mail that a customer wrote."""
    case = situation.case
    if case is not None and is_answer(situation):
        return _answered(situation, case, book, policy)
    if case is None or is_late(case, book.follow_up, situation.now):
        return _new_case(situation, book, policy)
    if name := _helped_by(situation, case):
        return _with_opt_out(_helped(situation, case, name, book), situation)
    if situation.understood.reading.thanks_only:
        return _thanked(situation, case, book)
    decision = _wrote(situation, case, book, policy, CaseEvent.CUSTOMER_WROTE)
    return replace(decision, actions=(*decision.actions, *_missed_by(situation, case)))


# --- a new case ----------------------------------------------------------------------------------------------------------


def _new_case(situation: Situation, book: Rulebook, policy: Policy) -> Decision:
    u, now = situation.understood, situation.now
    person = situation.person or Person(
        number=situation.next_person,
        name=u.message.sender.name,
        email=u.message.sender.email,
        language=u.reading.language,
    )
    contacts = contacts_with(situation)
    found = route(situation, book, policy, contacts, reopened=False, since=_came(situation))
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
        labels=_labels(situation, ruling),
        due_at=found.hour.at,
        opened_at=now,
        updated_at=now,
        repeat=repeat,
        linked_to=situation.case.number if situation.case else situation.related,
        participants=readers(situation, person, book),
        briefs=(ruling.then.brief,) if ruling.then.brief else (),
        no_follow_up=not _may_be_asked(situation, ruling),
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
            _given(case, choice, ruling),
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
        *_told(there, held, ruling, book, ruling.then.tell),
        *_acknowledge(there, held, ruling, book, policy),
        *filed(situation, ruling),
    ]
    return _decided(actions, found, case, choice, policy)


def _came(situation: Situation) -> datetime:
    """When the customer began to wait for an answer to this mail: a machine that stood still gives us no more time."""
    return min(situation.understood.received_at, situation.now)


def _given(case: Case, choice: Choice, ruling: Ruling, lent_by: AgentName | None = None) -> Assign:
    why = why_of(ruling, choice)
    return Assign(case=case.number, agent=choice.agent, team=choice.team, why=why, backlog=choice.backlog, lent_by=lent_by)


def _may_be_asked(situation: Situation, ruling: Ruling) -> bool:
    no_person = is_of_a_list(situation.understood.message.sender.email)
    return ruling.then.follow_up is not False and not situation.understood.reading.sensitive and not no_person


def _labels(situation: Situation, ruling: Ruling) -> tuple[str, ...]:
    """The rules' labels; what is sensitive keeps that mark, so that no machine ever writes into the case."""
    return (*ruling.then.labels, *((SENSITIVE,) if situation.understood.reading.sensitive else ()))


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


# --- the next word in a case -----------------------------------------------------------------------------------------------


def _wrote(
    situation: Situation,
    case: Case,
    book: Rulebook,
    policy: Policy,
    event: CaseEvent,
    *,
    unhappy: bool = False,
) -> Decision:
    u, now = situation.understood, situation.now
    state, again = advance(case.state, event), reopens(case.state, event)
    contacts = contacts_with(situation) if is_contact(situation) else situation.contacts
    found = route(situation, book, policy, contacts, reopened=again or case.reopened > 0, since=_came(situation))
    ruling = found.ruling
    fresh = again or case.state is not CaseState.OPEN  # else they wait already: what is late gets no new time
    due = found.hour.at if fresh or case.due_at is None else min(case.due_at, found.hour.at)
    changes: dict[str, object] = {
        "sentiment": u.reading.sentiment,
        "due_at": due,
        "priority": ruling.then.priority or case.priority,
        "repeat": case.repeat or is_repeat(book, contacts, now),
        "briefs": tuple(dict.fromkeys((*case.briefs, *((ruling.then.brief,) if ruling.then.brief else ())))),
    }
    if case.last_reply_at is not None and not any(line.role is Role.CUSTOMER for line in situation.story):
        changes |= {"no_follow_up": False, "topic": u.reading.topic, "first_sentiment": u.reading.sentiment}  # we had begun the case
    if not _may_be_asked(situation, ruling):
        changes["no_follow_up"] = True
    if again:
        changes |= {"reopened": case.reopened + 1, "good_sign": False, "closed_at": None, "resolved_at": None}
    if unhappy:
        changes["outcome"] = Outcome.DISSATISFIED
    choice, lent_by = _mover(situation, case, found, book, unhappy=unhappy)
    moved = with_assignee(replace(case, state=state, **changes), choice)  # type: ignore[arg-type]  # the names are those of Case
    there = replace(situation, case=moved)
    actions: list[Action] = [
        Join(case=case.number, participants=readers(situation, situation.customer, book), contact=is_contact(situation)),
        Advance(case=case.number, event=event, state=state, changes=changes),
        Cancel(case=case.number, kinds=ASKING_JOBS),
        *linked(situation, case.number),
        *filed(situation, ruling),
    ]
    if fresh or due != case.due_at or JobKind.ESCALATE not in situation.acts:
        since = found.start if fresh else waiting_since(situation) or now
        actions.append(escalate_at(moved, book, since, found.within, now=now))
    if labels := _labels(situation, ruling):
        actions.append(Label(case=case.number, labels=labels))
    if choice:
        actions.append(_given(case, choice, ruling, lent_by))
    actions += _hand_over(there, case, moved, ruling, choice, book, policy, again=again, unhappy=unhappy)
    actions += _told(there, moved, ruling, book, (*ruling.then.tell, *(book.follow_up.unhappy_told if unhappy else ())))
    return _decided(actions, found, moved, choice, policy)


def _mover(situation: Situation, case: Case, found: Route, book: Rulebook, *, unhappy: bool) -> tuple[Choice | None, AgentName | None]:
    """Who takes the case over, if anybody, and for whom who is away: a rule without conditions never moves a case that has an agent."""
    hour, target = found.hour.at, found.ruling.then.assign
    if unhappy:  # a senior who was not part of it; all were, or it is the second time: the lead
        team = book.follow_up.unhappy_goes_to or book.senior_team
        if case.outcome is Outcome.DISSATISFIED and book.lead in book.agents:
            return assign(book.lead, situation, book, due_at=hour), None
        fresh = [name for name in book.teams[team].agents if name not in case.involved] if team in book.teams else []
        if fresh:
            return assign(team, situation, book, avoid=case.involved, due_at=hour), None
        return assign(book.lead if book.lead in book.agents else team, situation, book, due_at=hour), None
    holder = case.assignee
    if holder is None or holder not in book.agents:
        return assign(target, situation, book, due_at=hour), None
    there = any(team.name == target and holder in team.agents for team in book.teams.values())
    stays = target is None or found.ruling.unconditional or target in (holder, "same_agent_as_before") or there
    candidate = situation.candidates.get(holder)
    if stays and candidate is not None and candidate.away:
        return stand_in(case, holder, situation, book, hour), case.lent_by or holder
    return (None, None) if stays else (assign(target, situation, book, due_at=hour), None)


def _hand_over(
    situation: Situation,
    before: Case,
    case: Case,
    ruling: Ruling,
    choice: Choice | None,
    book: Rulebook,
    policy: Policy,
    *,
    again: bool,
    unhappy: bool,
) -> list[Action]:
    """The mail goes to whoever holds the case: at once, or together with what else comes in these ten minutes."""
    u, now = situation.understood, situation.now
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is None:
        return []
    soon = now - before.opened_at < policy.gather and before.last_reply_at is None and not choice and not again
    if soon:
        return [Schedule(kind=JobKind.HAND_OVER, key=f"hand_over:{case.number}", at=now + policy.gather_quiet, case=case.number)]
    others = [book.agents[name] for name in before.involved if name in book.agents and name != holder.name] if unhappy else []
    why = why_of(ruling, choice) if choice else ""
    both_know = tuple(agent.signs_as for agent in others)
    letter = routed(
        situation,
        case,
        holder,
        policy,
        purpose=f"route:{u.number}:{holder.name}",
        why=why,
        reopened=again,
        both_know=both_know,
        answer=Answer.DISSATISFIED if unhappy else None,
        marked_spam=u.screening.kind is Kind.SPAM,
        messages=_with_those_that_waited(situation),
        lead=lead_of(book),
    )
    told = [
        notice(
            situation,
            agent,
            template="answer_notice",
            purpose=f"answer:{u.number}:{agent.name}",
            case=case,
            values=answer_values(Answer.DISSATISFIED, situation, agent, holder),
        )
        for agent in others
    ]
    return [Cancel(case=case.number, kinds=(JobKind.HAND_OVER,)), Send(letter=letter), *(Send(letter=each) for each in told)]


def _with_those_that_waited(situation: Situation) -> tuple[StoryLine, ...]:
    """The present mail after those that still wait for their five quiet minutes; () if none does."""
    if JobKind.HAND_OVER not in situation.acts or not situation.not_handed_over:
        return ()
    u = situation.understood
    here = StoryLine(at=u.received_at, role=Role.CUSTOMER, name=u.message.sender.name, text=u.message.text, message=u.number)
    return (*situation.not_handed_over, here)


# --- thanks and answers ----------------------------------------------------------------------------------------------------


def _thanked(situation: Situation, case: Case, book: Rulebook) -> Decision:
    """A thank-you reopens nothing; it is a good sign, and goes to whoever earned it."""
    event = CaseEvent.CUSTOMER_THANKED
    changes = {"good_sign": True, "sentiment": situation.understood.reading.sentiment}
    actions: list[Action] = [
        Join(case=case.number),
        Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes),
    ]
    if case.state is CaseState.RESOLVED:
        actions += [
            Cancel(case=case.number, kinds=(JobKind.ASK, JobKind.REMIND)),
            close_later(case, book.follow_up, situation.now),
        ]
    actions += _thanks_passed_on(situation, case, book)
    return Decision(actions=tuple(actions), because=("a thank-you, with no question in it",), case=case.number)


def _thanks_passed_on(situation: Situation, case: Case, book: Rulebook) -> list[Action]:
    u = situation.understood
    asked = case.state in (CaseState.RESOLVED, CaseState.CLOSED)
    return [
        Send(
            letter=notice(
                situation,
                book.agents[name],
                template="thanks",
                purpose=f"thanks:{u.number}:{name}",
                case=case,
                values={"quote": u.new_text.strip(), "at": u.received_at, "not_asked": asked},
            )
        )
        for name in case.involved
        if name in book.agents
    ]


def _answered(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """Read the answer to "is it solved?" as a person would; old answers to a case that goes on only leave a sign."""
    u, proof = situation.understood, situation.answer_proof
    if proof is not None and proof.said is not None:
        held = Log(kind="answer.held", case=case.number, data={"at": u.received_at, "said": proof.said, "round": proof.round})
        if is_machine_answer(situation, policy):
            data = {"message": u.number, "said": proof.said}
            told = (held,) if situation.held_answers else ()  # the opposite one, which still waits, must see this one
            return Decision(
                actions=(Join(case=case.number, role=None), Log(kind="answer.by_machine", case=case.number, data=data), *told),
                because=("both answers, or too quick for a person: a machine's",),
                case=case.number,
            )
        settled = u.received_at + policy.both_answers_within
        if situation.now < settled:
            return Decision(actions=(held,), later=settled, case=case.number)
    if proof is not None and not proof.from_customer:
        return _unclear(situation, case, book, policy)  # the right token from another address: kept as text, a person looks
    answer = read_answer(u.reading, proof)
    if u.reading.thanks_only and answer is Answer.UNCLEAR:
        return _with_opt_out(_thanked(situation, case, book), situation)
    match answer:
        case Answer.SATISFIED | Answer.SATISFIED_AND_NEW:
            decision = _satisfied(situation, case, book, policy, new=answer is Answer.SATISFIED_AND_NEW)
        case Answer.DISSATISFIED:
            decision = _wrote(situation, case, book, policy, CaseEvent.DISSATISFIED, unhappy=True)
        case Answer.UNCLEAR:
            decision = _unclear(situation, case, book, policy)
    return _with_opt_out(decision, situation)


def _helped_by(situation: Situation, case: Case) -> str:
    """The name of the answer in our acknowledgement of which the customer says that it solved it, and nothing else; "" if none."""
    reading = situation.understood.reading
    helped = reading.answer is Answer.SATISFIED and reading.sentiment is not Sentiment.UPSET and not reading.sensitive
    return _judged_answer(situation, case) if helped else ""


def _missed_by(situation: Situation, case: Case) -> tuple[Log, ...]:
    """Keep that an offered answer did not solve it, where the customer answers it so."""
    name = _judged_answer(situation, case) if situation.understood.reading.answer is Answer.DISSATISFIED else ""
    return (Log(kind="answer.missed", case=case.number, data={"message": situation.understood.number, "answer": name}),) if name else ()


def _judged_answer(situation: Situation, case: Case) -> str:
    """The name of the answer in our acknowledgement that the customer's mail replies to, before anybody wrote; "" if none."""
    offer = situation.replied_to
    by_customer = situation.person is not None and situation.person.number == case.customer
    before_anybody = case.state is CaseState.OPEN and case.last_reply_at is None and not situation.understood.screening.automatic
    return offered_answer(offer) if offer is not None and offer.case == case.number and by_customer and before_anybody else ""


def _helped(situation: Situation, case: Case, name: str, book: Rulebook) -> Decision:
    """An offered answer was enough: the case is closed, as satisfied, and whoever has it need not write."""
    event, number = CaseEvent.ANSWER_HELPED, situation.understood.number
    changes = {"good_sign": True, "outcome": outcome_of_yes(case), "closed_at": situation.now, "due_at": None}
    actions: list[Action] = [
        Join(case=case.number),
        Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes),
        Cancel(case=case.number, kinds=(*ASKING_JOBS, JobKind.ESCALATE, JobKind.ACKNOWLEDGE, JobKind.HAND_OVER)),
        Log(kind="answer.helped", case=case.number, data={"message": number, "answer": name}),
    ]
    holder = book.agents.get(case.assignee or AgentName(""))
    if holder is not None:
        values = {**answer_values(Answer.SATISFIED, situation, holder, holder), "variant": "answer_helped", "answer": name}
        purpose = f"answer:{number}:{holder.name}"
        actions.append(Send(letter=notice(situation, holder, template="answer_notice", purpose=purpose, case=case, values=values)))
    return Decision(actions=tuple(actions), because=("the customer says that an answer we offered solved it",), case=case.number)


def _satisfied(situation: Situation, case: Case, book: Rulebook, policy: Policy, *, new: bool) -> Decision:
    event, u = CaseEvent.SATISFIED, situation.understood
    state = advance(case.state, event)
    changes: dict[str, object] = {"good_sign": True, "sentiment": u.reading.sentiment}
    if state is CaseState.CLOSED:
        changes |= {"outcome": outcome_of_yes(case), "closed_at": situation.now}
    actions: list[Action] = [Advance(case=case.number, event=event, state=state, changes=changes)]
    if state is CaseState.CLOSED:
        actions.append(Cancel(case=case.number, kinds=ASKING_JOBS))
    data = {"message": u.number, "answer": Answer.SATISFIED_AND_NEW if new else Answer.SATISFIED, "round": case.round}
    actions += [
        Log(kind="answer.read", case=case.number, data=data),
        *_named_agent_told(situation, case, book, Answer.SATISFIED),
    ]
    if not new:
        return Decision(actions=(Join(case=case.number), *actions), because=("the answer says: solved",), case=case.number)
    opened = _new_case(situation, book, policy)
    because = ("the answer says: solved, and brings something new", *opened.because)
    return replace(opened, actions=(*actions, *opened.actions), because=because)


def _unclear(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """A person reads it: whoever the question named, else whoever holds the case."""
    event, u = CaseEvent.UNCLEAR, situation.understood
    state = advance(case.state, event)
    if state is CaseState.OPEN:
        return _wrote(situation, case, book, policy, CaseEvent.CUSTOMER_WROTE)
    actions: list[Action] = [
        Join(case=case.number),
        Advance(case=case.number, event=event, state=state),
        Log(
            kind="answer.read",
            case=case.number,
            data={"message": u.number, "answer": Answer.UNCLEAR, "round": case.round},
        ),
    ]
    if JobKind.CLOSE not in situation.acts:
        actions.append(close_later(case, book.follow_up, situation.now))
    actions.append(Cancel(case=case.number, kinds=(JobKind.REMIND,)))
    reader = book.agents.get(case.resolved_by or case.assignee or AgentName("")) or book.agents.get(case.assignee or AgentName(""))
    if reader is not None:
        purpose = f"route:{u.number}:{reader.name}"
        actions.append(
            Send(
                letter=routed(
                    situation, case, reader, policy, purpose=purpose, why="an answer that only a person can read", answer=Answer.UNCLEAR
                )
            )
        )
    return Decision(actions=tuple(actions), because=("the answer is not clear: a person reads it",), case=case.number)


def _named_agent_told(situation: Situation, case: Case, book: Rulebook, answer: Answer) -> list[Action]:
    named = book.agents.get(case.resolved_by or case.last_reply_by or AgentName(""))
    if named is None:
        return []
    holder = book.agents.get(case.assignee or AgentName(""))
    letter = notice(
        situation,
        named,
        template="answer_notice",
        purpose=f"answer:{situation.understood.number}:{named.name}",
        case=case,
        values=answer_values(answer, situation, named, holder),
    )
    return [Send(letter=letter)]


def _with_opt_out(decision: Decision, situation: Situation) -> Decision:
    """Whoever would rather not be asked is not asked."""
    customer = situation.customer
    if customer is None or not situation.understood.reading.opt_out:
        return decision
    quiet = (
        ChangePerson(person=customer.number, changes={"no_follow_up": True}),
        Log(kind="person.opted_out", case=decision.case),
    )
    return replace(decision, actions=(*decision.actions, *quiet))


# --- facts -----------------------------------------------------------------------------------------------------------------


def readers(situation: Situation, customer: Person | None, book: Rulebook) -> tuple[Address, ...]:
    """The customer's other readers: those in To and Cc who are neither us, nor an agent, nor the customer; so many at most in a case."""
    message, mailbox = situation.understood.message, situation.mailbox
    ours = {mailbox.address, *mailbox.aliases, *situation.ours} | {email for agent in book.agents.values() for email in agent.emails}
    local, _, domain = mailbox.address.partition("@")
    own = {message.sender.email, customer.email if customer else ""}
    kept = [
        a
        for a in (*message.to, *message.cc)
        if a.email
        and a.email not in ours
        and a.email not in own
        and not (a.email.startswith(f"{local}+") and a.email.endswith(f"@{domain}"))
    ]
    stranger = customer is not None and message.sender.email not in ("", customer.email, *ours)
    if stranger and situation.case is not None:
        kept.insert(0, message.sender)  # a colleague of the customer's answered: they stay on the thread
    before = {a.email for a in situation.case.participants} if situation.case else frozenset[str]()
    found = {a.email: a for a in reversed(kept)}  # an address counts once, as it was written first
    order = list(dict.fromkeys(a.email for a in kept))
    dropped = frozenset([email for email in order if email not in before][max(0, MOST_READERS - len(before)) :])
    return tuple(found[email] for email in order if email not in dropped)


def _told_by(who: str, ruling: Ruling, book: Rulebook) -> str:
    """Why this person hears of it: the rule that names them."""
    held = {trace.rule for trace in ruling.trace if trace.matched}
    rule = next((rule for rule in book.rules if rule.name in held and who in rule.then.tell), None)
    return (rule.why or rule.name) if rule else "the customer says that it is not solved"


def _told(situation: Situation, case: Case, ruling: Ruling, book: Rulebook, names: Iterable[str]) -> list[Action]:
    """`tell` adds up: each named person hears of it in one line."""
    u, told = situation.understood, []
    holder = book.agents.get(case.assignee or AgentName(""))
    for who in once_each(names, book):
        values: dict[str, object] = {
            "holder": holder.signs_as if holder else "",
            "because": _told_by(who, ruling, book),
            "upset": u.reading.sentiment is Sentiment.UPSET,
            "quote": telling_phrase(u.reading),
        }
        agent = book.agents.get(AgentName(book.lead if who == "lead" else who))
        purpose = f"told:{u.number}:{who}"
        if agent is not None:
            told.append(Send(letter=notice(situation, agent, template="told", purpose=purpose, values=values, case=case)))
        elif "@" in who:
            subject = f"{case.subject} [#{case.number}]"
            values |= {"customer": full_name(situation.customer or situation.person), "subject": case.subject}
            letter = to_lead(situation.mailbox, book, who, template="told", purpose=purpose, subject=subject, values=values)
            told.append(Send(letter=replace(letter, to=Address(email=who), agent=None)))
    return list(told)


def _decided(actions: list[Action], found: Route, case: Case, choice: Choice | None, policy: Policy) -> Decision:
    trace = trace_of(found, choice, policy.zone)
    return Decision(actions=tuple(actions), because=because_of(found, choice), trace=trace, case=case.number)
