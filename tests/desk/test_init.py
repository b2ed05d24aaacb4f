from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.config import Secret, load_settings
from inboxd.core.model import Mode
from inboxd.desk.check import cross_check, lint
from inboxd.desk.init import InitAnswers, ServerAnswers, missing_secrets, write_files
from inboxd.desk.rule_tests import run_rule_tests
from inboxd.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "rules"
ANSWERS = InitAnswers(
    address="support@acme.example",
    imap=ServerAnswers(host="imap.acme.example"),
    smtp=ServerAnswers(host="smtp.acme.example", tls="starttls"),
    agents=("Maria Lindt <Maria@acme.example>", "Jürgen Öz <jo@acme.example>", "tom.baker@acme.example"),
    seniors=("maria",),
)


def mistakes(folder: Path, answers: InitAnswers) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        write_files(folder, answers, SHIPPED)
    assert list(folder.iterdir()) == []
    return caught.value.mistakes


def test_what_is_written_passes_every_check(tmp_path: Path) -> None:
    write_files(tmp_path, ANSWERS, SHIPPED)
    settings, book = load_settings(tmp_path / "inboxd.yaml"), load_rules(tmp_path / "rules")
    assert cross_check(settings, book, set()) == []
    assert lint(book) == []
    assert all(result.passed for result in run_rule_tests(book, load_tests(tmp_path / "rules", load_rules(tmp_path / "rules"))))
    (box,) = settings.mailboxes
    assert (box.facts.name, box.facts.address, box.facts.brand) == ("acme", "support@acme.example", "Acme Support")
    assert (box.imap.port, box.smtp.port, box.imap.user) == (993, 587, "support@acme.example")
    assert (settings.admin, book.lead) == ("maria@acme.example", "maria")
    assert [(agent.name, agent.full_name, agent.emails[0]) for agent in book.agents.values()] == [
        ("maria", "Maria Lindt", "maria@acme.example"),
        ("jurgen", "Jürgen Öz", "jo@acme.example"),
        ("tom", "Tom Baker", "tom.baker@acme.example"),
    ]
    assert {name: team.agents for name, team in book.teams.items()} == {
        "everyone": ("maria", "jurgen", "tom"),
        "seniors": ("maria",),
    }


def test_each_rule_file_names_the_schema_beside_it(tmp_path: Path) -> None:
    written = write_files(tmp_path, ANSWERS, SHIPPED)
    for name, schema in (("people.yaml", "rules"), ("routing.yaml", "rules"), ("routing.test.yaml", "tests")):
        first = (tmp_path / "rules" / name).read_text(encoding="utf-8").splitlines()[0]
        assert first == f"# yaml-language-server: $schema={schema}.schema.json"
        copy = tmp_path / "rules" / f"{schema}.schema.json"
        assert copy in written and copy.read_bytes() == (SHIPPED / copy.name).read_bytes()


def test_it_starts_by_only_looking_and_says_so(tmp_path: Path) -> None:
    write_files(tmp_path, ANSWERS, SHIPPED)
    assert load_settings(tmp_path / "inboxd.yaml").mailboxes[0].facts.mode is Mode.WATCH
    text = (tmp_path / "inboxd.yaml").read_text(encoding="utf-8")
    assert "watch: only look: store, think, tell the lead once a day" in text


def test_everything_given_is_found_again(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("x")
    answers = replace(
        ANSWERS,
        imap=ServerAnswers(host="::1", port=1143, tls="no", user='odd "user"', password_env="IMAP_PASSWORD"),
        smtp=ServerAnswers(host="localhost", port=1025, tls="no", login=False),
        lead="Petra Sommer <Petra@acme.example>",
        admin="root@acme.example",
        brand="Acme: Bikes # & more",
        mode=Mode.FULL,
        language="de",
        timezone="Europe/Berlin",
        ca_file=tmp_path / "ca.pem",
    )
    write_files(tmp_path / "new" / "place", answers, SHIPPED)
    settings = load_settings(tmp_path / "new" / "place" / "inboxd.yaml")
    (box,) = settings.mailboxes
    assert (box.imap.host, box.imap.port, box.imap.tls, box.imap.user) == ("::1", 1143, "no", 'odd "user"')
    assert box.imap.password == Secret(kind="env", value="IMAP_PASSWORD")
    assert (box.smtp.user, box.smtp.password, box.smtp.port) == ("", None, 1025)
    assert (box.facts.brand, box.facts.mode, box.facts.language) == ("Acme: Bikes # & more", Mode.FULL, "de")
    assert (settings.admin, settings.timezone, box.imap.ca_file) == (
        "root@acme.example",
        "Europe/Berlin",
        tmp_path / "ca.pem",
    )
    assert load_rules(tmp_path / "new" / "place" / "rules").lead == "petra@acme.example"


def test_passwords_are_copied_into_files_that_nobody_else_can_read(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("hunter2\n")
    answers = replace(
        ANSWERS,
        imap=replace(ANSWERS.imap, password_file=tmp_path / "given"),
        smtp=replace(ANSWERS.smtp, password_file=tmp_path / "given"),
    )
    written = write_files(tmp_path / "new", answers, SHIPPED)
    for kind in ("imap", "smtp"):
        path = tmp_path / "new" / "secrets" / f"{kind}_password"
        assert path in written
        assert path.read_text() == "hunter2\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new" / "secrets").stat().st_mode) == 0o700
    assert "hunter2" not in (tmp_path / "new" / "inboxd.yaml").read_text()
    assert missing_secrets(tmp_path / "new", answers) == []


def test_passwords_not_given_are_named_with_the_command_to_type(tmp_path: Path) -> None:
    assert missing_secrets(tmp_path, replace(ANSWERS, smtp=ServerAnswers(host="h", password_env="X"))) == [
        f"(umask 077; cat > {tmp_path}/secrets/imap_password) # the IMAP password, then Ctrl-D"
    ]


def test_files_that_are_there_are_not_overwritten_unless_told(tmp_path: Path) -> None:
    write_files(tmp_path, ANSWERS, SHIPPED)
    before = (tmp_path / "inboxd.yaml").read_text()
    other = replace(ANSWERS, address="help@other.example")
    with pytest.raises(ConfigError, match=r"inboxd.yaml is there already; nothing was written"):
        write_files(tmp_path, other, SHIPPED)
    assert (tmp_path / "inboxd.yaml").read_text() == before
    write_files(tmp_path, other, SHIPPED, overwrite=True)
    assert load_settings(tmp_path / "inboxd.yaml").mailboxes[0].facts.address == "help@other.example"


def test_without_seniors_everybody_is_one(tmp_path: Path) -> None:
    write_files(tmp_path, replace(ANSWERS, seniors=()), SHIPPED)
    teams = load_rules(tmp_path / "rules").teams
    assert {team.agents for team in teams.values()} == {("maria", "jurgen", "tom")}


def test_two_agents_with_one_first_name_get_names_that_differ(tmp_path: Path) -> None:
    agents = ("Ann Lee <a@x.example>", "Ann Ray <b@x.example>", "Ann Ray <c@x.example>", "Lead <lead@x.example>")
    write_files(tmp_path, replace(ANSWERS, agents=agents, seniors=("b@x.example",)), SHIPPED)
    book = load_rules(tmp_path / "rules")
    assert list(book.agents) == ["ann", "ann-ray", "c", "lead2"]
    assert book.lead == "ann-ray"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"agents": ()}, "no agents; give at least one: --agent 'Maria Lindt <maria@acme.example>'"),
        ({"agents": ("Maria",)}, "'Maria' is not a person; write for example 'Maria Lindt <maria@acme.example>'"),
        ({"seniors": ("mary",)}, "senior 'mary' is not one of the agents: maria, jurgen, tom"),
        ({"lead": "boss"}, "lead 'boss' is neither an agent nor an address"),
        ({"address": "support"}, "'support' is not an email address"),
        (
            {"address": "jo@acme.example"},
            "jo@acme.example is the support address; an agent needs an address of their own",
        ),
        ({"imap": ServerAnswers(host="h", tls="ssl")}, "imap tls 'ssl' is not known; possible: yes, starttls, no"),
        (
            {"imap": ServerAnswers(host="h", password_file=Path("/nowhere/x"))},
            "the password file /nowhere/x cannot be read: No such file or directory",
        ),
    ],
)
def test_answers_that_cannot_work_write_nothing(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    assert mistakes(tmp_path, replace(ANSWERS, **changes)) == (found,)  # type: ignore[arg-type]
