"""How many viewers showed an expression in a part of a film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.evaluate.intervals import wilson
from mien.study.viewer import LEAST_SEEN, MEASURES
from mien.timing import Numbers
from mien.types import Ints

EXPRESSIONS = slice(2, len(MEASURES))
"""Of MEASURES."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Viewers who showed each expression; a column an expression, in order of labels.EMOTIONS."""

    n: int
    """Viewers who could be seen in at least half of the part."""
    viewers: Ints
    """int64 (9,): those of them who showed it."""
    low: Numbers
    """float64 (9,): lower end of the 95 % interval of their share, by Wilson 1927; NaN without viewers."""
    high: Numbers

    @property
    def share(self) -> Numbers:
        """float64 (9,): of the n viewers; NaN without any."""
        return self.viewers / self.n if self.n else np.full(len(self.viewers), np.nan)


def reach(values: Numbers, seconds: Numbers, *, least_p: float, least_seconds: float) -> Reach:
    """Who showed what in a part of the film.

    values: float64 (n, len(MEASURES), k), means of each viewer in steps, NaN where there is none. seconds: float64 (k,), of the part in
    each step. A viewer showed an expression whose probability was least_p or more in steps that come to least_seconds in the part,
    or to all of a part that is shorter. Who has values in less than half of the part does not count.
    """
    shown, known = values[:, EXPRESSIONS], np.isfinite(values[:, EXPRESSIONS]).all(axis=1)
    counts = known @ seconds >= LEAST_SEEN * seconds.sum() - 1e-9
    with np.errstate(invalid="ignore"):
        lasted = (shown >= least_p) @ seconds
    viewers = (counts[:, None] & (lasted >= min(least_seconds, float(seconds.sum())) - 1e-9)).sum(axis=0)
    n = int(counts.sum())
    low, high = np.array([wilson(float(one), n) for one in viewers]).T
    return Reach(n, viewers.astype(np.int64), low, high)
