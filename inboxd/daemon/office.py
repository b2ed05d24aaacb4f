"""The office: what every loop shares. One object is swapped whole when rules are reloaded, so nobody sees half a rule set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inboxd.core.compose import Templates
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

    @property
    def directory(self) -> Directory:
        """Who is who by address."""
        own = frozenset(a for m in self.mailboxes.values() for a in (m.address, *m.aliases))
        agents = frozenset(e for agent in self.rules.book.agents.values() for e in agent.emails)
        return Directory(own=own, agents=agents, junk=frozenset((m.name, m.junk) for m in self.mailboxes.values() if m.junk))

    def mailbox(self, name: MailboxName) -> MailboxFacts:
        """A mailbox by name. Of one that was taken out of the settings the first one speaks: its mail is still somebody's."""
        return self.mailboxes.get(name) or next(iter(self.mailboxes.values()))

    def gatherer(self, rules: RuleSet) -> Gatherer:
        """Gathers facts under these rules."""
        return Gatherer(book=rules.book, policy=self.policy, keys=self.keys, mailboxes=self.mailboxes)

    def writer(self, rules: RuleSet) -> Writer:
        """Writes letters with these templates."""
        return Writer(templates=rules.templates, mailboxes=self.mailboxes, key=self.keys[0], zone=self.policy.zone, fresh=self.clock.fresh)
