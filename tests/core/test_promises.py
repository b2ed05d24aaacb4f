"""Which sentences of an agent promise something for a day, when to remind of it, and until when to wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.model import MessageNo, Promise
from inboxd.core.opening import Calendar
from inboxd.core.promises import never_said, next_reminder, over_at, promised_days, remind_at, still_open
from tests.core.builders import NOW, TOM, book, case

MONDAY = date(2026, 11, 16)
MON, TUE, WED, THU, FRI, SAT, SUN = (MONDAY + timedelta(days=number) for number in range(7))
BERLIN = ZoneInfo("Europe/Berlin")

PROMISES = {
    # as in the mails that everything is measured by
    "You will have it by Friday.": FRI,
    "It will be at your door tomorrow, Tuesday, before noon.": TUE,
    "the money by Wednesday": WED,
    "a new one on Friday": FRI,
    "I call you today": MON,
    # we do
    "I will send it on Thursday.": THU,
    "I'll call you tomorrow morning.": TUE,
    "We will refund the 12 EUR by Wednesday.": WED,
    "We are sending a new one tomorrow.": TUE,
    "I am going to ring you on Friday.": FRI,
    "I send you the invoice on 20 November.": FRI,
    "We ship it on Monday.": date(2026, 11, 23),
    "I will personally look into it today.": MON,
    "I will be in touch by Friday.": FRI,
    "On Friday, I will call you.": FRI,
    "Tomorrow a courier will bring it to you.": TUE,
    "We'll write to you no later than Thursday.": THU,
    "I have spoken to the courier, and it will be with you tomorrow.": TUE,
    "I have asked the bank and will let you know by Friday.": FRI,
    "You wrote that you need it soon, so I send it today.": MON,
    "I will call you, as discussed, on Friday.": FRI,
    "We will repair it and send it back by 27.11.": date(2026, 11, 27),
    "If that suits you, I will call you on Thursday.": THU,
    "Then we will collect it on Wednesday or Thursday.": THU,
    "We expect the part on Friday and send it on at once.": FRI,
    # you get
    "You get the money back by Wednesday.": WED,
    "You have it on Friday.": FRI,
    "You should receive it by Thursday.": THU,
    "By Friday, you will have the money.": FRI,
    "You can expect it on 2026-11-24.": date(2026, 11, 24),
    "You will have the delayed parcel by Friday.": FRI,
    # it comes
    "I have just given it to a courier; it will reach you on Wednesday.": WED,
    "Your new bike is on its way and should be there on Thursday.": THU,
    "I have put it in the post today, so you should have it on Wednesday.": WED,
    "The invoice follows tomorrow.": TUE,
    "Tom calls you today at 3.": MON,
    "Your parcel will arrive on Friday.": FRI,
    "It arrives tomorrow.": TUE,
    "The lamp leaves our house on Thursday.": THU,
    "Maria will call you on Friday.": FRI,
    "The money should be in your account by 3 December.": date(2026, 12, 3),
    "It is with you on Friday at the latest.": FRI,
    # German
    "Wir haben das Paket heute verschickt, es sollte am Mittwoch ankommen.": WED,
    "Ich gebe Ihnen bis Mittwoch Bescheid.": WED,
    "Der Techniker kommt am Mittwoch zu Ihnen.": WED,
    "Sie bekommen das Geld bis Mittwoch.": WED,
    "Ich schicke es morgen ab.": TUE,
    "Ich rufe Sie heute noch an.": MON,
    "Wir liefern am Freitag.": FRI,
    "Morgen rufe ich Sie an.": TUE,
    "Ich werde Ihnen das Geld bis Freitag überweisen.": FRI,
    "Am Freitag werden wir die Lampe austauschen.": FRI,
    "Ihr Paket wird am Donnerstag geliefert.": THU,
    "Das Paket kommt morgen bei Ihnen an.": TUE,
    "Die Lampe geht heute noch raus.": MON,
    "Bis Freitag haben Sie es.": FRI,
    "Das Geld ist bis Mittwoch auf Ihrem Konto.": WED,
    "Ich habe mit dem Kurier gesprochen, und morgen ist es bei Ihnen.": TUE,
    "Sie hören spätestens am Donnerstag von mir.": THU,
    "Meine Kollegin meldet sich morgen bei Ihnen.": TUE,
    "Am 24.11. schicken wir Ihnen die neue Rechnung.": date(2026, 11, 24),
    "Das Geld bis Mittwoch.": WED,
    "Die Reparatur wird bis Freitag fertig.": FRI,
    "Wenn es Ihnen recht ist, rufe ich morgen an.": TUE,
}
NONE = (
    "Thank you for your mail of Friday.",
    "We are closed on Sunday.",
    "We will be closed on Sunday.",
    "You wrote on 3 December that the lamp is broken.",
    "I ask the carrier again.",
    "I will send it soon.",
    "Please send it back by Friday.",
    "Please tell us by Friday whether it works.",
    "You need to return it by Friday.",
    "You will have to return it by Friday.",
    "Could you send us a photo by Friday?",
    "Shall I call you tomorrow?",
    "You said you need it by Friday.",
    "You wrote that you will have a party on Friday.",
    "I hope you have a nice party on Saturday.",
    "Have a lovely Saturday, all of you.",
    "I sent it on Friday.",
    "It was handed over on Friday.",
    "We promised you the axle for Friday.",
    "I will not be able to do it before Friday.",
    "We cannot send it before Friday.",
    "It won't be there by Friday.",
    "I will be away on Friday.",
    "I will be on holiday until Monday.",
    "We will keep it for you until Friday.",
    "I will wait for your answer until Friday.",
    "If it is not there by Friday, write me one word.",
    "If it fails again, I will send a new one on Friday.",
    "Perhaps it will arrive on Friday.",
    "We would send it on Friday.",
    "The sale ends on Friday.",
    "The offer is valid until Friday.",
    "The shop will be open on Sunday.",
    "Your flight leaves on Friday.",
    "As soon as it arrives on Friday, I will write to you.",
    "Your order of 20 November is here.",
    "The price from 1 December is 12 EUR.",
    "I hope it will arrive on Friday.",
    "You may call us tomorrow.",
    "Friday is a good day.",
    "I am sorry that it did not arrive on Friday.",
    "I understand that you need the bike on Saturday.",
    "I look forward to your visit on Friday.",
    "I write to you today because the lamp is back in stock.",
    "I saw that you wrote to us on Saturday and again today.",
    "I am in the office today and tomorrow.",
    "We received your parcel today.",
    "You have until Friday to send it back.",
    "Vielen Dank für Ihre Mail vom Freitag.",
    "Ich habe heute mit dem Kurier gesprochen.",
    "Sie haben noch bis Freitag Zeit.",
    "Sie können es bis Freitag zurückgeben.",
    "Ich verstehe, dass Sie das Rad am Samstag brauchen.",
    "Am Sonntag haben wir geschlossen.",
    "Bitte schicken Sie es bis Freitag zurück.",
    "Können Sie es bis Freitag schicken?",
    "Sie schrieben am 3. Dezember, dass die Lampe kaputt ist.",
    "Sie haben am 20.11. bestellt.",
    "Ich habe es am Freitag geschickt.",
    "Wir können es nicht vor Freitag schicken.",
    "Ich bin am Freitag im Urlaub.",
    "Wenn es bis Freitag nicht da ist, schreiben Sie mir.",
    "Sie müssen es bis Freitag zurückschicken.",
    "Das Angebot gilt bis Freitag.",
    "Vielleicht kommt es morgen an.",
    "Ich wünsche Ihnen einen schönen Freitag.",
    "Guten Morgen zusammen.",
    "Haben Sie morgen Zeit für ein Telefonat?",
    "Ich hoffe, es kommt morgen an.",
    "Wir haben am Montag wieder geöffnet.",
    "Ich schicke es bald.",
)


@pytest.mark.parametrize("sentence", PROMISES)
def test_a_day_named_for_something_of_ours_is_a_promise(sentence: str) -> None:
    assert list(promised_days(f"Hello Ana,\n\nthank you for the photo. {sentence}\n\nMaria", MONDAY)) == [(PROMISES[sentence], sentence)]


@pytest.mark.parametrize("sentence", NONE)
def test_a_day_named_for_anything_else_is_none(sentence: str) -> None:
    assert list(promised_days(sentence, MONDAY)) == []


def test_a_promise_behind_the_greeting_in_its_line_is_kept() -> None:
    assert list(promised_days("Hello Theo, you will have it by Friday.", MONDAY)) == [(FRI, "you will have it by Friday.")]


def test_of_two_days_in_one_sentence_the_later_one_counts_and_each_sentence_is_one_promise() -> None:
    text = "I will call you on Tuesday or Wednesday. You will have the money by Friday."
    assert list(promised_days(text, MONDAY)) == [
        (WED, "I will call you on Tuesday or Wednesday."),
        (FRI, "You will have the money by Friday."),
    ]


def test_a_day_that_is_past_or_years_away_is_none() -> None:
    assert list(promised_days("I will send it on 2026-11-09.", MONDAY)) == []
    assert list(promised_days("I will send it on 2031-11-09.", MONDAY)) == []


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*" ".join((*PROMISES, *NONE)).split(), "\n\n", ",", ";", "20.11."]), max_size=60).map(" ".join))
def test_any_text_can_be_read_and_only_its_own_sentences_are_given(text: str) -> None:
    for day, sentence in promised_days(text, MONDAY):
        assert day >= MONDAY and " ".join(sentence.split()) in " ".join(text.split())


@pytest.mark.parametrize("text", ["I will " * 20_000 + "on Friday.", "will be " * 20_000, ", and it " * 20_000, "today. " * 20_000])
def test_an_absurd_text_takes_no_time(text: str) -> None:
    list(promised_days(text, MONDAY))


# --- days --------------------------------------------------------------------------------------------------------------------

OFFICE = Calendar(name="office", zone=BERLIN, hours=dict.fromkeys(range(5), ((9 * 60, 17 * 60),)), closed={FRI: "Founder's day"})
AT_WORK = book(calendars={"office": OFFICE})


def promise(day: date, **more: object) -> Promise:
    made = Promise(case=case().number, agent=TOM, message=MessageNo(7), day=day, sentence="You will have it then.", made_at=NOW)
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("day", "morning"), [(WED, "2026-11-18 09:00"), (SUN, "2026-11-19 09:00"), (FRI, "2026-11-19 09:00")])
def test_whoever_promised_is_reminded_on_the_morning_of_the_day_or_the_last_open_day_before(day: date, morning: str) -> None:
    assert remind_at(promise(day), AT_WORK, UTC) == datetime.fromisoformat(morning).replace(tzinfo=BERLIN)


def test_without_opening_hours_the_day_itself_counts() -> None:
    assert remind_at(promise(SUN), book(), BERLIN) == datetime(2026, 11, 22, 9, 0, tzinfo=BERLIN)


def test_a_promise_is_open_until_its_day_is_over_by_the_clock_of_whoever_promised() -> None:
    late, over = datetime(2026, 11, 18, 22, 59, tzinfo=UTC), datetime(2026, 11, 18, 23, 0, tzinfo=UTC)
    assert still_open((promise(WED),), AT_WORK, late, UTC) == (promise(WED),)
    assert still_open((promise(WED),), AT_WORK, over, UTC) == ()


def test_the_latest_day_counts_for_waiting_and_the_next_morning_for_reminding() -> None:
    both = (promise(THU), promise(WED))
    assert over_at(both, AT_WORK, NOW, UTC) == datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert over_at((promise(MONDAY - timedelta(days=1)),), AT_WORK, NOW, UTC) is None
    (job,) = next_reminder(case().number, both, AT_WORK, NOW, UTC)
    assert job.at == datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
    assert next_reminder(case().number, (promise(MON),), AT_WORK, NOW, UTC) == (), "the morning of today is past"


def test_only_words_to_a_customer_can_have_promised() -> None:
    (back,) = never_said(case().number, "reply:7", "undone")
    assert (back.message, back.why) == (7, "undone")
    assert never_said(case().number, "routed:7:maria", "undone") == ()
