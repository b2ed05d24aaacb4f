"""The admin's rule tests, run: each is one mail with its facts, and what the rules must answer; a mail in a file is read by the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree

from inboxd.core.model import Directory, MessageNo, RawMessage, Situation, Understood
from inboxd.core.policy import Policy
from inboxd.core.rehearse import BOX, Rehearsal, RuleTest, rehearse
from inboxd.core.route import facts_of
from inboxd.core.rulebook import Rulebook
from inboxd.core.understand import understand
from inboxd.ports import Reader


def run_rule_tests(
    book: Rulebook, tests: Sequence[RuleTest], policy: Policy | None = None, reader: Reader | None = None
) -> tuple[Rehearsal, ...]:
    """Run all tests. What a test does not give is calm and ordinary; only a `mail_file` is read by the model."""
    policy = policy or Policy()
    return tuple(_run(book, test, policy, reader) for test in tests)


def needs_model(tests: Sequence[RuleTest]) -> bool:
    """Whether a test names a mail file."""
    return any(test.mail_file for test in tests)


def _run(book: Rulebook, test: RuleTest, policy: Policy, reader: Reader | None) -> Rehearsal:
    if not test.mail_file:
        return rehearse(book, test, policy)
    if reader is None:
        return Rehearsal(test=test, differences=("mail_file: no model is at hand to read it",))
    try:
        raw = RawMessage(
            number=MessageNo(1), mailbox=BOX.name, received_at=test.facts.now.astimezone(UTC), raw=Path(test.mail_file).read_bytes()
        )  # fmt: skip
    except OSError as error:
        return Rehearsal(test=test, differences=(f"mail_file: {test.mail_file} cannot be read: {error.strerror}",))
    agents = frozenset(email for agent in book.agents.values() for email in agent.emails)
    found = understand([raw], Directory(agents=agents, identity=book.identity), reader.read)[0]
    if not isinstance(found, Understood):
        return Rehearsal(test=test, differences=(f"mail_file: {test.mail_file} cannot be understood: {found.error}",))
    read = facts_of(Situation(now=test.facts.now, mailbox=BOX, understood=found), book, (test.facts.now,), reopened=False)
    pinned = {name: getattr(test.facts, name) for name in test.given}
    return rehearse(book, replace(test, facts=replace(read, **pinned)), policy)


def junit(results: Sequence[Rehearsal]) -> str:
    """The results as JUnit XML, for build servers."""
    suite = ElementTree.Element(
        "testsuite", name="inboxd rules", tests=str(len(results)), failures=str(sum(not result.passed for result in results))
    )  # fmt: skip
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            name=_printable(result.test.name),
            classname=result.test.file,
            file=result.test.file,
            line=str(result.test.line),
        )
        if not result.passed:
            failure = ElementTree.SubElement(case, "failure", message=_printable(result.differences[0]))
            failure.text = _printable("\n".join(result.differences))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """XML 1.0 has no control characters."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)
