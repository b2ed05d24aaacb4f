"""A week of Acme, as MAILS tells it: what the report page and the weekly mail are judged by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import sqrt

from inboxd.core.findings import Compared, Driver, Findings, Leeway, OfferedAnswer, Refusal, Share, Thanks, Waiting, WonBack
from inboxd.core.model import AgentName, CaseNo, MailboxName, PersonNo

FIRST, LAST = date(2026, 11, 16), date(2026, 11, 22)
ANA, NOOR = CaseNo(1042), CaseNo(1077)
FIRST_NAMES = ("Ada", "Bruno", "Carla", "Deniz", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jakub", "Kaya", "Lars", "Mina", "Nils", "Olga")
LAST_NAMES = ("Abel", "Brandt", "Costa", "Dahl", "Egger", "Fuchs", "Gruber", "Haas", "Ivers", "Jansen", "Kern", "Lund", "Moe", "Novak")
SUBJECTS = ("Where is my parcel", "Front axle", "Invoice for our company", "Cannot sign in", "Wrong size", "Brakes squeak", "A second key")


def share(count: int, of: int, start: int = 2000) -> Share:
    """A share with its Wilson interval and cases for its count."""
    if not of:
        return Share(count=0, of=0, low=0.0, high=1.0)
    z, p = 1.96, count / of
    middle, half = (p + z * z / (2 * of)) / (1 + z * z / of), z * sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return Share(count=count, of=of, low=max(middle - half, 0), high=min(middle + half, 1), cases=numbers(count, start))


def numbers(count: int, start: int = 2000) -> tuple[CaseNo, ...]:
    """So many case numbers."""
    return tuple(CaseNo(start + each) for each in range(count))


def compared(now: Share, before: Share, *, changed: bool = False) -> Compared:
    """A share beside that of the week before."""
    return Compared(now=now, before=before, changed=changed)


def waiting(case: int, name: str, subject: str, agent: str, promised: str = "") -> Waiting:
    """Somebody still to win back."""
    at, who = datetime(2026, 11, 18, 9, tzinfo=UTC), AgentName(agent.lower())
    return Waiting(
        case=CaseNo(case), customer=PersonNo(case), name=name, subject=subject, agent=who, agent_name=agent, promised=promised, since=at
    )


STILL = (
    waiting(1051, "Ben Okafor", "charged twice", "Maria", "the money by Wednesday"),
    waiting(1056, "Leyla Demir", "return after 40 days", "Tom", "I call you today"),
    waiting(1060, "Sofia Nilsen", "scratched frame", "Jonas", "a new one on Friday"),
    waiting(1063, "Emil Sand", "wrong size", "Maria"),
    waiting(1068, "Ida Moreau", "invoice", "Tom"),
    waiting(1070, "Paul Hartl", "parcel lost", "Jonas", "I ask the carrier again"),
)
MISSING = Driver(
    key="axl miss part", name="A part missing in the box", topic="order", phrases=("axle is missing", "part missing", "not in the box"),
    people=19, before=6, upset=9, changed=True, trend=(3, 2, 4, 3, 5, 4, 6, 19), cases=numbers(19, 2300), owner="Petra",
    samples=("the axle for the front wheel is missing", "the bag with the screws was not in the box", "one pedal only, where is the other"),
)  # fmt: skip
PARCEL = Driver(
    key="parcel wher", name="Where is my parcel", topic="delivery", phrases=("where is my parcel", "tracking", "not arrived"), people=44,
    before=47, upset=5, changed=False, trend=(41, 39, 45, 50, 44, 43, 47, 44), cases=numbers(44, 2400),
    samples=("The tracking page has not moved since Tuesday.", "it should have been here on Friday"),
)  # fmt: skip
INVOICE = Driver(
    key="compan invoic", name="Invoice with a company name", topic="billing", phrases=("company name", "invoice"), people=23, before=21,
    upset=0, changed=False, trend=(18, 22, 19, 25, 20, 24, 21, 23), cases=numbers(23, 2500), answerable=15, answer="Company invoices",
    samples=("Could you put the name of our company on the invoice?",),
)  # fmt: skip
SIGNING_IN = Driver(
    key="sign in", name="Signing in", topic="account", phrases=("cannot sign in", "password"), people=8, before=9, upset=0, changed=False,
    trend=(33, 30, 29, 32, 31, 12, 9, 8), cases=numbers(8, 2600), mended_on=date(2026, 11, 9), mended="the new page", a_week_before=31.0,
    a_week_since=8.0, ratio_low=0.15, ratio_high=0.42, samples=("the page says my password is wrong and it is not",),
)  # fmt: skip


def the_week() -> Findings:
    """The week of MAILS 7, letter for letter."""
    return Findings(
        brand="Acme Support",
        first=FIRST,
        last=LAST,
        mailbox=MailboxName("acme"),
        team=None,
        people=212,
        people_before=205,
        still_unhappy=STILL,
        won_back=(
            WonBack(case=ANA, name="Ana Ruiz", mails=4, words="He rode it round the kitchen before breakfast.", agents=("Jonas", "Maria")),
        ),
        upset_people=31,
        upset_solved=14,
        upset_silent=11,
        asked=132,
        satisfied=compared(share(52, 61, 2000), share(49, 59, 1800)),
        response=share(61, 132, 2000),
        dissatisfied_mended=5,
        wrote_again=compared(share(27, 212, 2100), share(34, 205, 1700)),
        drivers=(MISSING, PARCEL, INVOICE),
        mend_first=replace(MISSING, name="Missing parts"),
        got_better=(SIGNING_IN,),
        thanks=(
            Thanks(case=ANA, name="Ana Ruiz", agent_name="Jonas", words="I did not think a shop would do this."),
            Thanks(case=NOOR, name="Noor Haddad", agent_name="Tom", words="You wrote like a human being."),
        ),
        subjects=subjects(),
        names={each.customer: each.name for each in STILL},
    )


def subjects() -> dict[CaseNo, tuple[str, str]]:
    """Who wrote about what: the people of the story, and neighbours."""
    made = {
        CaseNo(number): (
            f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number % len(LAST_NAMES)]}", SUBJECTS[number % len(SUBJECTS)],
        )
        for number in range(1600, 2900)
    }  # fmt: skip
    told = {each.case: (each.name, each.subject) for each in STILL}
    return made | told | {ANA: ("Ana Ruiz", "Bike without a front axle"), NOOR: ("Noor Haddad", "Cannot sign in")}


def a_rich_week() -> Findings:
    """The same week with everything that a week can have."""
    weeks = [(42, 55), (47, 58), (44, 52), (50, 57), (38, 49), (46, 56), (49, 59), (52, 61)]
    days = [FIRST - timedelta(weeks=7 - number) for number in range(len(weeks))]
    return replace(
        the_week(),
        unheard=(waiting(1081, "Karin Moe", "second key for the lock", "Tom"),),
        first_contact=compared(share(131, 180, 2150), share(101, 176, 1650), changed=True),
        reopened=compared(share(11, 160, 2050), share(9, 151, 1850)),
        win_back=compared(share(14, 31, 2700), share(10, 29, 1900)),
        feelings={
            "upset": {"happy": 9, "neutral": 5, "unhappy": 4, "upset": 6},
            "unhappy": {"happy": 12, "neutral": 14, "unhappy": 5, "unknown": 3},
            "neutral": {"happy": 61, "neutral": 78, "unhappy": 3, "upset": 1},
            "happy": {"happy": 13, "neutral": 1},
        },
        drivers=(MISSING, PARCEL, INVOICE, SIGNING_IN, replace(INVOICE, key="bell", name="A bell that does not ring", people=4, before=0,
                                                               answer="", answerable=0, trend=(0, 0, 0, 0, 0, 0, 0, 4), fits_no_topic=True,
                                                               samples=("the bell makes no sound",), cases=numbers(4, 2800))),
        refusals=(
            Refusal(reason="return after 40 days", count=7, unhappy=3, cases=numbers(7, 2620)),
            Refusal(reason="colour no longer made", count=4, unhappy=0, cases=numbers(4, 2640)),
        ),
        answers=(
            OfferedAnswer(
                name="Company invoices", count=12, helped=7, missed=2, cases=numbers(12, 2700), helped_cases=numbers(7, 2700),
                missed_cases=numbers(2, 2707),
            ),
            OfferedAnswer(name="Spare bells", count=1, helped=0, missed=0, cases=numbers(1, 2720)),
        ),
        leeway=(
            Leeway(what="20 EUR", count=6, won_back=4, cases=numbers(6, 2660)),
            Leeway(what="a new bike by courier", count=1, won_back=1, cases=(ANA,)),
        ),
        satisfied_by_week=tuple((day, share(yes, of, 1600)) for day, (yes, of) in zip(days, weeks, strict=True)),
        cases_of={
            "upset": numbers(31, 2700), "upset_solved": numbers(14, 2700), "upset_silent": numbers(11, 2714), "people": numbers(212, 2100),
            "dissatisfied_mended": numbers(5, 2740), "asked": numbers(132, 2000), "feeling:upset>happy": numbers(9, 2750),
        },
    )  # fmt: skip


def a_quiet_week() -> Findings:
    """Nobody wrote."""
    return Findings(brand="Acme Support", first=FIRST, last=LAST, mailbox=None, team=None, people=0, people_before=3)
