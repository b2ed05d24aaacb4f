import base64
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.html_text import html_text
from inboxd.core.model import Address
from inboxd.core.parse import Limits, files, parse

HEAD = b"From: Ann <ann@customer.example>\r\nSubject: Lamp\r\nMIME-Version: 1.0\r\n"


def mail(*lines: str, charset: str = "utf-8") -> bytes:
    return "\r\n".join(lines).encode(charset)


def multipart(subtype: str, *parts: bytes, boundary: str = "cut-here") -> bytes:
    mark = b"\r\n--" + boundary.encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode()
    return head + b"\r\n" + b"".join(mark + b"\r\n" + part for part in parts) + mark + b"--\r\n"


def part(type_: str, body: bytes, *more: str) -> bytes:
    return "".join(f"{line}\r\n" for line in (f"Content-Type: {type_}", *more)).encode() + b"\r\n" + body


# --- the header --------------------------------------------------------------------------------------------------


def test_the_header_is_read_as_a_person_would_see_it() -> None:
    message = parse(
        mail(
            "Return-Path: <bounces@relay.example>",
            "Delivered-To: Support+k7.abc@acme.example",
            "X-Original-To: support@acme.example",
            "From: =?iso-8859-1?Q?J=FCrgen?= =?utf-8?B?TcO8bGxlcg==?= <Juergen@Customer.Example>",
            "Reply-To: post@customer.example",
            'To: "Support, Acme" <support@acme.example>, Team: bob@acme.example, eve@acme.example;',
            "Cc: (our landlord) house@customer.example",
            "Subject: =?utf-8?Q?Re:_Die_L=C3=A4mpchen?=",
            "  brennen",
            "Message-ID: <one@customer.example>",
            "In-Reply-To: <a.b@acme.example>",
            "References: <r1@acme.example> <r2@acme.example>",
            "  <a.b@acme.example>",
            "",
            "Hallo",
        )
    )
    assert message.sender == Address(email="juergen@customer.example", name="JürgenMüller")
    assert message.reply_to == (Address(email="post@customer.example"),)
    assert [address.email for address in message.to] == [
        "support@acme.example",
        "bob@acme.example",
        "eve@acme.example",
    ]
    assert message.to[0].name == "Support, Acme"
    assert message.cc == (Address(email="house@customer.example", name="our landlord"),)
    assert message.delivered_to == ("support+k7.abc@acme.example", "support@acme.example")
    assert message.subject == "Re: Die Lämpchen brennen"
    assert message.message_id == "one@customer.example"
    assert message.in_reply_to == ("a.b@acme.example",)
    assert message.references == ("r1@acme.example", "r2@acme.example", "a.b@acme.example")
    assert message.header("return-path") == "<bounces@relay.example>"
    assert message.text == "Hallo"
    assert message.cut == ()
    assert message.error == ""


@pytest.mark.parametrize(
    ("header", "email", "name"),
    [
        ("From: ann@x.example (Ann Weber)", "ann@x.example", "Ann Weber"),
        ("From: Ann Weber ann@x.example", "ann@x.example", "Ann Weber"),
        ('From: "Weber, Ann" <ann@x.example>', "ann@x.example", "Weber, Ann"),
        ("From: 'Ann' <ann@x.example>", "ann@x.example", "Ann"),
        ("From: <ann@x.example", "ann@x.example", ""),
        ("From: undisclosed\r\nSender: Ann <ann@x.example>", "ann@x.example", "Ann"),
        ("Return-Path: <ann@x.example>", "ann@x.example", ""),
        ("From: Ann", "", "Ann"),
        ('From: "', "", ""),
        ("From: =?nonsense?Q?Ann?= <ann@x.example>", "ann@x.example", "Ann"),
    ],
)
def test_the_sender_is_found_however_it_is_written(header: str, email: str, name: str) -> None:
    sender = parse(mail(header, "", "x")).sender
    assert sender.email == email
    if email:
        assert sender.name == (name or ("undisclosed" if "undisclosed" in header else ""))


@pytest.mark.parametrize(
    "written", ["<[b378@x]>", "<", "<>", "no-brackets@x.example", "<two@x> <three@x>", "< spaced @x.example >", '"', "\0"]
)
def test_a_broken_message_id_is_no_trouble(written: str) -> None:
    message = parse(mail(f"Message-ID: {written}", f"References: {written}", "", "x"))
    assert message.error == ""
    assert "<" not in message.message_id and ">" not in message.message_id and " " not in message.message_id


def test_a_character_split_between_encoded_words_is_whole_again() -> None:
    euro = base64.b64encode("5 €".encode())
    first, second = base64.b64encode("5 €".encode()[:3]).decode(), base64.b64encode("5 €".encode()[3:]).decode()
    assert len(euro) > 0
    assert parse(mail(f"Subject: =?utf-8?B?{first}?=", f" =?utf-8?B?{second}?=", "", "x")).subject == "5 €"


def test_raw_bytes_in_the_subject_are_read() -> None:
    assert parse("Subject: Grüße\r\n\r\nx".encode()).subject == "Grüße"
    assert parse("Subject: Grüße\r\n\r\nx".encode("latin-1")).subject == "Grüße"


def test_a_mail_without_the_empty_line_keeps_its_words() -> None:
    message = parse(b"Subject: Lamp\r\nIt is broken and I am sad\r\n")
    assert message.subject == "Lamp"
    assert "It is broken" in message.text


# --- the words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
        ("iso-8859-1", "Grüße – 5 €".encode("cp1252"), "Grüße – 5 €"),
        ("iso-8859-1", "Grüße".encode(), "Grüße"),  # the label lies
        ("utf-8", "Grüße".encode("cp1252"), "Grüße"),  # and here
        ("klingon", "Grüße".encode("cp1252"), "Grüße"),
        ("base64", b"Hello", "Hello"),  # a codec, but no charset
        ("iso-2022-jp", "こんにちは".encode("iso-2022-jp"), "こんにちは"),
        ("shift_jis", "こんにちは".encode("shift_jis"), "こんにちは"),
        ("ks_c_5601-1987", "안녕".encode("cp949"), "안녕"),
        ("gb2312", "你好".encode("gb18030"), "你好"),
        ("windows-1251", "Привет".encode("cp1251"), "Привет"),
        ("utf-8", b"\xef\xbb\xbfHello\0", "Hello"),
        ("utf-16", "Hällo".encode("utf-16"), "Hällo"),
        ("utf-8", "Very long and fine € ".encode() * 20 + b"\xff", "Very long and fine € " * 20 + "\ufffd"),
    ],
)
def test_text_is_read_in_its_true_charset(charset: str, body: bytes, text: str) -> None:
    assert parse(HEAD + f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + body).text == text


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("base64", b"SGVsbG8gw7YK"),
        ("base64", b"SGVs!bG8g\r\nw7YK=garbage"[:17]),
        ("BASE64 ", b"SGVsbG8gw7Y"),
        ("quoted-printable", b"Hello=20=C3=\r\n=B6"),
        ("x-uuencode", b"begin 644 a.txt\n(2&5L;&\\@P[8 \n`\nend\n"),
        ("8bits", "Hello ö".encode()),
    ],
)
def test_every_transfer_encoding_is_undone(encoding: str, body: bytes) -> None:
    raw = HEAD + f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
    assert parse(raw).text.strip() == "Hello ö"


def test_flowed_lines_are_joined() -> None:
    body = mail("The lamp is ", "broken.", "> It was ", "> new.", ">> older ", "no quote", " From here", "-- ", "Ann ")
    text = parse(HEAD + b"Content-Type: text/plain; format=flowed\r\n\r\n" + body).text
    assert text.split("\n") == ["The lamp is broken.", "> It was new.", ">> older ", "no quote", "From here", "-- ", "Ann "]
    joined = parse(HEAD + b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\nlam \r\np").text
    assert joined == "lamp"


def test_of_alternatives_the_plain_text_is_shown_and_the_html_kept() -> None:
    message = parse(HEAD + multipart("alternative", part("text/plain", b"Hello"), part("text/html", b"<p>Hello <b>you</b></p>")))
    assert message.text == "Hello"
    assert message.html == "<p>Hello <b>you</b></p>"
    assert message.attachments == ()
    assert message.content_type == "multipart/alternative"


@pytest.mark.parametrize("plain", [b"", b" \r\n\xc2\xa0\r\n", b"Your mail program does not support HTML."])
def test_html_speaks_where_the_plain_text_says_nothing(plain: bytes) -> None:
    html = b"<p>The lamp that I bought from you last week has been broken since Monday, please help me soon.</p>"
    message = parse(HEAD + multipart("alternative", part("text/plain", plain), part("text/html", html)))
    assert message.text.startswith("The lamp that I bought")


def test_html_becomes_text_that_can_be_read() -> None:
    source = (
        "<html><head><title>no</title><style>p{}</style></head><body>Hello&nbsp;Ann,<script>alert(1)</script>"
        "<p>one<br>two</p><ul><li>tea</li><li>milk</li></ul><ol><li>first</li></ol>"
        '<blockquote>old<blockquote>older</blockquote></blockquote><a href="https://x.example">our shop</a>'
        '<div style="display:none">preview</div><pre>a\n  b</pre></body></html>'
    )
    assert [line for line in html_text(source).split("\n") if line.strip("> ")] == [
        "Hello Ann,",
        "one",
        "two",
        "* tea",
        "* milk",
        "1. first",
        "> old",
        ">> older",
        "our shop",
        "a",
        "  b",
    ]


def test_texts_beside_attachments_are_all_shown() -> None:
    message = parse(
        HEAD
        + multipart(
            "mixed",
            part("text/plain", b"Before"),
            part("image/png", b"x", 'Content-Disposition: inline; filename="a.png"', "Content-ID: <pic@x>"),
            part("text/plain", b"After"),
        )
    )
    assert message.text == "Before\n\nAfter"
    assert [(a.name, a.content_id) for a in message.attachments] == [("a.png", "pic@x")]


# --- attachments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (['Content-Disposition: attachment; filename="r e.pdf"'], "r e.pdf"),
        (["Content-Disposition: attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.pdf"], "Grüße.pdf"),
        (["Content-Disposition: attachment; filename*0*=utf-8''Gr%C3; filename*1*=%BC; filename*2=n.pdf"], "Grün.pdf"),
        (['Content-Disposition: attachment; filename="=?utf-8?B?R3LDvG4ucGRm?="'], "Grün.pdf"),
        (['Content-Disposition: attachment; filename="Grün.pdf"'], "Grün.pdf"),
        (['Content-Disposition: attachment; filename="C:\\\\tmp\\\\a;b.pdf"'], "a;b.pdf"),
        (["Content-Disposition: attachment; filename=../../etc/passwd"], "passwd"),
        (["Content-Disposition: attachment"], "application-1.pdf"),
    ],
)
def test_an_attachment_has_the_name_its_sender_gave(lines: list[str], name: str) -> None:
    (attachment,) = parse(HEAD + multipart("mixed", part("application/pdf", b"%PDF", *lines))).attachments
    assert attachment.name == name


def test_files_are_the_attachments_with_their_bytes() -> None:
    picture = bytes(range(256))
    raw = HEAD + multipart(
        "mixed",
        part("text/plain", b"See here"),
        part("image/png", base64.encodebytes(picture), "Content-Transfer-Encoding: base64"),
        part("message/rfc822", b"Subject: Your order\r\n\r\nthanks"),
    )
    message = parse(raw)
    attached = files(raw, message.attachments)
    assert [(a.name, a.type, a.size) for a in message.attachments] == [(file.name, file.type, len(file.content)) for file in attached]
    assert attached[0].content == picture
    assert attached[1].name == "Your order.eml"
    assert attached[1].content == b"Subject: Your order\r\n\r\nthanks"


def test_a_part_whose_boundary_never_closes_is_read_to_the_end() -> None:
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>end'
    assert parse(raw).text == "Hello\n\nend"


def test_a_multipart_without_its_boundary_shows_what_is_there() -> None:
    assert "Hello" in parse(HEAD + b"Content-Type: multipart/mixed\r\n\r\nHello").text
    assert "Hello" in parse(HEAD + b"Content-Type: multipart/mixed; boundary=gone\r\n\r\nHello").text


def test_a_boundary_right_below_another_is_seen() -> None:
    inner = b"--in\r\n\r\nHello\r\n--in--\r\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: multipart/mixed; boundary=in\r\n\r\n"
    message = parse(raw + inner + b"--out\r\n--out\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n--out--\r\n")
    assert message.text.strip() == "Hello"
    assert [attachment.name for attachment in message.attachments] == ["a.png"]


def test_text_that_only_claims_to_be_base64_is_read() -> None:
    said = "The lamp is broken, and I would like to have a new one please."
    assert parse(HEAD + f"Content-Transfer-Encoding: base64\r\n\r\n{said}".encode()).text == said


def test_a_mail_that_only_holds_another_mail_shows_its_words() -> None:
    message = parse(HEAD + part("message/rfc822", b"Subject: Your order\r\n\r\nIt has been sent."))
    assert message.text == "It has been sent."
    assert [attachment.type for attachment in message.attachments] == ["message/rfc822"]


def test_a_delivery_report_is_kept_for_the_screening() -> None:
    raw = HEAD + multipart(
        "report; report-type=delivery-status",
        part("text/plain", b"Not delivered"),
        part("message/delivery-status", b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@x.example\r\nAction: failed"),
        part("text/rfc822-headers", b"Subject: Ours\r\nMessage-ID:\r\n <ours@acme.example>\r\n"),
    )
    message = parse(raw)
    assert "Action: failed" in message.report
    assert "Message-ID: <ours@acme.example>" in message.report
    assert "Subject: Ours" not in message.report


# --- hostile mails -----------------------------------------------------------------------------------------------


def nested(depth: int) -> bytes:
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return HEAD + opened + b"\r\nHello\r\n"


def html(body: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\r\n\r\n" + body


HOSTILE = {
    "nested multiparts": (nested(1000), "depth"),
    "nested messages": (HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000, "depth"),
    "100,000 parts": (HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n\r\na\r\n" * 100_000, "parts"),
    "parts without end of header": (HEAD + b'Content-Type: multipart/mixed; boundary="-"\r\n\r\n' + b"--\r\n---\r\n" * 90_000, "parts"),
    "false boundaries": (nested(19) + b"--z\r\n" * 200_000, "parts"),
    "a subject of encoded words": (b"Subject: " + b"\r\n ".join([b"=?utf-8?q?abc?="] * 20_000) + b"\r\n\r\nx", "headers"),
    "a subject of plain words": (b"Subject: " + b"word " * 200_000 + b"\r\n\r\nx", "headers"),
    "10,000 addresses": (b"To: " + b",\r\n ".join(b'"N" <n%d@x.example>' % n for n in range(10_000)) + b"\r\n\r\nx", "header"),
    "5,000 sections": (HEAD + b"Content-Type: text/plain" + b"".join(b";\r\n n*%d*=a" % n for n in range(5000)) + b"\r\n\r\n", "header"),
    "60,000 headers": (b"a:b\r\n" * 60_000 + b"\r\nx", "headers"),
    "a long base64": (HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 2_000_000, "text"),
    "comments in comments": (b"From: " + b"(" * 100_000 + b"\r\n\r\nx", "header"),
    "deep HTML": (html(b"<div>" * 180_000), ""),
    "formatting that multiplies": (html(b"".join(b"<b x%d>" % n for n in range(9000)) + b"<p>x" * 9000), ""),
    "open brackets": (html(b"<a " * 300_000), ""),
    "an HTML flood": (html(b"<p>Hello</p>" * 200_000), "html"),
    "many deep HTML parts": (HEAD + multipart("mixed", *[part("text/html", b"<div>" * 8000)] * 60), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_is_cut_in_time(name: str) -> None:
    raw, cut = HOSTILE[name]
    started = time.perf_counter()
    message = parse(raw)
    seconds = time.perf_counter() - started
    assert message.error == ""
    assert cut in message.cut or not cut
    assert seconds < 2


def test_273_kilobytes_of_encoded_subject_take_no_time() -> None:
    raw = b"From: ann@x.example\r\nSubject: " + b"\r\n ".join([b"=?utf-8?q?abc?="] * 16_000) + b"\r\n\r\nHello"
    started = time.perf_counter()
    message = parse(raw)
    assert time.perf_counter() - started < 0.2
    assert message.subject.startswith("abcabc")
    assert message.sender.email == "ann@x.example"


def test_a_mail_over_the_size_gives_its_beginning() -> None:
    message = parse(HEAD + b"\r\n" + b"Hello " * 1000, Limits(size=200))
    assert message.cut == ("size",)
    assert message.text.startswith("Hello Hello")
    assert message.size > 6000


@pytest.mark.parametrize(
    ("limits", "cut"),
    [(Limits(parts=2), "parts"), (Limits(depth=1), "depth"), (Limits(text=3), "text"), (Limits(header_block=60), "headers")],
)
def test_what_was_left_out_is_named(limits: Limits, cut: str) -> None:
    inner = multipart("mixed", part("text/plain", b"Hello"), part("text/plain", b"you"), boundary="inner")
    message = parse(HEAD + multipart("mixed", inner, boundary="outer"), limits)
    assert cut in message.cut


pieces = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r\n\r\n", b"--", b"b", b"--b\r\n", b"--b--\r\n", b"Content-Type: ", b"multipart/mixed; boundary=b\r\n",
        b"multipart/alternative; boundary=\"b\"", b"text/html\r\n\r\n", b"text/plain; charset=", b"utf-16", b"hz", b"idna",
        b"message/rfc822\r\n\r\n", b"message/delivery-status\r\n\r\n", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\n", b"Content-Disposition: attachment; filename*0*=", b"utf-8''%C3",
        b"From: ", b"To: ", b"Message-ID: <", b">", b"\"", b"(", b"\\", b"=?utf-8?B?", b"=?x?q?", b"?=", b"<p>", b"<blockquote>", b"\0",
        b"\xff\xfe", b"\xc3", b"=", b"format=flowed\r\n\r\n> a \n", b"Subject: ", b" ", b":", b";", b",", b"@",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(pieces, st.binary(max_size=8)), max_size=40).map(b"".join))
def test_any_bytes_give_a_message(raw: bytes) -> None:
    message = parse(raw)
    assert message.error == ""
    assert [len(file.content) for file in files(raw, message.attachments)] == [a.size for a in message.attachments]
    for said in _strings(message.text, message.subject, message.sender.name, message.sender.email, message.html, message.report):
        assert "\0" not in said
        said.encode("utf-8")  # no lone surrogates: everything can be stored and sent
    for name, value in message.headers:
        assert name == name.lower()
        value.encode("utf-8")


def _strings(*said: str) -> Iterator[str]:
    yield from said


def test_ordinary_mails_are_parsed_fast_enough() -> None:
    received = b"".join(b"Received: from mx%d.example by mail.example; Mon, 2 Nov 2026 10:00:00 +0000\r\n" % n for n in range(8))
    body = b"My parcel has not arrived.\r\n" * 60
    raw = received + HEAD + multipart("alternative", part("text/plain", body), part("text/html", b"<p>" + body + b"</p>"))
    started = time.perf_counter()
    for _ in range(200):
        parse(raw)
    assert time.perf_counter() - started < 1  # a loaded machine; alone it is more than 2,000 a second
