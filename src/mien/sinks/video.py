"""An annotated video: H.264 in MP4 with the times, size and sound of the original."""

from __future__ import annotations

import math
import os
import sys
from fractions import Fraction
from pathlib import Path

from mien.errors import MienError, SinkError, SourceError
from mien.io.container import why
from mien.io.names import on_disk
from mien.io.span import SLACK, Chooser
from mien.io.video import VideoInfo, VideoSpan, count_frames, probe
from mien.io.whole import growing, whole, writing
from mien.sinks.encoder import Encoder
from mien.sinks.files import Claim, prepare
from mien.sinks.originals import Originals
from mien.sinks.remux import Sound, remux
from mien.sinks.single import folder_of, not_a_video
from mien.sinks.sink import BadTarget, Sink
from mien.types import Drawer, Frame, Result

TICKS = (10_000, 1_000_000)
"""Fewest and most ticks a second of the clock of the file that is written."""
PLAIN_TICKS = 90_000
"""Of a source whose clock is not known or not within those."""
USUAL_FPS = 25.0


class Mp4Sink(Sink):
    """The annotated frames of one video as H.264 (yuv420p), playable in browsers, with the sound of the original.

    Each frame is shown from its own time to the next one's, on the original's clock; the first, whenever it was, begins the
    file. The last lasts to the original's end, or to the span's. Odd widths and heights get one row or column more, a copy of the last,
    since H.264 for browsers has none. Sound is copied where MP4 and browsers have its kind, otherwise made AAC; it is the part that
    belongs to the frames: where the original has more of them than came, as when a loop over them was left, it ends with the last. Of
    what does not come from a file (a camera, stdin, a URL) there is none.

    While it grows it is a fragmented MP4 called `NAME.mp4.part`, which plays as far as it goes should the process be killed. `close`
    rewrites it, without encoding anew, with its index in front and under its own name; a Ctrl-C ends it well, too. When the work broke
    off by an error the part stays what it is, and so does an older file of that name.

    Drawing and encoding run in a thread of their own; what fails there is raised at the next `write` or at `close`.

    span: the part of the video that is read, which tells the last of its frames from one that others would have followed.
    Raises BadTarget when the name is an input's.
    """

    def __init__(self, path: Path, *, drawer: Drawer, originals: Originals = Originals(), span: VideoSpan | None = None) -> None:
        if originals.protects(path):
            raise BadTarget(f"{path}: is one of the inputs, which are never overwritten; choose another name")
        self.path, self._drawer, self._span, self._is_told = path, drawer, span or VideoSpan(), span is not None
        self.part = growing(path)
        self.replaces = prepare(path)
        prepare(self.part)
        self._claim = Claim(self.part)
        self._encoder: Encoder | None = None
        self._info: VideoInfo | None = None
        self._source = ""
        self._index = -1
        self._size = (0, 0)
        self._base = Fraction(1, PLAIN_TICKS)
        self._first = self._last = self._gap = self._widest = 0.0
        self._stride = 1
        """The largest step from the index of a frame to that of the next."""
        self._tick = -1
        self._broken_off = self._failed = self._ended = False
        self._told = ""
        self._fitted: list[tuple[int, int]] = []

    @property
    def what(self) -> str:
        """The file's name, and what is different in it from what one might expect."""
        if self._index < 0:
            return ""
        name, replaced = (self.part, []) if self._failed else (self.path, ["replaced"] * self.replaces)
        notes = replaced + self.notes
        return f"{name} ({'; '.join(notes)})" if notes else str(name)

    @property
    def notes(self) -> list[str]:
        """What is different from what one might expect."""
        width, height = self._size
        notes = [f"{width + width % 2}x{height + height % 2}, since H.264 has even sides"] if width % 2 or height % 2 else []
        notes += [_fitted(self._fitted, self._size)] if self._fitted else []
        notes += [self._told] if self._told else []
        return notes + (["up to the break"] if self._broken_off else [])

    def continues(self, frame: Frame) -> bool:
        """Whether a frame comes after those that were written, in the same video."""
        return frame.stream and frame.source == self._source and frame.index > self._index

    def admit(self, frame: Frame, /) -> None:
        """Raises BadTarget for a picture, or a frame of another video; SinkError when another run is writing the file."""
        if not frame.stream:
            raise not_a_video(self.path, frame.source)
        if self._encoder is not None and not self.continues(frame):
            raise BadTarget(
                f"{self.path}: holds {self._source}, but {frame.source} came too; for several videos name {folder_of(self.path)}"
            )
        self._claim.take()

    def write(self, frame: Frame, result: Result, /) -> None:
        """Draw and encode one frame, when its turn comes. Raises as `admit` does."""
        self.admit(frame)
        if self._encoder is None:
            self._encoder = self._begin(frame)
        else:
            self._gap = frame.time - self._last
            self._widest = max(self._widest, self._gap)
            self._stride = max(self._stride, frame.index - self._index)
        self._index, self._last = frame.index, frame.time
        self._tick = max(round(frame.time / self._base) - round(self._first / self._base), self._tick + 1)
        self._encoder.write(frame.image, result, self._tick)

    def failed(self, source: str, error: MienError, /) -> None:
        """A damaged video was read as far as it can be."""
        self._ended = self._ended or source == self._source

    def close(self, *, finished: bool = True) -> None:
        """Encode the last frames, add the sound and put the index in front. When that fails, the part stays."""
        encoder, self._encoder = self._encoder, None
        try:
            if encoder is not None:
                self._broken_off = not finished
                self._failed = not finished and isinstance(sys.exc_info()[1], Exception)  # an interrupt is none
                encoder.close()
                self._fitted = encoder.fitted
                if not self._failed:
                    self._finish()
        finally:
            self._claim.drop()

    def _begin(self, frame: Frame) -> Encoder:
        self._source, self._size, self._first = frame.source, frame.size, frame.time
        if os.path.isfile(on_disk(frame.source)):  # noqa: PTH113  Path.is_file raises for a name that is too long
            try:
                self._info = probe(on_disk(frame.source))
            except SourceError:  # not where the frames came from, after all
                self._info = None
        if self._info and self._info.time_base:
            self._base = clock(self._info.time_base)
        fps = self._info.fps if self._info and self._info.fps else USUAL_FPS
        return Encoder(self.part, path=self.path, size=frame.size, time_base=self._base, fps=fps, drawer=self._drawer)

    def _finish(self) -> None:
        import av

        to_the_end = self._is_read_to_its_end()
        last = self._last_seconds(to_the_end)
        sound = self._sound(self._span.stop if to_the_end else self._last + last)
        try:
            with whole(self.path) as finished:
                remux(self.part, finished, last=Fraction(last).limit_denominator(1_000_000), sound=sound)
            with writing(self.path):
                self.part.unlink()
        except av.FFmpegError as error:
            raise SinkError(f"{self.path}: could not be finished ({why(error)}); {self.part} plays") from error
        self._told = sound.problem if sound else ""

    def _is_read_to_its_end(self) -> bool:
        """Whether the original has no more of the frames that were asked for.

        Whoever leaves a loop over the frames, or a live session, ends the work well: only the original tells that there was more.
        """
        if self._info is None or self._broken_off or self._ended:
            return self._ended
        span = self._span if self._is_told else VideoSpan(stride=self._stride)
        chooser = Chooser(span)
        chooser.takes(self._index, self._last)
        origin, stop = self._info.origin, math.inf if span.stop is None else span.stop - SLACK
        after = max(self._last + SLACK, chooser.earliest - 2 * SLACK)
        return count_frames(on_disk(self._source), origin + after, origin + stop, most=span.stride) < span.stride

    def _last_seconds(self, to_the_end: bool) -> float:
        """How long the last frame is shown: to the end of what is read of the original if that is next, else as long as the one before."""
        usual = 1 / self._info.fps if self._info and self._info.fps else 1 / USUAL_FPS
        if to_the_end and self._info and self._info.duration:
            left = min(self._info.duration, self._span.stop or math.inf) - self._last
            if 0 < left <= 1.5 * max(self._widest, usual * self._span.stride, self._span.every or 0.0):  # headers lie
                return left
        return self._gap or usual

    def _sound(self, end: float | None) -> Sound | None:
        """The part of the original's sound that is kept. end: seconds of the original's time; None for its own end."""
        if self._info is None or not self._info.has_audio:
            return None
        origin = self._info.origin
        begun = self._first == 0 and not self._span.start
        zero = origin + self._first
        stop = None if end is None else origin + end
        return Sound(Path(on_disk(self._source)), zero=zero, start=None if begun else zero, stop=stop)


def _fitted(found: list[tuple[int, int]], size: tuple[int, int]) -> str:
    """What is to be told of frames of other sizes than the file has."""
    others = f"{found[0][0]}x{found[0][1]}" if len(found) == 1 else f"of {len(found)} other sizes"
    return f"some frames are {others}, fitted into {size[0]}x{size[1]}"


def clock(time_base: Fraction) -> Fraction:
    """The tick of the file that is written: the original's, or a whole part of it, so that its times stay exact.

    >>> clock(Fraction(1, 25))
    Fraction(1, 10000)
    """
    fewest, most = TICKS
    ticks = time_base.denominator
    ticks *= -(-fewest // ticks)
    return Fraction(1, ticks) if ticks <= most else Fraction(1, PLAIN_TICKS)
