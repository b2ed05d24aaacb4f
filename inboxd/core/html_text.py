"""HTML as the text a reader sees. Linear in its input: what could make a parser explode only loses its tags."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

_DROPPED = frozenset({"script", "style", "head", "title", "noscript", "template", "svg", "math", "object", "select"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main"}
    | {"nav", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
# Those with an empty line around them.
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote"})
_FORMATS = "a|abbr|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_FORMAT_TAG = re.compile(rf"</?(?:{_FORMATS})(?=[\s/>])[^<>]*>", re.I)
_FORMAT_KEPT = re.compile(_FORMAT_TAG.pattern.replace("a|abbr", "abbr"), re.I)  # all but links
_FORMAT_OPEN = re.compile(rf"<(?:{_FORMATS})(?=[\s/>])", re.I)
_TAG_OPEN = re.compile(r"<[a-zA-Z]")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_MANY_EMPTY = re.compile(r"\n{4,}")
_BREAKING_TAG = re.compile(r"</?(?:br|p|div|tr|li|h[1-6]|table|blockquote|ul|ol|hr)(?=[\s/>])[^<>]*>", re.I)
_ANY_TAG = re.compile(r"<[!/?a-zA-Z][^<>]*>")
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.I)
MOST_TAGS = 20_000
MOST_CLONES = 1_000_000  # open formatting tags times blocks: each block reopens them all


def html_text(source: str, most_tags: int = MOST_TAGS) -> str:
    """Give the readable text of an HTML document; quotations stand in lines that begin with "> "."""
    tags = len(_TAG_OPEN.findall(source))
    if tags > most_tags:
        return _stripped(source)
    formats = len(_FORMAT_OPEN.findall(source))
    if formats * (tags - formats) > MOST_CLONES:
        source = _FORMAT_TAG.sub("", source)
    try:
        root = LexborHTMLParser(source).root
    except (ValueError, RuntimeError, UnicodeError):
        return _stripped(source)
    return _walk(root) if root is not None else ""


def links(source: str) -> tuple[tuple[str, str], ...]:
    """Give the web links of an HTML document: the words on which one clicks, on one line, and the address (http or https)."""
    if "href" not in source.casefold() or len(_TAG_OPEN.findall(source)) > MOST_TAGS:
        return ()
    try:
        nodes = LexborHTMLParser(_FORMAT_KEPT.sub("", source)).css("a[href]")
    except (ValueError, RuntimeError, UnicodeError):
        return ()
    found = ((" ".join((node.text() or "").split()), (node.attributes.get("href") or "").strip()) for node in nodes)
    return tuple(dict.fromkeys((words, address) for words, address in found if words and re.match(r"https?://", address, re.I)))


class _Leave(NamedTuple):
    tag: str


class _Page:
    """The text so far: whole lines, the line being written, and how deep in quotations we are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.depth = 0
        self.pre = 0
        self.lists: list[int] = []  # next number of each open list, 0 for bullets

    def write(self, text: str) -> None:
        if self.pre:
            first, *rest = text.split("\n")
            self.line.append(first)
            for piece in rest:
                self.newline()
                self.line.append(piece)
            return
        text = _SPACES.sub(" ", text)
        if text.startswith(" ") and (not self.line or self.line[-1].endswith(" ")):
            text = text[1:]
        if text:
            self.line.append(text)

    def newline(self) -> None:
        text = "".join(self.line)
        self.line = []
        quote = ">" * min(self.depth, 20)
        stripped = text.rstrip() if text.strip(" \xa0") else ""
        if stripped == "--" and text[2:3] in (" ", "\xa0"):
            stripped = "-- "  # the mark of a signature (RFC 3676, 4.3)
        if quote:
            stripped = f"{quote} {stripped}".rstrip()
        self.lines.append(stripped)

    def block(self, apart: bool) -> None:
        """End the line; leave one empty line where a paragraph begins or ends."""
        if "".join(self.line).strip(" "):
            self.newline()
        self.line = []
        if apart and self.lines and self.lines[-1].strip("> "):
            self.newline()


def _walk(root: LexborNode) -> str:
    page = _Page()
    todo: list[LexborNode | _Leave] = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, _Leave):
            _leave(page, node.tag)
            continue
        tag = node.tag or ""
        if tag == "-text":
            page.write(node.text_content or "")
        elif tag.startswith(("-", "!", "#")) and tag not in ("-undef",):
            continue
        elif tag not in _DROPPED and not _is_hidden(node):
            _enter(page, node, tag)
            todo.append(_Leave(tag))
            child = node.last_child
            while child is not None:
                todo.append(child)
                child = child.prev
    page.block(apart=False)
    return _MANY_EMPTY.sub("\n\n\n", "\n".join(page.lines)).strip("\n").replace("\xa0", " ")


def _is_hidden(node: LexborNode) -> bool:
    style = node.attributes.get("style") if node.tag in ("div", "span", "p", "td", "tr", "table") else None
    return bool(style) and _HIDDEN.search(style or "") is not None


def _enter(page: _Page, node: LexborNode, tag: str) -> None:
    if tag == "br":
        page.newline()
    elif tag in _BLOCKS:
        page.block(apart=tag in _APART and not page.lists)
        if tag == "blockquote":
            page.depth += 1
        elif tag == "pre":
            page.pre += 1
        elif tag in ("ul", "ol"):
            page.lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            page.write(_bullet(page))
    elif tag in ("td", "th"):
        page.write(" ")
    elif tag == "img":
        alternative = node.attributes.get("alt") or ""
        if len(alternative) < 200:
            page.write(f" {alternative} " if alternative.strip() else "")


def _bullet(page: _Page) -> str:
    if page.lists and page.lists[-1]:
        page.lists[-1] += 1
        return f"{page.lists[-1] - 1}. "
    return "* "


def _leave(page: _Page, tag: str) -> None:
    if tag not in _BLOCKS:
        return
    page.block(apart=False)
    if tag == "blockquote":
        page.depth -= 1
    elif tag == "pre":
        page.pre -= 1
    elif tag in ("ul", "ol") and page.lists:
        page.lists.pop()
    if tag in _APART and not page.lists:
        page.block(apart=True)


def _stripped(source: str) -> str:
    """Cut tags without understanding them."""
    for tag in ("script", "style", "head"):
        source = _without(source, tag)
    text = html.unescape(_ANY_TAG.sub("", _BREAKING_TAG.sub("\n", source)))
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _MANY_EMPTY.sub("\n\n\n", "\n".join(lines)).strip("\n")


def _without(source: str, tag: str) -> str:
    """Cut each <tag ...> ... </tag>; an element that is never closed stays."""
    lowered = source.lower() if source.isascii() else source
    out = []
    position = 0
    while (start := lowered.find(f"<{tag}", position)) >= 0:
        end = lowered.find(f"</{tag}", start)
        if end < 0:
            break
        out.append(source[position:start])
        position = end
    out.append(source[position:])
    return "".join(out)
