"""The crash matrix: mails in, answers out, the power cut at random moments and at every named point; then everything is counted.

python -m tests.fire.matrix --mails 200 --customers 60 --kills 20 --server dovecot --seed 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded: a run can be played again

from tests.fire import cyrus
from tests.fire.ground import PATIENCE, Ground, a_ground, real_now
from tests.fire.players import Agents, Customers
from tests.fire.tally import Tally, count, is_quiet
from tests.servers import missing


def _around(*calls: str) -> tuple[str, ...]:
    return tuple(f"{call}.{side}" for call in calls for side in ("before", "after"))


# Each is passed by every mail that comes in, is routed, and answered. Those of adapters/kill_points.py that only rare
# events reach (parking, merging, a first run) are cut in tests/daemon.
POINTS = (
    *_around("mailbox.select", "mailbox.list", "mailbox.fetch"),
    "mailbox.fetch.batch",
    "mailbox.wait.after",
    *_around("store.cursor", "tx.see", "tx.move_cursor"),
    "store.begin.before",
    *("store.commit.before", "store.commit.before#2", "store.commit.before#3"),
    *("store.commit.after", "store.commit.after#2", "store.commit.after#3"),
    *_around("store.claim", "store.raw", "reader.read"),
    *_around("tx.record", "tx.reserve", "tx.queue", "tx.done"),
    *_around("store.outgoing", "tx.set_outgoing"),
    *_around("mailer.send", "mailer.before_data"),
)


DRAIN_EVERY = 2  # named points


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. `warm` starts are quicker; `disturb` is what is done to the servers in between, one a wave."""

    mails: int
    customers: int
    kills: int
    seed: int = 1
    server: str = "dovecot"
    points: Sequence[str] = POINTS
    warm: bool = False
    folder: str = "INBOX"
    disturb: Sequence[Callable[[Ground], None]] = ()
    mails_a_point: int = 2


@dataclass(kw_only=True)
class Run:
    """A plan being played."""

    plan: Plan
    ground: Ground
    customers: Customers
    agents: Agents
    chance: Random
    say: Callable[[str], None]
    _said: int = 0  # how many starts the log told of before the last one

    def random_kills(self) -> None:
        """Waves of mail; somewhere in each the power is cut, sometimes while the daemon is still starting."""
        kills = max(self.plan.kills, 1)
        for number in range(self.plan.kills):
            self.customers.write(self._share(number, kills))
            moment = self.chance.uniform(0.0, 2.0)
            if self.chance.random() < 0.8:
                self._running()
            self._pause(moment)
            self.ground.daemon.kill()
            self._said = self.ground.daemon.starts()
            self.ground.daemon.start()
            self.say(f"kill {number + 1} of {kills}, {moment:.2f} s after a start")

    def named_kills(self) -> list[str]:
        """One cut at each named point; returns those that were never reached."""
        unreached = []
        for number, point in enumerate(self.plan.points):
            self.ground.daemon.kill()
            self.ground.daemon.start(crash_at=point)
            self.customers.write(self.plan.mails_a_point)
            try:
                self.ground.eventually(lambda: not self.ground.daemon.alive, f"the cut at {point}", within=40)
            except AssertionError:
                unreached.append(point)
            if number % DRAIN_EVERY:
                self._drain()
            self.say(f"point {number + 1} of {len(self.plan.points)}: {point}")
        self.ground.daemon.kill()
        self.ground.daemon.start()
        return unreached

    def _drain(self) -> None:
        """Let the daemon decide what is there: a mail in whose hands it dies three times in a row is parked, and rightly so."""
        self.ground.daemon.kill()
        self.ground.daemon.start()
        waiting = "select 1 from job where kind = 'triage' and parked_at is null"
        self.ground.eventually(lambda: not self.ground.look(waiting), "all decided")

    def disturbances(self) -> None:
        """What servers do to those who trust them."""
        for disturb in self.plan.disturb:
            self.customers.write(self.plan.mails_a_point * 2)
            self._pause(self.chance.uniform(0.0, 1.0))
            disturb(self.ground)
            self.customers.write(self.plan.mails_a_point)
            self.say(disturb.__name__)
            self.rest()

    def rest(self) -> bool:
        """Wait until all is quiet, twice in a row; whether it came to that. What holds it up is for the counts to say."""
        seen: list[bool] = []

        def quiet() -> bool:
            self.agents.raise_error()
            seen.append(is_quiet(self.ground, self.customers, self.agents))
            return len(seen) > 1 and seen[-1] and seen[-2]

        try:
            return bool(self.ground.eventually(quiet, "quiet", within=PATIENCE * 1.5))
        except AssertionError as error:
            self.say(str(error)[:4000])
            return False

    def _running(self) -> None:
        before = self._said
        self.ground.eventually(lambda: self.ground.daemon.starts() > before, "the daemon", within=PATIENCE)

    def _share(self, number: int, of: int) -> int:
        return (self.plan.mails * (number + 1)) // of - (self.plan.mails * number) // of

    def _pause(self, seconds: float) -> None:
        until = real_now() + seconds
        self.ground.eventually(lambda: real_now() >= until, "time")


def play(plan: Plan, say: Callable[[str], None] = lambda _: None) -> Tally:
    """Play a plan from empty mailboxes to the counts."""
    begun = real_now()
    with a_ground(plan.server, plan.customers, warm=plan.warm, folder=plan.folder) as ground:
        run = Run(
            plan=plan, ground=ground, customers=Customers(ground=ground, seed=plan.seed), agents=Agents(ground=ground, seed=plan.seed),
            chance=Random(plan.seed), say=say,
        )  # fmt: skip
        ground.first_look()
        run.agents.begin()
        try:
            if not plan.kills:
                run.customers.write(plan.mails)
            run.random_kills()
            unreached = run.named_kills() if plan.points else []
            run.disturbances()
            quiet = run.rest()
        finally:
            run.agents.end()
        tally = count(ground, run.customers, run.agents, real_now() - begun)
        tally.wrong["named points never reached"] = len(unreached)
        tally.wrong["never quiet"] = int(not quiet)
        tally.details["never reached"] = unreached
        ground.daemon.stop()
        return tally


def why_not(server: str) -> str:
    """Why this server cannot run here; "" if it can."""
    return missing() or (cyrus.missing() if server == "cyrus" else "")


def main() -> int:
    """Play what the command line asks for; 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description="Kill the daemon while mail flows, then count every mail.")
    for name, default in (("mails", 200), ("customers", 60), ("kills", 20), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--server", choices=("dovecot", "cyrus"), default="dovecot")
    parser.add_argument("--warm", action="store_true", help="start from a parent that has loaded the model")
    parser.add_argument("--no-points", action="store_true", help="random moments only")
    given = parser.parse_args()
    if reason := why_not(given.server):
        print(f"cannot run: {reason}", file=sys.stderr)
        return 2
    plan = Plan(
        mails=given.mails, customers=given.customers, kills=given.kills, seed=given.seed, server=given.server, warm=given.warm,
        points=() if given.no_points else POINTS,
    )  # fmt: skip
    tally = play(plan, say=lambda text: print(text, file=sys.stderr, flush=True))
    title = f"{given.server}: {given.kills} random kills, {len(plan.points)} named points, seed {given.seed}"
    print(tally.table(title), flush=True)
    return int(tally.failed)


if __name__ == "__main__":
    sys.exit(main())
