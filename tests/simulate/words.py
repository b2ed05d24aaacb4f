"""What the people of the simulated quarter write: a dozen reasons, each in many wordings, and the small talk around them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One true reason to write. `people` is how often it happens beside the others, `upset` how many of them are upset."""

    key: str
    topic: str
    people: float
    upset: float
    subjects: tuple[str, ...]
    says: tuple[str, ...]


WORDINGS = (
    Wording(
        key="part missing",
        topic="order_and_delivery",
        people=1.0,
        upset=0.35,
        subjects=("Part missing in the box", "Axle missing", "Something is not in the box", "Bike without a front axle", "missing screws"),
        says=(
            "The axle for the front wheel is missing from the box.",
            "I unpacked everything twice and the bag with the screws is missing.",
            "There was no axle in the box, only the wheels and the frame.",
            "A part is missing: the front axle that is number {n} in the booklet.",
            "The box came without the screws for the saddle.",
            "We built it as far as we could, but the axle is missing.",
            "According to the list there should be {n} screws in the box, and there are none.",
            "The left pedal was missing in the box when we opened it.",
            "Two parts are missing from the box, the axle and a pedal.",
        ),
    ),
    Wording(
        key="where is my parcel",
        topic="order_and_delivery",
        people=2.2,
        upset=0.15,
        subjects=("Where is my parcel?", "Parcel", "Order {order}", "Tracking does not move", "When will it come"),
        says=(
            "Where is my parcel?",
            "The tracking has said the same for {n} days now.",
            "I ordered {n} days ago and the parcel is still on its way, it says.",
            "Could you tell me when my parcel will arrive?",
            "The carrier says that the parcel was handed over, but nobody here has it.",
            "My parcel should have been here on {day}.",
            "The tracking number you sent shows nothing at all.",
            "Has my parcel left your warehouse yet?",
            "The parcel with order {order} has not arrived.",
        ),
    ),
    Wording(
        key="invoice with a company name",
        topic="billing",
        people=1.2,
        upset=0.0,
        subjects=("Invoice", "Company name on the invoice", "Invoice {order}", "VAT number", "Please correct the invoice"),
        says=(
            "I need the invoice with our company name on it.",
            "Could you put the company name and our VAT number on the invoice?",
            "Our bookkeeper does not accept the invoice without the name of the company.",
            "The invoice is made out to me, and it should be made out to my company.",
            "Please send the invoice for order {order} again with our VAT number.",
            "Is there a way to have an invoice with the company address?",
            "The invoice carries my private address, we need the one of the firm and the VAT number.",
            "How do I get an invoice in the name of my company?",
        ),
    ),
    Wording(
        key="charged twice",
        topic="billing",
        people=0.6,
        upset=0.4,
        subjects=("Charged twice", "Double payment", "Money taken two times", "My bank statement"),
        says=(
            "I was charged twice for the same order.",
            "My bank shows the payment two times, {money} EUR each.",
            "You took {money} EUR from my card twice on {day}.",
            "There are two charges on my card and I placed one order.",
            "The amount of {money} EUR was booked double.",
            "I have paid once and was charged a second time the day after.",
            "My credit card was charged twice, order {order}.",
            "Why is there a second charge of {money} EUR on my card?",
        ),
    ),
    Wording(
        key="cannot sign in",
        topic="account_access",
        people=1.6,
        upset=0.2,
        subjects=("Cannot sign in", "Password", "Login", "Locked out of my account", "The code does not come"),
        says=(
            "I cannot sign in any more.",
            "The page says that my password is wrong, and it is not.",
            "Since {day} I cannot sign in to my account.",
            "The mail with the code to sign in never comes.",
            "I asked for a new password {n} times and no mail arrives.",
            "Signing in brings me back to the same page again and again.",
            "My account is locked after too many tries to sign in.",
            "The sign-in page takes my password and then shows an error.",
            "I changed my phone and now cannot sign in without the code.",
        ),
    ),
    Wording(
        key="wrong size",
        topic="return",
        people=1.4,
        upset=0.05,
        subjects=("Wrong size", "Too small", "Exchange", "Other size please", "Size {n}"),
        says=(
            "The jacket is too small, I would like to exchange it for one size larger.",
            "I ordered size {n} and it is much too tight.",
            "The size does not fit, can I exchange it?",
            "It is too large for my son, do you have it one size smaller?",
            "Your size table says {n}, but the shoes are far too small.",
            "I would like to exchange the trousers for another size.",
            "They run small, so I need the next size.",
            "Can you swap it for a larger size?",
        ),
    ),
    Wording(
        key="refund not here",
        topic="refund",
        people=0.9,
        upset=0.3,
        subjects=("Refund", "Where is my money", "Refund for {order}", "Still no refund"),
        says=(
            "My refund has not come yet.",
            "I sent it back {n} days ago and the refund is still not in my account.",
            "You wrote that the refund takes five days, it has been {n}.",
            "The money for the order I returned never came back.",
            "When do I get my {money} EUR back?",
            "No refund so far for the parcel I returned on {day}.",
            "I am waiting for the refund of {money} EUR.",
            "The returned goods arrived at your place, where is the refund?",
        ),
    ),
    Wording(
        key="battery does not charge",
        topic="bug",
        people=0.8,
        upset=0.25,
        subjects=("Battery", "Does not charge", "Lamp goes out", "The battery is dead after {n} weeks"),
        says=(
            "The battery does not charge any more.",
            "After {n} weeks the battery is empty within an hour.",
            "The charger blinks red and the battery stays empty.",
            "I left it on the charger all night and the battery shows nothing.",
            "The battery of the lamp no longer holds its charge.",
            "Charging stops after a minute, the battery gets warm.",
            "A new battery, and it does not charge past {n} percent.",
            "The battery died on {day}, charging it does nothing.",
        ),
    ),
    Wording(
        key="app crashes",
        topic="bug",
        people=0.7,
        upset=0.15,
        subjects=("App crashes", "The app closes", "Update", "App on my phone"),
        says=(
            "The app crashes as soon as I open the map.",
            "Since the update the app closes by itself.",
            "Your app crashes on my phone every time.",
            "I open the app, it shows the logo and crashes.",
            "The app has crashed {n} times today.",
            "After the last update the app does not start any more, it crashes at once.",
            "When I tap on my rides the app crashes.",
            "The app freezes and then crashes when it looks for the bike.",
        ),
    ),
    Wording(
        key="cancel subscription",
        topic="cancellation",
        people=0.9,
        upset=0.1,
        subjects=("Cancel", "Subscription", "Please cancel my subscription", "End of my plan"),
        says=(
            "I want to cancel my subscription.",
            "Please cancel my subscription at the end of the month.",
            "I cannot find the button to cancel the subscription.",
            "How do I end my subscription?",
            "We moved and no longer need the subscription, please cancel it.",
            "The subscription was renewed although I wanted to cancel.",
            "Kindly confirm that my subscription is cancelled.",
            "I tried to cancel the subscription on the website and it asks me to write to you.",
        ),
    ),
    Wording(
        key="voucher not accepted",
        topic="order_and_delivery",
        people=0.5,
        upset=0.1,
        subjects=("Voucher", "Code is not accepted", "Gift card", "Discount code"),
        says=(
            "The shop does not accept my voucher.",
            "My voucher code is refused at the checkout.",
            "It says that the voucher has expired, but it is valid until {day}.",
            "I have a gift voucher of {money} EUR and the code does not work.",
            "The voucher code from your newsletter is not accepted.",
            "At the checkout the voucher field says: unknown code.",
            "The voucher was deducted, and then the order failed.",
            "I typed the voucher code in {n} times, it is refused.",
        ),
    ),
    Wording(
        key="how to mount the mudguard",
        topic="how_to",
        people=0.8,
        upset=0.0,
        subjects=("Mudguard", "How do I mount it?", "Instructions", "Fitting the mudguard"),
        says=(
            "How do I mount the mudguard?",
            "The instructions do not show how the rear mudguard is fitted.",
            "Which screws hold the mudguard at the fork?",
            "The mudguard rubs against the tyre, how is it mounted properly?",
            "Is there a drawing of how to fit the mudguard?",
            "I cannot work out which way round the mudguard goes.",
            "Do I need a special tool to mount the mudguard?",
            "The holes of the mudguard do not line up with the frame, what am I doing wrong?",
        ),
    ),
    Wording(
        key="scratched frame",
        topic="return",
        people=0.5,
        upset=0.3,
        subjects=("Scratched frame", "Scratches", "Damaged paint", "Frame has a dent"),
        says=(
            "The frame came with a long scratch.",
            "There is a scratch of {n} centimetres on the frame.",
            "The paint of the frame is scratched right beside the logo.",
            "A new bike with a scratched frame, I attach a photo.",
            "The frame has a dent and two scratches.",
            "When I took the foil off I saw the scratches on the frame.",
            "The upper tube of the frame is scratched down to the metal.",
            "The frame is scratched on both sides.",
        ),
    ),
)

GREETINGS = ("Hello,", "Hi,", "Good morning,", "Hello there,", "Dear team,", "")
AROUND = (
    "My order number is {order}.",
    "I bought it for my daughter.",
    "I have looked through your help pages.",
    "It was a birthday present.",
    "I have been a customer for {n} years.",
    "You can reach me in the evening.",
    "I attach a photo.",
    "The weather was fine, at least.",
    "My neighbour has the same one.",
    "It is the silver model.",
)
ENDINGS = ("Thank you in advance", "Kind regards", "Many greetings", "Best wishes", "")
ANGER = (
    "This is a disgrace.",
    "I am furious.",
    "I have had enough of this.",
    "This is the worst shop I have ever bought from.",
    "I am so angry that I could scream.",
)
REGRET = ("I am rather disappointed.", "That is a pity, I had hoped for more.", "I am not happy with this.")
AGAIN = (
    "I am writing again, because nothing has happened.",
    "I wrote about this before.",
    "This is still not solved.",
    "Here I am once more.",
)
NO = (
    "No, sorry, it is still not solved.",
    "No. It is the same as before.",
    "Not yet, the problem is still there.",
    "No, nothing has changed.",
)
YES = (
    "Yes, it is solved.",
    "Yes, everything works now.",
    "It is, thank you for asking.",
    "Yes. It came yesterday and it fits.",
    "Solved, and quicker than I thought.",
)
WON = (
    "Yes. He rode it round the kitchen before breakfast.",
    "Yes, it is solved, and I did not think a shop would do this.",
    "It is. You made up for all of it.",
    "Yes, and I take back what I wrote on {day}.",
)
THANKS = (
    "Thank you, you wrote like a human being.",
    "Thanks a lot, that was quick.",
    "Thank you so much for your patience with me.",
    "Many thanks, you made my day.",
)
REPLIES = (  # none names a day: a promise would put the question off
    "I am sorry. I have put it right just now.",
    "Thank you for telling us. It is on its way to you.",
    "You have it in your account already.",
    "I have looked into it and changed it myself.",
    "I have sent you a new one.",
)
REFUSED = ("I am sorry, I cannot do that, because the 30 days are over. What I can do is give you a voucher.",)
FIRST_NAMES = (
    "Ana", "Ben", "Leyla", "Sofia", "Emil", "Ida", "Paul", "Noor", "Mia", "Karin", "Rui", "Lena", "Tariq", "Greta", "Hugo", "Yara",
    "Olaf", "Pia", "Sami", "Vera", "Luis", "Chen", "Aiko", "Femi",
)  # fmt: skip
LAST_NAMES = (
    "Ruiz", "Okafor", "Demir", "Nilsen", "Sand", "Moreau", "Hartl", "Haddad", "Lund", "Moe", "Costa", "Fuchs", "Grange", "Marchetti",
    "Adeyinka", "Bannister", "Kowal", "Berg", "Novak", "Silva", "Weiss", "Tanaka",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
