"""Suspicious labels: planted ones are found, cleanlab finds the same, and scikit-learn fits the same regression."""

import warnings

import numpy as np
import pytest

from mien.data.suspicious import RIDGE, Regression, cross_validated, suspicious
from mien.errors import UsageError


def easy(n: int = 1200, classes: int = 5, flipped: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that tell the class, labels of which some were flipped, and which."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    features = (np.eye(classes, 8)[true] * 4 + rng.normal(0, 0.8, (n, 8))).astype(np.float32)
    wrong = rng.random(n) < flipped
    labels = np.where(wrong, (true + rng.integers(1, classes, n)) % classes, true)
    return features, labels, wrong


def test_planted_wrong_labels_are_found() -> None:
    features, labels, wrong = easy()
    found = suspicious(cross_validated(features, labels, 5), labels)
    hit = wrong[found.where]
    assert hit.sum() >= 0.75 * wrong.sum() > 40
    assert hit[:40].all()  # the most suspicious first
    assert hit.mean() > 0.9
    assert (found.given == labels[found.where]).all()
    assert (found.given != found.suggested).all()
    assert (np.diff(found.margin) >= 0).all()


def test_cleanlab_finds_the_same() -> None:
    filters = pytest.importorskip("cleanlab.filter")
    from cleanlab.count import compute_confident_joint

    features, labels, _ = easy(n=900, flipped=0.15)
    features += np.random.default_rng(1).normal(0, 1.2, features.shape)
    probs = cross_validated(features.astype(np.float32), labels, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = filters.find_label_issues(
            labels, probs, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
        )
        joint = compute_confident_joint(labels, probs, calibrate=False)
    found = suspicious(probs, labels)
    assert len(wanted) > 50
    assert found.where.tolist() == wanted.tolist()
    assert found.joint.tolist() == joint.tolist()


def test_scikit_learn_fits_the_same_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    features, labels, _ = easy(n=600)
    scaled = (features - features.mean(0)) / features.std(0)
    theirs = linear.LogisticRegression(C=1 / (RIDGE * len(labels)), tol=1e-9, max_iter=2000).fit(scaled, labels)
    assert Regression.fit(features, labels, 5).probs(features) == pytest.approx(theirs.predict_proba(scaled), abs=2e-3)


def test_pictures_without_a_label_are_predicted_and_never_suspicious() -> None:
    features, labels, _ = easy()
    true = labels.copy()
    labels[::2] = -1
    probs = cross_validated(features, labels, 5)
    assert (probs.argmax(axis=1) == true)[::2].mean() > 0.85
    assert not set(suspicious(probs, labels).where.tolist()) & set(range(0, len(labels), 2))


def test_copies_do_not_judge_each_other() -> None:
    """Features that are names: whoever learns from a copy knows the label, whoever does not cannot."""
    rng = np.random.default_rng(0)
    names = np.repeat(rng.normal(size=(60, 80)).astype(np.float32), 4, axis=0)
    labels = np.repeat(rng.integers(0, 2, 60), 4)
    right = [
        (cross_validated(names, labels, 2, groups=groups).argmax(axis=1) == labels).mean() for groups in (None, np.repeat(np.arange(60), 4))
    ]
    assert right[0] > 0.95
    assert right[1] < 0.75


def test_the_same_pictures_are_judged_the_same_again() -> None:
    features, labels, _ = easy(n=200)
    assert (cross_validated(features, labels, 5) == cross_validated(features, labels, 5)).all()


def test_too_little_is_said_and_one_class_has_nothing_suspicious() -> None:
    with pytest.raises(UsageError, match="found 3 pictures"):
        cross_validated(np.zeros((9, 2), np.float32), np.zeros(9, int), 2, groups=np.arange(9) % 3)
    with pytest.raises(UsageError, match=r"\(4, 2\) and \(3,\)"):
        suspicious(np.zeros((4, 2), np.float32), np.zeros(3, int))
    assert not len(suspicious(np.ones((4, 1), np.float32), np.zeros(4, int)))
    assert not len(suspicious(np.zeros((0, 3), np.float32), np.zeros(0, int)))
