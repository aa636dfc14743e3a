"""Parts of the data: none lost, none twice, in an order that people read."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.errors import UnknownName
from mien.evaluate.intervals import alone, clusters, wilson
from mien.evaluate.metrics import Judged
from mien.evaluate.slices import parts, poses, slices

NUMBERS = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-90, 300, width=32) | st.just(float("nan")))


@settings(deadline=None, max_examples=40)
@given(NUMBERS, st.sampled_from(["size", "yaw", "brightness", "valence"]))
def test_every_row_is_in_one_part(values: np.ndarray, name: str) -> None:
    rows = np.concatenate([rows for _, rows in parts(name, values)])
    assert sorted(rows.tolist()) == list(range(len(values)))


def test_numbers_are_cut_at_their_edges() -> None:
    found = parts("size", np.array([48, 47, 96, 1000, np.nan], np.float32))
    assert [(name, rows.tolist()) for name, rows in found] == [
        ("under 48", [1]),
        ("48 to 96", [0]),
        ("96 to 192", [2]),
        ("384 or more", [3]),
        ("not known", [4]),
    ]
    quarters = parts("valence", np.linspace(-1, 1, 101))
    assert [len(rows) for _, rows in quarters] == [25, 25, 25, 26]


def test_words_are_in_natural_order_with_the_unknown_last() -> None:
    found = parts("subject", np.array(["p10", "", "p9", "p10"], object))
    assert [(name, rows.tolist()) for name, rows in found] == [("p9", [2]), ("p10", [0, 3]), ("not known", [1])]


def test_pose_is_the_greater_of_two_angles() -> None:
    names = poses(np.array([0, -20, 3, np.nan], np.float32), np.array([14.9, 0, -40, 0], np.float32))
    assert names.tolist() == ["frontal, under 15°", "half turned, under 30°", "turned", "not known"]
    assert [name for name, _ in parts("pose", names)] == ["frontal, under 15°", "half turned, under 30°", "turned", "not known"]


def test_intervals_are_by_people_where_there_are_enough() -> None:
    true = np.zeros(60, np.int64)
    judged = Judged(np.eye(2, dtype=np.float32)[np.repeat(np.arange(20) % 2, 3)], true, ("a", "b"))
    people = np.repeat([f"p{k}" for k in range(20)], 3).astype(object)
    own = clusters(people, np.full(60, "", object))
    columns = {"split": np.repeat(["test", "val"], [45, 15]).astype(object)}
    test, val = slices(judged, columns, ["split"], own, rounds=500)["split"]
    assert (test["n"], test["interval_by"], test["subjects"]) == (45, "subject", 15)
    assert (val["n"], val["interval_by"]) == (15, "picture")
    low, high = test["interval"]
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(15), rel=0.25)  # fifteen people, not 45 pictures
    every = {"split": np.full(judged.right.sum(), "all", object)}
    (right,) = slices(judged.where(judged.right), every, ["split"], own.where(judged.right))["split"]
    assert (right["subjects"], right["interval"]) == (10, wilson(10, 10))
    nobody = clusters(np.where(np.arange(60) < 6, people, ""), np.full(60, "", object))
    test, _ = slices(judged, columns, ["split"], nobody, rounds=50)["split"]
    assert test["interval_by"] == "picture"  # two people, and 39 pictures of nobody known
    with pytest.raises(UnknownName, match="split"):
        slices(judged, columns, ["colour"], own)


def test_many_parts_of_ratings_are_no_wait() -> None:
    """300 parts of both axes took a minute when each resample was written out; now a second."""
    rng = np.random.default_rng(0)
    affect = {axis: tuple(rng.uniform(-1, 1, (2, 3500)).astype(np.float32)) for axis in ("valence", "arousal")}
    columns = {"who": np.array([f"s{k}" for k in rng.integers(0, 300, 3500)], object)}
    start = time.process_time()
    found = slices(None, columns, ["who"], alone(3500), affect=affect)["who"]
    assert time.process_time() - start < 15
    assert len(found) == 300


def test_ratings_have_a_concordance_in_each_part_with_or_without_labels() -> None:
    """Of group b the model's arousal is the true one and noise; nobody rated its valence. People as in the last test."""
    rng = np.random.default_rng(0)
    true = rng.uniform(-1, 1, (60, 2)).astype(np.float32)
    guess = true + 0.5 * np.repeat(rng.standard_normal((20, 2)), 3, axis=0).astype(np.float32)  # one error a person
    true[45:, 0] = np.nan
    affect = {axis: (guess[:, k], true[:, k]) for k, axis in enumerate(("valence", "arousal"))}
    own = clusters(np.repeat([f"p{k}" for k in range(20)], 3).astype(object), np.full(60, "", object))
    columns = {"split": np.repeat(["a", "b"], [45, 15]).astype(object)}
    a, b = slices(None, columns, ["split"], own, affect=affect, rounds=300)["split"]
    assert list(a) == ["value", "n", "valence", "arousal"]
    assert list(b) == ["value", "n", "arousal"]
    x, y = guess[:45, 0].astype(float), true[:45, 0].astype(float)
    ccc = 2 * np.cov(x, y, bias=True)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert (a["valence"]["n"], a["valence"]["ccc"]) == (45, pytest.approx(ccc))
    assert (a["valence"]["interval_by"], b["arousal"]["interval_by"]) == ("subject", "picture")  # fifteen people and five
    low, high = a["valence"]["interval"]
    assert low < ccc < high
    assert slices(None, columns, ["split"], own, affect=affect, rounds=300)["split"] == [a, b]
    none = np.full(60, "", object)
    parts = slices(None, {"part": np.repeat(["a", "b", "c"], [41, 9, 10]).astype(object)}, ["part"], clusters(none, none), affect=affect)
    assert [bool(np.isfinite(part["arousal"]["interval"]).all()) for part in parts["part"]] == [True, False, True]  # nine are too few
    assert np.isnan(slices(None, columns, ["split"], own, affect=affect, rounds=0)["split"][0]["valence"]["interval"]).all()
