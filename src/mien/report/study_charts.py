"""Charts of a study as SVG: means over the film with their intervals, and an interval on a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from mien.report.scale import Scale
from mien.report.sections import text
from mien.report.svg import BOTTOM, LEFT, RIGHT, TOP, Plane, band, dot, label, line, path, svg
from mien.report.writing import Writing
from mien.study.reaction_result import Part
from mien.timing import Numbers
from mien.types import Bools

WIDE, SMALL = (1080, 300), (352, 200)
MOST_TICKS = {WIDE: 12, SMALL: 5}
STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds from mark to mark of a time axis."""
BAR = 84
"""Pixels from end to end of an interval's line in a table, two of which fit beside their figures."""
LEAST_HEIGHT = 0.1
"""Of an upright axis, so that noise does not fill it; on -1..1, or of a probability."""
LANE, LETTER, GAP = 24, 7, 2
"""Pixels: height of a bar with the name of a part above a chart, width of a letter in it, and from a bar to one right behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """A mean over time with its interval, each float64 (k,)."""

    name: str
    mean: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of the film that is shaded: in one shade where the viewers went up together, in another where they went down."""

    start: float
    end: float
    up: bool


def time_chart(
    edges: Numbers, curves: Sequence[Mean], what: str, write: Writing, *, affect: bool = False, marks: Sequence[Mark] = (),
    parts: Sequence[Part] = (), size: tuple[int, int] = WIDE,
) -> str:  # fmt: skip
    """Means of a measure over the film; several in the colours of groups.

    what: the measure. affect: whether it is valence or arousal, on their scale, with a line at its middle; a probability otherwise.
    marks: stretches that are shaded. parts: of the film, named in a strip above the chart. The upright axis is as long as the intervals
    need, LEAST_HEIGHT at any rate, within what there can be.
    """
    scale = write.scale if affect else None
    up = f"{what}, {write.scale.span}" if affect else write.words["probability"]
    ups = _ticks(*_range(curves, scale))
    plane = Plane(float(edges[0]), float(edges[-1]), ups[0], ups[-1], *size)
    times, minutes = _times(float(edges[0]), float(edges[-1]), MOST_TICKS[size]), edges[-1] >= 60
    across = write.words["film_time"] if minutes else f"{write.words['film_time']}, {write.words['s']}"
    names = [write.written(_at(one, minutes=minutes)) for one in times]
    out = [_shade(one, plane) for one in marks]
    out.append(plane.frame(across, up, times, shares=False, up_ticks=ups, names=names, up_names=[write.plain(one) for one in ups]))
    for at in sorted({at for part in parts for at in (part.start, part.end)}):
        out.append(line(plane.x(at), TOP, plane.x(at), size[1] - BOTTOM, "part"))
    if scale and plane.bottom < scale.middle < ups[-1]:
        out.append(line(LEFT, plane.y(scale.middle), size[0] - RIGHT, plane.y(scale.middle), "ideal"))
    middle = (edges[:-1] + edges[1:]) / 2
    for k, curve in enumerate(curves):
        drawn = _curve(curve, middle, plane)
        out.append(f'<g class="group{k}">{drawn}</g>' if len(curves) > 1 else drawn)
    strip, high = _strip(parts, plane, write)
    alt = write.words["alt_film"].format(what=what, names=", ".join(one.name for one in curves))
    return svg(f'{strip}<g transform="translate(0 {high})">{"".join(out)}</g>', alt, (size[0], size[1] + high))


def curve_sign(k: int) -> str:
    """A piece of the line of group k, for the key of a chart."""
    return f'<svg viewBox="0 0 30 10" aria-hidden="true"><g class="group{k}">{path([(0, 5), (30, 5)])}</g></svg>'


def _range(curves: Sequence[Mean], scale: Scale | None) -> tuple[float, float]:
    """What the upright axis must hold: means and intervals, with some room."""
    bounds, least = ((scale.low, scale.high), LEAST_HEIGHT * scale.half) if scale else ((0.0, 1.0), LEAST_HEIGHT)
    ends = np.concatenate([np.stack([one.low, one.high, one.mean]) for one in curves], axis=1)
    low, high = (float(f(ends[np.isfinite(ends)], initial=start)) for f, start in ((np.min, np.inf), (np.max, -np.inf)))
    if not low <= high:
        return bounds
    spare = max(0.06 * (high - low), (least - (high - low)) / 2)
    return max(low - spare, bounds[0]), min(high + spare, bounds[1])


def _curve(curve: Mean, middle: Numbers, plane: Plane) -> str:
    """A mean in its interval, parted where there is none."""
    x = [plane.x(float(at)) for at in middle]
    out = [band(x, [plane.y(float(v)) for v in curve.low], [plane.y(float(v)) for v in curve.high])]
    for run in _runs(np.isfinite(curve.mean)):
        points = [(x[i], plane.y(float(curve.mean[i]))) for i in run]
        out.append(path(points) if len(points) > 1 else dot(*points[0], 2.5, curve.name))
    return "".join(out)


def _shade(mark: Mark, plane: Plane) -> str:
    """With a triangle at its top, for those who see or print no colours."""
    left, wide = plane.x(mark.start), max(plane.x(mark.end) - plane.x(mark.start), 1)
    kind, rise = ("up", -4) if mark.up else ("down", 4)
    x, y = left + wide / 2, TOP + 8
    tip = f"{x:.1f},{y + rise} {x - 4:.1f},{y - rise} {x + 4:.1f},{y - rise}"
    return (
        f'<rect x="{left:.1f}" y="{TOP}" width="{wide:.1f}" height="{plane.height - TOP - BOTTOM}" class="moment {kind}"/>'
        f'<polygon points="{tip}" class="tip {kind}"/>'
    )


def _strip(parts: Sequence[Part], plane: Plane, write: Writing) -> tuple[str, int]:
    """Each part as a bar from its start to its end with its name on it, those that overlap in lanes; and how high all of that is."""
    out, lanes = list[str](), list[list[Part]]()
    for part in sorted(parts, key=lambda one: one.start):
        free = next((lane for lane in lanes if lane[-1].end <= part.start + 1e-6), None)
        if free is None:
            lanes.append([part])
        else:
            free.append(part)
    for row, lane in enumerate(lanes):
        for part, after in zip_longest(lane, lane[1:]):
            left, wide = plane.x(part.start), max(plane.x(part.end) - plane.x(part.start) - GAP, 2)
            room = (plane.x(after.start) if after else plane.width) - left - 6
            hint = f"<title>{text(f'{part.name}, {write.times(part.start, part.end)}')}</title>"
            bar = f'<rect x="{left:.1f}" y="{row * LANE + 16}" width="{wide:.1f}" height="4" class="span"/>'
            name = label(left + 1, row * LANE + 12, _short(part.name, int(room / LETTER)), "start")
            out.append(f"<g>{hint}{bar}{name}</g>")
    return "".join(out), LANE * len(lanes)


def _short(name: str, most: int) -> str:
    """A name in so many letters; nothing where not even its beginning has room."""
    return name if len(name) <= most else f"{name[: most - 1]}…" if most > 2 else ""


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
