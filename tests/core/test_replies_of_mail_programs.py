"""Replies as eight mail programs write them: the customer reads the agent's words, all of them, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.commands import AgentReply, read_reply
from inboxd.core.model import Address
from inboxd.core.new_text import new_text
from inboxd.core.own_words import own_words
from inboxd.core.parse import parse
from tests.core.replies import CHARSETS, ENCODINGS, FORMS, LANGUAGES, PLACES, SIGNATURES, Reply, replies, reply, written
from tests.core.replies.agents_words import typed
from tests.core.replies.our_mails import AGENT, AGENT_NAME, FULL, SUPPORT, TOKEN, OurMail, returned, routed
from tests.core.replies.programs import BULLET, CARD, PROGRAMS, Draft, Program

NAMES = [program.name for program in PROGRAMS]
SIGNING = [program for program in PROGRAMS if program.sign]
LETTER = typed("en")["a letter"].words


def read(raw: bytes, mail: OurMail) -> AgentReply:
    """Read the mail as obey does."""
    message = parse(raw)
    return read_reply(message, new_text(message), mail.sent, signs_as=("Maria", AGENT_NAME))


def tokens(text: str) -> list[str]:
    """The words with their punctuation; bullets and line breaks are the program's."""
    return [word for word in text.replace(BULLET, "* ").split() if word not in ("*", "-")]


def verdict(case: Reply, got: AgentReply) -> str:
    """Say what became of a reply: "right", "held: why", or "wrong: what"."""
    if got.held is not None:
        return "right" if got.held.kind == case.typed.held else f"held: {got.held.kind}"
    if case.typed.held:
        return "wrong: not held"
    if tuple(command.name for command in got.commands) != case.typed.commands:
        return f"wrong: commands {got.commands}"
    if tokens(got.words) != tokens(case.typed.words) or tokens(got.note) != tokens(case.typed.note):
        return f"wrong: {got.words or got.note!r}"
    return "right"


def internal(text: str) -> str:
    """What of ours stands in words that a customer may read; "" if nothing."""
    for each in (TOKEN, SUPPORT, AGENT, "\u2192", "Why you", "What happened so far", "Just reply:", "sounds upset", "sender confirmed"):
        if each.casefold() in text.casefold():
            return each
    return ""


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table() -> list[tuple[Reply, AgentReply]]:
    return [(case, read(case.raw, case.draft.mail)) for case in replies()]


@pytest.mark.parametrize("program", NAMES)
def test_no_word_is_lost_and_none_is_added(program: str, table: list[tuple[Reply, AgentReply]]) -> None:
    found = {case.name: verdict(case, got) for case, got in table if case.program.name == program}
    assert len(found) >= 140
    assert not {name: said for name, said in found.items() if said.startswith("wrong")}


def test_few_ordinary_replies_are_held(table: list[tuple[Reply, AgentReply]]) -> None:
    ordinary = [(case, got) for case, got in table if case.place != "inline"]
    counts = Counter(case.program.name for case, _ in ordinary)
    held = Counter(case.program.name for case, got in ordinary if verdict(case, got).startswith("held"))
    for name in NAMES:
        print(f"{name}: {counts[name]} ordinary replies, {held[name]} held without need")
    assert sum(counts.values()) >= 900
    assert sum(held.values()) <= 0.02 * sum(counts.values()), held
    kinds = {case.kind for case, got in ordinary if verdict(case, got).startswith("held")}
    assert kinds <= {"the customer's own line"}, "below a quotation that was cut down this may be the rest of it"


def test_answers_between_the_lines_are_read_or_held_but_never_cut(table: list[tuple[Reply, AgentReply]]) -> None:
    inline = [verdict(case, got) for case, got in table if case.place == "inline"]
    assert len(inline) >= 200
    assert set(inline) <= {"right", "held: inline", "held: no_words"}


def test_nothing_of_ours_is_among_the_words(table: list[tuple[Reply, AgentReply]]) -> None:
    found = {case.name: internal(got.words + got.note) for case, got in table if got.held is None}
    assert not {name: what for name, what in found.items() if what}


def test_each_value_meets_each_program(table: list[tuple[Reply, AgentReply]]) -> None:
    for program in NAMES:
        cases = [case for case, _ in table if case.program.name == program]
        assert {case.kind for case in cases} == set(typed("en"))
        assert {(case.language, case.place) for case in cases} == set(product(LANGUAGES, PLACES))
        assert {case.signature for case in cases} == set(SIGNATURES)
        assert {(case.place, case.form) for case in cases} == set(product(PLACES, FORMS))
        assert {(case.encoding, case.charset) for case in cases} == set(product(ENCODINGS, CHARSETS))
        assert {case.files for case in cases} == {True, False}


# --- what the table does not hold --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("program", "form"), list(product(PROGRAMS, FORMS)), ids=lambda value: getattr(value, "name", value))
def test_a_text_that_came_back_is_sent_again_from_any_program(program: Program, form: str) -> None:
    case = reply(program, "command and words", form=form, mail=returned(f"resolv\n\n{LETTER}"))
    assert verdict(case, read(case.raw, case.draft.mail)) == "right"


@pytest.mark.parametrize("program", SIGNING, ids=lambda program: program.name)
@pytest.mark.parametrize("answer", ["the courier has it already", "Yes."])
def test_words_typed_among_quote_signs_are_never_lost(program: Program, answer: str) -> None:
    case = reply(program, "one line", form="plain")
    text, sent = program.text(case.draft).rstrip(), case.draft.mail.sent
    lines = text.split("\n")
    after = next(number for number, line in enumerate(lines) if "Why you" in line) + 1
    middle = "\n".join([*lines[:after], f"{program.sign}{answer}", *lines[after:]])
    for changed in (middle, f"{text}\n{program.sign}{answer}\n"):
        assert own_words(changed, sent.text, sent.first_line).doubt is not None, changed


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_signature_without_a_mark_is_known_by_its_writer(program: Program, language: str) -> None:
    case = reply(program, "an address to write to", language=language, form="plain")
    text = program.text(case.draft).replace("repairs@acme-repairs.example", "repairs@acme-repairs.example\n\n" + "\n".join(CARD), 1)
    sent = case.draft.mail.sent
    found = own_words(text, sent.text, sent.first_line, writer=Address(email=AGENT, name=AGENT_NAME))
    assert tokens(found.words) == tokens(case.typed.words)
    assert "your signature (3 lines)" in found.left_out


def test_who_signs_in_a_sentence_loses_no_word() -> None:
    text = f"Hello Ana,\n\nMaria Lindt speaking.\nWrite to me: {AGENT}\nIs that right?\n"
    assert own_words(text, "", "", writer=Address(email=AGENT, name=AGENT_NAME)).words == text.strip()


def test_words_below_the_signature_are_not_cut_with_it() -> None:
    page = f'<div>Hello Ana,</div><div id="Signature"><div>Maria Lindt</div><div>{AGENT}</div></div><div>and one more thing</div>'
    text = f"Hello Ana,\nMaria Lindt\n{AGENT}\nand one more thing\n"
    assert own_words(text, "", "", html=page).words == text.strip()


@pytest.mark.parametrize("closing", ["Mit freundlichen Grüßen", "Guten Tag,", "Ana Ruiz"])
def test_a_courtesy_that_the_customer_used_too_is_the_agents_own(closing: str) -> None:
    mail = routed("de")
    words = f"die Achse ist unterwegs.\n\n{closing}"
    assert read(f"From: {AGENT}\r\n\r\n{words}\n".encode(), mail).words == words


def test_a_line_of_the_brief_left_among_the_words_is_held() -> None:
    line = next(line for line in routed().text.split("\n") if line.startswith("Why you"))
    got = read(f"From: {AGENT}\r\n\r\nHello Ana,\n\n{line}\n\nit is on its way.\n".encode(), routed())
    assert got.held is not None and not got.words


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_a_warning_of_the_company_above_our_mail_is_not_the_agents(program: Program) -> None:
    case = reply(program, "a letter", form="plain")
    first = case.draft.mail.sent.first_line
    sign = program.sign if program.sign else ""
    warning = f"{sign}CAUTION: This email originated from outside of your organization."
    text = program.text(case.draft).replace(f"*{first}*", first).replace(f"{sign}{first}", f"{warning}\n{sign}\n{sign}{first}")
    assert warning in text
    found = own_words(text, case.draft.mail.sent.text, first)
    assert tokens(found.words) == tokens(case.typed.words)


@pytest.mark.parametrize("width", [60, 72, 78])
@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_a_server_that_breaks_long_lines_changes_nothing(program: Program, width: int) -> None:
    case = reply(program, "a letter", form="plain")
    lines = program.text(case.draft).split("\n")
    text = "\n".join(re.sub(rf"(.{{{width // 2},{width}}}) ", r"\1\n", line) if len(line) > width else line for line in lines)
    found = own_words(text, case.draft.mail.sent.text, case.draft.mail.sent.first_line)
    assert tokens(found.words) == tokens(case.typed.words)


def test_our_lines_below_words_without_a_sign_make_them_doubtful() -> None:
    sent = "Ana asks about an order.\n\n----- Ana wrote today at 09:12 -----\n\nwhere is it?\nblue, sixteen inch\n\n-----\nJust reply.\n"
    above = "From: Ana <support@acme.example>\nSent: Monday 09:13\nTo: Maria\nSubject: Bike\n\nAna asks about an order.\n"
    first = sent.split("\n")[0]
    assert own_words(f"{above}\nIt comes tomorrow.\n", sent, first).words == "It comes tomorrow."
    assert own_words(f"{above}\nIt comes tomorrow.\nblue, sixteen inch\n", sent, first).doubt is not None


@pytest.mark.parametrize(
    ("typed_line", "shown"),
    [
        ("write to repairs@acme-repairs.example<mailto:repairs@acme-repairs.example>", "write to repairs@acme-repairs.example"),
        ("see https://parcel.example/1<https://parcel.example/1>", "see https://parcel.example/1"),
        ("see www.parcel.example<http://www.parcel.example/> now", "see www.parcel.example now"),
        ("it is here<https://parcel.example/1>", "it is here<https://parcel.example/1>"),
        ("a<b and c>d, <b> is bold", "a<b and c>d, <b> is bold"),
    ],
)
def test_a_link_that_says_itself_twice_is_said_once(typed_line: str, shown: str) -> None:
    assert own_words(typed_line, routed().sent.text, routed().sent.first_line).words == shown


def test_a_line_drawn_with_two_dashes_is_not_where_the_signature_begins() -> None:
    text = "first the axle.\n--\nthen the money.\n-- \nMaria Lindt\n--\nAcme GmbH\n"
    assert own_words(text, "", "").words == "first the axle.\n--\nthen the money."
    assert own_words(text.replace("-- \n", "--\n").replace("--\nAcme GmbH\n", ""), "", "").words == "first the axle.\n--\nthen the money."


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_last_line_with_a_colon_does_not_run_into_the_header_block(language: str) -> None:
    outlook = PROGRAMS[NAMES.index("outlook for phones and mac")]
    draft = reply(outlook, "one line", language=language).draft
    for line in ("One more thing: it comes tomorrow", "Call: 030 12 34 or 030 12 35"):
        block = "\n".join(outlook.attribution(language, 0)).lstrip("\n")
        text = f"Hello Ana,\n{line}\n{block}\n{draft.mail.text}"
        assert own_words(text, draft.mail.sent.text, draft.mail.sent.first_line).words == f"Hello Ana,\n{line}"


@pytest.mark.parametrize(
    "page",
    [
        "<div id=Signature " * 50_000,
        "<div id=Signature>" * 50_000,
        "<span style='mso-bookmark:_MailAutoSig'>x</span>" * 20_000,
        '<br id="lineBreakAtBeginningOfSignature">' * 20_000,
        "<a " + "gmail_signature " * 50_000,
        "[image" * 50_000,
    ],
)
def test_an_absurd_page_takes_no_time(page: str) -> None:
    assert own_words("Hello Ana\n", routed().sent.text, routed().sent.first_line, html=page).words == "Hello Ana"


def test_thousands_of_lines_with_quote_signs_take_no_time() -> None:
    sent = routed().sent
    for line in ("> axle that is none of ours", "> Why you: sounds upset, third mail in 10 days, Tom is off", "> x<x@x" * 10):
        assert own_words(f"Hello\n\n{sent.text}\n" + f"{line}\n" * 10_000, sent.text, sent.first_line).words in ("", "Hello")


# --- nothing internal in any words ---------------------------------------------------------------------------------------

CANARY = st.text(alphabet="bcdfghjklmnpqrstvwxz", min_size=7, max_size=10)


@settings(max_examples=200, deadline=None)
@given(
    canaries=st.lists(CANARY, min_size=9, max_size=9, unique=True),
    program=st.sampled_from(PROGRAMS),
    kind=st.sampled_from(sorted(typed("en"))),
    language=st.sampled_from(LANGUAGES),
    place=st.sampled_from(PLACES),
    signature=st.sampled_from(SIGNATURES),
    form=st.sampled_from(FORMS),
    variant=st.integers(0, 60),
    cut=st.tuples(st.floats(0, 1), st.floats(0, 1)) | st.none(),
)
def test_no_canary_from_inside_is_found_in_any_words(
    canaries: list[str],
    program: Program,
    kind: str,
    language: str,
    place: str,
    signature: str,
    form: str,
    variant: int,
    cut: tuple[float, float] | None,
) -> None:
    one = iter(canaries)
    facts = replace(
        FULL,
        why=f"sounds upset, {next(one)} is off",
        you_may=(f"You may give back 30 EUR, {next(one)}",),
        sender=f"{next(one)}@example.org",
        story=tuple(replace(part, name=next(one).capitalize()) for part in FULL.story),
        told=tuple(replace(told, by=next(one)) for told in FULL.told),
        notices=(f"Not shown here: {next(one)}",),
    )
    token = f"r1042.abcde.{next(one).ljust(26, 'q')}"
    mail = routed(language, token, facts)
    case = reply(program, kind, language=language, place=place, signature=signature, form=form, variant=variant, mail=mail)
    raw = case.raw
    if cut is not None:
        raw = written(cut_down(program, sorted(cut)), case.draft, "plain", "8bit", "utf-8")
    got = read(raw, mail)
    seen = " ".join((got.words, got.note, *(command.line for command in got.commands))).casefold()
    if got.held is None:
        assert not [canary for canary in canaries if canary in seen], seen


def cut_down(program: Program, span: list[float]) -> Program:
    """The same program under an agent who cuts some lines in a row out of the window."""

    class Cut(Program):
        def text(self, draft: Draft) -> str:
            lines = super().text(draft).split("\n")
            start, end = (int(part * len(lines)) for part in span)
            return "\n".join(lines[:start] + lines[end:])

    return Cut(**{name: getattr(program, name) for name in program.__dataclass_fields__})
