"""Who gets a case: the agent of a team who knows the customer, or has the fewest open cases, and is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from inboxd.core.model import AgentName, Candidate, Situation, TeamName
from inboxd.core.rules import Rulebook, Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An agent, the team they were chosen from, and why this one."""

    agent: AgentName
    team: TeamName | None
    why: str


def assign(target: str | None, situation: Situation, book: Rulebook, avoid: Iterable[AgentName] = ()) -> Choice | None:
    """Choose the agent for a team, an agent or `same_agent_as_before`; None only where the rules name no agent at all."""
    if target == "same_agent_as_before":
        before = situation.case.assignee if situation.case else None
        before = before or next((c.name for c in situation.candidates.values() if c.knows_customer and not c.away), None)
        if before and before in book.agents:
            return Choice(agent=before, team=_team_of(before, book), why="had this customer before")
        target = None
    if target and target in book.agents:
        return Choice(agent=AgentName(target), team=None, why="named by the rule")
    avoided = frozenset(avoid)
    for team in _ladder(target, book):
        choice = _from_team(team, situation, avoided)
        if choice:
            return choice
    return _lead(book) or _anybody(book, situation)


def _ladder(target: str | None, book: Rulebook) -> list[Team]:
    """The team, then its fallback, and so on; each once."""
    ladder: list[Team] = []
    name = TeamName(target) if target else None
    while name and name in book.teams and book.teams[name] not in ladder:
        ladder.append(book.teams[name])
        name = book.teams[name].fallback
    return ladder


def _from_team(team: Team, situation: Situation, avoid: frozenset[AgentName]) -> Choice | None:
    free = [_candidate(name, situation) for name in team.agents if name not in avoid]
    free = [candidate for candidate in free if not candidate.away]
    if not free:
        return None
    known = [candidate for candidate in free if candidate.knows_customer]
    if team.prefer_known and known:
        return Choice(agent=min(known, key=_fewest).name, team=team.name, why="knows the customer")
    if team.share == "take_turns":
        return Choice(agent=min(free, key=lambda candidate: candidate.last_case).name, team=team.name, why="whose turn it is")
    why = "fewest open cases" if len(free) > 1 else "the one who is there"
    return Choice(agent=min(free, key=_fewest).name, team=team.name, why=why)


def _fewest(candidate: Candidate) -> tuple[int, int]:
    """A draw goes to whoever got a case longest ago; then to the first named, so that the answer is the same twice."""
    return candidate.open_cases, candidate.last_case


def _candidate(name: AgentName, situation: Situation) -> Candidate:
    return situation.candidates.get(name) or Candidate(name=name, open_cases=0)


def _team_of(agent: AgentName, book: Rulebook) -> TeamName | None:
    return next((team.name for team in book.teams.values() if agent in team.agents), None)


def _lead(book: Rulebook) -> Choice | None:
    if book.lead in book.agents:
        return Choice(agent=AgentName(book.lead), team=None, why="leads the team, and nobody else could take it")
    return None


def _anybody(book: Rulebook, situation: Situation) -> Choice | None:
    everybody = Team(name=TeamName(""), agents=tuple(book.agents))
    choice = _from_team(everybody, situation, frozenset())
    return Choice(agent=choice.agent, team=None, why="nobody else could take it") if choice else None
