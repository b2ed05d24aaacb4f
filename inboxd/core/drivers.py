"""Drivers: what people wrote about, below the level of topics. Phrases that stand together more often than chance are one driver.

A greedy cover. The pair of words that stands together most beyond chance begins a driver; every other word gets a weight, how much oftener
it stands in these mails than in all others; a mail belongs to the driver for which its words say most, if they say enough. So each mail is
in one driver at most, and why it is there can be said in words. The same mails give the same drivers.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta, tzinfo
from itertools import combinations
from typing import NamedTuple

from inboxd.core.dates import sentences
from inboxd.core.findings import Driver
from inboxd.core.mask import mask
from inboxd.core.model import CaseNo, FirstMail, KeyPhrase
from inboxd.core.rulebook import PinnedDriver

MOST = 40  # drivers
MOST_WORDS = 1200  # that are looked at, the commonest
FEWEST = 5  # mails of a driver; of many mails one in 400
CHANCE = 2.0  # how much oftener than by chance two words stand together, to begin a driver
INSEPARABLE = 50.0  # odds ratio of two words that hardly ever stand apart: what half of all mails are about cannot be far beyond chance
CLEAR = 0.4  # how far the words beside them must differ from those of all mails: else it is a turn of phrase that stands everywhere
WEIGHTIEST, LIGHTEST = 4.0, 0.7  # of a word: natural logarithm of how much oftener it stands in a driver's mails
STRONGEST = 3  # words of a mail that count
SURE = 1.0  # beyond even odds, before a mail belongs to a driver
ALIKE = 0.5  # cosine of two drivers' weights from which on they are one
ROUNDS = 2
MOST_PHRASES = 5
MOST_SAMPLES = 3
LOOKED_AT = 30  # mails of a driver, the latest, in which sample sentences are sought
SHORT, LONG = 20, 120  # characters of a sample
BEYOND_DOUBT, INTERVAL = 2.576, 1.96  # of many drivers one in a hundred changes by chance: 99 %; a single one's interval: 95 %
DAY, WEEK = timedelta(days=1), timedelta(days=7)
MOST_WEEKS = 13
NO_TOPIC = ("unsure", "other")


def drivers(
    mails: Sequence[FirstMail],
    since: datetime,
    until: datetime,
    *,
    zone: tzinfo,
    pinned: Sequence[PinnedDriver] = (),
    names: Collection[str] = (),
) -> tuple[Driver, ...]:
    """What made people write from `since` to before `until`, the most people first; `mails` reach further back, for what was before.

    `names`: of our own people and brands, with their addresses; they are no phrases and are hidden in samples.
    """
    groups = group(mails, pinned=pinned, names=names)
    period = _Period(since=since, until=until, weeks=_weeks(mails, until), zone=zone)
    compared = bool(mails) and min(mail.at for mail in mails) <= period.before + DAY
    found = [_driver(each, [mails[place] for place in each.members], period, names, compared=compared) for each in groups]
    shown = [driver for driver in found if driver.people or driver.before or driver.owner or driver.mended_on]
    return tuple(sorted(shown, key=lambda driver: (-driver.people, -driver.before, driver.key)))


# --- phrases into groups -----------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Group:
    """Mails about one thing: `weights` says how much each word speaks for it, `members` are their places."""

    bits: int  # the mails as a number: bit n stands for mail n
    weights: dict[str, float] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    pin: PinnedDriver | None = None


def words_of(phrases: Sequence[KeyPhrase]) -> frozenset[str]:
    """The words of a mail's phrases; "not" alone says nothing."""
    return frozenset(word for phrase in phrases for word in phrase.key.split()) - {"not"}


def group(mails: Sequence[FirstMail], *, pinned: Sequence[PinnedDriver] = (), names: Collection[str] = ()) -> list[Group]:
    """Put mails that are about the same together; the rest is left over."""
    if not mails:
        return []
    seen = _Seen([words_of(phrases_of(mail, names)) for mail in mails], [mail.language for mail in mails])
    groups = list(_pinned(mails, seen, pinned)) + list(_found(seen, _pinned_bits(mails, pinned)))
    for _ in range(ROUNDS):
        groups = _shared_out(_merged(groups, seen), seen)
    return groups


def phrases_of(mail: FirstMail, names: Collection[str] = ()) -> tuple[KeyPhrase, ...]:
    """The key phrases of a mail without those that name the writer or us."""
    ours = frozenset(
        part for name in (mail.name, *names) for part in name.casefold().replace("@", " ").replace(".", " ").split() if len(part) > 2
    )
    return tuple(phrase for phrase in mail.key_phrases if ours.isdisjoint(phrase.text.casefold().split())) if ours else mail.key_phrases


class _Seen:
    """Which words stand in which mails; a set of mails is a number, so that counting what two sets share is one step."""

    def __init__(self, mails: Sequence[frozenset[str]], languages: Sequence[str]) -> None:
        self.count = len(mails)
        self.fewest = max(FEWEST, self.count // 400)
        often = Counter(word for words in mails for word in words)
        common = sorted(often.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
        self.often = {word: count for word, count in common if count >= 3}
        self.mails = [words & self.often.keys() for words in mails]
        self.places: dict[str, list[int]] = defaultdict(list)
        for place, words in enumerate(self.mails):
            for word in words:
                self.places[word].append(place)
        self.bits = {word: self.set_of(self.places[word]) for word in self.often}
        self.commonest = list(self.often)[:300]
        spoken = [self.set_of([place for place, each in enumerate(languages) if each == one]) for one in sorted(set(languages))]
        self.languages = [_Language(bits, bits.bit_count(), {w: (b & bits).bit_count() for w, b in self.bits.items()}) for bits in spoken]

    def set_of(self, places: Sequence[int]) -> int:
        """The set of the mails at these places."""
        found = bytearray(self.count // 8 + 1)
        for place in places:
            found[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(found, "little")

    def by_chance(self, one: str, other: str) -> float:
        """In how many mails two words would stand together by chance: in those of each language apart."""
        return sum(each.often[one] * each.often[other] / each.size for each in self.languages)

    def weights(self, bits: int) -> dict[str, float]:
        """How much oftener each word stands in these mails than in all others of the same languages, where it is much oftener."""
        size, found = bits.bit_count(), {}
        least = 0.5 * size / (self.count - size + 1)
        parts = [(each, bits & each.bits, (bits & each.bits).bit_count()) for each in self.languages if bits & each.bits]
        for word, whole in self.bits.items():
            count = (whole & bits).bit_count()
            if count >= 3:
                counts = [(each, inside, (whole & part).bit_count()) for each, part, inside in parts]
                chance = sum(inside * (each.often[word] - here) / (each.size - inside + 1) for each, inside, here in counts)
                weight = math.log((count + 0.5) * size / (size + 1) / (chance + least))
                if weight >= LIGHTEST:
                    found[word] = min(weight, WEIGHTIEST)
        return found

    def needed(self, size: int) -> float:
        """The weight from which on a mail belongs to a group of this size."""
        return math.log(self.count / max(size, 1)) + SURE

    def like(self, weights: Mapping[str, float], size: int) -> int:
        """All mails whose words say enough for a group."""
        found: dict[int, list[float]] = defaultdict(list)
        for word, weight in weights.items():
            for place in self.places[word]:
                found[place].append(weight)
        needed = self.needed(size)
        return self.set_of([place for place, each in found.items() if _strongest(each) >= needed])

    def clear(self, bits: int, but: Collection[str]) -> bool:
        """Whether the other words of these mails differ from those of all mails of the same languages."""
        size, total, differ = bits.bit_count(), 0, 0.0
        parts = [(each, (bits & each.bits).bit_count() / each.size) for each in self.languages]
        for word in self.commonest:
            count = 0 if word in but else (self.bits[word] & bits).bit_count()
            if count:
                differ += count * math.log(count / sum(share * each.often[word] for each, share in parts))
                total += count
        return total <= size or differ / total >= CLEAR  # short mails hold nothing else


class _Language(NamedTuple):
    """The mails of one language: words of one language always stand together more often than by chance among all."""

    bits: int
    size: int
    often: Mapping[str, int]


def _strongest(weights: Sequence[float]) -> float:
    """What the strongest words of a mail say together: many words that say little are no reason, however long the mail."""
    return sum(sorted(weights)[-STRONGEST:])


def _found(seen: _Seen, taken: int) -> Iterator[Group]:
    """The greedy cover: pairs of words first, then single words that nothing explained."""
    left, number = ((1 << seen.count) - 1) & ~taken, 0
    for seeds, strength in ((_pairs(seen), _pair_strength), (None, _word_strength)):
        heap = list(seeds if seeds is not None else _lone_words(seen, left))
        heapq.heapify(heap)
        while heap and number < MOST:
            _, words = heapq.heappop(heap)
            bits = left
            for word in words:
                bits &= seen.bits[word]
            now = strength(seen, words, bits.bit_count())
            if now <= 0:
                continue
            if heap and -now > heap[0][0]:  # others took mails of it meanwhile
                heapq.heappush(heap, (-now, words))
                continue
            if not seen.clear(bits, words):
                continue
            bits |= seen.like(seen.weights(bits), bits.bit_count()) & left
            left &= ~bits
            number += 1
            yield Group(bits=bits, weights=seen.weights(bits))


def _pairs(seen: _Seen) -> Iterator[tuple[float, tuple[str, ...]]]:
    together: Counter[tuple[str, str]] = Counter()
    for words in seen.mails:
        together.update(combinations(sorted(words), 2))
    for pair, count in together.items():
        if count >= seen.fewest and (strength := _pair_strength(seen, pair, count)) > 0:
            yield -strength, pair


def _pair_strength(seen: _Seen, words: tuple[str, ...], count: int) -> float:
    """How many mails, times how far beyond chance."""
    one, other = seen.often[words[0]], seen.often[words[1]]
    beyond = count / seen.by_chance(*words)
    odds = (count + 0.5) * (seen.count - one - other + count + 0.5) / ((one - count + 0.5) * (other - count + 0.5))
    return count * math.log(beyond) if count >= seen.fewest and beyond > 1 and (beyond > CHANCE or odds > INSEPARABLE) else 0.0


def _lone_words(seen: _Seen, left: int) -> Iterator[tuple[float, tuple[str, ...]]]:
    for word in seen.often:
        if (strength := _word_strength(seen, (word,), (seen.bits[word] & left).bit_count())) > 0:
            yield -strength, (word,)


def _word_strength(seen: _Seen, words: tuple[str, ...], count: int) -> float:
    """A word by itself, of which most mails are still unexplained and which is no word of all mails."""
    share = count / seen.often[words[0]]
    return count * share**2 if count >= seen.fewest and share >= 0.5 and count < 0.05 * seen.count + 2 * FEWEST else 0.0


def _merged(groups: Sequence[Group], seen: _Seen) -> list[Group]:
    """Groups whose weights are alike become one; those that the lead named stay apart."""
    found: list[Group] = []
    for one in groups:
        other = next((each for each in found if not (one.pin and each.pin) and _alike(one.weights, each.weights) > ALIKE), None)
        if other is None:
            found.append(one)
        else:
            other.bits |= one.bits
            other.weights = seen.weights(other.bits)
    return found


def _alike(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    shared = sum(weight * other[word] for word, weight in one.items() if word in other)
    return shared / math.sqrt(sum(w * w for w in one.values()) * sum(w * w for w in other.values())) if shared else 0.0


def _shared_out(groups: Sequence[Group], seen: _Seen) -> list[Group]:
    """Each mail to the group for which it says most; what the lead's own words name stays there."""
    by_word: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for number, each in enumerate(groups):
        for word, weight in each.weights.items():
            by_word[word].append((number, weight))
    needed = [seen.needed(each.bits.bit_count()) for each in groups]
    members: list[list[int]] = [[] for _ in groups]
    named = [(number, each.members) for number, each in enumerate(groups) if each.pin]
    fixed = {place: number for number, places in reversed(named) for place in places}
    for place, words in enumerate(seen.mails):
        said: dict[int, list[float]] = defaultdict(list)
        for word in words:
            for number, weight in by_word.get(word, ()):
                said[number].append(weight)
        best = fixed.get(place)
        if best is None and said:
            sums = {number: _strongest(weights) - needed[number] for number, weights in said.items()}
            best = max(sums, key=lambda number: (sums[number], -number))
            best = best if sums[best] >= 0 else None
        if best is not None:
            members[best].append(place)
    found = []
    for each, places in zip(groups, members, strict=True):
        if each.pin or len(places) >= seen.fewest:
            bits = seen.set_of(places)
            found.append(Group(bits=bits, weights=seen.weights(bits), members=places, pin=each.pin))
    return found


def _pinned(mails: Sequence[FirstMail], seen: _Seen, pinned: Sequence[PinnedDriver]) -> Iterator[Group]:
    taken = 0
    for pin in pinned:
        places = _naming(mails, pin)
        bits = seen.set_of(places) & ~taken
        taken |= bits
        yield Group(bits=bits, weights=seen.weights(bits), members=[place for place in places if bits >> place & 1], pin=pin)


def _pinned_bits(mails: Sequence[FirstMail], pinned: Sequence[PinnedDriver]) -> int:
    return sum(1 << place for place in {place for pin in pinned for place in _naming(mails, pin)})


def _naming(mails: Sequence[FirstMail], pin: PinnedDriver) -> list[int]:
    """The mails in which a phrase of the lead's stands, as written."""
    phrases = [" ".join(phrase.casefold().split()) for phrase in pin.phrases]
    return [place for place, mail in enumerate(mails) if any(phrase in _said(mail) for phrase in phrases)]


def _said(mail: FirstMail) -> str:
    return " ".join(f"{mail.subject} \n {mail.text}".casefold().split())


# --- groups into findings ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    since: datetime
    until: datetime
    weeks: int
    zone: tzinfo

    @property
    def before(self) -> datetime:
        return self.since - (self.until - self.since)


def _weeks(mails: Sequence[FirstMail], until: datetime) -> int:
    """How many whole weeks the mails reach back, at most a quarter."""
    if not mails:
        return 0
    return min(MOST_WEEKS, max(1, -((min(mail.at for mail in mails) - until) // WEEK)))


def _driver(found: Group, mails: Sequence[FirstMail], period: _Period, names: Collection[str], *, compared: bool) -> Driver:
    now = [mail for mail in mails if period.since <= mail.at < period.until]
    before = [mail for mail in mails if period.before <= mail.at < period.since] if compared else []
    phrases = _named(found, mails, names)
    pin = found.pin
    people, people_before = _people(now), _people(before)
    topic, share = _topic(now or mails)
    low, high = rate_ratio(people, people_before, 1.0, 1.0, BEYOND_DOUBT)
    key = phrases[0].key if phrases else ""
    name = pin.name if pin else ""
    driver = Driver(
        key=(" ".join(pin.phrases[0].casefold().split()) if pin else "") or key,
        name=name or (pin.phrases[0] if pin else phrases[0].text if phrases else ""),
        topic=topic,
        phrases=tuple(dict.fromkeys((*(pin.phrases if pin else ()), *(phrase.text for phrase in phrases)))),
        people=people,
        before=people_before,
        upset=_people([mail for mail in now if mail.upset]),
        changed=compared and not low <= 1 <= high,
        compared=compared,
        trend=_trend(mails, period),
        samples=tuple(_samples(found, now, names)),
        owner=pin.owner if pin else "",
        cases=tuple(CaseNo(number) for number in sorted({mail.case for mail in now})),
        fits_no_topic=topic in NO_TOPIC and share >= 0.5,
    )
    return _since_mended(driver, pin, mails, period)


def _people(mails: Sequence[FirstMail]) -> int:
    return len({mail.person for mail in mails})


def _topic(mails: Sequence[FirstMail]) -> tuple[str, float]:
    """The topic of most of these mails, and its share; what has none counts as one."""
    if not mails:
        return NO_TOPIC[0], 1.0
    counts = Counter(NO_TOPIC[0] if mail.topic in NO_TOPIC else mail.topic for mail in mails)
    topic, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return topic, count / len(mails)


def _trend(mails: Sequence[FirstMail], period: _Period) -> tuple[int, ...]:
    begins = [period.until - WEEK * number for number in range(period.weeks, 0, -1)]
    return tuple(_people([mail for mail in mails if begin <= mail.at < begin + WEEK]) for begin in begins)


def _named(found: Group, mails: Sequence[FirstMail], names: Collection[str]) -> list[KeyPhrase]:
    """The strongest phrases in their commonest wording: how often, times how much their words say. Pairs say more than words."""
    wordings: dict[str, Counter[str]] = defaultdict(Counter)
    people: Counter[str] = Counter()
    for mail in mails:
        for phrase in phrases_of(mail, names):
            if all(word in found.weights or word == "not" for word in phrase.key.split()):
                wordings[phrase.key][_plain(phrase.text)] += 1
                people[phrase.key] += 1
    ranked = sorted(people, key=lambda key: (-people[key] * sum(found.weights.get(word, 0.0) for word in key.split()), key))
    named: list[KeyPhrase] = []
    for key in ranked:
        if len(named) < MOST_PHRASES and not any(set(key.split()) <= set(other.key.split()) for other in named):
            text = min(wordings[key].items(), key=lambda item: (-item[1], len(item[0]), item[0]))[0]
            named.append(KeyPhrase(key=key, text=mask(text, names)))
    return named


def _plain(text: str) -> str:
    """A wording without the capital of a subject; "VAT" and "App Store" keep theirs."""
    first, _, rest = text.partition(" ")
    return (
        f"{first.lower()} {rest}".strip() if first[1:].islower() and rest.islower() else text.lower() if text.isupper() and rest else text
    )


def _samples(found: Group, mails: Sequence[FirstMail], names: Collection[str]) -> Iterator[str]:
    """The sentences that say it best, from different people, with nobody's name in them."""
    best: list[tuple[float, int, str]] = []
    for mail in sorted(mails, key=lambda mail: (mail.at, mail.case), reverse=True)[:LOOKED_AT]:
        if mail.sensitive:
            continue
        told = [(_plain_text(phrase.text), sum(found.weights.get(word, 0.0) for word in phrase.key.split())) for phrase in mail.key_phrases]
        for sentence in sentences(mail.text):
            line = " ".join(sentence.split())
            weight = sum(weight for text, weight in told if text in _plain_text(line))
            if weight > 0 and SHORT <= len(line) <= LONG:
                hidden = mask(line, (mail.name, mail.email, *names), around=mail.text, language=mail.language)
                best.append((-weight + 0.02 * len(line) + 2.0 * hidden.count("["), int(mail.person), hidden))
    people: set[int] = set()
    told_already: set[str] = set()
    for _, person, line in sorted(best):
        if person not in people and line not in told_already and len(people) < MOST_SAMPLES:
            people.add(person)
            told_already.add(line)
            yield line


def _plain_text(text: str) -> str:
    return " ".join(text.casefold().split())


def _since_mended(driver: Driver, pin: PinnedDriver | None, mails: Sequence[FirstMail], period: _Period) -> Driver:
    """With people a week before the mend date and since, and the interval of their ratio."""
    if pin is None or pin.mended_on is None:
        return driver
    mended = datetime.combine(pin.mended_on, time(), period.zone)
    begin = period.until - WEEK * period.weeks
    weeks_before, weeks_since = (mended - begin) / WEEK, (period.until - mended) / WEEK
    if weeks_before <= 0 or weeks_since <= 0:
        return replace(driver, mended_on=pin.mended_on, mended=pin.mended_with)
    before = _people([mail for mail in mails if begin <= mail.at < mended])
    since = _people([mail for mail in mails if mended <= mail.at < period.until])
    low, high = rate_ratio(since, before, weeks_since, weeks_before, INTERVAL)
    return replace(
        driver,
        mended_on=pin.mended_on,
        mended=pin.mended_with,
        a_week_before=before / weeks_before,
        a_week_since=since / weeks_since,
        ratio_low=low,
        ratio_high=high,
    )


def rate_ratio(one: int, other: int, one_time: float, other_time: float, z: float) -> tuple[float, float]:
    """The interval of the ratio of two Poisson rates: given their sum one count is binomial, hence Wilson's interval of its share."""
    total = one + other
    if not total:
        return 0.0, float("inf")
    low, _ = _wilson(max(one - 0.5, 0.0) / total, total, z)  # half a count: counts are whole numbers
    _, high = _wilson(min(one + 0.5, total) / total, total, z)
    scale = other_time / one_time
    return scale * low / (1 - low) if one else 0.0, scale * high / (1 - high) if other else float("inf")


def _wilson(share: float, total: int, z: float) -> tuple[float, float]:
    square = z * z / total
    half = z * math.sqrt(share * (1 - share) / total + square / total / 4)
    return (share + square / 2 - half) / (1 + square), (share + square / 2 + half) / (1 + square)
