"""How the pages of studies write their measures, with intervals and tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from mien.report.numerals import Numerals
from mien.report.scale import scale as scale_of
from mien.report.sections import NONE, text
from mien.report.study_words import study_words
from mien.study.statistics import Estimate
from mien.study.viewer import MEASURES
from mien.table import clock
from mien.timing import Numbers

ALPHA = 0.05
LEAST_P = 0.001
"""Below which that is all that is said of a p."""
SPACE = "\u00a0"
DIGITS = 3
"""Decimals of measures: with two, both ends of many an interval of a probability's difference would be 0."""


@dataclass(frozen=True, slots=True)
class Writing(Numerals):
    """A language and a scale. Measures are named by their position in MEASURES; texts may stand in HTML."""

    @classmethod
    def of(cls, language: str, affect_scale: str) -> Self:
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

    def times(self, start: float, end: float) -> str:
        """From when to when: `12.0–16.5 s` in a film's first minute, later `0:58.0–1:02.5`; in hundredths where tenths do not do."""
        digits = 1 if all(abs(10 * at - round(10 * at)) < 1e-6 for at in (start, end)) else 2
        if end < 60:
            return self.written(f"{start:.{digits}f}–{end:.{digits}f}") + f"{SPACE}{self.words['s']}"
        return "–".join(self.written(clock(at, digits)) for at in (start, end))

    def share(self, share: float, low: float, high: float) -> str:
        """A share of people and its interval in brackets, in whole per cent, or a dash."""
        ends = self.words["then"].join((f"[{100 * low:.0f}", f"{SPACE}{100 * high:.0f}]"))
        return f"{100 * share:.0f}{SPACE}% {ends}" if np.isfinite(share) else NONE

    def value(self, value: float, k: int, digits: int = DIGITS) -> str:
        """A measure's value."""
        if k < 2:
            return self._number(self.scale.shown(float(value)), digits, sign=self.scale.low < 0)
        return self._number(value, digits, sign=False)

    def change(self, value: float, k: int, digits: int = DIGITS) -> str:
        """A difference between values of a measure, with its sign."""
        return self._number(value * self.scale.half if k < 2 else value, digits, sign=True)

    def digits(self, of: Estimate, k: int) -> int:
        """Decimals of a measure's mean and of its interval."""
        return DIGITS

    def p(self, p: float) -> str:
        """A p to three decimals, fit for HTML."""
        return NONE if np.isnan(p) else self.written(f"{p:.3f}" if p >= LEAST_P else f"&lt; {LEAST_P}")

    def test(self, p: float) -> str:
        """`p = 0.004`, fit for HTML."""
        return f"p{SPACE}{'' if p < LEAST_P else f'={SPACE}'}{self.p(p)}"

    def marked_p(self, p: float) -> str:
        """A p in a table: bold up to ALPHA."""
        return f"<b>{self.p(p)}</b>" if p <= ALPHA else self.p(p)

    def mean(self, of: Estimate, k: int) -> str:
        """A measure's mean and its interval in brackets."""
        return f"{self.value(of.mean[k], k, self.digits(of, k))} {self.interval(of, k)}"

    def interval(self, of: Estimate, k: int) -> str:
        """That interval alone."""
        return self._brackets(of, k, *(self.value(end[k], k, self.digits(of, k)) for end in (of.low, of.high)))

    def difference(self, of: Estimate, k: int) -> str:
        """A difference between values of a measure and its interval in brackets."""
        return f"{self.change(of.mean[k], k, self.digits(of, k))} {self.change_interval(of, k)}"

    def change_interval(self, of: Estimate, k: int) -> str:
        """That interval alone."""
        return self._brackets(of, k, *(self.change(end[k], k, self.digits(of, k)) for end in (of.low, of.high)))

    def _brackets(self, of: Estimate, k: int, low: str, high: str) -> str:
        return f"[{low}{self.words['then']}{SPACE}{high}]" if np.isfinite(of.low[k]) else self.words["no_interval"]

    def _number(self, value: float, digits: int, *, sign: bool) -> str:
        """What rounds to 0 has no sign: which it was, its digits do not tell."""
        rounded = round(float(value), digits) + 0.0  # no -0.0
        return NONE if np.isnan(value) else self.written(f"{rounded:{'+' if sign and rounded else ''}.{digits}f}")

    def drawn(self, values: Numbers, k: int) -> Numbers:
        """A measure's values, on the scale of a chart."""
        return np.asarray(self.scale.shown(values)) if k < 2 else values


class Published(Writing):
    """Of what mien.study.visitors.published has rounded: the decimals that it has kept, and each p as the bound that it then is."""

    def digits(self, of: Estimate, k: int) -> int:
        """As many as the finest of mean and ends has."""
        return max(map(decimals, (of.mean[k], of.low[k], of.high[k])))

    def p(self, p: float) -> str:
        """`≤ 0.05`, fit for HTML."""
        return NONE if np.isnan(p) else super().p(p) if p < LEAST_P else f"≤{SPACE}{self.plain(p)}"

    def test(self, p: float) -> str:
        """`p ≤ 0.05`, fit for HTML."""
        return f"p{SPACE}{self.p(p)}"


def decimals(value: float) -> int:
    """How many a rounded number has, DIGITS at most.

    >>> decimals(0.3), decimals(-0.25), decimals(2.0), decimals(float("nan"))
    (1, 2, 0, 0)
    """
    return next((digits for digits in range(DIGITS) if not abs(value - round(float(value), digits)) > 1e-9), DIGITS)
