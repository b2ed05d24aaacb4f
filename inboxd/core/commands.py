"""What an agent wrote to inboxd: commands as first words, a note that stays among us, words for the customer.

Words that might be a command, and words that cannot be told from a quotation, are held: nothing leaves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inboxd.core.model import CaseNo, Message, SentMessage
from inboxd.core.own_words import own_words
from inboxd.core.signatures import only_closes

ALONE = (  # stand alone in their line
    "resolve", "no follow-up", "no promise", "pass on", "split", "undo", "send anyway", "mine", "team", "original", "release",
    "signature", "help",
)  # fmt: skip
WITH = (  # want something behind a colon
    "ask", "assign", "away", "cc", "could not", "drop", "for", "gave", "known issue", "label", "merge", "not same as", "pass on",
    "same as", "sentiment", "signature", "snooze", "split", "subject", "team", "to", "topic", "urgent",
)  # fmt: skip
_LONG = tuple(name for name in WITH if " " in name and name not in ALONE)
ASKING = ("mine", "team", "show", "find", "original", "signature", "help")  # are answered, and change nothing
COMMANDS = tuple(dict.fromkeys((*ALONE, *WITH, *ASKING, "note")))
ABOUT_FAULTS = ("spike:", "issue:")  # how the purposes of mails begin that an answer about a fault may answer
_IN_LANGUAGE = re.compile(r"[\s*_]*(known\s+issue|fixed)\s+([a-z]{2,3})\s*:\s*(.*)", re.IGNORECASE)  # "known issue de: ..."
_FIXED = re.compile(r"[\s*_]*fixed\s*(?:[.!]|:\s*(.*))?", re.IGNORECASE)
IN_OTHER_WORDS = {  # what agents write who come from other desks, or who write German, to the command that they mean
    "close": "resolve", "close case": "resolve", "close ticket": "resolve", "case closed": "resolve", "closed": "resolve",
    "solve": "resolve", "solved": "resolve", "status solved": "resolve", "status closed": "resolve", "mark as solved": "resolve",
    "gelöst": "resolve", "erledigt": "resolve", "fall gelöst": "resolve", "fall erledigt": "resolve", "abschließen": "resolve",
    "geschlossen": "resolve", "schließen": "resolve", "fall schließen": "resolve",
    "rückgängig": "undo", "hilfe": "help", "notiz": "note", "aufteilen": "split", "weitergeben": "pass on",
    "trotzdem senden": "send anyway", "wiedervorlage": "snooze", "zurückstellen": "snooze", "zusammenführen": "merge", "zuweisen": "assign",
}  # fmt: skip
BEFORE_COLON = {  # the same where something stands behind a colon; most of these would tell a customer what is only for us
    "internal": "note", "internal note": "note", "internal comment": "note", "internal only": "note", "private": "note",
    "private note": "note", "private comment": "note", "comment": "note", "for the team": "note", "team only": "note",
    "intern": "note", "nur intern": "note", "interne notiz": "note", "interner kommentar": "note", "interner hinweis": "note",
    "notiz": "note", "kommentar": "note", "vermerk": "note",
    "transfer to": "assign", "hand over": "assign", "escalate": "assign", "escalate to": "assign",
    "zuweisen": "assign", "zuweisen an": "assign", "weiterleiten": "assign", "weiterleiten an": "assign", "weitergeben": "pass on",
    "priority": "urgent", "tag": "label", "tags": "label", "schlagwort": "label",
    "postpone": "snooze", "wiedervorlage": "snooze", "zurückstellen": "snooze", "zusammenführen": "merge",
    "merge with": "merge", "zusammenführen mit": "merge", "aufteilen": "split",
}  # fmt: skip
COLON_ONLY = ("ask", "for", "subject", "to")  # too common as words: without a colon they are none
REACTION = "text/vnd.google.email-reaction+json"  # a thumb for a mail, as Gmail sends it
_UNREADABLE = {  # the types of what holds words in a form that we do not read, to how people know it (RFC 8551, RFC 3156, MS-OXTNEF)
    "application/pkcs7-mime": "S/MIME",
    "application/x-pkcs7-mime": "S/MIME",
    "multipart/encrypted": "PGP",
    "application/pgp-encrypted": "PGP",
    "application/ms-tnef": "winmail.dat",
    "application/vnd.ms-tnef": "winmail.dat",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as understood: what stands behind it, the case it names (None: the one it was sent to), and the line as typed."""

    name: str
    line: str
    argument: str = ""
    case: CaseNo | None = None
    language: str = ""  # for whom the words are: those who write in it

    @property
    def asks(self) -> bool:
        """Whether it is a question, which changes nothing."""
        return self.name in ASKING and not (self.name in ("team", "signature") and self.argument)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why nothing left: `kind` is one of the template `returned`, `found` the agent's line, `meant` the likely command."""

    kind: str  # near_miss, to_notice, leak, ambiguous, no_words, not_found, other_quote, inline, unreachable, twice, sealed
    found: str = ""
    meant: str = ""
    text: str = ""  # what comes back to the agent
    at: datetime | None = None  # when the other answer left
    outside: bool = False  # the text is for somebody else than the customer
    right: tuple[str, ...] = ()  # the lines of commands that were right, beside one that is almost a command
    better: str = ""  # the line as it would be right, where that is not the name of the command alone


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReply:
    """An agent's mail, read. With `held` set nothing else may be acted on."""

    words: str = ""  # for the customer, or for the case where the mail cannot go to one
    note: str = ""
    commands: tuple[Command, ...] = ()
    left_out: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()  # the lines of it that were left out
    held: Held | None = None
    around: tuple[str, str] = ("", "")  # words above and below the quotation, where both kept it from being told apart


def read_reply(
    message: Message, new_text: str, sent: SentMessage | None, *, signs_as: Sequence[str] = (), signatures: Sequence[str] = ()
) -> AgentReply:
    """Read the mail of an agent who proved to be one. A name of `signs_as` in the last line gives way to our signature.

    "fixed" is a command only in an answer to a mail about a fault: to a customer it is a word like others.
    """
    if (sealed := _sealed(message)) is not None:
        return AgentReply(held=replace(sealed, text=new_text.strip()))
    sent_text, first_line = (sent.text, sent.first_line) if sent else ("", "")
    found = own_words(message.text, sent_text, first_line, html=message.html, writer=message.sender, signatures=signatures)
    if found.doubt is not None:
        return AgentReply(held=Held(kind=found.doubt.value, text=new_text.strip() or message.text.strip()), around=found.around)
    about_fault = sent is not None and sent.purpose.startswith(ABOUT_FAULTS)
    read = _read_words(found.words, signs_as, about_fault=about_fault)
    if read.held is not None:
        return AgentReply(held=read.held)
    return AgentReply(words=read.words, note=read.note, commands=read.commands, left_out=found.left_out, signature=found.signature)


def _sealed(message: Message) -> Held | None:
    """Why a mail is held whose words or files are closed to us: a customer could not read them either, or would read all of it."""
    types = (message.content_type, *(attachment.type for attachment in message.attachments))
    found = next((_UNREADABLE[each] for each in types if each in _UNREADABLE), "")
    if found:
        return Held(kind="sealed", found=found)
    return Held(kind="no_words") if REACTION in types else None


def read_anyway(text: str, *, signs_as: Sequence[str] = ()) -> AgentReply:
    """Read a text that came back with a question and is to leave after all: its orders, and as words whatever was in doubt."""
    read = _read_words(text, signs_as, in_doubt=False)
    return read if read.words and not read.note and read.held is None else AgentReply(words=text)


def _read_words(text: str, signs_as: Sequence[str], *, about_fault: bool = False, in_doubt: bool = True) -> AgentReply:
    commands: list[Command] = []
    lines, apart = text.split("\n"), False
    while lines:
        line = lines[0].strip()
        if not line:
            lines.pop(0)
            continue
        if commands and only_closes(_unsigned("\n".join(lines).strip("\n"), signs_as)):
            lines = []  # a program set "Best regards" below an order: it is no mail to a customer
            break
        command, doubt = _of_a_fault(line, about_fault=about_fault) or _command(line)
        if (apart and doubt == "ambiguous") or (doubt and not in_doubt):
            break  # below a blank line a sentence that begins like a command is a sentence
        if doubt:
            right = (*(each.line for each in commands), *_right(lines[1:])) if doubt == "near_miss" else ()
            name, better = (command.name, _written_right(command)) if command else ("", "")
            return AgentReply(held=Held(kind=doubt, found=line, meant=name, text=text, right=right, better=better))
        if command is None:
            break
        lines.pop(0)
        commands.append(command)
        if command.name == "note":
            return _with_note(text, tuple(commands), command.argument, lines)
        if command.name in ("known issue", "fixed"):  # mail programs break long lines
            while command.argument and lines and lines[0].strip() and _of_a_fault(lines[0].strip(), about_fault=True) is None:
                command = replace(command, argument=f"{command.argument} {lines.pop(0).strip()}")
            commands[-1] = command
        apart = bool(lines) and not lines[0].strip()  # words may follow; or another command, as Outlook puts a blank line below each line
    words = _unsigned("\n".join(lines).strip("\n"), signs_as)
    if in_doubt and (below := _order_below(words)) is not None:
        return AgentReply(held=Held(kind="below", found=below.line, meant=below.name, text=text))
    asking = next((command for command in commands if command.asks), None)
    if asking is not None and words.strip():
        return AgentReply(held=Held(kind="ambiguous", found=asking.line, meant=asking.name, text=text))
    return AgentReply(words=words, commands=tuple(commands))


def _order_below(words: str) -> Command | None:
    """A line below the words that is an order beyond doubt, which would leave as a sentence: "note: ...", or "resolve" as a paragraph."""
    lines = [line.strip() for line in words.split("\n")]
    for at, line in enumerate(lines):
        command, doubt = _command(line) if at and line else (None, "")
        if command is None or doubt:
            continue
        around = (lines[at - 1], lines[at + 1] if at + 1 < len(lines) else "")
        alone = command.name in _ORDERS_ALONE and not command.argument and not any(around)
        if alone or (_SENT_BELOW.match(line) and command.name not in _HEADINGS):
            return command
    return None


_SENT_BELOW = re.compile(r"[\s*_]*[a-z -]+:", re.IGNORECASE)
_HEADINGS = (*COLON_ONLY, "cc", "find", "show", "signature", "team", "topic", "urgent")  # lines of forms and forwarded mails begin so, too
_ORDERS_ALONE = ("resolve", "no follow-up", "no promise", "pass on", "split", "undo", "send anyway")  # the others are words as well


def _of_a_fault(line: str, *, about_fault: bool) -> tuple[Command, str] | None:
    """What people may know of a fault or that it is mended, also for those alone who write in one language."""
    if (spoken := _IN_LANGUAGE.fullmatch(line)) and (about_fault or spoken[1].casefold() != "fixed"):
        name = " ".join(spoken[1].casefold().split())
        return Command(name=name, line=line, argument=spoken[3], language=spoken[2].casefold()), "" if spoken[3].strip() else "no_words"
    if (near := re.match(r"[\s*_]*(\w+\s+\w+)\s+[a-z]{2,3}\s*:", line, re.IGNORECASE)) and 0 < _slips(
        " ".join(near[1].casefold().split()), "known issue"
    ) <= 2:
        return Command(name="known issue", line=line), "near_miss"
    if about_fault and (fixed := _FIXED.fullmatch(line)):
        return Command(name="fixed", line=line, argument=fixed[1] or ""), ""
    if about_fault and re.match(r"[\s*_]*known\s+issue\s*:", line, re.IGNORECASE):
        return _found(*_command(line))
    return None


def _found(command: Command | None, doubt: str) -> tuple[Command, str] | None:
    return (command, doubt) if command is not None else None


def _right(lines: Sequence[str]) -> Iterator[str]:
    """The commands in the lines that follow directly."""
    for line in lines:
        command, doubt = _command(line.strip()) if line.strip() else (None, "")
        if command is None or doubt:
            return
        yield command.line


_GREETING = re.compile(
    r"\s*\n\s*(?:hello|hi|dear|good (?:morning|afternoon|evening)|hallo|guten|liebe[rs]?|sehr geehrte[rs]?)\b", re.IGNORECASE
)


def _with_note(text: str, commands: tuple[Command, ...], rest: str, lines: Sequence[str]) -> AgentReply:
    """Everything below "note" stays among us; a greeting after a one-line note may be for the customer, so we ask."""
    below = "\n".join(lines)
    if rest and _GREETING.match(below):
        return AgentReply(held=Held(kind="ambiguous", found=commands[-1].line, meant="note", text=text))
    note = "\n".join(part for part in (rest, below.strip("\n")) if part.strip()).strip()
    if not note:
        return AgentReply(held=Held(kind="no_words", found=commands[-1].line, meant="note", text=text))
    return AgentReply(note=note, commands=commands)


_SENTENCE = frozenset(
    ("also", "how", "our", "please", "that", "the", "these", "this", "we", "well", "what", "when", "where", "which", "why", "you", "your")
)  # they follow "note" in a sentence


def _command(line: str) -> tuple[Command | None, str]:
    """Read one line: (the command, ""), (None, "") for words, or (the likely command, kind of doubt)."""
    plain = line.strip(" \t\u00a0*_\"'`\u201c\u201d")
    if match := _NUMBERED.fullmatch(plain):  # "show #1042", "snooze #1051: 3 days"
        name, number = " ".join(match[1].casefold().split()), CaseNo(int(match[2]))
        if name in ("show", "merge") and not match[3]:
            return Command(name=name, line=line, argument=f"#{number}", case=number if name == "show" else None), ""
        if name in COMMANDS:
            return Command(name=name, line=line, argument=(match[3] or "").strip(), case=number), ""
    first, mark, rest = _split(line)
    whole = " ".join(re.findall(r"[\w'-]+", line.casefold()))
    if whole in ALONE:
        return Command(name=whole, line=line), ""
    if whole in _LONG:
        return Command(name=whole, line=line), "no_words"
    if first == "note":
        plain_sentence = not mark and rest and rest.split()[0].casefold().strip(",.") in _SENTENCE
        return Command(name=first, line=line, argument=rest), "ambiguous" if plain_sentence else ""
    if mark == ":" and first in WITH:
        return Command(name=first, line=line, argument=rest), "" if rest.strip() else "no_words"
    if mark == ":" and first in ("find", "show"):
        return Command(name=first, line=line, argument=rest), ""
    if first == "find" and rest and len(rest.split()) <= 4 and not re.search(r"[.,;!?]$", rest):
        return Command(name=first, line=line, argument=rest), ""
    if first in COMMANDS and first not in COLON_ONLY:
        doubt = _why_not(first, rest) or ("ambiguous" if mark == ":" and rest else "")
        return (Command(name=first, line=line, argument=rest), doubt) if doubt or not rest else (None, "")
    if same := re.match(r"((?:not )?same as)\b(.*@.*)", line, re.IGNORECASE):  # the colon is missing
        return Command(name=same[1].casefold(), line=line, argument=same[2].strip()), "ambiguous"
    if colleague := re.fullmatch(r"pass on (?:to )?([\w.-]+?)[.!]?", plain, re.IGNORECASE):
        return Command(name="pass on", line=line, argument=colleague[1]), "ambiguous"
    if _AMONG_US.match(line):
        return Command(name="note", line=line), "near_miss"
    if meant := IN_OTHER_WORDS.get(whole) or (BEFORE_COLON.get(first) if mark == ":" else None):
        return Command(name=meant, line=line), "near_miss"
    if near := _near_two(whole):
        return Command(name=near, line=line), "near_miss"
    if mark == ":" or len(whole.split()) <= 2:
        word = first if mark == ":" or " " not in whole else whole.split()[0]
        if near := _near(word, addressed=mark == ":" and "@" in rest):
            return Command(name=near, line=line), "near_miss"
    return None, ""


def _written_right(command: Command) -> str:
    """The line of a command that lacks its colon, with it; "" where the command stands alone."""
    return f"{command.name}: {command.argument}" if command.name in WITH and command.name != "note" and command.argument else ""


_NUMBERED = re.compile(r"([A-Za-z][A-Za-z -]{2,14}?)\s*:?\s*#(\d{1,12})\s*(?::\s*(.*))?[.!]?")


_AMONG_US = re.compile(  # "[internal] ...", "Internal note - ..."
    r"[\s*_]*(?:[\[(](?:internal|private|intern)\b[^\])]{0,12}[\])]"
    r"|(?:internal|private|interne[rs]?)\s+(?:note|comment|notiz|kommentar|hinweis)\b\s*(?:[-\u2013\u2014:]|$))",
    re.IGNORECASE,
)


def _why_not(first: str, rest: str) -> str:
    """The doubt about a line that begins with a command and is none: one ill written, or a sentence; "" where it is surely a sentence."""
    if first in ("resolve", "mine", "team", "original", "help", "undo", "release") or len(rest.split()) <= 2:
        return "ambiguous" if rest.strip(" .!") else ""
    return ""


def _split(line: str) -> tuple[str, str, str]:
    """Split a line into its first word (or the words before a colon), the mark after it, and the rest."""
    line = line.strip(" \t\u00a0*_\"'`")
    before, colon, after = line.partition(":")
    words = " ".join(before.casefold().split())
    if colon and (1 <= len(before.split()) <= 2 or _slips(words, "not same as") <= 2):
        return " ".join(before.casefold().split()), ":", after.strip()
    match = re.match(r"([\w'-]+)\s*([.,!;\u2013\u2014-]?)\s*(.*)", line, re.DOTALL)
    return (match[1].casefold(), match[2], match[3].strip()) if match else ("", "", line)


_ORDINARY = frozenset({"please"})  # begins many a mail, and is two letters away from "release"


def _near(word: str, *, addressed: bool) -> str:
    """Give the command that this is a slip of the finger away from, "" if none; the shortest are looked for only before an address."""
    if word in _ORDINARY:
        return ""
    for name in COMMANDS:
        if (addressed or name not in COLON_ONLY) and _slips(word, name) <= (2 if len(name) > 5 and len(word) > 4 else 1):
            return name
    return ""


def _near_two(whole: str) -> str:
    """Give the command of two words that this line is a slip of the finger away from, "" if none."""
    plain = whole.replace("-", " ")
    if not 1 <= plain.count(" ") <= 3:
        return ""
    return next((name for name in COMMANDS if " " in name and _slips(plain, name.replace("-", " ")) <= 2), "")


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
