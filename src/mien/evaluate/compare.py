"""Two models on the same pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import UsageError
from mien.evaluate.intervals import LEVEL, Clusters, Interval, percentile_intervals
from mien.evaluate.metrics import Judged, affect_figures
from mien.evaluate.moments import gap_intervals
from mien.types import Bools, Floats, Ints

COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "kappa", "top2", "ece")
Three = tuple[Floats, Floats, Floats]
"""Of one axis the first model's values, the second's and the true ones, float32 (n,) each; NaN for none."""


@dataclass(frozen=True, slots=True)
class McNemar:
    """McNemar's test: do two models err equally often on the same pictures?"""

    only_first: int
    """Pictures that only the first model answers rightly."""
    only_second: int
    exact_p: float
    mid_p: float


def mcnemar(first: Bools, second: Bools) -> McNemar:
    """McNemar's test of two models on the same rows, two-sided.

    first, second: bool (n,), whether each answered rightly. The exact p is binomial: of the rows on which just one is right, half
    are expected on either side (McNemar 1947). The mid-p counts half of the probability of what was seen; it is less timid and kept
    its level wherever it was tried (Fagerland, Lydersen & Laake 2013). Both take the rows as independent; neither knows of people.
    """
    if first.shape != second.shape:
        raise UsageError(f"McNemar's test: found {first.shape} and {second.shape} answers; wanted those to the same pictures")
    b, c = int((first & ~second).sum()), int((~first & second).sum())
    n, few = b + c, min(b, c)
    tail, term = 0, 1  # whole numbers: exact for any n
    for i in range(few + 1):
        tail += term
        seen, term = term, term * (n - i) // (i + 1)
    exact = min(1.0, 2 * tail / 2**n)
    # With b = c the two tails share the middle term, which 2 * tail counts twice; the paper has this case apart.
    mid = (2 * tail - seen) / 2**n if b != c else 1 - seen / 2 ** (n + 1)
    return McNemar(b, c, exact, mid if n else 1.0)


def compare(
    first: Judged | None,
    second: Judged | None,
    found: Clusters,
    *,
    axes: Mapping[str, Three] | None = None,
    rounds: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Differences first minus second with paired bootstrap intervals, and of labels McNemar's test: ready for JSON.

    Both have the same rows and labels, or None for none. axes: what there is of `valence` and `arousal`; their figures are called
    `valence_ccc` and so on, over the pictures for which both models give them, whose number is in `rated`. `first` and `second` are the
    figures that the differences are of: those of an axis may be others than each model's own, which are over all that it gives.
    rounds: 0 for no intervals. A difference of the CCC and r of fewer than moments.FEWEST pictures or people has none.
    """
    if first is not None and second is not None and (first.labels != second.labels or not np.array_equal(first.true, second.true)):
        raise UsageError(f"two models can be compared on the same pictures and labels only; found {len(first)} and {len(second)} rows")
    rated = {axis: _common(*three) for axis, three in (axes or {}).items()}
    by_label: dict[str, Any] = {}
    one, other = _named(rated, 0), _named(rated, 1)
    intervals: dict[str, Interval] = {}
    if first is not None and second is not None:
        by_label = _by_right(first, second)
        one, other = _headline(first) | one, _headline(second) | other
        intervals |= percentile_intervals(lambda w: _gaps(_headline(first, w), _headline(second, w)), found, rounds=rounds, seed=seed)
    for axis, three in rated.items():
        drawn = gap_intervals(*three, found, rounds=rounds, seed=seed)
        intervals |= {f"{axis}_{name}": between for name, between in drawn.items()}
    return {
        "n": len(found.of),
        "rated": {axis: int(np.isfinite(true).sum()) for axis, (_, _, true) in rated.items()},
        **by_label,
        "first": one,
        "second": other,
        "difference": _gaps(one, other),
        "difference_intervals": intervals,
        "level": LEVEL,
    }


def _headline(judged: Judged, weights: Ints | None = None) -> dict[str, float]:
    found = judged.headline(weights)
    return {name: found[name] for name in COMPARED}


def _named(rated: Mapping[str, Three], model: int) -> dict[str, float]:
    """Figures of the axes of the first model, 0, or the second, 1, by the names they have here."""
    return {
        f"{axis}_{name}": value
        for axis, three in rated.items()
        for name, value in affect_figures(three[model], three[2]).items()
        if name != "n"
    }


def _gaps(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    return {name: value - second[name] for name, value in first.items()}


def _common(first: Floats, second: Floats, true: Floats) -> Three:
    """The same with no truth where either model has nothing to hold against it."""
    return first, second, np.where(np.isfinite(first) & np.isfinite(second), true, np.float32(np.nan))


def _by_right(first: Judged, second: Judged) -> dict[str, Any]:
    test = mcnemar(first.right, second.right)
    return {
        "both_right": int((first.right & second.right).sum()),
        "only_first_right": test.only_first,
        "only_second_right": test.only_second,
        "both_wrong": int((~first.right & ~second.right).sum()),
        "mcnemar_exact_p": test.exact_p,
        "mcnemar_mid_p": test.mid_p,
        "same_answer": int((first.guess == second.guess).sum()),
    }
