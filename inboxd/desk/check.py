"""What `inboxd check` works out of settings and rules together: mistakes across files, and all it finds as data for editors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import date
from typing import Any

from inboxd.config import MailboxSettings, Settings
from inboxd.core.brief import servers_named
from inboxd.core.compose import Templates
from inboxd.core.model import MailboxName, Message
from inboxd.core.rulebook import FollowUpPolicy, Rulebook, folder_of
from inboxd.core.tokens import LONGEST_LOCAL_PART
from inboxd.desk.lint import Warning_
from inboxd.desk.lint import lint as find_warnings
from inboxd.errors import Placed
from inboxd.yaml_source import did_you_mean


def cross_check(settings: Settings | None, rulebook: Rulebook, templates: Set[str]) -> list[str]:
    """Say every mistake that no file shows alone; `templates` are the names that exist. Without settings only the rules are looked at."""
    return [*against_settings(settings, rulebook), *_templates(rulebook, templates)]


def against_settings(settings: Settings | None, rulebook: Rulebook) -> list[str]:
    """Say what in the rules does not go with the settings, if there are any."""
    if settings is None:
        return []
    return [*_support_addresses(settings, rulebook), *_too_long(settings), *_lead(rulebook), *_folders(settings, rulebook)]


def to_know(settings: Settings) -> list[str]:
    """Say what is no mistake and yet may stop a desk: a server whose word is asked for before an agent's mail counts."""
    return [
        f"{box.facts.name}: an agent's mail counts only where {box.facts.authserv_id} confirms it: its Authentication-Results must say"
        " dmarc=pass, also of mail from inside the house; without it the mail is taken as a stranger's, and the lead is told"
        for box in settings.mailboxes
        if box.facts.authserv_id
    ]


LEAST = 3  # mails: fewer say nothing of a server


def unheard_servers(settings: Settings, newest: Mapping[MailboxName, Sequence[Message]]) -> list[Warning_]:
    """Say where the newest mails of a mailbox know nothing of the server that is to vouch for agents: none of them would be obeyed."""
    found = []
    for box in settings.mailboxes:
        wanted, named = box.facts.authserv_id, [servers_named(message) for message in newest.get(box.facts.name, ())]
        if not wanted or len(named) < LEAST or any(wanted.casefold() in servers for servers in named):
            continue
        topmost = Counter(servers[0] for servers in named if servers).most_common(1)
        what = "; ".join(
            f"on top of {times} of them is that of {server}: if that is your own mail server, set 'authserv_id: {server}'"
            for server, times in topmost
        )
        message = (
            f"{box.facts.name}: none of the newest {len(named)} mails has an Authentication-Results of {wanted}, so no agent is obeyed; "
            f"{what or 'nor of any other: have the server write it, or leave authserv_id out'}"
        )
        found.append(Warning_(file=str(settings.path), message=message))
    return found


def _support_addresses(settings: Settings, rulebook: Rulebook) -> Iterable[str]:
    ours = {address.lower(): box.facts.name for box in settings.mailboxes for address in (box.facts.address, *box.facts.aliases)}
    for agent in rulebook.agents.values():
        for email in agent.emails:
            if _without_plus(email) in ours:
                mailbox = ours[_without_plus(email)]
                yield (
                    f"agent '{agent.name}' has the address {email}, which is the address of mailbox '{mailbox}':"
                    " what we send there would come back to us; give the agent an address of their own"
                )
    for who, email in (("lead", rulebook.lead), ("admin", settings.admin)):
        if "@" in email and _without_plus(email) in ours:
            yield f"the {who} is {email}, which is a support address; name a person"


def _too_long(settings: Settings) -> Iterable[str]:
    for box in settings.mailboxes:
        local = box.facts.address.rpartition("@")[0]
        if box.facts.plus_addresses and len(local) > LONGEST_LOCAL_PART:
            yield (
                f"mailbox '{box.facts.name}': {local} has {len(local)} letters, and a signed address would pass the 64 that mail allows;"
                " write 'addresses: none', then a reply is known by the Message-ID that it answers"
            )


def _folders(settings: Settings, rulebook: Rulebook) -> Iterable[str]:
    """Folders into which nothing could be laid, or from which it would come back."""
    shut = [box.facts.name for box in settings.mailboxes if not box.facts.file]
    watched = {_folder_name(name): word for box in settings.mailboxes for word, name in _watched(box) if name}
    for team in rulebook.teams.values():
        folder = folder_of(rulebook, team.name)
        if folder and shut:
            yield (
                f"{team.file}:{team.line}: team '{team.name}' has 'deliver: folder', and nothing may be moved in the mailbox '{shut[0]}';"
                f" write 'file: yes' under '{shut[0]}' in {settings.path.name}, or 'deliver: mail' here"
            )
        if _folder_name(folder) in watched:
            yield (
                f"{team.file}:{team.line}: the folder '{folder}' of team '{team.name}' is the folder"
                f" '{watched[_folder_name(folder)]}' in {settings.path.name}; name another: 'folder: {team.name.capitalize()} team'"
            )
    for rule in rulebook.rules:
        word = watched.get(_folder_name(rule.then.file_in or ""), "")
        if word in ("sent", "resolved"):
            yield (
                f"{rule.file}:{rule.line}: rule '{rule.name}' files into '{rule.then.file_in}', which is the folder '{word}'"
                f" in {settings.path.name}: what lies there was {'written' if word == 'sent' else 'done'} by a person; name another folder"
            )


def _watched(box: MailboxSettings) -> Iterable[tuple[str, str]]:
    return ("inbox", box.inbox), ("junk", box.facts.junk), ("sent", box.facts.sent), ("resolved", box.facts.resolved)


def _folder_name(name: str) -> str:
    return "INBOX" if name.upper() == "INBOX" else name


def _without_plus(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _lead(rulebook: Rulebook) -> Iterable[str]:
    if not rulebook.lead:
        yield "no 'lead:' in the rules: somebody must be told when a customer waits; write 'lead: petra'"


def _templates(rulebook: Rulebook, templates: Set[str]) -> Iterable[str]:
    for rule in rulebook.rules:
        name = rule.then.reply_with
        if name and name not in templates:
            yield f"{rule.file}:{rule.line}: rule '{rule.name}': {_no_template(name, templates)}"
    asked = rulebook.follow_up.template
    if asked not in {*templates, FollowUpPolicy().template}:
        yield f"follow_up: {_no_template(asked, templates)}"


def _no_template(name: str, templates: Set[str]) -> str:
    return f"no template called '{name}'{did_you_mean(name, templates)}"


# --- what is hardly meant --------------------------------------------------------------------------------------------


def lint(
    rulebook: Rulebook,
    templates: Templates | None = None,
    today: date | None = None,
    *,
    files: bool = True,
    languages: Collection[str] = (),
) -> list[str]:
    """Say what is allowed but hardly meant, a line each: see `inboxd.desk.lint`."""
    return [str(warning) for warning in find_warnings(rulebook, templates, today, files=files, languages=languages)]


# --- for editors -----------------------------------------------------------------------------------------------------

_PLACE = re.compile(r"(?P<file>[^:\n]+):(?P<line>[0-9]+):(?:(?P<column>[0-9]+):)? ")


def as_data(mistake: str | Placed | Warning_, severity: str = "error") -> dict[str, Any]:
    """Give a mistake or warning as an editor wants it; line and columns count from 1, 0 is not known.

    `end_column` is the one behind the last sign; `text` is the line of the file.
    """
    if isinstance(mistake, Warning_):
        return _data("warning", mistake.file, mistake.line, 0, 0, mistake.message, "")
    if not isinstance(mistake, str):
        end = mistake.column + mistake.width if mistake.column else 0
        return _data(severity, mistake.file, mistake.line, mistake.column, end, mistake.message, mistake.excerpt)
    place = _PLACE.match(mistake)
    if place is None:
        return _data(severity, "", 0, 0, 0, mistake, "")
    column = int(place["column"] or 0)
    return _data(severity, place["file"], int(place["line"]), column, column and column + 1, mistake[place.end() :], "")


def _data(severity: str, file: str, line: int, column: int, end_column: int, message: str, text: str) -> dict[str, Any]:
    return {
        "severity": severity, "file": file, "line": line, "column": column, "end_column": end_column, "message": message, "text": text,
    }  # fmt: skip
