from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "systemd" / "inboxd.service"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_service_stays_hardened() -> None:
    """The exposure is at most 2.0 of 10; a unit without any hardening has 9.6."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_wrong_settings_do_not_make_the_service_start_for_ever() -> None:
    assert "RestartPreventExitStatus=78" in UNIT.read_text(encoding="utf-8").splitlines()
