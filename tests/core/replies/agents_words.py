"""What agents type: long and short words, commands, near misses, lists, links, lines that look like a quotation's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """Words as the agent typed them, and what is to become of them."""

    text: str
    words: str = ""  # for the customer
    note: str = ""
    commands: tuple[str, ...] = ()
    held: str = ""  # the only kind of doubt that is right


_HELLO = {
    "en": "Hello Ana,\n\nyou are right, and I am sorry. The axle left our house this morning with a courier, and it will be at your door "
    "tomorrow before noon.\n\nIf it is not, write me one word.",
    "de": "Guten Tag Frau Ruiz,\n\nSie haben recht, und es tut mir leid. Die Achse ist heute früh mit einem Kurier losgefahren und liegt "
    "morgen vor zwölf Uhr bei Ihnen vor der Tür.\n\nMit freundlichen Grüßen",
    "fr": "Bonjour Madame,\n\nvous avez raison et je vous présente mes excuses. L’essieu est parti ce matin par coursier et sera chez vous "
    "demain avant midi.\n\nBien à vous,",
    "es": "Hola Ana:\n\ntiene usted razón y lo siento. El eje salió esta mañana con un mensajero y estará en su casa mañana antes del "
    "mediodía.\n\nUn saludo,",
    "nl": "Beste Ana,\n\nu heeft gelijk en het spijt me. De as is vanochtend met een koerier vertrokken en is morgen voor twaalf uur bij "
    "u thuis.\n\nMet vriendelijke groet,",
}


_QUESTION = {
    "en": "Please just tell me the truth: will it come or not?",
    "de": "Können Sie mir bitte endlich sagen, wann sie kommt?",
    "fr": "Où est-il ?",
    "es": "¿Dónde está mi bicicleta?",
    "nl": "Kunt u mij vandaag bellen? Mijn nummer is 020 555 01 23.",
}


def typed(language: str) -> dict[str, Typed]:
    """All kinds of words, the long ones in this language."""
    hello = _HELLO[language]
    return {
        "a letter": _words(hello),
        "one word": _words("Yes."),
        "one line": _words("It is on its way, you have it tomorrow."),
        "command alone": Typed(text="Resolve.", commands=("resolve",)),
        "command and words": Typed(text=f"RESOLVE\n\n{hello}", words=hello, commands=("resolve",)),
        "help": Typed(text="help", commands=("help",)),
        "note": Typed(text="Note: the courier is late.\nTell Tom.", note="the courier is late.\nTell Tom.", commands=("note",)),
        "near miss": Typed(text=f"resolv\n\n{hello}", held="near_miss"),
        "near miss of note": Typed(text="noet: the courier is late", held="near_miss"),
        "list by hand": _words("Hello Ana,\n\nplease bring:\n- the frame\n- the wheel with its axle\n- the bill\n\nSee you on Friday"),
        "made list": _words("Hello Ana,\n\nthree things:\n\u2022 out with the old axle\n\u2022 in with the new\n\u2022 ride\n\nHave fun!"),
        "link": _words("Hello Ana,\n\nit is here: https://parcel.example/track?number=00340434161094042557&lang=en\n\nAll the best"),
        "link first": _words("https://parcel.example/track?number=00340434161094042557\n\nHere it is."),
        "an address alone": _words("repairs@acme-repairs.example"),
        "blank lines": _words("Hello Ana,\n\n\n\nit is here.\n\n\nCome when you like.\n\n\n\nWe are open until six."),
        "umlauts and a smile": _words("Grüß Gott, liebe Frau Öz,\n\ndas ist schön zu hören 🙂 – bis Łódź!\n\nÄndern können Sie „alles“."),
        "quotes inside": _words('Hello Ana,\n\nyou wrote "please just tell me the truth". Here it is: it never left us.\n\nI am sorry.'),
        "the customer's own line": _words(f'Hello Ana,\n\nyou ask:\n"{_QUESTION[language]}"\n\nIt comes tomorrow.'),
        "a line drawn": _words("Hello Ana,\n\nfirst the axle.\n\n***\n\nThen the money."),
        "a colon last": _words("Hello Ana,\n\nplease send us the following:"),
        "somebody wrote": _words(
            "Hello Ana,\n\nour courier wrote on 12 November 2026:\nparcel handed over at 10:40.\n\nSo it is with your neighbour."
        ),
        "a date and a place": _words("Hello Ana,\n\nwe come to you:\n\nDay: Tuesday\nTime: 10:30\nPlace: Main Street 5\n\nIs that right?"),
        "an address to write to": _words(
            "Hello Ana,\n\nplease send it to:\n\nAcme Repairs\nFactory Road 1\n12345 Berlin\nrepairs@acme-repairs.example"
        ),
        "dashes between": _words("Hello Ana,\n\nfirst the axle.\n\n-----\n\nThen the money: you have it on Friday."),
    }  # fmt: skip


def _words(text: str) -> Typed:
    return Typed(text=text, words=text)
