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

REPLIES = tuple(replies())
NAMES = [program.name for program in PROGRAMS]
GMAIL, OUTLOOK = PROGRAMS[NAMES.index("gmail web")], PROGRAMS[NAMES.index("outlook classic")]
LETTER = typed("en")["a letter"].words


def read(raw: bytes, mail: OurMail) -> AgentReply:
    """Read the mail as obey does."""
    message = parse(raw)
    return read_reply(message, new_text(message), mail.sent, signs_as=("Maria", AGENT_NAME))


def tokens(text: str) -> list[str]:
    """The words with their punctuation; bullets and line breaks are the program's."""
    return [word for word in text.replace(BULLET, "* ").split() if word not in ("*", "-")]


def verdict(case: Reply) -> str:
    """Say what became of a reply: "right", "held: why", or "wrong: what"."""
    got = read(case.raw, case.draft.mail)
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


@pytest.mark.parametrize("program", NAMES)
def test_no_word_is_lost_and_none_is_added(program: str) -> None:
    cases = [case for case in REPLIES if case.program.name == program]
    found = {case.name: verdict(case) for case in cases}
    assert len(found) >= 140
    assert not {name: said for name, said in found.items() if said.startswith("wrong")}


def test_few_ordinary_replies_are_held() -> None:
    ordinary = [case for case in REPLIES if case.place != "inline"]
    held = Counter(case.program.name for case in ordinary if verdict(case).startswith("held"))
    print(f"{len(REPLIES)} replies, {len(ordinary)} of them ordinary; held without need: {dict(held)}")
    assert len(ordinary) >= 900
    assert sum(held.values()) <= 0.02 * len(ordinary), held


def test_nothing_of_ours_is_among_the_words() -> None:
    for case in REPLIES:
        got = read(case.raw, case.draft.mail)
        if got.held is None:
            assert not internal(got.words + got.note), case.name


def test_each_value_meets_each_program() -> None:
    for program in NAMES:
        cases = [case for case in REPLIES if case.program.name == program]
        assert {case.kind for case in cases} == set(typed("en"))
        assert {(case.language, case.place) for case in cases} == set(product(LANGUAGES, PLACES))
        assert {case.signature for case in cases} == set(SIGNATURES)
        assert {(case.place, case.form) for case in cases} == set(product(PLACES, FORMS))
        assert {(case.encoding, case.charset) for case in cases} == set(product(ENCODINGS, CHARSETS))
        assert {case.files for case in cases} == {True, False}


# --- what the table does not hold --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("program", "form"), product(PROGRAMS, FORMS), ids=lambda value: getattr(value, "name", value))
def test_a_text_that_came_back_is_sent_again_from_any_program(program: Program, form: str) -> None:
    case = reply(program, "command and words", form=form, mail=returned(f"resolv\n\n{LETTER}"))
    assert verdict(case) == "right"


@pytest.mark.parametrize(("program", "form"), product(PROGRAMS, ("both", "plain")), ids=lambda value: getattr(value, "name", value))
def test_words_typed_among_quote_signs_are_never_lost(program: Program, form: str) -> None:
    case = reply(program, "one line", form=form)
    text = program.text(case.draft)
    if not program.sign:
        pytest.skip("this program writes no quote signs")
    middle = text.replace("\n>", "\n> the courier has it already\n>", 9).replace("\n> the courier has it already", "", 8)
    for changed in (middle, f"{text.rstrip()}\n{program.sign}the courier has it already\n"):
        found = own_words(changed, case.draft.mail.sent.text, case.draft.mail.sent.first_line)
        assert found.doubt is not None, changed


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
    text = program.text(case.draft).replace(f"{sign}{first}", f"{warning}\n{sign}\n{sign}{first}")
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


# --- nothing internal in any words ---------------------------------------------------------------------------------------

CANARY = st.text(alphabet="bcdfghjklmnpqrstvwxz", min_size=7, max_size=10)


@settings(max_examples=4000, deadline=None)
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
