"""Annotated frames -> a fragmented MP4 that plays up to where it has been written, encoded in a thread of its own."""

from __future__ import annotations

import os
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mien.errors import SinkError
from mien.io.at_exit import stopped_at_exit
from mien.io.container import why
from mien.io.handover import Handover
from mien.part_checks import checked_drawing
from mien.types import Drawer, Image, Result

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer
    from av.video.stream import VideoStream

WAITING = 4
"""Frames that may wait for the encoder before the work waits too."""

# On the two clips of the issue, CPU a frame at 640x360 and 1280x720 with crf 20: ultrafast 2.7 and 7 ms (but files twice as
# large), superfast 3.2 and 13.5, veryfast 5.0 and 19 (files a third smaller). superfast looks no frames ahead, so little is lost
# when the process is killed; without B-frames a frame is written as soon as it is encoded, and its PTS is its place.
X264 = {"preset": "superfast", "crf": "20", "bf": "0"}
_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000", "flush_packets": "1"}
"""Half a second a fragment, each on the disk when it is whole."""


class Job(NamedTuple):
    """One frame to draw and encode."""

    image: Image
    result: Result
    tick: int
    """PTS in the encoder's time base."""


class Encoder:
    """H.264, yuv420p, BT.709. Sides are made even by repeating the last row or column: 4:2:0 has no odd ones. A picture of another size,
    of a stream that changed its own or a drawer that did, is fitted into `size`, with black borders where it has another shape.

    What goes wrong in the thread is raised by the next `write`, or by `close`: SinkError for what the encoder or the disk
    said, and what the drawer raised as it is. part: the file that is written. path: what it is to become, as messages name it.
    """

    def __init__(self, part: Path, *, path: Path, size: tuple[int, int], time_base: Fraction, fps: float, drawer: Drawer) -> None:
        self._part, self._path, self._size, self._base, self._fps, self._drawer = part, path, size, time_base, fps, drawer
        self._jobs: Handover[Job] = Handover(WAITING)
        self._coming = self._jobs.items()
        self._error: BaseException | None = None
        self._pixels = _EncoderPixels(size)
        self.thread = threading.Thread(target=self._run, name="mien-encode", daemon=True)
        stopped_at_exit(self)
        self.thread.start()

    def write(self, image: Image, result: Result, tick: int) -> None:
        """Take one frame; ticks must grow. Waits while several others wait."""
        self._raise()
        self._jobs.put(Job(image, result, tick))

    @property
    def fitted(self) -> list[tuple[int, int]]:
        """Other sizes that pictures had: width, height."""
        return list(self._pixels.fitted)

    def stop(self) -> None:
        """No more frames come."""
        self._jobs.end()

    def close(self) -> None:
        """Encode what waits and end the file."""
        self.stop()
        self.thread.join()
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._encode()
        except BaseException as error:  # raised again in the caller's thread
            self._error = error
            for _ in self._coming:  # so that nobody waits for room; of a failure behind the last frame there is nothing more to take
                pass

    def _encode(self) -> None:
        import av

        job = next(self._coming, None)
        if job is None:
            return
        try:
            with av.open(f"file:{self._part}", "w", format="mp4", options=_FRAGMENTED) as container:
                stream = self._stream(container)
                while job is not None:
                    frame = self._pixels(checked_drawing(self._drawer(job.image, job.result), self._drawer))
                    frame.pts, frame.time_base = job.tick, self._base
                    container.mux(stream.encode(frame))
                    job = next(self._coming, None)
                container.mux(stream.encode(None))
        except (av.FFmpegError, OSError) as error:
            raise SinkError(f"{self._path}: cannot be written ({why(error)})") from error

    def _stream(self, container: OutputContainer) -> VideoStream:
        stream: VideoStream = container.add_stream("libx264", rate=Fraction(self._fps).limit_denominator(1001), options=dict(X264))
        stream.width, stream.height = (side + side % 2 for side in self._size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = self._base
        context.thread_count = max(1, min(4, (os.cpu_count() or 1) // 2))  # the others detect and decode
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # limited, as browsers expect
        return stream


class _EncoderPixels:
    """uint8 (H, W, 3) RGB of any size -> yuv420p frames of one size."""

    def __init__(self, size: tuple[int, int]) -> None:
        from av.video.reformatter import VideoReformatter

        self._size = size
        self._converter = VideoReformatter()
        self.fitted: dict[tuple[int, int], None] = {}
        """Other sizes there were, in their order."""

    def __call__(self, image: Image) -> VideoFrame:
        import cv2
        from av import VideoFrame

        width, height = self._size
        if image.shape[1::-1] != self._size:
            self.fitted[image.shape[1], image.shape[0]] = None
            image = _fitted(image, self._size)
        if width % 2 or height % 2:
            image = np.asarray(cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)
        rgb = VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), "rgb24")
        return self._converter.reformat(rgb, format="yuv420p", dst_colorspace=1, dst_color_range="MPEG", threads=1)


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """A picture as large as fits into `size` (width, height) and keeps its shape, in the middle; black around it."""
    import cv2

    (width, height), (had_width, had_height) = size, image.shape[1::-1]
    scale = min(width / had_width, height / had_height)
    wide, high = max(1, round(scale * had_width)), max(1, round(scale * had_height))
    image = np.asarray(cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), np.uint8)
    left, top = (width - wide) // 2, (height - high) // 2
    return np.asarray(cv2.copyMakeBorder(image, top, height - high - top, left, width - wide - left, cv2.BORDER_CONSTANT), np.uint8)
