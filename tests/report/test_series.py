import numpy as np
import pytest

from mien.labels import EMOTIONS
from mien.report.series import Run, runs, series
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


def test_bins_are_means_of_their_rows():
    rng = np.random.default_rng(3)
    values = np.round(rng.uniform(-1, 1, 1000), 6)
    table = timeline([row("a", i, i / 100, "happy", valence=float(v)) for i, v in enumerate(values)])
    found = series(table, clocks(table)[0], np.arange(1000), ["valence"], most=10)
    assert found.bin_seconds == pytest.approx(0.999)
    times = np.arange(1000) / 100
    wanted = [values[(times >= k * 0.999) & (times < (k + 1) * 0.999 + (k == 9))].mean() for k in range(10)]
    assert found.values["valence"] == pytest.approx(wanted)
    assert np.diff(found.times) == pytest.approx([0.999] * 9)


def test_bins_without_rows_are_gaps():
    times = [*np.arange(0, 1, 0.01), *np.arange(9, 10, 0.01)]
    table = timeline([row("a", i, float(t), "happy") for i, t in enumerate(times)])
    found = series(table, clocks(table)[0], np.arange(len(times)), ["p_happy"], most=10)
    assert np.isnan(found.values["p_happy"][2:8]).all()
    assert found.values["p_happy"][[0, 9]] == pytest.approx(0.6)


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
