"""What an operator reads who typed something wrong: where, what, and what would be right."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from inboxd import __version__, bootstrap
from inboxd.adapters import control
from inboxd.adapters.keys import load_keys
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.cli import app
from inboxd.errors import ConfigError, UnusableStore

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


def test_init_refuses_an_agent_twice_and_what_is_no_port_variable_or_address(tmp_path: Path) -> None:
    twice = [
        *(part for option in GOOD.items() for part in option),
        "--agent",
        "Bo <maria@acme.example>",
        "--agent",
        "Jo <j\xf6@acme.example>",
    ]
    done = run("init", str(tmp_path / "new"), "--non-interactive", *twice)
    assert (done.exit_code, (tmp_path / "new").exists()) == (78, False)
    assert "maria@acme.example is named twice" in done.stderr and "not every server takes mail to 'j\xf6@acme.example'" in done.stderr
    done = init(tmp_path / "new", imap_port="99999999", password_env="A B}")
    assert (done.exit_code, (tmp_path / "new").exists()) == (78, False)
    assert "imap port 99999999 is none" in done.stderr and "'A B}' is not the name of a variable" in done.stderr


def test_init_into_what_is_no_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "new")
    assert done.exit_code == 78 and "cannot be written (Not a directory); name a folder that is yours" in done.stderr
    assert "cannot be written (File name too long)" in init(tmp_path / ("n" * 300)).stderr


def test_the_demo_removes_nothing_that_no_demo_left(tmp_path: Path) -> None:
    (tmp_path / "inboxd.yaml").write_text("admin: me@acme.example\n")
    done = run("demo", "--fast", "--out", str(tmp_path))
    assert done.exit_code == 1 and "name a folder of its own" in done.stderr
    assert (tmp_path / "inboxd.yaml").exists()
    (tmp_path / "file").write_text("")
    assert "cannot be written (Not a directory)" in run("demo", "--fast", "--out", str(tmp_path / "file" / "out")).stderr


def test_numbers_and_times_beyond_all_are_mistakes_of_usage(tmp_path: Path) -> None:
    for command in (("parked", "drop", "9" * 23), ("redecide", "--case", "9" * 23), ("explain", "--at", "9999-12-31 23:59", "-")):
        done = run(*command)
        assert done.exit_code == 2 and "Traceback" not in done.output, command
    for number in ("9" * 23, "\xb2"):
        assert "No such file" in run("explain", number).stderr


def test_what_this_prints_on_a_full_disk_ends_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "inboxd", "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "inboxd: what this prints cannot be written: no space left on device\n")


def test_a_recorded_test_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    assert init(tmp_path).exit_code == 0
    (tmp_path / "long.eml").write_text("From: ana@example.org\nSubject: Data\n\n" + "{" * 25_000 + "\n")
    done = run("test", "--rules", str(tmp_path / "rules"), "--record", str(tmp_path / "long.eml"))
    assert done.exit_code == 1 and "nothing is written" in done.stderr
    assert not (tmp_path / "rules" / "recorded.test.yaml").exists()


def test_a_case_that_is_not_there_is_not_decided_anew(tmp_path: Path) -> None:
    assert init(tmp_path, password_env="NONE").exit_code == 0
    SqliteStore(tmp_path / "state" / "inboxd.sqlite").close()
    done = run("redecide", "--case", "99999", "--config", str(tmp_path / "inboxd.yaml"))
    assert done.exit_code == 1 and "there is no case #99999" in done.stderr


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


READING = (
    ["status"],
    ["parked"],
    ["explain", "1001"],
    ["issue", "list"],
    ["report", "--out", "-"],
    ["redecide", "--open"],
    ["check", "--offline"],
)


@pytest.mark.parametrize("command", READING, ids=lambda words: words[0])
def test_a_store_that_cannot_be_used_is_told_by_every_command_in_one_sentence(tmp_path: Path, command: list[str]) -> None:
    init(tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "inboxd.sqlite").write_bytes(b"garbage" * 1000)
    done = run(*command, "--config", str(tmp_path / "inboxd.yaml"))
    assert isinstance(done.exception, SystemExit) and done.exit_code == 78
    assert "inboxd.sqlite cannot be opened (file is not a database); restore it from a backup" in done.stderr


def test_a_damaged_page_that_is_reached_late_is_told_in_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path)
    SqliteStore(tmp_path / "state" / "inboxd.sqlite").close()

    def damaged(*_: object) -> None:
        raise UnusableStore("the store is damaged (malformed); restore it from a backup")

    monkeypatch.setattr(SqliteStore, "parked", damaged)
    done = run("parked", "--config", str(tmp_path / "inboxd.yaml"))
    assert (done.exit_code, done.stderr) == (78, "inboxd: the store is damaged (malformed); restore it from a backup\n")


def changed(folder: Path, before: str, after: str) -> Result:
    """What check says of settings with another line in them."""
    init(folder)
    settings = folder / "inboxd.yaml"
    text = settings.read_text(encoding="utf-8")
    assert before in text
    settings.write_text(text.replace(before, after), encoding="utf-8")
    return run("check", "--offline", "--config", str(settings))


def test_check_looks_whether_the_daemon_could_work_in_the_folder_of_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = changed(tmp_path / "a", "state_dir: state", f"state_dir: {'x' * 100}")
    assert long.exit_code == 78 and "choose a shorter one" in long.stderr
    file = changed(tmp_path / "b", "state_dir: state", "state_dir: inboxd.yaml")
    assert file.exit_code == 78 and "inboxd.yaml is no folder" in file.stderr
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, 10**9))
    large = changed(tmp_path / "c", "state_dir: state", "state_dir: state\nmin_free_mb: 2000")
    assert large.exit_code == 78 and "nothing would ever be fetched" in large.stderr
    circle = tmp_path / "d" / "circle"
    circle.parent.mkdir()
    circle.symlink_to(circle)
    turning = changed(tmp_path / "d", "state_dir: state", "state_dir: circle")
    assert turning.exit_code == 78 and "symbolic links" in turning.stderr


def test_run_makes_nothing_where_no_socket_could_be_made(tmp_path: Path) -> None:
    changed(tmp_path, "state_dir: state", f"state_dir: {'x' * 100}")
    done = run("run", "--config", str(tmp_path / "inboxd.yaml"))
    assert done.exit_code == 78 and "choose a shorter one" in done.stderr
    assert not (tmp_path / ("x" * 100)).exists()


@pytest.mark.parametrize("left", [None, b""], ids=["none", "empty"])
def test_a_store_that_is_missing_beside_a_key_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: bytes | None
) -> None:
    def enough(*_: object, **__: object) -> None:
        raise ConfigError("enough was seen")

    monkeypatch.setattr(bootstrap, "rule_set", enough)
    init(tmp_path)
    command = ("run", "--config", str(tmp_path / "inboxd.yaml"))
    assert "store.begun_anew" not in run(*command).stderr, "a first start"
    load_keys(tmp_path / "state")
    assert "store.begun_anew" not in run(*command).stderr
    for file in (tmp_path / "state").glob("inboxd.sqlite*"):
        file.unlink()
    if left is not None:
        (tmp_path / "state" / "inboxd.sqlite").write_bytes(left)
    assert "warning store.begun_anew because=" in run(*command).stderr


def test_a_hangup_while_the_daemon_is_being_built_does_not_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def built(*_: object) -> None:
        signal.raise_signal(signal.SIGHUP)
        raise ConfigError("enough was seen")

    monkeypatch.setattr(bootstrap, "supervisor", built)
    init(tmp_path)
    before = signal.getsignal(signal.SIGHUP)
    try:
        assert "enough was seen" in run("run", "--config", str(tmp_path / "inboxd.yaml")).stderr
    finally:
        signal.signal(signal.SIGHUP, before)


def test_status_invites_nobody_to_start_a_second_daemon_where_one_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path)
    monkeypatch.setattr(control, "ask", lambda *_, **__: {"health": {}})
    done = run("status", "--config", str(tmp_path / "inboxd.yaml"))
    assert done.exit_code == 78
    assert "a daemon runs, and its store was taken away" in done.stderr


def test_a_folder_of_settings_that_is_not_ours_to_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path)

    def shut(_: Path, **__: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "exists", shut)
    for command in ("check", "status", "run"):
        done = run(command, "--config", str(tmp_path / "inboxd.yaml"))
        assert done.exit_code == 78
        assert "inboxd.yaml: cannot be read (Permission denied)" in done.stderr
