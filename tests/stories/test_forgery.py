"""Nothing that arrives is obeyed without proof (I6): every forgery that we could think of, in two tables.

A command or words for a customer count only with a signed address (or a reply to a Message-ID) that only this agent got, from an
address of this agent, and, where the admin names our own mail server, with its word that the mail is from there.
"""

from __future__ import annotations

import base64
import email.policy
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest

from inboxd.core import tokens
from inboxd.core.decide import decide
from inboxd.core.model import Action, Address, Answer, Case, CaseNo, CaseState, Decision, MessageNo, Send
from inboxd.daemon.gather import understood_again
from tests.fakes import FakeReader
from tests.stories.day import ACME, SUPPORT, Day, Letterbox
from tests.stories.steps import AGENTS, ANA, BEN, CALM, PETRA, asked, holder, kinds, opened, tap, words_of

ANA_AT, BEN_AT = "ana@example.org", "ben@example.net"
EVE = "Eve <eve@evil.example>"
KEY = b"k" * 32
SERVER = "mx.acme.example"  # our own mail server, as `authserv_id` names it
ORDER = "resolve\n\nHello Ana,\nsend me your password."


@dataclass(kw_only=True)
class Mail:
    """What somebody sends: `results` are the lines of Authentication-Results, topmost first."""

    sender: str
    to: str = SUPPORT
    cc: str = ""
    text: str = ORDER
    subject: str = "Re: Ana Ruiz: Front wheel [#1001]"
    answers: Letterbox | None = None
    results: Sequence[str] = ()
    headers: Sequence[tuple[str, str]] = ()
    mail_id: str = ""


@dataclass
class Scene:
    """Two cases that wait for an answer: 1001 of Ana, 1002 of Ben."""

    server: str = ""
    plus: bool = True
    day: Day = field(init=False)
    serial: int = 0

    def __post_init__(self) -> None:
        self.day = Day(reader=FakeReader(), plus_addresses=self.plus)
        self.day.office.mailboxes = {ACME: replace(self.day.office.mailboxes[ACME], authserv_id=self.server)}
        opened(self.day)
        self.day.pass_(minutes=11)
        opened(self.day, CALM, BEN, "Other wheel")
        self.day.pass_(minutes=11)
        self.agent, self.bens = holder(self.day, 1001), holder(self.day, 1002)
        self.other = next(agent for agent in AGENTS if agent not in (self.agent, self.bens))
        self.routed = self.day.last(self.agent, lambda mail: mail.outgoing.case == 1001)

    def address(self, case: int = 1001, of: str = "", *, key: bytes = KEY, made: datetime | None = None, kind: str = tokens.REPLY) -> str:
        """The signed address of somebody's mail about a case; without a name of whoever holds case 1001."""
        person = f"agent:{(of or self.agent).partition('@')[0]}"
        return tokens.address(SUPPORT, tokens.sign(key, kind, CaseNo(case), person, 0, made or self.day.at()))

    def arrives(self, mail: Mail) -> str:
        """It reaches the mailbox; returns its Message-ID."""
        self.serial += 1
        message = EmailMessage()
        for line in mail.results:
            message["Authentication-Results"] = line
        for name, value in mail.headers:
            message[name] = value
        message["Message-ID"] = mail.mail_id or f"<forged{self.serial}@mail.example>"
        message["From"], message["To"], message["Subject"] = mail.sender, mail.to, mail.subject
        if mail.cc:
            message["Cc"] = mail.cc
        if mail.answers is not None:
            message["In-Reply-To"] = message["References"] = str(mail.answers.message["Message-ID"])
        message.set_content(mail.text)
        self.day.mailbox.put(message.as_bytes(policy=email.policy.SMTP), self.day.at())
        self.day.run()
        return str(message["Message-ID"])

    def cases(self) -> list[Case]:
        return [self.day.case(1001), self.day.case(1002)]

    def outside(self) -> list[str]:
        """All addresses but the team's that anything was sent to."""
        return [address for o in self.day.mailer.delivered for address in o.envelope_to if address not in AGENTS]

    def told(self) -> list[str]:
        """What the lead was told of mail that nothing proves."""
        return [" ".join(mail.text.split()) for mail in self.day.inbox(PETRA) if "nothing proves it" in mail.subject]


def passed(mail: Mail) -> Mail:
    """As our own server hands it over: the sender's domain is confirmed, whoever that is."""
    domain = mail.sender.rpartition("@")[2].rstrip(">")
    return replace(mail, results=(f"{SERVER}; spf=pass smtp.mailfrom={domain}; dmarc=pass header.from={domain}",))


def is_ordinary(scene: Scene, mail: Mail, *, told: bool, times: int = 3) -> None:
    """The mail, sent several times, does nothing: a person reads it as a case of its own, and the lead hears of it once at most."""
    before, outside = scene.cases(), scene.outside()
    sent = [scene.arrives(mail) for _ in range(times)]
    assert scene.cases() == before, "the cases are as they were"
    assert scene.outside() == outside, "nothing leaves for a customer or a stranger"
    kept = scene.day.store.look("select case_id, message_id from message where message_id like '%forged%'")
    assert {row["message_id"] for row in kept} == {each.strip("<>") for each in sent} and {row["case_id"] for row in kept} == {1003}, (
        "kept as any stranger's mail"
    )
    assert kinds(scene.day, holder(scene.day, 1003)).count("routed") >= 1
    assert len(scene.told()) == (1 if told else 0)
    scene.day.pass_(minutes=20)
    assert scene.outside() == outside and len(scene.told()) == (1 if told else 0)


# --- the first table: who sends what to where --------------------------------------------------------------------------------


def one_letter_changed(address: str) -> str:
    local, _, domain = address.rpartition("@")
    return f"{local[:-1]}{'a' if local[-1] != 'a' else 'e'}@{domain}"


def quoting(scene: Scene) -> str:
    mail = scene.routed
    return f"{ORDER}\n\nFrom: Acme <{mail.message['Reply-To']}>\n" + "\n".join(f"> {line}" for line in mail.text.splitlines())


ADDRESSED: dict[str, Callable[[Scene], Mail]] = {  # to an address that looks signed: the lead hears of it
    "another agent's token": lambda s: Mail(sender=s.agent, to=s.address(of=s.other)),
    "another case's token, its number changed": lambda s: Mail(sender=s.agent, to=s.address(1002, s.agent).replace("+r1002", "+r1001")),
    "a token of a case that is none": lambda s: Mail(sender=s.agent, to=s.address(4711)),
    "an expired token": lambda s: Mail(sender=s.agent, to=s.address(made=s.day.at() - tokens.LIFE - timedelta(hours=1))),
    "a token that claims to live longer": lambda s: Mail(sender=s.agent, to=s.address().replace(".", ".z", 1)),
    "a notice's token made one for words": lambda s: Mail(sender=s.agent, to=s.address(kind=tokens.NOTICE).replace("+n", "+r")),
    "the right token from a stranger": lambda s: Mail(sender=EVE, to=s.address()),
    "the right token from a stranger who bears the agent's name": lambda s: Mail(sender=f'"{s.agent}" <eve@evil.example>', to=s.address()),
    "the right token from another agent": lambda s: Mail(sender=s.other, to=s.address()),
    "the right token from an address like the agent's": lambda s: Mail(sender=f"{s.agent}.evil.example", to=s.address()),
    "the right token with one letter changed": lambda s: Mail(sender=s.agent, to=one_letter_changed(s.address())),
    "a token signed with a key of their own": lambda s: Mail(sender=s.agent, to=s.address(key=b"e" * 32)),
    "two tokens, and neither is right": lambda s: Mail(
        sender=s.agent, to=f"{s.address(of=s.other)}, {s.address(key=b'e' * 32)}", cc=s.address(made=s.day.at() - 2 * tokens.LIFE)
    ),
    "another agent's token in copy": lambda s: Mail(sender=s.agent, cc=s.address(of=s.other)),
}
PLAIN: dict[str, Callable[[Scene], Mail]] = {  # to the plain address: mail like any other
    "no token": lambda s: Mail(sender=s.agent),
    "the token in the text": lambda s: Mail(sender=s.agent, text=f"{ORDER}\n{s.address()}"),
    "the token in a quoted mail": lambda s: Mail(sender=s.agent, text=quoting(s)),
    "the token in the subject": lambda s: Mail(sender=s.agent, subject=f"Re: [#1001] {s.address()}"),
    "the token in a header that is none": lambda s: Mail(sender=s.agent, headers=(("Reply-To", s.address()), ("X-To", s.address()))),
    "the token at another domain": lambda s: Mail(sender=s.agent, cc=s.address().replace("acme.example", "evil.example")),
    "a token without its last letter": lambda s: Mail(sender=s.agent, cc=s.address()[: -len("x@acme.example")] + "@acme.example"),
    "the right Message-ID from a stranger": lambda s: Mail(sender=EVE, answers=s.routed),
    "the right Message-ID from another agent": lambda s: Mail(sender=s.other, answers=s.routed),
}


@pytest.mark.parametrize("server", [pytest.param("", id=""), pytest.param(SERVER, id="and our server confirms the sender")])
@pytest.mark.parametrize("forgery", [*ADDRESSED, *PLAIN])
def test_a_mail_without_proof_is_mail_like_any_other(forgery: str, server: str) -> None:
    scene = Scene(server=server)
    mail = {**ADDRESSED, **PLAIN}[forgery](scene)
    is_ordinary(scene, passed(mail) if server else mail, told=forgery in ADDRESSED)


@pytest.mark.parametrize("forgery", ["no token", "the right Message-ID from a stranger", "the right Message-ID from another agent"])
def test_without_signed_addresses_it_is_no_different(forgery: str) -> None:
    scene = Scene(plus=False)
    is_ordinary(scene, PLAIN[forgery](scene), told=False)


def test_an_agent_who_left_is_a_stranger() -> None:
    scene = Scene()
    mail = Mail(sender=scene.agent, to=scene.address(), answers=scene.routed)
    book = scene.day.office.rules.book
    gone = scene.agent.partition("@")[0]
    agents = {name: agent for name, agent in book.agents.items() if name != gone}
    teams = {name: replace(team, agents=tuple(each for each in team.agents if each != gone)) for name, team in book.teams.items()}
    scene.day.office.rules = replace(scene.day.office.rules, book=replace(book, agents=agents, teams=teams))
    scene.arrives(mail)
    assert not scene.day.inbox(ANA_AT) and scene.day.case(1001).state is CaseState.OPEN
    assert scene.day.case().number == 1003
    (told,) = scene.told()
    assert f"{scene.agent}, who is no agent" in told


PROVEN: dict[str, Callable[[Scene], Mail]] = {
    "to the signed address": lambda s: Mail(sender=s.agent, to=s.address()),
    "in the last hour of its life": lambda s: Mail(sender=s.agent, to=s.address(made=s.day.at() - tokens.LIFE + timedelta(hours=1))),
    "in capitals": lambda s: Mail(sender=s.agent.upper(), to=s.address().upper()),
    "in copy": lambda s: Mail(sender=s.agent, to="Somebody <somebody@elsewhere.example>", cc=s.address()),
    "named by the server alone": lambda s: Mail(sender=s.agent, headers=(("Delivered-To", s.address()),)),
    "beside another agent's": lambda s: Mail(sender=s.agent, to=f"{s.address(of=s.other)}, {s.address()}"),
    "with another case in subject, text and headers": lambda s: Mail(
        sender=s.agent, to=s.address(), subject="Re: Ben Okafor: Other wheel [#1002]", headers=(("X-Case", "1002"),)
    ),
    "as an answer to another case's mail": lambda s: Mail(
        sender=s.agent, to=s.address(), answers=s.day.last(s.bens, lambda mail: mail.outgoing.case == 1002)
    ),
}


@pytest.mark.parametrize("way", PROVEN)
def test_the_right_token_acts_on_its_own_case_and_on_no_other(way: str) -> None:
    scene = Scene()
    bens = scene.day.case(1002)
    scene.arrives(replace(PROVEN[way](scene), text="resolve\n\nHello Ana,\nthe 15 mm one."))
    assert "the 15 mm one." in words_of(scene.day).text and scene.day.case(1001).state is CaseState.RESOLVED
    assert not scene.day.inbox(BEN_AT) and scene.day.case(1002) == bens
    assert not scene.told()


def test_of_two_right_tokens_the_first_says_which_case_is_meant() -> None:
    scene = Scene()
    scene.arrives(Mail(sender=scene.agent, to=f"{scene.address()}, {scene.address(1002)}", text="Hello Ana,\nthe 15 mm one."))
    assert len(scene.day.inbox(ANA_AT)) == 1 and not scene.day.inbox(BEN_AT)


def test_a_token_in_the_hour_after_its_life_is_none() -> None:
    scene = Scene()
    mail = Mail(sender=scene.agent, to=scene.address(made=scene.day.at() - tokens.LIFE + timedelta(hours=1)))
    scene.day.pass_(hours=1, minutes=1)
    scene.arrives(mail)
    assert not scene.day.inbox(ANA_AT) and len(scene.told()) == 1


# --- the second table: what our own mail server says ----------------------------------------------------------------------------


GOOD = f"{SERVER}; spf=pass smtp.mailfrom=acme.example; dmarc=pass header.from=acme.example"
BAD = f"{SERVER}; dmarc=fail header.from=acme.example"
CONFIRMED: dict[str, tuple[str, ...]] = {
    "our server says pass": (GOOD,),
    "with a version, in capitals": ("MX.ACME.EXAMPLE 1; DMARC=PASS header.from=ACME.EXAMPLE",),
    "above what others wrote": (GOOD, "mx.evil.example; dmarc=fail", BAD),
    "below what another server of the way wrote": ("lists.acme.example; dmarc=fail header.from=acme.example", GOOD),
    "with a comment": (f"{SERVER}; dmarc=pass (p=reject; dmarc=fail) header.from=acme.example",),
}
UNCONFIRMED: dict[str, tuple[str, ...]] = {
    "nothing at all": (),
    "fail": (BAD,),
    "none: the domain has no DMARC record": (f"{SERVER}; dmarc=none header.from=acme.example",),
    "a passing fault": (f"{SERVER}; dmarc=temperror header.from=acme.example",),
    "spf and dkim alone": (f"{SERVER}; spf=pass smtp.mailfrom=acme.example; dkim=pass header.d=acme.example",),
    "a pass of another domain": (f"{SERVER}; dmarc=pass header.from=evil.example",),
    "a pass and a fail": (f"{SERVER}; dmarc=pass header.from=acme.example; dmarc=fail header.from=acme.example",),
    "a pass of another server": ("mx.evil.example; dmarc=pass header.from=acme.example",),
    "a stranger's pass above our fail": ("mx.evil.example; dmarc=pass header.from=acme.example", BAD),
    "our fail above a pass in our name that the sender wrote": (BAD, GOOD),
    "our fail twice around it": (BAD, GOOD, BAD),
    "a server named almost like ours": (f"{SERVER}.evil.example; dmarc=pass header.from=acme.example",),
    "our name in a comment": (f"mx.evil.example ({SERVER}); dmarc=pass header.from=acme.example",),
    "a pass in a comment": (f"{SERVER} (; dmarc=pass header.from=acme.example); dmarc=fail",),
    "a pass after a bracket in a comment": (
        f"{SERVER}; spf=pass (\\) ; dmarc=pass header.from=acme.example ;) smtp.mailfrom=evil.example",
    ),
    "a pass in quotation marks": (f'{SERVER}; dmarc=fail reason="; dmarc=pass header.from=acme.example"',),
    "a pass as a part of a word": (f"{SERVER}; x-dmarc=pass header.from=acme.example",),
}


@pytest.mark.parametrize("results", CONFIRMED)
def test_where_our_server_is_named_its_word_and_the_token_make_the_proof(results: str) -> None:
    scene = Scene(server=SERVER)
    scene.arrives(Mail(sender=scene.agent, to=scene.address(), text="resolve\n\nHello Ana,\nthe 15 mm one.", results=CONFIRMED[results]))
    assert "the 15 mm one." in words_of(scene.day).text and scene.day.case(1001).state is CaseState.RESOLVED
    assert not scene.told()


@pytest.mark.parametrize("plus", [pytest.param(True, id=""), pytest.param(False, id="by Message-ID")])
@pytest.mark.parametrize("results", UNCONFIRMED)
def test_without_its_word_the_right_token_from_the_right_address_is_not_enough(results: str, plus: bool) -> None:
    scene = Scene(server=SERVER, plus=plus)
    to = scene.address() if plus else SUPPORT
    is_ordinary(scene, Mail(sender=scene.agent, to=to, answers=scene.routed, results=UNCONFIRMED[results]), told=True)
    (told,) = scene.told()
    assert f"our server {SERVER} does not confirm the sender" in told and "authserv_id" in told


def test_where_no_server_is_named_no_line_of_that_kind_counts_for_or_against() -> None:
    scene = Scene()
    scene.arrives(Mail(sender=scene.agent, to=scene.address(), text="Hello Ana,\nthe 15 mm one.", results=(BAD,)))
    assert "the 15 mm one." in words_of(scene.day).text


def test_strangers_tries_do_not_hide_that_our_server_confirms_no_agent() -> None:
    scene = Scene(server=SERVER)
    scene.arrives(passed(Mail(sender=EVE, to=scene.address())))
    scene.arrives(Mail(sender=scene.agent, to=scene.address(), answers=scene.routed))
    assert ["who is no agent" in told for told in scene.told()] == [True, False]
    scene.day.pass_(days=1)
    scene.arrives(Mail(sender=scene.agent, to=scene.address(), answers=scene.routed))
    assert len(scene.told()) == 3, "once a day"


def test_an_out_of_office_in_an_agents_name_sends_nobody_home() -> None:
    for results, away in ((), 0), ((GOOD,), 1):
        scene = Scene(server=SERVER)
        headers = (("Auto-Submitted", "auto-replied"),)
        subject, text = "Out of office: your mail", "I am out of the office until 20 November."
        scene.arrives(
            Mail(sender=scene.agent, to=scene.address(), subject=subject, text=text, answers=scene.routed, headers=headers, results=results)
        )
        with scene.day.store.transaction() as tx:
            assert len(tx.absences()) == away
        assert not scene.told(), "a machine wrote it"


# --- once more ------------------------------------------------------------------------------------------------------------------


WORDS = "Hello Ana,\nthe 15 mm one."


def test_a_reply_that_comes_twice_is_obeyed_once() -> None:
    scene = Scene()
    mail = Mail(sender=scene.agent, to=scene.address(), text=WORDS, answers=scene.routed, mail_id="<forged1@mail.example>")
    scene.arrives(mail)
    scene.arrives(mail)
    assert len(scene.day.inbox(ANA_AT)) == 1


def test_the_same_words_under_another_message_id_come_back_with_a_question() -> None:
    scene = Scene()
    mail = Mail(sender=scene.agent, to=scene.address(), text=WORDS, answers=scene.routed)
    scene.arrives(mail)
    scene.arrives(mail)
    scene.arrives(replace(mail, text=f"resolve\n\n{WORDS}"))
    assert len(scene.day.inbox(ANA_AT)) == 1 and scene.day.case(1001).state is CaseState.WAITING
    back = scene.day.last(scene.agent)
    assert back.outgoing.kind == "returned" and back.text.startswith("Not sent yet") and "these words already" in back.text
    scene.arrives(Mail(sender=scene.agent, to=str(back.message["Reply-To"]), text="send anyway", answers=back))
    assert len(scene.day.inbox(ANA_AT)) == 2


def test_the_same_words_are_sent_again_where_there_is_reason_to() -> None:
    scene = Scene()
    mail = Mail(sender=scene.agent, to=scene.address(), text=WORDS, answers=scene.routed)
    scene.arrives(mail)
    scene.day.reply(ANA, words_of(scene.day), "Which one do you mean?")
    scene.arrives(mail)  # the customer has asked since
    assert len(scene.day.inbox(ANA_AT)) == 2
    scene.day.reply(scene.agent, scene.routed, WORDS, attach=("spanner.png", b"a picture"))  # and now with the file
    assert len(scene.day.inbox(ANA_AT)) == 3


@pytest.mark.parametrize("said", [Answer.SATISFIED, Answer.DISSATISFIED])
def test_a_customers_answer_from_another_customer_is_text_that_a_person_reads(said: Answer) -> None:
    day = Day(reader=FakeReader())
    the_question = asked(day)
    before = day.case(1001)
    day.write(BEN, "Another wheel", CALM)
    day.pass_(minutes=5)
    tap(day, the_question, said, sender=BEN, text="All is well with this, says Ben.")
    day.pass_(minutes=5)
    assert (day.case(1001).state, day.case(1001).outcome) == (before.state, before.outcome)
    assert "says Ben" in day.routed(holder(day, 1001)).text


# --- ten thousand guesses -------------------------------------------------------------------------------------------------------


def letters_of(number: int, count: int) -> str:
    """Letters of a token's alphabet, the same for the same number."""
    return base64.b32encode(hashlib.sha512(str(number).encode()).digest()).decode().lower()[:count]


GUESSES: dict[str, Callable[[Scene, int], str]] = {
    "anything": lambda s, n: f"support+{letters_of(n, 1 + n % 40)}@acme.example",
    "the shape of a token": lambda s, n: f"support+{'rnyx'[n % 4]}{n}.{letters_of(n, 4)}.{letters_of(-n, 26)}@acme.example",
    "a case that is there": lambda s, n: f"{s.address()[:-39]}{letters_of(n, 26)}@acme.example",
    "a case that is none": lambda s, n: f"support+r{n + 5000}.{s.address().split('.')[1]}.{letters_of(n, 26)}@acme.example",
    "all but some letters": lambda s, n: f"{s.address()[: -13 - 1 - n % 25]}{letters_of(n, 1 + n % 25)}@acme.example",
    "another's token": lambda s, n: s.address(of=s.other, made=s.day.at() + timedelta(hours=n)),
    "a token whose life is over": lambda s, n: s.address(made=s.day.at() - tokens.LIFE - timedelta(hours=n)),
    "one letter too few": lambda s, n: f"{s.address()[:-14]}@acme.example",
    "of a customer's question": lambda s, n: f"support+y1001.{s.address().split('.')[1]}.{letters_of(n, 26)}@acme.example",
}


def outward(decision: Decision) -> tuple[Action, ...]:
    """What is done, but for the word to the lead, of which nobody outside learns."""
    told = {"false_claim", "message.false_claim"}
    return tuple(a for a in decision.actions if not {getattr(a, "kind", ""), a.letter.template if isinstance(a, Send) else ""} & told)


@pytest.mark.parametrize("sender", ["the agent's own address", "a stranger"])
def test_ten_thousand_guesses_are_decided_like_mail_without_a_token(sender: str) -> None:
    scene = Scene()
    office, (mailbox,) = scene.day.office, scene.day.office.mailboxes.values()
    scene.arrives(Mail(sender=scene.agent if sender != "a stranger" else EVE))
    number = MessageNo(scene.day.store.look("select max(id) as id from message")[0]["id"])
    with scene.day.store.transaction() as tx:
        plain = understood_again(scene.day.store, office.directory(office.rules), tx, number)
        gatherer = office.gatherer(office.rules)
        without = gatherer.message(tx, plain, mailbox, scene.day.at())
        decided = decide(without, office.rules.book, office.policy)
        for guess in range(5_000):
            made = list(GUESSES.values())[guess % len(GUESSES)](scene, guess)
            guessed = replace(plain, message=replace(plain.message, to=(Address(email=made),), delivered_to=(made,)))
            found = gatherer.message(tx, guessed, mailbox, scene.day.at())
            assert replace(found, understood=plain, false_claim=False) == without, made
            assert outward(decide(found, office.rules.book, office.policy)) == decided.actions, made


def sent_after(scene: Scene, to: str) -> list[tuple[str, str, str, str]]:
    """Kind, receiver, subject and text of all that leaves within a day of a stranger's mail, but for the word to the lead."""
    scene.arrives(Mail(sender=EVE, to=to))
    scene.day.pass_(days=1)
    everybody = sorted({address for o in scene.day.mailer.delivered for address in o.envelope_to})
    mails = [(str(m.outgoing.kind), address, m.subject, m.text) for address in everybody for m in scene.day.inbox(address)]
    return [mail for mail in mails if "nothing proves it" not in mail[2]]


@pytest.mark.parametrize("guess", GUESSES)
def test_a_guess_leads_to_the_same_mails_as_no_token(guess: str) -> None:
    guessed, plain = Scene(), Scene()
    assert sent_after(guessed, GUESSES[guess](guessed, 7)) == sent_after(plain, SUPPORT)
