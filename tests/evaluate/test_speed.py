"""Times against a clock that is made up."""

import itertools
import time

import pytest

from mien.evaluate.speed import timed


def test_mean_median_and_95th_percentile_of_the_counted_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    took = [9.0] * 2 + [0.001, 0.002, 0.003, 0.010]  # two to warm up
    ends = list(itertools.accumulate(took[2:]))
    clock = iter(sorted([0.0, *ends, *ends[:-1]]))  # a run begins when the one before ends
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    runs = iter(took)
    assert timed(lambda: next(runs), runs=4, warm=2) == {
        "mean_ms": 4.0, "median_ms": 2.5, "p95_ms": pytest.approx(8.95), "per_s": 400.0,
    }  # fmt: skip
