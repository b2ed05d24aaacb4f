"""The main job on bad lines and lying servers: streams cut at every k-th byte, restarts, mailboxes numbered anew (I1-I3, I11)."""

from __future__ import annotations

import imaplib
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from random import Random  # noqa: TID251 - seeded

import pytest

from tests.fire.fault_proxy import CLIENT, SERVER, Fault, FaultProxy
from tests.fire.ground import Ground, a_ground, change
from tests.fire.hand import Hand, a_hand
from tests.fire.matrix import Plan, play, why_not
from tests.fire.tally import Tally
from tests.servers import PASSWORD, Dovecot, _pid

CUTS = int(os.environ.get("INBOXD_CUTS", "14"))  # a direction; `make soak` asks for more

pytestmark = pytest.mark.skipif(bool(why_not("dovecot")), reason=why_not("dovecot") or "the servers are here")


@pytest.fixture
def hand() -> Iterator[Hand]:
    with a_ground("dovecot", 10) as ground, a_hand(ground, seed=1) as one:
        yield one


def right(tally: Tally, title: str) -> None:
    print("\n" + tally.table(title))
    assert not tally.failed, tally.table(title)


def positions(length: int, chance: Random) -> list[int]:
    """Every k-th byte of a talk, with k so that there are `CUTS` of them, beginning anywhere in the first k."""
    step = max(1, length // CUTS)
    return list(range(chance.randrange(step), length, step))


def cut_everywhere(hand: Hand, proxy: FaultProxy) -> None:
    """Measure one talk, then cut such a talk at each position, with FIN and RST in turn; each fault is followed by a good line."""
    chance = Random(7)
    hand.hang_up()
    proxy.arm(None)
    hand.receive(2)
    hand.turn()
    lengths = dict(proxy.passed)
    assert all(lengths.values())
    cuts = [(side, at) for side in (SERVER, CLIENT) for at in positions(lengths[side], chance)]
    for number, (side, at) in enumerate(cuts):
        hand.agents.work()
        hand.receive(1)
        hand.hang_up()
        proxy.arm(Fault(side=side, after=at, reset=bool(number % 2)))
        hand.turn()
        proxy.arm(None)
        hand.turn()
    hand.rest()
    assert proxy.fired >= len(cuts) * 3 // 4, f"only {proxy.fired} of {len(cuts)} cuts happened"


def test_an_imap_stream_cut_at_every_kth_byte_loses_and_doubles_nothing(hand: Hand) -> None:
    cut_everywhere(hand, hand.imap)
    right(hand.tally(), "IMAP cut at every k-th byte")


def test_an_smtp_stream_cut_at_every_kth_byte_loses_and_doubles_nothing(hand: Hand) -> None:
    cut_everywhere(hand, hand.smtp)
    tally = hand.tally()
    right(tally, "SMTP cut at every k-th byte")
    assert tally.told["ambiguous attempts"], "some cuts fell where nobody can know"


ODD_LINES = {
    "imap: one byte at a time": ("imap", Fault(segment=1)),
    "imap: slow small segments": ("imap", Fault(segment=200, delay=0.01)),
    "imap: silence in a mail": ("imap", Fault(on=rb"BODY\[\]", hole=True)),
    "imap: cut in a mail": ("imap", Fault(on=rb"BODY\[\]")),
    "imap: the word after a login is lost": ("imap", Fault(on=rb"Logged in", swallow=True)),
    "smtp: one byte at a time": ("smtp", Fault(segment=1)),
    "smtp: the word to begin is lost": ("smtp", Fault(on=rb"354 ", swallow=True)),
    "smtp: the final dot is lost": ("smtp", Fault(side=CLIENT, on=rb"\r\n\.\r\n", swallow=True)),
    "smtp: the word after the dot is lost": ("smtp", Fault(on=rb"queued as", swallow=True)),
    "smtp: the word after the dot is lost, reset": ("smtp", Fault(on=rb"queued as", swallow=True, reset=True)),
    "smtp: silence after the dot": ("smtp", Fault(on=rb"queued as", hole=True, swallow=True)),
}


def test_odd_lines_of_all_kinds_lose_and_double_nothing(hand: Hand) -> None:
    for what, fault in ODD_LINES.values():
        proxy: FaultProxy = getattr(hand, what)
        hand.receive(1)
        hand.hang_up()
        fired = proxy.fired
        proxy.arm(fault)
        hand.turn()
        proxy.arm(None)
        assert proxy.fired > fired or fault.on is None
        hand.turn()
        hand.agents.work()
    hand.rest()
    right(hand.tally(), "odd lines")


# --- servers that forget ---------------------------------------------------------------------------------------------


def _dovecot(ground: Ground) -> Dovecot:
    assert isinstance(ground.server, Dovecot)
    return ground.server


def server_crashed(ground: Ground) -> None:
    """All its processes at once, in the midst of whatever they do."""
    pid_file = _dovecot(ground).place / "run" / "master.pid"
    os.killpg(_pid(pid_file), signal.SIGKILL)
    pid_file.unlink()
    ground.server.restart()


def uidvalidity_set_anew(ground: Ground) -> None:
    """The UIDs stay, and mean nothing any more."""
    _dovecot(ground).doveadm("mailbox", "update", "-u", "support", "--uid-validity", "4242", "INBOX")


def index_files_deleted(ground: Ground) -> None:
    """UIDVALIDITY is another one and all UIDs are given out anew."""
    pid_file = _dovecot(ground).place / "run" / "master.pid"
    os.killpg(_pid(pid_file), signal.SIGKILL)
    pid_file.unlink()
    for path in (_dovecot(ground).place / "home" / "support" / "Maildir").glob("dovecot*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ground.server.restart()


def test_restarts_and_folders_numbered_anew_in_mid_run_lose_and_double_nothing() -> None:
    disturb: Sequence[Callable[[Ground], None]] = (server_crashed, uidvalidity_set_anew, index_files_deleted)
    plan = Plan(mails=10, customers=8, kills=0, points=(), warm=True, disturb=disturb, seed=3)
    right(play(plan), "restarts, UIDVALIDITY changed")


def test_a_folder_deleted_made_again_and_filled_again_is_known_again() -> None:
    with a_ground("dovecot", 6, folder="Support") as ground:
        _dovecot(ground).doveadm("mailbox", "create", "-u", "support", "Support")
        change(ground, "inbox: INBOX", "inbox: Support")
        with a_hand(ground, seed=5) as hand:
            hand.receive(4)
            hand.rest()
            kept = [letter.raw for letter in ground.post("support").letters("Support")]
            hand.receive(2)
            kept += [letter.raw for letter in ground.post("support").letters("Support")[len(kept) :]]
            fill_again(ground, kept, hand.turn)
            hand.receive(2)
            hand.rest()
            right(hand.tally(), "folder deleted and made again")
            assert len(ground.look("select distinct uidvalidity from sighting")) == 2


def fill_again(ground: Ground, mails: Sequence[bytes], meanwhile: Callable[[], None]) -> None:
    """As after a restore: the folder is new, and everything that lay in it lies there again, with today's dates."""
    ground.post("support").leave()
    _dovecot(ground).doveadm("mailbox", "delete", "-u", "support", "Support")
    meanwhile()
    begun = int(time.monotonic())
    ground.eventually(lambda: int(time.monotonic()) > begun + 1, "another second, which UIDVALIDITY is made of")
    _dovecot(ground).doveadm("mailbox", "create", "-u", "support", "Support")
    with imaplib.IMAP4("127.0.0.1", ground.server.imap_port, timeout=20) as imap:
        imap.login("support", PASSWORD)
        for raw in mails:
            imap.append("Support", "", "", raw)
