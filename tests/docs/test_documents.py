"""What the documents say is true: commands, events, errors, links, and the README's way to a first mailbox."""

from __future__ import annotations

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.testing import CliRunner

from inboxd import errors
from inboxd.adapters.template_files import load_templates
from inboxd.cli import app
from inboxd.config import load_settings
from inboxd.core.brief import Brief
from inboxd.core.compose import MailStamp, render
from inboxd.core.model import Address, Letter, MailboxName, Mode, OutgoingKind

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NOW = datetime(2026, 11, 6, 15, 37, tzinfo=UTC)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


README, COMMANDS = text_of("README.md"), text_of("docs/reference/commands.md")


# --- the reference names everything ------------------------------------------------------------------------------------------


def all_commands(group: TyperGroup, before: str = "") -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    for name, command in group.commands.items():
        assert isinstance(command, TyperCommand | TyperGroup)
        yield before + name, command
        if isinstance(command, TyperGroup):
            yield from all_commands(command, f"{before}{name} ")


TOP = typer.main.get_command(app)
assert isinstance(TOP, TyperGroup)
ALL_COMMANDS = dict(all_commands(TOP))


def command_section(name: str) -> str:
    """The section of a command, without those of its subcommands."""
    found = re.search(rf"^###? inboxd {name}\b[^\n]*\n(.*?)(?=^###? |\Z)", COMMANDS, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    section = command_section(name)
    assert section.strip(), f"inboxd {name} has no section"
    options = [opt for param in ALL_COMMANDS[name].params if isinstance(param, TyperOption) for opt in param.opts if opt != "--help"]
    assert [opt for opt in options if f"`{opt}`" not in section] == []


def test_every_option_of_inboxd_itself_is_documented() -> None:
    options = [opt for param in TOP.params for opt in param.opts]
    assert [opt for opt in options if f"`{opt}`" not in COMMANDS] == []


def test_no_command_or_option_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^###? inboxd ((?:[a-z]+ ?)+)", COMMANDS, flags=re.MULTILINE)
    assert {heading.strip() for heading in headings} == set(ALL_COMMANDS)
    for name, command in ALL_COMMANDS.items():
        known = {opt for param in command.params for opt in param.opts}
        documented = set(re.findall(r"^\| `(--[a-z-]+)`", command_section(name), flags=re.MULTILINE))
        assert documented <= known, name


def logged_events() -> set[str]:
    found = set()
    for path in (ROOT / "inboxd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log" and node.args:
                event = node.args[0]
                assert isinstance(event, ast.Constant) and isinstance(event.value, str), f"{path}:{node.lineno}: an event is written out"
                found.add(event.value)
    return found


def test_every_log_event_is_documented_and_every_documented_one_exists() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \|", text_of("docs/reference/log-events.md"), flags=re.MULTILINE))
    assert documented == logged_events()


def test_every_error_is_documented() -> None:
    classes = {name for name, found in inspect.getmembers(errors, inspect.isclass) if issubclass(found, errors.InboxdError)}
    documented = re.findall(r"^\| `([A-Z]\w+)` \|", text_of("docs/reference/errors.md"), flags=re.MULTILINE)
    assert set(documented) == classes


# --- links -------------------------------------------------------------------------------------------------------------------


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen, todo = set[Path](), [ROOT / "README.md"]
    while todo:
        document = todo.pop()
        if document in seen or document.suffix != ".md":
            continue
        seen.add(document)
        links = re.findall(r"\]\(([^)\s#]+)[^)\s]*\)", document.read_text(encoding="utf-8"))
        todo += [path for link in links if "://" not in link and (path := (document.parent / link).resolve()).exists()]
    assert [str(path.relative_to(ROOT)) for path in DOCUMENTS if path not in seen] == []


# --- the README can be followed ----------------------------------------------------------------------------------------------


def commands_in(text: str, first_words: str) -> list[list[str]]:
    """The commands of all shell blocks that begin with these words, as a shell would split them."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(first_words)]


def test_the_example_of_the_readme_writes_settings_that_are_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("support.password").write_text("not a real one\n", encoding="utf-8")
    (init,) = commands_in(README, "inboxd init")
    (check,) = commands_in(README, "inboxd check")
    run = CliRunner()
    written = run.invoke(app, init[1:])
    assert written.exit_code == 0, written.output
    checked = run.invoke(app, [*check[1:], "--offline"])
    assert checked.exit_code == 0 and "all is well" in checked.output, checked.output
    box = load_settings(tmp_path / "acme" / "inboxd.yaml").mailboxes[0]
    assert box.facts.mode is Mode.WATCH
    assert (box.imap.port, box.smtp.port, box.smtp.tls) == (993, 587, "starttls")


LOCAL = ["--smtp-host", "localhost", "--smtp-tls", "no", "--smtp-no-login", "--ca-file", "mail-cert.pem"]


def test_the_readmes_way_to_a_local_postfix_and_an_own_certificate_is_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("support.password").write_text("not a real one\n", encoding="utf-8")
    Path("mail-cert.pem").write_text("not a real one\n", encoding="utf-8")
    assert f"`{shlex.join(LOCAL[:5])}`" in README and f"`{shlex.join(LOCAL[5:])}`" in README
    (init,) = commands_in(README, "inboxd init")
    kept = init[1 : init.index("--smtp-host")] + init[init.index("--password-file") :]
    written = CliRunner().invoke(app, [*kept, *LOCAL])
    assert written.exit_code == 0, written.output
    box = load_settings(tmp_path / "acme" / "inboxd.yaml").mailboxes[0]
    assert (box.smtp.host, box.smtp.port, box.smtp.password) == ("localhost", 25, None)
    assert box.imap.ca_file == tmp_path / "mail-cert.pem"


def test_every_option_in_the_readme_exists() -> None:
    known = {opt for command in (TOP, *ALL_COMMANDS.values()) for param in command.params for opt in param.opts}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", re.sub(r"(openssl|git|sudo)[^\n]*", "", README)))
    assert {option for option in mentioned if not option.endswith("-")} <= known


def shown_mails() -> list[str]:
    """The bodies of the mails that the README shows."""
    return [block.partition("\n\n")[2] for block in re.findall(r"```text\n(From: .*?)```", README, flags=re.DOTALL)]


def rendered(name: str, kind: OutgoingKind, **values: object) -> str:
    """The plain text of a shipped English template."""
    letter = Letter(
        kind=kind, purpose="p", template=name, mailbox=MailboxName("acme"), language="en", to=Address(email="somebody@example.org"),
        subject="x", values=values,
    )  # fmt: skip
    stamp = MailStamp(message_id="m1@acme.example", date=NOW, from_=Address(email="support@acme.example"), zone=ZoneInfo("UTC"))
    return render(letter, load_templates(ROOT / "templates", None), stamp).text


def test_the_question_in_the_readme_is_the_one_that_customers_get() -> None:
    sent = rendered(
        "are_you_happy", OutgoingKind.FOLLOW_UP, customer="Luc", agent="Maria", subject="Return R-5518: where is my refund",
        brand="Acme Support", variant="resolved", answered_at=NOW,
    )  # fmt: skip
    assert shown_mails()[0].strip() == sent.strip()


def test_the_routed_mail_in_the_readme_begins_and_ends_as_agents_get_it() -> None:
    brief = Brief(name="Luc", now=NOW, wrote_at=NOW, due_at=NOW + timedelta(hours=4, minutes=2), said="dissatisfied", text="No.")
    sent = (
        rendered("routed", OutgoingKind.ROUTED, brief=brief, earlier=(), both_know=(), marked_spam=False, oversize=0).strip().splitlines()
    )
    readme = shown_mails()[1].strip().splitlines()
    assert readme[0] == sent[0]
    assert len(readme[0]) <= 60
    assert readme[-3:] == sent[-3:]


def test_what_the_readme_quotes_as_log_is_in_the_code() -> None:
    quoted = re.findall(r"\b((?:mailbox|message|daemon)\.[a-z_]+)\b", re.sub(r"\]\([^)]*\)", "", README))
    assert len(quoted) >= 5
    assert set(quoted) <= logged_events()
