"""The facts of a brief: what an agent should know before reading a customer's mail. Extracted, never invented.

The sentences around them stand in `templates/en/routed.txt.j2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from itertools import islice, pairwise

from inboxd.core.dates import named_days, sentences
from inboxd.core.html_text import links
from inboxd.core.model import Address, Answer, Message, Phrase, Role, Sentiment, Situation, StoryLine

NO_SUBJECT = "(no subject)"  # how a mail to an agent names a case whose customer wrote none
MAX_QUOTE = 110
MAX_BARE = 3  # words of a sentence that only says no
MAX_LINES = 20  # above the mail, or it is no brief
MAX_STORY = 4
MAX_PROMISES = 2  # with what was told besides
MOST_READERS = 50  # of a case besides the customer: a mail to thousands is no conversation, and an answer must not go to them all
MAX_READERS_NAMED = 5
LINKS_LOOKED_AT = 200
MOST_LINKS = 4
MOST_OF_A_LINK = 500  # letters
_MONEY_OR_ACCESS = re.compile(
    r"account|billing|invoice|login|password|payment|refund|security|bank|iban|konto|passwort|zahlung|erstatt|zugang", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryPart:
    """One earlier mail in one sentence."""

    at: datetime
    name: str
    quote: str
    event: str = ""
    unanswered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What an agent promised for a day; whether it was kept nobody says here."""

    day: date
    past: bool
    by: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an agent said that we will do, without a day."""

    sentence: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The case before this one."""

    at: datetime
    subject: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What the lines above a routed mail are made from; a line with nothing to say is left out."""

    name: str
    now: datetime
    wrote_at: datetime
    due_at: datetime | None = None
    feeling: str = ""
    urgent: bool = False
    said: str = ""
    reopened: bool = False
    unconfirmed_matters: bool = False
    topic: str = "unsure"
    subject: str = ""
    quotes: tuple[str, ...] = ()
    day: date | None = None
    day_sentence: str = ""
    kind_words: str = ""
    known: str = ""
    known_since: datetime | None = None
    story: tuple[StoryPart, ...] = ()
    before: int = 0
    past: Past | None = None
    promised: tuple[Promise, ...] = ()
    told: tuple[Told, ...] = ()
    you_may: tuple[str, ...] = ()
    more: str = ""
    more_at: str = ""
    why: str = ""
    readers: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    sender: str = ""
    through: str = ""
    check: str = ""
    domain: str = ""
    photos: int = 0
    files: int = 0
    notices: tuple[str, ...] = ()
    text: str = ""
    below: str = ""


def brief(
    situation: Situation,
    *,
    due_at: datetime | None,
    why: str,
    you_may: Sequence[str],
    zone: tzinfo,
    reopened: bool = False,
    readers: Sequence[Address] | None = None,
    answer: Answer | None = None,
    lead: Address | None = None,
    besides: int = 0,
) -> Brief:
    """Extract what stands above the mail.

    `readers` are the others who read the answer (default: the case's participants); `answer` is what the mail says if it answers
    our question; `lead` decides what is more than the agent may; `besides` are lines that the letter adds to those of the brief.
    """
    understood = situation.understood
    message, reading = understood.message, understood.reading
    now = situation.now.astimezone(zone)
    day, day_sentence = _day_named(understood.new_text, now.date())
    story = tuple(situation.story)
    promised = _promises(story, now.date(), zone)[:MAX_PROMISES]
    check = sender_check(message, situation.mailbox.authserv_id)
    others = tuple(readers if readers is not None else situation.case.participants if situation.case else ())
    whom = _whom(situation)
    photos = sum(each.type.startswith("image/") for each in message.attachments)
    text, below = _message_text(message.text, understood.new_text)
    feeling = reading.sentiment.value if reading.sentiment in (Sentiment.UPSET, Sentiment.UNHAPPY) else ""
    said = answer.value if answer else reading.answer.value if situation.answer_proof else ""
    kind = strongest_sentences(reading.phrases, understood.new_text, thanks=True)
    quotes = strongest_sentences(reading.phrases, understood.new_text, thanks=False) if feeling or reading.is_urgent else ()
    if said == Answer.DISSATISFIED and not feeling:  # what is wrong was said calmly: no phrase weighs
        quotes = quotes or _first_said(reading.phrases, understood.new_text)
    known = next(iter(situation.issues), None)
    made = Brief(
        name=call_name(message.sender),
        now=now,
        wrote_at=understood.received_at.astimezone(zone),
        due_at=due_at.astimezone(zone) if due_at else None,
        feeling=feeling,
        urgent=reading.is_urgent,
        said=said,
        reopened=reopened,
        unconfirmed_matters=check == "failed" and _about_money(reading.topic, message.subject, understood.new_text),
        topic=reading.topic,
        subject=_short(message.subject, MAX_QUOTE),
        quotes=quotes,
        day=day,
        day_sentence=day_sentence,
        kind_words=next((each for each in kind if each not in quotes), "") if feeling or said else "",
        known=_short(known.text, MAX_QUOTE) if known else "",
        known_since=known.opened_at.astimezone(zone) if known else None,
        story=tuple(_story(story, zone, situation.case.subject if situation.case else message.subject)),
        before=max(0, len(story) - MAX_STORY),
        past=_past(situation, zone),
        promised=promised,
        told=_told(story, zone)[: MAX_PROMISES - len(promised)],
        you_may=_one_line_each(you_may),
        more=_one_line(lead.name) if lead and you_may else "",
        more_at=lead.email if lead and you_may else "",
        why=_one_line(why),
        readers=_some([_one_line(each.name) or each.email for each in others if each.email != message.sender.email]),
        reads=_some(_told_apart([whom, *(each for each in others if each.email != whom.email)])),
        sender=message.sender.email,
        through=message.through,
        check=check,
        domain=message.sender.email.rpartition("@")[2],
        photos=photos,
        files=len(message.attachments) - photos,
        notices=(
            *_somebody_else(situation, whom, others),
            *_crowd(message, others),
            *_hidden_links(message, understood.new_text),
            *_elsewhere(situation, others),
            *(f"Not shown here: {each}" for each in message.cut[:2]),
        ),
        text=text,
        below=below,
    )
    return _fitted(made, MAX_LINES - besides)


def _fitted(made: Brief, room: int) -> Brief:
    """Leave out what matters least until the lines fit.

    First the case before this one, then what was told without a day, then the oldest mails of the story.
    """
    while _lines(made) > room:
        if made.past:
            made = replace(made, past=None)
        elif made.told:
            made = replace(made, told=made.told[:-1])
        elif made.story:
            made = replace(made, story=made.story[1:], before=made.before + 1)
        else:
            break
    return made


def _lines(b: Brief) -> int:
    """How many lines the text of a brief has, empty ones too."""
    head = 1 + len(b.quotes) + bool(b.day) + bool(b.kind_words) + bool(b.known)
    story = 2 + len(b.story) + bool(b.before) + bool(b.past) if b.story or b.past else 0
    facts = (b.you_may, b.more or b.more_at, b.why, b.readers, b.sender)
    return head + story + 1 + len(b.promised) + len(b.told) + sum(map(bool, facts))


def _some(names: Sequence[str]) -> tuple[str, ...]:
    if len(names) <= MAX_READERS_NAMED:
        return tuple(names)
    return (*names[: MAX_READERS_NAMED - 1], f"{len(names) - MAX_READERS_NAMED + 1} others")


def _whom(situation: Situation) -> Address:
    """To whom the answer goes: the case's customer, as they call themselves in this mail where they wrote it."""
    customer, sender = situation.customer or situation.person, situation.understood.message.sender
    if customer is None or customer.email == sender.email:
        return sender
    return Address(email=customer.email, name=customer.name)


def _told_apart(people: Sequence[Address]) -> list[str]:
    """What we call these people; two of the same name are called by their addresses."""
    names = [call_name(each) for each in people]
    return [each.email if names.count(name) > 1 else name for name, each in zip(names, people, strict=True)]


def _somebody_else(situation: Situation, whom: Address, others: Sequence[Address]) -> Iterator[str]:
    """Who wrote is not who this case is about: whoever answers must know that both read it, or that only the other does."""
    sender = situation.understood.message.sender
    if not sender.email or sender.email == whom.email:
        return
    writer, customer = _told_apart([sender, whom])
    if any(each.email == sender.email for each in others):
        yield f'{writer} is not {customer}, whose case this is: your answer goes to both. "drop: {sender.email}" leaves {writer} out.'
    else:
        yield f"{writer} is not {customer}, whose case this is: your answer goes to {customer}."


def _elsewhere(situation: Situation, others: Sequence[Address]) -> Iterator[str]:
    """A customer may ask for answers at another address; we answer the one that wrote, since anybody can write a Reply-To."""
    message = situation.understood.message
    known = {message.sender.email, message.through, situation.mailbox.address, *situation.mailbox.aliases, *situation.ours}
    for each in message.reply_to[:1]:
        if each.email and each.email not in known and all(each.email != other.email for other in others):
            yield f'Asks for answers at {each.email}, which is not used: "cc: {each.email}" adds it.'


def _crowd(message: Message, others: Sequence[Address]) -> Iterator[str]:
    there = len({each.email for each in (*message.to, *message.cc)})
    if len(others) >= MOST_READERS and there > MOST_READERS + 1:
        yield f"{there} people stand in To and Cc of this mail. Only the first {MOST_READERS} of them read your answer."


def _hidden_links(message: Message, new_text: str) -> Iterator[str]:
    """Where the links in the new words lead whose address stands nowhere in the text."""
    said, shown = " ".join(new_text.split()), re.sub(r"\s+", "", message.text)
    hidden = ((words, to) for words, to in links(message.html)[:LINKS_LOOKED_AT] if words in said and to.rstrip("/") not in shown)
    found = [(words, to) for words, to in hidden if _host(to) not in words.casefold()]
    for words, to in found[:MOST_LINKS]:
        yield f'The link "{_short(words, MAX_QUOTE)}" leads to {_short(to, MOST_OF_A_LINK)}'
    if found[MOST_LINKS:]:
        yield f'{len(found) - MOST_LINKS} more links stand in the mail as it came: "original" sends it to you.'


def _host(address: str) -> str:
    return address.casefold().split("/")[2].removeprefix("www.")


# --- names -------------------------------------------------------------------------------------------------------


def first_name(name: str) -> str:
    """Give the word by which we call a person, "" where the name is none ("Support", "ana.ruiz@example.org", "ACME GmbH")."""
    name = _one_line(name).strip("'\"“”„ ")
    if "," in name:  # "Ruiz, Ana"
        name = " ".join(part.strip() for part in reversed(name.split(",", 1)))
    words = [word for word in name.split() if word.rstrip(".").casefold() not in _TITLES]
    if not words or _NO_PERSON.search(name) or not re.fullmatch(r"[^\W\d_][^\W\d_'’.-]*(?:[-'’][^\W\d_]+)*", words[0]):
        return ""
    return words[0] if len(words[0]) > 1 else ""


_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "dipl-ing", "ing", "sir", "mx"))
_NO_PERSON = re.compile(
    r"@|\d|\b(?:gmbh|ag|kg|ltd|llc|inc|ug|s\.?l|b\.?v|co|company|support|info|office|sales|service|team|shop|store|"
    r"noreply|no-reply|buchhaltung|accounting|verwaltung|kundenservice|einkauf|via)\b",
    re.IGNORECASE,
)


def call_name(person: Address) -> str:
    """Call a person to an agent: first name, else the part of the address before the @."""
    return first_name(person.name) or person.email.partition("@")[0]


# --- quotes --------------------------------------------------------------------------------------------------------


def strongest_sentences(phrases: Sequence[Phrase], text: str, *, thanks: bool) -> tuple[str, ...]:
    """Give the sentences, letter for letter, that hold the phrases with the largest weight; two at most."""
    wanted = [phrase for phrase in phrases if (phrase.why == "thanks") is thanks and phrase.text.strip()]
    all_sentences = sentences(text) if wanted else []
    found: list[str] = []
    for phrase in sorted(wanted, key=lambda each: -each.weight):
        words = _one_line(phrase.text).casefold()
        sentence = next((each for each in all_sentences if words in each.casefold()), None)
        if sentence is None:
            continue
        quote = _around(sentence, sentence.casefold().find(words))
        if quote not in found:
            found.append(quote)
    return tuple(found[:2])


def _first_said(phrases: Sequence[Phrase], text: str) -> tuple[str, ...]:
    """Give the first two sentences that say something and hold no friendly phrase."""
    friendly = [_one_line(phrase.text).casefold() for phrase in phrases]
    telling = (each for each in sentences(text) if len(each.split()) > MAX_BARE and not any(words in each.casefold() for words in friendly))
    return tuple(_around(each, 0) for each in islice(telling, 2))


def _around(sentence: str, at: int, whole: int = 70) -> str:
    """Keep a short sentence whole; of a long one take the clause around this place."""
    if len(sentence) <= whole:
        return sentence
    cuts = [0, *(match.end() for match in re.finditer(r"[,;:]\s+(?:(?:and|but|und|aber)\s+)?", sentence)), len(sentence)]
    clause = next(sentence[a:b] for a, b in pairwise(cuts) if a <= at < b or b == len(sentence))
    clause = re.sub(r"[,;:]\s*(?:(?:and|but|und|aber)\s*)?$", "", clause).strip()
    return _short(clause if len(clause) >= 15 else sentence, MAX_QUOTE)


def _day_named(text: str, today: date) -> tuple[date | None, str]:
    named = next((each for each in named_days(text, today)), None)
    return (named.day, _around(named.sentence, named.start, whole=48)) if named else (None, "")


# --- what happened so far ------------------------------------------------------------------------------------------


def _story(story: Sequence[StoryLine], zone: tzinfo, topic: str) -> Iterator[StoryPart]:
    """Give the newest four, each in the sentence that says most."""
    for number, line in list(enumerate(story))[-MAX_STORY:]:
        at = line.at.astimezone(zone)
        quote = _telling(line, at.date(), topic)
        if not quote and not line.event:
            continue
        after = story[number + 1 :]
        # the present mail is the next one of the customer: what lies unanswered before it is told
        unanswered = line.role is Role.CUSTOMER and line.wants_answer and (not after or after[0].role is Role.CUSTOMER)
        yield StoryPart(at=at, name=first_name(line.name) or _one_line(line.name), quote=quote, event=line.event, unanswered=unanswered)


def _telling(line: StoryLine, day: date, topic: str) -> str:
    all_sentences = sentences(line.text)
    if not all_sentences:
        return ""
    if line.role is Role.AGENT:
        promise = next((each for each in named_days(line.text, day)), None)
        if promise:
            return _around(promise.sentence, promise.start)
        doing = next((each for each in all_sentences if _WE_DO.search(each)), all_sentences[0])
        return _short(doing, MAX_QUOTE)
    wanted = _content_words(topic)
    best = max(all_sentences, key=lambda each: len(wanted & _content_words(each)))  # the first, where none is nearer
    return _short(best, MAX_QUOTE)


def _content_words(text: str) -> frozenset[str]:
    return frozenset(word[:6] for word in re.findall(r"[^\W\d_]{4,}", text.casefold()))


_WE_DO = re.compile(
    r"\b(?:I|we)(?:'ll|\s+(?:will|shall|can|have just|have also|have|am going to|are going to))?\s+(?:also\s+|just\s+)?"
    r"(?:send|sent|give|given|refund|replace|repair|call|pay|credit|check|look|come|deliver|arrange|order|ask)\b|"
    r"\byou (?:will|shall|'ll) (?:get|have|receive|hear)\b|"
    r"\b(?:ich|wir)\s+(?:werden?|schicken?|senden?|erstatten?|ersetzen?|rufen?|klären?|prüfen?|geben?|melden?)\b|"
    r"\b(?:schicke|sende|erstatte|ersetze|rufe|melde) ich\b|\bSie (?:bekommen|erhalten)\b",
    re.IGNORECASE,
)


def _promises(story: Sequence[StoryLine], today: date, zone: tzinfo) -> tuple[Promise, ...]:
    """Find the sentences of agents that name a day then to come, newest first."""
    found = [
        Promise(
            day=named.day,
            past=named.day < today,
            by=first_name(line.name) or _one_line(line.name),
            sentence=_around(named.sentence, named.start),
        )
        for line in reversed(story)
        if line.role is Role.AGENT
        for named in named_days(line.text, line.at.astimezone(zone).date())
    ]
    return tuple(found)


def _told(story: Sequence[StoryLine], zone: tzinfo) -> tuple[Told, ...]:
    return tuple(
        Told(sentence=_short(sentence, MAX_QUOTE), by=first_name(line.name) or _one_line(line.name))
        for line in reversed(story)
        if line.role is Role.AGENT
        for sentence in sentences(line.text)
        if _WE_DO.search(sentence) and not any(named_days(sentence, line.at.astimezone(zone).date()))
    )


def _past(situation: Situation, zone: tzinfo) -> Past | None:
    past = situation.past
    if past is None:
        return None
    return Past(at=past.at.astimezone(zone), subject=_short(past.subject or NO_SUBJECT, 50), outcome=past.outcome.value)


# --- the sender ----------------------------------------------------------------------------------------------------


def sender_check(message: Message, authserv_id: str) -> str:
    """Say "confirmed", "failed" or "" by the topmost Authentication-Results of our own server (RFC 8601, 5).

    What it says of a form's mail is said of the form: of the customer it knows nothing.
    """
    return _verdict(_own_results(message, authserv_id), message.sender.email.rpartition("@")[2].casefold())


def dmarc_passed(message: Message, authserv_id: str) -> bool:
    """Whether our own server says dmarc=pass for the sender's domain (RFC 7489, 11.2); bare spf or dkim is no such proof."""
    results, domain = _own_results(message, authserv_id), message.sender.email.rpartition("@")[2].casefold()
    dmarc = [part for part in results.split(";") if re.match(r"\s*dmarc\s*=", part)]
    return bool(dmarc) and all(_verdict(part, domain) == "confirmed" for part in dmarc)


def servers_named(message: Message) -> tuple[str, ...]:
    """The servers of the mail's Authentication-Results, the topmost first, in small letters; only what reads like a name."""
    return tuple(server for server, _ in _results(message) if re.fullmatch(r"[\w.-]{1,255}", server))


def _own_results(message: Message, authserv_id: str) -> str:
    """Give what the topmost Authentication-Results of our own server says; below it stands what others wrote, who may use our name."""
    if not authserv_id or message.through:
        return ""
    return next((results for server, results in _results(message) if server == authserv_id.casefold()), "")


def _results(message: Message) -> Iterator[tuple[str, str]]:
    """Each Authentication-Results: the server that wrote it, and what it says."""
    for name, value in message.headers:
        if name == "authentication-results":
            server, _, results = _without_comments(value).partition(";")
            yield (server.split() or [""])[0].casefold(), results.casefold()


def _without_comments(value: str) -> str:
    """Drop comments, and whatever in quotation marks is more than a name: anybody may write into them, and a result there is none."""
    depth, quoted, kept = 0, "", []
    for sign in re.findall(r"\\.|.", value, re.DOTALL):
        if quoted:
            quoted += sign
            if sign == '"':
                kept.append(quoted[1:-1] if re.fullmatch(r"[\w.@+-]*", quoted[1:-1]) else "?")
                quoted = ""
        elif sign == '"' and not depth:
            quoted = sign
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
        elif not depth:
            kept.append(sign)
    return "".join(kept)


def _verdict(results: str, domain: str) -> str:
    said = [part.strip() for part in results.split(";")]
    dmarc = [part for part in said if re.match(r"dmarc\s*=", part)]
    if dmarc:
        if re.match(r"dmarc\s*=\s*pass\b", dmarc[0]) and _same_domain(_property(dmarc[0], "header.from") or domain, domain):
            return "confirmed"
        return "failed" if re.match(r"dmarc\s*=\s*fail\b", dmarc[0]) else ""
    passed = [part for part in said if re.match(r"(?:dkim|spf)\s*=\s*pass\b", part)]
    names = ("header.d", "header.i", "smtp.mailfrom", "envelope-from")
    if any(_same_domain(_property(part, name), domain) for part in passed for name in names):
        return "confirmed"
    return "failed" if any(re.match(r"(?:dkim|spf)\s*=\s*fail\b", part) for part in said) else ""


def _property(part: str, name: str) -> str:
    match = re.search(rf"\b{re.escape(name)}\s*=\s*(\S+)", part)
    return match[1].strip('"').rpartition("@")[2] if match else ""


def _same_domain(one: str, other: str) -> bool:
    return bool(one) and (one == other or one.endswith("." + other) or other.endswith("." + one))


def _about_money(topic: str, subject: str, text: str) -> bool:
    return any(_MONEY_OR_ACCESS.search(each) for each in (topic, subject, text))


# --- small ---------------------------------------------------------------------------------------------------------


def _message_text(whole: str, new: str) -> tuple[str, str]:
    """Show all of the mail; what stands below the new words comes after them, apart."""
    whole, new = whole.strip("\n"), new.strip("\n")
    if new.strip() and whole.startswith(new):
        return new, whole[len(new) :].strip("\n")
    return whole or new, ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _one_line_each(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(_one_line(line) for line in dict.fromkeys(lines) if line.strip())[:2]


def _short(text: str, room: int) -> str:
    text = _one_line(text)
    return text if len(text) <= room else text[: room - 3].rpartition(" ")[0].rstrip(" ,;:.") + "..."
