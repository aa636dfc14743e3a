"""Who is kin to whom among pictures, and a hold-out that keeps kin on one side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.data.split import assign
from mien.types import Bools, Ints

Names = Sequence[str] | NDArray[Any]


def kin(ids: Names, parents: Names, hashes: Names, paths: Names | None = None) -> Ints:
    """A number for each of n pictures, int64 (n,), the same for exact copies and for all that descend from one picture.

    parents: id or path of the picture that each was made from, "" for none; it need not be among the n. hashes: of the bytes, "" where
    not known.
    """
    n = len(ids)
    above = list(range(n))

    def root(i: int) -> int:
        while above[i] != i:
            above[i] = above[above[i]]
            i = above[i]
        return i

    first: dict[tuple[str, str], int] = {}
    for kind, names in (("name", ids), ("name", paths if paths is not None else ids), ("hash", hashes), ("name", parents)):
        for i, name in enumerate(names):
            if name:
                a, b = root(i), root(first.setdefault((kind, name), i))
                above[max(a, b)] = min(a, b)
    return np.array([root(i) for i in range(n)], np.int64)


def hold_out(labels: Ints, groups: Ints, part: float, *, seed: int) -> Bools:
    """Which of n pictures are held out, bool (n,): about `part` of every class, never a group in parts, and of no class all.

    labels: int64 (n,), 0..K - 1; groups: int64 (n,), equal for pictures that stay together, of whatever classes: see split.assign, which
    deals them out. Where it holds out all of a class, the smallest group with a picture of the class is given back.
    """
    held: Bools = np.asarray(assign(labels, groups, np.array([1 - part, part]), seed=seed) == 1)
    for label in np.unique(labels).tolist():
        mine = labels == label
        if held[mine].all():
            there, sizes = np.unique(groups[np.isin(groups, groups[mine])], return_counts=True)
            held &= groups != there[sizes.argmin()]
    return held
