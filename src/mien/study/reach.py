"""How many viewers showed an expression in a part of a film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.evaluate.intervals import wilson
from mien.labels import EMOTIONS
from mien.study.frames import Frames
from mien.study.viewer import LEAST_SEEN
from mien.timing import Numbers
from mien.types import Bools, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Viewers who showed each expression; a column an expression, in order of labels.EMOTIONS."""

    n: Ints
    """int64 (9,): viewers who could be seen in at least half of the part, without those at rest."""
    at_rest: Ints
    """int64 (9,): viewers who could be seen, but showed the expression in the baseline already, and do not count."""
    viewers: Ints
    """int64 (9,): those of the n who showed it."""
    low: Numbers
    """float64 (9,): lower end of the 95 % interval of their share, by Wilson 1927; NaN without viewers."""
    high: Numbers

    @property
    def share(self) -> Numbers:
        """float64 (9,): of the n viewers; NaN without any."""
        return np.asarray(np.where(self.n > 0, self.viewers / np.maximum(self.n, 1), np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class Showed:
    """Who showed what in a part of the film."""

    seen: Bools
    """bool (n,): viewers who could be seen in at least half of the part."""
    what: Bools
    """bool (n, 9): the expressions that they showed."""

    def of_viewers(self, which: Bools) -> Showed:
        """Those of some viewers, bool (n,)."""
        return Showed(self.seen[which], self.what[which])

    @classmethod
    def of(cls, viewers: Sequence[Frames], start: float, end: float, *, least_p: float, least_seconds: float) -> Showed:
        """From frames rather than from means over steps, which would hide what is shorter than a step, and tell the whole step of a part.

        A viewer showed an expression whose probability was least_p or more in frames that last least_seconds within the part together, or
        as long as the viewer was seen in it, if that is shorter.
        """
        there = [one.within(start, end) for one in viewers]
        seen = np.array([seconds.sum() for seconds in there])
        shown = np.array([seconds @ (one.probs >= least_p) for one, seconds in zip(viewers, there, strict=True)]).reshape(-1, len(EMOTIONS))
        enough = np.minimum(least_seconds, seen)[:, None]
        # times in tables are rounded, and a frame need not end where the next begins
        return cls((seen > 0) & (seen >= LEAST_SEEN * (end - start) - 1e-3), (shown > 0) & (shown >= enough - 1e-3))


def at_rest(baseline: Showed) -> Bools:
    """Who showed what in the baseline already, bool (n, 9), as a moustache may be read as anger all along; of neutral nobody, since it is
    what rest looks like.
    """
    return np.asarray(baseline.what & (np.array(EMOTIONS) != "neutral"))


def reach(showed: Showed, rest: Bools) -> Reach:
    """How many of the viewers a part reached. rest: `at_rest` of them, whose share nothing can be said of."""
    seen = showed.seen[:, None]
    n, resting, viewers = (who.sum(axis=0).astype(np.int64) for who in (seen & ~rest, seen & rest, seen & ~rest & showed.what))
    low, high = np.array([wilson(float(one), int(of)) for one, of in zip(viewers, n, strict=True)]).T
    return Reach(n, resting, viewers, low, high)
