"""Following people through the frames of a video, camera or stream: numbers, smoothing and the label that stands."""

from __future__ import annotations

import dataclasses

from mien.track.hold import Hold
from mien.track.options import TrackOptions
from mien.track.smooth import Smoother
from mien.track.tracker import Tracker
from mien.types import Faces, Floats, Frame, Result


class _Place:
    """Where a run is: tells when another source begins, or the same one anew."""

    def __init__(self) -> None:
        self._source: str | None = None
        self._index = -1

    def begins(self, source: str, index: int) -> bool:
        """Whether a frame is the first of a source."""
        first = source != self._source or index <= self._index
        self._source, self._index = source, index
        return first


class Follower:
    """What happens between the frames of a stream. Pictures, and everything where `options.follow` is off, pass unchanged.

    For each frame, in order: ask `due` whether to look for faces, give what was found to `track`, and the Result, once the
    faces are read, to `smooth`. Each of the three may run ahead of the next by any number of frames. All of it starts anew when
    a frame comes from another source, or its index is not above the last one's.
    """

    def __init__(self, options: TrackOptions = TrackOptions()) -> None:
        self.options = options
        self._due, self._tracked, self._smoothed = _Place(), _Place(), _Place()
        self._until_due = 0
        self._tracker = self._new_tracker()
        self._new_smoothers()

    def due(self, frame: Frame) -> bool:
        """Whether faces are to be looked for in a frame: in the first of a source and every `detect_every`-th. Ask once a frame."""
        if not (self.options.follow and frame.stream):
            return True
        if self._due.begins(frame.source, frame.index):
            self._until_due = 0
        due = self._until_due == 0
        self._until_due = (self._until_due or self.options.detect_every) - 1
        return due

    def track(self, frame: Frame, faces: Faces | None) -> Faces:
        """The faces of a frame with their people's numbers. None: moved on from the last frame that was searched."""
        if not (self.options.follow and frame.stream):
            return Faces.none() if faces is None else faces
        if self._tracked.begins(frame.source, frame.index):
            self._tracker = self._new_tracker()
        if faces is None:
            return self._tracker.predict(frame.image, frame.time)
        return self._tracker.update(frame.image, frame.time, faces)

    def covers(self, frame: Frame) -> Floats | None:
        """What is to be hidden in the frame that was tracked last so that nobody who is followed is seen, see Tracker.covers; None where
        nobody is followed.
        """
        return self._tracker.covers() if self.options.follow and frame.stream else None

    def smooth(self, result: Result) -> Result:
        """The result with `emotions` smoothed over time and the label that stands, and the frame's own emotions as `raw`.

        Values and labels of sure faces come from sure faces alone (see Memory): whatever the unsure ones show changes none of them.
        `unsure`, `reasons` and `heads` stay those of the frame: they say how good this one picture of the face is. Without
        smoothing, and where the faces have no numbers, a result comes back as it is: values and labels of the frame alone.
        """
        ids, raw = result.faces.ids, result.emotions
        if ids is None or not self.options.smooths:
            return result
        if self._smoothed.begins(result.source, result.index):
            self._new_smoothers()
        unsure = raw.unsure
        probs = self._probs(result.time, ids, raw.probs, unsure)
        affect = None if raw.affect is None else self._affect(result.time, ids, raw.affect, unsure)
        held = self._hold(result.time, ids, probs, unsure)
        emotions = dataclasses.replace(raw, probs=probs, affect=affect, held=held)
        return dataclasses.replace(result, emotions=emotions, raw=raw)

    def _new_tracker(self) -> Tracker:
        return Tracker(forget_seconds=self.options.forget_seconds, reentry_seconds=self.options.reentry_seconds)

    def _new_smoothers(self) -> None:
        o = self.options
        self._probs = Smoother(o.smooth, seconds=o.smooth_seconds, speed=o.smooth_speed, forget=o.forget_seconds, together=True)
        self._affect = Smoother(o.smooth, seconds=o.smooth_seconds, speed=o.smooth_speed, forget=o.forget_seconds)
        self._hold = Hold(margin=o.hold_margin, seconds=o.hold_seconds, forget=o.forget_seconds)
