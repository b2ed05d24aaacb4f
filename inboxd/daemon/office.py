"""The office: what every loop shares. One object is swapped whole when rules are reloaded, so nobody sees half a rule set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from inboxd.core.compose import Templates
from inboxd.core.findings import Findings
from inboxd.core.model import Directory, MailboxFacts, MailboxName
from inboxd.core.policy import Policy
from inboxd.core.rulebook import Rulebook
from inboxd.daemon.gather import Gatherer
from inboxd.daemon.write import Writer
from inboxd.ports import Clock, Reader, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules and templates that belong together, checked together, swapped together."""

    book: Rulebook
    templates: Templates
    reader: Reader
    files: str = ""  # the rule files' text, kept beside the decisions that name their hash


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTried:
    """What came of rules that were only tried: mistakes, or warnings, rule tests and what they would have done with past mail."""

    mistakes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    tests: int = 0
    failed: tuple[str, ...] = ()
    backtest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What a week taught us, and the report page that shows it."""

    findings: Findings
    page: bytes


def _no_week(_mailbox: MailboxName, _first: date, _last: date) -> Week | None:
    return None


def _no_trial(_files: Mapping[str, bytes]) -> RulesTried:
    return RulesTried(mistakes=("rules cannot be tried here",))


@dataclass(slots=True, kw_only=True)
class Office:
    """Everything a loop needs; only `rules` ever changes, and only as a whole."""

    store: Store
    clock: Clock
    rules: RuleSet
    policy: Policy
    mailboxes: Mapping[MailboxName, MailboxFacts]
    admin: str
    keys: Sequence[bytes]
    try_rules: Callable[[Mapping[str, bytes]], RulesTried] = _no_trial  # the files by name, put beside the rules in force
    look_back: Callable[[MailboxName, date, date], Week | None] = _no_week  # from the first day to the last; None: there is nothing to tell

    def directory(self, rules: RuleSet) -> Directory:
        """Who is who by address, under these rules."""
        own = frozenset(a for m in self.mailboxes.values() for a in (m.address, *m.aliases))
        agents = frozenset(e for agent in rules.book.agents.values() for e in agent.emails)
        junk = frozenset((m.name, m.junk) for m in self.mailboxes.values() if m.junk)
        authserv = {m.name: m.authserv_id for m in self.mailboxes.values() if m.authserv_id}
        sent = frozenset((m.name, m.sent) for m in self.mailboxes.values() if m.sent)
        return Directory(own=own, agents=agents, identity=rules.book.identity, junk=junk, sent=sent, authserv=authserv)

    def mailbox(self, name: MailboxName) -> MailboxFacts:
        """A mailbox by name. Of one that was taken out of the settings the first one speaks: its mail is still somebody's."""
        return self.mailboxes.get(name) or next(iter(self.mailboxes.values()))

    def gatherer(self, rules: RuleSet) -> Gatherer:
        """Gathers facts under these rules."""
        return Gatherer(book=rules.book, policy=self.policy, keys=self.keys, mailboxes=self.mailboxes)

    def writer(self, rules: RuleSet) -> Writer:
        """Writes letters with these templates."""
        return Writer(templates=rules.templates, mailboxes=self.mailboxes, key=self.keys[0], zone=self.policy.zone, fresh=self.clock.fresh)
