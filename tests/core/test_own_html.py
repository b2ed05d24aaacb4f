"""The formatting of an agent's words: what stays, what never does, and that nothing is shown but the words."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.html_text import html_text
from inboxd.core.model import Attachment
from inboxd.core.own_html import own_html, own_part
from inboxd.core.parse import parse
from tests.core.builders import message

PICTURE = "image001.png@01DC5A11.7F3E2B10"
LOGO = "logo77@01DC5A11.7F3E2B10"

# --- how mail programs write: around the words stand a sheet, a signature, and our mail, quoted ------------------------------

_ROUTED = (
    '<p style="margin:0 0 16px 0">Ana sounds upset. Please answer by 11:12 today.</p>'
    '<p style="margin:0 0 16px 0">What happened so far<br>Mon 9 Nov, Tom: &quot;You will have it by Friday.&quot;</p>'
    '<p style="margin:0 0 16px 0">Hello,<br>which spanner fits?<br>Ana</p>'
)


def outlook(words: str) -> str:
    return (
        '<html xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:w="urn:schemas-microsoft-com:office:word" xmlns="http://www.w3.org/TR/REC-html40"><head>'
        '<meta name=Generator content="Microsoft Word 15 (filtered medium)"><!--[if !mso]>'
        "<style>v\\:* {behavior:url(#default#VML);}</style>"
        "<![endif]--><style><!-- /* Font Definitions */ @font-face {font-family:Wingdings;} p.MsoNormal {margin:0cm;font-size:11.0pt;} "
        "--></style><!--[if gte mso 9]><xml><o:shapedefaults v:ext='edit' spidmax='1026'/></xml><![endif]--></head>"
        "<body lang=EN-GB link='#0563C1' vlink='#954F72' style='word-wrap:break-word'><div class=WordSection1>"
        f"{words}<p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>-- <o:p></o:p></p>"
        "<p class=MsoNormal><b><span style='color:#1F497D;mso-fareast-language:EN-GB'>Maria Lindt</span></b><o:p></o:p></p>"
        f"<p class=MsoNormal><img width=120 height=40 id='_x0000_i1025' src='cid:{LOGO}' alt='Acme logo'><o:p></o:p></p>"
        "<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> "
        "Ana Ruiz via Acme Support &lt;support@acme.example&gt; <br><b>Sent:</b> 16 November 2026 09:12<br><b>To:</b> Maria Lindt"
        f"</p></div></div>{_ROUTED}</div></body></html>"
    )


def outlook_web(words: str) -> str:
    return (
        '<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style type="text/css" style="display:none;"> '
        'P {margin-top:0;margin-bottom:0;} </style></head><body dir="ltr">'
        f'{words}<div class="elementToProof"><br></div><div id="Signature" class="elementToProof"><p>-- <br>Maria Lindt</p>'
        f'<img src="cid:{LOGO}" alt="Acme logo"></div>'
        '<div id="appendonsend"></div><hr style="display:inline-block;width:98%" tabindex="-1">'
        '<div id="divRplyFwdMsg" dir="ltr"><font face="Calibri, sans-serif" style="font-size:11pt" color="#000000"><b>From:</b> Ana Ruiz '
        f"via Acme Support<br><b>Sent:</b> Monday, 16 November 2026 09:12</font><div>&nbsp;</div></div>{_ROUTED}</body></html>"
    )


def gmail(words: str) -> str:
    return (
        f'<div dir="ltr">{words}<br clear="all"><div><br></div><span class="gmail_signature_prefix">-- </span><br>'
        '<div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature"><div dir="ltr"><b>Maria Lindt</b>'
        f'<br><img src="cid:{LOGO}" alt="Acme logo"></div></div></div><br><div class="gmail_quote gmail_quote_container">'
        '<div dir="ltr" class="gmail_attr">On Mon, 16 Nov 2026 at 09:12, Ana Ruiz via Acme Support &lt;'
        '<a href="mailto:support@acme.example">support@acme.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" '
        f'style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex">{_ROUTED}</blockquote></div>'
    )


def apple(words: str) -> str:
    return (
        '<html><head><meta http-equiv="content-type" content="text/html; charset=utf-8"></head><body style="overflow-wrap: break-word; '
        f'-webkit-nbsp-mode: space; line-break: after-white-space;">{words}<br id="lineBreakAtBeginningOfMessage"><div>'
        '<div>-- <br>Maria Lindt</div></div><div><br><blockquote type="cite"><div>On 16. Nov 2026, at 09:12, Ana Ruiz via Acme Support '
        f'&lt;support@acme.example&gt; wrote:</div><br class="Apple-interchange-newline"><div>{_ROUTED}</div></blockquote></div>'
        "<br></body></html>"
    )


def thunderbird(words: str) -> str:
    return (
        '<!DOCTYPE html>\n<html>\n  <head>\n    <meta http-equiv="Content-Type" content="text/html; charset=UTF-8">\n  </head>\n  <body>\n'
        f'    {words}\n    <div class="moz-signature">-- <br>\n      <b>Maria Lindt</b><br><img src="cid:{LOGO}" alt=""></div>\n'
        '    <div class="moz-cite-prefix">On 16.11.26 09:12, Ana Ruiz via Acme Support wrote:<br>\n    </div>\n'
        f'    <blockquote type="cite" cite="mid:m1@acme.example">\n{_ROUTED}</blockquote>\n  </body>\n</html>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Words as a program writes them twice, and what must be left of the HTML."""

    program: Callable[[str], str]
    html: str
    text: str
    kept: tuple[str, ...]
    says: str = ""  # what a reader of the HTML sees, where the plain text has signs of its own


def n(words: str) -> str:
    """One line as Word writes it."""
    return f"<p class=MsoNormal><span lang=EN-US style='mso-fareast-language:EN-US'>{words}<o:p></o:p></span></p>"


_BLANK = n("&nbsp;")

SAMPLES = {
    # Outlook for Windows
    "outlook bold": Sample(
        program=outlook,
        html=n("Hello Ana,") + _BLANK + n("it is the <b>15 mm</b> one."),
        text="Hello Ana,\n\nit is the 15 mm one.",
        kept=("<b>15 mm</b>", '<p style="margin:0">'),
    ),
    "outlook italics and underline": Sample(
        program=outlook,
        html=n("Please <i>turn it off</i> <u>before</u> you begin."),
        text="Please turn it off before you begin.",
        kept=("<i>turn it off</i>", "<u>before</u>"),
    ),
    "outlook list": Sample(
        program=outlook,
        html=n("In the box:")
        + "<ul style='margin-top:0cm' type=disc><li class=MsoListParagraph style='margin-left:0cm;mso-list:l0 level1 lfo1'>an axle"
        "<o:p></o:p></li><li class=MsoListParagraph style='mso-list:l0 level1 lfo1'>two nuts<o:p></o:p></li></ul>",
        text="In the box:\n\n  *   an axle\n  *   two nuts",
        kept=("<ul><li>an axle</li><li>two nuts</li></ul>",),
        says="In the box: an axle two nuts",
    ),
    "outlook numbers": Sample(
        program=outlook,
        html="<ol style='margin-top:0cm' start=1 type=1><li class=MsoNormal>Turn it off.</li><li class=MsoNormal>Wait.</li></ol>",
        text="  1.  Turn it off.\n  2.  Wait.",
        kept=('<ol start="1">', "<li>Wait.</li>"),
        says="Turn it off. Wait.",
    ),
    "outlook list of Word": Sample(
        program=outlook,
        html="<p class=MsoListParagraph style='text-indent:-18.0pt;mso-list:l1 level1 lfo2'><![if !supportLists]><span "
        "style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt \"Times New Roman\"'>&nbsp;&nbsp;&nbsp; </span>"
        "</span></span><![endif]>an <b>axle</b><o:p></o:p></p>",
        text="*   an axle",
        kept=("•&nbsp;an <b>axle</b>", "margin:0 0 0 24px"),
        says="• an axle",
    ),
    "outlook link": Sample(
        program=outlook,
        html=n('See <a href="https://acme.example/help?a=1&amp;b=2">our page</a>.'),
        text="See our page<https://acme.example/help?a=1&b=2>.",
        kept=('<a href="https://acme.example/help?a=1&amp;b=2">our page</a>',),
        says="See our page.",
    ),
    "outlook address": Sample(
        program=outlook,
        html=n('Write to <a href="mailto:parts@acme.example?subject=secret">parts@acme.example</a>'),
        text="Write to parts@acme.example<mailto:parts@acme.example>",
        kept=('<a href="mailto:parts@acme.example">',),
        says="Write to parts@acme.example",
    ),
    "outlook heading": Sample(
        program=outlook, html=f"<h2>First<o:p></o:p></h2>{n('Turn it off.')}", text="First\n\nTurn it off.", kept=("<h2>First</h2>",)
    ),
    "outlook table": Sample(
        program=outlook,
        html="<table class=MsoTableGrid border=1 cellspacing=0 cellpadding=0 style='border-collapse:collapse;border:none'><tr>"
        "<td width=100 valign=top style='width:75pt;border:solid windowtext 1.0pt'><p class=MsoNormal>Axle</p></td>"
        "<td width=100 valign=top style='border:solid windowtext 1.0pt'><p class=MsoNormal align=right>12 EUR</p></td></tr></table>",
        text="Axle\n12 EUR",
        kept=('<td style="border:1px solid #8a8a8a;padding:4px 8px">', "border-collapse:collapse", "text-align:right"),
    ),
    "outlook red": Sample(
        program=outlook,
        html=n("It is <span style='color:red'>not</span> the same, <span style='background:yellow;mso-highlight:yellow'>look</span>."),
        text="It is not the same, look.",
        kept=('<span style="color:#ff0000">not</span>', "background-color:#ffff00"),
    ),
    "outlook picture": Sample(
        program=outlook,
        html=n("It looks like this:") + n(f"<img width=400 height=300 id='Picture_x0020_1' src='cid:{PICTURE}' alt='A hand'>"),
        text=f"It looks like this:\n[cid:{PICTURE}]",
        kept=(f'<img src="cid:{PICTURE}" alt="" width="400"',),
        says="It looks like this:",
    ),
    # Outlook on the web, new Outlook
    "web bold": Sample(
        program=outlook_web,
        html='<div class="elementToProof" style="font-family: Aptos, sans-serif; font-size: 12pt; color: rgb(0, 0, 0);">Hello Ana,</div>'
        '<div class="elementToProof" style="color: rgb(0, 0, 0);"><br></div>'
        '<div class="elementToProof" style="color: rgb(0, 0, 0);">take the <b>15 mm</b> one.</div>',
        text="Hello Ana,\n\ntake the 15 mm one.",
        kept=("<div>take the <b>15 mm</b> one.</div>",),
    ),
    "web italics": Sample(
        program=outlook_web,
        html='<div class="elementToProof"><i>Before</i> you begin, <s>turn it on</s> turn it off.</div>',
        text="Before you begin, turn it on turn it off.",
        kept=("<i>Before</i>", "<s>turn it on</s>"),
    ),
    "web list": Sample(
        program=outlook_web,
        html='<ul data-editing-info="{}" style="margin-top: 0px; margin-bottom: 0px;"><li style="list-style-type: disc;">'
        '<div role="presentation" class="elementToProof">axle</div></li><li><div class="elementToProof">nuts</div></li></ul>',
        text="\n  *\naxle\n  *\nnuts",
        kept=("<ul><li><div>axle</div></li>",),
        says="axle nuts",
    ),
    "web numbers": Sample(
        program=outlook_web,
        html='<ol start="1"><li><div>off</div></li><li><div>on</div></li></ol>',
        text="  1.\noff\n  2.\non",
        kept=('<ol start="1">',),
        says="off on",
    ),
    "web link": Sample(
        program=outlook_web,
        html='<div>See <a href="https://acme.example/help" id="OWA1" class="OWAAutoLink" title="https://acme.example/help">here</a></div>',
        text="See here<https://acme.example/help>",
        kept=('<a href="https://acme.example/help">here</a>',),
        says="See here",
    ),
    "web bare link": Sample(
        program=outlook_web,
        html='<div><a href="https://acme.example/help" class="OWAAutoLink">https://acme.example/help</a></div>',
        text="https://acme.example/help",
        kept=('<a href="https://acme.example/help">https://acme.example/help</a>',),
    ),
    "web table": Sample(
        program=outlook_web,
        html='<table style="border-collapse: collapse;"><tbody><tr><td style="border: 1px solid rgb(171, 171, 171); width: 120px;"><div>'
        'Axle</div></td><td style="border: 1px solid rgb(171, 171, 171);"><div>12 EUR</div></td></tr></tbody></table>',
        text="Axle\n        12 EUR",
        kept=("border:1px solid #8a8a8a", "<tbody><tr>"),
    ),
    "web colour": Sample(
        program=outlook_web,
        html='<div style="color: rgb(0, 0, 0);">It is <span style="color: rgb(200, 38, 19);">not</span> the same.</div>',
        text="It is not the same.",
        kept=("color:#c82613",),
    ),
    "web picture": Sample(
        program=outlook_web,
        html=f'<div>Like this:</div><div class="elementToProof"><img id="x" width="300" style="width:300px" src="cid:{PICTURE}"></div>',
        text=f"Like this:\n[cid:{PICTURE}]",
        kept=(f'src="cid:{PICTURE}"',),
        says="Like this:",
    ),
    # Gmail
    "gmail bold": Sample(
        program=gmail,
        html="Hello Ana,<div><br></div><div>take the <b>15 mm</b> one.</div>",
        text="Hello Ana,\n\ntake the *15 mm* one.",
        kept=("<b>15 mm</b>",),
        says="Hello Ana, take the 15 mm one.",
    ),
    "gmail italics": Sample(
        program=gmail,
        html="<div>Please <i>wait</i>, <u>twice</u>.</div>",
        text="Please *wait*, twice.",
        kept=("<i>wait</i>", "<u>twice</u>"),
        says="Please wait, twice.",
    ),
    "gmail bold and italics": Sample(
        program=gmail,
        html="<div>Please <b><i>wait</i></b>.</div>",
        text="Please *_wait_*.",
        kept=("<b><i>wait</i></b>",),
        says="Please wait.",
    ),
    "gmail list": Sample(
        program=gmail,
        html='<div>In the box:</div><div><ul><li style="margin-left:15px">axle</li><li style="margin-left:15px">nuts</li></ul></div>',
        text="In the box:\n\n   - axle\n   - nuts",
        kept=("<li>axle</li><li>nuts</li>",),
        says="In the box: axle nuts",
    ),
    "gmail numbers": Sample(
        program=gmail,
        html="<div><ol><li>off</li><li>on</li></ol></div>",
        text="   1. off\n   2. on",
        kept=("<ol><li>off</li>",),
        says="off on",
    ),
    "gmail link": Sample(
        program=gmail,
        html='<div>See <a href="https://acme.example/help">our page</a>.</div>',
        text="See our page <https://acme.example/help>.",
        kept=('<a href="https://acme.example/help">our page</a>.',),
        says="See our page.",
    ),
    "gmail colour": Sample(
        program=gmail,
        html='<div>It is <font color="#ff0000">not</font> the <span style="background-color:rgb(255,255,0)">same</span>.</div>',
        text="It is not the same.",
        kept=('<span style="color:#ff0000">not</span>', "color:#000000;background-color:#ffff00"),
    ),
    "gmail picture": Sample(
        program=gmail,
        html=f'<div>Like this:</div><div><img src="cid:{PICTURE}" alt="image.png" width="472" height="216" class="gmail-CToWUd"><br></div>',
        text="Like this:\n[image: image.png]",
        kept=(f'<img src="cid:{PICTURE}" alt="image.png" width="472"',),
        says="Like this:",
    ),
    "gmail small face": Sample(
        program=gmail,
        html='<div>Have <b>fun</b> <img data-emoji="😀" class="an1" alt="😀" src="https://fonts.gstatic.com/s/e/1f600.png"></div>',
        text="Have *fun* 😀",
        kept=("<b>fun</b> 😀",),
        says="Have fun 😀",
    ),
    "gmail centred": Sample(
        program=gmail,
        html='<div style="text-align:center">Six is a big birthday.</div>',
        text="Six is a big birthday.",
        kept=('<div style="text-align:center">',),
    ),
    # Apple Mail
    "apple bold": Sample(
        program=apple,
        html="<div>Hello Ana,</div><div><br></div><div>take the <b>15 mm</b> one.</div>",
        text="Hello Ana,\n\ntake the 15 mm one.",
        kept=("<b>15 mm</b>",),
    ),
    "apple list": Sample(
        program=apple,
        html='<ul class="MailOutline"><li>axle</li><li>nuts</li></ul>',
        text="axle\nnuts",
        kept=("<ul><li>axle</li>",),
    ),
    "apple bullets": Sample(
        program=apple,
        html='<ul class="Apple-dash-list"><li>axle</li></ul><ol><li>nuts</li></ol>',
        text="- axle\n1. nuts",
        kept=("<ul><li>axle</li></ul>", "<ol>"),
        says="axle nuts",
    ),
    "apple link": Sample(
        program=apple,
        html='<div>See <a href="https://acme.example/help">our page</a></div>',
        text="See our page <https://acme.example/help>",
        kept=('<a href="https://acme.example/help">',),
        says="See our page",
    ),
    "apple blue": Sample(
        program=apple,
        html='<div>It is <span style="color: rgb(0, 0, 255);">not</span> the same.</div>',
        text="It is not the same.",
        kept=("color:#0000ff;background-color:#ffffff",),
    ),
    "apple italics": Sample(
        program=apple,
        html='<div><span style="font-style: italic; caret-color: red;">Wait</span> a minute.</div>',
        text="Wait a minute.",
        kept=('<span style="font-style:italic">Wait</span>',),
    ),
    "apple picture": Sample(
        program=apple,
        html=f'<div>Like this:</div><div><br></div><div><img alt="IMG_1.jpg" src="cid:{PICTURE}"></div><div><br></div><div>Fits?</div>',
        text="Like this:\n\n\n\nFits?",
        kept=(f'<img src="cid:{PICTURE}" alt=""',),
    ),
    "apple picture at the end": Sample(
        program=apple,
        html=f'<div>Like this:</div><div><img src="cid:{PICTURE}"></div>',
        text="Like this:",
        kept=(f'src="cid:{PICTURE}"',),
    ),
    # Thunderbird
    "thunderbird bold": Sample(
        program=thunderbird,
        html="<p>Hello Ana,</p>\n    <p>take the <b>15 mm</b> one.<br>\n    </p>",
        text="Hello Ana,\n\ntake the *15 mm* one.",
        kept=("<b>15 mm</b>", "margin:0 0 16px 0"),
        says="Hello Ana, take the 15 mm one.",
    ),
    "thunderbird italics": Sample(
        program=thunderbird,
        html="<p>Please <i>wait</i>, <u>twice</u>, at 20 m<sup>2</sup>.</p>",
        text="Please /wait/, _twice_, at 20 m^2.",
        kept=("<i>wait</i>", "<u>twice</u>", "<sup>2</sup>"),
        says="Please wait, twice, at 20 m2.",
    ),
    "thunderbird list": Sample(
        program=thunderbird,
        html="<p>In the box:</p>\n<ul>\n  <li>axle</li>\n  <li>nuts</li>\n</ul>",
        text="In the box:\n\n  * axle\n  * nuts",
        kept=("<li>axle</li>",),
        says="In the box: axle nuts",
    ),
    "thunderbird numbers": Sample(
        program=thunderbird,
        html="<ol>\n<li>off</li>\n<li>on</li>\n</ol>",
        text=" 1. off\n 2. on",
        kept=("<ol>",),
        says="off on",
    ),
    "thunderbird link": Sample(
        program=thunderbird,
        html='<p>See <a moz-do-not-send="true" href="https://acme.example/help">our page</a></p>',
        text="See our page <https://acme.example/help>",
        kept=('<a href="https://acme.example/help">',),
        says="See our page",
    ),
    "thunderbird heading": Sample(
        program=thunderbird, html="<h3>First</h3>\n<p>Turn it off.</p>", text="*First*\n\nTurn it off.", kept=("<h3>First</h3>",),
        says="First Turn it off.",
    ),
    "thunderbird table": Sample(
        program=thunderbird,
        html='<table border="1" cellpadding="2"><tbody><tr><td valign="top">Axle</td><td valign="top">12 EUR</td></tr></tbody></table>',
        text="Axle\n\t12 EUR",
        kept=("border:1px solid #8a8a8a",),
    ),
    "thunderbird rule and code": Sample(
        program=thunderbird,
        html="<p>Type <tt>help</tt></p>\n<hr width='100%' size='2'>\n<p>Then wait.</p>",
        text="Type |help|\n------------------------------------------------------------------------\nThen wait.",
        kept=("<code>help</code>", "<hr>"),
        says="Type help Then wait.",
    ),
    "thunderbird written from the right": Sample(
        program=thunderbird, html='<p dir="rtl">שלום <b>אנה</b></p>', text="שלום *אנה*", kept=('dir="rtl"', "<b>אנה</b>"), says="שלום אנה"
    ),
}  # fmt: skip


def squashed(text: str) -> str:
    return re.sub(r"\s+", "", text.replace("\xa0", " "))


def seen(markup: str) -> str:
    """What stands between the tags, read without any of the code under test."""
    return squashed(entities.unescape(re.sub(r"<[^<>]*>", "", markup)))


@pytest.mark.parametrize("name", SAMPLES)
def test_what_mail_programs_write_keeps_its_form_and_says_the_words(name: str) -> None:
    sample = SAMPLES[name]
    shown = own_html(sample.program(sample.html), sample.text, (PICTURE, LOGO))
    for mark in sample.kept:
        assert mark in shown
    assert seen(shown) == squashed(sample.says or sample.text)
    assert LOGO not in shown and not re.search(r"class=|id=|title=|mso|font-family|<!--", shown)


def _without_alternatives(markup: str) -> str:
    return re.sub(r' alt="[^"]*"', "", markup)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_mail_that_is_only_html_keeps_its_form_too(name: str) -> None:
    sample = SAMPLES[name]
    shown = own_html(sample.program(sample.html), html_text(sample.html), (PICTURE, LOGO))
    for mark in sample.kept:
        assert _without_alternatives(mark) in _without_alternatives(shown)


@pytest.mark.parametrize("program", [outlook, outlook_web, gmail, apple, thunderbird])
def test_words_without_any_formatting_leave_as_plain_text(program: Callable[[str], str]) -> None:
    words = "<div>Hello Ana,</div><div>it is the 15 mm one.</div>"
    assert own_html(program(words), "Hello Ana,\nit is the 15 mm one.") == ""


@pytest.mark.parametrize("program", [outlook, outlook_web, gmail, apple, thunderbird])
def test_words_below_commands_are_found(program: Callable[[str], str]) -> None:
    shown = own_html(program("<div>resolve</div><div><br></div><div>It is the <b>15 mm</b> one.</div>"), "It is the 15 mm one.")
    assert shown == "<div>It is the <b>15 mm</b> one.</div>" or ("<b>15 mm</b>" in shown and "resolve" not in shown)


def test_the_own_name_that_gave_way_to_the_signature_is_left_out() -> None:
    assert "Maria" not in own_html("<p>It is <b>15</b>.</p><p>Maria</p>", "It is 15.")
    assert "<b>15</b>" in own_html("It is <b>15</b>.<br>Maria", "It is 15.")


def test_words_below_the_quotation_are_found() -> None:
    page = f"<blockquote type='cite'>{_ROUTED}</blockquote><p>It is <i>15</i>.</p>"
    assert own_html(page, "It is 15.") == '<p style="margin:0 0 16px 0">It is <i>15</i>.</p>'


# --- what is never kept ----------------------------------------------------------------------------------------------

HIDDEN = {
    "not displayed": '<div style="display:none">SECRET</div>',
    "not displayed, capitals": '<span style="DISPLAY : None !important">SECRET</span>',
    "hidden from all": "<p hidden>SECRET</p>",
    "invisible": '<span style="visibility:hidden">SECRET</span>',
    "hidden from Word": '<span style="mso-hide:all">SECRET</span>',
    "no size": '<span style="font-size:0">SECRET</span>',
    "tiny": '<span style="font-size:1px;line-height:1px">SECRET</span>',
    "see-through": '<span style="opacity:0">SECRET</span>',
    "comment": "<!-- SECRET -->",
    "conditional comment": "<!--[if mso]><p>SECRET</p><![endif]-->",
    "script": "<script>SECRET</script>",
    "sheet": "<style>SECRET{}</style>",
    "template": "<template>SECRET</template>",
    "drawing": "<svg><text>SECRET</text></svg>",
    "input": '<input value="SECRET">',
    "title of a link": '<a href="https://acme.example" title="SECRET">the</a>',
    "title": '<span title="SECRET" data-x="SECRET" aria-label="SECRET">the</span>',
    "alternative": f'<img src="cid:{PICTURE}" alt="SECRET" title="SECRET">',
    "remote picture": '<img src="https://spy.example/SECRET.png" alt="SECRET">',
    "picture in the text": '<img src="data:image/png;base64,SECRET">',
    "class and id": '<span class="SECRET" id="SECRET">the</span>',
    "picture behind": '<span style="background:url(https://spy.example/SECRET.png)">the</span>',
    "sheet of an element": '<span style="content:SECRET;position:absolute;behavior:url(SECRET)">the</span>',
    "script as a link": '<a href="javascript:SECRET()">the</a>',
    "data as a link": '<a href="data:text/html,SECRET">the</a>',
    "rest of an address": '<a href="mailto:parts@acme.example?body=SECRET">parts@acme.example</a>',
    "an address that is not seen": '<a href="mailto:SECRET@acme.example">the</a>',
    "an address in a link": '<a href="https://x.example/?for=secret%40acme.example&amp;SECRET">the</a>',
    "handler": '<b onclick="SECRET">the</b>',
    "frame": '<iframe src="https://spy.example/SECRET"></iframe>',
    "form": '<form action="https://spy.example/SECRET"><button>SECRET</button></form>',
    "name of a file": '<object data="SECRET">SECRET</object>',
}


@pytest.mark.parametrize("name", HIDDEN)
def test_nothing_stays_that_a_reader_of_the_words_does_not_see(name: str) -> None:
    inside = HIDDEN[name]
    said = seen(re.sub(r"<(div|p|span|script|style|svg|button|object|template)\b[^>]*>(<text>)?SECRET.*?</\1>|<!--.*-->", "", inside))
    shown = own_html(f"<p>Take <b>this</b> {inside} one</p>", f"Take this {said} one", (PICTURE,))
    assert "<b>this</b>" in shown and seen(shown) == squashed(f"Take this {said} one")
    assert "SECRET" not in shown


def test_what_is_seen_but_not_said_makes_the_words_leave_as_plain_text() -> None:
    assert own_html("<p>Take <b>this</b> one SECRET</p>", "Take this one") == ""
    assert own_html("<p>Take <b>this</b> SECRET one</p>", "Take this one") == ""
    assert own_html("<p>SECRET Take <b>this</b> one</p>", "Take this one") == ""
    assert own_html("<p>Take <b>that</b> one</p>", "Take this one") == ""
    assert own_html("<p>Take <b>this</b></p>", "Take this one") == ""


def test_a_sheet_that_hid_words_does_not_let_them_slip_through() -> None:
    page = "<style>.x{display:none}</style><p>Take <b>this</b> <span class=x>SECRET</span>one</p>"
    assert own_html(page, "Take this one") == ""


@pytest.mark.parametrize("style", ["color:#fff", "color:white;background:white", "color:#ffffee", "color:yellow", "color:rgb(250,250,250)"])
def test_letters_that_cannot_be_read_get_the_colour_of_the_rest(style: str) -> None:
    assert own_html(f'<p>Take <b>this</b> <span style="{style}">one</span></p>', "Take this one").count("color") == 0


def test_colours_on_a_coloured_ground_are_judged_together() -> None:
    page = '<p>a <span style="background:black;color:white">b <span style="color:#333">c</span></span></p>'
    shown = own_html(page, "a b c")
    assert "color:#ffffff;background-color:#000000" in shown and "#333" not in shown
    assert own_html('<p><b>a</b> <span style="background:navy">b</span></p>', "a b").count("color") == 0


def test_a_colour_in_which_everything_stands_is_dropped_and_black_is_left_to_the_reader() -> None:
    assert own_html('<div style="color:#1F497D"><p>a <b>b</b></p></div>', "a b").count("color") == 0
    assert own_html('<p><span style="color:black">a</span> <b style="color:#222">b</b></p>', "a b").count("color") == 0


def test_a_layout_table_gets_no_lines_and_is_no_formatting() -> None:
    assert own_html("<table><tr><td>Hello Ana,</td></tr><tr><td>here it is.</td></tr></table>", "Hello Ana,\nhere it is.") == ""


def test_bold_that_is_not_bold_is_no_formatting() -> None:
    assert own_html('<b style="font-weight:normal" id="docs-internal-guid-1"><p>Hello</p></b>', "Hello") == ""


@pytest.mark.parametrize(
    "page",
    [
        "<b>" * 3000 + "Hello" + "</b>" * 3000,
        "<div>" * 30_000 + "<b>Hello</b>",
        "<p>a</p>" * 19_000 + "<b>Hello</b>",
        "<b>*" * 400 + "x",
        "\0<",
    ],
    ids=["bold", "deep", "long", "stars", "broken"],
)
def test_hostile_pages_end_soon_and_show_nothing_else(page: str) -> None:
    for words in ("Hello", "a" * 9000 + "Hello", "*" * 600 + "x"):
        assert seen(own_html(page, words)) in ("", words.strip("*"), words)


# --- any page --------------------------------------------------------------------------------------------------------

_WORD = st.sampled_from(["Hello", "spanner", "15", "&amp;", "&lt;b&gt;", "*", "-", "1.", "é", "&nbsp;", "a_b", "•", ">"])
_STYLE = st.sampled_from(
    ["", "", "color:red", "color:#fff", "color:#123", "display:none", "font-size:0", "background:yellow", "font-weight:bold",
     "text-align:center", "visibility:hidden", "position:absolute", "color:rgb(1,2,250)"]
)  # fmt: skip
_TAG = st.sampled_from(
    ["p", "div", "b", "i", "u", "span", "a href='https://x.example/y'", "ul", "ol", "li", "table border=1", "tr", "td", "h1", "blockquote",
     "pre", "script", "style", "o:p", "center", "font color=red", "s", "code", "svg", "a href='javascript:x'", "dl", "section"]
)  # fmt: skip
_SINGLE = st.sampled_from(
    ["<br>", "<hr>", f"<img src='cid:{PICTURE}' alt='Hello'>", "<img src='https://x.example/z.png' alt='é'>", "<!-- no -->"]
)


def _element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(tag: str, style: str, inside: list[str]) -> str:
        return f"<{tag} style='{style}'>{' '.join(inside)}</{tag.split()[0]}>"

    return st.builds(written, _TAG, _STYLE, st.lists(children, max_size=4))


PAGES = st.lists(st.recursive(_WORD | _SINGLE, _element, max_leaves=14), min_size=1, max_size=5).map("".join)
_ALLOWED = re.compile(
    r"</?(?:a|b|blockquote|br|code|div|em|h1|hr|i|img|li|ol|p|pre|s|span|strong|table|tbody|td|tr|u|ul)"
    r"(?: (?:href|src|alt|style|width|start|colspan|rowspan|dir)=\"[^\"<>]*\")*>"
)


@settings(max_examples=400, deadline=None)
@given(own=PAGES, below=PAGES, above=PAGES)
def test_whatever_the_page_only_the_words_are_shown(own: str, below: str, above: str) -> None:
    for words in (html_text(own), seen(own), html_text(f"<p>{own}</p>").partition("\n")[0]):
        shown = own_html(f"<div>{above}</div><div>{own}</div><hr><p>-- </p><p>SECRET</p>{below}", words, (PICTURE,))
        left = iter(squashed(words))
        assert all(letter in left for letter in seen(shown).replace("•", ""))  # in order, nothing added
        assert "SECRET" not in shown
        assert not re.search(r"<[^>]*(?:script|https://x.example/z|display|visibility|font-size|position)", _ALLOWED.sub("", shown))
        assert "<" not in _ALLOWED.sub("", shown)


@settings(max_examples=200, deadline=None)
@given(page=PAGES, added=st.sampled_from(["SECRET", "no", "7"]))
def test_a_page_that_says_more_than_the_words_is_never_used(page: str, added: str) -> None:
    shown = own_html(f"<p>begin <b>here</b></p>{page}<p>{added}</p><p>end</p>", f"begin here {html_text(page)} end")
    assert added not in seen(shown)


# --- pictures and files ----------------------------------------------------------------------------------------------


def attached(name: str, content_id: str = "", type_: str = "image/png") -> Attachment:
    return Attachment(name=name, type=type_, size=3, start=0, end=3, content_id=content_id)


def test_pictures_of_the_words_go_along_under_a_new_name_and_those_of_the_signature_stay_behind() -> None:
    page = outlook(n(f"Like <b>this</b>: <img src='cid:{PICTURE}'>"))
    files = (attached("a.png", PICTURE), attached("logo.png", LOGO), attached("b.pdf", "f_m1x2", "application/pdf"), attached("c.txt"))
    part = own_part(message(html=page, attachments=files), f"Like this: [cid:{PICTURE}]", "picture{}.7@acme.example")
    assert 'src="cid:picture1.7@acme.example"' in part.html and PICTURE not in part.html
    assert [(each.name, each.content_id) for each in part.attachments] == [
        ("a.png", "picture1.7@acme.example"),
        ("b.pdf", ""),
        ("c.txt", ""),
    ]


def test_pictures_of_the_signature_stay_behind_also_with_plain_words() -> None:
    part = own_part(message(html=gmail("Hello"), attachments=(attached("logo.png", LOGO), attached("c.txt"))), "Hello", "{}@x")
    assert part.html == "" and [each.name for each in part.attachments] == ["c.txt"]


def test_where_the_words_are_not_found_every_file_goes_along() -> None:
    part = own_part(message(html=gmail("Hello"), attachments=(attached("logo.png", LOGO),)), "Something else", "{}@x")
    assert part.html == "" and [(each.name, each.content_id) for each in part.attachments] == [("logo.png", "")]


@pytest.mark.parametrize(
    "below",
    ['<div class="gmail_signature">{}</div>', '<div id="Signature"><p>{}</p></div>', "<hr>{}", "<blockquote>{}</blockquote>", "Maria {}"],
)
def test_a_picture_below_the_words_is_theirs_unless_signature_or_quotation_has_begun(below: str) -> None:
    logo, shot = f"<img src='cid:{LOGO}'>", f"<img src='cid:{PICTURE}'>"
    shown = own_html(f"<p>Like <b>this</b></p><p><br>{shot}</p>" + below.format(logo), "Like this", (PICTURE, LOGO))
    assert PICTURE in shown and LOGO not in shown


def test_a_picture_that_is_not_there_or_is_a_drawing_is_not_shown() -> None:
    page = f"<p>Like <b>this</b> <img src='cid:{PICTURE}'></p>"
    assert "<img" not in own_part(message(html=page), "Like this", "{}@x").html
    drawing = own_part(message(html=page, attachments=(attached("a.svg", PICTURE, "image/svg+xml"),)), "Like this", "{}@x")
    assert "<img" not in drawing.html and [each.name for each in drawing.attachments] == ["a.svg"]


def test_the_html_of_a_parsed_mail_is_what_is_used() -> None:
    raw = b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>Ana</b></p>\r\n"
    arrived = parse(raw)
    assert "<b>Ana</b>" in own_part(arrived, arrived.text, "{}@x").html
