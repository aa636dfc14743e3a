"""The curves of a training as SVG in the page's own colours: no script, and they print."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mien.report.sections import text
from mien.train.axis import Axis, epoch_axis, value_axis
from mien.train.curves import Best, Panel, Series, runs, shown

WIDTH, HEIGHT = 520, 330
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 10, 46
"""Pixels around the plane; numbers that are longer take more on the left."""
GAP, CHARACTER = 7, 11
"""Between an axis and its numbers, and of a character where those are largest: on a narrow screen, in a wide font."""
MOST_DOTS = 120
"""Epochs from which on single ones have no dot: they would touch."""


@dataclass(frozen=True, slots=True)
class _Plane:
    """Where a chart's values lie on the drawing."""

    across: Axis
    up: Axis
    left: int
    """Pixels left of the plane: room for the longest number."""

    def x(self, epoch: float) -> float:
        """Pixels from the left."""
        return self.left + (WIDTH - self.left - RIGHT) * self.across.part(epoch)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - self.up.part(value))


def _plane(panel: Panel, epochs: Sequence[float]) -> _Plane:
    up = value_axis(panel)
    longest = max((len(up.label(tick)) for tick in up.ticks), default=0)
    return _Plane(epoch_axis(epochs), up, max(LEFT, GAP + math.ceil(CHARACTER * longest)))


def curve_chart(panel: Panel, epochs: Sequence[float], best: Best | None) -> str:
    """A chart of one panel; the dots' titles say the epoch and the value."""
    plane = _plane(panel, epochs)
    parts = [_frame(plane)]
    if best is not None:
        x = plane.x(best.epoch)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" class="ideal"/>')
    parts += [_curve(panel, one, epochs, plane) for one in panel.series]
    parts += [_dots(panel, one, epochs, plane, best) for one in panel.series]
    label = f"{panel.title} by epoch: {', '.join(one.name for one in panel.series)}"
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">{"".join(parts)}</svg>'


def chart_key(panel: Panel, best: Best | None) -> str:
    """Names of a chart's lines beside their colours."""
    kinds = {False: "", True: ' class="dashed"'}
    entries = [f'<span><i style="--c: var(--{one.colour})"{kinds[one.dashed]}></i>{text(one.name)}</span>' for one in panel.series]
    marked = '<span><i class="upright"></i>best epoch</span>' if best is not None else ""
    return f'<p class="key">{"".join(entries)}{marked}</p>'


def _frame(plane: _Plane) -> str:
    parts, bottom = [], HEIGHT - BOTTOM
    for tick in plane.across.ticks:
        x = plane.x(tick)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="axis">{plane.across.label(tick)}</text>')
    for tick in plane.up.ticks:
        y = plane.y(tick)
        parts.append(f'<line x1="{plane.left}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{plane.left - GAP}" y="{y + 4:.1f}" text-anchor="end" class="axis">{plane.up.label(tick)}</text>')
    middle = (plane.left + WIDTH - RIGHT) / 2
    return "".join(parts) + f'<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle" class="axis">epoch</text>'


def _curve(panel: Panel, one: Series, epochs: Sequence[float], plane: _Plane) -> str:
    dashed = " dashed" if one.dashed else ""
    found = []
    for run in runs(one.values, kind=panel.kind):
        steps = " ".join(f"{plane.x(epochs[row]):.1f},{plane.y(one.values[row]):.1f}" for row in run)
        found.append(f'<polyline points="{steps}" class="curve{dashed}" style="--c: var(--{one.colour})"/>')
    return "".join(found)


def _dots(panel: Panel, one: Series, epochs: Sequence[float], plane: _Plane, best: Best | None) -> str:
    """A dot an epoch, larger in the best; of long trainings only those that no line shows and the best."""
    found = []
    few = len(epochs) <= MOST_DOTS
    for run in runs(one.values, kind=panel.kind):
        for row in run:
            marked = best is not None and row == best.row
            if not (few or marked or len(run) == 1):
                continue
            hint = text(f"epoch {epochs[row]:g}, {one.name}: {shown(one.values[row], panel.kind)}")
            spot = f'cx="{plane.x(epochs[row]):.1f}" cy="{plane.y(one.values[row]):.1f}"'
            radius = 5 if marked else 2.5
            found.append(f'<circle {spot} r="{radius}" class="dot" style="--c: var(--{one.colour})"><title>{hint}</title></circle>')
    return "".join(found)
