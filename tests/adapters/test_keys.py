"""The key of signed addresses: made once, ours alone, never guessed at when it looks wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from inboxd.adapters.keys import SIZE, load_keys
from inboxd.errors import Permanent


def test_the_first_start_makes_a_key_and_the_next_one_finds_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (key,) = load_keys(state)
    assert len(key) == SIZE
    assert load_keys(state) == (key,)
    assert (state / "key").stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in state.iterdir()) == ["key"]


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    assert load_keys(tmp_path / "a") != load_keys(tmp_path / "b")


def test_old_keys_still_prove_and_the_newest_signs(tmp_path: Path) -> None:
    (first,) = load_keys(tmp_path)
    (tmp_path / "key").rename(tmp_path / "key.old.1")
    (second,) = load_keys(tmp_path)[:1]
    (tmp_path / "key").rename(tmp_path / "key.old.2")
    keys = load_keys(tmp_path)
    assert keys[1:] == (second, first)
    assert keys[0] not in (first, second)


def test_a_key_that_others_can_read_is_refused_with_the_way_out(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(Permanent, match="chmod 600"):
        load_keys(tmp_path)


def test_a_key_of_another_size_is_refused_not_used(tmp_path: Path) -> None:
    load_keys(tmp_path)
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(Permanent, match="holds 5 bytes, not 32"):
        load_keys(tmp_path)


def test_a_start_that_was_cut_short_while_making_the_key_begins_again(tmp_path: Path) -> None:
    (tmp_path / "key.new").write_bytes(b"half")
    (tmp_path / "key.new").chmod(0o600)
    (key,) = load_keys(tmp_path)
    assert len(key) == SIZE


def test_a_folder_in_the_place_of_the_key_is_named_and_nobody_is_told_to_change_its_rights(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(Permanent, match="is a folder") as told:
        load_keys(tmp_path)
    assert "chmod" not in str(told.value)


def test_a_key_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where the folder should be", encoding="utf-8")
    with pytest.raises(Permanent, match=r"cannot be read or made \(.*\): it must belong to the user"):
        load_keys(tmp_path / "state")
