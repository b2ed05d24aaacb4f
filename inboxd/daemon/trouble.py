"""Trouble: what does not work just now, since when, and which of it lasts so long that a person must hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inboxd.core.model import MailboxName

TELL_AFTER = 600.0  # seconds: trouble that passes by itself sooner is nobody's business
DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Trouble that lasts: one reason, and everything that suffers from it."""

    names: tuple[str, ...]
    why: str
    since: datetime


@dataclass(slots=True, kw_only=True)
class Watch:
    """Remembers since when things are in trouble. Real time decides what lasts: a clock that is set makes nothing old."""

    _since: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def over(self, health: Mapping[str, str]) -> tuple[str, ...]:
        """What was in trouble and is well again; it is forgotten with that."""
        well = tuple(name for name in self._since if name not in health)
        for name in well:
            del self._since[name]
            self._told.discard(name)
        return well

    def lasting(self, health: Mapping[str, str], steady: float, now: datetime) -> tuple[Lasting, ...]:
        """What lasts and was not told yet, each reason once; it counts as told from now on."""
        found: dict[str, list[str]] = {}
        for name, why in health.items():
            began, _ = self._since.setdefault(name, (steady, now))
            if steady - began >= TELL_AFTER and name not in self._told:
                found.setdefault(why, []).append(name)
                self._told.add(name)
        return tuple(
            Lasting(names=tuple(names), why=why, since=min(self._since[name][1] for name in names)) for why, names in found.items()
        )


def in_words(name: str) -> str:
    """What does not work, for people: `fetch:acme:INBOX` is "fetching mail from INBOX of acme"."""
    what, _, rest = name.partition(":")
    mailbox, _, folder = rest.partition(":")
    said = {"triage": "reading what came in", "house": "dates of cases", "deliver": "sending mail", DISK: "space on the disk"}
    if what == "fetch":
        return f"fetching mail from {folder} of {mailbox}"
    return f"sending mail of {mailbox}" if what == "send" else said.get(what, name)


def mailboxes_in(names: tuple[str, ...]) -> frozenset[MailboxName]:
    """The mailboxes that are in trouble."""
    return frozenset(MailboxName(name.split(":")[1]) for name in names if ":" in name)
