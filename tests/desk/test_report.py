"""The report page can be read by everybody, leads from each number to its people, and runs nothing that a customer wrote."""

from __future__ import annotations

import csv
import json
import re
import time
from dataclasses import fields, is_dataclass, replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inboxd.core.findings import Findings, Share
from inboxd.core.model import CaseNo
from inboxd.desk.report import as_csv, as_json, page, rows
from inboxd.rule_sets import shipped
from tests.desk import axe
from tests.desk.sample_findings import MISSING, STILL, a_quiet_week, a_rich_week, compared, numbers, share, the_week

SOURCE = (shipped("templates") / "pages" / "report.html.j2").read_text(encoding="utf-8")
ORDER = (
    "Still to win back", "Won back", "Did it really help?", "Had to write again", "What made people write", "If you mend one thing",
    "What got better", "Where we had to say no", "What we gave", "Answers we offered", "Thank-yous", "How it was counted",
    "The people behind the numbers",
)  # fmt: skip
VOID = ("meta", "br", "hr", "img", "input", "link")


class Page(HTMLParser):
    """A page as the parser of the standard library reads it; every element must be closed where it should."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.headings: list[tuple[int, str]] = []
        self.title = ""
        self.cells: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag not in VOID:
            self._open.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag in ("td", "th"):
            self.cells.append("")
        if tag == "a":
            self.links.append((found.get("href", ""), ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        if "title" in self._open and "svg" not in self._open:
            self.title += data
            return
        self.text.append(data)
        if self.headings and re.search("h[1-6]", " ".join(self._open)):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        if "td" in self._open or "th" in self._open:
            self.cells[-1] += data
        if "a" in self._open:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(found: Findings) -> Page:
    return Page(page(found, SOURCE))


# --- what it says --------------------------------------------------------------------------------------------------


def test_the_unhappy_stand_first_praise_last_and_then_how_it_was_counted() -> None:
    found = read(a_rich_week())
    assert tuple(text for level, text in found.headings if level == 2 and text != "On this page") == ORDER


def test_the_title_is_the_finding_and_the_language_is_said() -> None:
    found = read(a_rich_week())
    assert found.title == "16 to 22 November: 6 people still to win back - Acme Support"
    assert found.headings[0] == (1, "6 people still to win back") and found.of("html") == [{"lang": "en"}]


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(a_quiet_week(), people=3)
    assert [text for level, text in read(bare).headings if level == 2] == ["On this page", "How it was counted"]
    assert read(bare).headings[0][1] == "3 people wrote"


def test_a_week_without_anything_says_so_kindly() -> None:
    found = read(a_quiet_week())
    assert found.headings[0][1] == "A quiet week"
    assert "Nobody wrote in these days, and nobody we know of is unhappy with us today. May it stay so." in found.words


def test_numbers_of_few_answers_carry_their_doubt_in_words() -> None:
    words = read(a_rich_week()).words
    assert "That is 85 in 100. With so few answers it may be 74 or 92. The week before it was 83: no real change." in words
    assert "27 of 212 people had to write again about the same within two weeks. It may be 9 or 18." in words
    assert "The week before it was 57, 101 of 176: really more now." in words
    assert "71 did not answer. We count them as unknown, not as happy." in words


def test_many_answers_are_not_called_few_and_a_whole_month_is_not_called_a_week() -> None:
    found = replace(a_rich_week(), first=date(2026, 10, 26), satisfied=compared(share(520, 610), share(420, 590), changed=True))
    assert "That is 85 in 100. It may be 82 or 88. The 28 days before it was 71: really better now." in read(found).words


def test_answers_that_are_neither_yes_nor_no_and_last_feelings_that_nobody_knows_are_said_to_be_so() -> None:
    found = read(replace(a_rich_week(), unclear=4))
    assert "4 more answered, and neither yes nor no. A person read it. 67 did not answer." in found.words
    assert "unknown" in found.cells


def test_nobody_is_ranked_no_table_names_an_agent() -> None:
    cells = " ".join(read(a_rich_week()).cells)
    assert not re.search("Maria|Jonas|Tom|Petra", cells)


def test_promises_are_in_the_agents_words_and_whoever_has_nobody_is_told() -> None:
    words = read(replace(the_week(), still_unhappy=(STILL[0], STILL[3], replace(STILL[4], agent=None)))).words
    assert "Ben Okafor, charged twice #1051 Maria said: the money by Wednesday" in words
    assert "Emil Sand, wrong size #1063 Maria looks after them. Nothing promised yet." in words
    assert "Ida Moreau, invoice #1068 Nobody has it yet." in words and "Nobody looks after 1 of those who are unhappy yet." in words


# --- each number leads to its people -------------------------------------------------------------------------------


def test_every_link_stays_on_the_page_and_leads_somewhere() -> None:
    found = read(a_rich_week())
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(href.startswith("#") and href[1:] in ids for href, _ in found.links)


def test_the_number_of_a_measure_is_a_link_to_its_people_by_name() -> None:
    found, text = read(a_rich_week()), page(a_rich_week(), SOURCE)
    links = dict(reversed(list({text: href for href, text in found.links}.items())))
    for number in ("212 people", "31", "14", "132 people", "61", "52", "27", "131", "11", "19", "44", "23", "7", "6"):
        assert links[number].startswith("#cases-"), number
    listed = text.partition(f'id="{links["19"][1:]}"')[2].partition("</ol>")[0]
    assert listed.count("<li>") == 19 and "<bdi>Fem" in text and "Wrote about: <bdi>A part missing in the box</bdi>" in listed


def test_long_lists_are_cut_and_say_how_many_more_there_are() -> None:
    found = replace(a_rich_week(), cases_of={"people": numbers(612, 10_000)})
    text = page(found, SOURCE)
    assert "and 412 more" in text
    assert len(as_json(found)["cases_of"]["people"]) == 612
    assert any(row["name"] == "people" and len(row["cases"].split()) == 612 for row in csv.DictReader(as_csv(found).splitlines()))


def test_a_page_quotes_some_and_lists_the_rest() -> None:
    many = tuple(replace(the_week().won_back[0], case=CaseNo(2000 + each)) for each in range(30))
    found = read(replace(the_week(), won_back=many, still_unhappy=tuple(replace(STILL[0], case=CaseNo(2000 + each)) for each in range(75))))
    assert found.words.count("He rode it round") == 12 and "And 18 more." in found.words
    assert found.words.count("Maria said:") == 60 and "And 15 more." in found.words


def test_two_drivers_of_one_name_lead_to_their_own_people() -> None:
    twin = replace(MISSING, key="other", cases=numbers(3, 2800))
    found = read(replace(a_rich_week(), drivers=(MISSING, twin)))
    assert len({href for href, text in found.links if text == "19" and "driver" in href}) == 2


# --- for everybody -------------------------------------------------------------------------------------------------


def test_headings_go_down_one_step_at_a_time() -> None:
    levels = [level for level, _ in read(a_rich_week()).headings]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_an_offered_answer_stands_with_what_people_said_of_it_and_with_their_cases() -> None:
    text = page(a_rich_week(), SOURCE)
    row = next(line for line in text.splitlines() if "<bdi>Company invoices</bdi></th>" in line and ">12<" in line)
    assert [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)] == ["12", "7", "2", "3"]
    assert "Solved it: <bdi>Company invoices</bdi>" in text and "Did not solve it: <bdi>Company invoices</bdi>" in text
    assert '"helped": 7' in json.dumps(as_json(a_rich_week())) and "answer_helped:Company invoices,7,12" in as_csv(a_rich_week())


def test_each_picture_says_its_finding_and_each_table_what_it_is() -> None:
    text, found = page(a_rich_week(), SOURCE), read(a_rich_week())
    shown = [svg for svg in found.of("svg") if svg.get("aria-hidden") != "true"]
    assert all(svg["role"] == "img" and ("aria-label" in svg or "aria-labelledby" in svg) for svg in shown) and len(shown) >= 7
    assert '<title id="trend-title">85 in 100 say it is solved, 76 in the week of 28 September</title>' in text
    assert text.count("<table>") == text.count("<caption") == 6
    assert all(th.get("scope") in ("row", "col", "colgroup") for th in found.of("th"))


def test_the_line_has_its_table_and_a_week_without_answers_leaves_a_gap() -> None:
    weeks = list(a_rich_week().satisfied_by_week)
    weeks[3] = (weeks[3][0], Share(count=0, of=0, low=0, high=1))
    text = page(replace(a_rich_week(), satisfied_by_week=tuple(weeks)), SOURCE)
    assert text.count('class="line-now"') == 5 and text.count('class="range"') == 7
    assert '<th scope="row">19 October</th><td colspan="4">nobody answered</td>' in text
    assert "trend-title" not in page(replace(a_rich_week(), satisfied_by_week=tuple(weeks[:1])), SOURCE)


def test_nothing_is_fetched_and_nothing_runs() -> None:
    text, found = page(a_rich_week(), SOURCE), read(a_rich_week())
    assert not {"script", "img", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in found.elements}
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on") or name == "src"]
    assert not re.search(r"@import|@font-face|https?:|javascript:", text)
    assert re.findall(r"url\(([^)]*)\)", text) == ["#stripes"]
    policy = next(meta["content"] for meta in found.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_keyboards_and_printers_are_thought_of() -> None:
    text = page(a_rich_week(), SOURCE)
    assert '<a class="skip" href="#main">' in text and text.index('class="skip"') < text.index("<header>")
    assert ":focus-visible" in text and "@media print" in text and "prefers-reduced-motion" in text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_every_ink_stands_out_from_every_paper(scheme: int) -> None:
    block = re.findall(r":root \{(.*?)\}", SOURCE, flags=re.DOTALL)[scheme]
    colours = {
        name: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:])
        for name, value in re.findall(r"--([a-z-]+): (#\w+)", block)
    }
    for paper in ("paper", "card"):
        for ink, least in (("ink", 4.5), ("quiet", 4.5), ("link", 4.5), ("now", 3.0)):
            light, dark = sorted((luminance(colours[paper]), luminance(colours[ink])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (paper, ink)


# --- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> None:
    if why := axe.missing():
        pytest.skip(why)


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("scheme", axe.SCHEMES)
@pytest.mark.parametrize("width", [360, 700, 1200])
def test_axe_finds_nothing_and_nobody_has_to_scroll_sideways(width: int, scheme: str) -> None:
    found = axe.checked(page(short(a_rich_week()), SOURCE), width, scheme)
    assert found["violations"] == [] and found["passes"] > 30
    assert found["dark"] is (scheme == "dark") and found["width"] == width and found["needed"] <= width


@pytest.mark.usefixtures("browser")
def test_axe_finds_what_is_wrong() -> None:
    bad = page(a_quiet_week(), SOURCE).replace("--quiet: #585f67", "--quiet: #b0b0b0").replace('<html lang="en">', "<html>")
    assert {"color-contrast", "html-has-lang"} <= {each["id"] for each in axe.checked(bad, 700, "light")["violations"]}


# --- hostile customers ---------------------------------------------------------------------------------------------


def short(value: Any) -> Any:
    """The same findings with at most three people behind each number: quicker to show."""
    if isinstance(value, tuple) and value and isinstance(value[0], int):
        return value[:3]
    if isinstance(value, tuple):
        return tuple(short(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("subjects", "cases_of", "trend")
        return replace(value, **{each.name: short(getattr(value, each.name)) for each in fields(value) if each.name not in kept})
    return value


def with_words(value: Any, words: str) -> Any:
    """The same findings with these words wherever a customer, an agent or an admin wrote something."""
    if isinstance(value, str):
        return value if value in ("upset", "unhappy", "neutral", "happy", "unknown") else words
    if isinstance(value, dict):
        if all(isinstance(key, int) for key in value):
            return dict.fromkeys(value, (words, words))
        return value
    if isinstance(value, tuple):
        return tuple(with_words(each, words) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("key", "agent", "mailbox", "team")
        return replace(
            value, **{each.name: with_words(getattr(value, each.name), words) for each in fields(value) if each.name not in kept}
        )
    return value


def shape(found: Findings) -> list[tuple[str, tuple[str, ...]]]:
    return [(tag, tuple(attributes)) for tag, attributes in read(found).elements]


SMALL = replace(short(a_rich_week()), cases_of={}, subjects={})
PLAIN = shape(with_words(SMALL, "x"))
NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style><b>",
    "{{ 7 * 7 }}",
    "&lt;b&gt;",
    "' onclick='x",
    "\u202eevil",
)


@settings(max_examples=25, deadline=None)
@given(st.one_of(st.sampled_from(NASTY), st.text(min_size=1).map(lambda text: f"a{text}")))
def test_whatever_people_write_is_text_and_never_markup(words: str) -> None:
    hostile = with_words(SMALL, words)
    assert shape(hostile) == PLAIN
    text = page(hostile, SOURCE)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)
    json.dumps(as_json(hostile)).encode()
    assert len(list(csv.reader(as_csv(hostile).splitlines()))) == len(list(rows(hostile))) + 1


def test_what_people_write_is_not_run_as_a_template() -> None:
    assert "{{ 7 * 7 }}" in page(with_words(a_rich_week(), "{{ 7 * 7 }}"), SOURCE)


# --- figures for programs ------------------------------------------------------------------------------------------


def test_the_csv_has_a_row_a_measure_in_a_stable_order() -> None:
    table = list(csv.DictReader(as_csv(a_rich_week()).splitlines()))
    assert list(table[0]) == ["name", "count", "of", "low", "high", "before", "before_of", "cases"]
    names = [row["name"] for row in table]
    assert len(names) == len(set(names)) and as_csv(a_rich_week()) == as_csv(a_rich_week())
    assert names[:12] == [
        "people",
        "still_unhappy",
        "unheard",
        "won_back",
        "thanks",
        "upset",
        "upset_solved",
        "upset_silent",
        "asked",
        "unclear",
        "dissatisfied_mended",
        "answered",
    ]
    row = next(row for row in table if row["name"] == "satisfied")
    assert (row["count"], row["of"], row["low"], row["high"], row["before"], row["before_of"]) == (
        "52",
        "61",
        "0.7428",
        "0.9204",
        "49",
        "59",
    )
    assert row["cases"].startswith("2000 2001") and next(row for row in table if row["name"] == "driver:axl miss part")["count"] == "19"


def test_the_json_has_everything() -> None:
    found = a_rich_week()
    told = json.loads(json.dumps(as_json(found)))
    assert set(told) == {each.name for each in fields(found)}
    assert told["first"] == "2026-11-16" and told["still_unhappy"][0]["promised"] == "the money by Wednesday"
    assert told["drivers"][3 - 3]["trend"][-1] == 19 and told["subjects"]["1042"] == ["Ana Ruiz", "Bike without a front axle"]


# --- large ---------------------------------------------------------------------------------------------------------


def a_huge_month() -> Findings:
    """20,000 cases, 60 drivers, a thousand people still to win back."""
    subjects = {
        CaseNo(number): (f"Customer with a long name {number}", "A subject that goes on for a while " * 2) for number in range(20_000)
    }
    drivers = tuple(replace(MISSING, key=str(n), name=f"Driver {n}", people=4000, cases=numbers(4000, n * 250)) for n in range(60))
    return replace(
        a_rich_week(), people=20_000, subjects=subjects, drivers=drivers, mend_first=drivers[0],
        still_unhappy=tuple(replace(STILL[0], case=CaseNo(number)) for number in range(1000)),
        wrote_again=compared(share(3000, 20_000, 0), share(2900, 19_000, 0)), cases_of={"people": numbers(20_000, 0)},
    )  # fmt: skip


def test_twenty_thousand_cases_make_a_page_that_is_quick_and_not_too_large(tmp_path: Path) -> None:
    found, began = a_huge_month(), time.process_time()
    text = page(found, SOURCE)
    assert time.process_time() - began < 3
    assert len(text.encode()) < 5_000_000
    assert "and 19800 more" in text


def test_a_handful_of_answers_is_counted_and_neither_drawn_as_a_line_nor_told_of_a_hundred() -> None:
    few = tuple((day, share(2, 3, 1600)) for day, _ in a_rich_week().satisfied_by_week[:3])
    found = replace(a_rich_week(), satisfied_by_week=few, reopened=compared(share(2, 16, 0), share(0, 0, 0)))
    text = page(found, SOURCE)
    assert "trend-title" not in text
    assert '<span class="big">2 <span class="unit">of 16</span></span>' in text
    assert "Of 100 such it might be 3 or 36: so few tell little." in read(found).words
