"""Temperatures of the heads and of their blend, fitted on validation rows."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import DataError
from mien.models.recogniser import softmax, tempered, traits
from mien.types import Floats, Ints

GRID = np.exp(np.linspace(np.log(0.3), np.log(4), 200))
FOLDS = 10
SLOPE_PENALTY = 3.6
"""Of the slopes' squares, in rows: what keeps them near 0 where rows are few. Between 1 and 10 it changed nothing on FER-2013."""

Logits = NDArray[np.floating]


def losses(probs: Floats, true: Ints) -> NDArray[np.float64]:
    """Negative log-likelihood of each label (n,) under probabilities (n, K)."""
    return np.asarray(-np.log(np.maximum(probs[np.arange(len(true)), true].astype(np.float64), 1e-12)))


def fitted_temperature(logits: Logits, true: Ints) -> float:
    """The temperature that makes labels (n,) most likely under softmax(logits / T), over a fine grid (Guo et al. 2017).

    Raises DataError where there are none: every temperature would be as good as any other.
    """
    if not len(true):
        raise DataError("temperature: found no row to fit it on; wanted one or more whose label is known")
    return round(float(min(GRID, key=lambda t: losses(softmax(logits, t), true).mean())), 4)


def at_end(temperature: float) -> bool:
    """Whether a fitted temperature is one of the ends of the grid: the labels would be likelier still beyond it."""
    return temperature in (round(float(GRID[0]), 4), round(float(GRID[-1]), 4))


def fitted_slopes(logits: Logits, true: Ints, temperature: float) -> tuple[float, ...]:
    """Slopes for `tempered` that make labels (n,) most likely; none where rows that they were not fitted on do not become likelier by more
    than twice the standard error of that.

    One temperature makes a model too little sure of what it knows best and too sure of what it confuses: on FER-2013 happy faces
    were right oftener than said, disgusted ones less often.
    """
    if len(true) < 2 * FOLDS:
        return ()
    part, held_out = np.random.default_rng(0).permutation(len(true)) % FOLDS, np.empty(logits.shape, np.float32)
    for fold in range(FOLDS):
        out = part == fold
        held_out[out] = tempered(logits[out], temperature, _slopes(logits[~out], true[~out], temperature))
    gain = losses(softmax(logits, temperature), true) - losses(held_out, true)
    if gain.mean() <= 2 * gain.std() / len(true) ** 0.5:
        return ()
    return tuple(round(slope, 4) for slope in _slopes(logits, true, temperature))


def _slopes(logits: Logits, true: Ints, temperature: float) -> tuple[float, ...]:
    found, z = (torch.from_numpy(np.asarray(a, np.float64)) for a in (traits(softmax(logits, temperature)), logits / temperature))
    slopes = torch.zeros(found.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([slopes], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        own = z / torch.exp(found @ slopes)[:, None]
        value = torch.nn.functional.cross_entropy(own, torch.from_numpy(true)) + SLOPE_PENALTY / len(true) * slopes.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    return tuple(slopes.tolist())
