"""SMOTE on vectors, class weights and the balanced sampler: against geometry, scikit-learn and counting."""

import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from mien.data.manifest import Manifest
from mien.data.smote import answered, embed, smote
from mien.data.weights import balanced_indices, class_weights
from mien.errors import DataError, ExtraMissing, UsageError
from mien.testing import FakeDetector, FakeRecogniser, planted_picture
from mien.types import Emotions, Faces


def clouds(sizes: dict[str, int], d: int = 3, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    rng = np.random.default_rng(seed)
    rows = [rng.normal(10 * k, 1, (n, d)) for k, n in enumerate(sizes.values())]
    return np.concatenate(rows).astype(np.float32), [label for label, n in sizes.items() for _ in range(n)]


def lies_between(point: np.ndarray, ends: np.ndarray) -> bool:
    """Whether a point is on a segment between two of `ends`: its distances to both add up to theirs."""
    to = np.linalg.norm(ends - point, axis=1)
    apart = np.linalg.norm(ends[:, None] - ends[None], axis=2)
    return bool((to[:, None] + to[None] - apart).min() < 1e-4)


def test_new_vectors_lie_between_two_of_their_class():
    features, labels = clouds({"happy": 20, "disgust": 7, "fear": 2})
    made = smote(features, labels)
    assert Counter(made.labels) == {"happy": 20, "disgust": 20, "fear": 20}
    assert np.array_equal(made.features[: len(features)], features)
    assert made.labels[: len(labels)] == tuple(labels)
    assert list(np.flatnonzero(made.generated)) == list(range(29, 60))
    for point, label in zip(made.features[29:], made.labels[29:], strict=True):
        assert lies_between(point, features[np.array(labels) == label])
    assert not lies_between(np.array([5, 5, 6], np.float32), features)
    assert len({row.tobytes() for row in made.features}) == 60


def test_smote_sizes_and_seeds():
    features, labels = clouds({"happy": 20, "disgust": 7})
    assert Counter(smote(features, labels, size=30).labels) == {"happy": 30, "disgust": 30}
    assert Counter(smote(features, labels, size={"disgust": 9}).labels) == {"happy": 20, "disgust": 9}
    assert Counter(smote(features, labels, size=5).labels) == {"happy": 20, "disgust": 7}
    same, other = smote(features, labels, seed=1), smote(features, labels, seed=2)
    assert np.array_equal(same.features, smote(features, labels, seed=1).features)
    assert not np.array_equal(same.features, other.features)
    one = smote(*clouds({"sad": 4}), size=6)
    assert Counter(one.labels) == {"sad": 6}
    nothing = smote(np.zeros((0, 3), np.float32), [])
    assert nothing.features.shape == (0, 3)


def test_smote_refuses():
    features, labels = clouds({"happy": 5, "fear": 1})
    with pytest.raises(DataError, match="fear: one picture only"):
        smote(features, labels)
    with pytest.raises(UsageError, match=r"\(6, 3\) and 5 labels"):
        smote(features, labels[:5])
    with pytest.raises(UsageError, match="no pictures of sad"):
        smote(features, labels, size={"sad": 9})
    with pytest.raises(DataError, match="not finite"):
        smote(features * np.nan, labels)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "imblearn.over_sampling", None)
    with pytest.raises(ExtraMissing, match=r'pip install "\.\[data\]"'):
        smote(*clouds({"happy": 3}))


def test_vectors_of_a_recogniser_without_a_file_are_its_answers():
    probs = np.array([[0.7, 0.2, 0.1], [1.0, 0.0, 0.0]], np.float32)
    read = Emotions(
        ("happy", "sad", "fear"), probs, np.array([[0.5, -0.5], [0, 0]], np.float32), "x", heads={"two": np.full((2, 2), 0.5, np.float32)}
    )
    found = answered(read)
    assert found.shape == (2, 3 + 2 + 2)
    assert np.isfinite(found).all()
    logs = np.log(probs[0])
    assert found[0] == pytest.approx([*(logs - logs.mean()), 0, 0, 0.5, -0.5], abs=1e-6)


def test_embedding_pictures(tmp_path):
    import cv2

    emotions = ["happy", "sad", "happy"]
    paths = []
    for i, emotion in enumerate(emotions):
        image, _ = planted_picture([((0, 0, 64, 64), emotion)], (64, 64))
        paths.append(str(tmp_path / f"{i}.png"))
        cv2.imwrite(paths[-1], image)
    manifest = Manifest({"id": [*"abcd"], "path": [*paths, str(tmp_path / "gone.png")], "label": [*emotions, "fear"]})
    rows = np.arange(4)
    recogniser = FakeRecogniser()
    features, there = embed(manifest, rows, recogniser, FakeDetector(Faces.none()))
    assert list(there) == [0, 1, 2]
    assert np.array_equal(features[0], features[2])
    assert not np.array_equal(features[0], features[1])


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["happy", "sad", "fear", "anger"]), min_size=1, max_size=60))
def test_class_weights_are_scikit_learns(labels):
    names = np.unique(labels)
    oracle = dict(zip(names, compute_class_weight("balanced", classes=names, y=np.array(labels)), strict=True))
    assert class_weights(dict(Counter(labels))) == pytest.approx(oracle)


def test_weights_by_the_effective_number():
    counts = {"happy": 1000, "fear": 10, "none": 0}
    found = class_weights(counts, beta=0.99)
    ratio = ((1 - 0.99) / (1 - 0.99**10)) / ((1 - 0.99) / (1 - 0.99**1000))
    assert found["fear"] / found["happy"] == pytest.approx(ratio)
    assert (found["happy"] * 1000 + found["fear"] * 10) / 1010 == pytest.approx(1)
    assert set(found) == {"happy", "fear"}
    assert class_weights(counts, beta=0) == pytest.approx({"happy": 1, "fear": 1})
    with pytest.raises(DataError):
        class_weights({"happy": 0})
    with pytest.raises(UsageError):
        class_weights(counts, beta=1)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["happy", "sad", "fear", ""]), min_size=1, max_size=40), st.integers(0, 90), st.integers(0, 5))
def test_the_sampler_draws_every_class_equally_often(labels, count, seed):
    classes = set(labels) - {""}
    if not classes:
        with pytest.raises(DataError):
            balanced_indices(labels, count, seed=seed)
        return
    drawn = balanced_indices(labels, count, seed=seed)
    assert len(drawn) == count
    by_class = Counter(labels[i] for i in drawn)
    assert set(by_class) <= classes
    spread = [by_class[label] for label in classes]
    assert max(spread) - min(spread) <= 1
    for label in classes:  # none comes again before all of its class did
        times = Counter(int(i) for i in drawn if labels[i] == label)
        every = [times[i] for i, name in enumerate(labels) if name == label]
        assert max(every) - min(every) <= 1
    assert np.array_equal(drawn, balanced_indices(labels, count, seed=seed))


def test_the_sampler_draws_as_many_as_there_are():
    assert len(balanced_indices(["happy", "happy", "sad"])) == 3
