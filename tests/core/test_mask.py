"""Nobody's name and nobody's address passes."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.mask import _NO_NAME, mask

LETTERS = st.characters(categories=("Lu", "Ll"), include_characters="-'’", max_codepoint=0x24F)
WORDS = st.text(LETTERS, min_size=2, max_size=12).filter(lambda word: sum(c.isalpha() for c in word) > 1)
NAMES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)
AROUND = st.text(st.sampled_from(" \n.,;:!?()\"'’-"), min_size=1, max_size=3)
FORMS = st.sampled_from((str, str.lower, str.upper, str.title, lambda name: unicodedata.normalize("NFD", name), lambda name: f"{name}'s"))
KEPT = frozenset(("name", "address", "number", "link"))


def letters(text: str) -> set[str]:
    """The words of a text, without capitals and accents."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return {part for part in re.findall(r"[^\W\d_]+", bare) if len(part) > 1}


@given(name=NAMES, form=FORMS, before=AROUND, after=AROUND, said=st.sampled_from(("the axle is missing", "bitte um Antwort", "")))
def test_no_known_name_passes_whatever_stands_around_it(name: str, form, before: str, after: str, said: str) -> None:  # type: ignore[no-untyped-def]
    shown = mask(f"{said}{before}{form(name)}{after}{said}", [name])
    ordinary = letters(said) | KEPT | letters(" ".join(_NO_NAME))  # "Team" and "all" stand in greetings and are nobody's name
    assert not (letters(name) - ordinary) & letters(shown), shown


@given(
    local=st.from_regex(r"[a-z]{2,8}([._][a-z]{2,8})?", fullmatch=True), domain=st.from_regex(r"[a-z]{2,8}\.(example|org)", fullmatch=True)
)
def test_no_address_passes_known_or_not(local: str, domain: str) -> None:
    shown = mask(f"write to <{local}@{domain}>, or ({local}@{domain}) please", [])
    assert "@" not in shown and domain not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Ana's axle is missing, says ANA RUIZ.", "[name] axle is missing, says [name]."),
        ("José und Müller, auch Mueller geschrieben", "[name] und [name], auch [name] geschrieben"),
        ("Order 88213 of AB-2231 came", "Order [number] of [number] came"),
        ("I live at 14 Tanner's Row, Hexham", "I live at [address], Hexham"),
        ("ich wohne Gartenstraße 7, 50667 Köln", "ich wohne [address]"),
        ("see https://acme.example/a?b=1 and www.acme.example.", "see [link] and [link]."),
        ("Mr. Okafor told Frau Lorenz", "[name] told [name]"),
        ("the bill is wrong", "the bill is wrong"),
    ],
)
def test_names_numbers_and_addresses_are_hidden_and_nothing_else(said: str, shown: str) -> None:
    assert mask(said, ["Ana Ruiz", "José Müller", "ana@example.org"]) == shown


def test_names_of_the_greeting_and_the_signature_are_hidden_too() -> None:
    around = "Hello Priya,\nmy son Tim waits.\n\nKind regards\nWanja Brandt\n3 Mill Lane"
    assert mask("Priya said to Wanja that Tim waits", [], around=around) == "[name] said to [name] that Tim waits"


def test_a_name_in_a_script_without_spaces_is_hidden() -> None:
    assert "王小明" not in mask("我是王小明先生", ["王小明"])


def test_a_letter_that_cannot_be_seen_hides_no_name() -> None:
    assert mask("Ru\u200biz and Ana\u00ad", ["Ana Ruiz"]) == "[name] and [name]"


def test_a_dot_that_no_letter_carries_hides_no_name() -> None:
    assert mask("the axle is missing, i\u0307a", ["\u0130A"]) == "the axle is missing, [name]"


def test_a_turkish_name_is_hidden_in_capitals_too() -> None:
    assert mask("the axle is missing, IŞIL", ["Işıl"]) == "the axle is missing, [name]"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("A young man called Raj fetched me a chair on Monday.", "A young man called [name] fetched me a chair on Monday."),
        ("I spoke to your colleague Petra Vogel, who was kind.", "I spoke to your colleague [name], who was kind."),
        ("I asked Miles O'Brien and he said it is on its way", "I asked [name] and he said it is on its way"),
        ("Our human (Femi) was brilliant.", "Our human ([name]) was brilliant."),
        (
            "Thank you so much, Jonas came by and Priya Raman fixed it for us.",
            "Thank you so much, [name] came by and [name] fixed it for us.",
        ),
        ("My Order Has Not Arrived Yet", "My Order Has Not Arrived Yet"),
        ("I think I'm right and the Invoice of May is in English", "I think I'm right and the Invoice of May is in English"),
        ('it only says "Please wait" and stops', 'it only says "Please wait" and stops'),
    ],
)
def test_a_name_that_nobody_told_us_is_known_by_its_capital_in_english(said: str, shown: str) -> None:
    assert mask(said, (), language="en") == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Gestern hat mir Patrizia Nowak geholfen.", "Gestern hat mir [name] geholfen."),
        ("Der Helm ist für meine Tochter Veronika gewesen.", "Der Helm ist für meine Tochter [name] gewesen."),
        ("Unser Nachbar Peter Lang hat es gesehen.", "Unser Nachbar [name] hat es gesehen."),
        ("Mein Mann Özgür Yılmaz hat es gesehen.", "Mein Mann [name] hat es gesehen."),
        ("Ich warte seit Anfang Mai auf Ihre Rechnung.", "Ich warte seit Anfang Mai auf Ihre Rechnung."),
        ("Ich hing zwanzig Minuten Warteschleife lang fest.", "Ich hing zwanzig Minuten Warteschleife lang fest."),
    ],
)
def test_in_german_two_capitals_in_a_row_are_a_name(said: str, shown: str) -> None:
    assert mask(said, (), language="de") == shown


def test_a_name_known_by_one_sentence_of_a_mail_is_hidden_in_the_others_too() -> None:
    around = "The young man in the shop was called Raj and he was kind.\nRaj fetched me a chair."
    assert mask("Raj fetched me a chair.", (), around=around, language="en") == "[name] fetched me a chair."


def test_a_last_line_of_a_few_capitals_is_a_signature() -> None:
    around = "The axle is missing, says my Tim.\n\nWanja Brandt"
    assert mask("Wanja wants the axle", (), around=around) == "[name] wants the axle"
