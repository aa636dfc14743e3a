"""Figures of merit against plain loops and hand-made cases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.evaluate import metrics


def loop_f1(true: list[int], guess: list[int], k: int) -> float:
    both = sum(t == g == k for t, g in zip(true, guess, strict=True))
    answered, present = sum(g == k for g in guess), sum(t == k for t in true)
    if not present:
        return math.nan
    if not both:
        return 0.0
    precision, recall = both / answered, both / present
    return 2 * precision * recall / (precision + recall)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=60))
def test_counts_agree_with_loops(pairs: list[tuple[int, int]]) -> None:
    true, guess = [t for t, _ in pairs], [g for _, g in pairs]
    t, g = np.array(true), np.array(guess)
    matrix = metrics.confusion_matrix(t, g, 4)
    assert all(matrix[i, j] == pairs.count((i, j)) for i in range(4) for j in range(4))
    f1, recall = metrics.f1_scores(t, g, 4), metrics.recalls(t, g, 4)
    for k in range(4):
        assert f1[k] == pytest.approx(loop_f1(true, guess, k), nan_ok=True)
        present = true.count(k)
        assert recall[k] == pytest.approx(pairs.count((k, k)) / present if present else math.nan, nan_ok=True)


def test_calibration_error_of_known_cases() -> None:
    assert metrics.expected_calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0, abs=1e-12)
    assert metrics.expected_calibration_error(np.full(10, 0.9), np.zeros(10, bool)) == pytest.approx(0.9)
    assert metrics.expected_calibration_error(np.array([0.2, 1.0]), np.array([False, True])) == pytest.approx(0.1)
    assert math.isnan(metrics.expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


@given(hnp.arrays(np.float64, 20, elements=st.floats(-1, 1)), st.floats(0.1, 1))
def test_concordance_is_one_only_for_equality(a: np.ndarray, shift: float) -> None:
    if a.std() > 1e-3:
        assert metrics.concordance(a, a) == pytest.approx(1)
        assert metrics.concordance(a, a + shift) < 1
        # Lin 1989: correlation times the bias correction
        b = 0.5 * a + shift
        correction = 2 * a.std() * b.std() / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        assert metrics.concordance(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1] * correction)


def test_affect_figures_leave_out_missing() -> None:
    found = metrics.affect_figures(np.array([0.0, 1.0, np.nan]), np.array([0.5, 0.5, 0.0]))
    assert found["n"] == 2
    assert found["mae"] == found["rmse"] == pytest.approx(0.5)


def test_interval_covers_a_fair_coin() -> None:
    right = np.arange(400) % 2 == 0
    low, high = metrics.bootstrap(lambda rows: float(right[rows].mean()), 400)
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.2)  # the normal approximation


def test_figures_of_a_small_case() -> None:
    labels = ("a", "b", "c")
    probs = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.3, 0.6], [np.nan] * 3], np.float32)
    found = metrics.figures(probs, np.array([0, 1, 0, 2]), labels)
    assert found["n"] == 4
    assert found["unanswered"] == 1
    assert found["accuracy"] == 0.25
    assert found["top2"] == 0.5
    assert found["second_given_wrong"] == pytest.approx(1 / 3)
    assert found["confusion"]["counts"] == [[1, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert found["per_class"]["a"]["recall"] == 0.5
    assert found["balanced_accuracy"] == pytest.approx(0.5 / 3)


def test_surer_rows_come_first_in_coverage() -> None:
    confidence, right = np.linspace(0, 1, 10), np.arange(10) >= 5
    assert metrics.risk_coverage(confidence, right, (1.0, 0.5)) == {"1": 0.5, "0.5": 1.0}
