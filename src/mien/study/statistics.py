"""Intervals and tests for few people: the person is what is drawn, never the frame."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, islice, product

import numpy as np

from mien.errors import UsageError
from mien.evaluate.intervals import LEVEL
from mien.timing import Numbers
from mien.types import Bools, Ints

Span = tuple[float | Numbers, float | Numbers]
NO_SPAN: Span = (-np.inf, np.inf)
Pairs = Sequence[tuple[Numbers, Numbers]]
"""Two groups of people, float64 (n, k) and (m, k), one pair a stratum."""

LEAST = 3
"""People below which there is no interval and no test."""
LEAST_ERROR = 0.4
"""Least standard error of a resample, as a share of that of the people: where hardly anybody smiles, resamples without a smile would
have next to none, and decide."""
NOTHING = 1e-12
"""Difference of means below which there is none: what rounding leaves of numbers around 1 that are alike."""
SPARE_MEMORY = 1_000_000
"""Numbers that are drawn at a time: more do not fit into a processor's caches, and take longer."""


def check_draws(rounds: int, seed: int) -> None:
    """Raise UsageError for a number of resamples or a seed that no study can have."""
    if rounds < 100 or seed < 0:
        raise UsageError(f"rounds is {rounds} and seed {seed}; wanted rounds of at least 100 and a seed of 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Means of some columns over people, with intervals. NaN where there are too few people."""

    mean: Numbers
    low: Numbers
    """float64 (k,): lower end of the interval."""
    high: Numbers
    n: Ints
    """int64 (k,): people who have a value."""

    def shaped(self, *shape: int) -> Estimate:
        """With arrays of another shape."""
        return Estimate(self.mean.reshape(shape), self.low.reshape(shape), self.high.reshape(shape), self.n.reshape(shape))

    def at(self, i: int) -> Estimate:
        """Row i of its arrays."""
        return Estimate(self.mean[i], self.low[i], self.high[i], self.n[i])


def mean_of(values: Numbers, *, span: Span = NO_SPAN, rounds: int = 5000, seed: int = 0) -> Estimate:
    """Means over people with 95 % intervals.

    values: float64 (n, k), a row a person, NaN where there is none. span: least and greatest value there can be, one for all columns or
    float64 (k,) each, which cuts intervals. The intervals are those of the studentised bootstrap: people are drawn with replacement, each
    with all its columns (Efron & Tibshirani 1993, section 12.5; Hall 1988), with LEAST_ERROR. With few people it covers skewed values
    better than percentiles and Student's t do; what hardly anybody of few people shows no interval can cover well.
    """
    whole = _Moments.of(values)
    low, high = np.full_like(whole.mean, np.nan), np.full_like(whole.mean, np.nan)
    ends = [np.broadcast_to(np.asarray(end, np.float64), whole.mean.shape) for end in span]
    sides, at_once = [0.5 + LEVEL / 2, 0.5 - LEVEL / 2], max(1, SPARE_MEMORY // rounds)
    for start in range(0, values.shape[1], at_once):
        block = slice(start, start + at_once)
        t = np.concatenate(
            [
                (part.mean - whole.mean[block]) / np.maximum(part.error, LEAST_ERROR * whole.error[block])
                for part in _resamples(values[:, block], rounds, np.random.default_rng(seed))
            ]
        )
        enough, full = whole.count[block] >= LEAST, np.isfinite(t).all(axis=0)
        ratios = np.full((2, t.shape[1]), np.nan)
        ratios[:, enough & full] = np.quantile(t[:, enough & full], sides, axis=0)
        for i in np.flatnonzero(enough & ~full).tolist():  # of resamples of people none, or one, of whom has a value
            ratios[:, i] = np.quantile(t[np.isfinite(t[:, i]), i], sides)
        far = whole.mean[block] - whole.error[block] * ratios
        low[block], high[block] = np.clip(far, *(end[block] for end in ends))
    return Estimate(whole.mean, low, high, whole.count.astype(np.int64))


def difference_of(pairs: Pairs, *, span: Span = NO_SPAN) -> Estimate:
    """First minus second group's means with 95 % intervals, on the safe side for small groups.

    pairs: float64 (n, k) and (m, k) of both groups, one pair a stratum. With several strata the groups are compared within each, and the
    differences are averaged with the weights n m / (n + m), as Cochran (1954) has them: who belongs to which stratum is no difference then.
    span: of the difference, as in `mean_of`. No group's variance counts for less than that within all together, since a small group in
    which by chance nobody smiles shows none; the interval is Student's t with the degrees of freedom of the smaller group, added up over
    the strata. A stratum with fewer than two people of a group tells nothing of a column, unless it is the only one. `n` of the estimate
    is the smaller group's.
    """
    found = _Apart.of(pairs, alone=len(pairs) == 1)
    t = [student_t(0.5 + LEVEL / 2, df) if told else np.nan for df, told in zip(found.free.tolist(), found.usable, strict=True)]
    wide = np.array(t) * found.error
    return Estimate(found.mean, np.clip(found.mean - wide, *span), np.clip(found.mean + wide, *span), found.least.astype(np.int64))


def difference_p(pairs: Pairs, *, rounds: int = 5000, seed: int = 0) -> Numbers:
    """p of two groups' means being the same, each column corrected for all: the larger one of two tests.

    The first is the largest Welch |t| when people change groups at random (Westfall & Young 1993). Where the groups differ in spread it
    finds differences of means that there are not, the more the smaller and more unlike the groups are, since it keeps its level in large
    ones only (Janssen 1997). The second is a t test with the error of `difference_of` and the degrees of freedom of Welch (1947), times
    the number of columns (Bonferroni): it needs no like spreads, but values that are not too skewed. Correcting it by exchanging people
    too, which knows how columns correlate, found more where spreads are alike, but with 10 and 10 people, spreads of 1 : 3 and six parts
    that correlate by .9 too much: in 11 % of studies without a difference, 28 % of skewed values, in place of 5 and 15 (150 studies).

    pairs: as in `difference_of`; people change groups within their stratum alone. Returns float64 (k,), NaN with too few people.
    """
    apart = _Apart.of(pairs)
    usable = apart.usable
    out = np.full(len(usable), np.nan)
    if not usable.any():
        return out
    strata = [(np.concatenate([one, two])[:, usable], len(one)) for one, two in pairs]
    people = [values for values, _ in strata]
    seen = np.abs(_welch(people, [np.arange(len(values))[None] < n for values, n in strata]))[0]
    sizes = [(len(values), n) for values, n in strata]
    drawn = np.concatenate([np.nan_to_num(np.abs(_welch(people, chosen))).max(axis=1) for chosen in _partings(sizes, rounds, seed)])
    extra = _ways(sizes) > rounds
    p = [((drawn >= one * (1 - 1e-9)).sum() + extra) / (len(drawn) + extra) for one in seen]
    unlike = [
        min(2 * int(usable.sum()) * (1 - student_below(t, df)), 1.0) for t, df in zip(apart.t[usable], apart.welch[usable], strict=True)
    ]
    out[usable] = np.where(np.isfinite(seen), np.maximum(p, unlike), np.nan)
    return out


@lru_cache(maxsize=1024)
def student_t(p: float, df: float) -> float:
    """The quantile of Student's t at p (0.5..1) with df >= 1 degrees of freedom: to 1e-6 of itself up to p = .975, as intervals ask for;
    further out and below three degrees of freedom less, to 3e-5 at p = .9995 with two.

    >>> round(student_t(0.975, 4), 4)
    2.7764
    """
    low, high = 0.0, 1.0
    while student_below(high, df) < p:
        low, high = high, 2 * high
    while high - low > 1e-7 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if student_below(middle, df) < p else (low, middle)
    return (low + high) / 2


def student_below(t: float, df: float) -> float:
    """The probability that Student's t with df >= 1 degrees of freedom is below t >= 0.

    >>> round(student_below(2.7764, 4), 4)
    0.975
    """
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(math.pi)
    # x = sqrt(df) tan(a) makes a smooth integral over a bounded range of the density's tail
    angle = np.linspace(0, math.atan(t / math.sqrt(df)), 2001)
    return 0.5 + scale * float(np.trapezoid(np.cos(angle) ** (df - 1), angle))


@dataclass(frozen=True, slots=True, eq=False)
class _Apart:
    """First minus second group, over strata as `difference_of` says; each float64 (k,), or bool."""

    mean: Numbers
    error: Numbers
    """No group's variance counts for less than that within all together."""
    least: Numbers
    """People of the smaller group."""
    free: Numbers
    """Its degrees of freedom, added up over the strata."""
    welch: Numbers
    """Degrees of freedom by Welch (1947) and Satterthwaite (1946)."""
    usable: Bools
    """Whether there are people enough for an interval and a test."""

    @property
    def t(self) -> Numbers:
        """|Student's t|."""
        return np.asarray(np.abs(self.mean) / self.error)

    @classmethod
    def of(cls, pairs: Pairs, *, alone: bool = False) -> _Apart:
        """alone: as in `_comparable`."""
        sides = [(_Moments.of(one), _Moments.of(two)) for one, two in pairs]
        weights, least, free = _comparable(sides, alone=alone)
        every = [part for both in sides for part in both]
        with np.errstate(invalid="ignore", divide="ignore"):
            squares = [np.where(part.count > 1, part.error**2 * part.count, 0.0) for part in every]  # variances
            degrees = [np.maximum(part.count - 1, 0) for part in every]
            pooled = np.sum([one * df for one, df in zip(squares, degrees, strict=True)], axis=0) / np.maximum(np.sum(degrees, axis=0), 1)
            apart = np.sum([np.where(w > 0, w * (one.mean - two.mean), 0.0) for w, (one, two) in zip(weights, sides, strict=True)], axis=0)
            errors = [
                np.where(w > 0, w**2 * np.maximum(square, pooled) / part.count, 0.0)
                for w, square, part in zip(np.repeat(weights, 2, axis=0), squares, every, strict=True)
            ]
            apart[np.abs(apart) < NOTHING] = 0.0
            squared, total = np.sum(errors, axis=0), np.sum(weights, axis=0)
            shares = [np.where(error > 0, (error / squared) ** 2 / df, 0.0) for error, df in zip(errors, degrees, strict=True)]
            usable = (least >= LEAST) & (free >= LEAST - 1)
            return cls(apart / total, np.sqrt(squared) / total, least, free, 1 / np.sum(shares, axis=0), usable)


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Of some columns over people, each float64 (..., k)."""

    mean: Numbers
    error: Numbers
    """Standard error of the mean; hardly above 0 where all are alike, NaN where fewer than two have a value."""
    count: Numbers

    @classmethod
    def of(cls, values: Numbers, weights: Numbers | None = None) -> _Moments:
        """weights: float64 (rounds, n), how often each person counts; once if None."""
        known = np.isfinite(values)
        # around the middle, since squares of values far from 0 would lose their differences
        middle = np.where(known.any(axis=0), np.nan_to_num(values).sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0)
        filled = np.where(known, values - middle, 0.0)
        share = np.ones((1, len(values))) if weights is None else weights
        mean, spread = share @ filled, share @ filled**2
        count = np.broadcast_to(share.sum(axis=1, keepdims=True), mean.shape) if known.all() else share @ known
        least = 1e-12 * np.square(filled).sum(axis=0) + 1e-300
        with np.errstate(invalid="ignore", divide="ignore"):  # in place, since resamples are many
            mean /= count
            spread /= count
            spread -= np.square(mean)
            degrees = np.where(count > 1, count - 1, np.nan)
            error = np.sqrt(np.divide(np.maximum(spread, least, out=spread), degrees, out=spread), out=spread)
        parts = (mean + middle, error, count)
        return cls(*(part[0] if weights is None else part for part in parts))


def _resamples(values: Numbers, rounds: int, rng: np.random.Generator) -> Iterator[_Moments]:
    """Moments of people drawn with replacement, some resamples at a time."""
    n = len(values)
    at_once = max(1, min(rounds, SPARE_MEMORY // max(1, n + 4 * values.shape[1])))
    for done in range(0, rounds, at_once):
        rows = min(at_once, rounds - done)
        yield _Moments.of(values, rng.multinomial(n, np.full(n, 1 / n), size=rows).astype(np.float64) if n else np.zeros((rows, 0)))


def _comparable(sides: Sequence[tuple[_Moments, _Moments]], *, alone: bool = False) -> tuple[Numbers, Numbers, Numbers]:
    """Of strata: weights, float64 (strata, k), 0 where a group has not two people; people of the smaller group and degrees of freedom (k,).

    alone: the one stratum may do with one person a group, whose difference has no interval then.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        least = [np.minimum(one.count, two.count) for one, two in sides]
        enough = [few >= (1 if alone else 2) for few in least]
        harmonic = [one.count * two.count / (one.count + two.count) for one, two in sides]
    groups = [np.sum([np.where(ok, side[i].count, 0) for ok, side in zip(enough, sides, strict=True)], axis=0) for i in (0, 1)]
    free = np.sum([np.where(ok, few - 1, 0) for ok, few in zip(enough, least, strict=True)], axis=0)
    return np.stack([np.where(ok, w, 0.0) for ok, w in zip(enough, harmonic, strict=True)]), np.minimum(*groups), free


def _welch(people: Sequence[Numbers], chosen: Sequence[Bools]) -> Numbers:
    """Welch's t (1947) of each column for each way to part the people, float64 (ways, k); over strata as `difference_of` averages.

    people: float64 (n, k), one a stratum; chosen: bool (ways, n), who is in the first group. NaN where nothing can be compared.
    """
    sides = [
        (_Moments.of(values, which.astype(np.float64)), _Moments.of(values, (~which).astype(np.float64)))
        for values, which in zip(people, chosen, strict=True)
    ]
    weights, _, _ = _comparable(sides)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart, squared = np.zeros_like(weights[0]), np.zeros_like(weights[0])
        for weight, (one, two) in zip(weights, sides, strict=True):
            apart += np.where(weight > 0, weight * (one.mean - two.mean), 0.0)
            squared += np.where(weight > 0, weight**2 * (one.error**2 + two.error**2), 0.0)
        apart[np.abs(apart) < NOTHING] = 0.0
        return np.where(squared > 0, apart / np.sqrt(squared), np.nan)


def _ways(sizes: Sequence[tuple[int, int]]) -> int:
    """In how many ways people of strata (n, of whom so many are in the first group) can be parted."""
    return math.prod(math.comb(n, first) for n, first in sizes)


def _partings(sizes: Sequence[tuple[int, int]], rounds: int, seed: int) -> Iterator[list[Bools]]:
    """Who is in the first group, bool (some, n) of each stratum: all ways where they are few, else so many at random."""
    at_once = max(1, SPARE_MEMORY // max(1, sum(n for n, _ in sizes)) // 16)
    if _ways(sizes) <= rounds:
        every = product(*(combinations(range(n), first) for n, first in sizes))
        while block := list(islice(every, at_once)):
            yield [np.stack([_among(n, way[i]) for way in block]) for i, (n, _) in enumerate(sizes)]
        return
    rng = np.random.default_rng(seed)
    for done in range(0, rounds, at_once):
        ways = [[_among(n, rng.permutation(n)[:first]) for n, first in sizes] for _ in range(min(at_once, rounds - done))]
        yield [np.stack(one) for one in zip(*ways, strict=True)]


def _among(n: int, chosen: Sequence[int] | Ints) -> Bools:
    which = np.zeros(n, np.bool_)
    which[list(chosen)] = True
    return which
