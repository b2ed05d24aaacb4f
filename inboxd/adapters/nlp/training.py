"""Training: labelled texts -> weights on hashed words, beside fixed lexicon and phrases.

A corpus teaches a hidden layer; few texts, and corrections beside a layer that is there, are multinomial and logistic regression.

All steps are deterministic: the same texts give the same weights. What calibrates (temperature, biases of the heads) is taken from
predictions for texts that the weights were not fitted to (2-fold), so that it tells how sure they are of mails they never saw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inboxd.adapters.nlp import hidden
from inboxd.adapters.nlp.corpus import AnswerExample, Example
from inboxd.adapters.nlp.features import BUCKETS, Columns, Floats, Ids, Sparse, features
from inboxd.adapters.nlp.hidden import Hidden
from inboxd.adapters.nlp.learned import (
    ANSWERS,
    FURTHEST,
    HEADS,
    PHRASES,
    TRUST,
    Weights,
    is_mail,
    priors,
    signs_of_answer,
    softmax,
)
from inboxd.adapters.nlp.marked import Marked
from inboxd.adapters.nlp.rows import Rows, rows_of
from inboxd.adapters.nlp.vectors import WIDTH, vectors
from inboxd.core.model import Sentiment

COLUMNS, ANSWER_COLUMNS = 16384, 16000
LEAST_TEXTS = 2  # that a column must stand in
SHRINK, SHRINK_ANSWERS = 0.1, 0.05
FALSE_ALARMS = (  # shares of unmarked texts on which a head may say yes: mails, and bare texts
    {"upset": 0.01, "unhappy": 0.05, "happy": 0.03, "urgent": 0.03, "sensitive": 0.015},
    {"upset": 0.012, "unhappy": 0.06, "happy": 0.05, "urgent": 0.03, "sensitive": 0.015},
)
SECOND_TOPIC = 0.35
FOLDS = 2
STEPS, STEPS_ON = 120, 20
MORE_COLUMNS = 512  # that corrections may add
SHRINK_VECTORS = 11.0
A_CORPUS = 2000  # texts from which on a hidden layer is worth while

Mark = Callable[[str, str], Marked]  # subject, text -> what phrases and lexicon say


@dataclass(frozen=True)
class _Texts:
    """Texts ready for fitting."""

    sparse: list[Sparse]
    vectors: Floats  # texts x axes
    phrases: Floats  # texts x topics
    priors: Floats  # texts x heads
    targets: Floats  # texts x topics, rows sum to 1, or 0 where nobody labelled it
    heads: Floats  # texts x heads: 1, 0, or nan
    weights: Floats
    kinds: Ids  # 0 a mail, 1 a bare text
    corrected: NDArray[np.bool_]  # not of the corpus


def train(
    mails: Sequence[Example],
    answers: Sequence[AnswerExample],
    topics: Sequence[str],
    mark: Mark,
    about: Mapping[str, Any],
    like: Weights | None = None,
) -> Weights:
    """Fit everything. `mark` reads a text by phrases and lexicon alone.

    With `like` learning goes on from there, with its columns, calibration and weights: what nobody corrected is to be read as before.
    So where no answer was corrected, those weights are kept as they are, and where no mail was, the others.
    """
    learns = like is None or like.topics != tuple(topics) or not all(mail.place for mail in mails)
    made = _fit_all_mails(mails, topics, mark, like) if like is None or learns else like
    if like is None or not all(answer.place for answer in answers):
        columns, matrix, certain = _fit_all_answers(answers, mark, like)
        made = replace(made, answers=columns, answer_matrix=matrix, answer_temperature=certain)
    return replace(made, about=dict(about))


def _fit_all_mails(mails: Sequence[Example], topics: Sequence[str], mark: Mark, like: Weights | None) -> Weights:
    """Topics and feelings; of answers it holds what `like` does."""
    texts = _texts(mails, topics, mark)
    labels = np.concatenate([texts.targets, np.nan_to_num(texts.heads)], axis=1)
    columns = _wider(like.mails, texts.sparse, texts.corrected) if like else _columns(texts.sparse, labels, texts.weights, COLUMNS)
    filled, slopes = rows_of(columns, texts.sparse, texts.vectors), like.slopes if like else _slopes(texts)
    if like is not None:
        matrix, layer = _begin(like, columns, topics)
        matrix = _fit_mails(filled, _as_read(filled, texts, slopes, matrix, layer), slopes, matrix, layer)
        temperature, biases = like.temperature, like.biases
    else:
        matrix, layer = _fit_afresh(filled, texts, slopes)
        held = _unseen(filled, texts, slopes)
        temperature = _temperature(held[:, : len(topics)] + PHRASES * texts.phrases, texts.targets)
        biases = np.stack([_biases(held[texts.kinds == kind, len(topics) :], texts, slopes, kind) for kind in (0, 1)])
    return Weights(
        mails=columns, matrix=matrix, topics=tuple(topics), slopes=slopes, biases=biases, temperature=temperature,
        answers=like.answers if like else columns, answer_matrix=like.answer_matrix if like else matrix,
        answer_temperature=like.answer_temperature if like else 1.0, about={}, hidden=layer,
    )  # fmt: skip


def _wider(columns: Columns, sparse: Sequence[Sparse], new: NDArray[np.bool_]) -> Columns:
    """The same columns, and those that only the corrected texts have in common."""
    fresh = [text.ids for text, is_new in zip(sparse, new, strict=True) if is_new]
    seen = np.bincount(np.concatenate([*fresh, np.zeros(0, np.int64)]), minlength=BUCKETS)
    seen[columns.buckets] = 0
    best = np.argsort(-seen, kind="stable")[:MORE_COLUMNS]
    added = best[seen[best] >= LEAST_TEXTS]
    buckets = np.concatenate([columns.buckets, added])
    rarity = np.concatenate([columns.rarity, np.full(len(added), columns.unseen, np.float32)])
    order = np.argsort(buckets, kind="stable")
    return Columns(buckets[order], rarity[order], columns.unseen)


def _begin(like: Weights, columns: Columns, topics: Sequence[str]) -> tuple[Floats, Hidden | None]:
    """What `like` learned, in the places of new columns and topics. A new topic begins as the rarest."""
    old, count = len(like.mails.buckets), len(like.topics)
    width, labels = len(columns.buckets) + len(like.matrix) - old, (*topics, *HEADS)
    rows = [*columns.places[like.mails.buckets], *range(len(columns.buckets), width)]
    kept = [place for place, label in enumerate((*like.topics, *HEADS)) if label in labels]
    places = [labels.index((*like.topics, *HEADS)[place]) for place in kept]
    matrix = np.zeros((width, len(labels)), np.float32)
    matrix[-1, : len(topics)] = like.matrix[-1, :count].min()
    matrix[np.ix_(rows, places)] = like.matrix[:, kept]
    return matrix, like.hidden.moved(rows, width, kept, places, len(labels)) if like.hidden else None


def _as_read(filled: Rows, texts: _Texts, slopes: Floats, matrix: Floats, layer: Hidden | None) -> _Texts:
    """The texts labelled as they are read now, but for those that were corrected: of the others nothing is to change."""
    count, old = texts.targets.shape[1], ~texts.corrected
    logits = filled.times(matrix) + (layer.times(filled) if layer else 0)
    raised = 1 / (1 + np.exp(-np.clip(logits[:, count:] + slopes * texts.priors, -30, 30)))
    targets, heads = texts.targets.copy(), texts.heads.copy()
    targets[old], heads[old] = softmax(logits[old, :count]), raised[old]
    return replace(texts, targets=targets, heads=heads)


def _fit_afresh(filled: Rows, texts: _Texts, slopes: Floats) -> tuple[Floats, Hidden | None]:
    labels = texts.targets.shape[1] + len(HEADS)
    if len(filled) < A_CORPUS:
        return _fit_mails(filled, texts, slopes), None
    return np.zeros((filled.width + 1, labels), np.float32), hidden.fit(filled, _wrong(texts, slopes), labels)


def _unseen(filled: Rows, texts: _Texts, slopes: Floats) -> Floats:
    """The logits of each text by weights that were not fitted to it."""
    held = np.zeros((len(filled), texts.targets.shape[1] + len(HEADS)), np.float32)
    for fold in range(FOLDS):
        out = np.arange(len(filled)) % FOLDS == fold
        matrix, layer = _fit_afresh(filled.part(~out), _part(texts, ~out), slopes)
        held[out] = filled.part(out).times(matrix) + (layer.times(filled.part(out)) if layer else 0)
    return held


# --- texts and columns ---------------------------------------------------------------------------------------------------


def _texts(mails: Sequence[Example], topics: Sequence[str], mark: Mark) -> _Texts:
    sparse, pointing, phrases, told, targets, heads, kinds = [], [], [], [], [], [], []
    for mail in mails:
        marked = mark(mail.subject, mail.text)
        words = marked.words[marked.fresh :]
        sparse.append(features(words))
        pointing.append(vectors().of(words))
        shares = dict(marked.topics)
        phrases.append([shares.get(topic, 0.0) for topic in topics])
        told.append(priors(marked))
        targets.append(_target(mail.topics, topics))
        heads.append(_marks(mail))
        kinds.append(0 if is_mail(marked) else 1)
    return _Texts(
        sparse=sparse,
        vectors=_floats(pointing),
        phrases=_floats(phrases),
        priors=_floats(told),
        targets=_floats(targets),
        heads=_floats(heads),
        weights=_floats([mail.weight for mail in mails]),
        kinds=np.asarray(kinds),
        corrected=np.array([not mail.place for mail in mails]),
    )


def _floats(rows: Any) -> Floats:
    return np.asarray(rows, np.float32)


def _target(labels: Sequence[str] | None, topics: Sequence[str]) -> list[float]:
    known = [label for label in labels or () if label in topics][:2]
    share = {known[0]: 1.0 - SECOND_TOPIC, known[1]: SECOND_TOPIC} if len(known) == 2 else dict.fromkeys(known, 1.0)
    return [share.get(topic, 0.0) for topic in topics]


def _marks(mail: Example) -> list[float]:
    felt = mail.sentiment
    feeling = [float(felt is Sentiment.UPSET), float(felt in (Sentiment.UPSET, Sentiment.UNHAPPY)), float(felt is Sentiment.HAPPY)]
    marks = [float("nan") if each is None else float(each) for each in (mail.urgent, mail.sensitive)]
    return [*(feeling if felt is not None else [float("nan")] * 3), *marks]


def _part(texts: _Texts, which: Any) -> _Texts:
    return replace(
        texts, phrases=texts.phrases[which], priors=texts.priors[which], targets=texts.targets[which], heads=texts.heads[which],
        weights=texts.weights[which], kinds=texts.kinds[which], corrected=texts.corrected[which],
    )  # fmt: skip


def _columns(sparse: Sequence[Sparse], labels: Floats, weights: Floats, most: int) -> Columns:
    """The buckets that tell the labels apart best (chi-squared)."""
    seen = np.bincount(np.concatenate([text.ids for text in sparse]), minlength=BUCKETS).astype(np.float64)
    together, weighed = np.zeros((BUCKETS, labels.shape[1])), np.zeros(BUCKETS)
    for text, label, weight in zip(sparse, labels, weights, strict=True):
        together[text.ids] += weight * label
        weighed[text.ids] += weight
    expected = weighed[:, None] * ((weights[:, None] * labels).sum(0) / weights.sum())
    strength = ((together - expected) ** 2 / (expected + 1e-9)).sum(1)
    strength[seen < LEAST_TEXTS] = 0
    rarity = np.log((1 + len(sparse)) / (1 + seen)) + 1
    best = np.argsort(-strength, kind="stable")[:most]
    buckets: Ids = np.sort(best[strength[best] > 0])
    unseen = np.log((1 + len(sparse)) / 2) + 1
    return Columns(buckets, rarity[buckets].astype(np.float32), float(unseen))


# --- fitting -----------------------------------------------------------------------------------------------------------------


def _slopes(texts: _Texts) -> Floats:
    """How much the lexicon's logit says by itself (logistic regression on it alone): never more than it claims."""
    found = []
    for place in range(len(HEADS)):
        known = ~np.isnan(texts.heads[:, place])
        x, y = texts.priors[known, place], texts.heads[known, place]
        slope, bias = 1.0, 0.0
        for _ in range(30):  # Newton's steps
            p = 1 / (1 + np.exp(-np.clip(slope * x + bias, -FURTHEST * 3, FURTHEST * 3)))
            r, v = p - y, p * (1 - p) + 1e-6
            hessian = np.array([[(v * x * x).sum() + 1, (v * x).sum()], [(v * x).sum(), v.sum() + 1e-3]])
            step = np.linalg.solve(hessian, np.array([(r * x).sum() + (slope - 1), r.sum()]))
            slope, bias = slope - float(step[0]), bias - float(step[1])
        found.append(min(max(slope, 0.0), 1.0))
    return np.asarray(found, np.float32)


def _wrong(texts: _Texts, slopes: Floats) -> hidden.Wrong:
    """Topics (softmax) and heads (one logistic each, beside the lexicon) in one go: they share the rows, which is what costs."""
    count, labelled = texts.targets.shape[1], texts.targets.sum(1)[:, None]
    known = ~np.isnan(texts.heads)
    heads, offsets = np.nan_to_num(texts.heads), slopes * texts.priors
    weight = texts.weights[:, None]

    def wrong(at: Any, logits: Floats) -> tuple[float, Floats]:
        targets, certain, said = texts.targets[at], weight[at], weight[at] * known[at]
        shares = softmax(logits[:, :count])
        loss = -(certain * targets * np.log(shares + 1e-9)).sum()
        raised = 1 / (1 + np.exp(-np.clip(logits[:, count:] + offsets[at], -30, 30)))
        loss -= (said * (heads[at] * np.log(raised + 1e-9) + (1 - heads[at]) * np.log(1 - raised + 1e-9))).sum()
        return float(loss), np.concatenate([certain * (shares * labelled[at] - targets), said * (raised - heads[at])], axis=1)

    return wrong


def _fit_mails(filled: Rows, texts: _Texts, slopes: Floats, start: Floats | None = None, layer: Hidden | None = None) -> Floats:
    """The linear weights, beside what a hidden layer says."""
    count, wrong = texts.targets.shape[1], _wrong(texts, slopes)
    shrink = np.full((filled.width, count + len(HEADS)), SHRINK, np.float32)
    shrink[-WIDTH:, :count] *= SHRINK_VECTORS  # of topics the words themselves say more than what they are near to
    said = layer.times(filled) if layer else np.zeros((len(filled), count + len(HEADS)), np.float32)
    return _fit(filled, lambda at, logits: wrong(at, logits + said[at]), shrink, start)


def _fit(filled: Rows, wrong: Callable[[slice, Floats], tuple[float, Floats]], shrink: Floats, start: Floats | None) -> Floats:
    """Minimise what `wrong` says of some rows and their logits (the loss and its slope) and the shrinking of all but the bias."""

    def cost(matrix: Floats) -> tuple[float, Floats]:
        loss, slope = float((shrink * matrix[:-1] ** 2).sum() / 2), np.zeros_like(matrix)
        slope[:-1] = shrink * matrix[:-1]
        for at, dense in filled.blocks():
            lost, off = wrong(at, dense @ matrix[:-1] + matrix[-1])
            loss += lost
            slope[:-1] += dense.T @ off.astype(np.float32)
            slope[-1] += off.sum(0)
        return loss, slope

    if start is not None:
        return minimise(cost, start, STEPS_ON)
    return minimise(cost, np.zeros((filled.width + 1, shrink.shape[1]), np.float32))


def minimise(cost: Callable[[Floats], tuple[float, Floats]], start: Floats, steps: int = STEPS, memory: int = 8) -> Floats:
    """L-BFGS with halving steps (Nocedal and Wright, Numerical Optimization, algorithm 7.5)."""
    x, (value, slope) = start, cost(start)
    moves: list[tuple[Floats, Floats]] = []
    for _ in range(steps):
        direction, kept = slope.copy(), []
        for move, change in reversed(moves):
            share = float(np.vdot(move, direction) / np.vdot(change, move))
            direction -= share * change
            kept.append(share)
        if not np.any(slope):
            break  # nothing is left to gain
        move, change = moves[-1] if moves else (slope, slope * float(np.abs(slope).max()))
        direction *= float(np.vdot(move, change) / np.vdot(change, change))
        for (move, change), share in zip(moves, reversed(kept), strict=True):
            direction += move * (share - float(np.vdot(change, direction) / np.vdot(change, move)))
        falls, length = float(np.vdot(slope, direction)), 1.0
        while True:
            there, (new_value, new_slope) = x - length * direction, cost(x - length * direction)
            if new_value <= value - 1e-4 * length * falls or length < 1e-6:
                break
            length /= 2
        move, change = there - x, new_slope - slope
        if float(np.vdot(change, move)) > 1e-10:
            moves = [*moves[-memory + 1 :], (move, change)]
        done = value - new_value < 1e-5 * abs(value)
        x, value, slope = there, new_value, new_slope
        if done:
            break
    return x


# --- calibration -------------------------------------------------------------------------------------------------------------


def _temperature(logits: Floats, targets: Floats) -> float:
    """The one number that makes shares of unseen texts as sure as they are right (Guo et al. 2017)."""
    grid = np.geomspace(0.25, 4.0, 81)
    costs = [-(targets * np.log(softmax(logits / each) + 1e-9)).sum() for each in grid]
    return float(grid[int(np.argmin(costs))])


def _biases(held: Floats, texts: _Texts, slopes: Floats, kind: int) -> Floats:
    """Shift each head so that it says yes to no more unmarked texts of a kind than is allowed."""
    part = _part(texts, texts.kinds == kind)
    scores = TRUST[kind] * held + slopes * part.priors
    calm = [scores[part.heads[:, place] == 0, place] for place in range(len(HEADS))]
    shifts = [-float(np.quantile(each, 1 - FALSE_ALARMS[kind][head])) for each, head in zip(calm, HEADS, strict=True)]
    return np.asarray(shifts, np.float32)


# --- answers -----------------------------------------------------------------------------------------------------------------


def _fit_all_answers(answers: Sequence[AnswerExample], mark: Mark, like: Weights | None) -> tuple[Columns, Floats, float]:
    marked = [mark("", each.text) for each in answers]
    sparse = [features(each.words[each.body :]) for each in marked]
    targets = np.zeros((len(answers), len(ANSWERS)), np.float32)
    targets[np.arange(len(answers)), [ANSWERS.index(each.answer) for each in answers]] = 1
    columns = like.answers if like else _columns(sparse, targets, np.ones(len(sparse), np.float32), ANSWER_COLUMNS)
    filled = rows_of(columns, sparse, np.stack([signs_of_answer(each) for each in marked]))
    if like is not None:
        return columns, _fit_answers(filled, targets, like.answer_matrix), like.answer_temperature
    held = np.zeros_like(targets)
    for fold in range(FOLDS):
        out = np.arange(len(answers)) % FOLDS == fold
        held[out] = filled.part(out).times(_fit_answers(filled.part(~out), targets[~out]))
    return columns, _fit_answers(filled, targets), _temperature(held, targets)


def _fit_answers(filled: Rows, targets: Floats, start: Floats | None = None) -> Floats:
    def wrong(at: slice, logits: Floats) -> tuple[float, Floats]:
        shares = softmax(logits)
        return -float((targets[at] * np.log(shares + 1e-9)).sum()), shares - targets[at]

    return _fit(filled, wrong, np.full((filled.width, len(ANSWERS)), SHRINK_ANSWERS, np.float32), start)
