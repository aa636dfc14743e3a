"""The additive model: against least squares by SciPy, weights of viewers moved a little, and what would have been seen."""

import numpy as np
import pytest
from scipy.linalg import lstsq

from mien.study.additive import Additive, least_viewers

RNG = np.random.default_rng(0)


def by_scipy(values: np.ndarray, seconds: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Levels of viewers in one measure, (n,) of (n, k): all parts as unknowns of one system. weights: of the viewers in the fit."""
    n, steps = values.shape
    who, when = np.nonzero(np.isfinite(values))
    design = np.zeros((len(who), n + steps))
    design[np.arange(len(who)), who] = design[np.arange(len(who)), n + when] = 1
    root = np.sqrt(seconds[when] * (np.ones(n) if weights is None else weights)[who])
    found = lstsq(design * root[:, None], values[who, when] * root)[0]
    return found[:n] + found[n:] @ seconds / seconds.sum()


def gaps(n: int = 9, steps: int = 14, share: float = 0.75) -> tuple[np.ndarray, np.ndarray]:
    """Two measures with the same gaps and one with others, and seconds of the steps."""
    values = RNG.normal(size=(n, 3, steps))
    first, other = RNG.random((2, n, steps)) < share
    values[:, :2][~np.stack([first, first], axis=1)] = np.nan
    values[:, 2][~other] = np.nan
    return values, RNG.uniform(0.2, 1, steps)


def test_where_nothing_is_missing_levels_are_plain_means_and_stand_for_themselves():
    values, seconds = RNG.normal(size=(7, 2, 12)), RNG.uniform(0.2, 1, 12)
    plain, all_of = np.average(values, axis=2, weights=seconds), np.ones((7, 2), np.bool_)
    found = Additive.of(values, seconds)
    np.testing.assert_allclose(found.levels, plain, atol=1e-12)
    np.testing.assert_allclose(found.stand_ins(all_of), plain, atol=1e-12)
    some = np.arange(7)[:, None] < np.full((1, 2), 3)
    np.testing.assert_allclose(found.stand_ins(some, ~some), plain, atol=1e-12)
    np.testing.assert_array_equal(np.isnan(found.stand_ins(some)), ~some)
    part = np.where(np.arange(12) < 5, seconds, 0)
    np.testing.assert_allclose(Additive.of(values, part).levels, np.average(values, axis=2, weights=part), atol=1e-12)
    one = np.where(np.arange(12) < 9, values[:1], np.nan)
    np.testing.assert_allclose(Additive.of(one, seconds).levels[0], np.average(values[0, :, :9], axis=1, weights=seconds[:9]))


def test_levels_are_those_of_least_squares():
    values, seconds = gaps()
    by_hand = np.stack([by_scipy(values[:, m], seconds) for m in range(3)], axis=1)
    np.testing.assert_allclose(Additive.of(values, seconds).levels, by_hand, atol=1e-9)


def test_who_left_early_has_the_level_of_a_whole_film():
    viewers, steps = np.array([0.1, 0.3, -0.2, 0.0, 0.2]), np.repeat([0.0, 0.8], 10)
    full = (viewers[:, None] + steps)[:, None]
    seen = full.copy()
    seen[3:, :, 11:] = np.nan
    np.testing.assert_allclose(Additive.of(seen, np.full(20, 0.5)).levels, full.mean(axis=2), atol=1e-12)


def test_stand_ins_have_the_mean_of_the_levels_and_what_each_viewer_moves_it_by():
    values, seconds = RNG.normal(size=(9, 3, 18)), RNG.uniform(0.2, 1, 18)
    missed = (np.arange(9)[:, None] - np.arange(18) * 2) % 9 < 3  # three of nine in every step
    values[np.broadcast_to(missed[:, None], values.shape)] = np.nan
    found = Additive.of(values, seconds)
    first = np.repeat(np.arange(9)[:, None] < 4, 3, axis=1)
    stand_ins = found.stand_ins(first, ~first)
    for side in (first[:, 0], ~first[:, 0]):
        np.testing.assert_allclose(stand_ins[side].mean(axis=0), found.levels[side].mean(axis=0), atol=1e-12)
    shares = np.where(first[:, 0], 1 / 4, -1 / 5)
    moved = []
    for i in range(9):  # by a little more weight of a viewer in the fit
        levels = [by_scipy(values[:, 0], seconds, np.ones(9) + step * (np.arange(9) == i)) for step in (-1e-3, 1e-3)]
        moved.append(shares @ (levels[1] - levels[0]) / 2e-3 * 6 / 5)  # six saw each step, and draw its part to their own values
    more = (stand_ins - found.levels)[:, 0] * shares
    for side in (first[:, 0], ~first[:, 0]):
        own = np.array(moved)[side]
        np.testing.assert_allclose(more[side], own - own.mean(), atol=1e-6)


def test_what_three_saw_is_as_unsure_as_without_each_of_them():
    """Against the jackknife: the fit anew without each viewer in turn."""
    ratios = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        values = 0.05 * rng.normal(size=(8, 10)) + np.repeat(rng.normal(size=(8, 2)), 5, axis=1)
        values[3:, 5:] = np.nan
        without = [by_scipy(np.delete(values, i, axis=0), np.ones(10)).mean() for i in range(8)]
        stand_ins = Additive.of(values[:, None], np.ones(10)).stand_ins(np.ones((8, 1), np.bool_))
        ratios.append(stand_ins.var(ddof=1) / 8 / (7 / 8 * np.square(np.array(without) - np.mean(without)).sum()))
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1, abs=0.15)  # .5 with residuals as they are


def test_intervals_by_stand_ins_are_as_wide_as_the_mean_varies():
    """Half of the viewers leave before the second half, in which they differ most: the mean varies more than the levels say."""
    means, wide, narrow = [], [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = 0.1 * rng.normal(size=(20, 1, 10)) + np.repeat(rng.normal(size=(20, 2)), 5, axis=1)[:, None]
        values[rng.random(20) < 0.5, :, 5:] = np.nan
        found = Additive.of(values, np.ones(10))
        means.append(found.levels.mean())
        wide.append(found.stand_ins(np.ones((20, 1), np.bool_)).var(ddof=1) / 20)
        narrow.append(found.levels.var(ddof=1) / 20)
    assert np.mean(wide) == pytest.approx(np.var(means), rel=0.2)
    assert np.mean(narrow) < 0.75 * np.var(means)


def test_others_who_move_a_group_widen_its_interval():
    """Nobody of the group saw the second half, which others tell of."""
    means, wide = [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.normal(size=(24, 2)), 5, axis=1)[:, None] + 0.1 * rng.normal(size=(24, 1, 10))
        values[:12, :, 5:] = np.nan
        found = Additive.of(values, np.ones(10))
        group = np.arange(24)[:, None] < 12
        means.append(found.levels[:12].mean())
        wide.append(np.nanvar(found.stand_ins(group), ddof=1) / 12)
    assert np.mean(wide) == pytest.approx(np.var(means), rel=0.25)


@pytest.mark.parametrize("group", [np.arange(24) < 12, np.arange(24) < 24])
def test_changes_of_a_part_are_as_unsure_as_they_vary(group: np.ndarray):
    """Of the first half, from the whole, whose second half one group did not see: what both have in common counts once."""
    changes, wide, steps, band = [], [], [], []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = np.repeat(rng.normal(size=(24, 2)), 5, axis=1)[:, None] + 0.1 * rng.normal(size=(24, 1, 10))
        values[:12, :, 5:] = np.nan
        part, whole = (Additive.of(values, (np.arange(10) < end).astype(np.float64)) for end in (5, 10))
        changes.append((part.levels - whole.levels)[group].mean())
        stand_ins = part.stand_ins(group[:, None], since=whole)
        assert np.nanmean(stand_ins) == pytest.approx(changes[-1])
        wide.append(np.nanvar(stand_ins, ddof=1) / group.sum())
        steps.append((values[:, 0, 2] - whole.levels[:, 0])[group].mean())
        band.append(np.nanvar(whole.changes(values, group)[:, 0, 2], ddof=1) / group.sum())
        assert np.nanmean(whole.changes(values, group)[:, 0, 2]) == pytest.approx(steps[-1])
    assert 0.8 < np.mean(band) / np.var(steps) < 1.4
    assert 0.8 < np.mean(wide) / np.var(changes) < 1.4  # rather too wide, as by the jackknife


@pytest.mark.parametrize(("n", "least"), [(1, 1), (2, 2), (3, 3), (5, 3), (9, 3), (10, 4), (12, 4), (30, 10), (31, 11)])
def test_steps_that_hardly_anybody_saw_do_not_count(n: int, least: int):
    assert least_viewers(n) == least
    values = RNG.normal(size=(n, 1, 10))
    values[:, :, 8:] = np.where(np.arange(n) < least, 50.0, np.nan)[:, None, None]
    assert Additive.of(values, np.ones(10)).levels.min() > 8
    if least > 1:
        values[least - 1, :, 8:] = np.nan
        np.testing.assert_allclose(Additive.of(values, np.ones(10)).levels[least:], values[least:, :, :8].mean(axis=2), atol=1e-12)


def test_viewers_whom_no_steps_link_are_fitted_apart():
    values = np.full((6, 1, 10), np.nan)
    values[:3, :, :5], values[3:, :, 5:] = RNG.normal(size=(3, 1, 5)), RNG.normal(size=(3, 1, 5))
    found = Additive.of(values, np.ones(10))
    np.testing.assert_allclose(found.levels, np.nanmean(values, axis=2), atol=1e-12)
    assert np.isfinite(found.stand_ins(np.ones((6, 1), np.bool_))).all()
    early, first = np.arange(6)[:, None] < 3, np.arange(6)[:, None] % 2 == 0
    apart = found.stand_ins(early, ~early)  # both groups saw another stretch
    assert np.isnan(apart[~early]).all() or np.isnan(apart[early]).all()
    within = found.stand_ins(first, ~first)  # of each group some saw the one, some the other: one set is left
    np.testing.assert_allclose(within[:3], found.levels[:3], atol=1e-12)
    assert np.isnan(within[3:]).all()
    values[2, 0, 5] = 1.0  # one who saw both
    np.testing.assert_allclose(Additive.of(values, np.ones(10)).levels[:, 0], by_scipy(values[:, 0], np.ones(10)), atol=1e-9)


def test_who_has_nothing_has_no_level_and_who_has_only_what_does_not_count_has_the_plain_mean():
    values = RNG.normal(size=(12, 1, 10))
    values[0], values[1, :, :9], values[2:, :, 9] = np.nan, np.nan, np.nan
    found = Additive.of(values, np.ones(10))
    assert np.isnan(found.levels[0, 0])
    assert found.levels[1, 0] == pytest.approx(values[1, 0, 9])
    np.testing.assert_allclose(found.levels[2:], values[2:, :, :9].mean(axis=2), atol=1e-12)
    stand_ins = found.stand_ins(np.isfinite(found.levels))
    assert np.isnan(stand_ins[0, 0])
    assert np.nanmean(stand_ins) == pytest.approx(np.nanmean(found.levels))
    apart = np.where(np.eye(10, dtype=np.bool_)[:, None], values[:10], np.nan)  # no step that two saw
    found = Additive.of(apart, np.ones(10))
    np.testing.assert_array_equal(found.levels[:, 0], apart[np.arange(10), 0, np.arange(10)])
    np.testing.assert_allclose(found.stand_ins(np.isfinite(found.levels)), found.levels, atol=1e-12)
    assert np.isnan(Additive.of(np.full((3, 2, 4), np.nan), np.ones(4)).levels).all()
    empty = Additive.of(np.full((3, 2, 4), np.nan), np.ones(4)).stand_ins(np.zeros((3, 2), np.bool_))
    assert np.isnan(empty).all()
