"""The words of rule files, and the small readers that rules and their tests share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from inboxd.core.model import Kind, Sentiment
from inboxd.core.rules import TOPICS
from inboxd.yaml_source import CONTACTS_EXAMPLE, Items, Node, Scalar, Source, did_you_mean_or_all, read_contacts

SHIPPED_TOPICS = (*TOPICS, "unsure")
KINDS = (*Kind, "automatic")
SENTIMENTS = tuple(Sentiment)
PRIORITIES = ("high", "normal", "low")

BLOCKS = ("agents", "teams", "senior_team", "lead", "customers", "topics", "rules", "follow_up", "repeat")
AGENT_WORDS = ("email", "name", "signs_as", "speaks")
TEAM_WORDS = ("agents", "share", "prefer", "if_nobody_is_free")
CUSTOMER_WORDS = ("vip", "label")
TOPIC_WORDS = ("description", "phrases")
RULE_WORDS = ("name", "why", "when", "then")
THEN_WORDS = ("assign", "answer_within", "reply_with", "label", "tell", "priority", "brief", "ignore", "follow_up")
FOLLOW_UP_WORDS = (
    "ask_after",
    "remind_after",
    "close_after",
    "ask_when_waiting",
    "at_most_every",
    "grace",
    "unhappy_goes_to",
)
TEST_WORDS = ("name", "mail", "given", "expect")
MAIL_WORDS = ("from", "to", "subject", "text", "received")
GIVEN_WORDS = (
    "kind",
    "topic",
    "sure",
    "sentiment",
    "urgent",
    "sensitive",
    "language",
    "customer",
    "contacts",
    "reopened",
)

LATER_HINT = "a later version will know it; leave it out for now"
LATER = dict.fromkeys(
    (
        "calendars",
        "if_nobody_answers",
        "away",
        "at_most",
        "received_during",
        "received_outside",
        "waiting",
        "authentication",
        "header",
        "file_in",
        "mail_file",
        "timeline",
    ),
    LATER_HINT,
)

EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+")
DOMAIN = re.compile(r"\*?@?[a-z0-9-]+(\.[a-z0-9-]+)+")
NAME = re.compile(r"\w[\w.-]*")
TEMPLATE = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = ("lead", "nobody", "same_agent_as_before")


def known_name(source: Source, at: Node, text: str, noun: str, known: Iterable[str], near: Iterable[str] | None = None) -> bool:
    """Whether the name is known; the mistake otherwise, with the nearest of `near`."""
    names = tuple(known)
    if text in names:
        return True
    source.wrong(at, f"no {noun} called '{text}'" + did_you_mean_or_all(text, names if near is None else near))
    return False


def list_of(source: Source, node: Node, what: str) -> tuple[Node, ...]:
    """Read a list with something in it."""
    if isinstance(node, Items) and node.items:
        return node.items
    source.wrong(node, f"'{what}' wants a list: each entry begins with '- '")
    return ()


def optional(source: Source, words: Mapping[str, Node], word: str) -> str | None:
    """Read the text of a word that may be left out."""
    return source.text(words[word], word) if word in words else None


def check_name(source: Source, key: Scalar) -> None:
    """Check the short name of an agent or team: agents type it in mails."""
    name = key.text
    if not NAME.fullmatch(name) or name != name.lower():
        source.wrong(key, f"'{name}': a name is one word in small letters, such as 'maria'")
    elif name in RESERVED:
        source.wrong(key, f"'{name}' has a meaning of its own in rules; choose another name")


def read_languages(source: Source, node: Node, what: str, *also: str) -> tuple[str, ...]:
    """Read one or more languages, two letters each, or one of the words `also`."""
    found = []
    for text, place in source.texts(node, what):
        if not re.fullmatch(r"[a-z]{2}", text) and text not in also:
            source.wrong(place, f"'{text}' is not a language; write two letters, such as 'en' or 'de'")
        found.append(text)
    return tuple(found)


def read_repeat(source: Source, node: Node, what: str) -> tuple[int, timedelta] | None:
    """Read a number of contacts in a time."""
    text = source.text(node, what)
    found = read_contacts(text) if text else None
    if text and found is None:
        source.wrong(node, f"'{text}' is not a number of contacts; {CONTACTS_EXAMPLE}")
    return found
