"""Faults of ours that many write about: issue open, issue list, issue close."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Annotated

import typer

from inboxd.cli.common import CONFIG, Config, Json, fail, have_done, issue_app, settings_of, show, store_of
from inboxd.config import Settings
from inboxd.errors import InboxdError, Permanent

By = Annotated[str, typer.Option("--by", help="Who says so; kept with it.")]
In = Annotated[list[str], typer.Option("--in", help='The same for whoever writes in another language: "de: die Worte". May be repeated.')]


@issue_app.command("open")
def issue_open(
    text: Annotated[str, typer.Argument(help="What people may know; agents and customers read these words.")],
    config: Config = CONFIG,
    phrases: Annotated[list[str], typer.Option("--phrases", help='How people say it: "cannot sign in". May be repeated.')] = [],  # noqa: B006
    topic: Annotated[str, typer.Option("--topic", help="Only mails of this topic.")] = "",
    mailbox: Annotated[str, typer.Option("--mailbox", help="Whose mails; needed where there are several mailboxes.")] = "",
    texts: In = [],  # noqa: B006
    by: By = "",
) -> None:
    """Say what people may know of a fault. It stands in briefs and acknowledgements until it is closed."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.model import IssueNo, KnownIssue, MailboxName
    from inboxd.core.rulebook import TOPICS
    from inboxd.desk.issues import in_words, issues, keys_of_phrases, no_words_for, open_issue
    from inboxd.rule_sets import reader_for

    settings, text = settings_of(config), _clean(text)
    names = [str(each.facts.name) for each in settings.mailboxes]
    if not mailbox and len(names) > 1:
        raise fail(Permanent(f"which mailbox? --mailbox {' or '.join(names)}"))
    mailbox = mailbox or names[0]
    if mailbox not in names:
        raise fail(Permanent(f"there is no mailbox {mailbox!r}; there is {', '.join(names)}"))
    try:
        book = load_rules(settings.rules)
        topics = [*TOPICS, *(str(each.name) for each in book.topics)]
        if topic and topic not in topics:
            raise Permanent(f"there is no topic {topic!r}; there are {', '.join(topics)}")
        keys = keys_of_phrases(reader_for(book), phrases or [text])
    except InboxdError as error:
        raise fail(error) from error
    if not text or not keys:
        raise fail(Permanent('no phrase in it by which mails can be found; say how people put it: --phrases "cannot sign in"'))
    who, others = _who(by), _by_language(texts)
    request = {"do": "issue.open", "text": text, "keys": keys, "topic": topic, "mailbox": mailbox, "by": who, "texts": others}
    issue = KnownIssue(
        number=IssueNo(0), mailbox=MailboxName(mailbox), text=text, keys=keys, topic=topic, opened_by=who, opened_at=SystemClock().now(),
        texts=tuple(others.items()),
    )  # fmt: skip
    have_done(settings, request, lambda tx, now: open_issue(tx, issue, now))
    store = store_of(settings, read_only=True)
    found = issues(store.look)[:1]
    typer.echo(in_words(found))
    for line in no_words_for(store.look, found[0]["issue"], text, others, _own_language(settings, mailbox)):
        typer.echo(line)


@issue_app.command("list")
def issue_list(config: Config = CONFIG, as_json: Json = False) -> None:
    """List the known issues, open and mended, with how many people wrote about each."""
    from inboxd.desk.issues import in_words, issues

    found = issues(store_of(settings_of(config), read_only=True).look)
    show(found, as_json, in_words(found))


@issue_app.command("close")
def issue_close(
    number: Annotated[int, typer.Argument(help="The number of the issue, as in the list.", min=1, max=2**53)],
    config: Config = CONFIG,
    text: Annotated[str, typer.Option("--text", help="A sentence more that people read beside: it is mended.")] = "",
    texts: In = [],  # noqa: B006
    as_it_is: Annotated[bool, typer.Option("--as-it-is", help="Tell also people in whose language there are no words.")] = False,
    by: By = "",
) -> None:
    """Say that it is mended: whoever wrote about it is told, once, and asked whether it works now."""
    from inboxd.core.model import IssueNo
    from inboxd.desk.issues import close_issue, issues, no_words_for

    settings, words, who, others = settings_of(config), _clean(text), _who(by), _by_language(texts)
    if others and not words:
        raise fail(Permanent("--in says in another language what --text says; give --text, too"))
    store = store_of(settings, read_only=True)
    known = next((each for each in issues(store.look) if each["issue"] == number and each["fixed_at"] is None), None)
    missing = no_words_for(store.look, number, words, others, _own_language(settings, known["mailbox"])) if known and not as_it_is else []
    if missing:
        raise fail(Permanent("; ".join((*missing, "or --as-it-is to tell them all the same"))))
    request = {"do": "issue.close", "issue": number, "text": words, "by": who, "texts": others}
    if not have_done(settings, request, lambda tx, now: close_issue(tx, IssueNo(number), words, who, now, tuple(others.items()))):
        raise fail(Permanent(f"no known issue {number} is open"))
    found = next(each for each in issues(store_of(settings, read_only=True).look) if each["issue"] == number)
    count = found["people"]
    typer.echo(f"issue {number} is closed; {count} {'person hears' if count == 1 else 'people hear'} of it, and the lead how many did")


def _by_language(texts: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in texts:
        language, colon, words = each.partition(":")
        if not colon or not re.fullmatch(r"[a-z]{2,3}", language.strip().lower()) or not words.strip():
            raise fail(Permanent(f'--in wants a language and the words, as in --in "de: Die Anmeldung klappt nicht."; got {each!r}'))
        found[language.strip().lower()] = _clean(words)
    return found


def _own_language(settings: Settings, mailbox: str) -> str:
    return next(each.facts.language for each in settings.mailboxes if str(each.facts.name) == mailbox)


def _who(by: str) -> str:
    return _clean(by or f"operator {os.environ.get('USER', '')}")


def _clean(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())
