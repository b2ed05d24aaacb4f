from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inboxd.adapters.secret import read_secret
from inboxd.config import Secret
from inboxd.errors import Permanent, Temporary


def a_file(path: Path, content: bytes = b"s3cret\n", mode: int = 0o600) -> Secret:
    path.write_bytes(content)
    path.chmod(mode)
    return Secret(kind="file", value=str(path))


def command(python: str) -> Secret:
    return Secret(kind="command", value=f"{sys.executable} -c '{python}'")


def test_a_password_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    assert read_secret(a_file(tmp_path / "a", b"pa ss\r\n")) == "pa ss"
    assert read_secret(a_file(tmp_path / "b", b"p\xc3\xa4ss", mode=0o640)) == "p\u00e4ss"


def test_a_changed_password_file_counts_at_the_next_login(tmp_path: Path) -> None:
    secret = a_file(tmp_path / "a")
    assert read_secret(secret) == "s3cret"
    a_file(tmp_path / "a", b"new")
    assert read_secret(secret) == "new"


@pytest.mark.parametrize("mode", [0o604, 0o666, 0o777])
def test_a_password_file_open_to_all_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Permanent, match=f"chmod 600 {tmp_path}/a"):
        read_secret(a_file(tmp_path / "a", mode=mode))


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"a\0b", b"\xff\xfe"])
def test_what_cannot_be_a_password_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Permanent, match=str(tmp_path)) as caught:
        read_secret(a_file(tmp_path / "a", content))
    assert "two" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match=f"{tmp_path}/none"):
        read_secret(Secret(kind="file", value=str(tmp_path / "none")))


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORT_PASSWORD", "s3cret")
    assert read_secret(Secret(kind="env", value="SUPPORT_PASSWORD")) == "s3cret"
    monkeypatch.delenv("SUPPORT_PASSWORD")
    with pytest.raises(Permanent, match="SUPPORT_PASSWORD is not set"):
        read_secret(Secret(kind="env", value="SUPPORT_PASSWORD"))


def test_a_command_prints_a_token_and_is_not_a_shell(tmp_path: Path) -> None:
    assert read_secret(command("print(42)")) == "42"
    with pytest.raises(Permanent):
        read_secret(Secret(kind="command", value=f"no-such-program-here; touch {tmp_path}/pwned"))
    assert not (tmp_path / "pwned").exists()


def test_a_failed_command_is_tried_again_later_and_its_words_are_not_shown() -> None:
    with pytest.raises(Temporary, match="status 3") as caught:
        read_secret(command('import sys; print("canary"); print("canary", file=sys.stderr); sys.exit(3)'))
    assert "canary" not in str(caught.value)
    with pytest.raises(Permanent, match="cannot be run") as unknown:
        read_secret(Secret(kind="command", value="no-such-program-here --token canary"))
    assert "canary" not in str(unknown.value)


def test_a_systemd_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "imap").write_text("s3cret\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret(Secret(kind="credential", value="imap")) == "s3cret"
    with pytest.raises(Permanent, match="LoadCredential=smtp:"):
        read_secret(Secret(kind="credential", value="smtp"))
    with pytest.raises(Permanent, match="plain file name"):
        read_secret(Secret(kind="credential", value="../imap"))
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(Permanent, match="LoadCredential"):
        read_secret(Secret(kind="credential", value="imap"))


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(Permanent, match="'vault'"):
        read_secret(Secret(kind="vault", value="x"))


def test_a_folder_is_no_password_file_and_nobody_is_told_to_change_its_rights(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="is a folder; name the file in it") as told:
        read_secret(Secret(kind="file", value=str(tmp_path)))
    assert "chmod" not in str(told.value)


def test_the_mark_that_an_editor_puts_in_front_is_not_of_the_password(tmp_path: Path) -> None:
    assert read_secret(a_file(tmp_path / "a", b"\xef\xbb\xbfs3cret\r\n")) == "s3cret"
