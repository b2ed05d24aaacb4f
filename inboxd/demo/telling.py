"""Tells a viewer what happens in the demo: who writes what, what inboxd does with it, and why.

What inboxd did is read from its store and from the mails that arrived, never from the script.
"""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from rich.markup import escape

from inboxd.core import new_text
from inboxd.core.model import Kind, OutgoingKind
from inboxd.demo.cast import LEAD, SENIORS, SUPPORT, TEAM, Person, person_of
from inboxd.demo.letters import header_of, text_of

WIDEST = 100  # columns: longer lines are hard to read
MARGIN = " " * 7  # below the time
EXCERPT = 84  # characters of a mail that are shown

MACHINES = {
    Kind.AUTO_RESPONSE: "a machine's answer",
    Kind.OUT_OF_OFFICE: "an out-of-office note",
    Kind.BOUNCE: "a bounce",
    Kind.FEEDBACK_REPORT: "a report of a mail server",
    Kind.LIST: "a newsletter",
    Kind.AUTO_GENERATED: "written by a machine",
    Kind.SPAM: "marked as spam",
    Kind.LOOP: "a machine in a loop",
    Kind.OWN: "our own mail",
}


@dataclass(slots=True)
class Teller:
    """Prints the story, line by line; `look` reads the daemon's store."""

    tell: Callable[[str], None]
    look: Callable[..., Sequence[Mapping[str, Any]]]
    width: int = 80
    _day: str = ""
    _time: str = ""
    _event: int = 0  # the last event of the store that was told
    _assigned: dict[int, str] = field(default_factory=dict)  # case: why its assignee, until it is told

    def written(self, now: datetime, raw: bytes) -> None:
        """Tell that somebody sent this mail."""
        name, _, email = header_of(raw, "From").rpartition("<")
        person = sender_of(raw)
        who = name.strip('" ') or email.strip("> ")
        said = new_text.split(text_of(raw))[0].strip()
        if person in TEAM:
            self._line(now, f"{who} {_reply(said)}", "green")
        elif header_of(raw, "Auto-Submitted") and person:
            self._line(now, f'The mailbox of {who} answers by itself: "{excerpt(said)}"', "dim")
        elif header_of(raw, "In-Reply-To") and person:
            self._line(now, f'{who} answers: "{excerpt(said)}"', "cyan")
        else:
            text = f': "{excerpt(said)}"' if said and person else ""
            self._line(now, f'{who} writes "{header_of(raw, "Subject")}"{text}', "cyan" if person else "dim")

    def noted(self, now: datetime) -> None:
        """Tell what the store noted since the last time and no mail would show."""
        for event in self.look("select id, kind, case_id, data from event where id > ? order by id", self._event):
            self._event = int(event["id"])
            data = json.loads(event["data"])
            if event["kind"] == "case.assigned":
                self._assigned[int(event["case_id"])] = str(data["because"])
            text = self._event_in_words(str(event["kind"]), event["case_id"], data)
            if text:
                self._line(now, f"-> inboxd: {text}", "yellow")

    def arrived(self, now: datetime, address: str, raw: bytes) -> None:
        """Tell that this mail reached somebody: from an agent, or from inboxd itself."""
        person = person_of(address)
        name = person.name if person else address
        sent = self.look("select kind, case_id from outgoing where message_id = ?", header_of(raw, "Message-ID").strip("<> "))
        if not sent:
            self._line(now, f"-> {name} reads it, in copy", "dim")
            return
        kind, case = OutgoingKind(sent[0]["kind"]), sent[0]["case_id"]
        first = next((line for line in text_of(raw).splitlines() if line.strip()), "")
        about = f'"{self._subject(case)}"' if case else "it"
        match kind:
            case OutgoingKind.ROUTED:
                self._routed(now, address, first, case)
            case OutgoingKind.REPLY:
                self._line(now, f"-> {name} reads it as a mail of {_sender(raw)}")
            case OutgoingKind.FOLLOW_UP:
                self._line(now, f"inboxd asks {name} whether {about} is solved", "magenta")
            case OutgoingKind.REMINDER:
                self._line(now, f"inboxd asks {name} once more whether {about} is solved", "magenta")
            case OutgoingKind.ACKNOWLEDGEMENT:
                self._line(now, f"inboxd tells {name} that {about} is here", "magenta")
            case OutgoingKind.RETURNED:
                self._line(now, f"-> back to {name}: {first}", "yellow")
            case _:
                self._line(now, f"-> {name} is told: {first}", "dim")

    def _routed(self, now: datetime, address: str, first: str, case: int) -> None:
        person = person_of(address)
        rank = ", lead" if person is LEAD else ", senior" if person in SENIORS else ""
        name = person.name if person else address
        why = self._assigned.pop(case, "")
        self._line(now, f"-> to {name}{rank}{'' if why else ', who has the case'}: {first}", "bold")
        if why:
            self._line(now, f"   why {name.split()[0]}: {why}", "yellow")

    def _event_in_words(self, kind: str, case: int | None, data: Mapping[str, Any]) -> str:
        match kind:
            case "message.automatic":
                return f"{MACHINES.get(data['kind'], 'from a machine')}: kept and counted, nobody is bothered"
            case "case.automatic_noted":
                return f"{MACHINES.get(data['kind'], 'from a machine')}: noted in its case, and not taken for an answer"
            case "case.dissatisfied":
                return "not solved: the case is open again, and goes to a senior who was not yet on it"
            case "case.silence":
                return f'"{self._subject(case)}": silence since our answer, so it counts as resolved'
            case "case.no_answer":
                asked = self.look("select id from outgoing where kind = 'follow_up' and case_id = ? limit 1", case)
                why = "no answer to the question" if asked else "nobody was asked"
                return f'"{self._subject(case)}": {why}, so it is closed as unknown, not as satisfied'
            case "reply.held" if data.get("because") == "near_miss":
                return "the first word is almost a command; in doubt nothing is sent"
            case _:
                return ""

    def _subject(self, case: int | None) -> str:
        rows = self.look("select subject from cases where id = ?", case)
        return str(rows[0]["subject"]) if rows else ""

    def _line(self, now: datetime, text: str, style: str = "") -> None:
        day, time = f"{now:%A} {now.day} {now:%B}", f"{now:%H:%M}"
        if day != self._day:
            self.tell(f"\n[bold]{day}[/bold]")
        shown = MARGIN if (day, time) == (self._day, self._time) else f"{time}  "
        self._day, self._time = day, time
        hang = MARGIN + "   " if text.startswith(("->", " ")) else MARGIN + "  "
        wrapped = textwrap.fill(
            text, min(self.width, WIDEST), initial_indent=MARGIN, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False
        )
        body = escape(wrapped[len(MARGIN) :])
        self.tell(f"{shown}[{style}]{body}[/{style}]" if style else f"{shown}{body}")


def sender_of(raw: bytes) -> Person | None:
    """Who of the story wrote this mail."""
    return person_of(parseaddr(header_of(raw, "From"))[1])


def excerpt(text: str) -> str:
    """The beginning of what somebody wrote, without the greeting."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and len(lines[0]) < 30 and lines[0].rstrip().endswith((",", "!")):
        del lines[0]
    return textwrap.shorten(" ".join(lines), EXCERPT, placeholder=" ...").replace('"', "'")


def _reply(said: str) -> str:
    first, _, rest = said.partition("\n")
    match first.strip(" .!:").lower():
        case "resolve" if rest.strip():
            return f'replies, and means it is solved: "{excerpt(rest)}"'
        case "resolve":
            return "replies: resolve"
        case command if command == "note" or command.startswith("note "):
            return f'writes down for the team: "{excerpt(said[4:].lstrip(" :"))}"'
        case _:
            return f'replies: "{excerpt(said)}"'


def _sender(raw: bytes) -> str:
    return header_of(raw, "From").split("<")[0].strip('" ')


def program() -> str:
    """How the viewer calls inboxd: as in a checkout, where it is not in the PATH, if that is where they are."""
    return "inboxd" if shutil.which("inboxd") else ".venv/bin/inboxd" if Path(".venv/bin/inboxd").exists() else "python -m inboxd"


def welcome(imap: str, smtp: str, password: str, web: str) -> str:
    """What is about to be seen, and who plays."""
    page = f"\nWeb mail (already now, if you like): {web}" if web else ""
    return f"""\
[bold]A fortnight at Acme Cycles, and at its address {SUPPORT}[/bold]
This is the real inboxd, with mail servers of its own on this machine alone.
[cyan]Customers[/cyan] write; inboxd brings each mail to the right one of the [green]team[/green]: Maria
and Jonas are seniors, Tom is not, Petra leads. They answer from their own mail
programs. [magenta]Days later inboxd asks[/magenta] the customer whether it is solved. The clock is
virtual, the mail is not. Ctrl-C ends it.

[dim]For a mail program: IMAP {imap}, SMTP {smtp},
user: any address of the story, password: {password}[/dim]{page}"""


def summary(counts: Mapping[str, Any], out: Path) -> str:
    """What happened, in numbers, and the next commands to try."""
    c, inboxd = counts, program()
    return f"""
[bold]What happened[/bold]
{c["received"]:>4} mails came in; {c["automatic_ignored"]} were from machines, and nobody was bothered with them
{c["cases"]:>4} cases: problems of one customer each
{c["to_seniors"]:>4} of them went to a senior: somebody was upset, had to write again and again,
     it was not solved the first time, or the matter is sensitive
{c["relayed_to_customers"]:>4} answers of agents reached customers
{c["follow_ups_sent"]:>4} times a customer was asked afterwards: is it solved?
{c["satisfied"]:>4} cases ended with a yes; {c["dissatisfied"]} times it was a no: {c["reopened"]} cases were opened again
{c["lost"]:>4} mails lost, {c["sent_twice"]} sent twice, {c["parked"]} left for a person to look at; {c["seconds"]} seconds

[bold]Look around[/bold]  (every mailbox of the story lies in {out}/mail/)
What these days taught the team, as Petra reads it; open it in a browser:
  {out}/report.html
Why a mail went where it went, rule by rule:
  {inboxd} explain {out}/mail/{SUPPORT}/001.eml
Nora's case, from her first mail to the end:
  {inboxd} explain 1001 --config {out}/inboxd.yaml
What the store holds, now that the daemon has ended:
  {inboxd} status --config {out}/inboxd.yaml
Answer as a customer yourself, in a web mail page:
  {inboxd} demo --fast --keep

[bold]With your own address[/bold]
It begins in mode watch: inboxd only thinks, and no customer gets mail.
  {inboxd} init
"""


def staying(web: str) -> str:
    """What a viewer who stays can do now."""
    return f"""\
[bold]Now you[/bold]
The servers stay up. Open the web mail:  [bold]{web}[/bold]
As Nora, a customer, answer the newest mail with "No, it is broken again". Here
you see who gets it, and why: look into the mailbox of that person, and answer.
After an agent's reply an hour passes every second, for four days, so that the
question comes; else time waits for you. Ctrl-C ends it."""
