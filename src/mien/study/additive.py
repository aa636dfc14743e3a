"""Viewers' means over what not all of them saw, as if all had: an additive model of viewers and steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.timing import Numbers
from mien.types import Bools, Ints

LEAST_SHARE, LEAST_VIEWERS = 1 / 3, 3
"""Share, and number, of the viewers that must have a value in a step for it to count: what one or two show at the end of a film, which the
others did not see, would be taken for what all would have shown, with next to no interval."""

ALIKE = 1e-3
"""Variance within a group, as a share of what others move its mean by, below which its viewers are alike and cannot be spread out."""


def least_viewers(n: int) -> int:
    """How many of n viewers must have a value in a step for it to count; all, of fewer than LEAST_VIEWERS."""
    return max(math.ceil(LEAST_SHARE * n - 1e-9), min(LEAST_VIEWERS, n))


def steps_that_count(known: Bools) -> Bools:
    """Which values count, bool (n, k), of which there are."""
    return np.asarray(known & (known.sum(axis=0) >= least_viewers(int(known.any(axis=1).sum()))))


def linked(counts: Bools) -> Ints:
    """Which set each viewer is in, int64 (n,): the lowest number among all whom steps link, through others too; -1 of no step that counts.

    counts: bool (n, k), which values count.
    """
    links, sets = (counts.astype(np.float64) @ counts.T) > 0, np.arange(len(counts))
    while True:
        lowest = np.minimum(np.where(links, sets, len(links)).min(axis=1, initial=len(links)), sets)
        if np.array_equal(lowest, sets):
            return np.where(counts.any(axis=1), sets, -1)
        sets = lowest


@dataclass(frozen=True, slots=True, eq=False)
class Additive:
    """Values of viewers in steps, each the sum of what is the viewer's and what is the step's.

    Fitted by least squares to the values there are (Yates 1934), each step by its seconds. A viewer's level is the viewer's part plus the
    mean of those of all steps, which is the marginal mean of Searle, Speed & Milliken (1980): who left before the lively end is not taken
    for calm. Who has a value in each step has the plain mean, to rounding, and so has everybody where nothing is missing. Steps in which
    fewer than `least_viewers` have a value do not count: levels are over the others. Viewers whom no steps link, not through others
    either, are fitted apart, each set over the steps that it saw; who has values only in steps that do not count has the plain mean of
    those.
    """

    levels: Numbers
    """float64 (n, m): mean of each viewer over the steps, as if the viewer had seen all; NaN of nothing."""
    _alike: tuple[_Alike, ...]

    @classmethod
    def of(cls, values: Numbers, seconds: Numbers) -> Additive:
        """values: float64 (n, m, k): viewers, measures, steps; NaN where there is none. seconds: float64 (k,), of each step that count."""
        within = seconds > 0
        values, seconds = values[..., within], seconds[within]
        known, left, found = np.isfinite(values), list(range(values.shape[1])), list[_Alike]()
        while left:  # mostly all measures are known at the same times, and are fitted at once
            alike = [m for m in left if np.array_equal(known[:, m], known[:, left[0]])]
            found.append(_Alike.of(values[:, alike], known[:, left[0]], seconds, alike))
            left = [m for m in left if m not in alike]
        levels = np.empty(values.shape[:2])
        for one in found:
            levels[:, one.columns] = one.levels
        return cls(levels, tuple(found))

    def stand_ins(self, of: Bools, less: Bools | None = None, *, since: Additive | None = None) -> Numbers:
        """What stands for viewers in intervals and tests of a mean of their levels: float64 (n, m), NaN of the others.

        of: bool (n, m), whose mean it is. less: of a difference, whose mean is taken away; only those of the largest set that steps link
        stand in it, since levels of others are over other steps. since: of changes, from whose levels they count. The steps' parts come
        from viewers too, and others would have moved them: what a viewer's values move the mean by is added to the viewer's level
        (pseudo-values of the infinitesimal jackknife, Jaeckel 1972). Those who are in no mean move it too, by the steps that they saw; by
        as much the rest is spread out, along the levels where changes are all alike, as those of viewers who missed the same are. The means
        of both sides stay those of the levels, also where others were put in for those. Where nothing is missing, the levels stand for
        themselves.
        """
        models = [(self, 1.0)] if since is None else [(self, 1.0), (since, -1.0)]
        levels = sum((sign * model.levels for model, sign in models), start=np.zeros(self.levels.shape))
        there = np.isfinite(levels)
        if less is not None:
            there = np.logical_and.reduce([there, *(model._largest(of | less) for model, _ in models)])
        parts = [part & there for part in (of, less) if part is not None]
        shares = _shares(parts)
        moved = sum((sign * model._moved(shares) for model, sign in models), start=np.zeros(levels.shape))
        return _spread(levels, self.levels, moved, parts)

    def changes(self, values: Numbers, of: Bools) -> Numbers:
        """The same of changes of values in each step from the levels: float64 (n, m, k). values: float64 (n, m, k); of: bool (n,).

        What a viewer moves the mean by is taken to be the same in all steps, whoever has a value there.
        """
        moved = -self._moved(_shares([of[:, None] & np.isfinite(self.levels)]))
        every, flat = (np.repeat(array[..., None], values.shape[2], axis=2).reshape(len(of), -1) for array in (self.levels, moved))
        own = values.reshape(len(of), -1)
        return _spread(own - every, own, flat, [of[:, None] & np.isfinite(own - every)]).reshape(values.shape)

    def _moved(self, shares: Numbers) -> Numbers:
        """What each viewer's values move sums of levels by through the steps' parts: float64 (n, m). shares: float64 (n, m), of levels."""
        out = np.zeros(self.levels.shape)
        for one in self._alike:
            out[:, one.columns] = one.moved(shares[:, one.columns])
        return out

    def _largest(self, of: Bools) -> Bools:
        """Whom of the linked sets with most of some viewers, bool (n, m)."""
        out = np.zeros(of.shape, np.bool_)
        for one in self._alike:
            for members, _ in one.sets:
                more = (members[:, None] & of[:, one.columns]).sum(axis=0) > (out & of)[:, one.columns].sum(axis=0)
                out[:, one.columns] = np.where(more, members[:, None], out[:, one.columns])
        return out


def _shares(parts: Sequence[Bools]) -> Numbers:
    """Of each viewer in the mean of the first part, less that of the second if there is one: float64 (n, m), of bool (n, m) each."""
    each = [part / np.maximum(part.sum(axis=0), 1) for part in parts]
    return np.asarray(each[0] - each[1] if len(each) > 1 else each[0])


def _spread(levels: Numbers, own: Numbers, moved: Numbers, parts: Sequence[Bools]) -> Numbers:
    """Levels of each part with what viewers move its mean by, float64 (n, m). See Additive.stand_ins.

    own: along which they are spread out where they are alike. moved: what each viewer, of all, moves the mean or the difference by.
    """
    shares, middle, apart, along = _shares(parts), np.full(levels.shape, np.nan), np.zeros(levels.shape), np.zeros(levels.shape)
    for part, sign in zip(parts, (1, -1), strict=False):
        more = sign * moved * part.sum(axis=0)
        middle = np.where(part, _mean(levels, part), middle)
        apart = np.where(part, levels - middle + more - _mean(more, part), apart)
        along = np.where(part, own - _mean(own, part), along)
    within, beside = np.square(shares * apart).sum(axis=0), np.where(shares == 0, np.square(moved), 0.0).sum(axis=0)
    apart = np.where(within < ALIKE * beside, along, apart)
    return np.asarray(middle + np.sqrt((within + beside) / np.maximum(np.square(shares * apart).sum(axis=0), 1e-300)) * apart)


def _mean(values: Numbers, of: Bools) -> Numbers:
    """Of some rows, float64 (m,): of (n, m) each; 0 of none."""
    return np.asarray(np.where(of, values, 0.0).sum(axis=0) / np.maximum(of.sum(axis=0), 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Alike:
    """The model of measures that are known at the same times."""

    columns: list[int]
    levels: Numbers
    """float64 (n, q)."""
    _left: Numbers
    """float64 (n, q, k): what of the values is neither the viewer's nor the step's; 0 where there is none that counts. Of a step that m
    viewers saw m / (m - 1) times as much, or what few saw would be too sure: each of few draws the step's part to the own value."""
    _counts: Bools
    """bool (n, k)."""
    _seconds: Numbers
    """float64 (k,)."""
    sets: tuple[tuple[Bools, Numbers], ...]
    """Viewers whom steps link, bool (n,), and the share of each step in their means, float64 (k,)."""
    _inverse: Numbers
    """float64 (n, n): of the equations of the viewers' parts."""

    @classmethod
    def of(cls, values: Numbers, known: Bools, seconds: Numbers, columns: list[int]) -> _Alike:
        """known: bool (n, k)."""
        counts = steps_that_count(known)
        filled, number, weight = np.where(counts[:, None], values, 0.0), np.maximum(counts.sum(axis=0), 1), counts * seconds
        shared = (weight / number) @ counts.T  # seconds that two viewers both saw, each over the viewers who saw it
        sets = linked(counts)
        alone = sets < 0
        # the steps' parts are put in; the level of the viewers of a set, which falls out of the sums, is set by the last term
        inverse = np.linalg.inv(np.diag(weight.sum(axis=1) + alone) - shared + ((sets[:, None] == sets) & ~alone) * seconds.mean())
        steps = filled.sum(axis=0) / number  # (q, k)
        viewers = inverse @ np.einsum("nqk,nk->nq", filled - steps, weight)
        steps = steps - viewers.T @ counts / number
        with np.errstate(invalid="ignore", divide="ignore"):
            levels = np.where(known[:, None], values, 0.0) @ seconds / (known @ seconds)[:, None]
        members_of = list[tuple[Bools, Numbers]]()
        for one in np.unique(sets[~alone]):
            members = sets == one
            film = counts[members].any(axis=0) * seconds
            members_of.append((members, film / film.sum()))
            levels[members] = viewers[members] + steps @ members_of[-1][1]
        left = np.where(counts[:, None], filled - viewers[..., None] - steps, 0.0) * (number / np.maximum(number - 1, 1))
        return cls(columns, levels, left, counts, seconds, tuple(members_of), inverse)

    def moved(self, shares: Numbers) -> Numbers:
        """float64 (n, q). See Additive._moved. shares: float64 (n, q)."""
        number = np.maximum(self._counts.sum(axis=0), 1)
        steps = np.zeros((len(number), shares.shape[1]))
        for members, film in self.sets:
            steps += np.outer(film, shares[members].sum(axis=0))
        viewers = self._inverse @ (shares - (self._counts / number) @ steps)
        through = (steps - self._seconds[:, None] * (self._counts.T @ viewers)) / number[:, None]  # (k, q)
        return np.asarray(np.einsum("nqk,kq->nq", self._left, through))
