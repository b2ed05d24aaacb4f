"""The weekly mail to the lead: which figures, people and words of the findings it tells. The words around them stand in templates/."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from inboxd.core.brief import first_name
from inboxd.core.findings import Compared, Driver, Findings, Share, Waiting, people_of
from inboxd.core.lettering import one_line
from inboxd.core.letters import to_lead
from inboxd.core.model import File, Letter, MailboxFacts
from inboxd.core.rulebook import Rulebook

LISTED = 12  # people a section of the mail names; the page has all
DRIVERS = 5
QUOTED = 3
FEW = 100  # fewer answers than these are said to be few
PAGE = "report.html"


def last_week(today: date) -> tuple[date, date]:
    """The last whole week before this day, Monday to Sunday."""
    monday = today - timedelta(days=today.weekday() + 7)
    return monday, monday + timedelta(days=6)


def weekly(found: Findings, page: bytes, mailbox: MailboxFacts, book: Rulebook, admin: str) -> Letter:
    """What last week taught us, to the lead, in the mailbox's language, with the report page attached."""
    year, week, _ = found.first.isocalendar()
    letter = to_lead(
        mailbox, book, admin, template="weekly", purpose=f"weekly:{mailbox.name}:{year}-W{week:02}", subject="", values=told(found)
    )  # fmt: skip
    return replace(letter, language=mailbox.language, attach=(File(name=PAGE, type="text/html", content=page),))


def told(found: Findings) -> dict[str, object]:
    """The values of the templates `weekly` and `weekly_subject`."""
    unhappy, late = people_of(found.still_unhappy), {each.case for each in found.unheard}
    besides = [each for each in found.unheard if each.case not in {one.case for one in found.still_unhappy}]  # each case stands once
    return {
        "first": found.first,
        "last": found.last,
        "people": found.people,
        "unhappy": len(unhappy),
        "of_them": unhappy <= set(found.names),
        "unowned": len(people_of(each for each in found.still_unhappy if each.agent is None)),
        "still": [_waiting(each, past_hour=each.case in late) for each in found.still_unhappy[:LISTED]],
        "unheard": [_waiting(each) for each in besides[:LISTED]],
        "late": len(people_of(found.unheard)),
        "more": max(len(found.still_unhappy) - LISTED, 0),
        "more_late": max(len(besides) - LISTED, 0),
        "won": _won(found),
        "satisfied": satisfied(found),
        "were_asked": found.asked,
        "unclear": found.unclear,
        "silent": silent(found),
        "again": _again(found),
        "drivers": [_driver(each) for each in found.drivers[:DRIVERS]],
        "most": max((each.people for each in found.drivers[:DRIVERS]), default=0),
        "mend": mend(found),
        "better": [_better(each) for each in found.got_better[:DRIVERS]],
        "refusals": [{"reason": one_line(each.reason), "count": each.count, "lost": each.unhappy} for each in found.refusals[:DRIVERS]],
        "leeway": [{"what": one_line(each.what), "count": each.count, "won": each.won_back} for each in found.leeway[:DRIVERS]],
        "answers": [
            {"name": one_line(each.name), "count": each.count, "helped": each.helped, "missed": each.missed}
            for each in found.answers[:DRIVERS]
        ],
        "thanks": _thanks(found),
    }


def percent(share: Share) -> int:
    """How many in a hundred."""
    return round(100 * share.count / share.of) if share.of else 0


def satisfied(found: Findings) -> dict[str, object] | None:
    """What people answered when they were asked whether it is solved; None where nobody did."""
    if found.satisfied is None or not found.satisfied.now.of:
        return None
    now = found.satisfied.now
    return {
        "yes": now.count,
        "no": now.of - now.count,
        "answered": now.of,
        "mended": found.dissatisfied_mended,
        "percent": percent(now),
        "low": round(100 * now.low),
        "high": round(100 * now.high),
        "few": now.of < FEW,
        **_before(found.satisfied),
    }


def silent(found: Findings) -> int:
    """How many of those who were asked have not answered at all."""
    return max(found.asked - (found.response.count if found.response else 0) - found.unclear, 0)


def mend(found: Findings) -> dict[str, object] | None:
    """What to mend first, and by which figures it stands out."""
    one = found.mend_first
    if one is None:
        return None
    others = [each for each in found.drivers if each.key != one.key]
    growth = one.people - one.before
    return {
        "name": one_line(one.name),
        "people": one.people,
        "grew": growth > 0 and one.changed and all(growth > each.people - each.before for each in others),
        "upset": one.upset > 0 and all(one.upset > each.upset for each in others),
        "most": all(one.people > each.people for each in others),
        "answerable": one.answerable,
    }


def _before(compared: Compared) -> dict[str, object]:
    before = compared.before
    return {
        "before": percent(before) if before.of else None,
        "changed": compared.changed,
        "more": compared.now.count * before.of > before.count * compared.now.of,
    }


def _waiting(each: Waiting, *, past_hour: bool = False) -> dict[str, object]:
    agent = one_line(each.agent_name) if each.agent is not None else ""
    return {
        "name": one_line(each.name),
        "subject": one_line(each.subject),
        "agent": agent,
        "promised": one_line(each.promised),
        "promised_by": each.promised_by,
        "past_hour": past_hour,
    }


def _won(found: Findings) -> dict[str, object]:
    above = found.upset_people - found.upset_solved - found.upset_silent
    return {
        "upset": found.upset_people,
        "calm": found.upset_calm,
        "solved": found.upset_solved,
        "silent": found.upset_silent,
        "above": max(above, 0),
        "exactly": above == len(people_of(found.still_unhappy)),
        "people": [{"name": one_line(each.name), "mails": each.mails, "words": one_line(each.words)} for each in found.won_back[:QUOTED]],
    }


def _again(found: Findings) -> dict[str, object] | None:
    if found.wrote_again is None or not found.wrote_again.now.of:
        return None
    now, before = found.wrote_again.now, found.wrote_again.before
    return {"count": now.count, "of": now.of, "before": before.count, "before_of": before.of, "days": found.repeat_days}


def _driver(each: Driver) -> dict[str, object]:
    return {
        "name": one_line(each.name),
        "people": each.people,
        "before": each.before if each.compared else None,
        "changed": each.changed,
        "upset": each.upset,
        "sample": one_line(each.samples[0]) if each.samples else "",
        "answerable": each.answerable if each.answer else 0,
        "answer": one_line(each.answer),
    }


def _better(each: Driver) -> dict[str, object]:
    return {
        "name": one_line(each.name),
        "before": round(each.a_week_before),
        "since": round(each.a_week_since),
        "on": each.mended_on,
        "mended": one_line(each.mended),
    }


def _thanks(found: Findings) -> list[dict[str, object]]:
    """Who was named above is called by their first name here."""
    named = {each.name for each in (*found.still_unhappy[:LISTED], *found.unheard[:LISTED])} | {
        each.name for each in found.won_back[:QUOTED]
    }
    return [
        {
            "name": (first_name(each.name) if each.name in named else "") or one_line(each.name),
            "agent": one_line(each.agent_name),
            "words": one_line(each.words),
        }
        for each in found.thanks[:DRIVERS]
    ]
