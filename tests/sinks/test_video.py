import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from fractions import Fraction
from itertools import count, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.errors import SinkError, UsageError
from mien.io.video import VideoSpan, probe, read_video
from mien.sinks.encoder import Encoder
from mien.sinks.originals import Originals
from mien.sinks.pictures import FolderSink, PictureSink
from mien.sinks.registry import open_sink
from mien.sinks.sink import BadTarget
from mien.sinks.video import Mp4Sink, clock
from mien.types import Emotions, Faces, Frame, Image, Result
from tests.io.clips import clip, number_on, stamped
from tests.io.interrupted import interrupted

ROOT = Path(__file__).parents[2]


def plain(image: Image, result: Result) -> Image:
    return image


def result_of(frame: Frame) -> Result:
    return Result(frame.source, frame.index, frame.time, frame.size, Faces.none(), Emotions(("a", "b"), np.zeros((0, 2), np.float32)))


def frames_of(path: Path, **span: float) -> Iterable[Frame]:
    return (event for event in read_video(path, source=str(path), **span) if isinstance(event, Frame))  # type: ignore[arg-type]


def feed(sink: Mp4Sink, frames: Iterable[Frame], *, interrupted_at: int = -1) -> None:
    with sink:
        for frame in frames:
            if frame.index == interrupted_at:
                raise KeyboardInterrupt
            sink.write(frame, result_of(frame))


def annotate(source: Path, target: Path, **span: float) -> Mp4Sink:
    sink = Mp4Sink(target, drawer=plain, span=VideoSpan(**span))  # type: ignore[arg-type]
    feed(sink, frames_of(source, **span))
    return sink


def ticks(path: Path) -> list[Fraction]:
    """Seconds of each frame, exactly."""
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def numbers(path: Path) -> list[int]:
    return [number_on(frame.image) for frame in frames_of(path)]


def sound_of(path: Path) -> tuple[str, list[bytes], list[float]]:
    """Codec, packets and their times."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        return stream.codec_context.codec.canonical_name, [bytes(p) for p in packets], [float(p.pts * p.time_base) for p in packets]


def encode_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mien-encode"]


def boxes(path: Path) -> list[bytes]:
    """Names of the file's top-level boxes, in their order."""
    data, at, found = path.read_bytes(), 0, []
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 8])
        at += size
    return found


def test_frames_times_size_and_sound_are_the_originals(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 60, bframes=2, sound="aac", fps=30)
    sink = annotate(source, tmp_path / "deep" / "out.mp4")
    out = tmp_path / "deep" / "out.mp4"
    assert sink.what == str(out)
    assert numbers(out) == list(range(60))
    assert ticks(out) == ticks(source)
    with av.open(str(out)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt, video.width, video.height) == ("h264", "yuv420p", 64, 48)
        assert (video.codec_context.colorspace, video.codec_context.color_range) == (1, 1)
        assert float(video.duration * video.time_base) == pytest.approx(2.0, abs=1e-4)
    assert sound_of(out)[:2] == sound_of(source)[:2]
    assert sound_of(out)[2] == pytest.approx(sound_of(source)[2], abs=1e-4)
    assert boxes(out)[:2] == [b"ftyp", b"moov"]  # the index in front, and no fragments
    assert b"moof" not in boxes(out)
    assert [path.name for path in out.parent.iterdir()] == ["out.mp4"]
    assert encode_threads() == []


@pytest.mark.parametrize("name", ["in.mp4", "in.mkv", "in.ts"])
def test_variable_frame_rates_are_kept(tmp_path: Path, name: str) -> None:
    times = [0, 0.02, 0.5, 0.53, 1.9, 2.0, 2.11]
    source = clip(tmp_path / name, times=times)
    annotate(source, tmp_path / "out.mp4")
    out = [float(time) for time in ticks(tmp_path / "out.mp4")]
    assert out == pytest.approx([float(time - ticks(source)[0]) for time in ticks(source)], abs=2e-6)
    assert out == pytest.approx(times, abs=0.001)


def test_colours_come_back(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", 3, codec="ffv1", pix_fmt="yuv444p", images=[np.full((48, 64, 3), (200, 60, 90), np.uint8)] * 3)
    annotate(source, tmp_path / "out.mp4")
    image = next(iter(frames_of(tmp_path / "out.mp4"))).image
    assert np.abs(image[20, 20].astype(int) - next(iter(frames_of(source))).image[20, 20]).max() <= 4


def test_the_last_frame_lasts_to_the_end(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", times=[0, 0.1, 0.2, 0.6])
    told = probe(source).duration
    for span in ({}, {"stride": 3}, {"every": 0.2}):
        annotate(source, tmp_path / "out.mp4", **span)
        assert told is not None
        assert probe(tmp_path / "out.mp4").duration == pytest.approx(told, abs=0.001)


def test_sampled_frames_keep_their_times(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 75, sound="aac")
    annotate(source, tmp_path / "out.mp4", every=0.5)
    assert [float(time) for time in ticks(tmp_path / "out.mp4")] == pytest.approx([0, 0.52, 1.0, 1.52, 2.0, 2.52], abs=1e-4)
    assert probe(tmp_path / "out.mp4").duration == pytest.approx(3.0, abs=0.01)
    assert sound_of(tmp_path / "out.mp4")[1] == sound_of(source)[1]


def test_a_part_begins_at_zero_with_its_own_sound(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 100, sound="aac")
    annotate(source, tmp_path / "out.mp4", start=1.0, stop=3.0)
    times = [float(time) for time in ticks(tmp_path / "out.mp4")]
    assert (times[0], len(times)) == (0, 50)
    assert probe(tmp_path / "out.mp4").duration == pytest.approx(2.0, abs=0.001)
    _, packets, at = sound_of(source)
    _, kept, moved = sound_of(tmp_path / "out.mp4")
    first = packets.index(kept[0])
    assert packets[first : first + len(kept)] == kept
    assert moved == pytest.approx([time - 1.0 for time in at[first : first + len(kept)]], abs=0.001)
    assert -0.03 < moved[0] <= 0 < 1.97 < moved[-1] < 2.0


@pytest.mark.parametrize("kind", ["pcm_s16le", "ac3"])
def test_sound_that_browsers_lack_becomes_aac(tmp_path: Path, kind: str) -> None:
    source = clip(tmp_path / "in.mkv", 50, sound=kind)
    assert annotate(source, tmp_path / "out.mp4").notes == []
    assert sound_of(tmp_path / "out.mp4")[0] == "aac"
    one, other = heard(source), heard(tmp_path / "out.mp4")
    lag = np.correlate(other[20000:60000], one[22000:50000]).argmax() - 2000
    assert abs(lag) < 1500  # 34 ms: the encoder's lead-in at most
    assert abs(len(one) - len(other)) < 5000


def heard(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", 44100)
        return np.concatenate([out.to_ndarray()[0] for frame in container.decode(audio=0) for out in resampler.resample(frame)])


def test_broken_sound_does_not_cost_the_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "in.mp4", 20, sound="aac")
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    for frame in frames_of(source):
        sink.write(frame, result_of(frame))
    source.write_bytes(b"gone")
    sink.close()
    assert numbers(tmp_path / "out.mp4") == list(range(20))
    assert sink.what.startswith(f"{tmp_path / 'out.mp4'} (without sound (")


def test_odd_sizes_get_a_copy_of_their_last_row(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mkv", 3, size=(61, 47), codec="ffv1", pix_fmt="yuv444p")
    sink = annotate(source, tmp_path / "out.mp4")
    assert sink.what.endswith("out.mp4 (62x48, since H.264 has even sides)")
    frame, original = next(iter(frames_of(tmp_path / "out.mp4"))), next(iter(frames_of(source)))
    assert frame.size == (62, 48)
    assert np.abs(frame.image[:47, :61].astype(int) - original.image).mean() < 12
    assert np.abs(frame.image[47, :61].astype(int) - original.image[46]).mean() < 12


def test_frames_are_drawn_and_brought_to_one_size(tmp_path: Path) -> None:
    def inverted(image: Image, result: Result) -> Image:
        return 255 - stamped(result.index, *((64, 48) if result.index % 2 else (128, 96)))

    sink = Mp4Sink(tmp_path / "out.mp4", drawer=inverted)
    with sink:
        for index in range(6):
            size = (64, 48) if index < 3 else (96, 72)
            frame = Frame(stamped(0, *size), index, index / 10, "camera", stream=True)
            sink.write(frame, result_of(frame))
    out = list(frames_of(tmp_path / "out.mp4"))
    assert [255 - number_on(frame.image) for frame in out] == list(range(6))
    assert {frame.size for frame in out} == {(64, 48)}
    assert [frame.time for frame in out] == pytest.approx([index / 10 for index in range(6)])
    assert sink.notes == ["some frames are 128x96, fitted into 64x48"]


@pytest.mark.parametrize(
    ("later", "inside", "borders"),
    [
        ((48, 48), np.s_[:, 8:56], np.s_[:, :8]),
        ((128, 48), np.s_[12:36, :], np.s_[36:, :]),
        ((24, 48), np.s_[:, 20:44], np.s_[:, 44:]),
        ((30, 12), np.s_[11:37, :], np.s_[:10, :]),  # 64 x 25.6
    ],
)
def test_a_video_that_changes_its_shape_is_fitted_with_borders(tmp_path: Path, later: tuple[int, int], inside: Any, borders: Any) -> None:
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    with sink:
        for index, size in enumerate([(64, 48), later, (64, 48)]):
            frame = Frame(np.full((size[1], size[0], 3), 200, np.uint8), index, index / 10, "camera", stream=True)
            sink.write(frame, result_of(frame))
    first, changed, last = [frame.image for frame in frames_of(tmp_path / "out.mp4")]
    assert min(first.min(), last.min()) > 180
    assert changed[inside][2:-2, 2:-2].min() > 180
    assert changed[borders].max() < 40
    assert sink.what.endswith(f"out.mp4 (some frames are {later[0]}x{later[1]}, fitted into 64x48)")


def test_several_changes_of_shape_are_one_note(tmp_path: Path) -> None:
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    with sink:
        for index, size in enumerate([(64, 48), (48, 64), (64, 64), (48, 64)]):
            frame = Frame(stamped(0, *size), index, index / 10, "camera", stream=True)
            sink.write(frame, result_of(frame))
    assert sink.notes == ["some frames are of 2 other sizes, fitted into 64x48"]


def test_nothing_is_written_without_a_frame(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"old")
    for name in ("new.mp4", "there.mp4"):
        with Mp4Sink(tmp_path / name, drawer=plain):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["there.mp4"]
    assert (tmp_path / "there.mp4").read_bytes() == b"old"


def test_a_run_that_breaks_off_leaves_what_it_has(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 50, sound="aac")
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    with pytest.raises(KeyboardInterrupt):
        feed(sink, frames_of(source), interrupted_at=20)
    assert numbers(tmp_path / "out.mp4") == list(range(20))
    assert probe(tmp_path / "out.mp4").duration == pytest.approx(0.8, abs=0.001)
    assert sound_of(tmp_path / "out.mp4")[2][-1] < 0.8
    assert sink.what.endswith("out.mp4 (up to the break)")
    assert encode_threads() == []
    assert not list(tmp_path.glob("*.part"))


def test_a_run_that_fails_leaves_an_earlier_video_as_it_was(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 50)
    annotate(source, tmp_path / "out.mp4")
    before = (tmp_path / "out.mp4").read_bytes()
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)

    def twenty() -> Iterable[Frame]:
        yield from islice(frames_of(source), 20)
        raise ZeroDivisionError("elsewhere")

    with pytest.raises(ZeroDivisionError):
        feed(sink, twenty())
    assert (tmp_path / "out.mp4").read_bytes() == before
    assert numbers(tmp_path / "out.mp4.part") == list(range(20))
    assert sink.what.endswith("out.mp4.part (up to the break)")
    annotate(source, tmp_path / "out.mp4")  # which the part does not hinder
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["in.mp4", "out.mp4"]


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
from tests.sinks.test_video import *
sink = Mp4Sink(Path({out!r}), drawer=plain)
for frame in frames_of(Path({source!r})):
    sink.write(frame, result_of(frame))
    if frame.index == 120:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_half_way_the_written_part_plays(tmp_path: Path) -> None:
    source, out = clip(tmp_path / "in.mp4", 200, sound="aac"), tmp_path / "out.mp4"
    out.write_bytes(b"an earlier one")
    code = KILLED.format(root=str(ROOT), out=str(out), source=str(source))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert out.read_bytes() == b"an earlier one"
    frames = list(frames_of(out.with_name("out.mp4.part")))
    assert 120 - 25 <= len(frames) <= 121  # all but the last second
    assert [number_on(frame.image) for frame in frames] == list(range(len(frames)))
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(len(frames))], abs=1e-4)


def test_pictures_and_second_videos_are_refused(tmp_path: Path) -> None:
    a, b = clip(tmp_path / "a.mp4", 3), shutil.copy(clip(tmp_path / "b.mp4", 3), tmp_path / "c")
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    picture = Frame(stamped(0), source="p.jpg")
    with pytest.raises(
        BadTarget, match=r"out\.mp4: p\.jpg is a picture, wanted a video; name a \.jpg or \.png file, or a folder: -o .*out/"
    ):
        sink.write(picture, result_of(picture))
    for frame in frames_of(a):
        sink.write(frame, result_of(frame))
    for other in (Path(b), a):
        frame = next(iter(frames_of(other)))
        with pytest.raises(BadTarget, match=r"out\.mp4: holds .*a\.mp4, but .* came too; for several videos name a folder: -o .*out/"):
            sink.write(frame, result_of(frame))
    sink.close()
    assert numbers(tmp_path / "out.mp4") == [0, 1, 2]
    film = next(iter(frames_of(a)))
    with pytest.raises(BadTarget, match=r"p\.jpg: holds one picture, but .*a\.mp4 is a video; name a video: -o .*p\.mp4, or a folder"):
        PictureSink(tmp_path / "p.jpg", drawer=plain).write(film, result_of(film))


def test_inputs_that_cannot_make_one_video_are_refused_at_once(tmp_path: Path) -> None:
    for inputs, said in (
        (["a.mp4", "b.mkv"], r"out\.mp4: holds one video, but there are a\.mp4 and b\.mkv; for several videos name a folder: -o .*out/"),
        (["a.jpg"], r"out\.mp4: a\.jpg is a picture, wanted a video"),
        ([tmp_path / "out.mp4"], "is one of the inputs"),
    ):
        with pytest.raises(UsageError, match=said):
            open_sink(tmp_path / "out.mp4", inputs=inputs)
    open_sink(tmp_path / "out.mp4", inputs=["a.mp4", "-"])


def test_what_fails_in_the_thread_is_raised(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 40)

    def broken(image: Image, result: Result) -> Image:
        if result.index == 3:
            raise ZeroDivisionError("in the drawer")
        return image

    with pytest.raises(ZeroDivisionError, match="in the drawer"):
        feed(Mp4Sink(tmp_path / "out.mp4", drawer=broken), frames_of(source))
    assert encode_threads() == []

    sink = Mp4Sink(tmp_path / "gone" / "out.mp4", drawer=plain)
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_text("a file where the folder was")
    with pytest.raises(SinkError, match=r"out\.mp4\.part: cannot be written \("):
        feed(sink, frames_of(source))
    assert encode_threads() == []


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    (tmp_path / "out.mp4.part").symlink_to("/dev/full")
    (tmp_path / "out.mp4").write_bytes(b"an earlier one")
    source = clip(tmp_path / "in.mp4", 40)
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    with pytest.raises(SinkError, match=r"out\.mp4: cannot be written \(No space left"):
        feed(sink, frames_of(source))
    assert (tmp_path / "out.mp4").read_bytes() == b"an earlier one"


def test_a_disk_that_fills_with_the_last_frames_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder holds frames back and gives them out at the end, when no frame comes any more that could be answered with the error."""

    class Full:
        def __init__(self, stream: av.VideoStream) -> None:
            self._stream = stream

        def encode(self, frame: av.VideoFrame | None) -> list[av.Packet]:
            if frame is None:
                raise OSError(28, "No space left on device")
            return self._stream.encode(frame)

    stream_of = Encoder._stream
    monkeypatch.setattr(Encoder, "_stream", lambda self, container: Full(stream_of(self, container)))
    sink = Mp4Sink(tmp_path / "out.mp4", drawer=plain)
    for index in range(3):
        frame = Frame(stamped(index, 64, 48), index, index / 10, "camera", stream=True)
        sink.write(frame, result_of(frame))
    caught: list[BaseException] = []

    def close() -> None:
        try:
            sink.close()
        except SinkError as error:
            caught.append(error)

    closing = threading.Thread(target=close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive(), "close() waits for ever"
    assert str(caught[0]) == f"{tmp_path / 'out.mp4'}: cannot be written (No space left on device)"
    assert encode_threads() == []


def test_a_ctrl_c_at_any_step_of_a_write_does_not_hang_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Encoder, "_encode", lambda self: list(self._coming))
    frame = Frame(stamped(0, 64, 48), 0, 0.0, "camera", stream=True)
    for step in count():
        encoder = Encoder(
            tmp_path / "out.mp4.part", path=tmp_path / "out.mp4", size=frame.size, time_base=Fraction(1, 30), fps=30, drawer=plain
        )
        done = not interrupted(lambda encoder=encoder: encoder.write(frame.image, result_of(frame), 0), step) and step > 0  # type: ignore[misc]
        closing = threading.Thread(target=encoder.close, daemon=True)
        closing.start()
        closing.join(5)
        assert not closing.is_alive(), f"close() waits for ever after step {step}"
        if done:
            break
    assert step > 10


def test_a_folder_gets_videos_and_pictures(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    clip(tmp_path / "in" / "b.mkv", 4, sound="aac")
    clip(tmp_path / "in" / "d.mp4", 5)
    (tmp_path / "other").mkdir()
    again = clip(tmp_path / "other" / "b.avi", 2, codec="mpeg4")
    originals = Originals.of([tmp_path / "in", again])
    sink = FolderSink(tmp_path / "out", drawer=plain, originals=originals)
    picture = Frame(stamped(9), source=str(tmp_path / "in" / "c.png"))
    camera = [Frame(stamped(n), n, n / 10, "10.0.0.7", stream=True) for n in range(2)]
    first, second = list(frames_of(tmp_path / "in" / "b.mkv")), list(frames_of(tmp_path / "in" / "d.mp4"))
    with sink:
        for frame in [*first, picture, *second, *frames_of(again), *camera]:
            sink.write(frame, result_of(frame))
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == ["10.0.0.7.mp4", "b.avi.mp4", "b.mp4", "c.png", "d.mp4", "results.csv"]
    assert [len(numbers(out / name)) for name in ("b.mp4", "b.avi.mp4", "d.mp4", "10.0.0.7.mp4")] == [4, 2, 5, 2]
    assert sound_of(out / "b.mp4")[0] == "aac"
    assert len((out / "results.csv").read_text().splitlines()) == 1 + 4 + 1 + 5 + 2 + 2


def test_a_folder_never_overwrites_the_inputs(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", 3)
    with pytest.raises(BadTarget, match="is one of the inputs"):
        FolderSink(tmp_path, drawer=plain, originals=Originals.of([source]))
    assert re.fullmatch(r".*a\.mp4", str(source))
    assert numbers(source) == [0, 1, 2]


def test_the_clock_holds_the_originals_ticks() -> None:
    for base in (Fraction(1, 25), Fraction(1001, 30000), Fraction(1, 12288), Fraction(1, 90000), Fraction(1, 1000), Fraction(1, 1_000_000)):
        assert (base / clock(base)).denominator == 1
        assert 10_000 <= clock(base).denominator <= 1_000_000
    assert clock(Fraction(1, 1_000_000_000)) == Fraction(1, 90_000)
