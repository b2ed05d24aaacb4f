"""The weekly mail says what the week taught us, as MAILS tells it, and nothing that it does not know."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from inboxd.adapters.template_files import load_templates
from inboxd.core.compose import MailStamp, Rendered, Templates, compose, render
from inboxd.core.findings import Findings
from inboxd.core.model import Address, AgentName, Letter, MailboxFacts, MailboxName, Mode
from inboxd.core.rulebook import Agent, Rulebook
from inboxd.core.weekly import last_week, told, weekly
from tests.core.test_templates import NOW, SHIPPED, stamp
from tests.desk.sample_findings import MISSING, STILL, a_quiet_week, a_rich_week, compared, share, the_week, waiting

PETRA = Agent(name=AgentName("petra"), full_name="Petra Vogel", signs_as="Petra", emails=("petra@acme.example",))
BOOK = Rulebook(agents={PETRA.name: PETRA}, lead="petra")
ACME = MailboxFacts(name=MailboxName("acme"), address="support@acme.example", brand="Acme Support", mode=Mode.FULL)
AS_AGREED = """\
Good morning Petra,

212 people wrote last week. 6 of them are unhappy with us
today, and each has somebody who looks after them.

STILL TO WIN BACK
Ben Okafor, charged twice. Maria: "the money by Wednesday"
Leyla Demir, return after 40 days. Tom: "I call you today"
Sofia Nilsen, scratched frame. Jonas: "a new one on Friday"
Emil Sand, wrong size. Maria. Nothing promised yet.
Ida Moreau, invoice. Tom. Nothing promised yet.
Paul Hartl, parcel lost. Jonas: "I ask the carrier again"

WON BACK
31 people were upset. 14 now say it is solved, 6 are the ones
above, 11 have not told us.
Ana Ruiz, after four mails:
"He rode it round the kitchen before breakfast."

DID IT REALLY HELP?
We asked 132 people and 61 answered: 52 yes, 9 no (5 of the 9
are mended since).
That is 85 in 100. With so few answers it may be 74 or 92.
The week before it was 83: no real change.
71 did not answer. We count them as unknown, not as happy.
27 of 212 had to write again within two weeks (34 of 205 the
week before).

WHAT MADE PEOPLE WRITE
A part missing in the box: 19 people, 6 the week before, 9 of
them upset. "the axle for the front wheel is missing"
Where is my parcel: 44, was 47, 5 upset.
Invoice with a company name: 23, was 21, nobody upset. 15 of
them could have read it in "Company invoices".

IF YOU MEND ONE THING
Missing parts. It grew most and it upset most.

WHAT GOT BETTER
Signing in: 31 people a week before the new page of 9 Nov, 8
since.

THANK-YOUS
Ana to Jonas: "I did not think a shop would do this."
Noor Haddad to Tom: "You wrote like a human being."

Nobody is waiting longer than we said.
The people behind each number are in the attached page.
"""


@pytest.fixture(scope="module")
def templates() -> Templates:
    return load_templates(SHIPPED, None)


def letter(found: Findings, language: str = "en") -> Letter:
    return weekly(found, b"<!doctype html>", replace(ACME, language=language), BOOK, "admin@acme.example")


def shown(templates: Templates, found: Findings, language: str = "en") -> Rendered:
    return render(letter(found, language), templates, stamp())


def subject(templates: Templates, found: Findings, language: str = "en") -> str:
    return render(replace(letter(found, language), template="weekly_subject"), templates).first_line


def flat(rendered: Rendered) -> str:
    return " ".join(rendered.text.split())


def test_the_week_of_the_story_reads_as_it_was_agreed(templates: Templates) -> None:
    assert shown(templates, the_week()).text == AS_AGREED


def test_the_subject_is_the_finding(templates: Templates) -> None:
    week = the_week()
    assert subject(templates, week) == "16 to 22 November: 6 people still to win back"
    assert subject(templates, replace(week, still_unhappy=STILL[:1])) == "16 to 22 November: 1 person still to win back"
    calm = replace(week, still_unhappy=())
    assert subject(templates, replace(calm, unheard=STILL[:2])) == "16 to 22 November: 2 people wait longer than we said"
    assert subject(templates, calm) == "16 to 22 November: 52 of 61 say it is solved"
    assert subject(templates, replace(calm, satisfied=None)) == "16 to 22 November: 212 people wrote"
    assert subject(templates, a_quiet_week()) == "16 to 22 November: a quiet week"
    turn = replace(week, first=date(2026, 11, 30), last=date(2026, 12, 6))
    assert subject(templates, turn) == "30 November to 6 December: 6 people still to win back"
    assert subject(templates, turn, "de") == "30. November bis 6. Dezember: 6 Menschen noch zurückzugewinnen"


def test_a_week_in_which_nobody_wrote_is_told_kindly_and_shortly(templates: Templates) -> None:
    assert flat(shown(templates, a_quiet_week())) == (
        "Good morning Petra, Nobody wrote last week, and nobody we know of is unhappy with us today. May it stay so."
    )


def test_whoever_waits_from_before_is_named_though_nobody_wrote(templates: Templates) -> None:
    found = replace(a_quiet_week(), still_unhappy=(replace(STILL[0], since=None),))
    text = flat(shown(templates, found))
    assert "Nobody wrote last week. 1 person is unhappy with us today, and Maria looks after them." in text


def test_people_who_did_not_write_in_the_week_are_not_counted_among_those_who_did(templates: Templates) -> None:
    wrote = {each.customer: each.name for each in STILL[1:]}
    assert "6 people are unhappy with us today" in flat(shown(templates, replace(the_week(), names=wrote)))


def test_who_only_said_no_is_not_called_upset(templates: Templates) -> None:
    assert "31 people were upset. 14" in flat(shown(templates, the_week()))
    assert "31 people were upset, or said that it was not solved. 14" in flat(shown(templates, replace(the_week(), upset_calm=3)))


def test_of_a_time_from_before_we_were_there_nothing_is_said(templates: Templates) -> None:
    first = [replace(driver, compared=False, before=0, changed=False) for driver in the_week().drivers]
    text = flat(shown(templates, replace(the_week(), drivers=tuple(first), mend_first=None)))
    assert "the week before" not in text[text.index("WHAT MADE PEOPLE WRITE") :].partition("WHERE WE")[0]


def test_somebody_who_waits_in_two_cases_is_one_person(templates: Templates) -> None:
    twice = replace(STILL[1], customer=STILL[0].customer)
    text = flat(shown(templates, replace(the_week(), still_unhappy=(STILL[0], twice, *STILL[2:]))))
    assert "5 of them are unhappy with us today" in text and STILL[1].subject in text


def test_where_nobody_looks_after_somebody_this_is_said_and_no_agent_is_invented(templates: Templates) -> None:
    alone = replace(STILL[0], agent=None, agent_name="", promised="")
    text = flat(shown(templates, replace(the_week(), still_unhappy=(alone, *STILL[1:]))))
    assert "unhappy with us today; nobody looks after one of these yet." in text
    assert "Ben Okafor, charged twice. Nobody has it yet." in text
    assert ", and nobody looks after them yet." in flat(shown(templates, replace(the_week(), still_unhappy=(alone,))))


def test_those_who_wait_longer_than_we_said_stand_high_and_the_last_line_does_not_deny_them(templates: Templates) -> None:
    text = shown(templates, a_rich_week()).text
    assert text.index("WAITING LONGER THAN WE SAID\nKarin Moe, second key for the lock. Tom.") < text.index("WON BACK")
    assert "Nobody is waiting longer" not in text


def test_a_change_beyond_doubt_is_called_one_and_many_answers_are_not_called_few(templates: Templates) -> None:
    better = replace(the_week(), satisfied=compared(share(520, 610), share(420, 590), changed=True))
    text = flat(shown(templates, better))
    assert "That is 85 in 100. It may be 82 or 88. The week before it was 71: really better now." in text
    worse = replace(the_week(), satisfied=compared(share(30, 61), share(49, 59), changed=True))
    assert "The week before it was 83: really worse now." in flat(shown(templates, worse))


def test_what_was_not_measured_is_not_mentioned(templates: Templates) -> None:
    bare = Findings(brand="Acme", first=date(2026, 11, 16), last=date(2026, 11, 22), mailbox=None, team=None, people=3, people_before=0)
    assert flat(shown(templates, bare)) == (
        "Good morning Petra, 3 people wrote last week. Nobody we know of is unhappy with us today. "
        "Nobody is waiting longer than we said. The people behind each number are in the attached page."
    )
    unanswered = flat(shown(templates, replace(bare, asked=2)))
    assert "We asked 2 people, and nobody has said yes or no so far. We count them as unknown, not as happy." in unanswered


def test_an_answer_that_is_neither_yes_nor_no_is_not_called_silence(templates: Templates) -> None:
    text = flat(shown(templates, replace(the_week(), unclear=4)))
    assert "4 more answered, and neither yes nor no. A person read it. 67 did not answer." in text


def test_of_whoever_was_won_back_without_words_that_may_be_shown_only_the_name_is_told(templates: Templates) -> None:
    quiet = replace(the_week().won_back[0], words="")
    text = flat(shown(templates, replace(the_week(), won_back=(quiet,))))
    assert "Ana Ruiz, after four mails. DID IT" in text


def test_a_reason_to_mend_is_only_named_where_the_figures_say_it(templates: Templates) -> None:
    def reason(**changes: object) -> str:
        one = replace(MISSING, **changes)  # type: ignore[arg-type]
        return flat(shown(templates, replace(the_week(), mend_first=one))).partition("IF YOU MEND ONE THING A part missing in the box. ")[2]

    assert reason().startswith("It grew most and it upset most. WHAT")
    assert reason(upset=0).startswith("It grew most. WHAT")
    assert reason(changed=False).startswith("It upset most. WHAT")
    assert reason(changed=False, upset=0, people=99).startswith("It made most people write. WHAT")
    assert reason(changed=False, upset=0).startswith("19 people wrote about it. WHAT")


def test_refusals_tell_who_was_lost_and_leeway_who_was_won(templates: Templates) -> None:
    text = flat(shown(templates, a_rich_week()))
    assert "return after 40 days: 7 times. 3 of these people are unhappy or never came back. colour no longer made: 4 times." in text
    assert "20 EUR: 6 times, 4 won back. a new bike by courier: once, 1 won back." in text


def test_an_offered_answer_is_told_with_what_people_said_of_it(templates: Templates) -> None:
    text = flat(shown(templates, a_rich_week()))
    assert "Company invoices: offered 12 times, 7 said that it solved it, 2 that it did not." in text
    assert "Spare bells: offered once, and nobody has said whether it solved it." in text
    german = flat(shown(templates, a_rich_week(), "de"))
    assert "Company invoices: zwölfmal angeboten. Gelöst sagten danach 7, nicht gelöst 2." in german or "Company invoices: 12-mal" in german
    assert "OFFERED" not in flat(shown(templates, the_week()))


def test_long_lists_end_with_how_many_more_there_are(templates: Templates) -> None:
    many = tuple(waiting(3000 + number, f"Person {number}", "a bell", "Tom") for number in range(40))
    text = flat(shown(templates, replace(the_week(), still_unhappy=many)))
    assert text.count("Nothing promised yet.") == 12 and "And 28 more, on the attached page." in text


def test_the_german_mail_says_all_in_german(templates: Templates) -> None:
    text = flat(shown(templates, a_rich_week(), "de"))
    for words in (
        "Letzte Woche haben 212 Menschen geschrieben. 6 davon sind heute mit uns unzufrieden, und um alle kümmert sich jemand.",
        "Das sind 85 von 100. Bei so wenigen Antworten können es auch 74 oder 92 sein.",
        "In der Woche davor waren es 83: keine echte Änderung.",
        "Where is my parcel: 44, davor 47, 5 verärgert.",
        "Signing in: 31 Menschen in der Woche vor dem 9.11. (the new page), seither 8.",
    ):
        assert words in text
    source = templates.texts["de/weekly"]
    said = re.sub(r"(?s)\{[{%#].*?[}%#]\}", "", source)
    assert not re.search(r"\b(people|nobody|week|now|them|asked|upset)\b", said, re.IGNORECASE)


# --- the page of the mail ------------------------------------------------------------------------------------------------------


class Tables(HTMLParser):
    """The elements of a page with their attributes, and the words of captions and row headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: dict[str, list[str]] = {"caption": [], "th": [], "h2": []}
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in set(self._open) & set(self.words):
            self.words[tag] += [data.strip()] if data.strip() else []


def test_drivers_stand_in_a_table_of_bars_with_a_caption_and_row_headings(templates: Templates) -> None:
    page = Tables(shown(templates, the_week()).html)
    assert page.words["caption"] == ["WHAT MADE PEOPLE WRITE"]
    assert page.words["th"] == ["A part missing in the box:", "Where is my parcel:", "Invoice with a company name:"]
    assert all(given["scope"] == "row" for tag, given in page.elements if tag == "th")
    bars = [re.search(r"width:(\d+)%;height", given["style"]) for tag, given in page.elements if tag == "td" and "bgcolor" in given]
    assert [int(bar[1]) for bar in bars if bar] == [43, 100, 52]
    tables = [given.get("role", "") for tag, given in page.elements if tag == "table"]
    assert tables == ["", "presentation", "presentation", "presentation"]


def test_the_page_of_the_mail_uses_nothing_that_mail_programs_drop(templates: Templates) -> None:
    page = Tables(shown(templates, a_rich_week()).html)
    assert not {"svg", "style", "img", "script", "link", "progress", "meter"} & {tag for tag, _ in page.elements}
    styles = " ".join(given.get("style", "") for _, given in page.elements)
    assert not re.search(r"var\(|url\(|flex|grid|position|calc\(", styles)
    assert len(page.words["h2"]) == 11


def test_a_name_cannot_pass_for_a_heading_or_a_bar(templates: Templates) -> None:
    nasty = replace(STILL[0], name="\ue004Boo\ue00599:1\ue005x", subject="<b>bold</b>\n\ue004STILL", promised="")
    bad = replace(the_week(), still_unhappy=(nasty,), drivers=(replace(MISSING, name="\ue00599:3\ue005:<i>: 1\n2"),))
    rendered = shown(templates, bad)
    assert "Boo99:1x, <b>bold</b> STILL" in rendered.text and not re.search("[\ue000-\uf8ff]", rendered.text)
    assert "<b>" not in rendered.html and "<i>" not in rendered.html and Tables(rendered.html).words["th"] == ["99:3:<i>: 1 2:"]


# --- what it is made of ----------------------------------------------------------------------------------------------------------


def test_last_week_is_the_whole_week_before_from_monday_to_sunday() -> None:
    for day in (23, 24, 29):
        assert last_week(date(2026, 11, day)) == (date(2026, 11, 16), date(2026, 11, 22))
    assert last_week(date(2026, 11, 22)) == (date(2026, 11, 9), date(2026, 11, 15))


def test_it_goes_to_the_lead_once_a_mailbox_and_week_with_the_page_attached(templates: Templates) -> None:
    one = letter(the_week())
    assert (one.to.email, one.purpose) == ("petra@acme.example", "weekly:acme:2026-W47")
    told_in = MailStamp(message_id="d.1@acme.example", date=NOW, from_=Address(email="support@acme.example"))
    raw = compose(one, render(one, templates, told_in), one.attach, told_in)
    assert (
        b'Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n filename="report.html"'
        in raw
    )


def test_where_an_address_is_the_lead_no_name_is_made_up(templates: Templates) -> None:
    book = replace(BOOK, agents={}, lead="lead@acme.example")
    text = render(weekly(the_week(), b"", ACME, book, "admin@acme.example"), templates, stamp()).text
    assert text.startswith("Good morning,\n\n212 people")


def test_every_value_of_the_text_is_described_in_the_reference() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/templates.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| `weekly` |"))
    assert [value for value in told(the_week()) if f"`{value}`" not in row] == []
