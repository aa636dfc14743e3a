"""A stratified part of labelled pictures."""

import numpy as np
import pytest

from mien.data.labelled import Labelled
from mien.errors import UsageError
from mien.evaluate.sample import sampled


def labelled(counts: tuple[int, ...]) -> Labelled:
    true = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    names = tuple(f"{i}" for i in range(len(true)))
    return Labelled("set", tuple("abcdef"[: len(counts)]), true, names, tuple(lambda: None for _ in names), left_out={"broken": 1})


@pytest.mark.parametrize("n", [1, 7, 60, 99])
def test_every_label_has_its_share(n: int) -> None:
    counts = (50, 30, 15, 5)
    found = sampled(labelled(counts), n)
    assert len(found) == n
    assert (np.abs(np.bincount(found.true, minlength=4) - n * np.array(counts) / 100) < 1).all()
    assert found.left_out == {"broken": 1, "not in the sample": 100 - n}
    rows = [int(name) for name in found.sources]
    assert rows == sorted(set(rows))


def test_the_same_seed_gives_the_same_pictures() -> None:
    data = labelled((40, 60))
    assert sampled(data, 20).sources == sampled(data, 20).sources
    assert sampled(data, 20).sources != sampled(data, 20, seed=1).sources
    often = np.zeros(100, int)
    for seed in range(400):
        often[[int(name) for name in sampled(data, 20, seed=seed).sources]] += 1
    assert often.min() > 40  # each picture comes up: 80 times of 400, give or take 8
    assert often.max() < 125


def test_no_more_than_there_are_and_no_fewer_than_one() -> None:
    data = labelled((4, 6))
    assert sampled(data, 10) is data
    assert sampled(data, 500) is data
    with pytest.raises(UsageError, match="1 picture or more"):
        sampled(data, 0)
