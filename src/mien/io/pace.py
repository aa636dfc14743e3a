"""The pace of what comes before its time, as a file's frames do and those of HLS: each waits until it is its turn."""

from __future__ import annotations

LATE_SECONDS = 1.0
"""Frames this late are shown at once, and the pace goes on from there."""
EARLY_SECONDS = 5.0
"""So long a stream's frame may have to wait. Where timestamps say longer they jumped, as at an advertisement, and are not waited for."""
RARE_SECONDS = 60.0
"""But a frame in so many seconds is, where the step before was like it: some sources are slow. Of files any is: they may stand still."""


class Pace:
    """When it is each frame's turn: as long after the first one as its timestamp says.

    longest: seconds that a frame may have to wait, whatever the steps before were: RARE_SECONDS for a file.
    """

    def __init__(self, longest: float = EARLY_SECONDS) -> None:
        self._behind: float | None = None
        self._stamp = self._due = self._step = 0.0
        self._longest = self._usual_longest = longest

    def due(self, stamp: float, now: float) -> float:
        """When it is the turn of a frame. stamp: its own, seconds; now, and what is given: seconds of a monotonic clock.

        The first frame has it now. Where a frame is late or its timestamp jumped it follows the one before in the usual step, or now if
        that is over, and the pace goes on from there.
        """
        if self._behind is None:
            due = now
        else:
            due, step = stamp + self._behind, stamp - self._stamp
            if -LATE_SECONDS <= due - now <= self._longest:
                self._step = step
            else:
                due = max(now, self._due + self._step)
            self._longest = max(self._usual_longest, min(2 * step, RARE_SECONDS))
        self._behind, self._stamp, self._due = due - stamp, stamp, due
        return due
