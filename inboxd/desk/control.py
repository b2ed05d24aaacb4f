"""What a running daemon answers at its control socket: reload, health, parked jobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from inboxd.core.due import redecide_at
from inboxd.core.model import CaseNo, IssueNo, JobNo, KnownIssue, MailboxName
from inboxd.desk.issues import close_issue, open_issue
from inboxd.errors import ConfigError


class Daemon(Protocol):
    """What the answers need of the running daemon."""

    office: Any
    health: dict[str, str]

    synced: dict[str, Any]

    def ask_reload(self) -> None:
        """Reload soon, as a person asked."""

    def wake(self, *names: str) -> None:
        """Have these loops look for work now."""

    def ask_reconcile(self) -> None:
        """Compare every folder with its ledger now."""

    def reload(self) -> tuple[str, ...]:
        """Take new rules over, or tell the mistakes."""


def answer(daemon: Daemon, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer one request; an unknown one is an error in words."""
    office = daemon.office
    match request.get("do"):
        case "reload":
            daemon.ask_reload()  # a person says so: a breaker that fell is closed, too
            mistakes = daemon.reload()
            return {"mistakes": list(mistakes), "rules": office.rules.book.hash}
        case "reconcile":
            daemon.ask_reconcile()
            return {"asked": True}
        case "health":
            synced = {name: at.isoformat(timespec="seconds") for name, at in daemon.synced.items()}
            return {"health": dict(daemon.health), "rules": office.rules.book.hash, "model": office.rules.reader.model, "synced": synced}
        case "parked.retry" | "parked.drop" as what:
            now, job = office.clock.now(), JobNo(int(request["job"]))
            with office.store.transaction() as tx:
                return {"done": tx.unpark(job, now) if what == "parked.retry" else tx.drop(job, now)}
        case "redecide":
            if request.get("rules") != office.rules.book.hash:
                return {"error": "the daemon works by other rules than those you looked at: inboxd reload, then look again"}
            now = office.clock.now()
            with office.store.transaction() as tx:
                for case in request["cases"]:
                    tx.schedule(redecide_at(CaseNo(int(case)), now))
            daemon.wake("house")
            return {"done": len(request["cases"])}
        case "issue.open":
            issue = KnownIssue(
                number=IssueNo(0), mailbox=MailboxName(str(request["mailbox"])), text=str(request["text"]), topic=str(request["topic"]),
                keys=tuple(str(key) for key in request["keys"]), opened_by=str(request["by"]), opened_at=office.clock.now(),
                texts=_texts(request),
            )  # fmt: skip
            with office.store.transaction() as tx:
                return {"done": open_issue(tx, issue, office.clock.now())}
        case "issue.close":
            with office.store.transaction() as tx:
                done = close_issue(
                    tx, IssueNo(int(request["issue"])), str(request["text"]), str(request["by"]), office.clock.now(), _texts(request)
                )
            daemon.wake("house")
            return {"done": done}
        case "correct":
            by, values, number = str(request["by"]), {str(k): str(v) for k, v in request["values"].items()}, CaseNo(int(request["case"]))
            with office.store.transaction() as tx:
                return {"done": tx.correct(number, values, by, office.clock.now())}
        case other:
            raise ConfigError(f"the daemon knows no request {other!r}")


def _texts(request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Words for each language."""
    return tuple((str(language), str(words)) for language, words in dict(request.get("texts", {})).items())
