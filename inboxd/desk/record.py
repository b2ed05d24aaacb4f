"""A rule test from a real mail: what it says, as the model reads it now, with names and addresses replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, count
from typing import Any

from inboxd.core.model import Understood
from inboxd.core.opening import Span
from inboxd.core.rulebook import Condition, Rule, Rulebook, Then, address_matches
from inboxd.core.rules import Facts, Ruling, judge

_EMAIL = re.compile(r"[^\s@<>\"'(),;:\[\]]+@[^\s@<>\"'(),;:\[\]]+\.[^\W\d_][\w-]+")
_DIGITS = re.compile(r"\d[\d\s()/.·\u2010-\u2015-]{2,}\d")
_WORDS = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
_NAMES = ("Ann", "Example")
_NO_NAME = """admin billing buero contact customer customers customerservice hello help helpdesk info invoice invoices kontakt mail
noreply notifications office order orders post rechnung reply return returns sales service shop support team web webmaster"""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_PLAIN = re.compile(r"[A-Za-z][\w-]*(?: [\w-]+)*")  # needs no quotes in YAML


def record(one: Understood, facts: Facts, ruling: Ruling, book: Rulebook, taken: Collection[str] = ()) -> str:
    """Write the test as YAML, an entry of `tests:`. Digits are turned, names and addresses replaced; look at it before you keep it."""
    mask = _Mask(one, book)
    subject, text = mask.text(one.message.subject), mask.text(one.new_text.strip())
    received = f"{facts.now:%Y-%m-%d %H:%M}"
    to = [mask.address(email) for email in facts.to if mask.named(email)]
    lines = [
        f"  - name: {_quoted(_name(subject, taken))}",
        "    mail:",
        f"      from: {_quoted(mask.address(one.message.sender.email))}",
        *([f"      to: {_list(to)}"] if to else []),
        *_field("subject", subject),
        *_field("text", text),
        f"      received: {received}",
        "    given:",
        *(f"      {word}: {value}" for word, value in _given(facts, book)),
        "    expect:",
        *(f"      {word}: {value}" for word, value in _expected(ruling)),
    ]
    return "\n".join(lines) + "\n"


def _name(subject: str, taken: Collection[str]) -> str:
    """A name that no other test has; of what no file can hold nothing stands in it."""
    words = " ".join(_CONTROL.sub(" ", subject).split()) or "a mail without a subject"
    name = f"recorded: {words}"[:80].strip()
    return next(each for each in chain([name], (f"{name} ({number})" for number in count(2))) if each not in taken)


def _given(facts: Facts, book: Rulebook) -> Iterator[tuple[str, str]]:
    yield "kind", str(facts.kind)
    yield "topic", _word(facts.topic)
    yield "sure", f"{facts.topic_sure:.9f}".rstrip("0").rstrip(".")  # rounded to less it might pass a limit that it did not
    yield "sentiment", str(facts.sentiment)
    yield "urgent", _yes(facts.urgent)
    yield "sensitive", _yes(facts.sensitive)
    if facts.language:
        yield "language", facts.language
    if facts.customer - {"new", "known"}:  # what the files say of the real address
        yield "customer", _list(sorted(facts.customer))
    if headers := [header for header in _headers(book) if _has(facts, *header)]:
        yield "header", _list([f"{name}: {words}" if words else name for name, words in headers])


def _expected(ruling: Ruling) -> Iterator[tuple[str, str]]:
    then = ruling.then
    if then.ignore:
        yield "ignore", "yes"
        for word, texts in (("label", then.labels), ("tell", then.tell)):
            if texts:
                yield word, _list(texts)
        if then.file_in:
            yield "file_in", _quoted(then.file_in)
        return
    yield "assign", _word(then.assign or "nobody")
    yield "answer_within", then.answer_within.words if isinstance(then.answer_within, Span) else "nothing"
    yield "label", _list(then.labels)
    for word in ("reply_with", "priority", "file_in"):
        if value := getattr(then, word):
            yield word, _quoted(value)
    if then.tell:
        yield "tell", _list(then.tell)
    if then.follow_up is not None:
        yield "follow_up", _yes(then.follow_up)


def _conditions(when: Iterable[Condition]) -> Iterator[Condition]:
    for condition in when:
        yield condition
        for group in condition.inner:
            yield from _conditions(group)


def _wanted(book: Rulebook, *words: str) -> list[Any]:
    """What the rules want, in the conditions of these words."""
    return [wanted for rule in book.rules for each in _conditions(rule.when) if each.word in words for wanted in each.wanted]


def _headers(book: Rulebook) -> list[tuple[str, str]]:
    return list(dict.fromkeys(_wanted(book, "header")))


def _has(facts: Facts, name: str, words: str) -> bool:
    return judge((Rule(name="", when=(Condition(word="header", wanted=((name, words),)),), then=Then()),), facts).trace[0].matched


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class _Mask:
    """Replaces who is named: the same address by the same one throughout. What the rules themselves name can stay."""

    def __init__(self, one: Understood, book: Rulebook) -> None:
        self.kept = {email for agent in book.agents.values() for email in agent.emails}
        self.patterns = _wanted(book, "sender", "to")
        self.addresses: dict[str, str] = {}
        known = [one.message.sender, *one.message.to, *one.message.cc, *one.message.reply_to]
        people = [address for address in known if address.email not in self.kept]
        self.names = dict(_replaced(address.name for address in people))
        self.names |= {name: other for name, other in _replaced(_local(address.email) for address in people) if name not in self.names}
        for address in known:
            self.address(address.email)

    def named(self, email: str) -> bool:
        """Whether the rules name this address, or its domain."""
        return any(address_matches(email, pattern) for pattern in self.patterns)

    def address(self, email: str) -> str:
        """Another address for this one; agents keep theirs, and so do those that the rules name."""
        email = email.lower()
        if not email or email in self.kept or email in self.patterns:
            return email or "somebody@customer.example"
        domain = email.rpartition("@")[2] if self.named(email) else "customer.example"
        return self.addresses.setdefault(email, f"person{len(self.addresses) + 1}@{domain}")

    def text(self, text: str) -> str:
        """The text with its people replaced and its numbers turned."""
        parts, end = [], 0
        for match in _EMAIL.finditer(text):
            parts += [self._plain(text[end : match.start()]), self.address(match[0])]
            end = match.end()
        return "".join((*parts, self._plain(text[end:])))

    def _plain(self, text: str) -> str:
        for name, other in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            if name.lower() == name.upper():  # where letters have no case, words have no gaps either
                text = text.replace(name, other)
            else:
                spelled = "|".join(
                    re.escape(each)
                    for each in dict.fromkeys((name.title(), name.capitalize(), name.upper(), *([name] if name != name.lower() else [])))
                )
                text = re.sub(rf"\b(?:{spelled})\b", other, text)
        text = "\n".join(map(self._signature, text.split("\n")))
        return _DIGITS.sub(lambda match: re.sub(r"\d", "0", match[0]), text)

    def _signature(self, line: str) -> str:
        """A line in which nothing stands but names, perhaps in small letters."""
        names = {name.lower(): other for name, other in self.names.items()}
        words = _WORDS.findall(line)
        if not words or any(word.lower() not in names and word not in _NAMES for word in words):
            return line
        return _WORDS.sub(lambda match: names.get(match[0].lower(), match[0]), line)


def _local(email: str) -> str:
    """Names before the @: "ana.ruiz"; for those who sign but do not say their name beside their address."""
    words = _WORDS.findall(email.rpartition("@")[0])
    return " ".join(word for word in words if len(word) > 2 and word not in _NO_NAME.split())


def _replaced(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        words = [word for word in _WORDS.findall(name) if len(word) > 1]
        for number, word in enumerate(words):
            yield word, _NAMES[min(number, 1)]


# --- YAML --------------------------------------------------------------------------------------------------------------------


def _field(word: str, text: str) -> list[str]:
    if not text.strip():
        return []  # what is not there cannot be said
    lines = text.split("\n")
    if len(lines) == 1 or any(line[:1].isspace() for line in lines) or not all(line.isprintable() for line in lines):
        return [f"      {word}: {_quoted(text)}"]
    return [f"      {word}: |-", *(f"        {line}".rstrip() for line in lines)]


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes, which are those of JSON (YAML 1.2, 7.3.1).

    What cannot be printed is escaped (5.7), and what no text file can hold (5.1) is replaced.
    """
    quoted = json.dumps(_CONTROL.sub("\ufffd", text), ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
