"""Real mail servers as throw-away instances on the loopback: Dovecot (IMAP, LMTP) and Postfix (SMTP).

    with a_place() as place:
        dovecot = Dovecot.start(place / "dovecot", users=["support", "ann"])
        postfix = Postfix.start(place / "postfix", dovecot.lmtp_port, domains=["acme.test", "home.test"], users=[...])

A user is a local part, which gets the mail of all domains (`ann`), or a full address with a mailbox of its own
(`support@other.test`). What comes after a "+" is kept in Delivered-To.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "s3cret"
_PATIENCE = 20.0  # seconds until a server must be up


def missing() -> str:
    """Why the servers cannot run here, for pytest.skip(); "" if they can."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    absent = [name for name in ("dovecot", "doveadm", "postfix", "openssl") if shutil.which(name, path=path) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (apt-get install dovecot-imapd dovecot-lmtpd postfix openssl)"
    if os.geteuid() != 0:
        return "Dovecot and Postfix need root for throw-away instances"
    version = _run(["dovecot", "--version"]).strip()
    return "" if version.startswith("2.3.") else f"the settings here are for Dovecot 2.3, and this is {version}"


@contextmanager
def a_place() -> Iterator[Path]:
    """A directory that the servers' own users can reach (pytest's is closed to them), gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="inboxd-") as name:
        place = Path(name)
        place.chmod(0o755)
        yield place


_GIVEN: set[int] = set()  # the system may name a port again as soon as it is free


def free_port() -> int:
    """A port of the loopback that nobody listens on, and that was not named before."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def make_certificate(place: Path, names: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
    """A certificate signed by itself, and its key."""
    cert, key = place / "cert.pem", place / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    _run([*command.split(), "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(cert)])
    return cert, key


@dataclass(frozen=True, slots=True, kw_only=True)
class Dovecot:
    """A running Dovecot; the password of every user is PASSWORD."""

    place: Path
    imap_port: int
    imaps_port: int
    lmtp_port: int
    cert: Path

    @classmethod
    def start(cls, place: Path, users: Sequence[str]) -> Dovecot:
        """Write the settings, start, and wait until it listens."""
        for name in ("run", "state", "log", "home"):
            (place / name).mkdir(parents=True)
        shutil.chown(place / "home", "mail", "mail")
        cert, key = make_certificate(place)
        one = cls(place=place, imap_port=free_port(), imaps_port=free_port(), lmtp_port=free_port(), cert=cert)
        (place / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}::::{place}/home/{user}::\n" for user in users))
        (place / "dovecot.conf").write_text(_dovecot_conf(one, key))
        one.restart()
        return one

    def restart(self) -> None:
        """Start again after `stop`, on the same ports, with the same mail."""
        with _stopped_on_failure(self):
            _run(["dovecot", "-c", str(self.place / "dovecot.conf")])
            _await(self._listens, self._log)

    def doveadm(self, *args: str) -> str:
        """Run doveadm on this instance and return what it prints."""
        return _run(["doveadm", "-c", str(self.place / "dovecot.conf"), *args])

    def stop(self) -> None:
        """Stop and wait for the end; quiet if it does not run."""
        _end(_pid(self.place / "run" / "master.pid"))

    def _listens(self) -> bool:
        return all(_answers(port) for port in (self.imap_port, self.imaps_port, self.lmtp_port))

    def _log(self) -> str:
        return _read(self.place / "log" / "dovecot.log")


@dataclass(frozen=True, slots=True, kw_only=True)
class Postfix:
    """A running Postfix that delivers the users of its domains by LMTP and relays nothing. Offers STARTTLS."""

    place: Path
    smtp_port: int
    cert: Path

    @classmethod
    def start(cls, place: Path, lmtp_port: int, domains: Sequence[str], users: Sequence[str]) -> Postfix:
        """Write the settings, start, and wait until it listens."""
        for name in ("etc", "queue", "data"):
            (place / name).mkdir(parents=True)
        shutil.chown(place / "data", "postfix")
        cert, key = make_certificate(place)
        one = cls(place=place, smtp_port=free_port(), cert=cert)
        (place / "etc" / "main.cf").write_text(_main_cf(one, key, lmtp_port, domains))
        (place / "etc" / "master.cf").write_text(_MASTER_CF.format(port=one.smtp_port))
        (place / "etc" / "recipients").write_text("".join(_recipient(user, domains) for user in users))
        with _stopped_on_failure(one):
            _run(["postfix", "-c", str(place / "etc"), "start"])
            _await(lambda: _answers(one.smtp_port), one.log)
        return one

    def stop(self) -> None:
        """Stop and wait for the end; quiet if it does not run."""
        _end(_pid(self.place / "queue" / "pid" / "master.pid"))

    def log(self) -> str:
        """All that it logged so far."""
        return _read(self.place / "queue" / "maillog")


# --- settings ------------------------------------------------------------------------------------------------------


def _dovecot_conf(one: Dovecot, key: Path) -> str:
    special = "".join(
        f"  mailbox {name} {{\n    special_use = \\{name}\n    auto = subscribe\n  }}\n"
        for name in ("Drafts", "Sent", "Junk", "Trash", "Archive")
    )
    lookup = "".join(  # the full address first, then the local part alone
        f"{db} {{\n  driver = passwd-file\n  args = username_format={form} {one.place}/users\n}}\n"
        for db in ("passdb", "userdb")
        for form in ("%u", "%n")
    )
    return f"""\
base_dir = {one.place}/run
state_dir = {one.place}/state
log_path = {one.place}/log/dovecot.log
instance_name = inboxd{one.imap_port}
protocols = imap lmtp
listen = 127.0.0.1
first_valid_uid = 1
auth_mechanisms = plain login
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{one.cert}
ssl_key = <{key}
mail_location = maildir:~/Maildir
mail_uid = mail
mail_gid = mail
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
mail_max_userip_connections = 50
{lookup}
namespace inbox {{
  inbox = yes
  separator = /
{special}}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {one.imap_port}
  }}
  inet_listener imaps {{
    port = {one.imaps_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {one.lmtp_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


def _main_cf(one: Postfix, key: Path, lmtp_port: int, domains: Sequence[str]) -> str:
    place = one.place
    return f"""\
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.{domains[0]}
mydomain = {domains[0]}
myorigin = {domains[0]}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {" ".join(domains)}
virtual_mailbox_maps = regexp:{place}/etc/recipients
virtual_transport = lmtp:inet:127.0.0.1:{lmtp_port}
default_transport = error:5.1.2 this test instance does not relay
relay_transport = error:5.1.2 this test instance does not relay
relayhost =
recipient_delimiter = +
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = {one.cert}
smtpd_tls_key_file = {key}
alias_maps =
alias_database =
local_recipient_maps =
maillog_file = {place}/queue/maillog
maillog_file_prefixes = {place}
smtpd_peername_lookup = no
smtputf8_enable = yes
message_size_limit = 52428800
lmtp_destination_concurrency_limit = 10
in_flow_delay = 0
smtpd_client_connection_rate_limit = 0
minimal_backoff_time = 5s
maximal_backoff_time = 10s
queue_run_delay = 5s
"""


_MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup  unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr    unix n - n 300 1 qmgr
tlsmgr  unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce  unix - - n - 0 bounce
defer   unix - - n - 0 bounce
trace   unix - - n - 0 bounce
verify  unix - - n - 1 verify
flush   unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp    unix - - n - - smtp
relay   unix - - n - - smtp
lmtp    unix - - n - - lmtp
error   unix - - n - - error
retry   unix - - n - - error
discard unix - - n - - discard
local   unix - n n - - local
virtual unix - n n - - virtual
anvil   unix - - n - 1 anvil
scache  unix - - n - 1 scache
showq   unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


def _recipient(user: str, domains: Sequence[str]) -> str:
    local, _, domain = user.partition("@")
    at = "|".join(re.escape(one) for one in ([domain] if domain else domains))
    return f"/^{re.escape(local)}(\\+[^@]*)?@({at})$/ ok\n"


# --- processes -----------------------------------------------------------------------------------------------------


def _run(command: Sequence[str], check: bool = True) -> str:
    """Run and return what it prints, through a file: a daemon would keep a pipe open for ever."""
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, timeout=60, check=False)
        output.seek(0)
        said = output.read()
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {said}")
    return said


@contextmanager
def _stopped_on_failure(server: Dovecot | Postfix) -> Iterator[None]:
    try:
        yield
    except BaseException:
        server.stop()
        raise


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _await(ready: Callable[[], bool], log: Callable[[], str]) -> None:
    until = time.monotonic() + _PATIENCE
    while not ready():
        if time.monotonic() > until:
            raise RuntimeError(f"the server did not start in {_PATIENCE:.0f} s; its log:\n{log()}")
        time.sleep(0.02)


def _pid(path: Path) -> int:
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0


def _end(pid: int) -> None:
    """Stop a master process and its children; `doveadm stop` and `postfix stop` take seconds, idle sessions longer."""
    if not _alive(pid):
        return
    group = os.getpgid(pid)
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 5
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    if group == pid:  # a daemon leads its own group; never touch ours
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _alive(pid: int) -> bool:
    state = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    if state and state[0] == "Z":  # in a container nobody may collect the dead; but other threads of it may still be ending
        try:
            return len(os.listdir(f"/proc/{pid}/task")) > 1
        except OSError:  # collected while we looked
            return False
    return bool(state)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except (OSError, ProcessLookupError):  # not there, or the process of this /proc entry ended while we read
        return ""
