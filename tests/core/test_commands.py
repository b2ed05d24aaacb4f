"""An agent's reply as their mail program writes it: what goes to the customer, what stays among us, what is held."""

from __future__ import annotations

import re
import textwrap
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.commands import AgentReply, read_reply
from inboxd.core.model import Message, MessageId, OutgoingKind, OutgoingNo, SentMessage

ROUTED = """\
Ana sounds upset. Please answer by 11:12 today.
"for two weeks nobody has answered me"
Day named: Sat 21 Nov ("The party is this Saturday")

What happened so far
Mon 9 Nov, Tom: "The lamp leaves our house on Thursday."

Why you: sounds upset, Tom is off
From ana.ruiz@example.org, sender confirmed. 1 photo.

----- Ana wrote today at 09:12 -----

Hello,

for two weeks nobody has answered me. The party is this Saturday and the hall is still dark. Where is my lamp?

Ana Ruiz
order 88213

-----
Just reply: Ana reads your words and nothing else.
First word "note" keeps it among us; "help" shows the rest.
"""
SENT = SentMessage(
    number=OutgoingNo(1),
    message_id=MessageId("m1@acme.example"),
    kind=OutgoingKind.ROUTED,
    purpose="p",
    case=None,
    agent=None,
    person=None,
    round=0,
    sent_at=None,
    text=ROUTED,
    first_line=ROUTED.split("\n", 1)[0],
)
WORDS = "Hello Ana,\n\nyour lamp is with the courier since this morning.\nYou have it on Friday."
TOKEN = "support+r7.1abc.abcdefghijklmnopqrstuvwxyz@acme.example"


def signed(text: str = ROUTED, sign: str = "> ") -> str:
    return "\n".join(f"{sign}{line}".rstrip() for line in text.rstrip("\n").split("\n"))


def wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.fill(line, width) if line else "" for line in text.split("\n"))


def reply(text: str, html: str = "", sent: SentMessage | None = SENT) -> AgentReply:
    return read_reply(Message(text=text, html=html), text, sent, signs_as=("Maria", "Maria Lindt"))


OUTLOOK_EN = f"""\
From: Ana Ruiz via Acme Support <support@acme.example>
Sent: Monday, November 16, 2026 9:13 AM
To: Maria Lindt <maria@acme.example>
Subject: Ana Ruiz: Lamp [#7]
Importance: High

{ROUTED}"""
OUTLOOK_DE = f"""\
Von: Ana Ruiz via Acme Support <support@acme.example>
Gesendet: Montag, 16. November 2026 09:13
An: Maria Lindt <maria@acme.example>
Betreff: Ana Ruiz: Lamp [#7]

{ROUTED}"""
OUTLOOK_PHONE = f"""\
________________________________
From: Ana Ruiz via Acme Support <support@acme.example>
Sent: Monday, November 16, 2026 9:13:22 AM
To: Maria Lindt <maria@acme.example>
Subject: Ana Ruiz: Lamp [#7]

{ROUTED}"""

REPLIES = {  # as each program writes it; long lines are theirs
    "gmail web": f"{WORDS}\n\nOn Mon, Nov 16, 2026 at 9:13 AM Ana Ruiz via Acme Support <\n{TOKEN}> wrote:\n\n{signed()}\n",
    "gmail web, wrapped again": f"{WORDS}\n\nOn Mon, Nov 16, 2026 at 9:13 AM Ana Ruiz via Acme Support <{TOKEN}>\nwrote:\n\n"
    f"{signed(wrapped(ROUTED, 50))}\n",
    "gmail web, German": f"{WORDS}\n\nAm Mo., 16. Nov. 2026 um 09:13 Uhr schrieb Ana Ruiz via Acme Support <\n{TOKEN}>:\n\n{signed()}\n",
    "gmail web, French": f"{WORDS}\n\nLe lun. 16 nov. 2026 à 09:13, Ana Ruiz via Acme Support <{TOKEN}> a\nécrit :\n\n{signed()}\n",
    "gmail phone": f"{WORDS}\n\nOn Mon, 16 Nov 2026, 09:13 Ana Ruiz via Acme Support, <{TOKEN}> wrote:\n\n{signed()}\n",
    "outlook, English": f"{WORDS}\n\n{OUTLOOK_EN}",
    "outlook, German": f"{WORDS}\n\n{OUTLOOK_DE}",
    "outlook, signs of a phone": f"{WORDS}\n\nGet Outlook for iOS<https://aka.ms/o0ukef>\n{OUTLOOK_PHONE}",
    "outlook, a rule of letters": f"{WORDS}\n\n-----Original Message-----\n{OUTLOOK_EN}",
    "outlook, with quote signs": f"{WORDS}\n\n-----Ursprüngliche Nachricht-----\n{signed(OUTLOOK_DE)}",
    "outlook, bold fields": f"{WORDS}\n\n{OUTLOOK_EN.replace('From:', '*From:*').replace('Sent:', '*Sent:*').replace('To:', '*To:*')}",
    "outlook, a warning set in by the company": f"{WORDS}\n\n{OUTLOOK_EN[: -len(ROUTED)]}"
    f"CAUTION: This email originated from outside of your organization.\n\n{ROUTED}",
    "apple mail": f"{WORDS}\n\n> On 16. Nov 2026, at 09:13, Ana Ruiz via Acme Support <support@acme.example> wrote:\n> \n{signed()}\n",
    "apple mail, German": f"{WORDS}\n\n"
    f"> Am 16.11.2026 um 09:13 schrieb Ana Ruiz via Acme Support <support@acme.example>:\n> \n{signed()}\n",
    "iphone": f"{WORDS}\n\n"
    f"Sent from my iPhone\n\n> On 16 Nov 2026, at 09:13, Ana Ruiz via Acme Support <{TOKEN}> wrote:\n> \n> \ufeff{signed()[2:]}\n",
    "iphone, German": f"{WORDS}\n\nVon meinem iPhone gesendet\n\n> Am 16.11.2026 um 09:13 schrieb Ana Ruiz:\n>\n{signed()}\n",
    "thunderbird": f"{WORDS}\n\nOn 16.11.26 09:13, Ana Ruiz via Acme Support wrote:\n{signed()}\n",
    "thunderbird, German, below": f"Am 16.11.26 um 09:13 schrieb Ana Ruiz via Acme Support:\n{signed()}\n\n{WORDS}\n",
    "thunderbird, below, with signature": f"On 16.11.26 09:13, Ana Ruiz wrote:\n"
    f"{signed()}\n\n{WORDS}\n\n-- \nMaria Lindt\nmaria@acme.example\n",
    "thunderbird, signature below the quotation": f"{WORDS}\n\nAm 16.11.26 um 09:13 schrieb Ana:\n{signed()}\n\n-- \nMaria Lindt | Acme\n",
    "k-9": f"{WORDS}\n-- \nDiese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.\n\n"
    "Am 16. November 2026 09:13:04 MEZ schrieb "
    f'"Ana Ruiz via Acme Support" <support@acme.example>:\n{signed(sign=">")}\n',
    "k-9, quoted first line wrapped": f"{WORDS}\n\n"
    f"On 16 November 2026 09:13:04 CET, Ana Ruiz <{TOKEN}> wrote:\n{signed(wrapped(ROUTED, 30), '>')}\n",
    "spaces that do not break": f"{WORDS}\n\nOn Mon, Nov 16, 2026 Ana Ruiz wrote:\n{signed().replace(' ', chr(160))}\n",
    "the page of one tap quoted too": f"{WORDS}\n\n{OUTLOOK_EN}\n→ Note<mailto:{TOKEN}>\n→ Resolve<mailto:{TOKEN}>\n",
    "spanish": f"{WORDS}\n\nEl lun, 16 nov 2026 a las 9:13, Ana Ruiz via Acme Support (<{TOKEN}>)\nescribió:\n\n{signed()}\n",
    "a part of the quotation was deleted": f"{WORDS}\n\n"
    f"On Mon, Nov 16, 2026 Ana Ruiz wrote:\n{signed(chr(10).join(ROUTED.split(chr(10))[:5]))}\n",
    "only the question kept": f"{WORDS}\n\nOn Mon, Nov 16, 2026 Ana wrote:\n> Where is my lamp?\n",
    "only the question kept, above": f"> Where is my lamp?\n\n{WORDS}\n",
    "the end of the mail kept": f"{WORDS}\n\n"
    f"On Mon, Nov 16, 2026 Ana wrote:\n> [...]\n{signed(ROUTED[ROUTED.index('for two weeks nobody has answered me. The') :])}",
    "nothing quoted": f"{WORDS}\n",
    "nothing quoted, our own signature": f"{WORDS}\n\nMaria\n",
    "nothing quoted, windows lines": WORDS.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("program", REPLIES)
def test_the_customer_reads_the_agents_words_and_nothing_else(program: str) -> None:
    read = reply(REPLIES[program])
    assert read.held is None, read.held
    assert read.words == WORDS
    assert read.commands == () and read.note == ""


def test_without_the_text_that_we_sent_its_first_line_is_the_mark() -> None:
    bare = SentMessage(
        number=SENT.number, message_id=SENT.message_id, kind=SENT.kind, purpose="p", case=None, agent=None, person=None, round=0,
        sent_at=None, first_line=SENT.first_line,
    )  # fmt: skip
    for program in ("gmail web", "outlook, German", "k-9, quoted first line wrapped"):
        assert reply(REPLIES[program], sent=bare).words == WORDS, program


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{WORDS}\n\n-- \nMaria Lindt\n+49 30 1234\n", "your signature (2 lines)"),
        (f"{WORDS}\n\n--\nMaria Lindt\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}", "your signature (1 line)"),
        (f"{WORDS}\n\nSent from my iPhone\n", 'the line "Sent from my iPhone"'),
    ],
)
def test_what_was_left_out_is_always_said(text: str, lines: str) -> None:
    assert reply(text).left_out == (lines,)


HELD = {
    "a forwarded mail": (f"{WORDS}\n\n---------- Forwarded message ----------\nA secret.\n", "other_quote"),
    "another mail with two fields above it": (
        f"{WORDS}\n\nDate: Mon, 9 Nov 2026 09:13\nTo: bob@acme.example\n\nA secret.\n",
        "other_quote",
    ),
    "quotes another mail": (
        f"{WORDS}\n\nOn Mon, Nov 9, 2026 Bob wrote:\n> A secret between us two about the prices of next year.\n",
        "other_quote",
    ),
    "another mail in the form of outlook": (
        f"{WORDS}\n\nFrom: Bob <bob@acme.example>\nSent: Monday, 9 November 2026\nTo: Maria\nSubject: prices\n\nA secret.\n",
        "other_quote",
    ),
    "another mail above ours": (f"{WORDS}\n\n> a secret of Bob\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}", "other_quote"),
    "answers between the lines": (
        f"Hello Ana,\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed().replace('> Ana Ruiz', 'it is on its way' + chr(10) + '> Ana Ruiz')}",
        "inline",
    ),
    "answers between the lines only": (
        f"On Mon, Nov 16, 2026 Ana wrote:\n{signed().replace('> Ana Ruiz', 'it is on its way' + chr(10) + '> Ana Ruiz')}",
        "inline",
    ),
    "two questions kept, each answered": ("> Where is my lamp?\n\nHere.\n\n> the hall is still dark\n\nNot for long.", "inline"),
    "words above and below": (f"{WORDS}\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}\n\nAnd one more thing for you.", "inline"),
    "words between the header block and our mail": (f"{OUTLOOK_EN[: -len(ROUTED)]}\nit is on its way\n\n{ROUTED}", "inline"),
    "nothing of their own": (f"On Mon, Nov 16, 2026 Ana wrote:\n{signed()}", "no_words"),
    "nothing at all": ("\n\n-- \nMaria\n", "no_words"),
}


@pytest.mark.parametrize("case", HELD)
def test_in_doubt_nothing_leaves(case: str) -> None:
    text, kind = HELD[case]
    read = reply(text)
    assert read.held is not None and read.held.kind == kind, read
    assert read.words == "" and read.note == "" and read.commands == ()


def test_a_quotation_that_only_the_page_shows_is_held() -> None:
    read = reply("Hello Ana,\nhere.\nsecret", html="Hello Ana,<br>here.<blockquote>secret</blockquote>")
    assert read.held is not None and read.held.kind == "not_found"


def test_a_sentence_taken_from_the_customers_mail_is_the_agents_own() -> None:
    text = "Hello Ana,\n\nyou wrote that for two weeks nobody has answered me. I am sorry. It is on its way."
    assert reply(text).words == text


def test_the_held_text_comes_back() -> None:
    read = reply(HELD["words above and below"][0])
    assert read.held is not None and "your lamp is with the courier" in read.held.text


@pytest.mark.parametrize(
    "first", ["resolve", "Resolve", "RESOLVE", "Resolve.", " resolve ", "resolve:", "resolve\u00a0", "*resolve*", "Resolve!"]
)
def test_a_command_is_understood_however_the_phone_wrote_it(first: str) -> None:
    read = reply(f"{first}\n\n{WORDS}\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}")
    assert read.held is None, read.held
    assert [command.name for command in read.commands] == ["resolve"]
    assert read.words == WORDS


def test_what_people_may_know_is_said_apart_for_each_language() -> None:
    about = replace(SENT, purpose="spike:acme:1:sign in")
    lines = "known issue: It fails\nfor some.\nKnown Issue DE: Es klappt\nnicht.\nknown issue fr: Rien."
    read = reply(lines, sent=about)
    assert [(each.language, each.argument) for each in read.commands] == [
        ("", "It fails for some."), ("de", "Es klappt nicht."), ("fr", "Rien.")
    ]  # fmt: skip
    fixed = reply("fixed: A cable.\nfixed de: Ein Kabel.", sent=about)
    assert [(each.name, each.language, each.argument) for each in fixed.commands] == [
        ("fixed", "", "A cable."), ("fixed", "de", "Ein Kabel.")
    ]  # fmt: skip
    assert not reply(f"fixed de: Ein Kabel.\n\n{WORDS}").commands, "to a customer it is a word like others"


@pytest.mark.parametrize(
    ("line", "name", "argument", "case"),
    [
        ("label: warehouse", "label", "warehouse", None),
        ("Label : warehouse", "label", "warehouse", None),
        ("assign: tom", "assign", "tom", None),
        ("Team: billing", "team", "billing", None),
        ("snooze: 2 days", "snooze", "2 days", None),
        ("Snooze #1051: 3 days", "snooze", "3 days", 1051),
        ("Pass on.", "pass on", "", None),
        ("pass on: jonas", "pass on", "jonas", None),
        ("Could not: sold out for good", "could not", "sold out for good", None),
        ("No follow-up!", "no follow-up", "", None),
        ("no promise", "no promise", "", None),
        ("No promise.", "no promise", "", None),
        ("no promise #1042", "no promise", "", 1042),
        ("not same as: ann@other.example", "not same as", "ann@other.example", None),
        ("Not Same As : Ann <ann@other.example>", "not same as", "Ann <ann@other.example>", None),
        ("not same as #1042: ann@other.example", "not same as", "ann@other.example", 1042),
        ("same as: Ann <ann@other.example>", "same as", "Ann <ann@other.example>", None),
        ("merge: #1040", "merge", "#1040", None),
        ("merge #1040", "merge", "#1040", None),
        ("gave: 20 EUR", "gave", "20 EUR", None),
    ],
)
def test_each_command_is_read_with_what_stands_behind_it(line: str, name: str, argument: str, case: int | None) -> None:
    read = reply(f"{line}\n\n{WORDS}\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}")
    assert read.held is None, read.held
    (command,) = read.commands
    assert (command.name, command.argument, command.case) == (name, argument, case)
    assert read.words == WORDS


@pytest.mark.parametrize(
    ("line", "name"), [("mine", "mine"), ("Team", "team"), ("show #1042", "show"), ("find: lamp", "find"), ("Original.", "original")]
)
def test_questions_stand_alone(line: str, name: str) -> None:
    assert [command.name for command in reply(line).commands] == [name]


def test_a_command_alone_has_no_words() -> None:
    assert reply("resolve").words == "" and reply("resolve").commands[0].name == "resolve"
    assert reply("Help").commands[0].name == "help"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("note: the courier is late", "the courier is late"),
        ("Note. The courier is late", "The courier is late"),
        ("Note\n\nThe courier is late.\n\nTell Tom.", "The courier is late.\n\nTell Tom."),
        ("note Tom knows the supplier", "Tom knows the supplier"),
        ("Note : two lines\nof it", "two lines\nof it"),
        ("NOTE - ring them", "ring them"),
    ],
)
def test_a_note_stays_among_us(text: str, note: str) -> None:
    read = reply(text)
    assert read.held is None and read.note == note and read.words == ""


def test_several_commands_stand_above_the_words() -> None:
    read = reply("resolve\nnote: paid twice")
    assert [command.name for command in read.commands] == ["resolve", "note"]
    assert read.note == "paid twice" and read.words == ""


@pytest.mark.parametrize(
    ("first", "kind", "meant"),
    [
        ("resolv", "near_miss", "resolve"),
        ("reslove", "near_miss", "resolve"),
        ("Resolved.", "near_miss", "resolve"),
        ("relese", "near_miss", "release"),
        ("known issues de: Es geht nicht.", "near_miss", "known issue"),
        ("known issue de:", "no_words", "known issue"),
        ("nte:", "near_miss", "note"),
        ("Noet: tell Tom", "near_miss", "note"),
        ("hepl", "near_miss", "help"),
        ("no promises", "near_miss", "no promise"),
        ("No promis.", "near_miss", "no promise"),
        ("no promise: Friday", "ambiguous", "no promise"),
        ("nto same as: ann@other.example", "near_miss", "not same as"),
        ("not sameas: ann@other.example", "near_miss", "not same as"),
        ("not same as ann@other.example", "ambiguous", "not same as"),
        ("same as ann@other.example", "ambiguous", "same as"),
        ("not same as:", "no_words", "not same as"),
        ("assgin: tom", "near_miss", "assign"),
        ("assign tom", "ambiguous", "assign"),
        ("label:", "no_words", "label"),
        ("too: bob@acme.example", "near_miss", "to"),
        ("Splitt", "near_miss", "split"),
        ("mine", "ambiguous", "mine"),
        ("Team,", "ambiguous", "team"),
        ("find lamp", "ambiguous", "find"),
        ("Note that the axle is sold apart.", "ambiguous", "note"),
        ("Resolve this with the courier, please.", "ambiguous", "resolve"),
        ("Help is on its way.", "ambiguous", "help"),
        ("note: bla\n\nHello Ana,\n\nhere it is", "ambiguous", "note"),
        ("resolve\nlabl: warehouse", "near_miss", "label"),
        ("note", "no_words", "note"),
        ("gelöst", "near_miss", "resolve"),
        ("Erledigt!", "near_miss", "resolve"),
        ("Close ticket", "near_miss", "resolve"),
        ("status: solved", "near_miss", "resolve"),
        ("Notiz: ein schwieriger Kunde", "near_miss", "note"),
        ("Interne Notiz: ein schwieriger Kunde", "near_miss", "note"),
        ("Internal: a difficult one", "near_miss", "note"),
        ("Internal note - a difficult one", "near_miss", "note"),
        ("[internal] a difficult one", "near_miss", "note"),
        ("Zuweisen an: Tom", "near_miss", "assign"),
        ("rückgängig", "near_miss", "undo"),
        ("snooze tomorrow", "ambiguous", "snooze"),
    ],
)
def test_what_is_almost_a_command_is_never_sent(first: str, kind: str, meant: str) -> None:
    text = first if kind == "no_words" else f"{first}\n\n{WORDS}"
    read = reply(text)
    assert read.held is not None and (read.held.kind, read.held.meant) == (kind, meant), read
    assert read.held.text == text and read.words == ""


@pytest.mark.parametrize(
    ("first", "better"),
    [("snooze tomorrow", "snooze: tomorrow"), ("assign tom", "assign: tom"), ("same as a@b.example", "same as: a@b.example"),
     ("pass on jonas", "pass on: jonas"), ("resolve please", ""), ("no promise: Friday", "")],
)  # fmt: skip
def test_a_command_without_its_colon_comes_back_with_it(first: str, better: str) -> None:
    read = reply(f"{first}\n\n{WORDS}")
    assert read.held is not None and read.held.kind == "ambiguous" and read.held.better == better


@pytest.mark.parametrize(
    "first",
    ["No problem", "No problem!", "Not the same as before: this one is new.", "Same as last time.",
     "Hello", "No.", "Yes.", "Done.", "Dear Ana,", "Tracking: 1Z 123", "PS: one more thing", "Thanks!", "Hi Ana", "Sorry",
     "We resolved it.",
     "Notes from our workshop: all is well.", "Resolved it for you, Ana.", "Ordered: one lamp", "Good morning", "Sent: today", "Please,",
     "Please wait", "Please:", "Status: it left today", "Transfer: 20 EUR, done today", "Internal server errors are gone",
     "Erledigt ist noch nichts",
     "Comments are welcome", "Private customers pay less"],
)  # fmt: skip
def test_an_ordinary_first_line_is_no_command(first: str) -> None:
    assert reply(f"{first}\n\nyour lamp is on its way").words.startswith(first)


@pytest.mark.parametrize("below", ["Best regards,\nMaria", "Mit freundlichen Grüßen", "Kind regards\n\nMaria"])
def test_a_closing_that_a_program_set_below_an_order_is_no_mail_to_the_customer(below: str) -> None:
    read = reply(f"resolve\n\n{below}")
    assert read.held is None and [command.name for command in read.commands] == ["resolve"] and read.words == ""


def test_thanks_below_an_order_are_words() -> None:
    assert reply("resolve\n\nMany thanks!").words == "Many thanks!"


@pytest.mark.parametrize(
    ("line", "means"),
    [("resolve", "resolve"), ("Resolve.", "resolve"), ("note: a difficult one, be careful", "note"), ("gave: 20 EUR", "gave"),
     ("could not: no spare part", "could not"), ("Snooze: 3 days", "snooze"), ("assign: tom", "assign")],
)  # fmt: skip
def test_an_order_below_the_words_is_asked_about_before_the_customer_reads_it(line: str, means: str) -> None:
    read = reply(f"Hello Ana,\n\nWednesday at ten is fine.\n\n{line}")
    assert (read.words, read.commands) == ("", ())
    assert read.held is not None and (read.held.kind, read.held.found, read.held.meant) == ("below", line, means)


@pytest.mark.parametrize(
    "words",
    [
        "Hello Ana,\n\nwe hope this will\nresolve\nthe matter.",
        "Hello Ana,\n\nplease write to us again:\nsupport@acme.example",
        "Hello Ana,\n\nit comes tomorrow.\n\nThe parcel:\nTo: Ana Ruiz\nSubject: Order 88213",
        "Hello Ana,\n\nplease note: we are closed on Monday.",
        "Hello Ana,\n\nYour questions:\n1. resolve the name\n2. gave it back",
    ],
)
def test_words_that_look_like_an_order_within_a_sentence_are_words(words: str) -> None:
    assert reply(words).words == words


def test_a_quoted_command_never_runs() -> None:
    quoted = SENT.text.replace("Hello,", "resolve")
    read = reply(f"On Mon, Nov 16, 2026 Ana wrote:\n{signed(quoted)}\n\nHello Ana,\nhere.")
    assert read.commands == () and read.words == "Hello Ana,\nhere."


def test_a_huge_reply_is_read_in_time() -> None:
    text = WORDS + "\n\nOn Mon, Nov 16, 2026 Ana wrote:\n" + signed(ROUTED + "more and more words of a long mail here\n" * 20_000)
    assert reply(text).held is None or reply(text).words == ""


RETURNED = (
    "Nothing has left and nothing has changed, Maria.\n\nresolv: there is no such command. Did you mean: resolve\n\n"
    "Your text is safe. Here it is:\n\n"
    + textwrap.indent(f"resolv\n\n{WORDS}", "    ")
    + "\n\n-----\nJust reply: Ana reads your words and nothing else.\n"
)


@pytest.mark.parametrize(
    "text",
    [
        f"resolve\n\n{WORDS}",
        f"resolve\n\n{WORDS}\n\nOn Mon, Nov 16, 2026 at 9:13 AM Acme Support desk <{TOKEN}> wrote:\n\n{signed(RETURNED)}",
        f"resolve\n\n{WORDS}\n\n{OUTLOOK_EN[: -len(ROUTED)]}{RETURNED}",
        f"On 16.11.26 09:13, Acme Support desk wrote:\n{signed(RETURNED)}\nresolve\n\n{WORDS}",
    ],
)
def test_a_text_that_came_back_can_be_sent_again(text: str) -> None:
    read = reply(text, sent=replace(SENT, text=RETURNED, first_line=RETURNED.split("\n")[0]))
    assert read.held is None, read.held
    assert read.words == WORDS and [command.name for command in read.commands] == ["resolve"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*REPLIES["outlook, German"].split("\n"), *signed().split("\n"), "my own words", "-- ", "On 1 Nov 2026 Ana wrote:"])
    )
)
def test_no_mixture_lets_a_line_of_ours_through(lines: list[str]) -> None:
    read = reply("\n".join(lines))
    if read.held is None:
        for text in (read.words, read.note):
            assert not re.search("sounds upset|Why you|What happened so far|sender confirmed|Just reply", text), text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.text(max_size=200))
def test_any_text_can_be_read(text: str, sent: str) -> None:
    read = reply(text, sent=replace(SENT, text=sent, first_line=sent.split("\n")[0]))
    assert read.held is not None or read.words or read.note or read.commands


@pytest.mark.parametrize(
    "text", [" " * 200_000 + "x", "<" * 200_000, "-" * 200_000 + "x", "\n" * 200_000 + "x", "a, 20:26 @" * 20_000, "> " * 100_000]
)
def test_an_absurd_mail_takes_no_time(text: str) -> None:
    reply(f"{text}\n\nOn Mon, Nov 16, 2026 Ana wrote:\n{signed()}\n{text}")


@pytest.mark.parametrize(
    "first",
    [
        "Find attached the invoice you asked for.", "Show me the picture of the box, please.", "Label the box with your number, please.",
        "Away from home I can only look on Friday.", "To be honest, no.", "Ask at the desk.",
        "Split the payment into two parts if you like.",
        "For you only.", "So.", "No.", "Subject to the weather it comes on Friday.",
    ],
)  # fmt: skip
def test_a_sentence_that_begins_like_a_command_is_for_the_customer(first: str) -> None:
    read = reply(f"{first}\n\nMaria")
    assert read.held is None and read.commands == () and read.words.startswith(first)
