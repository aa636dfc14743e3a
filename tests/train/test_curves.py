"""The curves of a training as numbers and as a picture."""

import json
import math
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import DataError, SourceMissing
from mien.train.axis import epoch_axis, round_ticks, value_axis
from mien.train.curve_png import COLOURS, WIDTH, curve_picture, dashes, planes, write_png
from mien.train.curves import as_columns, best, panels, read_best, read_metrics, runs, told
from mien.vision.fonts import text_width
from tests.train.runs import EPOCHS, rows, write_run


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def decoded(path):
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def spots(picture, plane, colour):
    """Where in a chart's plane its pixels have nearly a colour: x, y of each."""
    part = picture[plane.y : plane.y + plane.height, plane.x : plane.x + plane.width].astype(int)
    y, x = np.nonzero(np.abs(part - rgb(COLOURS[colour])).max(axis=2) < 12)
    return x + plane.x, y + plane.y


# Reading


def test_columns_are_the_numbers_of_the_file(tmp_path):
    written = rows(first=1)
    columns = read_metrics(write_run(tmp_path, written))
    assert columns == {name: [row[name] for row in written] for name in written[0]}


def test_epochs_count_from_one_whatever_they_began_with(tmp_path):
    for first in (0, 1):
        assert read_metrics(write_run(tmp_path / str(first), rows(5, first=first)))["epoch"] == [1, 2, 3, 4, 5]


def test_a_missing_metric_is_a_gap_and_what_is_no_number_is_left_out(tmp_path):
    (tmp_path / "metrics.jsonl").write_text(
        '{"epoch": 1, "train_loss": 2, "note": "x", "good": true, "table": {"a": 1}}\n{"epoch": 2, "val_loss": 1.5, "train_loss": null}\n'
        '{"epoch": 3, "train_loss": NaN}\n'
    )
    columns = read_metrics(tmp_path)
    assert set(columns) == {"epoch", "train_loss", "val_loss"}
    np.testing.assert_array_equal(columns["train_loss"], [2, math.nan, math.nan])
    np.testing.assert_array_equal(columns["val_loss"], [math.nan, 1.5, math.nan])


@given(cut=st.integers(1, 400))
def test_a_last_line_that_is_being_written_is_left_out(cut, tmp_path_factory):
    folder = write_run(tmp_path_factory.mktemp("run"), rows(3))
    path = folder / "metrics.jsonl"
    whole = path.read_bytes()
    *_, last = whole.splitlines(keepends=True)
    left = max(0, len(last) - cut)
    path.write_bytes(whole[: len(whole) - len(last) + left])
    assert len(read_metrics(folder)["epoch"]) == (3 if left >= len(last) - 1 else 2)  # whole but for its newline it counts


def test_a_resumed_training_repeats_an_epoch_and_the_later_counts(tmp_path):
    write_run(tmp_path, [*rows(4), {"epoch": 3, "train_loss": 7.0}, {"epoch": 4, "train_loss": 8.0}])
    columns = read_metrics(tmp_path)
    assert columns["epoch"] == [1, 2, 3, 4, 5]
    assert columns["train_loss"][3:] == [7.0, 8.0]


def test_half_a_line_before_a_whole_one_is_what_a_crash_leaves(tmp_path):
    path = write_run(tmp_path, rows(3)) / "metrics.jsonl"
    path.write_text(path.read_text() + '{"epoch": 3, "train_lo' + json.dumps(rows(4)[3]) + "\n" + json.dumps(rows(5)[4]) + "\n")
    assert read_metrics(tmp_path) == as_columns(rows(5))


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (None, SourceMissing, "no such file; wanted the run folder"),
        ("", DataError, "no epoch in it yet"),
        ('{"epoch": 1}\n{"epo\n{"epoch": 3}\n', DataError, "line 2: not a JSON object"),
        ('{"loss": 1}\n{"epoch": 1}\n', DataError, "line 1"),
        ('[1]\n{"epoch": 1}\n', DataError, "line 1"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, error, says):
    if text is not None:
        (tmp_path / "metrics.jsonl").write_text(text)
    with pytest.raises(error, match=says):
        read_metrics(tmp_path)


# Choosing


def test_charts_are_those_that_have_numbers():
    assert [panel.name for panel in panels(as_columns(rows()))] == ["loss", "accuracy", "affect", "rate"]
    assert [panel.name for panel in panels(as_columns(rows(affect=False)))] == ["loss", "accuracy", "rate"]
    assert [panel.name for panel in panels(as_columns(rows(labels=False)))] == ["loss", "affect", "rate"]
    lost = [row | {"train_loss": math.nan, "val_loss": math.inf, "rate": 0.0} for row in rows(affect=False)]
    assert [panel.name for panel in panels(as_columns(lost))] == ["accuracy"]


def test_the_best_epoch_is_that_of_the_monitored_figure():
    columns = as_columns(rows())
    assert best(columns).epoch == 20
    assert best(columns).value == max(columns["val_accuracy"])
    assert best(columns, "val_loss").value == min(columns["val_loss"])
    assert best(columns, "val_loss").epoch == 1 + int(np.argmin(columns["val_loss"]))
    assert best(columns, "val_macro_f1").epoch == 1  # of equal ones the first
    assert best(columns, "nonsense").key == "val_accuracy"
    assert best(as_columns(rows(labels=False))).key == "val_ccc"
    assert best(as_columns(rows(labels=False, affect=False))).key == "val_loss"
    assert best(as_columns([{"epoch": 1, "train_loss": 1.0}])) is None


def test_a_score_of_accuracies_alone_is_a_share_as_they_are():
    score = [row | {"val_score": row["val_accuracy"]} for row in rows(affect=False)]
    assert told(best(as_columns(score), "val_score")) == "epoch 20, validation score 67.0 %"
    assert told(best(as_columns(score), "val_accuracy")) == "epoch 20, validation accuracy 67.0 %"
    mixed = [row | {"val_score": (row["val_accuracy"] + row["val_ccc_valence"]) / 2} for row in rows()]
    assert "%" not in told(best(as_columns(mixed), "val_score"))


def test_the_settings_say_what_is_monitored(tmp_path):
    folder = write_run(tmp_path, rows(), config={"monitor": "val_loss"})
    columns = read_metrics(folder)
    assert read_best(folder, columns).key == "val_loss"
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match=r"config\.json: not valid JSON"):
        read_best(folder, columns)


def test_lines_break_where_a_value_is_missing():
    assert runs([1, 2, math.nan, 3, math.inf, 4]) == [[0, 1], [3], [5]]
    assert runs([0.1, 0.0, 0.01], kind="log") == [[0], [2]]
    assert runs([math.nan]) == []


# Axes


@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-6, 1e6), most=st.integers(3, 12))
def test_ticks_are_round_evenly_spaced_and_inside(low, span, most):
    high = low + span
    ticks = round_ticks(low, high, most)
    assert 1 <= len(ticks) <= most
    assert all(low <= tick <= high for tick in ticks)
    if len(ticks) > 1:
        steps = np.diff(ticks)
        assert np.allclose(steps, steps[0], rtol=1e-3, atol=1e-9 * max(1, abs(low)))
        mantissa = float(f"{steps.mean():.4e}".split("e")[0])
        assert min(abs(mantissa - one) for one in (1, 2, 5, 10)) < 0.01
        assert ticks[0] - steps[0] < low + 1e-6 * span  # none is left out
        assert ticks[-1] + steps[0] > high - 1e-6 * span


def test_ticks_are_exact_numbers():
    assert round_ticks(0, 1, 6) == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert round_ticks(0.61, 0.74, 8) == (0.62, 0.64, 0.66, 0.68, 0.7, 0.72, 0.74)
    assert round_ticks(900, 4100, 5) == (1000, 2000, 3000, 4000)


def test_axes_hold_all_values_and_say_round_numbers():
    by_name = {panel.name: panel for panel in panels(as_columns(rows()))}
    for panel in by_name.values():
        axis = value_axis(panel)
        assert all(0 < axis.part(value) < 1 for one in panel.series for value in one.values)
    axis = value_axis(by_name["rate"])
    assert [axis.label(tick) for tick in axis.ticks] == ["0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1"]
    assert axis.part(0.01) - axis.part(0.001) == pytest.approx(axis.part(0.1) - axis.part(0.01))
    accuracy = value_axis(by_name["accuracy"])
    assert [accuracy.label(tick) for tick in accuracy.ticks] == ["20 %", "30 %", "40 %", "50 %", "60 %"]


def test_an_axis_of_one_value_or_one_epoch():
    for value in (0.0, 0.5, -3.0):
        (panel,) = panels(as_columns([{"epoch": 1, "val_ccc_valence": value}]))
        axis = value_axis(panel)
        assert axis.part(value) == pytest.approx(0.5)
        assert axis.ticks
    (panel,) = panels(as_columns([{"epoch": 1, "rate": 1e-4}]))
    assert value_axis(panel).part(1e-4) == pytest.approx(0.5)
    assert epoch_axis([1]).ticks == (1,)
    assert epoch_axis(range(1, 3)).ticks == (1, 2)
    assert epoch_axis(range(1, 27)).ticks == (1, 5, 10, 15, 20, 25)
    assert epoch_axis(range(1, 251)).ticks == (1, 50, 100, 150, 200, 250)


# The picture


def test_the_picture_shows_the_numbers(tmp_path):
    """Heights of a line's pixels are, up to scale, its numbers: seen in the decoded file, without our axes."""
    written = rows()
    path = write_png(write_run(tmp_path, written))
    assert path == tmp_path / "curves.png"
    picture = decoded(path)
    assert picture.shape[1] == WIDTH
    columns = as_columns(written)
    charts = planes(columns)
    assert [plane.panel.name for plane in charts] == ["loss", "accuracy", "affect", "rate"]
    for plane in charts:
        for one in plane.panel.series:
            x, y = spots(picture, plane, one.colour)
            left, right = x.min(), x.max()  # the first epoch and the last
            heights, values = [], []
            for k, value in enumerate(one.values):
                at = left + (right - left) * k / (EPOCHS - 1)
                near = np.abs(x - at) <= 1
                if near.any() and k not in (0, 19, EPOCHS - 1):  # there are an end or the dot of the best epoch
                    heights.append(y[near].mean())
                    values.append(math.log(value) if plane.panel.kind == "log" else value)
            assert len(values) > 0.7 * EPOCHS  # the rest lies under the other line
            slope, offset = np.polyfit(values, heights, 1)
            assert slope < 0  # more is higher
            assert np.abs(np.polyval((slope, offset), values) - heights).max() < 3


def test_lines_lie_at_their_ticks(tmp_path):
    """A loss of exactly 1 in all epochs lies on the grid line of the tick 1."""
    flat = [{"epoch": k, "train_loss": 1.0, "val_loss": 2.0 if k % 2 else 1.5} for k in range(1, 9)]
    picture = decoded(write_png(write_run(tmp_path, flat)))
    (plane,) = planes(as_columns(flat))
    assert 1.0 in plane.up.ticks
    _, y = spots(picture, plane, "train")
    assert abs(np.median(y) - plane.place(1, 1.0)[1]) <= 1
    low, high = plane.place(1, plane.up.ticks[0])[1], plane.place(1, plane.up.ticks[-1])[1]
    share = (plane.up.ticks[-1] - 1.0) / (plane.up.ticks[-1] - plane.up.ticks[0])
    assert abs(np.median(y) - (high + share * (low - high))) <= 1


def test_the_best_epoch_is_marked():
    columns = as_columns(rows())
    plain, marked = (curve_picture(columns, best=one).astype(int) for one in (None, best(columns)))
    plane = planes(columns)[1]
    changed = np.abs(plain - marked).max(axis=2)[plane.y : plane.y + plane.height, plane.x : plane.x + plane.width].any(axis=0)
    where = np.flatnonzero(changed) + plane.x
    at = plane.place(20, columns["val_accuracy"][19])[0]
    assert where.min() < at < where.max()
    assert where.max() - where.min() < 20


def test_gaps_single_points_and_one_epoch_are_drawn():
    broken = [row | ({"val_loss": math.nan} if k in (4, 6) else {}) for k, row in enumerate(rows(9, affect=False))]
    columns = as_columns(broken)
    picture, whole = curve_picture(columns), curve_picture(as_columns(rows(9, affect=False)))
    plane = planes(columns)[0]
    held = {k: plane.place(k + 1, rows(9)[k]["val_loss"]) for k in (4, 5, 6)}
    for k, (x, y) in held.items():
        near = (slice(round(y) - 1, round(y) + 2), slice(round(x) - 1, round(x) + 2))
        shown = (np.abs(picture[near].astype(int) - rgb(COLOURS["val"])).max(axis=2) < 12).any()
        assert shown == (k == 5)
        assert (np.abs(whole[near].astype(int) - rgb(COLOURS["val"])).max(axis=2) < 12).any()
    one = as_columns(rows(1))
    alone = curve_picture(one, best=best(one))
    for plane in planes(one):
        for series in plane.panel.series:
            x, y = spots(alone, plane, series.colour)
            assert abs(x.mean() - (plane.x + plane.width / 2)) < 2
            assert abs(y.mean() - plane.place(1, series.values[0])[1]) < 2


def test_charts_do_not_overlap_and_lie_on_the_picture():
    for options in ({}, {"affect": False}, {"affect": False, "labels": False}):
        columns = as_columns(rows(**options))
        height, width, _ = curve_picture(columns, title="a long name " * 30).shape
        taken = np.zeros((height, width), int)
        for plane in planes(columns):
            assert plane.x + plane.width <= width
            assert plane.y + plane.height <= height
            taken[plane.y : plane.y + plane.height, plane.x : plane.x + plane.width] += 1
        assert taken.max() == 1


def test_long_numbers_have_room_beside_their_axis():
    large = [row | {"train_loss": 2.0436e11, "val_loss": 2.0436e11} for row in rows(1)]
    loss = planes(as_columns(large))[0]
    picture = curve_picture(as_columns(large))
    assert max(text_width(loss.up.label(tick), 16) for tick in loss.up.ticks) < loss.x
    assert (picture[loss.y : loss.y + loss.height, 0] == picture[0, 0]).all()  # no ink at the edge


def test_a_training_without_a_number_to_draw_is_a_heading():
    assert curve_picture(as_columns([{"epoch": 1, "train_loss": math.nan}])).shape[1] == WIDTH


@given(st.lists(st.tuples(st.floats(0, 300), st.floats(0, 300)), min_size=2, max_size=8), st.floats(1, 20), st.floats(1, 20))
def test_dashes_are_the_right_share_of_a_line(points, on, off):
    length = sum(math.dist(a, b) for a, b in pairwise(points))
    inked = sum(math.dist(a, b) for piece in dashes(points, on, off) for a, b in pairwise(piece))
    whole, rest = divmod(length, on + off)
    assert inked == pytest.approx(whole * on + min(rest, on), abs=1e-6 * (1 + length))
