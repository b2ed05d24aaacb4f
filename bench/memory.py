"""Memory of the whole chain over 20,000 mails, reading included, in a process of its own: `python -m bench memory`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench import Figure

MAILS = 20_000
MOST = 350.0  # MB


def figures(_: Path) -> dict[str, Figure]:
    """Resident memory after the first thousand mails, halfway and at the end."""
    run = subprocess.run([sys.executable, "-m", "bench.memory"], check=True, capture_output=True, text=True)
    first, half, end = (float(word) for word in run.stdout.split()[-3:])
    return {
        "after_1000": Figure(first, "MB", MOST),
        f"after_{MAILS // 2}": Figure(half, "MB", MOST),
        f"after_{MAILS}": Figure(end, "MB", MOST),
    }


def _measure() -> None:
    import tempfile

    from bench.end_to_end import a_mail
    from inboxd import logs
    from tests.stories.day import Day

    with tempfile.TemporaryDirectory() as place, (Path(place) / "log").open("w") as written:
        logs.to(written)
        day = Day(store_path=Path(place) / "s.sqlite")
        found = []
        for number in range(1, MAILS + 1):
            day.mailbox.put(a_mail(number), day.clock.now())
            if number % 100 == 0:
                day.run()
                day.mailbox.mails.clear()  # the server keeps them, not we
                day.mailer.delivered.clear()
                day.pass_(minutes=5)
            if number in (1000, MAILS // 2, MAILS):
                found.append(_resident())
        print(*found)


def _resident() -> float:
    status = Path("/proc/self/status").read_text("ascii")
    return float(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    _measure()
