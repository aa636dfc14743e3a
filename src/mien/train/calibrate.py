"""Temperatures and the blend of the heads, fitted on validation rows."""

from __future__ import annotations

import numpy as np

from mien.models.recogniser import softmax
from mien.types import Floats, Ints

GRID = np.exp(np.linspace(np.log(0.3), np.log(4), 200))


def negative_log_likelihood(probs: Floats, true: Ints) -> float:
    """Mean negative log-likelihood of labels (n,) under probabilities (n, K)."""
    return float(-np.log(np.maximum(probs[np.arange(len(true)), true].astype(np.float64), 1e-12)).mean())


def fitted_temperature(logits: Floats, true: Ints) -> float:
    """The temperature that makes labels (n,) most likely under softmax(logits / T), over a fine grid (Guo et al. 2017)."""
    return round(float(min(GRID, key=lambda t: negative_log_likelihood(softmax(logits, t), true))), 4)


def fitted_power(probs: Floats, true: Ints) -> float:
    """The same for probabilities raised to 1 / T and normalised again."""
    return fitted_temperature(np.log(np.maximum(probs, 1e-12)), true)
