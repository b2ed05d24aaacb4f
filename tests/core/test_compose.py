"""The bytes that leave: the same for the same letter, clean for every server, with no header but ours."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.adapters.template_files import load_templates
from inboxd.core import lettering
from inboxd.core.compose import MAX_EXCHANGE, MailStamp, Rendered, Templates, compose, exchange, render
from inboxd.core.model import Address, Attachment, Enclose, File, Letter, MailboxName, MessageId, MessageNo, OutgoingKind, Role, StoryLine
from inboxd.errors import Permanent

NOW = datetime(2026, 11, 16, 8, 12, tzinfo=UTC)
STAMP = MailStamp(message_id="m1.abc@acme.example", date=NOW, from_=Address(email="support@acme.example", name="Acme Support"))
LETTER = Letter(
    kind=OutgoingKind.REPLY,
    purpose="reply:1",
    template="reply",
    mailbox=MailboxName("acme"),
    language="en",
    to=Address(email="ana@example.org", name="Ana Ruiz"),
    subject="Re: A bike [#7]",
)
PLAIN = Rendered(text="Hello Ana,\n\nhere it is.\n", html="<p>Hello Ana,</p>\n<p>here it is.</p>\n")


def made(
    letter: Letter = LETTER, rendered: Rendered = PLAIN, files: tuple[File, ...] = (), stamp: MailStamp = STAMP
) -> tuple[bytes, EmailMessage]:
    raw = compose(letter, rendered, files, stamp)
    parsed = email.message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return raw, parsed


def assert_clean(raw: bytes) -> None:
    assert raw.isascii() and b"\0" not in raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert all(len(line) <= 78 for line in raw.split(b"\r\n\r\n")[0].split(b"\r\n"))


def test_the_same_letter_gives_the_same_bytes() -> None:
    files = (File(name="a.pdf", type="application/pdf", content=b"%PDF" * 50),)
    assert made(files=files)[0] == made(files=files)[0]
    assert made(files=files)[0] != made(files=files, stamp=replace(STAMP, message_id="m2@acme.example"))[0]


def test_both_parts_arrive_as_they_were_written() -> None:
    text = "Grüße aus Łódź — „ja“.\n\n" + "a long line " * 40 + "\n-- \n.\nFrom here\n"
    raw, mail = made(rendered=Rendered(text=text, html="<p>Grüße &amp; mehr</p>\n"))
    assert_clean(raw)
    body, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert body is not None and page is not None
    assert body.get_content().replace("\r\n", "\n") == text
    assert page.get_content().strip() == "<p>Grüße &amp; mehr</p>"
    assert mail.get_content_type() == "multipart/alternative"


def test_the_head_says_who_to_whom_and_in_which_thread() -> None:
    letter = replace(
        LETTER, cc=(Address(email="luis@example.org", name="Luis Ruiz"),), thread=(MessageId("a@x"), MessageId("b@y")), important=True
    )
    stamp = replace(STAMP, reply_to=Address(email="support+r7@acme.example", name="Acme"), zone=ZoneInfo("Europe/Berlin"))
    _, mail = made(letter, stamp=stamp)
    assert mail["From"] == "Acme Support <support@acme.example>"
    assert mail["To"] == "Ana Ruiz <ana@example.org>"
    assert mail["Cc"] == "Luis Ruiz <luis@example.org>"
    assert mail["Reply-To"] == "Acme <support+r7@acme.example>"
    assert mail["Subject"] == "Re: A bike [#7]"
    assert mail["Date"] == "Mon, 16 Nov 2026 09:12:00 +0100"
    assert mail["Message-ID"] == "<m1.abc@acme.example>"
    assert mail["In-Reply-To"] == "<b@y>"
    assert mail["References"].split() == ["<a@x>", "<b@y>"]
    assert mail["Importance"] == "high"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (OutgoingKind.ROUTED, None),
        (OutgoingKind.REPLY, None),
        (OutgoingKind.NOTICE, "auto-generated"),
        (OutgoingKind.RETURNED, "auto-generated"),
        (OutgoingKind.FOLLOW_UP, "auto-generated"),
        (OutgoingKind.REMINDER, "auto-generated"),
        (OutgoingKind.ACKNOWLEDGEMENT, "auto-replied"),
    ],
)
def test_only_what_a_machine_says_is_marked_as_automatic(kind: OutgoingKind, said: str | None) -> None:
    _, mail = made(replace(LETTER, kind=kind))
    assert mail["Auto-Submitted"] == said
    assert {"Precedence", "X-Auto-Response-Suppress"} & set(mail.keys()) == set()
    assert not [name for name in mail if name.lower().startswith("list-")]


def test_a_long_thread_keeps_its_first_and_its_latest_ids() -> None:
    ids = tuple(MessageId(f"{number}@x") for number in range(60))
    _, mail = made(replace(LETTER, thread=(*ids, MessageId("bad id>\r\nBcc: x@y"), MessageId("59@x"))))
    assert mail["References"].split() == ["<0@x>", *(f"<{number}@x>" for number in range(41, 60))]
    assert mail["In-Reply-To"] == "<59@x>"


EVIL = st.text(st.one_of(st.sampled_from('\r\n\0\u2028\u2029\x85\x0b\ud800 \t:,;<>@"\\()=?äł🚲\u202e'), st.characters()), max_size=300)


@settings(max_examples=150, deadline=None)
@given(EVIL, EVIL, EVIL, EVIL)
def test_no_value_can_become_a_header(subject: str, name: str, file: str, words: str) -> None:
    letter = replace(
        LETTER,
        subject=subject + "\r\nBcc: evil@example.net",
        to=Address(email="ana@example.org", name=name + "\nBcc: evil@example.net"),
        cc=(Address(email="x@example.org\r\nBcc: evil@example.net", name=name), Address(email="mia@example.org", name=name)),
    )
    stamp = replace(STAMP, from_=Address(email="support@acme.example", name=name))
    rendered = Rendered(text=lettering.many_lines(words), html=lettering.many_lines(words))
    raw, mail = made(letter, rendered, (File(name=file + "\r\nX: y", type=name, content=b"1"),), stamp)
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    allowed = {"From", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"}
    assert set(mail.keys()) <= allowed
    assert [address.addr_spec for address in mail["To"].addresses] == ["ana@example.org"]
    assert [address.addr_spec for address in mail["Cc"].addresses] == ["mia@example.org"]
    assert [address.addr_spec for address in mail["From"].addresses] == ["support@acme.example"]


@pytest.mark.parametrize(
    "name", ["Ana Ruiz", "Müller, Jürgen", 'The "Boss"', "名前 の ひと", "a" * 200, "Ruiz, Ana (Acme)", "=?utf-8?q?x?=", "x@y.z", "Ö" * 90]
)
def test_a_name_arrives_as_it_was(name: str) -> None:
    people = tuple(Address(email=f"p{number}@example.org", name=name) for number in range(4))
    raw, mail = made(replace(LETTER, cc=people))
    assert_clean(raw)
    shown = [address.display_name.replace(" ", "") for address in mail["Cc"].addresses]  # the parser of 3.11 adds some
    assert shown == [name[:120].replace(" ", "")] * 4
    assert [address.addr_spec for address in mail["Cc"].addresses] == [person.email for person in people]


@pytest.mark.parametrize("subject", ["Fahrrad ohne Vorderachse: größer", "word " * 60, "x" * 300, "日本語" * 40, "=?utf-8?q?a?= b", ""])
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    raw, mail = made(replace(LETTER, subject=subject))
    assert_clean(raw)
    assert str(mail["Subject"]).split() == subject.split()


@pytest.mark.parametrize(
    ("email_", "written"),
    [
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("a b@example.org", '"a b"@example.org'),
        ("o'neil+x@example.org", "o'neil+x@example.org"),
    ],
)
def test_an_unusual_address_is_written_as_servers_want_it(email_: str, written: str) -> None:
    _, mail = made(replace(LETTER, to=Address(email=email_)))
    assert mail["To"] == written


@pytest.mark.parametrize("email_", ["", "nobody", "a@b@c<d>", "jürgen@example.org", "a@exa mple.org", "a\r\nb@example.org"])
def test_a_recipient_that_no_header_can_carry_is_an_error_for_a_person(email_: str) -> None:
    with pytest.raises(Permanent):
        compose(replace(LETTER, to=Address(email=email_)), PLAIN, (), STAMP)


def test_files_arrive_byte_for_byte() -> None:
    files = (
        File(name="Rechnung Nº 5.pdf", type="application/pdf", content=bytes(range(256)) * 20),
        File(name="../../etc/passwd", type="multipart/mixed; boundary=x", content=b"--x\r\n"),
        File(name="notes.txt", type="text/plain", content="Grüße\nzwei".encode("latin-1")),
        File(name="", type="", content=b""),
    )
    raw, mail = made(files=files)
    assert_clean(raw)
    got = list(mail.iter_attachments())
    assert [part.get_payload(decode=True) for part in got] == [file.content for file in files]
    assert [part.get_filename() for part in got] == ["Rechnung Nº 5.pdf", ".._.._etc_passwd", "notes.txt", "file"]
    assert got[0].get_content_type() == "application/pdf"
    assert got[1].get_content_type() == "application/octet-stream"


def test_a_text_whose_bytes_say_that_they_are_utf_8_is_named_so_and_no_other() -> None:
    ours, foreign = (File(name="a.txt", type="text/plain", content="Grüße".encode(code)) for code in ("utf-8-sig", "latin-1"))
    said = [str(part["Content-Type"]) for part in made(files=(ours, foreign))[1].iter_attachments()]
    assert said == ['text/plain; charset="utf-8"', "text/plain"]


def exchanged(*texts: str) -> str:
    """The file made of these mails, oldest first."""
    lines = tuple(StoryLine(at=NOW, role=Role.CUSTOMER, name="Ana", text=text, message=MessageNo(1)) for text in texts)
    letter = replace(LETTER, exchange=lines, values={"brief": {"name": "Ana"}})
    (file,) = exchange(letter, TEMPLATES_, ZoneInfo("Europe/Berlin"))
    assert (file.name, file.type) == ("exchange.txt", "text/plain") and b"\n" not in file.content.replace(b"\r\n", b"")
    return file.content.decode("utf-8-sig")


def test_the_exchange_keeps_at_least_the_beginning_of_the_newest_mail() -> None:
    text = exchanged("The first.", "The newest." + "ä" * MAX_EXCHANGE)
    assert "The newest.ää" in text and text.rstrip().endswith("ä\r\n[...]") and "the oldest mail.\r\n" in text
    assert len(text.encode()) < MAX_EXCHANGE + 1000


def test_no_mail_of_an_exchange_breaks_out_of_its_file() -> None:
    text = exchanged("{{ 7 * 7 }} \x00\x1b[31m \ud800 \ue000here", "Hello,\r\nyes.")
    assert "{{ 7 * 7 }} [31m" in text and "Hello,\r\nyes." in text


def test_without_an_exchange_there_is_no_file() -> None:
    assert exchange(LETTER, Templates({}), ZoneInfo("UTC")) == ()


def test_a_whole_mail_is_enclosed_byte_for_byte() -> None:
    inner = b"Received: a\r\nSubject:  =?bad?= \r\nX-Odd:\ttab\r\n\r\n--not closed\r\n\r\n \r\nend\r\n"
    raw, mail = made(files=(File(name="mail.eml", type="message/rfc822", content=inner),))
    (part,) = mail.iter_attachments()
    assert part.get_content_type() == "message/rfc822"
    assert inner in raw
    assert_clean(raw)


@pytest.mark.parametrize(
    "inner", [b"Subject: \xff\xfe\r\n\r\nx\r\n", b"a: b\n\nbare\n", b"a: b\r\n\r\n" + b"x" * 2000 + b"\r\n", b"a\0b\r\n"]
)
def test_a_mail_that_is_not_clean_is_enclosed_as_a_file_byte_for_byte(inner: bytes) -> None:
    raw, mail = made(files=(File(name="mail.eml", type="message/rfc822", content=inner),))
    (part,) = mail.iter_attachments()
    assert part.get_payload(decode=True) == inner
    assert part.get_filename() == "mail.eml"
    assert_clean(raw)


# --- the page ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load_templates(Path(__file__).parents[2] / "templates", None)


def reply(words: str, **more: object) -> Letter:
    values = {"words": words, "signs_as": "Maria", "brand": "Acme Support", "quotation": "", "quoted_at": NOW, "quoted_name": "Ana"}
    return replace(LETTER, values={**values, **more})


def test_markup_in_words_is_shown_and_not_run(templates: Templates) -> None:
    page = render(reply("<script>alert(1)</script> & <img src=x onerror=y>"), templates).html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;img" in page
    assert "<script" not in page and "<img" not in page


def test_a_quotation_is_one_on_the_page(templates: Templates) -> None:
    rendered = render(reply("Here.", quotation="Where is it?\n\nAna"), templates, replace(STAMP, zone=ZoneInfo("Europe/Berlin")))
    assert "On Monday 16 November at 09:12 Ana wrote:\n> Where is it?\n>\n> Ana\n" in rendered.text
    assert re.search(r"<blockquote[^>]*>Where is it\?<br>\n<br>\nAna</blockquote>", rendered.html)


def test_prose_flows_on_the_page_and_is_wrapped_in_the_text(templates: Templates) -> None:
    values = {"customer": "Ana", "subject": "A bike", "brand": "Acme Support"}
    rendered = render(replace(LETTER, template="reminder", values=values), templates)
    assert "A person here\ntakes it up" in rendered.text
    assert "A person here takes it up" in rendered.html
    assert all(len(line) <= 62 for line in rendered.text.split("\n"))


def test_private_marks_in_words_cannot_move_the_links(templates: Templates) -> None:
    assert "\ue000" not in render(reply("a\ue000\ue001b"), templates).text


FOLLOW_UP = replace(
    LETTER,
    kind=OutgoingKind.FOLLOW_UP,
    template="are_you_happy",
    answer_links=True,
    subject="Re: Über & mehr? [#7]",
    values={
        "customer": "Ana", "agent": "Maria", "subject": "A bike", "brand": "Acme", "variant": "resolved",
        "answered_at": NOW,
    },
)  # fmt: skip
ANSWERS = replace(STAMP, answer_yes="support+y7.a-b@acme.example", answer_no="support+d7.c@acme.example")


def links(html: str) -> list[tuple[str, str]]:
    return [(href.replace("&amp;", "&"), label) for href, label in re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', html)]


def test_the_two_answers_only_have_to_be_sent(templates: Templates) -> None:
    rendered = render(FOLLOW_UP, templates, ANSWERS)
    (yes, yes_label), (no, no_label) = links(rendered.html)
    assert (yes_label, no_label) == ("Yes, it is solved", "Not yet")
    assert urlsplit(yes).scheme == "mailto" and urlsplit(yes).path == "support+y7.a-b@acme.example"
    assert parse_qs(urlsplit(yes).query) == {"subject": ["Re: Über & mehr? [#7]"], "body": ["Yes, it is solved."]}
    assert parse_qs(urlsplit(no).query)["body"] == ["Not yet. What is still wrong: "]
    assert rendered.html.index("Is it?") < rendered.html.index("Yes, it is solved") < rendered.html.index("Just reply")
    assert "mailto" not in rendered.text and "+y7" not in rendered.text


def test_without_signed_addresses_no_tap_is_offered(templates: Templates) -> None:
    assert links(render(FOLLOW_UP, templates, STAMP).html) == []
    assert links(render(FOLLOW_UP, templates).html) == []


def test_the_answers_of_a_german_question_are_german(templates: Templates) -> None:
    (_, yes), (no, label) = links(render(replace(FOLLOW_UP, language="de"), templates, ANSWERS).html)
    assert (yes, label) == ("Ja, es ist gelöst", "Noch nicht")
    assert parse_qs(urlsplit(no).query)["body"] == ["Noch nicht. Das stimmt noch nicht: "]
    assert '<html lang="de">' in render(replace(FOLLOW_UP, language="de"), templates, ANSWERS).html


def test_a_large_letter_is_made_in_time() -> None:
    made(rendered=Rendered(text="many words in a line\n" * 20_000, html="<p>x</p>\n" * 20_000))


# --- an agent's words as they were set


TEMPLATES_ = load_templates(Path(__file__).parents[2] / "templates", None)
OWN = '<p style="margin:0">Hello <b>Ana</b> <img src="cid:picture1.7@acme.example" alt=""></p>'
SET = replace(
    LETTER,
    values={
        "words": "Hello Ana\n\n-----\n> it is", "html": OWN, "signs_as": "Maria", "brand": "Acme Support", "quotation": "Where is it?",
        "quoted_at": NOW, "quoted_name": "Ana",
    },
)  # fmt: skip
PICTURE = Attachment(name="a.png", type="image/png", size=3, start=0, end=3, content_id="picture1.7@acme.example")
FILE = File(name="a.png", type="image/png", content=b"png")


def test_the_html_part_shows_an_agents_words_as_they_were_set_and_the_text_part_as_they_were_typed() -> None:
    rendered = render(SET, TEMPLATES_)
    assert rendered.html.count(OWN) == 1 and "it is</" not in rendered.html
    assert rendered.html.index(OWN) < rendered.html.index("Maria<br>\nAcme Support") < rendered.html.index("Where is it?</blockquote>")
    assert rendered.text == render(replace(SET, values={**SET.values, "html": ""}), TEMPLATES_).text
    assert "<b>" not in render(replace(SET, values={**SET.values, "html": ""}), TEMPLATES_).html


def test_only_an_agents_own_html_is_shown_as_html() -> None:
    values = {**SET.values, "quotation": "<b>no</b> \ue002\n\ue002", "quoted_name": "\ue002", "signs_as": "<i>"}
    page = render(replace(SET, values=values), TEMPLATES_).html
    assert page.count(OWN) == 1 and "&lt;b&gt;no&lt;/b&gt;" in page and "&lt;i&gt;" in page


@pytest.mark.parametrize("source", ["{{ words | indented }}", "Here: {{ words }}", "{{ words }}\n\n{{ words }}", "nothing"])
def test_a_template_that_shows_the_words_in_its_own_way_shows_them_plainly(source: str) -> None:
    templates = Templates(texts={**TEMPLATES_.texts, "en/reply": source + "\n"})
    assert "<b>" not in render(SET, templates).html


def test_a_page_of_the_admins_own_shows_the_words_plainly_and_the_picture_as_a_file() -> None:
    page = "{% for block in blocks %}<p>{{ block.lines | join('|') }}</p>{% endfor %}"
    rendered = render(SET, Templates(texts={**TEMPLATES_.texts, "letter.html": page}))
    assert "<p>Hello Ana||-----|&gt; it is</p>" in rendered.html
    letter = replace(SET, enclose=(Enclose(message=MessageNo(7), attachments=(PICTURE,)),))
    mail = made(letter, rendered, (FILE,))[1]
    assert [part.get_content_disposition() for part in mail.iter_attachments()] == ["attachment"]


def test_a_picture_in_the_words_travels_with_the_page_and_any_other_file_beside_it() -> None:
    twin = replace(PICTURE, content_id="")  # the same picture once more, as a file
    letter = replace(SET, enclose=(Enclose(message=MessageNo(7), attachments=(twin, PICTURE)),))
    raw, mail = made(letter, render(letter, TEMPLATES_), (FILE, FILE))
    assert_clean(raw)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "image/png",
    ]  # fmt: skip
    shown, file = (part for part in mail.walk() if part.get_filename() == "a.png")
    assert shown["Content-ID"] == "<picture1.7@acme.example>" and shown.get_content_disposition() == "inline"
    assert file["Content-ID"] is None and file.get_content_disposition() == "attachment"
    assert raw == made(letter, render(letter, TEMPLATES_), (FILE, FILE))[0]


def test_without_set_words_no_file_becomes_a_part_of_the_page() -> None:
    letter = replace(SET, values={**SET.values, "html": ""}, enclose=(Enclose(message=MessageNo(7), attachments=(PICTURE,)),))
    rendered = replace(render(letter, TEMPLATES_), html=OWN)
    assert [part.get_content_disposition() for part in made(letter, rendered, (FILE,))[1].iter_attachments()] == ["attachment"]
