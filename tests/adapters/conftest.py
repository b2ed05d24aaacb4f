from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.servers import make_certificate


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of localhost, signed by itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate for the TLS tests")
    return make_certificate(tmp_path_factory.mktemp("tls"), names="DNS:localhost")
