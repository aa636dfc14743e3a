"""How long frames of an annotated video are shown, where the original cannot tell."""

import itertools
from pathlib import Path

import pytest

from mien.io.video import probe
from mien.sinks.video import Mp4Sink
from mien.types import Frame
from tests.io.clips import clip, stamped
from tests.sinks.test_video import feed, frames_of, numbers, plain, ticks


def test_frames_that_come_no_more_are_not_stood_in_for_by_the_last(tmp_path: Path) -> None:
    """Whoever feeds the frames ends after ten of sixty: the tenth is shown as long as the others, not for the rest of the film."""
    source = clip(tmp_path / "in.mp4", 60, fps=30)
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    feed(sink, itertools.islice(frames_of(source), 10))
    assert probe(tmp_path / "out.mp4").duration == pytest.approx(10 / 30, abs=0.001)


def test_times_nearer_than_a_tick_still_grow(tmp_path: Path) -> None:
    times = [0.0, 1e-6, 2e-6, 3e-6, 0.1]
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    feed(sink, (Frame(stamped(i), i, time, "camera 0", stream=True) for i, time in enumerate(times)))
    assert numbers(tmp_path / "out.mp4") == list(range(5))
    found = [float(time) for time in ticks(tmp_path / "out.mp4")]
    assert found == pytest.approx(times, abs=1e-4)
    assert sorted(set(found)) == found
