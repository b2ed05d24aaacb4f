"""Replies of agents, written as eight mail programs write them: the same ones each time."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from tests.core.replies.agents_words import Typed, typed
from tests.core.replies.our_mails import AGENT, AGENT_NAME, OurMail, routed
from tests.core.replies.programs import PROGRAMS, Draft, Program

LANGUAGES = ("en", "de", "fr", "es", "nl")
PLACES = ("top", "bottom", "bare", "trimmed", "inline")
SIGNATURES = ("", "dashes", "card", "phone")
FORMS = ("both", "plain", "page")
ENCODINGS = ("quoted-printable", "base64", "8bit")
CHARSETS = ("utf-8", "iso-8859-1", "windows-1252")
HOW_MANY = 1200
STEP = 40_739  # a prime, so that nothing repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply: what was typed, in which program, under which circumstances."""

    program: Program
    kind: str  # of words
    typed: Typed
    language: str
    place: str
    signature: str
    form: str
    encoding: str
    charset: str
    files: bool
    draft: Draft

    @property
    def name(self) -> str:
        signed = self.signature or "unsigned"
        return f"{self.program.name}: {self.kind}, {self.language}, {self.place}, {signed}, {self.form}, {self.encoding}, {self.charset}"

    @property
    def raw(self) -> bytes:
        return written(self.program, self.draft, self.form, self.encoding, self.charset, files=self.files)


def replies() -> Iterator[Reply]:
    """Give the replies of the table: of all that can be, taken with wide steps so that each value meets each other one."""
    everything = list(product(PROGRAMS, typed("en"), LANGUAGES, PLACES, SIGNATURES, FORMS))
    for number in range(HOW_MANY):
        program, kind, language, place, signature, form = everything[number * STEP % len(everything)]
        yield reply(
            program,
            kind,
            language=language,
            place=place,
            signature=signature,
            form=form,
            encoding=ENCODINGS[number % len(ENCODINGS)],
            charset=CHARSETS[number // 3 % len(CHARSETS)],
            files=number % 5 == 0,
            variant=number % 12,
        )


def reply(
    program: Program,
    kind: str,
    *,
    language: str = "en",
    place: str = "top",
    signature: str = "",
    form: str = "both",
    encoding: str = "quoted-printable",
    charset: str = "utf-8",
    files: bool = False,
    variant: int = 0,
    mail: OurMail | None = None,
) -> Reply:
    """Let the agent type these words in this program."""
    words = typed(language)[kind]
    if signature == "card" and form == "plain":
        signature = "dashes"  # a text knows no logo
    draft = Draft(
        words=tuple(words.text.split("\n")),
        signature=signature,
        posting=place,
        language=language,
        mail=mail or routed(language),
        variant=variant,
    )
    return Reply(
        program=program, kind=kind, typed=words, language=language, place=place, signature=signature, form=form, encoding=encoding,
        charset=charset, files=files, draft=draft,
    )  # fmt: skip


def written(program: Program, draft: Draft, form: str, encoding: str, charset: str, *, files: bool = False) -> bytes:
    """Write the whole mail as it arrives."""
    extra = "; format=flowed" if program.flowed else ""
    parts = []
    if form in ("both", "plain"):
        parts.append(_part("plain", program.text(draft), encoding, charset, extra))
    if form in ("both", "page"):
        parts.append(_part("html", program.page(program, draft), encoding, charset))
    body = parts[0] if len(parts) == 1 else _multipart("alternative", parts, "alternative-7")
    if files:
        pdf = b'Content-Type: application/pdf; name="bill.pdf"\r\nContent-Disposition: attachment; filename="bill.pdf"\r\n'
        pdf += b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(b"%PDF-1.7 nothing").replace(b"\n", b"\r\n")
        old = b"From: ben@example.net\r\nSubject: an older mail\r\nContent-Type: text/plain\r\n\r\nThe older mail says something else.\r\n"
        parts = [body, pdf, b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + old]
        body = _multipart("mixed", parts, "mixed-7")
    head = (
        f"From: {AGENT_NAME} <{AGENT}>\r\nTo: Acme Support <{draft.mail.reply_to}>\r\nSubject: Re: {draft.mail.subject}\r\n"
        "Date: Mon, 16 Nov 2026 10:02:11 +0100\r\nMessage-ID: <reply-1@acme.example>\r\nIn-Reply-To: <m1.abc@acme.example>\r\n"
        "MIME-Version: 1.0\r\n"
    )
    return head.encode() + body


def _part(subtype: str, text: str, encoding: str, charset: str, extra: str = "") -> bytes:
    try:
        raw = text.encode(charset)
    except UnicodeEncodeError:
        charset, raw = "utf-8", text.encode()
    raw = raw.replace(b"\n", b"\r\n")
    if encoding == "base64":
        raw = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        raw = b"\r\n".join(quopri.encodestring(line).rstrip(b"\n").replace(b"=\n", b"=\r\n") for line in raw.split(b"\r\n"))
    head = f"Content-Type: text/{subtype}; charset={charset}{extra}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + raw


def _multipart(subtype: str, parts: list[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n\r\n'.encode()
    return head + b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
