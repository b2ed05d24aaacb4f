import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.model import Directory, Kind, Screening
from inboxd.core.parse import parse
from inboxd.core.screen import MOST_HOPS, screen

DIRECTORY = Directory(own=frozenset({"support@acme.example"}), agents=frozenset({"maria@acme.example"}))


def screened(*header: str, body: str = "Hello, my lamp is broken. Can you help me?") -> Screening:
    lines = [*header]
    if not any(line.lower().startswith("from:") for line in header):
        lines.insert(0, "From: Ann <ann@customer.example>")
    if not any(line.lower().startswith("subject:") for line in header):
        lines.append("Subject: My lamp")
    return screen(parse("\r\n".join([*lines, "", body]).encode()), DIRECTORY)


def report(subtype: str, machine: str, returned: str = "", sender: str = "mailer-daemon@mx.example") -> Screening:
    body = [
        "--b", "Content-Type: text/plain", "", "This is the mail system.",
        "--b", f"Content-Type: message/{subtype}", "", machine,
        "--b", "Content-Type: text/rfc822-headers", "", returned, "--b--",
    ]  # fmt: skip
    kind = f'Content-Type: multipart/report; report-type={subtype}; boundary="b"'
    return screened(f"From: Mail <{sender}>", kind, body="\r\n".join(body))


# --- persons -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Subject: My lamp", "It is broken."),
        ("Subject: Out of office", "My parcel came while I was out of the office. Where is it now?"),
        ("Subject: Holiday", "I am on holiday until Friday. Please deliver my parcel after that, thank you."),
        ("Subject: Urlaub", "Ich bin im Urlaub bis Freitag, bitte schicken Sie das Paket später. Geht das?"),
        ("Subject: Vacation reply does not work", "Your product sends no automatic reply while I am away."),
        ("Subject: Automatic reply to every mail?", "I get an automatic reply to every mail that I send you."),
        ("Subject: Undelivered Mail Returned to Sender", "My mail to you could not be delivered, I got a bounce. Why?"),
        ("Subject: Delivery failed", "Hello, the courier says that delivery failed twice. My order is 17."),
        ("Subject: Delivery delayed", "The delivery is delayed again. I want my money back."),
        ("Subject: Fwd: failure notice", "I got this from your server.\r\n\r\n> 550 user unknown"),
        ("Subject: Unsubscribe", "Please unsubscribe me from your newsletter, I never asked for it."),
        ("Subject: Bounce house", "The bounce house that I rented has a hole."),
        ("Auto-Submitted: no", "It is broken."),
        ("X-Spam-Flag: NO", "It is broken."),
        ("X-Spam-Status: No, score=1.0", "It is broken."),
        ("X-Auto-Response-Suppress: All", "It is broken."),  # other help desks set it on persons' words
        ("X-MS-Exchange-Inbox-Rules-Loop: ann@customer.example", "It is broken."),  # a rule forwarded it
        ("Precedence: first-class", "It is broken."),
        ("Return-Path: <ann@customer.example>", "It is broken."),
        ("X-MS-Exchange-Organization-SCL: 1", "It is broken."),
    ],
)
def test_a_person_is_a_person(header: str, body: str) -> None:
    assert screened(header, body=body).kind is Kind.PERSON


def test_a_contact_form_is_the_person_who_filled_it_in() -> None:
    said = screened("From: Shop <noreply@shop.example>", "Reply-To: ann@customer.example")
    assert said.kind is Kind.PERSON


def test_a_person_who_attaches_a_bounce_is_a_person() -> None:
    body = "\r\n".join(
        [
            "--o", "Content-Type: text/plain", "", "I got this bounce when I wrote to you. Why?",
            "--o", "Content-Type: message/rfc822", "", "From: mailer-daemon@mx.example",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=i", "",
            "--i", "Content-Type: message/delivery-status", "", "Action: failed", "--i--", "--o--",
        ]
    )  # fmt: skip
    said = screened("Subject: Undeliverable", "Content-Type: multipart/mixed; boundary=o", body=body)
    assert said.kind is Kind.PERSON


def test_the_agents_are_persons() -> None:
    assert screened("From: Maria <maria@acme.example>").kind is Kind.PERSON


# --- machines ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", Kind.AUTO_RESPONSE),
        ("Auto-Submitted: auto-replied (vacation)", Kind.AUTO_RESPONSE),
        ("Auto-Submitted: auto-generated", Kind.AUTO_GENERATED),
        ("X-Autoreply: yes", Kind.AUTO_RESPONSE),
        ("X-Autorespond: thanks", Kind.AUTO_RESPONSE),
        ("Precedence: auto_reply", Kind.AUTO_RESPONSE),
        ("Subject: Automatische Antwort: Ihre Anfrage\r\nIn-Reply-To: <a@shop.example>", Kind.AUTO_RESPONSE),
        ("Subject: Réponse automatique : Lampe\r\nIn-Reply-To: <a@shop.example>", Kind.AUTO_RESPONSE),
        ("List-Id: News <news.shop.example>", Kind.LIST),
        ("List-Unsubscribe: <mailto:stop@shop.example>", Kind.LIST),
        ("Precedence: bulk", Kind.LIST),
        ("From: Shop <no-reply@shop.example>", Kind.AUTO_GENERATED),
        ("From: Bank <nicht-antworten@bank.example>", Kind.AUTO_GENERATED),
        ("Return-Path: <>", Kind.AUTO_GENERATED),
        ('Content-Type: text/calendar; method=REPLY; charset="utf-8"', Kind.AUTO_GENERATED),
        ("X-Spam-Flag: YES", Kind.SPAM),
        ("X-Spam-Status: Yes, score=12.1 required=5.0", Kind.SPAM),
        ("X-Spam: Yes", Kind.SPAM),
        ("X-MS-Exchange-Organization-SCL: 6", Kind.SPAM),
        ("X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:;SCL:9;SFV:SPM;", Kind.SPAM),
        ("From: Acme Support <Support@Acme.example>", Kind.OWN),
    ],
)
def test_a_machine_shows_itself_by_a_header(header: str, kind: Kind) -> None:
    said = screened(header)
    assert said.kind is kind
    assert said.automatic


ABSENT = {
    "en": ("Automatic reply: My lamp", "I am out of the office until 5 May with limited access to email."),
    "de": ("Automatische Antwort: Rechnung", "Ich bin derzeit nicht im Büro und ab Montag wieder erreichbar."),
    "fr": ("Réponse automatique : Facture", "Je suis absent jusqu'au 5 mai. En cas d'urgence, appelez le bureau."),
    "es": ("Respuesta automática: Factura", "Estoy de vacaciones hasta el 5 de mayo."),
    "it": ("Risposta automatica: Fattura", "Sono fuori ufficio fino al 5 maggio."),
    "nl": ("Automatisch antwoord: Factuur", "Ik ben momenteel afwezig en terug op 5 mei."),
    "pt": ("Resposta automática: Fatura", "Estarei fora do escritório até 5 de maio."),
}


@pytest.mark.parametrize("language", ABSENT)
def test_an_absence_notice_is_known_without_a_header(language: str) -> None:
    subject, body = ABSENT[language]
    assert screened(f"Subject: {subject}", body=body).kind is Kind.OUT_OF_OFFICE


@pytest.mark.parametrize("language", ABSENT)
def test_an_absence_notice_is_known_by_header_and_words(language: str) -> None:
    said = screened("Auto-Submitted: auto-replied", "Subject: Re: Lamp", body=ABSENT[language][1])
    assert said.kind is Kind.OUT_OF_OFFICE


def test_the_subject_of_a_machine_that_answers_nothing_counts_where_no_person_speaks() -> None:
    body = "Vielen Dank. Ihre Nachricht ist eingegangen und wird bearbeitet."
    assert screened("Subject: Automatische Antwort: Ihre Anfrage", body=body).kind is Kind.AUTO_RESPONSE
    assert screened("Subject: Automatische Antwort: Ihre Anfrage").kind is Kind.PERSON


def test_an_absence_notice_in_plain_words_is_known() -> None:
    body = "I am out of the office until 5 May. In urgent cases please contact my colleague."
    assert screened("Subject: Out of office", body=body).kind is Kind.OUT_OF_OFFICE


def test_a_newsletter_without_its_headers_is_bulk() -> None:
    body = "40 % off all lamps!\r\n\r\nYou are receiving this email because you are a customer.\r\nUnsubscribe here."
    assert screened("From: Lamps <hello@lamps.example>", body=body).kind is Kind.LIST


def test_a_mail_that_goes_in_circles_is_a_loop() -> None:
    hops = [f"Received: from a by b; {number}" for number in range(MOST_HOPS)]
    assert screened(*hops).kind is Kind.LOOP
    assert screened(*hops[1:]).kind is Kind.PERSON


# --- reports -----------------------------------------------------------------------------------------------------


def test_a_delivery_report_names_our_mail_and_whom_it_missed() -> None:
    machine = "Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; Ann@Customer.example\r\nAction: failed\r\nStatus: 5.1.1"
    said = report("delivery-status", machine, "Message-ID: <ours.17@acme.example>")
    assert said.kind is Kind.BOUNCE
    assert said.bounce is not None
    assert said.bounce.about == ("ours.17@acme.example",)
    assert said.bounce.recipients == ("ann@customer.example",)
    assert said.bounce.permanent


@pytest.mark.parametrize(
    ("action", "status", "permanent"), [("failed", "5.2.2", True), ("delayed", "4.4.1", False), ("failed", "4.4.7", True)]
)
def test_a_delay_is_no_failure(action: str, status: str, permanent: bool) -> None:
    said = report("delivery-status", f"Final-Recipient: rfc822; a@x.example\r\nAction: {action}\r\nStatus: {status}")
    assert said.bounce is not None
    assert said.bounce.permanent is permanent


def test_a_successful_delivery_is_no_bounce() -> None:
    said = report("delivery-status", "Final-Recipient: rfc822; a@x.example\r\nAction: delivered\r\nStatus: 2.0.0")
    assert said.kind is Kind.AUTO_GENERATED


def test_a_complaint_is_a_feedback_report() -> None:
    assert report("feedback-report", "Feedback-Type: abuse", sender="fbl@mail.example").kind is Kind.FEEDBACK_REPORT


def test_a_receipt_is_no_answer() -> None:
    machine = "Final-Recipient: rfc822; ann@customer.example\r\nDisposition: manual-action/MDN-sent-manually; displayed"
    said = report("disposition-notification", machine, sender="ann@customer.example")
    assert said.kind is Kind.AUTO_GENERATED
    assert "8098" in said.reason


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("From: Mail Delivery System <MAILER-DAEMON@mx.example>", "Hi. I was not able to deliver your message."),
        ("From: postmaster@mx.example", "The user ann@customer.example is unknown: 550 5.1.1"),
        ("From: ndr@mx.example", "A message that you sent could not be delivered to ann@customer.example."),
        ("X-Failed-Recipients: ann@customer.example", "See below."),
        ("From: gateway@mx.example", "Could not deliver message to the following recipients:\r\nann@customer.example"),
    ],
)
def test_a_bounce_without_the_report_format_is_a_bounce(header: str, body: str) -> None:
    quoted = "\r\n\r\n--- The headers of your mail ---\r\nMessage-ID: <ours.17@acme.example>\r\nTo: ann@customer.example"
    said = screened(header, "Subject: Mail delivery failed: returning message to sender", body=body + quoted)
    assert said.kind is Kind.BOUNCE
    assert said.bounce is not None
    assert said.bounce.about == ("ours.17@acme.example",)
    assert said.bounce.recipients == ("ann@customer.example",)


def test_a_bounce_of_ours_is_a_bounce_even_if_marked_as_spam() -> None:
    said = screened("From: MAILER-DAEMON@mx.example", "X-Spam-Flag: YES", "Subject: Undelivered Mail Returned to Sender")
    assert said.kind is Kind.BOUNCE


def test_the_reason_holds_nothing_of_the_senders_text() -> None:
    for header in ("Auto-Submitted: secret-word", "X-Autoreply: secret-word", "X-Spam-Status: Yes, secret-word"):
        assert "secret-word" not in screened(header, "Subject: secret-word", body="secret-word").reason


@pytest.mark.parametrize(
    "body", ["your message user " * 60_000, "bin derzeit vom " * 60_000, "a@" * 500_000, "5 " * 500_000, "message-id: " * 80_000]
)
def test_a_long_mail_is_screened_in_time(body: str) -> None:
    for sender in ("postmaster@x.example", "ann@x.example"):
        message = parse(f"From: {sender}\r\nReturn-Path: <>\r\nSubject: Undeliverable: x\r\n\r\n{body}".encode())
        started = time.perf_counter()
        screen(message, DIRECTORY)
        assert time.perf_counter() - started < 0.5


pieces = st.sampled_from(
    [
        "From: ", "mailer-daemon@x.example", "<>", "Return-Path: ", "Subject: ", "undeliverable", "out of office", "\r\n", "\r\n\r\n",
        "Auto-Submitted: ", "auto-replied", "Content-Type: multipart/report; boundary=b", "--b", "message/delivery-status", "Status: ",
        "Action: failed", "X-MS-Exchange-Organization-SCL: ", "9" * 5000, "²", "X-Failed-Recipients: ", "List-Id: ", "List-Id:",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(pieces, st.text(max_size=6)), max_size=25).map("".join))
def test_any_mail_gets_a_kind(text: str) -> None:
    said = screen(parse(text.encode("utf-8", "replace")), DIRECTORY)
    assert said.kind in Kind
    assert (said.bounce is not None) == (said.kind is Kind.BOUNCE)
