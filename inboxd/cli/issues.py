"""Faults of ours that many write about: issue open, issue list, issue close."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from inboxd.cli.common import CONFIG, Config, Json, fail, have_done, issue_app, settings_of, show, store_of
from inboxd.errors import InboxdError, Permanent

By = Annotated[str, typer.Option("--by", help="Who says so; kept with it.")]


@issue_app.command("open")
def issue_open(
    text: Annotated[str, typer.Argument(help="What people may know; agents and customers read these words.")],
    config: Config = CONFIG,
    phrases: Annotated[list[str], typer.Option("--phrases", help='How people say it: "cannot sign in". May be repeated.')] = [],  # noqa: B006
    topic: Annotated[str, typer.Option("--topic", help="Only mails of this topic.")] = "",
    mailbox: Annotated[str, typer.Option("--mailbox", help="Whose mails; needed where there are several mailboxes.")] = "",
    by: By = "",
) -> None:
    """Say what people may know of a fault. It stands in briefs and acknowledgements until it is closed."""
    from inboxd.adapters.clock import SystemClock
    from inboxd.adapters.rule_files import load_rules
    from inboxd.core.model import IssueNo, KnownIssue, MailboxName
    from inboxd.core.rulebook import TOPICS
    from inboxd.desk.issues import in_words, issues, keys_of_phrases, open_issue
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
    who = _who(by)
    request = {"do": "issue.open", "text": text, "keys": keys, "topic": topic, "mailbox": mailbox, "by": who}
    issue = KnownIssue(
        number=IssueNo(0), mailbox=MailboxName(mailbox), text=text, keys=keys, topic=topic, opened_by=who, opened_at=SystemClock().now()
    )  # fmt: skip
    have_done(settings, request, lambda tx, now: open_issue(tx, issue, now))
    typer.echo(in_words(issues(store_of(settings, read_only=True).look)[:1]))


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
    by: By = "",
) -> None:
    """Say that it is mended: whoever wrote about it is told, once, and asked whether it works now."""
    from inboxd.core.model import IssueNo
    from inboxd.desk.issues import close_issue, issues

    settings, words, who = settings_of(config), _clean(text), _who(by)
    request = {"do": "issue.close", "issue": number, "text": words, "by": who}
    if not have_done(settings, request, lambda tx, now: close_issue(tx, IssueNo(number), words, who, now)):
        raise fail(Permanent(f"no known issue {number} is open"))
    found = next(each for each in issues(store_of(settings, read_only=True).look) if each["issue"] == number)
    count = found["people"]
    typer.echo(f"issue {number} is closed; {count} {'person hears' if count == 1 else 'people hear'} of it, and the lead how many did")


def _who(by: str) -> str:
    return _clean(by or f"operator {os.environ.get('USER', '')}")


def _clean(text: str) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())
