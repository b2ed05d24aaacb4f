"""Every text in every language can be filled in, says nothing that must never be said, and keeps to its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from inboxd.adapters.template_files import load_templates
from inboxd.core.brief import Brief, Past, Promise, StoryPart, Told
from inboxd.core.compose import ANSWER_LINKS, ONE_TAP, MailStamp, Rendered, Templates, render
from inboxd.core.model import Address, Leak, Letter, MailboxName, MessageNo, OutgoingKind, Role, StoryLine
from inboxd.core.orders import Wrong
from inboxd.core.weekly import told
from inboxd.errors import ConfigError, Permanent
from tests.desk.sample_findings import a_quiet_week, a_rich_week, the_week

SHIPPED = Path(__file__).parents[2] / "templates"
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
IN_GERMAN_TOO = ("weekly", "weekly_subject")  # the lead reads these in the language of the mailbox
FOR_CUSTOMERS = ("reply", "are_you_happy", "reminder", "acknowledge", "we_hear_you", "we_are_closed", "known_issue", "mended", ANSWER_LINKS)

FULL_BRIEF = Brief(
    name="Ana",
    now=NOW.astimezone(BERLIN),
    wrote_at=NOW.astimezone(BERLIN),
    due_at=datetime(2026, 11, 16, 10, 12, tzinfo=UTC),
    feeling="upset",
    quotes=("this is the third time I am writing", "Nobody answered my mail."),
    day=date(2026, 11, 21),
    day_sentence="The party is on Saturday",
    kind_words="Tom was friendly",
    story=tuple(
        StoryPart(at=NOW, name=name, quote="one sentence", event=event, unanswered=late)
        for name, event, late in (("Ana", "", False), ("Tom", "resolved", False), ("Ana", "", True), ("Ana", "", True))
    ),
    before=3,
    past=Past(at=datetime(2026, 3, 3, tzinfo=UTC), subject="Lights", outcome="satisfied"),
    promised=(Promise(day=date(2026, 11, 13), past=True, by="Tom", sentence="You have it by Friday."),),
    told=(Told(sentence="I send you a new one.", by="Tom"),),
    you_may=("You may send by courier", "You may give back 30 EUR"),
    why="sounds upset, third mail in 10 days",
    readers=("Luis Ruiz", "Mia Ruiz"),
    reads=("Ana", "Luis", "Mia"),
    sender="ana.ruiz@example.org",
    through="forms@acme.example",
    check="confirmed",
    domain="example.org",
    photos=1,
    files=2,
    notices=("Not shown here: a picture",),
    text="Hello,\n\nplease help.",
    below="Ana Ruiz, order 88213",
)
FIRST_MAIL = StoryLine(at=NOW, role=Role.CUSTOMER, name="Ana Ruiz", text="Hello, one thing.", message=MessageNo(1))
PERSON = {"customer": "Ana", "agent": "Maria", "brand": "Acme Support", "subject": "A bike"}
HOLDER = {"holder": "Jonas", "holder_is_reader": False, "lead": "Petra"}
DONE = [
    {"line": "label: warehouse", "kind": "label", "value": "warehouse", "case": 0},
    {"line": "assign: tom", "kind": "given", "who": "Tom", "case": 0},
    {"line": "assign: tom", "kind": "given_away", "who": "Tom", "case": 0},
    {"line": "topic: refund", "kind": "corrected", "field": "topic", "value": "refund", "case": 0},
    {"line": "snooze #1051: 2 days", "kind": "snooze", "until": NOW, "case": 1051},
    {"line": "snooze: 2 days", "kind": "ask_later", "until": NOW, "case": 0},
    {"line": "away: until Friday", "kind": "away", "until": NOW, "case": 0},
    {"line": "away: no", "kind": "back", "case": 0},
    {"line": "no follow-up", "kind": "no_follow_up", "case": 0},
    {"line": "no promise", "kind": "no_promise", "case": 0},
    {"line": "gave: 20 EUR", "kind": "gave", "value": "20 EUR", "case": 0},
    {"line": "could not: sold out", "kind": "could_not", "value": "sold out", "case": 0},
    {"line": "cc: bob@example.org", "kind": "cc", "value": "bob@example.org", "case": 0},
    {"line": "drop: bob@example.org", "kind": "drop", "value": "bob@example.org", "case": 0},
    {"line": "same as: ann@other.example", "kind": "same_as", "value": "ann@other.example", "case": 0},
    {"line": "not same as: ann@other.example", "kind": "not_same_as", "value": "ann@other.example", "case": 0},
    {"line": "signature: none", "kind": "signature", "case": 0},
    {"line": "merge: #1040", "kind": "merge", "value": "#1040", "subject": "Front wheel", "case": 0},
]
WRONG = [
    Wrong(line="assign: tim", why="unknown_agent", found="tim", meant="tom", known=("tom", "maria")),
    Wrong(line="topic: xyz", why="unknown_topic", found="xyz", known=("refund", "billing")),
    Wrong(line="merge: #9", why="no_case", found="#9"),
    Wrong(line="merge: #7", why="same_case", found="#7"),
    Wrong(line="resolve #9", why="one_case", found="#9"),
    Wrong(line="merge: #8", why="other_customer", found="#8"),
    Wrong(line="snooze: soon", why="no_time", found="soon"),
    Wrong(line="away: soon", why="no_day", found="soon"),
    Wrong(line="cc: bob", why="no_address", found="bob"),
    Wrong(line="cc: tom@acme.example", why="ours", found="tom@acme.example"),
    Wrong(line="not same as: x@example.org", why="never_joined", found="x@example.org"),
    Wrong(line="not same as: x@example.org", why="never_joined", found="x@example.org", known=("ann@other.example",)),
    Wrong(line="merge: it", why="no_argument", meant="merge: #1040"),
    Wrong(line="pass on", why="over"),
]
NEWS: Mapping[str, object] = {"now": NOW, "opens_at": NOW, "writes_by": NOW, "writes_on": "that day", "answer": "Tick the box."}
SAMPLES: Mapping[str, Mapping[str, object]] = {
    "routed": {"brief": FULL_BRIEF, "earlier": (), "both_know": (), "marked_spam": False, "oversize": 0},
    ONE_TAP: {},
    ANSWER_LINKS: {},
    "exchange": {"brief": FULL_BRIEF, "subject": "Ana Ruiz: A bike [#7]", "left_out": 3, "lines": [
        replace(FIRST_MAIL, role=role, name=name, event=event)
        for role, name, event in ((Role.CUSTOMER, "Ana Ruiz", ""), (Role.AGENT, "Tom", "resolved"), (Role.ASKED, "Bob", ""))
    ]},
    "reply": {
        "words": "Hello Ana,\n\nit is on its way.",
        "signs_as": "Maria",
        "brand": "Acme Support",
        "quotation": "Where is it?\n\nAna",
        "quoted_at": NOW,
        "quoted_name": "Ana Ruiz",
    },
    "are_you_happy": {**PERSON, "variant": "resolved", "answered_at": NOW, "refused_at": NOW, "lead": "Petra"},
    "reminder": PERSON,
    "acknowledge": {**PERSON, **NEWS},
    "we_hear_you": {**PERSON, **NEWS},
    "we_are_closed": {**PERSON, **NEWS},
    "transcript": {
        **PERSON, "words": "Hello Ana,\n\nhere.", "readers": ["Ana", "Luis"], "note": "call the courier", "resolved": True, "unread": False,
        "done": DONE, "leaves_at": NOW, "why_not": "", "ask_at": NOW, "left_out": ["your signature (2 lines)"],
    },
    "returned": {
        **PERSON, "no_case": False, "at": None, "outside": False,
        "kind": "near_miss", "found": "resolv", "meant": "resolve", "better": "", "text": "Hello Ana",
        "places": [Leak(place="the text", what="an agent's address", excerpt="write to tom@acme.example")],
        "wrong": WRONG, "right": DONE[:1],
    },
    "false_claim": {"sender": "x@example.org", "holder": "Maria", "subject": "Lamp", "server": ""},
    "no_case": {**PERSON, "text": "snooze: 2 days"},
    "inquiry_answer": {**PERSON, "who": "Bob", "email": "bob@carrier.example", "text": "It is here.", "at": NOW},
    "on_behalf": {**PERSON, "writer": "Ann", "email": "ann@example.org", "holder": "Tom", "yours": False, "note": "a friend of mine"},
    "morning_list": {
        **PERSON, "now": NOW, "promised": [{"name": "Ana", "sentence": "at your door tomorrow"}], "also": ["Lena Fuchs", "Rui Costa"],
        "first": [{"name": "Ben Okafor", "subject": "charged twice", "upset": True, "again": True, "due_at": NOW, "number": 7}],
        "quiet": [{"name": "Mia Lund", "number": 9}],
    },
    "looked_up": {**PERSON, "found": [{"title": "With you: 1", "lines": ["#7 Ana Ruiz: Lamp (open, by Mon 11:12)"]}], "original": True},
    "help": PERSON,
    "practice": {**PERSON, "customer": "Robin", "line": "Hello Robin, yes.", "text": "Is anybody there?", "now": NOW},
    "practised": {
        "reader": "Robin", "better": "",
        **PERSON, "customer": "Robin", "kind": "words", "words": "Hello Robin, yes.", "signs_as": "Maria", "quotation": "Is anybody there?",
        "quoted_at": NOW, "quoted_name": "Robin Winter", "left_out": ["your signature (2 lines)"], "learnt": ("Maria Lindt", "Acme GmbH"),
        "signature": ("Maria Lindt", "Acme GmbH"), "why": "mistakes", "found": "resolv", "meant": "resolve", "text": "Hello Robin",
        "places": (), "no_case": False, "at": None, "outside": False, "wrong": (), "right": (),
        "done": [{"line": "label: x", "kind": "label", "value": "x", "case": 0}],
        "note": "", "readers": ["Robin"], "resolved": True, "unread": False, "leaves_at": None, "ask_at": NOW, "why_not": "",
    },
    "mentor": {
        **PERSON, "writer": "Lena", "words": "Hello Ana,\n\nhere.", "orders": ("resolve", "label: axle"), "files": True, "stands_in": True,
        "text": "Where is it?", "wrote_at": NOW, "now": NOW,
    },
    "mentored": {**PERSON, "what": "waiting", "reader": "Petra", "words": "Hello Ana, here it is."},
    "answer_notice": {**PERSON, **HOLDER, "variant": "not_solved", "quote": "it does not fit", "answer": ""},
    "due_reminder": {**PERSON, **HOLDER, "due_at": NOW, "now": NOW, "times": 2, "to_lead": True, "past": True, "first": True, "next": ""},
    "promise_reminder": {**PERSON, "day": NOW.date(), "now": NOW, "promised": [
        {"sentence": "It will be at your door tomorrow, Tuesday, before noon.", "at": NOW, "by": "Maria", "yours": True},
        {"sentence": "I call you on Tuesday.", "at": NOW, "by": "Tom", "yours": False},
    ]},
    "thanks": {**PERSON, "quote": "You made my day.", "at": NOW, "not_asked": True, "grave": False},
    "bounce_notice": {**PERSON, "address": "ana@example.org", "permanent": True, "reply": "550 no such mailbox"},
    "unsent": {
        **PERSON, "unknown": False, "given_up": True,
        "number": 1042, "subject": "Heating", "tries": 9, "since": NOW, "reply": "451 try later",
        "words": "Hello Ana",
    },
    "parked": {"received_at": NOW, "reason": "the decision failed", "message": 7},
    "unfetchable": {
        "received_at": NOW, "reason": "the server refused it", "folder": "INBOX", "address": "support@acme.example", "uid": 7, "size": 99,
    },
    "watch_daily": {
        "mailbox": "support@acme.example", "received": 3, "automatic": 1, "parked": 1,
        "groups": [{"title": "First, please", "lines": ["Ana Ruiz, a bike, sounds upset."]}],
    },
    "left_watch": {"mailbox": "support@acme.example", "cases": ["Ana Ruiz, a bike"]},
    "rules_broken": {"mistakes": ["rules/routing.yaml:3:5: no team called 'senior'"]},
    "rules_tried": {
        "mistakes": [], "warnings": ["routing.yaml:9:5: this rule can never decide anything"], "tests": 3,
        "failed": ["routing.test.yaml:2: the rule test 'an upset customer' fails: assign: everyone instead of seniors"],
        "backtest": "would change: 2 of 9 messages\n\nended badly: 1 of such cases",
    },
    "trouble": {"what": "fetch:acme:INBOX", "because": "the server refused the password", "since": NOW},
    "audit": {"findings": ["case 7 has no date"]},
    "told": {**PERSON, **HOLDER, "upset": True, "quote": "nobody answers", "because": "the rule for large customers"},
    "done_here": {**PERSON, "what": "answered", "writer": "Petra", "quote": "The 15 mm one."},
    "note": {**PERSON, "writer": "Maria", "note": "the courier is late"},
    "feedback_notice": PERSON,
    "agent_unreachable": {**PERSON, "failing": "Tom Berg"},
    "held_back": {"subject": "A bike", "because": "cap of 20 mails an hour", "case": 7, "writer": "Maria", "robots": True},
    "spike": {
        "agent": "Petra", "what": "cannot sign in", "people": 7, "window": "an hour", "usual": 1, "now": NOW,
        "first": [{"name": "Ana Ruiz", "case": 1042, "at": NOW, "quote": "I cannot sign in since noon."}],
    },
    "issue": {
        **PERSON, "variant": "opened", "people": 12, "text": "Signing in fails for some.", "fixed": "", "left_out": ("Petra Vogel",),
        "reasons": (), "issue": 1, "missing": (), "waits": 0,
    },
    "issue_holder": {
        **PERSON, "people": ({"name": "Ana Ruiz", "subject": "Cannot sign in", "case": 1042},), "text": "Signing in fails for some.",
        "fixed": "",
    },
    "known_issue": {**PERSON, "opens_at": NOW, "known_issue": "Signing in fails for some."},
    "mended": {**PERSON, "wrote_at": NOW, "mails": 41, "since": NOW, "now": NOW, "fixed": "It was a cable."},
    "breaker": {"mailbox": "support@acme.example", "count": 100, "minutes": 10},
    "voice_offer": {
        "agent": "Petra", "listener": "Product", "lines": ("the axle is missing in the box",), "first": date(2026, 11, 16),
        "last": date(2026, 11, 22),
    },
    "voice": {
        "lines": ("the axle is missing in the box",), "first": date(2026, 11, 16), "last": date(2026, 11, 22), "released_by": "Petra",
        "brand": "Acme Support",
    },
    "voice_released": {"agent": "Petra", "listener": "Product", "left": False, "places": ("an agent's address",)},
    "weekly": {"agent": "Petra", **told(a_rich_week())},
    "weekly_subject": {"agent": "Petra", **told(a_rich_week())},
}  # fmt: skip
VARIANTS: Mapping[str, tuple[Mapping[str, object], ...]] = {
    "thanks": ({"not_asked": False, "grave": True},),
    "spike": ({"agent": "", "usual": 0, "first": [{"name": "Ana", "case": 7, "at": NOW, "quote": ""}]},),
    "routed": (
        {"earlier": (FIRST_MAIL,), "both_know": ("Tom", "Maria"), "marked_spam": True, "oversize": 42_000_000},
        {"both_know": ("Tom",)},
    ),
    "exchange": ({"left_out": 0}, {"left_out": 1, "brief": replace(FULL_BRIEF, name="")}),
    "are_you_happy": (
        {"variant": "silence"}, {"customer": ""}, {"variant": "could_not"}, {"variant": "could_not", "refused_at": None, "lead": ""},
    ),
    "we_are_closed": ({"opens_at": None},),
    "reminder": ({"customer": ""},),
    "done_here": ({"writer": ""}, {"quote": ""}, {"what": "resolved"}),
    "reply": ({"quotation": ""},),
    "practised": (
        *({"kind": kind} for kind in ("back", "forgot", "help", "done")), {"kind": "done", "words": "", "note": "call them"},
        {"learnt": ()}, {"signature": (), "left_out": ()},
    ),
    "mentor": ({"orders": (), "files": False, "stands_in": False, "text": "", "wrote_at": None},),
    "mentored": ({"what": "released"}, {"what": "overtaken"}),
    "transcript": (
        {"words": "", "note": ""}, {"words": "", "note": "", "resolved": False}, {"done": ()}, {"leaves_at": None}, {"resolved": False},
        {"words": "", "resolved": False}, {"resolved": False, "unread": True},
        {"words": "", "note": "", "done": (), "resolved": False, "unread": True},
        *({"ask_at": None, "why_not": why} for why in ("mode", "works", "quiet", "lately")),
    ),
    "returned": (
        {"kind": "ambiguous", "found": "snooze tomorrow", "meant": "snooze", "better": "snooze: tomorrow"},
        *({"kind": kind, "meant": meant} for meant in ("resolve", "note") for kind in (
            "mistakes", "undone", "too_late", "collision", "twice", "nothing_held", "ambiguous", "leak", "inline", "other_quote",
            "no_words", "unreachable", "not_found", "nothing_waits", "taken_back", "overtaken", "sealed",
        )),
    ),
    "no_case": ({"text": ""},),
    "issue": (
        {"variant": "told", "people": 1, "reasons": (("opted_out", 2), ("sensitive", 1))}, {"variant": "closed", "fixed": "A cable."},
        {"missing": (("de", 3), ("xx", 1))}, {"variant": "closed", "fixed": "A cable.", "missing": (("de", 1),), "waits": 30},
        {"variant": "reworded", "left_out": ()},
    ),
    "issue_holder": ({"fixed": "A cable.", "people": ({"name": "B", "subject": "", "case": 1}, {"name": "C", "subject": "x", "case": 2})},),
    "known_issue": ({"opens_at": None}, {"customer": ""}),
    "mended": ({"mails": 1, "fixed": ""}, {"customer": ""}),
    "on_behalf": ({"holder": "", "yours": True, "note": ""},),
    "false_claim": ({"holder": ""}, {"server": "mx.acme.example"}),
    "morning_list": (
        {"first": [], "promised": [], "also": [], "quiet": []},
        {"first": [{"name": "B", "subject": "x", "upset": False, "again": False, "due_at": None, "number": 7}]},
    ),
    "looked_up": ({"found": [{"title": "With you: 0", "lines": []}], "original": False},),
    "answer_notice": (
        {"variant": "solved"}, {"variant": "solved_and_new"}, {"variant": "unclear"}, {"quote": ""}, {"holder_is_reader": True},
        {"variant": "unclear", "holder_is_reader": True},
        {"variant": "answer_helped", "answer": "Company invoices"},
    ),
    "due_reminder": (
        {"to_lead": False, "times": 1}, {"past": False}, {"past": False, "lead": ""}, {"to_lead": False, "past": False, "next": "Jonas"},
        {"to_lead": False, "past": False, "next": "nobody", "first": False}, {"customer": "Bartholomew-Alexander the Third", "past": False},
    ),
    "promise_reminder": tuple(
        {"day": day, "customer": customer, "promised": [{"sentence": "I call you.", "at": NOW, "by": by, "yours": False}]}
        for day in (date(2026, 11, 25), NOW.date())
        for customer in ("Ana", "Bartholomew-Alexander the Third")
        for by in ("", "Tom", "Maximiliane-Charlotte")
    ),
    "bounce_notice": ({"permanent": False, "reply": ""},),
    "unsent": ({"unknown": True}, {"given_up": False, "number": 0, "subject": "", "tries": 1, "words": ""},),
    "rules_tried": (
        {"failed": []}, {"failed": [], "warnings": []}, {"failed": [], "warnings": [], "tests": 1},
        {"failed": [], "warnings": [], "tests": 0, "backtest": ""},
        {"mistakes": ["routing.yaml:3:5: no team called 'senior'\n    3 | ..."], "warnings": [], "tests": 0, "failed": [], "backtest": ""},
    ),
    "voice_released": ({"left": True}, {"places": ()}),
    "weekly": (told(the_week()), {**told(a_quiet_week()), "agent": ""}),
    "weekly_subject": (told(a_quiet_week()),),
    "watch_daily": ({"received": 1, "automatic": 0, "parked": 0, "groups": []}, {"parked": 2}),
}  # fmt: skip
NEVER = {
    "en": (
        r"ticket|case number|request id|has been received|was forwarded|will be processed|apologi[sz]e for any|unfortunately|"
        r"as per our|we understand|frustrat|important to us|survey|\brate\b|rating|satisfaction|do not reply|automated message|"
        r"valued customer|dear customer|\buser\b|escalat|\bsla\b|breach|overdue|unresolved|(?<!we are )\bclosed\b|earliest convenience|"
        r"kindly|please be advised|sorry to see|exceeded|thank you for contacting|\bhe\b|\bshe\b|\bhis\b|\bher\b|upset|angry|https?://|"
        r"\btoday\b|\btomorrow\b|monday by"
    ),
    "de": (
        r"ticket|vorgangsnummer|fallnummer|eingegangen|weitergeleitet|bearbeitet|unannehmlichkeit|leider|wir verstehen|frustr|"
        r"wichtig für uns|umfrage|bewert|zufriedenheit|nicht antworten|automatische nachricht|sehr geehrter kunde|benutzer|"
        r"eskal|überfällig|ungelöst|schnellstmöglich|zeitnah|umgehend|verärgert|wütend|https?://|\bheute\b|\bmorgen\b|\ber\b"
    ),
}


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load_templates(SHIPPED, None)


def stamp() -> MailStamp:
    address = "support+r7.abc@acme.example"
    return MailStamp(
        message_id="m1@acme.example",
        date=NOW,
        from_=Address(email="support@acme.example", name="Acme Support"),
        reply_to=Address(email=address),
        answer_yes="support+y7.abc@acme.example",
        answer_no="support+d7.abc@acme.example",
        zone=BERLIN,
    )


def letter(name: str, language: str = "en", **values: object) -> Letter:
    kinds = {"routed": OutgoingKind.ROUTED, "reply": OutgoingKind.REPLY, "follow_up": OutgoingKind.FOLLOW_UP}
    return Letter(
        kind=kinds.get(name, OutgoingKind.NOTICE),
        purpose="p",
        template=name,
        mailbox=MailboxName("acme"),
        language=language,
        to=Address(email="ana@example.org"),
        subject="A bike [#7]",
        values={**SAMPLES[name], **values},
        answer_links=name in ("are_you_happy", "reminder"),
    )


def shown(templates: Templates, name: str, language: str = "en", **values: object) -> Rendered:
    return render(letter(name, language, **values), templates, stamp())


def test_every_text_has_sample_values_and_every_sample_a_text(templates: Templates) -> None:
    assert templates.names == set(SAMPLES)
    assert templates.missing(SAMPLES, ["en"]) == ()
    assert templates.missing((*FOR_CUSTOMERS, *IN_GERMAN_TOO), ["de"]) == ()


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("language", ["en", "de"])
def test_every_text_is_filled_in_without_holes(templates: Templates, name: str, language: str) -> None:
    for values in ({}, *VARIANTS.get(name, ())):
        rendered = shown(templates, name, language, **values)
        assert rendered.text.strip()
        assert "\n\n\n" not in rendered.text, rendered.text
        assert not re.search(r"\{[{%]|[%}]\}|None|Undefined|<[a-z]|[\ue000-\uf8ff]", rendered.text)
        assert not re.search(r" \n|[ (]\.(?!\.)|\"\"|,,|\w  \w", rendered.text), rendered.text
        assert rendered.language == (language if name in (*FOR_CUSTOMERS, *IN_GERMAN_TOO) else "en")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ("reply", ONE_TAP)])
def test_the_first_line_of_every_mail_fits_a_locked_phone(templates: Templates, name: str) -> None:
    for values in ({}, *VARIANTS.get(name, ())):
        first = shown(templates, name, "en", **values).first_line
        assert first and (len(first) <= 60 or name in ("answer_notice", "thanks", "audit")), first


@pytest.mark.parametrize("name", FOR_CUSTOMERS)
@pytest.mark.parametrize("language", ["en", "de"])
def test_customers_never_read_the_words_that_must_never_be_said(templates: Templates, name: str, language: str) -> None:
    source = templates.texts[f"{language}/{name}"]
    assert re.findall(NEVER[language], re.sub(r"\{[{%].*?[%}]\}", "", source, flags=re.DOTALL), re.IGNORECASE) == []


def test_no_mail_to_agents_calls_anybody_angry_or_a_ticket(templates: Templates) -> None:
    for key, source in templates.texts.items():
        assert not re.search(r"\bticket|angry|furious|\buser\b|escalat|\bSLA\b|overdue|unfortunately|https?://", source, re.IGNORECASE), key
        assert not re.search(r"\b(?:he|she|his|her)\b", source, re.IGNORECASE), key


def test_plain_text_and_page_say_the_same_words_in_the_same_order(templates: Templates) -> None:
    for name in SAMPLES:
        if name in (ONE_TAP, ANSWER_LINKS):
            continue
        rendered = shown(templates, name)
        body = re.sub(r"(?s).*<body[^>]*>|<p[^>]*><a .*?</a></p>", "", rendered.html)
        page = unescape(re.sub(r"<[^>]+>", " ", body))
        assert re.findall(r"\w+", page) == re.findall(r"\w+", rendered.text), name


def test_no_page_holds_a_picture_or_a_web_link(templates: Templates) -> None:
    for name in SAMPLES:
        assert not re.search(r"<img|https?:|url\(|<script|cid:", shown(templates, name).html), name


def test_a_full_brief_has_at_most_twenty_lines(templates: Templates) -> None:
    text = shown(templates, "routed").text
    assert len(text.partition("\n----- Ana wrote")[0].rstrip("\n").split("\n")) <= 20, text


@pytest.mark.parametrize("name", ["Ana", "Bartholomew-Alexander", "x" * 60, ""])
@pytest.mark.parametrize("due", [None, datetime(2026, 11, 16, 10, 12, tzinfo=UTC), datetime(2027, 1, 27, 14, 0, tzinfo=UTC)])
@pytest.mark.parametrize(
    "changes",
    [
        {"feeling": "upset"},
        {"feeling": "unhappy"},
        {"feeling": "", "topic": "order"},
        {"feeling": "", "topic": "something_the_admin_called_very_long_indeed"},
        {"feeling": "", "subject": "Bike without a front axle, and a bell that does not ring"},
        {"feeling": "", "urgent": True, "topic": "account"},
        {"feeling": "", "urgent": True},
        {"said": "dissatisfied"},
        {"said": "unclear"},
        {"said": "satisfied_and_new"},
        {"feeling": "", "reopened": True},
        {"unconfirmed_matters": True},
    ],
)
def test_the_first_line_of_a_brief_never_passes_sixty_letters(
    templates: Templates, name: str, due: datetime | None, changes: dict[str, object]
) -> None:
    brief = replace(FULL_BRIEF, name=name, due_at=due, **changes)  # type: ignore[arg-type]
    first = shown(templates, "routed", brief=brief).first_line
    assert len(first) <= 60, first
    assert ("y " in first or "By " in first) if due else True


def test_a_brief_with_nothing_to_say_is_one_line(templates: Templates) -> None:
    bare = Brief(name="Ana", now=FULL_BRIEF.now, wrote_at=FULL_BRIEF.now, topic="order", text="Hi", sender="ana@example.org")
    assert shown(templates, "routed", brief=bare).text == (
        "Ana asks about an order.\n\nFrom ana@example.org.\n\n----- Ana wrote today at 09:12 -----\n\nHi\n\n-----\n"
        'Just reply: Ana reads your words and nothing else.\nFirst word "note" keeps it among us; "help" shows the rest.\n'
    )


def test_mails_that_came_together_are_shown_together_oldest_first(templates: Templates) -> None:
    text = shown(templates, "routed", earlier=(FIRST_MAIL,)).text
    mark = "----- Ana wrote today at 09:12 -----"
    assert text.count(mark) == 2 and text.index("Hello, one thing.") < text.rindex(mark) < text.index("please help.")


def test_who_tried_before_is_said_without_blame(templates: Templates) -> None:
    assert "third mail in 10 days. Tom and Maria know you have it now.\n" in shown(templates, "routed", both_know=("Tom", "Maria")).text
    assert "third mail in 10 days. Tom knows you have it now.\n" in shown(templates, "routed", both_know=("Tom",)).text


def test_a_value_that_is_missing_stops_the_mail(templates: Templates) -> None:
    with pytest.raises(Permanent, match=r"answered_at|variant"):
        render(replace(letter("are_you_happy"), values=PERSON), templates)


def test_a_value_is_never_run_as_a_template(templates: Templates) -> None:
    assert "{{ 7 * 7 }}" in shown(templates, "reply", words="{{ 7 * 7 }}").text


def test_a_language_without_texts_falls_back_to_the_mailbox_and_then_to_english(templates: Templates) -> None:
    german = replace(stamp(), default_language="de")
    assert render(letter("are_you_happy", "fr"), templates, german).language == "de"
    assert render(letter("are_you_happy", "fr"), templates, stamp()).language == "en"
    assert render(letter("are_you_happy", "de-AT"), templates, stamp()).language == "de"


def test_an_unknown_text_is_a_mistake_of_the_settings(templates: Templates) -> None:
    with pytest.raises(ConfigError, match="nonsense"):
        render(replace(letter("help"), template="nonsense"), templates)


def test_the_admins_own_text_comes_first(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "help.txt.j2").write_text("Ring me, {{ agent }}.\n", encoding="utf-8")
    assert shown(load_templates(SHIPPED, tmp_path), "help").text == "Ring me, Maria.\n"


def test_every_mistake_in_the_texts_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "help.txt.j2").write_text("fine\n{% if %}\n", encoding="utf-8")
    (tmp_path / "en" / "thanks.txt.j2").write_text("{{ oh", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_templates(SHIPPED, tmp_path)
    assert [line.split(": ")[0] for line in error.value.mistakes] == [f"{tmp_path}/en/help.txt.j2:2", f"{tmp_path}/en/thanks.txt.j2:1"]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        load_templates(SHIPPED, tmp_path / "nowhere")


def test_every_text_is_described_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/templates.md").read_text(encoding="utf-8")
    for name, values in SAMPLES.items():
        row = next((line for line in page.splitlines() if line.startswith(f"| `{name}` |")), None)
        assert row is not None, name
        assert [
            value for value in values if f"`{value}`" not in row and value not in {*PERSON, *HOLDER}
        ] == [] or name == "weekly_subject", name


def test_the_german_question_reads_as_a_person_would_write_it(templates: Templates) -> None:
    assert shown(templates, "are_you_happy", "de").text == (
        "Guten Tag Ana,\n\nMaria glaubt, „A bike“ ist gelöst. Sicher wissen das nur Sie.\nStimmt es?\n\n"
        "Antworten Sie einfach, ein Wort genügt. Maria liest es.\n\n"
        "Wenn etwas noch nicht stimmt, kümmert sich jemand darum, der\nentscheiden darf. Sie müssen nichts noch einmal erzählen.\n\n"
        "Ihr Acme Support\n\n"
        "Diese Frage kam von selbst. Wenn Sie lieber nicht gefragt\nwerden, sagen Sie es einfach, dann lassen wir es.\n"
    )


def test_after_silence_nobody_believes_anything(templates: Templates) -> None:
    text = shown(templates, "are_you_happy", variant="silence", answered_at=datetime(2026, 11, 9, 9, tzinfo=UTC)).text
    assert 'Maria answered you on 9 November about "A bike".' in " ".join(text.split())
    assert "believes" not in text
