"""The assignment problem: pairs of rows and columns with the least total cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.types import Ints


def assign(cost: NDArray[np.floating]) -> tuple[Ints, Ints]:
    """Rows and their columns with the least total cost: two int64 (min(n, m),), rows ascending.

    cost: float (n, m), finite. Each row has at most one column and the other way round. The Hungarian method with shortest
    augmenting paths, O(n² m) (Kuhn 1955; Jonker & Volgenant 1987). Equal totals: always the same one of them.

    >>> rows, columns = assign(np.array([[1.0, 2.0], [1.0, 9.0]]))
    >>> rows.tolist(), columns.tolist()
    ([0, 1], [1, 0])
    """
    n, m = cost.shape
    if n > m:
        columns, rows = assign(cost.T)
        order = np.argsort(rows)
        return rows[order], columns[order]
    if n == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    best = cost.argmin(axis=1).astype(np.int64)
    if len(set(best.tolist())) == n:  # everybody's first choice is free: most frames of most videos
        return np.arange(n), best
    return np.arange(n), _augmented(np.asarray(cost, np.float64))


def _augmented(cost: NDArray[np.float64]) -> Ints:
    """Column of each row, n <= m. Columns count from 1; column 0 stands for the row that is being placed."""
    n, m = cost.shape
    row_price, column_price = np.zeros(n), np.zeros(m + 1)
    owner = np.full(m + 1, -1)
    for row in range(n):
        owner[0] = row
        slack = np.full(m + 1, np.inf)
        came_from = np.zeros(m + 1, np.int64)
        done = np.zeros(m + 1, np.bool_)
        column = 0
        while owner[column] >= 0:
            done[column] = True
            reduced = np.concatenate([[np.inf], cost[owner[column]] - row_price[owner[column]]]) - column_price
            nearer = ~done & (reduced < slack)
            slack[nearer], came_from[nearer] = reduced[nearer], column
            open_slack = np.where(done, np.inf, slack)
            following = int(open_slack.argmin())
            step = open_slack[following]
            row_price[owner[done]] += step
            column_price[done] -= step
            slack[~done] -= step
            column = following
        while column:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    out = np.empty(n, np.int64)
    taken = np.flatnonzero(owner[1:] >= 0)
    out[owner[1:][taken]] = taken
    return out
