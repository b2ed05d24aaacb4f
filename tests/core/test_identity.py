"""Mail that speaks for somebody else: whose words it brings, what it is, and who can never be impersonated by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.brief import sender_check
from inboxd.core.identity import identity
from inboxd.core.model import Address, Directory, Kind, MailboxName, Message, MessageNo, RawMessage, Scores, Screening, ToRead, Understood
from inboxd.core.rulebook import Identity
from inboxd.core.understand import understand

FORM = "forms@acme.example"
FIELD = Identity(senders=(FORM,), customer_is="field", form_field="E-Mail")
REPLY_TO = Identity(senders=("@shop.example",), customer_is="reply_to")
LIST = Identity(senders=("help-list@lists.example",), customer_is="original_sender")
PEOPLE = Directory(
    own=frozenset({"support@acme.example"}),
    agents=frozenset({"maria@acme.example"}),
    identity=(FIELD, REPLY_TO, LIST),
    junk=frozenset({(MailboxName("acme"), "Junk")}),
)
PERSON = Screening(kind=Kind.PERSON, reason="no sign of a machine")


def read(texts: Sequence[ToRead]) -> list[Scores]:
    return [Scores(language="en") for _ in texts]


def arrived(head: str, text: str, directory: Directory = PEOPLE, folder: str = "INBOX") -> Understood:
    """A whole mail, understood."""
    raw = f"{head}\nTo: support@acme.example\nSubject: A question\n\n{text}\n".replace("\n", "\r\n").encode()
    one = RawMessage(
        number=MessageNo(1), mailbox=MailboxName("acme"), received_at=datetime(2026, 11, 16, tzinfo=UTC), raw=raw, folder=folder
    )
    (found,) = understand([one], directory, read)
    assert isinstance(found, Understood)
    return found


def writer(text: str, rule: Identity = FIELD) -> Address:
    """Whose words a form's mail with this text brings."""
    message = Message(sender=Address(email=FORM, name="Contact form"), text=text)
    return identity(message, PERSON, replace(PEOPLE, identity=(rule,)))[0].sender


@pytest.mark.parametrize(
    "text",
    [
        "E-Mail: ana@x.example",
        "e-mail : Ana@X.example ",
        "Name: Ana\nE-MAIL=ana@x.example\nMessage: Hello",
        "*E-Mail:* ana@x.example",
        "**E-Mail**: ana@x.example",
        "_E-Mail:_ <ana@x.example>",
        "E-Mail*: ana@x.example",
        "- E-Mail: ana@x.example",
        "| E-Mail | ana@x.example |",
        "E-Mail\tana@x.example",
        "E-Mail ana@x.example",
        "E-Mail:\nana@x.example\nMessage: Hello",
        "E-Mail\n\n  ana@x.example\n",
        "E-Mail: ana@x.example<mailto:ana@x.example>",
        "E-Mail: [ana@x.example](mailto:ana@x.example)",
        "E-Mail: mailto:ana@x.example",
        "E-Mail:\xa0ana@x.example.",
        "E-Mail: 'Ana' <ana@x.example>",
        'E-Mail: "ana@x.example"',
        "E-Mail: 'ana@x.example'",
        "Your E-Mail was read.\nE-Mails: bob@x.example\nE-Mail-Newsletter: bob@x.example\nE-Mail: ana@x.example",
    ],
)
def test_the_line_of_a_form_names_the_customer_however_it_is_written(text: str) -> None:
    assert writer(text).email == "ana@x.example"


def test_an_apostrophe_is_a_part_of_an_address() -> None:
    assert writer("E-Mail: o'brien@x.example").email == "o'brien@x.example"


def test_html_alone_is_read_as_well() -> None:
    head = f"From: {FORM}\nContent-Type: text/html"
    for html in (
        "<table><tr><td><b>E-Mail:</b></td><td><a href='mailto:ana@x.example'>ana@x.example</a></td></tr></table>",
        "<p><strong>E-Mail</strong><br>ana@x.example</p>",
    ):
        assert arrived(head, html).message.sender.email == "ana@x.example"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("E-Mail: Ana Ruiz <ana@x.example>", "Ana Ruiz"),
        ("Name: Ana Ruiz\nE-Mail: ana@x.example", "Ana Ruiz"),
        ("E-Mail: ana@x.example\n*Your name:* Ana Ruiz", "Ana Ruiz"),
        ("Name\nAna Ruiz\nE-Mail\nana@x.example", "Ana Ruiz"),
        ("Name:\nE-Mail: ana@x.example", ""),
        ("Name: \nPhone: 12\nE-Mail: ana@x.example", ""),
        ("Name: maria@acme.example\nE-Mail: ana@x.example", ""),
        ("E-Mail: ana@x.example\nI changed my name: it is long " + "x" * 90, ""),
    ],
)
def test_the_name_is_taken_where_the_form_gives_one_and_never_made_up(text: str, name: str) -> None:
    assert writer(text) == Address(email="ana@x.example", name=name)


@pytest.mark.parametrize(
    "text",
    [
        "Message: Hello",
        "E-Mail:\nMessage: write to bob@x.example",
        "E-Mail:\n\nPlease answer bob@x.example soon",
        "> E-Mail: ana@x.example",
        "My E-Mail: ana@x.example",
        "E-Mail: none",
        "E-Mail: ana@localhost",
        "E-Mail: ana@x.example/../y",
        "E-Mail: " + "a" * 65 + "@x.example",
        "E-Mail: maria@acme.example",
        "E-Mail: Maria+form@ACME.example",
        "E-Mail: support@acme.example",
        "E-Mail: support+r1042.abc@acme.example",
        f"E-Mail: {FORM}",
        "E-Mail: maria@acme.example\nE-Mail: ana@x.example",
    ],
)
def test_without_an_address_that_may_be_believed_the_mail_stays_the_forms(text: str) -> None:
    found = arrived(f"From: Contact form <{FORM}>\nAuto-Submitted: auto-generated", text)
    assert (found.message.sender, found.message.through) == (Address(email=FORM, name="Contact form"), "")
    assert found.screening.kind is Kind.AUTO_GENERATED


@given(st.text(max_size=300), st.sampled_from(("", "E-Mail: ", "E-Mail\n", "*E-Mail*=")))
def test_no_text_ever_makes_an_agent_or_one_of_us_of_a_stranger(words: str, before: str) -> None:
    for ours in ("maria@acme.example", "support@acme.example"):
        assert writer(f"{before}{words}{ours}{words}").email not in (ours, ours.upper())


def test_a_hostile_text_costs_little() -> None:
    assert writer("E-Mail " * 400_000).email == FORM
    assert writer("\n".join(["E-Mail:"] * 400_000)).email == FORM


# --- headers -------------------------------------------------------------------------------------------------------


def test_reply_to_names_the_customer_and_their_name() -> None:
    found = arrived("From: Shop <orders@shop.example>\nReply-To: Ana Ruiz <Ana@x.example>", "Where is it?")
    assert found.message.sender == Address(email="ana@x.example", name="Ana Ruiz")
    assert found.message.through == "orders@shop.example"


@pytest.mark.parametrize("reply_to", ["", "Reply-To: orders@shop.example", "Reply-To: maria@acme.example", "Reply-To: nobody"])
def test_a_reply_to_that_names_no_customer_changes_nothing(reply_to: str) -> None:
    found = arrived(f"From: orders@shop.example\n{reply_to}".strip(), "Where is it?")
    assert (found.message.sender.email, found.message.through) == ("orders@shop.example", "")


@pytest.mark.parametrize(
    ("headers", "writer"),
    [
        ("X-Original-Sender: ana@x.example", Address(email="ana@x.example")),
        ("X-Original-From: Ana Ruiz <ana@x.example>", Address(email="ana@x.example", name="Ana Ruiz")),
        (
            'X-Original-Sender: bounce@esp.example\nX-Original-From: "Ruiz, Ana" <ana@x.example>',
            Address(email="ana@x.example", name="Ruiz, Ana"),
        ),
    ],
)
def test_a_list_names_the_writer_in_its_own_headers(headers: str, writer: Address) -> None:
    found = arrived(f"From: \"'Ana' via Help\" <help-list@lists.example>\nList-Id: <help-list.lists.example>\n{headers}", "Where is it?")
    assert (found.message.sender, found.message.through) == (writer, "help-list@lists.example")
    assert found.screening.kind is Kind.PERSON


def test_mail_of_others_is_left_alone() -> None:
    found = arrived("From: ben@y.example\nReply-To: ana@x.example", "E-Mail: ana@x.example")
    assert (found.message.sender.email, found.message.through) == ("ben@y.example", "")


def test_an_agents_own_mail_is_the_agents_also_where_a_rule_names_their_whole_domain() -> None:
    everybody = replace(PEOPLE, identity=(Identity(senders=("acme.example",), customer_is="reply_to"),))
    assert arrived("From: maria@acme.example\nReply-To: ana@x.example", "Hello", everybody).message.sender.email == "maria@acme.example"
    assert arrived("From: web@acme.example\nReply-To: ana@x.example", "Hello", everybody).message.sender.email == "ana@x.example"


def test_the_second_rule_of_a_sender_is_asked_where_the_first_finds_nobody() -> None:
    both = replace(PEOPLE, identity=(FIELD, Identity(senders=(FORM,), customer_is="reply_to")))
    assert arrived(f"From: {FORM}\nReply-To: ana@x.example", "Hello", both).message.sender.email == "ana@x.example"
    assert arrived(f"From: {FORM}\nReply-To: ben@y.example", "E-Mail: ana@x.example", both).message.sender.email == "ana@x.example"


# --- what kind of mail it is -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mark",
    [
        "Auto-Submitted: auto-generated", "Auto-Submitted: auto-replied", "Precedence: bulk", "Precedence: auto_reply",
        "List-Id: <forms.acme.example>", "List-Unsubscribe: <https://acme.example/u>", "Return-Path: <>", "X-Auto-Generated: yes",
    ],
)  # fmt: skip
def test_what_came_through_a_form_is_a_persons_whatever_the_machine_says_of_itself(mark: str) -> None:
    without = arrived(f"From: {FORM}\n{mark}", "Message: Hello")
    assert without.screening.automatic
    assert arrived(f"From: {FORM}\n{mark}", "E-Mail: ana@x.example\nMessage: Hello").screening.kind is Kind.PERSON


def test_words_of_absence_in_a_form_are_a_persons() -> None:
    text = "E-Mail: ana@x.example\nMessage: I am out of the office until Friday, deliver it on Monday."
    assert arrived(f"From: {FORM}\nAuto-Submitted: auto-generated", text).screening.kind is Kind.PERSON


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (f"From: {FORM}\nX-Failed-Recipients: ana@x.example", Kind.BOUNCE),
        (f"From: {FORM}\n" + "\n".join(["Received: from a by b"] * 100), Kind.LOOP),
        ("From: support@acme.example", Kind.OWN),
    ],
)
def test_bounces_loops_and_our_own_mail_stay_what_they_are(head: str, kind: Kind) -> None:
    rules = (FIELD, Identity(senders=("support@acme.example",), customer_is="field", form_field="E-Mail"))
    found = arrived(head, "E-Mail: ana@x.example", replace(PEOPLE, identity=rules))
    assert (found.screening.kind, found.message.through) == (kind, "")


@pytest.mark.parametrize(("header", "folder"), [("X-Spam-Flag: YES", "INBOX"), ("X-Other: 1", "Junk")])
def test_spam_through_a_form_stays_spam_and_is_its_writers(header: str, folder: str) -> None:
    found = arrived(f"From: {FORM}\n{header}", "E-Mail: ana@x.example", folder=folder)
    assert (found.screening.kind, found.message.sender.email) == (Kind.SPAM, "ana@x.example")


@pytest.mark.parametrize(
    "head",
    [
        "From: orders@shop.example\nReply-To: ana@x.example\nAuto-Submitted: auto-replied",
        "From: help-list@lists.example\nX-Original-Sender: ana@x.example\nAuto-Submitted: auto-replied",
        "From: help-list@lists.example\nX-Original-Sender: ana@x.example\nList-Id: <l.example>\nAuto-Submitted: auto-generated",
    ],
)
def test_an_automatic_answer_that_a_list_passes_on_stays_automatic(head: str) -> None:
    assert arrived(head, "I am out of the office until Friday.").screening.automatic


def test_what_our_server_confirms_of_a_form_it_does_not_confirm_of_the_customer() -> None:
    head = f"Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example\nFrom: {FORM}"
    assert sender_check(arrived(head, "E-Mail: ana@acme.example").message, "mx.acme.example") == ""
    assert sender_check(arrived(head, "Hello").message, "mx.acme.example") == "confirmed"
