"""Signs apart from topic and feeling: urgent, sensitive, only thanks, "please do not ask me again"."""

from __future__ import annotations

from collections.abc import Iterable

from inboxd.adapters.nlp.marked import Hit, Marked

THANKS_WORDS = 45  # a longer mail says more than thanks
NOT_URGENT = 0.15  # what is left of urgent where the writer says that it can wait


def urgent(marked: Marked) -> float:
    """How surely this cannot wait (0..1), apart from how the writer feels."""
    sure = either(hit for hit in marked.hits if hit.sign.group == "urgent" and not negated(marked, hit))
    return sure * NOT_URGENT if any(hit.sign.group == "not_urgent" for hit in marked.hits) else sure


def sensitive(marked: Marked) -> float:
    """How surely it is about death, illness, danger or law (0..1)."""
    return either(hit for hit in marked.hits if hit.sign.group == "sensitive" and not negated(marked, hit))


def opt_out(marked: Marked) -> bool:
    """Whether the new text asks not to be asked again."""
    return any(hit.sign.group == "opt_out" and hit.start >= marked.body for hit in marked.hits)


def thanks_only(marked: Marked) -> float:
    """How surely this is a thank-you with no question, no wish, no complaint and no news (0..1)."""
    words = marked.words[marked.body :]
    groups = {hit.sign.group for hit in marked.hits if hit.start >= marked.body}
    spoilt = groups & {"not_thanks", "request", "breaks", "unsolved", "sensitive", "opt_out", "no"}
    if "thanks" not in groups or spoilt or "?" in words or len(words) > THANKS_WORDS or marked.upset >= 0.3 or marked.urgent >= 0.5:
        return 0.0
    strange = 0  # words of sentences that neither thank nor greet
    for start, end in marked.sentences(marked.body):
        inside = {hit.sign.group for hit in marked.hits if start <= hit.start < end}
        if not inside & {"thanks", "beside_thanks", "closing", "yes", "solved"} and marked.sentence_words(start, end) > 3:
            strange += end - start
        if "#" in marked.words[start:end] and "thanks" not in inside:
            strange += 4  # an order number, a date: the answer to a question of ours
    return 0.95 if not strange else 0.4 if strange <= 6 else 0.1


def either(hits: Iterable[Hit]) -> float:
    """The chance that at least one of these signs is right, each distinct phrase counted once."""
    wrong = 1.0
    for weight in {hit.sign.why: hit.sign.weight for hit in sorted(hits, key=lambda hit: hit.sign.weight)}.values():
        wrong *= 1 - weight
    return 1 - wrong


def negated(marked: Marked, hit: Hit) -> bool:
    """Whether a negation stands right before the phrase: "not urgent"."""
    before = marked.before(hit.start, 2)
    return any(word in lexicon.negators for lexicon in marked.lexicons for word in before)
