"""The options of following people over time."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

from mien.errors import UsageError
from mien.types import check_numbers

SMOOTHERS = ("euro", "ema", "none")


def check_baseline(span: object, *, before: bool = False) -> None:
    """Raise UsageError for what is no span of a baseline, seconds from and to. before: it may begin before 0."""
    if not (isinstance(span, Sequence) and len(span) == 2 and all(isinstance(end, Real) for end in span)):
        raise UsageError(f"baseline: found {' '.join(reprlib.repr(span).split())}; wanted two numbers of seconds, from and to, or None")
    if not (before or span[0] >= 0) or not span[0] < span[1]:
        wanted = "wanted an end after its beginning" + ("" if before else ", not before 0")
        raise UsageError(f"baseline is from {span[0]:g} to {span[1]:g} s; {wanted}")


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """How people are followed over the frames of a video, camera or stream. Times are seconds of the source, not frames."""

    follow: bool = True
    """Give each person a number; without it every frame stands alone and nothing is smoothed."""
    smooth: str = "euro"
    """Smoothing of probabilities, valence and arousal: `euro` (1-euro filter, Casiez et al. 2012), `ema` or `none`: values and labels of
    each frame alone. Causal, and of sure faces from sure ones alone."""
    smooth_seconds: float = 0.25
    """Time constant of the smoothing at rest, whatever the frame rate."""
    smooth_speed: float = 1.0
    """How the 1-euro filter lets changes through: hertz that its cutoff grows by for a change of 1 a second."""
    hold_margin: float = 1.4
    """How many times as probable as the label that stands another emotion has to be to take over soon; at least 1. With less of a lead
    it takes half a second or more (see mien.track.hold). Nothing is held with `smooth="none"`."""
    hold_seconds: float = 0.15
    """How long an emotion e (2.7) times as probable as that has to lead before the label changes to it; a clearer one needs less."""
    forget_seconds: float = 2.0
    """How long a person who is out of sight keeps the number."""
    reentry_seconds: float = 0.0
    """How long a person who left is known again by appearance, in memory only; 0 never."""
    detect_every: int = 1
    """Look for faces in every n-th frame and move the boxes on between."""
    baseline: tuple[float, float] | None = None
    """Seconds from and to of a span in which people are neutral: their medians there, unsure faces left out, are taken off in delta_*."""

    def __post_init__(self) -> None:
        seconds = ("smooth_seconds", "smooth_speed", "hold_seconds", "forget_seconds", "reentry_seconds")
        check_numbers(self, (*seconds, "hold_margin"), whole=("detect_every",))
        if self.baseline is not None:
            check_baseline(self.baseline)
            object.__setattr__(self, "baseline", tuple(self.baseline))  # options are keys, which a list cannot be
        if self.smooth not in SMOOTHERS:
            raise UsageError(f"smooth is {self.smooth!r}; there are: {', '.join(SMOOTHERS)}")
        if self.detect_every < 1:
            raise UsageError(f"detect_every is {self.detect_every}; wanted at least 1")
        if not self.follow and (self.detect_every > 1 or self.baseline is not None):
            what = "detect_every" if self.detect_every > 1 else "baseline"
            raise UsageError(f"{what} is {getattr(self, what)} without following; it needs follow=True, or leave it out")
        if not self.hold_margin >= 1:
            raise UsageError(f"hold_margin is {self.hold_margin}; wanted a number from 1 up")
        for name in seconds:
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} is {getattr(self, name)}; wanted a number from 0 up")

    @property
    def smooths(self) -> bool:
        """Whether values are smoothed, so that results and tables have raw ones beside them."""
        return self.follow and self.smooth != "none"
