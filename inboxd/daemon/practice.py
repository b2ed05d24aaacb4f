"""Greet newcomers: every agent who stands in the rules for the first time gets one mail to practise with."""

from __future__ import annotations

from datetime import datetime

from inboxd.core.model import Mode, Send
from inboxd.core.practice import greeting
from inboxd.core.understand import place_of
from inboxd.daemon.office import Office, RuleSet
from inboxd.daemon.write import store
from inboxd.errors import Temporary
from inboxd.logs import log
from inboxd.ports import Transaction


def know_everybody(office: Office) -> None:
    """Nobody who stands in the rules now is a newcomer: in a team that has worked here for long."""
    with office.store.transaction() as tx:
        for agent in office.rules.book.agents:
            tx.greet(agent, office.clock.now())


def greet_newcomers(office: Office, rules: RuleSet, tx: Transaction, now: datetime) -> None:
    """Once for each agent, as soon as a mailbox does more than watch. One who cannot be written to holds up nobody."""
    mailbox = next((each for each in office.mailboxes.values() if each.mode is not Mode.WATCH), None)
    known = tx.greeted()
    for agent in rules.book.agents.values() if mailbox is not None else ():
        if agent.name in known or mailbox is None:
            continue
        try:
            with tx.savepoint():
                store(tx, office.writer(rules).write(tx, [Send(letter=greeting(mailbox, agent, now))], now), office.mailboxes, now)
                tx.greet(agent.name, now)
        except Temporary:
            raise
        except Exception as error:
            log("agent.not_greeted", level="error", error=place_of(error), todo="inboxd check")
