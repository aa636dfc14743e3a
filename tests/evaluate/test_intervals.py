"""Intervals against the normal approximation, published values and each other."""

import math

import numpy as np
import pytest

from mien.evaluate import intervals
from mien.evaluate.intervals import alone, blocks, clusters, draws, intervals_by, percentile_intervals, wilson, with_width


def test_interval_covers_a_fair_coin() -> None:
    right = np.arange(400) % 2 == 0
    low, high = percentile_intervals(lambda w: {"accuracy": float((w * right).sum() / w.sum())}, alone(400), rounds=2000)["accuracy"]
    assert low < 0.5 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 20, rel=0.1)  # the normal approximation


def test_copies_of_pictures_within_people_tell_nothing_new() -> None:
    right = np.arange(30) % 3 == 0
    many, people = np.repeat(right, 8), np.repeat([f"p{i}" for i in range(30)], 8).astype(object)
    own = clusters(people, np.full(240, "set", object))
    assert (own.unit, own.count) == ("subject", 30)

    def share(of: np.ndarray):
        return lambda w: {"accuracy": float((w * of).sum() / w.sum())}

    assert percentile_intervals(share(many), own, rounds=100, seed=5) == percentile_intervals(share(right), alone(30), rounds=100, seed=5)


def test_a_name_counts_within_its_source_and_nobody_is_a_cluster() -> None:
    own = clusters(np.array(["a", "a", "a", "", "b", ""], object), np.array(["x", "x", "y", "x", "x", "x"], object))
    assert own.of.tolist() == [0, 0, 1, 2, 3, 4]
    assert own.where(np.array([3, 4, 5])).of.tolist() == [0, 1, 2]
    nobody = clusters(np.array(["a", "a", ""], object), np.full(3, "x", object))
    assert (nobody.unit, nobody.count) == ("picture", 3)  # one person is no sample of people


def test_only_people_who_are_known_are_counted_as_people() -> None:
    names = np.array(["a", "a", "b"] + [""] * 500, object)
    own = clusters(names, np.full(503, "x", object))
    assert (own.people, own.count) == (2, 502)
    assert own.where(np.arange(1, 10)).people == 2
    assert own.where(np.arange(3, 10)).people == 0
    assert intervals_by(own, 10) | {"unit": "subject", "units": 2, "others": 500} == intervals_by(own, 10)
    assert "others" not in intervals_by(clusters(names[:3], np.full(3, "x", object)), 10)
    assert (alone(4).people, intervals_by(alone(4), 10)["units"]) == (0, 4)


def test_a_share_of_one_or_zero_has_an_interval_of_some_width() -> None:
    people = clusters(np.repeat(["a", "b", "c"], 40).astype(object), np.full(120, "x", object))
    drawn = {"accuracy": (1.0, 1.0), "top2": (1.0, 1.0), "macro_f1": (1.0, 1.0), "ece": (0.1, 0.2)}
    found = with_width(drawn, {"accuracy": 1.0, "top2": 1.0}, people)
    assert found == {"accuracy": wilson(3, 3), "top2": wilson(3, 3), "ece": (0.1, 0.2)}  # three people, not 120 pictures
    assert with_width({"accuracy": (0.0, 0.0)}, {"accuracy": 0.0}, alone(20)) == {"accuracy": wilson(0, 20)}
    assert with_width({"accuracy": (0.4, 0.6)}, {"accuracy": 0.5}, alone(20)) == {"accuracy": (0.4, 0.6)}
    assert with_width({"r": (float("nan"), float("nan")), "ccc": (0.0, 0.0)}, {}, alone(20)) == {}


@pytest.mark.parametrize("most", [1, 20, 1 << 20])
def test_blocks_of_any_size_have_the_same_resamples(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "BLOCK", most)
    own = clusters(np.array(["a", "b", "a", "", "c"], object), np.full(5, "x", object))
    rng, wanted = np.random.default_rng(3), []
    for _ in range(10):
        drawn = rng.integers(0, 4, 4).tolist()  # a, b, nobody and c
        wanted.append([drawn.count(k) for k in (0, 1, 0, 2, 3)])
    assert np.concatenate(list(blocks(own, rounds=10, seed=3))).tolist() == wanted
    assert [weights.tolist() for weights in draws(own, rounds=10, seed=3)] == wanted


def test_what_cannot_be_drawn_is_left_out() -> None:
    found = percentile_intervals(lambda w: {"never": float("nan"), "one": 1.0}, alone(3), rounds=5)
    assert all(map(math.isnan, found["never"]))
    assert found["one"] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_is_that_of_newcombe_1998(hits: int, n: int, low: float, high: float) -> None:
    """Table I, method 3, of Statistics in Medicine 17, 857-872."""
    assert wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert wilson(n - hits, n) == (pytest.approx(1 - high, abs=5e-5), pytest.approx(1 - low, abs=5e-5))


def test_wilson_of_nothing() -> None:
    assert all(map(math.isnan, wilson(0, 0)))
