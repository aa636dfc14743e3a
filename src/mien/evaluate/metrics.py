"""Figures of merit from probabilities and true labels: pure functions on arrays.

Where rows may count more than once (a bootstrap draws some twice and some never) `weights`, int64 (n,), says how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.types import Bools, Floats, Ints

Numbers = NDArray[np.float64]
BINS = 15
"""Equal-width bins of confidence."""
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def confusion_matrix(true: Ints, guess: Ints, classes: int, weights: Ints | None = None) -> Ints:
    """Counts, int64 (classes, classes): rows are true labels, columns are answers; an answer of -1 is in no column."""
    counted = guess >= 0
    pairs = true[counted] * classes + guess[counted]
    counts = np.bincount(pairs, None if weights is None else weights[counted], minlength=classes * classes)
    return np.rint(counts).astype(np.int64).reshape(classes, classes)


def recalls(true: Ints, guess: Ints, classes: int) -> Floats:
    """Share of each class answered rightly, float32 (classes,); NaN for a class without rows."""
    return np.asarray(recalls_of(confusion_matrix(true, guess, classes), np.bincount(true, minlength=classes)), np.float32)


def recalls_of(counts: Ints, support: Ints) -> Numbers:
    """Recalls from a confusion matrix and the rows of each class, which may have none answered."""
    return _share(np.diag(counts), support)


def precisions_of(counts: Ints) -> Numbers:
    """Share of each answer that was right, float64 (classes,); NaN for a class that was never answered."""
    return _share(np.diag(counts), counts.sum(axis=0))


def f1_of(counts: Ints, support: Ints) -> Numbers:
    """Harmonic mean of precision and recall, 2 TP / (support + answered) (van Rijsbergen 1979); NaN for a class without rows."""
    scores = 2 * np.diag(counts) / np.maximum(support + counts.sum(axis=0), 1)
    return np.where(support > 0, scores, np.nan)


def kappa_of(counts: Ints, support: Ints) -> float:
    """Cohen's kappa (1960): agreement beyond what the frequencies of truth and answers give by chance; 1 for all right, 0 for chance.

    From a confusion matrix and the rows of each class, which may have none answered: no answer counts as one that is never right. NaN
    without rows, and where all are of one class and so answered, since chance alone would agree wholly.
    """
    n = float(support.sum())
    chance = float((support * counts.sum(axis=0)).sum()) / n**2 if n else 1.0
    return (float(np.trace(counts)) / n - chance) / (1 - chance) if chance < 1 else float("nan")


def mean_known(values: Numbers) -> float:
    """Mean of the values that are no NaN; NaN where all are."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def reliability(confidence: Floats, right: Bools, *, bins: int = BINS, weights: Ints | None = None) -> dict[str, Numbers]:
    """Rows, mean confidence and accuracy of equal-width bins of confidence (DeGroot & Fienberg 1983): float64 (bins,) each.

    A bin holds low < confidence <= high; means are NaN in one without rows.
    """
    which = np.clip(np.ceil(np.asarray(confidence, np.float64) * bins).astype(np.int64) - 1, 0, bins - 1)
    counted = np.ones(len(which)) if weights is None else weights.astype(np.float64)
    rows: Numbers = np.asarray(np.bincount(which, counted, minlength=bins), np.float64)
    return {
        "n": rows,
        "confidence": _share(np.bincount(which, counted * confidence, minlength=bins), rows),
        "accuracy": _share(np.bincount(which, counted * right, minlength=bins), rows),
    }


def expected_calibration_error(confidence: Floats, right: Bools, *, bins: int = BINS, weights: Ints | None = None) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their rows (Guo et al. 2017)."""
    found = reliability(confidence, right, bins=bins, weights=weights)
    total = found["n"].sum()
    if not total:
        return float("nan")
    return float(np.nansum(np.abs(found["confidence"] - found["accuracy"]) * found["n"]) / total)


def calibration_error_by_chance(confidence: Floats, *, bins: int = BINS) -> float:
    """What the expected calibration error would be, on average, were every confidence exactly the chance of being right.

    Few rows leave a gap in every bin even then (Bröcker & Smith 2007): the mean absolute deviation of the bin's count of right answers,
    by the normal approximation. An error near this one is no sign of bad calibration. NaN without rows.
    """
    if not len(confidence):
        return float("nan")
    exact = np.asarray(confidence, np.float64)
    which = np.clip(np.ceil(exact * bins).astype(np.int64) - 1, 0, bins - 1)
    return float(np.sqrt(2 / np.pi * np.bincount(which, exact * (1 - exact))).sum() / len(exact))


def concordance(a: Floats, b: Floats) -> float:
    """Concordance correlation coefficient (Lin 1989), -1..1; NaN when both are constant and equal, or there are fewer than two rows."""
    if len(a) < 2:
        return float("nan")
    one, other = deviations(a), deviations(b)
    gap = np.mean(a, dtype=np.float64) - np.mean(b, dtype=np.float64)
    spread = (one**2).mean() + (other**2).mean() + gap**2
    return float(2 * (one * other).mean() / spread) if spread > 0 else float("nan")


def correlation(a: Floats, b: Floats) -> float:
    """Pearson's r, -1..1: how near to any rising line, where concordance asks for the same values; NaN where either is constant."""
    if not len(a):
        return float("nan")
    one, other = deviations(a), deviations(b)
    spread = np.sqrt((one**2).mean()) * np.sqrt((other**2).mean())
    return float(np.clip((one * other).mean() / spread, -1, 1)) if spread > 0 else float("nan")


def deviations(values: Floats) -> Numbers:
    """Differences from the mean, float64 (n,), exactly 0 for what is constant: the mean of equal numbers may be a rounding beside them."""
    moved = values.astype(np.float64) - values[0]
    return np.asarray(moved - moved.mean())


def affect_figures(guess: Floats, true: Floats) -> dict[str, float]:
    """CCC, Pearson's r, RMSE and MAE of one axis, over the rows where both are finite."""
    both = np.asarray(np.isfinite(np.stack([guess, true])).all(axis=0))
    gap = guess[both] - true[both]
    if not both.any():
        return {"n": 0, "ccc": float("nan"), "r": float("nan"), "rmse": float("nan"), "mae": float("nan")}
    return {
        "n": int(both.sum()),
        "ccc": concordance(guess[both], true[both]),
        "r": correlation(guess[both], true[both]),
        "rmse": float(np.sqrt((gap**2).mean())),
        "mae": float(np.abs(gap).mean()),
    }


def risk_coverage(confidence: Floats, right: Bools, coverages: tuple[float, ...] = COVERAGES) -> dict[str, float]:
    """Accuracy over the most confident share of the rows, for each coverage (El-Yaniv & Wiener 2010). Ties keep their order."""
    order = np.argsort(-confidence, kind="stable")
    return {f"{c:g}": float(right[order[: max(1, round(c * len(order)))]].mean()) for c in coverages} if len(order) else {}


@dataclass(frozen=True, eq=False)
class Judged:
    """Answers of a classifier beside the truth."""

    probs: Floats
    """float32 (n, K) over `labels`; a row of NaN is a picture without an answer, which counts as wrong."""
    true: Ints
    """int64 (n,), positions in `labels`."""
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.true)

    @cached_property
    def answered(self) -> Bools:
        """bool (n,)."""
        return np.asarray(np.isfinite(self.probs).all(axis=1))

    @cached_property
    def order(self) -> Ints:
        """int64 (n, K): positions of the labels, most probable first."""
        return np.asarray(np.argsort(-np.where(self.answered[:, None], self.probs, 0), axis=1, kind="stable"), np.int64)

    @cached_property
    def guess(self) -> Ints:
        """int64 (n,): the answer, -1 where there is none."""
        return np.where(self.answered, self.order[:, 0], -1)

    @cached_property
    def right(self) -> Bools:
        """bool (n,)."""
        return np.asarray(self.guess == self.true)

    @cached_property
    def second(self) -> Bools:
        """bool (n,): whether the second most probable label is the true one."""
        return np.asarray((self.order[:, 1] == self.true) & self.answered) if len(self.labels) > 1 else np.zeros(len(self), np.bool_)

    @cached_property
    def confidence(self) -> Floats:
        """float32 (n,): probability of the answer, 0 where there is none."""
        return np.asarray(np.where(self.answered[:, None], self.probs, 0).max(axis=1, initial=0), np.float32)

    def where(self, rows: Bools | Ints) -> Judged:
        """Some of the rows."""
        return Judged(self.probs[rows], self.true[rows], self.labels)

    def headline(self, weights: Ints | None = None) -> dict[str, float]:
        """The figures that are one number each."""
        counted = np.ones(len(self), np.int64) if weights is None else weights
        counts = confusion_matrix(self.true, self.guess, len(self.labels), counted)
        support = np.rint(np.bincount(self.true, counted, minlength=len(self.labels))).astype(np.int64)
        wrong = counted * ~self.right
        seen = np.nonzero(self.answered)[0]
        n = max(int(counted.sum()), 1)
        return {
            "accuracy": float((counted * self.right).sum() / n),
            "balanced_accuracy": mean_known(recalls_of(counts, support)),
            "macro_f1": mean_known(f1_of(counts, support)),
            "kappa": kappa_of(counts, support),
            "top2": float((counted * (self.right | self.second)).sum() / n),
            "second_given_wrong": float((wrong * self.second).sum() / wrong.sum()) if wrong.any() else float("nan"),
            "ece": expected_calibration_error(self.confidence[seen], self.right[seen], weights=counted[seen]),
        }


def figures(judged: Judged) -> dict[str, object]:
    """Everything `mien evaluate` says about classification but the intervals: plain numbers, ready for JSON."""
    labels, classes = judged.labels, len(judged.labels)
    counts = confusion_matrix(judged.true, judged.guess, classes)
    support = np.bincount(judged.true, minlength=classes)
    recall, precision, f1 = recalls_of(counts, support), precisions_of(counts), f1_of(counts, support)
    bins = reliability(judged.confidence[judged.answered], judged.right[judged.answered])
    return {
        "n": len(judged),
        "unanswered": int((~judged.answered).sum()),
        **judged.headline(),
        "ece_by_chance": calibration_error_by_chance(judged.confidence[judged.answered]),
        "coverage": risk_coverage(judged.confidence, judged.right),
        "per_class": {
            label: {"precision": float(precision[k]), "recall": float(recall[k]), "f1": float(f1[k]), "support": int(support[k])}
            for k, label in enumerate(labels)
            if support[k]
        },
        "confusion": {
            "labels": list(labels),
            "counts": counts.tolist(),
            "shares": _share(counts, support[:, None]).tolist(),
            "no_answer": (support - counts.sum(axis=1)).tolist(),
        },
        "reliability": [
            {"low": k / BINS, "high": (k + 1) / BINS, "n": int(bins["n"][k])}
            | {name: float(bins[name][k]) for name in ("confidence", "accuracy")}
            for k in range(BINS)
        ],
    }


def _share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> Numbers:
    """part / whole; NaN where there is nothing."""
    total = np.asarray(whole, np.float64)
    return np.asarray(part, np.float64) / np.where(total > 0, total, np.nan)
