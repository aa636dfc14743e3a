import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.report.series import Run, runs, series
from mien.report.summary import summarise
from mien.timing import clocks
from tests.report.tables import row, timeline


def test_each_frame_is_a_point_and_frames_without_the_rows_are_gaps():
    table = timeline(
        [
            row("a", 0, 0.0, "happy", valence=0.2),
            row("a", 0, 0.0, "happy", valence=0.4, face=1),
            row("a", 1, 0.5),
            row("a", 2, 1.0, "happy", valence=-1.0),
        ]
    )
    found = series(table, clocks(table)[0], np.flatnonzero(table.has_face), ["valence"])
    assert found.times.tolist() == [0.0, 0.5, 1.0]
    assert found.values["valence"] == pytest.approx([0.3, np.nan, -1.0], nan_ok=True)
    assert found.bin_seconds == 0
    assert found.lone("valence").tolist() == [0, 2]


def test_bins_of_an_even_frame_rate_are_means_of_their_rows():
    values = np.round(np.random.default_rng(3).uniform(-1, 1, 1000), 6)
    table = timeline([row("a", i, i / 100, "happy", valence=float(v)) for i, v in enumerate(values)])
    found = series(table, clocks(table)[0], np.arange(1000), ["valence"], most=10)
    assert found.bin_seconds == pytest.approx(1.0)
    assert found.values["valence"] == pytest.approx(values.reshape(10, 100).mean(axis=1), abs=1e-6)
    assert found.times == pytest.approx(np.arange(10) + 0.5)


def uneven(seed):
    """A table of 700 frames that last from 10 ms to 1.5 s, some without a face, with their times, how long they last and their valence."""
    rng = np.random.default_rng(seed)
    lasts = np.where(rng.random(700) < 0.2, rng.uniform(0.3, 1.5, 700), rng.uniform(0.01, 0.05, 700))
    valence = np.round(np.where(lasts > 0.2, -0.8, 0.9) + rng.uniform(-0.1, 0.1, 700), 6)
    valence[rng.random(700) < 0.1] = np.nan
    times = 5 + np.cumsum(lasts) - lasts
    rows = [
        row("a", i, t) if np.isnan(v) else row("a", i, t, "happy", valence=v) for i, (t, v) in enumerate(zip(times, valence, strict=True))
    ]
    return timeline(rows), times, valence


@pytest.mark.parametrize("most", [7, 100, 600])
def test_bins_are_means_over_time_where_the_frame_rate_varies(most):
    """By a fine grid of moments, each with the frame that lasts then."""
    table, times, valence = uneven(most)
    clock = clocks(table)[0]
    found = series(table, clock, np.flatnonzero(table.has_face), ["valence"], most=most)
    fine = 400_000
    moments = clock.times[0] + clock.duration * (np.arange(fine) + 0.5) / fine
    shown = valence[np.searchsorted(times, moments, side="right") - 1]
    bins = np.minimum((np.arange(fine) * most) // fine, most - 1)
    here = np.isfinite(shown)
    with np.errstate(invalid="ignore"):
        wanted = np.bincount(bins[here], shown[here], most) / np.bincount(bins[here], minlength=most)
    assert np.mean(np.isfinite(found.values["valence"]) == np.isfinite(wanted)) >= 0.995  # the grid may miss a sliver of a frame
    both = np.isfinite(found.values["valence"]) & np.isfinite(wanted)
    np.testing.assert_allclose(found.values["valence"][both], wanted[both], atol=0.02)
    assert found.times == pytest.approx(clock.times[0] + clock.duration * (np.arange(most) + 0.5) / most)


def test_the_mean_of_a_line_is_the_number_beside_it():
    """Nine quick frames of a smile and a slow one without, again and again: most of the frames smile, and most of the time has none."""
    steps = ([0.01] * 9 + [0.91]) * 200
    times, valence = np.concatenate([[0], np.cumsum(steps)[:-1]]), ([1.0] * 9 + [-1.0]) * 200
    table = timeline([row("a", i, t, "happy", valence=v, person=0) for i, (t, v) in enumerate(zip(times.tolist(), valence, strict=True))])
    found = series(table, clocks(table)[0], np.arange(2000), ["valence"])
    assert np.isfinite(found.values["valence"]).all()
    assert found.values["valence"].mean() == pytest.approx(-0.82, abs=0.01)
    assert found.values["valence"].mean() == pytest.approx(summarise(table).valence.mean, abs=1e-9)


def test_bins_without_rows_are_gaps():
    """The last frame before the hole lasts two seconds, as it does in `runs`."""
    times = [*np.arange(0, 1, 0.01), *np.arange(9, 10, 0.01)]
    table = timeline([row("a", i, float(t), "happy") for i, t in enumerate(times)])
    found = series(table, clocks(table)[0], np.arange(len(times)), ["p_happy"], most=10)
    assert np.isnan(found.values["p_happy"][3:9]).all()
    assert found.values["p_happy"][[0, 1, 2, 9]] == pytest.approx(0.6)


def test_a_row_without_a_time_has_no_place():
    table = timeline([row("a", i, None if i == 900 else i / 100, "happy", valence=0.5 if i < 900 else -1.0) for i in range(901)])
    for most in (600, 1000):
        found = series(table, clocks(table)[0], np.arange(901), ["valence"], most=most)
        assert found.values["valence"] == pytest.approx(0.5)


def states(*names):
    """Rows at 10 frames a second: an emotion, `?` for an unsure face, None for a frame without one."""
    rows = []
    for i, name in enumerate(names):
        more = {"unsure": True, "reasons": "blur"} if name == "?" else {}
        rows.append(row("a", i, i / 10, "happy" if name == "?" else name, person=0, **more))
    return timeline(rows)


def test_runs_follow_the_label_and_leave_out_absence():
    table = states("happy", "happy", None, "?", "sad", "sad", "sad")
    found = runs(table, clocks(table)[0], np.flatnonzero(table.has_face), EMOTIONS)
    assert [run.state for run in found] == ["happy", "", "sad"]
    assert [(run.start, run.end) for run in found] == [(0.0, pytest.approx(0.2)), (0.3, pytest.approx(0.4)), (0.4, pytest.approx(0.7))]


def test_a_hole_in_the_recording_ends_a_run():
    table = timeline([row("a", i, t, "happy", person=0) for i, t in enumerate([0.0, 0.1, 0.2, 9.0, 9.1])])
    found = runs(table, clocks(table)[0], np.arange(5), EMOTIONS)
    assert found == [Run("happy", 0.0, pytest.approx(2.2)), Run("happy", 9.0, pytest.approx(9.2))]


def test_many_frames_give_the_state_that_most_of_a_cell_have():
    names = ["happy"] * 50 + ["sad", "happy", "sad", "sad", "sad"] * 10 + [None] * 50
    table = states(*names)
    found = runs(table, clocks(table)[0], np.flatnonzero(table.has_face), EMOTIONS, most=30)
    assert [run.state for run in found] == ["happy", "sad"]
    assert found[0].end == found[1].start == pytest.approx(5.0)
    assert found[1].end == pytest.approx(10.0)


def test_a_slow_part_of_a_long_recording_has_no_holes():
    times = [*np.arange(0, 10, 0.05), *np.arange(10, 110, 1.0)]
    table = timeline([row("a", i, float(t), "happy" if t < 10 else "sad", person=0) for i, t in enumerate(times)])
    found = runs(table, clocks(table)[0], np.arange(len(times)), EMOTIONS, most=220)
    assert [run.state for run in found] == ["happy", "sad"]
    assert found[1].start == pytest.approx(10, abs=0.5)
    assert found[1].end == pytest.approx(109.05)
