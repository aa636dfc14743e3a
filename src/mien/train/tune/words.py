"""Values and figures of trials in words."""

from __future__ import annotations

import math
from typing import Any

from mien.train.tune.space import Choices, Dimension


def shown(value: Any) -> str:
    """A value tried, in short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(map(shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def exact(value: Any) -> str:
    """A value tried, whole."""
    if isinstance(value, tuple):
        return " ".join(map(exact, value))
    return shown(value) if isinstance(value, bool) else str(value)


def figure(value: float) -> str:
    """A metric with six digits, or a dash where there is none."""
    return f"{value:.6g}" if math.isfinite(value) else "–"


def between(dimension: Dimension) -> str:
    """What was searched: `256 to 608 in steps of 32`."""
    if isinstance(dimension, Choices):
        return " or ".join(map(shown, dimension.values))
    how = f" in steps of {shown(dimension.step)}" if dimension.step is not None else ", evenly by the logarithm" if dimension.log else ""
    return f"{shown(dimension.low)} to {shown(dimension.high)}{how}"
