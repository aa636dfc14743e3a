"""Charts of an evaluation as SVG in the page's own colours: no script, and they print."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.report.sections import percent, text
from mien.types import Floats

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 66, 24, 12, 46
DOTS = 4000
"""Most dots of a scatter; of more rows, that many spread evenly."""
SPACE = "\u00a0"
"""In percentages; as text it would be shown as `?`."""
SMALL = (352, 246)
"""Width and height of a chart that stands among others."""
TITLE_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Plane:
    """A square of data coordinates on the drawing."""

    low: float
    high: float
    bottom: float
    """The vertical axis may begin elsewhere."""
    top: float | None = None
    """And end elsewhere."""
    width: int = WIDTH
    """Of the drawing, in pixels."""
    height: int = HEIGHT

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + (self.width - LEFT - RIGHT) * (value - self.low) / (self.high - self.low)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        top = self.high if self.top is None else self.top
        return TOP + (self.height - TOP - BOTTOM) * (top - value) / (top - self.bottom)

    def frame(
        self, across: str, up: str, ticks: Sequence[float], *, shares: bool, up_ticks: Sequence[float] | None = None,
        names: Sequence[str] | None = None,
    ) -> str:  # fmt: skip
        """Grid, numbers and names of the axes. names: what stands at `ticks` instead of their numbers."""
        parts, floor, right = [], self.height - BOTTOM, self.width - RIGHT
        for tick, name in zip(ticks, names or [_tick(tick, shares) for tick in ticks], strict=True):
            x = self.x(tick)
            parts.append(_line(x, TOP, x, floor, "grid") + _text(x, floor + 18, name, "middle"))
        for tick in ticks if up_ticks is None else up_ticks:
            y = self.y(tick)
            parts.append(_line(LEFT, y, right, y, "grid") + _text(LEFT - 7, y + 4, _tick(tick, shares), "end"))
        middle = (TOP + floor) / 2
        parts.append(_text((LEFT + right) / 2, self.height - 6, across, "middle"))
        parts.append(
            f'<text x="13" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 13 {middle:.0f})" class="axis">{text(up)}</text>'
        )
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Curve:
    """One model's accuracy by level."""

    levels: Sequence[float]
    values: Sequence[float]
    """Shares, as many as levels."""
    intervals: Sequence[tuple[float, float]]
    """NaN where there are none."""
    hints: Sequence[str]
    """What is shown when a dot is pointed at."""
    untouched: float


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> str:
    """Accuracy against confidence by bins; a dot's area is its share of the pictures, the dashed line is perfect calibration."""
    plane = Plane(0, 1, 0)
    total = sum(one["n"] for one in bins) or 1
    dots, line = [], []
    for one in bins:
        if one["n"]:
            x, y = plane.x(one["confidence"]), plane.y(one["accuracy"])
            hint = f"{percent(one['confidence'])} confident, {percent(one['accuracy'])} right, {one['n']:,} pictures"
            dots.append(_dot(x, y, 3 + 22 * math.sqrt(one["n"] / total), hint))
            line.append((x, y))
    ideal = f'<line x1="{plane.x(0)}" y1="{plane.y(0)}" x2="{plane.x(1)}" y2="{plane.y(1)}" class="ideal"/>'
    body = plane.frame("confidence", "accuracy", TITLE_TICKS, shares=True) + ideal + _path(line) + "".join(dots)
    return _svg(body, "Reliability: accuracy against confidence")


def coverage_chart(curves: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """Accuracy on the most confident part of the pictures, a line for each model."""
    known = [value for _, curve in curves for value in curve.values() if value == value]
    bottom = math.floor(10 * min(known, default=0.0)) / 10
    plane = Plane(0, 1, min(bottom, 0.9))
    up = [tick / 10 for tick in range(round(plane.bottom * 10), 11)]
    parts = [plane.frame("part of the pictures answered, the most confident first", "accuracy", TITLE_TICKS, shares=True, up_ticks=up)]
    for k, (name, curve) in enumerate(curves):
        points = [(plane.x(float(share)), plane.y(value)) for share, value in curve.items()]
        parts.append(_path(points, second=k > 0))
        for (share, value), (x, y) in zip(curve.items(), points, strict=True):
            parts.append(_dot(x, y, 4, f"{name}: {percent(value)} right of {percent(float(share))}", second=k > 0))
    return _svg("".join(parts), "Accuracy by coverage")


def level_chart(across: str, curves: Sequence[Curve], *, bottom: float, top: float, doubling: bool = False) -> str:
    """Accuracy by level with bands of its intervals, a line for each model; dashed what it is without a change. Small.

    bottom, top: shares that the upright axis goes from and to. doubling: the level's axis has equal steps for equal ratios.
    """
    every = sorted({level for curve in curves for level in curve.levels})
    places = {level: math.log2(level) if doubling else level for level in every}
    low, high = min(places.values()), max(places.values())
    edge = 0.04 * (high - low) or 1.0
    plane = Plane(low - edge, high + edge, bottom, top, *SMALL)
    up = [tick / 10 for tick in range(round(10 * bottom), round(10 * top) + 1)]
    names = [f"{level:g}".replace("-", "\u2212") for level in every]
    parts = [plane.frame(across, "accuracy", list(places.values()), shares=True, up_ticks=up, names=names)]
    for k, curve in enumerate(curves):
        x = [plane.x(places[level]) for level in curve.levels]
        known = [(at, low, high) for at, (low, high) in zip(x, curve.intervals, strict=True) if low == low]
        outline = [(at, high) for at, _, high in known] + [(at, low) for at, low, _ in reversed(known)]
        corners = " ".join(f"{at:.1f},{plane.y(value):.1f}" for at, value in outline)
        parts.append(f'<polygon points="{corners}" class="{"band second" if k else "band"}"/>' if known else "")
        y = plane.y(curve.untouched)
        parts.append(_line(plane.x(plane.low), y, plane.x(plane.high), y, "ideal"))
        points = [(at, plane.y(value)) for at, value in zip(x, curve.values, strict=True)]
        parts.append(_path(points, second=k > 0))
        parts += [_dot(*point, 3, hint, second=k > 0) for point, hint in zip(points, curve.hints, strict=True)]
    return _svg("".join(parts), f"Accuracy by {across}", SMALL)


def affect_chart(axis: str, guess: Floats, true: Floats) -> str:
    """The model's value against the true one; the dashed line is where they are equal."""
    plane = Plane(-1, 1, -1)
    both = np.flatnonzero(np.isfinite(guess) & np.isfinite(true))
    if len(both) > DOTS:
        both = both[np.linspace(0, len(both) - 1, DOTS).astype(np.int64)]
    dots = "".join(
        f'<circle cx="{plane.x(float(x)):.1f}" cy="{plane.y(float(y)):.1f}" r="2.2"/>' for x, y in zip(true[both], guess[both], strict=True)
    )
    ideal = f'<line x1="{plane.x(-1)}" y1="{plane.y(-1)}" x2="{plane.x(1)}" y2="{plane.y(1)}" class="ideal"/>'
    frame = plane.frame(f"{axis}, true", f"{axis}, the model's", (-1, -0.5, 0, 0.5, 1), shares=False)
    return _svg(f'{frame}{ideal}<g class="cloud">{dots}</g>', f"{axis}: the model's value against the true one")


def interval_bar(low: float, value: float, high: float) -> str:
    """A share of 0..1 with its interval, as wide as a table's cell."""
    if any(number != number for number in (low, value, high)):
        return ""
    return (
        '<svg class="bar" viewBox="0 0 160 14" width="160" height="14" aria-hidden="true">'
        '<line x1="0" y1="7" x2="160" y2="7" class="grid"/>'
        f'<line x1="{160 * low:.1f}" y1="7" x2="{160 * high:.1f}" y2="7" class="whisker"/>'
        f'<circle cx="{min(max(160 * value, 4), 156):.1f}" cy="7" r="4" class="dot"/></svg>'
    )


def confusion_table(labels: Sequence[str], counts: Sequence[Sequence[int]], no_answer: Sequence[int]) -> str:
    """The confusion matrix: in each cell the count and its share of the row, which colours it too."""
    extra = any(no_answer)
    head = "".join(f'<th scope="col">{text(name)}</th>' for name in labels) + ('<th scope="col">no face</th>' if extra else "")
    lines = []
    for k, name in enumerate(labels):
        row = [*counts[k], *([no_answer[k]] if extra else [])]
        total = sum(row)
        cells = "".join(_cell(value, value / total if total else 0.0, right=j == k) for j, value in enumerate(row))
        lines.append(f'<tr><th scope="row">{text(name)}</th>{cells}<td class="sum">{total:,}</td></tr>')
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="confusion"><thead><tr>'
        f'<th scope="col">true ↓ answer →</th>{head}<th scope="col">all</th></tr></thead><tbody>{"".join(lines)}</tbody></table></div>'
    )


def _cell(count: int, share: float, *, right: bool) -> str:
    strength = round(100 * math.sqrt(share))
    kind = ' class="strong"' if strength > 65 else ""
    colour = "accent" if right else "other"
    style = f"background: color-mix(in srgb, var(--{colour}) {strength}%, var(--surface))"
    return f'<td{kind} style="{style}">{count:,}<small>{percent(share) if count else ""}</small></td>'


def _tick(value: float, shares: bool) -> str:
    return f"{100 * value:.0f} %" if shares else f"{value:g}"


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, value: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="axis">{text(value)}</text>'


def _dot(x: float, y: float, radius: float, hint: str, *, second: bool = False) -> str:
    kind = "dot second" if second else "dot"
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{kind}"><title>{text(hint.replace(SPACE, " "))}</title></circle>'


def _path(points: Iterable[tuple[float, float]], *, second: bool = False) -> str:
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{steps}" class="{"curve second" if second else "curve"}"/>'


def _svg(body: str, label: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> str:
    return f'<svg class="chart" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{text(label)}">{body}</svg>'
