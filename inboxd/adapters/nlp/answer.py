"""The answer to "is it solved?". Nobody dissatisfied may be read as satisfied: what is in doubt is unclear, and a person reads it."""

from __future__ import annotations

from dataclasses import dataclass

from inboxd.adapters.nlp.marked import Hit, Marked
from inboxd.core.model import Answer

GROUPS = frozenset(
    {"yes", "no", "solved", "well", "unsolved", "doubt", "reserve", "harmless", "warm", "new", "breaks", "not_thanks", "request", "opt_out"}
)
NEGATION_WINDOW = 4
UPSET = 0.4
VERY_UPSET = 0.6  # so upset that even a plain yes does not help
BAD = -0.6  # a word of this valence that stands in no phrase of an answer spoils a yes
TROUBLE = 0.3  # weight of a family of feelings that goes with no clean yes
SPEAKS_TO_US = "address"  # a family that also stands in praise: "your team"
PRAISE = -0.4  # weight of a family of feelings that shows a happy writer
UNSURE = (Answer.UNCLEAR, 0.5, "")  # something speaks against the yes in it, or hides behind it
UNKNOWN = (Answer.UNCLEAR, 0.0, "")  # no word of it that answers
FREE_WORDS = 3  # words of a yes that no phrase explains; each further one makes it less sure
FREE_WHEN_WARM = 30  # as many may be told by somebody who thanks or praises afterwards
LESS_SURE = 0.06
FEW_WORDS = 3  # that may go unexplained beside a single word like "works", or the word says little
SIGNATURE = 10
_ENDS = frozenset(".!?")
QUOTES = frozenset('"“”„»«')


@dataclass(slots=True, kw_only=True)
class _Sentence:
    start: int
    end: int
    groups: set[str]
    question: bool
    plainly: bool  # solved in more than one word, or in one that comes first
    unexplained: int  # words that neither answer nor thank nor greet nor praise
    tells: int  # words that no phrase explains, kind ones too
    praise: bool
    bare: bool  # a word or two, said without stress
    signature: bool

    @property
    def friendly(self) -> bool:
        """Whether the sentence itself shows that all is well; one that does not may hide a complaint."""
        short = self.unexplained <= FEW_WORDS
        return bool(self.groups & {"thanks", "warm"}) or self.plainly or self.praise or (short and bool(self.groups & {"solved", "well"}))

    @property
    def hearty(self) -> bool:
        """Whether it is more than manners: people also end a complaint with "Thanks." or, bitterly, "Great job."."""
        return "warm" in self.groups or ("thanks" in self.groups and not self.bare) or (self.plainly and self.unexplained <= FEW_WORDS)

    @property
    def silent(self) -> bool:
        """Whether it says nothing beyond yes, hello and a name."""
        if self.signature:
            return True
        kind = "harmless" in self.groups and self.unexplained < FEW_WORDS
        return not self.friendly and (self.tells == 0 or kind or "closing" in self.groups)


def read_answer(marked: Marked) -> tuple[Answer, float, str]:
    """The answer, how sure it is, and for something new the sentences that bring it."""
    sentences = [_read(marked, start, end) for start, end in marked.sentences(marked.body)]
    sentences = [s for s in sentences if "opt_out" not in s.groups or s.groups & {"no", "unsolved"}]  # a wish about us, no answer
    groups: set[str] = set().union(*(sentence.groups for sentence in sentences))
    news = [sentence for sentence in sentences if "new" in sentence.groups]
    solved = bool(groups & {"solved", "well"}) or ("yes" in groups and "no" not in groups)
    thanked = "thanks" in groups
    plain = "yes" in groups or any(s.plainly or (thanked and "solved" in s.groups and s.unexplained < FEW_WORDS) for s in sentences)
    wrong = [s for s in sentences if s.groups & {"unsolved", "no"} and not (solved and "new" in s.groups and "solved" not in s.groups)]
    if wrong:
        clear = not solved or ("unsolved" in groups and _meant_badly(sentences))
        sure = 0.9 if clear else 0.75 if "unsolved" in groups else 0.0  # "No, all good now": a person reads it
        return (Answer.DISSATISFIED, sure, "") if sure else UNSURE
    if marked.upset >= (VERY_UPSET if plain else UPSET) and not news:
        return Answer.DISSATISFIED, 0.6, ""
    if not solved:
        return UNKNOWN
    settled = [sentence for sentence in sentences if sentence not in news]
    if any(s.groups & {"doubt", "reserve", "negation", "bad"} or s.question for s in settled):
        return UNSURE
    if news and any(s.groups & {"solved", "well", "yes"} for s in sentences):
        wishes = [s for s in sentences if s in news or (s.start >= news[0].start and s.groups - {"closing", "thanks"})]
        return Answer.SATISFIED_AND_NEW, 0.8, marked.text(wishes[0].start, wishes[-1].end).strip()
    if groups & {"breaks", "not_thanks", "request"}:
        return UNSURE
    sure = _how_sure(sentences, plain)
    return (Answer.SATISFIED, max(0.4, sure), "") if sure else UNSURE


def _meant_badly(sentences: list[_Sentence]) -> bool:
    """Whether a no opens the answer or its last verdict is one: kind words about a person in between do not make it a yes."""
    verdicts = [s for s in sentences if s.groups & {"solved", "well", "yes", "unsolved", "no"}]
    return bool(verdicts[0].groups & {"no"}) or bool(verdicts[-1].groups & {"unsolved", "no"})


def _how_sure(sentences: list[_Sentence], plain: bool) -> float:
    """Mails end as they mean it: what is told after a yes is small talk if something friendly follows, else perhaps a complaint."""
    told = [s for s in sentences if not s.silent]
    unexplained = sum(s.unexplained for s in told)
    if not plain:  # "Good question."
        return 0.0 if unexplained else 0.95
    tales = [s for s in told if not s.friendly and s.unexplained > 1]
    if any(s.unexplained >= FEW_WORDS for s in tales) and not any(s.plainly or "warm" in s.groups for s in sentences):
        return 0.0  # "Yes. You kept the deposit, I kept the memories. Thanks!" says nowhere that it is solved
    if len(told) > 1:
        last, before = told[-1], told[-2]
        hearty = last.hearty or (before.hearty and "thanks" in last.groups)
        if not last.friendly or (any("yes" not in s.groups for s in tales) and not hearty):
            return 0.0
    elif tales:
        return 0.0
    warm = any(s.friendly for s in told[1:]) or any("thanks" in s.groups and s.plainly for s in told)
    free = FREE_WHEN_WARM if warm else FREE_WORDS
    return 0.95 - LESS_SURE * max(0, unexplained - free)


def _read(marked: Marked, start: int, end: int) -> _Sentence:
    """What one sentence says; the longest phrase at a place counts, and words that no phrase explains are looked at too."""
    hits = _longest([hit for hit in marked.hits if start <= hit.start < end and hit.end <= end and hit.sign.group in GROUPS])
    groups: set[str] = {hit.sign.group for hit in marked.hits if start <= hit.start < end and hit.sign.group in {"closing", "thanks"}}
    covered: set[int] = set()
    plainly, forgiven = False, start  # "the problem with the lamp is solved": what stands before is what it was about
    for hit in hits:
        meaning = _meaning(marked, hit, start, covered)
        if meaning == "solved" and (hit.end - hit.start > 1 or _comes_first(marked, hit.start, start, covered)):
            plainly, forgiven = True, hit.start
        groups.add(meaning)
        covered.update(range(hit.start, hit.end))
    feelings = [hit for hit in marked.hits if hit.sign.group == "feeling" and start <= hit.start < end]
    troubles = [hit for hit in feelings if hit.sign.weight >= TROUBLE and hit.sign.name != SPEAKS_TO_US and hit.start not in covered]
    signature = _is_signature(marked, start, end)  # "Duty manager": nobody asks for one there
    if not signature and any(not (_names_trouble(marked, hit.start) and hit.start < forgiven) for hit in troubles):
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
        bad = [index for index, word in loose if lexicon.valences.get(word, 0.0) <= BAD]
        if any(not (_names_trouble(marked, index) and index < forgiven) for index in bad):
            groups.add("bad")
    return _Sentence(
        start=start,
        end=end,
        groups=groups,
        question=question,
        plainly=plainly,
        unexplained=unexplained,
        tells=sum(word[0].isalnum() for index, word in loose if index not in polite),
        praise=any(hit.sign.weight <= PRAISE for hit in feelings),
        bare=marked.sentence_words(start, end) < FEW_WORDS and marked.words[end - 1] != "!",
        signature=signature,
    )


def _names_trouble(marked: Marked, index: int) -> bool:
    """Whether a word only names what the case was about."""
    return any(hit.sign.group == "trouble_name" and hit.start == index for hit in marked.hits)


def _is_signature(marked: Marked, start: int, end: int) -> bool:
    """Names without an end mark; in a paragraph of its own mostly names: "Duty manager, Quay Rentals"."""
    if end - start == 2 and marked.words[end - 1] == "." and len(marked.words[start]) == 1:
        return True  # an initial
    if end - start > SIGNATURE or marked.words[end - 1] in _ENDS:
        return False
    small = [index for index in range(start, end) if marked.text(index, index + 1)[0].islower()]
    apart = start > marked.body and marked.words[start - 1][0] == "\n" and start not in small and end == len(marked.words)
    telling = any(marked.words[index] in lexicon.function_words for index in small for lexicon in marked.lexicons)
    return not small or (apart and len(small) <= 1 and not telling)


def _comes_first(marked: Marked, index: int, start: int, covered: set[int]) -> bool:
    return all(not marked.words[i][0].isalpha() or i in covered or _greets(marked, i) for i in range(start, index))


def _meaning(marked: Marked, hit: Hit, start: int, covered: set[int]) -> str:
    group = hit.sign.group
    if group in ("yes", "no"):  # said first, or it is no answer: "is there no other way"
        first = _comes_first(marked, hit.start, start, covered)
        long = hit.end - hit.start > 1
        if group == "yes" and long and not _stands_alone(marked, hit):
            return "said"  # "it is twelve euros short"
        return group if first or long else "negation" if group == "no" else "said"
    if group in ("solved", "well"):
        window = range(max(start, hit.start - NEGATION_WINDOW), hit.start)
        before = {marked.words[index] for index in window if index not in covered}
        if any(not lexicon.negators.isdisjoint(before) for lexicon in marked.lexicons):
            return "unsolved"
        if QUOTES & {marked.words[max(start, hit.start - 1)]} and hit.end < len(marked.words) and marked.words[hit.end] in QUOTES:
            return "doubt"  # it is "solved", they say
    return group


def _stands_alone(marked: Marked, hit: Hit) -> bool:
    return hit.end == len(marked.words) or not marked.words[hit.end][0].isalnum() or _greets(marked, hit.end)


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
    rank = {"unsolved": 0, "no": 1, "reserve": 2, "solved": 2, "warm": 3, "harmless": 4, "doubt": 5, "new": 6}
    chosen: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, rank.get(hit.sign.group, 9), hit.start)):
        if all(hit.end <= other.start or other.end <= hit.start for other in chosen):
            chosen.append(hit)
    return sorted(chosen, key=lambda hit: hit.start)
