"""Times against a clock that is made up."""

import itertools
import time

import pytest

from mien.evaluate.speed import row, timed


def test_mean_median_and_95th_percentile_of_the_counted_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    took = [9.0] * 2 + [0.001, 0.002, 0.003, 0.010]  # two to warm up
    ends = list(itertools.accumulate(took[2:]))
    clock = iter(sorted([0.0, *ends, *ends[:-1]]))  # a run begins when the one before ends
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    runs = iter(took)
    assert timed(lambda: next(runs), runs=4, warm=2) == {
        "mean_ms": 4.0, "median_ms": 2.5, "p95_ms": pytest.approx(8.95), "per_s": 400.0,
    }  # fmt: skip


def test_every_row_has_the_same_columns_in_the_same_order() -> None:
    columns = ["what", "setting", "ratio_to", "ratio", "median_ms", "p95_ms", "per_s", "mean_ms"]
    full = row("a", "b", {"mean_ms": 4.0, "median_ms": 2.5, "p95_ms": 9.0, "per_s": 400.0}, than=("c", 0.5), faces=2)
    assert list(full.items()) == list(zip([*columns, "faces"], ["a", "b", "c", 0.5, 2.5, 9.0, 400.0, 4.0, 2], strict=True))
    assert row("a", "b", {"per_s": 3.0}) == dict.fromkeys(columns) | {"what": "a", "setting": "b", "per_s": 3.0}
