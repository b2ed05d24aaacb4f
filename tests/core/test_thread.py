"""Which case a mail belongs to: proof, then references, then the tag of a participant; a bare subject joins nothing."""

from __future__ import annotations

import pytest

from inboxd.core.model import CaseNo, MessageId
from inboxd.core.thread import Joined, content_key, ids, tagged, thread
from tests.core.builders import message

A, B, C = MessageId("a@x"), MessageId("b@x"), MessageId("c@x")
ONE, TWO, THREE, FOUR = CaseNo(1), CaseNo(2), CaseNo(3), CaseNo(4)
MAIL = message(in_reply_to=(A,), references=(C, B), subject="Re: Bike [#4]")
KNOWN = {A: TWO, B: THREE, C: ONE}


def test_proof_comes_before_everything() -> None:
    assert thread(MAIL, proved=ONE, known=KNOWN, participates_in=(FOUR,)) == Joined(case=ONE, by="signed address")


def test_in_reply_to_comes_before_references_and_references_count_from_the_last_to_the_first() -> None:
    assert ids(MAIL) == (A, B, C)
    assert thread(MAIL, proved=None, known=KNOWN, participates_in=(FOUR,)) == Joined(case=TWO, by="In-Reply-To")
    assert thread(MAIL, proved=None, known={B: THREE, C: ONE}, participates_in=()) == Joined(case=THREE, by="References")
    assert thread(MAIL, proved=None, known={C: ONE}, participates_in=()) == Joined(case=ONE, by="References")


def test_the_subject_tag_counts_only_for_participants_and_after_the_references() -> None:
    assert thread(MAIL, proved=None, known={}, participates_in=(FOUR,)) == Joined(case=FOUR, by="subject tag of a participant")
    assert thread(MAIL, proved=None, known={}, participates_in=()) is None
    assert thread(MAIL, proved=None, known={C: ONE}, participates_in=(FOUR,)) == Joined(case=ONE, by="References")


def test_a_bare_subject_never_joins_anything() -> None:
    assert thread(message(subject="Re: Bike"), proved=None, known=KNOWN, participates_in=(ONE, FOUR)) is None


@pytest.mark.parametrize(
    ("subject", "number"), [("Bike [#12]", 12), ("[#1] Re: Bike [#2]", 2), ("Bike #12", None), ("Bike [12]", None), ("", None)]
)
def test_the_tag_is_the_last_number_in_square_brackets(subject: str, number: int | None) -> None:
    assert tagged(subject) == number


# --- the same mail twice

RAW = b"From: ana@example.org\r\nSubject: Bike\r\nMessage-ID: <a@x>\r\nDate: Mon, 16 Nov 2026 09:00:00 +0000\r\n\r\nHello\r\n"


def test_what_the_journey_adds_does_not_make_another_mail() -> None:
    journey = (
        b"Return-Path: <ana@example.org>\r\nDelivered-To: sales@acme.example\r\nX-Original-To: sales@acme.example\r\n"
        b"Received: from mx\r\n\tby imap; Mon, 16 Nov 2026 09:00:01 +0000\r\nAuthentication-Results: mx; dmarc=pass\r\n"
        b"DKIM-Signature: v=1;\r\n b=abc\r\nARC-Seal: i=1\r\nX-Spam-Score: 0.1\r\n"
    )
    assert content_key(journey + RAW) == content_key(RAW)


def test_the_way_lines_end_does_not_make_another_mail() -> None:
    assert content_key(RAW.replace(b"\r\n", b"\n")) == content_key(RAW)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Subject: Bike", b"Subject: Bikes"),
        (b"<a@x>", b"<b@x>"),
        (b"ana@example.org", b"ben@example.org"),
        (b"09:00:00", b"09:00:01"),
        (b"Subject: Bike", b"Subject: Bike\r\n and more"),
        (b"Subject: Bike", b"Subject: Bike\r\nReply-To: ben@example.org"),
    ],
)
def test_anything_else_makes_another_mail(old: bytes, new: bytes) -> None:
    assert content_key(RAW.replace(old, new)) != content_key(RAW)


def test_a_mail_without_an_end_of_its_head_has_a_key_too() -> None:
    assert content_key(b"Subject: x") != content_key(b"Subject: y")
    assert content_key(b"") == content_key(b"")
