"""Videos: the frames of a file, each with its own time, and what its header says about it."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

from mien.errors import MienError, SourceError, SourceMissing, SourceUnreadable, UsageError
from mien.io.container import Media, opened, why
from mien.io.events import Event, Failure
from mien.io.frame_pixels import FramePixels
from mien.io.frames_ahead import in_background, is_wanted
from mien.io.images import DEFAULT_LIMITS, MOST_PASSES, ImageLimits
from mien.io.jpeg_passes import has_more_passes
from mien.io.pixels import check_turn, turned
from mien.io.skipping import CONTAINERS, Skipped, can_skip, needed
from mien.io.span import Chooser, VideoSpan
from mien.types import Frame, Image

if TYPE_CHECKING:
    import av
    import av.container
    import av.video.stream

    Packet: TypeAlias = av.Packet[av.video.stream.VideoStream]

__all__ = ["VideoInfo", "VideoSpan", "count_frames", "probe", "read_video"]

BYTES_AHEAD = 64_000_000
"""Pixels that wait for the consumer: eight frames of 1920 x 1080 and some."""
_LOST_SECONDS, _LOST_SHARE = 1.0, 0.02
"""A file that ends earlier than its header says by more than both was cut off; a little less is how some programs write headers."""
_ANEW_FRAMES, _ANEW_REORDERED = 2, 6
"""A clock that goes back by more frames than these, though frames come as they are shown, began anew; x264 and FFmpeg reorder up to 4."""
_ANEW_SECONDS = (0.1, 1.0)
"""By less than the first it trembles; by more than the second it began anew, however few frames a second there are."""
_ANEW_BELOW = 3
"""But only if it goes back behind all of so many frames: one that was stamped late is followed by such as are where they belong."""
_TELL_DURATION = frozenset(("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv", "avi", "asf"))
"""Containers whose header says how long the file is meant to be; of others FFmpeg finds it from what is there."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a video's header and first frame say."""

    frames: int | None
    """Best estimate of their number; damaged files and edit lists give fewer."""
    fps: float | None
    """Frames a second on average."""
    width: int
    """Pixels of a frame as `read_video` gives it: upright, square pixels."""
    height: int
    duration: float | None
    """Seconds, of the video alone where its container tells."""
    has_audio: bool
    time_base: Fraction | None = None
    """Seconds of one tick of its clock."""
    origin: float = 0.0
    """Seconds at which the container's clock stands at the first frame; sound goes by that clock too."""


def read_video(
    media: Media,
    *,
    source: str,
    every: float | None = None,
    stride: int = 1,
    start: float | None = None,
    stop: float | None = None,
    ahead: int = 8,
    limits: ImageLimits = DEFAULT_LIMITS,
    turn: int = 0,
    ends: Callable[[float], bool] = lambda _: False,
) -> Iterator[Event]:
    """Yield the frames of a video, in the order in which they are shown; a Failure, last, if not all of it could be read.

    A frame is uint8 (H, W, 3) RGB, contiguous: turned and mirrored as the container's display matrix says, its pixels made
    square, its colours converted by the matrix and range it declares. `index` counts the source's own frames from 0, those
    not taken too. `time` is the container's PTS in seconds minus that of the first frame, so the first is at 0, rounded to
    microseconds; it always grows. Frames without a PTS (raw H.264) follow at the stream's frame rate. Edit lists are honoured.

    Nothing a file does wrong is raised. Of a broken one the frames that can be decoded come, then the Failure says where it
    broke. Decoding runs in a thread of its own; closing the iterator ends it. Memory is flat.

    Args:
        media: path of the file, or its bytes.
        source: what to call it in frames and messages.
        every: seconds: of each multiple of it the first frame at or after.
        stride: every Nth frame: those whose index is a multiple of it.
        start: seconds: nothing before. What lies before is not decoded where its frames can be counted without.
        stop: seconds: nothing at or after.
        ahead: frames that are decoded before they are asked for, as long as they fit in 64 MB; 0 for no thread.
        limits: the largest frame.
        turn: degrees clockwise, 0, 90, 180 or 270, that make the frames upright where the display matrix does not.
        ends: asked before each piece of the file, with the seconds reached so far, in the thread that decodes; true ends the reading
            there, and nothing more is told.

    Raises:
        UsageError: at the call, for arguments that contradict each other.
    """
    span = VideoSpan(every, stride, start, stop)
    if ahead < 0:
        raise UsageError(f"ahead: found {ahead}, wanted 0 or more")
    check_turn(turn)
    return in_background(
        lambda: _events(media, source, span, limits, turn, ends),
        ahead=ahead,
        weigh=lambda event: event.image.nbytes if isinstance(event, Frame) else 0,
        most=BYTES_AHEAD,
        name="mien-video",
    )


def timed_frames(media: Media, *, source: str) -> Iterator[tuple[Callable[[], Image], float]]:
    """Yield every frame of a video with the time that `read_video` gives it, as (what makes its pixels, seconds).

    For whoever leaves out most of them; all in the caller's thread. Raises, at the end, what `read_video` tells as a Failure.
    """
    with opened(media, name=source) as (container, stream):
        yield from _Reading(container, stream, source, VideoSpan(), DEFAULT_LIMITS).timed()


def probe(media: Media, *, name: str | None = None) -> VideoInfo:
    """What a video's header and first frame say; reads no further. Raises SourceError."""
    name = name or ("video" if isinstance(media, bytes) else str(media))
    with opened(media, name=name) as (container, stream):
        first = next(_Reading(container, stream, name, VideoSpan(), DEFAULT_LIMITS).decoded(), None)
        if first is None:
            raise SourceUnreadable(f"{name}: no frame of this video can be decoded")
        width, height = FramePixels(stream.sample_aspect_ratio, DEFAULT_LIMITS, name).size(first)
        rate = _rate(container, stream)
        duration = _duration(container, stream)
        frames = stream.frames if container.format.name.startswith("mov") else 0
        estimate = round(duration * rate) if duration and rate else None
        base = stream.time_base
        origin = float(first.pts * base) if first.pts is not None and base else 0.0
        has_audio = bool(container.streams.audio)
        return VideoInfo(frames or estimate, float(rate) if rate else None, width, height, duration, has_audio, base, origin)


def count_frames(media: Media, start: float, stop: float = math.inf, *, most: int) -> int:
    """How many frames a video has from `start` to before `stop`, seconds of its container's clock, `most` if there are more.

    Its packets tell it, nothing is decoded; headers lie. Where it cannot be read on, those that were found.
    """
    import av

    found = 0
    try:
        with opened(media, name="video") as (container, stream):
            in_order = container.format.name == "avi"  # it has times of decoding only, see `_Reading`
            for packet in container.demux(stream):
                stamp = packet.dts if in_order or packet.pts is None else packet.pts
                if packet.size and not packet.is_discard and stamp is not None and start <= stamp * packet.time_base < stop:
                    found += 1
                    if found == most:
                        break
    except (av.FFmpegError, SourceError, OSError):
        pass
    return found


def _events(
    media: Media, source: str, span: VideoSpan, limits: ImageLimits, turn: int, ends: Callable[[float], bool]
) -> Generator[Event, None, None]:
    try:
        with opened(media, name=source) as (container, stream):
            for event in _Reading(container, stream, source, span, limits, ends).events():
                yield dataclasses.replace(event, image=turned(event.image, turn)) if turn and isinstance(event, Frame) else event
    except MienError as error:
        yield Failure(source, error)


def _rate(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> Fraction | None:
    """Frames a second: the average where the container has a time for each frame, else what the codec or the header says."""
    if container.format.name in CONTAINERS:
        return stream.average_rate or stream.guessed_rate
    return stream.guessed_rate or stream.average_rate


def _duration(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if tag := stream.metadata.get("DURATION", ""):  # Matroska: 00:01:02.345000000
        try:
            hours, minutes, seconds = tag.split(":")
            return _from_first(int(hours) * 3600 + int(minutes) * 60 + float(seconds), container)
        except ValueError:
            pass
    return _from_first(container.duration / 1e6, container) if container.duration else None


def _from_first(seconds: float, container: av.container.InputContainer) -> float:
    """A duration that the header has, from the first frame on: Matroska's counts from 0 in most files, whenever the film begins."""
    start = (container.start_time or 0) / 1e6
    return seconds - start if container.format.name == "matroska,webm" and 0 < start < seconds else seconds


class _Clock:
    """PTS -> seconds since the first frame.

    reordered: whether the codec stores frames in another order than they are shown in. Programs that know only the one for decoding write
    its stamps, which go some frames back and forth.
    """

    def __init__(self, base: Fraction | None, rate: Fraction | None, *, reordered: bool) -> None:
        self._base = base or Fraction(1, 1_000_000)
        self._step = float(1 / rate) if rate else 0.04
        least, most = _ANEW_SECONDS
        self._anew = min(max(least, (_ANEW_REORDERED if reordered else _ANEW_FRAMES) * self._step), most)
        self._origin: int | None = None
        self._stamped: deque[float] = deque(maxlen=_ANEW_BELOW)
        """What the last frames' own stamps say since the clock began, seconds."""
        self.last = -self._step
        self._exact = self.last

    def time(self, pts: int | None) -> float:
        """Seconds of the next frame, always more than the last one's."""
        following = self._exact + self._step
        if pts is None:
            time = following
        elif self._origin is None:
            self._origin = pts - round(following / self._base)
            time = following
        else:
            time = float((pts - self._origin) * self._base)
            if time < min(self.last - self._anew, *self._stamped):  # as in joined streams
                self._origin = pts - round(following / self._base)
                self._stamped.clear()
                time = following
        self._stamped.append(time)
        self._exact = time if time > self.last else self.last + 0.001
        self.last = round(self._exact, 6)
        return self.last

    def pts(self, time: float) -> float:
        """The PTS that stands for a time; -inf before the first frame is known."""
        return -math.inf if self._origin is None else self._origin + time / self._base


class _Reading:
    """One pass through one video."""

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
        source: str,
        span: VideoSpan,
        limits: ImageLimits,
        ends: Callable[[float], bool] = lambda _: False,
    ) -> None:
        self._ends, self._ended = ends, False
        self._container, self._stream, self._source, self._span = container, stream, source, span
        rate, reordered = stream.guessed_rate or stream.average_rate, bool(stream.codec_context.has_b_frames)
        self._clock = _Clock(stream.time_base, rate, reordered=reordered)
        self._chooser = Chooser(span)
        self._pixels = FramePixels(stream.sample_aspect_ratio, limits, source)
        self._index = 0
        self._read = 0
        self._end = 0.0
        """Seconds of the container's clock at which the last packet of sound or picture ends."""
        self._cut = ""
        """Why the file ended before its end."""
        self._damaged = 0
        self._damaged_at = 0.0
        self._damage = ""
        # AVI has a time of decoding only; where frames are shown in another order, the nth that is shown has the nth of these.
        self._shown: deque[int | None] | None = deque() if container.format.name == "avi" and reordered else None
        width, height = stream.codec_context.width, stream.codec_context.height
        if width and height:  # where the header says it: before a frame is decoded
            limits.check(width, height, name=source)
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}  # of frames further on that are larger, FFmpeg makes nothing
        stream.thread_type = "AUTO"

    def events(self) -> Iterator[Event]:
        """Frames that the span takes, then a Failure if something was wrong."""
        taken, over = 0, False
        for frame in self.decoded():
            time = self._clock.time(frame.pts)
            if over := self._chooser.is_over(time):
                break
            self._read += 1
            if self._chooser.takes(self._index, time):
                taken += 1
                yield Frame(self._pixels(frame), self._index, time, self._source, stream=True)
            self._index += 1
        if self._ended:
            return
        problem = self._problem(over)
        if problem is None and not taken:
            first = f"from {self._span.start:g} s on" if self._span.start else "in this span"
            problem = SourceMissing(f"{self._source}: no frame {first}; the last one is at {max(self._clock.last, 0):.2f} s")
        if problem is not None:
            yield Failure(self._source, problem)

    def timed(self) -> Iterator[tuple[Callable[[], Image], float]]:
        """All frames, as what makes their pixels, with their times; then raises what was wrong."""
        for frame in self.decoded():
            self._read += 1
            yield partial(self._pixels, frame), self._clock.time(frame.pts)
        if problem := self._problem(over=False):
            raise problem

    def decoded(self) -> Iterator[av.VideoFrame]:
        """Frames as they come out of the decoder, moving `_index` on by those that were left out."""
        keyframe: float = -math.inf
        packets: Iterator[Packet | Skipped] = self._packets()
        if (self._span.start or self._span.every) and can_skip(self._container, self._stream):
            packets = needed(self._packets(), lambda: self._clock.pts(self._chooser.earliest))
        for packet in packets:
            if isinstance(packet, Skipped):
                yield from self._decode(None, keyframe)
                self._stream.codec_context.flush_buffers()
                self._index += packet.frames
                keyframe = packet.keyframe
            else:
                yield from self._decode(packet, keyframe)
        yield from self._decode(None, keyframe)

    def _packets(self) -> Iterator[Packet]:
        """The stream's packets. The last is left out if it is cut off: nothing good comes of it, and the decoder, which works on
        several at once, would drop whole ones with it."""
        import av

        held: Packet | None = None
        try:
            for packet in self._container.demux(self._stream, *self._container.streams.audio):
                if packet.size and packet.pts is not None and packet.time_base:
                    self._end = max(self._end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                self._ended = self._ended or not is_wanted() or self._ends(max(self._end - (self._container.start_time or 0) / 1e6, 0.0))
                if self._ended:
                    return
                if packet.stream_index != self._stream.index or not packet.size:
                    continue
                if held is not None:
                    if held.is_corrupt:
                        self._note_damage("a piece of the file is missing")
                    yield held
                held = cast("Packet", packet)
                if self._shown is not None:
                    self._shown.append(packet.dts)
        except (av.FFmpegError, OSError) as error:
            self._cut = why(error)
        if held is not None and held.is_corrupt:
            self._cut = self._cut or "the file is cut short"
        elif held is not None:
            yield held

    def _decode(self, packet: Packet | None, keyframe: float) -> Iterator[av.VideoFrame]:
        import av

        if packet is not None and self._stream.codec_context.name == "mjpeg" and has_more_passes(bytes(packet), MOST_PASSES):
            self._note_damage(f"a picture of more than {MOST_PASSES} passes")
            return
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            self._note_damage(why(error))
            return
        for frame in frames:
            if frame.pts is not None and frame.pts < keyframe:
                continue
            if self._shown:
                frame.pts = self._shown.popleft()
            if frame.is_corrupt:
                self._note_damage("parts of the picture are missing")
            yield frame

    def _note_damage(self, what: str) -> None:
        if not self._damaged:
            self._damaged_at, self._damage = max(self._clock.last, 0), what
        self._damaged += 1

    def _problem(self, over: bool) -> MienError | None:
        """What was wrong with the file, as far as it was read. over: it was left before its end."""
        source, frames = self._source, f"{self._read} frames read"
        reason = self._cut or ("" if over else self._missing_end())
        if not self._read and not over:
            because = reason or self._damage or "it has none"
            return SourceUnreadable(f"{source}: no frame of this video can be decoded ({because})")
        if reason:
            return SourceUnreadable(f"{source}: broken after {max(self._clock.last, 0):.2f} s ({frames}): {reason}")
        if self._damaged:
            many = f" {self._damaged} times" if self._damaged > 1 else ""
            return SourceUnreadable(f"{source}: damaged from {self._damaged_at:.2f} s on ({frames}): {self._damage}{many}")
        return None

    def _missing_end(self) -> str:
        container, stream = self._container, self._stream
        if not container.duration or container.format.name not in _TELL_DURATION:
            return ""
        told = _from_first(container.duration / 1e6, container)
        if container.format.name == "avi" and stream.average_rate:  # FFmpeg makes its duration fit the bytes that are there
            told = max(told, float(stream.frames / stream.average_rate))
        lost = told - (self._end - (container.start_time or 0) / 1e6)
        return f"its header promises {told:.2f} s" if lost > _LOST_SECONDS and lost > _LOST_SHARE * told else ""
