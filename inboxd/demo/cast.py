"""Who plays in the demo: customers of Acme, its support team, and the machines that write to every support address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

DOMAIN = "acme.example"
SUPPORT = f"support@{DOMAIN}"


class Client(StrEnum):
    """The mail program somebody uses: it decides how an answer quotes."""

    GMAIL = "gmail"
    OUTLOOK = "outlook"
    APPLE = "apple"
    THUNDERBIRD = "thunderbird"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an address. `signature` is what their program appends; "" for none."""

    name: str
    email: str
    client: Client = Client.GMAIL
    language: str = "en"
    signature: str = ""
    mailbox: bool = True  # has a mailbox in the demo


# --- the team ----------------------------------------------------------------------------------------------------

MARIA = Person(
    name="Maria Lindt",
    email=f"maria@{DOMAIN}",
    client=Client.GMAIL,
    signature="Maria Lindt\nAcme Cycles, Customer Care\n+49 30 5550 117",
)
JONAS = Person(
    name="Jonas Weber",
    email=f"jonas@{DOMAIN}",
    client=Client.THUNDERBIRD,
    language="de",
    signature="Jonas Weber | Acme Cycles GmbH | Hafenstr. 4, 10557 Berlin",
)
TOM = Person(
    name="Tom Baker",
    email=f"tom@{DOMAIN}",
    client=Client.OUTLOOK,
    signature="Tom Baker | Acme Cycles, Support",
)
PETRA = Person(name="Petra Sommer", email=f"petra@{DOMAIN}", client=Client.APPLE, language="de")

AGENTS = (MARIA, JONAS, TOM)
SENIORS = (MARIA, JONAS)  # as the shipped rules/people.yaml has it
LEAD = PETRA
TEAM = (*AGENTS, LEAD)

# --- customers ---------------------------------------------------------------------------------------------------

NORA = Person(name="Nora Lindqvist", email="nora.lindqvist@fjordmail.example", client=Client.GMAIL)
BEN = Person(name="Ben Achterberg", email="ben@achterberg.example", client=Client.APPLE)
JUERGEN = Person(
    name="Jürgen Kessler",
    email="j.kessler@kessler-schreinerei.example",
    client=Client.OUTLOOK,
    language="de",
    signature="Jürgen Kessler\nSchreinerei Kessler, Ulm",
)
MARTA = Person(name="Marta Nowak", email="marta.nowak@poczta.example", client=Client.GMAIL)
AOIFE = Person(
    name="Aoife Brennan",
    email="aoife.brennan@quayside-rentals.example",
    client=Client.OUTLOOK,
    signature="Aoife Brennan\nDuty manager, Quayside Rentals",
)
DANIEL = Person(name="Daniel Okoye", email="dan.okoye@webpost.example", client=Client.APPLE)
CLAIRE = Person(name="Claire Dubois", email="claire.dubois@courrier.example", client=Client.GMAIL)
HEIKE = Person(name="Heike Brandt", email="heike.brandt@postfach.example", client=Client.THUNDERBIRD, language="de")
LUC = Person(name="Luc Fontaine", email="luc@fontaine-atelier.example", client=Client.GMAIL)
INGRID = Person(name="Ingrid Solberg", email="ingrid@sunnmore-sykkel.example", client=Client.THUNDERBIRD)
GARETH = Person(name="Gareth Pugh", email="gareth.pugh@valleynet.example", client=Client.NONE)
SOFIA = Person(name="Sofia Marchetti", email="sofia.marchetti@posta.example", client=Client.NONE)
RUTH = Person(name="Ruth Hellmann", email="ruth.hellmann@mailhaus.example", client=Client.APPLE)
YUSUF = Person(name="Yusuf Demir", email="yusuf.demir@webpost.example", client=Client.GMAIL)
PRIYA = Person(
    name="Priya Raman",
    email="priya.raman@northgate-logistics.example",
    client=Client.OUTLOOK,
    signature="Priya Raman\nFleet Manager, Northgate Logistics",
)
OSKAR = Person(name="Oskar Lind", email="oskar.lind@studentbox.example", client=Client.NONE)

CUSTOMERS = (
    NORA,
    BEN,
    JUERGEN,
    MARTA,
    AOIFE,
    DANIEL,
    CLAIRE,
    HEIKE,
    LUC,
    INGRID,
    GARETH,
    SOFIA,
    RUTH,
    YUSUF,
    PRIYA,
    OSKAR,
)
VIPS = (PRIYA,)

# People who are only in copy.
BJORN = Person(name="Bjørn Aasen", email="bjorn@sunnmore-sykkel.example")
LIV = Person(name="Liv Tangen", email="liv@sunnmore-sykkel.example")
IN_COPY = (BJORN, LIV)

# --- machines ----------------------------------------------------------------------------------------------------

NEWSLETTER = Person(name="Spokes & Trade Weekly", email="news@spokes-and-trade.example", mailbox=False)
PAYMENTS = Person(name="Payline", email="no-reply@payline.example", mailbox=False)
WHOLESALE = Person(name="Rheintal Großhandel", email="auftrag@rheintal-grosshandel.example", mailbox=False)
SUPPLIER = Person(name="Hendrik Maas", email="h.maas@maas-saddles.example", mailbox=False)
SPAMMER = Person(name="SEO Growth Desk", email="rank@first-page-now.example", mailbox=False)
MAILER_DAEMON = Person(name="Mail Delivery System", email="mailer-daemon@studentbox.example", mailbox=False)

MAILBOXES = (SUPPORT, *(person.email for person in (*TEAM, *CUSTOMERS, *IN_COPY)))


def person_of(email: str) -> Person | None:
    """Find who has this address and a mailbox."""
    return next((person for person in (*TEAM, *CUSTOMERS, *IN_COPY) if person.email == email.lower()), None)
