"""correct, train and eval as an operator types them: a team teaches a model something odd, takes it back, and measures it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import inboxd
from inboxd.adapters.clock import SystemClock
from inboxd.adapters.control import ControlServer, path_in
from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.learned import VERSION
from inboxd.adapters.nlp.reader import SHIPPED, SpacyReader, load_model
from inboxd.adapters.sqlite.store import SqliteStore
from inboxd.bootstrap import STORE_FILE, supervisor
from inboxd.cli import app
from inboxd.config import Settings, load_settings
from inboxd.core.model import CaseNo, Correction, Scores, ToRead
from inboxd.daemon.office import Office
from inboxd.daemon.supervise import Supervisor
from inboxd.desk.control import answer
from inboxd.desk.teach import GUARDED
from inboxd.errors import BrokenModel
from inboxd.rule_sets import MODEL_LINK, fingerprint, own_model
from inboxd.training import MODEL_BEFORE, MODELS
from tests.fakes import FakeClock, FakeReader
from tests.stories.day import Day

ODD = "group_nine"  # a topic that says nothing by itself: only corrections can tell what is meant
LEARNED = Path("inboxd_learned")
ABOUT, WEIGHTS = LEARNED / "en" / "about.json", LEARNED / "en" / "weights.npz"
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


def in_force(desk: Desk) -> Path:
    """Put a copy of the shipped model in force, as a training before would have. What it says of its figures is a lie."""
    folder = desk.state / MODELS / "2026-11-01-before"
    shutil.copytree(SHIPPED, folder)
    facts = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    facts["figures"] = dict.fromkeys(facts["figures"], 0.999)
    (folder / ABOUT).write_text(json.dumps(facts), encoding="utf-8")
    (desk.state / MODEL_LINK).symlink_to(folder.relative_to(desk.state))
    return folder


def name_in_force(desk: Desk) -> str:
    folder = own_model(desk.settings)
    assert folder is not None
    return folder.name


def facts_in_force(desk: Desk) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((desk.state / MODEL_LINK / ABOUT).read_text(encoding="utf-8"))
    return facts


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

    def wake(self, *names: str) -> None: ...

    def reload(self) -> tuple[str, ...]:
        return ()


@contextmanager
def listening(desk: Desk) -> Iterator[tuple[Day, list[str]]]:
    """A daemon that holds the store, and what it was asked."""
    day, asked = desk.day(), list[str]()
    running = Running(office=day.office, health={}, synced={})

    def hear(request: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(str(request["do"]))
        return answer(running, request)

    server = ControlServer(path_in(desk.state), hear)
    server.start()
    try:
        yield day, asked
    finally:
        server.stop()
        day.store.close()


@pytest.fixture
def daemon(desk: Desk) -> Iterator[list[str]]:
    with listening(desk) as (_, asked):
        yield asked


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


def test_an_error_of_the_daemon_is_told_and_not_taken_for_an_unknown_case(desk: Desk) -> None:
    with listening(desk) as (day, asked):
        day.store.close()  # whatever is asked of it now fails
        done = desk.inboxd("correct", "1002", "topic=refund")
    assert (done.exit_code, asked) == (1, ["correct"])
    assert "database" in done.stderr and "no mail of a customer" not in done.stderr
    assert isinstance(done.exception, SystemExit)
    assert desk.corrections() == []


def test_without_a_store_nothing_can_be_corrected(tmp_path: Path) -> None:
    desk = a_desk(tmp_path / "desk")
    done = desk.inboxd("correct", "1001", "topic=refund")
    assert done.exit_code == 1
    assert "there is no store yet" in done.stderr
    assert not (desk.state / STORE_FILE).exists()


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
def bees(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Forty mails about bees, all said to be of one odd topic, and a copy of the shipped model in force."""
    desk = a_desk(tmp_path_factory.mktemp("bees") / "desk")
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
    in_force(desk)
    return desk


def copy_of(desk: Desk, folder: Path) -> Desk:
    shutil.copytree(desk.config.parent, folder, symlinks=True)
    return Desk(config=folder / "inboxd.yaml")


@pytest.fixture(scope="module")
def trained(bees: Desk, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One real training on the mails about bees."""
    desk = copy_of(bees, tmp_path_factory.mktemp("trained") / "desk")
    before = name_in_force(desk)
    model, read = topic_read(desk)
    print_before = fingerprint(desk.settings)
    done = desk.inboxd("train")
    return Trained(desk=desk, before=before, print_before=print_before, model_before=model, read_before=read, done=done)


def test_a_training_shows_what_changes_and_puts_the_model_in_force(trained: Trained) -> None:
    assert trained.done.exit_code == 0, trained.done.stderr
    assert f"{len(MAILS)} corrected mails; training takes about a minute and 600 MB of memory" in trained.done.stderr
    assert f"in force: {trained.now}; a running daemon takes it over by itself" in trained.done.stderr
    assert "refused" not in trained.done.stderr


def test_three_models_are_measured_and_what_they_say_of_themselves_is_not_believed(trained: Trained) -> None:
    for name in GUARDED:
        row = re.search(rf"^{re.escape(name)} +(\d\.\d\d\d) +(\d\.\d\d\d) +(\d\.\d\d\d)$", trained.done.stdout, re.M)
        assert row, trained.done.stdout
        assert 0.2 < float(row[1]) < 0.999 and row[1] == row[2]  # the one in force is a copy of the shipped one
        assert abs(float(row[3]) - float(row[1])) < 0.03  # forty mails about bees hardly touch anything else


def test_it_says_how_much_of_what_it_was_taught_is_read_so_now(trained: Trained) -> None:
    row = re.search(r"^all corrections right \(of (\d+)\) +(\S+) +(\S+)$", trained.done.stdout, re.M)
    assert row is not None
    assert int(row[1]) >= 1 and float(row[3]) > float(row[2])


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


def test_a_model_is_a_folder_of_weights_a_language(trained: Trained) -> None:
    folder = own_model(trained.desk.settings)
    assert folder is not None
    found = sorted(str(path.relative_to(folder / LEARNED)) for path in (folder / LEARNED).rglob("*.*"))
    assert found == ["de/about.json", "de/weights.npz", "en/about.json", "en/weights.npz"]
    assert folder.parent == trained.desk.state.resolve() / MODELS
    assert sorted(each.name for each in folder.parent.iterdir()) == sorted([trained.before, trained.now])  # nothing of the trial is left


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
    assert facts["until"] == trained.desk.corrections()[-1].number


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
    return copy_of(trained.desk, tmp_path / "desk")


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
    assert name_in_force(copied) == trained.before
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


def copy_of_inboxd(home: Path, *args: str, module: str = "inboxd") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *args]
    return subprocess.run(command, capture_output=True, text=True, cwd=home, timeout=300, check=False)


def a_small_copy(home: Path) -> Path:
    """A copy of the package with a twentieth of the corpus and a third of the test set, so that training takes seconds."""
    source = Path(inboxd.__file__).parent
    shutil.copytree(source, home / "inboxd", ignore=shutil.ignore_patterns("corpus", "__pycache__"))
    for path in (source / "corpus").rglob("*.mails"):
        texts = re.split(r"^(?=@ )", path.read_text(encoding="utf-8"), flags=re.M)
        there = home / "inboxd" / path.relative_to(source)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_text("".join(texts[1 :: 3 if path.parent.name == "test" else 20]), encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a copy with the model of the whole corpus: what is learned from a twentieth is far worse."""
    return a_small_copy(tmp_path_factory.mktemp("poor"))


MAKE_SMALL = """
from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.learning import Model
from inboxd.adapters.nlp.make import fit, save
from inboxd.adapters.nlp.reader import SHIPPED
model = Model.at(SHIPPED, ())
again = [*corpus.mails("en")[:1], *corpus.mails("de")[:1]]  # a language in which nobody was corrected stays as it is
for _ in range(12):  # until learning on from it changes little
    model = Model(fit("2026-11-01", again, like=model.weights))
save(model.nlp, SHIPPED)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a copy whose shipped model was made from its own corpus."""
    home = a_small_copy(tmp_path_factory.mktemp("small"))
    (home / "make_small.py").write_text(MAKE_SMALL, encoding="utf-8")
    done = copy_of_inboxd(home, module="make_small")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def untaught(bees: Desk, tmp_path: Path) -> Desk:
    """The desk with the mails about bees and the shipped model, to train on."""
    desk = copy_of(bees, tmp_path / "untaught")
    (desk.state / MODEL_LINK).unlink()
    shutil.rmtree(desk.state / MODELS / "2026-11-01-before")
    return desk


def test_a_model_that_is_worse_than_the_shipped_one_is_refused_and_the_one_in_force_stays(desk: Desk, poor: Path) -> None:
    assert desk.inboxd("correct", "1001", f"topic={ODD}", "answer=unclear").exit_code == 0  # only what was corrected is learned anew
    name = in_force(desk).name
    done = copy_of_inboxd(poor, "train", "--config", str(desk.config), "--json")
    assert done.returncode == 1, done.stderr
    assert "1 corrected mails;" in done.stderr
    refused = re.findall(r"^refused: (\S+) falls to 0\.\d\d\d, and the shipped model reaches [01]\.\d\d\d$", done.stderr, re.M)
    assert "en.answer.right" in refused and "the model in force stays" in done.stderr
    assert "in force:" not in done.stderr
    said = json.loads(done.stdout)
    assert len(said["worse"]) == len(refused)
    assert {key: said["shipped"][key] for key in GUARDED} == {key: said["before"][key] for key in GUARDED}  # measured: both are the same
    assert said["after"]["en.answer.right"] < said["shipped"]["en.answer.right"]
    assert said["held_back"]["count"] == 0  # too few to hold any back
    assert name_in_force(desk) == name
    assert [each.name for each in (desk.state / MODELS).iterdir()] == [name]


def test_a_dry_run_shows_the_table_and_puts_nothing_in_force(desk: Desk, small: Path) -> None:
    assert desk.inboxd("correct", "1001", f"topic={ODD}").exit_code == 0
    name = in_force(desk).name
    done = copy_of_inboxd(small, "train", "--config", str(desk.config), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^en\.topic\.accuracy +0\.\d\d\d +0\.\d\d\d +0\.\d\d\d$", done.stdout, re.M)
    assert "in force:" not in done.stderr
    assert name_in_force(desk) == name
    assert [each.name for each in (desk.state / MODELS).iterdir()] == [name]
    assert not (desk.state / MODEL_BEFORE).exists()


def test_the_first_training_of_all_needs_no_folder_of_models(desk: Desk, small: Path) -> None:
    assert desk.inboxd("correct", "1001", f"topic={ODD}").exit_code == 0
    assert not (desk.state / MODELS).exists()
    done = copy_of_inboxd(small, "train", "--config", str(desk.config))
    assert done.returncode == 0, done.stderr
    assert [each.name for each in (desk.state / MODELS).iterdir()] == [name_in_force(desk)]


def test_corrections_in_one_language_leave_what_is_known_of_the_other_as_it_is(desk: Desk, small: Path) -> None:
    (desk.config.parent / "rules" / "topics.yaml").unlink()  # a topic of the team's own is learned in every language
    assert desk.inboxd("correct", "1001", "topic=cancellation", "sentiment=upset").exit_code == 0
    done = copy_of_inboxd(small, "train", "--config", str(desk.config))
    assert done.returncode == 0, done.stderr
    shipped, own = small / SHIPPED.relative_to(Path(inboxd.__file__).parents[1]), own_model(desk.settings)
    assert own is not None
    kept, learned = ((LEARNED / language / "weights.npz") for language in ("de", "en"))
    assert (own / kept).read_bytes() == (shipped / kept).read_bytes()
    assert (own / learned).read_bytes() != (shipped / learned).read_bytes()


def test_only_corrections_that_the_model_in_force_has_not_seen_test_the_next_one(untaught: Desk, small: Path) -> None:
    def train() -> tuple[dict[str, Any], str]:
        done = copy_of_inboxd(small, "train", "--config", str(untaught.config), "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), name_in_force(untaught)

    said, first = train()
    assert said["held_back"] == {"count": len(MAILS) // 5, "before": 0.0, "after": pytest.approx(1, abs=0.5)}
    assert facts_in_force(untaught)["until"] == len(MAILS)

    said, second = train()  # it has seen them all: none of them may speak against the next one
    assert said["held_back"]["count"] == 0 and said["worse"] == []
    assert second != first and (untaught.state / MODEL_BEFORE).resolve().name == first
    assert facts_in_force(untaught)["until"] == len(MAILS)

    for case in range(1001, 1011):
        assert untaught.inboxd("correct", str(case), "urgent=no").exit_code == 0
    said, third = train()
    assert said["held_back"]["count"] == 2 * 2  # of the ten mails corrected anew two, each with topic and urgency
    facts = facts_in_force(untaught)
    assert (facts["until"], facts["corrections"]) == (len(MAILS) + 10, len(MAILS))
    assert sorted(each.name for each in (untaught.state / MODELS).iterdir()) == sorted({first, second, third})


# --- a model that is broken ----------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_weights(folder: Path) -> None:
    cut(folder / WEIGHTS)


def cut_facts(folder: Path) -> None:
    cut(folder / ABOUT)


def no_weights(folder: Path) -> None:
    shutil.rmtree(folder / LEARNED)


def other_version(folder: Path) -> None:
    for about in (folder / LEARNED).glob("*/about.json"):
        facts = json.loads(about.read_text(encoding="utf-8"))
        about.write_text(json.dumps({**facts, "version": VERSION + 1}), encoding="utf-8")


BREAK = (cut_weights, cut_facts, no_weights, other_version, shutil.rmtree)  # the last leaves a link to nowhere


@pytest.mark.parametrize("spoil", BREAK)
def test_a_broken_model_is_told_with_its_folder_and_what_to_do(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    folder = tmp_path / "model"
    shutil.copytree(SHIPPED, folder)
    assert SpacyReader(folder=folder).model
    spoil(folder)
    for load in (lambda: SpacyReader(folder=folder), lambda: load_model(folder, ("en", "de"), ())):
        with pytest.raises(BrokenModel) as caught:
            load()
        (told,) = caught.value.mistakes
        assert told.startswith(f"{folder}: the model ") and "inboxd train" in told


@contextmanager
def started(desk: Desk) -> Iterator[Supervisor]:
    """A daemon that has just been built, with nothing connected."""
    found = supervisor(desk.settings)
    try:
        yield found
    finally:
        found.office.store.close()


@pytest.mark.parametrize("spoil", BREAK)
def test_a_daemon_starts_with_the_shipped_model_where_its_own_is_broken(
    desk: Desk, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    model, read = topic_read(desk)
    spoil(in_force(desk))
    capsys.readouterr()
    assert topic_read(desk) == (model, read)
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "model.broken" in line)
    assert line.startswith("error model.broken folder=") and "train --undo" in line


@pytest.mark.parametrize("spoil", BREAK)
def test_at_a_reload_the_last_good_model_stays_until_a_good_one_is_there(desk: Desk, spoil: Callable[[Path], None]) -> None:
    good = in_force(desk)
    with started(desk) as daemon:
        rules = daemon.office.rules
        bad = good.with_name("2026-11-02-bad")
        shutil.copytree(good, bad)
        spoil(bad)
        link = desk.state / MODEL_LINK
        link.unlink()
        link.symlink_to(bad.relative_to(desk.state))
        (told,) = daemon.reload()
        assert told.startswith(f"{bad.resolve()}: the model ")
        assert daemon.office.rules is rules and rules.reader.read([ToRead(subject="", new_text=UNSEEN)])[0].topics
        assert "those of before are in force" in daemon.health["rules"]

        assert "the shipped model" in desk.inboxd("train", "--undo").stdout
        assert daemon.reload() == ()
        assert daemon.office.rules.reader.model != rules.reader.model and "rules" not in daemon.health


@pytest.mark.parametrize("spoil", [cut_facts, no_weights, shutil.rmtree])
def test_status_says_that_the_model_cannot_be_read(desk: Desk, spoil: Callable[[Path], None]) -> None:
    folder = in_force(desk)
    spoil(folder)
    done = desk.inboxd("status")
    assert "daemon     NOT running" in done.stdout, done.stderr
    assert re.search(rf"^model +{re.escape(str(folder.resolve()))} cannot be read \(\w+\): inboxd train --undo$", done.stdout, re.M)
    assert json.loads(desk.inboxd("status", "--json").stdout)["model_facts"].keys() == {"folder", "broken"}


def test_commands_that_read_say_that_the_model_is_broken(desk: Desk, tmp_path: Path) -> None:
    cut_weights(in_force(desk))
    file = rows_in(tmp_path / "mails.jsonl", json.dumps(ROWS[0]))
    mail = tmp_path / "a.eml"
    mail.write_bytes(b"From: ana@customers.example\r\nSubject: A lamp\r\n\r\nWhere is it?\r\n")
    for command in (("eval", str(file)), ("explain", str(mail))):
        done = desk.inboxd(*command)
        assert done.exit_code == 78 and isinstance(done.exception, SystemExit)
        assert "the model cannot be loaded" in done.stderr and "inboxd train --undo" in done.stderr


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


@pytest.mark.parametrize("row", [[ROWS[0]], "text", 5, None, True, {}, {"text": None}, {"text": ["a"]}])
def test_a_row_that_is_no_object_with_a_text_is_told(tmp_path: Path, row: object) -> None:
    done = run("eval", str(rows_in(tmp_path / "mails.jsonl", json.dumps(ROWS[0]), json.dumps(row))))
    assert done.exit_code == 78 and isinstance(done.exception, SystemExit)
    assert "row 2: expected a text, as in" in done.stderr and "1 problem found" in done.stderr


@pytest.mark.parametrize("upset", ["yes", "true", 2, -1, 0.5, [], {}])
def test_upset_is_true_or_false_and_nothing_else(tmp_path: Path, upset: object) -> None:
    done = run("eval", str(rows_in(tmp_path / "mails.jsonl", json.dumps({"text": "Where is it?", "upset": upset}))))
    assert done.exit_code == 78 and isinstance(done.exception, SystemExit)
    assert f"row 1: upset is true or false, 1 or 0, and this is {upset!r}" in done.stderr


def test_one_and_zero_are_true_and_false(tmp_path: Path) -> None:
    rows = [{"text": row["text"], "upset": upset} for row, upset in zip(ROWS, (0, False, 1, None), strict=True)]
    done = run("eval", str(rows_in(tmp_path / "mails.jsonl", *map(json.dumps, rows))), "--json")
    assert done.exit_code == 0, done.stderr
    figures = json.loads(done.stdout)[""]["figures"]
    assert figures["upset.recall"] == 1 and figures["upset.false_alarms"] == 0


def test_a_file_that_is_no_json_no_utf8_or_is_not_there_is_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.jsonl"
    latin.write_bytes('{"text": "Wo ist das Käsebrot?"}\n'.encode("latin-1"))
    deep = rows_in(tmp_path / "deep.jsonl", "[" * 100_000)
    for file in (rows_in(tmp_path / "mails.jsonl", '{"text": "no end'), tmp_path / "none.jsonl", tmp_path, latin, deep):
        done = run("eval", str(file))
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
        assert "inboxd: cannot read the rows: " in done.stderr and "Traceback" not in done.stderr
        assert done.stdout == ""


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
