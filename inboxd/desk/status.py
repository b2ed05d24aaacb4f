"""Status: what is going on, counted from the store; reads only, so it can run beside the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Look = Callable[..., Sequence[Mapping[str, Any]]]


def status(look: Look, now: datetime, live: Mapping[str, Any] | None) -> dict[str, Any]:
    """Count cases, jobs and mail; `live` is what the running daemon says of itself, None if none runs."""
    cases = {row["state"]: row["n"] for row in look("select state, count(*) as n from cases group by state")}
    agents = look("select assignee, count(*) as n from cases where state = 'open' and assignee is not null group by assignee order by 1")
    oldest = look(
        "select min(m.received_at) as at from message m join cases c on c.id = m.case_id where c.state = 'open' and m.handed_over = 1"
    )
    jobs = look("select kind, count(*) as n, min(run_at) as next from job where parked_at is null group by kind order by kind")
    return {
        "running": live is not None,
        "trouble": dict(live.get("health", {})) if live else {},
        "last_sync": dict(live.get("synced", {})) if live else {},
        "model": live.get("model", "") if live else "",
        "rules": live.get("rules", "") if live else "",
        "mailboxes": [
            {"name": row["name"], "mode": row["mode"], "since": _shown(row["since"])} for row in look("select * from mailbox order by name")
        ],
        "messages": look("select count(*) as n from message")[0]["n"],
        "cases": cases,
        "open_with": {row["assignee"]: row["n"] for row in agents},
        "longest_waiting_since": _shown(oldest[0]["at"]),
        "jobs": {row["kind"]: {"waiting": row["n"], "next": _shown(row["next"])} for row in jobs},
        "parked": look("select count(*) as n from job where parked_at is not null")[0]["n"],
        "sends_nobody_knows_the_end_of": look("select count(*) as n from outgoing where ambiguous > 0")[0]["n"],
        "now": now.isoformat(timespec="seconds"),
    }


def in_words(s: Mapping[str, Any]) -> str:
    """The same for people."""
    lines = [f"daemon     {'running' if s['running'] else 'NOT running, or still starting (start it with: inboxd run)'}"]
    lines += [f"trouble    {name}: {why}" for name, why in s["trouble"].items()]
    lines += [f"last sync  {name.removeprefix('fetch:')} {at}" for name, at in s["last_sync"].items()]
    lines += [f"mailbox    {box['name']}, mode {box['mode']} since {box['since']}" for box in s["mailboxes"]]
    facts = s.get("model_facts", {})
    if "broken" in facts:
        lines.append(f"model      {facts['folder']} cannot be read ({facts['broken']}): inboxd train --undo")
    elif facts:
        right = facts.get("figures", {}).get("en.topic.accuracy", 0.0)
        learned = f", {facts['corrections']} corrections" if facts["corrections"] else ""
        lines.append(f"model      version {facts['version']} of {facts['date']}, corpus {facts['corpus']}{learned}")
        lines.append(f"           on its test set {right:.0%} of the topics are right (inboxd eval)")
    lines.append(f"messages   {s['messages']}")
    lines.append("cases      " + (", ".join(f"{n} {state}" for state, n in sorted(s["cases"].items())) or "none yet"))
    if s["open_with"]:
        lines.append("open with  " + ", ".join(f"{name} {n}" for name, n in s["open_with"].items()))
    if s["longest_waiting_since"]:
        lines.append(f"waiting    longest since {s['longest_waiting_since']}")
    lines += [f"job        {kind}: {job['waiting']}, next {job['next']}" for kind, job in s["jobs"].items()]
    lines.append(f"parked     {s['parked']}" + ("  (look: inboxd parked)" if s["parked"] else ""))
    if s["sends_nobody_knows_the_end_of"]:
        lines.append(f"ambiguous  {s['sends_nobody_knows_the_end_of']} mails whose arrival nobody could tell at first")
    return "\n".join(lines)


def _shown(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds is not None else ""
