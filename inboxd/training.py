"""The model at work: measured, trained on corrections, put in force, taken back. Builds on bootstrap; used by the command line alone."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inboxd.adapters.rule_files import load_rules
from inboxd.bootstrap import open_store
from inboxd.config import Settings
from inboxd.core.model import MessageNo
from inboxd.desk.teach import Change, Comparison, lessons
from inboxd.errors import BrokenModel, ConfigError, Permanent
from inboxd.rule_sets import MODEL_LINK, own_model

if TYPE_CHECKING:
    from inboxd.adapters.nlp.evaluate import Evaluation
    from inboxd.adapters.nlp.learning import Corrected, Model
    from inboxd.adapters.sqlite.store import SqliteStore

MODELS, MODEL_BEFORE = "models", "model.before"  # in the state directory: all trained models, and the one that undo brings back
LATELY = timedelta(days=30)


def corpus_mistakes() -> list[str]:
    """What is wrong with the corpus, or between it and the model that lies beside it (`inboxd eval --check`)."""
    from inboxd.adapters.nlp import corpus
    from inboxd.adapters.nlp.make import recipe

    try:
        corpus.mails("en", "de", "test/en.mails", "test/de.mails")
        corpus.answers("answers/en", "answers/de", "test/answers_en.mails", "test/answers_de.mails")
    except ConfigError as error:
        return list(error.mistakes)
    facts = json.loads((Path(__file__).parent / "adapters/nlp/model/inboxd_learned/en/about.json").read_text(encoding="utf-8"))
    mistakes = [] if facts["corpus"] == corpus.fingerprint() else ["the model was not made from this corpus: make train"]
    return mistakes + ([] if facts["recipe"] == recipe() else ["the model was not made by this code: make train"])


def evaluate_model(settings: Settings | None, rows: Sequence[Any] | None) -> dict[str, Evaluation]:
    """Measure the model in force on its own test set, or on rows `{text, topic?, upset?}`."""
    from inboxd.adapters.nlp import corpus
    from inboxd.adapters.nlp.evaluate import examples_of, measure
    from inboxd.adapters.nlp.learning import Model
    from inboxd.adapters.nlp.reader import SHIPPED

    nlp = Model.at(own_model(settings) or SHIPPED, ()).nlp
    if rows is not None:
        return {"": measure(nlp, examples_of(rows))}
    return {
        language: measure(nlp, corpus.mails(f"test/{language}.mails"), corpus.answers(f"test/answers_{language}.mails"))
        for language in ("en", "de")
    }


def train_model(settings: Settings, now: datetime, say: Callable[[str], None]) -> tuple[Comparison, Path]:
    """Train on corpus and corrections; returns how the new model compares and where it lies, not in force yet."""
    from inboxd.adapters.nlp.learning import Model, examples, trial
    from inboxd.adapters.nlp.make import fit, save
    from inboxd.adapters.nlp.reader import SHIPPED

    today = f"{now:%Y-%m-%d}"
    topics = load_rules(settings.rules).topics
    admin = [(str(topic.name), phrase) for topic in topics for phrase in topic.phrases]
    names = [str(topic.name) for topic in topics]
    shipped, own = Model.at(SHIPPED, admin), own_model(settings)
    try:
        current = Model.at(own, admin) if own else shipped
    except BrokenModel as error:  # a new one is what mends it
        say(f"{error}; compared with the shipped one instead")
        current = shipped
    store = open_store(settings, read_only=True)
    try:
        corrected = _corrected(store)
        say(f"{len(corrected)} corrected mails; training takes about a minute and 600 MB of memory ...")
        candidate, newest = trial(today, corrected, names, current, shipped)
        mails, answers = examples(corrected)
        folder = settings.state_dir / MODELS / f"{today}-{secrets.token_hex(3)}"
        until = max((each.number for each in corrected), default=0)
        save(fit(today, mails, answers, names, shipped.weights, until, len(corrected)), folder)
        new = Model.at(folder, admin)
        found = Comparison(shipped=shipped.figures(), before=current.figures(), after=new.figures())
        found.taught = sum(len(each.labels) for each in corrected)
        if found.taught:
            found.taught_before, found.taught_after = current.right(corrected), new.right(corrected)
        if candidate is not None:
            found.held_back = sum(len(each.labels) for each in newest)
            found.held_back_before, found.held_back_after = current.right(newest), candidate.right(newest)
        _compare_lately(store, (now - LATELY).timestamp(), current, new, found)
    except OSError as error:
        raise Permanent(f"the new model cannot be written: {error}") from error
    finally:
        store.close()
    return found, folder


def _corrected(store: SqliteStore) -> list[Corrected]:
    from inboxd.adapters.nlp.learning import Corrected

    told = store.corrections()
    texts: dict[MessageNo, tuple[str, str]] = {}
    for number in {each.message for each in told}:
        rows = store.look("select m.subject, r.new_text from message m join reading r on r.message = m.id where m.id = ?", number)
        if rows:
            texts[number] = rows[0]["subject"], rows[0]["new_text"]
    return [
        Corrected(subject=each.subject, text=each.new_text, labels=each.labels, number=each.number)
        for each in sorted(lessons(told, texts), key=lambda lesson: lesson.number)
    ]


def _compare_lately(store: SqliteStore, since: float, current: Model, new: Model, found: Comparison) -> None:
    for row in store.look(
        "select m.id, m.case_id, m.subject, r.new_text from message m join reading r on r.message = m.id"
        " where m.kind = 'person' and m.received_at >= ? order by m.id desc limit 5000",
        since,
    ):
        before, after = (model.says(row["subject"], row["new_text"]) for model in (current, new))
        found.read += 1
        if before["topic"] != after["topic"] or before["sentiment"] != after["sentiment"]:
            words = [f"{said['topic']}, {said['sentiment']}" for said in (before, after)]
            found.changes.append(Change(case=row["case_id"], message=row["id"], before=words[0], after=words[1]))


def drop_model(folder: Path) -> None:
    """Remove a trained model that is not put in force."""
    shutil.rmtree(folder, ignore_errors=True)


def undo_training(settings: Settings) -> str:
    """Put the model before the last training in force again; tells which."""
    link, before = settings.state_dir / MODEL_LINK, settings.state_dir / MODEL_BEFORE
    if not link.is_symlink():
        raise Permanent("the shipped model is in force: there is nothing to undo")
    try:
        if before.is_symlink():
            os.replace(before, link)
            return link.resolve().name
        link.unlink()
    except OSError as error:
        raise Permanent(f"the model in force cannot be changed: {error}") from error
    return "the shipped model"


def put_in_force(settings: Settings, folder: Path) -> str:
    """Put a model in force: one rename, so that a daemon sees the old one or the new one. The one before is kept for undo."""
    link, before, fresh = (settings.state_dir / name for name in (MODEL_LINK, MODEL_BEFORE, f"{MODEL_LINK}.new"))
    try:
        if link.is_symlink():
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.readlink(link))
            os.replace(fresh, before)
        else:
            before.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(folder.relative_to(settings.state_dir))
        os.replace(fresh, link)
    except OSError as error:
        raise Permanent(f"the new model cannot be put in force: {error}") from error
    return folder.name
