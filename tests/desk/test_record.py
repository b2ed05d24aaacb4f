"""A recorded rule test: nobody of the mail stands in it, it is YAML whatever the mail held, and it passes."""

from __future__ import annotations

import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from inboxd.adapters.rule_files import load_rules, load_tests
from inboxd.cli import app
from inboxd.core.model import Address, Kind, MailboxFacts, MailboxName, Reading, Screening, Sentiment, Situation, Understood
from inboxd.core.policy import Policy
from inboxd.core.rehearse import Rehearsal, RuleTest, rehearse
from inboxd.core.route import facts_of
from inboxd.core.rulebook import Rulebook, Then
from inboxd.core.rules import judge
from inboxd.desk.record import record
from tests.core.builders import NOW, message, understood

BOX = MailboxFacts(name=MailboxName("r"), address="", brand="")
RULES = """
calendars: {office: {timezone: UTC, open: {mon-fri: "08:00-18:00"}}}
agents: {maria: {email: maria@acme.example}, tom: {email: tom@acme.example}}
teams: {seniors: {agents: [maria]}, everyone: {agents: [tom]}}
lead: maria
customers:
  ceo@big.example: {vip: yes}
  key.example: {label: [key account]}
topics: {size_fit: {phrases: [which size]}}
rules:
  - {name: Machines, when: {kind: automatic}, then: {ignore: yes}}
  - {name: Upset, when: {sentiment: upset}, then: {assign: seniors, answer_within: 2 opening hours, tell: [lead, "boss@acme.example"]}}
  - {name: Vip, when: {customer: vip}, then: {assign: maria, priority: high}}
  - {name: Key, when: {customer: key account}, then: {label: "key: account", reply_with: acknowledge}}
  - {name: Partner, when: {sender: [partner.example, "boss@rival.example"]}, then: {label: partner}}
  - {name: To sales, when: {to: sales@acme.example}, then: {label: sales}}
  - {name: Forms, when: {any: [{header: "X-Shop-Form: returns"}, {header: X-Other}]}, then: {label: form, file_in: "Forms/Returns"}}
  - {name: Sure, when: {topic: billing, sure: at least 0.8}, then: {label: money}}
  - {name: Fit, when: {topic: size_fit}, then: {label: fit, follow_up: no}}
  - {name: Order, when: {subject_matches: '[A-Z]{2}-\\d{6}'}, then: {label: order}}
  - {name: Closed, when: {received_outside: office}, then: {label: closed}}
  - {name: The rest, then: {assign: everyone, answer_within: 1 opening day}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rules")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def book(folder: Path) -> Rulebook:
    return load_rules(folder)


def mail(
    text: str = "Hello", subject: str = "Bike", sender: str = "ana.ruiz@people.example", name: str = "Ana Ruiz", **more: object
) -> Understood:
    reading = Reading(kind=Kind.PERSON, **{name: more.pop(name) for name in list(more) if name in Reading.__dataclass_fields__})  # type: ignore[arg-type]
    return understood(mail=message(sender=Address(email=sender, name=name), subject=subject, text=text, **more), reading=reading)


def recorded(one: Understood, book: Rulebook) -> str:
    seen = facts_of(Situation(now=NOW, mailbox=BOX, understood=one), book, (NOW,), reopened=False)
    return record(one, seen, judge(book.rules, seen), book)


def loaded(text: str, folder: Path, book: Rulebook) -> RuleTest:
    """The one test of a file with this text."""
    (folder / "recorded.test.yaml").write_text(f"tests:\n{text}", encoding="utf-8")
    (test,) = load_tests(folder, book)
    return test


def tried(one: Understood, folder: Path, book: Rulebook) -> Rehearsal:
    return rehearse(book, loaded(recorded(one, book), folder, book), Policy())


# --- nobody stands in it -----------------------------------------------------------------------------------------------------

LETTER = """Hello Maria,
my name is Ana Ruiz (ANA!), my husband Jörg Ruiz-Keller wrote, too. Call +49 (0)89 / 123 456-78, 0171 2345678 or
tel. 030\u2011 1234567. Write to ana.ruiz@people.example, <JOERG@people.example> or post@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444.
IBAN DE02 1203 0000 0000 2020 51, order AB-123456, born 12.03.1971.
Best, Ana"""


def test_names_addresses_and_numbers_of_the_mail_do_not_stand_in_the_test(folder: Path, book: Rulebook) -> None:
    cc = (Address(email="joerg@people.example", name="Jörg Ruiz-Keller"),)
    text = recorded(mail(LETTER, "Ana's order AB-123456", cc=cc), book)
    for secret in ("ana", "ruiz", "jörg", "joerg", "keller", "people.example", "почта", "123", "345", "2020", "1971", "1203", "456"):
        assert secret not in text.lower(), text
    assert "order AB-000000" in text and "person1@customer.example" in text  # the same person by the same address throughout
    assert text.count("person1@customer.example") == 2


def test_who_signs_but_does_not_say_their_name_beside_the_address_is_replaced_too(book: Rulebook) -> None:
    text = recorded(mail("Where is it?\nAna Ruiz", name=""), book)
    assert "Ana" not in text and "Ruiz" not in text
    assert "I need support" in recorded(mail("I need support", sender="support@people.example", name=""), book)  # no name of anybody


def test_names_without_gaps_between_words_are_replaced(book: Rulebook) -> None:
    assert "李明" not in recorded(mail("我是李明，你好", sender="x@people.example", name="李明"), book)


def test_a_name_is_replaced_where_it_is_a_word_and_not_inside_one(book: Rulebook) -> None:
    assert "banana for Ann" in recorded(mail("banana for Ana", name="Ana"), book)


def test_a_name_that_is_a_word_too_is_replaced_only_where_it_is_written_as_a_name(book: Rulebook) -> None:
    text = recorded(mail("Der Rahmen ist zu klein.\nGRUSS, EVA KLEIN\n\neva klein", sender="eva@people.example", name="Eva Klein"), book)
    assert "zu klein." in text and "GRUSS, Ann Example" in text
    assert "eva" not in text.lower()  # a line of names alone is a signature, however it is written
    assert "McAdam" not in recorded(mail("I am McAdam, McADAM or MCADAM", name="Jo McAdam"), book)


def test_agents_and_what_the_rules_name_can_stay(folder: Path, book: Rulebook) -> None:
    assert 'from: "maria@acme.example"' in recorded(mail(sender="maria@acme.example", name="Maria"), book)
    assert 'from: "person1@partner.example"' in recorded(mail(sender="ana@partner.example"), book)


def test_a_customer_of_the_files_is_replaced_and_what_the_files_say_of_them_is_given(folder: Path, book: Rulebook) -> None:
    for sender, known in (("ceo@big.example", {"new", "vip"}), ("ana@key.example", {"new", "key account"})):
        text = recorded(mail(sender=sender), book)
        assert sender.partition("@")[2] not in text and 'from: "person1@customer.example"' in text
        assert loaded(text, folder, book).facts.customer == known


# --- it passes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "labels"),
    [
        pytest.param(mail(), (), id="ordinary"),
        pytest.param(mail(sentiment=Sentiment.UPSET), (), id="upset"),
        pytest.param(mail(sender="ceo@big.example"), (), id="vip"),
        pytest.param(mail(sender="ana@key.example"), ("key: account",), id="a label of a domain"),
        pytest.param(mail(sender="ana@partner.example"), ("partner",), id="a domain that a rule names"),
        pytest.param(mail(sender="boss@rival.example"), ("partner",), id="an address that a rule names"),
        pytest.param(mail(to=(Address(email="sales@acme.example"),)), ("sales",), id="a reader that a rule names"),
        pytest.param(mail(headers=(("x-shop-form", "Form: Returns of Ana"),)), ("form",), id="a header that a rule names"),
        pytest.param(mail(headers=(("x-other", "Ana"),)), ("form",), id="a header that is there"),
        pytest.param(mail(topic="billing", topic_sure=0.8), ("money",), id="just sure enough"),
        pytest.param(mail(topic="billing", topic_sure=0.799999), (), id="not quite sure enough"),
        pytest.param(mail(topic="size_fit", topic_sure=0.9), ("fit",), id="a topic of the admin's own"),
        pytest.param(mail(subject="AB-123456"), ("order",), id="a number of the subject"),
        pytest.param(mail("", "", "", ""), (), id="nothing in it"),
    ],
)
def test_a_recorded_test_loads_and_passes(one: Understood, labels: tuple[str, ...], folder: Path, book: Rulebook) -> None:
    result = tried(one, folder, book)
    assert result.differences == ()
    assert result.test.expect["label"] == labels
    assert "Ana" not in (folder / "recorded.test.yaml").read_text(encoding="utf-8")


def test_a_machine_s_mail_is_recorded_as_ignored(folder: Path, book: Rulebook) -> None:
    one = understood(Kind.LIST, mail=message(subject="Sale"))
    result = tried(one, folder, book)
    assert result.passed and result.test.expect == {"ignore": True}
    assert one.screening == Screening(kind=Kind.LIST, reason="as given")


def test_where_an_ignored_mail_is_filed_is_recorded_too(folder: Path, book: Rulebook) -> None:
    filed = replace(book.rules[0], then=Then(ignore=True, file_in="Machines", labels=("robot",), tell=("maria",)))
    result = tried(understood(Kind.LIST, mail=message(subject="Sale")), folder, replace(book, rules=(filed, *book.rules[1:])))
    assert result.passed
    assert result.test.expect == {"ignore": True, "file_in": "Machines", "label": ("robot",), "tell": ("maria",)}


def test_a_mail_without_a_subject_has_a_name_and_no_name_is_given_twice(folder: Path, book: Rulebook) -> None:
    assert loaded(recorded(mail(subject=""), book), folder, book).name == "recorded: a mail without a subject"
    seen = facts_of(Situation(now=NOW, mailbox=BOX, understood=mail()), book, (NOW,), reopened=False)
    taken = {"recorded: Bike", "recorded: Bike (2)"}
    assert loaded(record(mail(), seen, judge(book.rules, seen), book, taken), folder, book).name == "recorded: Bike (3)"


def test_a_recorded_test_fails_once_the_rules_say_something_else(folder: Path, book: Rulebook) -> None:
    test = loaded(recorded(mail(sentiment=Sentiment.UPSET), book), folder, book)
    others = replace(book, rules=book.rules[2:])
    assert rehearse(others, test, Policy()).differences[0].startswith("assign: expected seniors, got everyone")


# --- any text ----------------------------------------------------------------------------------------------------------------

ODD = ("a: b", "- a", "# no", "'", '"', '"""', "\\", "\\n", "{a}", "[b]", "*c", "&d", "!e", "|", ">", "%f", "@g", "`h", "yes", "null", "1",
       "~", "---", "...", "\t", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\ufffe", "\U0001f600", "  x", "x  ",
       "\r")  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_what_yaml_could_trip_over_comes_back_as_it_was(text: str, folder: Path, book: Rulebook) -> None:
    for whole in (text, f"first\n{text}", f"{text}\nlast", f"a\n\n{text}\n\nb"):
        facts = loaded(recorded(mail(whole, text, name=""), book), folder, book).facts
        assert _kept(facts.text) == _kept(whole.strip())
        assert _kept(facts.subject) == _kept(text)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=40), st.lists(st.text(max_size=12) | st.sampled_from(ODD), max_size=4).map("\n".join))
def test_any_text_makes_a_test_that_loads_and_passes(folder: Path, book: Rulebook, subject: str, text: str) -> None:
    one = mail(text, subject, "ana@people.example", "")
    result = tried(one, folder, book)
    assert result.passed


def _kept(text: str) -> list[str]:
    """Lines, but for the blanks around the text and at their ends; what no text file can hold is a sign that says so."""
    return [re.sub("[\x00-\x08\x0e-\x1f\x7f\ufffe]", "\ufffd", line.rstrip()) for line in text.strip().split("\n")]


# --- the command -------------------------------------------------------------------------------------------------------------


def test_the_command_writes_the_test_beside_the_rules_and_the_tests_then_pass(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    raw = EmailMessage()
    raw["From"], raw["To"], raw["Subject"] = "Ana Ruiz <ana@people.example>", "support@acme.example", "Bill 123456: wrong?"
    raw["Date"] = "Mon, 16 Nov 2026 20:00:00 +0000"
    raw.set_content('Hello,\nthe bill says "120,00 EUR".\n\nCall me: 0171 2345678\nAna Ruiz\n')
    (tmp_path / "mail.eml").write_bytes(raw.as_bytes())
    arguments = ["test", "--rules", str(tmp_path), "--config", str(tmp_path / "none.yaml")]
    for _ in range(2):  # a second one stands behind the first
        done = CliRunner().invoke(app, [*arguments, "--record", str(tmp_path / "mail.eml")])
        assert done.exit_code == 0, done.output
        assert "Ana" not in done.stdout and "2345678" not in done.stdout and "received: 2026-11-16 20:00" in done.stdout
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("2 rule tests passed, 0 failed")
