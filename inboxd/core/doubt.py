"""How sure a number is: 95 % intervals of shares and of the ratio of two rates, and whether a difference is beyond its doubt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf, lgamma, sqrt

from inboxd.core.findings import Compared, Share
from inboxd.core.model import CaseNo

Z = 1.959963984540054  # of the normal distribution, 95 % between -z and z


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as often something happened; `low` to `high` is its 95 % interval."""

    ratio: float
    low: float
    high: float

    @property
    def changed(self) -> bool:
        """Whether the difference is beyond its doubt."""
        return self.low > 1 or self.high < 1


def wilson(count: int, of: int) -> tuple[float, float]:
    """Give the 95 % interval of a share (Wilson 1927, without continuity correction); of nothing everything is possible."""
    if of == 0:
        return 0.0, 1.0
    p, z2 = count / of, Z * Z
    middle, reach = p + z2 / (2 * of), Z * sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    low, high = (middle - reach) / (1 + z2 / of), (middle + reach) / (1 + z2 / of)
    return (0.0 if count == 0 else min(low, p)), (1.0 if count == of else max(high, p))  # the ends are exact: no rounding beyond them


def share(count: int, of: int, cases: Iterable[CaseNo] = ()) -> Share:
    """Make a share with its interval and the cases behind its count, in order."""
    low, high = wilson(count, of)
    return Share(count=count, of=of, low=low, high=high, cases=tuple(sorted(set(cases))))


def difference(now: Share, before: Share) -> tuple[float, float]:
    """Give the 95 % interval of the difference of two shares (Newcombe 1998, method 10: from their Wilson intervals)."""
    if not now.of or not before.of:
        return -1.0, 1.0
    p, q = now.count / now.of, before.count / before.of
    low = p - q - sqrt((p - now.low) ** 2 + (before.high - q) ** 2)
    high = p - q + sqrt((now.high - p) ** 2 + (q - before.low) ** 2)
    return max(low, -1.0), min(high, 1.0)


def compared(now: Share, before: Share) -> Compared:
    """Set a share beside the one before; it changed only where the interval of the difference leaves 0 out."""
    low, high = difference(now, before)
    return Compared(now=now, before=before, changed=low > 0 or high < 0)


def rate_ratio(now: int, before: int, span: float = 1.0, span_before: float = 1.0) -> Ratio:
    """Compare two counts of events over their spans (weeks, say) as Poisson rates.

    Exact: of `now + before` events a binomial share falls in the present span (Clopper and Pearson 1934). Safe for small counts.
    """
    total, times = now + before, span_before / span
    if total == 0:
        return Ratio(ratio=1.0, low=0.0, high=inf)
    low = 0.0 if now == 0 else _solve(lambda p: 1 - _at_most(now - 1, total, p), 0.025)
    high = 1.0 if before == 0 else _solve(lambda p: 1 - _at_most(now, total, p), 0.975)
    return Ratio(ratio=_odds(now / total) * times, low=_odds(low) * times, high=_odds(high) * times)


def _odds(p: float) -> float:
    return inf if p >= 1 else p / (1 - p)


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < wanted else (low, middle)
    return (low + high) / 2


def _at_most(k: int, n: int, p: float) -> float:
    """The chance of at most k of n, each with chance p."""
    if p <= 0 or k >= n:
        return 1.0
    if p >= 1:
        return 0.0
    if k + 1 > n * p:  # the upper tail is the short one
        return 1 - _tail(range(k + 1, n + 1), n, p)
    return _tail(range(k, -1, -1), n, p)


def _tail(counts: range, n: int, p: float) -> float:
    total = 0.0
    for k in counts:
        term = math.exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p))
        total += term
        if term < total * 1e-16:
            break
    return total
