"""Figures of merit against plain loops and hand-made cases."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
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
    f1, recall = metrics.f1_of(matrix, np.bincount(t, minlength=4)), metrics.recalls(t, g, 4)
    for k in range(4):
        assert f1[k] == pytest.approx(loop_f1(true, guess, k), nan_ok=True)
        present = true.count(k)
        assert recall[k] == pytest.approx(pairs.count((k, k)) / present if present else math.nan, nan_ok=True)


def test_calibration_error_of_known_cases() -> None:
    assert metrics.expected_calibration_error(np.full(10, 0.7), np.arange(10) < 7) == pytest.approx(0, abs=1e-12)
    assert metrics.expected_calibration_error(np.full(10, 0.9), np.zeros(10, bool)) == pytest.approx(0.9)
    assert metrics.expected_calibration_error(np.array([0.2, 1.0]), np.array([False, True])) == pytest.approx(0.1)
    assert math.isnan(metrics.expected_calibration_error(np.zeros(0), np.zeros(0, bool)))


def test_few_rows_leave_a_calibration_error_where_there_is_none():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 500)
    drawn = [metrics.expected_calibration_error(confidence, rng.random(500) < confidence) for _ in range(400)]
    assert metrics.calibration_error_by_chance(confidence) == pytest.approx(np.mean(drawn), rel=0.03)
    assert metrics.calibration_error_by_chance(np.ones(9)) == 0
    assert math.isnan(metrics.calibration_error_by_chance(np.zeros(0)))


@given(hnp.arrays(np.float64, 20, elements=st.floats(-1, 1)), st.floats(0.1, 1))
def test_concordance_is_one_only_for_equality(a: np.ndarray, shift: float) -> None:
    if a.std() > 1e-3:
        assert metrics.concordance(a, a) == pytest.approx(1)
        assert metrics.concordance(a, a + shift) < 1
        # Lin 1989: correlation times the bias correction
        b = 0.5 * a + shift
        correction = 2 * a.std() * b.std() / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)
        assert metrics.concordance(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1] * correction)


@given(hnp.arrays(np.float32, (2, 20), elements=st.floats(-1, 1, width=32)))
def test_correlation_is_numpys(pair: np.ndarray) -> None:
    a, b = pair.astype(np.float64)
    if min(a.std(), b.std()) > 1e-3:
        assert metrics.correlation(*pair) == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)


@given(st.floats(-1, 1, width=32), st.integers(1, 40))
def test_what_is_constant_is_neither_concordant_nor_correlated(value: float, n: int) -> None:
    constant, other = np.full(n, value, np.float32), np.linspace(-0.9, 1, n).astype(np.float32)
    assert metrics.concordance(constant, other) == metrics.concordance(other, constant) == 0 or n == 1
    assert math.isnan(metrics.correlation(constant, other))
    assert math.isnan(metrics.correlation(other, constant))


def test_kappa_of_known_cases() -> None:
    # Two doctors on 50 cases, 20 and 15 of which both say yes and no to: .7 observed, .5 by chance.
    counts = np.array([[20, 5], [10, 15]])
    assert metrics.kappa_of(counts, counts.sum(axis=1)) == pytest.approx(0.4)
    assert metrics.kappa_of(np.diag([3, 4]), np.array([3, 4])) == 1
    assert math.isnan(metrics.kappa_of(np.diag([3, 0]), np.array([3, 0])))  # all of one class and so answered
    assert math.isnan(metrics.kappa_of(np.zeros((2, 2), int), np.zeros(2, int)))


def test_affect_figures_leave_out_missing() -> None:
    found = metrics.affect_figures(np.array([0.0, 1.0, np.nan]), np.array([0.5, 0.5, 0.0]))
    assert found["n"] == 2
    assert found["mae"] == found["rmse"] == pytest.approx(0.5)


def test_figures_of_a_small_case() -> None:
    labels = ("a", "b", "c")
    probs = np.array([[0.7, 0.2, 0.1], [0.5, 0.4, 0.1], [0.1, 0.3, 0.6], [np.nan] * 3], np.float32)
    found = metrics.figures(metrics.Judged(probs, np.array([0, 1, 0, 2]), labels))
    assert found["n"] == 4
    assert found["unanswered"] == 1
    assert found["accuracy"] == 0.25
    assert found["top2"] == 0.5
    assert found["second_given_wrong"] == pytest.approx(1 / 3)
    assert found["confusion"]["counts"] == [[1, 0, 1], [1, 0, 0], [0, 0, 0]]
    assert found["confusion"]["shares"][0] == [0.5, 0, 0.5]
    assert found["confusion"]["no_answer"] == [0, 0, 1]
    assert found["per_class"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert found["balanced_accuracy"] == pytest.approx(0.5 / 3)


def test_surer_rows_come_first_in_coverage() -> None:
    confidence, right = np.linspace(0, 1, 10), np.arange(10) >= 5
    assert metrics.risk_coverage(confidence, right, (1.0, 0.5)) == {"1": 0.5, "0.5": 1.0}


rows = st.tuples(st.integers(1, 40), st.integers(0, 10**6)).map(
    lambda drawn: (np.random.default_rng(drawn[1]).random((drawn[0], 4)), np.random.default_rng(drawn[1]).integers(0, 4, drawn[0]))
)
"""Probabilities without ties, which scikit-learn breaks in its own way, and labels."""


@settings(deadline=None, max_examples=10)
@given(rows)
def test_figures_are_those_of_scikit_learn(drawn: tuple[np.ndarray, np.ndarray]) -> None:
    theirs = pytest.importorskip("sklearn.metrics")
    probs, true = drawn
    judged = metrics.Judged((probs / probs.sum(axis=1, keepdims=True)).astype(np.float32), true, ("a", "b", "c", "d"))
    found = metrics.figures(judged)
    present = np.unique(true)
    guess = judged.guess
    assert found["accuracy"] == pytest.approx(theirs.accuracy_score(true, guess))
    assert found["confusion"]["counts"] == theirs.confusion_matrix(true, guess, labels=range(4)).tolist()
    assert found["balanced_accuracy"] == pytest.approx(theirs.recall_score(true, guess, labels=present, average="macro", zero_division=0))
    assert found["macro_f1"] == pytest.approx(theirs.f1_score(true, guess, labels=present, average="macro", zero_division=0))
    if len({*true.tolist(), *guess.tolist()}) > 1:
        assert found["kappa"] == pytest.approx(theirs.cohen_kappa_score(true, guess, labels=range(4)))
    unanswered = metrics.Judged(np.where(np.arange(len(true))[:, None] % 3 == 0, np.nan, judged.probs), true, judged.labels)
    assert unanswered.headline()["kappa"] == pytest.approx(theirs.cohen_kappa_score(true, unanswered.guess), abs=1e-12)
    assert found["top2"] == pytest.approx(theirs.top_k_accuracy_score(true, judged.probs, k=2, labels=range(4)))
    precision, recall, f1, support = theirs.precision_recall_fscore_support(true, guess, labels=range(4), zero_division=np.nan)
    for k in present:
        one = found["per_class"]["abcd"[k]]
        assert one["precision"] == pytest.approx(precision[k], nan_ok=True)
        assert (one["recall"], one["f1"], one["support"]) == (pytest.approx(recall[k]), pytest.approx(f1[k]), support[k])


@settings(deadline=None, max_examples=40)
@given(rows, st.randoms(use_true_random=False))
def test_a_row_that_counts_twice_is_two_rows(drawn: tuple[np.ndarray, np.ndarray], random: object) -> None:
    probs, true = drawn
    weights = np.array([random.randint(0, 3) for _ in true])  # type: ignore[attr-defined]
    if not weights.any():
        weights[0] = 1
    judged = metrics.Judged((probs / probs.sum(axis=1, keepdims=True)).astype(np.float32), true, ("a", "b", "c", "d"))
    repeated = judged.where(np.repeat(np.arange(len(true)), weights)).headline()
    assert judged.headline(weights) == {name: pytest.approx(value, nan_ok=True, abs=1e-6) for name, value in repeated.items()}


def test_reliability_of_a_hand_made_case() -> None:
    found = metrics.reliability(np.array([0.1, 0.2, 0.9, 1.0]), np.array([False, True, True, True]), bins=2)
    assert found["n"].tolist() == [2, 2]
    assert found["confidence"] == pytest.approx([0.15, 0.95])
    assert found["accuracy"].tolist() == [0.5, 1.0]
    # |.15 - .5| / 2 + |.95 - 1| / 2
    assert metrics.expected_calibration_error(np.array([0.1, 0.2, 0.9, 1.0]), np.array([False, True, True, True]), bins=2) == pytest.approx(
        0.2
    )
