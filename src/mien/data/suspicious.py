"""Labels that a model, which has not seen them, contradicts: confident learning.

Northcutt, Jiang & Chuang 2021, "Confident learning: estimating uncertainty in dataset labels", J. Artificial Intelligence Research 70.
A picture is suspicious when its probability of another class reaches what pictures of that class have on average, more so than its
own class's does. The published method is these few lines of numpy. The package cleanlab (Apache-2.0 since 2.9, AGPL before) does the
same and much more, but brings pandas, SciPy and scikit-learn, about 250 MB, into an installation of which this is a fraction; the
tests compare with it.

The probabilities come from a multinomial logistic regression on what a recogniser says of each picture, cross-validated: each picture
is judged by a regression that was fitted without it, and without its duplicates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.types import Floats, Ints

FOLDS = 5
RIDGE = 1e-3
"""Weight of the squared coefficients against the mean log-likelihood: shrinks little, and makes the answer unique."""
STEPS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Suspicious:
    """Pictures whose labels are suspicious, the most suspicious first."""

    where: Ints
    """int64 (m,): position of the picture."""
    given: Ints
    """int64 (m,): its label, as a position among K classes."""
    suggested: Ints
    """int64 (m,): the class that the model is confident of."""
    margin: Floats
    """float32 (m,): probability of the label given less that of the most probable other class, -1..1; lowest first."""
    joint: Ints
    """int64 (K, K): pictures by label given (rows) and class that the model is confident of (columns)."""

    def __len__(self) -> int:
        return len(self.where)


def suspicious(probs: Floats, labels: Ints) -> Suspicious:
    """Confident learning's off-diagonal pictures, ranked by normalised margin.

    probs: float32 (n, K), of a model that has not seen the picture; labels: int64 (n,), positions of 0..K-1, or -1 where there is
    none: such a picture is never suspicious, and counts nowhere. Raises UsageError for shapes that do not agree.
    """
    if probs.ndim != 2 or labels.shape != (len(probs),):
        raise UsageError(f"probs and labels: found shapes {probs.shape} and {labels.shape}, wanted (n, classes) and (n,)")
    n, k = probs.shape
    if k < 2:
        return _none(k)
    known = labels >= 0
    mean = [probs[labels == j, j].mean(dtype=np.float64) if (labels == j).any() else np.inf for j in range(k)]
    confident = (probs >= np.array(mean) - 1e-6) & known[:, None]  # a class of equal probabilities must reach its own mean
    answered = confident.any(axis=1)
    best = np.where(confident, probs, -1.0).argmax(axis=1)
    joint = np.zeros((k, k), np.int64)
    np.add.at(joint, (labels[answered], best[answered]), 1)
    own = np.take_along_axis(probs, np.maximum(labels, 0)[:, None], axis=1)[:, 0]
    others = probs.copy()
    others[np.arange(n), np.maximum(labels, 0)] = -np.inf
    margin = own - others.max(axis=1)
    # With thresholds that differ a confident class may still be less probable than the label: that is no contradiction.
    where = np.flatnonzero(answered & (best != labels) & (margin < 0))
    where = where[np.argsort(margin[where], kind="stable")]
    return Suspicious(where, labels[where], best[where], np.asarray(margin[where], np.float32), joint)


def _none(classes: int) -> Suspicious:
    empty = np.zeros(0, np.int64)
    return Suspicious(empty, empty, empty, np.zeros(0, np.float32), np.zeros((classes, classes), np.int64))


def cross_validated(features: Floats, labels: Ints, classes: int, *, groups: Ints | None = None) -> Floats:
    """Probabilities of each class by a logistic regression that has not seen the picture, float32 (n, classes).

    features: float32 (n, d); labels: int64 (n,), -1 where there is none (predicted, but never learnt from). groups: int64 (n,):
    pictures of one group, such as duplicates, are in one fold. Raises UsageError when there are fewer groups than folds.
    """
    group = np.unique(np.arange(len(labels)) if groups is None else groups, return_inverse=True)[1]
    count = int(group.max(initial=-1)) + 1
    if count < FOLDS:
        raise UsageError(f"found {count} pictures that are not duplicates, wanted at least {FOLDS}, one for each fold")
    fold = np.random.default_rng(0).permutation(count)[group] % FOLDS
    out = np.zeros((len(labels), classes), np.float32)
    for k in range(FOLDS):
        learnt = (fold != k) & (labels >= 0)
        out[fold == k] = Regression.fit(features[learnt], labels[learnt], classes).probs(features[fold == k])
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """Multinomial logistic regression."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    """float64 (d + 1, K): the last row is the intercept."""

    @classmethod
    def fit(cls, features: Floats, labels: Ints, classes: int) -> Regression:
        """Maximum of the penalised likelihood by Newton's method: d * K is small, so its exact step is the fastest way there."""
        mean = features.mean(axis=0, dtype=np.float64) if len(features) else np.zeros(features.shape[1])
        scale = features.std(axis=0, dtype=np.float64) if len(features) else np.ones(features.shape[1])
        scale = np.where(scale > 1e-9, scale, 1.0)
        x = _with_one((features - mean) / scale)
        n, d = x.shape
        target = np.eye(classes)[labels]
        ridge = np.full((d, classes), RIDGE)
        ridge[-1] = 1e-6  # the intercept is free, but for a class that is not there
        weights = np.zeros((d, classes))
        for _ in range(STEPS if n else 0):
            probs = _softmax(x @ weights)
            gradient = x.T @ (probs - target) / n + ridge * weights
            hessian = np.diag(ridge.T.ravel())
            for i in range(classes):
                for j in range(i, classes):
                    curve = probs[:, i] * ((i == j) - probs[:, j])
                    block = (x * curve[:, None]).T @ x / n
                    hessian[i * d : (i + 1) * d, j * d : (j + 1) * d] += block
                    if i != j:
                        hessian[j * d : (j + 1) * d, i * d : (i + 1) * d] += block
            step = np.linalg.solve(hessian, gradient.T.ravel()).reshape(classes, d).T
            weights -= step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-12))  # far from the top a full step may overshoot
            if np.abs(step).max() < 1e-5:
                break
        return cls(mean, scale, weights)

    def probs(self, features: Floats) -> Floats:
        """Probabilities, float32 (n, K)."""
        return np.asarray(_softmax(_with_one((features - self.mean) / self.scale) @ self.weights), np.float32)


def _with_one(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([x, np.ones(len(x))])


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def agreement(joint: Ints) -> Floats:
    """Share of each class's confidently judged pictures that keep their label, float32 (K,); NaN for a class without any."""
    total = joint.sum(axis=1)
    return np.asarray(np.where(total > 0, np.diag(joint) / np.maximum(total, 1), np.nan), np.float32)
