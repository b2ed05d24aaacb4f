"""Signatures that were learnt are left out where a reply ends with them, whole and line by line; never anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inboxd.core.own_words import own_words, signature_lines
from inboxd.core.signatures import begins, from_practice, from_replies

NAMES = ("Maria Lindt", "Maria")
CARD = ("Maria Lindt", "Customer care, Acme GmbH", "+49 30 1234567")
LEARNT = "\n".join(CARD)


def cut(text: str, learnt: str = LEARNT, html: str = "") -> tuple[str, tuple[str, ...]]:
    """The words that are left, and what is said to be left out."""
    found = own_words(text, "", "", html=html, signatures=(learnt,))
    return found.words, found.left_out


# --- left out --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ending",
    [
        LEARNT,
        "\n\n".join(CARD),
        f"  {LEARNT}  ",
        LEARNT.replace(" ", "  ").replace("Customer  care", "Customer\tcare"),
        f"{LEARNT}\n\nSent from my iPhone",
        f"{LEARNT}\n\n\n",
        f"Maria Lindt\n[cid:image001.png@01DC5A2B.3C4D5E60]\n{CARD[1]}\n{CARD[2]}",
        LEARNT.replace(" ", "\u00a0"),
    ],
)
def test_a_learnt_signature_at_the_end_is_left_out_and_that_is_said(ending: str) -> None:
    words, left_out = cut(f"Hello Ana,\nthe 15 mm one.\n\n{ending}")
    assert words == "Hello Ana,\nthe 15 mm one." and any(each.startswith("your signature (") for each in left_out)


@pytest.mark.parametrize(
    "text",
    [
        f"Hello Ana,\n{LEARNT}\nis what you may look for.",  # not at the end
        f"Hello Ana,\n{CARD[0]}\n{CARD[1]}",  # a part of it
        f"Hello Ana,\n{CARD[1]}\n{CARD[2]}",
        f"Hello Ana,\n{LEARNT} after six",  # more in a line
        f"Hello Ana,\nask {LEARNT}",
        f"Hello Ana,\n{LEARNT.replace('1234567', '7654321')}",  # changed
        f"Hello Ana,\n{CARD[0]}\nfrom\n{CARD[1]}\n{CARD[2]}",  # something between
        LEARNT,  # nothing else there
        f"Hello Ana,\n{LEARNT.lower()}",
    ],
)
def test_whatever_differs_stays(text: str) -> None:
    assert cut(text) == (text, ())


def test_what_stands_below_the_mark_is_cut_as_before() -> None:
    assert cut("Hello Ana.\n\n-- \nSomebody else") == ("Hello Ana.", ("your signature (1 line)",))


LINES = st.sampled_from((*CARD, "Hello Ana,", "the 15 mm one.", "Regards", "", "Maria", "+49 30 1234567 ", "see you"))


@given(st.lists(LINES, min_size=1, max_size=12), st.lists(st.sampled_from((*CARD, "see you", "Regards")), min_size=1, max_size=4))
def test_no_line_is_lost_but_the_learnt_ones_at_the_end(lines: list[str], block: list[str]) -> None:
    learnt = [" ".join(line.split()) for line in block]
    start = begins(lines, [learnt])
    spoken = [" ".join(line.split()) for line in lines if line.strip()]
    if start is None:
        assert spoken[-len(learnt) :] != learnt or len(spoken) == len(learnt)
        return
    left = [" ".join(line.split()) for line in lines[:start] if line.strip()]
    assert left and [*left, *learnt] == spoken


# --- learnt ------------------------------------------------------------------------------------------------------------

BODIES = ("Hello Ana,\nthe 15 mm one.", "Hello Ben,\nit is on its way.", "Hello Noor,\nplease try again.")


def learnt(*endings: str) -> tuple[str, ...]:
    """What three replies in three cases teach."""
    lines = [signature_lines(f"{body}\n\n{ending}") for body, ending in zip(BODIES, endings, strict=True)]
    return from_replies(lines[2], lines[:2], NAMES)


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (LEARNT, CARD),
        (f"Kind regards\n{LEARNT}", CARD),
        (f"See you tomorrow\n{LEARNT}", CARD),
        ("Acme GmbH | Bikes for children", ("Acme GmbH | Bikes for children",)),
        ("Maria\nwww.acme.example", ("Maria", "www.acme.example")),
        (
            "Maria Lindt\nSenior agent\nmaria@acme.example\n10115 Berlin",
            ("Maria Lindt", "Senior agent", "maria@acme.example", "10115 Berlin"),
        ),
        ("Maria Lindt\nmaria@acme.example<mailto:maria@acme.example>", ("Maria Lindt", "maria@acme.example")),
        (f"{LEARNT}\nSent from my iPhone", CARD),
    ],
)
def test_the_same_last_lines_in_three_replies_are_a_signature(ending: str, expected: tuple[str, ...]) -> None:
    assert learnt(ending, ending, ending) == expected


@pytest.mark.parametrize(
    "ending",
    [
        "Kind regards",
        "Kind regards\nMaria",
        "Thank you",
        "Let me know if you need anything else",
        "Let me know if you need anything else.\nMaria",
        "Please call us at +49 30 1234567.",
        "You find it at www.acme.example",
        "Maria",
        "Maria Lindt\nCustomer care",  # nothing that only a signature holds
        f"{LEARNT}\nPS: we are closed on Friday",
        f"{LEARNT}\nWe are closed on Friday.",
        f"{LEARNT}\nKind regards",
        "Mit freundlichen Grüßen\nMaria",
        "Viele Grüße",
    ],
)
def test_what_may_be_meant_is_never_learnt(ending: str) -> None:
    assert learnt(ending, ending, ending) == ()


def test_twice_is_not_enough_and_a_change_begins_anew() -> None:
    assert learnt("Regards", LEARNT, LEARNT) == ()
    assert learnt(LEARNT, LEARNT, LEARNT.replace("1234567", "7654321")) == ()
    assert from_replies(signature_lines(LEARNT), (), NAMES) == ()


def test_what_differs_in_one_of_three_is_no_part_of_it() -> None:
    assert learnt(f"Hotline team\n{LEARNT}", f"Shop team\n{LEARNT}", f"Shop team\n{LEARNT}") == CARD


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        (CARD, CARD),
        (("Kind regards", *CARD), CARD),
        (("Is that right?", "Kind regards", *CARD), CARD),
        (("Maria Lindt", "Customer care"), ("Maria Lindt", "Customer care")),
        ((*CARD, "This mail may be confidential. If it is not for you, please tell us."), None),
        (("Have a nice day",), ()),
        (("Have a nice day", "Maria"), ()),
        (("Kind regards", "Maria"), ()),
        (("Thank you!",), ()),
        ((), ()),
    ],
)
def test_in_practice_all_below_the_line_is_the_signature_but_what_hands_type(
    below: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    assert from_practice(below, NAMES) == (below if expected is None else expected)
