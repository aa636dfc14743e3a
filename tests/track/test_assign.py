"""The assignment, against all permutations."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.track.assign import assign

costs = st.tuples(st.integers(0, 5), st.integers(0, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.one_of(st.integers(-3, 3).map(float), st.floats(-100, 100)))
)


def least(cost: np.ndarray) -> float:
    n, m = cost.shape
    if n > m:
        return least(cost.T)
    return min(sum(cost[i, j] for i, j in enumerate(columns)) for columns in itertools.permutations(range(m), n))


@settings(max_examples=100, deadline=None)
@given(costs)
def test_no_other_pairs_cost_less(cost):
    rows, columns = assign(cost)
    assert len(rows) == len(columns) == min(cost.shape)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(set(columns.tolist())) == len(columns)
    assert cost[rows, columns].sum() == pytest.approx(least(cost), abs=1e-9)


def test_a_large_one_against_a_known_optimum():
    """Prices of rows and columns that add up to no more than any cost, and to the cost on one set of pairs, prove it the best."""
    rng = np.random.default_rng(0)
    best = rng.permutation(90)[:60]
    row_price, column_price = rng.normal(size=(60, 1)), np.zeros(90)
    column_price[best] = -rng.exponential(size=60)  # columns left over have no price
    cost = row_price + column_price + rng.exponential(size=(60, 90)) * 0.1
    cost[np.arange(60), best] = (row_price + column_price)[np.arange(60), best]
    rows, columns = assign(cost)
    assert len(set(cost.argmin(axis=1))) < 60  # not everybody's first choice is free
    assert rows.tolist() == list(range(60))
    assert columns.tolist() == best.tolist()
