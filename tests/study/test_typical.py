"""What is typical of a film: told from most of it, also where two fifths of it are not."""

from itertools import combinations

import numpy as np
import pytest

from mien.study import typical
from mien.study.typical import typical_level, when_typical


def curve(event: slice, *, slope: float, height: float, seed: int) -> np.ndarray:
    """Noise of .03 around a line, float64 (1, 60), and far above it in the event."""
    values = np.random.default_rng(seed).normal(0, 0.03, (1, 60)) + slope * np.linspace(0, 1, 60)
    values[:, event] += height
    return values


@pytest.mark.parametrize("slope", [0.0, 0.5, -0.5])
@pytest.mark.parametrize("event", [slice(36, 60), slice(0, 24), slice(18, 42), slice(50, 60), slice(0, 0)], ids=str)
def test_what_lasts_for_two_fifths_of_a_film_is_not_typical(event: slice, slope: float):
    for seed, height in enumerate((0.6, -0.6, 0.6, -0.6)):
        expected = np.ones(60, np.bool_)
        expected[event] = False
        assert np.mean(when_typical(curve(event, slope=slope, height=height, seed=seed))[0] == expected) >= 0.9


def test_gaps_are_not_typical_and_do_not_count():
    values = np.concatenate([curve(slice(36, 60), slope=0.0, height=0.6, seed=0), np.full((1, 60), np.nan), np.zeros((1, 60))])
    values[0, 5:9] = np.nan
    found = when_typical(values)
    assert not found[0, 5:9].any()
    assert found[0, :36].sum() >= 30
    assert not found[0, 36:].any()
    assert not found[1].any()
    assert found[2].all()
    assert when_typical(np.array([[1.0, np.nan]])).tolist() == [[True, False]]


def test_the_line_of_the_best_half_is_that_of_all_pairs():
    values = np.random.default_rng(1).normal(size=(2, 15)).cumsum(axis=1)
    values[1, [2, 7, 8]] = np.nan
    time = np.arange(15)
    for row, found in zip(values, typical._line_of_the_best_half(values), strict=True):
        known = np.flatnonzero(np.isfinite(row))
        lines = [np.polyval(np.polyfit(pair, row[list(pair)], 1), time) for pair in combinations(known, 2)]
        costs = [np.sort(np.abs(row - line)[known])[: len(known) // 2 + 1].sum() for line in lines]
        np.testing.assert_allclose(found, lines[int(np.argmin(costs))], atol=1e-9)


def test_the_typical_level_is_where_most_numbers_are():
    rng = np.random.default_rng(0)
    quiet, lively = rng.normal(0.1, 0.02, 36), rng.normal(0.7, 0.02, 24)
    values = rng.permutation(np.concatenate([quiet, lively, np.full(5, np.nan)]))
    assert typical_level(values)[0] == pytest.approx(quiet.mean(), abs=1e-12)
    assert typical_level(np.array([[0.0, 0, 0, 0.3, 1], [np.nan] * 5, [np.nan, 4, np.nan, np.nan, np.nan]])).tolist() == [[0], [0], [4]]
