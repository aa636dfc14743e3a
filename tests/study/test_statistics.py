"""Intervals and tests for few people: they cover what they should."""

import numpy as np
import pytest
import scipy.stats

from mien.study.statistics import difference_of, difference_p, mean_of, student_below, student_t

RNG = np.random.default_rng


@pytest.mark.parametrize(("df", "known"), [(1, 12.7062), (2, 4.3027), (7, 2.3646), (30, 2.0423), (1000, 1.9623)])
def test_quantiles_of_student_are_those_of_the_tables(df, known):
    assert student_t(0.975, df) == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("df", [1, 1.1, 2, 2.5, 7.3, 30, 5000])
def test_quantiles_of_student_are_as_near_as_they_are_said_to_be(df):
    for p in (0.6, 0.75, 0.9, 0.95, 0.975):
        assert student_t(p, df) == pytest.approx(scipy.stats.t.ppf(p, df), rel=1e-6)
    if df >= 2:
        assert student_t(0.9995, df) == pytest.approx(scipy.stats.t.ppf(0.9995, df), rel=3e-5)


@pytest.mark.parametrize(("n", "skewed"), [(6, False), (12, False), (12, True), (30, True)])
def test_intervals_cover_the_mean_of_those_who_were_not_drawn(n, skewed):
    """Two thousand studies at once: 95 % intervals hold the truth in about 95 % of them, with skewed values too."""
    values = RNG(n).exponential(size=(n, 2000)) if skewed else RNG(n).normal(1, 2, (n, 2000))
    found = mean_of(values, rounds=800)
    held = (found.low <= 1) & (found.high >= 1)
    assert 0.92 <= held.mean() <= 0.975
    np.testing.assert_allclose(found.mean, values.mean(axis=0))
    assert (found.n == n).all()


@pytest.mark.parametrize("sizes", [(8, 20), (5, 50), (10, 10)])
def test_the_difference_of_groups_of_unlike_size_is_covered(sizes):
    """Also where hardly anybody smiles, so that by chance nobody of a small group does."""
    groups = [np.where(RNG(n).random((n, 1500)) < 0.15, 0.8, 0.05) + RNG(n + 1).normal(0, 0.03, (n, 1500)) for n in sizes]
    found = difference_of([tuple(groups)])
    assert ((found.low <= 0) & (found.high >= 0)).mean() >= 0.95
    np.testing.assert_allclose(found.mean, groups[0].mean(axis=0) - groups[1].mean(axis=0))
    normal = difference_of([(RNG(0).normal(3, 1, (12, 1500)), RNG(1).normal(1, 1, (12, 1500)))], span=(-1.9, 9.0))
    assert 0.94 <= ((normal.low <= 2) & (normal.high >= 2)).mean() <= 0.98
    assert normal.low.min() >= -1.9


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


def test_corrected_p_of_two_groups():
    first, second = RNG(3).normal(size=(9, 4)), RNG(4).normal(size=(11, 4))
    first[:, 2] += 3.0
    p = difference_p([(first, second)], rounds=1000)
    assert p[2] < 0.01
    assert (p[[0, 1, 3]] > 0.05).all()
    wrong = [
        difference_p([(RNG(s).normal(size=(7, 4)), 3 * RNG(s + 999).normal(size=(12, 4)))], rounds=300).min() <= 0.05 for s in range(150)
    ]
    assert np.mean(wrong) <= 0.1  # though the spreads differ
    assert np.isnan(difference_p([(first[:2], second)])).all()


def test_unlike_spreads_are_no_difference_of_means():
    """The smaller group three times as spread out: by exchanging people alone there was a p of .05 in every fourth study."""
    wrong = [
        difference_p([(RNG(s).normal(0, 3, (5, 11)), RNG(s + 999).normal(0, 1, (20, 11)))], rounds=200).min() <= 0.05 for s in range(150)
    ]
    assert np.mean(wrong) <= 0.13
    found = [difference_p([(RNG(s).normal(1.6, 1, (10, 4)), RNG(s + 999).normal(0, 1, (10, 4)))], rounds=200)[0] <= 0.05 for s in range(60)]
    assert np.mean(found) >= 0.6  # and where they are alike little is lost


def test_the_p_of_unlike_spreads_by_hand():
    """Five people far from twenty: none of 53,130 ways to part them comes near, but five tell little of how far such people are apart."""
    first, second = np.array([4.0, 0.5, 2.0, 5.0, 1.0]), np.linspace(-0.5, 0.5, 20)
    square, other = first.var(ddof=1), second.var(ddof=1)
    pooled = (4 * square + 19 * other) / 23
    errors = square / 5, pooled / 20  # the second group's own variance is less than that within both
    t, df = (first.mean() - second.mean()) / np.sqrt(sum(errors)), sum(errors) ** 2 / (errors[0] ** 2 / 4 + errors[1] ** 2 / 19)
    both = np.stack([first, first]).T, np.stack([second, second]).T
    p = difference_p([both], rounds=4000)
    np.testing.assert_allclose(p, 2 * 2 * (1 - student_below(t, df)))
    assert p[0] > 10 / 4001
    assert difference_p([(np.zeros((5, 2)), np.zeros((6, 2)))], rounds=200).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("t", "df", "known"), [(1, 1, 0.75), (1, 2, 0.5 + 1 / 12**0.5), (2.7764, 4, 0.975), (0, 7.5, 0.5), (1.96, 1e6, 0.975)]
)
def test_probabilities_of_student_are_those_of_the_formulas(t, df, known):
    assert student_below(t, df) == pytest.approx(known, abs=2e-5)


def test_many_columns_in_blocks_are_as_one_by_one(monkeypatch):
    values = RNG(0).normal(size=(9, 30))
    values[:4, 7] = np.nan
    whole = mean_of(values, rounds=200, span=(np.full(30, -0.5), np.full(30, 0.5)))
    monkeypatch.setattr("mien.study.statistics.SPARE_MEMORY", 1000)
    found = mean_of(values, rounds=200, span=(np.full(30, -0.5), np.full(30, 0.5)))
    np.testing.assert_allclose(found.mean, whole.mean)
    np.testing.assert_allclose(found.low, whole.low, atol=0.35)  # other draws
    assert found.low.min() >= -0.5
    assert found.shaped(5, 6).at(1).mean.shape == (6,)


def test_columns_with_gaps_and_without_are_as_each_by_itself():
    """Of a column that three people have, some resamples have nobody."""
    values = RNG(1).normal(size=(7, 6))
    values[2:, 3], values[3:, 5], values[0, 0] = np.nan, np.nan, np.nan
    found = mean_of(values, rounds=300, span=(-1.0, 1.0))
    for i in range(6):
        alone = mean_of(values[:, [i]], rounds=300, span=(-1.0, 1.0))
        for name in ("mean", "low", "high", "n"):
            np.testing.assert_allclose(getattr(found, name)[i], getattr(alone, name)[0])
    assert np.isfinite(found.low).tolist() == [True, True, True, False, True, True]


@pytest.mark.parametrize("seed", range(4))
def test_resamples_with_one_person_who_has_a_value_say_nothing(seed):
    """By hand: a person alone shows no spread, and would stand for one who is just the mean."""
    values = np.full((40, 1), np.nan)
    values[:4, 0] = own = RNG(seed).normal(size=4)
    mean, error = own.mean(), own.std(ddof=1) / 2
    t = []
    for often in RNG(seed).multinomial(40, np.full(40, 1 / 40), size=2000):
        drawn = np.repeat(own, often[:4])
        if len(drawn) > 1:
            t.append((drawn.mean() - mean) / max(drawn.std(ddof=1) / len(drawn) ** 0.5, 0.4 * error))
    assert 1700 < len(t) < 1950
    found = mean_of(values, rounds=2000, seed=seed)
    high, low = np.quantile(t, [0.975, 0.025])
    np.testing.assert_allclose([found.low[0], found.high[0]], [mean - error * high, mean - error * low], rtol=1e-9)


def test_groups_are_compared_within_strata():
    """The mean of the strata's differences is covered and keeps the level, however the strata differ and whoever is in them."""
    covered, wrong = [], []
    for seed in range(150):
        rng = RNG(seed)
        pairs = [(rng.normal(level + 0.5, 1, (n, 3)), rng.normal(level, 1, (m, 3))) for level, n, m in ((0, 5, 25), (3, 25, 5), (9, 6, 6))]
        found = difference_of(pairs)
        covered.append((found.low <= 0.5) & (found.high >= 0.5))
        wrong.append(difference_p([(one - 0.5, two) for one, two in pairs], rounds=200, seed=seed).min() <= 0.05)
    assert 0.93 <= np.mean(covered) <= 0.995
    assert np.mean(wrong) <= 0.1
    weights = [n * m / (n + m) for n, m in ((5, 25), (25, 5), (6, 6))]
    by_hand = np.average([one.mean(axis=0) - two.mean(axis=0) for one, two in pairs], axis=0, weights=weights)
    np.testing.assert_allclose(found.mean, by_hand)
    assert found.n.tolist() == [36] * 3
    few = [(np.array([[1.0], [2.0]]), np.array([[0.0], [1.0]]))] * 2  # all 36 ways to part them
    assert difference_p(few).tolist() == [difference_p(few, seed=9).item()]


def test_gaps_of_one_column_spoil_no_other():
    """Few people have the second column: a parting that leaves a group one of them says nothing of it, rather than everything."""
    first, second = RNG(0).normal(size=(8, 2)), RNG(1).normal(size=(8, 2))
    first[:, 0] += 5
    first[3:, 1] = second[3:, 1] = np.nan
    p = difference_p([(first, second)], rounds=2000)
    assert p[0] <= 0.005
    assert p[1] > 0.05


def test_strata_that_cannot_be_compared_tell_nothing():
    one, other = RNG(2).normal(size=(6, 1)), RNG(3).normal(size=(6, 1))
    nobody = np.full((6, 1), np.nan)
    for pairs in ([(nobody, one), (other, nobody)], [(one[:1], other[:1])] * 5, [(one[:1], other[:4])] * 5):
        found = difference_of(pairs)
        assert np.isnan([found.mean[0], found.low[0], difference_p(pairs)[0]]).all()
        assert found.n.tolist() == [0]
    pairs = [(one, other), (one + 3, other + 3)]
    more = difference_of([*pairs, (one[:1] + 50, other)])  # one person against six: as if they were not there
    for name in ("mean", "low", "high", "n"):
        np.testing.assert_allclose(getattr(more, name), getattr(difference_of(pairs), name), rtol=0.2 if name in ("low", "high") else 1e-9)
    alone = difference_of([(one[:1], other)])
    assert alone.mean[0] == pytest.approx(one[0, 0] - other.mean())
    assert np.isnan(alone.low[0])


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.0])
def test_what_rounding_leaves_is_no_difference(value: float):
    first, second = RNG(0).normal(size=(8, 2)), RNG(1).normal(size=(9, 2)) + 0.9
    first[:, 1], second[:, 1] = value * (1 + 1e-15), value
    found, p = difference_of([(first, second)]), difference_p([(first, second)], rounds=500)
    assert [found.mean[1], p[1]] == [0, 1]
    assert found.low[1] <= 0 <= found.high[1]
    second[:, 1] += 1e-9 * RNG(2).normal(size=9) + 1e-6
    assert difference_p([(first, second)], rounds=500)[1] < 0.05
