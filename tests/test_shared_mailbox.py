"""A mailbox that people share, on real servers: an answer laid into Sent, a mail moved to Resolved, a team with a folder."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import formatdate

import pytest

from tests.real_desk import SUPPORT, Desk, Person, a_desk
from tests.servers import PASSWORD, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "the servers are here")


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A desk whose mailbox is shared: what is calm goes to people, the seniors work in a folder."""
    with a_desk(["ana", "ben", "clara"]) as one:
        one.dovecot.doveadm("mailbox", "create", "-u", "support", "Resolved")
        one.change("inboxd.yaml", "    folders:\n      inbox: INBOX", "    file: yes\n    folders: {sent: Sent, resolved: Resolved}")
        one.change("rules/people.yaml", "  seniors:\n", "  seniors:\n    deliver: folder\n    folder: Seniors\n")
        one.daemon.start()
        one.eventually(lambda: one.daemon.said("mailbox.first_run") >= 3, "the first look into all three folders")
        yield one


@pytest.fixture(scope="module")
def holder(desk: Desk) -> Person:
    """Whoever holds Ana's case, while somebody answers Ana in the mailbox, and puts Ben's mail aside there."""
    mail = desk.person("ana").writes("Front wheel", "Hello,\n\nwhich spanner fits the front wheel?\n\nAna")
    found, _ = desk.routed("which spanner fits")
    desk.person("ben").writes("Spokes", "Hello,\n\nhow many spokes does it have?\n\nBen")
    desk.routed("how many spokes")
    answer = EmailMessage()
    answer["From"], answer["To"], answer["Subject"] = f"Petra Sommer <{SUPPORT}>", desk.person("ana").address, "Re: Front wheel"
    answer["Message-ID"], answer["In-Reply-To"], answer["Date"] = "<here@acme.test>", mail["Message-ID"], formatdate()
    answer.set_content("Hello Ana,\n\nthe 15 mm one.")
    with imaplib.IMAP4("localhost", desk.dovecot.imap_port, timeout=20) as program:
        program.login("support", PASSWORD)
        assert program.append("Sent", "(\\Seen)", "", answer.as_bytes())[0] == "OK"
        program.select("INBOX")
        (uid,) = program.uid("SEARCH", "SUBJECT", "Spokes")[1][0].split()
        assert program.uid("MOVE", uid.decode(), "Resolved")[0] == "OK"
    return found


def in_folder(desk: Desk, folder: str) -> str:
    """All subjects of a folder, as the server tells them."""
    return desk.dovecot.doveadm("fetch", "-u", "support", "hdr.subject", "mailbox", folder, "all")


def test_check_finds_the_folders(desk: Desk) -> None:
    code, said, talk = desk.inboxd("check")
    assert (code, said.strip().splitlines()[-1]) == (0, "all is well"), talk


def test_check_says_how_the_server_calls_its_folder_of_sent_mail(desk: Desk) -> None:
    desk.change("inboxd.yaml", "{sent: Sent,", "{sent: Gesendet,")
    try:
        code, _, talk = desk.inboxd("check")
    finally:
        desk.change("inboxd.yaml", "{sent: Gesendet,", "{sent: Sent,")
    assert code == 78
    assert "there is no folder 'Gesendet'; the server calls it 'Sent': set folders: {sent: 'Sent'}" in talk


def test_an_answer_laid_into_sent_makes_the_case_wait(desk: Desk, holder: Person) -> None:
    told = holder.gets("answered Ana in the mailbox.", within=90)
    assert "the 15 mm one" in told.text
    assert desk.status()["cases"]["waiting"] == 1
    assert desk.person("ana").mailbox() == []


def test_a_mail_moved_to_resolved_resolves_its_case(desk: Desk, holder: Person) -> None:
    desk.person("ben").gets("Only you can say", within=120)  # the question, which follows a second after the case is resolved


def test_a_mail_for_a_team_with_a_folder_is_laid_there(desk: Desk) -> None:
    desk.person("clara").writes("Broken!", "I am furious: nobody answers me, this is outrageous!")
    desk.eventually(lambda: "Seniors" in desk.dovecot.doveadm("mailbox", "list", "-u", "support"), "a folder of the seniors")
    desk.eventually(lambda: "Broken!" in in_folder(desk, "Seniors"), "the mail in it")
    assert "Broken!" not in in_folder(desk, "INBOX")
    assert [agent.name for agent in desk.agents() if agent.has("I am furious")] == []


def test_every_mail_of_the_three_folders_is_explained(desk: Desk, holder: Person) -> None:
    code, said, talk = desk.inboxd("reconcile")
    assert code == 0, said + talk
    assert all(folder in said for folder in ("INBOX", "Sent", "Resolved"))
