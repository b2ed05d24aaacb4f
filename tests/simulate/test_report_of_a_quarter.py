"""The whole way of a report, from a store to its page, over weeks whose truth is known; and the spikes in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
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
from inboxd.core.spikes import HOUR, LOOKS_BACK, Alarm, History, Spike, hours_to_compare
from inboxd.core.spikes import spikes as spikes_in
from inboxd.rule_sets import shipped
from tests.simulate.quarter import BEGIN, SimCase, cases, spikes
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


def test_spikes_are_told_while_they_last_and_nothing_else_is() -> None:
    """Six times as many as usual are few here: ten people an hour in a dozen wordings. One of the three may stay below what is sure."""
    real = spikes(SEED, WEEKS)
    calm = {END.date() - timedelta(days=days) for days in range(1, 4)}
    told = list(alarms(mails(), calm | {spike.begin.date() for spike in real}))
    assert sum(any(spike.begin <= at < spike.end for at, _ in told) for spike in real) >= 2, told
    false = [at for at, _ in told if not any(spike.begin <= at <= spike.end + HOUR for spike in real)]
    assert not false


@lru_cache(maxsize=1)
def mails() -> tuple[FirstMail, ...]:
    return store().first_mails(None, BEGIN, END)


def alarms(mails: Sequence[FirstMail], days: Collection[date]) -> Iterator[tuple[datetime, Spike]]:
    """Look after each mail of these days, as the daemon does."""
    times, told = [one.at for one in mails], list[Alarm]()
    for now in (at for at in times if at.date() in days):
        told = [alarm for alarm in told if alarm.at > now - LOOKS_BACK]
        since = min([now, *(alarm.at for alarm in told)]) - HOUR
        recent = mails[bisect_right(times, since) : bisect_right(times, now)]

        def history(now: datetime = now) -> History:
            stretches = hours_to_compare(now, UTC, times[0])
            past = [one for begin, end in stretches for one in mails[bisect_left(times, begin) : bisect_left(times, end)]]
            return History(mails=tuple(past), hours=sum((end - begin) / HOUR for begin, end in stretches))

        for spike in spikes_in(recent, history, now, told=told):
            told.append(Alarm(at=now, keys=spike.keys, usual=spike.usual * (HOUR / spike.window)))
            yield now, spike
