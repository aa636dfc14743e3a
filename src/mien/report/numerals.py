"""How pages write figures: in which language, and valence and arousal on which scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from mien.report.figures import clock
from mien.report.scale import Scale
from mien.report.scale import scale as scale_of
from mien.report.sections import NONE, count, number, percent
from mien.report.words import words as words_of

MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Numerals:
    """A language and a scale. What it writes may stand in HTML."""

    words: dict[str, str]
    scale: Scale

    @classmethod
    def of(cls, language: str, affect_scale: str) -> Self:
        """By their names. Raises UnknownName."""
        return cls(words_of(language), scale_of(affect_scale))

    def written(self, figure: str) -> str:
        """A figure that has a hyphen and a point, with the minus and the decimal sign of the page."""
        return figure.replace("-", MINUS).replace(".", self.words["decimal"])

    def plain(self, value: float) -> str:
        """A number with as many decimals as it has."""
        return self.written(f"{value:g}")

    def number(self, value: float, digits: int = 2) -> str:
        """A number with some decimals, or a dash where there is none."""
        return self.written(number(round(value, digits) + 0.0, digits))  # + 0.0: no -0.00

    def count(self, n: int) -> str:
        """A whole number."""
        return count(n, self.words)

    def percent(self, share: float) -> str:
        """A share, or a dash."""
        return self.written(percent(share))

    def whole_percent(self, share: float) -> str:
        """A share in whole per cent, as sentences have it, or a dash."""
        return percent(share, 0)

    def length(self, seconds: float) -> str:
        """A time, or a dash."""
        return NONE if math.isnan(seconds) else clock(seconds, self.words)

    def affect(self, value: float) -> str:
        """A valence or arousal from -1 to 1, on the scale, or a dash where there is none."""
        return NONE if math.isnan(value) else self.written(format(round(self.scale.shown(value), 2) + 0.0, self.scale.form))
