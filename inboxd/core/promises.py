"""What agents promise: the sentences in which they name a day for something of ours, when to remind of it, how long to wait for it.

Rather one promise too few than one too many: what is only perhaps a promise is none. What cannot be told stands in
docs/explanation/decisions.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from inboxd.core.dates import days_ahead, sentences
from inboxd.core.model import AgentName, CaseNo, JobKind, MessageNo, Promise, Schedule, Situation, TakeBack
from inboxd.core.rulebook import Rulebook, hours_of

MORNING = time(9)  # by the clock of whoever promised: when they are reminded, and when a day after it counts as begun
LONGEST = timedelta(days=366)
MOST_SENTENCES = 200
LONGEST_SENTENCE = 600  # letters
DAY = timedelta(days=1)

# --- reading -----------------------------------------------------------------------------------------------------------------

_OUR_ACTS = (
    r"(?:send|ship|post|mail|call|ring|phone|write|answer|reply|report|tell|let you know|get back|refund|repay|pay|transfer|credit|give|"
    r"replace|repair|mend|fix|deliver|bring|collect|pick|check|look(?! forward)|find out|order|ask|"
    r"come|book|prepare|finish|expect|confirm|hand|return|exchange|update)"
)
_ACTING = (
    r"(?:sending|shipping|posting|mailing|calling|ringing|phoning|writing|refunding|paying|transferring|crediting|giving|replacing|repairing|"
    r"mending|fixing|delivering|bringing|collecting|checking|ordering|coming|returning)"
)
_ARRIVES = (
    r"(?:be (?:at|with|in|on|there|here|ready|back|yours|done|mended|fixed|repaired|replaced|sent|shipped|posted|delivered|refunded|"
    r"paid|credited|collected|picked|transferred|returned|processed|able)|arrive|come|reach|leave|follow|go out|go to the post|ship|"
    r"get to|get there|bring|call|ring|phone|write|answer|send|refund|deliver|pick|collect|replace|repair|contact)"
)
_ICH = (
    r"(?:schicke|sende|versende|verschicke|rufe|überweise|erstatte|ersetze|melde|liefere|bringe|repariere|tausche|prüfe|kläre|schaue|sehe|"
    r"bestelle|frage|gebe|schreibe|komme|antworte|informiere|buche|zahle|kümmere|erledige|bearbeite|hole|reiche|sage|erwarte)"
)
_WIR = (
    r"(?:schicken|senden|versenden|verschicken|rufen|überweisen|erstatten|ersetzen|melden|liefern|bringen|reparieren|tauschen|prüfen|klären|"
    r"schauen|sehen|bestellen|fragen|geben|schreiben|kommen|antworten|informieren|buchen|zahlen|kümmern|erledigen|bearbeiten|holen|"
    r"reichen|sagen|erwarten)"
)
_SOON = r"(?:also |then |just |now |personally |certainly |definitely )?"
_WE = re.compile(
    rf"\b(?:I|we)(?:'ll|’ll|\s+(?:will|shall))\s+{_SOON}(?!be\b|have to\b|need\b|wait\b|keep\b|hold\b)[a-z]"
    rf"|\b(?:I|we)(?:'ll|’ll|\s+(?:will|shall))\s+{_SOON}be (?:in touch|with you|there|at your|back to you|{_ACTING})\b"
    rf"|\b(?:I am|I'm|I’m|we are|we're|we’re)\s+(?:going to\s+{_OUR_ACTS}|{_ACTING})\b"
    rf"|\b(?:I|we)\s+{_SOON}{_OUR_ACTS}\b|\band (?:will )?{_SOON}(?:send|call|write to|let|refund|ring) (?:you|it|them)\b"
    rf"|\b(?:ich werde|werde ich|wir werden|werden wir)\b"
    rf"|\b(?:ich {_ICH}|{_ICH} ich|wir {_WIR}|{_WIR} wir)\b",
    re.IGNORECASE,
)
_YOU = re.compile(
    rf"\byou(?:'ll|’ll|\s+(?:will|shall|should|can))?\s+{_SOON}(?:get|have|receive|hear|expect)\s+(?!to\b|until\b)"
    r"|\bSie (?:werden|sollten)\b.*\b(?:bekommen|erhalten|haben|hören)\b"
    r"|\b(?:werden|sollten) Sie\b.*\b(?:bekommen|erhalten|haben|hören)\b"
    r"|\b(?:Sie|Du) (?:bekommen|erhalten|hören|bekommst|erhältst|hörst)\b"
    r"|\b(?:bekommen|erhalten|hören|bekommst|erhältst|hörst) (?:Sie|du)\b"
    r"|\b(?:Sie haben|haben Sie|du hast|hast du)\b(?!.*\bge\w+(?:t|en)\b)(?!.*\b(?:zeit|urlaub|termin|frei|geburtstag|bestellt|bezahlt)\b)",
    re.IGNORECASE,
)
_IT = re.compile(
    rf"(?:\b(?:will|shall|should|is going to|are going to)|'ll|’ll)\s+{_SOON}{_ARRIVES}\b"
    r"|\b(?:arrives|ships|leaves (?:our|the|us|here|for)|reaches you|gets to you|is (?:with you|at your|delivered|sent|ready|yours)|"
    r"are (?:with you|at your|delivered|sent|ready|yours)|goes (?:out|to the post|into the post)|follows|"
    r"(?:calls|rings|writes to|sends|brings) (?:you|it|them))\b"
    r"|\b(?:wird|werden|sollten?)\b.*\b(?:ankommen|eintreffen|geliefert|verschickt|versandt|versendet|geschickt|gesendet|überwiesen|erstattet|"
    r"repariert|zugestellt|gutgeschrieben|fertig|abgeholt|getauscht|ersetzt|anrufen|melden|liefern|bringen|bei Ihnen|da sein)\b"
    r"|\b(?:ist|sind)\b.*\b(?:bei Ihnen|bei dir|auf Ihrem Konto|da|fertig|abholbereit)\b"
    r"|\b(?:bei Ihnen|bei dir|auf Ihrem Konto|fertig) (?:ist|sind)\b"
    r"|\b(?:kommt|trifft)\b.*\b(?:an|ein|bei Ihnen|zu Ihnen|zurück)\b|\b(?:geht|gehen)\b.*\b(?:raus|hinaus|an Sie|zur Post|in die Post)\b"
    r"|\b(?:meldet|melden) sich\b|\b(?:ruft|rufen) Sie\b.*\ban\b",
    re.IGNORECASE,
)
_BARE = re.compile(  # "the money by Wednesday"
    r"(?:the|a|an|your|another|das|der|die|den|ihr|ihre|ihren|eine?|einen)\s+(?:[\w-]+\s+){1,3}(?:by|before|on|bis|am|spätestens|ab)\s.{1,40}",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|ends?|closes?|expires?|starts?|begins?|opens?|of|from|for|ist|sind|war|endet|beginnt|gilt|vom|von|\w{3,}ed)\b",
    re.IGNORECASE,
)
_NEVER = re.compile(  # closed days, what lasts until a day, what is not so, what is only wished for
    r"\b(?:closed|shut|away|holidays?|vacation|out of (?:the )?office|opening hours|open again|until|till|cannot|can't|"
    r"can’t|won't|won’t|not|never|hope|hoping|would|could|might|may|perhaps|maybe|probably|try|geschlossen|urlaub|abwesend|feiertag|betriebsferien|öffnungszeiten|"
    r"nicht|keine?[mnrs]?|nie|hoffe|hoffen|würden?|könnten?|vielleicht|wahrscheinlich|vermutlich|versuchen?|"
    r"your (?:flight|train|bus|trip|holiday|party|wedding|birthday|appointment|answer|reply)|"
    r"I(?: am|'m|’m)? writ(?:e|ing) to you|ihre[mnrs]? (?:flug|zug|reise|feier|hochzeit|antwort|termin))\b"
    r"|n't\b|n’t\b|\bwill be (?:open|down|offline|here|in (?:the|our) (?:office|shop))\b",
    re.IGNORECASE,
)
_HOPED = re.compile(r"\b(?:I|we|ich|wir) (?:hope|think|guess|believe|hoffen?|denken?|glauben?)\b|\bhoffentlich\b", re.IGNORECASE)
_AT_THE_LATEST = re.compile(r"\b(?:not|no) later than\b|\bnicht später als\b", re.IGNORECASE)
_IF = re.compile(
    r"\b(?:if|unless|when|whenever|once (?:you|we|it|the)|as soon as|in case|should you|so that|wenn|falls|sofern|"
    r"sobald|sollten sie|damit)\b",
    re.IGNORECASE,
)
_IF_YOU_LIKE = re.compile(
    r"\b(?:if|wenn) (?:that|this|it|you|das|es|sie)\b.{0,20}\b(?:suits?|fine|ok|okay|all right|like|agree|works for|"
    r"passt|recht ist|möchten)\b",
    re.IGNORECASE,
)
_SAID = re.compile(  # what somebody said before is no promise of today
    r"\b(?:you|we|I|he|she|they)(?:'ve|’ve| have| had)? (?:wrote|written|said|say|told|tell me|mentioned?|asked|ask|need|"
    r"want(?:ed)?|hoped|thought|promised|ordered|plan(?:ned)?)\b|\b(?:Sie|du|wir|ich) (?:schrieb\w*|schreiben|sagten?|sagst|"
    r"hatten?|wollten?|wollen|möchten|brauchen|fragten|dachten?|haben\b.*\b(?:geschrieben|gesagt|versprochen|bestellt|gefragt))\b",
    re.IGNORECASE,
)
_ASKED_OF_THEM = re.compile(r"\b(?:please|bitte|you (?:must|have to|need to)|Sie müssen|müssen Sie)\b", re.IGNORECASE)
_SUBJECT = r"(?:I|we|you|it|he|she|they|the|your|our|my|there|ich|wir|sie|du|er|es|der|die|das|ihre?|unsere?)"
_CLAUSE = re.compile(
    rf"[,;:()]+\s+(?:(?:and|but|so|und|aber|also)\s+(?={_SUBJECT}\b))?|\s[-\u2013\u2014]\s"
    rf"|\s+(?:and|but|so|because|that|und|aber|denn|weil|dass)\s+(?={_SUBJECT}\b)",
    re.IGNORECASE,
)
_PERSON = re.compile(r"\b(?:I|we|you|it|he|she|they|ich|wir|Sie|du|er|es|ihr)\b", re.IGNORECASE)


def promised_days(words: str, today: date) -> Iterator[tuple[date, str]]:
    """Give the sentences in which somebody promises something for a day from today on, each with the last day it names."""
    for sentence in sentences(words)[:MOST_SENTENCES]:
        plain = sentence.rstrip("\"'”“» ")
        if len(sentence) > LONGEST_SENTENCE or plain.endswith("?"):
            continue
        days = [day for day in _promised(_AT_THE_LATEST.sub("by", plain), today) if day - today <= LONGEST]
        if days:
            yield max(days), sentence


def _promised(sentence: str, today: date) -> Iterator[date]:
    """The days of those clauses that promise; a clause without anybody in it belongs to the one beside it that does."""
    if _BARE.fullmatch(sentence.rstrip(".!")) and not _VERB.search(sentence) and not _NEVER.search(sentence):
        yield from days_ahead(sentence, today)
        return
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause]
    promising = [_promises(clause, clauses[:number]) for number, clause in enumerate(clauses)]
    for number, clause in enumerate(clauses):
        beside = promising[max(0, number - 2) : number] if number else promising[1:2]
        lone = not _PERSON.search(clause) and not _IT.search(clause) and not _NEVER.search(clause) and not _IF.search(clause)
        if promising[number] or (lone and any(beside) and (number or len(clause.split()) <= 6)):
            yield from days_ahead(clause, today)


def _promises(clause: str, before: Sequence[str]) -> bool:
    """Whether a clause says what we will do, or what the customer will get."""
    if _NEVER.search(clause) or _HOPED.search(clause) or (_IF.search(clause) and not _IF_YOU_LIKE.search(clause)):
        return False
    if any((_IF.search(each) and not _IF_YOU_LIKE.search(each)) or _HOPED.search(each) for each in before):
        return False
    if _WE.search(clause):
        return True
    if _ASKED_OF_THEM.search(clause) or any(_SAID.search(each) for each in (*before, clause)):
        return False
    return bool(_YOU.search(clause) or _IT.search(clause))


def remembered(
    situation: Situation, agent: AgentName | None, words: str, book: Rulebook, zone: tzinfo, *, said_at: datetime | None = None
) -> tuple[datetime | None, tuple[Promise | Schedule, ...]]:
    """Remember what words to the customer promise for a day, with when to remind of it; what nobody known wrote binds nobody.

    First comes until when promises keep everybody from asking. The words were said now, or at `said_at`.
    """
    now = situation.now
    new = promises_of(situation, agent, words, book, zone, said_at or now) if agent else ()
    every = (*still_open(situation.promises, book, now, zone), *new)
    remind = next_reminder(new[0].case, every, book, now, zone) if new else ()
    return over_at(every, book, now, zone), (*new, *remind)


def promises_of(situation: Situation, agent: AgentName, words: str, book: Rulebook, zone: tzinfo, at: datetime) -> tuple[Promise, ...]:
    """What an agent's words to the customer of this case promise, said at this time."""
    case, number = situation.case, situation.understood.number
    if case is None:
        return ()
    return tuple(
        Promise(case=case.number, agent=agent, message=number, day=day, sentence=" ".join(sentence.split()), made_at=at)
        for day, sentence in promised_days(words, _today(agent, book, at, zone))
    )


def never_said(case: CaseNo, purpose: str, why: str) -> tuple[TakeBack, ...]:
    """What words promised that did not leave, or came back: the customer has never read it. `purpose` is that of their letter."""
    found = re.fullmatch(r"reply:(\d+)", purpose)
    return (TakeBack(case=case, message=MessageNo(int(found[1])), why=why),) if found else ()


# --- days --------------------------------------------------------------------------------------------------------------------


def still_open(promises: Iterable[Promise], book: Rulebook, now: datetime, zone: tzinfo) -> tuple[Promise, ...]:
    """Those whose day is not over yet, by the clock of whoever promised."""
    return tuple(promise for promise in promises if promise.day >= _today(promise.agent, book, now, zone))


def over_at(promises: Iterable[Promise], book: Rulebook, now: datetime, zone: tzinfo) -> datetime | None:
    """The morning after the latest day that is still promised; None if none is."""
    return max((_morning(each.day + DAY, each.agent, book, zone) for each in still_open(promises, book, now, zone)), default=None)


def remind_at(promise: Promise, book: Rulebook, zone: tzinfo) -> datetime:
    """The morning of the promised day; of the last open day before it, where nobody is there on the day itself."""
    hours = hours_of(book, promise.agent)
    days = [promise.day - number * DAY for number in range(14)]
    there = (day for day in days if hours is None or (hours.hours.get(day.weekday()) and day not in hours.closed))
    return _morning(next(there, promise.day), promise.agent, book, zone)


def next_reminder(case: CaseNo, promises: Iterable[Promise], book: Rulebook, now: datetime, zone: tzinfo) -> tuple[Schedule, ...]:
    """When the next of these promises is to be remembered; nothing where no morning is to come."""
    coming = [at for promise in promises if (at := remind_at(promise, book, zone)) > now]
    return tuple(look_at_promises(case, at) for at in sorted(coming)[:1])


def look_at_promises(case: CaseNo, at: datetime) -> Schedule:
    """See at this time which promises of a case are to be remembered, and when the next is."""
    return Schedule(kind=JobKind.PROMISE, key=f"{JobKind.PROMISE}:{case}", at=at, case=case)


def _zone(agent: AgentName, book: Rulebook, zone: tzinfo) -> tzinfo:
    hours = hours_of(book, agent)
    return hours.zone if hours else zone


def _today(agent: AgentName, book: Rulebook, now: datetime, zone: tzinfo) -> date:
    return now.astimezone(_zone(agent, book, zone)).date()


def _morning(day: date, agent: AgentName, book: Rulebook, zone: tzinfo) -> datetime:
    return datetime.combine(day, MORNING, _zone(agent, book, zone)).astimezone(UTC)
