"""Whose mails are about a known issue, and who hears that it is mended."""

from __future__ import annotations

import pytest

from inboxd.core.issues import in_turn, is_about, keys_of_alarm, not_told
from inboxd.core.model import CaseNo, FirstMail, IssueLink, IssueNo, KeyPhrase, KnownIssue, MailboxName, PersonNo
from tests.fakes import MONDAY


def mail(number: int, *keys: str) -> FirstMail:
    phrases = tuple(KeyPhrase(key=key, text=key) for key in keys)
    return FirstMail(case=CaseNo(number), person=PersonNo(number), at=MONDAY, key_phrases=phrases)


def issue(*keys: str, topic: str = "") -> KnownIssue:
    return KnownIssue(number=IssueNo(1), mailbox=MailboxName("acme"), text="It is known.", keys=keys, topic=topic, opened_at=MONDAY)


def link(case: int, person: int, why: str | None = None) -> IssueLink:
    return IssueLink(case=CaseNo(case), person=PersonNo(person), settled=why is not None, why=why or "")


def test_more_of_an_alarm_are_found_by_the_pairs_of_words_that_many_of_its_mails_share() -> None:
    mails = [
        mail(1, "not sign_in", "sign_in"),
        mail(2, "not sign_in"),
        mail(3, "sign_in"),
        mail(4, "code late", "sign_in"),
        mail(5, "lamp"),
    ]
    assert keys_of_alarm(("sign_in", "topic:account_access"), mails) == ("not sign_in",)


def test_one_word_serves_where_no_pair_does() -> None:
    assert keys_of_alarm(("lamp",), [mail(1, "lamp"), mail(2, "lamp"), mail(3, "lamp red")]) == ("lamp",)


def test_an_alarm_about_a_topic_alone_finds_no_other_mail() -> None:
    assert keys_of_alarm(("topic:billing",), [mail(1, "invoice wrong"), mail(2, "paid twice")]) == ()
    assert not is_about(issue(), {"invoice wrong"}, "billing")


@pytest.mark.parametrize(
    ("keys", "topic", "about"),
    [
        ({"not sign_in"}, "account_access", True),
        ({"lamp", "not sign_in page"}, "account_access", True),
        ({"sign_in"}, "account_access", False),
        ({"not sign_in"}, "billing", False),
        (set(), "account_access", False),
    ],
)
def test_a_mail_is_about_it_by_all_words_of_a_phrase_and_by_its_topic(keys: set[str], topic: str, about: bool) -> None:
    assert is_about(issue("not sign_in", topic="account_access"), keys, topic) is about


def test_everybodys_latest_case_comes_before_anybodys_second() -> None:
    assert in_turn([link(1, 7), link(2, 7), link(3, 8), link(4, 7)]) == (3, 4, 2, 1)


def test_people_are_counted_once_and_other_cases_of_theirs_are_no_reason() -> None:
    links = [
        link(1, 7, ""),
        link(2, 7, "told"),
        link(3, 8, "quiet"),
        link(4, 8, "opted_out"),
        link(5, 9, "sensitive"),
        link(6, 10, "quiet"),
    ]
    assert not_told(links) == (1, (("quiet", 2), ("sensitive", 1)))
