"""The key that signed addresses are made with: 32 bytes in a file of the state directory, readable by us alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from inboxd.errors import Permanent

SIZE = 32


def load_keys(state_dir: Path) -> tuple[bytes, ...]:
    """Read the keys, newest first: `key` signs, `key.old*` still proves. Makes `key` at the first start."""
    path = state_dir / "key"
    if not path.exists():
        _make(path)
    return tuple(_read(each) for each in (path, *sorted(state_dir.glob("key.old*"), reverse=True)))


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
    if path.stat().st_mode & 0o077:
        raise Permanent(f"{path} can be read by others: run  chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != SIZE:
        raise Permanent(
            f"{path} holds {len(key)} bytes, not {SIZE}: restore it from a backup, or remove it (agents' old mails then lose their proof)"
        )
    return key
