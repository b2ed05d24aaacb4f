"""The letters that decisions send: who gets them, on which thread, with which facts. The words stand in templates/."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from textwrap import shorten

from inboxd.core.brief import NO_SUBJECT, brief, strongest_sentences
from inboxd.core.brief import first_name as first_word
from inboxd.core.commands import REACTION
from inboxd.core.copies import replace
from inboxd.core.dates import sentences
from inboxd.core.follow_up import SENSITIVE
from inboxd.core.model import (
    Address,
    AgentName,
    Answer,
    Attachment,
    Case,
    CaseNo,
    Enclose,
    Letter,
    MailboxFacts,
    Mended,
    Message,
    MessageNo,
    Outcome,
    OutgoingKind,
    Person,
    Reading,
    Role,
    Sentiment,
    SentMessage,
    Situation,
    StoryLine,
    Understood,
)
from inboxd.core.opening import Calendar, is_open, next_open
from inboxd.core.own_html import own_part, pictures_shown
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Agent, ReadyAnswer, Rulebook, calendar_of
from inboxd.core.rules import answers_about
from inboxd.core.tokens import NOTICE, REPLY

# What mail programs put around the words (RFC 8551, 3.5; RFC 3156; Gmail): signatures hold the agent's own address.
_WRAPPINGS = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature", "application/pgp-keys", REACTION}
)
MOST_OF_A_SUBJECT = 70  # letters
EXCHANGE = "exchange.txt"  # what a routed mail carries where its brief leaves mails out
_PREFIX = re.compile(r"^\s*(?:(?:re|aw|sv|antw|fwd?|wg|tr|rif|odp)(?:\[\d+\])?\s*:\s*|\[#\d+\]\s*)+", re.IGNORECASE)
_TAG = re.compile(r"\s*\[#\d{1,12}\]")


def bare_subject(subject: str) -> str:
    """A subject without Re:, AW: and our tag, on one line."""
    return " ".join(_PREFIX.sub("", _TAG.sub("", subject)).split())[:200]


def first_name(name: str, email: str = "") -> str:
    """What a line calls the customer: the first name, else the whole name, else the local part of the address."""
    return first_word(name) or name or email.partition("@")[0] or "the customer"


def greeted(name: str, language: str) -> str:
    """How a machine's mail greets: by first name in English, by the whole name where a first name may be too near."""
    if not name or "@" in name:
        return ""
    return name if language == "de" else first_word(name)


def full_name(person: Person | None) -> str:
    """The customer's name, else their address."""
    return (person.name or person.email) if person else ""


def _tagged(subject: str, number: CaseNo, mailbox: MailboxFacts) -> str:
    return f"{subject} [#{number}]".strip() if mailbox.subject_tag else subject


def _desk(mailbox: MailboxFacts) -> str:
    return f"{mailbox.brand} desk"


# --- to agents ---------------------------------------------------------------------------------------------------------


def routed(
    situation: Situation,
    case: Case,
    agent: Agent,
    policy: Policy,
    *,
    purpose: str,
    why: str,
    reopened: bool = False,
    marked_spam: bool = False,
    answer: Answer | None = None,
    both_know: Sequence[str] = (),
    messages: Sequence[StoryLine] = (),
    lead: Address | None = None,
) -> Letter:
    """The customer's mail, with its brief, to the agent who holds the case.

    `answer`: what it says as an answer to our question; `both_know`: who had the case before and is told in the same transaction;
    `messages`: several, handed over together; `lead`: who decides more, named where the case came back.
    """
    u, customer = situation.understood, situation.customer or situation.person
    name = full_name(customer) or u.message.sender.name or u.message.sender.email
    given = list(messages) or [
        StoryLine(at=u.received_at, role=Role.CUSTOMER, name=u.message.sender.name, text=u.message.text, message=u.number)
    ]
    handed = {line.message for line in given}
    story = tuple(line for line in situation.story if line.message not in handed)
    before = situation if story == situation.story else replace(situation, story=story)
    facts = brief(
        before,
        due_at=case.due_at,
        why=why,
        you_may=case.briefs,
        zone=policy.zone,
        reopened=reopened,
        readers=case.participants,
        answer=answer,
        lead=lead if case.reopened and lead and lead.email not in agent.emails else None,
        besides=marked_spam,
    )
    if facts.below and _is_ours(facts.below, situation):
        facts = replace(facts, below="")
    last = situation.agent_threads.get(agent.name)
    values: dict[str, object] = {
        "brief": facts,
        "marked_spam": marked_spam,
        "both_know": tuple(both_know),
        "oversize": situation.oversize,
        "earlier": tuple(given[:-1]),
    }
    return Letter(
        kind=OutgoingKind.ROUTED,
        purpose=purpose,
        template="routed",
        mailbox=situation.mailbox.name,
        language="en",
        to=_address(agent),
        subject=_tagged(f"{name}: {case.subject}".rstrip(": "), case.number, situation.mailbox),
        values=values,
        case=case.number,
        round=case.round,
        agent=agent.name,
        person=case.customer,
        from_name=f"{name} via {situation.mailbox.brand}",
        thread=(last,) if last else (),
        reply_token=REPLY,
        important=case.priority == "high",
        enclose=tuple(_enclosed(u, line.message) for line in given),
        exchange=before.story if facts.before or (not last and any(line.role is Role.ASKED for line in before.story)) else (),
    )


def _enclosed(u: Understood, message: MessageNo) -> Enclose:
    """The files of a message; those of the present one are known."""
    return Enclose(message=message, attachments=u.message.attachments if message == u.number else None)


def notice(
    situation: Situation,
    to: Agent,
    *,
    template: str,
    purpose: str,
    values: dict[str, object],
    case: Case | None = None,
    subject: str = "",
    kind: OutgoingKind = OutgoingKind.NOTICE,
    enclose: Sequence[Enclose] = (),
) -> Letter:
    """One of our own mails to an agent: a reply to it is a command or a note, never words to a customer."""
    last = situation.agent_threads.get(to.name) if case else None
    customer = full_name(situation.customer or situation.person)
    if case and not subject:
        subject = f"{'Re: ' if last else ''}{customer}: {case.subject}".rstrip(": ")
    subject = _tagged(subject, case.number, situation.mailbox) if case else subject
    values = {
        "customer": first_name(customer), "subject": (case.subject or NO_SUBJECT) if case else "",
        "brand": situation.mailbox.brand, **values,
    }  # fmt: skip
    return replace(
        _from_desk(situation.mailbox, _address(to), to, template=template, purpose=purpose, subject=subject, values=values),
        kind=kind,
        case=case.number if case else None,
        thread=(last,) if last else (),
        reply_token=(REPLY if kind is OutgoingKind.RETURNED else NOTICE) if case else "",
        enclose=tuple(enclose),
    )


def lead_of(book: Rulebook) -> Address | None:
    """Who decides more than an agent may: the lead, by the name that customers read."""
    lead = book.agents.get(AgentName(book.lead))
    if lead:
        return Address(email=lead.emails[0], name=lead.signs_as)
    return Address(email=book.lead) if "@" in book.lead else None


def to_lead(
    mailbox: MailboxFacts,
    book: Rulebook,
    admin: str,
    *,
    template: str,
    purpose: str,
    subject: str,
    values: dict[str, object],
    case: CaseNo | None = None,
    enclose: Sequence[Enclose] = (),
    to_admin: bool = False,
) -> Letter:
    """A mail to the lead, or to the admin: where no lead is named, or where it is about the machine."""
    lead = None if to_admin else book.agents.get(AgentName(book.lead))
    to = _address(lead) if lead else Address(email=admin if to_admin or "@" not in book.lead else book.lead)
    values = {"mailbox": mailbox.brand, **values}
    return replace(
        _from_desk(mailbox, to, lead, template=template, purpose=purpose, subject=subject, values=values),
        case=case,
        reply_token=NOTICE if lead else "",
        enclose=tuple(enclose),
    )


def to_agent(mailbox: MailboxFacts, to: Agent, *, template: str, purpose: str, subject: str, values: dict[str, object]) -> Letter:
    """A mail to an agent that is about no single case: a reply to it is a command."""
    letter = _from_desk(mailbox, _address(to), to, template=template, purpose=purpose, subject=subject, values=values)
    return replace(letter, reply_token=NOTICE)


def _from_desk(
    mailbox: MailboxFacts, to: Address, agent: Agent | None, *, template: str, purpose: str, subject: str, values: dict[str, object]
) -> Letter:
    """A mail of our own to one of us; `agent` is None where whoever reads it is no agent."""
    return Letter(
        kind=OutgoingKind.NOTICE,
        purpose=purpose,
        template=template,
        mailbox=mailbox.name,
        language="en",
        to=to,
        subject=subject,
        values={"agent": agent.signs_as if agent else "", **values},
        agent=agent.name if agent else None,
        from_name=_desk(mailbox),
    )


def _address(agent: Agent) -> Address:
    return Address(email=agent.emails[0], name=agent.full_name)


# --- to customers ------------------------------------------------------------------------------------------------------


def reply(situation: Situation, case: Case, agent: Agent, words: str, policy: Policy) -> Letter:
    """An agent's own words to the customer as they were set, the quotation of the customer's last mail from the store, the files."""
    u, last = situation.understood, last_from_customer(situation)
    own = own_part(u.message, words, f"picture{{}}.{u.number}@{situation.mailbox.address.rpartition('@')[2]}")
    values: dict[str, object] = {
        "words": words,
        "html": own.html,
        "signs_as": agent.signs_as,
        "quotation": last.text if last else "",
        "quoted_at": last.at if last else None,
        "quoted_name": (last.name if last else "") or full_name(situation.customer),
    }
    letter = _to_customer(situation, case, OutgoingKind.REPLY, "reply", f"reply:{u.number}", values)
    return replace(
        letter,
        agent=agent.name,
        from_name=f"{agent.signs_as} at {situation.mailbox.brand}",
        cc=case.participants,
        enclose=(Enclose(message=u.number, attachments=without_wrappings(own.attachments)),),
    )


def without_wrappings(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """The files that the agent attached, without what we attached to the mail that they answer and what their program did."""
    return tuple(each for each in attachments if each.name != EXCHANGE and each.type not in _WRAPPINGS)


def files_of_theirs(message: Message) -> tuple[Attachment, ...]:
    """The files that the agent attached, without the pictures that their page shows. Gmail gives every file a Content-ID."""
    shown = pictures_shown(message.html)
    return tuple(each for each in without_wrappings(message.attachments) if each.content_id not in shown)


def words_to(situation: Situation, case: Case, agent: Agent, words: str, kind: OutgoingKind, to: Address) -> Letter:
    """An agent's own words that answer no mail: the first of a case to its customer, or a question to somebody outside it.

    Whoever is asked reads the words and nothing of the case: so its subject is the first of these words, and not the customer's.
    """
    u, brand = situation.understood, situation.mailbox.brand
    before = situation.outside_threads.get(to.email) if kind is OutgoingKind.INQUIRY else None
    subject = case.subject
    if kind is OutgoingKind.INQUIRY:
        subject = bare_subject(before.subject) if before else ""
        subject = f"Re: {subject}" if subject else shorten(next(iter(sentences(words)), brand), MOST_OF_A_SUBJECT, placeholder="...")
        subject = subject[:1].upper() + subject[1:]
    own = own_part(u.message, words, f"picture{{}}.{u.number}@{situation.mailbox.address.rpartition('@')[2]}")
    values: dict[str, object] = {
        "words": words,
        "html": own.html,
        "signs_as": agent.signs_as,
        "quotation": "",
        "quoted_at": None,
        "quoted_name": "",
        "customer": "",
        "subject": case.subject,
        "brand": brand,
    }
    return Letter(
        kind=kind,
        purpose=f"{kind}:{u.number}" if kind is OutgoingKind.REPLY else f"{kind}:{u.number}:{to.email}",
        template="reply",
        mailbox=situation.mailbox.name,
        language=case.language or situation.mailbox.language,
        to=to,
        subject=_tagged(subject, case.number, situation.mailbox),
        thread=before.ids if before else (),
        values=values,
        case=case.number,
        round=case.round,
        agent=agent.name,
        person=case.customer if kind is OutgoingKind.REPLY else None,
        from_name=f"{agent.signs_as} at {brand}",
        enclose=(Enclose(message=u.number, attachments=without_wrappings(own.attachments)),),
    )


def follow_up(situation: Situation, case: Case, book: Rulebook, *, reminder: bool) -> Letter:
    """The one question: is it solved? Goes to the customer alone, signed by the brand."""
    asker = book.agents.get(case.resolved_by or case.last_reply_by or AgentName(""))
    lead = book.agents.get(AgentName(book.lead))
    values: dict[str, object] = {
        "agent": asker.signs_as if asker else situation.mailbox.brand,
        "variant": "could_not" if case.outcome is Outcome.COULD_NOT else "silence" if case.by_silence else "resolved",
        "refused_at": case.resolved_at,
        "lead": lead.signs_as if lead else "",
        "answered_at": case.last_reply_at,
    }
    kind = OutgoingKind.REMINDER if reminder else OutgoingKind.FOLLOW_UP
    template = "reminder" if reminder else book.follow_up.template
    purpose = f"{kind}:case {case.number}:round {case.round}"
    return replace(_to_customer(situation, case, kind, template, purpose, values), answer_links=not reminder)


def is_for_people_only(situation: Situation, case: Case, book: Rulebook) -> bool:
    """Whether a person's word comes first: after a bad answer, if the matter is sensitive, if they are upset while somebody is there."""
    reading = situation.understood.reading
    if situation.owed or reading.sensitive or SENSITIVE in case.labels:
        return True
    calendar = calendar_of(book, case.team or case.assignee)
    there = calendar is None or is_open(calendar, situation.now)
    return there and Sentiment.UPSET in (reading.sentiment, case.sentiment)


def acknowledgement(
    situation: Situation, case: Case, book: Rulebook, template: str, *, promised: bool, zone: tzinfo, answer: ReadyAnswer | None = None
) -> Letter | None:
    """The mail is here, and what is new besides; None where nothing is. `promised`: a rule, and not our default, names the hour.

    `answer`: one of the rules' answers that fits, which stands below the rest.
    `opens_at` is when somebody is there, None if somebody is; `writes_by` when a person will have written, None where that is not sure.
    """
    calendar, now = calendar_of(book, case.team or case.assignee), situation.now
    opens = next_open(calendar, now) if calendar else None
    opens_at = opens if opens and opens > now else None
    writes_by = case.due_at if promised and _holds(situation, case, calendar) else None
    issue = next(iter(situation.issues), None)
    answer = None if issue else answer
    if opens_at is None and writes_by is None and answer is None and issue is None:
        return None
    writes_on = _named_by(writes_by, opens_at, now, zone, here=calendar is not None and opens is not None) if writes_by else ""
    values: dict[str, object] = {"now": now, "opens_at": opens_at, "writes_by": writes_by, "writes_on": writes_on}
    values["answer"] = answer.text[_language(situation, case)] if answer else ""
    if issue is not None:
        template, values["known_issue"] = "known_issue", issue.known_in(_language(situation, case))
    purpose = f"acknowledgement:case {case.number}" + (f"{_OFFERED}{answer.name}" if answer else "")
    return _to_customer(situation, case, OutgoingKind.ACKNOWLEDGEMENT, template, purpose, values)


_OFFERED = ":answer "  # in the purpose of an acknowledgement, before the name of the answer in it


def answer_to_offer(situation: Situation, case: Case, book: Rulebook) -> ReadyAnswer | None:
    """The answer of the rules that certainly fits: one alone does, for the one calm mail that there is, in its own language."""
    u = situation.understood
    mails = sum(line.role is Role.CUSTOMER for line in situation.story)
    if mails > 1 or u.reading.sensitive or Sentiment.UPSET in (u.reading.sentiment, case.sentiment):
        return None
    fitting = answers_about(book.answers, u.new_text, case.topic)
    return fitting[0] if len(fitting) == 1 and _language(situation, case) in fitting[0].text else None


def offered_answer(sent: SentMessage | None) -> str:
    """The name of the answer that this mail of ours offered; "" where it offered none."""
    return sent.purpose.partition(_OFFERED)[2] if sent is not None and sent.kind is OutgoingKind.ACKNOWLEDGEMENT else ""


def _language(situation: Situation, case: Case) -> str:
    return case.language or situation.mailbox.language


def _holds(situation: Situation, case: Case, calendar: Calendar | None) -> bool:
    """Whether a customer can be told the hour of a case: it is to come, somebody has it who is there, and we are open up to then."""
    holder = situation.candidates.get(case.assignee or AgentName(""))
    if case.due_at is None or case.due_at <= situation.now or case.backlog or holder is None or holder.away:
        return False
    return calendar is None or is_open(calendar, case.due_at - timedelta(seconds=1))


def _named_by(at: datetime, opens_at: datetime | None, now: datetime, zone: tzinfo, *, here: bool) -> str:
    """How a day is named: "today" only where somebody is here, "that day" after the day on which we open, else by its name ("")."""
    day = at.astimezone(zone).date()
    if opens_at is not None:
        return "that day" if day == opens_at.astimezone(zone).date() else ""
    return "today" if here and day == now.astimezone(zone).date() else ""


def mended(situation: Situation, case: Case, told: Mended) -> Letter:
    """What somebody wrote about is mended; the same question as ever, for only they can say."""
    first = next((line for line in situation.story if line.role is Role.CUSTOMER), None)
    values: dict[str, object] = {
        "wrote_at": first.at if first else case.opened_at, "mails": told.mails, "since": told.issue.fixed_at, "now": situation.now,
        "fixed": told.issue.fixed_in(_language(situation, case)),
    }  # fmt: skip
    purpose = f"mended:{told.issue.number}:{case.customer}"
    return replace(_to_customer(situation, case, OutgoingKind.FOLLOW_UP, "mended", purpose, values), answer_links=True)


def _to_customer(situation: Situation, case: Case, kind: OutgoingKind, template: str, purpose: str, values: dict[str, object]) -> Letter:
    customer, mailbox = situation.customer or situation.person, situation.mailbox
    assert customer is not None  # a case has a customer
    return Letter(
        kind=kind,
        purpose=purpose,
        template=template,
        mailbox=mailbox.name,
        language=_language(situation, case),
        to=Address(email=customer.email, name=customer.name),
        subject=_tagged(f"Re: {case.subject}".strip(), case.number, mailbox),
        values={"customer": greeted(customer.name, case.language), "subject": case.subject, "brand": mailbox.brand, **values},
        case=case.number,
        round=case.round,
        person=customer.number,
        from_name=mailbox.brand,
        thread=situation.customer_thread,
    )


def last_from_customer(situation: Situation) -> StoryLine | None:
    """The customer's own last mail, from the store."""
    return next((line for line in reversed(situation.story) if line.role is Role.CUSTOMER), None)


def answer_values(answer: Answer, situation: Situation, reader: Agent, holder: Agent | None) -> dict[str, object]:
    """What the agent whom a question named is told of the answer, in one line."""
    variants = {
        Answer.SATISFIED: "solved",
        Answer.SATISFIED_AND_NEW: "solved_and_new",
        Answer.DISSATISFIED: "not_solved",
        Answer.UNCLEAR: "unclear",
    }
    holder = holder or reader
    u = situation.understood
    told = strongest_sentences(u.reading.phrases, u.new_text, thanks=False)
    quote = (told or sentences(u.new_text) or ("",))[0]
    return {"variant": variants[answer], "quote": quote, "holder": holder.signs_as, "holder_is_reader": holder.name == reader.name}


def telling_phrase(reading: Reading) -> str:
    """The words that weigh most, thanks apart; "" if there are none."""
    return next((phrase.text for phrase in reading.phrases if phrase.why != "thanks"), "")


_QUOTED = re.compile(r'"[^"]*"')


def _is_ours(below: str, situation: Situation) -> bool:
    """Whether what stands below the new words is only what we sent, or what the store holds anyway: then nobody need read it twice."""
    sent = situation.replied_to.text if situation.replied_to else ""
    known = _squashed("\n".join((sent, *(line.text for line in situation.story))))
    lines = [_squashed(line) for line in below.splitlines()]
    lines = [line for line in lines if len(line) > 3]
    ours = sum(line in known for line in lines)
    return bool(lines) and ours >= 0.7 * len(lines)


def _squashed(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def worded_lines(text: str) -> tuple[str, ...]:
    """The lines of a mail of ours that inboxd or the admin worded: around what is quoted, set in, or between the rules."""
    head, _, rest = text.partition("\n-----")
    foot = rest.rpartition("\n-----\n")[2]
    return tuple(_QUOTED.sub("", line) for line in (*head.splitlines(), *foot.splitlines()) if line.strip() and line[:1] != " ")
