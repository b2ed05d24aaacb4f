"""The key that signed addresses are made with: 32 bytes in a file of the state directory, readable by us alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from inboxd.errors import Permanent

SIZE = 32


def load_keys(state_dir: Path) -> tuple[bytes, ...]:
    """Read the keys, newest first: `key` signs, `key.old*` still proves. Makes `key` at the first start."""
    path = state_dir / "key"
    try:
        if not path.exists():
            _make(path)
        return read_keys(state_dir)
    except OSError as error:
        raise Permanent(f"{path} cannot be read or made ({error.strerror}): it must belong to the user that inboxd runs as") from error


def read_keys(state_dir: Path) -> tuple[bytes, ...]:
    """Read the keys that are there."""
    return tuple(_read(each) for each in (state_dir / "key", *sorted(state_dir.glob("key.old*"), reverse=True)))


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SIZE))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _read(path: Path) -> bytes:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise Permanent(f"{path} is a folder, and the file of a key should be there: restore it from a backup")
    if mode & 0o077:
        raise Permanent(f"{path} can be read by others: run  chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != SIZE:
        raise Permanent(
            f"{path} holds {len(key)} bytes, not {SIZE}: restore it from a backup, or remove it (agents' old mails then lose their proof)"
        )
    return key
