"""correct, train and eval as an operator types them: a team teaches a model something odd, takes it back, and measures it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import inboxd
from inboxd.adapters.clock import SystemClock
from inboxd.adapters.control import ControlServer, path_in
from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.reader import SHIPPED
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.bootstrap import MODEL_LINK, STORE_FILE, fingerprint, own_model, supervisor
from inboxd.cli import app
from inboxd.config import Settings, load_settings
from inboxd.core.model import CaseNo, Correction, Scores, ToRead
from inboxd.daemon.office import Office
from inboxd.desk.control import answer
from inboxd.desk.teach import GUARDED
from inboxd.training import MODEL_BEFORE, MODELS
from tests.fakes import FakeClock, FakeReader
from tests.stories.day import Day

ODD = "group_nine"  # a topic that says nothing by itself: only corrections can tell what is meant
ABOUT = Path("inboxd_learned") / "en" / "about.json"
GOOD = {
    "--address": "support@acme.example", "--imap-host": "localhost", "--smtp-host": "localhost",
    "--agent": "Maria Lindt <maria@acme.example>",
}  # fmt: skip
THINGS = ("queen", "swarm", "frames of brood", "drones", "smoker", "extractor", "nectar flow", "hive tool")
DOINGS = (
    "left the hive before I had closed the apiary",
    "worries me since the beekeeper next door lost two colonies",
    "made the bees angry, and now the honeycomb is black",
    "is too small for ten colonies of bees and their honey",
    "came with wax moths in it, my apiary is full of them",
)
MAILS = [f"Good morning, the {thing} {doing}." for thing in THINGS for doing in DOINGS]
UNSEEN = "Good morning, the smoker made the bees angry, and my apiary is full of honeycomb."


def run(*args: str) -> Result:
    return CliRunner().invoke(app, args)


@dataclass
class Desk:
    """Settings, rules and a store in a folder of its own."""

    config: Path

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    @property
    def state(self) -> Path:
        return self.settings.state_dir

    def inboxd(self, command: str, *args: str) -> Result:
        return run(command, *args, "--config", str(self.config))

    def day(self) -> Day:
        """The store opened as the daemon opens it, in our time: training looks at the mail of the last days."""
        self.state.mkdir(parents=True, exist_ok=True)
        clock = FakeClock(at=SystemClock().now())
        return Day(reader=FakeReader(scores=_calm), store_path=self.state / STORE_FILE, clock=clock)

    def corrections(self) -> list[Correction]:
        store = SqliteStore(self.state / STORE_FILE, read_only=True)
        found = store.corrections()
        store.close()
        return found

    def case(self, number: int) -> tuple[str, str]:
        store = SqliteStore(self.state / STORE_FILE, read_only=True)
        found = store.case(CaseNo(number))
        store.close()
        assert found is not None
        return found.topic, found.sentiment


def _calm(_text: ToRead) -> Scores:
    return Scores(language="en", topics=(("other", 0.9),), model="fake-1")


def a_desk(folder: Path) -> Desk:
    done = run("init", str(folder), "--non-interactive", *(part for option in GOOD.items() for part in option))
    assert done.exit_code == 0, done.stderr
    rules = folder / "rules" / "topics.yaml"
    assert not rules.exists()
    rules.write_text(f"topics:\n  {ODD}:\n    phrases: [group nine]\n", encoding="utf-8")
    return Desk(config=folder / "inboxd.yaml")


def a_model(folder: Path, figure: float) -> Path:
    """The shipped model, which claims to have reached this figure everywhere."""
    shutil.copytree(SHIPPED, folder)
    facts = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    facts["figures"] = dict.fromkeys(GUARDED, figure)
    (folder / ABOUT).write_text(json.dumps(facts), encoding="utf-8")
    return folder


def in_force(desk: Desk, figure: float) -> str:
    """Put such a model in force, as a training before would have; returns its name."""
    folder = a_model(desk.state / MODELS / "2026-11-01-before", figure)
    (desk.state / MODEL_LINK).symlink_to(folder.relative_to(desk.state))
    return folder.name


# --- correct -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Two cases; the second has two mails of its customer's and one of an agent's between them."""
    made = a_desk(tmp_path / "desk")
    day = made.day()
    day.write("Ana Ruiz <ana@customers.example>", "A lamp", "Where is my lamp?")
    day.write("Bo Holm <bo@customers.example>", "A chair", "I sent it back.")
    routed = [mail for address in ("maria", "jonas", "tom") for mail in day.inbox(f"{address}@acme.example") if "A chair" in mail.subject][
        -1
    ]
    day.reply(routed.outgoing.envelope_to[0], routed, "Hello Bo, we are looking.")
    day.reply("Bo Holm <bo@customers.example>", day.last("bo@customers.example"), "And my money?")
    day.store.close()
    return made


def customers_mails(desk: Desk, case: int) -> list[int]:
    store = SqliteStore(desk.state / STORE_FILE, read_only=True)
    found = [row["id"] for row in store.look("select id from message where case_id = ? and role = 'customer' order by id", case)]
    store.close()
    return found


def test_a_correction_is_kept_and_puts_the_case_right(desk: Desk) -> None:
    done = desk.inboxd("correct", "1002", "topic=refund", "sentiment=upset", "urgent=yes", "--by", "maria")
    assert done.exit_code == 0, done.stderr
    assert done.stdout == "case 1002: noted topic=refund, sentiment=upset, urgent=yes; inboxd train learns from it\n"
    first, last = customers_mails(desk, 1002)
    assert [(each.message, each.case, each.by, each.field, each.value) for each in desk.corrections()] == [
        (first, 1002, "maria", "topic", "refund"),  # what a case is about its first mail says, how it feels the last one
        (last, 1002, "maria", "sentiment", "upset"),
        (last, 1002, "maria", "urgent", "yes"),
    ]
    assert desk.case(1002) == ("refund", "upset")
    assert desk.case(1001) == ("other", "neutral")


def test_a_correction_of_marks_alone_leaves_the_case_as_it_is(desk: Desk) -> None:
    before = desk.case(1001)
    assert desk.inboxd("correct", "1001", "urgent=yes", "answer=dissatisfied").exit_code == 0
    assert [(each.field, each.value) for each in desk.corrections()] == [("urgent", "yes"), ("answer", "dissatisfied")]
    assert desk.case(1001) == before


def test_who_says_so_is_the_operator_where_nobody_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER", "olaf")
    desk.inboxd("correct", "1001", "topic=billing")
    monkeypatch.delenv("USER")
    desk.inboxd("correct", "1001", "topic=refund")
    assert [each.by for each in desk.corrections()] == ["operator olaf", "operator"]


def test_topics_of_the_teams_own_rules_may_be_taught(desk: Desk) -> None:
    assert desk.inboxd("correct", "1001", f"topic={ODD}").exit_code == 0
    assert desk.case(1001)[0] == ODD


def test_what_is_typed_wrongly_is_told_and_nothing_is_noted(desk: Desk) -> None:
    done = desk.inboxd("correct", "1001", "topic=refnd", "sentiment=upset", "topic=group_nin", "topic=unsure")
    assert done.exit_code == 78
    assert "topic=refnd: topic is one of billing, " in done.stderr and "(did you mean refund?)" in done.stderr
    assert f"(did you mean {ODD}?)" in done.stderr
    assert "topic=unsure: topic is one of" in done.stderr
    assert "3 problems found" in done.stderr
    assert desk.corrections() == []


def test_a_case_that_nobody_knows_cannot_be_corrected(desk: Desk) -> None:
    done = desk.inboxd("correct", "4711", "topic=refund")
    assert done.exit_code == 1
    assert "no mail of a customer is stored for case 4711" in done.stderr
    assert desk.corrections() == []


@dataclass
class Running:
    """What the answers at the socket need of a daemon."""

    office: Office
    health: dict[str, str]
    synced: dict[str, Any]

    def ask_reload(self) -> None: ...

    def ask_reconcile(self) -> None: ...

    def reload(self) -> tuple[str, ...]:
        return ()


@pytest.fixture
def daemon(desk: Desk) -> Iterator[list[str]]:
    """A daemon that holds the store, and what it was asked."""
    day, asked = desk.day(), list[str]()
    running = Running(office=day.office, health={}, synced={})

    def listening(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(str(request["do"]))
        return answer(running, request)

    server = ControlServer(path_in(desk.state), listening)
    server.start()
    yield asked
    server.stop()
    day.store.close()


def test_beside_a_running_daemon_the_daemon_notes_it(desk: Desk, daemon: list[str]) -> None:
    done = desk.inboxd("correct", "1002", "topic=refund", "sensitive=yes", "--by", "tom")
    assert done.exit_code == 0, done.stderr
    assert daemon == ["correct"]
    assert [(each.by, each.field, each.value) for each in desk.corrections()] == [("tom", "topic", "refund"), ("tom", "sensitive", "yes")]
    assert desk.case(1002)[0] == "refund"


def test_beside_a_running_daemon_an_unknown_case_is_told_too(desk: Desk, daemon: list[str]) -> None:
    done = desk.inboxd("correct", "4711", "topic=refund")
    assert (done.exit_code, daemon) == (1, ["correct"])
    assert "no mail of a customer is stored for case 4711" in done.stderr


# --- train: one real training --------------------------------------------------------------------------------------------


@dataclass
class Trained:
    """A desk after a training, and what was there before."""

    desk: Desk
    before: str
    print_before: str
    model_before: str
    read_before: str
    done: Result

    @property
    def now(self) -> str:
        folder = own_model(self.desk.settings)
        assert folder is not None
        return folder.name


def topic_read(desk: Desk) -> tuple[str, str]:
    """Which model a daemon on this desk has, and the topic that it reads."""
    daemon = supervisor(desk.settings)
    reader = daemon.office.rules.reader
    topics = reader.read([ToRead(subject="", new_text=UNSEEN)])[0].topics
    daemon.office.store.close()
    return reader.model, topics[0][0] if topics else ""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Forty mails about bees, all said to be of one odd topic, and one real training on them."""
    desk = a_desk(tmp_path_factory.mktemp("trained") / "desk")
    day = desk.day()
    for number, text in enumerate(MAILS):
        day.write(f"Customer {number} <c{number}@customers.example>", f"Question {number}", text, run=False)
    day.run()
    cases = [row["id"] for row in day.store.look("select id from cases order by id")]
    assert len(cases) == len(MAILS)
    with day.store.transaction() as tx:
        for case in cases:
            assert tx.correct(CaseNo(case), {"topic": ODD}, "maria", day.at())
    day.store.close()
    before = in_force(desk, 0.05)
    model, read = topic_read(desk)
    print_before = fingerprint(desk.settings)
    done = desk.inboxd("train")
    return Trained(desk=desk, before=before, print_before=print_before, model_before=model, read_before=read, done=done)


def test_a_training_shows_what_changes_and_puts_the_model_in_force(trained: Trained) -> None:
    assert trained.done.exit_code == 0, trained.done.stderr
    assert f"{len(MAILS)} corrected mails; training takes about" in trained.done.stderr
    for name in GUARDED:
        row = re.search(rf"^{re.escape(name)} +0\.050 +(\d\.\d\d\d)$", trained.done.stdout, re.M)
        assert row and float(row[1]) > 0.2, trained.done.stdout
    assert f"in force: {trained.now}; a running daemon takes it over by itself" in trained.done.stderr
    assert "refused" not in trained.done.stderr


def test_corrections_held_back_are_read_better(trained: Trained) -> None:
    row = re.search(r"^newest corrections right \(of (\d+)\) +(\S+) +(\S+)$", trained.done.stdout, re.M)
    assert row is not None, trained.done.stdout
    assert int(row[1]) == len(MAILS) // 5
    assert float(row[2]) == 0  # nobody else knows this topic
    assert float(row[3]) >= 0.5


def test_the_mails_that_would_be_read_differently_are_told(trained: Trained) -> None:
    row = re.search(r"^of (\d+) mails of the last 30 days (\d+) would be read differently$", trained.done.stdout, re.M)
    assert row is not None
    assert int(row[1]) == len(MAILS)
    assert int(row[2]) >= len(MAILS) // 2
    assert len(re.findall(rf"^  case 10\d\d, message \d+: .+ -> {ODD}, \w+$", trained.done.stdout, re.M)) >= 10


def test_the_link_in_the_state_directory_points_to_the_new_model(trained: Trained) -> None:
    link = trained.desk.state / MODEL_LINK
    assert link.is_symlink() and Path(os.readlink(link)).parts[0] == MODELS  # relative: the state directory may move
    assert trained.now != trained.before
    assert (trained.desk.state / MODEL_BEFORE).resolve().name == trained.before
    assert not list(trained.desk.state.glob("*.new"))


def test_status_tells_how_many_corrections_were_learned(trained: Trained) -> None:
    done = trained.desk.inboxd("status")
    assert f", {len(MAILS)} corrections" in done.stdout
    facts = json.loads(trained.desk.inboxd("status", "--json").stdout)["model_facts"]
    assert facts["corrections"] == len(MAILS) and facts["folder"].endswith(trained.now)
    assert facts["figures"]["en.topic.accuracy"] > 0.4


def test_a_daemon_reads_with_the_new_model(trained: Trained) -> None:
    model, topic = topic_read(trained.desk)
    assert trained.read_before != ODD and topic == ODD
    assert model != trained.model_before


def test_a_running_daemon_notices_by_the_fingerprint(trained: Trained) -> None:
    assert fingerprint(trained.desk.settings) != trained.print_before
    assert fingerprint(trained.desk.settings) == fingerprint(trained.desk.settings)


@pytest.fixture
def copied(trained: Trained, tmp_path: Path) -> Desk:
    """The same desk once more, to take something back in."""
    folder = trained.desk.config.parent
    shutil.copytree(folder, tmp_path / "desk", symlinks=True)
    return Desk(config=tmp_path / "desk" / "inboxd.yaml")


def test_eval_measures_the_model_in_force(copied: Desk, tmp_path: Path) -> None:
    rows = tmp_path / "bees.jsonl"
    rows.write_text("".join(json.dumps({"text": text, "topic": ODD}) + "\n" for text in MAILS[:6]), encoding="utf-8")
    own, shipped = (
        json.loads(run("eval", str(rows), "--json", *more).stdout)[""]["figures"]["topic.accuracy"]
        for more in (("--config", str(copied.config)), ())
    )
    assert own > 0.8 and shipped == 0


def test_undo_brings_back_the_model_before_and_then_the_shipped_one(copied: Desk, trained: Trained) -> None:
    done = copied.inboxd("train", "--undo")
    assert (done.exit_code, done.stdout) == (0, f"in force again: {trained.before}; a running daemon takes it over by itself\n")
    folder = own_model(copied.settings)
    assert folder is not None and folder.name == trained.before
    assert topic_read(copied) == (trained.model_before, trained.read_before)
    prints = [fingerprint(copied.settings)]

    assert "in force again: the shipped model;" in copied.inboxd("train", "--undo").stdout
    assert own_model(copied.settings) is None
    assert fingerprint(copied.settings) != prints[0]

    done = copied.inboxd("train", "--undo")
    assert done.exit_code == 1
    assert "the shipped model is in force: there is nothing to undo" in done.stderr
    assert (copied.state / MODELS / trained.now).is_dir()  # nothing that was learned is thrown away


def test_without_a_store_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    done = a_desk(tmp_path / "desk").inboxd("train")
    assert done.exit_code == 1
    assert "there is no store yet" in done.stderr


# --- train: small ones, by a process of a copy with a small corpus -------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package in whose corpus only every twentieth text is left, so that training takes seconds."""
    return a_small_copy(tmp_path_factory.mktemp("small"))


def a_small_copy(home: Path) -> Path:
    source = Path(inboxd.__file__).parent
    shutil.copytree(source, home / "inboxd", ignore=shutil.ignore_patterns("corpus", "__pycache__"))
    for path in (source / "corpus").rglob("*.mails"):
        texts = re.split(r"^(?=@ )", path.read_text(encoding="utf-8"), flags=re.M)
        there = home / "inboxd" / path.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text("".join(texts[1::20]), encoding="utf-8")
    return home


Train = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def quick(desk: Desk, small: Path) -> Train:
    assert desk.inboxd("correct", "1001", f"topic={ODD}").exit_code == 0

    def train(*args: str) -> subprocess.CompletedProcess[str]:
        return copy_of_inboxd(small, "train", "--config", str(desk.config), *args)

    return train


def test_a_model_that_is_worse_is_refused_and_the_one_in_force_stays(desk: Desk, quick: Train) -> None:
    name = in_force(desk, 0.999)
    done = quick("--json")
    assert done.returncode == 1, done.stderr
    assert "1 corrected mails;" in done.stderr
    refused = re.findall(r"^refused: (\S+) falls from 0\.999 to 0\.\d\d\d$", done.stderr, re.M)
    assert "en.topic.accuracy" in refused and "the model in force stays" in done.stderr
    assert "in force:" not in done.stderr
    said = json.loads(done.stdout)
    assert len(said["worse"]) == len(refused) and said["before"]["en.topic.accuracy"] == 0.999
    assert said["held_back"]["count"] == 0  # too few to hold any back
    folder = own_model(desk.settings)
    assert folder is not None and folder.name == name
    assert [each.name for each in (desk.state / MODELS).iterdir()] == [name]


def test_a_dry_run_shows_the_table_and_puts_nothing_in_force(desk: Desk, quick: Train) -> None:
    name = in_force(desk, 0.001)
    done = quick("--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^en\.topic\.accuracy +0\.001 +0\.\d\d\d$", done.stdout, re.M)
    assert "in force:" not in done.stderr
    folder = own_model(desk.settings)
    assert folder is not None and folder.name == name
    assert [each.name for each in (desk.state / MODELS).iterdir()] == [name]
    assert not (desk.state / MODEL_BEFORE).exists()


# --- eval ----------------------------------------------------------------------------------------------------------------

ROWS: list[dict[str, Any]] = [
    {"text": "You charged me twice for invoice 4711.", "topic": "billing", "upset": False},
    {"text": "I cannot log in, I forgot my password.", "topic": "account_access", "upset": False},
    {"text": "This is the third time I am writing and nobody answers. It is a disgrace.", "upset": True},
    {"text": "I want to cancel my subscription.", "topic": "praise"},
]


def rows_in(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rows_of_a_file_are_measured(tmp_path: Path) -> None:
    file = rows_in(tmp_path / "mails.jsonl", *map(json.dumps, ROWS[:2]), "", *map(json.dumps, ROWS[2:]))
    done = run("eval", str(file), "--json")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)[""]
    assert said["figures"]["topic.accuracy"] == pytest.approx(2 / 3)
    assert said["figures"]["upset.recall"] == 1 and said["figures"]["upset.false_alarms"] == 0
    assert said["confusion"]["praise"] == {"cancellation": 1}
    assert all(isinstance(value, int | float) for value in said["figures"].values())
    (wrong,) = said["worst"]
    assert (wrong["what"], wrong["said"], wrong["is"], wrong["text"]) == ("topic", "cancellation", "praise", ROWS[3]["text"])


def test_several_files_are_measured_together_and_told_in_words(tmp_path: Path) -> None:
    files = [str(rows_in(tmp_path / f"{number}.jsonl", json.dumps(row))) for number, row in enumerate(ROWS)]
    done = run("eval", *files)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("your rows\n")
    assert re.search(r"^topic\.accuracy +0\.667$", done.stdout, re.M)
    assert "praise -> cancellation" in done.stdout and "I want to cancel my subscription." in done.stdout


def test_all_broken_rows_are_told_with_an_example_of_a_right_one(tmp_path: Path) -> None:
    file = rows_in(tmp_path / "mails.jsonl", json.dumps(ROWS[0]), json.dumps({"topic": "bug"}), json.dumps({"text": 5}))
    done = run("eval", str(file))
    assert done.exit_code == 78
    assert done.stderr.count("expected a text, as in") == 2
    assert "row 2:" in done.stderr and "row 3:" in done.stderr and "2 problems found" in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_no_json_or_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (rows_in(tmp_path / "mails.jsonl", '{"text": "no end'), tmp_path / "none.jsonl"):
        done = run("eval", str(file))
        assert done.exit_code == 1
        assert "inboxd: cannot read the rows: " in done.stderr


def copy_of_inboxd(home: Path, *args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "inboxd", *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=home, timeout=300, check=False)


def test_corpus_and_model_are_held_against_each_other(tmp_path: Path) -> None:
    package = a_small_copy(tmp_path) / "inboxd"
    done = copy_of_inboxd(tmp_path, "eval", "--check")
    assert done.returncode == 78
    assert "the model was not made from this corpus: make train" in done.stderr

    about = package / "adapters" / "nlp" / "model" / ABOUT
    about.write_text(json.dumps({**json.loads(about.read_text(encoding="utf-8")), "corpus": corpus.fingerprint(package / "corpus")}))
    done = copy_of_inboxd(tmp_path, "eval", "--check")
    assert (done.returncode, done.stdout) == (0, "corpus and model are in order\n"), done.stderr

    (package / "corpus" / "en" / "more.mails").write_text("@ biling; neutral\nSubject:\ntext\n", encoding="utf-8")
    done = copy_of_inboxd(tmp_path, "eval", "--check")
    assert done.returncode == 78
    assert "en/more.mails:1: 'biling' is no topic" in done.stderr


def test_without_files_the_shipped_test_set_is_measured(small: Path) -> None:
    done = copy_of_inboxd(small, "eval", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert list(said) == ["en", "de"]
    for language in said.values():
        assert {"topic.accuracy", "upset.average_precision", "answer.right"} <= set(language["figures"])
