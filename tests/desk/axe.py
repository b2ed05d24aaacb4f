"""Accessibility by axe-core, run in Chromium over a page that has no script of its own.

`python -m tests.desk.axe` fetches axe-core by npm into a cache, so that a later run needs no network.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VERSION = "4.11.0"
SHA256 = "39bed7d72308f6d620789c169d699bfd7e8da80f65b545821a6b2215c3e83107"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inboxd-tests" / f"axe-core-{VERSION}.min.js"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
SCHEMES = ("light", "dark")
_RUN = """
const out = document.createElement('pre'); out.id = 'found';
const page = done => ({violations: done.violations, passes: done.passes.length, width: innerWidth,
  needed: document.documentElement.scrollWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches});
axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
  .then(done => { out.textContent = JSON.stringify(page(done)); }, error => { out.textContent = JSON.stringify({error: String(error)}); })
  .finally(() => { parent.postMessage(out.textContent, '*'); });
"""


def missing() -> str:
    """Why pages cannot be checked here, for pytest.skip(); "" if they can. Fetches axe-core the first time."""
    if not CHROMIUM:
        return "Chromium is not there: apt-get install chromium"
    try:
        fetched()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return f"axe-core cannot be fetched: {str(error)[-200:]}"
    return ""


def fetched() -> str:
    """The script, from the cache or by npm; another content than expected is refused."""
    if not CACHE.is_file():
        if shutil.which("npm") is None:
            raise RuntimeError("npm is not there: apt-get install npm")
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
            command = ["npm", "pack", f"axe-core@{VERSION}", "--pack-destination", folder]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
            packed = Path(folder, f"axe-core-{VERSION}.tgz")
            if hashlib.sha256(packed.read_bytes()).hexdigest() != SHA256:
                raise RuntimeError(f"axe-core {VERSION} is not what it was")
            with tarfile.open(packed) as archive:
                member = archive.extractfile("package/axe.min.js")
                assert member is not None  # the sum is right
                script = Path(folder, "axe.min.js")
                script.write_bytes(member.read())
            script.rename(CACHE)
    return CACHE.read_text(encoding="utf-8")


def checked(page: str, width: int, scheme: str) -> dict[str, Any]:
    """What axe-core finds in a page at this width and in this scheme: in a frame, which has the scheme of the frame around it."""
    open_to_scripts, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    assert count == 1, "the page forbids scripts"
    with tempfile.TemporaryDirectory() as folder:
        scripts = f"<script>{fetched()}</script><script>{_RUN}</script></body>"
        Path(folder, "page.html").write_text(open_to_scripts.replace("</body>", scripts), encoding="utf-8")
        frame = f'<iframe src="page.html" style="width:{width}px;height:2000px;border:0;color-scheme:{scheme};background:Canvas"></iframe>'
        listen = "addEventListener('message', said => { document.getElementById('found').textContent = said.data; });"
        Path(folder, "around.html").write_text(
            f'<!doctype html><meta charset="utf-8"><body><pre id="found"></pre><script>{listen}</script>{frame}', encoding="utf-8"
        )
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                   "--allow-file-access-from-files", "--virtual-time-budget=60000", "--dump-dom"]  # fmt: skip
        done = subprocess.run(
            [*command, Path(folder, "around.html").as_uri()], capture_output=True, text=True, timeout=180, check=True
        )  # fmt: skip
    told = re.search(r'<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
    assert told, f"the page did not answer: {done.stdout[-500:]} {done.stderr[-500:]}"
    found: dict[str, Any] = json.loads(html.unescape(told[1]))
    assert "error" not in found, found
    return found


if __name__ == "__main__":
    fetched()
    print(CACHE, file=sys.stderr)
