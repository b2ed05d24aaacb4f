"""Voice of the customer: what customers wrote, in their own words and with nobody's name in them, for others than support.

Everything goes to the lead first, and leaves as they saw it once they write `release`. What is sensitive is never in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

from inboxd.core.dates import sentences
from inboxd.core.findings import Driver
from inboxd.core.letters import notice, to_lead
from inboxd.core.mask import mask
from inboxd.core.model import (
    Action,
    Address,
    AgentName,
    Decision,
    FirstMail,
    Letter,
    Log,
    MailboxFacts,
    OutgoingKind,
    PersonNo,
    Send,
    SentMessage,
    Situation,
)
from inboxd.core.rulebook import Agent, Listener, Rulebook
from inboxd.core.rules import stands_in

OFFER, VOICE, RELEASED = "voice_offer", "voice", "voice_released"  # the templates
MOST = 20  # sentences for one listener
SHORT, LONG = 20, 160  # characters of a sentence


def hears_of(
    listener: Listener, mails: Sequence[FirstMail], found: Sequence[Driver], book: Rulebook, names: Collection[str]
) -> tuple[str, ...]:
    """The sentences that this listener hears, one of a person at most; `found` are the drivers of the week, `names` are hidden too."""
    wanted = {word.casefold() for word in listener.drivers}
    pins = [pin for pin in book.drivers if wanted & {each.casefold() for each in (pin.name, *pin.phrases)}]
    phrases = tuple(dict.fromkeys((*listener.drivers, *(phrase for pin in pins for phrase in pin.phrases))))
    driven = {case for each in found if wanted & {word.casefold() for word in (each.name, *each.phrases)} for case in each.cases}
    told: dict[PersonNo, str] = {}
    for mail in mails:
        about = mail.topic in listener.topics or mail.case in driven or (phrases and stands_in(phrases, mail.text))
        if about and not mail.sensitive and mail.person not in told and (line := _best_sentence(mail, phrases, names)):
            told[mail.person] = line
    return tuple(dict.fromkeys(told.values()))[:MOST]


def _best_sentence(mail: FirstMail, phrases: Sequence[str], names: Collection[str]) -> str:
    """The sentence that says most of what the mail is about, masked; "" if none is of a length to be read."""
    lines = [" ".join(each.replace('"', "'").split()) for each in sentences(mail.text)]
    lines = [line for line in lines if SHORT <= len(line) <= LONG]
    about = [" ".join(each.text.casefold().split()) for each in mail.key_phrases]
    told = max(
        lines,
        key=lambda line: (any(stands_in((each,), line) for each in phrases), sum(each in line.casefold() for each in about)),
        default="",
    )
    return mask(told, (mail.name, mail.email, *names), around=mail.around or mail.text, language=mail.language) if told else ""


# --- to the lead -------------------------------------------------------------------------------------------------------------


def offer(mailbox: MailboxFacts, book: Rulebook, listener: Listener, lines: Sequence[str], first: date) -> Letter | None:
    """What would go to this listener about the week that began then; None where there is nothing, or nobody who could let it go."""
    if not lines or AgentName(book.lead) not in book.agents:
        return None
    year, week, _ = first.isocalendar()
    values: dict[str, object] = {"listener": listener.name, "lines": tuple(lines), **_days(first)}
    return to_lead(
        mailbox, book, "", template=OFFER, purpose=f"{_OFFERED}{year}-{week:02}:{mailbox.name}:{listener.to}",
        subject=f"For {listener.name}: what customers wrote", values=values,
    )  # fmt: skip


_OFFERED = "voice:"


def _days(first: date) -> dict[str, object]:
    return {"first": first, "last": first + timedelta(days=6)}


def is_offer(sent: SentMessage | None) -> bool:
    """Whether this mail of ours showed the lead what would go to somebody."""
    return sent is not None and sent.purpose.startswith(_OFFERED)


def release(situation: Situation, agent: Agent, book: Rulebook) -> Decision:
    """What the lead was shown leaves as it was, once; nothing does where the listener is gone or something of ours is in it."""
    sent = situation.replied_to
    assert sent is not None  # is_offer said so
    _, week, mailbox, to = sent.purpose.split(":", 3)
    listener = next((each for each in book.voice if each.to == to), None)
    leaves = listener is not None and sent.agent == agent.name and not situation.leaks
    actions: list[Action] = []
    if listener is not None and leaves:
        year, _, number = week.partition("-")
        first = date.fromisocalendar(int(year), int(number), 1)
        values: dict[str, object] = {"lines": tuple(_shown(sent.text)), "released_by": agent.signs_as, "brand": situation.mailbox.brand}
        letter = Letter(
            kind=OutgoingKind.NOTICE,
            purpose=f"{RELEASED}:{week}:{mailbox}:{to}",
            template=VOICE,
            mailbox=situation.mailbox.name,
            language="en",
            to=Address(email=to, name=listener.name),
            subject="What customers wrote",
            values={**values, **_days(first)},
            from_name=situation.mailbox.brand,
        )
        actions = [Send(letter=letter), Log(kind="voice.released", data={"to": to, "week": week, "by": agent.name})]
    told: dict[str, object] = {
        "listener": listener.name if listener else to,
        "left": leaves,
        "places": tuple(leak.what for leak in situation.leaks),
    }
    subject = "Released" if leaves else "Not released"
    answer = notice(situation, agent, template=RELEASED, purpose=f"{RELEASED}:{situation.understood.number}", subject=subject, values=told)
    return Decision(actions=(*actions, Send(letter=answer)), because=("release",), words="")


def _shown(text: str) -> Iterator[str]:
    """The sentences that stand in the mail to the lead, each in quotes on a line of its own."""
    for line in text.splitlines():
        if len(line) > 2 and line[0] == line[-1] == '"':
            yield line[1:-1]
