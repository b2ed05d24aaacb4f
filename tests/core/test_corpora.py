import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"


def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_corpora", REPOSITORY / "bench" / "corpora.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def figures() -> dict[str, float]:
    if not (SHARED / "corpora" / "dev" / "score.py").is_file():
        pytest.skip("no corpora of real mails beside the checkout (../shared/corpora/dev)")
    found: dict[str, float] = bench().figures(SHARED)
    return found


def test_every_real_mail_is_parsed_in_time(figures: dict[str, float]) -> None:
    assert figures["robust_rows"] >= 500
    assert figures["robust_failed"] == 0
    assert figures["robust_slowest_seconds"] < 2


def test_real_mails_read_as_other_parsers_read_them(figures: dict[str, float]) -> None:
    assert figures["parse_right"] >= 163


def test_no_real_person_is_taken_for_a_machine(figures: dict[str, float]) -> None:
    assert figures["automatic_persons_caught"] == 0


def test_real_machines_are_known(figures: dict[str, float]) -> None:
    assert figures["automatic_recall"] >= 0.98


def test_new_text_of_real_replies_is_found(figures: dict[str, float]) -> None:
    assert figures["reply_right"] >= 89


def test_real_threads_are_told_together_and_apart(figures: dict[str, float]) -> None:
    assert figures["thread_pairs"] >= 32
    assert figures["thread_right"] == figures["thread_pairs"]


def test_a_bare_text_becomes_a_persons_mail() -> None:
    raw: bytes = bench().as_mail("Grüße".encode(), "html")
    assert b"Content-Type: text/html; charset=utf-8" in raw
    assert raw.endswith("\r\n\r\nGrüße".encode())
