"""A customer says how it was: in answer to our question or to an answer that we offered, or with a thank-you."""

from __future__ import annotations

from dataclasses import replace

from inboxd.core.follow_up import ASKING_JOBS, SENSITIVE, close_later, is_machine_answer, outcome_of_yes, read_answer
from inboxd.core.letters import answer_values, first_name, notice, offered_answer, routed
from inboxd.core.lifecycle import advance
from inboxd.core.model import (
    Action,
    Advance,
    AgentName,
    Answer,
    Cancel,
    Case,
    CaseEvent,
    CaseState,
    ChangePerson,
    Decision,
    JobKind,
    Join,
    Log,
    OpenCase,
    Outcome,
    Role,
    Send,
    Sentiment,
    Situation,
)
from inboxd.core.new_case import new_case
from inboxd.core.next_word import wrote
from inboxd.core.policy import Policy
from inboxd.core.promises import over_at
from inboxd.core.route import given_anew, who_reads, with_assignee
from inboxd.core.rulebook import Rulebook


def answered(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
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
    if proof is not None and proof.said is not None and _taken_back(situation, case, answer):
        return Decision(
            actions=(Join(case=case.number, role=None), Log(kind="answer.taken_back", case=case.number, data={"message": u.number})),
            because=("the customer said otherwise in words, while the tap waited",),
            case=case.number,
        )
    if u.reading.thanks_only and answer is Answer.UNCLEAR:
        return with_opt_out(thanked(situation, case, book, policy), situation)
    match answer:
        case Answer.SATISFIED | Answer.SATISFIED_AND_NEW:
            decision = _satisfied(situation, case, book, policy, new=answer is Answer.SATISFIED_AND_NEW)
        case Answer.DISSATISFIED:
            decision = wrote(situation, case, book, policy, CaseEvent.DISSATISFIED, unhappy=True)
        case Answer.UNCLEAR:
            decision = _unclear(situation, case, book, policy)
    return with_opt_out(decision, situation)


def _taken_back(situation: Situation, case: Case, answer: Answer) -> bool:
    """Whether the customer said otherwise since they tapped this answer: a complaint after a yes, a yes after a no."""
    u = situation.understood
    if answer is Answer.SATISFIED:
        return any(line.role is Role.CUSTOMER and line.wants_answer and line.message > u.number for line in situation.story)
    said_yes = case.state is CaseState.CLOSED and case.outcome in (Outcome.SATISFIED, Outcome.WON_BACK)
    return answer is Answer.DISSATISFIED and said_yes and case.closed_at is not None and case.closed_at > u.received_at


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
    opened = new_case(situation, book, policy)
    because = ("the answer says: solved, and brings something new", *opened.because)
    return replace(opened, actions=(*actions, *opened.actions), because=because)


def _unclear(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """A person reads it: whoever the question named, else whoever holds the case, else who stands in for them."""
    event, u = CaseEvent.UNCLEAR, situation.understood
    state = advance(case.state, event)
    if state is CaseState.OPEN:
        return wrote(situation, case, book, policy, CaseEvent.CUSTOMER_WROTE)
    read = Log(kind="answer.read", case=case.number, data={"message": u.number, "answer": Answer.UNCLEAR, "round": case.round})
    waits = "?" in u.new_text or u.reading.sentiment is Sentiment.UPSET
    theirs = situation.answer_proof is None or situation.answer_proof.from_customer
    if waits and theirs:  # whoever asks, or is angry, waits for an answer: with an hour
        decision = wrote(situation, case, book, policy, CaseEvent.CUSTOMER_WROTE)
        return replace(decision, actions=(*decision.actions, read))
    actions: list[Action] = [Join(case=case.number), Advance(case=case.number, event=event, state=state), read]
    if JobKind.CLOSE not in situation.acts:
        actions.append(close_later(case, book.follow_up, situation.now))
    actions.append(Cancel(case=case.number, kinds=(JobKind.REMIND,)))
    choice = who_reads((case.resolved_by, case.assignee), situation, case, book)
    if choice is not None:
        reader, purpose = book.agents[choice.agent], f"route:{u.number}:{choice.agent}"
        given, why = given_anew(case, choice, book), "an answer that only a person can read"
        case = with_assignee(case, choice) if given else case
        why = f"{why}, {choice.why}" if choice.why else why
        actions += (*given, Send(letter=routed(situation, case, reader, policy, purpose=purpose, why=why, answer=Answer.UNCLEAR)))
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


def with_opt_out(decision: Decision, situation: Situation) -> Decision:
    """Whoever writes that they would rather not be asked is not asked, in whatever mail they say so."""
    opened = next((action.person for action in decision.actions if isinstance(action, OpenCase)), None)
    writer, u = opened or situation.person, situation.understood
    if writer is None or writer.email != u.message.sender.email or not u.reading.opt_out:
        return decision
    quiet = (
        ChangePerson(person=writer.number, changes={"no_follow_up": True}),
        Log(kind="person.opted_out", case=decision.case),
    )
    return replace(decision, actions=(*decision.actions, *quiet))


# --- thanks ----------------------------------------------------------------------------------------------------------------


A_BARE_THANK_YOU = 5  # words: "Many thanks, Friday is fine"; who says that it came and works needs more


def thanked(situation: Situation, case: Case, book: Rulebook, policy: Policy) -> Decision:
    """A thank-you reopens nothing and goes to whoever earned it. After our answer it is a good sign, where it is the customer's own.

    Who thanks while they wait for us is only kind; so is a bare thank-you before a day that we named is over: it thanks for the promise.
    """
    event, reading = CaseEvent.CUSTOMER_THANKED, situation.understood.reading
    own = _is_by_customer(situation, case)
    changes: dict[str, object] = {"sentiment": reading.sentiment}
    says_so = reading.answer is Answer.SATISFIED and case.last_reply_at is not None
    if over_at(situation.promises, book, situation.now, policy.zone) is not None:
        good_sign = says_so and len(situation.understood.new_text.split()) > A_BARE_THANK_YOU
    else:
        good_sign = says_so or case.state is not CaseState.OPEN
    if good_sign:
        changes["good_sign"] = True
    actions: list[Action] = [Join(case=case.number)]
    if own:
        actions.append(Advance(case=case.number, event=event, state=advance(case.state, event), changes=changes))
    if own and good_sign and case.state is CaseState.RESOLVED:
        actions += [
            Cancel(case=case.number, kinds=(JobKind.ASK, JobKind.REMIND)),
            close_later(case, book.follow_up, situation.now),
        ]
    actions += _thanks_passed_on(situation, case, book, not_asked=own and good_sign)
    return Decision(actions=tuple(actions), because=("a thank-you, with no question in it",), case=case.number)


def _is_by_customer(situation: Situation, case: Case) -> bool:
    """Whether the customer wrote it, and not somebody in copy, who takes part in their name."""
    person = situation.person
    return person is not None and person.number == case.customer and person.email == situation.understood.message.sender.email


def _thanks_passed_on(situation: Situation, case: Case, book: Rulebook, *, not_asked: bool) -> list[Action]:
    u = situation.understood
    grave = SENSITIVE in case.labels
    reader = {} if _is_by_customer(situation, case) else {"customer": first_name(u.message.sender.name, u.message.sender.email)}
    return [
        Send(
            letter=notice(
                situation,
                book.agents[name],
                template="thanks",
                purpose=f"thanks:{u.number}:{name}",
                case=case,
                values={
                    **reader,
                    "quote": u.new_text.strip(),
                    "at": u.received_at,
                    "not_asked": not_asked,
                    "grave": grave,
                },
            )
        )
        for name in case.involved
        if name in book.agents
    ]


# --- answers that we offered -----------------------------------------------------------------------------------------------


def helped_by(situation: Situation, case: Case) -> str:
    """The name of the answer in our acknowledgement of which the customer says that it solved it, and nothing else; "" if none."""
    reading = situation.understood.reading
    helped = reading.answer is Answer.SATISFIED and reading.sentiment is not Sentiment.UPSET and not reading.sensitive
    return _judged_answer(situation, case) if helped else ""


def missed_by(situation: Situation, case: Case) -> tuple[Log, ...]:
    """Keep that an offered answer did not solve it, where the customer answers it so."""
    name = _judged_answer(situation, case) if situation.understood.reading.answer is Answer.DISSATISFIED else ""
    return (Log(kind="answer.missed", case=case.number, data={"message": situation.understood.number, "answer": name}),) if name else ()


def _judged_answer(situation: Situation, case: Case) -> str:
    """The name of the answer in our acknowledgement that the customer's mail replies to, before anybody wrote; "" if none."""
    offer = situation.replied_to
    by_customer = _is_by_customer(situation, case)
    before_anybody = case.state is CaseState.OPEN and case.last_reply_at is None and not situation.understood.screening.automatic
    return offered_answer(offer) if offer is not None and offer.case == case.number and by_customer and before_anybody else ""


def helped(situation: Situation, case: Case, name: str, book: Rulebook) -> Decision:
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
