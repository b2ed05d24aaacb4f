"""Answers of the rules: offered in the acknowledgement where they certainly fit, never instead of a person, and counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from inboxd.core.findings import Findings, OfferedAnswer
from inboxd.core.measure import Records, Scope, measure, needed_since
from inboxd.core.model import CaseNo, CaseState, FirstMail, KeyPhrase, Mode, Outcome, PersonNo, TopicName
from inboxd.core.opening import Span
from inboxd.core.rulebook import PinnedDriver, ReadyAnswer, Rule, Rulebook, Then
from inboxd.desk.look_back import look_back
from inboxd.desk.report import rows
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, FURIOUS, holder, kinds, words_of

ANA_AT = "ana@example.org"
INVOICES = ReadyAnswer(
    name="Company invoices",
    phrases=("company name", "Firmenname*"),
    text={"en": "Open Account, then Invoices, and type the company name.", "de": "Den Firmennamen tragen Sie unter Konto ein."},
)
FOUR_HOURS = Span(length=timedelta(hours=4))
WISH = "Hello,\nhow do I get an invoice with our company name on it?\nAna"
OFFER = "In case it helps before we write: Open Account, then Invoices, and type the company name."


def offering(*answers: ReadyAnswer, within: Span | None = FOUR_HOURS, reply_with: str | None = "acknowledge") -> Rulebook:
    book = Day().office.rules.book
    rules = (Rule(name="hello", when=(), then=Then(reply_with=reply_with, answer_within=within, assign="everyone")),)
    return replace(book, rules=rules, answers=answers or (INVOICES,))


def wrote(text: str = WISH, book: Rulebook | None = None, subject: str = "Invoice") -> Day:
    day = Day(book=book or offering())
    day.write(ANA, subject, text)
    day.pass_(minutes=11)
    return day


def note(day: Day) -> Letterbox:
    return day.last(ANA_AT, lambda mail: mail.outgoing.kind == "acknowledgement")


def said(day: Day) -> str:
    return " ".join(note(day).text.split())


def test_an_answer_that_fits_stands_below_the_news_and_a_person_writes_anyway() -> None:
    day = wrote()
    assert said(day).index("A person will write to you on Monday by 13:00.") < said(day).index(OFFER)
    assert "If not, you need not do anything: a person writes to you anyway." in said(day)
    assert day.events("answer.offered") == 1
    assert day.case().state is CaseState.OPEN and "escalate" in {
        row["kind"] for row in day.store.look("select kind from job where case_id = 1001")
    }
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nI have done it for you.")
    assert "I have done it for you." in words_of(day).text


def test_an_answer_that_fits_is_news_enough() -> None:
    assert OFFER in said(wrote(book=offering(within=None)))


def test_it_is_offered_only_where_a_rule_gives_an_acknowledgement() -> None:
    day = wrote(book=offering(reply_with=None))
    assert kinds(day, ANA_AT) == [] and day.events("answer.offered") == 0


def test_what_may_not_leave_is_not_counted_as_offered() -> None:
    day = Day(mode=Mode.ROUTE, book=offering())
    day.write(ANA, "Invoice", WISH)
    day.pass_(minutes=11)
    assert kinds(day, ANA_AT) == [] and day.events("letter.withheld") == 1 and day.events("answer.offered") == 0


SECOND = replace(INVOICES, name="Names on labels")
OTHER_TOPIC = replace(INVOICES, topics=(TopicName("praise"),))
GERMAN_ONLY = replace(INVOICES, text={"de": "Unter Konto."})
NOT_CERTAIN = {
    "no phrase of it": ("Hello,\nwhere do I find my invoice of May?\nAna", offering()),
    "two fit": (WISH, offering(INVOICES, SECOND)),
    "another topic": (WISH, offering(OTHER_TOPIC)),
    "not in this language": (WISH, offering(GERMAN_ONLY)),
}


@pytest.mark.parametrize("name", NOT_CERTAIN)
def test_where_it_is_not_certain_nothing_is_offered(name: str) -> None:
    day = wrote(*NOT_CERTAIN[name])
    assert kinds(day, ANA_AT) == ["acknowledgement"] and "In case it helps" not in said(day)
    assert day.events("answer.offered") == 0


def test_nothing_is_offered_to_an_upset_customer() -> None:
    assert kinds(wrote(f"{FURIOUS} And the company name on the invoice is wrong."), ANA_AT) == []


def test_nor_where_a_second_mail_brought_more() -> None:
    day = Day(book=offering())
    day.write(ANA, "Invoice", WISH)
    day.pass_(minutes=2)
    day.write(ANA, "Invoice", "And the address on it should be the one in Porto. Can you do that, with the company name?")
    day.pass_(minutes=9)
    assert "In case it helps" not in said(day)


def test_in_german_it_is_offered_in_german() -> None:
    day = wrote("Guten Tag,\nwie kommt der Firmenname auf meine Rechnung? Ich finde das nirgends.\nAna Ruiz", subject="Rechnung")
    assert "Falls es schon vorher hilft: Den Firmennamen tragen Sie unter Konto ein." in said(day)


def test_that_solved_it_closes_the_case_as_satisfied_and_whoever_has_it_need_not_write() -> None:
    day = wrote()
    agent = holder(day)
    day.reply(ANA, note(day), "That solved it, thank you!")
    case = day.case()
    assert (case.state, case.outcome, case.good_sign) == (CaseState.CLOSED, Outcome.SATISFIED, True)
    told = day.last(agent)
    assert told.text.startswith("Ana says it is solved. You need not write.") and '"Company invoices"' in told.text
    assert (day.events("answer.offered"), day.events("answer.helped")) == (1, 1)
    before = len(day.mailer.delivered)
    day.pass_(days=30)
    assert [o.kind for o in day.mailer.delivered[before:] if ANA_AT in o.envelope_to] == [], "who said so is not asked"
    assert not [m for m in day.inbox(agent) if "waits for a first word" in m.text]


@pytest.mark.parametrize(
    "words",
    [
        "That solved it, thank you! One more thing: which pump fits the tyres?",
        "No, that does not work. There is no such page.",
        "Our company is called Ruiz and Sons.",
    ],
)
def test_anything_else_goes_on_as_always(words: str) -> None:
    day = wrote()
    day.reply(ANA, note(day), words)
    assert day.case().state is CaseState.OPEN and day.events("answer.helped") == 0
    day.pass_(minutes=10)
    assert words.split(".")[0] in day.routed(holder(day)).text


def test_the_same_words_after_an_acknowledgement_that_offered_nothing_close_nothing() -> None:
    day = wrote("Hello,\nwhere do I find my invoice of May?\nAna")
    day.reply(ANA, note(day), "That solved it, thank you!")
    assert day.case().state is CaseState.OPEN


def test_once_a_person_has_written_a_late_yes_to_the_note_closes_nothing() -> None:
    day = wrote()
    offer, agent = note(day), holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nI have done it for you.")
    day.reply(ANA, offer, "That solved it, thank you!")
    assert day.case().state is not CaseState.CLOSED and day.events("answer.helped") == 0


def test_somebody_else_on_the_thread_cannot_say_so_for_the_customer() -> None:
    day = wrote()
    day.reply("Luis Ruiz <luis@example.org>", note(day), "That solved it, thank you!")
    assert day.case().state is CaseState.OPEN


def test_a_customer_who_said_so_and_writes_again_opens_it_again() -> None:
    day = wrote()
    day.reply(ANA, note(day), "That solved it, thank you!")
    day.pass_(days=1)
    day.reply(ANA, note(day), "It is gone again. The invoice has my own name on it.")
    assert day.case().number == 1001 and day.case().state is CaseState.OPEN


def test_the_report_says_how_often_it_was_offered_and_what_people_said_of_it() -> None:
    day = Day(book=offering())
    said = {
        "ana": "That solved it, thank you!",
        "ben": "No, that does not work. There is no such page.",
        "eva": "",
        "lea": "That solved it, thank you!",
    }
    for name, words in said.items():
        sender = f"{name.capitalize()} Moe <{name}@example.org>"
        day.write(sender, "Invoice", WISH)
        day.pass_(minutes=11)
        if words:
            day.reply(sender, day.last(f"{name}@example.org"), words)
    assert [(each.name, each.count, each.helped, each.missed) for each in offers(day)] == [("Company invoices", 4, 2, 1)]
    day.pass_(days=1)
    day.reply("Lea Moe <lea@example.org>", day.last("lea@example.org"), "It is gone again. The invoice has my own name on it.")
    (answer,) = offers(day)
    assert (answer.helped_cases, answer.missed_cases, answer.cases) == ((1001,), (1002, 1004), (1001, 1002, 1003, 1004))
    assert [(row.name, row.count, row.of) for row in rows(week_of(day)) if row.name.startswith("answer_")] == [
        ("answer_helped:Company invoices", 1, 4), ("answer_missed:Company invoices", 2, 4)
    ]  # fmt: skip


def test_what_a_customer_says_once_a_person_has_written_is_no_word_about_the_answer() -> None:
    day = wrote()
    offer, agent = note(day), holder(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nI have done it for you.")
    day.reply(ANA, offer, "No, that does not work. There is no such page.")
    assert [(each.helped, each.missed) for each in offers(day)] == [(0, 0)]


def week_of(day: Day) -> Findings:
    first = date(2026, 11, 16)
    scope = Scope(brand="Acme", first=first, last=first + timedelta(days=6), now=day.clock.now())
    return measure(day.store.records(needed_since(scope)), scope)


def offers(day: Day) -> tuple[OfferedAnswer, ...]:
    return week_of(day).answers


def test_what_made_people_write_says_how_many_could_have_read_it() -> None:
    at, began = datetime(2026, 11, 18, 9, tzinfo=UTC), date(2026, 11, 16)
    texts = ["How does the company name get on my invoice?", "An invoice with a company name please.", "The invoice is too high."]
    mails = [
        FirstMail(case=CaseNo(n), person=PersonNo(n), at=at, text=text, key_phrases=(KeyPhrase(key="invoice", text="invoice"),))
        for n, text in enumerate(texts, 1)
    ]
    scope = Scope(brand="Acme", first=began, last=began + timedelta(days=6), now=at + timedelta(days=5))
    pinned = (PinnedDriver(phrases=("invoice",), name="Invoices", owner="maria"),)
    (driver,) = look_back(Records(), mails, scope, pinned=pinned, answers=(INVOICES,)).drivers
    assert (driver.people, driver.answerable, driver.answer) == (3, 2, "Company invoices")
    (driver,) = look_back(Records(), mails, scope, pinned=pinned).drivers
    assert (driver.answerable, driver.answer) == (0, "")
