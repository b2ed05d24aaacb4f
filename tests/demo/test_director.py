"""The demo, whole: the code of `run` against the demo's servers. What it promises is counted from store and mailboxes."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mail_devel", reason="the demo's mail servers come with the extra `demo`")

from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.bootstrap import findings
from inboxd.config import load_settings
from inboxd.core.findings import Findings
from inboxd.demo.director import run_demo
from inboxd.rule_sets import rule_set

AFTERWARDS = datetime(2026, 12, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "out"


@pytest.fixture(scope="module")
def counts(out: Path) -> dict[str, Any]:
    return run_demo(fast=True, keep=False, quiet=True, out=out, seed=1)


def test_the_demo_keeps_its_promises(counts: dict[str, Any], out: Path) -> None:
    assert counts["lost"] == 0 and counts["sent_twice"] == 0 and counts["parked"] == 0
    assert counts["received"] >= 35 and counts["to_seniors"] >= 3 and counts["relayed_to_customers"] >= 5
    assert counts["follow_ups_sent"] >= 4 and counts["dissatisfied"] >= 1 and counts["reopened"] >= 1
    assert counts["satisfied"] >= 5 and counts["automatic_ignored"] >= 3
    log = (out / "daemon.log").read_text()
    assert "@" not in log  # no address of a person (I8)
    assert len(list((out / "mail").glob("*/*.eml"))) > 100


def test_the_report_of_the_demo_tells_what_its_counts_tell(counts: dict[str, Any], out: Path) -> None:
    told = of_the_fortnight(out)
    assert told.satisfied and told.response and told.reopened
    yes, no = told.satisfied.now.count, told.satisfied.now.of - told.satisfied.now.count
    assert told.people == counts["cases"], "each wrote about one thing"
    assert no == counts["dissatisfied"] and yes + told.dissatisfied_mended == counts["satisfied"]
    assert told.reopened.now.count == counts["reopened"] and told.reopened.now.of == counts["resolved"]
    assert told.response.of == told.asked == counts["follow_ups_sent"] - counts["reopened"], "who said no was asked again"
    assert sum(sum(ends.values()) for ends in told.feelings.values()) == counts["cases"]
    assert told.upset_people == told.upset_solved + told.upset_silent == 4
    assert not told.still_unhappy and not told.unheard and len(told.won_back) == told.upset_solved


def test_the_page_of_the_demo_shows_these_numbers_and_is_named_beside_its_counts(counts: dict[str, Any], out: Path) -> None:
    assert counts["report"] == str(out / "report.html")
    words = " ".join(re.sub(r"<[^>]+>", " ", (out / "report.html").read_text(encoding="utf-8")).split())
    told = of_the_fortnight(out)
    assert told.satisfied
    yes, answered = told.satisfied.now.count, told.satisfied.now.of
    assert f"{yes} of {answered} say it is solved" in words
    assert f"We asked {told.asked} people and {answered} answered: {yes} yes, {counts['dissatisfied']} no" in words
    assert f"{counts['reopened']} of {counts['resolved']} cases that we thought were solved opened again" in words
    assert "2 to 15 November 2026" in words


def test_the_mails_of_the_readme_are_those_of_the_demo(counts: dict[str, Any], out: Path) -> None:
    assert counts["lost"] == 0
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"```text\n(From: .*?)```", readme, re.DOTALL)
    assert len(shown) == 2
    mails = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in (out / "mail").glob("*/*.eml")]
    bodies = {" ".join(part.get_content().split()) for mail in mails if (part := mail.get_body(("plain",))) is not None}
    for block in shown:
        assert " ".join(block.partition("\n\n")[2].split()) in bodies, block


def of_the_fortnight(out: Path) -> Findings:
    """What the store that the demo left says of its two weeks, looked at later."""
    settings = load_settings(out / "inboxd.yaml")
    store = SqliteStore(out / "inboxd.sqlite", read_only=True)
    try:
        book = rule_set(settings.rules, settings).book
        return findings(settings, store, book, AFTERWARDS, date(2026, 11, 2), date(2026, 11, 15))
    finally:
        store.close()
