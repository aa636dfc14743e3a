"""The options of an analysis: one frozen dataclass for the library and the command line, and the same as keyword arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TypedDict

from mien.errors import UsageError
from mien.io.reading import Reading
from mien.labels import anchors
from mien.track.options import TrackOptions
from mien.types import Detector, Recogniser, check_kind
from mien.unsure import UnsureRules


@dataclass(frozen=True, slots=True)
class AnalyzeOptions:
    """What to find and how."""

    detector: str = "yunet"
    """Name of the face detector, with its variant after a colon: `yunet`, `yunet:tiled`, `haar:alt2`, `mtcnn` ..."""
    model: str = "base"
    """Name of the recogniser, or path of an .onnx file with its .json card beside it; `:openvino` behind it runs it by OpenVINO."""
    affect: str = "model"
    """Where valence and arousal come from: `model` (its own output), `none`, or an anchor set, `adfes2011`, `crowd`, `legacy`."""
    min_score: float | None = None
    """Lowest detection score of a face that is reported at all, 0..1, on top of the detector's own threshold; None for that alone."""
    unsure: UnsureRules = field(default_factory=UnsureRules)
    """When a face is marked as unsure."""
    track: TrackOptions = field(default_factory=TrackOptions)
    """How people are followed over the frames of a video, camera or stream, and what is smoothed over time."""
    threads: int = 0
    """CPU threads of a network; 0 chooses by the machine."""
    batch: int = 8
    """Pictures whose crops are recognised together."""

    def __post_init__(self) -> None:
        for name, (kind, wanted) in _KINDS.items():
            check_kind(name, getattr(self, name), kind, wanted)
        if self.min_score is not None:
            check_kind("min_score", self.min_score, Real, "a number from 0 to 1, or None")
        if self.affect not in ("model", "none"):
            anchors(self.affect)
        if self.batch < 1 or self.threads < 0:
            raise UsageError(f"batch is {self.batch} and threads {self.threads}; wanted at least 1 and 0")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise UsageError(f"min_score is {self.min_score}; wanted a number from 0 to 1")


_KINDS: dict[str, tuple[type, str]] = {
    "detector": (str, "a name"),
    "model": (str, "a name, or a path as text"),
    "affect": (str, "a name"),
    "unsure": (UnsureRules, "an UnsureRules"),
    "track": (TrackOptions, "a TrackOptions"),
    "threads": (Integral, "a whole number"),
    "batch": (Integral, "a whole number"),
}


class Changes(TypedDict, total=False):
    """Fields of AnalyzeOptions but the detector, as keyword arguments."""

    model: str
    affect: str
    min_score: float | None
    unsure: UnsureRules
    track: TrackOptions
    threads: int
    batch: int


class Keywords(Changes, Reading, total=False):
    """Keyword arguments of `mien.analyze`."""

    detector: str | Detector
    recogniser: Recogniser
