"""The formatting of an agent's own words: cut out of the HTML of a reply, and cleaned.

Nothing is shown that the words do not say: what comes out is read again, letter for letter, and without that proof the words
leave as plain text.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from inboxd.core.html_text import MOST_CLONES, MOST_TAGS
from inboxd.core.model import Attachment, Message

MOST_STEPS = 200_000  # of laying the words beside the HTML, over all places where they might begin
MOST_DEPTH = 60
MOST_PLACES = 64  # in the words that can fit at once; more are only found in hostile HTML
LEAST_CONTRAST = 3.9  # pure red on white has 4.0
LEAST_IN_THE_DARK = 3.0

_BLOCKS = MappingProxyType(
    {
        **dict.fromkeys(("address", "article", "aside", "center", "dd", "details", "div", "dl", "dt"), "div"),
        **dict.fromkeys(("fieldset", "figcaption", "figure", "footer", "form", "header", "main", "nav", "section"), "div"),
        **{tag: tag for tag in ("blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre", "table", "tbody")},
        **{tag: tag for tag in ("td", "tfoot", "th", "thead", "tr", "ul")},
        "caption": "caption",
    }
)
_INLINE = MappingProxyType(
    {
        **{tag: tag for tag in ("a", "b", "code", "em", "i", "s", "span", "strong", "sub", "sup", "u")},
        "del": "s",
        "font": "span",
        "ins": "u",
        "kbd": "code",
        "strike": "s",
        "tt": "code",
    }
)
_TAGS = frozenset({*_BLOCKS.values(), *_INLINE.values(), "br", "hr", "img"})
_DROPPED = frozenset(
    {"applet", "audio", "button", "canvas", "embed", "frameset", "head", "iframe", "input", "map", "math", "noscript", "object"}
    | {"script", "select", "style", "svg", "template", "textarea", "title", "video"}
)
_ATTRIBUTES = MappingProxyType(
    {"*": {"style", "dir"}, "a": {"href"}, "img": {"src", "alt", "width"}, "ol": {"start"}, "td": {"colspan", "rowspan"}}
)
_STYLES = frozenset(
    {"background-color", "border", "border-collapse", "border-left", "color", "font-style", "font-weight", "height", "margin"}
    | {"max-width", "padding", "text-align", "text-decoration", "white-space"}
)
_PLAIN = frozenset({"caption", "div", "p", "pre", "span", "table", "tbody", "td", "tfoot", "th", "thead", "tr"})  # no format by themselves
_PICTURES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp", "image/bmp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPart:
    """What of an agent's mail goes along with the words: their HTML, and the files; those set in the text have a Content-ID."""

    html: str = ""
    attachments: tuple[Attachment, ...] = ()


def own_part(message: Message, words: str, new_id: str) -> OwnPart:
    """Cut out the formatted words with their pictures; pictures of signature and quotation stay behind. `new_id` has a "{}"."""
    found = _found(message.html, words, _pictures(message.attachments))
    if found is None:
        return OwnPart(attachments=tuple(replace(each, content_id="") for each in message.attachments))
    shown, inside = _finished(found, words), {event.picture for event in found if event.picture}
    outside = pictures_shown(message.html) - inside
    ids = {old: new_id.format(number) for number, old in enumerate(_set_in(shown), 1)}
    kept = [each for each in message.attachments if each.content_id not in outside or not each.content_id]
    return OwnPart(
        html=_CID.sub(lambda match: f'"cid:{ids[match[1]]}"', shown),
        attachments=tuple(replace(each, content_id=ids.get(each.content_id, "")) for each in kept),
    )


def pictures_shown(html: str) -> set[str]:
    """The Content-IDs of the pictures that a page shows."""
    return {_picture(source) for source in re.findall(r"""(?i)<img\b[^<>]*?\bsrc\s*=\s*["']?(cid:[^"'\s<>]+)""", html)}


def own_html(html: str, words: str, images: Collection[str] = ()) -> str:
    """Cut the part of the HTML out that shows exactly these words; "" if there is none or it is plain. `images`: Content-IDs to keep."""
    found = _found(html, words, images)
    return _finished(found, words) if found else ""


def _pictures(attachments: Sequence[Attachment]) -> tuple[str, ...]:
    return tuple(each.content_id for each in attachments if each.type in _PICTURES and re.fullmatch(r"[\w.@+$-]{1,200}", each.content_id))


_CID = re.compile(r'"cid:([^"]*)"')


def _set_in(shown: str) -> tuple[str, ...]:
    """The pictures of cleaned HTML, in their order."""
    return tuple(dict.fromkeys(_CID.findall(shown)))


def _finished(found: Sequence[_Event], words: str) -> str:
    """Write it, clean it, and prove that it says the words; "" if it is plain anyway."""
    found = _without_one_colour(found)
    if not any(_is_format(event) for event in found):
        return ""
    written = _written(found, words)
    cleaned = nh3.clean(
        written,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()} | {"th": {"colspan", "rowspan"}},
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel=None,
    ).strip()
    return cleaned if _says(cleaned, words) else ""


def _says(shown: str, words: str) -> bool:
    """Read the cleaned HTML as anybody's and compare."""
    reading = _Reading(_squashed(words))
    return all(reading.take(event) for event in _events(shown, _set_in(shown))) and reading.complete


def _is_format(event: _Event) -> bool:
    if event.kind == "rule" or (event.kind == "image" and event.picture):
        return True
    bare = re.sub(r"font-(?:weight|style):normal;?", "", event.style)
    return event.kind == "open" and (
        event.tag not in _PLAIN or bool(bare) or any(name == "dir" for name, _ in event.attributes) or event.ruled
    )


# --- HTML as a row of events -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One step through a page: open, close, text, line (break), rule or image."""

    kind: str
    tag: str = ""
    text: str = ""  # the alternative of an image
    style: str = ""  # what the agent chose
    attributes: tuple[tuple[str, str], ...] = ()
    picture: str = ""  # the Content-ID that an image shows
    layout: str = ""  # the style that we add
    colours: str = ""  # in which a text stands
    ruled: bool = False  # a table with lines
    ours: bool = False  # a signature or quotation begins: what follows are no longer the words

    @property
    def breaks(self) -> bool:
        """Whether a line ends here."""
        return self.kind in ("line", "rule") or (self.kind in ("open", "close") and self.tag in _BLOCKS)

    @property
    def shows(self) -> bool:
        """Whether there is something to see."""
        return self.kind == "image" or (self.kind == "text" and bool(_squashed(self.text)))


class _Look(NamedTuple):
    """What an element hands down to those in it."""

    ink: _Colour | None = None
    paper: _Colour | None = None
    pre: bool = False
    ruled: bool = False


class _Colour(NamedTuple):
    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


_TAG_OPEN = re.compile(r"<[a-zA-Z]")
_FORMAT_OPEN = re.compile(r"<(?:a|abbr|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?=[\s/>])", re.I)


def _events(source: str, images: Collection[str]) -> list[_Event]:
    """Walk over what is seen of a page; nothing if it is hostile."""
    tags, formats = len(_TAG_OPEN.findall(source)), len(_FORMAT_OPEN.findall(source))
    if tags > MOST_TAGS or formats * (tags - formats) > MOST_CLONES:
        return []
    try:
        root = LexborHTMLParser(source).root
    except (ValueError, RuntimeError, UnicodeError):
        return []
    found: list[_Event] = []
    todo: list[tuple[LexborNode, _Look] | _Event] = [(root, _Look())] if root is not None else []
    while todo:
        step = todo.pop()
        if isinstance(step, _Event):
            found.append(step)
            continue
        node, look = step
        tag = node.tag or ""
        if tag == "-text":
            found += _texts(node.text_content or "", look)
        elif tag in _DROPPED or (tag.startswith(("-", "!", "#")) and tag != "-undef") or _is_hidden(node):
            continue
        elif tag in ("br", "hr", "img"):
            found.append(_single(node, tag, images))
        elif bullet := _word_bullet(node, tag):
            found.append(_Event(kind="text", text=bullet, colours=f"{look.ink} {look.paper}"))
        else:
            opening, look = _opened(node, tag, look)
            if opening is not None:
                found.append(opening)
                todo.append(_Event(kind="close", tag=opening.tag))
            child = node.last_child
            while child is not None:
                todo.append((child, look))
                child = child.prev
    return found


_SPACES = re.compile(r"[ \t\r\n\f]+")


def _texts(text: str, look: _Look) -> Iterator[_Event]:
    colours = f"{look.ink} {look.paper}"
    if not look.pre:
        yield _Event(kind="text", text=_SPACES.sub(" ", text), colours=colours)
        return
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        if number:
            yield _Event(kind="line")
        yield _Event(kind="text", text=line, colours=colours)


_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all|(?<![\w-])opacity\s*:\s*0?(?:\.0+)?\s*(?:[;!]|$)|"
    r"font-size\s*:\s*(?:0+(?:\.0+)?(?:px|pt|em|rem|%)?|[01]?(?:\.\d+)?(?:px|pt))\s*(?:[;!]|$)",
    re.I,
)


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or _HIDDEN.search(attributes.get("style") or "") is not None


def _single(node: LexborNode, tag: str, images: Collection[str]) -> _Event:
    if tag != "img":
        return _Event(kind="line" if tag == "br" else "rule", tag=tag)
    picture, alternative, width = (
        _picture(node.attributes.get("src") or ""),
        node.attributes.get("alt") or "",
        node.attributes.get("width") or "",
    )
    sized = (("width", width),) if re.fullmatch(r"[1-9]\d{0,2}", width) and int(width) <= 600 else ()
    return _Event(
        kind="image",
        text=_SPACES.sub(" ", alternative).strip() if len(alternative) < 200 else "",
        tag="img" if picture in images else "",
        picture=picture,
        attributes=sized,
    )


def _picture(source: str) -> str:
    """The Content-ID that an image shows (RFC 2392, 2), "" for any other."""
    found = re.fullmatch(r"\s*cid:(\S+)\s*", entities.unescape(source), re.I)
    return re.sub(r"%([0-7][0-9a-fA-F])", lambda match: chr(int(match[1], 16)), found[1]) if found else ""


def _word_bullet(node: LexborNode, tag: str) -> str:
    """The bullet or number that Word writes as text in front of an item."""
    if tag != "span" or "mso-list:ignore" not in (node.attributes.get("style") or "").replace(" ", "").lower():
        return ""
    written = _squashed(node.text(deep=True))
    return f"{written if re.search('[0-9A-Za-z][.)]', written) else '•'}\xa0" if len(written) < 10 else ""


_ASIDE = re.compile(
    r"signature|msoautosig|gmail_quote|gmail_attr|moz-cite|divrplyfwdmsg|yahoo_quoted|protonmail_quote|appendonsend|outlookmessageheader",
    re.I,
)


def _opened(node: LexborNode, tag: str, look: _Look) -> tuple[_Event | None, _Look]:
    """The opening of an element that stays, and how things look in it."""
    name = _BLOCKS.get(tag) or _INLINE.get(tag, "")
    given = {key: value or "" for key, value in node.attributes.items()}
    attributes = tuple(_kept(name, given))
    if name == "a" and not attributes:
        name = "span"
    if not name:
        return None, look
    declared = _declared(given.get("style", ""))
    if name in ("b", "strong") and declared.get("font-weight") in ("normal", "400"):
        name = "span"
    chosen = _chosen(name, tag, declared, given)
    colours, look = _coloured(name, tag, declared, given, look)
    ruled = name == "table" and _has_lines(node, given)
    look = look._replace(pre=look.pre or name == "pre", ruled=ruled if name == "table" else look.ruled)
    style = ";".join((*chosen, *colours))
    if name == "span" and not style:
        return None, look
    aside = _ASIDE.search(f"{given.get('class', '')} {given.get('id', '')}") is not None
    return (
        _Event(
            kind="open", tag=name, style=style, attributes=attributes, layout=_layout(name, declared, given, look), ruled=ruled, ours=aside
        ),
        look,
    )


def _kept(name: str, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The attributes that stay."""
    if name == "a":
        if href := _href(given.get("href", "")):
            yield "href", href
        return
    for wanted in {"ol": ("start",), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan")}.get(name, ()):
        if re.fullmatch(r"[1-9]\d?", given.get(wanted, "")):
            yield wanted, given[wanted]
    if given.get("dir", "").lower() == "rtl" and name in _BLOCKS:
        yield "dir", "rtl"


def _href(given: str) -> str:
    """A link to a page, an address or a number; of an address only itself, since the rest of such a link is not seen."""
    href = re.sub(r"[\x00-\x20\x7f\xa0]+", "", given)
    if re.match(r"https?://[^/]", href, re.I) and len(href) < 2000:
        return href
    return href.partition("?")[0] if re.fullmatch(r"(?:mailto:[^\s?]+@[^\s?]+|tel:[\d+().-]+)(?:\?.*)?", href, re.I) else ""


def _has_lines(node: LexborNode, given: Mapping[str, str]) -> bool:
    """Whether a table is one to a reader, too, and not only a layout."""
    if given.get("border", "0") not in ("", "0") or "MsoTableGrid" in given.get("class", ""):
        return True
    return node.css_first("th") is not None or any(
        re.search(r"border[^;]*(?:solid|dotted|dashed|windowtext)", cell.attributes.get("style") or "", re.I) for cell in node.css("td")[:4]
    )


_RULE = "1px solid #8a8a8a"


def _layout(name: str, declared: Mapping[str, str], given: Mapping[str, str], look: _Look) -> str:
    """How an element is set; the sheet that its program had is not there any more."""
    if name == "p":
        sort = given.get("class", "")
        margin = declared.get("margin", declared.get("margin-bottom", ""))
        tight = sort.startswith("Mso") or re.match(r"0(?:[a-z]*|\.0[a-z]*)(?:\s|$)", margin) is not None
        return "margin:0 0 0 24px" if "MsoListParagraph" in sort else "margin:0" if tight else "margin:0 0 16px 0"
    if name in ("td", "th") and look.ruled:
        return f"border:{_RULE};padding:4px 8px"
    return {
        "blockquote": "margin:0 0 16px 0;padding:0 0 0 12px;border-left:3px solid #8a8a8a",
        "pre": "white-space:pre-wrap",
        "table": "border-collapse:collapse;margin:0 0 16px 0" if look.ruled else "",
    }.get(name, "")


# --- style -----------------------------------------------------------------------------------------------------------


def _declared(style: str) -> dict[str, str]:
    pairs = (each.partition(":") for each in style.split(";"))
    return {key.strip().lower(): value.replace("!important", "").strip().lower() for key, _, value in pairs}


def _chosen(name: str, tag: str, declared: Mapping[str, str], given: Mapping[str, str]) -> Iterator[str]:
    """What the agent chose of weight, slope, lines and alignment."""
    align = declared.get("text-align") or given.get("align", "").lower() or ("center" if tag == "center" else "")
    if name in _BLOCKS and name != "table" and align in ("center", "right", "justify"):
        yield f"text-align:{align}"
    weight, slope = declared.get("font-weight", ""), declared.get("font-style", "")
    if re.fullmatch(r"bold|bolder|[6-9]00|normal|400", weight):
        yield f"font-weight:{'normal' if weight in ('normal', '400') else 'bold'}"
    if slope in ("italic", "oblique", "normal"):
        yield f"font-style:{'normal' if slope == 'normal' else 'italic'}"
    lines = f"{declared.get('text-decoration', '')} {declared.get('text-decoration-line', '')}"
    drawn = [line for line in ("underline", "line-through") if line in lines and name != "a"]
    if drawn:
        yield f"text-decoration:{' '.join(drawn)}"


_NAMED = MappingProxyType(
    {
        "aqua": "00ffff", "black": "000000", "blue": "0000ff", "brown": "a52a2a",
        "crimson": "dc143c", "cyan": "00ffff", "darkblue": "00008b",
        "darkgray": "a9a9a9", "darkgreen": "006400", "darkorange": "ff8c00", "darkred": "8b0000", "fuchsia": "ff00ff", "gold": "ffd700",
        "gray": "808080", "green": "008000", "grey": "808080", "indigo": "4b0082", "lightblue": "add8e6", "lightgray": "d3d3d3",
        "lightgreen": "90ee90", "lightyellow": "ffffe0", "lime": "00ff00", "magenta": "ff00ff", "maroon": "800000", "navy": "000080",
        "olive": "808000", "orange": "ffa500", "pink": "ffc0cb", "purple": "800080", "red": "ff0000", "silver": "c0c0c0", "teal": "008080",
        "violet": "ee82ee", "white": "ffffff", "yellow": "ffff00",
    }
)  # fmt: skip
_BLACK, _WHITE, _NIGHT = _Colour(0, 0, 0), _Colour(255, 255, 255), _Colour(30, 30, 30)


def _colour(written: str) -> _Colour | None:
    """Read a colour as CSS or HTML write it; None if it is none, or not wholly opaque."""
    if found := re.search(r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*(?:[,/]\s*([\d.]+)\s*)?\)", written):
        solid = found[4] is None or found[4] in ("1", "1.0")
        return _Colour(*(min(255, int(part)) for part in found.groups()[:3])) if solid else None
    if found := re.search(r"#([0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-f])", written):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
    else:
        digits = next((_NAMED[word] for word in re.findall(r"[a-z]+", written) if word in _NAMED), "")
    return _Colour(*bytes.fromhex(digits)) if digits and "url(" not in written else None


def _coloured(name: str, tag: str, declared: Mapping[str, str], given: Mapping[str, str], look: _Look) -> tuple[tuple[str, ...], _Look]:
    """The colours that can be read, by day and in the dark, and how things look then."""
    ink = _colour(declared.get("color", "") or (given.get("color", "").lower() if tag == "font" else "")) or look.ink
    paper = _colour(declared.get("background-color", declared.get("background", "")) or given.get("bgcolor", "").lower()) or look.paper
    if paper is not None and look.paper is None and min(paper) > 240:
        paper = None
    if ink is not None and paper is None and _is_text_colour(ink):
        ink = None
    if (ink, paper) == (look.ink, look.paper) or (ink is None and paper is None):
        return (_pair(look.ink or _BLACK, look.paper) if name == "a" and look.paper else ()), look
    if _contrast(ink or _BLACK, paper or _WHITE) < LEAST_CONTRAST:
        return (), look
    if paper is None and ink is not None and _contrast(ink, _NIGHT) < LEAST_IN_THE_DARK:
        paper = _WHITE
    ink = ink or (_BLACK if paper else None)
    return _pair(ink or _BLACK, paper), look._replace(ink=ink, paper=paper)


def _pair(ink: _Colour, paper: _Colour | None) -> tuple[str, ...]:
    return (f"color:{ink}", *((f"background-color:{paper}",) if paper else ()))


def _is_text_colour(ink: _Colour) -> bool:
    """Black, or a grey near it: the reader's own colour serves as well, and in the dark better."""
    return max(ink) - min(ink) < 24 and max(ink) < 110


def _contrast(one: _Colour, other: _Colour) -> float:
    """The contrast of two colours (WCAG 2.1), from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: _Colour) -> float:
    red, green, blue = (part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _without_one_colour(events: Sequence[_Event]) -> list[_Event]:
    """A colour in which everything stands marks nothing: some programs give every reply its own."""
    if len({event.colours for event in events if event.kind == "text" and event.shows}) > 1:
        return list(events)
    return [
        replace(event, style=";".join(each for each in event.style.split(";") if not each.startswith(("color:", "background-color:"))))
        for event in events
    ]


# --- the words in it -------------------------------------------------------------------------------------------------

_UNSEEN = re.compile("[\\s\u200b-\u200f\u2060\ufeff\u00ad]+")
_LEFT = MappingProxyType(  # signs that programs write into plain text for what HTML shows
    {
        tag: re.compile(signs)
        for tags, signs in {
            "b strong": r"[*_]{1,2}", "i em": r"[/*_]{1,2}", "u": "_", "s": "[-~]{1,2}", "sup": r"\^", "sub": "_", "td th": r"\|",
            "code": "[|`]", "h1 h2 h3 h4 h5 h6": r"[*_#=]{1,6}", "hr": "[-_=—]{3,}", "blockquote": ">{1,3}",
            "a": r"<[^<>]{1,2000}>|\([^()]{1,2000}\)|\[[^\[\]]{1,2000}\]", "img": r"\[[^\[\]]{0,300}\]|<cid:[^<>]{1,300}>",
            "li": r"[*•·▪◦‣§o+-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)]",
        }.items()
        for tag in tags.split()
    }
)  # fmt: skip


def _squashed(text: str) -> str:
    return _UNSEEN.sub("", text)


class _Reading:
    """How far the words have been read along the HTML: every place in them that fits what was shown so far."""

    def __init__(self, words: str) -> None:
        self.words = words
        self.at = {0}
        self.quotes = 0

    @property
    def complete(self) -> bool:
        return len(self.words) in self.at

    def take(self, event: _Event) -> bool:
        """Go on over one event; False once the words say something else."""
        if event.kind == "text":
            self._text(_squashed(event.text))
        elif event.kind == "image":
            self._maybe("img")
            if event.text:
                self.at |= self._after(_squashed(event.text))
        elif event.kind == "rule":
            self._maybe("hr")
        elif event.kind == "open":
            self.quotes += event.tag == "blockquote"
            if event.tag not in ("a", "blockquote"):
                self._maybe(event.tag)
        elif event.kind == "close":
            self.quotes -= event.tag == "blockquote"
            if event.tag not in ("li", "blockquote"):
                self._maybe(event.tag)
        return 0 < len(self.at) <= MOST_PLACES

    def says(self, text: str) -> bool:
        """Whether this comes next."""
        return bool(text) and bool(self._after(text))

    def _text(self, shown: str) -> None:
        if self.quotes and shown:
            self._maybe("blockquote")
        if shown.startswith("•"):
            self._maybe("li")
            self.at |= self._after("•")
            shown = shown[1:]
        self.at = self._after(shown)

    def _after(self, text: str) -> set[int]:
        return {place + len(text) for place in self.at if self.words.startswith(text, place)}

    def _maybe(self, tag: str) -> None:
        """The sign that some programs write for this may stand here."""
        if sign := _LEFT.get(tag):
            self.at |= {found.end() for place in self.at if (found := sign.match(self.words, place))}


def _found(html: str, words: str, images: Collection[str]) -> list[_Event] | None:
    """Find where the words stand, and take that stretch with all that is open around it."""
    wanted = _squashed(words)
    if not wanted or not html:
        return None
    events = _events(html, images)
    steps = 0
    for start, around in _beginnings(events):
        taken, steps = _read_along(events, start, around, wanted, steps)
        if taken is not None:
            return taken
        if steps > MOST_STEPS:
            return None
    return None


def _beginnings(events: Sequence[_Event]) -> Iterator[tuple[int, tuple[_Event, ...]]]:
    """Each first thing on a line outside quotations, with the elements that are open there."""
    opened: list[_Event] = []
    fresh = True
    for number, event in enumerate(events):
        if event.kind == "open":
            opened.append(event)
        elif event.kind == "close":
            opened.pop()
        elif event.shows and fresh:
            if len(opened) <= MOST_DEPTH and not any(each.tag == "blockquote" for each in opened):
                yield number, tuple(opened)
            fresh = False
        fresh = fresh or event.breaks


def _read_along(events: Sequence[_Event], start: int, around: Sequence[_Event], wanted: str, steps: int) -> tuple[list[_Event] | None, int]:
    """Read from here to the end of the words; the words end where a line ends."""
    reading, taken, depth = _Reading(wanted), list(around), len(around)
    steps += len(around)
    for event in around:
        reading.take(event)
    for number in range(start, len(events)):
        event, steps = events[number], steps + 1
        if event.breaks and reading.complete:
            return _with_pictures(taken, events[number:]), steps
        depth += (event.kind == "open") - (event.kind == "close")
        if event.kind == "image" and not event.tag:
            taken += _in_words(event, reading)
        else:
            taken.append(event)
        if not reading.take(event) or depth > MOST_DEPTH:
            return None, steps
    return (taken if reading.complete else None), steps


def _in_words(image: _Event, reading: _Reading) -> list[_Event]:
    """An image that cannot stay: its alternative where the words hold it, as programs set small faces."""
    shown = [_Event(kind="text", text=image.text)] if reading.says(_squashed(image.text)) else []
    return [*shown, *([replace(image, text="")] if image.picture else [])]


def _with_pictures(taken: list[_Event], rest: Sequence[_Event]) -> list[_Event]:
    """A picture right below the last word belongs to it; one below a signature or quotation does not."""
    for number, event in enumerate(rest):
        if event.kind == "image" and event.tag:
            inner = [each for each in rest[:number] if each.kind in ("open", "close", "line")]
            return _with_pictures([*taken, *inner, event], rest[number + 1 :])
        if event.ours or event.kind == "rule" or event.shows or event.tag == "blockquote":
            break
    return taken


def _written(events: Sequence[_Event], words: str) -> str:
    """Write the events as HTML; what is open at the end is closed."""
    out, opened, said = list[str](), list[str](), _squashed(words)
    for event in events:
        if event.kind == "text":
            out.append(entities.escape(event.text, quote=False))
        elif event.kind in ("line", "rule"):
            out.append("<hr>" if event.kind == "rule" else "<br>")
        elif event.kind == "image" and event.tag:
            alternative = event.text if _squashed(event.text) in said else ""
            given = (("src", f"cid:{event.picture}"), ("alt", alternative), *event.attributes, ("style", "max-width:100%;height:auto"))
            out.append(f"<img{_as_written(given)}>")
        elif event.kind == "open":
            style = ";".join(filter(None, (event.layout, event.style)))
            given = _seen_links(event, said) + ((("style", style),) if style else ())
            out.append(f"<{event.tag}{_as_written(given)}>")
            opened.append(event.tag)
        elif event.kind == "close" and opened:
            out.append(f"</{opened.pop()}>")
    return "".join([*out, *(f"</{tag}>" for tag in reversed(opened))])


def _seen_links(event: _Event, said: str) -> tuple[tuple[str, str], ...]:
    """An address or a number stays linked only where the words hold it: a reader sees whom the link leads to, and so does a search."""
    return tuple((name, value) for name, value in event.attributes if name != "href" or _is_said(value, said))


_MAIL_ADDRESS = re.compile(r"[\w.-]{1,64}(?:@|%40)[\w-]{1,64}\.\w")


def _is_said(href: str, said: str) -> bool:
    scheme, _, rest = href.partition(":")
    if scheme.lower() == "mailto":
        return rest.casefold() in said.casefold()
    if scheme.lower() != "tel":
        return all(each.casefold().replace("%40", "@") in said.casefold() for each in _MAIL_ADDRESS.findall(rest))
    return re.sub(r"\D", "", rest)[-6:] in re.sub(r"\D", "", said)


def _as_written(attributes: Sequence[tuple[str, str]]) -> str:
    return "".join(f' {name}="{entities.escape(value)}"' for name, value in attributes)
