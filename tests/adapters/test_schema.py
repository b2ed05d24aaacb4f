"""What editors are told of the rule language is what the readers take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from inboxd.adapters.rule_files import load_rules, load_tests, schema
from inboxd.adapters.rule_files.language import BLOCKS, Word
from inboxd.adapters.rule_files.schema import DEFINITIONS, plain, rules_schema
from inboxd.core.opening import span_of
from inboxd.core.rulebook import Rulebook
from inboxd.errors import ConfigError
from inboxd.yaml_source import read_contacts

ROOT = Path(__file__).parents[2]
RULES, TESTS = Draft202012Validator(rules_schema()), Draft202012Validator(schema.tests_schema())

FULL = r"""
calendars:
  office:
    timezone: Europe/Berlin
    open: {mon-fri: "09:00-17:30", sat: "10:00-14:00"}
    holidays: DE-BY

agents:
  maria: {email: maria@acme.example, speaks: [de, en]}
  tom:   {email: tom@acme.example, speaks: [en], away: [2026-12-24 to 2027-01-02]}
  aiko:  {email: aiko@acme.example, speaks: [en, ja]}

teams:
  everyone:
    agents: [maria, tom, aiko]
    share: fewest_open_cases          # or take_turns
  seniors:
    agents: [maria, tom]
    share: fewest_open_cases
    prefer: agent_who_knows_the_customer
    at_most: 12 open cases each
    if_nobody_is_free: everyone

rules:
  - name: Newsletters and automatic replies need nobody
    when:
      kind: [list, auto_response]
    then:
      ignore: yes

  - name: Upset customers go to a senior
    why: A person who is upset needs somebody who can decide on the spot.
    when:
      sentiment: upset
    then:
      assign: seniors
      answer_within: 2 opening hours
      reply_with: we_hear_you

  - name: Customers who had to write again go to a senior
    when:
      contacts: at least 3 in 14 days
    then:
      assign: seniors
      answer_within: 4 opening hours
      label: repeat

  - name: VIP
    when:
      customer: vip
    then:
      answer_within: 1 opening hour
      tell: [lead@acme.example]

  - name: Cancellations
    when:
      topic: [cancellation, refund]
      not:
        customer: new
    then:
      assign: seniors
      label: win back

  - name: Order number in the subject
    when:
      subject_matches: '\b[A-Z]{2}-\d{6}\b'
    then:
      label: has order number

  - name: Outside opening hours
    when:
      received_outside: office
    then:
      reply_with: we_are_closed

  - name: Everything else
    then:
      assign: everyone
      answer_within: 1 opening day
      reply_with: acknowledge

if_nobody_answers:
  - after: half of answer_within
    remind: assigned_agent
  - after: answer_within
    assign: seniors
    tell: [lead@acme.example]

follow_up:
  send: 2 days after resolved
  reply_with: are_you_happy
  at_most: 1 in 14 days per customer
  if_unhappy:
    reopen: yes
    assign: seniors
    tell: [lead@acme.example]
  if_no_reply: close_quietly
"""
FULL_TESTS = """
tests:
  - name: Third mail in a week, furious
    mail: {from: ana@customer.example, subject: THIRD TIME!, text: Nobody answers me., received: 2026-11-23 10:00}
    given: {sentiment: upset, contacts: 3 in 7 days}
    expect: {assign: seniors, answer_within: 2 opening hours, label: [repeat], reply_with: we_hear_you}
  - name: VIP on a Sunday
    mail: {from: ceo@big.example, subject: Invoice AB-123456, text: Hello, received: 2026-11-22 11:00}
    given: {customer: vip, topic: billing, sentiment: neutral, sure: 0.9, open_cases: {maria: 3}}
    expect: {assign: everyone, label: [has order number], tell: [lead@acme.example], priority: nothing}
    timeline:
      - after: 1 opening hour
        expect: {remind: nobody, tell: [], sent: we_are_closed}
      - after: 2 opening hours
        do: answer
  - name: Newsletter
    mail: {from: news@shop.example, subject: 404, text: Buy}
    given: {kind: list}
    expect: {ignore: yes, tell: nothing}
"""
OTHER_FILE = """
calendars: {home: {timezone: UTC, open: {daily: "09:00-17:00"}}}
agents: {tom: tom@acme.example, jürgen: j@acme.example}
teams: {crew: [tom]}
lead: tom
topics: {bike_bell: {phrases: [bell]}}
"""


class _Yaml12(SafeConstructor):
    """YAML 1.2 knows no dates: they are strings."""


_Yaml12.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def as_an_editor_reads(text: str) -> Any:
    """YAML as JSON: numbers and booleans are such, all else is a string."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Yaml12
    return yaml.load(text)


def problems(validator: Draft202012Validator, text: str) -> list[str]:
    return [error.message for error in validator.iter_errors(as_an_editor_reads(text))]


def loaded(folder: Path, text: str) -> Rulebook:
    """The rules of this file, beside another that has what it may name."""
    (folder / "file.yaml").write_text(text, encoding="utf-8")
    (folder / "other.yaml").write_text(OTHER_FILE, encoding="utf-8")
    if not text.startswith("rules:"):
        (folder / "routing.yaml").write_text("rules: [{name: all, then: {assign: tom}}]", encoding="utf-8")
    return load_rules(folder)


def one(sort: str) -> Draft202012Validator:
    """The validator of one sort of value."""
    return Draft202012Validator({"$defs": dict(DEFINITIONS), **DEFINITIONS[sort]})


@pytest.mark.parametrize("found", [rules_schema(), schema.tests_schema()], ids=["rules", "tests"])
def test_a_schema_is_a_schema(found: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(found)


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_files_are_accepted_and_name_their_schema(path: Path) -> None:
    name, validator = ("tests", TESTS) if path.name.endswith(".test.yaml") else ("rules", RULES)
    text = path.read_text(encoding="utf-8")
    assert problems(validator, text) == []
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={name}.schema.json"
    assert (path.parent / f"{name}.schema.json").is_file()


def test_a_full_rule_file_and_its_tests_are_accepted_by_schema_and_readers(tmp_path: Path) -> None:
    assert problems(RULES, FULL) == []
    assert problems(TESTS, FULL_TESTS) == []
    (tmp_path / "routing.yaml").write_text(FULL, encoding="utf-8")
    (tmp_path / "routing.test.yaml").write_text(FULL_TESTS, encoding="utf-8")
    assert len(load_tests(tmp_path, load_rules(tmp_path))) == 3


@pytest.mark.parametrize(
    ("block", "word"), [(block, word) for block, words in BLOCKS.items() for word in words], ids=lambda it: getattr(it, "name", it)
)
def test_each_word_is_explained_and_its_example_fits(block: str, word: Word) -> None:
    assert "](" not in plain(word.means)
    assert word.example == "" or list(one(word.sort).iter_errors(as_an_editor_reads(f"it: {word.example}")["it"])) == []


def test_hover_texts_and_examples_come_with_each_word() -> None:
    within = rules_schema()["$defs"]["then"]["properties"]["answer_within"]
    assert within["description"] == "how soon an answer is due"
    assert within["examples"] == ["2 opening hours"]
    zone = rules_schema()["$defs"]["calendars"]["additionalProperties"]["properties"]["timezone"]
    assert zone["description"] == "whose clock counts, by its IANA name"


@pytest.mark.parametrize(
    "text",
    [
        "agents:",  # all its lines are comments
        "agents: {maria: maria@acme.example}",
        "agents: {maria: {email: [maria@acme.example, m@home.example], at_most: 12, hours: home}}",
        "agents: {maria: {email: m@acme.example, hours: {Mon-Thu: '8:00-13:00', 'fri, sat': ['9:00-10:00', '22:00-06:00'], sun: closed}}}",
        "teams: {everyone: [jürgen, tom], seniors: tom, nobody_yet: []}",
        "teams: {everyone: {agents: [jürgen], at_most_upset: 4, at_most: 12 open cases}}",
        "customers: {ceo@big.example: {vip: true}, big.example: {label: [key account, 2026]}, '@small.example': {vip: no}}",
        "topics: {billing: {phrases: [dunning letter]}, bike_size: {phrases: [which size]}, refund: {description: money back}}",
        "follow_up: {ask_when_waiting: no, if_unhappy: {reopen: true}}",
        "follow_up: {ask_when_waiting: false}",
        "if_nobody_answers: [{after: 90 minutes, tell: [lead, tom, boss@acme.example]}]",
        "if_nobody_answers: [{after: 1 opening hour after half of answer_within, assign: tom}]",
        "calendars: {office: {timezone: UTC, open: {daily: '00:00-24:00'}, closed: 2026-12-24}}",
        "rules: [{name: 404, when: {topic: bike_bell, subject_contains: [404, true]}, then: {follow_up: no}}]",
    ],
)
def test_all_ways_to_write_a_value_are_accepted(text: str, tmp_path: Path) -> None:
    assert problems(RULES, text) == []
    assert loaded(tmp_path, text).rules


@pytest.mark.parametrize(
    "text",
    [
        "rulez: []",
        "rules: []",
        "rules: [{name: x, when: {sentimnt: upset}, then: {assign: tom}}]",
        "rules: [{name: x, when: , then: {assign: tom}}]",
        "rules: [{name: x, when: {kind: newsletter}, then: {assign: tom}}]",
        "rules: [{name: x, when: {any: [{urgent: perhaps}]}, then: {assign: tom}}]",
        "rules: [{name: x, when: {contacts: 3 in 14 days}, then: {assign: tom}}]",
        "rules: [{name: x, when: {waiting: 4 opening hours}, then: {assign: tom}}]",
        "rules: [{name: x, when: {sure: 0.8}, then: {assign: tom}}]",
        "rules: [{name: x, when: {language: english}, then: {assign: tom}}]",
        "rules: [{name: x, then: {answer_within: 2 working hours}}]",
        "rules: [{name: x, then: {answer_within: 2}}]",
        "rules: [{name: x, then: {answer_within: 0 hours}}]",
        "rules: [{name: x, then: {answer_within: 1 opening week}}]",
        "rules: [{name: x, then: {priority: urgent}}]",
        "rules: [{name: x, then: {tell: lead@}}]",
        "rules: [{name: x, then: }]",
        "rules: [{name: x}]",
        "rules: [{then: {assign: tom}}]",
        "agents: {Maria: maria@acme.example}",
        "agents: {lead: maria@acme.example}",
        "agents: {maria: maria}",
        "agents: {maria: {speaks: [en]}}",
        "agents: {maria: {email: m@acme.example, away: [24.12.2026]}}",
        "agents: {maria: {email: m@acme.example, away: 2026-13-24}}",
        "agents: {maria: {email: m@acme.example, at_most: a dozen}}",
        "agents: {maria: {email: m@acme.example, at_most: 0}}",
        "teams: {seniors: {members: [tom]}}",
        "teams: {seniors: {agents: [tom], share: random}}",
        "calendars: {office: {timezone: Europe/Berlin}}",
        "calendars: {office: {timezone: UTC, open: {mon-fry: '09:00-17:00'}}}",
        "calendars: {office: {timezone: UTC, open: {mon-fri: 9-17}}}",
        "calendars: {office: {timezone: UTC, open: {mon-fri: '09:00-25:00'}}}",
        "customers: {ana: {vip: yes}}",
        "topics: {bike_size: {description: Which size}}",
        "identity: [{sender: forms@acme.example}]",
        "identity: [{sender: forms@acme.example, customer_is: subject}]",
        "if_nobody_answers: [{after: answer_within}]",
        "if_nobody_answers: [{after: quarter of answer_within, remind: assigned_agent}]",
        "if_nobody_answers: [{after: answer_within, remind: lead}]",
        "if_nobody_answers: [{after: answer_within, assign: same_agent_as_before}]",
        "rules: [{name: x, when: {not: {}}, then: {assign: tom}}]",
        "calendars: {office: {timezone: UTC, open: }}",
        "follow_up: {ask_after: 2 days}",
        "follow_up: {at_most: 2 in 14 days per customer}",
        "follow_up: {remind_after: 2 opening days}",
        "follow_up: {if_unhappy: {reopen: no}}",
    ],
)
def test_mistakes_in_rules_are_refused_by_schema_and_readers(text: str, tmp_path: Path) -> None:
    assert problems(RULES, text) != []
    with pytest.raises(ConfigError, match=r"file\.yaml:1:"):
        loaded(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "name: x",
        "expect: {assign: seniors}",
        "{name: x, expect: {assign: seniors}, wants: nothing}",
        "{name: x, given: {kind: automatic}, expect: {assign: seniors}}",
        "{name: x, given: {sentiment: [upset]}, expect: {assign: seniors}}",
        "{name: x, given: {contacts: at least 3 in 7 days}, expect: {assign: seniors}}",
        "{name: x, given: {open_cases: {maria: some}}, expect: {assign: seniors}}",
        "{name: x, given: {sure: 80}, expect: {assign: seniors}}",
        "{name: x, mail: {received: Monday}, expect: {assign: seniors}}",
        "{name: x, expect: {due: tomorrow}}",
        "{name: x, timeline: [{expect: {remind: maria}}]}",
        "{name: x, timeline: [{after: 2 hours}]}",
        "{name: x, timeline: [{after: 2 hours, do: nothing}]}",
        "{name: x, timeline: [{after: 2 hours, expect: {reminded: maria}}]}",
    ],
)
def test_mistakes_in_rule_tests_are_refused_by_schema_and_readers(text: str, tmp_path: Path) -> None:
    text = f"tests: [{text}]" if text.startswith("{") else f"tests: [{{{text}}}]"
    assert problems(TESTS, text) != []
    (tmp_path / "rules.yaml").write_text(FULL, encoding="utf-8")
    (tmp_path / "x.test.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"x\.test\.yaml:1:"):
        load_tests(tmp_path, load_rules(tmp_path))


# The readers stop at ten years; up to two digits no unit reaches that.
@given(text=st.from_regex(DEFINITIONS["opening_span"]["pattern"].replace("{0,5}", "{0,1}"), fullmatch=True))
def test_each_length_of_time_of_the_schema_is_read(text: str) -> None:
    assert span_of(text) is not None


@given(text=st.from_regex(DEFINITIONS["contacts"]["pattern"].replace("{0,5}", "{0,1}"), fullmatch=True))
def test_each_number_of_contacts_of_the_schema_is_read(text: str) -> None:
    assert read_contacts(text) is not None
