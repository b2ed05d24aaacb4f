"""Link scanners and mail gateways read what we send before people do, and answer whatever can be answered: nothing comes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, unquote

import pytest

from inboxd.core.model import CaseState, Outcome
from tests.stories.day import SUPPORT, Day, Letterbox
from tests.stories.steps import ANA, FURIOUS, PETRA, asked, holder, opened, question
from tests.stories.test_known_issues import alarmed
from tests.stories.test_known_issues import opened as known
from tests.stories.test_ready_answers import WISH, offering

ANA_AT = "ana@example.org"
FOREIGN = "Mail Gateway <gateway@filter.example>"


# --- the mails that ask, and the one that offers


def the_question() -> tuple[Day, Letterbox]:
    day = Day()
    return day, asked(day, FURIOUS)


def the_question_after_silence() -> tuple[Day, Letterbox]:
    day = Day()
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.")
    day.pass_(days=7)
    return day, question(day)


def the_reminder() -> tuple[Day, Letterbox]:
    day, _ = the_question()
    day.pass_(days=5)
    return day, day.last(ANA_AT, lambda mail: mail.outgoing.kind == "reminder")


def the_question_after_a_refusal() -> tuple[Day, Letterbox]:
    day = Day()
    agent = opened(day, FURIOUS)
    day.reply(agent, day.routed(agent), "could not: past 40 days\nresolve\n\nHello Ana,\nI am sorry, I cannot do that.")
    day.pass_(days=3)
    return day, question(day)


def the_question_after_a_win_back() -> tuple[Day, Letterbox]:
    day, mail = the_question()
    day.reply(ANA, mail, "No, it is not solved, the wheel is still broken.")
    agent = holder(day)
    day.reply(agent, day.routed(agent), "resolve\n\nHello Ana,\nI sent a new wheel.")
    day.pass_(days=2, minutes=1)
    return day, question(day)


def mended() -> tuple[Day, Letterbox]:
    day = alarmed(Day())
    day.reply(PETRA, known(day), "fixed")
    day.pass_(minutes=30)
    return day, day.last("p0@example.org", lambda mail: mail.outgoing.purpose.startswith("mended:"))


def an_offered_answer() -> tuple[Day, Letterbox]:
    day = Day(book=offering())
    day.write(ANA, "Invoice", WISH)
    day.pass_(minutes=11)
    return day, day.last(ANA_AT, lambda mail: mail.outgoing.kind == "acknowledgement")


ASKING = (the_question, the_question_after_silence, the_question_after_a_refusal, the_question_after_a_win_back, mended)


# --- what machines do


def links(mail: Letterbox) -> list[tuple[str, str, str]]:
    """The address, subject and text of each mail that a link in this one opens."""
    found = []
    for link in re.findall(r'href="mailto:([^"]+)"', mail.html):
        address, _, query = unescape(link).partition("?")
        words = parse_qs(query)
        found.append((unquote(address), words.get("subject", [""])[0], words.get("body", [""])[0]))
    return found


def answer(day: Day, mail: Letterbox, sender: str, which: slice, seconds: int) -> None:
    """Answer these links of a mail, so many seconds after it was delivered and each a second after the one before."""
    day.clock.at = mail.outgoing.created_at
    day.pass_(seconds=seconds)
    for address, subject, body in links(mail)[which]:
        day.write(sender, subject, body, to=address)
        day.pass_(seconds=1)
    day.pass_(minutes=10)


def seen(day: Day, mail: Letterbox) -> tuple[object, ...]:
    """All of a case that an answer could change, and when what is next is due."""
    case = day.case(mail.outgoing.case)
    asking = "select kind, run_at from job where case_id = ? and kind in ('ask', 'remind', 'close') order by kind"
    jobs = day.store.look(asking, case.number)
    return case.state, case.outcome, case.good_sign, case.reopened, case.assignee, case.due_at, [tuple(job.values()) for job in jobs]


def customer(mail: Letterbox) -> str:
    return str(mail.message["To"])


@pytest.mark.parametrize("which", [slice(0, 1), slice(1, 2), slice(None), slice(None, None, -1)], ids=["yes", "no", "both", "no first"])
@pytest.mark.parametrize("sent", ASKING)
def test_what_is_answered_within_seconds_of_delivery_changes_nothing(sent: Callable[[], tuple[Day, Letterbox]], which: slice) -> None:
    day, mail = sent()
    assert len(links(mail)) == 2
    before, written = seen(day, mail), len(day.mailer.delivered)
    answer(day, mail, customer(mail), which, seconds=3)
    assert seen(day, mail) == before
    assert len(day.mailer.delivered) == written, "nobody hears of it"


@pytest.mark.parametrize("sent", ASKING)
def test_what_is_answered_within_seconds_from_a_foreign_address_changes_nothing_either(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    day, mail = sent()
    before, written = seen(day, mail), len(day.mailer.delivered)
    answer(day, mail, FOREIGN, slice(None), seconds=3)
    assert seen(day, mail) == before
    assert len(day.mailer.delivered) == written


@pytest.mark.parametrize("sender", ["", FOREIGN], ids=["customer", "foreign"])
@pytest.mark.parametrize("sent", ASKING)
def test_a_slow_gateway_that_answers_both_changes_nothing(sent: Callable[[], tuple[Day, Letterbox]], sender: str) -> None:
    day, mail = sent()
    before = seen(day, mail)
    answer(day, mail, sender or customer(mail), slice(None), seconds=600)
    assert seen(day, mail) == before


@pytest.mark.parametrize("sent", ASKING)
def test_one_answer_from_a_foreign_address_is_kept_as_text_and_decides_nothing(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    day, mail = sent()
    before = seen(day, mail)
    answer(day, mail, FOREIGN, slice(0, 1), seconds=600)
    assert seen(day, mail)[:4] == before[:4]


@pytest.mark.parametrize("sent", ASKING)
def test_without_its_token_an_answer_from_a_foreign_address_does_not_reach_the_case(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    day, mail = sent()
    before = seen(day, mail)
    for _, subject, body in links(mail):
        day.write(FOREIGN, subject, body, to=SUPPORT)
    day.pass_(minutes=10)
    assert seen(day, mail) == before


@pytest.mark.parametrize("sent", ASKING)
def test_afterwards_the_person_still_answers(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    day, mail = sent()
    answer(day, mail, customer(mail), slice(None), seconds=3)
    day.pass_(hours=1)
    day.reply(customer(mail), mail, "Yes, it is solved, thank you.")
    assert day.case(mail.outgoing.case).outcome in (Outcome.SATISFIED, Outcome.WON_BACK)


@pytest.mark.parametrize("sent", ASKING)
def test_no_mail_that_asks_holds_a_link_that_a_scanner_could_open(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    _, mail = sent()
    assert not re.search(r"https?://|www\.", mail.html + mail.text)


@pytest.mark.parametrize("sent", [the_reminder, an_offered_answer])
def test_the_reminder_and_an_offered_answer_can_be_answered_by_words_alone(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    _, mail = sent()
    assert not links(mail) and not re.search(r"https?://", mail.html + mail.text)


@pytest.mark.parametrize("sender", [ANA, FOREIGN])
@pytest.mark.parametrize("marked", [{"Auto-Submitted": "auto-replied"}, {"X-Autoreply": "yes"}, {"Precedence": "auto_reply"}])
def test_a_machine_that_answers_an_offered_answer_solves_nothing(sender: str, marked: dict[str, str]) -> None:
    day, mail = an_offered_answer()
    day.reply(sender, mail, "That solved it, thank you!", headers=marked)
    day.pass_(minutes=10)
    assert day.case(mail.outgoing.case).state is CaseState.OPEN and day.events("answer.helped") == 0


@pytest.mark.parametrize("sent", [*ASKING, the_reminder])
def test_a_machine_that_answers_in_words_decides_nothing(sent: Callable[[], tuple[Day, Letterbox]]) -> None:
    day, mail = sent()
    before = seen(day, mail)
    for sender in (customer(mail), FOREIGN):
        day.reply(sender, mail, "Yes, it is solved.", headers={"Auto-Submitted": "auto-replied"})
    day.pass_(minutes=10)
    assert seen(day, mail)[:6] == before[:6]


@pytest.mark.parametrize("which", [slice(0, 1), slice(1, 2), slice(None)], ids=["yes", "no", "both"])
def test_a_gateway_that_keeps_the_question_and_answers_when_the_reminder_comes_decides_nothing(which: slice) -> None:
    day, first = the_question()
    day.pass_(days=5)
    reminder = day.last(ANA_AT, lambda mail: mail.outgoing.kind == "reminder")
    before = seen(day, reminder)
    day.clock.at = reminder.outgoing.created_at
    day.pass_(seconds=3)
    for address, subject, body in links(first)[which]:
        day.write(ANA, subject, body, to=address)
    day.pass_(minutes=10)
    assert seen(day, reminder) == before


def test_a_link_in_an_offered_answer_may_be_opened_as_often_as_anybody_likes() -> None:
    """It is the shop's own page: we never learn who opened it, so nothing can follow from it."""
    book = offering()
    book = replace(book, answers=tuple(replace(each, text={"en": "See https://acme.example/invoices for it."}) for each in book.answers))
    day = Day(book=book)
    day.write(ANA, "Invoice", WISH)
    day.pass_(minutes=11)
    mail = day.last(ANA_AT)
    found = re.findall(r"https?://[^\s\"<]+", mail.html + mail.text)
    assert found and {link.rstrip(".") for link in found} == {"https://acme.example/invoices"}, "word for word, nothing of ours in it"
