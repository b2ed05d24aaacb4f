"""Mailbox over IMAP: one folder, opened read-only but for the moment in which mail is filed. The only user of imapclient.

Every command is sent from here, and no value that came from a mail is ever part of one.
"""

from __future__ import annotations

import builtins
import hashlib
import logging
import re
import selectors
import socket
import ssl
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError, LoginError

from inboxd.config import ServerSettings
from inboxd.core.model import MessageId
from inboxd.errors import Permanent, Temporary
from inboxd.ports import Fetched, Folder, Listed, SightingState

_SEARCH_WINDOW = 50_000  # a line holds 1,000,000 bytes in imaplib and a UID takes up to 11
_FACTS_CHUNK = 500  # UIDs in one command: 5.5 kB, under the 8 kB that RFC 7162 (section 4) asks servers to take
_HEADER_BYTES = 256 * 1024  # of an oversize mail
_TEXT_BYTES = 64 * 1024
_IDENTITY = "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM)]"
_OUTSIDE = {"LIMIT", "UNAVAILABLE", "INUSE", "SERVERBUG", "OVERQUOTA"}  # RFC 5530: may be over later
_TROUBLE = re.compile(r"\[(LIMIT|UNAVAILABLE|INUSE)\b")  # the server's, so no mail is at fault
_LATER = re.compile(r"too many|temporar|try again|unavailable|busy|limit|internal error", re.IGNORECASE)
_NO_FOLDER = re.compile(r"n.?t exist|nonexist|(unknown|invalid) (mailbox|folder)|no such|not found", re.IGNORECASE)
_LOST_TRIES = 5  # a mail at which the connection broke so often while it was fetched alone
_REFUSED_TRIES = 3
_LONGEST_LINE = 1_000_000
_THERE = re.compile(r"\[ALREADYEXISTS\]|already exists", re.IGNORECASE)
_NO_TARGET = re.compile(rf"\[(?:TRYCREATE|NONEXISTENT)\]|{_NO_FOLDER.pattern}", re.IGNORECASE)
_NEVER_MOVES = re.compile(r"\[(?:NOPERM|CANNOT|CONTACTADMIN)\]")  # RFC 5530: no later try helps
_DONE_SECONDS = 10
_A_MOMENT = 5  # seconds to see whether a server can be reached at all
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


_Answers = dict[int, Mapping[bytes, Any]]  # what FETCH says, by UID


class _Lost(Temporary):
    """The connection is gone."""


class _Malformed(Temporary):
    """The server sent what is not IMAP."""


class _Refused(Temporary):
    """The server said NO or BAD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapProbe:
    """What a server offers, as shown by `check` and asked by `init`. An empty folder name: not found."""

    capabilities: tuple[str, ...]
    folders: tuple[str, ...]
    sent: str
    junk: str


class ImapMailbox:
    """One folder of one server; used by one thread, apart from `wake`."""

    def __init__(
        self,
        server: ServerSettings,
        password: Callable[[], str],
        folder: str,
        max_bytes: int,
        *,
        timeout: float = 60,
        batch_messages: int = 50,
        batch_bytes: int = 10 * 1024 * 1024,
        idle_for: timedelta = timedelta(minutes=9),
        poll: timedelta = timedelta(minutes=2),
    ) -> None:
        self._server = server
        self._password = password
        self._name = _checked_name(folder)
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._batch_messages = batch_messages
        self._batch_bytes = batch_bytes
        self._longest_wait = min(idle_for, poll)
        self._client: Any = None  # IMAPClient has no types
        self._folder: Folder | None = None  # as `select` last gave it out
        self._exists = 0
        self._known = (0, 0)  # UIDNEXT and EXISTS when the folder was last listed
        self._strikes: dict[int, int] = {}  # UID -> how often its fetch failed
        self._broken_idles = 0
        self._woken, self._waker = socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        weakref.finalize(self, _close_all, self._woken, self._waker)

    # --- the folder --------------------------------------------------------------------------------------------

    def select(self) -> Folder:
        """Connect if need be and open the folder read-only (EXAMINE)."""
        folder = self._open()
        if self._folder is None or self._folder.uidvalidity != folder.uidvalidity:
            self._strikes.clear()
        self._folder = folder
        self._known = (folder.uidnext, self._exists)
        return folder

    def _open(self) -> Folder:
        if self._client is not None:
            try:
                return self._examine()
            except _Lost:
                pass  # servers close idle connections: that is no failure yet
        self._client = _connect(self._server, self._password, self._timeout)
        return self._examine()

    def _reopen(self) -> Folder:
        """Open the folder that `select` gave out, or raise: UIDs of another UIDVALIDITY are other mails."""
        folder = self._open()
        if self._folder is not None and folder.uidvalidity != self._folder.uidvalidity:
            self._drop()
            raise Temporary(f"{self._where}: UIDVALIDITY changed, the folder must be selected again")
        return folder

    def _ready(self) -> None:
        """Connect again where the connection is gone; what fails here is not the fault of a mail."""
        if self._client is None:
            try:
                self._reopen()
            except (_Lost, _Malformed, _Refused) as error:
                raise Temporary(str(error)) from None

    def _examine(self) -> Folder:
        try:
            with self._asking("opening the folder") as client:
                answer = client.select_folder(self._name, readonly=True)
                if b"UIDNEXT" not in answer:  # RFC 3501 let servers leave it out
                    answer[b"UIDNEXT"] = max(client.search("UID *"), default=0) + 1 if answer.get(b"EXISTS") else 1
        except _Refused as error:
            self._drop()  # "User is authenticated but not connected": only a new connection helps
            if _NO_FOLDER.search(str(error)) or "[NOPERM]" in str(error):
                raise Permanent(f"{error}: is there a folder {self._name!r}?") from error
            raise
        if not answer.get(b"UIDVALIDITY"):
            raise Permanent(f"{self._where}: the server gives no UIDVALIDITY, so its UIDs cannot be relied on")
        self._exists = answer.get(b"EXISTS", 0)
        return Folder(name=self._name, uidvalidity=answer[b"UIDVALIDITY"], uidnext=answer[b"UIDNEXT"])

    # --- list --------------------------------------------------------------------------------------------------

    def list(self, since: int, identity: bool = False) -> builtins.list[Listed]:
        """List all mails with UID >= since, in order of UID. Reconnects by itself where the connection was lost."""
        folder = self._reopen()  # a fresh EXAMINE: a fresh EXISTS, and servers that notice new mail only then
        self._known = (folder.uidnext, self._exists)
        listed: builtins.list[Listed] = []
        date: datetime | None = None
        uids = self._search(since)
        for start in range(0, len(uids), _FACTS_CHUNK):
            chunk = uids[start : start + _FACTS_CHUNK]
            facts = self._facts(chunk, identity)
            for uid in chunk:
                answer = facts.get(uid, {})
                date = _utc(answer.get(b"INTERNALDATE")) or date  # UIDs are in order of arrival: the one before is near
                size = answer.get(b"RFC822.SIZE")
                listed.append(
                    Listed(
                        uid=uid,
                        size=size if isinstance(size, int) else 0,
                        internaldate=date or _NEVER,
                        identity=_identity(answer) if identity else "",
                    )
                )
        return listed

    def _search(self, since: int) -> builtins.list[int]:
        """Ask by windows of sequence numbers, from the top down: what moves meanwhile moves into a window to come."""
        found: set[int] = set()
        high = self._exists
        with self._asking("searching"):
            while high > 0:
                low = max(1, high - _SEARCH_WINDOW + 1)
                top = "*" if high == self._exists else str(high)
                window = {int(uid) for uid in self._client.search(f"{low}:{top} UID {max(1, since)}:*")}
                window = {uid for uid in window if uid >= since}  # RFC 9051, 6.4.9: n:* names the last mail in any case
                found |= window
                if not window:
                    break
                high = low - 1
        return sorted(found)

    def _facts(self, uids: Sequence[int], identity: bool) -> _Answers:
        """Size and date by UID. A mail that the server cannot describe is absent here: listed all the same."""
        items = ["RFC822.SIZE", "INTERNALDATE", *([_IDENTITY] if identity else [])]
        try:
            return self._ask(uids, items, "listing")
        except (_Malformed, _Refused):
            if len(uids) == 1:
                return {}
            half = len(uids) // 2
            return self._facts(uids[:half], identity) | self._facts(uids[half:], identity)

    # --- fetch -------------------------------------------------------------------------------------------------

    def fetch(self, listed: Sequence[Listed]) -> Iterator[builtins.list[Fetched]]:
        """Fetch whole mails in batches, in the order given, never setting a flag."""
        for batch in self._batches(listed):
            if batch[0].size > self._max_bytes:
                results = [self._fetch_oversize(batch[0])]
            else:
                answers, failed = self._get([item.uid for item in batch], ["BODY.PEEK[]"])
                results = [self._judge(item, answers.get(item.uid, {}), failed) for item in batch]
            for item in batch:
                self._strikes.pop(item.uid, None)
            yield results

    def _batches(self, listed: Sequence[Listed]) -> Iterator[builtins.list[Listed]]:
        batch: builtins.list[Listed] = []
        size = 0
        for item in listed:
            alone = item.size > self._max_bytes or item.uid in self._strikes
            full = len(batch) >= self._batch_messages or size + item.size > self._batch_bytes
            if batch and (alone or full):
                yield batch
                batch, size = [], 0
            batch.append(item)
            size += item.size
            if alone:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _get(self, uids: Sequence[int], items: Sequence[str]) -> tuple[_Answers, dict[int, str]]:
        """Answers by UID, and reasons where there can be none; halves what fails down to the one mail at fault."""
        try:
            return self._ask(uids, items, "fetching"), {}
        except _Lost:
            # the network, or this mail? From now on each goes alone, and only one that breaks it again and again is it
            for uid in uids:
                self._strikes[uid] = self._strikes.get(uid, 0) + 1
            if len(uids) > 1 or self._strikes[uids[0]] < _LOST_TRIES:
                raise
            return {}, {uids[0]: f"the connection was lost {_LOST_TRIES} times while this mail was fetched"}
        except (_Malformed, _Refused) as error:
            if isinstance(error, _Refused) and _TROUBLE.search(str(error)):
                raise
            if len(uids) == 1:
                return {}, {uids[0]: self._given_up(uids[0], error)}
            half = len(uids) // 2
            first, first_failed = self._get(uids[:half], items)
            second, second_failed = self._get(uids[half:], items)
            return first | second, first_failed | second_failed

    def _given_up(self, uid: int, error: _Malformed | _Refused) -> str:
        """The reason why this mail cannot be fetched; raises while another try may help."""
        if isinstance(error, _Malformed):
            return "the server's answer for this mail is not IMAP"
        self._strikes[uid] = self._strikes.get(uid, 0) + 1
        if self._strikes[uid] < _REFUSED_TRIES:
            raise error
        return f"the server refused it {_REFUSED_TRIES} times"

    def _judge(self, item: Listed, answer: Mapping[bytes, Any], failed: Mapping[int, str]) -> Fetched:
        """Believe a body whose length is the one announced, or that a second look gives byte for byte again."""
        if item.uid in failed:
            return Fetched(listed=item, state=SightingState.UNFETCHABLE, why=failed[item.uid])
        body = _section(answer, b"BODY[]")
        if body is None or len(body) != item.size:
            if not self._present(item.uid):
                return Fetched(listed=item, state=SightingState.GONE, why="no longer in the folder")
            answers, why = self._get([item.uid], ["BODY.PEEK[]"])
            again = _section(answers.get(item.uid, {}), b"BODY[]")
            # some servers announce a size that is a little off: the same bytes twice are the mail
            if not again or (len(again) != item.size and again != body):
                sent = "no body" if again is None else f"{len(again)} bytes"
                reason = why.get(item.uid, f"the server announced {item.size} bytes and sent {sent}")
                return Fetched(listed=item, state=SightingState.UNFETCHABLE, why=reason)
            body = again
        if len(body) > self._max_bytes:
            head, _, text = body.partition(b"\r\n\r\n")
            return self._oversize(item, len(body), head[:_HEADER_BYTES], text[:_TEXT_BYTES])
        return Fetched(listed=item, state=SightingState.STORED, raw=body)

    def _fetch_oversize(self, item: Listed) -> Fetched:
        parts = [f"BODY.PEEK[HEADER]<0.{_HEADER_BYTES}>", f"BODY.PEEK[TEXT]<0.{_TEXT_BYTES}>"]
        answers, why = self._get([item.uid], parts)
        head, text = (_section(answers.get(item.uid, {}), name) for name in (b"BODY[HEADER]", b"BODY[TEXT]"))
        if head is not None:
            return self._oversize(item, item.size, head, text or b"")
        if not why and not self._present(item.uid):
            return Fetched(listed=item, state=SightingState.GONE, why="no longer in the folder")
        reason = why.get(item.uid, "the server sent no headers")
        return Fetched(listed=item, state=SightingState.UNFETCHABLE, why=f"{item.size} bytes, over the limit; and {reason}")

    def _oversize(self, item: Listed, size: int, head: bytes, text: bytes) -> Fetched:
        raw = head.rstrip(b"\r\n") + b"\r\n\r\n" + text
        why = f"{size} bytes, the limit is {self._max_bytes}"
        return Fetched(listed=item, state=SightingState.OVERSIZE, raw=raw, why=why)

    def _present(self, uid: int) -> bool:
        self._ready()
        with self._asking("searching") as client:
            return uid in client.search(f"UID {uid}")

    def _ask(self, uids: Sequence[int], items: Sequence[str], doing: str) -> _Answers:
        """FETCH by an explicit list of UIDs: IMAPClient 4 cannot take ranges."""
        self._ready()
        with self._asking(doing) as client:
            answers: _Answers = client.fetch(list(uids), list(items))
        return answers

    # --- move --------------------------------------------------------------------------------------------------

    def move(self, uids: Sequence[int], folder: str) -> builtins.list[int]:
        """Move these mails, and nothing else, into another folder; returns those that were still there.

        The folder is open for writing only meanwhile. Without MOVE (RFC 6851) a mail is copied, marked \\Deleted and expunged by its
        UID (RFC 4315): cut in between, it lies in both folders until the next try, and then twice in the other; it is never lost.
        """
        target, moved = _checked_name(folder), []
        self._ready()
        try:
            self._open_to_move()
            for start in range(0, len(uids), _FACTS_CHUNK):
                moved += self._move(uids[start : start + _FACTS_CHUNK], target)
        except (_Refused, Permanent) as error:
            self._drop()  # the next connection opens it read-only again
            if _NEVER_MOVES.search(str(error)):
                raise Permanent(str(error)) from None
            raise
        try:
            self._examine()
        except (_Lost, _Malformed, _Refused):
            self._drop()  # what was moved stays moved
        return moved

    def move_on(self, message_id: MessageId, received_at: datetime, source: str, target: str) -> bool:
        """Move the mail with this Message-ID from one other folder of the account into another; False: it does not lie there.

        It is looked for among those that came in on the days around it (a move keeps the date), by ourselves: no word of a mail is sent.
        """
        self._ready()
        try:
            try:
                self._open_writable(_checked_name(source))
            except _Refused as error:
                if _NO_FOLDER.search(str(error)):
                    return False
                raise
            found = self._with_id(message_id, received_at)
            return bool(found and self._move(found[:_FACTS_CHUNK], _checked_name(target)))
        except (_Refused, Permanent) as error:
            if _NEVER_MOVES.search(str(error)):
                raise Permanent(str(error)) from None
            raise
        finally:
            self._drop()  # the next connection opens our own folder, read-only

    def _with_id(self, message_id: MessageId, received_at: datetime) -> builtins.list[int]:
        day = timedelta(days=1)
        with self._asking("searching") as client:
            uids = client.search(["SINCE", (received_at - day).date(), "BEFORE", (received_at + 2 * day).date()])
        wanted, found = f"<{message_id}>".encode("utf-8", "surrogateescape"), []
        for start in range(0, len(uids), _FACTS_CHUNK):
            answers = self._ask(uids[start : start + _FACTS_CHUNK], [_IDENTITY], "searching")
            found += [uid for uid, answer in answers.items() if message_id and wanted in (_section(answer, b"BODY[HEADER.FIELDS") or b"")]
        return sorted(found)

    def _open_to_move(self) -> None:
        answer = self._open_writable(self._name)
        if self._folder is None or answer.get(b"UIDVALIDITY") != self._folder.uidvalidity:
            self._drop()  # UIDs of another UIDVALIDITY are other mails
            raise Temporary(f"{self._where}: UIDVALIDITY changed, the folder must be selected again")

    def _open_writable(self, folder: str) -> Mapping[bytes, Any]:
        with self._asking("opening the folder to move mail") as client:
            try:
                answer: Mapping[bytes, Any] = client.select_folder(folder)
            except IMAPClientReadOnlyError:
                raise Permanent(f"{self._where}: the folder {folder!r} is read-only for us, so nothing in it can be moved") from None
            moves, expunges = client.has_capability("MOVE"), client.has_capability("UIDPLUS")
        if not moves and not expunges:  # a plain EXPUNGE would delete what others have marked
            raise Permanent(f"{self._where}: the server can neither MOVE nor expunge single mails (UIDPLUS), so nothing can be moved")
        return answer

    def _move(self, uids: Sequence[int], target: str) -> builtins.list[int]:
        """Move, into a folder that is made only where the server says that there is none."""
        with self._asking("moving mail") as client:
            here = sorted({int(uid) for uid in client.search(f"UID {','.join(map(str, uids))}")} & set(uids))
            moves = client.has_capability("MOVE")
        if not here:
            return []
        try:
            self._carry(here, target, moves)
        except _Refused as error:
            if not _NO_TARGET.search(str(error)):
                raise
            self._make(target)
            self._carry(here, target, moves)
        if not moves:
            self._remove(here)
        return here

    def _remove(self, uids: builtins.list[int]) -> None:
        """Take away what was copied. Where that is refused, no later try may copy it once more."""
        try:
            with self._asking("removing mail that was copied") as client:
                client.add_flags(uids, [rb"\Deleted"], silent=True)
                client.uid_expunge(uids)
        except _Refused as error:
            raise Permanent(f"{error}: the mail lies in both folders now") from None

    def _carry(self, uids: builtins.list[int], target: str, moves: bool) -> None:
        with self._asking("moving mail") as client:
            (client.move if moves else client.copy)(uids, target)

    def _make(self, folder: str) -> None:
        try:
            with self._asking("making a folder") as client:
                client.create_folder(folder)
        except _Refused as error:
            if not _THERE.search(str(error)):
                raise
        try:
            with self._asking("subscribing to a folder") as client:
                client.subscribe_folder(folder)  # or mail programs would not show it
        except _Refused:
            pass  # the mail can be moved all the same

    # --- wait --------------------------------------------------------------------------------------------------

    def wait(self, timeout: timedelta) -> None:
        """Return when the folder may have changed, when woken, or when the time is over.

        A mail that came after `list` is not missed: the folder is examined again before IDLE, and from there on the
        server must tell. A connection lost here is an ordinary event; the next `list` connects again.
        """
        until = time.monotonic() + min(timeout, self._longest_wait).total_seconds()
        try:
            if self._client is None or not self._can_idle():
                self._rest(until)
            elif not self._changed():
                self._idle(until)
                self._broken_idles = 0
        except (_Lost, _Malformed, _Refused):
            self._drop()
            self._broken_idles += 1
            if self._broken_idles > 1:  # a server that ends each IDLE at once must not make us spin
                self._rest(min(until, time.monotonic() + min(2.0**self._broken_idles, 60)))
        finally:
            self._forget_wakes()

    def wake(self) -> None:
        """End a `wait` of another thread at once, or the next one."""
        try:
            self._waker.send(b"w")
        except OSError:
            pass  # full: woken already

    def _can_idle(self) -> bool:
        with self._asking("reading the capabilities") as client:
            return bool(client.has_capability("IDLE"))

    def _changed(self) -> bool:
        folder = self._examine()
        same = self._folder is None or self._folder.uidvalidity == folder.uidvalidity
        return not same or self._known != (folder.uidnext, self._exists)

    def _idle(self, until: float) -> None:
        """RFC 2177, read by ourselves.

        `idle_check` of IMAPClient returns [] at once for ever after an end of file, breaks on a line that comes in two
        segments, and does not see what was read together with the "+".
        """
        with self._asking("idling") as client:
            client.idle()
            sock = client.socket()
            rest = self._listen(sock, _read_already(client, sock), until)
            if rest:
                raise IMAPClientAbortError("half a line")
            sock.settimeout(min(_DONE_SECONDS, self._timeout))  # who woke us may want to stop
            client.idle_done()
            sock.settimeout(self._timeout)

    def _listen(self, sock: Any, heard: bytes, until: float) -> bytes:
        """Read until a line tells of a change, until woken or until the time is over; give back half a line, if any."""
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                *lines, heard = heard.split(b"\n")
                if any(line.upper().startswith(b"* BYE") for line in lines):
                    raise IMAPClientAbortError("BYE")
                if any(not line.upper().startswith(b"* OK") for line in lines):
                    return heard  # "* OK Still here" tells nothing; all else might
                left = until - time.monotonic()
                ready = {key.fileobj for key, _ in selector.select(left)} if left > 0 else set()
                if not ready or self._woken in ready:
                    return heard
                heard += _receive(sock)
                if len(heard) > _LONGEST_LINE:
                    raise IMAPClientAbortError("line too long")

    def _rest(self, until: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.select(max(0.0, until - time.monotonic()))

    def _forget_wakes(self) -> None:
        try:
            while self._woken.recv(1024):
                pass
        except OSError:
            pass

    # --- the connection ----------------------------------------------------------------------------------------

    def close(self) -> None:
        """Say goodbye and let go of the connection; never raises."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.socket().settimeout(min(2.0, self._timeout))
            client.logout()
        except Exception:  # whatever it is, we leave
            _shut(client)

    def _drop(self) -> None:
        """Never use a connection again after an abort: a late line would be taken for the next answer."""
        client, self._client = self._client, None
        if client is not None:
            _shut(client)

    @property
    def _where(self) -> str:
        return f"{self._server.host}:{self._server.port}"

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Any]:
        """Turn what the library raises into our errors. Their texts hold nothing from a mail, so neither do causes."""
        try:
            yield self._client
        except (IMAPClientAbortError, OSError) as error:
            self._drop()
            raise _Lost(f"{self._where}: connection lost while {doing} ({type(error).__name__})") from None
        except (IMAPClientError, ValueError, IndexError, KeyError, TypeError, AttributeError, AssertionError) as error:
            refusal = _refusal(error)
            if refusal:
                raise _Refused(f"{self._where}: refused while {doing}: {refusal}") from None
            self._drop()  # what follows on this connection cannot be trusted
            raise _Malformed(f"{self._where}: answer not understood while {doing} ({type(error).__name__})") from None


def probe(server: ServerSettings, password: Callable[[], str], timeout: float = 30) -> ImapProbe:
    """Log in and look around, changing nothing; raises Temporary or Permanent."""
    client = _connect(server, password, timeout)
    try:
        capabilities = tuple(sorted(name.decode("ascii", "replace") for name in client.capabilities()))
        folders = [(tuple(flags), str(name)) for flags, _, name in client.list_folders()]
    except (OSError, IMAPClientError, ValueError, IndexError, TypeError) as error:
        raise Temporary(f"{server.host}:{server.port}: folders could not be listed ({type(error).__name__})") from None
    finally:
        _shut(client)
    return ImapProbe(
        capabilities=capabilities,
        folders=tuple(name for _, name in folders),
        sent=_special(folders, b"\\sent", ("sent", "sent items", "sent messages", "gesendet")),
        junk=_special(folders, b"\\junk", ("junk", "spam", "junk e-mail", "junk email")),
    )


def _connect(server: ServerSettings, password: Callable[[], str], timeout: float) -> Any:
    """Connect, secure and log in. Plain text only where the settings ask for it by name."""
    where = f"{server.host}:{server.port}"
    logging.getLogger("imapclient").setLevel(logging.WARNING)  # at DEBUG it prints whole mails
    if server.tls not in ("yes", "starttls", "no"):
        raise Permanent(f"{where}: tls is {server.tls!r}; yes, starttls or no would be right")
    context = None if server.tls == "no" else _tls_context(server)
    secret = password()  # anew at each login: tokens live about an hour
    client: Any = None
    try:
        client = IMAPClient(server.host, server.port, ssl=server.tls == "yes", ssl_context=context, timeout=timeout)
        client.normalise_times = False  # aware dates
        if server.tls == "starttls":
            client.starttls(context)
        _login(client, server, secret)
        _introduce(client)
    except Exception as error:
        if client is not None:
            _shut(client)
        raise _connect_error(where, server, error, secret) from None
    return client


def _introduce(client: Any) -> None:
    """RFC 2971; some providers demand it."""
    if client.has_capability("ID"):
        try:
            client.id_({"name": "inboxd"})
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            pass  # offered, and refused all the same: not worth a failed login


def _connect_error(where: str, server: ServerSettings, error: Exception, secret: str) -> Temporary | Permanent:
    if isinstance(error, Permanent):
        return error
    if isinstance(error, UnicodeError) and "idna" in str(error):
        return Permanent(f"{where}: {server.host!r} cannot be the name of a server")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message
        todo = "the server needs a new one" if "expired" in why else "for a CA of your own set ca_file"
        return Permanent(f"{where}: the certificate cannot be verified ({why}); {todo}")
    if isinstance(error, CapabilityError):
        return Permanent(f"{where}: the server does not offer STARTTLS; nothing was sent in plain text")
    if isinstance(error.__context__, IMAPClientAbortError):  # `login` hides a lost connection in its LoginError
        return Temporary(f"{where}: connection lost at login")
    if isinstance(error, IMAPClientAbortError) and "unexpected response" in str(error):
        return Temporary(f"{where}: connected, but what answers is no IMAP server; look at the port")
    if isinstance(error, TimeoutError) and _answers(server):
        hint = "" if server.tls == "yes" else "; is this a port for 'tls: yes'?"
        return Temporary(f"{where}: connected, but the server said nothing{hint}")
    if isinstance(error, IMAPClientAbortError | OSError):
        hint = ": is this port a TLS port?" if isinstance(error, ssl.SSLError) else ""
        return Temporary(f"{where}: no connection ({getattr(error, 'strerror', None) or type(error).__name__}){hint}")
    if not isinstance(error, LoginError):
        return Temporary(f"{where}: the server is not ready ({type(error).__name__})")
    text = _words(str(error), secret)
    code = re.search(r"\[([A-Z-]+)", text)
    if (code and code[1] in _OUTSIDE) or (not code and _LATER.search(text)):
        return Temporary(f"{where}: login not possible now: {text}")
    return Permanent(f"{where}: login refused: {text}")


def _answers(server: ServerSettings) -> bool:
    """Whether a connection can be had at all: a timeout does not tell whether it came before or after."""
    try:
        socket.create_connection((server.host, server.port), timeout=_A_MOMENT).close()
    except OSError:
        return False
    return True


def _login(client: Any, server: ServerSettings, secret: str) -> None:
    if any(ord(c) < 32 for c in server.user + secret):
        raise LoginError("user name and password must not hold control characters")
    if server.auth in ("xoauth2", "oauthbearer"):
        try:
            (client.oauth2_login if server.auth == "xoauth2" else client.oauthbearer_login)(server.user, secret)
        except LoginError:
            if client.has_capability(f"AUTH={server.auth.upper()}"):
                raise
            raise Permanent(
                f"{server.host}:{server.port}: login not possible: the server does not offer {server.auth}; write another 'auth:'"
            ) from None
    elif server.auth != "password":
        raise LoginError(f"auth is {server.auth!r}; password, xoauth2 or oauthbearer would be right")
    elif not (server.user + secret).isascii() or client.has_capability("LOGINDISABLED"):
        client.plain_login(server.user, secret)  # LOGIN knows ASCII only
    else:
        client.login(server.user, secret)


def _tls_context(server: ServerSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Permanent(f"{server.host}:{server.port}: ca_file {server.ca_file} cannot be used ({why})") from error


def _refusal(error: Exception) -> str:
    """The server's words where it said NO or BAD; "" where it did not get so far."""
    found = re.search(r"(?:^\w+ failed: |command error: (?:NO|BAD) )(.*)", str(error), re.DOTALL)
    return (_words(found[1]) or "no reason given") if isinstance(error, IMAPClientError) and found else ""


def _words(text: str, secret: str = "") -> str:
    """What a server said, fit for a log line: short, printable, without the password."""
    text = re.sub(r"^\[?b['\"]|['\"]\]?$", "", text)
    if secret:
        text = text.replace(secret, "***")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]


def _checked_name(folder: str) -> str:
    if not folder or any(ord(c) < 32 or ord(c) == 127 for c in folder):
        raise Permanent(f"{folder!r} cannot be the name of a folder: it is empty or holds control characters")
    return folder


def _special(folders: Sequence[tuple[tuple[bytes, ...], str]], use: bytes, names: Sequence[str]) -> str:
    """RFC 6154 first (Cyrus writes it in lower case), then the names that are common among providers."""
    by_use = (name for flags, name in folders if use in {flag.lower() for flag in flags})
    by_name = (name for _, name in folders if re.split(r"[./]", name)[-1].lower() in names)
    return next(by_use, "") or next(by_name, "")


def _identity(answer: Mapping[bytes, Any]) -> str:
    lines = _section(answer, b"BODY[HEADER.FIELDS") or b""
    return hashlib.sha256(lines.replace(b"\r\n", b"\n").strip()).hexdigest()


def _section(answer: Mapping[bytes, Any], start: bytes) -> bytes | None:
    """A body section by the start of its name: servers differ in the rest (case, quotes, origin octet)."""
    return next((value for key, value in answer.items() if key.startswith(start) and isinstance(value, bytes)), None)


def _utc(date: datetime | None) -> datetime | None:
    try:
        return None if date is None else (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _read_already(client: Any, sock: Any) -> bytes:
    """What imaplib has read beyond the last line; from here on its buffer is empty and the socket does not block."""
    sock.setblocking(False)
    try:
        return bytes(client._imap.file.read1(_LONGEST_LINE))
    except ssl.SSLWantReadError:
        return b""


def _receive(sock: Any) -> bytes:
    heard = b""
    try:
        while data := sock.recv(65536):  # to the end: TLS may hold more than the socket shows
            heard += data
    except (BlockingIOError, ssl.SSLWantReadError):
        return heard
    raise IMAPClientAbortError("end of file")


def _shut(client: Any) -> None:
    try:
        client.shutdown()
    except Exception:  # it was to end anyway
        pass


def _close_all(*sockets: socket.socket) -> None:
    for each in sockets:
        each.close()
