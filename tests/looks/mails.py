"""The mails that matter most, each as it left in a story: what the looks of our mail are judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from inboxd.core.model import AgentName, Answer
from inboxd.core.rulebook import Rule, Rulebook, Then
from inboxd.ports import Reader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import CALM, MARIA, PETRA, TOM, asked, holder, question, tap, words_of
from tests.stories.test_formatting import sent as sent_formatted
from tests.stories.test_mails_that_agents_begin import BOB as CARRIER
from tests.stories.test_mails_that_agents_begin import SERVER
from tests.stories.test_mails_that_agents_begin import asks as asks_outside
from tests.stories.test_mentor import book as with_a_mentor
from tests.stories.test_mentor import written as to_a_mentor
from tests.stories.test_spikes import crowd
from tests.stories.test_weekly_mail import Past

ANA = "Ana Ruiz <ana.ruiz@example.org>"
LUIS = "Luis Ruiz <luis.ruiz@example.org>"
SUBJECT = "Bike without a front axle"
PROVED = {"Authentication-Results": "mx.acme.example; dmarc=pass header.from=example.org"}
FIRST = "Hello,\n\nthe bike came today and the axle for the front wheel is missing. Order 88213. What shall I do?\n\nAna Ruiz"
PROMISE = "Hello Ana,\n\nI am sorry. You will have it by Friday. I will send you a lamp besides."
SILENCE = "Hello,\n\nnothing has come. Where is the axle?\n\nAna"
UPSET = """Hello,
this is the third time I am writing. Nobody answered my mail on Saturday. You said the axle would be here by Friday. It is not.

The bike is for our son. He turns six this Saturday, and now it stands in the hall on one wheel. I feel foolish for having told
him it would be ready.

This is a disgrace. Please just tell me the truth: will it come or not?
Ana Ruiz, order 88213"""
COMING = "Hello Ana,\n\nyou are right, and I am sorry. It will be at your door tomorrow, before noon. I have given you back the 12 EUR."
HANDED = "resolve\n\nHello Ana,\n\nthe courier says it was handed over at 10:40. Have a lovely Saturday, all of you."
NOT_SOLVED = """Hello,
no, it does not fit. It is the wrong axle: it is made for 20 inch wheels, ours has 16. Maria was quick and honest with me, thank you
for that.

The birthday is tomorrow. I do not know what to tell him.
Ana"""
GERMAN = """Guten Tag,

ich habe eine Frage zu meiner Bestellung: Wann kommt das Fahrrad? Die Bestellnummer ist 88213.

Mit freundlichen Grüßen
Ana Ruiz"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One mail: what it is, in which language, and who reads it."""

    name: str
    mail: Letterbox
    language: str = "en"
    first: str = ""  # what its first line begins with: the story went as meant
    links: tuple[str, ...] = ()


@lru_cache(maxsize=1)
def _shipped() -> tuple[Rulebook, Reader]:
    rules = Day().office.rules
    return rules.book, rules.reader


def a_day(*, acknowledge: bool = False, server: str = "mx.acme.example") -> Day:
    """The shipped team, whose server checks senders; upset people are given leeway."""
    book, reader = _shipped()
    rules = tuple(
        replace(rule, then=replace(rule.then, brief="You may, without asking: send by courier, give back 30 EUR"))
        if rule.then.brief
        else rule
        for rule in book.rules
    )
    teams = {name: replace(team, agents=(AgentName("tom"),)) if name == "everyone" else team for name, team in book.teams.items()}
    greeting = (Rule(name="say hello", when=(), then=Then(reply_with="acknowledge")),) if acknowledge else ()
    return Day(book=replace(book, teams=teams, rules=(*greeting, *rules)), reader=reader, server=server)


def on(day: Day, when: str) -> Day:
    """Let time pass until then."""
    day.clock.at = max(day.at(), datetime.fromisoformat(when).replace(tzinfo=UTC))
    day.run()
    return day


def promised(day: Day) -> str:
    """Ana wrote, somebody promised the axle for Friday, and Ana wrote again into silence; returns who answered."""
    on(day, "2026-12-05T09:00").write(ANA, SUBJECT, FIRST, cc=LUIS)
    agent = holder(day)
    on(day, "2026-12-07T10:00").reply(agent, day.routed(agent), PROMISE)
    on(day, "2026-12-12T08:00").write(ANA, f"Re: {SUBJECT}", SILENCE, answers=words_of(day, "ana.ruiz@example.org"), cc=LUIS)
    return agent


def upset(day: Day) -> Letterbox:
    """The story of the first brief: the third mail, to somebody who may decide."""
    promised(day)
    last = words_of(day, "ana.ruiz@example.org")
    on(day, "2026-12-14T09:12")
    day.write(ANA, f"Re: {SUBJECT}", UPSET, answers=last, cc=LUIS, headers=PROVED, attach=("wheel.png", b"\x89PNG photo"))
    return day.routed(holder(day))


def reopened(day: Day) -> Letterbox:
    """The story of the reopened case: answered, resolved, asked, and not solved; to a senior who was not part of it."""
    mail = upset(day)
    on(day, "2026-12-14T10:30").reply(MARIA, mail, COMING)
    return not_solved(day, mail)


def not_solved(day: Day, mail: Letterbox) -> Letterbox:
    """How the story goes on: what Maria answered is resolved, and was not solved."""
    on(day, "2026-12-15T11:00").reply(MARIA, mail, HANDED)
    on(day, "2026-12-18T11:20")  # the promised day is over, and two days more
    day.reply(ANA, question(day, "ana.ruiz@example.org"), NOT_SOLVED, headers=PROVED)
    return day.routed(holder(day))


@lru_cache(maxsize=1)
def looks() -> tuple[Look, ...]:
    """All of them, made once."""
    return tuple(_all())


def _all() -> Iterator[Look]:
    taps = ("Note", "Resolve", "Pass on", "Later")
    yield from _one_story(taps)
    yield from _calm(taps)
    yield from _formatted()
    yield from _german()
    yield from _afterwards()
    yield from _for_the_team()
    yield from _for_the_lead()


def _one_story(taps: tuple[str, ...]) -> Iterator[Look]:
    day = a_day()
    mail = upset(day)
    yield Look(name="the brief for an upset customer", mail=mail, first="Ana sounds upset.", links=taps)
    on(day, "2026-12-14T10:30").reply(MARIA, mail, f"resolv\nlabel: warehouse\n\n{COMING}")
    yield Look(name="a near miss comes back", mail=day.last(MARIA), first="Nothing has left and nothing has changed, ")
    day.reply(MARIA, mail, COMING)
    day.reply(TOM, day.routed(TOM), "Hello Ana,\n\nI look for it today.")
    yield Look(name="two answer at once", mail=day.last(TOM), first="Not sent yet, ")
    yield Look(name="the reopened case", mail=not_solved(day, mail), first="Ana says it is not solved.", links=taps)


def _calm(taps: tuple[str, ...]) -> Iterator[Look]:
    day = a_day(acknowledge=True)
    day.write(ANA, "Pump for my bike", "Hello,\nwhich pump fits a Sparrow? I would like to order one.\nAna")
    agent = holder(day)
    mail = day.routed(agent)
    yield Look(name="a calm brief", mail=mail, first="Ana ", links=taps)
    day.pass_(minutes=11)
    yield Look(name="the acknowledgement", mail=day.last("ana.ruiz@example.org"), first="Hello Ana,")
    day.reply(agent, mail, "mine")
    yield Look(name="looked-up answers", mail=day.last(agent), first="With you")
    day.reply(agent, mail, "help")
    yield Look(name="help", mail=day.last(agent), first="Just reply, ")
    day.reply(agent, mail, "resolve\nlabel: pumps\n\nHello Ana,\n\nthe small one with the long hose, number 4711.\n\n-- \nMaria Lindt")
    yield Look(name="the reply, plain", mail=words_of(day, "ana.ruiz@example.org"), first="Hello Ana,")
    yield Look(name="the transcript", mail=day.last(agent, lambda m: m.outgoing.kind == "notice"), first="Done, ")
    day.pass_(minutes=40)
    answer = words_of(day, "ana.ruiz@example.org")
    day.reply(ANA, answer, "Thank you so much, that was very kind and quick. It works perfectly.")
    yield Look(name="the thank-you", mail=day.last(agent), first='"Thank you so much')


def _formatted() -> Iterator[Look]:
    day = a_day(server="")
    day.write("Ana Ruiz <ana@example.org>", "Front wheel", "Hello,\nwhich spanner fits the front wheel?\nAna")
    agent = holder(day)
    more = (
        '<table border="1"><tr><td>Axle</td><td>Spanner</td></tr><tr><td>front</td><td>15 mm</td></tr></table>'
        '<p><span style="color:#b00020">Never without gloves.</span> <a href="https://acme.example/a/very/long/way/to/the/page/about/spanners'
        '/and/front/wheels.html">How it is done</a></p>'
    )
    sent_formatted(day, agent, day.routed(agent), more=more, text=f"{_FORMATTED}\n", pdf=True)
    yield Look(name="the reply, formatted", mail=words_of(day), first="Hello Ana,", links=("How it is done",))


_FORMATTED = """Hello Ana,

take the *15 mm* one:

   - turn it off
   - wait

[image: here.png]

Axle Spanner
front 15 mm

Never without gloves. How it is done"""


def _german() -> Iterator[Look]:
    day = a_day(acknowledge=True)
    day.write(ANA, "Fahrrad ohne Vorderachse", GERMAN)
    agent = holder(day)
    day.pass_(minutes=11)
    yield Look(name="the acknowledgement in German", mail=day.last("ana.ruiz@example.org"), language="de", first="Guten Tag Ana Ruiz,")
    day.reply(agent, day.routed(agent), "resolve\n\nGuten Tag Ana Ruiz,\n\nes liegt schon bei der Post.")
    yield Look(name="the reply in German", mail=words_of(day, "ana.ruiz@example.org"), language="de", first="Guten Tag Ana Ruiz,")
    day.pass_(days=2, minutes=1)
    links = ("Ja, es ist gelöst", "Noch nicht")
    mail = question(day, "ana.ruiz@example.org")
    yield Look(name="the question in German", mail=mail, language="de", first="Guten Tag Ana Ruiz,", links=links)


def _afterwards() -> Iterator[Look]:
    day = a_day()
    mail = asked(day)
    yield Look(name="the question", mail=mail, first="Hello Ana,", links=("Yes, it is solved", "Not yet"))
    tap(day, mail, Answer.SATISFIED, text="Yes! He rode it round the kitchen before breakfast. Thank you, that was quick and kind.")
    day.pass_(minutes=5)
    day.write("Ben Okafor <ben@example.net>", "Charged twice", "I am furious, you took my money twice and nobody answers me.")
    agent = holder(day)
    day.pass_(hours=26)
    notices = [m for m in day.inbox(agent) if m.outgoing.kind == "notice"]
    yield Look(name="the nudge", mail=next(m for m in notices if "still waits" in m.text), first="Ben still waits")
    yield Look(name="the morning list", mail=next(m for m in notices if m.text.startswith("Good morning")), first="Good morning ")


def _for_the_team() -> Iterator[Look]:
    day = Day(newcomers=True)
    yield Look(name="the mail to practise with", mail=day.inbox(MARIA)[0], first="Practice, Maria")
    day.reply(
        f"Maria Lindt <{MARIA}>", day.inbox(MARIA)[0], "label: wheels\n\nHello Robin,\n\nit arrives.\n\n-- \nMaria Lindt\nCustomer care"
    )
    yield Look(name="what was practised", mail=day.last(MARIA), first="Practice, Maria")
    day = Day(book=with_a_mentor())
    yield Look(name="words that a mentor reads", mail=to_a_mentor(day), first="Lena wants to send Ana this.")
    day = a_day()
    day.write(ANA, SUBJECT, FIRST)
    agent = holder(day)
    day.reply(agent, day.routed(agent), PROMISE)
    day.pass_(days=4, hours=2)
    reminder = day.last(agent, lambda mail: mail.outgoing.purpose.startswith("promise:"))
    yield Look(name="the reminder of a promise", mail=reminder, first="Today is the day you named to Ana.")
    day = Day(server=SERVER)
    agent, letter = asks_outside(day)
    day.reply(CARRIER, letter, "It left our hall at noon.\nBob")
    yield Look(name="the answer from outside", mail=day.last(agent), first="Bob answers you about Ana.")


def _for_the_lead() -> Iterator[Look]:
    day = Day()
    day.office.look_back = Past()
    day.pass_(days=7)
    yield Look(name="the week", mail=day.last(PETRA, lambda mail: mail.outgoing.purpose.startswith("weekly:")), first="Good morning Petra,")
    day = Day()
    day.write("Ana Ruiz <ana@example.org>", "Front wheel", CALM)
    day.pass_(days=28)
    crowd(day, 6)
    yield Look(
        name="far more people than usual", mail=day.last(PETRA, lambda mail: "usually" in mail.subject), first="5 people in an hour: "
    )
