"""What mail programs, servers and forms do to a mail on its way: nothing that a person said is lost, nothing of ours leaves with it."""

import base64
from dataclasses import replace

import pytest

from inboxd.core.new_text import split
from inboxd.core.parse import parse
from inboxd.core.rulebook import Identity
from tests.stories.day import SUPPORT, Day, Letterbox, _shipped_rules
from tests.stories.steps import AGENTS, ANA, MARIA, agents_mail, asked, kinds, opened

ANA_AT = "ana@example.org"
WROTE = f"On Mon, 16 Nov 2026 at 09:00, Ana Ruiz via Acme Support <{SUPPORT}> wrote:"
SIGNED = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=X'


def routed_to_maria(day: Day) -> Letterbox:
    agent = opened(day)
    assert agent == MARIA
    return day.routed(agent)


def answer_raw(day: Day, mail: Letterbox, content_type: str, body: str) -> None:
    """Maria's program answers with this, byte by byte."""
    ours = mail.message["Message-ID"]
    lines = [
        f"From: Maria Lindt <{MARIA}>",
        f"To: {mail.message['Reply-To']}",
        f"Subject: Re: {mail.subject}",
        "Message-ID: <answer@mail.example>",
        f"In-Reply-To: {ours}",
        f"References: {ours}",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
    ]
    day.mailbox.put(("\n".join(lines) + "\n\n" + body).replace("\n", "\r\n").encode(), day.at())
    day.run()


def with_quotation(words: str, mail: Letterbox) -> str:
    return f"{words}\n\n{WROTE}\n" + "\n".join(f"> {line}" for line in mail.text.splitlines()) + "\n"


def signed(words: str, mail: Letterbox) -> str:
    certificate = base64.encodebytes(b"0\x82\x10\x00\x06\x09*\x86H\x86\xf7\r\x01\x09\x01\x16\x12" + MARIA.encode() + b"1\x0b").decode()
    return f"""--X
Content-Type: text/plain

{with_quotation(words, mail)}
--X
Content-Type: application/pkcs7-signature; name="smime.p7s"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="smime.p7s"

{certificate}
--X--
"""


def files(mail: Letterbox) -> list[str]:
    return [name for part in mail.message.walk() if (name := part.get_filename())]


# --- what a customer tells with a date and a colon is no old mail -----------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        "Yes, thank you for asking.\n\nOn 12.11.2026 I sent the following back to you:\n- the front wheel\n- the lamp\n"
        "Nothing of it was refunded. This is a disgrace, I am furious and it is not solved at all.",
        "Ja, danke.\n\nAm 12.11. schrieb mir Ihr Kollege aber:\nDas Geld kommt am Freitag.\n"
        "Es ist nicht gekommen, ich bin stinksauer. Nichts ist gelöst.",
    ],
)
def test_a_furious_no_is_not_closed_as_satisfied(answer: str) -> None:
    day = Day()
    day.reply(ANA, asked(day), answer)
    assert (day.case().state, day.case().outcome) != ("closed", "satisfied")


@pytest.mark.parametrize(
    "text",
    [
        'Hello,\n\nOn Monday at 10:15 your colleague Tom wrote to me:\n\n"You will have it by Friday."\n\nNothing came. I am furious.',
        "Neue Anfrage:\n\nVon: Ana Ruiz <ana@example.org>\nBetreff: Rad kaputt\n\nNachricht:\nI am furious.",
    ],
)
def test_words_of_ones_own_stay(text: str) -> None:
    assert "I am furious" in split(text)[0]


# --- a command alone, to which the program adds a logo or a signature -------------------------------------------------------


def test_resolve_with_a_logo_below_sends_nothing() -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(
        day,
        mail,
        "multipart/related; boundary=R",
        f"""--R
Content-Type: multipart/alternative; boundary=A

--A
Content-Type: text/plain

{with_quotation("resolve", mail)}
--A
Content-Type: text/html

<p>resolve</p><div id="Signature"><p>Maria Lindt</p><img src="cid:image001.png@01DC"></div><blockquote>{mail.text}</blockquote>
--A--
--R
Content-Type: image/png; name="image001.png"
Content-ID: <image001.png@01DC>
Content-Disposition: inline; filename="image001.png"
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--R--
""",
    )
    assert day.case().state == "resolved"
    assert kinds(day, ANA_AT) == []


@pytest.mark.parametrize("command", ["resolve", "label: warehouse"])
def test_a_signed_command_sends_nothing(command: str) -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(day, mail, SIGNED, signed(command, mail))
    assert kinds(day, ANA_AT) == []


@pytest.mark.parametrize("first", ["", "label: invoice"])
def test_a_file_from_gmail_leaves_although_it_has_a_content_id(first: str) -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(
        day,
        mail,
        "multipart/mixed; boundary=R",
        f"""--R
Content-Type: text/plain

{with_quotation(first, mail)}
--R
Content-Type: application/pdf; name="invoice.pdf"
Content-Disposition: attachment; filename="invoice.pdf"
Content-Transfer-Encoding: base64
Content-ID: <f_m1abc2d30>
X-Attachment-Id: f_m1abc2d30

JVBERi0=
--R--
""",
    )
    assert [files(got) for got in day.inbox(ANA_AT)] == [["invoice.pdf"]]


# --- what the agent's program wraps around the words stays here (I5) --------------------------------------------------------


def test_the_certificate_of_an_agent_stays_here() -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(day, mail, SIGNED, signed("Hello Ana,\nthe 15 mm one.", mail))
    [got] = day.inbox(ANA_AT)
    assert "15 mm" in got.text
    assert files(got) == []


@pytest.mark.parametrize(
    ("content_type", "body", "told"),
    [
        (
            "application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n"
            "Content-Disposition: attachment; filename=smime.p7m",
            "MIIBHello\n",
            "S/MIME",
        ),
        (
            'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=X',
            "--X\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n\n--X\nContent-Type: application/octet-stream; name=e.asc\n\n"
            "-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n--X--\n",
            "PGP",
        ),
        (
            "multipart/mixed; boundary=X",
            '--X\nContent-Type: text/plain\n\nHello Ana,\nthe 15 mm one.\n\n--X\nContent-Type: application/ms-tnef; name="winmail.dat"\n'
            'Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename="winmail.dat"\n\neJ8+IgEA\n--X--\n',
            "winmail.dat",
        ),
    ],
)
def test_what_we_cannot_read_comes_back_with_the_reason(content_type: str, body: str, told: str) -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(day, mail, content_type, body)
    assert kinds(day, ANA_AT) == []
    assert day.case().state == "open"
    assert told in day.last(MARIA).text


def test_a_signed_reply_that_came_back_and_is_sent_anyway_leaves_without_its_certificate() -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(day, mail, SIGNED, signed("reslove\nHello Ana,\nthe 15 mm one.", mail))
    assert kinds(day, ANA_AT) == []
    day.reply(MARIA, day.last(MARIA), "send anyway")
    [got] = day.inbox(ANA_AT)
    assert "15 mm" in got.text
    assert files(got) == []


def test_practice_tells_of_a_mail_that_we_cannot_read_as_in_earnest() -> None:
    day = Day(newcomers=True)
    greeting = day.last(MARIA)
    text = with_quotation("Hello Robin, yes, your mail is here.", greeting)
    answer_raw(
        day,
        greeting,
        "multipart/mixed; boundary=X",
        f"--X\nContent-Type: text/plain\n\n{text}\n--X\nContent-Type: application/ms-tnef; name=winmail.dat\n"
        "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=winmail.dat\n\neJ8+IgEA\n--X--\n",
    )
    assert day.last(MARIA) is not greeting
    assert "winmail.dat, which I cannot read" in " ".join(day.last(MARIA).text.split())


def test_an_emoji_reaction_is_no_answer() -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(
        day,
        mail,
        "multipart/alternative; boundary=A",
        """--A
Content-Type: text/plain; charset=utf-8

\U0001f44d

Maria Lindt reacted via Gmail
--A
Content-Type: text/vnd.google.email-reaction+json

{"emoji":"x","version":1}
--A--
""",
    )
    assert kinds(day, ANA_AT) == []


# --- a footer that the company's server sets below the quotation ------------------------------------------------------------

FOOTER = "\nAcme GmbH, Sitz Kiel, HRB 1234, Geschaeftsfuehrer: Petra Vogel\nDiese E-Mail enthaelt vertrauliche Informationen.\n"


def answer_with_footer(day: Day, agent: str, mail: Letterbox, words: str) -> None:
    quote = "\n".join("> " + line for line in mail.text.splitlines())
    day.reply(agent, mail, f"{words}\n\nAm 16.11.26 um 09:12 schrieb Ana Ruiz via Acme Support:\n{quote}\n{FOOTER}", quote=False)


@pytest.mark.parametrize("signature", ["", "\n\nMaria Lindt\nAcme GmbH | Kiel"])
def test_a_footer_below_the_quotation_holds_nothing_once_it_was_practised(signature: str) -> None:
    day = Day(newcomers=True)
    for agent in AGENTS:
        answer_with_footer(day, agent, day.inbox(agent)[-1], f"Hello Robin, yes, your mail is here.{signature}")
    agent = opened(day)
    answer_with_footer(day, agent, day.routed(agent), f"Hello Ana,\nthe 15 mm one.{signature}")
    sent = day.last(ANA_AT).text
    assert "15 mm" in sent
    assert "HRB" not in sent
    assert "GmbH" not in sent


def test_words_below_the_quotation_still_come_back_after_practice() -> None:
    day = Day(newcomers=True)
    for agent in AGENTS:
        answer_with_footer(day, agent, day.inbox(agent)[-1], "Hello Robin, yes, your mail is here.")
    agent = opened(day)
    mail = day.routed(agent)
    day.reply(agent, mail, with_quotation("Hello Ana,\nthe 15 mm one.", mail) + "And bring the receipt.\n", quote=False)
    assert kinds(day, ANA_AT) == []


def test_a_reply_from_t_online_leaves() -> None:
    day = Day()
    mail = routed_to_maria(day)
    head = f'Betreff: {mail.subject}\nDatum: 2026-11-16T09:12:00+0100\nVon: "Ana Ruiz via Acme Support" <{SUPPORT}>'
    text = f'Hello Ana,\nthe 15 mm one.\n\n\n-----Original-Nachricht-----\n{head}\nAn: "Maria Lindt" <{MARIA}>\n\n{mail.text}'
    day.reply(MARIA, mail, text, quote=False)
    assert kinds(day, ANA_AT) == ["reply"]
    assert "Nachricht" not in day.last(ANA_AT).text
    assert split(text)[0] == "Hello Ana,\nthe 15 mm one."  # a customer's, read the same way


# --- people are no machines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "subject", "text"),
    [
        (
            "Paul Smith <admin@smallfirm.example>",
            "Delivery delayed",
            "Hello,\nour order 88213 is delayed for two weeks now. Please tell us when it comes.\nPaul Smith",
        ),
        (
            ANA,
            "Delivery failed",
            "Hello,\nthe tracking page says: The following address could not be found.\nThe right one is Main Street 4, Kiel. "
            "Please send the wheel again.\nAna",
        ),
        (
            ANA,
            "Unzustellbar",
            "Guten Tag,\nPaket 4711 kam als unzustellbar zurück. Bitte neu senden.\nIhre Nachricht an den Paketdienst wurde nicht "
            "zugestellt.\nAna",
        ),
        (
            "Jane <jane@royalmail.example>",
            "Automatic reply: your answer did not help",
            "Your automatic reply did not help. Please have a person write to me.",
        ),
        (ANA, "Auto: (Golf VII) springt nicht an", "Mein Auto springt nicht mehr an, und morgen bin ich im Urlaub."),
        (
            ANA,
            "Im Urlaub",
            "Guten Tag,\nich bin vom 3. bis zum 10. im Urlaub. Bitte liefern Sie das Rad erst danach, am 11. bin ich wieder da. "
            "Vorher ist niemand da, erst wenn ich zurück bin.",
        ),
    ],
)
def test_a_person_who_sounds_like_a_machine_is_seen_by_a_person(sender: str, subject: str, text: str) -> None:
    day = Day()
    day.write(sender, subject, text)
    day.pass_(days=3)
    assert agents_mail(day)


@pytest.mark.parametrize("identity", [(), (Identity(senders=(SUPPORT,), customer_is="reply_to"),)])
def test_a_form_that_sends_as_our_address_is_its_writers(identity: tuple[Identity, ...]) -> None:
    day = Day(book=replace(_shipped_rules(), identity=identity))
    day.write(f"Website <{SUPPORT}>", "Contact form", "My bike broke and my son is hurt. Please call me.", headers={"Reply-To": ANA})
    assert agents_mail(day)
    agent = next(agent for agent in AGENTS if any(ANA_AT in mail.text for mail in day.inbox(agent)))
    day.reply(agent, day.routed(agent), "We call you at once.")
    assert kinds(day, ANA_AT) == ["reply"]


@pytest.mark.parametrize("reply_to", [SUPPORT, MARIA, "support+x@acme.example"])
def test_our_own_mail_that_comes_back_opens_nothing(reply_to: str) -> None:
    day = Day()
    day.write(f"Acme <{SUPPORT}>", "Contact form", "My bike broke.", headers={"Reply-To": reply_to})
    assert not agents_mail(day)


# --- bytes ------------------------------------------------------------------------------------------------------------------

HEAD = "From: Ana Ruiz <ana@example.org>\r\nTo: support@acme.example\r\nMessage-ID: <o@x.example>\r\nSubject: {}\r\nMIME-Version: 1.0\r\n"
GERMAN = (
    "Guten Tag,\r\n\r\nich habe am Montag ein Kinderrad bestellt und warte noch darauf. Bitte sagen Sie mir, wann es kommt, es ist ein "
    "Geburtstagsgeschenk für unseren Sohn und er freut sich sehr darauf.\r\n\r\nEs soll blau sein.\r\n\r\n"
    "Mit freundlichen Grüßen\r\nJürgen Müller\r\n"
)


@pytest.mark.parametrize("label", ["utf-8", "us-ascii"])
def test_latin_under_a_wrong_label_is_latin(label: str) -> None:
    head = HEAD.format("Rad") + f"Content-Type: text/plain; charset={label}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    assert parse(head.encode() + GERMAN.encode("latin-1")).text == GERMAN.replace("\r\n", "\n")


def test_a_footer_that_a_gateway_sets_below_base64_is_read_as_text() -> None:
    footer = b"\r\n-- \r\nThis email has been scanned for viruses by the gateway of example.org, and is believed to be clean.\r\n"
    body = base64.encodebytes(GERMAN.encode()).replace(b"\n", b"\r\n") + footer
    raw = (HEAD.format("Rad") + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n").encode() + body
    text = parse(raw).text
    assert "Kinderrad" in text
    assert "believed to be clean" in text


def test_two_blocks_of_base64_one_after_the_other_are_both_read() -> None:
    body = base64.b64encode(b"The lamp flickers.\r\n") + b"\r\n" + base64.b64encode(b"It is the second one.\r\n")
    raw = b"From: ana@example.org\r\nContent-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\n" + body
    assert b"=\r\n" in body
    assert " ".join(parse(raw).text.split()) == "The lamp flickers. It is the second one."


CLEAR_SIGNED = """-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

{words}
- --{space}
Maria
-----BEGIN PGP SIGNATURE-----

iQEzBAEBCgAdFiEE3q2+7w==
=abcd
-----END PGP SIGNATURE-----
"""


def test_text_signed_in_the_clear_leaves_without_its_armour() -> None:
    day = Day()
    mail = routed_to_maria(day)
    answer_raw(day, mail, "text/plain", CLEAR_SIGNED.format(space=" ", words=with_quotation("Hi Ana,\n\nthe lamp leaves today.", mail)))
    sent = day.last(ANA_AT).text
    assert "the lamp leaves today" in sent
    assert "PGP" not in sent
    assert "SHA512" not in sent


def test_a_customers_text_signed_in_the_clear_is_read_without_its_armour() -> None:
    raw = "From: ana@example.org\r\n\r\n" + CLEAR_SIGNED.format(space=" ", words="The lamp flickers.\n- - since Monday").replace(
        "\n", "\r\n"
    )
    assert split(parse(raw.encode()).text)[0].split("\n") == ["The lamp flickers.", "- since Monday"]


def test_a_question_mark_in_an_encoded_word_is_read() -> None:
    raw = HEAD.format("=?UTF-8?Q?Wo_bleibt_mein_Rad_f=C3=BCr_Jonas??=").encode() + b"\r\nHello\r\n"
    assert parse(raw).subject == "Wo bleibt mein Rad für Jonas?"


def test_neither_signature_mark_nor_empty_line_flows_into_the_text() -> None:
    flowed = "Hello \r\n\r\nwhere is my bike? Thanks, Ana \r\n-- \r\nAna Ruiz\r\nHead of things\r\n"
    raw = HEAD.format("Rad") + "Content-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n" + flowed
    assert parse(raw.encode()).text == "Hello \n\nwhere is my bike? Thanks, Ana \n-- \nAna Ruiz\nHead of things\n"


@pytest.mark.parametrize(
    "sender", ["Ana <ana@example.org<mailto:ana@example.org>>", "Ana <'ana@example.org'>", "Ana Ruiz <ana@example.org>"]
)
def test_an_address_that_a_program_mangled_is_still_the_address(sender: str) -> None:
    raw = f"From: {sender}\r\nTo: support@acme.example\r\nSubject: Rad\r\n\r\nHello\r\n"
    assert parse(raw.encode()).sender.email == ANA_AT


@pytest.mark.parametrize("more", ["", " "])  # an odd number of bytes is no UTF-16 anyway
def test_a_page_that_claims_utf_16_in_readable_letters_is_utf_8(more: str) -> None:
    page = '<html><head><meta charset="utf-16"></head><body><p>Wo ist das Rad für Jonas?</p></body></html>'
    raw = HEAD.format("Rad") + f"Content-Type: text/html\r\n\r\n{page}{more}\r\n"
    assert parse(raw.encode()).text.strip() == "Wo ist das Rad für Jonas?"


@pytest.mark.parametrize("line", ["Holen Sie sich Outlook für iOS", "Gesendet über die Outlook-App"])
def test_the_line_of_a_phone_is_not_said_by_the_customer(line: str) -> None:
    assert split(f"Wo ist mein Rad?\n\n{line}")[0] == "Wo ist mein Rad?"


def test_the_line_of_a_phone_does_not_leave_with_an_agents_words() -> None:
    day = Day()
    mail = routed_to_maria(day)
    day.reply(MARIA, mail, with_quotation("Hello Ana,\nthe 15 mm one.\n\nGesendet über die Outlook-App", mail), quote=False)
    assert "Gesendet" not in day.last(ANA_AT).text


def test_one_broken_line_of_a_header_does_not_cost_the_sender() -> None:
    head = "Received: from a by b\r\nX-Scanned by gateway 4.2\r\nFrom: Ana <ana@example.org>\r\nSubject: Rad\r\n"
    read = parse(f"{head}\r\nWhere is it?\r\n".encode())
    assert (read.sender.email, read.subject, read.text.strip()) == (ANA_AT, "Rad", "Where is it?")
    below = parse(b"From: Ana <ana@example.org>\r\nHello, the label says\r\nFrom: Kiel\r\n")
    assert (below.sender.email, below.text.strip()) == (ANA_AT, "Hello, the label says\nFrom: Kiel")
