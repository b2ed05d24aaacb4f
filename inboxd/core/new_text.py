"""What a person wrote now: quotes and signatures are cut, and in doubt the words stay. One pass over the lines."""

from __future__ import annotations

import re
from collections.abc import Iterable

from inboxd.core.cards import card_begins, ends_a_sentence, last_said, tells_where
from inboxd.core.model import Message

_LONGEST = 400  # characters: no line that introduces a quotation is longer
_SPREAD = 6  # lines over which clients wrap "On ... wrote:"
_MAY_END = (":", "：", ">", "-", "*", "_")  # what the last of them ends with


def _any(words: str) -> str:
    return "|".join(re.escape(word.replace("_", " ")) for word in words.split())


# The labels of a quoted mail's header block, as clients write them in their users' languages.
_LABELS = {
    "from": "from von de da van fra från od от від de_la feladó kimden gönderen lähettäjä afzender remitente mittente "
    "expéditeur remetente 发件人 寄件者 差出人 보낸_사람 από",
    "sent": "sent gesendet envoyé_le envoyé date_d'envoi enviado enviado_el enviado_em enviada inviato verzonden sendt "
    "skickat wysłano wysłane отправлено odesláno lähetetty gönderildi elküldve 发送时间 送信日時 보낸_날짜",
    "date": "date datum fecha data dato дата päivämäärä päiväys tarih dátum 日期 日付 ημερομηνία",
    "to": "to an à a para aan til till do кому komu vastaanottaja kime címzett 收件人 宛先 받는_사람 προς reply-to",
    "cc": "cc kopie kopia kopi copie copia копия bcc 抄送",
    "subject": "subject betreff objet asunto oggetto onderwerp assunto emne ämne temat тема předmět aihe konu tárgy "
    "主题 主旨 件名 제목 θέμα subiect",
}
_LABEL_OF = {word.replace("_", " "): kind for kind, found in _LABELS.items() for word in found.split()}
_LABEL = re.compile(r"[\s>*|]*([^\W\d_][^:：*\d]{0,18}?)\s*\*?\s*[:：]\s*\*?(.*)")

_WROTE = re.compile(
    r"\b(?:wrote|writes|sent|schrieb|geschrieben|a\s+écrit|écrit|escribió|escreveu|ha\s+scritto|scrisse|schreef|"
    r"geschreven|skrev|"
    r"napisał(?:a|\(a\))?|pisze|napsal(?:a|\(a\))?|kirjoitti|írta|yazdı|написал(?:а|\(а\))?|пишет|писал(?:а)?|"
    r"đã\s+viết|έγραψε|a\s+scris|написав|wrote\s+on)\b|写道|寫道|のメール|작성|さんは書きました",
    re.I,
)
_TIME = re.compile(r"\d{1,2}[:.h]\d{2}|\d\s*[ap]\.?m\b", re.I)
_DATE_FIRST = re.compile(r"(?:\w{2,10}\.?,?\s+)?(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2} \w{3,9} \d{4})")
_STARTER = re.compile(r"(?:on|am|le|el|il|op|den|på|em|w dniu|dnia|dne|vào|в|pada|zo|în|στις)\s", re.I)
_ON_INSIDE = re.compile(r"(?<=\S)(?:\s+|-{2,}\s*)(?=(?:On|Am|Le|El|Il|Op) [^<>]{1,60}\d)")

_ORIGINAL = re.compile(
    r"[\s>*]*[-_=*]{2,}\s*(?:"
    + _any(
        "original_message originalnachricht original-nachricht ursprüngliche_nachricht ursprungliche_nachricht message_d'origine "
        "message_original mensaje_original messaggio_originale messaggio_originario mensagem_original "
        "oorspronkelijk_bericht oprindelig_meddelelse ursprungligt_meddelande opprinnelig_melding "
        "wiadomość_oryginalna oryginalna_wiadomość исходное_сообщение původní_zpráva eredeti_üzenet "
        "alkuperäinen_viesti orijinal_mesaj original_appointment reply_message 原始邮件 元のメッセージ 원본_메시지"
    )
    + r")\s*[-_=*]*\s*",
    re.I,
)
_WROTE_BETWEEN_DASHES = re.compile(r"\s*-{2,}\s*[^-]{1,80}\b(?:wrote|schrieb|écrit|escribió|ha scritto|schreef)\s*-{2,}\s*", re.I)
_FORWARDED = re.compile(
    r"[\s>*]*(?:[-_=*]{2,}\s*(?:"
    + _any(
        "forwarded_message forwarded_by weitergeleitete_nachricht message_transféré mensaje_reenviado "
        "messaggio_inoltrato mensagem_encaminhada doorgestuurd_bericht videresendt_meddelelse "
        "vidarebefordrat_meddelande przekazana_wiadomość пересылаемое_сообщение 转发邮件"
    )
    + r")|(?:"
    + _any(
        "begin_forwarded_message anfang_der_weitergeleiteten_nachricht début_du_message_réexpédié "
        "début_du_message_transféré inicio_del_mensaje_reenviado inizio_messaggio_inoltrato "
        "inizio_del_messaggio_inoltrato início_da_mensagem_reencaminhada begin_doorgestuurd_bericht"
    )
    + r")\s*:)",
    re.I,
)
_POINTER = re.compile(
    r"(?:fyi|fya|zk|z\. ?k\.|zur (?:kenntnis|info(?:rmation)?)|see below|please see below|siehe unten|s\. u\.|"
    r"voir ci-dessous|pour info(?:rmation)?|ver abajo|vedi sotto|zie hieronder|ter info)[\s.!:,-]*",
    re.I,
)

_SIGNATURE = re.compile(r"(?:--|—|––)\s*")
_LINE = re.compile(r"[\s*]*(?:_{5,}|-{5,}|={5,}|\*{5,})\s*")
_DEVICE = (
    r"(?:i ?phone|i ?pad|ipod|android|samsung|galaxy|blackberry|windows|nokia|huawei|xiaomi|pixel|mobile|phone|handy|"
    r"smartphone|tablet|ios|mobil\w*|móvil|outlook|gmail|gmx|web\.de|yahoo\w*|mail|proton\w*|k-9|acompli|thunderbird|"
    r"sparrow)"
)
_SENT_FROM = re.compile(
    r"\s*(?:sent (?:from|with|via|by)|get outlook for|holen sie sich outlook|gesendet (?:von|mit|aus|über)|von mein\w+|"
    r"diese nachricht wurde von|"
    r"envoyé (?:de|depuis|à partir)|enviado (?:desde|do|de|a partir)|enviada do|inviato d|verzonden (?:vanaf|met|"
    r"vanuit)|"
    r"skickat från|sendt fra|wysłan[eo] z|odesláno z|отправлено (?:с|из)|lähetetty)[^,;?!]{0,60}" + _DEVICE + r"[^,;?!]{0,50}",
    re.I,
)
_DASH_NAME = re.compile(r"-[A-ZÀ-Þ][^\W\d_]+(?: [A-ZÀ-Þ][^\W\d_]+){1,2}")
_WORD = re.compile(r"\w")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\ufeff\u00ad"))


def new_text(message: Message) -> str:
    """Give what this person wrote now, without quotes and signature; in doubt with them."""
    return split(message.text)[0]


def split(text: str) -> tuple[str, str]:
    """Divide a mail's text into its new part and the rest: quotes, their introductions, signatures."""
    lines = text.replace("\xa0", " ").translate(_INVISIBLE).split("\n")
    old = _old_lines(lines)
    _mark_signatures(lines, old)
    new = [line for line, is_old in zip(lines, old, strict=True) if not is_old]
    rest = [line for line, is_old in zip(lines, old, strict=True) if is_old]
    return _tidy(new), _tidy(rest)


def forwarded(text: str) -> tuple[str, dict[str, str], str]:
    """Divide a mail that passes another on: what stands above it, its header ("from", "subject", ...), its text.

    Where no forwarded mail is found the header is empty, and all is above.
    """
    lines = text.replace("\xa0", " ").translate(_INVISIBLE).split("\n")
    at = next((n for n, line in enumerate(lines) if _FORWARDED.match(line[:_LONGEST]) or _begins_old_mail(lines, n)), None)
    if at is None:
        return text, {}, ""
    index, fields = at, dict[str, str]()
    while index < len(lines):
        found = _label(lines[index].lstrip("> "))
        if found is not None:
            fields.setdefault(found[0], found[1].strip())
        elif (fields and not lines[index].strip("> ")) or (index > at + 3 and not fields):
            break
        index += 1
    body = [line.removeprefix("> ").removeprefix(">") if is_quoted(line) else line for line in lines[index:]]
    return "\n".join(lines[:at]), fields or {"": ""}, "\n".join(body)


def _old_lines(lines: list[str]) -> list[bool]:
    """Say of each line whether it is somebody's earlier words."""
    old = [False] * len(lines)
    index = 0
    said = False  # whether there are new words above
    while index < len(lines):
        line = lines[index]
        if is_quoted(line):
            index = _mark_quotation(lines, old, index)
            continue
        if len(line) > 4 * _LONGEST or not line.strip():
            said = said or bool(line.strip())
            index += 1
            continue
        if _FORWARDED.match(line[:_LONGEST]):
            if said and not _is_pointer(lines[:index], old):
                _mark(old, index, len(lines))
            break  # a forwarded mail with nothing above is what the person wants read
        if said and _begins_old_mail(lines, index):
            _mark(old, index, len(lines))
            break
        taken, sure = _introduction(lines, index)
        if taken and _quotation_follows(lines, index + taken):
            kept = _before(line) if taken == 1 else ""
            if kept:
                lines[index] = kept
                said = True
            _mark(old, index + bool(kept), index + taken)
            index += taken
            continue
        if taken and sure and said:
            _mark(old, index, len(lines))
            break
        said = said or bool(_WORD.search(line))
        index += 1
    return old


def _mark(old: list[bool], start: int, end: int) -> None:
    old[start:end] = [True] * (end - start)


def is_quoted(line: str) -> bool:
    """Whether the line begins with a quotation mark of mail."""
    if not line.lstrip(" \t").startswith(">"):
        return False
    return not ("<<<" in line and line.lstrip().startswith(">>>"))  # an arrow, not a quotation


def _mark_quotation(lines: list[str], old: list[bool], index: int) -> int:
    """Mark the quoted lines from here on, with the broken-off ends of links between them."""
    while index < len(lines):
        if not is_quoted(lines[index]):
            follows = index + 1 < len(lines) and is_quoted(lines[index + 1])
            if not follows or not _is_broken_link(lines[index]):
                break
        old[index] = True
        index += 1
    return index


def _is_broken_link(line: str) -> bool:
    line = line.strip()
    return len(line) < 200 and ("http" in line or (" " not in line and len(line) > 8 and line.endswith((")", ">"))))


def _is_pointer(lines: list[str], old: list[bool]) -> bool:
    """Whether the new words only point at what is forwarded ("FYI")."""
    words = " ".join(line.strip() for line, is_old in zip(lines, old, strict=False) if not is_old and line.strip())
    return _POINTER.fullmatch(words[:200]) is not None


def _begins_old_mail(lines: list[str], index: int) -> bool:
    line = lines[index][:_LONGEST]
    if _ORIGINAL.fullmatch(line) or _WROTE_BETWEEN_DASHES.fullmatch(line):
        return True
    return (":" in line[:60] or "：" in line[:60]) and _is_header_block(lines, index)


def _is_header_block(lines: list[str], index: int) -> bool:
    """Whether the header of an earlier mail stands here, as Outlook and others write it above the old text."""
    first = _label(lines[index])
    if first is None or first[0] not in ("from", "sent", "date", "subject"):
        return False
    kinds = {first[0]}
    values = [first[1]]
    misses = 0
    for line in lines[index + 1 : index + 12]:
        found = _label(line)
        if found is None:
            misses += 1
            values.append(line[:200])
            if misses > 2 or (not line.strip() and len(kinds) > 1):
                break
            continue
        if found[0] in kinds and found[0] != "to":
            break
        kinds.add(found[0])
        values.append(found[1])
    together = " ".join(values)
    if len(kinds) >= 3 and ("subject" in kinds or {"from", "sent"} <= kinds):
        return True
    return len(kinds) >= 2 and bool(kinds & {"sent", "date"}) and "@" in together  # a form has From and Subject, and no date


def _label(line: str) -> tuple[str, str] | None:
    match = _LABEL.match(line[:_LONGEST])
    if match is None:
        return None
    kind = _LABEL_OF.get(" ".join(match[1].strip(" *").lower().split()))
    return (kind, match[2]) if kind else None


def _introduction(lines: list[str], index: int) -> tuple[int, bool]:
    """How many lines from here say "On ... wrote:" (0 if none), and whether no person would write that by hand."""
    joined, near = "", lines[index : index + _SPREAD]
    if not any(line.rstrip().endswith(_MAY_END) for line in near):  # nearly all lines of nearly all mails
        return 0, False
    for taken, line in enumerate(near, start=1):
        joined = f"{joined} {line.strip()}".strip() if joined else line.strip()
        if taken == 2 and not (_STARTER.match(lines[index].lstrip(" -*_")) or _DATE_FIRST.match(lines[index].strip())):
            break
        if len(joined) > _LONGEST:
            return _long_introduction(line) if taken == 1 else (0, False)
        if is_quoted(line) and taken > 1 and not line.rstrip().endswith(":"):
            break
        bare = joined.strip("-*_ ")
        if _introduces(bare, joined):
            return taken, "@" in joined  # "On 12.11. I sent the following:" is a person's
        if _names_date_and_address(bare) and _quotation_follows(lines, index + taken):
            return taken, True
        if not line.strip() and not (taken > 1 and _STARTER.match(joined)):
            break
    return 0, False


def _long_introduction(line: str) -> tuple[int, bool]:
    """A paragraph in one line that ends in an introduction."""
    return (1, False) if _introduces(line[-_LONGEST:].strip("-*_ "), line[-3:]) and _before(line) else (0, False)


def _introduces(bare: str, joined: str) -> bool:
    ends = bare.endswith((":", "："))
    if not ends and not joined.endswith("--"):
        return False
    if not any(character.isdigit() for character in bare) and "@" not in bare:
        return False
    if _WROTE.search(bare[-160:]) or (_WROTE.search(bare) and _STARTER.match(bare)):
        return _STARTER.match(bare) is not None or "@" in bare or _TIME.search(bare) is not None
    return ends and _DATE_FIRST.match(bare) is not None and "@" in bare


def _names_date_and_address(bare: str) -> bool:
    """An introduction without a verb, or in a language we do not know."""
    if "@" not in bare or not bare.endswith((">", ":", "：")):
        return False
    return _DATE_FIRST.match(bare) is not None or (bare[-1] != ">" and _TIME.search(bare) is not None)


def _quotation_follows(lines: list[str], index: int) -> bool:
    """Whether the next line with words is a quoted one."""
    for line in lines[index : index + 8]:
        if line.strip():
            return is_quoted(line)
    return False


def _before(line: str) -> str:
    """The words before an introduction that shares their line."""
    tail = max(0, len(line) - _LONGEST)
    last = ""
    for match in _ON_INSIDE.finditer(line, tail):
        if _WROTE.search(line, match.end()):
            last = line[: match.start()]
    return last.rstrip() if _WORD.search(last) else ""


# --- signatures --------------------------------------------------------------------------------------------------


def _mark_signatures(lines: list[str], old: list[bool]) -> None:
    """Mark signatures at the end of each stretch of new lines, unless nothing would be left."""
    stretches = list(_stretches(old))
    for start, end in stretches:
        if any(_WORD.search(line) for line in lines[start:end]):
            _mark(old, _signature(lines, start, end), end)


def _stretches(old: list[bool]) -> Iterable[tuple[int, int]]:
    start = None
    for index, is_old in enumerate(old):
        if not is_old and start is None:
            start = index
        elif is_old and start is not None:
            yield start, index
            start = None
    if start is not None:
        yield start, len(old)


def _signature(lines: list[str], start: int, end: int) -> int:
    """Where the signature of this stretch of lines begins; `end` if it has none."""
    for index in range(max(start, end - 40), end):
        line = lines[index]
        if index > start and _SIGNATURE.fullmatch(line) and _is_signature(line, lines[index + 1 : end]):
            return index
        if index > start and _LINE.fullmatch(line) and _is_footer(lines[index + 1 : end]):
            end = index
            break
    end = _without_last(lines, start, end)
    return card_begins(lines, start, end)


def _is_signature(mark: str, below: list[str]) -> bool:
    """What stands below the mark of RFC 3676, 4.3; where its space is missing, only what reads like a card."""
    said = sum(1 for line in below if line.strip())
    if mark == "-- ":
        return said <= 25
    return said <= 12 and not any(ends_a_sentence(line) for line in below)


def _is_footer(below: list[str]) -> bool:
    """What stands below a ruled line is a footer if it is short and tells where to reach somebody."""
    said = [line for line in below if line.strip()]
    contacts = sum(1 for line in said if tells_where(line))
    return not said or (len(said) <= 12 and all(len(line) < 120 for line in said) and contacts > 0)


def _without_last(lines: list[str], start: int, end: int) -> int:
    """Step back over "Sent from my phone" and "-Jane Doe"."""
    while True:
        last = last_said(lines, start, end)
        if last <= start:
            return end
        line = lines[last].strip()
        is_device = len(line) < 160 and (_SENT_FROM.fullmatch(line) or _LINE.fullmatch(line))
        if not is_device and not (_DASH_NAME.fullmatch(line) and not lines[last - 1].strip()):
            return end
        end = last


def _tidy(lines: list[str]) -> str:
    """Join lines; no empty lines at the ends, at most two between."""
    out: list[str] = []
    empty = 0
    for line in lines:
        empty = 0 if line.strip() else empty + 1
        if empty <= 2:
            out.append(line.rstrip())
    return "\n".join(out).strip("\n")
