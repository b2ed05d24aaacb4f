"""The admin tries rules by mail: one mail comes back, and nothing is put in force. From anybody else it is mail like any other."""

from __future__ import annotations

import email.policy
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import pytest

from inboxd.config import load_settings
from inboxd.core.model import JobKind, Mode, Scores, ToRead
from inboxd.rule_sets import rule_set, try_rules
from tests.fakes import FakeReader
from tests.stories.day import ACME, SUPPORT, Day, Letterbox
from tests.stories.steps import AGENTS, ANA, CALM, FURIOUS, MARIA, PETRA, holder

ADMIN = "admin@acme.example"
SERVER = "mx.acme.example"  # our own mail server, as `authserv_id` names it
PASS = f"{SERVER}; spf=pass smtp.mailfrom=acme.example; dmarc=pass header.from=acme.example"
SETTINGS = """\
admin: admin@acme.example
rules: rules
mailboxes:
  acme:
    address: support@acme.example
    authserv_id: mx.acme.example
    mode: full
    imap: {host: imap.acme.example, password: {env: PASSWORD}}
    smtp: {host: smtp.acme.example, password: {env: PASSWORD}}
"""
PEOPLE = """\
agents:
  maria: maria@acme.example
  jonas: jonas@acme.example
  tom: tom@acme.example
  petra: petra@acme.example
teams:
  everyone: [maria, jonas, tom]
  seniors: [maria, jonas]
lead: petra
"""
ROUTING = """\
rules:
  - name: Upset customers go to a senior
    when: {sentiment: upset}
    then: {assign: seniors, answer_within: 2 hours}
  - name: Everything else
    then: {assign: everyone, answer_within: 24 hours}
"""
TESTS = """\
tests:
  - name: an upset customer reaches a senior
    given: {sentiment: upset}
    expect: {assign: seniors}
"""
TOM_FOR_ALL = ROUTING.replace("assign: everyone, answer_within: 24 hours", "assign: tom, answer_within: 8 hours")
BROKEN = ROUTING.replace("assign: seniors", "assign: senors")


def feels(text: ToRead) -> Scores:
    upset = 0.9 if "furious" in text.new_text else 0.0
    return Scores(language="en", topics=(("how_to", 0.9),), upset=upset, unhappy=upset, model="fake-1")


@dataclass
class Desk:
    """A day with rules in a folder, an admin, and a mail server of ours that says who really wrote."""

    folder: Path
    mode: Mode = Mode.FULL

    def __post_init__(self) -> None:
        (self.folder / "rules").mkdir()
        for name, text in {"people.yaml": PEOPLE, "routing.yaml": ROUTING, "routing.test.yaml": TESTS}.items():
            (self.folder / "rules" / name).write_text(text, encoding="utf-8")
        (self.folder / "inboxd.yaml").write_text(SETTINGS, encoding="utf-8")
        settings = load_settings(self.folder / "inboxd.yaml")
        self.day = Day(reader=FakeReader(scores=feels), mode=self.mode)
        self.day.office.mailboxes = {ACME: replace(self.day.office.mailboxes[ACME], authserv_id=SERVER)}
        self.day.office.rules = replace(rule_set(settings.rules, None), reader=FakeReader(scores=feels))
        self.day.office.try_rules = lambda files: try_rules(settings, self.day.store, self.day.clock.now(), files)
        self.before = self.fingerprint()

    def fingerprint(self) -> tuple[str, str]:
        """What is in force, and what lies in the folder."""
        digest = hashlib.sha256()
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            digest.update(str(path).encode() + path.read_bytes())
        return self.day.office.rules.book.hash, digest.hexdigest()

    def mail(
        self,
        *files: tuple[str, str],
        sender: str = f"Ada Min <{ADMIN}>",
        results: Sequence[str] = (PASS,),
        subject: str = "New rules",
        headers: Sequence[tuple[str, str]] = (),
        html: bool = False,
    ) -> None:
        """A mail with files arrives; `results` are the lines of Authentication-Results, topmost first."""
        message = EmailMessage()
        for line in results:
            message["Authentication-Results"] = line
        for name, value in headers:
            message[name] = value
        message["Message-ID"], message["From"], message["To"] = "<rules-1@acme.example>", sender, SUPPORT
        message["Subject"], message["Date"] = subject, format_datetime(self.day.at())
        message.set_content("Please try these.\nAda")
        for name, content in files:
            message.add_attachment(content.encode("utf-8", "surrogateescape"), maintype="application", subtype="yaml", filename=name)
        self.day.mailbox.put(message.as_bytes(policy=email.policy.SMTP), self.day.at())
        self.day.run()

    def answer(self) -> Letterbox:
        """The one mail that came back."""
        (mail,) = self.day.inbox(ADMIN)
        return mail

    def said(self) -> str:
        return " ".join(self.answer().text.split())

    def nothing_is_in_force(self) -> None:
        assert self.fingerprint() == self.before
        self.day.write(ANA, "After", CALM)
        assert self.day.store.look("select ruleset from decision order by id desc limit 1")[0]["ruleset"] == self.before[0]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def passes(desk: Desk, tests: int) -> bool:
    """Whether the admin reads that all is well, so many tests included."""
    return re.search(rf"[Ww]ithout a mistake\W+(and )?{tests} (rule )?tests? pass", desk.said()) is not None


# --- the admin -------------------------------------------------------------------------------------------------------


def test_the_admin_gets_check_tests_and_what_the_rules_would_have_done_in_one_mail(desk: Desk) -> None:
    desk.day.write(ANA, "Front wheel", CALM)
    desk.day.write("Ben <ben@example.net>", "Broken", FURIOUS)
    routed = len(desk.day.mailer.delivered)
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    assert passes(desk, 1)
    assert "What they would have done with the mail of the last 30 days" in desk.said() and "tom" in desk.said().lower()
    assert "By mail nothing is ever put in force." in desk.said()
    assert len(desk.day.mailer.delivered) == routed + 1, "no agent gets it, and no case is opened"
    assert desk.day.case().number == 1002
    desk.nothing_is_in_force()


def test_the_answer_is_in_the_admins_own_thread_and_says_that_a_machine_wrote_it(desk: Desk) -> None:
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    mail = desk.answer()
    assert (mail.subject, str(mail.message["In-Reply-To"])) == ("Re: New rules", "<rules-1@acme.example>")
    assert mail.message["Auto-Submitted"] == "auto-generated" and mail.outgoing.envelope_to == (ADMIN,)


def test_every_mistake_of_a_broken_file_comes_back_with_its_place(desk: Desk) -> None:
    desk.mail(("routing.yaml", BROKEN + "oddity: 1\n"))
    said = desk.answer().text
    assert "routing.yaml:4:20: no team" in said and "did you mean 'seniors'?" in said and "oddity" in said
    assert "What they would have done" not in said and not passes(desk, 1)
    assert "/tmp" not in said and str(desk.folder) not in said, "places are named as the admin knows them"
    desk.nothing_is_in_force()


def test_a_rule_test_that_fails_is_named_and_the_past_is_shown_all_the_same(desk: Desk) -> None:
    desk.day.write("Ben <ben@example.net>", "Broken", FURIOUS)
    desk.mail(("routing.yaml", ROUTING.replace("sentiment: upset", "urgent: yes")))
    assert re.search("1 of 1 rule tests? fails?", desk.said()) and "an upset customer reaches a senior" in desk.said()
    assert "routing.test.yaml:2" in desk.said() and "What they would have done" in desk.said()
    desk.nothing_is_in_force()


def test_what_is_allowed_but_hardly_meant_is_said_too(desk: Desk) -> None:
    first, rest = ROUTING.partition("  - name: Upset")[0], ROUTING.partition("rules:\n")[2]
    turned = first + "  - name: Everything first\n    then: {assign: everyone, answer_within: 24 hours}\n" + rest
    desk.mail(("routing.yaml", turned), ("routing.test.yaml", TESTS.replace("assign: seniors", "assign: everyone")))
    assert "Allowed, but hardly meant:" in desk.said()


def test_mailed_tests_run_against_the_mailed_rules(desk: Desk) -> None:
    tests = "tests:\n  - name: everybody reaches Tom\n    expect: {assign: tom}\n"
    desk.mail(("routing.yaml", TOM_FOR_ALL), ("routing.test.yaml", tests))
    assert passes(desk, 1)


def test_tests_of_mails_in_files_beside_the_rules_still_find_them(desk: Desk) -> None:
    mails = desk.folder / "rules" / "mails"
    mails.mkdir()
    (mails / "ana.eml").write_text("From: ana@example.org\nSubject: Wheel\n\nWhich spanner fits?\n", encoding="utf-8")
    tests = "tests:\n  - {name: Ana, mail_file: mails/ana.eml, expect: {ignore: nothing}}\n"
    (desk.folder / "rules" / "mails.test.yaml").write_text(tests, encoding="utf-8")
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    assert passes(desk, 2)


def test_rules_can_be_tried_before_anything_else_is_in_full_swing(tmp_path: Path) -> None:
    desk = Desk(tmp_path, mode=Mode.WATCH)
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    assert passes(desk, 1)


def test_a_mail_that_comes_twice_is_answered_once(desk: Desk) -> None:
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    desk.day.mailbox.renumber()
    desk.day.pass_(minutes=30)
    assert desk.answer()


def test_the_admins_mail_without_rules_is_mail_like_any_other(desk: Desk) -> None:
    desk.mail(("minutes.txt", "nothing of yaml"))
    assert not desk.day.inbox(ADMIN) and desk.day.routed(holder(desk.day))


# --- everybody else --------------------------------------------------------------------------------------------------


FAKED = "mx.evil.example; dmarc=pass header.from=acme.example"


@pytest.mark.parametrize(
    ("sender", "results"),
    [
        pytest.param(ADMIN, (), id="nobody vouches for it"),
        pytest.param(ADMIN, (f"{SERVER}; dmarc=fail header.from=acme.example",), id="our server says that it is forged"),
        pytest.param(ADMIN, (f"{SERVER}; dmarc=none header.from=acme.example",), id="our server cannot tell"),
        pytest.param(ADMIN, (FAKED,), id="a foreign server vouches"),
        pytest.param(ADMIN, (f"{SERVER}; dmarc=fail header.from=acme.example", PASS), id="a forged line below that of our server"),
        pytest.param(ADMIN, (f"{SERVER}; none", PASS), id="a forged line below one that says nothing"),
        pytest.param(ADMIN, (f"{SERVER} (; dmarc=pass); dmarc=fail",), id="a result in a comment"),
        pytest.param(ADMIN, (f"{SERVER}; dmarc=pass header.from=evil.example",), id="a pass of another domain"),
        pytest.param("stranger@evil.example", (f"{SERVER}; dmarc=pass header.from=evil.example",), id="a stranger"),
        pytest.param(
            f"'{ADMIN}' <stranger@evil.example>", (f"{SERVER}; dmarc=pass header.from=evil.example",), id="a stranger by that name"
        ),
        pytest.param("admin@acme.example.evil.example", (f"{SERVER}; dmarc=pass",), id="an address that looks like it"),
        pytest.param(MARIA, (PASS,), id="an agent who is not the admin"),
        pytest.param(PETRA, (PASS,), id="the lead"),
    ],
)
def test_from_anybody_else_a_rule_file_is_an_attachment_and_a_person_reads_the_mail(
    desk: Desk, sender: str, results: Sequence[str]
) -> None:
    desk.mail(("routing.yaml", TOM_FOR_ALL), sender=sender, results=results)
    assert not desk.day.inbox(ADMIN) and desk.day.events("rules.received") == 0
    assert desk.day.store.look("select 1 from job where kind = ?", JobKind.TRY_RULES) == []
    (delivered,) = desk.day.mailer.delivered
    assert delivered.kind == "routed" and delivered.envelope_to[0] in AGENTS and desk.day.case().number == 1001
    desk.nothing_is_in_force()


def test_without_authserv_id_nobody_is_believed(desk: Desk) -> None:
    desk.day.office.mailboxes = {ACME: replace(desk.day.office.mailboxes[ACME], authserv_id="")}
    desk.mail(("routing.yaml", TOM_FOR_ALL))
    assert not desk.day.inbox(ADMIN) and desk.day.case().number == 1001


def test_what_comes_back_goes_to_the_admins_own_address_whatever_the_mail_asks_for(desk: Desk) -> None:
    asked = [
        ("Reply-To", "evil@evil.example"),
        ("Sender", "evil@evil.example"),
        ("Cc", "evil@evil.example"),
        ("Return-Path", "<e@evil.example>"),
    ]
    desk.mail(("routing.yaml", BROKEN), headers=asked)
    assert [outgoing.envelope_to for outgoing in desk.day.mailer.delivered] == [(ADMIN,)]
    assert "evil" not in str(desk.answer().message["To"]) and desk.answer().message["Cc"] is None


def test_the_admins_automatic_mail_is_never_answered(desk: Desk) -> None:
    desk.mail(("routing.yaml", TOM_FOR_ALL), headers=[("Auto-Submitted", "auto-replied")])
    assert not desk.day.mailer.delivered


# --- hostile files ---------------------------------------------------------------------------------------------------


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(LAUGHS, id="a billion laughs"),
        pytest.param("[" * 50_000, id="deep"),
        pytest.param("rules: !!python/object/apply:os.system ['touch owned']\n", id="a call"),
        pytest.param("rules:\n  - name: " + "x" * 900_000 + "\n    then: {}\n", id="long"),
        pytest.param("rules: [\x00\x07\udcff\n", id="no text"),
        pytest.param("%YAML 9.9\n---\n...\n--- &a\n- *a\n", id="odd"),
        pytest.param("{{ 7 * 7 }}: {% for x in y %}\n", id="a template"),
        pytest.param("", id="empty"),
        pytest.param("x: 1\n" * 100_000, id="many lines"),
    ],
)
def test_a_hostile_file_is_a_mistake_like_any_other(desk: Desk, hostile: str) -> None:
    desk.mail(("routing.yaml", hostile))
    assert "a mistake in the rules you mailed" in desk.said()
    assert len(desk.answer().text) < 200_000 and not desk.day.store.parked() and not (Path.cwd() / "owned").exists()
    desk.nothing_is_in_force()


@pytest.mark.parametrize("pattern", ["(a+)+$", "(x{1,1000}){1,1000}", "(?P<a>"])
def test_a_hostile_pattern_does_not_keep_the_desk_busy(desk: Desk, pattern: str) -> None:
    desk.day.write(ANA, "Front wheel", "a" * 50_000)
    desk.mail(("routing.yaml", ROUTING.replace("sentiment: upset", f"text_matches: '{pattern}'")))
    assert "Nothing was changed" in desk.said() and not desk.day.store.parked()


@pytest.mark.parametrize(
    "name",
    [
        "../../inboxd.yaml",
        "/etc/inboxd/rules/routing.yaml",
        "..\\..\\routing.yaml",
        ".yaml",
        "....yaml",
        "ro\x00uting.yaml",
        "r" * 300 + ".yaml",
        "CON.YAML",
    ],
)
def test_a_files_name_leads_nowhere(desk: Desk, name: str) -> None:
    desk.mail((name, BROKEN))
    assert "Nothing was changed" in desk.said() and not desk.day.store.parked()
    desk.nothing_is_in_force()


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../../../../../etc/passwd"])
def test_a_mailed_test_reads_no_file_of_the_machine(desk: Desk, path: str) -> None:
    desk.mail(("routing.test.yaml", f"tests:\n  - name: peek\n    mail_file: {path}\n    expect: {{assign: everyone}}\n"))
    assert "a mistake in the rules you mailed" in desk.said() and "routing.test.yaml:3" in desk.said()


def test_many_files_are_read_within_the_same_limits(desk: Desk) -> None:
    desk.mail(*((f"more{number}.yaml", "topics: {a" + str(number) + ": {phrases: [" + "x," * 8000 + "x]}}\n") for number in range(12)))
    assert "a mistake in the rules you mailed" in desk.said()
    desk.nothing_is_in_force()
