"""How inputs are read: the keyword arguments of `open_source`, as everything above passes them on."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from numbers import Integral
from typing import BinaryIO, TypedDict

from mien.io.images import ImageLimits
from mien.io.pixels import check_turn
from mien.io.sequences import check_rate
from mien.io.span import VideoSpan
from mien.types import check_kind


class Reading(TypedDict, total=False):
    """Keyword arguments of mien.io.sources.open_source, which says what they mean."""

    limits: ImageLimits
    span: VideoSpan
    turn: int
    recursive: bool
    once: bool
    as_video: float | None
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


def check_reading(given: Mapping[str, object]) -> None:
    """Raise UsageError for a value of another kind. For names that `Reading` does not have see mien.options.refuse_unknown."""
    for name in given.keys() & _KINDS.keys():
        check_kind(name, given[name], *_KINDS[name])
    check_turn(given.get("turn", 0))
    check_rate(given.get("as_video"))
