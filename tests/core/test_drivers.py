"""What people wrote about is found in their own words, counted by people, and told with its doubt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from inboxd.core.drivers import drivers, group, rate_ratio
from inboxd.core.findings import Driver
from inboxd.core.model import CaseNo, FirstMail, KeyPhrase, PersonNo
from inboxd.core.rulebook import PinnedDriver

UNTIL = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = timedelta(days=7)
NUMBERS = count(1)
OTHERS = ("open saturday", "card lovely", "workshop visit", "paper write", "pump recommend", "pram repair", "park front", "hire mechanic")


def mail(phrase: str, *more: str, at: datetime = UNTIL - timedelta(days=1), person: int = 0, text: str = "", **facts: object) -> FirstMail:
    number = next(NUMBERS)
    said = (phrase, *more)
    return FirstMail(
        case=CaseNo(number),
        person=PersonNo(person or number),
        at=at,
        name="Ana Ruiz",
        email="ana.ruiz@example.org",
        text=text or f"I write because of {phrase}.",
        key_phrases=tuple(KeyPhrase(key=" ".join(sorted(each.split())), text=each) for each in said),
        **facts,  # type: ignore[arg-type]
    )


def crowd(often: int = 3) -> list[FirstMail]:
    """Mail about all sorts of things: what a driver stands out from."""
    return [mail(each, at=UNTIL - timedelta(days=1 + number)) for each in OTHERS for number in range(often)]


def found(
    mails: Sequence[FirstMail], *, weeks: int = 1, pinned: Sequence[PinnedDriver] = (), names: Sequence[str] = ()
) -> dict[str, Driver]:
    return {each.key: each for each in drivers(mails, UNTIL - weeks * WEEK, UNTIL, zone=UTC, pinned=pinned, names=names)}


def test_mails_in_which_the_same_words_stand_together_are_one_driver_and_the_rest_is_left_over() -> None:
    mails = [mail("part missing", "front axle") for _ in range(9)] + crowd()
    (driver,) = found(mails).values()
    assert (driver.key, driver.people, driver.name) == ("missing part", 9, "part missing")
    assert driver.cases == tuple(each.case for each in mails[:9])


def test_mails_that_say_it_in_other_words_belong_to_it_too() -> None:
    mails = [mail("part missing", "axle box") for _ in range(9)] + [mail("axle", "box") for _ in range(4)] + crowd()
    (driver,) = found(mails).values()
    assert driver.people == 13


def test_each_mail_is_in_one_driver_at_most() -> None:
    both = [mail("part missing", "charged twice") for _ in range(4)]
    mails = both + [mail("part missing") for _ in range(9)] + [mail("charged twice") for _ in range(9)] + crowd()
    places = [place for each in group(mails) for place in each.members]
    assert len(places) == len(set(places)) and len(group(mails)) == 2


def test_a_turn_of_phrase_that_stands_in_all_sorts_of_mails_is_none() -> None:
    matters = [("part missing", "axle"), ("charged twice", "card"), ("cannot sign", "password"), ("app crashes", "phone")]
    mails = [mail(*matter, *(("order number",) if number % 2 else ())) for matter in matters for number in range(12)]
    assert {each.key for each in found(mails).values()} == {"missing part", "charged twice", "cannot sign", "app crashes"}


def test_the_same_mails_give_the_same_drivers() -> None:
    mails = [mail("part missing", "axle box") for _ in range(9)] + [mail("charged twice") for _ in range(9)] + crowd()
    assert found(mails) == found(list(mails)) == found(mails, names=("Maria Lindt",))


def test_one_person_who_writes_ten_times_is_one_person() -> None:
    mails = [mail("part missing") for _ in range(5)] + [mail("part missing", person=7) for _ in range(10)] + crowd()
    assert found(mails)["missing part"].people == 6


def test_people_a_week_oldest_first_and_those_before() -> None:
    mails = [
        mail("part missing", at=UNTIL - week * WEEK - timedelta(days=2)) for week, often in ((0, 9), (1, 4), (2, 2)) for _ in range(often)
    ]
    driver = found(mails + crowd())["missing part"]
    assert driver.trend[-3:] == (2, 4, 9) and (driver.people, driver.before) == (9, 4)


@pytest.mark.parametrize(("now", "before", "changed"), [(19, 6, False), (40, 8, True), (6, 5, False), (0, 30, True)])
def test_a_change_is_claimed_only_beyond_doubt(now: int, before: int, changed: bool) -> None:
    mails = [mail("part missing") for _ in range(now)] + [mail("part missing", at=UNTIL - WEEK - timedelta(days=1)) for _ in range(before)]
    assert found(mails + crowd() + [earlier()])["missing part"].changed is changed


def test_of_a_week_before_the_first_mail_nothing_is_claimed() -> None:
    mails = [mail("part missing") for _ in range(40)] + [mail("part missing", at=UNTIL - WEEK - timedelta(days=1)) for _ in range(8)]
    driver = found(mails + crowd())["missing part"]
    assert (driver.people, driver.before, driver.changed, driver.compared) == (40, 0, False, False)
    assert found(mails + crowd() + [earlier()])["missing part"].compared


def earlier() -> FirstMail:
    """A mail from before the week before: the store knows all of that week."""
    return mail("rent bikes", at=UNTIL - 3 * WEEK)


def test_how_many_were_upset() -> None:
    mails = [mail("part missing", upset=number < 3) for number in range(9)] + crowd()
    assert found(mails)["missing part"].upset == 3


def test_what_fits_no_topic_says_so() -> None:
    mails = [mail("rent bikes", topic="unsure") for _ in range(6)] + [mail("part missing", topic="return") for _ in range(6)] + crowd()
    drivers = found(mails)
    assert drivers["bikes rent"].fits_no_topic and not drivers["missing part"].fits_no_topic
    assert drivers["missing part"].topic == "return"


def test_its_name_is_the_commonest_wording() -> None:
    mails = [mail("missing part") for _ in range(3)] + [mail("part missing") for _ in range(6)] + crowd()
    assert found(mails)["missing part"].name == "part missing"


def test_samples_are_the_customers_sentences_without_their_names() -> None:
    text = "Hello Maria,\nI am Ana Ruiz. In the box of Ana's bike the part missing is number 88213.\nRegards\nAna"
    mails = [mail("part missing", text=text) for _ in range(6)] + crowd()
    (sample,) = found(mails, names=("Maria Lindt",))["missing part"].samples
    assert sample == "In the box of [name] bike the part missing is number [number]."


def test_what_is_sensitive_is_never_quoted() -> None:
    mails = [mail("part missing", sensitive=True) for _ in range(6)] + crowd()
    assert found(mails)["missing part"].samples == ()


def test_our_own_names_are_no_driver() -> None:
    mails = [mail("maria acme") for _ in range(9)] + crowd()
    assert not found(mails, names=("Maria Lindt", "Acme Support"))


# --- what the lead names -----------------------------------------------------------------------------------------------------

MENDED = PinnedDriver(
    phrases=("part missing",), name="A part missing in the box", owner="maria", mended_on=date(2026, 10, 19), mended_with="the new list"
)


def test_the_lead_gives_it_a_name_and_an_owner_and_mails_like_it_belong_to_it() -> None:
    mails = [mail("part missing", "axle box") for _ in range(9)] + [mail("axle", "box") for _ in range(4)] + crowd()
    driver = found(mails, pinned=(MENDED,))["part missing"]
    assert (driver.name, driver.owner, driver.people) == ("A part missing in the box", "maria", 13)


def test_the_fall_after_it_is_mended_is_told_with_its_interval() -> None:
    per_week = (10, 11, 9, 10, 2, 1, 3, 2)
    mails = [
        mail("part missing", at=UNTIL - (8 - week) * WEEK + timedelta(days=1, minutes=number))
        for week, often in enumerate(per_week)
        for number in range(often)
    ]
    driver = found(mails + crowd(), pinned=(MENDED,))["part missing"]
    assert (driver.mended_on, driver.mended) == (date(2026, 10, 19), "the new list")
    assert (driver.a_week_before, driver.a_week_since) == (10.0, 2.0)
    assert 0.05 < driver.ratio_low < 0.2 < driver.ratio_high < 0.5


def test_what_is_mended_and_written_about_no_more_is_still_told() -> None:
    mails = [mail("part missing", at=UNTIL - 6 * WEEK) for _ in range(6)] + crowd()
    driver = found(mails, pinned=(MENDED,))["part missing"]
    assert (driver.people, driver.a_week_since, driver.ratio_low) == (0, 0.0, 0.0)


def test_no_mails_are_no_drivers() -> None:
    assert found([]) == {} and set(found([], pinned=(MENDED,))) <= {"part missing"}


@pytest.mark.parametrize(("one", "other"), [(0, 0), (0, 9), (9, 0), (5, 5), (1000, 10)])
def test_the_interval_of_a_ratio_holds_the_ratio(one: int, other: int) -> None:
    low, high = rate_ratio(one, other, 1.0, 1.0, 1.96)
    assert 0 <= low <= (one / other if other else float("inf")) <= high
