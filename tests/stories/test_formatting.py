"""Customers get an agent's words as they were set, with the pictures in them, and nothing else of the agent's mail."""

from __future__ import annotations

import email.policy
import re
from email.message import EmailMessage
from pathlib import Path

import pytest

from inboxd.adapters.template_files import load_templates
from inboxd.core.compose import MailStamp, compose, render
from inboxd.core.leak import leaks
from inboxd.core.model import Address, Letter, MailboxName, OutgoingKind
from tests.stories.day import Day, Letterbox
from tests.stories.steps import MARIA, holder, kinds, opened, words_of
from tests.stories.test_secrets_and_proof import BRIEF, NOTE, everything_read, secretive

PNG = b"\x89PNG\r\n\x1a\n" + b"screenshot" * 20
LOGO = b"\x89PNG\r\n\x1a\n" + b"logo" * 20
WORDS = "Hello Ana,\n\ntake the *15 mm* one:\n\n   - turn it off\n   - wait\n\n[image: here.png]\n"
HTML = (
    '<div dir="ltr">Hello Ana,<div><br></div><div>take the <b>15 mm</b> one:</div><div><ul><li>turn it off</li><li>wait</li></ul></div>'
    '<div><img src="cid:ii_1" alt="here.png" width="300"><br></div>{more}</div><div>-- </div>'
    '<div dir="ltr" class="gmail_signature"><b>Maria Lindt</b><img src="cid:ii_logo" alt="Acme"></div>'
    '<div class="gmail_quote"><blockquote class="gmail_quote">{quoted}</blockquote></div>'
)


def sent(day: Day, sender: str, to: Letterbox, *, more: str = "", text: str = WORDS, pdf: bool = False, first: str = "") -> None:
    """An agent answers from Gmail: text, HTML with a picture and a logo, our mail quoted in both."""
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["Subject"] = "<formatted.1@mail.example>", sender, f"Re: {to.subject}"
    mail["To"], mail["In-Reply-To"] = str(to.message["Reply-To"]), str(to.message["Message-ID"])
    if day.server:
        mail["Authentication-Results"] = f"{day.server}; dmarc=pass header.from={sender.rpartition('@')[2]}"
    quoted = "\n".join(f"> {line}" for line in to.text.splitlines())
    mail.set_content(f"{first}{text}\n-- \nMaria Lindt\n\nOn Mon, 16 Nov 2026 at 09:00, Ana Ruiz wrote:\n\n{quoted}\n")
    mail.add_alternative(f"<div>{first}</div>" + HTML.format(more=more, quoted=to.html), subtype="html")
    page = mail.get_body(("html",))
    assert page is not None
    page.add_related(PNG, "image", "png", cid="<ii_1>", filename="here.png", disposition="inline")
    page.add_related(LOGO, "image", "png", cid="<ii_logo>", filename="logo.png", disposition="inline")
    if pdf:
        mail.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="manual.pdf", cid="<f_mh1>")
    day.mailbox.put(mail.as_bytes(policy=email.policy.SMTP), day.at())
    day.run()


def parts(mail: Letterbox) -> list[tuple[str, str]]:
    return [(part.get_content_type(), part.get_filename() or "") for part in mail.message.walk()]


def test_bold_and_lists_and_the_picture_reach_the_customer_with_our_signature_and_quotation() -> None:
    day = Day()
    agent = opened(day)
    sent(day, agent, day.routed(agent), pdf=True)
    mail = words_of(day)
    assert "<b>15 mm</b>" in mail.html and "<li>turn it off</li>" in mail.html
    signs_as = next(each.signs_as for each in day.office.rules.book.agents.values() if agent in each.emails)
    assert f"{signs_as}<br>\r\nAcme Support" in mail.html and "<blockquote" in mail.html and "which spanner" in mail.html
    assert mail.html.index("<b>15 mm</b>") < mail.html.index(f"{signs_as}<br>") < mail.html.index("which spanner")
    assert mail.text.startswith("Hello Ana,\r\n\r\ntake the *15 mm* one:\r\n\r\n   - turn it off")  # the text part is as it was
    assert parts(mail) == [
        ("multipart/mixed", ""),
        ("multipart/alternative", ""),
        ("text/plain", ""),
        ("multipart/related", ""),
        ("text/html", ""),
        ("image/png", "here.png"),
        ("application/pdf", "manual.pdf"),
    ]
    picture = next(part for part in mail.message.walk() if part.get_filename() == "here.png")
    assert picture.get_content() == PNG and picture.get_content_disposition() == "inline"
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in mail.html and "ii_1" not in mail.outgoing.raw.decode()


def test_nothing_of_signature_and_quotation_stands_in_the_html() -> None:
    day = Day()
    agent = opened(day)
    sent(day, agent, day.routed(agent))
    mail = words_of(day)
    assert "Lindt" not in mail.html and "gmail" not in mail.html and "logo.png" not in str(parts(mail))
    assert "Please answer by" not in everything_read(mail) and "mailto:" not in mail.html


def test_words_below_a_command_keep_their_form() -> None:
    day = Day()
    agent = opened(day)
    sent(day, agent, day.routed(agent), first="resolve\n\n")
    mail = words_of(day)
    assert "<b>15 mm</b>" in mail.html and "resolve" not in everything_read(mail)


def test_words_that_the_html_says_otherwise_leave_as_plain_text_with_all_files() -> None:
    day = Day()
    agent = opened(day)
    sent(day, agent, day.routed(agent), text=WORDS.replace("turn", "do not turn"))
    mail = words_of(day)
    assert "do not turn it off" in mail.html and "<b>" not in mail.html and "take the *15 mm* one" in mail.html
    assert ("image/png", "here.png") in parts(mail)


def test_a_plain_reply_looks_as_it_always_did() -> None:
    day = Day()
    agent = opened(day)
    day.reply(agent, day.routed(agent), "Hello Ana,\nthe 15 mm one.", html="<div>Hello Ana,</div><div>the 15 mm one.</div>")
    assert '<p style="margin:0 0 16px 0">Hello Ana,<br>\r\nthe 15 mm one.</p>' in words_of(day).html


def test_a_customers_pictures_reach_the_agent_as_files() -> None:
    day = Day()
    mail = EmailMessage()
    mail["Message-ID"], mail["From"], mail["To"], mail["Subject"] = "<c@x.example>", "ana@example.org", "support@acme.example", "Wheel"
    mail.set_content("Look here, which spanner fits?")
    mail.add_alternative('<p>Look here, which spanner <b>fits</b>? <img src="cid:a@b"></p>', subtype="html")
    page = mail.get_body(("html",))
    assert page is not None
    page.add_related(PNG, "image", "png", cid="<a@b>", filename="wheel.png", disposition="inline")
    day.mailbox.put(mail.as_bytes(policy=email.policy.SMTP), day.at())
    day.run()
    file = next(part for part in day.routed(holder(day)).message.walk() if part.get_filename() == "wheel.png")
    assert file.get_content_disposition() == "attachment" and file["Content-ID"] is None


# --- I5: what is ours stays ours also where HTML could hide it


@pytest.mark.parametrize(
    "hiding",
    [
        '<div style="display:none">{}</div>',
        '<span style="font-size:0">{}</span>',
        "<!-- {} -->",
        '<span title="{}"> </span>',
        '<img src="cid:ii_logo" alt="{}">',
        '<img src="https://acme.example/{}">',
        '<a href="mailto:{}"> </a>',
        '<input type="hidden" value="{}">',
    ],
)
def test_what_is_hidden_in_the_html_never_reaches_the_customer(hiding: str) -> None:
    day = secretive()
    routed = day.routed(MARIA)
    token = re.sub(r".*<|>", "", str(routed.message["Reply-To"]))
    secrets = (BRIEF, NOTE, token, MARIA)
    sent(day, MARIA, routed, more=" ".join(hiding.format(secret) for secret in secrets))
    for mail in day.inbox("ana@example.org"):
        raw = mail.outgoing.raw.decode() + everything_read(mail)
        for secret in secrets:
            assert secret.casefold() not in raw.casefold() and re.sub(r"\W", "", secret) not in raw
    assert "<b>15 mm</b>" in words_of(day).html


@pytest.mark.parametrize("secret", [BRIEF, NOTE, MARIA])
def test_what_is_ours_holds_a_formatted_reply_back(secret: str) -> None:
    day = secretive()
    sent(day, MARIA, day.routed(MARIA), more=f"<div>You <i>know</i>: {secret}</div>", text=f"{WORDS}\nYou *know*: {secret}\n")
    assert "reply" not in kinds(day, "ana@example.org")
    assert day.inbox(MARIA)[-1].outgoing.kind == "returned"


TOKEN = "r7.1abcde.abcdefghijklmnopqrstuvwxyz"
TEMPLATES = load_templates(Path(__file__).parents[2] / "templates", None)


@pytest.mark.parametrize(
    ("html", "what"),
    [
        (f'<p>Hello <b>Ana</b> <a href="mailto:support+{TOKEN}@acme.example">x</a></p>', "an address that is only for one of us"),
        (f'<p>Hello <b>Ana</b><span style="display:none">{TOKEN}</span></p>', "an address that is only for one of us"),
        ("<p>Hello <b>Ana</b>, maria@acme.example</p>", "an agent's address"),
        ("<p>Hello, the <b>courier</b> lost it and will not say so</p>", "a note"),
        ("<p>Hello, you may give <u>back</u> 30 EUR without asking</p>", "a line of the brief"),
    ],
)
def test_the_last_look_reads_the_formatted_words_too(html: str, what: str) -> None:
    letter = Letter(
        kind=OutgoingKind.REPLY,
        purpose="p",
        template="reply",
        mailbox=MailboxName("acme"),
        language="en",
        to=Address(email="ana@example.org"),
        subject="Re: Lamp",
        values={
            "words": "Hello",
            "html": html,
            "signs_as": "Maria",
            "brand": "Acme",
            "quotation": "",
            "quoted_at": None,
            "quoted_name": "",
        },
    )
    stamp = MailStamp(message_id="m1@acme.example", date=Day().at(), from_=Address(email="support@acme.example"))
    found = leaks(
        compose(letter, render(letter, TEMPLATES), (), stamp),
        tokens=(TOKEN,),
        agent_addresses=("maria@acme.example",),
        notes=("the courier lost it and will not say so",),
        brief_lines=("You may give back 30 EUR without asking",),
    )
    assert {(each.place, each.what) for each in found} == {("the HTML part", what)}
