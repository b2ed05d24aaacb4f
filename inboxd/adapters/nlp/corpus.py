"""The corpus: mails and answers that we wrote, with what a careful reader should understand from them. See inboxd/corpus/README.md.

A file is plain text. A mail begins with `@ topics; feeling; marks`, then `Subject: ...`, then its body; an answer to the follow-up
begins with `@ answer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from inboxd.core.model import Answer, Sentiment
from inboxd.core.rulebook import TOPICS
from inboxd.errors import ConfigError

CORPUS = Path(__file__).parents[2] / "corpus"
MARKS = ("urgent", "sensitive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A mail and what it says; None where nobody labelled it. `topics` has the main wish first."""

    subject: str
    text: str
    topics: tuple[str, ...] | None = None
    sentiment: Sentiment | None = None
    urgent: bool | None = None
    sensitive: bool | None = None
    weight: float = 1.0
    place: str = ""  # file and line


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerExample:
    """An answer to "is it solved?" and what it means."""

    text: str
    answer: Answer
    place: str = ""


def mails(*folders: str, root: Path = CORPUS) -> list[Example]:
    """Read all mails of these folders or files of the corpus; raises ConfigError with every line that is wrong."""
    mistakes: list[str] = []
    found = [_mail(place, head, body, mistakes) for place, head, body in _blocks(root, folders)]
    if mistakes:
        raise ConfigError(*mistakes)
    return [each for each in found if each is not None]


def answers(*folders: str, root: Path = CORPUS) -> list[AnswerExample]:
    """Read all answers of these folders or files of the corpus; raises ConfigError with every line that is wrong."""
    mistakes, found = [], []
    for place, head, body in _blocks(root, folders):
        try:
            found.append(AnswerExample(text=body, answer=Answer(head), place=place))
        except ValueError:
            mistakes.append(f"{place}: {head!r} is no answer; there are {', '.join(Answer)}")
    if mistakes:
        raise ConfigError(*mistakes)
    return found


def fingerprint(root: Path = CORPUS) -> str:
    """A hash of all that the shipped model is trained from; what it is tested on is not part of it."""
    digest = sha256()
    for path in sorted(path for path in root.rglob("*.mails") if "test" not in path.relative_to(root).parts):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _blocks(root: Path, folders: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for folder in folders:
        place = root / folder
        for path in sorted(place.glob("*.mails")) if place.is_dir() else [place]:
            yield from _of_file(path, str(path.relative_to(root)))


def _of_file(path: Path, name: str) -> Iterator[tuple[str, str, str]]:
    at, head, body = 0, "", list[str]()
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), "@ "], 1):
        if line.startswith("@ "):
            if at:
                yield f"{name}:{at}", head, "\n".join(body).strip()
            at, head, body = number, line[2:].strip(), []
        else:
            body.append(line)


def _mail(place: str, head: str, body: str, mistakes: list[str]) -> Example | None:
    parts = [part.strip() for part in head.split(";")]
    topics, feeling, marks = [*parts, "", ""][:3]
    wrong = [f"{each!r} is no topic" for each in topics.split() if each not in TOPICS]
    wrong += [f"{each!r} is no mark" for each in marks.split() if each not in MARKS]
    wrong += [] if feeling in list(Sentiment) else [f"{feeling!r} is no feeling"]
    wrong += [] if 1 <= len(topics.split()) <= 2 else ["expected one topic or two"]
    wrong += ["expected `topics; feeling; marks`, with marks parted by a space"] if len(parts) > 3 else []
    wrong += [] if body.startswith("Subject:") else ["there is no line `Subject:`"]
    wrong += [] if body.removeprefix("Subject:").strip() else ["the mail is empty"]
    mistakes += [f"{place}: {each}" for each in wrong]
    if wrong:
        return None
    subject, _, text = body.removeprefix("Subject:").partition("\n")
    return Example(
        subject=subject.strip(),
        text=text.strip(),
        topics=tuple(topics.split()),
        sentiment=Sentiment(feeling),
        urgent="urgent" in marks,
        sensitive="sensitive" in marks,
        place=place,
    )
