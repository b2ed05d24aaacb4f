"""Explain: what a mail says, which rules hold and why, without a store, without settings. Total: a mail never fails it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import islice
from pathlib import Path

from inboxd.core.assign import Choice, team_of
from inboxd.core.model import (
    Candidate,
    CaseNo,
    Directory,
    MailboxFacts,
    MailboxName,
    Message,
    MessageId,
    MessageNo,
    RawMessage,
    Situation,
    TeamName,
    Understood,
)
from inboxd.core.opening import arithmetic
from inboxd.core.policy import Policy
from inboxd.core.route import Route, choose, contacts_with, route, trace_of
from inboxd.core.rulebook import Rulebook, folder_of, is_away, main_calendar, senders_agent
from inboxd.core.thread import content_key, thread
from inboxd.core.understand import Failure, understand
from inboxd.desk.arrival import arrival
from inboxd.ports import Reader

BATCH = 64
_NOBODY = MailboxFacts(name=MailboxName("explain"), address="", brand="")


def mails_in(paths: Iterable[str]) -> Iterator[str]:
    """List mails: files as they are, folders with every regular file below them, in order."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            yield from (str(each) for each in sorted(path.rglob("*")) if each.is_file())
        else:
            yield given


class Threads:
    """Which mails belong together, by their ids alone, in the order in which they came: each thread has a number from 1."""

    def __init__(self) -> None:
        self._known: dict[MessageId, CaseNo] = {}
        self._placed: dict[str, CaseNo] = {}
        self._last = 0

    def place(self, raw: bytes, message: Message) -> int:
        """Tell the number of the mail's thread; ids that it names lead later mails there, too. The same mail again is one mail."""
        key = content_key(raw)
        if key not in self._placed:
            self._placed[key] = self._join(message)
        return self._placed[key]

    def _join(self, message: Message) -> CaseNo:
        joined = thread(message, proved=None, known=self._known, participates_in=())
        if joined is None:
            self._last += 1
        number = joined.case if joined is not None else CaseNo(self._last)
        for message_id in (message.message_id, *message.in_reply_to, *message.references):
            if message_id:
                self._known[message_id] = max(number, self._known.get(message_id, number))  # the newest wins, as in the store
        return number


def explain(
    mails: Iterable[tuple[str, bytes | OSError]],
    book: Rulebook,
    reader: Reader,
    now: datetime,
    threads: Threads | None = None,
    at: datetime | None = None,
) -> Iterator[dict[str, object]]:
    """Explain each mail (path as given, bytes or why it could not be read): one plain dictionary a mail, in order.

    A mail is judged as of the time at which it came in, or as of `at`; one that does not say when it came, as of now.
    """
    source = iter(mails)
    agents = frozenset(email for agent in book.agents.values() for email in agent.emails)
    while batch := list(islice(source, BATCH)):
        moments = [(at, "--at") if at else _moment(item, now) for _, item in batch]
        raws = [_raw(number, item, when) for number, ((_, item), (when, _by)) in enumerate(zip(batch, moments, strict=True))]
        understood = understand(raws, Directory(agents=agents, identity=book.identity), reader.read)
        for (path, item), one, moment in zip(batch, understood, moments, strict=True):
            error = f"{type(item).__name__}: {item.strerror}" if isinstance(item, OSError) else ""
            explained = _one(path, one, book, moment, error)
            if threads is not None:
                explained["thread"] = threads.place(item, one.message) if isinstance(one, Understood) and isinstance(item, bytes) else 0
            yield explained


def _moment(item: bytes | OSError, now: datetime) -> tuple[datetime, str]:
    """As of when a mail is judged, and what says so."""
    return (arrival(item) if isinstance(item, bytes) else None) or (now, "")


def _raw(number: int, item: bytes | OSError, at: datetime) -> RawMessage:
    raw = b"" if isinstance(item, OSError) else item
    return RawMessage(number=MessageNo(number), mailbox=_NOBODY.name, received_at=at, raw=raw)


def _one(path: str, one: Understood | Failure, book: Rulebook, moment: tuple[datetime, str], error: str) -> dict[str, object]:
    if isinstance(one, Failure):
        return {**_EMPTY, "path": path, "error": error or f"{one.stage}: {one.error}"}
    message, reading, (now, by) = one.message, one.reading, moment
    candidates = {name: Candidate(name=name, open_cases=0, away=is_away(book, name, now)) for name in book.agents}
    situation = Situation(now=now, mailbox=_NOBODY, understood=one, candidates=candidates)
    found = route(situation, book, Policy(), contacts_with(situation), reopened=False)
    choice = None if found.ignored else choose(found, situation, book)
    calendar = main_calendar(book)
    zone = calendar.zone if calendar else UTC
    return {
        "path": path,
        "kind": one.screening.kind,
        "because": one.screening.reason,
        "automatic": one.screening.automatic,
        "from_address": message.sender.email,
        "from_name": message.sender.name,
        "to": [address.email for address in message.to],
        "subject": message.subject,
        "text": message.text,
        "new_text": one.new_text,
        "attachments": [{"name": a.name, "type": a.type, "size": a.size} for a in message.attachments],
        "language": reading.language,
        "topic": reading.topic,
        "topic_sure": round(reading.topic_sure, 4),
        "topics": {name: round(p, 4) for name, p in reading.topics},
        "sentiment": reading.sentiment,
        "upset": round(reading.upset, 4),
        "urgent": round(reading.urgent, 4),
        "sentiment_phrases": [phrase.text for phrase in reading.phrases],
        "rule_trace": [*trace_of(found, choice), *_due(found, zone), *_laid(found, choice, book)],
        "decided_by": dict(found.ruling.by),
        "agent": choice.agent if choice else "",
        "from_agent": senders_agent(book, message.sender.email) or "",
        "judged_at": now.astimezone(zone).isoformat(),
        "judged_by": by,
        "judged": f"{_stamp(now, zone)}, {_BY.get(by, f'by its {by} line')}",
        "due": "" if found.ignored else found.hour.at.isoformat(),
        "cut": list(message.cut),
        "error": error or message.error,
    }


_BY = {"--at": "as you say", "": "which is now: the mail does not say when it came"}


def _stamp(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M} ({zone})"


def _due(found: Route, zone: tzinfo) -> Iterator[str]:
    """The hour to answer, its arithmetic, and by whose clock."""
    if not found.ignored:
        opening = found.calendar is not None and (found.within.opening or found.within.days)
        clock = found.calendar.zone if found.calendar and opening else zone
        yield f"due: {arithmetic(found.hour, found.within, found.start, found.calendar, zone)}; by the clock of {clock}"


def _laid(found: Route, choice: Choice | None, book: Rulebook) -> Iterator[str]:
    """Where the mail is laid, where it is not sent to the agent."""
    team = (choice.team or team_of(choice.agent, book)) if choice else None
    folder = folder_of(book, team or TeamName(""))
    if folder and choice:
        where = found.ruling.then.file_in or folder
        why = f"rule '{found.ruling.by.get('file_in', '')}'" if found.ruling.then.file_in else f"team {team}, deliver: folder"
        yield f"moved: into the folder '{where}' of the mailbox, and no mail is sent to {choice.agent} ({why})"


_EMPTY: dict[str, object] = {
    "path": "", "kind": "person", "because": "", "automatic": False, "from_address": "", "from_name": "", "to": [], "subject": "",
    "text": "", "new_text": "",
    "attachments": [], "language": "", "topic": "unsure", "topic_sure": 0.0, "topics": {}, "sentiment": "neutral",
    "upset": 0.0, "urgent": 0.0, "sentiment_phrases": [], "rule_trace": [], "decided_by": {}, "agent": "",
    "from_agent": "", "judged_at": "", "judged_by": "", "judged": "", "due": "", "cut": [], "error": "",
}  # fmt: skip


def _sender(name: str, address: str) -> str:
    return f"{name} <{address}>".strip() if address else name or "no sender"


def in_words(explained: dict[str, object], reasons: Sequence[str] = ()) -> str:
    """One explained mail for people."""
    e = explained
    lines = [
        f"{e['path']}",
        f"  from      {_sender(str(e['from_name']), str(e['from_address']))}",
        f"  subject   {e['subject']}",
        f"  kind      {e['kind']} ({e['because']})",
        f"  topic     {e['topic']} (sure {e['topic_sure']:.2f})",
        f"  feeling   {e['sentiment']} (upset {e['upset']:.2f}, urgent {e['urgent']:.2f}), language {e['language'] or 'not known'}",
    ]
    if e["judged"]:
        lines.append(f"  judged    as of {e['judged']}")
    if e["from_agent"]:
        lines.append(f"  agent     the own mail of {e['from_agent']}: in a case it is an answer or a command, and no rule is asked")
    if "thread" in e:
        lines.append(f"  thread    {e['thread']}")
    if e["sentiment_phrases"]:
        lines.append("  because   " + "; ".join(f'"{phrase}"' for phrase in e["sentiment_phrases"][:5]))  # type: ignore[index]
    lines.append("  rules")
    lines += [f"    {line}" for line in e["rule_trace"]]  # type: ignore[attr-defined]
    if e["cut"] or e["error"]:
        lines.append(f"  not whole {', '.join(e['cut'])} {e['error']}".rstrip())  # type: ignore[arg-type]
    return "\n".join((*lines, *reasons))
