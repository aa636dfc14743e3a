"""Figures of all resamples at once against numpy on the rows written out, and their intervals against a bootstrap in plain loops."""

import numpy as np
import pytest

from mien.evaluate.intervals import alone, clusters
from mien.evaluate.moments import FEWEST, affect_intervals, figures_of, gap_intervals

NAMES = ["ccc", "r", "rmse", "mae"]


def pair(n: int, *, noise: float = 0.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    true = rng.uniform(-1, 1, n)
    return (0.8 * true + 0.1 + noise * rng.standard_normal(n)).astype(np.float32), true.astype(np.float32)


def by_hand(guess: np.ndarray, true: np.ndarray) -> list[float]:
    a, b = guess.astype(float), true.astype(float)
    cov = np.cov(a, b, bias=True)
    ccc = 2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + (a.mean() - b.mean()) ** 2)
    return [ccc, np.corrcoef(a, b)[0, 1], np.sqrt(((a - b) ** 2).mean()), np.abs(a - b).mean()]


def test_each_resample_has_the_figures_of_its_rows() -> None:
    guess, true = pair(40)
    counts = np.random.default_rng(1).integers(0, 4, (25, 40))
    found = figures_of(counts, guess, true)
    assert list(found) == NAMES
    wanted = [by_hand(np.repeat(guess, row), np.repeat(true, row)) for row in counts]
    np.testing.assert_allclose(np.stack(list(found.values()), axis=1), wanted, atol=1e-12)


def test_what_has_no_figure_is_nan() -> None:
    """One picture alone, two, none; three of which the truth is one value, drawn so often that its mean is a rounding."""
    guess, true = np.array([0.1, 0.2, 0.4, -0.5, -0.1], np.float32), np.array([0.3, 0.3, 0.3, 0.9, -0.7], np.float32)
    found = figures_of(np.array([[0, 0, 0, 5, 0], [0, 0, 0, 2, 3], [0, 0, 0, 0, 0], [3, 1, 7, 0, 0]]), guess, true)
    assert np.isnan(found["r"]).all()
    assert np.isnan(found["ccc"]).tolist() == [True, True, True, False]
    assert found["ccc"][3] == 0
    assert np.isnan(found["mae"]).tolist() == [False, False, True, False]
    assert found["mae"][0] == pytest.approx(1.4)


@pytest.mark.parametrize("people", [0, 12])
def test_intervals_are_those_of_a_bootstrap_in_loops(people: int) -> None:
    guess, true = pair(36)
    own = clusters(np.repeat([f"p{k}" for k in range(people)], 3).astype(object), np.full(36, "", object)) if people else alone(36)
    found = affect_intervals(guess, true, own, rounds=300, seed=4)
    rng, rows = np.random.default_rng(4), np.arange(36).reshape(people or 36, -1)
    drawn = []
    for _ in range(300):
        at = rows[rng.integers(0, len(rows), len(rows))].ravel()
        drawn.append(by_hand(guess[at], true[at]))
    assert list(found) == NAMES
    np.testing.assert_allclose(np.array(list(found.values())), np.quantile(drawn, [0.025, 0.975], axis=0).T, atol=1e-9)


def test_few_pictures_or_people_have_no_interval_of_a_concordance() -> None:
    guess, true = pair(FEWEST)
    assert list(affect_intervals(guess, true, alone(FEWEST), rounds=100)) == NAMES
    true[0] = np.nan
    assert list(affect_intervals(guess, true, alone(FEWEST), rounds=100)) == ["rmse", "mae"]
    guess, true = pair(9 * 20)
    nine = clusters(np.repeat([f"p{k}" for k in range(9)], 20).astype(object), np.full(180, "", object))
    assert list(affect_intervals(guess, true, nine, rounds=100)) == ["rmse", "mae"]
    assert list(gap_intervals(guess, true, true, nine, rounds=100)) == ["rmse", "mae"]
    assert affect_intervals(guess, true, alone(180), rounds=0) == {}
    assert affect_intervals(np.full_like(guess, np.nan), true, alone(180), rounds=10) == {}


def test_the_fewest_pictures_cover_the_truth_as_often_as_is_said() -> None:
    """87 % of sets of ten; two normal variables of which CCC and r are .7. Two standard errors of 500 sets are 3 points."""
    rng, hits = np.random.default_rng(0), 0
    for k in range(500):
        true = rng.standard_normal(FEWEST)
        guess = 0.7 * true + np.sqrt(1 - 0.7**2) * rng.standard_normal(FEWEST)
        low, high = affect_intervals(guess.astype(np.float32), true.astype(np.float32), alone(FEWEST), rounds=300, seed=k)["ccc"]
        hits += low <= 0.7 <= high
    assert hits / 500 == pytest.approx(0.87, abs=0.04)


def test_a_model_that_is_always_right_has_no_interval() -> None:
    true = pair(50)[1]
    assert affect_intervals(true, true, alone(50), rounds=100) == {}
    moved = (2 * true + 0.1).astype(np.float32)  # r is 1 but for roundings
    assert list(affect_intervals(moved, true, alone(50), rounds=100)) == ["ccc", "rmse", "mae"]
    assert gap_intervals(true, true, true, alone(50), rounds=100) == dict.fromkeys(NAMES, (0.0, 0.0))
