"""Gather: all facts that a decision about one message, or about a due date, may use. Reads the store, decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from inboxd.core import tokens
from inboxd.core.brief import dmarc_passed, sender_check
from inboxd.core.commands import ABOUT_FAULTS, read_reply
from inboxd.core.copies import replace
from inboxd.core.follow_up import ASKING
from inboxd.core.issues import is_about
from inboxd.core.mentor import held_message
from inboxd.core.model import (
    AgentName,
    AgentProof,
    Answer,
    AnswerProof,
    Candidate,
    Case,
    CaseNo,
    CaseState,
    Directory,
    HeldWords,
    IssueNo,
    KnownIssue,
    MailboxFacts,
    MailboxName,
    Message,
    MessageId,
    MessageNo,
    OutgoingKind,
    Person,
    ProofKind,
    Released,
    Role,
    Scores,
    Sentiment,
    SentMessage,
    Situation,
    StoryLine,
    Understood,
    Unsaid,
)
from inboxd.core.new_text import new_text
from inboxd.core.parse import parse
from inboxd.core.policy import Policy
from inboxd.core.practice import is_practice, practice_purpose
from inboxd.core.rulebook import Rulebook, agent_named, is_away, main_calendar, senders_agent, today_of
from inboxd.core.screen import is_responders
from inboxd.core.thread import ids, tagged, thread
from inboxd.core.understand import Failure, understand
from inboxd.core.voice import is_offer
from inboxd.daemon.mending import about_issue
from inboxd.errors import InboxdError
from inboxd.ports import Store, Transaction

MAY_HOLD_COMMANDS = 4000  # characters of an agent's mail in which cases may be named
MOST_NAMED = 20
OWN_REPLIES = 20  # of an agent, in which their signature shows
WORDS_TO_CUSTOMER = (OutgoingKind.ROUTED, OutgoingKind.RETURNED)
TO_AGENTS = (OutgoingKind.ROUTED, OutgoingKind.RETURNED, OutgoingKind.NOTICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatherer:
    """What stays the same from message to message: rules, policy, and the keys that signed addresses are checked with."""

    book: Rulebook
    policy: Policy
    keys: Sequence[bytes]
    mailboxes: Mapping[MailboxName, MailboxFacts] = field(default_factory=dict)

    def message(
        self, tx: Transaction, u: Understood, mailbox: MailboxFacts, now: datetime, oversize: int = 0, split_from: CaseNo | None = None
    ) -> Situation:
        """Gather for a message that came in. One that an agent split from a case belongs to none, and is no new contact."""
        if split_from is not None:
            apart = Situation(
                now=now, mailbox=mailbox, understood=u, person=tx.person_of(u.message.sender.email), asked_for=True,
                authentication=_AUTHENTICATION[sender_check(u.message, mailbox.authserv_id)],
            )  # fmt: skip
            return replace(self._around(tx, apart), asked_for=True, related=split_from)
        if u.screening.sent:
            return self._around(tx, self._sent(tx, u, mailbox, now))
        u = self._agents_own(tx, u)
        message, email = u.message, u.message.sender.email
        agent = senders_agent(self.book, email) if email else None
        found = tx.sent(ids(message))
        replied_to = next((found[i] for i in ids(message) if i in found), None)
        claimed = tokens.find((*message.delivered_to, *(a.email for a in (*message.to, *message.cc))), (mailbox.address, *mailbox.aliases))
        agent_proof = self._agent_proof(tx, u, agent, claimed, replied_to, now, mailbox.authserv_id)
        confirmed = dmarc_passed(message, mailbox.authserv_id)
        unconfirmed = False
        if mailbox.authserv_id and not confirmed:  # asked for wherever the admin names the server, also of mail from inside the house
            unconfirmed = agent_proof is not None or (agent is not None and replied_to is not None and replied_to.agent == agent)
            agent_proof = None
        answer_proof = None if agent_proof else self._answer_proof(tx, u, claimed, now)
        person = tx.person_of(email) if email and agent_proof is None else None
        case, by = self._case(tx, u, mailbox, now, person, agent_proof, answer_proof)
        if agent_proof is not None and case is not None and (replied_to is None or replied_to.agent != agent_proof.agent):
            kinds = WORDS_TO_CUSTOMER if agent_proof.words_to_customer else TO_AGENTS
            replied_to = tx.last_sent(case.number, kinds, agent_proof.agent)
        if agent_proof is not None and agent_proof.case is None and agent_proof.words_to_customer and not is_practice(replied_to):
            replied_to = tx.sent_for(practice_purpose(agent_proof.agent))
        if answer_proof is not None and case is not None and (replied_to is None or replied_to.kind not in ASKING):
            replied_to = tx.last_sent(case.number, ASKING)
        if agent_proof is None and answer_proof is None and case is not None and replied_to is not None and replied_to.kind in ASKING:
            answer_proof = self._reply_to_question(tx, case, replied_to, email)
        bounce = u.screening.bounce
        bounced = next(iter(tx.sent(bounce.about).values()), None) if bounce and bounce.about else None
        if bounced is not None and bounced.case is not None:
            case = tx.case(bounced.case)
        situation = Situation(
            now=now,
            mailbox=self.mailboxes.get(case.mailbox, mailbox) if case else mailbox,  # a case speaks with one name, wherever mail comes in
            understood=u,
            person=person,
            case=case,
            joined_by=by,
            replied_to=replied_to,
            agent=agent,
            agent_proof=agent_proof,
            answer_proof=answer_proof,
            bounced=bounced,
            ours=frozenset(filter(None, (message.through, *(a for m in self.mailboxes.values() for a in (m.address, *m.aliases))))),
            oversize=oversize,
            false_claim=agent_proof is None and any(token.kind in (tokens.REPLY, tokens.NOTICE) for token in claimed),
            unconfirmed=unconfirmed,
            held_reply=tx.not_left_yet(case.number, agent_proof.agent, now) if agent_proof is not None and case is not None else None,
            named=self._named_cases(tx, u.message.text) if agent_proof is not None else {},
            known=_named_people(tx, u.message.text) if agent_proof is not None else {},
            forwarder=senders_agent(self.book, message.through) if message.through else None,
            feeling_before=case.sentiment if case is not None and agent_proof is None else None,
            dmarc_pass=confirmed,
            authentication=_AUTHENTICATION[sender_check(message, mailbox.authserv_id)],
        )
        return self._around(tx, self._of_agent(tx, situation) if agent_proof is not None else situation)

    def case(self, tx: Transaction, case: Case, latest: Understood, mailbox: MailboxFacts, now: datetime) -> Situation:
        """Gather for a date of a case that has come; its latest customer message stands for the message."""
        given_at = tx.given_at(case.number) if case.lent_by or case.backlog else None
        person = tx.person(case.customer, case.number)
        situation = Situation(now=now, mailbox=mailbox, understood=latest, person=person, case=case, given_at=given_at)
        return self._around(tx, situation, present=False)

    def _of_agent(self, tx: Transaction, s: Situation) -> Situation:
        """What an agent's mail needs besides: their signature, their earlier words, and words that wait for a mentor."""
        assert s.agent_proof is not None
        agent, case = s.agent_proof.agent, s.case
        lately = tx.events(("agent.practised",), s.understood.mailbox, s.now - timedelta(hours=1)) if s.agent_proof.case is None else ()
        held = tx.held_words(case.number) if case else ()
        shown = held_message(s.replied_to, agent)
        asked = next((each for each in held if each.message == shown), None)
        released = _released(tx, asked) if asked is not None else None
        return replace(
            s,
            signatures=tx.signatures(agent),
            own_replies=tx.replies_of(agent, case.number, OWN_REPLIES) if case and s.agent_proof.words_to_customer else (),
            practised=sum(event["agent"] == agent for event in lately),
            held_words=held,
            unsaid=_unsaid(tx, case.number, s.held_reply) if case and s.held_reply else None,
            jobs=tx.waiting_jobs(case.number) if case else (),
            to_release=released,
            about_issue=about_issue(tx, s),
            outside_threads=tx.outside_threads(case.number) if case else {},
            named={**s.named, **(self._named_cases(tx, released.understood.message.text) if released else {})},
        )

    # --- mail that people write in the mailbox itself

    def _sent(self, tx: Transaction, u: Understood, mailbox: MailboxFacts, now: datetime) -> Situation:
        """Gather for a mail in the folder of sent mail: whose words it is, and which case it answers, if any. Its writer is no customer."""
        message = u.message
        ours = tx.sent([i for i in (message.message_id, *_before_it_was_renamed(message)) if i])
        own = {a for m in (mailbox, *self.mailboxes.values()) for a in (m.address, *m.aliases)}
        written = not ours and message.sender.email in own and not is_responders(message)
        case, by = self._answered(tx, message) if written else (None, "")
        speaks = self.mailboxes.get(case.mailbox, mailbox) if case else mailbox
        writer = agent_named(self.book, message.sender.name, speaks.brand)
        sender = replace(message.sender, name=speaks.brand)  # whoever it was: a story names the agent, else the brand
        return Situation(
            now=now,
            mailbox=speaks,
            understood=replace(u, message=replace(message, sender=sender)),
            case=case,
            joined_by=by,
            agent=writer,
            ours=frozenset(own),
        )

    def _answered(self, tx: Transaction, message: Message) -> tuple[Case | None, str]:
        """The case that a mail answers, if it goes to the customer or another reader and does not stand in the case already."""
        named = tx.cases_by_id(ids(message))
        found = [(named[i], "In-Reply-To" if i in message.in_reply_to else "References") for i in ids(message) if i in named]
        number = tagged(message.subject)
        if number is not None:
            found.append((number, "subject tag"))
        readers = {a.email for a in (*message.to, *message.cc) if a.email}
        for number, by in found:
            case = tx.case(number)
            if case is None or case.state is CaseState.MERGED or message.message_id in tx.thread_of(case.number):
                continue
            if any(tx.participates_in(email, case.number) for email in readers) or readers & _answers_to(tx, case):
                return case, by
        return None, ""

    # --- proof

    def _agents_own(self, tx: Transaction, u: Understood) -> Understood:
        """Take a mail for the agent's own again, not for one passed on for a customer, where it answers one that only we read.

        What it quotes was never the customer's. Where addresses are signed, the address shows it before anything is asked of the store.
        """
        if not u.message.through or senders_agent(self.book, u.message.through) is None:
            return u
        message = parse(tx.enclosed(u.number))
        if not any(sent.kind in TO_AGENTS for sent in tx.sent(ids(message)).values()):
            return u
        return replace(u, message=message, new_text=new_text(message))

    def _agent_proof(
        self,
        tx: Transaction,
        u: Understood,
        agent: AgentName | None,
        claimed: Sequence[tokens.Token],
        replied_to: SentMessage | None,
        now: datetime,
        authserv_id: str,
    ) -> AgentProof | None:
        """A signed address of this agent, or a reply to a Message-ID that only this agent got; never the sender alone (I6).

        Outside of cases our own server's word for the sender is enough, where the mail holds commands.
        """
        if agent is None:
            return None
        for token in claimed:
            if token.kind not in (tokens.REPLY, tokens.NOTICE) or not tokens.proves(token, self.keys, f"agent:{agent}", 0, now):
                continue
            if token.case == tokens.NO_CASE and token.kind == tokens.NOTICE:
                named = next(iter(self._named_cases(tx, u.new_text)), None)  # what the list itself says is no order
                return AgentProof(agent=agent, case=named, words_to_customer=False, by=ProofKind.SIGNED_ADDRESS)
            if token.case == tokens.NO_CASE:
                return AgentProof(agent=agent, case=None, words_to_customer=True, by=ProofKind.SIGNED_ADDRESS)
            case = tx.case(token.case)
            if case is not None:
                words = token.kind == tokens.REPLY
                return AgentProof(agent=agent, case=case.number, words_to_customer=words, by=ProofKind.SIGNED_ADDRESS)
        if replied_to is None and dmarc_passed(u.message, authserv_id) and _only_for_us(u):
            named = next(iter(self._named_cases(tx, u.new_text)), None)
            return AgentProof(agent=agent, case=named, words_to_customer=False, by=ProofKind.OWN_SERVER)
        if replied_to is None or replied_to.agent != agent or replied_to.kind not in TO_AGENTS:
            return None
        if replied_to.sent_at is not None and now - replied_to.sent_at > tokens.LIFE:
            return None
        if is_practice(replied_to):
            return AgentProof(agent=agent, case=None, words_to_customer=True, by=ProofKind.MESSAGE_ID)
        if is_offer(replied_to) or (replied_to.case is None and replied_to.purpose.startswith(ABOUT_FAULTS)):
            return AgentProof(agent=agent, case=None, words_to_customer=False, by=ProofKind.MESSAGE_ID)
        if replied_to.case is None:
            return None
        case = tx.case(replied_to.case)
        if case is None:
            return None
        words = replied_to.kind in WORDS_TO_CUSTOMER
        return AgentProof(agent=agent, case=case.number, words_to_customer=words, by=ProofKind.MESSAGE_ID)

    def _answer_proof(self, tx: Transaction, u: Understood, claimed: Sequence[tokens.Token], now: datetime) -> AnswerProof | None:
        for token in claimed:
            case = tx.case(token.case) if token.kind in (tokens.YES, tokens.NOT_YET) else None
            asked = tx.asked(token.case, ASKING) if case is not None else ()
            round_ = next((each for who, each in asked if tokens.proves(token, self.keys, f"person:{who}", each, now)), None)
            if case is None or round_ is None:
                continue
            said = Answer.SATISFIED if token.kind == tokens.YES else Answer.DISSATISFIED
            own = _is_customers(tx, case, u.message.sender.email)
            return AnswerProof(case=case.number, round=round_, said=said, by=ProofKind.SIGNED_ADDRESS, from_customer=own)
        return None

    def _reply_to_question(self, tx: Transaction, case: Case, question: SentMessage, email: str) -> AnswerProof:
        """An answer in words: whoever was sent the question along can reply to it, but only the customer answers it."""
        own = _is_customers(tx, case, email)
        return AnswerProof(case=case.number, round=question.round, said=None, by=ProofKind.MESSAGE_ID, from_customer=own)

    # --- case

    def _case(
        self,
        tx: Transaction,
        u: Understood,
        mailbox: MailboxFacts,
        now: datetime,
        person: Person | None,
        agent_proof: AgentProof | None,
        answer_proof: AnswerProof | None,
    ) -> tuple[Case | None, str]:
        proof = agent_proof or answer_proof
        message, email = u.message, u.message.sender.email
        number = tagged(message.subject)
        joined = thread(
            message,
            proved=proof.case if proof else None,
            known=self._trusted(tx, u),
            participates_in=(number,) if number is not None and email and tx.participates_in(email, number) else (),
        )
        if joined is not None:
            case = tx.case(joined.case)
            if case is not None:
                return case, joined.by
        if person is None or u.screening.automatic:
            return None, ""
        recent = tx.open_case_of(person.number, mailbox.name)
        if recent is not None and now - recent.opened_at < self.policy.gather and recent.last_reply_at is None:
            return recent, "written within ten minutes of the first"
        return None, ""

    def _trusted(self, tx: Transaction, u: Understood) -> dict[MessageId, CaseNo]:
        """Cases by the ids this message names. Ids that only agents got lead a stranger nowhere.

        Ids that the customer's mail merely referred to - of a newsletter, say - lead only who takes part in the case: many have them.
        """
        names, email = ids(u.message), u.message.sender.email
        found, ours = tx.cases_by_id(names), tx.sent(names)
        found = {i: case for i, case in found.items() if i not in ours or ours[i].kind not in TO_AGENTS}
        open_to_all: dict[CaseNo, frozenset[MessageId] | None] = {}
        for case in set(found.values()):
            known = bool(email) and tx.participates_in(email, case)
            open_to_all[case] = None if known else frozenset(tx.thread_of(case))
        return {i: case for i, case in found.items() if (exchange := open_to_all[case]) is None or i in ours or i in exchange}

    def _named_cases(self, tx: Transaction, text: str) -> dict[CaseNo, Case]:
        """The cases that an agent's mail names by number, as its commands do."""
        numbers = [CaseNo(int(digits)) for digits in re.findall(r"#\s?(\d{1,12})", text[:MAY_HOLD_COMMANDS])][:MOST_NAMED]
        return {number: case for number in dict.fromkeys(numbers) if (case := tx.case(number)) is not None}

    # --- the rest

    def _around(self, tx: Transaction, s: Situation, *, present: bool = True) -> Situation:
        case, now = s.case, s.now
        customer = tx.person(case.customer, case.number) if case else None
        person = s.person
        if customer is not None and person is None and s.agent_proof is None and present:
            known = tx.participates_in(s.understood.message.sender.email, case.number) if case else False
            person = customer if known else None
        who = person or customer
        next_case, next_person = tx.next_numbers()
        since = now - self.policy.contacts_kept
        contacts = tx.contacts(who.number, since) if who else ()
        asked_for = bool(case and case.last_reply_asks and case.state is CaseState.WAITING)
        if case is not None and not asked_for and present:
            last = tx.written_in_case(case.number)
            asked_for = last is not None and s.understood.received_at - last < self.policy.same_contact
        open_case = tx.open_case_of(person.number, s.mailbox.name) if person and case is None else None
        story = tuple(self._named(line) for line in tx.story(case.number)) if case else ()
        thread_ids = tx.thread_of(case.number) if case else ()
        own_id = s.understood.message.message_id
        if present and own_id and s.agent_proof is None and not s.understood.screening.automatic:
            thread_ids = (*(i for i in thread_ids if i != own_id), own_id)
        known_by = tx.known_by(who.number) if who else frozenset()
        away = away_now(tx, self.book, now)
        loads, newest = tx.loads(), tx.last_cases(tuple(self.book.agents))
        upset = tx.upset_since(_midnight(self.book, now))
        to = (who.email if who else "") or s.understood.message.sender.email
        if s.agent is not None and who is None:
            to = self.book.agents[s.agent].emails[0]  # where answers to an agent go
        return replace(
            s,
            person=person,
            customer=customer,
            next_case=next_case,
            next_person=next_person,
            contacts=contacts,
            asked_for=asked_for,
            related=open_case.number if open_case else None,
            owed=tx.owed(who.number) if who else False,
            story=story,
            past=tx.past_case(who.number, case.number if case else next_case) if who else None,
            candidates={
                name: Candidate(
                    name=name,
                    open_cases=loads.get(name, 0),
                    knows_customer=name in known_by,
                    away=name in away,
                    last_case=newest.get(name, 0),
                    upset_today=upset.get(name, 0),
                )
                for name in self.book.agents
            },
            counts=tx.counts(s.mailbox.name, to, case.number if case else None, now),
            held_answers=tx.held_answers(case.number, s.answer_proof.round) if case and s.answer_proof else (),
            not_handed_over=tx.not_handed_over(case.number) if case else (),
            customer_thread=thread_ids,
            agent_threads=tx.agent_threads(case.number) if case else {},
            acts=tx.jobs_of(case.number) if case else (),
            promises=tx.promises(case.number) if case else (),
            joined=tx.joined(case.customer) if case and s.agent_proof is not None else frozenset(),
            issues=_issues(tx, s) if s.agent_proof is None else (),
        )

    def _named(self, line: StoryLine) -> StoryLine:
        """Agents are called in a story as they sign."""
        agent = self.book.agents.get(AgentName(line.name)) if line.role is Role.AGENT else None
        return replace(line, name=agent.signs_as) if agent else line


def _issues(tx: Transaction, s: Situation) -> tuple[KnownIssue, ...]:
    """The open issues that this mail is about, or that its case was about before."""
    reading = s.understood.reading
    known = tx.issues_of(s.case.number) if s.case else frozenset[IssueNo]()
    keys = {phrase.key for phrase in reading.key_phrases} if not s.understood.screening.automatic else set[str]()
    return tuple(each for each in tx.open_issues(s.mailbox.name) if each.number in known or is_about(each, keys, reading.topic))


def _unsaid(tx: Transaction, case: CaseNo, held: SentMessage) -> Unsaid | None:
    """What the words found that have not left yet; those of a mail to somebody outside the case moved nothing."""
    words, _, number = held.purpose.partition(":")
    facts = tx.decided_to_send(held.purpose, case) if words == OutgoingKind.REPLY else None
    return Unsaid(message=MessageNo(int(number)), said_at=facts.now, case=facts.case, jobs=facts.jobs) if facts is not None else None


def _named_people(tx: Transaction, text: str) -> dict[str, Person]:
    """The customers whose addresses an agent's mail names, as its commands do."""
    emails = dict.fromkeys(match.lower() for match in _EMAIL.findall(text[:MAY_HOLD_COMMANDS]))
    return {email: person for email in list(emails)[:MOST_NAMED] if (person := tx.person_of(email)) is not None}


_EMAIL = re.compile(r"[^\s@<>,;:\"]{1,64}@[^\s@<>,;\"]{1,190}\.[^\s@<>,;.\"]{2,}")


def _only_for_us(u: Understood) -> bool:
    """Whether an agent's mail that answers none of ours is meant for inboxd: it begins a mail, or holds commands and nothing else."""
    read = read_reply(u.message, u.new_text, None)
    names = {command.name for command in read.commands}
    return read.held is None and bool(names) and ("to" in names or not (read.words or read.note))


def understood_again(store: Store, directory: Directory, tx: Transaction, number: MessageNo, case: Case | None = None) -> Understood:
    """A stored message as it was understood then, with its texts from the raw mail; no model is asked.

    With its case: topic and feeling as people corrected them since.
    """
    raw = store.raw(number)
    again = understand([raw], directory, lambda texts: [Scores() for _ in texts])[0]
    before = tx.understood(number)
    if isinstance(again, Failure) or before is None:
        raise InboxdError(f"message {number} cannot be read again" + (f": {again.error}" if isinstance(again, Failure) else ""))
    said = tx.corrected(case.number) if case else {}
    topic, sentiment = said.get("topic", before.reading.topic), Sentiment(said.get("sentiment", before.reading.sentiment))
    sure = 1.0 if "topic" in said else before.reading.topic_sure
    urgent, sensitive = (
        said.get(name, "yes" if value else "no") == "yes"
        for name, value in (("urgent", before.reading.is_urgent), ("sensitive", before.reading.sensitive))
    )
    reading = replace(before.reading, topic=topic, topic_sure=sure, sentiment=sentiment, is_urgent=urgent, sensitive=sensitive)
    return replace(again, reading=reading, screening=before.screening)


def _released(tx: Transaction, held: HeldWords) -> Released | None:
    """The mail in which held words were written, as it was then, with its texts from the raw mail."""
    then = tx.situation(held.message)
    if then is None:
        return None
    message = parse(tx.enclosed(held.message))
    replied_to = tx.sent((then.replied_to.message_id,)).get(then.replied_to.message_id) if then.replied_to else None
    return Released(held=held, understood=replace(then.understood, message=message, new_text=new_text(message)), replied_to=replied_to)


def as_it_came(tx: Transaction, situation: Situation) -> Situation:
    """A situation of today with what was known of the message when it came: who wrote, whether that was proved, how it sounded before."""
    then = tx.situation(situation.understood.number)
    if then is None:
        return situation
    return replace(
        situation, person=then.person, authentication=then.authentication, dmarc_pass=then.dmarc_pass, feeling_before=then.feeling_before
    )  # fmt: skip


def away_now(tx: Transaction, book: Rulebook, now: datetime) -> frozenset[AgentName]:
    """Who is away today: by the rules, or by what they said themselves."""
    said = tx.absences()
    by_mail = {name for name, (first, last) in said.items() if name in book.agents and first <= today_of(book, name, now) <= last}
    return frozenset(by_mail | {name for name in book.agents if is_away(book, name, now)})


def _before_it_was_renamed(message: Message) -> tuple[MessageId, ...]:
    """The Message-ID that a mail had when we handed it to a server which gives new ones."""
    lines = (message.header(name) for name in ("x-google-original-message-id", "x-microsoft-original-message-id"))
    return tuple(MessageId(line.strip(" <>")) for line in lines if line)


def _answers_to(tx: Transaction, case: Case) -> frozenset[str]:
    """Where the customer's latest mail wants its answer, which may be none of their known addresses."""
    number = tx.latest_message(case.number)
    latest = tx.understood(number) if number is not None else None
    return frozenset(a.email for a in latest.message.reply_to) if latest else frozenset()


_AUTHENTICATION = {"confirmed": "pass", "failed": "fail", "": "unknown"}


def _midnight(book: Rulebook, now: datetime) -> datetime:
    calendar = main_calendar(book)
    return now.astimezone(calendar.zone if calendar else UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_customers(tx: Transaction, case: Case, email: str) -> bool:
    """Whether this is an address of the case's customer."""
    sender = tx.person_of(email) if email else None
    return sender is not None and sender.number == case.customer
