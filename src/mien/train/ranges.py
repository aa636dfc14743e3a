"""What numbers a setting may have, checked where the settings are built."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers from `low` to `high`."""

    low: float
    high: float = math.inf
    above: bool = False
    """Without `low` itself."""
    below: bool = False
    """Without `high` itself."""

    def __contains__(self, value: float) -> bool:
        """Whether a number lies in it; infinity and what is no number never do."""
        above = value > self.low if self.above else value >= self.low
        return math.isfinite(value) and above and (value < self.high if self.below else value <= self.high)

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"more than {self.low:g}" if self.above else f"{self.low:g} or more"
        if self.above or self.below:
            return f"{'more than ' if self.above else ''}{self.low:g} to {'less than ' if self.below else ''}{self.high:g}"
        return f"{self.low:g}..{self.high:g}"


SHARE, FROM_0, FROM_1, POSITIVE = Range(0, 1), Range(0), Range(1), Range(0, above=True)


def check_ranges(settings: Any, ranges: Mapping[str, Range], *, before: str = "") -> None:
    """Raise UsageError for the first field that is out of its range; of a tuple each value must be in it. None is let pass.

    before: what the names of the fields are told with, such as `head.`.
    """
    for name, allowed in ranges.items():
        value = getattr(settings, name)
        many = isinstance(value, tuple)
        if strange := [one for one in (value if many else [value]) if one is not None and one not in allowed]:
            raise UsageError(f"{before}{name} {'has' if many else 'is'} {strange[0]:.15g}; wanted {allowed}")
