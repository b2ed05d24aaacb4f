"""The whole way of a report, from a store to its page, over weeks whose truth is known; and the spikes in them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.bootstrap import findings, report_page
from inboxd.config import Settings, load_settings
from inboxd.core.drivers import group
from inboxd.core.findings import Compared, Findings
from inboxd.core.model import FirstMail
from inboxd.core.spikes import HOUR
from inboxd.rule_sets import shipped
from tests.simulate.quarter import BEGIN, SimCase, cases, spikes
from tests.simulate.spiking import alarms
from tests.simulate.truth import Truth
from tests.simulate.written import key_phrases, number_of, write

WEEKS, SIZE, SEED = 6, 9_200, 1
END = BEGIN + timedelta(weeks=WEEKS)
SHARES = ("satisfied", "response", "wrote_again", "first_contact", "reopened", "win_back")
SETTINGS = """\
admin: petra@acme.example
timezone: UTC
rules: {rules}
mailboxes:
  acme:
    address: support@acme.example
    name: Acme Support
    mode: full
    imap: {{host: 127.0.0.1, port: 1143, user: support, tls: no, password: {{file: {password}}}}}
    smtp: {{host: 127.0.0.1, port: 1025, tls: no}}
"""


@lru_cache(maxsize=1)
def quarter() -> tuple[SimCase, ...]:
    return tuple(cases(seed=SEED, weeks=WEEKS, size=SIZE))


@lru_cache(maxsize=1)
def store() -> SqliteStore:
    store = SqliteStore(":memory:")
    write(store, quarter(), END, phrases=key_phrases(quarter()))
    return store


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The shipped rules, and one mailbox."""
    place: Path = tmp_path_factory.mktemp("report")
    (place / "password").touch(mode=0o600)
    (place / "password").write_text("secret")
    config = place / "inboxd.yaml"
    config.write_text(SETTINGS.format(rules=shipped("rules"), password=place / "password"))
    return load_settings(config)


@pytest.fixture(scope="module")
def found(settings: Settings) -> Findings:
    last = END.date() - timedelta(days=1)
    return findings(settings, store(), load_rules(settings.rules), END, BEGIN.date(), last)


def test_every_number_of_the_report_is_the_truth_and_stands_within_its_interval(found: Findings) -> None:
    truth = Truth(quarter(), BEGIN, END, END)
    for name in SHARES:
        each = getattr(found, name)
        share = each.now if isinstance(each, Compared) else each
        assert (share.count, share.of) == getattr(truth, name)(), name
        assert share.low <= share.count / share.of <= share.high
    assert found.people == len(truth.people()) and found.dissatisfied_mended == truth.mended()
    assert sum(share.of for _, share in found.satisfied_by_week) == truth.satisfied()[1]


def test_the_page_shows_them(found: Findings) -> None:
    words = " ".join(re.sub(r"<[^>]+>", " ", report_page(found)).split())
    yes, answered = Truth(quarter(), BEGIN, END, END).satisfied()
    assert f"{found.people} people wrote" in words
    assert f"{answered} answered: {yes} yes" in words
    assert all(driver.name in words for driver in found.drivers[:5])


def test_what_made_people_write_is_found_and_hardly_mixed(found: Findings) -> None:
    real = {number_of(case): case.driver for case in quarter()}
    groups = [Counter(real[mails()[place].case] for place in each.members) for each in group(mails())]
    assert sum(max(each.values()) for each in groups) >= 0.8 * sum(each.total() for each in groups)
    assert {each.most_common(1)[0][0] for each in groups} >= set(real.values()) - {""}
    assert len(found.drivers) >= len(set(real.values())) / 2


def test_all_spikes_are_told_within_half_an_hour_by_their_tenth_mail_and_nothing_else_is() -> None:
    real = spikes(SEED, WEEKS)
    days = {END.date() - timedelta(days=days) for days in range(1, 4)} | {spike.begin.date() for spike in real}
    told = list(alarms(mails(), lambda at: at.date() in days))
    for spike in real:
        at = next(at for at, _ in told if spike.begin <= at < spike.end)
        assert at - spike.begin <= timedelta(minutes=30)
        assert sum(case.spike and spike.begin <= case.at <= at for case in quarter()) <= 10
    false = [at for at, _ in told if not any(spike.begin <= at <= spike.end + HOUR for spike in real)]
    assert not false


@lru_cache(maxsize=1)
def mails() -> tuple[FirstMail, ...]:
    return store().first_mails(None, BEGIN, END)
