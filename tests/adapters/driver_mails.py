"""Mails about known things in ever other words: what people wrote about is known, so that what was found can be judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random  # noqa: TID251


@dataclass(frozen=True, slots=True)
class Mail:
    """A customer's mail and what it is about."""

    about: str
    subject: str
    text: str
    language: str
    name: str
    street: str


NAMES = (
    "Ana Ruiz",
    "Ben Okafor",
    "Leyla Demir",
    "Sofia Nilsen",
    "Emil Sand",
    "Ida Moreau",
    "Paul Hartl",
    "Lena Fuchs",
    "Karin Moe",
    "Rui Costa",
)
GERMAN_NAMES = ("Jana Vogt", "Uwe Brandt", "Heike Lorenz", "Mehmet Kaya", "Sabine Zeller")
STREETS = ("14 Tanner's Row, Hexham", "Gartenstraße 7, 50667 Köln", "3 Mill Lane, Bristol", "Rua da Prata 80, Lisboa")
THINGS = ("bike", "trailer", "helmet", "child seat", "lamp", "kick scooter")
SMALL = ("axle", "screw set", "left pedal", "saddle bolt", "bell", "brake lever", "hand grip")

# what it is about -> how often, subjects, sentences
ENGLISH: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "missing_part": (12, ("Missing part", "Part not in the box", "Incomplete {thing}", "Where is the {small}?", "Problem with my order"), (
        "the {small} for the {thing} is missing",
        "There was no {small} in the box, so I cannot finish building it.",
        "I unpacked everything twice and one part is missing, the {small}.",
        "Your parcel came but without the {small}.",
        "We started to assemble the {thing} and noticed that a part is missing.",
        "The {small} was not in the box.",
        "I think you forgot to pack the {small}, the bag with small parts is incomplete.",
        "Some parts are missing from my {thing}: at least the {small}.",
    )),
    "where_is_parcel": (16, ("Where is my parcel", "Order not arrived", "Delivery", "Tracking has not moved", "My order {n}"), (
        "My parcel has still not arrived.",
        "I ordered two weeks ago and nothing has arrived, where is my package?",
        "The tracking number has not changed since Monday.",
        "Could you tell me when my delivery will arrive?",
        "The tracking page says out for delivery since three days but the parcel did not come.",
        "I have been waiting for my {thing}, the package never arrived.",
        "According to the tracking link the shipment is stuck in a depot.",
        "Where is my order? The parcel should have been here on Friday.",
    )),
    "company_invoice": (9, ("Invoice", "Invoice with company name", "VAT number on the bill", "Bill for order {n}"), (
        "I need an invoice with the name of our company on it.",
        "Please could the invoice be made out to my firm instead of me, we need the VAT number on it.",
        "The bill shows my private name, our accountant wants the company name.",
        "Can you correct the invoice? Our VAT number is missing on it.",
        "We bought this as a business and need an invoice with VAT.",
        "How do I put our business address on the invoice?",
    )),
    "sign_in": (11, ("Cannot sign in", "Login problem", "Locked out", "password reset does not work"), (
        "I cannot sign in any more since yesterday.",
        "When I try to log in it says the password is wrong, but it is not.",
        "I asked for a password reset and the mail with the link never comes.",
        "Login does not work, neither on my phone nor on the laptop.",
        "I am locked out of my account, the reset link says that it has expired.",
        "The new page does not let me log in to my account.",
        "Your site does not accept my password.",
    )),
    "charged_twice": (7, ("Charged twice", "Double payment", "Two debits on my card", "Payment"), (
        "I was charged twice for order {n}.",
        "My card was debited two times for the same order.",
        "There are two payments of {n} euros on my statement, please check.",
        "You took the money twice from my account.",
        "My bank shows a duplicate charge of {n} from you.",
        "I have paid once but the amount was charged double.",
    )),
    "wrong_size": (8, ("Wrong size", "{thing} too small", "Exchange for another size", "Size"), (
        "The {thing} is too small, can I exchange it for the next size?",
        "I ordered size M but it is far too tight for my daughter.",
        "It does not fit, which size should I take for a child of six?",
        "I would like to swap the {thing} for a bigger size.",
        "You sent size 16 and we need size 20.",
        "The size chart says 120 cm but the {thing} is much too big.",
    )),
    "refund_wait": (8, ("Refund", "Where is my refund?", "Money back", "Return {n}"), (
        "I sent the {thing} back three weeks ago and still have no refund.",
        "When will I get my money back for the return?",
        "The refund for order {n} has not reached my bank.",
        "You promised to refund me within ten days, nothing has happened.",
        "My return was received by you, but the refund never came.",
        "I am still waiting for the refund of the {thing}.",
    )),
    "scratched": (7, ("Scratched frame", "Damaged on arrival", "Broken {thing}", "Damage"), (
        "The frame of the {thing} is scratched all along the side.",
        "It arrived damaged, there is a big dent in the frame.",
        "The box was torn and the {thing} has scratches everywhere.",
        "Out of the box the paint was scratched and the mudguard bent.",
        "Our {thing} came with a cracked frame.",
        "The frame has a deep scratch and the paint is coming off.",
    )),
    "change_address": (5, ("Change of address", "New address", "Wrong delivery address", "We moved"), (
        "I need to change the delivery address of order {n}.",
        "I moved last week, please send it to my new address.",
        "By mistake I gave my old address, can you still change it?",
        "Could you update the address before it is shipped?",
        "The delivery address on my order is the old one, please change it.",
    )),
    "brake_squeak": (5, ("Brake", "Noisy brake", "Strange sound", "Squeaking"), (
        "The front brake squeaks terribly when it rains.",
        "Since the first ride the brakes make a loud noise.",
        "How do I adjust the brake so that it stops squeaking?",
        "The brake is rubbing on the rim and squeaks.",
        "A grinding noise comes from the rear brake.",
    )),
    "school_discount": (4, ("Bikes for our nursery", "Group", "Question"), (
        "We are a kindergarten and would like to rent six balance bikes for our summer party.",
        "Do you lend bikes to nursery schools for a sports day?",
        "Our kindergarten plans a bike day, can we rent balance bikes from you?",
        "Is it possible to rent bikes for a week for our kindergarten?",
    )),
    "smell": (4, ("Smell", "Strange smell", "Chemical smell of the grips"), (
        "The grips smell strongly of chemicals, is that safe for children?",
        "The {thing} has a chemical smell that does not go away.",
        "There is a strong smell of rubber from the tyres, we had to put it on the balcony.",
        "Our whole hall smells of rubber and chemicals since we unpacked it.",
    )),
    "sticker": (4, ("Stickers", "Name sticker", "Sticker sheet"), (
        "Can I order the dinosaur sticker sheet on its own?",
        "My son lost his stickers, do you sell the sticker sheet again?",
        "The name sticker peels off after one wash.",
        "Where do I get a new sticker with the dinosaur for the frame?",
    )),
}  # fmt: skip
GERMAN: dict[str, tuple[int, tuple[str, ...], tuple[str, ...]]] = {
    "missing_part": (2, ("Teil fehlt", "Unvollständige Lieferung"), (
        "in meinem Paket fehlt ein Teil, die Vorderachse.",
        "beim Aufbauen haben wir gemerkt, dass ein Teil fehlt.",
        "Die Schrauben waren nicht im Karton, es fehlen mehrere Teile.",
    )),
    "where_is_parcel": (3, ("Wo ist mein Paket?", "Lieferung", "Paket nicht angekommen"), (
        "mein Paket ist immer noch nicht angekommen.",
        "Laut Sendungsverfolgung liegt die Sendung seit Tagen im Depot.",
        "Wann kommt meine Lieferung? Das Paket sollte am Freitag da sein.",
    )),
    "sign_in": (2, ("Anmeldung", "Login geht nicht"), (
        "ich kann mich seit gestern nicht mehr anmelden.",
        "Beim Einloggen heißt es, das Passwort sei falsch.",
        "Das Zurücksetzen des Passworts klappt nicht, es kommt keine E-Mail.",
    )),
}  # fmt: skip
NOTHING = (("Question", "Hello", "A remark"), (
    "Do you open on Saturdays?", "My neighbour recommended you.", "Thank you for the lovely card.", "Are you hiring mechanics?",
    "Is there parking in front of the shop?", "I would like to write about you for our local paper.", "Do you repair prams as well?",
    "Which pump would you recommend?", "Your newsletter comes on Sundays, why?", "Can I visit the workshop with my class?",
))  # fmt: skip
BEFORE = (
    "", "", "I hope you are well.", "I ordered with you in spring and was happy.",
    "This is my first order with you.", "I am writing about order {n}.", "My son turns six this Saturday.", "We bought a {thing} from you.",
    "First of all, the colour is lovely.",
    "My order number is {n}.",
)  # fmt: skip
AFTER = (
    "", "", "Could you please look into it?", "Please let me know what to do.", "I need an answer by Friday.",
    "My phone number is 0170 {n}.", "I live at {street}.", "What can we do about it?", "This is quite disappointing.",
    "Thank you for your help!", "You can reach me after six.",
)  # fmt: skip


def mails(count: int, seed: int) -> Iterator[Mail]:
    """So many mails, the same for the same seed."""
    rng = Random(seed)
    kinds = [("en", about) for about in ENGLISH] + [("de", about) for about in GERMAN] + [("en", "")]
    shares = [ENGLISH[about][0] for about in ENGLISH] + [GERMAN[about][0] for about in GERMAN] + [8]
    summed = list(accumulate(shares))
    for _ in range(count):
        language, about = rng.choices(kinds, cum_weights=summed)[0]
        _, subjects, said = (ENGLISH if language == "en" else GERMAN).get(about, (0, *NOTHING))
        yield _mail(rng, about, language, subjects, said)


def _mail(rng: Random, about: str, language: str, subjects: tuple[str, ...], said: tuple[str, ...]) -> Mail:
    values = {"thing": rng.choice(THINGS), "small": rng.choice(SMALL), "n": str(rng.randint(10000, 99999)), "street": rng.choice(STREETS)}
    name = rng.choice(GERMAN_NAMES if language == "de" else NAMES)
    sentences = rng.sample(said, 2 if about and rng.random() < 0.3 else 1)
    if language == "de":
        text = "Guten Tag,\n\n" + " ".join(sentences) + f"\n\nMit freundlichen Grüßen\n{name}"
    else:
        body = " ".join(part for part in (rng.choice(BEFORE), *sentences, rng.choice(AFTER)) if part)
        text = (
            rng.choice(("Hello,\n\n", "Hi Maria,\n\n", "Dear team,\n", ""))
            + body
            + rng.choice((f"\n\nKind regards\n{name}", f"\n{name}", ""))
        )
    return Mail(about, rng.choice(subjects).format(**values), text.format(**values), language, name, values["street"])
