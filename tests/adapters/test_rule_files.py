from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from inboxd.adapters.rule_files import load_rules, load_tests, overlooked, unknown_templates
from inboxd.adapters.rule_files.language import words_of
from inboxd.adapters.rule_files.words import NO_CALENDAR, SPAN_EXAMPLES
from inboxd.core.model import Kind, Sentiment
from inboxd.core.opening import Span
from inboxd.core.rulebook import Condition, CustomerEntry, FollowUpPolicy, Rulebook, Then
from inboxd.core.rules import judge
from inboxd.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "rules"

PEOPLE = """\
agents:
  maria: {email: maria@acme.example}
  tom: tom@acme.example
teams:
  senior: [maria]
  everyone: {agents: [maria, tom]}
lead: maria
customers:
  big.example: {label: gold}
"""
RULES = """\
rules:
  - name: all
    then:
      assign: everyone
"""


def files(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name.replace('_test', '.test')}.yaml").write_text(text, encoding="utf-8")
    return folder


def mistakes(folder: Path) -> list[str]:
    """The first line of each mistake, the folder's name left out."""
    with pytest.raises(ConfigError) as caught:
        load_rules(folder)
    return [mistake.splitlines()[0].replace(f"{folder}/", "") for mistake in caught.value.mistakes]


# --- what a good set says --------------------------------------------------------------------------------------------


def test_people_and_rules_may_stand_in_different_files(tmp_path: Path) -> None:
    book = load_rules(files(tmp_path, people=PEOPLE, routing=RULES))
    assert [(agent.name, agent.emails, agent.full_name) for agent in book.agents.values()] == [
        ("maria", ("maria@acme.example",), "Maria"),
        ("tom", ("tom@acme.example",), "Tom"),
    ]
    assert [rule.then.assign for rule in book.rules] == ["everyone"]
    assert book.lead == "maria"
    assert book.customers == (CustomerEntry(who="big.example", labels=("gold",)),)


def test_all_that_can_be_said_of_people_is_read(tmp_path: Path) -> None:
    people = """\
agents:
  maria: {email: [Maria@acme.example, m@home.example], name: Maria Lindt, signs_as: Mia, speaks: [de, en]}
teams:
  a: {agents: maria, share: take_turns, prefer: agent_who_knows_the_customer, if_nobody_is_free: b}
  b: []
senior_team: a
lead: boss@acme.example
customers:
  Ana@Big.example: {vip: yes, label: [gold, old]}
topics:
  bike_size: {description: Which size, phrases: [frame size, "too small"]}
repeat: at least 2 in 7 days
follow_up: {send: 3 days after resolved, ask_when_waiting: no, grace: 1 week, if_unhappy: {assign: b}}
"""
    book = load_rules(files(tmp_path, people=people, routing=RULES.replace("everyone", "maria")))
    (maria,) = book.agents.values()
    assert (maria.emails, maria.full_name, maria.signs_as, maria.languages) == (
        ("maria@acme.example", "m@home.example"),
        "Maria Lindt",
        "Mia",
        ("de", "en"),
    )
    a, b = book.teams.values()
    assert (a.agents, a.share, a.prefer_known, a.fallback) == (("maria",), "take_turns", True, "b")
    assert b.agents == ()
    assert (book.senior_team, book.lead) == ("a", "boss@acme.example")
    assert book.customers[0] == CustomerEntry(who="ana@big.example", vip=True, labels=("gold", "old"))
    assert (book.topics[0].name, book.topics[0].phrases) == ("bike_size", ("frame size", "too small"))
    assert (book.repeat_contacts, book.repeat_within) == (2, timedelta(days=7))
    assert book.follow_up == FollowUpPolicy(
        ask_after=Span(length=timedelta(days=3)), ask_when_waiting=None, grace=timedelta(days=7), unhappy_goes_to=b.name
    )


def test_every_word_of_when_and_then_is_read(tmp_path: Path) -> None:
    rules = r"""
rules:
  - name: one
    why: because
    when:
      kind: person
      topic: [refund, bug]
      urgent: no
      contacts: at least 3 in 14 days
      customer: [vip, gold]
      sender: Big.example
      subject_matches: \b\d{6}\b
      sure: at least 0.8
      not: {sentiment: happy}
      any:
        - language: de
        - reopened: yes
    then:
      assign: same_agent_as_before
      answer_within: 90 minutes
      reply_with: we_hear_you
      label: win back
      tell: [lead, tom, boss@acme.example]
      priority: high
      brief: "give back 20 EUR: no need to ask"
      follow_up: no
"""
    (rule,) = load_rules(files(tmp_path, people=PEOPLE, routing=rules)).rules
    wanted = [(condition.word, condition.wanted) for condition in rule.when]
    assert wanted == [
        ("kind", ("person",)),
        ("topic", ("refund", "bug")),
        ("urgent", (False,)),
        ("contacts", (3, timedelta(days=14))),
        ("customer", ("vip", "gold")),
        ("sender", ("big.example",)),
        ("subject_matches", (r"\b\d{6}\b",)),
        ("sure", (0.8,)),
        ("not", ()),
        ("any", ()),
    ]
    assert rule.when[8].inner == ((Condition(word="sentiment", wanted=("happy",), line=14),),)
    assert [group[0].word for group in rule.when[9].inner] == ["language", "reopened"]
    assert rule.then == Then(
        assign="same_agent_as_before",
        answer_within=Span(length=timedelta(minutes=90)),
        reply_with="we_hear_you",
        labels=("win back",),
        tell=("lead", "tom", "boss@acme.example"),
        priority="high",
        brief="give back 20 EUR: no need to ask",
        follow_up=False,
    )
    assert (rule.why, rule.line) == ("because", 3)


def test_the_hash_changes_with_the_contents_of_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    first = load_rules(files(tmp_path, people=PEOPLE, routing=RULES)).hash
    assert len(first) == 64
    assert load_rules(tmp_path).hash == first
    files(tmp_path, routing_test="tests: []")
    assert load_rules(tmp_path).hash == first
    files(tmp_path, people=PEOPLE + "# a comment\n")
    assert load_rules(tmp_path).hash != first


def test_a_rule_of_the_admin_about_a_domain_meets_its_mail(tmp_path: Path) -> None:
    rules = RULES.replace("    then", "    when:\n      sender: '*@big.example'\n    then")
    book = load_rules(files(tmp_path, people=PEOPLE, routing=rules))
    test = load_tests(files(tmp_path, a_test="tests: [{name: x, mail: {from: Ana@big.example}, expect: {assign: everyone}}]"), book)[0]
    assert judge(book.rules, test.facts).then.assign == "everyone"


# --- what a broken set is answered -----------------------------------------------------------------------------------

PLAIN = "; before the @ stand plain letters, digits and . _ + -, and no two dots together"
BROKEN = [
    ("rule", "when: {sentimnt: upset}", "unknown setting 'sentimnt' - did you mean 'sentiment'?"),
    ("rule", "when: {sentiment: upst}", "no sentiment called 'upst' - did you mean 'upset'?"),
    (
        "rule",
        "when: {kind: newsleter}",
        "no kind called 'newsleter'; possible here: person, auto_response, out_of_office, bounce, feedback_report,"
        " list, auto_generated, spam, loop, own, automatic",
    ),
    ("rule", "when: {kind: automatc}", "no kind called 'automatc' - did you mean 'automatic'?"),
    ("rule", "when: {topic: [refund, biling]}", "no topic called 'biling' - did you mean 'billing'?"),
    ("rule", "when: {customer: glod}", "no kind of customer or customer label called 'glod' - did you mean 'gold'?"),
    (
        "rule",
        "when: {contacts: 3 in 14 days}",
        "'3 in 14 days' is not a number of contacts; write for example 'at least 3 in 14 days'",
    ),
    ("rule", "when: {urgent: very}", "'urgent' wants yes or no, not 'very'"),
    ("rule", "when: {sure: 80%}", "'80%' is not how sure to be; write for example 'at least 0.8'"),
    ("rule", "when: {language: german}", "'german' is not a language; write two letters, such as 'en' or 'de'"),
    ("rule", "when: {sender: ana}", "'ana' is not an address (ana@big.example) or a domain (big.example)"),
    ("rule", "when: {text_matches: '(?<=a)b'}",
     "this pattern does not work: invalid perl operator: (?<=; there is no look-ahead and no look-behind here"),
    ("rule", "when: {waiting: 2 days}",
     "'2 days' does not say how long; write for example 'at least 4 opening hours' or 'at least 2 days'"),
    ("rule", "when:", "'when' is empty; leave it out if the rule is for every mail"),
    ("rule", "when: {not: {topc: bug}}", "unknown setting 'topc' - did you mean 'topic'?"),
    ("rule", "when: {any: {topic: bug}}", "'any' wants a list: each entry begins with '- '"),
    ("rule", "whn: {topic: bug}", "unknown setting 'whn' - did you mean 'when'?"),
    ("rule", "when: upset", "'when' wants a block of 'name: value' lines, not 'upset'; possible names: " + ", ".join(words_of("when"))),
    ("then", "assign: seniors", "no team or agent called 'seniors' - did you mean 'senior'?"),
    ("then", "assign: mario", "no team or agent called 'mario' - did you mean 'maria'?"),
    (
        "then",
        "answer_within: 4 huors",
        f"'4 huors' is not a length of time; {SPAN_EXAMPLES}",
    ),
    (
        "then",
        "answer_within: 2 opening hours",
        NO_CALENDAR,
    ),
    ("then", "reply_with: We hear you", "'We hear you' is not the name of a template - did you mean 'we_hear_you'?"),
    ("then", "tell: leed", "no agent called 'leed' - did you mean 'lead'?"),
    ("then", "tell: boss@", "'boss@' is not an email address, such as boss@acme.example"),
    ("then", "priority: hihg", "'priority' does not know 'hihg' - did you mean 'high'?"),
    ("then", "ignore: yes\n      priority: low", "'priority' beside 'ignore: yes' does nothing: nobody gets this mail"),
    ("then", "label: []", "'label' has an empty list"),
    ("then", "brief:", "'brief' wants one value, nothing stands here"),
    ("then", "replay_with: x", "unknown setting 'replay_with' - did you mean 'reply_with'?"),
    ("top", "rulse: []", "unknown setting 'rulse' - did you mean 'rules'?"),
    ("top", "calendars: {office: {open: {}, timezone: UTC}}", "'open' has no days; write for example '{mon-fri: \"09:00-17:00\"}'"),
    ("top", "lead: petra", "'lead' may stand in one file only; it is also in people.yaml:7"),
    (
        "top",
        "answers: [{name: Invoices, about: [company name]}]",
        "an entry of 'answers' without 'text'; write for example 'text: {en: \"Open Account.\"}'",
    ),
    (
        "top",
        "answers: [{name: Invoices, about: [billing], text: {en: Here.}}]",
        "'about' needs words by which a mail is known, beside topics; for example 'about: [company invoice, billing]'",
    ),
    (
        "top",
        "answers: [{name: Invoices, about: [a b], text: {english: Here.}}]",
        "'english' is not a language; write two letters, such as 'en' or 'de'",
    ),
    (
        "top",
        "answers: [{name: A, about: [a b], text: {en: Here.}}, {name: A, about: [c d], text: {en: There.}}]",
        "a second answer 'A'; give it another name",
    ),
    (
        "top",
        "voice: [{to: product@acme.example, name: Product}]",
        "an entry of 'voice' needs 'to', 'name', and 'topics' or 'drivers'; write for example 'to: product@acme.example',"
        " 'name: Product' and 'topics: [bug]'",
    ),
    ("top", "voice: [{to: product, name: Product, topics: [bug]}]", "'product' is not an email address, such as product@acme.example"),
    ("top", "voice: [{to: p@acme.example, name: Product, topics: [bugs]}]", "no topic called 'bugs' - did you mean 'bug'?"),
    ("top", "repeat: 3", "'3' is not a number of contacts; write for example 'at least 3 in 14 days'"),
    ("top", "senior_team: seniors", "no team called 'seniors' - did you mean 'senior'?"),
    ("top", "follow_up: {send: soon}", "'soon' does not say when to ask; write for example '2 days after resolved'"),
    ("top", "follow_up: {grace: soon}", "'soon' is not a length of time; write for example '30 minutes', '4 hours' or '2 days'"),
    ("top", "follow_up: {if_unhappy: {assign: seniors}}", "no team called 'seniors' - did you mean 'senior'?"),
    ("top", "topics: {bike_size: {description: x}}",
     "topic 'bike_size' needs 'phrases' by which it is found; for example 'phrases: [which size, frame size]'"),
    ("top", "topics: {Bike size: {phrases: x}}",
     "'Bike size': a topic is written in small letters, digits and '_' - did you mean 'bike_size'?"),
    ("top", "customers: {big.example: {vip: yes}}", "'big.example' stands here a second time; the first is in people.yaml:9"),
    ("top", "customers: {big: {vip: yes}}", "'big' is not an address (ana@big.example) or a domain (big.example)"),
    ("top", "agents: {jo: {name: Jo}}", "agent 'jo' has no 'email'; write for example 'email: maria@acme.example'"),
    ("top", "agents: {jo: jo@acme..example}", f"not every server takes mail to 'jo@acme..example'{PLAIN}"),
    ("top", "agents: {jo: jo@-acme.example}", f"not every server takes mail to 'jo@-acme.example'{PLAIN}"),
    ("top", "agents: {jo: jo..b@acme.example}", f"not every server takes mail to 'jo..b@acme.example'{PLAIN}"),
    ("top", "agents: {jo: j\xf6@acme.example}", f"not every server takes mail to 'j\xf6@acme.example'{PLAIN}"),
    ("then", "tell: b\xf6@acme.example", f"not every server takes mail to 'b\xf6@acme.example'{PLAIN}"),
    ("top", "agents: {jo: jo}", "'jo' is not an email address, such as maria@acme.example"),
    ("top", "agents: {jo: TOM@acme.example}", "'TOM@acme.example' is the address of agent 'tom' already; use another"),
    ("top", "agents: {tom: jo@acme.example}", "'tom' stands here a second time; the first is in people.yaml:3"),
    ("top", "agents: {Jo Ann: jo@acme.example}", "'Jo Ann': a name is one word in small letters, such as 'maria'"),
    ("top", "agents: {lead: jo@acme.example}", "'lead' has a meaning of its own in rules; choose another name"),
    ("top", "agents: {jo: {email: j@a.example, away: x}}",
     "'x' is not a day or a range of days; write '2026-12-24' or '2026-12-24 to 2027-01-02'"),
    ("top", "teams: {x: [maira]}", "no agent called 'maira' - did you mean 'maria'?"),
    ("top", "teams: {tom: [maria]}", "'tom' is an agent; a team needs a name of its own"),
    ("top", "teams: {x: {agents: [tom], share: by_turns}}", "'share' does not know 'by_turns' - did you mean 'take_turns'?"),
    ("top", "teams: {x: {agents: [tom], if_nobody_is_free: evryone}}", "no team called 'evryone' - did you mean 'everyone'?"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "text", "message"), BROKEN)
def test_a_mistake_is_named_with_what_would_be_right(tmp_path: Path, where: str, text: str, message: str) -> None:
    routing = {
        "rule": f"rules:\n  - name: x\n    {text}\n    then: {{assign: everyone}}\n",
        "then": f"rules:\n  - name: x\n    then:\n      {text}\n",
        "top": f"{text}\n{RULES}",
    }[where]
    found = mistakes(files(tmp_path, people=PEOPLE, routing=routing))
    assert len(found) == 1
    place, _, said = found[0].partition(" ")
    assert said == message
    assert place.startswith("routing.yaml:")


def test_a_mistake_stands_at_its_line_and_column(tmp_path: Path) -> None:
    folder = files(tmp_path, people=PEOPLE, routing=RULES.replace("everyone", "evryone"))
    with pytest.raises(ConfigError) as caught:
        load_rules(folder)
    assert caught.value.mistakes == (
        f"{folder}/routing.yaml:4:15: no team or agent called 'evryone' - did you mean 'everyone'?\n"
        "    4 |       assign: evryone\n"
        "      |               ^^^^^^^",
    )


def test_all_mistakes_of_all_files_are_shown_at_once(tmp_path: Path) -> None:
    routing = "rules:\n  - name: x\n    when: {sentimnt: upset}\n    then: {assign: seniors}\n  - why: y\n"
    found = mistakes(files(tmp_path, people=PEOPLE + "teems: {}\n", routing=routing, broken="a: [1\n"))
    assert found == [
        "broken.yaml:1:4: this bracket is never closed, or a ',' is missing between the values in it",
        "people.yaml:10:1: unknown setting 'teems' - did you mean 'teams'?",
        "routing.yaml:3:12: unknown setting 'sentimnt' - did you mean 'sentiment'?",
        "routing.yaml:4:20: no team or agent called 'seniors' - did you mean 'senior'?",
        "routing.yaml:5:5: a rule without 'name'; say in a few words what it is for",
        "routing.yaml:5:5: a rule without 'then'; write what it does, for example 'then: {assign: seniors}'",
    ]


def test_rules_stand_in_exactly_one_file(tmp_path: Path) -> None:
    assert mistakes(files(tmp_path, people=PEOPLE)) == ["people.yaml: no file of this folder has 'rules:'"]
    found = mistakes(files(tmp_path, routing=RULES, second=RULES))
    assert found == ["second.yaml:2:3: 'rules' may stand in one file only; it is also in routing.yaml:2"]


def test_a_rule_with_nothing_in_it_is_a_mistake(tmp_path: Path) -> None:
    found = mistakes(files(tmp_path, people=PEOPLE, routing="rules:\n  -\n  - name: x\n    then:\n"))
    assert found == [
        "routing.yaml:2:4: an empty rule: a '-' with nothing behind it",
        "routing.yaml:4:5: 'then' is empty; write what this rule does, for example 'assign: seniors'",
    ]


def test_a_block_of_which_all_lines_are_comments_is_fine(tmp_path: Path) -> None:
    people = PEOPLE.replace("  big.example", "#  big.example") + "topics:\nfollow_up:\n"
    assert load_rules(files(tmp_path, people=people, routing=RULES)).customers == ()


def test_a_test_that_expects_nothing_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a test that expects nothing never fails"):
        load_tests(files(tmp_path, a_test="tests:\n  - name: x\n    expect:\n"), Rulebook())


def test_two_rules_cannot_have_one_name(tmp_path: Path) -> None:
    found = mistakes(files(tmp_path, people=PEOPLE, routing=RULES + RULES.partition("\n")[2]))
    assert found == ["routing.yaml:5:11: a second rule 'all'; the first is in line 2; give it another name"]


def test_telling_a_lead_who_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    people = PEOPLE.replace("lead: maria\n", "")
    found = mistakes(files(tmp_path, people=people, routing=RULES + "      tell: lead\n"))
    assert found == [
        "routing.yaml:5:13: 'lead' is not set; add a line 'lead: petra' (an agent or an address) that is not indented",
    ]


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no rule files \(\*\.yaml\) in this folder$"):
        load_rules(tmp_path)
    with pytest.raises(ConfigError, match=r"nowhere: there is no such folder$"):
        load_rules(tmp_path / "nowhere")
    (tmp_path / "routing.yml").write_text("rules: []", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"in this folder; end the name of routing\.yml with '\.yaml', in small letters$"):
        load_rules(tmp_path)
    with pytest.raises(ConfigError, match=r"routing\.yml: this is a file; name the folder that it lies in$"):
        load_rules(tmp_path / "routing.yml")


def test_two_tests_of_one_name_are_a_mistake_whatever_files_they_stand_in(tmp_path: Path) -> None:
    folder = files(tmp_path, people=PEOPLE, routing=RULES)
    for name in ("a", "b"):
        (folder / f"{name}.test.yaml").write_text("tests:\n  - name: a promise\n    expect: {ignore: no}\n", encoding="utf-8")
    told = r"b\.test\.yaml:2:5: a second test 'a promise'; the first is in .*a\.test\.yaml:2; give it another name"
    with pytest.raises(ConfigError, match=told):
        load_tests(folder, load_rules(folder))


def test_files_that_end_otherwise_are_overlooked_and_can_be_named(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.test.yaml", "c.yml", "D.YAML", "e.test.yml", "f.Yml", "notes.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert {path.name for path in overlooked(tmp_path)} == {"c.yml", "D.YAML", "e.test.yml", "f.Yml"}


def test_a_template_that_does_not_exist_is_told_with_its_line(tmp_path: Path) -> None:
    text = "rules:\n  - name: all\n    then: {assign: maria, reply_with: aknowledge}\nfollow_up:\n  reply_with: are_you_hapy\n"
    folder = files(tmp_path, people=PEOPLE, routing=text)
    first, second = unknown_templates(folder, {"acknowledge", "are_you_happy"})
    assert (first.line, first.column, first.message) == (3, 39, "no template called 'aknowledge' - did you mean 'acknowledge'?")
    assert first.excerpt == "    then: {assign: maria, reply_with: aknowledge}"
    assert (second.line, second.message) == (5, "no template called 'are_you_hapy' - did you mean 'are_you_happy'?")
    assert unknown_templates(folder, {"aknowledge", "are_you_hapy"}) == []


def test_states_of_holidays_may_be_written_in_small_letters_and_capitals(tmp_path: Path) -> None:
    def closed(holidays: str) -> object:
        office = f"calendars: {{office: {{timezone: UTC, holidays: {holidays}, open: {{daily: '09:00-17:00'}}}}}}\n"
        return load_rules(files(tmp_path, people=office + PEOPLE, routing=RULES)).calendars["office"].closed

    assert closed("de-by") == closed("DE-BY") != closed("DE")
    assert closed("be-flemish") == closed("BE-Flemish")
    with pytest.raises(ConfigError, match="'DE' has no state 'XX'"):
        closed("DE-xx".upper())


def test_asking_after_a_silence_can_be_turned_off_by_false(tmp_path: Path) -> None:
    for word in ("no", "off", "false"):
        book = load_rules(files(tmp_path, people=PEOPLE, routing=f"{RULES}follow_up: {{ask_when_waiting: {word}}}\n"))
        assert book.follow_up.ask_when_waiting is None


# --- tests of rules --------------------------------------------------------------------------------------------------


def test_a_rule_test_pins_what_was_understood(tmp_path: Path) -> None:
    text = """\
tests:
  - name: furious
    mail: {from: Ana@x.example, to: help@acme.example, subject: S, text: T, received: 2026-11-23 10:00}
    given: {kind: person, sentiment: upset, topic: refund, sure: 0.7, urgent: yes, contacts: 3 in 6 days, customer: [vip],
      language: de, reopened: yes, sensitive: no}
    expect: {assign: seniors, answer_within: 2 hours, label: [repeat], reply_with: nothing, tell: nobody, ignore: no}
"""
    people = PEOPLE.replace("senior:", "seniors:")
    (test,) = load_tests(files(tmp_path, a_test=text), load_rules(files(tmp_path, people=people, routing=RULES)))
    now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    facts = test.facts
    assert (facts.now, facts.sender, facts.to) == (now, "ana@x.example", ("help@acme.example",))
    assert (facts.subject, facts.text, facts.language) == ("S", "T", "de")
    assert (facts.kind, facts.sentiment, facts.topic, facts.topic_sure) == (
        Kind.PERSON,
        Sentiment.UPSET,
        "refund",
        0.7,
    )
    assert (facts.urgent, facts.reopened, facts.sensitive) == (True, True, False)
    assert facts.contacts == (now - timedelta(days=4), now - timedelta(days=2), now)
    assert (facts.customer, test.customer_given) == (frozenset({"vip"}), True)
    assert test.expect == {
        "assign": "seniors",
        "answer_within": Span(length=timedelta(hours=2)),
        "label": ("repeat",),
        "reply_with": None,
        "tell": (),
        "ignore": False,
    }
    assert test.line == 2


def test_mistakes_in_rule_tests_are_shown_at_once(tmp_path: Path) -> None:
    text = """\
tests:
  - name: a
    mail: {form: x, received: yesterday}
    given: {sentiment: angry, kind: list, contacts: many, sure: 2}
    expect: {asign: x}
  - given: {}
  - name: b
    given: {topic: billing}
    expect: {assign: nobod, agent: mary, priority: hihg}
"""
    with pytest.raises(ConfigError) as caught:
        load_tests(files(tmp_path, a_test=text), Rulebook())
    assert [mistake.splitlines()[0].rpartition(".test.yaml:")[2] for mistake in caught.value.mistakes] == [
        "3:12: unknown setting 'form' - did you mean 'from'?",
        "3:31: 'yesterday' is not a time such as '2026-11-23 10:00'",
        "4:24: 'sentiment' does not know 'angry'; possible here: upset, unhappy, neutral, happy",
        "4:53: 'many' is not a number of contacts; write for example '3 in 7 days'",
        "4:65: '2' is not a number from 0 to 1, such as 0.8",
        "5:14: unknown setting 'asign' - did you mean 'assign'?",
        "6:5: a test without 'name'; say in a few words what it promises",
        "6:5: a test without 'expect'; write what the rules must answer, for example 'expect: {assign: seniors}'",
        "9:22: no team or agent called 'nobod' - did you mean 'nobody'?",
        "9:36: no agent called 'mary'",
        "9:52: no priority called 'hihg' - did you mean 'high'?",
    ]


def test_the_shipped_rules_and_their_tests_are_without_a_mistake() -> None:
    book = load_rules(SHIPPED)
    assert set(book.teams) == {"everyone", "seniors"}
    assert book.rules[-1].when == ()
    assert len(load_tests(SHIPPED, load_rules(SHIPPED))) > 8


def test_an_answer_is_read_with_its_words_its_topics_and_its_languages(tmp_path: Path) -> None:
    text = "answers:\n  - name: Invoices\n    about: [company name, billing]\n    text: {en: Here., de: Da.}\n"
    text += "rules: [{name: all, then: {ignore: no}}]\n"
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    (answer,) = load_rules(tmp_path).answers
    assert (answer.name, answer.phrases, answer.topics, answer.text) == (
        "Invoices",
        ("company name",),
        ("billing",),
        {"en": "Here.", "de": "Da."},
    )
    assert (answer.file.endswith("rules.yaml"), answer.line) == (True, 2)


def test_customers_are_heard_by_others_only_where_a_lead_can_let_it_go(tmp_path: Path) -> None:
    rules = "agents: {petra: {email: petra@acme.example}}\nrules: [{name: all, then: {assign: petra}}]\n"
    rules += "voice: [{to: Product@acme.example, name: Product, topics: [bug], drivers: [missing part]}]\n"
    (tmp_path / "rules.yaml").write_text(f"{rules}lead: petra\n", encoding="utf-8")
    (listener,) = load_rules(tmp_path).voice
    assert (listener.to, listener.name, listener.topics, listener.drivers) == (
        "product@acme.example", "Product", ("bug",), ("missing part",),
    )  # fmt: skip
    for lead in ("", "lead: petra@elsewhere.example\n"):
        (tmp_path / "rules.yaml").write_text(f"{rules}{lead}", encoding="utf-8")
        with pytest.raises(ConfigError, match="'voice' needs a 'lead' who is an agent"):
            load_rules(tmp_path)


def test_what_an_editor_leaves_beside_the_rules_is_no_rule(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "rules")
    before = load_rules(tmp_path / "rules")
    (tmp_path / "rules" / ".#people.yaml").symlink_to("ana@desk.1234:99")  # as Emacs locks a file
    (tmp_path / "rules" / "._people.yaml").write_bytes(b"\0\1")
    (tmp_path / "rules" / ".#people.test.yaml").symlink_to("ana@desk.1234:99")
    assert load_rules(tmp_path / "rules") == before and load_tests(tmp_path / "rules", before)
