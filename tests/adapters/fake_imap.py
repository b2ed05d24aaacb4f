"""A small honest IMAP server for tests: it holds messages, serves what we use, has the named faults of real ones."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_FETCH_ITEM = re.compile(r"(BODY(?:\.PEEK)?)\[([^\]]*)\](?:<(\d+)\.(\d+)>)?|RFC822\.SIZE|INTERNALDATE|FLAGS|UID")


@dataclass
class Stored:
    """A message in the folder, with the lies that the server tells of it."""

    raw: bytes
    internaldate: str = "22-Nov-2026 10:00:00 +0000"
    flags: set[str] = field(default_factory=set)
    size: int | None = None  # announced instead of the true one
    fault: str = ""  # nil, short, short_once, absent, malformed, long_line, refused, unavailable, cut, stall


@dataclass
class FakeImap:
    """Start with `start()`; each connection is a thread. `commands` holds all command lines but the passwords."""

    password: str = "s3cret"
    uidvalidity: int = 100
    capabilities: str = "IMAP4rev1 IDLE ID UIDPLUS SPECIAL-USE"
    messages: dict[int, Stored] = field(default_factory=dict)
    next_uid: int = 1
    idle_fault: str = ""  # eof, rst, bye, partial, split, blackhole, still_here, at_once, refused
    login_reply: str = ""
    examine_reply: str = ""
    refuses_id: bool = False
    greeting: str = "* OK ready"
    folders: tuple[str, ...] = ('(\\HasNoChildren) "/" "INBOX"', '(\\HasNoChildren \\sent) "/" "Gesendet"')
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None  # for implicit TLS, or for STARTTLS where the capabilities offer it
    implicit: bool = False
    port: int = 0
    before_idle: Callable[[], object] | None = None  # runs when IDLE was asked for and not yet answered
    during_search: Callable[[], object] | None = None
    boxes: dict[str, list[bytes]] = field(default_factory=dict)  # the other folders, with what was put into them
    refusals: dict[str, str] = field(default_factory=dict)  # command -> the NO that it gets, or "cut" when it was carried out
    read_only: bool = False
    idling: threading.Event = field(default_factory=threading.Event)  # set while somebody idles

    def start(self) -> FakeImap:
        """Listen on a free port of the loopback."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self.changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the listener and all connections."""
        for each in (self._listener, *self._open):
            _hang_up(each)

    def deliver(self, raw: bytes, **lies: object) -> int:
        """A message arrives; who idles is told."""
        with self.changed:
            uid, self.next_uid = self.next_uid, self.next_uid + 1
            self.messages[uid] = Stored(raw, **lies)  # type: ignore[arg-type]
            self.changed.notify_all()
        return uid

    def drop_connections(self) -> None:
        """End all connections without a word, as after a restart."""
        for each in list(self._open):
            _hang_up(each)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self.tls is not None and self.implicit:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            _Session(self, connection).run()
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(connection)
            _hang_up(connection)


class _Session:
    def __init__(self, server: FakeImap, connection: socket.socket) -> None:
        self.server = server
        self.connection = connection
        self.lines = connection.makefile("rb")
        self.read_only = False

    def say(self, line: str | bytes) -> None:
        self.connection.sendall((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def run(self) -> None:
        self.say(self.server.greeting)
        while line := self.lines.readline():
            tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
            verb, _, arguments = rest.partition(" ")
            if verb.upper() == "UID":
                second, _, arguments = arguments.partition(" ")
                verb = f"UID {second}"
            secret = verb.upper() == "LOGIN"  # (AUTHENTICATE tells its secret in the next line)
            self.server.commands.append(verb.upper() + ("" if secret else f" {arguments}".rstrip()))
            handler = getattr(self, "do_" + verb.lower().replace(" ", "_"), None)
            if handler is None:
                self.say(f"{tag} BAD unknown command")
            elif handler(tag, arguments) is False:
                return

    # --- commands of any state -----------------------------------------------------------------------------------

    def do_capability(self, tag: str, _: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}")
        self.say(f"{tag} OK done")

    def do_noop(self, tag: str, _: str) -> None:
        self.say(f"{tag} OK done")

    def do_id(self, tag: str, _: str) -> None:
        if self.server.refuses_id:
            self.say(f"{tag} BAD no such command")
            return
        self.say('* ID ("name" "fake")')
        self.say(f"{tag} OK done")

    def do_logout(self, tag: str, _: str) -> bool:
        self.say("* BYE see you")
        self.say(f"{tag} OK done")
        return False

    def do_starttls(self, tag: str, _: str) -> None:
        if self.server.tls is None:
            self.say(f"{tag} NO no TLS here")
            return
        self.say(f"{tag} OK go ahead")
        self.server._open.discard(self.connection)
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.server._open.add(self.connection)
        self.lines = self.connection.makefile("rb")

    def do_login(self, tag: str, arguments: str) -> bool | None:
        if self.server.login_reply == "cut":
            return False
        if self.server.login_reply:
            self.say(f"{tag} {self.server.login_reply}")
        elif arguments.endswith((f'"{self.server.password}"', f" {self.server.password}")):
            self.say(f"{tag} OK welcome")
        else:
            self.say(f"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")
        return None

    def do_authenticate(self, tag: str, mechanism: str) -> None:
        if self.server.login_reply:
            self.say(f"{tag} {self.server.login_reply}")
            return
        self.say("+ ")
        self.lines.readline()
        self.say(f"{tag} OK welcome by {mechanism}")

    def do_list(self, tag: str, _: str) -> None:
        for folder in self.server.folders:
            self.say(f"* LIST {folder}")
        self.say(f"{tag} OK done")

    # --- the folder ------------------------------------------------------------------------------------------------

    def do_select(self, tag: str, name: str) -> None:
        self.do_examine(tag, name, "READ-ONLY" if self.server.read_only else "READ-WRITE")

    def do_examine(self, tag: str, name: str, access: str = "READ-ONLY") -> None:
        self.read_only = access == "READ-ONLY"
        if name.strip('"') != "INBOX":
            self.say(f"{tag} NO [NONEXISTENT] Unknown Mailbox")
            return
        server = self.server
        if server.examine_reply:
            self.say(f"{tag} {server.examine_reply}")
            return
        self.say("* FLAGS (\\Seen \\Deleted)")
        self.say(f"* {len(server.messages)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {server.uidvalidity}] valid")
        self.say(f"* OK [UIDNEXT {server.next_uid}] next")
        self.say(f"{tag} OK [{access}] done")

    def do_uid_search(self, tag: str, criteria: str) -> None:
        if self.server.during_search:
            self.server.during_search()
        uids = sorted(self.server.messages)
        found = set(uids)
        for by_uid, numbers in re.findall(r"(UID )?([\d:*,]+)", criteria):
            keys = uids if by_uid else list(range(1, len(uids) + 1))
            inside: set[int] = set()
            for part in numbers.split(","):
                low, _, high = part.partition(":")
                ends = [keys[-1] if end == "*" and keys else int(end.replace("*", "0")) for end in (low, high or low)]
                inside |= {uid for uid, key in zip(uids, keys, strict=True) if min(ends) <= key <= max(ends)}
            found &= inside
        self.say("* SEARCH" + "".join(f" {uid}" for uid in sorted(found)))
        self.say(f"{tag} OK done")

    def do_uid_fetch(self, tag: str, arguments: str) -> bool | None:
        uids, _, items = arguments.partition(" ")
        for uid in map(int, uids.split(",")):
            stored = self.server.messages.get(uid)
            if stored is None:
                continue
            fault = stored.fault if "BODY" in items and "HEADER.FIELDS" not in items else ""
            if fault in ("refused", "unavailable"):
                code = "SERVERBUG" if fault == "refused" else "UNAVAILABLE"
                self.say(f"{tag} NO [{code}] Internal error")
                return None
            if fault == "cut":
                return False
            if fault == "stall":
                self.lines.read()  # till the client hangs up
                return False
            if fault == "short_once":
                stored.fault, fault = "", "short"
            self.answer(uid, stored, items, fault)
        self.say(f"{tag} OK done")
        return None

    def answer(self, uid: int, stored: Stored, items: str, fault: str) -> None:
        sequence = sorted(self.server.messages).index(uid) + 1
        parts = [b"UID %d" % uid, *(self.item(found, stored, fault) for found in _FETCH_ITEM.finditer(items))]
        if fault == "absent":
            parts = parts[:1]
        if fault == "malformed":
            self.say(b"* %d FETCH (UID %d BODY[] {4}" % (sequence, uid) + b"\r\nabcd NIL)")
        elif fault == "long_line":
            self.say(b"* %d FETCH (UID %d X " % (sequence, uid) + b"x" * 1_000_001 + b")")
        else:
            self.say(b"* %d FETCH (" % sequence + b" ".join(parts) + b")")

    def item(self, found: re.Match[str], stored: Stored, fault: str) -> bytes:
        name = found[0]
        if name == "RFC822.SIZE":
            return b"RFC822.SIZE %d" % (len(stored.raw) if stored.size is None else stored.size)
        if name == "INTERNALDATE":
            return f'INTERNALDATE "{stored.internaldate}"'.encode()
        if found[1] is None:
            return b"FLAGS (" + " ".join(sorted(stored.flags)).encode() + b")"
        if found[1] == "BODY":
            stored.flags.add("\\Seen")  # RFC 9051: only PEEK leaves it alone
        head, _, text = stored.raw.partition(b"\r\n\r\n")
        body, label = stored.raw, found[2]
        if label == "HEADER":
            body = head + b"\r\n\r\n"
        elif label == "TEXT":
            body = text
        elif label.startswith("HEADER.FIELDS"):
            wanted = label[label.index("(") + 1 : -1].lower().encode().split()
            body = b"\r\n".join(h for h in head.split(b"\r\n") if h.split(b":")[0].lower() in wanted) + b"\r\n\r\n"
        if found[3]:
            body = body[int(found[3]) : int(found[3]) + int(found[4])]
            label += f"]<{found[3]}>"
        else:
            label += "]"
        if fault == "nil":
            return f"BODY[{label} NIL".encode()
        if fault == "short":
            body = body[: len(body) // 2]
        return f"BODY[{label} {{{len(body)}}}\r\n".encode() + body

    # --- moving ----------------------------------------------------------------------------------------------------

    def do_create(self, tag: str, name: str) -> bool | None:
        self.server.boxes.setdefault(name.strip('"'), [])
        return self.carried_out(tag, "CREATE")

    def do_subscribe(self, tag: str, name: str) -> bool | None:
        return self.carried_out(tag, "SUBSCRIBE")

    def do_uid_move(self, tag: str, arguments: str) -> bool | None:
        if self.refused(tag, "UID MOVE") or not self.copy(tag, arguments):
            return None
        self.remove(int(uid) for uid in arguments.split(" ")[0].split(","))
        return self.carried_out(tag, "UID MOVE")

    def do_uid_copy(self, tag: str, arguments: str) -> bool | None:
        if self.refused(tag, "UID COPY") or not self.copy(tag, arguments):
            return None
        return self.carried_out(tag, "UID COPY")

    def do_uid_store(self, tag: str, arguments: str) -> bool | None:
        if self.refused(tag, "UID STORE"):
            return None
        uids, _, change = arguments.partition(" ")
        assert change == "+FLAGS.SILENT (\\Deleted)"
        for uid in map(int, uids.split(",")):
            self.server.messages[uid].flags.add("\\Deleted")
        return self.carried_out(tag, "UID STORE")

    def do_uid_expunge(self, tag: str, uids: str) -> bool | None:
        if self.refused(tag, "UID EXPUNGE"):
            return None
        marked = {uid for uid, stored in self.server.messages.items() if "\\Deleted" in stored.flags}
        self.remove(uid for uid in map(int, uids.split(",")) if uid in marked)
        return self.carried_out(tag, "UID EXPUNGE")

    def copy(self, tag: str, arguments: str) -> bool:
        uids, _, name = arguments.partition(" ")
        folder = self.server.boxes.get(name.strip('"'))
        if self.read_only or folder is None:
            self.say(f"{tag} NO " + ("[NOPERM] read-only" if self.read_only else "[TRYCREATE] Mailbox doesn't exist"))
            return False
        folder += [self.server.messages[uid].raw for uid in map(int, uids.split(",")) if uid in self.server.messages]
        return True

    def remove(self, uids: Iterable[int]) -> None:
        for uid in list(uids):
            if uid in self.server.messages:
                self.say(f"* {sorted(self.server.messages).index(uid) + 1} EXPUNGE")
                del self.server.messages[uid]

    def refused(self, tag: str, command: str) -> bool:
        reply = self.server.refusals.get(command, "cut")
        if reply != "cut":
            self.say(f"{tag} NO {reply}")
        return reply != "cut"

    def carried_out(self, tag: str, command: str) -> bool | None:
        if self.server.refusals.get(command) == "cut":
            return False
        self.say(f"{tag} OK done")
        return None

    # --- IDLE ------------------------------------------------------------------------------------------------------

    def do_idle(self, tag: str, _: str) -> bool | None:
        server, fault = self.server, self.server.idle_fault
        count = len(server.messages)
        if fault == "refused":
            self.say(f"{tag} NO not now")
            return None
        if server.before_idle:
            server.before_idle()
        if fault == "at_once" or count != len(server.messages):  # in one segment with the "+", as servers do
            self.say(f"+ idling\r\n* {len(server.messages)} EXISTS")
        else:
            self.say("+ idling")
        if fault in ("eof", "rst", "bye", "partial", "blackhole"):
            return self.break_idle(fault)
        if fault == "still_here":
            self.say("* OK Still here")
        if fault == "split":
            self.say_split(f"* {len(server.messages)} EXISTS")
        watcher = threading.Thread(target=self.tell, args=(len(server.messages),), daemon=True)
        self.idle_over = False
        watcher.start()
        server.idling.set()
        done = self.lines.readline()
        server.idling.clear()
        with server.changed:
            self.idle_over = True
            server.changed.notify_all()
        watcher.join()
        if done:
            self.say(f"{tag} OK done")
        return None

    def tell(self, count: int) -> None:
        with self.server.changed:
            self.server.changed.wait_for(lambda: self.idle_over or len(self.server.messages) != count)
            if not self.idle_over:
                self.say(f"* {len(self.server.messages)} EXISTS")

    def say_split(self, line: str) -> None:
        """One line in two segments, with nothing but the reader between them."""
        self.connection.sendall(line[:4].encode())
        threading.Timer(0.05, lambda: self.connection.sendall(line[4:].encode() + b"\r\n")).start()

    def break_idle(self, fault: str) -> bool:
        if fault == "bye":
            self.say("* BYE Session invalidated - AccessTokenExpired")
        elif fault == "partial":
            self.connection.sendall(b"* OK Still he")
        elif fault == "rst":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.lines.close()
            self.connection.close()  # with pending linger 0: RST instead of FIN
        elif fault == "blackhole":
            self.server.idling.set()
            self.lines.read()  # never answers, not even to DONE
        return False


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    connection.close()
