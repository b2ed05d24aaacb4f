"""How well a pipeline reads labelled texts: per label, calibration, confusion, and the worst examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from spacy.language import Language

from inboxd.adapters.nlp import corpus
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.marked import Marked
from inboxd.adapters.nlp.pipeline import read_marked
from inboxd.core.classify import Thresholds, answer_of
from inboxd.core.model import Answer, Message, Scores, Sentiment
from inboxd.core.new_text import new_text
from inboxd.errors import ConfigError

TEST_LANGUAGES = ("en", "de")
HAPPENED = (Answer.SATISFIED, Answer.SATISFIED_AND_NEW)
WORST = 5
BINS = 10


@dataclass(kw_only=True)
class Evaluation:
    """Figures, and for people the worst of what went wrong."""

    figures: dict[str, float] = field(default_factory=dict)
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)
    worst: list[dict[str, Any]] = field(default_factory=list)

    def in_words(self) -> str:
        """For people."""
        lines = [f"{name:<44} {value:8.3f}" for name, value in self.figures.items()]
        if self.confusion:
            lines += ["", "topics: what was taken for what (most often first)"]
            pairs = [(n, right, got) for right, row in self.confusion.items() for got, n in row.items() if got != right]
            lines += [f"  {n:>4}  {right} -> {got}" for n, right, got in sorted(pairs, key=lambda each: (-each[0], each[1], each[2]))[:15]]
        if self.worst:
            lines += ["", "surest and wrong"]
            lines += [f"  {each['what']}: {each['said']} ({each['sure']:.2f}), is {each['is']}: {each['text']}" for each in self.worst]
        return "\n".join(lines)


def evaluate(nlp: Language) -> dict[str, float]:
    """The figures of the test set that training never sees, by language."""
    found: dict[str, float] = {}
    for language in TEST_LANGUAGES:
        mails, answers = corpus.mails(f"test/{language}.mails"), corpus.answers(f"test/answers_{language}.mails")
        for name, value in measure(nlp, mails, answers).figures.items():
            found[f"{language}.{name}"] = round(value, 4)
    return found


def examples_of(rows: Sequence[Any]) -> list[Example]:
    """Rows `{text, topic?, upset?}` as examples; raises ConfigError with every row that is wrong."""
    mistakes, found = [], []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            mistakes.append(f'row {number}: expected a text, as in {{"text": "Where is my parcel?", "topic": "order_and_delivery"}}')
            continue
        upset = row.get("upset")
        if upset not in (None, 0, 1):
            mistakes.append(f"row {number}: upset is true or false, 1 or 0, and this is {upset!r}")
            continue
        felt = None if upset is None else Sentiment.UPSET if upset else Sentiment.NEUTRAL
        if not isinstance(row.get("topic") or "", str):
            mistakes.append(f"row {number}: topic is one word, and this is {row['topic']!r}")
            continue
        topics = (row["topic"],) if row.get("topic") else None
        found.append(Example(subject=str(row.get("subject") or ""), text=row["text"], topics=topics, sentiment=felt))
    if mistakes or not found:
        raise ConfigError(*(mistakes or ["there is no row to measure"]))
    return found


def measure(nlp: Language, mails: Sequence[Example], answers: Sequence[AnswerExample] = ()) -> Evaluation:
    """Read all texts and compare; what nobody labelled is left out."""
    found = Evaluation()
    read = [(mail, read_marked(nlp, mail.subject, new_text(Message(text=mail.text)), reply=False)) for mail in mails]
    _topics(found, [(mail, marked) for mail, marked in read if mail.topics])
    limits = Thresholds()
    heads: tuple[tuple[str, Callable[[Example], bool | None], Callable[[Marked], float], float], ...] = (
        ("upset", lambda mail: _felt(mail, Sentiment.UPSET), lambda marked: marked.upset, limits.upset),
        ("happy", lambda mail: _felt(mail, Sentiment.HAPPY), lambda marked: marked.happy, limits.happy),
        ("urgent", lambda mail: mail.urgent, lambda marked: marked.urgent, limits.urgent),
        ("sensitive", lambda mail: mail.sensitive, lambda marked: marked.sensitive, limits.sensitive),
    )
    for name, label, score, limit in heads:
        rows = [(bool(label(mail)), score(marked), mail.text) for mail, marked in read if label(mail) is not None]
        _head(found, name, rows, limit)
    _answers(found, nlp, answers)
    return found


def _felt(mail: Example, sentiment: Sentiment) -> bool | None:
    return None if mail.sentiment is None else mail.sentiment is sentiment


def _topics(found: Evaluation, rows: Sequence[tuple[Example, Marked]]) -> None:
    if not rows:
        return
    told = [(mail, *(marked.topics[0] if marked.topics else ("unsure", 0.0))) for mail, marked in rows]
    right = [topic in (mail.topics or ()) for mail, topic, _ in told]
    sure = [share for _, _, share in told]
    covered = [place for place, share in enumerate(sure) if share >= Thresholds().topic]
    found.figures["topic.accuracy"] = _share(right)
    found.figures["topic.covered"] = len(covered) / len(told)
    found.figures["topic.right_when_covered"] = _share([right[place] for place in covered])
    found.figures["topic.calibration_error"] = calibration_error(sure, right)
    for label in sorted({label for mail, _, _ in told for label in (mail.topics or ())[:1]}):
        said = [label in (mail.topics or ()) for mail, topic, _ in told if topic == label]
        there = [topic == label for mail, topic, _ in told if (mail.topics or ("",))[0] == label]
        found.figures[f"topic.{label}.precision"], found.figures[f"topic.{label}.recall"] = _share(said), _share(there)
    for mail, topic, _ in told:
        row = found.confusion.setdefault((mail.topics or ("",))[0], {})
        row[topic] = row.get(topic, 0) + 1
    wrong = sorted((each for each, ok in zip(told, right, strict=True) if not ok), key=lambda each: -each[2])
    found.worst += [_wrong("topic", topic, share, " ".join(mail.topics or ()), mail.text) for mail, topic, share in wrong[:WORST]]


def _head(found: Evaluation, name: str, rows: Sequence[tuple[bool, float, str]], limit: float) -> None:
    marked = [score for is_so, score, _ in rows if is_so]
    others = [score for is_so, score, _ in rows if not is_so]
    if not marked or not others:
        return
    said = [is_so for is_so, score, _ in rows if score >= limit]
    found.figures[f"{name}.precision"] = _share(said)
    found.figures[f"{name}.recall"] = _share([score >= limit for score in marked])
    found.figures[f"{name}.false_alarms"] = _share([score >= limit for score in others])
    found.figures[f"{name}.average_precision"] = average_precision([(score, is_so) for is_so, score, _ in rows])
    wrong = sorted((row for row in rows if row[0] != (row[1] >= limit)), key=lambda row: -abs(row[1] - limit))
    found.worst += [_wrong(name, "yes" if s >= limit else "no", s, "so" if so else "not so", text) for so, s, text in wrong[:WORST]]


def _answers(found: Evaluation, nlp: Language, answers: Sequence[AnswerExample]) -> None:
    if not answers:
        return
    read = [(each, read_marked(nlp, "", new_text(Message(text=each.text)))) for each in answers]
    said = [answer_of(Scores(answer=marked.answer, answer_sure=marked.answer_sure)) for _, marked in read]
    right = [each.answer is answer for (each, _), answer in zip(read, said, strict=True)]
    found.figures["answer.right"] = _share(right)
    found.figures["answer.unclear"] = _share([answer is Answer.UNCLEAR for answer in said])
    bad = [answer for (each, _), answer in zip(read, said, strict=True) if each.answer is Answer.DISSATISFIED]
    found.figures["answer.dissatisfied_read_as_satisfied"] = float(sum(answer in HAPPENED for answer in bad))
    rows = [(marked.answer_sure, each, answer) for (each, marked), answer in zip(read, said, strict=True) if each.answer is not answer]
    rows.sort(key=lambda row: (not (row[1].answer is Answer.DISSATISFIED and row[2] in HAPPENED), -row[0]))
    found.worst += [_wrong("answer", answer, sure, each.answer, each.text) for sure, each, answer in rows[:WORST]]


def _wrong(what: str, said: str, sure: float, is_: str, text: str) -> dict[str, Any]:
    return {
        "what": what,
        "said": str(said),
        "sure": round(sure, 3),
        "is": str(is_),
        "text": " ".join(text.encode("utf-8", "replace").decode().split())[:160],
    }


def calibration_error(sure: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error over ten bins (Guo et al. 2017): how far "0.8" is from being right in 80 of 100."""
    bins = Counter(min(BINS - 1, int(share * BINS)) for share in sure)
    error = 0.0
    for number in bins:
        rows = [(share, ok) for share, ok in zip(sure, right, strict=True) if min(BINS - 1, int(share * BINS)) == number]
        error += abs(sum(share for share, _ in rows) - sum(ok for _, ok in rows)) / len(sure)
    return error


def average_precision(rows: Sequence[tuple[float, bool]]) -> float:
    """The area under precision over recall."""
    hits, total = 0, 0.0
    for rank, (_, is_so) in enumerate(sorted(rows, key=lambda row: -row[0]), 1):
        if is_so:
            hits += 1
            total += hits / rank
    return total / hits if hits else 0.0


def _share(found: Sequence[bool]) -> float:
    return sum(found) / len(found) if found else 0.0
