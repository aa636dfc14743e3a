"""Who is kin to whom among pictures, and a hold-out that keeps kin on one side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.types import Ints

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


def hold_out(rows: Ints, groups: Ints, part: float) -> Ints:
    """About `part` of the rows, taken in their order and never a group in parts: at most the rounded share, and never all.

    rows: positions, shuffled by the caller; groups: a number for every picture of the whole set.
    """
    wanted = min(int(len(rows) * part + 0.5), len(rows) - 1)
    together: dict[int, list[int]] = {}
    for row in rows.tolist():
        together.setdefault(int(groups[row]), []).append(row)
    held: list[int] = []
    for members in together.values():
        if len(held) + len(members) <= wanted:
            held += members
    return np.array(held, np.int64)
