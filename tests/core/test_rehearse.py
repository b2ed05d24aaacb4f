"""Rule tests promise what happens, at once and later; one that expects the wrong thing fails and says what came instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.core.model import Scores
from inboxd.core.policy import Policy
from inboxd.core.rehearse import rehearse
from inboxd.desk.rule_tests import needs_model, run_rule_tests
from inboxd.errors import ConfigError
from tests.fakes import FakeReader

PEOPLE = """
calendars:
  office:
    timezone: Europe/Berlin
    open: {mon-fri: "09:00-17:00"}
agents:
  maria: {email: maria@acme.example}
  jonas: {email: jonas@acme.example}
  tom: {email: tom@acme.example, away: [2026-12-21 to 2026-12-31]}
  petra: {email: petra@acme.example}
teams:
  everyone: {agents: [maria, tom], prefer: agent_who_knows_the_customer}
  seniors: {agents: [jonas, petra]}
lead: petra
customers:
  ceo@big.example: {vip: yes}
"""
RULES = """
rules:
  - name: newsletters
    when: {kind: list}
    then: {ignore: yes}
  - name: upset
    when: {sentiment: upset}
    then: {assign: seniors, answer_within: 2 opening hours, label: upset}
  - name: vip
    when: {customer: vip}
    then: {answer_within: 1 opening hour}
  - name: everything else
    then: {assign: everyone, answer_within: 4 opening hours}
if_nobody_answers:
  - after: half of answer_within
    remind: assigned_agent
  - after: answer_within
    assign: seniors
    tell: lead
"""
MAIL = "mail: {from: ana@customer.example, subject: Bike, text: Where is it?, received: 2026-11-23 10:00}"  # a Monday


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "routing.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def differences(rules: Path, test: str, reader: FakeReader | None = None) -> tuple[str, ...]:
    """Run one test as an admin writes it; its lines are those of an entry of `tests`."""
    lines = "".join(f"    {line}\n" for line in test.strip().splitlines())
    (rules / "routing.test.yaml").write_text(f"tests:\n  - name: a promise\n{lines}", encoding="utf-8")
    book = load_rules(rules)
    (result,) = run_rule_tests(book, load_tests(rules, book), reader=reader)
    assert result.passed is not bool(result.differences)
    return result.differences


# --- who and by when -----------------------------------------------------------------------------------------------------


def test_who_gets_it_and_by_when_are_promised(rules: Path) -> None:
    assert differences(rules, f"{MAIL}\nexpect: {{agent: maria, due: 2026-11-23 14:00}}") == ()


def test_somebody_else_and_another_hour_are_told(rules: Path) -> None:
    assert differences(rules, f"{MAIL}\nexpect: {{agent: tom, due: 2026-11-23 12:00}}") == (
        "agent: expected tom, got maria (fewest open cases; tom: 0 open cases; maria: 0 open cases)",
        "due: expected 2026-11-23 12:00, got 2026-11-23 14:00",
    )


def test_the_hour_skips_night_and_weekend(rules: Path) -> None:
    late = MAIL.replace("2026-11-23 10:00", "2026-11-20 15:30")
    assert differences(rules, f"{late}\nexpect: {{due: 2026-11-23 11:30}}") == ()
    assert differences(rules, f"{late}\nexpect: {{due: 2026-11-20 19:30}}") == ("due: expected 2026-11-20 19:30, got 2026-11-23 11:30",)


@pytest.mark.parametrize(
    ("given", "agent"),
    [
        ("open_cases: {maria: 3}", "tom"),
        ("away: [maria]", "tom"),
        ("knows: [tom]", "tom"),
        ("sentiment: upset", "jonas"),
        ("away: [jonas], sentiment: upset", "petra"),
        ("away: [maria, tom]", "petra"),
    ],
)
def test_what_is_given_of_the_team_decides_who_gets_it(rules: Path, given: str, agent: str) -> None:
    assert differences(rules, f"{MAIL}\ngiven: {{{given}}}\nexpect: {{agent: {agent}}}") == ()
    assert differences(rules, f"{MAIL}\ngiven: {{{given}}}\nexpect: {{agent: maria}}") != ()


def test_days_off_of_the_files_count_on_the_day_of_the_mail(rules: Path) -> None:
    given, mail = "given: {open_cases: {maria: 9}}", MAIL.replace("2026-11-23", "2026-12-22")
    assert differences(rules, f"{MAIL}\n{given}\nexpect: {{agent: tom}}") == ()
    assert differences(rules, f"{mail}\n{given}\nexpect: {{agent: maria}}") == ()


def test_nobody_gets_what_is_ignored(rules: Path) -> None:
    assert differences(rules, f"{MAIL}\ngiven: {{kind: list}}\nexpect: {{agent: nobody, ignore: yes}}") == ()
    assert differences(rules, f"{MAIL}\ngiven: {{kind: list}}\nexpect: {{agent: maria}}") == ("agent: expected maria, got nobody",)
    assert differences(rules, f"{MAIL}\nexpect: {{agent: nobody}}")[0].startswith("agent: expected nothing, got maria")


def test_what_the_files_say_of_the_customer_counts_unless_the_test_says_it(rules: Path) -> None:
    vip = MAIL.replace("ana@customer.example", "ceo@big.example")
    assert differences(rules, f"{vip}\nexpect: {{due: 2026-11-23 11:00}}") == ()
    assert differences(rules, f"{vip}\ngiven: {{customer: known}}\nexpect: {{due: 2026-11-23 14:00}}") == ()


# --- as time goes by -----------------------------------------------------------------------------------------------------

LATER = f"""{MAIL}
expect: {{agent: maria}}
timeline:
  - after: 2 opening hours
    expect: {{remind: maria}}
  - after: 4 opening hours
    expect: {{assign: seniors, agent: jonas, tell: lead}}
"""


def test_the_ladder_is_promised_step_by_step(rules: Path) -> None:
    assert differences(rules, LATER) == ()


def test_the_ladder_of_a_friday_afternoon_goes_on_on_monday(rules: Path) -> None:
    friday = LATER.replace("2026-11-23 10:00", "2026-11-20 16:00")
    assert differences(rules, friday) == ()
    assert differences(rules, friday.replace("after: 4 opening hours", "after: 67 hours")) == (
        "after 67 hours: assign: expected seniors, got nothing (nothing happened)",
        "after 67 hours: agent: expected jonas, got nothing (nothing happened)",
        "after 67 hours: tell: expected lead, got nothing (nothing happened)",
    )


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("remind: maria", "remind: tom", "after 2 opening hours: remind: expected tom, got maria (remind maria)"),
        ("remind: maria", "remind: nobody", "after 2 opening hours: remind: expected nothing, got maria (remind maria)"),
        ("remind: maria", "nothing: yes", "after 2 opening hours: expected nothing to happen, but: remind maria"),
        ("remind: maria", "tell: lead", "after 2 opening hours: tell: expected lead, got nothing (remind maria)"),
        ("after: 2 opening", "after: 1 opening", "after 1 opening hour: remind: expected maria, got nothing (nothing happened)"),
        (
            "assign: seniors,",
            "assign: everyone,",
            "after 4 opening hours: assign: expected everyone, got seniors (assign seniors; agent jonas; tell lead)",
        ),
        (
            "agent: jonas",
            "agent: petra",
            "after 4 opening hours: agent: expected petra, got jonas (assign seniors; agent jonas; tell lead)",
        ),
        (
            "tell: lead",
            "tell: nobody",
            "after 4 opening hours: tell: expected nothing, got lead (assign seniors; agent jonas; tell lead)",
        ),
    ],
)
def test_a_step_that_does_not_come_as_promised_is_told_with_what_came(rules: Path, right: str, wrong: str, told: str) -> None:
    assert LATER.count(right) == 1
    assert differences(rules, LATER.replace(right, wrong))[0] == told


def test_rules_without_a_ladder_break_its_promises(rules: Path) -> None:
    (rules / "routing.yaml").write_text(RULES.partition("if_nobody_answers:")[0], encoding="utf-8")
    assert any("expected seniors" in line or "expected lead" in line for line in differences(rules, LATER))


def test_time_passes_only_where_the_first_answers_are_right(rules: Path) -> None:
    found = differences(rules, LATER.replace("{agent: maria}", "{agent: tom}").replace("remind: maria", "remind: tom"))
    assert [line.partition(":")[0] for line in found] == ["agent"]


def test_nothing_happens_before_the_first_step_and_after_an_answer(rules: Path) -> None:
    answered = f"""{MAIL}
timeline:
  - after: 1 opening hour
    expect: {{nothing: yes}}
    do: answer
  - after: 4 opening days
    expect: {{nothing: yes}}
"""
    assert differences(rules, answered) == ()
    found = differences(rules, answered.replace("    do: answer\n", ""))
    assert found[0].startswith("after 4 opening days: expected nothing to happen, but: remind maria; assign seniors; agent jonas")


RESOLVED = f"""{MAIL}
timeline:
  - after: 1 opening hour
    do: resolve
  - after: 3 days
    expect: {{sent: are_you_happy, remind: nobody}}
  - after: 30 days
    expect: {{nothing: yes}}
"""


def test_once_resolved_the_customer_is_asked_and_nobody_reminded(rules: Path) -> None:
    assert differences(rules, RESOLVED) == ()
    assert differences(rules, RESOLVED.replace("after: 3 days", "after: 1 day"))[0] == (
        "after 1 day: sent: expected are_you_happy, got nothing (nothing happened)"
    )


def test_whom_a_rule_spares_is_not_asked(rules: Path) -> None:
    (rules / "routing.yaml").write_text(RULES.replace("then: {assign: everyone,", "then: {follow_up: no, assign: everyone,"), "utf-8")
    spared = RESOLVED.replace("sent: are_you_happy", "sent: nothing")
    assert differences(rules, spared) == ()
    assert differences(rules, RESOLVED) == ("after 3 days: sent: expected are_you_happy, got nothing (nothing happened)",)


def test_a_silence_after_our_answer_is_asked_about(rules: Path) -> None:
    silent = f"""{MAIL}
timeline:
  - after: 1 opening hour
    do: answer
  - after: 6 days
    expect: {{sent: are_you_happy}}
"""
    assert differences(rules, silent) == ()
    assert differences(rules, silent.replace("after: 6 days", "after: 4 days")) != ()


def test_an_acknowledgement_is_sent_unless_somebody_answers_first(rules: Path) -> None:
    (rules / "routing.yaml").write_text(
        RULES.replace("then: {assign: everyone,", "then: {reply_with: acknowledge, assign: everyone,"), "utf-8"
    )
    acknowledged = f"""{MAIL}
timeline:
  - after: 5 minutes
    expect: {{nothing: yes}}
  - after: 20 minutes
    expect: {{sent: acknowledge}}
"""
    assert differences(rules, acknowledged) == ()
    assert differences(rules, acknowledged.replace("    expect: {nothing: yes}", "    do: answer")) == (
        "after 20 minutes: sent: expected acknowledge, got nothing (nothing happened)",
    )


def test_what_is_ignored_is_never_anybodys_to_answer(rules: Path) -> None:
    ignored = f"{MAIL}\ngiven: {{kind: list}}\ntimeline:\n  - after: 30 days\n    expect: {{nothing: yes}}"
    assert differences(rules, ignored) == ()
    assert differences(rules, ignored.replace("nothing: yes", "remind: maria")) != ()


def test_a_case_that_came_back_climbs_the_ladder_too(rules: Path) -> None:
    again = f"{MAIL}\ngiven: {{reopened: yes}}\ntimeline:\n  - after: 2 opening hours\n    expect: {{remind: maria}}"
    assert differences(rules, again) == ()
    assert differences(rules, again.replace("remind: maria", "remind: tom")) != ()


def test_what_is_given_of_the_customer_holds_as_time_goes_by(rules: Path) -> None:
    vip = f"{MAIL}\ngiven: {{customer: vip}}\ntimeline:\n  - after: 1 opening hour\n    expect: {{remind: maria, tell: lead}}"
    assert differences(rules, vip) == ()
    assert differences(rules, vip.replace("customer: vip", "customer: known")) != ()


def test_what_is_given_of_the_waiting_holds_as_time_goes_by(rules: Path) -> None:
    waits = "  - name: waits\n    when: {waiting: at least 4 hours}\n    then: {answer_within: 1 opening hour}\n"
    (rules / "routing.yaml").write_text(RULES.replace("rules:\n", f"rules:\n{waits}"), "utf-8")
    test = f"{MAIL}\ngiven: {{waiting: 5 hours}}\nexpect: {{answer_within: 1 opening hour}}\n"
    assert differences(rules, f"{test}timeline:\n  - after: 1 opening hour\n    expect: {{assign: seniors}}") == ()


# --- somebody goes away, and comes back ----------------------------------------------------------------------------------

BEFORE_THE_ABSENCE = """mail: {from: ana@customer.example, received: 2026-12-18 10:00}
given: {open_cases: {maria: 9}}
expect: {agent: tom}
timeline:
  - after: 60 hours
    expect: {agent: nobody}
  - after: 64 hours
    expect: {agent: maria}
  - after: 17 days
    expect: {agent: tom}
"""


def test_who_goes_away_hands_an_open_case_to_a_colleague_at_midnight_and_has_it_back_afterwards(rules: Path) -> None:
    silent = RULES.partition("if_nobody_answers:")[0]
    (rules / "routing.yaml").write_text(f"{silent}if_nobody_answers:\n  - {{after: 40 days, tell: lead}}\n", encoding="utf-8")
    assert differences(rules, BEFORE_THE_ABSENCE) == ()
    assert differences(rules, BEFORE_THE_ABSENCE.replace("64 hours", "61 hours")) == (  # tom is away from Monday, 62 hours after the mail
        "after 61 hours: agent: expected maria, got nothing (nothing happened)",
        "after 17 days: agent: expected tom, got maria, tom (assign everyone; agent maria; assign everyone; agent tom)",
    )


def test_what_is_answered_stays_with_who_answered_it(rules: Path) -> None:
    answered = """mail: {from: ana@customer.example, received: 2026-12-18 10:00}
given: {open_cases: {maria: 9}}
expect: {agent: tom}
timeline:
  - after: 60 hours
    do: answer
  - after: 17 days
    expect: {agent: nobody}
"""
    assert differences(rules, answered) == ()
    assert differences(rules, answered.replace("do: answer", "expect: {tell: nobody}")) != ()


def test_whose_reminder_comes_while_they_are_away_reminds_their_colleague(rules: Path) -> None:
    friday = """mail: {from: ana@customer.example, received: 2026-12-18 16:00}
given: {open_cases: {maria: 9}}
expect: {agent: tom}
timeline:
  - after: 2 opening hours
    expect: {remind: maria}
"""
    assert differences(rules, friday) == ()
    assert differences(rules, friday.replace("remind: maria", "remind: tom")) != ()


def test_without_anything_to_say_of_the_others_there_is_no_empty_reason(rules: Path) -> None:
    (rules / "people.yaml").write_text(PEOPLE.replace("  everyone: {agents: [maria, tom]", "  everyone: {agents: []"), encoding="utf-8")
    found = differences(rules, f"{MAIL}\nexpect: {{agent: maria}}")
    assert found == ("agent: expected maria, got petra (leads the team, and nobody else could take it)",)


# --- a mail in a file ----------------------------------------------------------------------------------------------------

EML = b"From: Ana <ana@customer.example>\r\nTo: support@acme.example\r\nSubject: Third time\r\n\r\nI am furious.\r\n"
IN_A_FILE = "mail_file: ana.eml\nexpect: {assign: seniors, label: [upset]}"
FURIOUS = FakeReader(scores=lambda _: Scores(language="en", upset=0.99))


def test_a_mail_in_a_file_is_read_by_the_model(rules: Path) -> None:
    (rules / "ana.eml").write_bytes(EML)
    assert differences(rules, IN_A_FILE, FURIOUS) == ()
    assert differences(rules, IN_A_FILE, FakeReader())[0] == "assign: expected seniors, got everyone (rule 'everything else')"


def test_what_a_test_gives_counts_more_than_what_the_model_reads(rules: Path) -> None:
    (rules / "ana.eml").write_bytes(EML)
    assert differences(rules, f"{IN_A_FILE}\ngiven: {{sentiment: neutral}}".replace("seniors, label: [upset]", "everyone"), FURIOUS) == ()


def test_without_a_model_a_mail_in_a_file_keeps_no_promise(rules: Path) -> None:
    (rules / "ana.eml").write_bytes(EML)
    assert differences(rules, IN_A_FILE) == ("mail_file: no model is at hand to read it",)
    assert needs_model(load_tests(rules, load_rules(rules)))


def test_a_mail_file_that_is_not_there_is_a_mistake_of_the_test(rules: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*ana\.eml; the path counts from the folder of this test"):
        differences(rules, IN_A_FILE, FURIOUS)


def test_a_mail_file_that_is_taken_away_meanwhile_is_told(rules: Path) -> None:
    (rules / "ana.eml").write_bytes(EML)
    differences(rules, IN_A_FILE, FURIOUS)
    tests = load_tests(rules, load_rules(rules))
    (rules / "ana.eml").unlink()
    (result,) = run_rule_tests(load_rules(rules), tests, reader=FURIOUS)
    assert result.differences == (f"mail_file: {rules / 'ana.eml'} cannot be read: No such file or directory",)


# --- the same every time -------------------------------------------------------------------------------------------------


def test_a_rehearsal_says_why_and_ends_the_same_twice(rules: Path) -> None:
    differences(rules, LATER)
    book = load_rules(rules)
    (test,) = load_tests(rules, book)
    first, second = (rehearse(book, test, Policy()) for _ in range(2))
    assert first == second
    assert [(trace.rule, trace.matched) for trace in first.trace] == [
        ("newsletters", False),
        ("upset", False),
        ("vip", False),
        ("everything else", True),
    ]
