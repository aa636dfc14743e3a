"""What keeps few people and many tests honest, by hand."""

import numpy as np
import pytest

from mien.study.reaction import Part, ReactionSettings, react
from mien.study.statistics import difference_p, mean_of
from mien.study.viewer import Viewer
from mien.testing import planted_timeline

RNG = np.random.default_rng


def test_resamples_in_which_nobody_smiles_do_not_decide():
    """One of ten smiles: mean .1, error .1. In .9^10, a third of the resamples, nobody does; each counts as (0 - .1) / (.4 x .1) = -2.5
    and no more, so that the interval reaches to .1 + 2.5 x .1.
    """
    found = mean_of(np.array([[1.0], *[[0.0]] * 9]), rounds=2000)
    assert found.mean.item() == pytest.approx(0.1)
    assert found.high.item() == pytest.approx(0.35)


def test_no_p_is_less_than_the_rounds_can_tell():
    """Of 2.7 million ways to part them 200 are drawn: the one that is there counts as drawn too (Phipson & Smyth 2010)."""
    p = difference_p([(RNG(0).normal(50, 1, (12, 1)), RNG(1).normal(0, 1, (12, 1)))], rounds=200)
    assert p == pytest.approx([1 / 201])


def test_tests_within_groups_are_corrected_for_the_number_of_groups():
    """The same viewers by themselves, and beside another group: their p twice as large."""

    def viewers(group: str, seed: int) -> list[Viewer]:
        return [
            Viewer(
                f"{group}{i}",
                planted_timeline(
                    [[(0.0, "neutral"), (4.0, "happy"), (5.0 + i % 3, "neutral")]], seconds=12, fps=5, noise=0.8, seed=seed + i
                ),
                group=group,
            )
            for i in range(6)
        ]

    settings = ReactionSettings(rounds=300, duration=12.0, step=1.0)
    parts = [Part("joke", 4, 7), Part("end", 9, 12)]
    alone = react(viewers("a", 0), parts, settings)
    beside = react([*viewers("a", 0), *viewers("b", 100)], parts, settings)
    p, twice = (np.stack([one.p for one in found.parts if one.group == "a"])[1:] for found in (alone, beside))
    assert ((p > 0) & (p < 0.5)).any()
    np.testing.assert_allclose(twice, np.minimum(2 * p, 1))
