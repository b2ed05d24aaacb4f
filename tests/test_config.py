from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from inboxd.config import Secret, load_settings
from inboxd.core.model import Mode
from inboxd.errors import ConfigError
from inboxd.rule_sets import fingerprint

GOOD = """\
admin: Admin@acme.example
timezone: Europe/Berlin
mailboxes:
  acme:
    address: Support@acme.example
    imap: {host: imap.acme.example, password: {file: secrets/imap_password}}
    smtp: {host: smtp.acme.example, tls: starttls, user: robot, password: {env: SMTP_PASSWORD}}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "inboxd.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(folder, text))
    return [mistake.splitlines()[0].replace(f"{folder}/", "") for mistake in caught.value.mistakes]


def test_a_short_file_is_enough_and_starts_in_mode_watch(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, GOOD))
    (box,) = settings.mailboxes
    assert (settings.admin, settings.timezone, settings.poll) == (
        "admin@acme.example",
        "Europe/Berlin",
        timedelta(minutes=2),
    )
    assert (box.facts.name, box.facts.address, box.facts.brand) == ("acme", "support@acme.example", "Acme")
    assert (box.facts.mode, box.facts.language, box.facts.plus_addresses, box.facts.subject_tag) == (
        Mode.WATCH,
        "en",
        True,
        True,
    )
    assert (box.imap.port, box.imap.tls, box.imap.user) == (993, "yes", "support@acme.example")
    assert (box.smtp.port, box.smtp.tls, box.smtp.user) == (587, "starttls", "robot")
    assert (box.inbox, box.facts.junk, box.facts.file) == ("INBOX", "", False)


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    settings = load_settings(written(tmp_path, "templates: own\nrules: /etc/rules\n" + GOOD))
    assert settings.mailboxes[0].imap.password == Secret(kind="file", value=str(tmp_path / "secrets/imap_password"))
    assert settings.mailboxes[0].smtp.password == Secret(kind="env", value="SMTP_PASSWORD")
    assert (settings.state_dir, settings.rules, settings.templates) == (
        tmp_path / "state",
        Path("/etc/rules"),
        tmp_path / "own",
    )


def test_every_word_of_the_settings_is_read(tmp_path: Path) -> None:
    text = """\
admin: a@acme.example
poll: 30 seconds
gather: 5 minutes
gather_quiet: 1 minute
max_message_mb: 2
min_free_mb: 3
mailboxes:
  acme:
    address: support@acme.example
    aliases: [Help@acme.example]
    name: Acme Support
    mode: full
    default_language: de
    subject_tag: no
    addresses: none
    authserv_id: mx.acme.example
    folders: {inbox: Eingang, junk: Spam, sent: Gesendet, resolved: Erledigt}
    file: yes
    imap: {host: h, port: 1143, tls: no, user: u, auth: xoauth2, ca_file: ca.pem, password: {command: print it}}
    smtp: {host: h, tls: no}
"""
    settings = load_settings(written(tmp_path, text))
    (box,) = settings.mailboxes
    assert (settings.poll, settings.gather, settings.gather_quiet, settings.max_message_bytes, settings.min_free_bytes) == (
        timedelta(seconds=30),
        timedelta(minutes=5),
        timedelta(minutes=1),
        2 * 1024 * 1024,
        3 * 1024 * 1024,
    )
    facts = box.facts
    assert (facts.aliases, facts.brand, facts.mode, facts.language) == (
        ("help@acme.example",),
        "Acme Support",
        Mode.FULL,
        "de",
    )
    assert (facts.subject_tag, facts.plus_addresses, facts.authserv_id, facts.file) == (False, False, "mx.acme.example", True)
    assert (box.inbox, box.facts.junk, box.facts.sent, box.facts.resolved) == ("Eingang", "Spam", "Gesendet", "Erledigt")
    assert (box.imap.port, box.imap.tls, box.imap.user, box.imap.auth) == (1143, "no", "u", "xoauth2")
    assert box.imap.password == Secret(kind="command", value="print it")
    assert box.imap.ca_file == tmp_path / "ca.pem"
    assert (box.smtp.port, box.smtp.user, box.smtp.password) == (25, "", None)


@pytest.mark.parametrize(
    ("kind", "tls", "port"),
    [
        ("imap", "yes", 993),
        ("imap", "starttls", 143),
        ("imap", "no", 143),
        ("imap", "true", 993),
        ("smtp", "yes", 465),
        ("smtp", "starttls", 587),
        ("smtp", "false", 25),
    ],
)
def test_the_port_follows_from_tls(tmp_path: Path, kind: str, tls: str, port: int) -> None:
    text = GOOD.replace("tls: starttls, ", "").replace(f"host: {kind}", f"tls: {tls}, host: {kind}")
    (box,) = load_settings(written(tmp_path, text)).mailboxes
    assert {"imap": box.imap, "smtp": box.smtp}[kind].port == port


@pytest.mark.parametrize(
    "written_so",
    [
        "password: hunter2",
        "password: {hunter2}",
        "password: {password: hunter2}",
        "pasword: hunter2",
        "token: 'hunter2'",
        "password: [hunter2]",
        "password: hunter2: x",
        "password: @hunter2",
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_shown(tmp_path: Path, written_so: str) -> None:
    text = GOOD.replace("password: {file: secrets/imap_password}", written_so)
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, text))
    assert "hunter2" not in str(caught.value)


def test_a_secret_in_the_file_is_answered_with_the_right_form(tmp_path: Path) -> None:
    assert mistakes(tmp_path, GOOD.replace("{file: secrets/imap_password}", "hunter2")) == [
        "inboxd.yaml:6:47: a password is never written in this file; write where it is kept:"
        " {file: secrets/imap_password}, {env: NAME}, {command: ...} or {credential: NAME}"
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("admin:", "admim:", ["inboxd.yaml:1:1: unknown setting 'admim' - did you mean 'admin'?",
                              "inboxd.yaml:1:1: 'admin' is missing: who is told when something needs a person,"
                              " such as 'admin: you@acme.example'"]),
        ("Admin@acme.example", "nobody", ["inboxd.yaml:1:8: 'nobody' is not an email address"]),
        (
            "Admin@acme.example", "\xe4dmin@acme.example",
            ["inboxd.yaml:1:8: not every server takes mail to '\xe4dmin@acme.example'; "
             "before the @ stand plain letters, digits and . _ + -, and no two dots together"],
        ),
        (
            "imap: {host: imap.acme.example,", "imap: {host: 'imap. acme.example',",
            ["inboxd.yaml:6:18: 'imap. acme.example' is not the name of a server alone; "
             "write for example 'mail.acme.example', and 'port' in a line of its own"],
        ),
        (
            "imap: {host: imap.acme.example,", "imap: {host: 'imap.acme.example:993',",
            ["inboxd.yaml:6:18: 'imap.acme.example:993' is not the name of a server alone; "
             "write for example 'mail.acme.example', and 'port' in a line of its own"],
        ),
        (
            "    imap:", '    name: "Acme\\nBcc: evil@x.example"\n    imap:',
            ["inboxd.yaml:6:11: 'name' is one line of plain text; this one holds a line break, or a sign that cannot be seen"],
        ),
        ("Europe/Berlin", "Europe/Berlim", ["inboxd.yaml:2:11: no time zone called 'Europe/Berlim'"
                                            " - did you mean 'Europe/Berlin'?"]),
        ("  acme:", "  Acme Support:", ["inboxd.yaml:4:3: 'Acme Support': a mailbox is named with small letters,"
                                        " digits, '-' and '_'"]),
        ("address: Support@acme.example", "mode: wach",
         ["inboxd.yaml:4:3: 'address' is missing: mailbox 'acme' needs it",
          "inboxd.yaml:5:11: 'mode' does not know 'wach' - did you mean 'watch'?"]),
        ("tls: starttls", "tls: start", ["inboxd.yaml:7:42: 'tls' does not know 'start' - did you mean 'starttls'?"]),
        ("tls: starttls", "port: 70000", ["inboxd.yaml:7:43: 'port' wants a whole number from 1 to 65535,"
                                          " not '70000'"]),
        ("host: imap.acme.example, ", "", ["inboxd.yaml:6:11: 'host' is missing: the name of the IMAP server"]),
        (", password: {file: secrets/imap_password}", "",
         ["inboxd.yaml:6:11: 'password' is missing: write where it is kept: {file: secrets/imap_password}, {env: NAME},"
          " {command: ...} or {credential: NAME}"]),
        ("{env: SMTP_PASSWORD}", "{env: A, file: B}",
         ["inboxd.yaml:7:75: 'password' wants exactly one place; write where it is kept: {file: secrets/imap_password},"
          " {env: NAME}, {command: ...} or {credential: NAME}"]),
        ("timezone: Europe/Berlin", "store: x", ["inboxd.yaml:2:1: 'store' is not known yet;"
                                                 " a later version will know it; leave it out for now"]),
        ("timezone: Europe/Berlin", "poll: often", ["inboxd.yaml:2:7: 'often' is not a length of time;"
                                                    " write for example '30 minutes', '4 hours' or '2 days'"]),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_what_would_be_right(tmp_path: Path, old: str, new: str, found: list[str]) -> None:
    assert mistakes(tmp_path, GOOD.replace(old, new)) == found


def test_all_mistakes_are_shown_at_once(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "mailboxes: {a: {}, B: {address: x}}\nfoo: 1\n")) == 9


@pytest.mark.parametrize(
    ("folders", "column", "said"),
    [
        ("{sent: Sent, resolved: Sent}", 37, "'Sent' is the folder 'sent' already; name another, or leave 'resolved' out"),
        ("{sent: inbox}", 21, "'INBOX' is the folder 'inbox' already; name another, or leave 'sent' out"),
        ("{send: Sent}", 15, "unknown setting 'send' - did you mean 'sent'?"),
    ],
)
def test_one_folder_cannot_be_two_things(tmp_path: Path, folders: str, column: int, said: str) -> None:
    (mistake,) = mistakes(tmp_path, f"{GOOD}    folders: {folders}\n")
    assert mistake == f"inboxd.yaml:8:{column}: {said}"


def test_two_mailboxes_cannot_have_one_address(tmp_path: Path) -> None:
    block = GOOD.partition("mailboxes:\n")[2].replace("acme:", "other:", 1)
    assert mistakes(tmp_path, GOOD + block) == ["inboxd.yaml:8:3: 'support@acme.example' belongs to mailbox 'acme' already"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "admin: a@b.example\nmailboxes: {}\n", "- a\n"])
def test_an_empty_file_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_a_missing_file_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_settings(tmp_path / "inboxd.yaml")


def test_what_an_editor_leaves_beside_the_rules_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "people.yaml").write_text("agents: {}\n")
    settings = load_settings(written(tmp_path, GOOD))
    before = fingerprint(settings)
    (tmp_path / "rules" / ".people.yaml.swp").write_bytes(b"b0VIM")
    (tmp_path / "rules" / "people.yaml~").write_text("agents: {}\n")
    (tmp_path / "rules" / ".git").mkdir()
    (tmp_path / "rules" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert fingerprint(settings) == before
    (tmp_path / "rules" / "people.yaml").write_text("agents: {jo: jo@acme.example}\n")
    assert fingerprint(settings) != before
