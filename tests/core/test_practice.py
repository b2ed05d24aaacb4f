"""Practice replies as eight mail programs write them: the line is told from signature and quotation, and later replies profit."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import pytest

from inboxd.core.commands import AgentReply, read_reply
from inboxd.core.model import (
    Address,
    AgentProof,
    Decision,
    ForgetSignatures,
    LearnSignature,
    Message,
    OutgoingKind,
    ProofKind,
    Send,
    SentMessage,
)
from inboxd.core.new_text import new_text
from inboxd.core.parse import parse
from inboxd.core.policy import Policy
from inboxd.core.practice import LINE, greeting, practise
from tests.core.builders import MARIA, book, situation, understood
from tests.core.replies import our_mails, replies, reply, written
from tests.core.replies.our_mails import NOW, TOKEN, OurMail
from tests.core.replies.programs import PROGRAMS, Draft, Program
from tests.core.test_replies_of_mail_programs import read, verdict

NAMES = [program.name for program in PROGRAMS]
TEAM = book()
TEAM = replace(TEAM, agents={**TEAM.agents, MARIA: replace(TEAM.agents[MARIA], full_name=our_mails.AGENT_NAME)})
PROOF = AgentProof(agent=MARIA, case=None, words_to_customer=True, by=ProofKind.SIGNED_ADDRESS)


@lru_cache(maxsize=1)
def mail() -> OurMail:
    """The mail to practise with, as the agent's program gets it."""
    letter = greeting(situation().mailbox, TEAM.agents[MARIA], NOW)
    return our_mails.made("practice", OutgoingKind.NOTICE, dict(letter.values), TOKEN)


def practised(program: Program, words: str, *, signature: str, place: str, form: str = "both", nobody: bool = False) -> Decision:
    """Answer it in this program; `nobody`: the program tells no name and no address that could give the signature away."""
    draft = Draft(words=tuple(words.split("\n")), signature=signature, posting=place, language="en", mail=mail())
    message = parse(written(program, draft, form, "quoted-printable", "utf-8"))
    if nobody:
        message = replace(message, sender=Address(email="desk@acme.example"))
    u = replace(understood(mail=message), new_text=new_text(message))
    return practise(situation(understood=u, replied_to=replace(mail().sent, sent_at=NOW), agent=MARIA), PROOF, TEAM, Policy())


def values(decision: Decision) -> dict[str, object]:
    (letter,) = (action.letter for action in decision.actions if isinstance(action, Send))
    return dict(letter.values)


def learnt(decision: Decision) -> tuple[str, ...]:
    return next((action.lines for action in decision.actions if isinstance(action, LearnSignature)), ())


def read_later(message: Message, sent: SentMessage, lines: tuple[str, ...]) -> AgentReply:
    """Read a reply to a customer's mail, knowing this signature."""
    names = ("Maria", our_mails.AGENT_NAME)
    return read_reply(message, new_text(message), sent, signs_as=names, signatures=("\n".join(lines),))


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_the_line_is_told_from_all_else(program: Program) -> None:
    held = []
    for signature, place, form, nobody in product(("", "dashes", "card", "phone"), ("top", "bottom", "bare"), ("both", "page"), (0, 1)):
        found = values(practised(program, LINE, signature=signature, place=place, form=form, nobody=bool(nobody)))
        if found["kind"] == "back":
            held.append((signature, place, form, found["why"]))
        else:
            assert (found["kind"], found["words"]) == ("words", LINE), (signature, place, form, found)
    assert held == []


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_a_signature_that_nothing_marks_is_known_to_later_replies(program: Program) -> None:
    lines = learnt(practised(program, LINE, signature="card", place="top", nobody=True))
    assert "Maria Lindt" in lines and len(lines) == 3, "also where the page marks it: the next program may not"
    for place in ("top", "bottom", "bare"):
        later = reply(program, "a letter", signature="card", place=place)
        message = replace(parse(later.raw), sender=Address(email="desk@acme.example"), html="")
        got = read_later(message, later.draft.mail.sent, lines)
        assert verdict(later, got) == "right" and got.left_out[0].startswith("your signature (")


def test_no_word_of_any_reply_is_lost_to_a_learnt_signature() -> None:
    lines = learnt(practised(PROGRAMS[0], LINE, signature="card", place="top", nobody=True))
    for case in list(replies())[::7]:
        before = verdict(case, read(case.raw, case.draft.mail))
        if before == "right":
            assert verdict(case, read_later(parse(case.raw), case.draft.mail.sent, lines)) == "right", case.name


def test_words_of_the_agents_own_teach_nothing() -> None:
    decision = practised(PROGRAMS[0], "Hello Robin,\nof course it does.\n\nMaria Lindt\n+49 30 1234567", signature="", place="top")
    assert learnt(decision) == () and values(decision)["kind"] == "words"


def test_only_the_word_of_the_agent_forgets() -> None:
    assert any(isinstance(a, ForgetSignatures) for a in practised(PROGRAMS[0], "signature: none", signature="", place="top").actions)
    assert not any(isinstance(a, ForgetSignatures) for a in practised(PROGRAMS[0], LINE, signature="", place="top").actions)
