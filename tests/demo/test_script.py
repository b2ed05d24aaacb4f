"""The demo's people: each mail is one that the daemon must be able to take, and each reaction can happen."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from inboxd.core.model import Directory, Kind
from inboxd.core.own_words import own_words
from inboxd.core.parse import parse
from inboxd.core.screen import screen
from inboxd.demo import cast
from inboxd.demo.answers import AGENT_REACTIONS, CUSTOMER_REACTIONS
from inboxd.demo.cast import CUSTOMERS, MARIA, NORA, SUPPORT, TOM, Client, Person
from inboxd.demo.letters import bounce, header_of, mail, picture, reply_to, text_of
from inboxd.demo.mails import STEPS
from inboxd.demo.script import MAILBOXES, START, State, react, step_envelope, step_mail
from inboxd.demo.story import AgentReaction, CustomerReaction, How, Trick, When, prose

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def from_us(to: Person, text: str, *, subject: str = "Hello [#7]", reply_to: str = "", automatic: bool = False) -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"] = f"Acme Support <{SUPPORT}>", to.email
    message["Subject"], message["Message-ID"] = subject, f"<{len(text)}.{to.email}>"
    message["Date"] = "Mon, 02 Nov 2026 08:00:00 +0000"
    if reply_to:
        message["Reply-To"] = reply_to
    if automatic:
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message.as_bytes()


def routed(agent: Person, customer: Person, text: str) -> bytes:
    return from_us(agent, text, subject=f"{customer.name}: something [#7]", reply_to="support+r7.secret@acme.example")


# --- what they send on their own ---------------------------------------------------------------------------------


def test_every_step_is_a_mail_of_its_own_and_the_same_each_time() -> None:
    first = [step_mail(step, START + step.at) for step in STEPS]
    assert first == [step_mail(step, START + step.at) for step in STEPS]
    assert len({header_of(raw, "Message-ID") for raw in first}) == len(STEPS)
    assert [step.number for step in STEPS] == list(range(1, len(STEPS) + 1))
    assert list(STEPS) == sorted(STEPS, key=lambda step: step.at)
    for step, raw in zip(STEPS, first, strict=True):
        assert header_of(raw, "From").endswith(f"<{step.who.email}>")
        assert step_envelope(step)[1][0] == SUPPORT
        assert set(step_envelope(step)[1]) <= set(MAILBOXES)


def odd(trick: Trick) -> bytes:
    return next(step_mail(step, NOW) for step in STEPS if step.trick is trick)


def test_one_mail_is_html_only() -> None:
    message = parsed(odd(Trick.HTML_ONLY))
    assert message.get_content_type() == "text/html"
    assert "<b>Marais pannier bag</b>" in message.get_content()


def test_one_mail_is_not_in_the_character_set_that_it_names() -> None:
    raw = odd(Trick.MISLABELLED)
    assert parsed(raw).get_content_charset() == "utf-8"
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    assert "Forlì".encode("latin-1") in raw


def test_one_mail_carries_a_photo() -> None:
    (photo,) = parsed(odd(Trick.PHOTO)).iter_attachments()
    assert (photo.get_filename(), photo.get_content_type()) == ("pedal.png", "image/png")
    assert photo.get_content() == picture()
    assert picture().startswith(b"\x89PNG\r\n\x1a\n")


def test_machines_say_that_they_are_machines() -> None:
    by_sender = {step.who: parsed(step_mail(step, NOW)) for step in STEPS if not step.who.mailbox}
    assert "List-Unsubscribe" in by_sender[cast.NEWSLETTER]
    assert by_sender[cast.SUPPLIER]["Auto-Submitted"] == "auto-replied"
    assert by_sender[cast.PAYMENTS]["Auto-Submitted"] == by_sender[cast.WHOLESALE]["Auto-Submitted"] == "auto-generated"
    assert by_sender[cast.SPAMMER]["X-Spam-Flag"] == "YES"


def test_somebody_who_waits_writes_again_in_the_same_thread() -> None:
    again = [step for step in STEPS if step.trick is Trick.ANSWERS]
    ours = from_us(NORA, "You will have it by Thursday.")
    for step in again:
        assert step.who is NORA
        assert header_of(step_mail(step, NOW, ours), "In-Reply-To") == header_of(ours, "Message-ID")
        assert header_of(step_mail(step, NOW), "In-Reply-To") == ""  # nothing of ours came: a new mail


def test_paragraphs_of_the_source_become_whole_lines() -> None:
    text = prose("""
        Hi,

        this line was too long for the editor and so it went on
        underneath.

        Thanks
        Ann
    """)
    wrapped = "this line was too long for the editor and so it went on underneath."
    assert text == f"Hi,\n\n{wrapped}\n\nThanks\nAnn"


# --- how they answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (Client.GMAIL, "Sure.\n\nOn Mon, Nov 2, 2026 at 9:00 AM Acme Support <support@acme.example> wrote:\n\n> One\n>\n> Two"),
        (Client.APPLE, "Sure.\n\n> On 2 Nov 2026, at 09:00, Acme Support <support@acme.example> wrote:\n>\n> One\n>\n> Two"),
        (Client.THUNDERBIRD, "Sure.\n\nOn 02/11/2026 09:00, Acme Support wrote:\n> One\n>\n> Two"),
        (
            Client.OUTLOOK,
            "Sure.\n\n________________________________\nFrom: Acme Support <support@acme.example>\n"
            "Sent: Monday, November 2, 2026 09:00\nTo: nora.lindqvist@fjordmail.example\nSubject: Hello [#7]\n\nOne\n\nTwo",
        ),
        (Client.NONE, "Sure."),
    ],
)
def test_an_answer_quotes_as_its_program_does(client: Client, expected: str) -> None:
    answer = reply_to(from_us(NORA, "One\n\nTwo\n"), NORA, "Sure.", client, NOW)
    assert text_of(answer) == expected
    assert (parsed(answer).get_body(("html",)) is not None) is (client in (Client.GMAIL, Client.APPLE))


def test_an_answer_goes_to_reply_to_and_stays_in_the_thread() -> None:
    ours = from_us(MARIA, "Please answer.", reply_to="support+r7.secret@acme.example")
    answer = parsed(reply_to(ours, MARIA, "Hello Nora", Client.GMAIL, NOW))
    assert answer["To"] == "support+r7.secret@acme.example"
    assert answer["Subject"] == "Re: Hello [#7]"
    assert answer["In-Reply-To"] == answer["References"] == header_of(ours, "Message-ID")
    assert "-- \nMaria Lindt" in text_of(answer.as_bytes())


ROUTED = """\
Nora sounds upset. Please answer by 11:05 today.
"This is the THIRD time I am writing."

----- Nora wrote today at 09:05 -----

This is the THIRD time I am writing. Nobody answered my mail on
Friday. I carried a screaming two year old and her bag two
kilometres in the rain.

-----
Just reply: Nora reads your words and nothing else.
"""


@pytest.mark.parametrize("agent", cast.AGENTS, ids=lambda agent: agent.client)
def test_the_daemon_tells_an_agents_words_from_the_quotation(agent: Person) -> None:
    (answer,) = react(agent.email, routed(agent, NORA, ROUTED), State(), NOW)
    message = parse(answer.raw)
    found = own_words(message.text, ROUTED, ROUTED.split("\n")[0], html=message.html)
    assert found.doubt is None
    assert found.words.startswith("resolve\n\nHello Nora,")
    assert "THIRD" not in found.words


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        (cast.NEWSLETTER, Kind.LIST),
        (cast.PAYMENTS, Kind.AUTO_GENERATED),
        (cast.WHOLESALE, Kind.AUTO_GENERATED),
        (cast.SUPPLIER, Kind.OUT_OF_OFFICE),
        (cast.SPAMMER, Kind.SPAM),
    ],
    ids=lambda value: value.name,
)
def test_the_daemon_knows_the_machines_and_takes_everybody_else_for_a_person(sender: Person, kind: Kind) -> None:
    (raw,) = [step_mail(step, NOW) for step in STEPS if step.who is sender]
    directory = Directory(own=frozenset({SUPPORT}), agents=frozenset(person.email for person in cast.TEAM))
    assert screen(parse(raw), directory).kind is kind
    people = [parse(step_mail(step, NOW)) for step in STEPS if step.who.mailbox]
    assert {screen(message, directory).kind for message in people} == {Kind.PERSON}


def test_a_long_message_id_comes_back_whole() -> None:
    identity = "<" + "a" * 150 + "@acme.example>"
    ours = from_us(NORA, "x").replace(header_of(from_us(NORA, "x"), "Message-ID").encode(), identity.encode())
    raw = reply_to(ours, NORA, "Yes", Client.NONE, NOW)
    assert b"\r\nIn-Reply-To: " + identity.encode() + b"\r\n" in raw


def test_a_bounce_quotes_the_message_id_of_what_came_back() -> None:
    ours = from_us(cast.OSKAR, "The code is CAMPUS15.")
    report = parsed(bounce(ours, cast.MAILER_DAEMON, cast.OSKAR, NOW))
    assert report.get_content_type() == "multipart/report"
    kinds = [part.get_content_type() for part in report.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    assert header_of(ours, "Message-ID") in report.as_string()
    assert "Action: failed" in report.as_string()


# --- what they react to ------------------------------------------------------------------------------------------


def test_each_reaction_happens_once_whoever_gets_the_mail() -> None:
    state = State()
    text = "Ben asks about a product.\n\n----- Ben wrote -----\n\nis there a pump that\nlives on the frame?\n"
    (answer,) = react(TOM.email, routed(TOM, cast.BEN, text), state, NOW)
    assert answer.sender == TOM.email
    assert answer.recipients == ("support+r7.secret@acme.example",)
    assert text_of(answer.raw).startswith("resolve\n\nHello Ben,")
    assert "\nTom\n" in text_of(answer.raw)
    assert react(MARIA.email, routed(MARIA, cast.BEN, text), state, NOW) == []


def test_an_agent_does_not_answer_notices_or_another_customers_mail() -> None:
    text = "a pump that lives on the frame"
    notice = from_us(TOM, text, subject="Ben Achterberg: reminder [#7]", automatic=True)
    assert react(TOM.email, notice, State(), NOW) == []
    assert react(TOM.email, routed(TOM, cast.DANIEL, text), State(), NOW) == []


def test_a_command_that_came_back_is_mended_and_sent_again() -> None:
    back = from_us(MARIA, "resolv: there is no such command.", subject="Re: Heike Brandt: Abo [#7]", automatic=True)
    (mended,) = react(MARIA.email, back, State(), NOW)
    assert text_of(mended.raw).startswith("resolve\n\nGuten Tag Frau Brandt,")


def test_a_note_comes_before_the_answer() -> None:
    note, answer = react(TOM.email, routed(TOM, cast.AOIFE, "locks have been down since 7 this morning"), State(), NOW)
    assert text_of(note.raw).startswith("note\n")
    assert text_of(answer.raw).startswith("resolve\n")
    assert note.after < answer.after


def test_a_customer_answers_the_question_and_not_an_acknowledgement() -> None:
    state = State()
    acknowledgement = from_us(cast.BEN, "Your mail is here. A person writes to you.", automatic=True)
    assert react(cast.BEN.email, acknowledgement, state, NOW) == []
    (answer,) = react(cast.BEN.email, from_us(cast.BEN, "Is it solved?", automatic=True), state, NOW)
    assert text_of(answer.raw).startswith("Yes, it is.")
    assert answer.recipients == (SUPPORT,)
    assert react(cast.BEN.email, from_us(cast.BEN, "Is it solved?", automatic=True), state, NOW) == []


def test_the_seed_moves_the_hours_and_nothing_else() -> None:
    question = from_us(cast.BEN, "Is it solved?", automatic=True)

    def play(seed: int) -> tuple[timedelta, str]:
        (answer,) = react(cast.BEN.email, question, State(seed=seed), NOW)
        return answer.after, text_of(answer.raw).split("\n")[0]

    assert play(3) == play(3)
    assert len({play(seed)[0] for seed in range(10)}) > 1
    assert len({play(seed)[1] for seed in range(10)}) == 1


def test_mail_of_strangers_is_left_alone() -> None:
    spam = mail(1, cast.SPAMMER, "Is it solved?", "solved?", NOW, to=cast.BEN.email)
    assert react(cast.BEN.email, spam, State(), NOW) == []
    assert react(SUPPORT, from_us(cast.BEN, "x"), State(), NOW) == []


# --- the whole story, with a desk that knows only the simplest rules ---------------------------------------------


@dataclass
class Desk:
    """Routes every customer's mail to the next agent, relays answers, and asks two days after `resolve` or silence."""

    state: State = field(default_factory=State)
    queue: list[tuple[datetime, int, str, bytes]] = field(default_factory=list)  # (at, order, mailbox, raw)
    received: list[bytes] = field(default_factory=list)
    relayed: int = 0
    asked: int = 0
    ask_at: dict[str, datetime] = field(default_factory=dict)
    newest: dict[str, bytes] = field(default_factory=dict)  # by customer
    order: int = 0

    def put(self, at: datetime, mailbox: str, raw: bytes) -> None:
        self.order += 1
        heapq.heappush(self.queue, (at, self.order, mailbox, raw))

    def play(self) -> None:
        steps = list(STEPS)
        while steps or self.queue or self.ask_at:
            times = [*(START + step.at for step in steps[:1]), *(item[0] for item in self.queue[:1]), *self.ask_at.values()]
            now = min(times)
            for step in [step for step in steps if START + step.at == now]:
                steps.remove(step)
                self.arrive(now, step.who.email, step_mail(step, now, self.newest.get(step.who.email)))
            while self.queue and self.queue[0][0] == now:
                _, _, mailbox, raw = heapq.heappop(self.queue)
                self.arrive(now, mailbox, raw)
            for customer in [who for who, at in self.ask_at.items() if at == now]:
                del self.ask_at[customer]
                self.asked += 1
                self.hand_over(now, customer, self.letter(customer, "Is it solved? Only you can say.", automatic=True))

    def arrive(self, now: datetime, sender: str, raw: bytes) -> None:
        self.received.append(raw)
        message = parsed(raw)
        agent = next((person for person in cast.TEAM if person.email == sender), None)
        customer = next((person for person in CUSTOMERS if person.email == sender), None)
        if agent is not None:
            self.agent_wrote(now, agent, raw)
        elif customer is not None and message["Auto-Submitted"] is None and "report" not in message.get_content_type():
            self.ask_at.pop(sender, None)
            part = message.get_body(("plain", "html"))
            assert part is not None
            text = part.get_content()
            self.hand_over(now, MARIA.email, routed(MARIA, customer, text.replace("<b>", "").replace("</b>", "")))

    def agent_wrote(self, now: datetime, agent: Person, raw: bytes) -> None:
        words = text_of(raw)
        customer = next(person for person in CUSTOMERS if person.name in header_of(raw, "Subject"))
        first = words.split("\n")[0].rstrip(".").lower()
        if first == "resolv":
            back = from_us(agent, "resolv: there is no such command.", subject=header_of(raw, "Subject"), automatic=True)
            self.hand_over(now, agent.email, back)
        elif first != "note":
            self.relayed += 1
            self.ask_at[customer.email] = now + timedelta(days=2 if first == "resolve" else 7)
            self.hand_over(now, customer.email, self.letter(customer.email, words))

    def letter(self, customer: str, text: str, *, automatic: bool = False) -> bytes:
        self.order += 1
        person = next(person for person in CUSTOMERS if person.email == customer)
        self.newest[customer] = from_us(person, text, subject=f"Re: {self.order}", automatic=automatic)
        return self.newest[customer]

    def hand_over(self, now: datetime, mailbox: str, raw: bytes) -> None:
        for reaction in react(mailbox, raw, self.state, now):
            self.put(now + reaction.after, mailbox, reaction.raw)


@pytest.fixture(scope="module")
def played() -> Desk:
    desk = Desk()
    desk.play()
    return desk


def test_every_reaction_of_the_script_happens_in_a_run(played: Desk) -> None:
    left = [reaction for reaction in (*AGENT_REACTIONS, *CUSTOMER_REACTIONS) if reaction not in played.state.used]
    assert [reaction.sees for reaction in left if isinstance(reaction, AgentReaction)] == ["did not arrive"]  # this desk tells of no bounce
    assert [reaction for reaction in left if isinstance(reaction, CustomerReaction)] == []


def test_a_run_has_what_the_demo_promises(played: Desk) -> None:
    assert len(played.received) >= 35
    assert played.relayed >= 14
    assert played.asked >= 9
    identities = [header_of(raw, "Message-ID") for raw in played.received]
    assert len(set(identities)) == len(identities)


def test_the_people_say_all_that_a_customer_can_say() -> None:
    answers = [reaction for reaction in CUSTOMER_REACTIONS if reaction.when is When.FOLLOW_UP]
    said = [reaction.text.split()[0].strip(".,").lower() for reaction in answers if reaction.how is How.ANSWER]
    assert sum(word in ("yes", "ja") for word in said) >= 4
    assert said.count("no") >= 1
    assert sum(reaction.how is How.AWAY for reaction in answers) == 1
    assert cast.GARETH not in [reaction.customer for reaction in answers]  # never answers: reminded, then unknown
    resolved = [reaction for reaction in AGENT_REACTIONS if reaction.text.lower().startswith("resolve")]
    assert len({reaction.customer for reaction in resolved}) >= 8


def agents_words() -> Iterator[str]:
    yield from (reaction.text for reaction in AGENT_REACTIONS)


@pytest.mark.parametrize("cold", ["ticket", "inconvenience", "unfortunately", "valued customer", "policy"])
def test_agents_write_as_we_would_like_them_to(cold: str) -> None:
    assert not [text for text in agents_words() if cold in text.lower()]
