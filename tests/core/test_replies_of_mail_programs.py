"""Replies as eight mail programs write them: the customer reads the agent's words, all of them, and nothing else."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from inboxd.core.commands import AgentReply, read_reply
from inboxd.core.new_text import new_text
from inboxd.core.parse import parse
from tests.core.replies import Reply, replies
from tests.core.replies.our_mails import AGENT, SUPPORT, OurMail
from tests.core.replies.programs import BULLET, PROGRAMS

REPLIES = tuple(replies())


def read(raw: bytes, mail: OurMail) -> AgentReply:
    """Read the mail as obey does."""
    message = parse(raw)
    return read_reply(message, new_text(message), mail.sent, signs_as=("Maria", "Maria Lindt"))


def same(one: str, other: str) -> bool:
    return tokens(one) == tokens(other)


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
    if not same(got.words, case.typed.words) or not same(got.note, case.typed.note):
        return f"wrong: {got.words or got.note!r}"
    return "right"
