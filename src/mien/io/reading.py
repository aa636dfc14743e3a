"""How inputs are read: the keyword arguments of `open_source`, as everything above passes them on."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from numbers import Integral
from typing import BinaryIO, TypedDict

from mien.errors import UsageError
from mien.io.images import ImageLimits
from mien.io.span import VideoSpan
from mien.types import check_kind


class Reading(TypedDict, total=False):
    """Keyword arguments of mien.io.sources.open_source, which says what they mean."""

    limits: ImageLimits
    span: VideoSpan
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
    "ahead": (Integral, "a whole number"),
    "recursive": (bool, "True or False"),
    "once": (bool, "True or False"),
    "allow_private": (bool, "True or False"),
}


def check_reading(given: Mapping[str, object]) -> None:
    """Raise UsageError for a name that `Reading` does not have, or a value of another kind."""
    refuse_unknown(given, Reading.__annotations__)
    for name in given.keys() & _KINDS.keys():
        check_kind(name, given[name], *_KINDS[name])


def refuse_unknown(given: Mapping[str, object], known: Iterable[str]) -> None:
    """Raise UsageError for keyword arguments that are not known, with those there are."""
    if unknown := sorted(given.keys() - set(known)):
        raise UsageError(f"unknown option {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
