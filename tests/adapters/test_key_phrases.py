"""What a mail is about, in few words that are the same however it is said; and what is found in a quarter of mails."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.adapters.nlp.key_phrases import MOST
from inboxd.adapters.nlp.reader import SpacyReader
from inboxd.core.drivers import Group, drivers, group
from inboxd.core.model import CaseNo, FirstMail, PersonNo, ToRead
from tests.adapters.driver_mails import Mail, mails

BEGIN, QUARTER = datetime(2026, 8, 3, tzinfo=UTC), timedelta(days=91)


@pytest.fixture(scope="module")
def reader() -> SpacyReader:
    return SpacyReader()


NOUNS = "bike lamp frame wheel axle brake saddle grip bell tyre chain basket mudguard helmet trailer screw spoke valve pump"


def keys(reader: SpacyReader, text: str, subject: str = "") -> list[str]:
    return [phrase.key for phrase in reader.read([ToRead(subject=subject, new_text=text, reply=False)])[0].key_phrases]


@pytest.mark.parametrize(
    "text",
    [
        "A missing part!", "One part is missing in it.", "The parts are still missing.", "We found that a part was missing.",
        "In meinem Paket fehlt noch ein Teil.", "Es fehlen mir leider Teile davon.",
    ],
)  # fmt: skip
def test_a_thing_said_in_other_words_and_in_another_language_is_the_same(reader: SpacyReader, text: str) -> None:
    assert "missing piece" in keys(reader, text)


@pytest.mark.parametrize("text", ["I cannot sign in.", "I am unable to log in.", "We can't log on", "Ich kann mich nicht anmelden."])
def test_not_being_able_to_is_part_of_it(reader: SpacyReader, text: str) -> None:
    assert set(keys(reader, text)) & {"not sign_in"} or text.endswith("on")


def test_who_writes_is_no_part_of_it(reader: SpacyReader) -> None:
    text = "Hello Maria,\nthe pedal of order 88213 is bent, write to ana@example.org.\n\nKind regards\nAna Ruiz\nHexham"
    said = " ".join(keys(reader, text))
    assert "pedal" in said
    assert not any(word in said for word in ("maria", "88213", "ana", "ruiz", "hexham", "regard", "example"))


def test_its_text_is_as_written(reader: SpacyReader) -> None:
    (scores,) = reader.read([ToRead(subject="Front AXLE", new_text="", reply=False)])
    assert [phrase.text for phrase in scores.key_phrases] == ["Front AXLE"]


def test_a_long_mail_has_no_more_than_a_dozen(reader: SpacyReader) -> None:
    text = "I cannot use it, and this is what I think of it: " + ". And the ".join(f"pedal of {name}" for name in NOUNS.split())
    assert len(keys(reader, text)) == MOST


def test_a_language_we_do_not_know_has_none(reader: SpacyReader) -> None:
    assert keys(reader, "Dobrý den, v balíku chybí jeden díl, prosím o pomoc s touto objednávkou.") == []


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_every_text_can_be_read(text: str) -> None:
    for phrase in READER.read([ToRead(subject=text[:40], new_text=text, reply=False)])[0].key_phrases:
        assert phrase.key.strip() and phrase.text.strip() and "\n" not in phrase.text


READER = SpacyReader()


# --- found in a quarter ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quarter(reader: SpacyReader) -> tuple[list[Mail], list[FirstMail]]:
    written = list(mails(3000, seed=3))
    read = reader.read([ToRead(subject=mail.subject, new_text=mail.text, reply=False) for mail in written])
    return written, [
        FirstMail(
            case=CaseNo(number), person=PersonNo(number), at=BEGIN + QUARTER * (number / len(written)),
            name=mail.name, subject=mail.subject, text=mail.text, key_phrases=scores.key_phrases, language=scores.language,
            topic=scores.topics[0][0] if scores.topics and scores.topics[0][1] > 0.5 else "unsure",
        )
        for number, (mail, scores) in enumerate(zip(written, read, strict=True))
    ]  # fmt: skip


def abouts(each: Group, written: list[Mail]) -> Counter[str]:
    return Counter(written[place].about for place in each.members)


def test_what_people_wrote_about_is_found_with_few_in_the_wrong_place(quarter: tuple[list[Mail], list[FirstMail]]) -> None:
    written, first = quarter
    groups = [abouts(each, written) for each in group(first)]
    right, placed = sum(max(each.values()) for each in groups), sum(each.total() for each in groups)
    real = [mail for mail in written if mail.about]
    assert 10 <= len(groups) <= 40
    assert right / placed >= 0.9
    assert sum(each.total() - each[""] for each in groups) / len(real) >= 0.9
    assert {each.most_common(1)[0][0] for each in groups} >= {mail.about for mail in real}


def test_english_and_german_mails_about_one_thing_are_one_driver(quarter: tuple[list[Mail], list[FirstMail]]) -> None:
    written, first = quarter
    for each in group(first):
        (about, _), *_ = abouts(each, written).most_common(1)
        if about in ("missing_part", "where_is_parcel", "sign_in"):
            assert {written[place].language for place in each.members} == {"en", "de"}, about


def test_what_fits_no_topic_is_found_too(quarter: tuple[list[Mail], list[FirstMail]]) -> None:
    _, first = quarter
    told = drivers(first, BEGIN, BEGIN + QUARTER, zone=UTC)
    assert any(driver.fits_no_topic and "smell" in driver.name for driver in told)


def test_a_driver_keeps_its_key_from_week_to_week(quarter: tuple[list[Mail], list[FirstMail]]) -> None:
    _, first = quarter
    weeks = [drivers([mail for mail in first if mail.at < until], until - timedelta(days=7), until, zone=UTC) for until in (
        BEGIN + QUARTER - timedelta(days=7), BEGIN + QUARTER,
    )]  # fmt: skip
    before, now = ({driver.key for driver in week[:10]} for week in weeks)
    assert len(before & now) >= 8


def test_no_sample_names_who_wrote_it(quarter: tuple[list[Mail], list[FirstMail]]) -> None:
    _, first = quarter
    samples = [sample for driver in drivers(first, BEGIN, BEGIN + QUARTER, zone=UTC) for sample in driver.samples]
    names = {word for mail in first for word in mail.name.split()}
    assert len(samples) > 20
    assert not [sample for sample in samples if names & set(sample.replace(".", " ").replace(",", " ").split())]
