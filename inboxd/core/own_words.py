"""What an agent wrote in a reply to one of our mails: found by laying the reply beside the text that we sent.

In doubt nothing is found: words for a customer are never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from inboxd.core.html_text import html_text
from inboxd.core.model import Address
from inboxd.core.signatures import begins, folded

RUN = 5  # words in a row that must be ours before a line counts as quoted
MARK = "-- "  # begins a signature (RFC 3676, 4.3); many programs lose its space
MAX_LINES = 20_000
MAX_SIGNED = 2_000
MAX_LINES_KEPT = 100  # of a quotation that the agent cut down


class Doubt(StrEnum):
    """Why the agent's own words could not be told from the rest."""

    NOT_FOUND = "not_found"  # something is quoted, and nothing shows where our mail begins
    OTHER_QUOTE = "other_quote"  # what is quoted is not the mail that we sent
    INLINE = "inline"  # words stand between quoted lines
    NO_WORDS = "no_words"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnWords:
    """The words, or the doubt about them. `left_out` says what was cut."""

    words: str = ""
    left_out: tuple[str, ...] = ()
    signature: tuple[str, ...] = ()  # the lines of it that were cut
    doubt: Doubt | None = None
    around: tuple[str, str] = ("", "")  # what stands above and below the quotation, where both hold words


def own_words(
    text: str, sent_text: str, first_line: str, *, html: str = "", writer: Address | None = None, signatures: Sequence[str] = ()
) -> OwnWords:
    """Find what the agent wrote: by alignment with what we sent, else by its first line, else all if nothing is quoted.

    `writer` is who wrote it: a signature without a mark is known by their name and address, or as one of those that were learnt.
    """
    lines = [_clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_LINES]]
    signed = _Signed(pages=_signatures(html), writer=writer, learnt=[each.split("\n") for each in signatures])
    ours = _aligned(lines, sent_text) or _from_marker(lines, first_line, sent_text)
    if ours is None:
        doubt = _quotes_anything(lines, html)
        found = OwnWords(doubt=doubt) if doubt else signed.finished(lines)
    else:
        found = _around(lines, ours, sent_text, signed)
    return OwnWords(doubt=Doubt.INLINE, around=found.around) if _holds_a_line_of(sent_text, found.words) else found


_ONE_TAP = re.compile(r"^[ \t>|]*→ |[rnyx]\d{1,12}\.[a-z2-7]{1,8}\.[a-z2-7]{26}", re.MULTILINE)  # its line, and our signed address in it
_QUOTATION_MARKS = "\"'„“”«»‚‘’‹›"


def _holds_a_line_of(sent_text: str, words: str) -> bool:
    """Tell whether a whole line of our mail is left among the words, without any sign that it is quoted.

    Of what the customer wrote only long lines count: a greeting or a closing is everybody's, and what stands in quotation marks is quoted.
    """
    theirs = {tuple(_words(line)) for line in _handed_on(sent_text)}
    ours = {tuple(line) for line in map(_words, _worded(sent_text).split("\n")) if len(line) >= 3}
    ours = {line for line in ours if len(line) > RUN or line not in theirs}
    found = [line for line in words.split("\n") if tuple(_words(line)) in ours]
    return bool(_ONE_TAP.search(words)) or any(
        tuple(_words(line)) not in theirs or line.strip()[0] not in _QUOTATION_MARKS for line in found
    )


def _handed_on(sent_text: str) -> list[str]:
    """Give the lines that stand between the rules of our mail: the customer wrote them."""
    lines = sent_text.split("\n")
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"-{5}(?: .* -{5})?", line)]
    return lines[rules[0] + 1 : rules[-1]] if rules else []


def _clean(line: str) -> str:
    line = re.sub("[\u200b\u200c\u200d\u2060\ufeff\u00ad]", "", line.replace("\u00a0", " "))
    return line if line == MARK else line.rstrip()


# --- where our mail stands in the reply ----------------------------------------------------------------------------


def _aligned(lines: Sequence[str], sent_text: str) -> list[bool] | None:
    """Mark the lines whose words are ours, in runs, whatever became of wrapping and quote signs. None: nothing is ours."""
    sent = _words(sent_text)
    if not sent:
        return None
    runs = {tuple(sent[at : at + RUN]) for at in range(len(sent) - RUN + 1)}
    words = [(word, number) for number, line in enumerate(lines) for word in _words(line)]
    hit = [False] * len(words)
    for at in range(len(words) - RUN + 1):
        if tuple(word for word, _ in words[at : at + RUN]) in runs:
            hit[at : at + RUN] = [True] * RUN
    total, found = [0] * len(lines), [0] * len(lines)
    for (_, number), is_ours in zip(words, hit, strict=True):
        total[number] += 1
        found[number] += is_ours
    ours = [all_ > 0 and good >= max(1, 0.8 * all_) for all_, good in zip(total, found, strict=True)]
    ours = _between_its_ends(lines, ours, sent_text)
    signed = _signed_and_ours(lines, sent, ours)
    if signed is not None:
        return signed
    enough = min(12, max(RUN, len(sent) // 2))
    begins = _begins_like(_words(_worded(sent_text)), words, hit)
    return ours if any(ours) and sum(found) >= enough and begins else None


def _worded(sent_text: str) -> str:
    """Leave out what stands set in: there our mail gives the agent's own words back."""
    return "\n".join(line for line in sent_text.split("\n") if not line.startswith("    "))


def _between_its_ends(lines: Sequence[str], ours: list[bool], sent_text: str) -> list[bool]:
    """Above the first line of our mail and below its last nothing is ours: an agent who sends a text again repeats it."""
    written = [line for line in sent_text.split("\n") if line.strip()]
    first, last = _place(lines, written[0]), _place(lines, written[-1])
    if first is not None:
        ours = [False] * first + ours[first:]
    if last is not None and (first is None or last > first):
        end = next((number for number in range(last, len(lines)) if not ours[number]), len(lines))
        ours = ours[:end] + [mine and _quote_sign(line) for mine, line in zip(ours[end:], lines[end:], strict=True)]
    return ours


def _place(lines: Sequence[str], wanted_line: str) -> int | None:
    """Find where this line of ours begins, though it may be wrapped over up to three."""
    wanted = _words(wanted_line)
    for number in range(len(lines)) if len(wanted) >= 3 else ():
        here = _words(lines[number])
        if here and here == wanted[: len(here)] and _words("\n".join(lines[number : number + 3]))[: len(wanted)] == wanted:
            return number
    return None


def _signed_and_ours(lines: Sequence[str], sent: Sequence[str], ours: Sequence[bool]) -> list[bool] | None:
    """Where every line with a quote sign is ours, however short, the rest is not: agents cut quotations down to one line."""
    stream, marked = f" {' '.join(sent)} ", list(ours)
    signed = [number for number, line in enumerate(lines) if _quote_sign(line) and _words(line)]
    if len(signed) > MAX_SIGNED or not signed:
        return None
    for number in signed:
        marked[number] = ours[number] or f" {' '.join(_words(lines[number]))} " in stream
    foreign = [lines[number] for number in signed if not marked[number] and not _WROTE.search(lines[number])]
    return marked if not foreign and any(marked[number] for number in signed) else None


def _begins_like(sent: Sequence[str], words: Sequence[tuple[str, int]], hit: Sequence[bool]) -> bool:
    """Ask for some of our mail's beginning; a later stretch alone may be a quotation that the agent chose."""
    beginning = set(zip(sent[:60], sent[1:61], sent[2:62], strict=False))
    mine = [word for (word, _), is_ours in zip(words, hit, strict=True) if is_ours]
    return any(three in beginning for three in zip(mine, mine[1:], mine[2:], strict=False))


def _words(text: str) -> list[str]:
    """Take the words of a text without quote signs, targets of links, stars of bold type, or punctuation that programs change."""
    return re.findall(r"[^\W_]+", re.sub(r"(?m)^[\s>|]+", "", _LEFT_OF_PAGE.sub(" ", text)).casefold())


# What programs write into the text for links and pictures of the page.
_LEFT_OF_PAGE = re.compile(r"<(?:mailto|https?|tel):[^<>]*>|\[(?:cid|image|bild|logo|imagen?|afbeelding)[^\[\]]*\]", re.IGNORECASE)
_LINKED_TO_ITSELF = re.compile(r"(?<!\S)((?:https?://)?([^\s<>]{3,300}))<(?:mailto:|https?://|tel:)?\2/?>", re.IGNORECASE)


def _from_marker(lines: Sequence[str], first_line: str, sent_text: str) -> list[bool] | None:
    """Find the first line of our mail; it and everything below it is quoted then, unless it is plain where our lines end."""
    number = _place(lines, first_line)
    if number is None:
        return None
    end = _end_of_ours(lines, number, sent_text)
    return [False] * number + [bool(line.strip()) for line in lines[number:end]] + [False] * (len(lines) - end)


def _end_of_ours(lines: Sequence[str], number: int, sent_text: str) -> int:
    """Where our lines, which begin here, stop following each other as we sent them and none of ours comes below."""
    stream, said = f" {' '.join(_words(sent_text))} ", ""
    for end in range(number, min(len(lines), number + MAX_LINES_KEPT)):
        if not _by_hand(lines[end]):
            continue
        said = f"{said} {' '.join(_words(lines[end]))}"
        if f"{said} " not in stream:
            below = [words for line in lines[end:][:MAX_SIGNED] if len(words := _words(line)) >= 3]
            again = any(f" {' '.join(words)} " in stream for words in below)
            return end if end > number and not again else len(lines)
    return len(lines)


def _quotes_anything(lines: Sequence[str], html: str) -> Doubt | None:
    if any(_quote_sign(line) for line in lines):
        return Doubt.OTHER_QUOTE
    if any(_header_block(lines, number) or _opens_like_a_program(lines, number) for number in range(len(lines))):
        return Doubt.OTHER_QUOTE
    if any(_BETWEEN_DASHES.search(line) for line in lines):
        return Doubt.OTHER_QUOTE
    marks = r"<blockquote|gmail_quote|divRplyFwdMsg|moz-cite-prefix|yahoo_quoted|protonmail_quote|OutlookMessageHeader"
    return Doubt.NOT_FOUND if re.search(marks, html) else None


# --- what stands around it -----------------------------------------------------------------------------------------


def _around(lines: Sequence[str], ours: Sequence[bool], sent_text: str, signed: _Signed) -> OwnWords:
    first = ours.index(True)
    last = len(ours) - 1 - ours[::-1].index(True)
    start, banner = _attribution(lines, first)
    if banner or _typed_inside(lines, ours, first, last, sent_text):
        return OwnWords(doubt=Doubt.INLINE)
    above, below = list(lines[:start]), list(lines[last + 1 :])
    below = [line for line in below if _by_hand(line)] and below
    while below and not _by_hand(below[0]) and below[0].strip() != "--":
        below.pop(0)
    upper, lower = signed.finished(above), signed.below([line for line in below if not _quote_sign(line)])
    if upper.words and lower.words:
        return OwnWords(doubt=Doubt.INLINE, around=(upper.words, lower.words))
    if lower.words and any(_quote_sign(line) for line in below):
        return OwnWords(doubt=Doubt.INLINE)
    chosen = upper if upper.words else lower
    if doubt := _quotes_anything(chosen.words.split("\n"), ""):
        return OwnWords(doubt=doubt)
    left_out, signature = upper.left_out + lower.left_out, upper.signature + lower.signature
    return OwnWords(words=chosen.words, left_out=left_out, signature=signature, doubt=None if chosen.words else Doubt.NO_WORDS)


def _typed_inside(lines: Sequence[str], ours: Sequence[bool], first: int, last: int, sent_text: str) -> bool:
    """Tell whether the agent wrote between our lines, also where the program gave the new line a quote sign."""
    if any(_by_hand(lines[number]) for number in range(first, last) if not ours[number]):
        return True
    said = [number for number in range(first, len(lines)) if _words(lines[number]) and (ours[number] or _quote_sign(lines[number]))]
    foreign = [at for at, number in enumerate(said) if not ours[number] and not _left_by_a_program(lines[number])]
    stream = f" {' '.join(_words(sent_text))} "
    neighbours = ([_words(lines[number]) for number in said[max(0, at - 1) : at + 2]] for at in foreign)
    return len(foreign) > MAX_SIGNED or (bool(sent_text) and any(_is_set_in(three, stream) for three in neighbours))


def _is_set_in(three: Sequence[Sequence[str]], stream: str) -> bool:
    """Tell whether the middle one of three lines is none of ours, rather than one that a program changed by a word."""
    if len(three) < 2 or f" {' '.join(three[1])} " in stream:
        return False
    around = [*three[0][-3:], *(three[2][:3] if len(three) > 2 else ())]
    return len(three[1]) > 1 or len(three) == 2 or f" {' '.join(around)} " in stream


def _unquoted(line: str) -> str:
    return re.sub(r"^[\s>|]+", "", line)


def _quote_sign(line: str) -> bool:
    return bool(re.match(r"\s*(?:>|\|\s)", line))


_SCRAPS = re.compile(r"[\W_]*|→.*", re.DOTALL)


def _by_hand(line: str) -> bool:
    """Tell whether a line that is not ours may be the agent's."""
    return not _quote_sign(line) and not _left_by_a_program(line)


def _left_by_a_program(line: str) -> bool:
    """Tell pictures, rules and our one-tap lines, which stand only in the page that we sent."""
    bare = _LEFT_OF_PAGE.sub("", _unquoted(line)).strip()
    return len(line) <= 1000 and bool(_SCRAPS.fullmatch(bare) or _ONE_TAP.search(bare))


_WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|geschrieben|schreef|geschreven|escribi[oó]|écrit|ecrit|scritto|escreveu|skrev|kirjoitti|"
    r"napisał(?:a|\(a\))?|napsal(?:\(a\)|a)?|írta|пишет|написал(?:а|\(а\))?|написа|yazdı|a scris|写道|έγραψε)"
    r"\b.{0,60}[:：]\s*$",
    re.IGNORECASE,
)
_TIMED = re.compile(r"(?=.*(?:\d{1,2}[:.h]\d{2}|20\d\d)).*(?:@|<|[„\"“»]|,).*[:：]\s*$")
_ORIGINAL = re.compile(r"\s*(?:[-_]{3,}[^-_][^_]{2,48}?[^-_][-_]{3,}|_{10,}|-{10,})\s*")
_BETWEEN_DASHES = re.compile(r"^\s*[-_]{4,}[^-_].{2,}?[-_]{4,}")
_FIELD = re.compile(r"\s*\*?([^\W\d_][\w .'-]{0,22}?)\s?:\*?\s")
_OF_A_MAIL = re.compile(  # the names of a mail's fields, as programs show them
    r"from|sent|to|cc|subject|date|von|gesendet|an|betreff|datum|de|envoyé|à|objet|para|asunto|enviado|fecha|van|verzonden|aan|onderwerp|"
    r"da|inviato|a|oggetto|data|enviada|assunto|från|skickat|till|ämne|fra|sendt|til|emne|od|wysłano|do|temat|odesláno|komu|předmět|"
    r"lähettäjä|lähetetty|vastaanottaja|aihe|feladó|elküldve|címzett|tárgy|от|отправлено|кому|тема|kimden|gönderilen|kime|konu",
    re.IGNORECASE,
)


def _opens_quote(lines: Sequence[str], number: int) -> int:
    """Say how many lines from here are a program's "On ... wrote:", 0 if none; it may be wrapped over up to four."""
    if not lines[number].strip() or _quote_sign(lines[number]):
        return 0
    for count in range(1, 5):
        part = lines[number : number + count]
        if not part[-1].strip():
            return 0
        joined = " ".join(line.strip() for line in part)
        if len(joined) > 400:
            return 0
        if _WROTE.search(joined) and re.search(r"\d|@", joined):
            return count
        if _TIMED.match(joined) and "@" in joined and re.search(r"\d", joined):
            return count
    return 0


def _opens_like_a_program(lines: Sequence[str], number: int) -> bool:
    """Tell "On 9 November 2026 Bob wrote:" from a sentence such as "our courier wrote on 9 November 2026:"."""
    count = _opens_quote(lines, number)
    return bool(count) and ("@" in "".join(lines[number : number + count]) or bool(_BEGINS.match(lines[number])))


def _header_block(lines: Sequence[str], number: int) -> int:
    """Say how many lines from here are a header block as Outlook sets it above a quotation, 0 if none."""
    end = number
    while end < len(lines) and lines[end].strip() and end - number < 14:
        if end - number < 2 and not _FIELD.match(lines[end]):
            return 0  # a long list of readers may be wrapped, but never before the second field
        end += 1
    block = lines[number:end]
    fields = sum(bool(_FIELD.match(line)) for line in block)
    addressed = any("@" in line for line in block)
    timed = any(re.search(r"\d{1,2}[:.]\d\d", line) for line in block)
    known = [bool(field and _OF_A_MAIL.fullmatch(field[1])) for field in map(_FIELD.match, block)]
    if sum(known) >= 2:
        # "One more thing: ..." right above it is the agent's
        told = known[0] and (addressed or timed if fields >= 3 else addressed and timed)
    else:
        told = fields >= 4 and addressed and timed
    return len(block) if told else 0


def _attribution(lines: Sequence[str], first: int) -> tuple[int, bool]:
    """Find where the program's lines above our mail begin, and whether a person's words stand between them and it."""
    bare = [_unquoted(line) for line in lines[:first]]  # some programs quote their own line, too
    found = None
    for number in range(max(0, first - 60), first):
        if count := _opens_quote(bare, number):
            if found is None or number >= sum(found):
                found = number, count  # the nearest one; the agent may have written such a line, too
        elif count := _header_block(bare, number):
            return _from_here(lines, first, number, count)
    return _from_here(lines, first, *_without_words_above(bare, *found)) if found else (_rule_above(lines, first), False)


def _from_here(lines: Sequence[str], first: int, number: int, count: int) -> tuple[int, bool]:
    between = lines[number + count : first]
    return _rule_above(lines, number), any(_by_hand(line) and not _BANNER.search(line) for line in between)


_BEGINS = re.compile(
    r"\s*(?:(?:on|am|le|el|il|op|den|em|dnia|w dniu|dne|på|kl)\s.*\d|\d{1,4}[-./]\s?\d|"
    r"(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so)[a-z]{0,6}[.,]{1,2}\s.*\d)",
    re.IGNORECASE,
)


def _without_words_above(lines: Sequence[str], number: int, count: int) -> tuple[int, int]:
    """Leave the agent's lines right above "On ... wrote:" out of it: it begins where a date does, else as late as it can."""
    end = number + count
    starts = [at for at in range(number, end) if _opens_quote(lines, at) == end - at]
    starts = [at for at in starts if not any(re.search(r"[.!?]\s*$", line) for line in lines[at : end - 1])] or starts
    dated = [at for at in starts if _BEGINS.match(lines[at])]
    named = [at for at in starts if not lines[at].lstrip().startswith(("<", "(", "["))]
    start = (dated or named or [number])[-1]
    return start, end - start


_BANNER = re.compile(
    r"external|extern|outside (?:of )?(?:your|the|our)|caution|vorsicht|warning|achtung|click links|unless you",
    re.IGNORECASE,
)


def _rule_above(lines: Sequence[str], start: int) -> int:
    """Take along the rule or "Original Message" line above, with the blank lines."""
    while start > 0 and (not lines[start - 1].strip() or _ORIGINAL.fullmatch(lines[start - 1])):
        start -= 1
    return start


# --- signatures ----------------------------------------------------------------------------------------------------

_PHONE = re.compile(
    r"(?:sent (?:from|with|via)|get|von meinem|gesendet (?:von|mit|aus|über)|diese nachricht wurde von|envoy[ée] (?:de|depuis|à partir)|"
    r"enviado (?:desde|do|de)|inviato da|(?:verzonden|verstuurd) (?:vanaf|vanuit|met)|skickat från|sendt fra|obten(?:ez|ir|er)|"
    r"holen sie sich|télécharger|outlook (?:für|voor))\b.{0,30}"
    r"(?:iphone|ipad|android|outlook|samsung|galaxy|huawei|k-9|thunderbird|blackberry|mobile|handy|mobil|mail f|proton|yahoo|"
    r"gmx|web\.de|smartphone|ios<|ios )",
    re.IGNORECASE,
)
MAX_SIGNATURE = 20
MAX_PIECES = 200  # in which Word writes one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """What is known of the writer's signature: its words as the page marks them, and who they are."""

    pages: Sequence[Sequence[str]] = ()
    writer: Address | None = None
    learnt: Sequence[Sequence[str]] = ()

    def finished(self, lines: Sequence[str]) -> OwnWords:
        """Cut the signature and the line that phones add, and say so."""
        kept, left_out, signature = list(lines), list[str](), list[str]()
        _strip(kept)
        start = _marked(kept)
        if start is None:
            start = _as_the_page_has_it(kept, self.pages)
        if start is None:
            start = begins([_compared(line) for line in _without_phone(kept)], self.learnt)
        if start is None and self.writer is not None:
            start = _names_the_writer(kept, self.writer)
        if start is not None:
            below = [line for line in kept[start:] if line.strip(" -")]
            kept, signature = kept[:start], below
            left_out.append(f"your signature ({len(below)} line{'' if len(below) == 1 else 's'})")
        _strip(kept)
        if len(_without_phone(kept)) < len(kept):
            left_out.append(f'the line "{kept.pop().strip()}"')
            _strip(kept)
        words = _LINKED_TO_ITSELF.sub(r"\1", "\n".join(kept))
        cut = tuple(map(str.strip, signature))
        return OwnWords(words=words, left_out=tuple(left_out), signature=cut, doubt=None if words else Doubt.NO_WORDS)

    def below(self, lines: Sequence[str]) -> OwnWords:
        """The same of what stands below the quotation, where a learnt block may be all there is: a footer that a server sets there."""
        spoken = [folded(plain) for line in lines if (plain := _compared(line))]
        if spoken and spoken in [list(block) for block in self.learnt]:
            return OwnWords(left_out=(f"your footer ({len(spoken)} line{'' if len(spoken) == 1 else 's'})",), signature=tuple(spoken))
        return self.finished(lines)


def signature_lines(text: str) -> tuple[str, ...]:
    """The lines of a text as those of signatures are compared: without what programs write for pictures and links."""
    lines = _without_phone([line for line in text.split("\n") if line.strip()])
    return tuple(plain for line in lines if (plain := _compared(line)))


def _compared(line: str) -> str:
    return folded(_LEFT_OF_PAGE.sub(" ", _LINKED_TO_ITSELF.sub(r"\1", line)))


def _without_phone(lines: Sequence[str]) -> list[str]:
    """Leave out the line that phones add, if it is the last."""
    is_phones = bool(lines) and len(lines[-1]) < 120 and _PHONE.match(lines[-1].strip(" *_<")) is not None
    return list(lines[:-1] if is_phones else lines)


def _marked(lines: Sequence[str]) -> int | None:
    """Find the mark with a few lines below. The last of those without their space: people draw a line with it, too."""
    marks = [number for number, line in enumerate(lines) if line == MARK][:1] or [
        n for n, line in enumerate(lines) if line.strip() == "--"
    ][-1:]
    return next((mark for mark in marks if sum(bool(line.strip()) for line in lines[mark + 1 :]) <= MAX_SIGNATURE), None)


def _as_the_page_has_it(lines: Sequence[str], pages: Sequence[Sequence[str]]) -> int | None:
    """Find where the words end with those that the page names as the signature."""
    spoken = [_words(line) for line in lines]
    for signature in pages:
        tail: list[str] = []
        for number in range(len(lines) - 1, max(-1, len(lines) - 1 - 3 * MAX_SIGNATURE), -1):
            tail = spoken[number] + tail
            if tail == signature and spoken[number]:
                return number
    return None


def _names_the_writer(lines: Sequence[str], writer: Address) -> int | None:
    """Find a last block that begins with the writer's name and holds their address; no line of it is a sentence."""
    names, address = _words(writer.name), writer.email.casefold()
    block = [number for number, line in enumerate(lines) if line.strip()][-MAX_SIGNATURE:]
    starts = [number for number in block if names and _words(lines[number])[: len(names)] == names and len(_words(lines[number])) < 10]
    if not starts or not address:
        return None
    below = [line for line in lines[starts[-1] :] if line.strip()]
    spoken = any(re.search(r"[?!;]\s*$|[a-z]{2}\.\s*$", line) or len(line) > 160 for line in below)
    return starts[-1] if not spoken and any(address in line.casefold() for line in below) else None


_SIGNATURE = re.compile(
    r"<(?P<tag>[a-z]+)\b[^<>]{0,500}(?:\bgmail_signature\b|\bmoz-signature\b|\bid=[\"']?(?:x_)?Signature\b|"
    r"\bms-outlook-mobile-signature\b|\bAppleMailSignature\b|\blineBreakAtBeginningOfSignature\b|\b_MailAutoSig\b)[^<>]{0,500}>"
)
_AFTER_BREAK = re.compile(r"\s*<(?P<tag>div|span|p)\b")
_PICTURE = re.compile(r"<img\b[^<>]*>")


def _signatures(html: str) -> list[list[str]]:
    """Give the words of the page's signature, with those that stand for its pictures and without."""
    pieces, end = [], 0
    for match in _SIGNATURE.finditer(html):
        element = _AFTER_BREAK.match(html, match.end()) if match["tag"] == "br" else match
        if element is not None and element.start() >= end:
            pieces.append(_element(html, element["tag"], element.start("tag") - 1))
            end = element.start() + len(pieces[-1])
            if not pieces[-1] or len(pieces) > MAX_PIECES:
                return []
    page = "\n".join(pieces)
    return [words for source in (page, _PICTURE.sub("", page)) if (words := _words(html_text(source)))]


def _element(html: str, tag: str, start: int) -> str:
    """Give the element that begins here, up to its end tag; "" if it has none."""
    depth = 0
    for match in re.compile(rf"<(/?){tag}\b[^<>]*>", re.IGNORECASE).finditer(html, start):
        depth += -1 if match[1] else 1
        if depth == 0:
            return html[start : match.end()]
    return ""


def _strip(lines: list[str]) -> None:
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
