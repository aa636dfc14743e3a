"""The plain answers to classes of unequal size: weights for the loss, and a sampler that shows every class equally often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import DataError, UsageError
from mien.types import Ints


def class_weights(counts: dict[str, int], *, beta: float | None = None) -> dict[str, float]:
    """A weight for each class; a picture weighs 1 on average over all pictures.

    beta: None weighs by the inverse of the count, n / (K * n_c), so that every class counts alike; 0 to below 1 by the inverse of the
    effective number of pictures, (1 - beta) / (1 - beta ** n_c) (Cui et al. 2019), where large classes count more: .9 to .9999 are usual.
    A class without pictures has no weight. Raises UsageError, DataError.

    >>> class_weights({"happy": 30, "disgust": 10})
    {'happy': 0.6666666666666666, 'disgust': 2.0}
    """
    there = {label: n for label, n in counts.items() if n > 0}
    if not there:
        raise DataError("class weights: found no pictures in any class")
    if beta is not None and not 0 <= beta < 1:
        raise UsageError(f"beta {beta}: wanted 0 to below 1")
    n = np.array(list(there.values()), np.float64)
    raw = 1 / n if beta is None else 1 / -np.expm1(n * np.log(beta)) if beta > 0 else np.ones(len(n))
    weights = raw * n.sum() / (raw * n).sum()
    return dict(zip(there, weights.tolist(), strict=True))


def balanced_indices(labels: Sequence[str], count: int | None = None, *, seed: int = 0) -> Ints:
    """Positions to draw pictures at so that every class comes equally often, int64 (count,), shuffled.

    count: how many; None for as many as there are labels. Class sizes among them differ by one at most. A class is gone through
    whole, in a new order each time, before any of its pictures comes again. Empty labels are never drawn. Raises DataError.
    """
    array = np.asarray(labels, object)
    count = len(array) if count is None else count
    classes = sorted(set(array.tolist()) - {""})
    if not classes:
        raise DataError("balanced sampler: found no labels")
    if count < 0:
        raise UsageError(f"balanced sampler: count {count}, wanted 0 or more")
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(classes))  # who gets one more when it does not come out even
    drawn = []
    for place, k in enumerate(order):
        rows = np.flatnonzero(array == classes[k])
        share = count // len(classes) + (place < count % len(classes))
        rounds = [rng.permutation(rows) for _ in range(-(-share // len(rows)))]
        drawn.append(np.concatenate([*rounds, rows[:0]])[:share])
    return np.asarray(rng.permutation(np.concatenate(drawn)), np.int64)
