"""Mails of an mbox or a Maildir that inboxd never saw: what rules would do with them, whatever lies in there and in whatever order."""

from __future__ import annotations

import json
import mailbox
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from inboxd.adapters.clock import SystemClock
from inboxd.cli import app
from inboxd.core.model import MailboxFacts, MailboxName, Scores, Sentiment, ToRead
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Rulebook
from inboxd.desk.arrival import received
from inboxd.desk.imagine import imagine, in_order
from inboxd.ports import PastDecision
from tests.core.builders import JONAS, MARIA, NOW, book
from tests.stories.month import reading
from tests.trouble import hostile

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BOX = MailboxFacts(name=MailboxName("acme"), address="support@acme.example", brand="Acme")
HOSTILE = ("regex killers", "NULs", "lone surrogates", "40,000 broken encoded words", "nothing at all", "no headers", "noise")


def mail(
    number: int,
    sender: str = "ana@people.example",
    text: str = "calm en bug 0.95",
    *,
    at: datetime | None = MONDAY,
    answers: int = 0,
    **heads: str,
) -> bytes:
    message = EmailMessage()
    message["Message-ID"], message["From"], message["To"] = f"<m{number}@people.example>", sender, "support@acme.example"
    message["Subject"] = f"Thing {number}"
    if at is not None:
        message["Date"] = format_datetime(at)
    if answers:
        message["In-Reply-To"] = f"<m{answers}@people.example>"
    for name, value in heads.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message.as_bytes()


def imagined(mails: Iterable[bytes], under: Rulebook | None = None, now: datetime = NOW) -> list[PastDecision]:
    def read(texts: Sequence[ToRead]) -> list[Scores]:
        return [reading(text) for text in texts]

    return list(imagine(mails, under or book(), Policy(), BOX, read, now))


def hours(count: float) -> datetime:
    return MONDAY + timedelta(hours=count)


# --- what would have been known ----------------------------------------------------------------------------------------------


def test_who_wrote_before_is_known_and_each_contact_counts_once() -> None:
    mails = [
        mail(1),
        mail(2, at=hours(0.2), answers=1),  # an afterthought within half an hour: the same contact
        mail(3, "ben@people.example", at=hours(1)),
        mail(4, at=hours(30)),
        mail(5, text="thanks", at=hours(31), answers=4),
        mail(6, at=hours(60)),
    ]
    found = imagined(mails)
    assert [one.message for one in found] == [1, 2, 3, 4, 6]  # no rule has a part in thanks
    assert [one.situation.person is not None for one in found] == [False, True, False, True, True]
    assert [len(one.situation.contacts) for one in found] == [0, 1, 0, 1, 2]


def test_what_answers_a_mail_is_the_same_case_and_each_case_and_person_has_a_number_of_its_own() -> None:
    mails = [mail(1), mail(2, "ben@people.example"), mail(3, at=hours(5), answers=1), mail(4, "cem@people.example", at=hours(6))]
    found = imagined(mails)
    assert [one.case for one in found] == [1, 2, 1, 3]
    assert found[2].situation.case is not None and found[2].situation.story[0].message == 1
    assert [one.situation.next_person for one in found] == [1, 2, 3, 3]


def test_mails_without_a_sender_are_nobody_s_and_share_no_number() -> None:
    nobody = mail(1).replace(b"From: ana@people.example\n", b"")
    found = imagined([nobody, nobody.replace(b"m1@", b"m2@"), mail(3)])
    assert [one.situation.person for one in found] == [None, None, None]
    assert [one.case for one in found] == [1, 2, 3]
    assert [one.situation.next_person for one in found] == [1, 2, 3]


def test_a_colleague_who_writes_is_not_answered_by_themselves() -> None:
    found = imagined([mail(1, "maria@acme.example")])
    assert found[0].situation.agent == MARIA
    assert "maria" not in {getattr(action, "agent", "") for action in found[0].actions}


def test_who_got_a_case_lately_has_more_to_do_and_a_day_later_no_more() -> None:
    found = imagined([mail(number, f"c{number}@people.example", at=hours(number * 9)) for number in range(1, 6)])
    loads = [sum(candidate.open_cases for candidate in one.situation.candidates.values()) for one in found]
    assert loads == [0, 1, 2, 2, 2]


def test_automatic_mail_is_ignored_and_makes_nobody_known() -> None:
    ignoring = book()
    found = imagined([mail(1, Auto_Submitted="auto-replied"), mail(2, at=hours(1))], ignoring)
    assert found[-1].message == 2 and found[-1].situation.person is None and found[-1].situation.contacts == ()


def test_a_robot_s_thousands_of_mails_leave_only_those_that_a_rule_can_ask_for() -> None:
    found = imagined(mail(number, at=MONDAY + timedelta(days=number)) for number in range(1, 200))
    assert max(len(one.situation.contacts) for one in found) == 90 - 1


# --- dates -------------------------------------------------------------------------------------------------------------------


def test_a_mail_without_a_date_counts_as_of_the_mail_before_it_and_spoils_nothing_after_it() -> None:
    found = imagined([mail(1), mail(2, "b@b.example", at=None), mail(3, "c@c.example", at=hours(2))])
    assert [one.at for one in found] == [hours(0), hours(0), hours(2)]


def test_a_date_that_is_yet_to_come_counts_as_none() -> None:
    found = imagined([mail(1), mail(2, "b@b.example", at=datetime(2098, 1, 1, tzinfo=UTC)), mail(3, "c@c.example", at=hours(2))])
    assert [one.at for one in found] == [hours(0), hours(0), hours(2)]


def test_without_any_date_all_counts_as_of_now() -> None:
    assert [one.at for one in imagined([mail(1, at=None)])] == [NOW]


def test_time_never_runs_backwards() -> None:
    found = imagined([mail(1, at=hours(50)), mail(2, "b@b.example", at=hours(1))])
    assert [one.at for one in found] == [hours(50), hours(50)]


def test_mails_are_put_in_order_by_when_they_came_those_without_a_date_behind_their_neighbour() -> None:
    box = {"a": mail(1, at=hours(9)), "b": mail(2, at=None), "c": mail(3, at=hours(1)), "d": mail(4, at=hours(9)), "e": mail(5, at=None)}
    assert in_order(box, box.__getitem__) == ["c", "a", "b", "d", "e"]


@pytest.mark.parametrize(
    "date",
    [
        "Fri, 31 Dec 9999 23:59:59 -2359", "Sat, 1 Jan 0001 00:00:00 +2359", "99 Foo", "Mon, 32 Mar 2026 25:61:00 +9999", "", ";;;",
        "Mon, 2 Mar 2026 09:00:00 +999999999", "\x00", "2026-03-02", "Mon, 99999999999999999999 Mar 2026 09:00:00",
    ],
)  # fmt: skip
def test_no_date_however_odd_stops_the_work(date: str) -> None:
    raw = f"From: a@b.example\nDate: {date}\nSubject: x\n\ncalm\n".encode()
    at = received(raw)
    assert at is None or at.tzinfo is UTC
    assert len(imagined([raw, mail(2)])) == 2


def test_the_topmost_received_line_counts_before_the_date_that_the_sender_wrote() -> None:
    raw = b"Received: from x by y; Tue, 3 Mar 2026 10:00:00 +0100\n" + mail(1)
    assert received(raw) == datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    assert received(b"Received: from x by y; nonsense\n" + mail(1)) == MONDAY
    assert received(mail(1, at=MONDAY.replace(tzinfo=None))) == MONDAY  # -0000: no zone, taken as UTC


# --- the command -------------------------------------------------------------------------------------------------------------

RULES = """
agents: {maria: {email: maria@acme.example}, tom: {email: tom@acme.example}}
teams: {seniors: {agents: [maria]}, everyone: {agents: [tom]}}
lead: maria
rules:
  - {name: Machines, when: {kind: automatic}, then: {ignore: yes}}
  - {name: Again, when: {contacts: at least 3 in 14 days}, then: {assign: seniors, label: repeat}}
  - {name: The rest, then: {assign: everyone}}
"""
SETTINGS = """
admin: admin@acme.example
state_dir: state
rules: rules
mailboxes:
  acme:
    address: support@acme.example
    name: Acme
    imap: {host: localhost, user: a, password: {env: PASSWORD}}
    smtp: {host: localhost, user: a, password: {env: PASSWORD}}
"""
OTHER = RULES.replace("at least 3", "at least 2")


@pytest.fixture(scope="module")
def mails() -> list[bytes]:
    """200 mails of 40 people and some machines, seven of them made to hurt."""
    found = [
        mail(number, f"c{number % 40}@people.example", "Where is my order?", at=MONDAY + timedelta(days=number % 40, minutes=number))
        for number in range(1, 182)
    ]
    found += [
        mail(number, f"c{number}@people.example", "I am away", at=hours(number), Auto_Submitted="auto-replied")
        for number in range(182, 192)
    ]
    found += [hostile.MAILS[name]() for name in HOSTILE]
    return [*found, mail(300, "dateless@people.example", at=None), mail(301, "late@people.example", at=datetime(2099, 1, 1, tzinfo=UTC))]


def as_mbox(folder: Path, mails: Iterable[bytes]) -> list[str]:
    box = mailbox.mbox(folder / "mails.mbox")
    for raw in mails:
        box.add(raw)
    box.close()
    return ["--mbox", str(folder / "mails.mbox")]


def as_maildir(folder: Path, mails: Iterable[bytes]) -> list[str]:
    box = mailbox.Maildir(folder / "mails")
    for raw in mails:
        box.add(raw)
    box.close()
    return ["--maildir", str(folder / "mails")]


def run(folder: Path, *more: str, config: str = "none.yaml") -> Any:
    done = CliRunner().invoke(app, ["backtest", "--json", "--config", str(folder / config), "--rules", str(folder / "new"), *more])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, text in (("rules", RULES), ("new", OTHER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "inboxd.yaml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("store", [as_mbox, as_maildir])
def test_the_same_rules_on_both_sides_change_nothing(
    store: Callable[[Path, Iterable[bytes]], list[str]], place: Path, mails: list[bytes]
) -> None:
    found = run(place, *store(place, mails), "--old", str(place / "new"))
    assert found["messages"] > 190 and found["would_change"] == 0
    assert found["load"]["maria"]["was"]["cases"] > 0 and found["load"]["tom"]["was"]["cases"] > 0


@pytest.mark.parametrize("store", [as_mbox, as_maildir])
def test_with_settings_the_rules_in_force_are_compared_with_the_new_ones(
    store: Callable[[Path, Iterable[bytes]], list[str]], place: Path, mails: list[bytes]
) -> None:
    before = sorted(path.name for path in place.iterdir())
    where = store(place, mails)
    found = run(place, *where, config="inboxd.yaml")
    assert found["would_change"] > 0
    assert {(move["from"], move["to"]) for move in found["moves"]} == {("everyone (tom)", "seniors (maria)")}
    assert all(change["would"]["labels"] == ["repeat"] for change in found["changes"])
    assert sorted(path.name for path in place.iterdir()) == sorted([*before, Path(where[1]).name])  # no store was made


def test_without_settings_the_old_rules_are_those_that_are_named(place: Path, mails: list[bytes]) -> None:
    where = as_mbox(place, mails)
    assert run(place, *where, "--old", str(place / "rules")) == run(place, *where, config="inboxd.yaml")


def test_without_anything_to_compare_with_it_is_said_what_to_name(place: Path) -> None:
    where = as_mbox(place, [mail(1)])
    told = "nothing to compare with: name the new rules with --rules DIR, and the old ones with --old DIR or --config FILE"
    assert told in refused(place, "--rules", str(place / "new"), *where)
    assert told in refused(place, *where, config="inboxd.yaml")
    assert "--old goes with --mbox or --maildir" in refused(place, "--old", str(place / "rules"), config="inboxd.yaml")


def test_a_folder_of_mail_files_is_replayed_too(place: Path, mails: list[bytes]) -> None:
    folder = place / "plain"
    (folder / "more").mkdir(parents=True)
    for number, raw in enumerate(mails):
        (folder / ("more" if number % 2 else "") / f"{number}.{'EML' if number % 3 else 'eml'}").write_bytes(raw)
    (folder / "notes.txt").write_text("no mail", encoding="utf-8")
    found = run(place, "--maildir", str(folder), "--old", str(place / "rules"))
    expected = run(place, *as_mbox(place, mails), "--old", str(place / "rules"))
    assert found["messages"] == expected["messages"] and found["would_change"] == expected["would_change"] > 0


def test_only_mails_since_then_are_counted_and_those_before_tell_who_wrote(place: Path) -> None:
    now = SystemClock().now()
    written = [mail(number, at=now - timedelta(days=days)) for number, days in ((1, 9), (2, 1))]
    where = [*as_mbox(place, written), "--old", str(place / "rules")]
    assert run(place, *where)["messages"] == 2
    late = run(place, *where, "--since", "3d")
    assert late["messages"] == 1 and late["changes"][0]["would"]["labels"] == ["repeat"]


def refused(place: Path, *more: str, config: str = "none.yaml") -> str:
    """What is said where nothing can be replayed."""
    done = CliRunner().invoke(app, ["backtest", "--config", str(place / config), *more])
    assert done.exit_code in (1, 2, 78) and not isinstance(done.exception, AssertionError), done.output
    return str(done.stderr)


def test_what_is_no_mbox_and_no_folder_of_mails_is_said(place: Path) -> None:
    rules = ("--rules", str(place / "new"), "--old", str(place / "rules"))
    (place / "empty").write_bytes(b"\n")
    (place / "one.eml").write_bytes(mail(1))
    (place / "nothing").mkdir()
    assert "/dev/null: this file is empty" in refused(place, *rules, "--mbox", "/dev/null")
    assert "empty: this file is empty" in refused(place, *rules, "--mbox", str(place / "empty"))
    assert "one.eml: this is no mbox file" in refused(place, *rules, "--mbox", str(place / "one.eml"))
    assert "nothing: this is a folder; name it with --maildir" in refused(place, *rules, "--mbox", str(place / "nothing"))
    assert "this is no Maildir (with cur and new in it), and it holds no .eml" in refused(
        place, *rules, "--maildir", str(place / "nothing")
    )


def test_a_mailbox_that_is_not_there_is_said(place: Path) -> None:
    done = CliRunner().invoke(app, ["backtest", "--config", str(place / "none.yaml"), "--rules", str(place / "new"), "--mbox", "gone.mbox"])
    assert done.exit_code != 0 and "gone.mbox: there is no such file or folder" in done.stderr


def test_sentiment_of_the_case_is_remembered_from_mail_to_mail() -> None:
    found = imagined([mail(1, text="glad en bug 0.9"), mail(2, text="upset en bug 0.9", at=hours(3), answers=1)])
    case = found[1].situation.case
    assert case is not None and case.sentiment is Sentiment.HAPPY and case.assignee != JONAS
