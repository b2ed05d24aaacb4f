"""A day of four agents and thirty customers, by SMTP and IMAP alone, on real Dovecot and Postfix and with the daemon as a process.

Each story is a generator: its people write, and it yields the mail that it waits for, in whose mailbox. All stories of a part of the
day go on side by side, as on any day. What customers read is compared with what the agents wrote, word for word, at the end.

To add a story: write a generator that takes the day, name its customers in `OTHERS`, and put it into `MORNING`; into `AFTERNOON` if it
must go on alone, or into `ALL_DAY` if it waits for a minute. Words that a customer is to read are noted by `says(..., to=[name])`,
else in `words`; a question that they get is counted in `questions`.
"""

from __future__ import annotations

import html as markup
import imaplib
import re
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from zlib import crc32

import pytest

from inboxd.core import tokens
from inboxd.core.model import MessageId, OutgoingKind, OutgoingNo, SentMessage
from tests.core.replies.our_mails import OurMail
from tests.core.replies.programs import PROGRAMS, Draft, Program
from tests.real_desk import ADMIN, AGENTS, LEAD, SENIORS, SUPPORT, TEAM, Desk, Letter, Person, a_desk
from tests.servers import PASSWORD, missing

ORDINARY = ("anna", "bela", "cora", "dirk", "elsa", "finn", "gus", "hana", "ivo", "jana", "karl", "lena", "milo", "nina")
OTHERS = (
    "abel", "berta", "carla", "dora", "gerd", "hektor", "hugo", "lars", "olaf", "pia", "quin", "robot", "rosa", "sven", "tara", "udo",
    "vera", "willi", "xenia", "yuri", "yurihome", "zack", "zoe",
)  # fmt: skip
EVERYBODY = (*AGENTS, LEAD)  # of the team
PATIENCE = 60.0  # seconds until some story must go on
SPLIT, IN_SENT, IN_RESOLVED = 1, 1, 1  # Lars's mail stands in two cases, Gerd's answer and Hugo's mail lie in other folders
SECRETS = ("the frame cracked twice", "his cousin works for them", "You may, without asking", "Why you", "Please answer by", "Just reply:")

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "the servers are here")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail with these words that somebody of these people gets, beside those that the story has seen."""

    who: Sequence[str]
    words: str


Got = tuple[Person, Letter]
Story = Generator[Wanted, Got, None]


@dataclass
class Day:
    """The desk, and what every customer ought to have read when the day is over."""

    desk: Desk
    words: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by customer, with the agent's name below
    questions: Counter[str] = field(default_factory=Counter)
    wrote: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    going: dict[Story, Wanted] = field(default_factory=dict)
    seen: dict[Story, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))

    def write(self, name: str, subject: str, text: str, **more: str | Mapping[str, str]) -> EmailMessage:
        """A customer writes."""
        self.wrote[name].append(text)
        return self.desk.person(name).writes(subject, text, **more)  # type: ignore[arg-type]

    def answer(self, name: str, mail: Letter, text: str) -> None:
        """A customer replies."""
        self.wrote[name].append(text)
        self.desk.person(name).answers(mail, text)

    def says(self, agent: Person, mail: Letter, words: str, *, orders: str = "", to: Sequence[str] = (), **headers: str) -> None:
        """An agent replies from one of eight mail programs, as the text falls; `to` are the customers who are to read the words."""
        text = f"{orders}\n\n{words}".strip()
        sends(PROGRAMS[crc32(text.encode()) % len(PROGRAMS)], agent, mail, text, headers)
        for name in to:
            self.words[name].append(f"{words}\n{agent.full.split()[0]}\nAcme Support")

    def writes_here(self, full: str, name: str, mail: EmailMessage, words: str) -> None:
        """Somebody answers in the support mailbox itself: their program sends the mail and lays it into Sent."""
        self.words[name].append(words)
        quoted = "\n".join(f"> {line}".rstrip() for line in mail.get_content().splitlines())
        here = Person(desk=self.desk, name="support", full=full, address=SUPPORT)
        body, answers = f"{words}\n\nOn Monday {mail['From']} wrote:\n{quoted}\n", str(mail["Message-ID"])
        to = self.desk.person(name).address
        sent = here.writes(f"Re: {mail['Subject']}", body, to=to, headers={"In-Reply-To": answers, "References": answers})
        with self._in_the_mailbox() as program:
            assert program.append("Sent", "(\\Seen)", "", sent.as_bytes())[0] == "OK"

    def puts_aside(self, subject: str) -> None:
        """Somebody who works in the support mailbox moves a mail to what is done."""
        with self._in_the_mailbox() as program:
            program.select("INBOX")
            (uid,) = program.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()
            assert program.uid("MOVE", uid.decode(), "Resolved")[0] == "OK"

    def _in_the_mailbox(self) -> imaplib.IMAP4:
        program = imaplib.IMAP4("localhost", self.desk.dovecot.imap_port, timeout=20)
        program.login("support", PASSWORD)
        return program

    def begins(self, stories: Iterable[Story]) -> list[Story]:
        """Let stories begin; they go on while others are played."""
        begun = {story: next(story) for story in stories}
        self.going |= begun
        return list(begun)

    def plays(self, stories: Sequence[Story]) -> None:
        """Let all stories go on, each whenever the mail that it waits for is there, until these are over."""
        until = time.monotonic() + PATIENCE
        while any(story in self.going for story in stories):
            if self._goes_on():
                until = time.monotonic() + PATIENCE
            stuck = "\n".join(f"{getattr(story, '__name__', story)} waits for {wanted}" for story, wanted in self.going.items())
            assert time.monotonic() < until, f"{stuck}\n{self.desk._clue()}"
            time.sleep(0.05)

    def _goes_on(self) -> bool:
        """Give each story the mail that it waits for, if it is there; tells whether one was."""
        there: dict[str, list[Letter]] = {}
        somebody_went_on = False
        for story, wanted in list(self.going.items()):
            found = self._look(wanted, there, self.seen[story])
            if found is None:
                continue
            somebody_went_on = True
            self.seen[story].add((found[0].name, found[1].message_id))
            try:
                self.going[story] = story.send(found)
            except StopIteration:
                del self.going[story]
        return somebody_went_on

    def _look(self, wanted: Wanted, there: dict[str, list[Letter]], seen: set[tuple[str, str]]) -> Got | None:
        for name in wanted.who:
            person = self.desk.person(name)
            if name not in there:
                there[name] = person.mailbox()
            for letter in reversed(there[name]):
                if (name, letter.message_id) not in seen and wanted.words in " ".join(f"{letter.subject}\n{letter.text}".split()):
                    return person, letter
        return None


def sends(program: Program, agent: Person, mail: Letter, text: str, headers: Mapping[str, str]) -> None:
    """Reply as this mail program does: text and page, with our mail quoted below in its own way."""
    to = str(mail.message["Reply-To"])
    ours = SentMessage(
        number=OutgoingNo(0), message_id=MessageId(""), kind=OutgoingKind.ROUTED, purpose="", case=None, agent=None, person=None, round=0,
        sent_at=None,
    )  # fmt: skip
    quoted = OurMail(text=mail.text, html=mail.html, subject=mail.subject, reply_to=to, sent=ours)
    draft = Draft(words=tuple(text.split("\n")), signature="", posting="top" if mail.html else "bare", language="en", mail=quoted)
    subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
    references = {"In-Reply-To": mail.message_id, "References": f"{mail.message.get('References', '')} {mail.message_id}".strip()}
    agent.writes(subject, program.text(draft), to=to, headers={**references, **headers}, page=program.page(program, draft))


def number_of(mail: Letter) -> str:
    found = re.search(r"\[#(\d+)\]", mail.subject)
    assert found is not None, mail.subject
    return f"#{found[1]}"


def but(agent: Person) -> list[str]:
    """Everybody of the team but this one."""
    return [name for name in EVERYBODY if name != agent.name]


def in_ten_days() -> str:
    day = datetime.now(UTC) + timedelta(days=10)  # noqa: TID251  # the daemon's clock is the machine's
    return f"{day.day} {day:%B}"


# --- the morning ---------------------------------------------------------------------------------------------------------------


def an_ordinary_question(day: Day, name: str, number: int) -> Story:
    model = f"Aster {number + 20}"
    day.write(name, f"About the {model}", f"Hello,\n\nhow heavy is the {model}?\n\n{name.capitalize()}")
    agent, mail = yield Wanted(list(AGENTS), f"how heavy is the {model}?")
    words = f"Hello {name.capitalize()},\n\nthe {model} weighs {number + 10} kg,\nwith lights and lock.\n\nKind regards"
    day.says(agent, mail, words, to=[name])


def somebody_is_upset(day: Day) -> Story:
    day.write("olaf", "Brake!!!", "I am furious. Your brake broke on the hill and nobody answers me. This is outrageous!\n\nOlaf")
    agent, mail = yield Wanted(SENIORS, "Your brake broke on the hill")
    assert "Olaf sounds upset" in mail.text
    day.says(agent, mail, "Dear Olaf,\n\nyou are right, and I am sorry.\nA courier brings a new brake today.", to=["olaf"])


def somebody_has_to_write_again_and_again(day: Day) -> Story:
    for number, (what, who) in enumerate((("bell", tuple(AGENTS)), ("pump", tuple(AGENTS)), ("saddle", SENIORS))):
        day.write("pia", f"My {what}", f"Hello,\n\nin which colours does the {what} Pia come?\n\nPia")
        agent, mail = yield Wanted(who, f"does the {what} Pia come?")
        day.says(agent, mail, f"Hello Pia,\n\nthe {what} comes in {number + 2} colours.", to=["pia"])
        yield Wanted(["pia"], f"the {what} comes in")


def a_note_stays_among_us(day: Day) -> Story:
    day.write("quin", "Frame", "Hello,\n\nis the frame of the Quartz welded?\n\nQuin")
    agent, mail = yield Wanted(list(AGENTS), "frame of the Quartz welded?")
    day.says(agent, mail, "", orders=f"note: {SECRETS[0]}, and {SECRETS[1]}")
    yield Wanted([agent.name], "Quin does not see it")
    day.says(agent, mail, "Hello Quin,\n\nyes, it is welded by hand.", to=["quin"])


def a_case_is_passed_on(day: Day) -> Story:
    day.write("tara", "Tyre", "Hello,\n\nwhich tyre fits the Tarn?\n\nTara")
    agent, mail = yield Wanted(list(AGENTS), "which tyre fits the Tarn?")
    day.says(agent, mail, "", orders="pass on")
    colleague, mail = yield Wanted(but(agent), "which tyre fits the Tarn?")
    day.says(colleague, mail, "Hello Tara,\n\nthe one with 28 inches.", to=["tara"])


def a_case_is_given_to_the_lead(day: Day) -> Story:
    day.write("udo", "Offer", "Hello,\n\nmay we have an offer for forty Umbras?\n\nUdo")
    agent, mail = yield Wanted(list(AGENTS), "offer for forty Umbras?")
    day.says(agent, mail, "", orders="assign: petra\nlabel: offers")
    lead, mail = yield Wanted([LEAD], "offer for forty Umbras?")
    day.says(lead, mail, "Hello Udo,\n\nwith pleasure: 9,000 EUR for all forty.", to=["udo"])


def two_answer_the_same_mail(day: Day) -> Story:
    day.write("vera", "Chain", "Hello,\n\nhow long is the chain of the Vega?\n\nVera")
    agent, mail = yield Wanted(list(AGENTS), "chain of the Vega?")
    day.says(agent, mail, "", orders="assign: petra")
    lead, theirs = yield Wanted([LEAD], "chain of the Vega?")
    day.says(agent, mail, "Hello Vera,\n\nit has 110 links.", orders="label: chains", to=["vera"])
    yield Wanted([agent.name], "label: chains")
    day.says(lead, theirs, "Hello Vera,\n\nit has 110 links, and two to spare.")
    _, held = yield Wanted([LEAD], "Not sent yet, Petra.")
    assert "it has 110 links." in held.text and "and two to spare" in held.text
    day.says(lead, held, "", orders="send anyway")
    day.words["vera"].append("Hello Vera,\n\nit has 110 links, and two to spare.\nPetra\nAcme Support")


def two_cases_become_one(day: Day) -> Story:
    day.write("xenia", "Fork", "Hello,\n\nis the fork of the Xylo made of steel?\n\nXenia")
    agent, first = yield Wanted(list(AGENTS), "fork of the Xylo made of steel?")
    day.says(agent, first, "Hello Xenia,\n\nit is.", to=["xenia"])
    _, read = yield Wanted(["xenia"], "it is.")
    day.write("xenia", "The fork again", "Hello,\n\nI have asked about a steel fork before.\n\nXenia")
    agent, second = yield Wanted(list(AGENTS), "asked about a steel fork before")
    assert number_of(first) != number_of(second)
    day.says(agent, second, "", orders=f"merge: {number_of(first)}")
    yield Wanted([agent.name], 'it is one with "Fork"')
    day.answer("xenia", read, "And is it painted?")
    agent, again = yield Wanted(list(AGENTS), "And is it painted?")
    assert number_of(again) == number_of(first)
    day.says(agent, again, "Hello Xenia,\n\nin black.", to=["xenia"])


def one_person_has_two_addresses(day: Day) -> Story:
    day.write("yuri", "Lamp", "Hello,\n\nhow bright is the lamp Yara?\n\nYuri")
    agent, first = yield Wanted(list(AGENTS), "how bright is the lamp Yara?")
    day.write("yurihome", "My lamp", "Hello,\n\nit is me again, from home, about the Yara lamp.\n\nYuri")
    other, second = yield Wanted(list(AGENTS), "it is me again, from home")
    day.says(agent, first, "", orders=f"same as: yurihome@{day.desk.person('yuri').address.partition('@')[2]}")
    yield Wanted([agent.name], "are one person now")
    day.says(other, second, "", orders=f"merge: {number_of(first)}")
    yield Wanted([other.name], 'it is one with "Lamp"')
    day.says(agent, first, "Hello Yuri,\n\n70 lux, here and at home.", to=["yurihome"])  # from where Yuri wrote last


def a_reader_comes_and_goes(day: Day) -> Story:
    domain = day.desk.person("zack").address.partition("@")[2]
    day.write("zoe", "Trailer", "Hello,\n\ndoes the trailer Zephyr take two children?\n\nZoe")
    agent, mail = yield Wanted(list(AGENTS), "does the trailer Zephyr take two children?")
    day.says(agent, mail, "Hello Zoe,\n\nit does, and Zack reads along.", orders=f"cc: zack@{domain}", to=["zoe", "zack"])
    _, read = yield Wanted(["zoe"], "Zack reads along")
    day.answer("zoe", read, "And a dog?")
    agent, mail = yield Wanted(list(AGENTS), "And a dog?")
    day.says(agent, mail, "", orders=f"drop: zack@{domain}")
    yield Wanted([agent.name], "gets no more of it")
    day.says(agent, mail, "Hello Zoe,\n\na small one.", to=["zoe"])


def a_case_sleeps(day: Day) -> Story:
    day.write("abel", "Spring", "Hello,\n\nwhen does the Abendrot come out?\n\nAbel")
    agent, mail = yield Wanted(list(AGENTS), "when does the Abendrot come out?")
    day.says(agent, mail, "", orders="snooze: 2 days")
    yield Wanted([agent.name], "it comes back on")


def a_slip_of_the_finger(day: Day) -> Story:
    words = "Hello Sven,\n\na screw of 5 mm."
    day.write("sven", "Screw", "Hello,\n\nwhich screw holds the Sirius together?\n\nSven")
    agent, mail = yield Wanted(list(AGENTS), "which screw holds the Sirius together?")
    day.says(agent, mail, words, orders="resolv")
    agent, back = yield Wanted([agent.name], "Did you mean: resolve")
    day.says(agent, back, words, orders="resolve", to=["sven"])
    day.questions["sven"] += 1
    yield Wanted([agent.name], "Sven will read:")
    yield Wanted(["sven"], "Only you can say")


def a_case_is_resolved(day: Day) -> Story:
    words = "Hello Rosa,\n\na new rim leaves today."
    day.write("rosa", "Rim", "Hello,\n\nthe rim of my Rigel has a dent.\n\nRosa")
    agent, mail = yield Wanted(list(AGENTS), "rim of my Rigel has a dent")
    day.says(agent, mail, words, orders="resolve\nlabel: rims", to=["rosa"])
    _, transcript = yield Wanted([agent.name], "label: rims: noted")
    assert transcript.text.startswith(f"Done, {agent.full.split()[0]}. Your mail leaves at")
    assert "a new rim leaves today." in transcript.text and "is asked whether it really is solved" in " ".join(transcript.text.split())
    yield Wanted(["rosa"], "a new rim leaves today")
    _, question = yield Wanted(["rosa"], "Only you can say")
    day.questions["rosa"] += 1
    day.answer("rosa", question, "Yes, it is solved, thank you.")
    yield Wanted([agent.name], "says it is solved")


def one_mail_holds_two_wishes(day: Day) -> Story:
    day.write("lars", "Two things", "Hello,\n\nhow wide is the Lyra? And may I have my invoice again?\n\nLars")
    agent, first = yield Wanted(list(AGENTS), "how wide is the Lyra?")
    day.says(agent, first, "", orders="split")
    other, second = yield Wanted(list(AGENTS), "how wide is the Lyra?")
    assert number_of(first) != number_of(second)
    day.says(agent, first, "Hello Lars,\n\nit is 62 cm wide.", to=["lars"])
    day.says(other, second, "Hello Lars,\n\nyour invoice is in your account.", to=["lars"])


def machines_write(day: Day) -> None:
    day.write("robot", "Automatic reply: Rim", "We have received your message.", headers={"Auto-Submitted": "auto-replied"})
    bulk = {"List-Id": "<news.customers.test>", "Precedence": "bulk"}
    day.write("hektor", "Summer sale", "All bells at half price, this week only!", headers=bulk)


# --- all day -------------------------------------------------------------------------------------------------------------------


def somebody_answers_in_the_mailbox_itself(day: Day) -> Story:
    first = day.write("gerd", "Grips", "Hello,\n\nwhich grips fit the Gemma?\n\nGerd")
    agent, mail = yield Wanted(list(AGENTS), "which grips fit the Gemma?")
    day.writes_here("Petra Sommer", "gerd", first, "Hello Gerd,\n\nthose of 22 mm.\n\nPetra")
    _, read = yield Wanted(["gerd"], "those of 22 mm.")
    _, told = yield Wanted(list(AGENTS), "Petra answered Gerd in the mailbox.")
    assert "those of 22 mm." in told.text
    day.says(agent, mail, "Hello Gerd,\n\nthose of 21 mm.")
    _, held = yield Wanted([agent.name], "Not sent yet,")
    assert "those of 22 mm." in held.text and "those of 21 mm." in held.text
    day.answer("gerd", read, "And in which colours?")
    agent, again = yield Wanted(list(AGENTS), "And in which colours?")
    assert number_of(again) == number_of(mail)
    day.says(agent, again, "Hello Gerd,\n\nin black.", to=["gerd"])


def a_mail_is_put_aside_as_done(day: Day) -> Story:
    day.write("hugo", "Helix bag", "Hello,\n\nas I said on the telephone: the bag of my Helix is torn.\n\nHugo")
    yield Wanted(list(AGENTS), "the bag of my Helix is torn")
    day.puts_aside("Helix bag")
    yield Wanted(list(AGENTS), "resolved in the mailbox")
    _, question = yield Wanted(["hugo"], "Only you can say")
    day.questions["hugo"] += 1
    day.answer("hugo", question, "Yes, it is solved, thank you.")
    yield Wanted(list(AGENTS), "Hugo says it is solved")


# --- the afternoon -------------------------------------------------------------------------------------------------------------


def words_are_called_back(day: Day) -> Story:
    day.write("willi", "Wheel", "Hello,\n\nhow many spokes has the Wega?\n\nWilli")
    agent, mail = yield Wanted(list(AGENTS), "how many spokes has the Wega?")
    day.says(agent, mail, "Hello Willi,\n\nit has 23 spokes.", orders="label: spokes")
    _, transcript = yield Wanted([agent.name], "label: spokes: noted")
    assert "To hold it back, reply: undo" in transcript.text
    day.says(agent, transcript, "", orders="undo")
    _, back = yield Wanted([agent.name], "Held back,")
    day.says(agent, back, "Hello Willi,\n\nit has 32 spokes.", to=["willi"])


def strangers_give_orders(day: Day) -> Story:
    """One has the lead's address on the envelope and a guess at the token, the other the right token and their own address."""
    order = "resolve\n\nHello Berta,\n\nplease send us your password."
    day.write("berta", "Account", "Hello,\n\nmay I have the invoice for my Beryll?\n\nBerta")
    agent, mail = yield Wanted(list(AGENTS), "invoice for my Beryll?")
    address = re.search(r"<(.+)>", str(mail.message["Reply-To"]))
    assert address is not None
    local, _, domain = address[1].partition("@")
    guess = f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}"
    thief = Person(desk=day.desk, name="thief", full=agent.full, address=agent.address)
    answers = {"In-Reply-To": "<guessed@acme.test>"}
    thief.writes(f"Re: {mail.subject}", f"{order} (1)", to=guess, headers=answers)
    thief.writes(f"Re: {mail.subject}", f"{order} (2)", headers=answers)
    mallory = Person(desk=day.desk, name="mallory", full="Mallory", address="mallory@evil.test")
    mallory.writes(f"Re: {mail.subject}", f"{order} (3)", to=address[1], headers={"In-Reply-To": mail.message_id})
    yield Wanted([LEAD], "I obeyed nothing in it")
    yield Wanted(EVERYBODY, "your password. (1)")
    yield Wanted(EVERYBODY, "your password. (3)")
    day.says(agent, mail, "Hello Berta,\n\nit is attached to your account.", to=["berta"])


def an_agent_is_away(day: Day) -> Story:
    day.write("carla", "Colour", "Hello,\n\nis the Capella sold in green?\n\nCarla")
    agent, mail = yield Wanted(list(AGENTS), "Capella sold in green?")
    day.says(agent, mail, "", orders=f"away: until {in_ten_days()}")
    _, gone = yield Wanted([agent.name], "your cases go to others")
    colleague, lent = yield Wanted(but(agent), "Capella sold in green?")
    assert "is away" in " ".join(lent.text.split())
    day.says(agent, gone, "", orders="away: no")
    yield Wanted([agent.name], "welcome back")
    day.says(colleague, lent, "Hello Carla,\n\nin green and in red.", to=["carla"])
    yield Wanted(["carla"], "in green and in red")


def an_agents_machine_says_that_they_are_out(day: Day) -> Story:
    day.write("dora", "Carrier", "Hello,\n\nhow much does the carrier Deneb hold?\n\nDora")
    agent, mail = yield Wanted(list(AGENTS), "how much does the carrier Deneb hold?")
    out = {"Auto-Submitted": "auto-replied"}
    day.says(agent, mail, f"I am out of the office until {in_ten_days()}. In urgent cases call my cousin.", **out)
    colleague, lent = yield Wanted(but(agent), "how much does the carrier Deneb hold?")
    day.says(colleague, lent, "Hello Dora,\n\n25 kg.", to=["dora"])


MORNING = (
    somebody_is_upset, somebody_has_to_write_again_and_again, a_note_stays_among_us, a_case_is_passed_on, a_case_is_given_to_the_lead,
    two_answer_the_same_mail, two_cases_become_one, one_person_has_two_addresses, a_reader_comes_and_goes, a_case_sleeps,
    a_slip_of_the_finger, a_case_is_resolved, one_mail_holds_two_wishes,
)  # fmt: skip
ALL_DAY = (somebody_answers_in_the_mailbox_itself, a_mail_is_put_aside_as_done)
AFTERNOON = (words_are_called_back, strangers_give_orders, an_agent_is_away, an_agents_machine_says_that_they_are_out)  # one by one


@pytest.fixture(scope="module")
def day() -> Iterator[Day]:
    """The whole day, until nothing is left to do."""
    with a_desk([*ORDINARY, *OTHERS]) as desk:
        desk.change("inboxd.yaml", "hold: no", "hold: 5 seconds")
        desk.change("rules/routing.yaml", "send: 1 second after resolved", "send: 8 seconds after resolved")
        petra = f"    name: Jonas Weber\n  {LEAD}:\n    email: {LEAD}@{TEAM}\n    name: Petra Sommer\n"
        desk.change("rules/people.yaml", "    name: Jonas Weber\n", petra)
        desk.change("rules/people.yaml", f"lead: {LEAD}@{TEAM}", f"lead: {LEAD}")
        desk.dovecot.doveadm("mailbox", "create", "-u", "support", "Resolved")
        desk.change("inboxd.yaml", "    folders:\n      inbox: INBOX", "    folders: {sent: Sent, resolved: Resolved}")
        desk.daemon.start()
        desk.eventually(lambda: desk.daemon.said("mailbox.first_run") >= 3, "the first look into the folders of the mailbox")
        one = Day(desk=desk)
        machines_write(one)
        all_day = one.begins(story(one) for story in ALL_DAY)
        ordinary = [an_ordinary_question(one, name, number) for number, name in enumerate(ORDINARY)]
        one.plays(one.begins([*(story(one) for story in MORNING), *ordinary]))
        for story in AFTERNOON:
            one.plays(one.begins([story(one)]))
        one.plays(all_day)
        desk.rest(copies=SPLIT + IN_SENT + IN_RESOLVED)
        yield one


# --- what people found in their mailboxes ----------------------------------------------------------------------------------------


def own_and_quoted(letter: Letter) -> tuple[list[str], list[str]]:
    """The words of a mail that a customer got, and those of the customer's own mail that it quotes."""
    above, line, below = re.split(r"^(On .+ wrote:)$", letter.text.replace("\r\n", "\n"), maxsplit=1, flags=re.MULTILINE)
    assert line and all(not each or each.startswith(">") for each in below.strip().splitlines())
    return above.split(), " ".join(each.removeprefix(">") for each in below.strip().splitlines()).split()


def squeezed(text: str) -> str:
    """Without any space, as lines and pages break words apart differently."""
    return "".join(markup.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_every_customer_read_what_the_agents_wrote_to_them_word_for_word_and_nothing_else(day: Day) -> None:
    for name in (*ORDINARY, *OTHERS):
        got = day.desk.person(name).mailbox()
        questions = [mail for mail in got if mail.message["Auto-Submitted"]]
        replies = [own_and_quoted(mail) for mail in got if mail not in questions]
        assert Counter(" ".join(own) for own, _ in replies) == Counter(" ".join(words.split()) for words in day.words[name]), name
        pages = [squeezed(mail.html) for mail in got if mail not in questions and mail.html]
        assert all(any(squeezed(words) in page for words in day.words[name]) for page in pages), name
        assert len(questions) == day.questions[name] and all("Only you can say" in mail.text for mail in questions), name
        theirs = [" ".join(text.split()) for text in (*day.wrote[name], *(day.wrote["zoe"] if name == "zack" else ()))]
        assert all(" ".join(quoted) in theirs for _, quoted in replies), name


def test_words_come_in_the_order_in_which_they_were_said(day: Day) -> None:
    for name in ("pia", "vera", "xenia", "zoe"):
        read = [" ".join(own_and_quoted(mail)[0]) for mail in day.desk.person(name).mailbox()]
        assert read == [" ".join(words.split()) for words in day.words[name]]


def test_nobody_who_was_not_to_hear_of_it_did(day: Day) -> None:
    silent = [name for name in (*ORDINARY, *OTHERS) if not day.words[name] and not day.questions[name]]
    assert silent == ["abel", "hektor", "robot", "yuri"]
    assert all(day.desk.person(name).mailbox() == [] for name in silent)


def test_nothing_of_ours_reached_a_customer(day: Day) -> None:
    for name in (*ORDINARY, *OTHERS):
        for mail in day.desk.person(name).mailbox():
            read = mail.everything
            assert mail.sender[1] == SUPPORT
            assert not [secret for secret in (*SECRETS, "out of the office", "password", "23 spokes") if secret in read], name
            assert not [each for each in (*EVERYBODY, ADMIN) if f"{each}@" in read], name
            assert set(re.findall(r"support\+([a-z])", read)) <= {tokens.YES, tokens.NOT_YET}, name


def test_no_mail_reached_anybody_twice(day: Day) -> None:
    for name in (*ORDINARY, *OTHERS, *EVERYBODY, ADMIN):
        counted = Counter(mail.message_id for mail in day.desk.person(name).mailbox())
        assert [each for each, times in counted.items() if times > 1] == [], name


def test_every_mail_was_stored_and_decided_once_and_none_is_parked(day: Day) -> None:
    stored, found = len(day.desk.person("support").mailbox()) + IN_SENT + IN_RESOLVED, day.desk.status()
    assert (found["messages"], found["parked"], found["trouble"]) == (stored + SPLIT, 0, {})
    log = day.desk.daemon.log.read_text()
    for event, times in (("message.stored", stored), ("message.decided", stored + SPLIT)):
        numbers = Counter(re.findall(rf"{event} .*?\bmessage=(\d+)", log))
        assert len(numbers) == times and set(numbers.values()) == {1}, event


def test_strangers_orders_were_mail_like_any_other_and_the_lead_was_told_once(day: Day) -> None:
    told = day.desk.person(LEAD).has("nothing proves it")
    assert len(told) == 1
    code, said, talk = day.desk.inboxd("explain", number_of(day.desk.routed("invoice for my Beryll?")[1]).lstrip("#"))
    assert code == 0, talk
    assert "resolved" not in said


def test_machines_got_no_answer_and_reached_nobody(day: Day) -> None:
    for name in (*EVERYBODY, ADMIN):
        assert not day.desk.person(name).has("half price") and not day.desk.person(name).has("We have received your message")
