from fractions import Fraction

import numpy as np
import pytest

from mien.timing import clocks, rate, row_seconds
from tests.report.tables import row, timeline, two_people


def frames(numbers, times, source="a.mp4"):
    return timeline([row(source, n, t, "happy", person=0) for n, t in zip(numbers, times, strict=True)])


def test_pictures_and_empty_tables_have_no_clock():
    assert clocks(timeline([])) == []
    assert clocks(timeline([row("a.jpg", 0, 0.0, "happy"), row("a.jpg", 0, 0.0, "sad", face=1), row("b.jpg", 0, 0.0)])) == []
    assert clocks(frames([0], [0.0])) == []


def test_frames_without_times_have_no_clock():
    assert clocks(timeline([row("a", 0, None, "happy"), row("a", 1, None, "happy")])) == []


def test_each_source_has_its_own_clock():
    table = timeline([*two_people("a.mp4", 10), row("b.jpg", 0, 0.0, "sad"), *two_people("c.mp4", 20, fps=10)])
    known = clocks(table)
    assert [clock.source for clock in known] == ["a.mp4", "c.mp4"]
    assert [len(clock.times) for clock in known] == [10, 20]
    assert known[0].duration == pytest.approx(10 / 30, abs=1e-5)
    assert known[1].duration == pytest.approx(2.0)


def test_a_frame_lasts_until_the_next_and_no_longer_than_five_usual_intervals():
    table = frames([0, 1, 2, 3, 103], [0.0, 0.1, 0.2, 0.3, 10.3])
    (clock,) = clocks(table)
    assert clock.lasts == pytest.approx([0.1, 0.1, 0.1, 0.5, 0.1])
    assert row_seconds(table, [clock]) == pytest.approx([0.1, 0.1, 0.1, 0.5, 0.1])
    assert clock.duration == pytest.approx(10.4)


def test_where_no_frame_is_missing_a_slow_part_is_no_hole_but_a_pause_is():
    slow = [0.05 * k for k in range(40)] + [2 + 0.5 * k for k in range(16)]
    (clock,) = clocks(frames(range(56), slow))
    assert clock.lasts[:40] == pytest.approx([0.05] * 40)
    assert clock.lasts[40:-1] == pytest.approx([0.5] * 15)
    assert clock.lasts.sum() == pytest.approx(clock.duration)
    (paused,) = clocks(frames([0, 1, 2, 3], [0.0, 0.05, 0.1, 60.0]))
    assert paused.lasts == pytest.approx([0.05, 0.05, 2.0, 0.05])
    (sampled,) = clocks(frames([15 * k for k in range(20)], [k / 2 if k < 10 else 1 + k / 2 for k in range(20)]))
    assert sampled.lasts.max() == pytest.approx(1.5)


def test_lost_frames_are_a_hole():
    numbers = [0, 1, 2, 3, 33, 34]
    (clock,) = clocks(frames(numbers, [n / 30 for n in numbers]))
    assert clock.lasts.max() == pytest.approx(5 / 30)
    sampled = [15 * k for k in range(40) if not 20 <= k < 30]
    (clock,) = clocks(frames(sampled, [n / 30 for n in sampled]))
    assert clock.lasts.max() == pytest.approx(2.5)


def test_rows_of_pictures_have_no_seconds():
    table = timeline([row("b.jpg", 0, 0.0, "sad"), *two_people("a.mp4", 4)])
    seconds = row_seconds(table, clocks(table))
    assert np.isnan(seconds[0])
    assert np.isfinite(seconds[1:]).all()


def test_variable_frame_rate_counts_frames_over_time():
    (clock,) = clocks(frames([0, 1, 2, 3], [0.0, 0.01, 0.5, 1.5]))
    found = rate(clock)
    assert (found.frames, found.spanned, found.left_out, found.dropped, found.step) == (4, 4, 0, 0, 1)
    assert found.per_second == found.source_per_second == pytest.approx(2.0)
    assert found.longest_gap == pytest.approx(1.0)


def test_a_camera_that_loses_frames():
    numbers = [0, 1, 2, 5, 6, 9, 10]
    found = rate(clocks(frames(numbers, [n / 30 for n in numbers]))[0])
    assert (found.step, found.spanned, found.left_out, found.dropped) == (1, 11, 4, 4)
    assert found.source_per_second == pytest.approx(30)
    assert found.per_second == pytest.approx(18)


def test_sampling_is_not_loss_but_what_is_missing_beyond_is():
    numbers = [15 * k for k in range(40) if k not in (20, 21)]
    found = rate(clocks(frames(numbers, [n / 30 for n in numbers]))[0])
    assert (found.step, found.dropped) == (15, 2)
    assert found.left_out == found.spanned - 38


def test_sampling_that_the_frame_rate_does_not_divide_is_not_loss():
    """The first frame of each half second at 25 frames a second: steps of 13 and 12 in turn. One is lost."""
    numbers = [-(-25 * k // 2) for k in range(40) if k != 21]
    found = rate(clocks(frames(numbers, [n / 25 for n in numbers]))[0])
    assert (found.step, found.dropped) == (pytest.approx(12.5, abs=0.02), 1)


RATES = [(24, ".1"), (Fraction(24000, 1001), ".1"), (60, ".04"), (24, ".05"), (25, ".05"), (Fraction(30000, 1001), ".05"), (30, ".04")]


def sampled(fps, every, samples):
    """Numbers of the first frames at or after each multiple of `every`, in whole fractions."""
    return np.array([-(-Fraction(fps) * Fraction(every) * k // 1) for k in range(samples)], int)


def rate_of(numbers, fps):
    return rate(clocks(frames(numbers, [n / float(fps) for n in numbers]))[0])


@pytest.mark.parametrize(("fps", "every"), RATES)
@pytest.mark.parametrize("samples", [60, 600])
def test_steps_in_turn_are_sampling_and_their_mean_is_the_step(fps, every, samples):
    found = rate_of(sampled(fps, every, samples), fps)
    assert found.dropped == 0
    assert found.left_out > 0
    assert found.step == pytest.approx(float(fps * Fraction(every)), abs=1 / samples)


@pytest.mark.parametrize(("fps", "every"), RATES)
def test_samples_that_are_lost_are_told(fps, every):
    """Runs of lost samples: one alone cannot be told from a step below 2, of which each second one is as long as it with the next."""
    whole, kept = sampled(fps, every, 600), np.ones(600, np.bool_)
    most = 1 if fps * Fraction(every) >= 2 else 4
    for start in range(50, 600, 60):
        kept[start : start + most] = False
    found = rate_of(whole[kept], fps)
    assert found.dropped == pytest.approx(np.sum(~kept), abs=0 if most == 1 else 10)
    assert found.dropped > 0


@pytest.mark.parametrize("share", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_a_camera_that_loses_frames_by_chance_has_lost_them(share, seed):
    kept = np.random.default_rng(seed).random(900) >= share
    kept[[0, -1]] = True
    found = rate_of(np.flatnonzero(kept), 30)
    assert (found.step, found.dropped) == (1, np.sum(~kept))


def test_times_that_go_back_are_put_in_order():
    (clock,) = clocks(frames([0, 1, 2], [0.2, 0.0, 0.1]))
    assert clock.times.tolist() == [0.0, 0.1, 0.2]
    assert clock.position(np.array([0, 1, 2])).tolist() == [2, 0, 1]
