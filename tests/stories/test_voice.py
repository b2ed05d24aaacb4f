"""Voice of the customer: others hear what customers wrote, in their own words, nobody's name in them, once the lead lets it go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from inboxd.core.findings import Thanks
from inboxd.core.model import CaseNo, Mode, TopicName
from inboxd.core.rulebook import Listener, PinnedDriver, Rulebook
from inboxd.daemon.office import Week
from tests.desk.sample_findings import the_week
from tests.stories.day import Day, Letterbox
from tests.stories.steps import ANA, BEN, PETRA, TOM

PRODUCT = "product@acme.example"
MISSING = Listener(to=PRODUCT, name="Product", drivers=("axle is missing",))
AXLE = "Hello,\nthe front axle is missing in the box. Order 88213 of last week.\nAna Ruiz"


def listening(*listeners: Listener) -> Rulebook:
    return replace(Day().office.rules.book, voice=listeners or (MISSING,))


def monday(book: Rulebook | None = None, *texts: tuple[str, str], **more: object) -> Day:
    """These mails came, and it is Monday after the morning mails."""
    day = Day(book=book or listening(), **more)  # type: ignore[arg-type]
    for number, (sender, text) in enumerate(texts or ((ANA, AXLE),)):
        day.write(sender, f"My box {number}", text)
        day.pass_(hours=1)
    day.pass_(days=7)
    return day


def offers(day: Day, to: str = PETRA) -> list[Letterbox]:
    return [mail for mail in day.inbox(to) if "what customers wrote" in mail.subject]


def test_it_goes_to_the_lead_first_and_to_nobody_else() -> None:
    day = monday()
    (mail,) = offers(day)
    assert mail.subject == "For Product: what customers wrote"
    assert mail.text.startswith("This would go to Product. Reply: release")
    assert '"the front axle is missing in the box."' in mail.text and "16 to 22 November" in mail.text
    day.pass_(days=3)
    assert not day.inbox(PRODUCT), "nobody has let it go"


@pytest.mark.parametrize("plus_addresses", [True, False])
def test_on_release_it_leaves_as_the_lead_saw_it_and_once(plus_addresses: bool) -> None:
    day = monday(None, plus_addresses=plus_addresses)
    (offered,) = offers(day)
    day.write(BEN, "Box", "Hello,\nthe rear axle is missing in my box, too.\nBen")  # after the lead looked
    day.reply(PETRA, offered, "release")
    (heard,) = day.inbox(PRODUCT)
    assert heard.text.startswith("What customers wrote, 16 to 22 November")
    assert '"the front axle is missing in the box."' in heard.text and "rear axle" not in heard.text
    assert heard.sender == "Acme Support" and heard.message["Reply-To"] is None and "support+" not in str(heard.message)
    assert day.last(PETRA).text.startswith("It is on its way to Product.") and day.events("voice.released") == 1
    day.reply(PETRA, offered, "Release.")
    assert len(day.inbox(PRODUCT)) == 1


def test_nothing_but_the_leads_own_release_lets_it_go() -> None:
    day = monday()
    (offered,) = offers(day)
    day.reply(TOM, offered, "release")
    day.reply("Petra <petra@elsewhere.example>", offered, "release")
    day.write(PETRA, "Re: For Product: what customers wrote", "release")
    day.reply(PETRA, offered, "Looks good, thank you")
    assert not day.inbox(PRODUCT)


def test_names_addresses_and_numbers_are_hidden() -> None:
    text = "Hello Tom,\nI am Ana Ruiz of 14 Mill Lane, order 88213, ana@example.org, and the axle is missing.\nAna Ruiz"
    (mail,) = offers(monday(None, (ANA, text)))
    for secret in ("Ana", "Ruiz", "88213", "example.org", "Mill Lane"):
        assert secret not in mail.text, mail.text
    assert "the axle is missing" in mail.text


def test_of_a_sensitive_case_nothing_is_in_it() -> None:
    text = "Hello,\nthe axle is missing and my father died when the bike fell over. I speak with a lawyer now.\nBen"
    (mail,) = offers(monday(None, (ANA, AXLE), (BEN, text)))
    assert "father" not in mail.text and mail.text.count('"the') == 1


def test_nor_of_one_that_became_sensitive_later() -> None:
    day = Day(book=listening())
    day.write(ANA, "My box", AXLE)
    day.pass_(hours=1)
    day.write(ANA, "Re: My box [#1001]", "My husband died yesterday in the hospital. Please cancel everything.")
    day.pass_(days=7)
    assert offers(day) == []


def test_a_topic_is_heard_of_and_what_is_of_no_interest_is_not() -> None:
    praise = "Hello,\nI love the new bike, it is wonderful and the delivery was very quick. Thank you so much!\nBen"
    book = listening(Listener(to=PRODUCT, name="Product", topics=(TopicName("praise"),)))
    (mail,) = offers(monday(book, (ANA, AXLE), (BEN, praise)))
    assert "axle" not in mail.text and "wonderful" in mail.text


def test_a_driver_is_heard_of_by_its_name() -> None:
    book = replace(
        listening(replace(MISSING, drivers=("Incomplete boxes",))),
        drivers=(PinnedDriver(phrases=("axle is missing",), name="Incomplete boxes"),),
    )
    assert "axle is missing" in offers(monday(book))[0].text


def test_kind_words_of_the_week_are_in_it_too() -> None:
    day = Day()
    day.write(ANA, "My box", "Hello,\nwhen does it come?\nAna")
    thanks = (Thanks(case=CaseNo(1001), name="Ana Ruiz", agent_name="Tom", words="Tom wrote to me like a human being, Ana says so."),)
    topic = TopicName(day.case().topic)
    day.office.rules = replace(day.office.rules, book=listening(replace(MISSING, topics=(topic,))))
    day.office.look_back = lambda _mailbox, _first, _last: Week(findings=replace(the_week(), thanks=thanks, won_back=()), page=b"")
    day.pass_(days=7)
    (mail,) = offers(day)
    assert "wrote to me like a human being" in mail.text and "Tom" not in mail.text and "Ana" not in mail.text


def test_names_in_kind_words_are_hidden_as_in_any_others() -> None:
    day = Day()
    day.write(ANA, "My box", "Hello,\nwhen does it come?\nAna")
    said = "Thank you so much, our neighbour Priya Raman says that you were very kind."
    day.write(ANA, "Re: My box [#1001]", said)
    (row,) = day.store.look("select id from message order by id desc limit 1")
    thanks = (Thanks(case=CaseNo(1001), name="Ana Ruiz", agent_name="Tom", words=said, message=row["id"]),)
    day.office.rules = replace(day.office.rules, book=listening(replace(MISSING, topics=(TopicName(day.case().topic),))))
    day.office.look_back = lambda _mailbox, _first, _last: Week(findings=replace(the_week(), thanks=thanks, won_back=()), page=b"")
    day.pass_(days=7)
    (mail,) = offers(day)
    assert "says that you were very kind" in " ".join(mail.text.split()) and "Priya" not in mail.text and "Raman" not in mail.text


def test_one_person_is_heard_once_and_nobody_hears_more_than_twenty() -> None:
    mails = [
        (f"P{n} <p{n}@crowd.example>", f"Hello,\nthe axle is missing in box {'abcdefghijklmnopqrstuvwxyz'[n]} of mine.") for n in range(24)
    ]
    day = Day(book=listening())
    for sender, text in [*mails, mails[0]]:
        day.write(sender, f"My box {len(day.mailbox.mails)}", text)
    day.pass_(days=7)
    (mail,) = offers(day)
    assert sum(line.startswith('"') for line in mail.text.splitlines()) == 20


def test_where_there_is_nothing_to_hear_nobody_is_bothered() -> None:
    assert offers(monday(None, (ANA, "Hello,\nwhich pump fits the tyres of the bike?\nAna"))) == []


def test_in_mode_watch_there_is_none() -> None:
    assert offers(monday(None, mode=Mode.WATCH)) == []


def test_a_listener_who_was_taken_out_of_the_rules_hears_nothing_more() -> None:
    day = monday()
    (offered,) = offers(day)
    day.office.rules = replace(day.office.rules, book=replace(day.office.rules.book, voice=()))
    day.reply(PETRA, offered, "release")
    assert not day.inbox(PRODUCT) and day.last(PETRA).text.startswith("Nothing has left for product@acme.example.")


def test_a_week_later_it_is_about_that_week() -> None:
    day = monday()
    day.pass_(days=7)
    assert len(offers(day)) == 1
    day.write(BEN, "Box", "Hello,\nthe rear axle is missing in my box.\nBen")
    day.pass_(days=7)
    assert len(offers(day)) == 2 and "rear axle" in offers(day)[1].text and "front axle" not in offers(day)[1].text
    assert timedelta(0) < day.at() - offers(day)[1].outgoing.created_at < timedelta(days=7)
