"""Who gets a case: the agent of a team who knows the customer, or has the fewest open cases, and is there in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from inboxd.core.copies import replace
from inboxd.core.model import AgentName, Candidate, Sentiment, Situation, TeamName
from inboxd.core.opening import Calendar, is_open, next_open
from inboxd.core.rulebook import Rulebook, Team, hours_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An agent, the team they were chosen from, and why this one. `passed` says why not the others, a line each."""

    agent: AgentName
    team: TeamName | None
    why: str
    passed: tuple[str, ...] = field(default=(), compare=False)
    backlog: TeamName | None = None  # the team whose turn it would be as soon as somebody of it is free


def assign(
    target: str | None, situation: Situation, book: Rulebook, avoid: Iterable[AgentName] = (), due_at: datetime | None = None
) -> Choice | None:
    """Choose the agent for a team, an agent or `same_agent_as_before`; None only where the rules name no agent at all.

    `due_at` is the hour to answer: who is not at work before it comes after those who are.
    """
    look = _Look(situation, book, frozenset((*avoid, *_the_customer(situation, book))), due_at)
    if target == "same_agent_as_before":
        before = situation.case.assignee if situation.case else None
        knowing = sorted((c for c in situation.candidates.values() if c.knows_customer), key=lambda c: c.away)
        before = before or next((c.name for c in knowing), None)
        if before and before in book.agents and look.there(before):
            return Choice(agent=before, team=team_of(before, book), why="had this customer before")
        target = team_of(before, book) if before and before in book.agents else _for_everybody(book)
    if target and target in book.agents:
        if look.there(AgentName(target)):
            return Choice(agent=AgentName(target), team=None, why="named by the rule")
        look.passed.append(f"{target}: away")
        target = team_of(AgentName(target), book)
    ladder = _ladder(target, book)
    for speaks in (True, False) if look.language else (True,):
        for team in ladder:
            if choice := look.in_team(team, speaks=speaks):
                return choice
    backlog = ladder[0].name if any(name not in look.avoid for team in ladder for name in team.agents) else None
    choice = _lead(look, book) or _anybody(look, book)
    return replace(choice, backlog=backlog, passed=look.told()) if choice else None


def alone(name: TeamName, book: Rulebook) -> Rulebook:
    """The rules with nobody to take over from this team: for what came back, since whoever else is free may decide less."""
    return replace(book, teams={**book.teams, name: replace(book.teams[name], fallback=None)})


def _the_customer(situation: Situation, book: Rulebook) -> Iterable[AgentName]:
    """A colleague whose own case it is."""
    customer = situation.customer.email if situation.customer else ""
    return (agent.name for agent in book.agents.values() if customer in agent.emails)


class _Look:
    """One look around for somebody who is free; remembers why the others are not."""

    def __init__(self, situation: Situation, book: Rulebook, avoid: frozenset[AgentName], due_at: datetime | None) -> None:
        self.situation, self.book, self.avoid, self.due_at = situation, book, avoid, due_at
        case = situation.case
        self.language = situation.understood.reading.language or (case.language if case else "")
        self.upset = situation.understood.reading.sentiment is Sentiment.UPSET
        self.passed: list[str] = []

    def candidate(self, name: AgentName) -> Candidate:
        return self.situation.candidates.get(name) or Candidate(name=name, open_cases=0)

    def there(self, name: AgentName) -> bool:
        return name not in self.avoid and not self.candidate(name).away

    def told(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.passed))

    def in_team(self, team: Team, *, speaks: bool) -> Choice | None:
        free = [self.candidate(name) for name in team.agents if self._free(name, team, speaks=speaks)]
        if not free:
            return None
        in_time = self._keep(free, lambda hours: self._starts(hours) <= self.due_at if self.due_at else True, team, "not at work in time")
        known = [candidate for candidate in in_time if candidate.knows_customer]
        if team.prefer_known and known:
            return self._chosen(known, team, _fewest, "knows the customer", in_time)
        here = self._keep(in_time, lambda hours: is_open(hours, self.situation.now), team, "not at work now")
        if team.share == "take_turns":
            return self._chosen(here, team, lambda candidate: (candidate.last_case, 0), "whose turn it is", here)
        return self._chosen(here, team, _fewest, "fewest open cases" if len(free) > 1 else "the one who is there", here)

    def _chosen(
        self, among: Sequence[Candidate], team: Team, key: Callable[[Candidate], tuple[int, int]], why: str, seen: Sequence[Candidate]
    ) -> Choice:
        best = min(among, key=key)
        for other in seen:
            if other is not best:
                self.passed.append(f"{other.name}: {_counted(other)}" + ("" if other in among else ", does not know the customer"))
        self.passed.append(f"{best.name}: {_counted(best)}")
        return Choice(agent=best.name, team=team.name or None, why=why, passed=self.told())

    def _free(self, name: AgentName, team: Team, *, speaks: bool) -> bool:
        agent, candidate = self.book.agents.get(name), self.candidate(name)
        most = min((cap for cap in (team.at_most, agent.at_most if agent else None) if cap is not None), default=None)
        if name in self.avoid:
            why = "had a part in it before"
        elif candidate.away:
            why = "away"
        elif speaks and self.language and agent and agent.languages and self.language not in agent.languages:
            why = f"does not speak {self.language}"
        elif most is not None and candidate.open_cases >= most:
            why = f"{_counted(candidate)}, {most} at most"
        elif self.upset and team.at_most_upset is not None and candidate.upset_today >= team.at_most_upset:
            why = f"{candidate.upset_today} upset people today, {team.at_most_upset} at most"
        else:
            return True
        self.passed.append(f"{name}: {why}")
        return False

    def _keep(self, among: Sequence[Candidate], wanted: Callable[[Calendar], bool], team: Team, why: str) -> list[Candidate]:
        """Those whose hours fit; all of them where nobody's do, or where nobody has hours."""
        fits = []
        for candidate in among:
            hours = hours_of(self.book, candidate.name, team)
            fits.append(hours is None or wanted(hours))
        if not any(fits):
            return list(among)
        self.passed += [f"{candidate.name}: {why}" for candidate, fit in zip(among, fits, strict=True) if not fit]
        return [candidate for candidate, fit in zip(among, fits, strict=True) if fit]

    def _starts(self, hours: Calendar) -> datetime:
        now = self.situation.now
        return next_open(hours, now) or now


def _for_everybody(book: Rulebook) -> str | None:
    """Where mail goes of which no rule says more: the catch-all's team."""
    return next((rule.then.assign for rule in book.rules if not rule.when and rule.then.assign), None)


def _ladder(target: str | None, book: Rulebook) -> list[Team]:
    """The team, then its fallback, and so on; each once."""
    ladder: list[Team] = []
    name = TeamName(target) if target else None
    while name and name in book.teams and book.teams[name] not in ladder:
        ladder.append(book.teams[name])
        name = book.teams[name].fallback
    return ladder


def _fewest(candidate: Candidate) -> tuple[int, int]:
    """A draw goes to whoever got a case longest ago; then to the first named, so that the answer is the same twice."""
    return candidate.open_cases, candidate.last_case


def _counted(candidate: Candidate) -> str:
    return f"{candidate.open_cases} open {'case' if candidate.open_cases == 1 else 'cases'}"


def team_of(agent: AgentName, book: Rulebook) -> TeamName | None:
    """The first team that this agent belongs to."""
    return next((team.name for team in book.teams.values() if agent in team.agents), None)


def _lead(look: _Look, book: Rulebook) -> Choice | None:
    """The lead, unless the lead is away and somebody else is there."""
    if book.lead in book.agents and (look.there(AgentName(book.lead)) or not any(look.there(name) for name in book.agents)):
        return Choice(agent=AgentName(book.lead), team=None, why="leads the team, and nobody else could take it")
    return None


def _anybody(look: _Look, book: Rulebook) -> Choice | None:
    """Somebody must have it: whoever is there and has the fewest, also beyond a cap; if all are away, whoever has the fewest."""
    everybody = [look.candidate(name) for name in book.agents]
    there = [candidate for candidate in everybody if look.there(candidate.name)]
    if not (there or everybody):
        return None
    return Choice(agent=min(there or everybody, key=_fewest).name, team=None, why="nobody else could take it")
