"""Two models on the same pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import UsageError
from mien.evaluate.intervals import LEVEL, Clusters, percentile_intervals
from mien.evaluate.metrics import Judged
from mien.types import Bools, Ints

COMPARED = ("accuracy", "balanced_accuracy", "macro_f1", "top2", "ece")


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


def compare(first: Judged, second: Judged, found: Clusters, *, rounds: int = 1000, seed: int = 0) -> dict[str, Any]:
    """Differences first minus second with paired bootstrap intervals, and McNemar's test: ready for JSON.

    Both have the same rows and labels. rounds: 0 for no intervals.
    """
    if first.labels != second.labels or not np.array_equal(first.true, second.true):
        raise UsageError(f"two models can be compared on the same pictures and labels only; found {len(first)} and {len(second)} rows")

    def difference(weights: Ints | None) -> dict[str, float]:
        one, other = first.headline(weights), second.headline(weights)
        return {name: one[name] - other[name] for name in COMPARED}

    test = mcnemar(first.right, second.right)
    return {
        "n": len(first),
        "both_right": int((first.right & second.right).sum()),
        "only_first_right": test.only_first,
        "only_second_right": test.only_second,
        "both_wrong": int((~first.right & ~second.right).sum()),
        "mcnemar_exact_p": test.exact_p,
        "mcnemar_mid_p": test.mid_p,
        "same_answer": int((first.guess == second.guess).sum()),
        "difference": difference(None),
        "difference_intervals": percentile_intervals(difference, found, rounds=rounds, seed=seed) if rounds else {},
        "level": LEVEL,
    }
