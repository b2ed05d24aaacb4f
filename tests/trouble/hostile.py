"""Mails made to hurt: each is legal enough to be delivered."""

from __future__ import annotations

import base64
from collections.abc import Callable

HEAD = b"Message-ID: <%s@evil.example>\r\nFrom: Eve <eve-%s@evil.example>\r\nTo: support@acme.example\r\n"
HEAD += b"Date: Mon, 16 Nov 2026 09:00:00 +0000\r\n"
MIME = b"MIME-Version: 1.0\r\n"
WORDS = b"Hello,\r\nwhich lamp fits?\r\nEve\r\n"


def head(name: str, subject: bytes = b"Lamp", extra: bytes = b"", kind: bytes = b"text/plain; charset=utf-8") -> bytes:
    return HEAD % (name.encode(), name.encode()) + b"Subject: " + subject + b"\r\n" + extra + MIME + b"Content-Type: " + kind + b"\r\n"


def nested_parts(depth: int = 1000) -> bytes:
    raw = head("nested", kind=b'multipart/mixed; boundary="b0"') + b"\r\n"
    for level in range(1, depth):
        raw += b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (level - 1, level)
    return raw + b"--b%d\r\nContent-Type: text/plain\r\n\r\n" % (depth - 1) + WORDS


def nested_messages(depth: int = 1000) -> bytes:
    inner = head("inner") + b"\r\n" + WORDS
    for level in range(depth):
        inner = head(f"m{level}", kind=b"message/rfc822") + b"\r\n" + inner
    return inner


def many_parts(count: int = 100_000) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
    return head("many", kind=b'multipart/mixed; boundary="b"') + b"\r\n" + part * count + b"--b--\r\n"


def many_attachments(count: int = 20_000) -> bytes:
    part = b"--b\r\nContent-Type: image/png; name=a.png\r\nContent-Disposition: attachment\r\n\r\nhi\r\n"
    text = b"--b\r\nContent-Type: text/plain\r\n\r\n" + WORDS
    return head("attached", kind=b'multipart/mixed; boundary="b"') + b"\r\n" + text + part * count + b"--b--\r\n"


def long_subject() -> bytes:
    word = b"=?utf-8?B?" + base64.b64encode("Lampe für Ärger".encode()) + b"?=\r\n "
    subject = word * (273_000 // len(word))
    return head("subject", subject + b"end") + b"\r\n" + WORDS


def broken_words() -> bytes:
    return head("broken", b"=?utf-8?Q?" * 20_000 + b"?=" * 20_000) + b"\r\n" + WORDS


def big_base64() -> bytes:
    body = base64.encodebytes(b"\x89PNG" + bytes(18_000_000)).replace(b"\n", b"\r\n")
    parts = b"--b\r\nContent-Type: text/plain\r\n\r\n" + WORDS + b"--b\r\nContent-Type: image/png; name=photo.png\r\n"
    parts += b"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body + b"--b--\r\n"
    return head("big", kind=b'multipart/mixed; boundary="b"') + b"\r\n" + parts


def big_text() -> bytes:
    body = base64.encodebytes(b"I am angry about the lamp. \n" * 640_000).replace(b"\n", b"\r\n")
    return head("bigtext", extra=b"Content-Transfer-Encoding: base64\r\n") + b"\r\n" + body


def many_addresses(count: int = 10_000) -> bytes:
    people = b",\r\n ".join(b"Person %d <p%d@crowd.example>" % (n, n) for n in range(count))
    return head("crowd", extra=b"Cc: " + people + b"\r\n") + b"\r\n" + WORDS


def many_to(count: int = 10_000) -> bytes:
    people = b",\r\n ".join(b"q%d@crowd.example" % n for n in range(count))
    return head("crowd2").replace(b"To: support@acme.example", b"To: support@acme.example,\r\n " + people) + b"\r\n" + WORDS


def many_references(count: int = 20_000) -> bytes:
    names = b"\r\n ".join(b"<r%d@evil.example>" % n for n in range(count))
    return head("references", extra=b"References: " + names + b"\r\nIn-Reply-To: " + names + b"\r\n") + b"\r\n" + WORDS


def many_headers(count: int = 20_000) -> bytes:
    return head("headers", extra=b"".join(b"X-H%d: value\r\n" % n for n in range(count))) + b"\r\n" + WORDS


def regex_killer() -> bytes:
    lines = [
        b"-" * 100_000, b"a@" * 50_000, b">" * 100_000, b"> " * 50_000, b"On " * 30_000 + b"wrote:", b"_" * 50_000 + b"x",
        b"mon, " * 20_000, b" " * 100_000 + b"x", b"\t \t" * 30_000, b"I am " * 20_000, b"http://" * 15_000, b"<" * 50_000,
        b"[#" * 30_000, b"un" * 40_000 + b"subscribe", b"(" * 40_000 + b")" * 40_000, b"1." * 40_000, b"!?" * 40_000,
        b"your message " * 8_000, b"will not be " * 8_000,
    ]  # fmt: skip
    return head("regex", b"Re: " * 20_000 + b"AW: [#1] " * 2_000) + b"\r\n" + b"\r\n".join(lines)


def nuls() -> bytes:
    return head("nul\0s", b"La\0mp") + b"\r\n" + b"He\0llo\0\0\r\n" * 1000


def surrogates() -> bytes:
    body = b"\xed\xa0\x80 lamp \xed\xbf\xbf\xff\xfe " * 500
    return head("surrogates", b"=?utf-8?Q?=ED=A0=80_Lamp?= \xed\xa0\x80", kind=b"text/plain; charset=utf-16") + b"\r\n" + body


def escaped_surrogates() -> bytes:
    html = b"<p>&#xD800; &#xDFFF; &#0; &#x110000; lamp</p>" * 200
    return head("escapes", kind=b'text/html; charset="utf-7"') + b"\r\n" + html


def long_line() -> bytes:
    return head("line") + b"\r\n" + b"lamp " * 210_000


def one_word() -> bytes:
    return head("word") + b"\r\n" + b"x" * 1_000_000


def nested_html(depth: int = 20_000) -> bytes:
    return head("html", kind=b"text/html; charset=utf-8") + b"\r\n" + b"<div>" * depth + b"lamp" + b"</div>" * depth


def nested_tables(depth: int = 20_000) -> bytes:
    return head("tables", kind=b"text/html") + b"\r\n" + b"<table><tr><td>" * depth + b"lamp"


def nested_quotes(depth: int = 20_000) -> bytes:
    return head("quotes", kind=b"text/html") + b"\r\n<p>lamp</p>" + b"<blockquote><b><i>" * depth + b"old"


def html_attributes() -> bytes:
    return head("attributes", kind=b"text/html") + b"\r\n<p " + b"a=b " * 200_000 + b">lamp</p>" + b"<!--" * 50_000 + b"<style>" * 20_000


def deep_quotation() -> bytes:
    return head("deep") + b"\r\n" + b"\r\n".join(b">" * n + b" lamp" for n in range(1, 1500))


def nothing() -> bytes:
    return b""


def no_headers() -> bytes:
    return b"\r\n\r\n" + WORDS


def noise() -> bytes:
    return bytes(range(256)) * 4000


MAILS: dict[str, Callable[[], bytes]] = {
    "1,000 nested parts": nested_parts,
    "1,000 nested messages": nested_messages,
    "100,000 parts": many_parts,
    "20,000 attachments": many_attachments,
    "273 KB of encoded words as subject": long_subject,
    "40,000 broken encoded words": broken_words,
    "25 MB of base64": big_base64,
    "18 MB of text": big_text,
    "10,000 addresses in Cc": many_addresses,
    "10,000 addresses in To": many_to,
    "20,000 references": many_references,
    "20,000 headers": many_headers,
    "regex killers": regex_killer,
    "NULs": nuls,
    "lone surrogates": surrogates,
    "surrogates as entities": escaped_surrogates,
    "1 MB in one line": long_line,
    "1 MB in one word": one_word,
    "20,000 nested tags": nested_html,
    "20,000 nested tables": nested_tables,
    "20,000 nested quotations": nested_quotes,
    "200,000 attributes": html_attributes,
    "1,500 levels of >": deep_quotation,
    "nothing at all": nothing,
    "no headers": no_headers,
    "noise": noise,
}
