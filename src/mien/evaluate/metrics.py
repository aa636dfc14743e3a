"""Figures of merit from probabilities and true labels: pure functions on arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mien.types import Bools, Floats, Ints


def confusion_matrix(true: Ints, guess: Ints, classes: int) -> Ints:
    """Counts, int64 (classes, classes): rows are true labels, columns are answers; an answer of -1 is in no column."""
    counted = guess >= 0
    return np.bincount(true[counted] * classes + guess[counted], minlength=classes * classes).reshape(classes, classes)


def recalls(true: Ints, guess: Ints, classes: int) -> Floats:
    """Share of each class answered rightly, float32 (classes,); NaN for a class without rows."""
    support = np.bincount(true, minlength=classes)
    hits = np.bincount(true[true == guess], minlength=classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(hits / np.where(support > 0, support, np.nan), np.float32)


def f1_scores(true: Ints, guess: Ints, classes: int) -> Floats:
    """F1 of each class, float32 (classes,): 0 when it is never answered rightly, NaN for a class without rows."""
    support = np.bincount(true, minlength=classes)
    answered = np.bincount(guess[guess >= 0], minlength=classes)
    hits = np.bincount(true[true == guess], minlength=classes)
    scores = 2 * hits / np.maximum(support + answered, 1)
    return np.asarray(np.where(support > 0, scores, np.nan), np.float32)


def expected_calibration_error(confidence: Floats, right: Bools, *, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their rows (Guo et al. 2017)."""
    if not len(confidence):
        return float("nan")
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = [abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).mean() for b in range(bins) if (which == b).any()]
    return float(np.sum(gaps))


def concordance(a: Floats, b: Floats) -> float:
    """Concordance correlation coefficient (Lin 1989), -1..1; NaN when both are constant."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * ((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else float("nan")


def affect_figures(guess: Floats, true: Floats) -> dict[str, float]:
    """CCC, RMSE and MAE of one axis, over the rows where both are finite."""
    both = np.asarray(np.isfinite(np.stack([guess, true])).all(axis=0))
    gap = guess[both] - true[both]
    if not both.any():
        return {"n": 0, "ccc": float("nan"), "rmse": float("nan"), "mae": float("nan")}
    return {
        "n": int(both.sum()),
        "ccc": concordance(guess[both], true[both]),
        "rmse": float(np.sqrt((gap**2).mean())),
        "mae": float(np.abs(gap).mean()),
    }


def bootstrap(figure: Callable[[Ints], float], n: int, *, rounds: int = 500, seed: int = 0, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of a figure under resampling of n rows with replacement (Efron 1979).

    figure: takes row numbers, int64 (n,), and gives a number.
    """
    rng = np.random.default_rng(seed)
    values = [figure(rng.integers(0, n, n)) for _ in range(rounds)]
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def risk_coverage(confidence: Floats, right: Bools, coverages: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.5)) -> dict[str, float]:
    """Accuracy over the most confident share of the rows, for each coverage."""
    order = np.argsort(-confidence, kind="stable")
    return {f"{c:g}": float(right[order[: max(1, round(c * len(order)))]].mean()) for c in coverages} if len(order) else {}


def figures(probs: Floats, true: Ints, labels: tuple[str, ...]) -> dict[str, object]:
    """Everything `mien evaluate` says about classification.

    probs: float32 (n, K) over `labels`; a row of NaN is a picture without an answer, which counts as wrong.
    true: int64 (n,), positions in `labels`.
    """
    n, classes = len(true), len(labels)
    answered = np.asarray(np.isfinite(probs).all(axis=1))
    safe = np.where(answered[:, None], probs, 0)
    order = np.argsort(-safe, axis=1, kind="stable")
    guess = np.where(answered, order[:, 0], -1)
    right = guess == true
    second = (order[:, 1] == true) & answered
    confidence = safe.max(axis=1)
    recall, f1 = recalls(true, guess, classes), f1_scores(true, guess, classes)
    support = np.bincount(true, minlength=classes)
    wrong = ~right
    return {
        "n": n,
        "unanswered": int((~answered).sum()),
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(np.nanmean(recall)),
        "macro_f1": float(np.nanmean(f1)),
        "top2": float((right | second).mean()),
        "second_given_wrong": float(second[wrong].mean()) if wrong.any() else float("nan"),
        "ece": expected_calibration_error(confidence[answered], right[answered]),
        "coverage": risk_coverage(confidence, right),
        "per_class": {
            label: {"n": int(support[k]), "recall": float(recall[k]), "f1": float(f1[k])} for k, label in enumerate(labels) if support[k]
        },
        "confusion": {"labels": list(labels), "counts": confusion_matrix(true, guess, classes).tolist()},
        "intervals": {
            "accuracy": bootstrap(lambda rows: float(right[rows].mean()), n),
            "macro_f1": bootstrap(lambda rows: float(np.nanmean(f1_scores(true[rows], guess[rows], classes))), n, rounds=200),
        },
    }
