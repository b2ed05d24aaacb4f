from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def quick_folder() -> Iterator[Path]:
    """A folder in memory where there is one: a hundred stores are made in it, and no power fails in these tests."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="inboxd-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)
