"""The options of an analysis: one frozen dataclass for the library and the command line, and the same as keyword arguments."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, TypedDict

from mien.errors import UsageError
from mien.io.images import ImageLimits
from mien.io.reading import Reading
from mien.io.span import VideoSpan
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
    """Name of the recogniser, or path of an .onnx file with its .json card beside it, which becomes text; `:openvino` behind it runs it by
    OpenVINO."""
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
        given: object = self.model
        if isinstance(given, os.PathLike):
            object.__setattr__(self, "model", os.fspath(given))
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
    "model": (str, "a name, or a path"),
    "affect": (str, "a name"),
    "unsure": (UnsureRules, "an UnsureRules"),
    "track": (TrackOptions, "a TrackOptions"),
    "threads": (Integral, "a whole number"),
    "batch": (Integral, "a whole number"),
}


class Changes(TypedDict, total=False):
    """Fields of AnalyzeOptions but the detector, as keyword arguments."""

    model: str | os.PathLike[str]
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


OPTION_NAMES = Keywords.__annotations__.keys() - Reading.__annotations__.keys()
"""Keyword arguments of mien.Analyzer and, with those of `Reading`, of mien.analyze."""
_HOLDERS: dict[str, type[Any]] = {"span": VideoSpan, "limits": ImageLimits, "track": TrackOptions, "unsure": UnsureRules}
"""Options that are dataclasses."""
_OTHER_NAMES = {
    "batch_size": "batch", "detector_backend": "detector", "emotion_model": "model", "face_model": "detector", "model_name": "model",
    "n_jobs": "threads", "skip_frames": "stride",
}  # fmt: skip
"""What DeepFace, fer and py-feat call some of the options."""


def refuse_unknown(given: Mapping[str, object], known: Iterable[str]) -> None:
    """Raise UsageError for keyword arguments that are not known, with those there are and where else these are."""
    known = set(known)
    if unknown := sorted(given.keys() - known):
        places = [place for name in unknown if (place := _place(name, known))]
        raise UsageError("; ".join([f"unknown option {', '.join(unknown)}", *places, f"there are: {', '.join(sorted(known))}"]))


def _place(name: str, known: Container[str]) -> str:
    """Where an option is to be given that is not known here; empty where no option is called so."""
    ours = _OTHER_NAMES.get(name, name)
    told = []
    if ours in Keywords.__annotations__:
        option = ours
        if ours != name:
            told.append(f"for {name} give {ours}=...")
    elif option := next((option for option, kind in _HOLDERS.items() if any(own.name == ours for own in dataclasses.fields(kind))), ""):
        told.append(f"{name} is a field of {option}: {option}=mien.{_HOLDERS[option].__name__}({ours}=...)")
    else:
        return ""
    if option not in known:
        told.append(f"{option} is an option of {'mien.Analyzer' if option in OPTION_NAMES else 'analyze and stream'}")
    return ", ".join(told)
