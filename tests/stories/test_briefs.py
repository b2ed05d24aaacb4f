"""The mail that hands a case to an agent, over whole stories: what stands above it, who gets it, and what one tap does."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from inboxd.core.model import AgentName, CaseState
from tests.looks.mails import ANA, COMING, LUIS, PROMISE, SUBJECT, UPSET, a_day, not_solved, on, promised, reopened, upset
from tests.stories.day import Day, Letterbox
from tests.stories.steps import CALM, FURIOUS, JONAS, MARIA, PETRA, TOM, holder, kinds, opened, words_of

ANA_AT = "ana.ruiz@example.org"


def above(mail: Letterbox) -> list[str]:
    """The lines of the brief."""
    return mail.text.partition("\r\n-----")[0].splitlines()


def test_a_senior_reads_what_this_person_has_been_through_before_the_mail_itself() -> None:
    mail = upset(a_day())
    assert above(mail) == [
        "Ana sounds upset. Please answer now.",
        '"This is a disgrace."',
        '"this is the third time I am writing."',
        'Day named: Sat 19 Dec ("He turns six this Saturday")',
        "",
        "What happened so far",
        'Sat 5 Dec, Ana: "the bike came today and the axle for the front wheel is missing."',
        'Mon 7 Dec, Tom: "You will have it by Friday."',
        'Sat 12 Dec, Ana: "Where is the axle?" (not answered)',
        "",
        'Promised, and the day is past: Fri 11 Dec ("You will have it by Friday.", Tom)',
        'Also told to Ana: "I will send you a lamp besides." (Tom)',
        "You may, without asking: send by courier, give back 30 EUR",
        "Why you: sounds upset, fewest open cases",
        "Your answer also goes to Luis Ruiz, who was in copy",
        "From ana.ruiz@example.org, sender confirmed. 1 photo.",
    ]
    assert str(mail.message["Importance"]) == "high"


def test_a_case_that_came_back_reaches_a_senior_who_was_not_part_of_it_with_all_of_it() -> None:
    day = a_day()
    mail = reopened(day)
    assert mail.outgoing.envelope_to == (JONAS,)
    lines = above(mail)
    assert lines[0] == "Ana says it is not solved. Please answer by 15:20 today."
    assert 'Tue 15 Dec, Maria: "the courier says it was handed over at 10:40."; resolved' in lines
    assert "More than that: Petra decides, petra@acme.example" in lines
    assert lines[-3].endswith("Tom and Maria know you have it now.")
    told = [agent for agent in (TOM, MARIA) if "Ana says it is not solved. Jonas has it now." in day.last(agent).text]
    assert told == [TOM, MARIA]  # it is said only because it is so


# --- the whole exchange ----------------------------------------------------------------------------------------------------


def exchange(mail: Letterbox) -> str:
    """The attached text file, as any program shows it; "" where there is none."""
    found = [part for part in mail.message.iter_attachments() if part.get_filename() == "exchange.txt"]
    return "".join(part.get_content() for part in found).removeprefix("\ufeff").replace("\r\n", "\n")


def test_where_a_brief_leaves_older_mails_out_the_whole_exchange_is_attached() -> None:
    mail = reopened(a_day())
    assert "Before that: 2 mails. The whole exchange is attached." in above(mail)
    text = exchange(mail)
    assert text.startswith(f"All that Ana and we wrote before, oldest first.\nAna Ruiz: {SUBJECT} [#1001]\n\n-----")
    assert re.findall(r"^----- (.+) -----$", text, re.MULTILINE) == [
        "Ana Ruiz wrote on Saturday 5 December 2026 at 09:00",
        "Tom wrote on Monday 7 December 2026 at 10:00",
        "Ana Ruiz wrote on Saturday 12 December 2026 at 08:00",
        "Ana Ruiz wrote on Monday 14 December 2026 at 09:12",
        "Maria wrote on Monday 14 December 2026 at 10:30",
        "Maria wrote on Tuesday 15 December 2026 at 11:00; resolved",
    ]
    for words in (PROMISE, UPSET, COMING):
        assert "\n".join(line.strip() for line in words.splitlines()) in text
    assert "does not fit" in mail.text and "does not fit" not in text, "what is new stands in the mail itself"


def test_a_brief_that_leaves_nothing_out_brings_no_file() -> None:
    mail = upset(a_day())
    assert "Before that" not in mail.text and exchange(mail) == ""


def test_the_exchange_holds_nothing_that_was_said_among_us_and_marks_what_somebody_else_said() -> None:
    day = a_day()
    first = upset(day)
    day.reply(MARIA, first, "note: the courier lies")
    day.reply(MARIA, first, "ask: bob@carrier.example\n\nHello Bob,\nwhere is parcel 77, between us?")
    day.reply("Bob Miller <bob@carrier.example>", day.last("bob@carrier.example"), "It left our hall at noon.")
    on(day, "2026-12-14T10:30").reply(MARIA, first, COMING)
    text = exchange(not_solved(day, first))
    assert (
        "----- Bob Miller, who was asked, wrote on Monday 14 December 2026 at 09:12 (Ana has not read it) -----\n\nIt left our hall" in text
    )
    for inside in ("courier lies", "between us", "You may", "Why you", "note:", "ask:", "Please answer", "support+", "@acme.example"):
        assert inside not in text, inside


def test_an_exchange_that_is_too_long_keeps_the_newest_and_says_so() -> None:
    day = a_day()
    promised(day)
    for number in range(1, 6):
        on(day, f"2026-12-12T{8 + number:02}:30")
        day.write(ANA, f"Re: {SUBJECT}", f"Part {number}.\n" + "Größe und Länge.\n" * 3000, answers=words_of(day, ANA_AT))
    text = exchange(upset_again(day))
    assert "Left out, for it is too long: the 5 oldest mails.\n" in text
    assert "Part 3." in text and "Part 5." in text and "Part 2." not in text and "Größe und Länge." in text
    assert len(text.encode()) < 210_000


def upset_again(day: Day) -> Letterbox:
    """Ana writes once more, upset."""
    on(day, "2026-12-14T09:12").write(ANA, f"Re: {SUBJECT}", UPSET, answers=words_of(day, ANA_AT))
    return day.routed(holder(day))


def test_a_reply_to_a_brief_with_the_exchange_is_read_as_any_other() -> None:
    day = a_day()
    mail = reopened(day)
    day.reply(JONAS, mail, "Hello Ana,\na whole new bike is on its way.")
    got = words_of(day, ANA_AT)
    assert "a whole new bike is on its way." in got.text and "exchange.txt" not in got.message.as_string()
    assert day.case().state is CaseState.WAITING


# --- who gets it, and what one tap does ----------------------------------------------------------------------------------------


def test_who_was_handed_a_case_that_did_not_come_back_reads_of_nobody_above() -> None:
    assert "More than that" not in upset(a_day()).text


def test_the_lead_is_not_sent_to_the_lead() -> None:
    day = a_day()
    book = replace(day.office.rules.book, lead="jonas")
    day.office.rules = replace(day.office.rules, book=book)
    mail = reopened(day)
    assert mail.outgoing.envelope_to == (JONAS,) and "More than that" not in mail.text


def test_in_a_later_mail_all_that_is_new_stands_on_top() -> None:
    """Mail programs fold away what they have shown before: nothing new may stand below it."""
    day = a_day()
    first = upset(day)
    senior = holder(day)
    on(day, "2026-12-14T10:30").reply(senior, first, COMING)
    on(day, "2026-12-15T14:00").write(
        ANA, f"Re: {SUBJECT}", "I am furious. It did not come. I want it by Friday.", answers=words_of(day, ANA_AT), cc=LUIS
    )
    later = day.routed(senior)
    old, new = set(above(first)), above(later)
    fresh = new.index("What happened so far")
    assert fresh >= 3 and not old & set(new[: fresh - 1])
    assert new[fresh + 1] in old  # what was told before comes after it
    assert new[fresh - 2] == 'Day named: Fri 18 Dec ("I want it by Friday.")'


def test_the_subject_stays_the_same_as_long_as_the_case_lasts() -> None:
    """A subject that changes begins a new thread, in programs of agents as in those of customers."""
    day = a_day()
    promised(day)
    day.write("A. R. <ana.ruiz@example.org>", "something else entirely", UPSET, answers=words_of(day, ANA_AT))
    day.reply(MARIA, day.routed(MARIA), "label: warehouse\ntopic: refund\n\nHello Ana,\n\nI look for it.")
    to_agents = [mail for agent in (TOM, MARIA) for mail in day.inbox(agent) if mail.outgoing.case == 1001]
    assert len(to_agents) > 4
    assert {mail.subject.removeprefix("Re: ") for mail in to_agents} == {"Ana Ruiz: Bike without a front axle [#1001]"}
    assert {mail.subject for mail in day.inbox(ANA_AT)} == {"Re: Bike without a front axle [#1001]"}


def test_the_other_readers_are_named_and_reply_all_cannot_reach_them() -> None:
    day = a_day()
    mail = upset(day)
    written = " ".join(str(value) for name, value in mail.message.items() if name in ("From", "To", "Cc", "Reply-To"))
    assert "luis" not in written.lower() and str(mail.message["To"]) == "Maria Lindt <maria@acme.example>" and mail.message["Cc"] is None
    assert "Just reply: Ana and Luis read your words and nothing else." in mail.text
    day.reply(MARIA, mail, "Hello Ana,\n\nI look for it.")
    assert [str(words_of(day, ANA_AT).message[name]) for name in ("To", "Cc")] == [ANA, LUIS]


HANS = "Hans Berg <hans@else.example>"
CLARA = "Clara Voss <clara@home.example>"


def foot(mail: Letterbox) -> str:
    return next(line for line in mail.text.splitlines() if line.startswith("Just reply: "))


def test_who_writes_into_the_case_of_somebody_else_is_told_apart_from_who_reads_the_answer() -> None:
    day = Day()
    day.write(CLARA, "Chair", "My chair wobbles. What can I do?")
    day.pass_(hours=1)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Clara,\n\nplease tighten the screw.")
    answer = words_of(day, "clara@home.example")
    day.reply(HANS, answer, "Which screw is meant? There are two of them.")
    mail = day.routed(agent)
    assert foot(mail) == "Just reply: Clara and Hans read your words and nothing else."
    notice = 'Hans is not Clara, whose case this is: your answer goes to both. "drop: hans@else.example" leaves Hans out.'
    assert notice in mail.text.splitlines()
    assert "was in copy" not in mail.text  # Hans wrote this very mail
    day.reply(agent, mail, "drop: hans@else.example\n\nHello Clara,\n\nthe one below.")
    said = words_of(day, "clara@home.example")
    assert "the one below" in said.text and said.message["Cc"] is None
    day.reply(CLARA, said, "Thank you, which tool do I need?")
    assert foot(day.routed(agent)) == "Just reply: Clara reads your words and nothing else."


def test_an_agent_who_writes_to_the_customer_with_us_in_copy_is_not_named_as_a_reader() -> None:
    day = Day()
    day.write(CLARA, "Chair", "My chair wobbles. What can I do?")
    day.pass_(hours=1)
    agent = holder(day)
    day.reply(agent, day.routed(agent), "Hello Clara,\n\nplease tighten the screw.")
    first = words_of(day, "clara@home.example")
    other = next(each for each in (TOM, MARIA, JONAS) if each != agent)
    day.write(
        other, "Re: Chair", "Hello Clara, I drive by on Monday and look at it.",
        to=CLARA, cc="support@acme.example", answers=first,
    )  # fmt: skip
    mail = day.routed(agent)
    assert "I drive by on Monday" in mail.text
    assert foot(mail) == "Just reply: Clara reads your words and nothing else."


def test_two_readers_of_one_name_are_told_apart_by_their_addresses() -> None:
    day = Day()
    day.write(CLARA, "Chair", "My chair wobbles. What can I do?", cc="Clara Voss <clara@work.example>")
    mail = day.routed(holder(day))
    assert foot(mail) == "Just reply: clara@home.example and clara@work.example read your words and nothing else."


def test_a_customer_who_asks_for_answers_at_another_address_is_answered_where_they_wrote_and_the_agent_may_add_the_other() -> None:
    day = Day()
    day.write(CLARA, "Chair", "My chair wobbles. What can I do?", headers={"Reply-To": "office@home.example"})
    agent = holder(day)
    mail = day.routed(agent)
    assert 'Asks for answers at office@home.example, which is not used: "cc: office@home.example" adds it.' in mail.text.splitlines()
    day.reply(agent, mail, "cc: office@home.example\n\nHello Clara,\n\nplease tighten the screw.")
    assert [str(words_of(day, "clara@home.example").message[name]) for name in ("To", "Cc")] == [CLARA, "office@home.example"]


def test_where_a_link_leads_that_only_its_words_show_stands_below_the_mail() -> None:
    day = Day()
    page = (
        '<p>Please see <a href="https://share.test/f/abc123?token=xyz">the photos</a>, our page '
        '<a href="https://home.example/">www.home.example</a> and <a href="mailto:x@home.example">me</a>.</p>'
    )
    day.write(CLARA, "Chair", "Please see the photos, our page www.home.example and me.", html=page)
    text = day.routed(holder(day)).text
    assert 'The link "the photos" leads to https://share.test/f/abc123?token=xyz' in text.splitlines()
    assert text.count("leads to") == 1


def test_a_persons_mail_can_be_answered_by_an_out_of_office_and_a_notice_cannot() -> None:
    day = a_day()
    upset(day)
    mails = [mail for agent in (TOM, MARIA, PETRA) for mail in day.inbox(agent)]
    assert {str(mail.outgoing.kind) for mail in mails} == {"routed", "notice"}
    for mail in mails:
        marked = {name.lower(): str(value) for name, value in mail.message.items()}
        if mail.outgoing.kind == "routed":
            assert not {"auto-submitted", "precedence", "x-auto-response-suppress"} & set(marked)
            assert not [name for name in marked if name.startswith("list-")]
        else:
            assert marked["auto-submitted"] == "auto-generated"


# --- one tap ---------------------------------------------------------------------------------------------------------


def taps(mail: Letterbox) -> dict[str, str]:
    """The labels of the lines that can be tapped, each with its mail."""
    return {label: href.replace("&amp;", "&") for href, label in re.findall(r'<a href="(mailto:[^"]*)"[^>]*>→ ([^<]*)</a>', mail.html)}


def tapped(day: Day, agent: str, mail: Letterbox, label: str, more: str = "") -> None:
    """An agent taps a line, types what the mail that opens leaves open, and sends it."""
    link = urlsplit(taps(mail)[label])
    said = parse_qs(link.query)
    day.write(agent, said["subject"][0], said["body"][0] + more, to=unquote(link.path))


def test_four_lines_can_be_tapped() -> None:
    day = Day()
    assert list(taps(day.routed(opened(day)))) == ["Note", "Resolve", "Pass on", "Later"]


@pytest.mark.parametrize("label", ["Note", "Resolve", "Pass on", "Later"])
def test_one_tap_does_what_it_says_and_the_customer_reads_none_of_it(label: str) -> None:
    day = Day()
    agent = opened(day, CALM)
    tapped(day, agent, day.routed(agent), label, "the courier is late" if label == "Note" else "")
    assert "reply" not in kinds(day, "ana@example.org") and "returned" not in kinds(day, agent)
    case = day.case()
    if label == "Note":
        assert day.events("case.note") == 1 and case.state is CaseState.OPEN
    elif label == "Resolve":
        assert case.state is CaseState.RESOLVED
    elif label == "Pass on":
        assert holder(day) != agent and "which spanner" in day.routed(holder(day)).text
    else:
        assert "it comes back on Tuesday 17 November" in " ".join(day.last(agent).text.split())


def test_a_tap_of_an_upset_case_is_passed_on_to_another_senior() -> None:
    day = Day()
    agent = opened(day, FURIOUS)
    tapped(day, agent, day.routed(agent), "Pass on")
    assert holder(day) in {MARIA, JONAS} - {agent} and day.case().assignee == AgentName(holder(day).partition("@")[0])


def test_the_exchange_goes_back_to_nobody_who_answers_with_it() -> None:
    day = a_day()
    mail = reopened(day)
    agent = mail.outgoing.envelope_to[0]
    day.reply(agent, mail, "Hello Ana,\na new one is on its way.", attach=("exchange.txt", exchange(mail).encode()))
    assert not list(words_of(day, "ana.ruiz@example.org").message.iter_attachments())
