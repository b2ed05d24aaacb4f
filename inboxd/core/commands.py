"""What an agent wrote to inboxd: commands as first words, a note that stays among us, words for the customer.

Words that might be a command, and words that cannot be told from a quotation, are held: nothing leaves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inboxd.core.model import Message, SentMessage
from inboxd.core.own_words import own_words

COMMANDS = ("resolve", "note", "help")
LATER = (  # known by name so that they are never sent to a customer as text
    "assign", "ask", "away", "cc", "could not", "drop", "find words", "for", "gave", "label", "merge", "mine",
    "no follow-up", "original", "pass on", "same as", "send anyway", "sentiment", "show", "snooze", "split", "team", "to",
    "topic", "undo", "urgent",
)  # fmt: skip
_BARE = frozenset({"find words", "mine", "no follow-up", "original", "pass on", "send anyway", "split", "undo"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as understood, and the line as it was typed."""

    name: str
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why nothing left: `kind` is one of the template `returned`, `found` the agent's line, `meant` the likely command."""

    kind: str  # near_miss, to_notice, leak, not_yet, ambiguous, no_words, not_found, other_quote, inline, unreachable
    found: str = ""
    meant: str = ""
    text: str = ""  # what comes back to the agent


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """An agent's mail, read. With `held` set nothing else may be acted on."""

    words: str = ""  # for the customer, or for the case where the mail cannot go to one
    note: str = ""
    commands: tuple[Command, ...] = ()
    left_out: tuple[str, ...] = ()
    held: Held | None = None


def read_reply(message: Message, new_text: str, sent: SentMessage | None, *, signs_as: Sequence[str] = ()) -> AgentReply:
    """Read the mail of an agent who proved to be one. A name of `signs_as` in the last line gives way to our signature."""
    sent_text, first_line = (sent.text, sent.first_line) if sent else ("", "")
    found = own_words(message.text, sent_text, first_line, html=message.html)
    if found.doubt is not None:
        return AgentReply(held=Held(kind=found.doubt.value, text=new_text.strip() or message.text.strip()))
    read = _read_words(found.words, signs_as)
    if read.held is not None:
        return AgentReply(held=read.held)
    return AgentReply(words=read.words, note=read.note, commands=read.commands, left_out=found.left_out)


def _read_words(text: str, signs_as: Sequence[str]) -> AgentReply:
    commands: list[Command] = []
    lines = text.split("\n")
    while lines:
        line = lines[0].strip()
        if not line:
            lines.pop(0)
            continue
        name, rest, doubt = _command(line)
        if doubt:
            return AgentReply(held=Held(kind=doubt, found=line, meant=name, text=text))
        if not name:
            break
        lines.pop(0)
        commands.append(Command(name=name, line=line))
        if name == "note":
            return _with_note(text, tuple(commands), rest, lines)
        if lines and not lines[0].strip():
            break  # a blank line ends the commands: what follows is for people
    words = _unsigned("\n".join(lines).strip("\n"), signs_as)
    return AgentReply(words=words, commands=tuple(commands))


_GREETING = re.compile(
    r"\s*\n\s*(?:hello|hi|dear|good (?:morning|afternoon|evening)|hallo|guten|liebe[rs]?|sehr geehrte[rs]?)\b", re.IGNORECASE
)


def _with_note(text: str, commands: tuple[Command, ...], rest: str, lines: Sequence[str]) -> AgentReply:
    """Everything below "note" stays among us; a greeting after a one-line note may be for the customer, so we ask."""
    below = "\n".join(lines)
    if rest and re.match(
        r"\s*\n\s*(?:hello|hi|dear|good (?:morning|afternoon|evening)|hallo|guten|liebe|sehr geehrte)\b",
        below,
        re.IGNORECASE,
    ):
        return AgentReply(held=Held(kind="ambiguous", found=commands[-1].line, meant="note", text=text))
    note = "\n".join(part for part in (rest, below.strip("\n")) if part.strip()).strip()
    if not note:
        return AgentReply(held=Held(kind="no_words", found=commands[-1].line, meant="note", text=text))
    return AgentReply(note=note, commands=commands)


_SENTENCE = frozenset(
    ("also", "how", "our", "please", "that", "the", "these", "this", "we", "well", "what", "when", "where", "which", "why", "you", "your")
)  # they follow "note" in a sentence


def _command(line: str) -> tuple[str, str, str]:
    """Read one line: (command, rest of the line, ""), ("", "", "") for words, (likely command, "", kind of doubt)."""
    first, mark, rest = _split(line)
    if first in COMMANDS:
        return _exact(first, mark, rest)
    whole = " ".join(re.findall(r"[\w'-]+", line.casefold()))
    if whole in _BARE or (mark == ":" and first in LATER):
        return (first if mark == ":" else whole), "", "not_yet"
    if mark == ":" or len(whole.split()) <= 2:
        word = first if mark == ":" or " " not in whole else whole.split()[0]
        if near := _near(word, whole if mark != ":" else first):
            return near, "", "near_miss" if near in COMMANDS else "not_yet"
    return "", "", ""


def _split(line: str) -> tuple[str, str, str]:
    """Split a line into its first word (or the words before a colon), the mark after it, and the rest."""
    line = line.strip(" \t\u00a0*_\"'`")
    before, colon, after = line.partition(":")
    if colon and 1 <= len(before.split()) <= 2:
        return " ".join(before.casefold().split()), ":", after.strip()
    match = re.match(r"([\w'-]+)\s*([.,!;\u2013\u2014-]?)\s*(.*)", line, re.DOTALL)
    return (match[1].casefold(), match[2], match[3].strip()) if match else ("", "", line)


def _exact(name: str, mark: str, rest: str) -> tuple[str, str, str]:
    if name == "note":
        plain_sentence = not mark and rest and rest.split()[0].casefold().strip(",.") in _SENTENCE
        return (name, "", "ambiguous") if plain_sentence else (name, rest, "")
    return (name, "", "ambiguous") if rest.strip(" .!") else (name, "", "")


def _near(word: str, whole: str) -> str:
    """Give the command that this is a slip of the finger away from, "" if none."""
    for name in COMMANDS:
        if _slips(word, name) <= (2 if len(name) > 5 and len(word) > 4 else 1):
            return name
    for name in LATER:
        if len(name) > 4 and whole != name and _slips(whole, name) <= 1:
            return name
    return ""


def _slips(one: str, other: str) -> int:
    """Count letters left out, added, changed or swapped with their neighbour (optimal string alignment)."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], older[j - 2] + 1)
    return row[-1]


def _unsigned(words: str, signs_as: Sequence[str]) -> str:
    """Drop the agent's name from the last line: the signature that customers read follows."""
    head, _, last = words.rpartition("\n")
    names = {name.casefold() for name in signs_as if name}
    return head.rstrip() if last.strip(" .,-\u2013").casefold() in names else words
