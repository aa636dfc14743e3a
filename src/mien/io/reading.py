"""How inputs are read: the keyword arguments of `open_source`, as everything above passes them on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from numbers import Integral
from typing import BinaryIO, TypedDict

from mien.errors import UsageError
from mien.io.images import ImageLimits
from mien.io.pixels import check_turn
from mien.io.span import VideoSpan
from mien.types import check_kind


class Reading(TypedDict, total=False):
    """Keyword arguments of mien.io.sources.open_source, which says what they mean."""

    limits: ImageLimits
    span: VideoSpan
    turn: int
    recursive: bool
    once: bool
    skip: Container[str]
    allow_private: bool
    ahead: int
    stdin: BinaryIO | None
    fetch: Callable[..., bytes] | None


_KINDS: dict[str, tuple[type, str]] = {
    "limits": (ImageLimits, "an ImageLimits"),
    "span": (VideoSpan, "a VideoSpan"),
    "turn": (Integral, "0, 90, 180 or 270 degrees clockwise"),
    "ahead": (Integral, "a whole number"),
    "recursive": (bool, "True or False"),
    "once": (bool, "True or False"),
    "allow_private": (bool, "True or False"),
}


OF_ANALYZER = ("affect", "batch", "detector", "min_score", "model", "recogniser", "threads", "track", "unsure")
"""Options of mien.Analyzer and, with those of `Reading`, of mien.analyze; here for messages, since their home lies above."""
FIELDS = {
    "span=mien.VideoSpan": ("every", "stride", "start", "stop"),
    "limits=mien.ImageLimits": ("max_pixels", "max_side", "max_bytes"),
    "track=mien.TrackOptions": (
        "follow", "smooth", "smooth_seconds", "smooth_speed", "hold_margin", "hold_seconds", "forget_seconds", "reentry_seconds",
        "detect_every", "baseline",
    ),
    "unsure=mien.UnsureRules": ("min_score", "min_size", "min_sharpness", "max_yaw", "max_pitch", "min_confidence", "max_cut"),
}  # fmt: skip
"""Options that are dataclasses, with their fields."""
_OTHER_NAMES = {
    "batch_size": "batch", "detector_backend": "detector", "emotion_model": "model", "face_model": "detector", "model_name": "model",
    "n_jobs": "threads", "skip_frames": "stride",
}  # fmt: skip
"""What DeepFace, fer and py-feat call some of the options."""


def check_reading(given: Mapping[str, object]) -> None:
    """Raise UsageError for a name that `Reading` does not have, or a value of another kind."""
    refuse_unknown(given, Reading.__annotations__)
    for name in given.keys() & _KINDS.keys():
        check_kind(name, given[name], *_KINDS[name])
    check_turn(given.get("turn", 0))


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
    if ours in OF_ANALYZER or ours in Reading.__annotations__:
        option = ours
        if ours != name:
            told.append(f"for {name} give {ours}=...")
    elif holder := next((holder for holder, fields in FIELDS.items() if ours in fields), ""):
        option = holder.partition("=")[0]
        told.append(f"{name} is a field of {option}: {holder}({ours}=...)")
    else:
        return ""
    if option not in known:
        told.append(f"{option} is an option of {'mien.Analyzer' if option in OF_ANALYZER else 'analyze and stream'}")
    return ", ".join(told)
