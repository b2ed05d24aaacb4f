"""The control socket in the state directory: how the command line asks a running daemon. One JSON object each way."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from inboxd.errors import ConfigError, Permanent, Temporary

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_LIMIT = 1 << 20
_LONGEST = 107 if sys.platform == "linux" else 103  # bytes that the path of a socket may have


def path_in(state_dir: Path) -> Path:
    """Where the socket lies."""
    return state_dir / "control.sock"


def need_short(state_dir: Path) -> None:
    """Raise ConfigError where no socket could be made because of the length of its path."""
    path = path_in(state_dir)
    if (length := len(os.fsencode(path))) > _LONGEST:
        raise ConfigError(
            f"state_dir: the control socket {path} would have a path of {length} letters, and {_LONGEST} are possible; choose a shorter one"
        )


class ControlServer:
    """Answers requests on a thread of its own; only the owner of the state directory can reach it."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path, self._answer = path, answer
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._made = 0  # the inode of our socket: another daemon may have put its own in this place

    def start(self) -> None:
        """Begin to listen; a socket left by a process that died is replaced."""
        before = os.umask(0o177)
        try:
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
            self._made = self._path.stat().st_ino
        except OSError as error:
            raise Permanent(f"the control socket {self._path} cannot be made ({error.strerror or error})") from error
        finally:
            os.umask(before)
        self._socket.listen(4)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; never raises."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
        try:
            if self._path.stat().st_ino == self._made:
                self._path.unlink()
        except OSError:
            pass  # gone already

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # stopped
            with connection:
                connection.settimeout(10)
                try:
                    said = self._answer(json.loads(_line(connection)))
                except Exception as error:  # a wrong request must not end the daemon
                    said = {"error": f"{type(error).__name__}: {error}"}
                try:
                    connection.sendall(json.dumps(said, default=str).encode() + b"\n")
                except OSError:
                    pass  # who asked has gone


def ask(path: Path, request: Mapping[str, Any], timeout: float = 120) -> Mapping[str, Any]:
    """Ask the running daemon; raises Temporary where none is running."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer: Mapping[str, Any] = json.loads(_line(connection))
        except (OSError, ValueError) as error:
            raise Temporary(f"no daemon answers at {path}; start it with: inboxd run") from error
    return answer


def _line(connection: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n") and len(said) < _LIMIT:
        part = connection.recv(65536)
        if not part:
            break
        said += part
    return said
