"""Charts of a search as SVG in the page's own colours: no script, and they print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from mien.report.sections import percent, text
from mien.train.axis import Axis, epoch_axis, value_axis
from mien.train.curves import Kind, Panel, Series
from mien.train.tune.space import Choices, Dimension, direction
from mien.train.tune.study import Found
from mien.train.tune.trials import Tried, best_of
from mien.train.tune.words import figure, shown

WIDTH, HEIGHT = 520, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 14, 10, 46
SMALL = 250
"""Height of the charts of single settings."""
LINE = 30
"""Height of a bar with its name."""
NAMES = 150
"""Width of the names beside the bars."""


def history_chart(found: Found) -> str:
    """The metric of each trial, and the best so far as a line of steps."""
    rows = measured(found.tried)
    across = epoch_axis([one.number for one in found.tried])
    up = metric_axis(found)
    frame = _frame(across, up, "trial", HEIGHT)
    complete = [one for one in rows if one.state == "complete"]
    line = ""
    if complete:
        bests = list(accumulate((one.value for one in complete), lambda a, b: best_of([a, b], found.metric)))
        ends = [*(one.number for one in complete[1:]), found.tried[-1].number]
        steps = [
            (x, best)
            for one, end, best in zip(complete, ends, bests, strict=True)
            for x in (one.number, end)
        ]  # fmt: skip
        points = " ".join(f"{_x(across, x):.1f},{_y(up, best, HEIGHT):.1f}" for x, best in steps)
        line = f'<polyline points="{points}" class="curve"/>'
    dots = _dots(((one, across.part(one.number)) for one in rows), up, found, HEIGHT)
    return _svg(frame + line + dots, f"{found.metric} of each trial, and the best so far", HEIGHT)


def importance_chart(importance: Mapping[str, float]) -> str:
    """Bars of the share that each setting has in what makes a good trial."""
    parts = []
    room = WIDTH - NAMES - 70
    for k, (name, share) in enumerate(importance.items()):
        y = 6 + LINE * k
        parts.append(
            f'<text x="{NAMES - 8}" y="{y + 15}" text-anchor="end" class="axis">{text(name)}</text>'
            f'<rect x="{NAMES}" y="{y}" width="{max(room * share, 1):.1f}" height="20" rx="3" class="share"/>'
            f'<text x="{NAMES + room * share + 8:.1f}" y="{y + 15}" class="axis">{percent(share)}</text>'
        )
    return _svg("".join(parts), "Importance of each setting", 12 + LINE * len(importance))


def setting_chart(found: Found, name: str) -> str:
    """The metric against the values tried of one setting."""
    across, up = setting_axis(found, name), metric_axis(found)
    rows = [(one, across.part(place(found.space.dimensions[name], one.values[name]))) for one in measured(found.tried)]
    labels = _choice_labels(found.space.dimensions[name])
    return _svg(_frame(across, up, name, SMALL, labels) + _dots(rows, up, found, SMALL), f"{found.metric} by {name}", SMALL)


def parallel_chart(found: Found) -> str:
    """An axis for each setting and one for the metric; a line for each trial, the better the stronger, the best one on top."""
    names = list(found.space.dimensions)
    width, left, right, top, bottom = 1080, 70, 70, 34, 16
    gap = (width - left - right) / len(names)
    up = metric_axis(found)
    axes = [setting_axis(found, name) for name in names]

    def y(part: float) -> float:
        return top + (HEIGHT - top - bottom) * (1 - part)

    parts = []
    rows = measured(found.tried)
    sign = 1 if direction(found.metric) == "minimize" else -1
    order = sorted(rows, key=lambda one: -sign * one.value)
    for k, one in enumerate(order):
        ends = [axis.part(place(found.space.dimensions[name], one.values[name])) for name, axis in zip(names, axes, strict=True)]
        points = " ".join(f"{left + gap * i:.1f},{y(part):.1f}" for i, part in enumerate([*ends, up.part(one.value)]))
        best = one == found.best
        strength = 1.0 if best else 0.12 + 0.55 * (k / max(len(order) - 1, 1)) ** 2
        kind = "curve best" if best else "curve"
        parts.append(
            f'<polyline points="{points}" class="{kind}" stroke-opacity="{strength:.2f}"><title>{text(hint(one, found))}</title></polyline>'
        )
    for i, (name, axis) in enumerate(zip([*names, found.metric], [*axes, up], strict=True)):
        x = left + gap * i
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{HEIGHT - bottom}" class="upright"/>')
        parts.append(f'<text x="{x:.1f}" y="16" text-anchor="middle" class="axis strong">{text(name)}</text>')
        labels = _choice_labels(found.space.dimensions[name]) if name in found.space.dimensions else {}
        for tick in axis.ticks:
            label = text(labels.get(tick, axis.label(tick)))
            parts.append(f'<text x="{x + 6:.1f}" y="{y(axis.part(tick)) + 4:.1f}" class="axis halo">{label}</text>')
    label = "Trials as lines through their values"
    return f'<svg class="chart wide" viewBox="0 0 {width} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def measured(tried: Sequence[Tried]) -> list[Tried]:
    """Trials that came to an end with a value that a chart can show."""
    return [one for one in tried if one.state in ("complete", "pruned") and math.isfinite(one.value)]


def metric_axis(found: Found) -> Axis:
    """The axis of the metric, for all trials."""
    return _axis([one.value for one in measured(found.tried)], "plain")


def setting_axis(found: Found, name: str) -> Axis:
    """The axis of one setting: choices side by side, numbers as far as they were tried."""
    dimension = found.space.dimensions[name]
    if isinstance(dimension, Choices):
        last = len(dimension.values) - 1
        return Axis(-0.5, last + 0.5, tuple(float(k) for k in range(last + 1)))
    axis = _axis([place(dimension, one.values[name]) for one in measured(found.tried)], "log" if dimension.log else "plain")
    if dimension.whole and not dimension.log:
        return Axis(axis.low, axis.high, tuple(tick for tick in axis.ticks if tick == round(tick)))
    return axis


def place(dimension: Dimension, value: Any) -> float:
    """Where a value lies on its axis."""
    return float(dimension.values.index(value)) if isinstance(dimension, Choices) else float(value)


def hint(one: Tried, found: Found) -> str:
    """A trial in a line."""
    values = ", ".join(f"{name} {shown(value)}" for name, value in one.values.items())
    cut = " (cut short)" if one.state == "pruned" else ""
    return f"trial {one.number}: {found.metric} {figure(one.value)}{cut}; {values}"


def _axis(values: list[float], kind: Kind) -> Axis:
    return value_axis(Panel("", "", kind, (Series("", "", "", False, tuple(values)),)))


def _choice_labels(dimension: Dimension) -> dict[float, str]:
    return {float(k): shown(value) for k, value in enumerate(dimension.values)} if isinstance(dimension, Choices) else {}


def _frame(across: Axis, up: Axis, name: str, height: int, labels: Mapping[float, str] | None = None) -> str:
    parts, bottom = [], height - BOTTOM
    for tick in across.ticks:
        x, label = _x(across, tick), (labels or {}).get(tick) or across.label(tick)
        parts.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}" class="grid"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle" class="axis">{text(label)}</text>')
    for tick in up.ticks:
        y = _y(up, tick, height)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end" class="axis">{up.label(tick)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "".join(parts) + f'<text x="{middle:.1f}" y="{height - 6}" text-anchor="middle" class="axis">{text(name)}</text>'


def _dots(rows: Iterable[tuple[Tried, float]], up: Axis, found: Found, height: int) -> str:
    """Full dots for complete trials, rings for those that were cut short, a large dot for the best."""
    parts = []
    for one, part in sorted(rows, key=lambda row: row[0] == found.best):
        x, y = LEFT + (WIDTH - LEFT - RIGHT) * part, _y(up, one.value, height)
        kind = "ring" if one.state == "pruned" else "dot best" if one == found.best else "dot"
        radius = 6 if one == found.best else 4
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" class="{kind}"><title>{text(hint(one, found))}</title></circle>')
    return "".join(parts)


def _x(axis: Axis, value: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.part(value)


def _y(axis: Axis, value: float, height: int) -> float:
    return TOP + (height - TOP - BOTTOM) * (1 - axis.part(value))


def _svg(body: str, label: str, height: int) -> str:
    return f'<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text(label)}">{body}</svg>'
