"""What became of every mail, counted in the mailboxes and in the store, and the one table that says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.fire.ground import Ground
from tests.fire.players import MARK, Agents, Customers, is_routed, marks
from tests.real_desk import AGENTS, Letter


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts of one run. Those under `wrong` must all be 0."""

    mails: int
    answers: int
    wrong: dict[str, int]
    told: dict[str, int]
    details: dict[str, Sequence[str]] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether anything that must not happen happened."""
        return any(self.wrong.values())

    def table(self, title: str) -> str:
        """All counts, for people."""
        rows = [("customers' mails", self.mails, ""), ("agents' answers", self.answers, "")]
        rows += [(name, count, "" if not count else "MUST BE 0") for name, count in self.wrong.items()]
        rows += [(name, count, "") for name, count in self.told.items()]
        lines = [f"{name:<42}{count:>7}  {remark}".rstrip() for name, count, remark in rows]
        lines += [f"  {name}: {', '.join(each[:8])}" for name, each in self.details.items() if each]
        return "\n".join([title, "-" * len(title), *lines, f"{'seconds':<42}{self.seconds:>7.0f}"])


def is_quiet(ground: Ground, customers: Customers, agents: Agents) -> bool:
    """Whether everything sent has arrived, was stored and decided, and all that was decided has left."""
    expected = len(customers.sent) + len(agents.sent)
    if ground.on_the_way() or ground.arrived() < expected:
        return False
    stored = ground.look("select count(distinct message_id) as n from message where message_id <> ''")
    busy = ground.look("select 1 from job where kind in ('triage', 'send', 'hand_over') and parked_at is null")
    if not stored or stored[0]["n"] < expected or busy:
        return False
    routed = {letter.message_id for name in AGENTS for letter in ground.post(name).letters() if is_routed(letter)}
    return routed <= set(agents.answered) and len(customers.sent) + len(agents.sent) == expected


def count(ground: Ground, customers: Customers, agents: Agents, seconds: float) -> Tally:
    """Count everything; nothing may run meanwhile that could change it."""
    to_agents = [letter for name in AGENTS for letter in ground.post(name).letters()]
    to_customers = {name: ground.post(name).letters() for name in ground.customers}
    every = {letter.message_id: letter for letters in (to_agents, *to_customers.values()) for letter in letters}
    sent = {**customers.sent, **agents.sent}
    rows = Counter(row["message_id"] for row in ground.look("select message_id from message"))
    with_case = {row["message_id"] for row in ground.look("select message_id from message where case_id is not null")}
    routed = _bearers([letter for letter in to_agents if is_routed(letter)], marks)
    answers = _bearers([letter for letters in to_customers.values() for letter in letters], _own_marks)
    unknown = {row["message_id"] for row in ground.look("select message_id from outgoing where state = 'unknown'")}
    undelivered = len(unknown - {letter.strip("<>") for letter in every})
    lost = [mark for id_, mark in sent.items() if id_ not in with_case]
    not_routed = [mark for mark in customers.sent.values() if mark not in routed]
    routed_twice = [mark for mark in customers.sent.values() if len(routed.get(mark, ())) > 1]
    answers_lost = [mark for mark in agents.sent.values() if mark not in answers]
    answers_twice = [mark for mark in agents.sent.values() if len(answers.get(mark, ())) > 1]
    served = Counter(row["m"] for row in ground.look(_ROUTES))
    parked = ground.look("select key, error from job where parked_at is not null and error not like 'nobody knows%'")
    code, said = ground.inboxd("reconcile")
    details: dict[str, Sequence[str]] = {"lost": lost, "not routed": not_routed, "routed twice": routed_twice, "answers lost": answers_lost}
    details |= {"answers doubled": answers_twice, "parked": [f"{row['key']} ({row['error']})" for row in parked]}
    details |= {"reconcile": said.splitlines() if code else ()}
    wrong = {
        "lost (no case message)": len(lost),
        "stored twice": sum(times > 1 for times in rows.values()),
        "customers' mails that no agent got": max(0, len(not_routed) - undelivered),
        "routed twice (two Message-IDs)": len(routed_twice) + sum(times > 1 for times in served.values()),
        "answers lost": max(0, len(answers_lost) - undelivered),
        "answers doubled (two Message-IDs)": len(answers_twice),
        "parked innocent jobs": len(parked),
        "reconcile exit code": code,
    }
    told = {
        "copies under the same Message-ID": _copies(to_agents) + sum(_copies(each) for each in to_customers.values()),
        "ambiguous attempts": int(ground.look("select coalesce(sum(ambiguous), 0) as n from outgoing")[0]["n"]),
        "left for a person, end unknown": len(unknown),
        "starts of the daemon": ground.daemon.starts(),
    }
    return Tally(mails=len(customers.sent), answers=len(agents.sent), wrong=wrong, told=told, details=details, seconds=seconds)


# One customer's mail is routed by one purpose: to one agent. Hand-overs of gathered mails have purposes of their own.
_ROUTES = "select substr(purpose_key, 7, instr(substr(purpose_key, 7), ':') - 1) as m from outgoing where purpose_key like 'route:%'"


def _bearers(letters: Sequence[Letter], brings: Callable[[Letter], Sequence[str]]) -> dict[str, set[str]]:
    """Under which Message-IDs each mark was brought."""
    found: dict[str, set[str]] = {}
    for letter in letters:
        for mark in brings(letter):
            found.setdefault(mark, set()).add(letter.message_id)
    return found


def _own_marks(letter: Letter) -> list[str]:
    """What an answer says itself, not what it quotes."""
    own = "\n".join(line for line in letter.text.splitlines() if not line.startswith(">"))
    return MARK.findall(own)


def _copies(letters: Sequence[Letter]) -> int:
    """Second and further copies of one mail in one mailbox."""
    return sum(times - 1 for times in Counter(letter.message_id for letter in letters).values())
