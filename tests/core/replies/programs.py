"""How eight mail programs write a reply: quotation, the line above it, signature, wrapping, and the page beside the text."""

from __future__ import annotations

import html as markup
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.core.replies.our_mails import AGENT, AGENT_NAME, SENDER_NAME, SUPPORT, OurMail

BULLET = "\u2022 "
CARD = (AGENT_NAME, "Customer care | Acme GmbH", f"+49 30 1234567 | {AGENT} | www.acme.example")
NB, NARROW = "\u00a0", "\u202f"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the agent has in the window before sending: paragraphs of words, and how much of our mail is still there."""

    words: tuple[str, ...]
    signature: str  # "", "dashes", "card", "phone"
    posting: str  # "top", "bottom", "bare", "trimmed", "inline"
    language: str
    mail: OurMail
    variant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, rule or link of our page."""

    kind: str
    lines: tuple[str, ...] = ()
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One mail program: what it puts where. Text lines are unwrapped; `wrap` is the width at which it breaks them."""

    name: str
    attribution: Callable[[str, int], list[str]]
    sign: str = ""
    wrap: int = 0
    flowed: bool = False
    rule: str = "-" * 30
    tap: str = "{label} <{target}>"
    bullet: str = "* "
    phone: dict[str, str]
    signs_attribution: bool = False
    page: Callable[[Program, Draft], str]
    blank_between: bool = False  # a blank line after each paragraph of the text

    def text(self, draft: Draft) -> str:
        """Write the text part."""
        own = self._own(draft)
        if draft.posting == "bare":
            return own
        attribution, quoted = self.attribution(draft.language, draft.variant), self._quoted(draft)
        if self.signs_attribution:
            quoted = [*(f"{self.sign}{line}" for line in attribution), self.sign, *quoted]
            attribution = []
        above = "\n".join(attribution)
        if draft.posting in ("bottom", "trimmed"):
            return "\n".join(filter(None, (above, "\n".join(quoted)))) + f"\n\n{own}"
        if draft.posting == "inline":
            middle = len(quoted) // 2
            quoted = [*quoted[:middle], "", *draft.words, "", *quoted[middle:]]
            own = ""
        return f"{own}\n" + "\n".join(filter(None, (above, "\n".join(quoted)))) + "\n"

    def _own(self, draft: Draft) -> str:
        lines: list[str] = []
        for line in draft.words:
            line = self._linked(f"{self.bullet}{line.removeprefix(BULLET)}" if line.startswith(BULLET) else line)
            lines += self._wrapped(line)
            if self.blank_between and line:
                lines.append("")
        signature = self.signature(draft)
        return "\n".join([*lines, "", *signature, ""] if signature else [*lines, ""])

    def signature(self, draft: Draft) -> list[str]:
        if draft.signature == "dashes":
            return ["-- ", *CARD]
        if draft.signature == "card":
            logo = {"gmail": "[image: Acme]", "outlook": "[cid:image001.png@01DC5A2B.3C4D5E60]"}.get(self.name.split()[0], "")
            third = CARD[2] if self.sign else f"+49 30 1234567 | {AGENT}<mailto:{AGENT}> | www.acme.example<http://www.acme.example>"
            mark = ["-- "] if self.name in ("gmail web", "thunderbird", "k-9") else []
            return [*mark, *CARD[:2], third, *([logo] if logo else [])]
        return [self.phone[draft.language]] if draft.signature == "phone" else []

    def _quoted(self, draft: Draft) -> list[str]:
        lines: list[str] = []
        for block in kept(draft):
            if block.kind == "rule":
                lines += [self.rule, ""]
            elif block.kind == "link":
                target = re.sub("^mailto:", "", block.href) if "mailto:" not in self.tap else block.href
                lines += [self.tap.format(label=block.lines[0], target=target.replace("mailto:", "")), ""]
            else:
                lines += [*(self._linked(line) if draft.variant % 2 else line for line in block.lines), ""]
        lines = lines[:-1]
        if not self.sign:
            return lines
        width = self.wrap and max(30, self.wrap - len(self.sign))
        return [f"{self.sign}{part}".rstrip() for line in lines for part in (wrapped(line, width) if width else [line])]

    def _linked(self, line: str) -> str:
        """Outlook makes links of addresses and writes their target, too."""
        return re.sub(r"([\w.+-]+@[\w.-]+\w)", r"\1<mailto:\1>", line) if self.name.startswith("outlook") else line

    def _wrapped(self, line: str) -> list[str]:
        parts = wrapped(line, self.wrap) if self.wrap else [line]
        return [f"{part} " for part in parts[:-1]] + parts[-1:] if self.flowed else parts


def wrapped(line: str, width: int) -> list[str]:
    """Break a line as programs do: at spaces, never inside a word."""
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False, drop_whitespace=True) or [""]


def blocks(page: str, bold: str = r"\1") -> list[Block]:
    """Cut our page into its paragraphs, rules and links; some programs write what is bold between stars."""
    found = []
    body = page[page.index("<body") : page.index("</body>")]
    for match in re.finditer(r"<hr[^>]*>|<(p|h2|blockquote|div)\b[^>]*>((?:(?!<div|<p\b).)*?)</\1>", body, re.DOTALL):
        inner = match[2]
        if inner is None:
            found.append(Block(kind="rule"))
        elif link := re.match(r'<a href="([^"]*)"[^>]*>(.*)</a>', inner):
            found.append(Block(kind="link", lines=(markup.unescape(link[2]),), href=markup.unescape(link[1])))
        else:
            kind = {"p": "paragraph", "h2": "paragraph", "blockquote": "quote", "div": "indented"}[match[1]]
            lines = re.split(r"<br>\n?", re.sub(r"<strong>(.*?)</strong>", bold, inner))
            lead = {"quote": "> ", "indented": "    "}.get(kind, "")
            found.append(Block(kind=kind, lines=tuple((lead + markup.unescape(line)).rstrip() for line in lines)))
    return found


def kept(draft: Draft) -> list[Block]:
    """What is left of our mail: all of it, or the part that the agent did not cut away."""
    all_ = blocks(draft.mail.html, r"*\1*" if draft.variant % 3 == 0 else r"\1")
    if draft.posting != "trimmed":
        return all_
    return [all_[:2], all_[:1], all_[:3], all_[: len(all_) // 2]][draft.variant % 4]


# --- pages -----------------------------------------------------------------------------------------------------------


def esc(text: str) -> str:
    return re.sub(r"(https?://\S+)", r'<a href="\1">\1</a>', markup.escape(text, quote=False))


def lines_of(draft: Draft, line: str, empty: str, bullet: str = "<ul>{}</ul>") -> str:
    """Write the agent's lines, each in this form; made lists in theirs."""
    out, items = [], list[str]()
    for each in [*draft.words, None]:
        if each is not None and each.startswith(BULLET):
            items.append(f"<li>{esc(each.removeprefix(BULLET))}</li>")
            continue
        if items:
            out.append(bullet.format("".join(items)))
            items = []
        if each is not None:
            out.append(line.format(esc(each)) if each else empty)
    return "\n".join(out)


def placed(draft: Draft, own: str, quotation: str) -> str:
    """Put words above or below the quotation, or in its middle."""
    if draft.posting == "bare":
        return own
    if draft.posting in ("bottom", "trimmed"):
        return quotation + own
    if draft.posting == "inline":
        at = quotation.index("</p>", len(quotation) // 2) + 4
        opening = re.search(r"<blockquote[^>]*>(?!.*<blockquote)", quotation, re.DOTALL)
        if opening and draft.variant % 2:  # the program splits the quotation where a new line begins
            own = f"</div></blockquote>{own}{opening[0]}<div>"
        return quotation[:at] + own + quotation[at:]
    return own + quotation


def inner(draft: Draft, paragraph: str = '<p style="margin:0 0 16px 0">{}</p>', prefix: str = "") -> str:
    """Our page as it stands inside a quotation."""
    out = []
    for block in kept(draft):
        if block.kind == "rule":
            out.append('<hr style="border:0;border-top:1px solid #8a8a8a;margin:16px 0">')
        elif block.kind == "link":
            out.append(paragraph.format(f'<a href="{markup.escape(block.href)}">{esc(block.lines[0])}</a>'))
        else:
            out.append(paragraph.format("<br>\n".join(markup.escape(line, quote=False) for line in block.lines)))
    return f'<div style="max-width:600px"{prefix}>\n' + "\n".join(out) + "\n</div>"


def card(draft: Draft, program: Program, line: str = "<div>{}</div>", logo: str = '<img src="cid:logo" alt="Acme" width="80">') -> str:
    linked = [esc(each).replace(AGENT, f'<a href="mailto:{AGENT}">{AGENT}</a>') for each in CARD]
    if draft.signature == "card":
        return "".join(line.format(each) for each in linked) + line.format(logo)
    return "".join(line.format(esc(each)) for each in program.signature(draft))


def _gmail_page(program: Program, draft: Draft) -> str:
    own = f'<div dir="ltr">{lines_of(draft, "<div>{}</div>", "<div><br></div>")}</div>'
    if draft.signature in ("card", "dashes"):
        mark = "" if "Android" in program.name else '<span class="gmail_signature_prefix">-- </span><br>'
        person = card(draft, program) if draft.signature == "card" else "".join(f"<div>{esc(each)}</div>" for each in CARD)
        own += (
            f'<br clear="all"><div><br></div>{mark}<div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature">{person}</div>'
        )
    elif draft.signature:
        own += f"<div><br></div><div>{program.signature(draft)[0]}</div>"
    attribution = markup.escape(" ".join(program.attribution(draft.language, draft.variant)))
    quotation = (
        f'<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">{attribution}<br></div>'
        '<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">'
        f"{inner(draft)}</blockquote></div>"
    )
    return placed(draft, own, quotation)


def _fields(program: Program, draft: Draft, line: str) -> str:
    rows = [each.partition(":") for each in program.attribution(draft.language, draft.variant) if ":" in each]
    return line.join(f"<b>{name}:</b>{markup.escape(value)}" for name, _, value in rows)


def _outlook_classic_page(program: Program, draft: Draft) -> str:
    normal = "<p class=MsoNormal><span style='font-size:11.0pt'>{}<o:p></o:p></span></p>"
    made = "<ul style='margin-top:0cm' type=disc>{}</ul>".replace("<li>", "<li class=MsoListParagraph style='margin-left:0cm'>")
    own = lines_of(draft, normal, normal.format("<o:p>&nbsp;</o:p>"), made)
    if draft.signature:
        mark = "<p class=MsoNormal><span style='mso-bookmark:_MailAutoSig'><span style='font-size:10.0pt'>{}<o:p></o:p></span></span></p>"
        own += normal.format("<o:p>&nbsp;</o:p>") + card(draft, program, mark if draft.signature == "card" else normal)
    quotation = (
        "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal>"
        f"{_fields(program, draft, '<br>')}<o:p></o:p></p></div></div><p class=MsoNormal><o:p>&nbsp;</o:p></p>"
        + inner(draft, "<p class=MsoNormal style='margin-bottom:12.0pt'><span style='font-family:\"Segoe UI\"'>{}<o:p></o:p></span></p>")
    )
    body = placed(draft, own, quotation)
    head = "<head><style><!-- p.MsoNormal {margin:0cm;font-size:11.0pt;} --></style></head>"
    return f'<html xmlns:o="urn:schemas-microsoft-com:office:office">{head}<body lang=DE><div class=WordSection1>{body}</div></body></html>'


def _outlook_new_page(program: Program, draft: Draft) -> str:
    line = '<div class="elementToProof" style="font-family: Aptos, Calibri; font-size: 12pt; color: rgb(0, 0, 0);">{}</div>'
    own = lines_of(draft, line, line.format("<br>"))
    if draft.signature:
        own += f'{line.format("<br>")}<div id="Signature">{card(draft, program)}</div>'
    quotation = (
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">'
        f'<font face="Calibri, sans-serif" style="font-size:11pt" color="#000000">{_fields(program, draft, "<br>")}</font>'
        f"<div>&nbsp;</div></div>{inner(draft)}"
    )
    return f'<html><head></head><body dir="ltr">{placed(draft, own, quotation)}</body></html>'


def _outlook_mobile_page(program: Program, draft: Draft) -> str:
    line = '<div dir="ltr" style="font-family: Aptos, Arial; font-size: 12pt;">{}</div>'
    own = lines_of(draft, line, line.format("<br>"))
    if draft.signature:
        own += f'<div><br></div><div id="ms-outlook-mobile-signature" style="color: inherit;">{card(draft, program)}</div>'
    quotation = (
        '<div id="mail-editor-reference-message-container" class="ms-outlook-mobile-reference-message skipProofing">'
        '<div class="ms-outlook-mobile-reference-message skipProofing" style="padding: 3pt 0in 0in; border-width: 1pt medium medium; '
        f'border-style: solid none none; border-color: rgb(181, 196, 223)">{_fields(program, draft, "<br>")}<br><br></div>'
        f"{inner(draft)}</div>"
    )
    return f'<html><body><div dir="ltr"></div>{placed(draft, own, quotation)}</body></html>'


def _apple_page(program: Program, draft: Draft) -> str:
    own = lines_of(draft, "<div>{}</div>", "<div><br></div>")
    if draft.signature:
        own += f'<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">{card(draft, program)}</div>'
    attribution = markup.escape(program.attribution(draft.language, draft.variant)[0])
    if draft.variant % 2:
        quotation = (
            f'<div dir="ltr"><br><blockquote type="cite">{attribution}<br><br></blockquote></div>'
            f'<blockquote type="cite"><div dir="ltr">\ufeff{inner(draft)}</div></blockquote>'
        )
    else:
        quotation = (
            f'<div><br><blockquote type="cite"><div>{attribution}</div><br class="Apple-interchange-newline">{inner(draft)}'
            "</blockquote></div><br>"
        )
    return f'<html><head></head><body style="overflow-wrap: break-word;">{placed(draft, own, quotation)}</body></html>'


def _thunderbird_page(program: Program, draft: Draft) -> str:
    own = lines_of(draft, "<p>{}</p>", "<p><br></p>")
    if draft.signature:
        pre = "\n".join(program.signature(draft)) if draft.signature == "dashes" else ""
        rows = "".join(f"{each}<br>" for each in map(markup.escape, CARD)) + '<img src="cid:logo" alt="Acme">'
        own += f'<pre class="moz-signature" cols="72">{pre}</pre>' if pre else f'<div class="moz-signature">-- <br>{rows}</div>'
    attribution = markup.escape(program.attribution(draft.language, draft.variant)[0])
    quotation = f'<div class="moz-cite-prefix">{attribution}<br></div><blockquote type="cite" cite="mid:m1">{inner(draft)}</blockquote>'
    return f"<!DOCTYPE html><html><head></head><body>{placed(draft, own, quotation)}</body></html>"


def _k9_page(program: Program, draft: Draft) -> str:
    own = f'<div dir="auto">{lines_of(draft, "{}<br>", "<br>")}</div>'
    if draft.signature:
        own += f'<br><br><div class="k9mail-signature">{"<br>".join(map(markup.escape, program.signature(draft)))}</div>'
    attribution = markup.escape(program.attribution(draft.language, draft.variant)[0])
    quotation = (
        f'<br><br><div class="gmail_quote"><div dir="auto">{attribution}</div><blockquote class="gmail_quote" '
        'style="margin: 0pt 0pt 0pt 0.8ex; border-left: 1px solid rgb(204, 204, 204); padding-left: 1ex;">'
        f"{inner(draft)}</blockquote></div>"
    )
    return f"<!DOCTYPE html><html><body>{placed(draft, own, quotation)}</body></html>"


# --- the lines above a quotation ---------------------------------------------------------------------------------------

WHO = f"{SENDER_NAME} <{SUPPORT}>"


def _gmail_web(language: str, variant: int) -> list[str]:
    colon = f"{NB}:" if variant % 2 else " :"
    line = {
        "en": f"On Mon, Nov 16, 2026 at 9:13{NARROW}AM {WHO} wrote:",
        "de": f"Am Mo., 16. Nov. 2026 um 09:13{NB}Uhr schrieb {WHO}:",
        "fr": f"Le lun. 16 nov. 2026 à{NB}09:13, {WHO} a écrit{colon}",
        "es": f"El lun, 16 nov 2026 a las 9:13, {SENDER_NAME} (<{SUPPORT}>) escribió:",
        "nl": f"Op ma 16 nov 2026 om 09:13 schreef {WHO}:",
    }[language]
    head, _, rest = line.partition(SUPPORT)
    return [*wrapped(line, 72), ""] if variant % 3 else [head, f"{SUPPORT}{rest}", ""]


def _gmail_android(language: str, variant: int) -> list[str]:
    line = {
        "en": f"On Mon, 16 Nov 2026, 09:13 {SENDER_NAME}, <{SUPPORT}> wrote:",
        "de": f"{WHO} schrieb am Mo., 16. Nov. 2026, 09:13:",
        "fr": f"Le lun. 16 nov. 2026, 09:13, {WHO} a écrit{NB}:",
        "es": f"El lun, 16 nov 2026, 9:13, {WHO} escribió:",
        "nl": f"Op ma 16 nov 2026 09:13 schreef {WHO}:",
    }[language]
    return [*(wrapped(line, 72) if variant % 2 else [line]), ""]


def _apple(language: str, variant: int) -> list[str]:
    lines = {
        "en": (f"On 16. Nov 2026, at 09:13, {WHO} wrote:", f"On Nov 16, 2026, at 9:13{NARROW}AM, {WHO} wrote:"),
        "de": (f"Am 16.11.2026 um 09:13 schrieb {WHO}:", f"Am 16.11.2026 um 09:13 schrieb {SENDER_NAME}:"),
        "fr": (f"Le 16 nov. 2026 à 09:13, {WHO} a écrit :", f"Le 16 nov. 2026 à 09:13, {SENDER_NAME} a écrit{NB}:"),
        "es": (f"El 16 nov 2026, a las 9:13, {WHO} escribió:", f"El 16 nov 2026, a la(s) 9:13 a.m., {WHO} escribió:"),
        "nl": (f"Op 16 nov 2026, om 09:13 heeft {WHO} het volgende geschreven:", f"Op 16 nov 2026 om 09:13 schreef {WHO}:"),
    }  # fmt: skip
    return [lines[language][variant % 2]]


def _thunderbird(language: str, variant: int) -> list[str]:
    lines = {
        "en": ("On 11/16/26 09:13, {} wrote:", "On 16/11/2026 09:13, {} wrote:"),
        "de": ("Am 16.11.26 um 09:13 schrieb {}:", "Am 16.11.2026 um 09:13 schrieb {}:"),
        "fr": ("Le 16/11/2026 à 09:13, {} a écrit :", f"Le 16/11/2026 à 09:13, {{}} a écrit{NB}:"),
        "es": ("El 16/11/26 a las 9:13, {} escribió:", "El 16/11/2026 a las 09:13, {} escribió:"),
        "nl": ("Op 16-11-2026 om 09:13 schreef {}:", "Op 16-11-26 om 09:13 schreef {}:"),
    }
    return [lines[language][variant % 2].format(SENDER_NAME)]


def _k9(language: str, variant: int) -> list[str]:
    del variant
    return [
        {
            "en": f"On 16 November 2026 09:13:04 CET, {WHO} wrote:",
            "de": f"Am 16. November 2026 09:13:04 MEZ schrieb {WHO}:",
            "fr": f'Le 16 novembre 2026 09:13:04 GMT+01:00, "{SENDER_NAME}" <{SUPPORT}> a écrit{NB}:',
            "es": f"El 16 de noviembre de 2026 9:13:04 CET, {WHO} escribió:",
            "nl": f"Op 16 november 2026 09:13:04 CET schreef {WHO}:",
        }[language]
    ]


_NAMES = {
    "en": ("From: ", "Sent: ", "To: ", "Subject: ", "Importance: High"),
    "de": ("Von: ", "Gesendet: ", "An: ", "Betreff: ", "Wichtigkeit: Hoch"),
    "fr": (f"De{NB}: ", f"Envoyé{NB}: ", f"À{NB}: ", f"Objet{NB}: ", f"Importance{NB}: Haute"),
    "es": ("De: ", "Enviado: ", "Para: ", "Asunto: ", "Importancia: Alta"),
    "nl": ("Van: ", "Verzonden: ", "Aan: ", "Onderwerp: ", "Urgentie: Hoog"),
}
_DATES = {
    "en": "Monday, November 16, 2026 9:13 AM",
    "de": "Montag, 16. November 2026 09:13",
    "fr": "lundi 16 novembre 2026 09:13",
    "es": "lunes, 16 de noviembre de 2026 9:13",
    "nl": "maandag 16 november 2026 09:13",
}
_DATED = {"en": "Date: ", "de": "Datum: ", "fr": f"Date{NB}: ", "es": "Fecha: ", "nl": "Datum: "}


def _header(language: str, variant: int, *, dated: bool = False) -> list[str]:
    name = _NAMES[language]
    sent = _DATED[language] if dated else name[1]
    to = f"{AGENT_NAME} <{AGENT}>" if variant % 2 else AGENT_NAME
    rows = [f"{name[0]}{WHO}", f"{sent}{_DATES[language]}", f"{name[2]}{to}", f"{name[3]}Ana Ruiz: Bike without a front axle [#1042]"]
    return rows + ([name[4]] if variant % 3 == 1 else [])


def _outlook_classic(language: str, variant: int) -> list[str]:
    rule = {"en": "-----Original Message-----", "de": "-----Ursprüngliche Nachricht-----", "fr": "-----Message d'origine-----",
            "es": "-----Mensaje original-----", "nl": "-----Oorspronkelijk bericht-----"}[language]  # fmt: skip
    return [*([rule] if variant % 4 == 2 else []), *_header(language, variant), ""]


def _outlook_new(language: str, variant: int) -> list[str]:
    return ["_" * 32, *_header(language, variant), ""]


def _outlook_mobile(language: str, variant: int) -> list[str]:
    return [*(["_" * 32] if variant % 2 else [""]), *_header(language, variant, dated=not variant % 2), ""]


_IPHONE = {"en": "Sent from my iPhone", "de": "Von meinem iPhone gesendet", "fr": "Envoyé de mon iPhone",
           "es": "Enviado desde mi iPhone", "nl": "Verstuurd vanaf mijn iPhone"}  # fmt: skip
_AKA = "<https://aka.ms/o0ukef>"
_PHONE_OUTLOOK = {"en": f"Get Outlook for iOS{_AKA}", "de": f"Outlook für iOS{_AKA} beziehen", "fr": f"Télécharger Outlook pour iOS{_AKA}",
                  "es": f"Obtener Outlook para iOS{_AKA}", "nl": f"Outlook voor iOS{_AKA} downloaden"}  # fmt: skip
_SENT_OUTLOOK = {"en": f"Sent from Outlook for iOS{_AKA}", "de": f"Gesendet von Outlook für iOS{_AKA}",
                 "fr": f"Envoyé à partir de Outlook pour iOS{_AKA}", "es": f"Enviado desde Outlook para iOS{_AKA}",
                 "nl": f"Verzonden vanuit Outlook voor iOS{_AKA}"}  # fmt: skip
_ANDROID = {"en": "Sent from my Galaxy", "de": "Von meinem Samsung Galaxy Smartphone gesendet.", "fr": "Envoyé depuis mon appareil Galaxy",
            "es": "Enviado desde mi dispositivo Galaxy", "nl": "Verzonden vanaf mijn Galaxy"}  # fmt: skip
_K9 = {"en": "Sent from my Android device with K-9 Mail. Please excuse my brevity.",
       "de": "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
       "fr": "Envoyé de mon appareil Android avec K-9 Mail.", "es": "Enviado desde mi dispositivo Android con K-9 Mail.",
       "nl": "Verzonden vanaf mijn Android apparaat met K-9 Mail."}  # fmt: skip

PROGRAMS: Sequence[Program] = (
    Program(name="outlook classic", attribution=_outlook_classic, tap="{label}<mailto:{target}>", bullet="  *   ", rule="_" * 32,
            phone=_SENT_OUTLOOK, page=_outlook_classic_page, blank_between=True),
    Program(name="outlook new", attribution=_outlook_new, tap="{label}<mailto:{target}>", bullet="  *   ", rule="_" * 32,
            phone=_SENT_OUTLOOK, page=_outlook_new_page),
    Program(name="outlook for phones and mac", attribution=_outlook_mobile, tap="{label}<mailto:{target}>", bullet="  *   ", rule="_" * 32,
            phone=_PHONE_OUTLOOK, page=_outlook_mobile_page),
    Program(name="gmail web", attribution=_gmail_web, sign="> ", wrap=72, bullet="   - ", phone=_ANDROID, page=_gmail_page),
    Program(name="gmail Android", attribution=_gmail_android, sign="> ", wrap=74, bullet="- ", phone=_ANDROID, page=_gmail_page),
    Program(name="apple mail", attribution=_apple, sign="> ", signs_attribution=True, rule="", bullet="\u2022 ", phone=_IPHONE,
            page=_apple_page),
    Program(name="thunderbird", attribution=_thunderbird, sign="> ", wrap=72, flowed=True, rule="-" * 72, bullet="  * ", phone=_ANDROID,
            page=_thunderbird_page),
    Program(name="k-9", attribution=_k9, sign=">", rule="", phone=_K9, page=_k9_page),
)  # fmt: skip
