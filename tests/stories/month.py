"""A month of a support team, as fast as the machine allows: many customers, agents at work, absences, questions and their answers."""

from __future__ import annotations

import email.policy
import heapq
import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from random import Random  # noqa: TID251  # what people do, from a fixed seed

from inboxd.adapters.rule_files import load_rules
from inboxd.core.model import Answer, CaseNo, Outgoing, OutgoingKind, Scores, ToRead
from tests.fakes import FakeClock, FakeReader
from tests.stories.day import Day, Letterbox
from tests.stories.steps import tap

OCTOBER = datetime(2026, 10, 5, 6, 0, tzinfo=UTC)  # a Monday; in this month the clocks of Berlin change
STEP = timedelta(minutes=30)
CUSTOMERS, DAYS = 900, 30

RULES = """
calendars:
  office:
    timezone: Europe/Berlin
    open: {mon-fri: "08:00-18:00", sat: "09:00-13:00"}
    closed: [2026-10-26]
  night:
    timezone: Europe/Berlin
    open: {daily: "22:00-06:00"}
agents:
  maria: {email: maria@acme.example, name: Maria Lindt, speaks: [en, de], away: [2026-10-14 to 2026-10-20]}
  jonas: {email: jonas@acme.example, speaks: [de, en], hours: {mon-thu: "09:00-15:00"}}
  tom: {email: tom@acme.example, speaks: [en], at_most: 60 open cases}
  aiko: {email: aiko@acme.example, speaks: [en, fr], away: [2026-10-08 to 2026-10-09, 2026-10-21 to 2026-10-24]}
  petra: {email: petra@acme.example, speaks: [de, en]}
  nils: {email: nils@acme.example}
teams:
  everyone: {agents: [maria, tom, aiko, nils], at_most: 25 open cases each, prefer: agent_who_knows_the_customer}
  seniors: {agents: [maria, jonas], at_most_upset: 3 a day each, if_nobody_is_free: everyone}
  money: {agents: [nils, aiko, tom], share: take_turns, if_nobody_is_free: everyone}
  late: {agents: [tom, nils], calendar: night}
lead: petra
customers:
  c3@people.example: {vip: yes}
  big.example: {label: [key account]}
topics:
  wheels: {phrases: [front wheel]}
repeat: at least 3 in 14 days
rules:
  - name: Automatic mail needs nobody
    when: {kind: automatic, not: {header: "X-Shop-Form"}}
    then: {ignore: yes}
  - name: Forms
    when: {header: "X-Shop-Form: returns"}
    then: {assign: money, label: form}
  - name: Upset
    when: {sentiment: upset}
    then: {assign: seniors, answer_within: 2 opening hours, priority: high, tell: lead}
  - name: Again and again
    when: {contacts: at least 3 in 14 days}
    then: {assign: seniors, answer_within: 4 opening hours, label: repeat}
  - name: Came back
    when: {reopened: yes}
    then: {assign: same_agent_as_before, answer_within: 4 hours, brief: It came back}
  - name: Waits too long
    when: {waiting: at least 8 opening hours}
    then: {assign: seniors, label: waited}
  - name: Getting worse
    when: {sentiment_change: worse}
    then: {label: worse, tell: [nils, boss@acme.example]}
  - name: Money
    when: {topic: [billing, refund], sure: at least 0.7}
    then: {assign: money, answer_within: 1 opening day, label: money}
  - name: French
    when: {language: fr}
    then: {assign: aiko}
  - name: Great people
    when: {any: [{customer: vip}, {customer: key account}]}
    then: {assign: petra, answer_within: 1 opening hour}
  - name: At night
    when: {received_outside: office}
    then: {reply_with: acknowledge}
  - name: Sensitive
    when: {sensitive: yes}
    then: {follow_up: no, priority: high}
  - name: Orders
    when: {subject_matches: '[A-Z]{2}-\\d{6}'}
    then: {label: order}
  - name: First mail at night
    when: {received_during: night, customer: new}
    then: {assign: late}
  - name: The rest
    then: {assign: everyone, answer_within: 1 opening day}
if_nobody_answers:
  - {after: half of answer_within, remind: assigned_agent}
  - {after: answer_within, assign: seniors, tell: lead}
follow_up:
  send: 2 days after resolved
  ask_when_waiting: 5 days
  remind_after: 3 days
  close_after: 4 days
  if_unhappy: {assign: seniors, tell: petra}
"""

FEELINGS = ("calm",) * 12 + ("upset", "upset", "unhappy", "unhappy", "glad")
LANGUAGES = ("en",) * 7 + ("de", "de", "fr", "xx")
TOPICS = ("billing", "refund", "bug", "return", "wheels", "how_to")
HEADS: Sequence[dict[str, str]] = (
    {"Auto-Submitted": "auto-generated", "X-Shop-Form": "returns"},
    {"List-Id": "<news.shop.example>"},
    {"Auto-Submitted": "auto-replied"},
    {"X-Spam-Flag": "YES"},
)


def reading(text: ToRead) -> Scores:
    """Reads the first words, so that a mail says what it means: feeling, language, topic, how sure."""
    word, language, topic, sure = (*text.new_text.split()[:4], "", "", "", "")[:4]
    return Scores(
        language="" if language == "xx" else language[:2] or "en",
        language_known=language != "xx",
        topics=((topic, float(sure)),) if topic in TOPICS and sure else (),
        upset=0.9 if word in ("upset", "no") else 0.0,
        unhappy=0.8 if word in ("unhappy", "upset", "no") else 0.0,
        happy=0.8 if word in ("glad", "thanks") else 0.0,
        urgent=0.9 if word == "unhappy" else 0.0,
        thanks_only=0.9 if word == "thanks" else 0.0,
        answer={"yes": Answer.SATISFIED, "no": Answer.DISSATISFIED, "both": Answer.SATISFIED_AND_NEW}.get(word, Answer.UNCLEAR),
        answer_sure=0.9,
        new_part="something new" if word == "both" else "",
        opt_out=word == "stop",
        sensitive=0.9 if topic == "how_to" and sure == "0.55" else 0.0,
        model="fake-1",
    )


class Month:
    """Customers write `mails` mails in a month; the team answers."""

    def __init__(self, folder: Path, mails: int, seed: int = 7, store: Path | str = ":memory:") -> None:
        rules = folder / "rules"
        rules.mkdir(parents=True)
        (rules / "all.yaml").write_text(RULES, encoding="utf-8")
        self.rules, self.mails, self.random = rules, mails, Random(seed)
        self.day = Day(book=load_rules(rules), reader=FakeReader(scores=reading), store_path=store, clock=FakeClock(at=OCTOBER))
        self.written = 0  # by customers and machines
        self._later: list[tuple[datetime, int, Callable[[], object]]] = []  # what people will do, and when
        self._serial = itertools.count()
        self._read = 0  # how many delivered mails were looked at

    def live(self, days: float = DAYS) -> None:
        """Let the days pass: people write, agents work, dates come."""
        start = self.day.clock.at
        steps, quota, before = int(timedelta(days=days) / STEP), round(self.mails * days / DAYS), self.written
        for step in range(1, steps + 1):
            self.day.clock.at = start + step * STEP
            self._do_what_is_due()
            while self.written - before < quota * step // steps:
                self._somebody_writes()
            if step % 60 == 0:
                self._correct()
            self.day.run()
            self._look_at_mail()
            self.day.mailbox.mails.clear()  # the server keeps them, not we

    # --- customers

    def _somebody_writes(self) -> None:
        dice = self.random
        who, number = int(dice.paretovariate(0.6)) % CUSTOMERS if dice.random() < 0.3 else dice.randrange(CUSTOMERS), next(self._serial)
        order = f" AB-{number:06}" if dice.random() < 0.1 else ""
        head = dice.choice(HEADS) if dice.random() < 0.08 else None
        self._write(who, f"Thing {number}{order}", self._words(), headers=head)
        if dice.random() < 0.05:  # an afterthought, at once or soon
            self._at(dice.choice((0, 7, 40)), lambda: self._write(who, f"Thing {number} again", self._words()))

    def _write(self, who: int, subject: str, text: str, answers: Letterbox | None = None, headers: dict[str, str] | None = None) -> None:
        self.written += 1
        cc = "friend@people.example" if self.random.random() < 0.05 else ""
        self.day.write(_address(who), subject, text, answers=answers, headers=headers, cc=cc, run=False)

    def _words(self) -> str:
        dice = self.random
        topic = f"{dice.choice(TOPICS)} 0.{dice.choice((55, 65, 75, 95))}"
        return f"{dice.choice(FEELINGS)} {dice.choice(LANGUAGES)} {topic} is what this is about"

    def _customer_got(self, mail: Letterbox) -> None:
        dice, who = self.random, _customer(mail.outgoing.envelope_to[0])
        hours = dice.choice((0.05, 1, 5, 20, 50))
        if mail.outgoing.kind in (OutgoingKind.FOLLOW_UP, OutgoingKind.REMINDER):
            said = dice.choice(("yes", "yes", "yes", "no", "no", "both", "thanks", "perhaps", "stop", "tap", ""))
            if said == "tap" and mail.outgoing.kind is OutgoingKind.FOLLOW_UP:
                self._at(hours * 60, lambda: self._tap(who, mail))
            elif said not in ("tap", ""):
                self._at(hours * 60, lambda: self._write(who, f"Re: {mail.subject}", f"{said} en bug 0.75 so it is", mail))
        elif mail.outgoing.kind is OutgoingKind.REPLY:
            match dice.choice(("thanks", "more", "more", "away", "", "", "", "")):
                case "thanks":
                    self._at(hours * 60, lambda: self._write(who, f"Re: {mail.subject}", "thanks for that", mail))
                case "more":
                    self._at(hours * 60, lambda: self._write(who, f"Re: {mail.subject}", self._words(), mail))
                case "away":
                    self._at(3, lambda: self._write(who, "Away", "I am away", mail, {"Auto-Submitted": "auto-replied"}))

    def _tap(self, who: int, question: Letterbox) -> None:
        self.written += 1
        question = self.day.last(question.outgoing.envelope_to[0], lambda mail: mail.outgoing.number == question.outgoing.number)
        tap(self.day, question, self.random.choice((Answer.SATISFIED, Answer.DISSATISFIED)), sender=_address(who))

    # --- agents

    def _agent_got(self, mail: Letterbox) -> None:
        dice, agent = self.random, mail.outgoing.envelope_to[0]
        words = dice.choice(
            ("The answer is blue.",) * 4
            + ("Which colour is it?", "resolve\n\nIt is blue.", "resolve\n\nIt is blue.", "resolve", "note: blue")
            + (f"ask: {OUTSIDE}\n\nIs it blue?", "split\n\nIt is blue.")
        )
        hours = dice.choice((0.3, 0.5, 1, 2, 26))
        self._at(hours * 60, lambda: self.day.reply(agent, mail, words, quote=False, run=False))
        if words.startswith(("note", "ask")):
            self._at(hours * 60 + 90, lambda: self.day.reply(agent, mail, "It is blue.", quote=False, run=False))

    def _correct(self) -> None:
        """Somebody says what was read wrongly in a case."""
        newest = self.day.store.look("select max(id) as id from cases")[0]["id"]
        if newest:
            case = CaseNo(self.random.randint(1001, newest))
            with self.day.store.transaction() as tx:
                tx.correct(case, {"topic": "billing", "sentiment": "upset"}, "maria", self.day.at())

    # --- time

    def _at(self, minutes: float, do: Callable[[], object]) -> None:
        heapq.heappush(self._later, (self.day.at() + timedelta(minutes=minutes), next(self._serial), do))

    def _do_what_is_due(self) -> None:
        while self._later and self._later[0][0] <= self.day.at():
            heapq.heappop(self._later)[2]()

    def _look_at_mail(self) -> None:
        new, self._read = self.day.mailer.delivered[self._read :], len(self.day.mailer.delivered)
        for outgoing in new:
            if outgoing.kind is OutgoingKind.ROUTED:
                self._agent_got(_letter(outgoing))
            elif outgoing.kind is OutgoingKind.INQUIRY:
                mail = _letter(outgoing)
                self._at(90, lambda mail=mail: self.day.reply(OUTSIDE, mail, "It is blue.", quote=False, run=False))  # type: ignore[misc]
            elif outgoing.envelope_to[0].endswith(".example") and outgoing.kind is not OutgoingKind.NOTICE:
                self._customer_got(_letter(outgoing))


OUTSIDE = "works@paint.example"  # somebody whom agents ask


def _address(who: int) -> str:
    return f"Customer {who} <c{who}@{'big' if who % 40 == 0 else 'people'}.example>"


def _customer(address: str) -> int:
    local = address.partition("@")[0]
    return int(local[1:]) if local[1:].isdigit() else 0


class _Plain(email.policy.Compat32):
    """Header lines as they stand, unfolded: whoever replies needs no more, and thousands do."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return "".join(value.splitlines())


_PLAIN = _Plain(message_factory=EmailMessage)


def _letter(outgoing: Outgoing) -> Letterbox:
    message = BytesHeaderParser(policy=_PLAIN).parsebytes(outgoing.raw)
    assert isinstance(message, EmailMessage)
    return Letterbox(outgoing=outgoing, message=message)
