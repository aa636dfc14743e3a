"""Temperatures that are fitted on validation rows."""

import numpy as np
import pytest

pytest.importorskip("torch")
from mien.errors import DataError
from mien.models.recogniser import tempered
from mien.train.calibrate import at_end, fitted_slopes, fitted_temperature

SLOPES = (0.6, -0.6, 0.0, 0.0, 0.3, 0.0)


def drawn(n: int, temperature: float, slopes: tuple[float, ...] = (), seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (n, 5) and labels of which they are exact once tempered."""
    rng = np.random.default_rng(seed)
    logits = temperature * rng.normal(0, 2, (n, 5))
    probs = tempered(logits, temperature, slopes).astype(np.float64)
    return logits, (probs.cumsum(1) < rng.random((n, 1)) * probs.sum(1, keepdims=True)).sum(1)


def test_temperature_is_recovered() -> None:
    assert fitted_temperature(*drawn(20_000, 3)) == pytest.approx(3, rel=0.05)


def test_no_rows_give_no_temperature() -> None:
    with pytest.raises(DataError, match="found no row to fit it on"):
        fitted_temperature(np.empty((0, 5)), np.empty(0, np.int64))


def test_slopes_are_recovered() -> None:
    logits, true = drawn(20_000, 2, SLOPES)
    found = fitted_slopes(logits, true, 2)
    np.testing.assert_allclose(found[:2], SLOPES[:2], atol=0.1)
    ours, right = (tempered(logits, 2, slopes).max(axis=1) for slopes in (found, SLOPES))
    assert np.abs(ours - right).mean() < 0.01
    assert np.abs(tempered(logits, 2).max(axis=1) - right).mean() > 0.03


def test_exact_temperatures_and_few_rows_get_no_slopes() -> None:
    assert fitted_slopes(*drawn(4_000, 1.5), 1.5) == ()
    assert fitted_slopes(*drawn(15, 2, SLOPES), 2) == ()
    assert fitted_slopes(*drawn(40, 1.5), 1.5) == ()


def test_an_end_of_the_grid_is_known_as_one() -> None:
    assert [at_end(fitted_temperature(*drawn(200, t))) for t in (0.05, 2, 30)] == [True, False, True]
