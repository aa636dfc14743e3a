"""What viewers of a film together typically show: the level, or else the line, that their mean is near to for most of the film.

Plain means and lines would be lifted and tilted by what the viewers share for a while, and so are medians where that is a third of the
film or more, or lies at an end of it. So what is near to each other decides, and not what is in the middle.
"""

from __future__ import annotations

import numpy as np

from mien.timing import Numbers
from mien.types import Bools

FAR = 3.0
"""Robust standard deviations from what viewers typically show together, beyond which a step is no part of it."""
MAD = 1.4826
"""Standard deviations of a normal distribution in its median absolute deviation, and in half the length of its shortest half."""
BLOCKS = 40
"""Stretches of alike length whose means say which line the film is near to most of the time."""
LEVEL_SPARES = 1.25
"""How many times as far a level may be from the film as a line, by medians, and still be what is typical. In simulations without it a
quarter of the films with a smile in their last two fifths, of 20 viewers, had moments before it as well."""
MEDIANS_SPARE = 2.5
"""The same of the line by repeated medians, which slow viewers bend less, against that of the best half of the film, which nothing does
that is shared for less than the other half. At 1.5 a quarter of the studies of viewers who walk at random had a moment, now an eighth."""


def when_typical(mean: Numbers) -> Bools:
    """Steps in which the viewers show what they typically do together: bool (m, k).

    mean: float64 (m, k), over viewers; NaN where there is none. A level, which all are near to, is what is typical, unless a line is much
    nearer to most of the film (LEVEL_SPARES): whoever grows tired departs from nothing. Steps farther from it than FAR are not typical.
    """
    lines, best = _line_by_medians(mean), _line_of_the_best_half(mean)
    line = np.where(_off(mean - lines) > MEDIANS_SPARE * _off(mean - best), best, lines)
    level = typical_level(mean)
    apart = np.where(_off(mean - level) <= LEVEL_SPARES * _off(mean - line), mean - level, mean - line)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(apart) <= FAR * MAD * _off(apart))


def typical_level(values: Numbers) -> Numbers:
    """Mean of what is near the shortest half (Andrews et al. 1972) of each row: float64 (..., 1) of (..., k) with NaN; 0 of nothing.

    The shortest stretch that holds half of the numbers lies where most of them are, also where two fifths are far to one side: those move
    the median, and the median deviation from it so much that they would pass for near.
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    first, half = np.arange(values.shape[-1]), count // 2 + 1
    last = np.minimum(first + half - 1, values.shape[-1] - 1)
    with np.errstate(invalid="ignore"):
        length = np.where(first + half <= count, np.take_along_axis(ordered, last, axis=-1) - ordered, np.inf)
        low = np.argmin(length, axis=-1)[..., None]
        shortest = np.take_along_axis(length, low, axis=-1)
        near = np.abs(values - np.take_along_axis(ordered, low, axis=-1) - shortest / 2) <= FAR * MAD * shortest / 2 + 1e-15
    return np.asarray(np.where(near, values, 0.0).sum(axis=-1, keepdims=True) / np.maximum(near.sum(axis=-1, keepdims=True), 1))


def _line_by_medians(mean: Numbers) -> Numbers:
    """The line by repeated medians (Siegel 1982) of the means of BLOCKS: as `mean`."""
    time, at, level = _blocks(mean)
    slope = np.nan_to_num(_median(_median(_slopes(at, level))[..., 0]))
    return np.asarray(_median(level - slope * at) + slope * time)


def _line_of_the_best_half(mean: Numbers) -> Numbers:
    """Of lines through the means of two BLOCKS each the one whose nearest half of them is nearest to it, by absolute distances: as `mean`.

    That is the least trimmed sum of absolute deviations (Hawkins & Olive 1999), found exactly, as the best line goes through two points.
    """
    time, at, level = _blocks(mean)
    blocks = level.shape[-1]
    slope = _slopes(at, level).reshape(len(mean), -1, 1)
    start = np.repeat(level, blocks, axis=-1)[..., None] - slope * np.repeat(at, blocks, axis=-1)[..., None]
    far = np.sort(np.abs(level[:, None] - start - slope * at[:, None]), axis=-1)
    half = np.isfinite(level).sum(axis=-1)[:, None, None] // 2 + 1
    cost = np.where(np.isfinite(slope[..., 0]), np.where(np.arange(blocks) < half, far, 0.0).sum(axis=-1), np.inf)
    best = np.argmin(cost, axis=-1)[:, None, None]
    slope, start = (np.take_along_axis(array, best, axis=1)[..., 0] for array in (slope, start))
    return np.asarray(start + slope * time)


def _blocks(mean: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Time of each step, float64 (k,), and mean time and level of each block, (m, BLOCKS) or fewer; NaN where there is none."""
    steps = mean.shape[-1]
    edges = np.linspace(0, steps, min(BLOCKS, steps) + 1).round().astype(np.int64)[:-1]
    time, known = np.arange(steps) - (steps - 1) / 2, np.isfinite(mean)
    with np.errstate(invalid="ignore"):
        number = np.add.reduceat(known, edges, axis=-1, dtype=np.int64)
        at, level = (np.add.reduceat(np.where(known, array, 0.0), edges, axis=-1) / number for array in (time, mean))
    return time, at, level


def _slopes(at: Numbers, level: Numbers) -> Numbers:
    """From each block to each, float64 (m, b, b); NaN of a block and itself."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((level[..., None] - level[..., None, :]) / (at[..., None] - at[..., None, :]))


def _off(apart: Numbers) -> Numbers:
    """Median distance of each row."""
    return _median(np.abs(apart))


def _median(values: Numbers) -> Numbers:
    """Of each row without its NaN: float64 (..., 1) of (..., k); NaN of nothing."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(at, 0), axis=-1) for at in ((count - 1) // 2, count // 2))
    return np.asarray((low + high) / 2)
