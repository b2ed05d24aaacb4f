"""Write the first files of an installation: commented settings, rules with the people given, secrets kept apart."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email.utils import parseaddr
from pathlib import Path
from zoneinfo import available_timezones

from inboxd.config import TLS_WORDS
from inboxd.core.lettering import why_unwritable
from inboxd.core.model import Mode
from inboxd.errors import ConfigError
from inboxd.yaml_source import did_you_mean

MODES = {
    Mode.WATCH: "only look: store, think, tell the lead once a day what would have been done; no other mail",
    Mode.ROUTE: "agents get their mail; nothing automatic goes to customers",
    Mode.FULL: "everything: agents get their mail, customers are asked afterwards whether it is solved",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAnswers:
    """One server. `password_file` is copied into `secrets/`; `password_env` names a variable; neither: left to do."""

    host: str
    port: int | None = None
    tls: str = "yes"  # "yes" | "starttls" | "no"
    user: str = ""  # "" = the support address
    password_file: Path | None = None
    password_env: str = ""
    login: bool = True  # False: a server on this machine that takes mail without one


@dataclass(frozen=True, slots=True, kw_only=True)
class InitAnswers:
    """What `inboxd init` was told. People are written "Maria Lindt <maria@acme.example>"."""

    address: str
    imap: ServerAnswers
    smtp: ServerAnswers
    agents: tuple[str, ...]
    seniors: tuple[str, ...] = ()  # names or addresses of agents; none: everybody is
    lead: str = ""  # an agent or an address; "" = the first senior
    admin: str = ""  # "" = the lead's address
    brand: str = ""  # "" = from the domain: "Acme Support"
    mode: Mode = Mode.WATCH
    language: str = "en"
    timezone: str = "UTC"
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Somebody:
    """An agent as init knows them: a short name for rules, a full name, an address."""

    short: str
    full: str
    email: str


def write_files(directory: Path, answers: InitAnswers, shipped_rules: Path, overwrite: bool = False) -> list[Path]:
    """Write `inboxd.yaml`, `rules/` and `secrets/`; raises ConfigError, with nothing written, if a file is there."""
    agents = _people(answers.agents)
    answers = _settle(answers, agents)
    texts = {
        directory / "inboxd.yaml": settings_text(answers),
        directory / "rules" / "people.yaml": people_text(answers, agents),
    }
    for name in ("routing.yaml", "routing.test.yaml", "rules.schema.json", "tests.schema.json"):
        texts[directory / "rules" / name] = (shipped_rules / name).read_text(encoding="utf-8")
    secrets = _secrets(directory / "secrets", answers)
    try:
        _refuse_to_overwrite([*texts, *secrets], overwrite)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "rules").mkdir(exist_ok=True)
        (directory / "secrets").mkdir(mode=0o700, exist_ok=True)
        for path, text in texts.items():
            _write(path, text.encode(), 0o644)
        for path, content in secrets.items():
            _write(path, content, 0o600)
    except OSError as error:
        raise ConfigError(f"{error.filename or directory}: cannot be written ({error.strerror}); name a folder that is yours") from error
    return [*texts, *secrets]


def missing_secrets(directory: Path, answers: InitAnswers) -> list[str]:
    """Say which passwords must still be put where, as commands to type."""
    return [
        f"(umask 077; cat > {directory / 'secrets' / f'{kind}_password'}) # the {kind.upper()} password, then Ctrl-D"
        for kind, server in (("imap", answers.imap), ("smtp", answers.smtp))
        if server.login and not server.password_env and not server.password_file
    ]


# --- people ----------------------------------------------------------------------------------------------------------


def _people(given: Sequence[str]) -> tuple[_Somebody, ...]:
    mistakes = []
    people: list[_Somebody] = []
    for text in given:
        name, email = parseaddr(text)
        if any(email.lower() == person.email for person in people):
            mistakes.append(f"{email} is named twice; an agent has one address")
            continue
        if why := why_unwritable(email):
            mistakes.append(why if "@" in email else f"'{text}' is not a person; write for example 'Maria Lindt <maria@acme.example>'")
            continue
        taken = {person.short for person in people}
        full = " ".join(name.split()) or email.partition("@")[0].replace(".", " ").title()
        people.append(_Somebody(short=_short(full, email, taken), full=full, email=email.lower()))
    if not given:
        mistakes.append("no agents; give at least one: --agent 'Maria Lindt <maria@acme.example>'")
    if mistakes:
        raise ConfigError(*mistakes)
    return tuple(people)


def _short(full: str, email: str, taken: set[str]) -> str:
    """A name that is easily typed in a mail: the first name, else what makes it different from the others."""
    words = [_plain(word) for word in full.split()]
    local = _plain(email.partition("@")[0])
    candidates = [words[0] if words else "", "-".join(word for word in words if word), local]
    candidates += [f"{local or 'agent'}{number}" for number in range(2, len(taken) + 3)]
    reserved = {"", "lead", "nobody", "everyone", "seniors", "same_agent_as_before"}
    return next(name for name in candidates if name not in taken | reserved)


def _plain(word: str) -> str:
    ascii_word = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_word.lower()).strip("-")


def _find(text: str, agents: Sequence[_Somebody]) -> _Somebody | None:
    """The agent meant by a short name, a full name, or an address with or without a name."""
    wanted = {text.strip().lower(), parseaddr(text)[1].lower()}
    return next((one for one in agents if wanted & {one.short, one.full.lower(), one.email}), None)


def _settle(answers: InitAnswers, agents: Sequence[_Somebody]) -> InitAnswers:
    """Fill what was left open; raises ConfigError where somebody named is nobody we know."""
    mistakes = []
    seniors = []
    for text in answers.seniors:
        senior = _find(text, agents)
        if senior is None:
            mistakes.append(f"senior '{text}' is not one of the agents: {', '.join(one.short for one in agents)}")
        else:
            seniors.append(senior)
    seniors = seniors or list(agents)
    lead = _find(answers.lead, agents) if answers.lead else seniors[0]
    lead_address = lead.email if lead else parseaddr(answers.lead)[1].lower()
    if "@" not in lead_address:
        mistakes.append(f"lead '{answers.lead}' is neither an agent nor an address")
    if why := why_unwritable(answers.address):
        mistakes.append(why)
    for kind, server in (("imap", answers.imap), ("smtp", answers.smtp)):
        if server.tls not in TLS_WORDS:
            mistakes.append(f"{kind} tls '{server.tls}' is not known; possible: {', '.join(TLS_WORDS)}")
    mistakes += _unusable(answers)
    if any(one.email == answers.address.lower() for one in agents):
        mistakes.append(f"{answers.address} is the support address; an agent needs an address of their own")
    if mistakes:
        raise ConfigError(*mistakes)
    domain = answers.address.rpartition("@")[2]
    return replace(
        answers,
        seniors=tuple(one.short for one in seniors),
        lead=lead.short if lead else lead_address,
        admin=answers.admin or lead_address,
        brand=answers.brand or f"{domain.partition('.')[0].capitalize()} Support",
    )


def _unusable(answers: InitAnswers) -> Iterator[str]:
    """What `inboxd check` would refuse afterwards."""
    if answers.admin and (why := why_unwritable(answers.admin)):
        yield f"admin: {why}"
    for kind, server in (("imap", answers.imap), ("smtp", answers.smtp)):
        if server.port is not None and not 1 <= server.port <= 65535:
            yield f"{kind} port {server.port} is none; a port is a number from 1 to 65535"
        if server.password_env and not re.fullmatch(r"[A-Za-z_]\w*", server.password_env, re.A):
            yield f"'{server.password_env}' is not the name of a variable of the environment; such as: IMAP_PASSWORD"
    if answers.timezone not in available_timezones():
        yield f"no time zone called '{answers.timezone}'{did_you_mean(answers.timezone, available_timezones())}; such as: Europe/Berlin"
    if not re.fullmatch(r"[a-z]{2}", answers.language):
        yield f"'{answers.language}' is not a language; write two letters, such as 'en' or 'de'"
    if answers.ca_file and not answers.ca_file.is_file():
        yield f"there is no file {answers.ca_file}; ca_file is the certificate (PEM) that signed the server's"


# --- texts -----------------------------------------------------------------------------------------------------------


def _quoted(text: str) -> str:
    """A value as YAML: as it is where that is safe, else in double quotes."""
    safe = re.fullmatch(r"[A-Za-z0-9/][\w./@+ -]*(?<! )", text) and text.lower() not in ("null",)
    return text if safe else json.dumps(text, ensure_ascii=False)


def _server_text(kind: str, server: ServerAnswers, answers: InitAnswers) -> str:
    lines = [f"    {kind}:", f"      host: {_quoted(server.host)}"]
    if server.port:
        lines.append(f"      port: {server.port}")
    tls = {
        "yes": "encrypted from the first byte, certificate checked",
        "starttls": "encrypted after the greeting, certificate checked",
        "no": "NOT encrypted: only for a server on this machine",
    }
    lines.append(f"      tls: {server.tls} # {tls.get(server.tls, '')}".rstrip(" #"))
    if answers.ca_file:
        lines.append(f"      ca_file: {_quoted(str(answers.ca_file.resolve()))} # who signed the server's certificate")
    if not server.login:
        return "\n".join(lines)
    lines.append(f"      user: {_quoted(server.user or answers.address)}")
    if server.password_env:
        lines.append(f"      password: {{env: {server.password_env}}}")
    else:
        lines.append(f"      password: {{file: secrets/{kind}_password}}")
    return "\n".join(lines)


def settings_text(answers: InitAnswers) -> str:
    """Word the commented `inboxd.yaml`."""
    name = _plain(answers.address.rpartition("@")[2].partition(".")[0]) or "support"
    modes = "\n".join(f"    #   {mode}: {words}" for mode, words in MODES.items())
    return f"""\
# Settings of inboxd: servers, addresses, folders. What happens with mail stands in the folder `rules`.
# All words are explained in docs/reference/settings.md. After a change: `inboxd check`, then start it anew.
# A path that does not begin with / counts from the folder of this file.

# Who is told when something needs a person who can mend it.
admin: {_quoted(answers.admin)}
timezone: {_quoted(answers.timezone)}

# What an agent writes waits so long before it leaves: time for "undo". `no`: it leaves at once.
hold: 2 minutes

# What inboxd remembers: one database and its keys. Back it up. (The systemd unit uses /var/lib/inboxd.)
state_dir: state
rules: rules

# One block for each support address.
mailboxes:
  {name}:
    address: {_quoted(answers.address)}
    name: {_quoted(answers.brand)} # what customers read as sender of automatic mail
    default_language: {_quoted(answers.language)}

    # How far inboxd goes here. It begins with `watch`; change it when the daily mail convinces you.
{modes}
    mode: {answers.mode}

    # Whether support+something@... reaches this mailbox too. `none` where the provider does not know that.
    addresses: plus

{_server_text("imap", answers.imap, answers)}

{_server_text("smtp", answers.smtp, answers)}

    folders:
      inbox: INBOX
"""


def people_text(answers: InitAnswers, agents: Sequence[_Somebody]) -> str:
    """Word `rules/people.yaml`."""
    blocks = "\n".join(f"  {one.short}:\n    email: {_quoted(one.email)}\n    name: {_quoted(one.full)}" for one in agents)
    everyone = ", ".join(one.short for one in agents)
    return f"""\
# yaml-language-server: $schema=rules.schema.json
# Who works here. Each person of the support team (an "agent") has a short name that rules and teams use.
# Agents read and answer in their own mail program, so all that is needed is their own address.

agents:
{blocks}

# A case that goes to a team goes to the one in it who has the fewest open cases.
teams:
  everyone:
    agents: [{everyone}]
    prefer: agent_who_knows_the_customer

  # People who may decide on the spot. Upset customers, and customers who had to write again, go here.
  seniors:
    agents: [{", ".join(answers.seniors)}]
    prefer: agent_who_knows_the_customer
    if_nobody_is_free: everyone

# Who is told when a customer waits too long: an agent, or an address.
lead: {_quoted(answers.lead)}

# Customers you want to treat in a special way, by address or by domain:
#
# customers:
#   ceo@big.example: {{vip: yes}}
#   big.example: {{label: [key account]}}
"""


# --- files -----------------------------------------------------------------------------------------------------------


def _secrets(folder: Path, answers: InitAnswers) -> dict[Path, bytes]:
    found = {}
    for kind, server in (("imap", answers.imap), ("smtp", answers.smtp)):
        if server.login and server.password_file and not server.password_env:
            try:
                found[folder / f"{kind}_password"] = server.password_file.read_bytes()
            except OSError as error:
                reason = error.strerror or str(error)
                raise ConfigError(f"the password file {server.password_file} cannot be read: {reason}") from error
    return found


def _refuse_to_overwrite(paths: Sequence[Path], overwrite: bool) -> None:
    there = [path for path in paths if path.exists()]
    if there and not overwrite:
        todo = "name another folder, or write over it with --force"
        raise ConfigError(*(f"{path} is there already; nothing was written; {todo}" for path in there))


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write whole or not at all, never readable by others for even a moment if it is a secret."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    half.replace(path)
