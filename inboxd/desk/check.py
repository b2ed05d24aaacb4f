"""What `inboxd check` works out of settings and rules together: mistakes across files, and what is hardly meant."""

from __future__ import annotations

from collections.abc import Iterable, Set

from inboxd.config import Settings
from inboxd.core.rulebook import Rulebook, Then
from inboxd.core.rules import QUESTIONS
from inboxd.core.tokens import LONGEST_LOCAL_PART
from inboxd.yaml_source import did_you_mean


def cross_check(settings: Settings, rulebook: Rulebook, templates: Set[str]) -> list[str]:
    """Say every mistake that no file shows alone; `templates` are the names that exist."""
    return [*_support_addresses(settings, rulebook), *_too_long(settings), *_lead(rulebook), *_templates(rulebook, templates)]


def _support_addresses(settings: Settings, rulebook: Rulebook) -> Iterable[str]:
    ours = {address.lower(): box.facts.name for box in settings.mailboxes for address in (box.facts.address, *box.facts.aliases)}
    for agent in rulebook.agents.values():
        for email in agent.emails:
            if _without_plus(email) in ours:
                mailbox = ours[_without_plus(email)]
                yield (
                    f"agent '{agent.name}' has the address {email}, which is the address of mailbox '{mailbox}':"
                    " what we send there would come back to us; give the agent an address of their own"
                )
    for who, email in (("lead", rulebook.lead), ("admin", settings.admin)):
        if "@" in email and _without_plus(email) in ours:
            yield f"the {who} is {email}, which is a support address; name a person"


def _too_long(settings: Settings) -> Iterable[str]:
    for box in settings.mailboxes:
        local = box.facts.address.rpartition("@")[0]
        if box.facts.plus_addresses and len(local) > LONGEST_LOCAL_PART:
            yield (
                f"mailbox '{box.facts.name}': {local} has {len(local)} letters, and a signed address would pass the 64 that mail allows;"
                " write 'addresses: none', then a reply is known by the Message-ID that it answers"
            )


def _without_plus(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _lead(rulebook: Rulebook) -> Iterable[str]:
    if not rulebook.lead:
        yield "no 'lead:' in the rules: somebody must be told when a customer waits; write 'lead: petra'"


def _templates(rulebook: Rulebook, templates: Set[str]) -> Iterable[str]:
    for rule in rulebook.rules:
        name = rule.then.reply_with
        if name and name not in templates:
            hint = did_you_mean(name, templates)
            yield f"{rule.file}:{rule.line}: rule '{rule.name}': no template called '{name}'{hint}"


# --- lints -----------------------------------------------------------------------------------------------------------


def lint(rulebook: Rulebook) -> list[str]:
    """Say what is allowed but hardly meant: rules that can never decide, teams with nobody there, no catch-all."""
    return [*_useless_rules(rulebook), *_people(rulebook)]


def _useless_rules(rulebook: Rulebook) -> Iterable[str]:
    answered: dict[str, str] = {}  # question -> the rule without conditions that answers it for every mail
    nobody = ""  # the rule that ignores every mail
    for rule in rulebook.rules:
        asked = _answers(rule.then)
        if nobody or (asked and asked <= answered.keys()):
            above = nobody or answered[min(asked)]
            place = f"{rule.file}:{rule.line}: " if rule.file else ""
            yield f"{place}rule '{rule.name}' can never decide anything: '{above}' above it is for every mail"
        if not rule.when:
            answered |= dict.fromkeys(asked - answered.keys(), rule.name)
            nobody = nobody or (rule.name if rule.then.ignore else "")
    if "assign" not in answered:
        yield "no rule without conditions assigns: mail that no rule takes goes to nobody; end with 'Everything else'"


def _answers(then: Then) -> set[str]:
    answers = {question for question in QUESTIONS if getattr(then, question) is not None}
    if then.ignore:
        answers.add("assign")
    return answers | {f"label {label}" for label in then.labels} | {f"tell {who}" for who in then.tell}


def _people(rulebook: Rulebook) -> Iterable[str]:
    for team in rulebook.teams.values():
        if not team.agents:
            yield f"team '{team.name}' has no agents" + ("" if team.fallback else ", and no 'if_nobody_is_free'")
    if rulebook.senior_team not in rulebook.teams:
        yield f"no team '{rulebook.senior_team}': upset and reopened cases have no senior agent to go to"
    members = {agent for team in rulebook.teams.values() for agent in team.agents}
    assigned = {rule.then.assign for rule in rulebook.rules}
    for name in rulebook.agents:
        if name not in members and name not in assigned and name != rulebook.lead:
            yield f"agent '{name}' is in no team: no mail will reach them"
