"""A throw-away Cyrus IMAP server. Its package conflicts with Dovecot's, so it runs from unpacked .debs kept in a cache.

`python -m tests.fire.cyrus` fetches them, so that a later run needs no network.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers import PASSWORD, _alive, _answers, _await, _end, _pid, _read, _run, free_port

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "inboxd-tests" / "cyrus"
PACKAGES = ("cyrus-common", "cyrus-imapd")
LIBRARIES = ("ical", "zephyr", "pcre", "xapian", "clamav", "sasl2")


def missing() -> str:
    """Why Cyrus cannot run here, for pytest.skip(); "" if it can. Fetches its packages the first time."""
    if os.geteuid() != 0:
        return "Cyrus needs root for a throw-away instance"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in ("saslpasswd2", "dpkg-deb", "apt-get") if shutil.which(name, path=path) is None]
    absent += [f"lib{name}" for name in LIBRARIES if ctypes.util.find_library(name) is None]
    if absent:
        return f"not installed, and Cyrus needs it: {', '.join(absent)} (the list of packages is in .ci/run)"
    try:
        unpacked()
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        return f"the packages of Cyrus cannot be fetched: {str(error)[-200:]}"
    return ""


def unpacked() -> Path:
    """The unpacked packages, fetched if they are not there yet. Complete or absent: the folder is moved into place at the end."""
    if not all((CACHE / name).is_dir() for name in PACKAGES):
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as name:
            place = Path(name)
            done = subprocess.run(
                ["apt-get", "download", *PACKAGES], cwd=place, capture_output=True, text=True, timeout=120, check=False
            )  # fmt: skip
            if done.returncode != 0:
                raise RuntimeError(f"apt-get download {' '.join(PACKAGES)}: {done.stderr.strip()}")
            for package in PACKAGES:
                (place / "tree" / package).mkdir(parents=True)
                (deb,) = place.glob(f"{package}_*.deb")
                _run(["dpkg-deb", "-x", str(deb), str(place / "tree" / package)])
            shutil.rmtree(CACHE, ignore_errors=True)
            (place / "tree").rename(CACHE)
    return CACHE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cyrus:
    """A running Cyrus without TLS; the password of every user is PASSWORD, mailboxes are made when first used."""

    place: Path
    imap_port: int
    lmtp_port: int

    @classmethod
    def start(cls, place: Path, users: Sequence[str]) -> Cyrus:
        """Copy the programs to where their own user may read them, write the settings, start, wait until it listens."""
        for name in ("conf", "part", "sock", "log", "proc"):
            (place / name).mkdir(parents=True)
        shutil.copytree(unpacked(), place / "tree", symlinks=True)
        one = cls(place=place, imap_port=free_port(), lmtp_port=free_port())
        _make_user()
        (place / "imapd.conf").write_text(_IMAPD.format(place=place))
        (place / "cyrus.conf").write_text(
            _CYRUS.format(bin=one._bin, imapd=one._imapd, place=place, imap=one.imap_port, lmtp=one.lmtp_port)
        )
        for user in ("cyrus", *users):
            command = ["saslpasswd2", "-p", "-f", str(place / "sasldb2"), "-c", "-u", "localhost", user]
            subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True, timeout=20)
        _run(["chown", "-R", "cyrus:mail", *(str(place / name) for name in ("conf", "part", "sock", "log", "proc", "sasldb2"))])
        _run(["chown", "cyrus:mail", str(place)])
        one.restart()
        return one

    @property
    def _bin(self) -> Path:
        return self.place / "tree" / "cyrus-common" / "usr" / "lib" / "cyrus" / "bin"

    @property
    def _imapd(self) -> Path:
        return self.place / "tree" / "cyrus-imapd" / "usr" / "lib" / "cyrus" / "bin"

    def restart(self) -> None:
        """Start again after `stop`, on the same ports, with the same mail."""
        (self.place / "master.pid").unlink(missing_ok=True)
        (libraries,) = (self.place / "tree" / "cyrus-common" / "usr" / "lib").glob("*-linux-gnu*")
        command = [str(self._bin / "master"), "-C", str(self.place / "imapd.conf"), "-M", str(self.place / "cyrus.conf")]
        command += ["-p", str(self.place / "master.pid"), "-L", str(self.place / "log" / "master.log"), "-D"]
        environment = os.environ | {"LD_LIBRARY_PATH": str(libraries)}
        with (self.place / "log" / "output").open("ab") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
            )  # fmt: skip
        try:
            _await(lambda: process.poll() is not None or (_answers(self.imap_port) and _answers(self.lmtp_port)), self._log)
            if process.poll() is not None:
                raise RuntimeError(f"Cyrus ended with {process.returncode}; its log:\n{self._log()}")
        except BaseException:
            process.kill()
            raise

    def stop(self) -> None:
        """Stop and wait for the end; quiet if it does not run."""
        pid = _pid(self.place / "master.pid")
        _end(pid)
        if not _alive(pid):
            try:
                os.waitpid(pid, os.WNOHANG)
            except (ChildProcessError, OSError):
                pass

    def _log(self) -> str:
        return _read(self.place / "log" / "master.log") + _read(self.place / "log" / "output")


def _make_user() -> None:
    if "cyrus:" not in _read(Path("/etc/passwd")):
        _run(["useradd", "-r", "-M", "-d", "/nonexistent", "-s", "/usr/sbin/nologin", "-g", "mail", "cyrus"])


_IMAPD = """\
configdirectory: {place}/conf
partition-default: {place}/part
defaultpartition: default
servername: localhost
admins: cyrus
allowplaintext: yes
sasl_mech_list: PLAIN LOGIN
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {place}/sasldb2
unixhierarchysep: yes
altnamespace: yes
virtdomains: off
lmtpsocket: {place}/sock/lmtp
idlesocket: {place}/sock/idle
notifysocket: {place}/sock/notify
autocreate_quota: 0
autocreate_inbox_folders: Sent | Junk
autocreate_post: yes
xlist-sent: Sent
xlist-junk: Junk
mupdate_connections_max: 0
imapidlepoll: 1
duplicatesuppression: no
lmtp_downcase_rcpt: yes
master_pid_file: {place}/master.pid
master_ready_file: {place}/master.ready
"""

_CYRUS = """\
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {place}/imapd.conf -r"
  idled cmd="{imapd}/idled -C {place}/imapd.conf"
}}
SERVICES {{
  imap cmd="{imapd}/imapd -C {place}/imapd.conf -U 30" listen="127.0.0.1:{imap}" prefork=1 maxchild=100
  lmtp cmd="{bin}/lmtpd -C {place}/imapd.conf -a" listen="127.0.0.1:{lmtp}" prefork=0 maxchild=5
}}
EVENTS {{
}}
"""

if __name__ == "__main__":
    why = missing()
    print(why or f"Cyrus is in {unpacked()}")
    sys.exit(bool(why))
