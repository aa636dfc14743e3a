"""The frames of a recording in which a viewer was sure to be seen, on the clock of the film."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.labels import EMOTIONS
from mien.study.viewer import Viewer, unsmoothed
from mien.timing import Numbers, clocks, row_seconds


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Sure frames of one viewer."""

    begin: Numbers
    """float64 (f,): seconds of the film."""
    lasts: Numbers
    """float64 (f,): seconds."""
    probs: Numbers
    """float64 (f, 9): of each expression, unsmoothed, in order of labels.EMOTIONS."""

    @classmethod
    def of(cls, viewer: Viewer, person: int) -> Frames:
        """Those of the person who counts as the viewer (viewer.Curve.person), of a table that viewer.curve took for one of a viewer."""
        timeline = viewer.timeline
        lasts = row_seconds(timeline, clocks(timeline))
        probs = np.stack([unsmoothed(timeline, f"p_{name}") for name in EMOTIONS], axis=1)
        sure = timeline.has_face & (timeline["person"] == person) & ~timeline["unsure"]
        sure &= np.isfinite(lasts) & np.isfinite(probs).all(axis=1)
        return cls(timeline["time_s"][sure] - viewer.start, lasts[sure], probs[sure])

    def within(self, start: float, end: float) -> Numbers:
        """Seconds of each frame between two times of the film: float64 (f,)."""
        return np.asarray(np.maximum(np.minimum(self.begin + self.lasts, end) - np.maximum(self.begin, start), 0.0))
