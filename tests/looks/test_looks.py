"""The mails are good to read: on a phone and a wide screen, by day and in the dark, for eyes and for screen readers."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.looks.browser import CHROMIUM, SCHEMES, WIDTHS, measured
from tests.looks.mails import Look, looks

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
LEAST_TEXT = 13  # CSS pixels
LEAST_TAP = 24  # WCAG 2.2, 2.5.8
LONGEST_LINE = 600  # CSS pixels
LARGEST = 12_000  # bytes of a page besides its words
NAMES = (
    "the brief for an upset customer", "the reopened case", "a calm brief", "the acknowledgement", "looked-up answers", "help",
    "the reply, plain", "the transcript", "the thank-you", "the reply, formatted", "the acknowledgement in German", "the reply in German",
    "the question in German", "a near miss comes back", "two answer at once", "the question", "the nudge", "the morning list",
    "the mail to practise with", "what was practised", "words that a mentor reads", "the reminder of a promise", "the answer from outside",
    "the week", "far more people than usual",
)  # fmt: skip


def look(name: str) -> Look:
    """The mail of this name."""
    return next(each for each in looks() if each.name == name)


def test_every_mail_is_looked_at() -> None:
    assert {each.name for each in looks()} == set(NAMES)


# --- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def frames() -> list[dict[str, Any]]:
    """What Chromium makes of every mail at every width, in light and in dark."""
    if not CHROMIUM:
        pytest.skip("Chromium is not there: apt-get install chromium")
    return measured(tuple((each.name, each.mail.html) for each in looks()))


def of(frames: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The frames of one mail; all of them, in the scheme that was asked for."""
    found = [frame for frame in frames if frame["name"] == name]
    assert {(frame["width"], frame["scheme"]) for frame in found} == {(width, scheme) for width in WIDTHS for scheme in SCHEMES}
    for frame in found:
        assert frame["dark"] is (frame["scheme"] == "dark") and (frame["paper"] < 0.05) is frame["dark"]
        assert frame["texts"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_nobody_has_to_scroll_sideways(frames: list[dict[str, Any]], name: str) -> None:
    for frame in of(frames, name):
        assert frame["needed"] <= frame["width"], frame["width"]


@pytest.mark.parametrize("name", NAMES)
def test_every_word_stands_out_from_its_paper_by_day_and_in_the_dark(frames: list[dict[str, Any]], name: str) -> None:
    for frame in of(frames, name):
        assert [text for text in frame["texts"] if text["contrast"] < LEAST_CONTRAST] == [], frame["scheme"]


@pytest.mark.parametrize("name", NAMES)
def test_no_word_is_small_and_no_line_too_long_to_read(frames: list[dict[str, Any]], name: str) -> None:
    for frame in of(frames, name):
        assert [text for text in frame["texts"] if text["size"] < LEAST_TEXT] == []
        assert frame["measure"] <= LONGEST_LINE


@pytest.mark.parametrize("name", NAMES)
def test_every_tap_is_large_enough_for_a_thumb_and_looks_like_one(frames: list[dict[str, Any]], name: str) -> None:
    for frame in of(frames, name):
        assert [link["text"] for link in frame["links"]] == list(look(name).links)
        for link in frame["links"]:
            assert link["marked"] and link["width"] >= LEAST_TAP, link
            assert link["height"] >= LEAST_TAP or not link["alone"], link  # within a sentence 2.5.8 asks for nothing


BAD = {
    "wide": '<div style="width:700px">wide</div>',
    "pale": '<p style="color:#999">pale</p>',
    "dark": '<p style="color:#111">dark on dark</p>',
    "small": '<p style="font-size:9px">small</p>',
    "thin": '<p><a href="mailto:a@b">thin</a></p>',
}


def test_what_reads_badly_is_found() -> None:
    if not CHROMIUM:
        pytest.skip("Chromium is not there: apt-get install chromium")
    around = '<meta name="color-scheme" content="light dark"><body style="margin:0">'
    found = measured(tuple((name, around + page) for name, page in BAD.items()))
    wrong = {name: set[str]() for name in BAD}
    for frame in found:
        wrong[frame["name"]] |= {"wide"} if frame["needed"] > frame["width"] else set()
        wrong[frame["name"]] |= {frame["scheme"] for text in frame["texts"] if text["contrast"] < LEAST_CONTRAST}
        wrong[frame["name"]] |= {"small" for text in frame["texts"] if text["size"] < LEAST_TEXT}
        wrong[frame["name"]] |= {"thin" for link in frame["links"] if link["height"] < LEAST_TAP}
    assert wrong == {"wide": {"wide"}, "pale": {"light"}, "dark": {"dark"}, "small": {"small"}, "thin": {"thin"}}


# --- without one ---------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """A page as the parser of the standard library reads it: elements in order, words apart from those of links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.title = ""
        self._within: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self.text.append(" ")
        if tag not in ("meta", "br", "hr", "img"):
            self._within.append(tag)
        if tag == "a":
            self.links.append((given.get("href", ""), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._within.pop() == tag

    def handle_data(self, data: str) -> None:
        if "title" in self._within:
            self.title += data
        elif "a" in self._within:
            href, text = self.links[-1]
            self.links[-1] = (href, text + data)
            self.text.append("" if href.startswith("mailto:") else data)
        else:
            self.text.append(data)

    def of(self, *tags: str) -> list[dict[str, str]]:
        """The attributes of all elements of these kinds."""
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.mark.parametrize("name", NAMES)
def test_the_story_behind_each_mail_went_as_meant(name: str) -> None:
    assert look(name).mail.text.startswith(look(name).first), look(name).mail.text


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_knows_the_language_the_title_and_the_parts(name: str) -> None:
    page, each = Page(look(name).mail.html), look(name)
    assert {attributes["lang"] for _, attributes in page.elements if "lang" in attributes} == {each.language}
    assert page.of("html")[0]["lang"] == each.language and page.title == each.mail.subject
    roles = [attributes for _, attributes in page.elements if "role" in attributes]
    assert {attributes["role"] for attributes in roles} <= {"article", "presentation"}  # presentation: the bars of the week
    (article,) = (attributes for attributes in roles if attributes["role"] == "article")
    # programs that take html and body away keep this one
    assert article["role"] == "article" and article["aria-label"] == each.mail.subject and article["lang"] == each.language
    headings = [tag for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert headings == ["h2"] * len(re.findall(r"^(?:-{5} .* -{5}|[A-Z][A-Z ?-]{6,})\r?$", each.mail.text, re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_a_page_needs_nothing_from_elsewhere(name: str) -> None:
    page, html = Page(look(name).mail.html), look(name).mail.html
    assert not page.of("script", "link", "iframe", "object", "form", "input", "style", "video", "audio", "base")
    assert not re.search(r"url\(|@import|expression\(|\son\w+=\"", html)
    for picture in page.of("img"):
        assert picture["src"].startswith("cid:") and name == "the reply, formatted"  # only those that an agent set there
    assert all(href.startswith("mailto:") for href, _ in page.links) or name == "the reply, formatted"
    words = len(look(name).mail.text.encode()) + sum(len(href) for href, _ in page.links)
    assert len(html.encode()) - 2 * words < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_a_link_says_what_it_does_and_no_table_makes_columns_but_those_of_numbers(name: str) -> None:
    page = Page(look(name).mail.html)
    for href, text in page.links:
        assert len(href) > len("mailto:a@b.c") and len(re.findall(r"[^\W\d_]", text)) >= 4, text
        assert text.casefold().strip() not in ("here", "click here", "hier", "link")
    assert bool(page.of("table")) is (name in ("the reply, formatted", "the week"))
    body = re.sub(r"(?s)<(?:div[^>]*pre-wrap[^>]*|title)>.*?</(?:div|title)>", "", look(name).mail.html)
    assert not re.search(r"\S {3,}\S|&nbsp;&nbsp;", re.sub(r"<[^>]+>", "", body))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "the reply, formatted"])
def test_page_and_text_say_the_same_words_in_the_same_order(name: str) -> None:
    each = look(name).mail
    assert re.findall(r"\w+", "".join(Page(each.html).text)) == re.findall(r"\w+", each.text)


@pytest.mark.parametrize("name", NAMES)
def test_no_colour_is_set_without_its_paper(name: str) -> None:
    """A program that darkens only the paper, or only the words, leaves nothing unreadable: both are its own, or both are ours."""
    for _, attributes in Page(look(name).mail.html).elements:
        style = {key.strip(): value.strip() for key, _, value in (part.partition(":") for part in attributes.get("style", "").split(";"))}
        ink = style.get("color", "inherit")
        assert ink == "inherit" or "background-color" in style, style
        assert attributes.get("bgcolor", style.get("background-color")) == style.get("background-color")  # a bar, for old programs
