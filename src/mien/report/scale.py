"""The scale on which the page shows valence and arousal. What is counted, and stands in tables, is always on -1..1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mien.errors import UnknownName
from mien.labels import Level, to_seven


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of valence and arousal for human eyes."""

    name: str
    low: float
    high: float
    step: float
    """From tick to tick of an axis."""
    shown: Callable[[Level], Level]
    """A value on -1..1 -> the same on this scale."""

    @property
    def middle(self) -> float:
        """Neither pleasant nor unpleasant, neither calm nor excited."""
        return (self.low + self.high) / 2

    @property
    def half(self) -> float:
        """From the middle to an end: what 1 is of a difference between values on -1..1."""
        return (self.high - self.low) / 2

    @property
    def span(self) -> str:
        """`−1..1`."""
        return f"{self.low:g}..{self.high:g}".replace("-", "\u2212")

    @property
    def form(self) -> str:
        """How a value is written, a sign where values have one: `+.2f`."""
        return "+.2f" if self.low < 0 else ".2f"


def _unit(value: Level) -> Level:
    return value


SCALES = {scale.name: scale for scale in (Scale("unit", -1, 1, 0.5, _unit), Scale("seven", 1, 7, 1, to_seven))}


def scale(name: str) -> Scale:
    """The scale of a name; UnknownName lists those there are."""
    if name not in SCALES:
        raise UnknownName("affect scale", name, SCALES)
    return SCALES[name]
