import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.cards import without_card
from inboxd.core.model import Message
from inboxd.core.new_text import new_text, split
from inboxd.core.parse import parse


def new(*lines: str) -> str:
    return new_text(Message(text="\n".join(lines)))


def of_html(body: str) -> str:
    return new_text(parse(b"From: ann@x.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body.encode()))


# --- how clients introduce what they quote -----------------------------------------------------------------------

INTRODUCTIONS = {
    "Gmail": ["On Mon, 2 Nov 2026 at 10:12, Acme Support <support@acme.example> wrote:"],
    "Gmail, wrapped": ["On Mon, 2 Nov 2026 at 10:12, The Support of Acme and of its Brands <", "support@acme.example> wrote:"],
    "Gmail, wrapped twice": ["On Mon, 2 Nov 2026 at 10:12, Acme Support", "<support@acme.example>", "wrote:"],
    "Gmail, German": ["Am Mo., 2. Nov. 2026 um 10:12 Uhr schrieb Acme Support <support@acme.example>:"],
    "Gmail, French": ["Le lun. 2 nov. 2026 à 10:12, Acme Support <support@acme.example> a", "écrit :"],
    "Gmail, Spanish": ["El lun, 2 nov 2026 a las 10:12, Acme Support (<support@acme.example>)", "escribió:"],
    "Gmail, Italian": ["Il giorno lun 2 nov 2026 alle ore 10:12 Acme Support <support@acme.example>", "ha scritto:"],
    "Gmail, Dutch": ["Op ma 2 nov 2026 om 10:12 schreef Acme Support <support@acme.example>:"],
    "Gmail, Portuguese": ["Em seg., 2 de nov. de 2026 às 10:12, Acme Support <support@acme.example>", "escreveu:"],
    "Gmail, Swedish": ["Den mån 2 nov. 2026 kl 10:12 skrev Acme Support <support@acme.example>:"],
    "Gmail, Polish": ["pon., 2 lis 2026 o 10:12 Acme Support <support@acme.example> napisał(a):"],
    "Gmail, Turkish": ["Acme Support <support@acme.example>, 2 Kas 2026 Pzt, 10:12 tarihinde şunu yazdı:"],
    "Gmail, without a verb": ["пн, 2 нояб. 2026 г. в 10:12, Acme Support <support@acme.example>:"],
    "Thunderbird": ["On 02/11/2026 10:12, Acme Support wrote:"],
    "Thunderbird, German": ["Am 02.11.26 um 10:12 schrieb Acme Support:"],
    "Apple Mail": ["> On 2. Nov 2026, at 10:12, Acme Support <support@acme.example> wrote:"],
}


@pytest.mark.parametrize("client", INTRODUCTIONS)
def test_a_quotation_and_its_introduction_are_cut(client: str) -> None:
    assert new("It still does not work.", "", *INTRODUCTIONS[client], "", "> Dear Ann,", "> did it help?") == ("It still does not work.")


BLOCKS = {
    "en": ("From: Acme Support <support@acme.example>", "Sent: Monday, 2 November 2026 10:12", "To: Ann", "Subject: RE: Lamp"),
    "de": ("Von: Acme Support <support@acme.example>", "Gesendet: Montag, 2. November 2026 10:12", "An: Ann", "Betreff: AW: Lampe"),
    "fr": ("De : Acme Support <support@acme.example>", "Envoyé : lundi 2 novembre 2026 10:12", "À : Ann", "Objet : RE: lampe"),
    "es": ("De: Acme Support", "Enviado el: lunes, 2 de noviembre de 2026 10:12", "Para: Ann", "Asunto: RE: lámpara"),
    "it": ("Da: Acme Support", "Inviato: lunedì 2 novembre 2026 10:12", "A: Ann", "Oggetto: R: lampada"),
    "nl": ("Van: Acme Support", "Verzonden: maandag 2 november 2026 10:12", "Aan: Ann", "Onderwerp: RE: lamp"),
    "pt": ("De: Acme Support", "Enviada: segunda-feira, 2 de novembro de 2026 10:12", "Para: Ann", "Assunto: RE: lâmpada"),
    "sv": ("Från: Acme Support", "Skickat: den 2 november 2026 10:12", "Till: Ann", "Ämne: SV: lampa"),
    "da": ("Fra: Acme Support", "Sendt: 2. november 2026 10:12", "Til: Ann", "Emne: SV: lampe"),
    "pl": ("Od: Acme Support", "Wysłano: poniedziałek, 2 listopada 2026 10:12", "Do: Ann", "Temat: Re: lampa"),
    "ru": ("От: Acme Support", "Отправлено: 2 ноября 2026 г. 10:12", "Кому: Ann", "Тема: лампа"),
    "zh": ("发件人： Acme Support", "发送时间： 2026年11月2日 10:12", "收件人： Ann", "主题： 回复"),
    "bold": ("*From:* Acme Support", "*Sent:* Monday, 2 November 2026 10:12", "*To:* Ann", "*Subject:* RE: Lamp"),
}


@pytest.mark.parametrize("language", BLOCKS)
def test_outlooks_header_block_ends_the_new_text(language: str) -> None:
    assert new("It still does not work.", "", "________________________________", *BLOCKS[language], "", "Dear Ann,") == (
        "It still does not work."
    )


@pytest.mark.parametrize(
    "mark",
    [
        "-----Original Message-----",
        "----- Original Message -----",
        "-------- Original message --------",
        "-----Ursprüngliche Nachricht-----",
        "-----Message d'origine-----",
        "-----Mensaje original-----",
        "-----Messaggio originale-----",
        "-----Oorspronkelijk bericht-----",
        "-----Mensagem original-----",
        "-----Ursprungligt meddelande-----",
        "---- Acme Support wrote ----",
    ],
)
def test_a_mark_of_the_original_mail_ends_the_new_text(mark: str) -> None:
    assert new("It still does not work.", "", mark, "Dear Ann, did it help?") == "It still does not work."


def test_an_introduction_ends_the_new_text_where_the_quotation_has_no_marks() -> None:
    introduction = "On Monday, November 2, 2026 at 10:12:00 AM GMT+1, Acme Support <support@acme.example> wrote:"
    assert new("No.", "", introduction, "", "Dear Ann,", "did it help?") == "No."


def test_answers_between_the_quoted_lines_stay() -> None:
    assert new(
        "On Mon, 2 Nov 2026 at 10:12, Acme <support@acme.example> wrote:",
        "> Is the light green?",
        "Yes, it is.",
        "> And the box closed?",
        "No.",
    ) == "Yes, it is.\nNo."  # fmt: skip


def test_an_answer_below_the_quotation_stays() -> None:
    assert new("On 02/11/2026 10:12, Acme wrote:", "> Did it help?", "", "Not at all.") == "Not at all."


def test_an_introduction_on_the_line_of_the_answer_leaves_the_answer() -> None:
    assert new("Not yet On Mon, 2 Nov 2026 at 10:12, support@acme.example wrote:", "> Did it help?") == "Not yet"


# --- HTML --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "quoted",
    [
        '<div class="gmail_quote">On Mon, 2 Nov 2026 at 10:12, Acme &lt;<a href="mailto:s@acme.example">s@acme.example</a>&gt;'
        ' wrote:<br><blockquote class="gmail_quote">Did it help?</blockquote></div>',
        '<div class="moz-cite-prefix">On 02.11.2026 10:12, Acme wrote:<br></div><blockquote type="cite">Did it help?</blockquote>',
        '<hr><div id="divRplyFwdMsg"><b>From:</b> Acme &lt;s@acme.example&gt;<br><b>Sent:</b> Monday, 2 November 2026<br>'
        "<b>To:</b> Ann<br><b>Subject:</b> Re: Lamp</div><div>Did it help?</div>",
        '<div style="border-top:solid #E1E1E1 1.0pt"><p><b>Von:</b> Acme<br><b>Gesendet:</b> Montag, 2. November 2026<br>'
        "<b>An:</b> Ann<br><b>Betreff:</b> AW: Lampe</p></div><p>Did it help?</p>",
        "<blockquote>Did it help?</blockquote>",
    ],
)
def test_quotations_in_html_are_cut(quoted: str) -> None:
    assert of_html(f"<div>It still does <b>not</b> work.</div><br>{quoted}") == "It still does not work."


# --- signatures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from Outlook for Android",
        "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet",
        "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verzonden vanaf mijn iPhone",
        "Enviado do meu iPhone",
        "Skickat från min iPhone",
        "Wysłane z iPhone'a",
        "-- \nAnn Weber\nWeber Ltd.\n+49 30 1234567",
        "--\nAnn Weber\nann@weber.example",
        "Ann Weber\nHead of Light\nann@weber.example\nTel. +49 30 1234567",
    ],
)
def test_a_signature_is_cut(line: str) -> None:
    assert new("It is broken.", "", *line.split("\n")) == "It is broken."


def test_a_greeting_keeps_its_name_and_loses_the_card() -> None:
    said = new("It is broken.", "", "Best regards,", "Ann Weber", "", "Weber Ltd.", "+49 30 1234567", "www.weber.example")
    assert said == "It is broken.\n\nBest regards,\nAnn Weber"


# --- in doubt, words stay ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Please rebook:\n\nFrom: Berlin\nTo: Paris\nDate: 5 May 10:30\n\nThanks\nAnn",
        "On 5 May your colleague wrote:\nWe will pay it back.\n\nNothing came. I am angry.",
        "On Monday at 10:30 your colleague wrote to me that all is well. It is not.",
        "Name: Ann\nEmail: ann@x.example\nSubject: Lamp\nMessage: It is broken",
        "From: Ann <ann@x.example>\nTo: Shop\nSubject: Lamp\n\nIt is broken",
        "Steps:\n--\n1. press\n2. wait\n\nThe lamp stays dark.",
        "My new address:\n\nAnn Weber\nann@weber.example\n+49 30 1234567",
        "Sent from my desk, since the lamp is broken.",
        "The price is:\n------------\n100 EUR",
        "I ordered two:\n- a lamp\n- a bulb",
        ">>> see https://x.example <<<\nIt is broken.",
        "---------- Forwarded message ---------\nFrom: Shop <shop@x.example>\nSubject: Order\n\nIt has been sent.",
        "FYI\n\n---------- Forwarded message ---------\nFrom: Shop <shop@x.example>\nSubject: Order\n\nIt has been sent.",
        "",
    ],
)
def test_words_that_may_be_new_stay(text: str) -> None:
    assert new_text(Message(text=text)) == text


def test_what_is_forwarded_with_words_of_ones_own_is_cut() -> None:
    forwarded = ["---------- Forwarded message ---------", "From: Shop <shop@x.example>", "Subject: Order", "", "It has been sent."]
    assert new("This never came. Where is it?", "", *forwarded) == "This never came. Where is it?"


def test_split_gives_the_rest_too() -> None:
    assert split("No.\n\nOn 2 Nov 2026 at 10:12, Acme wrote:\n> Did it help?") == (
        "No.",
        "On 2 Nov 2026 at 10:12, Acme wrote:\n> Did it help?",
    )


# --- time --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("On " + "a " * 20_000, 0.05),
        ("> quoted\n" * 100_000, 1),
        ("> a\nb\n" * 30_000, 1),
        ("On 1 a\n" * 40_000, 1),
        ("From: a\nTo: b\n" * 20_000, 1),
        ("-" * 500_000, 0.3),
        (" " * 500_000 + "x", 0.3),
        ("A" * 30 + ("\n" + "Aa " * 20) * 5000, 1),
        ("x On Am 1 " * 50_000 + "wrote:", 0.3),
        ("sent from " * 50_000, 0.3),
        ("--\n\n" * 30_000, 1),
        ("a b " * 50_000 + "\n" + "https://" * 10_000, 0.3),
    ],
)
def test_no_text_takes_long(text: str, seconds: float) -> None:
    started = time.perf_counter()
    split(text)
    without_card(text, "A b")
    assert time.perf_counter() - started < seconds


lines = st.sampled_from(
    ["", "> old", "new words", "On 2 Nov 2026 at 10:12, A <a@x.example> wrote:", "From: A <a@x.example>", "Sent: today", "Subject: x",
     "-- ", "--", "_____", "Sent from my iPhone", "-----Original Message-----", "Best regards,", "Tel. 030 1234567", "wrote:", ">>> x <<<"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(lines, st.text("ab >-_:@.1?", max_size=20)), max_size=30).map("\n".join))
def test_every_word_is_either_new_or_rest(text: str) -> None:
    new_part, rest = split(text)
    assert sorted(new_part.split() + rest.split()) == sorted(text.split())
