"""What an operator reads who typed something wrong: where, what, and what would be right."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from inboxd import __version__
from inboxd.cli import app

GOOD = {
    "--address": "support@acme.example", "--imap-host": "localhost", "--smtp-host": "localhost",
    "--agent": "Maria Lindt <maria@acme.example>",
}  # fmt: skip


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args)


def init(folder: Path, **changes: str) -> Result:
    given = GOOD | {f"--{name.replace('_', '-')}": value for name, value in changes.items()}
    return run("init", str(folder), "--non-interactive", *(part for option in given.items() for part in option))


def test_the_version_needs_no_command() -> None:
    done = run("--version")
    assert (done.exit_code, done.stdout) == (0, f"inboxd {__version__}\n")


def test_init_names_all_that_is_missing_at_once_with_an_example_of_each(tmp_path: Path) -> None:
    done = run("init", str(tmp_path), "--non-interactive", "--mode", "quick")
    assert done.exit_code == 2
    assert "--mode is watch, route or full, not 'quick'" in done.stderr
    for option in GOOD:
        assert f"inboxd init: {option} is missing, such as: {option} " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_init_writes_nothing_that_check_would_refuse(tmp_path: Path) -> None:
    done = init(tmp_path / "new", timezone="Europe/Berln", language="english", ca_file="none.pem", admin="nobody", senior="bo")
    assert done.exit_code == 78
    for words in ("did you mean 'Europe/Berlin'?", "two letters", "there is no file none.pem", "'nobody' is not an email", "senior 'bo'"):
        assert words in done.stderr
    assert not (tmp_path / "new").exists()


def test_init_says_how_to_write_over_files_that_are_there(tmp_path: Path) -> None:
    assert init(tmp_path).exit_code == 0
    done = init(tmp_path)
    assert done.exit_code == 78
    assert "inboxd.yaml is there already; nothing was written; name another folder, or write over it with --force" in done.stderr


def test_a_command_without_settings_says_how_to_get_some(tmp_path: Path) -> None:
    for command in ("run", "check", "status", "reload"):
        done = run(command, "--config", str(tmp_path / "inboxd.yaml"))
        assert done.exit_code == 78
        assert "inboxd.yaml: there is no such file; name your settings with --config FILE, or write them with: inboxd init" in done.stderr


def test_commands_for_a_running_daemon_say_how_to_start_one(tmp_path: Path) -> None:
    init(tmp_path)
    done = run("reload", "--config", str(tmp_path / "inboxd.yaml"))
    assert done.exit_code == 75
    assert "start it with: inboxd run" in done.stderr
