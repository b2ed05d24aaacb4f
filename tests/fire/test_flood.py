"""Ten thousand auto-responses fall into the Maildir at once: nobody is answered, memory stays flat, the ordinary mail is routed."""

from __future__ import annotations

import os
import shutil
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.fire.ground import Ground, a_ground
from tests.fire.matrix import why_not
from tests.real_desk import CUSTOMERS, NAMES, SUPPORT
from tests.trouble.test_loops import FLOOD, auto_response

FLAT = 30.0  # MB between the first third of the flood and its end


def pour(ground: Ground, first: int, count: int) -> None:
    """Put mails straight into the folder, as a delivery agent does: written aside, then moved in whole."""
    folder = ground.server.place / "home" / "support" / "Maildir"
    for name in ("tmp", "new"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        name = f"{1_700_000_000 + number}.M{number}P1.flood"
        (folder / "tmp" / name).write_bytes(auto_response(number))
        shutil.chown(folder / "tmp" / name, "mail", "mail")
        os.rename(folder / "tmp" / name, folder / "new" / name)


def resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def decided(ground: Ground) -> int:
    return int((ground.look("select count(*) as n from message where kind = 'auto_response'") or [{"n": 0}])[0]["n"])


@pytest.mark.skipif(bool(why_not("dovecot")), reason=why_not("dovecot") or "the servers are here")
def test_ten_thousand_auto_responses_in_the_maildir_stop_nothing() -> None:
    with a_ground("dovecot", customers=1, warm=True) as ground:
        ground.first_look()
        pour(ground, 0, FLOOD // 2)
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = f"Ann <c0@{CUSTOMERS}>", SUPPORT, "Lamp"
        mail["Message-ID"] = "<ordinary@flood.test>"
        mail.set_content("Hello,\nwhich lamp fits the blue stand?\nAnn\n")
        ground.submit(f"c0@{CUSTOMERS}", SUPPORT, mail)
        pour(ground, FLOOD // 2, FLOOD - FLOOD // 2)
        ground.eventually(lambda: decided(ground) >= FLOOD // 3, "a third of the flood", within=120)
        early = resident(ground.daemon.pid)
        ground.eventually(lambda: decided(ground) == FLOOD, "the whole flood", within=180)
        late = resident(ground.daemon.pid)
        routed = ground.eventually(
            lambda: [letter for name in NAMES for letter in ground.post(name).letters() if "Lamp" in str(letter.message["Subject"])],
            "the ordinary mail at an agent's",
        )
        assert len(routed) == 1
        assert late - early < FLAT, f"{early:.0f} MB grew to {late:.0f} MB"
        others = ground.look("select kind, recipient from outgoing where kind <> 'routed' and purpose_key not like 'practice:%'")
        assert others == [], "nobody was answered"
        assert ground.look("select id from job where parked_at is not null") == []
        print(f"\n{FLOOD} auto-responses: {early:.0f} MB after a third, {late:.0f} MB at the end")
