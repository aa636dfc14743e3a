import io
import itertools
import re
import shutil
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import PIL.Image
import pytest
from tests.io.clips import clip, cut, damaged, grainy, number_on, sound_only, stamped

from mien.errors import SourceError, UsageError
from mien.io.events import Failure
from mien.io.images import ImageLimits
from mien.io.video import VideoInfo, VideoSpan, probe, read_video
from mien.types import Frame

FASTSTART = {"movflags": "faststart"}


def read(media: object, **how: object) -> tuple[list[Frame], list[str]]:
    """Frames, and what the failures say; a failure comes last."""
    events = list(read_video(media, source="clip", **how))  # type: ignore[arg-type]
    frames = [event for event in events if isinstance(event, Frame)]
    failures = [str(event.error) for event in events if isinstance(event, Failure)]
    assert len(frames) + len(failures) == len(events)
    assert all(isinstance(event, Frame) for event in events[:-1])
    return frames, failures


def numbers(frames: list[Frame]) -> list[int]:
    return [number_on(frame.image) for frame in frames]


def video_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "mien-video"]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.mp4", {"bframes": 3}),
        ("a.mp4", {"bframes": 3, "options": {"x264-params": "open-gop=1"}}),
        ("a.mov", {}),
        ("a.mkv", {"bframes": 2}),
        ("a.ts", {"bframes": 2}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.avi", {"bframes": 2}),
        ("a.webm", {"codec": "libvpx"}),
        ("a.mpg", {"codec": "mpeg2video"}),
        ("a.h264", {"bframes": 2}),
    ],
)
def test_every_frame_in_order_with_its_time(tmp_path: Path, name: str, made: dict[str, object]) -> None:
    path = clip(tmp_path / name, 30, **made)
    frames, failures = read(path)
    assert failures == []
    assert numbers(frames) == list(range(30))
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(30)], abs=0.001)
    for frame in frames:
        assert frame.stream
        assert frame.source == "clip"
        assert frame.image.dtype == np.uint8
        assert frame.image.shape == (48, 64, 3)
        assert frame.image.flags.c_contiguous


def test_times_are_the_containers_and_begin_at_zero(tmp_path: Path) -> None:
    times = [0, 0.01, 0.5, 0.533367, 1.9, 2.0]
    frames, _ = read(clip(tmp_path / "a.mp4", times=times))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-5)
    later, _ = read(clip(tmp_path / "b.mkv", times=[time + 3 for time in times]))
    assert [frame.time for frame in later] == pytest.approx(times, abs=0.001)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.mp4"])
def test_a_film_that_begins_late_is_whole(tmp_path: Path, name: str) -> None:
    """Matroska's header counts from 0, not from the first frame."""
    codec = {"codec": "vp8"} if name.endswith("webm") else {}
    path = clip(tmp_path / name, times=[20 + n / 25 for n in range(50)], **codec)
    frames, failures = read(path)
    assert (len(frames), failures) == (50, [])
    assert probe(path).duration == pytest.approx(2.0, abs=0.1)


def test_frames_without_times_follow_at_the_frame_rate(tmp_path: Path) -> None:
    frames, failures = read(clip(tmp_path / "a.h264", 20, fps=50, file_format="h264"))
    assert failures == []
    assert [frame.time for frame in frames] == pytest.approx([n / 50 for n in range(20)], abs=1e-6)


def test_times_grow_though_the_clock_begins_anew(tmp_path: Path) -> None:
    one = clip(tmp_path / "1.ts", 20).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(one + one)
    frames, _ = read(joined)
    times = [frame.time for frame in frames]
    assert numbers(frames) == [*range(20), *range(20)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize("bframes", [0, 2])
@pytest.mark.parametrize("count", [12, 24])
def test_short_clips_that_were_joined_have_their_times(tmp_path: Path, count: int, bframes: int) -> None:
    """Each begins its clock anew, and goes back by less than a second."""
    one = clip(tmp_path / "one.ts", count, bframes=bframes).read_bytes()
    (tmp_path / "joined.ts").write_bytes(one * 3)
    frames, _ = read(tmp_path / "joined.ts")
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(3 * count)], abs=0.001)


@pytest.mark.parametrize("name", ["late.mkv", "late.ts"])
def test_a_frame_that_is_stamped_late_moves_no_other(tmp_path: Path, name: str) -> None:
    """By 0.16 s, as far as the clock goes back where short clips were joined: the next frames are where they belong all the same."""
    original = clip(tmp_path / "in.mp4", 120, fps=30)
    with av.open(str(original)) as film, av.open(str(tmp_path / name), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for number, packet in enumerate(film.demux(video=0)):
            if packet.size:
                packet.pts += round((0.16 if number % 60 == 30 else 0) / packet.time_base)
                packet.stream = stream
                out.mux(packet)
    frames, failures = read(tmp_path / name)
    assert (numbers(frames), failures) == (list(range(120)), [])
    off = np.array([frame.time for frame in frames]) - np.arange(120) / 30
    assert np.abs(np.delete(off, [*range(30, 36), *range(90, 96)])).max() < 0.002
    assert off.max() < 0.17


def test_a_clock_that_trembles_does_not_begin_anew(tmp_path: Path) -> None:
    """Stamps of the order of decoding, which a program that knows no other writes: each is some frames away from its own."""
    original = clip(tmp_path / "in.mp4", 100, bframes=3)
    with av.open(str(original)) as film, av.open(str(tmp_path / "out.mkv"), "w") as out:
        stream = out.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(video=0):
            if packet.size:
                packet.pts, packet.stream = packet.dts, stream
                out.mux(packet)
    frames, _ = read(tmp_path / "out.mkv")
    stamps = [packet.pts for packet in av.open(str(tmp_path / "out.mkv")).demux(video=0) if packet.size]
    assert numbers(frames) == list(range(100))
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(100)], abs=4 / 25)
    assert stamps == sorted(stamps)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_rotation_and_mirroring_are_undone(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    upright = stamped(0b11001010)
    stored = np.fliplr(upright) if mirrored else upright
    stored = np.ascontiguousarray(np.rot90(stored, degrees // 90))  # counterclockwise; the container says how to turn it back
    size = stored.shape[1], stored.shape[0]
    path = clip(tmp_path / "a.mp4", 2, size=size, images=[stored] * 2, turn=(-degrees, mirrored, False), pix_fmt="yuv444p")
    [frame, _], _ = read(path)
    assert frame.size == (64, 48) == (probe(path).width, probe(path).height)
    assert np.abs(frame.image.astype(int) - upright).mean() < 4


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("told", [0, 90])
def test_frames_are_turned_after_what_the_container_says(tmp_path: Path, degrees: int, told: int) -> None:
    upright = stamped(0b11001010)
    seen = np.rot90(upright, degrees // 90)
    stored = np.ascontiguousarray(np.rot90(seen, told // 90))
    size = stored.shape[1], stored.shape[0]
    path = clip(tmp_path / "a.mp4", 2, size=size, images=[stored] * 2, turn=(-told, False, False), pix_fmt="yuv444p")
    frames = [event for event in read_video(path, source="a", turn=degrees) if isinstance(event, Frame)]
    assert [frame.size for frame in frames] == [(64, 48)] * 2
    assert np.abs(frames[1].image.astype(int) - upright).mean() < 4
    assert [(frame.index, frame.time) for frame in frames] == [(0, 0.0), (1, 0.04)]


PATCH = (200, 60, 90)


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_colours_by_the_declared_matrix_and_range(tmp_path: Path, matrix: int, full: bool, pix_fmt: str) -> None:
    path = tmp_path / "a.mkv"
    _flat(path, matrix, matrix, full, pix_fmt, (64, 48))
    [frame], _ = read(path)
    assert np.abs(frame.image[24, 32].astype(int) - PATCH).max() <= 4


@pytest.mark.parametrize(("matrix", "height"), [(6, 576), (1, 720)])
def test_an_undeclared_matrix_goes_by_the_height(tmp_path: Path, matrix: int, height: int) -> None:
    path = tmp_path / "a.mkv"
    _flat(path, matrix, 2, False, "yuv420p", (32, height))
    [frame], _ = read(path)
    assert np.abs(frame.image[24, 16].astype(int) - PATCH).max() <= 4


def _flat(path: Path, matrix: int, told: int, full: bool, pix_fmt: str, size: tuple[int, int]) -> None:
    """A frame of one colour whose Y, Cb, Cr are computed here, by the definitions of BT.709, BT.601 and BT.2020."""
    import av

    red, blue = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    r, g, b = (value / 255 for value in PATCH)
    y = red * r + (1 - red - blue) * g + blue * b
    cb, cr = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    scale = (255, 0, 255) if full else (219, 16, 224)
    values = (y * scale[0] + scale[1], cb * scale[2] + 128, cr * scale[2] + 128)
    frame = av.VideoFrame(*size, pix_fmt)
    for plane, value in zip(frame.planes, values, strict=True):
        plane.update(bytes([round(value)]) * plane.buffer_size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        frame.colorspace = stream.codec_context.colorspace = told
        frame.color_range = stream.codec_context.color_range = 2 if full else 1
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_pixels_become_square_by_stretching(tmp_path: Path) -> None:
    wide = clip(tmp_path / "w.mp4", 2, aspect=Fraction(4, 3))
    tall = clip(tmp_path / "t.mp4", 2, aspect=Fraction(1, 2))
    assert read(wide)[0][0].size == (85, 48) == (probe(wide).width, probe(wide).height)
    assert read(tall)[0][0].size == (64, 96)
    assert numbers(read(tall)[0]) == [0, 1]


def test_odd_sizes(tmp_path: Path) -> None:
    frames, failures = read(clip(tmp_path / "a.mkv", 3, size=(61, 47), codec="ffv1", pix_fmt="yuv444p"))
    assert failures == []
    assert [frame.size for frame in frames] == [(61, 47)] * 3
    assert numbers(frames) == [0, 1, 2]


SPANS = [
    {"stride": 7},
    {"every": 0.5},
    {"every": 0.01},
    {"every": 1.7, "start": 0.3},
    {"every": 60},
    {"start": 1.21},
    {"start": 3.0, "stop": 3.5},
    {"stop": 0.2},
    {"stride": 10, "start": 4.0},
    {"start": 7.0},
]


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("long")
    uneven = np.cumsum(np.random.default_rng(3).choice([0.02, 0.04, 0.08], 160)).tolist()
    return {
        "mp4": clip(folder / "a.mp4", 200, bframes=2, gop=20, options={"x264-params": "open-gop=1"}),
        "mkv": clip(folder / "a.mkv", times=uneven, bframes=2, gop=15),
        "ts": clip(folder / "a.ts", 200, bframes=2, gop=20),
    }


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_sampling_takes_of_all_frames_the_right_ones(long_clips: dict[str, Path], kind: str, span: dict[str, float]) -> None:
    every_frame = read(long_clips[kind], ahead=0)[0]
    start, stop = span.get("start", 0), span.get("stop", 1e9)
    wanted = [f for f in every_frame if start - 1e-6 <= f.time < stop - 1e-6 and f.index % span.get("stride", 1) == 0]
    if every := span.get("every"):
        targets = np.arange(0, every_frame[-1].time + every, every)
        at = np.array([f.time for f in every_frame])
        first = {int(np.argmax(at >= t - 1e-6)) for t in targets[targets >= start - 1e-6] if (at >= t - 1e-6).any()}
        wanted = [every_frame[n] for n in sorted(first)]
    frames, failures = read(long_clips[kind], **span)
    assert failures == []
    assert [(f.index, f.time) for f in frames] == [(f.index, f.time) for f in wanted]
    assert all(np.array_equal(f.image, w.image) for f, w in zip(frames, wanted, strict=True))


def test_what_lies_before_the_start_is_not_decoded(tmp_path: Path) -> None:
    path = damaged(clip(tmp_path / "a.mp4", 100, file_options=FASTSTART, gop=10, images=grainy(100)), 0.4, 0.5)
    _, failures = read(path)
    assert "damaged" in failures[0]
    frames, failures = read(path, start=3.2)
    assert failures == []
    assert numbers(frames) == [frame.index for frame in frames] == list(range(80, 100))


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": 0},
        {"every": -1},
        {"stride": 0},
        {"every": 1, "stride": 2},
        {"start": -1},
        {"start": 2, "stop": 2},
        {"stop": 0},
        {"ahead": -1},
    ],
)
def test_contradictions_are_refused_at_the_call(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        read_video("none.mp4", source="none", **wrong)  # type: ignore[arg-type]


def test_a_span_counts_its_frames() -> None:
    assert VideoSpan().frames(10, 25) == 250
    assert VideoSpan(start=2, stop=4).frames(10, 25) == 50
    assert VideoSpan(every=0.5).frames(10, 25) == 20
    assert VideoSpan(every=0.001).frames(10, 25) == 250
    assert VideoSpan(stride=10).frames(10, 25) == 25
    assert VideoSpan(start=20).frames(10, 25) == 0


def test_a_span_without_frames_is_a_failure(tmp_path: Path) -> None:
    frames, failures = read(clip(tmp_path / "a.mp4", 20), start=9)
    assert frames == []
    assert failures == ["clip: no frame from 9 s on; the last one is at 0.76 s"]


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("a.mp4", {"file_options": FASTSTART}, "the file is cut short"),
        ("a.mkv", {}, "its header promises 4.00 s"),
        ("a.flv", {"codec": "flv"}, "cut short|promises"),
        ("a.avi", {"codec": "mpeg4"}, "cut short|promises"),
    ],
)
def test_of_a_truncated_file_all_but_the_end(tmp_path: Path, name: str, made: dict[str, object], said: str) -> None:
    frames, failures = read(cut(clip(tmp_path / name, 100, images=grainy(100), **made), 0.6))
    assert numbers(frames) == list(range(len(frames)))
    assert 35 <= len(frames) <= 75
    [failure] = failures
    assert failure.startswith(f"clip: broken after {frames[-1].time:.2f} s ({len(frames)} frames read): ")
    assert re.search(said, failure)


def test_whole_files_with_longer_sound_are_not_called_broken(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        frames, failures = read(clip(tmp_path / name, 25, sound="aac", sound_seconds=6))
        assert (len(frames), failures) == (25, [])


@pytest.mark.parametrize("name", ["a.mp4", "a.ts"])  # Matroska's reader skips what is damaged and says nothing
def test_of_a_damaged_file_what_can_be_decoded(tmp_path: Path, name: str) -> None:
    options = FASTSTART if name == "a.mp4" else None
    frames, failures = read(damaged(clip(tmp_path / name, 100, file_options=options, images=grainy(100)), 0.55, 0.554))
    assert numbers(frames)[:30] == list(range(30))
    assert number_on(frames[-1].image) == 99
    assert len(frames) > 80
    [failure] = failures
    assert failure.startswith("clip: damaged from ")
    assert f" s on ({len(frames)} frames read): " in failure


def test_what_is_no_video_is_one_clear_failure(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "text.mp4").write_text("a text with the wrong name\n" * 99)
    headless = cut(clip(tmp_path / "headless.mp4", 50), 0.6)  # its index, at the end, is gone
    wanted = {
        tmp_path / "none.mp4": "clip: no such file",
        tmp_path / "empty.mp4": "clip: an empty file, wanted a video",
        tmp_path / "noise.mp4": "clip: not a video that can be read",
        tmp_path / "text.mp4": "clip: not a video that can be read",
        headless: "clip: not a video that can be read",
        tmp_path: "clip: ",
        sound_only(tmp_path / "sound.m4a"): "clip: only sound, no video",
        tmp_path / "nul\0.mp4": "clip: ",
        b"": "clip: an empty file, wanted a video",
        b"no video": "clip: not a video that can be read",
    }
    for media, said in wanted.items():
        frames, [failure] = read(media)
        assert frames == []
        assert failure.startswith(said)
        assert "\n" not in failure
        with pytest.raises(SourceError):
            probe(media)


def test_a_video_without_frames(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        out.start_encoding()
    frames, [failure] = read(tmp_path / "a.mkv")
    assert frames == []
    assert "no frame of this video can be decoded" in failure or "not a video" in failure


def test_lists_of_other_files_are_not_followed(tmp_path: Path) -> None:
    clip(tmp_path / "secret.ts", 5)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.2,\n{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n"
    for name, text in (("a.mp4", playlist), ("b.mp4", f"ffconcat version 1.0\nfile '{tmp_path}/secret.ts'\n")):
        (tmp_path / name).write_text(text)
        for media in (tmp_path / name, text.encode()):
            frames, failures = read(media)
            assert frames == []
            assert len(failures) == 1
    frames, failures = read(f"concat:{tmp_path}/secret.ts")
    assert frames == []


def test_names_in_every_script(tmp_path: Path) -> None:
    for name in ("видео 1.mp4", "a'b\"#?&.mp4", "100%d.mp4", "caf\udce9.mp4"):
        try:
            path = Path(shutil.copy(clip(tmp_path / "plain.mp4", 3), tmp_path / name))
        except OSError:  # a file system that has no such names
            continue
        assert numbers(read(path)[0]) == [0, 1, 2]


def test_bytes_are_read_like_files(tmp_path: Path) -> None:
    data = clip(tmp_path / "a.mp4", 10, bframes=2).read_bytes()
    frames, failures = read(data, start=0.2)
    assert (numbers(frames), failures) == ([5, 6, 7, 8, 9], [])
    assert clip(io.BytesIO(), 4, file_format="matroska").getvalue()[:4] == b"\x1a\x45\xdf\xa3"


def test_frames_over_the_limit_are_refused(tmp_path: Path) -> None:
    frames, [failure] = read(clip(tmp_path / "a.mp4", 2), limits=ImageLimits(max_side=50))
    assert frames == []
    assert "64 x 48 pixels, the limit is 50 a side" in failure


def packed(path: Path, codec: str, pictures: list[bytes]) -> Path:
    """A video of 64 x 64, by its header, of pictures that are encoded already."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt, stream.time_base = {"png": "rgb24", "mjpeg": "yuvj420p"}[codec], Fraction(1, 25)
        for number, picture in enumerate(pictures):
            packet = av.Packet(picture)
            packet.stream, packet.pts, packet.dts, packet.time_base, packet.is_keyframe = stream, number, number, Fraction(1, 25), True
            container.mux(packet)
    return path


def encoded(size: int, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (size, size)).save(out, kind, **how)
    return out.getvalue()


def test_frames_that_grow_beyond_the_limit_are_not_decoded(tmp_path: Path) -> None:
    small, large = encoded(64, "PNG"), encoded(600, "PNG")
    path = packed(tmp_path / "a.mov", "png", [small, small, large, large])
    frames, [failure] = read(path, limits=ImageLimits(max_pixels=10_000))
    assert len(frames) == 2
    assert failure.startswith("clip: damaged from 0.04 s on (2 frames read): Invalid argument")
    assert len(read(path)[0]) == 4


def test_frames_of_endless_passes_are_not_decoded(tmp_path: Path) -> None:
    plain = encoded(64, "JPEG", progressive=True)
    last = plain.rindex(b"\xff\xda")
    many = plain[:last] + plain[last:-2] * 120 + plain[-2:]
    for name in ("a.mkv", "a.avi"):
        frames, [failure] = read(packed(tmp_path / name, "mjpeg", [plain, many, plain]))
        assert len(frames) == 2
        assert "a picture of more than 100 passes" in failure


def test_closing_ends_a_reading_that_takes_nothing(tmp_path: Path) -> None:
    """It read on to the end of the file, which nobody waited for any more."""
    seen: list[float] = []

    def ends(at: float) -> bool:
        seen.append(at)
        time.sleep(0.01)
        return False

    events = read_video(clip(tmp_path / "a.mkv", 250), source="clip", stride=1000, ends=ends)
    next(events)
    events.close()
    assert len(seen) < 100


def test_probe(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4", 50, turn=(90, False, False), sound="aac")
    info = probe(path)
    assert isinstance(info, VideoInfo)
    assert (info.frames, info.width, info.height, info.has_audio, info.origin) == (50, 48, 64, True, 0.0)
    assert info.fps == pytest.approx(25)
    assert info.duration == pytest.approx(2.0)
    for name in ("b.mkv", "c.avi", "d.ts"):
        info = probe(clip(tmp_path / name, 50, codec="mpeg4" if name == "c.avi" else "libx264"))
        assert info.fps == pytest.approx(25)
        assert info.frames == pytest.approx(50, abs=2)
        assert info.duration == pytest.approx(2.0, abs=0.1)
        assert not info.has_audio


@pytest.mark.parametrize("ahead", [0, 1, 8])
def test_the_thread_ends_with_the_iterator(tmp_path: Path, ahead: int) -> None:
    path = clip(tmp_path / "a.mp4", 60)
    assert len(read(path, ahead=ahead)[0]) == 60
    assert video_threads() == []
    frames = read_video(path, source="clip", ahead=ahead)
    assert video_threads() == []  # nothing begins before the first frame is asked for
    next(frames)
    assert len(video_threads()) == bool(ahead)
    frames.close()  # type: ignore[attr-defined]
    assert video_threads() == []


def test_without_pyav_the_failure_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clip(tmp_path / "a.mp4", 2)
    monkeypatch.setitem(sys.modules, "av", None)
    assert read(path) == ([], ['clip: reading videos needs PyAV: pip install ".[video]" in a checkout of mien'])


@pytest.mark.shared_data
@pytest.mark.skipif(not shutil.which("ffprobe"), reason="no ffprobe here")
@pytest.mark.parametrize("name", ["pyfeat_no_face.mp4", "intel_classroom.mp4"])
def test_real_clips_have_the_frames_and_times_that_ffprobe_finds(shared_data: Path, name: str) -> None:
    path = shared_data / "media" / name
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "frame=pts_time", "-of", "csv=p=0", str(path)]
    told = [float(line.strip(",")) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()]
    frames, failures = read(path)
    assert failures == []
    assert [frame.time for frame in frames] == pytest.approx([time - told[0] for time in told], abs=1e-5)
