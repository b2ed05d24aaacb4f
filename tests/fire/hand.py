"""The daemon's loops turned by hand in this process, on the real adapters: no pause has to be waited for, the clock is put forward."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from inboxd.adapters.clock import SystemClock
from inboxd.adapters.smtp import SmtpMailer
from inboxd.bootstrap import World, supervisor
from inboxd.config import load_settings
from inboxd.daemon.deliver import deliver
from inboxd.daemon.fetch import fetch
from inboxd.daemon.keep_house import keep_house, open_house
from inboxd.daemon.practice import know_everybody
from inboxd.daemon.supervise import Supervisor
from inboxd.daemon.triage import triage
from inboxd.errors import InboxdError
from tests.fire.fault_proxy import FaultProxy, a_fault_proxy
from tests.fire.ground import Ground, change
from tests.fire.players import Agents, Customers
from tests.fire.tally import Tally, count, is_quiet

PAUSE = timedelta(minutes=2)  # longer than the first wait after a send that did not get through


@dataclass
class ForwardClock:
    """The real clock, put forward."""

    ahead: timedelta = timedelta(0)
    real: SystemClock = field(default_factory=SystemClock)

    def now(self) -> datetime:
        return self.real.now() + self.ahead

    def wait_until(self, at: datetime | None, wake: threading.Event) -> None:
        raise AssertionError("nothing waits here")

    def fresh(self) -> str:
        return self.real.fresh()


@dataclass(kw_only=True)
class Hand:
    """Turns the loops; a proxy stands before IMAP and one before SMTP."""

    ground: Ground
    supervisor: Supervisor
    clock: ForwardClock
    imap: FaultProxy
    smtp: FaultProxy
    customers: Customers
    agents: Agents

    def turn(self) -> None:
        """Each loop once, as far as it gets."""
        office = self.supervisor.office
        for source in self.supervisor.sources:
            try:
                fetch(source, office.store, office.clock)
            except InboxdError:
                source.mailbox.close()
        while triage(office):
            pass
        while keep_house(office):
            pass
        while deliver(office, self.supervisor.post):
            pass
        self.clock.ahead += PAUSE

    def hang_up(self) -> None:
        """Let the next turn connect anew, so that the whole talk is under the fault."""
        for source in self.supervisor.sources:
            source.mailbox.close()

    def receive(self, mails: int = 1) -> None:
        """These mails lie in the watched folder."""
        self.customers.write(mails)
        expected = len(self.customers.sent) + len(self.agents.sent)
        self.ground.eventually(lambda: self.ground.arrived() >= expected, "the mails in the folder")

    def rest(self) -> None:
        """Turn until all is quiet."""

        def quiet() -> bool:
            self.turn()
            self.agents.work()
            return is_quiet(self.ground, self.customers, self.agents)

        self.ground.eventually(quiet, "quiet")

    def tally(self) -> Tally:
        """Count everything."""
        return count(self.ground, self.customers, self.agents, 0.0)


@contextmanager
def a_hand(ground: Ground, seed: int) -> Iterator[Hand]:
    """Proxies before the servers, the daemon built, its first look done."""
    with ExitStack() as stack:
        imap = stack.enter_context(a_fault_proxy(ground.server.imap_port))
        smtp = stack.enter_context(a_fault_proxy(ground.postfix.smtp_port))
        change(ground, f"port: {ground.server.imap_port}", f"port: {imap.listens}")
        change(ground, f"port: {ground.postfix.smtp_port}", f"port: {smtp.listens}")
        settings, clock = load_settings(ground.home / "inboxd.yaml"), ForwardClock()
        daemon = supervisor(settings, World(clock=clock, imap_timeout=1.0))
        stack.callback(daemon.office.store.close)
        (box,) = settings.mailboxes
        daemon.post.mailers[box.facts.name] = SmtpMailer(box.smtp, timeout=1.0, dot_timeout=1.0)  # type: ignore[index]
        know_everybody(daemon.office)
        open_house(daemon.office)
        hand = Hand(
            ground=ground, supervisor=daemon, clock=clock, imap=imap, smtp=smtp,
            customers=Customers(ground=ground, seed=seed), agents=Agents(ground=ground, seed=seed),
        )  # fmt: skip
        stack.callback(hand.hang_up)
        hand.turn()
        yield hand
