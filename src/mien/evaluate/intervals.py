"""How far a figure would move with other pictures, or other people, of the same kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.types import Bools, Ints

LEVEL = 0.95
NORMAL = 1.959963984540054
"""Quantile of the normal distribution at (1 + LEVEL) / 2."""
BLOCK = 1 << 20
"""Numbers of resamples that are held at once."""
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Which rows come together: the pictures of one person are not independent of each other."""

    of: Ints
    """int64 (n,): the cluster of each row, from 0."""
    unit: str
    """What is drawn: `subject`, beside pictures of nobody known, or `picture`."""
    named: Bools
    """bool (n,): rows that show somebody who is known."""

    @property
    def count(self) -> int:
        """Number of clusters."""
        return int(self.of.max()) + 1 if len(self.of) else 0

    @property
    def people(self) -> int:
        """Number of those that are people."""
        return len(np.unique(self.of[self.named]))

    def where(self, rows: NDArray[np.generic]) -> Clusters:
        """Those of some rows, numbered anew."""
        return Clusters(np.unique(self.of[rows], return_inverse=True)[1].astype(np.int64), self.unit, self.named[rows])


def clusters(subjects: NDArray[np.object_], sources: NDArray[np.object_]) -> Clusters:
    """Pictures by the person on them, a name counting within its source; pictures of nobody known are each for themselves.

    subjects, sources: (n,) names, "" for none. With fewer than two people known, each picture is for itself.
    """
    names = [f"{source}\0{name}" if name else f"\0\0{i}" for i, (name, source) in enumerate(zip(subjects, sources, strict=True))]
    people = {name for name in names if not name.startswith("\0\0")}
    if len(people) < 2:
        return alone(len(names))
    known: dict[str, int] = {}
    of = np.array([known.setdefault(name, len(known)) for name in names], np.int64)
    return Clusters(of, "subject", np.array([name in people for name in names], np.bool_))


def alone(n: int) -> Clusters:
    """Each picture for itself."""
    return Clusters(np.arange(n), "picture", np.zeros(n, np.bool_))


def draws(found: Clusters, *, rounds: int, seed: int = 0) -> Iterator[Ints]:
    """Resamples: how often each row is in it, int64 (n,).

    Whole clusters are drawn with replacement, as many as there are, and all their rows with them (the cluster bootstrap; Davison &
    Hinkley 1997, section 3.8). Clusters of one row each give Efron's plain bootstrap (1979).
    """
    return (weights for block in blocks(found, rounds=rounds, seed=seed) for weights in block)


def blocks(found: Clusters, *, rounds: int, seed: int = 0) -> Iterator[Ints]:
    """The same resamples, many at once: int64 (m, n), BLOCK numbers or one resample each."""
    rng, count = np.random.default_rng(seed), found.count
    most = max(1, BLOCK // max(1, len(found.of)))
    for start in range(0, rounds, most):
        m = min(most, rounds - start)
        drawn = rng.integers(0, count, (m, count)) + count * np.arange(m)[:, None]
        yield np.bincount(drawn.ravel(), minlength=m * count).reshape(m, count)[:, found.of]


def percentile_intervals(
    figures: Callable[[Ints], Mapping[str, float]], found: Clusters, *, rounds: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Percentile bootstrap intervals (Efron & Tibshirani 1993, chapter 13) of several figures from the same resamples.

    figures: takes how often each row counts, int64 (n,), and gives numbers by name. A NaN, such as of a class that was not drawn, is
    left out. Same seed, same intervals.
    """
    values: dict[str, list[float]] = {}
    for weights in draws(found, rounds=rounds, seed=seed):
        for name, value in figures(weights).items():
            values.setdefault(name, []).append(value)
    return {name: percentiles(np.array(drawn, np.float64)) for name, drawn in values.items()}


def intervals_by(found: Clusters, rounds: int) -> dict[str, Any]:
    """How `percentile_intervals` were made, ready for JSON. units: people, or pictures; others: pictures of nobody known beside people."""
    by_people = found.unit == "subject"
    others = {"others": int((~found.named).sum())} if by_people and not found.named.all() else {}
    units = found.people if by_people else found.count
    return {"method": "percentile bootstrap", "rounds": rounds, "level": LEVEL, "unit": found.unit, "units": units} | others


def with_width(intervals: Mapping[str, Interval], shares: Mapping[str, float], found: Clusters) -> dict[str, Interval]:
    """The intervals without those that have no width, which resamples of what is always right, always wrong or constant give.

    Those of figures that no resample has are left out too.
    shares: figures by name that are shares of the rows. One without width gets Wilson's interval of as many as there are clusters.
    """
    wide = {name: between for name, between in intervals.items() if between[0] < between[1]}
    return wide | {name: share_of(share, found) for name, share in shares.items() if name in intervals and name not in wide}


def share_of(share: float, found: Clusters) -> Interval:
    """Wilson's interval of a share of the rows: as if of the clusters, since the rows of one are not independent."""
    return wilson(share * found.count, found.count)


def percentiles(values: NDArray[np.float64]) -> Interval:
    """The middle LEVEL of the values that are no NaN; NaN where all are."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def wilson(hits: float, n: int) -> Interval:
    """Score interval of a share of independent rows (Wilson 1927), which holds for few rows and for shares of 0 and 1 too."""
    if not n:
        return float("nan"), float("nan")
    share, z2 = hits / n, NORMAL**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = NORMAL / (1 + z2 / n) * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # at the ends rounding would leave the share itself outside
    return (0.0 if hits == 0 else float(middle - half)), (1.0 if hits == n else float(middle + half))
