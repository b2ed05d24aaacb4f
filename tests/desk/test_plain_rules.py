"""The rules as sentences: every word is worded, and the sentences say what the rules do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from inboxd.adapters.rule_files import load_rules
from inboxd.adapters.rule_files.language import BLOCKS, Word, words_of
from inboxd.adapters.rule_files.words import KINDS, SENTIMENTS
from inboxd.core.model import TeamName
from inboxd.core.rulebook import Rulebook
from inboxd.core.rules import CONDITIONS
from inboxd.desk.plain_rules import WIDTH, as_json, per_agent, plain

SHIPPED = Path(__file__).parents[2] / "rules"
TODAY = date(2026, 12, 22)  # a Tuesday
PEOPLE = """
calendars:
  office: {timezone: Europe/Berlin, open: {mon-fri: ["09:00-12:00", "13:00-17:30"], sat: "10:00-14:00"}, holidays: DE-BY}
  night: {timezone: Europe/Berlin, open: {daily: "22:00-06:00"}, closed: 2026-12-31}
agents:
  maria: {email: maria@acme.example, name: Maria Lindt, speaks: [de, en], away: [2026-12-21 to 2027-01-03, 2026-11-02]}
  jonas: {email: jonas@acme.example, at_most: 6, hours: {mon-thu: "08:00-13:00"}}
  tom: {email: tom@acme.example, mentor: maria}
  petra: petra@acme.example
teams:
  everyone: {agents: [maria, jonas], at_most: 12 open cases each}
  seniors: {agents: [maria], if_nobody_is_free: everyone, at_most_upset: 4 a day each}
  owls: {agents: [jonas], calendar: night}
lead: petra
customers:
  big.example: {label: [key account]}
"""
WORDED = {  # condition -> how it is said, and how its opposite
    "kind: [list, bounce]": (
        "it is a newsletter or the mail of a list or a bounce",
        "it is not a newsletter or the mail of a list or a bounce",
    ),
    "topic: [cancellation, order_and_delivery]": (
        "it is about cancellation or order and delivery",
        "it is not about cancellation or order and delivery",
    ),
    "sentiment: [upset, unhappy]": ("the writer sounds upset or unhappy", "the writer does not sound upset or unhappy"),
    "sentiment_change: worse": (
        "the writer sounds worse than in their mail before it",
        "the writer does not sound worse than in their mail before it",
    ),
    "urgent: yes": ("it cannot wait", "it can wait"),
    "sensitive: no": ("it is not about death, illness, danger or law", "it is about death, illness, danger or law"),
    "contacts: at least 3 in 14 days": (
        "the customer wrote at least 3 times in 14 days",
        "the customer wrote fewer than 3 times in 14 days",
    ),
    "reopened: yes": ("the case was resolved before and is open again", "the case was not resolved before"),
    "waiting: at least 4 opening hours": (
        "the customer has waited at least 4 opening hours for an answer",
        "the customer has waited less than 4 opening hours for an answer",
    ),
    "customer: [vip, key account]": (
        'the customer is a VIP or labelled "key account"',
        'the customer is not a VIP or labelled "key account"',
    ),
    "language: [de, eo]": ("it is written in German or the language 'eo'", "it is not written in German or the language 'eo'"),
    "sender: big.example": ("it comes from big.example", "it does not come from big.example"),
    "to: billing@acme.example": ("it was sent to billing@acme.example", "it was not sent to billing@acme.example"),
    "subject_contains: invoice": ('the subject has "invoice" in it', 'the subject does not have "invoice" in it'),
    "text_contains: [lawyer, court]": ('the text has "lawyer" or "court" in it', 'the text does not have "lawyer" or "court" in it'),
    "subject_matches: 'A-\\d+'": ('the subject matches the pattern "A-\\d+"', 'the subject does not match the pattern "A-\\d+"'),
    "text_matches: 'A-\\d+'": ('the text matches the pattern "A-\\d+"', 'the text does not match the pattern "A-\\d+"'),
    "received_during: office": ("it came in while office was open", "it came in while office was closed"),
    "received_outside: office": ("it came in while office was closed", "it came in while office was open"),
    "authentication: fail": (
        "our mail server says that the sender is forged",
        "it is not so that our mail server says that the sender is forged",
    ),
    "header: 'X-Shop-Form: returns'": (
        'it has the header line x-shop-form with "returns"',
        'it does not have the header line x-shop-form with "returns"',
    ),
    "sure: at least 0.8": ("we are at least 80% sure of the topic", "we are less than 80% sure of the topic"),
    "not: {customer: new}": ("the customer is not new (never wrote before)", "the customer is new (never wrote before)"),
    "any: [{urgent: yes}, {customer: vip, reopened: yes}]": (
        "either it cannot wait, or (the customer is a VIP, and the case was resolved before and is open again)",
        "it can wait, and (either the customer is not a VIP, or the case was not resolved before)",
    ),
}
DECIDED = {
    "assign: seniors": "it goes to the team seniors (maria)",
    "answer_within: 2 opening hours": "an answer is due within 2 opening hours",
    "reply_with: we_hear_you": "the acknowledgement, if one is sent, is 'we_hear_you'",
    "label: [repeat, win back]": 'it gets the labels "repeat" and "win back"',
    "tell: [lead, tom]": "a notice goes to the lead (petra) and tom",
    "priority: high": "priority high",
    "brief: give back 20 EUR": "The agent is told: Give back 20 EUR.",
    "file_in: Newsletters": 'the mail is moved into the folder "Newsletters"',
    "ignore: yes": "nobody gets it, it is stored and counted, and no rule below decides anything",
    "follow_up: no": "the customer is not asked afterwards whether it is solved",
}


def book_of(folder: Path, rules: str, more: str = "") -> Rulebook:
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    (folder / "routing.yaml").write_text(f"rules:\n{rules}\n{more}", encoding="utf-8")
    return load_rules(folder)


def only_rule(book: Rulebook) -> dict[str, Any]:
    rules = as_json(book, TODAY)["rules"]
    assert isinstance(rules, list) and len(rules) == 1
    return dict(rules[0])


def when(folder: Path, conditions: str) -> str:
    book = book_of(folder, f"  - name: example\n    when: {conditions}\n    then: {{priority: high}}")
    return str(only_rule(book)["when"]).removeprefix("If ").removesuffix(".")


def then(folder: Path, answer: str) -> list[str]:
    book = book_of(folder, f"  - name: example\n    then: {{{answer}}}")
    rule = only_rule(book)
    assert rule["when"] == "For every mail."
    return list(rule["then"])


def one_line(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


# --- every word is worded ----------------------------------------------------------------------------------------------------


def test_no_word_of_the_language_is_forgotten() -> None:
    assert {example.partition(":")[0] for example in WORDED} == set(words_of("when")) == set(CONDITIONS)
    assert {example.partition(":")[0] for example in DECIDED} == set(words_of("then"))


@pytest.mark.parametrize("condition", WORDED)
def test_each_condition_is_said_in_words_and_so_is_its_opposite(condition: str, tmp_path: Path) -> None:
    said, opposite = WORDED[condition]
    assert when(tmp_path, f"{{{condition}}}") == said
    assert when(tmp_path, f"{{not: {{{condition}}}}}") == opposite


@pytest.mark.parametrize("answer", DECIDED)
def test_each_answer_is_said_in_words(answer: str, tmp_path: Path) -> None:
    said = DECIDED[answer]
    assert then(tmp_path, answer) == [said[0].upper() + said[1:] + ("" if said.endswith(".") else ".")]


@pytest.mark.parametrize("word", BLOCKS["when"], ids=lambda word: word.name)
def test_the_example_of_each_condition_in_the_language_is_worded(word: Word, tmp_path: Path) -> None:
    assert when(tmp_path, f"{{{word.name}: {word.example}}}")


def test_each_value_of_a_closed_list_is_worded(tmp_path: Path) -> None:
    for word, values in (
        ("kind", KINDS),
        ("sentiment", SENTIMENTS),
        ("sentiment_change", ("worse", "better", "same")),
        ("authentication", ("pass", "fail", "unknown")),
        ("customer", ("vip", "new", "known")),
        ("language", ("unknown",)),
        ("topic", ("unsure",)),
    ):
        said = {when(tmp_path, f"{{{word}: {value}}}") for value in values}
        assert len(said) == len(values)
        assert not any("_" in sentence or "unknown" in sentence or "unsure" in sentence for sentence in said)


def test_nested_conditions_cannot_be_misread(tmp_path: Path) -> None:
    assert when(tmp_path, "{urgent: yes, any: [{customer: vip}, {reopened: yes}]}") == (
        "it cannot wait, and (either the customer is a VIP, or the case was resolved before and is open again)"
    )
    assert when(tmp_path, "{not: {urgent: yes, not: {any: [{customer: vip}, {language: en}]}}}") == (
        "either it can wait, or the customer is a VIP, or it is written in English"
    )


def test_assign_names_the_agent_the_team_or_whoever_had_the_customer(tmp_path: Path) -> None:
    assert then(tmp_path, "assign: tom") == ["It goes to the agent tom."]
    assert then(tmp_path, "assign: same_agent_as_before") == ["It goes to the agent who had this customer before."]
    assert then(tmp_path, "ignore: no, follow_up: yes") == [
        "It is for a person, whatever the rules below say.",
        "The customer is asked afterwards whether it is solved.",
    ]


def test_a_team_with_a_folder_is_said_to_get_its_mail_there() -> None:
    shipped = load_rules(SHIPPED)
    everyone = replace(shipped.teams[TeamName("everyone")], deliver="folder", folder="Desk")
    said = one_line(plain(replace(shipped, teams={**shipped.teams, everyone.name: everyone})))
    assert 'it goes to the team everyone (maria, jonas, tom; its mail is moved into the folder "Desk", and none is sent)' in said


# --- all rules ---------------------------------------------------------------------------------------------------------------


def test_the_shipped_rules_read_well() -> None:
    said = one_line(plain(load_rules(SHIPPED)))
    assert (
        "2. Upset customers go to a senior. If the writer sounds upset: it goes to the team seniors (maria, jonas), an answer is due within"
        " 2 hours, priority high. The agent is told: You may, without asking: decide on the spot what puts it right."
    ) in said
    assert (
        "8. Everything else. For every mail: it goes to the team everyone (maria, jonas, tom), an answer is due within 1 day. If nobody"
        " answers: - When half of the time to answer is over, whoever has the case is reminded."
        " - When the answer is due, whoever has the case is reminded. - After that, every day: whoever has the case is reminded,"
        " and the lead (petra) is told."
    ) in said
    assert "- 2 days after an agent resolved a case, the customer is asked whether it is solved (the mail 'are_you_happy')." in said
    assert "- There is no calendar: time counts day and night." in said


def test_no_line_is_longer_than_a_terminal(tmp_path: Path) -> None:
    wordy = f"  - name: {'very ' * 60}long\n    when: {{text_matches: '{'x' * 300}'}}\n    then: {{brief: {'do ' * 80}it}}"
    book = book_of(tmp_path, wordy)
    assert max(map(len, [*plain(book, TODAY), *per_agent(book, TODAY)])) <= WIDTH == 100


def test_the_ladder_and_the_question_are_said_as_they_are_written(tmp_path: Path) -> None:
    ladder = """
if_nobody_answers:
  - {after: half of answer_within, remind: assigned_agent}
  - {after: answer_within, assign: seniors, tell: lead}
  - {after: 1 opening hour after answer_within, priority: high}
  - {after: 3 days, tell: tom}
follow_up:
  ask_when_waiting: no
  if_unhappy: {assign: owls, tell: [tom]}
"""
    said = one_line(plain(book_of(tmp_path, "  - {name: all, then: {assign: everyone}}", ladder)))
    assert (
        "- When half of the time to answer is over, whoever has the case is reminded. - When the answer is due, the case goes to the team"
        " seniors (maria), unless whoever has it belongs to them, a notice goes to the lead (petra). - 1 opening hour after the answer was"
        " due, the case gets priority high. - 3 days after the customer wrote, a notice goes to tom."
    ) in said
    assert "- Silence after our answer resolves nothing: then nobody is asked." in said
    assert "goes to the team owls (jonas), to somebody who had no part in it, and a notice goes to tom." in said


def test_calendars_are_said_in_words_with_the_next_closed_days(tmp_path: Path) -> None:
    book = book_of(tmp_path, "  - {name: all, then: {assign: everyone}}")
    said = one_line(plain(book, TODAY))
    assert (
        "- office (time of Europe/Berlin) is open Monday to Friday 09:00 to 12:00 and 13:00 to 17:30, Saturday 10:00 to 14:00. It counts"
        " where no other calendar is named. Closed next: Friday 25 December 2026"
    ) in said
    assert "Saturday 26 December 2026" in said
    assert (
        "- night (time of Europe/Berlin) is open every day 22:00 to 06:00 the next morning. It counts for the team owls."
        " Closed next: Thursday 31 December 2026."
    ) in said
    assert "Closed next" not in one_line(plain(book))


# --- agents ------------------------------------------------------------------------------------------------------------------

RULES = """
  - {name: Upset, when: {sentiment: upset}, then: {assign: seniors, tell: lead}}
  - {name: Everything else, then: {assign: everyone}}
  - {name: Too late, when: {urgent: yes}, then: {assign: tom}}
"""


def test_each_agent_is_told_what_reaches_them_and_through_what(tmp_path: Path) -> None:
    agents = as_json(book_of(tmp_path, RULES), TODAY)["agents"]
    assert agents == {
        "maria": [
            "Gets mail as one of the team seniors: rule 1 (Upset) and when a customer says that it is not solved.",
            "Gets mail as one of the team everyone: rule 2 (Everything else).",
            "Speaks German and English.",
            "Gets no new case through the team everyone beyond 12 open ones.",
            "Gets at most 4 cases of upset people a day through the team seniors.",
            "Is away now, until Sunday 3 January 2027.",
        ],
        "jonas": [
            "Gets mail as one of the team everyone when nobody of seniors is free: rule 1 (Upset) and when a customer says that it is not"
            " solved.",
            "Gets mail as one of the team everyone: rule 2 (Everything else).",
            "Gets mail in any language.",
            "Gets no new case beyond 6 open ones.",
            "Gets no new case through the team everyone beyond 12 open ones.",
            "Is at work Monday to Thursday 08:00 to 13:00 (time of Europe/Berlin).",
        ],
        "tom": [
            "No mail can reach them: no rule names them or a team of theirs.",
            "Gets mail in any language.",
            "What they write to customers leaves when Maria Lindt lets it go.",
        ],
        "petra": [
            "Is the lead: gets what nobody else can take, and is told when a customer waits too long.",
            "Gets a notice: rule 1 (Upset).",
            "Gets mail in any language.",
        ],
    }


def test_an_agent_named_by_a_rule_and_those_who_stand_in_are_told(tmp_path: Path) -> None:
    rules = "  - {name: Urgent, when: {urgent: yes}, then: {assign: maria}}\n  - {name: Again, then: {assign: same_agent_as_before}}"
    said = one_line(per_agent(book_of(tmp_path, rules), TODAY))
    assert "Maria Lindt (maria): - Gets mail by name: rule 1 (Urgent)." in said
    assert "Jonas (jonas): - Gets mail as one of the team everyone when maria is away: rule 1 (Urgent)." in said
    assert "- Gets mail of customers whom they had before: rule 2 (Again)." in said
    assert "Tom (tom): - No mail can reach them" in said


def test_without_a_lead_among_the_agents_anybody_may_get_what_nobody_else_can_take(tmp_path: Path) -> None:
    book_of(tmp_path, RULES)
    people = tmp_path / "people.yaml"
    people.write_text(PEOPLE.replace("lead: petra", "lead: boss@acme.example"), encoding="utf-8")
    said = one_line(per_agent(load_rules(tmp_path), TODAY))
    assert "Tom (tom): - No rule names them or a team of theirs: they get only what nobody else can take." in said


def test_days_off_are_said_as_they_come(tmp_path: Path) -> None:
    book = book_of(tmp_path, RULES)
    assert "- Will be away on Monday 2 November 2026." in one_line(per_agent(book, date(2026, 10, 1)))
    assert "- Will be away from Monday 21 December 2026 to Sunday 3 January 2027." in one_line(per_agent(book, date(2026, 10, 1)))
    assert "- Is away today." in one_line(per_agent(book, date(2026, 11, 2)))
    assert "away" not in one_line(per_agent(book, date(2027, 2, 1)))


def test_what_never_opens_is_never_open(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "calendars: {office: {timezone: UTC, open: {mon-sun: closed}}}\n"
        "agents: {tom: {email: tom@acme.example, hours: {daily: closed}}}\nteams: {all: [tom]}\nlead: tom\n"
        "rules: [{name: all, then: {assign: all}}]\n",
        encoding="utf-8",
    )
    book = load_rules(tmp_path)
    assert "- office (time of UTC) is never open. It counts where no other calendar is named." in plain(book)
    assert "- Is never at work (time of UTC)." in per_agent(book, date(2026, 11, 23))


# --- answers, and the voice of the customer ----------------------------------------------------------------------------------

OFFERED_AND_HEARD = """
answers:
  - {name: Company invoices, about: [company name, Firmenname, billing], text: {en: "Open Account.", de: "Unter Konto."}}
voice:
  - {to: product@acme.example, name: Product, topics: bug, drivers: cannot sign in}
"""


def test_answers_are_told_with_the_mails_in_which_they_are_offered(tmp_path: Path) -> None:
    rule = "  - {name: all, then: {assign: everyone, reply_with: acknowledge}}"
    said = one_line(plain(book_of(tmp_path, rule, OFFERED_AND_HEARD)))
    assert '- "Company invoices": if a mail about billing in English or German says "company name" or "Firmenname".' in said
    assert "- They stand in acknowledgements, which are sent by rule 1 (all); a person writes to the customer anyway." in said


def test_where_no_rule_sends_an_acknowledgement_it_is_said_that_no_answer_is_offered(tmp_path: Path) -> None:
    book = book_of(tmp_path, "  - {name: all, then: {assign: everyone}}", OFFERED_AND_HEARD)
    assert "- No rule sends an acknowledgement (reply_with), so none of them is ever offered." in one_line(plain(book))


def test_who_hears_what_customers_wrote_is_told_with_who_lets_it_go(tmp_path: Path) -> None:
    book = book_of(tmp_path, "  - {name: all, then: {assign: everyone}}", OFFERED_AND_HEARD)
    said = one_line(plain(book))
    assert '- Product (product@acme.example): what is about bug or "cannot sign in".' in said
    assert "- Names are hidden, nothing sensitive is in it, and nothing leaves before the lead (petra) lets it go." in said
    data = as_json(book, TODAY)
    assert (len(cast(list[str], data["answers"])), len(cast(list[str], data["voice"]))) == (2, 2)


def test_where_nothing_is_offered_and_nobody_hears_neither_is_named(tmp_path: Path) -> None:
    said = one_line(plain(book_of(tmp_path, "  - {name: all, then: {assign: everyone}}")))
    assert "Answers that are offered" not in said and "Who hears" not in said
