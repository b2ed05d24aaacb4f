"""The demo, whole: the code of `run` against the demo's servers. What it promises is counted from store and mailboxes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mail_devel", reason="the demo's mail servers come with the extra `demo`")

from inboxd.demo.director import run_demo


def test_the_demo_keeps_its_promises(tmp_path: Path) -> None:
    counts = run_demo(fast=True, keep=False, quiet=True, out=tmp_path / "out", seed=1)
    assert counts["lost"] == 0 and counts["sent_twice"] == 0 and counts["parked"] == 0
    assert counts["received"] >= 35 and counts["to_seniors"] >= 3 and counts["relayed_to_customers"] >= 5
    assert counts["follow_ups_sent"] >= 4 and counts["dissatisfied"] >= 1 and counts["reopened"] >= 1
    assert counts["satisfied"] >= 5 and counts["automatic_ignored"] >= 3
    log = (tmp_path / "out" / "daemon.log").read_text()
    assert "@" not in log  # no address of a person (I8)
    assert len(list((tmp_path / "out" / "mail").glob("*/*.eml"))) > 100
