"""The model at work: measured, trained on corrections, put in force, taken back. Builds on bootstrap; used by the command line alone."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inboxd.adapters.rule_files import load_rules
from inboxd.bootstrap import MODEL_LINK, open_store, own_model
from inboxd.config import Settings
from inboxd.core.model import MessageNo
from inboxd.desk.teach import Change, Comparison, lessons
from inboxd.errors import ConfigError, Permanent

MODELS, MODEL_BEFORE = "models", "model.before"  # in the state directory: all trained models, and the one that undo brings back
LATELY = timedelta(days=30)


def corpus_mistakes() -> list[str]:
    """What is wrong with the corpus, or between it and the model that lies beside it (`inboxd eval --check`)."""
    from inboxd.adapters.nlp import corpus

    try:
        corpus.mails("en", "de", "test/en.mails", "test/de.mails")
        corpus.answers("answers", "test/answers_en.mails", "test/answers_de.mails")
    except ConfigError as error:
        return list(error.mistakes)
    facts = json.loads((Path(__file__).parent / "adapters/nlp/model/inboxd_learned/about.json").read_text(encoding="utf-8"))
    return [] if facts["corpus"] == corpus.fingerprint() else ["the model was not made from this corpus: make train"]


def evaluate_model(settings: Settings | None, rows: Sequence[Mapping[str, Any]] | None) -> Any:
    """Measure the model in force on its own test set, or on rows `{text, topic?, upset?}`."""
    from inboxd.adapters.nlp import corpus
    from inboxd.adapters.nlp.evaluate import examples_of, measure
    from inboxd.adapters.nlp.pipeline import load_from
    from inboxd.adapters.nlp.reader import SHIPPED

    nlp = load_from(own_model(settings) or SHIPPED, ("en", "de"), ())
    if rows is not None:
        return {"": measure(nlp, examples_of(rows))}
    return {
        language: measure(nlp, corpus.mails(f"test/{language}.mails"), corpus.answers(f"test/answers_{language}.mails"))
        for language in ("en", "de")
    }


def train_model(settings: Settings, now: datetime, say: Callable[[str], None]) -> tuple[Comparison, Callable[[], str]]:
    """Train on corpus and corrections; returns how it compares and what puts it in force (which tells its name)."""
    from inboxd.adapters.nlp.learning import Corrected, Model, examples, trial
    from inboxd.adapters.nlp.make import fit, save
    from inboxd.adapters.nlp.reader import SHIPPED

    today = f"{now:%Y-%m-%d}"
    store = open_store(settings, read_only=True)
    told = store.corrections()
    texts = {
        MessageNo(row["id"]): (row["subject"], row["new_text"])
        for row in store.look("select m.id, m.subject, r.new_text from message m join reading r on r.message = m.id")
    } if told else {}  # fmt: skip
    corrected = [Corrected(subject=each.subject, text=each.new_text, labels=each.labels) for each in lessons(told, texts)]
    say(f"{len(corrected)} corrected mails; training takes about half a minute ...")
    topics = [str(topic.name) for topic in load_rules(settings.rules).topics]
    current = Model.at(own_model(settings) or SHIPPED, ())
    candidate, newest = trial(today, corrected, topics, current)
    mails, answers = examples(corrected)
    new = Model(fit(today, mails, answers, topics))
    found = Comparison(before=current.figures, after=new.figures)
    if candidate is not None:
        found.held_back = sum(len(each.labels) for each in newest)
        found.held_back_before, found.held_back_after = current.right(newest), candidate.right(newest)
    since = (now - LATELY).timestamp()
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
    store.close()

    def put_in_force() -> str:
        folder = settings.state_dir / MODELS / f"{today}-{secrets.token_hex(3)}"
        save(new.nlp, folder)
        _point(settings, folder)
        return folder.name

    return found, put_in_force


def undo_training(settings: Settings) -> str:
    """Put the model before the last training in force again; tells which."""
    link, before = settings.state_dir / MODEL_LINK, settings.state_dir / MODEL_BEFORE
    if not link.exists():
        raise Permanent("the shipped model is in force: there is nothing to undo")
    if before.exists():
        os.replace(before, link)
        return link.resolve().name
    link.unlink()
    return "the shipped model"


def _point(settings: Settings, folder: Path) -> None:
    """Put a model in force: one rename, so that a daemon sees the old one or the new one. The one before is kept for undo."""
    link, before, fresh = (settings.state_dir / name for name in (MODEL_LINK, MODEL_BEFORE, f"{MODEL_LINK}.new"))
    before.unlink(missing_ok=True)
    if link.exists():
        before.symlink_to(os.readlink(link))
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder.relative_to(settings.state_dir))
    os.replace(fresh, link)
