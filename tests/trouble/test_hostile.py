"""Mails made to hurt, through the whole chain: each is stored and reaches a person, quickly and cheaply, and the next one, too."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inboxd.core.brief import MOST_READERS
from inboxd.core.model import Outgoing
from tests.daemon.conftest import quick_folder  # noqa: F401  # a fixture
from tests.daemon.world import mail
from tests.stories.day import Day
from tests.stories.steps import holder
from tests.trouble.hostile import MAILS, head, many_addresses, many_to

SECONDS = 2.0  # of computing, so that a busy machine changes nothing
MEGABYTES = 300  # above what the process held before


@pytest.fixture
def day(quick_folder: Path) -> Iterator[Day]:  # noqa: F811
    made = Day(store_path=quick_folder / "store.sqlite")
    made.mailbox.put(mail(999), made.at())  # models and templates are loaded by the first mail
    made.run()
    yield made
    made.store.close()


def memory(which: str) -> float:
    """Megabytes: VmRSS is now, VmHWM the most since it was forgotten."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) / 1024


def forget_the_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def went_out(day: Day) -> list[Outgoing]:
    return day.mailer.delivered


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in MAILS.items()])
def test_a_hostile_mail_is_stored_and_reaches_a_person_in_time_and_the_next_is_routed(day: Day, make: Callable[[], bytes]) -> None:
    raw = make()
    gc.collect()
    idle, measured = memory("VmRSS"), forget_the_peak()
    before, began = len(went_out(day)), time.process_time()
    day.mailbox.put(raw, day.at())
    day.run()
    assert time.process_time() - began < SECONDS
    if measured:
        assert memory("VmHWM") - idle < MEGABYTES
    (row,) = day.store.look("select id, kind from message where id = (select max(id) from message)")
    assert day.store.raw(row["id"]).raw == raw
    (letter,) = went_out(day)[before:]
    assert letter.kind == "routed" if row["kind"] else letter.envelope_to == ("petra@acme.example",)
    day.mailbox.put(mail(7), day.at())
    day.run()
    assert [each.kind for each in went_out(day)[before + 1 :]] == ["routed"]


def test_the_largest_hostile_mails_are_handed_over_together_as_quickly(day: Day) -> None:
    began, before = time.process_time(), len(went_out(day))
    names = ("1 MB in one line", "20,000 attachments", "273 KB of encoded words as subject", "regex killers")
    for name in names:
        day.mailbox.put(MAILS[name](), day.at())
    day.run()
    assert time.process_time() - began < SECONDS
    assert [each.kind for each in went_out(day)[before:]] == ["routed"] * len(names)


# --- crowds ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [many_addresses, many_to])
def test_an_answer_to_a_mail_to_thousands_reaches_fifty_of_them_and_the_brief_says_so(day: Day, make: Callable[[], bytes]) -> None:
    day.mailbox.put(make(), day.at())
    day.run()
    agent = holder(day)
    routed = day.routed(agent)
    text = " ".join(routed.text.split())
    assert f"people stand in To and Cc of this mail. Only the first {MOST_READERS} of them read your answer." in text
    assert f"and {MOST_READERS - 4} others, who were in copy" in text
    day.reply(agent, routed, "Hello,\nthe small one fits.")
    answer = went_out(day)[-1]
    assert answer.kind == "reply"
    assert len(answer.envelope_to) == MOST_READERS + 1
    assert answer.envelope_to[0].startswith("eve-crowd")


def test_a_crowd_that_comes_in_several_mails_grows_no_larger(day: Day) -> None:
    for turn in range(3):
        people = ", ".join(f"t{turn}n{n}@crowd.example" for n in range(40)).encode()
        day.mailbox.put(head("again", extra=b"Cc: " + people + b"\r\n") + b"\r\nMore of it: %d\r\n" % turn, day.at())
        day.run()
    assert day.store.look("select count(distinct case_id) as n from message where sender like 'eve%'")[0]["n"] == 1
    readers = [reader.email for reader in day.case().participants]
    assert len(readers) == MOST_READERS
    assert {f"t0n{n}@crowd.example" for n in range(40)} <= set(readers)  # who was there first stays


def test_a_few_in_copy_are_all_named_and_all_read_the_answer(day: Day) -> None:
    day.write("Ann <ann@x.example>", "Lamp", "Which one fits?", cc="Bo Berg <bo@x.example>, Cy Cole <cy@x.example>, Bo <bo@x.example>")
    agent = holder(day)
    assert "Your answer also goes to Bo Berg and Cy Cole, who were in copy" in " ".join(day.routed(agent).text.split())
    day.reply(agent, day.routed(agent), "Hello,\nthe small one fits.")
    assert went_out(day)[-1].envelope_to == ("ann@x.example", "bo@x.example", "cy@x.example")
