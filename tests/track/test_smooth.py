"""Smoothing of numbers over time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.track.smooth import Smoother

ONE = np.array([7])


def run(smoother: Smoother, times, values, unsure=None) -> np.ndarray:
    """Smoothed values of one person, whose faces are all sure unless it is said which are not."""
    flags = np.zeros(len(times), bool) if unsure is None else np.asarray(unsure, bool)
    rows = zip(times, values, flags, strict=True)
    return np.stack([smoother(float(t), ONE, np.atleast_2d(np.float32(v)), np.array([flag]))[0] for t, v, flag in rows])


def paper(times, values, mincutoff: float, beta: float, dcutoff: float = 1.0, *, exact: bool = True) -> list[float]:
    """The 1-euro filter as its authors print it (Casiez, Roussel & Vogel 2012, algorithm 1), for one number.

    exact: with the weight that keeps its time constants at every frame rate instead of their approximation of it.
    """

    def alpha(dt: float, cutoff: float) -> float:
        tau = 1 / (2 * np.pi * cutoff)
        return 1 - np.exp(-dt / tau) if exact else 1 / (1 + tau / dt)

    out, slope = [values[0]], 0.0
    for i in range(1, len(values)):
        dt = times[i] - times[i - 1]
        a = alpha(dt, dcutoff)
        slope = a * (values[i] - out[-1]) / dt + (1 - a) * slope
        a = alpha(dt, mincutoff + beta * abs(slope))
        out.append(a * values[i] + (1 - a) * out[-1])
    return out


def test_it_is_the_one_euro_filter():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.uniform(0.01, 0.2, 200))
    values = np.sin(times) + rng.normal(size=200) * 0.1
    got = run(Smoother("euro", seconds=0.2, speed=0.7), times, values)[:, 0]
    assert got == pytest.approx(paper(times, values, 1 / (2 * np.pi * 0.2), 0.7), abs=1e-4)


def test_in_many_frames_it_is_the_published_filter():
    times = np.arange(0, 2, 1 / 1000)
    values = np.sin(3 * times)
    got = run(Smoother("euro", seconds=0.2, speed=0.7), times, values)[:, 0]
    assert got == pytest.approx(paper(times, values, 1 / (2 * np.pi * 0.2), 0.7, exact=False), abs=0.003)


@pytest.mark.parametrize("kind", ["euro", "ema"])
@pytest.mark.parametrize("fps", [1, 2, 5, 25, 60])
def test_the_time_constant_is_that_of_the_option_at_every_frame_rate(kind, fps):
    """At rest a step leaves exp(-t / seconds) behind, whoever computes it."""
    times = np.arange(0, 3, 1 / fps)
    got = run(Smoother(kind, seconds=0.25), times, [1.0] + [0.0] * (len(times) - 1))[:, 0]
    assert got == pytest.approx(np.exp(-times / 0.25), abs=1e-5)


def test_times_that_jitter_do_not_move_it():
    rng = np.random.default_rng(4)
    times = np.concatenate([[0.0], np.cumsum(rng.uniform(0.01, 0.9, 40))])
    got = run(Smoother("ema", seconds=0.5), times, [1.0] + [0.0] * 40)[:, 0]
    assert got == pytest.approx(np.exp(-times / 0.5), abs=1e-5)


def test_two_shares_are_smoothed_as_one_of_them_alone():
    """What one gains the other loses: the speed of both together is that of the one."""
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.01, 0.2, 100))
    values = 0.5 + 0.4 * np.sin(2 * times)
    got = run(Smoother("euro", seconds=0.2, speed=3.0, together=True), times, np.stack([values, 1 - values], axis=1))[:, 0]
    assert got == pytest.approx(paper(times, values, 1 / (2 * np.pi * 0.2), 3.0), abs=1e-4)


shares = st.lists(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(shares, st.sampled_from(["euro", "ema", "none"]), st.floats(0, 2), st.floats(0, 5))
def test_shares_stay_shares(rows, kind, seconds, speed):
    probs = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    got = run(Smoother(kind, seconds=seconds, speed=speed, together=True), np.arange(len(rows)) / 25, probs)
    assert got.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (got >= 0).all()
    assert got[0] == pytest.approx(probs[0], abs=1e-6)
    assert (got <= np.maximum.accumulate(probs, axis=0) + 1e-5).all()  # between what was seen, never beyond
    if seconds == 0:
        assert got == pytest.approx(probs, abs=1e-5)


def test_it_looks_back_only():
    rng = np.random.default_rng(1)
    values, times = rng.random((50, 3)), np.arange(50) / 30
    whole = run(Smoother("euro", seconds=0.3, speed=1), times, values)
    part = run(Smoother("euro", seconds=0.3, speed=1), times[:20], values[:20])
    assert whole[:20].tolist() == part.tolist()


def test_each_person_alone_in_any_order():
    rng = np.random.default_rng(2)
    values = rng.random((40, 2, 3)).astype(np.float32)
    alone = [run(Smoother("euro", seconds=0.3, speed=1, together=True), np.arange(40) / 30, values[:, k]) for k in range(2)]
    both = Smoother("euro", seconds=0.3, speed=1, together=True)
    for i in range(40):
        order = rng.permutation(2)
        got = both(i / 30, order, values[i, order], np.zeros(2, bool))
        assert got == pytest.approx(np.stack([alone[k][i] for k in order]), abs=1e-6)


@pytest.mark.parametrize("kind", ["euro", "ema"])
def test_a_missing_number_leaves_no_mark(kind):
    times = [0.0, 0.1, 0.2, 0.3]
    got = run(Smoother(kind, seconds=0.3), times, [[0.2], [np.nan], [0.4], [0.6]])
    assert np.isnan(got[1]).all()
    without = run(Smoother(kind, seconds=0.3), [0.0, 0.2, 0.3], [[0.2], [0.4], [0.6]])
    assert got[[0, 2, 3]].tolist() == without.tolist()


@pytest.mark.parametrize("kind", ["euro", "ema"])
@pytest.mark.parametrize("forget", [0.15, 2.0])
def test_unsure_values_leave_no_mark_on_sure_ones(kind, forget):
    """Whatever they are, in any order of sure and unsure, with somebody else in the frame."""
    rng = np.random.default_rng(5)
    times, values, unsure = np.arange(200) / 25, rng.random((200, 2, 3)).astype(np.float32), rng.random((200, 2)) < 0.6
    others = np.where(unsure[:, :, None], rng.random((200, 2, 3)).astype(np.float32), values)

    def smoothed(rows: np.ndarray) -> np.ndarray:
        smoother = Smoother(kind, seconds=0.3, speed=1, together=True, forget=forget)
        return np.stack([smoother(t, np.array([3, 7]), row, flags) for t, row, flags in zip(times, rows, unsure, strict=True)])

    one, other = smoothed(values), smoothed(others)
    assert one[~unsure].tolist() == other[~unsure].tolist()
    assert (one[unsure] != other[unsure]).any(axis=1).mean() > 0.9


def test_unsure_values_go_on_from_what_was_shown_last():
    """By hand: with a weight of 1 / 2 a step, an unsure 1 after a sure 0 is shown as 1 / 2, the next as 3 / 4; a sure 0 is 0 again."""
    got = run(Smoother("ema", seconds=1 / np.log(2)), range(6), [[0.0], [1.0], [1.0], [0.0], [1.0], [1.0]], [0, 1, 1, 0, 1, 0])
    assert got.ravel() == pytest.approx([0, 1 / 2, 3 / 4, 0, 1 / 2, 1 / 2])  # the last: from the sure 0, for its own second


def test_a_sure_value_counts_for_its_own_time_alone():
    """Ten unsure seconds between do not make one noisy frame the truth."""
    values = [[0.0], *[[0.5]] * 10, [1.0]]
    assert run(Smoother("ema", seconds=1 / np.log(2)), range(12), values, [0, *[1] * 10, 0])[-1, 0] == pytest.approx(1 / 2)
    assert run(Smoother("euro", seconds=1.0, speed=0), range(12), values, [0, *[1] * 10, 0])[-1, 0] == pytest.approx(1 - np.exp(-1))


@pytest.mark.parametrize("kind", ["euro", "ema"])
def test_who_is_always_unsure_is_smoothed_as_who_never_is(kind):
    rng = np.random.default_rng(6)
    times, values = np.arange(50) / 25, rng.random((50, 3))
    sure = run(Smoother(kind, seconds=0.3, speed=1), times, values)
    assert run(Smoother(kind, seconds=0.3, speed=1), times, values, np.ones(50)).tolist() == sure.tolist()


def test_after_a_long_absence_it_begins_anew():
    def after(gap: float) -> float:
        return float(run(Smoother("euro", seconds=1.0, forget=2.0), [0.0, gap], [[0.0], [1.0]])[1, 0])

    assert after(1.9) < 0.9
    assert after(2.1) == 1.0


def test_a_time_that_stands_still_or_runs_back_changes_nothing():
    got = run(Smoother("ema", seconds=0.3), [1.0, 1.0, 0.5], [[0.0], [1.0], [1.0]])
    assert got.ravel().tolist() == [0, 0, 0]


def test_who_is_gone_is_dropped():
    smoother = Smoother("ema", seconds=0.3, forget=2.0)
    for i in range(2000):
        smoother(i / 10, np.array([i]), np.ones((1, 2), np.float32), np.array([i % 3 == 0]))
    assert len(smoother._past) < 60


def test_nobody():
    assert Smoother("euro", seconds=0.3)(0.0, np.zeros(0, np.int64), np.zeros((0, 9), np.float32), np.zeros(0, bool)).shape == (0, 9)


@pytest.mark.parametrize("seconds", [1e-3, 1e-20, 1e-39, 1e-44])
def test_a_time_constant_next_to_nothing_smooths_nothing(seconds: float) -> None:
    smooth = Smoother("ema", seconds=seconds, together=True)
    who, unsure = np.zeros(1, np.int64), np.zeros(1, bool)
    smooth(0.0, who, np.array([[0.9, 0.1]], np.float32), unsure)
    assert smooth(0.04, who, np.array([[0.2, 0.8]], np.float32), unsure)[0].tolist() == pytest.approx([0.2, 0.8])
