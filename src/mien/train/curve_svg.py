"""The curves of a training as SVG in the page's own colours: no script, and they print."""

from __future__ import annotations

from collections.abc import Sequence

from mien.report.sections import text
from mien.train.axis import Axis, epoch_axis, value_axis
from mien.train.curves import Best, Panel, Series, runs, shown

WIDTH, HEIGHT = 520, 330
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 10, 46
MOST_DOTS = 120
"""Epochs from which on single ones have no dot: they would touch."""


def curve_chart(panel: Panel, epochs: Sequence[float], best: Best | None) -> str:
    """A chart of one panel; the dots' titles say the epoch and the value."""
    across, up = epoch_axis(epochs), value_axis(panel)
    parts = [_frame(across, up)]
    if best is not None:
        x = _x(across, best.epoch)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" class="ideal"/>')
    parts += [_curve(panel, one, epochs, across, up) for one in panel.series]
    parts += [_dots(panel, one, epochs, across, up, best) for one in panel.series]
    label = f"{panel.title} by epoch: {', '.join(one.name for one in panel.series)}"
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">{"".join(parts)}</svg>'


def chart_key(panel: Panel, best: Best | None) -> str:
    """Names of a chart's lines beside their colours."""
    kinds = {False: "", True: ' class="dashed"'}
    entries = [f'<span><i style="--c: var(--{one.colour})"{kinds[one.dashed]}></i>{text(one.name)}</span>' for one in panel.series]
    marked = '<span><i class="upright"></i>best epoch</span>' if best is not None else ""
    return f'<p class="key">{"".join(entries)}{marked}</p>'


def _frame(across: Axis, up: Axis) -> str:
    parts, bottom = [], HEIGHT - BOTTOM
    for tick in across.ticks:
        x = _x(across, tick)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="axis">{across.label(tick)}</text>')
    for tick in up.ticks:
        y = _y(up, tick)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end" class="axis">{up.label(tick)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "".join(parts) + f'<text x="{middle:.1f}" y="{HEIGHT - 6}" text-anchor="middle" class="axis">epoch</text>'


def _curve(panel: Panel, one: Series, epochs: Sequence[float], across: Axis, up: Axis) -> str:
    dashed = " dashed" if one.dashed else ""
    found = []
    for run in runs(one.values, kind=panel.kind):
        steps = " ".join(f"{_x(across, epochs[row]):.1f},{_y(up, one.values[row]):.1f}" for row in run)
        found.append(f'<polyline points="{steps}" class="curve{dashed}" style="--c: var(--{one.colour})"/>')
    return "".join(found)


def _dots(panel: Panel, one: Series, epochs: Sequence[float], across: Axis, up: Axis, best: Best | None) -> str:
    """A dot an epoch, larger in the best; of long trainings only those that no line shows and the best."""
    found = []
    few = len(epochs) <= MOST_DOTS
    for run in runs(one.values, kind=panel.kind):
        for row in run:
            marked = best is not None and row == best.row
            if not (few or marked or len(run) == 1):
                continue
            hint = text(f"epoch {epochs[row]:g}, {one.name}: {shown(one.values[row], panel.kind)}")
            spot = f'cx="{_x(across, epochs[row]):.1f}" cy="{_y(up, one.values[row]):.1f}"'
            radius = 5 if marked else 2.5
            found.append(f'<circle {spot} r="{radius}" class="dot" style="--c: var(--{one.colour})"><title>{hint}</title></circle>')
    return "".join(found)


def _x(axis: Axis, epoch: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.part(epoch)


def _y(axis: Axis, value: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - axis.part(value))
