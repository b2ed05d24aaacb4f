"""Which days a text names, and where its sentences end."""

from __future__ import annotations

from datetime import date

import pytest

from inboxd.core.dates import named_days, sentences

MONDAY = date(2026, 11, 16)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("The party is this Saturday.", date(2026, 11, 21)),
        ("I need it by Friday", date(2026, 11, 20)),
        ("We leave on Wednesday.", date(2026, 11, 18)),
        ("The wedding is on 5 December.", date(2026, 12, 5)),
        ("It is for December 5th, please.", date(2026, 12, 5)),
        ("He needs it on the 21st of November", date(2026, 11, 21)),
        ("My flight is on 2026-11-30 at noon.", date(2026, 11, 30)),
        ("We move on 3 Jan.", date(2027, 1, 3)),
        ("Deliver by 11/28 please", date(2026, 11, 28)),
        ("Tomorrow is the party", date(2026, 11, 17)),
        ("The birthday is the day after tomorrow.", date(2026, 11, 18)),
        ("next Friday is the feast", date(2026, 11, 27)),
        ("Wir brauchen es bis Freitag.", date(2026, 11, 20)),
        ("Die Feier ist am 21.11. in der Halle.", date(2026, 11, 21)),
        ("Bis zum 21. November muss es da sein.", date(2026, 11, 21)),
        ("Am 21.11.2026 ist Hochzeit", date(2026, 11, 21)),
        ("Übermorgen fliegen wir.", date(2026, 11, 18)),
        ("Kommenden Samstag wird gefeiert", date(2026, 11, 21)),
    ],
)
def test_a_day_to_come_is_found(text: str, day: date) -> None:
    assert [named.day for named in named_days(text, MONDAY)] == [day]


@pytest.mark.parametrize(
    "text",
    [
        "Nobody answered my mail on Saturday.",
        "You said it would be here by Friday.",
        "I ordered it on 7 November.",
        "Last Friday was the party.",
        "Letzten Samstag kam nichts an.",
        "I paid 21.50 for version 1.2.3 on page 11/12",
        "It was due on 3/4.",
        "Guten Morgen zusammen",
        "32 November, 2026-13-40 and 31.2.",
        "You may 12 times try",
        "Sun protection and a second try",
        "You named a day, it is Monday morning and nothing has come.",
        "Es ist jetzt Montag, und nichts ist da.",
    ],
)
def test_no_day_is_invented(text: str) -> None:
    assert [named.day for named in named_days(text, MONDAY)] == []


def test_it_is_friday_looks_ahead_on_another_day() -> None:
    assert [named.day for named in named_days("The party? It is Friday.", MONDAY)] == [date(2026, 11, 20)]


def test_the_first_day_of_the_text_comes_first_with_its_sentence() -> None:
    named = list(named_days("Nobody wrote on Saturday. She turns six this Saturday. We leave on 3 December.", MONDAY))
    assert [(each.day.day, each.sentence) for each in named] == [
        (21, "She turns six this Saturday."),
        (3, "We leave on 3 December."),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Hello,\n\none. Two! Three?\n\nFour", ["one.", "Two!", "Three?", "Four"]),
        ("Dear Ms. Lindt,\nthis line was wrapped by a mail program at\nsome width. It goes on.",
         ["this line was wrapped by a mail program at some width.", "It goes on."]),
        ("Am 21. November ist es. Das kostet ca. 5 Euro, z. B. hier.", ["Am 21. November ist es.", "Das kostet ca. 5 Euro, z. B. hier."]),
        ("Hallo Tom,\nes geht", ["es geht"]),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_are_cut_letter_for_letter(text: str, wanted: list[str]) -> None:
    assert sentences(text) == wanted


def test_a_long_text_is_read_in_time() -> None:
    assert len(sentences("word, word. " * 20_000)) == 20_000
    assert list(named_days("1 " * 50_000 + "on on on " * 20_000, MONDAY)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello Theo, you will have it by Friday.", ["you will have it by Friday."]),
        ("Hello Ana, Friday is fine.", ["Friday is fine."]),
        ("Hallo, bitte die Rechnung nochmal.\nOtto", ["bitte die Rechnung nochmal.", "Otto"]),
        ("Dear Mr. Smith, dear Mrs. Jones,\nit is sent.", ["it is sent."]),
        ("Guten Tag, Frau Dr. von Meier,\nes ist verschickt.", ["es ist verschickt."]),
        ("Hello, dear team,\nmy bike is here.", ["my bike is here."]),
        ("1. Which tyre fits?\n2. Which tube?", ["1. Which tyre fits?", "2. Which tube?"]),
        ("Two things: 1. Which tyre fits? 2. Which tube?", ["Two things: 1.", "Which tyre fits?", "2. Which tube?"]),
    ],
)
def test_a_greeting_is_no_sentence_and_what_follows_its_comma_is_one(text: str, found: list[str]) -> None:
    assert sentences(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ours has 16. Maria was quick.", ["Ours has 16.", "Maria was quick."]),
        ("No. It is the wrong one.", ["No.", "It is the wrong one."]),
        ("It is order no. 5 of mine.", ["It is order no. 5 of mine."]),
        ("Wir wohnen im 2. Stock. Bitte klingeln.", ["Wir wohnen im 2. Stock.", "Bitte klingeln."]),
        ("Es kommt am 21. November an. Danke.", ["Es kommt am 21. November an.", "Danke."]),
    ],
)
def test_a_sentence_ends_after_a_number_or_a_no_where_another_begins(text: str, found: list[str]) -> None:
    assert sentences(text) == found
