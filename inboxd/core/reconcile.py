"""Reconcile: the ledger against the server. Every mail ever listed is accounted for, or named as unexplained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from inboxd.core.model import MessageNo


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One line of the ledger, with what became of the message."""

    uidvalidity: int
    uid: int
    state: str  # of ports.SightingState
    message: MessageNo | None = None
    decided: bool = False
    waiting: bool = False  # a triage job is there
    parked: bool = False
    dropped: bool = False  # a person gave it up
    filed: bool = False  # we moved it into the folder that a rule names


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How every mail of a folder is accounted for."""

    counts: Mapping[str, int] = field(default_factory=dict)  # in the words of the documentation
    new: int = 0  # on the server and not fetched yet
    missing: tuple[int, ...] = ()  # UIDs on the server, below the cursor, of which the ledger knows nothing
    undecided: tuple[MessageNo, ...] = ()  # stored, never decided, and no job is there to do it

    @property
    def explained(self) -> bool:
        """Whether nothing is left that nobody can explain."""
        return not self.missing and not self.undecided


def reconcile(on_server: Collection[int], uidvalidity: int, next_uid: int, ledger: Sequence[LedgerRow]) -> Account:
    """Compare the UIDs that the server lists now with the ledger of all times."""
    here = frozenset(on_server)
    known = {row.uid for row in ledger if row.uidvalidity == uidvalidity}
    counts = Counter(_fate(row, uidvalidity, here) for row in ledger)
    return Account(
        counts=dict(sorted(counts.items())),
        new=sum(uid >= next_uid for uid in here),
        missing=tuple(sorted(uid for uid in here - known if uid < next_uid)),
        undecided=tuple(row.message for row in ledger if row.message is not None and _lost(row)),
    )


def _fate(row: LedgerRow, uidvalidity: int, here: frozenset[int]) -> str:
    if row.parked:
        return "parked"
    if row.dropped:
        return "given up by a person"
    if row.waiting:
        return "waiting to be read"
    moved = row.uidvalidity == uidvalidity and row.uid not in here
    if row.filed and moved:
        return "filed by a rule"
    if row.state in ("stored", "oversize") and moved:
        return f"{row.state}, since moved or deleted by a person"
    return {"copy": "known copy", "before": "before the first run", "gone": "gone before it was fetched"}.get(row.state, row.state)


def _lost(row: LedgerRow) -> bool:
    return row.state in ("stored", "oversize") and not (row.decided or row.waiting or row.parked)
