"""Every new agent is greeted by one mail that works as a customer's does, and may try everything without harm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inboxd.core.model import AgentName, Mode
from inboxd.core.practice import LINE
from inboxd.daemon.keep_house import open_house
from tests.stories.day import Day, Letterbox
from tests.stories.steps import AGENTS, ANA, CALM, MARIA, TOM, holder, opened, words_of

SIGNATURE = "Maria Lindt\nCustomer care, Acme GmbH\n+49 30 1234567"


@pytest.fixture
def day() -> Day:
    return Day(newcomers=True)


def greeting(day: Day, agent: str = MARIA) -> Letterbox:
    """The first mail that this agent got."""
    return day.inbox(agent)[0]


def practise(day: Day, text: str, agent: str = MARIA, **more: object) -> str:
    """Answer the greeting; returns what came back."""
    day.reply(f"Maria Lindt <{agent}>", greeting(day, agent), text, **more)  # type: ignore[arg-type]  # as Day.write takes them
    return flat(day.last(agent).text)


def flat(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())


def cases(day: Day) -> int:
    return int(day.store.look("select count(*) as n from cases")[0]["n"])


def outside(day: Day) -> list[str]:
    """Who, besides the team, was written to."""
    return [to for mail in day.mailer.delivered for to in mail.envelope_to if to not in AGENTS]


def test_every_new_agent_gets_one_mail_to_practise_with(day: Day) -> None:
    for agent in AGENTS:
        (mail,) = day.inbox(agent)
        first = mail.text.split("\n")[0]
        assert first.startswith("Practice,") and "nobody outside reads" in first and len(first) <= 60
        assert mail.sender == "Robin Winter (practice) via Acme Support" and f"    {LINE}" in mail.text
        assert mail.message["Auto-Submitted"] == "auto-generated" and "+r0." in str(mail.message["Reply-To"])


def test_it_comes_once_for_ever_and_nobody_is_reminded(day: Day) -> None:
    day.pass_(days=30)
    open_house(day.office)
    day.run()
    assert [len(day.inbox(agent)) for agent in AGENTS] == [1, 1, 1, 1]


def test_who_comes_later_is_greeted_alone(day: Day) -> None:
    book = day.office.rules.book
    lena = replace(book.agents[AgentName("tom")], name=AgentName("lena"), emails=("lena@acme.example",), full_name="Lena Fuchs")
    day.office.rules = replace(day.office.rules, book=replace(book, agents={**book.agents, lena.name: lena}))
    open_house(day.office)
    day.run()
    assert len(day.inbox("lena@acme.example")) == 1 and len(day.inbox(MARIA)) == 1


def test_nobody_is_greeted_before_the_mailbox_does_more_than_watch() -> None:
    day = Day(mode=Mode.WATCH, newcomers=True)
    assert day.inbox(MARIA) == []
    day.set_mode(Mode.ROUTE)
    assert greeting(day).subject == "Robin Winter: Are you there? (practice)" and len(day.inbox(TOM)) == 1


def test_one_who_cannot_be_written_to_does_not_keep_the_others_from_it() -> None:
    day = Day()
    book = day.office.rules.book
    bad, good = (
        replace(book.agents[AgentName("tom")], name=AgentName(n), emails=(e,)) for n, e in (("x", "x@-ä-.\udcff"), ("y", "y@y.example"))
    )
    day.office.rules = replace(day.office.rules, book=replace(book, agents={**book.agents, bad.name: bad, good.name: good}))
    open_house(day.office)
    day.run()
    assert len(day.inbox("y@y.example")) == 1 and AgentName("x") not in known(day)


def known(day: Day) -> frozenset[AgentName]:
    with day.store.transaction() as tx:
        return tx.greeted()


def test_the_answer_shows_what_a_customer_would_have_read_and_reaches_nobody_else(day: Day) -> None:
    said = practise(day, f"{LINE}\n\n-- \n{SIGNATURE}")
    assert said.startswith("Practice, Maria: this is what Robin would read.")
    shown = "\n".join(line[4:] for line in day.last(MARIA).text.splitlines())
    assert f"{LINE}\n\nMaria\nAcme Support\n\nOn Monday 16 November at" in shown
    assert "> is anybody there? I only want to know whether my mail arrives." in shown
    assert "Left out: your signature (3 lines); what your program quotes. Maria Lindt Customer care" in said
    assert cases(day) == 0 and outside(day) == [] and day.events("agent.practised") == 1


def test_a_signature_without_a_mark_is_learnt_at_once_and_left_out_of_real_replies(day: Day) -> None:
    said = practise(day, f"{LINE}\n\nKind regards\n{SIGNATURE}")
    assert "Left out: your signature (3 lines)" in said and "Not right? Reply: signature: none" in said
    agent = opened(day)
    while agent != MARIA:
        day.reply(agent, day.routed(agent), "assign: maria")
        agent = holder(day)
    day.reply(MARIA, day.routed(MARIA), f"Hello Ana,\nthe 15 mm one.\n\nKind regards\n{SIGNATURE}")
    words = "\n".join(words_of(day).text.splitlines())
    assert words.startswith("Hello Ana,\nthe 15 mm one.\n\nKind regards\n\nMaria\nAcme Support\n")
    assert "1234567" not in words and "1234567" not in words_of(day).html


def test_what_was_learnt_is_forgotten_on_request_and_learnt_again_in_practice(day: Day) -> None:
    practise(day, f"{LINE}\n\n{SIGNATURE}")
    day.reply(MARIA, day.last(MARIA), "signature: none")
    assert "I know no signature of yours" in day.last(MARIA).text
    day.reply(MARIA, day.last(MARIA), "signature")
    assert "Nothing found." in day.last(MARIA).text
    practise(day, f"{LINE}\n\n{SIGNATURE}")
    day.reply(MARIA, day.last(MARIA), "signature")
    assert "Customer care, Acme GmbH" in day.last(MARIA).text


def test_a_sentence_typed_below_the_line_is_no_signature(day: Day) -> None:
    said = practise(day, f"{LINE}\n\nHave a nice day\nMaria")
    assert "Have a nice day" in said and "signature" not in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolve\nlabel: bikes\n\nHello Robin, it is done.", "resolve: on"),
        ("snooze: 2 days", "it comes back on"),
        ("note: call the courier", "note, only among us: call the courier"),
        ("pass on", "a colleague gets it"),
    ],
)
def test_commands_show_what_they_would_have_done_and_do_nothing(day: Day, text: str, expected: str) -> None:
    assert expected in practise(day, text) and "Nothing has left, and no customer knows of it." in flat(day.last(MARIA).text)
    assert cases(day) == 0 and outside(day) == []
    assert day.store.look("select count(*) as n from job where kind in ('pass_on', 'ask', 'silence')")[0]["n"] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resolv\n\nHello Robin.", "Did you mean: resolve"),
        ("assign: tim\n\nHello Robin.", 'there is no agent "tim"'),
        ("snooze tomorrow\n\nHello Robin.", "Write it with a colon, snooze: tomorrow"),
        ("could not\n\nHello Robin.", "Write: could not: ..."),
        ("Hello Robin.\n\nnote: a difficult one", "stands below your words"),
        ("to: zora@example.org\n\nHello Zora.", "it needs a subject of its own"),
        ("undo", "Too late, Maria"),
        ("send anyway", "There is nothing to send"),
        ("release", "Nothing waits for you"),
        ("signature: Maria", "write for example: signature: none"),
    ],
)
def test_a_mistake_shows_what_a_mistake_looks_like(day: Day, text: str, expected: str) -> None:
    said = practise(day, text)
    assert said.startswith("Practice, Maria: nothing would have left.") and expected in said


def test_a_mail_that_one_begins_shows_what_its_reader_would_get(day: Day) -> None:
    said = practise(day, "to: zora@example.org\nsubject: Your bell\n\nHello Zora,\n\nyour bell is here.")
    assert said.startswith("Practice, Maria: this is what zora@example.org would read.") and "your bell is here." in said
    assert "a case of its own; it is with you" in said and "is anybody there?" not in said and cases(day) == 0 and outside(day) == []


def test_help_and_questions_are_answered(day: Day) -> None:
    assert "You had to say no." in practise(day, "help")
    assert "With you: 0" in practise(day, "mine")


def test_one_may_practise_again_in_answer_to_the_answer(day: Day) -> None:
    practise(day, LINE)
    day.reply(MARIA, day.last(MARIA), "Hello Robin, here I am again.")
    assert "Hello Robin, here I am again." in day.last(MARIA).text and len(day.inbox(MARIA)) == 3


def test_a_robot_that_answers_each_answer_is_left_alone_after_a_while(day: Day) -> None:
    for _ in range(25):
        day.reply(MARIA, day.last(MARIA), "I am a robot.")
    assert len(day.inbox(MARIA)) == 20, "the greeting counts, too"
    day.pass_(hours=2)
    day.reply(MARIA, greeting(day), LINE)
    assert len(day.inbox(MARIA)) == 21


@pytest.mark.parametrize("plus", [True, False])
def test_it_works_without_plus_addresses(plus: bool) -> None:
    day = Day(newcomers=True, plus_addresses=plus)
    assert "this is what Robin would read" in practise(day, LINE)
    day.reply(MARIA, day.last(MARIA), LINE)
    assert len(day.inbox(MARIA)) == 3 and cases(day) == 0


def test_a_reply_whose_program_forgot_what_it_answers_is_read_all_the_same(day: Day) -> None:
    mail = greeting(day)
    quoted = "\n".join(f"> {line}" for line in mail.text.splitlines())
    day.write(MARIA, f"Re: {mail.subject}", f"{LINE}\n\nOn Mon, 16 Nov 2026, Robin wrote:\n{quoted}", to=str(mail.message["Reply-To"]))
    assert "this is what Robin would read" in flat(day.last(MARIA).text)


def test_a_stranger_who_writes_to_the_practice_address_is_a_customer_and_proves_nothing(day: Day) -> None:
    day.write("Eve <eve@evil.example>", "Re: Robin", "signature: none", to=str(greeting(day).message["Reply-To"]))
    assert cases(day) == 1 and day.events("agent.practised") == 0 and day.events("message.false_claim") == 1
    assert len(day.inbox(MARIA)) + len(day.inbox(TOM)) >= 2


def test_the_practice_address_of_one_is_no_proof_for_another(day: Day) -> None:
    day.write(TOM, "Re: Robin", LINE, to=str(greeting(day).message["Reply-To"]))
    assert day.events("agent.practised") == 0


def test_an_old_address_proves_nothing(day: Day) -> None:
    day.clock.at = day.clock.at.replace(year=day.clock.at.year + 1)
    practise(day, LINE)
    assert day.events("agent.practised") == 0


def test_an_out_of_office_to_it_says_that_the_agent_is_away_and_nothing_more(day: Day) -> None:
    mail = greeting(day)
    day.reply(
        MARIA, mail, "I am out of the office until 20 November 2026.", quote=False,
        headers={"Auto-Submitted": "auto-replied"}, mail_id="<away@mail.example>",
    )  # fmt: skip
    assert cases(day) == 0 and day.events("agent.practised") == 0 and len(day.inbox(MARIA)) == 1


def test_a_customers_mail_is_never_mistaken_for_practice(day: Day) -> None:
    day.write(ANA, "Front wheel", CALM)
    agent = holder(day)
    day.reply(agent, day.routed(agent), LINE)
    assert words_of(day).text.startswith(LINE)
