"""What viewers of one film showed together: told from what they would show together by chance, with their curves turned in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.intervals import NORMAL
from mien.study.statistics import LEAST, SPARE_MEMORY
from mien.timing import Numbers
from mien.types import Bools, Ints

LEAST_SPREAD = 0.75
"""Of the viewers in a part of the film, as a share of what there is over all turns: where hardly anybody smiles, parts without a smile
would have next to none, and decide. In simulations half of it found shared smiles less often, and parts beside them as well; all of it
let viewers who tire in their own ways pass for parts that differ in twice as many studies as it should."""
LEAST_ROUNDS = 500
MOST_WORK = 4_000_000_000
"""Numbers that are added up in all, above which fewer rounds are made than asked for, down to LEAST_ROUNDS."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps next to each other in which the viewers depart together from their own means, all to one side."""

    first: int
    """Position of the first step."""
    stop: int
    """Position behind the last one."""
    row: int
    """Which of the measures."""
    p: float
    """Chance of one as large, in any measure and at any time, if the film had not told the viewers when."""
    sign: int
    """1 above their means, -1 below."""


def stretches(values: Numbers, *, rounds: int = 5000, seed: int = 0) -> list[Stretch]:
    """When viewers depart from their own means together: a cluster test (Maris & Oostenveld 2007) on curves turned in circles.

    values: float64 (n, m, k): viewers, measures, steps; NaN where there is none. A viewer's departures are from the straight line through
    the viewer's own values, since whoever grows tired, each in another way, is far from the mean at the film's beginning and end. The
    statistic of a step is the sum of the viewers' departures over the square root of their number and over their spread, that of the step
    or that of the measure, whichever is larger; neighbours above the two-sided 5 % point of the normal distribution make a cluster, whose
    mass is their sum. Under the null hypothesis, that a viewer shows things whenever, each curve may as well begin elsewhere: all measures
    of a viewer are turned by one random time, and the largest mass over all measures and steps is found.

    Signs are not flipped, since expressions are rare and short: most of the time everybody is a little below the own mean, which
    flipped signs take for agreement. All clusters come back, whatever their p, the largest first; none with fewer than LEAST viewers.
    """
    turned = _Turned.of(values)
    if turned is None:
        return []
    whole = turned.at(np.zeros((1, len(values)), np.int64))[0]
    found = [(first, stop, row) for row, line in enumerate(whole) for first, stop in _spans(line / NORMAL)]
    if not found:
        return []
    mass = np.array([np.abs(whole[row, a:b]).sum() for a, b, row in found])
    largest = np.concatenate([_largest(turned.at(shifts)) for shifts in turned.draws(rounds, seed)])
    p = [float((largest >= one * (1 - 1e-9)).sum() + 1) / (len(largest) + 1) for one in mass]
    order = np.argsort(-mass, kind="stable").tolist()
    return [Stretch(first, stop, row, p[i], int(np.sign(whole[row, first]))) for i, (first, stop, row) in ((i, found[i]) for i in order)]


def parts_p(values: Numbers, parts: Numbers, *, rounds: int = 5000, seed: int = 0) -> Numbers:
    """p of each part of the film being like the rest of it, corrected for all parts and measures (the largest statistic counts).

    values: as in `stretches`. parts: float64 (q, k), the share of each step in a part, 0..1. Curves are turned as in `stretches`, and the
    statistic is the t of the viewers' mean departures in the part, with LEAST_SPREAD. Returns float64 (q, m); NaN for a part that is the
    whole film, or with too few viewers.
    """
    n, measures, steps = values.shape
    out = np.full((len(parts), measures), np.nan)
    turned = _Turned.of(values)
    told = np.flatnonzero((parts < 1 - 1e-9).any(axis=1))
    if turned is None or not len(told):
        return out
    spectra = [np.conj(np.fft.rfft(array)) for array in (turned.values, turned.known)]
    seen, largest = np.full((len(told), measures), np.nan), np.zeros(0)
    for i, part in enumerate(parts[told]):  # one by one, for the memory's sake; all with the same turns
        own = _Part.of(part, spectra, steps)
        seen[i] = np.where(own.enough[..., 0].sum(axis=0) >= LEAST, np.abs(own.at(np.zeros((1, n), np.int64))[0]), np.nan)
        most = np.concatenate([np.abs(own.at(shifts)).max(axis=1) for shifts in turned.draws(rounds, seed)])
        largest = np.maximum(largest, most) if i else most
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
        least = np.sqrt(np.square(means).sum(axis=(0, 2)) / np.maximum(enough.sum(axis=(0, 2)), 1))
        return cls(means, enough, np.maximum(least, 1e-12))

    def at(self, shifts: Ints) -> Numbers:
        """The t of the part with the viewers turned so: float64 (rounds, m)."""
        people = np.arange(len(self.means))
        means, enough = (np.stack([array[people, :, row] for row in shifts]) for array in (self.means, self.enough))
        total, count = means.sum(axis=1), enough.sum(axis=1)
        own = _deviation(total, np.square(means).sum(axis=1), count)
        return np.asarray(np.where(count >= LEAST, total / np.sqrt(np.maximum(count, 1)) / np.fmax(own, LEAST_SPREAD * self.least), 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """Viewers' departures from their own straight lines."""

    values: Numbers
    """float64 (n, m, k), 0 where there is none."""
    known: Numbers
    """float64 (n, m, k), 1 where there is one."""
    spread: Numbers
    """float64 (m, 1): standard deviation over viewers and steps."""

    @classmethod
    def of(cls, values: Numbers) -> _Turned | None:
        """None with too few viewers or steps."""
        n, _, steps = values.shape
        if n < LEAST or steps < 2:
            return None
        known = np.isfinite(values).astype(np.float64)
        apart = np.where(known > 0, departures(values), 0.0)
        spread = np.sqrt(np.square(apart).sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1))
        return cls(apart, known, np.maximum(spread, 1e-12)[:, None])

    def draws(self, rounds: int, seed: int) -> Iterator[Ints]:
        """Turns of the viewers, int64 (some, n) at a time."""
        n, measures, steps = self.values.shape
        rounds = min(rounds, max(LEAST_ROUNDS, MOST_WORK // max(1, n * measures * steps)))
        shifts = np.random.default_rng(seed).integers(steps, size=(rounds, n))
        at_once = max(1, SPARE_MEMORY // max(1, measures * steps))
        for done in range(0, rounds, at_once):
            yield shifts[done : done + at_once]

    def at(self, shifts: Ints) -> Numbers:
        """The statistic of each step with the viewers turned so: float64 (rounds, m, k)."""
        _, measures, steps = self.values.shape
        total, square, count = (np.zeros((measures, len(shifts), steps)) for _ in range(3))
        time = np.arange(steps)
        full = self.known.all()
        for i, own in enumerate(shifts.T):
            where = (time - own[:, None]) % steps
            own_values = self.values[i][:, where]
            total += own_values
            square += np.square(own_values)
            count += 1.0 if full else self.known[i][:, where]
        spread = np.fmax(_deviation(total, square, count), self.spread[:, None])
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.where(count >= LEAST, total / np.sqrt(count) / spread, 0.0)
        return np.asarray(found.transpose(1, 0, 2))


def departures(values: Numbers) -> Numbers:
    """From the straight line that fits each row best, float64 (..., k) of (..., k) in even steps; NaN where there is none."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    time = np.where(known, np.arange(values.shape[-1], dtype=np.float64), 0.0)
    late = np.where(known, time - time.sum(axis=-1, keepdims=True) / count, 0.0)
    filled = np.nan_to_num(values)
    apart = np.where(known, values - filled.sum(axis=-1, keepdims=True) / count, np.nan)
    slope = (late * np.nan_to_num(apart)).sum(axis=-1, keepdims=True) / np.maximum(np.square(late).sum(axis=-1, keepdims=True), 1e-12)
    return np.asarray(apart - slope * late)


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
