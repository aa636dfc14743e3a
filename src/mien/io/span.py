"""Which frames of a video are taken: all, or a sample, or those between two times."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mien.errors import UsageError
from mien.types import check_numbers

SLACK = 1e-6
"""Seconds. Times are rounded to this, so that a frame meant for 0.5 s may stand at 0.499999."""


@dataclass(frozen=True, slots=True)
class VideoSpan:
    """Which frames of a video to take. Raises UsageError for a contradiction.

    >>> VideoSpan(every=0.5, start=10)
    VideoSpan(every=0.5, stride=1, start=10, stop=None)
    """

    every: float | None = None
    """Seconds: of each multiple of it the first frame at or after; None for every frame."""
    stride: int = 1
    """Every Nth frame of the source: those whose index is a multiple of it."""
    start: float | None = None
    """Seconds of the source's time: nothing before."""
    stop: float | None = None
    """Seconds of the source's time: nothing at or after."""

    def __post_init__(self) -> None:
        check_numbers(self, whole=("stride",), optional=("every", "start", "stop"))
        if self.every is not None and not 0 < self.every < math.inf:
            raise UsageError(f"every: found {self.every:g} seconds, wanted more than 0")
        if self.stride < 1:
            raise UsageError(f"stride: found {self.stride}, wanted 1 or more")
        if self.every is not None and self.stride != 1:
            raise UsageError(f"every ({self.every:g} s) and stride ({self.stride}) both say which frames to take; give one")
        if self.start is not None and not 0 <= self.start < math.inf:
            raise UsageError(f"start: found {self.start:g} seconds, wanted 0 or more")
        if self.stop is not None and not self.stop > (self.start or 0):
            raise UsageError(f"stop: found {self.stop:g} seconds, wanted more than the start, {self.start or 0:g}")

    def frames(self, duration: float, fps: float) -> int:
        """About how many frames it takes of a video of `duration` seconds."""
        seconds = max(0.0, min(duration, self.stop or math.inf) - (self.start or 0))
        return math.ceil(seconds / self.every if self.every and self.every * fps > 1 else seconds * fps / self.stride)


class Chooser:
    """Says of the frames of one video, asked in their order, which are taken."""

    def __init__(self, span: VideoSpan) -> None:
        self._span = span
        self.earliest = span.start or 0.0
        """Seconds: no frame before it will be taken."""
        if span.every:
            self.earliest = math.ceil(self.earliest / span.every - SLACK) * span.every

    def takes(self, index: int, time: float) -> bool:
        """Whether this frame is taken."""
        if time < self.earliest - SLACK:
            return False
        if every := self._span.every:
            self.earliest = (math.floor((time + SLACK) / every) + 1) * every
        return index % self._span.stride == 0

    def is_over(self, time: float) -> bool:
        """Whether neither this frame nor a later one is taken."""
        return self._span.stop is not None and time >= self._span.stop - SLACK
