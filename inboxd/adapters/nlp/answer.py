"""The answer to "is it solved?". Nobody dissatisfied may be read as satisfied: what is in doubt is unclear, and a person reads it."""

from __future__ import annotations

from dataclasses import dataclass

from inboxd.adapters.nlp.marked import Hit, Marked
from inboxd.core.model import Answer

GROUPS = frozenset({"yes", "no", "solved", "unsolved", "doubt", "new", "breaks", "not_thanks", "request", "opt_out"})
NEGATION_WINDOW = 4
UPSET = 0.4
BAD = -0.6  # a word of this valence that stands in no phrase of an answer spoils a yes
SEVERE = 0.9  # weight of a family of feelings that goes with no clean yes
FREE_WORDS = 3  # words of a yes that no phrase explains; each further one makes it less sure
LESS_SURE = 0.06
QUOTES = frozenset('"“”„»«')


@dataclass(slots=True, kw_only=True)
class _Sentence:
    start: int
    end: int
    groups: set[str]
    question: bool
    plainly: bool  # solved in more than one word
    unexplained: int  # words that neither answer nor thank nor greet nor praise


def read_answer(marked: Marked) -> tuple[Answer, float, str]:
    """The answer, how sure it is, and for something new the sentences that bring it."""
    sentences = [_read(marked, start, end) for start, end in marked.sentences(marked.body)]
    groups: set[str] = set().union(*(sentence.groups for sentence in sentences))
    news = [sentence for sentence in sentences if "new" in sentence.groups]
    solved = "solved" in groups or ("yes" in groups and "no" not in groups)
    wrong = [s for s in sentences if s.groups & {"unsolved", "no"} and not (solved and "new" in s.groups and "solved" not in s.groups)]
    if wrong:
        sure = 0.9 if not solved else 0.75 if "unsolved" in groups else 0.0  # "No, all good now": a person reads it
        return (Answer.DISSATISFIED, sure, "") if sure else (Answer.UNCLEAR, 0.5, "")
    if marked.upset >= UPSET and not news:
        return Answer.DISSATISFIED, 0.6, ""
    if not solved:
        return Answer.UNCLEAR, 0.0, ""
    settled = [sentence for sentence in sentences if sentence not in news]
    if any(s.groups & {"doubt", "negation", "bad"} or s.question for s in settled):
        return Answer.UNCLEAR, 0.5, ""
    if news and any(s.groups & {"solved", "yes"} for s in sentences):
        wishes = [s for s in sentences if s in news or (s.start >= news[0].start and s.groups - {"closing", "thanks"})]
        return Answer.SATISFIED_AND_NEW, 0.8, marked.text(wishes[0].start, wishes[-1].end).strip()
    if groups & {"breaks", "not_thanks", "request"}:
        return Answer.UNCLEAR, 0.5, ""
    unexplained = sum(sentence.unexplained for sentence in sentences)
    free = FREE_WORDS if "yes" in groups or any(sentence.plainly for sentence in sentences) else 0  # "Good question."
    if unexplained > 0 == free:
        return Answer.UNCLEAR, 0.5, ""
    return Answer.SATISFIED, max(0.4, 0.95 - LESS_SURE * max(0, unexplained - free)), ""


def _read(marked: Marked, start: int, end: int) -> _Sentence:
    """What one sentence says; the longest phrase at a place counts, and words that no phrase explains are looked at too."""
    hits = _longest([hit for hit in marked.hits if start <= hit.start < end and hit.end <= end and hit.sign.group in GROUPS])
    groups: set[str] = {hit.sign.group for hit in marked.hits if start <= hit.start < end and hit.sign.group in {"closing", "thanks"}}
    covered: set[int] = set()
    plainly = False
    for hit in hits:
        meaning = _meaning(marked, hit, start, covered)
        plainly |= meaning == "solved" and hit.end - hit.start > 1
        groups.add(meaning)
        covered.update(range(hit.start, hit.end))
    if any(hit.sign.weight >= SEVERE and hit.start not in covered for hit in _feelings(marked, start, end)):
        groups.add("bad")
    question = "?" in marked.words[start:end]
    if "..." in marked.shown[marked.starts[start] : marked.ends[end - 1]]:
        groups.add("doubt")  # "Yes..."
    if question:
        groups.discard("solved")
    polite = {i for hit in marked.hits if hit.sign.group in ("closing", "thanks") for i in range(hit.start, hit.end)}
    loose = [(index, marked.words[index]) for index in range(start, end) if index not in covered]
    unexplained = sum(index not in polite and _weighs(marked, word) for index, word in loose)
    for lexicon in marked.lexicons:
        if any(word in lexicon.negators for _, word in loose):
            groups.add("negation")
        if any(lexicon.valences.get(word, 0.0) <= BAD for _, word in loose):
            groups.add("bad")
    return _Sentence(start=start, end=end, groups=groups, question=question, plainly=plainly, unexplained=unexplained)


def _feelings(marked: Marked, start: int, end: int) -> list[Hit]:
    return [hit for hit in marked.hits if hit.sign.group == "feeling" and start <= hit.start < end]


def _meaning(marked: Marked, hit: Hit, start: int, covered: set[int]) -> str:
    group = hit.sign.group
    if group in ("yes", "no"):  # said first, or it is no answer: "is there no other way"
        first = all(not marked.words[index][0].isalpha() or index in covered or _greets(marked, index) for index in range(start, hit.start))
        return group if first or hit.end - hit.start > 1 else "negation" if group == "no" else "said"
    if group == "solved":
        window = range(max(start, hit.start - NEGATION_WINDOW), hit.start)
        before = {marked.words[index] for index in window if index not in covered}
        if any(not lexicon.negators.isdisjoint(before) for lexicon in marked.lexicons):
            return "unsolved"
        if QUOTES & {marked.words[max(start, hit.start - 1)]} and hit.end < len(marked.words) and marked.words[hit.end] in QUOTES:
            return "doubt"  # it is "solved", they say
    return group


def _greets(marked: Marked, index: int) -> bool:
    return any(hit.sign.group in ("closing", "thanks") and hit.start <= index < hit.end for hit in marked.hits) or (
        index > marked.body and any(h.sign.group == "closing" and h.end == index for h in marked.hits)  # "Hi Tom, yes"
    )


def _weighs(marked: Marked, word: str) -> bool:
    """Whether a word says something that we have not understood: no small word, no mark, no kind word."""
    small_or_kind = any(word in lexicon.function_words or lexicon.valences.get(word, 0.0) > 0 for lexicon in marked.lexicons)
    return word[0].isalnum() and not small_or_kind


def _longest(hits: list[Hit]) -> list[Hit]:
    """Hits that do not overlap: the longest at each place wins."""
    rank = {"unsolved": 0, "no": 1, "doubt": 2, "new": 3}
    chosen: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, rank.get(hit.sign.group, 9), hit.start)):
        if all(hit.end <= other.start or other.end <= hit.start for other in chosen):
            chosen.append(hit)
    return sorted(chosen, key=lambda hit: hit.start)
