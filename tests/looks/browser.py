"""Show mails in a browser as mail programs do: each in a frame of its own, at several widths, in light and in dark.

`python -m tests.looks.browser FOLDER` writes a picture of each mail, to look at.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tests.looks.mails import looks

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
WIDTHS = (360, 600, 1000)
SCHEMES = ("light", "dark")
_SCRIPT = Path(__file__).with_name("measure.js").read_text(encoding="utf-8")
_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def framed(name: str, page: str, width: int, scheme: str) -> str:
    """A frame that shows a page; what it prefers is what the frame around it has (CSS Color Adjustment 1, 2.3)."""
    shown = html.escape(re.sub(r'src="cid:[^"]*"', f'src="{_PIXEL}"', page))
    style = f"width:{width}px;height:400px;border:0;color-scheme:{scheme};background:Canvas;vertical-align:top"
    return f'<iframe data-name="{html.escape(name)}" data-scheme="{scheme}" style="{style}" srcdoc="{shown}"></iframe>'


def run(frames: Iterable[str], *flags: str) -> str:
    """Open one page with all frames; what the browser printed."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "page.html")
        body = "\n".join([*frames, '<pre id="found" style="display:none"></pre>', f"<script>{_SCRIPT}</script>"])
        page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{body}')
        command = [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            f"--user-data-dir={folder}/profile",
            *flags,
        ]
        done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@lru_cache(maxsize=4)
def measured(pages: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """What a browser makes of each page (name, HTML) at each width and in each scheme: one process for all."""
    frames = [framed(name, page, width, scheme) for name, page in pages for width in WIDTHS for scheme in SCHEMES]
    printed = run(frames, "--dump-dom", "--virtual-time-budget=10000")
    found = re.search(r'<pre id="found"[^>]*>(.*?)</pre>', printed, re.DOTALL)
    assert found, printed[-500:]
    measures: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return measures


def pictures(folder: Path) -> None:
    """Write a picture of each mail at all widths, in light above and in dark below."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, look in enumerate(looks(), 1):
        frames = [framed(look.name, look.mail.html, width, scheme) for scheme in SCHEMES for width in WIDTHS]
        picture = folder / f"{number:02} {look.name}.png"
        run(frames, f"--screenshot={picture}", "--window-size=2000,2400", "--virtual-time-budget=5000")
        print(picture)


if __name__ == "__main__":
    pictures(Path(sys.argv[1]))
