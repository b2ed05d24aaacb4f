from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from inboxd.adapters.imap import ImapProbe
from inboxd.adapters.template_files import load_templates
from inboxd.bootstrap import STORE_FILE, newest_mails
from inboxd.cli import app
from inboxd.cli.rules import _missing_folders
from inboxd.config import MailboxSettings, ServerSettings, Settings
from inboxd.core.model import AgentName, MailboxFacts, MailboxName, TeamName
from inboxd.core.rulebook import Agent, Condition, FollowUpPolicy, Rule, Rulebook, Team, Then
from inboxd.desk.check import as_data, cross_check, lint, to_know, unheard_servers
from inboxd.desk.lint import Warning_
from inboxd.errors import ConfigError
from inboxd.yaml_source import Mistake
from tests.fakes import FakeReader
from tests.stories.day import Day

ROOT = Path(__file__).parents[2]
SERVER = ServerSettings(host="h", port=1, user="u", tls="yes")
SETTINGS = Settings(
    path=Path("inboxd.yaml"),
    admin="admin@acme.example",
    timezone="UTC",
    state_dir=Path("state"),
    rules=Path("rules"),
    templates=None,
    mailboxes=(
        MailboxSettings(
            facts=MailboxFacts(name=MailboxName("acme"), address="support@acme.example", aliases=("help@acme.example",), brand="Acme"),
            imap=SERVER,
            smtp=SERVER,
        ),
    ),
)
MARIA = Agent(name=AgentName("maria"), emails=("maria@acme.example",), full_name="Maria", signs_as="Maria")
SENIORS = Team(name=TeamName("seniors"), agents=(MARIA.name,))
ALL = Rule(name="all", when=(), then=Then(assign="seniors"), file="rules/r.yaml", line=9)
BOOK = Rulebook(agents={MARIA.name: MARIA}, teams={SENIORS.name: SENIORS}, lead="maria", rules=(ALL,))
URGENT = (Condition(word="urgent", wanted=(True,)),)


def upset(then: Then) -> Rule:
    return Rule(name="upset", when=URGENT, then=then, file="rules/r.yaml", line=3)


def test_a_good_set_has_nothing_to_say() -> None:
    assert cross_check(SETTINGS, BOOK, set()) == []
    assert lint(BOOK) == []


def test_that_a_server_of_ours_must_confirm_agents_is_said_and_is_no_mistake() -> None:
    assert to_know(SETTINGS) == []
    box = SETTINGS.mailboxes[0]
    named = replace(SETTINGS, mailboxes=(replace(box, facts=replace(box.facts, authserv_id="mx.acme.example")),))
    (said,) = to_know(named)
    assert said.startswith("acme: an agent's mail counts only where mx.acme.example confirms it") and "dmarc=pass" in said
    assert cross_check(named, BOOK, set()) == []


def test_an_agent_with_a_support_address_is_a_mistake() -> None:
    for email in ("support@acme.example", "Help@acme.example", "support+maria@acme.example"):
        book = replace(BOOK, agents={MARIA.name: replace(MARIA, emails=("m@acme.example", email))})
        (mistake,) = cross_check(SETTINGS, book, set())
        assert f"agent 'maria' has the address {email}, which is the address of mailbox 'acme'" in mistake


def test_lead_and_admin_must_be_somebody_else_than_the_mailbox() -> None:
    (mistake,) = cross_check(SETTINGS, replace(BOOK, lead="support@acme.example"), set())
    assert mistake == "the lead is support@acme.example, which is a support address; name a person"
    (mistake,) = cross_check(replace(SETTINGS, admin="help@acme.example"), BOOK, set())
    assert mistake == "the admin is help@acme.example, which is a support address; name a person"


DESK = replace(SENIORS, deliver="folder", file="rules/team.yaml", line=7)


def in_folders(**facts: object) -> Settings:
    """The settings with other facts of the mailbox."""
    (box,) = SETTINGS.mailboxes
    return replace(SETTINGS, mailboxes=(replace(box, facts=replace(box.facts, **facts)),))  # type: ignore[arg-type]  # fields of it


def test_a_team_with_a_folder_needs_a_mailbox_in_which_mail_may_be_moved() -> None:
    book = replace(BOOK, teams={DESK.name: DESK})
    assert cross_check(SETTINGS, book, set()) == [
        "rules/team.yaml:7: team 'seniors' has 'deliver: folder', and nothing may be moved in the mailbox 'acme';"
        " write 'file: yes' under 'acme' in inboxd.yaml, or 'deliver: mail' here"
    ]
    assert cross_check(in_folders(file=True), book, set()) == []


def test_a_watched_folder_is_no_folder_of_a_team() -> None:
    book = replace(BOOK, teams={DESK.name: replace(DESK, folder="Done")})
    assert cross_check(in_folders(file=True, resolved="Done"), book, set()) == [
        "rules/team.yaml:7: the folder 'Done' of team 'seniors' is the folder 'resolved' in inboxd.yaml;"
        " name another: 'folder: Seniors team'"
    ]


def test_a_rule_may_not_file_where_a_persons_hand_counts() -> None:
    book = replace(BOOK, rules=(replace(ALL, then=Then(assign="seniors", file_in="Done")),))
    (mistake,) = cross_check(in_folders(file=True, resolved="Done"), book, set())
    assert mistake.startswith("rules/r.yaml:9: rule 'all' files into 'Done', which is the folder 'resolved' in inboxd.yaml")
    assert cross_check(in_folders(file=True, junk="Done"), book, set()) == []


def test_rules_without_a_lead_are_a_mistake() -> None:
    (mistake,) = cross_check(SETTINGS, replace(BOOK, lead=""), set())
    assert "no 'lead:' in the rules" in mistake


def test_a_reply_with_a_template_that_does_not_exist_is_a_mistake() -> None:
    book = replace(BOOK, rules=(upset(Then(reply_with="we_hear_yuo")), ALL))
    assert cross_check(SETTINGS, book, {"we_hear_you"}) == [
        "rules/r.yaml:3: rule 'upset': no template called 'we_hear_yuo' - did you mean 'we_hear_you'?"
    ]
    assert cross_check(SETTINGS, book, {"we_hear_yuo"}) == []


def test_templates_are_looked_up_without_settings_too() -> None:
    wrong = replace(BOOK, lead="", rules=(upset(Then(reply_with="aknowledge")), ALL), follow_up=FollowUpPolicy(template="are_you_hapy"))
    assert cross_check(None, wrong, {"acknowledge", "are_you_happy"}) == [
        "rules/r.yaml:3: rule 'upset': no template called 'aknowledge' - did you mean 'acknowledge'?",
        "follow_up: no template called 'are_you_hapy' - did you mean 'are_you_happy'?",
    ]
    assert cross_check(None, wrong, {"aknowledge", "are_you_hapy"}) == []


def test_a_set_without_a_catch_all_is_warned_of() -> None:
    (warning,) = lint(replace(BOOK, rules=(upset(Then(assign="seniors")),)))
    assert warning.startswith("no rule without conditions assigns")


def test_a_rule_below_the_catch_all_that_decides_nothing_new_is_warned_of() -> None:
    late = replace(upset(Then(assign="maria")), line=12)
    assert lint(replace(BOOK, rules=(ALL, late))) == [
        "rules/r.yaml:12: rule 'upset' can never decide anything: 'all' above it is for every mail"
    ]
    assert lint(replace(BOOK, rules=(late, ALL))) == []


def test_a_rule_below_the_catch_all_that_adds_something_is_fine() -> None:
    assert lint(replace(BOOK, rules=(ALL, upset(Then(assign="maria", labels=("hot",)))))) == []
    assert lint(replace(BOOK, rules=(ALL, upset(Then(priority="high"))))) == []


def test_nothing_below_a_rule_that_ignores_everything_is_ever_asked() -> None:
    nobody = Rule(name="nobody", when=(), then=Then(ignore=True))
    warnings = lint(replace(BOOK, rules=(nobody, upset(Then(labels=("hot",))))))
    assert warnings == ["rules/r.yaml:3: rule 'upset' can never decide anything: 'nobody' above it is for every mail"]


def test_teams_with_nobody_there_and_agents_whom_no_mail_reaches_are_warned_of() -> None:
    empty = Team(name=TeamName("night"), agents=(), fallback=TeamName("seniors"))
    alone = replace(MARIA, name=AgentName("tom"), emails=("tom@acme.example",))
    book = replace(BOOK, teams={SENIORS.name: SENIORS, empty.name: empty}, agents={MARIA.name: MARIA, alone.name: alone})
    assert lint(book) == ["team 'night' has no agents", "agent 'tom' is in no team: no mail will reach them"]
    assert lint(replace(BOOK, teams={empty.name: replace(empty, fallback=None)})) == [
        "team 'night' has no agents, and no 'if_nobody_is_free'",
        "no team 'seniors': upset and reopened cases have no senior agent to go to",
    ]


# --- for editors -----------------------------------------------------------------------------------------------------

MISTAKE = Mistake(file="rules/r.yaml", line=12, column=15, message="no team called 'seniors'", excerpt="      assign: seniors", width=7)
PLACE = {"severity": "error", "file": "rules/r.yaml", "line": 12, "column": 15, "end_column": 22, "message": "no team called 'seniors'"}


def test_a_mistake_reaches_editors_with_its_place_and_people_as_it_was() -> None:
    error = ConfigError(MISTAKE, "two more words")
    assert as_data(error.found[0]) == {**PLACE, "text": "      assign: seniors"}
    assert error.mistakes == (str(MISTAKE), "two more words")
    assert str(error) == f"{MISTAKE}\ntwo more words"


def test_a_mistake_of_which_only_words_are_known_still_says_its_place() -> None:
    assert as_data("rules/r.yaml:12:15: no team called 'seniors'") == {**PLACE, "end_column": 16, "text": ""}
    assert as_data("t/en/a.txt.j2:3: bad", "warning") == {
        "severity": "warning", "file": "t/en/a.txt.j2", "line": 3, "column": 0, "end_column": 0, "message": "bad", "text": "",
    }  # fmt: skip
    assert as_data("the lead is lost: 3: look")["message"] == "the lead is lost: 3: look"


def test_a_mistake_of_a_whole_file_has_no_line() -> None:
    found = as_data(Mistake(file="rules/r.yaml", line=0, column=0, message="this is not YAML"))
    assert (found["file"], found["line"], found["column"], found["end_column"]) == ("rules/r.yaml", 0, 0, 0)


def test_a_warning_says_that_it_is_one() -> None:
    found = as_data(Warning_(file="rules/r.yaml", line=4, message="look"))
    assert (found["severity"], found["file"], found["line"], found["message"]) == ("warning", "rules/r.yaml", 4, "look")


# --- templates that cannot be filled in ------------------------------------------------------------------------------


def template_mistakes(folder: Path, **texts: str) -> list[str]:
    """What is wrong with the admin's own templates, given as en_name=text."""
    for key, text in texts.items():
        file = folder / key[:2] / f"{key[3:]}.txt.j2"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    try:
        load_templates(ROOT / "templates", folder)
    except ConfigError as error:
        return [mistake.replace(f"{folder}/", "") for mistake in error.mistakes]
    return []


def test_the_shipped_templates_can_be_filled_in(tmp_path: Path) -> None:
    assert template_mistakes(tmp_path) == []
    assert template_mistakes(tmp_path, en_shop="{{ subject }} {{ customer }} {{ agent }} {{ links }}\n") == []


def test_a_value_that_a_template_does_not_have_is_named_with_file_and_line_in_each_language(tmp_path: Path) -> None:
    of_all = (
        "there are agent, answer, answered_at, brand, customer, lead, now, opens_at, refused_at, subject, variant, writes_by, writes_on"
    )
    assert template_mistakes(tmp_path, en_acknowledge="Hello,\n\n{{ custmer }}\n", de_shop="{% if no %}{{ sbject }}{% endif %}") == [
        f"de/shop.txt.j2:1: there is no value 'no' here; {of_all}",
        f"de/shop.txt.j2:1: there is no value 'sbject' here; {of_all}",
        "en/acknowledge.txt.j2:3: there is no value 'custmer' here; there are answer, brand, customer, now, opens_at, subject,"
        " writes_by, writes_on",
    ]


def test_a_template_that_fails_only_for_some_mails_is_a_mistake(tmp_path: Path) -> None:
    (mistake,) = template_mistakes(tmp_path, en_we_are_closed="Hello,\n\nwe are here at {{ opens_at | clock }}.\n")
    assert mistake.startswith("en/we_are_closed.txt.j2:3: cannot be filled in: ")
    assert mistake.endswith("('opens_at', 'writes_by' can be empty: ask with 'if')")
    (mistake,) = template_mistakes(tmp_path, en_we_are_closed="{{ subject.colour }}\n")
    assert mistake == "en/we_are_closed.txt.j2:1: cannot be filled in: 'str object' has no attribute 'colour'"


def test_templates_for_agents_may_use_what_the_shipped_ones_use_and_ask_whether_something_is_there(tmp_path: Path) -> None:
    assert (
        template_mistakes(tmp_path, en_thanks="{{ quote }} {{ at | weekday }} {{ brand }}{% if x is defined %}{{ x }}{% endif %}\n") == []
    )
    (mistake,) = template_mistakes(tmp_path, en_thanks="\n{{ qoute }}")
    assert mistake.startswith("en/thanks.txt.j2:2: there is no value 'qoute' here; there are agent, ")


def test_filters_that_do_not_exist_and_broken_templates_are_mistakes(tmp_path: Path) -> None:
    assert template_mistakes(tmp_path, en_help="a\n{{ agent | shout }}") == ["en/help.txt.j2:2: No filter named 'shout'."]
    assert [mistake.partition(": ")[0] for mistake in template_mistakes(tmp_path, en_help="{% if %}")] == ["en/help.txt.j2:1"]


def test_the_page_of_the_admins_own_is_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "letter.html.j2").write_text("<p>\n{{ tittle }}", encoding="utf-8")
    (mistake,) = template_mistakes(tmp_path)
    assert mistake == "letter.html.j2:2: there is no value 'tittle' here; there are blocks, language, links, own, title"


# --- the command -----------------------------------------------------------------------------------------------------

PEOPLE = """agents: {maria: {email: maria@acme.example}}
teams: {seniors: {agents: [maria]}, night: {agents: []}}
lead: maria
"""
RULES = "rules:\n  - name: all\n    then: {assign: seniors}\n"
EMPTY = "team 'night' has no agents, and no 'if_nobody_is_free'"


def checked(folder: Path, *more: str, **texts: str) -> tuple[int, list[str], list[str]]:
    """What `check` says of these files: its exit code, what it found, and the summary."""
    for name, text in texts.items():
        (folder / f"{name.replace('_', '.')}").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["check", "--rules", str(folder), "--config", str(folder / "none"), *more])
    return done.exit_code, done.stderr.replace(f"{folder}/", "").splitlines(), done.stdout.splitlines()


def test_the_summary_counts_warnings_and_says_that_all_is_well_only_without_any(tmp_path: Path) -> None:
    assert checked(tmp_path, people_yaml=PEOPLE, r_yaml=RULES) == (0, [f"warning: {EMPTY}"], ["no mistakes, 1 warning"])
    assert checked(tmp_path, people_yaml=PEOPLE.replace(", night: {agents: []}", "")) == (0, [], ["all is well"])


def test_files_that_are_not_read_are_warned_of(tmp_path: Path) -> None:
    code, found, summary = checked(tmp_path, people_yaml=PEOPLE, r_yaml=RULES, more_yml="rules: []", b_test_yml="tests: []", C_YAML="")
    assert (code, summary) == (0, ["no mistakes, 4 warnings"])
    assert found[:3] == [
        f"warning: {name}: this file is not read: end its name with '.yaml', in small letters"
        for name in ("C.YAML", "b.test.yml", "more.yml")
    ]
    done = CliRunner().invoke(app, ["test", "--rules", str(tmp_path), "--config", str(tmp_path / "none")])
    assert done.exit_code == 0 and "b.test.yml: this file is not read" in done.stderr


def test_a_mistake_hides_neither_warnings_nor_failing_tests(tmp_path: Path) -> None:
    wrong = RULES.replace("seniors}", "seniors, reply_with: aknowledge}")
    test = "tests:\n  - name: a promise\n    expect: {assign: night}\n"
    code, found, summary = checked(tmp_path, people_yaml=PEOPLE, r_yaml=wrong, r_test_yaml=test)
    assert (code, summary) == (78, ["2 problems found, 1 warning"])
    assert found == [
        "r.yaml:3:41: no template called 'aknowledge' - did you mean 'acknowledge'?",
        "    3 |     then: {assign: seniors, reply_with: aknowledge}",
        "      |                                         ^^^^^^^^^^",
        "r.test.yaml:2: the rule test 'a promise' fails: assign: expected night, got seniors (rule 'all')",
        f"warning: {EMPTY}",
    ]
    _, _, (told,) = checked(tmp_path, "--json")
    data = json.loads(told)
    assert [(one["line"], one["column"], one["text"]) for one in data["mistakes"]] == [
        (3, 41, "    then: {assign: seniors, reply_with: aknowledge}"),
        (2, 0, ""),
    ]
    assert [one["message"] for one in data["warnings"]] == [EMPTY]


def test_a_mistake_of_the_tests_does_not_hide_what_the_rules_warn_of(tmp_path: Path) -> None:
    code, found, summary = checked(tmp_path, people_yaml=PEOPLE, r_yaml=RULES, r_test_yaml="tests:\n  - expect: {assign: seniors}\n")
    assert (code, summary) == (78, ["1 problem found, 1 warning"])
    assert found[0].startswith("r.test.yaml:2:5: a test without 'name'") and found[-1] == f"warning: {EMPTY}"


def test_folders_of_the_settings_that_the_server_does_not_have_are_named_with_its_own_word_for_them() -> None:
    (box,) = in_folders(sent="Sent", junk="Spam", resolved="Done").mailboxes
    probe = ImapProbe(capabilities=(), folders=("Inbox", "Gesendet", "Spam"), sent="Gesendet", junk="Spam")
    assert list(_missing_folders(box, probe)) == [
        "there is no folder 'Sent'; the server calls it 'Gesendet': set folders: {sent: 'Gesendet'}",
        "there is no folder 'Done'; make it in a mail program, or leave 'resolved' out of folders",
    ]
    there = replace(probe, folders=("INBOX", "Sent", "Spam", "Done"))
    assert list(_missing_folders(box, there)) == []


def test_a_folder_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    assert checked(tmp_path / "nowhere")[1] == [f"{tmp_path / 'nowhere'}: there is no such folder"]


# --- authserv_id: does our own server write this name? -------------------------------------------------------------------


OURS = "mx.acme.example"


def desk_with(folder: Path, authserv_id: str, *results: str) -> list[str]:
    """What `check` warns of on a desk with these settings, after mails with these Authentication-Results ("": none)."""
    servers = ["--address", "support@acme.example", "--imap-host", "localhost", "--smtp-host", "localhost"]
    made = CliRunner().invoke(app, ["init", str(folder), "--non-interactive", *servers, "--agent", "Maria Lindt <maria@acme.example>"])
    assert made.exit_code == 0, made.stderr
    config = folder / "inboxd.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("    addresses: plus\n", f"    addresses: plus\n    authserv_id: {authserv_id}\n"), encoding="utf-8")
    (folder / "state").mkdir()
    day = Day(store_path=folder / "state" / STORE_FILE, reader=FakeReader())
    for number, result in enumerate(results):
        headers = {"Authentication-Results": result} if result else {}
        day.write(f"Customer {number} <c{number}@customers.example>", f"Question {number}", "Where is it?", headers=headers)
    day.store.close()
    done = CliRunner().invoke(app, ["check", "--offline", "--config", str(config)])
    assert done.exit_code == 0, done.stderr
    return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]


def test_a_typo_in_the_name_of_our_own_server_is_warned_of_with_the_name_that_it_writes(tmp_path: Path) -> None:
    confirmed = f"{OURS} 1; dmarc=pass header.from=customers.example"
    (told,) = desk_with(tmp_path / "wrong", "mx.acme.exmaple", confirmed, confirmed, "mail.other.example; spf=pass", "")
    assert told == (
        f"warning: {tmp_path}/wrong/inboxd.yaml: acme: none of the newest 4 mails has an Authentication-Results of mx.acme.exmaple,"
        f" so no agent is obeyed; on top of 2 of them is that of {OURS}: if that is your own mail server, set 'authserv_id: {OURS}'"
    )
    assert desk_with(tmp_path / "right", OURS.upper(), confirmed, "", "mail.other.example; spf=pass") == []
    assert desk_with(tmp_path / "few", "mx.acme.exmaple", confirmed, confirmed) == [], "too few to say anything"


def test_a_server_that_writes_no_results_at_all_is_told(tmp_path: Path) -> None:
    (told,) = desk_with(tmp_path / "none", OURS, "", "", "evil\x1b[2J.example; dmarc=pass")
    assert "none of the newest 3 mails" in told and "nor of any other: have the server write it, or leave authserv_id out" in told


def test_without_a_store_nothing_is_said_of_the_server(tmp_path: Path) -> None:
    named = replace(SETTINGS, path=tmp_path / "inboxd.yaml", state_dir=tmp_path)
    assert newest_mails(named) == {} and unheard_servers(named, {}) == []
