"""A rule test from a real mail: what it says, as the model reads it now, with names and addresses replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from inboxd.core.model import Understood
from inboxd.core.opening import Span
from inboxd.core.rulebook import Rulebook
from inboxd.core.rules import Facts, Ruling

_EMAIL = re.compile(r"[^\s@<>\"'(),;:\[\]]+@[^\s@<>\"'(),;:\[\]]+\.[A-Za-z]{2,}")
_DIGITS = re.compile(r"\d(?:[\d /.-]{2,}\d)")
_NAMES = ("Ann", "Example")


def record(one: Understood, facts: Facts, ruling: Ruling, book: Rulebook) -> str:
    """Write the test as YAML, an entry of `tests:`. Digits are turned, names and addresses replaced; look at it before you keep it."""
    mask = _Mask(one, book)
    subject, text = mask.text(one.message.subject), mask.text(one.new_text.strip())
    received = f"{facts.now:%Y-%m-%d %H:%M}"
    lines = [
        f"  - name: {_quoted(f'recorded: {subject}'[:80])}",
        "    mail:",
        f"      from: {mask.address(one.message.sender.email)}",
        *_field("subject", subject),
        *_field("text", text),
        f"      received: {received}",
        "    given:",
        *(f"      {word}: {value}" for word, value in _given(facts)),
        "    expect:",
        *(f"      {word}: {value}" for word, value in _expected(ruling)),
    ]
    return "\n".join(lines) + "\n"


def _given(facts: Facts) -> Iterator[tuple[str, str]]:
    yield "kind", str(facts.kind)
    yield "topic", facts.topic
    yield "sure", f"{facts.topic_sure:.2f}"
    yield "sentiment", str(facts.sentiment)
    yield "urgent", _yes(facts.urgent)
    yield "sensitive", _yes(facts.sensitive)
    if facts.language:
        yield "language", facts.language


def _expected(ruling: Ruling) -> Iterator[tuple[str, str]]:
    then = ruling.then
    if then.ignore:
        yield "ignore", "yes"
        return
    yield "assign", then.assign or "nobody"
    yield "answer_within", then.answer_within.words if isinstance(then.answer_within, Span) else "nothing"
    yield "label", f"[{', '.join(map(_quoted, then.labels))}]"
    for word in ("reply_with", "priority", "file_in"):
        if value := getattr(then, word):
            yield word, _quoted(value)
    if then.tell:
        yield "tell", f"[{', '.join(then.tell)}]"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class _Mask:
    """Replaces who is named: the same person by the same name throughout."""

    def __init__(self, one: Understood, book: Rulebook) -> None:
        self.kept = {email for agent in book.agents.values() for email in agent.emails}
        self.addresses: dict[str, str] = {}
        known = [one.message.sender, *one.message.to, *one.message.cc, *one.message.reply_to]
        self.names = dict(_replaced(address.name for address in known))
        for address in known:
            self.address(address.email)

    def address(self, email: str) -> str:
        """Another address for this one; agents of the rules keep theirs."""
        email = email.lower()
        if not email or email in self.kept:
            return email or "somebody@customer.example"
        return self.addresses.setdefault(email, f"person{len(self.addresses) + 1}@customer.example")

    def text(self, text: str) -> str:
        """The text with its people replaced and its numbers turned."""
        text = _EMAIL.sub(lambda match: self.address(match[0]), text)
        for name, other in sorted(self.names.items(), key=lambda pair: -len(pair[0])):
            text = re.sub(rf"\b{re.escape(name)}\b", other, text, flags=re.IGNORECASE)
        return _DIGITS.sub(lambda match: re.sub(r"\d", "0", match[0]), text)


def _replaced(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        words = [word for word in re.findall(r"[^\W\d_]+(?:[-'][^\W\d_]+)*", name) if len(word) > 1]
        for number, word in enumerate(words):
            yield word, _NAMES[min(number, 1)]


# --- YAML --------------------------------------------------------------------------------------------------------------------


def _field(word: str, text: str) -> list[str]:
    lines = text.split("\n")
    if len(lines) == 1 or any(line[:1].isspace() for line in lines) or not all(line.isprintable() for line in lines):
        return [f"      {word}: {_quoted(text)}"]
    return [f"      {word}: |-", *(f"        {line}".rstrip() for line in lines)]


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes, which are those of JSON (YAML 1.2, 7.3.1)."""
    return json.dumps(text, ensure_ascii=False)
