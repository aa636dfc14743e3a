"""What viewers show together: found where it is, and seldom where each shows things whenever."""

import numpy as np
import pytest

from mien.study import synchrony
from mien.study.synchrony import departures, parts_p, stretches

STEPS = 120


def bursts(n: int, seed: int, *, together: float = 0.0, noise: int = 3) -> np.ndarray:
    """Viewers who smile some three times each for a while, whenever, and `together` of them in steps 50 to 59; and measures of noise."""
    rng = np.random.default_rng([n, seed])
    smiles = 0.05 + 0.03 * rng.normal(size=(n, STEPS))
    for own in smiles:
        for start in rng.integers(STEPS, size=rng.poisson(3)):
            own[start : start + rng.integers(4, 14)] = 0.8
    smiles[rng.random(n) < together, 50:60] = 0.8
    return np.stack([smiles, *(rng.normal(size=(n, STEPS)) for _ in range(noise))], axis=1)


@pytest.mark.parametrize("n", [5, 16])
def test_rare_smiles_at_any_time_are_no_moment(n):
    """As nearly all of the time nobody smiles, everybody is a little below the own mean then: that is no agreement."""
    wrong = [any(one.p <= 0.05 for one in stretches(bursts(n, seed), rounds=200, seed=seed)) for seed in range(80)]
    assert np.mean(wrong) <= 0.125  # 5 %, and what chance makes of 80
    parts = np.zeros((2, STEPS))
    parts[0, 50:60], parts[1, 80:] = 1, 1
    wrong = [np.nanmin(parts_p(bursts(n, seed), parts, rounds=200, seed=seed)) <= 0.05 for seed in range(80)]
    assert np.mean(wrong) <= 0.125


def test_a_smile_that_most_share_is_found_where_it_is_and_nothing_beside_it():
    hits, others = [], []
    for seed in range(30):
        found = stretches(bursts(16, seed, together=0.6), rounds=200, seed=seed)
        sure = [one for one in found if one.p <= 0.05]
        hits.append(bool(sure) and sure[0].row == 0 and sure[0].sign == 1 and sure[0].first < 60 and sure[0].stop > 50)
        others.append(any(one.row != 0 or one.stop <= 45 or one.first >= 65 for one in sure))
    assert np.mean(hits) >= 0.85
    assert np.mean(others) <= 0.15


def test_only_the_part_that_differs_has_a_small_p():
    parts = np.zeros((3, STEPS))
    parts[0, 50:60], parts[1, 80:], parts[2] = 1, 1, 1
    p = np.stack([parts_p(bursts(12, seed, together=0.7), parts, rounds=200, seed=seed) for seed in range(20)])
    assert np.mean(p[:, 0, 0] <= 0.05) >= 0.85
    assert np.mean(p[:, 1, 0] <= 0.05) <= 0.1  # though it is below each viewer's mean, because of the smile elsewhere
    assert np.isnan(p[:, 2]).all()  # the whole film has no rest


def test_gaps_turn_with_their_viewer():
    values = bursts(12, 1, together=0.9)
    values[np.random.default_rng(0).random(values.shape) < 0.15] = np.nan
    found = stretches(values, rounds=300)
    assert (found[0].row, found[0].sign) == (0, 1)
    assert found[0].p <= 0.02
    alone = np.where(np.arange(STEPS) < 30, values, np.nan)
    alone[3:] = np.nan
    assert all(one.stop <= 30 for one in stretches(alone, rounds=100))


def test_turned_values_are_those_of_another_beginning():
    """The statistic of turned curves is that of departures turned by hand, over the step's own spread or the measure's."""
    values = bursts(6, 3)
    shifts = np.random.default_rng(0).integers(STEPS, size=(1, 6))
    apart = departures(values)
    spread = np.sqrt(np.square(apart).mean(axis=(0, 2)))[:, None]
    by_hand = np.stack([np.roll(own, shift, axis=1) for own, shift in zip(apart, shifts[0], strict=True)])
    expected = by_hand.sum(axis=0) / np.sqrt(6) / np.maximum(by_hand.std(axis=0, ddof=1), spread)
    np.testing.assert_allclose(synchrony._Turned.of(values).at(shifts)[0], expected, atol=1e-9)


def test_departures_are_from_the_line_that_fits_best():
    values = np.random.default_rng(0).normal(size=(2, 3, 50)) + 0.1 * np.arange(50)
    values[0, 1, 10:30] = values[1, 2] = np.nan
    found = departures(values)
    for own, apart in zip(values.reshape(-1, 50), found.reshape(-1, 50), strict=True):
        known = np.isfinite(own)
        assert np.array_equal(known, np.isfinite(apart))
        if known.any():
            line = np.polyval(np.polyfit(np.flatnonzero(known), own[known], 1), np.flatnonzero(known))
            np.testing.assert_allclose(apart[known], own[known] - line, atol=1e-9)
    assert departures(np.array([[2.0, np.nan], [1.0, 3.0]])).tolist()[1] == [0, 0]


@pytest.mark.parametrize("steps", [30, 60])
def test_viewers_who_tire_each_in_another_way_share_nothing(steps):
    """Slow values of each viewer's own, and a drift as large as they vary: circles of curves that do not close."""

    def slow(seed: int) -> np.ndarray:
        rng = np.random.default_rng([steps, seed])
        values = rng.normal(size=(10, 6, steps))
        for k in range(1, steps):
            values[..., k] = 0.85 * values[..., k - 1] + 0.53 * values[..., k]
        return values + rng.normal(size=(10, 6, 1)) * np.linspace(-1.7, 1.7, steps)

    thirds = np.repeat(np.eye(3), steps // 3, axis=1)
    wrong = [any(one.p <= 0.05 for one in stretches(slow(seed), rounds=200, seed=seed)) for seed in range(80)]
    assert np.mean(wrong) <= 0.125
    wrong = [np.nanmin(parts_p(slow(seed), thirds, rounds=200, seed=seed)) <= 0.05 for seed in range(80)]
    assert np.mean(wrong) <= 0.125


def test_too_few_viewers_or_steps_have_no_test():
    assert stretches(bursts(2, 0)) == []
    assert stretches(np.zeros((6, 2, 1))) == []
    assert stretches(np.full((6, 1, 5), np.nan), rounds=100) == []
    assert np.isnan(parts_p(bursts(2, 0), np.eye(STEPS)[:1])).all()


def test_large_studies_make_fewer_rounds(monkeypatch):
    monkeypatch.setattr(synchrony, "MOST_WORK", 1000)
    made = synchrony._Turned.of(bursts(4, 0))
    assert sum(map(len, made.draws(5000, 0))) == synchrony.LEAST_ROUNDS
