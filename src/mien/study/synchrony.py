"""What viewers of one film showed together: told from what they would show together by chance, with their curves turned in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mien.evaluate.intervals import NORMAL
from mien.study.statistics import LEAST, SPARE_MEMORY
from mien.study.typical import typical_level, when_typical
from mien.timing import Numbers
from mien.types import Bools, Ints

LEAST_SPREAD = 0.75
"""Of the viewers in a part of the film, as a share of what there is over all turns: where hardly anybody smiles, parts without a smile
would have next to none, and decide. In simulations half of it found shared smiles less often, and parts beside them as well; all of it
let viewers who tire in their own ways pass for parts that differ in twice as many studies as it should."""
UNTYPICAL = 1 / 3
"""Share of the steps of a film, not typical of it, from which on moments are to be read with care."""
LEAST_ROUNDS = 500
MOST_WORK = 4_000_000_000
"""Numbers that are added up in all, above which fewer rounds are made than asked for, down to LEAST_ROUNDS."""
LEVEL_STRETCHES = 200
"""Stretches, at most, from whose means the typical level of turned curves is had: more cost time and tell no more."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps next to each other in which the viewers depart together from their own lines, all to one side."""

    first: int
    """Position of the first step."""
    stop: int
    """Position behind the last one."""
    row: int
    """Which of the measures."""
    p: float
    """Chance of one as large, in any measure and at any time, if the film had not told the viewers when."""
    sign: int
    """1 above their lines, -1 below."""


def affordable(values: Numbers, rounds: int) -> int:
    """Rounds that are made of curves, (n, m, k), where so many are asked for: fewer for very many viewers of a long film, none with too
    few viewers or steps for a test.
    """
    n, measures, steps = values.shape
    if not _testable(values):
        return 0
    work: int = n * measures * (steps + len(range(0, steps, _level_steps(steps))))
    return min(rounds, max(LEAST_ROUNDS, MOST_WORK // max(1, work)))


def typical_levels(values: Numbers, *, rounds: int = 5000, seed: int = 0) -> Numbers:
    """What viewers typically are away from their own lines by, together, for each turn of their curves: float64 (rounds, m).

    values, rounds and seed: as of `stretches` and `parts_p`, which both take it, so that it need not be worked out twice. 0 with too few
    viewers.
    """
    turned = _Turned.of(values)
    return np.zeros((rounds, values.shape[1])) if turned is None else turned.levels(turned.draws(rounds, seed))


def stretches(values: Numbers, *, rounds: int = 5000, seed: int = 0, levels: Numbers | None = None) -> list[Stretch]:
    """When viewers depart from their own lines together: a cluster test (Maris & Oostenveld 2007) on curves turned in circles.

    values: float64 (n, m, k): viewers, measures, steps; NaN where there is none. levels: `typical_levels` of the same. The statistic of a
    step is the sum of the viewers' `departures`, less what it typically is over the film, over the square root of their number and over
    their spread, that of the step or that of the measure, whichever is larger; neighbours above the two-sided 5 % point of the normal
    distribution make a cluster, whose mass is their sum. Under the null hypothesis, that a viewer shows things whenever, each curve may as
    well begin elsewhere: all measures of a viewer are turned by one random time, and the largest mass over all measures and steps is found.

    Signs are not flipped, since expressions are rare and short: most of the time everybody is a little below the own mean, which
    flipped signs take for agreement. All clusters come back, whatever their p, the largest first; none with fewer than LEAST viewers.
    """
    turned = _Turned.of(values)
    if turned is None:
        return []
    still = np.zeros((1, len(values)), np.int64)
    whole = turned.at(still, turned.levels(still))[0]
    found = [(first, stop, row) for row, line in enumerate(whole) for first, stop in _spans(line / NORMAL)]
    if not found:
        return []
    mass = np.array([np.abs(whole[row, a:b]).sum() for a, b, row in found])
    shifts = turned.draws(rounds, seed)
    levels = turned.levels(shifts) if levels is None else levels
    largest = np.concatenate([_largest(turned.at(shifts[rows], levels[rows])) for rows in turned.blocks(rounds)])
    p = [float((largest >= one * (1 - 1e-9)).sum() + 1) / (len(largest) + 1) for one in mass]
    order = np.argsort(-mass, kind="stable").tolist()
    return [Stretch(first, stop, row, p[i], int(np.sign(whole[row, first]))) for i, (first, stop, row) in ((i, found[i]) for i in order)]


def parts_p(values: Numbers, parts: Numbers, *, rounds: int = 5000, seed: int = 0, levels: Numbers | None = None) -> Numbers:
    """p of each part of the film being like the rest of it, corrected for all parts and measures (the largest statistic counts).

    values, levels: as in `stretches`. parts: float64 (q, k), the share of each step in a part, 0..1. Curves are turned as in `stretches`,
    and the statistic is the t of the viewers' mean departures in the part, with LEAST_SPREAD. Returns float64 (q, m); NaN for a part that
    is the whole film, or with too few viewers.
    """
    n, measures, steps = values.shape
    out = np.full((len(parts), measures), np.nan)
    turned = _Turned.of(values)
    told = np.flatnonzero((parts < 1 - 1e-9).any(axis=1))
    if turned is None or not len(told):
        return out
    spectra = [np.conj(np.fft.rfft(array)) for array in (turned.values, turned.known)]
    still, shifts = np.zeros((1, n), np.int64), turned.draws(rounds, seed)
    level, levels = turned.levels(still), turned.levels(shifts) if levels is None else levels
    seen, largest = np.full((len(told), measures), np.nan), np.zeros(rounds)
    for i, part in enumerate(parts[told]):  # one by one, for the memory's sake; all with the same turns
        own = _Part.of(part, spectra, steps)
        seen[i] = np.where(own.enough[..., 0].sum(axis=0) >= LEAST, np.abs(own.at(still, level)[0]), np.nan)
        most = [np.abs(own.at(shifts[rows], levels[rows])).max(axis=1) for rows in turned.blocks(rounds)]
        largest = np.maximum(largest, np.concatenate(most))
    p = ((largest[:, None, None] >= seen * (1 - 1e-9)).sum(axis=0) + 1) / (len(largest) + 1)
    out[told] = np.where(np.isfinite(seen), p, np.nan)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Viewers' mean departures in a part of the film, for every turn of their curves."""

    means: Numbers
    """float64 (n, m, k), 0 where too little of the part is known."""
    enough: Bools
    """bool (n, m, k)."""
    least: Numbers
    """float64 (m,): standard deviation over viewers and turns."""

    @classmethod
    def of(cls, part: Numbers, spectra: list[NDArray[np.complex128]], steps: int) -> _Part:
        """part: float64 (k,), shares of the steps. spectra: of the departures and of what is known, conjugate."""
        sums, weights = (np.fft.irfft(np.fft.rfft(part) * spectrum, steps) for spectrum in spectra)  # a correlation in a circle
        enough = weights >= 0.5 * part.sum() - 1e-9
        means = np.where(enough, sums / np.maximum(weights, 1e-12), 0.0)
        return cls(means, enough, np.maximum(_spread(means, enough), 1e-12))

    def at(self, shifts: Ints, level: Numbers) -> Numbers:
        """The t of the part with the viewers turned so: float64 (rounds, m). level: float64 (rounds, m), what they typically show then."""
        people = np.arange(len(self.means))
        means, enough = (np.stack([array[people, :, row] for row in shifts]) for array in (self.means, self.enough))
        total, count = means.sum(axis=1), enough.sum(axis=1)
        own = _deviation(total, np.square(means).sum(axis=1), count)
        apart = (total - count * level) / np.sqrt(np.maximum(count, 1))
        return np.asarray(np.where(count >= LEAST, apart / np.fmax(own, LEAST_SPREAD * self.least), 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """Viewers' departures from their own lines, to be turned."""

    values: Numbers
    """float64 (n, m, k), 0 where there is none."""
    known: Numbers
    """float64 (n, m, k), 1 where there is one."""
    spread: Numbers
    """float64 (m, 1): standard deviation over viewers and steps."""

    @classmethod
    def of(cls, values: Numbers) -> _Turned | None:
        """None with too few viewers or steps."""
        if not _testable(values):
            return None
        known = np.isfinite(values).astype(np.float64)
        apart = np.where(known > 0, departures(values), 0.0)
        return cls(apart, known, np.maximum(_spread(apart, known), 1e-12)[:, None])

    def draws(self, rounds: int, seed: int) -> Ints:
        """Turns of the viewers, int64 (rounds, n)."""
        n, _, steps = self.values.shape
        return np.random.default_rng(seed).integers(steps, size=(rounds, n))

    def blocks(self, rounds: int) -> Iterator[slice]:
        """Rounds whose curves are held at a time."""
        _, measures, steps = self.values.shape
        at_once = max(1, SPARE_MEMORY // max(1, measures * steps))
        return (slice(done, done + at_once) for done in range(0, rounds, at_once))

    def at(self, shifts: Ints, level: Numbers) -> Numbers:
        """The statistic of each step with the viewers turned so: float64 (rounds, m, k). level: float64 (rounds, m), of `levels`."""
        total, square, count = (_together(array, shifts) for array in (self.values, np.square(self.values), self.known))
        spread = np.fmax(_deviation(total, square, count), self.spread[:, None])
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.where(count >= LEAST, (total - count * level.T[..., None]) / np.sqrt(count) / spread, 0.0)
        return np.asarray(found.transpose(1, 0, 2))

    def levels(self, shifts: Ints) -> Numbers:
        """Mean departure that the viewers, turned so, typically have: float64 (rounds, m), the typical level of their mean.

        Departures are around 0 when viewers show what they typically do, and expressions are rare: whenever each shows theirs, so that
        they come everywhere, the sum of many viewers is above 0 everywhere too. Of a long film stretches stand for steps; single steps
        in place of them would be a sample, whose chance is as large as what a quiet part departs by.
        """
        every = _level_steps(self.values.shape[2])
        ahead = [_ahead(array, every) for array in (self.values, self.known)]
        sums = ((_together(array, shifts[rows], every) for array in ahead) for rows in self.blocks(len(shifts)))
        return np.concatenate([_typical(total, count, LEAST * every) for total, count in sums])


def _testable(values: Numbers) -> bool:
    n, _, steps = values.shape
    return bool(n >= LEAST and steps > 1)


def _typical(total: Numbers, count: Numbers, least: float) -> Numbers:
    """Typical level of the means, of sums (m, rounds, k) of so many: float64 (rounds, m). least: of a sum that tells something."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(count >= least, total / count, np.nan)
    return typical_level(mean)[..., 0].T


def _level_steps(steps: int) -> int:
    """Steps of a stretch, so that there are LEVEL_STRETCHES or fewer."""
    return -(-steps // LEVEL_STRETCHES)


def _together(values: Numbers, shifts: Ints, every: int = 1) -> Numbers:
    """The sum over viewers, each turned so, at every so many steps: float64 (m, rounds, steps) of (n, m, k)."""
    shape = values.shape[1], len(shifts), len(range(0, values.shape[2], every))
    if values.min() == values.max():  # most often there are no gaps, and all turns are alike
        return np.full(shape, len(values) * values.max())
    total = np.zeros(shape)
    for own, turns in zip(values, shifts.T, strict=True):
        # whole rows are copied, which is quicker than number by number
        total += sliding_window_view(_twice(own), own.shape[1], axis=-1)[:, -turns % own.shape[1], ::every]
    return total


def _ahead(values: Numbers, every: int) -> Numbers:
    """Sums of so many steps from each on, in a circle: as `values`, (..., k)."""
    return np.asarray(sliding_window_view(_twice(values), every, axis=-1)[..., : values.shape[-1], :].sum(axis=-1))


def _twice(values: Numbers) -> Numbers:
    """A circle that can be cut anywhere."""
    return np.concatenate([values, values], axis=-1)


def departures(values: Numbers) -> Numbers:
    """How far viewers are from what they typically show, each from a straight line of the own: float64 (n, m, k) of (n, m, k), even steps.

    A line, since whoever grows tired, each in another way, is far from the mean at the film's beginning and end. It fits best, by least
    squares, where the viewers together show what they typically do (`when_typical`): not where they laugh together, which would lift and
    tilt it, so that they seemed to agree in the opposite elsewhere. What is typical is looked for in the viewers' mean rather than in each
    viewer: one who seldom smiles has a typical level without a smile, and many of those are together above it at any time. NaN where there
    is no value.
    """
    known = np.isfinite(values)
    counts = known & when_typical(_shared(values))
    few = counts.sum(axis=-1, keepdims=True) < 0.5 * known.sum(axis=-1, keepdims=True)  # of a viewer seen when the others were not typical
    return _from_line(values, np.where(few, known, counts))


def untypical(values: Numbers) -> Numbers:
    """Share of the steps in which the viewers do not show what they typically do: float64 (m,) of (n, m, k); 0 with too few for a test.

    From UNTYPICAL on what is shared is no exception any more, and cannot be told from what is typical.
    """
    if not _testable(values):
        return np.zeros(values.shape[1])
    mean = _shared(values)
    known = np.isfinite(mean)
    return np.asarray((known & ~when_typical(mean)).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1))


def _shared(values: Numbers) -> Numbers:
    """Mean of viewers, each less the own mean: float64 (m, k), NaN where nobody has a value."""
    known = np.isfinite(values)
    own = np.nan_to_num(values).sum(axis=-1, keepdims=True) / np.maximum(known.sum(axis=-1, keepdims=True), 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values - own, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan))


def _from_line(values: Numbers, counts: Bools) -> Numbers:
    """Departures of each row from the straight line that fits it best where it counts: float64 (..., k) of (..., k)."""
    time = np.arange(values.shape[-1], dtype=np.float64)
    filled, weight = np.nan_to_num(values), np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    late = time - (counts * time).sum(axis=-1, keepdims=True) / weight
    apart = values - (counts * filled).sum(axis=-1, keepdims=True) / weight
    slope = (counts * late * np.nan_to_num(apart)).sum(axis=-1, keepdims=True)
    return np.asarray(apart - slope / np.maximum((counts * np.square(late)).sum(axis=-1, keepdims=True), 1e-12) * late)


def _spread(values: Numbers, counts: Numbers | Bools) -> Numbers:
    """Standard deviation over viewers and steps of (n, m, k), 0 where it does not count: float64 (m,)."""
    number = np.maximum(counts.sum(axis=(0, 2)), 1)
    mean = values.sum(axis=(0, 2)) / number
    return np.asarray(np.sqrt(np.maximum(np.square(values).sum(axis=(0, 2)) / number - mean**2, 0.0)))


def _deviation(total: Numbers, square: Numbers, count: Numbers) -> Numbers:
    """Standard deviation of numbers whose sum, sum of squares and count are known; NaN for fewer than two."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.maximum(square - np.square(total) / count, 0.0) / np.where(count > 1, count - 1, np.nan))


def _spans(ratio: Numbers) -> list[tuple[int, int]]:
    """Where |ratio| is above 1 with one sign, as first and stop."""
    side = np.where(np.abs(ratio) > 1, np.sign(ratio), 0)
    edges = np.flatnonzero(np.diff(side, prepend=0, append=0)).tolist()
    return [(a, b) for a, b in pairwise(edges) if side[a]]


def _largest(found: Numbers) -> Numbers:
    """Largest mass of a cluster in each round, (rounds, m, k) -> (rounds,)."""
    side = np.where(np.abs(found) > NORMAL, np.sign(found), 0)
    best = np.zeros(found.shape[:2])
    mass, before = np.zeros_like(best), np.zeros_like(best)
    for i in range(found.shape[2]):  # along time, for all rounds at once
        here = side[:, :, i]
        mass = np.where(here != 0, np.where(here == before, mass, 0.0) + np.abs(found[:, :, i]), 0.0)
        best = np.maximum(best, mass)
        before = here
    return np.asarray(best.max(axis=1))
