"""Person or machine? By headers first (RFC 3834, 3464, 5965, 8098, 2369), by words only where a machine is likely."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inboxd.core.model import Bounce, Directory, Kind, Message, MessageId, Screening

MOST_HOPS = 100  # RFC 5321, 6.3
_READ = 20_000  # characters of the text that are looked at

_DAEMON = re.compile(
    r"^(?:.*[-_.])?(?:mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|mmdf|mail[-_.]?delivery(?:[-_.]\w+)*|mailsubsystem|"
    r"delivery[-_]?notification|nondeliver\w*)$|^postmaster\b|^ndr$"
)
_MAIL_PROGRAM = re.compile(
    r"smtp|\bbounces?\b|virus|gateway|^(?:abuse|mta|uucp)$|system ?administrator|[-_.]daemon$|"
    r"mail[-_.]?server"
)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[ -]?(?:delivery|daemon)|delivery (?:sub)?system|^postmaster|mail (?:admin|transport|subsystem)|"
    r"^system administrator|internet mail delivery|returned mail|^mail system|microsoft exchange|"
    r"system attendant|smtp (?:gateway|server)",
    re.I,
)
_NO_REPLY = re.compile(
    r"^(?:.*[-_.+])?(?:no|not|do[-_.]?not|donot|dont|ne[-_.]?pas|nicht|non|nao)[-_.]?(?:reply|respond|antworten|"
    r"repondre|"
    r"rispondere|responder|responda)(?:[-_.+].*)?$"
)
_MACHINE_NAME = re.compile(
    r"^(?:notifications?|alerts?|newsletters?|news|marketing|mailings?|cron|root|nagios|jenkins|daemon|www-data|apache|"
    r"automailer|auto-?confirm|order-update|bounce)$"
)

_BOUNCE_SUBJECT = re.compile(
    r"undeliver(?:ed|able)|undelivr|deliver(?:y|able)[ -](?:status|fail|report|notif|problem|error|has|has been|"
    r"delay|incomplete|"
    r"warning|temporar)|fail(?:ed|ure) (?:notice|delivery|mail|to deliver)|failure notice|(?:mail|message|e-?mail) "
    r"(?:delivery|could not be|undeliv|not deliv|status report|returned)|non[- ]?deliver|returned (?:mail|"
    r"to sender|message)|"
    r"returning message|unzustellbar|nicht zugestellt|zustell(?:ung|fehler)|fehlgeschlagen|rückläufer|"
    r"non[- ]remis|échec|"
    r"non remis|no se (?:puede|pudo) entregar|no entregado|devuelto|mancata consegna|non recapitat|onbestelbaar|"
    r"não entregue|devolvid|falha|olevererbart|ikke leveres|nie dostarcz|недоставлен|не доставлено|"
    r"could not (?:be )?(?:send|sent|deliver)|unable to deliver|cannot deliver|delivery|mail (?:failure|error|warning)|"
    r"warning: (?:message|could)|delayed|user unknown|unknown user|mailbox (?:full|unavailable|over)|nondeliver|"
    r"message status|permanent (?:error|failure)|\bnot deliver|wurde nicht|bounce",
    re.I,
)
_BOUNCE_BODY = re.compile(
    r"could not be delivered|couldn'?t be delivered|was not delivered|not be delivered|undeliverable|undelivered|"
    r"unable to (?:deliver|find)|failed (?:to deliver|recipient|address|permanent)|delivery (?:to|has|of|failed|"
    r"failure|status|"
    r"attempt|report|error)|permanent (?:fatal )?error|fatal error|returned (?:to sender|to you|mail|below)|"
    r"user unknown|"
    r"unknown (?:user|recipient|local|address|mailbox)|no such (?:user|mailbox|recipient|local|address|person)|"
    r"mailbox (?:is )?(?:full|unavailable|not found|disabled|quota|has exceeded|does not)|(?:user|mailbox|"
    r"recipient|account|address).{0,60}"
    r"(?:not exist|not found|not listed|unknown|over quota|is full|disabled|inactive|invalid|rejected|not known|"
    r"no longer)|"
    r"over (?:disk )?quota|quota exceeded|address(?:es)? (?:failed|rejected|had|not)|\b5\d\d[ -](?:\d\.\d\.\d\b)?|"
    r"\b[45]\.\d\.\d{1,2}\b|"
    r"nicht (?:zugestellt|gefunden|erreichbar|ausgeliefert)|unzustellbar|zustell|n'a pas pu|"
    r"no (?:se )?(?:ha podido|pudo)|"
    r"non (?:è stato|esiste|può)|kon niet|não pôde|kunne ikke|kunde inte|message-id|transcript of session|"
    r"host (?:unknown|not found)|did not reach|has been rejected|message rejected|rejected by|not accepted|"
    r"bad address|invalid (?:recipient|address|mailbox)|message (?:has )?not (?:been )?(?:sent|delivered)|"
    r"still being retried|delayed",
    re.I,
)
# Said to the sender of a mail by a program, in the form of a notice.
_BOUNCE_FORM = re.compile(
    r"(?:your (?:message|mail|e-?mail)|message (?:that )?you sent|following (?:recipient|address|message)).{0,200}?"
    r"(?:could not|couldn't|was not|not be|has not|failed|undeliver)|(?:could not|unable to|"
    r"cannot) deliver (?:the |your )?(?:message|mail)|"
    r"failed recipients?\b|undeliverable (?:message|mail|to)|votre message n'a pas pu|"
    r"ihre nachricht .{0,80}nicht zugestellt",
    re.I | re.S,
)
_FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I’m|my|me|ich|mir|mein\w*|je|j'ai|mon|mes|yo|mi|mis|io|mio|ik|mijn)\b|\?[ \t]*$",
    re.M,
)
_DELAY = re.compile(
    r"\b(?:delayed|delay|will (?:be retried|keep trying|retry|continue)|still being retried|not yet been delivered|"
    r"warning only|do not need to resend|no action is required|temporary|4\.\d\.\d{1,2}|verzögert)\b",
    re.I,
)
_PERMANENT = re.compile(r"\b(?:permanent|fatal|5\.\d\.\d{1,2}|55\d|giving up|failed|does not exist|unknown user|user unknown)\b", re.I)

_ABSENT_SUBJECT = re.compile(
    r"\s*(?:out[- ]of[- ](?:the )?office|ooo\b|i(?:'m| am) (?:away|on (?:holiday|vacation|leave))|away from (?:my|"
    r"the) (?:office|desk|mail)|"
    r"(?:on )?(?:vacation|holiday|absence|away) (?:notice|message|reply|response|notification)|"
    r"abwesenheit(?:snotiz|snachricht|smeldung|sagent)?|(?:ich bin )?(?:nicht im (?:büro|haus)|im urlaub)|"
    r"urlaubs(?:notiz|meldung|benachrichtigung)|"
    r"absence|absent|absente|(?:message|notification) d'absence|en congé|hors du bureau|fuera de (?:la )?oficina|"
    r"ausente|ausencia|"
    r"fuori (?:ufficio|sede)|assenza|assente|(?:niet aanwezig|afwezig)\w*|ausência|fora do escritório|frånvaro\w*|"
    r"fravær\w*|"
    r"poza biurem|nieobecno|poissa)",
    re.I,
)
_REPLY_SUBJECT = re.compile(
    r"\s*(?:auto(?:matic|mated|matisch\w*|matique)?[- ]?(?:reply|response|responder|answer|antwort\w*|antwoord)|"
    r"\(?auto\)?:(?=\s*(?:re|aw|sv|antw)\b)|"
    r"automatische antwort|automatisches? (?:antwort|beantwortung)|réponse automatique|respuesta automática|"
    r"risposta automatica|"
    r"automatisch antwoord|resposta automática|automatiskt svar|automatisk svar|autosvar|autoreply|"
    r"automaattinen vastaus|"
    r"odpowiedź automatyczna|automatyczna odpowiedź|automatická odpověď|automatikus válasz|otomatik yanıt|автоответ|"
    r"автоматический ответ|自動応答|自动回复|răspuns automat)\s*(?:$|[:：\-–\[(\"„«]|re\b|aw\b)",
    re.I,
)
_ABSENT = re.compile(
    r"\b(?:i (?:am|will be|'m|'ll be)|i’m|we are) (?:currently |now |presently )?(?:out of|away|on (?:annual |"
    r"parental |maternity |sick )?(?:leave|vacation|holiday)|"
    r"not in|travell?ing|absent|unavailable)|out of (?:the )?office (?:until|from|till|and|with|as of)|"
    r"(?:bin|befinde mich) (?:ich )?(?:derzeit |momentan |aktuell |zurzeit |zur zeit |leider |vom .{0,30}|"
    r"bis .{0,40}|ab .{0,30})?(?:nicht (?:im|erreichbar|am)|im (?:urlaub|mutterschutz)|in elternzeit|abwesend|"
    r"außer haus)|"
    r"(?:je suis|je serai) (?:actuellement )?(?:absent|en (?:congé|vacances|déplacement)|hors du bureau)|"
    r"(?:estoy|estaré|me encuentro) (?:fuera|de vacaciones|ausente)|(?:sono|sarò) (?:fuori|assente|in ferie)|"
    r"(?:ben ik|ik ben) (?:momenteel |op dit moment )?(?:afwezig|niet aanwezig|met vakantie|op vakantie)|"
    r"(?:estou|estarei) (?:fora|de férias|ausente)|(?:jag är|är) (?:på semester|inte på kontoret|frånvarande)|"
    r"jestem (?:nieobecn|poza|na urlopie)",
    re.I,
)
_RETURN = re.compile(
    r"\b(?:return|back (?:on|in|at)|until|through|limited (?:access|email)|no access to|in (?:urgent|my absence|"
    r"case of)|urgent(?:ly)? (?:matters|cases|requests|issues|please|contact)|"
    r"will (?:respond|reply|answer|get back)|auto(?:matic|mated|matically)|(?:zurück|wieder (?:im|erreichbar|da))|"
    r"dringende\w*|nicht weitergeleitet|vertret\w+|meiner rückkehr|"
    r"de retour|mon retour|en cas d'urgence|urgente?s?\b|hasta el|mi regreso|al mio (?:rientro|ritorno)|fino al|"
    r"terug|tijdens mijn afwezigheid|"
    r"retorno|até|tillbaka|wracam|powrocie)",
    re.I,
)
# What somebody wants of us who tells when they are away; a notice only asks to write to somebody else.
_REQUEST = re.compile(
    r"\bbitte (?!wenden|kontaktieren|richten|haben|beachten|schreiben|rufen|um\b)\w+|"
    r"\bplease (?:deliver|send|ship|hold|keep|leave|come|do not|don't|wait|change|move|cancel|let me|tell)\b",
    re.I,
)
_RESPONDER_BODY = re.compile(
    r"this is an? (?:automatic|automated|auto[- ]?(?:generated|matically))[^.\n]{0,60}(?:reply|response|mail|"
    r"message|acknowledg)|"
    r"(?:do not|don't|please do not) reply to this (?:automat|e-?mail|message)|"
    r"(?:diese|dies ist eine) (?:e-?mail|nachricht|antwort)? ?[^.\n]{0,30}(?:automatisch|automatisiert)|"
    r"(?:ceci est|message|réponse) [^.\n]{0,20}automatique|(?:este es|esta es|mensaje|respuesta) [^.\n]{0,20}automátic|"
    r"(?:questa è|questo è|messaggio|risposta) [^.\n]{0,20}automatic|dit is een automatisch",
    re.I,
)

_ANSWER_SUBJECT = re.compile(r"\s*(?:re|aw|wg|fwd?|tr|rv|sv|vs|antw|rif|res|enc)\s*:", re.I)
_NEWS_NAME = re.compile(
    r"^(?:e-?news|news|newsflash|.*newsletters?|.*[-_.]news(?:flash)?|announcements?|promo(?:tions?)?|offers|"
    r"mailings?)$"
)
_UNSUBSCRIBE = (
    "unsubscribe", "opt out", "opt-out", "be removed from this list", "be removed from our", "be removed from the list",
    "newsletter abbestellen", "newsletter abmelden", "vom newsletter", "se désabonner", "désinscri", "darse de baja",
    "cancellarsi", "disiscri", "uitschrijven", "afmelden voor", "descadastrar", "wypisz",
)  # fmt: skip
_WHY_YOU = (
    "receiving this email because", "received this email because", "receive this email because",
    "receiving this e-mail because", "received this e-mail because", "receiving this message because",
    "receiving this newsletter", "this email was sent to", "this e-mail was sent to", "this message was sent to",
    "this newsletter was sent to", "you received this email as", "erhalten diese e-mail, weil", "erhalten diesen newsletter",
    "erhältst diese e-mail", "erhältst diesen newsletter", "vous recevez cet e-mail", "vous recevez ce message",
    "ha ricevuto questa email perch", "recibe este correo porque",
)  # fmt: skip
_DO_NOT_REPLY = (
    "do not reply to this email", "do not reply to this e-mail", "do not reply to this message", "do not respond to this email",
    "nicht auf diese e-mail", "nicht auf diese nachricht", "ne pas répondre à ce", "no responda a este", "non rispondere a questa",
)  # fmt: skip

_REPLY_HEADERS = (
    "x-autoreply", "x-autorespond", "x-autoresponder", "x-autoreply-from", "x-mail-autoreply", "x-vacation", "x-auto-reply",
    "x-autoresponse", "auto-reply", "autorespond",
)  # fmt: skip
_GENERATED_HEADERS = ("x-autogenerated", "x-auto-generated", "x-fc-machinegenerated", "x-cron-env")
_LIST_HEADERS = (
    "list-id",
    "list-post",
    "list-unsubscribe",
    "list-help",
    "list-subscribe",
    "x-mailing-list",
    "mailing-list",
)
_BULK_HEADERS = ("x-campaignid", "x-campaign", "x-mailchimp-campaign", "x-mc-user", "x-bulkmail", "x-report-abuse")

_ABOUT = re.compile(r"^[>\s|]*(?:x-)?(?:original-)?message[-_ ]?id\s*:?\s*<([^<>\s]{3,998})>", re.I | re.M)
_RECIPIENT = re.compile(
    r"^(?:final|original)-recipient[ \t]*:[ \t]*(?:[\w-]+[ \t]*;)?[ \t]*<?([^\s<>;,]{1,320}@[^\s<>;,]{1,255})",
    re.I | re.M,
)
_STATUS = re.compile(r"^status[ \t]*:[ \t]*([245])\.\d", re.I | re.M)
_ACTION = re.compile(r"^action[ \t]*:[ \t]*(\w+)", re.I | re.M)
_ADDRESS = re.compile(r"[\w.+=/&'*-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def screen(message: Message, directory: Directory) -> Screening:
    """Say what kind of mail this is, and why, in words that hold nothing of the sender's text."""
    for judge in (_loop, _own, _report, _bounce, _spam, _absence, _response, _list, _generated):
        found = judge(message, directory)
        if found is not None:
            return found
    return Screening(kind=Kind.PERSON, reason="no sign of a machine")


_OF_A_LIST = re.compile(r"owner-.*|.*-(?:owner|request|bounces?)(?:[+=].*)?|listserv|majordomo|mailman|mailer-daemon|postmaster")


def is_of_a_list(email: str) -> bool:
    """Whether an address belongs to a list's or mail server's machinery: no automatic mail goes there (RFC 5230, 4.6)."""
    return _OF_A_LIST.fullmatch(email[:320].rpartition("@")[0].lower()) is not None


def _loop(message: Message, directory: Directory) -> Screening | None:
    hops = sum(1 for name, _ in message.headers if name == "received")
    if hops >= MOST_HOPS:
        return Screening(kind=Kind.LOOP, reason=f"{hops} Received headers (RFC 5321, 6.3)")
    return None


def _own(message: Message, directory: Directory) -> Screening | None:
    if message.sender.email and message.sender.email in directory.own:
        return Screening(kind=Kind.OWN, reason="From is one of our own addresses")
    return None


def _report(message: Message, directory: Directory) -> Screening | None:
    """Machine-readable reports: by the type of the mail itself, never of a mail that a person attached."""
    kind = message.header("content-type").lower()
    types = {attachment.type for attachment in message.attachments}
    is_report = message.content_type == "multipart/report"
    machine = is_report or _is_daemon(message) or _has_null_sender(message)
    if not machine:
        return None
    if "feedback-report" in kind or (is_report and "message/feedback-report" in types):
        return Screening(kind=Kind.FEEDBACK_REPORT, reason="feedback report (RFC 5965)")
    rejected = is_report and _is_daemon(message) and re.search(r"^disposition:.*deleted", message.report, re.I | re.M)
    if rejected:  # Dovecot's refusals are written as receipts
        return Screening(kind=Kind.BOUNCE, reason="receipt that says deleted", bounce=_details(message))
    if "disposition-notification" in kind or "message/disposition-notification" in types:
        return Screening(kind=Kind.AUTO_GENERATED, reason="receipt (RFC 8098)")
    if "delivery-status" in kind or "message/delivery-status" in types:
        if re.search(r"^action[ \t]*:[ \t]*(?:delivered|relayed|expanded)", message.report, re.I | re.M) and not re.search(
            r"^action[ \t]*:[ \t]*(?:failed|delayed)", message.report, re.I | re.M
        ):
            return Screening(kind=Kind.AUTO_GENERATED, reason="report of a successful delivery (RFC 3464)")
        return Screening(kind=Kind.BOUNCE, reason="delivery report (RFC 3464)", bounce=_details(message))
    return None


def _bounce(message: Message, directory: Directory) -> Screening | None:
    """Bounces without the report format, as many servers still write them."""
    if message.header("x-failed-recipients") or message.header("x-ms-exchange-message-is-ndr"):
        return Screening(kind=Kind.BOUNCE, reason="failed recipients header", bounce=_details(message))
    if _local(message) == "mailer-daemon":
        return Screening(kind=Kind.BOUNCE, reason="a mail server's own address", bounce=_details(message))
    text = message.text[:_READ]
    subject = _BOUNCE_SUBJECT.search(message.subject[:500]) is not None
    if _is_daemon(message) and (subject or _BOUNCE_BODY.search(text)):
        return Screening(kind=Kind.BOUNCE, reason="delivery failure from a mail server's address", bounce=_details(message))
    if not subject or _sounds_like_a_person(message):
        return None
    likely = _has_null_sender(message) or _MAIL_PROGRAM.search(_local(message)) is not None
    if likely and _BOUNCE_BODY.search(text):
        return Screening(kind=Kind.BOUNCE, reason="delivery failure from a mail program", bounce=_details(message))
    found = _details(message)
    if not message.in_reply_to and (found.about or found.recipients) and _BOUNCE_FORM.search(text):  # a program names mail or address
        return Screening(kind=Kind.BOUNCE, reason="subject and text of a delivery failure", bounce=found)
    return None


def _is_daemon(message: Message) -> bool:
    path = message.header("return-path").strip(" <>").lower().partition("@")[0]
    named = _DAEMON_NAME.search(message.sender.name[:200]) is not None
    return _DAEMON.match(_local(message)) is not None or named or path in ("mailer-daemon", "postmaster")


def _local(message: Message) -> str:
    return message.sender.email[:320].rpartition("@")[0].strip('"')


def _sounds_like_a_person(message: Message) -> bool:
    """Somebody says I, or asks: a mail about a bounce, not a bounce."""
    return _FIRST_PERSON.search(message.text[:3000]) is not None


def _has_null_sender(message: Message) -> bool:
    return any(name == "return-path" and value.replace(" ", "") == "<>" for name, value in message.headers)


def _spam(message: Message, directory: Directory) -> Screening | None:
    """Only what the server in front of us marked."""
    for name, value in message.headers:
        said = value.strip().lower()
        marked = (name in ("x-spam-flag", "x-spam", "x-spam-status", "x-spam-flagged") and said.startswith("yes")) or (
            name == "x-ms-exchange-organization-scl" and said.isdecimal() and 5 <= int(said[:3]) <= 9
        )
        if marked or (name == "x-forefront-antispam-report" and re.search(r"\bscl:[5-9]\b|\bsfv:spm\b", said)):
            return Screening(kind=Kind.SPAM, reason=f"marked as spam by the server ({name})")
    return None


def _absence(message: Message, directory: Directory) -> Screening | None:
    """Out of office: a responder's header and words of absence, or words alone where they are a responder's form."""
    header = _responder_header(message)
    subject = message.subject[:300]
    notice = _ABSENT_SUBJECT.match(subject) is not None
    if not (header or notice or _REPLY_SUBJECT.match(subject)):
        return None
    text = message.text[:4000]
    absent = _ABSENT.search(text) is not None
    if header and (absent or _ABSENT_SUBJECT.match(_without_prefix(subject))):
        return Screening(kind=Kind.OUT_OF_OFFICE, reason=f"{header} and words of absence")
    if absent and _REPLY_SUBJECT.match(subject):
        return Screening(kind=Kind.OUT_OF_OFFICE, reason="subject of an automatic reply and words of absence")
    # A person writing about a holiday is a person: the subject must be a notice's, and the text say two things of one.
    bare_notice = notice and absent and len(_RETURN.findall(text)) >= 2 and "?" not in text
    if bare_notice and (_answers_something(message) or not _REQUEST.search(text)):
        return Screening(kind=Kind.OUT_OF_OFFICE, reason="subject and text of an absence notice")
    return None


def _without_prefix(subject: str) -> str:
    return re.sub(r"^\s*(?:(?:re|aw|sv|antw|auto|automatic reply|automatische antwort)\s*:\s*){1,3}", "", subject, flags=re.I)


def is_responders(message: Message) -> bool:
    """Whether a header says that a program wrote it, in answer or by itself."""
    return bool(_responder_header(message))


def _responder_header(message: Message) -> str:
    """The header by which a responder shows itself, "" if there is none."""
    submitted = message.header("auto-submitted").strip().lower()
    if submitted.startswith("auto-replied"):
        return "Auto-Submitted header (RFC 3834)"
    if submitted and not submitted.startswith("no"):
        return "Auto-Submitted header (RFC 3834)"
    for name, value in message.headers:
        said = value.strip().lower()
        if name in _REPLY_HEADERS and said not in ("no", "false", "0"):
            return f"{name} header"
        if name in ("precedence", "x-precedence") and said in ("auto_reply", "auto-reply", "autoreply"):
            return "Precedence header"
        if name in ("x-autogenerated", "x-auto-generated") and "repl" in said:
            return f"{name} header"
        if name == "x-ms-exchange-generated-message-source" and "rules" in said:
            return f"{name} header"
        if name == "x-mailer" and ("vacation" in said or "autorespon" in said):
            return "X-Mailer header"
    return ""


def _response(message: Message, directory: Directory) -> Screening | None:
    """Other automatic answers."""
    header = _responder_header(message)
    submitted = message.header("auto-submitted").strip().lower()
    if header and not submitted.startswith(("auto-generated", "auto-notified")):
        return Screening(kind=Kind.AUTO_RESPONSE, reason=header)
    if _REPLY_SUBJECT.match(message.subject[:300]) and (_answers_something(message) or not _sounds_like_a_person(message)):
        return Screening(kind=Kind.AUTO_RESPONSE, reason="subject of an automatic reply")
    if _has_null_sender(message) and _RESPONDER_BODY.search(message.text[:_READ]):
        return Screening(kind=Kind.AUTO_RESPONSE, reason="empty return path and the words of a responder")
    return None


def _answers_something(message: Message) -> bool:
    """Whether it names a mail that it answers or comes with no way back: a responder never begins, a person may write about one."""
    return bool(message.in_reply_to or message.references) or _has_null_sender(message)


def _list(message: Message, directory: Directory) -> Screening | None:
    for name, value in message.headers:
        if name in _LIST_HEADERS and value.strip():
            return Screening(kind=Kind.LIST, reason=f"{name} header (RFC 2369, 2919)")
        if name in ("precedence", "x-precedence") and value.strip().lower() in ("bulk", "list", "junk"):
            return Screening(kind=Kind.LIST, reason="Precedence header of bulk mail")
        if name in _BULK_HEADERS:
            return Screening(kind=Kind.LIST, reason=f"{name} header of bulk mail")
    answer = message.in_reply_to or message.references or _ANSWER_SUBJECT.match(message.subject[:20])
    if not answer and _is_newsletter(message):
        return Screening(kind=Kind.LIST, reason="address and text of a newsletter")
    return None


def _is_newsletter(message: Message) -> bool:
    """Bulk mail without its headers: who sends it, how it may be ended, and where its failures go."""
    said = message.text[:200_000].lower()
    end = _says(said, _UNSUBSCRIBE)
    why = _says(said, _WHY_YOU)
    if _NEWS_NAME.search(_local(message)) and (end or why or "http" in message.html[:200_000]):
        return True
    paths = " ".join(message.header(name)[:500] for name in ("return-path", "errors-to", "message-id"))
    signs = end + why + ("bounce" in paths.lower())
    return signs > 0 and signs + _says(said, _DO_NOT_REPLY) >= 2


def _says(text: str, phrases: Iterable[str]) -> bool:
    return any(map(text.__contains__, phrases))


def _generated(message: Message, directory: Directory) -> Screening | None:
    """What programs send on their own: notices, receipts, answers of calendars."""
    submitted = message.header("auto-submitted").strip().lower()
    if submitted and not submitted.startswith("no"):
        return Screening(kind=Kind.AUTO_GENERATED, reason="Auto-Submitted header (RFC 3834)")
    for name, _ in message.headers:
        if name in _GENERATED_HEADERS:
            return Screening(kind=Kind.AUTO_GENERATED, reason=f"{name} header")
    calendar = re.search(r"method\s*=\s*\"?(reply|counter|cancel)", message.header("content-type"), re.I)
    if calendar or any(a.type == "text/calendar" and _is_calendar_answer(message) for a in message.attachments):
        return Screening(kind=Kind.AUTO_GENERATED, reason="answer of a calendar (RFC 5546)")
    local = message.sender.email.partition("@")[0]
    answerable = any(address.email and address.email != message.sender.email for address in message.reply_to)
    if _NO_REPLY.match(local) and not answerable:
        return Screening(kind=Kind.AUTO_GENERATED, reason="sender takes no answers")
    if _MACHINE_NAME.match(local) and not answerable and message.header("x-auto-response-suppress"):
        return Screening(kind=Kind.AUTO_GENERATED, reason="a machine's address that wants no automatic answer")
    if _has_null_sender(message):
        return Screening(kind=Kind.AUTO_GENERATED, reason="empty return path (RFC 3834)")
    return None


def _is_calendar_answer(message: Message) -> bool:
    subject = r"\s*(?:accepted|declined|tentative|zugesagt|abgesagt|mit vorbehalt|accepté|refusé|aceptad|rechazad|accettat|rifiutat)\w*\s*:"
    return re.match(subject, message.subject[:100], re.I) is not None


# --- what a bounce says ------------------------------------------------------------------------------------------


def _details(message: Message) -> Bounce:
    text = message.text[:_READ]
    about = [*_found(_ABOUT, message.report), *_found(_ABOUT, message.text[:200_000])]
    about += [*message.in_reply_to, *message.references]
    recipients = [*_found(_RECIPIENT, message.report), *_ADDRESS.findall(message.header("x-failed-recipients"))]
    if not recipients:
        ours = {address.email for address in message.to} | {message.sender.email} | {each.lower() for each in about}
        recipients = [each for each in _ADDRESS.findall(text[:4000]) if each.lower() not in ours][:1]
    return Bounce(
        about=tuple(dict.fromkeys(MessageId(each) for each in about)),
        recipients=tuple(dict.fromkeys(each.lower() for each in recipients)),
        permanent=_is_permanent(message, text),
    )


def _found(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    return (match[1] for match in pattern.finditer(text))


def _is_permanent(message: Message, text: str) -> bool:
    """For good, unless the report says delayed or, where there is none, the words do."""
    actions = {match[1].lower() for match in _ACTION.finditer(message.report)}
    if actions:
        return "failed" in actions or "delayed" not in actions
    statuses = {match[1] for match in _STATUS.finditer(message.report)}
    if statuses:
        return "5" in statuses
    said = f"{message.subject[:300]}\n{text}"
    return _PERMANENT.search(said) is not None or _DELAY.search(said) is None
