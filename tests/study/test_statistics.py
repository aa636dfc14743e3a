"""Intervals and tests for few people: they cover what they should, and find what is there and nothing else."""

import numpy as np
import pytest

from mien.study.statistics import change_p, difference_of, difference_p, mean_of, stretches, student_t

RNG = np.random.default_rng


@pytest.mark.parametrize(("df", "known"), [(1, 12.7062), (2, 4.3027), (7, 2.3646), (30, 2.0423), (1000, 1.9623)])
def test_quantiles_of_student_are_those_of_the_tables(df, known):
    assert student_t(0.975, df) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize(("n", "skewed"), [(6, False), (12, False), (12, True), (30, True)])
def test_intervals_cover_the_mean_of_those_who_were_not_drawn(n, skewed):
    """Two thousand studies at once: 95 % intervals hold the truth in about 95 % of them, with skewed values too."""
    values = RNG(n).exponential(size=(n, 2000)) if skewed else RNG(n).normal(1, 2, (n, 2000))
    found = mean_of(values, rounds=800)
    held = (found.low <= 1) & (found.high >= 1)
    assert 0.92 <= held.mean() <= 0.975
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    assert (found.n == n).all()


def test_the_difference_of_groups_of_unlike_size_and_spread_is_covered():
    first, second = RNG(0).normal(3, 1, (8, 1500)), RNG(1).normal(1, 3, (20, 1500))
    found = difference_of(first, second, rounds=800)
    assert 0.925 <= ((found.low <= 2) & (found.high >= 2)).mean() <= 0.975
    np.testing.assert_allclose(found.mean, first.mean(axis=0) - second.mean(axis=0))


def test_people_without_a_value_are_left_out_and_too_few_have_no_interval():
    values = np.array([[1.0, np.nan, 5.0], [2.0, np.nan, np.nan], [6.0, 4.0, np.nan], [np.nan, 8.0, np.nan], [3.0, 6.0, 7.0]])
    found = mean_of(values, span=(0, 7))
    assert found.n.tolist() == [4, 3, 2]
    np.testing.assert_allclose(found.mean, [3, 6, 6])
    assert 0 <= found.low[0] < 3 < found.high[0] <= 7  # cut to what there can be
    assert np.isnan(found.low[2])
    assert np.isnan(mean_of(np.zeros((0, 2))).mean).all()


def test_the_same_seed_gives_the_same_figures():
    values = RNG(0).normal(size=(12, 2))
    first, again, other = (mean_of(values, rounds=300, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.low, again.low)
    assert not np.array_equal(first.low, other.low)


def test_values_that_are_all_alike_have_an_interval_of_no_width():
    found = mean_of(np.full((6, 2), 0.25))
    np.testing.assert_allclose([found.low, found.high], 0.25, atol=1e-6)


def made(n=12, *, measures=3, times=40, effect=0.0, seed=0):
    """Noise that lasts from step to step, with a rise of the second measure in steps 10 to 19."""
    rng = RNG(seed)
    values = rng.normal(size=(n, measures, times))
    for i in range(1, times):
        values[..., i] = 0.7 * values[..., i - 1] + 0.7 * values[..., i]
    values[:, 1, 10:20] += effect
    return values


def test_a_moment_is_found_where_it_is():
    found = stretches(made(effect=2.0), rounds=1000)
    best = found[0]
    assert (best.row, best.sign) == (1, 1)
    assert best.p <= 0.01
    assert 8 <= best.first <= 11
    assert 18 <= best.stop <= 22
    assert stretches(-made(effect=2.0), rounds=1000)[0].sign == -1


def test_where_nothing_is_there_is_seldom_a_moment():
    wrong = [bool(found and found[0].p <= 0.05) for found in (stretches(made(10, seed=seed), rounds=512) for seed in range(150))]
    assert 0.01 <= np.mean(wrong) <= 0.1  # corrected for three measures and forty steps


def test_with_few_people_every_flip_is_tried_and_p_cannot_be_small():
    found = stretches(made(5, effect=20.0), rounds=1000)
    assert found[0].p == 1 / 16
    assert stretches(made(2, effect=20.0)) == []
    assert stretches(np.full((6, 1, 5), np.nan)) == []


def test_gaps_do_not_count_as_zeros():
    values = made(effect=2.0)
    holes = np.where(RNG(1).random(values.shape) < 0.15, np.nan, values)
    found = stretches(holes, rounds=1000)
    assert found[0].row == 1
    assert found[0].p <= 0.02


def test_corrected_p_of_columns():
    values = RNG(2).normal(size=(14, 6))
    values[:, 4] += 2.0
    values[:12, 5] = np.nan
    p = change_p(values, rounds=2000)
    assert p[4] < 0.01
    assert (p[:4] > 0.05).all()
    assert np.isnan(p[5])
    wrong = [np.nanmin(change_p(RNG(seed).normal(size=(10, 6)), rounds=512)) <= 0.05 for seed in range(200)]
    assert 0.01 <= np.mean(wrong) <= 0.09


def test_corrected_p_of_two_groups():
    first, second = RNG(3).normal(size=(9, 4)), RNG(4).normal(size=(11, 4))
    first[:, 2] += 3.0
    p = difference_p(first, second, rounds=1000)
    assert p[2] < 0.01
    assert (p[[0, 1, 3]] > 0.05).all()
    wrong = [difference_p(RNG(s).normal(size=(7, 4)), 3 * RNG(s + 999).normal(size=(12, 4)), rounds=300).min() <= 0.05 for s in range(150)]
    assert np.mean(wrong) <= 0.1  # though the spreads differ
    assert np.isnan(difference_p(first[:2], second)).all()
