"""A part of labelled pictures, for measurements that take long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.data.labelled import Labelled
from mien.errors import UsageError

NOT_SAMPLED = "not in the sample"


def sampled(data: Labelled, n: int, *, seed: int = 0) -> Labelled:
    """n of the pictures, in their order, each label having its share of them to within one picture; all where there are no more.

    Systematic sampling of the rows sorted by label and, within a label, by chance (Cochran 1977, chapter 8). The others are counted in
    `left_out`. Same seed, same pictures. Raises UsageError for fewer than one.
    """
    if n < 1:
        raise UsageError(f"sample: found {n}, wanted 1 picture or more")
    if n >= len(data):
        return data
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data))
    order = order[np.argsort(data.true[order], kind="stable")]
    at = np.floor((np.arange(n) + rng.random()) * (len(data) / n)).astype(np.int64)
    found = data.where(np.sort(order[np.minimum(at, len(data) - 1)]))
    return replace(found, left_out=data.left_out | {NOT_SAMPLED: len(data) - n})
