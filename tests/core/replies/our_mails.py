"""Routed mails of ours as agents get them: rendered by the shipped templates, composed, and read back from the bytes."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from inboxd.adapters.template_files import load_templates
from inboxd.core.brief import Brief, Past, Promise, StoryPart, Told
from inboxd.core.compose import MailStamp, Templates, compose, render
from inboxd.core.model import Address, Letter, MailboxName, MessageId, OutgoingKind, OutgoingNo, SentMessage

NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
AGENT, AGENT_NAME = "maria@acme.example", "Maria Lindt"
SUPPORT = "support@acme.example"
SENDER_NAME = "Ana Ruiz via Acme Support"
TOKEN = "r1042.abcde.abcdefghijklmnopqrstuvwxyz"

CUSTOMERS_WORDS = {
    "en": """\
Hello,
this is the third time I am writing. Nobody answered my mail
on Saturday. You said the axle would be here by Friday. It
is not.

The bike is for our son. He turns six this Saturday, and now it stands in the hall on one wheel. \
I feel foolish for having told him it would be ready.

- order 88213
- blue, 16 inch

Please just tell me the truth: will it come or not?
Ana Ruiz
""",
    "de": """\
Guten Tag,

seit zwei Wochen warte ich auf die Vorderachse für das Fahrrad unseres Sohnes. Am Samstag wird er sechs, und noch immer fehlt sie.

Können Sie mir bitte endlich sagen, wann sie kommt?

> Sie bekommen die Achse bis Freitag.

Mit freundlichen Grüßen
Ana Ruiz
--\x20
Ana Ruiz | Hauptstraße 5 | 12345 Berlin
""",
    "fr": """\
Bonjour,

l’essieu de la roue avant manque toujours. Vous aviez écrit : « vendredi au plus tard ». Où est-il ?

Cordialement,
Ana Ruiz
""",
    "es": "¿Dónde está mi bicicleta?\n\nAna\n",
    "nl": """\
Beste mensen,

de vooras ontbreekt nog steeds. Mijn zoon wordt zaterdag zes jaar en ik weet niet wat ik hem moet zeggen.
Kunt u mij vandaag bellen? Mijn nummer is 020 555 01 23.

Groet,
Ana Ruiz
""",
}  # fmt: skip

FULL = Brief(
    name="Ana",
    now=NOW.astimezone(BERLIN),
    wrote_at=NOW.astimezone(BERLIN),
    due_at=NOW + timedelta(hours=2),
    feeling="upset",
    quotes=("this is the third time I am writing",),
    day=date(2026, 11, 21),
    day_sentence="He turns six this Saturday",
    story=(
        StoryPart(at=NOW - timedelta(days=9), name="Ana", quote="the axle for the front wheel is missing"),
        StoryPart(at=NOW - timedelta(days=7), name="Tom", quote="You will have it by Friday."),
        StoryPart(at=NOW - timedelta(days=2), name="Ana", quote="nothing has come", unanswered=True),
    ),
    before=2,
    past=Past(at=datetime(2026, 3, 3, tzinfo=UTC), subject="Lights", outcome="satisfied"),
    promised=(Promise(day=date(2026, 11, 13), past=True, by="Tom", sentence="You will have it by Friday."),),
    told=(Told(sentence="I send you a new one if it is lost.", by="Tom"),),
    you_may=("You may, without asking: send by courier, give back 30 EUR",),
    why="sounds upset, third mail in 10 days, Tom is off",
    readers=("Luis Ruiz",),
    reads=("Ana", "Luis"),
    sender="ana.ruiz@example.org",
    check="confirmed",
    photos=1,
)
BARE = Brief(name="Ana", now=FULL.now, wrote_at=FULL.wrote_at, topic="order_and_delivery", sender="ana.ruiz@example.org")


@dataclass(frozen=True, slots=True, kw_only=True)
class OurMail:
    """A mail of ours: its two parts as an agent's program gets them, and what the store keeps of it."""

    text: str
    html: str
    subject: str
    reply_to: str
    sent: SentMessage


@lru_cache(maxsize=1)
def templates() -> Templates:
    return load_templates(Path(__file__).parents[3] / "templates", None)


@lru_cache(maxsize=64)
def routed(language: str = "en", token: str = TOKEN, facts: Brief | None = None) -> OurMail:
    """The customer's mail in this language, with its brief; a short mail gets a short brief."""
    facts = facts or (BARE if language == "es" else FULL)
    facts = replace(facts, text=CUSTOMERS_WORDS[language].rstrip("\n"))
    values = {"brief": facts, "earlier": (), "both_know": (), "marked_spam": False, "oversize": 0}
    return made("routed", OutgoingKind.ROUTED, values, token)


def returned(words: str) -> OurMail:
    """A text of the agent's that came back with a question."""
    values: dict[str, object] = {
        "kind": "near_miss", "found": words.split("\n", 1)[0], "meant": "resolve", "text": words, "places": (), "agent": "Maria",
        "customer": "Ana", "no_case": False, "at": None, "outside": False, "right": (), "subject": "Bike", "brand": "Acme Support",
    }  # fmt: skip
    return made("returned", OutgoingKind.RETURNED, values, TOKEN)


def made(template: str, kind: OutgoingKind, values: dict[str, object], token: str) -> OurMail:
    """A mail of ours with these values, through the bytes and back."""
    letter = Letter(
        kind=kind,
        purpose="routed:1",
        template=template,
        mailbox=MailboxName("acme"),
        language="en",
        to=Address(email=AGENT, name=AGENT_NAME),
        subject="Ana Ruiz: Bike without a front axle [#1042]",
        values=values,
    )
    reply_to = f"support+{token}@acme.example"
    stamp = MailStamp(
        message_id="m1.abc@acme.example",
        date=NOW,
        from_=Address(email=SUPPORT, name=SENDER_NAME),
        reply_to=Address(email=reply_to, name="Acme Support"),
        zone=BERLIN,
    )
    rendered = render(letter, templates(), stamp)
    mail = email.message_from_bytes(compose(letter, rendered, (), stamp), policy=email.policy.default)
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and html is not None
    sent = SentMessage(
        number=OutgoingNo(1),
        message_id=MessageId(stamp.message_id),
        kind=kind,
        purpose=letter.purpose,
        case=None,
        agent=None,
        person=None,
        round=0,
        sent_at=NOW,
        text=rendered.text,
        first_line=rendered.first_line,
    )
    shown = (str(part.get_content()).replace("\r\n", "\n") for part in (text, html))
    return OurMail(text=next(shown), html=next(shown), subject=letter.subject, reply_to=reply_to, sent=sent)
