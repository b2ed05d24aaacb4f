"""The brief says what an agent must know, and invents nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from inboxd.adapters.template_files import load_templates
from inboxd.core.brief import Brief, brief, call_name, first_name, sender_check
from inboxd.core.compose import MailStamp, render
from inboxd.core.model import (
    Address,
    AgentName,
    Answer,
    AnswerProof,
    Attachment,
    Case,
    CaseNo,
    CaseState,
    Kind,
    Letter,
    MailboxFacts,
    MailboxName,
    Message,
    MessageNo,
    Mode,
    Outcome,
    OutgoingKind,
    PastCase,
    PersonNo,
    Phrase,
    ProofKind,
    Reading,
    Role,
    Screening,
    Sentiment,
    Situation,
    StoryLine,
    Understood,
)

TEMPLATES = load_templates(Path(__file__).parents[2] / "templates", None)
ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
TEXT = """Hello,

this is my third mail about the tent. On Saturday nobody answered, and you
said it would leave by Friday. It did not.

We go camping this Saturday, and the children have packed already. Tom was
kind on the phone, thank you for that.

Will it come or not?
Ana Ruiz, order 5512"""
ACME = MailboxFacts(
    name=MailboxName("acme"), address="support@acme.example", brand="Acme Support", mode=Mode.FULL, authserv_id="mx.acme.example"
)
PASSED = (("authentication-results", "mx.acme.example; dmarc=pass header.from=example.org"),)


def line(day: int, hour: int, name: str, text: str, event: str = "") -> StoryLine:
    role = Role.AGENT if name in ("Tom", "Maria") else Role.CUSTOMER
    at = datetime(2026, 11, day, hour, tzinfo=UTC)
    return StoryLine(at=at, role=role, name=name, text=text, message=MessageNo(day), event=event)


STORY = (
    line(7, 9, "Ana Ruiz", "Hello,\n\nI ordered a tent last month. The poles of the tent are missing. Please help."),
    line(9, 10, "Tom", "Hello Ana,\n\nsorry for that. You will have it by Friday. I will send you a lamp besides."),
    line(14, 8, "Ana Ruiz", "Nothing has come. Where are the poles of my tent?"),
)


def situation(text: str = TEXT, **reading: object) -> Situation:
    message = Message(
        sender=Address(email="ana.ruiz@example.org", name="Ana Ruiz"),
        subject="Tent without poles",
        text=text,
        headers=PASSED,
        attachments=(
            Attachment(name="a.jpg", type="image/jpeg", size=1, start=0, end=1),
            Attachment(name="b.pdf", type="x/pdf", size=1, start=1, end=2),
        ),
    )
    facts = {
        "kind": Kind.PERSON,
        "topic": "delivery",
        "sentiment": Sentiment.UPSET,
        "phrases": (
            Phrase(text="nobody answered", weight=0.3, why="waiting"),
            Phrase(text="third mail", weight=0.5, why="repeat"),
            Phrase(text="did not", weight=0.1, why="broken promise"),
            Phrase(text="thank you", weight=0.2, why="thanks"),
        ),
        **reading,
    }
    understood = Understood(
        number=MessageNo(20),
        mailbox=ACME.name,
        received_at=NOW,
        message=message,
        screening=Screening(kind=Kind.PERSON, reason=""),
        new_text=text,
        reading=Reading(**facts),  # type: ignore[arg-type]
    )
    case = Case(
        number=CaseNo(7),
        mailbox=ACME.name,
        customer=PersonNo(1),
        subject="Tent without poles",
        state=CaseState.OPEN,
        opened_at=STORY[0].at,
        updated_at=NOW,
        participants=(Address(email="luis@example.org", name="Luis Ruiz"),),
        assignee=AgentName("maria"),
    )
    past = PastCase(number=CaseNo(3), subject="A question about lamps", at=datetime(2026, 3, 3, tzinfo=UTC), outcome=Outcome.SATISFIED)
    return Situation(now=NOW, mailbox=ACME, understood=understood, case=case, story=STORY, past=past)


def made(given: Situation, **more: object) -> Brief:
    facts: dict[str, object] = {
        "due_at": datetime(2026, 11, 16, 10, 12, tzinfo=UTC),
        "why": "sounds upset, third mail in 10 days, Tom is off",
        "you_may": ("You may send it by courier without asking",),
        "zone": ZONE,
    }
    return brief(given, **{**facts, **more})  # type: ignore[arg-type]


def text_of(facts: Brief, *, marked_spam: bool = False) -> str:
    letter = Letter(
        kind=OutgoingKind.ROUTED, purpose="p", template="routed", mailbox=ACME.name, language="en", to=Address(email="m@acme.example"),
        subject="Ana Ruiz: Tent without poles [#7]",
        values={"brief": facts, "earlier": (), "both_know": (), "marked_spam": marked_spam, "oversize": 0},
    )  # fmt: skip
    stamp = MailStamp(
        message_id="x@acme.example", date=NOW, from_=Address(email=ACME.address), reply_to=Address(email="support+r7@acme.example")
    )
    return render(letter, TEMPLATES, stamp).text


def test_a_routed_mail_tells_what_this_person_has_been_through() -> None:
    assert text_of(made(situation())) == (
        "Ana sounds upset. Please answer by 11:12 today.\n"
        '"this is my third mail about the tent."\n'
        '"On Saturday nobody answered, and you said it would leave by Friday."\n'
        'Day named: Sat 21 Nov ("We go camping this Saturday")\n'
        'Kind words too: "Tom was kind on the phone, thank you for that."\n'
        "\n"
        "What happened so far\n"
        'Sat 7 Nov, Ana: "The poles of the tent are missing."\n'
        'Mon 9 Nov, Tom: "You will have it by Friday."\n'
        'Sat 14 Nov, Ana: "Where are the poles of my tent?" (not answered)\n'
        'In March: "A question about lamps", ended well\n'
        "\n"
        'Promised, and the day is past: Fri 13 Nov ("You will have it by Friday.", Tom)\n'
        'Also told to Ana: "I will send you a lamp besides." (Tom)\n'
        "You may send it by courier without asking\n"
        "Why you: sounds upset, third mail in 10 days, Tom is off\n"
        "Your answer also goes to Luis Ruiz, who was in copy\n"
        "From ana.ruiz@example.org, sender confirmed. 1 photo, 1 file.\n"
        "\n"
        "----- Ana wrote today at 09:12 -----\n"
        "\n" + TEXT + "\n\n-----\n"
        "Just reply: Ana and Luis read your words and nothing else.\n"
        'First word "note" keeps it among us; "help" shows the rest.\n'
    )


def test_every_quotation_is_copied_letter_for_letter() -> None:
    facts = made(situation())
    everything = " ".join((TEXT + " " + " ".join(each.text for each in STORY)).split())
    quotes = (*facts.quotes, facts.day_sentence, facts.kind_words, *(part.quote for part in facts.story))
    assert all(quote and quote in everything for quote in quotes)
    assert all(promise.sentence in everything for promise in facts.promised)
    assert all(told.sentence in everything for told in facts.told)


@pytest.mark.parametrize(
    ("reading", "first"),
    [
        ({"sentiment": Sentiment.NEUTRAL, "topic": "order"}, "Ana asks about an order. Please answer by 11:12 today."),
        ({"sentiment": Sentiment.NEUTRAL, "topic": "unsure"}, 'Ana writes: "Tent without poles". By 11:12 today.'),
        ({"sentiment": Sentiment.UNHAPPY}, "Ana sounds unhappy. Please answer by 11:12 today."),
        (
            {"sentiment": Sentiment.NEUTRAL, "is_urgent": True, "topic": "unsure"},
            "This cannot wait: Ana writes. Please answer by 11:12 today.",
        ),
        ({"sentiment": Sentiment.NEUTRAL, "is_urgent": True}, "This cannot wait: Ana, a delivery. By 11:12 today."),
    ],
)
def test_the_first_line_says_who_what_and_by_when(reading: dict[str, object], first: str) -> None:
    assert text_of(made(situation(TEXT, **reading))).split("\n")[0] == first


@pytest.mark.parametrize(
    ("due", "shown"),
    [
        (datetime(2026, 11, 18, 14, 0, tzinfo=UTC), "by Wed 15:00."),
        (datetime(2026, 11, 27, 14, 0, tzinfo=UTC), "by Fri 27 Nov 15:00."),
    ],
)
def test_a_later_hour_is_named_with_its_day(due: datetime, shown: str) -> None:
    assert shown in text_of(made(situation(), due_at=due)).split("\n")[0]


def test_an_unhappy_answer_stands_first() -> None:
    proof = AnswerProof(case=CaseNo(7), round=1, said=None, by=ProofKind.MESSAGE_ID, from_customer=True)
    given = replace(situation(answer=Answer.DISSATISFIED, sentiment=Sentiment.NEUTRAL), answer_proof=proof)
    assert text_of(made(given)).startswith("Ana says it is not solved. Please answer by 11:12 today.\n")


def test_a_calm_mail_of_a_stranger_has_a_short_brief() -> None:
    calm = situation("Hello, do you sell lamps?", sentiment=Sentiment.NEUTRAL, topic="product", phrases=())
    facts = made(replace(calm, story=(), past=None, case=None, mailbox=replace(ACME, authserv_id="")), why="", you_may=())
    assert text_of(facts).partition("\n-----")[0] == (
        "Ana asks about a product. Please answer by 11:12 today.\n\nFrom ana.ruiz@example.org. 1 photo, 1 file.\n"
    )


def test_only_the_newest_four_mails_are_told() -> None:
    story = tuple(line(day, 9, "Ana Ruiz", f"Mail number {day}.") for day in range(1, 8))
    facts = made(replace(situation(), story=story))
    assert [part.quote for part in facts.story] == [f"Mail number {day}." for day in (4, 5, 6, 7)]
    assert facts.before == 3 and "Before that: 3 mails. The whole exchange is attached." in text_of(facts)


def test_a_promise_whose_day_has_not_come_is_open() -> None:
    story = (*STORY, line(15, 9, "Maria", "Hello Ana,\n\nit will be at your door on Wednesday."))
    promise = made(replace(situation(), story=story)).promised[0]
    assert (promise.day, promise.past, promise.by) == (date(2026, 11, 18), False, "Maria")


def test_what_was_resolved_is_said() -> None:
    story = (line(15, 9, "Maria", "Handed over to the courier at 10:40.", "resolved"),)
    assert '"Handed over to the courier at 10:40."; resolved\n' in text_of(made(replace(situation(), story=story)))


def test_nothing_below_the_new_words_is_hidden() -> None:
    given = situation("It works not.\n\n> an older mail")
    given = replace(given, understood=replace(given.understood, new_text="It works not."))
    facts = made(given)
    assert (facts.text, facts.below) == ("It works not.", "> an older mail")
    assert "----- Further down in the same mail -----\n\n> an older mail\n" in text_of(facts)


# --- who wrote -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Ana Ruiz", "Ana"),
        ("Ruiz, Ana", "Ana"),
        ("Dr. Jürgen Groß", "Jürgen"),
        ("Jean-Luc Martin", "Jean-Luc"),
        ("'Ana Ruiz'", "Ana"),
        ("O'Neil", "O'Neil"),
        ("ACME GmbH", ""),
        ("Support", ""),
        ("ana@example.org", ""),
        ("A. Ruiz", ""),
        ("4711", ""),
        ("", ""),
    ],
)
def test_only_a_first_name_is_used_as_one(name: str, word: str) -> None:
    assert first_name(name) == word


def test_without_a_name_the_address_is_one_for_agents() -> None:
    assert call_name(Address(email="ana.ruiz@example.org")) == "ana.ruiz"


OURS = "mx.acme.example"


@pytest.mark.parametrize(
    ("headers", "check"),
    [
        (["mx.acme.example; dmarc=pass (p=none) header.from=example.org"], "confirmed"),
        (["MX.acme.example 1; spf=pass smtp.mailfrom=bounce@mail.example.org"], "confirmed"),
        (["mx.acme.example; dkim=pass header.d=example.org; spf=fail smtp.mailfrom=x@y.z"], "confirmed"),
        (["mx.acme.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example"], ""),
        (["mx.acme.example; spf=pass smtp.mailfrom=example.org; dmarc=fail header.from=example.org"], "failed"),
        (["mx.acme.example; dmarc=pass header.from=evil.example"], ""),
        (["mx.acme.example; spf=fail smtp.mailfrom=example.org"], "failed"),
        (["mx.acme.example; none (dmarc=pass)"], ""),
        (["mx.acme.example; dmarc=none (note; dmarc=pass) header.from=example.org"], ""),
        (["mx.acme.example; spf=pass (\\) ; dmarc=pass header.from=example.org ;) smtp.mailfrom=evil.example"], ""),
        (['mx.acme.example; dmarc=fail reason="; dmarc=pass header.from=example.org" header.from=example.org'], "failed"),
        (['mx.acme.example; spf=pass (" ) smtp.mailfrom=evil.example; dmarc=fail (")'], "failed"),
        (['mx.acme.example; dmarc=pass header.from="evil.example"'], ""),
        (['"mx.acme.example"; dmarc=pass header.from="example.org"'], "confirmed"),
        (["evil.example; dmarc=pass header.from=example.org"], ""),
        (["mx.acme.example; dmarc=fail", "mx.acme.example; dmarc=pass header.from=example.org"], "failed"),
        (["other.example; dmarc=fail", "mx.acme.example; dmarc=pass header.from=example.org"], "confirmed"),
        ([], ""),
    ],
)
def test_only_the_topmost_word_of_our_own_server_counts(headers: list[str], check: str) -> None:
    message = Message(sender=Address(email="ana@example.org"), headers=tuple(("authentication-results", each) for each in headers))
    assert sender_check(message, OURS) == check
    assert sender_check(message, "") == ""


def test_an_unconfirmed_sender_who_asks_for_money_is_named_first() -> None:
    given = situation("Please send my refund to another account.", topic="refund", sentiment=Sentiment.NEUTRAL)
    failed = replace(given.understood.message, headers=(("authentication-results", "mx.acme.example; dmarc=fail"),))
    text = text_of(made(replace(given, understood=replace(given.understood, message=failed))))
    assert text.startswith("Is this Ana? Not confirmed. Please answer by 11:12 today.\n")
    assert "From ana.ruiz@example.org. We could not confirm that this comes from example.org. 1 photo" in text


# --- each row of the table in the design: with what it is made from, and without it -----------------------------------


def calm(given: Situation) -> Situation:
    """The same mail, read as calm and about nothing known."""
    u = given.understood
    return replace(given, understood=replace(u, reading=replace(u.reading, sentiment=Sentiment.NEUTRAL, phrases=(), topic="unsure")))


def said_otherwise(given: Situation, text: str) -> Situation:
    u = given.understood
    return replace(given, understood=replace(u, new_text=text, message=replace(u.message, text=text)))


def unchecked(given: Situation) -> Situation:
    return replace(given, mailbox=replace(given.mailbox, authserv_id=""))


def alone(given: Situation) -> Situation:
    assert given.case is not None
    return replace(given, case=replace(given.case, participants=()))


PETRA = Address(email="petra@acme.example", name="Petra")
ROWS: dict[str, tuple[str, Callable[[Situation], Situation], dict[str, object]]] = {
    "quotes": ('"this is my third mail about the tent."\n', calm, {}),
    "Day named": ("Day named: Sat 21 Nov (", lambda given: said_otherwise(given, "Where is it?"), {}),
    "Kind words too": ("Kind words too: ", calm, {}),
    "What happened so far": ("What happened so far\n", lambda given: replace(given, story=(), past=None), {}),
    "In March": ('In March: "A question about lamps", ended well\n', lambda given: replace(given, past=None), {}),
    "Promised": ("Promised, and the day is past: Fri 13 Nov (", lambda given: replace(given, story=STORY[:1]), {}),
    "Also told": ("Also told to Ana: ", lambda given: replace(given, story=STORY[:1]), {}),
    "You may": ("You may send it by courier without asking\n", lambda given: given, {"you_may": ()}),
    "More than that": ("More than that: Petra decides, petra@acme.example\n", lambda given: given, {"lead": None}),
    "Why you": ("Why you: sounds upset, third mail in 10 days, Tom is off\n", lambda given: given, {"why": ""}),
    "readers": ("Your answer also goes to Luis Ruiz, who was in copy\n", alone, {}),
    "sender confirmed": ("sender confirmed", unchecked, {}),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_line_stands_there_with_its_record_and_is_left_out_without(row: str) -> None:
    line, without, absent = ROWS[row]
    there, gone = text_of(made(situation(), lead=PETRA)), text_of(made(without(situation()), **{"lead": PETRA, **absent}))
    assert line in there.partition("\n-----")[0] and line.partition(":")[0] not in gone.partition("\n-----")[0], gone
    assert "None" not in gone and ": \n" not in gone and '""' not in gone and " 0 " not in gone


def test_more_than_nothing_is_never_offered() -> None:
    assert "More than that" not in text_of(made(situation(), lead=PETRA, you_may=()))


def test_a_lead_who_is_only_an_address_is_named_by_it() -> None:
    assert "More than that: the lead decides, boss@acme.example\n" in text_of(made(situation(), lead=Address(email="boss@acme.example")))


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [
        (Outcome.SATISFIED, "ended well"), (Outcome.WON_BACK, "ended well"), (Outcome.DISSATISFIED, "ended badly"),
        (Outcome.COULD_NOT, "we had to say no"), (Outcome.UNKNOWN, "we never heard"),
    ],
)  # fmt: skip
def test_the_case_before_ends_as_its_customer_said(outcome: Outcome, ended: str) -> None:
    given = situation()
    assert given.past is not None
    assert f'In March: "A question about lamps", {ended}\n' in text_of(made(replace(given, past=replace(given.past, outcome=outcome))))


@pytest.mark.parametrize(
    ("topic", "first"),
    [
        ("how_to", "Ana asks how to do something."), ("bug", "Ana reports a fault."), ("praise", "Ana writes something good."),
        ("feature_request", "Ana has an idea."), ("complaint", "Ana has a complaint."), ("other", 'Ana writes: "Tent without poles".'),
        ("camping_gear", "Ana asks about camping gear."),
    ],
)  # fmt: skip
def test_a_calm_first_line_reads_as_a_person_would_say_it(topic: str, first: str) -> None:
    assert text_of(made(situation(TEXT, sentiment=Sentiment.NEUTRAL, topic=topic))).startswith(first)


def test_what_is_late_fits_a_locked_phone_too() -> None:
    given = situation(TEXT, sentiment=Sentiment.NEUTRAL, is_urgent=True, topic="something_the_admin_called_very_long")
    first = text_of(made(given, due_at=NOW)).split("\n")[0]
    assert first.startswith("This cannot wait: Ana") and first.endswith("Please answer now.") and len(first) <= 60


def test_what_is_wrong_is_quoted_also_where_it_is_said_calmly_and_kindly() -> None:
    text = "Hello,\nNo. It is the wrong axle, ours has 16. Maria was quick, thank you for that."
    praise = (Phrase(text="thank you", weight=0.6, why="thanks"), Phrase(text="quick", weight=0.4, why="praise"))
    facts = made(situation(text, sentiment=Sentiment.NEUTRAL, phrases=praise), answer=Answer.DISSATISFIED)
    assert facts.quotes == ("It is the wrong axle, ours has 16.",)
    assert facts.kind_words == "Maria was quick, thank you for that."


LONG = st.text(st.sampled_from('abc ,.!?"\n\r\t\u2028ÄÖ-:#>123'), max_size=300)
PARTS = st.lists(st.tuples(st.sampled_from(("Tom", "Maria", "Ana Ruiz", "x\ny")), LONG, st.booleans()), max_size=12)


@settings(max_examples=150, deadline=None)
@drawn(PARTS, LONG, st.lists(LONG, max_size=4), LONG, st.lists(LONG, max_size=60), st.booleans(), st.booleans(), st.booleans())
def test_a_brief_never_has_more_than_twenty_lines(
    parts: list[tuple[str, str, bool]], text: str, may: list[str], why: str, readers: list[str], upset: bool, spam: bool, promise: bool
) -> None:
    days = ("by Friday", "tomorrow", "on Monday")
    story = tuple(
        line(
            1 + at, 9, name, f"{said}\nI will send it {days[at % 3]}.\n\nI will call you." if promise else said, "resolved" if event else ""
        )
        for at, (name, said, event) in enumerate(parts)
    )
    phrases = tuple(Phrase(text=word, weight=1.0, why=why) for word in text.split()[:6] for why in ("waiting", "thanks"))
    whole = f"{text}\n{TEXT}"
    given = replace(situation(whole, sentiment=Sentiment.UPSET if upset else Sentiment.NEUTRAL, phrases=phrases), story=story)
    others = [Address(email=f"{at}@example.org", name=name) for at, name in enumerate(readers)]
    facts = made(given, you_may=may, why=why, readers=others, lead=PETRA, besides=spam)
    above = text_of(facts, marked_spam=spam).partition("\n----- ")[0].rstrip("\n").split("\n")
    assert len(above) <= 20, above
    assert facts.before + len(facts.story) <= len(story) and len(above[0]) <= 60


def test_what_matters_least_is_left_out_first() -> None:
    """In this order: the case before this one, what was told without a day, the oldest mails of the story."""
    busy = replace(situation(), story=tuple(line(day, 9, *said) for day, said in enumerate(SAID, 1)))
    whole = made(busy, lead=PETRA)
    assert whole.past is None and whole.told and len(whole.story) == 4
    fewer = made(busy, lead=PETRA, besides=1)
    assert not fewer.told and len(fewer.story) == 4 and fewer.quotes == whole.quotes and fewer.promised == whole.promised
    fewest = made(busy, lead=PETRA, besides=4)
    assert (len(fewest.story), fewest.before) == (1, 4) and fewest.quotes == whole.quotes and fewest.more == "Petra"


SAID = (
    ("Ana Ruiz", "Where is it?"), ("Tom", "You will have it by Friday."), ("Ana Ruiz", "Nothing has come."),
    ("Maria", "I will send you a lamp."), ("Ana Ruiz", "Still nothing."),
)  # fmt: skip
