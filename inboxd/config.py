"""Settings of the machine (`inboxd.yaml`): read once, checked all together, frozen. Secrets are never in the file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from inboxd.core.model import MailboxFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """Where a password or token comes from; read anew at each login, so that a token command can refresh it."""

    kind: str  # "file" | "env" | "command" | "credential"
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """One server and how to log in to it."""

    host: str
    port: int
    user: str
    tls: str  # imap: "yes" (verified TLS) | "starttls" | "no"; smtp the same; "no" is plain text, only by name
    password: Secret | None = None
    auth: str = "password"  # or "xoauth2" | "oauthbearer": the secret is then a token
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxSettings:
    """One support address (= brand) with its servers."""

    facts: MailboxFacts
    imap: ServerSettings
    smtp: ServerSettings
    inbox: str = "INBOX"
    junk: str = ""  # a folder whose mail counts as marked spam; "" = not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of `inboxd.yaml`."""

    path: Path
    admin: str
    timezone: str
    state_dir: Path
    rules: Path
    templates: Path | None  # the admin's own, before the shipped ones
    mailboxes: tuple[MailboxSettings, ...]
    poll: timedelta = timedelta(minutes=2)
    gather: timedelta = timedelta(minutes=10)  # new mails of one person within this time are one case
    gather_quiet: timedelta = timedelta(minutes=5)
    max_message_bytes: int = 25 * 1024 * 1024
