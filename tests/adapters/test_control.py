"""The control socket: one JSON object each way, for the owner of the state directory alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from inboxd.adapters.control import ControlServer, ask, path_in
from inboxd.errors import Temporary


def answer(request: Mapping[str, Any]) -> Mapping[str, Any]:
    if request["do"] == "fail":
        raise ValueError("no such thing")
    return {"you asked": request["do"], "path": Path("/x")}


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = path_in(tmp_path)
    server = ControlServer(path, answer)
    server.start()
    yield path
    server.stop()


def test_a_request_is_answered(path: Path) -> None:
    assert ask(path, {"do": "status"}) == {"you asked": "status", "path": "/x"}
    assert ask(path, {"do": "ä" * 100_000})["you asked"] == "ä" * 100_000


def test_only_the_owner_can_reach_it(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_wrong_request_is_an_answer_in_words_and_the_next_one_works(path: Path) -> None:
    assert ask(path, {"do": "fail"}) == {"error": "ValueError: no such thing"}
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(path))
        raw.sendall(b"this is not JSON\n")
        assert "error" in json.loads(raw.recv(9999))
    with socket.socket(socket.AF_UNIX) as rude:
        rude.connect(str(path))  # says nothing and goes
    assert ask(path, {"do": "status"})["you asked"] == "status"


def test_where_no_daemon_runs_asking_is_temporary(tmp_path: Path) -> None:
    with pytest.raises(Temporary, match="no daemon answers at"):
        ask(path_in(tmp_path), {"do": "status"})


def test_a_socket_left_by_a_process_that_died_is_replaced(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    with pytest.raises(Temporary):
        ask(path, {"do": "status"})
    server = ControlServer(path, answer)
    server.start()
    assert ask(path, {"do": "status"})["you asked"] == "status"
    server.stop()


def test_a_stop_takes_the_socket_away_and_may_come_twice(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    server = ControlServer(path, answer)
    server.start()
    server.stop()
    server.stop()
    assert not path.exists()
    with pytest.raises(Temporary):
        ask(path, {"do": "status"})


def test_who_ends_leaves_the_socket_of_another_alone(tmp_path: Path) -> None:
    path = path_in(tmp_path)
    first, second = ControlServer(path, answer), ControlServer(path, lambda request: {"I am": "the second"})
    first.start()
    second.start()  # after somebody removed the state directory's files under the first
    first.stop()
    assert ask(path, {"do": "status"}) == {"I am": "the second"}
    second.stop()
    assert not path.exists()
