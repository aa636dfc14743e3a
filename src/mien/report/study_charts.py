"""Charts of a study as SVG: a mean over the film with its interval, and means side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.report.scale import Scale
from mien.report.sections import Words
from mien.report.svg import BOTTOM, LEFT, RIGHT, TOP, Plane, band, dot, label, line, path, svg
from mien.timing import Numbers
from mien.types import Bools

WIDE, SMALL = (1080, 300), (352, 200)
MOST_TICKS = {WIDE: 12, SMALL: 5}
STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds from mark to mark of a time axis."""
BAR = 120
"""Pixels from end to end of an interval's line in a table, two of which fit beside their figures."""
LEAST_HEIGHT = 0.1
"""Of an upright axis, so that noise does not fill it; on -1..1, or of a probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """A mean over time with its interval, each float64 (k,)."""

    name: str
    mean: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the film that is shaded, or named above the chart."""

    start: float
    end: float
    name: str = ""


def time_chart(
    edges: Numbers, curves: Sequence[Mean], up: str, words: Words, *, scale: Scale | None = None, marks: Sequence[Mark] = (),
    parts: Sequence[Mark] = (), size: tuple[int, int] = WIDE,
) -> str:  # fmt: skip
    """Means over the film, at most two; up: what they are of; marks: stretches that are shaded; parts: of the film, named at the top.

    scale: of valence and arousal, with a line at its middle; None for probabilities. The upright axis is as long as the intervals need,
    LEAST_HEIGHT at any rate, within what there can be.
    """
    bounds, least = ((scale.low, scale.high), LEAST_HEIGHT * scale.half) if scale else ((0.0, 1.0), LEAST_HEIGHT)
    middle = (edges[:-1] + edges[1:]) / 2
    ends = np.concatenate([np.stack([one.low, one.high, one.mean]) for one in curves], axis=1)
    low, high = (float(f(ends[np.isfinite(ends)], initial=start)) for f, start in ((np.min, np.inf), (np.max, -np.inf)))
    if not low <= high:
        low, high = bounds
    spare = max(0.06 * (high - low), (least - (high - low)) / 2)
    bottom, top = max(low - spare, bounds[0]), min(high + spare, bounds[1])
    ups = _ticks(bottom, top)
    plane = Plane(float(edges[0]), float(edges[-1]), min(bottom, ups[0]), max(top, ups[-1]), *size)
    times, minutes = _times(float(edges[0]), float(edges[-1]), MOST_TICKS[size]), edges[-1] >= 60
    across = words["film_time"] if minutes else f"{words['film_time']}, {words['s']}"
    out = [
        f'<rect x="{plane.x(one.start):.1f}" y="{TOP}" width="{max(plane.x(one.end) - plane.x(one.start), 1):.1f}" '
        f'height="{size[1] - TOP - BOTTOM}" class="moment"/>'
        for one in marks
    ]
    out.append(plane.frame(across, up, times, shares=False, up_ticks=ups, names=[_at(one, minutes=minutes) for one in times]))
    for part in parts:
        out.append(line(plane.x(part.start), TOP, plane.x(part.start), size[1] - BOTTOM, "part"))
        if plane.x(part.end) - plane.x(part.start) > 7 * len(part.name):
            out.append(label(plane.x(part.start) + 4, TOP + 12, part.name, "start"))
    if scale and plane.bottom < scale.middle < (plane.top or 0):
        out.append(line(LEFT, plane.y(scale.middle), size[0] - RIGHT, plane.y(scale.middle), "ideal"))
    x = [plane.x(float(at)) for at in middle]
    for k, curve in enumerate(curves):
        out.append(band(x, [plane.y(float(v)) for v in curve.low], [plane.y(float(v)) for v in curve.high], second=k > 0))
        for run in _runs(np.isfinite(curve.mean)):
            points = [(x[i], plane.y(float(curve.mean[i]))) for i in run]
            out.append(path(points, second=k > 0) if len(points) > 1 else dot(*points[0], 2.5, curve.name, second=k > 0))
    return svg("".join(out), words["alt_film"].format(names=", ".join(one.name for one in curves)), size)


def interval_line(low: float, value: float, high: float, span: tuple[float, float]) -> str:
    """A value with its interval on a line from span[0] to span[1], as wide as a table's cell; 0 is marked."""
    if not np.isfinite([low, value, high]).all():
        return ""

    def at(number: float) -> float:
        return BAR * (min(max(number, span[0]), span[1]) - span[0]) / (span[1] - span[0])

    zero = f'<line x1="{at(0):.1f}" y1="1" x2="{at(0):.1f}" y2="13" class="ideal"/>' if span[0] < 0 < span[1] else ""
    return (
        f'<svg class="bar" viewBox="0 0 {BAR} 14" width="{BAR}" height="14" aria-hidden="true">'
        f'<line x1="0" y1="7" x2="{BAR}" y2="7" class="grid"/>'
        f'{zero}<line x1="{at(low):.1f}" y1="7" x2="{at(high):.1f}" y2="7" class="whisker"/>'
        f'<circle cx="{min(max(at(value), 4), BAR - 4):.1f}" cy="7" r="4" class="dot"/></svg>'
    )


def _runs(known: Bools) -> list[list[int]]:
    where = np.flatnonzero(known)
    return [run.tolist() for run in np.split(where, np.flatnonzero(np.diff(where) > 1) + 1) if len(run)]


def _times(first: float, last: float, most: int) -> list[float]:
    step = next((one for one in STEPS if (last - first) / one <= most), STEPS[-1])
    start = np.ceil(first / step - 1e-9) * step
    return [float(one) + 0.0 for one in np.arange(start, last + step * 1e-6, step)]


def _at(seconds: float, *, minutes: bool) -> str:
    """What stands at a mark of a time axis: `1:05` or `1:00:05`, or the seconds alone."""
    whole, rest = divmod(seconds, 60)
    hours, left = divmod(int(whole), 60)
    return f"{seconds:g}" if not minutes else f"{hours}:{left:02d}:{rest:02.0f}" if hours else f"{left}:{rest:02.0f}"


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below `low` to above `high`, four to nine."""
    step = next(one for one in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1) if (high - low) / one <= 6)
    first, last = np.floor(low / step + 1e-9), np.ceil(high / step - 1e-9)
    return [round(float(one * step), 6) + 0.0 for one in np.arange(first, last + 1)]
