"""What viewers show together: found where it is, and seldom where each shows things whenever."""

import numpy as np
import pytest

from mien.study import synchrony
from mien.study.synchrony import affordable, departures, parts_p, stretches, typical_levels, untypical

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
    """The statistic of turned curves is that of departures turned by hand, less their typical level, over the step's own spread or the
    measure's."""
    values = bursts(6, 3)
    shifts = np.random.default_rng(0).integers(STEPS, size=(1, 6))
    apart = departures(values)
    spread = apart.std(axis=(0, 2))[:, None]
    by_hand = np.stack([np.roll(own, shift, axis=1) for own, shift in zip(apart, shifts[0], strict=True)])
    for row in by_hand.swapaxes(0, 1):
        row -= typical_by_hand(row.mean(axis=0))
    expected = by_hand.sum(axis=0) / np.sqrt(6) / np.maximum(by_hand.std(axis=0, ddof=1), spread)
    turned = synchrony._Turned.of(values)
    np.testing.assert_allclose(turned.at(shifts, turned.levels(shifts))[0], expected, atol=1e-9)


def typical_by_hand(means: np.ndarray) -> float:
    """The mean within three robust deviations of the middle of the shortest stretch that holds more than half of the numbers."""
    ordered = sorted(means.tolist())
    half = len(ordered) // 2 + 1
    low, high = min(((ordered[i], ordered[i + half - 1]) for i in range(len(ordered) - half + 1)), key=lambda ends: ends[1] - ends[0])
    return float(means[np.abs(means - (low + high) / 2) <= 3 * 1.4826 * (high - low) / 2 + 1e-15].mean())


def test_the_p_of_parts_by_hand_with_two_events():
    """Turned curves of an event that lasts for a third of the film are above 0 at any time, by as much as they typically are together."""
    values = reactions(6, slice(30, 40), 0)
    values[:, 0, :26] += 0.35
    parts = np.zeros((2, 80))
    parts[0, 30:40], parts[1, 55:] = 1, 1
    apart, n = departures(values), len(values)

    def largest(shifts: np.ndarray) -> np.ndarray:
        turned = np.stack([np.roll(own, shift, axis=1) for own, shift in zip(apart, shifts, strict=True)])
        levels = np.array([typical_by_hand(row.mean(axis=0)) for row in turned.swapaxes(0, 1)])
        out = []
        for part in parts:
            each = turned @ part / part.sum()
            every = np.stack([np.roll(apart, shift, axis=2) @ part / part.sum() for shift in range(80)])
            spread = np.maximum(each.std(axis=0, ddof=1), synchrony.LEAST_SPREAD * every.std(axis=(0, 1)))
            out.append(np.abs(each.sum(axis=0) - n * levels) / np.sqrt(n) / spread)
        return np.stack(out)

    seen = largest(np.zeros(n, np.int64))
    drawn = [largest(shifts).max() for shifts in synchrony._Turned.of(values).draws(100, 3)]
    expected = (np.sum(np.array(drawn)[:, None, None] >= seen * (1 - 1e-9), axis=0) + 1) / 101
    np.testing.assert_allclose(parts_p(values, parts, rounds=100, seed=3), expected)
    assert len(np.unique(expected)) > 2


def test_the_level_of_a_long_film_is_that_of_its_stretches():
    """Two steps each from 201 steps on; nothing of what is turned is left out."""
    assert [synchrony._level_steps(steps) for steps in (2, 200, 201, 399, 400, 401, 1200)] == [1, 1, 2, 2, 2, 3, 6]
    values = np.random.default_rng(0).normal(0, 0.1, (7, 2, 250))
    values[:, 0, 100:130] += 1
    turned = synchrony._Turned.of(values)
    shifts = turned.draws(5, 0)
    for own, found in zip(shifts, turned.levels(shifts), strict=True):
        means = np.mean([np.roll(one, shift, axis=1) for one, shift in zip(departures(values), own, strict=True)], axis=0)
        np.testing.assert_allclose(found, [typical_by_hand(row.reshape(125, 2).mean(axis=1)) for row in means], atol=1e-12)


def test_levels_that_both_tests_take_are_those_that_each_would_work_out():
    values = bursts(6, 5, together=0.5)
    values[np.random.default_rng(0).random(values.shape) < 0.1] = np.nan
    how: dict[str, int] = {"rounds": 150, "seed": 4}
    levels = typical_levels(values, **how)
    assert stretches(values, levels=levels, **how) == stretches(values, **how)
    parts = np.repeat(np.eye(3), STEPS // 3, axis=1)
    np.testing.assert_array_equal(parts_p(values, parts, levels=levels, **how), parts_p(values, parts, **how))


def test_departures_are_from_the_line_that_fits_where_nothing_is_shared():
    """Viewers who drift each in another way, and laugh together for the first fifth of the film; gaps, too."""
    rng, time = np.random.default_rng(2), np.arange(100)
    values = rng.uniform(-0.05, 0.05, (8, 2, 100)) + rng.normal(size=(8, 2, 1)) + rng.normal(0, 0.01, (8, 2, 1)) * time
    values[:, 0, :20] += rng.uniform(0.3, 0.9, (8, 1))
    values[3, :, 40:70] = np.nan
    found = departures(values)
    for row, typical in enumerate((time >= 20, time >= 0)):
        for own, apart in zip(values[:, row], found[:, row], strict=True):
            known, fits = np.isfinite(own), np.isfinite(own) & typical
            assert np.array_equal(known, np.isfinite(apart))
            line = np.polyval(np.polyfit(time[fits], own[fits], 1), time)
            np.testing.assert_allclose(apart[known], (own - line)[known], atol=1e-9)


def test_departures_of_little():
    assert departures(np.array([[[2.0, np.nan]], [[1.0, 3.0]]])).tolist()[1] == [[0, 0]]
    assert np.isnan(departures(np.full((3, 1, 5), np.nan))).all()
    away = np.zeros((5, 1, 20))
    away[:, :, 12:] = 1.0  # nothing is typical of those eight steps, which are all that the last viewer has
    away[4, :, :12] = np.nan
    assert np.nanmax(np.abs(departures(away)[4])) == pytest.approx(0, abs=1e-12)


def reactions(n: int, event: slice, seed: int) -> np.ndarray:
    """Curves of slow noise (autocorrelation .5), float64 (n, 3, 80), whose first measure all raise in the event, some more, some less."""
    rng = np.random.default_rng([n, seed])
    values = rng.normal(0, 0.05, (n, 3, 80))
    for k in range(1, 80):
        values[..., k] = 0.5 * values[..., k - 1] + 0.75**0.5 * values[..., k]
    values[:, 0, event] += 0.35 * rng.uniform(0.5, 1.5, (n, 1))
    return values


@pytest.mark.parametrize("event", [slice(0, 12), slice(30, 42), slice(4, 10), slice(56, 80), slice(48, 80), slice(0, 32)], ids=str)
@pytest.mark.parametrize("tired", [0.0, 0.3])
def test_what_is_shared_makes_no_moment_of_the_opposite_elsewhere(event: slice, tired: float):
    """A line through all values would be lifted and tilted by it, and all viewers below it together for the rest of the film. Medians of
    slopes would be by what lasts for two fifths of the film, and so would be a level if all viewers tire as well.
    """
    parts = np.zeros((2, 80))
    quiet_from = 14 if event.start else 40
    parts[0, event], parts[1, quiet_from : quiet_from + 15] = 1, 1
    others, quiet = [], []
    for seed in range(12):
        values = reactions(20, event, seed) - np.linspace(0, tired, 80)
        sure = [one for one in stretches(values, rounds=200, seed=seed) if one.p <= 0.05 and one.row == 0]
        assert any((one.sign, one.first, one.stop) == (1, event.start, event.stop) for one in sure)
        others.append(len(sure) > 1)
        p = parts_p(values, parts, rounds=200, seed=seed)[:, 0]
        assert p[0] <= 0.05
        quiet.append(p[1] <= 0.05)
    assert sum(others) <= 1
    assert sum(quiet) <= 1


@pytest.mark.parametrize("tired", [0.0, 0.3])
def test_the_share_of_a_film_that_is_not_typical_of_it(tired: float):
    values = reactions(20, slice(48, 80), 0) - np.linspace(0, tired, 80)
    values[3, :, 60:] = np.nan
    shares = untypical(values)
    assert shares[0] == pytest.approx(0.4, abs=0.03)
    assert max(shares[1:]) < 0.15
    assert untypical(values[:2]).tolist() == [0, 0, 0]


def test_of_many_viewers_who_smile_whenever_those_who_smile_together_are_told():
    """Three of ten do. Somebody smiles at any time, so that together they are always above what each of them typically shows."""
    hits = []
    for seed in range(20):
        found = [one for one in stretches(bursts(40, seed, together=0.3), rounds=200, seed=seed) if one.p <= 0.05 and one.row == 0]
        hits.append(any(one.sign == 1 and 40 <= one.first < 60 and 50 < one.stop <= 70 for one in found))
    assert np.mean(hits) >= 0.75


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


def test_large_studies_make_fewer_rounds():
    assert affordable(np.zeros((20, 11, 120)), 5000) == 5000
    assert affordable(np.zeros((100, 11, 1200)), 5000) == 2597
    assert affordable(np.broadcast_to(0.0, (1000, 11, 100_000)), 5000) == synchrony.LEAST_ROUNDS
    assert affordable(np.broadcast_to(0.0, (1000, 11, 100_000)), 200) == 200
    assert [affordable(np.zeros(shape), 500) for shape in ((2, 11, 60), (20, 11, 1), (3, 11, 2))] == [0, 0, 500]
    assert len({one.p for one in stretches(bursts(4, 0), rounds=100)}) > 1
    turned = synchrony._Turned.of(bursts(4, 0))
    assert sum(len(turned.draws(100, 0)[rows]) for rows in turned.blocks(100)) == 100
