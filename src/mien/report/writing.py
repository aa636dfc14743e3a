"""How the pages of studies write figures: in which language, and valence and arousal on which scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.report.scale import Scale
from mien.report.scale import scale as scale_of
from mien.report.sections import NONE, affect, length, number, text
from mien.report.study_words import study_words
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES
from mien.timing import Numbers

ALPHA = 0.05
SPACE = "\u00a0"


@dataclass(frozen=True, slots=True)
class Writing:
    """A language and a scale. Measures are named by their position in MEASURES; texts may stand in HTML."""

    words: dict[str, str]
    scale: Scale

    @classmethod
    def of(cls, language: str, affect_scale: str) -> Writing:
        """By their names. Raises UnknownName."""
        return cls(study_words(language), scale_of(affect_scale))

    def read_by(self, models: Sequence[str]) -> str:
        """What read the faces, to stand behind the line below a heading; nothing where that is not known."""
        return f" · {self.words['model'].format(model=', '.join(models))}" if models else ""

    def mixed(self, models: Sequence[str]) -> list[str]:
        """What is said where more than one model read the faces, fit for HTML."""
        return [self.words["mixed_models"].format(names=text(", ".join(models)))] if len(models) > 1 else []

    def title(self, k: int) -> str:
        """What a measure is called."""
        return self.words[MEASURES[k].removeprefix("p_")]

    def length(self, seconds: float) -> str:
        """A time, or a dash."""
        return length(seconds, self.words)

    def count(self, n: int) -> str:
        """A whole number."""
        return f"{n:,}".replace(",", self.words["thousands"])

    def value(self, value: float, k: int) -> str:
        """A measure's value."""
        return affect(float(value), self.scale) if k < 2 else number(float(value))

    def change(self, value: float, k: int) -> str:
        """A difference between values of a measure, with its sign."""
        return signed(value * self.scale.half if k < 2 else value)

    def mean(self, of: Estimate, k: int) -> str:
        """A measure's mean and its interval in brackets."""
        return f"{self.value(of.mean[k], k)} {self.interval(of, k)}"

    def interval(self, of: Estimate, k: int) -> str:
        """That interval alone."""
        return self._brackets(of, k, *(self.value(end[k], k) for end in (of.low, of.high)))

    def difference(self, of: Estimate, k: int) -> str:
        """A difference between values of a measure and its interval in brackets."""
        return f"{self.change(of.mean[k], k)} {self.change_interval(of, k)}"

    def change_interval(self, of: Estimate, k: int) -> str:
        """That interval alone."""
        return self._brackets(of, k, *(self.change(end[k], k) for end in (of.low, of.high)))

    def _brackets(self, of: Estimate, k: int, low: str, high: str) -> str:
        return f"[{low},{SPACE}{high}]" if np.isfinite(of.low[k]) else self.words["no_interval"]

    def drawn(self, values: Numbers, k: int) -> Numbers:
        """A measure's values, on the scale of a chart."""
        return np.asarray(self.scale.shown(values)) if k < 2 else values


def signed(value: float) -> str:
    """A number with its sign."""
    return NONE if np.isnan(value) else f"{round(float(value), 2) + 0.0:+.2f}"  # + 0.0: no -0.00


def p_text(p: float) -> str:
    """A p to three decimals."""
    return NONE if np.isnan(p) else f"{p:.3f}" if p >= 0.001 else "&lt; 0.001"


def marked_p(p: float) -> str:
    """A p in a table: bold up to ALPHA."""
    return f"<b>{p_text(p)}</b>" if p <= ALPHA else p_text(p)
