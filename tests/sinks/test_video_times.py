"""How long frames of an annotated video are shown, where the original cannot tell."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from mien.errors import SourceUnreadable
from mien.io.video import VideoSpan, probe
from mien.sinks.pictures import FolderSink
from mien.sinks.sink import Sink
from mien.sinks.video import Mp4Sink
from mien.types import Frame
from tests.io.clips import clip, stamped
from tests.sinks.test_video import annotate, feed, frames_of, numbers, plain, result_of, sound_of, ticks


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


FILES = {"in.mp4": {}, "in.mkv": {}, "in.ts": {}, "live.mkv": {"file_options": {"live": "1"}}}
"""The last one's header says nothing of how long it is, as that of a recording in a browser."""


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["a loop that is left", "samples of such a loop", "a session that ends"])
def test_no_sound_of_what_comes_behind_the_last_frame(tmp_path: Path, name: str, how: str) -> None:
    """Whoever looks at two seconds of eight has not heard the other six, and passes none of them on."""
    source = clip(tmp_path / name, 200, sound="aac", **FILES[name])
    sink, every = Mp4Sink(tmp_path / "out.mp4", drawer=plain), {"every": 0.2} if how.startswith("samples") else {}
    until = itertools.takewhile(lambda frame: frame.time < 2, frames_of(source, **every))
    with sink:
        for frame in until:
            sink.write(frame, result_of(frame))
            if how.startswith("a loop") and frame.index == 49:
                break
    end = probe(tmp_path / "out.mp4").duration
    assert end == pytest.approx(2, abs=0.05)
    _, kept, times = sound_of(tmp_path / "out.mp4")
    assert 1.9 < times[-1] < end
    assert all(map(bytes.endswith, sound_of(source)[1], kept))  # from the beginning on; MPEG-TS has headers before the packets


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("span", [{}, {"every": 0.5}, {"every": 100}, {"stride": 40}, {"start": 1.0}])
def test_a_film_that_was_read_to_its_end_keeps_its_sound_to_the_end(tmp_path: Path, name: str, span: dict[str, float]) -> None:
    source = clip(tmp_path / name, 75, sound="aac", sound_seconds=5.0, **FILES[name])  # the sound goes on behind the last picture
    annotate(source, tmp_path / "out.mp4", **span)
    assert sound_of(source)[1][-1].endswith(sound_of(tmp_path / "out.mp4")[1][-1])


SLOWING = [*np.arange(0, 2, 0.04), *range(2, 8)]
"""25 frames a second, then one: seconds."""
RARE = list(range(8))


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("times", [SLOWING, RARE], ids=["slowing", "rare"])
@pytest.mark.parametrize(
    "span", [{"stride": 3}, {"stride": 20}, {"stride": 100}, {"every": 3.0}, {"every": 100}, {"every": 3.0, "start": 3.0}]
)
def test_a_film_of_any_steps_keeps_its_sound_to_the_end(tmp_path: Path, name: str, times: list[float], span: dict[str, float]) -> None:
    source = clip(tmp_path / name, times=times, sound="aac", sound_seconds=9.0)
    annotate(source, tmp_path / "out.mp4", **span)
    assert sound_of(source)[1][-1] == sound_of(tmp_path / "out.mp4")[1][-1]


@pytest.mark.parametrize("span", [{"stride": 20}, {"every": 3.0}])
def test_samples_of_which_the_sink_was_not_told_keep_the_sound_to_the_end(tmp_path: Path, span: dict[str, float]) -> None:
    source = clip(tmp_path / "in.mp4", times=SLOWING, sound="aac", sound_seconds=20.0)
    feed(Mp4Sink(tmp_path / "out.mp4", drawer=plain), frames_of(source, **span))
    assert sound_of(source)[1][-1] == sound_of(tmp_path / "out.mp4")[1][-1]


@pytest.mark.parametrize(("span", "left_at", "end"), [({"stride": 20}, 20, 1.6), ({"stride": 3}, 45, 1.92), ({"every": 3.0}, 0, 0.24)])
def test_a_sampled_film_that_is_left_keeps_no_later_sound(tmp_path: Path, span: dict[str, float], left_at: int, end: float) -> None:
    """Behind the last of its samples comes no more than the step to the next."""
    source = clip(tmp_path / "in.mp4", times=SLOWING, sound="aac", sound_seconds=9.0)
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain, span=VideoSpan(**span))  # type: ignore[arg-type]
    feed(sink, (frame for frame in frames_of(source, **span) if frame.index <= left_at))
    assert sound_of(tmp_path / "out.mp4")[2][-1] < end


@pytest.mark.parametrize(("stop", "end"), [(2.5, 2.5), (8.5, 8.5), (20.0, 9.0)])
def test_sound_lasts_to_the_end_of_the_span(tmp_path: Path, stop: float, end: float) -> None:
    """Also where the pictures end before."""
    source = clip(tmp_path / "in.mp4", times=SLOWING, sound="aac", sound_seconds=9.0)
    annotate(source, tmp_path / "out.mp4", stop=stop)
    assert sound_of(tmp_path / "out.mp4")[2][-1] == pytest.approx(end, abs=0.05)


@pytest.mark.parametrize("kind", [Mp4Sink, FolderSink])
def test_a_damaged_film_that_was_read_to_its_end_keeps_its_sound(kind: type[Sink], tmp_path: Path) -> None:
    """Frames that cannot be decoded are in the file, and yet none follow."""
    source = clip(tmp_path / "in.mp4", 75, sound="aac", sound_seconds=5.0)
    out = tmp_path / "out.mp4" if kind is Mp4Sink else tmp_path / "out" / "in.mp4"
    with kind(out if kind is Mp4Sink else out.parent, drawer=plain) as sink:
        for frame in itertools.islice(frames_of(source), 60):
            sink.write(frame, result_of(frame))
        sink.failed("another", SourceUnreadable("damaged"))
        sink.failed(str(source), SourceUnreadable("damaged"))
    assert sound_of(source)[1][-1] == sound_of(out)[1][-1]
