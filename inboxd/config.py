"""Settings of the machine (`inboxd.yaml`): read once, checked all together, frozen. Secrets are never in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from inboxd.core.lettering import why_unwritable
from inboxd.core.model import MailboxFacts, MailboxName, Mode
from inboxd.yaml_source import Entries, Node, Scalar, Source, did_you_mean, read_yaml, refuse


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
    hold: timedelta = timedelta(0)
    max_message_bytes: int = 25 * 1024 * 1024
    min_free_bytes: int = 200 * 1024 * 1024  # below it nothing is fetched or sent


# --- reading inboxd.yaml ---------------------------------------------------------------------------------------------

SETTINGS_WORDS = (
    "admin",
    "timezone",
    "state_dir",
    "rules",
    "templates",
    "poll",
    "gather",
    "gather_quiet",
    "hold",
    "max_message_mb",
    "min_free_mb",
    "mailboxes",
)
MAILBOX_WORDS = (
    "address",
    "aliases",
    "name",
    "mode",
    "default_language",
    "subject_tag",
    "imap",
    "smtp",
    "folders",
    "file",
    "addresses",
    "authserv_id",
)
SERVER_WORDS = ("host", "port", "user", "tls", "auth", "password", "ca_file")
FOLDER_WORDS = ("inbox", "junk", "sent", "resolved")
SECRET_WORDS = ("file", "env", "command", "credential")
TLS_WORDS = ("yes", "starttls", "no")
AUTH_WORDS = ("password", "xoauth2", "oauthbearer")

_PORTS = {"imap": {"yes": 993, "starttls": 143, "no": 143}, "smtp": {"yes": 465, "starttls": 587, "no": 25}}
_LATER = dict.fromkeys(("store", "processed"), "a later version will know it; leave it out for now")
_SECRET_HELP = "write where it is kept: {file: secrets/imap_password}, {env: NAME}, {command: ...} or {credential: NAME}"


def load_settings(path: Path) -> Settings:
    """Read and check `inboxd.yaml`; raises ConfigError with every mistake. Relative paths count from its folder."""
    source = read_yaml(path)
    settings = _Reader(source, path.resolve().parent).settings(path) if source.root is not None else None
    if settings is None and not source.mistakes:
        source.wrong(None, "this file is empty; `inboxd init` writes one")
    refuse(source.mistakes)
    assert settings is not None
    return settings


class _Reader:
    """Reads the blocks of one settings file; where something is wrong the mistake is noted and a default goes on."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source = source
        self.folder = folder

    def settings(self, path: Path) -> Settings | None:
        source, root = self.source, self.source.root
        if root is None or (isinstance(root, Scalar) and root.empty):
            return None
        words = source.block(root, "this file", SETTINGS_WORDS, _LATER)
        self._need(root, words, "admin", "who is told when something needs a person, such as 'admin: you@acme.example'")
        self._need(root, words, "mailboxes", "one block for each support address")
        times: dict[str, timedelta | None] = {
            word: source.span(words[word], word) for word in ("poll", "gather", "gather_quiet") if word in words
        }
        if "hold" in words and not (isinstance(words["hold"], Scalar) and words["hold"].text.lower() in ("no", "off")):
            times["hold"] = source.span(words["hold"], "hold")
        extra: dict[str, Any] = {word: span for word, span in times.items() if span is not None}
        if "max_message_mb" in words:
            megabytes = source.whole_number(words["max_message_mb"], "max_message_mb", 1, 500)
            extra["max_message_bytes"] = (megabytes or 1) * 1024 * 1024
        if "min_free_mb" in words:
            floor = source.whole_number(words["min_free_mb"], "min_free_mb", 0, 1_000_000)
            extra["min_free_bytes"] = (floor or 0) * 1024 * 1024
        return Settings(
            path=path,
            admin=self._email(words, "admin"),
            timezone=self._timezone(words),
            state_dir=self._path(words, "state_dir") or self.folder / "state",
            rules=self._path(words, "rules") or self.folder / "rules",
            templates=self._path(words, "templates"),
            mailboxes=self._mailboxes(words["mailboxes"]) if "mailboxes" in words else (),
            **extra,
        )

    def _mailboxes(self, node: Node) -> tuple[MailboxSettings, ...]:
        boxes = []
        owners: dict[str, str] = {}
        entries = self.source.entries(node, "mailboxes")
        if not entries and not self.source.mistakes:
            self.source.wrong(node, "'mailboxes' is empty; one block for each support address")
        for name, (key, value) in entries.items():
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
                self.source.wrong(key, f"'{name}': a mailbox is named with small letters, digits, '-' and '_'")
            words = self.source.block(value, name, MAILBOX_WORDS, _LATER)
            for word in ("address", "imap", "smtp"):
                self._need(key, words, word, f"mailbox '{name}' needs it")
            box = self._mailbox(name, words)
            for address in (box.facts.address, *box.facts.aliases):
                if address and address in owners:
                    self.source.wrong(key, f"'{address}' belongs to mailbox '{owners[address]}' already")
                owners.setdefault(address, name)
            boxes.append(box)
        return tuple(boxes)

    def _mailbox(self, name: str, words: Mapping[str, Node]) -> MailboxSettings:
        source = self.source
        address = self._email(words, "address")
        aliases = source.texts(words["aliases"], "aliases") if "aliases" in words else ()
        for alias, place in aliases:
            if why := why_unwritable(alias):
                source.wrong(place, why)
        mode = source.word(words["mode"], "mode", tuple(Mode)) if "mode" in words else None
        addresses = source.word(words["addresses"], "addresses", ("plus", "none")) if "addresses" in words else "plus"
        tag = source.yes_no(words["subject_tag"], "subject_tag") if "subject_tag" in words else True
        file = source.yes_no(words["file"], "file") if "file" in words else False
        folders = self._folders(words["folders"]) if "folders" in words else {}
        facts = MailboxFacts(
            name=MailboxName(name),
            address=address,
            brand=self._line(words, "name") or name.capitalize(),
            mode=Mode(mode) if mode else Mode.WATCH,
            language=self._language(words),
            aliases=tuple(alias.lower() for alias, _ in aliases),
            plus_addresses=addresses != "none",
            authserv_id=self._text(words, "authserv_id"),
            subject_tag=tag is not False,
            junk=self._text(folders, "junk"),
            file=file is True,
            sent=self._text(folders, "sent"),
            resolved=self._text(folders, "resolved"),
        )
        return MailboxSettings(
            facts=facts,
            imap=self._server(words, "imap", address),
            smtp=self._server(words, "smtp", address),
            inbox=self._text(folders, "inbox") or "INBOX",
        )

    def _folders(self, node: Node) -> dict[str, Node]:
        """The watched folders by what they are for; one folder cannot be two of them."""
        words = self.source.block(node, "folders", FOLDER_WORDS, _LATER)
        used = {} if "inbox" in words else {"INBOX": "inbox"}
        for word, place in words.items():
            name = self._text(words, word)
            name = "INBOX" if name.upper() == "INBOX" else name  # RFC 9051, 5.1: in any case
            if name and name in used:
                self.source.wrong(place, f"'{name}' is the folder '{used[name]}' already; name another, or leave '{word}' out")
            used.setdefault(name, word)
        return words

    def _server(self, mailbox: Mapping[str, Node], what: str, address: str) -> ServerSettings:
        source = self.source
        node = mailbox.get(what)
        words = source.block(node, what, SERVER_WORDS, _LATER) if node is not None else {}
        if node is not None:
            self._need(node, words, "host", f"the name of the {what.upper()} server")
            if what == "imap":
                self._need(node, words, "password", _SECRET_HELP)
        tls = self._tls(words)
        port = source.whole_number(words["port"], "port", 1, 65535) if "port" in words else None
        auth = source.word(words["auth"], "auth", AUTH_WORDS) if "auth" in words else None
        return ServerSettings(
            host=self._host(words),
            port=port or _PORTS[what][tls],
            user=self._text(words, "user") or (address if "password" in words else ""),
            tls=tls,
            password=self._secret(words["password"]) if "password" in words else None,
            auth=auth or "password",
            ca_file=self._path(words, "ca_file"),
        )

    def _host(self, words: Mapping[str, Node]) -> str:
        host = self._line(words, "host")
        if re.search(r"[/@\s]|[^:]:\d+$", host):
            told = "write for example 'mail.acme.example', and 'port' in a line of its own"
            self.source.wrong(words["host"], f"'{host}' is not the name of a server alone; {told}")
        return host

    def _tls(self, words: Mapping[str, Node]) -> str:
        if "tls" not in words:
            return "yes"
        node = words["tls"]
        if isinstance(node, Scalar) and node.text.lower() in ("true", "false"):
            return "yes" if node.text.lower() == "true" else "no"
        return self.source.word(node, "tls", TLS_WORDS) or "yes"

    def _secret(self, node: Node) -> Secret | None:
        if not isinstance(node, Entries):
            self.source.wrong(node, f"a password is never written in this file; {_SECRET_HELP}")
            return None
        kinds = [key.text for key, _ in node.pairs]
        if len(kinds) != 1 or kinds[0] not in SECRET_WORDS:  # an unknown word may be the password: it is not named
            self.source.wrong(node, f"'password' wants exactly one place; {_SECRET_HELP}")
            return None
        kind, value = kinds[0], node.pairs[0][1]
        text = self.source.text(value, kind)
        if text is None:
            return None
        return Secret(kind=kind, value=str(self.folder / text) if kind == "file" else text)

    # small readers

    def _need(self, at: Node, words: Mapping[str, Node], word: str, why: str) -> None:
        if word not in words:
            self.source.wrong(at, f"'{word}' is missing: {why}")

    def _text(self, words: Mapping[str, Node], word: str) -> str:
        return (self.source.text(words[word], word) or "") if word in words else ""

    def _line(self, words: Mapping[str, Node], word: str) -> str:
        text = self._text(words, word)
        if not text.isprintable():
            told = "this one holds a line break, or a sign that cannot be seen"
            self.source.wrong(words[word], f"'{word}' is one line of plain text; {told}")
        return text

    def _path(self, words: Mapping[str, Node], word: str) -> Path | None:
        text = self._text(words, word)
        return self.folder / Path(text).expanduser() if text else None

    def _email(self, words: Mapping[str, Node], word: str) -> str:
        text = self._text(words, word)
        if text and (why := why_unwritable(text)):
            self.source.wrong(words[word], why)
        return text.lower()

    def _language(self, words: Mapping[str, Node]) -> str:
        text = self._text(words, "default_language") or "en"
        if not re.fullmatch(r"[a-z]{2}", text):
            place = words["default_language"]
            self.source.wrong(place, f"'{text}' is not a language; write two letters, such as 'en' or 'de'")
        return text

    def _timezone(self, words: Mapping[str, Node]) -> str:
        text = self._text(words, "timezone") or "UTC"
        try:
            ZoneInfo(text)
        except (OSError, ValueError, KeyError):
            self.source.wrong(words["timezone"], f"no time zone called '{text}'{did_you_mean(text, available_timezones())}")
        return text
